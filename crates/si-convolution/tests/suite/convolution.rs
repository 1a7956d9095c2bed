use rayon::ThreadPoolBuilder;
use si_convolution::{Activation, Convolution, Forward, Gradients, Wanted};

use crate::reference;

/// A sum of `n` products of numbers below 1 in f32 is off by about `sqrt(n)` times this, and never by more than `n` times.
const ROUNDING: f64 = 6e-8;

/// A convolution, the number of images, and their height and width.
type Case = (Convolution, usize, [usize; 2]);

fn cases() -> Vec<Case> {
    let plain = Convolution::new;
    vec![
        (plain([3, 32], [3, 3]).with_padding([1, 1]), 2, [32, 32]),
        (plain([32, 32], [3, 3]), 2, [32, 32]),
        (plain([32, 64], [3, 3]).with_padding([1, 1]), 3, [15, 15]),
        (plain([64, 64], [3, 3]), 2, [15, 15]),
        // One channel, one image, one pixel.
        (plain([1, 1], [1, 1]), 1, [1, 1]),
        (plain([1, 1], [3, 3]).with_padding([1, 1]), 1, [1, 1]),
        (plain([1, 5], [3, 3]), 1, [7, 5]),
        (plain([5, 1], [3, 3]).with_padding([1, 1]), 4, [4, 9]),
        // Kernels.
        (plain([7, 9], [1, 1]), 2, [13, 14]),
        (plain([8, 8], [2, 2]), 2, [9, 17]),
        (plain([2, 3], [2, 4]).with_padding([1, 2]), 2, [6, 20]),
        (plain([6, 16], [5, 5]), 3, [14, 14]),
        (plain([1, 6], [5, 5]).with_padding([2, 2]), 5, [28, 28]),
        (plain([3, 4], [1, 7]).with_padding([0, 3]), 2, [5, 19]),
        (plain([3, 4], [7, 1]).with_padding([3, 0]), 2, [19, 5]),
        // Borders on one side only, and wider than the kernel reaches.
        (plain([3, 4], [3, 3]).with_padding([0, 1]), 2, [8, 16]),
        (plain([3, 4], [3, 3]).with_padding([4, 5]), 2, [6, 7]),
        (plain([9, 10], [1, 1]).with_padding([2, 1]), 2, [14, 15]),
        // Strides, where the last rows and columns are in no window, and where they are.
        (
            plain([8, 9], [3, 3])
                .with_padding([1, 1])
                .with_stride([2, 2]),
            3,
            [16, 16],
        ),
        (
            plain([8, 9], [3, 3])
                .with_padding([1, 1])
                .with_stride([2, 2]),
            3,
            [15, 33],
        ),
        (plain([4, 8], [1, 1]).with_stride([2, 2]), 2, [32, 32]),
        (
            plain([3, 5], [7, 7])
                .with_padding([3, 3])
                .with_stride([2, 2]),
            2,
            [31, 30],
        ),
        (plain([3, 5], [2, 3]).with_stride([3, 1]), 2, [11, 14]),
        (
            plain([3, 5], [2, 3])
                .with_padding([0, 2])
                .with_stride([1, 4]),
            2,
            [11, 14],
        ),
        (
            plain([2, 3], [1, 1])
                .with_padding([3, 3])
                .with_stride([2, 3]),
            2,
            [6, 8],
        ),
        // Dilation.
        (
            plain([4, 5], [3, 3])
                .with_dilation([2, 2])
                .with_padding([2, 2]),
            2,
            [14, 15],
        ),
        (
            plain([4, 5], [3, 2])
                .with_dilation([3, 1])
                .with_stride([2, 1]),
            2,
            [14, 15],
        ),
        (
            plain([4, 5], [3, 3])
                .with_dilation([1, 3])
                .with_stride([2, 2]),
            2,
            [14, 15],
        ),
        // More images than parts of a batch.
        (plain([2, 3], [3, 3]).with_padding([1, 1]), 37, [5, 6]),
    ]
}

#[test]
fn values_and_gradients_match_loops_in_double_precision() {
    for (convolution, batch_size, size) in cases() {
        for activation in [Activation::None, Activation::Relu] {
            let inputs = Inputs::new(&convolution, batch_size, size);
            let output = inputs.forward(activation);
            let expected = inputs.expected_output(activation);
            let window = (inputs.weight.len() / convolution.channels[1]) as f64;
            assert_close(&output, &expected, window, "output", convolution);

            let found = inputs.backward(&output, activation, Wanted::ALL);
            let expected = inputs.expected_gradients(&output, activation);
            let outputs = (output.len() / convolution.channels[1]) as f64;
            let reached = window / convolution.channels[0] as f64 * convolution.channels[1] as f64;
            let terms = [reached, outputs, outputs];
            let found = [found.images, found.weight, found.bias].map(|all| all.expect("wanted"));
            let names = ["images", "weight", "bias"];
            for (((found, expected), terms), name) in
                found.iter().zip(expected).zip(terms).zip(names)
            {
                assert_close(found, &expected, terms, name, convolution);
            }
        }
    }
}

#[test]
fn the_loops_gradients_match_finite_differences() {
    const STEP: f64 = 1e-3;
    // Each sum is linear in each number, so only rounding is left.
    const TOLERANCE: f64 = 1e-9;
    let convolution = Convolution::new([2, 3], [3, 2])
        .with_padding([1, 0])
        .with_stride([1, 2])
        .with_dilation([1, 2]);
    let inputs = Inputs::new(&convolution, 2, [4, 7]);
    let [images, weight, bias] =
        [&inputs.images, &inputs.weight, &inputs.bias].map(|numbers| double(numbers));
    let output_gradient = double(&inputs.gradient);
    let loss = |parts: &[Vec<f64>; 3]| -> f64 {
        let [images, weight, bias] = parts;
        let output = reference::convolve(&convolution, inputs.size, images, weight, bias);
        output
            .iter()
            .zip(&output_gradient)
            .map(|(a, b)| a * b)
            .sum()
    };
    let gradients = reference::gradients(
        &convolution,
        inputs.size,
        &images,
        &weight,
        &output_gradient,
    );
    let parts = [images, weight, bias];
    for (part, gradients) in gradients.iter().enumerate() {
        for (index, gradient) in gradients.iter().enumerate() {
            let moved = |step: f64| {
                let mut parts = parts.clone();
                parts[part][index] += step;
                loss(&parts)
            };
            let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!(
                (difference - gradient).abs() < TOLERANCE,
                "{part}, {index}: {difference} and {gradient}"
            );
        }
    }
}

#[test]
fn the_bits_depend_on_neither_run_nor_threads() {
    for (convolution, _, size) in cases() {
        let inputs = Inputs::new(&convolution, 33, size);
        let run = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads start").install(|| {
                let output = inputs.forward(Activation::Relu);
                let gradients = inputs.backward(&output, Activation::Relu, Wanted::ALL);
                (output, gradients)
            })
        };
        let expected = run(1);
        for threads in [1, 2, 2, 3] {
            assert!(
                run(threads) == expected,
                "{convolution:?}, {threads} threads"
            );
        }
    }
}

#[test]
fn an_empty_batch_has_an_empty_output_and_gradients_of_zero() {
    for (convolution, _, size) in cases() {
        let inputs = Inputs::new(&convolution, 0, size);
        let output = inputs.forward(Activation::None);
        let gradients = inputs.backward(&output, Activation::None, Wanted::ALL);
        assert!(output.is_empty());
        assert_eq!(gradients.images, Some(vec![]));
        assert_eq!(gradients.weight, Some(vec![0.0; inputs.weight.len()]));
        assert_eq!(gradients.bias, Some(vec![0.0; inputs.bias.len()]));
    }
}

#[test]
fn gradients_that_are_wanted_alone_are_the_same() {
    for (convolution, batch_size, size) in cases() {
        let inputs = Inputs::new(&convolution, batch_size, size);
        let output = inputs.forward(Activation::Relu);
        let run = |wanted| inputs.backward(&output, Activation::Relu, wanted);
        let all = run(Wanted::ALL);
        let [images, weight, bias] = [
            [true, false, false],
            [false, true, false],
            [false, false, true],
        ]
        .map(|[images, weight, bias]| {
            run(Wanted {
                images,
                weight,
                bias,
            })
        });
        assert_eq!((images.weight, images.bias), (None, None));
        assert_eq!((weight.images, weight.bias), (None, None));
        assert_eq!((bias.images, bias.weight), (None, None));
        assert!(images.images == all.images, "{convolution:?}");
        assert!(bias.bias == all.bias, "{convolution:?}");
        let terms = (output.len() / convolution.channels[1]) as f64;
        // Another canvas may have another distance between rows, and so another order of summation.
        let [weight, expected] = [weight.weight, all.weight].map(|all| all.expect("wanted"));
        assert_close(&weight, &double(&expected), terms, "weight", convolution);
    }
}

#[test]
fn windows_that_do_not_fit_have_no_output() {
    let convolution = Convolution::new([1, 1], [3, 3]);
    assert_eq!(convolution.output_size([2, 3]), None);
    assert_eq!(convolution.output_size([3, 4]), Some([1, 2]));
    assert_eq!(
        convolution.with_padding([1, 0]).output_size([1, 3]),
        Some([1, 1])
    );
    assert_eq!(convolution.with_stride([0, 1]).output_size([3, 3]), None);
}

struct Inputs {
    convolution: Convolution,
    size: [usize; 2],
    images: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    gradient: Vec<f32>,
}

impl Inputs {
    fn new(convolution: &Convolution, batch_size: usize, size: [usize; 2]) -> Self {
        crate::prepare();
        let [channels_in, channels_out] = convolution.channels;
        let plane: usize = reference::output_size(convolution, size).iter().product();
        let mut numbers = numbers();
        let mut take = |len: usize| numbers.by_ref().take(len).collect();
        Self {
            convolution: *convolution,
            size,
            images: take(batch_size * channels_in * size[0] * size[1]),
            weight: take(convolution.num_weights()),
            bias: take(channels_out),
            gradient: take(batch_size * channels_out * plane),
        }
    }

    fn forward(&self, activation: Activation) -> Vec<f32> {
        let bias = Some(&self.bias[..]);
        let convolution = &self.convolution;
        convolution.forward(self.size, &self.images, &self.weight, bias, activation)
    }

    fn backward(&self, output: &[f32], activation: Activation, wanted: Wanted) -> Gradients {
        let forward = Forward {
            images: &self.images,
            weight: &self.weight,
            rectified: (activation == Activation::Relu).then_some(output),
        };
        self.convolution
            .backward(self.size, forward, &self.gradient, wanted)
    }

    fn expected_output(&self, activation: Activation) -> Vec<f64> {
        let [images, weight, bias] =
            [&self.images, &self.weight, &self.bias].map(|all| double(all));
        let mut output = reference::convolve(&self.convolution, self.size, &images, &weight, &bias);
        if activation == Activation::Relu {
            output
                .iter_mut()
                .for_each(|number| *number = number.max(0.0));
        }
        output
    }

    fn expected_gradients(&self, output: &[f32], activation: Activation) -> [Vec<f64>; 3] {
        let mut gradient = double(&self.gradient);
        if activation == Activation::Relu {
            for (gradient, output) in gradient.iter_mut().zip(output) {
                *gradient *= f64::from(u8::from(*output > 0.0));
            }
        }
        let [images, weight] = [&self.images, &self.weight].map(|all| double(all));
        reference::gradients(&self.convolution, self.size, &images, &weight, &gradient)
    }
}

fn assert_close(found: &[f32], expected: &[f64], terms: f64, name: &str, convolution: Convolution) {
    assert_eq!(found.len(), expected.len(), "{name} of {convolution:?}");
    // The numbers are below 1 in size, and partial sums not far above the square root of their number.
    let tolerance = 4.0 * ROUNDING * (terms + 1.0);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        assert!(
            difference <= tolerance,
            "{name} {index} of {convolution:?}: {found} and {expected}"
        );
    }
}

fn double(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().copied().map(f64::from).collect()
}

/// Numbers between -0.5 and 0.5.
fn numbers() -> impl Iterator<Item = f32> {
    let mut state = 1_u32;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    })
}
