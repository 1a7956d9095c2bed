//! Training on several devices: two that are the same device, and two on different backends.

use burn::backend::TensorMetadata;
use burn::module::Module;
use burn::optim::{GradientsParams, MultiGradientsParams};
use burn::prelude::*;
use burn_train::{ExecutionStrategy, Learner, MultiDeviceOptim, TrainStep};
use si_core::ContinualLearner;

use crate::common::mlp::Mlp;
use crate::common::{assert_same_parts, assert_same_report, tolerance};
use crate::train::model::{numbers, state};
use crate::train::setup::{
    LEARNING_RATE, Loader, NUM_EPOCHS, device, folder, items, launch, learner, loader, optimizer,
    train_by_hand, training,
};

const STRATEGIES: [MultiDeviceOptim; 2] = [
    MultiDeviceOptim::OptimMainDevice,
    MultiDeviceOptim::OptimSharded,
];
const NUM_TASKS: usize = 2;

/// Each of two devices' half of a task.
fn halves(task: usize) -> [Loader; 2] {
    let items = items(task);
    let (first, second) = items.split_at(items.len() / 2);
    [loader(first.to_vec()), loader(second.to_vec())]
}

fn launch_on(
    devices: &[Device],
    optim: MultiDeviceOptim,
    accumulation: usize,
) -> ContinualLearner<Mlp> {
    let mut learner = learner();
    for task in 0..NUM_TASKS {
        let folder = folder();
        let strategy = ExecutionStrategy::multi(devices.to_vec(), optim);
        let training = training(folder.path(), task)
            .grads_accumulation(accumulation)
            .with_training_strategy(strategy.into());
        learner = launch(training, learner);
        assert_eq!(learner.end_task(), None);
    }
    learner
}

fn by_hand(accumulation: usize) -> ContinualLearner<Mlp> {
    let mut learner = learner();
    for task in 0..NUM_TASKS {
        let mut optimizer = optimizer();
        let halves = halves(task);
        learner = train_by_hand(learner, &mut optimizer, &halves, accumulation, NUM_EPOCHS);
        learner.end_task();
    }
    learner
}

#[test]
fn two_devices_make_one_step_of_the_sum_of_their_gradients() {
    let devices = [device(), device()];
    for accumulation in [1, 3] {
        let mut by_hand = by_hand(accumulation);
        for optim in STRATEGIES {
            let mut launched = launch_on(&devices, optim, accumulation);
            // Two addends have the same sum in either order. Three rounds of two addends do not.
            match accumulation {
                1 => assert_same_parts(&state(&launched), &state(&by_hand)),
                _ => assert_near(&launched, &by_hand),
            }
            let (launched, by_hand) = (launched.end_epoch(), by_hand.clone().end_epoch());
            assert_eq!(launched.num_steps, by_hand.num_steps);
        }
        assert!(by_hand.end_epoch().penalty > 0.0);
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn state_stays_with_its_parameter_if_the_optimizer_spans_devices() {
    #[expect(deprecated, reason = "another CPU backend is another device")]
    let devices = [Device::flex().autodiff(), Device::ndarray().autodiff()];
    for optim in STRATEGIES {
        let launched = launch_on(&devices, optim, 1);
        assert_near(&launched, &by_hand(1));
        // When the task ends, the state is on the same device as the parameters.
        assert_eq!(launched.regularizer().synapses().len(), 4);
        assert_is_on(&launched, &devices[0]);
    }
}

/// Rounding of float32 over some forty steps, each of which rounds in another order.
const ROUNDING: f64 = 1e-3;

fn assert_near(launched: &ContinualLearner<Mlp>, expected: &ContinualLearner<Mlp>) {
    let [launched, expected] = [numbers(launched), numbers(expected)];
    assert_eq!(launched.len(), expected.len());
    for (launched, expected) in launched.iter().zip(&expected) {
        let scale = expected.abs().max(1.0);
        assert!(
            (launched - expected).abs() < tolerance(ROUNDING) * scale,
            "{launched} is not {expected}"
        );
    }
}

#[test]
fn gradients_of_several_devices_are_penalized_once() {
    let loaders = [loader(items(0))];
    let mut learner = train_by_hand(learner(), &mut optimizer(), &loaders, 1, 1);
    learner.end_task();
    // Moves away from the anchor, so that the penalty has a gradient.
    let learner = train_by_hand(learner, &mut optimizer(), &[loader(items(1))], 1, 1);
    let grads = || {
        let batches = halves(1).map(|half| half.iter().next());
        batches.map(|batch| {
            let batch = batch.expect("there is one").expect("it is in memory");
            TrainStep::step(&learner, batch).grads
        })
    };
    let parts = grads().map(|grads| (grads, device()));
    let parts = MultiGradientsParams {
        grads: parts.into(),
    };
    let spread = TrainStep::optimize_multi(
        learner.clone(),
        &mut optimizer(),
        LEARNING_RATE.into(),
        parts,
    );
    let mut sum = burn::optim::GradientsAccumulator::new();
    for grads in grads() {
        sum.accumulate(&learner, grads);
    }
    let summed = learner
        .clone()
        .optimize(&mut optimizer(), LEARNING_RATE, sum.grads());
    assert_same_parts(&state(&spread), &state(&summed));
    let (spread, summed) = (spread.clone().end_epoch(), summed.clone().end_epoch());
    assert_same_report(&spread, &summed);
    assert!(spread.penalty > 0.0);
}

/// What a distributed training does on each device: it gives each replica the same mean of the gradients. Burn
/// computes that mean, and marks parameters for it, only on CUDA devices.
#[test]
fn replicas_of_a_distributed_training_keep_the_same_importance() {
    let replica = || {
        let mut replica = Learner::new(learner(), optimizer(), LEARNING_RATE);
        replica.fork(&device());
        replica
    };
    let mut replicas = [replica(), replica()];
    let mut alone = learner();
    let mut optimizer = optimizer();
    for (first, second) in halves(0)[0].iter().zip(halves(0)[1].iter()) {
        let batches = [first, second].map(|batch| batch.expect("it is in memory"));
        let mean = |learner: &ContinualLearner<Mlp>| -> GradientsParams {
            let losses = batches
                .clone()
                .map(|batch| learner.loss(batch.inputs, batch.labels) / 2.0);
            let loss = losses.into_iter().reduce(|sum, loss| sum + loss);
            let loss = loss.expect("there are two");
            GradientsParams::from_grads(loss.backward(), learner)
        };
        for replica in &mut replicas {
            let grads = mean(&replica.model());
            replica.lr_step();
            replica.optimizer_step(grads);
        }
        let grads = mean(&alone);
        alone = alone.optimize(&mut optimizer, LEARNING_RATE, grads);
    }
    alone.end_task();
    for replica in replicas {
        let mut replica = replica.model().valid();
        replica.end_task();
        assert_same_parts(&state(&replica), &state(&alone));
    }
}

#[test]
fn state_follows_a_fork_at_the_next_step_and_none_is_lost() {
    let loaders = [loader(items(0))];
    let mut learner = train_by_hand(learner(), &mut optimizer(), &loaders, 1, 1);
    learner.end_task();
    #[cfg(feature = "ndarray")]
    #[expect(deprecated, reason = "another CPU backend is another device")]
    let other = Device::ndarray().autodiff();
    #[cfg(not(feature = "ndarray"))]
    let other = device();
    let loaders = [loader(items(1))];
    let mut stayed = train_by_hand(learner.clone(), &mut optimizer(), &loaders, 1, 1);
    let loaders = loaders.map(|loader| loader.to_device(&other));
    let moved = train_by_hand(learner.fork(&other), &mut optimizer(), &loaders, 1, 1);
    assert_near(&moved, &stayed);
    assert_is_on(&moved, &other);
    // Moves back, and the task ends before another step.
    let mut back = moved.fork(&device());
    assert_eq!(back.end_task(), stayed.end_task());
    assert_near(&back, &stayed);
    assert_is_on(&back, &device());
}

fn assert_is_on(learner: &ContinualLearner<Mlp>, device: &Device) {
    for synapse in learner.regularizer().synapses() {
        assert_eq!(synapse.anchor_primitive().device(), *device.as_dispatch());
        if let Some(importance) = synapse.importance_primitive() {
            assert_eq!(importance.device(), *device.as_dispatch());
        }
    }
}

/// Regression: the sum from before the move was still on the other device.
#[cfg(feature = "ndarray")]
#[test]
fn penalty_is_still_summed_after_its_parameters_move_under_a_metric() {
    #[expect(deprecated, reason = "another CPU backend is another device")]
    let other = Device::ndarray().autodiff();
    let mut optimizer = optimizer();
    let mut step = |learner: ContinualLearner<Mlp>, device: &Device| {
        let learner = learner.fork(device);
        let batches = loader(items(1)).to_device(device);
        let batch = batches.iter().next().expect("there is one");
        let output = TrainStep::step(&learner, batch.expect("it is in memory"));
        TrainStep::optimize(learner, &mut optimizer, LEARNING_RATE.into(), output.grads)
    };
    let loaders = [loader(items(0))];
    let mut learner = train_by_hand(learner(), &mut self::optimizer(), &loaders, 1, 1);
    learner.end_task();
    learner.end_epoch();
    let metric = learner.penalty_metric();
    for device in [device(), device(), other.clone(), other, device()] {
        learner = step(learner, &device);
    }
    assert!(learner.end_epoch().penalty > 0.0);
    drop(metric);
}
