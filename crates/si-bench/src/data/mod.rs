//! Data sets: where to find them, and how to check and read them.
//!
//! [`load()`] looks for a data set in the given folder, in the program itself and in the cache. If
//! it is not there, downloads it. Every file is checked before its images are used.
//! [`load_own_images`] reads a folder of a user's own images instead.

mod archive;
mod checksum;
mod cifar;
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
mod own_images;
mod place;
mod raw;
mod row;
mod table;

pub use fetch::{DownloadProgress, fetch};
pub use folders::DataFolders;
#[cfg(feature = "cube")]
pub(crate) use folders::cache_folder;
#[cfg(test)]
pub(crate) use idx::tests::encode as encode_idx;
pub use images::{ImageParts, LabelledImages};
pub use inventory::{FileReport, FileStatus, inventory};
pub use load::{LabelledSplits, load, load_from};
pub use own_images::{ImageSet, OwnImages, load_own_images};
pub use place::Place;
pub use table::DataSet;
