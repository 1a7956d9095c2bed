use rayon::prelude::*;

use crate::convolution::{Activation, Convolution};
use crate::planes::{Content, Planes, Windows};
use crate::transpose::{Finish, Strided, transpose};
use crate::weights::Packed;
use crate::{chunks, vectors};

impl Convolution {
    /// The output for images of this height and width, `[batch, channels_in, height, width]`:
    /// `[batch, channels_out, height, width]`.
    ///
    /// # Panics
    ///
    /// If there is no [`output_size`](Self::output_size), or if a slice has another length than it must have.
    pub fn forward(
        &self,
        size: [usize; 2],
        images: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Vec<f32> {
        let (image_len, output_len) = self.checked_lens(size, images, weight);
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.channels[1], "a bias per output channel");
        }
        let (arch, finish) = (vectors::arch(), Finish { bias, activation });
        let planes = Planes::new(self.channels[0], self.content(size), self.windows(size));
        let weight = Packed::for_output(self, weight, planes.element_rows(), vectors::lanes(arch));
        let batch_size = images.len() / image_len;
        let chunk_len = chunks::len(batch_size, 0);
        let mut output = vec![0.0; batch_size * output_len];
        let chunks = output.par_chunks_mut(chunk_len * output_len);
        let chunks = chunks.zip(images.par_chunks(chunk_len * image_len));
        chunks.for_each(|(outputs, images)| {
            let mut canvas = planes.zeros();
            let mut scratch = planes.scratch(&weight);
            let outputs = outputs.chunks_exact_mut(output_len);
            for (output, image) in outputs.zip(images.chunks_exact(image_len)) {
                let canvas = planes.draw(&mut canvas, image);
                planes.sum_windows(arch, canvas, &weight, &mut scratch, |row, sums| {
                    put_row(
                        output,
                        self.channels[1],
                        row,
                        sums,
                        weight.channels_out_padded(),
                        finish,
                    );
                });
            }
        });
        output
    }

    /// An image in its border.
    pub(crate) fn content(&self, size: [usize; 2]) -> Content {
        Content {
            size,
            front: self.padding,
            spacing: [1; 2],
        }
    }

    /// The windows of images of this size.
    pub(crate) fn windows(&self, size: [usize; 2]) -> Windows {
        Windows {
            number: self.output_size(size).expect("checked before"),
            start: [0; 2],
            stride: self.stride,
            size: self.kernel,
            dilation: self.dilation,
        }
    }

    /// Numbers of an image and of its output.
    pub(crate) fn checked_lens(
        &self,
        size: [usize; 2],
        images: &[f32],
        weight: &[f32],
    ) -> (usize, usize) {
        let output_size = self.output_size(size);
        let output_size =
            output_size.unwrap_or_else(|| panic!("{self:?} has no output for {size:?}"));
        let image_len = self.channels[0] * size[0] * size[1];
        assert_eq!(images.len() % image_len, 0, "whole images");
        assert_eq!(weight.len(), self.num_weights(), "the number of weights");
        (
            image_len,
            self.channels[1] * output_size[0] * output_size[1],
        )
    }
}

/// Writes the sums of a row, `[width, padded]`, into an image, `[channels, height, width]`.
pub(crate) fn put_row(
    image: &mut [f32],
    channels: usize,
    row: usize,
    sums: &[f32],
    padded: usize,
    finish: Finish<'_>,
) {
    let width = sums.len() / padded;
    let plane = image.len() / channels;
    transpose(
        [width, channels],
        Strided {
            numbers: sums,
            stride: padded,
        },
        Strided {
            numbers: &mut image[row * width..],
            stride: plane,
        },
        finish,
    );
}
