//! What must hold for any module, data and setting.

mod common;
#[path = "common/mlp.rs"]
mod mlp;

use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::{
    AdamConfig, AdamWConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer, RmsPropConfig,
    SgdConfig, momentum::MomentumConfig,
};
use burn::prelude::*;
use burn::tensor::DType;
use common::values;
use mlp::Mlp;
use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::{
    ContinualLearner, ContinualOptimizer, ParameterPolicy, SynapticAdamConfig, SynapticBackend,
    SynapticIntelligence, SynapticIntelligenceConfig, SynapticOptimizer, SynapticSgdConfig,
};

const LEARNING_RATE: f64 = 0.05;
const INPUTS: usize = 3;
const CLASSES: usize = 3;
/// Of float32, for parameters of size 1 and a few sums in another order.
const ROUNDING: f64 = 1e-5;

fn device() -> Device {
    common::device_with(DType::F32).autodiff()
}

/// A perceptron whose parameters are drawn on the host, so that tests can run side by side.
fn mlp(rng: &mut ChaCha8Rng) -> Mlp {
    let mut layer = |inputs: usize, outputs: usize| Linear {
        weight: Param::from_tensor(matrix(rng, inputs, outputs)),
        bias: Some(Param::from_tensor(matrix(rng, 1, outputs).squeeze_dim(0))),
    };
    Mlp {
        fc1: layer(INPUTS, 4),
        fc2: layer(4, CLASSES),
    }
}

fn matrix(rng: &mut ChaCha8Rng, rows: usize, columns: usize) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * columns)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), &device())
}

/// Inputs `[batch, INPUTS]` and labels `[batch]`.
fn batch(rng: &mut ChaCha8Rng) -> (Tensor<2>, Tensor<1, Int>) {
    let labels: Vec<i32> = (0..6)
        .map(|_| rng.random_range(0..CLASSES as i32))
        .collect();
    let inputs = matrix(rng, labels.len(), INPUTS);
    (inputs, Tensor::from_data(labels.as_slice(), &device()))
}

fn optimizers() -> [fn() -> SynapticOptimizer; 6] {
    [
        || AdamConfig::new().init().into(),
        || AdamWConfig::new().init().into(),
        || RmsPropConfig::new().init().into(),
        || {
            SgdConfig::new()
                .with_momentum(Some(MomentumConfig::new()))
                .init()
                .into()
        },
        || SynapticAdamConfig::new().init(),
        || {
            SynapticSgdConfig::new()
                .with_momentum(Some(MomentumConfig::new()))
                .init()
        },
    ]
}

fn config(strength: f64) -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(strength)
        .with_damping(0.01)
}

fn learner(module: Mlp, strength: f64) -> ContinualLearner<Mlp> {
    ContinualLearner::new(module, &config(strength)).expect("the config is valid")
}

fn train(
    mut learner: ContinualLearner<Mlp>,
    optimizer: &mut impl ContinualOptimizer,
    rng: &mut ChaCha8Rng,
    steps: usize,
) -> ContinualLearner<Mlp> {
    for _ in 0..steps {
        let (x, y) = batch(rng);
        (learner, _) = learner.step(optimizer, LEARNING_RATE, |model| model.loss(x, y));
    }
    learner
}

fn parameters(module: &Mlp) -> Vec<f64> {
    [
        values(module.fc1.weight.val()),
        values(Mlp::bias(&module.fc1).val()),
        values(module.fc2.weight.val()),
        values(Mlp::bias(&module.fc2).val()),
    ]
    .concat()
}

fn importance<const D: usize>(
    regularizer: &SynapticIntelligence,
    param: &Param<Tensor<D>>,
) -> Option<Vec<f64>> {
    let importance = regularizer.synapse(param.id)?.importance()?.clone();
    Some(values::<D>(Dispatch::tensor(importance)))
}

fn path_integral<const D: usize>(
    regularizer: &SynapticIntelligence,
    param: &Param<Tensor<D>>,
) -> Option<Vec<f64>> {
    let path_integral = regularizer.synapse(param.id)?.path_integral()?.clone();
    Some(values::<D>(Dispatch::tensor(path_integral)))
}

fn anchor<const D: usize>(
    regularizer: &SynapticIntelligence,
    param: &Param<Tensor<D>>,
) -> Vec<f64> {
    let synapse = regularizer.synapse(param.id).expect("it is consolidated");
    values::<D>(Dispatch::tensor(synapse.anchor().clone()))
}

fn all_importance(learner: &ContinualLearner<Mlp>) -> Vec<f64> {
    let regularizer = learner.regularizer();
    [
        importance(regularizer, &learner.fc1.weight),
        importance(regularizer, Mlp::bias(&learner.fc1)),
        importance(regularizer, &learner.fc2.weight),
        importance(regularizer, Mlp::bias(&learner.fc2)),
    ]
    .into_iter()
    .flatten()
    .flatten()
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn strength_zero_trains_to_the_same_bits_as_the_bare_optimizer(
        seed: u64, optimizer in 0..optimizers().len(),
    ) {
        let optimizer = optimizers()[optimizer];
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let module = mlp(rng);
        let (mut bare, mut bare_optimizer) = (module.clone(), optimizer().into_inner());
        let (mut learner, mut its_optimizer) = (learner(module, 0.0), optimizer());
        for _ in 0..2 {
            for _ in 0..4 {
                let (x, y) = batch(rng);
                let loss = bare.loss(x.clone(), y.clone());
                let grads = GradientsParams::from_grads(loss.backward(), &bare);
                bare = bare_optimizer.step(LEARNING_RATE, bare, grads);
                (learner, _) =
                    learner.step(&mut its_optimizer, LEARNING_RATE, |model| model.loss(x, y));
            }
            learner.end_task();
        }
        prop_assert_eq!(parameters(&learner), parameters(&bare));
    }

    #[test]
    fn ending_a_task_twice_without_a_step_changes_nothing(seed: u64) {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let optimizer = &mut SynapticAdamConfig::new().init();
        let mut learner = train(learner(mlp(rng), 1.0), optimizer, rng, 4);
        learner.end_task();
        let (once, task) = (all_importance(&learner), learner.regularizer().task());
        learner.end_task();
        prop_assert_eq!(all_importance(&learner), once);
        prop_assert_eq!(learner.regularizer().task(), task);
    }

    #[test]
    fn importance_is_never_negative_by_default(seed: u64, strength in 0.0..10.0) {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut learner = learner(mlp(rng), strength);
        for _ in 0..3 {
            let optimizer = &mut SynapticAdamConfig::new().init();
            learner = train(learner, optimizer, rng, 4);
            learner.end_task();
            prop_assert!(all_importance(&learner).iter().all(|value| *value >= 0.0));
        }
    }

    #[test]
    fn order_of_the_parameters_does_not_matter(seed: u64) {
        #[derive(Module, Debug)]
        struct Reversed {
            fc2: Linear,
            fc1: Linear,
        }

        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let module = mlp(rng);
        let reversed = Reversed { fc1: module.fc1.clone(), fc2: module.fc2.clone() };
        let mut learner = learner(module, 1.0);
        let mut reversed =
            ContinualLearner::new(reversed, &config(1.0)).expect("the config is valid");
        for _ in 0..2 {
            let optimizer = &mut SynapticAdamConfig::new().init();
            let its_optimizer = &mut SynapticAdamConfig::new().init();
            for _ in 0..4 {
                let (x, y) = batch(rng);
                (learner, _) = learner
                    .step(optimizer, LEARNING_RATE, |model| model.loss(x.clone(), y.clone()));
                (reversed, _) = reversed.step(its_optimizer, LEARNING_RATE, |model| {
                    Mlp { fc1: model.fc1.clone(), fc2: model.fc2.clone() }.loss(x, y)
                });
            }
            learner.end_task();
            reversed.end_task();
        }
        prop_assert_eq!(values(learner.fc1.weight.val()), values(reversed.fc1.weight.val()));
        prop_assert_eq!(
            importance(learner.regularizer(), &learner.fc1.weight),
            importance(reversed.regularizer(), &reversed.fc1.weight)
        );
    }

    #[test]
    fn accumulated_minibatches_equal_one_step_on_the_summed_gradient(seed: u64) {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut accumulated = learner(mlp(rng), 1.0);
        accumulated = train(accumulated, &mut SynapticAdamConfig::new().init(), rng, 3);
        accumulated.end_task();
        let mut summed = accumulated.clone();
        let (mut optimizer, mut its_optimizer) =
            (SgdConfig::new().init(), SgdConfig::new().init());
        for _ in 0..2 {
            let minibatches = [batch(rng), batch(rng), batch(rng)];
            let mut accumulator = GradientsAccumulator::new();
            for (x, y) in minibatches.clone() {
                let grads = accumulated.loss(x, y).backward();
                let grads = GradientsParams::from_grads(grads, &accumulated);
                accumulator.accumulate(&accumulated, grads);
            }
            accumulated = accumulated.optimize(&mut optimizer, LEARNING_RATE, accumulator.grads());
            (summed, _) = summed.step(&mut its_optimizer, LEARNING_RATE, |model| {
                let losses = minibatches.map(|(x, y)| model.loss(x, y));
                losses.into_iter().reduce(|sum, loss| sum + loss).expect("there are three")
            });
        }
        let pairs = parameters(&accumulated).into_iter().zip(parameters(&summed));
        for (accumulated, summed) in pairs {
            let difference = (accumulated - summed).abs();
            prop_assert!(difference < ROUNDING, "{accumulated} is not {summed}");
        }
        let reports = (accumulated.end_epoch(), summed.end_epoch());
        prop_assert_eq!(reports.0.num_steps, reports.1.num_steps);
    }
}

#[test]
fn parameter_without_gradient_contributes_nothing_and_moves_nothing() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    #[derive(Module, Debug)]
    struct TwoHeads {
        used: Linear,
        unused: Linear,
    }
    let (used, unused) = (mlp(rng).fc1, mlp(rng).fc1);
    let before = values(unused.weight.val());
    let mut learner = ContinualLearner::new(TwoHeads { used, unused }, &config(1.0))
        .expect("the config is valid");
    for _ in 0..2 {
        let optimizer = &mut SynapticAdamConfig::new().init();
        for _ in 0..3 {
            let (x, _) = batch(rng);
            (learner, _) = learner.step(optimizer, LEARNING_RATE, |model| {
                model.used.forward(x).powi_scalar(2).mean()
            });
        }
        learner.end_task();
    }
    assert_eq!(values(learner.unused.weight.val()), before);
    assert!(
        learner
            .regularizer()
            .synapse(learner.unused.weight.id)
            .is_none()
    );
    assert!(importance(learner.regularizer(), &learner.used.weight).is_some());
}

#[test]
fn frozen_layer_is_never_touched() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let mut module = mlp(rng);
    module.fc1 = module.fc1.no_grad();
    let before = values(module.fc1.weight.val());
    let mut learner = learner(module, 1.0);
    for _ in 0..2 {
        learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
        learner.end_task();
    }
    assert_eq!(values(learner.fc1.weight.val()), before);
    assert!(
        learner
            .regularizer()
            .synapse(learner.fc1.weight.id)
            .is_none()
    );
    assert!(importance(learner.regularizer(), &learner.fc2.weight).is_some());
}

#[test]
fn layer_that_is_frozen_later_keeps_what_it_learnt() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let mut learner = learner(mlp(rng), 1.0);
    learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
    learner.fc1 = learner.fc1.clone().no_grad();
    learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
    learner.end_task();
    assert!(importance(learner.regularizer(), &learner.fc1.weight).is_some());
}

#[test]
fn parameter_used_twice_is_one_synapse() {
    #[derive(Module, Debug)]
    struct Tied {
        layer: Linear,
    }
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    let module = Tied {
        layer: mlp(rng).fc1,
    };
    let weight_before = values(module.layer.weight.val());
    let (x, _) = batch(rng);
    let loss = |model: &Tied| {
        let weight = model.layer.weight.val();
        let once = x.clone().matmul(weight.clone());
        let twice = once.matmul(weight.transpose());
        twice.powi_scalar(2).mean()
    };
    let gradient = {
        let grads = GradientsParams::from_grads(loss(&module).backward(), &module);
        values(
            grads
                .get::<2>(module.layer.weight.id)
                .expect("it has a gradient"),
        )
    };
    let mut learner = ContinualLearner::new(module, &config(1.0)).expect("the config is valid");
    (learner, _) = learner.step(&mut SynapticSgdConfig::new().init(), LEARNING_RATE, loss);
    let integral =
        path_integral(learner.regularizer(), &learner.layer.weight).expect("a step was made");
    let moved = values(learner.layer.weight.val());
    for (index, integral) in integral.iter().enumerate() {
        let expected = -gradient[index] * (moved[index] - weight_before[index]);
        let tolerance = if common::is_exact() { 1e-6 } else { ROUNDING };
        assert!((integral - expected).abs() <= tolerance * expected.abs().max(1e-3));
    }
}

#[test]
fn batch_norm_statistics_are_not_synapses() {
    #[derive(Module, Debug)]
    struct Normalized {
        fc: Linear,
        norm: BatchNorm,
    }
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let module = Normalized {
        fc: mlp(rng).fc1,
        norm: BatchNormConfig::new(4).init(&device()),
    };
    let mut learner = ContinualLearner::new(module, &config(1.0)).expect("the config is valid");
    for _ in 0..2 {
        let (x, _) = batch(rng);
        (learner, _) = learner.step(
            &mut SynapticAdamConfig::new().init(),
            LEARNING_RATE,
            |model| {
                model
                    .norm
                    .forward(model.fc.forward(x))
                    .powi_scalar(3)
                    .mean()
            },
        );
    }
    learner.end_task();
    let paths: Vec<String> = learner
        .diagnostics()
        .parameters
        .into_iter()
        .map(|parameter| parameter.path)
        .collect();
    assert_eq!(paths, ["fc.weight", "fc.bias", "norm.gamma", "norm.beta"]);
    // And they go on being what batch norm makes of them.
    assert!(
        values(learner.norm.running_mean.value_sync())
            .iter()
            .any(|mean| *mean != 0.0)
    );
}

#[test]
fn late_head_starts_without_importance_where_it_is() {
    #[derive(Module, Debug)]
    struct Growing {
        body: Linear,
        heads: Vec<Linear>,
    }
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    let module = Growing {
        body: mlp(rng).fc1,
        heads: vec![mlp(rng).fc2],
    };
    let mut learner = ContinualLearner::new(module, &config(1.0)).expect("the config is valid");
    let step = |learner: ContinualLearner<Growing>, rng: &mut ChaCha8Rng| {
        let (x, _) = batch(rng);
        let optimizer = &mut SynapticAdamConfig::new().init();
        let (learner, _) = learner.step(optimizer, LEARNING_RATE, |model| {
            let features = model.body.forward(x);
            let head = model.heads.last().expect("there is a head");
            head.forward(features).powi_scalar(2).mean()
        });
        learner
    };
    learner = step(step(learner, rng), rng);
    learner.end_task();

    let late = mlp(rng).fc2;
    let (id, value) = (late.weight.id, values(late.weight.val()));
    learner.heads.push(late);
    learner = step(learner, rng);
    let synapse = learner.regularizer().synapse(id).expect("it was trained");
    assert!(synapse.importance().is_none());
    assert_eq!(
        anchor(learner.regularizer(), &learner.heads[1].weight),
        value
    );
    learner.end_task();
    assert!(importance(learner.regularizer(), &learner.heads[1].weight).is_some());

    // One that takes the place of another is as new, though it has its path and shape.
    learner.heads[1] = mlp(rng).fc2;
    learner = step(learner, rng);
    assert!(importance(learner.regularizer(), &learner.heads[1].weight).is_none());
}

#[test]
fn state_is_listed_in_the_modules_order_whenever_it_began() {
    let rng = &mut ChaCha8Rng::seed_from_u64(13);
    let mut module = mlp(rng);
    module.fc1 = module.fc1.no_grad();
    let mut learner = train(
        learner(module, 1.0),
        &mut SynapticAdamConfig::new().init(),
        rng,
        1,
    );
    learner.fc1 = learner.fc1.clone().unfreeze();
    learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 1);
    let paths: Vec<String> = learner
        .diagnostics()
        .parameters
        .into_iter()
        .map(|parameter| parameter.path)
        .collect();
    assert_eq!(paths, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
}

#[test]
fn penalty_is_counted_once_whichever_of_epoch_and_task_ends_first() {
    let reports = [true, false].map(|task_first| {
        let rng = &mut ChaCha8Rng::seed_from_u64(14);
        let mut learner = train(
            learner(mlp(rng), 1.0),
            &mut SynapticAdamConfig::new().init(),
            rng,
            3,
        );
        learner.end_epoch();
        learner.end_task();
        learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
        if task_first {
            learner.end_task();
        }
        let report = learner.end_epoch();
        assert_eq!(learner.end_epoch().penalty, 0.0);
        report.penalty
    });
    assert_eq!(reports[0], reports[1]);
    assert!(reports[0] > 0.0);
}

#[test]
fn parameters_are_chosen_by_path_and_module_type() {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let module = mlp(rng);
    let train_with = |config: SynapticIntelligenceConfig, rng: &mut ChaCha8Rng| {
        let mut learner =
            ContinualLearner::new(module.clone(), &config).expect("the config is valid");
        learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 2);
        learner
            .diagnostics()
            .parameters
            .into_iter()
            .map(|parameter| parameter.path)
            .collect::<Vec<_>>()
    };
    let no_bias = vec![ParameterPolicy::path("*.bias").exclude()];
    let weights = ["fc1.weight", "fc2.weight"];
    assert_eq!(train_with(config(1.0).with_policies(no_bias), rng), weights);
    let mut policies = vec![ParameterPolicy::module("Linear").exclude()];
    let no_linear = config(1.0).with_policies(policies.clone());
    assert!(train_with(no_linear, rng).is_empty());
    policies.push(ParameterPolicy::path("fc?.weight").include());
    assert_eq!(
        train_with(config(1.0).with_policies(policies), rng),
        weights
    );
}

#[test]
fn learner_counts_and_trains_the_modules_parameters_alone() {
    let rng = &mut ChaCha8Rng::seed_from_u64(8);
    let module = mlp(rng);
    let num_params = module.num_params();
    let mut learner = train(
        learner(module, 1.0),
        &mut SynapticAdamConfig::new().init(),
        rng,
        2,
    );
    learner.end_task();
    assert_eq!(learner.num_params(), num_params);
    let before = all_importance(&learner);
    let learner = learner.no_grad().unfreeze();
    assert_eq!(all_importance(&learner), before);
    assert_eq!(learner.valid().num_params(), num_params);
}

#[test]
fn consolidation_without_effect_is_reported() {
    let rng = &mut ChaCha8Rng::seed_from_u64(9);
    let mut learner = learner(mlp(rng), 1.0);
    learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
    assert_eq!(learner.end_epoch().inert, None);
    learner.end_task();
    // A learning rate of zero moves nothing, so nothing is penalised.
    for _ in 0..3 {
        let (x, y) = batch(rng);
        (learner, _) = learner.step(&mut SynapticAdamConfig::new().init(), 0.0, |model| {
            model.loss(x, y)
        });
    }
    assert_eq!(learner.end_epoch().inert, Some(si_core::Inert::NoPenalty));
    assert_eq!(learner.diagnostics().inert, Some(si_core::Inert::NoPenalty));
}

#[test]
fn importance_that_is_all_zero_is_reported() {
    let rng = &mut ChaCha8Rng::seed_from_u64(10);
    let mut learner = learner(mlp(rng), 1.0);
    let step = |learner: ContinualLearner<Mlp>, rng: &mut ChaCha8Rng, rate: f64| {
        let (x, y) = batch(rng);
        learner
            .step(&mut SynapticSgdConfig::new().init(), rate, |model| {
                model.loss(x, y)
            })
            .0
    };
    learner = step(learner, rng, 0.0);
    learner.end_task();
    for _ in 0..3 {
        learner = step(learner, rng, LEARNING_RATE);
    }
    assert_eq!(
        learner.end_epoch().inert,
        Some(si_core::Inert::NoImportance)
    );
}

#[test]
fn a_task_that_the_optimizer_trained_by_itself_is_reported() {
    let rng = &mut ChaCha8Rng::seed_from_u64(13);
    let mut learner = learner(mlp(rng), 1.0);
    let (x, y) = batch(rng);
    let grads = GradientsParams::from_grads(learner.loss(x, y).backward(), &learner);
    learner = AdamConfig::new().init().step(LEARNING_RATE, learner, grads);
    assert_eq!(learner.end_task(), Some(si_core::Inert::NoStep));
    assert_eq!(learner.regularizer().task(), 0);

    learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 1);
    assert_eq!(learner.end_task(), None);
    assert_eq!(learner.regularizer().task(), 1);
}

#[test]
fn working_consolidation_is_not_reported() {
    let rng = &mut ChaCha8Rng::seed_from_u64(11);
    let mut learner = learner(mlp(rng), 1.0);
    for task in 0..3 {
        learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
        let report = learner.end_epoch();
        assert_eq!(
            (report.task, report.num_steps, report.inert),
            (task, 3, None)
        );
        assert_eq!(report.penalty > 0.0, task > 0);
        assert_eq!(
            report.penalty_share().is_some_and(|share| share > 0.0),
            task > 0
        );
        learner.end_task();
    }
}

#[test]
fn state_is_bound_again_to_a_module_whose_ids_changed() {
    let rng = &mut ChaCha8Rng::seed_from_u64(12);
    let optimizer = &mut AdamConfig::new().init();
    let mut regularizer = config(1.0).init().expect("the config is valid");
    let mut module = mlp(rng);
    let step = |module: Mlp,
                regularizer: &mut SynapticIntelligence,
                optimizer: &mut ModuleOptimizer,
                rng: &mut ChaCha8Rng| {
        let (x, y) = batch(rng);
        let grads = GradientsParams::from_grads(module.loss(x, y).backward(), &module);
        let grads = regularizer.penalize(&module, grads);
        let module = optimizer.step(LEARNING_RATE, module, grads);
        regularizer.observe(&module);
        module
    };
    module = step(module, &mut regularizer, optimizer, rng);
    regularizer.consolidate(&module);
    let before = importance(&regularizer, &module.fc1.weight);

    let record = module.clone().into_record();
    let other = Mlp {
        fc1: LinearConfig::new(INPUTS, 4).init(&device()),
        fc2: LinearConfig::new(4, CLASSES).init(&device()),
    };
    let old = module.fc1.weight.id;
    // Loading into a fresh module adopts the ids of the file; a copy with ids of its own does not.
    let loaded = other.load_record(record);
    let fresh = Param::initialized(burn::module::ParamId::new(), loaded.fc1.weight.val());
    let mut module = Mlp {
        fc1: Linear {
            weight: fresh,
            bias: loaded.fc1.bias.clone(),
        },
        fc2: loaded.fc2.clone(),
    };
    assert_ne!(module.fc1.weight.id, old);
    regularizer.rebind(&module);
    module = step(module, &mut regularizer, optimizer, rng);
    assert_eq!(importance(&regularizer, &module.fc1.weight), before);
}
