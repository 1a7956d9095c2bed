use std::env;
use std::time::Duration;

use anyhow::Context;
use indicatif::DecimalBytes;
use si_bench::repro::{Part, Study, reductions};

use crate::commands::probe::probe;
use crate::experiment::{check, worker};
use crate::output;
use crate::progress::clock;

/// Lists what would run, with its estimated cost. The estimate is from steps of the first task, which has no
/// penalty yet, and each run is counted as if it were trained alone.
pub(super) fn print(parts: &[Part], studies: &[Study]) -> anyhow::Result<()> {
    let program = env::current_exe().context("cannot find this program's own file")?;
    let mut total = 0.0;
    for part in parts.iter().filter(|part| part.experiment().is_none()) {
        output::result(format_args!("{}: seconds", part.title()))?;
    }
    for study in studies {
        let config = &study.config;
        output::result(study.title())?;
        let reductions = reductions(config);
        output::result(if reductions.is_empty() {
            "  the paper's protocol".to_string()
        } else {
            format!("  reduced: {}", reductions.join(", "))
        })?;
        if let Err(error) = check(config) {
            output::result(format_args!("  cannot run here: {error:#}"))?;
            continue;
        }
        let num_jobs = config.num_jobs();
        let mut runs = Vec::new();
        for condition in config.conditions() {
            let probe = probe(worker(&program, config.num_threads()), config, &condition)?;
            let of_runs = probe.seconds() * config.num_seeds as f64;
            runs.extend(vec![probe.seconds(); config.num_seeds]);
            let memory = match probe.peak_bytes {
                Some(bytes) => format!(", {} each", DecimalBytes(bytes)),
                None => String::new(),
            };
            output::result(format_args!(
                "  {:<12} {} seeds × {} steps of {:.1} ms ({:.1} % for the data): {}{memory}",
                condition.name,
                config.num_seeds,
                probe.num_steps,
                1e3 * probe.seconds_per_step,
                100.0 * probe.data_share,
                clock(Duration::from_secs_f64(of_runs)),
            ))?;
        }
        let num_jobs = num_jobs.min(runs.len());
        let wall = wall_time(runs, num_jobs);
        total += wall;
        output::result(format_args!(
            "  {num_jobs} processes at the same time on {}: about {}",
            config.device,
            clock(Duration::from_secs_f64(wall))
        ))?;
    }
    if studies.iter().any(|study| study.config.num_replicas() > 1) {
        output::result("each run is counted alone; stacks of runs (--replicas) take less")?;
    }
    output::result(format_args!(
        "total: about {}, plus a little for costs that only later tasks have",
        clock(Duration::from_secs_f64(total))
    ))?;
    Ok(())
}

/// Time until the last run is done, if each run starts in the process that is free first.
fn wall_time(runs: Vec<f64>, num_jobs: usize) -> f64 {
    let mut busy_until = vec![0.0; num_jobs.max(1)];
    for seconds in runs {
        busy_until.sort_by(f64::total_cmp);
        busy_until[0] += seconds;
    }
    busy_until.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_leave_processes_idle() {
        assert_eq!(wall_time(vec![3.0, 1.0, 1.0, 2.0], 2), 4.0);
        assert_eq!(wall_time(vec![2.0], 64), 2.0);
        assert_eq!(wall_time(Vec::new(), 0), 0.0);
    }
}
