use std::io::Write;

use env_logger::{Builder, Env};

/// Warnings and errors, except the warning about a device's products: a run refuses or accepts them by a setting.
const DEFAULT: &str = "warn,si_core::matmul_precision=off";

/// Prints warnings and errors to stderr, where a worker's parent collects them. The variable `RUST_LOG` selects others.
pub(crate) fn start() {
    Builder::from_env(Env::default().default_filter_or(DEFAULT))
        .format(|line, record| {
            let level = record.level().as_str().to_lowercase();
            writeln!(line, "{level}: {}", record.args())
        })
        .init();
}
