//! Every module of burn-nn 0.22.1 that has parameters can learn under the method.
//!
//! A [row](rows) is a module with a loss, and each test goes through all rows. These modules have a separate row
//! or are part of one:
//!
//! | module | row |
//! |---|---|
//! | `GateController` | the rows of `Rnn`, `Gru` and `Lstm` |
//! | `TransformerEncoderLayer`, `TransformerDecoderLayer` | the rows of the encoder and the decoder |
//! | `Normalization`, `Activation` | enums over other modules: one row each, with a variant that has parameters |
//!
//! These modules have no parameters, so there is nothing to consolidate:
//!
//! - `PositionalEncoding`, `RotaryEncoding`: their tensors are constants, which a traversal does not visit.
//! - `LocalResponseNorm`, `Dropout`, `GaussianNoise`, `Identity`, `CosineSimilarity`, `PairwiseDistance`.
//! - Pooling, `Interpolate1d`, `Interpolate2d`, `Fold4d`, `Unfold4d`, `PixelShuffle`, `PixelUnshuffle`.
//! - All activations except `PRelu` and `SwiGlu`, and all losses.

mod draws;
mod path;
mod resume;
mod row;
mod rows;
mod snapshot;
