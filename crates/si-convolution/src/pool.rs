//! Max pooling.

use rayon::prelude::*;

use crate::{chunks, vectors};

/// Max pooling over windows that do not overlap, without padding. Rows and columns that fill no window are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Height and width of a window.
    pub window: [usize; 2],
}

impl MaxPool {
    /// Height and width of the output for planes of this height and width, or `None` if no window fits.
    pub fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let [height, width] = [0, 1].map(|axis| size[axis].checked_div(self.window[axis]));
        Some([height?, width?]).filter(|size| !size.contains(&0))
    }

    /// The largest number of each window in `[planes, height, width]`. What is not a number counts as the largest.
    ///
    /// # Panics
    ///
    /// If there is no [`output_size`](Self::output_size), or if `images` are not whole planes.
    pub fn forward(&self, size: [usize; 2], images: &[f32]) -> Vec<f32> {
        let Lens { plane, output } = self.lens(size);
        let num_planes = num_planes(images, plane);
        let mut outputs = vec![0.0; num_planes * output];
        let chunk_len = chunks::len(num_planes, 0);
        let chunks = outputs.par_chunks_mut(chunk_len * output);
        let chunks = chunks.zip(images.par_chunks(chunk_len * plane));
        chunks.for_each(|(outputs, images)| {
            vectors::arch().dispatch(
                #[inline(always)]
                || {
                    let outputs = outputs.chunks_exact_mut(output);
                    for (output, plane) in outputs.zip(images.chunks_exact(plane)) {
                        match self.window {
                            [2, 2] => pool_squares(size[1], plane, output),
                            window => pool(window, size[1], plane, output),
                        }
                    }
                },
            );
        });
        outputs
    }

    /// The gradient of the images, from that of the output. That of a window belongs to the first of its largest numbers.
    ///
    /// # Panics
    ///
    /// If there is no [`output_size`](Self::output_size), or if a slice has another length than it must have.
    pub fn backward(&self, size: [usize; 2], images: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Lens { plane, output } = self.lens(size);
        let num_planes = num_planes(images, plane);
        assert_eq!(gradient.len(), num_planes * output, "the output's length");
        let mut gradients = vec![0.0; images.len()];
        let chunk_len = chunks::len(num_planes, 0);
        let chunks = gradients.par_chunks_mut(chunk_len * plane);
        let chunks = chunks.zip(images.par_chunks(chunk_len * plane));
        let chunks = chunks.zip(gradient.par_chunks(chunk_len * output));
        chunks.for_each(|((gradients, images), gradient)| {
            vectors::arch().dispatch(
                #[inline(always)]
                || {
                    let planes = gradients
                        .chunks_exact_mut(plane)
                        .zip(images.chunks_exact(plane));
                    for ((to, plane), gradient) in planes.zip(gradient.chunks_exact(output)) {
                        match self.window {
                            [2, 2] => spread_squares(size[1], plane, gradient, to),
                            window => spread(window, size[1], plane, gradient, to),
                        }
                    }
                },
            );
        });
        gradients
    }

    fn lens(&self, size: [usize; 2]) -> Lens {
        let output_size = self.output_size(size);
        let output_size =
            output_size.unwrap_or_else(|| panic!("{self:?} has no output for {size:?}"));
        Lens {
            plane: size.iter().product(),
            output: output_size.iter().product(),
        }
    }
}

/// Numbers of a plane, and of its output.
struct Lens {
    plane: usize,
    output: usize,
}

fn num_planes(images: &[f32], plane: usize) -> usize {
    assert_eq!(images.len() % plane, 0, "whole planes");
    images.len() / plane
}

#[inline(always)]
fn pool([height, width]: [usize; 2], row_len: usize, plane: &[f32], output: &mut [f32]) {
    let bands = plane.chunks_exact(height * row_len);
    for (band, output) in bands.zip(output.chunks_exact_mut(row_len / width)) {
        for (column, output) in output.iter_mut().enumerate() {
            let rows = band.chunks_exact(row_len);
            let mut numbers = rows.flat_map(|row| &row[column * width..][..width]);
            let first = numbers.next().expect("a window has a number");
            *output = numbers.fold(*first, |largest, number| larger(largest, *number));
        }
    }
}

#[inline(always)]
fn spread(
    [height, width]: [usize; 2],
    row_len: usize,
    plane: &[f32],
    gradient: &[f32],
    to: &mut [f32],
) {
    let bands = plane.chunks_exact(height * row_len);
    let bands = bands.zip(to.chunks_exact_mut(height * row_len));
    for ((band, to), gradient) in bands.zip(gradient.chunks_exact(row_len / width)) {
        for (column, gradient) in gradient.iter().enumerate() {
            let starts = (0..height).map(|row| row * row_len + column * width);
            let mut indices = starts.flat_map(|start| start..start + width);
            let first = indices.next().expect("a window has a number");
            let largest = indices.fold(first, |largest, index| {
                let is_larger = is_larger(band[index], band[largest]);
                if is_larger { index } else { largest }
            });
            to[largest] = *gradient;
        }
    }
}

/// [`pool`] for windows of 2 × 2, so simple that it is done in vectors.
#[inline(always)]
fn pool_squares(row_len: usize, plane: &[f32], output: &mut [f32]) {
    let bands = plane.chunks_exact(2 * row_len);
    for (band, output) in bands.zip(output.chunks_exact_mut(row_len / 2)) {
        let (upper, lower) = band.split_at(row_len);
        let squares = upper.as_chunks().0.iter().zip(lower.as_chunks().0);
        for (([a, b], [c, d]), output) in squares.zip(output) {
            *output = larger(larger(*a, *b), larger(*c, *d));
        }
    }
}

/// [`spread`] for windows of 2 × 2.
#[inline(always)]
fn spread_squares(row_len: usize, plane: &[f32], gradient: &[f32], to: &mut [f32]) {
    /// Windows at a time. Rows are short, so a loop over a number that is not known would seldom get to its vectors.
    const BLOCK: usize = 8;
    let bands = plane.chunks_exact(2 * row_len);
    let bands = bands.zip(to.chunks_exact_mut(2 * row_len));
    for ((band, to), gradient) in bands.zip(gradient.chunks_exact(row_len / 2)) {
        let (upper, lower) = band.split_at(row_len);
        let (upper, lower) = (upper.as_chunks().0, lower.as_chunks().0);
        let (to_upper, to_lower) = to.split_at_mut(row_len);
        let (to_upper, to_lower) = (to_upper.as_chunks_mut().0, to_lower.as_chunks_mut().0);
        let len = gradient.len();
        if len < BLOCK {
            for index in 0..len {
                [to_upper[index], to_lower[index]] =
                    spread_square([upper[index], lower[index]], gradient[index]);
            }
            continue;
        }
        for start in (0..len).step_by(BLOCK) {
            // The last two blocks overlap if the row is not a multiple of them.
            let range = start.min(len - BLOCK)..start.min(len - BLOCK) + BLOCK;
            let upper: &[[f32; 2]; BLOCK] = upper[range.clone()].first_chunk().expect("one block");
            let lower: &[[f32; 2]; BLOCK] = lower[range.clone()].first_chunk().expect("one block");
            let gradient: &[f32; BLOCK] = gradient[range.clone()].first_chunk().expect("one block");
            let mut block = [[[0.0; 2]; BLOCK]; 2];
            for index in 0..BLOCK {
                [block[0][index], block[1][index]] =
                    spread_square([upper[index], lower[index]], gradient[index]);
            }
            to_upper[range.clone()].copy_from_slice(&block[0]);
            to_lower[range].copy_from_slice(&block[1]);
        }
    }
}

#[inline(always)]
fn spread_square([[a, b], [c, d]]: [[f32; 2]; 2], gradient: f32) -> [[f32; 2]; 2] {
    let mask = |condition: bool| u32::from(condition).wrapping_neg();
    let (right, below) = (mask(is_larger(b, a)), mask(is_larger(d, c)));
    let lower = mask(is_larger(larger(c, d), larger(a, b)));
    let gradient = gradient.to_bits();
    let (upper, lower) = (gradient & !lower, gradient & lower);
    [
        [upper & !right, upper & right].map(f32::from_bits),
        [lower & !below, lower & below].map(f32::from_bits),
    ]
}

/// The larger one, the first if they are equal.
#[inline(always)]
fn larger(first: f32, second: f32) -> f32 {
    if is_larger(second, first) {
        second
    } else {
        first
    }
}

#[inline(always)]
fn is_larger(second: f32, first: f32) -> bool {
    (second > first) | (second.is_nan() & !first.is_nan())
}
