use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use si_core::Fisher;
use si_core::ewc::FisherLabels;

use crate::experiment::Activation;
use crate::model::{Mlp, MlpConfig};

const INPUTS: usize = 5;
const OUTPUTS: usize = 4;
/// Of float32, relative to the largest information of a parameter.
const ROUNDING: f64 = 1e-5;

const ACTIVATIONS: [Activation; 4] = [
    Activation::Relu,
    Activation::Tanh,
    Activation::Gelu,
    Activation::Sigmoid,
];

fn mlp(activation: Activation, rng: &mut impl Rng) -> Mlp {
    let config = MlpConfig {
        num_inputs: INPUTS,
        hidden_sizes: vec![7, 6],
        num_outputs: OUTPUTS,
        activation,
        dropout: 0.0,
        zero_readout: false,
    };
    config.init(rng, &Device::flex().autodiff())
}

fn images(num_images: usize, rng: &mut impl Rng) -> Tensor<2> {
    let pixels = (0..num_images * INPUTS).map(|_| rng.random_range(-1.0..1.0_f32));
    let pixels = TensorData::new(pixels.collect::<Vec<_>>(), [num_images, INPUTS]);
    Tensor::from_data(pixels, &Device::flex())
}

/// Outputs 1 and 2 alone.
fn mask() -> Tensor<1> {
    Tensor::from_floats([-1e32, 0.0, 0.0, -1e32], &Device::flex())
}

fn slow(
    model: &Mlp,
    images: &Tensor<2>,
    mask: Option<Tensor<1>>,
    labels: FisherLabels<'_>,
) -> Fisher {
    let examples = images.clone().split(1, 0);
    let log_likelihood = |model: &Mlp, image: &Tensor<2>| {
        let logits = model.forward(image.clone().autodiff()).squeeze_dim::<1>(0);
        let logits = match &mask {
            Some(mask) => logits + mask.clone(),
            None => logits,
        };
        activation::log_softmax(logits, 0)
    };
    Fisher::estimate(model, examples, log_likelihood, labels).expect("it can be measured")
}

/// The information about each parameter, from input to output.
fn parts(model: &Mlp, fisher: &Fisher) -> Vec<Vec<f64>> {
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

/// The largest difference of a parameter's information, as a share of the largest information.
fn difference(model: &Mlp, [left, right]: [&Fisher; 2]) -> f64 {
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

#[test]
fn exact_information_is_that_of_one_example_at_a_time() {
    for (seed, activation) in ACTIVATIONS.into_iter().enumerate() {
        for mask in [None, Some(mask())] {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed as u64);
            let model = mlp(activation, rng);
            let images = images(11, rng);
            let slow = slow(&model, &images, mask.clone(), FisherLabels::Exact);
            // The last batch is short, and may come on an autodiff device.
            let mut batches = images.split(4, 0);
            batches[1] = batches[1].clone().autodiff();
            let fast = model.fisher(batches, mask, FisherLabels::Exact);
            let difference = difference(&model, [&fast, &slow]);
            assert!(difference < ROUNDING, "{activation:?}: {difference}");
        }
    }
}

#[test]
fn sampled_information_is_that_of_one_example_at_a_time_for_the_same_draws() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let model = mlp(Activation::Relu, rng);
    let images = images(11, rng);
    for mask in [None, Some(mask())] {
        let [mut rng, mut same] = [0, 0].map(ChaCha8Rng::seed_from_u64);
        let draw = &mut || rng.random();
        let slow = slow(&model, &images, mask.clone(), FisherLabels::Sampled(draw));
        let draw = &mut || same.random();
        let fast = model.fisher(
            images.clone().split(4, 0),
            mask,
            FisherLabels::Sampled(draw),
        );
        let difference = difference(&model, [&fast, &slow]);
        assert!(difference < ROUNDING, "{difference}");
    }
}

#[test]
fn sampled_information_converges_to_the_exact_one() {
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    let model = mlp(Activation::Tanh, rng);
    let images = images(40, rng);
    let exact = model.fisher([images.clone()], None, FisherLabels::Exact);
    let mut error = |repeats: usize| {
        let batches = vec![images.clone(); repeats];
        let draw = &mut || rng.random();
        let sampled = model.fisher(batches, None, FisherLabels::Sampled(draw));
        difference(&model, [&sampled, &exact])
    };
    let (few, many) = (error(5), error(500));
    // A hundred times the draws leave a tenth of the error.
    assert!(many < 0.3 * few && many < 0.05, "{few}, then {many}");
}

#[test]
fn outputs_that_are_masked_have_no_information() {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let model = mlp(Activation::Relu, rng);
    let fisher = model.fisher([images(9, rng)], Some(mask()), FisherLabels::Exact);
    let readout = parts(&model, &fisher).pop().expect("a readout's bias");
    let informed: Vec<bool> = readout.iter().map(|it| *it > 0.0).collect();
    assert_eq!(informed, [false, true, true, false]);
}

#[test]
fn frozen_layer_has_no_information() {
    let rng = &mut ChaCha8Rng::seed_from_u64(8);
    let mut model = mlp(Activation::Relu, rng);
    model.hidden[0] = model.hidden[0].clone().no_grad();
    let images = images(6, rng);
    let fisher = model.fisher([images.clone()], None, FisherLabels::Exact);
    assert!(fisher.get::<2>(model.hidden[0].weight.id).is_none());
    assert_eq!(
        fisher.len(),
        slow(&model, &images, None, FisherLabels::Exact).len()
    );
}

#[test]
fn no_image_gives_no_information() {
    let model = mlp(Activation::Relu, &mut ChaCha8Rng::seed_from_u64(9));
    assert!(model.fisher([], None, FisherLabels::Exact).is_empty());
}
