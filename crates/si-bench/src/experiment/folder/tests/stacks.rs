use super::*;

#[test]
fn each_stack_has_its_own_place_and_one_run_has_its_usual_one() {
    let dir = TempDir::new().expect("temporary folder");
    let folder = in_dir(&dir);
    let runs = folder.to_do().expect("readable");
    let (condition, seed) = &runs[1];
    assert_eq!(
        folder.checkpoints_of(&runs[1..2]),
        folder.checkpoints(condition, *seed)
    );
    let mut turned = runs.clone();
    turned.reverse();
    let places = [&runs[..], &runs[..2], &runs[1..], &turned, &runs[..1]];
    let places = places.map(|runs| folder.checkpoints_of(runs).folder);
    for (index, place) in places.iter().enumerate() {
        assert!(place.starts_with(dir.path().join("checkpoints")));
        assert!(!places[..index].contains(place), "{index}");
    }
    assert_eq!(folder.checkpoints_of(&runs).folder, places[0]);
}

#[test]
fn the_runs_of_a_stack_are_added_in_their_order_and_leave_no_checkpoints() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let runs = folder.to_do().expect("readable");
    let alone = folder.checkpoints_of(&runs[..1]).folder;
    fs::create_dir_all(&alone).expect("folder");
    let [first, second] = [&runs[..3], &runs[3..]].map(|runs| begun(&folder, runs));

    let records = all_records(&folder);
    folder.append_all(&records[..3]).expect("append");
    assert_eq!(folder.records().expect("records"), records[..3]);
    assert_eq!(folder.to_do().expect("readable"), runs[3..]);
    assert!(!first.exists() && !alone.exists());
    assert!(second.exists());
}

#[test]
fn the_last_records_of_a_stack_that_a_crash_tore_are_still_to_do() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let runs = folder.to_do().expect("readable");
    let records = all_records(&folder);
    folder.append_all(&records).expect("append");
    let path = dir.path().join(RECORDS);
    let text = fs::read(&path).expect("four lines");
    fs::write(&path, &text[..text.len() / 2 + 1]).expect("tear");

    assert_eq!(folder.to_do().expect("readable"), runs[2..]);
    folder.append_all(&records[2..]).expect("append");
    assert_eq!(folder.records().expect("records"), records);
}

#[test]
fn checkpoints_of_a_stack_stay_until_all_its_runs_are_done_in_whatever_stacks() {
    let dir = TempDir::new().expect("temporary folder");
    let mut folder = in_dir(&dir);
    let runs = folder.to_do().expect("readable");
    let former = begun(&folder, &runs[..3]);
    let records = all_records(&folder);
    folder.append_all(&records[..2]).expect("append");
    folder.remove_leftovers().expect("removed");
    assert!(former.exists(), "one of its runs is to do");
    folder.append_all(&records[2..]).expect("append");
    folder.resume(config()).expect("the config is the same");
    assert!(!former.exists());
}

#[test]
fn the_runs_of_a_stack_have_begun_once_it_has_a_checkpoint() {
    let dir = TempDir::new().expect("temporary folder");
    let folder = in_dir(&dir);
    let runs = folder.to_do().expect("readable");
    folder.note_stack(&runs[..3]).expect("noted");
    let lists = || {
        let status = folder.status().expect("readable");
        let lists = status.into_iter().map(|one| [one.begun, one.missing]);
        lists.collect::<Vec<_>>()
    };
    assert_eq!(lists(), [[vec![], vec![0, 1]], [vec![], vec![0, 1]]]);
    begun(&folder, &runs[..3]);
    assert_eq!(lists(), [[vec![0, 1], vec![]], [vec![0], vec![1]]]);
}

#[test]
fn resume_takes_another_number_of_replicas_and_stores_it() {
    let dir = TempDir::new().expect("temporary folder");
    drop(in_dir(&dir));
    let other = ExperimentConfig {
        num_replicas: Some(3),
        ..config()
    };
    let mut folder = RunFolder::open(dir.path()).expect("open");
    folder.resume(other.clone()).expect("resume");
    assert_eq!(folder.config(), &other);
    folder.resume(config()).expect("resume");
    let reread = RunFolder::open(dir.path()).expect("open");
    assert_eq!(reread.config(), &other, "the stored number is the default");
}

/// The folder of a stack that has left a checkpoint.
fn begun(folder: &RunFolder, runs: &[(Condition, u64)]) -> PathBuf {
    folder.note_stack(runs).expect("noted");
    let checkpoints = folder.checkpoints_of(runs).folder;
    fs::create_dir_all(&checkpoints).expect("folder");
    fs::write(checkpoints.join("0.ckpt"), "").expect("write");
    checkpoints
}
