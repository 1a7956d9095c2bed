//! How precisely a device multiplies matrices.

use core::fmt;

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};

/// How precisely a device multiplies matrices of float32.
///
/// On CUDA, Burn 0.22.1 rounds the factors of such products to TF32, if the card has tensor cores for it (from Ampere on).
/// TF32 keeps 10 bits after the leading one, where float32 has 23. Gradients, and with them the path integral, then have
/// about 3 decimal digits. Convolutions are rounded in the same way. Burn has no setting against it. The arithmetic of
/// this crate itself has no such products, and is in float32 on every device.
///
/// ```
/// use burn::tensor::Device;
/// use si_core::MatmulPrecision;
///
/// assert!(MatmulPrecision::measure(&Device::flex()).is_exact());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatmulPrecision {
    /// The largest error that was found: that of an element `Σ a b`, divided by `√Σ (a b)²`. It is about 4e-6 in float32,
    /// 8e-4 in TF32 and 8e-3 in bfloat16. Infinite if an element is not finite.
    pub error: f64,
}

/// `[rows, terms, columns]` of the products. Burn chooses a kernel for each shape by its speed. If an axis has 2048
/// elements, it only chooses among those for tensor cores, provided that the device has them.
const SHAPES: [[usize; 3]; 3] = [[64, 256, 64], [64, 784, 256], [256, 2048, 256]];
/// So many rows and columns of each product are compared.
const NUM_COMPARED: usize = 32;

/// The error is below this in float32, where it is about 4e-6.
const EXACT: f64 = 5e-5;
/// The error is below this in TF32 and float16, where it is about 8e-4, or 3e-3 if the last bits are cut off.
const TF32: f64 = 4.5e-3;
/// The error is below this in bfloat16, where it is about 8e-3, or 2e-2 if the last bits are cut off.
const BFLOAT16: f64 = 5e-2;

impl MatmulPrecision {
    /// Measures it: multiplies matrices of fixed numbers and compares the products with double precision.
    ///
    /// Takes some milliseconds on a CPU. On a GPU, Burn compiles the kernels and may try several, which takes seconds the
    /// first time. So a GPU without TF32, whose kernels cannot round, multiplies only the smallest of the matrices.
    ///
    /// # Panics
    ///
    /// If the device cannot compute.
    pub fn measure(device: &Device) -> Self {
        let shapes = match tf32(device) {
            Some(false) => &SHAPES[..1],
            Some(true) | None => &SHAPES,
        };
        let device = device.clone().inner();
        Self::of(shapes, |left, right| {
            let product = left.on(&device).matmul(right.on(&device));
            product.into_data().iter::<f32>().collect()
        })
    }

    /// Whether the factors are multiplied as float32, without rounding them before. The order of the sum may differ, so
    /// two devices with exact products may still differ in the last digits.
    pub fn is_exact(self) -> bool {
        self.error < EXACT
    }

    fn of(shapes: &[[usize; 3]], multiply: impl Fn(&Matrix, &Matrix) -> Vec<f32>) -> Self {
        let largest_of = |&[rows, terms, columns]: &[usize; 3]| {
            let left = Matrix::new(rows, terms, 1);
            let right = Matrix::new(terms, columns, 2);
            let product = multiply(&left, &right);
            let compared = (0..rows).step_by(rows / NUM_COMPARED).flat_map(|row| {
                (0..columns)
                    .step_by(columns / NUM_COMPARED)
                    .map(move |column| (row, column))
            });
            let errors = compared.map(|(row, column)| {
                let terms = (0..terms).map(|term| left.at(row, term) * right.at(term, column));
                let (sum, squares) = terms.fold((0.0, 0.0), |(sum, squares), term| {
                    (sum + term, squares + term * term)
                });
                let found = f64::from(product[row * columns + column]);
                (found - sum).abs() / squares.sqrt()
            });
            // `f64::max` passes over what is not a number.
            let errors = errors.map(|error| if error.is_nan() { f64::INFINITY } else { error });
            errors.fold(0.0, f64::max)
        };
        Self {
            error: shapes.iter().map(largest_of).fold(0.0, f64::max),
        }
    }
}

/// Says how precise the products are: "exact", or "reduced to about 3 decimal digits, as in TF32".
impl fmt::Display for MatmulPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_exact() {
            "exact"
        } else if self.error < TF32 {
            "reduced to about 3 decimal digits, as in TF32"
        } else if self.error < BFLOAT16 {
            "reduced to about 2 decimal digits, as in bfloat16"
        } else {
            "wrong in the second decimal digit or before"
        })
    }
}

/// Logs a warning if Burn may round the factors of float32 products on `device`. Measures nothing.
pub(crate) fn warn_if_reduced(device: &Device) {
    if tf32(device) == Some(true) {
        log::warn!(
            "float32 products on {device:?} may have only about 3 decimal digits, because Burn rounds their factors to \
             TF32 there; `MatmulPrecision::measure` says whether it does, and other backends do not"
        );
    }
}

/// Whether the device has the number format TF32. On such a device, Burn may round the factors of float32 products to it.
/// `None` if that is not known, as on another machine.
#[cfg(feature = "cube")]
fn tf32(device: &Device) -> Option<bool> {
    use burn::backend::DispatchDevice;
    use burn_cubecl::cubecl::ir::{ElemType, FloatKind};

    let device = device.clone().inner();
    match device.as_dispatch() {
        DispatchDevice::Cube(device) => {
            let tf32 = ElemType::Float(FloatKind::TF32);
            Some(device.client().properties().supports_type(tf32))
        }
        _ => None,
    }
}

#[cfg(not(feature = "cube"))]
fn tf32(_device: &Device) -> Option<bool> {
    None
}

/// A matrix of fixed numbers in `[-1, 1)`, which use all bits of float32.
struct Matrix {
    shape: [usize; 2],
    numbers: Vec<f32>,
}

impl Matrix {
    /// The same numbers for the same seed, from a linear congruential generator.
    fn new(rows: usize, columns: usize, seed: u64) -> Self {
        let mut state = seed;
        let numbers = core::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let bits = state >> 40;
            bits as f32 / 8_388_608.0 - 1.0
        });
        Self {
            shape: [rows, columns],
            numbers: numbers.take(rows * columns).collect(),
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        f64::from(self.numbers[row * self.shape[1] + column])
    }

    fn on(&self, device: &Device) -> Tensor<2> {
        let data = TensorData::new(self.numbers.clone(), self.shape);
        Tensor::from_data(data, (device, DType::F32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_device::{device, is_exact};

    #[test]
    fn a_cpu_multiplies_exactly() {
        assert!(MatmulPrecision::measure(&Device::flex()).is_exact());
        if is_exact() {
            assert!(MatmulPrecision::measure(&device().autodiff()).is_exact());
        }
    }

    #[test]
    fn factors_that_are_rounded_are_found_and_named_by_their_digits() {
        for (kept_bits, expected) in [
            (23, "exact"),
            (10, "reduced to about 3 decimal digits, as in TF32"),
            (7, "reduced to about 2 decimal digits, as in bfloat16"),
            (2, "wrong in the second decimal digit or before"),
        ] {
            for round in [to_nearest, towards_zero] {
                let found = MatmulPrecision::of(&SHAPES, |left, right| {
                    product(
                        &left.rounded(kept_bits, round),
                        &right.rounded(kept_bits, round),
                    )
                });
                assert_eq!(found.is_exact(), kept_bits == 23, "{found:?}");
                assert_eq!(found.to_string(), expected, "{found:?}");
            }
        }
    }

    #[test]
    fn one_rounded_factor_is_enough() {
        for is_left in [true, false] {
            let found = MatmulPrecision::of(&SHAPES, |left, right| {
                let [left_bits, right_bits] = if is_left { [10, 23] } else { [23, 10] };
                product(
                    &left.rounded(left_bits, to_nearest),
                    &right.rounded(right_bits, to_nearest),
                )
            });
            assert_eq!(
                found.to_string(),
                "reduced to about 3 decimal digits, as in TF32"
            );
        }
    }

    #[test]
    fn one_reduced_shape_is_enough() {
        for reduced in SHAPES {
            let found = MatmulPrecision::of(&SHAPES, |left, right| {
                let shape = [left.shape[0], left.shape[1], right.shape[1]];
                let kept_bits = if shape == reduced { 10 } else { 23 };
                product(
                    &left.rounded(kept_bits, to_nearest),
                    &right.rounded(kept_bits, to_nearest),
                )
            });
            assert!(!found.is_exact(), "{reduced:?}");
        }
    }

    #[test]
    fn a_product_that_is_not_a_number_is_wrong() {
        for wrong in [f32::NAN, f32::INFINITY] {
            let found = MatmulPrecision::of(&SHAPES, |left, right| {
                let mut numbers = product(left, right);
                numbers[0] = wrong;
                numbers
            });
            assert_eq!(found.error, f64::INFINITY);
            assert!(!found.is_exact());
        }
    }

    fn product(left: &Matrix, right: &Matrix) -> Vec<f32> {
        let device = Device::flex();
        let product = left.on(&device).matmul(right.on(&device));
        product.into_data().iter::<f32>().collect()
    }

    type Round = fn(bits: u32, num_dropped: u32) -> u32;

    fn to_nearest(bits: u32, num_dropped: u32) -> u32 {
        towards_zero(bits + ((1 << num_dropped) >> 1), num_dropped)
    }

    fn towards_zero(bits: u32, num_dropped: u32) -> u32 {
        bits >> num_dropped << num_dropped
    }

    impl Matrix {
        /// Keeps so many bits after the leading one.
        fn rounded(&self, kept_bits: u32, round: Round) -> Self {
            let rounded = |number: &f32| f32::from_bits(round(number.to_bits(), 23 - kept_bits));
            Self {
                shape: self.shape,
                numbers: self.numbers.iter().map(rounded).collect(),
            }
        }
    }
}
