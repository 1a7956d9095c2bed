use burn::optim::GradientsAccumulator;
#[cfg(feature = "ndarray")]
use burn::tensor::Device;
use burn_train::metric::LossMetric;
use burn_train::{ExecutionStrategy, MultiDeviceOptim, TrainStep};
use si_core::ContinualLearner;

use crate::common::mlp::Mlp;
use crate::common::{assert_same_parts, assert_same_report, tolerance, values};
use crate::train::model::state;
use crate::train::recorder::Recorder;
use crate::train::setup::{
    LEARNING_RATE, NUM_EPOCHS, NUM_MINIBATCHES, device, folder, items, launch, learner, loader,
    optimizer, training,
};

/// Rounding of sums in float32, for numbers of size 1.
const ROUNDING: f64 = 1e-5;

fn after_the_first_task() -> ContinualLearner<Mlp> {
    let folder = folder();
    let mut learner = launch(training(folder.path(), 0), learner());
    learner.end_task();
    learner.end_epoch();
    learner
}

/// The penalty of each step of the second task, computed as a term of the loss, and the loss of each minibatch.
fn by_hand(accumulation: usize) -> (Vec<f64>, Vec<f64>) {
    let mut learner = after_the_first_task();
    let mut optimizer = optimizer();
    let (mut penalties, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..NUM_EPOCHS {
        let batches: Vec<_> = loader(items(1)).iter().collect();
        for batches in batches.chunks(accumulation) {
            let mut accumulator = GradientsAccumulator::new();
            for batch in batches {
                let batch = batch.as_ref().expect("it is in memory").clone();
                let output = TrainStep::step(&learner, batch);
                losses.extend(values(output.item.loss));
                accumulator.accumulate(&learner, output.grads);
            }
            penalties.extend(values(learner.regularizer().penalty(&*learner)));
            learner = learner.optimize(&mut optimizer, LEARNING_RATE, accumulator.grads());
        }
    }
    (penalties, losses)
}

fn assert_near(shown: &[f64], expected: &[f64]) {
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(
            (shown - expected).abs() < tolerance(ROUNDING),
            "{shown} is not {expected}"
        );
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn metrics_show_the_penalty_of_each_step_and_its_share_of_the_loss() {
    for accumulation in [1, 3] {
        let (penalties, losses) = by_hand(accumulation);
        let folder = folder();
        let recorder = Recorder::default();
        let mut learner = after_the_first_task();
        let training = training(folder.path(), 1)
            .grads_accumulation(accumulation)
            .renderer(Box::new(recorder.clone()))
            .metrics((
                learner.penalty_metric(),
                learner.penalty_share_metric(),
                LossMetric::new(),
            ));
        let mut learner = launch(training, learner);

        // A minibatch has a value only if a step was taken after it.
        let shown = recorder.minibatches("train", "Penalty");
        let has_step = |index: usize| {
            let in_epoch = index % NUM_MINIBATCHES;
            (in_epoch + 1).is_multiple_of(accumulation) || in_epoch + 1 == NUM_MINIBATCHES
        };
        let is_shown: Vec<bool> = shown.iter().map(Option::is_some).collect();
        let expected: Vec<bool> = (0..NUM_EPOCHS * NUM_MINIBATCHES).map(has_step).collect();
        assert_eq!(is_shown, expected);
        let shown: Vec<f64> = shown.into_iter().flatten().collect();
        assert_near(&shown, &penalties);
        assert!(mean(&penalties) > ROUNDING * 100.0, "{penalties:?}");

        // An epoch's value is the mean over its steps.
        let steps = NUM_MINIBATCHES.div_ceil(accumulation);
        let of_epochs: Vec<f64> = penalties.chunks(steps).map(mean).collect();
        assert_near(&recorder.epochs("train", "Penalty"), &of_epochs);

        // The share is relative to the sum of the losses in a step.
        let share = |penalty: f64, loss: f64| penalty / (penalty + loss);
        let of_steps: Vec<f64> = losses
            .chunks(NUM_MINIBATCHES)
            .flat_map(|epoch| epoch.chunks(accumulation))
            .zip(&penalties)
            .map(|(losses, penalty)| share(*penalty, losses.iter().sum()))
            .collect();
        let shown = recorder.minibatches("train", "Penalty Share");
        let shown: Vec<f64> = shown.into_iter().flatten().collect();
        assert_near(&shown, &of_steps);
        let of_epochs: Vec<f64> = losses
            .chunks(NUM_MINIBATCHES)
            .zip(penalties.chunks(steps))
            .map(|(losses, penalties)| share(penalties.iter().sum(), losses.iter().sum()))
            .collect();
        assert_near(&recorder.epochs("train", "Penalty Share"), &of_epochs);

        // In validation: the last penalty, relative to the mean of the validation losses.
        let last: Vec<f64> = penalties.chunks(steps).map(|it| it[it.len() - 1]).collect();
        assert_near(&recorder.epochs("valid", "Penalty"), &last);
        let minibatches = recorder.minibatches("valid", "Penalty");
        assert_eq!(minibatches, vec![None; NUM_EPOCHS * NUM_MINIBATCHES]);
        let losses: Vec<f64> = recorder
            .minibatches("valid", "Loss")
            .into_iter()
            .flatten()
            .collect();
        let shares: Vec<f64> = losses
            .chunks(NUM_MINIBATCHES)
            .zip(&last)
            .map(|(losses, penalty)| share(*penalty, mean(losses)))
            .collect();
        assert_near(&recorder.epochs("valid", "Penalty Share"), &shares);

        let report = learner.end_epoch();
        assert_near(&[report.penalty], &[mean(&penalties)]);
    }
}

#[test]
fn metrics_change_neither_the_training_nor_the_report() {
    let [watched_folder, plain_folder] = [folder(), folder()];
    let mut learner = after_the_first_task();
    let watched = training(watched_folder.path(), 1)
        .metrics((learner.penalty_metric(), learner.penalty_share_metric()));
    let mut watched = launch(watched, learner);
    let mut plain = launch(training(plain_folder.path(), 1), after_the_first_task());
    assert_same_parts(&state(&watched), &state(&plain));
    assert_eq!(watched.end_task(), plain.end_task());
    let [watched, plain] = [watched.end_epoch(), plain.end_epoch()];
    assert_same_report(&watched, &plain);
    assert!(plain.penalty > 0.0);
}

#[test]
fn metrics_show_no_penalty_in_the_first_task() {
    let folder = folder();
    let recorder = Recorder::default();
    let mut learner = learner();
    let training = training(folder.path(), 0)
        .renderer(Box::new(recorder.clone()))
        .metrics((learner.penalty_metric(), learner.penalty_share_metric()));
    launch(training, learner);
    for metric in ["Penalty", "Penalty Share"] {
        for split in ["train", "valid"] {
            assert_eq!(recorder.epochs(split, metric), vec![0.0; NUM_EPOCHS]);
        }
        let minibatches = recorder.minibatches("train", metric);
        assert_eq!(minibatches, vec![Some(0.0); NUM_EPOCHS * NUM_MINIBATCHES]);
    }
}

#[test]
fn minibatches_of_several_devices_have_one_penalty_per_step() {
    #[cfg(feature = "ndarray")]
    #[expect(deprecated, reason = "another CPU backend is another device")]
    let other = Device::ndarray().autodiff();
    #[cfg(not(feature = "ndarray"))]
    let other = device();
    let cases = [
        (MultiDeviceOptim::OptimMainDevice, device()),
        (MultiDeviceOptim::OptimSharded, device()),
        (MultiDeviceOptim::OptimSharded, other),
    ];
    for (optim, second) in cases {
        let folder = folder();
        let recorder = Recorder::default();
        let mut learner = after_the_first_task();
        let strategy = ExecutionStrategy::multi(vec![device(), second], optim);
        let training = training(folder.path(), 1)
            .with_training_strategy(strategy.into())
            .renderer(Box::new(recorder.clone()))
            .metrics((learner.penalty_metric(), learner.penalty_share_metric()));
        let mut learner = launch(training, learner);
        let report = learner.end_epoch();
        // Each device gets half of the minibatches.
        let num_steps = NUM_EPOCHS * NUM_MINIBATCHES / 2;
        assert_eq!(report.num_steps, num_steps);
        let of_epochs = recorder.epochs("train", "Penalty");
        assert_near(&[mean(&of_epochs)], &[report.penalty]);
        let shown = recorder.minibatches("train", "Penalty");
        let has_value: Vec<bool> = shown.iter().map(Option::is_some).collect();
        assert_eq!(has_value, [false, true].repeat(num_steps));
    }
}
