//! The path integral is the drop of the loss along the path, synapse by synapse.

use burn::backend::Dispatch;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::SgdConfig;
use burn::tensor::{Tensor, TensorData};
use si_core::ContinualLearner;
use si_core::ops::SynapticBackend;

use crate::burn_nn::row::{Row, assert_no_fault};
use crate::common::values;

/// Small, so that the gradient changes little in a step: the error of Σω is about half of that change.
const LEARNING_RATE: f64 = 0.01;

/// Tolerance, relative to the drop of the loss.
const DISCRETISATION: f64 = 0.05;

/// Half the distance between the two points of a finite difference. The errors are the rounding of f32 divided by
/// it, and its square times a third derivative. Both are well below the tolerance.
const NUDGE: f32 = 1e-2;

/// Tolerance, relative to the finite differences.
const TOLERANCE: f64 = 0.02;

#[test]
fn path_integrals_add_up_to_the_drop_of_the_loss() {
    assert_no_fault(|row| row.fault_in_sum_of_path_integrals());
}

#[test]
fn path_integral_of_a_synapse_matches_finite_differences_of_the_loss() {
    assert_no_fault(|row| row.fault_in_single_path_integrals());
}

/// One step of gradient descent, always on the same batch.
fn descend<M: Module>(row: &Row<M>, learner: ContinualLearner<M>) -> ContinualLearner<M> {
    let optimizer = &mut SgdConfig::new().init();
    learner.step(optimizer, LEARNING_RATE, row.loss_at(0)).0
}

fn loss<M: Module>(row: &Row<M>, module: &M) -> f64 {
    row.loss_at(0)(module).into_scalar::<f64>()
}

pub(crate) fn fault_in_sum<M: Module>(row: &Row<M>) -> Option<String> {
    let mut learner = row.learner();
    let before = loss(row, &learner);
    for _ in 0..20 {
        learner = descend(row, learner);
    }
    let drop = before - loss(row, &learner);
    let sum: f64 = (Synapses::of(&learner).0.iter())
        .flat_map(|synapse| &synapse.path_integral)
        .sum();
    let is_wrong = drop <= 0.0 || (sum - drop).abs() > DISCRETISATION * drop;
    is_wrong.then(|| format!("{}: the loss fell by {drop}, and Σω is {sum}", row.name))
}

/// Follows, in each parameter, the synapse with the largest first path integral.
pub(crate) fn fault_in_single_synapses<M: Module>(row: &Row<M>) -> Option<String> {
    let mut learner = row.learner();
    let first = Synapses::of(&descend(row, learner.clone()));
    let followed: Vec<(ParamId, usize)> = (first.0.iter())
        .map(|synapse| {
            let numbers = synapse.path_integral.iter().enumerate();
            let most = numbers.max_by(|left, right| left.1.abs().total_cmp(&right.1.abs()));
            (synapse.id, most.expect("it has numbers").0)
        })
        .collect();
    let mut expected = vec![0.0; followed.len()];
    for _ in 0..3 {
        let slopes: Vec<f64> = followed
            .iter()
            .map(|it| slope(row, &learner, *it))
            .collect();
        let before = Synapses::of(&learner);
        learner = descend(row, learner);
        let after = Synapses::of(&learner);
        for (index, (id, element)) in followed.iter().enumerate() {
            let step = after.parameter(*id, *element) - before.parameter(*id, *element);
            expected[index] -= slopes[index] * step;
        }
    }
    let synapses = Synapses::of(&learner);
    let faults: Vec<String> = (followed.iter().zip(expected))
        .filter_map(|((id, element), expected)| {
            let synapse = synapses.get(*id);
            let actual = synapse.path_integral[*element];
            // With next to no gradient, the losses do not differ either, so there is an absolute bound.
            let is_wrong = (actual - expected).abs() > TOLERANCE * expected.abs().max(1e-6);
            let (name, path) = (row.name, &synapse.path);
            is_wrong.then(|| format!("{name}, {path}[{element}]: {actual} is not {expected}"))
        })
        .collect();
    (!faults.is_empty()).then(|| faults.join("\n"))
}

/// The slope of the loss along one synapse.
fn slope<M: Module>(row: &Row<M>, module: &M, (id, element): (ParamId, usize)) -> f64 {
    let at = |by: f32| loss(row, &module.clone().map(&mut Nudge { id, element, by }));
    (at(NUDGE) - at(-NUDGE)) / (2.0 * f64::from(NUDGE))
}

/// Moves one element of one parameter.
struct Nudge {
    id: ParamId,
    element: usize,
    by: f32,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.id {
            return param;
        }
        param.map(|tensor| {
            let mut by = vec![0.0; tensor.shape().num_elements()];
            by[self.element] = self.by;
            let by = TensorData::new(by, tensor.shape());
            let nudged = tensor.clone().inner() + Tensor::from_data(by, &tensor.device().inner());
            Tensor::from_inner(nudged).require_grad()
        })
    }
}

struct Synapses(Vec<Synapse>);

struct Synapse {
    id: ParamId,
    path: String,
    parameter: Vec<f64>,
    /// Zeros before the first step.
    path_integral: Vec<f64>,
}

impl Synapses {
    /// The synapses of the trained parameters.
    fn of<M: Module>(learner: &ContinualLearner<M>) -> Self {
        struct Read<'a, M>(&'a ContinualLearner<M>, Synapses);
        impl<M: Module> ModuleVisitor for Read<'_, M> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if !param.is_require_grad() {
                    return;
                }
                let synapse = self.0.regularizer().synapse(param.id);
                let path_integral = synapse.and_then(|synapse| synapse.path_integral_primitive());
                let parameter = values(param.base());
                self.1.0.push(Synapse {
                    id: param.id,
                    path: synapse.map_or(String::new(), |synapse| synapse.path().to_string()),
                    path_integral: match path_integral {
                        Some(state) => values(Dispatch::tensor::<D>(state.clone())),
                        None => vec![0.0; parameter.len()],
                    },
                    parameter,
                });
            }
        }
        let mut read = Read(learner, Self(Vec::new()));
        learner.visit(&mut read);
        read.1
    }

    fn get(&self, id: ParamId) -> &Synapse {
        let mut synapses = self.0.iter();
        synapses.find(|it| it.id == id).expect("it is trained")
    }

    fn parameter(&self, id: ParamId, element: usize) -> f64 {
        self.get(id).parameter[element]
    }
}
