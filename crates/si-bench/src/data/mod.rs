//! Data sets: where they lie, how they are checked and read.
//!
//! [`load()`] looks for a data set in the folder given, in the box, in the cache, and downloads it
//! where it is in none of them. Every file is checked before an image of it is used.

mod archive;
mod checksum;
mod cifar;
mod classes;
mod data_set;
mod fashion_mnist;
mod fetch;
mod flaw;
mod folders;
mod gzip;
#[cfg(feature = "download")]
mod http;
mod idx;
mod images;
mod inventory;
mod load;
mod mnist;
mod official;
mod pickle;
mod place;
mod raw;

pub use data_set::DataSet;
pub use fetch::{DownloadProgress, fetch};
pub use folders::DataFolders;
pub use images::{ImageParts, LabelledImages};
pub use inventory::{FileReport, FileStatus, inventory};
pub use load::{LabelledSplits, load, load_from};
pub use place::Place;
