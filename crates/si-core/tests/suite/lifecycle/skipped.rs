//! Steps that are not taken, and gradients that are not finite.

use burn::grad_clipping::GradientClippingConfig;
use burn::optim::{GradientsParams, SgdConfig};
use si_core::{ContinualLearner, SynapticIntelligenceConfig, TaskWarning, unscaled};

use crate::common::warnings::warnings;
use crate::common::{assert_same, assert_same_parts, assert_same_report, values};
use crate::lifecycle::network::{Network, device, numbers_of, sgd, train, trained};

#[test]
fn skipped_step_leaves_no_trace() {
    let run = |skips: bool| {
        let mut si = SynapticIntelligenceConfig::new()
            .init()
            .expect("it is valid");
        let mut network = Network::new(&device());
        let mut optimizer = sgd();
        for step in 0..6 {
            if step == 3 {
                assert_eq!(si.consolidate(&network), None);
            }
            let grads = |factor: f32| {
                let loss = network.loss(0).mul_scalar(factor);
                GradientsParams::from_grads(loss.backward(), &network)
            };
            if skips {
                si.penalize(&network, grads(f32::INFINITY));
                si.skip_step();
            }
            let grads = si.penalize(&network, grads(1.0));
            network = optimizer.step(0.1, network, grads);
            si.observe(&network);
        }
        if skips {
            let grads = GradientsParams::from_grads(network.loss(0).backward(), &network);
            si.penalize(&network, grads);
            si.skip_step();
        }
        let report = si.end_epoch();
        warnings();
        let warning = si.consolidate(&network);
        assert_eq!((warning, warnings().len()), (None, 0));
        (report, numbers_of(si.diagnostics()))
    };
    let [(report, diagnosed), (expected_report, expected)] = [run(true), run(false)];
    assert_same_report(&report, &expected_report);
    assert_same_parts(&diagnosed, &expected);
}

#[test]
fn infinite_gradients_under_clipping_are_reported_and_cost_no_importance() {
    let clipping = GradientClippingConfig::Value(0.1);
    let mut optimizer = SgdConfig::new().init().with_grad_clipping(clipping.init());
    let mut learner = trained(&device(), 3);
    assert_eq!(learner.end_task(), None);
    let before = importance(&learner);
    learner = train(learner, &mut optimizer, 2, 0);
    let loss = learner.loss(0).mul_scalar(f32::INFINITY);
    let grads = GradientsParams::from_grads(loss.backward(), &*learner);
    learner = learner.optimize(&mut optimizer, 0.1, grads);
    warnings();
    assert_eq!(learner.end_task(), Some(TaskWarning::Diverged));
    let told = warnings();
    let expected = "were infinite or NaN in task 1: synapses with such gradients gain no importance from this task. \
                    Skip such steps, or resume from a checkpoint before the task";
    let is_other = importance(&learner).iter().any(|it| !it.is_finite());
    assert!(!is_other, "importance stays finite");
    assert!(
        told.iter()
            .any(|it| it.ends_with(expected) || it.contains("its training has diverged")),
        "{told:?}"
    );
    assert_eq!(importance(&learner).len(), before.len());
}

fn importance(learner: &ContinualLearner<Network>) -> Vec<f64> {
    let diagnostics = learner.diagnostics().parameters.into_iter();
    diagnostics
        .filter_map(|it| it.importance_quantiles)
        .flatten()
        .collect()
}

#[test]
fn unscaled_gradients_equal_those_of_the_loss_or_none_if_not_finite() {
    let learner = trained(&device(), 1);
    let grads = |factor: f32| {
        let loss = learner.loss(0).mul_scalar(factor);
        GradientsParams::from_grads(loss.backward(), &*learner)
    };
    let id = learner.body.weight.id;
    let of_body = |grads: &GradientsParams| values(grads.get::<2>(id).expect("it has one"));
    let scaled = unscaled(&*learner, grads(8.0), 8.0).expect("they are finite");
    assert_same(&of_body(&scaled), &of_body(&grads(1.0)));
    assert!(
        scaled.get::<2>(learner.heads[1].weight.id).is_none(),
        "it has no gradient"
    );
    for factor in [f32::INFINITY, f32::NAN] {
        assert!(unscaled(&*learner, grads(factor), 8.0).is_none());
    }
}
