use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The gradients g of `module`, projected if a step along them raises the loss whose gradients are r = `reference`:
/// `g − (g·r / r·r) r` if `g·r < 0`, otherwise g. After that, `g·r ≥ 0` up to rounding. If r·r is less than
/// [`SMALLEST`], r counts as zero.
///
/// The products are over all parameters. They stay on the device.
pub(super) fn projected<M: Module>(
    module: &M,
    grads: GradientsParams,
    reference: GradientsParams,
) -> GradientsParams {
    let mut products = Products {
        grads: &grads,
        reference: &reference,
        along: None,
        length: None,
    };
    module.visit(&mut products);
    let (Some(along), Some(length)) = (products.along, products.length) else {
        return grads;
    };
    let is_harmless = along.clone().greater_equal_elem(0.0);
    let is_harmless = is_harmless.bool_or(length.clone().lower_elem(SMALLEST));
    let mut subtract = Subtract {
        factor: (along / length).mask_fill(is_harmless, 0.0),
        grads,
        reference,
    };
    module.visit(&mut subtract);
    subtract.grads
}

/// The smallest r·r by which float32 can be divided without an infinite or inexact result. The loss on a memory that is known
/// with certainty has smaller gradients, and no step of a usual size raises it.
const SMALLEST: f32 = 1e-30;

/// Adds up the products of gradients, parameter by parameter.
struct Products<'a> {
    grads: &'a GradientsParams,
    reference: &'a GradientsParams,
    /// g·r, `[1]`.
    along: Option<Tensor<1>>,
    /// r·r, `[1]`.
    length: Option<Tensor<1>>,
}

impl ModuleVisitor for Products<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.grads.get::<D>(param.id);
        let reference = self.reference.get::<D>(param.id);
        if let (Some(gradient), Some(reference)) = (gradient, reference) {
            add(&mut self.along, (gradient * reference.clone()).sum());
            add(&mut self.length, reference.square().sum());
        }
    }
}

fn add(sum: &mut Option<Tensor<1>>, product: Tensor<1>) {
    *sum = Some(match sum.take() {
        Some(sum) => sum + product,
        None => product,
    });
}

/// Subtracts a multiple of the reference.
struct Subtract {
    /// `[1]`.
    factor: Tensor<1>,
    grads: GradientsParams,
    reference: GradientsParams,
}

impl ModuleVisitor for Subtract {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(reference) = self.reference.remove::<D>(param.id) else {
            return;
        };
        if let Some(gradient) = self.grads.remove::<D>(param.id) {
            let factor = self.factor.clone().reshape([1; D]);
            self.grads.register(param.id, gradient - reference * factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn module() -> Linear {
        LinearConfig::new(2, 2).init(&Device::flex())
    }

    /// Gradients of four weights and, if there are six numbers, of two biases.
    fn gradients(module: &Linear, values: &[f32]) -> GradientsParams {
        let device = Device::flex();
        let mut grads = GradientsParams::new();
        let weight = TensorData::new(values[..4].to_vec(), [2, 2]);
        grads.register(module.weight.id, Tensor::<2>::from_data(weight, &device));
        if let Some(bias) = values.get(4..6) {
            let bias = TensorData::new(bias.to_vec(), [2]);
            let id = module.bias.as_ref().expect("it has one").id;
            grads.register(id, Tensor::<1>::from_data(bias, &device));
        }
        grads
    }

    fn values(module: &Linear, grads: &GradientsParams) -> Vec<f32> {
        let weight = grads.get::<2>(module.weight.id).expect("it has one");
        let mut values: Vec<f32> = weight.into_data().iter().collect();
        let bias = module.bias.as_ref().expect("it has one").id;
        let bias = grads.get::<1>(bias).map(Tensor::into_data);
        values.extend(bias.iter().flat_map(|it| it.iter::<f32>()));
        values
    }

    fn result(gradient: &[f32], reference: &[f32]) -> Vec<f32> {
        let module = module();
        let [gradient, reference] = [gradient, reference].map(|it| gradients(&module, it));
        values(&module, &projected(&module, gradient, reference))
    }

    #[test]
    fn a_reference_too_small_to_divide_by_leaves_the_gradient_as_it_is() {
        let gradient = [1.0, -2.0, 0.5, 3.0, -4.0, 1.0];
        for size in [1e-17, 1e-22, 1e-30, 1e-42, 0.0] {
            assert_eq!(result(&gradient, &[-size; 4]), gradient, "{size}");
        }
        // Just large enough.
        let found = result(&[2.0, 1.0, 0.0, 0.0], &[-1e-14, 0.0, 0.0, 0.0]);
        assert!(
            (found[0]).abs() < 1e-6 && found[1..] == [1.0, 0.0, 0.0],
            "{found:?}"
        );
    }

    #[test]
    fn a_gradient_against_the_reference_loses_what_is_along_it() {
        let gradient = [1.0, -2.0, 0.5, 3.0, -4.0, 1.0];
        let reference = [2.0, 1.0, 0.0, -1.0, 3.0, 1.0];
        let product = |one: &[f32], other: &[f32]| -> f64 {
            let pairs = one.iter().zip(other);
            pairs
                .map(|(one, other)| f64::from(*one) * f64::from(*other))
                .sum()
        };
        let along = product(&gradient, &reference);
        assert_eq!((along, product(&reference, &reference)), (-14.0, 16.0));
        let found = result(&gradient, &reference);
        let expected: Vec<f32> = gradient
            .iter()
            .zip(reference)
            .map(|(gradient, reference)| gradient + 14.0 / 16.0 * reference)
            .collect();
        assert_eq!(found, expected);
        assert!(product(&found, &reference).abs() < 1e-6);
    }

    #[test]
    fn a_gradient_that_does_no_harm_is_not_changed() {
        let gradient = [1.0, -2.0, 0.5, 3.0, 4.0, -1.0];
        // Along the reference, at a right angle to it, and without one.
        for reference in [
            [2.0, 1.0, 0.0, 1.0, 3.0, 1.0],
            [2.0, 1.0, 0.0, 0.0, 0.0, 0.0],
            [0.0; 6],
        ] {
            assert_eq!(result(&gradient, &reference), gradient);
        }
    }

    #[test]
    fn parameters_without_a_gradient_do_not_count() {
        // With the biases, the product would be positive.
        let (gradient, reference) = ([1.0, 0.0, 0.0, 0.0], [-2.0, 0.0, 0.0, 1.0, 5.0, 5.0]);
        assert_eq!(
            result(&gradient, &reference),
            [1.0 - 2.0 / 5.0 * 2.0, 0.0, 0.0, 2.0 / 5.0]
        );
    }
}
