//! TensorBoard's files. A record is a length, its checksum, data, and their checksum. The data are Protocol Buffers
//! messages. Only scalars are written here.

use crc32c::crc32c;

use super::{Point, Series};

/// The series as the content of a TensorBoard event file.
///
/// | tag | |
/// |---|---|
/// | `train/loss`, `train/penalty`, `train/penalty_share` | means over each epoch |
/// | `accuracy/task_1` …, `accuracy/average` | on test data, after each task, or after each epoch if the run was tested then |
/// | `train_accuracy/task_1` …, `train_accuracy/average` | on training data, after each task |
///
/// The step is the number of epochs so far. Records do not store the time of an epoch, so the wall time is 0. Values
/// that were not measured are left out.
pub fn event_file(series: &Series) -> Vec<u8> {
    let mut content = Vec::new();
    record(&mut content, &event(0, FILE_VERSION, VERSION.as_bytes()));
    for point in &series.points {
        let summary = summary(&scalars(point));
        if !summary.is_empty() {
            record(&mut content, &event(point.step as u64, SUMMARY, &summary));
        }
    }
    content
}

fn scalars(point: &Point) -> Vec<(String, f64)> {
    let scalar = |tag: &str, value: Option<f64>| value.map(|value| (tag.to_string(), value));
    let mut scalars = Vec::new();
    scalars.extend(scalar("train/loss", point.task_loss));
    scalars.extend(scalar("train/penalty", point.penalty));
    scalars.extend(scalar("train/penalty_share", point.penalty_share));
    for (group, row, average) in [
        ("accuracy", &point.accuracy, point.average_accuracy),
        (
            "train_accuracy",
            &point.train_accuracy,
            point.train_average_accuracy,
        ),
    ] {
        let tasks = row.iter().enumerate();
        scalars.extend(tasks.map(|(task, value)| (format!("{group}/task_{}", task + 1), *value)));
        scalars.extend(scalar(&format!("{group}/average"), average));
    }
    scalars
}

/// The content of a file's first event.
const VERSION: &str = "brain.Event:2";

// Fields of the messages, by number.
const WALL_TIME: u64 = 1;
const STEP: u64 = 2;
const FILE_VERSION: u64 = 3;
const SUMMARY: u64 = 5;
const VALUE: u64 = 1;
const TAG: u64 = 1;
const SIMPLE_VALUE: u64 = 2;

// How a field is written.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_AND_BYTES: u64 = 2;
const FIXED_32: u64 = 5;

fn event(step: u64, field: u64, content: &[u8]) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, WALL_TIME, FIXED_64);
    event.extend(0_f64.to_le_bytes());
    if step > 0 {
        key(&mut event, STEP, VARINT);
        varint(&mut event, step);
    }
    bytes(&mut event, field, content);
    event
}

fn summary(scalars: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, scalar) in scalars {
        let mut value = Vec::new();
        bytes(&mut value, TAG, tag.as_bytes());
        key(&mut value, SIMPLE_VALUE, FIXED_32);
        value.extend((*scalar as f32).to_le_bytes());
        bytes(&mut summary, VALUE, &value);
    }
    summary
}

fn record(content: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    content.extend(length);
    content.extend(masked_crc32c(&length).to_le_bytes());
    content.extend(data);
    content.extend(masked_crc32c(data).to_le_bytes());
}

/// The checksum, rotated and shifted. It stays useful for data that contains a checksum itself.
fn masked_crc32c(bytes: &[u8]) -> u32 {
    const MASK: u32 = 0xa282_ead8;
    crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

fn key(message: &mut Vec<u8>, field: u64, kind: u64) {
    varint(message, field << 3 | kind);
}

fn bytes(message: &mut Vec<u8>, field: u64, content: &[u8]) {
    key(message, field, LENGTH_AND_BYTES);
    varint(message, content.len() as u64);
    message.extend(content);
}

/// Seven bits per byte, lowest first. The highest bit means that more bytes follow.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_seven_bits_to_a_byte() {
        let written = |value| {
            let mut message = Vec::new();
            varint(&mut message, value);
            message
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [127]);
        assert_eq!(written(128), [0x80, 1]);
        assert_eq!(written(300), [0xac, 2]);
        assert_eq!(written(u64::MAX).len(), 10);
    }
}
