use burn::Tensor;
use burn::module::Module;
use burn_train::SupervisedTraining;
use si_core::ContinualLearner;
use si_core::measures::AccuracyMatrix;
use si_core::train::TaskAccuracies;

use crate::common::mlp::Mlp;
use crate::train::recorder::Recorder;
use crate::train::setup::{
    Loader, NUM_EPOCHS, device, folder, items, launch, learner, loader, training, training_with,
};

const NUM_TASKS: usize = 3;

/// The accuracies on the first tasks, counted item by item.
fn by_hand(learner: &ContinualLearner<Mlp>, num_tasks: usize) -> Vec<f64> {
    let learner = learner.valid();
    let accuracy = |task: usize| {
        let items = items(task);
        let is_correct = |(inputs, label): &([f32; 3], i32)| {
            let inputs = Tensor::<2>::from_floats([*inputs], &device().inner());
            let predicted: i32 = learner.forward(inputs).argmax(1).into_scalar();
            predicted == *label
        };
        let correct = items.iter().filter(|item| is_correct(item)).count();
        correct as f64 / items.len() as f64
    };
    (0..num_tasks).map(accuracy).collect()
}

/// The tasks so far, the given one included.
fn seen(task: usize) -> Vec<Loader> {
    (0..=task).map(|task| loader(items(task))).collect()
}

/// Launches a task with all metrics. Returns the learner, before the task's end, and what was shown.
fn launch_task(
    accuracies: &mut TaskAccuracies,
    learner: ContinualLearner<Mlp>,
    task: usize,
) -> (ContinualLearner<Mlp>, Recorder) {
    let folder = folder();
    let recorder = Recorder::default();
    let valid = accuracies.validation(&seen(task)).expect("it fits");
    let mut training: SupervisedTraining<ContinualLearner<Mlp>> =
        training_with(folder.path(), loader(items(task)), valid)
            .renderer(Box::new(recorder.clone()))
            .metric_valid_numeric(accuracies.average_accuracy_metric())
            .metric_valid_numeric(accuracies.forgetting_metric());
    for task in 0..=task {
        training = training.metric_valid_numeric(accuracies.task_accuracy_metric(task));
    }
    (launch(training, learner), recorder)
}

/// The matrix of the tasks so far. An accuracy from before a task was trained is 0.
fn matrix(rows: &[Vec<f64>]) -> AccuracyMatrix {
    let mut square = rows.to_vec();
    for row in &mut square {
        row.resize(rows.len(), 0.0);
    }
    AccuracyMatrix::new(square).expect("it is square")
}

#[test]
fn task_metrics_equal_the_measures_of_the_accuracy_matrix_after_each_epoch() {
    let mut accuracies = TaskAccuracies::new();
    let mut learner = learner();
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for task in 0..NUM_TASKS {
        let after = |num_epochs: usize| {
            let folder = folder();
            let training = training(folder.path(), task).num_epochs(num_epochs);
            by_hand(&launch(training, learner.clone()), task + 1)
        };
        let row_of_each_epoch: Vec<Vec<f64>> = (1..=NUM_EPOCHS).map(after).collect();
        let (launched, shown) = launch_task(&mut accuracies, learner, task);
        learner = launched;
        learner.end_task();

        let averages = shown.epochs("valid", "Average Accuracy");
        let forgetting = shown.epochs("valid", "Forgetting");
        assert_eq!([averages.len(), forgetting.len()], [NUM_EPOCHS; 2]);
        for (epoch, row) in row_of_each_epoch.into_iter().enumerate() {
            rows.truncate(task);
            rows.push(row.clone());
            let matrix = matrix(&rows);
            let average = matrix.average_accuracy(task).map(|share| 100.0 * share);
            assert_eq!(Some(averages[epoch]), average);
            match matrix.forgetting() {
                Some(share) => assert_eq!(forgetting[epoch], 100.0 * share),
                None => assert!(forgetting[epoch].is_nan()),
            }
            for (earlier, accuracy) in row.iter().enumerate() {
                let shown = shown.epochs("valid", &format!("Accuracy on Task {earlier}"));
                assert_eq!(shown[epoch], 100.0 * accuracy);
            }
        }
        assert_eq!(accuracies.rows(), rows);
    }
}

#[test]
fn task_metrics_continue_from_stored_rows() {
    let mut unbroken = TaskAccuracies::new();
    let (mut learner, _) = launch_task(&mut unbroken, learner(), 0);
    learner.end_task();
    // As in a new program.
    let stored = serde_json::to_string(&unbroken.rows()).expect("they are numbers");
    let stored = serde_json::from_str(&stored).expect("they were written so");
    let mut resumed = TaskAccuracies::after(stored).expect("they are valid");
    let (_, expected) = launch_task(&mut unbroken, learner.clone(), 1);
    let (_, shown) = launch_task(&mut resumed, learner, 1);
    for metric in ["Average Accuracy", "Forgetting", "Accuracy on Task 0"] {
        let expected = expected.epochs("valid", metric);
        assert!(expected.iter().all(|value| value.is_finite()), "{metric}");
        assert_eq!(shown.epochs("valid", metric), expected);
    }
    assert_eq!(resumed.rows(), unbroken.rows());
}

#[test]
fn task_metrics_show_nothing_in_training() {
    let mut accuracies = TaskAccuracies::new();
    let folder = folder();
    let recorder = Recorder::default();
    // As many items as in validation.
    let valid = accuracies.validation(&seen(0)).expect("it fits");
    let training = training_with(folder.path(), loader(items(0)), valid)
        .renderer(Box::new(recorder.clone()))
        .metrics((accuracies.average_accuracy_metric(),));
    let learner = launch(training, learner());
    let in_training = recorder.epochs("train", "Average Accuracy");
    assert!(in_training.iter().all(|value| value.is_nan()));
    assert_eq!(in_training.len(), NUM_EPOCHS);
    let in_validation = recorder.epochs("valid", "Average Accuracy");
    let last = 100.0 * by_hand(&learner, 1)[0];
    assert_eq!(in_validation.last(), Some(&last));
}
