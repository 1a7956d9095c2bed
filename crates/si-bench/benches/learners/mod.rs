//! Learners of the same network, step by step: what the benchmarks compare.

#![allow(dead_code, reason = "each benchmark has need of some of it")]

use std::env;
use std::fmt;
use std::process::{self, Command};
use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_bench::experiment::Activation;
use si_bench::model::{CnnConfig, MlpConfig, Network, NetworkConfig};
use si_bench::{in_pool, keep_buffers};
use si_core::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligenceConfig,
};

/// The learning rate of the paper.
pub(crate) const LEARNING_RATE: f64 = 1e-3;
const NUM_CLASSES: usize = 10;
/// Turns that each learner has, at most.
const NUM_TURNS: usize = 40;
const CIFAR: [usize; 3] = [3, 32, 32];

/// Who learns. All but the first consolidate, in their second task, where the penalty is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learner {
    /// A bare module with Burn's Adam.
    Plain,
    /// Synaptic Intelligence around Burn's Adam.
    Unfused,
    /// Synaptic Intelligence with the Adam that has all of a step in one pass.
    Fused,
}

impl Learner {
    pub(crate) const ALL: [Learner; 3] = [Learner::Plain, Learner::Unfused, Learner::Fused];
}

impl fmt::Display for Learner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Learner::Plain => "Adam",
            Learner::Unfused => "Adam, SI",
            Learner::Fused => "synaptic Adam, SI",
        })
    }
}

/// A network and the batches that it learns from.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) batch_size: usize,
    pub(crate) device: Device,
    pub(crate) network: NetworkConfig,
    image_shape: [usize; 3],
}

pub(crate) type Batch = (Tensor<2>, Tensor<1, Int>);

/// What does the next step, on a batch.
pub(crate) type Step = Box<dyn FnMut(Batch) + Send>;

impl Case {
    /// The paper's networks.
    pub(crate) fn of_the_paper(device: &Device) -> [Self; 3] {
        [
            Self::perceptron([256, 256], 64, device),
            Self::perceptron([2000, 2000], 256, device),
            Self {
                name: "CNN of split CIFAR".to_string(),
                batch_size: 256,
                device: device.clone().autodiff(),
                network: NetworkConfig::Cnn(CnnConfig::paper(CIFAR, NUM_CLASSES)),
                image_shape: CIFAR,
            },
        ]
    }

    pub(crate) fn perceptron(hidden_sizes: [usize; 2], batch_size: usize, device: &Device) -> Self {
        let [first, second] = hidden_sizes;
        Self {
            name: format!("784-{first}-{second}-{NUM_CLASSES}"),
            batch_size,
            device: device.clone().autodiff(),
            network: NetworkConfig::Mlp(MlpConfig {
                num_inputs: 784,
                hidden_sizes: hidden_sizes.to_vec(),
                num_outputs: NUM_CLASSES,
                units: Activation::Relu.into(),
                dropout: 0.0,
                zero_readout: false,
            }),
            image_shape: [1, 28, 28],
        }
    }

    /// A learner after `num_steps` steps, and as many before the last task's end.
    pub(crate) fn learner(&self, learner: Learner, num_steps: usize) -> Step {
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        let model = self.network.init(rng, &self.device);
        let mut step = match learner {
            Learner::Plain => plain(model),
            Learner::Unfused => self.consolidating(model, AdamConfig::new().init(), num_steps, rng),
            Learner::Fused => {
                self.consolidating(model, SynapticAdamConfig::new().init(), num_steps, rng)
            }
        };
        for _ in 0..num_steps {
            step(self.batch(rng));
        }
        step
    }

    fn consolidating(
        &self,
        model: Network,
        mut optimizer: impl ContinualOptimizer + Send + 'static,
        num_steps: usize,
        rng: &mut ChaCha8Rng,
    ) -> Step {
        let config = SynapticIntelligenceConfig::new();
        let mut learner =
            ContinualLearner::new(model, &config).expect("the default settings are valid");
        let mut step = move |mut learner: ContinualLearner<Network>, batch: Batch| {
            (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |model| loss(model, batch));
            learner
        };
        for _ in 0..num_steps {
            learner = step(learner, self.batch(rng));
        }
        learner.end_task();
        let mut learner = Some(learner);
        Box::new(move |batch| learner = learner.take().map(|learner| step(learner, batch)))
    }

    /// Trainable numbers.
    pub(crate) fn num_parameters(&self) -> usize {
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        self.network.init(rng, &self.device).num_params()
    }

    /// Median seconds of a step of each learner. They take turns, in runs of steps where there are many,
    /// so that each finds in the caches what it left there, as it does alone. So does `between`, which is
    /// given the length of a run, after each round.
    pub(crate) fn measure(&self, num_steps: usize, mut between: impl FnMut(usize)) -> [f64; 3] {
        let run = (num_steps / NUM_TURNS).max(1);
        let warm_up = num_steps.min(20) / 4 + 2;
        let mut steps: [Step; 3] = Learner::ALL.map(|learner| self.learner(learner, warm_up));
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut seconds: [Vec<f64>; 3] = Default::default();
        for turn in 0..num_steps / run {
            let batches: Vec<Batch> = (0..run).map(|_| self.batch(rng)).collect();
            // None always runs in the same one's wake.
            for index in (0..3).map(|index| (index + turn) % 3) {
                for batch in batches.iter().cloned() {
                    self.wait();
                    let start = Instant::now();
                    steps[index](batch);
                    self.wait();
                    seconds[index].push(start.elapsed().as_secs_f64());
                }
            }
            between(run);
        }
        seconds.map(median)
    }

    /// Median seconds of a learner's step, over blocks of steps in a row with one wait for the device at their end.
    pub(crate) fn measure_in_a_row(&self, learner: Learner) -> f64 {
        const BLOCK: usize = 30;
        const NUM_BLOCKS: usize = 9;
        const NUM_BATCHES: usize = 20;
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let batches: Vec<Batch> = (0..NUM_BATCHES).map(|_| self.batch(rng)).collect();
        let mut step = self.learner(learner, 8);
        let mut steps = |count: usize| {
            let start = Instant::now();
            for batch in batches.iter().cycle().take(count).cloned() {
                step(batch);
            }
            self.wait();
            start.elapsed().as_secs_f64() / count as f64
        };
        // Until the kernels are chosen, and memory is there for as many steps as are prepared ahead.
        steps(NUM_BATCHES);
        median((0..NUM_BLOCKS).map(|_| steps(BLOCK)).collect())
    }

    /// Median seconds of a plain step.
    pub(crate) fn measure_plain(&self, num_steps: usize) -> f64 {
        let mut step = self.learner(Learner::Plain, 2);
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let seconds = (0..num_steps).map(|_| {
            let batch = self.batch(rng);
            self.wait();
            let start = Instant::now();
            step(batch);
            self.wait();
            start.elapsed().as_secs_f64()
        });
        median(seconds.collect())
    }

    /// Until the device has done what it was given.
    pub(crate) fn wait(&self) {
        self.device.sync().expect("the device works");
    }

    /// Images too many and too random to be learnt by heart, which would make gradients vanish.
    pub(crate) fn batch(&self, rng: &mut ChaCha8Rng) -> Batch {
        let num_inputs = self.image_shape.iter().product();
        let pixels: Vec<f32> = (0..self.batch_size * num_inputs)
            .map(|_| rng.random_range(0.0..1.0))
            .collect();
        let labels: Vec<i32> = (0..self.batch_size)
            .map(|_| rng.random_range(0..NUM_CLASSES as i32))
            .collect();
        let pixels = TensorData::new(pixels, [self.batch_size, num_inputs]);
        let labels = TensorData::new(labels, [self.batch_size]);
        (
            Tensor::from_data(pixels, &self.device),
            Tensor::from_data(labels, &self.device),
        )
    }
}

/// Runs `measure` as `si` trains: in a process that keeps its buffers, and in its pool of threads.
pub(crate) fn as_si_trains(measure: fn()) {
    const HAS_KEPT_BUFFERS: &str = "SI_BENCH_HAS_KEPT_BUFFERS";
    if env::var_os(HAS_KEPT_BUFFERS).is_some() {
        choose_vectors();
        return in_pool(measure);
    }
    let mut again = this_program();
    again
        .args(env::args_os().skip(1))
        .env(HAS_KEPT_BUFFERS, "1");
    let status = keep_buffers(&mut again).status();
    let status = status.expect("this program can run again");
    process::exit(status.code().unwrap_or(1));
}

/// The environment variable that says `avx2` if the kernels of this project are to leave AVX-512 unused. Burn's own
/// operations and the products use it nevertheless.
const VECTORS: &str = "SI_BENCH_VECTORS";

fn choose_vectors() {
    match env::var(VECTORS).as_deref() {
        Err(_) => {}
        #[cfg(feature = "flex")]
        Ok("avx2") => {
            si_core::ops::leave_avx512_unused(true);
            si_convolution::use_vectors(si_convolution::Vectors::Avx2);
        }
        Ok(other) => panic!("{VECTORS} is {other:?}; give avx2, or leave it unset"),
    }
}

/// This program, to be run again in a process of its own.
pub(crate) fn this_program() -> Command {
    Command::new(env::current_exe().expect("this program has a path"))
}

fn plain(model: Network) -> Step {
    let mut optimizer = AdamConfig::new().init();
    let mut model = Some(model);
    Box::new(move |batch| {
        model = model.take().map(|model| {
            let grads = GradientsParams::from_grads(loss(&model, batch).backward(), &model);
            optimizer.step(LEARNING_RATE, model, grads)
        });
    })
}

pub(crate) fn loss(model: &Network, (images, labels): Batch) -> Tensor<1> {
    let logits = model.forward(images);
    let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
    cross_entropy.forward(logits, labels)
}

/// NaN of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The device that `SI_BENCH_DEVICE` names, as `si devices` lists them, and its name.
pub(crate) fn device() -> (Device, String) {
    let name = env::var("SI_BENCH_DEVICE").unwrap_or_else(|_| "flex".to_string());
    match si_bench::device(&name) {
        Ok(device) => (device, name),
        Err(error) => panic!("{error}"),
    }
}

/// The device by name, with its threads where it keeps to them, or what it calls itself.
pub(crate) fn described(name: &str) -> String {
    if si_bench::keeps_to_its_threads(name) {
        let threads = env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_string());
        let vectors = env::var(VECTORS).map(|it| format!(", our kernels with {it} only"));
        return format!("{name}, {threads} thread(s){}", vectors.unwrap_or_default());
    }
    let model = si_bench::device_info(name).ok().and_then(|it| it.model);
    model.map_or_else(|| name.to_string(), |model| format!("{name} ({model})"))
}
