use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use serde::Deserialize;
use si_bench::data::DataSet;
use si_bench::experiment::{Experiment, ExperimentConfig};
use si_bench::methods::{IncompleteSpec, MethodSpec};
use si_bench::{Error, read_toml};

/// The settings of an experiment, from flags and a file.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    flags: Flags,
    /// What becomes of the methods that a flag or the file names.
    #[arg(skip)]
    named: NamedMethods,
    /// TOML file with settings. Flags override it; keys that are not in it keep their defaults
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    config: Option<PathBuf>,
    /// Do the runs that are missing in DIR, with the settings stored there; without DIR, in the
    /// newest unfinished folder. --seeds may be larger than before
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub(crate) resume: Option<Option<PathBuf>>,
}

/// What becomes of the methods that a flag or the file names.
#[derive(Clone, Copy, Debug, Default)]
enum NamedMethods {
    /// Each is run.
    #[default]
    Run,
    /// One without a strength stands for one with each strength of a search.
    Searched,
    /// The caller reads them.
    LeftOut,
}

/// The settings that are given as flags, each by its key.
#[derive(Clone, Debug)]
struct Flags(ArgMatches);

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        // As text, because a search makes several methods of one.
        ExperimentConfig::augment_args_for_update(command).mut_arg("methods", |methods| {
            methods.value_parser(value_parser!(String))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

/// Adds to the help of every setting its range, its value in the paper's protocol, and its key if its flag has another
/// name.
pub(crate) fn describe(command: Command, experiment: Experiment) -> Command {
    let paper = toml::Table::try_from(ExperimentConfig::paper(experiment)).unwrap_or_default();
    let settings = ExperimentConfig::augment_args_for_update(Command::new("si"));
    command.mut_args(|argument| {
        let key = argument.get_id().to_string();
        let is_setting = settings.get_arguments().any(|it| it.get_id() == &*key);
        let Some(help) = argument.get_help().filter(|_| is_setting) else {
            return argument;
        };
        let help = help.to_string();
        let (text, default) = match help.split_once(" Default: ") {
            Some((text, default)) => (text, Some(default.to_string())),
            None => (help.as_str(), None),
        };
        // The paper's value is more exact than the text.
        let default = paper.get(&key).map(shown).or(default);
        let range = ExperimentConfig::range(&key);
        let notes = [
            range.map(|range| format!(" [range: {}]", range.limits())),
            default.map(|default| format!(" [default: {default}]")),
            has_another_name(&argument).then(|| format!(" [key: {key}]")),
        ];
        let notes: String = notes.into_iter().flatten().collect();
        let help = format!("{}{notes}", text.trim_end_matches('.'));
        argument.help(help)
    })
}

/// A value as it is typed after its flag.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Array(values) if values.is_empty() => "none".to_string(),
        toml::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(shown).collect();
            values.join(",")
        }
        value => value.to_string(),
    }
}

/// Whether the flag is called differently from its key.
fn has_another_name(argument: &Arg) -> bool {
    let flag = argument.get_long().unwrap_or_default();
    flag.replace('-', "_") != argument.get_id().as_str()
}

impl Settings {
    /// These settings for a search: a method that is given without a strength is tried with several.
    pub(crate) fn for_search(&self) -> Self {
        Self {
            named: NamedMethods::Searched,
            ..self.clone()
        }
    }

    /// These settings without the methods that a flag or the file names, which [`methods`](Self::methods) has.
    pub(crate) fn without_methods(&self) -> Self {
        Self {
            named: NamedMethods::LeftOut,
            ..self.clone()
        }
    }

    /// The methods that a flag names, otherwise those of the TOML file, as text: a strength may be missing. `None` if
    /// neither names any.
    pub(crate) fn methods(&self) -> anyhow::Result<Option<Vec<String>>> {
        self.methods_or_those_in(self.file()?.as_ref())
    }

    fn methods_or_those_in(&self, file: Option<&File>) -> anyhow::Result<Option<Vec<String>>> {
        #[derive(Deserialize)]
        struct Named {
            methods: Option<Vec<IncompleteSpec>>,
        }
        if let Some(texts) = self.flags.0.get_many::<String>("methods") {
            return Ok(Some(texts.cloned().collect()));
        }
        let Some(file) = file else {
            return Ok(None);
        };
        let Named { methods } = file.read(read_toml)?;
        Ok(methods.map(|methods| methods.iter().map(IncompleteSpec::to_string).collect()))
    }

    fn file(&self) -> anyhow::Result<Option<File>> {
        self.config.clone().map(File::open).transpose()
    }

    /// The folder for the results, if a flag names one.
    pub(crate) fn output_dir(&self) -> Option<&PathBuf> {
        self.flags.0.get_one("output_dir")
    }

    /// Merges the settings: flags override the TOML file, which overrides `base`.
    pub(crate) fn over(&self, base: ExperimentConfig) -> anyhow::Result<ExperimentConfig> {
        let file = self.file()?;
        let has_flag = self.flags.0.get_many::<String>("methods").is_some();
        let with_file = match self.named {
            NamedMethods::Run if !has_flag => ExperimentConfig::with_toml,
            // Methods in the file do not count, or not as they are: one may lack its strength.
            _ => ExperimentConfig::with_toml_except_methods,
        };
        let mut config = match &file {
            None => base,
            Some(file) => file.read(|text| with_file(&base, text))?,
        };
        config = self.flags.on_images(config)?;
        if let Some(methods) = self.specs(file.as_ref(), config.experiment)? {
            config.methods = methods;
        }
        let mut flags = self.flags.0.clone();
        flags.remove_many::<String>("methods");
        config.update_from_arg_matches_mut(&mut flags)?;
        config.validate().map_err(with_flag)?;
        Ok(config)
    }

    /// What is made of the methods that a flag or the file names. `None` if those of another config stay.
    fn specs(
        &self,
        file: Option<&File>,
        experiment: Experiment,
    ) -> anyhow::Result<Option<Vec<MethodSpec>>> {
        let read: fn(&str, Experiment) -> Result<Vec<MethodSpec>, Error> = match self.named {
            NamedMethods::Run => |text, _| text.parse().map(|spec| vec![spec]),
            NamedMethods::Searched => MethodSpec::search,
            NamedMethods::LeftOut => return Ok(None),
        };
        let Some(texts) = self.methods_or_those_in(file)? else {
            return Ok(None);
        };
        let specs = texts.iter().map(|text| read(text, experiment));
        let specs: Vec<Vec<MethodSpec>> = specs.collect::<Result<_, _>>()?;
        Ok(Some(specs.concat()))
    }
}

/// A TOML file with settings.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// What `read` makes of its text. An error names the file.
    fn read<T>(&self, read: impl FnOnce(&str) -> Result<T, Error>) -> anyhow::Result<T> {
        read(&self.text).with_context(|| self.path.display().to_string())
    }
}

impl Flags {
    /// The config on the images that the flags name. The number of tasks may depend on them.
    fn on_images(&self, config: ExperimentConfig) -> Result<ExperimentConfig, Error> {
        let images = self.0.get_one::<PathBuf>("images");
        let data_set = self.0.get_one::<DataSet>("data_set");
        match (images, data_set) {
            (Some(folder), _) if config.images.as_ref() != Some(folder) => {
                config.with_images(folder)
            }
            (None, Some(data_set)) => Ok(config.with_data_set(*data_set)),
            _ => Ok(config),
        }
    }
}

/// The error of a value, with its flag if that is called differently from its key.
fn with_flag(error: Error) -> anyhow::Error {
    let Error::Value { key, .. } = &error else {
        return error.into();
    };
    let settings = ExperimentConfig::augment_args_for_update(Command::new("si"));
    let mut arguments = settings.get_arguments();
    let argument = arguments.find(|it| it.get_id() == key && has_another_name(it));
    match argument.and_then(Arg::get_long) {
        Some(flag) => anyhow::Error::new(error).context(format!("--{flag}")),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests;
