//! How fast the products of the networks are, those of convolutions beside those of matrices: `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::time::{Duration, Instant};

use burn::tensor::Device;
use learners::{Case, as_si_trains, described, device, loss, median};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use si_bench::keeps_to_its_threads;
use si_bench::model::{Network, NetworkConfig};

/// Passes of a network, forwards and backwards, of which the first is not measured, and the last is that in which
/// this time is up.
const NUM_PASSES: usize = 9;
const TIME: Duration = Duration::from_secs(10);

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (device, name) = device();
    println!(
        "{}: median of each pass in ms, and GFLOP/s of its products\n",
        described(&name)
    );
    println!("| backend | network | GFLOP forwards | forwards | backwards |");
    println!("|---|---|---|---|---|");
    show_all(&name, &device);
    if keeps_to_its_threads(&name) {
        let measured = name.split(':').next();
        let others = si_bench::available()
            .into_iter()
            .map(|backend| backend.name);
        for other in others.filter(|other| keeps_to_its_threads(other) && Some(*other) != measured)
        {
            if let Ok(device) = si_bench::device(other) {
                show_all(other, &device);
            }
        }
    }
}

fn show_all(name: &str, device: &Device) {
    let [_, perceptron, cnn] = Case::of_the_paper(device);
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let network = perceptron.network.init(rng, &perceptron.device);
    show(name, &perceptron, "", &network);
    let network = cnn.network.init(rng, &cnn.device);
    if let Network::Cnn(network) = network.clone() {
        let network = Network::Cnn(network.with_backend_convolutions());
        show(name, &cnn, ", Burn's convolutions", &network);
    }
    if name.starts_with("flex") {
        show(name, &cnn, ", as trained here", &network);
    }
}

fn show(backend: &str, case: &Case, how: &str, network: &Network) {
    let products = Products::of(case);
    let [forwards, backwards] = measure(case, network);
    let rate = |num_flops: f64, seconds: f64| {
        format!("{:.0} ({:.0})", 1e3 * seconds, 1e-9 * num_flops / seconds)
    };
    println!(
        "| {backend} | {}{how} | {:.1} | {} | {} |",
        case.name,
        1e-9 * products.forwards,
        rate(products.forwards, forwards),
        rate(products.backwards, backwards),
    );
}

/// Median seconds of a pass forwards, with the loss, and of one backwards.
fn measure(case: &Case, network: &Network) -> [f64; 2] {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut seconds: [Vec<f64>; 2] = Default::default();
    let begin = Instant::now();
    for pass in 0..NUM_PASSES {
        if pass > 1 && begin.elapsed() > TIME {
            break;
        }
        let batch = case.batch(rng);
        case.wait();
        let start = Instant::now();
        let loss = loss(network, batch);
        case.wait();
        let middle = Instant::now();
        let grads = loss.backward();
        case.wait();
        if pass > 0 {
            seconds[0].push((middle - start).as_secs_f64());
            seconds[1].push(middle.elapsed().as_secs_f64());
        }
        drop(grads);
    }
    seconds.map(median)
}

/// Multiplications and additions of the products in a pass.
struct Products {
    forwards: f64,
    /// Each layer's is one for its weights and one for its inputs, but the first's, whose inputs are images.
    backwards: f64,
}

impl Products {
    fn of(case: &Case) -> Self {
        // Of an image, layer by layer.
        let layers: Vec<usize> = match &case.network {
            NetworkConfig::Mlp(mlp) => {
                let mut sizes = vec![mlp.num_inputs];
                sizes.extend(&mlp.hidden_sizes);
                sizes.push(mlp.num_outputs);
                sizes.windows(2).map(|pair| pair[0] * pair[1]).collect()
            }
            // Its first column.
            NetworkConfig::Progressive(network) => {
                let mut sizes = vec![network.num_inputs];
                sizes.extend(&network.hidden_sizes);
                sizes.extend(network.num_outputs.first());
                sizes.windows(2).map(|pair| pair[0] * pair[1]).collect()
            }
            NetworkConfig::Cnn(cnn) => {
                let [mut channels, mut height, mut width] = cnn.image_shape;
                let mut layers = Vec::new();
                for channels_out in cnn.channels {
                    layers.push(height * width * 9 * channels * channels_out);
                    layers.push((height - 2) * (width - 2) * 9 * channels_out * channels_out);
                    (height, width, channels) = ((height - 2) / 2, (width - 2) / 2, channels_out);
                }
                layers.push(channels * height * width * cnn.hidden_size);
                layers.push(cnn.hidden_size * cnn.num_outputs);
                layers
            }
        };
        let flops = |multiplications: usize| 2.0 * (case.batch_size * multiplications) as f64;
        let forwards = flops(layers.iter().sum());
        Self {
            forwards,
            backwards: 2.0 * forwards - flops(layers[0]),
        }
    }
}
