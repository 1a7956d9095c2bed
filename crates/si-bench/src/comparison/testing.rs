//! A comparison of made-up runs.

use crate::experiment::{Cost, ExperimentConfig, Kept, Passes, RunRecord};
use crate::fixture;

use super::{Comparison, LeftOut, Runs, Selection, best_trials};

const NUM_TASKS: usize = 3;

pub(super) fn selection() -> Selection {
    Selection {
        num_trials: 3,
        methods: ["none", "si", "er", "er:size=129"]
            .map(str::to_string)
            .to_vec(),
        equal_memory: Some("er:size=129".to_string()),
        left_out: vec![LeftOut {
            method: "progressive".to_string(),
            reason: "a task has its own column".to_string(),
        }],
    }
}

pub(super) fn search_config() -> ExperimentConfig {
    let config = fixture::config(&[0.0], 1);
    let candidates = selection().candidates(config.experiment);
    let candidates = candidates.expect("they are well formed").into_iter();
    let trials = candidates.filter(|it| it.is_searched());
    ExperimentConfig {
        methods: trials.flat_map(|it| it.trials).collect(),
        num_held_out: Some(1000),
        first_seed: 1000,
        ..config
    }
}

/// What made-up runs of a method took.
fn cost(record: &RunRecord) -> Cost {
    let trained = 1000;
    let (floats, bytes, replayed) = match record.condition.name.as_str() {
        "si" => (25_000, 100_000, 0),
        "none" => (0, 0, 0),
        name if name.contains("129") => (0, 129 * 785, 500),
        _ => (0, 500 * 785, 500),
    };
    Cost {
        num_parameters: 12_500,
        kept: Kept { floats, bytes },
        passes: Passes {
            trained,
            forwards: trained + replayed,
            backwards: trained + replayed,
            measured: 0,
        },
    }
}

pub(super) fn comparison() -> Comparison {
    let (selection, search_config) = (selection(), search_config());
    let search_records = fixture::records(&search_config, NUM_TASKS);
    let search = Runs {
        config: &search_config,
        records: &search_records,
    };
    let candidates = selection.candidates(search_config.experiment);
    let candidates = candidates.expect("they are well formed");
    let config = ExperimentConfig {
        methods: best_trials(search, &candidates).expect("every trial has run"),
        num_tasks: NUM_TASKS,
        ..fixture::config(&[0.0], 3)
    };
    let mut records = fixture::records(&config, NUM_TASKS);
    for record in &mut records {
        record.cost = Some(cost(record));
    }
    let fresh = Runs {
        config: &config,
        records: &records,
    };
    Comparison::new(&selection, fresh, Some(search)).expect("the runs belong together")
}
