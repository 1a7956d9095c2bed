use std::ops::Range;

use burn::module::{Module, Param, ParamGroup};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use si_core::importance::{Power, Quantity};
use si_core::{Error, Importance};

use super::{Cnn, CnnConfig, Mlp, MlpConfig, Output, Progressive, ProgressiveConfig};

/// A network of an experiment.
#[derive(Module, Debug)]
pub enum Network {
    /// A perceptron.
    Mlp(Mlp),
    /// A convolutional network.
    Cnn(Cnn),
    /// A network with a column for each task.
    Progressive(Progressive),
}

/// Sizes and initial weights of a [`Network`].
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkConfig {
    /// A perceptron.
    Mlp(MlpConfig),
    /// A convolutional network.
    Cnn(CnnConfig),
    /// A network with a column for each task.
    Progressive(ProgressiveConfig),
}

impl NetworkConfig {
    /// A network with weights drawn from `rng`.
    pub fn init(&self, rng: &mut impl Rng, device: &Device) -> Network {
        match self {
            Self::Mlp(config) => Network::Mlp(config.init(rng, device)),
            Self::Cnn(config) => Network::Cnn(config.init(rng, device)),
            Self::Progressive(config) => Network::Progressive(config.init(rng, device)),
        }
    }
}

impl Network {
    /// Logits of a batch: `[batch, pixels]` to `[batch, outputs]`.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Mlp(model) => model.forward(images),
            Self::Cnn(model) => model.forward(images),
            Self::Progressive(model) => model.forward(images),
        }
    }

    /// Logits and features of a batch, `[batch, pixels]`, in one pass.
    pub fn output(&self, images: Tensor<2>) -> Output {
        match self {
            Self::Mlp(model) => model.output(images),
            Self::Cnn(model) => model.output(images),
            Self::Progressive(model) => model.output(images),
        }
    }

    /// The linear layer that turns features into logits: in a progressive network, into those of the newest task.
    pub fn readout(&self) -> &Linear {
        match self {
            Self::Mlp(model) => model.readout(),
            Self::Cnn(model) => model.readout(),
            Self::Progressive(model) => model.readout(),
        }
    }

    /// [`readout`](Self::readout), to change it.
    pub fn readout_mut(&mut self) -> &mut Linear {
        match self {
            Self::Mlp(model) => model.readout_mut(),
            Self::Cnn(model) => model.readout_mut(),
            Self::Progressive(model) => model.readout_mut(),
        }
    }

    /// The parameters and training flags of the trunk: of everything before the readout.
    pub fn trunk(&self) -> ParamGroup {
        match self {
            Self::Mlp(model) => model.trunk(),
            Self::Cnn(model) => model.trunk(),
            Self::Progressive(model) => model.trunk(),
        }
    }

    /// The weights of the hidden layers of a perceptron, from input to output, each `[inputs, sums]`, without biases.
    /// Empty for other networks.
    pub fn hidden_weights(&self) -> Vec<&Param<Tensor<2>>> {
        match self {
            Self::Mlp(model) => model.hidden_weights(),
            Self::Cnn(_) | Self::Progressive(_) => Vec::new(),
        }
    }

    /// The importance of the parameters for a quantity of the `outputs`; see [`Mlp::importance`], [`Cnn::importance`] and
    /// [`Progressive::importance`]. Processes `batches`, `[batch, pixels]`, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`importance::from_outputs`](si_core::importance::from_outputs).
    pub fn importance(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        outputs: Range<usize>,
        quantity: Quantity<'_>,
        power: Power,
    ) -> Result<Importance, Error> {
        match self {
            Self::Mlp(model) => model.importance(batches, outputs, quantity, power),
            Self::Cnn(model) => model.importance(batches, outputs, quantity, power),
            Self::Progressive(model) => model.importance(batches, outputs, quantity, power),
        }
    }
}
