use burn::module::Param;
use burn::nn::Linear;
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

/// A dense layer with zero biases, whose weights are drawn on the host: a backend's own generator
/// would make them depend on the device.
pub(super) fn dense(
    inputs: usize,
    outputs: usize,
    weights: Weights,
    rng: &mut impl Rng,
    device: &Device,
) -> Linear {
    let weight = match weights {
        Weights::Zero => Tensor::zeros([inputs, outputs], device),
        Weights::GlorotUniform => {
            let limit = (6.0 / (inputs + outputs) as f32).sqrt();
            let values = (0..inputs * outputs)
                .map(|_| rng.random_range(-limit..=limit))
                .collect();
            Tensor::from_data(TensorData::new::<f32, _>(values, [inputs, outputs]), device)
        }
    };
    Linear {
        weight: Param::from_tensor(weight),
        bias: Some(Param::from_tensor(Tensor::zeros([outputs], device))),
    }
}
