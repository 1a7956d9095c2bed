//! Importance that is measured in the steps of a task, against the same in plain numbers.

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::Tensor;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::importance::{RunningImportance, RunningMeasure};
use si_core::quadratic::Joining;
use si_core::{Importance, QuadraticPenaltyConfig};

use super::{Vector, device, tensor};
use crate::common::values;

/// Rounding of double precision, for a few dozen operations on numbers of size 1.
const ROUNDING: f64 = 1e-12;
const SECOND_MOMENT: RunningMeasure = RunningMeasure::SecondMoment { decay: 0.9 };
const NOISE_MOMENT: RunningMeasure = RunningMeasure::NoiseMoment { decay: 0.9 };
const WALK: RunningMeasure = RunningMeasure::RiemannianWalk {
    decay: 0.1,
    interval: 3,
    damping: 1e-3,
};

fn running(measure: RunningMeasure) -> RunningImportance {
    RunningImportance::new(measure).expect("it is valid")
}

/// A step with this gradient from one place to another.
fn step(running: &mut RunningImportance, module: &mut Vector, gradient: &[f64], to: &[f64]) {
    let mut grads = GradientsParams::new();
    grads.register(module.theta.id, tensor(gradient).inner());
    running.begin_step(module, &grads);
    *module = module.moved_to(to);
    running.end_step(module);
}

fn of(importance: &Importance, module: &Vector) -> Vec<f64> {
    values(
        importance
            .get::<1>(module.theta.id)
            .expect("it is measured"),
    )
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        let is_close = (actual - expected).abs() <= ROUNDING * expected.abs().max(1.0);
        assert!(is_close, "{actual} is not {expected}");
    }
}

#[test]
fn second_moment_of_a_constant_gradient_has_a_closed_form() {
    let mut running = running(SECOND_MOMENT);
    let mut module = Vector::new(&[1.0, 2.0, 3.0]);
    let gradient = [0.5, -4.0, 0.0];
    // Each task starts at zero again.
    for num_steps in [1, 7] {
        for _ in 0..num_steps {
            step(&mut running, &mut module, &gradient, &[0.0; 3]);
        }
        let importance = running.end_task(&module);
        let share = (1.0 - 0.9_f64.powi(num_steps)).sqrt();
        let expected = gradient.map(|it| it.abs() * share);
        assert_close(&of(&importance, &module), &expected);
    }
    assert_eq!(running.task(), 2);
}

#[test]
fn noise_moment_of_a_constant_difference_has_a_closed_form_whatever_the_mean_gradient_is() {
    let noise = [0.5, -4.0, 0.0];
    let mut running = running(NOISE_MOMENT);
    assert!(running.measure().needs_second_gradient());
    let module = Vector::new(&[1.0, 2.0, 3.0]);
    // Each task starts at zero again.
    for num_steps in [1, 7] {
        for number in 0..num_steps {
            // Powers of two, so that the differences are exact.
            let mean = [8.0, -16.0, 32.0].map(|it| it * f64::from(number));
            let first = [0, 1, 2].map(|k| mean[k] + 0.5 * noise[k]);
            let second = [0, 1, 2].map(|k| mean[k] - 0.5 * noise[k]);
            let [mut grads, mut seconds] = [GradientsParams::new(), GradientsParams::new()];
            grads.register(module.theta.id, tensor(&first).inner());
            seconds.register(module.theta.id, tensor(&second).inner());
            running.begin_step_with(&module, &grads, &seconds);
            running.end_step(&module);
        }
        let importance = running.end_task(&module);
        let share = (1.0 - 0.9_f64.powi(num_steps)).sqrt();
        let expected = noise.map(|it| it.abs() * share);
        assert_close(&of(&importance, &module), &expected);
    }
}

/// Riemannian Walk of one parameter, in plain numbers.
#[derive(Default)]
struct Plain {
    fisher: f64,
    squares: f64,
    path: f64,
    start: f64,
    task_score: f64,
    score: f64,
}

impl Plain {
    fn end_interval(&mut self, place: f64, num_steps: usize, is_first: bool) {
        let mean = self.squares / num_steps as f64;
        if is_first {
            self.fisher = mean;
        }
        let distance = 0.5 * self.fisher * (place - self.start).powi(2);
        self.task_score += (self.path / (distance + 1e-3)).max(0.0);
        if !is_first {
            self.fisher = 0.1 * self.fisher + 0.9 * mean;
        }
        (self.squares, self.path, self.start) = (0.0, 0.0, place);
    }
}

/// Scaled to `[0, 1]`.
fn scaled(values: [f64; 4]) -> [f64; 4] {
    let largest = values.into_iter().fold(f64::MIN, f64::max);
    let smallest = values.into_iter().fold(f64::MAX, f64::min);
    values.map(|it| (it - smallest) / (largest - smallest))
}

#[test]
fn walk_is_the_same_in_plain_numbers() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let mut draw = || [(); 4].map(|()| rng.random_range(-1.0..1.0));
    let mut running = running(WALK);
    let mut place = draw();
    let mut module = Vector::new(&place);
    let mut plain = place.map(|start| Plain {
        start,
        ..Plain::default()
    });
    let mut num_intervals = 0;
    // The last interval of the first task is short, the second task has none that is.
    for (task, num_steps) in [7, 6].into_iter().enumerate() {
        for number in 1..=num_steps {
            let (gradient, to) = (draw(), draw());
            step(&mut running, &mut module, &gradient, &to);
            for (index, plain) in plain.iter_mut().enumerate() {
                plain.squares += gradient[index] * gradient[index];
                plain.path -= gradient[index] * (to[index] - place[index]);
            }
            place = to;
            if number % 3 == 0 || number == num_steps {
                let num_steps = (number - 1) % 3 + 1;
                for (index, plain) in plain.iter_mut().enumerate() {
                    plain.end_interval(place[index], num_steps, num_intervals == 0);
                }
                num_intervals += 1;
            }
        }
        for plain in &mut plain {
            plain.score = match task {
                0 => plain.task_score,
                _ => (plain.score + plain.task_score) / 2.0,
            };
            plain.task_score = 0.0;
        }
        let of_each = |of: fn(&Plain) -> f64| -> [f64; 4] {
            let each: Vec<f64> = plain.iter().map(of).collect();
            scaled(each.try_into().expect("there are four"))
        };
        let (fisher, score) = (of_each(|it| it.fisher), of_each(|it| it.score));
        let expected: Vec<f64> = fisher.iter().zip(score).map(|(f, s)| f + s).collect();
        let importance = running.end_task(&module);
        assert_close(&of(&importance, &module), &expected);
    }
}

#[test]
fn much_information_makes_the_score_of_a_walk_small() {
    let mut running = running(WALK);
    let mut module = Vector::new(&[0.0; 3]);
    // The gradients of the first parameter nearly cancel, so it has much information for the same path integral as the
    // second. The third has neither.
    for gradient in [[1000.0, -1.0, 0.0], [-1001.0, -1.0, 0.0], [-1.0, 0.0, 0.0]] {
        let to = values(module.theta.val());
        let to: Vec<f64> = to.iter().map(|it| it + 1.0).collect();
        step(&mut running, &mut module, &gradient, &to);
    }
    let importance = of(&running.end_task(&module), &module);
    // F + s: all of the first, and all of the second, are one of the two.
    for (found, expected) in importance.iter().zip([1.0, 1.0, 0.0]) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }
}

#[test]
fn unbiased_path_and_its_bias_add_up_to_the_path_integral() {
    let damping = 0.1;
    let [mut unbiased, mut bias] = [
        running(RunningMeasure::UnbiasedPath { damping }),
        running(RunningMeasure::PathBias { damping }),
    ];
    let mut place = [0.3, -1.0];
    let module = Vector::new(&place);
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    for _ in 0..2 {
        let start = place;
        let (mut total, mut unbiased_path) = ([0.0; 2], [0.0; 2]);
        for _ in 0..5 {
            // Both gradients are downhill and that of the step is steeper, so that no path integral is negative.
            let second = [(); 2].map(|()| -rng.random_range(0.1..0.5));
            let gradient = second.map(|it| it - rng.random_range(0.1..0.5));
            let before = module.moved_to(&place);
            let to = [place[0] + 0.2, place[1] + 0.7];
            let [mut grads, mut seconds] = [GradientsParams::new(), GradientsParams::new()];
            grads.register(module.theta.id, tensor(&gradient).inner());
            seconds.register(module.theta.id, tensor(&second).inner());
            for running in [&mut unbiased, &mut bias] {
                running.begin_step_with(&before, &grads, &seconds);
                running.end_step(&module.moved_to(&to));
            }
            for index in 0..2 {
                let moved = to[index] - place[index];
                total[index] -= gradient[index] * moved;
                unbiased_path[index] -= second[index] * moved;
            }
            place = to;
        }
        let module = module.moved_to(&place);
        let divided = |path: [f64; 2]| {
            [0, 1].map(|index: usize| {
                let distance = place[index] - start[index];
                path[index] / (distance * distance + damping)
            })
        };
        let [unbiased, bias] =
            [&mut unbiased, &mut bias].map(|it| of(&it.end_task(&module), &module));
        assert_close(&unbiased, &divided(unbiased_path));
        let sum: Vec<f64> = unbiased.iter().zip(&bias).map(|(a, b)| a + b).collect();
        assert_close(&sum, &divided(total));
    }
}

#[test]
fn a_negative_path_integral_is_no_importance() {
    let mut running = running(RunningMeasure::UnbiasedPath { damping: 1.0 });
    let module = Vector::new(&[0.0]);
    let mut grads = GradientsParams::new();
    grads.register(module.theta.id, tensor(&[1.0]).inner());
    running.begin_step_with(&module, &grads, &grads);
    let module = module.moved_to(&[1.0]);
    running.end_step(&module);
    assert_eq!(of(&running.end_task(&module), &module), [0.0]);
}

#[test]
fn a_measure_of_two_minibatches_counts_no_step_with_one() {
    for measure in [RunningMeasure::PathBias { damping: 1.0 }, NOISE_MOMENT] {
        assert!(measure.needs_second_gradient());
        let mut running = running(measure);
        let mut module = Vector::new(&[0.0]);
        step(&mut running, &mut module, &[-1.0], &[1.0]);
        assert_eq!(of(&running.end_task(&module), &module), [0.0]);
    }
    assert!(!WALK.needs_second_gradient());
    assert!(!SECOND_MOMENT.needs_second_gradient());
}

#[test]
fn no_step_or_no_gradient_is_no_importance() {
    for measure in [SECOND_MOMENT, WALK] {
        let mut running = running(measure);
        let mut module = Vector::new(&[1.0]);
        assert!(running.end_task(&module).is_empty());
        running.begin_step(&module, &GradientsParams::new());
        running.end_step(&module);
        assert!(running.end_task(&module).is_empty());
        // A step that is not ended has no effect either.
        let mut grads = GradientsParams::new();
        grads.register(module.theta.id, tensor(&[3.0]).inner());
        running.begin_step(&module, &grads);
        assert!(running.end_task(&module).is_empty());
        step(&mut running, &mut module, &[2.0], &[0.5]);
        assert_eq!(running.end_task(&module).len(), 1);
    }
}

#[test]
fn state_follows_a_parameter_that_grows() {
    let mut running = running(SECOND_MOMENT);
    let mut module = Vector::new(&[1.0]);
    step(&mut running, &mut module, &[2.0], &[1.0]);
    let mut module = Vector {
        theta: Param::initialized(module.theta.id, tensor(&[1.0, 5.0]).require_grad()),
    };
    step(&mut running, &mut module, &[2.0, 3.0], &[1.0, 5.0]);
    let importance = running.end_task(&module);
    let expected = [4.0 * (1.0 - 0.81), 9.0 * 0.1].map(f64::sqrt);
    assert_close(&of(&importance, &module), &expected);
}

#[test]
fn importance_of_a_replaced_form_is_the_latest_alone() {
    let config = QuadraticPenaltyConfig::new(1.0).with_joining(Joining::Replace);
    let mut penalty = config.init().expect("it is valid");
    let module = Vector::new(&[0.0, 0.0]);
    penalty.consolidate(&module, &module.fisher(&[5.0, 2.0]));
    let moved = module.moved_to(&[1.0, 1.0]);
    penalty.consolidate(&moved, &module.fisher(&[0.0, 3.0]));
    let [pull] = penalty.pulls()[..] else {
        panic!("there is one parameter");
    };
    assert_eq!(values(pull.precision::<1>()), [0.0, 3.0]);
    assert_eq!(values(pull.anchor::<1>()), [1.0, 1.0]);
}

#[test]
fn settings_outside_their_range_are_refused() {
    let walk = |decay, interval, damping| RunningMeasure::RiemannianWalk {
        decay,
        interval,
        damping,
    };
    for (measure, message) in [
        (
            RunningMeasure::SecondMoment { decay: 1.0 },
            "decay of `RunningMeasure::SecondMoment` must be in [0, 1), got 1",
        ),
        (
            walk(-0.1, 1, 1.0),
            "decay of `RunningMeasure::RiemannianWalk` must be in [0, 1), got -0.1",
        ),
        (
            RunningMeasure::NoiseMoment { decay: -0.5 },
            "decay of `RunningMeasure::NoiseMoment` must be in [0, 1), got -0.5",
        ),
        (walk(0.1, 0, 1.0), "interval must be at least 1 step, got 0"),
        (
            walk(0.1, 1, 0.0),
            "damping must be a finite number > 0, got 0",
        ),
        (
            RunningMeasure::PathBias { damping: -1.0 },
            "damping must be a finite number > 0, got -1",
        ),
    ] {
        let error = RunningImportance::new(measure).expect_err("it is out of range");
        assert_eq!(error.to_string(), message);
    }
}

/// Two layers and their training.
#[derive(Module, Debug)]
struct Two {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

struct Run {
    model: Two,
    running: RunningImportance,
    optimizer: ModuleOptimizer,
}

impl Run {
    fn new(measure: RunningMeasure) -> Self {
        let weight = Tensor::from_floats([[0.5, -0.3], [0.1, 0.7]], &device());
        // Zero, as a record has the state of a parameter without any.
        let bias = Tensor::from_floats([0.0, 0.0], &device());
        Self {
            model: Two {
                weight: Param::from_tensor(weight),
                bias: Param::from_tensor(bias),
            },
            running: running(measure),
            optimizer: AdamConfig::new().init(),
        }
    }

    fn step(&mut self, phase: f32) {
        let x = Tensor::<2>::from_floats([[phase.sin(), phase.cos()]], &device());
        let output = x.matmul(self.model.weight.val()) + self.model.bias.val().unsqueeze();
        let grads = (output - phase.sin()).square().mean().backward();
        let grads = GradientsParams::from_grads(grads, &self.model);
        self.running.begin_step(&self.model, &grads);
        self.model = self.optimizer.step(0.05, self.model.clone(), grads);
        self.running.end_step(&self.model);
    }

    /// Loads the bytes of the records into a new run.
    fn reload(self) -> Self {
        let fresh = Self::new(self.running.measure());
        let state = bytes(self.running.record(&self.model));
        let model = fresh.model.load_record(bytes(self.model.into_record()));
        let optimizer = self.optimizer.into_bytes().expect("it can be written");
        Self {
            running: fresh.running.load_record(&model, state).expect("it fits"),
            model,
            optimizer: (fresh.optimizer.from_bytes(optimizer)).expect("it can be read"),
        }
    }

    fn end_task(&mut self) -> Vec<f64> {
        let importance = self.running.end_task(&self.model);
        let weight = importance.get::<2>(self.model.weight.id);
        let bias = importance.get::<1>(self.model.bias.id);
        [
            values(weight.expect("it is measured")),
            values(bias.expect("it is measured")),
        ]
        .concat()
    }
}

fn bytes(record: ModuleRecord) -> ModuleRecord {
    let bytes = record.into_bytes().expect("it can be written");
    ModuleRecord::from_bytes(bytes).expect("it can be read")
}

#[test]
fn training_resumes_from_a_record_with_the_same_bits() {
    for measure in [SECOND_MOMENT, WALK] {
        let whole = |reloaded_after: &[usize]| {
            let mut run = Run::new(measure);
            let mut all = Vec::new();
            for step in 0..12 {
                // In an interval, at its end, before the first step, and between two tasks.
                if reloaded_after.contains(&step) {
                    run = run.reload();
                }
                run.step(step as f32);
                if step == 6 || step == 11 {
                    all.extend(run.end_task());
                }
            }
            all
        };
        let unbroken = whole(&[]);
        assert!(unbroken.iter().all(|it| it.is_finite()));
        for reloaded_after in [&[0][..], &[3], &[4], &[7], &[2, 5, 9]] {
            assert_eq!(whole(reloaded_after), unbroken, "{reloaded_after:?}");
        }
    }
}

#[test]
fn a_layer_whose_state_is_zero_is_recorded_again_after_it_was_loaded_and_frozen() {
    let mut run = Run::new(SECOND_MOMENT);
    run.step(0.0);
    // The second moment of the next task begins at zero.
    run.end_task();
    let mut record = run.running.record(&run.model);
    for _ in 0..3 {
        let loaded = running(SECOND_MOMENT).load_record(&run.model, bytes(record));
        let loaded = loaded.expect("the layers are in the record");
        assert_eq!(loaded.task(), 1);
        record = loaded.record(&run.model.clone().freeze());
    }
}

#[test]
fn a_record_of_another_measure_is_refused() {
    let mut run = Run::new(SECOND_MOMENT);
    run.step(0.0);
    let record = bytes(run.running.record(&run.model));
    let other = running(WALK).load_record(&run.model, record);
    let error = other.expect_err("it is of another measure").to_string();
    assert!(error.contains("fisher"), "{error}");
    let record = bytes(run.running.record(&run.model));
    let other = running(NOISE_MOMENT).load_record(&run.model, record);
    let error = other.expect_err("it is of another measure").to_string();
    assert!(error.contains("noise_moment"), "{error}");
}
