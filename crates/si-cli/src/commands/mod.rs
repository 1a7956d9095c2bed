//! One file per subcommand: its arguments, and `run`.

pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod frontier;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod methods;
pub(crate) mod metrics;
pub(crate) mod permuted_mnist;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod repro;
pub(crate) mod schematics;
pub(crate) mod split_cifar;
pub(crate) mod split_mnist;
pub(crate) mod status;
pub(crate) mod sweep;
pub(crate) mod theory;
pub(crate) mod worker;
