use std::{
    env,
    path::{Path, PathBuf},
};

use super::DataSet;

/// The folders in which data sets are searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFolders {
    /// A folder named by the user. The structure of its files is checked.
    pub given: Option<PathBuf>,
    /// The folder for downloads. Its files are checked against the official sums.
    pub cache: Option<PathBuf>,
}

impl DataFolders {
    /// The folder `data_dir`, or the one in `SI_DATA_DIR` if it is `None`; and this platform's
    /// cache folder (`~/.cache/synaptic-intelligence` on Linux).
    pub fn find(data_dir: Option<&Path>) -> Self {
        let given = data_dir.map(Path::to_path_buf).or_else(|| {
            env::var_os(DATA_DIR_VARIABLE)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        });
        Self {
            given,
            cache: cache_folder(),
        }
    }

    /// The folder for downloads of `data_set`.
    pub(super) fn cache_of(&self, data_set: DataSet) -> Option<PathBuf> {
        self.cache
            .as_ref()
            .map(|folder| folder.join(data_set.name()))
    }

    /// What the user can do by hand if files of `data_set` are missing.
    pub(super) fn remedy(&self, data_set: DataSet) -> String {
        let cache = self
            .cache_of(data_set)
            .map(|folder| format!("into {} or ", folder.display()))
            .unwrap_or_default();
        let condition = if data_set.row().main_form().is_archived() {
            "packed or unpacked"
        } else {
            "plain, or compressed with the ending .gz"
        };
        let build = if data_set == DataSet::Mnist && !data_set.is_in_the_box() {
            "build this program with the cargo feature mnist, which includes it, or "
        } else {
            ""
        };
        format!(
            "{build}put {} ({condition}) {cache}into a folder given by --data-dir or {DATA_DIR_VARIABLE}",
            data_set.row().main_form().names()
        )
    }
}

/// This project's folder in the platform's cache folder.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    dirs::cache_dir().map(|folder| folder.join(CACHE_NAME))
}

const DATA_DIR_VARIABLE: &str = "SI_DATA_DIR";
const CACHE_NAME: &str = "synaptic-intelligence";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_given_comes_before_the_environment() {
        let folders = DataFolders::find(Some(Path::new("somewhere")));
        assert_eq!(folders.given, Some(PathBuf::from("somewhere")));
    }

    #[test]
    fn each_data_set_has_its_own_cache() {
        let folders = DataFolders {
            given: None,
            cache: Some(PathBuf::from("cache")),
        };
        assert_eq!(
            folders.cache_of(DataSet::FashionMnist),
            Some(Path::new("cache").join("fashion-mnist"))
        );
    }
}
