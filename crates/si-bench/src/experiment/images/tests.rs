use std::fs;

use super::*;
use crate::fixture::write_images;

#[test]
fn all_tasks_stay_all_tasks_on_other_images() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_images(folder.path(), 4);
    let on_images = |config: ExperimentConfig| {
        let config = config.with_images(folder.path()).expect("four classes");
        config.validate().expect("a valid config");
        config
    };
    let config = on_images(paper());
    assert_eq!(config.num_tasks, 2);
    assert_eq!(config.clone().with_data_set(DataSet::Mnist), paper());
    let moved = tempfile::tempdir().expect("a temporary folder");
    write_images(moved.path(), 4);
    let moved = config
        .clone()
        .with_images(moved.path())
        .expect("the same images");
    assert_eq!(moved.image_set, config.image_set);

    let one = ExperimentConfig {
        num_tasks: 1,
        ..paper()
    };
    assert_eq!(on_images(one).num_tasks, 1);
    let permuted = on_images(ExperimentConfig::paper(Experiment::PermutedMnist));
    assert_eq!(permuted.num_tasks, 10);
}

#[test]
fn the_text_of_a_config_with_images_reads_back_without_the_images() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_images(folder.path(), 4);
    let config = from_toml(&format!("images = {:?}\n", folder.path())).expect("four classes");
    assert_eq!(
        config,
        paper().with_images(folder.path()).expect("four classes")
    );
    folder.close().expect("written");
    assert_eq!(from_toml(&config.to_toml()).expect("stored"), config);
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_images(folder.path(), 4);
    let images = format!("images = {:?}\n", folder.path());
    for (text, expected) in [
        (
            format!("{images}data_set = 'mnist'"),
            "data_set must be left out in split-cifar, and if images are given, got mnist",
        ),
        (
            format!("{images}num_tasks = 3"),
            "num_tasks must be 1 to 2 with 4 classes, got 3",
        ),
        (
            "[image_set]\nmd5 = ''\nshape = [1, 1, 1]\nclasses = ['a', 'b']\n".to_string(),
            "image_set must be left out if no images are given, got 2 classes",
        ),
    ] {
        let error = from_toml(&text).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let cifar = ExperimentConfig::paper(Experiment::SplitCifar);
    let error = cifar
        .with_toml(&images)
        .expect_err("split CIFAR has its own")
        .to_string();
    assert!(
        error.contains("images must be left out in split-cifar"),
        "{error}"
    );
}

#[test]
fn an_odd_number_of_classes_is_refused_in_split_mnist_and_not_in_permuted_mnist() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_images(folder.path(), 3);
    let images = format!("images = {:?}\n", folder.path());
    let error = from_toml(&images).expect_err("three classes").to_string();
    assert!(error.contains("3 classes do not make pairs"), "{error}");
    let permuted = ExperimentConfig::from_toml(Experiment::PermutedMnist, &images);
    permuted.expect("any number of classes");
}

#[test]
fn images_that_have_changed_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_images(folder.path(), 4);
    let config = paper().with_images(folder.path()).expect("four classes");
    config.check_images().expect("nothing has changed");
    let path = folder.path().join("train-labels-idx1-ubyte");
    let mut labels = fs::read(&path).expect("written");
    labels[8..12].rotate_left(1);
    fs::write(&path, labels).expect("a writable folder");
    let error = config.check_images().expect_err("other labels");
    assert!(matches!(error, Error::ImagesDiffer { .. }), "{error}");
}

#[test]
fn class_names_are_those_of_the_images() {
    let set = ImageSet {
        md5: String::new(),
        shape: [1, 1, 1],
        classes: vec!["ant".to_string(), "cat".to_string()],
    };
    let config = ExperimentConfig {
        image_set: Some(set),
        ..paper()
    };
    assert_eq!(config.class_names(), ["ant", "cat"]);
    assert_eq!(paper().class_names()[9], "9");
}

fn paper() -> ExperimentConfig {
    ExperimentConfig::paper(Experiment::SplitMnist)
}

fn from_toml(text: &str) -> Result<ExperimentConfig, Error> {
    ExperimentConfig::from_toml(Experiment::SplitMnist, text)
}
