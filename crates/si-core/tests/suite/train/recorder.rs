use std::sync::{Arc, Mutex};

use burn_train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn_train::metric::{MetricDefinition, NumericEntry};
use burn_train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

/// A renderer that prints nothing and stores the numbers.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Recorded>>>);

#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// `train`, `valid`, or the name of a test.
    pub(crate) split: String,
    pub(crate) metric: String,
    /// `None` if a minibatch had no value.
    pub(crate) value: Option<NumericEntry>,
}

impl Recorder {
    fn record(&mut self, split: &str, state: MetricState) {
        if let MetricState::Numeric(entry, value) = state {
            // Only an id's debug form shows its name.
            let metric = format!("{:?}", entry.metric_id);
            self.0.lock().expect("nothing panics").push(Recorded {
                split: split.to_string(),
                metric: metric.split('"').nth(1).unwrap_or_default().to_string(),
                value,
            });
        }
    }

    fn of(&self, split: &str, metric: &str) -> Vec<Recorded> {
        let all = self.0.lock().expect("nothing panics");
        let is_it = |it: &&Recorded| it.split == split && it.metric == metric;
        all.iter().filter(is_it).cloned().collect()
    }

    /// The values of a metric's minibatches. `None` for a minibatch without a value.
    pub(crate) fn minibatches(&self, split: &str, metric: &str) -> Vec<Option<f64>> {
        self.of(split, metric)
            .into_iter()
            .filter(|it| !matches!(it.value, Some(NumericEntry::Final(_))))
            .map(|it| it.value.map(|value| value.current()))
            .collect()
    }

    /// The values of a metric's epochs.
    pub(crate) fn epochs(&self, split: &str, metric: &str) -> Vec<f64> {
        self.of(split, metric)
            .into_iter()
            .filter_map(|it| match it.value {
                Some(NumericEntry::Final(value)) => Some(value),
                _ => None,
            })
            .collect()
    }
}

impl MetricsRendererTraining for Recorder {
    fn update_train(&mut self, state: MetricState) {
        self.record("train", state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.record("valid", state);
    }
}

impl MetricsRendererEvaluation for Recorder {
    fn update_test(&mut self, name: EvaluationName, state: MetricState) {
        self.record(name.as_str(), state);
    }
}

impl MetricsRenderer for Recorder {
    fn manual_close(&mut self) {}
    fn register_metric(&mut self, _definition: MetricDefinition) {}
}

impl TrainingProgressLogger for Recorder {
    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}
    fn update_epoch(&mut self, _epoch: usize) {}
    fn start_split(&mut self, _split: &str, _total_items: usize) {}
    fn update_split(&mut self, _items_processed: usize) {}
    fn end_split(&mut self) {}
    fn end(&mut self) {}
    fn log_event_training(&mut self, _event: String) {}
}

impl EvaluationProgressLogger for Recorder {
    fn start_global_progress(&mut self, _total_tests: usize) {}
    fn start_test(&mut self, _name: &str, _total_items: usize) {}
    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}
