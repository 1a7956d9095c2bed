//! The device that the tests run on: Flex, or what the variable `BURN_DEVICE` names, such as `wgpu`.

use burn::tensor::{DType, Device};

pub(crate) fn device() -> Device {
    match std::env::var_os("BURN_DEVICE") {
        Some(_) => Device::default(),
        None => Device::flex(),
    }
}

/// The same where Burn computes with `dtype` on it, or else Flex: a GPU may bear double precision, but few of Burn's
/// kernels do.
#[allow(dead_code, reason = "each binary of tests has need of some of these")]
pub(crate) fn device_with(dtype: DType) -> Device {
    match dtype == DType::F32 || is_exact() {
        true => device(),
        false => Device::flex(),
    }
}

/// Whether the same numbers come out of the same operations in one kernel or in several.
#[allow(dead_code, reason = "each binary of tests has need of some of these")]
pub(crate) fn is_exact() -> bool {
    let name = std::env::var("BURN_DEVICE");
    name.is_err() || name.is_ok_and(|name| ["flex", "ndarray"].contains(&&name[..]))
}
