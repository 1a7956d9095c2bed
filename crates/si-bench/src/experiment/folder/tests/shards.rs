//! Several programs that write in one folder, and folders that are merged.

use super::*;

fn shard(text: &str) -> Shard {
    text.parse().expect("a shard")
}

fn join(dir: &TempDir, text: &str) -> Result<RunFolder, Error> {
    RunFolder::join(dir.path(), config(), shard(text))
}

fn joined(dir: &TempDir, text: &str) -> RunFolder {
    join(dir, text).expect("it joins")
}

fn seeds(runs: &[(Condition, u64)]) -> Vec<u64> {
    runs.iter().map(|(_, seed)| *seed).collect()
}

/// Writes the records of all runs that the folder has to do.
fn finish(folder: &mut RunFolder) {
    for (condition, seed) in folder.to_do().expect("readable") {
        folder.append(&record(condition, seed)).expect("append");
    }
}

#[test]
fn shards_write_in_one_folder_at_the_same_time_and_each_reads_the_runs_of_all() {
    let dir = TempDir::new().expect("temporary folder");
    let [mut first, mut second] = ["1/2", "2/2"].map(|text| joined(&dir, text));
    assert_eq!(seeds(&first.to_do().expect("readable")), [0, 0]);
    assert_eq!(seeds(&second.to_do().expect("readable")), [1, 1]);

    finish(&mut second);
    assert_eq!(second.to_do().expect("readable"), []);
    assert_eq!(seeds(&second.missing().expect("readable")), [0, 0]);
    finish(&mut first);
    for folder in [&first, &second] {
        assert_eq!(folder.missing().expect("readable"), []);
    }
    assert_eq!(first.records().expect("records"), all_records(&first));
    for name in ["runs.1-of-2.jsonl", "runs.2-of-2.jsonl"] {
        let text = fs::read_to_string(dir.path().join(name)).expect(name);
        assert_eq!(text.lines().count(), 2);
    }
    assert!(!dir.path().join(RECORDS).exists());
}

#[test]
fn a_shard_leaves_no_trace_in_the_config() {
    let [alone, shared] = [(); 2].map(|()| TempDir::new().expect("temporary folder"));
    drop(in_dir(&alone));
    drop(joined(&shared, "2/2"));
    let [alone, shared] = [alone, shared].map(|dir| fs::read(dir.path().join(CONFIG)));
    assert_eq!(alone.expect("a config"), shared.expect("a config"));
}

#[test]
fn many_shards_that_begin_at_once_make_one_folder() {
    let dir = TempDir::new().expect("temporary folder");
    let folder = dir.path().join("made");
    let folders: Vec<RunFolder> = std::thread::scope(|scope| {
        let begin = |index| {
            let folder = &folder;
            scope.spawn(move || {
                let shard = Shard::new(index, 6).expect("in range");
                RunFolder::join(folder, config(), shard).expect("it joins")
            })
        };
        let threads: Vec<_> = (1..=6).map(begin).collect();
        let folders = threads.into_iter().map(|it| it.join().expect("no panic"));
        folders.collect()
    });
    for folder in &folders {
        assert_eq!(folder.config(), &config());
    }
    let with_runs = folders.iter().filter(|folder| !folder.share().is_empty());
    assert_eq!(with_runs.count(), 2, "there are two seeds");
}

#[test]
fn a_shard_that_another_program_does_is_refused_until_that_ends() {
    let dir = TempDir::new().expect("temporary folder");
    let first = joined(&dir, "1/2");
    let error = join(&dir, "1/2").expect_err("it is taken").to_string();
    assert!(error.contains("is doing shard 1/2 in "), "{error}");
    drop(first);
    joined(&dir, "1/2");
}

#[test]
fn shards_of_another_division_are_refused_while_some_are_at_work() {
    let dir = TempDir::new().expect("temporary folder");
    let first = joined(&dir, "1/2");
    let error = join(&dir, "2/3").expect_err("they overlap").to_string();
    assert!(
        error.contains("is doing shard 1/2 in ") && error.contains("use shards of 2"),
        "{error}"
    );
    drop(first);
    joined(&dir, "2/3");
}

#[test]
fn a_program_that_does_all_runs_and_shards_exclude_each_other() {
    let dir = TempDir::new().expect("temporary folder");
    let whole = in_dir(&dir);
    let error = join(&dir, "1/2").expect_err("all runs are taken");
    assert!(matches!(error, Error::FolderBusy { .. }), "{error}");
    drop(whole);

    let first = joined(&dir, "1/2");
    let mut whole = RunFolder::open(dir.path()).expect("reading takes no lock");
    let error = whole.resume(config()).expect_err("a shard is at work");
    assert!(matches!(error, Error::FolderBusy { .. }), "{error}");
    drop(first);
    whole.resume(config()).expect("the lock is free again");
}

#[test]
fn one_program_finishes_what_shards_have_left() {
    let dir = TempDir::new().expect("temporary folder");
    let mut first = joined(&dir, "1/2");
    finish(&mut first);
    drop(first);
    let mut whole = RunFolder::open(dir.path()).expect("open");
    whole.resume(config()).expect("resume");
    assert_eq!(seeds(&whole.to_do().expect("readable")), [1, 1]);
    finish(&mut whole);
    assert_eq!(whole.missing().expect("readable"), []);
    assert_eq!(whole.record_files().expect("readable").len(), 2);
}

#[test]
fn a_shard_with_other_settings_is_refused_with_the_names_of_the_keys() {
    let dir = TempDir::new().expect("temporary folder");
    let first = joined(&dir, "1/2");
    for (other, expected) in [
        (
            ExperimentConfig {
                num_epochs: 3,
                ..config()
            },
            "num_epochs is 10, not 3",
        ),
        (
            ExperimentConfig {
                num_seeds: 5,
                ..config()
            },
            "num_seeds is 2, not 5",
        ),
        (
            ExperimentConfig {
                checkpoint_seconds: Some(1.0),
                ..config()
            },
            "checkpoint_seconds is unset, not 1.0",
        ),
    ] {
        let error = RunFolder::join(dir.path(), other, shard("2/2")).expect_err("it differs");
        assert!(matches!(error, Error::ConfigDiffers { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let threads = ExperimentConfig {
        num_threads: Some(7),
        ..config()
    };
    let error = RunFolder::join(dir.path(), threads, shard("2/2")).expect_err("it differs");
    assert!(matches!(error, Error::ThreadsDiffer { .. }), "{error}");
    let own = ExperimentConfig {
        num_jobs: Some(7),
        num_replicas: Some(2),
        ..config()
    };
    let second = RunFolder::join(dir.path(), own, shard("2/2")).expect("these are its own");
    assert_eq!(second.config().num_replicas, Some(2));
    drop(first);
}

#[test]
fn the_number_of_jobs_of_a_shard_is_not_the_default_of_the_others() {
    let dir = TempDir::new().expect("temporary folder");
    let with_jobs = |text: &str, num_jobs: Option<usize>| {
        let config = ExperimentConfig {
            num_jobs,
            ..config()
        };
        RunFolder::join(dir.path(), config, shard(text)).expect("it joins")
    };
    let jobs = |folder: &RunFolder| folder.config().num_jobs;
    // The first shard makes the folder, then it is alone in it.
    for own in [7, 5] {
        let first = with_jobs("1/2", Some(own));
        let second = with_jobs("2/2", None);
        assert_eq!([&first, &second].map(jobs), [Some(own), None]);
    }
    let reread = RunFolder::open(dir.path()).expect("open");
    assert_eq!(reread.config(), &config());
}

#[test]
fn a_shard_takes_the_number_of_jobs_in_the_config_if_none_is_given_and_never_changes_it() {
    let dir = TempDir::new().expect("temporary folder");
    let with_jobs = |num_jobs: Option<usize>| ExperimentConfig {
        num_jobs,
        ..config()
    };
    fs::write(dir.path().join(CONFIG), with_jobs(Some(4)).to_toml()).expect("write");
    let join = |text: &str, num_jobs| {
        let folder = RunFolder::join(dir.path(), with_jobs(num_jobs), shard(text));
        folder.expect("it joins")
    };
    // Both the shard that is alone and the one beside it.
    for given in [Some(7), None] {
        let folders = ["1/2", "2/2"].map(|text| join(text, given));
        let expected = given.or(Some(4));
        assert_eq!(
            folders.each_ref().map(|folder| folder.config().num_jobs),
            [expected; 2]
        );
    }
    let reread = RunFolder::open(dir.path()).expect("open");
    assert_eq!(reread.config().num_jobs, Some(4));
}

#[test]
fn a_shard_may_require_more_precision_than_the_others_but_not_less() {
    let requiring = |dir: &TempDir, text: &str, matmul_precision| {
        let config = ExperimentConfig {
            matmul_precision,
            ..config()
        };
        RunFolder::join(dir.path(), config, shard(text))
    };
    let [exact, any] = [(); 2].map(|()| TempDir::new().expect("temporary folder"));
    let first = requiring(&exact, "1/2", RequiredPrecision::Exact).expect("it joins");
    let error = requiring(&exact, "2/2", RequiredPrecision::Any).expect_err("it differs");
    let expected = "matmul_precision is \"exact\", not \"any\"";
    assert!(error.to_string().contains(expected), "{error}");
    drop(first);

    let _first = requiring(&any, "1/2", RequiredPrecision::Any).expect("it joins");
    let second = requiring(&any, "2/2", RequiredPrecision::Exact).expect("it joins");
    assert_eq!(second.config().matmul_precision, RequiredPrecision::Any);
}

#[test]
fn a_shard_that_is_alone_may_add_seeds() {
    let dir = TempDir::new().expect("temporary folder");
    drop(joined(&dir, "1/2"));
    let more = ExperimentConfig {
        num_seeds: 5,
        ..config()
    };
    let folder = RunFolder::join(dir.path(), more.clone(), shard("1/2")).expect("it joins");
    assert_eq!(
        seeds(&folder.to_do().expect("readable")),
        [0, 0, 2, 2, 4, 4]
    );
    let reread = RunFolder::open(dir.path()).expect("open");
    assert_eq!(reread.config(), &more);
}

#[test]
fn a_shard_removes_the_checkpoints_of_its_own_finished_runs_only() {
    let dir = TempDir::new().expect("temporary folder");
    let [mut first, mut second] = ["1/2", "2/2"].map(|text| joined(&dir, text));
    finish(&mut first);
    finish(&mut second);
    drop(second);
    let left = all_records(&first);
    let [of_first, of_second] = [0, 2].map(|run: usize| {
        let checkpoints = first.checkpoints(&left[run].condition, left[run].seed);
        fs::create_dir_all(&checkpoints.folder).expect("folder");
        checkpoints.folder
    });
    drop(joined(&dir, "2/2"));
    assert!(of_first.exists() && !of_second.exists());
}

#[test]
fn a_run_that_is_there_twice_counts_once_if_only_its_machine_differs() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let one = all_records(&folder).remove(0);
    folder.append(&one).expect("append");
    let elsewhere = RunRecord {
        elapsed_seconds: 99.0,
        processor: Some("another".to_string()),
        num_threads: Some(7),
        ..one.clone()
    };
    let other = dir.path().join("runs.2-of-3.jsonl");
    records::append(&other, &[elsewhere]).expect("append");
    assert_eq!(folder.records().expect("the same run").len(), 1);

    fs::remove_file(&other).expect("it is there");
    let second = all_records(&folder).remove(1);
    records::append(&other, &[second]).expect("append");
    let different = RunRecord {
        initial_accuracy: vec![0.5, 0.25],
        ..one
    };
    records::append(&other, &[different]).expect("append");
    let error = folder.records().expect_err("the results differ");
    let expected = format!(
        "condition \"none\" with seed 0 has other results in line 2 of {} than in line 1 of {}: remove one of the two lines",
        other.display(),
        dir.path().join(RECORDS).display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn files_of_records_are_read_in_the_order_of_their_shards_and_others_are_not() {
    let dir = TempDir::new().expect("temporary folder");
    let folder = in_dir(&dir);
    for name in [
        "runs.10-of-12.jsonl",
        "runs.2-of-12.jsonl",
        RECORDS,
        "runs.1-of-3.jsonl",
        "runs.4-of-3.jsonl",
        "runs.copy.jsonl",
        "runs.1-of-3.jsonl.draft",
    ] {
        fs::write(dir.path().join(name), "").expect("write");
    }
    let files = folder.record_files().expect("readable");
    let names: Vec<&str> = files
        .iter()
        .filter_map(|file| file.file_name()?.to_str())
        .collect();
    assert_eq!(
        names,
        [
            RECORDS,
            "runs.1-of-3.jsonl",
            "runs.2-of-12.jsonl",
            "runs.10-of-12.jsonl"
        ]
    );
}

#[test]
fn the_status_tells_done_from_begun_and_missing() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = joined(&dir, "2/2");
    finish(&mut folder);
    let condition = folder.config().conditions().remove(1);
    let checkpoints = folder.checkpoints(&condition, 0).folder;
    fs::create_dir_all(&checkpoints).expect("folder");
    fs::write(checkpoints.join("3.draft"), "").expect("write");
    let lists = |folder: &RunFolder| {
        let status = folder.status().expect("readable");
        let lists = status
            .into_iter()
            .map(|one| [one.done, one.begun, one.missing]);
        lists.collect::<Vec<_>>()
    };
    let none_begun = [vec![1], vec![], vec![0]];
    assert_eq!(lists(&folder), [none_begun.clone(), none_begun.clone()]);
    fs::write(checkpoints.join("3.ckpt"), "").expect("write");
    let begun = [vec![1], vec![0], vec![]];
    assert_eq!(lists(&folder), [none_begun, begun]);
}

/// Two folders, each with a shard of the runs, on machines of their own.
fn halves() -> [TempDir; 2] {
    ["1/2", "2/2"].map(|text| {
        let dir = TempDir::new().expect("temporary folder");
        finish(&mut joined(&dir, text));
        dir
    })
}

fn paths(dirs: &[TempDir]) -> Vec<PathBuf> {
    dirs.iter().map(|dir| dir.path().to_path_buf()).collect()
}

#[test]
fn merged_folders_have_all_runs_in_any_order_of_the_folders() {
    let halves = halves();
    let target = TempDir::new().expect("temporary folder");
    let mut orders = paths(&halves);
    let merged = RunFolder::merge(&orders, target.path()).expect("an empty folder is fine");
    assert_eq!(merged.missing().expect("readable"), []);
    assert_eq!(merged.records().expect("readable"), all_records(&merged));
    assert_eq!(merged.config(), &config());

    orders.reverse();
    orders.push(orders[0].clone());
    let again = target.path().join("new/again");
    fs::create_dir(target.path().join("new")).expect("a folder");
    RunFolder::merge(&orders, &again).expect("the same run twice is one");
    for name in [CONFIG, RECORDS] {
        let [one, other] = [target.path(), &again].map(|path| fs::read(path.join(name)));
        assert_eq!(one.expect(name), other.expect(name));
    }
}

#[test]
fn a_merge_that_fails_leaves_nothing() {
    let halves = halves();
    let parent = TempDir::new().expect("temporary folder");
    let target = parent.path().join("merged");
    let other = TempDir::new().expect("temporary folder");
    let settings = ExperimentConfig {
        num_epochs: 3,
        ..config()
    };
    drop(RunFolder::join(other.path(), settings, shard("1/2")).expect("it joins"));
    let sources = [paths(&halves), vec![other.path().to_path_buf()]].concat();
    let error = RunFolder::merge(&sources, &target).expect_err("another experiment");
    assert!(matches!(error, Error::ExperimentsDiffer { .. }), "{error}");
    let error = error.to_string();
    assert!(error.ends_with(": num_epochs is 10, not 3"), "{error}");

    let taken = parent.path().join("taken");
    fs::create_dir(&taken).expect("a folder");
    fs::write(taken.join("notes.txt"), "mine").expect("write");
    let error = RunFolder::merge(&paths(&halves), &taken).expect_err("it is not empty");
    assert!(error.to_string().contains("not an empty folder"), "{error}");
    let error = RunFolder::merge(&paths(&halves), halves[0].path()).expect_err("it holds a run");
    assert!(matches!(error, Error::FolderInUse { .. }), "{error}");

    let entries = fs::read_dir(parent.path()).expect("readable");
    let names: Vec<_> = entries
        .map(|it| it.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["taken"]);
    assert_eq!(fs::read(taken.join("notes.txt")).expect("kept"), b"mine");
}

#[test]
fn a_merge_of_runs_that_differ_names_both_files() {
    let halves = halves();
    let file = halves[1].path().join("runs.2-of-2.jsonl");
    let text = fs::read_to_string(&file).expect("records");
    let other = TempDir::new().expect("temporary folder");
    drop(joined(&other, "2/2"));
    let changed = other.path().join("runs.2-of-2.jsonl");
    fs::write(&changed, text.replace("0.25", "0.125")).expect("write");
    let target = other.path().join("merged");
    let sources = [paths(&halves), vec![other.path().to_path_buf()]].concat();
    let error = RunFolder::merge(&sources, &target).expect_err("they differ");
    let error = error.to_string();
    for part in [&file, &changed] {
        assert!(error.contains(&part.display().to_string()), "{error}");
    }
}
