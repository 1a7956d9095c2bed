use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::store::ModuleRecord;
use si_core::ops::SynapticBackend;
use si_core::quadratic::Joining;
use si_core::{Importance, QuadraticPenalty};

use super::{Vector, config, device, ewc};
use crate::common::values;

/// `x ↦ scale · x + shift`, fitted to a target. Even tasks also use a third parameter.
#[derive(Module, Debug)]
struct Line {
    scale: Param<Tensor<2>>,
    shift: Param<Tensor<1>>,
    even: Param<Tensor<1>>,
}

impl Line {
    fn new() -> Self {
        let param = |values: [f32; 2]| Param::from_tensor(Tensor::from_floats(values, &device()));
        let scale = Tensor::from_floats([[0.5, -0.3], [0.1, 0.7]], &device());
        Self {
            scale: Param::from_tensor(scale),
            shift: param([0.2, -0.1]),
            even: param([0.0, 0.4]),
        }
    }

    fn residual(&self, task: usize, step: usize) -> Tensor<2> {
        let phase = (10 * task + step) as f32;
        let x = Tensor::<2>::from_floats([[phase.sin(), phase.cos()]], &device());
        let target = Tensor::<2>::from_floats([[(2.0 * phase).cos(), 0.3]], &device());
        let output = x.matmul(self.scale.val()) + self.shift.val().unsqueeze();
        match task % 2 {
            0 => output + self.even.val().unsqueeze() - target,
            _ => output - target,
        }
    }

    /// Squares of the residuals' gradients, instead of a likelihood's.
    fn fisher(&self, task: usize) -> Importance {
        let mut fisher = Importance::default();
        for step in 0..3 {
            let grads = self.residual(task, step).sum().backward();
            let grads = GradientsParams::from_grads(grads, self);
            if let Some(gradient) = grads.get::<2>(self.scale.id) {
                fisher.add(self.scale.id, gradient.square());
            }
            for param in [&self.shift, &self.even] {
                if let Some(gradient) = grads.get::<1>(param.id) {
                    fisher.add(param.id, gradient.square());
                }
            }
        }
        fisher.scale(1.0 / 3.0)
    }
}

/// A training in progress.
struct Run {
    model: Line,
    ewc: QuadraticPenalty,
    optimizer: ModuleOptimizer,
}

impl Run {
    fn new(form: Joining) -> Self {
        Self {
            model: Line::new(),
            ewc: ewc(&config(0.7).with_joining(form)),
            optimizer: AdamConfig::new().init(),
        }
    }

    fn step(&mut self, task: usize, step: usize) {
        let loss = self.model.residual(task, step).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &self.model);
        let grads = self.ewc.penalize(&self.model, grads);
        let model = self.model.clone();
        self.model = self.optimizer.step(0.05, model, grads);
    }

    fn end_task(&mut self, task: usize) {
        let fisher = self.model.fisher(task);
        self.ewc.consolidate(&self.model, &fisher);
    }

    /// Loads the bytes of the three records into a new run.
    fn reload(self, form: Joining) -> Self {
        let state = bytes(self.ewc.record(&self.model));
        let model = bytes(self.model.into_record());
        let fresh = Self::new(form);
        let model = fresh.model.load_record(model);
        let optimizer = self.optimizer.into_bytes().expect("it can be written");
        Self {
            ewc: fresh.ewc.load_record(&model, state).expect("it fits"),
            model,
            optimizer: (fresh.optimizer.from_bytes(optimizer)).expect("it can be read"),
        }
    }

    /// All numbers of the run.
    fn numbers(&self) -> Vec<f64> {
        let parameters = [
            values(self.model.scale.val()),
            values(self.model.shift.val()),
            values(self.model.even.val()),
            values(self.ewc.penalty(&self.model)),
        ];
        let mut all = parameters.concat();
        for pull in self.ewc.pulls() {
            for state in [pull.precision_primitive(), pull.anchor_primitive()] {
                all.extend(match pull.shape().num_dims() {
                    1 => values(burn::backend::Dispatch::tensor::<1>(state.clone())),
                    _ => values(burn::backend::Dispatch::tensor::<2>(state.clone())),
                });
            }
        }
        all
    }
}

fn bytes(record: ModuleRecord) -> ModuleRecord {
    let bytes = record.into_bytes().expect("it can be written");
    ModuleRecord::from_bytes(bytes).expect("it can be read")
}

#[test]
fn loaded_state_goes_on_to_the_same_bits_within_a_task_and_across_its_end() {
    for form in [Joining::PerTask, Joining::Latest { decay: 0.9 }] {
        // Before the first step, in the first task, at its end, in the second, at its end, later.
        for interruption in [0, 1, 2, 4, 6, 7] {
            let mut unbroken = Run::new(form);
            let mut broken = Run::new(form);
            for point in 0..12 {
                if point == interruption {
                    broken = broken.reload(form);
                }
                for run in [&mut unbroken, &mut broken] {
                    // The first task is odd, so one parameter has no state until the second.
                    let task = point / 3 + 1;
                    match point % 3 {
                        2 => run.end_task(task),
                        step => run.step(task, step),
                    }
                }
            }
            // On any device, these tests run on a CPU backend.
            assert_eq!(broken.numbers(), unbroken.numbers());
            assert_eq!(broken.ewc.task(), 4);
        }
    }
}

#[test]
fn file_holds_the_state_by_path() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("ewc.bpk");
    let mut run = Run::new(Joining::PerTask);
    run.end_task(0);
    run.ewc
        .record(&run.model)
        .save(&path)
        .expect("it can be written");
    // A module with the same paths but other ids.
    let model = Line::new();
    let record = ModuleRecord::load(&path).expect("it can be read");
    assert_eq!(record.len(), 3 * 3 + 1);
    let loaded = ewc(&config(0.7))
        .load_record(&model, record)
        .expect("it fits");
    assert_eq!(loaded.task(), 1);
    let paths: Vec<&str> = loaded.pulls().iter().map(|pull| pull.path()).collect();
    assert_eq!(paths, ["scale", "shift", "even"]);
    assert!(loaded.pull(model.scale.id).is_some());
}

#[test]
fn record_of_another_module_is_refused() {
    let module = Vector::new(&[1.0]);
    let record = ewc(&config(1.0)).record(&module);
    let error = ewc(&config(1.0)).load_record(&Line::new(), record.clone());
    assert!(
        error
            .expect_err("the paths differ")
            .to_string()
            .contains("scale.precision")
    );
    let wider = Vector::new(&[1.0, 2.0]);
    let error = ewc(&config(1.0)).load_record(&wider, record);
    let error = error.expect_err("the shapes differ").to_string();
    assert!(error.contains("theta.precision: shape mismatch"), "{error}");
}

#[test]
fn state_of_a_layer_that_was_frozen_later_is_loaded() {
    let module = Vector::new(&[1.0]);
    let mut consolidated = ewc(&config(1.0));
    consolidated.consolidate(&module, &module.fisher(&[2.0]));
    let frozen = module.clone().freeze();
    for record in [consolidated.record(&frozen), consolidated.record(&module)] {
        let loaded = ewc(&config(1.0)).load_record(&frozen, record);
        assert_eq!(loaded.expect("it fits").pulls().len(), 1);
    }
}

#[test]
fn a_layer_that_nothing_holds_is_recorded_again_after_it_was_loaded_and_frozen() {
    let module = Vector::new(&[1.0]);
    let config = config(1.0).with_joining(Joining::Replace);
    let mut consolidated = ewc(&config);
    consolidated.consolidate(&module, &module.fisher(&[2.0]));
    // The task does not depend on the layer, and its importance replaces the earlier one.
    consolidated.consolidate(&module, &Importance::default());
    let mut record = consolidated.record(&module);
    for _ in 0..3 {
        let loaded = ewc(&config).load_record(&module, bytes(record));
        let loaded = loaded.expect("the layer is in the record");
        assert_eq!(loaded.task(), 2);
        record = loaded.record(&module.clone().freeze());
    }
}

#[test]
fn loading_without_the_state_of_a_trained_layer_says_what_to_do() {
    let module = Vector::new(&[1.0]);
    let record = ewc(&config(1.0)).record(&module.clone().freeze());
    let error = ewc(&config(1.0)).load_record(&module, record);
    let error = error.expect_err("it lacks state").to_string();
    assert!(
        error.contains("freeze only layers that were never trained"),
        "{error}"
    );
}

#[test]
fn state_moves_with_the_module() {
    let module = Vector::new(&[1.0]);
    let mut ewc = ewc(&config(1.0));
    ewc.consolidate(&module, &module.fisher(&[2.0]));
    let moved = ewc.to_device(&device());
    assert_eq!(module.moved_to(&[4.0]).pull(&moved, &[0.0]), [6.0]);
}
