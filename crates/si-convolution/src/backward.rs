use pulp::Arch;
use rayon::prelude::*;

use crate::canvas::{Canvas, Content, Windows};
use crate::convolution::Convolution;
use crate::forward::put_row;
use crate::sweep::Sweep;
use crate::transpose::Finish;
use crate::{chunks, weights};

/// What a pass backwards needs of the pass forwards.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// The images, `[batch, channels_in, height, width]`.
    pub images: &'a [f32],
    /// The weight, `[channels_out, channels_in, kernel_height, kernel_width]`.
    pub weight: &'a [f32],
    /// The output, if [`Activation::Relu`](crate::Activation::Relu) was applied.
    pub rectified: Option<&'a [f32]>,
}

/// Which gradients are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// That of the images.
    pub images: bool,
    /// That of the weight.
    pub weight: bool,
    /// That of the bias.
    pub bias: bool,
}

/// Gradients of what a convolution is given, each if it was wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// `[batch, channels_in, height, width]`.
    pub images: Option<Vec<f32>>,
    /// `[channels_out, channels_in, kernel_height, kernel_width]`.
    pub weight: Option<Vec<f32>>,
    /// `[channels_out]`.
    pub bias: Option<Vec<f32>>,
}

impl Wanted {
    /// All gradients.
    pub const ALL: Self = Self {
        images: true,
        weight: true,
        bias: true,
    };
}

impl Convolution {
    /// The gradients for images of this height and width, from that of the output,
    /// `[batch, channels_out, height, width]`.
    ///
    /// # Panics
    ///
    /// If there is no [`output_size`](Self::output_size), or if a slice has another length than it must have.
    pub fn backward(
        &self,
        size: [usize; 2],
        forward: Forward<'_>,
        gradient: &[f32],
        wanted: Wanted,
    ) -> Gradients {
        let (image_len, output_len) = self.checked_lens(size, forward.images, forward.weight);
        let batch_size = forward.images.len() / image_len;
        let outputs = [Some(gradient), forward.rectified];
        for output in outputs.into_iter().flatten() {
            assert_eq!(output.len(), batch_size * output_len, "the output's length");
        }
        let plan = Plan::new(self, size, forward.weight, wanted);
        let chunk_len = chunks::len(batch_size, plan.num_weights);
        let mut images = vec![
            0.0;
            if wanted.images {
                forward.images.len()
            } else {
                0
            }
        ];
        let mut image_chunks = images.chunks_mut(chunk_len * image_len);
        let starts = (0..batch_size).step_by(chunk_len);
        let tasks: Vec<_> = starts.map(|start| (start, image_chunks.next())).collect();
        let sums: Vec<_> = tasks
            .into_par_iter()
            .map(|(start, image_gradients)| {
                let mut chunk = Chunk::new(&plan);
                let mut image_gradients = image_gradients.map(|all| all.chunks_mut(image_len));
                for index in start..(start + chunk_len).min(batch_size) {
                    chunk.add_image(
                        &forward.images[index * image_len..][..image_len],
                        forward
                            .rectified
                            .map(|all| &all[index * output_len..][..output_len]),
                        &gradient[index * output_len..][..output_len],
                        image_gradients.as_mut().and_then(Iterator::next),
                    );
                }
                chunk.sums
            })
            .collect();
        let total = Sums::total(&plan, sums);
        Gradients {
            images: wanted.images.then_some(images),
            weight: wanted
                .weight
                .then(|| weights::unpacked(self, &total.weight)),
            bias: wanted.bias.then_some(total.bias),
        }
    }

    /// The windows of output gradients that lead to the gradients of images of this size.
    fn gradient_sweep(&self, size: [usize; 2], output_size: [usize; 2]) -> Sweep {
        let reach = self.reach();
        // A window ends at the last output to which a pixel contributes. A border wider than the kernel's reach has outputs that
        // no pixel contributes to.
        let front = [0, 1].map(|axis| reach[axis].saturating_sub(self.padding[axis]));
        let start = [0, 1].map(|axis| self.padding[axis].saturating_sub(reach[axis]));
        let content = Content {
            size: output_size,
            front,
            spacing: self.stride,
        };
        let windows = Windows {
            number: size,
            start,
            stride: [1; 2],
            reach,
        };
        let canvas = Canvas::new(self.channels[1], content, windows);
        Sweep::new(canvas, windows, self.kernel, self.dilation)
    }
}

/// What is the same for all images.
struct Plan {
    images: Sweep,
    /// The output's gradient, with the border that the images' gradient needs. `None` if that is not wanted.
    gradients: Option<Sweep>,
    /// The output's gradient as the weight's needs it. `None` if that is not wanted, or finds it on the other canvas.
    rows: Option<Canvas>,
    /// The weight for the images' gradient.
    weight: Vec<f32>,
    channels_in: usize,
    num_weights: usize,
    num_biases: usize,
}

impl Plan {
    fn new(convolution: &Convolution, size: [usize; 2], weight: &[f32], wanted: Wanted) -> Self {
        let [channels_in, channels_out] = convolution.channels;
        let output_size = convolution.output_size(size).expect("checked before");
        let images = convolution.sweep(size);
        let gradients = wanted
            .images
            .then(|| convolution.gradient_sweep(size, output_size));
        let is_shared = gradients.as_ref().is_some_and(|gradients| {
            convolution.stride == [1; 2] && gradients.pitch() == images.pitch()
        });
        let rows = Canvas::dense(channels_out, output_size, images.pitch());
        let weight = if wanted.images {
            weights::for_input_gradient(convolution, weight)
        } else {
            vec![]
        };
        Self {
            images,
            gradients,
            rows: (wanted.weight && !is_shared).then_some(rows),
            weight,
            channels_in,
            num_weights: if wanted.weight {
                convolution.num_weights()
            } else {
                0
            },
            num_biases: if wanted.bias { channels_out } else { 0 },
        }
    }
}

/// The work on some of the images, one after the other.
struct Chunk<'a> {
    plan: &'a Plan,
    sums: Sums,
    /// The output's gradient where the activation lets it through.
    passed: Vec<f32>,
    images: Vec<f32>,
    gradients: Vec<f32>,
    rows: Vec<f32>,
    scratch: Vec<f32>,
}

impl<'a> Chunk<'a> {
    fn new(plan: &'a Plan) -> Self {
        let zeros = |sweep: &Sweep| sweep.canvas().zeros();
        let gradients = plan.gradients.as_ref();
        Self {
            plan,
            sums: Sums::zeros(plan),
            passed: vec![],
            images: zeros(&plan.images),
            gradients: gradients.map(zeros).unwrap_or_default(),
            rows: plan.rows.as_ref().map(Canvas::zeros).unwrap_or_default(),
            scratch: gradients
                .map(|sweep| sweep.scratch(plan.channels_in))
                .unwrap_or_default(),
        }
    }

    fn add_image(
        &mut self,
        image: &[f32],
        rectified: Option<&[f32]>,
        gradient: &[f32],
        image_gradient: Option<&mut [f32]>,
    ) {
        let plan = self.plan;
        let gradient = match rectified {
            None => gradient,
            Some(rectified) => {
                pass(rectified, gradient, &mut self.passed);
                &self.passed
            }
        };
        if !self.sums.bias.is_empty() {
            add_planes(&mut self.sums.bias, gradient);
        }
        if let Some(gradients) = &plan.gradients {
            gradients.canvas().draw(&mut self.gradients, gradient);
        }
        if plan.num_weights > 0 {
            let gradient = match (&plan.rows, &plan.gradients) {
                (Some(rows), _) => {
                    rows.draw(&mut self.rows, gradient);
                    &self.rows
                }
                (None, Some(gradients)) => &self.gradients[gradients.canvas().first_pixel()..],
                (None, None) => unreachable!("the weight's gradient finds rows on one of them"),
            };
            plan.images.canvas().draw(&mut self.images, image);
            plan.images
                .add_weight_gradient(&self.images, gradient, &mut self.sums.weight);
        }
        if let (Some(gradients), Some(image_gradient)) = (&plan.gradients, image_gradient) {
            gradients.convolve(
                &self.gradients,
                &plan.weight,
                &mut self.scratch,
                |row, sums| {
                    let finish = Finish::default();
                    put_row(image_gradient, plan.channels_in, row, sums, finish);
                },
            );
        }
    }
}

/// Sums over images.
struct Sums {
    /// In the order of [`weights::for_output`].
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Sums {
    fn zeros(plan: &Plan) -> Self {
        Self {
            weight: vec![0.0; plan.num_weights],
            bias: vec![0.0; plan.num_biases],
        }
    }

    fn total(plan: &Plan, parts: Vec<Self>) -> Self {
        let mut total = Self::zeros(plan);
        for part in parts {
            add(&mut total.weight, &part.weight);
            add(&mut total.bias, &part.bias);
        }
        total
    }
}

fn add(sums: &mut [f32], numbers: &[f32]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

/// Writes the gradient to `passed` where `rectified` is not zero, and zeros elsewhere.
fn pass(rectified: &[f32], gradient: &[f32], passed: &mut Vec<f32>) {
    passed.resize(gradient.len(), 0.0);
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let pairs = rectified.iter().zip(gradient);
            for (passed, (rectified, gradient)) in passed.iter_mut().zip(pairs) {
                *passed = if *rectified <= 0.0 { 0.0 } else { *gradient };
            }
        },
    );
}

/// Adds the sum of each plane of `[channels, height, width]`.
fn add_planes(sums: &mut [f32], numbers: &[f32]) {
    /// Partial sums that are computed side by side.
    const LANES: usize = 32;
    let plane = numbers.len() / sums.len();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, plane) in sums.iter_mut().zip(numbers.chunks_exact(plane)) {
                let mut lanes = [0.0; LANES];
                let (blocks, rest) = plane.as_chunks::<LANES>();
                for block in blocks {
                    for (lane, number) in lanes.iter_mut().zip(block) {
                        *lane += number;
                    }
                }
                *sum += lanes.iter().chain(rest).sum::<f32>();
            }
        },
    );
}
