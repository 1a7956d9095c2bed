use burn::backend::{Dispatch, TensorMetadata};
use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::optim::{AdamConfig, SgdConfig};
#[cfg(feature = "ndarray")]
use burn::tensor::Device;
use burn::tensor::{DType, Tensor, TensorData};

use crate::learner::tests::{learner as line_learner, learner_that_holds, parts, reload, train};
use crate::ops::SynapticBackend;
use crate::settings::{Accumulation, NegativeImportance, StatePrecision};
use crate::synapse::Synapse;
use crate::test_device::{assert_same_parts, device_with};
use crate::test_line::{Line, device};
use crate::{ContinualLearner, Error, ParameterPolicy, SynapticIntelligenceConfig};

/// So small that it does not show.
const DAMPING: f64 = 1e-12;
/// Rounding of some operations in f64, and the damping.
const TOLERANCE: f64 = 1e-9;

/// A policy excludes `offset`.
#[derive(Module, Debug)]
struct Point {
    theta: Param<Tensor<1>>,
    offset: Param<Tensor<1>>,
}

fn param(numbers: &[f64]) -> Param<Tensor<1>> {
    let device = device_with(DType::F64).autodiff();
    let data = TensorData::new(numbers.to_vec(), [numbers.len()]);
    Param::from_tensor(Tensor::from_data(data, (&device, DType::F64)))
}

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_damping(1e-12)
        .with_policies(vec![ParameterPolicy::path("offset").exclude()])
}

/// A learner at `theta` that has not learnt anything.
fn fresh(theta: &[f64]) -> ContinualLearner<Point> {
    learner_with(theta, &config())
}

fn learner_with(theta: &[f64], config: &SynapticIntelligenceConfig) -> ContinualLearner<Point> {
    let point = Point {
        theta: param(theta),
        offset: param(&[0.0]),
    };
    ContinualLearner::new(point, config).expect("the config is valid")
}

/// A learner after `task` tasks, with that importance at `theta`.
fn knowing(theta: &[f64], importance: &[f64], task: usize) -> ContinualLearner<Point> {
    knowing_with(theta, importance, task, &config())
}

fn knowing_with(
    theta: &[f64],
    importance: &[f64],
    task: usize,
    config: &SynapticIntelligenceConfig,
) -> ContinualLearner<Point> {
    let mut learner = learner_with(theta, config);
    let primitive = |numbers| Dispatch::primitive(param(numbers).val().inner());
    let mut synapse = Synapse::new("theta".to_string(), primitive(theta));
    synapse.importance = Some(primitive(importance));
    let id = learner.theta.id;
    learner.regularizer.synapses.insert(id, synapse);
    learner.regularizer.enter_task(task);
    learner
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn theta(learner: &ContinualLearner<Point>) -> Vec<f64> {
    numbers(learner.theta.val())
}

fn importance(learner: &ContinualLearner<Point>) -> Vec<f64> {
    let synapse = learner.regularizer().synapse(learner.theta.id);
    let importance = synapse.and_then(Synapse::importance::<1>);
    numbers(importance.expect("the learner has importance"))
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{found} is not {expected}"
        );
    }
}

fn merge(
    start: &ContinualLearner<Point>,
    learners: &[ContinualLearner<Point>],
) -> ContinualLearner<Point> {
    start
        .merge(learners, DAMPING)
        .expect("they began at the start")
}

fn refusal(start: &ContinualLearner<Point>, learners: &[ContinualLearner<Point>]) -> String {
    let merged = start.merge(learners, DAMPING);
    let error = merged.expect_err("they cannot be merged");
    assert!(matches!(error, Error::Merge(_)));
    error.to_string()
}

/// The importance of a loss is half its Hessian, so `importance (θ − minimum)²` is the loss itself.
#[derive(Clone, Copy)]
struct Loss {
    minimum: f64,
    importance: f64,
}

/// The minimum of the sum of some losses, and its importance.
fn sum(losses: &[Loss]) -> Loss {
    let importance = losses.iter().map(|it| it.importance).sum();
    let weighted = losses.iter().map(|it| it.importance * it.minimum);
    Loss {
        minimum: weighted.sum::<f64>() / importance,
        importance,
    }
}

#[test]
fn merged_learners_are_at_the_minimum_of_the_sum_of_all_losses_with_its_importance() {
    let loss = |minimum, importance| Loss {
        minimum,
        importance,
    };
    // One parameter each: the loss before the learners part, and the losses that they learn then.
    let parameters = [
        (
            loss(0.3, 2.0),
            [loss(1.0, 1.0), loss(-1.0, 3.0), loss(0.5, 0.2)],
        ),
        (
            loss(-0.7, 0.5),
            [loss(0.1, 4.0), loss(2.0, 1.5), loss(2.0, 0.0)],
        ),
        (
            loss(0.9, 0.0),
            [loss(0.4, 1.0), loss(0.8, 2.0), loss(0.0, 3.0)],
        ),
    ];
    let learner_of = |task: usize, known: &dyn Fn(usize) -> Loss| {
        let known: Vec<Loss> = (0..parameters.len()).map(known).collect();
        let minima: Vec<f64> = known.iter().map(|it| it.minimum).collect();
        let importances: Vec<f64> = known.iter().map(|it| it.importance).collect();
        knowing(&minima, &importances, task)
    };
    let start = learner_of(2, &|parameter| parameters[parameter].0);
    let learners = [0, 1, 2].map(|index| {
        learner_of(3 + index, &|parameter| {
            let (before, losses) = &parameters[parameter];
            sum(&[*before, losses[index]])
        })
    });

    let merged = merge(&start, &learners);

    let expected = parameters.map(|(before, [a, b, c])| sum(&[before, a, b, c]));
    assert_close(&theta(&merged), &expected.map(|it| it.minimum), TOLERANCE);
    assert_close(
        &importance(&merged),
        &expected.map(|it| it.importance),
        TOLERANCE,
    );
    assert_eq!(merged.regularizer().task(), 2 + 1 + 2 + 3);
}

#[test]
fn learners_of_quadratic_losses_merge_at_the_minimum_of_their_sum() {
    const LEARNING_RATE: f64 = 2e-3;
    // The path integral of discrete steps is too large by the learning rate times the curvature, at most 8e-3.
    const TOLERANCE: f64 = 1e-2;
    let start = fresh(&[0.5, -0.5]);
    let losses = [([1.0, 2.0], [1.5, 0.8]), ([-1.0, 1.0], [0.8, 2.0])];
    let learners = losses.map(|(minimum, curvature)| {
        let [minimum, curvature] = [minimum, curvature].map(|it| param(&it).val().detach());
        let mut learner = start.clone();
        for _ in 0..4000 {
            (learner, _) = learner.step(&mut SgdConfig::new().init(), LEARNING_RATE, |point| {
                let distance = point.theta.val() - minimum.clone();
                (distance.square() * curvature.clone()).sum()
            });
        }
        learner.end_task();
        learner
    });

    let merged = merge(&start, &learners);

    let expected = [0, 1].map(|parameter| {
        sum(&losses.map(|(minimum, importance)| Loss {
            minimum: minimum[parameter],
            importance: importance[parameter],
        }))
    });
    assert_close(&theta(&merged), &expected.map(|it| it.minimum), TOLERANCE);
    assert_close(
        &importance(&merged),
        &expected.map(|it| it.importance),
        TOLERANCE,
    );
}

#[test]
fn after_earlier_tasks_a_gain_is_measured_too_large_by_twice_their_importance() {
    let mut learner = knowing(&[0.0, 0.0], &[0.5, 0.0], 1);
    for _ in 0..4000 {
        let loss = |point: &Point| (point.theta.val() - 1.0).square().sum();
        (learner, _) = learner.step(&mut SgdConfig::new().init(), 2e-3, loss);
    }
    learner.end_task();
    // The importance of the loss is 1.
    assert_close(&importance(&learner), &[0.5 + (1.0 + 2.0 * 0.5), 1.0], 1e-2);
}

#[test]
fn a_learner_merged_with_itself_keeps_its_parameters_and_doubles_its_importance() {
    let learner = knowing(&[1.5, -2.0], &[0.3, 4.0], 1);
    let merged = merge(&fresh(&[0.0, 1.0]), &[learner.clone(), learner]);
    assert_close(&theta(&merged), &[1.5, -2.0], TOLERANCE);
    assert_close(&importance(&merged), &[0.6, 8.0], TOLERANCE);
    assert_eq!(merged.regularizer().task(), 2);
}

#[test]
fn drifts_of_several_learners_without_a_gain_count_by_their_mean() {
    let start = knowing(&[0.0, 1.0], &[1.0, 0.3], 1);
    let [first, second] = [[0.1, 0.5], [-0.3, 1.0]].map(|theta| knowing(&theta, &[1.0, 0.3], 2));
    let merged = merge(&start, &[first, second]);
    assert_close(&theta(&merged), &[-0.1, 0.75], TOLERANCE);
}

#[test]
fn a_learner_with_a_gain_counts_whole_beside_one_that_drifts() {
    let start = knowing(&[0.0], &[1.0], 1);
    let learners = [knowing(&[0.8], &[4.0], 2), knowing(&[0.4], &[1.0], 2)];
    // The weights are 1 + 3 and 1 / 2, of 1 + 3.
    let merged = merge(&start, &learners);
    assert_close(&theta(&merged), &[0.8 + 0.05], TOLERANCE);
    assert_close(&importance(&merged), &[4.0], TOLERANCE);
}

#[test]
fn a_learner_merged_with_itself_after_earlier_tasks_counts_its_own_loss_twice() {
    let [before, own] = [(0.5, 1.0), (1.5, 3.0)].map(|(minimum, importance)| Loss {
        minimum,
        importance,
    });
    let start = knowing(&[before.minimum], &[before.importance], 1);
    let both = sum(&[before, own]);
    let learner = knowing(&[both.minimum], &[both.importance], 2);
    let merged = merge(&start, &[learner.clone(), learner]);
    let expected = sum(&[before, own, own]);
    assert_close(&theta(&merged), &[expected.minimum], TOLERANCE);
    assert_close(&importance(&merged), &[expected.importance], TOLERANCE);
}

#[test]
fn the_order_of_the_learners_does_not_matter() {
    let start = knowing(&[0.2, 0.1], &[1.0, 0.3], 1);
    let [first, second] = [
        knowing(&[0.7, -0.4], &[1.9, 0.5], 2),
        knowing(&[-0.3, 0.6], &[1.2, 2.5], 3),
    ];
    let one = merge(&start, &[first.clone(), second.clone()]);
    let other = merge(&start, &[second, first]);
    assert_close(&theta(&one), &theta(&other), TOLERANCE);
    assert_close(&importance(&one), &importance(&other), TOLERANCE);
    assert_eq!(one.regularizer().task(), other.regularizer().task());
}

#[test]
fn a_learner_without_importance_leaves_the_parameters_of_the_other() {
    let start = fresh(&[0.0, 0.0]);
    let learners = [
        knowing(&[3.0, -1.0], &[0.5, 0.0], 1),
        knowing(&[-4.0, 2.0], &[0.0, 0.7], 1),
    ];
    assert_close(&theta(&merge(&start, &learners)), &[3.0, 2.0], TOLERANCE);
}

#[test]
fn a_parameter_without_importance_stays_at_the_start_and_damping_draws_others_there() {
    let start = fresh(&[0.5, 0.5]);
    let learners = [
        knowing(&[2.0, 2.5], &[0.0, 1.0], 1),
        knowing(&[-3.0, 0.5], &[0.0, 1.0], 1),
    ];
    let merged = start
        .merge(&learners, 2.0)
        .expect("they began at the start");
    // The displacements of the second parameter are 2 and 0, with weights of 1 of 1 + 1 + 2.
    assert_close(&theta(&merged), &[0.5, 1.0], TOLERANCE);
    assert_close(&importance(&merged), &[0.0, 2.0], TOLERANCE);
}

#[test]
fn importance_that_a_learner_has_lost_counts_as_zero_in_the_mean() {
    let start = knowing(&[0.0], &[3.0], 1);
    let learners = [knowing(&[1.0], &[0.5], 2), knowing(&[0.0], &[4.0], 2)];
    let merged = merge(&start, &learners);
    // The gains are −2.5 and 1, so the weights are 3 / 2 and 4 of 4.
    assert_close(&theta(&merged), &[0.375], TOLERANCE);
    assert_close(&importance(&merged), &[1.5], TOLERANCE);
}

#[test]
fn drifts_without_a_gain_count_as_one_however_many_there_are() {
    let start = knowing(&[0.0, 0.0], &[1.0, 1.0], 1);
    let drifted = knowing(&[0.1, -0.2], &[1.0, 1.0], 2);
    for count in [1, 2, 8] {
        let merged = merge(&start, &vec![drifted.clone(); count]);
        assert_close(&theta(&merged), &[0.1, -0.2], TOLERANCE);
        assert_close(&importance(&merged), &[1.0, 1.0], TOLERANCE);
    }
}

#[test]
fn merged_importance_is_negative_only_if_the_settings_keep_that() {
    let merged = |negative| {
        let config = config().with_negative_importance(negative);
        let knowing = |importance, task| knowing_with(&[0.0], &[importance], task, &config);
        importance(&merge(
            &knowing(3.0, 1),
            &[knowing(1.0, 2), knowing(0.5, 2)],
        ))
    };
    assert_close(&merged(NegativeImportance::ReluOnSum), &[0.0], TOLERANCE);
    assert_close(&merged(NegativeImportance::Keep), &[-1.5], TOLERANCE);
}

#[test]
fn what_a_policy_excludes_is_the_mean_and_what_did_not_change_keeps_its_bits() {
    let offset = |mut learner: ContinualLearner<Point>, offset: f64| {
        learner.offset = param(&[offset]);
        learner
    };
    let merged = |offsets: [f64; 3]| {
        let learners = offsets.map(|it| offset(knowing(&[1.0], &[1.0], 1), it));
        let merged = merge(&offset(fresh(&[0.0]), 0.1), &learners);
        assert!(merged.regularizer().synapse(merged.offset.id).is_none());
        numbers(merged.offset.val())
    };
    assert_close(&merged([0.5, 0.8, -0.4]), &[0.3], TOLERANCE);
    assert_eq!(merged([0.1; 3]), [0.1]);
}

#[test]
fn parameters_keep_ids_and_mode_and_what_is_frozen_stays_frozen() {
    let mut start = knowing(&[0.0], &[1.0], 1);
    start.offset = start.offset.clone().set_require_grad(false);
    let learners = [knowing(&[1.0], &[2.0], 2)];
    let merged = merge(&start, &learners);
    assert_eq!(merged.theta.id, start.theta.id);
    assert!(merged.theta.is_require_grad());
    assert!(!merged.offset.is_require_grad());
    let merged_in_validation = merge(&start.valid(), &learners.map(|it| it.valid()));
    assert!(!merged_in_validation.theta.is_require_grad());
    assert_eq!(theta(&merged_in_validation), theta(&merged));
    assert!(merged_in_validation.train().theta.is_require_grad());
}

#[test]
fn running_statistics_are_the_mean_and_those_of_the_start_do_not_change() {
    #[derive(Module, Debug)]
    struct Normed {
        norm: BatchNorm,
    }
    let statistics = |learner: &ContinualLearner<Normed>| {
        let norm = &learner.norm;
        let [mean, variance] = [&norm.running_mean, &norm.running_var];
        [mean.value_sync(), variance.value_sync()]
            .map(numbers)
            .concat()
    };
    let device = device();
    let module = Normed {
        norm: BatchNormConfig::new(2).init(&device),
    };
    let start = ContinualLearner::new(module, &SynapticIntelligenceConfig::new());
    let start = start.expect("the config is valid");
    let before = statistics(&start);
    let learners = [1.0, 3.0].map(|scale: f32| {
        let mut learner = start.valid().train();
        let inputs = [[scale, 2.0], [-scale, 5.0], [0.5, scale]];
        let inputs = Tensor::<2>::from_floats(inputs, &device);
        (learner, _) = learner.step(&mut SgdConfig::new().init(), 0.1, |module| {
            (module.norm.forward(inputs) - 0.5).square().mean()
        });
        learner.end_task();
        learner
    });

    let merged = start.merge(&learners, DAMPING).expect("they began there");

    let [first, second] = learners.each_ref().map(statistics);
    let mean = first
        .iter()
        .zip(&second)
        .map(|(one, other)| (one + other) / 2.0);
    assert!(first != second);
    assert_close(&statistics(&merged), &mean.collect::<Vec<f64>>(), 1e-5);
    assert_eq!(statistics(&start), before);
}

/// Two learners that have each learnt a task since a common one.
fn lines(precision: StatePrecision) -> (ContinualLearner<Line>, [ContinualLearner<Line>; 2]) {
    let mut start = learner_that_holds(precision);
    start = train(start, &mut AdamConfig::new().init(), 0..5);
    start.end_task();
    let learners = [5, 20].map(|first| {
        let mut learner = train(
            start.clone(),
            &mut AdamConfig::new().init(),
            first..first + 5,
        );
        learner.end_task();
        learner
    });
    (start, learners)
}

#[test]
fn a_merged_learner_goes_on_training_and_resumes_from_its_record() {
    let (start, learners) = lines(StatePrecision::Full);
    let merged = start.merge(&learners, DAMPING).expect("they began there");
    assert_eq!(merged.regularizer().task(), 3);
    let optimizer = AdamConfig::new().init();
    let (mut loaded, _) = reload(merged.clone(), &optimizer);
    assert_same_parts(&parts(&loaded), &parts(&merged));
    let mut learner = merged;
    for learner in [&mut learner, &mut loaded] {
        let trained = train(learner.clone(), &mut AdamConfig::new().init(), 40..45);
        *learner = trained;
        assert_eq!(learner.end_task(), None);
    }
    assert_eq!(learner.regularizer().task(), 4);
    assert_same_parts(&parts(&loaded), &parts(&learner));
    // It was held back: the penalty was not zero.
    assert!(learner.end_epoch().penalty > 0.0);
}

#[test]
fn merging_in_two_rounds_gives_the_same_as_the_sum_of_all_losses() {
    let loss = |minimum, importance| Loss {
        minimum,
        importance,
    };
    let before = loss(0.3, 2.0);
    let [first, second, third, fourth] = [
        loss(1.0, 1.0),
        loss(-1.0, 3.0),
        loss(0.5, 0.2),
        loss(-0.7, 1.5),
    ];
    let learner_of = |losses: &[Loss]| {
        let known = sum(losses);
        knowing(&[known.minimum], &[known.importance], losses.len())
    };
    let merged = merge(
        &learner_of(&[before]),
        &[first, second].map(|own| learner_of(&[before, own])),
    );
    let further = [third, fourth].map(|own| learner_of(&[before, first, second, own]));
    let merged = merge(&merged, &further);
    let expected = sum(&[before, first, second, third, fourth]);
    assert_close(&theta(&merged), &[expected.minimum], TOLERANCE);
    assert_close(&importance(&merged), &[expected.importance], TOLERANCE);
    assert_eq!(merged.regularizer().task(), 5);
}

#[test]
fn what_learners_learn_after_a_merge_merges_again() {
    let (start, learners) = lines(StatePrecision::Full);
    let merged = start.merge(&learners, DAMPING).expect("they began there");
    let further = [50, 60].map(|first| {
        let mut learner = train(
            merged.clone(),
            &mut AdamConfig::new().init(),
            first..first + 5,
        );
        learner.end_task();
        learner
    });
    let again = merged.merge(&further, DAMPING).expect("they began there");
    assert_eq!(again.regularizer().task(), 5);
    let [before, after] = [&merged, &again].map(parts);
    assert_eq!(before.len(), after.len());
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        assert!(after.iter().all(|number| number.is_finite()), "{name}");
        assert!(before != after, "{name} is as before");
    }
}

#[test]
fn state_of_16_bits_merges_like_that_of_32_up_to_rounding() {
    if !device().supports_dtype(DType::BF16) {
        return;
    }
    let [rounded, exact] = [StatePrecision::Bf16, StatePrecision::Full].map(|precision| {
        let (start, learners) = lines(precision);
        let merged = start.merge(&learners, 1e-6);
        merged.expect("they began at the start")
    });
    for synapse in rounded.regularizer().synapses() {
        assert_eq!(synapse.anchor_primitive().dtype(), DType::BF16);
    }
    for ((_, rounded), (_, exact)) in parts(&rounded).iter().zip(&parts(&exact)) {
        assert_close(rounded, exact, 0.1);
    }
}

#[test]
#[cfg(feature = "safetensors")]
fn learners_from_files_merge_like_the_learners_themselves() {
    use crate::safetensors::WeightLayout;

    let (start, learners) = lines(StatePrecision::Full);
    let loaded = learners.each_ref().map(|learner| {
        let state = learner.to_safetensors(WeightLayout::PyTorch);
        let state = state.expect("it can be written");
        let module = (**learner).clone().into_record();
        let mut other = line_learner();
        other.module = other.module.load_record(module);
        let report = other.load_safetensors(&state, WeightLayout::PyTorch);
        report.expect("it fits");
        other
    });
    let merged = [learners, loaded].map(|learners| {
        let merged = start.merge(&learners, DAMPING);
        parts(&merged.expect("they began at the start"))
    });
    assert_same_parts(&merged[1], &merged[0]);
}

#[test]
fn state_without_its_parameters_is_refused() {
    let (start, [first, mut second]) = lines(StatePrecision::Full);
    second.module.shift = line_learner().module.shift;
    second.rebind();
    let error = start.merge(&[first, second], DAMPING);
    let error = error.expect_err("the parameters are others").to_string();
    assert!(
        error.contains("shift of learner 1 is not where it was"),
        "{error}"
    );
}

#[test]
fn learners_within_a_task_or_without_a_new_one_are_refused() {
    let start = knowing(&[0.0], &[1.0], 1);
    let learner = knowing(&[1.0], &[2.0], 2);
    let mut within = learner.clone();
    within.regularizer.meter.steps_in_task = 7;
    let error = refusal(&start, &[learner.clone(), within.clone()]);
    assert!(
        error.contains("learner 1 has taken 7 steps since the end of its last task"),
        "{error}"
    );
    within.regularizer.enter_task(1);
    let error = refusal(&within, std::slice::from_ref(&learner));
    assert!(
        error.contains("the common start has taken 7 steps"),
        "{error}"
    );
    let error = refusal(&start, &[learner, start.clone()]);
    assert!(
        error.contains("learner 1 must have learnt a task"),
        "{error}"
    );
    let error = refusal(&start, &[]);
    assert!(error.contains("at least one is needed"), "{error}");
}

#[test]
fn learners_of_another_build_or_origin_are_refused() {
    let start = knowing(&[0.0, 0.0], &[1.0, 1.0], 1);
    let error = refusal(&start, &[knowing(&[0.0; 3], &[1.0; 3], 2)]);
    assert!(
        error.contains("theta is of shape [2] in the common start and of shape [3] in learner 0"),
        "{error}"
    );
    let mut unknowing = fresh(&[0.0, 0.0]);
    unknowing.regularizer.enter_task(2);
    let error = refusal(&start, &[unknowing]);
    assert!(
        error.contains("theta has importance in the common start, but none in learner 0"),
        "{error}"
    );
}

#[test]
fn only_settings_that_change_what_importance_means_must_agree() {
    let start = knowing(&[0.0], &[1.0], 1);
    let with = |config: &SynapticIntelligenceConfig| knowing_with(&[1.0], &[2.0], 2, config);
    let error = refusal(&start, &[with(&config().with_damping(0.5))]);
    assert!(
        error.contains("damping is 0.5 there and 0.000000000001 in the common start"),
        "{error}"
    );
    let merged = merge(&start, &[with(&config().with_strength(9.0))]);
    assert_eq!(merged.regularizer().config().strength, 1.0);

    let average = config().with_accumulation(Accumulation::MovingAverage { decay: 0.5 });
    let error = refusal(
        &knowing_with(&[0.0], &[1.0], 1, &average),
        &[with(&average)],
    );
    assert!(error.contains("a moving average"), "{error}");
}

#[test]
fn a_damping_that_is_not_positive_is_refused() {
    let [start, learner] = [knowing(&[0.0], &[1.0], 1), knowing(&[1.0], &[2.0], 2)];
    for damping in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let merged = start.merge(std::slice::from_ref(&learner), damping);
        assert!(matches!(merged, Err(Error::Damping(_))));
    }
}

#[test]
#[cfg(feature = "ndarray")]
#[expect(
    deprecated,
    reason = "of the backends compiled in here, it is the second that computes in f64"
)]
fn learners_on_another_device_come_to_that_of_the_start() {
    let start = knowing(&[0.0], &[1.0], 1);
    let learners = [knowing(&[1.0], &[2.0], 2), knowing(&[-0.5], &[1.5], 2)];
    let expected = merge(&start, &learners);
    let elsewhere = Device::ndarray().autodiff();
    let merged = merge(&start, &learners.map(|it| it.to_device(&elsewhere)));
    assert_eq!(merged.devices(), start.devices());
    assert_close(&theta(&merged), &theta(&expected), TOLERANCE);
    assert_close(&importance(&merged), &importance(&expected), TOLERANCE);
}
