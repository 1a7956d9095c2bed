use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::command::{
    Built, build, build_with, clear, copy_folder, known_backends, run, version, workspace,
};
use crate::test::{ALWAYS_ON_FLEX, LONG, features, programs_of_si_core};

/// Check a card: si-core's tests on it, the time to start with fresh and with filled caches, and steps of the paper's
/// networks in a row. It takes 8 minutes.
///
/// The build takes far longer. It may be on another machine: with --pack, an archive has the programs, the files of their
/// tests, and a script. On the machine with the card (Linux, no toolchain), unpack the archive and run
/// `gpu-check/gpu-check.sh`. The card needs its driver, and for CUDA the library NVRTC.
#[derive(Args)]
pub(crate) struct GpuCheck {
    /// Write an archive for another machine, and run nothing here
    #[arg(long, value_name = "FILE.tar.xz")]
    pack: Option<PathBuf>,
    /// Backends of the card. cuda downloads a compiler (LLVM) while it is built
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAME,...",
        default_value = "vulkan,cuda"
    )]
    devices: Vec<String>,
    /// Small networks and fewer tests: tries the check itself, for example with --devices wgpu on Mesa's lavapipe
    #[arg(long, conflicts_with = "pack")]
    quick: bool,
    /// Time for everything but the build. Each part has its share
    #[arg(long, value_name = "N", default_value = "8", conflicts_with = "pack")]
    minutes: NonZero<u16>,
}

/// The folder whose content is packed, below the workspace.
const FOLDER: &str = "target/gpu-check/gpu-check";

/// The script that runs the check. Its first lines read `plan.sh`.
const SCRIPT: &str = include_str!("../gpu-check.sh");

/// The folders with files that si-core's tests read, below the workspace.
const TEST_FILES: [&str; 2] = [
    "crates/si-core/tests/suite/golden",
    "crates/si-core/tests/suite/lifecycle/snapshots",
];

impl GpuCheck {
    pub(crate) fn run(&self) -> Result<()> {
        known_backends(&self.devices)?;
        match &self.pack {
            Some(archive) => {
                ensure!(
                    archive.to_string_lossy().ends_with(".tar.xz"),
                    "--pack writes an archive of the kind .tar.xz: {} must end in that",
                    archive.display()
                );
                let folder = archive.parent().filter(|it| !it.as_os_str().is_empty());
                ensure!(
                    folder.is_none_or(Path::is_dir),
                    "there is no folder for {}",
                    archive.display()
                );
                needs(&["strip", "tar", "xz"])?;
                self.gather()?;
                pack(archive)
            }
            None => {
                needs(&["strip", "bash", "timeout"])?;
                self.gather()?;
                self.check()
            }
        }
    }

    /// Builds the programs, and puts them into [`FOLDER`] with all that they need.
    fn gather(&self) -> Result<()> {
        build_with(&features(&self.devices, false))?;
        clear(FOLDER)?;
        let folder = workspace().join(FOLDER);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let mut programs = programs_of_si_core()?;
        programs.extend(build("cargo build --workspace --bin si")?);
        programs.extend(build(
            "cargo bench --workspace --no-run --profile dev --bench step",
        )?);
        for (package, target, name) in [
            ("si-core", "si_core", "unit-tests"),
            ("si-core", "suite", "suite"),
            ("si-cli", "si", "si"),
            ("si-bench", "step", "step"),
        ] {
            let is_it = |it: &&Built| it.package == package && it.target == target;
            let program = programs.iter().find(is_it);
            let program =
                program.with_context(|| format!("cargo has not built {target} of {package}"))?;
            let mut strip = Command::new("strip");
            strip.arg("-o").arg(folder.join(name)).arg(&program.path);
            run(strip)?;
        }
        for files in TEST_FILES {
            copy_folder(&workspace().join(files), &folder.join(files))?;
        }
        let plan = format!(
            "version='{}'\npacked_devices='{}'\nlong='{}'\nalways_on_flex='{}'\n",
            version(),
            self.devices.join(" "),
            LONG.join(" "),
            ALWAYS_ON_FLEX.join(" ")
        );
        write(&folder.join("plan.sh"), &plan)?;
        let script = folder.join("gpu-check.sh");
        write(&script, SCRIPT)?;
        make_executable(&script)
    }

    /// Runs the script here.
    fn check(&self) -> Result<()> {
        let folder = workspace().join(FOLDER);
        let mut script = Command::new("bash");
        script.arg(folder.join("gpu-check.sh"));
        script.args(["--minutes", &self.minutes.to_string()]);
        script
            .arg("--out")
            .arg(workspace().join("target/gpu-check"));
        if self.quick {
            script.arg("--quick");
        }
        run(script)
    }
}

fn pack(archive: &Path) -> Result<()> {
    // The programs have most of Burn in common, so the window spans several of them.
    let filter = if cfg!(any(target_arch = "x86_64", target_arch = "x86")) {
        "--x86 "
    } else {
        ""
    };
    let folder = workspace().join(FOLDER);
    let parent = folder.parent().context("it is below the workspace")?;
    let mut tar = Command::new("tar");
    tar.arg("--use-compress-program")
        .arg(format!(
            "xz -T1 {filter}--lzma2=preset=1,dict=512MiB,mf=hc4,nice=64"
        ))
        .arg("--create")
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(parent)
        .arg("gpu-check");
    run(tar)?;
    let size = fs::metadata(archive)
        .with_context(|| format!("cannot read {}", archive.display()))?
        .len();
    println!(
        "\n{} has {:.0} MB. On the machine with the card:\n\n    tar -xf {} && gpu-check/gpu-check.sh",
        archive.display(),
        size as f64 / 1e6,
        archive.file_name().unwrap_or_default().to_string_lossy()
    );
    Ok(())
}

/// Checks, before a long build, that these programs are installed.
fn needs(programs: &[&str]) -> Result<()> {
    for program in programs {
        let mut version = Command::new(program);
        version.arg("--version");
        version.stdout(Stdio::null()).stderr(Stdio::null());
        if version.status().is_err() {
            bail!(
                "cannot run {program}: install it first (in Debian: binutils, tar, xz-utils, bash, coreutils)"
            );
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    Ok(())
}
