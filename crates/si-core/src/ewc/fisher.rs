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

/// The diagonal of the Fisher information of a module: for each parameter the mean over examples of
/// `E_{y ~ p(y|x)} (∂ log p(y | x) / ∂θ)²`.
///
/// It is the curvature of the loss around parameters that fit their task, in units of the
/// log-likelihood over the squared unit of a parameter, and it is ≥ 0. The square is taken example
/// by example: the square of a minibatch's mean gradient is another, smaller number.
///
/// [`estimate`](Self::estimate) gets it from any module; a faster way that knows the module can
/// build it with [`add`](Self::add) and [`scale`](Self::scale). The tensors are outside autodiff.
#[derive(Clone, Debug, Default)]
pub struct Fisher {
    information: HashMap<ParamId, FloatTensor<Dispatch>>,
}

impl Fisher {
    /// Measures the information that `examples` hold about the parameters of `module`, for a model that gives each
    /// label a probability.
    ///
    /// `log_likelihood` computes `log p(y | x)` of one example for every label y, `[labels]`: a log-softmax of the
    /// logits. It is called, and followed by a pass backwards, once for every label that `labels` names. No example
    /// gives no information at all, and so does a parameter that is frozen or that nothing depends on.
    ///
    /// The module may be in training or in validation mode, and stays as it is: `log_likelihood` is given a copy that
    /// predicts as in validation mode, with dropout off and with the running statistics of batch normalisation, and
    /// that has gradients.
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
    /// [`Error::Fisher`], which names the example: if what `log_likelihood` gives are not the logarithms of
    /// probabilities that add up to one, as logits are not, if it depends on no parameter that is trained, and if
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
                // A graph is used up by its pass backwards, and the next label needs its own.
                let forward = forward
                    .take()
                    .unwrap_or_else(|| log_likelihood(&module, &example));
                fisher.add_squares(index, &module, forward.narrow(0, label, 1), weight)?;
            }
        }
        Ok(fisher.scale(1.0 / num_examples.max(1) as f64))
    }

    /// Measures the information that `examples` hold about the parameters of `module`, for a regression: a model of
    /// `y ~ N(f(x), σ²)` with the same `variance` σ² for every output.
    ///
    /// Its information has a closed form, `Σ_o (∂ f_o(x) / ∂θ)² / σ²`, and takes no labels. `prediction` computes f(x)
    /// of one example, `[outputs]`, and is called, and followed by a pass backwards, once for each output. For a
    /// training that minimises the mean squared error, a σ² of ½ makes the loss the negative log-likelihood. The
    /// module is treated as by [`estimate`](Self::estimate).
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
    /// [`Error::Fisher`] if the variance is not a positive number, or if a prediction is not finite or depends on no
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

    /// Adds the square of the gradient of `value`, `[1]`, which belongs to an example.
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
                 the function is given, of which not all layers may be frozen",
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

    /// Adds to the information about a parameter, in the parameter's shape. It is kept in f32, or in f64 if it is
    /// that.
    ///
    /// # Panics
    ///
    /// If there already is information of another shape.
    pub fn add<const D: usize>(&mut self, id: ParamId, information: Tensor<D>) {
        let information = widened(information.inner());
        let total = match self.remove(id) {
            Some(before) => sum(before, information),
            None => information,
        };
        self.information.insert(id, total.into_dispatch());
    }

    /// Multiplies everything by `factor`: to make a mean of what was added.
    pub fn scale(self, factor: f64) -> Self {
        let scaled =
            |(id, information)| (id, Dispatch::float_mul_scalar(information, factor.into()));
        Self {
            information: self.information.into_iter().map(scaled).collect(),
        }
    }

    /// The information about a parameter, in its shape. None if there is none.
    ///
    /// # Panics
    ///
    /// If the parameter has another rank than `D`.
    pub fn get<const D: usize>(&self, id: ParamId) -> Option<Tensor<D>> {
        self.information.get(&id).cloned().map(ranked)
    }

    /// The number of parameters that there is information about.
    pub fn len(&self) -> usize {
        self.information.len()
    }

    /// Whether there is information about no parameter.
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

/// Whether the probabilities of an example's labels are such, as far as their precision tells.
fn check_probabilities(
    example: usize,
    probabilities: &[f64],
    precision: Option<DType>,
) -> Result<(), Error> {
    let tolerance = match precision {
        Some(DType::F64 | DType::F32) => 1e-3,
        // 8 bits of each may be lost.
        _ => 0.05,
    };
    let total: f64 = probabilities.iter().sum();
    if (total - 1.0).abs() <= tolerance {
        return Ok(());
    }
    Err(Error::fisher(
        example,
        &format!(
            "has probabilities that add up to {total}: the function must give `log p(y | x)` of every label, as \
             `activation::log_softmax(logits, 0)` does, and not logits or a loss. For a regression there is \
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
            // The square of 16 bits is soon none.
            let square = widened(gradient.inner()).square();
            self.fisher.add(param.id, square.mul_scalar(self.weight));
        }
    }
}
