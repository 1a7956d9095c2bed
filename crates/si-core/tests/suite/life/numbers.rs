//! The numbers of a module, read and written parameter by parameter.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};

use crate::common::values;
use crate::life::modules::{Draws, Net, is_buffer};

/// A parameter as it is in its module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) id: ParamId,
    pub(crate) path: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
    pub(crate) precision: DType,
    /// Whether it is trained, or would be in training mode.
    pub(crate) is_trained: bool,
}

/// Each parameter once, at its first place.
pub(crate) fn parameters(module: &Net, is_training: bool) -> Vec<Parameter> {
    let seen = if is_training {
        module.clone()
    } else {
        module.clone().train()
    };
    let mut read = Read::default();
    seen.visit(&mut read);
    read.parameters
}

/// The running statistics, including their last update.
pub(crate) fn buffers(module: &Net) -> Vec<Vec<f64>> {
    let mut read = Read::default();
    module.valid().visit(&mut read);
    read.buffers
}

#[derive(Default)]
struct Read {
    path: Vec<String>,
    parameters: Vec<Parameter>,
    buffers: Vec<Vec<f64>>,
}

impl ModuleVisitor for Read {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        if is_buffer(&self.path) {
            self.buffers.push(values(tensor));
            return;
        }
        if self.parameters.iter().any(|it| it.id == param.id) {
            return;
        }
        self.parameters.push(Parameter {
            id: param.id,
            path: self.path.join("."),
            shape: tensor.dims().to_vec(),
            precision: tensor.dtype(),
            is_trained: param.is_require_grad(),
            values: values(tensor),
        });
    }
}

/// The gradients of those parameters that have one.
pub(crate) fn numbers_of(module: &Net, grads: &GradientsParams) -> HashMap<ParamId, Vec<f64>> {
    struct Gradients<'a>(&'a GradientsParams, HashMap<ParamId, Vec<f64>>);
    impl ModuleVisitor for Gradients<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1.insert(param.id, values(gradient));
            }
        }
    }
    let mut gradients = Gradients(grads, HashMap::new());
    module.visit(&mut gradients);
    gradients.1
}

/// A module with the same structure, precision and ties as `module`, but with other ids and numbers. `is_frozen`
/// says what is frozen.
pub(crate) fn fresh(module: &Net, is_frozen: impl Fn(&str) -> bool) -> Net {
    struct Fresh<F> {
        path: Vec<String>,
        draws: Draws,
        ids: HashMap<ParamId, ParamId>,
        is_frozen: F,
    }
    impl<F: Fn(&str) -> bool> ModuleMapper for Fresh<F> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let tensor = param.val();
            if is_buffer(&self.path) {
                let cleared = if self.path.last().is_some_and(|it| it == "running_var") {
                    tensor.ones_like()
                } else {
                    tensor.zeros_like()
                };
                return Param::initialized(param.id, cleared);
            }
            let id = *self.ids.entry(param.id).or_default();
            let drawn = self.draws.tensor(tensor.dims(), &tensor.device());
            let drawn = drawn.cast(tensor.dtype()).detach();
            let is_frozen = (self.is_frozen)(&self.path.join("."));
            Param::initialized(id, drawn.set_require_grad(true)).set_require_grad(!is_frozen)
        }
    }
    // Goes through validation mode, because a clone shares its running statistics with the original.
    module.valid().train().map(&mut Fresh {
        path: Vec::new(),
        draws: Draws::new(99),
        ids: HashMap::new(),
        is_frozen,
    })
}

/// `module`, in training mode, with exactly those parameters trained that `is_trained` selects.
pub(crate) fn with_trained(module: Net, is_trained: impl Fn(ParamId) -> bool) -> Net {
    struct Set<F>(F);
    impl<F: Fn(ParamId) -> bool> ModuleMapper for Set<F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let is_trained = (self.0)(param.id);
            param.set_require_grad(is_trained)
        }
    }
    module.map(&mut Set(is_trained))
}

/// Casts all parameters that it visits to another precision.
pub(crate) struct Cast(pub(crate) DType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let is_trained = tensor.is_require_grad();
            let cast = Tensor::from_inner(tensor.inner().cast(self.0));
            cast.set_require_grad(is_trained)
        })
    }
}
