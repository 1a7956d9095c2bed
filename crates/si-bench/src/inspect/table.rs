use comfy_table::ContentArrangement;
use si_core::SynapticIntelligenceConfig;
use si_core::checkpoint::{CheckpointHeader, Inspection, StoredParameter};

use crate::report::{terminal_table, wrap};
use crate::theory::number;

use super::optimizer::optimizer;

/// The content of a file as text for the terminal, without escape codes. It is 80 columns wide, or wider if paths are
/// long. `name` is the file's name.
pub fn table(name: &str, inspection: &Inspection) -> String {
    let mut table = terminal_table(HEADER.map(str::to_string).to_vec());
    // Long paths make the table wider. Numbers are never broken in two.
    table.set_content_arrangement(ContentArrangement::Disabled);
    for parameter in &inspection.parameters {
        table.add_row(row(parameter));
    }
    format!(
        "{name}\n\n{}\n{}\n\n{}",
        facts(inspection),
        table.trim_fmt(),
        wrap(NOTE)
    )
}

const HEADER: [&str; 8] = ["", "Mean Ω", "50 %", "99 %", "Max", "Zero", "ω < 0", "‖θ̃‖"];

const NOTE: &str = "Mean, 50 %, 99 % and max: of the importance Ω, with its median and its 99th \
    percentile. Zero: share of the synapses without importance. ω < 0: share of those whose path \
    integral is negative, so that their movement has raised the loss. ‖θ̃‖: length of the anchor. –: \
    no value yet. Importance exists after the end of a task, the others after the first step of a \
    task.";

/// Facts about the whole file, one per line.
fn facts(inspection: &Inspection) -> String {
    let mut facts = Vec::new();
    let kind = match &inspection.header {
        Some(_) => "checkpoint",
        None => "record of a learner, without checksums and settings",
    };
    facts.push(("Kind", format!("{kind}, {}", size(inspection.size))));
    if let Some(header) = &inspection.header {
        let versions = format!("si-core {} with Burn {}", header.si_core, header.burn);
        facts.push(("Written by", versions));
        facts.push(("Settings", settings(header)));
    }
    let tasks = format!(
        "{} consolidated, {} steps into the next",
        inspection.task, inspection.num_steps
    );
    facts.push(("Tasks", tasks));
    if let Some(state) = &inspection.optimizer_state {
        facts.push(("Optimizer", optimizer(state)));
    }
    if !inspection.records.is_empty() {
        let records = inspection.records.join(", ");
        facts.push(("Further", format!("records that are not shown: {records}")));
    }
    let line = |(name, text): (&str, String)| format!("{name:<10}  {text}\n");
    facts.into_iter().map(line).collect()
}

/// Strength, damping, and other settings that differ from the default.
fn settings(header: &CheckpointHeader) -> String {
    let others = header.setting_mismatches(&SynapticIntelligenceConfig::new());
    let is_shown = |name: &str| {
        ["strength", "damping"].contains(&name) || others.iter().any(|it| it.name == name)
    };
    let settings = header.settings().filter(|(name, _)| is_shown(name));
    let settings = settings.map(|(name, value)| format!("{name} {value}"));
    settings.collect::<Vec<_>>().join(", ")
}

fn row(parameter: &StoredParameter) -> Vec<String> {
    let shape: Vec<String> = parameter.shape().iter().map(usize::to_string).collect();
    let diagnostics = parameter.diagnostics();
    let importance = match (parameter.importance(), diagnostics.importance_quantiles) {
        (Some(values), Some([_, _, median, _, high, max])) => {
            let mean = mean(values.iter().copied());
            let is_zero = values.iter().map(|value| f64::from(*value == 0.0));
            let numbers = [mean, median, high, max].map(number);
            [numbers.to_vec(), vec![percent(self::mean(is_zero))]].concat()
        }
        _ => vec![NOTHING.to_string(); 5],
    };
    let negative = diagnostics.negative_path_integral_share;
    let norm = parameter.anchor().map(|anchor| {
        let squares = anchor.iter().map(|value| value * value);
        squares.sum::<f64>().sqrt()
    });
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_string());
    // On two lines, because side by side they would be too wide.
    let first = vec![format!("{}\n  {}", parameter.path(), shape.join("×"))];
    let last = vec![
        or_nothing(negative.map(percent)),
        or_nothing(norm.map(number)),
    ];
    [first, importance, last].concat()
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        small if small < 1e6 => format!("{:.0} kB", small / 1e3),
        large => format!("{:.1} MB", large / 1e6),
    }
}

const NOTHING: &str = "–";

/// Zero if there are no values.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1);
    values.sum::<f64>() / count as f64
}

fn percent(value: f64) -> String {
    let percent = 100.0 * value;
    let decimals = usize::from(percent > 0.0 && percent < 9.95);
    format!("{percent:.decimals$} %")
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::nn::LinearConfig;
    use burn::tensor::Device;
    use si_core::settings::NegativeImportance;
    use si_core::{Checkpoint, ContinualLearner};

    use super::*;
    use crate::experiment::Optimizer;
    use crate::inspect::testing::trained;

    #[test]
    fn a_checkpoint_is_described_by_layer() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.ckpt");
        let mut optimizer = Optimizer::Adam.init(0.0);
        let learner = trained(&mut optimizer, 12);
        let record = (*learner).clone().into_record();
        Checkpoint::new(&learner, &optimizer, &"progress")
            .and_then(|checkpoint| checkpoint.with_record("teacher", record))
            .and_then(|checkpoint| checkpoint.save(&path))
            .expect("it can be saved");
        let inspection = Inspection {
            // Ids are drawn at random, and take more or less room.
            size: 13_400,
            ..Inspection::read(&path).expect("it is read")
        };
        insta::assert_snapshot!(table("a.ckpt", &inspection));
    }

    #[test]
    fn settings_that_differ_from_the_default_are_named() {
        let config = SynapticIntelligenceConfig::new()
            .with_negative_importance(NegativeImportance::Keep)
            .with_importance_bound(Some(4.0));
        let module = LinearConfig::new(2, 1).init(&Device::flex().autodiff());
        let learner = ContinualLearner::new(module, &config).expect("the config is valid");
        let checkpoint = Checkpoint::new(&learner, &Optimizer::Adam.init(0.0), &());
        assert_eq!(
            settings(checkpoint.expect("it can be made").header()),
            "damping 0.001, importance_bound 4, negative_importance Keep, strength 1"
        );
    }

    #[test]
    fn a_record_before_the_first_task_says_what_is_missing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.bpk");
        let learner = trained(&mut Optimizer::Adam.init(0.0), 0);
        learner.save_file(&path).expect("it can be saved");
        let inspection = Inspection {
            // Ids are drawn at random, and take more or less room.
            size: 13_400,
            ..Inspection::read(&path).expect("it is read")
        };
        insta::assert_snapshot!(table("a.bpk", &inspection));
    }
}
