//! A replica that leaves its stack, and continues alone.

use burn::optim::AdamConfig;
use si_core::{
    ContinualLearner, ContinualOptimizer, ParameterPolicy, SynapticAdamConfig, SynapticSgdConfig,
    with_more_outputs,
};

use super::network::{REPLICAS, Stack, loss_alone, networks};
use super::ways::{LEARNING_RATE, STEPS, TASKS, of_replica, parts, sgd_with_momentum};
use super::{Training, config, started, with_strengths};
use crate::common::assert_same_parts;
use crate::common::mlp::Mlp;

/// In the middle of the second task.
const LEAVES_AFTER: usize = STEPS + STEPS / 2;

fn replica_alone_continues<O: ContinualOptimizer + Clone>(new: impl Fn() -> O) {
    let stack = started(new()).steps(LEAVES_AFTER);
    let left: Vec<_> = (0..REPLICAS)
        .map(|index| {
            let module = stack.learner.replica(index);
            let learner = &stack.learner;
            let alone = learner.replica_alone(index, module, &stack.optimizer, new());
            alone.expect("the paths are the same")
        })
        .collect();
    let stack = stack.steps(TASKS * STEPS - LEAVES_AFTER);
    for (index, (mut learner, mut optimizer)) in left.into_iter().enumerate() {
        assert_eq!(learner.regularizer().task(), 1);
        for step in LEAVES_AFTER..TASKS * STEPS {
            let at = (step / STEPS, step % STEPS);
            let loss = |network: &_| loss_alone(network, index, at);
            (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, loss);
            if (step + 1).is_multiple_of(STEPS) {
                assert_eq!(learner.end_task(), None);
            }
        }
        let alone = parts(&*learner, learner.regularizer());
        assert_same_parts(&alone, &of_replica(&stack.parts(), index, REPLICAS));
    }
}

#[test]
fn replica_alone_continues_the_training_of_its_stack() {
    replica_alone_continues(|| AdamConfig::new().init());
    replica_alone_continues(sgd_with_momentum);
    replica_alone_continues(|| SynapticAdamConfig::new().init());
    replica_alone_continues(|| SynapticSgdConfig::new().init());
}

#[test]
fn replica_alone_has_the_strength_that_it_had_in_every_task_and_for_every_policy() {
    let config = with_strengths(&config())
        .with_strength_schedule(vec![1.0, 0.5])
        .with_policies(vec![ParameterPolicy::path("fc2.*").with_strength(8.0)]);
    let learner = ContinualLearner::new(Stack::of(&networks()), &config);
    let learner = learner.expect("the config is valid");
    let optimizer = SynapticAdamConfig::new().init();
    let alone = learner.replica_alone(2, learner.replica(2), &optimizer, optimizer.clone());
    let (alone, _) = alone.expect("the paths are the same");
    let config = alone.regularizer().config();
    assert_eq!(config.strength_schedule, [4.0, 2.0]);
    assert!(config.replica_strengths.is_empty());
    let coverage = alone.coverage().to_string();
    assert!(coverage.contains("strength 4,"), "{coverage}");
    assert!(coverage.contains("strength 32,"), "{coverage}");
}

#[test]
fn replica_alone_with_another_optimizer_is_refused() {
    let Training {
        learner, optimizer, ..
    } = started(AdamConfig::new().init()).steps(2);
    let alone = learner.replica_alone(0, learner.replica(0), &optimizer, sgd_with_momentum());
    let error = alone.err().expect("the state does not fit").to_string();
    assert!(error.contains("has no place for the state"), "{error}");
}

#[test]
fn replica_alone_with_other_paths_or_shapes_is_refused() {
    let Training {
        learner, optimizer, ..
    } = started(AdamConfig::new().init()).steps(2);
    let refused = |index, module: Mlp| {
        let alone = learner.replica_alone(index, module, &optimizer, AdamConfig::new().init());
        alone.err().expect("it does not fit").to_string()
    };
    let mut wide = learner.replica(0);
    wide.fc2 = with_more_outputs(&wide.fc2, 1);
    let error = refused(0, wide);
    assert!(
        error.contains("is not the part of one of 3 replicas"),
        "{error}"
    );
    let error = refused(3, learner.replica(0));
    assert_eq!(
        error,
        "there is no replica 3: the stack has 3, counted from 0"
    );
    let head = learner.replica(0).fc2;
    let alone = learner.replica_alone(0, head, &optimizer, AdamConfig::new().init());
    let error = alone.err().expect("the paths differ").to_string();
    assert!(
        error.contains("must have the paths of its stack"),
        "{error}"
    );
}
