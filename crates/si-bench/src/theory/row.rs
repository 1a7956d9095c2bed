use serde::{Deserialize, Serialize};

use super::{flow, program};

/// A statement of section 4, with predicted and simulated numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The problem that it is about.
    pub case: Case,
    /// The quantity that it is about.
    pub quantity: Quantity,
    /// The statement as a formula.
    pub statement: String,
    /// The equations of the paper that state it or imply it.
    pub equation: String,
    /// Whether it is as printed or corrected.
    pub reading: Reading,
    /// How it was simulated.
    pub method: Method,
    /// The numbers that the statement predicts.
    pub predicted: Vec<f64>,
    /// The numbers from the simulation.
    pub simulated: Vec<f64>,
    /// Standard errors of the simulated numbers, if they are means over random starts.
    pub standard_error: Option<Vec<f64>>,
    /// The largest deviation, as a share of the largest predicted number.
    pub error: f64,
    /// The largest deviation that the simulation itself may cause, as the same share.
    pub tolerance: f64,
    /// Whether no number deviates by more than `tolerance` and [`MAX_STANDARD_ERRORS`] standard
    /// errors.
    pub holds: bool,
}

/// Number of standard errors by which a mean may deviate. By chance, this is exceeded once in two
/// million draws.
pub const MAX_STANDARD_ERRORS: f64 = 5.0;

/// A quadratic problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// A Hessian with random eigenvectors, from one start.
    AnyHessian,
    /// The same Hessian, over random starts.
    RandomStarts,
    /// A diagonal Hessian, from one start.
    DiagonalHessian,
    /// A Hessian with one eigenvalue that is not zero, from one start.
    RankOneHessian,
}

impl Case {
    /// All of them, in the paper's order.
    pub const ALL: [Self; 4] = [
        Self::AnyHessian,
        Self::RandomStarts,
        Self::DiagonalHessian,
        Self::RankOneHessian,
    ];

    /// Its name for readers.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnyHessian => "Any H, one start",
            Self::RandomStarts => "Any H, random starts",
            Self::DiagonalHessian => "Diagonal H, one start",
            Self::RankOneHessian => "Rank-one H, one start",
        }
    }
}

/// What is predicted and simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The parameters θ along the path.
    Parameters,
    /// The path integrals ω, or all of Q.
    PathIntegral,
    /// The drop of the loss.
    LossDrop,
    /// The path integral divided by the squared displacement: the importance Ω for ξ → 0.
    Importance,
}

/// Whether a statement is as printed or corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// As the paper prints it.
    Printed,
    /// As it follows from eq. 11, if the paper prints something else.
    Corrected,
}

/// Where the simulated numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Gradient descent of a Burn module under `si_core`'s learner, in double precision.
    Program,
    /// Numerical integration of eqs. 7 and 10 in plain arithmetic, in double precision.
    Integral,
}

impl Method {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Integral => "integral",
        }
    }
}

/// A statement before it is tested.
pub(super) struct Claim {
    pub(super) case: Case,
    pub(super) quantity: Quantity,
    pub(super) statement: &'static str,
    pub(super) equation: &'static str,
    pub(super) reading: Reading,
}

impl Claim {
    /// Compares numbers that the simulation gives exactly, except for the error of its steps.
    pub(super) fn compare(
        self,
        method: Method,
        predicted: impl IntoIterator<Item = f64>,
        simulated: impl IntoIterator<Item = f64>,
    ) -> Row {
        let simulated = simulated.into_iter().collect();
        self.row(method, predicted.into_iter().collect(), simulated, None)
    }

    /// Compares means over random starts, each with its standard error.
    pub(super) fn compare_means(
        self,
        method: Method,
        predicted: impl IntoIterator<Item = f64>,
        means: impl IntoIterator<Item = (f64, f64)>,
    ) -> Row {
        let (simulated, errors) = means.into_iter().unzip();
        let predicted = predicted.into_iter().collect();
        self.row(method, predicted, simulated, Some(errors))
    }

    fn row(
        self,
        method: Method,
        predicted: Vec<f64>,
        simulated: Vec<f64>,
        standard_error: Option<Vec<f64>>,
    ) -> Row {
        let tolerance = match method {
            Method::Program => program::ACCURACY,
            Method::Integral => flow::ACCURACY,
        };
        let scale = predicted
            .iter()
            .fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let mut error: f64 = 0.0;
        let mut holds = true;
        for (index, (predicted, simulated)) in predicted.iter().zip(&simulated).enumerate() {
            let deviation = (simulated - predicted).abs();
            let chance = standard_error
                .as_ref()
                .map_or(0.0, |errors| MAX_STANDARD_ERRORS * errors[index]);
            error = error.max(deviation / scale);
            holds &= deviation <= tolerance * scale + chance;
        }
        Row {
            case: self.case,
            quantity: self.quantity,
            statement: self.statement.to_string(),
            equation: self.equation.to_string(),
            reading: self.reading,
            method,
            predicted,
            simulated,
            standard_error,
            error,
            tolerance,
            holds,
        }
    }
}

impl Row {
    /// Index of the largest predicted number.
    pub(super) fn largest(&self) -> usize {
        let sizes = self.predicted.iter().map(|value| value.abs()).enumerate();
        let largest = sizes.max_by(|(_, one), (_, other)| one.total_cmp(other));
        largest.map_or(0, |(index, _)| index)
    }
}
