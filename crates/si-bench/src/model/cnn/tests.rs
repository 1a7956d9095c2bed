use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Distribution, Int, Tolerance};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::*;

#[test]
fn parameters_are_those_of_the_paper() {
    let cnn = paper_cnn(&Device::flex());
    let mut paths = Paths::default();
    cnn.visit(&mut paths);
    let expected = [
        ("blocks.0.same.weight", vec![32, 3, 3, 3]),
        ("blocks.0.same.bias", vec![32]),
        ("blocks.0.valid.weight", vec![32, 32, 3, 3]),
        ("blocks.0.valid.bias", vec![32]),
        ("blocks.1.same.weight", vec![64, 32, 3, 3]),
        ("blocks.1.same.bias", vec![64]),
        ("blocks.1.valid.weight", vec![64, 64, 3, 3]),
        ("blocks.1.valid.bias", vec![64]),
        ("hidden.weight", vec![2304, 512]),
        ("hidden.bias", vec![512]),
        ("readout.weight", vec![512, 60]),
        ("readout.bias", vec![60]),
    ]
    .map(|(path, shape)| (path.to_string(), shape));
    assert_eq!(paths.found, expected);
    assert_eq!(cnn.num_params(), 1_276_508);
}

#[test]
fn weights_are_uniform_within_the_limit_of_their_fans() {
    let cnn = paper_cnn(&Device::flex());
    let [first, second] = &cnn.blocks[..] else {
        panic!("{} blocks", cnn.blocks.len());
    };
    assert_uniform(&first.same.weight.val(), 9 * (3 + 32));
    assert_uniform(&first.valid.weight.val(), 9 * (32 + 32));
    assert_uniform(&second.same.weight.val(), 9 * (32 + 64));
    assert_uniform(&second.valid.weight.val(), 9 * (64 + 64));
    assert_uniform(&cnn.hidden.weight.val(), 2304 + 512);
    for zeros in [cnn.readout.weight.val().flatten(0, 1), bias(&cnn.hidden)] {
        assert_eq!(zeros.abs().max().into_scalar::<f32>(), 0.0);
    }
}

#[test]
fn weights_come_from_the_given_generator() {
    let device = Device::flex();
    let weights = |seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let cnn = CnnConfig::paper([3, 10, 12], 4).init(rng, &device);
        cnn.blocks[0].same.weight.val().into_data()
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}

#[test]
fn every_image_gets_its_own_logits() {
    let device = Device::flex();
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    for (shape, num_features) in [([3, 32, 32], 2304), ([1, 28, 28], 1600), ([3, 10, 12], 64)] {
        let mut cnn = CnnConfig::paper(shape, 4).init(rng, &device);
        assert_eq!(cnn.hidden.weight.dims(), [num_features, 512]);
        cnn.readout = dense(512, 4, Weights::GlorotUniform, rng, &device);
        let images = random_images(3, shape.iter().product(), &device);
        let logits = cnn.forward(images.clone());
        assert_eq!(logits.dims(), [3, 4]);
        let alone = cnn.forward(images.narrow(0, 2, 1)).into_data();
        let together = logits.narrow(0, 2, 1).into_data();
        alone.assert_approx_eq::<f32>(&together, Tolerance::default());
    }
}

#[test]
fn the_backends_convolutions_give_the_same() {
    let device = Device::flex().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let config = CnnConfig {
        block_dropout: [0.0, 0.0],
        hidden_dropout: 0.0,
        ..CnnConfig::paper([3, 12, 15], 5)
    };
    let cnn = config.init(rng, &device);
    let images = random_images(17, 3 * 12 * 15, &device);
    let results = [cnn.clone(), cnn.with_backend_convolutions()].map(|cnn| {
        let features = cnn.features(images.clone());
        let gradients = features.clone().sin().sum().backward();
        let weight = &cnn.blocks[0].same.weight;
        let gradient = weight.grad(&gradients).expect("tracked");
        [features.into_data(), gradient.into_data()]
    });
    let [found, expected] = results;
    for (found, expected) in found.into_iter().zip(expected) {
        found.assert_approx_eq::<f32>(&expected, Tolerance::default());
    }
}

#[test]
#[should_panic(expected = "at least 10 pixels")]
fn images_that_are_too_small_are_refused() {
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    CnnConfig::paper([3, 32, 9], 2).init(rng, &Device::flex());
}

#[test]
fn dropout_acts_in_training_only() {
    let device = Device::flex().autodiff();
    let cnn = paper_cnn(&device);
    let images = random_images(2, 3072, &device);
    let twice =
        |cnn: &Cnn, images: &Tensor<2>| [(); 2].map(|()| cnn.features(images.clone()).into_data());
    let [first, second] = twice(&cnn, &images);
    assert_ne!(first, second);
    let [first, second] = twice(&cnn.valid(), &images.inner());
    assert_eq!(first, second);
}

#[test]
fn every_parameter_learns() {
    let device = Device::flex().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let mut cnn = paper_cnn(&device);
    cnn.readout = dense(512, 60, Weights::GlorotUniform, rng, &device);
    let labels = Tensor::<1, Int>::from_ints([7, 59], &device);
    let loss = burn::nn::loss::CrossEntropyLossConfig::new().init(&device);
    let logits = cnn.forward(random_images(2, 3072, &device));
    let gradients = loss.forward(logits, labels).backward();
    let gradients = burn::optim::GradientsParams::from_grads(gradients, &cnn);
    assert_eq!(gradients.len(), 12);
}

#[test]
fn the_features_of_an_image_are_what_the_readout_reads() {
    let (rng, device) = (&mut ChaCha8Rng::seed_from_u64(0), &Device::flex());
    let mut cnn = CnnConfig::paper([1, 10, 11], 4).init(rng, device);
    cnn.readout = dense(512, 4, Weights::GlorotUniform, rng, device);
    let images = random_images(3, 110, device);
    let output = cnn.output(images.clone());
    assert_eq!(output.features.dims(), [3, 512]);
    assert_eq!(output.logits.to_data(), cnn.forward(images).into_data());
    let read_out = cnn.readout().forward(output.features);
    assert_eq!(output.logits.into_data(), read_out.into_data());
}

fn paper_cnn(device: &Device) -> Cnn {
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    CnnConfig::paper([3, 32, 32], 60).init(rng, device)
}

fn random_images(batch_size: usize, num_pixels: usize, device: &Device) -> Tensor<2> {
    Tensor::random(
        [batch_size, num_pixels],
        Distribution::Uniform(0.0, 1.0),
        device,
    )
}

fn bias(layer: &Linear) -> Tensor<1> {
    layer.bias.as_ref().expect("dense layers have a bias").val()
}

/// Checks the bounds, mean and variance of weights in ±√(6 / sum of fans).
fn assert_uniform<const D: usize>(weights: &Tensor<D>, sum_of_fans: usize) {
    let values: Vec<f32> = weights.to_data().iter().collect();
    let count = values.len() as f32;
    let limit = (6.0 / sum_of_fans as f32).sqrt();
    assert!(values.iter().all(|value| value.abs() <= limit));
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|value| value * value).sum::<f32>() / count;
    // Four standard errors of each, for a uniform distribution.
    assert!(mean.abs() < 4.0 * limit / (3.0 * count).sqrt(), "{mean}");
    let expected = limit * limit / 3.0;
    let tolerance = 4.0 * expected * (0.8 / count).sqrt();
    assert!(
        (variance - expected).abs() < tolerance,
        "{variance} for {expected}"
    );
}

/// Path and shape of every parameter, in the order of the module.
#[derive(Default)]
struct Paths {
    path: Vec<String>,
    found: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.val().dims().to_vec();
        self.found.push((self.path.join("."), shape));
    }
}
