use std::io::BufRead;

use super::{
    archive, cifar,
    flaw::Flaw,
    idx,
    images::first_above,
    raw::{RawSplits, Split},
};

/// One of the forms in which a data set is published: files that together hold all of it.
pub(super) struct Form {
    /// The folder that unpacking creates, if these files come from an archive that is another form.
    pub(super) unpacked_folder: Option<&'static str>,
    /// The files, in the order of the images in them.
    pub(super) files: &'static [OfficialFile],
    /// Addresses, in the order to try. `{file}` is a placeholder for the name of a file.
    pub(super) mirrors: &'static [&'static str],
}

/// A published file of a data set.
pub(super) struct OfficialFile {
    /// Its name, without the ending `.gz` of the compressed file.
    pub(super) name: &'static str,
    /// Its content.
    pub(super) content: Content,
    /// md5 of the file with this name, if known.
    pub(super) plain_md5: Option<&'static str>,
    /// The compressed file, if mirrors serve it compressed.
    pub(super) packed: Option<PackedFile>,
    /// The file inside the program, if it is included.
    pub(super) boxed: Option<Boxed>,
}

/// Gives the uncompressed content of a file that is included in the program.
pub(super) type Boxed = fn() -> Vec<u8>;

/// An official file compressed with gzip; its name ends in `.gz`.
pub(super) struct PackedFile {
    /// md5 of the compressed file.
    pub(super) md5: &'static str,
}

/// The content of a file of a data set.
pub(super) enum Content {
    /// An array of unsigned bytes in the IDX format: `[images, height, width]`, or `[images]` for
    /// labels.
    Idx {
        split: Split,
        dimensions: &'static [usize],
    },
    /// CIFAR's binary version.
    CifarBinary {
        split: Split,
        layout: cifar::BinaryLayout,
    },
    /// A gzipped tar archive of these files.
    Archive { files: &'static [OfficialFile] },
}

impl Form {
    /// Names of the files, for sentences.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(|file| file.name).collect();
        names.join(", ")
    }

    /// Whether its files are archives of others.
    pub(super) fn is_archived(&self) -> bool {
        self.files
            .iter()
            .any(|file| matches!(file.content, Content::Archive { .. }))
    }
}

impl OfficialFile {
    /// Its name on the mirrors.
    pub(super) fn served_name(&self) -> String {
        match self.packed {
            Some(_) => self.packed_name(),
            None => self.name.to_string(),
        }
    }

    /// md5 of the file that mirrors serve.
    pub(super) fn served_md5(&self) -> Option<&'static str> {
        match &self.packed {
            Some(packed) => Some(packed.md5),
            None => self.plain_md5,
        }
    }

    /// The name of the compressed file.
    pub(super) fn packed_name(&self) -> String {
        format!("{}.gz", self.name)
    }

    /// Size of the uncompressed content in bytes, or more.
    pub(super) fn max_size(&self) -> u64 {
        match &self.content {
            Content::Idx { dimensions, .. } => idx::size(dimensions),
            Content::CifarBinary { layout, .. } => layout.size(),
            Content::Archive { files } => archive::max_size(files),
        }
    }

    /// Reads the file from `source` and checks its structure. Labels must be below `num_classes`.
    pub(super) fn decode(
        &self,
        source: &mut dyn BufRead,
        num_classes: usize,
    ) -> Result<RawSplits, Flaw> {
        let mut splits = RawSplits::default();
        match &self.content {
            Content::Idx { split, dimensions } => {
                let elements = idx::decode(source, dimensions)?;
                let images = splits.part(*split);
                match dimensions {
                    [_] => images.labels = elements,
                    _ => images.pixels = elements,
                }
            }
            Content::CifarBinary { split, layout } => {
                *splits.part(*split) = layout.decode(source)?;
            }
            Content::Archive { files } => splits = archive::decode(source, files, num_classes)?,
        }
        for images in [&splits.train, &splits.test] {
            if let Some((index, label)) = first_above(&images.labels, num_classes) {
                return Err(Flaw::Content {
                    expected: format!("labels below {num_classes}"),
                    found: format!("{label} for image {index}"),
                });
            }
        }
        Ok(splits)
    }
}
