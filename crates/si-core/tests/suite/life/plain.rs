//! The expected results: both methods in plain numbers, and the life of a parameter's state as the module changes.

use std::collections::HashMap;

use burn::module::ParamId;

use crate::life::actions::{Optimizer, Settings, Way};
use crate::life::numbers::Parameter;

pub(crate) const LEARNING_RATE: f64 = 0.02;
pub(crate) const STRENGTH: f64 = 0.5;
pub(crate) const DAMPING: f64 = 0.1;
pub(crate) const MOMENTUM: f64 = 0.9;
/// Burn's default.
pub(crate) const DAMPENING: f64 = 0.1;
/// Decay of the moving average, or of the online form.
pub(crate) const DECAY: f64 = 0.8;

/// The state of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// The path of the parameter when it was last seen.
    pub(crate) path: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) anchor: Vec<f64>,
    pub(crate) path_integral: Option<Vec<f64>>,
    /// For Elastic Weight Consolidation, the precision.
    pub(crate) importance: Option<Vec<f64>>,
    /// For Elastic Weight Consolidation: the tasks' penalties at their common anchor. Not compared.
    pub(crate) spread: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Plain {
    way: Way,
    settings: Settings,
    pub(crate) task: usize,
    pub(crate) steps_in_task: usize,
    pub(crate) steps_in_epoch: usize,
    /// The state, by parameter. Some parameters may no longer be in the module.
    pub(crate) held: HashMap<ParamId, Held>,
    /// The optimizer's velocity.
    velocity: HashMap<ParamId, Vec<f64>>,
}

impl Plain {
    pub(crate) fn new(way: Way, settings: Settings) -> Self {
        Self {
            way,
            settings,
            task: 0,
            steps_in_task: 0,
            steps_in_epoch: 0,
            held: HashMap::new(),
            velocity: HashMap::new(),
        }
    }

    fn is_elastic(&self) -> bool {
        self.way == Way::Elastic
    }

    pub(crate) fn is_excluded(&self, path: &str) -> bool {
        let has_policies = self.way != Way::Adaptor;
        has_policies && self.settings.excludes_biases && path.ends_with("bias")
    }

    /// The factor of `Σ Ω (θ − θ̃)²`.
    fn scale(&self) -> f64 {
        if self.is_elastic() {
            STRENGTH / 2.0
        } else {
            STRENGTH
        }
    }

    /// The total gradient of one parameter: the task's and the penalty's.
    fn total(&self, parameter: &Parameter, gradient: &[f64]) -> Vec<f64> {
        let pull = 2.0 * self.scale();
        let held = self.held.get(&parameter.id);
        let held = held.filter(|_| !self.is_excluded(&parameter.path));
        let Some((held, importance)) = held.and_then(|it| Some((it, it.importance.as_ref()?)))
        else {
            return gradient.to_vec();
        };
        let numbers = parameter.values.iter().zip(&held.anchor).zip(importance);
        let pulls =
            numbers.map(|((value, anchor), importance)| pull * importance * (value - anchor));
        gradient
            .iter()
            .zip(pulls)
            .map(|(gradient, pull)| gradient + pull)
            .collect()
    }

    /// A step of gradient descent. Returns the expected values of each parameter with a gradient.
    pub(crate) fn expected(
        &mut self,
        before: &[Parameter],
        gradients: &HashMap<ParamId, Vec<f64>>,
    ) -> HashMap<ParamId, Vec<f64>> {
        let mut expected = HashMap::new();
        for parameter in before {
            let Some(gradient) = gradients.get(&parameter.id) else {
                continue;
            };
            let mut update = self.total(parameter, gradient);
            if self.settings.optimizer == Optimizer::Momentum {
                if let Some(velocity) = self.velocity.get(&parameter.id) {
                    for (update, velocity) in update.iter_mut().zip(velocity) {
                        *update = (1.0 - DAMPENING) * *update + MOMENTUM * velocity;
                    }
                }
                self.velocity.insert(parameter.id, update.clone());
            }
            let numbers = parameter.values.iter().zip(&update);
            let moved = numbers.map(|(value, update)| value - LEARNING_RATE * update);
            expected.insert(parameter.id, moved.collect());
        }
        expected
    }

    /// Updates the state after a step that really happened.
    pub(crate) fn step(
        &mut self,
        before: &[Parameter],
        gradients: &HashMap<ParamId, Vec<f64>>,
        after: &[Parameter],
    ) {
        if self.is_elastic() {
            return;
        }
        self.steps_in_task += 1;
        self.steps_in_epoch += 1;
        self.advance(before, gradients, after);
    }

    /// A step that was opened but not taken: parameters that were not seen before have state from now on.
    pub(crate) fn open_step(
        &mut self,
        parameters: &[Parameter],
        gradients: &HashMap<ParamId, Vec<f64>>,
    ) {
        self.advance(parameters, gradients, parameters);
    }

    fn advance(
        &mut self,
        before: &[Parameter],
        gradients: &HashMap<ParamId, Vec<f64>>,
        after: &[Parameter],
    ) {
        let starts_from_zero = self.task == 0 && self.settings.starts_from_zero;
        for (before, after) in before.iter().zip(after) {
            let Some(gradient) = gradients.get(&before.id) else {
                continue;
            };
            if !before.is_trained || self.is_excluded(&before.path) {
                continue;
            }
            let held = self.held.entry(before.id).or_insert_with(|| Held {
                path: String::new(),
                shape: before.shape.clone(),
                anchor: if starts_from_zero {
                    vec![0.0; before.values.len()]
                } else {
                    before.values.clone()
                },
                path_integral: None,
                importance: None,
                spread: 0.0,
            });
            held.path.clone_from(&before.path);
            let zeros = || vec![0.0; gradient.len()];
            let path_integral = held.path_integral.get_or_insert_with(zeros);
            for (index, path_integral) in path_integral.iter_mut().enumerate() {
                *path_integral -= gradient[index] * (after.values[index] - before.values[index]);
            }
        }
    }

    /// Ends a task. Returns whether there was one to end.
    pub(crate) fn end_task(
        &mut self,
        parameters: &[Parameter],
        fisher: &HashMap<ParamId, Vec<f64>>,
    ) -> bool {
        if !self.is_elastic() && self.steps_in_task == 0 {
            return false;
        }
        self.forget_others(parameters);
        for parameter in parameters {
            if self.is_elastic() {
                self.join(parameter, &fisher[&parameter.id])
            } else {
                self.consolidate(parameter)
            }
        }
        self.task += 1;
        self.steps_in_task = 0;
        true
    }

    fn consolidate(&mut self, parameter: &Parameter) {
        let Settings {
            keeps_negatives,
            decays,
            ..
        } = self.settings;
        let Some(held) = self.held.get_mut(&parameter.id) else {
            return;
        };
        let path_integral = held.path_integral.take();
        let shares = path_integral.map(|path_integral| {
            let numbers = parameter.values.iter().zip(&held.anchor).zip(path_integral);
            let share = |((value, anchor), path_integral): ((&f64, &f64), f64)| {
                path_integral / ((value - anchor) * (value - anchor) + DAMPING)
            };
            numbers.map(share).collect::<Vec<f64>>()
        });
        let (old, new) = if decays {
            (DECAY, 1.0 - DECAY)
        } else {
            (1.0, 1.0)
        };
        let size = parameter.values.len();
        if held.importance.is_some() || shares.is_some() {
            let zeros = vec![0.0; size];
            let importance = held.importance.get_or_insert_with(|| zeros.clone());
            let shares = shares.unwrap_or(zeros);
            for (importance, share) in importance.iter_mut().zip(shares) {
                *importance = old * *importance + new * share;
                if !keeps_negatives {
                    *importance = importance.max(0.0);
                }
            }
        }
        held.anchor.clone_from(&parameter.values);
        held.path.clone_from(&parameter.path);
    }

    fn join(&mut self, parameter: &Parameter, information: &[f64]) {
        let is_informed = parameter.is_trained && !self.is_excluded(&parameter.path);
        if self.settings.decays
            && let Some(held) = self.held.get_mut(&parameter.id)
        {
            let precision = held.importance.iter_mut().flatten();
            precision.for_each(|precision| *precision *= DECAY);
            held.anchor.clone_from(&parameter.values);
        }
        if !is_informed {
            return;
        }
        let size = parameter.values.len();
        let held = self.held.entry(parameter.id).or_insert_with(|| Held {
            path: parameter.path.clone(),
            shape: parameter.shape.clone(),
            anchor: parameter.values.clone(),
            path_integral: None,
            importance: Some(vec![0.0; size]),
            spread: 0.0,
        });
        held.path.clone_from(&parameter.path);
        let precision = held.importance.iter_mut().flatten();
        for (index, precision) in precision.enumerate() {
            let (value, anchor) = (parameter.values[index], &mut held.anchor[index]);
            let total = *precision + information[index];
            let displacement = value - *anchor;
            if *precision == 0.0 {
                *anchor = value;
            } else {
                let share = information[index] / total;
                held.spread += *precision * share * displacement * displacement;
                *anchor += share * displacement;
            }
            *precision = total;
        }
    }

    /// Drops the state of parameters that are no longer there.
    pub(crate) fn forget_others(&mut self, parameters: &[Parameter]) {
        self.held
            .retain(|id, _| parameters.iter().any(|it| it.id == *id));
    }

    /// After a load, each state has the path of its parameter in the module for which it was loaded.
    pub(crate) fn load(&mut self, parameters: &[Parameter]) {
        self.forget_others(parameters);
        for parameter in parameters {
            if let Some(held) = self.held.get_mut(&parameter.id) {
                held.path.clone_from(&parameter.path);
            }
        }
    }

    /// The optimizer is replaced by a new one.
    pub(crate) fn forget_velocity(&mut self) {
        self.velocity.clear();
    }

    pub(crate) fn start_epoch(&mut self) {
        self.steps_in_epoch = 0;
    }

    /// Whether it is undecided which state [`rebind`](Self::rebind) would give to a parameter: two states with the
    /// same path have lost their parameters, and either both have importance or neither has.
    pub(crate) fn has_rivals(&self, parameters: &[Parameter]) -> bool {
        let is_there = |id: &ParamId| parameters.iter().any(|it| it.id == *id);
        let orphans = || self.held.iter().filter(|(id, _)| !is_there(id));
        orphans().any(|(id, held)| {
            orphans().any(|(other_id, other)| {
                let is_alike = held.importance.is_some() == other.importance.is_some();
                id != other_id && held.path == other.path && is_alike
            })
        })
    }

    /// If its own parameter is gone, state goes to the parameter with the same path.
    pub(crate) fn rebind(&mut self, parameters: &[Parameter]) {
        let is_there = |id: &ParamId| parameters.iter().any(|it| it.id == *id);
        let (mut own, mut orphans): (HashMap<_, _>, HashMap<_, _>) =
            self.held.drain().partition(|(id, _)| is_there(id));
        for parameter in parameters {
            let own = own.remove(&parameter.id);
            let has_importance = |it: &Held| it.importance.is_some();
            let keeps_own = own
                .as_ref()
                .is_some_and(|own| self.is_elastic_or(has_importance(own)));
            let held = if keeps_own {
                own
            } else {
                let named = orphans
                    .iter()
                    .filter(|(_, it)| it.path == parameter.path && fits(it, parameter));
                let named = named.max_by_key(|(_, it)| has_importance(it));
                let named = named.map(|(id, _)| *id);
                match named.and_then(|id| orphans.remove(&id)) {
                    Some(mut orphan) if has_importance(&orphan) => {
                        grow(&mut orphan, parameter);
                        let begun = own.and_then(|own| own.path_integral);
                        orphan.path_integral = orphan.path_integral.or(begun);
                        Some(orphan)
                    }
                    orphan => own.or(orphan),
                }
            };
            if let Some(mut held) = held {
                grow(&mut held, parameter);
                held.path.clone_from(&parameter.path);
                self.held.insert(parameter.id, held);
            }
        }
    }

    fn is_elastic_or(&self, other: bool) -> bool {
        self.is_elastic() || other
    }

    /// The penalty at the parameters' current values.
    pub(crate) fn penalty(&self, parameters: &[Parameter]) -> f64 {
        let scale = self.scale();
        let of = |parameter: &Parameter| {
            let held = self.held.get(&parameter.id);
            let held = held.filter(|_| !self.is_excluded(&parameter.path));
            let Some((held, importance)) = held.and_then(|it| Some((it, it.importance.as_ref()?)))
            else {
                return 0.0;
            };
            let numbers = parameter.values.iter().zip(&held.anchor).zip(importance);
            let terms = numbers.map(|((value, anchor), importance)| {
                importance * (value - anchor) * (value - anchor)
            });
            scale * (terms.sum::<f64>() + held.spread)
        };
        parameters.iter().map(of).sum()
    }
}

/// Whether the state can belong to the parameter, which may have grown since.
fn fits(held: &Held, parameter: &Parameter) -> bool {
    let mut axes = held.shape.iter().zip(&parameter.shape);
    held.shape.len() == parameter.shape.len() && axes.all(|(old, new)| old <= new)
}

/// Places the state at the start of each axis. New numbers are free and anchored at their current values.
fn grow(held: &mut Held, parameter: &Parameter) {
    if held.shape == parameter.shape {
        return;
    }
    let laid_over = |mut ground: Vec<f64>, state: &[f64]| {
        for (index, state) in state.iter().enumerate() {
            ground[moved(index, &held.shape, &parameter.shape)] = *state;
        }
        ground
    };
    let zeros = || vec![0.0; parameter.values.len()];
    held.anchor = laid_over(parameter.values.clone(), &held.anchor);
    held.path_integral = (held.path_integral.take()).map(|state| laid_over(zeros(), &state));
    held.importance = held
        .importance
        .take()
        .map(|state| laid_over(zeros(), &state));
    held.shape.clone_from(&parameter.shape);
}

/// Converts an index in a tensor of shape `old` to that of the same element in a tensor of shape `new`.
fn moved(mut index: usize, old: &[usize], new: &[usize]) -> usize {
    let mut place = 0;
    let mut stride = 1;
    for (old, new) in old.iter().zip(new).rev() {
        place += index % old * stride;
        index /= old;
        stride *= new;
    }
    place
}
