use burn::Tensor;
use burn::module::Module;
use burn::tensor::DType;

use super::gradients::mean_over;
use super::{FisherLabels, Importance, Power};
use crate::Error;

/// The diagonal of the Fisher information, for a model that gives a probability to each label: for each parameter, the
/// mean over `examples` of `E_{y ~ p(y|x)} (∂ log p(y | x) / ∂θ)²`.
///
/// It is the curvature of the loss around parameters that fit their task. It is ≥ 0, in units of the log-likelihood
/// divided by the squared unit of a parameter. The square is taken for each example separately: the square of a
/// minibatch's mean gradient is a different, smaller number. Kirkpatrick et al. (2017) use it in Elastic Weight
/// Consolidation, [`QuadraticPenaltyConfig::ewc`](crate::QuadraticPenaltyConfig::ewc).
///
/// `log_likelihood` computes `log p(y | x)` of one example for every label y, `[labels]`: a log-softmax of the
/// logits. It is called once for every label that `labels` selects, each time followed by a backward pass. There is
/// no information if there are no examples, and none about a parameter that is frozen or that no prediction
/// depends on.
///
/// The module may be in training or in validation mode and is not changed: `log_likelihood` receives a copy with
/// gradients that predicts as in validation mode, with dropout off and the running statistics of batch
/// normalisation.
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor, activation}};
/// use si_core::importance::{self, FisherLabels};
///
/// # fn main() -> Result<(), si_core::Error> {
/// let device = Device::flex().autodiff();
/// let model = LinearConfig::new(2, 3).init(&device);
/// let examples = [[0.5, 1.0], [-1.0, 0.0]];
/// let information = importance::fisher(&model, examples, |model, example| {
///     let logits = model.forward(Tensor::<1>::from_floats(*example, &device));
///     activation::log_softmax(logits, 0)
/// }, FisherLabels::Exact)?;
/// let information = information.get::<2>(model.weight.id).expect("it is trained");
/// assert_eq!(information.dims(), [2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Importance`], which names the example, in these cases: the results of `log_likelihood` are not logarithms
/// of probabilities that add up to one (logits are not); they depend on no parameter that is trained; or
/// [`FisherLabels::Empirical`] has no label for the example.
pub fn fisher<M: Module, E>(
    module: &M,
    examples: impl IntoIterator<Item = E>,
    log_likelihood: impl Fn(&M, &E) -> Tensor<1>,
    mut labels: FisherLabels<'_>,
) -> Result<Importance, Error> {
    mean_over(module, examples, |information, module, example| {
        let first = log_likelihood(module, example);
        let probabilities = first.clone().inner().exp();
        let precision = probabilities.dtype();
        let probabilities: Vec<f64> = probabilities.into_data().iter().collect();
        check_probabilities(&probabilities, precision)?;
        let weighted = labels.weighted(&probabilities);
        if weighted.is_empty() {
            return Err("has no label among those of the likelihood".to_string());
        }
        let again = || log_likelihood(module, example);
        add_squares(information, module, first, again, weighted)
    })
}

/// The diagonal of the Fisher information for a regression: a model `y ~ N(f(x), σ²)` with the same `variance` σ² for
/// every output.
///
/// This information has a closed form, `Σ_o (∂ f_o(x) / ∂θ)² / σ²`, and needs no labels. `prediction` computes f(x)
/// for one example, `[outputs]`. It is called once for each output, each time followed by a backward pass. If
/// training minimises the mean squared error, a σ² of ½ makes the loss the negative log-likelihood. The
/// module is treated as in [`fisher`].
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor}};
/// use si_core::importance;
///
/// # fn main() -> Result<(), si_core::Error> {
/// let device = Device::flex().autodiff();
/// let model = LinearConfig::new(2, 1).init(&device);
/// let information = importance::fisher_of_regression(&model, [[3.0, 1.0]], |model, example| {
///     model.forward(Tensor::<1>::from_floats(*example, &device))
/// }, 0.5)?;
/// let information = information.get::<2>(model.weight.id).expect("it is trained");
/// assert_eq!(information.into_data().to_vec::<f32>(), Ok(vec![18.0, 2.0]));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Importance`] if the variance is not a finite number > 0, or if a prediction is not finite or depends on no
/// parameter that is trained.
pub fn fisher_of_regression<M: Module, E>(
    module: &M,
    examples: impl IntoIterator<Item = E>,
    prediction: impl Fn(&M, &E) -> Tensor<1>,
    variance: f64,
) -> Result<Importance, Error> {
    if !(variance.is_finite() && variance > 0.0) {
        return Err(Error::Importance(format!(
            "the variance must be a finite number > 0, got {variance}"
        )));
    }
    mean_over(module, examples, |information, module, example| {
        let first = prediction(module, example);
        let values: Vec<f64> = first.clone().inner().into_data().iter().collect();
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!("has a prediction of {value}"));
        }
        let again = || prediction(module, example);
        let weighted = (0..values.len()).map(|output| (output, 1.0 / variance));
        add_squares(information, module, first, again, weighted)
    })
}

/// Adds the squared gradient of some elements of `first`, an example's result, each multiplied by its weight. `again`
/// computes the result again.
fn add_squares<M: Module>(
    information: &mut Importance,
    module: &M,
    first: Tensor<1>,
    again: impl Fn() -> Tensor<1>,
    weighted: impl IntoIterator<Item = (usize, f64)>,
) -> Result<(), String> {
    let mut first = Some(first);
    for (element, weight) in weighted {
        // A backward pass consumes its graph, so the next element needs a new one.
        let result = first.take().unwrap_or_else(&again);
        let element = result.narrow(0, element, 1);
        information.add_gradient(module, element, Power::Square, weight)?;
    }
    Ok(())
}

/// Checks that the probabilities of an example's labels add up to one, within their precision.
fn check_probabilities(probabilities: &[f64], precision: DType) -> Result<(), String> {
    let tolerance = match precision {
        DType::F64 | DType::F32 => 1e-3,
        // Probabilities of 16 bits may have as few as 8 bits of precision.
        _ => 0.05,
    };
    let total: f64 = probabilities.iter().sum();
    if (total - 1.0).abs() <= tolerance {
        return Ok(());
    }
    Err(format!(
        "has probabilities that add up to {total}: the function must return `log p(y | x)` for every label, as \
         `activation::log_softmax(logits, 0)` does, not logits or a loss. For a regression, use \
         `importance::fisher_of_regression`"
    ))
}
