use burn::tensor::Tensor;
use si_core::{Error, Importance};

use super::Cnn;
use crate::model::one_by_one;

impl Cnn {
    /// How much the outputs change with each parameter, one image at a time, by
    /// [`importance::sensitivity`](si_core::importance::sensitivity()). Dropout is off, as when testing.
    ///
    /// `batches` are `[batch, pixels]`; all images have the same weight, whatever the batches. Outputs at which `mask`,
    /// `[outputs]`, is not 0 do not count.
    ///
    /// # Errors
    ///
    /// Those of [`importance::sensitivity`](si_core::importance::sensitivity()).
    pub fn sensitivity(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        mask: Option<Tensor<1>>,
    ) -> Result<Importance, Error> {
        one_by_one::sensitivity(self, Self::forward, batches, mask)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, TensorData};
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};
    use si_core::importance;

    use super::*;
    use crate::model::CnnConfig;
    use crate::model::initial::{Weights, dense};

    #[test]
    fn masked_outputs_do_not_count_and_dropout_is_off() {
        let (rng, device) = (
            &mut ChaCha8Rng::seed_from_u64(3),
            &Device::flex().autodiff(),
        );
        let config = CnnConfig {
            channels: [2, 3],
            hidden_size: 5,
            ..CnnConfig::paper([1, 10, 11], 4)
        };
        let mut cnn = config.init(rng, device);
        cnn.readout = dense(5, 4, Weights::GlorotUniform, rng, device);
        let pixels = (0..3 * 110).map(|_| rng.random_range(-1.0..1.0_f32));
        let pixels = TensorData::new(pixels.collect::<Vec<_>>(), [3, 110]);
        let images = Tensor::<2>::from_data(pixels, &Device::flex());
        let mask = Tensor::from_floats([-1e32, 0.0, 0.0, -1e32], &Device::flex());
        for (mask, columns) in [(None, 0..4), (Some(mask), 1..3)] {
            let found = cnn.sensitivity(images.clone().split(2, 0), mask);
            let found = found.expect("it can be measured");
            let expected = importance::sensitivity(
                &cnn.valid().train(),
                images.clone().split(1, 0),
                |network: &Cnn, image: &Tensor<2>| {
                    let logits = network.forward(image.clone().autodiff());
                    logits.squeeze_dim::<1>(0).slice([columns.clone()])
                },
            );
            let expected = expected.expect("it can be measured");
            let of_layer = |importance: &Importance| {
                let values = importance.get::<2>(cnn.hidden.weight.id);
                values.expect("it is trained").into_data()
            };
            assert_eq!(of_layer(&found), of_layer(&expected));
            assert!(of_layer(&found).iter::<f64>().any(|it| it > 0.0));
        }
    }
}
