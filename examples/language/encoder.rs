//! BERT's encoder, made of Burn's layers, in the size of all-MiniLM-L6-v2. Its lower half stays as it is, so it reads each text
//! only once.

use std::path::Path;

use anyhow::{Context, ensure};
use burn::module::Module;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Int, Tensor};
use burn_store::{KeyRemapper, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};

use crate::batch::Batch;

/// The size of a text's embedding.
pub(crate) const WIDTH: usize = 384;

const NUM_TOKENS: usize = 30522;
const NUM_POSITIONS: usize = 512;
const NUM_SEGMENTS: usize = 2;
const EPSILON: f64 = 1e-12;

/// The names in the file, and those of the fields here, in the order in which they are replaced.
const NAMES: [(&str, &str); 14] = [
    (r"^embeddings\.word_embeddings", "tokens"),
    (r"^embeddings\.position_embeddings", "positions"),
    (r"^embeddings\.token_type_embeddings", "segments"),
    (r"^embeddings\.LayerNorm", "norm"),
    (r"^encoder\.layer\.3", "upper.layers.0"),
    (r"^encoder\.layer\.4", "upper.layers.1"),
    (r"^encoder\.layer\.5", "upper.layers.2"),
    (r"^encoder\.layer", "lower.layers"),
    (r"\.attention\.self\.", ".mha."),
    (r"\.attention\.output\.dense", ".mha.output"),
    (r"\.attention\.output\.LayerNorm", ".norm_1"),
    (r"\.intermediate\.dense", ".pwff.linear_inner"),
    (r"\.output\.dense", ".pwff.linear_outer"),
    (r"\.output\.LayerNorm", ".norm_2"),
];

#[derive(Module, Debug)]
pub(crate) struct Encoder {
    tokens: Embedding,
    positions: Embedding,
    segments: Embedding,
    norm: LayerNorm,
    lower: TransformerEncoder,
    /// The last three of the six layers.
    pub(crate) upper: TransformerEncoder,
}

impl Encoder {
    /// With the weights of a file in SafeTensors format, whose names and layout are those of PyTorch.
    pub(crate) fn load(path: &Path, device: &Device) -> anyhow::Result<Self> {
        let embedding = |size| EmbeddingConfig::new(size, WIDTH).init(device);
        let layers = TransformerEncoderConfig::new(WIDTH, 4 * WIDTH, 12, 3)
            .with_dropout(0.0)
            .with_layer_norm_eps(EPSILON);
        let mut encoder = Self {
            tokens: embedding(NUM_TOKENS),
            positions: embedding(NUM_POSITIONS),
            segments: embedding(NUM_SEGMENTS),
            norm: LayerNormConfig::new(WIDTH)
                .with_epsilon(EPSILON)
                .init(device),
            lower: layers.init(device),
            upper: layers.init(device),
        };
        let mut file = SafetensorsStore::from_file(path)
            .with_from_adapter(PyTorchToBurnAdapter)
            .remap(KeyRemapper::from_patterns(NAMES.to_vec())?);
        let loaded = encoder.load_from(&mut file).with_context(|| {
            format!(
                "{} is not the SafeTensors file of all-MiniLM-L6-v2",
                path.display()
            )
        })?;
        ensure!(
            loaded.is_success(),
            "{} does not fit all-MiniLM-L6-v2: {loaded}",
            path.display()
        );
        Ok(encoder)
    }

    /// What the lower layers compute of a text's tokens: `[1, length]` to `[1, length, 384]`.
    pub(crate) fn lower(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [_, length] = tokens.dims();
        let device = &tokens.device();
        let positions = Tensor::<1, Int>::arange(0..length as i64, device).unsqueeze();
        let embedded = self.tokens.forward(tokens)
            + self.positions.forward(positions)
            + self.segments.forward(Tensor::zeros([1, 1], device));
        let input = TransformerEncoderInput::new(self.norm.forward(embedded));
        self.lower.forward(input)
    }
}

/// The embedding of each text, the mean of what the upper layers compute of its tokens: `[batch, 384]`.
pub(crate) fn embed(upper: &TransformerEncoder, batch: &Batch) -> Tensor<2> {
    let input = TransformerEncoderInput::new(batch.hidden.clone());
    let hidden = upper.forward(input.mask_pad(batch.padding.clone()));
    let is_text = batch.padding.clone().bool_not().float().unsqueeze_dim(2);
    let mean = (hidden * is_text.clone()).sum_dim(1) / is_text.sum_dim(1);
    mean.squeeze_dim(1)
}
