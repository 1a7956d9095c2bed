use burn::Tensor;
use burn::module::Param;

use crate::Error;
use crate::trained::{in_mode_of, is_trained_or_adapted, plain_numbers};

/// Stacks parameters of the same shape along a new first axis: `[…]` of each replica to `[replicas, …]`.
///
/// The result is a new parameter in the precision, on the device and in the mode of the first, and is trained if the
/// first is. An adapter is merged, and quantised numbers are dequantised. `E` is `D + 1`.
///
/// # Errors
///
/// [`Error::Replicas`] if there are no parameters or if their shapes differ.
pub fn stack<'a, const D: usize, const E: usize>(
    parameters: impl IntoIterator<Item = &'a Param<Tensor<D>>>,
) -> Result<Param<Tensor<E>>, Error> {
    const { assert!(E == D + 1, "a stack has one axis more than its parameters") };
    let parameters: Vec<_> = parameters.into_iter().collect();
    let Some(first) = parameters.first() else {
        return Err(Error::Replicas(
            "a stack needs at least one replica, got none".to_string(),
        ));
    };
    let shape = first.lazy_shape();
    if let Some(index) = parameters.iter().position(|it| it.lazy_shape() != shape) {
        return Err(Error::Replicas(format!(
            "the parameters of a stack must have one shape: that of replica 0 is {shape}, that of replica {index} is {}",
            parameters[index].lazy_shape()
        )));
    }
    let numbers = plain_numbers(first);
    let (device, precision) = (numbers.device(), numbers.dtype());
    let others = parameters[1..].iter();
    let others = others.map(|it| plain_numbers(it).to_device(&device).cast(precision));
    let all = core::iter::once(numbers.clone()).chain(others).collect();
    Ok(derived(first, Tensor::stack(all, 0)))
}

/// Takes one replica out of a stacked parameter: `[replicas, …]` to `[…]`.
///
/// The result is a new parameter, in the mode of the stack, and is trained if the stack is. `E` is `D + 1`.
///
/// # Errors
///
/// [`Error::Replicas`] if the stack has no replica of that index.
pub fn replica<const E: usize, const D: usize>(
    stack: &Param<Tensor<E>>,
    index: usize,
) -> Result<Param<Tensor<D>>, Error> {
    const { assert!(E == D + 1, "a replica has one axis less than its stack") };
    let numbers = plain_numbers(stack);
    let num_replicas = numbers.dims()[0];
    if index >= num_replicas {
        return Err(no_replica(index, num_replicas));
    }
    let numbers = numbers.narrow(0, index, 1).squeeze_dim::<D>(0);
    Ok(derived(stack, numbers))
}

/// A new parameter with numbers made of those of `of`.
pub(super) fn derived<const D: usize, const E: usize>(
    of: &Param<Tensor<D>>,
    numbers: Tensor<E>,
) -> Param<Tensor<E>> {
    Param::from_tensor(in_mode_of(of, numbers)).set_require_grad(is_trained_or_adapted(of))
}

pub(super) fn no_replica(index: usize, num_replicas: usize) -> Error {
    Error::Replicas(format!(
        "there is no replica {index}: the stack has {num_replicas}, counted from 0"
    ))
}
