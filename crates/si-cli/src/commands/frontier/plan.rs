//! The study that a folder is made for, which is stored there, so that it can be resumed.

use std::path::{Path, PathBuf};

use si_bench::experiment::{ExperimentConfig, RunFolder};
use si_bench::frontier::{Configuration, FrontierFiles, FrontierStudy};
use si_bench::{Error, resolve_device};

use super::FrontierArgs;
use crate::{experiment, plan_file};

const FILE: &str = "frontier.toml";

/// The study that `args` ask for, which can run on this machine.
pub(super) fn new(args: &FrontierArgs) -> anyhow::Result<FrontierStudy> {
    let num_configurations = args
        .configurations
        .map_or(FrontierStudy::NUM_CONFIGURATIONS, usize::from);
    let mut study = FrontierStudy::reduced(num_configurations, args.seed.unwrap_or(0));
    let protocol = &mut study.protocol;
    protocol.num_train_images = args.train_images.or(protocol.num_train_images);
    protocol.num_epochs = args.epochs.unwrap_or(protocol.num_epochs);
    protocol.num_jobs = args.jobs;
    protocol.num_threads = args.threads;
    protocol.data_dir.clone_from(&args.data_dir);
    if let Some(device) = &args.device {
        protocol.device.clone_from(device);
    }
    protocol.device = resolve_device(&protocol.device)?;
    // Device and threads are the same in all configurations, wherever they are resumed.
    study.protocol.num_threads = checked(&study)?.num_threads();
    Ok(study)
}

/// The experiment of the first configuration, which differs from the others only in numbers that are always valid.
fn checked(study: &FrontierStudy) -> anyhow::Result<ExperimentConfig> {
    let mut configurations = study.configurations();
    let first = configurations.next();
    let first = first.ok_or_else(|| {
        Error::Config("num_configurations must be a whole number ≥ 1, got 0".to_string())
    })?;
    let config = study.experiment(&first);
    config.validate()?;
    experiment::check(&config)?;
    Ok(config)
}

/// The `stored` study in `folder`, with those of `args` that may change when it is resumed.
pub(super) fn resumed(
    stored: FrontierStudy,
    folder: &Path,
    args: &FrontierArgs,
) -> anyhow::Result<FrontierStudy> {
    let before = stored.num_configurations;
    let num_configurations = args.configurations.map_or(before, usize::from);
    if num_configurations < before {
        return Err(Error::ConfigDiffers {
            path: folder.to_path_buf(),
            differences: format!("num_configurations is {before}, not {num_configurations}"),
        }
        .into());
    }
    let study = FrontierStudy {
        num_configurations,
        protocol: ExperimentConfig {
            num_jobs: args.jobs.or(stored.protocol.num_jobs),
            data_dir: args.data_dir.clone().or(stored.protocol.data_dir),
            ..stored.protocol
        },
        ..stored
    };
    checked(&study)?;
    Ok(study)
}

pub(super) fn read(folder: &Path) -> anyhow::Result<FrontierStudy> {
    plan_file::read(folder, FILE, "study of the frontier")
}

pub(super) fn write(folder: &Path, study: &FrontierStudy) -> anyhow::Result<()> {
    plan_file::write(folder, FILE, study)
}

/// The newest study in `root` that is not done.
pub(super) fn newest_unfinished(root: &Path) -> anyhow::Result<PathBuf> {
    let is_unfinished = |folder: &Path| Ok(folder.join(FILE).exists() && !is_done(folder)?);
    plan_file::newest(root, "study of the frontier", is_unfinished)
}

/// The folder of the runs of a configuration.
pub(super) fn folder_of(folder: &Path, configuration: &Configuration) -> PathBuf {
    folder.join(format!("{:02}", configuration.number))
}

/// Whether every run and the report are done.
fn is_done(folder: &Path) -> anyhow::Result<bool> {
    let study = read(folder)?;
    // The report is written last. Configurations may have been added since.
    if FrontierFiles::num_configurations(folder) != Some(study.num_configurations) {
        return Ok(false);
    }
    for configuration in study.configurations() {
        match RunFolder::open(&folder_of(folder, &configuration)) {
            Ok(runs) if runs.missing()?.is_empty() => (),
            Ok(_) | Err(Error::NotARun { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: FrontierArgs,
    }

    fn args(words: &str) -> FrontierArgs {
        let words = ["si"].into_iter().chain(words.split_whitespace());
        Program::try_parse_from(words)
            .expect("it is well formed")
            .args
    }

    fn study(words: &str) -> FrontierStudy {
        new(&args(&format!("--device flex {words}"))).expect("it is valid")
    }

    #[test]
    fn a_study_without_flags_is_the_reduced_protocol() {
        let found = study("--threads 1");
        let mut expected = FrontierStudy::reduced(FrontierStudy::NUM_CONFIGURATIONS, 0);
        expected.protocol.device = "flex".to_string();
        expected.protocol.num_threads = Some(1);
        assert_eq!(found, expected);
    }

    #[test]
    fn the_help_gives_the_defaults_of_the_protocol() {
        let command = <Program as clap::CommandFactory>::command();
        for (flag, default) in [
            ("configurations", FrontierStudy::NUM_CONFIGURATIONS),
            ("train_images", FrontierStudy::NUM_TRAIN_IMAGES),
            ("epochs", FrontierStudy::NUM_EPOCHS),
        ] {
            let mut arguments = command.get_arguments();
            let argument = arguments.find(|it| it.get_id() == flag);
            let help = argument
                .and_then(|it| it.get_help())
                .map(|it| it.to_string());
            let expected = format!("[default: {default}]");
            assert!(help.is_some_and(|it| it.ends_with(&expected)), "{flag}");
        }
    }

    #[test]
    fn flags_that_are_not_valid_are_refused() {
        for (words, expected) in [
            ("--epochs 0", "num_epochs must be a whole number ≥ 1, got 0"),
            (
                "--train-images 0",
                "num_train_images must be a whole number ≥ 1, got 0",
            ),
            ("--jobs 0", "num_jobs must be a whole number ≥ 1, got 0"),
        ] {
            let error = new(&args(&format!("--device flex {words}")));
            let error = error.expect_err("it is not valid").to_string();
            assert!(error.contains(expected), "{error}");
        }
        for words in [
            "--configurations 0",
            "--resume DIR --seed 1",
            "--resume DIR --out DIR",
        ] {
            let words = ["si"].into_iter().chain(words.split_whitespace());
            assert!(Program::try_parse_from(words).is_err());
        }
    }

    #[test]
    fn a_study_is_read_back_to_the_same_and_can_have_more_configurations() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let stored = study("--configurations 3 --seed 5 --threads 1");
        write(path, &stored).expect("written");
        assert_eq!(read(path).expect("it was written"), stored);
        let more = resumed(stored.clone(), path, &args("--configurations 4 --jobs 1"));
        let more = more.expect("only numbers that may change");
        assert_eq!(
            (more.num_configurations, more.protocol.num_jobs),
            (4, Some(1))
        );
        let fewer = resumed(stored, path, &args("--configurations 2"));
        let error = fewer.expect_err("runs would be left out").to_string();
        assert!(error.contains("num_configurations is 3, not 2"), "{error}");
        let other = read(&path.join("other")).expect_err("nothing is there");
        let expected = "is not the folder of a study of the frontier";
        assert!(other.to_string().contains(expected), "{other}");
    }

    #[test]
    fn a_study_without_a_report_or_with_more_configurations_is_unfinished() {
        let root = tempfile::tempdir().expect("a folder");
        assert!(newest_unfinished(root.path()).is_err());
        let folder = root.path().join("2026-01-01");
        fs::create_dir(&folder).expect("a folder");
        write(&folder, &study("--configurations 1")).expect("written");
        let newest = newest_unfinished(root.path());
        assert_eq!(newest.expect("it has no report"), folder);
        let report = r#"{ "configurations": [0] }"#;
        fs::write(folder.join(FrontierFiles::JSON), report).expect("written");
        let newest = newest_unfinished(root.path());
        assert_eq!(newest.expect("it has no run"), folder);
    }
}
