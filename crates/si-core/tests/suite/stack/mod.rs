//! Several trainings as one stack of replicas: each learns as it would alone.

mod alone;
mod network;
mod refused;
mod ways;

use burn::module::Module;
use burn::nn::LinearConfig;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::AdamConfig;
use burn::prelude::*;
use burn::tensor::Distribution;
use si_core::replicas::{self, StackedLinear, cross_entropy};
use si_core::settings::{PathGradient, PenaltyFactor, StatePrecision};
use si_core::{
    Checkpoint, ContinualLearner, ContinualOptimizer, SynapticAdamConfig,
    SynapticIntelligenceConfig,
};

use crate::common::mlp::Mlp;
use crate::common::{Parts, assert_same, assert_same_parts, values};
use network::{REPLICAS, Stack, device, loss_alone, networks};
use ways::{LEARNING_RATE, STEPS, TASKS, Way, of_replica, parts};

/// Powers of two, so that the products with importance are exact, and so are their sums with other numbers alone.
const STRENGTHS: [f64; REPLICAS] = [0.0, 1.0, 4.0];

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new().with_damping(0.01)
}

fn with_strengths(config: &SynapticIntelligenceConfig) -> SynapticIntelligenceConfig {
    config.clone().with_replica_strengths(STRENGTHS.to_vec())
}

/// Asserts that each replica of a stack learns the same as a network alone, whose settings are `alone(replica)`.
fn assert_learns_as_alone(
    way: Way,
    stack: &SynapticIntelligenceConfig,
    alone: impl Fn(usize) -> SynapticIntelligenceConfig,
) {
    let networks = networks();
    let stacked = way.train(Stack::of(&networks), stack, Stack::loss);
    for (replica, network) in networks.into_iter().enumerate() {
        let loss = |network: &_, at| loss_alone(network, replica, at);
        let expected = way.train(network, &alone(replica), loss);
        for (task, (stack, expected)) in stacked.iter().zip(expected).enumerate() {
            let named = |parts: Parts| -> Parts {
                let named = parts.into_iter().map(|(name, numbers)| {
                    let name = format!("{way:?}, replica {replica}, task {task}: {name}");
                    (name, numbers)
                });
                named.collect()
            };
            let stack = of_replica(stack, replica, REPLICAS);
            assert_same_parts(&named(stack), &named(expected));
        }
    }
}

#[test]
fn each_replica_learns_as_alone_with_its_strength_in_every_way() {
    for way in Way::ALL {
        assert_learns_as_alone(way, &with_strengths(&config()), |replica| {
            config().with_strength(STRENGTHS[replica])
        });
    }
}

#[test]
fn replicas_with_one_strength_for_all_learn_as_alone() {
    for way in [Way::SynapticAdam, Way::SgdWithMomentum] {
        assert_learns_as_alone(way, &config(), |_| config());
    }
}

#[test]
fn strengths_of_replicas_join_with_every_other_setting() {
    let configs = [
        config().with_strength_schedule(vec![1.0, 0.5, 2.0]),
        config().with_importance_bound(Some(0.05)),
        config().with_penalty_factor(PenaltyFactor::Half),
        config().with_path_gradient(PathGradient::Total),
        config().with_state_precision(StatePrecision::Bf16),
    ];
    let has_bf16 = device().supports_dtype(burn::tensor::DType::BF16);
    for config in configs {
        if config.state_precision == StatePrecision::Bf16 && !has_bf16 {
            continue;
        }
        for way in [Way::Adam, Way::SynapticAdam, Way::LossTerm] {
            assert_learns_as_alone(way, &with_strengths(&config), |replica| {
                config.clone().with_strength(STRENGTHS[replica])
            });
        }
    }
}

/// Without it, the tests above would show nothing about strengths.
#[test]
fn strengths_make_a_difference_that_is_above_rounding() {
    let train = |config: &SynapticIntelligenceConfig| {
        let stack = Stack::of(&networks());
        let ends = Way::SynapticAdam.train(stack, config, Stack::loss);
        ends[TASKS - 1].clone()
    };
    let (given, without) = (train(&with_strengths(&config())), train(&config()));
    for (replica, strength) in STRENGTHS.into_iter().enumerate() {
        let [given, without] = [&given, &without].map(|it| of_replica(it, replica, REPLICAS));
        let distance = |(_, given): &(String, Vec<f64>), (_, without): &(String, Vec<f64>)| {
            let pairs = given.iter().zip(without);
            pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()))
        };
        let [given, without] = [&given[0], &without[0]];
        assert!(given.0.starts_with("fc1.weight, value"), "{}", given.0);
        let distance = distance(given, without);
        if strength == 1.0 {
            assert!(distance < 1e-3, "{distance}");
        } else {
            assert!(distance > 5e-3, "replica {replica}: {distance}");
        }
    }
}

#[test]
fn strengths_of_zero_for_all_replicas_hold_nothing_back_without_a_warning() {
    let zero = config().with_replica_strengths(vec![0.0; REPLICAS]);
    // It asserts that no task's end has a warning.
    assert_learns_as_alone(Way::SynapticAdam, &zero, |_| config().with_strength(0.0));
}

/// A stack, and the step that it is at.
struct Training<O> {
    learner: ContinualLearner<Stack>,
    optimizer: O,
    step: usize,
}

impl<O: ContinualOptimizer> Training<O> {
    fn steps(mut self, count: usize) -> Self {
        for _ in 0..count {
            let at = (self.step / STEPS, self.step % STEPS);
            let loss = |stack: &Stack| stack.loss(at);
            (self.learner, _) = (self.learner).step(&mut self.optimizer, LEARNING_RATE, loss);
            self.step += 1;
            if self.step.is_multiple_of(STEPS) {
                assert_eq!(self.learner.end_task(), None);
            }
        }
        self
    }

    fn parts(&self) -> Parts {
        parts(&*self.learner, self.learner.regularizer())
    }
}

fn started<O: ContinualOptimizer>(optimizer: O) -> Training<O> {
    let config = with_strengths(&config());
    let learner = ContinualLearner::new(Stack::of(&networks()), &config);
    Training {
        learner: learner.expect("the config is valid"),
        optimizer,
        step: 0,
    }
}

fn stored_in_every_step_is_unbroken<O: ContinualOptimizer>(optimizer: impl Fn() -> O) {
    let mut unbroken = started(optimizer());
    let mut broken = started(optimizer());
    for _ in 0..TASKS * STEPS {
        unbroken = unbroken.steps(1);
        broken = broken.steps(1);
        let checkpoint = Checkpoint::new(&broken.learner, &broken.optimizer, &broken.step);
        let bytes = checkpoint.expect("it can be made").to_bytes();
        let checkpoint = Checkpoint::from_bytes(&bytes).expect("it is whole");
        let fresh = started(optimizer());
        let restored = checkpoint.restore(fresh.learner, fresh.optimizer);
        let (learner, optimizer) = restored.expect("it fits");
        broken = Training {
            learner,
            optimizer,
            step: checkpoint.progress().expect("it is a number"),
        };
        assert_same_parts(&broken.parts(), &unbroken.parts());
    }
    let [broken, unbroken] = [broken, unbroken].map(|mut it| it.learner.end_epoch());
    assert_same(&[broken.penalty], &[unbroken.penalty]);
}

#[test]
fn stack_that_is_stored_and_restored_in_every_step_learns_the_same() {
    stored_in_every_step_is_unbroken(|| AdamConfig::new().init());
    stored_in_every_step_is_unbroken(|| SynapticAdamConfig::new().init());
}

#[test]
fn reports_are_the_sums_over_the_replicas() {
    let mut training = started(SynapticAdamConfig::new().init()).steps(STEPS);
    training.learner.end_epoch();
    let mut training = training.steps(STEPS - 1);
    let stack = training.learner.end_epoch();
    let mut sums = [0.0; 2];
    for (replica, network) in networks().into_iter().enumerate() {
        let config = config().with_strength(STRENGTHS[replica]);
        let mut learner = ContinualLearner::new(network, &config).expect("the config is valid");
        let mut optimizer = SynapticAdamConfig::new().init();
        for task in 0..2 {
            for step in 0..STEPS - task {
                let loss = |network: &_| loss_alone(network, replica, (task, step));
                (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, loss);
            }
            if task == 0 {
                learner.end_epoch();
                learner.end_task();
            }
        }
        let report = learner.end_epoch();
        assert_eq!(report.num_steps, stack.num_steps);
        sums[0] += report.penalty;
        sums[1] += report.task_loss.expect("it was reported");
    }
    assert!(sums[0] > 0.0);
    let found = [stack.penalty, stack.task_loss.expect("it was reported")];
    for (found, expected) in found.into_iter().zip(sums) {
        assert!(
            (found - expected).abs() <= 1e-4 * expected,
            "{found}, {expected}"
        );
    }
}

#[test]
fn cross_entropy_of_a_replica_is_that_of_burn() {
    let device = device();
    device.seed(5);
    let logits = Tensor::<3>::random([3, 5, 4], Distribution::Default, &device).require_grad();
    let labels =
        Tensor::<2, Int>::from_ints([[0, 1, 2, 3, 0], [3, 3, 3, 3, 3], [1, 0, 2, 1, 0]], &device);
    let losses = cross_entropy(logits.clone(), labels.clone());
    let gradient = |logits: &Tensor<3>, loss: Tensor<1>| {
        let gradients = loss.backward();
        values(logits.grad(&gradients).expect("it is in the loss"))
    };
    let stacked = gradient(&logits, losses.clone().sum());
    for (replica, loss) in values(losses.inner()).into_iter().enumerate() {
        let of = logits.clone().inner().narrow(0, replica, 1);
        let of = Tensor::from_inner(of).require_grad();
        let labels = labels.clone().narrow(0, replica, 1).squeeze_dim::<1>(0);
        let expected = CrossEntropyLossConfig::new()
            .init(&device)
            .forward(of.clone().squeeze_dim::<2>(0), labels);
        let mean = values(expected.clone().inner())[0];
        assert!((loss - mean).abs() <= 1e-5, "{loss}, {mean}");
        let block = stacked.len() / 3;
        let stacked = &stacked[replica * block..][..block];
        assert_same(stacked, &gradient(&of, expected));
    }
}

#[test]
fn stack_of_parameters_gives_each_replica_back() {
    let networks = networks();
    let stacked = replicas::stack::<1, 2>(networks.iter().map(|it| Mlp::bias(&it.fc1)));
    let stacked = stacked.expect("the shapes agree");
    assert!(stacked.is_require_grad());
    for (index, network) in networks.iter().enumerate() {
        let replica = replicas::replica::<2, 1>(&stacked, index).expect("it is in the stack");
        assert!(replica.is_require_grad());
        let original = Mlp::bias(&network.fc1);
        assert_same(&values(replica.val()), &values(original.val()));
        assert_ne!(replica.id, original.id);
    }
}

#[test]
fn stack_has_the_mode_of_its_layers_and_is_frozen_if_they_are() {
    let layers = |device: &Device| -> Vec<_> {
        let layer = || LinearConfig::new(3, 2).init(device);
        (0..2).map(|_| layer()).collect()
    };
    let layers = layers(&device());
    let frozen: Vec<_> = layers.iter().map(|it| it.clone().no_grad()).collect();
    let frozen = StackedLinear::new(&frozen).expect("the shapes agree");
    assert!(!frozen.weight.is_require_grad());
    assert!(!frozen.train().weight.is_require_grad());

    let valid: Vec<_> = layers.iter().map(Module::valid).collect();
    let valid = StackedLinear::new(&valid).expect("the shapes agree");
    assert!(!valid.weight.is_require_grad());
    let trained = valid.train();
    assert!(trained.weight.is_require_grad());
    assert!(trained.bias.is_some_and(|bias| bias.is_require_grad()));
}

#[test]
fn stack_without_bias_has_none() {
    let layer = || LinearConfig::new(3, 2).with_bias(false).init(&device());
    let layers = [layer(), layer()];
    let stack = StackedLinear::new(&layers).expect("the shapes agree");
    assert!(stack.bias.is_none());
    let inputs = Tensor::<3>::ones([2, 4, 3], &device());
    let outputs = values(stack.forward(inputs.clone()));
    let replica = stack.replica(1).expect("it is in the stack");
    assert!(replica.bias.is_none());
    let alone = values(replica.forward(inputs.narrow(0, 1, 1)));
    assert_same(&outputs[8..], &alone);
}
