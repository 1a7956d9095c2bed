use crate::experiment::{Experiment, ExperimentConfig};

use super::{Budget, Part, protocol};

/// An experiment that is run, for one part of the paper or for several.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The parts that need its runs.
    pub parts: Vec<Part>,
    /// How much is spent on it.
    pub budget: Budget,
    /// What is run.
    pub config: ExperimentConfig,
}

impl Study {
    /// The studies that `parts` need, in the order of the paper.
    pub fn of(parts: &[Part], budget: Budget) -> Vec<Self> {
        Experiment::ALL
            .into_iter()
            .filter_map(|experiment| {
                let needs = |part: &&Part| part.experiment() == Some(experiment);
                let parts: Vec<Part> = parts.iter().filter(needs).copied().collect();
                (!parts.is_empty()).then(|| Self {
                    parts,
                    budget,
                    config: protocol(experiment, budget),
                })
            })
            .collect()
    }

    /// Every study that there is: a report shows those that have runs.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for budget in [Budget::Full, Budget::Reduced] {
            for study in Self::of(&Part::ALL, budget) {
                if all.iter().all(|other| other.name() != study.name()) {
                    all.push(study);
                }
            }
        }
        all
    }

    /// The name of its folder. The two budgets have their own, unless they are the same.
    pub fn name(&self) -> String {
        let experiment = self.config.experiment;
        let differ = protocol(experiment, Budget::Full) != protocol(experiment, Budget::Reduced);
        match self.budget {
            Budget::Full if differ => format!("{}-full", experiment.name()),
            _ => experiment.name().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_study_has_a_folder_of_its_own_and_valid_settings() {
        let names: Vec<String> = Study::all().iter().map(Study::name).collect();
        assert_eq!(
            names,
            [
                "split-mnist",
                "permuted-mnist-full",
                "split-cifar-full",
                "permuted-mnist",
                "split-cifar"
            ]
        );
        for study in Study::all() {
            study.config.validate().expect("the protocols are valid");
        }
    }

    #[test]
    fn parts_that_share_their_runs_share_a_study() {
        let studies = Study::of(
            &[Part::Figure5, Part::Theory, Part::Figure4],
            Budget::Reduced,
        );
        let [study] = &studies[..] else {
            panic!("{} studies", studies.len());
        };
        assert_eq!(study.parts, [Part::Figure5, Part::Figure4]);
    }
}
