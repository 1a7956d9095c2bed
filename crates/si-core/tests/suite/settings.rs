//! Every setting does what its description says, checked against the same method on plain numbers.

use crate::common::values;
use burn::module::{Module, Param};
use burn::optim::{GradientsParams, SgdConfig};
use burn::prelude::*;
use burn::tensor::DType;
use proptest::prelude::*;
use si_core::settings::{
    Accumulation, FirstTaskStart, NegativeImportance, Normalization, PathGradient, PenaltyFactor,
};
use si_core::{
    ContinualLearner, ParameterPolicy, Preset, SynapticIntelligence, SynapticIntelligenceConfig,
    TaskWarning,
};

const TOLERANCE: f64 = 1e-10;
const LEARNING_RATE: f64 = 0.1;
const STEPS: usize = 4;

/// Parameters that each have a separate quadratic loss.
#[derive(Module, Debug)]
struct Parabolas {
    theta: Param<Tensor<1>>,
}

/// The method for one parameter in plain numbers. The task loss is `½ curvature (θ − target)²`.
struct Reference {
    theta: f64,
    anchor: f64,
    path_integral: f64,
    importance: f64,
}

impl Reference {
    fn step(
        &mut self,
        config: &SynapticIntelligenceConfig,
        task_index: usize,
        (curvature, target): (f64, f64),
        replica_strength: f64,
    ) {
        let task = curvature * (self.theta - target);
        let in_use = match config.importance_bound {
            Some(bound) => self.importance.min(bound),
            None => self.importance,
        };
        let scale = match config.penalty_factor {
            PenaltyFactor::One => 1.0,
            PenaltyFactor::Half => 0.5,
        };
        let schedule = &config.strength_schedule;
        let in_task = schedule.get(task_index.min(schedule.len().saturating_sub(1)));
        let scale = scale * config.strength * in_task.unwrap_or(&1.0) * replica_strength;
        let total = task + 2.0 * scale * in_use * (self.theta - self.anchor);
        let before = self.theta;
        self.theta -= LEARNING_RATE * total;
        let gradient = match config.path_gradient {
            PathGradient::Task => task,
            PathGradient::Total => total,
        };
        self.path_integral -= gradient * (self.theta - before);
    }

    fn end_task(&mut self, config: &SynapticIntelligenceConfig) {
        let displacement = self.theta - self.anchor;
        let mut new = self.path_integral / (displacement * displacement + config.damping);
        if config.negative_importance == NegativeImportance::ReluPerTask {
            new = new.max(0.0);
        }
        self.importance = match config.accumulation {
            Accumulation::Sum => self.importance + new,
            Accumulation::MovingAverage { decay } => decay * self.importance + (1.0 - decay) * new,
        };
        if config.negative_importance == NegativeImportance::ReluOnSum {
            self.importance = self.importance.max(0.0);
        }
        self.path_integral = 0.0;
        self.anchor = self.theta;
    }
}

fn configs() -> impl Strategy<Value = SynapticIntelligenceConfig> {
    (
        (0.0..2.0, prop::collection::vec(0.0..2.0, 0..4), 0.01..1.0),
        prop_oneof![Just(PathGradient::Task), Just(PathGradient::Total)],
        prop_oneof![
            Just(NegativeImportance::ReluOnSum),
            Just(NegativeImportance::ReluPerTask),
            Just(NegativeImportance::Keep)
        ],
        prop_oneof![Just(None), (0.01..1.0).prop_map(Some)],
        prop_oneof![
            Just(Accumulation::Sum),
            (0.0..1.0).prop_map(|decay| Accumulation::MovingAverage { decay })
        ],
        prop_oneof![Just(PenaltyFactor::One), Just(PenaltyFactor::Half)],
        prop_oneof![
            Just(FirstTaskStart::InitialParameters),
            Just(FirstTaskStart::Zero)
        ],
    )
        .prop_map(
            |(
                (strength, schedule, damping),
                gradient,
                negatives,
                bound,
                accumulation,
                factor,
                start,
            )| {
                SynapticIntelligenceConfig::new()
                    .with_strength(strength)
                    .with_strength_schedule(schedule)
                    .with_damping(damping)
                    .with_path_gradient(gradient)
                    .with_negative_importance(negatives)
                    .with_importance_bound(bound)
                    .with_accumulation(accumulation)
                    .with_penalty_factor(factor)
                    .with_first_task_start(start)
            },
        )
}

/// The start, and the curvature and target of each of three tasks. A negative curvature pushes the parameter away
/// from the target.
type Parameter = (f64, [(f64, f64); 3]);

fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let task = || (-1.0..2.0, -2.0..2.0);
    prop::collection::vec((-1.0..1.0, [task(), task(), task()]), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_combination_of_settings_follows_the_method_on_plain_numbers(
        config in configs(), parameters in parameters(),
        replica_strengths in prop::option::of(prop::collection::vec(0.0..2.0, 5)),
    ) {
        // Each parameter is a replica.
        let config = match &replica_strengths {
            Some(factors) => config.with_replica_strengths(factors[..parameters.len()].to_vec()),
            None => config,
        };
        let replica_strengths = replica_strengths.unwrap_or_else(|| vec![1.0; 5]);
        let device = crate::common::device_with(DType::F64).autodiff();
        let tensor = |of: &dyn Fn(&Parameter) -> f64| -> Tensor<1> {
            let values: Vec<f64> = parameters.iter().map(of).collect();
            let data = TensorData::new(values, [parameters.len()]);
            Tensor::from_data(data, (&device, DType::F64))
        };
        let mut references: Vec<Reference> = parameters
            .iter()
            .map(|(start, _)| Reference {
                theta: *start,
                anchor: match config.first_task_start {
                    FirstTaskStart::InitialParameters => *start,
                    FirstTaskStart::Zero => 0.0,
                },
                path_integral: 0.0,
                importance: 0.0,
            })
            .collect();
        let module = Parabolas { theta: Param::from_tensor(tensor(&|(start, _)| *start)) };
        let id = module.theta.id;
        let mut learner = ContinualLearner::new(module, &config).expect("the config is valid");
        let mut optimizer = SgdConfig::new().init();

        for task in 0..3 {
            let curvature = tensor(&|(_, tasks)| tasks[task].0);
            let target = tensor(&|(_, tasks)| tasks[task].1);
            for _ in 0..STEPS {
                (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |model| {
                    let distance = model.theta.val() - target.clone();
                    (curvature.clone() * distance.clone() * distance).sum() * 0.5
                });
                let replicas = references.iter_mut().zip(&parameters).zip(&replica_strengths);
                for ((reference, (_, tasks)), replica_strength) in replicas {
                    reference.step(&config, task, tasks[task], *replica_strength);
                }
            }
            learner.end_task();
            let synapse = learner.regularizer().synapse(id).expect("it was trained");
            let importance = values(synapse.importance::<1>().expect("a task has ended"));
            let theta = values(learner.theta.val());
            for (index, reference) in references.iter_mut().enumerate() {
                reference.end_task(&config);
                for (actual, expected) in
                    [(theta[index], reference.theta), (importance[index], reference.importance)]
                {
                    prop_assert!(
                        (actual - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
                        "task {task}, parameter {index}: {actual} is not {expected}"
                    );
                }
            }
        }
    }
}

/// Moves every number of `theta` by 1 in a step with that gradient.
fn step_by_one(si: &mut SynapticIntelligence, module: &mut Parabolas, gradient: &[f64]) {
    let theta = module.theta.val();
    let data = TensorData::from(gradient);
    let gradient = Tensor::<1>::from_data(data, (&theta.device().inner(), DType::F64));
    let mut grads = GradientsParams::new();
    grads.register(module.theta.id, gradient);
    si.penalize(module, grads);
    let moved = Tensor::from_inner(theta.inner() + 1.0).require_grad();
    module.theta = Param::initialized(module.theta.id, moved);
    si.observe(module);
}

fn zeros(count: usize) -> Parabolas {
    let device = crate::common::device_with(DType::F64).autodiff();
    Parabolas {
        theta: Param::from_tensor(Tensor::zeros([count], (&device, DType::F64))),
    }
}

fn importance(si: &SynapticIntelligence, module: &Parabolas) -> Vec<f64> {
    let synapse = si.synapse(module.theta.id).expect("it was trained");
    values(synapse.importance::<1>().expect("a task has ended"))
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        assert!(
            (actual - expected).abs() <= TOLERANCE,
            "{actual} is not {expected}"
        );
    }
}

/// With ξ = 1 and Δ = 1, a task adds −g/2: 1, 3 and −2 in the first, and 4, 0 and 2 in the second.
#[test]
fn what_a_task_adds_is_divided_by_its_mean_or_its_largest_element() {
    let keep = NegativeImportance::Keep;
    let relu = NegativeImportance::ReluOnSum;
    for (normalization, negatives, expected) in [
        (Normalization::Off, relu, [5.0, 3.0, 2.0]),
        // The means of what is above zero are 4/3 and 2.
        (Normalization::Mean, relu, [2.75, 2.25, 1.0]),
        (Normalization::Mean, keep, [2.75, 2.25, -0.5]),
        (Normalization::Largest, relu, [4.0 / 3.0, 1.0, 0.5]),
        (Normalization::Largest, keep, [4.0 / 3.0, 1.0, -1.0 / 6.0]),
    ] {
        let config = SynapticIntelligenceConfig::new()
            .with_strength(2.0)
            .with_damping(1.0)
            .with_negative_importance(negatives)
            .with_normalization(normalization);
        let mut si = config.init().expect("it is valid");
        let mut module = zeros(3);
        for gradient in [[-2.0, -6.0, 4.0], [-8.0, 0.0, -4.0]] {
            step_by_one(&mut si, &mut module, &gradient);
            si.consolidate(&module);
        }
        assert_close(&importance(&si, &module), &expected);
        // At a distance of 1 from the anchor, the penalty is c Σ Ω.
        step_by_one(&mut si, &mut module, &[0.0; 3]);
        let penalty = values(si.penalty(&module));
        assert_close(&penalty, &[2.0 * expected.iter().sum::<f64>()]);
    }
}

#[test]
fn normalised_importance_does_not_depend_on_the_size_of_the_gradients() {
    for normalization in [Normalization::Mean, Normalization::Largest] {
        let after = |factor: f64| {
            let config = SynapticIntelligenceConfig::new().with_normalization(normalization);
            let mut si = config.init().expect("it is valid");
            let mut module = zeros(3);
            for gradient in [[-2.0, -6.0, 4.0], [-8.0, 0.0, -4.0]] {
                step_by_one(&mut si, &mut module, &gradient.map(|it| factor * it));
                si.consolidate(&module);
            }
            importance(&si, &module)
        };
        assert_close(&after(1000.0), &after(1.0));
    }
}

#[test]
fn a_task_in_which_nothing_mattered_is_not_normalised() {
    for normalization in [Normalization::Mean, Normalization::Largest] {
        let config = SynapticIntelligenceConfig::new()
            .with_damping(1.0)
            .with_negative_importance(NegativeImportance::Keep)
            .with_normalization(normalization);
        let mut si = config.init().expect("it is valid");
        let mut module = zeros(2);
        step_by_one(&mut si, &mut module, &[0.0, 4.0]);
        si.consolidate(&module);
        assert_close(&importance(&si, &module), &[0.0, -2.0]);
    }
}

#[test]
fn what_is_not_finite_counts_as_zero_in_the_mean() {
    let config = SynapticIntelligenceConfig::new()
        .with_damping(1.0)
        .with_normalization(Normalization::Mean);
    let mut si = config.init().expect("it is valid");
    let mut module = zeros(2);
    step_by_one(&mut si, &mut module, &[f64::NEG_INFINITY, -4.0]);
    assert_eq!(si.consolidate(&module), Some(TaskWarning::Diverged));
    assert_close(&importance(&si, &module), &[0.0, 2.0]);
}

#[test]
fn the_mean_is_that_of_all_parameters_that_are_consolidated_and_used() {
    #[derive(Module, Debug)]
    struct Several {
        first: Parabolas,
        second: Parabolas,
        excluded: Parabolas,
        unused: Parabolas,
    }
    let config = SynapticIntelligenceConfig::new()
        .with_damping(1.0)
        .with_policies(vec![ParameterPolicy::path("excluded.*").exclude()])
        .with_normalization(Normalization::Mean);
    let mut si = config.init().expect("it is valid");
    let mut module = Several {
        first: zeros(1),
        second: zeros(2),
        excluded: zeros(1),
        unused: zeros(5),
    };
    let device = crate::common::device_with(DType::F64);
    let mut grads = GradientsParams::new();
    for (parabolas, gradient) in [
        (&module.first, &[-12.0][..]),
        (&module.second, &[-2.0, -4.0]),
        (&module.excluded, &[-100.0]),
    ] {
        let gradient = Tensor::<1>::from_data(TensorData::from(gradient), (&device, DType::F64));
        grads.register(parabolas.theta.id, gradient);
    }
    si.penalize(&module, grads);
    for parabolas in [&mut module.first, &mut module.second, &mut module.excluded] {
        let moved = Tensor::from_inner(parabolas.theta.val().inner() + 1.0).require_grad();
        parabolas.theta = Param::initialized(parabolas.theta.id, moved);
    }
    si.observe(&module);
    si.consolidate(&module);
    // Contributions of 6, 1 and 2, with a mean of 3.
    assert_close(&importance(&si, &module.first), &[2.0]);
    assert_close(&importance(&si, &module.second), &[1.0 / 3.0, 2.0 / 3.0]);
    assert!(si.synapse(module.excluded.theta.id).is_none());
}

#[test]
fn settings_out_of_range_are_refused_with_their_value() {
    let config = SynapticIntelligenceConfig::new;
    let decay = Accumulation::MovingAverage { decay: 1.0 };
    for (config, message) in [
        (
            config().with_strength(-0.5),
            "strength must be a finite number ≥ 0, got -0.5",
        ),
        (
            config().with_strength_schedule(vec![1.0, f64::INFINITY]),
            "each factor of strength_schedule must be a finite number ≥ 0, got inf",
        ),
        (
            config().with_replica_strengths(vec![1.0, -2.0]),
            "each factor of replica_strengths must be a finite number ≥ 0, got -2",
        ),
        (
            config().with_damping(0.0),
            "damping must be a finite number > 0, got 0",
        ),
        (
            config().with_importance_bound(Some(f64::NAN)),
            "importance_bound must be a finite number > 0, got NaN",
        ),
        (
            config().with_accumulation(decay),
            "decay of `Accumulation::MovingAverage` must be in [0, 1), got 1",
        ),
    ] {
        let error = config.init().expect_err("it is out of range");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn presets_are_valid_and_found_by_name() {
    for preset in Preset::ALL {
        assert_eq!(preset.name().parse::<Preset>().expect("it exists"), preset);
        assert!(preset.config().init().is_ok());
    }
    let error = "ewc".parse::<Preset>().expect_err("it does not exist");
    let message = "no preset is called \"ewc\"; the presets are paper, pathint_permuted, avalanche, \
                   van_de_ven, benzing";
    assert_eq!(error.to_string(), message);
}

#[test]
fn strength_that_is_set_between_tasks_acts_like_a_schedule() {
    let device = crate::common::device().autodiff();
    let trained = |config: &SynapticIntelligenceConfig, set: Option<f64>| {
        let theta = Param::from_tensor(Tensor::from_floats([0.5, -1.0], &device));
        let mut learner = ContinualLearner::new(Parabolas { theta }, config).expect("it is valid");
        let mut optimizer = SgdConfig::new().init();
        for task in 0..2 {
            if let Some(strength) = set.filter(|_| task == 1) {
                learner.set_strength(strength).expect("it is in range");
            }
            for _ in 0..STEPS {
                (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |model| {
                    (model.theta.val() - 1.0 + 3.0 * task as f32).square().sum()
                });
            }
            learner.end_task();
        }
        learner
    };
    let config = SynapticIntelligenceConfig::new().with_damping(0.1);
    let scheduled = config.clone().with_strength_schedule(vec![1.0, 0.25]);
    let scheduled = trained(&scheduled, None);
    let set = trained(&config, Some(0.25));
    let numbers = |learner: &ContinualLearner<Parabolas>| values(learner.theta.val());
    crate::common::assert_same(&numbers(&set), &numbers(&scheduled));
    assert_ne!(numbers(&set), numbers(&trained(&config, None)));

    let mut set = set;
    assert!(set.set_strength(-1.0).is_err());
    assert_eq!(set.regularizer().config().strength, 0.25);
}
