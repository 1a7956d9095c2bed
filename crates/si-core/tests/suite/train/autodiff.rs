//! Launches of what is not plain float32 on a plain autodiff device.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::AdamConfig;
use burn::prelude::*;
use burn::tensor::{DType, FloatDType};
use burn_train::{ClassificationOutput, InferenceStep, Learner, TrainOutput, TrainStep};
use si_core::ContinualLearner;

use crate::common::assert_same_parts;
use crate::common::mlp::Mlp;
use crate::train::model::{mlp, state};
use crate::train::setup::{
    Batch, LEARNING_RATE, device, folder, items, launch, loader_on, train_by_hand, training_on,
    wrapped,
};

const NUM_TASKS: usize = 2;

#[test]
fn gradient_checkpointing_changes_no_number() {
    let learn = |device: &Device| {
        let mut learner = wrapped(mlp(0, device));
        for task in 0..NUM_TASKS {
            let folder = folder();
            learner = launch(training_on(device, folder.path(), task), learner);
            assert_eq!(learner.end_task(), None);
        }
        state(&learner)
    };
    let checkpointing = crate::common::device_with(DType::F32).autodiff();
    let checkpointing = checkpointing.gradient_checkpointing();
    assert_same_parts(&learn(&checkpointing), &learn(&device()));
}

/// A perceptron of 16-bit parameters, with a loss in float32.
#[derive(Module, Debug)]
struct Narrow {
    inner: Mlp,
}

/// Flex has both types of 16 bits.
fn flex() -> Device {
    Device::flex().autodiff()
}

impl Narrow {
    fn new(dtype: FloatDType) -> Self {
        struct Cast(FloatDType);
        impl ModuleMapper for Cast {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|tensor| Tensor::from_inner(tensor.inner().cast(self.0)).require_grad())
            }
        }
        Self {
            inner: mlp(0, &flex()).map(&mut Cast(dtype)),
        }
    }
}

impl TrainStep for Narrow {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let item = InferenceStep::step(self, batch);
        TrainOutput::new(self, item.loss.backward(), item)
    }
}

impl InferenceStep for Narrow {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        let inputs = batch.inputs.cast(self.inner.fc1.weight.dtype());
        let logits = self.inner.forward(inputs).cast(DType::F32);
        let loss = burn::nn::loss::CrossEntropyLossConfig::new()
            .init(&logits.device())
            .forward(logits.clone(), batch.labels.clone());
        ClassificationOutput::new(loss, logits, batch.labels)
    }
}

#[test]
fn launches_in_sixteen_bits_are_a_loop_written_by_hand_to_the_bit() {
    // Burn's default of 1e-5 is hardly a number of float16.
    let optimizer = || AdamConfig::new().with_epsilon(1e-4).init();
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let [mut launched, mut by_hand] = [0; 2].map(|_| wrapped(Narrow::new(dtype)));
        for task in 0..NUM_TASKS {
            let folder = folder();
            let training = training_on(&flex(), folder.path(), task).num_epochs(1);
            let result = training.launch(Learner::new(launched, optimizer(), LEARNING_RATE));
            assert!(result.error.is_none(), "{:?}", result.error);
            launched = result.model.train();

            let loaders = [loader_on(&flex(), items(task))];
            by_hand = train_by_hand(by_hand, &mut optimizer(), &loaders, 1, 1);
            for learner in [&mut launched, &mut by_hand] {
                assert_eq!(learner.end_task(), None);
            }
            let (launched, by_hand) = (state(&launched), state(&by_hand));
            let mut numbers = launched.iter().flat_map(|(_, numbers)| numbers);
            assert!(numbers.all(|number| number.is_finite()));
            assert_same_parts(&launched, &by_hand);
        }
        assert!(holds_back(&launched), "{dtype:?}");
    }
}

/// Whether some synapse is important.
fn holds_back(learner: &ContinualLearner<Narrow>) -> bool {
    let diagnostics = learner.diagnostics();
    let mut parameters = diagnostics.parameters.iter();
    parameters.any(|it| {
        it.importance_quantiles
            .is_some_and(|[.., largest]| largest > 0.0)
    })
}
