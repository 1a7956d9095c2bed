//! What a record stores for one parameter.

use burn::optim::{Adam, AdamConfig, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{DType, Tensor, TensorData};

use super::SynapticState;
use crate::SynapticIntelligenceConfig;
use crate::optim::synaptic::{Synaptic, TaskControl};
use crate::settings::StatePrecision;
use crate::test_device::device;

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new().with_damping(0.01)
}

/// The state of one parameter after a task and some steps, as a record stores it.
fn written(config: &SynapticIntelligenceConfig) -> StateSink {
    let tasks = TaskControl::new();
    let adaptor = Synaptic::new(AdamConfig::new().build(), config, &tasks);
    let adaptor = adaptor.expect("the config is valid");
    let tensor = |value: f32| Tensor::<1>::from_floats([value, -value], &device());
    let (mut parameter, mut state) = (tensor(1.0), None);
    for step in 0..4 {
        if step == 2 {
            tasks.end_task();
        }
        (parameter, state) = adaptor.step(0.1, parameter, tensor(0.5), state);
    }
    let mut sink = StateSink::default();
    let state = state.expect("it has a state");
    state.state_flatten("7", &mut sink);
    sink
}

type State = SynapticState<<Adam as Optimizer>::State<1>, 1>;

fn read(sink: StateSink) -> Option<State> {
    let mut source = StateSource::new(sink.scalars.into_iter().collect());
    for (name, data) in sink.tensors {
        source.insert_tensor(name, data);
    }
    State::state_unflatten("7", &mut source, &device())
}

#[test]
fn state_is_written_in_its_own_precision_and_read_back() {
    for config in [
        config(),
        config().with_state_precision(StatePrecision::Bf16),
    ] {
        let held = match config.state_precision {
            StatePrecision::Bf16 if device().supports_dtype(DType::BF16) => DType::BF16,
            _ => DType::F32,
        };
        let sink = written(&config);
        let precision = |name: &str| {
            let of_name = |(it, _): &&(String, TensorData)| it == &format!("7.{name}");
            let tensor = sink.tensors.iter().find(of_name).expect("it is there");
            tensor.1.dtype()
        };
        assert_eq!(
            ["anchor", "importance", "path_integral"].map(precision),
            [held, held, DType::F32]
        );
        let mut again = StateSink::default();
        let state = read(written(&config)).expect("it fits together");
        state.state_flatten("7", &mut again);
        let sorted = |sink: StateSink| {
            let mut tensors = sink.tensors;
            tensors.sort_by(|a, b| a.0.cmp(&b.0));
            let mut scalars = sink.scalars;
            scalars.sort_by(|a, b| a.0.cmp(&b.0));
            (tensors, scalars)
        };
        assert_eq!(sorted(again), sorted(sink));
    }
}

#[test]
fn state_is_unchanged_by_moving_it() {
    let flat = |state: &State| {
        let mut sink = StateSink::default();
        state.state_flatten("7", &mut sink);
        (sink.tensors, sink.scalars)
    };
    let state = read(written(&config())).expect("it fits together");
    let before = flat(&state);
    for device in [device(), device().autodiff()] {
        let moved = Synaptic::<Adam>::to_device(state.clone(), &device);
        assert_eq!(flat(&moved), before);
    }
}

#[test]
fn state_that_does_not_fit_together_is_not_loaded() {
    assert!(read(written(&config())).is_some());
    let required = ["anchor", "task", "current_task", "num_steps"];
    for name in required {
        let mut sink = written(&config());
        sink.tensors.retain(|(it, _)| it != &format!("7.{name}"));
        sink.scalars.retain(|(it, _)| it != &format!("7.{name}"));
        assert!(read(sink).is_none(), "{name} is missing");
    }
    for name in ["anchor", "path_integral", "importance", "penalty_sum"] {
        for broken in [
            TensorData::from([1.0_f32, 2.0, 3.0]),
            TensorData::from([[1.0_f32, 2.0]]),
            TensorData::from([1_i32, 2]),
        ] {
            let mut sink = written(&config());
            let of_name = |(it, _): &&mut (String, TensorData)| it == &format!("7.{name}");
            let tensor = sink.tensors.iter_mut().find(of_name);
            tensor.expect("it is there").1 = broken;
            assert!(read(sink).is_none(), "{name} is broken");
        }
    }
    for (name, number) in [("task", 2_u64), ("current_task", u64::MAX)] {
        let mut sink = written(&config());
        sink.scalars.retain(|(it, _)| it != &format!("7.{name}"));
        sink.push_scalar("7", name, number.into());
        assert!(read(sink).is_none(), "{name} is {number}");
    }
}
