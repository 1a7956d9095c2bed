use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, MultiGradientsParams};
use burn::tensor::Device;

/// Sums a step's gradients over several devices. Each sum is on the device where Burn's optimizer would compute it
/// and update the parameter.
pub(super) fn gather<M: Module>(module: &M, mut parts: MultiGradientsParams) -> GradientsParams {
    struct Gather<'a> {
        parts: &'a mut MultiGradientsParams,
        sums: GradientsParams,
    }
    impl ModuleVisitor for Gather<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some((sum, _device)) = self.parts.remove::<D>(param.id) {
                self.sums.register(param.id, sum);
            }
        }
    }
    let mut gather = Gather {
        parts: &mut parts,
        sums: GradientsParams::new(),
    };
    module.visit(&mut gather);
    gather.sums
}

/// Converts gradients back to the form that [`gather`] takes: each at the device that it is on.
pub(super) fn scatter<M: Module>(
    module: &M,
    mut sums: GradientsParams,
    devices: Vec<Device>,
) -> MultiGradientsParams {
    struct Scatter<'a> {
        sums: &'a mut GradientsParams,
        parts: MultiGradientsParams,
    }
    impl ModuleVisitor for Scatter<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(sum) = self.sums.remove::<D>(param.id) else {
                return;
            };
            let parts = &mut self.parts.grads;
            let on = sum.device();
            let index = parts.iter().position(|(_, device)| *device == on);
            if let Some((part, _)) = parts.get_mut(index.unwrap_or(0)) {
                part.register(param.id, sum);
            }
        }
    }
    let parts = devices.into_iter().map(|it| (GradientsParams::new(), it));
    let mut scatter = Scatter {
        sums: &mut sums,
        parts: MultiGradientsParams {
            grads: parts.collect(),
        },
    };
    module.visit(&mut scatter);
    scatter.parts
}
