//! The tests of convolutions as on a processor without AVX-512.

use si_convolution::{Vectors, use_vectors};

#[path = "suite/convolution.rs"]
mod convolution;
#[path = "suite/reference.rs"]
mod reference;

/// What comes before each test.
fn prepare() {
    use_vectors(Vectors::Avx2);
}
