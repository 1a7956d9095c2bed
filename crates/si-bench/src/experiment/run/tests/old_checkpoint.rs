//! A run that goes on from a checkpoint of a version that counted no costs.

use crate::experiment::checkpoint::Checkpoints;
use crate::experiment::journal::Journal;

use super::super::Training;
use super::*;

#[test]
fn a_run_whose_cost_was_counted_only_in_part_has_the_same_results_and_no_cost() {
    let folder = tempfile::tempdir().expect("temporary folder");
    // Within the second task.
    assert!(train_in_pieces(&config(), 1, folder.path(), 30).is_none());
    forget_cost(&config(), 1, folder.path());
    let (record, _) = train_in_pieces(&config(), 1, folder.path(), usize::MAX)
        .expect("it is not interrupted again");
    assert_eq!(record.cost, None);

    let (whole, _) = train(&config(), 1, 5);
    assert!(whole.cost.is_some());
    let expected = RunRecord {
        cost: None,
        ..whole
    };
    assert_eq!(record, expected);
}

/// Saves the newest checkpoint in `folder` again, as a version that counted no costs wrote it.
fn forget_cost(config: &ExperimentConfig, condition: usize, folder: &Path) {
    let (tasks, condition) = (tasks(), &config.conditions()[condition]);
    let run = run(config, condition, 5, Some(folder));
    let training = Training::new(&run, &tasks, Device::flex());
    let place = run.checkpoints.clone().expect("it has a folder");
    let mut checkpoints = Checkpoints::new(place, config, condition, run.seed);
    let new_student = |_: &Journal| training.new_student(condition);
    let restored = checkpoints
        .restore(config, new_student, training.keeps_path_integrals())
        .expect("it is intact")
        .expect("there is one");
    let mut journal = serde_json::to_value(&restored.journal).expect("JSON's types");
    let keys = journal.as_object_mut().expect("a journal has keys");
    assert!(keys.remove("cost").is_some());
    let journal: Journal = serde_json::from_value(journal).expect("it is old, not damaged");
    checkpoints
        .save_if_due(&journal, &restored.student, &restored.path_integrals)
        .expect("the folder is writable");
}
