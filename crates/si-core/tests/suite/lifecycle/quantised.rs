//! An adapter on a quantised base (QLoRA): the adapter learns, and the base stays as it is.

use burn::module::{Lora, Module, ParamGroup, QLora, Quantizer};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::quantization::{Calibration, QuantValue};
use burn::tensor::{DType, Device, Tensor};
use si_core::ContinualLearner;
use si_core::QuadraticPenaltyConfig;
use si_core::importance::{self, FisherLabels, RunningImportance, RunningMeasure};

use crate::common::values;
use crate::lifecycle::network::{state, wrapped};

/// Flex has quantised numbers.
fn device() -> Device {
    Device::flex().autodiff()
}

/// A linear layer with 8-bit weights and an adapter.
fn adapted() -> Linear {
    let scheme = device().settings().quantization.scheme;
    let mut quantizer = Quantizer::new(Calibration::MinMax, scheme.with_value(QuantValue::Q8S));
    quantizer.set_param_group(ParamGroup::from_paths(vec!["weight"]));
    LinearConfig::new(4, 2)
        .init(&device())
        .apply_qlora(QLora::new(Lora::new(2, 2.0), quantizer))
}

fn base(module: &Linear) -> Vec<f64> {
    let base = module.weight.base();
    assert!(matches!(base.dtype(), DType::QFloat(_)));
    values(base.dequantize())
}

fn step(learner: ContinualLearner<Linear>, task: usize) -> ContinualLearner<Linear> {
    let x = Tensor::<2>::ones([1, 4], &device());
    let loss = |it: &Linear| (it.forward(x) - task as f32 - 1.0).square().mean();
    learner.step(&mut SgdConfig::new().init(), 0.1, loss).0
}

fn trained() -> ContinualLearner<Linear> {
    let mut learner = wrapped(adapted());
    for task in 0..2 {
        for _ in 0..3 {
            learner = step(learner, task);
        }
        assert_eq!(learner.end_task(), None);
    }
    learner
}

#[test]
fn adapter_alone_is_consolidated_and_the_base_keeps_its_numbers() {
    let fresh = wrapped(adapted());
    let coverage = fresh.coverage();
    let consolidated: Vec<&str> = coverage.consolidated().map(|it| &*it.path).collect();
    assert_eq!(consolidated, ["weight.lora.a", "weight.lora.b"]);
    let before = base(&fresh);
    let mut learner = step(fresh, 0);
    assert_eq!(learner.end_task(), None);
    learner = step(step(learner, 1), 1);
    assert_eq!(base(&learner), before);
    assert_eq!(learner.regularizer().synapses().len(), 2);
    assert!(learner.end_epoch().penalty > 0.0);
}

#[test]
fn learner_goes_on_from_its_record_to_the_same_bits() {
    let learner = trained();
    let bytes = learner
        .clone()
        .into_record()
        .into_bytes()
        .expect("it can be written");
    let record = burn::store::ModuleRecord::from_bytes(bytes).expect("it can be read");
    let loaded = wrapped(adapted()).try_load_record(record).expect("it fits");
    assert_eq!(base(&loaded), base(&learner));
    assert_eq!(state(&step(loaded, 2)), state(&step(learner, 2)));
}

#[test]
fn task_ends_in_validation_mode_as_in_training_mode() {
    let mut in_training = step(trained(), 2);
    let mut in_validation = in_training.valid();
    for learner in [&mut in_training, &mut in_validation] {
        assert_eq!(learner.end_task(), None);
    }
    assert_eq!(state(&in_validation.train()), state(&in_training));
}

#[test]
fn information_about_an_adapter_is_measured() {
    let model = adapted();
    let x = Tensor::<2>::ones([1, 4], &device());
    let log_likelihood = |model: &Linear, x: &Tensor<2>| {
        let logits = model.forward(x.clone()).squeeze_dim::<1>(0);
        burn::tensor::activation::log_softmax(logits, 0)
    };
    let fisher = importance::fisher(&model, [x], log_likelihood, FisherLabels::Exact);
    let fisher = fisher.expect("it gives probabilities");
    assert_eq!(fisher.len(), 2);
    let mut elastic = QuadraticPenaltyConfig::ewc(10.0)
        .init()
        .expect("it is valid");
    assert_eq!(elastic.consolidate(&model, &fisher), None);
    assert_eq!(elastic.pulls().len(), 2);
}

#[test]
fn importance_of_an_adapter_is_measured_in_the_steps() {
    for measure in [
        RunningMeasure::SecondMoment { decay: 0.9 },
        RunningMeasure::RiemannianWalk {
            decay: 0.1,
            interval: 2,
            damping: 1e-3,
        },
    ] {
        let mut running = RunningImportance::new(measure).expect("it is valid");
        let mut model = adapted();
        let before = base(&model);
        let mut optimizer = SgdConfig::new().init();
        for _ in 0..3 {
            let x = Tensor::<2>::ones([1, 4], &device());
            let grads = (model.forward(x) - 1.0).square().mean().backward();
            let grads = GradientsParams::from_grads(grads, &model);
            running.begin_step(&model, &grads);
            model = optimizer.step(0.1, model, grads);
            running.end_step(&model);
        }
        let record = running.record(&model);
        let loaded = RunningImportance::new(measure).expect("it is valid");
        let mut loaded = loaded.load_record(&model, record).expect("it fits");
        assert_eq!(loaded.end_task(&model).len(), 2);
        assert_eq!(running.end_task(&model).len(), 2);
        assert_eq!(base(&model), before);
    }
}
