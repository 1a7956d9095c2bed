use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};

/// Initial weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    /// Uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010), Keras' default.
    GlorotUniform,
    /// Zero.
    Zero,
}

/// A dense layer with zero biases. Its weights are drawn on the host: with a backend's own
/// generator, they would depend on the device.
pub(super) fn dense(
    inputs: usize,
    outputs: usize,
    weights: Weights,
    rng: &mut impl Rng,
    device: &Device,
) -> Linear {
    match weights {
        Weights::Zero => linear(Tensor::zeros([inputs, outputs], device), device),
        Weights::GlorotUniform => dense_pieces(inputs, outputs, 1, rng, device),
    }
}

/// A dense layer in which each unit has `pieces` outputs, which are neighbours, and zero biases. The Glorot-uniform
/// weights are those of a layer with one output for each unit.
pub(super) fn dense_pieces(
    inputs: usize,
    units: usize,
    pieces: usize,
    rng: &mut impl Rng,
    device: &Device,
) -> Linear {
    let shape = [inputs, units * pieces];
    linear(glorot_uniform(shape, [inputs, units], rng, device), device)
}

/// A dense layer with these weights, `[inputs, outputs]`, and zero biases.
fn linear(weight: Tensor<2>, device: &Device) -> Linear {
    let [_, outputs] = weight.dims();
    Linear {
        weight: Param::from_tensor(weight),
        bias: Some(Param::from_tensor(Tensor::zeros([outputs], device))),
    }
}

/// A convolution of stride 1 with a square kernel of `kernel_size`, zero biases, and Glorot-uniform
/// weights drawn on the host. Inputs and outputs are counted as in Keras: channels times pixels of
/// the kernel.
pub(super) fn convolution(
    channels_in: usize,
    channels_out: usize,
    kernel_size: usize,
    padding: PaddingConfig2d,
    rng: &mut impl Rng,
    device: &Device,
) -> Conv2d {
    let shape = [channels_out, channels_in, kernel_size, kernel_size];
    let fans = [channels_in, channels_out].map(|channels| channels * kernel_size * kernel_size);
    Conv2d {
        weight: Param::from_tensor(glorot_uniform(shape, fans, rng, device)),
        bias: Some(Param::from_tensor(Tensor::zeros([channels_out], device))),
        stride: [1, 1],
        kernel_size: [kernel_size, kernel_size],
        dilation: [1, 1],
        groups: 1,
        padding,
    }
}

/// Weights that are uniform in ±√(6 / (inputs + outputs)), where `fans` are these two numbers.
fn glorot_uniform<const D: usize>(
    shape: [usize; D],
    fans: [usize; 2],
    rng: &mut impl Rng,
    device: &Device,
) -> Tensor<D> {
    let limit = (6.0 / fans.iter().sum::<usize>() as f32).sqrt();
    let values = (0..shape.iter().product())
        .map(|_: usize| rng.random_range(-limit..=limit))
        .collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape), device)
}
