use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn_train::metric::store::{Aggregate, Direction, Split};
use burn_train::metric::{AccuracyMetric, LossMetric};
use burn_train::{
    EvaluatorBuilder, Learner, MetricEarlyStoppingStrategy, StoppingCondition, TrainStep,
};
use si_core::{ContinualLearner, TaskWarning};

use crate::common::mlp::Mlp;
use crate::common::{assert_same_parts, assert_same_report, tolerance};
use crate::train::model::{Clipped, TwoHeads, WEIGHT_LIMIT, mlp, numbers, state};
use crate::train::recorder::Recorder;
use crate::train::setup::{
    BATCH_SIZE, LEARNING_RATE, NUM_EPOCHS, NUM_MINIBATCHES, device, folder, items, launch, learner,
    loader, optimizer, train_by_hand, training, wrapped,
};

const NUM_TASKS: usize = 2;

#[test]
fn one_launch_per_task_equals_a_hand_written_loop_to_the_bit() {
    for accumulation in [1, 3] {
        let (mut launched, mut by_hand) = (learner(), learner());
        for task in 0..NUM_TASKS {
            let folder = folder();
            let training = training(folder.path(), task).grads_accumulation(accumulation);
            launched = launch(training, launched);
            let loaders = [loader(items(task))];
            let mut optimizer = optimizer();
            by_hand = train_by_hand(by_hand, &mut optimizer, &loaders, accumulation, NUM_EPOCHS);
            // Before the task's end, which clears the path integrals.
            assert_same_parts(&state(&launched), &state(&by_hand));
            assert_eq!(launched.end_task(), None);
            assert_eq!(by_hand.end_task(), None);
            assert_same_parts(&state(&launched), &state(&by_hand));
        }
        assert_same_report(&launched.end_epoch(), &by_hand.end_epoch());
    }
}

#[test]
fn task_may_end_in_validation_mode_as_a_launch_leaves_it() {
    let folder = folder();
    let launched =
        training(folder.path(), 0).launch(Learner::new(learner(), optimizer(), LEARNING_RATE));
    let mut in_training = launched.model.clone().train();
    in_training.end_task();
    let mut in_validation = launched.model;
    assert_eq!(in_validation.end_task(), None);
    let in_validation = in_validation.train();
    assert_same_parts(&state(&in_validation), &state(&in_training));
    let all = in_validation.regularizer().synapses();
    assert_eq!(all.len(), 4);
    assert!(
        all.iter()
            .all(|synapse| synapse.importance_primitive().is_some())
    );
}

#[test]
fn accumulated_gradients_make_one_step_of_their_sum() {
    let learner_of_two_tasks = || {
        let loaders = [loader(items(0))];
        let mut learner = train_by_hand(learner(), &mut optimizer(), &loaders, 1, 1);
        learner.end_task();
        learner.end_epoch();
        learner
    };
    let folder = folder();
    let training = training(folder.path(), 1)
        .num_epochs(1)
        .grads_accumulation(100);
    let mut launched = launch(training, learner_of_two_tasks());
    let before = learner_of_two_tasks();
    // The loss of the whole epoch: the sum of its minibatches' means.
    let loader = loader(items(1));
    let losses = loader.iter().map(|batch| {
        let batch = batch.expect("it is in memory");
        before.loss(batch.inputs, batch.labels)
    });
    let loss = losses
        .reduce(|sum, loss| sum + loss)
        .expect("there are some");
    let grads = GradientsParams::from_grads(loss.backward(), &before);
    let stepped = before.optimize(&mut optimizer(), LEARNING_RATE, grads);
    /// Rounding of float32: here the sum's gradient comes from one backward pass.
    const ROUNDING: f64 = 1e-5;
    for (launched, stepped) in numbers(&launched).iter().zip(numbers(&stepped)) {
        assert!(
            (launched - stepped).abs() < tolerance(ROUNDING),
            "{launched}, {stepped}"
        );
    }
    assert_eq!(launched.end_epoch().num_steps, 1);
}

#[test]
fn module_with_its_own_way_to_optimize_uses_it() {
    let clipped = || {
        wrapped(Clipped {
            inner: mlp(0, &device()),
        })
    };
    let (mut launched, mut by_hand) = (clipped(), clipped());
    for task in 0..2 {
        let folder = folder();
        launched = launch(training(folder.path(), task), launched);
        let mut optimizer = optimizer();
        for batch in (0..NUM_EPOCHS).flat_map(|_| loader(items(task)).iter().collect::<Vec<_>>()) {
            let grads = TrainStep::step(&*by_hand, batch.expect("it is in memory")).grads;
            let mut regularizer = by_hand.regularizer().clone();
            let module = (*by_hand).clone();
            let grads = regularizer.penalize(&module, grads);
            let module = optimizer.step(LEARNING_RATE, module, grads).clip();
            regularizer.observe(&module);
            *by_hand = module;
            *by_hand.regularizer_mut() = regularizer;
        }
        assert_same_parts(&state(&launched), &state(&by_hand));
        launched.end_task();
        by_hand.end_task();
    }
    let weights = crate::common::values(launched.inner.fc1.weight.val());
    let at_limit = |weight: &&f64| (weight.abs() - WEIGHT_LIMIT).abs() < 1e-6;
    assert!(
        weights.iter().any(|weight| at_limit(&weight)),
        "{weights:?}"
    );
}

#[test]
fn all_ways_to_optimize_give_the_same_state() {
    let batch = || {
        let batch = loader(items(0)).iter().next();
        batch.expect("there is one").expect("it is in memory")
    };
    let learner = learner();
    let grads = || TrainStep::step(&*learner, batch()).grads;
    let optimizer = || AdamConfig::new().init();
    let own = learner
        .clone()
        .optimize(&mut optimizer(), LEARNING_RATE, grads());
    let of_the_trait = TrainStep::optimize(
        learner.clone(),
        &mut optimizer(),
        LEARNING_RATE.into(),
        grads(),
    );
    let (stepped, _loss) = learner
        .clone()
        .step(&mut optimizer(), LEARNING_RATE, |model| {
            let batch = batch();
            model.loss(batch.inputs, batch.labels)
        });
    assert_same_parts(&state(&own), &state(&of_the_trait));
    assert_same_parts(&state(&own), &state(&stepped));
    assert_ne!(state(&own), state(&learner));
}

#[test]
fn head_that_no_batch_uses_has_no_state() {
    let folder = folder();
    let mut learner = launch(
        training(folder.path(), 0),
        wrapped(TwoHeads::new(&device())),
    );
    learner.end_task();
    let has_state = |layer: &burn::nn::Linear| {
        let regularizer = learner.regularizer();
        let of_weight = regularizer.synapse(layer.weight.id).is_some();
        assert_eq!(
            of_weight,
            regularizer.synapse(Mlp::bias(layer).id).is_some()
        );
        of_weight
    };
    assert!(has_state(&learner.body));
    assert!(has_state(&learner.used));
    assert!(!has_state(&learner.unused));
}

#[test]
fn early_stop_ends_the_launch_and_not_the_task() {
    let folder = folder();
    let strategy = MetricEarlyStoppingStrategy::new(
        &LossMetric::new(),
        Aggregate::Mean,
        Direction::Lowest,
        Split::Valid,
        StoppingCondition::NoImprovementSince { n_epochs: 1 },
    );
    let training = training(folder.path(), 0)
        .num_epochs(50)
        .metrics((LossMetric::new(),))
        .early_stopping(strategy);
    let result = training.launch(Learner::new(learner(), optimizer(), 0.0));
    let mut learner: ContinualLearner<Mlp> = result.model.train();
    // The loss cannot improve, so the first epoch is the best and the second is the last.
    assert_eq!(learner.end_epoch().num_steps, 2 * NUM_MINIBATCHES);
    assert_eq!(learner.regularizer().task(), 0);
    assert_eq!(learner.end_task(), None);
    assert_eq!(learner.regularizer().task(), 1);
    // A second call has nothing to consolidate.
    assert_eq!(learner.end_task(), Some(TaskWarning::NoStep));
}

#[test]
fn evaluator_measures_each_task_with_the_learner_and_with_its_module() {
    let folder = folder();
    let mut learner = launch(training(folder.path(), 0), learner());
    learner.end_task();
    let learner = learner.valid();
    let splits = || (0..2).map(|task| (format!("task {task}"), loader(items(task))));
    let by_hand = |task: usize| {
        let correct = items(task).into_iter().filter(|(inputs, label)| {
            let inputs = burn::Tensor::<2>::from_floats([*inputs], &device().inner());
            let output = learner.forward(inputs).argmax(1).into_scalar::<i32>();
            output == *label
        });
        100.0 * correct.count() as f64 / items(task).len() as f64
    };
    /// Rounding of percentages that Burn computes in float32 for each minibatch, and averages.
    const ROUNDING: f64 = 1e-3;
    let check = |recorder: &Recorder| {
        for task in 0..2 {
            let name = format!("task {task}");
            let minibatches = recorder.minibatches(&name, "Accuracy");
            let minibatches: Vec<f64> = minibatches.into_iter().flatten().collect();
            assert_eq!(minibatches.len(), NUM_MINIBATCHES);
            let items = items(task);
            let sizes = items.chunks(BATCH_SIZE).map(|items| items.len() as f64);
            let sum: f64 = minibatches
                .iter()
                .zip(sizes)
                .map(|(of, size)| of * size)
                .sum();
            let accuracy = sum / items.len() as f64;
            assert!((accuracy - by_hand(task)).abs() < ROUNDING, "{accuracy}");
        }
    };
    let recorder = Recorder::default();
    EvaluatorBuilder::new(folder.path())
        .metrics((AccuracyMetric::new(),))
        .with_application_logger(None)
        .renderer(Box::new(recorder.clone()))
        .build(learner.clone())
        .eval_all(splits());
    check(&recorder);
    let recorder = Recorder::default();
    EvaluatorBuilder::new(folder.path())
        .metrics((AccuracyMetric::new(),))
        .with_application_logger(None)
        .renderer(Box::new(recorder.clone()))
        .build(learner.clone().into_inner())
        .eval_all(splits());
    check(&recorder);
}
