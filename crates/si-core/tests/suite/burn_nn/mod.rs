//! Every module of burn-nn 0.22.1 that has parameters learns under the method.
//!
//! A [row](rows) is a module and a loss of it, and each test goes through all rows. These have a row of their own or stand
//! inside one:
//!
//! | module | row |
//! |---|---|
//! | `GateController` | those of `Rnn`, `Gru` and `Lstm` |
//! | `TransformerEncoderLayer`, `TransformerDecoderLayer` | those of the encoder and the decoder |
//! | `Normalization`, `Activation` | enums over other modules: one row each, with a variant that has parameters |
//!
//! These have no parameters, so there is nothing to consolidate:
//!
//! - `PositionalEncoding`, `RotaryEncoding`: their tensors are constants, which no traversal shows.
//! - `LocalResponseNorm`, `Dropout`, `GaussianNoise`, `Identity`, `CosineSimilarity`, `PairwiseDistance`.
//! - Pooling, `Interpolate1d`, `Interpolate2d`, `Fold4d`, `Unfold4d`, `PixelShuffle`, `PixelUnshuffle`.
//! - All activations but `PRelu` and `SwiGlu`, and all losses.

mod draws;
mod path;
mod resume;
mod row;
mod rows;
mod snapshot;
