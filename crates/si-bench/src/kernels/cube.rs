//! The settings of CubeCL, on which these backends are built, and its database.

use std::env;
use std::fs;
use std::path::Path;

use burn_cubecl::cubecl::config::cache::CacheConfig;
use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn_cubecl::cubecl::environment;
use burn_cubecl::cubecl::records::RecordLevel;
use toml::Table;

use crate::data::cache_folder;

use super::KeptKernels;

/// The database's folder in this project's cache folder.
const FOLDER: &str = "kernels";

/// How the names of the entries begin that hold choices, and those that hold kernels.
const TUNED: &str = "autotune/";
const COMPILED: [&str; 4] = ["cuda/", "hip/", "metal/", "vulkan/"];

pub(super) fn keep() {
    let Some(cache) = cache_folder() else {
        return;
    };
    let own = env::current_dir().map(|folder| settings_above(&folder));
    let is_build_known = buildid::build_id().is_some();
    if let Some(config) = config(own.unwrap_or_default(), &cache.join(FOLDER), is_build_known)
        && !CubeClRuntimeConfig::try_set(config.override_from_env())
    {
        log::warn!("kernels are not kept, because a device was used before");
    }
}

pub(super) fn kept() -> Option<KeptKernels> {
    // This applies the settings, which name the file.
    CubeClRuntimeConfig::get();
    let file = environment::path();
    if !file.is_file() {
        return None;
    }
    let mut kept = KeptKernels {
        file,
        num_compiled: 0,
        num_tuned: 0,
        num_bytes: 0,
    };
    for namespace in environment::namespaces() {
        let is_in = |root: &&str| namespace.namespace.starts_with(*root);
        if is_in(&TUNED) {
            kept.num_tuned += namespace.entries;
        } else if COMPILED.iter().any(|root| is_in(root)) {
            kept.num_compiled += namespace.entries;
        }
        kept.num_bytes += namespace.bytes;
    }
    Some(kept)
}

/// The user's settings in the first file for them, from `folder` upwards. CubeCL searches in the same order.
fn settings_above(folder: &Path) -> Table {
    let found = folder.ancestors().find_map(|folder| {
        let whole = CubeClRuntimeConfig::file_names().iter().find_map(|name| {
            let path = folder.join(name);
            // CubeCL reports a file with an error and goes on to the next one.
            CubeClRuntimeConfig::from_file_path(&path).ok()?;
            table(&path)
        });
        whole.or_else(|| {
            let mut files = CubeClRuntimeConfig::section_file_names().iter();
            files.find_map(|(name, section)| {
                let path = folder.join(name);
                CubeClRuntimeConfig::from_section_file_path(&path, section).ok()?;
                table(&path)?.remove(*section)?.try_into().ok()
            })
        })
    });
    found.unwrap_or_default()
}

fn table(path: &Path) -> Option<Table> {
    fs::read_to_string(path).ok()?.parse().ok()
}

/// The settings of the user, and where they are silent, those that keep kernels in `folder`. `None` if `own` are no
/// settings of CubeCL.
///
/// CubeCL knows a compiled kernel by its name and by the id that the linker gives a build, not by its code. Without such
/// an id, the kernels of an earlier version of the program would be taken for those of this one.
fn config(own: Table, folder: &Path, is_build_known: bool) -> Option<CubeClRuntimeConfig> {
    let is_silent_on = |[section, key]: [&str; 2]| {
        let section = own.get(section);
        section.and_then(|section| section.get(key)).is_none()
    };
    let keeps_compiled = is_silent_on(["compilation", "cache"]);
    let chooses_folder = is_silent_on(["environment", "path"]);
    let leaves_records = is_silent_on(["environment", "records"]);
    let mut config: CubeClRuntimeConfig = own.try_into().ok()?;
    if keeps_compiled {
        config.compilation.cache = is_build_known;
    }
    if chooses_folder {
        config.environment.path = CacheConfig::Directory(folder.to_path_buf());
    }
    if leaves_records {
        // How each kernel was made would fill the database, and nothing here reads it.
        config.environment.records.level = RecordLevel::Off;
    }
    Some(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_of(own: &str) -> CubeClRuntimeConfig {
        let own = own.parse().expect("it is TOML");
        config(own, Path::new("/cache/kernels"), true).expect("these are settings")
    }

    #[test]
    fn compiled_and_tuned_kernels_are_kept_in_the_given_folder_by_default() {
        let config = config_of("");
        assert!(config.compilation.cache);
        assert!(!config.autotune.disable_cache);
        assert_eq!(config.environment.path.root(), Path::new("/cache/kernels"));
        assert_eq!(config.environment.records.level, RecordLevel::Off);
    }

    #[test]
    fn only_tuning_is_kept_if_builds_cannot_be_told_apart() {
        let config = config(Table::new(), Path::new("/cache/kernels"), false);
        let config = config.expect("these are settings");
        assert!(!config.compilation.cache);
        assert!(!config.autotune.disable_cache);
    }

    #[test]
    fn what_the_user_has_set_stays_and_the_rest_is_kept() {
        let config = config_of("[compilation]\ncache = false\n");
        assert!(!config.compilation.cache);
        assert_eq!(config.environment.path.root(), Path::new("/cache/kernels"));

        let config = config_of(
            "[environment]\npath = { directory = \"/mine\" }\nrecords = { level = \"full\" }\n\
             [autotune]\ndisable_cache = true\n",
        );
        assert!(config.compilation.cache);
        assert!(config.autotune.disable_cache);
        assert_eq!(config.environment.path.root(), Path::new("/mine"));
        assert_eq!(config.environment.records.level, RecordLevel::Full);
    }

    #[test]
    fn the_nearest_settings_of_the_user_are_found() {
        let parent = tempfile::tempdir().expect("a folder can be made");
        let (above, here) = (parent.path(), parent.path().join("here"));
        fs::create_dir(&here).expect("a folder can be made");
        let write = |folder: &Path, name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("a file can be written");
        };
        write(above, "cubecl.toml", "[environment]\nname = \"above\"\n");
        let name = || settings_above(&here)["environment"]["name"].clone();
        assert_eq!(name().as_str(), Some("above"));

        // A file of Burn without a section for CubeCL says nothing.
        write(&here, "burn.toml", "[fusion]\n");
        assert_eq!(name().as_str(), Some("above"));
        write(
            &here,
            "burn.toml",
            "[cubecl.environment]\nname = \"section\"\n",
        );
        assert_eq!(name().as_str(), Some("section"));
        write(&here, "cubecl.toml", "[environment]\nname = \"here\"\n");
        assert_eq!(name().as_str(), Some("here"));
        // Nor does a file with an error.
        write(&here, "cubecl.toml", "[compilation]\ncache = \"yes\"\n");
        assert_eq!(name().as_str(), Some("section"));
    }
}
