use std::{env, num::NonZero, thread};

use crate::{keeps_to_its_threads, resolve_device};

use super::ExperimentConfig;

/// Largest network that is trained in stacks by default. The time for a step of a larger one is that of its arithmetic on a
/// graphics card, not of the launches that a stack saves.
const MAX_PARAMETERS: usize = 1_000_000;

/// Most parameters of a stack by default. With gradients, the optimizer's state and that of the method, they take less than
/// 2 GB.
const MAX_STACKED_PARAMETERS: usize = 32_000_000;

/// The resources of a machine to divide among processes, and the user's setting for them.
struct Machine {
    num_cores: usize,
    /// Threads of a process according to `RAYON_NUM_THREADS`.
    num_threads: Option<usize>,
}

impl ExperimentConfig {
    /// Processes at the same time on this machine: the given number, or the default.
    pub fn num_jobs(&self) -> usize {
        self.num_jobs_on(&Machine::this())
    }

    /// Runs that a process trains at once: the given number, or the default on this config's device. A method may not be
    /// fit for that, see [`in_stacks`](Self::in_stacks).
    pub fn num_replicas(&self) -> usize {
        self.num_replicas
            .unwrap_or_else(|| self.usual_num_replicas())
    }

    fn usual_num_replicas(&self) -> usize {
        match self.num_hidden_parameters() {
            Some(num_parameters) if num_parameters <= MAX_PARAMETERS && self.prepares_kernels() => {
                let num_runs = self.conditions().len().saturating_mul(self.num_seeds);
                let per_job = num_runs.div_ceil(self.num_jobs());
                per_job.clamp(1, MAX_STACKED_PARAMETERS / num_parameters.max(1))
            }
            _ => 1,
        }
    }

    /// Threads of each process: the given number, or the default on this machine. `None` on a device where a process
    /// does not compute only with its own threads.
    pub fn num_threads(&self) -> Option<usize> {
        self.num_threads_on(&Machine::this())
    }

    /// The cores of this machine divided by the number of processes, ignoring all settings for
    /// threads.
    pub(super) fn share_of_cores(&self) -> usize {
        let machine = Machine {
            num_threads: None,
            ..Machine::this()
        };
        machine.share(self.num_jobs_on(&machine))
    }

    /// Threads with which this process computes. `None` on a device where it does not compute only
    /// with them.
    pub(super) fn threads_in_use(&self) -> Option<usize> {
        self.keeps_to_its_threads().then(rayon::current_num_threads)
    }

    /// Whether each process computes only with its own threads.
    pub(super) fn keeps_to_its_threads(&self) -> bool {
        resolve_device(&self.device).is_ok_and(|device| keeps_to_its_threads(&device))
    }

    fn num_jobs_on(&self, machine: &Machine) -> usize {
        if let Some(num_jobs) = self.num_jobs {
            return num_jobs;
        }
        if !self.keeps_to_its_threads() {
            return 1;
        }
        let num_threads = self.num_threads.or(machine.num_threads).unwrap_or(1);
        let num_stacks = self.in_stacks(self.runs(), self.num_replicas()).len();
        (machine.num_cores / num_threads).min(num_stacks).max(1)
    }

    fn num_threads_on(&self, machine: &Machine) -> Option<usize> {
        self.keeps_to_its_threads().then(|| {
            let given = self.num_threads.or(machine.num_threads);
            given.unwrap_or_else(|| machine.share(self.num_jobs_on(machine)))
        })
    }
}

impl Machine {
    fn this() -> Self {
        let said = env::var("RAYON_NUM_THREADS").ok();
        Self {
            num_cores: thread::available_parallelism().map_or(1, NonZero::get),
            // rayon ignores 0 and anything that is not a number.
            num_threads: said
                .and_then(|number| number.parse().ok())
                .filter(|number| *number > 0),
        }
    }

    /// Cores for each of `num_jobs` processes.
    fn share(&self, num_jobs: usize) -> usize {
        (self.num_cores / num_jobs).max(1)
    }
}

#[cfg(test)]
mod tests {
    use crate::experiment::Experiment;
    use crate::fixture;

    use super::*;

    fn machine(num_cores: usize) -> Machine {
        Machine {
            num_cores,
            num_threads: None,
        }
    }

    /// Jobs and threads of an experiment of two conditions at that many seeds.
    fn divided(
        num_seeds: usize,
        [num_jobs, num_threads]: [Option<usize>; 2],
        machine: &Machine,
    ) -> (usize, usize) {
        let config = ExperimentConfig {
            num_jobs,
            num_threads,
            ..fixture::config(&[0.0, 1.0], num_seeds)
        };
        let threads = config.num_threads_on(machine);
        (
            config.num_jobs_on(machine),
            threads.expect("flex keeps to them"),
        )
    }

    #[test]
    fn runs_share_the_cores() {
        for (num_cores, num_seeds, expected) in [
            (8, 10, (8, 1)),
            (8, 2, (4, 2)),
            (8, 1, (2, 4)),
            (7, 1, (2, 3)),
            (1, 3, (1, 1)),
        ] {
            let machine = machine(num_cores);
            assert_eq!(divided(num_seeds, [None, None], &machine), expected);
            // With the stored number of threads, the number of processes is the same.
            let stored = divided(num_seeds, [None, Some(expected.1)], &machine);
            assert_eq!(stored, expected);
        }
    }

    #[test]
    fn given_numbers_are_used_on_any_machine() {
        for (given, num_cores, expected) in [
            ([Some(1), None], 8, (1, 8)),
            ([Some(64), None], 8, (64, 1)),
            ([None, Some(3)], 8, (2, 3)),
            ([None, Some(4)], 1, (1, 4)),
            ([Some(2), Some(5)], 1, (2, 5)),
        ] {
            assert_eq!(divided(10, given, &machine(num_cores)), expected);
        }
    }

    #[test]
    fn runs_that_are_trained_at_once_need_one_process() {
        let config = ExperimentConfig {
            num_replicas: Some(3),
            ..fixture::config(&[0.0, 1.0], 3)
        };
        assert_eq!(config.num_jobs_on(&machine(8)), 2);
        assert_eq!(config.num_threads_on(&machine(8)), Some(4));
    }

    #[test]
    fn by_default_small_networks_are_stacked_on_a_graphics_card_and_others_are_not() {
        let small = fixture::config(&[0.0, 1.0], 5);
        let on = |device: &str, hidden_sizes: &[usize], num_jobs| ExperimentConfig {
            device: device.to_string(),
            hidden_sizes: hidden_sizes.to_vec(),
            num_jobs,
            ..small.clone()
        };
        for (config, expected) in [
            (on("flex", &[256, 256], None), 1),
            (on("cpu", &[256, 256], None), 1),
            (on("cuda:1", &[256, 256], None), 10),
            (on("vulkan", &[256, 256], Some(3)), 4),
            (on("cuda", &[], None), 10),
            // 785 × 600 + 601 × 600 = 831,600 parameters, and one layer more.
            (on("cuda", &[600, 600], None), 10),
            (on("cuda", &[600, 600, 600], None), 1),
            (on("cuda", &[usize::MAX, usize::MAX], None), 1),
        ] {
            assert_eq!(config.num_replicas(), expected, "{config:?}");
        }
        let many = fixture::config(&[0.0, 1.0], 500);
        let many = ExperimentConfig {
            device: "cuda".to_string(),
            ..many
        };
        // 785 × 256 + 257 × 256 = 266,752 parameters.
        assert_eq!(many.num_replicas(), 119);
        let cifar = ExperimentConfig {
            device: "cuda".to_string(),
            ..ExperimentConfig::paper(Experiment::SplitCifar)
        };
        assert_eq!(cifar.num_replicas(), 1);
    }

    #[test]
    fn a_given_number_of_replicas_is_used_on_any_device() {
        for device in ["flex", "cuda"] {
            let config = ExperimentConfig {
                device: device.to_string(),
                num_replicas: Some(4),
                ..fixture::config(&[0.0, 1.0], 1)
            };
            assert_eq!(config.num_replicas(), 4);
        }
    }

    #[test]
    fn rayons_number_of_threads_is_the_default() {
        let machine = Machine {
            num_threads: Some(2),
            ..machine(8)
        };
        assert_eq!(divided(10, [None, None], &machine), (4, 2));
        assert_eq!(divided(10, [Some(1), None], &machine), (1, 2));
        assert_eq!(divided(10, [None, Some(8)], &machine), (1, 8));
    }

    #[test]
    fn device_with_its_own_threads_has_one_process_and_no_thread_count() {
        let config = ExperimentConfig {
            device: "vulkan".to_string(),
            num_threads: Some(2),
            ..fixture::config(&[0.0, 1.0], 3)
        };
        assert_eq!(config.num_jobs_on(&machine(8)), 1);
        assert_eq!(config.num_threads_on(&machine(8)), None);
    }
}
