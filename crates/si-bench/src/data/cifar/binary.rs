use std::io::BufRead;

use super::NUM_PIXELS;
use crate::data::{flaw::Flaw, gzip::read_up_to, raw::RawImages};

/// A file of records. Each has the labels of an image, of which the last is its class, and then its
/// pixels, `[channels, height, width]`.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct BinaryLayout {
    /// Number of records.
    pub(super) num_images: usize,
    /// Number of labels in a record, one byte each.
    pub(super) num_label_bytes: usize,
}

impl BinaryLayout {
    /// That many records, each with that many labels.
    pub(in crate::data) const fn of(num_images: usize, num_label_bytes: usize) -> Self {
        Self {
            num_images,
            num_label_bytes,
        }
    }

    /// Size of the file in bytes.
    pub(in crate::data) fn size(&self) -> u64 {
        (self.num_images * self.record_size()) as u64
    }

    /// Reads the whole of `source`.
    pub(in crate::data) fn decode(&self, source: &mut dyn BufRead) -> Result<RawImages, Flaw> {
        let expected = || {
            format!(
                "{} records of {} bytes, {} in all",
                self.num_images,
                self.record_size(),
                self.size()
            )
        };
        let content = |found: String| Flaw::Content {
            expected: expected(),
            found,
        };
        let failed = |error| Flaw::of_reading(error, expected());
        let mut images = RawImages {
            pixels: Vec::with_capacity(self.num_images * NUM_PIXELS),
            labels: Vec::with_capacity(self.num_images),
        };
        for index in 0..self.num_images {
            let record = read_up_to(source, self.record_size()).map_err(failed)?;
            let (labels, pixels) = record
                .split_at_checked(self.num_label_bytes)
                .filter(|(_, pixels)| pixels.len() == NUM_PIXELS)
                .ok_or_else(|| {
                    let length = index * self.record_size() + record.len();
                    content(format!("{length} bytes"))
                })?;
            images.labels.extend(labels.last());
            images.pixels.extend(pixels);
        }
        if !read_up_to(source, 1).map_err(failed)?.is_empty() {
            return Err(content("more bytes".to_string()));
        }
        Ok(images)
    }

    fn record_size(&self) -> usize {
        self.num_label_bytes + NUM_PIXELS
    }
}
