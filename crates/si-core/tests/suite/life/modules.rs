use burn::module::{Lora, Module, ModuleMapper, Param};
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, PaddingConfig2d,
};
use burn::prelude::*;
use burn::tensor::DType;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::common;
use crate::life::actions::Part;

pub(crate) const NUM_HEADS: usize = 2;
const FEATURES: usize = 4;
const BATCH: usize = 3;
const TOKENS: i32 = 5;

pub(crate) fn device() -> Device {
    common::device_with(DType::F32).autodiff()
}

/// The kind of a layer of the body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Linear,
    /// A linear layer with a low-rank adapter.
    Adapted,
    Conv,
    BatchNorm,
    LayerNorm,
    Embedding,
    Gru,
    Attention,
}

/// Layers from `[batch, features]` to the same shape, and heads, of which one is used.
#[derive(Module, Debug)]
pub(crate) struct Net {
    pub(crate) body: Vec<Layer>,
    pub(crate) heads: Vec<Linear>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "Burn derives modules of layers, but not of boxes"
)]
#[derive(Module, Debug)]
pub(crate) enum Layer {
    Linear(Linear),
    Conv(Conv2d),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Embedding(Embedding),
    Gru(Gru),
    Attention(MultiHeadAttention),
}

impl Layer {
    fn new(kind: Kind, device: &Device) -> Self {
        let linear = || LinearConfig::new(FEATURES, FEATURES).init(device);
        match kind {
            Kind::Linear => Self::Linear(linear()),
            Kind::Adapted => Self::Linear(linear().apply_lora(Lora::new(2, 4.0))),
            Kind::Conv => {
                let config = Conv2dConfig::new([1, 1], [3, 3]).with_padding(PaddingConfig2d::Same);
                Self::Conv(config.init(device))
            }
            Kind::BatchNorm => Self::BatchNorm(BatchNormConfig::new(FEATURES).init(device)),
            Kind::LayerNorm => Self::LayerNorm(LayerNormConfig::new(FEATURES).init(device)),
            Kind::Embedding => {
                Self::Embedding(EmbeddingConfig::new(TOKENS as usize, FEATURES).init(device))
            }
            Kind::Gru => Self::Gru(GruConfig::new(2, 2, true).init(device)),
            Kind::Attention => {
                let config = MultiHeadAttentionConfig::new(2, 1).with_dropout(0.0);
                Self::Attention(config.init(device))
            }
        }
    }

    fn precision(&self) -> DType {
        match self {
            Self::Linear(it) => it.weight.base().dtype(),
            Self::Conv(it) => it.weight.base().dtype(),
            Self::BatchNorm(it) => it.gamma.base().dtype(),
            Self::LayerNorm(it) => it.gamma.base().dtype(),
            Self::Embedding(it) => it.weight.base().dtype(),
            Self::Gru(it) => it.update_gate.input_transform.weight.base().dtype(),
            Self::Attention(it) => it.query.weight.base().dtype(),
        }
    }

    /// Shape: `[batch, features]`.
    fn forward(&self, x: Tensor<2>, batch: &Batch) -> Tensor<2> {
        let x = x.cast(self.precision());
        let as_sequence = |x: Tensor<2>| x.reshape([BATCH, 2, 2]);
        match self {
            Self::Linear(it) => it.forward(x).tanh(),
            Self::Conv(it) => {
                let image = x.reshape([BATCH, 1, 2, 2]);
                it.forward(image).reshape([BATCH, FEATURES])
            }
            Self::BatchNorm(it) => it.forward(x),
            Self::LayerNorm(it) => it.forward(x),
            Self::Embedding(it) => {
                let embedded: Tensor<3> = it.forward(batch.tokens.clone());
                x + embedded.mean_dim(1).reshape([BATCH, FEATURES])
            }
            Self::Gru(it) => (it.forward(as_sequence(x), None)).reshape([BATCH, FEATURES]),
            Self::Attention(it) => {
                let input = MhaInput::self_attn(as_sequence(x));
                it.forward(input).context.reshape([BATCH, FEATURES])
            }
        }
    }
}

impl Net {
    pub(crate) fn new(kinds: &[Kind], has_checkpointing: bool, draws: &mut Draws) -> Self {
        let device = if has_checkpointing {
            device().gradient_checkpointing()
        } else {
            device()
        };
        let net = Self {
            body: kinds.iter().map(|it| Layer::new(*it, &device)).collect(),
            heads: (0..NUM_HEADS)
                .map(|_| LinearConfig::new(FEATURES, 2).init(&device))
                .collect(),
        };
        draws.initialized(net)
    }

    /// The task loss, `[1]`, through one of the heads.
    pub(crate) fn loss(&self, batch: &Batch, head: usize) -> Tensor<1> {
        let layers = self.body.iter();
        let hidden = layers.fold(batch.inputs.clone(), |x, it| it.forward(x, batch));
        let head = &self.heads[head];
        let outputs = head.forward(hidden.cast(head.weight.val().dtype()));
        let outputs = outputs.cast(DType::F32);
        let [_, num_outputs] = outputs.dims();
        let targets = batch.targets.clone().narrow(1, 0, num_outputs);
        (outputs - targets).square().mean()
    }

    pub(crate) fn is_training(&self) -> bool {
        self.device().is_autodiff()
    }

    /// The device, with its autodiff settings: Burn does not mix different ones.
    pub(crate) fn device(&self) -> Device {
        self.heads[0].weight.val().device()
    }

    /// Whether Burn can compute with 16 bits in that part: running statistics and a part of a recurrent layer stay
    /// in 32 bits.
    pub(crate) fn can_be_cast(&self, part: Part) -> bool {
        match part {
            Part::Body(index) => !matches!(self.body[index], Layer::BatchNorm(_) | Layer::Gru(_)),
            Part::Head(_) => !self.has_tied_heads(),
        }
    }

    /// Whether a parameter is in two places.
    pub(crate) fn has_tied_heads(&self) -> bool {
        self.heads[0].weight.id == self.heads[1].weight.id
    }

    /// Maps every parameter of a part.
    pub(crate) fn with_mapped(mut self, part: Part, mapper: &mut impl ModuleMapper) -> Self {
        match part {
            Part::Body(index) => self.body[index] = self.body[index].clone().map(mapper),
            Part::Head(index) => self.heads[index] = self.heads[index].clone().map(mapper),
        }
        self
    }

    pub(crate) fn frozen(mut self, part: Part) -> Self {
        match part {
            Part::Body(index) => self.body[index] = self.body[index].clone().freeze(),
            Part::Head(index) => self.heads[index] = self.heads[index].clone().freeze(),
        }
        self
    }

    /// In an adapted layer this also trains the base, as Burn says.
    pub(crate) fn unfrozen(mut self, part: Part) -> Self {
        match part {
            Part::Body(index) => self.body[index] = self.body[index].clone().unfreeze(),
            Part::Head(index) => self.heads[index] = self.heads[index].clone().unfreeze(),
        }
        self
    }

    /// Replaces a head by a fresh one on the same device.
    pub(crate) fn with_fresh_head(
        mut self,
        index: usize,
        outputs: usize,
        draws: &mut Draws,
    ) -> Self {
        let device = self.heads[index].weight.val().device();
        let head = LinearConfig::new(FEATURES, outputs).init(&device);
        self.heads[index] = draws.initialized(head);
        self
    }
}

/// Inputs `[batch, features]`, tokens `[batch, 2]` and targets `[batch, 8]`. A head uses as many targets as it has
/// outputs.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    inputs: Tensor<2>,
    tokens: Tensor<2, Int>,
    targets: Tensor<2>,
}

/// Draws numbers on the host.
#[derive(Debug)]
pub(crate) struct Draws(ChaCha8Rng);

/// The largest size to which heads grow.
pub(crate) const MAX_OUTPUTS: usize = 8;

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A seed for numbers that are drawn twice.
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.random()
    }

    pub(crate) fn values(&mut self, number: usize) -> Vec<f32> {
        (0..number)
            .map(|_| self.0.random_range(-1.0..1.0))
            .collect()
    }

    pub(crate) fn tensor<const D: usize>(
        &mut self,
        shape: [usize; D],
        device: &Device,
    ) -> Tensor<D> {
        let values = self.values(shape.iter().product());
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    pub(crate) fn batch(&mut self, device: &Device) -> Batch {
        let tokens: Vec<i32> = (0..BATCH * 2)
            .map(|_| self.0.random_range(0..TOKENS))
            .collect();
        Batch {
            inputs: self.tensor([BATCH, FEATURES], device),
            tokens: Tensor::from_data(TensorData::new(tokens, [BATCH, 2]), device),
            targets: self.tensor([BATCH, MAX_OUTPUTS], device),
        }
    }

    /// `module` with drawn numbers everywhere except in buffers.
    pub(crate) fn initialized<M: Module>(&mut self, module: M) -> M {
        let mut initialize = Initialize {
            draws: self,
            path: Vec::new(),
        };
        module.map(&mut initialize)
    }
}

struct Initialize<'a> {
    draws: &'a mut Draws,
    path: Vec<String>,
}

impl ModuleMapper for Initialize<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // A drawn variance might be negative.
        if is_buffer(&self.path) {
            return param;
        }
        param.map(|tensor| {
            let drawn = self.draws.tensor(tensor.dims(), &tensor.device());
            drawn.set_require_grad(tensor.is_require_grad())
        })
    }
}

/// Whether `path` is that of a running statistic.
pub(crate) fn is_buffer(path: &[String]) -> bool {
    path.last().is_some_and(|name| name.starts_with("running"))
}
