//! All of Burn's optimizers in 0.22.1, and ours.
//!
//! `LBFGS` is not among them. It is not an `Optimizer` for one parameter, but moves the whole module at once. It
//! does so several times in a step, and each time a closure computes the loss again. So the loop never gets the
//! gradients of a step, which the path integral needs.

use burn::grad_clipping::GradientClippingConfig;
use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdaGradConfig, AdafactorConfig, AdamConfig, AdamWConfig, AdanConfig, LambConfig, LionConfig,
    ModuleOptimizer, MuonConfig, Optimizer, RmsPropConfig, SgdConfig,
};
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    SynapticAdamConfig, SynapticIntelligenceConfig, SynapticOptimizer, SynapticSgdConfig,
};

use crate::conformance::setup::Setup;

/// One optimizer.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The optimizer for a whole module. The argument plugs in each optimizer for one parameter.
    build: fn(&Plug<'_>) -> ModuleOptimizer,
    /// The same in one pass with the method: for a learner.
    fused: Option<fn(Option<GradientClippingConfig>) -> SynapticOptimizer>,
}

/// How to plug an optimizer for one parameter into one for a module.
pub(crate) struct Plug<'a> {
    clipping: Option<GradientClippingConfig>,
    /// `None` leaves the optimizer as it is.
    synaptic: Option<(&'a SynapticIntelligenceConfig, &'a TaskControl)>,
}

impl Plug<'_> {
    fn all(&self, optimizer: impl Optimizer) -> ModuleOptimizer {
        let optimizer = match self.synaptic {
            None => optimizer.into(),
            Some((config, tasks)) => synaptic(optimizer, config, tasks).into(),
        };
        match &self.clipping {
            Some(clipping) => ModuleOptimizer::with_grad_clipping(optimizer, clipping.init()),
            None => optimizer,
        }
    }

    fn group(
        &self,
        all: ModuleOptimizer,
        group: ParamGroup,
        optimizer: impl Optimizer,
    ) -> ModuleOptimizer {
        let clipping = self.clipping.as_ref().map(GradientClippingConfig::init);
        match self.synaptic {
            None => all.with_group(group, optimizer, clipping),
            Some((config, tasks)) => {
                all.with_group(group, synaptic(optimizer, config, tasks), clipping)
            }
        }
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
    fn new(name: &'static str, build: fn(&Plug<'_>) -> ModuleOptimizer) -> Self {
        Self {
            name,
            build,
            fused: None,
        }
    }

    /// Burn's own optimizer.
    pub(crate) fn bare(&self, setup: &Setup) -> ModuleOptimizer {
        self.plugged(setup, None)
    }

    /// The optimizer in an adaptor.
    pub(crate) fn synaptic(&self, setup: &Setup, tasks: &TaskControl) -> ModuleOptimizer {
        self.plugged(setup, Some((&setup.config, tasks)))
    }

    /// The optimizer for a learner. With groups, the method has separate passes.
    pub(crate) fn continual(&self, setup: &Setup) -> SynapticOptimizer {
        match self.fused.filter(|_| !setup.has_groups) {
            Some(fused) => fused(setup.clipping.clone()),
            None => self.bare(setup).into(),
        }
    }

    fn plugged(
        &self,
        setup: &Setup,
        synaptic: Option<(&SynapticIntelligenceConfig, &TaskControl)>,
    ) -> ModuleOptimizer {
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

fn synaptic_sgd() -> SynapticSgdConfig {
    SynapticSgdConfig::new().with_momentum(Some(MomentumConfig::new()))
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
        Row {
            fused: Some(|clipping| {
                SynapticAdamConfig::new()
                    .with_grad_clipping(clipping)
                    .init()
            }),
            ..Row::new("SynapticAdam", |plug| {
                plug.all(SynapticAdamConfig::new().build())
            })
        },
        Row {
            fused: Some(|clipping| synaptic_sgd().with_grad_clipping(clipping).init()),
            ..Row::new("SynapticSgd", |plug| plug.all(synaptic_sgd().build()))
        },
    ]
}
