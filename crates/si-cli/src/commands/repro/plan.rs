use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use si_bench::experiment::{Experiment, RunFolder};
use si_bench::repro::{Budget, Part, Study};
use si_bench::{AUTO, Error};

use super::ReproArgs;
use crate::plan_file;

/// The settings of a `si repro`. They are stored in the results' folder, so that it can be resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    full: bool,
    #[serde(default = "flex")]
    device: String,
    jobs: Option<usize>,
    replicas: Option<usize>,
    threads: Option<usize>,
    data_dir: Option<PathBuf>,
    pub(super) publish: Option<PathBuf>,
}

/// Names of studies that do not run, each with the reason.
type LeftOut = Vec<(String, Error)>;

const FILE: &str = "repro.toml";

/// The device of a plan that names none: old plans, from when there was only Flex.
fn flex() -> String {
    "flex".to_string()
}

impl Plan {
    pub(super) fn new(args: &ReproArgs) -> anyhow::Result<Self> {
        let mut parts = if args.only.is_empty() {
            Part::ALL.to_vec()
        } else {
            args.only.clone()
        };
        parts.sort();
        parts.dedup();
        Ok(Self {
            parts,
            full: args.full,
            // Stored results should name the device that they came from.
            device: si_bench::resolve_device(args.device.as_deref().unwrap_or(AUTO))?,
            jobs: args.jobs,
            replicas: args.replicas,
            threads: args.threads,
            data_dir: args.data_dir.clone(),
            publish: args.publish.clone(),
        })
    }

    /// This plan with those of `args` that may change when resuming.
    pub(super) fn with(self, args: &ReproArgs) -> Self {
        Self {
            jobs: args.jobs.or(self.jobs),
            replicas: args.replicas.or(self.replicas),
            data_dir: args.data_dir.clone().or(self.data_dir),
            publish: args.publish.clone().or(self.publish),
            ..self
        }
    }

    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        plan_file::read(folder, FILE, "repro")
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        plan_file::write(folder, FILE, self)
    }

    /// The studies that the parts need and that can run on the device.
    pub(super) fn studies(&self) -> anyhow::Result<Vec<Study>> {
        Ok(self.all_studies()?.0)
    }

    /// The names of those that cannot run on the device, each with the reason.
    pub(super) fn left_out(&self) -> anyhow::Result<LeftOut> {
        Ok(self.all_studies()?.1)
    }

    fn all_studies(&self) -> anyhow::Result<(Vec<Study>, LeftOut)> {
        let budget = if self.full {
            Budget::Full
        } else {
            Budget::Reduced
        };
        // Checked even if no part needs it: a wrong name is a mistake.
        si_bench::device(&self.device)?;
        let (mut studies, mut left_out) = (Vec::new(), Vec::new());
        for mut study in Study::of(&self.parts, budget) {
            let config = &mut study.config;
            config.device.clone_from(&self.device);
            config.num_jobs = self.jobs;
            config.num_replicas = self.replicas;
            config.num_threads = self.threads;
            // MNIST is part of the program, so it need not be in CIFAR's folder.
            if config.experiment == Experiment::SplitCifar {
                config.data_dir.clone_from(&self.data_dir);
            }
            config.validate()?;
            match config.find_device() {
                Ok(_) => studies.push(study),
                Err(error) => left_out.push((study.name(), error)),
            }
        }
        Ok((studies, left_out))
    }

    /// Whether every run and the report are done.
    pub(super) fn is_done(&self, folder: &Path) -> anyhow::Result<bool> {
        for study in self.studies()? {
            let path = folder.join(study.name());
            if !path.exists() || !RunFolder::open(&path)?.missing()?.is_empty() {
                return Ok(false);
            }
        }
        // The report is written last.
        Ok(folder.join(si_bench::repro::HTML).exists())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_unknown_key_names_the_file_the_line_and_the_closest_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "parts = [\"fig4\"]\nfull = false\nnum_jobs = 2\n";
        fs::write(folder.path().join(FILE), text).expect("written");
        let error = Plan::read(folder.path()).expect_err("num_jobs is not a key");
        let expected =
            "is not a valid plan: line 3: there is no key `num_jobs`; did you mean `jobs`?";
        let message = format!("{error:#}");
        assert!(
            message.ends_with(&format!("{FILE} {expected}")),
            "{message}"
        );
    }

    #[test]
    fn a_plan_without_a_device_is_for_flex() {
        let text = "parts = [\"fig4\"]\nfull = false\n";
        let plan: Plan = toml::from_str(text).expect("a plan");
        assert_eq!(plan.device, "flex");
        assert!(plan.left_out().expect("flex is compiled in").is_empty());
        let names: Vec<String> = plan
            .studies()
            .expect("valid")
            .iter()
            .map(Study::name)
            .collect();
        assert_eq!(names, ["permuted-mnist", "permuted-mnist-bf16"]);
    }
}
