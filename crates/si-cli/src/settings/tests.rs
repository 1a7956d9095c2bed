use super::*;
use clap::{CommandFactory, Parser};
use serde_json::Value;
use si_bench::experiment::OptimizerReset;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    settings: Settings,
}

#[test]
fn the_protocol_without_flags_is_the_papers() {
    for paper in Experiment::ALL.map(ExperimentConfig::paper) {
        let config = parse(&[]).over(paper.clone());
        assert_eq!(config.expect("the paper's values are valid"), paper);
    }
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
fn every_key_is_a_flag() {
    let error = paper().with_toml("weight_decay = 1\n");
    let error = error.expect_err("it is no key").to_string();
    let (_, known) = error.rsplit_once("known keys are ").expect("a list");
    let mut known: Vec<&str> = known.split(", ").collect();
    known.retain(|key| !["experiment", "image_set"].contains(key));
    known.sort_unstable();

    let command = Program::command();
    let arguments = command.get_arguments();
    let mut flags: Vec<&str> = arguments.map(|it| it.get_id().as_str()).collect();
    flags.retain(|flag| !["config", "resume", "help"].contains(flag));
    flags.sort_unstable();

    assert_eq!(flags, known);
}

#[test]
fn the_help_of_a_flag_gives_the_default_of_the_experiment() {
    for experiment in Experiment::ALL {
        let paper = keys(&ExperimentConfig::paper(experiment));
        for (key, value) in paper.iter().filter(|(key, _)| *key != "experiment") {
            let help = help(key, experiment);
            let default = format!("[default: {}]", shown(value));
            assert!(help.contains(&default), "{default} is not in {help:?}");
            assert_eq!(help.matches("efault: ").count(), 1, "{help:?}");
        }
    }
}

#[test]
fn the_help_of_a_flag_gives_its_range_and_a_key_of_another_name() {
    let help = |key| help(key, Experiment::SplitMnist);
    assert_eq!(
        help("num_epochs"),
        "Epochs per task [range: ≥ 1] [default: 10] [key: num_epochs]"
    );
    assert_eq!(
        help("learning_rate"),
        "Learning rate η [range: > 0] [default: 0.001]"
    );
    assert_eq!(
        help("num_train_images"),
        "Train on only the first N training images of each task [range: ≥ 1] [default: all] \
         [key: num_train_images]"
    );
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
    let mut checked = Vec::new();
    for argument in Program::command().get_arguments() {
        let key = argument.get_id().as_str();
        let names = argument.get_possible_values();
        let names: Vec<&str> = names.iter().map(|it| it.get_name()).collect();
        if names.is_empty() || names == ["true", "false"] {
            continue;
        }
        let error = paper().with_toml(&format!("{key} = '?'\n"));
        let error = error.expect_err("it is no name").to_string();
        let start = format!("line 1: {key} must be ");
        let in_file = error.strip_prefix(&start).expect("a list of names");
        let in_file = in_file.strip_suffix(", got ?").expect("a list of names");
        let in_file = in_file.replace(" or ", ", ");
        let mut in_file: Vec<&str> = in_file.split(", ").collect();
        if key == "data_set" {
            // The others make experiments of their own.
            in_file.retain(|name| !name.starts_with("cifar"));
        }
        assert_eq!(in_file, names, "{key}");
        checked.push(key.to_string());
    }
    assert_eq!(checked.len(), 10, "{checked:?}");
}

#[test]
fn methods_can_be_read_apart_from_the_other_settings() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    let methods = "methods = ['si:c=2', { method = 'er' }, 'ewc']\n";
    fs::write(file.path(), methods).expect("write");
    let path = file.path().to_str().expect("a path in UTF-8");
    let texts = |flags: &[&str]| parse(flags).methods().expect("they are well formed");
    let given = |texts: &[&str]| Some(texts.iter().map(|it| it.to_string()).collect());
    assert_eq!(texts(&[]), None);
    assert_eq!(texts(&["--config", path]), given(&["si:c=2", "er", "ewc"]));
    let flags = ["--config", path, "--methods", "ewc,none"];
    assert_eq!(texts(&flags), given(&["ewc", "none"]));
    for given in [["--methods", "ewc,none"], ["--config", path]] {
        let settings = parse(&[&given[..], &["--epochs", "3"]].concat());
        let config = settings.without_methods().over(paper());
        let expected = ExperimentConfig {
            num_epochs: 3,
            ..paper()
        };
        assert_eq!(config.expect("valid settings"), expected);
    }
}

#[test]
fn a_method_without_its_strength_is_tried_with_several_only_in_a_search() {
    let settings = parse(&["--methods", "ewc,si:c=2"]);
    let config = settings.for_search().over(paper()).expect("valid settings");
    assert_eq!(config.methods.len(), 6);
    assert_eq!(config.methods[5].to_string(), "si:c=2");
    let error = settings.over(paper()).expect_err("a strength is missing");
    assert!(error.to_string().contains("needs lambda"), "{error}");
}

#[test]
fn a_method_of_a_file_without_its_strength_is_tried_with_several_only_in_a_search() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    fs::write(file.path(), "num_epochs = 2\nmethods = ['ewc', 'si:c=2']\n").expect("write");
    let path = file.path().to_str().expect("a path in UTF-8");
    let searched = |flags: &[&str]| {
        let settings = parse(&[&["--config", path], flags].concat()).for_search();
        settings.over(paper()).expect("valid settings")
    };
    let with_flag = parse(&["--epochs", "2", "--methods", "ewc,si:c=2"]).for_search();
    let with_flag = with_flag.over(paper()).expect("valid settings");
    assert_eq!(searched(&[]), with_flag);
    assert_eq!(searched(&[]).methods.len(), 6);
    let none = MethodSpec::list("none").expect("well formed");
    assert_eq!(searched(&["--methods", "none"]).methods, none);

    let error = parse(&["--config", path]).over(paper());
    let error = format!("{:#}", error.expect_err("a strength is missing"));
    assert!(
        error.contains("line 2: the method ewc needs lambda"),
        "{error}"
    );
    let overridden = parse(&["--config", path, "--methods", "none"]).over(paper());
    assert_eq!(overridden.expect("the file's do not count").methods, none);
}

#[test]
fn a_data_set_takes_the_place_of_another() {
    let config = parse(&["--data-set", "fashion-mnist"]).over(paper());
    let expected = ExperimentConfig {
        data_set: Some(DataSet::FashionMnist),
        ..paper()
    };
    assert_eq!(config.expect("valid settings"), expected);
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

fn help(key: &str, experiment: Experiment) -> String {
    let command = describe(Program::command(), experiment);
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|it| it.get_id() == key);
    let help = argument.and_then(Arg::get_help);
    help.expect("every key has a flag with a help").to_string()
}
