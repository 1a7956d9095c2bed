use std::collections::HashSet;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};

use crate::policy::{Enclosing, ParameterSettings, Policies};
use crate::trained::is_trained;

/// An action on each parameter of a module.
pub(crate) trait ParameterVisitor {
    /// Visits the parameter at `place`.
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>);

    /// Visits a parameter whose id was seen before, at another place.
    fn visit_again<const D: usize>(&mut self, _place: Place<'_>, _param: &Param<Tensor<D>>) {}
}

/// Where a parameter is in its module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The names of the modules from the outermost to the parameter itself, such as `fc1.weight`.
    pub(crate) path: &'a str,
    /// Number of float parameters and buffers before it.
    pub(crate) order: usize,
    /// The modules that enclose it, for the policies that select by module type.
    pub(crate) enclosing: &'a Enclosing,
    /// The settings that the policies give it.
    pub(crate) settings: ParameterSettings,
}

/// Visits every float parameter and buffer of `module` once, in the module's order.
///
/// A parameter in two places of the module counts at the first, where Burn's optimizers update it.
pub(crate) fn visit_parameters<M: Module>(
    module: &M,
    policies: &Policies,
    visitor: &mut impl ParameterVisitor,
) {
    visit(module, policies, false, visitor);
}

/// Visits each parameter that is trained in training mode and that `policies` do not exclude, once, in the
/// module's order.
///
/// Skips frozen layers, and buffers such as the running statistics of batch normalisation. It makes no difference
/// which mode the module is in.
pub(crate) fn visit_consolidated<M: Module>(
    module: &M,
    policies: &Policies,
    visitor: &mut impl ParameterVisitor,
) {
    visit(module, policies, true, visitor);
}

/// The ids of all float parameters and buffers of `module`.
pub(crate) fn parameter_ids<M: Module>(module: &M) -> HashSet<ParamId> {
    let mut ids = Ids(HashSet::new());
    visit_parameters(module, &Policies::default(), &mut ids);
    ids.0
}

/// The ids of the parameters of `module` that are trained and that `policies` do not exclude.
pub(crate) fn consolidated_ids<M: Module>(module: &M, policies: &Policies) -> HashSet<ParamId> {
    let mut ids = Ids(HashSet::new());
    visit_consolidated(module, policies, &mut ids);
    ids.0
}

/// The ids of the parameters and buffers of `module` that are at one of these paths.
pub(crate) fn ids_at<M: Module>(module: &M, paths: &HashSet<String>) -> HashSet<ParamId> {
    struct AtPaths<'a> {
        paths: &'a HashSet<String>,
        found: HashSet<ParamId>,
    }
    impl ParameterVisitor for AtPaths<'_> {
        fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
            if self.paths.contains(place.path) {
                self.found.insert(param.id);
            }
        }
    }
    let mut visitor = AtPaths {
        paths,
        found: HashSet::new(),
    };
    visit_parameters(module, &Policies::default(), &mut visitor);
    visitor.found
}

struct Ids(HashSet<ParamId>);

impl ParameterVisitor for Ids {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        self.0.insert(param.id);
    }
}

fn visit<M: Module>(
    module: &M,
    policies: &Policies,
    consolidated_only: bool,
    visitor: &mut impl ParameterVisitor,
) {
    module.visit(&mut Traversal {
        walk: Walk::new(policies),
        consolidated_only,
        visitor,
        seen: HashSet::new(),
    });
}

/// Where a traversal of a module is.
pub(crate) struct Walk<'a> {
    policies: &'a Policies,
    path: String,
    /// Length of the path before each module that the traversal is inside.
    ends: Vec<usize>,
    /// Number of float parameters and buffers so far.
    order: usize,
    enclosing: Enclosing,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(policies: &'a Policies) -> Self {
        Self {
            policies,
            path: String::new(),
            ends: Vec::new(),
            order: 0,
            enclosing: Enclosing::none(policies),
        }
    }

    pub(crate) fn enter(&mut self, name: &str, container_type: &str) {
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        self.enclosing.enter(self.policies, container_type);
    }

    pub(crate) fn exit(&mut self, container_type: &str) {
        self.path.truncate(self.ends.pop().unwrap_or_default());
        self.enclosing.exit(self.policies, container_type);
    }

    /// The place of the next float parameter or buffer, which has this id.
    pub(crate) fn next_place(&mut self, id: ParamId) -> Place<'_> {
        let order = self.order;
        self.order += 1;
        Place {
            path: &self.path,
            order,
            enclosing: &self.enclosing,
            settings: self.policies.settings(id, &self.path, &self.enclosing),
        }
    }
}

struct Traversal<'a, V> {
    walk: Walk<'a>,
    consolidated_only: bool,
    visitor: &'a mut V,
    seen: HashSet<ParamId>,
}

impl<V: ParameterVisitor> ModuleVisitor for Traversal<'_, V> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.walk.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.walk.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let place = self.walk.next_place(param.id);
        let is_consolidated = || !place.settings.excluded && is_trained(param);
        if !self.seen.insert(param.id) {
            self.visitor.visit_again(place, param);
        } else if !self.consolidated_only || is_consolidated() {
            self.visitor.visit(place, param);
        }
    }
}
