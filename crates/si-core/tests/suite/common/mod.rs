pub(crate) mod mlp;
#[allow(dead_code, reason = "the tests on a server need only some of these")]
pub(crate) mod warnings;

use burn::tensor::Tensor;
use si_core::diagnostics::EpochReport;

#[allow(
    unused_imports,
    reason = "the tests on a server need only some of these"
)]
pub(crate) use test_device::{
    Parts, assert_same, assert_same_parts, device, device_with, difference, is_exact, tolerance,
};

#[path = "../../../src/test_device.rs"]
mod test_device;

/// The elements of a tensor, in order.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Asserts that two trainings report the same, with the same numbers as far as the device promises them.
#[allow(dead_code, reason = "the tests on a server need only some of these")]
#[track_caller]
pub(crate) fn assert_same_report(found: &EpochReport, expected: &EpochReport) {
    let counts = |report: &EpochReport| (report.task, report.num_steps, report.warning);
    assert_eq!(counts(found), counts(expected));
    let means = |report: &EpochReport| -> Vec<f64> {
        let means = [Some(report.penalty), report.task_loss];
        means.into_iter().flatten().collect()
    };
    assert_same(&means(found), &means(expected));
}
