//! No images: a model of a machine that runs in one mode after the other. Its output is a function of five
//! readings, another one in each mode (Friedman's, with the readings in other roles), and the flag of the
//! mode is part of the input.
//!
//! ```sh
//! cargo run --bin tabular
//! ```
//!
//! ```text
//! error in each mode after the last, in standard deviations of the output
//! strength  0:  mode 1: 1.38  mode 2: 0.96  mode 3: 0.56  mode 4: 0.16
//! strength 20:  mode 1: 0.43  mode 2: 0.45  mode 3: 0.34  mode 4: 0.46
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::{Distribution, activation::relu};
use si_core::{ContinualLearner, Error, SynapticIntelligenceConfig};

const NUM_MODES: usize = 4;

#[derive(Module, Debug)]
struct Regressor {
    first: Linear,
    second: Linear,
    readout: Linear,
}

impl Regressor {
    /// The mean squared error on `size` new records of a mode, in deviations of the output, `[1]`.
    fn error(&self, mode: usize, size: usize, device: &Device) -> Tensor<1> {
        let readings = Tensor::<2>::random([size, 5], Distribution::Uniform(0.0, 1.0), device);
        let reading = |role: usize| readings.clone().narrow(1, (role + mode) % 5, 1);
        let output = (reading(0) * reading(1) * core::f64::consts::PI).sin() * 10.0
            + (reading(2) - 0.5).powi_scalar(2) * 20.0
            + reading(3) * 10.0
            + reading(4) * 5.0;
        let flags = Tensor::<2>::eye(NUM_MODES, device).narrow(0, mode, 1);
        let input = Tensor::cat(vec![readings, flags.repeat_dim(0, size)], 1);
        let hidden = relu(self.second.forward(relu(self.first.forward(input))));
        // The output's mean and deviation are about 14.4 and 4.9.
        let errors = self.readout.forward(hidden) - (output - 14.4) / 4.9;
        errors.powi_scalar(2).mean()
    }
}

fn main() -> Result<(), Error> {
    let device = Device::flex().autodiff();
    println!("error in each mode after the last, in standard deviations of the output");
    for strength in [0.0, 20.0] {
        device.seed(0);
        let model = Regressor {
            first: LinearConfig::new(5 + NUM_MODES, 64).init(&device),
            second: LinearConfig::new(64, 64).init(&device),
            readout: LinearConfig::new(64, 1).init(&device),
        };
        let config = SynapticIntelligenceConfig::new().with_damping(0.1);
        let mut model = ContinualLearner::new(model, &config.with_strength(strength))?;
        for mode in 0..NUM_MODES {
            let mut optimizer = AdamConfig::new().init();
            for _ in 0..600 {
                let loss = model.error(mode, 64, &device);
                let grads = GradientsParams::from_grads(loss.backward(), &model);
                model = model.optimize(&mut optimizer, 2e-3, grads);
            }
            model.end_task();
        }
        print!("strength {strength:2}:");
        for mode in 0..NUM_MODES {
            let error = model.error(mode, 2000, &device).sqrt();
            print!("  mode {}: {:.2}", mode + 1, error.into_scalar::<f64>());
        }
        println!();
    }
    Ok(())
}
