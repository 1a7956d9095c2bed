//! What the records of all methods share: named state in addition to the parameters.

use std::collections::HashSet;

use burn::Tensor;
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::{ModuleRecord, RecordError};

use crate::pack::Pack;

/// A type name that none of Burn's modules has and that no policy uses.
const CONTAINER: &str = "Struct:ContinualState";

/// Shows state, or anything else under a name, to a visitor.
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

/// Lets a mapper map state, or anything else under a name.
pub(crate) trait MapState: ModuleMapper + Sized {
    fn map_under<T>(&mut self, name: &str, map: impl FnOnce(&mut Self) -> T) -> T {
        self.enter_module(name, CONTAINER);
        let mapped = map(self);
        self.exit_module(name, CONTAINER);
        mapped
    }

    /// State of the parameter `id`. The result is outside autodiff.
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

/// The paths of the parameters of which a record has the state `name`.
pub(crate) fn paths_with(
    record: &ModuleRecord,
    name: &str,
) -> Result<HashSet<String>, RecordError> {
    let pack = Pack::read(record.clone().into_bytes()?).map_err(RecordError::Validation)?;
    let suffix = format!(".{name}");
    let paths = pack.names().filter_map(|it| it.strip_suffix(&suffix));
    Ok(paths.map(str::to_string).collect())
}

/// If Burn's error says that a record lacks `part` of a parameter's state, adds the likely reason.
pub(crate) fn explain(error: RecordError, part: &str) -> RecordError {
    match error {
        RecordError::Validation(reason)
            if reason.contains(part) && !reason.contains("shape mismatch") =>
        {
            RecordError::Validation(format!(
                "{reason}; state is loaded for the parameters that are trained and that no policy excludes: before \
                 loading, freeze only layers that were never trained, and use the policies that the state was made \
                 with"
            ))
        }
        error => error,
    }
}
