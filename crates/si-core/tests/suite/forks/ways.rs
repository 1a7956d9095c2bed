//! The ways of plugging a method into a training, as workers.

use std::collections::BTreeMap;

use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{
    AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig,
};
use burn::tensor::Tensor;
use si_core::importance::{self, FisherLabels};
use si_core::ops::SynapticBackend;
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    ContinualLearner, Importance, QuadraticPenalty, QuadraticPenaltyConfig, SynapticAdamConfig,
    SynapticIntelligence, SynapticIntelligenceConfig, SynapticOptimizer, SynapticSgdConfig,
};

use crate::common::values;
use crate::forks::data::{Example, device};
use crate::forks::network::Network;

const LEARNING_RATE: f64 = 0.02;

/// One of several trainings that must stay the same.
pub(crate) trait Worker: Send {
    fn network(&self) -> &Network;

    fn gradients(&self, share: &[Example]) -> GradientsParams {
        self.network().gradients(share)
    }

    /// Takes a step on the gradients of the joint batch.
    fn step(&mut self, grads: GradientsParams);

    /// The information that Elastic Weight Consolidation measures on a share of a task's data. Other methods
    /// measure nothing.
    fn measure(&self, _share: &[Example]) -> Importance {
        Importance::default()
    }

    fn end_task(&mut self, information: &Importance);

    /// Everything that must be the same, after a task's end.
    fn state(&self) -> State;

    /// A separate training that continues from here.
    fn fork(&self) -> Box<dyn Worker>;
}

pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) start: fn(Network) -> Box<dyn Worker>,
    /// Whether it uses one pass over memory, with several threads if a parameter is large.
    pub(crate) is_fused: bool,
}

pub(crate) const WAYS: &[Way] = &[
    way("learner, Adam", |network| {
        wrapped(network, AdamConfig::new().build().into())
    }),
    way("learner, SGD with momentum", |network| {
        let sgd = SgdConfig::new().with_momentum(Some(MomentumConfig::new()));
        wrapped(network, sgd.build().into())
    }),
    fused("learner, SynapticAdam", |network| {
        wrapped(network, SynapticAdamConfig::new().init())
    }),
    fused("learner, SynapticSgd with momentum", |network| {
        let sgd = SynapticSgdConfig::new().with_momentum(Some(MomentumConfig::new()));
        wrapped(network, sgd.init())
    }),
    way("regularizer alone, Adam", |network| {
        Box::new(Alone {
            network: Some(network),
            regularizer: config().init().expect("the config is valid"),
            optimizer: AdamConfig::new().init(),
        })
    }),
    way("inside Adam", |network| {
        let tasks = TaskControl::new();
        Box::new(Inside {
            network: Some(network),
            optimizer: synaptic(&tasks),
            tasks,
        })
    }),
    way("EWC, Adam", |network| {
        let config = QuadraticPenaltyConfig::ewc(50.0);
        Box::new(Elastic {
            network: Some(network),
            regularizer: config.init().expect("the config is valid"),
            optimizer: AdamConfig::new().init(),
        })
    }),
];

const fn way(name: &'static str, start: fn(Network) -> Box<dyn Worker>) -> Way {
    Way {
        name,
        start,
        is_fused: false,
    }
}

const fn fused(name: &'static str, start: fn(Network) -> Box<dyn Worker>) -> Way {
    Way {
        name,
        start,
        is_fused: true,
    }
}

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(2.0)
        .with_damping(0.01)
}

fn wrapped(network: Network, optimizer: SynapticOptimizer) -> Box<dyn Worker> {
    let learner = ContinualLearner::new(network, &config());
    Box::new(Wrapped {
        learner: Some(learner.expect("the config is valid")),
        optimizer,
    })
}

fn synaptic(tasks: &TaskControl) -> ModuleOptimizer {
    let adam = Synaptic::new(AdamConfig::new().build(), &config(), tasks);
    adam.expect("the config is valid").into()
}

const IN_PLACE: &str = "no step is in progress";

struct Wrapped {
    /// `None` while a step is taken.
    learner: Option<ContinualLearner<Network>>,
    optimizer: SynapticOptimizer,
}

impl Wrapped {
    fn learner(&self) -> &ContinualLearner<Network> {
        self.learner.as_ref().expect(IN_PLACE)
    }
}

impl Worker for Wrapped {
    fn network(&self) -> &Network {
        self.learner()
    }

    fn step(&mut self, grads: GradientsParams) {
        let learner = self.learner.take().expect(IN_PLACE);
        self.learner = Some(learner.optimize(&mut self.optimizer, LEARNING_RATE, grads));
    }

    fn end_task(&mut self, _information: &Importance) {
        let warning = self.learner.as_mut().expect(IN_PLACE).end_task();
        assert_eq!(warning, None);
    }

    fn state(&self) -> State {
        State::of_synapses(self.network(), self.learner().regularizer())
    }

    fn fork(&self) -> Box<dyn Worker> {
        Box::new(Self {
            learner: self.learner.clone().map(|learner| learner.fork(&device())),
            optimizer: self.optimizer.clone(),
        })
    }
}

struct Alone {
    network: Option<Network>,
    regularizer: SynapticIntelligence,
    optimizer: ModuleOptimizer,
}

impl Worker for Alone {
    fn network(&self) -> &Network {
        self.network.as_ref().expect(IN_PLACE)
    }

    fn step(&mut self, grads: GradientsParams) {
        let network = self.network.take().expect(IN_PLACE);
        let grads = self.regularizer.penalize(&network, grads);
        let network = self.optimizer.step(LEARNING_RATE, network, grads);
        self.regularizer.observe(&network);
        self.network = Some(network);
    }

    fn end_task(&mut self, _information: &Importance) {
        let network = self.network.as_ref().expect(IN_PLACE);
        assert_eq!(self.regularizer.consolidate(network), None);
    }

    fn state(&self) -> State {
        State::of_synapses(self.network(), &self.regularizer)
    }

    fn fork(&self) -> Box<dyn Worker> {
        Box::new(Self {
            network: self.network.clone().map(|network| network.fork(&device())),
            regularizer: self.regularizer.clone(),
            optimizer: self.optimizer.clone(),
        })
    }
}

struct Inside {
    network: Option<Network>,
    optimizer: ModuleOptimizer,
    tasks: TaskControl,
}

impl Worker for Inside {
    fn network(&self) -> &Network {
        self.network.as_ref().expect(IN_PLACE)
    }

    fn step(&mut self, grads: GradientsParams) {
        let network = self.network.take().expect(IN_PLACE);
        self.network = Some(self.optimizer.step(LEARNING_RATE, network, grads));
    }

    fn end_task(&mut self, _information: &Importance) {
        assert_eq!(self.tasks.end_task(), None);
    }

    /// Consolidates a copy, because consolidation is due only in the next step.
    fn state(&self) -> State {
        let mut optimizer = self.optimizer.clone();
        let network = (self.tasks).consolidate(&mut optimizer, self.network().clone());
        let regularizer = self.tasks.regularizer(&optimizer, &network, &config());
        State::of_synapses(&network, &regularizer.expect("the config is valid"))
    }

    /// A clone of the optimizer would share its tasks, so the state is passed through a record.
    fn fork(&self) -> Box<dyn Worker> {
        let tasks = TaskControl::new();
        let bytes = self.optimizer.into_bytes().expect("it can be written");
        let optimizer = synaptic(&tasks).from_bytes(bytes).expect("it can be read");
        // Before the first step there is nothing to resume.
        assert_eq!(tasks.resume(&optimizer).unwrap_or(0), self.tasks.task());
        Box::new(Self {
            network: self.network.clone().map(|network| network.fork(&device())),
            optimizer,
            tasks,
        })
    }
}

struct Elastic {
    network: Option<Network>,
    regularizer: QuadraticPenalty,
    optimizer: ModuleOptimizer,
}

impl Worker for Elastic {
    fn network(&self) -> &Network {
        self.network.as_ref().expect(IN_PLACE)
    }

    fn step(&mut self, grads: GradientsParams) {
        let network = self.network.take().expect(IN_PLACE);
        let grads = self.regularizer.penalize(&network, grads);
        self.network = Some(self.optimizer.step(LEARNING_RATE, network, grads));
    }

    fn measure(&self, share: &[Example]) -> Importance {
        let log_likelihood = |network: &Network, example: &Example| network.log_likelihood(example);
        let (network, share) = (self.network(), share.to_vec());
        let fisher = importance::fisher(network, share, log_likelihood, FisherLabels::Exact);
        fisher.expect("it gives probabilities")
    }

    fn end_task(&mut self, information: &Importance) {
        let network = self.network.as_ref().expect(IN_PLACE);
        assert_eq!(self.regularizer.consolidate(network, information), None);
    }

    fn state(&self) -> State {
        State::of(self.network(), |id| {
            let pull = self.regularizer.pull(id)?;
            Some([
                None,
                Some(pull.precision_primitive().clone()),
                Some(pull.anchor_primitive().clone()),
            ])
        })
    }

    fn fork(&self) -> Box<dyn Worker> {
        Box::new(Self {
            network: self.network.clone().map(|network| network.fork(&device())),
            regularizer: self.regularizer.clone(),
            optimizer: self.optimizer.clone(),
        })
    }
}

/// Everything that must be the same, by parameter path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State(pub(crate) BTreeMap<String, ParameterState>);

#[derive(Clone, Debug)]
pub(crate) struct ParameterState {
    pub(crate) value: Vec<f64>,
    pub(crate) path_integral: Option<Vec<f64>>,
    /// For EWC, the precision.
    pub(crate) importance: Option<Vec<f64>>,
    pub(crate) anchor: Option<Vec<f64>>,
}

impl ParameterState {
    fn parts(&self) -> [Option<&Vec<f64>>; 4] {
        let [path_integral, importance, anchor] =
            [&self.path_integral, &self.importance, &self.anchor].map(Option::as_ref);
        [Some(&self.value), path_integral, importance, anchor]
    }
}

/// Compares bit for bit, which distinguishes −0 from 0.
impl PartialEq for ParameterState {
    fn eq(&self, other: &Self) -> bool {
        let bits = |state: &Self| {
            let bits = |part: &Vec<f64>| part.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
            state.parts().map(|part| part.map(bits))
        };
        bits(self) == bits(other)
    }
}

/// ω, Ω and θ̃.
type Held = [Option<FloatTensor<Dispatch>>; 3];

impl State {
    fn of_synapses(network: &Network, regularizer: &SynapticIntelligence) -> Self {
        Self::of(network, |id| {
            let synapse = regularizer.synapse(id)?;
            let anchor = Some(synapse.anchor_primitive());
            let held = [
                synapse.path_integral_primitive(),
                synapse.importance_primitive(),
                anchor,
            ];
            Some(held.map(|it| it.cloned()))
        })
    }

    fn of(network: &Network, held: impl Fn(ParamId) -> Option<Held>) -> Self {
        struct Read<F> {
            path: Vec<String>,
            held: F,
            state: BTreeMap<String, ParameterState>,
        }
        impl<F: Fn(ParamId) -> Option<Held>> ModuleVisitor for Read<F> {
            fn enter_module(&mut self, name: &str, _container_type: &str) {
                self.path.push(name.to_string());
            }

            fn exit_module(&mut self, _name: &str, _container_type: &str) {
                self.path.pop();
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let held = (self.held)(param.id).unwrap_or_default();
                let [path_integral, importance, anchor] =
                    held.map(|it| it.map(|it| values(Dispatch::tensor::<D>(it))));
                let state = ParameterState {
                    value: values(param.val().inner()),
                    path_integral,
                    importance,
                    anchor,
                };
                self.state.insert(self.path.join("."), state);
            }
        }
        let mut read = Read {
            path: Vec::new(),
            held,
            state: BTreeMap::new(),
        };
        network.visit(&mut read);
        Self(read.state)
    }

    /// Panics unless each number is as expected, within `tolerance` times the tensor's largest number.
    pub(crate) fn assert_near(&self, expected: &Self, tolerance: f64, what: &str) {
        assert!(self.0.keys().eq(expected.0.keys()), "{what}");
        for (path, expected) in &expected.0 {
            let parts = self.0[path].parts().into_iter().zip(expected.parts());
            for (actual, expected) in parts {
                let (Some(actual), Some(expected)) = (actual, expected) else {
                    assert_eq!(actual, expected, "{what}: {path}");
                    continue;
                };
                assert_eq!(actual.len(), expected.len(), "{what}: {path}");
                let largest = expected.iter().fold(0.0, |max: f64, it| max.max(it.abs()));
                for (actual, expected) in actual.iter().zip(expected) {
                    assert!(
                        (actual - expected).abs() <= tolerance * largest,
                        "{what}: {path}: {actual} is not {expected}, the largest being {largest}"
                    );
                }
            }
        }
    }
}
