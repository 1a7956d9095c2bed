use super::*;
use clap::{CommandFactory, Parser};
use serde_json::Value;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    settings: Settings,
}

#[test]
fn the_protocol_without_flags_is_the_papers() {
    let config = parse(&[])
        .over(paper())
        .expect("the paper's values are valid");
    assert_eq!(config, paper());
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_paper() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    fs::write(
        file.path(),
        "num_epochs = 2\nbatch_size = 32\nmethods = ['si:c=2']\n",
    )
    .expect("write");
    let path = file.path().to_str().expect("a path in UTF-8");
    let flags = [
        "--config",
        path,
        "--epochs",
        "4",
        "--methods",
        "none,si:c=0.5",
        "--reset-optimizer",
        "none",
    ];
    let config = parse(&flags).over(paper()).expect("valid settings");
    let expected = ExperimentConfig {
        num_epochs: 4,
        batch_size: 32,
        methods: MethodSpec::list("none,si:c=0.5").expect("they are well formed"),
        reset_optimizer: OptimizerReset::None,
        ..paper()
    };
    assert_eq!(config, expected);
}

#[test]
fn every_key_is_a_flag_and_its_help_gives_the_default() {
    for experiment in Experiment::ALL {
        let paper = ExperimentConfig::paper(experiment);
        let mut command = describe(Program::command(), experiment);
        let help = one_line(&command.render_long_help().to_string());
        let all = ExperimentConfig {
            data_set: Some(DataSet::Mnist),
            images: Some(PathBuf::new()),
            num_train_images: Some(1),
            num_train_evaluated: Some(1),
            num_held_out: Some(1),
            num_jobs: Some(1),
            num_threads: Some(1),
            checkpoint_seconds: Some(1.0),
            data_dir: Some(PathBuf::new()),
            output_dir: Some(PathBuf::new()),
            ..paper.clone()
        };
        let is_flag = |key: &&String| *key != "experiment";
        for key in keys(&all).keys().filter(is_flag) {
            assert!(help.contains(&format!("[key: {key}]")), "{key} is no flag");
        }
        for (key, value) in keys(&paper).iter().filter(|(key, _)| is_flag(key)) {
            let flag = help
                .split(" --")
                .find(|flag| flag.contains(&format!("[key: {key}]")))
                .expect("every key is a flag");
            let default = format!("[default: {}]", shown(value));
            assert!(flag.contains(&default), "{default} is not in {flag:?}");
        }
    }
}

#[test]
fn a_flag_written_as_a_key_suggests_its_key() {
    for argument in Program::command().get_arguments() {
        let key = argument.get_id().as_str();
        if ["config", "resume", "help"].contains(&key) {
            continue;
        }
        let aliases = argument.get_all_aliases().unwrap_or_default();
        let flags: Vec<&str> = argument.get_long().into_iter().chain(aliases).collect();
        assert!(!flags.is_empty(), "{key} is no flag");
        let names = flags.iter().map(|flag| flag.replace('-', "_"));
        let names = names.chain(flags.iter().map(|flag| flag.to_string()));
        for name in names.filter(|name| name != key) {
            let error = paper()
                .with_toml(&format!("{name} = 1\n"))
                .expect_err("it is not a key");
            let expected = format!("line 1: there is no key `{name}`; did you mean `{key}`?");
            assert_eq!(error.to_string(), expected);
        }
    }
}

#[test]
fn an_error_names_the_flag_if_it_differs_from_the_key() {
    let error = |flags: &[&str]| {
        let error = parse(flags).over(paper()).expect_err("not valid");
        format!("{error:#}")
    };
    assert_eq!(
        error(&["--epochs", "0"]),
        "--epochs: num_epochs must be a whole number ≥ 1, got 0"
    );
    assert_eq!(
        error(&["--batch-size", "0"]),
        "batch_size must be a whole number ≥ 1, got 0"
    );
}

#[test]
fn the_command_line_accepts_the_same_names_as_the_file() {
    check::<Preset>(PRESETS);
    check::<Scenario>(SCENARIOS);
    check::<Activation>(ACTIVATIONS);
    check::<Optimizer>(OPTIMIZERS);
    check::<FisherLabels>(FISHER_LABELS);
    check::<OptimizerReset>(OPTIMIZER_RESETS);

    // The others make experiments of their own.
    for name in DataSet::names_in_place_of_mnist() {
        assert!(named::<DataSet>(name).is_ok(), "{name} is not in the file");
    }

    fn check<T: DeserializeOwned>(names: &[&str]) {
        for name in names {
            assert!(named::<T>(name).is_ok(), "{name} is not in the file");
        }
        let Err(error) = named::<T>("?") else {
            panic!("? is no name");
        };
        let text = error.to_string();
        let in_file: Vec<&str> = text.split('`').skip(3).step_by(2).collect();
        assert_eq!(in_file, names);
    }
}

fn parse(flags: &[&str]) -> Settings {
    Program::parse_from(["si"].iter().chain(flags)).settings
}

fn paper() -> ExperimentConfig {
    ExperimentConfig::paper(Experiment::SplitMnist)
}

fn keys(config: &ExperimentConfig) -> serde_json::Map<String, Value> {
    match serde_json::to_value(config).expect("a config has only JSON's types") {
        Value::Object(keys) => keys,
        other => panic!("{other} is no table"),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().expect("a finite number").to_string(),
        Value::Array(values) if values.is_empty() => "none".to_string(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
