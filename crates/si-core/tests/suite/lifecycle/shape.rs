//! A parameter that changes its shape but keeps its id.

use burn::module::Module;
use burn::module::Param;
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::tensor::Tensor;
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligenceConfig,
    SynapticOptimizer, SynapticSgdConfig, TaskWarning,
};

use crate::common::warnings::warnings;
use crate::common::{assert_same, values};
use crate::lifecycle::network::{device, sgd, wrapped};

#[derive(Module, Debug)]
struct Vector {
    weight: Param<Tensor<1>>,
}

impl Vector {
    fn loss(&self) -> Tensor<1> {
        (self.weight.val() - 1.0).square().mean()
    }

    /// The same parameter with another number of elements.
    fn resized(self, len: usize) -> Self {
        let weight = self.weight.map(|weight| {
            let first = weight.inner().narrow(0, 0, 1);
            Tensor::from_inner(first.repeat_dim(0, len)).require_grad()
        });
        Self { weight }
    }
}

fn vector() -> Vector {
    let weight = Tensor::from_floats([0.5, 0.2], &device());
    Vector {
        weight: Param::from_tensor(weight),
    }
}

fn check(optimizer: &mut impl ContinualOptimizer) {
    for len in [4, 1] {
        // With and without a task's end in between. The task's end sees the new shape before the optimizer does.
        for is_ended in [true, false] {
            let mut learner: ContinualLearner<Vector> = wrapped(vector());
            for _ in 0..2 {
                (learner, _) = learner.step(optimizer, 0.1, Vector::loss);
            }
            learner.end_task();
            *learner = learner.clone().into_inner().resized(len);
            if is_ended {
                learner.end_task();
            }
            warnings();
            for _ in 0..2 {
                (learner, _) = learner.step(optimizer, 0.1, Vector::loss);
            }
            let told = format!(
                "weight was of shape [2] in its last step and is of shape [{len}] now, under the same id: the \
                 optimizer starts over with it. A loop that calls the optimizer itself needs a new optimizer"
            );
            assert!(warnings().contains(&told));
            assert_eq!(learner.weight.dims(), [len]);
            // A parameter that has shrunk has lost its importance, and there is no other parameter.
            let warning = (len == 1).then_some(TaskWarning::NoImportance);
            assert_eq!(learner.end_task(), warning);
        }
    }
}

#[test]
fn each_optimizer_starts_over_with_a_parameter_of_another_shape() {
    check(&mut AdamConfig::new().init());
    check(&mut sgd());
    check(&mut SynapticAdamConfig::new().init());
    check(&mut SynapticSgdConfig::new().init());
    check(&mut SynapticOptimizer::from(AdamConfig::new().build()));
}

#[test]
fn optimizer_with_the_method_inside_starts_over_with_a_parameter_of_another_shape() {
    let config = SynapticIntelligenceConfig::new();
    let synaptic = Synaptic::new(AdamConfig::new().build(), &config, &TaskControl::new());
    let mut optimizer = ModuleOptimizer::from(synaptic.expect("it is valid"));
    let mut module = vector();
    for len in [2, 4, 1] {
        module = module.resized(len);
        warnings();
        let grads = module.loss().backward();
        let grads = burn::optim::GradientsParams::from_grads(grads, &module);
        module = optimizer.step(0.1, module, grads);
        assert_eq!(warnings().len(), usize::from(len != 2));
    }
}

#[test]
fn other_parameters_keep_their_optimizer_state() {
    #[derive(Module, Debug)]
    struct Two {
        one: Vector,
        other: Vector,
    }
    let run = |is_resized: bool| {
        let mut learner = wrapped(Two {
            one: vector(),
            other: vector(),
        });
        let mut optimizer = sgd();
        for step in 0..4 {
            if is_resized && step == 2 {
                learner.one = learner.one.clone().resized(3);
            }
            (learner, _) =
                learner.step(&mut optimizer, 0.1, |two| two.one.loss() + two.other.loss());
        }
        values(learner.other.weight.val())
    };
    assert_same(&run(true), &run(false));
}
