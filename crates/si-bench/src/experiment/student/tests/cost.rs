use burn::module::Module;
use burn::tensor::Device;

use super::{SEED, config, learn, student, tasks};
use crate::experiment::cost::{Kept, Passes};
use crate::experiment::device_task::{Batch, DeviceTask};
use crate::experiment::student::Student;
use crate::experiment::{Experiment, ExperimentConfig};

/// Learns and ends the first two tasks. Returns what was passed in these.
fn learn_two_tasks(config: &ExperimentConfig, num_steps: usize) -> (Student, Passes) {
    let mut student = student(config);
    for index in 0..2 {
        student = learn(student, index, num_steps);
        let task = &DeviceTask::upload(&tasks(), &Device::flex())[index];
        let ended = student.end_task(task, index, config, SEED, &mut |_| ());
        ended.expect("importance is finite");
    }
    let passes = student.take_passes();
    (student, passes)
}

fn kept(method: &str) -> (Kept, u64) {
    let (student, _) = learn_two_tasks(&config(Experiment::SplitMnist, method), 3);
    let num_parameters = student.learner.num_params();
    (student.kept(), num_parameters as u64)
}

/// Images of 300 pixels, with their labels.
fn images(count: u64) -> u64 {
    301 * count
}

#[test]
fn plain_training_keeps_nothing_although_its_path_integrals_are_measured() {
    for method in ["none", "dropout", "freezing", "reduced-rate", "joint"] {
        assert_eq!(kept(method).0, Kept::default(), "{method}");
    }
}

#[test]
fn quadratic_penalties_keep_importance_and_anchor_of_each_parameter() {
    for method in ["si", "l2", "mas", "ewc:lambda=10", "online-ewc:lambda=10"] {
        let (kept, num_parameters) = kept(method);
        let expected = Kept {
            floats: 2 * num_parameters,
            bytes: 8 * num_parameters,
        };
        assert_eq!(kept, expected, "{method}");
    }
}

#[test]
fn importance_that_is_measured_in_steps_also_keeps_what_it_is_measured_with() {
    let floats = |method| {
        let (kept, num_parameters) = kept(method);
        assert_eq!(kept.bytes, 4 * kept.floats);
        kept.floats / num_parameters
    };
    assert_eq!(floats("sos:lambda=1"), 2 + 1);
    assert_eq!(floats("rwalk"), 2 + 6);
}

#[test]
fn frozen_copies_and_memories_are_counted_as_they_are() {
    let (copy, num_parameters) = kept("lwf");
    assert_eq!(copy.floats, num_parameters);
    // Each image was seen three times, and counts each time.
    let (memory, _) = kept("er:size=20");
    assert_eq!((memory.floats, memory.bytes), (0, images(20)));
    let (memory, _) = kept("der:size=20");
    assert_eq!(
        (memory.floats, memory.bytes),
        (20 * 6, images(20) + 4 * 20 * 6)
    );
    let (both, num_parameters) = kept("si+er:size=20");
    assert_eq!(both.bytes, 8 * num_parameters + images(20));
}

#[test]
fn passes_are_those_that_a_step_makes() {
    let passes = |method: &str| {
        let config = config(Experiment::SplitMnist, method);
        learn_two_tasks(&config, 3).1
    };
    // Eight images in each task, in three steps.
    let trained = 2 * 3 * 8;
    let plain = Passes {
        trained,
        forwards: trained,
        backwards: trained,
        measured: 0,
    };
    for method in ["none", "si", "sos:lambda=1", "l2", "freezing"] {
        assert_eq!(passes(method), plain, "{method}");
    }
    let measured = Passes {
        measured: 2 * 8,
        ..plain
    };
    assert_eq!(passes("ewc:lambda=10"), measured);
    let copied = Passes {
        forwards: trained + 3 * 8,
        ..plain
    };
    assert_eq!(passes("lwf"), copied);
    // The first step finds no image in the memory.
    let replayed = Passes {
        forwards: trained + 5 * 4,
        backwards: trained + 5 * 4,
        ..plain
    };
    assert_eq!(passes("er:batch=4"), replayed);
    assert_eq!(passes("der:batch=4"), replayed);
    // Images of earlier tasks alone: in the second task.
    let projected = Passes {
        forwards: trained + 3 * 4,
        backwards: trained + 3 * 4,
        ..plain
    };
    assert_eq!(passes("agem:batch=4"), projected);
}

#[test]
fn a_second_minibatch_passes_too() {
    for method in ["siu", "sos:lambda=1:of=noise"] {
        let config = config(Experiment::SplitMnist, method);
        let mut student = student(&config);
        assert!(student.needs_second_batch(), "{method}");
        student.begin_lesson(0, SEED);
        let tasks = DeviceTask::upload(&tasks(), &Device::flex());
        let [batch, second] = [[0, 1, 2], [3, 4, 5]].map(|places| Batch::at(&tasks, &places));
        let student = student.step(batch, Some(second), 0.01);
        let expected = Passes {
            trained: 3,
            forwards: 6,
            backwards: 6,
            measured: 0,
        };
        assert_eq!(student.take_passes(), expected, "{method}");
        assert_eq!(student.take_passes(), Passes::default());
    }
}
