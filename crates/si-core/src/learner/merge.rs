//! Learners that went on separately from a common start, as one learner.

use std::collections::BTreeMap;

use burn::Tensor;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::DType;

use super::ContinualLearner;
use crate::checkpoint::{setting_mismatches, settings};
use crate::ops::SynapticBackend;
use crate::precision::{convert, widen, working};
use crate::settings::{Accumulation, NegativeImportance, StatePrecision};
use crate::synapse::{Synapse, carry};
use crate::synapses::Synapses;
use crate::trained::{in_mode_of, plain_numbers, separated, settle_statistics};
use crate::traversal::{ParameterVisitor, Place, Walk, visit_parameters};
use crate::{Error, SynapticIntelligence, SynapticIntelligenceConfig};

/// Settings that do not change what importance means. The learners may differ in them.
const FREE_SETTINGS: [&str; 6] = [
    "strength",
    "strength_schedule",
    "replica_strengths",
    "importance_bound",
    "penalty_factor",
    "state_precision",
];

impl<M: Module> ContinualLearner<M> {
    /// Merges learners that began as copies of this one, and then learnt different tasks in different places.
    ///
    /// Each learner's surrogate loss is a parabola around its parameters θᵢ, with its importance Ωᵢ. The merged
    /// parameters θ are at the minimum of the sum over the N learners, and the merged importance Ω is that of the sum. The
    /// tasks before the learners parted are in each parabola. So the parabola of this learner, with θ₀ and Ω₀, is
    /// subtracted N − 1 times:
    ///
    /// > Ω = Ω₀ + Σᵢ (Ωᵢ − Ω₀)
    /// >
    /// > θ = θ₀ + Σᵢ Ωᵢ (θᵢ − θ₀) / (Ω + ε)
    ///
    /// The damping ε, > 0, in the unit of importance, keeps parameters without importance at θ₀. It should be small
    /// beside the importance of parameters that matter, such as 1e-6. The guide `docs/merging.md` derives the equations,
    /// and says when they are exact.
    ///
    /// ```
    /// # use burn::{module::Module, nn::{Linear, LinearConfig}, optim::SgdConfig};
    /// # use burn::tensor::{Device, Tensor};
    /// # use si_core::{ContinualLearner, SynapticIntelligenceConfig};
    /// # fn train(mut learner: ContinualLearner<Linear>, input: [f32; 2]) -> ContinualLearner<Linear> {
    /// #     let input = Tensor::<2>::from_floats([input], &Device::flex().autodiff());
    /// #     let loss = |model: &Linear| (model.forward(input) - 1.0).square().mean();
    /// #     (learner, _) = learner.step(&mut SgdConfig::new().init(), 0.1, loss);
    /// #     learner.end_task();
    /// #     learner
    /// # }
    /// # fn main() -> Result<(), si_core::Error> {
    /// # let module = LinearConfig::new(2, 1).init(&Device::flex().autodiff());
    /// let start = ContinualLearner::new(module, &SynapticIntelligenceConfig::new())?;
    /// // Each calls `end_task` after its last step.
    /// let first = train(start.clone(), [1.0, 0.0]);
    /// let second = train(start.clone(), [0.0, 1.0]);
    /// let merged = start.merge(&[first, second], 1e-6)?;
    /// assert_eq!(merged.regularizer().task(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The merged learner is between two tasks, and goes on learning like any other. It has this learner's settings,
    /// device, precision and mode. Its number of tasks is that of all learners together, with the tasks before they parted
    /// counted once. Parameters belong together by their paths.
    ///
    /// - Where the importance of a learner has not grown since the start, its weight is Ω₀ / N in place of Ωᵢ, and what
    ///   it has lost counts as zero in the divisor.
    /// - What no learner has importance for is the mean of the learners, each with the same weight: parameters that a
    ///   policy excludes, frozen layers, running statistics. If no learner has changed a number, it stays exactly as it is.
    /// - Integers, booleans and quantised numbers are those of this learner.
    ///
    /// A clone shares the running statistics of batch normalisation with its original. A copy by `start.valid().train()`
    /// has its own, and so has a learner that was loaded.
    ///
    /// # Errors
    ///
    /// [`Error::Damping`] if the damping is not a positive number. Otherwise [`Error::Merge`]:
    ///
    /// - There are no learners, or one has learnt no task since the start.
    /// - A learner, or this one, is within a task.
    /// - Importance is a moving average, or a learner has other settings than this one. Strength, its factors, the
    ///   penalty factor, the bound and the state precision may differ, but not the policies.
    /// - The modules have different paths or shapes, or a learner has no importance for a parameter that was important
    ///   at the start.
    /// - Parameters are not at their anchors, as when a learner's state was loaded without its parameters.
    ///
    /// It cannot be checked whether the learners really began at this one.
    pub fn merge(&self, learners: &[Self], damping: f64) -> Result<Self, Error> {
        if !(damping.is_finite() && damping > 0.0) {
            return Err(Error::Damping(damping));
        }
        if learners.is_empty() {
            return Err(refused("at least one is needed, got none"));
        }
        let regularizer = &self.regularizer;
        if let Accumulation::MovingAverage { .. } = regularizer.config.accumulation {
            return Err(refused(
                "their importance is a moving average, from which that of the common start cannot be \
                 subtracted; use `Accumulation::Sum`",
            ));
        }
        let start = Numbers::of(self, START)?;
        let mut ends = Vec::new();
        let mut task = regularizer.task;
        for (index, learner) in learners.iter().enumerate() {
            let name = format!("learner {index}");
            check_progress(regularizer, &learner.regularizer, &name)?;
            let end = Numbers::of(learner, &name)?;
            start.check_continued_by(&end, &name)?;
            ends.push(end);
            task += learner.regularizer.task - regularizer.task;
        }

        let mut merge = Merge {
            walk: Walk::new(&regularizer.policies),
            config: &regularizer.config,
            damping,
            start,
            ends,
            synapses: Synapses::default(),
        };
        let module = separated(&self.module).map(&mut merge);
        let mut merged = SynapticIntelligence::new(regularizer.config.clone())?;
        merged.synapses = merge.synapses;
        merged.num_repeated = regularizer.num_repeated;
        merged.enter_task(task);
        Ok(Self {
            module,
            regularizer: merged,
            checkpointing: self.checkpointing,
        })
    }
}

const START: &str = "the common start";

fn refused(reason: impl Into<String>) -> Error {
    Error::Merge(reason.into())
}

/// Checks that a learner has learnt further tasks since the start, and measured their importance in the same way.
fn check_progress(
    start: &SynapticIntelligence,
    learner: &SynapticIntelligence,
    name: &str,
) -> Result<(), Error> {
    let others = setting_mismatches(&settings(&start.config), &settings(&learner.config));
    let others = others
        .iter()
        .filter(|it| !FREE_SETTINGS.contains(&&*it.name));
    let others: Vec<String> = others
        .map(|it| {
            format!(
                "{} is {} there and {} in {START}",
                it.name, it.given, it.stored
            )
        })
        .collect();
    if !others.is_empty() {
        return Err(refused(format!(
            "{name} measures importance with other settings: {}",
            others.join("; ")
        )));
    }
    if learner.task <= start.task {
        return Err(refused(format!(
            "{name} must have learnt a task since {START}, which has {} tasks, but it has {}",
            start.task, learner.task
        )));
    }
    Ok(())
}

/// The parameters and buffers of a learner, by path.
struct Numbers(BTreeMap<String, Known>);

/// The numbers of a parameter or buffer and their importance, outside autodiff.
struct Known {
    numbers: FloatTensor<Dispatch>,
    importance: Option<FloatTensor<Dispatch>>,
}

impl Numbers {
    /// Those of a learner between two tasks.
    fn of<M: Module>(learner: &ContinualLearner<M>, name: &str) -> Result<Self, Error> {
        let regularizer = &learner.regularizer;
        let num_steps = regularizer.meter.steps_in_task;
        if num_steps > 0 {
            return Err(refused(format!(
                "{name} has taken {num_steps} steps since the end of its last task; call `end_task` first"
            )));
        }
        // A running statistic may have a pending update.
        settle_statistics(&learner.module);
        let mut gather = Gather {
            regularizer,
            found: BTreeMap::new(),
            moved: None,
        };
        visit_parameters(&learner.module, &regularizer.policies, &mut gather);
        match gather.moved {
            None => Ok(Self(gather.found)),
            Some(path) => Err(refused(format!(
                "{path} of {name} is not where it was at the end of its last task; load the parameters that belong \
                 to its state, and train it only by `optimize` or `step`"
            ))),
        }
    }

    /// Checks that a learner may have begun with these numbers.
    fn check_continued_by(&self, end: &Self, name: &str) -> Result<(), Error> {
        let shape_in = |Self(numbers): &Self, path: &str| match numbers.get(path) {
            Some(known) => format!("of shape {}", known.numbers.shape()),
            None => "not there".to_string(),
        };
        let is_important = |Self(numbers): &Self, path: &str| {
            let known = numbers.get(path);
            known.is_some_and(|known| known.importance.is_some())
        };
        for path in self.0.keys().chain(end.0.keys()) {
            let [before, after] = [self, end].map(|numbers| shape_in(numbers, path));
            if before != after {
                return Err(refused(format!(
                    "{path} is {before} in {START} and {after} in {name}; add and grow layers before the learners part"
                )));
            }
            if is_important(self, path) && !is_important(end, path) {
                return Err(refused(format!(
                    "{path} has importance in {START}, but none in {name}; it did not begin there, or its state is \
                     not loaded"
                )));
            }
        }
        Ok(())
    }
}

struct Gather<'a> {
    regularizer: &'a SynapticIntelligence,
    found: BTreeMap<String, Known>,
    /// Path of the first parameter that is not at its anchor.
    moved: Option<String>,
}

impl ParameterVisitor for Gather<'_> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let numbers = Dispatch::primitive(plain_numbers(param));
        let state_precision = self.regularizer.config.state_precision;
        let synapse = self.regularizer.synapses.get(param.id);
        let synapse = synapse.filter(|it| it.fits(&numbers.shape())).cloned();
        let importance = synapse.and_then(|mut synapse| {
            synapse.follow(&numbers, state_precision);
            if !is_at_anchor::<D>(&numbers, &synapse, state_precision) {
                self.moved.get_or_insert_with(|| place.path.to_string());
            }
            synapse.importance
        });
        let known = Known {
            numbers,
            importance,
        };
        self.found.insert(place.path.to_string(), known);
    }
}

/// Whether a parameter is where its last task ended, up to the rounding of the anchor.
fn is_at_anchor<const D: usize>(
    numbers: &FloatTensor<Dispatch>,
    synapse: &Synapse<Dispatch>,
    state_precision: StatePrecision,
) -> bool {
    let rounding = match state_precision {
        // Half the distance of two neighbours, of 8 significant bits.
        StatePrecision::Bf16 => 1.0 / 256.0,
        // A file may hold the state of a parameter of f64 in f32.
        StatePrecision::Full => f64::from(f32::EPSILON),
    };
    let numbers = widen::<Dispatch>(numbers.clone());
    let anchor = convert::<Dispatch>(synapse.anchor.clone(), numbers.dtype());
    let [numbers, anchor] = [numbers, anchor].map(Dispatch::tensor::<D>);
    anchor.all_close(numbers, Some(rounding), Some(f64::from(f32::MIN_POSITIVE)))
}

/// Gives the parameters of the start their merged numbers, and makes the synapses for these.
struct Merge<'a> {
    walk: Walk<'a>,
    config: &'a SynapticIntelligenceConfig,
    damping: f64,
    start: Numbers,
    ends: Vec<Numbers>,
    synapses: Synapses<Dispatch>,
}

impl ModuleMapper for Merge<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.walk.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.walk.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let place = self.walk.next_place(param.id);
        let dtype = param.val().dtype();
        // The second place of an id has no state, and an optimizer does not update it.
        let Some(Known {
            numbers,
            importance,
        }) = self.start.0.get(place.path)
        else {
            return param;
        };
        if matches!(dtype, DType::QFloat(_)) {
            return param;
        }
        let device = numbers.device();
        let here = |tensor: &FloatTensor<Dispatch>| -> Tensor<D> {
            let tensor = carry::<Dispatch>(tensor.clone(), &device);
            Dispatch::tensor(convert::<Dispatch>(tensor, working(dtype)))
        };
        let start = here(numbers);
        let ends: Vec<&Known> = self
            .ends
            .iter()
            .filter_map(|end| end.0.get(place.path))
            .collect();
        let displacements: Vec<Tensor<D>> = ends
            .iter()
            .map(|end| here(&end.numbers) - start.clone())
            .collect();
        let importance = importance.as_ref().map(here);
        let importances = ends.iter().map(|end| end.importance.as_ref().map(here));
        let weighted = weighted_mean(
            importance,
            importances.collect(),
            &displacements,
            self.damping,
        );
        let (displacement, importance) = match weighted {
            Some((displacement, importance)) => (displacement, Some(importance)),
            None => (sum(&start, displacements) / ends.len() as f64, None),
        };
        let numbers = (start + displacement).cast(dtype);

        if let Some(importance) = importance {
            let importance = match self.config.negative_importance {
                NegativeImportance::Keep => importance,
                NegativeImportance::ReluOnSum | NegativeImportance::ReluPerTask => {
                    importance.clamp_min(0.0)
                }
            };
            let hold = |tensor| self.config.state_precision.hold::<Dispatch>(tensor);
            let anchor = widen::<Dispatch>(Dispatch::primitive(numbers.clone()));
            let mut synapse = Synapse::new(place.path.to_string(), hold(anchor));
            synapse.importance = Some(hold(Dispatch::primitive(importance)));
            synapse.update_place(place);
            self.synapses.insert(param.id, synapse);
        }
        let numbers = in_mode_of(&param, numbers);
        param.map(|before| numbers.set_require_grad(before.is_require_grad()))
    }
}

/// The displacement of a parameter from the start that is at the minimum of the sum of all surrogate losses, and the
/// importance that it has then. `None` if there is no importance.
fn weighted_mean<const D: usize>(
    start: Option<Tensor<D>>,
    ends: Vec<Option<Tensor<D>>>,
    displacements: &[Tensor<D>],
    damping: f64,
) -> Option<(Tensor<D>, Tensor<D>)> {
    let like = start
        .iter()
        .chain(ends.iter().flatten())
        .next()?
        .zeros_like();
    let start = start.unwrap_or_else(|| like.clone());
    let gains = ends
        .into_iter()
        .map(|end| end.unwrap_or_else(|| like.clone()) - start.clone());
    let gains: Vec<Tensor<D>> = gains.collect();
    // With a loss of importance, a weight could be negative, or the sum of all.
    let lasting = start.clone().clamp_min(0.0);
    let positive = gains.iter().map(|gain| gain.clone().clamp_min(0.0));
    let positive: Vec<Tensor<D>> = positive.collect();
    // On parabolas, a parameter without a gain has not moved. If it has drifted, several drifts count as one, their mean.
    let share = lasting.clone() / displacements.len() as f64;
    let weighted = positive
        .iter()
        .zip(displacements)
        .map(|(gain, displacement)| {
            let has_gained = gain.clone().greater_elem(0.0);
            let held = share.clone().mask_where(has_gained, lasting.clone());
            (held + gain.clone()) * displacement.clone()
        });
    let displacement =
        sum(&like, weighted) / (sum(&like, positive.clone()) + lasting.clone() + damping);
    Some((displacement, sum(&like, gains) + start))
}

/// The sum of tensors of the shape, precision and device of `like`.
fn sum<const D: usize>(like: &Tensor<D>, terms: impl IntoIterator<Item = Tensor<D>>) -> Tensor<D> {
    let zeros = like.zeros_like();
    terms.into_iter().fold(zeros, |sum, term| sum + term)
}

#[cfg(test)]
mod tests;
