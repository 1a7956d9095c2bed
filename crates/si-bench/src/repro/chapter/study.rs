use std::path::Path;

use crate::Error;
use crate::experiment::{ExperimentConfig, RunFolder, Summary};
use crate::metrics::Statistics;
use crate::report::{self, Reference, percent, write_picture};

use super::super::figures::{self, FIGURE_4, FIGURE_5, FIGURE_5_GROWTH, FIGURE_6};
use super::super::{claims, reductions};
use super::{Chapter, Part, Study, Table, by_task, command, picture, words};

/// Folders of the searches in which strengths of the protocols were found.
pub(in crate::repro) const SWEEPS: [&str; 1] = ["sweep-permuted-mnist"];

/// `None` if the study has no finished run.
pub(super) fn of_study(part: Part, study: &Study, folder: &Path) -> Result<Option<Chapter>, Error> {
    let name = &study.name();
    let path = folder.join(name);
    if !path.join("config.toml").exists() {
        return Ok(None);
    }
    let runs = RunFolder::open(&path)?;
    let (config, records) = (runs.config(), runs.records()?);
    if records.is_empty() {
        return Ok(None);
    }
    // Figure 4 writes the report of the same runs.
    if part != Part::Figure5 {
        report::write(&path, config, &records)?;
    }
    let summary = Summary::new(config, &records)?;
    let mut pictures = Vec::new();
    let mut draw = |file: &str, svg: String, caption: &str| -> Result<(), Error> {
        write_picture(&path, file, &svg)?;
        pictures.push(picture(folder, &format!("{name}/{file}.svg"), caption)?);
        Ok(())
    };
    match part {
        Part::Figure4 => draw("figure4", figures::figure4(config, &summary), FIGURE_4)?,
        Part::Figure5 => {
            let Some(matrices) = figures::figure5(&summary) else {
                return Ok(None);
            };
            draw("figure5", matrices, FIGURE_5)?;
            if let Some(growth) = figures::figure5_growth(config, &summary) {
                draw("figure5-growth", growth, FIGURE_5_GROWTH)?;
            }
        }
        Part::Figure6 => draw("figure6", figures::figure6(config, &summary), FIGURE_6)?,
        Part::Figure1 | Part::Figure2 | Part::Theory | Part::Figure3 => {
            pictures.push(picture(
                folder,
                &format!("{name}/figure.svg"),
                report::CAPTION,
            )?);
        }
    }
    let mut facts = facts(name, config, &summary, runs.missing()?.len());
    if let Some(variation) = study.variation {
        facts.insert(0, ("why".to_string(), variation.reason().to_string()));
    }
    Ok(Some(Chapter {
        title: match (study.variation, reductions(config).is_empty()) {
            (Some(variation), _) => format!("{}, {}", part.title(), variation.title()),
            (None, true) => format!("{}, the paper's protocol", part.title()),
            (None, false) => format!("{}, reduced protocol", part.title()),
        },
        facts,
        pictures,
        tables: match part {
            Part::Figure5 => Vec::new(),
            Part::Figure6 => vec![averages(config, &summary), by_task::accuracies(&summary)],
            _ => vec![averages(config, &summary)],
        },
        // A run tested on held-out images is a search, not evidence.
        claims: match config.num_held_out {
            None => claims(part, config, &summary),
            Some(_) => Vec::new(),
        },
    }))
}

fn facts(
    name: &str,
    config: &ExperimentConfig,
    summary: &Summary,
    missing: usize,
) -> Vec<(String, String)> {
    let mut facts = vec![command_of(name, config)];
    let reductions = reductions(config);
    if !reductions.is_empty() {
        facts.push(("reduced".to_string(), reductions.join(", ")));
    }
    if missing > 0 {
        let all = config.conditions().len() * config.num_seeds;
        facts.push((
            "not run yet".to_string(),
            format!("{missing} of {all} runs"),
        ));
    }
    facts.extend(origin(&[summary]));
    facts
}

/// The command that runs the study in the folder `name`.
pub(super) fn command_of(name: &str, config: &ExperimentConfig) -> (String, String) {
    command(&format!(
        "cargo run -p si-cli -- {} --config {name}/config.toml",
        config.experiment.name()
    ))
}

/// Where the runs of studies were made, and how long they took. Device and versions are those of the first study.
pub(super) fn origin(studies: &[&Summary]) -> Vec<(String, String)> {
    let Some(first) = studies.first() else {
        return Vec::new();
    };
    let conditions = studies.iter().flat_map(|it| &it.conditions);
    let seconds: f64 = conditions.map(|it| it.seconds).sum();
    let versions = &first.versions;
    [
        ("device", first.device.clone()),
        (
            "versions",
            format!("si {}, Burn {}", versions.si, versions.burn),
        ),
        ("wall time of all runs together", report::duration(seconds)),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec()
}

/// Average accuracies at the end, beside the paper's.
fn averages(config: &ExperimentConfig, summary: &Summary) -> Table {
    let is_papers = reductions(config).is_empty();
    let reference = Reference::of(config.experiment);
    let rows = summary.conditions.iter().map(|condition| {
        let cell = |statistics: &Statistics| percent(statistics.last());
        let curve = reference.curve(&condition.condition).filter(|_| is_papers);
        let paper = curve.and_then(|curve| curve.average_accuracy.get(condition.num_tasks() - 1));
        let seeds: Vec<String> = condition.seeds.iter().map(u64::to_string).collect();
        vec![
            condition.condition.label(),
            seeds.join(" "),
            cell(&condition.average_accuracy),
            cell(&condition.train_average_accuracy),
            paper.map_or("–".to_string(), |paper| format!("{:.2}", 100.0 * paper)),
        ]
    });
    Table {
        caption: format!(
            "Average accuracy over the tasks at the end (from scratch: each after its own task), in \
             %, mean ± standard deviation. The paper's number is {}",
            reference.measure
        ),
        header: words(&["condition", "seeds", "test", "training", "paper"]),
        rows: rows.collect(),
    }
}

/// `None` if the search has no finished run.
pub(super) fn of_sweep(name: &str, folder: &Path) -> Result<Option<Chapter>, Error> {
    let path = folder.join(name);
    if !path.join("config.toml").exists() {
        return Ok(None);
    }
    let runs = RunFolder::open(&path)?;
    let (config, records) = (runs.config(), runs.records()?);
    if records.is_empty() {
        return Ok(None);
    }
    let summary = Summary::new(config, &records)?;
    let rows = summary.conditions.iter().map(|condition| {
        let average = condition.average_accuracy.last();
        vec![condition.condition.label(), percent(average)]
    });
    Ok(Some(Chapter {
        title: format!("Strengths of the reduced {}", config.experiment.name()),
        facts: facts(name, config, &summary, runs.missing()?.len()),
        pictures: Vec::new(),
        tables: vec![Table {
            caption:
                "Average accuracy over the tasks at the end, on held-out training images, in %"
                    .to_string(),
            header: words(&["condition", "held-out accuracy"]),
            rows: rows.collect(),
        }],
        claims: Vec::new(),
    }))
}
