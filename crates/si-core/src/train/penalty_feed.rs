//! Passes a step's penalty to the metrics, which are computed on another thread.

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

/// Gives a metric the penalties of the optimizer's steps.
///
/// Metrics see one minibatch after the other, in the order of training, but later: training continues meanwhile. So
/// a step waits here until its metric sees the minibatch after which the step was taken. The metric's values then do
/// not depend on which thread is faster. burn-train clones a metric for each split; the clones share the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct PenaltyFeed {
    state: Arc<Mutex<FeedState>>,
    /// Number of minibatches that this clone has seen.
    num_shown: usize,
}

#[derive(Debug, Default)]
struct FeedState {
    /// Number of minibatches trained on.
    num_trained: usize,
    waiting: VecDeque<Waiting>,
    /// Mean of the penalties in the last reading.
    last_mean: Option<f64>,
}

/// Steps that were taken after the same minibatch. This is one step, unless nothing was read for long.
#[derive(Debug)]
struct Waiting {
    count: usize,
    /// Sum of the penalties, `[1]`, outside autodiff. `None` if all of them are zero.
    penalty: Option<Tensor<1>>,
    /// Number of minibatches trained on until then.
    after: usize,
}

/// The maximum number of waiting steps; more are merged with the last. Training is only a few minibatches ahead of
/// its metrics, so this happens only if the metric was never registered.
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

impl PenaltyFeed {
    /// The steps up to the next minibatch that the metric sees. Waits for the device.
    pub(super) fn read_next(&mut self) -> Result<Steps, TensorReadError> {
        self.num_shown += 1;
        self.read()
    }

    /// All other steps so far, at an epoch's end. Waits for the device.
    pub(super) fn read_rest(&mut self) -> Result<Steps, TensorReadError> {
        self.num_shown = lock(&self.state).num_trained;
        self.read()
    }

    /// Mean of the penalties in the last reading, by any clone.
    pub(super) fn last_mean(&self) -> Option<f64> {
        lock(&self.state).last_mean
    }

    fn read(&self) -> Result<Steps, TensorReadError> {
        let (mut count, mut penalty) = (0, None);
        // The lock must not be held longer: the next training step would also wait for the device.
        {
            let waiting = &mut lock(&self.state).waiting;
            while let Some(steps) = waiting.pop_front_if(|steps| steps.after <= self.num_shown) {
                count += steps.count;
                penalty = plus(penalty, steps.penalty);
            }
        }
        let penalty = penalty.map(|penalty| penalty.try_into_scalar::<f64>());
        let penalty = penalty.transpose()?.unwrap_or(0.0);
        let steps = Steps { count, penalty };
        if let Some(mean) = steps.mean() {
            lock(&self.state).last_mean = Some(mean);
        }
        Ok(steps)
    }
}

/// The feeds of a learner: one for each metric that still exists.
#[derive(Clone, Debug, Default)]
pub(crate) struct PenaltyFeeds(Vec<Weak<Mutex<FeedState>>>);

impl PenaltyFeeds {
    pub(super) fn add(&mut self) -> PenaltyFeed {
        let feed = PenaltyFeed::default();
        self.0.push(Arc::downgrade(&feed.state));
        feed
    }

    /// Counts a minibatch of training.
    pub(super) fn count_minibatch(&self) {
        for state in self.0.iter().filter_map(Weak::upgrade) {
            lock(&state).num_trained += 1;
        }
    }

    fn is_watched(&mut self) -> bool {
        self.0.retain(|state| state.strong_count() > 0);
        !self.0.is_empty()
    }

    fn show_step(&self, penalty: &Option<Tensor<1>>) {
        for state in self.0.iter().filter_map(Weak::upgrade) {
            let mut state = lock(&state);
            let after = state.num_trained;
            let mut step = Waiting {
                count: 1,
                penalty: penalty.clone(),
                after,
            };
            if state.waiting.len() == MAX_WAITING
                && let Some(last) = state.waiting.pop_back()
            {
                step.count += last.count;
                step.penalty = plus(last.penalty, step.penalty);
            }
            state.waiting.push_back(step);
        }
    }
}

impl SynapticIntelligence {
    /// Does [`penalize`](Self::penalize) and reports the step's penalty to the metrics, if there are any.
    /// Reads nothing from the device.
    pub(super) fn penalize_and_report<M: Module>(
        &mut self,
        module: &M,
        grads: GradientsParams,
    ) -> GradientsParams {
        if !self.penalty_feeds.is_watched() {
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
        self.penalty_feeds.show_step(&penalty);
        grads
    }
}

/// The sum, on the device of `before`: steps may be spread over several devices.
fn plus(before: Option<Tensor<1>>, term: Option<Tensor<1>>) -> Option<Tensor<1>> {
    match (before, term) {
        (Some(before), Some(term)) => Some(sum(before, term)),
        (before, term) => before.or(term),
    }
}

/// The data stays consistent even if a thread panics: nothing panics between two writes.
fn lock(state: &Mutex<FeedState>) -> MutexGuard<'_, FeedState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn penalty(value: f32) -> Option<Tensor<1>> {
        let device = crate::test_device::device();
        Some(Tensor::from_floats([value], &device))
    }

    #[test]
    fn step_is_read_with_the_minibatch_that_came_before_it() {
        let mut feeds = PenaltyFeeds::default();
        let mut feed = feeds.add();
        // Two minibatches for each step, and training is ahead of the metric.
        for value in [1.0, 2.0] {
            feeds.count_minibatch();
            feeds.count_minibatch();
            feeds.show_step(&penalty(value));
        }
        let mut next = || feed.read_next().expect("it can be read").mean();
        assert_eq!([next(), next(), next()], [None, Some(1.0), None]);
        assert_eq!(feed.last_mean(), Some(1.0));
        let rest = feed.read_rest().expect("it can be read");
        assert_eq!((rest.count, rest.penalty), (1, 2.0));
    }

    #[test]
    fn metric_that_is_dropped_is_not_updated() {
        let mut feeds = PenaltyFeeds::default();
        assert!(!feeds.is_watched());
        let feed = feeds.add();
        let clone = feed.clone();
        drop(feed);
        assert!(feeds.is_watched());
        drop(clone);
        assert!(!feeds.is_watched());
        assert!(feeds.0.is_empty());
    }

    #[test]
    fn unread_metric_holds_a_bounded_number_of_steps_and_loses_none() {
        let mut feeds = PenaltyFeeds::default();
        let mut feed = feeds.add();
        for _ in 0..MAX_WAITING + 5 {
            feeds.count_minibatch();
            feeds.show_step(&penalty(1.0));
        }
        assert_eq!(lock(&feed.state).waiting.len(), MAX_WAITING);
        let steps = feed.read_rest().expect("it can be read");
        assert_eq!(steps.count, MAX_WAITING + 5);
        assert_eq!(steps.mean(), Some(1.0));
    }
}
