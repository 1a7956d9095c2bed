//! A study of made-up runs.

use crate::experiment::{Cost, EpochRecord, Kept, Passes, RunRecord};
use crate::fixture;
use crate::metrics::AccuracyMatrix;

use super::{Frontier, FrontierStudy};

pub(super) const NUM_CONFIGURATIONS: usize = 3;
const NUM_EPOCHS: usize = 4;

pub(super) fn study() -> FrontierStudy {
    let mut study = FrontierStudy::reduced(NUM_CONFIGURATIONS, 0);
    study.protocol.num_epochs = NUM_EPOCHS;
    study.protocol.device = "flex".to_string();
    study
}

/// In every configuration, a run of each network. The old task is forgotten while the new one is learnt. Networks with
/// dropout are better at both.
pub(super) fn records() -> Vec<Vec<RunRecord>> {
    let study = study();
    let of_configuration = |configuration| {
        let config = study.experiment(&configuration);
        let mut records = fixture::records(&config, 2);
        for (index, record) in records.iter_mut().enumerate() {
            let gain = if index % 2 == 1 { 0.05 } else { 0.0 };
            let penalty = 0.01 * (configuration.number + index / 2) as f64;
            record.epochs = epochs(0.95 + gain - penalty);
            let last = record.epochs[NUM_EPOCHS].accuracy.clone();
            let rows = vec![vec![0.95, 0.1], last];
            record.accuracy = AccuracyMatrix::new(rows).expect("in range");
            record.cost = Some(Cost {
                num_parameters: 1000,
                kept: Kept {
                    floats: if index < 4 { 0 } else { 500 },
                    bytes: 0,
                },
                passes: Passes::default(),
            });
        }
        records
    };
    study.configurations().map(of_configuration).collect()
}

/// One epoch of the old task, and some of the new one. `best` is the accuracy from which the old task falls, and which the
/// new task comes close to.
fn epochs(best: f64) -> Vec<EpochRecord> {
    let epoch = |task, epoch, accuracy| EpochRecord {
        task,
        epoch,
        task_loss: Some(0.1),
        penalty: Some(0.0),
        penalty_share: Some(0.0),
        accuracy,
    };
    let of_new = (0..NUM_EPOCHS).map(|index| {
        let done = (index + 1) as f64 / NUM_EPOCHS as f64;
        let accuracy = vec![best - 0.3 * done, best - 0.4 * (1.0 - done)];
        epoch(1, index, accuracy)
    });
    let old = epoch(0, 0, vec![best]);
    [old].into_iter().chain(of_new).collect()
}

pub(super) fn frontier() -> Frontier {
    Frontier::new(&study(), &records()).expect("every run is there")
}
