//! Reproduces the reference trajectories in this folder step by step.
//!
//! They were made twice, by automatic differentiation and by hand: see the README in this folder.

mod adam;

use std::path::Path;

use crate::common::mlp::Mlp;
use crate::common::{tolerance, values};
use adam::Adam;
use burn::backend::{Dispatch, Flex, tensor::FloatTensor};
use burn::module::Param;
use burn::nn::Linear;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::DType;
use serde::Deserialize;
use si_core::ops::SynapticBackend;
use si_core::settings::PathGradient;
use si_core::{SynapticIntelligence, SynapticIntelligenceConfig};

/// Largest deviation, relative to a tensor's largest absolute value: for float32 as the reference itself states, if the
/// device multiplies matrices in float32, and for float64 the expected one.
const TOLERANCE_FLOAT32: f64 = 1e-5;
const TOLERANCE_FLOAT64: f64 = 1e-10;

#[derive(Deserialize)]
struct Golden {
    opt: String,
    dtype: String,
    omega_grad: String,
    c: f64,
    xi: f64,
    lr: f64,
    batch: usize,
    init: Parameters,
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    x: Vec<Vec<f64>>,
    y: Vec<i64>,
    steps: Vec<Step>,
    omega_end: Parameters,
    #[serde(rename = "Omega_after")]
    importance_after: Parameters,
    ref_after: Parameters,
    #[serde(rename = "penalty_probe_ref_plus_0.1")]
    penalty_probe: f64,
}

#[derive(Deserialize)]
struct Step {
    task_loss: f64,
    penalty: f64,
    params_after: Parameters,
    omega_after: Parameters,
}

/// Weights `[out][in]`, biases `[out]`.
#[derive(Deserialize)]
struct Parameters {
    w1: Vec<Vec<f64>>,
    b1: Vec<f64>,
    w2: Vec<Vec<f64>>,
    b2: Vec<f64>,
}

impl Parameters {
    /// The numbers in the order and layout of the module's parameters: weights as `[in, out]`.
    fn flat(&self) -> [Vec<f64>; 4] {
        let transposed = |rows: &Vec<Vec<f64>>| {
            (0..rows[0].len())
                .flat_map(|column| rows.iter().map(move |row| row[column]))
                .collect()
        };
        [
            transposed(&self.w1),
            self.b1.clone(),
            transposed(&self.w2),
            self.b2.clone(),
        ]
    }

    fn module(&self, dtype: DType, device: &Device) -> Mlp {
        let [w1, b1, w2, b2] = self.flat();
        let layer = |weight: Vec<f64>, bias: Vec<f64>| Linear {
            weight: Param::from_tensor(Tensor::from_data(
                TensorData::new(weight.clone(), [weight.len() / bias.len(), bias.len()]),
                (device, dtype),
            )),
            bias: Some(Param::from_tensor(Tensor::from_data(
                TensorData::new(bias.clone(), [bias.len()]),
                (device, dtype),
            ))),
        };
        Mlp {
            fc1: layer(w1, b1),
            fc2: layer(w2, b2),
        }
    }
}

/// How the step includes the penalty's gradient.
#[derive(Clone, Copy, PartialEq)]
enum Penalty {
    InClosedForm,
    AsLossTerm,
}

#[test]
fn closed_form_penalty_follows_the_reference() {
    replay_all::<Dispatch>(Penalty::InClosedForm, crate::common::device_with);
}

#[test]
fn penalty_as_a_loss_term_follows_the_reference() {
    replay_all::<Dispatch>(Penalty::AsLossTerm, crate::common::device_with);
}

#[test]
fn state_on_a_concrete_backend_follows_the_reference() {
    replay_all::<Flex>(Penalty::InClosedForm, |_| Device::flex());
}

fn replay_all<B: SynapticBackend>(penalty: Penalty, device: fn(DType) -> Device) {
    // Tests run in the folder of their package, on this machine or on another.
    let folder = Path::new("tests/suite/golden");
    let mut replayed = 0;
    let entries = folder.read_dir();
    for entry in entries.expect("the test runs in the folder of si-core") {
        let path = entry.expect("the folder can be read").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            replay::<B>(&path, penalty, device);
            replayed += 1;
        }
    }
    assert_eq!(replayed, 10);
}

fn replay<B: SynapticBackend>(path: &Path, penalty: Penalty, device: fn(DType) -> Device) {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let golden: Golden = serde_json::from_str(&text).expect("the file is a trajectory");
    let (dtype, tolerance) = match golden.dtype.as_str() {
        "float64" => (DType::F64, TOLERANCE_FLOAT64),
        _ => (DType::F32, tolerance(TOLERANCE_FLOAT32)),
    };
    let device = device(dtype).autodiff();
    let close = |what: &str, actual: &[f64], expected: &[f64]| {
        let scale = expected.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
        assert_eq!(actual.len(), expected.len(), "{what}");
        for (actual, expected) in actual.iter().zip(expected) {
            assert!(
                (actual - expected).abs() <= tolerance * scale,
                "{}: {what}: {actual} is not {expected}, {:.1e} of the largest number, {scale}",
                path.display(),
                (actual - expected).abs() / scale
            );
        }
    };

    let config = SynapticIntelligenceConfig::new()
        .with_strength(golden.c)
        .with_damping(golden.xi)
        .with_path_gradient(match golden.omega_grad.as_str() {
            "total" => PathGradient::Total,
            _ => PathGradient::Task,
        });
    let mut regularizer = SynapticIntelligence::<B>::new(config).expect("the config is valid");
    let mut module = golden.init.module(dtype, &device);

    for (task_index, task) in golden.tasks.iter().enumerate() {
        let mut optimizer: ModuleOptimizer = match golden.opt.as_str() {
            "sgd" => SgdConfig::new().init(),
            _ => Adam.into(),
        };
        for (index, step) in task.steps.iter().enumerate() {
            let here = |what: &str| format!("task {task_index}, step {index}, {what}");
            let rows = index * golden.batch..(index + 1) * golden.batch;
            let inputs: Vec<f64> = task.x[rows.clone()].concat();
            let x = Tensor::from_data(
                TensorData::new(inputs, [golden.batch, task.x[0].len()]),
                (&device, dtype),
            );
            let y = Tensor::from_data(
                TensorData::new(task.y[rows].to_vec(), [golden.batch]),
                &device,
            );

            let loss = module.loss(x, y);
            let penalty_value = regularizer.penalty(&module);
            close(&here("task loss"), &values(loss.clone()), &[step.task_loss]);
            close(
                &here("penalty"),
                &values(penalty_value.clone()),
                &[step.penalty],
            );
            let grads = match penalty {
                Penalty::InClosedForm => {
                    let grads = GradientsParams::from_grads(loss.backward(), &module);
                    regularizer.penalize(&module, grads)
                }
                Penalty::AsLossTerm => {
                    let surrogate = match task_index {
                        // As long as there is nothing to penalise, the penalty has another data type than the
                        // loss.
                        0 => loss,
                        _ => loss + penalty_value,
                    };
                    let mut grads = GradientsParams::from_grads(surrogate.backward(), &module);
                    regularizer.observe_gradients(&module, &mut grads);
                    grads
                }
            };
            module = optimizer.step(golden.lr, module, grads);
            regularizer.observe(&module);

            let expected = step.params_after.flat();
            for (actual, expected) in parameters(&module).iter().zip(&expected) {
                close(&here("parameters"), actual, expected);
            }
            let path_integrals = state(&regularizer, &module, |synapse| {
                synapse.path_integral_primitive()
            });
            for (actual, expected) in path_integrals.iter().zip(step.omega_after.flat()) {
                close(&here("path integral"), actual, &expected);
            }
        }
        let path_integrals = state(&regularizer, &module, |synapse| {
            synapse.path_integral_primitive()
        });
        for (actual, expected) in path_integrals.iter().zip(task.omega_end.flat()) {
            close("path integral at the end", actual, &expected);
        }

        regularizer.consolidate(&module);
        let importance = state(&regularizer, &module, |synapse| {
            synapse.importance_primitive()
        });
        for (actual, expected) in importance.iter().zip(task.importance_after.flat()) {
            close("importance", actual, &expected);
        }
        let anchors = state(&regularizer, &module, |synapse| {
            Some(synapse.anchor_primitive())
        });
        for (actual, expected) in anchors.iter().zip(task.ref_after.flat()) {
            close("anchor", actual, &expected);
        }
        let probe = regularizer.penalty(&shifted(module.clone(), 0.1));
        close("penalty probe", &values(probe), &[task.penalty_probe]);
    }
}

fn parameters(module: &Mlp) -> [Vec<f64>; 4] {
    [
        values(module.fc1.weight.val()),
        values(Mlp::bias(&module.fc1).val()),
        values(module.fc2.weight.val()),
        values(Mlp::bias(&module.fc2).val()),
    ]
}

fn state<B: SynapticBackend>(
    regularizer: &SynapticIntelligence<B>,
    module: &Mlp,
    of: impl Fn(&si_core::Synapse<B>) -> Option<&FloatTensor<B>>,
) -> [Vec<f64>; 4] {
    let weights = [&module.fc1.weight, &module.fc2.weight];
    let biases = [Mlp::bias(&module.fc1), Mlp::bias(&module.fc2)];
    let tensor = |id| {
        let synapse = regularizer
            .synapse(id)
            .expect("the parameter is consolidated");
        of(synapse).expect("the state is there").clone()
    };
    let [w1, w2] = weights.map(|weight| values::<2>(B::tensor(tensor(weight.id))));
    let [b1, b2] = biases.map(|bias| values::<1>(B::tensor(tensor(bias.id))));
    [w1, b1, w2, b2]
}

/// The module with every parameter moved by `distance`.
fn shifted(module: Mlp, distance: f64) -> Mlp {
    let layer = |layer: Linear| Linear {
        weight: layer.weight.map(|weight| weight.add_scalar(distance)),
        bias: layer
            .bias
            .map(|bias| bias.map(|bias| bias.add_scalar(distance))),
    };
    Mlp {
        fc1: layer(module.fc1),
        fc2: layer(module.fc2),
    }
}
