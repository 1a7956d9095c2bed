use burn::Tensor;
use burn::module::{Param, ParamId};
use burn::tensor::{DType, Device, Int, TensorData};

use crate::diagnostics::Meter;
use crate::{SynapticIntelligence, TaskWarning};

/// The state of the regularizer other than synapses.
pub(super) struct Progress {
    /// The counters, `[8]`, as 32-bit integers, which every backend supports.
    pub(super) counters: Param<Tensor<1, Int>>,
    /// The sum of the losses that were reported, `[1]`.
    pub(super) loss_sum: Param<Tensor<1>>,
}

impl Progress {
    pub(super) fn of(regularizer: &SynapticIntelligence, device: &Device) -> Self {
        let meter = &regularizer.meter;
        // Its bits go into two counters below: a record has no f64 on a backend without it, and f32 would round the sum.
        let penalty = meter.penalty_in_epoch.to_bits();
        let counters = [
            regularizer.task as i32,
            meter.steps_in_task as i32,
            meter.steps_in_epoch as i32,
            meter.losses_in_epoch as i32,
            i32::from(meter.penalized_in_task),
            match meter.warning {
                // A task without a step has no state that would have to resume.
                None | Some(TaskWarning::NoStep) => 0,
                Some(TaskWarning::NoImportance) => 1,
                Some(TaskWarning::NoPenalty) => 2,
                Some(TaskWarning::Diverged) => 3,
            },
            (penalty >> 32) as i32,
            penalty as i32,
        ];
        let counters = Tensor::from_data(TensorData::from(counters), (device, DType::I32));
        let loss_sum = meter.loss_sum.clone();
        Self {
            counters: Param::initialized(ParamId::new(), counters),
            loss_sum: Param::initialized(
                ParamId::new(),
                loss_sum.unwrap_or_else(|| Tensor::zeros([1], device)),
            ),
        }
    }

    pub(super) fn restore(self, regularizer: &mut SynapticIntelligence) {
        let counters = self.counters.into_value().into_data();
        let mut counters = counters.iter::<i64>().map(|counter| counter as i32);
        let mut next = || counters.next().unwrap_or(0);
        let mut count = || usize::try_from(next()).unwrap_or(0);
        regularizer.enter_task(count());
        regularizer.meter = Meter {
            steps_in_task: count(),
            steps_in_epoch: count(),
            losses_in_epoch: count(),
            penalized_in_task: count() != 0,
            // The next step sets it.
            pulls_in_task: false,
            is_in_step: false,
            warning: match count() {
                1 => Some(TaskWarning::NoImportance),
                2 => Some(TaskWarning::NoPenalty),
                3 => Some(TaskWarning::Diverged),
                _ => None,
            },
            penalty_in_epoch: {
                let [high, low] = [next(), next()].map(|half| u64::from(half as u32));
                f64::from_bits(high << 32 | low)
            },
            loss_sum: None,
        };
        if regularizer.meter.losses_in_epoch > 0 {
            regularizer.meter.loss_sum = Some(self.loss_sum.into_value().inner());
        }
    }
}
