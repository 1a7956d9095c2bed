use std::path::PathBuf;

use tempfile::TempDir;

use crate::{names, printed};

#[test]
fn theory_prints_its_table_and_leaves_a_folder_of_its_own() {
    let parent = TempDir::new().expect("temporary folder");
    let table = printed(parent.path(), &["theory", "--seed", "3"]);
    assert!(table.contains("seed 3"), "{table}");
    assert!(table.contains("ω_i = ½ d_i² H_ii"), "{table}");
    let runs = parent.path().join("runs/theory");
    let stamped: PathBuf = runs.join(&names(&runs)[0]);
    assert_eq!(
        names(&stamped),
        ["figure.png", "figure.svg", "theory.json", "theory.md"]
    );
}

#[test]
fn schematics_print_their_numbers_and_write_into_the_named_folder() {
    let parent = TempDir::new().expect("temporary folder");
    let table = printed(parent.path(), &["schematics", "--out", "mine"]);
    assert!(table.contains("After task 2, c = 1"), "{table}");
    let files = ["figure1", "figure2"]
        .into_iter()
        .flat_map(|name| ["json", "png", "svg"].map(|extension| format!("{name}.{extension}")));
    let files: Vec<String> = files.collect();
    assert_eq!(names(&parent.path().join("mine")), files);
}
