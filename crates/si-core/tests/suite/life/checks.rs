use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::DType;
use si_core::diagnostics::Consolidation;

use crate::common::{Parts, difference};
use crate::life::living::Living;
use crate::life::numbers::{self, Parameter, buffers};
use crate::life::plain::Held;
use crate::life::ways::Student;

/// Tolerance, relative to the largest number of a tensor: the rounding of some sums in f32.
const TOLERANCE: f64 = 1e-4;

impl Living {
    /// Checks that another student is exactly the same as this one, bit for bit.
    pub(crate) fn assert_copied(&self, other: &dyn Student, what: &str) -> Result<(), String> {
        let [ours, theirs] = [self.student.as_ref(), other].map(|it| self.state_of(it));
        ensure(ours == theirs, || {
            format!("{what}: {ours:?} is not {theirs:?}")
        })
    }

    /// Checks that another student has come to the same numbers as this one, as exactly as the device promises.
    pub(crate) fn assert_same(&self, other: &dyn Student, what: &str) -> Result<(), String> {
        let [(ours, numbers), (theirs, expected)] =
            [self.student.as_ref(), other].map(|it| self.state_of(it));
        ensure(ours == theirs && numbers.len() == expected.len(), || {
            format!("{what}: {ours:?} is not {theirs:?}")
        })?;
        for ((name, numbers), (expected_name, expected)) in numbers.iter().zip(&expected) {
            ensure(name == expected_name, || {
                format!("{what}: there is {name}, not {expected_name}")
            })?;
            let difference = difference(numbers, expected);
            ensure(difference.is_none(), || {
                format!("{what}: {name}: {}", difference.unwrap_or_default())
            })?;
        }
        Ok(())
    }

    /// What is compared of a student: the parameters without their numbers, the task, and all numbers by name.
    fn state_of(&self, student: &dyn Student) -> ((Vec<Parameter>, usize), Parts) {
        let mut parameters = numbers::parameters(student.module(), self.is_training);
        let (held, _) = student.held();
        let mut numbers = Parts::new();
        for parameter in &mut parameters {
            let path = &parameter.path;
            numbers.push((path.clone(), core::mem::take(&mut parameter.values)));
            let Some(held) = held.get(&parameter.id) else {
                continue;
            };
            let parts = [
                ("anchor", Some(&held.anchor)),
                ("path integral", held.path_integral.as_ref()),
                ("importance", held.importance.as_ref()),
            ];
            for (name, part) in parts {
                let part = part.map(|part| (format!("{name} of {path}"), part.clone()));
                numbers.extend(part);
            }
        }
        let statistics = buffers(student.module()).into_iter();
        numbers.extend(statistics.map(|it| ("running statistics".to_string(), it)));
        ((parameters, student.task()), numbers)
    }

    /// Compares everything with the plain model.
    pub(crate) fn check(&self) -> Result<(), String> {
        let student = self.student.as_ref();
        let parameters = self.parameters();
        ensure(student.task() == self.plain.task, || {
            format!("the task is {}, not {}", student.task(), self.plain.task)
        })?;
        let (held, number) = student.held();
        let mut expected = self.plain.held.clone();
        expected.retain(|id, _| parameters.iter().any(|it| it.id == *id));
        compare(&held, &expected, &parameters)?;
        ensure(
            (expected.len()..=self.plain.held.len()).contains(&number),
            || {
                format!(
                    "there is state of {number} parameters, not of {}",
                    expected.len()
                )
            },
        )?;

        let (penalty, expected) = (student.penalty(), self.plain.penalty(&parameters));
        let is_close = (penalty - expected).abs() <= 1e-3 * expected.abs() + 1e-6;
        ensure(is_close, || {
            format!("the penalty is {penalty}, not {expected}")
        })?;
        self.check_coverage(&parameters)?;
        self.check_diagnostics(&parameters)
    }

    fn check_coverage(&self, parameters: &[Parameter]) -> Result<(), String> {
        let Some(coverage) = self.student.coverage() else {
            return Ok(());
        };
        let covered = coverage.parameters.iter();
        let covered = covered.filter(|it| !it.path.contains("running"));
        // A parameter in two places is reported at the first.
        let actual: Vec<(&str, &str)> = covered
            .filter_map(|it| {
                let consolidation = if matches!(it.consolidation, Consolidation::On { .. }) {
                    "on"
                } else if it.consolidation == Consolidation::Excluded {
                    "excluded"
                } else if it.consolidation == Consolidation::Frozen {
                    "frozen"
                } else {
                    return None;
                };
                Some((it.path.as_str(), consolidation))
            })
            .collect();
        let consolidation = |it: &Parameter| match (it.is_trained, self.plain.is_excluded(&it.path))
        {
            (false, _) => "frozen",
            (true, true) => "excluded",
            (true, false) => "on",
        };
        let expected = parameters
            .iter()
            .map(|it| (it.path.as_str(), consolidation(it)));
        let expected: Vec<(&str, &str)> = expected.collect();
        ensure(actual == expected, || {
            format!("the coverage is {actual:?}, not {expected:?}")
        })
    }

    fn check_diagnostics(&self, parameters: &[Parameter]) -> Result<(), String> {
        let Some(diagnostics) = self.student.diagnostics() else {
            return Ok(());
        };
        let counts = (diagnostics.task, diagnostics.num_steps);
        let expected = (self.plain.task, self.plain.steps_in_task);
        ensure(counts == expected, || {
            format!("task and steps are {counts:?} in the diagnostics, not {expected:?}")
        })?;
        // State of a removed parameter may be listed until the task's end.
        let is_held = |path: &str| self.plain.held.values().any(|it| it.path == path);
        for diagnosed in &diagnostics.parameters {
            ensure(is_held(&diagnosed.path), || {
                format!(
                    "the diagnostics list {}, which has no state",
                    diagnosed.path
                )
            })?;
        }
        for parameter in parameters {
            let Some(held) = self.plain.held.get(&parameter.id) else {
                continue;
            };
            let largest = held.importance.as_ref().map(|importance| {
                let largest = importance.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                vec![largest]
            });
            let mut named = diagnostics.parameters.iter();
            let is_told = named.any(|it| {
                let told = it.importance_quantiles.map(|quantiles| vec![quantiles[5]]);
                it.path == held.path && close_option(&told, &largest).is_ok()
            });
            ensure(is_told, || {
                format!(
                    "the diagnostics do not list {} with the largest importance {largest:?}",
                    held.path
                )
            })?;
        }
        Ok(())
    }
}

pub(crate) fn rounding(precision: DType) -> f64 {
    match precision {
        DType::BF16 => 2.0_f64.powi(-8),
        DType::F16 => 2.0_f64.powi(-11),
        _ => 2.0_f64.powi(-22),
    }
}

pub(crate) fn ensure(holds: bool, error: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(error()) }
}

/// Checks that all numbers agree, within the tolerance relative to the largest.
fn close(actual: &[f64], expected: &[f64]) -> Result<(), String> {
    let largest = expected
        .iter()
        .fold(0.0_f64, |largest, it| largest.max(it.abs()));
    within(actual, expected, TOLERANCE * (largest + 1e-6))
}

pub(crate) fn within(actual: &[f64], expected: &[f64], bound: f64) -> Result<(), String> {
    let is_close = |(actual, expected): (&f64, &f64)| (actual - expected).abs() <= bound;
    let same_size = actual.len() == expected.len();
    ensure(
        same_size && actual.iter().zip(expected).all(is_close),
        || format!("{actual:?}, not {expected:?}"),
    )
}

fn close_option(actual: &Option<Vec<f64>>, expected: &Option<Vec<f64>>) -> Result<(), String> {
    match (actual, expected) {
        (Some(actual), Some(expected)) => close(actual, expected),
        (actual, expected) => ensure(actual.is_some() == expected.is_some(), || {
            format!("{actual:?}, not {expected:?}")
        }),
    }
}

/// Compares state with that of the plain model.
pub(crate) fn compare(
    actual: &HashMap<ParamId, Held>,
    expected: &HashMap<ParamId, Held>,
    parameters: &[Parameter],
) -> Result<(), String> {
    for parameter in parameters {
        let path = &parameter.path;
        let (actual, expected) = match (actual.get(&parameter.id), expected.get(&parameter.id)) {
            (None, None) => continue,
            (Some(actual), Some(expected)) => (actual, expected),
            (actual, expected) => {
                return Err(format!(
                    "the state of {path} is {actual:?}, not {expected:?}"
                ));
            }
        };
        close(&actual.anchor, &expected.anchor)
            .map_err(|error| format!("the anchor of {path} is {error}"))?;
        close_option(&actual.path_integral, &expected.path_integral)
            .map_err(|error| format!("the path integral of {path} is {error}"))?;
        close_option(&actual.importance, &expected.importance)
            .map_err(|error| format!("the importance of {path} is {error}"))?;
    }
    Ok(())
}
