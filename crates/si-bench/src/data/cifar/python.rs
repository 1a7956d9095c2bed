use std::io::{BufRead, Read};

use super::NUM_PIXELS;
use crate::data::{
    flaw::Flaw,
    pickle::{self, Array, Value},
    raw::RawImages,
};

/// A pickled dictionary with an array of pixels, `[images, 3072]`, and a list of labels.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct PythonLayout {
    /// Number of images.
    pub(super) num_images: usize,
    /// The key of the labels.
    pub(super) label_key: &'static str,
}

impl PythonLayout {
    /// An upper bound of the file's size in bytes. Python 3 writes old pickles with up to two bytes
    /// for one byte of the array, and the file also has the names of the image files.
    pub(in crate::data) fn max_size(&self) -> u64 {
        (self.num_images * (2 * NUM_PIXELS + 256) + (1 << 16)) as u64
    }

    /// Reads the whole of `source`.
    pub(in crate::data) fn decode(&self, source: &mut dyn BufRead) -> Result<RawImages, Flaw> {
        let expected = || {
            format!(
                "a pickled dictionary with {} images and {:?}",
                self.num_images, self.label_key
            )
        };
        let content = |found: String| Flaw::Content {
            expected: expected(),
            found,
        };
        let mut bytes = Vec::new();
        source
            .take(self.max_size() + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Flaw::of_reading(error, expected()))?;
        if bytes.len() as u64 > self.max_size() {
            return Err(content(format!("more than {} bytes", self.max_size())));
        }
        let mut batch = pickle::parse(&bytes).map_err(content)?;
        Ok(RawImages {
            labels: self.labels(&mut batch).map_err(content)?,
            pixels: self.pixels(&mut batch).map_err(content)?,
        })
    }

    fn pixels(&self, batch: &mut Value) -> Result<Vec<u8>, String> {
        let Some(Value::Array(array)) = batch.take("data") else {
            return Err("no array under \"data\"".to_string());
        };
        match array.shape[..] {
            [num_images, NUM_PIXELS] if num_images == self.num_images => Ok(row_by_row(array)),
            _ => Err(format!("an array of the shape {:?}", array.shape)),
        }
    }

    fn labels(&self, batch: &mut Value) -> Result<Vec<u8>, String> {
        let Some(Value::List(labels)) = batch.take(self.label_key) else {
            return Err(format!("no list under {:?}", self.label_key));
        };
        if labels.len() != self.num_images {
            return Err(format!("{} labels", labels.len()));
        }
        labels
            .iter()
            .enumerate()
            .map(|(index, label)| match label {
                Value::Int(label) => {
                    u8::try_from(*label).map_err(|_| format!("the label {label} for image {index}"))
                }
                _ => Err(format!("a label that is not a number for image {index}")),
            })
            .collect()
    }
}

/// The elements of a matrix; the last dimension runs fastest.
fn row_by_row(array: Array) -> Vec<u8> {
    if !array.is_fortran {
        return array.bytes.into_owned();
    }
    let num_rows = array.bytes.len() / NUM_PIXELS;
    let columns = array.bytes.chunks_exact(num_rows);
    let mut elements = vec![0; array.bytes.len()];
    for (index, column) in columns.enumerate() {
        for (row, element) in column.iter().enumerate() {
            elements[row * NUM_PIXELS + index] = *element;
        }
    }
    elements
}
