//! What very small gradients cost, which are denormal numbers: `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::time::Instant;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamConfig, GradientsParams};
use learners::{Batch, Case, LEARNING_RATE, as_si_trains, described, device, loss, median};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use si_bench::model::Network;

/// Steps on the same batch, of which the first and the last are measured.
const NUM_STEPS: usize = 20_000;
const NUM_MEASURED: usize = 500;

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (device, name) = device();
    println!(
        "{}: median of a plain step, in ms; in brackets: relative to the first column\n",
        described(&name)
    );
    println!(
        "| network | first {NUM_MEASURED} steps on a batch | the last of {NUM_STEPS} | loss then | denormal gradients then |"
    );
    println!("|---|---|---|---|---|");
    let [case, ..] = Case::of_the_paper(&device);
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let batch = case.batch(rng);
    let mut model = case.network.init(rng, &case.device);
    let mut optimizer = AdamConfig::new().init();
    let mut seconds = Vec::with_capacity(NUM_STEPS);
    for _ in 0..NUM_STEPS {
        let start = Instant::now();
        let grads = gradients(&model, batch.clone());
        model = optimizer.step(LEARNING_RATE, model, grads);
        case.wait();
        seconds.push(start.elapsed().as_secs_f64());
    }
    let last = median(seconds.split_off(NUM_STEPS - NUM_MEASURED));
    seconds.truncate(NUM_MEASURED);
    let first = median(seconds);
    let grads = gradients(&model, batch.clone());
    let mut share = DenormalShare::new(&grads);
    model.visit(&mut share);
    println!(
        "| {} | {:.2} | {:.2} ({:.3}) | {:.1e} | {:.1} % |",
        case.name,
        first * 1e3,
        last * 1e3,
        last / first,
        loss(&model, batch).into_scalar::<f32>(),
        100.0 * share.num_denormal as f64 / share.num_all as f64,
    );
}

fn gradients(model: &Network, batch: Batch) -> GradientsParams {
    GradientsParams::from_grads(loss(model, batch).backward(), model)
}

/// Counts the numbers of gradients that are denormal.
struct DenormalShare<'a> {
    grads: &'a GradientsParams,
    num_denormal: usize,
    num_all: usize,
}

impl<'a> DenormalShare<'a> {
    fn new(grads: &'a GradientsParams) -> Self {
        Self {
            grads,
            num_denormal: 0,
            num_all: 0,
        }
    }
}

impl ModuleVisitor for DenormalShare<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.grads.get::<D>(param.id) {
            let numbers: Vec<f32> = gradient.into_data().iter().collect();
            self.num_all += numbers.len();
            self.num_denormal += numbers.iter().filter(|it| it.is_subnormal()).count();
        }
    }
}
