use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn_train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericEntry, SerializedEntry,
};

use super::entry::{aggregated, attributes, entry};
use super::gauge::{Gauge, Steps};

/// Mean of the penalty `c Σ Ω (θ − θ̃)²` (eq. 4) over the optimizer's steps, in the unit of the loss: a
/// metric for burn-train, from [`ContinualLearner::penalty_metric`](crate::ContinualLearner::penalty_metric).
///
/// It takes nothing from a model's output, so it goes with any. An epoch's value is the mean over its
/// steps, a minibatch's that of the step made after it. Where gradients are accumulated, the penalty is
/// paid once for all the minibatches of a step, so only the last of them has a value; so it is with the
/// minibatches that several devices had in a step. In validation there are no steps, and the epoch's
/// value is the last one of the training. Zero during the first task.
#[derive(Clone, Debug)]
pub struct PenaltyMetric {
    name: MetricName,
    gauge: Gauge,
    in_epoch: Steps,
    /// Those made after the last minibatch.
    latest: Steps,
}

impl PenaltyMetric {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self {
            name: Arc::new("Penalty".to_string()),
            gauge,
            in_epoch: Steps::default(),
            latest: Steps::default(),
        }
    }

    fn mean(&self) -> Option<f64> {
        self.in_epoch.mean().or_else(|| self.gauge.last_mean())
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
        self.latest = self.gauge.read_next()?;
        self.in_epoch.add(self.latest);
        Ok(entry(self.mean(), self.gauge.last_mean(), self.value()))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        self.in_epoch.add(self.gauge.read_rest()?);
        let mean = self.mean();
        let kept = mean.map(NumericEntry::Final);
        Ok(entry(mean, self.gauge.last_mean(), kept))
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
