//! The device that the tests run on: Flex, or the one that the variable `BURN_DEVICE` names, such as `wgpu`.

use burn::tensor::{DType, Device};

pub(crate) fn device() -> Device {
    match std::env::var_os("BURN_DEVICE") {
        Some(_) => Device::default(),
        None => Device::flex(),
    }
}

/// The same device if Burn computes with `dtype` on it, otherwise Flex: a GPU may support double precision, but
/// few of Burn's kernels do.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn device_with(dtype: DType) -> Device {
    if dtype == DType::F32 || is_exact() {
        device()
    } else {
        Device::flex()
    }
}

/// Whether the same operations give exactly the same result every time (bit for bit). A GPU's backend may fuse
/// operations into different kernels each time, and its kernel compiler joins products and sums.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn is_exact() -> bool {
    let name = std::env::var("BURN_DEVICE");
    name.is_err() || name.is_ok_and(|name| ["flex", "ndarray"].contains(&&name[..]))
}

/// Asserts that two ways give exactly the same numbers (bit for bit). If the device does not promise that, they
/// may differ by 1e-4 of the largest, as Adam divides by small moments, which magnifies rounding.
#[track_caller]
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn assert_same<T: Copy + Into<f64>>(found: &[T], expected: &[T]) {
    let [found, expected] = [found, expected].map(|numbers| {
        let numbers = numbers.iter().map(|&number| number.into());
        numbers.collect::<Vec<f64>>()
    });
    let bound = if is_exact() {
        0.0
    } else {
        let magnitudes = expected.iter().map(|number| number.abs());
        1e-4 * magnitudes.fold(0.0, f64::max)
    };
    let is_same = |(found, expected): (&f64, &f64)| {
        found.to_bits() == expected.to_bits() || (found - expected).abs() <= bound
    };
    assert!(
        found.len() == expected.len() && found.iter().zip(&expected).all(is_same),
        "{found:?} is not {expected:?}"
    );
}
