use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use si_bench::experiment::new_stamped_folder;

/// Where run folders are without `--out`.
pub(crate) const ROOT: &str = "runs";

/// The folder for the results of a command that takes no config: `out`, which is made if it is not
/// there, or else a new one under `runs/<command>`.
///
/// Made before anything is computed, so that a folder that cannot be made costs no time.
pub(crate) fn output_folder(command: &str, out: Option<&Path>) -> anyhow::Result<PathBuf> {
    match out {
        Some(folder) => {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
            Ok(folder.to_path_buf())
        }
        None => Ok(new_stamped_folder(
            &Path::new(ROOT).join(command),
            SystemTime::now(),
        )?),
    }
}
