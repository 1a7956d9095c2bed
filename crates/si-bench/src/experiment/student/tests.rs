mod cost;
mod step;

use std::sync::Arc;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution};

use crate::data::{ImageParts, LabelledImages};
use crate::experiment::device_task::{Batch, DeviceTask};
use crate::experiment::student::Student;
use crate::experiment::{Experiment, ExperimentConfig, Optimizer, Scenario};
use crate::methods::methods;
use crate::task::TaskSequence;

/// Six classes of 3 × 10 × 10 pixels, two in each task.
fn tasks() -> TaskSequence {
    let images = LabelledImages::new(ImageParts {
        pixels: (0..24)
            .flat_map(|image| {
                (0..300).map(move |place| (37 * image + place * (image % 6 + 3)) as u8)
            })
            .collect(),
        labels: (0..24).map(|image| image % 6).collect(),
        shape: [3, 10, 10],
        num_classes: 6,
    });
    let images = Arc::new(images.expect("the parts fit"));
    let classes = [vec![0, 1], vec![2, 3], vec![4, 5]];
    TaskSequence::split(&images, &images, &classes, Scenario::Task).expect("six classes")
}

fn config(experiment: Experiment, method: &str) -> ExperimentConfig {
    ExperimentConfig {
        hidden_sizes: match experiment {
            Experiment::SplitCifar => vec![6, 8, 16],
            _ => vec![12, 16],
        },
        methods: methods(method),
        ..ExperimentConfig::paper(experiment)
    }
}

fn student(config: &ExperimentConfig) -> Student {
    let condition = config.conditions().remove(0);
    let device = Device::flex();
    let sequence = tasks();
    let tasks = DeviceTask::upload(&sequence, &device);
    let device = device.autodiff();
    let student = Student::new(&sequence, &tasks, config, &condition, SEED, &device);
    student.expect("the settings are valid")
}

/// Begins the lesson `index` and takes that many steps in its first epoch.
fn learn(mut student: Student, index: usize, num_steps: usize) -> Student {
    student.begin_lesson(index, SEED);
    learn_epoch(student, index, 0, num_steps)
}

/// Takes that many steps in an epoch of the lesson `index`, which has begun.
fn learn_epoch(mut student: Student, index: usize, epoch: usize, num_steps: usize) -> Student {
    let device = Device::flex();
    let task = &DeviceTask::upload(&tasks(), &device)[index..=index];
    student.begin_epoch(index, epoch);
    for _ in 0..num_steps {
        let order = (0..task[0].train.len() as i32).collect();
        let mut batches = Batch::of(task, order, 100);
        let batch = batches.next().expect("there are images");
        student = student.step(batch, None, LEARNING_RATE);
    }
    student
}

const SEED: u64 = 4;
/// Low enough for no hidden unit to die at once.
const LEARNING_RATE: f64 = 0.01;

/// The parameters of the trunk and of the readout.
fn parameters(student: &Student) -> [Vec<f32>; 2] {
    #[derive(Default)]
    struct Parameters {
        path: Vec<String>,
        trunk: Vec<f32>,
        readout: Vec<f32>,
    }
    impl ModuleVisitor for Parameters {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let part = if self.path.iter().any(|name| name == "readout") {
                &mut self.readout
            } else {
                &mut self.trunk
            };
            part.extend(param.val().into_data().iter::<f32>());
        }
    }
    let mut parameters = Parameters::default();
    student.learner.visit(&mut parameters);
    [parameters.trunk, parameters.readout]
}

#[test]
fn a_frozen_trunk_keeps_its_bits_from_the_second_task_on_while_the_readout_learns() {
    for (experiment, method) in [
        (Experiment::PermutedMnist, "freezing"),
        (Experiment::PermutedMnist, "si+freezing+dropout"),
        (Experiment::SplitCifar, "freezing"),
    ] {
        let config = config(experiment, method);
        // Adam's moments of the first task are kept.
        assert_eq!(config.optimizer, Optimizer::Adam);
        let student = student(&config);
        let [untrained, _] = parameters(&student);
        let student = learn(student, 0, 4);
        let [trunk, readout] = parameters(&student);
        assert_ne!(trunk, untrained, "{method} in {experiment:?}");
        let student = learn(student, 1, 4);
        let [trunk_after, readout_after] = parameters(&student);
        assert_eq!(trunk_after, trunk, "{method} in {experiment:?}");
        assert_ne!(readout_after, readout, "{method} in {experiment:?}");
    }
}

#[test]
fn a_frozen_trunk_drops_nothing() {
    for (experiment, method) in [
        (Experiment::PermutedMnist, "freezing+dropout"),
        (Experiment::SplitCifar, "freezing"),
    ] {
        let mut student = learn(student(&config(experiment, method)), 0, 1);
        let images = Tensor::random([6, 300], Distribution::Uniform(0.0, 1.0), &Device::flex());
        let logits = |student: &Student| {
            let logits = student.learner.forward(images.clone().autodiff());
            logits.into_data()
        };
        assert_ne!(logits(&student), logits(&student));
        student.begin_lesson(1, SEED);
        student.begin_epoch(1, 0);
        assert_eq!(logits(&student), logits(&student));
    }
}

#[test]
fn a_warm_up_freezes_the_trunk_in_the_first_epochs_of_each_task_but_the_first() {
    for (experiment, method) in [
        (Experiment::SplitMnist, "lwf:warm_up=2"),
        (Experiment::PermutedMnist, "si+lwf+dropout:warm_up=2"),
        (Experiment::SplitCifar, "lwf:warm_up=2"),
    ] {
        let config = config(experiment, method);
        let mut student = student(&config);
        for index in 0..3 {
            student.begin_lesson(index, SEED);
            for epoch in 0..4 {
                let what = format!("{method} in {experiment:?}, task {index}, epoch {epoch}");
                let [trunk, readout] = parameters(&student);
                student = learn_epoch(student, index, epoch, 2);
                let [trunk_after, readout_after] = parameters(&student);
                let is_held = index > 0 && epoch < 2;
                assert_eq!(trunk_after == trunk, is_held, "{what}");
                assert_ne!(readout_after, readout, "{what}");
            }
            let task = &DeviceTask::upload(&tasks(), &Device::flex())[index];
            let ended = student.end_task(task, index, &config, SEED, &mut |_| ());
            ended.expect("nothing is measured");
        }
    }
}

#[test]
fn a_trunk_drops_units_again_after_a_warm_up() {
    for (experiment, method) in [
        (Experiment::PermutedMnist, "lwf+dropout:warm_up=1"),
        (Experiment::SplitCifar, "lwf:warm_up=1"),
    ] {
        let mut student = learn(student(&config(experiment, method)), 0, 1);
        let images = Tensor::random([6, 300], Distribution::Uniform(0.0, 1.0), &Device::flex());
        let logits = |student: &Student| {
            let logits = student.learner.forward(images.clone().autodiff());
            logits.into_data()
        };
        student.begin_lesson(1, SEED);
        student.begin_epoch(1, 0);
        assert_eq!(logits(&student), logits(&student));
        student.begin_epoch(1, 1);
        assert_ne!(logits(&student), logits(&student));
    }
}

#[test]
fn a_copy_without_the_rule_of_a_frozen_trunk_learns_with_its_whole_network() {
    let with_rule = config(Experiment::SplitMnist, "lwf:warm_up=2");
    let student = learn(learn(student(&with_rule), 0, 1), 1, 1);
    let plain = config(Experiment::SplitMnist, "none");
    let copy = student.copy_with(plain.conditions()[0].parts());
    let copy = copy.expect("the settings are valid");
    let [trunk, _] = parameters(&copy);
    let [trunk_after, _] = parameters(&learn(copy, 1, 2));
    assert_ne!(trunk_after, trunk);
}

#[test]
fn a_progressive_network_answers_earlier_tasks_with_the_same_bits_for_ever() {
    for optimizer in [Optimizer::Adam, Optimizer::AdamW] {
        let config = ExperimentConfig {
            optimizer,
            ..config(Experiment::SplitMnist, "progressive+dropout")
        };
        let images = Tensor::random([6, 300], Distribution::Uniform(0.0, 1.0), &Device::flex());
        let logits = |student: &Student, task: usize| {
            let logits = student.learner.valid().forward(images.clone());
            logits.narrow(1, 2 * task, 2).into_data()
        };
        let mut student = student(&config);
        for task in 0..3 {
            let before = [0, 1, 2].map(|task| logits(&student, task));
            student = learn(student, task, 4);
            let after = [0, 1, 2].map(|task| logits(&student, task));
            assert_eq!(after[..task], before[..task], "{optimizer:?}");
            assert_ne!(after[task], before[task], "{optimizer:?}");
        }
    }
}

#[test]
fn a_reduced_rate_scales_the_steps_of_the_trunk_alone() {
    for optimizer in [Optimizer::Sgd, Optimizer::Adam] {
        let [plain, reduced] = ["none", "reduced-rate:factor=0.25"].map(|method| {
            let config = ExperimentConfig {
                optimizer,
                momentum: 0.0,
                ..config(Experiment::PermutedMnist, method)
            };
            let student = learn(student(&config), 0, 2);
            let before = parameters(&student);
            (before, parameters(&learn(student, 1, 1)))
        });
        let ([trunk, _], [plain_trunk, plain_readout]) = plain;
        let ([same_trunk, _], [reduced_trunk, reduced_readout]) = reduced;
        assert_eq!(same_trunk, trunk);
        assert_eq!(reduced_readout, plain_readout);
        let mut longest = 0.0_f32;
        for (index, before) in trunk.iter().enumerate() {
            let (step, full) = (reduced_trunk[index] - before, plain_trunk[index] - before);
            assert!((step - 0.25 * full).abs() < ROUNDING, "{step} of {full}");
            longest = longest.max(full.abs());
        }
        assert!(longest > 100.0 * ROUNDING, "{longest}");
    }
}

/// Of parameters of about 1 in float32, twice.
const ROUNDING: f32 = 3e-7;
