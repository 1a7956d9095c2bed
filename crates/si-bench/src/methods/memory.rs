use super::Parameter;
use super::method::Range;

/// Images of earlier minibatches that are used again, drawn from a memory.
///
/// Of all images that were trained on so far, the memory holds a random sample without regard to tasks: each is in it with
/// the same probability. An image counts once for each time that it was trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Number of images that it holds, at least 1.
    pub size: usize,
    /// Number of images that are drawn at a time, at least 1: all that there are, if there are fewer.
    pub batch: usize,
    /// What is done with the images that are drawn.
    pub replay: Replay,
}

/// What is done in a training step with images from a memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Replay {
    /// They join the minibatch. The loss is the mean over all images, so m images from memory beside a minibatch of b
    /// images have a share of m / (b + m) in it.
    Joined,
    /// Their logits z are held to what they were in the step that put them into the memory, z′:
    /// `α mean (z − z′)²` is added to the loss, a mean over the images and over the outputs of each image's task (all
    /// outputs, if the network is not given the task). With β, images of a second draw add `β` times their mean
    /// cross-entropy.
    Logits {
        /// α > 0.
        alpha: f64,
        /// β > 0. `None` without a second draw.
        beta: Option<f64>,
    },
    /// If the step would raise their loss, its gradient is projected: `g − (g·r / r·r) r` if `g·r < 0`. r is the gradient
    /// of the mean cross-entropy of images from memory, of earlier tasks only. Products are over all parameters of the
    /// network.
    Projection,
}

/// Number of images in the memory.
pub(super) const SIZE: Parameter = Parameter {
    key: "size",
    symbol: "M",
    summary: "number of images in the memory",
    range: Range::Count,
    default: Some(|_| 500.0),
    is_strength: true,
    search: |_| &[],
};

/// Number of images that are drawn at a time.
pub(super) const BATCH: Parameter = Parameter {
    key: "batch",
    symbol: "m",
    summary: "number of images that are drawn from it in a step",
    range: Range::Count,
    default: Some(|config| config.batch_size as f64),
    is_strength: false,
    search: |_| &[],
};
