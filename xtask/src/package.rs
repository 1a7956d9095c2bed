use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;
use toml::Table;

use crate::command::{CARGO_CONFIG, OF_EXAMPLES, clear, command, features, run, workspace};

/// Pack what is published, check its size, and run the program of si-core's README with the packed crate.
///
/// The program is outside the workspace and depends on the unpacked crate. It also has the other dependencies of the
/// workspace: so Burn has the same features as in `cargo build`, and is not compiled again.
#[derive(Args)]
pub(crate) struct Package {
    /// Give the program only the dependencies in the README. This compiles Burn for it, and finds features of other crates
    /// that si-core uses without asking for them
    #[arg(long)]
    pub(crate) alone: bool,
}

/// The largest file that crates.io takes, in bytes.
const LIMIT: u64 = 10 * MIB;
const MIB: u64 = 1024 * 1024;

/// The folder with the unpacked crates and the program, below the workspace.
const FOLDER: &str = "target/package-trial";

/// The crate whose README is tried.
const LIBRARY: &str = "si-core";

impl Package {
    pub(crate) fn run(&self) -> Result<()> {
        let metadata = output(command("cargo metadata --no-deps --format-version 1")?)?;
        let metadata: Value = serde_json::from_str(&metadata).context("cargo writes JSON")?;
        let target = metadata["target_directory"].as_str().map(PathBuf::from);
        let target = target.context("cargo names its target folder")?;
        let members = metadata["packages"].as_array();
        let members = members.context("cargo lists the packages")?;

        let published = pack(members, &target)?;
        let version = published.get(LIBRARY);
        let version = version.with_context(|| format!("{LIBRARY} is not published"))?;
        let library = workspace().join(format!("{FOLDER}/{LIBRARY}-{version}"));
        let readme = read(&library.join("README.md"))?;

        let mut manifest = stated_manifest(&readme, &library)?;
        if !self.alone {
            share_build(&mut manifest, members)?;
        }
        let program = workspace().join(FOLDER).join("program");
        write(&program.join("Cargo.toml"), &manifest.to_string())?;
        write(&program.join("src/main.rs"), block(&readme, "rust")?)?;
        // The versions of the workspace: cargo removes those that the program does not need.
        write(
            &program.join("Cargo.lock"),
            &read(&workspace().join("Cargo.lock"))?,
        )?;
        let mut cargo = Command::new("cargo");
        // Offline, cargo takes no newer version than the workspace has.
        cargo
            .current_dir(program)
            .args(["run", "--offline", "--target-dir"])
            .arg(target);
        if let Some(config) = env::var_os(CARGO_CONFIG) {
            cargo.arg("--config").arg(workspace().join(config));
        }
        run(cargo)
    }
}

/// Packs the members that are published, checks the size of each, and unpacks it in [`FOLDER`]. Gives their versions by
/// their names.
fn pack(members: &[Value], target: &Path) -> Result<BTreeMap<String, String>> {
    let named = |member: &Value, key: &str| member[key].as_str().map(String::from);
    let published: BTreeMap<String, String> = members
        .iter()
        .filter(|member| member["publish"].is_null())
        .filter_map(|member| Some((named(member, "name")?, named(member, "version")?)))
        .collect();
    let mut package = command("cargo package --no-verify --allow-dirty")?;
    package.args(published.keys().flat_map(|name| ["-p", name]));
    run(package)?;

    clear(FOLDER)?;
    let folder = workspace().join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, version) in &published {
        let file = target.join(format!("package/{name}-{version}.crate"));
        let size = fs::metadata(&file);
        let size = size.with_context(|| format!("cannot read {}", file.display()))?;
        let mib = size.len() as f64 / MIB as f64;
        ensure!(
            size.len() <= LIMIT,
            "{} has {mib:.2} MiB, and crates.io takes at most {}: leave files out by `exclude` in its manifest",
            file.display(),
            LIMIT / MIB
        );
        println!("{} has {mib:.2} of {} MiB", file.display(), LIMIT / MIB);
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(file).arg("-C").arg(&folder);
        run(tar)?;
    }
    Ok(published)
}

/// The manifest in the README, as that of a program that takes the library from a folder.
fn stated_manifest(readme: &str, library: &Path) -> Result<Table> {
    let stated: Table = block(readme, "toml")?
        .parse()
        .context("the manifest in the README is not TOML")?;
    let program =
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let mut manifest: Table = program.parse()?;
    manifest.extend(stated);
    let dependencies = manifest.get_mut("dependencies");
    let entry = dependencies.and_then(|it| it.get_mut(LIBRARY));
    let entry = entry.with_context(|| format!("the manifest in the README lacks {LIBRARY}"))?;
    let version = entry.as_str().map(String::from);
    let version = version.context("the README gives a version alone")?;
    // Cargo refuses the folder if it holds another version.
    let from_folder = Table::from_iter([
        ("version".to_string(), version.into()),
        ("path".to_string(), library.display().to_string().into()),
    ]);
    *entry = from_folder.into();
    Ok(manifest)
}

/// Gives the program what decides how a dependency is compiled in the workspace: its profile, the features that it is built
/// with, and all its dependencies. Cargo unites the features that several crates ask for.
fn share_build(manifest: &mut Table, members: &[Value]) -> Result<()> {
    let names: Vec<&str> = members
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let shared: Table = read(&workspace().join("Cargo.toml"))?.parse()?;
    let mut profile = shared["profile"].clone();
    let packages = profile
        .get_mut("dev")
        .and_then(|dev| dev.get_mut("package"));
    if let Some(packages) = packages.and_then(toml::Value::as_table_mut) {
        packages.retain(|package, _| package == LIBRARY || !names.contains(&package));
    }
    manifest.insert("profile".to_string(), profile);

    let dependencies = manifest["dependencies"].as_table_mut();
    let dependencies = dependencies.context("dependencies are a table")?;
    dependencies.extend(shared_dependencies(members)?);
    let features = features()
        .split(',')
        .filter(|feature| !feature.is_empty() && *feature != OF_EXAMPLES);
    let features: toml::value::Array = features.map(toml::Value::from).collect();
    if let Some(library) = dependencies[LIBRARY].as_table_mut() {
        library.insert("features".to_string(), features.into());
    }
    Ok(())
}

/// What the members depend on and the build with [`features`] compiles, as entries of a manifest.
fn shared_dependencies(members: &[Value]) -> Result<Table> {
    let mut tree =
        command("cargo tree --workspace --edges normal --depth 1 --prefix none --format {p}")?;
    tree.args(["--features", features()]);
    let tree = output(tree)?;
    let compiled: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut shared = Table::new();
    for dependency in members
        .iter()
        .flat_map(|it| it["dependencies"].as_array())
        .flatten()
    {
        let is_for_all_builds = dependency["kind"].is_null() && dependency["target"].is_null();
        let is_elsewhere = !dependency["source"].is_null();
        let name = dependency["name"].as_str().unwrap_or_default();
        if !is_for_all_builds || !is_elsewhere || !compiled.contains(name) {
            continue;
        }
        let version = dependency["req"].as_str().unwrap_or_default();
        let new = Table::from_iter([
            ("version".to_string(), version.into()),
            ("default-features".to_string(), false.into()),
            ("features".to_string(), toml::value::Array::new().into()),
        ]);
        let entry = shared.entry(name).or_insert(new.into());
        if dependency["uses_default_features"] == true {
            entry["default-features"] = true.into();
        }
        let features = dependency["features"].as_array().into_iter().flatten();
        if let Some(all) = entry["features"].as_array_mut() {
            all.extend(features.filter_map(Value::as_str).map(toml::Value::from));
        }
    }
    Ok(shared)
}

/// The first block of code in this language on a page.
fn block<'a>(page: &'a str, language: &str) -> Result<&'a str> {
    let begin = format!("```{language}\n");
    let (_, rest) = page
        .split_once(&begin)
        .with_context(|| format!("the README has no block of {language}"))?;
    Ok(rest.split("```").next().unwrap_or(rest))
}

fn output(mut command: Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "cargo failed: {}", output.status);
    String::from_utf8(output.stdout).context("cargo writes UTF-8")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file, and makes its folder.
fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("cannot write {}", path.display()))
}
