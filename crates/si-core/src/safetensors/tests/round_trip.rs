use burn::tensor::DType;
use safetensors::SafeTensors;

use super::*;
use crate::TaskWarning;
use crate::settings::{Normalization, StatePrecision};
use crate::test_device::assert_same;

#[test]
fn state_is_read_back_to_the_bit_in_each_layout() {
    let learner = trained();
    for layout in [WeightLayout::Burn, WeightLayout::PyTorch] {
        let bytes = learner.to_safetensors(layout).expect("written");
        let mut other = fresh(&learner);
        let report = other.load_safetensors(&bytes, layout).expect("read");
        assert_eq!(state(&other), state(&learner));
        assert_eq!(other.to_safetensors(layout).expect("written"), bytes);
        assert_eq!(report.taken.len(), 7 * 3);
        let unused = "convolution.bias";
        let parts = ["importance", "anchor", "path_integral"];
        assert_eq!(report.missing, parts.map(|part| format!("{unused}.{part}")));
        assert_eq!(report.ignored, [""; 0]);
        assert_eq!(report.task, Some(1));
        assert_eq!(report.strength, Some(0.5));
        assert_eq!(report.damping, Some(0.01));
        assert_eq!(report.normalization, Some(Normalization::Off));
    }
}

#[test]
fn a_file_states_the_normalization_of_its_importance_and_the_reader_keeps_its_own() {
    for normalization in [
        Normalization::Off,
        Normalization::Mean,
        Normalization::Largest,
    ] {
        let config = config().with_normalization(normalization);
        let normalized = ContinualLearner::new(Network::new(), &config).expect("valid");
        let mut normalized = train(normalized, &mut AdamConfig::new().init(), 3);
        normalized.end_task();
        let bytes = normalized
            .to_safetensors(WeightLayout::Burn)
            .expect("written");
        let mut other = learner();
        let report = other
            .load_safetensors(&bytes, WeightLayout::Burn)
            .expect("read");
        assert_eq!(report.normalization, Some(normalization));
        let kept = other.regularizer().config().normalization;
        assert_eq!(kept, Normalization::Off);
    }
}

#[test]
fn training_goes_on_as_if_it_was_not_interrupted() {
    let learner = trained();
    let bytes = learner
        .to_safetensors(WeightLayout::PyTorch)
        .expect("written");
    let mut other = fresh(&learner);
    other
        .load_safetensors(&bytes, WeightLayout::PyTorch)
        .expect("read");
    let mut unread = fresh(&learner);

    let go_on = |learner: ContinualLearner<Network>| {
        let mut optimizer = AdamConfig::new().init();
        let mut learner = train(learner, &mut optimizer, 4);
        let warning = learner.end_task();
        (train(learner, &mut optimizer, 2), warning)
    };
    let (learner, warning) = go_on(learner);
    let (other, other_inert) = go_on(other);
    assert_eq!((warning, other_inert), (None, None));
    assert_same_state(&state(&other), &state(&learner));
    for (numbers, expected) in parameters(&other).iter().zip(&parameters(&learner)) {
        assert_same(numbers, expected);
    }
    assert_eq!(other.regularizer().task(), 2);
    unread = go_on(unread).0;
    assert_ne!(parameters(&unread), parameters(&learner));
}

#[test]
fn state_in_bf16_is_written_and_read_in_bf16() {
    if !device().supports_dtype(DType::BF16) {
        return;
    }
    let config = config().with_state_precision(StatePrecision::Bf16);
    let learner = ContinualLearner::new(Network::new(), &config).expect("valid");
    let mut learner = train(learner, &mut AdamConfig::new().init(), 3);
    learner.end_task();
    let bytes = learner
        .to_safetensors(WeightLayout::PyTorch)
        .expect("written");
    let tensors = SafeTensors::deserialize(&bytes).expect("SafeTensors");
    assert!(tensors.iter().all(|(_, view)| view.dtype() == Dtype::BF16));
    let mut other = fresh(&learner);
    other
        .load_safetensors(&bytes, WeightLayout::PyTorch)
        .expect("read");
    assert_eq!(state(&other), state(&learner));
}

#[test]
fn a_path_integral_that_was_read_is_consolidated_without_another_step() {
    let mut learner = trained();
    let bytes = learner.to_safetensors(WeightLayout::Burn).expect("written");
    let mut other = fresh(&learner);
    other
        .load_safetensors(&bytes, WeightLayout::Burn)
        .expect("read");
    assert_eq!(other.end_task(), learner.end_task());
    assert_same_state(&state(&other), &state(&learner));
    assert_eq!(other.end_task(), Some(TaskWarning::NoStep));
}
