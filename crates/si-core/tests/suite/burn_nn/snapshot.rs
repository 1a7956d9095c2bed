use std::collections::BTreeMap;

use burn::backend::Dispatch;
use burn::backend::tensor::FloatTensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use si_core::ContinualLearner;
use si_core::ops::SynapticBackend;

/// Everything in a learner, by path: parameters, buffers, and ω, Ω and θ̃.
#[derive(Debug, Default, PartialEq)]
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

    /// The paths that differ between the two.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let names = self.tensors.keys().chain(other.tensors.keys());
        let differs = |name: &&String| self.tensors.get(*name) != other.tensors.get(*name);
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
