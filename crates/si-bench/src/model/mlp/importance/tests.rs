use std::ops::Range;

use burn::module::Module;
use burn::tensor::Tensor;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::importance::{FisherLabels, Power, Quantity};
use si_core::{Importance, importance};

use crate::experiment::Activation;
use crate::model::mlp::testing::{OUTPUTS, ROUNDING, difference, images, mlp, parts};
use crate::model::{Mlp, Units};

const UNITS: [Units; 6] = [
    Units::Each(Activation::Relu),
    Units::Each(Activation::Tanh),
    Units::Each(Activation::Gelu),
    Units::Each(Activation::Sigmoid),
    Units::Lwta { block: 2 },
    Units::Maxout { pieces: 3 },
];

/// All outputs, and two of them.
const OUTPUTS_OF_TASKS: [Range<usize>; 2] = [0..OUTPUTS, 1..3];

const NUM_IMAGES: usize = 11;

fn slow(
    model: &Mlp,
    images: &Tensor<2>,
    outputs: Range<usize>,
    quantity: Quantity<'_>,
    power: Power,
) -> Importance {
    let examples = images.clone().split(1, 0);
    let logits = |model: &Mlp, image: &Tensor<2>| {
        let logits = model.forward(image.clone().autodiff()).squeeze_dim::<1>(0);
        logits.slice([outputs.clone()])
    };
    importance::from_outputs(model, examples, logits, quantity, power).expect("it can be measured")
}

fn exact(
    model: &Mlp,
    batches: impl IntoIterator<Item = Tensor<2>>,
    outputs: Range<usize>,
) -> Importance {
    let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
    let information = model.importance(batches, outputs, quantity, Power::Square);
    information.expect("it can be measured")
}

#[test]
fn every_quantity_matches_one_example_at_a_time() {
    let quantities: [fn() -> Quantity<'static>; 5] = [
        || Quantity::LogLikelihood(FisherLabels::Exact),
        || Quantity::ReversedLogLikelihood(FisherLabels::Exact),
        || Quantity::SquaredOutputs,
        || Quantity::SquaredProbabilities,
        || Quantity::SquaredConfidence,
    ];
    for (seed, quantity) in quantities.into_iter().enumerate() {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed as u64);
        let model = mlp(UNITS[seed], rng);
        let images = images(NUM_IMAGES, rng);
        for outputs in OUTPUTS_OF_TASKS {
            for power in [Power::Square, Power::Magnitude] {
                let slow = slow(&model, &images, outputs.clone(), quantity(), power);
                // The last batch is short, and may come on an autodiff device.
                let mut batches = images.clone().split(4, 0);
                batches[1] = batches[1].clone().autodiff();
                let fast = model.importance(batches, outputs.clone(), quantity(), power);
                let fast = fast.expect("it can be measured");
                let difference = difference(&model, [&fast, &slow]);
                let case = quantity();
                assert!(difference < ROUNDING, "{case:?} {power:?}: {difference}");
            }
        }
    }
}

#[test]
fn exact_information_matches_one_example_at_a_time_for_every_kind_of_unit() {
    for (seed, units) in UNITS.into_iter().enumerate() {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed as u64);
        let model = mlp(units, rng);
        let images = images(NUM_IMAGES, rng);
        let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
        let slow = slow(&model, &images, 0..OUTPUTS, quantity, Power::Square);
        let fast = exact(&model, images.split(4, 0), 0..OUTPUTS);
        let difference = difference(&model, [&fast, &slow]);
        assert!(difference < ROUNDING, "{units:?}: {difference}");
    }
}

#[test]
fn sampled_information_matches_one_example_at_a_time_for_the_same_draws() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let model = mlp(Activation::Relu, rng);
    let images = images(NUM_IMAGES, rng);
    for outputs in OUTPUTS_OF_TASKS {
        let [mut rng, mut same] = [0, 0].map(ChaCha8Rng::seed_from_u64);
        let draw = &mut || rng.random();
        let quantity = Quantity::LogLikelihood(FisherLabels::Sampled(draw));
        let slow = slow(&model, &images, outputs.clone(), quantity, Power::Square);
        let draw = &mut || same.random();
        let quantity = Quantity::LogLikelihood(FisherLabels::Sampled(draw));
        let batches = images.clone().split(4, 0);
        let fast = model.importance(batches, outputs, quantity, Power::Square);
        let difference = difference(&model, [&fast.expect("it can be measured"), &slow]);
        assert!(difference < ROUNDING, "{difference}");
    }
}

#[test]
fn empirical_information_matches_one_example_at_a_time() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let model = mlp(Activation::Tanh, rng);
    let images = images(NUM_IMAGES, rng);
    for outputs in OUTPUTS_OF_TASKS {
        let number = outputs.len();
        let labels = || (0..NUM_IMAGES).map(|image| image % number);
        let quantity = |labels| Quantity::LogLikelihood(FisherLabels::Empirical(labels));
        let [mut first, mut second] = [labels(), labels()];
        let slow = slow(
            &model,
            &images,
            outputs.clone(),
            quantity(&mut first),
            Power::Square,
        );
        let batches = images.clone().split(4, 0);
        let fast = model.importance(batches, outputs, quantity(&mut second), Power::Square);
        let difference = difference(&model, [&fast.expect("it can be measured"), &slow]);
        assert!(difference < ROUNDING, "{difference}");
    }
}

#[test]
fn sampled_information_converges_to_the_exact_one() {
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    let model = mlp(Activation::Tanh, rng);
    let images = images(40, rng);
    let exact = exact(&model, [images.clone()], 0..OUTPUTS);
    let mut error = |repeats: usize| {
        let batches = vec![images.clone(); repeats];
        let draw = &mut || rng.random();
        let quantity = Quantity::LogLikelihood(FisherLabels::Sampled(draw));
        let sampled = model.importance(batches, 0..OUTPUTS, quantity, Power::Square);
        difference(&model, [&sampled.expect("it can be measured"), &exact])
    };
    let (few, many) = (error(5), error(500));
    // A hundred times the draws leave a tenth of the error.
    assert!(many < 0.3 * few && many < 0.05, "{few}, then {many}");
}

#[test]
fn outputs_of_other_tasks_have_no_information() {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let model = mlp(Activation::Relu, rng);
    let fisher = exact(&model, [images(9, rng)], 1..3);
    let readout = parts(&model, &fisher).pop().expect("a readout's bias");
    let informed: Vec<bool> = readout.iter().map(|it| *it > 0.0).collect();
    assert_eq!(informed, [false, true, true, false]);
}

#[test]
fn frozen_layer_has_no_information() {
    let rng = &mut ChaCha8Rng::seed_from_u64(8);
    let mut model = mlp(Activation::Relu, rng);
    model.hidden[0] = model.hidden[0].clone().no_grad();
    let fisher = exact(&model, [images(6, rng)], 0..OUTPUTS);
    assert!(fisher.get::<2>(model.hidden[0].weight.id).is_none());
    assert_eq!(fisher.len(), 4);
}

#[test]
fn no_image_gives_no_information() {
    let model = mlp(Activation::Relu, &mut ChaCha8Rng::seed_from_u64(9));
    assert!(exact(&model, [], 0..OUTPUTS).is_empty());
}

#[test]
fn a_network_that_has_diverged_is_refused() {
    let rng = &mut ChaCha8Rng::seed_from_u64(10);
    let mut model = mlp(Activation::Relu, rng);
    let bias = model.readout.bias.take().expect("the layer has a bias");
    model.readout.bias = Some(bias.map(|it| it * f32::NAN));
    let found = model.importance(
        [images(2, rng)],
        1..3,
        Quantity::SquaredOutputs,
        Power::Magnitude,
    );
    assert_eq!(
        found.expect_err("it is NaN").to_string(),
        "the importance cannot be measured: image 0 has the outputs [NaN, NaN]: the network has diverged, or there is \
         no label for the image"
    );
}
