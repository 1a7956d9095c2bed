//! Properties that hold for any weights and data.

use burn::module::Module;
use burn::nn::Linear;
use burn::optim::{GradientsAccumulator, GradientsParams, SgdConfig};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use si_core::{ContinualLearner, SynapticAdamConfig};

use crate::common::mlp::Mlp;
use crate::common::{difference, tolerance, values};
use crate::properties::setup::{
    LEARNING_RATE, ROUNDING, all_importance, batch, config, importance, learner, mlp, optimizers,
    parameters, train,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn strength_zero_trains_to_the_same_bits_as_the_bare_optimizer(
        seed: u64, optimizer in 0..optimizers().len(),
    ) {
        let optimizer = optimizers()[optimizer];
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let module = mlp(rng);
        let (mut bare, mut bare_optimizer) = (module.clone(), optimizer());
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
        prop_assert_eq!(difference(&parameters(&learner), &parameters(&bare)), None);
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
        let [ours, theirs] = [&learner.fc1, &reversed.fc1].map(|it| values(it.weight.val()));
        prop_assert_eq!(difference(&ours, &theirs), None);
        let ours = importance(learner.regularizer(), &learner.fc1.weight);
        let theirs = importance(reversed.regularizer(), &reversed.fc1.weight);
        let [ours, theirs] = [ours, theirs].map(|it| it.expect("tasks have ended"));
        prop_assert_eq!(difference(&ours, &theirs), None);
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
            let distance = (accumulated - summed).abs();
            prop_assert!(distance < tolerance(ROUNDING), "{accumulated} is not {summed}");
        }
        let reports = (accumulated.end_epoch(), summed.end_epoch());
        prop_assert_eq!(reports.0.num_steps, reports.1.num_steps);
    }
}
