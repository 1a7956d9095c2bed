use std::sync::{Arc, Mutex};

use burn::tensor::TensorReadError;
use burn_train::metric::{
    AccuracyInput, Metric, MetricAttributes, MetricMetadata, MetricName, Numeric,
    NumericAttributes, NumericEntry, SerializedEntry,
};

use super::task_accuracies::{Validations, lock};

/// What is learnt or forgotten of the tasks so far, in percent: a metric for burn-train's validation, from
/// [`TaskAccuracies`](super::TaskAccuracies).
///
/// It has a value at the end of an epoch, and none for a minibatch.
#[doc(alias = "ForgettingMetric")]
#[doc(alias = "AverageAccuracyMetric")]
#[derive(Clone, Debug)]
pub struct TaskMetric {
    name: MetricName,
    measure: Measure,
    shared: Arc<Mutex<Validations>>,
    /// Whether a minibatch of validation was seen since the last epoch. The clone for training sees none.
    is_in_validation: bool,
}

/// What a metric shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    AverageAccuracy,
    Forgetting,
    TaskAccuracy(usize),
}

const UNIT: &str = "%";

impl TaskMetric {
    pub(super) fn new(measure: Measure, shared: Arc<Mutex<Validations>>) -> Self {
        let name = match measure {
            Measure::AverageAccuracy => "Average Accuracy".to_string(),
            Measure::Forgetting => "Forgetting".to_string(),
            Measure::TaskAccuracy(task) => format!("Accuracy on Task {task}"),
        };
        Self {
            name: Arc::new(name),
            measure,
            shared,
            is_in_validation: false,
        }
    }

    fn at_end(&self) -> Option<f64> {
        let validations = lock(&self.shared);
        validations
            .value(self.measure)
            .filter(|_| self.is_in_validation)
    }
}

impl Metric for TaskMetric {
    type Input = AccuracyInput;

    fn name(&self) -> MetricName {
        Arc::clone(&self.name)
    }

    fn description(&self) -> Option<String> {
        let description = match self.measure {
            Measure::AverageAccuracy => "mean accuracy on the tasks so far".to_string(),
            Measure::Forgetting => {
                "how far earlier tasks fell from their best, on average".to_string()
            }
            Measure::TaskAccuracy(task) => format!("accuracy on task {task}"),
        };
        Some(description)
    }

    fn attributes(&self) -> MetricAttributes {
        let attributes = NumericAttributes {
            unit: Some(UNIT.to_string()),
            higher_is_better: !matches!(self.measure, Measure::Forgetting),
        };
        attributes.into()
    }

    fn update(
        &mut self,
        minibatch: &AccuracyInput,
        metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        self.is_in_validation = lock(&self.shared).count(minibatch, metadata)?;
        Ok(SerializedEntry::not_available(Some(UNIT)))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(match self.at_end() {
            Some(value) => SerializedEntry {
                formatted: format!("epoch {value:.2} {UNIT}"),
                serialized: NumericEntry::Final(value).serialize(),
            },
            None => SerializedEntry::not_available(Some(UNIT)),
        })
    }

    fn clear(&mut self) {
        self.is_in_validation = false;
        lock(&self.shared).end();
    }
}

impl Numeric for TaskMetric {
    fn value(&self) -> Option<NumericEntry> {
        None
    }

    fn running_value(&self) -> Option<NumericEntry> {
        None
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.at_end().unwrap_or(f64::NAN))
    }
}
