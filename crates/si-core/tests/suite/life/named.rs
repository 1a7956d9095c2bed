//! Faults that lives have found, each as a separate test.

use burn::backend::Dispatch;
use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::prelude::*;
use burn::tensor::DType;
use si_core::ops::SynapticBackend;
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    ContinualLearner, Importance, QuadraticPenaltyConfig, SynapticAdamConfig, SynapticIntelligence,
    SynapticIntelligenceConfig, SynapticOptimizer, SynapticSgdConfig, TaskWarning,
    with_more_outputs,
};

use crate::common::values;
use crate::life::modules::{Draws, device};

const LEARNING_RATE: f64 = 0.1;

#[derive(Module, Debug)]
struct Heads {
    heads: Vec<Linear>,
}

fn linear(seed: u64, outputs: usize) -> Linear {
    let layer = LinearConfig::new(3, outputs).init(&device());
    Draws::new(seed).initialized(layer)
}

fn learner<M: Module>(module: M) -> ContinualLearner<M> {
    let config = SynapticIntelligenceConfig::new();
    ContinualLearner::new(module, &config).expect("the config is valid")
}

fn loss(layer: &Linear) -> Tensor<1> {
    let inputs = Tensor::<2>::from_floats([[0.1, 0.4, 1.0], [0.3, -0.8, -1.0]], &device());
    let inputs = inputs.cast(layer.weight.val().dtype());
    (layer.forward(inputs) - 0.7).square().mean()
}

fn anchor_of(regularizer: &SynapticIntelligence, layer: &Linear) -> Option<Vec<f64>> {
    let synapse = regularizer.synapse(layer.weight.id)?;
    let anchor = synapse.anchor::<2>();
    Some(values(anchor.narrow(1, 0, 1)))
}

/// Regression: Burn reads a tensor from the file only when it is needed (`ModuleRecord::load` in burn-core's
/// `store/mod.rs` keeps the file's bytes for later). If another file has replaced the first, its numbers are
/// loaded instead, and that goes unnoticed.
#[test]
fn learner_that_was_loaded_no_longer_needs_its_file() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("learner.bpk");
    let first = learner(linear(1, 2));
    let expected = values(first.weight.val());
    first.save_file(&path).expect("it can be written");
    let loaded = learner(linear(2, 2)).try_load_file(&path);
    let loaded = loaded.expect("it fits");
    let another = learner(linear(3, 2));
    another.save_file(&path).expect("it can be written");
    assert_eq!(values(loaded.weight.val()), expected);
}

/// Regression: Burn's optimizer panicked with "requires autodiff tensor".
#[test]
fn tasks_consolidate_the_same_in_validation_mode_as_in_training_mode() {
    let config = SynapticIntelligenceConfig::new();
    let [training, validation] = [true, false].map(|is_training| {
        let tasks = TaskControl::new();
        let synaptic = Synaptic::new(SgdConfig::new().build(), &config, &tasks);
        let mut optimizer = ModuleOptimizer::from(synaptic.expect("the config is valid"));
        let mut layer = linear(1, 2);
        let grads = GradientsParams::from_grads(loss(&layer).backward(), &layer);
        layer = optimizer.step(LEARNING_RATE, layer, grads);
        tasks.end_task();
        if !is_training {
            layer = layer.valid();
        }
        layer = tasks.consolidate(&mut optimizer, layer);
        let regularizer = tasks.regularizer(&optimizer, &layer, &config);
        let regularizer = regularizer.expect("the config is valid");
        regularizer.diagnostics().parameters
    });
    assert!(training[0].importance_quantiles.is_some());
    assert_eq!(validation, training);
}

/// Regression: like Burn's optimizers, `state_unflatten` of the optimizers in one pass makes tensors in the
/// device's default precision. So the next step gets two different precisions.
#[test]
fn optimizers_in_one_pass_go_on_in_16_bits() {
    if !device().supports_dtype(DType::BF16) {
        return;
    }
    struct Cast;
    impl ModuleMapper for Cast {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| Tensor::from_inner(tensor.inner().cast(DType::BF16)).require_grad())
        }
    }
    let optimizers: [fn() -> SynapticOptimizer; 2] = [
        || SynapticAdamConfig::new().init(),
        || {
            let config = SynapticSgdConfig::new().with_momentum(Some(MomentumConfig::new()));
            config.init()
        },
    ];
    for new in optimizers {
        let mut optimizer = new();
        let first = learner(linear(1, 2).map(&mut Cast));
        let (first, _) = first.step(&mut optimizer, LEARNING_RATE, loss);
        let mut resumed = new().load_record(optimizer.to_record());
        let (unbroken, _) = first.clone().step(&mut optimizer, LEARNING_RATE, loss);
        let (first, _) = first.step(&mut resumed, LEARNING_RATE, loss);
        assert_eq!(values(first.weight.val()), values(unbroken.weight.val()));
    }
}

/// Regression: if two states without importance were at one path, `rebind` took the one that was last in a hash
/// map's order.
#[test]
fn head_that_grows_continues_from_the_head_just_before_it() {
    let mut optimizer = SgdConfig::new().init();
    for _ in 0..20 {
        let mut learner = learner(Heads {
            heads: vec![linear(1, 2)],
        });
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |it| loss(&it.heads[0]));
        learner.heads[0] = linear(2, 2);
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |it| loss(&it.heads[0]));
        let expected = anchor_of(learner.regularizer(), &learner.heads[0]);
        learner.heads[0] = with_more_outputs(&learner.heads[0], 1);
        learner.rebind();
        let actual = anchor_of(learner.regularizer(), &learner.heads[0]);
        assert_eq!(actual, expected);
    }
}

/// Regression: a pull kept the path that its parameter had when the pull was created.
#[test]
fn pulls_follow_the_path_of_their_parameter() {
    let config = QuadraticPenaltyConfig::ewc(1.0);
    let mut ewc = config.init().expect("the config is valid");
    let mut module = Heads {
        heads: vec![linear(1, 2), linear(2, 2)],
    };
    let mut fisher = Importance::default();
    for head in &module.heads {
        fisher.add(head.weight.id, head.weight.val().ones_like());
    }
    assert_eq!(ewc.consolidate(&module, &fisher), None::<TaskWarning>);
    module.heads.remove(0);
    ewc.rebind(&module);
    let paths: Vec<&str> = ewc.pulls().iter().map(|it| it.path()).collect();
    assert_eq!(paths, ["heads.0.weight"]);
    module.heads[0] = with_more_outputs(&module.heads[0], 1);
    ewc.rebind(&module);
    assert_eq!(ewc.pulls().len(), 1);
}

/// Regression: the next step closed the open step. It counted the move from the old value to the new one, in a
/// parameter that is not in the next step.
#[test]
fn unfinished_step_is_forgotten_when_a_parameter_is_exchanged() {
    let mut regularizer = SynapticIntelligenceConfig::new()
        .init()
        .expect("the config is valid");
    let mut optimizer = SgdConfig::new().init();
    let mut module = Heads {
        heads: vec![linear(1, 2), linear(2, 2)],
    };
    let gradients = |module: &Heads, head: usize| {
        let grads = loss(&module.heads[head]).backward();
        GradientsParams::from_grads(grads, module)
    };
    // Suppose its gradients were not finite, and the loop continues with the next minibatch.
    let grads = gradients(&module, 0);
    let _ = regularizer.penalize(&module, grads);

    module.heads[0] = linear(3, 2);
    regularizer.rebind(&module);
    let grads = gradients(&module, 1);
    let grads = regularizer.penalize(&module, grads);
    module = optimizer.step(LEARNING_RATE, module, grads);
    regularizer.observe(&module);
    let synapse = regularizer.synapse(module.heads[0].weight.id);
    let path_integral = synapse.and_then(|synapse| synapse.path_integral_primitive());
    let path_integral = path_integral.map(|it| values(Dispatch::tensor::<2>(it.clone())));
    assert_eq!(path_integral.unwrap_or(vec![0.0; 6]), [0.0; 6]);
}
