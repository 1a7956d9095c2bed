use std::collections::BTreeMap;

use burn::backend::Dispatch;
use burn::backend::tensor::FloatTensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use si_core::ContinualLearner;
use si_core::ops::SynapticBackend;

use crate::common::difference;

/// Everything in a learner, by path: parameters, buffers, and ω, Ω and θ̃.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    task: usize,
    tensors: BTreeMap<String, TensorData>,
}

impl Snapshot {
    /// Running statistics include their last update.
    pub(crate) fn of<M: Module>(learner: &ContinualLearner<M>) -> Self {
        let mut read = Read {
            path: Vec::new(),
            snapshot: Self::default(),
            learner,
        };
        learner.valid().visit(&mut read);
        read.snapshot.task = learner.regularizer().task();
        read.snapshot
    }

    /// The paths that differ between the two, if one is a copy of the other.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        self.differing(other, |found, expected| found != expected)
    }

    /// The paths that differ between the two, if both were computed: by more than the device may round differently.
    pub(crate) fn departures<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        self.differing(other, |found, expected| {
            let numbers = |data: &TensorData| data.iter::<f64>().collect::<Vec<_>>();
            let is_float = found.dtype() == expected.dtype() && found.dtype().is_float();
            if is_float && found.shape() == expected.shape() {
                difference(&numbers(found), &numbers(expected)).is_some()
            } else {
                found != expected
            }
        })
    }

    fn differing<'a>(
        &'a self,
        other: &'a Self,
        differ: impl Fn(&TensorData, &TensorData) -> bool,
    ) -> Vec<&'a str> {
        let names = self.tensors.keys().chain(other.tensors.keys());
        let differs = |name: &&String| match (self.tensors.get(*name), other.tensors.get(*name)) {
            (Some(found), Some(expected)) => differ(found, expected),
            _ => true,
        };
        let mut names: Vec<&str> = names.filter(differs).map(String::as_str).collect();
        if self.task != other.task {
            names.push("the number of tasks");
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

struct Read<'a, M> {
    path: Vec<String>,
    snapshot: Snapshot,
    learner: &'a ContinualLearner<M>,
}

impl<M: Module> ModuleVisitor for Read<'_, M> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let mut insert = |part: &str, data| {
            self.snapshot.tensors.insert(format!("{path}{part}"), data);
        };
        insert("", param.base().into_data());
        let Some(synapse) = self.learner.regularizer().synapse(param.id) else {
            return;
        };
        let data = |state: &FloatTensor<Dispatch>| Dispatch::tensor::<D>(state.clone()).into_data();
        insert(".anchor", data(synapse.anchor_primitive()));
        if let Some(path_integral) = synapse.path_integral_primitive() {
            insert(".path_integral", data(path_integral));
        }
        if let Some(importance) = synapse.importance_primitive() {
            insert(".importance", data(importance));
        }
    }
}
