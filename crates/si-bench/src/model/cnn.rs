mod importance;

use burn::module::{Module, ParamGroup};
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use si_convolution::{Activation, layers};

use super::Output;
use super::initial::{Weights, convolution, dense};

/// The network of split CIFAR (section 5.3): two blocks of convolutions, a hidden layer, and one
/// linear readout for all tasks.
#[derive(Module, Debug)]
pub struct Cnn {
    blocks: Vec<Block>,
    hidden: Linear,
    dropout: Dropout,
    readout: Linear,
    #[module(skip)]
    image_shape: [usize; 3],
    /// Whether the backend computes the convolutions. Otherwise `si_convolution` does, where it
    /// can: on Flex.
    #[module(skip)]
    uses_backend_convolutions: bool,
}

/// Two convolutions with ReLU, then 2 × 2 max pooling and dropout. The first convolution keeps the
/// size of its input.
#[derive(Module, Debug)]
struct Block {
    same: Conv2d,
    valid: Conv2d,
    pool: MaxPool2d,
    dropout: Dropout,
}

/// Sizes and dropout of a [`Cnn`].
#[derive(Clone, Debug, PartialEq)]
pub struct CnnConfig {
    /// Shape of an image, `[channels, height, width]`.
    pub image_shape: [usize; 3],
    /// Channels of the two convolutions of each block. Paper: 32 and 64.
    pub channels: [usize; 2],
    /// Units of the hidden layer. Paper: 512.
    pub hidden_size: usize,
    /// Number of outputs.
    pub num_outputs: usize,
    /// Probability of dropping a feature after each of the two blocks, in `[0, 1)`. Paper: 0.25.
    pub block_dropout: [f64; 2],
    /// Probability of dropping a unit of the hidden layer, in `[0, 1)`. Paper: 0.5.
    pub hidden_dropout: f64,
}

impl CnnConfig {
    /// Probability that the paper's network drops a unit of the hidden layer.
    pub const HIDDEN_DROPOUT: f64 = 0.5;

    /// The paper's network for images of this shape.
    pub fn paper(image_shape: [usize; 3], num_outputs: usize) -> Self {
        Self {
            image_shape,
            channels: [32, 64],
            hidden_size: 512,
            num_outputs,
            block_dropout: [0.25, 0.25],
            hidden_dropout: Self::HIDDEN_DROPOUT,
        }
    }

    /// A network with Glorot-uniform weights drawn from `rng`, zero biases, and a readout of zero
    /// weights.
    ///
    /// # Panics
    ///
    /// If the images have sides of less than 10 pixels: then nothing is left after the second block.
    pub fn init(&self, rng: &mut impl Rng, device: &Device) -> Cnn {
        let [mut channels, mut height, mut width] = self.image_shape;
        assert!(
            height.min(width) >= MIN_SIDE,
            "images must have sides of at least {MIN_SIDE} pixels, got {height} × {width}"
        );
        let mut blocks = Vec::with_capacity(self.channels.len());
        for (channels_out, dropout) in self.channels.into_iter().zip(self.block_dropout) {
            let inputs = std::mem::replace(&mut channels, channels_out);
            blocks.push(Block::new(inputs, channels_out, dropout, rng, device));
            [height, width] = [height, width].map(|side| (side - (KERNEL_SIZE - 1)) / POOL_SIZE);
        }
        let num_features = channels * height * width;
        Cnn {
            blocks,
            hidden: dense(
                num_features,
                self.hidden_size,
                Weights::GlorotUniform,
                rng,
                device,
            ),
            dropout: DropoutConfig::new(self.hidden_dropout).init(),
            readout: dense(
                self.hidden_size,
                self.num_outputs,
                Weights::Zero,
                rng,
                device,
            ),
            image_shape: self.image_shape,
            uses_backend_convolutions: false,
        }
    }
}

impl Cnn {
    /// The network with the backend's own convolutions and pooling. On every backend except Flex, it
    /// has them in any case.
    pub fn with_backend_convolutions(self) -> Self {
        Self {
            uses_backend_convolutions: true,
            ..self
        }
    }

    /// Logits of a batch: `[batch, pixels]` to `[batch, outputs]`. Pixels are in the order
    /// `[channels, height, width]`.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.readout.forward(self.features(images))
    }

    /// Logits and features of a batch, `[batch, pixels]`, in one pass. Pixels are in the order
    /// `[channels, height, width]`.
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

    /// The parameters and training flags of everything before the readout.
    pub fn trunk(&self) -> ParamGroup {
        ParamGroup::all().exclude(ParamGroup::ids_from_module(self.readout.clone()))
    }

    /// The input of the readout, `[batch, units]`.
    fn features(&self, images: Tensor<2>) -> Tensor<2> {
        let [batch_size, _] = images.dims();
        let [channels, height, width] = self.image_shape;
        let images = images.reshape([batch_size, channels, height, width]);
        let maps = self.blocks.iter().fold(images, |maps, block| {
            if self.uses_backend_convolutions {
                block.forward_in_backend(maps)
            } else {
                block.forward(maps)
            }
        });
        let hidden = relu(self.hidden.forward(maps.flatten(1, 3)));
        self.dropout.forward(hidden)
    }
}

impl Block {
    fn new(
        channels_in: usize,
        channels_out: usize,
        dropout: f64,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let same = PaddingConfig2d::Explicit(BORDER, BORDER, BORDER, BORDER);
        let valid = PaddingConfig2d::Valid;
        Self {
            same: convolution(channels_in, channels_out, KERNEL_SIZE, same, rng, device),
            valid: convolution(channels_out, channels_out, KERNEL_SIZE, valid, rng, device),
            pool: MaxPool2dConfig::new([POOL_SIZE, POOL_SIZE]).init(),
            dropout: DropoutConfig::new(dropout).init(),
        }
    }

    /// `[batch, channels_in, height, width]` to
    /// `[batch, channels_out, ⌊(height − 2) / 2⌋, ⌊(width − 2) / 2⌋]`.
    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        let maps = layers::convolve(&self.same, maps, Activation::Relu);
        let maps = layers::convolve(&self.valid, maps, Activation::Relu);
        self.dropout.forward(layers::max_pool(&self.pool, maps))
    }

    /// The same by the backend's own operations.
    fn forward_in_backend(&self, maps: Tensor<4>) -> Tensor<4> {
        let maps = relu(self.same.forward(maps));
        let maps = relu(self.valid.forward(maps));
        self.dropout.forward(self.pool.forward(maps))
    }
}

const KERNEL_SIZE: usize = 3;
/// The border around the input of a convolution that keeps its size.
const BORDER: usize = KERNEL_SIZE / 2;
const POOL_SIZE: usize = 2;
/// The smallest side for which two blocks leave a pixel.
const MIN_SIDE: usize = 10;

#[cfg(test)]
mod tests;
