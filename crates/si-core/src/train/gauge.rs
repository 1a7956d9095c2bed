//! How a step's penalty reaches the metrics, which are computed on another thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use burn::Tensor;
use burn::backend::Dispatch;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, TensorReadError};

use crate::SynapticIntelligence;
use crate::ops::SynapticBackend;
use crate::precision::sum;

/// Where a metric finds the penalties of the optimizer's steps.
///
/// Metrics are shown one minibatch after the other, in the order that these were trained on, but
/// later: the training goes on meanwhile. So steps wait here until the minibatch that they were made
/// after is shown, and what a metric says of it does not depend on which thread is the faster one.
/// A metric's clones, of which burn-train makes one for each split, share the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauge {
    dial: Arc<Mutex<Dial>>,
    /// Number of minibatches that were shown to this clone.
    num_shown: usize,
}

#[derive(Debug, Default)]
struct Dial {
    /// Number of minibatches that were trained on.
    num_trained: usize,
    waiting: VecDeque<Waiting>,
    /// Mean of the penalties that were read last.
    last_mean: Option<f64>,
}

/// Steps that were made after the same minibatch: one, but where nothing is read for long.
#[derive(Debug)]
struct Waiting {
    count: usize,
    /// Sum of the penalties, `[1]`, outside autodiff. None where each of them is zero.
    penalty: Option<Tensor<1>>,
    /// Number of minibatches that were trained on until then.
    after: usize,
}

/// As many steps wait, before others join the last. A training is ahead of its metrics by a few
/// minibatches, so more do only if the metric was never registered.
const MAX_WAITING: usize = 1000;

/// Some steps, and the sum of their penalties.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps {
    pub(super) count: usize,
    pub(super) penalty: f64,
}

impl Steps {
    pub(super) fn add(&mut self, others: Self) {
        self.count += others.count;
        self.penalty += others.penalty;
    }

    pub(super) fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.penalty / self.count as f64)
    }
}

impl Gauge {
    /// The steps up to the next minibatch that the metric is shown. Waits for the device.
    pub(super) fn read_next(&mut self) -> Result<Steps, TensorReadError> {
        self.num_shown += 1;
        self.read()
    }

    /// All other steps that were made so far, at an epoch's end. Waits for the device.
    pub(super) fn read_rest(&mut self) -> Result<Steps, TensorReadError> {
        self.num_shown = lock(&self.dial).num_trained;
        self.read()
    }

    /// Mean of the penalties that were read last, by any clone.
    pub(super) fn last_mean(&self) -> Option<f64> {
        lock(&self.dial).last_mean
    }

    fn read(&self) -> Result<Steps, TensorReadError> {
        let (mut count, mut penalty) = (0, None);
        // Not longer under the lock: the next training step would wait for the device too.
        {
            let waiting = &mut lock(&self.dial).waiting;
            while let Some(steps) = waiting.pop_front_if(|steps| steps.after <= self.num_shown) {
                count += steps.count;
                penalty = plus(penalty, steps.penalty);
            }
        }
        let penalty = penalty.map(|penalty| penalty.try_into_scalar::<f64>());
        let penalty = penalty.transpose()?.unwrap_or(0.0);
        let steps = Steps { count, penalty };
        if let Some(mean) = steps.mean() {
            lock(&self.dial).last_mean = Some(mean);
        }
        Ok(steps)
    }
}

/// The gauges of a learner: of each metric that is still there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges(Vec<Weak<Mutex<Dial>>>);

impl Gauges {
    pub(super) fn add(&mut self) -> Gauge {
        let gauge = Gauge::default();
        self.0.push(Arc::downgrade(&gauge.dial));
        gauge
    }

    /// Counts a minibatch that is trained on.
    pub(super) fn count_minibatch(&self) {
        for dial in self.0.iter().filter_map(Weak::upgrade) {
            lock(&dial).num_trained += 1;
        }
    }

    fn is_watched(&mut self) -> bool {
        self.0.retain(|dial| dial.strong_count() > 0);
        !self.0.is_empty()
    }

    fn show_step(&self, penalty: &Option<Tensor<1>>) {
        for dial in self.0.iter().filter_map(Weak::upgrade) {
            let mut dial = lock(&dial);
            let after = dial.num_trained;
            let mut step = Waiting {
                count: 1,
                penalty: penalty.clone(),
                after,
            };
            if dial.waiting.len() == MAX_WAITING
                && let Some(last) = dial.waiting.pop_back()
            {
                step.count += last.count;
                step.penalty = plus(last.penalty, step.penalty);
            }
            dial.waiting.push_back(step);
        }
    }
}

impl SynapticIntelligence {
    /// [`penalize`](Self::penalize), with the step's penalty shown to the metrics that ask for it.
    /// Nothing is read from the device, and nothing done where there is no metric.
    pub(super) fn penalize_in_sight<M: Module>(
        &mut self,
        module: &M,
        grads: GradientsParams,
    ) -> GradientsParams {
        if !self.gauges.is_watched() {
            return self.penalize(module, grads);
        }
        let grads = self.penalize(module, grads);
        let mut penalty = None;
        for synapse in self.synapses.in_order() {
            let of_step = synapse.open_step.as_ref();
            let of_step = of_step.and_then(|step| step.penalty.clone());
            let of_step = of_step.map(Dispatch::tensor::<1>);
            penalty = plus(penalty, of_step.map(|it| it.cast(FloatDType::F32)));
        }
        self.gauges.show_step(&penalty);
        grads
    }
}

/// The sum, on the device where it began: steps may be spread over several.
fn plus(before: Option<Tensor<1>>, term: Option<Tensor<1>>) -> Option<Tensor<1>> {
    match (before, term) {
        (Some(before), Some(term)) => Some(sum(before, term)),
        (before, term) => before.or(term),
    }
}

/// What a thread that panicked has left is whole: nothing panics between two writes.
fn lock(dial: &Mutex<Dial>) -> MutexGuard<'_, Dial> {
    dial.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn penalty(value: f32) -> Option<Tensor<1>> {
        let device = crate::test_device::device();
        Some(Tensor::from_floats([value], &device))
    }

    #[test]
    fn step_is_read_with_the_minibatch_that_it_was_made_after() {
        let mut gauges = Gauges::default();
        let mut gauge = gauges.add();
        // Two minibatches for each step, and a training that is ahead.
        for value in [1.0, 2.0] {
            gauges.count_minibatch();
            gauges.count_minibatch();
            gauges.show_step(&penalty(value));
        }
        let mut next = || gauge.read_next().expect("it can be read").mean();
        assert_eq!([next(), next(), next()], [None, Some(1.0), None]);
        assert_eq!(gauge.last_mean(), Some(1.0));
        let rest = gauge.read_rest().expect("it can be read");
        assert_eq!((rest.count, rest.penalty), (1, 2.0));
    }

    #[test]
    fn metric_that_is_gone_is_not_kept_up() {
        let mut gauges = Gauges::default();
        assert!(!gauges.is_watched());
        let gauge = gauges.add();
        let clone = gauge.clone();
        drop(gauge);
        assert!(gauges.is_watched());
        drop(clone);
        assert!(!gauges.is_watched());
        assert!(gauges.0.is_empty());
    }

    #[test]
    fn metric_that_nobody_reads_holds_a_bounded_number_of_steps_and_loses_none() {
        let mut gauges = Gauges::default();
        let mut gauge = gauges.add();
        for _ in 0..MAX_WAITING + 5 {
            gauges.count_minibatch();
            gauges.show_step(&penalty(1.0));
        }
        assert_eq!(lock(&gauge.dial).waiting.len(), MAX_WAITING);
        let steps = gauge.read_rest().expect("it can be read");
        assert_eq!(steps.count, MAX_WAITING + 5);
        assert_eq!(steps.mean(), Some(1.0));
    }
}
