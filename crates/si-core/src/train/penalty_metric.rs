use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn_train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericEntry, SerializedEntry,
};

use super::entry::{aggregated, attributes, entry};
use super::penalty_feed::{PenaltyFeed, Steps};

/// Mean of the penalty `c Σ Ω (θ − θ̃)²` (eq. 4) over the optimizer's steps, in the unit of the loss: a
/// metric for burn-train, from [`ContinualLearner::penalty_metric`](crate::ContinualLearner::penalty_metric).
///
/// It works with any model, because it needs nothing from the model's output. The value of an epoch is the mean over
/// its steps. The value of a minibatch is that of the step taken after it. If a step uses gradients from several
/// minibatches or devices, the penalty counts once, and only the last minibatch of the step has a value. In validation
/// there are no steps, and the epoch's value is the last one of training. Zero during the first task.
#[derive(Clone, Debug)]
pub struct PenaltyMetric {
    name: MetricName,
    feed: PenaltyFeed,
    in_epoch: Steps,
    /// The steps taken after the last minibatch.
    latest: Steps,
}

impl PenaltyMetric {
    pub(super) fn new(feed: PenaltyFeed) -> Self {
        Self {
            name: Arc::new("Penalty".to_string()),
            feed,
            in_epoch: Steps::default(),
            latest: Steps::default(),
        }
    }

    fn mean(&self) -> Option<f64> {
        self.in_epoch.mean().or_else(|| self.feed.last_mean())
    }
}

impl Metric for PenaltyMetric {
    type Input = ();

    fn name(&self) -> MetricName {
        Arc::clone(&self.name)
    }

    fn description(&self) -> Option<String> {
        Some("mean penalty of a step, in the unit of the loss".to_string())
    }

    fn attributes(&self) -> MetricAttributes {
        attributes()
    }

    fn update(
        &mut self,
        (): &(),
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        self.latest = self.feed.read_next()?;
        self.in_epoch.add(self.latest);
        Ok(entry(self.mean(), self.feed.last_mean(), self.value()))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        self.in_epoch.add(self.feed.read_rest()?);
        let mean = self.mean();
        let kept = mean.map(NumericEntry::Final);
        Ok(entry(mean, self.feed.last_mean(), kept))
    }

    fn clear(&mut self) {
        self.in_epoch = Steps::default();
        self.latest = Steps::default();
    }
}

impl Numeric for PenaltyMetric {
    fn value(&self) -> Option<NumericEntry> {
        aggregated(self.latest.mean(), self.latest.count)
    }

    fn running_value(&self) -> Option<NumericEntry> {
        aggregated(self.in_epoch.mean(), self.in_epoch.count)
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.mean().unwrap_or(f64::NAN))
    }
}
