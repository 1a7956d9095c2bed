use std::fs;

use super::*;
use crate::experiment::{EpochRecord, Versions};
use crate::fixture;
use crate::metrics::AccuracyMatrix;

/// Two tasks of two epochs, and then one.
fn record() -> RunRecord {
    let matrix = |rows: [[f64; 2]; 2]| {
        let rows = rows.map(|row| row.to_vec()).to_vec();
        AccuracyMatrix::new(rows).expect("in range")
    };
    let epoch = |task, epoch, task_loss, penalty, penalty_share| EpochRecord {
        task,
        epoch,
        task_loss,
        penalty,
        penalty_share,
        accuracy: Vec::new(),
    };
    RunRecord {
        condition: fixture::condition("si:c=0.5"),
        seed: 7,
        accuracy: matrix([[0.75, 0.5], [0.5, 1.0]]),
        train_accuracy: matrix([[1.0, 0.25], [0.75, 1.0]]),
        initial_accuracy: vec![0.5, 0.25],
        epochs: vec![
            epoch(0, 0, Some(2.0), Some(-0.0), Some(-0.0)),
            epoch(0, 1, Some(1.0), Some(0.0), Some(0.0)),
            epoch(1, 0, None, None, None),
        ],
        correlations: Vec::new(),
        chosen_strengths: Vec::new(),
        inert: false,
        elapsed_seconds: 1.5,
        device: "flex".to_string(),
        matmul_error: None,
        num_threads: None,
        processor: None,
        cost: None,
        versions: Versions {
            si: "0.1.0".to_string(),
            burn: "0.22.1".to_string(),
        },
    }
}

fn series(run: &str) -> Series {
    Series::new(run, Experiment::SplitMnist, &record())
}

#[test]
fn accuracies_are_at_the_last_epoch_of_each_task() {
    let points = series("").points;
    let steps: Vec<_> = points
        .iter()
        .map(|it| (it.step, it.task, it.epoch))
        .collect();
    assert_eq!(
        steps,
        [
            (0, None, None),
            (1, Some(1), Some(1)),
            (2, Some(1), Some(2)),
            (3, Some(2), Some(1)),
        ]
    );
    let accuracies: Vec<_> = points.iter().map(|it| it.accuracy.clone()).collect();
    assert_eq!(
        accuracies,
        [vec![0.5, 0.25], vec![], vec![0.75, 0.5], vec![0.5, 1.0]]
    );
    let averages: Vec<_> = points.iter().map(|it| it.average_accuracy).collect();
    assert_eq!(averages, [None, None, Some(0.75), Some(0.75)]);
    let averages: Vec<_> = points.iter().map(|it| it.train_average_accuracy).collect();
    assert_eq!(averages, [None, None, Some(1.0), Some(0.875)]);
}

#[test]
fn new_networks_are_averaged_each_on_its_own_task() {
    let mut record = RunRecord {
        condition: fixture::condition("scratch"),
        ..record()
    };
    record.epochs[0].accuracy = vec![0.5, 0.25];
    let points = points(&record);
    let averages: Vec<_> = points.iter().map(|it| it.average_accuracy).collect();
    assert_eq!(averages, [None, None, Some(0.75), Some(0.875)]);
    let train: Vec<_> = points.iter().map(|it| it.train_average_accuracy).collect();
    assert_eq!(train, [None, None, Some(1.0), Some(1.0)]);
}

#[test]
fn joint_training_is_evaluated_once_on_all_tasks() {
    let mut record = record();
    record.condition = fixture::condition("joint");
    record.epochs.pop();
    let points = Series::new("", Experiment::SplitMnist, &record).points;
    assert_eq!(points.len(), 3);
    assert_eq!(points[2].accuracy, [0.5, 1.0]);
    assert_eq!(points[2].average_accuracy, Some(0.75));
    assert!(points[1].accuracy.is_empty());
}

#[test]
fn a_table_has_a_header_and_empty_cells_for_missing_values() {
    let text = csv(&[series("mine, the first")]);
    let wanted = "\
        run,experiment,condition,strength,seed,step,task,epoch,task_loss,penalty,penalty_share,\
        average_accuracy,train_average_accuracy,accuracy_task_1,accuracy_task_2,\
        train_accuracy_task_1,train_accuracy_task_2\r\n\
        \"mine, the first\",split-mnist,si,0.5,7,0,,,,,,,,0.5,0.25,,\r\n\
        \"mine, the first\",split-mnist,si,0.5,7,1,1,1,2,0,0,,,,,,\r\n\
        \"mine, the first\",split-mnist,si,0.5,7,2,1,2,1,0,0,0.75,1,0.75,0.5,1,0.25\r\n\
        \"mine, the first\",split-mnist,si,0.5,7,3,2,1,,,,0.75,0.875,0.5,1,0.75,1\r\n";
    assert_eq!(text, wanted);
}

#[test]
fn lines_are_objects_with_null_for_missing_values() {
    let text = json_lines(&[series("")]);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[3],
        serde_json::json!({
            "run": "", "experiment": "split-mnist", "condition": "si", "strength": 0.5, "seed": 7,
            "step": 3, "task": 2, "epoch": 1,
            "task_loss": null, "penalty": null, "penalty_share": null,
            "accuracy": [0.5, 1.0], "average_accuracy": 0.75,
            "train_accuracy": [0.75, 1.0], "train_average_accuracy": 0.875,
        })
    );
}

#[test]
fn an_event_file_has_the_expected_bytes() {
    let mut series = series("");
    series.points = vec![Point {
        step: 300,
        task_loss: Some(0.5),
        average_accuracy: Some(1.0),
        ..Point::default()
    }];
    let mut wanted = Vec::new();
    // The checksums are those that tensorboard 2.21.0 gives for these lengths and data, by
    // tensorboard.compat.tensorflow_stub.pywrap_tensorflow.masked_crc32c.
    wanted.extend(24_u64.to_le_bytes());
    wanted.extend(0x224b_7fa3_u32.to_le_bytes());
    wanted.extend(b"\x09\0\0\0\0\0\0\0\0\x1a\x0dbrain.Event:2");
    wanted.extend(0xa328_dfee_u32.to_le_bytes());
    wanted.extend(58_u64.to_le_bytes());
    wanted.extend(0xe2ea_9512_u32.to_le_bytes());
    wanted.extend(b"\x09\0\0\0\0\0\0\0\0\x10\xac\x02\x2a\x2c");
    wanted.extend(b"\x0a\x11\x0a\x0atrain/loss\x15\0\0\0\x3f");
    wanted.extend(b"\x0a\x17\x0a\x10accuracy/average\x15\0\0\x80\x3f");
    wanted.extend(0xd5d6_3d4d_u32.to_le_bytes());
    assert_eq!(event_file(&series), wanted);
}

#[test]
fn points_without_a_measurement_give_no_event() {
    let mut series = series("");
    let whole = event_file(&series).len();
    series.points.push(Point::default());
    assert_eq!(event_file(&series).len(), whole);
}

#[test]
fn each_run_has_its_own_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut other = series("..");
    other.condition = "si c=0.1".to_string();
    let mut same = series("..");
    same.condition = "si c 0.1".to_string();
    let all = [series(""), other, same];
    let format = SeriesFormat::TensorBoard;
    let written = write_series(folder.path(), format, &all).expect("written");
    let again = write_series(folder.path(), format, &all).expect("written");
    assert_eq!(written, again);
    let events = "events.out.tfevents.0000000000.si";
    let wanted = ["si-seed7", "--/si-c-0.1-seed7", "--/si-c-0.1-seed7-2"];
    assert_eq!(
        written,
        wanted.map(|name| folder.path().join(name).join(events))
    );
    assert_eq!(fs::read(&written[0]).expect("a file"), event_file(&all[0]));
}

#[test]
fn a_table_is_written_to_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for (format, name, content) in [
        (SeriesFormat::Csv, "metrics.csv", csv(&[series("")])),
        (
            SeriesFormat::JsonLines,
            "metrics.jsonl",
            json_lines(&[series("")]),
        ),
    ] {
        let written = write_series(folder.path(), format, &[series("")]).expect("written");
        assert_eq!(written, [folder.path().join(name)]);
        assert_eq!(fs::read_to_string(&written[0]).expect("a file"), content);
    }
}
