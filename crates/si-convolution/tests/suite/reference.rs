//! What is right, by loops.

use si_convolution::Convolution;

/// A convolution's output, `[batch, channels_out, height, width]`.
pub(crate) fn convolve(
    convolution: &Convolution,
    size: [usize; 2],
    images: &[f64],
    weight: &[f64],
    bias: &[f64],
) -> Vec<f64> {
    let plane: usize = output_size(convolution, size).iter().product();
    let batch_size = images.len() / (convolution.channels[0] * size[0] * size[1]);
    let num_outputs = batch_size * bias.len() * plane;
    let mut output: Vec<f64> = (0..num_outputs)
        .map(|index| bias[index / plane % bias.len()])
        .collect();
    for_each_product(convolution, size, batch_size, |to, image, element| {
        output[to] += images[image] * weight[element];
    });
    output
}

/// The gradients of images, weight and bias.
pub(crate) fn gradients(
    convolution: &Convolution,
    size: [usize; 2],
    images: &[f64],
    weight: &[f64],
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let plane: usize = output_size(convolution, size).iter().product();
    let channels_out = convolution.channels[1];
    let batch_size = images.len() / (convolution.channels[0] * size[0] * size[1]);
    let mut of_images = vec![0.0; images.len()];
    let mut of_weight = vec![0.0; weight.len()];
    let mut of_bias = vec![0.0; channels_out];
    for_each_product(convolution, size, batch_size, |from, image, element| {
        of_images[image] += gradient[from] * weight[element];
        of_weight[element] += gradient[from] * images[image];
    });
    for (index, gradient) in gradient.iter().enumerate() {
        of_bias[index / plane % channels_out] += gradient;
    }
    [of_images, of_weight, of_bias]
}

pub(crate) fn output_size(convolution: &Convolution, size: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| {
        let window = (convolution.kernel[axis] - 1) * convolution.dilation[axis] + 1;
        (size[axis] + 2 * convolution.padding[axis] - window) / convolution.stride[axis] + 1
    })
}

/// Calls `product` with the indices of the output, the image and the weight of each product that is summed.
fn for_each_product(
    convolution: &Convolution,
    size: [usize; 2],
    batch_size: usize,
    mut product: impl FnMut(usize, usize, usize),
) {
    let output_size = output_size(convolution, size);
    let [channels_in, channels_out] = convolution.channels;
    for position in indices([batch_size, channels_out, output_size[0], output_size[1]]) {
        let [image, output, ..] = position;
        for window in indices([1, channels_in, convolution.kernel[0], convolution.kernel[1]]) {
            let input = window[1];
            let pixel = [0, 1].map(|axis| {
                let place = position[2 + axis] * convolution.stride[axis]
                    + window[2 + axis] * convolution.dilation[axis];
                place.checked_sub(convolution.padding[axis])
            });
            let [Some(row), Some(column)] = pixel else {
                continue;
            };
            if row < size[0] && column < size[1] {
                let flat = |[a, b, c, d]: [usize; 4], [_, sb, sc, sd]: [usize; 4]| {
                    ((a * sb + b) * sc + c) * sd + d
                };
                product(
                    flat(position, [0, channels_out, output_size[0], output_size[1]]),
                    flat(
                        [image, input, row, column],
                        [0, channels_in, size[0], size[1]],
                    ),
                    flat(
                        [output, input, window[2], window[3]],
                        [0, channels_in, convolution.kernel[0], convolution.kernel[1]],
                    ),
                );
            }
        }
    }
}

fn indices([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = [usize; 4]> {
    (0..a * b * c * d).map(move |index| {
        [
            index / (b * c * d),
            index / (c * d) % b,
            index / d % c,
            index % d,
        ]
    })
}
