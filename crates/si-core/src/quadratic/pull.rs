use std::collections::HashMap;

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::module::ParamId;
use burn::tensor::Shape;

use crate::growth::{has_grown, laid_over, zeros_like};
use crate::ops::SynapticBackend;
use crate::precision::{convert, widen, working};
use crate::synapse::{carry, ranked};
use crate::traversal::Place;

/// The penalty state of one parameter: two tensors in the parameter's shape, and a number.
///
/// A sum of parabolas is a parabola. The penalties of all tasks together are
/// `Σ_ν Ω^ν (θ − θ^ν)² = P (θ − a)² + s`. P is the sum of the importance Ω^ν, a is the mean of the parameters θ^ν
/// weighted by Ω^ν, and s is a constant that comes from the distances of the θ^ν from a. So nothing is kept for a
/// single task, however many tasks there are. Keeping a instead of the sum of Ω^ν θ^ν avoids subtracting large
/// numbers from each other near the anchor.
///
/// The tensors are outside autodiff, in f32, or in f64 if the parameter is.
#[derive(Clone, Debug)]
pub struct QuadraticPull<B: Backend> {
    pub(super) path: String,
    /// Place in the module's order.
    pub(super) order: usize,
    pub(super) precision: FloatTensor<B>,
    pub(super) anchor: FloatTensor<B>,
    /// s, summed over the parameter, `[1]`.
    pub(super) spread: FloatTensor<B>,
}

/// The pulls of a module, by parameter.
pub(super) type Pulls<B> = HashMap<ParamId, QuadraticPull<B>>;

impl<B: Backend> QuadraticPull<B> {
    /// Path of the parameter in its module, such as `fc1.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Shape of the parameter, and of its precision and anchor.
    pub fn shape(&self) -> Shape {
        self.anchor.shape()
    }

    /// [`precision`](Self::precision) as the backend's primitive, for code that does not know the parameter's rank.
    pub fn precision_primitive(&self) -> &FloatTensor<B> {
        &self.precision
    }

    /// [`anchor`](Self::anchor) as the backend's primitive, for code that does not know the parameter's rank.
    pub fn anchor_primitive(&self) -> &FloatTensor<B> {
        &self.anchor
    }

    /// Moves the state to another device.
    #[expect(
        clippy::wrong_self_convention,
        reason = "the name that Burn has for it"
    )]
    pub(super) fn to_device(self, device: &B::Device) -> Self {
        let moved = |tensor| carry::<B>(tensor, device);
        Self {
            precision: moved(self.precision),
            anchor: moved(self.anchor),
            spread: moved(self.spread),
            ..self
        }
    }
}

impl<B: SynapticBackend> QuadraticPull<B> {
    /// P: the sum of the tasks' importance. With [`Joining::Latest`](super::Joining) it is the decayed sum, with
    /// [`Joining::Average`](super::Joining) the mean, and with [`Joining::Replace`](super::Joining) the latest importance.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn precision<const D: usize>(&self) -> Tensor<D> {
        ranked::<B, D>(&self.precision)
    }

    /// a: the parameters at the latest task's end. With [`Joining::PerTask`](super::Joining), the mean of the
    /// parameters at the tasks' ends, each weighted by its task's importance.
    ///
    /// # Panics
    ///
    /// If the parameter's rank is not `D`.
    pub fn anchor<const D: usize>(&self) -> Tensor<D> {
        ranked::<B, D>(&self.anchor)
    }

    /// A pull towards `parameter` of zero strength. `parameter` is in the working precision.
    pub(super) fn without_effect<const D: usize>(path: String, parameter: &Tensor<D>) -> Self {
        let options = (&parameter.device(), parameter.dtype());
        Self {
            path,
            order: 0,
            precision: B::primitive(parameter.zeros_like()),
            anchor: B::primitive(parameter.clone()),
            spread: B::primitive(Tensor::<1>::zeros([1], options)),
        }
    }

    /// Updates the place of its parameter in the module.
    pub(super) fn update_place(&mut self, place: Place<'_>) {
        self.order = place.order;
        self.path = place.path.to_string();
    }

    /// Whether this fits a parameter of that shape, which may have grown.
    pub(super) fn fits(&self, shape: &Shape) -> bool {
        has_grown(&self.shape(), shape)
    }

    /// The pull for `parameter`: on its device, in its working precision, and grown to its shape. New elements are
    /// free. `parameter` is outside autodiff. `None` if the pull does not fit its shape.
    pub(super) fn grown<const D: usize>(&self, parameter: &Tensor<D>) -> Option<Self> {
        let shape = parameter.shape();
        if !self.fits(&shape) {
            return None;
        }
        let parameter = B::primitive(parameter.clone());
        let device = parameter.device();
        let precision = working(parameter.dtype());
        let followed =
            |state: &FloatTensor<B>| convert::<B>(carry::<B>(state.clone(), &device), precision);
        let [mut held, mut anchor] = [&self.precision, &self.anchor].map(followed);
        if self.shape() != shape {
            held = laid_over::<B>(zeros_like::<B>(&parameter), held);
            anchor = laid_over::<B>(widen::<B>(parameter), anchor);
        }
        Some(Self {
            path: self.path.clone(),
            order: self.order,
            precision: held,
            anchor,
            spread: followed(&self.spread),
        })
    }

    /// Adds a task's penalty `importance · (θ − parameter)²`.
    pub(super) fn join<const D: usize>(&mut self, importance: Tensor<D>, parameter: Tensor<D>) {
        let precision: Tensor<D> = B::tensor(self.precision.clone());
        let anchor: Tensor<D> = B::tensor(self.anchor.clone());
        let spread: Tensor<1> = B::tensor(self.spread.clone());
        let free = precision.clone().equal_elem(0.0);
        let total = precision.clone() + importance.clone();
        // If nothing holds an element yet, 0 / 0 would be NaN.
        let share = (importance / total.clone()).mask_fill(free.clone(), 1.0);
        let displacement = parameter.clone() - anchor.clone();
        let parted = precision * share.clone() * displacement.clone().square();
        let anchor = (anchor + share * displacement).mask_where(free, parameter);
        self.precision = B::primitive(total);
        self.anchor = B::primitive(anchor);
        self.spread = B::primitive(spread + parted.sum());
    }

    /// Multiplies the precision by `decay` and moves the anchor to `parameter`.
    pub(super) fn move_on<const D: usize>(&mut self, decay: f64, parameter: Tensor<D>) {
        self.precision = B::float_mul_scalar(self.precision.clone(), decay.into());
        self.anchor = B::primitive(parameter);
    }
}
