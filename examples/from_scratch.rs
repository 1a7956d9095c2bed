//! The method of Zenke, Poole and Ganguli (2017) with Burn alone. `cargo run --bin from_scratch` prints the loss on two
//! tasks after the second one: without consolidation (c = 0) the first one is forgotten.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{Device, Tensor, activation::tanh};

pub(crate) const LEARNING_RATE: f64 = 0.1;
pub(crate) const NUM_STEPS: usize = 1000;
/// ξ: bounds the importance of synapses that hardly moved.
pub(crate) const DAMPING: f64 = 0.1;

/// Learns both tasks with strength c. Returns the two layers' weights.
pub(crate) fn learn(strength: f64, device: &Device) -> [Tensor<2>; 2] {
    let mut weights = initial_weights(device);
    let mut path_integrals = weights.clone().map(|weight| weight.zeros_like()); // ω
    let mut importances = path_integrals.clone(); // Ω
    let mut anchors = weights.clone(); // θ̃
    for task in 0..2 {
        for _ in 0..NUM_STEPS {
            let train = |weight| Tensor::from_inner(weight).require_grad();
            let trained = weights.clone().map(train);
            let gradients = loss(&trained, task).backward();
            for layer in 0..2 {
                let gradient = trained[layer].grad(&gradients).expect("it is in the loss");
                let before = weights[layer].clone();
                // Equation 4: the penalty c Σ Ω (θ − θ̃)² adds its gradient to that of the task's loss.
                let displacement = before.clone() - anchors[layer].clone();
                let pull = importances[layer].clone() * displacement * (2.0 * strength);
                weights[layer] = before.clone() - (gradient.clone() + pull) * LEARNING_RATE;
                // Equation 3: ω = −Σ g Δθ, with the gradient of the task's loss alone.
                let step = weights[layer].clone() - before;
                path_integrals[layer] = path_integrals[layer].clone() - gradient * step;
            }
        }
        for layer in 0..2 {
            // Equation 5: Ω ← Ω + ω / (Δ² + ξ). The authors' code clamps it at zero.
            let moved = (weights[layer].clone() - anchors[layer].clone()).square();
            let importance = path_integrals[layer].clone() / (moved + DAMPING);
            importances[layer] = (importances[layer].clone() + importance).clamp_min(0.0);
            anchors[layer] = weights[layer].clone();
            path_integrals[layer] = weights[layer].zeros_like();
        }
    }
    weights
}

/// Mean squared error of the network on a task, `[1]`. Each task uses one half of the inputs, and both use the output.
pub(crate) fn loss([first, second]: &[Tensor<2>; 2], task: usize) -> Tensor<1> {
    let used = waves([8, 4], 7.0 * task as f64, &first.device());
    let mut inputs = vec![used.zeros_like(); 2];
    inputs[task] = used;
    let target = waves([8, 1], 3.0 + task as f64, &first.device());
    let inputs = Tensor::cat(inputs, 1);
    let outputs = tanh(inputs.matmul(first.clone())).matmul(second.clone());
    (outputs - target).square().mean()
}

pub(crate) fn initial_weights(device: &Device) -> [Tensor<2>; 2] {
    [[8, 64], [64, 1]].map(|shape| waves(shape, 0.5, device) * 0.3)
}

/// Numbers in `[−1, 1]` that look random and are the same on every run.
fn waves([rows, columns]: [usize; 2], phase: f64, device: &Device) -> Tensor<2> {
    let indices = Tensor::arange(0..(rows * columns) as i64, device).float();
    (indices * 1.7 + phase)
        .square()
        .sin()
        .reshape([rows, columns])
}

fn main() {
    let device = Device::flex();
    for strength in [0.0, 1.0] {
        let weights = learn(strength, &device);
        let [first, second] = [0, 1].map(|task| loss(&weights, task).into_scalar::<f32>());
        println!("c = {strength}: loss {first:.4} on task 1, {second:.4} on task 2");
    }
}
