use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use crate::experiment::{FisherLabels, Versions};
use crate::fixture::write_images;
use crate::methods::methods;
use crate::metrics::AccuracyMatrix;

use super::records::RECORDS;
use super::*;
use crate::AUTO;

#[test]
fn a_new_folder_is_named_by_the_time_and_never_shared() {
    let root = TempDir::new().expect("temporary folder");
    let now = UNIX_EPOCH + Duration::from_secs(1_502_011_800);
    let names: Vec<PathBuf> = (0..2)
        .map(|_| {
            let folder = RunFolder::create(config(), root.path(), now).expect("new folder");
            folder.path().to_path_buf()
        })
        .collect();
    let parent = root.path().join("split-mnist");
    assert_eq!(names[0], parent.join("2017-08-06T09-30-00Z"));
    assert_eq!(names[1], parent.join("2017-08-06T09-30-00Z-2"));
}

#[test]
fn a_folder_reads_back_as_it_was_written() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let missing = folder.missing().expect("no records yet");
    let order: Vec<(&str, u64)> = missing
        .iter()
        .map(|(condition, seed)| (condition.name.as_str(), *seed))
        .collect();
    assert_eq!(order, [("none", 0), ("si", 0), ("none", 1), ("si", 1)]);

    let (condition, seed) = missing[1].clone();
    let record = record(condition, seed);
    folder.append(&record).expect("append");

    let folder = RunFolder::open(folder.path()).expect("open");
    assert_eq!(folder.config(), &config());
    assert_eq!(folder.records().expect("records"), [record]);
    assert_eq!(
        folder.missing().expect("missing"),
        [&missing[..1], &missing[2..]].concat()
    );
}

#[test]
fn a_folder_that_holds_a_run_is_refused_to_a_new_one() {
    let dir = TempDir::new().expect("temporary folder");
    drop(in_dir(&dir));
    let error = create(&dir).expect_err("the folder is in use");
    assert!(matches!(error, Error::FolderInUse { .. }), "{error}");
}

#[test]
fn a_folder_that_holds_other_results_is_refused_to_a_new_run() {
    for plan in ["compare.toml", "frontier.toml", "repro.toml"] {
        let dir = TempDir::new().expect("temporary folder");
        fs::write(dir.path().join(plan), "").expect("write");
        let error = create(&dir).expect_err("the folder is in use").to_string();
        assert!(error.contains(plan), "{error}");
        assert!(!dir.path().join(CONFIG).exists());
    }
}

#[test]
fn a_folder_of_runs_without_their_config_is_refused_to_a_new_run() {
    let dir = TempDir::new().expect("temporary folder");
    fs::write(dir.path().join("runs.jsonl"), "").expect("write");
    let error = create(&dir).expect_err("there are runs").to_string();
    assert!(
        error.contains("runs.jsonl is of a run whose config.toml is lost"),
        "{error}"
    );
}

#[test]
fn only_one_program_writes_at_a_time() {
    let dir = TempDir::new().expect("temporary folder");
    let first = in_dir(&dir);
    let mut second = RunFolder::open(dir.path()).expect("reading takes no lock");
    let error = second.resume(config()).expect_err("the folder is locked");
    assert!(matches!(error, Error::FolderBusy { .. }), "{error}");

    drop(first);
    second.resume(config()).expect("the lock is free again");
}

#[test]
fn checkpoints_of_a_finished_run_that_a_crash_left_are_removed_on_resume() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let records = all_records(&folder);
    folder.append(&records[0]).expect("append");
    let [finished, missing] = [0, 1].map(|run: usize| {
        let checkpoints = folder.checkpoints(&records[run].condition, records[run].seed);
        fs::create_dir_all(&checkpoints.folder).expect("folder");
        checkpoints.folder
    });
    folder.resume(config()).expect("the config is the same");
    assert!(!finished.exists() && missing.exists());
}

#[test]
fn a_torn_last_line_is_dropped_and_then_repaired() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let records = all_records(&folder);
    folder.append(&records[0]).expect("append");
    let path = dir.path().join(RECORDS);
    let line = fs::read(&path).expect("one line");

    for length in [1, line.len() / 2, line.len() - 2] {
        fs::write(&path, [&line[..], &line[..length]].concat()).expect("tear");
        assert_eq!(folder.records().expect("records"), records[..1]);
        folder.append(&records[1]).expect("append");
        assert_eq!(folder.records().expect("records"), records[..2]);
    }
}

#[test]
fn a_last_line_that_lacks_only_its_line_feed_counts() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let records = all_records(&folder);
    folder.append(&records[0]).expect("append");
    let path = dir.path().join(RECORDS);
    let line = fs::read(&path).expect("one line");
    fs::write(&path, &line[..line.len() - 1]).expect("tear");

    assert_eq!(folder.records().expect("records"), records[..1]);
    folder.append(&records[1]).expect("append");
    assert_eq!(folder.records().expect("records"), records[..2]);
}

#[test]
fn a_record_from_before_a_parameter_existed_has_the_value_of_the_config() {
    let dir = TempDir::new().expect("temporary folder");
    let config = ExperimentConfig {
        output_dir: Some(dir.path().to_path_buf()),
        fisher_labels: FisherLabels::Sampled,
        methods: methods("ewc:lambda=3"),
        ..config()
    };
    let folder = RunFolder::create(config, Path::new("unused"), UNIX_EPOCH).expect("new folder");
    let [first, second] = [0, 1].map(|run: usize| all_records(&folder)[run].clone());
    let line = serde_json::to_string(&first).expect("JSON's types");
    let old = line.replace(r#""fisher":"sampled","#, "");
    assert_ne!(old, line);
    fs::write(dir.path().join(RECORDS), format!("{old}\n")).expect("write");
    assert_eq!(folder.records().expect("records"), [first]);
    let missing = folder.missing().expect("missing");
    assert_eq!(missing, [(second.condition, second.seed)]);

    fs::write(dir.path().join(RECORDS), format!("{old}\n{line}\n")).expect("write");
    assert_eq!(folder.records().expect("it is the same run").len(), 1);
    let other = line.replace("sampled", "empirical");
    fs::write(dir.path().join(RECORDS), format!("{old}\n{other}\n")).expect("write");
    let error = folder.records().expect_err("it does not fit").to_string();
    assert!(error.contains("is not a run of config.toml"), "{error}");
}

#[test]
fn a_damaged_line_is_an_error_that_names_it() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let records = all_records(&folder);
    folder.append(&records[0]).expect("append");
    let path = dir.path().join(RECORDS);
    let line = fs::read_to_string(&path).expect("one line");
    let stranger = record(records[0].condition.clone(), 99);
    let stranger = serde_json::to_string(&stranger).expect("json") + "\n";

    for (text, expected) in [
        (format!("{line}{{\n{line}"), "line 2 of "),
        (
            format!("{line}{}", line.replace("0.25", "0.125")),
            "\"none\" with seed 0 has other results in line 2 of ",
        ),
        (
            format!("{line}{stranger}"),
            "\"none\" with seed 99 is not a run of config.toml",
        ),
    ] {
        fs::write(&path, text).expect("damage");
        let error = folder.records().expect_err("line 2 is damaged").to_string();
        assert!(
            error.contains("line 2 of ") && error.contains(expected),
            "{error}"
        );
        assert!(error.contains(RECORDS), "{error}");
    }
}

#[test]
fn resume_names_every_setting_that_differs() {
    let dir = TempDir::new().expect("temporary folder");
    drop(in_dir(&dir));
    let other = ExperimentConfig {
        num_epochs: 3,
        methods: methods("si:c=0.5"),
        num_seeds: 1,
        ..config()
    };
    let mut folder = RunFolder::open(dir.path()).expect("open");
    let error = folder.resume(other).expect_err("another experiment");
    let Error::ConfigDiffers { differences, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        differences,
        "methods is [\"none\", \"si:c=1\"], not [\"si:c=0.5\"]; num_epochs is 10, not 3; num_seeds is 2, not 1"
    );
}

#[test]
fn resume_takes_more_seeds_and_another_number_of_jobs() {
    let dir = TempDir::new().expect("temporary folder");
    let mut first = in_dir(&dir);
    for record in all_records(&first) {
        first.append(&record).expect("append");
    }
    drop(first);
    let more = ExperimentConfig {
        num_seeds: 3,
        num_jobs: Some(7),
        ..config()
    };
    let mut folder = RunFolder::open(dir.path()).expect("open");
    folder.resume(more.clone()).expect("resume");
    let folder = RunFolder::open(dir.path()).expect("open");
    assert_eq!(folder.config(), &more);
    let missing = folder.missing().expect("missing");
    assert_eq!(missing.iter().map(|run| run.1).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn resume_takes_the_same_images_from_another_folder_and_refuses_others() {
    let [dir, photos, moved, other] = [(); 4].map(|()| TempDir::new().expect("temporary folder"));
    write_images(photos.path(), 4);
    write_images(moved.path(), 4);
    write_images(other.path(), 6);
    let on = |images: &TempDir| config().with_images(images.path()).expect("images");
    let started = ExperimentConfig {
        output_dir: Some(dir.path().to_path_buf()),
        ..on(&photos)
    };
    drop(RunFolder::create(started, Path::new("unused"), UNIX_EPOCH).expect("new folder"));

    let mut folder = RunFolder::open(dir.path()).expect("open");
    folder.resume(on(&moved)).expect("the same images");
    assert_eq!(folder.config().images.as_deref(), Some(moved.path()));
    let error = folder
        .resume(on(&other))
        .expect_err("other images")
        .to_string();
    assert!(error.contains("image_set is that with md5 = \""), "{error}");
    let error = folder.resume(config()).expect_err("no images").to_string();
    assert!(
        error.contains("data_set is unset, not \"mnist\""),
        "{error}"
    );
}

#[test]
fn the_number_of_threads_is_decided_when_the_folder_is_made() {
    let dir = TempDir::new().expect("temporary folder");
    let undecided = ExperimentConfig {
        num_threads: None,
        output_dir: Some(dir.path().to_path_buf()),
        ..config()
    };
    let mut folder = RunFolder::create(undecided, dir.path(), UNIX_EPOCH).expect("new folder");
    let num_threads = folder.config().num_threads;
    assert!(num_threads.is_some_and(|number| number > 0));
    let other_jobs = ExperimentConfig {
        num_jobs: Some(7),
        num_threads: None,
        ..config()
    };
    folder.resume(other_jobs).expect("resume");
    assert_eq!(folder.config().num_threads, num_threads);
    let reread = RunFolder::open(dir.path()).expect("open");
    assert_eq!(reread.config().num_threads, num_threads);
}

#[test]
fn resume_with_another_number_of_threads_is_refused_and_changes_nothing() {
    let dir = TempDir::new().expect("temporary folder");
    drop(in_dir(&dir));
    let before = fs::read(dir.path().join(CONFIG)).expect("a config");
    let other = ExperimentConfig {
        num_seeds: 3,
        num_jobs: Some(7),
        num_threads: Some(3),
        ..config()
    };
    let mut folder = RunFolder::open(dir.path()).expect("open");
    let error = folder.resume(other).expect_err("another number of threads");
    let Error::ThreadsDiffer { stored, given, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((stored, given), (2, 3));
    assert_eq!(fs::read(dir.path().join(CONFIG)).expect("a config"), before);
}

#[test]
fn a_folder_without_a_thread_count_resumes_with_its_share_or_the_given_count() {
    for (given, num_jobs, expected) in [(None, 1_000_000, 1), (Some(3), 1, 3)] {
        let dir = TempDir::new().expect("temporary folder");
        let old = ExperimentConfig {
            num_jobs: Some(num_jobs),
            num_threads: None,
            ..config()
        };
        fs::write(dir.path().join(CONFIG), old.to_toml()).expect("write");
        let mut folder = RunFolder::open(dir.path()).expect("open");
        let config = ExperimentConfig {
            num_threads: given,
            ..old
        };
        folder.resume(config).expect("resume");
        assert_eq!(folder.config().num_threads, Some(expected));
        let reread = RunFolder::open(dir.path()).expect("open");
        assert_eq!(reread.config().num_threads, Some(expected));
    }
}

#[test]
fn the_newest_unfinished_folder_is_found() {
    let root = TempDir::new().expect("temporary folder");
    let newest = || {
        RunFolder::newest_unfinished(root.path(), Experiment::SplitMnist).expect("readable folders")
    };
    assert_eq!(newest(), None);

    let mut folders: Vec<RunFolder> = (0..3)
        .map(|day| {
            let now = UNIX_EPOCH + Duration::from_secs(day * 86400);
            RunFolder::create(config(), root.path(), now).expect("new folder")
        })
        .collect();
    fs::create_dir(root.path().join("split-mnist/other")).expect("a folder without a run");
    for record in all_records(&folders[2]) {
        folders[2].append(&record).expect("append");
    }
    assert_eq!(newest().as_deref(), Some(folders[1].path()));
}

#[test]
fn a_folder_that_is_not_a_run_is_refused() {
    let dir = TempDir::new().expect("temporary folder");
    let error = RunFolder::open(dir.path()).expect_err("there is no config");
    assert!(matches!(error, Error::NotARun { .. }), "{error}");

    for name in ["search", "final"] {
        let inside = dir.path().join(name);
        fs::create_dir(&inside).expect("a new folder");
        fs::write(inside.join(CONFIG), "").expect("write");
    }
    let error = RunFolder::open(dir.path()).expect_err("there is no config");
    let inside = ["final", "search"].map(|it| dir.path().join(it).display().to_string());
    let expected = format!("There are some in it: {}", inside.join(", "));
    assert!(error.to_string().ends_with(&expected), "{error}");

    fs::write(
        dir.path().join(CONFIG),
        "experiment = \"split-mnist\"\nepochs = 3\n",
    )
    .expect("write");
    let error = RunFolder::open(dir.path()).expect_err("epochs is no key");
    assert!(matches!(error, Error::ConfigFile { .. }), "{error}");
}

#[test]
fn drafts_of_the_config_that_killed_programs_left_are_neither_read_nor_taken_over() {
    let root = TempDir::new().expect("temporary folder");
    let path = root.path().join("split-mnist/killed");
    fs::create_dir_all(&path).expect("a folder");
    let drafts = [format!(".{CONFIG}.4711.1"), format!("{CONFIG}.draft")].map(|it| path.join(it));
    let torn = "experiment = \"split-mn";
    for draft in &drafts {
        fs::write(draft, torn).expect("write");
    }
    let error = RunFolder::open(&path).expect_err("there is no config");
    assert!(matches!(error, Error::NotARun { .. }), "{error}");
    let newest = RunFolder::newest_unfinished(root.path(), Experiment::SplitMnist);
    assert_eq!(newest.expect("a readable folder"), None);

    let config = |num_seeds| ExperimentConfig {
        num_seeds,
        output_dir: Some(path.clone()),
        ..config()
    };
    let mut folder = RunFolder::create(config(2), root.path(), UNIX_EPOCH).expect("new folder");
    folder.resume(config(3)).expect("resume");
    let reread = RunFolder::open(&path).expect("open");
    assert_eq!(reread.config().num_seeds, 3);
    assert_eq!(reread.records().expect("records"), []);
    for draft in &drafts {
        assert_eq!(fs::read_to_string(draft).expect("it is there"), torn);
    }
}

#[test]
fn a_folder_names_the_device_that_auto_chose() {
    let root = TempDir::new().expect("temporary folder");
    let auto = ExperimentConfig {
        device: AUTO.to_string(),
        ..config()
    };
    let mut folder = RunFolder::create(auto.clone(), root.path(), UNIX_EPOCH).expect("a folder");
    let device = resolve_device(AUTO).expect("there is one");
    assert_eq!(folder.config().device, device);
    folder.resume(auto).expect("it is the same device");
}

fn config() -> ExperimentConfig {
    ExperimentConfig {
        num_seeds: 2,
        device: "flex".to_string(),
        num_threads: Some(2),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    }
}

fn create(dir: &TempDir) -> Result<RunFolder, Error> {
    let config = ExperimentConfig {
        output_dir: Some(dir.path().to_path_buf()),
        ..config()
    };
    RunFolder::create(config, Path::new("unused"), UNIX_EPOCH)
}

fn in_dir(dir: &TempDir) -> RunFolder {
    create(dir).expect("new folder")
}

fn all_records(folder: &RunFolder) -> Vec<RunRecord> {
    folder
        .config
        .runs()
        .into_iter()
        .map(|(condition, seed)| record(condition, seed))
        .collect()
}

fn record(condition: Condition, seed: u64) -> RunRecord {
    let matrix = AccuracyMatrix::new(vec![vec![0.5, 0.25], vec![0.75, 1.0]]).expect("it is square");
    RunRecord {
        condition,
        seed,
        accuracy: matrix.clone(),
        train_accuracy: matrix,
        initial_accuracy: vec![0.5, 0.5],
        epochs: Vec::new(),
        correlations: Vec::new(),
        chosen_strengths: Vec::new(),
        inert: false,
        elapsed_seconds: 1.5,
        device: "flex".to_string(),
        matmul_error: None,
        num_threads: None,
        processor: None,
        cost: None,
        versions: Versions::current(),
    }
}

mod merge;
mod shards;
mod stacks;
