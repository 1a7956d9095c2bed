//! The handwritten digits of MNIST, from the crate `si-mnist`, which has the four files inside. Burn's `MnistDataset` reads the
//! same, where it can download.

use burn::tensor::{Device, Int, Tensor};

const NUM_PIXELS: usize = 28 * 28;

/// An image, row by row, and the digit that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Digit {
    pixels: [u8; NUM_PIXELS],
    pub(crate) label: u8,
}

/// The digits to train on and those to test on.
pub(crate) fn load() -> [Vec<Digit>; 2] {
    [
        digits(&si_mnist::train_images(), &si_mnist::train_labels()),
        digits(&si_mnist::test_images(), &si_mnist::test_labels()),
    ]
}

/// The digits in a file of images and one of labels, after their headers of 16 and 8 bytes.
fn digits(images: &[u8], labels: &[u8]) -> Vec<Digit> {
    let (images, _) = images[16..].as_chunks::<NUM_PIXELS>();
    let digits = images.iter().zip(&labels[8..]);
    digits
        .map(|(pixels, label)| Digit {
            pixels: *pixels,
            label: *label,
        })
        .collect()
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
