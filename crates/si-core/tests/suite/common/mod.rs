pub(crate) mod mlp;
#[allow(dead_code, reason = "the tests on a server need only some of these")]
pub(crate) mod warnings;

use burn::tensor::Tensor;

#[allow(
    unused_imports,
    reason = "the tests on a server need only some of these"
)]
pub(crate) use test_device::{assert_same, device, device_with, is_exact};

#[path = "../../../src/test_device.rs"]
mod test_device;

/// The elements of a tensor, in order.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
