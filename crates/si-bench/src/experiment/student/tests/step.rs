use burn::tensor::{Device, TensorData};

use crate::experiment::device_task::{Batch, DeviceTask};
use crate::experiment::student::Student;
use crate::experiment::testing::tasks;
use crate::experiment::{Condition, Experiment, ExperimentConfig, Scenario};
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
    let device = Device::flex().autodiff();
    Student::new(sequence, config, condition, 3, &device).expect("valid settings")
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
                student = student.step(batch, 0.01);
                assert_eq!(weights(&student), weights(&expected));
            }
            for student in [&mut student, &mut expected] {
                student.learner.end_task();
            }
        }
    }
}
