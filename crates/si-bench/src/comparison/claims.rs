use crate::claim::{Claim, Run, differences, values};
use crate::experiment::{ConditionSummary, Experiment, ExperimentConfig, Scenario, Summary};
use crate::methods::{ER, EWC, LWF, MAS, Method, NONE, ONLINE_EWC, SI};
use crate::metrics::Claimed;

use super::published::Published;

/// What publications lead us to expect of the methods that were run, tested on the runs of `summary`: van de Ven and Tolias
/// 2019, and Hsu et al. 2018. With few tasks, epochs or images they need not hold.
///
/// Claims about methods without a run are left out.
pub(super) fn claims(config: &ExperimentConfig, summary: &Summary) -> Vec<Claim> {
    let runs = Compared { config, summary };
    let mut claims = match (config.experiment, config.scenario) {
        (Experiment::SplitMnist, Scenario::Task) => runs.told_the_task(),
        (Experiment::SplitMnist, Scenario::Domain) => runs.shared_outputs(),
        (Experiment::SplitMnist, Scenario::Class) => runs.every_class(),
        (Experiment::PermutedMnist, _) => runs.permuted(),
        (Experiment::SplitCifar, _) => Vec::new(),
    };
    let published = Published::of(config).into_iter();
    claims.extend(published.flat_map(|it| runs.as_published(it)));
    claims
}

/// The runs of one comparison.
struct Compared<'a> {
    config: &'a ExperimentConfig,
    summary: &'a Summary,
}

/// What "as good as" allows, as a share.
const AS_GOOD: f64 = 0.005;
/// How far two methods that are equally good may be apart.
const EQUAL: f64 = 0.02;
/// How close our mean must be to a published one.
const MARGIN: f64 = 0.02;

impl Compared<'_> {
    fn told_the_task(&self) -> Vec<Claim> {
        let far_above = |method| self.less(method, &NONE, Claimed::Above(0.02));
        let as_good = |method, other| self.less(method, other, Claimed::Above(-AS_GOOD));
        let claims = [
            as_good(&LWF, &MAS),
            as_good(&MAS, &SI),
            self.less(&SI, &EWC, Claimed::Within(EQUAL)),
            far_above(&LWF),
            far_above(&MAS),
            far_above(&SI),
            far_above(&EWC),
            far_above(&ONLINE_EWC),
            far_above(&ER),
        ];
        claims.into_iter().flatten().collect()
    }

    fn shared_outputs(&self) -> Vec<Claim> {
        let penalties = [&SI, &EWC, &ONLINE_EWC, &MAS].map(|method| {
            [
                self.less(method, &NONE, Claimed::Above(0.0)),
                self.less(&ER, method, Claimed::Above(0.1)),
            ]
        });
        penalties.into_iter().flatten().flatten().collect()
    }

    fn every_class(&self) -> Vec<Claim> {
        let near = [&SI, &EWC, &ONLINE_EWC, &MAS];
        let near = near.map(|method| self.less(method, &NONE, Claimed::Within(0.05)));
        let replay = self.less(&ER, &NONE, Claimed::Above(0.4));
        near.into_iter().chain([replay]).flatten().collect()
    }

    fn permuted(&self) -> Vec<Claim> {
        let above_plain = |method| self.less(method, &NONE, Claimed::Above(0.02));
        let claims = [
            above_plain(&SI),
            above_plain(&EWC),
            self.less(&LWF, &SI, Claimed::Below(-0.05)),
        ];
        claims.into_iter().flatten().collect()
    }

    /// For each method with a published number, that ours is close to it.
    fn as_published(&self, published: &Published) -> Vec<Claim> {
        let conditions = self.summary.conditions.iter();
        let claims = conditions.filter_map(|ours| {
            Claim::equals_paper(
                format!(
                    "{} is within {:.1} points of {}",
                    ours.condition.label(),
                    100.0 * MARGIN,
                    published.title
                ),
                AVERAGE,
                &values(ours, |run| Some(run.average())),
                published.number(self.config, &ours.condition)?,
                MARGIN,
            )
        });
        claims.collect()
    }

    /// What is claimed of the average accuracy of `method` less that of `other`, seed by seed. `None` without runs of both.
    fn less(&self, method: &Method, other: &Method, claimed: Claimed) -> Option<Claim> {
        let [left, right] = [self.of(method)?, self.of(other)?];
        let average = |run: Run| Some(run.average());
        let (left_name, right_name) = (left.condition.label(), right.condition.label());
        let points = |share: f64| format!("{:.1} points", 100.0 * share.abs());
        let relation = match claimed {
            Claimed::Above(0.0) => format!("better than {right_name}"),
            Claimed::Above(limit) if limit > 0.0 => {
                format!("better than {right_name} by more than {}", points(limit))
            }
            Claimed::Above(limit) => format!("at most {} worse than {right_name}", points(limit)),
            Claimed::Below(limit) => {
                format!("worse than {right_name} by more than {}", points(limit))
            }
            Claimed::Within(margin) => format!("within {} of {right_name}", points(margin)),
        };
        Claim::about(
            format!("{left_name} is {relation}"),
            format!("{AVERAGE}, less that of {right_name}"),
            &differences([left, right], average, average),
            claimed,
        )
    }

    /// The runs of a method alone: the first in the list that differ from its defaults in a strength at most, otherwise the
    /// first.
    fn of(&self, method: &Method) -> Option<&ConditionSummary> {
        let conditions = self.summary.conditions.iter();
        let mut of_method = conditions.filter(|it| it.condition.is(method));
        let is_usual = |it: &&ConditionSummary| {
            let mut values = it.condition.values();
            values.all(|(parameter, value)| {
                parameter.is_strength || parameter.is_default(self.config, value)
            })
        };
        of_method.clone().find(is_usual).or(of_method.next())
    }
}

const AVERAGE: &str = "average test accuracy after the last task";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::RunRecord;
    use crate::fixture;
    use crate::methods::methods;
    use crate::metrics::{AccuracyMatrix, Verdict};

    /// Claims about runs of three seeds, whose average accuracy is that of `accuracy` for the method's name.
    fn claims_if(
        experiment: Experiment,
        scenario: Scenario,
        named: &str,
        accuracy: impl Fn(&str) -> f64,
    ) -> Vec<Claim> {
        let config = ExperimentConfig {
            methods: methods(named),
            scenario,
            num_seeds: 3,
            num_tasks: 2,
            ..ExperimentConfig::paper(experiment)
        };
        let records = fixture::records(&config, 2).into_iter().map(|record| {
            let last = accuracy(&record.condition.name) + 1e-4 * record.seed as f64;
            let rows = vec![vec![last, 0.0], vec![last, last]];
            RunRecord {
                accuracy: AccuracyMatrix::new(rows).expect("in range"),
                ..record
            }
        });
        let records: Vec<RunRecord> = records.collect();
        let summary = Summary::new(&config, &records).expect("one protocol");
        claims(&config, &summary)
    }

    fn verdicts(claims: &[Claim]) -> Vec<(&str, Verdict)> {
        let of = |claim: &'_ Claim| claim.verdict;
        claims
            .iter()
            .map(|claim| (claim.statement.as_str(), of(claim)))
            .collect()
    }

    #[test]
    fn the_order_of_methods_is_expected_if_the_task_is_given() {
        let run = |si: f64| {
            let accuracy = |name: &str| match name {
                "none" => 0.8,
                "si" => si,
                _ => 0.98,
            };
            claims_if(
                Experiment::SplitMnist,
                Scenario::Task,
                "none,si,mas,lwf",
                accuracy,
            )
        };
        let found = run(0.97);
        assert_eq!(
            verdicts(&found),
            [
                (
                    "lwf (λ_o = 1) is at most 0.5 points worse than mas (λ = 1)",
                    Verdict::Holds
                ),
                (
                    "mas (λ = 1) is at most 0.5 points worse than si (c = 1)",
                    Verdict::Holds
                ),
                (
                    "lwf (λ_o = 1) is better than none (c = 0) by more than 2.0 points",
                    Verdict::Holds
                ),
                (
                    "mas (λ = 1) is better than none (c = 0) by more than 2.0 points",
                    Verdict::Holds
                ),
                (
                    "si (c = 1) is better than none (c = 0) by more than 2.0 points",
                    Verdict::Holds
                ),
            ]
        );
        let fails = |claims: &[Claim]| {
            claims
                .iter()
                .filter(|it| it.verdict == Verdict::Fails)
                .count()
        };
        assert_eq!(fails(&found), 0);
        assert_eq!(fails(&run(0.81)), 1);
        assert_eq!(fails(&run(0.999)), 1);
    }

    #[test]
    fn penalties_are_expected_to_fail_and_replay_to_work_without_the_task() {
        let run = |si: f64, er: f64| {
            let accuracy = |name: &str| match name {
                "si" => si,
                "er" => er,
                _ => 0.2,
            };
            let named = "none,si,ewc:lambda=10,er";
            let found = claims_if(Experiment::SplitMnist, Scenario::Class, named, accuracy);
            found.iter().map(|it| it.verdict).collect::<Vec<_>>()
        };
        assert_eq!(run(0.21, 0.9), [Verdict::Holds; 3]);
        assert_eq!(
            run(0.5, 0.5),
            [Verdict::Fails, Verdict::Holds, Verdict::Fails]
        );
    }

    #[test]
    fn penalties_are_between_nothing_and_replay_if_tasks_share_their_outputs() {
        let accuracy = |name: &str| match name {
            "none" => 0.55,
            "er" => 0.95,
            _ => 0.65,
        };
        let found = claims_if(
            Experiment::SplitMnist,
            Scenario::Domain,
            "none,si,mas,er",
            accuracy,
        );
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|it| it.verdict == Verdict::Holds));
    }

    #[test]
    fn distillation_is_expected_to_be_poor_on_other_pixel_orders() {
        let accuracy = |name: &str| match name {
            "none" => 0.7,
            "lwf" => 0.72,
            _ => 0.95,
        };
        let named = "none,si,lwf";
        let found = claims_if(Experiment::PermutedMnist, Scenario::Domain, named, accuracy);
        let verdicts: Vec<Verdict> = found.iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, [Verdict::Holds, Verdict::Holds]);
    }

    #[test]
    fn claims_are_about_a_method_with_its_defaults_and_only_without_one_about_a_variant() {
        let statements = |named: &str| -> Vec<String> {
            let found = claims_if(Experiment::SplitMnist, Scenario::Task, named, |_| 0.9);
            found.into_iter().map(|it| it.statement).collect()
        };
        let variant = "si:normalization=mean:c=0.01";
        let expected = "si (c = 1, norm = off) is better than none (c = 0) by more than 2.0 points";
        assert_eq!(statements(&format!("none,{variant},si")), [expected]);
        let expected = "si (c = 0.01) is better than none (c = 0) by more than 2.0 points";
        assert_eq!(statements(&format!("none,{variant}")), [expected]);
    }

    #[test]
    fn split_cifar_has_no_expectations() {
        let found = claims_if(Experiment::SplitCifar, Scenario::Task, "none,si", |_| 0.7);
        assert_eq!(found, []);
    }
}
