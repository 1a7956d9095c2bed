use pulp::Arch;
use rayon::prelude::*;

use crate::convolution::Convolution;
use crate::forward::put_row;
use crate::pixels::{Pixels, Products};
use crate::planes::{Content, Planes, Windows};
use crate::transpose::Finish;
use crate::weights::{Packed, unpacked};
use crate::{chunks, vectors};

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
        let chunk_len = chunks::len(batch_size, plan.num_weight_sums);
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
            weight: plan.products.as_ref().map(|products| {
                unpacked(self, &total.weight, products.gradients.channels_padded())
            }),
            bias: wanted.bias.then_some(total.bias),
        }
    }

    /// The output's gradient with the windows that lead to the gradient of an image of this size.
    fn gradient_planes(&self, size: [usize; 2], output_size: [usize; 2]) -> Planes {
        let reach = self.reach();
        let content = Content {
            size: output_size,
            front: [0, 1].map(|axis| reach[axis].saturating_sub(self.padding[axis])),
            spacing: self.stride,
        };
        let windows = Windows {
            number: size,
            // A border that is wider than the kernel's reach has outputs that depend on no pixel.
            start: [0, 1].map(|axis| self.padding[axis].saturating_sub(reach[axis])),
            stride: [1; 2],
            size: self.kernel,
            dilation: self.dilation,
        };
        Planes::new(self.channels[1], content, windows)
    }
}

/// What is the same for all images.
struct Plan {
    arch: Arch,
    channels_in: usize,
    /// For the images' gradient.
    planes: Option<(Planes, Packed)>,
    /// For the weight's gradient.
    products: Option<Products>,
    num_weight_sums: usize,
    num_biases: usize,
}

impl Plan {
    fn new(convolution: &Convolution, size: [usize; 2], weight: &[f32], wanted: Wanted) -> Self {
        let [channels_in, channels_out] = convolution.channels;
        let arch = vectors::arch();
        let lanes = vectors::lanes(arch);
        let windows = convolution.windows(size);
        let planes = wanted.images.then(|| {
            let planes = convolution.gradient_planes(size, windows.number);
            let rows = planes.element_rows();
            let weight = Packed::for_input_gradient(convolution, weight, rows, lanes);
            (planes, weight)
        });
        let products = wanted.weight.then(|| Products {
            images: Pixels::for_windows(channels_in, convolution.content(size), windows),
            gradients: Pixels::dense(channels_out, windows.number, lanes),
            content: convolution.content(size),
            windows,
        });
        let sums_per_channel = convolution.num_weights() / channels_out;
        Self {
            arch,
            channels_in,
            planes,
            num_weight_sums: products.as_ref().map_or(0, |products| {
                sums_per_channel * products.gradients.channels_padded()
            }),
            products,
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
    gradient_planes: Vec<f32>,
    image_row: Vec<f32>,
    image_pixels: Vec<f32>,
    gradient_pixels: Vec<f32>,
}

impl<'a> Chunk<'a> {
    fn new(plan: &'a Plan) -> Self {
        let (gradient_planes, image_row) = plan
            .planes
            .as_ref()
            .map(|(planes, weight)| (planes.zeros(), planes.scratch(weight)))
            .unwrap_or_default();
        let (image_pixels, gradient_pixels) = plan
            .products
            .as_ref()
            .map(|products| (products.images.zeros(), products.gradients.zeros()))
            .unwrap_or_default();
        Self {
            plan,
            sums: Sums::zeros(plan),
            passed: vec![],
            gradient_planes,
            image_row,
            image_pixels,
            gradient_pixels,
        }
    }

    fn add_image(
        &mut self,
        image: &[f32],
        rectified: Option<&[f32]>,
        gradient: &[f32],
        image_gradient: Option<&mut [f32]>,
    ) {
        let arch = self.plan.arch;
        let gradient = match rectified {
            None => gradient,
            Some(rectified) => {
                pass(arch, rectified, gradient, &mut self.passed);
                &self.passed
            }
        };
        if !self.sums.bias.is_empty() {
            add_planes(arch, &mut self.sums.bias, gradient);
        }
        if let Some(products) = &self.plan.products {
            products.images.draw(&mut self.image_pixels, image);
            products.gradients.draw(&mut self.gradient_pixels, gradient);
            products.add(
                arch,
                &self.image_pixels,
                &self.gradient_pixels,
                &mut self.sums.weight,
            );
        }
        if let (Some((planes, weight)), Some(image_gradient)) = (&self.plan.planes, image_gradient)
        {
            let canvas = planes.draw(&mut self.gradient_planes, gradient);
            let (channels, padded) = (self.plan.channels_in, weight.channels_out_padded());
            planes.sum_windows(arch, canvas, weight, &mut self.image_row, |row, sums| {
                let finish = Finish::default();
                put_row(image_gradient, channels, row, sums, padded, finish);
            });
        }
    }
}

/// Sums over images.
struct Sums {
    /// `[kernel_height, kernel_width, channels_in, channels_out_padded]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Sums {
    fn zeros(plan: &Plan) -> Self {
        Self {
            weight: vec![0.0; plan.num_weight_sums],
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
fn pass(arch: Arch, rectified: &[f32], gradient: &[f32], passed: &mut Vec<f32>) {
    passed.resize(gradient.len(), 0.0);
    arch.dispatch(
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
fn add_planes(arch: Arch, sums: &mut [f32], numbers: &[f32]) {
    /// Partial sums that are computed side by side.
    const LANES: usize = 32;
    let plane = numbers.len() / sums.len();
    arch.dispatch(
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
