//! Weights in the order in which the kernels read and write them.
//!
//! A convolution has its weights as `[channels_out, channels_in, kernel_height, kernel_width]`.

use std::ops::Range;

use crate::convolution::Convolution;

/// Weights by blocks of output channels: two vectors, the last one if need be. For each block, `[kernel_height, channels_in,
/// kernel_width, channels]`, with the kernel's rows in the order that is asked for. Channels that there are not have zeros.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    weight: Vec<f32>,
    channels_out_padded: usize,
    lanes: usize,
    window: usize,
}

/// A block of output channels.
pub(crate) struct Block<'a> {
    pub(crate) channels: Range<usize>,
    pub(crate) weight: &'a [f32],
}

impl Packed {
    /// The weights for the output.
    pub(crate) fn for_output(
        convolution: &Convolution,
        weight: &[f32],
        rows: &[usize],
        lanes: usize,
    ) -> Self {
        let [channels_in, channels_out] = convolution.channels;
        Self::new(
            [channels_in, channels_out],
            convolution,
            rows,
            lanes,
            |index| {
                let [output, input, element] = index;
                weight[(output * channels_in + input) * convolution.elements() + element]
            },
        )
    }

    /// The weights for the input's gradient: the output's channels are the input, and the kernel's last element comes
    /// first.
    pub(crate) fn for_input_gradient(
        convolution: &Convolution,
        weight: &[f32],
        rows: &[usize],
        lanes: usize,
    ) -> Self {
        let [channels_in, channels_out] = convolution.channels;
        Self::new(
            [channels_out, channels_in],
            convolution,
            rows,
            lanes,
            |index| {
                let [input, output, element] = index;
                let element = convolution.elements() - 1 - element;
                weight[(output * channels_in + input) * convolution.elements() + element]
            },
        )
    }

    fn new(
        [channels_in, channels_out]: [usize; 2],
        convolution: &Convolution,
        rows: &[usize],
        lanes: usize,
        weight: impl Fn([usize; 3]) -> f32,
    ) -> Self {
        let [height, width] = convolution.kernel;
        let mut packed = Self {
            weight: vec![],
            channels_out_padded: channels_out.next_multiple_of(lanes),
            lanes,
            window: channels_in * convolution.elements(),
        };
        let mut numbers = Vec::with_capacity(packed.channels_out_padded * packed.window);
        for channels in packed.channel_blocks() {
            for [row, input, column] in indices([height, channels_in, width]) {
                let element = rows[row] * width + column;
                numbers.extend(channels.clone().map(|output| {
                    if output < channels_out {
                        weight([output, input, element])
                    } else {
                        0.0
                    }
                }));
            }
        }
        packed.weight = numbers;
        packed
    }

    pub(crate) fn channels_out_padded(&self) -> usize {
        self.channels_out_padded
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let blocks = self.channel_blocks();
        blocks.map(|channels| Block {
            weight: &self.weight[channels.start * self.window..channels.end * self.window],
            channels,
        })
    }

    fn channel_blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        channel_blocks(self.channels_out_padded, self.lanes)
    }
}

/// Blocks of one or two vectors of channels.
#[inline(always)]
pub(crate) fn channel_blocks(
    channels_padded: usize,
    lanes: usize,
) -> impl Iterator<Item = Range<usize>> {
    (0..channels_padded)
        .step_by(2 * lanes)
        .map(move |start| start..(start + 2 * lanes).min(channels_padded))
}

/// Weights from sums of `[kernel_height, kernel_width, channels_in, channels_out_padded]`.
pub(crate) fn unpacked(
    convolution: &Convolution,
    sums: &[f32],
    channels_out_padded: usize,
) -> Vec<f32> {
    let [channels_in, channels_out] = convolution.channels;
    let mut weight = Vec::with_capacity(convolution.num_weights());
    for output in 0..channels_out {
        for input in 0..channels_in {
            weight.extend((0..convolution.elements()).map(|element| {
                sums[(element * channels_in + input) * channels_out_padded + output]
            }));
        }
    }
    weight
}

fn indices([a, b, c]: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..a * b * c).map(move |index| [index / (b * c), index / c % b, index % c])
}
