//! Convolution and pooling against loops in double precision.

mod convolution;
mod pool;
mod reference;

/// What comes before each test.
fn prepare() {}
