use super::*;

fn detected(variables: &[(&str, &str)]) -> anyhow::Result<Found> {
    detect(&|name| {
        let mut variables = variables.iter();
        let found = variables.find(|(key, _)| *key == name);
        found.map(|(_, value)| value.to_string())
    })
}

fn shard(variables: &[(&str, &str)]) -> String {
    detected(variables).expect("a shard").shard.to_string()
}

fn refusal(variables: &[(&str, &str)]) -> String {
    format!("{:#}", detected(variables).expect_err("no shard"))
}

fn array<'a>(id: &'a str, [min, max, step, count]: [&'a str; 4]) -> [(&'a str, &'a str); 5] {
    [
        ("SLURM_ARRAY_TASK_ID", id),
        ("SLURM_ARRAY_TASK_MIN", min),
        ("SLURM_ARRAY_TASK_MAX", max),
        ("SLURM_ARRAY_TASK_STEP", step),
        ("SLURM_ARRAY_TASK_COUNT", count),
    ]
}

#[test]
fn a_slurm_array_may_begin_anywhere_and_have_steps() {
    for (id, numbers, expected) in [
        ("1", ["1", "8", "1", "8"], "1/8"),
        ("8", ["1", "8", "1", "8"], "8/8"),
        ("0", ["0", "7", "1", "8"], "1/8"),
        ("7", ["0", "7", "1", "8"], "8/8"),
        ("9", ["1", "9", "4", "3"], "3/3"),
        ("5", ["5", "5", "1", "1"], "1/1"),
    ] {
        assert_eq!(shard(&array(id, numbers)), expected);
    }
}

#[test]
fn a_slurm_array_with_gaps_is_refused() {
    // As of --array=1,3,7 and of --array=1-9:4.
    for (id, numbers) in [
        ("1", ["1", "7", "1", "3"]),
        ("3", ["1", "7", "1", "3"]),
        ("7", ["1", "7", "1", "3"]),
        ("3", ["1", "9", "4", "3"]),
        ("0", ["1", "8", "1", "8"]),
    ] {
        let error = refusal(&array(id, numbers));
        assert!(error.contains("evenly spaced"), "{error}");
        assert!(
            error.contains(&format!("SLURM_ARRAY_TASK_ID = {id}")),
            "{error}"
        );
    }
}

#[test]
fn aws_batch_and_kubernetes_count_from_zero() {
    let batch = |index| {
        [
            ("AWS_BATCH_JOB_ARRAY_INDEX", index),
            ("AWS_BATCH_JOB_ARRAY_SIZE", "4"),
        ]
    };
    let job = |index| [("JOB_COMPLETION_INDEX", index), ("SI_SHARDS", "4")];
    for variables in [batch, job] {
        assert_eq!(shard(&variables("0")), "1/4");
        assert_eq!(shard(&variables("3")), "4/4");
        let error = refusal(&variables("4"));
        assert!(error.contains("= 4 (from 0) of "), "{error}");
    }
}

#[test]
fn what_was_read_is_told_with_its_variables() {
    let origin = detected(&array("3", ["1", "8", "1", "8"]))
        .expect("a shard")
        .origin;
    assert_eq!(
        origin,
        "SLURM_ARRAY_TASK_ID = 3, with SLURM_ARRAY_TASK_MIN = 1, SLURM_ARRAY_TASK_MAX = 8, \
         SLURM_ARRAY_TASK_STEP = 1 and SLURM_ARRAY_TASK_COUNT = 8"
    );
}

#[test]
fn without_a_scheduler_the_error_names_the_variables_and_the_way_out() {
    for variables in [
        &[][..],
        &[("SI_SHARDS", "8")],
        &[("SLURM_ARRAY_TASK_ID", "")],
    ] {
        let error = refusal(variables);
        for word in [SLURM, AWS_BATCH, KUBERNETES, "--shard 2/8"] {
            assert!(error.contains(word), "{error}");
        }
    }
}

#[test]
fn half_of_the_variables_is_an_error_that_names_the_other_half() {
    for (set, lacking) in [
        ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN"),
        ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
        ("JOB_COMPLETION_INDEX", "SI_SHARDS"),
    ] {
        let error = refusal(&[(set, "1")]);
        assert!(
            error.contains(&format!("{set} is set, but {lacking}")),
            "{error}"
        );
    }
}

#[test]
fn a_variable_that_is_no_number_is_named() {
    for text in ["two", "-1", "1.5"] {
        let error = refusal(&array(text, ["1", "8", "1", "8"]));
        let expected = format!("SLURM_ARRAY_TASK_ID must be a number, got {text:?}");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn schedulers_that_agree_are_one_and_others_are_refused() {
    let slurm = array("3", ["1", "8", "1", "8"]);
    let job = |index, count| [("JOB_COMPLETION_INDEX", index), ("SI_SHARDS", count)];
    assert_eq!(shard(&[&slurm[..], &job("2", "8")].concat()), "3/8");
    let error = refusal(&[&slurm[..], &job("4", "8")].concat());
    assert!(
        error.contains("finds two shards: 3/8") && error.contains("5/8"),
        "{error}"
    );
    let error = refusal(&[&slurm[..], &[("SI_SHARDS", "9")]].concat());
    assert!(
        error.contains("SI_SHARDS is 9, but there are 8 shards"),
        "{error}"
    );
}

/// Text of a file in `examples/cluster`.
fn example(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cluster/");
    let path = format!("{path}{name}");
    std::fs::read_to_string(&path).expect("the example is there")
}

/// The rest of the only line of `text` that begins with `key`, spaces aside.
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let mut values = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(key));
    let value = values.next().expect("the key is there");
    assert_eq!(values.next(), None, "{key} is there twice");
    value.trim().trim_matches('"')
}

#[test]
fn every_task_of_the_slurm_example_is_a_shard() {
    let script = example("slurm.sh");
    let (first, last) = value(&script, "#SBATCH --array=")
        .split_once('-')
        .expect("a range");
    let [min, max]: [usize; 2] = [first, last].map(|number| number.parse().expect("a number"));
    let count = (max - min + 1).to_string();
    for (place, id) in (min..=max).enumerate() {
        let found = shard(&array(&id.to_string(), [first, last, "1", &count]));
        assert_eq!(found, format!("{}/{count}", place + 1));
    }
    assert!(script.contains("--shard auto"));
}

#[test]
fn every_pod_of_the_kubernetes_example_is_a_shard() {
    let manifest = example("kubernetes.yaml");
    assert_eq!(value(&manifest, "completionMode:"), "Indexed");
    let completions: usize = value(&manifest, "completions:").parse().expect("a number");
    let (_, after) = manifest
        .split_once("name: SI_SHARDS")
        .expect("the variable");
    let count = value(after.trim_start().lines().next().expect("a line"), "value:");
    assert_eq!(count, completions.to_string());
    for index in 0..completions {
        let found = shard(&[
            ("JOB_COMPLETION_INDEX", &index.to_string()),
            ("SI_SHARDS", count),
        ]);
        assert_eq!(found, format!("{}/{completions}", index + 1));
    }
    assert!(manifest.contains("\"auto\""));
}

#[test]
fn every_line_of_the_gnu_parallel_example_is_a_shard() {
    let script = example("parallel.sh");
    let count = value(&script, "shards=");
    assert!(script.contains("--shard {}/$shards") && script.contains("::: $(seq \"$shards\")"));
    let count: usize = count.parse().expect("a number");
    for index in 1..=count {
        let text = format!("{index}/{count}");
        let expected = Shard::new(index, count).expect("it is in range");
        assert_eq!(Choice::parse(&text).ok(), Some(Choice::Given(expected)));
    }
}
