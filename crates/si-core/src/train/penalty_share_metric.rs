use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn_train::metric::{
    LossInput, LossMetric, Metric, MetricAttributes, MetricMetadata, MetricName, Numeric,
    NumericEntry, SerializedEntry,
};

use super::entry::{aggregated, attributes, entry};
use super::penalty_feed::{PenaltyFeed, Steps};

/// Share of the penalty in the surrogate loss `L + c Σ Ω (θ − θ̃)²` (eq. 4), in `[0, 1]` if neither
/// term is negative: a metric for burn-train, from
/// [`ContinualLearner::penalty_share_metric`](crate::ContinualLearner::penalty_share_metric).
///
/// Near 0, nothing is held back; near 1, nothing new is learnt.
///
/// The value is `Σ penalty / (Σ penalty + Σ loss)`: for an epoch, over all its steps; for a minibatch, over the step
/// taken after it, if there is one. If a step uses gradients from several minibatches or devices, its loss is the sum
/// over them. In validation, the epoch's value compares the last training penalty with the mean validation loss. Zero
/// during the first task.
#[derive(Clone)]
pub struct PenaltyShareMetric {
    name: MetricName,
    feed: PenaltyFeed,
    /// Reads the losses.
    loss: LossMetric,
    in_epoch: Steps,
    losses_in_epoch: Losses,
    /// Sum of the losses since the last step.
    losses_of_step: f64,
    /// Number of steps taken after the last minibatch.
    latest_steps: usize,
    /// The share for the last minibatch with a step.
    last_share: Option<f64>,
}

/// The number of minibatch losses, and their sum.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    count: usize,
    sum: f64,
}

impl PenaltyShareMetric {
    pub(super) fn new(feed: PenaltyFeed) -> Self {
        Self {
            name: Arc::new("Penalty Share".to_string()),
            feed,
            loss: LossMetric::new(),
            in_epoch: Steps::default(),
            losses_in_epoch: Losses::default(),
            losses_of_step: 0.0,
            latest_steps: 0,
            last_share: None,
        }
    }

    fn in_epoch(&self) -> Option<f64> {
        (self.in_epoch.count > 0).then(|| share(self.in_epoch.penalty, self.losses_in_epoch.sum))
    }

    fn at_end(&self) -> Option<f64> {
        let in_validation = || {
            let Losses { count, sum } = self.losses_in_epoch;
            let penalty = self.feed.last_mean().filter(|_| count > 0)?;
            Some(share(penalty, sum / count as f64))
        };
        self.in_epoch().or_else(in_validation)
    }
}

impl Metric for PenaltyShareMetric {
    type Input = LossInput;

    fn name(&self) -> MetricName {
        Arc::clone(&self.name)
    }

    fn description(&self) -> Option<String> {
        Some("share of the penalty in the surrogate loss".to_string())
    }

    fn attributes(&self) -> MetricAttributes {
        attributes()
    }

    fn update(
        &mut self,
        loss: &LossInput,
        metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        self.loss.update(loss, metadata)?;
        if let Some(loss) = self.loss.value() {
            self.losses_in_epoch.count += 1;
            self.losses_in_epoch.sum += loss.current();
            self.losses_of_step += loss.current();
        }
        let steps = self.feed.read_next()?;
        self.in_epoch.add(steps);
        self.latest_steps = steps.count;
        if steps.count > 0 {
            let losses = core::mem::take(&mut self.losses_of_step);
            self.last_share = Some(share(steps.penalty, losses));
        }
        Ok(entry(self.in_epoch(), self.last_share, self.value()))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        self.in_epoch.add(self.feed.read_rest()?);
        let share = self.at_end();
        Ok(entry(
            share,
            self.last_share,
            share.map(NumericEntry::Final),
        ))
    }

    fn clear(&mut self) {
        *self = Self::new(self.feed.clone());
    }
}

impl Numeric for PenaltyShareMetric {
    fn value(&self) -> Option<NumericEntry> {
        let share = self.last_share.filter(|_| self.latest_steps > 0);
        aggregated(share, self.latest_steps)
    }

    fn running_value(&self) -> Option<NumericEntry> {
        aggregated(self.in_epoch(), self.in_epoch.count)
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.at_end().unwrap_or(f64::NAN))
    }
}

/// The share is 0 if the penalty is 0, whatever the loss is.
fn share(penalty: f64, loss: f64) -> f64 {
    if penalty == 0.0 {
        0.0
    } else {
        penalty / (penalty + loss)
    }
}
