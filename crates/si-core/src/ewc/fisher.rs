use std::collections::HashMap;

use burn::Tensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::DType;

use crate::Error;
use crate::ewc::FisherLabels;
use crate::policy::Policies;
use crate::precision::{sum, widened};
use crate::trained::to_measure;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// The diagonal of a module's Fisher information: for each parameter, the mean over examples of
/// `E_{y ~ p(y|x)} (∂ log p(y | x) / ∂θ)²`.
///
/// It is the curvature of the loss around parameters that fit their task. It is ≥ 0, in units of the
/// log-likelihood divided by the squared unit of a parameter. The square is taken for each example separately:
/// the square of a minibatch's mean gradient is a different, smaller number.
///
/// [`estimate`](Self::estimate) works for any module. A faster method for a specific module can build it with
/// [`add`](Self::add) and [`scale`](Self::scale). The tensors are outside autodiff.
#[derive(Clone, Debug, Default)]
pub struct Fisher {
    information: HashMap<ParamId, FloatTensor<Dispatch>>,
}

impl Fisher {
    /// Measures the information that `examples` hold about the parameters of `module`, for a model that gives a
    /// probability to each label.
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
    /// use si_core::Fisher;
    /// use si_core::ewc::FisherLabels;
    ///
    /// # fn main() -> Result<(), si_core::Error> {
    /// let device = Device::flex().autodiff();
    /// let model = LinearConfig::new(2, 3).init(&device);
    /// let examples = [[0.5, 1.0], [-1.0, 0.0]];
    /// let fisher = Fisher::estimate(&model, examples, |model, example| {
    ///     let logits = model.forward(Tensor::<1>::from_floats(*example, &device));
    ///     activation::log_softmax(logits, 0)
    /// }, FisherLabels::Exact)?;
    /// let information = fisher.get::<2>(model.weight.id).expect("it is trained");
    /// assert_eq!(information.dims(), [2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Fisher`], which names the example, in these cases: the results of `log_likelihood` are not logarithms
    /// of probabilities that add up to one (logits are not); they depend on no parameter that is trained; or
    /// [`FisherLabels::Empirical`] has no label for the example.
    pub fn estimate<M: Module, E>(
        module: &M,
        examples: impl IntoIterator<Item = E>,
        log_likelihood: impl Fn(&M, &E) -> Tensor<1>,
        mut labels: FisherLabels<'_>,
    ) -> Result<Self, Error> {
        let module = to_measure(module);
        let mut fisher = Self::default();
        let mut num_examples = 0_usize;
        for (index, example) in examples.into_iter().enumerate() {
            num_examples += 1;
            let mut forward = Some(log_likelihood(&module, &example));
            let probabilities = forward.clone().map(|it| it.inner().exp());
            let precision = probabilities.as_ref().map(|it| it.dtype());
            let probabilities = probabilities.map(|it| it.into_data());
            let probabilities: Vec<f64> = probabilities.iter().flat_map(|it| it.iter()).collect();
            check_probabilities(index, &probabilities, precision)?;
            let weighted = labels.weighted(&probabilities);
            if weighted.is_empty() {
                return Err(Error::fisher(
                    index,
                    "has no label among those of the likelihood",
                ));
            }
            for (label, weight) in weighted {
                // A backward pass consumes its graph, so the next label needs a new one.
                let forward = forward
                    .take()
                    .unwrap_or_else(|| log_likelihood(&module, &example));
                fisher.add_squares(index, &module, forward.narrow(0, label, 1), weight)?;
            }
        }
        Ok(fisher.scale(1.0 / num_examples.max(1) as f64))
    }

    /// Measures the information that `examples` hold about the parameters of `module`, for a regression: a model
    /// `y ~ N(f(x), σ²)` with the same `variance` σ² for every output.
    ///
    /// This information has a closed form, `Σ_o (∂ f_o(x) / ∂θ)² / σ²`, and needs no labels. `prediction` computes f(x)
    /// for one example, `[outputs]`. It is called once for each output, each time followed by a backward pass. If
    /// training minimises the mean squared error, a σ² of ½ makes the loss the negative log-likelihood. The
    /// module is treated as in [`estimate`](Self::estimate).
    ///
    /// ```
    /// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor}};
    /// use si_core::Fisher;
    ///
    /// # fn main() -> Result<(), si_core::Error> {
    /// let device = Device::flex().autodiff();
    /// let model = LinearConfig::new(2, 1).init(&device);
    /// let fisher = Fisher::of_regression(&model, [[3.0, 1.0]], |model, example| {
    ///     model.forward(Tensor::<1>::from_floats(*example, &device))
    /// }, 0.5)?;
    /// let information = fisher.get::<2>(model.weight.id).expect("it is trained");
    /// assert_eq!(information.into_data().to_vec::<f32>(), Ok(vec![18.0, 2.0]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Fisher`] if the variance is not a finite number > 0, or if a prediction is not finite or depends on no
    /// parameter that is trained.
    pub fn of_regression<M: Module, E>(
        module: &M,
        examples: impl IntoIterator<Item = E>,
        prediction: impl Fn(&M, &E) -> Tensor<1>,
        variance: f64,
    ) -> Result<Self, Error> {
        if !(variance.is_finite() && variance > 0.0) {
            return Err(Error::Fisher(format!(
                "the variance must be a finite number > 0, got {variance}"
            )));
        }
        let module = to_measure(module);
        let mut fisher = Self::default();
        let mut num_examples = 0_usize;
        for (index, example) in examples.into_iter().enumerate() {
            num_examples += 1;
            let first = prediction(&module, &example);
            let values: Vec<f64> = first.clone().inner().into_data().iter().collect();
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(Error::fisher(
                    index,
                    &format!("has a prediction of {value}"),
                ));
            }
            let mut forward = Some(first);
            for output in 0..values.len() {
                let forward = forward
                    .take()
                    .unwrap_or_else(|| prediction(&module, &example));
                fisher.add_squares(index, &module, forward.narrow(0, output, 1), 1.0 / variance)?;
            }
        }
        Ok(fisher.scale(1.0 / num_examples.max(1) as f64))
    }

    /// Adds the weighted square of the gradient of `value`, `[1]`, for an example.
    fn add_squares<M: Module>(
        &mut self,
        example: usize,
        module: &M,
        value: Tensor<1>,
        weight: f64,
    ) -> Result<(), Error> {
        if !value.is_tracked() {
            return Err(Error::fisher(
                example,
                "has a likelihood that depends on no parameter that is trained: compute it with the module that \
                 the function receives, and do not freeze all layers",
            ));
        }
        let grads = GradientsParams::from_grads(value.backward(), module);
        let fisher = self;
        let mut add = AddSquares {
            fisher,
            grads,
            weight,
        };
        visit_parameters(module, &Policies::default(), &mut add);
        Ok(())
    }

    /// Adds to the information about a parameter, in the parameter's shape. It is kept in f32, or in f64 if
    /// `information` is f64.
    ///
    /// # Panics
    ///
    /// If the existing information about the parameter has another shape.
    pub fn add<const D: usize>(&mut self, id: ParamId, information: Tensor<D>) {
        let information = widened(information.inner());
        let total = match self.remove(id) {
            Some(before) => sum(before, information),
            None => information,
        };
        self.information.insert(id, total.into_dispatch());
    }

    /// Multiplies everything by `factor`, for example to turn a sum into a mean.
    pub fn scale(self, factor: f64) -> Self {
        let scaled =
            |(id, information)| (id, Dispatch::float_mul_scalar(information, factor.into()));
        Self {
            information: self.information.into_iter().map(scaled).collect(),
        }
    }

    /// The information about a parameter, in its shape. `None` if there is none.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn get<const D: usize>(&self, id: ParamId) -> Option<Tensor<D>> {
        self.information.get(&id).cloned().map(ranked)
    }

    /// The number of parameters with information.
    pub fn len(&self) -> usize {
        self.information.len()
    }

    /// Whether no parameter has information.
    pub fn is_empty(&self) -> bool {
        self.information.is_empty()
    }

    /// Whether there is information about a parameter.
    pub(super) fn knows(&self, id: ParamId) -> bool {
        self.information.contains_key(&id)
    }

    fn remove<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        self.information.remove(&id).map(ranked)
    }
}

/// Checks that the probabilities of an example's labels add up to one, within their precision.
fn check_probabilities(
    example: usize,
    probabilities: &[f64],
    precision: Option<DType>,
) -> Result<(), Error> {
    let tolerance = match precision {
        Some(DType::F64 | DType::F32) => 1e-3,
        // Probabilities of 16 bits may have as few as 8 bits of precision.
        _ => 0.05,
    };
    let total: f64 = probabilities.iter().sum();
    if (total - 1.0).abs() <= tolerance {
        return Ok(());
    }
    Err(Error::fisher(
        example,
        &format!(
            "has probabilities that add up to {total}: the function must return `log p(y | x)` for every label, as \
             `activation::log_softmax(logits, 0)` does, not logits or a loss. For a regression, use \
             `Fisher::of_regression`"
        ),
    ))
}

fn ranked<const D: usize>(information: FloatTensor<Dispatch>) -> Tensor<D> {
    assert_eq!(
        information.shape().num_dims(),
        D,
        "the parameter's rank is not the one asked for"
    );
    Tensor::from_dispatch(information)
}

/// Adds the weighted square of each parameter's gradient.
struct AddSquares<'a> {
    fisher: &'a mut Fisher,
    grads: GradientsParams,
    weight: f64,
}

impl ParameterVisitor for AddSquares<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.grads.remove::<D>(param.id) {
            // The square of a small 16-bit number would underflow to zero.
            let square = widened(gradient.inner()).square();
            self.fisher.add(param.id, square.mul_scalar(self.weight));
        }
    }
}
