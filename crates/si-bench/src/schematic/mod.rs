//! The paper's figures 1 and 2. There they are drawn by hand; here they are computed from minimal problems that show
//! the same.
//!
//! [`figure1`] computes [`TwoTasks`], and [`figure2`] computes a [`SurrogateLoss`]. Both use `si_core` itself on a Burn
//! module in double precision. [`table()`] shows their numbers on a terminal. [`write()`] writes `figure1` and
//! `figure2` into a folder, each as `.json`, `.svg` and `.png`.

mod files;
mod surrogate_figure;
mod surrogate_loss;
mod table;
mod two_tasks;
mod two_tasks_figure;

pub use files::{Artefacts, Picture, write};
pub(crate) use surrogate_figure::CAPTION as SURROGATE_LOSS;
pub use surrogate_loss::{Descended, SurrogateLoss, figure2};
pub use table::table;
pub use two_tasks::{Place, SecondTask, TwoTasks, figure1};
pub(crate) use two_tasks_figure::CAPTION as TWO_TASKS;
