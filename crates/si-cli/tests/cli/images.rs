//! Experiments on images of the user's own.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::training::runs;
use crate::{failure, si};

/// As little training as possible.
const BUDGET: &str = "--device flex --jobs 1 --threads 1 --seeds 1 --epochs 2 --hidden-sizes 8 --batch-size 4 --methods none,si";
const CLASSES: [&str; 4] = ["ant", "bee", "cat", "dog"];

#[test]
fn split_mnist_learns_pairs_of_the_users_own_classes() {
    let parent = with_images(&CLASSES);
    succeed(
        parent.path(),
        &format!("split-mnist --images photos --out pairs {BUDGET}"),
    );
    let read = |file: &str| fs::read_to_string(parent.path().join("pairs").join(file)).expect(file);
    let config = read("config.toml");
    for line in ["images = \"photos\"", "num_tasks = 2", "[image_set]"] {
        assert!(config.contains(line), "{config}");
    }
    assert!(!config.contains("data_set"), "{config}");
    let summary = read("summary.md");
    for text in [
        "Task 1 (ant or bee)",
        "Task 2 (cat or dog)",
        "| images | photos, 4 classes, md5 ",
    ] {
        assert!(summary.contains(text), "{summary}");
    }
    assert_eq!(runs(&parent.path().join("pairs")).len(), 2);

    // The settings of a run name the folder again.
    succeed(
        parent.path(),
        "split-mnist --config pairs/config.toml --device flex --out again",
    );
    assert_eq!(
        runs(&parent.path().join("again")),
        runs(&parent.path().join("pairs"))
    );
}

#[test]
fn permuted_mnist_permutes_the_users_own_images() {
    let parent = with_images(&CLASSES[..3]);
    fs::write(parent.path().join("mine.toml"), "images = 'photos'\n").expect("a file");
    succeed(
        parent.path(),
        &format!("permuted-mnist --config mine.toml --tasks 2 --out orders {BUDGET}"),
    );
    assert_eq!(runs(&parent.path().join("orders")).len(), 2);
}

#[test]
fn a_run_resumes_on_moved_images_but_not_on_changed_ones() {
    let parent = with_images(&CLASSES);
    succeed(
        parent.path(),
        &format!("split-mnist --images photos --out run {BUDGET}"),
    );
    let image = parent.path().join("photos/train/ant/0.png");
    let before = fs::read(&image).expect("written");
    write_image(&image, 77);
    for images in ["", "--images photos"] {
        let error = refuse(
            parent.path(),
            &format!("split-mnist --resume run --seeds 2 {images}"),
        );
        assert!(
            error.contains("the images in photos have changed: their md5 sum is "),
            "{error}"
        );
    }
    fs::rename(parent.path().join("photos"), parent.path().join("moved")).expect("a folder");
    let error = refuse(
        parent.path(),
        "split-mnist --resume run --seeds 2 --images moved",
    );
    assert!(
        error.contains("cannot resume run with other settings: image_set is that with md5 = "),
        "{error}"
    );
    fs::write(parent.path().join("moved/train/ant/0.png"), before).expect("a file");
    succeed(
        parent.path(),
        "split-mnist --resume run --seeds 2 --images moved",
    );
    assert_eq!(runs(&parent.path().join("run")).len(), 4);
    let config = fs::read_to_string(parent.path().join("run/config.toml")).expect("a config");
    assert!(config.contains("images = \"moved\""), "{config}");
}

#[test]
fn images_that_cannot_be_used_are_refused_before_a_folder_is_made() {
    let parent = with_images(&CLASSES[..3]);
    fs::create_dir(parent.path().join("empty")).expect("a folder");
    for (arguments, expected) in [
        ("--images photos", "3 classes do not make pairs"),
        (
            "--images empty",
            "cannot use empty: it is empty; it must have one of these: IDX files",
        ),
        ("--images missing", "cannot read missing"),
        ("--images photos --data-set mnist", "cannot be used with"),
    ] {
        let error = refuse(parent.path(), &format!("split-mnist --out run {arguments}"));
        assert!(error.contains(expected), "{error}");
        assert!(!parent.path().join("run").exists(), "{arguments}");
    }
    let error = refuse(parent.path(), "split-cifar --images photos");
    assert!(
        error.contains("images must be left out in split-cifar"),
        "{error}"
    );
}

#[test]
fn data_says_what_a_folder_of_images_holds() {
    let parent = with_images(&CLASSES);
    let output = si(parent.path(), &["data", "--images", "photos"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let expected = "photos: 4 classes (ant, bee, cat, dog)\n\
                    16 training images and 8 test images, each with 1 channel(s) of 8 × 8 pixels\n\
                    md5 ";
    assert!(text.starts_with(expected), "{text}");
}

/// A folder `photos` with four training images and two test images of each class.
fn with_images(classes: &[&str]) -> TempDir {
    let parent = TempDir::new().expect("a folder can be made");
    for (index, class) in classes.iter().enumerate() {
        for (part, num_images) in [("train", 4), ("test", 2)] {
            let folder = parent.path().join("photos").join(part).join(class);
            fs::create_dir_all(&folder).expect("a folder can be made");
            for image in 0..num_images {
                let brightness = (60 * index + 5 * image) as u8;
                write_image(&folder.join(format!("{image}.png")), brightness);
            }
        }
    }
    parent
}

/// A grey PNG of 8 × 8 pixels.
fn write_image(path: &Path, brightness: u8) {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a vector takes all");
    writer
        .write_image_data(&[brightness; 64])
        .expect("a vector takes all");
    writer.finish().expect("a vector takes all");
    fs::write(path, bytes).expect("there is room for it");
}

fn succeed(folder: &Path, arguments: &str) {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let output = si(folder, &words);
    assert!(output.status.success(), "{}", failure(&output));
}

/// What the program says when it refuses these arguments.
fn refuse(folder: &Path, arguments: &str) -> String {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let output = si(folder, &words);
    let error = failure(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    error
}
