use burn::nn::Linear;
use burn::tensor::Tensor;

/// What a network computes for a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// The input of the readout, `[batch, units]`: the newest one, if there are several.
    pub features: Tensor<2>,
    /// `[batch, outputs]`, without a mask.
    pub logits: Tensor<2>,
}

impl Output {
    pub(super) fn of(readout: &Linear, features: Tensor<2>) -> Self {
        Self {
            logits: readout.forward(features.clone()),
            features,
        }
    }

    /// That for the first `count` examples.
    pub fn first(self, count: usize) -> Self {
        Self {
            features: self.features.narrow(0, 0, count),
            logits: self.logits.narrow(0, 0, count),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;
    use crate::experiment::Activation;
    use crate::model::{MlpConfig, Network, NetworkConfig};

    #[test]
    fn logits_are_those_of_a_forward_pass_and_the_readout_of_the_features() {
        let (rng, device) = (&mut ChaCha8Rng::seed_from_u64(7), &Device::flex());
        let config = NetworkConfig::Mlp(MlpConfig {
            num_inputs: 11,
            hidden_sizes: vec![6, 5],
            num_outputs: 3,
            units: Activation::Tanh.into(),
            dropout: 0.0,
            zero_readout: false,
        });
        let network: Network = config.init(rng, device);
        let images = Tensor::random([4, 11], Distribution::Uniform(0.0, 1.0), device);
        let Output { features, logits } = network.output(images.clone());
        assert_eq!(features.dims(), [4, 5]);
        assert_eq!(logits.to_data(), network.forward(images).into_data());
        let read_out = network.readout().forward(features.clone());
        assert_eq!(logits.to_data(), read_out.into_data());
        let both = |output: Output| [output.features.into_data(), output.logits.into_data()];
        let whole = Output {
            features: features.clone(),
            logits: logits.clone(),
        };
        let first = Output {
            features: features.narrow(0, 0, 2),
            logits: logits.narrow(0, 0, 2),
        };
        assert_eq!(both(whole.first(2)), both(first));
    }
}
