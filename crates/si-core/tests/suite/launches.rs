//! How many kernels a training step launches, on the backends that have kernels.

#![expect(clippy::print_stdout, reason = "a person reads what is launched")]

use std::collections::BTreeMap;
use std::env;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use burn::nn::LinearConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Distribution, Int, Tensor};
use burn_cubecl::cubecl::config::{TypeNameFormatLevel, type_name_format};
use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};
use si_core::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligenceConfig,
    SynapticOptimizer,
};

use crate::common::mlp::Mlp;
use crate::common::{device, is_exact};

const BATCH: usize = 8;
const INPUTS: usize = 12;
const CLASSES: usize = 10;
const LEARNING_RATE: f64 = 1e-3;

const TEST: &str = "launches::a_step_with_synapses_launches_no_more_kernels_than_a_plain_one";
/// Set in the process that counts.
const IS_ALONE: &str = "SI_COUNTS_LAUNCHES";

/// A separate process counts, because launches of all tests are done by the device's thread.
#[test]
fn a_step_with_synapses_launches_no_more_kernels_than_a_plain_one() {
    if is_exact() {
        return;
    }
    if env::var_os(IS_ALONE).is_some() {
        return count();
    }
    let program = env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args([TEST, "--exact", "--nocapture"])
        .env(IS_ALONE, "1")
        .output()
        .expect("this program can run again");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn count() {
    let plain = {
        let mut optimizer = AdamConfig::new().init();
        let mut model = Some(model());
        launches_of(move || {
            model = model.take().map(|model| {
                let grads = GradientsParams::from_grads(loss(&model).backward(), &model);
                optimizer.step(LEARNING_RATE, model, grads)
            });
        })
    };
    let around_burns = consolidating(AdamConfig::new().init());
    let separate = consolidating(SynapticOptimizer::from(AdamConfig::new().build()));
    let fused = consolidating(SynapticAdamConfig::new().init());
    for (name, launches) in [
        ("Burn's Adam, plain", &plain),
        ("Burn's Adam, SI around it", &around_burns),
        ("Burn's Adam in SynapticOptimizer, SI", &separate),
        ("SynapticAdam, SI", &fused),
    ] {
        println!("{name}: {} launches", total(launches));
        for (kernel, count) in launches {
            println!("  {count} x {kernel}");
        }
    }
    assert!(total(&plain) > 0);
    assert!(total(&fused) <= total(&plain));
}

/// Number of launches by kernel, in the step that has the most of several.
type Launches = BTreeMap<String, usize>;

fn total(launches: &Launches) -> usize {
    launches.values().sum()
}

/// In the second task, where the penalty is at work.
fn consolidating(mut optimizer: impl ContinualOptimizer) -> Launches {
    let config = SynapticIntelligenceConfig::new();
    let learner = ContinualLearner::new(model(), &config).expect("the default is valid");
    let mut step = |learner: ContinualLearner<Mlp>| {
        let grads = GradientsParams::from_grads(loss(&learner).backward(), &learner);
        learner.optimize(&mut optimizer, LEARNING_RATE, grads)
    };
    let mut learner = step(learner);
    learner.end_task();
    let mut learner = Some(learner);
    launches_of(|| learner = learner.take().map(&mut step))
}

fn launches_of(mut step: impl FnMut()) -> Launches {
    // In its first steps, fusion looks for operations to join.
    for _ in 0..20 {
        step();
        finish();
    }
    let counts: Vec<Launches> = (0..5)
        .map(|_| {
            let observer = Arc::new(Observer::default());
            let observation = LaunchObservation::new(observer.clone());
            step();
            finish();
            drop(observation);
            let kernels = observer.0.lock();
            kernels.unwrap_or_else(PoisonError::into_inner).clone()
        })
        .collect();
    counts.into_iter().max_by_key(total).unwrap_or_default()
}

/// Has the device do all that it was given.
fn finish() {
    device().sync().expect("the device works");
}

/// Counts the launches of all threads.
#[derive(Default)]
struct Observer(Mutex<Launches>);

impl LaunchObserver for Observer {
    fn launched(&self, kernel: &'static str) {
        let name = type_name_format(kernel, TypeNameFormatLevel::Balanced);
        let mut kernels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kernels.entry(name).or_default() += 1;
    }
}

fn model() -> Mlp {
    let device = device().autodiff();
    Mlp {
        fc1: LinearConfig::new(INPUTS, 32).init(&device),
        fc2: LinearConfig::new(32, CLASSES).init(&device),
    }
}

fn loss(model: &Mlp) -> Tensor<1> {
    let device = device().autodiff();
    let inputs = Tensor::<2>::random([BATCH, INPUTS], Distribution::Default, &device);
    let labels = Tensor::<1, Int>::from_data([0, 1, 2, 3, 4, 5, 6, 7], &device);
    model.loss(inputs, labels)
}
