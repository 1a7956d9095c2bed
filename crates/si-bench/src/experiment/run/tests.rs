use std::cmp::Reverse;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;

use crate::data::{ImageParts, LabelledImages};
use crate::experiment::testing;
use crate::experiment::{
    Activation, Checkpointing, Condition, Experiment, ExperimentConfig, Measured, Optimizer,
    OptimizerReset, RunRecord, Scenario, StrengthChoice,
};
use crate::methods::{EWC, SI, methods};
use crate::task::TaskSequence;

use super::{Progress, Run};

fn tasks() -> TaskSequence {
    testing::tasks(Scenario::Task)
}

fn config() -> ExperimentConfig {
    ExperimentConfig {
        num_epochs: 3,
        batch_size: 5,
        learning_rate: 0.02,
        hidden_sizes: vec![8],
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    }
}

fn train(config: &ExperimentConfig, condition: usize, seed: u64) -> (RunRecord, Vec<Progress>) {
    let mut progress = Vec::new();
    let condition = &config.conditions()[condition];
    let record =
        run(config, condition, seed, None)
            .train_on(&tasks(), &Device::flex(), &mut |event| progress.push(event));
    (untimed(record.expect("the settings are valid")), progress)
}

/// Goes on from the last checkpoint in `folder`, at seed 5, and breaks off after `interruption`
/// steps.
fn train_in_pieces(
    config: &ExperimentConfig,
    condition: usize,
    folder: &Path,
    interruption: usize,
) -> Option<(RunRecord, Vec<Progress>)> {
    train_tasks_in_pieces(&tasks(), config, condition, folder, interruption)
}

fn train_tasks_in_pieces(
    tasks: &TaskSequence,
    config: &ExperimentConfig,
    condition: usize,
    folder: &Path,
    interruption: usize,
) -> Option<(RunRecord, Vec<Progress>)> {
    let mut progress = Vec::new();
    let condition = &config.conditions()[condition];
    let run = run(config, condition, 5, Some(folder));
    let broken_off = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        run.train_on(tasks, &Device::flex(), &mut |event: Progress| {
            if event.steps_done >= interruption {
                panic::resume_unwind(Box::new("interruption"));
            }
            progress.push(event);
        })
    }));
    let record = broken_off.ok()?.expect("the settings are valid");
    Some((untimed(record), progress))
}

fn run<'a>(
    config: &'a ExperimentConfig,
    condition: &'a Condition,
    seed: u64,
    checkpoints: Option<&Path>,
) -> Run<'a> {
    Run {
        config,
        condition,
        seed,
        checkpoints: checkpoints.map(|folder| Checkpointing {
            folder: folder.to_path_buf(),
            period: Duration::ZERO,
        }),
    }
}

/// Without the only thing that two equal runs differ in.
fn untimed(record: RunRecord) -> RunRecord {
    RunRecord {
        elapsed_seconds: 0.0,
        ..record
    }
}

#[test]
fn seed_decides_everything() {
    let (record, _) = train(&config(), 1, 3);
    assert_eq!(train(&config(), 1, 3).0, record);
    assert_ne!(train(&config(), 1, 4).0.epochs, record.epochs);
}

#[test]
fn record_holds_every_task_and_epoch() {
    let (record, _) = train(&config(), 1, 0);
    assert_eq!(record.accuracy.num_tasks(), 2);
    assert_eq!(record.train_accuracy.rows(), record.accuracy.rows());
    assert_eq!(record.accuracy.rows()[0][0], 1.0);
    assert_eq!(record.initial_accuracy, [0.5, 0.5]);
    let epochs: Vec<_> = record.epochs.iter().map(|it| (it.task, it.epoch)).collect();
    assert_eq!(epochs, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    assert!(!record.inert);
}

#[test]
fn penalty_acts_from_the_second_task_on_and_only_with_a_strength() {
    for (condition, strength) in [(0, None), (1, Some(1.0))] {
        let (record, _) = train(&config(), condition, 0);
        assert_eq!(record.condition.strength(), strength);
        for epoch in &record.epochs {
            let penalty = epoch.penalty.expect("it is finite");
            assert_eq!(penalty > 0.0, strength.is_some() && epoch.task > 0);
            assert_eq!(
                epoch.penalty_share.is_some_and(|share| share > 0.0),
                penalty > 0.0
            );
        }
    }
}

#[test]
fn every_source_of_importance_acts_from_the_second_task_on() {
    let sources = [
        "ewc:lambda=1000:fisher=empirical",
        "ewc:lambda=1000:fisher=batched",
        "online-ewc:lambda=10:normalization=mean",
        "mas:of=probabilities:lambda=1000",
        "af:lambda=100",
        "sqrt-fisher:lambda=100",
        "ewc-dr:lambda=1e6",
        "si:c=1:normalization=mean",
        "sos:lambda=100",
        "sos:lambda=100:of=noise",
        "rwalk:lambda=100:interval=4",
        "siu:c=100",
        "sib:c=100",
        "l2:lambda=100",
    ];
    let config = ExperimentConfig {
        methods: methods(&format!("none,{}", sources.join(","))),
        num_importance_images: 20,
        ..config()
    };
    let (free, _) = train(&config, 0, 5);
    let losses = |record: &RunRecord, task: usize| -> Vec<Option<f64>> {
        let epochs = record.epochs.iter().filter(|it| it.task == task);
        epochs.map(|it| it.task_loss).collect()
    };
    for (condition, source) in sources.iter().enumerate() {
        let (held, _) = train(&config, condition + 1, 5);
        assert!(!held.inert, "{source}");
        assert_eq!(losses(&held, 0), losses(&free, 0), "{source}");
        assert_ne!(losses(&held, 1), losses(&free, 1), "{source}");
    }
}

#[test]
fn progress_ends_with_the_last_step() {
    let (_, progress) = train(&config(), 0, 0);
    // 32 images of each task make six batches of five and one of two.
    let last = progress.last().expect("progress was made");
    assert_eq!((last.steps_done, last.steps_total), (2 * 3 * 7, 2 * 3 * 7));
    assert!(progress.is_sorted_by_key(|event| event.steps_done));
}

#[test]
fn the_first_step_is_reported_even_if_not_every_step_is() {
    let config = ExperimentConfig {
        num_epochs: 15,
        ..config()
    };
    let (_, progress) = train(&config, 0, 0);
    // Two hundred and ten steps, of which every second is reported.
    let steps: Vec<usize> = progress.iter().map(|event| event.steps_done).collect();
    assert_eq!(steps[..4], [0, 1, 2, 4]);
}

#[test]
fn a_run_that_is_resumed_ends_with_the_same_bits() {
    for (condition, reset_optimizer) in [
        (0, OptimizerReset::Moments),
        (1, OptimizerReset::Moments),
        (1, OptimizerReset::All),
        (2, OptimizerReset::None),
        (3, OptimizerReset::None),
        (4, OptimizerReset::All),
        (5, OptimizerReset::None),
        (6, OptimizerReset::None),
    ] {
        let config = ExperimentConfig {
            reset_optimizer,
            record_correlations: true,
            methods: methods(
                "none,si,ewc:lambda=10,sos:lambda=1,rwalk:interval=4,sib,sos:lambda=1:of=noise",
            ),
            num_importance_images: 20,
            ..config()
        };
        let (expected, whole) = train(&config, condition, 5);
        let folder = tempfile::tempdir().expect("temporary folder");
        // Within a task, after its last step, at the next one's first, which goes on from the end of a
        // task, and within it.
        for interruption in [10, 21, 22, 30, usize::MAX] {
            let record = train_in_pieces(&config, condition, folder.path(), interruption);
            assert_eq!(record.is_some(), interruption == usize::MAX);
            if let Some((record, progress)) = record {
                assert_eq!(record, expected);
                assert!(progress.len() < whole.len());
            }
        }
        // The methods after Synaptic Intelligence have other importances.
        let layers: Vec<usize> = expected
            .correlations
            .iter()
            .map(|one| one.matrix.len())
            .collect();
        assert_eq!(layers, if condition < 2 { vec![2] } else { vec![] });
    }
}

#[test]
fn a_run_with_other_parts_than_a_penalty_that_is_resumed_ends_with_the_same_bits() {
    let config = ExperimentConfig {
        reset_optimizer: OptimizerReset::None,
        record_correlations: true,
        methods: methods(
            "si+freezing,ewc+freezing:lambda=10,sos+freezing:lambda=1,reduced-rate,mas+lwta,maxout,progressive,\
             si+lwf:warm_up=2,none",
        ),
        num_importance_images: 20,
        ..config()
    };
    let (plain, _) = train(&config, 8, 5);
    for condition in 0..8 {
        let (expected, _) = train(&config, condition, 5);
        // The first task has three epochs.
        assert_ne!(expected.epochs[3..], plain.epochs[3..]);
        let folder = tempfile::tempdir().expect("temporary folder");
        // At the first step of the second task, and within it.
        for interruption in [22, 30, usize::MAX] {
            let record = train_in_pieces(&config, condition, folder.path(), interruption);
            assert_eq!(record.is_some(), interruption == usize::MAX);
            if let Some((record, _)) = record {
                assert_eq!(record, expected, "{}", config.methods[condition]);
            }
        }
    }
}

#[test]
fn a_run_whose_frozen_trunk_is_no_longer_held_is_resumed_twice_with_the_same_bits() {
    let tasks = testing::several_tasks(3, Scenario::Task);
    let config = ExperimentConfig {
        methods: methods("rwalk+freezing:interval=4"),
        ..config()
    };
    let whole = tempfile::tempdir().expect("temporary folder");
    let (expected, _) = train_tasks_in_pieces(&tasks, &config, 0, whole.path(), usize::MAX)
        .expect("it is not interrupted");
    let folder = tempfile::tempdir().expect("temporary folder");
    // At the start of the third task, and in its second epoch.
    for interruption in [44, 51, usize::MAX] {
        let record = train_tasks_in_pieces(&tasks, &config, 0, folder.path(), interruption);
        assert_eq!(record.is_some(), interruption == usize::MAX);
        if let Some((record, _)) = record {
            // A checkpoint has no state of the trunk, which nothing holds any more, so less is kept after it.
            let [cost, whole] = [&record, &expected].map(|it| it.cost.expect("it is counted"));
            assert_eq!(cost.passes, whole.passes);
            assert!(cost.kept.floats <= whole.kept.floats);
            let record = RunRecord {
                cost: expected.cost,
                ..record
            };
            assert_eq!(record, expected);
        }
    }
}

#[test]
fn a_run_with_a_frozen_copy_or_a_memory_is_resumed_with_the_same_bits() {
    let config = ExperimentConfig {
        methods: methods(
            "none,lwf,lwf:warm_up=2,lfl:weight=0.1,er:size=10,der:size=10,derpp:size=10,agem:size=10,er+lwf:size=10",
        ),
        ..config()
    };
    let (none, _) = train(&config, 0, 5);
    for condition in 1..config.methods.len() {
        let (expected, _) = train(&config, condition, 5);
        assert_ne!(expected.epochs, none.epochs);
        let folder = tempfile::tempdir().expect("temporary folder");
        // The second task begins at step 22. Its second epoch, from step 29 on, is within a warm-up, and its third is not.
        for interruption in [10, 21, 22, 30, 37, usize::MAX] {
            let record = train_in_pieces(&config, condition, folder.path(), interruption);
            assert_eq!(record.is_some(), interruption == usize::MAX);
            if let Some((record, _)) = record {
                assert_eq!(record, expected);
            }
        }
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    train_in_pieces(&config(), 1, folder.path(), 30);
    let resume = |config: &ExperimentConfig| {
        let conditions = config.conditions();
        let run = run(config, &conditions[1], 5, Some(folder.path()));
        let result = run.train_on(&tasks(), &Device::flex(), &mut |_| {});
        result.expect_err("the checkpoint does not fit").to_string()
    };
    let other = ExperimentConfig {
        batch_size: 6,
        ..config()
    };
    let error = resume(&other);
    assert!(
        error.contains("a run with other settings; remove it"),
        "{error}"
    );
}

/// The checkpoints in a folder, from the newest on.
fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "ckpt")
        })
        .collect();
    files.sort_by_key(|path| Reverse((path.as_os_str().len(), path.clone())));
    files
}

fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("damage");
}

#[test]
fn a_run_with_a_damaged_checkpoint_goes_on_from_the_one_before() {
    let config = ExperimentConfig {
        record_correlations: true,
        ..config()
    };
    let (expected, _) = train(&config, 1, 5);
    let folder = tempfile::tempdir().expect("temporary folder");
    train_in_pieces(&config, 1, folder.path(), 36);
    let files = checkpoints(folder.path());
    assert_eq!(files.len(), 2);
    damage(&files[0]);
    let (record, progress) =
        train_in_pieces(&config, 1, folder.path(), usize::MAX).expect("it goes on");
    assert_eq!(record, expected);
    // The newest was written after five epochs of seven steps.
    assert_eq!(progress.first().map(|event| event.steps_done), Some(28));

    let folder = tempfile::tempdir().expect("temporary folder");
    train_in_pieces(&config, 1, folder.path(), 36);
    let error_after_damage_of = |file: &Path| {
        damage(file);
        let conditions = config.conditions();
        let run = run(&config, &conditions[1], 5, Some(folder.path()));
        let result = run.train_on(&tasks(), &Device::flex(), &mut |_| {});
        result.expect_err("it is damaged").to_string()
    };
    let error = error_after_damage_of(&folder.path().join("path-integral-0"));
    assert!(
        error.contains("path-integral-0: its bytes have changed"),
        "{error}"
    );
    for file in checkpoints(folder.path()) {
        damage(&file);
    }
    let error = error_after_damage_of(&folder.path().join("path-integral-0"));
    assert!(error.contains(": none of the 2 checkpoints in "), "{error}");
    assert!(
        error.ends_with("; remove it to start this run over"),
        "{error}"
    );
}

#[test]
fn checkpoints_of_an_older_form_are_ignored() {
    let (expected, whole) = train(&config(), 1, 5);
    let folder = tempfile::tempdir().expect("temporary folder");
    for old in ["28", "draft"] {
        fs::create_dir(folder.path().join(old)).expect("a folder");
        let journal = folder.path().join(old).join("journal.json");
        fs::write(journal, "{}").expect("a file");
    }
    fs::write(folder.path().join("path-integral-0"), [0; 8]).expect("a file");
    let again = train_in_pieces(&config(), 1, folder.path(), usize::MAX);
    assert_eq!(again, Some((expected, whole)));
}

#[test]
fn joint_training_learns_all_tasks_at_once_and_scratch_each_alone() {
    let config = ExperimentConfig {
        methods: methods("none,si,joint,scratch"),
        num_epochs: 8,
        ..config()
    };
    let (joint, progress) = train(&config, 2, 0);
    let rows = joint.accuracy.rows();
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[1], [1.0, 1.0]);
    // 64 images make thirteen batches.
    let last = progress.last().expect("progress was made");
    assert_eq!((last.steps_done, last.steps_total), (8 * 13, 8 * 13));

    let (scratch, _) = train(&config, 3, 0);
    let (plain, _) = train(&config, 0, 0);
    assert_eq!(scratch.accuracy.rows()[0], plain.accuracy.rows()[0]);
    assert_eq!(scratch.accuracy.rows()[1][1], 1.0);
    assert_ne!(scratch.epochs[8], plain.epochs[8]);
}

/// Three tasks with the same outputs. Each holds out eight of its 32 images, four of each class.
fn tasks_to_choose_in() -> TaskSequence {
    let mut sequence = testing::several_tasks(3, Scenario::Domain);
    for task in &mut sequence.tasks {
        task.hold_out(8);
    }
    sequence
}

/// Five minibatches in each of eight epochs, which are enough to learn a task.
fn config_to_choose(compared: &str, choose_strength: StrengthChoice) -> ExperimentConfig {
    ExperimentConfig {
        choose_strength,
        scenario: Scenario::Domain,
        activation: Activation::Tanh,
        // It diverges if the strength is too large.
        optimizer: Optimizer::Sgd,
        learning_rate: 0.1,
        num_epochs: 8,
        num_importance_images: 20,
        record_correlations: true,
        methods: methods(compared),
        ..config()
    }
}

/// Methods with a strength at which training diverges, and what lowers it to one that hardly counts, in several attempts or
/// in two.
const TOO_STRONG: [(&str, f64); 2] = [("l2:lambda", 1e-13), ("lwf:weight", 1e-39)];

fn config_of_too_strong(method: &str, decay: f64) -> ExperimentConfig {
    ExperimentConfig {
        chf_decay: Some(decay),
        ..config_to_choose(&format!("{method}=1e30"), StrengthChoice::Chf)
    }
}

fn train_to_choose(config: &ExperimentConfig, condition: usize) -> (RunRecord, Vec<Progress>) {
    let mut progress = Vec::new();
    let conditions = config.conditions();
    let record = run(config, &conditions[condition], 5, None).train_on(
        &tasks_to_choose_in(),
        &Device::flex(),
        &mut |event| progress.push(event),
    );
    (untimed(record.expect("the settings are valid")), progress)
}

#[test]
fn a_strength_that_is_too_large_is_lowered_until_the_task_is_learnt() {
    for (method, decay) in TOO_STRONG {
        let (record, progress) = train_to_choose(&config_of_too_strong(method, decay), 0);
        let [second, third] = &record.chosen_strengths[..] else {
            panic!("{:?}", record.chosen_strengths);
        };
        assert_eq!((second.task, third.task), (1, 2));
        assert!(second.free_accuracy > 0.9 && third.free_accuracy > 0.9);
        let mut expected = 1e30;
        for (index, attempt) in second.attempts.iter().enumerate() {
            assert_eq!(attempt.strength, expected);
            let bound = 0.8 * second.free_accuracy;
            assert_eq!(attempt.is_accepted, attempt.accuracy >= bound);
            assert_eq!(attempt.is_accepted, index + 1 == second.attempts.len());
            expected *= decay;
        }
        let num_attempts = second.attempts.len();
        assert!(num_attempts > 1, "{second:?}");
        let strength = second.strength().expect("there are attempts");
        let strengths: Vec<f64> = third.attempts.iter().map(|it| it.strength).collect();
        assert_eq!(strengths, [strength]);

        // Of 40 steps each: the first task, two copies with nothing held back, and the attempts.
        let last = progress.last().expect("progress was made");
        let num_steps = 40 * (1 + 2 + num_attempts + 1);
        assert_eq!((last.steps_done, last.steps_total), (num_steps, num_steps));
        assert!(progress.is_sorted_by_key(|event| event.steps_done));

        // What was not kept has left no trace.
        let fixed = config_to_choose(&format!("{method}={strength}"), StrengthChoice::Fixed);
        let (fixed, _) = train_to_choose(&fixed, 0);
        assert_costs_more(&record, &fixed);
        let kept = RunRecord {
            condition: fixed.condition.clone(),
            chosen_strengths: Vec::new(),
            cost: fixed.cost,
            ..record
        };
        assert_eq!(kept, fixed);
    }
}

/// A choice needs the passes of the trainings that were not kept, and leaves nothing else behind.
fn assert_costs_more(chosen: &RunRecord, fixed: &RunRecord) {
    let [chosen, fixed] = [chosen, fixed].map(|record| record.cost.expect("it is counted"));
    assert!(chosen.passes.forwards > fixed.passes.forwards);
    assert!(chosen.passes.backwards > fixed.passes.backwards);
    assert_eq!(chosen.passes.trained, fixed.passes.trained);
    assert_eq!(chosen.kept, fixed.kept);
}

#[test]
fn a_run_whose_strengths_are_accepted_at_once_is_that_with_these_strengths() {
    let with_factor = [
        "si:c=1e-9",
        "si+freezing:c=1e-9",
        "ewc:lambda=1e-9",
        "online-ewc:lambda=1e-9",
        "sib:c=1e-9",
        "rwalk:lambda=1e-9:interval=4",
        "lwf:weight=1e-9",
        "der:alpha=1e-9:size=10",
        "er+lwf:size=10:weight=1e-9",
    ];
    let without = ["none", "er:size=10", "reduced-rate", "joint", "scratch"];
    let all = [&with_factor[..], &without].concat().join(",");
    let [chosen, fixed] = [StrengthChoice::Chf, StrengthChoice::Fixed]
        .map(|choose_strength| config_to_choose(&all, choose_strength));
    for condition in 0..chosen.methods.len() {
        let method = &chosen.methods[condition];
        let (record, _) = train_to_choose(&chosen, condition);
        let attempts = record.chosen_strengths.iter().map(|it| it.attempts.len());
        let expected: &[usize] = match condition < with_factor.len() {
            true => &[1, 1],
            false => &[],
        };
        assert_eq!(attempts.collect::<Vec<_>>(), expected, "{method}");
        let (fixed, _) = train_to_choose(&fixed, condition);
        let cost = match expected {
            [] => record.cost,
            _ => {
                assert_costs_more(&record, &fixed);
                fixed.cost
            }
        };
        let kept = RunRecord {
            chosen_strengths: Vec::new(),
            cost,
            ..record
        };
        assert_eq!(kept, fixed, "{method}");
    }
}

#[test]
fn a_choice_that_is_resumed_ends_with_the_same_bits() {
    for (method, decay) in TOO_STRONG {
        let config = config_of_too_strong(method, decay);
        let (expected, whole) = train_to_choose(&config, 0);
        assert!(expected.chosen_strengths[0].attempts.len() > 1);
        let folder = tempfile::tempdir().expect("temporary folder");
        let num_steps = whole.last().map_or(0, |event| event.steps_done);
        // Within the first task, the copy with nothing held back, the first attempt and the second; and from there on to
        // the end.
        let interruptions = [
            20,
            60,
            100,
            140,
            num_steps - 100,
            num_steps - 60,
            num_steps - 20,
        ];
        for interruption in interruptions.into_iter().chain([usize::MAX]) {
            let tasks = tasks_to_choose_in();
            let record = train_tasks_in_pieces(&tasks, &config, 0, folder.path(), interruption);
            assert_eq!(record.is_some(), interruption == usize::MAX);
            if let Some((record, progress)) = record {
                assert_eq!(record, expected);
                // It goes on with the last attempt, and repeats none before.
                let first = progress.first().map(|event| event.steps_done);
                assert_eq!(first, Some(num_steps - 40));
            }
        }
    }
}

#[test]
fn tasks_that_hold_out_no_images_leave_nothing_to_choose_on() {
    let config = config_to_choose("si", StrengthChoice::Chf);
    let conditions = config.conditions();
    let result =
        run(&config, &conditions[0], 5, None).train_on(&tasks(), &Device::flex(), &mut |_| {});
    assert_eq!(
        result.expect_err("there are no images").to_string(),
        "choose_strength must be fixed if the tasks hold out no images, got chf"
    );
}

#[test]
fn a_choice_is_made_on_training_images_that_are_not_trained_on() {
    let plain = ExperimentConfig {
        num_tasks: 2,
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    };
    let config = ExperimentConfig {
        choose_strength: StrengthChoice::Chf,
        num_chf_images: Some(30),
        num_train_images: Some(100),
        ..plain.clone()
    };
    let of = |config| super::tasks(config, 0);
    let [tasks, all] = [&config, &plain].map(|it| of(it).expect("MNIST is in the box").tasks);
    for (task, all) in tasks.iter().zip(&all) {
        let held_out = task.held_out.as_ref().expect("they are held out");
        let [train, held_out, of_both] =
            [&task.train, held_out, &all.train].map(|images| images.classes().collect::<Vec<_>>());
        assert_eq!(train, of_both[..100]);
        assert_eq!(held_out, of_both[of_both.len() - 30..]);
        assert_eq!(task.test.len(), all.test.len());
        assert!(all.held_out.is_none());
    }
    let too_many = ExperimentConfig {
        num_chf_images: Some(1_000_000),
        ..config.clone()
    };
    assert_eq!(
        of(&too_many).expect_err("none is left").to_string(),
        "num_chf_images must be smaller than the number of training images of a task, got 1000000"
    );
}

#[test]
fn training_that_diverges_is_recorded_and_read_back() {
    let config = ExperimentConfig {
        optimizer: Optimizer::Sgd,
        learning_rate: 1e30,
        ..config()
    };
    let (record, _) = train(&config, 1, 0);
    let line = serde_json::to_string(&record).expect("a record is JSON");
    let read: RunRecord = serde_json::from_str(&line).expect("it is read back");
    assert_eq!(read, record);
    assert!(record.epochs.iter().any(|epoch| epoch.task_loss.is_none()));
}

#[test]
fn a_probe_counts_the_steps_of_a_run() {
    let config = ExperimentConfig {
        hidden_sizes: vec![4],
        num_epochs: 2,
        batch_size: 5000,
        device: "flex".to_string(),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    };
    let conditions = config.conditions();
    let probe = run(&config, &conditions[1], 0, None).probe();
    let probe = probe.expect("MNIST is in the box");
    // Three batches of each of the five tasks, twice.
    assert_eq!(probe.num_steps, 5 * 3 * 2);
    assert!(probe.seconds_per_step > 0.0 && probe.seconds() > 0.0);
    assert!((0.0..1.0).contains(&probe.data_share));
}

#[test]
fn split_cifar_trains_its_convolutional_network() {
    // Bright above or below: what a convolution tells apart at once.
    let pixels = (0..40).flat_map(|image| {
        (0..3 * 12 * 12).map(move |pixel| {
            let is_above = pixel % (12 * 12) < 6 * 12;
            if is_above == (image % 2 == 0) {
                220
            } else {
                (7 * image % 30) as u8
            }
        })
    });
    let images = LabelledImages::new(ImageParts {
        pixels: pixels.collect(),
        labels: (0..40).map(|image| (image % 4) as u8).collect(),
        shape: [3, 12, 12],
        num_classes: 4,
    });
    let images = Arc::new(images.expect("the parts fit"));
    let classes = [vec![0, 1], vec![2, 3]];
    let tasks = TaskSequence::split(&images, &images, &classes, Scenario::Task).expect("four");
    let config = ExperimentConfig {
        num_epochs: 20,
        batch_size: 10,
        methods: methods("si,ewc:lambda=10"),
        num_importance_images: 15,
        hidden_sizes: vec![4, 4, 8],
        learning_rate: 0.01,
        ..ExperimentConfig::paper(Experiment::SplitCifar)
    };
    config.validate().expect("valid settings");
    let conditions = config.conditions();
    for (method, num_measured) in [(&SI, 0), (&EWC, 2 * 2)] {
        let condition = conditions.iter().find(|it| it.is(method));
        let condition = condition.expect("there is one");
        let mut measured = Vec::new();
        let record =
            run(&config, condition, 0, None).train_on(&tasks, &Device::flex(), &mut |progress| {
                measured.extend(progress.measured)
            });
        let record = record.expect("the settings are valid");
        // All of it, almost always: dropout draws from a generator that all tests share. Chance is a half.
        let rows = record.accuracy.rows();
        assert!(rows[0][0] >= 0.75 && rows[1][1] >= 0.75, "{rows:?}");
        assert!(record.correlations.is_empty());
        // Ten images and five, after each task.
        assert_eq!(measured.len(), num_measured);
        let last = Measured {
            num_done: 10,
            num_images: 15,
        };
        assert!(measured.last().is_none_or(|it| *it == last), "{measured:?}");
        if num_measured > 0 {
            assert!(!record.inert, "there is information");
        }
    }
}

mod each_epoch;
mod old_checkpoint;
