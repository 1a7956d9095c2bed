use burn::tensor::{Device, TensorData};

use super::{Rounds, SecondTask};
use crate::experiment::cost::Kept;
use crate::experiment::run::{Run, Training};
use crate::experiment::student::Student;
use crate::experiment::testing::{several_tasks, tasks};
use crate::experiment::{Experiment, ExperimentConfig, Scenario};
use crate::methods::{JOINT, methods};
use crate::model::Network;

fn config(given: &str) -> ExperimentConfig {
    ExperimentConfig {
        batch_size: 5,
        // Low enough for no hidden unit to die at once.
        learning_rate: 0.01,
        hidden_sizes: vec![8],
        methods: methods(given),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    }
}

/// What `look` finds in a student in its second task, before its steps there and after some of them.
fn in_second_task<T>(method: &str, look: impl Fn(&Student) -> T) -> [T; 2] {
    let config = config(method);
    let conditions = config.conditions();
    let run = Run {
        config: &config,
        condition: &conditions[0],
        seed: 2,
        checkpoints: None,
    };
    let sequence = tasks(Scenario::Task);
    let training = Training::new(&run, &sequence, Device::flex());
    let begun = SecondTask::begin(training).expect("valid settings");
    let before = look(&begun.student);
    let after = begun.time_steps(3).expect("the device works");
    [before, look(&after.student)]
}

fn weights(student: &Student) -> Vec<TensorData> {
    let weights = student.learner.hidden_weights().into_iter();
    weights.map(|it| it.val().into_data()).collect()
}

#[test]
fn what_holds_parameters_back_is_at_work_in_the_steps_that_are_timed() {
    let [plain_before, plain_after] = in_second_task("none", weights);
    assert_ne!(plain_before, plain_after);
    for method in [
        "si",
        "ewc:lambda=1000",
        "mas",
        "sos:lambda=1",
        "l2",
        "lwf",
        "lfl:weight=0.1",
        "freezing",
        "reduced-rate",
    ] {
        let [before, after] = in_second_task(method, weights);
        assert_eq!(before, plain_before, "{method} in the first task");
        assert_ne!(after, plain_after, "{method} in the second task");
    }
}

#[test]
fn a_memory_and_a_new_column_are_there_before_the_first_step_that_is_timed() {
    let [memory, _] = in_second_task("er", Student::kept);
    // Each image of the first task, with four pixels and a label.
    let expected = Kept {
        floats: 0,
        bytes: 32 * 5,
    };
    assert_eq!(memory, expected);
    let num_columns = |student: &Student| match &*student.learner {
        Network::Progressive(network) => network.num_columns(),
        _ => 1,
    };
    assert_eq!(in_second_task("progressive", num_columns), [2, 2]);
}

#[test]
fn every_method_is_timed_in_each_round_and_ends_a_task_if_there_is_an_end() {
    let config = config("none").with_every_method();
    let config = config.expect("a strength that is needed is searched");
    let rounds = Rounds {
        num_rounds: 2,
        num_steps: 3,
        num_ends: 1,
    };
    let sequence = several_tasks(3, Scenario::Task);
    let times = config.time_steps_on(&sequence, Device::flex(), rounds);
    let times = times.expect("the settings are valid");
    let conditions: Vec<_> = times.iter().map(|it| it.condition.clone()).collect();
    assert_eq!(conditions, config.conditions());
    for it in &times {
        let name = &it.condition.name;
        let num_ends = usize::from(!it.condition.is(&JOINT));
        assert_eq!(it.step_seconds.len(), 2, "{name}");
        assert_eq!(it.end_seconds.len(), num_ends, "{name}");
        let mut all = it.step_seconds.iter().chain(&it.end_seconds);
        assert!(all.all(|seconds| *seconds > 0.0), "{name}");
    }
}

#[test]
fn an_epoch_that_is_too_short_limits_the_steps() {
    for num_steps in [0, 1, 7, 100] {
        let rounds = Rounds {
            num_rounds: 1,
            num_steps,
            num_ends: 0,
        };
        let sequence = tasks(Scenario::Task);
        let times = config("none").time_steps_on(&sequence, Device::flex(), rounds);
        let times = times.expect("the settings are valid");
        let [seconds] = times[0].step_seconds[..] else {
            panic!("{times:?}");
        };
        assert!(seconds.is_finite(), "{num_steps} steps");
    }
}
