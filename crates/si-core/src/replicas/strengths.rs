//! The strength of each replica of a stack.

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, Param};
use burn::tensor::{Shape, TensorData};

use crate::Error;
use crate::policy::Policies;
use crate::traversal::{ParameterVisitor, Place, visit_consolidated};

/// Whether a parameter of that shape can be divided into equal blocks along its first axis, one for each replica.
pub(crate) fn divides(num_replicas: usize, shape: &Shape) -> bool {
    let first = shape.iter().next().copied().unwrap_or(1);
    first.is_multiple_of(num_replicas)
}

/// Why the strengths of the replicas do not fit a parameter.
pub(crate) fn misfit(path: &str, shape: &Shape, num_replicas: usize) -> String {
    // An optimizer with the method inside does not know paths.
    let name = if path.is_empty() { "one" } else { path };
    format!(
        "replica_strengths has {num_replicas} factors, so the first axis of every parameter must be a multiple of \
         {num_replicas}; that of {name}, {shape}, is not"
    )
}

/// Checks that the strengths of the replicas fit every consolidated parameter of a module.
pub(crate) fn check<M: Module>(
    module: &M,
    policies: &Policies,
    num_replicas: usize,
) -> Result<(), Error> {
    struct Check {
        num_replicas: usize,
        misfit: Option<String>,
    }
    impl ParameterVisitor for Check {
        fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
            let shape = param.lazy_shape();
            if self.misfit.is_none() && !divides(self.num_replicas, &shape) {
                self.misfit = Some(misfit(place.path, &shape, self.num_replicas));
            }
        }
    }
    if num_replicas == 0 {
        return Ok(());
    }
    let mut check = Check {
        num_replicas,
        misfit: None,
    };
    visit_consolidated(module, policies, &mut check);
    match check.misfit {
        Some(misfit) => Err(Error::Replicas(format!(
            "{misfit}: stack that many replicas, or leave the parameter out by a policy"
        ))),
        None => Ok(()),
    }
}

/// The tensor with each block along the first axis multiplied by the factor of its replica. The replicas must divide
/// that axis.
pub(crate) fn by_replica<B: Backend>(tensor: FloatTensor<B>, factors: &[f64]) -> FloatTensor<B> {
    let (shape, num_replicas) = (tensor.shape(), factors.len());
    let blocks = Shape::new([num_replicas, shape.num_elements() / num_replicas]);
    let factors = TensorData::new(factors.to_vec(), [num_replicas, 1]);
    let factors = B::float_from_data(factors.convert_dtype(tensor.dtype()), &tensor.device());
    let scaled = B::float_mul(B::float_reshape(tensor, blocks), factors);
    B::float_reshape(scaled, shape)
}

#[cfg(test)]
mod tests {
    use burn::backend::Dispatch;

    use super::*;
    use crate::ops::SynapticBackend;
    use crate::test_device::device;

    #[test]
    fn each_block_along_the_first_axis_has_the_factor_of_its_replica() {
        let device = device();
        // Two replicas of two channels each, as in a convolution by groups.
        let channels =
            Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], &device);
        let scaled = by_replica::<Dispatch>(Dispatch::primitive(channels), &[10.0, 0.5]);
        let scaled = Dispatch::tensor::<2>(scaled);
        let expected = Tensor::from_floats(
            [[10.0, 20.0], [30.0, 40.0], [2.5, 3.0], [3.5, 4.0]],
            &device,
        );
        scaled
            .into_data()
            .assert_eq(&Tensor::<2>::into_data(expected), true);
    }

    #[test]
    fn replicas_divide_a_first_axis_that_is_a_multiple_of_their_number() {
        assert!(divides(3, &Shape::new([3, 2])));
        assert!(divides(3, &Shape::new([6])));
        assert!(!divides(3, &Shape::new([2, 3])));
    }
}
