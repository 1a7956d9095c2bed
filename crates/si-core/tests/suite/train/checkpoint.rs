use std::path::Path;

use burn::module::Module;
use burn_train::SupervisedTraining;
use burn_train::checkpoint::KeepLastNCheckpoints;
use si_core::ContinualLearner;

use crate::common::mlp::Mlp;
use crate::common::{assert_same_parts, assert_same_report};
use crate::train::model::{mlp, state};
use crate::train::setup::{device, folder, launch, learner, training, wrapped};

const NUM_EPOCHS: usize = 3;
/// The task that is interrupted.
const TASK: usize = 1;

fn with_checkpoints(folder: &Path) -> SupervisedTraining<ContinualLearner<Mlp>> {
    training(folder, TASK)
        .with_default_checkpointers()
        .with_checkpointing_strategy(KeepLastNCheckpoints::new(NUM_EPOCHS))
}

/// A learner that has finished one task.
fn after_the_first_task() -> ContinualLearner<Mlp> {
    let folder = folder();
    let mut learner = launch(training(folder.path(), 0), learner());
    learner.end_task();
    learner
}

#[test]
fn launch_that_resumes_within_a_task_equals_an_unbroken_one() {
    let [unbroken_folder, broken_folder] = [folder(), folder()];
    let unbroken = with_checkpoints(unbroken_folder.path()).num_epochs(NUM_EPOCHS);
    let mut unbroken = launch(unbroken, after_the_first_task());
    for broken_off in 1..NUM_EPOCHS {
        let first = with_checkpoints(broken_folder.path()).num_epochs(broken_off);
        launch(first, after_the_first_task());
        // As in a new program: other parameters, and a learner that has not taken a step.
        let second = with_checkpoints(broken_folder.path())
            .checkpoint(broken_off)
            .num_epochs(NUM_EPOCHS);
        let fresh = wrapped(mlp(1, &device()));
        let mut resumed = launch(second, fresh);
        assert_eq!(resumed.regularizer().task(), TASK);
        assert_same_parts(&state(&resumed), &state(&unbroken));
        let mut unbroken = unbroken.clone();
        assert_eq!(resumed.end_task(), unbroken.end_task());
        assert_same_parts(&state(&resumed), &state(&unbroken));
        assert_same_report(&resumed.end_epoch(), &unbroken.end_epoch());
    }
    unbroken.end_task();
    assert_eq!(unbroken.regularizer().task(), TASK + 1);
}

#[test]
fn checkpoint_can_be_loaded_by_the_learner_itself() {
    let folder = folder();
    let launched = launch(
        with_checkpoints(folder.path()).num_epochs(1),
        after_the_first_task(),
    );
    let path = folder.path().join("checkpoint").join("model-1.bpk");
    let loaded = wrapped(mlp(1, &device()))
        .try_load_file(&path)
        .expect("it fits");
    assert_same_parts(&state(&loaded), &state(&launched));
}
