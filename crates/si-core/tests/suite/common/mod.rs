pub(crate) mod mlp;
#[allow(dead_code, reason = "the tests on a server need only some of these")]
pub(crate) mod warnings;

use std::sync::LazyLock;

use burn::tensor::{Device, Tensor};
use si_core::MatmulPrecision;

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

/// Whether float32 products on `device`, Flex or the device of the tests, are exact. If they are not, says that the
/// test which asks is skipped.
#[allow(dead_code, reason = "the tests on a server need only some of these")]
#[allow(
    clippy::print_stderr,
    reason = "a test that is skipped has no other way to say so"
)]
pub(crate) fn multiplies_exactly(device: &Device) -> bool {
    static PRECISION: LazyLock<MatmulPrecision> =
        LazyLock::new(|| MatmulPrecision::measure(&self::device()));
    let is_exact = *device == Device::flex() || PRECISION.is_exact();
    if !is_exact {
        eprintln!(
            "skipped: float32 products on this device are {}",
            *PRECISION
        );
    }
    is_exact
}
