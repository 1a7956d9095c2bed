use crate::experiment::{Experiment, ExperimentConfig, OptimizerReset, StatePrecision};
use crate::methods::SI;

use super::{Budget, Part, protocol};

/// An experiment to run for one or several parts of the paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The parts that need its runs.
    pub parts: Vec<Part>,
    /// Its budget.
    pub budget: Budget,
    /// How it differs from the study for the paper's figure.
    pub variation: Option<Variation>,
    /// What is run.
    pub config: ExperimentConfig,
}

/// How a study differs from the one for the paper's figure. Such a study explains a difference from the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variation {
    /// The optimizer's moments are reset between tasks, but not its step count.
    StepCount,
    /// Importance and anchor are kept in 16 bits.
    HeldInBf16,
}

impl Variation {
    fn of(experiment: Experiment, budget: Budget) -> Option<Self> {
        match (experiment, budget) {
            (Experiment::SplitMnist, _) => Some(Variation::StepCount),
            (Experiment::PermutedMnist, Budget::Reduced) => Some(Variation::HeldInBf16),
            (Experiment::SplitCifar, _) | (Experiment::PermutedMnist, Budget::Full) => None,
        }
    }

    /// Its name in folder names.
    pub fn name(self) -> &'static str {
        match self {
            Variation::StepCount => "step-count",
            Variation::HeldInBf16 => "bf16",
        }
    }

    /// A short description.
    pub fn title(self) -> &'static str {
        match self {
            Variation::StepCount => "Adam's moments reset, its step count kept",
            Variation::HeldInBf16 => "importance and anchor kept in 16 bits",
        }
    }

    /// What it explains.
    pub fn reason(self) -> &'static str {
        match self {
            Variation::StepCount => {
                "the paper resets the optimizer between tasks; in its authors' framework that \
                 cleared the moments and not the count of steps, so that the first steps of a task \
                 are larger"
            }
            Variation::HeldInBf16 => {
                "importance and anchor in bf16 take half the memory; this is what it costs in accuracy"
            }
        }
    }

    fn apply(self, config: ExperimentConfig) -> ExperimentConfig {
        match self {
            Variation::StepCount => ExperimentConfig {
                reset_optimizer: OptimizerReset::Moments,
                ..config
            },
            Variation::HeldInBf16 => ExperimentConfig {
                state_precision: StatePrecision::Bf16,
                methods: config.methods.into_iter().filter(|it| it.is(&SI)).collect(),
                ..config
            },
        }
    }
}

impl Study {
    /// The studies that `parts` need, in the order of the paper.
    pub fn of(parts: &[Part], budget: Budget) -> Vec<Self> {
        let mut studies = Vec::new();
        for experiment in Experiment::ALL {
            let needs = |part: &&Part| part.experiment() == Some(experiment);
            let parts: Vec<Part> = parts.iter().filter(needs).copied().collect();
            if parts.is_empty() {
                continue;
            }
            let study = Self {
                parts,
                budget,
                variation: None,
                config: protocol(experiment, budget),
            };
            let varied = Variation::of(experiment, budget).map(|variation| Self {
                variation: Some(variation),
                config: variation.apply(study.config.clone()),
                ..study.clone()
            });
            studies.push(study);
            studies.extend(varied);
        }
        studies
    }

    /// All studies. A report shows those that have runs.
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

    /// The name of its folder. The two budgets have separate folders, unless their protocols are
    /// the same.
    pub fn name(&self) -> String {
        let experiment = self.config.experiment;
        let differ = protocol(experiment, Budget::Full) != protocol(experiment, Budget::Reduced);
        let mut name = experiment.name().to_string();
        if self.budget == Budget::Full && differ {
            name += "-full";
        }
        if let Some(variation) = self.variation {
            name += "-";
            name += variation.name();
        }
        name
    }

    /// Its purpose, as a line of text.
    pub fn title(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|part| part.title()).collect();
        let title = parts.join("; ");
        match self.variation {
            Some(variation) => format!("{title}, {}", variation.title()),
            None => title,
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
                "split-mnist-step-count",
                "permuted-mnist-full",
                "split-cifar-full",
                "permuted-mnist",
                "permuted-mnist-bf16",
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
        assert_eq!(studies.len(), 2);
        for study in studies {
            assert_eq!(study.parts, [Part::Figure5, Part::Figure4]);
        }
    }
}
