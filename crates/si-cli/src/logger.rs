use std::io::{self, Write};

use env_logger::{Builder, Env, Target};

/// Warnings and errors, except those about a device's products, which a run refuses or accepts by a setting, and those of
/// CubeCL about each kernel that it cannot keep: another process may have kept it first, and a folder that cannot be
/// written has one warning.
const DEFAULT: &str = "warn,si_core::matmul_precision=off,\
                       cubecl_environment::persistence=off,cubecl_server::compiler=off,\
                       cubecl_runtime::tune::tune_cache=off,cubecl_runtime::throughput=off";

/// Prints warnings and errors to stderr. The variable `RUST_LOG` selects others.
pub(crate) fn start() {
    start_with(Target::Stderr);
}

/// Like [`start`], but gives each line to `send`, without its end.
pub(crate) fn start_sending(send: fn(&str) -> io::Result<()>) {
    start_with(Target::Pipe(Box::new(Lines(send))));
}

fn start_with(target: Target) {
    Builder::from_env(Env::default().default_filter_or(DEFAULT))
        .format(|line, record| {
            let level = record.level().as_str().to_lowercase();
            writeln!(line, "{level}: {}", record.args())
        })
        .target(target)
        .init();
}

/// Gets each record in one piece.
struct Lines(fn(&str) -> io::Result<()>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(String::from_utf8_lossy(bytes).trim_end())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
