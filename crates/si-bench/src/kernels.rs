//! The kernels of backends that compile them on the user's machine: compiled once, and kept for all processes.

#[cfg(feature = "cube")]
mod cube;

use std::path::PathBuf;

use crate::Error;

/// What is kept of the kernels of all devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKernels {
    /// The database. It is one file, with others of its name beside it.
    pub file: PathBuf,
    /// Kernels in the form in which a device's driver takes them. Each belongs to one build of the program.
    pub num_compiled: u64,
    /// Choices of the fastest kernel for an operation and a shape, each from measurements on the device (autotune).
    pub num_tuned: u64,
    /// Size of these files on disk, in bytes. Nothing limits it.
    pub num_bytes: u64,
}

/// Makes this process keep compiled kernels and their tuning in the user's cache folder, where other processes and later
/// ones find them. Call it before the first use of a device; later calls change nothing.
///
/// The variable `SI_KERNEL_CACHE` names another folder. With `SI_KERNEL_CACHE=off`, nothing is kept, and nothing that was
/// kept is used. Other settings of the user take precedence too, each by itself: those of a `cubecl.toml`, or of the
/// section `cubecl` of a `burn.toml`, in the current folder or above it, and the variables `CUBECL_…`.
///
/// Does nothing if no backend with kernels is compiled in, or if neither the variable nor the platform names a folder.
pub fn keep_kernels() {
    #[cfg(feature = "cube")]
    cube::keep();
}

/// What is kept of kernels. `None` if nothing is to be kept, or if no backend with kernels is compiled in.
///
/// # Errors
///
/// [`Error::Kernels`] if the database cannot be opened.
pub fn kept_kernels() -> Result<Option<KeptKernels>, Error> {
    #[cfg(feature = "cube")]
    return cube::kept();
    #[cfg(not(feature = "cube"))]
    Ok(None)
}

/// Checks that kernels can be kept, by writing to the database. If they cannot, training still works, but each process
/// compiles and tunes its kernels anew.
///
/// # Errors
///
/// [`Error::Kernels`] if the database cannot be made, opened or written.
pub fn check_kernels_are_kept() -> Result<(), Error> {
    #[cfg(feature = "cube")]
    return cube::check();
    #[cfg(not(feature = "cube"))]
    Ok(())
}
