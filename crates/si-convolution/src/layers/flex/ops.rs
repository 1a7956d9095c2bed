//! The kernels as operations of Flex, with gradients.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, DType, Dispatch, ExtensionType, Flex, backend_extension};
use burn::nn::conv::Conv2d;
use burn::tensor::{Bytes, Shape, Tensor};

use crate::{Activation, Convolution, Forward, MaxPool, Wanted};

/// The bias of a convolution, if it has one.
#[derive(ExtensionType)]
pub(super) enum Bias<B: Backend> {
    /// `[channels_out]`.
    Of(FloatTensor<B>),
    /// There is none.
    None,
}

impl<B: Backend> Bias<B> {
    fn new(bias: Option<FloatTensor<B>>) -> Self {
        bias.map_or(Self::None, Self::Of)
    }

    fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Of(bias) => Some(bias),
            Self::None => None,
        }
    }
}

/// Convolution and max pooling on float tensors of 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait ConvolutionOps: Backend {
    /// See [`Convolution::forward`].
    fn convolve(
        images: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Bias<Self>,
        convolution: Convolution,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// See [`MaxPool::forward`].
    fn max_pool(images: FloatTensor<Self>, pool: MaxPool) -> FloatTensor<Self>;
}

pub(in crate::layers) fn convolve(
    layer: &Conv2d,
    images: Tensor<4>,
    convolution: Convolution,
    activation: Activation,
) -> Tensor<4> {
    let bias = layer.bias.as_ref().map(|bias| bias.val().into_dispatch());
    let (images, weight) = (images.into_dispatch(), layer.weight.val().into_dispatch());
    Tensor::from_dispatch(<Dispatch as ConvolutionOps>::convolve(
        images,
        weight,
        Bias::new(bias),
        convolution,
        activation,
    ))
}

pub(in crate::layers) fn max_pool(images: Tensor<4>, pool: MaxPool) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as ConvolutionOps>::max_pool(
        images.into_dispatch(),
        pool,
    ))
}

impl ConvolutionOps for Flex {
    fn convolve(
        images: FlexTensor,
        weight: FlexTensor,
        bias: Bias<Self>,
        convolution: Convolution,
        activation: Activation,
    ) -> FlexTensor {
        let ([batch_size, _, height, width], channels_out) =
            (dims(&images), convolution.channels[1]);
        let size = [height, width];
        let [images, weight] = [images, weight].map(contiguous);
        let bias = bias.into_option().map(contiguous);
        let output = convolution.forward(
            size,
            numbers(&images),
            numbers(&weight),
            bias.as_ref().map(numbers),
            activation,
        );
        let output_size = convolution.output_size(size);
        let [height, width] = output_size.expect("the kernel has found one");
        tensor(output, [batch_size, channels_out, height, width])
    }

    fn max_pool(images: FlexTensor, pool: MaxPool) -> FlexTensor {
        let [batch_size, channels, height, width] = dims(&images);
        let size = [height, width];
        let images = contiguous(images);
        let output = pool.forward(size, numbers(&images));
        let [height, width] = pool.output_size(size).expect("the kernel has found one");
        tensor(output, [batch_size, channels, height, width])
    }
}

impl<C: CheckpointStrategy> ConvolutionOps for Autodiff<Flex, C> {
    fn convolve(
        images: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Bias<Self>,
        convolution: Convolution,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let ((images, image_node), (weight, weight_node)) =
            (images.into_parts(), weight.into_parts());
        let bias = bias.into_option().map(FloatTensor::<Self>::into_parts);
        let (bias, bias_node) = bias.unzip();
        let output = Flex::convolve(
            images.clone(),
            weight.clone(),
            Bias::new(bias),
            convolution,
            activation,
        );
        let state = || ConvolutionState {
            convolution,
            images,
            weight,
            rectified: (activation == Activation::Relu).then(|| output.clone()),
        };
        macro_rules! track {
            ($nodes:expr) => {
                match ConvolutionGradients
                    .prepare::<C>($nodes)
                    .compute_bound()
                    .stateful()
                {
                    OpsKind::Tracked(prep) => prep.finish(state(), output),
                    OpsKind::UnTracked(prep) => prep.finish(output),
                }
            };
        }
        match bias_node {
            Some(bias_node) => track!([image_node, weight_node, bias_node]),
            None => track!([image_node, weight_node]),
        }
    }

    fn max_pool(images: FloatTensor<Self>, pool: MaxPool) -> FloatTensor<Self> {
        let (images, node) = images.into_parts();
        let output = Flex::max_pool(images.clone(), pool);
        match PoolGradient.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((pool, images), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}

#[derive(Debug)]
struct ConvolutionGradients;

#[derive(Clone, Debug)]
struct ConvolutionState {
    convolution: Convolution,
    images: FlexTensor,
    weight: FlexTensor,
    /// The output, if it was rectified.
    rectified: Option<FlexTensor>,
}

/// Parents: images, weight and, if there is one, bias.
impl<const N: usize> Backward<Flex, N> for ConvolutionGradients {
    type State = ConvolutionState;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let ConvolutionState {
            convolution,
            images,
            weight,
            rectified,
        } = ops.state;
        let (image_dims, weight_dims) = (dims(&images), dims(&weight));
        let [_, _, height, width] = image_dims;
        let [images, weight] = [images, weight].map(contiguous);
        let mut nodes = ops.parents.into_iter();
        let [image_node, weight_node, bias_node] =
            [(); 3].map(|()| nodes.next().flatten().map(|node| node.id));
        let gradients = convolution.backward(
            [height, width],
            Forward {
                images: numbers(&images),
                weight: numbers(&weight),
                rectified: rectified.as_ref().map(numbers),
            },
            numbers(&gradient),
            Wanted {
                images: image_node.is_some(),
                weight: weight_node.is_some(),
                bias: bias_node.is_some(),
            },
        );
        if let (Some(node), Some(gradient)) = (image_node, gradients.images) {
            grads.register::<Flex>(node, tensor(gradient, image_dims));
        }
        if let (Some(node), Some(gradient)) = (weight_node, gradients.weight) {
            grads.register::<Flex>(node, tensor(gradient, weight_dims));
        }
        if let (Some(node), Some(gradient)) = (bias_node, gradients.bias) {
            let len = gradient.len();
            grads.register::<Flex>(node, tensor(gradient, [len]));
        }
    }
}

#[derive(Debug)]
struct PoolGradient;

impl Backward<Flex, 1> for PoolGradient {
    type State = (MaxPool, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let (pool, images) = ops.state;
        if let [Some(node)] = ops.parents {
            let dims @ [_, _, height, width] = dims(&images);
            let images = contiguous(images);
            let gradient = pool.backward([height, width], numbers(&images), numbers(&gradient));
            grads.register::<Flex>(node.id, tensor(gradient, dims));
        }
    }
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

fn dims(tensor: &FlexTensor) -> [usize; 4] {
    tensor.layout().shape().dims()
}

/// # Panics
///
/// If the tensor is not contiguous.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("the tensor is contiguous, of f32")
}

fn tensor<const D: usize>(numbers: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::new(dims));
    FlexTensor::new(Bytes::from_elems(numbers), layout, DType::F32)
}
