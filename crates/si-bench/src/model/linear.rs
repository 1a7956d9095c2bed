//! Linear layers, so that they are fast on graphics cards too.
//!
//! Burn's kernels for graphics cards go along the inputs of a layer one after the other, and compute few outputs at once.
//! With small batches, most of the card is idle, and a layer takes as long as its inputs are many. So a small layer's sum
//! over the inputs is computed in parts, all at once, and the parts are added.

use std::ops::RangeInclusive;

use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use si_core::replicas::StackedLinear;

/// The number of inputs in a part: the largest divisor in this range.
const PART: RangeInclusive<usize> = 16..=64;

/// The most numbers that the products of all parts may have: 16 MB. With more, a card is busy anyway, and writing and
/// reading them would take longer than it saves.
const MAX_PRODUCTS: usize = 1 << 22;

/// The outputs of a layer: `[batch, inputs]` to `[batch, outputs]`.
pub(super) fn forward(layer: &Linear, inputs: Tensor<2>) -> Tensor<2> {
    let [batch, num_inputs] = inputs.dims();
    let [_, num_outputs] = layer.weight.dims();
    let part = part(num_inputs, batch * num_outputs);
    let Some(part) = part.filter(|_| is_card(&inputs.device())) else {
        return layer.forward(inputs);
    };
    let weight = layer.weight.val().unsqueeze::<3>();
    let outputs = in_parts(inputs.unsqueeze(), weight, part).squeeze_dim::<2>(0);
    match &layer.bias {
        Some(bias) => outputs + bias.val().unsqueeze(),
        None => outputs,
    }
}

/// The outputs of each replica of a layer: `[replicas, batch, inputs]` to `[replicas, batch, outputs]`.
pub(super) fn forward_stacked(layer: &StackedLinear, inputs: Tensor<3>) -> Tensor<3> {
    let [num_replicas, batch, num_inputs] = inputs.dims();
    let [_, _, num_outputs] = layer.weight.dims();
    let part = part(num_inputs, num_replicas * batch * num_outputs);
    let Some(part) = part.filter(|_| is_card(&inputs.device())) else {
        return layer.forward(inputs);
    };
    let outputs = in_parts(inputs, layer.weight.val(), part);
    match &layer.bias {
        Some(bias) => outputs + bias.val(),
        None => outputs,
    }
}

/// The products of `inputs`, `[replicas, batch, inputs]`, and `weight`, `[replicas, inputs, outputs]`, by `part` inputs at a
/// time.
fn in_parts(inputs: Tensor<3>, weight: Tensor<3>, part: usize) -> Tensor<3> {
    let [num_replicas, batch, num_inputs] = inputs.dims();
    let [_, _, num_outputs] = weight.dims();
    let num_parts = num_inputs / part;
    let inputs = inputs.reshape([num_replicas, batch, num_parts, part]);
    let weight = weight.reshape([num_replicas, num_parts, part, num_outputs]);
    let products = inputs.swap_dims(1, 2).matmul(weight);
    products.sum_dim(1).squeeze_dim(1)
}

/// The number of inputs in a part, for a layer with `num_sums` outputs in the whole batch. `None` if it has too few inputs,
/// if they cannot be divided, or if the layer is large.
fn part(num_inputs: usize, num_sums: usize) -> Option<usize> {
    let divides = |part: &usize| num_inputs > *part && num_inputs.is_multiple_of(*part);
    let is_small = |part: &usize| num_inputs / part * num_sums <= MAX_PRODUCTS;
    PART.rev().find(divides).filter(is_small)
}

/// Whether the device is a graphics card, or emulates one.
#[cfg(feature = "cube")]
fn is_card(device: &Device) -> bool {
    use burn::backend::DispatchDevice;

    match device.clone().inner().as_dispatch() {
        DispatchDevice::Cube(device) => {
            let client = device.client();
            client.properties().hardware.num_cpu_cores.is_none()
        }
        _ => false,
    }
}

#[cfg(not(feature = "cube"))]
fn is_card(_device: &Device) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::nn::LinearConfig;
    use burn::tensor::{Distribution, Tolerance};

    use super::*;

    #[test]
    fn the_layers_of_the_paper_s_small_network_have_parts_of_the_same_size() {
        assert_eq!(part(784, 64 * 256), Some(56));
        assert_eq!(part(256, 64 * 256), Some(64));
        assert_eq!(part(256, 64 * 10), Some(64));
        assert_eq!(part(64, 10), Some(32));
    }

    #[test]
    fn a_large_layer_or_stack_is_not_divided() {
        assert_eq!(part(784, 10 * 64 * 256), Some(56));
        for num_sums in [256 * 2000, 50 * 64 * 256] {
            assert_eq!(part(784, num_sums), None);
        }
    }

    #[test]
    fn a_short_or_indivisible_sum_is_not_divided() {
        for num_inputs in [0, 1, 16, 31, 61, 127, 262] {
            assert_eq!(part(num_inputs, 10), None, "{num_inputs}");
        }
    }

    #[test]
    fn products_in_parts_and_their_gradients_are_those_of_whole_products() {
        let device = Device::flex().autodiff();
        let random = |shape| Tensor::<3>::random(shape, Distribution::Default, &device);
        let [inputs, weight, factors] = [[3, 5, 48], [3, 48, 4], [3, 5, 4]].map(random);
        let [whole, parts] = [None, Some(16)].map(|part| {
            let inputs = inputs.clone().require_grad();
            let weight = weight.clone().require_grad();
            let outputs = match part {
                Some(part) => in_parts(inputs.clone(), weight.clone(), part),
                None => inputs.clone().matmul(weight.clone()),
            };
            let grads = (outputs.clone() * factors.clone()).sum().backward();
            let grad = |of: &Tensor<3>| of.grad(&grads).expect("it has a gradient").into_data();
            [outputs.into_data(), grad(&inputs), grad(&weight)]
        });
        for (whole, parts) in whole.iter().zip(parts) {
            parts.assert_approx_eq::<f32>(whole, Tolerance::relative(1e-5));
        }
    }

    #[test]
    fn a_layer_has_the_outputs_of_burn_s_on_every_device() {
        for backend in crate::available() {
            for found in backend.found.into_iter().flatten() {
                let device = crate::device(&found.name).expect("it was found");
                for has_bias in [true, false] {
                    let layer = LinearConfig::new(96, 4).with_bias(has_bias).init(&device);
                    let inputs = Tensor::<2>::random([5, 96], Distribution::Default, &device);
                    let expected = layer.forward(inputs.clone()).into_data();
                    forward(&layer, inputs.clone())
                        .into_data()
                        .assert_approx_eq::<f32>(&expected, Tolerance::relative(1e-4));
                    let stack = StackedLinear::new([&layer, &layer]).expect("they are alike");
                    assert_eq!(stack.num_params(), 2 * layer.num_params());
                    let outputs = forward_stacked(&stack, inputs.unsqueeze().repeat_dim(0, 2));
                    outputs
                        .narrow(0, 1, 1)
                        .squeeze_dim::<2>(0)
                        .into_data()
                        .assert_approx_eq::<f32>(&expected, Tolerance::relative(1e-4));
                }
            }
        }
    }
}
