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
//! An image is copied into a canvas: its pixels with their channels side by side, inside a border of zeros. There, the
//! pixels under a row of the window are contiguous, and those of the next window overlap with them. So a row of the kernel
//! is one product of matrices, which needs no copy of the windows. The products are those of the crate `gemm`. The canvas,
//! the products' result, its bias and its activation stay in the cache of the processor.
//!
//! Any size of kernel, padding, stride and dilation is possible. Groups are not. A kernel that is dilated along the width has
//! one product per element instead of one per row, and the gradient of the input of a convolution with strides also
//! multiplies the zeros between the strides: both are right, and slower.
//!
//! Threads of rayon's current pool take chunks of the batch. The chunks depend on the shapes only, and their sums are
//! added in order, so the results are the same to the bit with any number of threads.

mod backward;
mod canvas;
mod chunks;
mod convolution;
mod forward;
mod pool;
mod product;
mod sweep;
mod transpose;
mod weights;

pub use backward::{Forward, Gradients, Wanted};
pub use convolution::{Activation, Convolution};
pub use pool::MaxPool;
