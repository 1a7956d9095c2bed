use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::experiment::Experiment;

/// A part of the paper that is reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// Two tasks in two dimensions, with and without consolidation.
    #[serde(rename = "fig1")]
    Figure1,
    /// The surrogate loss of one task.
    #[serde(rename = "fig2")]
    Figure2,
    /// Section 4: the closed forms.
    #[serde(rename = "theory")]
    Theory,
    /// Split MNIST.
    #[serde(rename = "fig3")]
    Figure3,
    /// Permuted MNIST.
    #[serde(rename = "fig4")]
    Figure4,
    /// Correlations of the path integrals on permuted MNIST, from the runs of figure 4.
    #[serde(rename = "fig5")]
    Figure5,
    /// Split CIFAR.
    #[serde(rename = "fig6")]
    Figure6,
}

impl Part {
    /// All parts, in the order of the paper's figures.
    pub const ALL: [Part; 7] = [
        Part::Figure1,
        Part::Figure2,
        Part::Theory,
        Part::Figure3,
        Part::Figure4,
        Part::Figure5,
        Part::Figure6,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Part::Figure1 => "fig1",
            Part::Figure2 => "fig2",
            Part::Theory => "theory",
            Part::Figure3 => "fig3",
            Part::Figure4 => "fig4",
            Part::Figure5 => "fig5",
            Part::Figure6 => "fig6",
        }
    }

    /// What it shows.
    pub fn title(self) -> &'static str {
        match self {
            Part::Figure1 => "Figure 1: two tasks, two parameters",
            Part::Figure2 => "Figure 2: the surrogate loss",
            Part::Theory => "Section 4: the theory",
            Part::Figure3 => "Figure 3: split MNIST",
            Part::Figure4 => "Figure 4: permuted MNIST",
            Part::Figure5 => "Figure 5: correlations of the path integrals",
            Part::Figure6 => "Figure 6: split CIFAR-10/CIFAR-100",
        }
    }

    /// The experiment whose runs it needs. `None` if it is computed in seconds.
    pub fn experiment(self) -> Option<Experiment> {
        match self {
            Part::Figure1 | Part::Figure2 | Part::Theory => None,
            Part::Figure3 => Some(Experiment::SplitMnist),
            Part::Figure4 | Part::Figure5 => Some(Experiment::PermutedMnist),
            Part::Figure6 => Some(Experiment::SplitCifar),
        }
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let of_name = |part: &Part| part.name() == name;
        let found = Part::ALL.into_iter().find(of_name);
        found.ok_or_else(|| Error::Value {
            key: "part",
            value: name.to_string(),
            expected: "fig1, fig2, theory, fig3, fig4, fig5 or fig6".to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_name_everywhere() {
        for part in Part::ALL {
            assert_eq!(part.name().parse::<Part>().expect("its own name"), part);
            let quoted = serde_json::to_string(&part).expect("a unit variant");
            assert_eq!(quoted, format!("\"{}\"", part.name()));
        }
        assert!("fig7".parse::<Part>().is_err());
    }
}
