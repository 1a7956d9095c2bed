use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    TempDir::new().expect("a folder can be made")
}

/// The error for a file with these bytes, without the path of its folder.
fn error_of(bytes: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join("a.ckpt");
    fs::write(&path, bytes).expect("it can be written");
    let error = Checkpoint::load(&path).expect_err("it is no checkpoint");
    let place = format!("{}/", folder.path().display());
    error.to_string().replace(&place, "")
}

#[test]
fn file_holds_the_checkpoint_and_takes_the_place_of_the_one_before() {
    let folder = folder();
    let path = folder.path().join("training.ckpt");
    let training = Training::new(adam()).steps(3);
    training
        .checkpoint()
        .save(&path)
        .expect("it can be written");
    let training = training.step();
    training
        .checkpoint()
        .save(&path)
        .expect("it can be written");
    let checkpoint = Checkpoint::load(&path).expect("it is whole");
    let restored = Training::restored(&checkpoint, adam()).expect("it fits");
    assert_eq!(restored.parts(), training.parts());
    assert_eq!(names(folder.path()), ["training.ckpt"]);
}

#[test]
fn every_error_of_a_file_is_a_sentence_that_names_it() {
    let missing = PathBuf::from("missing/a.ckpt");
    let error = Checkpoint::load(&missing).expect_err("it is not there");
    assert_eq!(
        error.to_string(),
        "there is no checkpoint at missing/a.ckpt"
    );
    let whole = Training::new(adam()).checkpoint().to_bytes();
    let record = Line::new().into_record().into_bytes().expect("a record");
    let [older, newer] = [1_u32, 7].map(|version| {
        let mut other = whole.clone();
        other[8..12].copy_from_slice(&version.to_le_bytes());
        let crc = format::checksum(&[&other[..12]]);
        other[12..16].copy_from_slice(&crc.to_le_bytes());
        other
    });
    let last = whole.len() - 1;
    let mut flipped = whole.clone();
    flipped[last] ^= 1;
    for (bytes, expected) in [
        (
            &b"a letter to a friend"[..],
            "a.ckpt is not a checkpoint of si-core: it begins with other bytes",
        ),
        (
            &record,
            "a.ckpt is not a checkpoint of si-core: it is a Burn record, which a module's \
             `try_load_file` may read",
        ),
        (
            &newer,
            "a.ckpt is a checkpoint of format 7, but this si-core reads format 2: use the version \
             that wrote it",
        ),
        (
            &older,
            "a.ckpt is a checkpoint of format 1, but this si-core reads format 2: use the version \
             that wrote it",
        ),
        (
            b"",
            "a.ckpt is damaged in its beginning: it is cut off, at byte 0 of 16",
        ),
        (
            &[0; 4096],
            "a.ckpt is damaged in its beginning: it contains only zeros",
        ),
        (
            &flipped,
            "a.ckpt is damaged in its section optimizer: its checksum does not match",
        ),
        (
            &[&whole[..], b"\n"].concat(),
            "a.ckpt is damaged in its end: extra bytes after the last section: 1",
        ),
    ] {
        assert_eq!(error_of(bytes), expected);
    }
    let cut_off = error_of(&whole[..last]);
    let expected = "a.ckpt is damaged in its section optimizer: it is cut off, ";
    assert!(cut_off.starts_with(expected), "{cut_off}");
}

#[test]
fn damaged_magic_or_version_is_reported_as_damage() {
    let whole = Training::new(adam()).checkpoint().to_bytes();
    for index in 0..16 {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[index] ^= 1 << bit;
            let error = Checkpoint::from_bytes(&bytes).expect_err("it is damaged");
            assert!(matches!(error, CheckpointError::Damaged { .. }), "{error}");
        }
    }
}

#[test]
fn file_that_cannot_be_written_is_named_and_leaves_nothing() {
    let folder = folder();
    let checkpoint = Training::new(adam()).checkpoint();
    let path = folder.path().join("missing").join("a.ckpt");
    let error = checkpoint.save(&path).expect_err("there is no folder");
    let expected = format!("cannot write {}", path.display());
    assert_eq!(error.to_string(), expected);
    // There is a folder at the file's path.
    let path = folder.path().join("taken");
    fs::create_dir(&path).expect("a folder can be made");
    assert!(checkpoint.save(&path).is_err());
    assert_eq!(names(folder.path()), ["taken"]);
}

#[test]
#[cfg(unix)]
fn previous_file_stays_if_writing_fails_midway() {
    let folder = folder();
    let path = folder.path().join("a.ckpt");
    fs::write(&path, "before").expect("it can be written");
    let failed = crate::replace::replace(&path, |writer| {
        std::io::Write::write_all(writer, b"half of it")?;
        Err(std::io::Error::other("the disk is full"))
    });
    assert!(failed.is_err());
    assert_eq!(fs::read(&path).expect("it is there"), b"before");
    assert_eq!(names(folder.path()), ["a.ckpt"]);
}

#[test]
fn draft_that_a_crash_left_is_overwritten() {
    let folder = folder();
    let path = folder.path().join("a.ckpt");
    fs::write(folder.path().join("a.ckpt.draft"), [7; 1 << 20]).expect("it can be written");
    let training = Training::new(adam()).steps(1);
    training
        .checkpoint()
        .save(&path)
        .expect("it can be written");
    assert!(Checkpoint::load(&path).is_ok());
    assert_eq!(names(folder.path()), ["a.ckpt"]);
}
