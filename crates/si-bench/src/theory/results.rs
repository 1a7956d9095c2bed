use serde::{Deserialize, Serialize};

use crate::Error;
use crate::experiment::Versions;

use super::{Reading, Row};

/// Section 4 of the paper compared with simulation: the content of `theory.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theory {
    /// Seed of the Hessian's eigenvectors, the optimum and the starts.
    pub seed: u64,
    /// Versions of the programs that made it.
    pub versions: Versions,
    /// How it was simulated.
    pub settings: Settings,
    /// The statements, in the paper's order.
    pub rows: Vec<Row>,
    /// The two options to normalise over random starts, for increasing numbers of starts.
    pub normalization: Vec<Normalization>,
}

/// The problems, and how they were simulated. Time is in units of τ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Eigenvalues of the Hessian; of rank one, only the first is not zero.
    pub eigenvalues: Vec<f64>,
    /// Standard deviation σ of each component of a start's distance to the optimum.
    pub deviation: f64,
    /// Learning rate η of the program's gradient descent.
    pub learning_rate: f64,
    /// Number of its steps.
    pub num_steps: usize,
    /// Damping ξ, small enough not to matter.
    pub damping: f64,
    /// Random starts of the program.
    pub num_starts: usize,
    /// Random starts of the integral.
    pub num_integral_starts: usize,
}

/// The normalised importance over a number of random starts, by parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// The number of starts.
    pub num_starts: usize,
    /// ½ H_ii.
    pub predicted: Vec<f64>,
    /// ⟨ω_i⟩ / ⟨Δ_i²⟩.
    pub ratio_of_means: Vec<f64>,
    /// ⟨ω_i / Δ_i²⟩.
    pub mean_of_ratios: Vec<f64>,
}

impl Theory {
    /// Whether a row is a printed statement that eq. 11 contradicts.
    pub fn is_superseded(&self, row: &Row) -> bool {
        let corrects = |other: &Row| {
            other.reading == Reading::Corrected
                && (other.case, other.quantity) == (row.case, row.quantity)
        };
        row.reading == Reading::Printed && self.rows.iter().any(corrects)
    }

    /// The equations of a row. If the printed and the corrected statement differ, also which of
    /// them it is.
    pub(crate) fn source(&self, row: &Row) -> String {
        match row.reading {
            Reading::Corrected => format!("{}, corrected", row.equation),
            Reading::Printed if self.is_superseded(row) => format!("{}, printed", row.equation),
            Reading::Printed => row.equation.clone(),
        }
    }

    /// The text of `theory.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a theory has only JSON's types") + "\n"
    }

    /// Reads the text of a `theory.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if it is not one.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::Records(format!("not a comparison with theory: {error}")))
    }
}
