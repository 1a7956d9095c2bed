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

/// Prints what comes of a training or an evaluation.
pub(crate) struct Lines {
    title: String,
    names: HashMap<MetricId, String>,
    /// The epoch's values, in training and in validation.
    epoch: Vec<String>,
    /// Sum of the test's accuracies over images, and number of images.
    test: (f64, usize),
}

impl Lines {
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: title.to_string(),
            names: HashMap::new(),
            epoch: Vec::new(),
            test: (0.0, 0),
        }
    }

    fn keep(&mut self, split: &str, state: MetricState) {
        if let MetricState::Numeric(entry, Some(NumericEntry::Final(value))) = state {
            let name = &self.names[&entry.metric_id];
            self.epoch.push(format!("{split} {name} {value:.4}"));
        }
    }
}

impl MetricsRendererTraining for Lines {
    fn update_train(&mut self, state: MetricState) {
        self.keep("train", state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.keep("valid", state);
    }
}

impl MetricsRendererEvaluation for Lines {
    fn update_test(&mut self, _name: EvaluationName, state: MetricState) {
        if let MetricState::Numeric(
            _,
            Some(NumericEntry::Aggregated {
                aggregated_value,
                count,
            }),
        ) = state
        {
            self.test.0 += aggregated_value * count as f64;
            self.test.1 += count;
        }
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
        println!("task {}, epoch {epoch}: {values}", self.title);
        self.epoch.clear();
    }

    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}
    fn start_split(&mut self, _split: &str, _total_items: usize) {}
    fn update_split(&mut self, _items_processed: usize) {}
    fn end_split(&mut self) {}
    fn end(&mut self) {}
    fn log_event_training(&mut self, _event: String) {}
}

impl EvaluationProgressLogger for Lines {
    fn start_test(&mut self, name: &str, _total_items: usize) {
        self.test = (0.0, 0);
        print!("  {name}: ");
    }

    fn end_test(&mut self) {
        let (sum, count) = self.test;
        print!("{:.2} %", sum / count as f64);
    }

    fn end_global_progress(&mut self) {
        println!();
    }

    fn start_global_progress(&mut self, _total_tests: usize) {
        print!("test accuracy");
    }

    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}
