//! Weights in the order of products.
//!
//! A convolution has its weights as `[channels_out, channels_in, kernel_height, kernel_width]`.

use crate::convolution::Convolution;

/// The weights as `[kernel_height, kernel_width, channels_in, channels_out]`.
pub(crate) fn for_output(convolution: &Convolution, weight: &[f32]) -> Vec<f32> {
    let [channels_in, channels_out] = convolution.channels;
    let mut packed = vec![0.0; weight.len()];
    for (indices, weight) in indices(convolution).zip(weight) {
        let [output, input, element] = indices;
        packed[(element * channels_in + input) * channels_out + output] = *weight;
    }
    packed
}

/// The weights as `[kernel_height, kernel_width, channels_out, channels_in]`, with the last element of the kernel first.
pub(crate) fn for_input_gradient(convolution: &Convolution, weight: &[f32]) -> Vec<f32> {
    let [channels_in, channels_out] = convolution.channels;
    let elements: usize = convolution.kernel.iter().product();
    let mut packed = vec![0.0; weight.len()];
    for (indices, weight) in indices(convolution).zip(weight) {
        let [output, input, element] = indices;
        let element = elements - 1 - element;
        packed[(element * channels_out + output) * channels_in + input] = *weight;
    }
    packed
}

/// The inverse of [`for_output`].
pub(crate) fn unpacked(convolution: &Convolution, packed: &[f32]) -> Vec<f32> {
    let [channels_in, channels_out] = convolution.channels;
    let unpack = |[output, input, element]: [usize; 3]| {
        packed[(element * channels_in + input) * channels_out + output]
    };
    indices(convolution).map(unpack).collect()
}

/// Channel of the output, channel of the input, and element of the kernel, for each weight.
fn indices(convolution: &Convolution) -> impl Iterator<Item = [usize; 3]> {
    let [channels_in, channels_out] = convolution.channels;
    let elements: usize = convolution.kernel.iter().product();
    (0..channels_out).flat_map(move |output| {
        (0..channels_in)
            .flat_map(move |input| (0..elements).map(move |element| [output, input, element]))
    })
}
