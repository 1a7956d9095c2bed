//! Importance to and from other programs: a learner writes its state as SafeTensors in PyTorch's layout,
//! or takes what another program has written.
//!
//! ```sh
//! cargo run --bin exchange -- write target/state.safetensors
//! python examples/python/importance.py target/state.safetensors target/halved.safetensors
//! cargo run --bin exchange -- read target/halved.safetensors
//! ```
//!
//! The script prints what it read, the parameters' importance; the last command prints half of it:
//!
//! ```text
//! taken: fc1.weight.importance fc1.bias.importance norm.weight.importance …
//! tasks: 1
//! fc1.weight: largest 0.97
//! …
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use anyhow::bail;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use si_core::safetensors::WeightLayout;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

#[derive(Module, Debug)]
struct Network {
    fc1: Linear,
    norm: LayerNorm,
    fc2: Linear,
}

impl Network {
    /// `[batch, 3]` to `[batch, 1]`.
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let hidden = self.norm.forward(self.fc1.forward(inputs));
        self.fc2.forward(hidden.tanh())
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let device = Device::flex().autodiff();
    device.seed(0);
    let model = Network {
        fc1: LinearConfig::new(3, 4).init(&device),
        norm: LayerNormConfig::new(4).init(&device),
        fc2: LinearConfig::new(4, 1).init(&device),
    };
    let mut learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
    match &arguments[..] {
        [action, path] if action == "write" => {
            let mut optimizer = AdamConfig::new().init();
            // The first input alone says what the output is.
            let inputs = Tensor::random([64, 3], burn::tensor::Distribution::Default, &device);
            let targets = inputs.clone().narrow(1, 0, 1);
            for _ in 0..200 {
                let error = learner.forward(inputs.clone()) - targets.clone();
                let grads = GradientsParams::from_grads(error.square().mean().backward(), &learner);
                learner = learner.optimize(&mut optimizer, 1e-2, grads);
            }
            learner.end_task();
            learner.save_safetensors(path, WeightLayout::PyTorch)?;
        }
        [action, path] if action == "read" => {
            let report = learner.load_safetensors_file(path, WeightLayout::PyTorch)?;
            println!("taken: {}", report.taken.join(" "));
            println!("tasks: {}", learner.regularizer().task());
            for parameter in learner.diagnostics().parameters {
                let largest = parameter.importance_quantiles.map(|quantiles| quantiles[5]);
                println!("{}: largest {:.2}", parameter.path, largest.unwrap_or(0.0));
            }
        }
        _ => bail!("usage: exchange (write | read) FILE"),
    }
    Ok(())
}
