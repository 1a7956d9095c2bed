use std::fs;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::tensor::{DType, Device, Tensor};
use tempfile::TempDir;

use super::*;
use crate::settings::StatePrecision;
use crate::{ContinualLearner, SynapticIntelligenceConfig};

/// A learner after a task of three steps and two steps of the next.
fn trained(precision: StatePrecision) -> (ContinualLearner<Linear>, ModuleOptimizer) {
    let device = Device::flex().autodiff();
    let config = SynapticIntelligenceConfig::new().with_state_precision(precision);
    let model = LinearConfig::new(3, 2).init(&device);
    let mut learner = ContinualLearner::new(model, &config).expect("the config is valid");
    let mut optimizer = AdamConfig::new().init();
    for step in 0..5 {
        if step == 3 {
            learner.end_task();
        }
        let loss = |layer: &Linear| {
            let x = Tensor::<2>::from_floats([[1.0, -0.5, step as f32]], &device);
            (layer.forward(x) - 0.3).powi_scalar(2).mean()
        };
        (learner, _) = learner.step(&mut optimizer, 0.01, loss);
    }
    (learner, optimizer)
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder can be made")
}

#[test]
fn checkpoint_and_record_both_show_what_the_learner_knows() {
    for precision in [StatePrecision::Full, StatePrecision::Bf16] {
        let (learner, optimizer) = trained(precision);
        let mut expected = learner.diagnostics();
        // A record is read in the order of its names.
        expected.parameters.sort_by(|a, b| a.path.cmp(&b.path));
        let folder = folder();
        let [checkpoint, record] = ["a.ckpt", "a.bpk"].map(|name| folder.path().join(name));
        let written = Checkpoint::new(&learner, &optimizer, &7).and_then(|it| it.save(&checkpoint));
        written.expect("it can be written");
        learner.save_file(&record).expect("it can be written");
        for path in [&checkpoint, &record] {
            let found = Inspection::read(path).expect("it can be read");
            assert_eq!((found.task, found.num_steps), (1, 2));
            let diagnostics = found.parameters.iter().map(StoredParameter::diagnostics);
            assert_eq!(diagnostics.collect::<Vec<_>>(), expected.parameters);
            assert_eq!(found.parameters[1].shape(), [3, 2]);
            assert_eq!(found.header.is_some(), path == &checkpoint);
            assert_eq!(found.optimizer_state.is_some(), path == &checkpoint);
        }
    }
    assert!(Device::flex().supports_dtype(DType::BF16));
}

#[test]
fn missing_state_is_none_and_not_zero() {
    let device = Device::flex().autodiff();
    let model = LinearConfig::new(3, 2).init(&device);
    let learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new());
    let folder = folder();
    let path = folder.path().join("a.bpk");
    let learner = learner.expect("the config is valid");
    learner.save_file(&path).expect("it can be written");
    let found = Inspection::read(&path).expect("it can be read");
    let [bias, weight] = &found.parameters[..] else {
        panic!("a layer has a weight and a bias");
    };
    assert_eq!((weight.path(), bias.path()), ("weight", "bias"));
    assert!(weight.importance().is_none() && weight.path_integral().is_none());
    assert!(weight.anchor().is_none());
}

#[test]
fn record_without_a_learner_and_one_that_is_cut_off_are_refused() {
    let (learner, _) = trained(StatePrecision::Full);
    let folder = folder();
    let path = folder.path().join("a.bpk");
    let bare = learner.clone().into_inner();
    bare.save_file(&path).expect("it can be written");
    let error = Inspection::read(&path).expect_err("there is no learner");
    let error = error.to_string();
    assert!(
        error.ends_with("it is a Burn record without a learner"),
        "{error}"
    );
    learner.save_file(&path).expect("it can be written");
    let bytes = fs::read(&path).expect("it is there");
    fs::write(&path, &bytes[..bytes.len() - 3]).expect("it can be written");
    let error = Inspection::read(&path).expect_err("it is cut off");
    assert!(matches!(error, CheckpointError::Damaged { .. }), "{error}");
    let missing = Inspection::read(folder.path().join("b.bpk"));
    let error = missing.expect_err("it is not there");
    assert!(matches!(error, CheckpointError::NotFound { .. }));
}

#[test]
fn record_is_found_by_the_path_without_an_extension_that_it_was_saved_by() {
    let (learner, _) = trained(StatePrecision::Full);
    let folder = folder();
    let path = folder.path().join("a");
    fs::write(&path, b"something else").expect("it can be written");
    learner.save_file(&path).expect("it can be written");
    let found = Inspection::read(&path).expect("it can be read");
    assert_eq!((found.task, found.num_steps), (1, 2));
}
