//! The bytes of a SafeTensors file: the length of a header, the header, and the numbers.
//!
//! The crate that reads these files writes metadata in an order that varies. So they are written here: the
//! same state always gives the same file.

use std::collections::BTreeMap;

use burn::tensor::{DType, TensorData, bf16, f16};
use safetensors::Dtype;
use serde::Serialize;

use super::SafeTensorsError;

/// A tensor as stored in a file.
pub(super) struct Entry {
    pub(super) name: String,
    precision: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Entry {
    pub(super) fn new(name: String, data: TensorData) -> Result<Self, SafeTensorsError> {
        // Little-endian, whatever the machine is.
        let (precision, bytes) = match data.dtype() {
            DType::F64 => (
                Dtype::F64,
                data.iter::<f64>().flat_map(f64::to_le_bytes).collect(),
            ),
            DType::F32 | DType::Flex32 => (
                Dtype::F32,
                data.iter::<f32>().flat_map(f32::to_le_bytes).collect(),
            ),
            DType::F16 => (
                Dtype::F16,
                data.iter::<f16>().flat_map(f16::to_le_bytes).collect(),
            ),
            DType::BF16 => (
                Dtype::BF16,
                data.iter::<bf16>().flat_map(bf16::to_le_bytes).collect(),
            ),
            other => {
                return Err(SafeTensorsError::Precision {
                    name,
                    found: format!("{other:?}"),
                });
            }
        };
        Ok(Self {
            name,
            precision,
            shape: data.shape().to_vec(),
            bytes,
        })
    }
}

#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    tensors: BTreeMap<&'a str, Info<'a>>,
}

#[derive(Serialize)]
struct Info<'a> {
    dtype: Dtype,
    shape: &'a [usize],
    data_offsets: [usize; 2],
}

/// The header's length is a multiple of this, so that the numbers after it are aligned for their type.
const ALIGNMENT: usize = 8;

pub(super) fn encode(mut entries: Vec<Entry>, metadata: BTreeMap<&'static str, String>) -> Vec<u8> {
    // The widest type first, so that each tensor begins at a multiple of its type's width.
    entries.sort_by(|one, other| {
        let widest = other.precision.cmp(&one.precision);
        widest.then_with(|| one.name.cmp(&other.name))
    });
    let mut end = 0;
    let tensors = entries.iter().map(|entry| {
        let start = end;
        end += entry.bytes.len();
        let info = Info {
            dtype: entry.precision,
            shape: &entry.shape,
            data_offsets: [start, end],
        };
        (entry.name.as_str(), info)
    });
    let tensors = tensors.collect();
    let mut header = serde_json::to_vec(&Header { metadata, tensors })
        .expect("names, numbers and lists have a form in JSON");
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');

    let mut bytes = Vec::with_capacity(ALIGNMENT + header.len() + end);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    for entry in entries {
        bytes.extend(entry.bytes);
    }
    bytes
}
