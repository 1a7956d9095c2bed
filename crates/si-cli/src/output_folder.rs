use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use si_bench::experiment::{new_stamped_folder, refuse_results};

/// The parent of run folders if `--out` is not given.
pub(crate) const ROOT: &str = "runs";

/// The folder for the results of a command without a config: `out`, which is created if it does not
/// exist, or a new folder under `runs/<command>` if `out` is `None`.
///
/// It is created before any computation, so that a failure costs no time.
pub(crate) fn output_folder(command: &str, out: Option<&Path>) -> anyhow::Result<PathBuf> {
    match out {
        Some(folder) => {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            Ok(folder.to_path_buf())
        }
        None => Ok(new_stamped_folder(
            &Path::new(ROOT).join(command),
            SystemTime::now(),
        )?),
    }
}

/// The folder for the results of a command that stores its plan: `out`, which is created if it does not exist, or a new
/// folder in `root` if `out` is `None`. Refuses a folder that holds results.
pub(crate) fn unused_folder(out: Option<&Path>, root: &Path) -> anyhow::Result<PathBuf> {
    let Some(folder) = out else {
        return Ok(new_stamped_folder(root, SystemTime::now())?);
    };
    refuse_results(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder.to_path_buf())
}
