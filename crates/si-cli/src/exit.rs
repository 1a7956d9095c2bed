use std::fmt;
use std::io::ErrorKind;

use si_bench::Error;
use si_core::checkpoint::CheckpointError;

use crate::output;

/// Exit code after Ctrl-C, and after SIGTERM or SIGHUP. Shells use 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// The beginning of an error's line.
pub(crate) const PREFIX: &str = "error: ";

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Runs are missing. The text says how many.
#[derive(Debug)]
pub(crate) struct Incomplete(pub(crate) String);

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Incomplete {}

/// The user stopped the program. The text says how far it came and how to resume.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Prints an error with its causes on one line.
pub(crate) fn print(error: &anyhow::Error) {
    if error.is::<Interrupted>() || error.is::<Incomplete>() {
        output::note(error);
    } else {
        output::note(format_args!("{PREFIX}{error:#}"));
    }
}

/// 130 after Ctrl-C or SIGTERM, 2 if the request itself is wrong, and 1 if a valid request failed or runs are missing.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Interrupted>() {
        INTERRUPTED
    } else if error.chain().any(is_usage) {
        USAGE
    } else {
        FAILED
    }
}

fn is_usage(cause: &(dyn std::error::Error + 'static)) -> bool {
    let missing_file = cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::NotFound);
    let unreadable = matches!(
        cause.downcast_ref(),
        Some(
            CheckpointError::NotFound { .. }
                | CheckpointError::Foreign { .. }
                | CheckpointError::OtherFormat { .. }
                | CheckpointError::Damaged { .. }
        )
    );
    missing_file
        || unreadable
        || matches!(
            cause.downcast_ref(),
            Some(
                Error::Config(_)
                    | Error::Value { .. }
                    | Error::ConfigFile { .. }
                    | Error::ConfigDiffers { .. }
                    | Error::ThreadsDiffer { .. }
                    | Error::FolderInUse { .. }
                    | Error::FolderBusy { .. }
                    | Error::ShardBusy { .. }
                    | Error::ExperimentsDiffer { .. }
                    | Error::RunsDiffer { .. }
                    | Error::NotARun { .. }
                    | Error::Record { .. }
                    | Error::UnknownDevice { .. }
                    | Error::DeviceNumber { .. }
                    | Error::DeviceNotCompiled { .. }
                    | Error::DeviceNotFound { .. }
                    | Error::DataFile { .. }
                    | Error::DataMissing { .. }
                    | Error::OwnImages { .. }
                    | Error::ImagesDiffer { .. }
            )
        )
}
