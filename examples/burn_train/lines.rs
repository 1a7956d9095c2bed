//! A renderer that prints a line for each epoch, where burn-train's own prints one for each minibatch or
//! takes the whole terminal.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::collections::HashMap;

use burn_train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn_train::metric::{MetricDefinition, MetricId, NumericEntry};
use burn_train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

/// Prints what comes of a training.
pub(crate) struct Lines {
    title: String,
    names: HashMap<MetricId, String>,
    /// What the epoch's line shows.
    epoch: Vec<String>,
}

impl Lines {
    pub(crate) fn new(title: String) -> Self {
        Self {
            title,
            names: HashMap::new(),
            epoch: Vec::new(),
        }
    }

    fn keep(&mut self, state: MetricState) {
        if let MetricState::Numeric(entry, Some(NumericEntry::Final(value))) = state
            && value.is_finite()
        {
            let name = &self.names[&entry.metric_id];
            self.epoch.push(format!("{name} {value:.3}"));
        }
    }
}

impl MetricsRendererTraining for Lines {
    fn update_train(&mut self, state: MetricState) {
        self.keep(state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.keep(state);
    }
}

impl MetricsRenderer for Lines {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, metric: MetricDefinition) {
        self.names.insert(metric.metric_id, metric.name.to_string());
    }
}

impl TrainingProgressLogger for Lines {
    fn update_epoch(&mut self, epoch: usize) {
        let values = self.epoch.join(", ");
        println!("{}, epoch {epoch}: {values}", self.title);
        self.epoch.clear();
    }

    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}
    fn start_split(&mut self, _split: &str, _total_items: usize) {}
    fn update_split(&mut self, _items_processed: usize) {}
    fn end_split(&mut self) {}
    fn end(&mut self) {}
    fn log_event_training(&mut self, _event: String) {}
}

/// burn-train requires that a renderer shows evaluations too. This program has none.
impl MetricsRendererEvaluation for Lines {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl EvaluationProgressLogger for Lines {
    fn start_global_progress(&mut self, _total_tests: usize) {}
    fn start_test(&mut self, _name: &str, _total_items: usize) {}
    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}
