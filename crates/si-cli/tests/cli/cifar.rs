//! Split CIFAR on made-up files in the official layout.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{failure, si};

const NUM_PIXELS: usize = 3 * 32 * 32;

/// Makes as many records as in an official file. The last of `num_labels` is the class.
fn write_batch(path: &Path, num_images: usize, num_labels: usize, num_classes: usize) {
    let mut bytes = Vec::with_capacity(num_images * (num_labels + NUM_PIXELS));
    for image in 0..num_images {
        let class = image % num_classes;
        bytes.resize(bytes.len() + num_labels - 1, 0);
        bytes.push(class as u8);
        // A different brightness for each class, plus noise.
        bytes.extend(
            (0..NUM_PIXELS).map(|pixel| (20 * (class % 10) + pixel * (image + 7) % 41) as u8),
        );
    }
    fs::write(path, bytes).expect("there is room for it");
}

fn write_cifar(folder: &Path) {
    let (ten, hundred) = (
        folder.join("cifar-10-batches-bin"),
        folder.join("cifar-100-binary"),
    );
    for folder in [&ten, &hundred] {
        fs::create_dir(folder).expect("a folder can be made");
    }
    for batch in 1..=5 {
        write_batch(&ten.join(format!("data_batch_{batch}.bin")), 10_000, 1, 10);
    }
    write_batch(&ten.join("test_batch.bin"), 10_000, 1, 10);
    write_batch(&hundred.join("train.bin"), 50_000, 2, 100);
    write_batch(&hundred.join("test.bin"), 10_000, 2, 100);
}

#[test]
fn split_cifar_trains_with_si_and_elastic_weight_consolidation() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let data = parent.path().join("data");
    fs::create_dir(&data).expect("a folder can be made");
    write_cifar(&data);
    let budget = "split-cifar --device flex --jobs 1 --threads 1 --data-dir data --tasks 2 --epochs 2 \
         --hidden-sizes 4,4,8 --batch-size 20 --train-images 60 --held-out 20 --train-evaluated 20 \
         --methods si:c=0.1,ewc:lambda=10,ewc:lambda=100000,mas --importance-images 10 --checkpoint-seconds 0";
    let train = |more: &[&str]| {
        let words: Vec<&str> = budget
            .split_whitespace()
            .chain(more.iter().copied())
            .collect();
        let output = si(parent.path(), &words);
        assert!(output.status.success(), "{}", failure(&output));
    };
    train(&["--seeds", "1", "--fisher-labels", "exact", "--out", "exact"]);
    let exact = losses(&parent.path().join("exact"));
    let names: Vec<&str> = exact.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ewc λ=10", "ewc λ=100000", "mas", "si"]);
    // The first task has no penalty. In the second, a higher strength holds back learning more.
    let [weak, strong, mas, si] = [0, 1, 2, 3].map(|index| &exact[index].1);
    assert_eq!(weak[..2], strong[..2]);
    assert_eq!(weak[..2], mas[..2]);
    assert_eq!(weak[..2], si[..2]);
    assert_ne!(weak[2..], strong[2..]);

    train(&[
        "--seeds",
        "1",
        "--fisher-labels",
        "sampled",
        "--out",
        "sampled",
    ]);
    let sampled = losses(&parent.path().join("sampled"));
    assert_eq!(sampled[2..], exact[2..]);
    assert_ne!(sampled[1], exact[1]);
}

/// The name of each condition, in order, with the task loss of each epoch.
fn losses(folder: &Path) -> Vec<(String, Vec<Value>)> {
    let text = fs::read_to_string(folder.join("runs.jsonl")).expect("runs were made");
    let of_run = |line: &str| {
        let run: Value = serde_json::from_str(line).expect("a line is a record");
        assert_eq!(run["inert"], false, "{run}");
        let epochs = run["epochs"].as_array().expect("a list");
        let losses = epochs.iter().map(|epoch| epoch["task_loss"].clone());
        let name = run["condition"]["name"].as_str().expect("a name");
        (name.to_string(), losses.collect())
    };
    let mut runs: Vec<_> = text.lines().map(of_run).collect();
    runs.sort_by(|left, right| left.0.cmp(&right.0));
    runs
}
