//! The messages for wrong requests, and their exit code 2.

use std::fs;

use tempfile::TempDir;

use crate::{failure, si};

#[test]
fn a_value_that_is_not_a_number_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--epochs", "many"]));
}

#[test]
fn a_value_outside_its_range_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--learning-rate", "-0.1"]));
}

#[test]
fn wrong_methods_are_refused() {
    for (name, methods) in [
        ("an_unknown_method", "none,sj"),
        ("an_unknown_parameter", "si:lambda=3"),
        ("a_parameter_outside_its_range", "si:c=-1"),
        ("a_method_without_its_strength", "none,ewc"),
        ("a_method_twice", "si,si:c=1"),
        ("methods_that_cannot_be_combined", "joint+scratch"),
        ("a_penalty_without_effect", "joint+si"),
    ] {
        insta::assert_snapshot!(name, split_mnist(&["--methods", methods]));
    }
}

#[test]
fn a_value_outside_its_range_is_refused_with_its_flag() {
    insta::assert_snapshot!(split_mnist(&["--epochs", "0"]));
    let negative = split_mnist(&["--epochs", "-1"]);
    let expected = "invalid value '-1' for '--epochs <N>'";
    assert!(negative.contains(expected), "{negative}");
}

#[test]
fn a_first_seed_with_no_room_for_the_others_is_refused() {
    let last = u64::MAX.to_string();
    insta::assert_snapshot!(split_mnist(&["--first-seed", &last]));
}

#[test]
fn a_name_that_does_not_exist_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--optimizer", "adan"]));
}

#[test]
fn an_unknown_key_in_the_file_is_refused() {
    insta::assert_snapshot!(with_file("batch_size = 32\nepochs = 3\n"));
}

#[test]
fn an_unknown_key_that_is_close_to_no_key_is_refused() {
    insta::assert_snapshot!(with_file("weight_decay = 0.1\n"));
}

#[test]
fn a_name_in_the_file_that_does_not_exist_is_refused() {
    insta::assert_snapshot!(with_file("num_epochs = 3\noptimizer = \"adan\"\n"));
}

#[test]
fn a_misspelt_experiment_in_the_file_is_refused() {
    insta::assert_snapshot!(with_file("experiment = \"split-minst\"\n"));
}

#[test]
fn a_key_that_is_written_as_a_flag_is_refused() {
    for flag in ["--num_epochs", "--hidden_sizes", "--lr"] {
        insta::assert_snapshot!(
            format!("{}_is_not_a_flag", flag.trim_start_matches('-')),
            split_mnist(&[flag, "3"])
        );
    }
}

#[test]
fn a_value_of_the_wrong_type_in_the_file_is_refused() {
    insta::assert_snapshot!(with_file("num_epochs = \"three\"\n"));
}

#[test]
fn a_file_that_is_not_toml_is_refused() {
    insta::assert_snapshot!(with_file("num_epochs: 3\n"));
}

#[test]
fn a_missing_file_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--config", "missing.toml"]));
}

#[test]
fn an_unknown_device_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--device", "gpu"]));
}

#[test]
fn a_device_index_that_is_not_a_number_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--device", "flex:x"]));
}

#[test]
fn a_device_index_that_does_not_exist_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--device", "flex:3"]));
}

#[test]
#[cfg(not(feature = "rocm"))]
fn a_device_that_is_not_compiled_in_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--device", "rocm"]));
}

#[test]
fn a_missing_data_folder_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--data-dir", "missing"]));
}

#[test]
fn a_data_folder_with_a_damaged_file_is_refused() {
    let folder = TempDir::new().expect("temporary folder");
    for part in [
        "train-images-idx3",
        "train-labels-idx1",
        "t10k-images-idx3",
        "t10k-labels-idx1",
    ] {
        fs::write(folder.path().join(format!("{part}-ubyte")), "short").expect("file");
    }
    let output = si(folder.path(), &["split-mnist", "--data-dir", "."]);
    insta::assert_snapshot!(failure(&output));
}

#[test]
fn a_folder_that_holds_a_run_is_refused() {
    let folder = TempDir::new().expect("temporary folder");
    fs::create_dir(folder.path().join("mine")).expect("folder");
    fs::write(folder.path().join("mine/config.toml"), "").expect("file");
    let output = si(folder.path(), &["split-mnist", "--out", "mine"]);
    insta::assert_snapshot!(failure(&output));
}

#[test]
fn a_folder_that_holds_other_results_is_refused() {
    let folder = TempDir::new().expect("temporary folder");
    fs::create_dir(folder.path().join("mine")).expect("folder");
    fs::write(folder.path().join("mine/compare.toml"), "").expect("file");
    for args in [
        &["split-mnist", "--out", "mine"][..],
        &["frontier", "--out", "mine"],
        &["repro", "--out", "mine"],
    ] {
        let message = failure(&si(folder.path(), args));
        let expected = "mine already holds a comparison of methods (compare.toml)";
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_folder_of_a_comparison_is_no_run_folder_but_has_some() {
    let folder = TempDir::new().expect("temporary folder");
    for phase in ["search", "final"] {
        fs::create_dir_all(folder.path().join("mine").join(phase)).expect("folder");
        fs::write(
            folder.path().join("mine").join(phase).join("config.toml"),
            "",
        )
        .expect("file");
    }
    for command in ["status", "report", "metrics"] {
        let message = failure(&si(folder.path(), &[command, "mine"]));
        assert!(message.contains("mine/final, mine/search"), "{message}");
    }
}

#[test]
fn resume_without_a_run_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--resume"]));
}

#[test]
fn resume_of_a_folder_without_a_run_is_refused() {
    insta::assert_snapshot!(split_mnist(&["--resume", "missing"]));
}

#[test]
fn resume_with_other_settings_is_refused() {
    let folder = TempDir::new().expect("temporary folder");
    fs::write(
        folder.path().join("config.toml"),
        "experiment = \"split-mnist\"\n",
    )
    .expect("file");
    let output = si(
        folder.path(),
        &[
            "split-mnist",
            "--resume",
            ".",
            "--epochs",
            "3",
            "--methods",
            "none,si:c=2",
        ],
    );
    insta::assert_snapshot!(failure(&output));
}

#[test]
fn a_results_folder_that_cannot_be_made_is_refused() {
    for command in ["theory", "schematics"] {
        let folder = TempDir::new().expect("temporary folder");
        fs::write(folder.path().join("notes.txt"), "mine").expect("file");
        let output = si(folder.path(), &[command, "--out", "notes.txt/results"]);
        insta::assert_snapshot!(
            format!("{command}_cannot_make_its_folder"),
            failure(&output)
        );
    }
}

#[test]
fn an_error_before_the_first_run_leaves_no_folder() {
    let folder = TempDir::new().expect("temporary folder");
    si(folder.path(), &["split-mnist", "--device", "gpu"]);
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 0);
}

fn split_mnist(args: &[&str]) -> String {
    let folder = TempDir::new().expect("temporary folder");
    failure(&si(folder.path(), &[&["split-mnist"], args].concat()))
}

fn with_file(text: &str) -> String {
    let folder = TempDir::new().expect("temporary folder");
    fs::write(folder.path().join("mine.toml"), text).expect("file");
    failure(&si(
        folder.path(),
        &["split-mnist", "--config", "mine.toml"],
    ))
}

#[test]
fn a_missing_repro_cannot_be_resumed_or_reported() {
    for args in [
        &["repro", "--resume", "missing"][..],
        &["repro", "--resume"],
        &["repro", "--report"],
        &["repro", "--report", "--out", "missing"],
    ] {
        let folder = TempDir::new().expect("temporary folder");
        let output = si(folder.path(), args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            failure(&output)
        );
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "{args:?} left something behind");
    }
}
