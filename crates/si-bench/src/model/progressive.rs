use std::mem;
use std::ops::Range;

use burn::module::{Module, Param, ParamGroup};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};
use si_core::importance::{Power, Quantity};
use si_core::{Error, Importance};

use super::initial::{Weights, dense, dense_pieces};
use super::{Output, Units, one_by_one};

/// A progressive network (Rusu et al. 2016): a separate column for each task. A column is a perceptron that also reads
/// the hidden layers of the earlier columns, which no longer change.
///
/// The hidden layer i of column k has the outputs
///
/// `hᵢ⁽ᵏ⁾ = f(Wᵢ⁽ᵏ⁾ hᵢ₋₁⁽ᵏ⁾ + bᵢ⁽ᵏ⁾ + Uᵢ⁽ᵏ⁾ f(Vᵢ⁽ᵏ⁾ [α₁ hᵢ₋₁⁽¹⁾; …; αₖ₋₁ hᵢ₋₁⁽ᵏ⁻¹⁾]))`,
///
/// and the readout is the same without the outer f. The first layer reads the images alone. V makes as many numbers as
/// one column has in the layer below. Every column has the full width, so the network grows with each task.
#[derive(Module, Debug)]
pub struct Progressive {
    columns: Vec<Column>,
    #[module(skip)]
    config: ProgressiveConfig,
}

/// Sizes and initial weights of a [`Progressive`] network.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressiveConfig {
    /// Number of inputs.
    pub num_inputs: usize,
    /// Units of each hidden layer of a column, from input to output. At least one layer.
    pub hidden_sizes: Vec<usize>,
    /// Number of outputs of each task. At least one task.
    pub num_outputs: Vec<usize>,
    /// What the units of the hidden layers make of their sums.
    pub units: Units,
    /// Probability, in `[0, 1)`, that a hidden unit of the newest column is dropped in a training step.
    pub dropout: f64,
    /// Whether the weights into the readouts start at zero.
    pub zero_readout: bool,
}

#[derive(Module, Debug)]
struct Column {
    hidden: Vec<Linear>,
    readout: Linear,
    /// From each hidden layer of the earlier columns into the next layer of this one. Empty in the first column.
    laterals: Vec<Lateral>,
    dropout: Dropout,
}

/// What a layer reads from the earlier columns.
#[derive(Module, Debug)]
struct Lateral {
    /// α, `[earlier columns]`.
    scales: Param<Tensor<1>>,
    /// V, without a bias.
    reduce: Linear,
    /// U, without a bias.
    expand: Linear,
}

impl ProgressiveConfig {
    /// A network with the column of the first task. Weights are Glorot-uniform, drawn from `rng`, and biases are zero.
    ///
    /// # Panics
    ///
    /// If there is no hidden layer or no task, or if the units of a hidden layer cannot be divided into the blocks of
    /// [`Units::Lwta`].
    pub fn init(&self, rng: &mut impl Rng, device: &Device) -> Progressive {
        assert!(
            !self.hidden_sizes.is_empty(),
            "a column needs a hidden layer"
        );
        for size in &self.hidden_sizes {
            self.units.assert_fit(*size);
        }
        Progressive {
            columns: vec![self.column(0, rng, device)],
            config: self.clone(),
        }
    }

    /// A new column after `num_earlier` others. Its laterals begin close to nothing: α is uniform in ±0.01.
    fn column(&self, num_earlier: usize, rng: &mut impl Rng, device: &Device) -> Column {
        let pieces = self.units.sums_per_unit();
        let num_outputs = self.num_outputs[num_earlier];
        let readout_weights = if self.zero_readout {
            Weights::Zero
        } else {
            Weights::GlorotUniform
        };
        let mut num_inputs = self.num_inputs;
        let hidden = self.hidden_sizes.iter().map(|&size| {
            let inputs = mem::replace(&mut num_inputs, size);
            dense_pieces(inputs, size, pieces, rng, device)
        });
        let hidden = hidden.collect();
        let readout = dense(num_inputs, num_outputs, readout_weights, rng, device);
        let mut laterals = Vec::new();
        if num_earlier > 0 {
            for (layer, &width) in self.hidden_sizes.iter().enumerate() {
                let scales = (0..num_earlier).map(|_| rng.random_range(-0.01..=0.01));
                let scales = TensorData::new::<f32, _>(scales.collect(), [num_earlier]);
                let reduce = dense_pieces(num_earlier * width, width, pieces, rng, device);
                let expand = match self.hidden_sizes.get(layer + 1) {
                    Some(&size) => dense_pieces(width, size, pieces, rng, device),
                    None => dense(width, num_outputs, readout_weights, rng, device),
                };
                laterals.push(Lateral {
                    scales: Param::from_tensor(Tensor::from_data(scales, device)),
                    reduce: Linear {
                        bias: None,
                        ..reduce
                    },
                    expand: Linear {
                        bias: None,
                        ..expand
                    },
                });
            }
        }
        Column {
            hidden,
            readout,
            laterals,
            dropout: DropoutConfig::new(self.dropout).init(),
        }
    }
}

impl Progressive {
    /// Logits of a batch: `[batch, inputs]` to `[batch, outputs]`, with the outputs of one task after the other. Those of
    /// tasks without a column are 0.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.output(images).logits
    }

    /// [Logits](Self::forward) of a batch, `[batch, inputs]`, and the features of the newest column, in one pass.
    pub fn output(&self, images: Tensor<2>) -> Output {
        let [batch, _] = images.dims();
        let mut features = images.clone();
        let mut earlier = Vec::with_capacity(self.columns.len());
        let mut logits = Vec::with_capacity(self.columns.len() + 1);
        for column in &self.columns {
            let (hidden, of_column) = column.forward(images.clone(), &earlier, self.config.units);
            features = hidden.last().cloned().unwrap_or(features);
            earlier.push(hidden);
            logits.push(of_column);
        }
        let num_missing = self.config.num_outputs[self.columns.len()..].iter().sum();
        if num_missing > 0 {
            let options = (&images.device(), images.dtype());
            logits.push(Tensor::zeros([batch, num_missing], options));
        }
        Output {
            features,
            logits: Tensor::cat(logits, 1),
        }
    }

    /// The readout of the newest column.
    pub fn readout(&self) -> &Linear {
        &self.columns[self.columns.len() - 1].readout
    }

    /// The readout of the newest column, to change it.
    pub fn readout_mut(&mut self) -> &mut Linear {
        let newest = self.columns.len() - 1;
        &mut self.columns[newest].readout
    }

    /// The number of columns so far: of tasks that have begun.
    pub fn num_columns(&self) -> usize {
        self.columns.len()
    }

    /// Adds the column of the next task, with weights drawn from `rng`.
    ///
    /// # Panics
    ///
    /// If every task has a column.
    pub fn add_column(&mut self, rng: &mut impl Rng) {
        let device = self.columns[0].readout.weight.device();
        let column = self.config.column(self.columns.len(), rng, &device);
        self.columns.push(column);
    }

    /// Freezes every column but the newest: they have no gradient and drop nothing.
    pub fn freeze_earlier(&mut self) {
        let newest = self.columns.pop();
        let earlier = mem::take(&mut self.columns).into_iter().map(Module::freeze);
        self.columns = earlier.chain(newest).collect();
    }

    /// The parameters and training flags of everything before the readouts.
    pub fn trunk(&self) -> ParamGroup {
        let readouts = self.columns.iter().map(|column| column.readout.clone());
        readouts.fold(ParamGroup::all(), |trunk, readout| {
            trunk.exclude(ParamGroup::ids_from_module(readout))
        })
    }

    /// The importance of the parameters for a quantity of the `outputs`, one image at a time, as
    /// [`Cnn::importance`](super::Cnn::importance) measures it.
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
        one_by_one::importance(self, Self::forward, batches, outputs, quantity, power)
    }
}

impl Column {
    /// The outputs of its hidden layers, each `[batch, units]`, and its logits, `[batch, outputs]`. `earlier` has the
    /// outputs of the hidden layers of each earlier column.
    fn forward(
        &self,
        images: Tensor<2>,
        earlier: &[Vec<Tensor<2>>],
        units: Units,
    ) -> (Vec<Tensor<2>>, Tensor<2>) {
        let mut features: Vec<Tensor<2>> = Vec::with_capacity(self.hidden.len());
        for layer in &self.hidden {
            let inputs = features.last().unwrap_or(&images).clone();
            let sums = self.add_laterals(layer.forward(inputs), &features, earlier, units);
            features.push(self.dropout.forward(units.outputs(sums)));
        }
        let inputs = features.last().unwrap_or(&images).clone();
        let logits = self.add_laterals(self.readout.forward(inputs), &features, earlier, units);
        (features, logits)
    }

    /// Adds what the layer above the `below` ones reads from the same layers of the earlier columns.
    fn add_laterals(
        &self,
        sums: Tensor<2>,
        below: &[Tensor<2>],
        earlier: &[Vec<Tensor<2>>],
        units: Units,
    ) -> Tensor<2> {
        let layer = below.len().checked_sub(1);
        match layer.and_then(|layer| Some((layer, self.laterals.get(layer)?))) {
            None => sums,
            Some((layer, lateral)) => {
                let features = earlier.iter().map(|column| column[layer].clone());
                sums + lateral.forward(features, units)
            }
        }
    }
}

impl Lateral {
    /// `features` has the outputs of a layer of each earlier column, `[batch, units]`.
    fn forward(&self, features: impl Iterator<Item = Tensor<2>>, units: Units) -> Tensor<2> {
        let scales = self.scales.val();
        let scaled = features.enumerate().map(|(column, features)| {
            let scale = scales.clone().narrow(0, column, 1);
            features * scale.unsqueeze()
        });
        let reduced = self.reduce.forward(Tensor::cat(scaled.collect(), 1));
        self.expand.forward(units.outputs(reduced))
    }
}

#[cfg(test)]
mod tests;
