//! Images as pixels, each with its channels side by side, and the sums of products of two such images.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::planes::{Content, Windows};
use crate::transpose::{Finish, Strided, transpose};
use crate::vectors::{Tile, even_parts, most_columns, run_tile};
use crate::weights::channel_blocks;

/// An image between columns of zeros, `[height, width, channels]`.
#[derive(Clone, Debug)]
pub(crate) struct Pixels {
    channels: usize,
    /// Numbers from a pixel to the next one.
    channels_padded: usize,
    /// Height and width of the image.
    size: [usize; 2],
    /// Columns of zeros before it.
    front: usize,
    /// Columns with those of zeros.
    width: usize,
}

impl Pixels {
    /// A canvas from which windows can be read.
    pub(crate) fn for_windows(channels: usize, content: Content, windows: Windows) -> Self {
        Self {
            channels,
            channels_padded: channels,
            size: content.size,
            front: content.front[1],
            width: content.width(&windows),
        }
    }

    /// A canvas without a border, with zeros for channels that fill no vector.
    pub(crate) fn dense(channels: usize, size: [usize; 2], lanes: usize) -> Self {
        Self {
            channels,
            channels_padded: channels.next_multiple_of(lanes),
            size,
            front: 0,
            width: size[1],
        }
    }

    pub(crate) fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.size[0] * self.row()]
    }

    /// Draws an image, `[channels, height, width]`, over the one before.
    pub(crate) fn draw(&self, canvas: &mut [f32], image: &[f32]) {
        let [height, width] = self.size;
        // Without a border, all rows are one.
        let (rows, columns) = if width == self.width {
            (1, height * width)
        } else {
            (height, width)
        };
        for row in 0..rows {
            let start = row * self.row() + self.front * self.channels_padded;
            transpose(
                [self.channels, columns],
                Strided {
                    numbers: &image[row * columns..],
                    stride: height * width,
                },
                Strided {
                    numbers: &mut canvas[start..],
                    stride: self.channels_padded,
                },
                Finish::default(),
            );
        }
    }

    pub(crate) fn channels_padded(&self) -> usize {
        self.channels_padded
    }

    /// Numbers in a row.
    fn row(&self) -> usize {
        self.width * self.channels_padded
    }
}

/// The products that add up to the gradient of a weight: those of each element of a window with each channel of the output's
/// gradient.
#[derive(Clone, Debug)]
pub(crate) struct Products {
    pub(crate) images: Pixels,
    pub(crate) content: Content,
    pub(crate) windows: Windows,
    pub(crate) gradients: Pixels,
}

/// Numbers of a part of both images that is read again and again. It must fit into a core's own cache beside the sums.
const BLOCK: usize = 1 << 17;

impl Products {
    /// Adds the products of all windows of an image to `sums`: `[kernel_height, kernel_width, channels_in, channels_out_padded]`.
    pub(crate) fn add(&self, arch: Arch, image: &[f32], gradient: &[f32], sums: &mut [f32]) {
        arch.dispatch(AddProducts {
            products: self,
            image,
            gradient,
            sums,
        });
    }

    /// The contiguous parts of a row of the first window: all of it, or its pixels if there are others between them. Each with
    /// where it begins, and its length.
    fn parts(&self) -> impl Iterator<Item = (usize, usize)> {
        let Windows {
            start,
            size,
            dilation,
            ..
        } = self.windows;
        let (number, len) = if dilation[1] == 1 {
            (1, size[1])
        } else {
            (size[1], 1)
        };
        let channels = self.images.channels;
        (0..number).map(move |part| ((start[1] + part * dilation[1]) * channels, len * channels))
    }

    /// The rows of windows, among some, in which a row of elements meets the image. And the image's row for the first of
    /// them.
    fn rows(&self, rows: Range<usize>, element: usize) -> Option<(Range<usize>, usize)> {
        let row = |window: usize| self.content.row(&self.windows, window, element);
        let first = rows.clone().find(|window| row(*window).is_some())?;
        let last = rows.rev().find(|window| row(*window).is_some())?;
        Some((first..last + 1, row(first)?))
    }

    /// Rows of windows at a time.
    fn rows_at_once(&self) -> usize {
        let numbers = self.gradients.row() + self.windows.stride[0] * self.images.row();
        (BLOCK / numbers).max(1)
    }
}

struct AddProducts<'a> {
    products: &'a Products,
    image: &'a [f32],
    gradient: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for AddProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let products = self.products;
        let Windows {
            number,
            stride,
            size,
            ..
        } = products.windows;
        let channels_out = products.gradients.channels_padded;
        for (first, num_rows) in even_parts(number[0], products.rows_at_once()) {
            for channels in channel_blocks(channels_out, S::F32_LANES) {
                let vectors = channels.len() / S::F32_LANES;
                for element_row in 0..size[0] {
                    let Some((rows, image)) = products.rows(first..first + num_rows, element_row)
                    else {
                        continue;
                    };
                    let image = &self.image[image * products.images.row()..];
                    let gradient = rows.start * products.gradients.row() + channels.start;
                    let gradient = &self.gradient[gradient..];
                    let mut element = element_row * size[1] * products.images.channels;
                    for (start, len) in products.parts() {
                        for (index, elements) in even_parts(len, most_columns::<S>()) {
                            let sums = (element + index) * channels_out + channels.start;
                            let tile = ProductSums {
                                rows: rows.len(),
                                columns: number[1],
                                image: &image[start + index..],
                                image_row: stride[0] * products.images.row(),
                                image_step: stride[1] * products.images.channels,
                                gradient,
                                channels_out,
                                sums: &mut self.sums[sums..],
                            };
                            run_tile(simd, elements, vectors, tile);
                        }
                        element += len;
                    }
                }
            }
        }
    }
}

/// The sums of some elements of a window, for one or two vectors of channels, over all windows of some rows.
struct ProductSums<'a> {
    rows: usize,
    columns: usize,
    image: &'a [f32],
    /// Numbers from a row of windows to the next one.
    image_row: usize,
    /// Numbers from a window to the next one in its row.
    image_step: usize,
    gradient: &'a [f32],
    /// Numbers from a pixel of the gradient, or from the sums of an element, to the next one.
    channels_out: usize,
    sums: &'a mut [f32],
}

impl<S: Simd> Tile<S> for ProductSums<'_> {
    #[inline(always)]
    fn run<const ELEMENTS: usize, const VECTORS: usize>(self, simd: S) {
        let width = VECTORS * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ELEMENTS];
        for (element, sums) in sums.iter_mut().enumerate() {
            let from = &self.sums[element * self.channels_out..][..width];
            sums.copy_from_slice(S::as_simd_f32s(from).0);
        }
        for row in 0..self.rows {
            let windows = self.image[row * self.image_row..].windows(ELEMENTS);
            let windows = windows.step_by(self.image_step);
            let gradients = self.gradient[row * self.columns * self.channels_out..].windows(width);
            let gradients = gradients.step_by(self.channels_out);
            for (numbers, gradient) in windows.zip(gradients).take(self.columns) {
                let numbers: &[f32; ELEMENTS] = numbers.first_chunk().expect("so many");
                let (gradient, _) = S::as_simd_f32s(gradient);
                for element in 0..ELEMENTS {
                    let number = simd.splat_f32s(numbers[element]);
                    for vector in 0..VECTORS {
                        let sum = &mut sums[element][vector];
                        *sum = simd.mul_add_e_f32s(number, gradient[vector], *sum);
                    }
                }
            }
        }
        for (element, sums) in sums.iter().enumerate() {
            let to = &mut self.sums[element * self.channels_out..][..width];
            S::as_mut_simd_f32s(to).0.copy_from_slice(sums);
        }
    }
}
