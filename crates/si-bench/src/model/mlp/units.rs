use burn::tensor::{Int, Tensor, activation};

use crate::experiment::Activation;

/// What the units of a hidden layer make of the weighted sums of their inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Each unit has one sum, and applies a function to it.
    Each(Activation),
    /// Local winner-take-all (Srivastava et al. 2013): blocks of neighbouring units compete. The unit with the largest sum
    /// of its block has this sum as output, even if it is negative; the others have 0. Among equal sums the first wins.
    Lwta {
        /// Units in a block, ≥ 1. The number of units of each hidden layer must be a multiple of it.
        block: usize,
    },
    /// Maxout (Goodfellow et al. 2013a): the output of a unit is the largest of several sums, each with its own weights and
    /// bias. Among equal sums, the first has the gradient.
    Maxout {
        /// Sums of a unit, ≥ 1.
        pieces: usize,
    },
}

impl From<Activation> for Units {
    fn from(activation: Activation) -> Self {
        Self::Each(activation)
    }
}

impl Units {
    /// The number of sums of one unit.
    pub(in crate::model) fn sums_per_unit(self) -> usize {
        match self {
            Self::Each(_) | Self::Lwta { .. } => 1,
            Self::Maxout { pieces } => pieces,
        }
    }

    /// Checks that a hidden layer can have that many units.
    ///
    /// # Panics
    ///
    /// If they cannot be divided into blocks.
    pub(in crate::model) fn assert_fit(self, num_units: usize) {
        if let Self::Lwta { block } = self {
            assert!(
                num_units.is_multiple_of(block),
                "a hidden layer of {num_units} units cannot be divided into blocks of {block}"
            );
        }
    }

    /// The outputs of a layer, `[batch, units]`, from its sums, `[batch, units · sums per unit]`. The sums of a unit are
    /// neighbours.
    pub(in crate::model) fn outputs(self, sums: Tensor<2>) -> Tensor<2> {
        let [batch, num_sums] = sums.dims();
        match self {
            Self::Each(activation) => activation.outputs(sums),
            Self::Lwta { block } => {
                let blocks = sums.reshape([batch, num_sums / block, block]);
                let outputs = blocks.clone() * largest(&blocks);
                outputs.reshape([batch, num_sums])
            }
            Self::Maxout { pieces } => {
                let units = sums.reshape([batch, num_sums / pieces, pieces]);
                let outputs = units.clone() * largest(&units);
                outputs.sum_dim(2).squeeze_dim(2)
            }
        }
    }
}

impl Activation {
    /// The function of each sum, for sums of any shape.
    pub(in crate::model) fn outputs<const D: usize>(self, sums: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(sums),
            Self::Tanh => activation::tanh(sums),
            Self::Gelu => activation::gelu(sums),
            Self::Sigmoid => activation::sigmoid(sums),
        }
    }
}

/// 1 at the largest number of the last axis and 0 at the others, a constant for the backward pass. Among equal numbers, the
/// first counts as the largest: backends do not promise that of their own arg max.
fn largest(numbers: &Tensor<3>) -> Tensor<3> {
    let shape = numbers.dims();
    let length = shape[2] as i64;
    let numbers = numbers.clone().detach();
    let is_less = numbers.clone().not_equal(numbers.clone().max_dim(2));
    let positions = Tensor::<1, Int>::arange(0..length, &numbers.device());
    let positions = positions.reshape([1, 1, shape[2]]).expand(shape);
    let first = positions.clone().mask_fill(is_less, length).min_dim(2);
    positions.equal(first).float()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// Sums of one image, and what follows from them: the outputs, and for each sum its gradient of
    /// `Σ (i + 1) · output i`.
    fn check<const S: usize, const O: usize>(
        units: Units,
        sums: [f32; S],
        outputs: [f32; O],
        gradient: [f32; S],
    ) {
        let device = Device::flex().autodiff();
        let sums = Tensor::<2>::from_data([sums], &device).require_grad();
        let found = units.outputs(sums.clone());
        let values = |tensor: Tensor<2>| -> Vec<f32> { tensor.into_data().iter().collect() };
        // A sum below 0 that has lost leaves −0, which is equal to 0 as a number but not in its bits.
        assert_eq!(values(found.clone()), outputs, "{units:?}");
        let weights = core::array::from_fn::<f32, O, _>(|index| (index + 1) as f32);
        let total = (found * Tensor::from_data([weights], &device)).sum();
        let found = sums.grad(&total.backward()).expect("it is in the graph");
        assert_eq!(values(found), gradient, "{units:?}");
    }

    #[test]
    fn the_first_of_the_largest_units_of_a_block_keeps_its_sum_and_has_the_gradient() {
        check(
            Units::Lwta { block: 2 },
            [-1.0, -1.0, 3.0, 2.0, 0.5, 0.7],
            [-1.0, 0.0, 3.0, 0.0, 0.0, 0.7],
            [1.0, 0.0, 3.0, 0.0, 0.0, 6.0],
        );
        check(
            Units::Lwta { block: 3 },
            [-2.0, -1.0, -3.0, 0.0, 4.0, 4.0],
            [0.0, -1.0, 0.0, 0.0, 4.0, 0.0],
            [0.0, 2.0, 0.0, 0.0, 5.0, 0.0],
        );
    }

    #[test]
    fn a_maxout_unit_has_its_largest_sum_and_passes_the_gradient_to_it_alone() {
        check(
            Units::Maxout { pieces: 2 },
            [-1.0, -1.0, 3.0, 2.0, 0.5, 0.7],
            [-1.0, 3.0, 0.7],
            [1.0, 0.0, 2.0, 0.0, 0.0, 3.0],
        );
        check(
            Units::Maxout { pieces: 3 },
            [-2.0, -1.0, -3.0, 0.0, 4.0, 4.0],
            [-1.0, 4.0],
            [0.0, 1.0, 0.0, 0.0, 2.0, 0.0],
        );
    }

    #[test]
    fn each_image_has_its_own_winners() {
        let sums = Tensor::<2>::from_data([[1.0, 2.0], [2.0, 1.0]], &Device::flex());
        let outputs = Units::Lwta { block: 2 }.outputs(sums.clone());
        let expected = TensorData::from([[0.0_f32, 2.0], [2.0, 0.0]]);
        assert_eq!(outputs.into_data(), expected);
        let outputs = Units::Maxout { pieces: 2 }.outputs(sums);
        assert_eq!(outputs.into_data(), TensorData::from([[2.0_f32], [2.0]]));
    }

    /// Otherwise a training that diverges would look as if it did not.
    #[test]
    fn a_sum_that_is_not_a_number_is_not_hidden() {
        for units in [Units::Lwta { block: 2 }, Units::Maxout { pieces: 2 }] {
            let sums = Tensor::<2>::from_data([[f32::NAN, 1.0]], &Device::flex());
            let outputs = units.outputs(sums).into_data();
            assert!(outputs.iter::<f32>().any(f32::is_nan), "{units:?}");
        }
    }
}
