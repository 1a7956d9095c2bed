use std::{fs, path::Path};

use png::{BitDepth, ColorType};

use super::*;
use crate::data::{
    cifar::tests::binary_batch,
    idx::tests::{encode, pack},
};

#[test]
fn idx_files_of_any_size_load_plain_and_packed() {
    for (test, form, ending) in [
        ("t10k", <[u8]>::to_vec as Form, ""),
        ("t10k", pack, ".gz"),
        ("test", pack, ".gz"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, dimensions: &[usize], elements: &[u8]| {
            let path = folder.path().join(format!("{name}{ending}"));
            fs::write(path, form(&encode(dimensions, elements))).expect("a writable folder");
        };
        write(
            "train-images-idx3-ubyte",
            &[3, 2, 5],
            &(0..30).collect::<Vec<u8>>(),
        );
        write("train-labels-idx1-ubyte", &[3], &[1, 0, 2]);
        write(&format!("{test}-images-idx3-ubyte"), &[4, 2, 5], &[7; 40]);
        write(&format!("{test}-labels-idx1-ubyte"), &[4], &[2, 1, 0, 0]);
        let OwnImages { set, splits } = load_own_images(folder.path()).expect("whole files");
        assert_eq!(set.shape, [1, 2, 5]);
        assert_eq!(set.classes, ["0", "1", "2"]);
        assert_eq!(splits.train.labels(), [1, 0, 2]);
        assert_eq!(
            splits.train.image(2),
            Some(&(20..30).collect::<Vec<u8>>()[..])
        );
        assert_eq!(splits.test.labels(), [2, 1, 0, 0]);
        assert_eq!(splits.test.num_classes(), 3);
    }
}

#[test]
fn idx_files_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, dimensions: &[usize], elements: &[u8]| {
        let file = encode(dimensions, elements);
        fs::write(folder.path().join(name), file).expect("a writable folder");
    };
    let refused = |expected: &str| assert_refused(folder.path(), expected);
    write("train-images-idx3-ubyte", &[2, 1, 1], &[0, 0]);
    refused("it lacks train-labels-idx1-ubyte (plain, or compressed with the ending .gz)");
    write("train-labels-idx1-ubyte", &[3], &[0, 1, 1]);
    refused("train-labels-idx1-ubyte: it has 3 labels, but ");
    write("train-labels-idx1-ubyte", &[2], &[0, 1]);
    refused("it lacks t10k-images-idx3-ubyte (plain");
    write("t10k-images-idx3-ubyte", &[2, 1, 2], &[0; 4]);
    write("t10k-labels-idx1-ubyte", &[2], &[0, 1]);
    refused("t10k-images-idx3-ubyte: its images have 1 × 2 pixels, grey, but those of ");
    write("t10k-images-idx3-ubyte", &[2, 1, 1], &[0; 2]);
    load_own_images(folder.path()).expect("now they belong together");

    write("t10k-labels-idx1-ubyte", &[2], &[0, 0]);
    refused("the class \"1\" has no test images");
    write("t10k-labels-idx1-ubyte", &[2], &[0, 2]);
    refused("the class \"2\" has no training images");
    write("t10k-labels-idx1-ubyte", &[2], &[0, 0]);
    write("train-labels-idx1-ubyte", &[2], &[0, 0]);
    refused("it has 1 class(es), and at least 2 are needed");
    write("train-images-idx3-ubyte", &[0, 1, 1], &[]);
    write("train-labels-idx1-ubyte", &[0], &[]);
    refused("train-images-idx3-ubyte: it has 0 images of 1 × 1 pixels");
    write("train-images-idx3-ubyte", &[2, 1, 1], &[0]);
    refused(
        "it must hold an idx file of unsigned bytes with 3 dimension(s), found 1 of 2 bytes after \
         the header",
    );
    write("train-images-idx3-ubyte", &[0xffff_ffff; 3], &[0]);
    refused("found 4294967295 × 4294967295 × 4294967295");
}

#[test]
fn png_folders_load_in_the_order_of_names() {
    for (colours, num_channels) in [(ColorType::Grayscale, 1), (ColorType::Rgb, 3)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (place, brightness) in [
            ("train/cat/b.png", 2),
            ("train/cat/a.PNG", 1),
            ("train/ant/x.png", 0),
            ("test/ant/x.png", 3),
            ("test/cat/x.png", 4),
        ] {
            write_png(&folder.path().join(place), [2, 3], colours, brightness);
        }
        for hidden in [".DS_Store", "train/.notes", "train/cat/._a.png"] {
            fs::write(folder.path().join(hidden), b"").expect("a writable folder");
        }
        let OwnImages { set, splits } = load_own_images(folder.path()).expect("whole files");
        assert_eq!(set.shape, [num_channels, 2, 3]);
        assert_eq!(set.classes, ["ant", "cat"]);
        assert_eq!(splits.train.labels(), [0, 1, 1]);
        assert_eq!(splits.test.labels(), [0, 1]);
        let first: Vec<u8> = splits
            .train
            .pixels()
            .chunks(6 * num_channels)
            .map(|it| it[0])
            .collect();
        assert_eq!(first, [0, 1, 2]);
    }
}

#[test]
fn colours_become_planes() {
    let folder = class_folders();
    let path = folder.path().join("picture.png");
    encode_png(
        &path,
        [1, 2],
        ColorType::Rgb,
        BitDepth::Eight,
        &[1, 2, 3, 4, 5, 6],
    );
    let picture = png_image::PngImage::read(&path).expect("a whole file");
    assert_eq!(picture.shape, [3, 1, 2]);
    assert_eq!(picture.pixels, [1, 4, 2, 5, 3, 6]);
}

#[test]
fn an_alpha_channel_is_dropped_if_it_is_opaque_and_refused_otherwise() {
    let folder = class_folders();
    let path = folder.path().join("train/ant/1.png");
    for (colours, opaque, transparent) in [
        (ColorType::GrayscaleAlpha, vec![9, 255], vec![9, 254]),
        (ColorType::Rgba, vec![9, 8, 7, 255], vec![9, 8, 7, 0]),
    ] {
        encode_png(&path, [1, 1], colours, BitDepth::Eight, &opaque);
        let picture = png_image::PngImage::read(&path).expect("an opaque image");
        assert_eq!(picture.pixels, opaque[..opaque.len() - 1]);
        encode_png(&path, [1, 1], colours, BitDepth::Eight, &transparent);
        assert_refused(
            folder.path(),
            "8 bits per channel and at most 4096 × 4096 pixels, found transparent pixels",
        );
    }
}

#[test]
fn pngs_of_other_kinds_are_refused_by_name() {
    let folder = class_folders();
    let path = folder.path().join("train/ant/1.png");
    encode_png(
        &path,
        [1, 1],
        ColorType::Grayscale,
        BitDepth::Sixteen,
        &[0, 0],
    );
    assert_refused(
        folder.path(),
        "train/ant/1.png: it must hold an opaque PNG, grey or RGB, with 8 bits",
    );
    assert_refused(folder.path(), "found 16 bit(s) per channel");
    encode_png(&path, [1, 1], ColorType::Indexed, BitDepth::Eight, &[0]);
    assert_refused(folder.path(), "found a palette");
    encode_png(
        &path,
        [1, 4097],
        ColorType::Grayscale,
        BitDepth::Eight,
        &[0; 4097],
    );
    assert_refused(folder.path(), "found 1 × 4097 pixels");
}

#[test]
fn a_corrupt_png_is_refused_by_name() {
    let folder = class_folders();
    let path = folder.path().join("test/cat/1.png");
    write_png(&path, [8, 8], ColorType::Grayscale, 3);
    let whole = fs::read(&path).expect("written");
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("a writable folder");
        assert_refused(folder.path(), "test/cat/1.png: it must hold an opaque PNG");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 0x41;
        fs::write(&path, &changed).expect("a writable folder");
        // Whatever was changed, nothing panics.
        let _ = load_own_images(folder.path());
    }
    fs::write(&path, b"<html></html>").expect("a writable folder");
    assert_refused(folder.path(), "found damaged data (");
}

#[test]
fn images_of_different_sizes_are_refused_with_both_sizes() {
    let folder = class_folders();
    let path = folder.path().join("test/cat/1.png");
    write_png(&path, [1, 2], ColorType::Grayscale, 0);
    assert_refused(
        folder.path(),
        "test/cat/1.png: it has 1 × 2 pixels, grey, but ",
    );
    assert_refused(folder.path(), "train/ant/1.png has 1 × 1 pixels, grey");
    write_png(&path, [1, 1], ColorType::Rgb, 0);
    assert_refused(
        folder.path(),
        "test/cat/1.png: it has 1 × 1 pixels, RGB, but ",
    );
}

#[test]
fn a_class_that_is_only_in_one_part_is_refused() {
    let folder = class_folders();
    write_png(
        &folder.path().join("train/dog/1.png"),
        [1, 1],
        ColorType::Grayscale,
        0,
    );
    assert_refused(folder.path(), "test: it lacks the class \"dog\"");
    fs::create_dir(folder.path().join("test/dog")).expect("a writable folder");
    assert_refused(folder.path(), "dog: it has no PNGs");
    fs::remove_dir_all(folder.path().join("train/dog")).expect("written");
    assert_refused(folder.path(), "train: it lacks the class \"dog\"");
    fs::remove_dir_all(folder.path().join("test")).expect("written");
    let error = load_own_images(folder.path()).expect_err("no test images");
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn fewer_than_two_and_more_than_256_classes_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let train = folder.path().join("train");
    fs::create_dir(&train).expect("a writable folder");
    assert_refused(
        folder.path(),
        "train: it has 0 class(es), and at least 2 are needed",
    );
    for class in 0..257 {
        fs::create_dir(train.join(class.to_string())).expect("a writable folder");
    }
    assert_refused(
        folder.path(),
        "train: it has 257 classes, and at most 256 are possible",
    );
}

#[test]
fn other_files_among_pngs_are_refused_by_name() {
    let folder = class_folders();
    let photo = folder.path().join("train/ant/2.jpg");
    fs::write(&photo, b"").expect("a writable folder");
    assert_refused(folder.path(), "2.jpg: only files *.png can be here");
    fs::remove_file(&photo).expect("written");
    fs::write(folder.path().join("train/labels.csv"), b"").expect("a writable folder");
    assert_refused(
        folder.path(),
        "labels.csv: only folders can be here, one for each class",
    );
}

#[test]
fn binary_files_load_in_the_order_of_names() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, labels: &[[u8; 1]]| {
        fs::write(folder.path().join(name), binary_batch(labels)).expect("a writable folder");
    };
    write("data_batch_2.bin", &[[2]]);
    write("data_batch_1.bin", &[[1], [0]]);
    write("test_batch.bin", &[[0], [1], [2]]);
    fs::write(folder.path().join("batches.meta.txt"), b"").expect("a writable folder");
    let OwnImages { set, splits } = load_own_images(folder.path()).expect("whole files");
    assert_eq!(set.shape, [3, 32, 32]);
    assert_eq!(set.classes, ["0", "1", "2"]);
    assert_eq!(splits.train.labels(), [1, 0, 2]);
    assert_eq!(splits.train.image(1).expect("inside")[0], 1);
    assert_eq!(splits.test.labels(), [0, 1, 2]);
}

#[test]
fn wrong_binary_files_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("train.bin");
    fs::write(&path, binary_batch(&[[0], [1]])).expect("a writable folder");
    assert_refused(folder.path(), "it lacks a file *.bin with test in its name");
    for (length, found) in [(0, "it has 0 bytes"), (3074, "it has 3074 bytes")] {
        fs::write(folder.path().join("test.bin"), vec![0; length]).expect("a writable folder");
        assert_refused(
            folder.path(),
            "test.bin: it must have records of 3073 bytes",
        );
        assert_refused(folder.path(), found);
    }
    fs::write(folder.path().join("latest_train.bin"), b"").expect("a writable folder");
    assert_refused(
        folder.path(),
        "its name has both test and train or data_batch in it",
    );
}

#[test]
fn an_empty_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_refused(
        folder.path(),
        "it is empty; it must have one of these: IDX files (train-images-idx3-ubyte",
    );
}

#[test]
fn a_folder_of_no_known_layout_is_refused_with_all_layouts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes.txt"), b"").expect("a writable folder");
    assert_refused(
        folder.path(),
        "it has no images in a known layout; it must have one of these: ",
    );
    for layout in [
        "train-images-idx3-ubyte",
        "train/CLASS/*.png",
        "*.bin with train",
    ] {
        assert_refused(folder.path(), layout);
    }
}

#[test]
fn a_folder_of_two_layouts_is_refused() {
    let folder = class_folders();
    fs::write(folder.path().join("train.bin"), b"").expect("a writable folder");
    assert_refused(
        folder.path(),
        "it has images in several layouts, and only one is possible: PNGs in",
    );
}

#[test]
fn a_missing_folder_is_refused() {
    let error = load_own_images(Path::new("nowhere")).expect_err("missing");
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn the_sum_depends_on_the_images_and_not_on_the_layout() {
    let folder = class_folders();
    let sum = || load_own_images(folder.path()).expect("whole files").set.md5;
    let before = sum();
    let path = folder.path().join("test/cat/1.png");
    let pixel = png_image::PngImage::read(&path)
        .expect("a whole file")
        .pixels[0];
    write_png(&path, [1, 1], ColorType::Grayscale, pixel + 1);
    assert_ne!(sum(), before);
    encode_png(
        &path,
        [1, 1],
        ColorType::GrayscaleAlpha,
        BitDepth::Eight,
        &[pixel, 255],
    );
    assert_eq!(sum(), before);
    for part in ["train", "test"] {
        let part = folder.path().join(part);
        fs::rename(part.join("ant"), part.join("bee")).expect("a writable folder");
    }
    assert_ne!(sum(), before);
}

/// From the plain bytes of a file to those that are written.
type Form = fn(&[u8]) -> Vec<u8>;

/// Two classes with a training and a test image of one grey pixel each.
fn class_folders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (index, place) in ["train/ant", "train/cat", "test/ant", "test/cat"]
        .into_iter()
        .enumerate()
    {
        let path = folder.path().join(place).join("1.png");
        write_png(&path, [1, 1], ColorType::Grayscale, index as u8);
    }
    folder
}

/// A PNG whose samples all have this brightness. Makes its folder.
fn write_png(path: &Path, size: [usize; 2], colours: ColorType, brightness: u8) {
    let samples = vec![brightness; size[0] * size[1] * colours.samples()];
    encode_png(path, size, colours, BitDepth::Eight, &samples);
}

fn encode_png(
    path: &Path,
    [height, width]: [usize; 2],
    colours: ColorType,
    depth: BitDepth,
    samples: &[u8],
) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    if colours == ColorType::Indexed {
        encoder.set_palette(vec![0, 0, 0]);
    }
    let mut writer = encoder.write_header().expect("a vector takes all");
    writer
        .write_image_data(samples)
        .expect("a vector takes all");
    writer.finish().expect("a vector takes all");
    fs::write(path, file).expect("a writable folder");
}

#[track_caller]
fn assert_refused(folder: &Path, expected: &str) {
    let error = load_own_images(folder).expect_err(expected);
    assert!(matches!(error, Error::OwnImages { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(expected), "{text:?} lacks {expected:?}");
}
