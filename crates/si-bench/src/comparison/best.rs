use crate::experiment::ConditionSummary;
use crate::methods::Parameter;
use crate::report::range_end;

/// The strength of a method that a search found best: that with the highest average accuracy after the last task, and
/// among equals the smallest.
#[derive(Clone)]
pub struct BestStrength<'a> {
    /// The runs with it.
    pub condition: &'a ConditionSummary,
    /// What was searched for.
    pub parameter: &'static Parameter,
    /// The values that were tried, ascending.
    pub tried: Vec<f64>,
}

impl<'a> BestStrength<'a> {
    /// The best of `conditions`, which differ only in a strength of their methods. `None` if there are none, or if their
    /// methods have no strength.
    pub fn among(conditions: &[&'a ConditionSummary]) -> Option<Self> {
        let methods = conditions.first()?.condition.methods();
        let tried = |parameter: &Parameter| {
            let values = conditions.iter();
            let values = values.filter_map(|it| it.condition.value(parameter.key));
            let mut values: Vec<f64> = values.collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            values
        };
        let strengths = methods.iter().filter_map(|method| method.strength());
        let strengths: Vec<_> = strengths.map(|it| (it, tried(it))).collect();
        let differing = strengths.iter().find(|(_, tried)| tried.len() > 1);
        let (parameter, tried) = differing.or(strengths.first())?.clone();
        let value = |it: &ConditionSummary| it.condition.value(parameter.key).unwrap_or_default();
        let best = conditions.iter().max_by(|left, right| {
            let smaller = value(right).total_cmp(&value(left));
            average(left).total_cmp(&average(right)).then(smaller)
        })?;
        Some(Self {
            condition: best,
            parameter,
            tried,
        })
    }

    /// The strength.
    pub fn value(&self) -> f64 {
        let value = self.condition.condition.value(self.parameter.key);
        value.unwrap_or_default()
    }

    /// Average accuracy after the last task, in `[0, 1]`, as a mean over the seeds of the search.
    pub fn average_accuracy(&self) -> f64 {
        average(self.condition)
    }

    /// Whether it is the smallest or the largest of several values: a better one may lie beyond.
    pub fn is_at_end(&self) -> bool {
        range_end(&self.tried, self.value()).is_some()
    }
}

fn average(condition: &ConditionSummary) -> f64 {
    let last = condition.average_accuracy.last();
    last.map_or(0.0, |last| last.mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Summary;
    use crate::fixture;

    fn best(strengths: &[f64]) -> (f64, Vec<f64>, bool) {
        let config = fixture::config(strengths, 2);
        // The larger the strength, the better.
        let mut records = fixture::records(&config, 3);
        for record in &mut records {
            if record.condition.value("c") == Some(100.0) {
                record.accuracy = fixture::records(&fixture::config(&[0.1], 1), 3)
                    .remove(0)
                    .accuracy;
            }
        }
        let summary = Summary::new(&config, &records).expect("they belong together");
        let conditions: Vec<&ConditionSummary> = summary.conditions.iter().collect();
        let best = BestStrength::among(&conditions).expect("it has a strength");
        (best.value(), best.tried.clone(), best.is_at_end())
    }

    #[test]
    fn best_strength_has_the_highest_average_accuracy() {
        let (value, tried, is_at_end) = best(&[100.0, 0.1, 1.0, 0.01]);
        assert_eq!((value, is_at_end), (1.0, false));
        assert_eq!(tried, [0.01, 0.1, 1.0, 100.0]);
    }

    #[test]
    fn best_strength_at_an_end_of_the_range_says_so_unless_it_is_the_only_one() {
        assert!(best(&[0.1, 1.0]).2);
        assert!(!best(&[1.0]).2);
    }

    #[test]
    fn smallest_strength_wins_among_equals() {
        let config = fixture::config(&[1.0, 0.1, 10.0], 1);
        let mut records = fixture::records(&config, 3);
        let same = records[0].accuracy.clone();
        for record in &mut records {
            record.accuracy = same.clone();
        }
        let summary = Summary::new(&config, &records).expect("they belong together");
        let conditions: Vec<&ConditionSummary> = summary.conditions.iter().collect();
        let best = BestStrength::among(&conditions).expect("it has a strength");
        assert_eq!(best.value(), 0.1);
    }

    #[test]
    fn methods_without_a_strength_have_no_best_one() {
        let config = fixture::config(&[0.0], 1);
        let records = fixture::records(&config, 3);
        let summary = Summary::new(&config, &records).expect("they belong together");
        let conditions: Vec<&ConditionSummary> = summary.conditions.iter().collect();
        assert!(BestStrength::among(&conditions).is_none());
        assert!(BestStrength::among(&[]).is_none());
    }
}
