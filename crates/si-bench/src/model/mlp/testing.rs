//! A small perceptron with images, and how two measures of its importance differ.

use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};
use si_core::Importance;

use crate::model::{Mlp, MlpConfig, Units};

pub(super) const INPUTS: usize = 5;
pub(super) const OUTPUTS: usize = 4;
/// Of float32, relative to the largest information of a parameter.
pub(super) const ROUNDING: f64 = 1e-5;

pub(super) fn mlp(units: impl Into<Units>, rng: &mut impl Rng) -> Mlp {
    let units = units.into();
    let config = MlpConfig {
        num_inputs: INPUTS,
        hidden_sizes: match units {
            Units::Lwta { block } => vec![4 * block, 3 * block],
            _ => vec![7, 6],
        },
        num_outputs: OUTPUTS,
        units,
        dropout: 0.0,
        zero_readout: false,
    };
    config.init(rng, &Device::flex().autodiff())
}

pub(super) fn images(num_images: usize, rng: &mut impl Rng) -> Tensor<2> {
    let pixels = (0..num_images * INPUTS).map(|_| rng.random_range(-1.0..1.0_f32));
    let pixels = TensorData::new(pixels.collect::<Vec<_>>(), [num_images, INPUTS]);
    Tensor::from_data(pixels, &Device::flex())
}

/// The importance of each parameter, from input to output.
pub(super) fn parts(model: &Mlp, fisher: &Importance) -> Vec<Vec<f64>> {
    let values = |layer: &Linear| {
        let bias = layer.bias.as_ref().expect("the layer has a bias");
        let weight = fisher
            .get::<2>(layer.weight.id)
            .expect("it has information");
        let bias = fisher.get::<1>(bias.id).expect("it has information");
        [weight.into_data(), bias.into_data()].map(|data| data.iter().collect::<Vec<f64>>())
    };
    model.layers().flat_map(values).collect()
}

/// The largest difference of a parameter's importance, as a share of the largest.
pub(super) fn difference(model: &Mlp, [left, right]: [&Importance; 2]) -> f64 {
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let pairs = parts(model, left).into_iter().zip(parts(model, right));
    let relative = pairs.map(|(left, right)| {
        assert_eq!(left.len(), right.len());
        let scale = largest(&mut right.iter().copied());
        assert!(scale > 0.0, "there is information about every layer");
        largest(&mut left.iter().zip(&right).map(|(a, b)| (a - b).abs())) / scale
    });
    largest(&mut relative.collect::<Vec<_>>().into_iter())
}
