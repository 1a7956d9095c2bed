use burn::tensor::{Device, Tensor, TensorData};

use crate::experiment::device_task::{Batch, DeviceTask};
use crate::experiment::student::Student;
use crate::experiment::testing::tasks;
use crate::experiment::{
    Condition, Experiment, ExperimentConfig, Optimizer, OptimizerReset, Scenario,
};
use crate::methods::methods;
use crate::model::Network;
use crate::task::TaskSequence;

fn config(given: &str) -> ExperimentConfig {
    ExperimentConfig {
        hidden_sizes: vec![8],
        methods: methods(given),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    }
}

fn student(config: &ExperimentConfig, sequence: &TaskSequence) -> Student {
    let condition: &Condition = &config.conditions()[0];
    let device = Device::flex();
    let tasks = DeviceTask::upload(sequence, &device);
    let device = device.autodiff();
    Student::new(sequence, &tasks, config, condition, 3, &device).expect("valid settings")
}

/// All weights of a perceptron, without biases.
fn weights(student: &Student) -> Vec<TensorData> {
    let network = &student.learner;
    let weights = network.hidden_weights().into_iter();
    let weights = weights.chain([&network.readout().weight]);
    weights.map(|it| it.val().into_data()).collect()
}

#[test]
fn a_step_without_further_parts_is_that_of_the_learner() {
    let sequence = tasks(Scenario::Task);
    let tasks = DeviceTask::upload(&sequence, &Device::flex());
    for given in ["none", "si"] {
        let config = config(given);
        let [mut student, mut expected] = [(); 2].map(|()| student(&config, &sequence));
        for task in tasks.chunks(1) {
            for batch in Batch::of(task, (0..32).collect(), 5) {
                let loss = |network: &Network| {
                    let images = batch.images.clone().autodiff();
                    batch.cross_entropy(network.forward(images))
                };
                let Student {
                    learner, optimizer, ..
                } = &mut expected;
                expected.learner = learner.clone().step(optimizer, 0.01, loss).0;
                student = student.step(batch, None, 0.01);
                assert_eq!(weights(&student), weights(&expected));
            }
            for student in [&mut student, &mut expected] {
                student.learner.end_task();
            }
        }
    }
}

#[test]
fn the_readout_of_earlier_tasks_is_frozen_from_the_second_task_on() {
    for (scenario, reset_optimizer, freezes_all) in [
        (Scenario::Domain, OptimizerReset::Moments, true),
        (Scenario::Domain, OptimizerReset::None, true),
        (Scenario::Class, OptimizerReset::Moments, false),
        (Scenario::Class, OptimizerReset::None, false),
        (Scenario::Task, OptimizerReset::None, false),
    ] {
        let sequence = tasks(scenario);
        let tasks = DeviceTask::upload(&sequence, &Device::flex());
        // Weight decay moves what has no gradient, and so do moments that are kept.
        let config = ExperimentConfig {
            scenario,
            reset_optimizer,
            optimizer: Optimizer::AdamW,
            ..config("lfl:weight=0.1")
        };
        let mut student = student(&config, &sequence);
        // Columns for the outputs of the first task, and all.
        let columns = |student: &Student| {
            let readout = student.learner.readout();
            let weight = readout.weight.val().inner();
            let bias = readout.bias.as_ref().expect("the layer has a bias");
            let all = Tensor::cat(vec![weight, bias.val().inner().unsqueeze()], 0);
            [all.clone().narrow(1, 0, 2).into_data(), all.into_data()]
        };
        let mut start = columns(&student);
        for (index, task) in tasks.chunks(1).enumerate() {
            for batch in Batch::of(task, (0..32).collect(), 8) {
                student = student.step(batch, None, 0.01);
            }
            let end = columns(&student);
            assert_eq!(start[0] == end[0], index > 0);
            assert_eq!(start[1] == end[1], index > 0 && freezes_all);
            let no_progress = &mut |_| {};
            let ended = student.end_task(&task[0], index, &config, 3, no_progress);
            ended.expect("nothing is measured");
            student.reset_optimizer(&config, 4);
            start = end;
        }
    }
}

#[test]
fn a_frozen_copy_adds_to_the_loss_from_the_second_task_on() {
    let sequence = tasks(Scenario::Task);
    let tasks = DeviceTask::upload(&sequence, &Device::flex());
    for given in ["lwf", "lfl:weight=0.1"] {
        let [with, without] = [config(given), config("none")];
        let mut with = (student(&with, &sequence), with);
        let mut without = (student(&without, &sequence), without);
        for (index, task) in tasks.chunks(1).enumerate() {
            for (step, batch) in Batch::of(task, (0..32).collect(), 8).enumerate() {
                with.0 = with.0.step(batch.clone(), None, 0.01);
                without.0 = without.0.step(batch, None, 0.01);
                // In the second task's first step, the network still is its copy.
                let is_same = weights(&with.0) == weights(&without.0);
                assert!(
                    is_same == (index == 0) || step == 0,
                    "{given}: {index} {step}"
                );
            }
            for (student, config) in [&mut with, &mut without] {
                let ended = student.end_task(&task[0], index, config, 3, &mut |_| {});
                ended.expect("nothing is measured");
            }
        }
    }
}

#[test]
fn the_two_minibatches_of_a_step_draw_different_images_from_the_memory() {
    let sequence = tasks(Scenario::Task);
    let tasks = DeviceTask::upload(&sequence, &Device::flex());
    for (given, is_same) in [("sib", true), ("sib+er:size=20:batch=4", false)] {
        let config = config(given);
        let mut student = student(&config, &sequence);
        for batch in Batch::of(&tasks[..1], (0..32).collect(), 4) {
            // The same images again, so the gradients differ only in what is drawn.
            student = student.step(batch.clone(), Some(batch), 0.01);
        }
        // Importance is what the difference of the gradients adds up to.
        let inert = student.end_task(&tasks[0], 0, &config, 3, &mut |_| {});
        assert_eq!(inert.expect("importance is measured"), is_same, "{given}");
    }
}

#[test]
fn a_lesson_that_begins_untaught_has_a_frozen_copy_and_a_full_memory() {
    let sequence = tasks(Scenario::Task);
    let tasks = DeviceTask::upload(&sequence, &Device::flex());
    let batch = Batch::at(&tasks, &[40, 41]);
    for given in ["lwf", "lfl", "er:size=10", "der:size=10", "agem:size=10"] {
        let config = config(given);
        for index in [0, 1] {
            let mut student = student(&config, &sequence);
            student.begin_lesson_untaught(index, 3);
            let output = batch.output(&student.learner);
            let is_compared = match &student.frozen_copy {
                Some(copy) => copy.loss(&batch, &output).is_some(),
                None => false,
            };
            assert_eq!(
                is_compared,
                index > 0 && student.frozen_copy.is_some(),
                "{given}"
            );
            let Some(memory) = student.stored_memory() else {
                continue;
            };
            let memory = serde_json::to_value(memory).expect("plain data");
            let kept = memory["reservoir"]["kept"].as_array().expect("an array");
            assert_eq!(kept.len(), 10 * index, "{given}");
            assert!(
                kept.iter()
                    .all(|place| place.as_i64().is_some_and(|it| it < 32))
            );
            // The step has what it needs of them.
            student.step(batch.clone(), None, 0.01);
        }
    }
}
