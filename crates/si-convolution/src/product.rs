//! Products of matrices that lie in slices.

use gemm::Parallelism;

/// A matrix whose rows and columns start so many numbers apart. They may overlap.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) numbers: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows are contiguous.
    pub(crate) fn rows(numbers: &'a [f32], row_stride: usize) -> Self {
        Self {
            numbers,
            row_stride,
            column_stride: 1,
        }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            numbers: self.numbers,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.numbers.len()
    }
}

/// What happens to the numbers at a product's destination.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Destination {
    Replace,
    Add,
}

/// Writes the product of `lhs`, `[m, k]`, and `rhs`, `[k, n]`, to `out`, `[m, n]`, whose rows are contiguous and follow
/// each other.
///
/// # Panics
///
/// If `m`, `k` or `n` is zero, or if a matrix is longer than its slice.
#[expect(unsafe_code, reason = "`gemm` takes pointers")]
pub(crate) fn product(
    out: &mut [f32],
    destination: Destination,
    [m, k, n]: [usize; 3],
    lhs: Matrix<'_>,
    rhs: Matrix<'_>,
) {
    assert!(m > 0 && k > 0 && n > 0, "an empty product");
    assert!(
        m * n <= out.len() && lhs.holds(m, k) && rhs.holds(k, n),
        "a matrix is longer than its slice"
    );
    // SAFETY: `gemm` reads `lhs` and `rhs` at `row * row_stride + column * column_stride`, which is largest for the last
    // row and column, and `holds` has compared that with the slice's length. It writes the first `m * n` numbers of `out`,
    // and each row and column has a place of its own there. `out` is borrowed mutably, so it overlaps with neither.
    // No stride is above `isize::MAX`, since each one that is used leads to an element of a slice; one that is not used is
    // multiplied by zero.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            destination == Destination::Add,
            lhs.numbers.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.numbers.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
