//! What is compared.

use burn::lr_scheduler::constant::ConstantLr;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Lora, Module, ParamGroup};
use burn::nn::transformer::TransformerEncoder;

pub(crate) const RANK: usize = 8;
pub(crate) const ALPHA: f64 = 16.0;
/// Of heads and adapters.
pub(crate) const LEARNING_RATE: f64 = 1e-3;
/// Of pretrained weights.
pub(crate) const FULL_LEARNING_RATE: f64 = 1e-4;

/// What is trained beside the heads.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Trained {
    Nothing,
    /// Low-rank adapters of each upper layer's weights of queries and values.
    Adapters,
    /// All weights of the upper layers.
    Layers,
}

/// What keeps the earlier tasks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keeper {
    Nothing,
    SynapticIntelligence,
    OnlineEwc,
    Replay,
}

pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) trained: Trained,
    pub(crate) keeper: Keeper,
    /// The strengths that are tried. One, if there is nothing to choose.
    pub(crate) strengths: &'static [f64],
}

pub(crate) const METHODS: [Method; 7] = [
    method("heads alone", Trained::Nothing, Keeper::Nothing, &[0.0]),
    method("LoRA", Trained::Adapters, Keeper::Nothing, &[0.0]),
    method(
        "LoRA + SI",
        Trained::Adapters,
        Keeper::SynapticIntelligence,
        &[1.0, 10.0, 100.0],
    ),
    method(
        "LoRA + online EWC",
        Trained::Adapters,
        Keeper::OnlineEwc,
        &[100.0, 1000.0, 10000.0],
    ),
    method("LoRA + replay", Trained::Adapters, Keeper::Replay, &[0.0]),
    method("all weights", Trained::Layers, Keeper::Nothing, &[0.0]),
    method(
        "all weights + SI",
        Trained::Layers,
        Keeper::SynapticIntelligence,
        &[10.0, 100.0, 1000.0],
    ),
];

const fn method(
    name: &'static str,
    trained: Trained,
    keeper: Keeper,
    strengths: &'static [f64],
) -> Method {
    Method {
        name,
        trained,
        keeper,
        strengths,
    }
}

impl Trained {
    /// Freezes all but what is trained.
    pub(crate) fn prepare(self, layers: TransformerEncoder) -> TransformerEncoder {
        match self {
            Self::Nothing => layers.freeze(),
            Self::Adapters => {
                let adapted = ParamGroup::from_any_predicates(vec!["query.weight", "value.weight"]);
                layers.apply_lora(Lora::new(RANK, ALPHA).set_param_group(adapted))
            }
            Self::Layers => layers,
        }
    }

    pub(crate) fn learning_rate(self) -> ModuleLearningRate {
        let rates = ModuleLrScheduler::new(ConstantLr::from(LEARNING_RATE));
        let weights = ParamGroup::from_predicate("layers");
        let mut rates = match self {
            Self::Layers => rates.with_group(weights, ConstantLr::from(FULL_LEARNING_RATE)),
            Self::Nothing | Self::Adapters => rates,
        };
        rates.step()
    }
}
