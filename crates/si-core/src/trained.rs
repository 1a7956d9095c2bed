//! Which parameters a module trains, in either mode, and copies of a module or a parameter that keep or change that.

use burn::Tensor;
use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::{DType, GradientCheckpointingStrategy};

/// Whether training mode trains the parameter. The module may be in validation mode, in which nothing requires
/// gradients.
///
/// Burn keeps this apart from the tensor, in a field that only `train` reads (burn-core 0.22.1,
/// `module/param/base.rs:104`).
pub(crate) fn is_trained<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    param.is_require_grad() || {
        let (id, value, mapper) = param.clone().consume();
        let stored = Param::from_mapped_value(id, value.inner(), mapper);
        stored.train().is_require_grad()
    }
}

/// Whether a parameter made of this one is to be trained. An adapter's base is frozen, but a parameter with the adapter
/// merged into it must not be.
pub(crate) fn is_trained_or_adapted<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    is_trained(param) || param.adapter().is_some()
}

/// The numbers of a parameter, outside autodiff: an adapter is merged, and quantised numbers are dequantised.
pub(crate) fn plain_numbers<const D: usize>(param: &Param<Tensor<D>>) -> Tensor<D> {
    let value = param.val().inner();
    match value.dtype() {
        DType::QFloat(_) => value.dequantize(),
        _ => value,
    }
}

/// Numbers outside autodiff, in the mode of `param`: with its gradient-checkpointing strategy in training mode.
pub(crate) fn in_mode_of<const D: usize, const E: usize>(
    param: &Param<Tensor<D>>,
    numbers: Tensor<E>,
) -> Tensor<E> {
    match param.val().gradient_checkpointing_strategy() {
        Some(strategy) => {
            Tensor::from_inner(numbers).with_gradient_checkpointing_strategy(strategy)
        }
        None => numbers,
    }
}

/// The gradient-checkpointing strategy of the module's parameters. `None` in validation mode.
pub(crate) fn checkpointing_of<M: Module>(module: &M) -> Option<GradientCheckpointingStrategy> {
    let devices = module.devices();
    devices
        .iter()
        .find_map(|device| device.gradient_checkpointing_strategy())
}

/// The module in training mode, with the given strategy.
///
/// Burn's `train` sets the default strategy, whatever the module had before `valid` (burn-core 0.22.1,
/// `module/param/tensor.rs:268`). An operation on tensors with different strategies panics.
pub(crate) fn train_with<M: Module>(
    module: M,
    strategy: Option<GradientCheckpointingStrategy>,
) -> M {
    struct SetStrategy(GradientCheckpointingStrategy);
    impl ModuleMapper for SetStrategy {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                if tensor.is_autodiff() {
                    tensor.with_gradient_checkpointing_strategy(self.0)
                } else {
                    tensor
                }
            })
        }
    }
    let module = module.train();
    match strategy {
        None | Some(GradientCheckpointingStrategy::Disabled) => module,
        Some(strategy) => module.map(&mut SetStrategy(strategy)),
    }
}

/// A copy of the module in the same mode, with separate running statistics: those of a clone would be shared.
pub(crate) fn separated<M: Module>(module: &M) -> M {
    match checkpointing_of(module) {
        Some(strategy) => train_with(module.valid(), Some(strategy)),
        None => module.valid(),
    }
}

/// A copy of the module that predicts as in validation mode but has gradients as in training mode. Dropout is
/// off, and batch normalisation uses its running statistics without updating them. The copy has the same ids as
/// the module.
pub(crate) fn to_measure<M: Module>(module: &M) -> M {
    struct LeaveTraining;
    impl ModuleMapper for LeaveTraining {
        fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
            flag.with_value(false)
        }
    }
    // A clone would share the running statistics with the module; the result of `valid` has separate ones.
    train_with(module.valid(), checkpointing_of(module)).map(&mut LeaveTraining)
}

/// Applies pending updates of running statistics.
///
/// A layer's last update is pending until its next update or `valid`, and a record does not contain it
/// (burn-core 0.22.1, `module/param/running.rs:56` and `:148`).
pub(crate) fn settle_statistics<M: Module>(module: &M) {
    let _ = module.valid();
}
