//! All of Burn's optimizers in 0.22.1, and ours.
//!
//! `LBFGS` is not among them. It is not an `Optimizer` for one parameter, but moves the whole module at once. It
//! does so several times in a step, and each time a closure computes the loss again. So the loop never gets the
//! gradients of a step, which the path integral needs.

use burn::grad_clipping::{GradientClipping, GradientClippingConfig};
use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdaGradConfig, AdafactorConfig, AdamConfig, AdamWConfig, AdanConfig, LambConfig, LionConfig,
    ModuleOptimizer, MuonConfig, Optimizer, RmsPropConfig, SgdConfig,
};
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    SynapticAdamConfig, SynapticAdamWConfig, SynapticIntelligenceConfig, SynapticOptimizer,
    SynapticSgdConfig,
};

use crate::conformance::setup::Setup;

/// One optimizer.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The optimizer for a whole module. The argument plugs in each optimizer for one parameter.
    build: fn(&Plug<'_>) -> Plugged,
}

/// The same optimizer in Burn's optimizer for a module and in ours, which also updates the synapses.
struct Plugged {
    burns: ModuleOptimizer,
    ours: SynapticOptimizer,
}

/// How to plug an optimizer for one parameter into one for a module.
pub(crate) struct Plug<'a> {
    clipping: Option<GradientClippingConfig>,
    /// `None` leaves the optimizer as it is.
    synaptic: Option<(&'a SynapticIntelligenceConfig, &'a TaskControl)>,
}

impl Plug<'_> {
    fn all(&self, optimizer: impl Optimizer) -> Plugged {
        let ours = SynapticOptimizer::from(optimizer.clone());
        let burns = match self.synaptic {
            None => ModuleOptimizer::from(optimizer),
            Some((config, tasks)) => synaptic(optimizer, config, tasks).into(),
        };
        match self.clipping() {
            None => Plugged { burns, ours },
            Some(clipping) => Plugged {
                burns: burns.with_grad_clipping(clipping.clone()),
                ours: ours.with_grad_clipping(clipping),
            },
        }
    }

    fn group(&self, all: Plugged, group: ParamGroup, optimizer: impl Optimizer) -> Plugged {
        let Plugged { burns, ours } = all;
        let ours = ours.with_group(group.clone(), optimizer.clone(), self.clipping());
        let burns = match self.synaptic {
            None => burns.with_group(group, optimizer, self.clipping()),
            Some((config, tasks)) => {
                burns.with_group(group, synaptic(optimizer, config, tasks), self.clipping())
            }
        };
        Plugged { burns, ours }
    }

    fn clipping(&self) -> Option<GradientClipping> {
        self.clipping.as_ref().map(GradientClippingConfig::init)
    }
}

fn synaptic<O: Optimizer>(
    optimizer: O,
    config: &SynapticIntelligenceConfig,
    tasks: &TaskControl,
) -> Synaptic<O> {
    Synaptic::new(optimizer, config, tasks).expect("the config is valid")
}

impl Row {
    fn new(name: &'static str, build: fn(&Plug<'_>) -> Plugged) -> Self {
        Self { name, build }
    }

    /// Burn's own optimizer.
    pub(crate) fn bare(&self, setup: &Setup) -> ModuleOptimizer {
        self.plugged(setup, None).burns
    }

    /// The optimizer in an adaptor.
    pub(crate) fn synaptic(&self, setup: &Setup, tasks: &TaskControl) -> ModuleOptimizer {
        self.plugged(setup, Some((&setup.config, tasks))).burns
    }

    /// The optimizer for a learner.
    pub(crate) fn continual(&self, setup: &Setup) -> SynapticOptimizer {
        self.plugged(setup, None).ours
    }

    fn plugged(
        &self,
        setup: &Setup,
        synaptic: Option<(&SynapticIntelligenceConfig, &TaskControl)>,
    ) -> Plugged {
        let plug = Plug {
            clipping: setup.clipping.clone(),
            synaptic,
        };
        let optimizer = (self.build)(&plug);
        if setup.has_groups {
            let sgd = SgdConfig::new().with_momentum(Some(MomentumConfig::new()));
            let body = ParamGroup::from_predicate("body");
            plug.group(optimizer, body, sgd.build())
        } else {
            optimizer
        }
    }
}

fn nesterov() -> MomentumConfig {
    MomentumConfig::new()
        .with_momentum(0.7)
        .with_dampening(0.0)
        .with_nesterov(true)
}

fn decay() -> Option<WeightDecayConfig> {
    Some(WeightDecayConfig::new(0.01))
}

pub(crate) fn all() -> Vec<Row> {
    vec![
        Row::new("AdaGrad", |plug| plug.all(AdaGradConfig::new().build())),
        Row::new("Adafactor", |plug| plug.all(AdafactorConfig::new().build())),
        Row::new("Adam", |plug| plug.all(AdamConfig::new().build())),
        Row::new("Adam with AMSGrad and decay", |plug| {
            let adam = AdamConfig::new().with_amsgrad(true);
            plug.all(adam.with_weight_decay(decay()).build())
        }),
        Row::new("AdamW", |plug| plug.all(AdamWConfig::new().build())),
        Row::new("Adan", |plug| plug.all(AdanConfig::new().build())),
        Row::new("Lamb", |plug| plug.all(LambConfig::new().build())),
        Row::new("Lion", |plug| plug.all(LionConfig::new().build())),
        // It does not support biases.
        Row::new("Muon beside AdamW", |plug| {
            let all = plug.all(AdamWConfig::new().build());
            let weights = ParamGroup::from_predicate("weight");
            plug.group(all, weights, MuonConfig::new().build())
        }),
        Row::new("RmsProp", |plug| plug.all(RmsPropConfig::new().build())),
        Row::new("centred RmsProp", |plug| {
            plug.all(RmsPropConfig::new().with_centered(true).build())
        }),
        Row::new("SGD", |plug| plug.all(SgdConfig::new().build())),
        Row::new("SGD with momentum", |plug| {
            let sgd = SgdConfig::new().with_momentum(Some(MomentumConfig::new()));
            plug.all(sgd.build())
        }),
        Row::new("SGD with Nesterov's momentum and decay", |plug| {
            let sgd = SgdConfig::new().with_momentum(Some(nesterov()));
            plug.all(sgd.with_weight_decay(decay()).build())
        }),
        Row::new("SynapticAdam", |plug| {
            plug.all(SynapticAdamConfig::new().build())
        }),
        Row::new("SynapticAdamW", |plug| {
            plug.all(SynapticAdamWConfig::new().build())
        }),
        Row::new("SynapticSgd", |plug| {
            let sgd = SynapticSgdConfig::new().with_momentum(Some(MomentumConfig::new()));
            plug.all(sgd.build())
        }),
    ]
}
