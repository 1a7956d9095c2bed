use burn::Tensor;
use burn::module::{Module, Param};

use super::Importance;
use crate::policy::Policies;
use crate::precision::widened;
use crate::traversal::{ParameterVisitor, Place, visit_consolidated};

/// The importance 1 for every parameter that is trained: the penalty is then the squared distance to the anchor,
/// whatever the task.
///
/// The module may be in training or in validation mode. See
/// [`QuadraticPenaltyConfig::l2`](crate::QuadraticPenaltyConfig::l2).
pub fn constant<M: Module>(module: &M) -> Importance {
    struct AddOnes(Importance);
    impl ParameterVisitor for AddOnes {
        fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
            let ones = widened(param.val().inner()).ones_like();
            self.0.add(param.id, ones);
        }
    }
    let mut ones = AddOnes(Importance::default());
    visit_consolidated(module, &Policies::default(), &mut ones);
    ones.0
}
