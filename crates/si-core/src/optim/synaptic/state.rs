#[cfg(test)]
mod tests;

use burn::Tensor;
use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::module::ParamId;
use burn::optim::{RecordState, StateSink, StateSource};
use burn::tensor::{DType, Device, Shape, TensorData};
use log::warn;

use super::TaskControl;
use super::position::{Position, Recorded};
use super::request::{self, FoundSynapse};
use crate::ops::SynapticBackend;
use crate::{Synapse, SynapticIntelligenceConfig};

/// The state of [`Synaptic`](crate::optim::Synaptic) for one parameter of rank `D`: the synapses, and the state
/// `S` of the inner optimizer.
///
/// A record holds `anchor` and, as soon as they exist, `path_integral` and `importance`, all in the parameter's
/// shape, and `penalty_sum` of shape `[1]`. It also holds the numbers `task`, `current_task` and `num_steps`. The
/// record of `S` is under `optimizer`.
#[derive(Clone, Debug)]
pub struct SynapticState<S, const D: usize> {
    pub(super) optimizer: Option<S>,
    pub(super) synapse: Synapse<Dispatch>,
    pub(super) position: Position,
    /// Number of steps in the task.
    pub(super) num_steps: usize,
}

impl<S, const D: usize> SynapticState<S, D> {
    pub(super) fn new(anchor: FloatTensor<Dispatch>, tasks: &TaskControl) -> Self {
        Self {
            optimizer: None,
            // An optimizer does not know the path.
            synapse: Synapse::new(String::new(), anchor),
            position: Position::now(tasks),
            num_steps: 0,
        }
    }

    /// ω, Ω and θ̃ of the parameter, as they were after its last step or
    /// [`consolidate`](TaskControl::consolidate). Their path is empty.
    pub fn synapse(&self) -> &Synapse<Dispatch> {
        &self.synapse
    }

    /// Consolidates what is due, at `parameter`: once for each task that has ended. A moving average also decays
    /// in tasks that did not use the parameter.
    pub(super) fn catch_up(
        &mut self,
        parameter: &FloatTensor<Dispatch>,
        config: &SynapticIntelligenceConfig,
        tasks: &TaskControl,
    ) {
        for _ in 0..self.position.advance(tasks) {
            (self.synapse).consolidate(parameter.clone(), config.damping, config, 1.0);
            // It belongs to a task that has ended, and nobody has read it.
            self.synapse.penalty_sum = None;
            self.num_steps = 0;
        }
    }
}

const ANCHOR: &str = "anchor";
const PATH_INTEGRAL: &str = "path_integral";
const IMPORTANCE: &str = "importance";
const PENALTY_SUM: &str = "penalty_sum";
const TASK: &str = "task";
const CURRENT_TASK: &str = "current_task";
const NUM_STEPS: &str = "num_steps";
const OPTIMIZER: &str = "optimizer";
const HAS_OPTIMIZER_STATE: &str = "has_optimizer_state";

impl<S: RecordState, const D: usize> RecordState for SynapticState<S, D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        let found = || {
            Some(FoundSynapse {
                id: ParamId::from(prefix.parse::<u64>().ok()?),
                synapse: self.synapse.clone(),
                position: self.position.clone(),
                num_steps: self.num_steps,
            })
        };
        if request::offer(found) {
            return;
        }
        let synapse = &self.synapse;
        let tensors = [
            (ANCHOR, Some(&synapse.anchor)),
            (PATH_INTEGRAL, synapse.path_integral.as_ref()),
            (IMPORTANCE, synapse.importance.as_ref()),
        ];
        for (name, tensor) in tensors {
            if let Some(tensor) = tensor {
                let data = Dispatch::tensor::<D>(tensor.clone()).into_data();
                out.push_tensor(prefix, name, data);
            }
        }
        if let Some(penalty_sum) = synapse.total_penalty() {
            let data = Dispatch::tensor::<1>(penalty_sum).into_data();
            out.push_tensor(prefix, PENALTY_SUM, data);
        }
        let Recorded { task, current } = self.position.record();
        out.push_scalar(prefix, TASK, task.into());
        out.push_scalar(prefix, CURRENT_TASK, current.into());
        out.push_scalar(prefix, NUM_STEPS, self.num_steps.into());
        out.push_scalar(prefix, HAS_OPTIMIZER_STATE, self.optimizer.is_some().into());
        if let Some(optimizer) = &self.optimizer {
            optimizer.state_flatten(&within_optimizer(prefix), out);
        }
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let state = unflatten(prefix, source, device);
        if state.is_none() && source.has_under(prefix) {
            warn!(
                "the record has no valid state of a synaptic optimizer for parameter {prefix}: it starts \
                 without importance"
            );
        }
        state
    }
}

fn within_optimizer(prefix: &str) -> String {
    format!("{prefix}.{OPTIMIZER}")
}

fn unflatten<S: RecordState, const D: usize>(
    prefix: &str,
    source: &mut StateSource,
    device: &Device,
) -> Option<SynapticState<S, D>> {
    // At most `u32::MAX`, which leaves room to count on.
    let mut number = |name| {
        let number = u32::try_from(source.take_scalar(prefix, name)?).ok()?;
        usize::try_from(number).ok()
    };
    let recorded = Recorded {
        task: number(TASK)?,
        current: number(CURRENT_TASK)?,
    };
    let num_steps = number(NUM_STEPS)?;
    if recorded.task > recorded.current {
        return None;
    }
    let anchor = source.take_tensor(prefix, ANCHOR)?;
    if anchor.rank() != D {
        return None;
    }
    let shape = anchor.shape().clone();
    let mut synapse = Synapse::new(String::new(), load::<D>(anchor, &shape, device)?);
    if let Some(data) = source.take_tensor(prefix, PATH_INTEGRAL) {
        synapse.path_integral = Some(load::<D>(data, &shape, device)?);
    }
    if let Some(data) = source.take_tensor(prefix, IMPORTANCE) {
        synapse.importance = Some(load::<D>(data, &shape, device)?);
    }
    if let Some(data) = source.take_tensor(prefix, PENALTY_SUM) {
        synapse.penalty_sum = Some(load::<1>(data, &Shape::new([1]), device)?);
    }
    let has_optimizer_state = source.take_scalar(prefix, HAS_OPTIMIZER_STATE)?;
    let optimizer = if bool::try_from(has_optimizer_state).ok()? {
        Some(S::state_unflatten(
            &within_optimizer(prefix),
            source,
            device,
        )?)
    } else {
        None
    };
    Some(SynapticState {
        optimizer,
        synapse,
        position: Position::loaded(recorded),
        num_steps,
    })
}

/// The tensor that a record holds, widened if the device does not support its precision. `None` if it is not a
/// float tensor of this shape.
fn load<const D: usize>(
    data: TensorData,
    shape: &Shape,
    device: &Device,
) -> Option<FloatTensor<Dispatch>> {
    let dtype = data.dtype();
    if data.shape() != shape || !dtype.is_float() {
        return None;
    }
    let data = if device.supports_dtype(dtype) {
        data
    } else {
        data.convert_dtype(DType::F32)
    };
    let dtype = data.dtype();
    Some(Dispatch::primitive(Tensor::<D>::from_data(
        data,
        (device, dtype),
    )))
}
