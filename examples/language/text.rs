//! Texts, as the lower layers of the encoder see them.

use std::path::Path;

use anyhow::anyhow;
use burn::tensor::{Device, Int, Tensor};
use tokenizers::{Tokenizer, TruncationParams};

use crate::batch::Example;
use crate::encoder::Encoder;

/// Tokens of a text. Longer texts are cut off.
pub(crate) const MAX_LENGTH: usize = 24;

/// The WordPiece tokenizer of a file `tokenizer.json`.
pub(crate) struct Reader(Tokenizer);

impl Reader {
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let failed = |error| anyhow!("cannot read the tokenizer {}: {error}", path.display());
        let mut tokenizer = Tokenizer::from_file(path).map_err(failed)?;
        let truncation = TruncationParams {
            max_length: MAX_LENGTH,
            ..Default::default()
        };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(failed)?;
        tokenizer.with_padding(None);
        Ok(Self(tokenizer))
    }

    pub(crate) fn tokens(&self, text: &str) -> anyhow::Result<Vec<i32>> {
        let encoding = self.0.encode(text, true);
        let encoding = encoding.map_err(|error| anyhow!("cannot tokenize {text:?}: {error}"))?;
        Ok(encoding.get_ids().iter().map(|id| *id as i32).collect())
    }

    pub(crate) fn read(
        &self,
        encoder: &Encoder,
        text: &str,
        label: usize,
    ) -> anyhow::Result<Example> {
        let tokens = self.tokens(text)?;
        let tokens = Tensor::<1, Int>::from_data(tokens.as_slice(), &Device::flex());
        let hidden = encoder.lower(tokens.unsqueeze());
        let hidden = hidden.into_data().iter().collect();
        Ok(Example { hidden, label })
    }
}
