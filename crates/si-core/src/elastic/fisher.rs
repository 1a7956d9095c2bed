use std::collections::HashMap;

use burn::Tensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;

use crate::Labels;
use crate::policy::Policies;
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
    /// Measures the information that `examples` hold about the parameters of `module`.
    ///
    /// `log_likelihood` computes `log p(y | x)` of one example for every label y, `[labels]`; it must
    /// be the same at every call, so dropout and the like must be off. It is called, and followed by
    /// a pass backwards, once for every label that `labels` names. A parameter that it does not
    /// use, or that does not require gradients, has no information. No example gives none at all.
    ///
    /// ```
    /// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor, activation}};
    /// use si_core::{Fisher, Labels};
    ///
    /// let device = Device::flex().autodiff();
    /// let model = LinearConfig::new(2, 3).init(&device).train();
    /// let examples = [[0.5, 1.0], [-1.0, 0.0]];
    /// let fisher = Fisher::estimate(&model, examples, |model, example| {
    ///     let logits = model.forward(Tensor::<1>::from_floats(*example, &device));
    ///     activation::log_softmax(logits, 0)
    /// }, Labels::Exact);
    /// let information = fisher.get::<2>(model.weight.id).expect("it requires gradients");
    /// assert_eq!(information.dims(), [2, 3]);
    /// ```
    ///
    /// # Panics
    ///
    /// If the log-likelihood depends on no parameter that requires gradients, as in a module in
    /// validation mode.
    pub fn estimate<M: Module, E>(
        module: &M,
        examples: impl IntoIterator<Item = E>,
        log_likelihood: impl Fn(&M, &E) -> Tensor<1>,
        mut labels: Labels<'_>,
    ) -> Self {
        let mut fisher = Self::default();
        let mut num_examples = 0_usize;
        for example in examples {
            num_examples += 1;
            let mut forward = Some(log_likelihood(module, &example));
            let probabilities = forward.clone().map(|it| it.inner().exp().into_data());
            let probabilities: Vec<f64> = probabilities.iter().flat_map(|it| it.iter()).collect();
            for (label, weight) in labels.weighted(&probabilities) {
                // A graph is used up by its pass backwards, and the next label needs its own.
                let forward = forward
                    .take()
                    .unwrap_or_else(|| log_likelihood(module, &example));
                let grads = forward.narrow(0, label, 1).backward();
                let grads = GradientsParams::from_grads(grads, module);
                let fisher = &mut fisher;
                visit_parameters(
                    module,
                    &Policies::default(),
                    &mut AddSquares {
                        fisher,
                        grads,
                        weight,
                    },
                );
            }
        }
        fisher.scale(1.0 / num_examples.max(1) as f64)
    }

    /// Adds to the information about a parameter, in the parameter's shape.
    ///
    /// # Panics
    ///
    /// If there already is information of another shape.
    pub fn add<const D: usize>(&mut self, id: ParamId, information: Tensor<D>) {
        let information = information.inner();
        let sum = match self.remove(id) {
            Some(before) => before + information,
            None => information,
        };
        self.information.insert(id, sum.into_dispatch());
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

    fn remove<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        self.information.remove(&id).map(ranked)
    }
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
            self.fisher
                .add(param.id, gradient.square().mul_scalar(self.weight));
        }
    }
}
