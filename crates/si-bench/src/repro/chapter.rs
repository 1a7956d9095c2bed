use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;
use crate::experiment::{ExperimentConfig, RunFolder, Summary};
use crate::metrics::{Statistic, Statistics};
use crate::report::{self, PNG_WIDTH, Reference, png, replace};
use crate::schematic::{self, Place, SurrogateLoss, TwoTasks};
use crate::theory::{self, Theory};

use super::figures::{self, FIGURE_4, FIGURE_5, FIGURE_5_GROWTH, FIGURE_6};
use super::{Claim, Part, Study, claims, reductions};

/// One part of the paper on one budget, with all that a page shows of it.
pub(super) struct Chapter {
    pub(super) title: String,
    /// Protocol, device and the like, each with its name.
    pub(super) facts: Vec<(String, String)>,
    pub(super) pictures: Vec<Picture>,
    pub(super) tables: Vec<Table>,
    pub(super) claims: Vec<Claim>,
}

/// A figure and where it lies in the results' folder.
pub(super) struct Picture {
    pub(super) svg: String,
    pub(super) path: String,
    pub(super) caption: String,
}

/// Numbers with a heading for each column, and text that says what they are.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// The seed of the theory's random problems.
const SEED: u64 = 0;
/// Where figures 1 and 2 lie.
const SCHEMATICS: &str = "schematics";

/// Computes a part that needs no training, and writes it into the results' folder. Parts that need
/// training are left alone.
///
/// # Errors
///
/// Those of the computation and of writing.
pub fn make(part: Part, folder: &Path) -> Result<(), Error> {
    match part {
        Part::Theory => {
            theory::write(&folder.join(part.name()), &theory::run(SEED)?)?;
        }
        Part::Figure1 | Part::Figure2 => {
            let (first, second) = (schematic::figure1()?, schematic::figure2()?);
            schematic::write(&folder.join(SCHEMATICS), &first, &second)?;
        }
        Part::Figure3 | Part::Figure4 | Part::Figure5 | Part::Figure6 => {}
    }
    Ok(())
}

impl Part {
    /// Whether a results' folder has it, for a part that needs no training.
    pub(super) fn is_in(self, folder: &Path) -> bool {
        match self {
            Part::Theory => folder.join(self.name()).exists(),
            Part::Figure1 | Part::Figure2 => folder.join(SCHEMATICS).exists(),
            Part::Figure3 | Part::Figure4 | Part::Figure5 | Part::Figure6 => false,
        }
    }
}

/// The chapters of a results' folder, in the order of the paper: of what is there.
pub(super) fn chapters(folder: &Path) -> Result<Vec<Chapter>, Error> {
    let mut chapters = Vec::new();
    for part in Part::ALL {
        match part {
            Part::Figure1 | Part::Figure2 => chapters.extend(of_schematic(part, folder)?),
            Part::Theory => chapters.extend(of_theory(folder)?),
            Part::Figure3 | Part::Figure4 | Part::Figure5 | Part::Figure6 => {
                for study in Study::all() {
                    if study.parts.contains(&part) {
                        chapters.extend(of_study(part, &study.name(), folder)?);
                    }
                }
            }
        }
    }
    Ok(chapters)
}

fn of_schematic(part: Part, folder: &Path) -> Result<Option<Chapter>, Error> {
    let name = match part {
        Part::Figure1 => "figure1",
        _ => "figure2",
    };
    let path = format!("{SCHEMATICS}/{name}");
    let Some(json) = read(&folder.join(format!("{path}.json")))? else {
        return Ok(None);
    };
    let (table, caption) = match part {
        Part::Figure1 => (two_tasks(&parse(&json)?), schematic::TWO_TASKS),
        _ => (surrogate(&parse(&json)?), schematic::SURROGATE_LOSS),
    };
    Ok(Some(Chapter {
        title: part.title().to_string(),
        facts: vec![command("cargo run -p si-cli -- schematics")],
        pictures: vec![picture(folder, &format!("{path}.svg"), caption)?],
        tables: vec![table],
        claims: Vec::new(),
    }))
}

fn two_tasks(figure: &TwoTasks) -> Table {
    let row = |name: String, place: Place| {
        let numbers = place.parameters.into_iter().chain(place.losses);
        let cells = numbers.map(|number| format!("{number:.4}"));
        std::iter::once(name).chain(cells).collect()
    };
    let mut rows = vec![
        row("start".to_string(), figure.start),
        row("after task 1".to_string(), figure.after_first),
    ];
    for second in &figure.second {
        rows.push(row(
            format!("after task 2, c = {}", second.strength),
            second.end,
        ));
    }
    Table {
        caption: "Both losses along the way".to_string(),
        header: words(&["", "θ1", "θ2", "loss of task 1", "loss of task 2"]),
        rows,
    }
}

fn surrogate(figure: &SurrogateLoss) -> Table {
    let row = |name: &str, first: f64, second: f64| {
        vec![
            name.to_string(),
            format!("{first:.4}"),
            format!("{second:.4}"),
        ]
    };
    let (loss, other) = (figure.on_loss, figure.on_surrogate);
    Table {
        caption: "The three properties in which the surrogate agrees with the loss".to_string(),
        header: words(&["", "on the loss", "on the surrogate"]),
        rows: vec![
            row("drop of the loss", loss.drop, other.drop),
            row("net motion", loss.motion, other.motion),
            row("minimum", loss.end, other.end),
        ],
    }
}

fn of_theory(folder: &Path) -> Result<Option<Chapter>, Error> {
    let path = Part::Theory.name();
    let Some(json) = read(&folder.join(path).join("theory.json"))? else {
        return Ok(None);
    };
    let theory = Theory::from_json(&json)?;
    let rows = theory.rows.iter().map(|row| {
        vec![
            row.case.name().to_string(),
            row.statement.clone(),
            theory.source(row),
            row.method.name().to_string(),
            format!("{:.2} %", 100.0 * row.error),
            (if row.holds { "holds" } else { "does not hold" }).to_string(),
        ]
    });
    Ok(Some(Chapter {
        title: Part::Theory.title().to_string(),
        facts: vec![command(&format!(
            "cargo run -p si-cli -- theory --seed {}",
            theory.seed
        ))],
        pictures: vec![picture(
            folder,
            &format!("{path}/figure.svg"),
            theory::CAPTION,
        )?],
        tables: vec![Table {
            caption: "Each statement against simulation, with the largest deviation".to_string(),
            header: words(&[
                "problem",
                "statement",
                "equation",
                "by",
                "deviation",
                "verdict",
            ]),
            rows: rows.collect(),
        }],
        claims: Vec::new(),
    }))
}

/// `None` where the study has no finished run.
fn of_study(part: Part, name: &str, folder: &Path) -> Result<Option<Chapter>, Error> {
    let path = folder.join(name);
    if !path.join("config.toml").exists() {
        return Ok(None);
    }
    let runs = RunFolder::open(&path)?;
    let (config, records) = (runs.config(), runs.records()?);
    if records.is_empty() {
        return Ok(None);
    }
    report::write(&path, config, &records)?;
    let summary = Summary::new(config, &records)?;
    let mut pictures = Vec::new();
    let mut draw = |file: &str, svg: String, caption: &str| -> Result<(), Error> {
        replace(&path, &format!("{file}.png"), &png(&svg, PNG_WIDTH)?)?;
        replace(&path, &format!("{file}.svg"), svg.as_bytes())?;
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
    let missing = runs.missing()?.len();
    Ok(Some(Chapter {
        title: match reductions(config).is_empty() {
            true => format!("{}, the paper's protocol", part.title()),
            false => format!("{}, reduced protocol", part.title()),
        },
        facts: facts(name, config, &summary, missing),
        pictures,
        tables: match part {
            Part::Figure5 => Vec::new(),
            _ => vec![averages(config, &summary)],
        },
        claims: claims(part, config, &summary),
    }))
}

fn facts(
    name: &str,
    config: &ExperimentConfig,
    summary: &Summary,
    missing: usize,
) -> Vec<(String, String)> {
    let fact = |name: &str, value: String| (name.to_string(), value);
    let mut facts = vec![command(&format!(
        "cargo run -p si-cli -- {} --config {name}/config.toml",
        config.experiment.name()
    ))];
    let reductions = reductions(config);
    if !reductions.is_empty() {
        facts.push(fact("reduced", reductions.join(", ")));
    }
    if missing > 0 {
        facts.push(fact(
            "not run yet",
            format!(
                "{missing} of {} runs",
                config.conditions().len() * config.num_seeds
            ),
        ));
    }
    let versions = &summary.versions;
    let seconds: f64 = summary.conditions.iter().map(|one| one.seconds).sum();
    facts.push(fact("device", summary.device.clone()));
    facts.push(fact(
        "versions",
        format!("si {}, Burn {}", versions.si, versions.burn),
    ));
    facts.push(fact(
        "wall time of all runs together",
        report::duration(seconds),
    ));
    facts
}

/// Average accuracies at the end, beside the paper's.
fn averages(config: &ExperimentConfig, summary: &Summary) -> Table {
    let is_papers = reductions(config).is_empty();
    let reference = Reference::of(config.experiment);
    let rows = summary.conditions.iter().map(|condition| {
        let cell = |statistics: &Statistics| statistics.last().map_or("–".to_string(), percent);
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

/// `mean ± std` of shares, in per cent.
pub(super) fn percent(statistic: Statistic) -> String {
    let mean = format!("{:.2}", 100.0 * statistic.mean);
    match statistic.std {
        Some(std) => format!("{mean} ± {:.2}", 100.0 * std),
        None => mean,
    }
}

fn picture(folder: &Path, path: &str, caption: &str) -> Result<Picture, Error> {
    let file = folder.join(path);
    Ok(Picture {
        svg: read(&file)?
            .ok_or_else(|| Error::Records(format!("{} is missing", file.display())))?,
        path: path.to_string(),
        caption: caption.to_string(),
    })
}

/// `None` for a file that is not there.
fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        }),
    }
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| Error::Records(format!("not a figure: {error}")))
}

fn command(line: &str) -> (String, String) {
    ("command".to_string(), line.to_string())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}
