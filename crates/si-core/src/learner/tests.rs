use burn::backend::Dispatch;
use burn::backend::TensorMetadata;
use burn::module::{Module, Param};
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::{DType, Tensor, TensorData};

use crate::ops::SynapticBackend;
use crate::settings::{FirstTaskStart, StatePrecision};
use crate::test_device::{Parts, assert_same, assert_same_parts};
use crate::test_line::{Line, device};
use crate::{ContinualLearner, SynapticIntelligenceConfig, TaskWarning};

const LEARNING_RATE: f64 = 0.05;

pub(super) fn learner() -> ContinualLearner<Line> {
    learner_that_holds(StatePrecision::Full)
}

pub(super) fn learner_that_holds(precision: StatePrecision) -> ContinualLearner<Line> {
    let config = SynapticIntelligenceConfig::new()
        .with_damping(0.01)
        .with_state_precision(precision);
    ContinualLearner::new(Line::new(), &config).expect("the config is valid")
}

/// The precisions that the device under test supports.
fn precisions() -> Vec<StatePrecision> {
    if device().supports_dtype(DType::BF16) {
        vec![StatePrecision::Full, StatePrecision::Bf16]
    } else {
        vec![StatePrecision::Full]
    }
}

pub(super) fn train(
    mut learner: ContinualLearner<Line>,
    optimizer: &mut ModuleOptimizer,
    steps: std::ops::Range<usize>,
) -> ContinualLearner<Line> {
    for step in steps {
        (learner, _) = learner.step(optimizer, LEARNING_RATE, |model| model.loss(step));
    }
    learner
}

fn bits(learner: &ContinualLearner<Line>) -> Vec<u64> {
    let numbers = parts(learner).into_iter().flat_map(|(_, numbers)| numbers);
    numbers.map(f64::to_bits).collect()
}

/// The whole state of a learner.
pub(super) fn parts(learner: &ContinualLearner<Line>) -> Parts {
    let mut parts = Parts::new();
    let mut push =
        |name: String, data: TensorData| parts.push((name, data.iter::<f64>().collect()));
    push("scale".to_string(), learner.scale.val().into_data());
    push("shift".to_string(), learner.shift.val().into_data());
    for synapse in learner.regularizer().synapses() {
        let state = [
            ("anchor", Some(synapse.anchor_primitive())),
            ("path integral", synapse.path_integral_primitive()),
            ("importance", synapse.importance_primitive()),
        ];
        for (part, tensor) in state {
            let Some(tensor) = tensor.cloned() else {
                continue;
            };
            let data = match synapse.shape().num_dims() {
                1 => Dispatch::tensor::<1>(tensor).into_data(),
                _ => Dispatch::tensor::<2>(tensor).into_data(),
            };
            push(format!("{part} of {}", synapse.path()), data);
        }
    }
    parts
}

/// Reloads a learner and its optimizer: new ones, from the bytes of their records.
pub(super) fn reload(
    learner: ContinualLearner<Line>,
    optimizer: &ModuleOptimizer,
) -> (ContinualLearner<Line>, ModuleOptimizer) {
    let precision = learner.regularizer().config().state_precision;
    let bytes = learner
        .into_record()
        .into_bytes()
        .expect("it can be written");
    let record = ModuleRecord::from_bytes(bytes).expect("it can be read");
    let learner = learner_that_holds(precision)
        .try_load_record(record)
        .expect("it fits");
    let bytes = optimizer.into_bytes().expect("it can be written");
    let optimizer = AdamConfig::new()
        .init()
        .from_bytes(bytes)
        .expect("it can be read");
    (learner, optimizer)
}

#[test]
fn warning_of_a_task_is_kept_in_the_record() {
    let noticed = [
        TaskWarning::NoImportance,
        TaskWarning::NoPenalty,
        TaskWarning::Diverged,
    ];
    for warning in noticed.map(Some).into_iter().chain([None]) {
        let mut optimizer = AdamConfig::new().init();
        let mut learner = train(learner(), &mut optimizer, 0..1);
        learner.regularizer_mut().meter.warning = warning;
        let (loaded, _) = reload(learner, &optimizer);
        assert_eq!(loaded.diagnostics().warning, warning);
    }
}

#[test]
fn loaded_learner_goes_on_as_it_would_have_within_a_task_and_across_its_end() {
    // Before the first step, after it, within the first task, at its end, within the second, within the third.
    let interruptions = [0, 1, 3, 5, 7, 11];
    let cases = precisions()
        .into_iter()
        .flat_map(|it| interruptions.map(|at| (it, at)));
    for (precision, interruption) in cases {
        let mut unbroken = learner_that_holds(precision);
        let mut unbroken_optimizer = AdamConfig::new().init();
        let mut broken = learner_that_holds(precision);
        let mut broken_optimizer = AdamConfig::new().init();
        for step in 0..15 {
            unbroken = train(unbroken, &mut unbroken_optimizer, step..step + 1);
            if step == interruption {
                (broken, broken_optimizer) = reload(broken, &broken_optimizer);
            }
            broken = train(broken, &mut broken_optimizer, step..step + 1);
            if step % 5 == 4 {
                unbroken.end_task();
                broken.end_task();
            }
        }
        assert_same_parts(&parts(&broken), &parts(&unbroken));
        assert_eq!(broken.regularizer().task(), 3);
        let [broken, unbroken] = [broken.end_epoch(), unbroken.end_epoch()];
        assert_same(&[broken.penalty], &[unbroken.penalty]);
        assert_eq!(broken.num_steps, unbroken.num_steps);
    }
}

#[test]
fn importance_and_anchor_of_16_bits_equal_those_of_32_up_to_rounding() {
    let trained = |precision| {
        let mut learner = learner_that_holds(precision);
        let mut optimizer = AdamConfig::new().init();
        for task in 0..3 {
            learner = train(learner, &mut optimizer, 5 * task..5 * task + 5);
            learner.end_task();
        }
        learner
    };
    let [exact, .., rounded] = &precisions().into_iter().map(trained).collect::<Vec<_>>()[..]
    else {
        return;
    };
    let synapses = rounded.regularizer().synapses();
    assert_eq!(synapses.len(), 2);
    for synapse in synapses {
        let held = [
            Some(synapse.anchor_primitive()),
            synapse.importance_primitive(),
        ];
        let dtypes = held.map(|it| it.map(|tensor| tensor.dtype()));
        assert_eq!(dtypes, [Some(DType::BF16); 2]);
    }
    for (&rounded, &exact) in bits(rounded).iter().zip(&bits(exact)) {
        let [rounded, exact] = [rounded, exact].map(f64::from_bits);
        assert!(
            (rounded - exact).abs() <= 0.03 * exact.abs().max(0.1),
            "{rounded} is not {exact}"
        );
    }
}

#[test]
#[cfg(feature = "ndarray")]
#[expect(
    deprecated,
    reason = "of the backends compiled in here, only ndarray does not support 16 bits"
)]
fn state_of_16_bits_is_widened_on_a_device_that_does_not_support_them() {
    if precisions().len() == 1 {
        return;
    }
    let mut optimizer = AdamConfig::new().init();
    let mut learner = train(
        learner_that_holds(StatePrecision::Bf16),
        &mut optimizer,
        0..5,
    );
    learner.end_task();
    let before = bits(&learner);
    let moved = learner.to_device(&burn::tensor::Device::ndarray().autodiff());
    assert_eq!(bits(&moved), before);
    for synapse in moved.regularizer().synapses() {
        assert_eq!(synapse.anchor_primitive().dtype(), DType::F32);
    }
}

#[test]
fn file_holds_the_learner_whole() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("learner.bpk");
    let mut trained = train(learner(), &mut AdamConfig::new().init(), 0..4);
    trained.end_task();
    trained.clone().save_file(&path).expect("it can be written");
    let loaded = learner().try_load_file(&path).expect("it fits");
    assert_eq!(bits(&loaded), bits(&trained));
    assert_eq!(loaded.regularizer().task(), 1);
    let files = folder.path().read_dir().expect("it can be read").count();
    assert_eq!(files, 1);
}

#[test]
fn file_that_cannot_be_written_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("missing").join("learner.bpk");
    let error = learner()
        .save_file(&path)
        .expect_err("there is no such folder");
    assert!(error.to_string().contains("learner.bpk"), "{error}");
    // There is a folder at the file's path.
    let path = folder.path().join("taken.bpk");
    std::fs::create_dir(&path).expect("a folder can be made");
    let error = learner().save_file(&path).expect_err("it is a folder");
    assert!(error.to_string().contains("taken.bpk"), "{error}");
    let files = folder.path().read_dir().expect("it can be read").count();
    assert_eq!(files, 1);
}

#[test]
fn file_is_found_by_the_path_without_an_extension_that_it_was_saved_by() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("learner");
    // It has the name of an older file, which Burn leaves as it is.
    std::fs::write(&path, b"something else").expect("it can be written");
    let trained = train(learner(), &mut AdamConfig::new().init(), 0..4);
    trained.clone().save_file(&path).expect("it can be written");
    let loaded = learner().try_load_file(&path).expect("it fits");
    assert_eq!(bits(&loaded), bits(&trained));
}

#[test]
fn file_that_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for name in ["learner", "learner.bpk"] {
        let error = learner().try_load_file(folder.path().join(name));
        let error = error.expect_err("there is no such file").to_string();
        assert!(error.contains("cannot read"), "{error}");
        assert!(error.contains(&format!("{name}: ")), "{error}");
    }
}

#[test]
fn file_that_was_cut_short_is_refused() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("learner.bpk");
    learner().save_file(&path).expect("it can be written");
    let bytes = std::fs::read(&path).expect("it can be read");
    std::fs::write(&path, &bytes[..bytes.len() - 9]).expect("it can be written");
    let error = learner().try_load_file(&path).expect_err("it is cut");
    assert!(error.to_string().contains("learner.bpk: "), "{error}");
}

#[test]
fn record_of_a_bare_module_and_of_a_learner_load_into_each_other() {
    let mut trained = train(learner(), &mut AdamConfig::new().init(), 0..4);
    trained.end_task();
    let record = trained.clone().into_record().allow_unused(true);
    let bare = Line::new().try_load_record(record).expect("it fits");
    assert_eq!(
        bare.scale.val().into_data(),
        trained.scale.val().into_data()
    );
    let record = bare.into_record().allow_partial(true);
    let wrapped = learner().try_load_record(record).expect("it fits");
    assert_eq!(
        wrapped.scale.val().into_data(),
        trained.scale.val().into_data()
    );
}

#[test]
fn record_of_another_module_is_refused() {
    #[derive(Module, Debug)]
    struct Other {
        shift: Param<Tensor<1>>,
    }
    let other = Other {
        shift: Param::from_tensor(Tensor::from_floats([0.0], &device())),
    };
    let error = learner().try_load_record(other.into_record());
    assert!(error.is_err());
}

#[test]
fn loading_into_a_frozen_module_says_what_to_do() {
    let trained = train(learner(), &mut AdamConfig::new().init(), 0..4);
    let error = learner().freeze().try_load_record(trained.into_record());
    let error = error.expect_err("the state has no place to go").to_string();
    assert!(
        error.contains("freeze only layers that were never trained"),
        "{error}"
    );
}

#[test]
fn fork_keeps_the_state() {
    let mut trained = train(learner(), &mut AdamConfig::new().init(), 0..4);
    trained.end_task();
    let before = bits(&trained);
    assert_eq!(bits(&trained.fork(&device())), before);
}

#[test]
fn first_task_measured_from_zero_survives_an_interruption_before_it() {
    let config = SynapticIntelligenceConfig::new().with_first_task_start(FirstTaskStart::Zero);
    let learner = || ContinualLearner::new(Line::new(), &config).expect("the config is valid");
    let end = |learner| {
        let mut learner = train(learner, &mut AdamConfig::new().init(), 0..4);
        learner.end_task();
        parts(&learner)
    };
    let loaded = learner().load_record(learner().into_record());
    assert_same_parts(&end(loaded), &end(learner()));
}
