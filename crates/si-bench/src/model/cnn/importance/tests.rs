use std::ops::Range;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, TensorData, Tolerance, activation};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::importance::{self, FisherLabels};

use super::*;
use crate::model::CnnConfig;
use crate::model::initial::{Weights, dense};

const NUM_PIXELS: usize = 10 * 11;
const OUTPUTS: usize = 4;

/// A small network that drops features in training, with a readout that is not zero.
fn cnn() -> Cnn {
    let config = CnnConfig {
        channels: [2, 3],
        hidden_size: 5,
        ..CnnConfig::paper([1, 10, 11], OUTPUTS)
    };
    let (rng, device) = (
        &mut ChaCha8Rng::seed_from_u64(3),
        &Device::flex().autodiff(),
    );
    let mut cnn = config.init(rng, device);
    cnn.readout = dense(5, OUTPUTS, Weights::GlorotUniform, rng, device);
    cnn
}

fn images(num_images: usize) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let pixels = (0..num_images * NUM_PIXELS).map(|_| rng.random_range(-1.0..1.0_f32));
    let pixels = TensorData::new(pixels.collect::<Vec<_>>(), [num_images, NUM_PIXELS]);
    Tensor::from_data(pixels, &Device::flex())
}

/// All outputs but the first.
const SEEN: Range<usize> = 1..OUTPUTS;

/// log p(y | x), `[images × seen outputs]`, by the network that is tested.
fn log_likelihoods(cnn: &Cnn, images: &Tensor<2>) -> Vec<f64> {
    let logits = cnn.forward(images.clone());
    activation::log_softmax(logits.slice([0..images.dims()[0], SEEN]), 1)
        .into_data()
        .iter()
        .collect()
}

fn information(
    cnn: &Cnn,
    batches: impl IntoIterator<Item = Tensor<2>>,
    labels: FisherLabels<'_>,
) -> Importance {
    let quantity = Quantity::LogLikelihood(labels);
    let information = cnn.importance(batches, SEEN, quantity, Power::Square);
    information.expect("the network can be trained")
}

#[test]
fn information_matches_finite_differences_without_dropout() {
    let cnn = cnn();
    let images = images(6);
    let fisher = information(&cnn, images.clone().split(4, 0), FisherLabels::Exact);

    let tested = cnn.valid().with_backend_convolutions();
    let probabilities = log_likelihoods(&tested, &images);
    let shifted = |parameter, index, step| {
        let mut shift = Shift {
            parameter,
            index,
            step,
        };
        log_likelihoods(&tested.clone().map(&mut shift), &images)
    };
    let expected = |parameter, index| {
        let (above, below) = (
            shifted(parameter, index, STEP),
            shifted(parameter, index, -STEP),
        );
        let slopes = above.iter().zip(&below);
        let slopes = slopes.map(|(above, below)| (above - below) / (2.0 * f64::from(STEP)));
        let sum: f64 = slopes
            .zip(&probabilities)
            .map(|(slope, log_likelihood)| log_likelihood.exp() * slope * slope)
            .sum();
        sum / 6.0
    };
    let mut found = Found {
        fisher: &fisher,
        parameters: Vec::new(),
    };
    cnn.visit(&mut found);
    assert_eq!(found.parameters.len(), 12);
    for (parameter, found) in found.parameters.iter().enumerate() {
        let largest = found.iter().copied().fold(0.0, f64::max);
        assert!(largest > 0.0, "parameter {parameter} has information");
        for (index, found) in found.iter().enumerate() {
            let expected = expected(parameter, index);
            assert!(
                (found - expected).abs() < TOLERANCE * largest,
                "{index} of parameter {parameter}: {found}, not {expected}; the largest is {largest}"
            );
        }
    }
}

#[test]
fn sampled_information_converges_to_the_exact_one() {
    let cnn = cnn();
    let images = images(8);
    let batches = |repeats| vec![images.clone(); repeats];
    let exact = information(&cnn, batches(1), FisherLabels::Exact);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut error = |repeats| {
        let draw = &mut || rng.random();
        let sampled = information(&cnn, batches(repeats), FisherLabels::Sampled(draw));
        let id = cnn.hidden.weight.id;
        let [sampled, exact] = [&sampled, &exact].map(|it| it.get::<2>(id).expect("informed"));
        let largest = exact.clone().max().into_scalar::<f64>();
        (sampled - exact).abs().max().into_scalar::<f64>() / largest
    };
    let (few, many) = (error(3), error(150));
    assert!(many < 0.5 * few && many < 0.2, "{few}, then {many}");
}

#[test]
fn outputs_of_other_tasks_do_not_count_and_dropout_is_off() {
    let cnn = cnn();
    let images = images(3);
    for outputs in [0..OUTPUTS, 1..3] {
        let batches = images.clone().split(2, 0);
        let found = cnn.importance(
            batches,
            outputs.clone(),
            Quantity::SquaredOutputs,
            Power::Magnitude,
        );
        let found = found.expect("the network can be trained");
        let expected = importance::sensitivity(
            &cnn.valid().train(),
            images.clone().split(1, 0),
            |network: &Cnn, image: &Tensor<2>| {
                let logits = network.forward(image.clone().autodiff());
                logits.squeeze_dim::<1>(0).slice([outputs.clone()])
            },
        );
        let expected = expected.expect("the network can be trained");
        let of_layer = |importance: &Importance| {
            let values = importance.get::<2>(cnn.hidden.weight.id);
            values.expect("it is trained").into_data()
        };
        of_layer(&found).assert_approx_eq::<f32>(&of_layer(&expected), Tolerance::default());
        assert!(of_layer(&found).iter::<f64>().any(|it| it > 0.0));
    }
}

/// Of the largest information of a parameter: what float32 and the edges of ReLU and pooling leave of the
/// differences. Dropout would change it several times over.
const TOLERANCE: f64 = 0.05;

/// Small enough to meet few edges, and large enough for float32.
const STEP: f32 = 1e-3;

/// Adds to one number of one parameter.
struct Shift {
    /// Counts down to the parameter.
    parameter: usize,
    index: usize,
    step: f32,
}

impl ModuleMapper for Shift {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_it = self.parameter == 0;
        self.parameter = self.parameter.wrapping_sub(1);
        if !is_it {
            return param;
        }
        param.map(|value| {
            let mut values: Vec<f32> = value.to_data().iter().collect();
            values[self.index] += self.step;
            Tensor::from_data(TensorData::new(values, value.dims()), &value.device())
        })
    }
}

/// The information about each parameter.
struct Found<'a> {
    fisher: &'a Importance,
    parameters: Vec<Vec<f64>>,
}

impl ModuleVisitor for Found<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let information = self.fisher.get::<D>(param.id).expect("every one has some");
        self.parameters
            .push(information.into_data().iter().collect());
    }
}
