use std::fs;

use tempfile::TempDir;

use super::*;
use crate::test_device::assert_same_parts;

fn folder() -> (TempDir, CheckpointFolder) {
    let parent = TempDir::new().expect("a folder can be made");
    let folder = CheckpointFolder::new(parent.path().join("training"));
    (parent, folder)
}

fn damage(path: &std::path::Path) {
    let mut bytes = fs::read(path).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 64;
    fs::write(path, bytes).expect("it can be written");
}

fn step_of(checkpoint: Option<Checkpoint>) -> usize {
    let checkpoint = checkpoint.expect("there is one");
    checkpoint.progress::<Progress>().expect("its type").step
}

#[test]
fn checkpoints_saved_last_are_kept_whatever_their_progress() {
    let (_parent, mut folder) = folder();
    assert!(folder.latest().expect("it can be read").is_none());
    let mut training = Training::new(adam()).steps(8);
    for _ in 0..12 {
        folder
            .save(&training.checkpoint())
            .expect("it can be saved");
        training = training.step();
    }
    assert_eq!(
        names(folder.path()),
        ["checkpoint-10.ckpt", "checkpoint-11.ckpt"]
    );
    // Training that starts over in the same folder counts as the newest.
    let anew = Training::new(adam());
    folder.save(&anew.checkpoint()).expect("it can be saved");
    assert_eq!(step_of(folder.latest().expect("it is whole")), 0);
    let mut folder = folder.keep(1);
    folder.save(&anew.checkpoint()).expect("it can be saved");
    assert_eq!(names(folder.path()), ["checkpoint-13.ckpt"]);
}

#[test]
fn training_from_the_checkpoint_before_a_damaged_one_equals_unbroken_training() {
    let (_parent, mut folder) = folder();
    let mut training = Training::new(adam());
    let mut newest = None;
    for _ in 0..4 {
        training = training.steps(2);
        newest = Some(
            folder
                .save(&training.checkpoint())
                .expect("it can be saved"),
        );
    }
    damage(&newest.expect("it was saved"));
    let checkpoint = folder
        .latest()
        .expect("one is whole")
        .expect("there is one");
    let mut restored = Training::restored(&checkpoint, adam()).expect("it fits");
    assert_eq!(restored.progress.step, 6);
    restored = restored.steps(2);
    assert_same_parts(&restored.parts(), &training.parts());
    // The damaged one does not count as one of those that are kept.
    folder
        .save(&restored.checkpoint())
        .expect("it can be saved");
    assert_eq!(
        names(folder.path()),
        ["checkpoint-2.ckpt", "checkpoint-4.ckpt"]
    );
    assert_eq!(step_of(folder.latest().expect("it is whole")), 8);
}

#[test]
fn folder_of_damaged_checkpoints_is_an_error_and_not_a_fresh_start() {
    let (_parent, mut folder) = folder();
    let training = Training::new(adam());
    for _ in 0..2 {
        let path = folder
            .save(&training.checkpoint())
            .expect("it can be saved");
        damage(&path);
    }
    let error = folder.latest().expect_err("none is whole").to_string();
    assert!(
        error.starts_with("none of the 2 checkpoints in "),
        "{error}"
    );
    assert!(
        error.contains("checkpoint-1.ckpt is damaged in its section "),
        "{error}"
    );
}

#[test]
fn file_of_another_kind_or_format_is_an_error() {
    let (_parent, mut folder) = folder();
    let training = Training::new(adam());
    folder
        .save(&training.checkpoint())
        .expect("it can be saved");
    let path = folder
        .save(&training.checkpoint())
        .expect("it can be saved");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[8..12].copy_from_slice(&3_u32.to_le_bytes());
    let crc = format::checksum(&[&bytes[..12]]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).expect("it can be written");
    let error = folder.latest().expect_err("it is of another format");
    assert!(matches!(
        error,
        CheckpointError::OtherFormat { found: 3, .. }
    ));
    fs::write(&path, "holiday pictures").expect("it can be written");
    let error = folder.latest().expect_err("it is foreign");
    assert!(matches!(error, CheckpointError::Foreign { .. }));
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let (_parent, mut folder) = folder();
    let training = Training::new(adam());
    folder
        .save(&training.checkpoint())
        .expect("it can be saved");
    let others = [
        "checkpoint-x.ckpt",
        "checkpoint-07.ckpt",
        "checkpoint-9.ckpt.draft",
        "notes.txt",
    ];
    for name in others {
        fs::write(folder.path().join(name), "mine").expect("it can be written");
    }
    assert!(folder.latest().is_ok_and(|it| it.is_some()));
    for _ in 0..3 {
        folder
            .save(&training.checkpoint())
            .expect("it can be saved");
    }
    let names = names(folder.path());
    assert!(others.iter().all(|name| names.iter().any(|it| it == name)));
}
