//! What the records of all methods have in common: state that stands under names beside the parameters.

use burn::Tensor;
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::RecordError;

/// A type that no module of Burn's has, and no policy goes by.
const CONTAINER: &str = "Struct:ContinualState";

/// Shows a visitor state, and what else stands under a name.
pub(crate) trait VisitState: ModuleVisitor + Sized {
    fn visit_under(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        self.enter_module(name, CONTAINER);
        visit(self);
        self.exit_module(name, CONTAINER);
    }

    /// State of the parameter `id`.
    fn visit_state<const D: usize>(&mut self, name: &str, id: ParamId, state: Tensor<D>) {
        let state = Param::initialized(id, state);
        self.visit_under(name, |it| it.visit_float(&state));
    }
}

impl<V: ModuleVisitor> VisitState for V {}

/// Has a mapper map state, and what else stands under a name.
pub(crate) trait MapState: ModuleMapper + Sized {
    fn map_under<T>(&mut self, name: &str, map: impl FnOnce(&mut Self) -> T) -> T {
        self.enter_module(name, CONTAINER);
        let mapped = map(self);
        self.exit_module(name, CONTAINER);
        mapped
    }

    /// State of the parameter `id`; what is returned is outside autodiff.
    fn map_state<const D: usize>(
        &mut self,
        name: &str,
        id: ParamId,
        state: Tensor<D>,
    ) -> Tensor<D> {
        let state = Param::initialized(id, state);
        let state = self.map_under(name, |it| it.map_float(state));
        state.into_value().inner()
    }
}

impl<P: ModuleMapper> MapState for P {}

/// Adds to Burn's error for a record that has no `part` of a parameter's state what may be the reason.
pub(crate) fn explain(error: RecordError, part: &str) -> RecordError {
    match error {
        RecordError::Validation(reason)
            if reason.contains(part) && !reason.contains("shape mismatch") =>
        {
            RecordError::Validation(format!(
                "{reason}; state is loaded for the parameters that are trained and that no policy excludes: before \
                 loading, freeze only layers that were never trained, and take the policies that the state was made \
                 with"
            ))
        }
        error => error,
    }
}
