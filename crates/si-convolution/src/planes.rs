//! Images as planes inside borders of zeros, and the sums of their windows.

use pulp::{Arch, Simd, WithSimd};

use crate::vectors::{Tile, even_parts, most_columns, run_tile};
use crate::weights::Packed;

/// An image inside a border of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Height and width of the image.
    pub(crate) size: [usize; 2],
    /// Rows and columns of zeros before it. Those after it reach as far as the windows.
    pub(crate) front: [usize; 2],
    /// Rows and columns from a pixel of the image to the next one. Between them are zeros.
    pub(crate) spacing: [usize; 2],
}

/// The windows that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// How many there are, down and to the right.
    pub(crate) number: [usize; 2],
    /// The first row and column of the first one.
    pub(crate) start: [usize; 2],
    /// Rows and columns from a window to the next one.
    pub(crate) stride: [usize; 2],
    /// Height and width of a window, in elements.
    pub(crate) size: [usize; 2],
    /// Rows and columns from an element of a window to the next one.
    pub(crate) dilation: [usize; 2],
}

impl Content {
    /// The width of a canvas from which windows can be read.
    pub(crate) fn width(&self, windows: &Windows) -> usize {
        let filled = self.front[1] + (self.size[1] - 1) * self.spacing[1] + 1;
        let last = (windows.number[1] - 1) * windows.stride[1];
        let last = windows.start[1] + last + (windows.size[1] - 1) * windows.dilation[1];
        filled.max(last + 1)
    }

    /// The row of the image that a row of the elements of a row of windows meets. `None` if that is a row of zeros.
    pub(crate) fn row(&self, windows: &Windows, window: usize, element: usize) -> Option<usize> {
        let row = windows.start[0] + window * windows.stride[0] + element * windows.dilation[0];
        let row = row.checked_sub(self.front[0])?;
        let is_filled = row % self.spacing[0] == 0 && row / self.spacing[0] < self.size[0];
        is_filled.then_some(row / self.spacing[0])
    }
}

/// Planes `[channels, height, width]`, without the rows of zeros.
///
/// The columns of a row are sorted by their remainder when divided by the windows' stride, so that an element of the windows of a
/// row is contiguous.
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    channels: usize,
    /// Columns with the same remainder.
    columns: usize,
    content: Content,
    windows: Windows,
    /// Where the elements of a row of the first window are, `[channels, width]`, from the beginning of the row on.
    elements: Vec<usize>,
    /// The rows of a window, sorted by their distance from the first one modulo the image's spacing. So those that meet the image at
    /// the same time follow each other.
    element_rows: Vec<usize>,
}

impl Planes {
    pub(crate) fn new(channels: usize, content: Content, windows: Windows) -> Self {
        let mut planes = Self {
            channels,
            columns: content.width(&windows).div_ceil(windows.stride[1]),
            content,
            windows,
            elements: vec![],
            element_rows: (0..windows.size[0]).collect(),
        };
        planes
            .element_rows
            .sort_by_key(|row| row * windows.dilation[0] % content.spacing[0]);
        let columns = (0..windows.size[1])
            .map(|element| planes.column(windows.start[1] + element * windows.dilation[1]));
        let columns: Vec<_> = columns.collect();
        planes.elements = (0..channels)
            .flat_map(|channel| columns.iter().map(move |column| (channel, column)))
            .map(|(channel, column)| channel * planes.plane() + column)
            .collect();
        planes
    }

    /// The rows of a window, in the order that the weight must have.
    pub(crate) fn element_rows(&self) -> &[usize] {
        &self.element_rows
    }

    /// Space for an image, if the canvas differs from it.
    pub(crate) fn zeros(&self) -> Vec<f32> {
        if self.is_plain() {
            vec![]
        } else {
            vec![0.0; self.channels * self.plane()]
        }
    }

    /// Draws an image, `[channels, height, width]`, over the one before. Returns the canvas, or the image if there is nothing around
    /// it.
    pub(crate) fn draw<'a>(&self, canvas: &'a mut [f32], image: &'a [f32]) -> &'a [f32] {
        if self.is_plain() {
            return image;
        }
        let (front, spacing) = (self.content.front[1], self.content.spacing[1]);
        let width = self.content.size[1];
        let rows = canvas.chunks_exact_mut(self.row());
        for (canvas, numbers) in rows.zip(image.chunks_exact(width)) {
            if spacing == 1 && self.windows.stride[1] == 1 {
                canvas[front..front + width].copy_from_slice(numbers);
            } else {
                for (column, number) in numbers.iter().enumerate() {
                    canvas[self.column(front + column * spacing)] = *number;
                }
            }
        }
        canvas
    }

    /// Space for the sums of a row of windows.
    pub(crate) fn scratch(&self, weight: &Packed) -> Vec<f32> {
        vec![0.0; self.windows.number[1] * weight.channels_out_padded()]
    }

    /// Sums the products of each window with `weight`, and gives the sums of a row of windows to `take`: the row, and
    /// `[width, channels_out_padded]`.
    pub(crate) fn sum_windows(
        &self,
        arch: Arch,
        canvas: &[f32],
        weight: &Packed,
        scratch: &mut [f32],
        take: impl FnMut(usize, &[f32]),
    ) {
        arch.dispatch(SumWindows {
            planes: self,
            canvas,
            weight,
            scratch,
            take,
        });
    }

    fn is_plain(&self) -> bool {
        self.content.spacing[1] == 1
            && self.windows.stride[1] == 1
            && self.content.size[1] == self.columns
    }

    fn plane(&self) -> usize {
        self.content.size[0] * self.row()
    }

    fn row(&self) -> usize {
        self.columns * self.windows.stride[1]
    }

    /// Where a column of a row is.
    fn column(&self, column: usize) -> usize {
        let stride = self.windows.stride[1];
        column % stride * self.columns + column / stride
    }
}

struct SumWindows<'a, T> {
    planes: &'a Planes,
    canvas: &'a [f32],
    weight: &'a Packed,
    scratch: &'a mut [f32],
    take: T,
}

impl<T: FnMut(usize, &[f32])> WithSimd for SumWindows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Planes {
            windows,
            content,
            elements,
            element_rows,
            ..
        } = self.planes;
        let [height, width] = windows.number;
        let channels_out = self.weight.channels_out_padded();
        let mut met = Vec::with_capacity(element_rows.len() * elements.len());
        for window in 0..height {
            let mut rows = element_rows
                .iter()
                .map(|element| content.row(windows, window, *element));
            let first = rows.clone().take_while(Option::is_none).count();
            met.clear();
            for row in rows.by_ref().skip(first).map_while(|row| row) {
                let start = row * self.planes.row();
                met.extend(elements.iter().map(|element| start + element));
            }
            for block in self.weight.blocks() {
                let weight = &block.weight[first * elements.len() * block.channels.len()..];
                let (weight, _) = S::as_simd_f32s(weight);
                let vectors = block.channels.len() / S::F32_LANES;
                for (column, columns) in even_parts(width, most_columns::<S>()) {
                    let tile = WindowSums::<S> {
                        canvas: &self.canvas[column..],
                        elements: &met,
                        weight,
                        sums: &mut self.scratch[column * channels_out + block.channels.start..],
                        channels_out,
                    };
                    run_tile(simd, columns, vectors, tile);
                }
            }
            (self.take)(window, self.scratch);
        }
    }
}

/// The sums of the windows of some columns, for one or two vectors of channels.
struct WindowSums<'a, S: Simd> {
    canvas: &'a [f32],
    /// Where the elements of the first window are that meet the image.
    elements: &'a [usize],
    weight: &'a [S::f32s],
    sums: &'a mut [f32],
    /// Numbers from the sums of a column to those of the next one.
    channels_out: usize,
}

impl<S: Simd> Tile<S> for WindowSums<'_, S> {
    #[inline(always)]
    fn run<const COLUMNS: usize, const VECTORS: usize>(self, simd: S) {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; COLUMNS];
        let (weight, _) = self.weight.as_chunks::<VECTORS>();
        for (element, weight) in self.elements.iter().zip(weight) {
            let numbers: &[f32; COLUMNS] = self.canvas[*element..]
                .first_chunk()
                .expect("the canvas covers all windows");
            for column in 0..COLUMNS {
                let number = simd.splat_f32s(numbers[column]);
                for vector in 0..VECTORS {
                    let sum = &mut sums[column][vector];
                    *sum = simd.mul_add_e_f32s(number, weight[vector], *sum);
                }
            }
        }
        for (column, sums) in sums.iter().enumerate() {
            let to = &mut self.sums[column * self.channels_out..][..VECTORS * S::F32_LANES];
            S::as_mut_simd_f32s(to).0.copy_from_slice(sums);
        }
    }
}
