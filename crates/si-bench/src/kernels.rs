//! The kernels of backends that compile them on the user's machine: compiled once, and kept for all processes.

#[cfg(feature = "cube")]
mod cube;

use std::path::PathBuf;

/// What is kept of the kernels of all devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKernels {
    /// The database. It is one file, with others of its name beside it.
    pub file: PathBuf,
    /// Kernels in the form in which a device's driver takes them. Each belongs to one build of the program.
    pub num_compiled: u64,
    /// Choices of the fastest kernel for an operation and a shape, each from measurements on the device (autotune).
    pub num_tuned: u64,
    /// Size of all entries in bytes. The file is somewhat larger.
    pub num_bytes: u64,
}

/// Makes this process keep compiled kernels and their tuning in the user's cache folder, where other processes and later
/// ones find them. Call it before the first use of a device; later calls change nothing.
///
/// Settings of the user take precedence, each by itself: those of a `cubecl.toml`, or of the section `cubecl` of a
/// `burn.toml`, in the current folder or above it, and the variables `CUBECL_…`. Does nothing if no backend with kernels
/// is compiled in, or if the platform names no cache folder.
pub fn keep_kernels() {
    #[cfg(feature = "cube")]
    cube::keep();
}

/// What is kept of kernels. `None` before the first kernel is kept, and if no backend with kernels is compiled in.
pub fn kept_kernels() -> Option<KeptKernels> {
    #[cfg(feature = "cube")]
    return cube::kept();
    #[cfg(not(feature = "cube"))]
    None
}
