use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;
use crate::schematic::{self, Place, SurrogateLoss, TwoTasks};
use crate::theory::{self, Theory};

use super::{Chapter, Part, Table, command, picture, read, words};

/// The seed of the theory's random problems.
const SEED: u64 = 0;
/// The folder of figures 1 and 2.
const SCHEMATICS: &str = "schematics";

/// Computes a part that needs no training, and writes it into the results' folder. Does nothing for
/// parts that need training.
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
    /// Whether a results' folder has this part. Only for parts that need no training.
    pub(in crate::repro) fn is_in(self, folder: &Path) -> bool {
        match self {
            Part::Theory => folder.join(self.name()).exists(),
            Part::Figure1 | Part::Figure2 => folder.join(SCHEMATICS).exists(),
            Part::Figure3 | Part::Figure4 | Part::Figure5 | Part::Figure6 => false,
        }
    }
}

pub(super) fn of_schematic(part: Part, folder: &Path) -> Result<Option<Chapter>, Error> {
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

pub(super) fn of_theory(folder: &Path) -> Result<Option<Chapter>, Error> {
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
            if row.error > 10.0 {
                "> 1000 %".to_string()
            } else {
                format!("{:.2} %", 100.0 * row.error)
            },
            match row.standard_error {
                Some(_) => format!("{:.2} % and chance", 100.0 * row.tolerance),
                None => format!("{:.2} %", 100.0 * row.tolerance),
            },
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
            caption: "Each statement against simulation, with the largest deviation of any number, in \
                      terms of the largest, and what is tolerated: the simulation's own accuracy, and \
                      for averages over random starts five standard errors besides"
                .to_string(),
            header: words(&[
                "problem",
                "statement",
                "equation",
                "by",
                "deviation",
                "tolerated",
                "verdict",
            ]),
            rows: rows.collect(),
        }],
        claims: Vec::new(),
    }))
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| Error::Records(format!("not a figure: {error}")))
}
