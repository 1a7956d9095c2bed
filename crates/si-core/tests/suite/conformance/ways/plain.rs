//! The method in plain numbers: loops over `f64`, as a reference for the library.

use std::collections::BTreeMap;

use burn::grad_clipping::GradientClippingConfig;
use burn::optim::ModuleOptimizer;
use si_core::SynapticIntelligenceConfig;
use si_core::settings::{
    Accumulation, FirstTaskStart, NegativeImportance, Normalization, PathGradient, PenaltyFactor,
};

use super::{Run, Way};
use crate::conformance::model::{Minibatch, Numbers, Toy};
use crate::conformance::optimizers::Row;
use crate::conformance::setup::{LEARNING_RATE, Setup};
use crate::conformance::state::{Agreement, ParameterState, State, SynapseState};

/// A loop that uses Burn's bare optimizer and does everything else itself.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    /// Whether the task's gradients are clipped instead of the total.
    pub(crate) clips_first: bool,
}

impl Way for Plain {
    fn name(&self) -> &'static str {
        "plain numbers"
    }

    fn agreement(&self) -> Agreement {
        Agreement::Rounded
    }

    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a> {
        let unclipped = Setup {
            clipping: None,
            ..setup.clone()
        };
        Box::new(Training {
            clips_first: self.clips_first,
            model: Some(model),
            optimizer: row.bare(&unclipped),
            synapses: BTreeMap::new(),
            task: 0,
            setup,
        })
    }
}

struct Training<'a> {
    clips_first: bool,
    /// `None` while a step is taken.
    model: Option<Toy>,
    optimizer: ModuleOptimizer,
    /// The synapses, by parameter path.
    synapses: BTreeMap<String, SynapseState>,
    task: usize,
    setup: &'a Setup,
}

impl Run for Training<'_> {
    fn step(&mut self, minibatches: &[Minibatch]) {
        let model = self.model.take().expect("no step is in progress");
        let config = &self.setup.config;
        let mut task_gradients = model.numbers_of(&model.gradients(minibatches, None));
        if self.clips_first {
            clip(&mut task_gradients, self.setup);
        }
        let before = model.numbers();
        let mut totals = task_gradients.clone();
        for (path, total) in &mut totals {
            let parameter = &before[path];
            let synapse = (self.synapses.entry(path.clone()))
                .or_insert_with(|| begin(parameter, self.task, config));
            let count = parameter.len();
            synapse
                .path_integral
                .get_or_insert_with(|| vec![0.0; count]);
            for (k, total) in total.iter_mut().enumerate() {
                *total += pull(synapse, parameter, k, self.task, config);
            }
        }
        let path_gradients = match config.path_gradient {
            PathGradient::Task => task_gradients,
            PathGradient::Total => totals.clone(),
        };
        if !self.clips_first {
            clip(&mut totals, self.setup);
        }
        let grads = model.gradients_of(&totals);
        let model = self.optimizer.step(LEARNING_RATE, model, grads);
        let after = model.numbers();
        for (path, gradient) in path_gradients {
            let synapse = self.synapses.get_mut(&path).expect("it has begun");
            let path_integral = synapse.path_integral.as_mut().expect("it has begun");
            for (k, path_integral) in path_integral.iter_mut().enumerate() {
                *path_integral -= gradient[k] * (after[&path][k] - before[&path][k]);
            }
        }
        self.model = Some(model);
    }

    fn end_task(&mut self) {
        let parameters = self
            .model
            .as_ref()
            .expect("no step is in progress")
            .numbers();
        let config = &self.setup.config;
        let divisor = divisor(&self.synapses, &parameters, config);
        for (path, synapse) in &mut self.synapses {
            consolidate(synapse, &parameters[path], config, divisor);
        }
        self.task += 1;
    }

    /// Plain numbers have no records.
    fn reload(&mut self) {}

    fn state(&self) -> State {
        let numbers = self
            .model
            .as_ref()
            .expect("no step is in progress")
            .numbers();
        let with_synapse = |(path, value): (String, Vec<f64>)| {
            let synapse = self.synapses.get(&path).cloned();
            (path, ParameterState { value, synapse })
        };
        State(numbers.into_iter().map(with_synapse).collect())
    }
}

fn begin(parameter: &[f64], task: usize, config: &SynapticIntelligenceConfig) -> SynapseState {
    let is_zero = task == 0 && config.first_task_start == FirstTaskStart::Zero;
    SynapseState {
        path_integral: None,
        importance: None,
        anchor: if is_zero {
            vec![0.0; parameter.len()]
        } else {
            parameter.to_vec()
        },
    }
}

/// The penalty's derivative with respect to synapse k.
fn pull(
    synapse: &SynapseState,
    parameter: &[f64],
    k: usize,
    task: usize,
    config: &SynapticIntelligenceConfig,
) -> f64 {
    let Some(importance) = &synapse.importance else {
        return 0.0;
    };
    let factor = match config.penalty_factor {
        PenaltyFactor::One => 2.0,
        PenaltyFactor::Half => 1.0,
    };
    let importance = match config.importance_bound {
        Some(bound) => importance[k].min(bound),
        None => importance[k],
    };
    let schedule = &config.strength_schedule;
    let in_task = schedule.get(task).or(schedule.last()).unwrap_or(&1.0);
    factor * in_task * config.strength * importance * (parameter[k] - synapse.anchor[k])
}

/// What the task adds to the importance of each synapse, before it is normalised. `None` if it has not used the parameter.
fn contribution(
    synapse: &SynapseState,
    parameter: &[f64],
    config: &SynapticIntelligenceConfig,
) -> Option<Vec<f64>> {
    let path_integral = synapse.path_integral.as_ref()?;
    let added = path_integral.iter().enumerate().map(|(k, path_integral)| {
        let moved = parameter[k] - synapse.anchor[k];
        let added = path_integral / (moved * moved + config.damping);
        match config.negative_importance {
            NegativeImportance::ReluPerTask => added.max(0.0),
            NegativeImportance::ReluOnSum | NegativeImportance::Keep => added,
        }
    });
    Some(added.collect())
}

/// What the contributions of a task are divided by.
fn divisor(
    synapses: &BTreeMap<String, SynapseState>,
    parameters: &Numbers,
    config: &SynapticIntelligenceConfig,
) -> f64 {
    let all = synapses
        .iter()
        .filter_map(|(path, synapse)| contribution(synapse, &parameters[path], config));
    let positive: Vec<f64> = all.flatten().map(|it| it.max(0.0)).collect();
    match config.normalization {
        Normalization::Off => 1.0,
        Normalization::Mean => positive.iter().sum::<f64>() / positive.len() as f64,
        Normalization::Largest => positive.into_iter().fold(0.0, f64::max),
    }
}

fn consolidate(
    synapse: &mut SynapseState,
    parameter: &[f64],
    config: &SynapticIntelligenceConfig,
    divisor: f64,
) {
    let contribution = contribution(synapse, parameter, config);
    synapse.path_integral = None;
    if contribution.is_some() || synapse.importance.is_some() {
        let count = parameter.len();
        let mut importance = (synapse.importance.take()).unwrap_or_else(|| vec![0.0; count]);
        for k in 0..count {
            let added = contribution.as_ref().map_or(0.0, |it| it[k]) / divisor;
            importance[k] = match config.accumulation {
                Accumulation::Sum => importance[k] + added,
                Accumulation::MovingAverage { decay } => {
                    decay * importance[k] + (1.0 - decay) * added
                }
            };
            if config.negative_importance == NegativeImportance::ReluOnSum {
                importance[k] = importance[k].max(0.0);
            }
        }
        synapse.importance = Some(importance);
    }
    synapse.anchor = parameter.to_vec();
}

/// Clips each parameter's gradient separately, like Burn.
fn clip(gradients: &mut Numbers, setup: &Setup) {
    for gradient in gradients.values_mut() {
        match setup.clipping {
            None => {}
            Some(GradientClippingConfig::Value(largest)) => {
                let largest = f64::from(largest);
                (gradient.iter_mut()).for_each(|it| *it = it.clamp(-largest, largest));
            }
            Some(GradientClippingConfig::Norm(largest)) => {
                let norm = gradient.iter().map(|it| it * it).sum::<f64>().sqrt();
                let factor = (f64::from(largest) / norm).min(1.0);
                gradient.iter_mut().for_each(|it| *it *= factor);
            }
        }
    }
}
