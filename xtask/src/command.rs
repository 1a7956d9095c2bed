use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The environment variable with the features that cargo builds and checks with, in addition to the default ones. It passes
/// them to xtask commands that are started by others.
const FEATURES: &str = "SI_FEATURES";

/// The environment variable with a file of settings for cargo, as `cargo --config` takes it, for what is built once.
pub(crate) const CARGO_CONFIG: &str = "SI_CARGO_CONFIG";

/// Features other than backends that si-core has.
const OTHERS: [&str; 2] = ["remote", "train"];

/// The feature that only the examples have.
pub(crate) const OF_EXAMPLES: &str = "language";

/// The backends. Each is a feature.
pub(crate) const BACKENDS: [&str; 9] = [
    "flex", "ndarray", "cpu", "wgpu", "vulkan", "metal", "webgpu", "cuda", "rocm",
];

static BUILT_WITH: OnceLock<String> = OnceLock::new();

/// The names of backends on which tests and checks can run: those of a list such as `vulkan,cuda`.
///
/// # Errors
///
/// If one is not the name of a backend, or names one of its devices.
pub(crate) fn known_backends(names: &[String]) -> Result<()> {
    for name in names {
        if let Some((backend, _)) = name.split_once(':') {
            bail!(
                "{name:?} is one device of a backend, and tests run on the backend's first: give {backend:?}"
            );
        }
        ensure!(
            BACKENDS.contains(&&name[..]),
            "there is no backend {name:?}; known names are {}",
            BACKENDS.join(", ")
        );
    }
    Ok(())
}

/// Makes [`command`] build with these features, or with those of the environment variable if it is set. Call this
/// before the first `command`.
///
/// # Errors
///
/// If one of them is not a known feature. The message is clearer than cargo's.
pub(crate) fn build_with(features: &str) -> Result<()> {
    let given = env::var(FEATURES).ok().filter(|given| !given.is_empty());
    let features = given.unwrap_or_else(|| features.to_string());
    for feature in features.split(',').filter(|it| !it.is_empty()) {
        ensure!(
            OTHERS.contains(&feature) || feature == OF_EXAMPLES || BACKENDS.contains(&feature),
            "there is no backend {feature:?}; known names are {}",
            BACKENDS.join(", ")
        );
    }
    let built_with = BUILT_WITH.get_or_init(|| features.clone());
    debug_assert_eq!(*built_with, features, "a command was made before");
    Ok(())
}

/// The version of the project, with its commit and the commit's date if this is a repository.
pub(crate) fn version() -> String {
    let told = |line: &str| {
        let output = command(line).ok()?.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
        output.status.success().then_some(text)
    };
    let version = env!("CARGO_PKG_VERSION");
    let commit = told("git describe --always --dirty");
    match commit.zip(told("git show --no-patch --format=%cs")) {
        Some((commit, date)) => format!("{version} ({commit} of {date})"),
        None => version.to_string(),
    }
}

/// The features that [`command`] builds with, in addition to the default ones: names separated by commas.
pub(crate) fn features() -> &'static str {
    BUILT_WITH.get_or_init(|| env::var(FEATURES).unwrap_or_default())
}

/// A command in the workspace's folder, from a line of words separated by spaces.
pub(crate) fn command(line: &str) -> Result<Command> {
    let mut arguments = line.split_whitespace();
    let program = arguments.next().context("a command has a name")?;
    let features = features();
    let mut command = Command::new(program);
    command.current_dir(workspace()).env(FEATURES, features);
    let actions = ["build", "run", "test", "bench", "clippy", "doc"];
    let builds = |action: &str| actions.contains(&action) && !features.is_empty();
    let action = arguments.next();
    if action == Some("xtask")
        && let Some(config) = env::var_os(CARGO_CONFIG)
    {
        command.arg("--config").arg(config);
    }
    command.args(action);
    if action.is_some_and(builds) {
        if let Some(config) = env::var_os(CARGO_CONFIG) {
            command.arg("--config").arg(config);
        }
        command.args(["--features", features]);
        // The features are those of the whole workspace; a single package may lack some of them.
        let line = line.replace("-p si-cli", "--bin si");
        command.args(line.split_whitespace().skip(2));
    } else {
        command.args(arguments);
    }
    Ok(command)
}

/// Removes a folder below the workspace's, with the files of an earlier command, if it exists.
pub(crate) fn clear(folder: &str) -> Result<()> {
    let folder = workspace().join(folder);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let target = to.join(path.file_name().context("an entry has a name")?);
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// Runs a command with our stdout and stderr, and prints how long it took.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let line = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    println!("\n$ {line}");
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    println!("[{:.0} s]", start.elapsed().as_secs_f64());
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}

/// A program that cargo has built.
pub(crate) struct Built {
    /// The name of its package's folder.
    pub(crate) package: String,
    /// The name of its target, such as `si_core` for the unit tests of si-core, and `suite` for its `tests/suite`.
    pub(crate) target: String,
    pub(crate) path: PathBuf,
}

/// Builds with a cargo command such as `cargo test --workspace --no-run`, and lists the programs.
pub(crate) fn build(line: &str) -> Result<Vec<Built>> {
    println!("\n$ {line}");
    let line = format!("{line} --message-format json-render-diagnostics");
    let output = command(&line)?.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "`{line}` failed: {}",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("cargo writes UTF-8")?;
    let mut programs = Vec::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).context("cargo writes JSON")?;
        let Some(path) = message["executable"].as_str() else {
            continue;
        };
        // Such as path+file:///folder/crates/si-core#0.1.0.
        let id = message["package_id"].as_str().unwrap_or_default();
        let folder = id.rsplit_once('#').map_or(id, |(folder, _)| folder);
        let package = folder.rsplit('/').next().unwrap_or_default();
        programs.push(Built {
            package: package.to_string(),
            target: message["target"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_string(),
            path: PathBuf::from(path),
        });
    }
    Ok(programs)
}
