mod importance;
#[cfg(test)]
mod testing;
mod trace;
mod units;

use burn::module::{Module, Param, ParamGroup};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};
use rand::Rng;

pub use units::Units;

use crate::experiment::Activation;

use super::Output;
use super::initial::{Weights, dense, dense_pieces};

/// A perceptron with hidden layers of the same kind of units, and one linear readout for all tasks.
#[derive(Module, Debug)]
pub struct Mlp {
    hidden: Vec<Linear>,
    readout: Linear,
    dropout: Dropout,
    #[module(skip)]
    units: Units,
}

/// Sizes and initial weights of an [`Mlp`].
#[derive(Clone, Debug, PartialEq)]
pub struct MlpConfig {
    /// Number of inputs.
    pub num_inputs: usize,
    /// Units of each hidden layer, from input to output.
    pub hidden_sizes: Vec<usize>,
    /// Number of outputs.
    pub num_outputs: usize,
    /// What the units of the hidden layers make of their sums.
    pub units: Units,
    /// Probability, in `[0, 1)`, that a hidden unit is dropped in a training step. The others are
    /// scaled up by 1 / (1 − dropout).
    pub dropout: f64,
    /// Whether the readout's weights start at zero (split MNIST) or are drawn like the others
    /// (permuted MNIST).
    pub zero_readout: bool,
}

impl MlpConfig {
    /// A network with Glorot-uniform weights drawn from `rng`, and zero biases.
    ///
    /// # Panics
    ///
    /// If the units of a hidden layer cannot be divided into the blocks of [`Units::Lwta`].
    pub fn init(&self, rng: &mut impl Rng, device: &Device) -> Mlp {
        let mut num_inputs = self.num_inputs;
        let hidden = self
            .hidden_sizes
            .iter()
            .map(|&size| {
                let inputs = std::mem::replace(&mut num_inputs, size);
                self.units.assert_fit(size);
                dense_pieces(inputs, size, self.units.sums_per_unit(), rng, device)
            })
            .collect();
        let readout = if self.zero_readout {
            Weights::Zero
        } else {
            Weights::GlorotUniform
        };
        Mlp {
            hidden,
            readout: dense(num_inputs, self.num_outputs, readout, rng, device),
            dropout: DropoutConfig::new(self.dropout).init(),
            units: self.units,
        }
    }
}

impl Mlp {
    /// Logits of a batch: `[batch, inputs]` to `[batch, outputs]`.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.readout.forward(self.features(images))
    }

    /// Logits and features of a batch, `[batch, inputs]`, in one pass. If there is no hidden layer, the features are the
    /// inputs.
    pub fn output(&self, images: Tensor<2>) -> Output {
        Output::of(&self.readout, self.features(images))
    }

    /// The linear readout.
    pub fn readout(&self) -> &Linear {
        &self.readout
    }

    /// The linear readout, to change it.
    pub fn readout_mut(&mut self) -> &mut Linear {
        &mut self.readout
    }

    /// The input of the readout, `[batch, units]`.
    fn features(&self, images: Tensor<2>) -> Tensor<2> {
        self.hidden.iter().fold(images, |features, layer| {
            let outputs = self.units.outputs(layer.forward(features));
            self.dropout.forward(outputs)
        })
    }

    /// The parameters and training flags of everything before the readout.
    pub fn trunk(&self) -> ParamGroup {
        ParamGroup::all().exclude(ParamGroup::ids_from_module(self.readout.clone()))
    }

    /// The weights of the hidden layers, from input to output, each `[inputs, sums]`. A unit has one sum, or several with
    /// [`Units::Maxout`].
    pub fn hidden_weights(&self) -> Vec<&Param<Tensor<2>>> {
        self.hidden.iter().map(|layer| &layer.weight).collect()
    }

    /// The function of its units, if that is all that its hidden layers do: no unit depends on another one or on chance.
    pub(super) fn plain_activation(&self) -> Option<Activation> {
        match self.units {
            Units::Each(activation) if self.dropout.prob == 0.0 => Some(activation),
            Units::Each(_) | Units::Lwta { .. } | Units::Maxout { .. } => None,
        }
    }

    /// The hidden layers, from input to output.
    pub(super) fn hidden(&self) -> &[Linear] {
        &self.hidden
    }

    /// The dense layers, from input to output.
    fn layers(&self) -> impl Iterator<Item = &Linear> {
        self.hidden.iter().chain([&self.readout])
    }
}
