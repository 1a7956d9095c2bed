//! What a convolution is.

/// A 2-d convolution without groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the input and of the output.
    pub channels: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps between windows, down and to the right.
    pub stride: [usize; 2],
    /// Zeros above and below, and left and right of an image.
    pub padding: [usize; 2],
    /// Steps between the elements of a window, down and to the right.
    pub dilation: [usize; 2],
}

/// What is applied to a convolution's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// The larger of a sum and zero.
    Relu,
}

impl Convolution {
    /// A convolution with stride and dilation of 1, without padding.
    pub fn new(channels: [usize; 2], kernel: [usize; 2]) -> Self {
        Self {
            channels,
            kernel,
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
        }
    }

    /// The same with another padding.
    pub fn with_padding(self, padding: [usize; 2]) -> Self {
        Self { padding, ..self }
    }

    /// The same with another stride.
    pub fn with_stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// The same with another dilation.
    pub fn with_dilation(self, dilation: [usize; 2]) -> Self {
        Self { dilation, ..self }
    }

    /// Height and width of the output for images of this height and width, or `None` if no window fits, or
    /// if a size, stride or dilation is zero.
    pub fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let all = [self.channels, self.kernel, self.stride, self.dilation, size];
        if all.as_flattened().contains(&0) {
            return None;
        }
        let axis = |axis: usize| {
            let padded = size[axis] + 2 * self.padding[axis];
            Some((padded.checked_sub(self.reach()[axis] + 1)?) / self.stride[axis] + 1)
        };
        Some([axis(0)?, axis(1)?])
    }

    /// The number of weights, `[channels_out, channels_in, kernel_height, kernel_width]`.
    pub fn num_weights(&self) -> usize {
        self.channels.iter().chain(&self.kernel).product()
    }

    /// Elements of the kernel of a channel.
    pub(crate) fn elements(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Steps from the first to the last element of a window.
    pub(crate) fn reach(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.dilation[axis] * (self.kernel[axis] - 1))
    }
}
