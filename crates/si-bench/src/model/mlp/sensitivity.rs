use burn::tensor::Tensor;
use si_core::Importance;

use super::Mlp;

impl Mlp {
    /// How much the outputs change with each parameter, like
    /// [`importance::sensitivity`](si_core::importance::sensitivity()), but one batch at a time.
    ///
    /// `batches` are `[batch, inputs]`; all images have the same weight, whatever the batches. Outputs at which `mask`,
    /// `[outputs]`, is not 0 do not count.
    pub fn sensitivity(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        mask: Option<Tensor<1>>,
    ) -> Importance {
        self.mean_over(batches, |constant, images| {
            let trace = constant.trace(images.clone());
            let squares = trace.logits.clone().square();
            let squares = match &mask {
                Some(mask) => squares * mask.clone().equal_elem(0.0).float().unsqueeze(),
                None => squares,
            };
            let weights = images.narrow(1, 0, 1).ones_like();
            let mut factors = Vec::new();
            trace.add(squares.sum(), &weights, Tensor::abs, &mut factors);
            factors
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;
    use si_core::importance;

    use super::*;
    use crate::experiment::Activation;
    use crate::model::Units;
    use crate::model::mlp::testing::{OUTPUTS, ROUNDING, difference, images, mask, mlp};

    #[test]
    fn batches_have_the_sensitivity_of_one_example_after_the_other() {
        for units in [
            Units::Each(Activation::Tanh),
            Units::Lwta { block: 3 },
            Units::Maxout { pieces: 2 },
        ] {
            let rng = &mut ChaCha8Rng::seed_from_u64(5);
            agrees(&mlp(units, rng), &images(9, rng));
        }
    }

    /// Whether both ways to measure sensitivity give the same.
    fn agrees(model: &Mlp, images: &Tensor<2>) {
        for (mask, columns) in [(None, 0..OUTPUTS), (Some(mask()), 1..3)] {
            let slow = importance::sensitivity(
                model,
                images.clone().split(1, 0),
                |model: &Mlp, image: &Tensor<2>| {
                    let logits = model.forward(image.clone().autodiff());
                    logits.squeeze_dim::<1>(0).slice([columns.clone()])
                },
            );
            let slow = slow.expect("it can be measured");
            for size in [1, 4, 9] {
                let batches = images.clone().split(size, 0);
                let fast = model.sensitivity(batches, mask.clone());
                assert!(difference(model, [&fast, &slow]) < ROUNDING);
            }
        }
    }
}
