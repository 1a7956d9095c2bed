//! The device that the tests run on, and how exactly numbers agree there. The device is Flex, or the one that the
//! variable `BURN_DEVICE` names, such as `wgpu`.

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

fn backend() -> String {
    std::env::var("BURN_DEVICE").unwrap_or_else(|_| "flex".to_string())
}

/// Whether the same operations give exactly the same result every time (bit for bit). A GPU's backend may fuse
/// operations into different kernels each time, autotune may choose another kernel for a product, and the kernel
/// compiler joins products and sums.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn is_exact() -> bool {
    ["flex", "ndarray"].contains(&&backend()[..])
}

/// Units in the last place of float32 by which two computations of the same numbers may differ on a device that is not
/// exact. Each rounding is one unit at most. The steps of a training add up to some tens, and Adam divides by small
/// moments, which magnifies them to some hundreds.
const ULPS: f64 = 1024.0;

/// The largest share by which results of TF32 may differ from those of float32. With CUDA, Burn's fastest products of
/// float32 matrices round the factors to TF32, which has 13 bits less. Ten steps of Adam at a high learning rate
/// magnify that to 1.6e-2 of the largest number, as a replay of the reference trajectories with such products shows.
const TF32: f64 = 1.0 / 32.0;

/// The tolerance for results of products of matrices on this device. `in_float32` is the tolerance where float32 is
/// computed in float32.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn tolerance(in_float32: f64) -> f64 {
    if backend() == "cuda" {
        in_float32.max(TF32)
    } else {
        in_float32
    }
}

/// How two computations of the same numbers differ, if they differ by more than this device may round them differently:
/// by nothing on a CPU backend (bit for bit), otherwise by [`ULPS`] at the largest number.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn difference<T: Copy + Into<f64>>(found: &[T], expected: &[T]) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!(
            "there are {} numbers, not {}",
            found.len(),
            expected.len()
        ));
    }
    let [found, expected] = [found, expected].map(|numbers| {
        let numbers = numbers.iter().map(|&number| number.into());
        numbers.collect::<Vec<f64>>()
    });
    let finite = expected.iter().copied().filter(|it| it.is_finite());
    let largest = finite.fold(0.0, |largest: f64, it| largest.max(it.abs()));
    let ulp = ulp(largest);
    let bound = if is_exact() {
        0.0
    } else {
        (ULPS * ulp).max(tolerance(0.0) * largest)
    };
    let differs = |(found, expected): (&f64, &f64)| {
        let is_within = (found - expected).abs() <= bound;
        !is_within && found.to_bits() != expected.to_bits()
    };
    let index = found.iter().zip(&expected).position(differs)?;
    let [found, expected] = [found[index], expected[index]];
    let distance = (found - expected).abs() / ulp;
    Some(format!(
        "number {index} is {found:?}, not {expected:?}: they are {distance:.3} units in the last place of float32 \
         apart, and {} are allowed on {}. The unit is that of the largest number, {largest:?}",
        bound / ulp,
        backend(),
    ))
}

/// The distance from a number to the next in float32.
fn ulp(number: f64) -> f64 {
    let number = number.min(f64::from(f32::MAX / 2.0)) as f32;
    f64::from(number.next_up()) - f64::from(number)
}

/// Asserts that two ways give the same numbers, as exactly as [`difference`] says.
#[track_caller]
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn assert_same<T: Copy + Into<f64>>(found: &[T], expected: &[T]) {
    if let Some(difference) = difference(found, expected) {
        panic!("{difference}");
    }
}

/// The numbers of each part of a state, by name. Each part is compared by its own largest number.
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) type Parts = Vec<(String, Vec<f64>)>;

/// Asserts that two states have the same parts in the same order, and each the same numbers, as exactly as
/// [`difference`] says.
#[track_caller]
#[allow(dead_code, reason = "some test programs need only some of these")]
pub(crate) fn assert_same_parts(found: &Parts, expected: &Parts) {
    let names = |parts: &Parts| -> Vec<String> { parts.iter().map(|it| it.0.clone()).collect() };
    assert_eq!(names(found), names(expected));
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        if let Some(difference) = difference(found, expected) {
            panic!("{name}: {difference}");
        }
    }
}
