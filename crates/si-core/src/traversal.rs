use std::collections::HashSet;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};

/// What is done with each parameter of a module.
pub(crate) trait ParameterVisitor {
    /// Visits the parameter at `place`.
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>);
}

/// Where a parameter stands in its module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The names of the modules from the outermost to the parameter itself, such as `fc1.weight`.
    pub(crate) path: &'a str,
    /// Number of float parameters and buffers before it.
    pub(crate) order: usize,
}

/// Which of a module's trainable parameters are consolidated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) parameters: &'a ParamGroup,
    /// Types of modules whose parameters are left out.
    pub(crate) excluded_modules: &'a [String],
}

/// Visits every float parameter and buffer of `module` once, in the module's order.
///
/// A parameter that the module holds in two places counts at the first, where Burn's optimizers
/// update it.
pub(crate) fn visit_parameters<M: Module>(module: &M, visitor: &mut impl ParameterVisitor) {
    visit(module, &[], &mut |_: &_, _: &_, _: bool| true, visitor);
}

/// Visits each trainable parameter that `selection` holds, once, in the module's order.
///
/// What does not require gradients now is passed over: frozen layers, buffers such as the running
/// statistics of batch normalisation, and everything of a module in validation mode.
pub(crate) fn visit_consolidated<M: Module>(
    module: &M,
    selection: Selection<'_>,
    visitor: &mut impl ParameterVisitor,
) {
    let mut selects = |id: &ParamId, path: &str, trainable: bool| {
        trainable && selection.parameters.matches(id, Some(path))
    };
    visit(module, selection.excluded_modules, &mut selects, visitor);
}

fn visit<M: Module>(
    module: &M,
    excluded_modules: &[String],
    selects: &mut dyn FnMut(&ParamId, &str, bool) -> bool,
    visitor: &mut impl ParameterVisitor,
) {
    module.visit(&mut Traversal {
        excluded_modules,
        selects,
        visitor,
        path: String::new(),
        ends: Vec::new(),
        order: 0,
        excluded_depth: 0,
        seen: HashSet::new(),
    });
}

struct Traversal<'a, V> {
    excluded_modules: &'a [String],
    selects: &'a mut dyn FnMut(&ParamId, &str, bool) -> bool,
    visitor: &'a mut V,
    path: String,
    /// Length of the path before each module that is now entered.
    ends: Vec<usize>,
    /// Number of float parameters and buffers met so far.
    order: usize,
    /// Number of enclosing modules of an excluded type.
    excluded_depth: usize,
    seen: HashSet<ParamId>,
}

impl<V> Traversal<'_, V> {
    fn excludes(&self, container_type: &str) -> bool {
        // "Struct:BatchNorm" and the like; other containers have no type name of their own.
        container_type
            .split_once(':')
            .is_some_and(|(_, name)| self.excluded_modules.iter().any(|it| it == name))
    }
}

impl<V: ParameterVisitor> ModuleVisitor for Traversal<'_, V> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        self.excluded_depth += usize::from(self.excludes(container_type));
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.truncate(self.ends.pop().unwrap_or_default());
        self.excluded_depth -= usize::from(self.excludes(container_type));
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let selected = self.excluded_depth == 0
            && (self.selects)(&param.id, &self.path, param.is_require_grad());
        let order = self.order;
        self.order += 1;
        if selected && self.seen.insert(param.id) {
            let path = &self.path;
            self.visitor.visit(Place { path, order }, param);
        }
    }
}
