//! Autodiff's settings come from the module.

use burn::module::Module;
use burn::nn::LinearConfig;
use burn::optim::GradientsParams;
use burn::tensor::{Device, GradientCheckpointingStrategy, activation};
use si_core::importance::{self, FisherLabels};
use si_core::with_more_outputs;

use crate::common;
use crate::lifecycle::network::{Network, inputs, sgd, train, trained};

fn checkpointing() -> Device {
    common::device().autodiff().gradient_checkpointing()
}

#[test]
fn penalty_is_a_term_of_the_loss_with_gradient_checkpointing() {
    let mut learner = trained(&checkpointing(), 3);
    assert_eq!(
        learner
            .regularizer()
            .penalty(&*learner)
            .into_scalar::<f32>(),
        0.0
    );
    learner.end_task();
    let learner = train(learner, &mut sgd(), 2, 0);
    let penalty = learner.regularizer().penalty(&*learner);
    let loss = learner.loss(0) + penalty.clone();
    assert!(penalty.into_scalar::<f32>() > 0.0);
    let grads = GradientsParams::from_grads(loss.backward(), &*learner);
    assert!(grads.get::<2>(learner.body.weight.id).is_some());
}

#[test]
fn head_that_grows_has_the_strategy_of_its_module() {
    let mut learner = trained(&checkpointing(), 3);
    learner.end_task();
    learner.heads[0] = with_more_outputs(&learner.heads[0], 2);
    learner.rebind();
    let learner = train(learner, &mut sgd(), 2, 0);
    let strategy = learner.heads[0]
        .weight
        .val()
        .gradient_checkpointing_strategy();
    assert_eq!(strategy, Some(GradientCheckpointingStrategy::Balanced));
}

#[test]
fn learner_that_comes_back_from_validation_mode_keeps_its_strategy() {
    let learner = trained(&checkpointing(), 3);
    let learner = learner.valid().valid().train();
    train(learner, &mut sgd(), 2, 0);
}

#[test]
fn information_is_measured_with_gradient_checkpointing() {
    let learner = trained(&checkpointing(), 3);
    let log_likelihood = |network: &Network, example: &f32| {
        let x = inputs(&checkpointing())
            .mul_scalar(*example)
            .narrow(0, 0, 1);
        activation::log_softmax(network.forward(x, 0).squeeze_dim::<1>(0), 0)
    };
    let fisher = importance::fisher(&*learner, [1.0, 2.0], log_likelihood, FisherLabels::Exact);
    let fisher = fisher.expect("it gives probabilities");
    assert!(fisher.get::<2>(learner.body.weight.id).is_some());
}

/// A module with each layer on a separate device.
#[cfg(all(feature = "flex", feature = "ndarray"))]
#[expect(deprecated, reason = "another CPU backend is another device")]
#[test]
fn module_on_two_devices_has_a_penalty_and_makes_steps() {
    use crate::lifecycle::network::wrapped;
    use burn::nn::Linear;
    use burn::tensor::Tensor;

    #[derive(Module, Debug)]
    struct Split {
        first: Linear,
        second: Linear,
    }
    let devices = [Device::flex().autodiff(), Device::ndarray().autodiff()];
    let loss = |module: &Split| {
        let hidden = module.first.forward(Tensor::<2>::ones([2, 3], &devices[0]));
        let output = module.second.forward(hidden.to_device(&devices[1]));
        (output - 1.0).square().mean()
    };
    let mut learner = wrapped(Split {
        first: LinearConfig::new(3, 2).init(&devices[0]),
        second: LinearConfig::new(2, 1).init(&devices[1]),
    });
    let mut optimizer = sgd();
    for _ in 0..2 {
        for _ in 0..2 {
            (learner, _) = learner.step(&mut optimizer, 0.1, loss);
        }
        assert!(
            learner
                .regularizer()
                .penalty(&*learner)
                .into_scalar::<f32>()
                >= 0.0
        );
        assert_eq!(learner.end_task(), None);
    }
}

#[test]
fn module_on_a_device_without_autodiff_says_what_it_would_train() {
    let device = common::device();
    let plain = LinearConfig::new(3, 2).init(&device);
    let learner = crate::lifecycle::network::wrapped(plain);
    assert_eq!(learner.coverage().consolidated().count(), 2);
    assert!(learner.train().weight.is_require_grad());
}
