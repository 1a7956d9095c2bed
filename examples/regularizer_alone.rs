//! The regularizer without a wrapper, in its two forms: the penalty's gradient added in closed form, and the
//! penalty as a term of the loss. The training is the same.
//!
//! ```sh
//! cargo run --bin regularizer_alone
//! ```
//!
//! Prints the loss on the first of two tasks after the second: large without consolidation, and small and
//! the same with either form.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use si_core::{Error, SynapticIntelligenceConfig};

#[derive(Clone, Copy)]
enum Form {
    ClosedForm,
    LossTerm,
}

/// The first task needs the first weight at 1. The second needs both to sum to 3, and says nothing of
/// which should move.
fn task(index: usize, device: &Device) -> (Tensor<2>, Tensor<2>) {
    let x = Tensor::<2>::random([64, 1], Distribution::Uniform(-1.0, 1.0), device);
    match index {
        0 => (Tensor::cat(vec![x.clone(), x.zeros_like()], 1), x),
        _ => (Tensor::cat(vec![x.clone(), x.clone()], 1), x * 3.0),
    }
}

fn error(model: &Linear, (inputs, targets): (Tensor<2>, Tensor<2>)) -> Tensor<1> {
    (model.forward(inputs) - targets).powi_scalar(2).mean()
}

fn train(strength: f64, form: Form, device: &Device) -> Result<f32, Error> {
    device.seed(0);
    let mut model = LinearConfig::new(2, 1).init(device);
    let mut regularizer = SynapticIntelligenceConfig::new()
        .with_strength(strength)
        .init()?;
    for index in 0..2 {
        let mut optimizer = AdamConfig::new().init();
        for _ in 0..500 {
            let loss = error(&model, task(index, device));
            let grads = match form {
                Form::ClosedForm => {
                    let grads = GradientsParams::from_grads(loss.backward(), &model);
                    regularizer.penalize(&model, grads)
                }
                Form::LossTerm => {
                    let surrogate = loss + regularizer.penalty(&model);
                    let mut grads = GradientsParams::from_grads(surrogate.backward(), &model);
                    regularizer.observe_gradients(&model, &mut grads);
                    grads
                }
            };
            model = optimizer.step(0.01, model, grads);
            regularizer.observe(&model);
        }
        regularizer.consolidate(&model);
    }
    Ok(error(&model, task(0, device)).into_scalar::<f32>())
}

fn main() -> Result<(), Error> {
    let device = Device::flex().autodiff();
    println!("loss on the first task after the second");
    for (name, strength, form) in [
        ("none", 0.0, Form::ClosedForm),
        ("closed form", 1.0, Form::ClosedForm),
        ("loss term", 1.0, Form::LossTerm),
    ] {
        println!("{name:12} {:.1e}", train(strength, form, &device)?);
    }
    Ok(())
}
