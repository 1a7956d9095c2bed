use rayon::prelude::*;

use crate::canvas::{Canvas, Content, Windows};
use crate::convolution::{Activation, Convolution};
use crate::sweep::Sweep;
use crate::transpose::{Finish, Strided, transpose};
use crate::{chunks, weights};

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
        let finish = Finish { bias, activation };
        let sweep = self.sweep(size);
        let weight = weights::for_output(self, weight);
        let batch_size = images.len() / image_len;
        let chunk_len = chunks::len(batch_size, 0);
        let mut output = vec![0.0; batch_size * output_len];
        let chunks = output.par_chunks_mut(chunk_len * output_len);
        let chunks = chunks.zip(images.par_chunks(chunk_len * image_len));
        chunks.for_each(|(outputs, images)| {
            let mut canvas = sweep.canvas().zeros();
            let mut scratch = sweep.scratch(self.channels[1]);
            let outputs = outputs.chunks_exact_mut(output_len);
            for (output, image) in outputs.zip(images.chunks_exact(image_len)) {
                sweep.canvas().draw(&mut canvas, image);
                sweep.convolve(&canvas, &weight, &mut scratch, |row, sums| {
                    put_row(output, self.channels[1], row, sums, finish);
                });
            }
        });
        output
    }

    /// The windows of images of this size.
    pub(crate) fn sweep(&self, size: [usize; 2]) -> Sweep {
        let windows = Windows {
            number: self.output_size(size).expect("checked before"),
            start: [0; 2],
            stride: self.stride,
            reach: self.reach(),
        };
        let content = Content {
            size,
            front: self.padding,
            spacing: [1; 2],
        };
        let canvas = Canvas::new(self.channels[0], content, windows);
        Sweep::new(canvas, windows, self.kernel, self.dilation)
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

/// Writes the numbers of a row, `[width, channels]`, into an image, `[channels, height, width]`.
pub(crate) fn put_row(
    image: &mut [f32],
    channels: usize,
    row: usize,
    numbers: &[f32],
    finish: Finish<'_>,
) {
    let width = numbers.len() / channels;
    let plane = image.len() / channels;
    transpose(
        [width, channels],
        Strided {
            numbers,
            stride: channels,
        },
        Strided {
            numbers: &mut image[row * width..],
            stride: plane,
        },
        finish,
    );
}
