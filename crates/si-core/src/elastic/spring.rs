use std::collections::HashMap;

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::module::ParamId;
use burn::tensor::Shape;

use crate::growth::{has_grown, laid_over};
use crate::ops::SynapticBackend;

/// What holds one parameter back: two tensors of the parameter's shape, and a number.
///
/// A sum of parabolas is a parabola. The penalties of all tasks together are
/// `Σ_ν F^ν (θ − θ^ν)² = P (θ − a)² + s`, where P is the sum of the information F^ν, a the mean of
/// the parameters θ^ν weighted by it, and s what their distance from that mean leaves. So there is
/// nothing to keep of a single task, whatever their number. Keeping a, and not the sum of F^ν θ^ν,
/// leaves no difference of large numbers to be taken near the anchor.
///
/// The primitives are outside autodiff, and have no static rank.
#[derive(Clone, Debug)]
pub struct Spring<B: Backend> {
    pub(super) path: String,
    /// Place in the module's order.
    pub(super) order: usize,
    pub(super) precision: FloatTensor<B>,
    pub(super) anchor: FloatTensor<B>,
    /// s, summed over the parameter, `[1]`.
    pub(super) spread: FloatTensor<B>,
}

/// The springs of a module, by parameter.
pub(super) type Springs<B> = HashMap<ParamId, Spring<B>>;

impl<B: Backend> Spring<B> {
    /// Path of the parameter in its module, such as `fc1.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Shape of the parameter, and of its precision and anchor.
    pub fn shape(&self) -> Shape {
        self.anchor.shape()
    }

    /// P: the sum of the tasks' Fisher information; in the online form the decayed sum.
    pub fn precision(&self) -> &FloatTensor<B> {
        &self.precision
    }

    /// a: the mean of the parameters at the tasks' ends, each weighted by its task's information; in
    /// the online form the latest of them.
    pub fn anchor(&self) -> &FloatTensor<B> {
        &self.anchor
    }

    /// Moves the state to another device.
    #[expect(
        clippy::wrong_self_convention,
        reason = "the name that Burn has for it"
    )]
    pub(super) fn to_device(self, device: &B::Device) -> Self {
        let moved = |tensor| B::float_to_device(tensor, device);
        Self {
            precision: moved(self.precision),
            anchor: moved(self.anchor),
            spread: moved(self.spread),
            ..self
        }
    }
}

impl<B: SynapticBackend> Spring<B> {
    /// A spring at `parameter` that does not pull yet.
    pub(super) fn slack<const D: usize>(path: String, parameter: &Tensor<D>) -> Self {
        let options = (&parameter.device(), parameter.dtype());
        Self {
            path,
            order: 0,
            precision: B::primitive(parameter.zeros_like()),
            anchor: B::primitive(parameter.clone()),
            spread: B::primitive(Tensor::<1>::zeros([1], options)),
        }
    }

    /// The spring as it holds a parameter that may have grown since: what is new in it is free. None if
    /// it is of another shape.
    pub(super) fn grown<const D: usize>(&self, parameter: &Tensor<D>) -> Option<Self> {
        let shape = parameter.shape();
        if self.shape() == shape {
            return Some(self.clone());
        }
        let laid_over = |ground: Tensor<D>, state: &FloatTensor<B>| {
            laid_over::<B>(B::primitive(ground), state.clone())
        };
        has_grown(&self.shape(), &shape).then(|| Self {
            precision: laid_over(parameter.zeros_like(), &self.precision),
            anchor: laid_over(parameter.clone(), &self.anchor),
            ..self.clone()
        })
    }

    /// Adds a task's penalty `information · (θ − parameter)²`.
    pub(super) fn join<const D: usize>(&mut self, information: Tensor<D>, parameter: Tensor<D>) {
        let precision: Tensor<D> = B::tensor(self.precision.clone());
        let anchor: Tensor<D> = B::tensor(self.anchor.clone());
        let spread: Tensor<1> = B::tensor(self.spread.clone());
        let free = precision.clone().equal_elem(0.0);
        let total = precision.clone() + information.clone();
        // Where nothing holds a parameter yet, 0 / 0 would be no number.
        let share = (information / total.clone()).mask_fill(free.clone(), 1.0);
        let displacement = parameter.clone() - anchor.clone();
        let parted = precision * share.clone() * displacement.clone().square();
        let anchor = (anchor + share * displacement).mask_where(free, parameter);
        self.precision = B::primitive(total);
        self.anchor = B::primitive(anchor);
        self.spread = B::primitive(spread + parted.sum());
    }

    /// Weakens what was added so far, and moves its anchor to `parameter`.
    pub(super) fn move_on<const D: usize>(&mut self, decay: f64, parameter: Tensor<D>) {
        self.precision = B::float_mul_scalar(self.precision.clone(), decay.into());
        self.anchor = B::primitive(parameter);
    }
}
