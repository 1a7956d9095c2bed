//! Products of all windows on a canvas.

use crate::canvas::{Canvas, Windows};
use crate::product::{Destination, Matrix, product};

/// All windows on a canvas, by the parts of a window that are contiguous.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    canvas: Canvas,
    windows: Windows,
    parts: Vec<Part>,
}

/// A contiguous part of a window: a row, or a single pixel if the kernel is dilated along the width.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Where it begins for the first window.
    start: usize,
    len: usize,
}

/// An output that is narrower is computed whole, with windows over the end of a row, whose results are thrown away. A wider
/// one is computed row by row.
const WORTH_A_PRODUCT: usize = 12;

impl Sweep {
    pub(crate) fn new(
        canvas: Canvas,
        windows: Windows,
        kernel: [usize; 2],
        dilation: [usize; 2],
    ) -> Self {
        let [height, width] = kernel;
        let (columns, len) = if dilation[1] == 1 {
            (1, width)
        } else {
            (width, 1)
        };
        let parts = (0..height).flat_map(|row| (0..columns).map(move |column| [row, column]));
        let parts = parts.map(|element| Part {
            start: canvas
                .pixel([0, 1].map(|axis| windows.start[axis] + element[axis] * dilation[axis])),
            len: len * canvas.channels(),
        });
        Self {
            parts: parts.collect(),
            canvas,
            windows,
        }
    }

    /// Space for what [`convolve`](Self::convolve) computes at a time.
    pub(crate) fn scratch(&self, channels_out: usize) -> Vec<f32> {
        vec![0.0; self.num_positions(self.rows_at_once()) * channels_out]
    }

    /// Computes the sums of all windows with `weight`, `[window, channels_out]`, and gives them to `take`: the row, and its
    /// sums `[width, channels_out]`.
    pub(crate) fn convolve(
        &self,
        canvas: &[f32],
        weight: &[f32],
        scratch: &mut [f32],
        mut take: impl FnMut(usize, &[f32]),
    ) {
        let window: usize = self.parts.iter().map(|part| part.len).sum();
        let channels_out = weight.len() / window;
        let [height, width] = self.windows.number;
        for first in (0..height).step_by(self.rows_at_once()) {
            let num_rows = self.rows_at_once().min(height - first);
            let mut destination = Destination::Replace;
            let mut weight = weight;
            for part in &self.parts {
                product(
                    scratch,
                    destination,
                    [self.num_positions(num_rows), part.len, channels_out],
                    self.matrix(canvas, *part, first),
                    Matrix::rows(weight, channels_out),
                );
                destination = Destination::Add;
                weight = &weight[part.len * channels_out..];
            }
            let pitch = self.pitch() * channels_out;
            for (row, sums) in scratch.chunks(pitch).take(num_rows).enumerate() {
                take(first + row, &sums[..width * channels_out]);
            }
        }
    }

    /// Adds the gradient of the weight to `sums`, `[window, channels_out]`. `gradient` is that of the output: rows of
    /// `[pitch, channels_out]`, with zeros beside the output.
    pub(crate) fn add_weight_gradient(&self, canvas: &[f32], gradient: &[f32], sums: &mut [f32]) {
        let window: usize = self.parts.iter().map(|part| part.len).sum();
        let channels_out = sums.len() / window;
        let mut sums = sums;
        for part in &self.parts {
            let (of_part, others) = sums.split_at_mut(part.len * channels_out);
            product(
                of_part,
                Destination::Add,
                [
                    part.len,
                    self.num_positions(self.windows.number[0]),
                    channels_out,
                ],
                self.matrix(canvas, *part, 0).transposed(),
                Matrix::rows(gradient, channels_out),
            );
            sums = others;
        }
    }

    /// Windows from the first of a row to the first of the next one, with those over the end of a row.
    pub(crate) fn pitch(&self) -> usize {
        self.canvas.pitch() / self.step()
    }

    pub(crate) fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// A part of all windows from a row on.
    fn matrix<'a>(&self, canvas: &'a [f32], part: Part, row: usize) -> Matrix<'a> {
        let start = part.start + row * self.canvas.pitch();
        Matrix::rows(&canvas[start..], self.step())
    }

    /// Numbers from a window to the next one in its row.
    fn step(&self) -> usize {
        self.windows.stride[1] * self.canvas.channels()
    }

    fn rows_at_once(&self) -> usize {
        let [height, width] = self.windows.number;
        if width < WORTH_A_PRODUCT { height } else { 1 }
    }

    /// Windows in so many rows, with those over the end of a row.
    fn num_positions(&self, num_rows: usize) -> usize {
        (num_rows - 1) * self.pitch() + self.windows.number[1]
    }
}
