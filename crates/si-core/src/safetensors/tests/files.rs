use std::error::Error as _;
use std::fs;

use super::*;

#[test]
fn a_file_is_written_whole_and_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.safetensors");
    let learner = linear_with_state();
    fs::write(&path, "older").expect("written");
    learner
        .save_safetensors(&path, WeightLayout::PyTorch)
        .expect("written");
    let bytes = learner
        .to_safetensors(WeightLayout::PyTorch)
        .expect("written");
    assert_eq!(fs::read(&path).expect("read"), bytes);
    let names: Vec<_> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["state.safetensors"]);

    let mut other = linear();
    let report = other
        .load_safetensors_file(&path, WeightLayout::PyTorch)
        .expect("read");
    assert_eq!(report.taken, ["weight.importance", "weight.anchor"]);
    assert_eq!(state(&other), state(&learner));
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("none").join("state.safetensors");
    let shown = path.display().to_string();
    let mut learner = linear_with_state();
    let error = learner.save_safetensors(&path, WeightLayout::Burn);
    let error = error.expect_err("no folder").to_string();
    assert_eq!(error, format!("cannot write {shown}"));
    let error = learner.load_safetensors_file(&path, WeightLayout::Burn);
    let error = error.expect_err("no file").to_string();
    assert_eq!(error, format!("cannot read {shown}"));

    let path = folder.path().join("state.safetensors");
    learner
        .save_safetensors(&path, WeightLayout::Burn)
        .expect("written");
    let error = learner
        .load_safetensors_file(&path, WeightLayout::PyTorch)
        .expect_err("another layout");
    let shown = path.display();
    assert_eq!(
        error.to_string(),
        format!("cannot load the state in {shown}")
    );
    let cause = error.source().expect("a cause").to_string();
    assert!(cause.contains("layout burn"), "{cause}");
}
