//! Matrices with rows and columns exchanged.

#[cfg(target_arch = "x86_64")]
use pulp::Arch;

use crate::convolution::Activation;
#[cfg(target_arch = "x86_64")]
use crate::vectors;

#[cfg(target_arch = "x86_64")]
mod avx;

/// A matrix in a slice, whose rows start `stride` numbers apart.
pub(crate) struct Strided<S> {
    pub(crate) numbers: S,
    pub(crate) stride: usize,
}

/// What happens to the numbers of a transposed matrix before they are written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Finish<'a> {
    /// A number for each row, which is added.
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
}

/// Writes a matrix of `rows` × `columns` numbers to `to`, whose row `i` becomes column `i` of `from`.
///
/// # Panics
///
/// If a matrix is longer than its slice.
pub(crate) fn transpose(
    size @ [rows, columns]: [usize; 2],
    from: Strided<&[f32]>,
    to: Strided<&mut [f32]>,
    finish: Finish<'_>,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    {
        let simd = match vectors::arch() {
            Arch::V4(simd) => Some(*simd),
            Arch::V3(simd) => Some(simd),
            _ => None,
        };
        if let (8.., 8.., Some(simd)) = (rows, columns, simd) {
            return avx::transpose(simd, size, from, to, finish);
        }
    }
    let (numbers, stride) = (to.numbers, to.stride);
    number_by_number(size, from, numbers, stride);
    for (row, numbers) in numbers.chunks_mut(stride).take(columns).enumerate() {
        let bias = finish.bias.map(|bias| bias[row]);
        for number in &mut numbers[..rows] {
            *number = finished(*number, bias, finish.activation);
        }
    }
}

fn finished(number: f32, bias: Option<f32>, activation: Activation) -> f32 {
    let sum = bias.map_or(number, |bias| number + bias);
    match activation {
        // Keeps what is not a number.
        Activation::Relu if sum < 0.0 => 0.0,
        Activation::None | Activation::Relu => sum,
    }
}

/// Reads along the rows, or writes along them if there are fewer.
fn number_by_number(
    [rows, columns]: [usize; 2],
    from: Strided<&[f32]>,
    to: &mut [f32],
    to_stride: usize,
) {
    if rows < columns {
        for row in 0..rows {
            let from = &from.numbers[row * from.stride..][..columns];
            let to = to[row..].iter_mut().step_by(to_stride);
            from.iter().zip(to).for_each(|(from, to)| *to = *from);
        }
    } else {
        for column in 0..columns {
            let from = from.numbers[column..].iter().step_by(from.stride);
            let to = &mut to[column * to_stride..][..rows];
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_found_with_its_indices_exchanged_and_finished() {
        for (rows, columns) in [
            (1, 1),
            (3, 40),
            (40, 3),
            (8, 8),
            (9, 15),
            (16, 13),
            (31, 33),
        ] {
            let bias: Vec<f32> = (0..columns).map(|column| 100.0 * column as f32).collect();
            for finish in [
                Finish::default(),
                Finish {
                    bias: Some(&bias),
                    activation: Activation::Relu,
                },
            ] {
                assert_transposes([rows, columns], finish);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let finish = Finish {
            bias: None,
            activation: Activation::Relu,
        };
        for side in [4, 8] {
            let from = vec![f32::NAN; side * side];
            let mut to = vec![0.0; side * side];
            let numbers = strided(&mut to[..], side);
            transpose([side; 2], strided(&from, side), numbers, finish);
            assert!(to.iter().all(|number| number.is_nan()));
        }
    }

    fn assert_transposes([rows, columns]: [usize; 2], finish: Finish<'_>) {
        let (stride, to_stride) = (columns + 3, rows + 2);
        let number = |index: usize| index as f32 - 600.0;
        let from: Vec<f32> = (0..rows * stride).map(number).collect();
        let mut to = vec![-1.0; columns * to_stride];
        let numbers = strided(&mut to[..], to_stride);
        transpose([rows, columns], strided(&from, stride), numbers, finish);
        for (index, found) in to.into_iter().enumerate() {
            let (column, row) = (index / to_stride, index % to_stride);
            let sum = |bias: &[f32]| from[row * stride + column] + bias[column];
            let expected = match finish.bias {
                _ if row >= rows => -1.0,
                None => from[row * stride + column],
                Some(bias) => sum(bias).max(0.0),
            };
            assert_eq!(found, expected, "{rows} × {columns}: [{row}, {column}]");
        }
    }

    fn strided<S>(numbers: S, stride: usize) -> Strided<S> {
        Strided { numbers, stride }
    }
}
