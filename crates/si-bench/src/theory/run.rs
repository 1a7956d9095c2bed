use crate::Error;
use crate::experiment::Versions;

use super::average::{self, Averages};
use super::program::{self, Learned};
use super::quadratic::{EIGENVALUES, Matrix, Quadratic, Vector, identity};
use super::random::{Purpose, generator, normal_vector, rotation};
use super::statements;
use super::{Settings, Theory};

const DEVIATION: f64 = 0.8;
/// Random starts of the program.
const NUM_STARTS: usize = 1024;

/// Simulates learning on quadratic errors and compares it with every closed form of section 4.
///
/// The same seed gives the same numbers on the same machine. This takes some seconds.
///
/// # Errors
///
/// [`Error::DeviceNotCompiled`] without the backend `flex`.
pub fn run(seed: u64) -> Result<Theory, Error> {
    let device = crate::device("flex")?;
    let optimum = normal_vector(1.0, &mut generator(seed, Purpose::Optimum));
    let eigenvectors = rotation(&mut generator(seed, Purpose::Rotation));
    let with = |eigenvectors: Matrix, eigenvalues: Vector| Quadratic {
        eigenvectors,
        eigenvalues,
        optimum,
    };
    let any = with(eigenvectors, EIGENVALUES);
    let diagonal = with(identity(), EIGENVALUES);
    let rank_one = with(eigenvectors, [EIGENVALUES[0], 0.0, 0.0, 0.0]);

    let mut rng = generator(seed, Purpose::Starts);
    let distances: Vec<Vector> = (0..NUM_STARTS)
        .map(|_| normal_vector(DEVIATION, &mut rng))
        .collect();
    let (one, first) = (&distances[..1], &distances[0]);
    let learned = program::learn(&any, &distances, &device)?;
    let averages = Averages::new(&any, DEVIATION, &mut generator(seed, Purpose::ManyStarts));

    let mut rows = statements::of_any_hessian(&any, first, &learned);
    rows.extend(statements::of_random_starts(
        &any, DEVIATION, &learned, &averages,
    ));
    let on = |quadratic: &Quadratic| -> Result<Learned, Error> {
        program::learn(quadratic, one, &device)
    };
    rows.extend(statements::of_diagonal_hessian(
        &diagonal,
        first,
        &on(&diagonal)?,
    ));
    rows.extend(statements::of_rank_one_hessian(
        &rank_one,
        first,
        &on(&rank_one)?,
    ));
    Ok(Theory {
        seed,
        versions: Versions::current(),
        settings: Settings {
            eigenvalues: EIGENVALUES.to_vec(),
            deviation: DEVIATION,
            learning_rate: program::LEARNING_RATE,
            num_steps: program::NUM_STEPS,
            damping: program::DAMPING,
            num_starts: NUM_STARTS,
            num_integral_starts: average::NUM_STARTS,
        },
        rows,
        normalization: averages.normalization,
    })
}

#[cfg(test)]
mod tests;
