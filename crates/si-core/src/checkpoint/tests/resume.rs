use burn::module::{Param, ParamId};
use burn::nn::LinearConfig;
use burn::tensor::{Int, Tensor};

use super::*;
use crate::settings::Accumulation;
use crate::test_device::{assert_same, assert_same_parts};
use crate::{Importance, ParameterPolicy, QuadraticPenaltyConfig};

/// Saves a checkpoint at every step and resumes from nothing but its bytes.
fn resumed_at_every_step_is_unbroken<O>(optimizer: impl Fn() -> O)
where
    O: ContinualOptimizer + Clone,
{
    let mut unbroken = Training::new(optimizer());
    // A clone has the same ids, which decide the order of the optimizer's state.
    let mut broken = unbroken.clone();
    for _ in 0..17 {
        unbroken = unbroken.step();
        let bytes = broken.step().checkpoint().to_bytes();
        let checkpoint = Checkpoint::from_bytes(&bytes).expect("it is whole");
        broken = Training::restored(&checkpoint, optimizer()).expect("it fits");
        assert_same_parts(&broken.parts(), &unbroken.parts());
    }
    assert_eq!(broken.learner.regularizer().task(), 3);
    let [broken, unbroken] = [broken, unbroken].map(|mut it| it.learner.end_epoch());
    assert_same(&[broken.penalty], &[unbroken.penalty]);
    assert_eq!(broken.num_steps, unbroken.num_steps);
}

#[test]
fn training_that_is_restored_at_every_step_equals_unbroken_training() {
    resumed_at_every_step_is_unbroken(adam);
    resumed_at_every_step_is_unbroken(synaptic_adam);
    resumed_at_every_step_is_unbroken(synaptic_sgd);
}

#[test]
fn further_records_are_restored_by_name() {
    let training = Training::new(adam()).steps(3);
    let line: &Line = &training.learner;
    let config = QuadraticPenaltyConfig::ewc(2.0);
    let mut elastic = config.init().expect("the config is valid");
    let mut fisher = Importance::default();
    fisher.add(
        line.shift.id,
        Tensor::<1>::from_floats([1.0, 2.0], &device()),
    );
    elastic.consolidate(line, &fisher);

    let checkpoint = training.checkpoint();
    let other = checkpoint
        .with_record("elastic", Line::new().into_record())
        .and_then(|checkpoint| checkpoint.with_record("elastic", elastic.record(line)))
        .expect("it can be made");
    let checkpoint = Checkpoint::from_bytes(&other.to_bytes()).expect("it is whole");
    assert_eq!(checkpoint.record_names().collect::<Vec<_>>(), ["elastic"]);
    let restored = Training::restored(&checkpoint, adam()).expect("it fits");
    let fresh = || config.init().expect("the config is valid");
    let line: &Line = &restored.learner;
    let loaded = checkpoint.restore_penalty("elastic", fresh(), line);
    assert_eq!(loaded.expect("it fits").task(), 1);
    let copy = training.checkpoint();
    let copy = copy.with_record("copy", line.clone().into_record());
    let copy = copy.expect("it can be made");
    let restored = copy.restore_module("copy", Line::new()).expect("it fits");
    assert_eq!(
        restored.shift.val().into_data(),
        line.shift.val().into_data()
    );
    let other = LinearConfig::new(2, 3).init(&device());
    let error = copy.restore_module("copy", other.clone());
    let error = error.expect_err("it is of another module");
    assert!(matches!(error, CheckpointError::OtherModel { .. }));
    let error = checkpoint
        .restore_penalty("elastic", fresh(), &other)
        .expect_err("it is of another module");
    assert!(matches!(error, CheckpointError::OtherModel { .. }));
    let error = checkpoint.record("fisher").expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "the checkpoint in memory holds no record \"fisher\"; it has elastic"
    );
}

#[test]
fn header_describes_the_checkpoint() {
    let training = Training::new(adam()).steps(11);
    let checkpoint = training.checkpoint();
    let header = checkpoint.header();
    assert_eq!(header.si_core, env!("CARGO_PKG_VERSION"));
    assert_eq!(header.burn, crate::checkpoint::BURN_VERSION);
    assert_eq!(header.task, 2);
    let settings = [
        ("accumulation", "Sum"),
        ("damping", "0.01"),
        ("first_task_start", "InitialParameters"),
        ("importance_bound", "none"),
        ("negative_importance", "ReluOnSum"),
        ("normalization", "Off"),
        ("path_gradient", "Task"),
        ("penalty_factor", "One"),
        ("policies", "[]"),
        ("replica_strengths", "[]"),
        ("state_precision", "Full"),
        ("strength", "1"),
        ("strength_schedule", "[]"),
    ];
    let settings = settings.map(|(name, value)| (name, value.to_string()));
    assert!(header.settings().eq(settings));
}

#[test]
fn every_setting_that_differs_is_named() {
    let checkpoint = Training::new(adam()).checkpoint();
    let header = checkpoint.header();
    let config = SynapticIntelligenceConfig::new().with_damping(0.01);
    assert!(header.setting_mismatches(&config).is_empty());
    let config = SynapticIntelligenceConfig::new()
        .with_accumulation(Accumulation::MovingAverage { decay: 0.5 })
        .with_importance_bound(Some(8.0))
        .with_policies(vec![ParameterPolicy::path("*.bias").exclude()]);
    let policy =
        r#"[{"damping":null,"excluded":true,"selector":{"Path":"*.bias"},"strength":null}]"#;
    let others = [
        ("accumulation", "Sum", r#"{"MovingAverage":{"decay":0.5}}"#),
        ("damping", "0.01", "0.001"),
        ("importance_bound", "none", "8"),
        ("policies", "[]", policy),
    ];
    let others = others.map(|(name, stored, given)| SettingMismatch {
        name: name.to_string(),
        stored: stored.to_string(),
        given: given.to_string(),
    });
    assert_eq!(header.setting_mismatches(&config), others);
}

#[test]
fn checkpoint_of_another_model_says_what_differs() {
    #[derive(Module, Debug)]
    struct Other {
        scale: Param<Tensor<1>>,
        shift: Param<Tensor<1>>,
        gain: Param<Tensor<1>>,
    }
    let tensor = || Param::from_tensor(Tensor::<1>::ones([2], &device()));
    let other = Other {
        scale: tensor(),
        shift: tensor(),
        gain: tensor(),
    };
    let other = ContinualLearner::new(other, &SynapticIntelligenceConfig::new());
    let checkpoint = Training::new(adam()).steps(2).checkpoint();
    let result = checkpoint.restore(other.expect("the config is valid"), adam());
    let error = result.err().expect("it does not fit");
    assert!(matches!(error, CheckpointError::OtherModel { .. }));
    assert!(
        error.to_string().contains("scale: shape mismatch"),
        "{error}"
    );
}

#[test]
fn checkpoint_of_a_model_with_numbers_of_another_kind_is_refused() {
    #[derive(Module, Debug)]
    struct Counts {
        scale: Param<Tensor<2>>,
        shift: Param<Tensor<1, Int>>,
    }
    let counts = Counts {
        scale: Line::new().scale,
        shift: Param::initialized(ParamId::new(), Tensor::from_ints([1, 2], &device())),
    };
    let counts = ContinualLearner::new(counts, &SynapticIntelligenceConfig::new());
    let checkpoint = Training::new(adam()).checkpoint();
    let result = checkpoint.restore(counts.expect("the config is valid"), adam());
    let error = result.err().expect("it does not fit");
    assert!(
        matches!(error, CheckpointError::OtherModel { .. }),
        "{error}"
    );
}

#[test]
fn checkpoint_of_another_optimizer_is_refused_where_burn_would_drop_its_state() {
    let checkpoint = Training::new(adam()).steps(2).checkpoint();
    let result = checkpoint.restore(learner(), synaptic_sgd());
    let error = result.err().expect("it does not fit");
    assert!(matches!(error, CheckpointError::OtherOptimizer { .. }));
    let checkpoint = Training::new(synaptic_sgd()).steps(2).checkpoint();
    assert!(checkpoint.restore(learner(), adam()).is_err());
    // Our Adam keeps the same state as Burn's.
    let checkpoint = Training::new(synaptic_adam()).steps(2).checkpoint();
    assert!(checkpoint.restore(learner(), adam()).is_ok());
}

#[test]
fn restoring_clears_what_the_optimizer_learnt_before() {
    let fresh = Training::new(adam()).checkpoint();
    let trained = Training::new(adam()).steps(4).optimizer;
    let (_, optimizer) = fresh.restore(learner(), trained).expect("it fits");
    assert!(optimizer.to_record().is_empty());
}

#[test]
fn progress_of_another_type_is_refused() {
    let checkpoint = Training::new(adam()).checkpoint();
    let error = checkpoint.progress::<Vec<usize>>().expect_err("it differs");
    assert!(matches!(error, CheckpointError::OtherProgress { .. }));
}

#[test]
fn progress_is_restored_to_the_bit_even_if_it_is_not_finite() {
    let progress = (
        f64::NAN,
        f64::INFINITY,
        0.1_f32,
        u64::MAX,
        [(3, "x".to_string())],
    );
    let checkpoint = Checkpoint::new(&learner(), &adam(), &progress).expect("it can be written");
    type Progress = (f64, f64, f32, u64, [(u8, String); 1]);
    let found: Progress = checkpoint.progress().expect("it is of that type");
    assert!(found.0.is_nan());
    assert_eq!(
        (found.1, found.2, found.3, found.4),
        (progress.1, progress.2, progress.3, progress.4)
    );
}

#[test]
fn progress_that_cannot_be_written_is_an_error() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no form for it"))
        }
    }
    let error = Checkpoint::new(&learner(), &adam(), &Unwritable).expect_err("it is refused");
    let error = error.to_string();
    assert!(error.starts_with("cannot make a checkpoint of the progress: "));
    assert!(error.contains("no form for it"));
}
