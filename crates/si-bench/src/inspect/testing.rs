use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use si_core::{ContinualLearner, ContinualOptimizer, SynapticIntelligenceConfig};

/// Two layers, in the first of which a unit never answers.
#[derive(Module, Debug)]
pub(super) struct Pair {
    first: Linear,
    second: Linear,
}

/// The unit that never answers, which only the first layer has.
const SILENT: usize = 7;

/// A learner that has done tasks of `num_steps` steps two times, and as many steps of the third.
pub(super) fn trained(
    optimizer: &mut impl ContinualOptimizer,
    num_steps: usize,
) -> ContinualLearner<Pair> {
    let device = Device::flex().autodiff();
    let weights = |shape: [usize; 2], phase: usize| {
        let values = (0..shape[0] * shape[1]).map(|i| ((i + phase) as f32).sin() / 2.0);
        TensorData::new(values.collect::<Vec<f32>>(), shape)
    };
    let layer = |shape: [usize; 2], phase: usize| {
        let mut layer = LinearConfig::new(shape[0], shape[1]).init(&device);
        let weight = Tensor::from_data(weights(shape, phase), &device);
        layer.weight = Param::from_tensor(weight);
        let bias = (0..shape[1]).map(|unit| if unit == SILENT { -10.0 } else { 0.0 });
        let bias = TensorData::new(bias.collect::<Vec<f32>>(), [shape[1]]);
        layer.bias = Some(Param::from_tensor(Tensor::from_data(bias, &device)));
        layer
    };
    let pair = Pair {
        first: layer([3, 8], 0),
        second: layer([8, 2], 5),
    };
    let config = SynapticIntelligenceConfig::new();
    let mut learner = ContinualLearner::new(pair, &config).expect("the config is valid");
    for step in 0..3 * num_steps {
        if step > 0 && step % num_steps == 0 {
            learner.end_task();
        }
        let loss = |pair: &Pair| {
            let phase = step as f32;
            let x = Tensor::<2>::from_floats([[phase.sin(), phase.cos(), 0.5]], &device);
            let hidden = burn::tensor::activation::relu(pair.first.forward(x));
            let target = Tensor::<2>::from_floats([[0.3, -0.2]], &device);
            (pair.second.forward(hidden) - target).powi_scalar(2).mean()
        };
        (learner, _) = learner.step(optimizer, 0.1, loss);
    }
    learner
}
