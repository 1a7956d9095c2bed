//! One file per subcommand: its arguments, and `run`.

pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod report;
pub(crate) mod schematics;
pub(crate) mod split_mnist;
pub(crate) mod theory;
pub(crate) mod worker;
