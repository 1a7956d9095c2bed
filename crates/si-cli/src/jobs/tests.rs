use std::cell::Cell;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use si_bench::experiment::{Condition, Experiment, ExperimentConfig, Versions};
use si_bench::metrics::AccuracyMatrix;

use super::*;

#[test]
fn every_job_runs_and_no_more_at_a_time_than_allowed() {
    let jobs = jobs(5);
    let (mut running, mut most, mut finished) = (0, 0, Vec::new());
    let outcome = Pool::new(2, false)
        .run_all(&jobs, reporting, |index, event| {
            match event {
                Event::Started => running += 1,
                Event::Advanced(progress) => assert_eq!(progress, PROGRESS),
                Event::Finished { records, .. } => {
                    assert_eq!(records, records_of(&jobs[index]));
                    running -= 1;
                    finished.push(index);
                }
                Event::Failed(error) => panic!("{error}"),
            }
            most = most.max(running);
            Ok(())
        })
        .expect("the jobs run");
    assert_eq!(outcome, Outcome::Done { num_failed: 0 });
    assert_eq!(most, 2);
    finished.sort_unstable();
    assert_eq!(finished, [0, 1, 2, 3, 4]);
}

#[test]
fn a_failed_job_tells_why_and_leaves_the_others_alone() {
    let jobs = jobs(3);
    let mut failures = Vec::new();
    let outcome = Pool::new(1, false)
        .run_all(
            &jobs,
            |job| match seed(job) {
                0 => shell("echo error: out of memory >&2; exit 1"),
                1 => Command::new("/there/is/no/such/program"),
                _ => reporting(job),
            },
            |index, event| {
                if let Event::Failed(error) = event {
                    failures.push((index, error));
                }
                Ok(())
            },
        )
        .expect("the jobs run");
    assert_eq!(outcome, Outcome::Done { num_failed: 2 });
    assert_eq!(failures[0], (0, "out of memory".to_string()));
    assert!(failures[1].1.starts_with("cannot start the process: "));
}

#[test]
fn a_worker_that_ends_without_a_record_has_failed() {
    for (script, expected) in [
        (
            "exit 0",
            "the process ended without a result (exit status: 0)",
        ),
        (
            "kill -KILL $$",
            "the process ended without a result (signal: 9 (SIGKILL))",
        ),
    ] {
        assert_eq!(failure_of(script), expected);
    }
}

#[test]
fn a_worker_that_fails_after_its_record_has_failed() {
    let records = line(&Message::Records(records_of(&jobs(1)[0])));
    assert_eq!(
        failure_of(&format!("echo '{records}'; echo late >&2; exit 1")),
        "late"
    );
}

#[test]
fn a_worker_whose_record_cannot_be_read_has_failed_and_is_not_waited_for() {
    assert_eq!(
        failure_of("echo '{\"records\":1}'; exec sleep 600"),
        "the process ended without a result (signal: 9 (SIGKILL))\nits records cannot be read"
    );
}

#[test]
fn a_failed_job_tells_its_error_first_and_then_its_warnings() {
    let warning = line(&Message::Warning("warn: small steps".to_string()));
    let said = format!("echo '{warning}'; echo '{warning}'");
    let warnings = "warn: small steps\nwarn: small steps";
    assert_eq!(
        failure_of(&format!("{said}; echo error: out of memory >&2; exit 1")),
        format!("out of memory\n{warnings}")
    );
    assert_eq!(
        failure_of(&format!("{said}; kill -KILL $$")),
        format!("the process ended without a result (signal: 9 (SIGKILL))\n{warnings}")
    );
}

#[test]
fn a_worker_that_writes_much_to_stderr_is_not_blocked() {
    let zeros = "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1";
    assert_eq!(failure_of(zeros).len(), 1_000_000);
}

#[test]
fn an_interrupt_ends_all_processes() {
    let jobs = jobs(4);
    let pool = Pool::new(2, false);
    let interrupt = pool.interrupter();
    let before = Instant::now();
    let outcome = pool
        .run_all(
            &jobs,
            |_| shell("exec sleep 600"),
            |index, event| {
                assert!(matches!(event, Event::Started));
                if index == 1 {
                    assert!(interrupt());
                }
                Ok(())
            },
        )
        .expect("the jobs run");
    assert_eq!(outcome, Outcome::Interrupted);
    assert!(before.elapsed() < Duration::from_secs(60));
    assert!(!interrupt(), "nobody listens any more");
}

#[test]
fn a_worker_that_was_interrupted_interrupts_all() {
    let outcome = Pool::new(2, false)
        .run_all(
            &jobs(2),
            |job| {
                shell(if seed(job) == 0 {
                    "exit 130"
                } else {
                    "exec sleep 600"
                })
            },
            |_, _| Ok(()),
        )
        .expect("the jobs run");
    assert_eq!(outcome, Outcome::Interrupted);
}

#[test]
fn a_process_that_is_reused_does_one_job_after_the_other() {
    let jobs = jobs(3);
    let mut happened = Vec::new();
    let num_processes = Cell::new(0);
    let outcome = Pool::new(1, true)
        .run_all(
            &jobs,
            |job| {
                num_processes.set(num_processes.get() + 1);
                going_on(job, &jobs)
            },
            |index, event| {
                happened.push((index, described(&event)));
                Ok(())
            },
        )
        .expect("the jobs run");
    assert_eq!(outcome, Outcome::Done { num_failed: 0 });
    assert_eq!(num_processes.get(), 1);
    let of_job = |index| {
        [
            (index, "started".to_string()),
            (index, format!("finished, warn: {index}")),
        ]
    };
    assert_eq!(happened, [0, 1, 2].map(of_job).concat());
}

#[test]
fn the_jobs_of_a_reused_process_that_fails_are_done_by_another_one() {
    let jobs = jobs(3);
    let mut happened = Vec::new();
    let outcome = Pool::new(1, true)
        .run_all(
            &jobs,
            |job| match seed(job) {
                // It fails in its second job.
                0 => shell(&format!(
                    "{}; read line; echo error: poisoned >&2; exit 1",
                    said(&jobs[0])
                )),
                _ => going_on(job, &jobs),
            },
            |index, event| {
                happened.push((index, described(&event)));
                Ok(())
            },
        )
        .expect("the jobs run");
    assert_eq!(outcome, Outcome::Done { num_failed: 1 });
    let expected = [
        (0, "started"),
        (0, "finished, warn: 0"),
        (1, "started"),
        (1, "failed, poisoned"),
        (2, "started"),
        (2, "finished, warn: 2"),
    ];
    assert_eq!(
        happened,
        expected.map(|(index, text)| (index, text.to_string()))
    );
}

#[test]
fn the_records_of_a_stack_come_together() {
    let jobs = [stack(&["none", "si"], 0..=2), stack(&["si"], 3..=3)];
    for reuses_processes in [false, true] {
        let mut finished = Vec::new();
        let outcome = Pool::new(1, reuses_processes)
            .run_all(
                &jobs,
                |job| going_on(job, &jobs),
                |index, event| {
                    if let Event::Finished { records, .. } = event {
                        assert_eq!(records, records_of(&jobs[index]));
                        finished.push(records.len());
                    }
                    Ok(())
                },
            )
            .expect("the jobs run");
        assert_eq!(outcome, Outcome::Done { num_failed: 0 });
        assert_eq!(finished, [6, 1]);
    }
}

#[test]
fn a_stack_with_a_damaged_record_fails_as_a_whole() {
    let jobs = [stack(&["none", "si"], 0..=1)];
    let whole = line(&Message::Records(records_of(&jobs[0])));
    let damaged = whole.replacen("\"seed\":1", "\"seed\":\"\"", 1);
    assert_ne!(damaged, whole);
    let lacking = line(&Message::Records(records_of(&jobs[0])[1..].to_vec()));
    for (said, reason) in [
        (damaged, "its records cannot be read"),
        (lacking, "it sent records of other runs"),
    ] {
        let mut failures = Vec::new();
        let outcome = Pool::new(1, false)
            .run_all(
                &jobs,
                |_| shell(&format!("echo '{said}'; exec sleep 600")),
                |_, event| {
                    if let Event::Failed(error) = event {
                        failures.push(error);
                    }
                    Ok(())
                },
            )
            .expect("the job runs");
        assert_eq!(outcome, Outcome::Done { num_failed: 4 });
        let killed = "the process ended without a result (signal: 9 (SIGKILL))";
        assert_eq!(failures, [format!("{killed}\n{reason}")]);
    }
}

#[test]
fn a_job_is_named_by_its_conditions_and_seeds() {
    for (job, expected) in [
        (stack(&["si"], 4..=4), "si, seed 4"),
        (
            stack(&["none", "si"], 0..=9),
            "20 runs at once (none, si; seeds 0 to 9)",
        ),
        (
            stack(&["none", "si"], 7..=7),
            "2 runs at once (none, si; seed 7)",
        ),
    ] {
        assert_eq!(job.to_string(), expected);
    }
    let names = ["none", "si:c=0.1", "si:c=1", "ewc:lambda=1"];
    let methods = names.map(|name| name.parse().expect("a method"));
    let config = ExperimentConfig {
        methods: methods.to_vec(),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    };
    let runs = config.conditions().into_iter().zip([0, 2, 0, 2]).collect();
    assert_eq!(
        Job { runs }.to_string(),
        "4 runs at once (4 conditions; seeds 0, 2)"
    );
}

#[test]
fn a_request_is_read_back_from_its_line() {
    let job = stack(&["none", "si"], 0..=1);
    let line = job.request().to_line().expect("a request is JSON");
    assert_eq!(
        line,
        r#"{"runs":[["none",0],["si",0],["none",1],["si",1]]}"#
    );
    assert_eq!(line.parse::<Request>().expect("valid"), job.request());
    assert!("none".parse::<Request>().is_err());
}

#[test]
fn an_error_of_the_observer_ends_all_processes() {
    let before = Instant::now();
    let error = Pool::new(2, false)
        .run_all(
            &jobs(2),
            |job| {
                if seed(job) == 0 {
                    reporting(job)
                } else {
                    shell("exec sleep 600")
                }
            },
            |_, event| match event {
                Event::Finished { .. } => anyhow::bail!("disk full"),
                _ => Ok(()),
            },
        )
        .expect_err("the observer failed");
    assert_eq!(error.to_string(), "disk full");
    assert!(before.elapsed() < Duration::from_secs(60));
}

const PROGRESS: Progress = Progress {
    task: 1,
    epoch: 2,
    steps_done: 3,
    steps_total: 4,
    measured: None,
};

/// A worker that reports progress and its records.
fn reporting(job: &Job) -> Command {
    let progress = line(&Message::Progress(PROGRESS));
    let records = line(&Message::Records(records_of(job)));
    shell(&format!("echo '{progress}'; echo '{records}'"))
}

/// A worker that reports `job`, then the jobs that it reads, until its stdin closes.
fn going_on(job: &Job, jobs: &[Job]) -> Command {
    let cases: String = jobs
        .iter()
        .map(|job| {
            let request = job.request().to_line().expect("a request is JSON");
            format!("'{request}') {} ;; ", said(job))
        })
        .collect();
    shell(&format!(
        "{}; while read -r line; do case \"$line\" in {cases} *) exit 1 ;; esac; done",
        said(job)
    ))
}

/// The commands of a shell that say a warning and the records of `job`.
fn said(job: &Job) -> String {
    let warning = line(&Message::Warning(format!("warn: {}", seed(job))));
    let records = line(&Message::Records(records_of(job)));
    format!("echo '{warning}'; echo '{records}'")
}

fn described(event: &Event) -> String {
    match event {
        Event::Started => "started".to_string(),
        Event::Advanced(_) => "advanced".to_string(),
        Event::Finished { warnings, .. } => format!("finished, {warnings}"),
        Event::Failed(error) => format!("failed, {error}"),
    }
}

fn failure_of(script: &str) -> String {
    let mut failure = String::new();
    Pool::new(1, false)
        .run_all(
            &jobs(1),
            |_| shell(script),
            |_, event| {
                if let Event::Failed(error) = event {
                    failure = error;
                }
                Ok(())
            },
        )
        .expect("the job runs");
    failure
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    command
}

fn line(message: &Message) -> String {
    serde_json::to_string(message).expect("a message is JSON")
}

/// Jobs of one run each.
fn jobs(count: u64) -> Vec<Job> {
    (0..count).map(|seed| stack(&["si"], seed..=seed)).collect()
}

/// A job of the runs of all these conditions and seeds.
fn stack(conditions: &[&str], seeds: RangeInclusive<u64>) -> Job {
    let all = ExperimentConfig::paper(Experiment::SplitMnist).conditions();
    let is_named = |condition: &&Condition| conditions.contains(&condition.name.as_str());
    let runs = seeds.flat_map(|seed| {
        let named = all.iter().filter(is_named);
        named.map(move |condition| (condition.clone(), seed))
    });
    Job {
        runs: runs.collect(),
    }
}

/// The seed of its first run.
fn seed(job: &Job) -> u64 {
    job.runs[0].1
}

fn records_of(job: &Job) -> Vec<RunRecord> {
    let runs = job.runs.iter();
    runs.map(|(condition, seed)| record_of(condition, *seed))
        .collect()
}

fn record_of(condition: &Condition, seed: u64) -> RunRecord {
    RunRecord {
        condition: condition.clone(),
        seed,
        accuracy: AccuracyMatrix::new(vec![vec![1.0]]).expect("it is square"),
        train_accuracy: AccuracyMatrix::new(vec![vec![1.0]]).expect("it is square"),
        initial_accuracy: vec![0.5],
        epochs: Vec::new(),
        correlations: Vec::new(),
        chosen_strengths: Vec::new(),
        inert: false,
        elapsed_seconds: 0.5,
        device: "flex".to_string(),
        matmul_error: None,
        num_threads: None,
        processor: None,
        cost: None,
        versions: Versions::current(),
    }
}
