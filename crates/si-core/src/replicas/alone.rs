//! One replica of a stack's training, to continue alone.

use burn::Tensor;
use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Shape, Slice};

use super::optimizer::optimizer_alone;
use super::parameters::no_replica;
use crate::ops::SynapticBackend;
use crate::policy::{ParameterSettings, Policies};
use crate::synapse::Synapse;
use crate::synapses::Synapses;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};
use crate::{ContinualLearner, ContinualOptimizer, Error, SynapticIntelligenceConfig};

impl<M: Module> ContinualLearner<M> {
    /// Replica `index` of this stack as a learner alone, with its optimizer. Both continue where the stack is.
    ///
    /// `module` is the replica as a single module, made from the stack by
    /// [`StackedLinear::replica`](crate::replicas::StackedLinear::replica) and [`replica`](crate::replicas::replica()).
    /// `optimizer` is the stack's, and `new` one for the replica, built in the same way. The strength is that of the
    /// replica. The means for [`end_epoch`](Self::end_epoch) start over.
    ///
    /// # Errors
    ///
    /// [`Error::Replicas`] if the stack has no replica of that index, if the module does not have the same paths as the
    /// stack, each with a replica's part of the numbers and the same policies, or if the optimizer's state of a parameter cannot be divided, as
    /// that of Adafactor. Errors of [`new`](Self::new) too.
    pub fn replica_alone<N: Module, O: ContinualOptimizer>(
        &self,
        index: usize,
        module: N,
        optimizer: &impl ContinualOptimizer,
        new: O,
    ) -> Result<(ContinualLearner<N>, O), Error> {
        let stack = &self.regularizer;
        let config = config_of_replica(stack.config(), index)?;
        let mut learner = ContinualLearner::new(module, &config)?;
        let stack_module = found(&self.module, &stack.policies);
        let alone = found(&learner.module, &stack.policies);
        let parts = parts(stack_module, alone, index)?;

        let mut synapses = Synapses::default();
        for part in &parts {
            if let Some(synapse) = stack.synapses.get(part.in_stack) {
                synapses.insert(part.alone, part.of_synapse(synapse));
            }
        }
        let regularizer = &mut learner.regularizer;
        regularizer.synapses = synapses;
        regularizer.enter_task(stack.task());
        regularizer.meter.steps_in_task = stack.meter.steps_in_task;
        regularizer.meter.penalized_in_task = stack.meter.penalized_in_task;
        let optimizer = optimizer_alone(optimizer, &parts, new).map_err(Error::Replicas)?;
        Ok((learner, optimizer))
    }
}

/// The settings of a stack, for one of its replicas.
fn config_of_replica(
    stack: &SynapticIntelligenceConfig,
    index: usize,
) -> Result<SynapticIntelligenceConfig, Error> {
    let factors = &stack.replica_strengths;
    if factors.is_empty() {
        return Ok(stack.clone());
    }
    let Some(factor) = factors.get(index) else {
        return Err(no_replica(index, factors.len()));
    };
    // A schedule multiplies every strength, including those of policies.
    let schedule = match &stack.strength_schedule[..] {
        [] => vec![*factor],
        schedule => schedule.iter().map(|it| it * factor).collect(),
    };
    Ok(stack
        .clone()
        .with_strength_schedule(schedule)
        .with_replica_strengths(Vec::new()))
}

/// A parameter of a replica alone, and where its numbers are in the stack: the block `index` of `num_replicas`.
pub(super) struct Part {
    pub(super) alone: ParamId,
    pub(super) in_stack: ParamId,
    /// Of the parameter alone.
    pub(super) shape: Shape,
    pub(super) stack_shape: Shape,
    pub(super) index: usize,
    pub(super) num_replicas: usize,
}

impl Part {
    fn of_synapse(&self, stack: &Synapse<Dispatch>) -> Synapse<Dispatch> {
        let of = |tensor: &FloatTensor<Dispatch>| self.of_tensor::<Dispatch>(tensor.clone());
        Synapse {
            order: stack.order,
            path_integral: stack.path_integral.as_ref().map(of),
            importance: stack.importance.as_ref().map(of),
            ..Synapse::new(stack.path().to_string(), of(&stack.anchor))
        }
    }

    fn of_tensor<B: SynapticBackend>(&self, stack: FloatTensor<B>) -> FloatTensor<B> {
        let size = self.shape.num_elements();
        let blocks = B::float_reshape(stack, Shape::new([self.num_replicas, size]));
        let block = [self.index..self.index + 1, 0..size].map(Slice::from);
        B::float_reshape(B::float_slice(blocks, &block), self.shape.clone())
    }
}

/// The parameters of a replica alone, as parts of those of its stack.
fn parts(stack: Vec<Found>, alone: Vec<Found>, index: usize) -> Result<Vec<Part>, Error> {
    let paths =
        |found: &[Found]| -> Vec<String> { found.iter().map(|it| it.path.clone()).collect() };
    let [in_stack, in_alone] = [&stack, &alone].map(|found| paths(found));
    if in_stack != in_alone {
        return Err(Error::Replicas(format!(
            "a replica alone must have the paths of its stack: the stack has {}, the replica {}",
            in_stack.join(", "),
            in_alone.join(", ")
        )));
    }
    let mut expected = None;
    let part = |(stack, alone): (Found, Found)| {
        if stack.settings != alone.settings {
            return Err(Error::Replicas(format!(
                "the policies do not treat {} alike in the stack and in the replica alone: select it by its path",
                stack.path
            )));
        }
        let [whole, size] = [&stack.shape, &alone.shape].map(Shape::num_elements);
        let num_replicas = whole.checked_div(size).unwrap_or(0);
        let expected = *expected.get_or_insert(num_replicas);
        if num_replicas * size != whole || num_replicas != expected {
            return Err(Error::Replicas(format!(
                "{}, {}, is not the part of one of {expected} replicas of {} in the stack",
                alone.path, alone.shape, stack.shape
            )));
        }
        if index >= num_replicas {
            return Err(no_replica(index, num_replicas));
        }
        Ok(Part {
            alone: alone.id,
            in_stack: stack.id,
            shape: alone.shape,
            stack_shape: stack.shape,
            index,
            num_replicas,
        })
    };
    stack.into_iter().zip(alone).map(part).collect()
}

/// A parameter or buffer of a module.
struct Found {
    path: String,
    id: ParamId,
    shape: Shape,
    settings: ParameterSettings,
}

/// All parameters and buffers of a module, in its order, with their settings by these policies.
fn found<M: Module>(module: &M, policies: &Policies) -> Vec<Found> {
    struct Find(Vec<Found>);
    impl ParameterVisitor for Find {
        fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
            self.0.push(Found {
                path: place.path.to_string(),
                id: param.id,
                shape: param.lazy_shape(),
                settings: place.settings,
            });
        }
    }
    let mut find = Find(Vec::new());
    visit_parameters(module, policies, &mut find);
    find.0
}
