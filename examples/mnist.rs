//! The handwritten digits of MNIST, from the four gzipped files that copies of the data set have. Burn's `MnistDataset`
//! reads the same, where it can download.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Int, Tensor};
use flate2::read::GzDecoder;

/// Where this repository has the files. In a copy of the example, name your own folder.
pub(crate) const FOLDER: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/si-bench/data/mnist");

const NUM_PIXELS: usize = 28 * 28;

/// An image, row by row, and the digit that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Digit {
    pixels: [u8; NUM_PIXELS],
    pub(crate) label: u8,
}

/// Reads the digits to train on and those to test on.
pub(crate) fn load(folder: impl AsRef<Path>) -> Result<[Vec<Digit>; 2]> {
    let folder = folder.as_ref();
    Ok([read(folder, "train")?, read(folder, "t10k")?])
}

fn read(folder: &Path, name: &str) -> Result<Vec<Digit>> {
    let images = unpack(&folder.join(format!("{name}-images-idx3-ubyte.gz")), 16)?;
    let labels = unpack(&folder.join(format!("{name}-labels-idx1-ubyte.gz")), 8)?;
    let (images, rest) = images.as_chunks::<NUM_PIXELS>();
    ensure!(
        images.len() == labels.len() && rest.is_empty(),
        "{} must hold an image of 28 × 28 pixels for each of the {} labels of {name}",
        folder.display(),
        labels.len()
    );
    let digits = images.iter().zip(labels);
    Ok(digits
        .map(|(pixels, label)| Digit {
            pixels: *pixels,
            label,
        })
        .collect())
}

/// The content of a gzipped file after its header.
fn unpack(path: &Path, header: usize) -> Result<Vec<u8>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let mut content = Vec::new();
    GzDecoder::new(File::open(path).with_context(cannot_read)?)
        .read_to_end(&mut content)
        .with_context(cannot_read)?;
    ensure!(
        content.len() >= header,
        "{} must begin with a header of {header} bytes, got {} bytes",
        path.display(),
        content.len()
    );
    Ok(content.split_off(header))
}

/// Images in `[0, 1]`, `[batch, 784]`, and labels, `[batch]`.
pub(crate) fn batch(digits: &[Digit], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let pixels = digits.iter().flat_map(|digit| digit.pixels);
    let pixels: Vec<f32> = pixels.map(|pixel| f32::from(pixel) / 255.0).collect();
    let labels: Vec<i32> = digits.iter().map(|digit| digit.label.into()).collect();
    let images = Tensor::<1>::from_floats(pixels.as_slice(), device);
    let images = images.reshape([digits.len(), NUM_PIXELS]);
    (images, Tensor::from_data(labels.as_slice(), device))
}
