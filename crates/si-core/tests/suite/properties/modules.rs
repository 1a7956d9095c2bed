//! Properties that hold for modules of any structure.

use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use si_core::{
    ContinualLearner, ParameterPolicy, SynapticAdamConfig, SynapticIntelligence,
    SynapticIntelligenceConfig, SynapticSgdConfig,
};

use crate::common::mlp::Mlp;
use crate::common::{self, values};
use crate::properties::setup::{
    CLASSES, INPUTS, LEARNING_RATE, ROUNDING, all_importance, anchor, batch, config, device,
    importance, learner, mlp, path_integral, paths, train,
};

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
        path_integral(learner.regularizer(), &learner.layer.weight).expect("a step was taken");
    let moved = values(learner.layer.weight.val());
    for (index, integral) in integral.iter().enumerate() {
        let expected = -gradient[index] * (moved[index] - weight_before[index]);
        let tolerance = if common::is_exact() {
            1e-6
        } else {
            common::tolerance(ROUNDING)
        };
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
    assert_eq!(
        paths(&learner),
        ["fc.weight", "fc.bias", "norm.gamma", "norm.beta"]
    );
    // Batch norm still updates them.
    assert!(
        values(learner.norm.running_mean.value_sync())
            .iter()
            .any(|mean| *mean != 0.0)
    );
}

#[test]
fn late_head_starts_without_importance_and_is_anchored_where_it_is() {
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
    assert!(synapse.importance_primitive().is_none());
    assert_eq!(
        anchor(learner.regularizer(), &learner.heads[1].weight),
        value
    );
    learner.end_task();
    assert!(importance(learner.regularizer(), &learner.heads[1].weight).is_some());

    // A head that replaces another counts as new, although it has the same path and shape.
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
    assert_eq!(
        paths(&learner),
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    );
}

#[test]
fn parameters_are_chosen_by_path_and_module_type() {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let module = mlp(rng);
    let train_with = |config: SynapticIntelligenceConfig, rng: &mut ChaCha8Rng| {
        let mut learner =
            ContinualLearner::new(module.clone(), &config).expect("the config is valid");
        learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 2);
        paths(&learner)
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
fn learner_counts_and_trains_only_the_modules_parameters() {
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
    // Loading into a fresh module adopts the ids of the file. A parameter created from a copy has another id.
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
