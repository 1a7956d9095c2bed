//! A step of the network of split CIFAR in Burn, forwards and backwards, with these kernels and with Burn's own:
//! `cargo bench -p si-convolution --features flex --bench network`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

mod timing;

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor};
use si_convolution::{Activation, layers};

use timing::{Clock, average, time};

const BATCH_SIZE: usize = 256;
const RUNS: usize = 7;
/// Multiplications and additions of a pass forwards, for an image.
const FLOP: f64 = 2.0 * (1024.0 * 27.0 * 32.0 + 900.0 * 288.0 * 32.0)
    + 2.0 * (225.0 * 288.0 * 64.0 + 169.0 * 576.0 * 64.0)
    + 2.0 * 2304.0 * 512.0;

fn main() {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| measure(threads));
    }
}

fn measure(threads: usize) {
    let clock = Clock::for_threads(threads);
    let device = Device::flex().autodiff();
    let network = Network::new(&device);
    let images = Tensor::random([BATCH_SIZE, 3, 32, 32], Distribution::Default, &device);
    let mut times = [const { [vec![], vec![]] }; 2];
    for _ in 0..RUNS {
        for (times, uses_kernels) in times.iter_mut().zip([true, false]) {
            let mut loss = None;
            times[0].push(time(clock, || {
                loss = Some(network.forward(images.clone(), uses_kernels).sum());
            }));
            let loss = loss.expect("computed above");
            times[1].push(time(clock, || loss.backward()));
        }
    }
    println!("{threads} thread(s): ms, and GFLOP/s");
    let gflop = 1e-9 * FLOP * BATCH_SIZE as f64;
    for (name, times) in ["these kernels", "Burn's own"].into_iter().zip(&times) {
        let [forwards, backwards] = times.each_ref().map(|times| average(clock, times));
        println!(
            "{name}: forwards {:.0} ({:.0}), backwards {:.0} ({:.0}), both {:.0}",
            1e3 * forwards,
            gflop / forwards,
            1e3 * backwards,
            2.0 * gflop / backwards,
            1e3 * (forwards + backwards),
        );
    }
}

struct Network {
    convolutions: [Conv2d; 4],
    pool: MaxPool2d,
    hidden: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        let layer = |channels, padding| {
            Conv2dConfig::new(channels, [3, 3])
                .with_padding(padding)
                .init(device)
        };
        Self {
            convolutions: [
                layer([3, 32], PaddingConfig2d::Same),
                layer([32, 32], PaddingConfig2d::Valid),
                layer([32, 64], PaddingConfig2d::Same),
                layer([64, 64], PaddingConfig2d::Valid),
            ],
            pool: MaxPool2dConfig::new([2, 2]).init(),
            hidden: LinearConfig::new(2304, 512).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>, uses_kernels: bool) -> Tensor<2> {
        let mut maps = images;
        for (index, layer) in self.convolutions.iter().enumerate() {
            maps = if uses_kernels {
                layers::convolve(layer, maps, Activation::Relu)
            } else {
                relu(layer.forward(maps))
            };
            if index % 2 == 1 {
                maps = if uses_kernels {
                    layers::max_pool(&self.pool, maps)
                } else {
                    self.pool.forward(maps)
                };
            }
        }
        relu(self.hidden.forward(maps.flatten(1, 3)))
    }
}
