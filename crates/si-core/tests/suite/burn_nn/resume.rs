//! Storing and loading a training does not change it, nor does an optimizer that does everything in one pass.

use std::path::Path;

use burn::module::Module;
use burn::optim::{AdamConfig, SgdConfig, momentum::MomentumConfig};
use burn::store::{ModuleRecord, RecordError};
use si_core::{
    Checkpoint, ContinualLearner, SynapticAdamConfig, SynapticOptimizer, SynapticSgdConfig,
};

use crate::burn_nn::row::{Row, assert_no_fault};
use crate::burn_nn::snapshot::Snapshot;

const LEARNING_RATE: f64 = 0.01;

/// The form in which a training is passed to another learner.
#[derive(Clone, Copy, Debug)]
enum Form {
    Record,
    RecordInValidationMode,
    File,
    Checkpoint,
}

const FORMS: [Form; 4] = [
    Form::Record,
    Form::RecordInValidationMode,
    Form::File,
    Form::Checkpoint,
];

/// Regression: the last update of batch norm was missing, and a linear layer stored by columns was refused.
#[test]
fn resumed_trainings_give_the_same_numbers() {
    assert_no_fault(|row| row.fault_in_resumption());
}

/// Only if the device is exact. Some parameters, such as a bias before a norm, have a gradient of nothing but rounding,
/// and Adam makes full steps of it.
#[test]
fn optimizers_in_one_pass_train_to_the_same_bits() {
    if crate::common::is_exact() {
        assert_no_fault(|row| row.fault_in_one_pass());
    }
}

fn adam() -> SynapticOptimizer {
    AdamConfig::new().build().into()
}

/// Takes steps, each on separate data.
fn train<M: Module>(
    row: &Row<M>,
    mut learner: ContinualLearner<M>,
    optimizer: &mut SynapticOptimizer,
    steps: core::ops::Range<u64>,
) -> ContinualLearner<M> {
    for step in steps {
        (learner, _) = learner.step(optimizer, LEARNING_RATE, row.loss_at(step));
    }
    learner
}

/// Trains the rest of the second task and the beginning of the third.
fn go_on<M: Module>(
    row: &Row<M>,
    learner: ContinualLearner<M>,
    optimizer: &mut SynapticOptimizer,
) -> Snapshot {
    let mut learner = train(row, learner, optimizer, 5..7);
    learner.end_task();
    let learner = train(row, learner, optimizer, 7..9);
    Snapshot::of(&learner)
}

pub(crate) fn fault<M: Module>(row: &Row<M>) -> Option<String> {
    let faults: Vec<String> = FORMS
        .into_iter()
        .filter_map(|form| fault_of_form(row, form))
        .collect();
    (!faults.is_empty()).then(|| faults.join("\n"))
}

fn fault_of_form<M: Module>(row: &Row<M>, form: Form) -> Option<String> {
    let mut optimizer = adam();
    let mut learner = train(row, row.learner(), &mut optimizer, 0..3);
    learner.end_task();
    learner = train(row, learner, &mut optimizer, 3..5);

    let name = row.name;
    let folder = tempfile::tempdir().expect("a folder can be made");
    // The learner is stored before anything reads it, because a running statistic may have a pending update.
    let loaded = match form {
        Form::Checkpoint => restored(row, &learner, &optimizer),
        _ => reloaded(row, &learner, form, folder.path())
            .map(|learner| (learner, adam().load_record(optimizer.to_record())))
            .map_err(|error| error.to_string()),
    };
    let (loaded, mut its_optimizer) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return Some(format!("{name}, {form:?}: {error}")),
    };
    let stored = Snapshot::of(&loaded);
    let live = Snapshot::of(&learner);
    let differences = stored.differences(&live);
    if !differences.is_empty() {
        return Some(format!("{name}, {form:?}: loaded others: {differences:?}"));
    }
    let resumed = go_on(row, loaded, &mut its_optimizer);
    let unbroken = go_on(row, learner, &mut optimizer);
    let departures = resumed.departures(&unbroken);
    (!departures.is_empty()).then(|| format!("{name}, {form:?}: went on to others: {departures:?}"))
}

fn reloaded<M: Module>(
    row: &Row<M>,
    learner: &ContinualLearner<M>,
    form: Form,
    folder: &Path,
) -> Result<ContinualLearner<M>, RecordError> {
    let record = |learner: ContinualLearner<M>| {
        let bytes = learner.into_record().into_bytes();
        ModuleRecord::from_bytes(bytes.expect("it can be written")).expect("it can be read")
    };
    let fresh = row.learner();
    match form {
        Form::Record | Form::Checkpoint => fresh.try_load_record(record(learner.clone())),
        Form::RecordInValidationMode => fresh.try_load_record(record(learner.valid())),
        Form::File => {
            let path = folder.join("learner.bpk");
            let saved = learner.clone().save_file(&path);
            saved.expect("it can be written");
            fresh.try_load_file(&path)
        }
    }
}

fn restored<M: Module>(
    row: &Row<M>,
    learner: &ContinualLearner<M>,
    optimizer: &SynapticOptimizer,
) -> Result<(ContinualLearner<M>, SynapticOptimizer), String> {
    let checkpoint = Checkpoint::new(learner, optimizer, &5_u64).expect("it is whole");
    let checkpoint = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect("it can be read");
    checkpoint
        .restore(row.learner(), adam())
        .map_err(|error| error.to_string())
}

pub(crate) fn fault_in_one_pass<M: Module>(row: &Row<M>) -> Option<String> {
    let momentum = || Some(MomentumConfig::new());
    let pairs: [(&str, SynapticOptimizer, SynapticOptimizer); 2] = [
        ("Adam", adam(), SynapticAdamConfig::new().init()),
        (
            "SGD",
            SgdConfig::new().with_momentum(momentum()).build().into(),
            SynapticSgdConfig::new().with_momentum(momentum()).init(),
        ),
    ];
    let trained = |mut optimizer: SynapticOptimizer| {
        let mut learner = train(row, row.learner(), &mut optimizer, 0..3);
        learner.end_task();
        learner = train(row, learner, &mut optimizer, 3..5);
        go_on(row, learner, &mut optimizer)
    };
    let mut faults = Vec::new();
    for (optimizer, burn, ours) in pairs {
        let [burn, ours] = [burn, ours].map(trained);
        let differences = burn.differences(&ours);
        if !differences.is_empty() {
            faults.push(format!("{}, {optimizer}: {differences:?}", row.name));
        }
    }
    (!faults.is_empty()).then(|| faults.join("\n"))
}
