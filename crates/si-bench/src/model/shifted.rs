//! Convolution and pooling made of matrix products and shifts, for maps of the shape
//! `[height, width, images, channels]`.
//!
//! In this layout, all rows from a given row on are contiguous in memory, so a product with shifted rows needs no copy.
//! With slices of a batch that fit into the processor's cache, this is faster than Flex's own convolutions:
//! `cargo xtask bench --only products` measures by how much.

use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

/// The output of `layer` for `maps` with a border of `border` zeros. Stride and dilation must be 1.
/// The layer's own padding is ignored.
pub(super) fn convolve(layer: &Conv2d, maps: Tensor<4>, border: usize) -> Tensor<4> {
    let maps = surround(maps, border);
    let [height, width, num_images, channels_in] = maps.dims();
    let [channels_out, _, kernel_height, kernel_width] = layer.weight.dims();
    let (height, width) = (height + 1 - kernel_height, width + 1 - kernel_width);

    let shifted = (0..kernel_width).map(|column| maps.clone().narrow(1, column, width));
    let columns = Tensor::cat(shifted.collect(), 3);
    let num_columns = kernel_width * channels_in;
    let weight = layer.weight.val().permute([2, 3, 1, 0]);
    let weight = weight.reshape([kernel_height, num_columns, channels_out]);
    let product = |row: usize| {
        let rows = columns.clone().narrow(0, row, height);
        let rows = rows.reshape([height * width * num_images, num_columns]);
        rows.matmul(weight.clone().narrow(0, row, 1).squeeze_dim(0))
    };
    let mut sums = (1..kernel_height).fold(product(0), |sums, row| sums + product(row));
    if let Some(bias) = &layer.bias {
        sums = sums + bias.val().unsqueeze();
    }
    sums.reshape([height, width, num_images, channels_out])
}

/// 2 × 2 max pooling. A last odd row or column is left out.
pub(super) fn pool(maps: Tensor<4>) -> Tensor<4> {
    let [height, width, num_images, channels] = maps.dims();
    let (height, width) = (height / 2, width / 2);
    let maps = maps.narrow(0, 0, 2 * height).narrow(1, 0, 2 * width);
    let rows = larger_of_pairs(maps.reshape([height, 2, 2 * width, num_images * channels]));
    let columns = larger_of_pairs(rows.reshape([height * width, 2, num_images, channels]));
    columns.reshape([height, width, num_images, channels])
}

/// `[_, 2, _, _]` to `[_, 1, _, _]`.
fn larger_of_pairs(pairs: Tensor<4>) -> Tensor<4> {
    let first = pairs.clone().narrow(1, 0, 1);
    first.max_pair(pairs.narrow(1, 1, 1))
}

fn surround(maps: Tensor<4>, border: usize) -> Tensor<4> {
    if border == 0 {
        return maps;
    }
    let [height, width, num_images, channels] = maps.dims();
    let zeros =
        |height, width| Tensor::zeros([height, width, num_images, channels], &maps.device());
    let (side, edge) = (zeros(height, border), zeros(border, width + 2 * border));
    let maps = Tensor::cat(vec![side.clone(), maps, side], 1);
    Tensor::cat(vec![edge.clone(), maps, edge], 0)
}

#[cfg(test)]
mod tests {
    use burn::nn::PaddingConfig2d;
    use burn::nn::pool::MaxPool2dConfig;
    use burn::tensor::{Device, Distribution, Tolerance};
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;
    use crate::model::initial::convolution;

    #[test]
    fn values_and_gradients_match_burns_convolution() {
        let device = Device::flex().autodiff();
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        for (border, padding) in [
            (0, PaddingConfig2d::Valid),
            (1, PaddingConfig2d::Explicit(1, 1, 1, 1)),
        ] {
            let mut layer = convolution(3, 4, 3, padding, rng, &device);
            let bias = Tensor::from_floats([0.5, -0.5, 1.0, 0.0], &device);
            layer.bias = Some(burn::module::Param::from_tensor(bias));
            assert_same(
                &layer,
                &random_maps(&device),
                |layer, maps| layer.forward(maps),
                |layer, maps| convolve(layer, maps, border),
            );
        }
    }

    #[test]
    fn values_and_gradients_match_burns_pooling() {
        let device = Device::flex().autodiff();
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        let layer = convolution(3, 4, 3, PaddingConfig2d::Valid, rng, &device);
        let burns = MaxPool2dConfig::new([2, 2]).init();
        // Through the convolution, so that its parameters have gradients to compare.
        assert_same(
            &layer,
            &random_maps(&device),
            |layer, maps| burns.forward(layer.forward(maps)),
            |layer, maps| pool(convolve(layer, maps, 0)),
        );
    }

    /// Compares a function of `[images, channels, height, width]` with one of
    /// `[height, width, images, channels]`.
    fn assert_same(
        layer: &Conv2d,
        maps: &Tensor<4>,
        expected: impl Fn(&Conv2d, Tensor<4>) -> Tensor<4>,
        found: impl Fn(&Conv2d, Tensor<4>) -> Tensor<4>,
    ) {
        let expected = expected(layer, maps.clone());
        let found = found(layer, maps.clone().permute([2, 3, 0, 1])).permute([2, 3, 0, 1]);
        let pairs = [&expected, &found].map(|values| {
            // Another weight for every value, so that no two gradients cancel.
            let gradients = values.clone().sin().sum().backward();
            let bias = layer.bias.as_ref().expect("made with one");
            [
                values.to_data(),
                maps.grad(&gradients).expect("tracked").into_data(),
                layer.weight.grad(&gradients).expect("tracked").into_data(),
                bias.grad(&gradients).expect("tracked").into_data(),
            ]
        });
        let [expected, found] = pairs;
        for (expected, found) in expected.into_iter().zip(found) {
            found.assert_approx_eq::<f32>(&expected, Tolerance::default());
        }
    }

    /// Two images of three channels, 8 rows and 7 columns.
    fn random_maps(device: &Device) -> Tensor<4> {
        Tensor::random([2, 3, 8, 7], Distribution::Uniform(-1.0, 1.0), device).require_grad()
    }
}
