//! An image inside a border of zeros, with the channels of a pixel side by side.

use crate::transpose::{Finish, Strided, transpose};

/// Where pixels lie. Rows are in `planes` planes: row `r` is row `r / planes` of plane `r % planes`, so that every
/// `planes`-th row follows the one before it.
///
/// The border to the right of a row is the border to the left of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canvas {
    channels: usize,
    planes: usize,
    rows_per_plane: usize,
    /// Pixels from a row to the next one of its plane. A multiple of the windows' stride.
    pitch: usize,
    content: Content,
}

/// The part of a canvas that is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Height and width of the image.
    pub(crate) size: [usize; 2],
    /// Rows and columns of zeros before it.
    pub(crate) front: [usize; 2],
    /// Rows and columns from a pixel of the image to the next one. Between them are zeros.
    pub(crate) spacing: [usize; 2],
}

/// The windows that are read from a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// How many there are, down and to the right.
    pub(crate) number: [usize; 2],
    /// The first row and column of the first one.
    pub(crate) start: [usize; 2],
    /// Rows and columns from a window to the next one.
    pub(crate) stride: [usize; 2],
    /// Rows and columns from the first to the last pixel of a window.
    pub(crate) reach: [usize; 2],
}

impl Canvas {
    /// A canvas that has room for `content`, and from which `windows` can be read.
    pub(crate) fn new(channels: usize, content: Content, windows: Windows) -> Self {
        let filled = [0, 1]
            .map(|axis| content.front[axis] + (content.size[axis] - 1) * content.spacing[axis] + 1);
        let read = [0, 1].map(|axis| {
            let last = windows.start[axis] + (windows.number[axis] - 1) * windows.stride[axis];
            last + windows.reach[axis] + 1
        });
        let planes = windows.stride[0];
        let pitch = filled[1]
            // What windows read beyond this is the next row's border.
            .max(read[1].saturating_sub(content.front[1]))
            .max(windows.number[1] * windows.stride[1]);
        Self {
            channels,
            planes,
            rows_per_plane: filled[0].max(read[0]).div_ceil(planes),
            pitch: pitch.next_multiple_of(windows.stride[1]),
            content,
        }
    }

    /// A canvas of another image, whose rows are `pitch` pixels apart.
    pub(crate) fn dense(channels: usize, size: [usize; 2], pitch: usize) -> Self {
        Self {
            channels,
            planes: 1,
            rows_per_plane: size[0],
            pitch,
            content: Content {
                size,
                front: [0; 2],
                spacing: [1; 2],
            },
        }
    }

    pub(crate) fn zeros(&self) -> Vec<f32> {
        let border_of_last_row = self.content.front[1];
        let pixels = self.planes * self.rows_per_plane * self.pitch + border_of_last_row;
        vec![0.0; pixels * self.channels]
    }

    /// Numbers from a row to the next one of its plane.
    pub(crate) fn pitch(&self) -> usize {
        self.pitch * self.channels
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Where a pixel begins.
    pub(crate) fn pixel(&self, [row, column]: [usize; 2]) -> usize {
        let row = row % self.planes * self.rows_per_plane + row / self.planes;
        (row * self.pitch + column) * self.channels
    }

    /// Where the image's first pixel begins.
    pub(crate) fn first_pixel(&self) -> usize {
        self.pixel(self.content.front)
    }

    /// Draws an image, `[channels, height, width]`, over the one before.
    pub(crate) fn draw(&self, canvas: &mut [f32], image: &[f32]) {
        let Content {
            size: [height, width],
            front,
            spacing,
        } = self.content;
        assert_eq!(image.len(), self.channels * height * width);
        for row in 0..height {
            let start = self.pixel([front[0] + row * spacing[0], front[1]]);
            transpose(
                [self.channels, width],
                Strided {
                    numbers: &image[row * width..],
                    stride: height * width,
                },
                Strided {
                    numbers: &mut canvas[start..],
                    stride: spacing[1] * self.channels,
                },
                Finish::default(),
            );
        }
    }
}
