//! The rate of each pass of each layer of a small network for CIFAR, next to that of one large product.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(unsafe_code, reason = "`gemm` takes pointers")]

mod timing;

use gemm::Parallelism;
use si_convolution::{Activation, Convolution, Forward, MaxPool, Wanted};

use timing::{Clock, median, time};

const BATCH_SIZE: usize = 256;
const RUNS: usize = 7;

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

fn main() {
    let threads: Vec<usize> = match std::env::args().nth(1).and_then(|text| text.parse().ok()) {
        Some(number) => vec![number],
        None => vec![1, 2],
    };
    for threads in threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| measure(threads));
    }
}

fn measure(threads: usize) {
    let clock = if threads == 1 {
        Clock::Thread
    } else {
        Clock::Wall
    };
    let layers = [
        layer("3 to 32, 32 x 32, padding 1", [3, 32], 32, 1),
        layer("32 to 32, 32 x 32", [32, 32], 32, 0),
        layer("32 to 64, 15 x 15, padding 1", [32, 64], 15, 1),
        layer("64 to 64, 15 x 15", [64, 64], 15, 0),
    ];
    let large = Large::new();
    let mut large_times = vec![];
    let mut times = vec![vec![vec![]; 5]; layers.len()];
    for _ in 0..RUNS {
        large_times.push(time(clock, || large.run(threads)));
        for (layer, times) in layers.iter().zip(&mut times) {
            times[0].push(time(clock, || layer.forward()));
            times[1].push(time(clock, || layer.backward(true, false)));
            times[2].push(time(clock, || layer.backward(false, true)));
            times[3].push(time(clock, || layer.backward(true, true)));
        }
    }
    let large = Large::GFLOP / median(large_times);
    println!("{threads} thread(s), GFLOP/s; in brackets: of one large product's, {large:.1}");
    println!("| layer | forward, ReLU | images' gradient | weight's gradient | all gradients |");
    let mut totals = [0.0; 5];
    for (layer, times) in layers.iter().zip(times) {
        let times: Vec<f64> = times.into_iter().take(4).map(median).collect();
        let gflop = layer.gflop();
        let cells: Vec<String> = times
            .iter()
            .zip([1.0, 1.0, 1.0, 2.0])
            .map(|(time, passes)| {
                let rate = passes * gflop / time;
                format!("{:6.1} ms {rate:6.1} ({:.2})", 1e3 * time, rate / large)
            })
            .collect();
        println!("| {:28} | {} |", layer.name, cells.join(" | "));
        totals[0] += times[0];
        totals[1] += if layer.convolution.channels[0] == 3 {
            times[2]
        } else {
            times[3]
        };
    }
    println!(
        "forward {:.1} ms, backward {:.1} ms",
        1e3 * totals[0],
        1e3 * totals[1]
    );
    for (channels, side) in [(32, 30), (64, 13)] {
        let images = numbers(BATCH_SIZE * channels * side * side);
        let pool = MaxPool { window: [2, 2] };
        let output = pool.forward([side; 2], &images);
        let forward = (0..RUNS)
            .map(|_| time(clock, || pool.forward([side; 2], &images)))
            .collect();
        let backward = (0..RUNS)
            .map(|_| time(clock, || pool.backward([side; 2], &images, &output)))
            .collect();
        println!(
            "pool {channels} x {side}: {:.2} ms, {:.2} ms",
            1e3 * median(forward),
            1e3 * median(backward)
        );
    }
}

fn layer(name: &'static str, channels: [usize; 2], side: usize, padding: usize) -> Layer {
    let convolution = Convolution::new(channels, [3, 3]).with_padding([padding; 2]);
    let size = [side; 2];
    let images = numbers(BATCH_SIZE * channels[0] * side * side);
    let weight = numbers(convolution.num_weights());
    let bias = numbers(channels[1]);
    let output = convolution.forward(size, &images, &weight, Some(&bias), Activation::Relu);
    let gradient = numbers(output.len());
    Layer {
        name,
        convolution,
        size,
        images,
        weight,
        bias,
        output,
        gradient,
    }
}

impl Layer {
    fn forward(&self) -> Vec<f32> {
        self.convolution.forward(
            self.size,
            &self.images,
            &self.weight,
            Some(&self.bias),
            Activation::Relu,
        )
    }

    fn backward(&self, images: bool, weight: bool) -> si_convolution::Gradients {
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

    fn gflop(&self) -> f64 {
        let windows = self.output.len();
        let window = self.weight.len() / self.convolution.channels[1];
        2e-9 * (windows * window) as f64
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
        let side = Self::SIDE;
        let mut out = vec![0.0; side * side];
        let parallelism = match threads {
            1 => Parallelism::None,
            threads => Parallelism::Rayon(threads),
        };
        let stride = side as isize;
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
