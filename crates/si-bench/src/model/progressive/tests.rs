use burn::optim::GradientsParams;
use burn::tensor::{Distribution, Tolerance, activation};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::experiment::Activation;

use super::*;

const UNITS: [Units; 3] = [
    Units::Each(Activation::Relu),
    Units::Lwta { block: 2 },
    Units::Maxout { pieces: 3 },
];

fn config(units: Units) -> ProgressiveConfig {
    ProgressiveConfig {
        num_inputs: 5,
        hidden_sizes: vec![8, 6],
        num_outputs: vec![2, 3, 2],
        units,
        dropout: 0.0,
        zero_readout: false,
    }
}

/// A network with that many columns. Its laterals have an effect: α is 1, 1.5 and so on.
fn network(config: &ProgressiveConfig, num_columns: usize, device: &Device) -> Progressive {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let mut network = config.init(rng, device);
    for _ in 1..num_columns {
        network.add_column(rng);
    }
    for lateral in network.columns.iter_mut().flat_map(|it| &mut it.laterals) {
        let [num_earlier] = lateral.scales.dims();
        let scales = (0..num_earlier).map(|column| 1.0 + 0.5 * column as f32);
        let scales = TensorData::new::<f32, _>(scales.collect(), [num_earlier]);
        lateral.scales = Param::from_tensor(Tensor::from_data(scales, device));
    }
    network
}

fn images(device: &Device) -> Tensor<2> {
    Tensor::random([4, 5], Distribution::Uniform(-1.0, 1.0), device)
}

#[test]
fn columns_read_what_the_earlier_ones_compute_for_their_own_answers() {
    let device = Device::flex();
    let network = network(&config(Activation::Relu.into()), 3, &device);
    let images = images(&device);
    let [one, two, three] = &network.columns[..] else {
        panic!("{} columns", network.columns.len());
    };
    let relu = activation::relu::<2>;
    let lateral = |lateral: &Lateral, features: &[&Tensor<2>]| {
        let scales: Vec<f32> = lateral.scales.val().into_data().iter().collect();
        assert_eq!(scales.len(), features.len());
        let scaled = features.iter().zip(scales);
        let scaled = scaled.map(|(features, scale)| (*features).clone() * scale);
        let scaled = Tensor::cat(scaled.collect(), 1);
        let reduced = relu(scaled.matmul(lateral.reduce.weight.val()));
        reduced.matmul(lateral.expand.weight.val())
    };
    let first = |column: &Column| relu(column.hidden[0].forward(images.clone()));
    let [one_1, two_1, three_1] = [one, two, three].map(first);
    let second = |column: &Column, features: &Tensor<2>| column.hidden[1].forward(features.clone());
    let one_2 = relu(second(one, &one_1));
    let two_2 = relu(second(two, &two_1) + lateral(&two.laterals[0], &[&one_1]));
    let three_2 = relu(second(three, &three_1) + lateral(&three.laterals[0], &[&one_1, &two_1]));
    let expected = Tensor::cat(
        vec![
            one.readout.forward(one_2.clone()),
            two.readout.forward(two_2.clone()) + lateral(&two.laterals[1], &[&one_2]),
            three.readout.forward(three_2) + lateral(&three.laterals[1], &[&one_2, &two_2]),
        ],
        1,
    );
    let found = network.forward(images).into_data();
    found.assert_approx_eq::<f32>(&expected.into_data(), Tolerance::default());
}

#[test]
fn a_new_column_leaves_the_outputs_of_the_others_as_they_are() {
    let device = Device::flex();
    let images = images(&device);
    for units in UNITS {
        let config = config(units);
        let logits = |num_columns| network(&config, num_columns, &device).forward(images.clone());
        let [one, two, three] = [1, 2, 3].map(logits);
        assert_eq!(one.dims(), [4, 7]);
        let without_column = two.clone().narrow(1, 5, 2).into_data();
        assert!(without_column.iter::<f32>().all(|logit| logit == 0.0));
        let of_tasks = |logits: &Tensor<2>, num_outputs| {
            let logits = logits.clone().narrow(1, 0, num_outputs);
            logits.into_data()
        };
        assert_eq!(of_tasks(&two, 2), of_tasks(&one, 2));
        assert_eq!(of_tasks(&three, 5), of_tasks(&two, 5));
        let newest = three.narrow(1, 5, 2).into_data();
        assert!(newest.iter::<f32>().any(|logit| logit != 0.0));
    }
}

#[test]
fn only_the_newest_column_has_gradients_and_all_of_it_has() {
    let device = Device::flex().autodiff();
    for units in UNITS {
        let mut network = network(&config(units), 3, &device);
        network.freeze_earlier();
        let loss = network.forward(images(&device)).square().sum();
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        // Two hidden layers and a readout with biases, and two laterals of three parameters.
        assert_eq!(grads.len(), 6 + 6, "{units:?}");
        let newest = &network.columns[2];
        assert!(grads.get::<2>(newest.hidden[0].weight.id).is_some());
        assert!(grads.get::<1>(newest.laterals[0].scales.id).is_some());
    }
}

#[test]
fn frozen_columns_drop_nothing() {
    let device = Device::flex().autodiff();
    let config = ProgressiveConfig {
        dropout: 0.5,
        ..config(Activation::Tanh.into())
    };
    let mut network = network(&config, 2, &device);
    let images = images(&device);
    let logits = |network: &Progressive, first, count| {
        let logits = network.forward(images.clone());
        logits.narrow(1, first, count).into_data()
    };
    assert_ne!(logits(&network, 0, 2), logits(&network, 0, 2));
    network.freeze_earlier();
    assert_eq!(logits(&network, 0, 2), logits(&network, 0, 2));
    assert_ne!(logits(&network, 2, 3), logits(&network, 2, 3));
}
