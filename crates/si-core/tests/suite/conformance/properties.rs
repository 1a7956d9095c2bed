//! Properties of each optimizer by itself.

use core::slice;

use crate::conformance::model::Toy;
use crate::conformance::optimizers;
use crate::conformance::setup::{LEARNING_RATE, STEPS, SecondHead, Setup, TASKS};
use crate::conformance::state::{Agreement, ROUNDING, State, assert_agree};
use crate::conformance::ways::alone::{CLOSED_FORM, LOSS_TERM};
use crate::conformance::ways::{self, trajectory};

#[test]
fn strength_zero_equals_the_bare_optimizer_in_every_way() {
    let setup = Setup::with_strength(0.0);
    for row in optimizers::all() {
        let mut optimizer = row.bare(&setup);
        let mut model = Toy::new();
        for task in 0..TASKS {
            for step in 0..STEPS {
                let grads = model.gradients(&setup.minibatches(task, step), None);
                model = optimizer.step(LEARNING_RATE, model, grads);
            }
        }
        let expected = State::bare(&model);
        for way in ways::all() {
            let what = format!("{}, {}", way.name(), row.name);
            let mut states = trajectory(way.as_ref(), &row, &setup);
            let last = states.pop().expect("there are some");
            let actual = last.without_synapses();
            assert_agree(
                &[actual],
                slice::from_ref(&expected),
                Agreement::Exact,
                &what,
            );
        }
    }
}

#[test]
fn penalty_has_an_effect_on_every_optimizer() {
    for row in optimizers::all() {
        let [free, held] = [0.0, 2.0].map(|strength| {
            let setup = Setup::with_strength(strength);
            trajectory(&CLOSED_FORM, &row, &setup)
        });
        // There is no importance in the first task, but there is some from then on.
        assert_agree(&free[..2], &held[..2], Agreement::Exact, row.name);
        let end = |states: Vec<State>| states.last().cloned().map(State::without_synapses);
        assert_ne!(end(free), end(held), "{}", row.name);
    }
}

#[test]
fn frozen_and_unused_layers_are_left_alone_in_every_way() {
    let setup = Setup::plain();
    let initial = Toy::new().numbers();
    for row in optimizers::all() {
        for way in ways::all() {
            let what = format!("{}, {}", way.name(), row.name);
            let states = trajectory(way.as_ref(), &row, &setup);
            for (path, parameter) in &states[0].0 {
                let is_left_alone = path.starts_with("frozen") || path.starts_with("second");
                assert_eq!(parameter.value == initial[path], is_left_alone, "{what}");
                assert_eq!(parameter.synapse.is_none(), is_left_alone, "{what}");
            }
            let last = states.last().expect("there are some");
            for (path, parameter) in &last.0 {
                let is_frozen = path.starts_with("frozen");
                assert_eq!(parameter.value == initial[path], is_frozen, "{what}");
                assert_eq!(parameter.synapse.is_none(), is_frozen, "{what}");
            }
        }
    }
}

#[test]
fn accumulated_minibatches_are_one_step_on_the_summed_loss_in_every_way() {
    let [accumulated, joined] = [false, true].map(|joins| Setup {
        accumulated: 3,
        joins,
        ..Setup::plain()
    });
    for row in optimizers::all() {
        for way in ways::all() {
            let what = format!("{}, {}", way.name(), row.name);
            let expected = trajectory(way.as_ref(), &row, &joined);
            let actual = trajectory(way.as_ref(), &row, &accumulated);
            assert_agree(&actual, &expected, Agreement::Rounded, &what);
        }
    }
}

/// The documentation of `observe_gradients` describes this: in a layer that a task does not use, and that is at
/// its anchor, a penalty in the loss has a gradient of zero. So momentum moves the layer on.
#[test]
fn penalty_in_the_loss_moves_a_layer_that_rests() {
    let setup = Setup {
        second_head: SecondHead::Rests,
        ..Setup::plain()
    };
    for (name, moves) in [("SGD", false), ("SGD with momentum", true), ("Adam", true)] {
        let rows = optimizers::all();
        let row = rows.iter().find(|row| row.name == name);
        let row = row.expect("it is there");
        let moved = |way: &dyn ways::Way| {
            let states = trajectory(way, row, &setup);
            // Whether the layer moves between the first task's end and the second's.
            let [before, after] = [1, 2].map(|index| &states[index].0["second.weight"].value);
            let differs = |(before, after): (&f64, &f64)| (before - after).abs() > ROUNDING;
            before.iter().zip(after).any(differs)
        };
        assert!(!moved(&CLOSED_FORM), "{name}");
        assert_eq!(moved(&LOSS_TERM), moves, "{name}");
    }
}
