use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{Condition, Experiment, ExperimentConfig};

/// How the strength of a method is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum StrengthChoice {
    /// It stays as given.
    #[default]
    Fixed,
    /// It is lowered, from the second task on, until the new task is learnt well enough.
    Chf,
}

impl StrengthChoice {
    /// Whether it stays as given.
    pub fn is_fixed(&self) -> bool {
        *self == Self::Fixed
    }
}

/// How the strength was chosen for one task, by the continual hyper-parameter framework (De Lange et al. 2022).
///
/// Accuracies are those after the last epoch, on the images that the task holds out for this, in `[0, 1]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenStrength {
    /// Task, from 0.
    pub task: usize,
    /// Accuracy A* of a copy of the network that learnt the task with nothing held back.
    pub free_accuracy: f64,
    /// The trainings with the method, in their order. The network of the last one was kept.
    pub attempts: Vec<Attempt>,
}

/// One training with the method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Strength h. Of several strengths, the first: the others change in proportion.
    pub strength: f64,
    /// Accuracy A.
    pub accuracy: f64,
    /// Whether A ≥ (1 − p) A*.
    pub is_accepted: bool,
}

impl ChosenStrength {
    /// The strength with which the network was trained that was kept. `None` without an attempt.
    pub fn strength(&self) -> Option<f64> {
        self.attempts.last().map(|last| last.strength)
    }

    /// Whether the last attempt was accepted. Otherwise it was kept because there were enough attempts.
    pub fn is_accepted(&self) -> bool {
        self.attempts.last().is_some_and(|last| last.is_accepted)
    }
}

/// Which strengths are tried, and which is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChoiceRule {
    /// Share p of A* that an accepted attempt may lack.
    drop: f64,
    /// Factor α of the strength after an attempt that is not accepted.
    decay: f64,
}

impl ChoiceRule {
    /// The strength of the next attempt, after `attempts` in this task. The first has `start`.
    pub(super) fn strength(&self, start: f64, attempts: &[Attempt]) -> f64 {
        attempts
            .last()
            .map_or(start, |last| self.decay * last.strength)
    }

    /// An attempt, judged.
    pub(super) fn attempt(&self, strength: f64, accuracy: f64, free_accuracy: f64) -> Attempt {
        Attempt {
            strength,
            accuracy,
            is_accepted: accuracy >= (1.0 - self.drop) * free_accuracy,
        }
    }

    /// Whether the last of `attempts` is kept.
    pub(super) fn is_over(&self, attempts: &[Attempt]) -> bool {
        attempts.len() >= MAX_ATTEMPTS || attempts.last().is_some_and(|last| last.is_accepted)
    }
}

/// The strength with which a task begins, after those that were chosen for the tasks `before`. It never rises.
pub(super) fn first_strength(before: &[ChosenStrength], given: f64) -> f64 {
    let last = before.last().and_then(ChosenStrength::strength);
    last.unwrap_or(given)
}

impl ExperimentConfig {
    /// How the strength of `condition` is chosen from the second task on. `None` if it stays as given.
    pub(super) fn choice_rule(&self, condition: &Condition) -> Option<ChoiceRule> {
        let is_chosen = !self.choose_strength.is_fixed() && condition.factor().is_some();
        is_chosen.then(|| ChoiceRule {
            drop: self.chf_drop.unwrap_or(DROP),
            decay: self.chf_decay.unwrap_or(DECAY),
        })
    }

    /// The training images of each task that are held out to choose a strength on. `None` if no strength is chosen.
    pub fn num_chf_images(&self) -> Option<usize> {
        let number = || {
            self.num_chf_images
                .unwrap_or(self.experiment.num_held_out())
        };
        (!self.choose_strength.is_fixed()).then(number)
    }
}

impl Experiment {
    /// How many of the training images of each task a strength is chosen on, unless the user says otherwise.
    pub fn num_held_out(self) -> usize {
        match self {
            Experiment::SplitMnist => 2000,
            Experiment::PermutedMnist => 10_000,
            Experiment::SplitCifar => 1000,
        }
    }
}

/// The paper's p.
const DROP: f64 = 0.2;
/// The paper's α.
const DECAY: f64 = 0.5;
/// Trainings with the method in one task, at most, as in the authors' code.
const MAX_ATTEMPTS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: ChoiceRule = ChoiceRule {
        drop: 0.25,
        decay: 0.5,
    };

    /// The choice for a task in which an attempt with a strength has the accuracy that `accuracy` says.
    fn choice(before: &[ChosenStrength], accuracy: impl Fn(f64) -> f64) -> ChosenStrength {
        let start = first_strength(before, 8.0);
        let mut choice = ChosenStrength {
            task: before.len() + 1,
            free_accuracy: 0.8,
            attempts: Vec::new(),
        };
        while !RULE.is_over(&choice.attempts) {
            let strength = RULE.strength(start, &choice.attempts);
            let attempt = RULE.attempt(strength, accuracy(strength), choice.free_accuracy);
            choice.attempts.push(attempt);
        }
        choice
    }

    fn strengths(choice: &ChosenStrength) -> Vec<f64> {
        choice.attempts.iter().map(|it| it.strength).collect()
    }

    #[test]
    fn an_attempt_is_accepted_from_its_share_of_the_free_accuracy_on() {
        // 0.75 · 0.8.
        for (accuracy, is_accepted) in [(0.59, false), (0.75 * 0.8, true), (0.9, true)] {
            let attempt = RULE.attempt(1.0, accuracy, 0.8);
            assert_eq!(attempt.is_accepted, is_accepted, "{accuracy}");
        }
    }

    #[test]
    fn the_strength_is_lowered_until_an_attempt_is_accepted() {
        let choice = choice(&[], |strength| if strength > 2.0 { 0.5 } else { 0.7 });
        assert_eq!(strengths(&choice), [8.0, 4.0, 2.0]);
        let accepted: Vec<bool> = choice.attempts.iter().map(|it| it.is_accepted).collect();
        assert_eq!(accepted, [false, false, true]);
        assert_eq!(choice.strength(), Some(2.0));
    }

    #[test]
    fn the_next_task_begins_with_the_strength_that_was_used_and_never_raises_it() {
        let first = choice(&[], |strength| if strength > 2.0 { 0.5 } else { 0.7 });
        let second = choice(std::slice::from_ref(&first), |_| 0.8);
        assert_eq!(strengths(&second), [2.0]);
        let third = choice(&[first, second], |strength| 0.8 - 0.15 * strength);
        assert_eq!(strengths(&third), [2.0, 1.0]);
    }

    #[test]
    fn the_tenth_attempt_is_kept_although_none_is_accepted() {
        let first = choice(&[], |_| 0.0);
        let expected: Vec<f64> = (0..10)
            .map(|halvings| 8.0 * 0.5_f64.powi(halvings))
            .collect();
        assert_eq!(strengths(&first), expected);
        assert!(!first.is_accepted());
        // That of the tenth, which is not lowered once more.
        let second = choice(&[first], |_| 0.8);
        assert_eq!(strengths(&second), [8.0 * 0.5_f64.powi(9)]);
    }

    #[test]
    fn a_config_stores_only_a_choice_that_it_makes() {
        let plain = ExperimentConfig::paper(Experiment::SplitMnist);
        let keys = ["choose_strength", "chf_drop", "chf_decay", "num_chf_images"];
        let stored = plain.to_toml();
        assert!(keys.iter().all(|key| !stored.contains(key)), "{stored}");

        let text =
            "choose_strength = 'chf'\nchf_drop = 0.1\nchf_decay = 0.25\nnum_chf_images = 50\n";
        let config = ExperimentConfig::from_toml(Experiment::SplitMnist, text).expect("valid");
        let expected = ExperimentConfig {
            choose_strength: StrengthChoice::Chf,
            chf_drop: Some(0.1),
            chf_decay: Some(0.25),
            num_chf_images: Some(50),
            ..plain
        };
        assert_eq!(config, expected);
        assert_eq!(config.num_chf_images(), Some(50));
        let again = ExperimentConfig::from_toml(Experiment::SplitMnist, &config.to_toml());
        assert_eq!(again.expect("it is its own text"), config);
    }

    #[test]
    fn a_strength_is_chosen_only_if_the_config_asks_for_it_and_the_method_has_one() {
        let config = |choose_strength| ExperimentConfig {
            choose_strength,
            methods: crate::methods::methods("none,si,er"),
            ..ExperimentConfig::paper(Experiment::SplitMnist)
        };
        let is_chosen = |config: ExperimentConfig| -> Vec<bool> {
            let conditions = config.conditions();
            let rules = conditions.iter().map(|it| config.choice_rule(it));
            rules.map(|rule| rule.is_some()).collect()
        };
        assert_eq!(is_chosen(config(StrengthChoice::Fixed)), [false; 3]);
        assert_eq!(is_chosen(config(StrengthChoice::Chf)), [false, true, false]);
        assert_eq!(config(StrengthChoice::Fixed).num_chf_images(), None);
        assert_eq!(config(StrengthChoice::Chf).num_chf_images(), Some(2000));
        let rule = config(StrengthChoice::Chf);
        let rule = rule.choice_rule(&rule.conditions()[1]);
        assert_eq!(
            rule,
            Some(ChoiceRule {
                drop: 0.2,
                decay: 0.5
            })
        );
    }
}
