mod html;
mod markdown;

use std::path::{Path, PathBuf};

use crate::Error;
use crate::claim::{Claim, verdict};
use crate::metrics::Verdict;
use crate::replace_file::replace;

use super::chapter::{Chapter, chapters};

/// The self-contained page.
pub const HTML: &str = "repro.html";
const MARKDOWN: &str = "README.md";

/// What [`write_report`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `README.md`, which shows the figures in its folder.
    pub markdown: PathBuf,
    /// `repro.html`, a single page that includes everything.
    pub html: PathBuf,
    /// The results of the claims, as text for a terminal.
    pub verdicts: String,
}

/// Writes the report of a results' folder. It has every part found there, with any budget: its
/// figures, the paper's claims beside our numbers, and how these were obtained.
///
/// # Errors
///
/// [`Error::Records`] and [`Error::Record`] for results that cannot be used, and [`Error::Io`] for
/// files that cannot be read or written.
pub fn write_report(folder: &Path) -> Result<Report, Error> {
    let chapters = chapters(folder)?;
    if chapters.is_empty() {
        return Err(Error::Records(format!(
            "{} has nothing to report on",
            folder.display()
        )));
    }
    Ok(Report {
        markdown: replace(folder, MARKDOWN, markdown::page(&chapters).as_bytes())?,
        html: replace(folder, HTML, html::page(&chapters).as_bytes())?,
        verdicts: verdicts(&chapters),
    })
}

const TITLE: &str = "The paper's results, reproduced";
const INTRODUCTION: &str = "Every figure of Zenke, Poole and Ganguli, Continual Learning Through \
    Synaptic Intelligence (2017), computed anew, with its claims beside our numbers.";
const READING: &str = "Numbers are means ± standard deviations over seeds. A claim is tested by the 90 % interval of a \
    difference (two one-sided tests at 5 %). It holds if the whole interval agrees with it. It does not \
    hold if the whole interval disagrees. Otherwise it is undecided. A claim about every task holds if \
    it holds on each task. It does not hold if it fails on one of them at 5 % divided by their number. \
    If the paper's spread is not known, ours is taken for it. Equivalence to a number of the paper is \
    claimed within a margin that is stated. One run alone has no interval.";

fn verdicts(chapters: &[Chapter]) -> String {
    let mut lines = Vec::new();
    for chapter in chapters {
        lines.push(chapter.title.clone());
        for claim in &chapter.claims {
            lines.push(format!(
                "  {:<24} {}",
                verdict(claim.verdict),
                claim.statement
            ));
        }
    }
    lines.push(tally(chapters));
    lines.join("\n")
}

/// How many claims hold.
fn tally(chapters: &[Chapter]) -> String {
    let claims: Vec<&Claim> = chapters
        .iter()
        .flat_map(|chapter| &chapter.claims)
        .collect();
    let count = |wanted| {
        claims
            .iter()
            .filter(|claim| claim.verdict == wanted)
            .count()
    };
    let mut tally = format!(
        "{} claims: {}, {}, {} undecided",
        claims.len(),
        counted(count(Verdict::Holds), "holds", "hold"),
        counted(count(Verdict::Fails), "does not", "do not"),
        count(Verdict::Undecided)
    );
    let (agree, disagree) = (count(Verdict::HoldsOnce), count(Verdict::FailsOnce));
    if agree + disagree > 0 {
        tally += &format!(
            ". Claims that rest on one run and were not tested: {}; ",
            agree + disagree
        );
        tally += &match disagree {
            0 => "all agree with the paper".to_string(),
            _ => format!(
                "{} with the paper, {}",
                counted(agree, "agrees", "agree"),
                counted(disagree, "does not", "do not")
            ),
        };
    }
    tally
}

/// A number with its verb.
fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
