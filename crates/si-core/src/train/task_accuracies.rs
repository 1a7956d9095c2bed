use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::data::dataloader::DataLoader;
use burn::tensor::TensorReadError;
use burn_train::metric::{
    AccuracyInput, AccuracyMetric, Metric, MetricMetadata, Numeric, NumericEntry,
};

use super::task_loader::TaskLoader;
use super::task_metric::{Measure, TaskMetric};
use crate::Error;
use crate::measures::AccuracyMatrix;

/// The accuracy on every task so far, from burn-train's validation, with metrics that show it.
///
/// A launch of task k validates with the data of the tasks 0 to k, which [`validation`](Self::validation) puts together.
/// Then burn-train shows, plots and logs after each epoch what is learnt and what is forgotten. Model, minibatches and
/// outputs stay as they are. The output must have what burn-train's `AccuracyMetric` needs.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use burn::{data::dataloader::DataLoader, module::Module, optim::AdamConfig};
/// # use burn_train::{InferenceStep, Learner, LearnerModel, SupervisedTraining, TrainStep, metric::{AccuracyInput, Adaptor}};
/// # use si_core::{ContinualLearner, SynapticIntelligenceConfig};
/// use si_core::train::TaskAccuracies;
/// # type Loader<T> = Arc<dyn DataLoader<T>>;
/// # fn example<M: LearnerModel, Batch: 'static>(model: M, tasks: Vec<(Loader<Batch>, Loader<Batch>)>) -> Result<(), si_core::Error>
/// # where
/// #     M: TrainStep<Input = Batch> + InferenceStep<Input = Batch>,
/// #     <M as InferenceStep>::Output: Adaptor<AccuracyInput>,
/// # {
///
/// let mut model = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
/// let mut accuracies = TaskAccuracies::new();
/// let mut seen = Vec::new();
/// for (index, (train, valid)) in tasks.into_iter().enumerate() {
///     seen.push(valid);
///     let valid = accuracies.validation(&seen)?;
///     let mut training = SupervisedTraining::new(format!("/tmp/task-{index}"), train, valid)
///         .metric_valid_numeric(accuracies.average_accuracy_metric())
///         .metric_valid_numeric(accuracies.forgetting_metric())
///         .num_epochs(10);
///     for task in 0..=index {
///         training = training.metric_valid_numeric(accuracies.task_accuracy_metric(task));
///     }
///     let result = training.launch(Learner::new(model, AdamConfig::new().init(), 1e-3));
///     model = result.model.train();
///     model.end_task();
/// }
/// println!("{:?}", accuracies.rows());
/// # Ok(())
/// # }
/// ```
///
/// The metrics are for validation alone: register each with `metric_valid_numeric`. The numbers are in percent. They are
/// those of [`AccuracyMatrix`], where the row of the current task is the newest validation. An accuracy on a task from
/// before it was trained is not measured and counts as 0, so it is never the best. A validation that was broken off has
/// no value, and neither has forgetting in the first task. Other validation metrics, the loss for example, are now over
/// all tasks so far. So is a rule for early stopping that reads them.
///
/// To resume in a new process, store [`rows`](Self::rows) and begin with [`after`](Self::after).
#[derive(Default)]
pub struct TaskAccuracies {
    shared: Arc<Mutex<Validations>>,
}

impl TaskAccuracies {
    /// Before the first task.
    pub fn new() -> Self {
        Self::default()
    }

    /// After the tasks that were trained before, one row for each: `rows[i][j]` is the accuracy on task j after training
    /// on task i, in `[0, 1]`. Row i needs at least the tasks 0 to i. [`rows`](Self::rows) and
    /// [`TaskEnd::rows`](crate::tasks::TaskEnd::rows) are such rows.
    ///
    /// # Errors
    ///
    /// [`Error::Accuracy`] if a row is too short, or if a value is outside `[0, 1]`.
    pub fn after(rows: Vec<Vec<f64>>) -> Result<Self, Error> {
        for (task, row) in rows.iter().enumerate() {
            if row.len() <= task {
                return Err(Error::Accuracy(format!(
                    "row {task} needs the accuracies on the tasks 0 to {task}, got {}",
                    row.len()
                )));
            }
            if let Some(value) = row.iter().find(|value| !(0.0..=1.0).contains(*value)) {
                return Err(Error::Accuracy(format!(
                    "accuracies must be in [0, 1], got {value} in row {task}"
                )));
            }
        }
        let shared = Validations {
            rows,
            ..Validations::default()
        };
        Ok(Self {
            shared: Arc::new(Mutex::new(shared)),
        })
    }

    /// The data that the next launch validates with: that of each task so far, in order, the current one last.
    ///
    /// The number of `tasks` tells which task is current. The accuracies on the tasks before it must be known: each was
    /// launched with data from here, or its row was given to [`after`](Self::after). If the current task was launched
    /// before, its row starts over. Rows of later tasks are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Accuracy`] if there is no task, if one has no items, or if the accuracies after an earlier task are
    /// missing.
    pub fn validation<B: 'static>(
        &mut self,
        tasks: &[Arc<dyn DataLoader<B>>],
    ) -> Result<Arc<dyn DataLoader<B>>, Error> {
        let sizes: Vec<usize> = tasks.iter().map(|task| task.num_items()).collect();
        if let Some(task) = sizes.iter().position(|size| *size == 0) {
            return Err(Error::Accuracy(format!(
                "validation needs items of every task so far, but task {task} has none"
            )));
        }
        let Some(current) = sizes.len().checked_sub(1) else {
            return Err(Error::Accuracy(
                "validation needs the data of every task so far, got none".to_string(),
            ));
        };
        let mut validations = lock(&self.shared);
        if validations.rows.len() < current {
            return Err(Error::Accuracy(format!(
                "validation in task {current} needs the accuracies after each of the {current} tasks before it, got {}; \
                 launch each task with the data of `validation` and one of the metrics, until the end of an epoch, or \
                 begin with `TaskAccuracies::after`",
                validations.rows.len()
            )));
        }
        validations.rows.truncate(current);
        validations.start(sizes);
        Ok(Arc::new(TaskLoader::new(tasks.to_vec())))
    }

    /// The mean accuracy over the tasks so far, [`AccuracyMatrix::average_accuracy`], in percent.
    pub fn average_accuracy_metric(&self) -> TaskMetric {
        self.metric(Measure::AverageAccuracy)
    }

    /// How far each earlier task fell from its best, [`AccuracyMatrix::forgetting`], in percent. It has no value in the
    /// first task.
    pub fn forgetting_metric(&self) -> TaskMetric {
        self.metric(Measure::Forgetting)
    }

    /// The accuracy on one task, in percent. It has no value before the task is trained.
    pub fn task_accuracy_metric(&self, task: usize) -> TaskMetric {
        self.metric(Measure::TaskAccuracy(task))
    }

    /// A row for each task that was validated: `rows()[i][j]` is the accuracy on task j ≤ i in the last complete
    /// validation of task i, in `[0, 1]`. Rows that were given to [`after`](Self::after) are the same as then.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        lock(&self.shared).rows.clone()
    }

    fn metric(&self, measure: Measure) -> TaskMetric {
        TaskMetric::new(measure, Arc::clone(&self.shared))
    }
}

/// What the metrics of a [`TaskAccuracies`] share. All of them see every minibatch of validation; the first one counts
/// it.
#[derive(Debug, Default)]
pub(super) struct Validations {
    /// A row for each task so far, that of the current task only if it was validated.
    rows: Vec<Vec<f64>>,
    /// The counts in the newest validation, for each task so far.
    counts: Vec<Count>,
    /// Number of items processed when the last minibatch was counted.
    num_processed: usize,
    /// Whether the next minibatch begins a validation.
    is_over: bool,
}

/// The items of one task in a validation.
#[derive(Debug, Default)]
struct Count {
    /// Number of items that the data has.
    num_items: usize,
    /// Number of predictions: one for each item, or several if an item is a sequence.
    predictions: usize,
    /// Number of predictions that are correct.
    correct: f64,
}

impl Validations {
    fn start(&mut self, sizes: Vec<usize>) {
        let count = |num_items| Count {
            num_items,
            ..Count::default()
        };
        self.counts = sizes.into_iter().map(count).collect();
        self.num_processed = 0;
        self.is_over = false;
    }

    /// Counts a minibatch of validation, unless it is counted already. Waits for the device.
    ///
    /// Returns whether the minibatch is one of validation. Training and other data are left out.
    pub(super) fn count(
        &mut self,
        minibatch: &AccuracyInput,
        metadata: &MetricMetadata,
    ) -> Result<bool, TensorReadError> {
        // burn-train passes a learning rate in training only.
        let progress = &metadata.progress;
        if metadata.lr.is_some() || progress.items_total != self.num_items() {
            return Ok(false);
        }
        if self.is_over {
            self.start(self.counts.iter().map(|count| count.num_items).collect());
        }
        if progress.items_processed <= self.num_processed {
            return Ok(true);
        }
        let mut end = 0;
        let of_task = self.counts.iter_mut().find(|count| {
            end += count.num_items;
            progress.items_processed <= end
        });
        let mut accuracy = AccuracyMetric::new();
        accuracy.update(minibatch, metadata)?;
        if let Some(of_task) = of_task
            && let Some(NumericEntry::Aggregated {
                aggregated_value,
                count,
            }) = accuracy.value()
        {
            of_task.predictions += count;
            // It was a whole number before it became a percentage.
            of_task.correct += (aggregated_value / PERCENT * count as f64).round();
        }
        self.num_processed = progress.items_processed;
        if self.is_complete() {
            let row = self.counts.iter();
            let row = row.map(|count| count.correct / count.predictions as f64);
            let row = row.collect();
            self.rows.truncate(self.counts.len() - 1);
            self.rows.push(row);
        }
        Ok(true)
    }

    /// Ends a validation. Its values remain until the next one begins.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }

    /// In percent. `None` if the newest validation was broken off, or if there is nothing to compare.
    pub(super) fn value(&self, measure: Measure) -> Option<f64> {
        let row = self.rows.last().filter(|_| self.is_complete())?;
        let share = match measure {
            Measure::TaskAccuracy(task) => row.get(task).copied(),
            Measure::AverageAccuracy => {
                let matrix = matrix(&self.rows).ok()?;
                matrix.average_accuracy(self.rows.len() - 1)
            }
            Measure::Forgetting => matrix(&self.rows).ok()?.forgetting(),
        };
        share.map(|share| PERCENT * share)
    }

    fn num_items(&self) -> usize {
        self.counts.iter().map(|count| count.num_items).sum()
    }

    fn is_complete(&self) -> bool {
        let is_measured = |count: &Count| count.predictions > 0;
        self.num_processed == self.num_items() && self.counts.iter().all(is_measured)
    }
}

const PERCENT: f64 = 100.0;

/// The matrix of the tasks so far. What is not measured counts as 0.
fn matrix(rows: &[Vec<f64>]) -> Result<AccuracyMatrix, Error> {
    let square = rows.iter().map(|row| {
        let mut row = row.clone();
        row.resize(rows.len(), 0.0);
        row
    });
    AccuracyMatrix::new(square.collect())
}

/// The data stays consistent even if a thread panics: nothing panics between two writes.
pub(super) fn lock(shared: &Mutex<Validations>) -> MutexGuard<'_, Validations> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use burn::Tensor;
    use burn::data::dataloader::batcher::Batcher;
    use burn::data::dataloader::{DataLoaderBuilder, Progress};
    use burn::data::dataset::InMemDataset;
    use burn::tensor::Device;

    use super::*;
    use crate::test_device::device;

    /// Number of items of a task.
    const NUM_ITEMS: usize = 4;

    struct Nothing;

    impl Batcher<usize, ()> for Nothing {
        fn batch(&self, _items: Vec<usize>, _device: &Device) {}
    }

    fn loader(num_items: usize) -> Arc<dyn DataLoader<()>> {
        DataLoaderBuilder::new(Nothing)
            .set_device(device())
            .build(InMemDataset::new((0..num_items).collect()))
    }

    /// Begins a launch of a task.
    fn start(accuracies: &mut TaskAccuracies, task: usize) {
        let tasks = vec![loader(NUM_ITEMS); task + 1];
        let valid = accuracies.validation(&tasks).expect("it fits");
        assert_eq!(valid.num_items(), NUM_ITEMS * (task + 1));
    }

    /// A minibatch of validation with all items of one of `num_tasks` tasks, and `correct` of them right.
    fn show(metric: &mut TaskMetric, [task, num_tasks]: [usize; 2], correct: usize) {
        let metadata = MetricMetadata {
            progress: Progress::new(NUM_ITEMS * (task + 1), NUM_ITEMS * num_tasks, None),
            iteration: Some(task + 1),
            lr: None,
        };
        show_as(metric, &metadata, correct);
    }

    fn show_as(metric: &mut TaskMetric, metadata: &MetricMetadata, correct: usize) {
        let device = device();
        let labels: Vec<i32> = (0..NUM_ITEMS).map(|it| (it >= correct).into()).collect();
        let targets = Tensor::from_data(labels.as_slice(), &device);
        // Class 0 is predicted for each item.
        let outputs = Tensor::from_floats([[1.0, 0.0]; NUM_ITEMS], &device);
        let minibatch = AccuracyInput::new(outputs, targets);
        metric.update(&minibatch, metadata).expect("it can be read");
    }

    /// The value at the end of a validation.
    fn end(metric: &mut TaskMetric) -> f64 {
        let shown = metric.compute().expect("it can be read");
        let value = metric.final_value().current();
        assert_eq!(shown.is_not_available(), value.is_nan());
        metric.clear();
        value
    }

    /// A validation of the tasks so far.
    fn validate(metric: &mut TaskMetric, correct: &[usize]) -> f64 {
        for (task, of_task) in correct.iter().enumerate() {
            show(metric, [task, correct.len()], *of_task);
        }
        end(metric)
    }

    #[test]
    fn values_are_those_of_the_accuracy_matrix() {
        let mut accuracies = TaskAccuracies::new();
        let mut values = Vec::new();
        let validations: [&[usize]; 3] = [&[3], &[1, 4], &[2, 2, 3]];
        for (task, correct) in validations.into_iter().enumerate() {
            start(&mut accuracies, task);
            let metrics = [
                accuracies.average_accuracy_metric(),
                accuracies.forgetting_metric(),
                accuracies.task_accuracy_metric(1),
            ];
            // Another epoch before the last one leaves no trace.
            let earlier = vec![NUM_ITEMS; task + 1];
            values.push(metrics.map(|mut metric| {
                validate(&mut metric, &earlier);
                validate(&mut metric, correct)
            }));
        }
        let rows = vec![vec![0.75], vec![0.25, 1.0], vec![0.5, 0.5, 0.75]];
        assert_eq!(accuracies.rows(), rows);
        let matrix = AccuracyMatrix::new(vec![
            vec![0.75, 0.0, 0.0],
            vec![0.25, 1.0, 0.0],
            vec![0.5, 0.5, 0.75],
        ]);
        let matrix = matrix.expect("it is square");
        let averages: Vec<f64> = values.iter().map(|[average, ..]| *average).collect();
        let expected = matrix.average_accuracies().into_iter();
        assert_eq!(averages, expected.map(|it| 100.0 * it).collect::<Vec<_>>());
        let [first, second, third] = [0, 1, 2].map(|task| values[task][1]);
        assert!(first.is_nan());
        assert_eq!(second, 50.0);
        assert_eq!(Some(third), matrix.forgetting().map(|it| 100.0 * it));
        let [first, second, third] = [0, 1, 2].map(|task| values[task][2]);
        assert!(first.is_nan());
        assert_eq!([second, third], [100.0, 50.0]);
    }

    #[test]
    fn minibatch_is_counted_once_however_many_metrics_see_it() {
        let mut accuracies = TaskAccuracies::new();
        start(&mut accuracies, 0);
        let mut metrics = [
            accuracies.average_accuracy_metric(),
            accuracies.task_accuracy_metric(0),
        ];
        for _ in 0..2 {
            for metric in &mut metrics {
                show(metric, [0, 1], 3);
            }
            assert_eq!(lock(&accuracies.shared).counts[0].predictions, NUM_ITEMS);
            assert_eq!(metrics.each_mut().map(end), [75.0, 75.0]);
        }
    }

    #[test]
    fn validation_that_is_broken_off_has_no_value_and_changes_no_row() {
        let mut accuracies = TaskAccuracies::after(vec![vec![1.0]]).expect("it is valid");
        start(&mut accuracies, 1);
        let mut metric = accuracies.average_accuracy_metric();
        show(&mut metric, [0, 2], 2);
        assert!(end(&mut metric).is_nan());
        assert_eq!(accuracies.rows(), [[1.0]]);
        assert_eq!(validate(&mut metric, &[2, 4]), 75.0);
        show(&mut metric, [0, 2], 0);
        assert!(end(&mut metric).is_nan());
        assert_eq!(accuracies.rows(), [vec![1.0], vec![0.5, 1.0]]);
    }

    #[test]
    fn training_and_other_data_are_left_out() {
        let mut accuracies = TaskAccuracies::new();
        start(&mut accuracies, 0);
        let mut metric = accuracies.task_accuracy_metric(0);
        let progress = |total| Progress::new(NUM_ITEMS, total, None);
        for (progress, lr) in [
            (progress(NUM_ITEMS), Some(1e-3.into())),
            (progress(NUM_ITEMS + 1), None),
        ] {
            let iteration = Some(1);
            let metadata = MetricMetadata {
                progress,
                iteration,
                lr,
            };
            show_as(&mut metric, &metadata, 3);
            assert!(end(&mut metric).is_nan());
        }
        assert!(accuracies.rows().is_empty());
        assert_eq!(validate(&mut metric, &[3]), 75.0);
        // The clone for training sees no validation.
        assert!(end(&mut metric.clone()).is_nan());
    }

    #[test]
    fn task_that_is_launched_again_starts_its_row_over() {
        let rows = vec![vec![0.5, 0.25], vec![0.5, 0.75]];
        let mut accuracies = TaskAccuracies::after(rows.clone()).expect("they are valid");
        assert_eq!(accuracies.rows(), rows);
        start(&mut accuracies, 1);
        assert_eq!(accuracies.rows(), rows[..1]);
        validate(&mut accuracies.forgetting_metric(), &[1, 4]);
        assert_eq!(accuracies.rows(), [vec![0.5, 0.25], vec![0.25, 1.0]]);
    }

    #[test]
    fn accuracies_that_do_not_fit_are_refused() {
        let refused = |tasks: &[Arc<dyn DataLoader<()>>]| {
            let data = TaskAccuracies::new().validation(tasks).map(|_| ());
            data.expect_err("it is refused").to_string()
        };
        assert!(refused(&[]).contains("got none"));
        assert!(refused(&[loader(1), loader(0)]).contains("task 1 has none"));
        let without_a_row = refused(&[loader(1), loader(1)]);
        assert!(without_a_row.contains("the 1 tasks before it, got 0"));
        for (rows, message) in [
            (vec![vec![0.5], vec![0.5]], "row 1 needs the accuracies"),
            (vec![vec![0.5, 2.0]], "got 2 in row 0"),
            (vec![vec![f64::NAN]], "got NaN in row 0"),
        ] {
            let error = TaskAccuracies::after(rows).map(|_| ());
            let error = error.expect_err("they are refused").to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
