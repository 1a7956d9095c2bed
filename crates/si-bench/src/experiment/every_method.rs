use super::{Experiment, ExperimentConfig};
use crate::Error;
use crate::methods::{METHODS, Method, MethodSpec};

impl ExperimentConfig {
    /// The same experiment with every method that can be run in it, in the order of [`METHODS`]. Each has its default
    /// strength. If it has none, it has the lowest that `si sweep` tries.
    ///
    /// # Errors
    ///
    /// Those of [`MethodSpec::list`].
    pub fn with_every_method(self) -> Result<Self, Error> {
        let specs = METHODS.iter().map(|method| spec(method, self.experiment));
        let specs: Vec<MethodSpec> = specs.collect::<Result<_, _>>()?;
        let can_run = |spec: &MethodSpec| self.obstacle(spec).is_none();
        Ok(Self {
            methods: specs.into_iter().filter(can_run).collect(),
            ..self
        })
    }
}

fn spec(method: &Method, experiment: Experiment) -> Result<MethodSpec, Error> {
    let needed = method.strength().filter(|it| it.default.is_none());
    let lowest = needed.and_then(|it| Some((it.key, (it.search)(experiment).first()?)));
    match lowest {
        Some((key, value)) => format!("{}:{key}={value}", method.key).parse(),
        None => method.key.parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;

    fn keys(config: &ExperimentConfig) -> Vec<&str> {
        let methods = config.methods.iter().flat_map(MethodSpec::methods);
        methods.map(|method| method.key).collect()
    }

    fn with_every_method(experiment: Experiment, scenario: Scenario) -> ExperimentConfig {
        let config = ExperimentConfig {
            scenario,
            ..ExperimentConfig::paper(experiment)
        };
        let config = config.with_every_method();
        config.expect("a strength that is needed is searched")
    }

    #[test]
    fn every_method_is_there_that_can_be_run_in_the_scenario() {
        let all: Vec<&str> = METHODS.iter().map(|method| method.key).collect();
        let config = with_every_method(Experiment::SplitMnist, Scenario::Task);
        assert_eq!(keys(&config), all);
        let config = with_every_method(Experiment::SplitMnist, Scenario::Domain);
        let growing = "progressive";
        let fixed: Vec<&str> = all.into_iter().filter(|it| *it != growing).collect();
        assert_eq!(keys(&config), fixed);
        for experiment in Experiment::ALL {
            let config = with_every_method(experiment, Scenario::Task);
            config.validate().expect("each of its methods can be run");
        }
    }

    #[test]
    fn only_a_strength_without_a_default_is_given() {
        for experiment in Experiment::ALL {
            let config = with_every_method(experiment, Scenario::Task);
            for spec in &config.methods {
                let needed = spec.methods().iter().filter_map(|it| it.strength());
                let needed = needed.filter(|it| it.default.is_none());
                let expected: Vec<(&str, f64)> = needed
                    .map(|it| (it.key, (it.search)(experiment)[0]))
                    .collect();
                let given = spec.given().iter().map(|(key, value)| (&**key, *value));
                assert_eq!(given.collect::<Vec<_>>(), expected, "{spec}");
            }
        }
        let config = with_every_method(Experiment::SplitMnist, Scenario::Task);
        let texts: Vec<String> = config.methods.iter().map(MethodSpec::to_string).collect();
        assert_eq!(texts[..3], ["none", "si", "ewc:lambda=10"]);
    }
}
