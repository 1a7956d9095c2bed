use burn::module::{Lora, Module};
use burn::nn::activation::{Activation, ActivationConfig};
use burn::nn::attention::{
    CrossAttention, CrossAttentionConfig, MhaInput, MultiHeadAttention, MultiHeadAttentionConfig,
};
use burn::nn::conv::{
    Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvTranspose1d,
    ConvTranspose1dConfig, ConvTranspose2d, ConvTranspose2dConfig, ConvTranspose3d,
    ConvTranspose3dConfig, DeformConv2d, DeformConv2dConfig,
};
use burn::nn::norm::{Normalization, NormalizationConfig};
use burn::nn::transformer::{
    PositionWiseFeedForward, PositionWiseFeedForwardConfig, TransformerDecoder,
    TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoder,
    TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    BatchNorm, BatchNormConfig, BiGru, BiGruConfig, BiLstm, BiLstmConfig, BiRnn, BiRnnConfig,
    Embedding, EmbeddingConfig, GroupNorm, GroupNormConfig, Gru, GruConfig, InstanceNorm,
    InstanceNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, LinearLayout, Lstm,
    LstmConfig, PRelu, PReluConfig, RmsNorm, RmsNormConfig, Rnn, RnnConfig, SwiGlu, SwiGluConfig,
};
use burn::tensor::{Device, Tensor};

use crate::burn_nn::draws::Draws;
use crate::burn_nn::row::{AnyRow, Row};

fn row<M: Module + 'static>(
    name: &'static str,
    build: fn(&Device) -> M,
    loss: fn(&M, &Draws) -> Tensor<1>,
) -> Box<dyn AnyRow> {
    Box::new(Row { name, build, loss })
}

/// The table of all rows.
pub(crate) fn all() -> Vec<Box<dyn AnyRow>> {
    [
        dense(),
        convolutions(),
        norms(),
        recurrent(),
        attention(),
        activations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn dense() -> Vec<Box<dyn AnyRow>> {
    vec![
        row(
            "linear",
            |device| LinearConfig::new(3, 2).init(device),
            |it: &Linear, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
        // Burn's record mapper checks a record against `Param::lazy_shape`. That is the stored shape only as long
        // as the parameter has no value yet (`ModuleRecordMapper::take` and `map_kind!` in burn-core's
        // `store/mod.rs`).
        row(
            "linear, stored by columns",
            |device| {
                let config = LinearConfig::new(3, 2).with_layout(LinearLayout::Col);
                config.init(device)
            },
            |it: &Linear, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
        row(
            "linear with an adapter",
            |device| {
                LinearConfig::new(3, 4)
                    .init(device)
                    .apply_lora(Lora::new(2, 4.0))
            },
            |it: &Linear, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
        row(
            "embedding",
            |device| EmbeddingConfig::new(5, 3).init(device),
            |it: &Embedding, draws| draws.distance(it.forward(draws.indices([2, 3], 5))),
        ),
    ]
}

fn convolutions() -> Vec<Box<dyn AnyRow>> {
    vec![
        row(
            "conv1d",
            |device| Conv1dConfig::new(2, 3, 2).init(device),
            |it: &Conv1d, draws| draws.distance(it.forward(draws.tensor([2, 2, 4]))),
        ),
        row(
            "conv2d",
            |device| Conv2dConfig::new([2, 3], [2, 2]).init(device),
            |it: &Conv2d, draws| draws.distance(it.forward(draws.tensor([2, 2, 3, 3]))),
        ),
        row(
            "conv3d",
            |device| Conv3dConfig::new([1, 2], [2, 2, 2]).init(device),
            |it: &Conv3d, draws| draws.distance(it.forward(draws.tensor([2, 1, 3, 3, 3]))),
        ),
        row(
            "transposed conv1d",
            |device| ConvTranspose1dConfig::new([2, 3], 2).init(device),
            |it: &ConvTranspose1d, draws| draws.distance(it.forward(draws.tensor([2, 2, 3]))),
        ),
        row(
            "transposed conv2d",
            |device| ConvTranspose2dConfig::new([2, 3], [2, 2]).init(device),
            |it: &ConvTranspose2d, draws| draws.distance(it.forward(draws.tensor([2, 2, 3, 3]))),
        ),
        row(
            "transposed conv3d",
            |device| ConvTranspose3dConfig::new([1, 2], [2, 2, 2]).init(device),
            |it: &ConvTranspose3d, draws| draws.distance(it.forward(draws.tensor([2, 1, 2, 2, 2]))),
        ),
        row(
            "deformable conv2d",
            |device| DeformConv2dConfig::new([2, 3], [2, 2]).init(device),
            |it: &DeformConv2d, draws| {
                let offset = draws.tensor([2, 8, 3, 3]) * 0.4;
                draws.distance(it.forward(draws.tensor([2, 2, 4, 4]), offset, None))
            },
        ),
    ]
}

fn norms() -> Vec<Box<dyn AnyRow>> {
    vec![
        row(
            "batch norm",
            |device| BatchNormConfig::new(3).init(device),
            |it: &BatchNorm, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
        row(
            "group norm",
            |device| GroupNormConfig::new(2, 4).init(device),
            |it: &GroupNorm, draws| draws.distance(it.forward(draws.tensor([2, 4, 3]))),
        ),
        row(
            "instance norm",
            |device| InstanceNormConfig::new(3).init(device),
            |it: &InstanceNorm, draws| draws.distance(it.forward(draws.tensor([2, 3, 4]))),
        ),
        row(
            "layer norm",
            |device| LayerNormConfig::new(4).init(device),
            |it: &LayerNorm, draws| draws.distance(it.forward(draws.tensor([3, 4]))),
        ),
        row(
            "rms norm",
            |device| RmsNormConfig::new(4).init(device),
            |it: &RmsNorm, draws| draws.distance(it.forward(draws.tensor([3, 4]))),
        ),
        row(
            "normalization",
            |device| NormalizationConfig::Batch(BatchNormConfig::new(3)).init(device),
            |it: &Normalization, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
    ]
}

fn recurrent() -> Vec<Box<dyn AnyRow>> {
    vec![
        row(
            "rnn",
            |device| RnnConfig::new(3, 2, true).init(device),
            |it: &Rnn, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None).0),
        ),
        row(
            "rnn in both directions",
            |device| BiRnnConfig::new(3, 2, true).init(device),
            |it: &BiRnn, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None).0),
        ),
        row(
            "gru",
            |device| GruConfig::new(3, 2, true).init(device),
            |it: &Gru, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None)),
        ),
        row(
            "gru in both directions",
            |device| BiGruConfig::new(3, 2, true).init(device),
            |it: &BiGru, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None).0),
        ),
        row(
            "lstm",
            |device| LstmConfig::new(3, 2, true).init(device),
            |it: &Lstm, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None).0),
        ),
        row(
            "lstm whose gates are tied",
            |device| {
                let config = LstmConfig::new(3, 2, true).with_input_forget(true);
                config.init(device)
            },
            |it: &Lstm, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None).0),
        ),
        row(
            "lstm in both directions",
            |device| BiLstmConfig::new(3, 2, true).init(device),
            |it: &BiLstm, draws| draws.distance(it.forward(draws.tensor([2, 3, 3]), None).0),
        ),
    ]
}

fn attention() -> Vec<Box<dyn AnyRow>> {
    vec![
        row(
            "multi-head attention",
            |device| {
                let config = MultiHeadAttentionConfig::new(4, 2).with_dropout(0.0);
                config.init(device)
            },
            |it: &MultiHeadAttention, draws| {
                let input = MhaInput::self_attn(draws.tensor([2, 3, 4]));
                draws.distance(it.forward(input).context)
            },
        ),
        row(
            "cross-attention",
            |device| {
                let config = CrossAttentionConfig::new(4, 3, 2, 1, 2).with_dropout(0.0);
                config.init(device)
            },
            |it: &CrossAttention, draws| {
                let query = draws.tensor([2, 2, 4]);
                draws.distance(it.forward(query, draws.tensor([2, 3, 3]), None))
            },
        ),
        row(
            "position-wise feed-forward",
            |device| {
                let config = PositionWiseFeedForwardConfig::new(3, 4).with_dropout(0.0);
                config.init(device)
            },
            |it: &PositionWiseFeedForward, draws| {
                draws.distance(it.forward(draws.tensor([2, 2, 3])))
            },
        ),
        row(
            "transformer encoder",
            |device| {
                let config = TransformerEncoderConfig::new(4, 5, 2, 2).with_dropout(0.0);
                config.init(device)
            },
            |it: &TransformerEncoder, draws| {
                let input = TransformerEncoderInput::new(draws.tensor([2, 3, 4]));
                draws.distance(it.forward(input))
            },
        ),
        row(
            "transformer decoder",
            |device| {
                let config = TransformerDecoderConfig::new(4, 5, 2, 1).with_dropout(0.0);
                config.init(device)
            },
            |it: &TransformerDecoder, draws| {
                let target = draws.tensor([2, 2, 4]);
                let input = TransformerDecoderInput::new(target, draws.tensor([2, 3, 4]));
                draws.distance(it.forward(input))
            },
        ),
    ]
}

fn activations() -> Vec<Box<dyn AnyRow>> {
    vec![
        row(
            "prelu",
            |device| PReluConfig::new().with_num_parameters(3).init(device),
            |it: &PRelu, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
        row(
            "swiglu",
            |device| SwiGluConfig::new(3, 2).with_bias(true).init(device),
            |it: &SwiGlu, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
        row(
            "activation",
            |device| ActivationConfig::SwiGlu(SwiGluConfig::new(3, 2)).init(device),
            |it: &Activation, draws| draws.distance(it.forward(draws.tensor([4, 3]))),
        ),
    ]
}
