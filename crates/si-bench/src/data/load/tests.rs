use std::fs;

use super::*;
use crate::data::{
    FileStatus,
    idx::tests::{encode, pack},
    inventory,
};

#[test]
fn a_folder_in_any_official_layout_loads() {
    let layouts: [(&str, Form, &str); 3] = [
        ("", pack, ".gz"),
        ("fashion-mnist", <[u8]>::to_vec, ""),
        ("FashionMNIST/raw", pack, ".gz"),
    ];
    for (subfolder, form, ending) in layouts {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_clothes(&folder.path().join(subfolder), form, ending);
        let splits = load(DataSet::FashionMnist, Some(folder.path())).expect("whole files");
        assert_eq!(splits.train.len(), 60_000);
        assert_eq!(splits.test.len(), 10_000);
        assert_eq!(splits.test.labels()[12], 2);
        assert_eq!(splits.train.image(7).expect("inside")[783], 7);
    }
}

#[test]
fn the_usual_folder_without_a_data_set_leaves_it_to_the_box() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let splits = load_from(
        DataSet::Mnist,
        &DataFolders {
            given: Some(folder.path().to_path_buf()),
            cache: None,
        },
        &mut |_| {},
    )
    .expect("in the box");
    assert_eq!(splits.train.labels()[0], 5);
}

#[test]
fn a_folder_of_digits_does_not_pass_for_clothes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in DataSet::Mnist.files() {
        let bytes = file.boxed.expect("in the box");
        fs::write(folder.path().join(file.packed_name()), bytes).expect("a writable folder");
    }
    let folders = given(folder.path());
    let error = load_from(DataSet::FashionMnist, &folders, &mut |_| {}).expect_err("digits");
    assert!(matches!(error, Error::Download { .. }), "{error}");

    let digits = load_from(DataSet::Mnist, &folders, &mut |_| {}).expect("digits");
    assert_eq!(digits.train.len(), 60_000);
    let reports = inventory(&folders).expect("a folder");
    assert!(matches!(reports[0].place, Some(Place::Folder(_))));
    assert_eq!(reports[0].clone().verified().status, FileStatus::Official);
}

#[test]
fn a_folder_with_some_of_the_files_is_refused_with_the_names_of_the_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_clothes(folder.path(), pack, ".gz");
    fs::remove_file(folder.path().join("t10k-images-idx3-ubyte.gz")).expect("written");
    let error = load(DataSet::FashionMnist, Some(folder.path()))
        .expect_err("incomplete")
        .to_string();
    assert!(
        error.starts_with("cannot find t10k-images-idx3-ubyte of Fashion-MNIST"),
        "{error}"
    );
}

#[test]
fn a_folder_that_does_not_exist_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = load(DataSet::Mnist, Some(&folder.path().join("nowhere"))).expect_err("missing");
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn damaged_files_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_clothes(folder.path(), <[u8]>::to_vec, "");
    let labels = folder.path().join("t10k-labels-idx1-ubyte");
    let whole = fs::read(&labels).expect("written");
    let mut foreign = whole.clone();
    foreign[8 + 77] = 10;
    for (content, expected) in [
        (&whole[..5000], "4992 of 10000 bytes"),
        (&foreign[..], "labels below 10, found 10 for image 77"),
    ] {
        fs::write(&labels, content).expect("a writable folder");
        let error = load(DataSet::FashionMnist, Some(folder.path()))
            .expect_err("damaged")
            .to_string();
        assert!(
            error.contains("t10k-labels-idx1-ubyte must hold"),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");

        let reports = inventory(&given(folder.path())).expect("a folder");
        let report = reports.into_iter().next_back().expect("eight files");
        let status = report.verified().status;
        assert!(matches!(status, FileStatus::Damaged(_)), "{status:?}");
    }
}

#[test]
fn a_user_without_a_home_is_told_the_way_by_hand() {
    let error = load_from(DataSet::FashionMnist, &DataFolders::default(), &mut |_| {})
        .expect_err("nowhere to look")
        .to_string();
    assert!(error.contains("t10k-labels-idx1-ubyte"), "{error}");
    assert!(error.contains("SI_DATA_DIR"), "{error}");
}

/// From the plain bytes of a file to those that are written.
type Form = fn(&[u8]) -> Vec<u8>;

/// Four files of the official lengths: image i has pixels of value i, and label i modulo 10.
fn write_clothes(folder: &Path, form: Form, ending: &str) {
    fs::create_dir_all(folder).expect("a writable folder");
    for file in DataSet::FashionMnist.files() {
        let [num_images, sides @ ..] = file.dimensions else {
            panic!("a file without a dimension");
        };
        let num_pixels: usize = sides.iter().product();
        let limit = if file.holds_labels() { 10 } else { 256 };
        let elements: Vec<u8> = (0..*num_images)
            .flat_map(|image| std::iter::repeat_n((image % limit) as u8, num_pixels))
            .collect();
        let bytes = form(&encode(file.dimensions, &elements));
        fs::write(folder.join(format!("{}{ending}", file.name)), bytes).expect("a writable folder");
    }
}

fn given(folder: &Path) -> DataFolders {
    DataFolders {
        given: Some(folder.to_path_buf()),
        cache: None,
    }
}

#[test]
fn a_named_folder_without_the_data_set_is_an_error_and_not_the_box() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = load(DataSet::Mnist, Some(folder.path())).expect_err("it is empty");
    assert!(error.to_string().contains("holds none of them"), "{error}");
}
