use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, Int};

use super::Recorded;
use crate::ContinualLearner;
use crate::pack::{Kind, Pack};

/// The path of a tensor of `learner` that has another kind of numbers in a record, such as integers instead of
/// floats. Burn would panic when it makes a tensor of them, and not return an error.
pub(crate) fn other_kind<M: Module>(learner: &ContinualLearner<M>, pack: &Pack) -> Option<String> {
    let mut kinds = Kinds {
        pack,
        path: Vec::new(),
        found: None,
    };
    Recorded(learner.clone()).visit(&mut kinds);
    kinds.found
}

struct Kinds<'a> {
    pack: &'a Pack,
    path: Vec<String>,
    found: Option<String>,
}

impl Kinds<'_> {
    /// Burn itself reports tensors that are missing in the record.
    fn check(&mut self, kind: Kind) {
        let path = self.path.join(".");
        let is_other = self.pack.kind(&path).is_some_and(|found| found != kind);
        if is_other && self.found.is_none() {
            self.found = Some(path);
        }
    }
}

impl ModuleVisitor for Kinds<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.check(Kind::Float);
    }

    fn visit_int<const D: usize>(&mut self, _param: &Param<Tensor<D, Int>>) {
        self.check(Kind::Int);
    }

    fn visit_bool<const D: usize>(&mut self, _param: &Param<Tensor<D, Bool>>) {
        self.check(Kind::Bool);
    }
}
