use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand::Rng;

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
}

/// Two convolutions with ReLU, the first of which keeps the size of its input; then the largest of
/// every 2 × 2 features, and dropout.
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
    /// Number of outputs.
    pub num_outputs: usize,
    /// Probability of dropping a feature behind each of the two blocks, in `[0, 1)`. Paper: 0.25.
    pub block_dropout: [f64; 2],
    /// Probability of dropping a unit of the hidden layer, in `[0, 1)`. Paper: 0.5.
    pub hidden_dropout: f64,
}

impl CnnConfig {
    /// The paper's network for images of this shape.
    pub fn paper(image_shape: [usize; 3], num_outputs: usize) -> Self {
        Self {
            image_shape,
            num_outputs,
            block_dropout: [0.25, 0.25],
            hidden_dropout: 0.5,
        }
    }

    /// A network with Glorot-uniform weights drawn from `rng`, zero biases, and a readout of zero
    /// weights.
    ///
    /// # Panics
    ///
    /// If the images have sides of less than 10 pixels, which leave nothing behind the second block.
    pub fn init(&self, rng: &mut impl Rng, device: &Device) -> Cnn {
        let [mut channels, mut height, mut width] = self.image_shape;
        assert!(
            height.min(width) >= MIN_SIDE,
            "images must have sides of at least {MIN_SIDE} pixels, got {height} × {width}"
        );
        let mut blocks = Vec::with_capacity(CHANNELS.len());
        for (channels_out, dropout) in CHANNELS.into_iter().zip(self.block_dropout) {
            let inputs = std::mem::replace(&mut channels, channels_out);
            blocks.push(Block::new(inputs, channels_out, dropout, rng, device));
            [height, width] = [height, width].map(|side| (side - (KERNEL_SIZE - 1)) / POOL_SIZE);
        }
        let num_features = channels * height * width;
        Cnn {
            blocks,
            hidden: dense(
                num_features,
                HIDDEN_SIZE,
                Weights::GlorotUniform,
                rng,
                device,
            ),
            dropout: DropoutConfig::new(self.hidden_dropout).init(),
            readout: dense(HIDDEN_SIZE, self.num_outputs, Weights::Zero, rng, device),
            image_shape: self.image_shape,
        }
    }
}

impl Cnn {
    /// Logits of a batch: `[batch, pixels]` to `[batch, outputs]`. Pixels are in the order
    /// `[channels, height, width]`.
    pub fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.readout.forward(self.features(images))
    }

    /// What the readout sees, `[batch, units]`.
    fn features(&self, images: Tensor<2>) -> Tensor<2> {
        let [batch_size, _] = images.dims();
        let [channels, height, width] = self.image_shape;
        let images = images.reshape([batch_size, channels, height, width]);
        let maps = self
            .blocks
            .iter()
            .fold(images, |maps, block| block.forward(maps));
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
        let maps = relu(self.same.forward(maps));
        let maps = relu(self.valid.forward(maps));
        self.dropout.forward(self.pool.forward(maps))
    }
}

/// Channels of each block.
const CHANNELS: [usize; 2] = [32, 64];
const KERNEL_SIZE: usize = 3;
/// The border around the input of a convolution that keeps its size.
const BORDER: usize = KERNEL_SIZE / 2;
const POOL_SIZE: usize = 2;
const HIDDEN_SIZE: usize = 512;
/// The smallest side of which two blocks leave a pixel.
const MIN_SIDE: usize = 10;

#[cfg(test)]
mod tests;
