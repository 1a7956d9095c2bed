use core::fmt;
use std::collections::HashMap;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};

use crate::policy::NORM_LAYERS;

/// How tensors in a file are named and laid out.
///
/// | layer | Burn | PyTorch |
/// |---|---|---|
/// | `Linear` | `weight` `[in, out]` | `weight` `[out, in]` |
/// | normalisation | `gamma`, `beta` | `weight`, `bias` |
/// | `PRelu` | `alpha` | `weight` |
/// | convolution, embedding, and all others | | as in Burn |
///
/// Layers are recognized by the name of their type, so a module of yours that is called `Linear` is treated like
/// Burn's. The path to a layer is the same in both: names of fields in Burn and of attributes in PyTorch, and the
/// index in a `Vec` or a `ModuleList`. Some layers have other tensors in PyTorch, such as `LSTM` and
/// `MultiheadAttention`. They have no counterpart by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightLayout {
    /// The layout of the Burn module.
    Burn,
    /// The layout of a PyTorch module with layers of the same names.
    PyTorch,
}

impl WeightLayout {
    /// The name in a file's metadata.
    pub fn name(self) -> &'static str {
        match self {
            WeightLayout::Burn => "burn",
            WeightLayout::PyTorch => "pytorch",
        }
    }

    /// The layout with that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [WeightLayout::Burn, WeightLayout::PyTorch]
            .into_iter()
            .find(|layout| layout.name() == name)
    }

    /// The name of the parameter at `path`, in a layer of the type `layer`.
    pub(super) fn parameter(self, path: &str, layer: &str) -> String {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let name = match (self, layer, name) {
            (WeightLayout::PyTorch, layer, "gamma") if NORM_LAYERS.contains(&layer) => "weight",
            (WeightLayout::PyTorch, layer, "beta") if NORM_LAYERS.contains(&layer) => "bias",
            (WeightLayout::PyTorch, "PRelu", "alpha") => "weight",
            _ => name,
        };
        match parent {
            "" => name.to_string(),
            _ => format!("{parent}.{name}"),
        }
    }

    /// Whether the two dimensions of the parameter at `path` are swapped.
    pub(super) fn transposes(self, path: &str, layer: &str, rank: usize) -> bool {
        let name = path.rsplit('.').next();
        self == WeightLayout::PyTorch && layer == "Linear" && name == Some("weight") && rank == 2
    }
}

impl fmt::Display for WeightLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Each parameter's layer: the type of the innermost module around it.
pub(super) struct Layers(HashMap<ParamId, String>);

impl Layers {
    pub(super) fn of<M: Module>(module: &M) -> Self {
        let mut visitor = Visitor {
            containers: Vec::new(),
            layers: HashMap::new(),
        };
        module.visit(&mut visitor);
        Self(visitor.layers)
    }

    /// The name of the layer's type. Empty if the parameter is in no module with a type name.
    pub(super) fn get(&self, id: ParamId) -> &str {
        self.0.get(&id).map_or("", String::as_str)
    }
}

struct Visitor {
    containers: Vec<String>,
    layers: HashMap<ParamId, String>,
}

impl ModuleVisitor for Visitor {
    fn enter_module(&mut self, _name: &str, container_type: &str) {
        self.containers.push(container_type.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Other containers, such as "Vec", have no type name.
        let named = |container: &String| Some(container.split_once(':')?.1.to_string());
        let layer = self.containers.iter().rev().find_map(named);
        // A parameter in two places counts at the first, as everywhere.
        self.layers
            .entry(param.id)
            .or_insert_with(|| layer.unwrap_or_default());
    }
}
