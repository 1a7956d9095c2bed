//! Compares every way with the regularizer alone, with every optimizer and in every kind of loop.

use burn::grad_clipping::GradientClippingConfig;
use burn::tensor::DType;
use si_core::settings::StatePrecision;

use crate::common::is_exact;
use crate::conformance::model::device;
use crate::conformance::optimizers;
use crate::conformance::setup::{SecondHead, Setup};
use crate::conformance::state::{Agreement, assert_agree};
use crate::conformance::ways::alone::{CLIPPED_FIRST, CLOSED_FORM};
use crate::conformance::ways::plain::Plain;
use crate::conformance::ways::{self, Way, trajectory};

const PLAIN: Plain = Plain { clips_first: false };

/// Below the gradients' values and norms, so that the clipping has an effect.
const CLIPPINGS: [GradientClippingConfig; 2] = [
    GradientClippingConfig::Value(0.05),
    GradientClippingConfig::Norm(0.1),
];

/// Compares `ways` with `reference`.
fn assert_ways_agree(setup: &Setup, reference: &dyn Way, ways: &[&dyn Way]) {
    for row in optimizers::all() {
        let expected = trajectory(reference, &row, setup);
        for way in ways {
            let what = format!("{}, {}", way.name(), row.name);
            let actual = trajectory(*way, &row, setup);
            assert_agree(&actual, &expected, way.agreement(), &what);
        }
    }
}

fn assert_all_agree(setup: &Setup) {
    let all = ways::all();
    let mut ways: Vec<&dyn Way> = all.iter().map(Box::as_ref).collect();
    ways.push(&PLAIN);
    assert_ways_agree(setup, &CLOSED_FORM, &ways);
}

#[test]
fn all_ways_agree_in_a_plain_loop() {
    assert_all_agree(&Setup::plain());
}

#[test]
fn all_ways_agree_on_accumulated_minibatches() {
    assert_all_agree(&Setup {
        accumulated: 3,
        ..Setup::plain()
    });
}

#[test]
fn all_ways_agree_with_groups_of_parameters() {
    assert_all_agree(&Setup {
        has_groups: true,
        ..Setup::plain()
    });
}

/// If a sum is rounded to one neighbour in one way and to the other in another way, their results diverge. So the
/// test leaves out ways, and devices, that are not the same bit for bit.
#[test]
fn exact_ways_agree_to_the_bit_with_importance_in_16_bits() {
    if !is_exact() || !device().supports_dtype(DType::BF16) {
        return;
    }
    let all = ways::all();
    let exact = |way: &&dyn Way| matches!(way.agreement(), Agreement::Exact);
    for reloads in [false, true] {
        let plain = Setup::plain();
        let setup = Setup {
            config: plain.config.with_state_precision(StatePrecision::Bf16),
            reloads,
            ..Setup::plain()
        };
        let ways: Vec<&dyn Way> = all.iter().map(Box::as_ref).filter(exact).collect();
        assert_ways_agree(&setup, &CLOSED_FORM, &ways);
    }
}

#[test]
fn all_ways_but_the_adaptor_agree_with_clipping_of_the_total_gradient() {
    let all = ways::all();
    for clipping in CLIPPINGS {
        let setup = Setup {
            clipping: Some(clipping),
            ..Setup::plain()
        };
        let mut ways: Vec<&dyn Way> = (all.iter().map(Box::as_ref))
            .filter(|way| way.name() != "adaptor")
            .collect();
        ways.push(&PLAIN);
        assert_ways_agree(&setup, &CLOSED_FORM, &ways);
    }
}

#[test]
fn adaptor_clips_gradients_before_the_path_integral_and_not_the_penalty() {
    for clipping in CLIPPINGS {
        let setup = Setup {
            clipping: Some(clipping),
            ..Setup::plain()
        };
        let plain = Plain { clips_first: true };
        let adaptor = ways::adaptor::Adaptor;
        assert_ways_agree(&setup, &CLIPPED_FIRST, &[&adaptor, &plain]);
        for row in optimizers::all() {
            let [adaptor, learner]: [Vec<_>; 2] =
                [&adaptor as &dyn Way, &CLOSED_FORM].map(|way| trajectory(way, &row, &setup));
            assert_ne!(adaptor, learner, "{}", row.name);
        }
    }
}

#[test]
fn trajectories_are_the_same_if_loaded_after_every_step_and_task() {
    for has_groups in [false, true] {
        let [unbroken, broken] = [false, true].map(|reloads| Setup {
            has_groups,
            reloads,
            ..Setup::plain()
        });
        for row in optimizers::all() {
            for way in ways::all() {
                let what = format!("{}, {}", way.name(), row.name);
                let expected = trajectory(way.as_ref(), &row, &unbroken);
                let actual = trajectory(way.as_ref(), &row, &broken);
                assert_agree(&actual, &expected, Agreement::Exact, &what);
            }
        }
    }
}

#[test]
fn all_ways_but_the_penalty_in_the_loss_agree_on_a_layer_that_rests() {
    let all = ways::all();
    for reloads in [false, true] {
        let setup = Setup {
            second_head: SecondHead::Rests,
            reloads,
            ..Setup::plain()
        };
        let mut ways: Vec<&dyn Way> = (all.iter().map(Box::as_ref))
            .filter(|way| way.name() != "penalty in the loss")
            .collect();
        ways.push(&PLAIN);
        assert_ways_agree(&setup, &CLOSED_FORM, &ways);
    }
}
