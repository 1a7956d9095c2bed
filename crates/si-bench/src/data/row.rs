use super::official::Form;

/// What is known of a data set: a row of the table in `table.rs`.
pub(super) struct Row {
    /// The name in files, folders and on the command line. Unique.
    pub(super) name: &'static str,
    /// The name in sentences and figures.
    pub(super) title: &'static str,
    /// Shape of an image, `[channels, height, width]`.
    pub(super) image_shape: [usize; 3],
    /// What each class shows, `[classes]`.
    pub(super) class_names: &'static [&'static str],
    /// The forms in which it is published, the fastest to read first.
    pub(super) forms: &'static [Form],
    /// Subfolders of a user's folder that belong only to this data set: our own name, and
    /// torchvision's layout.
    pub(super) subfolders: &'static [&'static str],
    /// The first labels of the test set (the last file), if other data sets have files with the
    /// same names.
    pub(super) first_test_labels: Option<[u8; 10]>,
}

impl Row {
    /// The form to download, or to name if no form is present: the first that is not made by
    /// unpacking another.
    pub(super) fn main_form(&self) -> &'static Form {
        self.forms
            .iter()
            .find(|form| form.unpacked_folder.is_none())
            .unwrap_or(&self.forms[0])
    }
}
