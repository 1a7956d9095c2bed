use serde::{Deserialize, Serialize};

use super::ExperimentConfig;

/// One column of a comparison: a method with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Unique within an experiment: `none` at strength 0; otherwise the method's name, with the
    /// strength if there are several, as in `si c=0.1`; or the control's name.
    pub name: String,
    /// How the tasks are learnt.
    pub method: Method,
    /// Strength of the penalty: c of Synaptic Intelligence, λ of Elastic Weight Consolidation.
    pub strength: f64,
    /// Damping ξ of Synaptic Intelligence.
    pub damping: f64,
    /// Probability that a hidden unit of the perceptron is dropped in a training step.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropout: f64,
}

impl Condition {
    /// Its name in tables and figures: the method with its strength.
    pub fn label(&self) -> String {
        match self.method {
            Method::None if self.dropout > 0.0 => format!("dropout ({})", self.dropout),
            Method::None => "none (c = 0)".to_string(),
            Method::Si => format!("si (c = {})", self.strength),
            Method::Ewc => format!("ewc (λ = {})", self.strength),
            Method::Joint => Control::Joint.name().to_string(),
            Method::Scratch => Control::Scratch.name().to_string(),
        }
    }
}

/// How the tasks are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// One after the other, without consolidation.
    None,
    /// One after the other, with Synaptic Intelligence.
    Si,
    /// One after the other, with Elastic Weight Consolidation (Kirkpatrick et al. 2017).
    Ewc,
    /// All at once, with one network.
    Joint,
    /// Each alone, with a separate network.
    Scratch,
}

impl Method {
    /// Its name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Method::None => "no consolidation",
            Method::Si => "Synaptic Intelligence",
            Method::Ewc => "Elastic Weight Consolidation",
            Method::Joint => "joint training",
            Method::Scratch => "from scratch",
        }
    }
}

/// A comparison that has no strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// Without consolidation, but with half of the hidden units dropped in each step (fig. 4).
    Dropout,
    /// One network that learns all tasks at once, as an upper bound (fig. 4).
    Joint,
    /// A fresh network for each task (fig. 6).
    Scratch,
}

impl Control {
    /// The name in files, figures and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Control::Dropout => "dropout",
            Control::Joint => "joint",
            Control::Scratch => "scratch",
        }
    }
}

impl ExperimentConfig {
    /// The conditions that are compared: one per strength of each method, then the controls.
    pub fn conditions(&self) -> Vec<Condition> {
        let plain = Condition {
            name: "none".to_string(),
            method: Method::None,
            strength: 0.0,
            damping: self.damping(),
            dropout: 0.0,
        };
        let several = self.strengths.iter().filter(|c| **c > 0.0).count() > 1;
        let consolidated = self.strengths.iter().map(|&strength| {
            if strength > 0.0 {
                Condition {
                    name: name("si", "c", strength, several),
                    method: Method::Si,
                    strength,
                    ..plain.clone()
                }
            } else {
                plain.clone()
            }
        });
        let several = self.elastic_strengths.len() > 1;
        let elastic = self.elastic_strengths.iter().map(|&strength| Condition {
            name: name("ewc", "λ", strength, several),
            method: Method::Ewc,
            strength,
            ..plain.clone()
        });
        let controls = self.controls.iter().map(|control| {
            let (method, dropout) = match control {
                Control::Dropout => (Method::None, DROPOUT),
                Control::Joint => (Method::Joint, 0.0),
                Control::Scratch => (Method::Scratch, 0.0),
            };
            Condition {
                name: control.name().to_string(),
                method,
                dropout,
                ..plain.clone()
            }
        });
        consolidated.chain(elastic).chain(controls).collect()
    }
}

/// The method's name, with its strength if there are several.
fn name(method: &str, symbol: &str, strength: f64, several: bool) -> String {
    if several {
        format!("{method} {symbol}={strength}")
    } else {
        method.to_string()
    }
}

/// Dropout of the control in figure 4.
const DROPOUT: f64 = 0.5;

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[cfg(test)]
mod tests {
    use super::super::Experiment;
    use super::*;

    #[test]
    fn conditions_are_named_by_method_and_by_strength_where_there_are_several() {
        let names = |config: &ExperimentConfig| -> Vec<String> {
            let conditions = config.conditions();
            conditions.into_iter().map(|one| one.name).collect()
        };
        let mut config = ExperimentConfig {
            strengths: vec![0.0, 0.1],
            elastic_strengths: vec![100.0],
            controls: vec![Control::Dropout, Control::Joint, Control::Scratch],
            ..ExperimentConfig::paper(Experiment::PermutedMnist)
        };
        assert_eq!(
            names(&config),
            ["none", "si", "ewc", "dropout", "joint", "scratch"]
        );
        config.strengths = vec![0.01, 0.1];
        config.elastic_strengths = vec![10.0, 100.0];
        config.controls.clear();
        assert_eq!(
            names(&config),
            ["si c=0.01", "si c=0.1", "ewc λ=10", "ewc λ=100"]
        );
    }

    #[test]
    fn a_condition_without_dropout_reads_and_writes_without_the_key() {
        let text = r#"{"name":"si","method":"si","strength":1.0,"damping":0.001}"#;
        let condition: Condition = serde_json::from_str(text).expect("a condition");
        assert_eq!(condition.method, Method::Si);
        assert_eq!(
            serde_json::to_string(&condition).expect("JSON's types"),
            text
        );
    }
}
