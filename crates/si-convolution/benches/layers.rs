//! The rate of each pass of each layer of a small network for CIFAR, next to that of one large product:
//! `cargo bench -p si-convolution --bench layers`, and ` -- avx2` for a processor without AVX-512, which this one then imitates.
//!
//! Buffers of a batch are larger than what glibc keeps for the next one. To measure without what that costs, set
//! `MALLOC_MMAP_THRESHOLD_` and `MALLOC_TRIM_THRESHOLD_` to 4294967295.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(unsafe_code, reason = "`gemm` takes pointers")]

mod timing;

use gemm::Parallelism;
use si_convolution::{
    Activation, Convolution, Forward, Gradients, MaxPool, Vectors, Wanted, use_vectors,
};

use timing::{Clock, average, time};

const BATCH_SIZE: usize = 256;
const RUNS: usize = 9;

fn main() {
    if std::env::args().any(|argument| argument == "avx2") {
        use_vectors(Vectors::Avx2);
    }
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| measure(threads));
    }
}

fn measure(threads: usize) {
    let clock = Clock::for_threads(threads);
    let layers = [
        Layer::new("3 to 32, 32 × 32, padding 1", [3, 32], 32, 1),
        Layer::new("32 to 32, 32 × 32", [32, 32], 32, 0),
        Layer::new("32 to 64, 15 × 15, padding 1", [32, 64], 15, 1),
        Layer::new("64 to 64, 15 × 15", [64, 64], 15, 0),
    ];
    let pools = [Pool::new(32, 30), Pool::new(64, 13)];
    let large = Large::new();
    let mut large_times = vec![];
    let mut times = vec![[const { vec![] }; 4]; layers.len()];
    let mut pool_times = vec![[const { vec![] }; 2]; pools.len()];
    for _ in 0..RUNS {
        large_times.push(time(clock, || large.run(threads)));
        for (layer, times) in layers.iter().zip(&mut times) {
            times[0].push(time(clock, || layer.forward()));
            times[1].push(time(clock, || layer.backward(true, false)));
            times[2].push(time(clock, || layer.backward(false, true)));
            times[3].push(time(clock, || layer.backward(true, true)));
        }
        for (pool, times) in pools.iter().zip(&mut pool_times) {
            times[0].push(time(clock, || pool.forward()));
            times[1].push(time(clock, || pool.backward()));
        }
    }
    let large = Large::GFLOP / average(clock, &large_times);
    println!("{threads} thread(s): ms, GFLOP/s, and this by the {large:.0} of a large product\n");
    println!("| layer | forward, ReLU | images' gradient | weight's gradient | all gradients |");
    println!("|---|---|---|---|---|");
    let mut step = 0.0;
    for (layer, times) in layers.iter().zip(&times) {
        let times = times.each_ref().map(|times| average(clock, times));
        let cell = |pass: usize| {
            let rate = layer.gflop() * if pass == 3 { 2.0 } else { 1.0 } / times[pass];
            format!("{:.1}, {rate:.0} ({:.2})", 1e3 * times[pass], rate / large)
        };
        let cells = [0, 1, 2, 3].map(cell);
        println!("| {} | {} |", layer.name, cells.join(" | "));
        // The images of the first layer need no gradient.
        step += times[0]
            + times[if layer.convolution.channels[0] == 3 {
                2
            } else {
                3
            }];
    }
    for (pool, times) in pools.iter().zip(&pool_times) {
        let times = times.each_ref().map(|times| average(clock, times));
        let [forward, backward] = times.map(|time| 1e3 * time);
        println!(
            "| pool {} × {1} × {1} | {forward:.1} | {backward:.1} | | |",
            pool.channels, pool.side
        );
        step += times[0] + times[1];
    }
    let gflop = layers.iter().map(|layer| 3.0 * layer.gflop()).sum::<f64>() - layers[0].gflop();
    println!("\nAll: {:.0} ms, {:.0} GFLOP/s\n", 1e3 * step, gflop / step);
}

struct Layer {
    name: &'static str,
    convolution: Convolution,
    size: [usize; 2],
    images: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    output: Vec<f32>,
    gradient: Vec<f32>,
}

impl Layer {
    fn new(name: &'static str, channels: [usize; 2], side: usize, padding: usize) -> Self {
        let convolution = Convolution::new(channels, [3, 3]).with_padding([padding; 2]);
        let mut layer = Self {
            name,
            convolution,
            size: [side; 2],
            images: numbers(BATCH_SIZE * channels[0] * side * side),
            weight: numbers(convolution.num_weights()),
            bias: numbers(channels[1]),
            output: vec![],
            gradient: vec![],
        };
        layer.output = layer.forward();
        layer.gradient = numbers(layer.output.len());
        layer
    }

    fn forward(&self) -> Vec<f32> {
        let (images, weight, bias) = (&self.images, &self.weight, &self.bias);
        let convolution = &self.convolution;
        convolution.forward(self.size, images, weight, Some(bias), Activation::Relu)
    }

    fn backward(&self, images: bool, weight: bool) -> Gradients {
        let forward = Forward {
            images: &self.images,
            weight: &self.weight,
            rectified: Some(&self.output),
        };
        let wanted = Wanted {
            images,
            weight,
            bias: weight,
        };
        self.convolution
            .backward(self.size, forward, &self.gradient, wanted)
    }

    /// Of one pass.
    fn gflop(&self) -> f64 {
        let window = self.weight.len() / self.convolution.channels[1];
        2e-9 * (self.output.len() * window) as f64
    }
}

struct Pool {
    channels: usize,
    side: usize,
    images: Vec<f32>,
    gradient: Vec<f32>,
}

impl Pool {
    const POOL: MaxPool = MaxPool { window: [2, 2] };

    fn new(channels: usize, side: usize) -> Self {
        let images = numbers(BATCH_SIZE * channels * side * side);
        Self {
            channels,
            side,
            gradient: Self::POOL.forward([side; 2], &images),
            images,
        }
    }

    fn forward(&self) -> Vec<f32> {
        Self::POOL.forward([self.side; 2], &self.images)
    }

    fn backward(&self) -> Vec<f32> {
        Self::POOL.backward([self.side; 2], &self.images, &self.gradient)
    }
}

struct Large {
    lhs: Vec<f32>,
    rhs: Vec<f32>,
}

impl Large {
    const SIDE: usize = 1536;
    const GFLOP: f64 = 2e-9 * (Self::SIDE * Self::SIDE * Self::SIDE) as f64;

    fn new() -> Self {
        let [lhs, rhs] = [(); 2].map(|()| numbers(Self::SIDE * Self::SIDE));
        Self { lhs, rhs }
    }

    fn run(&self, threads: usize) -> Vec<f32> {
        let (side, stride) = (Self::SIDE, Self::SIDE as isize);
        let mut out = vec![0.0; side * side];
        let parallelism = match threads {
            1 => Parallelism::None,
            threads => Parallelism::Rayon(threads),
        };
        // SAFETY: all three matrices have `side` rows of `side` numbers.
        unsafe {
            gemm::gemm(
                side,
                side,
                side,
                out.as_mut_ptr(),
                1,
                stride,
                false,
                self.lhs.as_ptr(),
                1,
                stride,
                self.rhs.as_ptr(),
                1,
                stride,
                1.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
        out
    }
}

/// Numbers between -0.5 and 0.5.
fn numbers(len: usize) -> Vec<f32> {
    let mut state = 1_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect()
}
