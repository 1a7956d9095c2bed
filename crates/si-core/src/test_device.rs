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
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn device_with(dtype: DType) -> Device {
    if dtype == DType::F32 || is_exact() {
        device()
    } else {
        Device::flex()
    }
}

/// Whether the same operations have the same result to the bit every time: a GPU's backends join operations into other
/// kernels from one time to the next, and the compiler of a kernel joins products and sums.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn is_exact() -> bool {
    let name = std::env::var("BURN_DEVICE");
    name.is_err() || name.is_ok_and(|name| ["flex", "ndarray"].contains(&&name[..]))
}

/// That two ways to the same numbers had them to the bit, or, where the device promises no such thing, within 1e-4 of the
/// largest (Adam divides small moments, in which rounding grows).
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
