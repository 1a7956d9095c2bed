//! The statements of section 4 for each kind of Hessian, compared with the simulation.

use super::Case;
use super::average::Averages;
use super::flow::Flow;
use super::moments::Moments;
use super::program::Learned;
use super::quadratic::{DIMENSIONS, Quadratic, Vector, diagonal, matrix};
use super::row::{
    Claim,
    Method::{Integral, Program},
    Quantity::{self, Importance, LossDrop, Parameters, PathIntegral},
    Reading::{self, Corrected, Printed},
    Row,
};

/// Eqs. 3, 8, 10 and 11.
pub(super) fn of_any_hessian(
    quadratic: &Quadratic,
    distance: &Vector,
    learned: &Learned,
) -> Vec<Row> {
    let claim = claims(Case::AnyHessian);
    let predicted = quadratic.path_integrals(distance);
    let integrated = Flow::new(&quadratic.hessian()).path_integrals(distance);
    let looks = || learned.positions.iter();
    vec![
        claim(Parameters, "θ(t) = θ* + e^(−Ht/τ) d", "8", Printed).compare(
            Program,
            looks().flat_map(|(time, _)| quadratic.position(distance, *time)),
            looks().flat_map(|(_, position)| *position),
        ),
        claim(LossDrop, DROP, "3", Printed).compare(Program, [learned.loss_drop], [learned.sum()]),
        claim(PathIntegral, "ω_i = Q_ii", "11", Printed).compare(
            Program,
            diagonal(&predicted),
            learned.path_integrals[0],
        ),
        claim(PathIntegral, "Q_ij = eq. 11", "10, 11", Printed).compare(
            Integral,
            triangle(&predicted),
            triangle(&integrated),
        ),
    ]
}

/// Eq. 12, and its consequences for normalisation.
pub(super) fn of_random_starts(
    quadratic: &Quadratic,
    deviation: f64,
    learned: &Learned,
    averages: &Averages,
) -> Vec<Row> {
    let claim = claims(Case::RandomStarts);
    let variance = deviation * deviation;
    let half_hessian = quadratic.hessian().map(|row| row.map(|entry| 0.5 * entry));
    let half_curvatures = diagonal(&half_hessian);
    let descended = program_moments(learned);
    let integrated: [Moments; DIMENSIONS] =
        std::array::from_fn(|index| averages.moments[index][index]);
    vec![
        claim(PathIntegral, "⟨ω_i⟩ = ½ σ² H_ii", "12", Printed).compare_means(
            Program,
            half_curvatures.map(|half| variance * half),
            descended.map(|moments| moments.mean()),
        ),
        claim(PathIntegral, "⟨Q_ij⟩ = ½ σ² H_ij", "12", Printed).compare_means(
            Integral,
            triangle(&half_hessian).map(|half| variance * half),
            triangle(&averages.moments).map(|moments| moments.mean()),
        ),
        claim(Importance, "⟨ω_i / Δ_i²⟩ = ½ H_ii", "5, 12", Printed).compare(
            Integral,
            half_curvatures,
            integrated.map(|moments| moments.mean_of_ratios()),
        ),
        claim(Importance, RATIO_OF_MEANS, "5, 12", Corrected).compare_means(
            Program,
            half_curvatures,
            descended.map(|moments| moments.ratio_of_means()),
        ),
        claim(Importance, RATIO_OF_MEANS, "5, 12", Corrected).compare_means(
            Integral,
            half_curvatures,
            integrated.map(|moments| moments.ratio_of_means()),
        ),
    ]
}

/// Eq. 13, as printed and as it follows from eq. 11: with a factor of a half, and with off-diagonal entries for pairs
/// of parameters that move at the same time.
pub(super) fn of_diagonal_hessian(
    quadratic: &Quadratic,
    distance: &Vector,
    learned: &Learned,
) -> Vec<Row> {
    let claim = claims(Case::DiagonalHessian);
    let curvatures = diagonal(&quadratic.hessian());
    let printed: Vector =
        std::array::from_fn(|index| distance[index] * distance[index] * curvatures[index]);
    let half = |vector: Vector| vector.map(|value| 0.5 * value);
    let printed_matrix = matrix(|row, column| if row == column { printed[row] } else { 0.0 });
    let integrated = Flow::new(&quadratic.hessian()).path_integrals(distance);
    let path_integrals = learned.path_integrals[0];
    let importances = learned.importances[0];
    vec![
        claim(LossDrop, DROP, "3", Printed).compare(Program, [learned.loss_drop], [learned.sum()]),
        claim(PathIntegral, "ω_i = d_i² H_ii", "13", Printed).compare(
            Program,
            printed,
            path_integrals,
        ),
        claim(PathIntegral, "ω_i = ½ d_i² H_ii", "13", Corrected).compare(
            Program,
            half(printed),
            path_integrals,
        ),
        claim(PathIntegral, "Q_ij = δ_ij d_i² H_ii", "13", Printed).compare(
            Integral,
            triangle(&printed_matrix),
            triangle(&integrated),
        ),
        claim(PathIntegral, "Q_ij = eq. 11", "13", Corrected).compare(
            Integral,
            triangle(&quadratic.path_integrals(distance)),
            triangle(&integrated),
        ),
        claim(Importance, "Ω_i = H_ii", "5, 13", Printed).compare(Program, curvatures, importances),
        claim(Importance, "Ω_i = ½ H_ii", "5, 13", Corrected).compare(
            Program,
            half(curvatures),
            importances,
        ),
    ]
}

/// Eq. 14, and the importance, which is the same for all parameters.
pub(super) fn of_rank_one_hessian(
    quadratic: &Quadratic,
    distance: &Vector,
    learned: &Learned,
) -> Vec<Row> {
    let claim = claims(Case::RankOneHessian);
    let hessian = quadratic.hessian();
    let along = quadratic.projections(distance)[0];
    let predicted = hessian.map(|row| row.map(|entry| 0.5 * along * along * entry));
    let integrated = Flow::new(&hessian).path_integrals(distance);
    let importances = learned.importances[0];
    vec![
        claim(LossDrop, DROP, "3", Printed).compare(Program, [learned.loss_drop], [learned.sum()]),
        claim(PathIntegral, "ω_i = ½ d_1² H_ii", "14", Printed).compare(
            Program,
            diagonal(&predicted),
            learned.path_integrals[0],
        ),
        claim(PathIntegral, "Q_ij = ½ d_1² H_ij", "14", Printed).compare(
            Integral,
            triangle(&predicted),
            triangle(&integrated),
        ),
        claim(Importance, "Ω_i = H_ii", "5, 14", Printed).compare(
            Program,
            diagonal(&hessian),
            importances,
        ),
        claim(Importance, "Ω_i = ½ λ_1 for every i", "5, 14", Corrected).compare(
            Program,
            [0.5 * quadratic.eigenvalues[0]; DIMENSIONS],
            importances,
        ),
    ]
}

const DROP: &str = "Σ ω_i = drop of loss";
const RATIO_OF_MEANS: &str = "⟨ω_i⟩ / ⟨Δ_i²⟩ = ½ H_ii";

fn claims(case: Case) -> impl Fn(Quantity, &'static str, &'static str, Reading) -> Claim {
    move |quantity, statement, equation, reading| Claim {
        case,
        quantity,
        statement,
        equation,
        reading,
    }
}

/// Sums over the program's starts, by parameter.
fn program_moments(learned: &Learned) -> [Moments; DIMENSIONS] {
    let mut moments = [Moments::default(); DIMENSIONS];
    for (integrals, displacements) in learned.path_integrals.iter().zip(&learned.displacements) {
        for (index, moments) in moments.iter_mut().enumerate() {
            moments.add(
                integrals[index],
                displacements[index] * displacements[index],
            );
        }
    }
    moments
}

/// The entries on and above the diagonal; the others are the same.
fn triangle<T: Copy>(
    matrix: &[[T; DIMENSIONS]; DIMENSIONS],
) -> [T; DIMENSIONS * (DIMENSIONS + 1) / 2] {
    let mut places =
        (0..DIMENSIONS).flat_map(|row| (row..DIMENSIONS).map(move |column| (row, column)));
    std::array::from_fn(|_| {
        let (row, column) = places.next().expect("there are as many places as entries");
        matrix[row][column]
    })
}
