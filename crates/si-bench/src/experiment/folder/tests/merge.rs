//! What a merge makes of runs that are there twice, and of folders that require another precision.

use crate::experiment::Cost;

use super::*;

/// Merges run folders, each with one of these records.
fn merged(records: &[&RunRecord], target: &TempDir) -> Result<RunFolder, Error> {
    let holding = |record: &&RunRecord| {
        let dir = TempDir::new().expect("temporary folder");
        in_dir(&dir).append(record).expect("append");
        dir
    };
    let sources: Vec<TempDir> = records.iter().map(holding).collect();
    RunFolder::merge(&paths(&sources), target.path())
}

fn paths(dirs: &[TempDir]) -> Vec<PathBuf> {
    dirs.iter().map(|dir| dir.path().to_path_buf()).collect()
}

fn first_run(cost: Option<u64>, elapsed_seconds: f64) -> RunRecord {
    let (condition, seed) = config().runs().remove(0);
    RunRecord {
        elapsed_seconds,
        cost: cost.map(|num_parameters| Cost {
            num_parameters,
            ..Cost::default()
        }),
        ..record(condition, seed)
    }
}

#[test]
fn a_run_with_and_without_its_cost_is_one_of_which_the_first_stays_with_the_cost() {
    let (with, without) = (first_run(Some(7), 1.0), first_run(None, 2.0));
    for [first, second] in [[&with, &without], [&without, &with]] {
        let target = TempDir::new().expect("temporary folder");
        let folder = merged(&[first, second], &target).expect("it is one run");
        let expected = RunRecord {
            cost: with.cost,
            ..first.clone()
        };
        assert_eq!(folder.records().expect("readable"), [expected]);
    }
}

#[test]
fn a_run_with_two_costs_is_refused_even_if_a_record_without_its_cost_comes_first() {
    let [without, one, other] = [None, Some(7), Some(8)].map(|cost| first_run(cost, 1.0));
    for records in [&[&one, &other][..], &[&without, &one, &other]] {
        let target = TempDir::new().expect("temporary folder");
        let error = merged(records, &target).expect_err("the costs differ");
        assert!(matches!(error, Error::RunsDiffer { .. }), "{error}");
    }
}

/// A folder without runs whose runs must have this precision.
fn requiring(matmul_precision: RequiredPrecision, num_epochs: usize) -> TempDir {
    let dir = TempDir::new().expect("temporary folder");
    let config = ExperimentConfig {
        matmul_precision,
        num_epochs,
        output_dir: Some(dir.path().to_path_buf()),
        ..config()
    };
    RunFolder::create(config, Path::new("unused"), UNIX_EPOCH).expect("new folder");
    dir
}

#[test]
fn merged_folders_accept_inexact_products_if_one_of_them_does() {
    use RequiredPrecision::{Any, Exact};
    for (required, expected) in [
        ([Exact, Exact], Exact),
        ([Exact, Any], Any),
        ([Any, Exact], Any),
        ([Any, Any], Any),
    ] {
        let sources = required.map(|precision| requiring(precision, 10));
        let target = TempDir::new().expect("temporary folder");
        let merged = RunFolder::merge(&paths(&sources), target.path()).expect("one experiment");
        assert_eq!(merged.config().matmul_precision, expected, "{required:?}");
    }
}

#[test]
fn folders_of_another_experiment_are_refused_without_a_word_about_the_precision() {
    let sources = [
        requiring(RequiredPrecision::Exact, 10),
        requiring(RequiredPrecision::Any, 3),
    ];
    let target = TempDir::new().expect("temporary folder");
    let error = RunFolder::merge(&paths(&sources), target.path()).expect_err("they differ");
    let Error::ExperimentsDiffer { differences, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(differences, "num_epochs is 10, not 3");
}
