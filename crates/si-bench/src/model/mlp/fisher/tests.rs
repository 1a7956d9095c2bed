use burn::module::Module;
use burn::tensor::{Tensor, activation};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::Importance;
use si_core::importance::FisherLabels;

use crate::experiment::Activation;
use crate::model::mlp::testing::{ROUNDING, difference, images, mask, mlp, parts};
use crate::model::{Mlp, Units};

const UNITS: [Units; 6] = [
    Units::Each(Activation::Relu),
    Units::Each(Activation::Tanh),
    Units::Each(Activation::Gelu),
    Units::Each(Activation::Sigmoid),
    Units::Lwta { block: 2 },
    Units::Maxout { pieces: 3 },
];

fn slow(
    model: &Mlp,
    images: &Tensor<2>,
    mask: Option<Tensor<1>>,
    labels: FisherLabels<'_>,
) -> Importance {
    let examples = images.clone().split(1, 0);
    let log_likelihood = |model: &Mlp, image: &Tensor<2>| {
        let logits = model.forward(image.clone().autodiff()).squeeze_dim::<1>(0);
        let logits = match &mask {
            Some(mask) => logits + mask.clone(),
            None => logits,
        };
        activation::log_softmax(logits, 0)
    };
    si_core::importance::fisher(model, examples, log_likelihood, labels)
        .expect("it can be measured")
}

#[test]
fn exact_information_matches_one_example_at_a_time() {
    for (seed, units) in UNITS.into_iter().enumerate() {
        for mask in [None, Some(mask())] {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed as u64);
            let model = mlp(units, rng);
            let images = images(11, rng);
            let slow = slow(&model, &images, mask.clone(), FisherLabels::Exact);
            // The last batch is short, and may come on an autodiff device.
            let mut batches = images.split(4, 0);
            batches[1] = batches[1].clone().autodiff();
            let fast = model.fisher(batches, mask, FisherLabels::Exact);
            let difference = difference(&model, [&fast, &slow]);
            assert!(difference < ROUNDING, "{units:?}: {difference}");
        }
    }
}

#[test]
fn sampled_information_matches_one_example_at_a_time_for_the_same_draws() {
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
