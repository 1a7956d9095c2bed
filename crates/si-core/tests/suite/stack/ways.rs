//! The ways of training a module with the method.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Tensor;
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligence,
    SynapticIntelligenceConfig, SynapticSgdConfig,
};

use crate::common::{Parts, values};

pub(crate) const TASKS: usize = 3;
pub(crate) const STEPS: usize = 6;
pub(crate) const LEARNING_RATE: f64 = 0.05;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Adam,
    SgdWithMomentum,
    SynapticAdam,
    SynapticSgdWithMomentum,
    /// The regularizer alone, with `penalize`.
    ClosedForm,
    /// The regularizer alone, with `penalty` in the loss.
    LossTerm,
    /// The method inside an optimizer.
    Inside,
}

impl Way {
    pub(crate) const ALL: [Self; 7] = [
        Self::Adam,
        Self::SgdWithMomentum,
        Self::SynapticAdam,
        Self::SynapticSgdWithMomentum,
        Self::ClosedForm,
        Self::LossTerm,
        Self::Inside,
    ];

    /// The whole state at the end of each task. `loss` is that of a task and step.
    pub(crate) fn train<M: Module>(
        self,
        module: M,
        config: &SynapticIntelligenceConfig,
        loss: impl Fn(&M, (usize, usize)) -> Tensor<1>,
    ) -> Vec<Parts> {
        let training = Training {
            module,
            config,
            loss,
        };
        match self {
            Self::Adam => training.learner(AdamConfig::new().init()),
            Self::SgdWithMomentum => training.learner(sgd_with_momentum()),
            Self::SynapticAdam => training.learner(SynapticAdamConfig::new().init()),
            Self::SynapticSgdWithMomentum => {
                let sgd = SynapticSgdConfig::new().with_momentum(Some(MomentumConfig::new()));
                training.learner(sgd.init())
            }
            Self::ClosedForm => training.regularizer(Form::Closed),
            Self::LossTerm => training.regularizer(Form::InLoss),
            Self::Inside => training.inside(),
        }
    }
}

pub(crate) fn sgd_with_momentum() -> ModuleOptimizer {
    SgdConfig::new()
        .with_momentum(Some(MomentumConfig::new()))
        .init()
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Closed,
    InLoss,
}

struct Training<'a, M, L> {
    module: M,
    config: &'a SynapticIntelligenceConfig,
    loss: L,
}

impl<M: Module, L: Fn(&M, (usize, usize)) -> Tensor<1>> Training<'_, M, L> {
    fn learner(self, mut optimizer: impl ContinualOptimizer) -> Vec<Parts> {
        let learner = ContinualLearner::new(self.module, self.config);
        let mut learner = learner.expect("the config is valid");
        let mut ends = Vec::new();
        for task in 0..TASKS {
            for step in 0..STEPS {
                let loss = |module: &M| (self.loss)(module, (task, step));
                (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, loss);
            }
            assert_eq!(learner.end_task(), None);
            ends.push(parts(&*learner, learner.regularizer()));
        }
        ends
    }

    fn regularizer(mut self, form: Form) -> Vec<Parts> {
        let mut regularizer = self.config.init().expect("the config is valid");
        let mut optimizer = AdamConfig::new().init();
        let mut ends = Vec::new();
        for task in 0..TASKS {
            for step in 0..STEPS {
                let mut loss = (self.loss)(&self.module, (task, step));
                if form == Form::InLoss {
                    loss = loss + regularizer.penalty(&self.module);
                }
                let mut grads = GradientsParams::from_grads(loss.backward(), &self.module);
                match form {
                    Form::Closed => grads = regularizer.penalize(&self.module, grads),
                    Form::InLoss => regularizer.observe_gradients(&self.module, &mut grads),
                }
                self.module = optimizer.step(LEARNING_RATE, self.module, grads);
                regularizer.observe(&self.module);
            }
            assert_eq!(regularizer.consolidate(&self.module), None);
            ends.push(parts(&self.module, &regularizer));
        }
        ends
    }

    fn inside(mut self) -> Vec<Parts> {
        let tasks = TaskControl::new();
        let adam = Synaptic::new(AdamConfig::new().build(), self.config, &tasks);
        let mut optimizer = ModuleOptimizer::from(adam.expect("the config is valid"));
        let mut ends = Vec::new();
        for task in 0..TASKS {
            for step in 0..STEPS {
                let loss = (self.loss)(&self.module, (task, step));
                let grads = GradientsParams::from_grads(loss.backward(), &self.module);
                self.module = optimizer.step(LEARNING_RATE, self.module, grads);
            }
            assert_eq!(tasks.end_task(), None);
            self.module = tasks.consolidate(&mut optimizer, self.module);
            let regularizer = tasks.regularizer(&optimizer, &self.module, self.config);
            ends.push(parts(
                &self.module,
                &regularizer.expect("the config is valid"),
            ));
        }
        ends
    }
}

/// The numbers of each parameter and of its synapses, by path.
pub(crate) fn parts<M: Module>(module: &M, regularizer: &SynapticIntelligence) -> Parts {
    struct Read<'a> {
        path: Vec<String>,
        regularizer: &'a SynapticIntelligence,
        parts: Parts,
    }
    impl ModuleVisitor for Read<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let path = self.path.join(".");
            let mut part = |name: &str, tensor: Option<Tensor<D>>| {
                let numbers = tensor.map(values).unwrap_or_default();
                self.parts.push((format!("{path}, {name}"), numbers));
            };
            part("value", Some(param.val().inner()));
            if let Some(synapse) = self.regularizer.synapse(param.id) {
                part("path integral", synapse.path_integral());
                part("importance", synapse.importance());
                part("anchor", Some(synapse.anchor()));
            }
        }
    }
    let mut read = Read {
        path: Vec::new(),
        regularizer,
        parts: Parts::new(),
    };
    module.visit(&mut read);
    read.parts
}

/// What of a stack's numbers is of one replica: they are one after the other.
pub(crate) fn of_replica(stack: &Parts, index: usize, num_replicas: usize) -> Parts {
    let of = |(name, numbers): &(String, Vec<f64>)| {
        let size = numbers.len() / num_replicas;
        (name.clone(), numbers[index * size..][..size].to_vec())
    };
    stack.iter().map(of).collect()
}
