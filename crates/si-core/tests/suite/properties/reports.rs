//! What a learner reports about the penalty and its effect.

use burn::optim::{AdamConfig, GradientsParams};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use si_core::settings::NegativeImportance;
use si_core::{ContinualLearner, SynapticAdamConfig, SynapticSgdConfig, TaskWarning};

use crate::common;
use crate::common::mlp::Mlp;
use crate::common::warnings::warnings;
use crate::properties::setup::{LEARNING_RATE, all_importance, batch, config, learner, mlp, train};

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
fn consolidation_without_effect_is_reported() {
    let rng = &mut ChaCha8Rng::seed_from_u64(9);
    let mut learner = learner(mlp(rng), 1.0);
    learner = train(learner, &mut SynapticAdamConfig::new().init(), rng, 3);
    assert_eq!(learner.end_epoch().warning, None);
    learner.end_task();
    // With a learning rate of zero nothing moves, so nothing is penalised.
    for _ in 0..3 {
        let (x, y) = batch(rng);
        (learner, _) = learner.step(&mut SynapticAdamConfig::new().init(), 0.0, |model| {
            model.loss(x, y)
        });
    }
    assert_eq!(learner.end_epoch().warning, Some(TaskWarning::NoPenalty));
    assert_eq!(learner.diagnostics().warning, Some(TaskWarning::NoPenalty));
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
    assert_eq!(learner.end_epoch().warning, Some(TaskWarning::NoImportance));
}

#[test]
fn a_task_that_the_optimizer_trained_by_itself_is_reported() {
    let rng = &mut ChaCha8Rng::seed_from_u64(13);
    let mut learner = learner(mlp(rng), 1.0);
    let (x, y) = batch(rng);
    let grads = GradientsParams::from_grads(learner.loss(x, y).backward(), &learner);
    learner = AdamConfig::new().init().step(LEARNING_RATE, learner, grads);
    assert_eq!(learner.end_task(), Some(TaskWarning::NoStep));
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
            (report.task, report.num_steps, report.warning),
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
fn a_penalty_that_diverges_gives_one_warning_per_task() {
    let rng = &mut ChaCha8Rng::seed_from_u64(15);
    let strength = 1e4;
    let mut learner = learner(mlp(rng), strength);
    learner = train(learner, &mut SynapticSgdConfig::new().init(), rng, 20);
    learner.end_task();
    let largest = all_importance(&learner).into_iter().fold(0.0, f64::max);
    let curvature = &format!("Here it is up to {:.3e},", 2.0 * strength * largest);
    for task in 1..3 {
        warnings();
        for _ in 0..2 {
            learner = train(learner, &mut SynapticSgdConfig::new().init(), rng, 100);
            let report = learner.end_epoch();
            assert!(!report.penalty.is_finite());
            assert_eq!(report.warning, Some(TaskWarning::Diverged));
        }
        assert_eq!(learner.end_task(), Some(TaskWarning::Diverged));
        let warnings = warnings();
        let [penalty, state] = &warnings[..] else {
            panic!("expected two warnings, not {warnings:?}");
        };
        let begins = format!("the penalty in task {task} is ");
        assert!(penalty.starts_with(&begins), "{penalty}");
        let reason = match task {
            1 => curvature,
            _ => "is not finite: an earlier task has diverged",
        };
        // When it clamps, a GPU may turn NaN into zero.
        let is_exact = task == 1 || common::is_exact();
        assert!(penalty.contains(reason) || !is_exact, "{penalty}");
        assert!(state.contains("infinite or NaN"), "{state}");
    }
}

#[test]
fn a_first_task_that_diverges_gives_a_warning_at_its_end() {
    let rng = &mut ChaCha8Rng::seed_from_u64(16);
    let mut learner = learner(mlp(rng), 1.0);
    let (x, y) = batch(rng);
    let optimizer = &mut SynapticAdamConfig::new().init();
    (learner, _) = learner.step(optimizer, LEARNING_RATE, |model| {
        model.loss(x, y).mul_scalar(f32::NAN)
    });
    warnings();
    assert_eq!(learner.end_task(), Some(TaskWarning::Diverged));
    let warnings = warnings();
    let expected = "task 0 has left fc1.weight or its importance infinite or NaN: ";
    assert!(warnings[0].starts_with(expected), "{warnings:?}");
}

#[test]
fn importance_that_is_not_finite_gives_a_warning_if_parameters_are_finite() {
    let rng = &mut ChaCha8Rng::seed_from_u64(18);
    // Without a clamp, which may turn NaN into zero.
    let config = config(1.0).with_negative_importance(NegativeImportance::Keep);
    let mut regularizer = config.init().expect("the config is valid");
    let module = mlp(rng);
    let (x, y) = batch(rng);
    let grads = |factor: f32| {
        let loss = module.loss(x.clone(), y.clone()).mul_scalar(factor);
        GradientsParams::from_grads(loss.backward(), &module)
    };
    regularizer.penalize(&module, grads(f32::NAN));
    let grads = grads(1.0);
    let module = AdamConfig::new().init().step(LEARNING_RATE, module, grads);
    regularizer.observe(&module);
    assert_eq!(
        regularizer.consolidate(&module),
        Some(TaskWarning::Diverged)
    );
}

#[test]
fn a_step_that_is_not_observed_gives_a_warning_at_the_tasks_end() {
    let rng = &mut ChaCha8Rng::seed_from_u64(17);
    for is_observed in [true, false] {
        let mut regularizer = config(1.0).init().expect("the config is valid");
        let mut module = mlp(rng);
        for is_observed in [true, is_observed] {
            let (x, y) = batch(rng);
            let grads = GradientsParams::from_grads(module.loss(x, y).backward(), &module);
            let grads = regularizer.penalize(&module, grads);
            module = AdamConfig::new().init().step(LEARNING_RATE, module, grads);
            if is_observed {
                regularizer.observe(&module);
            }
        }
        warnings();
        assert_eq!(regularizer.consolidate(&module), None);
        let warnings = warnings();
        assert_eq!(warnings.is_empty(), is_observed, "{warnings:?}");
        assert!(warnings.iter().all(|it| it.contains("call `observe`")));
    }
}
