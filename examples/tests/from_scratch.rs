//! The example that writes the method from scratch trains as the library does.

use burn::module::{Module, Param};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use from_scratch::{DAMPING, LEARNING_RATE, NUM_STEPS, initial_weights, learn, loss};

#[path = "../from_scratch.rs"]
#[expect(dead_code, reason = "it has a `main`")]
mod from_scratch;

#[derive(Module, Debug)]
struct Network {
    layers: [Param<Tensor<2>>; 2],
}

impl Network {
    fn weights(&self) -> [Tensor<2>; 2] {
        [self.layers[0].val(), self.layers[1].val()]
    }
}

/// The same training by the library.
fn learn_with_the_library(strength: f64) -> [Tensor<2>; 2] {
    let config = SynapticIntelligenceConfig::new()
        .with_strength(strength)
        .with_damping(DAMPING);
    let device = Device::flex().autodiff();
    let layers = initial_weights(&device).map(Param::from_tensor);
    let mut learner = ContinualLearner::new(Network { layers }, &config).expect("it is valid");
    let mut optimizer = SgdConfig::new().init();
    for task in 0..2 {
        for _ in 0..NUM_STEPS {
            let gradients = loss(&learner.weights(), task).backward();
            let gradients = GradientsParams::from_grads(gradients, &learner);
            learner = learner.optimize(&mut optimizer, LEARNING_RATE, gradients);
        }
        assert_eq!(learner.end_task(), None);
    }
    learner.weights().map(Tensor::inner)
}

#[test]
fn it_trains_as_the_library_does() {
    let numbers = |weights: [Tensor<2>; 2]| weights.map(|it| it.into_data().try_to_vec::<f32>());
    for strength in [0.0, 1.0] {
        let [by_hand, by_library] = [
            numbers(learn(strength, &Device::flex())),
            numbers(learn_with_the_library(strength)),
        ];
        for (by_hand, by_library) in by_hand.into_iter().zip(by_library) {
            let (by_hand, by_library) = (by_hand.expect("f32"), by_library.expect("f32"));
            for (one, other) in by_hand.iter().zip(&by_library) {
                assert!(
                    (one - other).abs() <= 1e-4,
                    "{one} is not {other}, c = {strength}"
                );
            }
        }
    }
}

#[test]
fn the_first_task_is_forgotten_only_without_consolidation() {
    let device = Device::flex();
    let losses = |strength| {
        let weights = learn(strength, &device);
        [0, 1].map(|task| loss(&weights, task).into_scalar::<f32>())
    };
    let ([forgotten, _], [kept, learnt]) = (losses(0.0), losses(1.0));
    assert!(forgotten > 5.0 * kept, "{forgotten} without, {kept} with");
    assert!(learnt < 0.05, "{learnt}");
}
