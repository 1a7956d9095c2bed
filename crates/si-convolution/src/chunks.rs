//! Parts of a batch for the threads.

/// Parts of a batch, if that many fit.
const MOST: usize = 16;
/// Parts of a batch even if each takes much memory.
const FEWEST: usize = 4;
/// Numbers that all parts may have for sums of their own: 64 MiB.
const MOST_SUMS: usize = 1 << 24;

/// The number of images in a part of a batch. Each part has `num_sums` sums of its own.
///
/// It does not depend on the number of threads, and so neither does the order of summation.
pub(crate) fn len(batch_size: usize, num_sums: usize) -> usize {
    let most = (MOST_SUMS / num_sums.max(1)).clamp(FEWEST, MOST);
    batch_size.div_ceil(most).max(1)
}
