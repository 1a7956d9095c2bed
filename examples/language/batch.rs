//! Examples as tensors.

use burn::tensor::{Bool, Device, Int, Tensor};

use crate::encoder::WIDTH;

/// A text and its class.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    /// What the lower layers of the encoder compute of each token, `[length, 384]`.
    pub(crate) hidden: Vec<f32>,
    pub(crate) label: usize,
}

impl Example {
    pub(crate) fn num_tokens(&self) -> usize {
        self.hidden.len() / WIDTH
    }
}

/// Examples of one task, padded to the longest.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// `[batch, length, 384]`
    pub(crate) hidden: Tensor<3>,
    /// Where there is no text, `[batch, length]`.
    pub(crate) padding: Tensor<2, Bool>,
    /// `[batch]`
    pub(crate) labels: Tensor<1, Int>,
}

impl Batch {
    pub(crate) fn new<'a>(
        examples: impl IntoIterator<Item = &'a Example>,
        device: &Device,
    ) -> Self {
        let examples: Vec<&Example> = examples.into_iter().collect();
        let length = examples.iter().map(|it| it.num_tokens()).max().unwrap_or(0);
        let (mut hidden, mut padding) = (Vec::new(), Vec::new());
        for (index, example) in examples.iter().enumerate() {
            hidden.extend(&example.hidden);
            hidden.resize((index + 1) * length * WIDTH, 0.0);
            padding.extend((0..length).map(|token| i32::from(token >= example.num_tokens())));
        }
        let labels: Vec<i32> = examples.iter().map(|it| it.label as i32).collect();
        let hidden = Tensor::<1>::from_floats(hidden.as_slice(), device);
        let padding = Tensor::<1, Int>::from_data(padding.as_slice(), device);
        Self {
            hidden: hidden.reshape([examples.len(), length, WIDTH]),
            padding: padding.reshape([examples.len(), length]).equal_elem(1),
            labels: Tensor::from_data(labels.as_slice(), device),
        }
    }
}
