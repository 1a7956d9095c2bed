use burn::module::Param;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData, Tolerance};

use super::{covered_convolution, covered_pool};
use crate::Activation;
use crate::layers::{convolve, max_pool};

const PADDED: PaddingConfig2d = PaddingConfig2d::Explicit(1, 2, 1, 2);
const PADDED_BY_ONE: PaddingConfig2d = PaddingConfig2d::Explicit(1, 1, 1, 1);

/// Layers that the kernels cover, and shapes of their images.
fn covered_layers(device: &Device) -> Vec<(Conv2d, [usize; 4])> {
    let layer = |channels, kernel, padding| {
        Conv2dConfig::new(channels, kernel)
            .with_padding(padding)
            .init(device)
    };
    let config = Conv2dConfig::new([3, 4], [3, 3]);
    vec![
        (layer([3, 32], [3, 3], PaddingConfig2d::Same), [2, 3, 9, 8]),
        (layer([4, 5], [3, 3], PaddingConfig2d::Valid), [3, 4, 7, 5]),
        (layer([1, 1], [1, 1], PaddingConfig2d::Valid), [1, 1, 3, 1]),
        (layer([2, 3], [2, 5], PADDED), [2, 2, 6, 7]),
        (
            config.clone().with_stride([2, 3]).init(device),
            [2, 3, 12, 11],
        ),
        (
            config.clone().with_dilation([2, 1]).init(device),
            [2, 3, 12, 11],
        ),
        (config.with_bias(false).init(device), [2, 3, 6, 20]),
    ]
}

#[test]
fn values_and_gradients_are_those_of_burn() {
    let device = Device::flex().autodiff();
    for (layer, shape) in covered_layers(&device) {
        let images = random(shape, &device).require_grad();
        assert!(covered_convolution(&layer, &images).is_some(), "{layer}");
        for activation in [Activation::None, Activation::Relu] {
            let expected = match activation {
                Activation::None => layer.forward(images.clone()),
                Activation::Relu => relu(layer.forward(images.clone())),
            };
            let found = convolve(&layer, images.clone(), activation);
            assert_same(&layer, &images, &expected, &found);
        }
    }
}

#[test]
fn what_is_not_covered_is_computed_as_in_burn() {
    let device = Device::flex().autodiff();
    let config = Conv2dConfig::new([4, 6], [3, 3]);
    let asymmetric = PaddingConfig2d::Explicit(1, 0, 0, 2);
    for layer in [
        config.clone().with_groups(2).init(&device),
        config.with_padding(asymmetric).init(&device),
        Conv2dConfig::new([4, 6], [2, 2])
            .with_padding(PaddingConfig2d::Same)
            .init(&device),
    ] {
        let images = random([2, 4, 7, 8], &device).require_grad();
        assert!(covered_convolution(&layer, &images).is_none(), "{layer}");
        let expected = relu(layer.forward(images.clone()));
        let found = convolve(&layer, images.clone(), Activation::Relu);
        assert_same(&layer, &images, &expected, &found);
    }
    let layer = Conv2dConfig::new([4, 6], [3, 3]).init(&device);
    let double = random([2, 4, 7, 8], &device).cast(DType::F64);
    assert!(covered_convolution(&layer, &double).is_none());
}

#[test]
fn images_in_another_order_and_parts_of_a_batch_are_seen_right() {
    let device = Device::flex().autodiff();
    let layer = Conv2dConfig::new([3, 4], [3, 3]).init(&device);
    let images = random([5, 7, 6, 3], &device).require_grad();
    // Another graph for each, since `backward` takes its graph away.
    let part = || images.clone().permute([0, 3, 1, 2]).narrow(0, 1, 3);
    let expected = layer.forward(part());
    let found = convolve(&layer, part(), Activation::None);
    assert_same(&layer, &images, &expected, &found);
}

#[test]
fn a_layer_without_autodiff_and_a_batch_without_gradients_work() {
    let inner = Device::flex();
    let layer = Conv2dConfig::new([3, 4], [3, 3]).init(&inner);
    let images = random([2, 3, 6, 7], &inner);
    let expected = layer.forward(images.clone()).into_data();
    let found = convolve(&layer, images, Activation::None).into_data();
    found.assert_approx_eq::<f32>(&expected, Tolerance::default());

    let device = inner.autodiff();
    let layer = Conv2dConfig::new([3, 4], [3, 3]).init(&device);
    let images = random([2, 3, 6, 7], &device);
    let maps = convolve(&layer, images.clone(), Activation::Relu);
    let gradients = maps.sum().backward();
    assert!(layer.weight.grad(&gradients).is_some());
    assert!(images.grad(&gradients).is_none());
}

#[test]
fn frozen_parameters_have_no_gradient() {
    let device = Device::flex().autodiff();
    let mut layer = Conv2dConfig::new([3, 4], [3, 3]).init(&device);
    layer.weight = layer.weight.set_require_grad(false);
    let images = random([2, 3, 6, 7], &device).require_grad();
    let gradients = convolve(&layer, images.clone(), Activation::None)
        .sum()
        .backward();
    assert!(layer.weight.grad(&gradients).is_none());
    assert!(images.grad(&gradients).is_some());
}

#[test]
fn an_empty_batch_is_possible() {
    let device = Device::flex().autodiff();
    let layer = Conv2dConfig::new([3, 4], [3, 3]).init(&device);
    let images = Tensor::<4>::zeros([0, 3, 6, 7], &device);
    let maps = convolve(&layer, images, Activation::Relu);
    assert_eq!(maps.dims(), [0, 4, 4, 5]);
    let maps = max_pool(&MaxPool2dConfig::new([2, 2]).init(), maps);
    assert_eq!(maps.dims(), [0, 4, 2, 2]);
}

#[test]
fn pooling_is_that_of_burn() {
    let device = Device::flex().autodiff();
    let config = |size| MaxPool2dConfig::new([size, size]);
    let layers: Vec<(MaxPool2d, bool)> = vec![
        (config(2).init(), true),
        (config(3).init(), true),
        (config(3).with_strides([2, 2]).init(), false),
        (config(2).with_padding(PADDED_BY_ONE).init(), false),
        (config(2).with_ceil_mode(true).init(), false),
    ];
    for (layer, is_covered) in layers {
        for shape in [[2, 3, 8, 8], [1, 2, 13, 37]] {
            let images = random(shape, &device).require_grad();
            assert_eq!(covered_pool(&layer, &images).is_some(), is_covered);
            let values = [
                layer.forward(images.clone()),
                max_pool(&layer, images.clone()),
            ];
            let [expected, found] = values.map(|maps| {
                let gradients = maps.clone().sin().sum().backward();
                let gradient = images.grad(&gradients).expect("tracked");
                [maps.into_data(), gradient.into_data()]
            });
            for (found, expected) in found.into_iter().zip(expected) {
                found.assert_approx_eq::<f32>(&expected, Tolerance::default());
            }
        }
    }
}

/// Compares values, and the gradients of images and parameters.
fn assert_same(layer: &Conv2d, images: &Tensor<4>, expected: &Tensor<4>, found: &Tensor<4>) {
    let [expected, found] = [expected, found].map(|maps| {
        // Another weight for each number, so that no two gradients cancel.
        let gradients = maps.clone().sin().sum().backward();
        let mut data: Vec<TensorData> = vec![
            maps.to_data(),
            images.grad(&gradients).expect("tracked").into_data(),
            layer.weight.grad(&gradients).expect("tracked").into_data(),
        ];
        let bias = layer.bias.as_ref().map(Param::val);
        data.extend(bias.map(|bias| bias.grad(&gradients).expect("tracked").into_data()));
        data
    });
    for (found, expected) in found.into_iter().zip(expected) {
        found.assert_approx_eq::<f32>(&expected, Tolerance::default());
    }
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    device.seed(0);
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}
