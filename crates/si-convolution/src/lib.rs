//! Fast 2-d convolution and max pooling in f32 on the CPU, and their gradients, on slices in the order
//! `[batch, channels, height, width]`.
//!
//! ```
//! use si_convolution::{Activation, Convolution};
//!
//! // Two images of one channel and 3 × 3 pixels, with a border of one zero.
//! let convolution = Convolution::new([1, 4], [3, 3]).with_padding([1, 1]);
//! let (images, weight, bias) = ([1.0; 18], [0.5; 36], [0.0; 4]);
//! let output = convolution.forward([3, 3], &images, &weight, Some(&bias), Activation::Relu);
//! assert_eq!(output.len(), 2 * 4 * 3 * 3);
//! assert_eq!(output[4], 4.5);
//! ```
//!
//! # How it works
//!
//! The output, and the gradient of the input: for some columns of a row and some channels of the output, the sums are kept in
//! registers. For each element of the window, a vector of weights is multiplied with one number of each column. The gradient of the
//! weight: the sums of some elements of the window are kept in registers over all windows, each the product of a vector of the
//! output's gradient with one number of the input. An image is brought into the order that this needs while it is in the
//! cache.
//!
//! Any size of kernel, padding, stride and dilation is possible; groups are not. With strides, the gradient of the input
//! also multiplies the zeros between the strides: it is right, and slower.
//!
//! Threads of rayon's current pool take chunks of the batch. The chunks depend on the shapes only, and their sums are
//! added in order, so the results are the same to the bit with any number of threads.

mod backward;
mod chunks;
mod convolution;
mod forward;
#[cfg(feature = "burn")]
pub mod layers;
mod pixels;
mod planes;
mod pool;
mod transpose;
mod vectors;
mod weights;

pub use backward::{Forward, Gradients, Wanted};
pub use convolution::{Activation, Convolution};
pub use pool::MaxPool;
#[doc(hidden)]
pub use vectors::{Vectors, use_vectors};
