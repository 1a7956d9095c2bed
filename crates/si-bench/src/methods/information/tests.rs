use std::ops;

use burn::tensor::{Device, Tolerance};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::experiment::Activation;
use crate::methods::{Measure, MethodSpec, Parts};
use crate::model::{MlpConfig, NetworkConfig};

const NUM_IMAGES: usize = 6;
const LABELS: [usize; NUM_IMAGES] = [0, 1, 1, 0, 1, 0];

fn network() -> Network {
    let config = MlpConfig {
        num_inputs: 3,
        hidden_sizes: vec![4],
        num_outputs: 4,
        units: Activation::Tanh.into(),
        dropout: 0.0,
        zero_readout: false,
    };
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    NetworkConfig::Mlp(config).init(rng, &Device::flex().autodiff())
}

fn images() -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let pixels = (0..NUM_IMAGES * 3).map(|_| rng.random_range(-1.0..1.0_f32));
    let pixels = TensorData::new(pixels.collect::<Vec<_>>(), [NUM_IMAGES, 3]);
    Tensor::from_data(pixels, &Device::flex())
}

/// The importance of the readout's weights by a method, on a second task with the outputs 1 and 2.
fn measured(spec: &str, batch_size: usize) -> TensorData {
    let network = network();
    let importance = importance(&network, spec, batch_size, 1..3);
    of_readout(&network, &importance)
}

fn of_readout(network: &Network, importance: &Importance) -> TensorData {
    let importance = importance.get::<2>(network.readout().weight.id);
    importance.expect("it is trained").into_data()
}

/// That after the tasks with the outputs up to 2. The network chooses from `outputs`.
fn importance(
    network: &Network,
    spec: &str,
    batch_size: usize,
    outputs: ops::Range<usize>,
) -> Importance {
    let spec: MethodSpec = spec.parse().expect("it is well formed");
    let config = ExperimentConfig::paper(experiment::Experiment::SplitMnist);
    let [method] = spec.methods() else {
        panic!("{spec} is one method");
    };
    let Parts { anchor, .. } = (method.parts)(&spec.values(&config));
    let Measure::AtEnd(measure) = anchor.expect("it has a penalty").measure else {
        panic!("{spec} measures at a task's end");
    };
    let examples = Examples {
        images: &mut images().split(4, 0).into_iter(),
        labels: LABELS.to_vec(),
        outputs,
        outputs_so_far: 0..3,
        batch_size,
        uniform: &mut || 0.4,
    };
    measure(network, examples).expect("it can be measured")
}

#[track_caller]
fn assert_close(actual: &TensorData, expected: &TensorData) {
    actual.assert_approx_eq::<f32>(expected, Tolerance::default());
}

/// The gradients of the images' log-likelihoods with respect to the readout's weights, `[image][weight]`.
fn gradients() -> Vec<Vec<f64>> {
    let network = network();
    let images = images().split(1, 0).into_iter();
    let of = |(image, label): (Tensor<2>, usize)| {
        let logits = network.forward(image.autodiff()).slice([0..1, 1..3]);
        let likelihood = burn::tensor::activation::log_softmax(logits, 1);
        let grads = likelihood.slice([0..1, label..label + 1]).sum().backward();
        let weight = &network.readout().weight;
        let gradient = weight.grad(&grads).expect("it is trained");
        gradient.into_data().iter().collect()
    };
    images.zip(LABELS).map(of).collect()
}

fn mean(gradients: &[Vec<f64>]) -> Vec<f64> {
    let sum = |place: usize| gradients.iter().map(|it| it[place]).sum::<f64>();
    let places = 0..gradients[0].len();
    places
        .map(|place| sum(place) / gradients.len() as f64)
        .collect()
}

fn data(values: &[f64]) -> TensorData {
    let values: Vec<f32> = values.iter().map(|it| *it as f32).collect();
    TensorData::new(values, [4, 4])
}

#[test]
fn batched_information_is_the_mean_square_of_minibatches_mean_gradients() {
    let gradients = gradients();
    let minibatches: Vec<Vec<f64>> = gradients
        .chunks(3)
        .map(|batch| mean(batch).iter().map(|it| it * it).collect())
        .collect();
    let expected = data(&mean(&minibatches));
    assert_close(&measured("ewc:lambda=1:fisher=batched", 3), &expected);
}

#[test]
fn batched_information_draws_images_when_their_minibatch_is_due() {
    let spec: MethodSpec = "ewc:lambda=1:fisher=batched"
        .parse()
        .expect("it is well formed");
    let values = spec.values(&ExperimentConfig::paper(experiment::Experiment::SplitMnist));
    let measure = information(&values, Outputs::Plain, Power::Square);
    for batch_size in [1, 2, 3] {
        let mut num_drawn = 0;
        // The first minibatch has no finite loss, so the measurement ends there.
        let images = Tensor::<2>::full([NUM_IMAGES, 3], f32::NAN, &Device::flex());
        let images = images.split(2, 0).into_iter();
        let examples = Examples {
            images: &mut images.inspect(|it| num_drawn += it.dims()[0]),
            labels: LABELS.to_vec(),
            outputs: 1..3,
            outputs_so_far: 0..3,
            batch_size,
            uniform: &mut || 0.4,
        };
        let error = measure(&network(), examples).expect_err("the loss is not a number");
        assert!(error.to_string().contains("example 0"), "{error}");
        assert_eq!(num_drawn, batch_size.next_multiple_of(2));
    }
}

#[test]
fn minibatches_of_one_image_have_the_empirical_information() {
    let squares: Vec<Vec<f64>> = gradients()
        .iter()
        .map(|it| it.iter().map(|it| it * it).collect())
        .collect();
    let expected = data(&mean(&squares));
    let empirical = measured("ewc:lambda=1:fisher=empirical", 1);
    assert_close(&empirical, &expected);
    assert_close(&measured("ewc:lambda=1:fisher=batched", 1), &empirical);
    let reversed = measured("ewc-dr:lambda=1:fisher=empirical:limit=1e9", 1);
    assert_close(
        &measured("ewc-dr:lambda=1:fisher=batched:limit=1e9", 1),
        &reversed,
    );
}

#[test]
fn absolute_information_is_the_mean_magnitude() {
    let magnitudes: Vec<Vec<f64>> = gradients()
        .iter()
        .map(|it| it.iter().map(|it| it.abs()).collect())
        .collect();
    let expected = data(&mean(&magnitudes));
    assert_close(&measured("af:lambda=1:fisher=empirical", 1), &expected);
}

#[test]
fn root_and_limit_change_each_weight_alone() {
    let plain = measured("ewc:lambda=1:fisher=exact", 1);
    let roots: Vec<f64> = plain.iter::<f64>().map(f64::sqrt).collect();
    assert_close(&measured("sqrt-fisher:lambda=1", 1), &data(&roots));
    let free = measured("ewc-dr:lambda=1:fisher=exact:limit=1e9", 1);
    let limit = free.iter::<f64>().fold(0.0, f64::max) / 2.0;
    let limited: Vec<f64> = free.iter::<f64>().map(|it| it.min(limit)).collect();
    let found = measured(&format!("ewc-dr:lambda=1:fisher=exact:limit={limit}"), 1);
    assert_close(&found, &data(&limited));
}

#[test]
fn anchors_of_l2_hold_all_but_the_outputs_of_later_tasks() {
    let network = network();
    // Whether the network is given the task or not.
    for outputs in [1..3, 0..4] {
        let importance = importance(&network, "l2", 1, outputs);
        assert_eq!(importance.len(), 4);
        let columns = [1.0, 1.0, 1.0, 0.0];
        let weight = of_readout(&network, &importance);
        assert_eq!(weight, data(&columns.repeat(4)));
        let bias = network.readout().bias.as_ref();
        let bias = bias.expect("the layer has a bias").id;
        let bias = importance.get::<1>(bias).expect("it is trained");
        assert_eq!(bias.into_data(), TensorData::from([1.0_f32, 1.0, 1.0, 0.0]));
        let hidden = network.hidden_weights()[0];
        let hidden = importance.get::<2>(hidden.id).expect("it is trained");
        assert!(hidden.into_data().iter::<f64>().all(|it| it == 1.0));
    }
}

#[test]
fn reversed_information_leaves_out_the_outputs_of_later_tasks() {
    let network = network();
    for kind in ["exact", "batched"] {
        let spec = format!("ewc-dr:lambda=1:fisher={kind}:limit=1e9");
        let of = |outputs| of_readout(&network, &importance(&network, &spec, 3, outputs));
        let (all, so_far) = (of(0..4), of(0..3));
        assert_eq!(all, so_far, "{kind}");
        let of_last: Vec<f64> = all.iter::<f64>().skip(3).step_by(4).collect();
        assert_eq!(of_last, [0.0; 4], "{kind}");
        assert!(all.iter::<f64>().any(|it| it > 0.0), "{kind}");
    }
}
