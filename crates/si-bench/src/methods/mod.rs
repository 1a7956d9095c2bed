//! The methods that experiments compare: one file and one row of [`METHODS`] each.
//!
//! A method is made of independent [`Parts`]: in which order tasks are learnt, what holds parameters back, which of them
//! still learn, what the network is compared with, which images it sees again, what its units do, what is dropped from
//! it, how it grows. So methods can be combined, as in `si+dropout`. A [`MethodSpec`] is a method with its parameters, as
//! it is written on the command line and in files: `si:c=0.1`.
//!
//! To add a method, write its file, add its row, and describe it in `docs/methods.md`. The program, the reports and
//! `si sweep` read the table; a test compares the page with it.

mod absolute_fisher;
mod agem;
mod der;
mod derpp;
mod dropout;
mod er;
mod ewc;
mod ewc_dr;
mod freezing;
mod functional;
mod information;
mod joint;
mod l2;
mod lfl;
mod lwf;
mod lwta;
mod mas;
mod maxout;
mod memory;
mod method;
mod none;
mod normalization;
mod online_ewc;
#[cfg(test)]
mod page;
mod parts;
mod progressive;
mod reduced_rate;
mod rwalk;
mod scratch;
mod si;
mod sos;
mod spec;
mod sqrt_fisher;
mod table;
mod unbiased_path;

pub use functional::{Compared, ComparedOutputs, Functional};
pub use memory::{Memory, Replay};
pub use method::{Method, Parameter, Values};
pub use parts::{Anchor, AtEnd, Examples, Growth, Measure, Parts, Regime, Synaptic, Trunk};
pub use spec::{IncompleteSpec, MethodSpec};
pub use table::METHODS;

pub(crate) use method::Written;
pub(crate) use spec::{methods, named};

pub(crate) use dropout::DROPOUT;
pub(crate) use er::ER;
pub(crate) use ewc::EWC;
pub(crate) use joint::JOINT;
pub(crate) use lwf::LWF;
pub(crate) use mas::MAS;
pub(crate) use none::NONE;
pub(crate) use online_ewc::ONLINE_EWC;
pub(crate) use scratch::SCRATCH;
pub(crate) use si::{SI, default_damping};
