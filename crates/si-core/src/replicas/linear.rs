use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::Linear;

use super::parameters::{derived, replica, stack};
use crate::Error;
use crate::trained::plain_numbers;

/// Linear layers of several replicas as one: `O[r] = I[r] W[r] + b[r]` for each replica `r`.
///
/// ```
/// # use burn::nn::{Linear, LinearConfig};
/// # use burn::tensor::{Device, Tensor};
/// # use si_core::replicas::StackedLinear;
/// # fn main() -> Result<(), si_core::Error> {
/// # let device = Device::flex();
/// let layers: Vec<Linear> = (0..5).map(|_| LinearConfig::new(4, 2).init(&device)).collect();
/// let stack = StackedLinear::new(&layers)?;
/// let outputs = stack.forward(Tensor::ones([5, 8, 4], &device));
/// assert_eq!(outputs.dims(), [5, 8, 2]);
/// # Ok(())
/// # }
/// ```
#[derive(Module, Debug)]
pub struct StackedLinear {
    /// `[replicas, inputs, outputs]`.
    pub weight: Param<Tensor<3>>,
    /// `[replicas, 1, outputs]`.
    pub bias: Option<Param<Tensor<3>>>,
}

impl StackedLinear {
    /// Stacks layers of the same shape, one for each replica. Initialise each as for a single network: the replica then
    /// begins with the same numbers.
    ///
    /// The parameters are new: they have the mode, device and precision of the first layer, and are trained if that is.
    ///
    /// # Errors
    ///
    /// [`Error::Replicas`] if there are no layers, if their shapes differ, or if only some have a bias.
    pub fn new<'a>(layers: impl IntoIterator<Item = &'a Linear>) -> Result<Self, Error> {
        let layers: Vec<&Linear> = layers.into_iter().collect();
        let weight = stack(layers.iter().map(|layer| &layer.weight))?;
        let biases: Vec<_> = layers.iter().filter_map(|it| it.bias.as_ref()).collect();
        if !biases.is_empty() && biases.len() < layers.len() {
            return Err(Error::Replicas(format!(
                "either all layers of a stack have a bias or none has: here {} of {} have one",
                biases.len(),
                layers.len()
            )));
        }
        let bias = match biases.first() {
            Some(first) => {
                let stacked: Param<Tensor<2>> = stack(biases.iter().copied())?;
                let numbers = plain_numbers(&stacked).unsqueeze_dim::<3>(1);
                Some(derived(first, numbers))
            }
            None => None,
        };
        Ok(Self { weight, bias })
    }

    /// The outputs of each replica for its inputs: `[replicas, batch, inputs]` to `[replicas, batch, outputs]`.
    ///
    /// # Panics
    ///
    /// If the inputs have another shape, as with [`Linear::forward`].
    pub fn forward(&self, inputs: Tensor<3>) -> Tensor<3> {
        let outputs = inputs.matmul(self.weight.val());
        match &self.bias {
            Some(bias) => outputs + bias.val(),
            None => outputs,
        }
    }

    /// The number of replicas.
    pub fn num_replicas(&self) -> usize {
        let [num_replicas, _, _] = self.weight.lazy_shape().dims();
        num_replicas
    }

    /// Takes one replica out, as a layer with new parameters. It is stored by rows, as
    /// [`LinearLayout::Row`](burn::nn::LinearLayout::Row) says.
    ///
    /// # Errors
    ///
    /// [`Error::Replicas`] if the stack has no replica of that index.
    pub fn replica(&self, index: usize) -> Result<Linear, Error> {
        let bias = match &self.bias {
            Some(bias) => {
                let row: Param<Tensor<2>> = replica(bias, index)?;
                Some(derived(bias, plain_numbers(&row).squeeze_dim::<1>(0)))
            }
            None => None,
        };
        Ok(Linear {
            weight: replica(&self.weight, index)?,
            bias,
        })
    }
}
