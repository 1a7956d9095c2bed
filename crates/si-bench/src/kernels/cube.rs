//! The settings of CubeCL, on which these backends are built, and its database.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{self, Path, PathBuf};

use burn_cubecl::cubecl::config::cache::CacheConfig;
use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn_cubecl::cubecl::environment;
use burn_cubecl::cubecl::records::RecordLevel;
use cubecl_environment::persistence::{Access, Database, Insertion, Origin};
use toml::Table;

use crate::Error;
use crate::data::cache_folder;

use super::KeptKernels;

/// The environment variable with the database's folder, or with [`OFF`].
const VARIABLE: &str = "SI_KERNEL_CACHE";
const OFF: &str = "off";

/// The database's folder in this project's cache folder.
const FOLDER: &str = "kernels";

/// How the names of the entries begin that hold choices, and those that hold kernels.
const TUNED: &str = "autotune/";
const COMPILED: [&str; 3] = ["cuda/", "hip/", "vulkan/"];

/// Where an entry is written to see whether the database can be written.
const CHECK: &str = "si/check";

/// Where kernels are kept.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Nowhere.
    Off,
    /// In the folder that the variable names.
    Given(PathBuf),
    /// In this folder, unless the settings of CubeCL name another one.
    Default(PathBuf),
}

impl Place {
    /// `variable` is the value of [`VARIABLE`], and `cache` is this project's cache folder.
    fn new(variable: Option<&OsStr>, cache: Option<PathBuf>) -> Option<Self> {
        match variable.filter(|value| !value.is_empty()) {
            Some(value) if value == OFF => Some(Self::Off),
            // It stays the same folder for a process that runs in another one.
            Some(value) => Some(Self::Given(
                path::absolute(value).unwrap_or_else(|_| value.into()),
            )),
            None => cache.map(|cache| Self::Default(cache.join(FOLDER))),
        }
    }
}

pub(super) fn keep() {
    let Some(place) = Place::new(env::var_os(VARIABLE).as_deref(), cache_folder()) else {
        return;
    };
    let own = env::current_dir().map(|folder| settings_above(&folder));
    let is_build_known = buildid::build_id().is_some();
    let config = config(own.unwrap_or_default(), place, is_build_known);
    if !CubeClRuntimeConfig::try_set(config.override_from_env()) {
        log::warn!("kernels are not kept, because a device was used before");
    }
}

pub(super) fn kept() -> Result<Option<KeptKernels>, Error> {
    let Some(file) = file() else {
        return Ok(None);
    };
    let mut kept = KeptKernels {
        num_compiled: 0,
        num_tuned: 0,
        num_bytes: num_bytes(&file),
        file,
    };
    // To open a database makes it.
    if !kept.file.is_file() {
        return Ok(Some(kept));
    }
    for namespace in open(&kept.file)?.summary() {
        let is_in = |root: &&str| namespace.namespace.starts_with(*root);
        if is_in(&TUNED) {
            kept.num_tuned += namespace.entries;
        } else if COMPILED.iter().any(is_in) {
            kept.num_compiled += namespace.entries;
        }
    }
    Ok(Some(kept))
}

pub(super) fn check() -> Result<(), Error> {
    file().map_or(Ok(()), |file| check_file(&file))
}

/// Opens the database and writes to it. Opening is not enough: one that cannot be written is opened for reading.
fn check_file(file: &Path) -> Result<(), Error> {
    match open(file)?.replace(CHECK, b"written", b"1", Origin::Local) {
        Insertion::Failed(reason) => Err(error(file, reason)),
        Insertion::Stored | Insertion::Conflict(_) => Ok(()),
    }
}

/// The database of this process. `None` if nothing is kept.
fn file() -> Option<PathBuf> {
    // This also applies the settings, which name the file.
    let config = CubeClRuntimeConfig::get();
    let keeps = config.compilation.cache || !config.autotune.disable_cache;
    keeps.then(environment::path)
}

fn open(file: &Path) -> Result<Database, Error> {
    Database::open_at(file, Access::ReadWrite).map_err(|reason| error(file, reason))
}

fn error(file: &Path, reason: String) -> Error {
    Error::Kernels {
        file: file.to_path_buf(),
        reason,
    }
}

/// The size of a database, with the files of its name beside it.
fn num_bytes(file: &Path) -> u64 {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return 0;
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let belongs = |other: &OsStr| {
        let (other, name) = (other.as_encoded_bytes(), name.as_encoded_bytes());
        other.starts_with(name)
    };
    entries
        .filter(|entry| belongs(&entry.file_name()))
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
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

/// The settings of the user, and where they are silent, those that keep kernels in `place`. `own` are settings of CubeCL,
/// as [`settings_above`] returns them.
///
/// CubeCL knows a compiled kernel by its name and by the id that the linker gives a build, not by its code. Without such
/// an id, the kernels of an earlier version of the program would be taken for those of this one.
fn config(own: Table, place: Place, is_build_known: bool) -> CubeClRuntimeConfig {
    let is_silent_on = |[section, key]: [&str; 2]| {
        let section = own.get(section);
        section.and_then(|section| section.get(key)).is_none()
    };
    let keeps_compiled = is_silent_on(["compilation", "cache"]);
    let names_no_folder = is_silent_on(["environment", "path"]);
    let leaves_records = is_silent_on(["environment", "records"]);
    let mut config: CubeClRuntimeConfig = own.try_into().unwrap_or_default();
    if keeps_compiled {
        config.compilation.cache = is_build_known;
    }
    if leaves_records {
        // How each kernel was made would fill the database, and nothing here reads it.
        config.environment.records.level = RecordLevel::Off;
    }
    match place {
        Place::Off => {
            config.compilation.cache = false;
            config.autotune.disable_cache = true;
            config.throughput.disable_cache = true;
        }
        Place::Given(folder) => config.environment.path = CacheConfig::Directory(folder),
        Place::Default(folder) if names_no_folder => {
            config.environment.path = CacheConfig::Directory(folder);
        }
        Place::Default(_) => {}
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_of(own: &str, place: Place) -> CubeClRuntimeConfig {
        config(own.parse().expect("it is TOML"), place, true)
    }

    fn default_place() -> Place {
        Place::Default(PathBuf::from("/cache/kernels"))
    }

    #[test]
    fn compiled_and_tuned_kernels_are_kept_in_the_cache_by_default() {
        let config = config_of("", default_place());
        assert!(config.compilation.cache);
        assert!(!config.autotune.disable_cache);
        assert_eq!(config.environment.path.root(), Path::new("/cache/kernels"));
        assert_eq!(config.environment.records.level, RecordLevel::Off);
    }

    #[test]
    fn only_tuning_is_kept_if_builds_cannot_be_told_apart() {
        let config = config(Table::new(), default_place(), false);
        assert!(!config.compilation.cache);
        assert!(!config.autotune.disable_cache);
    }

    #[test]
    fn what_the_user_has_set_stays_and_the_rest_is_kept() {
        let config = config_of("[compilation]\ncache = false\n", default_place());
        assert!(!config.compilation.cache);
        assert_eq!(config.environment.path.root(), Path::new("/cache/kernels"));

        let config = config_of(
            "[environment]\npath = { directory = \"/mine\" }\nrecords = { level = \"full\" }\n\
             [autotune]\ndisable_cache = true\n",
            default_place(),
        );
        assert!(config.compilation.cache);
        assert!(config.autotune.disable_cache);
        assert_eq!(config.environment.path.root(), Path::new("/mine"));
        assert_eq!(config.environment.records.level, RecordLevel::Full);
    }

    #[test]
    fn the_variable_moves_the_database_or_turns_it_off_and_is_stronger_than_a_file() {
        let cache = || Some(PathBuf::from("/cache"));
        let place = |value: &str| Place::new(Some(OsStr::new(value)), cache());
        assert_eq!(Place::new(None, cache()), Some(default_place()));
        assert_eq!(place(""), Some(default_place()));
        assert_eq!(place("off"), Some(Place::Off));
        assert_eq!(Place::new(None, None), None);

        let file = "[compilation]\ncache = true\n[environment]\npath = { directory = \"/mine\" }\n";
        let here = env::current_dir().expect("there is a folder").join("given");
        let config = config_of(file, place("given").expect("a place"));
        assert!(config.compilation.cache);
        assert_eq!(config.environment.path.root(), here);

        let config = config_of(file, Place::Off);
        assert!(!config.compilation.cache);
        assert!(config.autotune.disable_cache);
    }

    #[test]
    fn a_database_that_can_be_written_passes_the_check_and_has_a_size() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("made/default.db");
        assert_eq!(num_bytes(&file), 0);
        for _ in 0..2 {
            check_file(&file).expect("it can be written");
        }
        assert!(num_bytes(&file) > 0);
    }

    #[test]
    fn a_database_that_cannot_be_made_is_an_error_that_names_its_file_and_says_what_to_do() {
        let taken = tempfile::NamedTempFile::new().expect("a file can be made");
        let file = taken.path().join("default.db");
        let error = check_file(&file).expect_err("a file stands where the folder should be");
        let text = error.to_string();
        for part in [&file.display().to_string(), "SI_KERNEL_CACHE=off"] {
            assert!(text.contains(part), "{text}");
        }
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
