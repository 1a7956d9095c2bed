//! A step of small networks in Burn, forwards and backwards, with these kernels and with Burn's own:
//! `cargo bench -p si-convolution --features flex --bench network`. As for the benchmark `layers`, glibc can be told to keep
//! large buffers.
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

fn main() {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| measure(threads));
    }
}

fn measure(threads: usize) {
    let device = Device::flex().autodiff();
    println!(
        "{threads} thread(s): ms forwards and backwards; in brackets: relative to Burn's own\n"
    );
    println!("| network | Burn's own | these kernels |");
    println!("|---|---|---|");
    let networks: [(&str, [usize; 3], Box<dyn Network>); 3] = [
        (
            "that of split CIFAR",
            [3, 32, 32],
            Box::new(Cifar::new(&device)),
        ),
        ("like LeNet-5", [1, 28, 28], Box::new(LeNet::new(&device))),
        (
            "like a small ResNet",
            [3, 32, 32],
            Box::new(ResNet::new(&device)),
        ),
    ];
    for (name, [channels, height, width], network) in networks {
        let shape = [BATCH_SIZE, channels, height, width];
        let images = Tensor::random(shape, Distribution::Default, &device);
        let [burns, ours] = seconds(&*network, &images, Clock::for_threads(threads));
        println!(
            "| {name} | {:.1} | {:.1} ({:.2}) |",
            1e3 * burns,
            1e3 * ours,
            ours / burns
        );
    }
    println!();
}

/// Seconds of a step with Burn's own kernels, and with these, which take turns.
fn seconds(network: &dyn Network, images: &Tensor<4>, clock: Clock) -> [f64; 2] {
    let step = |kernels| {
        time(clock, || {
            network.forward(images.clone(), kernels).sum().backward()
        })
    };
    let all = [Kernels::Burns, Kernels::These];
    // Until each has its memory.
    for kernels in all {
        step(kernels);
    }
    let mut times = [vec![], vec![]];
    for _ in 0..RUNS {
        for (times, kernels) in times.iter_mut().zip(all) {
            times.push(step(kernels));
        }
    }
    times.map(|times| average(clock, &times))
}

/// Whose kernels compute.
#[derive(Clone, Copy)]
enum Kernels {
    These,
    Burns,
}

impl Kernels {
    fn convolve(self, layer: &Conv2d, maps: Tensor<4>, activation: Activation) -> Tensor<4> {
        match (self, activation) {
            (Self::These, _) => layers::convolve(layer, maps, activation),
            (Self::Burns, Activation::None) => layer.forward(maps),
            (Self::Burns, Activation::Relu) => relu(layer.forward(maps)),
        }
    }

    fn max_pool(self, layer: &MaxPool2d, maps: Tensor<4>) -> Tensor<4> {
        match self {
            Self::These => layers::max_pool(layer, maps),
            Self::Burns => layer.forward(maps),
        }
    }
}

trait Network {
    fn forward(&self, images: Tensor<4>, kernels: Kernels) -> Tensor<2>;
}

/// The network of split CIFAR, up to its hidden layer.
struct Cifar {
    convolutions: [Conv2d; 4],
    pool: MaxPool2d,
    hidden: Linear,
}

impl Cifar {
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
}

impl Network for Cifar {
    fn forward(&self, images: Tensor<4>, kernels: Kernels) -> Tensor<2> {
        let mut maps = images;
        for (index, layer) in self.convolutions.iter().enumerate() {
            maps = kernels.convolve(layer, maps, Activation::Relu);
            if index % 2 == 1 {
                maps = kernels.max_pool(&self.pool, maps);
            }
        }
        relu(self.hidden.forward(maps.flatten(1, 3)))
    }
}

/// Few channels, and windows of 5 × 5.
struct LeNet {
    convolutions: [Conv2d; 2],
    pool: MaxPool2d,
    linear: [Linear; 3],
}

impl LeNet {
    fn new(device: &Device) -> Self {
        let layer = |channels, padding| {
            Conv2dConfig::new(channels, [5, 5])
                .with_padding(padding)
                .init(device)
        };
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            convolutions: [
                layer([1, 6], PaddingConfig2d::Same),
                layer([6, 16], PaddingConfig2d::Valid),
            ],
            pool: MaxPool2dConfig::new([2, 2]).init(),
            linear: [linear(400, 120), linear(120, 84), linear(84, 10)],
        }
    }
}

impl Network for LeNet {
    fn forward(&self, images: Tensor<4>, kernels: Kernels) -> Tensor<2> {
        let mut maps = images;
        for layer in &self.convolutions {
            maps = kernels.convolve(layer, maps, Activation::Relu);
            maps = kernels.max_pool(&self.pool, maps);
        }
        let [first, second, last] = &self.linear;
        last.forward(relu(
            second.forward(relu(first.forward(maps.flatten(1, 3)))),
        ))
    }
}

/// Blocks with skipped connections; two of them halve the size by a stride.
struct ResNet {
    stem: Conv2d,
    blocks: [Block; 3],
    readout: Linear,
}

struct Block {
    first: Conv2d,
    second: Conv2d,
    /// If the sizes differ.
    shortcut: Option<Conv2d>,
}

impl Block {
    fn new(channels: [usize; 2], stride: usize, device: &Device) -> Self {
        let layer = |channels, stride| {
            Conv2dConfig::new(channels, [3, 3])
                .with_stride([stride; 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
        };
        let shortcut = Conv2dConfig::new(channels, [1, 1]).with_stride([stride; 2]);
        Self {
            first: layer(channels, stride),
            second: layer([channels[1]; 2], 1),
            shortcut: (stride > 1).then(|| shortcut.init(device)),
        }
    }

    fn forward(&self, maps: Tensor<4>, kernels: Kernels) -> Tensor<4> {
        let inner = kernels.convolve(&self.first, maps.clone(), Activation::Relu);
        let inner = kernels.convolve(&self.second, inner, Activation::None);
        let skipped = match &self.shortcut {
            Some(shortcut) => kernels.convolve(shortcut, maps, Activation::None),
            None => maps,
        };
        relu(inner + skipped)
    }
}

impl ResNet {
    fn new(device: &Device) -> Self {
        Self {
            stem: Conv2dConfig::new([3, 16], [3, 3])
                .with_padding(PaddingConfig2d::Same)
                .init(device),
            blocks: [
                Block::new([16, 16], 1, device),
                Block::new([16, 32], 2, device),
                Block::new([32, 64], 2, device),
            ],
            readout: LinearConfig::new(64, 10).init(device),
        }
    }
}

impl Network for ResNet {
    fn forward(&self, images: Tensor<4>, kernels: Kernels) -> Tensor<2> {
        let mut maps = kernels.convolve(&self.stem, images, Activation::Relu);
        for block in &self.blocks {
            maps = block.forward(maps, kernels);
        }
        let means = maps.mean_dim(3).mean_dim(2);
        self.readout.forward(means.flatten(1, 3))
    }
}
