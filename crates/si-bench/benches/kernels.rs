//! The synaptic operations alone, in bytes of memory per second, beside a copy of as many bytes:
//! `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::time::Instant;

use burn::backend::{Dispatch, ops::FloatTensorOps, tensor::FloatTensor};
use burn::tensor::{Device, Tensor, TensorData};
use learners::{as_si_trains, described, device};
use si_bench::keeps_to_its_threads;
use si_core::ops::{
    AdamTensors, AdamUpdate, Advanced, BiasCorrection, PathStep, Penalty, SgdTensors, SgdUpdate,
    SynapseTensors, SynapticBackend, SynapticOps, SynapticUpdate,
};
use si_core::settings::PathGradient;

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (device, name) = device();
    println!(
        "{}: GB/s; in brackets: relative to the copy\n",
        described(&name)
    );
    println!(
        "| parameters | copy | penalize | path integral | Adam | synaptic Adam | synaptic SGD |"
    );
    println!("|---|---|---|---|---|---|---|");
    for len in [10_000, 100_000, 200_000, 1_000_000, 10_000_000] {
        let rates = Case::new(len, &device, keeps_to_its_threads(&name)).measure();
        let copy = rates[0];
        let others = rates[1..].iter();
        let others: Vec<String> = others
            .map(|rate| format!("{rate:.1} ({:.2})", rate / copy))
            .collect();
        println!("| {len} | {copy:.1} | {} |", others.join(" | "));
    }
}

/// A parameter and what belongs to it.
struct Case {
    len: usize,
    device: Device,
    /// Whether the device's memory is this program's.
    is_host: bool,
    parameter: Option<FloatTensor<Dispatch>>,
    gradient: FloatTensor<Dispatch>,
    moment_1: Option<FloatTensor<Dispatch>>,
    moment_2: Option<FloatTensor<Dispatch>>,
    path_integral: Option<FloatTensor<Dispatch>>,
    importance: FloatTensor<Dispatch>,
    anchor: FloatTensor<Dispatch>,
    penalty_sum: Option<FloatTensor<Dispatch>>,
}

impl Case {
    fn new(len: usize, device: &Device, is_host: bool) -> Self {
        let tensor = |phase: f32| {
            let values: Vec<f32> = (0..len)
                .map(|index| (0.37 * index as f32 + phase).sin().abs() + 0.1)
                .collect();
            let data = TensorData::new(values, [len]);
            Dispatch::primitive(Tensor::<1>::from_data(data, device))
        };
        Self {
            len,
            device: device.clone(),
            is_host,
            parameter: Some(tensor(0.0)),
            gradient: tensor(1.0),
            moment_1: Some(tensor(2.0)),
            moment_2: Some(tensor(3.0)),
            path_integral: Some(tensor(4.0)),
            importance: tensor(5.0),
            anchor: tensor(6.0),
            penalty_sum: Some(Dispatch::primitive(Tensor::<1>::zeros([1], device))),
        }
    }

    /// GB/s of a copy and of each operation. They take turns, and the fastest time of each counts.
    fn measure(&mut self) -> [f64; 6] {
        let bytes = 4.0 * self.len as f64;
        let source = vec![1.0_f32; self.len];
        let mut target = vec![0.0_f32; self.len];
        // Kept until the device has made it.
        let mut copy = None;
        let mut best = [f64::INFINITY; 6];
        let num_turns = (40_000_000 / self.len).clamp(10, 2000);
        for _ in 0..num_turns {
            let seconds = [
                self.time(|it| {
                    if it.is_host {
                        target.copy_from_slice(std::hint::black_box(&source));
                        std::hint::black_box(&mut target);
                    } else {
                        copy = Some(Dispatch::float_add_scalar(it.gradient.clone(), 1.0.into()));
                    }
                }),
                self.time(Self::penalize),
                self.time(Self::advance),
                self.time(Self::adam),
                self.time(Self::synaptic_adam),
                self.time(Self::synaptic_sgd),
            ];
            for (best, seconds) in best.iter_mut().zip(seconds) {
                *best = best.min(seconds);
            }
        }
        drop(copy);
        let mut rates = [0.0; 6];
        for (index, num_tensors) in [2.0, 5.0, 5.0, 7.0, 11.0, 9.0].into_iter().enumerate() {
            rates[index] = 1e-9 * num_tensors * bytes / best[index];
        }
        rates
    }

    /// Seconds until the device has done it.
    fn time(&mut self, work: impl FnOnce(&mut Self)) -> f64 {
        self.device.sync().expect("the device works");
        let start = Instant::now();
        work(self);
        self.device.sync().expect("the device works");
        start.elapsed().as_secs_f64()
    }

    fn penalize(&mut self) {
        if let Some(parameter) = self.parameter.clone() {
            let penalty = Penalty {
                parameter,
                importance: self.importance.clone(),
                anchor: self.anchor.clone(),
                scale: 1e-3,
                bound: f64::INFINITY,
            };
            std::hint::black_box(Dispatch::penalize(self.gradient.clone(), penalty));
        }
    }

    fn advance(&mut self) {
        if let (Some(path_integral), Some(before)) =
            (self.path_integral.take(), self.parameter.clone())
        {
            let step = PathStep {
                gradient: self.gradient.clone(),
                before,
                after: self.anchor.clone(),
            };
            self.path_integral = Some(Dispatch::advance_path_integral(path_integral, step));
        }
    }

    fn adam(&mut self) {
        if let Some(tensors) = self.take_adam() {
            self.keep_adam(Dispatch::adam(tensors, self.gradient.clone(), ADAM));
        }
    }

    fn synaptic_adam(&mut self) {
        if let (Some(tensors), Some(synapse)) = (self.take_adam(), self.take_synapse()) {
            let gradient = self.gradient.clone();
            let (updated, advanced) =
                Dispatch::synaptic_adam(tensors, gradient, synapse, ADAM, SYNAPTIC);
            self.keep_adam(updated);
            self.keep_synapse(advanced);
        }
    }

    fn synaptic_sgd(&mut self) {
        if let (Some(parameter), Some(velocity), Some(synapse)) = (
            self.parameter.take(),
            self.moment_1.take(),
            self.take_synapse(),
        ) {
            let tensors = SgdTensors {
                parameter,
                velocity,
            };
            let gradient = self.gradient.clone();
            let (updated, advanced) =
                Dispatch::synaptic_sgd(tensors, gradient, synapse, SGD, SYNAPTIC);
            self.parameter = Some(updated.parameter);
            self.moment_1 = Some(updated.velocity);
            self.keep_synapse(advanced);
        }
    }

    /// What an update writes must have no other owner.
    fn take_adam(&mut self) -> Option<AdamTensors<Dispatch>> {
        Some(AdamTensors {
            parameter: self.parameter.take()?,
            moment_1: self.moment_1.take()?,
            moment_2: self.moment_2.take()?,
        })
    }

    fn keep_adam(&mut self, tensors: AdamTensors<Dispatch>) {
        self.parameter = Some(tensors.parameter);
        self.moment_1 = Some(tensors.moment_1);
        self.moment_2 = Some(tensors.moment_2);
    }

    fn take_synapse(&mut self) -> Option<SynapseTensors<Dispatch>> {
        Some(SynapseTensors {
            path_integral: self.path_integral.take()?,
            importance: self.importance.clone(),
            anchor: self.anchor.clone(),
            penalty_sum: self.penalty_sum.take()?,
        })
    }

    fn keep_synapse(&mut self, advanced: Advanced<Dispatch>) {
        self.path_integral = Some(advanced.path_integral);
        self.penalty_sum = Some(advanced.penalty_sum);
    }
}

const ADAM: AdamUpdate = AdamUpdate {
    beta_1: 0.9,
    beta_2: 0.999,
    correction: BiasCorrection::Joint(1.0),
    epsilon: 1e-8,
    learning_rate: 1e-6,
    weight_decay: 0.0,
    decoupled_decay: 0.0,
};
const SGD: SgdUpdate = SgdUpdate {
    momentum: Some(0.9),
    dampening: 0.0,
    nesterov: false,
    is_first: false,
    learning_rate: 1e-6,
    weight_decay: 0.0,
};
const SYNAPTIC: SynapticUpdate = SynapticUpdate {
    scale: 1e-3,
    bound: f64::INFINITY,
    path_gradient: PathGradient::Task,
};
