use std::fs;

use super::*;
use crate::data::{
    FileStatus,
    cifar::tests::binary_batch,
    idx::tests::{encode, pack},
    inventory,
    official::Content,
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

#[cfg(feature = "mnist")]
#[test]
fn bundled_data_is_used_if_the_usual_folder_has_none() {
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

#[cfg(feature = "mnist")]
#[test]
fn a_folder_of_digits_is_not_taken_for_clothes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in DataSet::Mnist.row().main_form().files {
        let content = file.boxed.expect("in the box")();
        fs::write(folder.path().join(file.name), content).expect("a writable folder");
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
        let report = reports
            .into_iter()
            .rfind(|report| report.data_set == DataSet::FashionMnist);
        let status = report.expect("four files").verified().status;
        assert!(matches!(status, FileStatus::Damaged(_)), "{status:?}");
    }
}

#[test]
fn a_user_without_a_home_is_told_how_to_give_the_files() {
    let error = load_from(DataSet::FashionMnist, &DataFolders::default(), &mut |_| {})
        .expect_err("nowhere to look")
        .to_string();
    assert!(error.contains("t10k-labels-idx1-ubyte"), "{error}");
    assert!(error.contains("SI_DATA_DIR"), "{error}");
}

#[cfg(not(feature = "mnist"))]
#[test]
fn a_program_without_mnist_says_which_feature_includes_it() {
    let error = load_from(DataSet::Mnist, &DataFolders::default(), &mut |_| {})
        .expect_err("nowhere to look")
        .to_string();
    assert!(error.contains("the cargo feature mnist"), "{error}");
    assert!(error.contains("t10k-labels-idx1-ubyte"), "{error}");
}

#[test]
fn cifar_loads_from_the_unpacked_binary_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let unpacked = folder.path().join("cifar-10-batches-bin");
    write_cifar_10(&unpacked);
    for given in [folder.path(), &unpacked] {
        let splits = load(DataSet::Cifar10, Some(given)).expect("whole files");
        assert_eq!(splits.train.len(), 50_000);
        assert_eq!(splits.test.len(), 10_000);
        assert_eq!(splits.train.shape(), [3, 32, 32]);
        assert_eq!(splits.train.labels()[20_003], 5);
        assert_eq!(splits.train.image(7).expect("inside")[3071], 7);
    }
    assert!(load(DataSet::Cifar100, Some(folder.path())).is_err());

    let batch = unpacked.join("data_batch_4.bin");
    let whole = fs::read(&batch).expect("written");
    fs::write(&batch, &whole[..whole.len() - 1]).expect("a writable folder");
    let error = load(DataSet::Cifar10, Some(folder.path())).expect_err("short");
    let expected = format!(
        "{} must hold 10000 records of 3073 bytes, 30730000 in all, found 30729999 bytes",
        batch.display()
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
    let reports = inventory(&given(folder.path())).expect("a folder");
    let statuses: Vec<FileStatus> = reports
        .into_iter()
        .filter(|report| report.data_set == DataSet::Cifar10)
        .map(|report| report.verified().status)
        .collect();
    assert_eq!(statuses.len(), 6);
    assert!(
        matches!(statuses[3], FileStatus::Damaged(_)),
        "{statuses:?}"
    );
    assert_eq!(statuses[4], FileStatus::Sound);

    fs::remove_file(&batch).expect("written");
    let error = load(DataSet::Cifar10, Some(folder.path())).expect_err("incomplete");
    let expected = "cannot find data_batch_4.bin of CIFAR-10; put cifar-10-binary.tar.gz \
                    (packed or unpacked) into ";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn cifar_loads_from_the_archive() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The coarse label, which is not used, and the fine one.
    let labels = |num_images: usize| -> Vec<[u8; 2]> {
        (0..num_images).map(|i| [7, (i % 100) as u8]).collect()
    };
    let fine =
        |num_images| -> Vec<u8> { labels(num_images).iter().map(|[_, fine]| *fine).collect() };
    let mut archive = tar::Builder::new(Vec::new());
    for (name, num_images) in [
        ("fine_label_names.txt", 1),
        ("test.bin", 10_000),
        ("train.bin", 50_000),
    ] {
        let records = binary_batch(&labels(num_images));
        let mut header = tar::Header::new_ustar();
        header.set_size(records.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(
                &mut header,
                format!("cifar-100-binary/{name}"),
                &records[..],
            )
            .expect("a vector takes all");
    }
    let packed = pack(&archive.into_inner().expect("a vector takes all"));
    let path = folder.path().join("cifar-100-binary.tar.gz");
    fs::write(&path, &packed).expect("a writable folder");
    let splits = load(DataSet::Cifar100, Some(folder.path())).expect("a whole archive");
    assert_eq!(splits.train.labels(), fine(50_000));
    assert_eq!(splits.test.labels(), fine(10_000));
    assert_eq!(splits.train.image(77).expect("inside")[3071], 77);

    fs::write(&path, &packed[..packed.len() / 2]).expect("a writable folder");
    let error = load(DataSet::Cifar100, Some(folder.path())).expect_err("half an archive");
    let expected = format!("{} must hold ", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_complete_form_is_preferred_to_a_part_of_another() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place_of = |name: &str| {
        fs::create_dir_all(folder.path().join("cifar-10/cifar-10-batches-bin")).expect("writable");
        fs::write(folder.path().join("cifar-10").join(name), b"").expect("a writable folder");
        let reports = inventory(&given(folder.path())).expect("a folder");
        let found = reports
            .into_iter()
            .find(|report| report.data_set == DataSet::Cifar10);
        found.expect("at least one").file
    };
    assert_eq!(
        place_of("cifar-10-batches-bin/data_batch_2.bin"),
        "data_batch_1.bin"
    );
    assert_eq!(place_of("cifar-10-binary.tar.gz"), "cifar-10-binary.tar.gz");
}

/// The published numbers of images, in the folder that `SI_DATA_DIR` names, where it holds CIFAR.
#[test]
fn cifar_has_the_published_number_of_images_of_each_class() {
    let Some(folder) = DataFolders::find(None).given else {
        return;
    };
    for (data_set, num_train, num_test) in [
        (DataSet::Cifar10, 5000, 1000),
        (DataSet::Cifar100, 500, 100),
    ] {
        if find_below(data_set, &folder).expect("a folder").is_none() {
            continue;
        }
        let splits = load(data_set, Some(&folder)).expect("whole files");
        for (images, expected) in [(&splits.train, num_train), (&splits.test, num_test)] {
            let mut counts = vec![0; data_set.num_classes()];
            for label in images.labels() {
                counts[usize::from(*label)] += 1;
            }
            assert_eq!(counts, vec![expected; data_set.num_classes()], "{data_set}");
            // Colours are spread over the whole range, around a mean that is known to be near 0.47.
            let sum: u64 = images.pixels().iter().map(|pixel| u64::from(*pixel)).sum();
            let mean = sum as f64 / images.pixels().len() as f64 / 255.0;
            assert!((0.46..0.50).contains(&mean), "{data_set}: {mean}");
        }
    }
}

/// Six batches: image i of batch b has pixels of value i, and label i + b modulo 10.
fn write_cifar_10(folder: &Path) {
    fs::create_dir_all(folder).expect("a writable folder");
    for (batch, name) in [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ]
    .into_iter()
    .enumerate()
    {
        let labels: Vec<[u8; 1]> = (0..10_000).map(|i| [((i + batch) % 10) as u8]).collect();
        fs::write(folder.join(name), binary_batch(&labels)).expect("a writable folder");
    }
}

/// From the plain bytes of a file to those that are written.
type Form = fn(&[u8]) -> Vec<u8>;

/// Four files of the official lengths: image i has pixels of value i, and label i modulo 10.
fn write_clothes(folder: &Path, form: Form, ending: &str) {
    fs::create_dir_all(folder).expect("a writable folder");
    for file in DataSet::FashionMnist.row().main_form().files {
        let Content::Idx {
            dimensions: dimensions @ [num_images, sides @ ..],
            ..
        } = file.content
        else {
            panic!("a file without a dimension");
        };
        let num_pixels: usize = sides.iter().product();
        let limit = if sides.is_empty() { 10 } else { 256 };
        let elements: Vec<u8> = (0..*num_images)
            .flat_map(|image| std::iter::repeat_n((image % limit) as u8, num_pixels))
            .collect();
        let bytes = form(&encode(dimensions, &elements));
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
fn a_named_folder_without_the_data_set_is_an_error_even_for_bundled_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = load(DataSet::Mnist, Some(folder.path())).expect_err("it is empty");
    assert!(error.to_string().contains("has none of them"), "{error}");
}
