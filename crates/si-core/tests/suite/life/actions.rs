use core::fmt;

use burn::tensor::DType;
use proptest::prelude::*;

use crate::life::modules::{Kind, NUM_HEADS};

/// How a learner is built, and the actions on it.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) seed: u64,
    pub(crate) body: Vec<Kind>,
    pub(crate) way: Way,
    pub(crate) settings: Settings,
    pub(crate) actions: Vec<Action>,
}

/// How the method is plugged in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// `ContinualLearner` with one of Burn's optimizers.
    Learner,
    /// `ContinualLearner` with an optimizer that does everything in one pass.
    LearnerInOnePass,
    /// `SynapticIntelligence`, with calls around a bare optimizer.
    Alone,
    /// `Synaptic` inside Burn's optimizer, with `TaskControl`.
    Adaptor,
    /// `QuadraticPenalty`.
    Elastic,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Optimizer {
    Sgd,
    Momentum,
    /// The plain model does not compute Adam's update, only what the method does with Adam's steps.
    Adam,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) optimizer: Optimizer,
    /// The module is on a device with gradient checkpointing.
    pub(crate) has_checkpointing: bool,
    /// Keeps negative importance instead of clamping the sum.
    pub(crate) keeps_negatives: bool,
    /// A moving average. For Elastic Weight Consolidation, the online form.
    pub(crate) decays: bool,
    pub(crate) starts_from_zero: bool,
    /// A policy leaves biases out. The adaptor has no policies.
    pub(crate) excludes_biases: bool,
}

/// A layer of the body, or a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    Body(usize),
    Head(usize),
}

/// The form in which a training is stored and loaded into a fresh learner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Record,
    Bytes,
    File,
    Checkpoint,
}

/// One action of a user. Actions that make no sense at their point are skipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// A step in training mode on `minibatches` minibatches, through one of the heads.
    Step {
        head: usize,
        minibatches: usize,
    },
    /// The gradients of a step are discarded, before or after the penalty is added.
    Skip {
        penalized: bool,
    },
    Valid,
    Train,
    Clone,
    Fork,
    ToDevice,
    Reload(Form),
    /// Stores a checkpoint, to which [`GoBack`](Self::GoBack) returns.
    Keep,
    GoBack,
    /// Writes the state to SafeTensors and reads it back.
    Exchange,
    Freeze(Part),
    Unfreeze(Part),
    /// Replaces a head by a fresh one.
    Replace {
        head: usize,
        outputs: usize,
    },
    Grow {
        head: usize,
        by: usize,
    },
    /// Replaces a head by a clone of another.
    Tie {
        from: usize,
        to: usize,
    },
    Cast(Part, DType),
    Rebind,
    EndTask,
    EndEpoch,
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} (seed {})", self.way, self.seed)?;
        writeln!(f, "{:?}", self.settings)?;
        writeln!(f, "{:?} and {NUM_HEADS} heads", self.body)?;
        for action in &self.actions {
            writeln!(f, "  {action:?}")?;
        }
        Ok(())
    }
}

pub(crate) fn a_life() -> impl Strategy<Value = Life> {
    let parts = (
        0..1000_u64,
        proptest::collection::vec(a_kind(), 1..4),
        a_way(),
        some_settings(),
        proptest::collection::vec(an_action(), 1..40),
    );
    parts.prop_map(|(seed, body, way, settings, actions)| Life {
        seed,
        body,
        way,
        settings,
        actions,
    })
}

fn a_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Linear),
        Just(Kind::LayerNorm),
        Just(Kind::BatchNorm),
        Just(Kind::Conv),
        Just(Kind::Embedding),
        Just(Kind::Gru),
        Just(Kind::Attention),
        Just(Kind::Adapted),
    ]
}

fn a_way() -> impl Strategy<Value = Way> {
    prop_oneof![
        Just(Way::Learner),
        Just(Way::LearnerInOnePass),
        Just(Way::Alone),
        Just(Way::Adaptor),
        Just(Way::Elastic),
    ]
}

fn some_settings() -> impl Strategy<Value = Settings> {
    let optimizer = prop_oneof![
        Just(Optimizer::Sgd),
        Just(Optimizer::Momentum),
        Just(Optimizer::Adam),
    ];
    let rarely = || proptest::bool::weighted(0.25);
    let drawn = (optimizer, rarely(), rarely(), rarely(), rarely(), rarely());
    drawn.prop_map(
        |(
            optimizer,
            has_checkpointing,
            keeps_negatives,
            decays,
            starts_from_zero,
            excludes_biases,
        )| Settings {
            optimizer,
            has_checkpointing,
            keeps_negatives,
            decays,
            starts_from_zero,
            excludes_biases,
        },
    )
}

fn a_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (0..3_usize).prop_map(Part::Body),
        (0..NUM_HEADS).prop_map(Part::Head),
    ]
}

fn an_action() -> impl Strategy<Value = Action> {
    let head = || 0..NUM_HEADS;
    let form = prop_oneof![
        Just(Form::Record),
        Just(Form::Bytes),
        Just(Form::File),
        Just(Form::Checkpoint),
    ];
    let precision = prop_oneof![Just(DType::BF16), Just(DType::F16), Just(DType::F32)];
    prop_oneof![
        12 => (head(), 1..3_usize)
            .prop_map(|(head, minibatches)| Action::Step { head, minibatches }),
        4 => Just(Action::EndTask),
        1 => Just(Action::EndEpoch),
        1 => any::<bool>().prop_map(|penalized| Action::Skip { penalized }),
        3 => Just(Action::Valid),
        1 => Just(Action::Train),
        1 => Just(Action::Clone),
        1 => Just(Action::Fork),
        1 => Just(Action::ToDevice),
        3 => form.prop_map(Action::Reload),
        2 => Just(Action::Keep),
        3 => Just(Action::GoBack),
        1 => Just(Action::Exchange),
        1 => a_part().prop_map(Action::Freeze),
        2 => a_part().prop_map(Action::Unfreeze),
        1 => (head(), 1..4_usize).prop_map(|(head, outputs)| Action::Replace { head, outputs }),
        1 => (head(), 0..3_usize).prop_map(|(head, by)| Action::Grow { head, by }),
        1 => (head(), head()).prop_map(|(from, to)| Action::Tie { from, to }),
        1 => (a_part(), precision).prop_map(|(part, precision)| Action::Cast(part, precision)),
        1 => Just(Action::Rebind),
    ]
}
