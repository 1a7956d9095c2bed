use burn::module::Module;
use burn::optim::GradientsParams;
use proptest::prelude::*;
use si_core::ops::SynapticBackend;
use si_core::quadratic::{Joining, Normalization};
use si_core::{Importance, ParameterPolicy, QuadraticPenalty, TaskWarning};

use super::{Vector, config, ewc};
use crate::common::values;

/// Rounding of double precision, for sums over a few tasks of numbers of size 10.
const ROUNDING: f64 = 1e-11;

/// The result of one task for one parameter.
#[derive(Clone, Copy, Debug)]
struct Told {
    information: f64,
    parameter: f64,
}

/// The results of some tasks for some parameters. Some of the information is zero.
fn tasks() -> impl Strategy<Value = Vec<Vec<Told>>> {
    let information = prop_oneof![Just(0.0), 0.0..3.0, 0.0..1e-6];
    let told = (information, -2.0..2.0).prop_map(|(information, parameter)| Told {
        information,
        parameter,
    });
    (1..6_usize).prop_flat_map(move |num_parameters| {
        let task = prop::collection::vec(told.clone(), num_parameters);
        prop::collection::vec(task, 1..6)
    })
}

fn each(task: &[Told], of: fn(&Told) -> f64) -> Vec<f64> {
    task.iter().map(of).collect()
}

/// The penalty and its gradient with respect to every parameter, from terms `strength/2 · information (θ −
/// parameter)²`.
fn parabolas(terms: &[Vec<Told>], theta: &[f64], strength: f64) -> (f64, Vec<f64>) {
    let mut penalty = 0.0;
    let mut gradient = vec![0.0; theta.len()];
    for term in terms {
        for (index, told) in term.iter().enumerate() {
            let displacement = theta[index] - told.parameter;
            penalty += strength / 2.0 * told.information * displacement * displacement;
            gradient[index] += strength * told.information * displacement;
        }
    }
    (penalty, gradient)
}

/// The same as `parabolas`, from a regularizer of `form` that has consolidated the tasks.
fn consolidated(
    form: Joining,
    tasks: &[Vec<Told>],
    theta: &[f64],
    strength: f64,
) -> (f64, Vec<f64>) {
    let mut ewc = ewc(&config(strength).with_joining(form));
    let module = Vector::new(theta);
    for (index, task) in tasks.iter().enumerate() {
        assert_eq!(ewc.task(), index);
        let at_end = module.moved_to(&each(task, |told| told.parameter));
        ewc.consolidate(
            &at_end,
            &module.fisher(&each(task, |told| told.information)),
        );
    }
    let penalty = ewc.penalty(&module).into_scalar::<f64>();
    // The differentiable penalty and the closed form must agree on the gradient.
    let grads = ewc.penalty(&module).backward();
    let grads = GradientsParams::from_grads(grads, &module);
    let differentiated = values(grads.get::<1>(module.theta.id).expect("it has a gradient"));
    let gradient = module.pull(&ewc, &vec![0.0; theta.len()]);
    for (gradient, differentiated) in gradient.iter().zip(differentiated) {
        assert!((gradient - differentiated).abs() <= ROUNDING);
    }
    (penalty, gradient)
}

fn check(actual: (f64, Vec<f64>), expected: (f64, Vec<f64>)) -> Result<(), TestCaseError> {
    let pairs = actual.1.into_iter().zip(expected.1);
    for (actual, expected) in pairs.chain([(actual.0, expected.0)]) {
        let close = (actual - expected).abs() <= ROUNDING * expected.abs().max(1.0);
        prop_assert!(close, "{actual} is not {expected}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn penalties_of_all_tasks_equal_the_sum_of_one_per_task(
        tasks in tasks(), strength in 0.1..10.0, theta in prop::collection::vec(-2.0..2.0, 5),
    ) {
        let theta = &theta[..tasks[0].len()];
        let actual = consolidated(Joining::PerTask, &tasks, theta, strength);
        check(actual, parabolas(&tasks, theta, strength))?;
    }

    #[test]
    fn online_form_is_one_penalty_of_the_decayed_sum_around_the_latest_parameters(
        tasks in tasks(), decay in 0.1..=1.0, theta in prop::collection::vec(-2.0..2.0, 5),
    ) {
        let theta = &theta[..tasks[0].len()];
        let mut only = tasks[0].clone();
        for task in &tasks[1..] {
            for (only, told) in only.iter_mut().zip(task) {
                only.information = decay * only.information + told.information;
                only.parameter = told.parameter;
            }
        }
        let actual = consolidated(Joining::Latest { decay }, &tasks, theta, 2.0);
        check(actual, parabolas(&[only], theta, 2.0))?;
    }

    #[test]
    fn averaging_form_is_one_penalty_of_the_mean_importance_around_the_latest_parameters(
        tasks in tasks(), theta in prop::collection::vec(-2.0..2.0, 5),
    ) {
        let theta = &theta[..tasks[0].len()];
        let mut only = tasks[tasks.len() - 1].clone();
        for (index, only) in only.iter_mut().enumerate() {
            let total: f64 = tasks.iter().map(|task| task[index].information).sum();
            only.information = total / tasks.len() as f64;
        }
        let actual = consolidated(Joining::Average, &tasks, theta, 2.0);
        check(actual, parabolas(&[only], theta, 2.0))?;
    }
}

/// P after two tasks with these importances.
fn precision(normalization: Normalization, tasks: [&[f64]; 2]) -> Vec<f64> {
    let config = config(1.0).with_normalization(normalization);
    let mut ewc = ewc(&config.with_joining(Joining::Latest { decay: 1.0 }));
    let module = Vector::new(&vec![0.0; tasks[0].len()]);
    for importance in tasks {
        ewc.consolidate(&module, &module.fisher(importance));
    }
    values(ewc.pulls()[0].precision::<1>())
}

#[test]
fn normalised_importance_of_each_task_has_the_same_size() {
    let tasks: [&[f64]; 2] = [&[1e-6, 3e-6, 0.0, 4e-6], &[400.0, 0.0, 400.0, 0.0]];
    for (normalization, expected) in [
        (Normalization::Off, [400.000_001, 3e-6, 400.0, 4e-6]),
        (Normalization::Mean, [2.5, 1.5, 2.0, 2.0]),
        (Normalization::Largest, [1.25, 0.75, 1.0, 1.0]),
    ] {
        for (actual, expected) in precision(normalization, tasks).into_iter().zip(expected) {
            let is_close = (actual - expected).abs() <= ROUNDING * expected.abs().max(1.0);
            assert!(is_close, "{normalization:?}: {actual} is not {expected}");
        }
    }
}

#[test]
fn importance_that_is_zero_everywhere_is_not_normalised() {
    for normalization in [Normalization::Mean, Normalization::Largest] {
        let precision = precision(normalization, [&[0.0, 0.0], &[1.0, 1.0]]);
        assert_eq!(precision, [1.0, 1.0]);
    }
}

#[test]
fn normalisation_spans_all_parameters_that_are_consolidated() {
    #[derive(Module, Debug)]
    struct Two {
        first: Vector,
        second: Vector,
    }
    let module = Two {
        first: Vector::new(&[0.0]),
        second: Vector::new(&[0.0, 0.0]),
    };
    let mut importance = module.first.fisher(&[6.0]);
    importance = importance.merge(module.second.fisher(&[1.0, 2.0]));
    let config = config(1.0).with_normalization(Normalization::Mean);
    let mut all = ewc(&config);
    all.consolidate(&module, &importance);
    let precisions = |ewc: &QuadraticPenalty| -> Vec<f64> {
        let pulls = ewc.pulls().into_iter();
        pulls.flat_map(|it| values(it.precision::<1>())).collect()
    };
    for (actual, expected) in precisions(&all)
        .into_iter()
        .zip([2.0, 1.0 / 3.0, 2.0 / 3.0])
    {
        assert!((actual - expected).abs() <= ROUNDING);
    }
    let mut one = ewc(&config.with_policies(vec![ParameterPolicy::path("second.*").exclude()]));
    one.consolidate(&module, &importance);
    assert_eq!(precisions(&one), [1.0]);
}

/// The closed form of one task loses nothing to rounding at its anchor or near it.
#[test]
fn pull_at_the_anchor_of_one_task_is_exactly_zero() {
    let module = Vector::new(&[0.1, -7.3]);
    let mut ewc = ewc(&config(3.0));
    ewc.consolidate(&module, &module.fisher(&[0.7, 1e9]));
    assert_eq!(module.pull(&ewc, &[0.0, 0.0]), [0.0, 0.0]);
    assert_eq!(ewc.penalty(&module).into_scalar::<f64>(), 0.0);
}

#[test]
fn gradients_stay_as_they_are_in_the_first_task_and_without_strength() {
    let module = Vector::new(&[1.0, -2.0]);
    let gradient = [0.1 + 0.2, -0.0];
    let bits = |gradient: &[f64]| gradient.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
    for strength in [0.0, 1.0] {
        let mut ewc = ewc(&config(strength));
        assert_eq!(bits(&module.pull(&ewc, &gradient)), bits(&gradient));
        assert_eq!(ewc.penalty(&module).into_scalar::<f64>(), 0.0);
        ewc.consolidate(&module, &module.fisher(&[1.0, 1.0]));
        let moved = module.moved_to(&[3.0, 3.0]);
        let same = bits(&moved.pull(&ewc, &gradient)) == bits(&gradient);
        assert_eq!(same, strength == 0.0);
    }
}

#[test]
fn a_strength_that_is_set_acts_from_the_next_step_on() {
    let module = Vector::new(&[0.5, -1.0]);
    let mut ewc = ewc(&config(2.0));
    ewc.consolidate(&module, &module.fisher(&[1.0, 4.0]));
    let moved = module.moved_to(&[1.5, 1.0]);
    let pull = |ewc: &QuadraticPenalty| moved.pull(ewc, &[0.0, 0.0]);
    let before = pull(&ewc);
    ewc.set_strength(0.5).expect("it is in the range");
    assert_eq!(ewc.config().strength, 0.5);
    let expected: Vec<f64> = before.iter().map(|gradient| gradient / 4.0).collect();
    assert_ne!(expected, [0.0, 0.0]);
    assert_eq!(pull(&ewc), expected);
    let error = ewc.set_strength(-1.0).expect_err("it is negative");
    assert_eq!(
        error.to_string(),
        "strength must be a finite number ≥ 0, got -1"
    );
    assert_eq!(pull(&ewc), expected);
}

#[test]
fn state_is_two_tensors_whatever_the_number_of_tasks() {
    let module = Vector::new(&[0.0]);
    let mut ewc = ewc(&config(1.0));
    for task in 0..4 {
        let at_end = module.moved_to(&[f64::from(task)]);
        ewc.consolidate(&at_end, &module.fisher(&[f64::from(task + 1)]));
    }
    let pulls = ewc.pulls();
    let [pull] = pulls[..] else {
        panic!("there is one parameter");
    };
    assert_eq!(pull.path(), "theta");
    let read = |primitive: &_| {
        values(burn::backend::Dispatch::tensor::<1>(Clone::clone(
            primitive,
        )))
    };
    assert_eq!(read(pull.precision_primitive()), [10.0]);
    // (1·0 + 2·1 + 3·2 + 4·3) / 10.
    assert!((read(pull.anchor_primitive())[0] - 2.0).abs() < ROUNDING);
}

#[test]
fn task_without_information_is_reported() {
    let module = Vector::new(&[1.0]);
    let nothing = Some(TaskWarning::NoImportance);
    let mut ewc = ewc(&config(1.0));
    assert_eq!(ewc.consolidate(&module, &module.fisher(&[0.5])), None);
    assert_eq!(ewc.consolidate(&module, &Importance::default()), nothing);
    assert_eq!(ewc.consolidate(&module, &module.fisher(&[0.0])), nothing);
    assert_eq!(ewc.task(), 3);
    // The information of another module is a mistake, so the task does not end.
    let other = Vector::new(&[1.0]);
    assert_eq!(ewc.consolidate(&module, &other.fisher(&[0.5])), nothing);
    assert_eq!(ewc.task(), 3);
    let mut without = super::ewc(&config(0.0));
    assert_eq!(without.consolidate(&module, &Importance::default()), None);
}

#[test]
#[should_panic(expected = "the importance of theta is of another shape")]
fn information_of_another_shape_is_refused() {
    let module = Vector::new(&[1.0, 2.0]);
    ewc(&config(1.0)).consolidate(&module, &module.fisher(&[1.0]));
}

#[test]
fn settings_out_of_range_are_refused_with_their_value() {
    let online = |decay| config(1.0).with_joining(Joining::Latest { decay });
    for (config, message) in [
        (config(-1.0), "strength must be a finite number ≥ 0, got -1"),
        (
            config(f64::INFINITY),
            "strength must be a finite number ≥ 0, got inf",
        ),
        (
            online(0.0),
            "decay of `Joining::Latest` must be in (0, 1], got 0",
        ),
        (
            online(1.5),
            "decay of `Joining::Latest` must be in (0, 1], got 1.5",
        ),
        (
            online(f64::NAN),
            "decay of `Joining::Latest` must be in (0, 1], got NaN",
        ),
    ] {
        let error = config.init().expect_err("it is out of range");
        assert_eq!(error.to_string(), message);
    }
    assert!(online(1.0).init().is_ok());
}

#[test]
fn config_survives_a_file() {
    use burn::config::Config;

    let config = config(40.0).with_joining(Joining::Latest { decay: 0.9 });
    let config = config.with_normalization(Normalization::Mean);
    let read = Config::load_binary(config.to_string().as_bytes());
    let read: si_core::QuadraticPenaltyConfig = read.expect("it is a config");
    assert_eq!(read.strength, 40.0);
    assert_eq!(read.joining, Joining::Latest { decay: 0.9 });
    assert_eq!(read.normalization, Normalization::Mean);
}

#[test]
fn state_can_be_rebound_to_a_module_with_other_ids() {
    let module = Vector::new(&[1.0]);
    let mut ewc = ewc(&config(1.0));
    ewc.consolidate(&module, &module.fisher(&[2.0]));
    let other = Vector::new(&[4.0]);
    assert_eq!(other.pull(&ewc, &[0.0]), [0.0]);
    ewc.rebind(&other);
    assert_eq!(other.pull(&ewc, &[0.0]), [6.0]);
}
