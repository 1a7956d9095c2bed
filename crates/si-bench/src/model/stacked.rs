use burn::module::{Module, Param};
use burn::tensor::Tensor;
use si_core::replicas::StackedLinear;

use crate::Error;
use crate::experiment::Activation;

use super::Mlp;

/// Several perceptrons as one module, whose replicas compute at once; see [`si_core::replicas`].
#[derive(Module, Debug)]
pub struct StackedMlp {
    // The names are those of `Mlp`, so the paths of the parameters are too.
    hidden: Vec<StackedLinear>,
    readout: StackedLinear,
    #[module(skip)]
    activation: Activation,
}

impl StackedMlp {
    /// Stacks perceptrons. Each replica begins with the numbers of its network.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if there is none, if the networks drop units, if units of a layer compete or have several sums, or
    /// if their activations or numbers of layers differ. An error of si-core if the sizes of layers differ.
    pub fn new(networks: &[Mlp]) -> Result<Self, Error> {
        let kind = |network: &Mlp| Some((network.plain_activation()?, network.hidden().len()));
        let mut kinds = networks.iter().map(kind);
        let first = kinds.next().flatten();
        let Some((activation, num_hidden)) = first.filter(|_| kinds.all(|other| other == first))
        else {
            return Err(Error::Config(
                "a stack needs perceptrons with as many layers, one activation and no dropout"
                    .to_string(),
            ));
        };
        let hidden = (0..num_hidden)
            .map(|layer| StackedLinear::new(networks.iter().map(|it| &it.hidden()[layer])));
        Ok(Self {
            hidden: hidden.collect::<Result<_, _>>()?,
            readout: StackedLinear::new(networks.iter().map(Mlp::readout))?,
            activation,
        })
    }

    /// Logits of each replica for its images: `[replicas, batch, inputs]` to `[replicas, batch, outputs]`.
    pub fn forward(&self, images: Tensor<3>) -> Tensor<3> {
        let features = self.hidden.iter().fold(images, |features, layer| {
            self.activation.outputs(layer.forward(features))
        });
        self.readout.forward(features)
    }

    /// The number of replicas.
    pub fn num_replicas(&self) -> usize {
        self.readout.num_replicas()
    }

    /// The weights of the hidden layers, from input to output, each `[replicas, inputs, units]`.
    pub fn hidden_weights(&self) -> Vec<&Param<Tensor<3>>> {
        self.hidden.iter().map(|layer| &layer.weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;
    use crate::model::{MlpConfig, Units};

    fn config() -> MlpConfig {
        MlpConfig {
            num_inputs: 4,
            hidden_sizes: vec![5, 3],
            num_outputs: 2,
            units: Units::Each(Activation::Tanh),
            dropout: 0.0,
            zero_readout: false,
        }
    }

    fn network(config: &MlpConfig, seed: u64) -> Mlp {
        config.init(&mut ChaCha8Rng::seed_from_u64(seed), &Device::flex())
    }

    fn images(seed: i64) -> Tensor<2> {
        let pixels: Vec<f32> = (0..12)
            .map(|pixel| ((pixel * seed) % 7) as f32 / 7.0)
            .collect();
        Tensor::from_data(TensorData::new(pixels, [3, 4]), &Device::flex())
    }

    #[test]
    fn each_replica_computes_what_its_network_does() {
        for activation in [
            Activation::Relu,
            Activation::Tanh,
            Activation::Gelu,
            Activation::Sigmoid,
        ] {
            let config = MlpConfig {
                units: activation.into(),
                ..config()
            };
            let networks = [7, 8, 9].map(|seed| network(&config, seed));
            let images = [2, 3, 5].map(images);
            let stack = StackedMlp::new(&networks).expect("they are alike");
            assert_eq!(stack.num_replicas(), 3);
            let outputs = stack.forward(Tensor::stack(images.to_vec(), 0));
            for (replica, (network, images)) in networks.iter().zip(images).enumerate() {
                let found: Tensor<2> = outputs.clone().narrow(0, replica, 1).squeeze_dim(0);
                let expected = network.forward(images).into_data();
                found
                    .into_data()
                    .assert_approx_eq::<f32>(&expected, burn::tensor::Tolerance::absolute(1e-6));
            }
        }
    }

    #[test]
    fn the_weights_of_a_stack_have_the_replicas_along_their_first_axis() {
        let networks = [1, 2].map(|seed| network(&config(), seed));
        let stack = StackedMlp::new(&networks).expect("they are alike");
        let weights = stack.hidden_weights().into_iter();
        let shapes: Vec<[usize; 3]> = weights.map(|weight| weight.dims()).collect();
        assert_eq!(shapes, [[2, 4, 5], [2, 5, 3]]);
        assert_eq!(stack.num_params(), 2 * networks[0].num_params());
    }

    #[test]
    fn networks_that_differ_or_draw_at_random_are_refused() {
        let error = |configs: &[MlpConfig]| {
            let networks: Vec<Mlp> = configs.iter().map(|config| network(config, 1)).collect();
            let stack = StackedMlp::new(&networks);
            stack.expect_err("it is no stack").to_string()
        };
        let refused =
            "a stack needs perceptrons with as many layers, one activation and no dropout";
        let changed = |change: fn(&mut MlpConfig)| {
            let mut config = config();
            change(&mut config);
            config
        };
        assert_eq!(error(&[]), refused);
        assert_eq!(error(&[changed(|it| it.dropout = 0.5)]), refused);
        let relu = changed(|it| it.units = Units::Each(Activation::Relu));
        assert_eq!(error(&[config(), relu]), refused);
        let maxout = changed(|it| it.units = Units::Maxout { pieces: 2 });
        assert_eq!(error(&[maxout]), refused);
        let shallow = changed(|it| it.hidden_sizes = vec![5]);
        assert_eq!(error(&[config(), shallow]), refused);
        let wide = changed(|it| it.hidden_sizes = vec![5, 4]);
        let error = error(&[config(), wide]);
        assert!(error.contains("must have one shape"), "{error}");
    }
}
