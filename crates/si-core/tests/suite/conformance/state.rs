use std::collections::BTreeMap;

use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use si_core::SynapticIntelligence;
use si_core::ops::SynapticBackend;

use crate::common::{self, values};
use crate::conformance::model::Toy;

/// How well two trajectories must agree.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Agreement {
    /// The same numbers, as exactly as [`common::difference`] says.
    Exact,
    /// No deviation beyond [`ROUNDING`].
    Rounded,
}

/// Largest deviation, relative to a tensor's largest absolute value: a thousand roundings of float32. The steps of
/// a trajectory add up to some tens of roundings. Optimizers that divide by small gradients, or by small singular
/// values of them (Muon), reach some hundreds.
pub(crate) const ROUNDING: f64 = 1e-4;

/// One parameter and its synapses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParameterState {
    pub(crate) value: Vec<f64>,
    pub(crate) synapse: Option<SynapseState>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SynapseState {
    pub(crate) path_integral: Option<Vec<f64>>,
    pub(crate) importance: Option<Vec<f64>>,
    pub(crate) anchor: Vec<f64>,
}

/// Everything that is compared, by parameter path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State(pub(crate) BTreeMap<String, ParameterState>);

impl State {
    pub(crate) fn of(model: &Toy, regularizer: &SynapticIntelligence) -> Self {
        let mut read = Read {
            path: Vec::new(),
            regularizer,
            state: BTreeMap::new(),
        };
        model.visit(&mut read);
        Self(read.state)
    }

    /// The state of a model without consolidation.
    pub(crate) fn bare(model: &Toy) -> Self {
        let of_value = |(path, value)| {
            (
                path,
                ParameterState {
                    value,
                    synapse: None,
                },
            )
        };
        Self(model.numbers().into_iter().map(of_value).collect())
    }

    /// Only the parameters.
    pub(crate) fn without_synapses(mut self) -> Self {
        (self.0.values_mut()).for_each(|parameter| parameter.synapse = None);
        self
    }
}

struct Read<'a> {
    path: Vec<String>,
    regularizer: &'a SynapticIntelligence,
    state: BTreeMap<String, ParameterState>,
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let read = |held: &FloatTensor<Dispatch>| values(Dispatch::tensor::<D>(held.clone()));
        let synapse = self.regularizer.synapse(param.id);
        let synapse = synapse.map(|synapse| SynapseState {
            path_integral: synapse.path_integral_primitive().map(read),
            importance: synapse.importance_primitive().map(read),
            anchor: read(synapse.anchor_primitive()),
        });
        let value = values(param.val().inner());
        let path = self.path.join(".");
        self.state.insert(path, ParameterState { value, synapse });
    }
}

/// Panics unless the trajectories agree. `what` names them.
pub(crate) fn assert_agree(actual: &[State], expected: &[State], agreement: Agreement, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let paths = |state: &State| state.0.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(actual), paths(expected), "{what}");
        for (path, expected) in &expected.0 {
            let actual = &actual.0[path];
            let what = format!("{what}: {path} at state {index}");
            let parts = |state: &ParameterState| {
                let synapse = state.synapse.clone();
                [
                    Some(state.value.clone()),
                    synapse.as_ref().and_then(|it| it.path_integral.clone()),
                    synapse.as_ref().and_then(|it| it.importance.clone()),
                    synapse.map(|it| it.anchor),
                ]
            };
            let names = ["parameter", "path integral", "importance", "anchor"];
            let pairs = parts(actual).into_iter().zip(parts(expected));
            for (name, (actual, expected)) in names.into_iter().zip(pairs) {
                assert_numbers_agree(actual, expected, agreement, &format!("{what}, {name}"));
            }
        }
    }
}

fn assert_numbers_agree(
    actual: Option<Vec<f64>>,
    expected: Option<Vec<f64>>,
    agreement: Agreement,
    what: &str,
) {
    let (Some(actual), Some(expected)) = (&actual, &expected) else {
        assert_eq!(actual, expected, "{what}");
        return;
    };
    assert_eq!(actual.len(), expected.len(), "{what}");
    assert!(expected.iter().all(|it| it.is_finite()), "{what}");
    match agreement {
        Agreement::Exact => {
            let difference = common::difference(actual, expected);
            assert!(
                difference.is_none(),
                "{what}: {}",
                difference.unwrap_or_default()
            );
        }
        Agreement::Rounded => {
            let largest = (expected.iter()).fold(0.0, |largest: f64, it| largest.max(it.abs()));
            for (actual, expected) in actual.iter().zip(expected) {
                let deviation = (actual - expected).abs();
                assert!(
                    deviation <= common::tolerance(ROUNDING) * largest,
                    "{what}: {actual} is not {expected}, {:.1e} of {largest}",
                    deviation / largest
                );
            }
        }
    }
}
