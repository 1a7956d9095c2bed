//! Burn's records, by the names of their entries. Burn itself loads a record only into a module with the same
//! paths and shapes; this shows what a record holds before that.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use burn::module::ParamId;
use burn::tensor::{Bytes, DType, TensorData};
use burn_pack::{Reader, Scalar, Tensor, Writer};

/// A record, by the names of its entries.
#[derive(Debug)]
pub(crate) struct Pack {
    tensors: BTreeMap<String, Tensor>,
    /// Numbers that an optimizer keeps in addition to its tensors.
    scalars: BTreeMap<String, Scalar>,
}

/// Where the record is that was saved by Burn as `path`: Burn adds `.bpk` if there is no extension. A file that has the name
/// without one may be older.
pub(crate) fn saved_as(path: &Path) -> PathBuf {
    let with_extension = path.with_extension(burn_pack::EXTENSION);
    if path.extension().is_none() && with_extension.exists() {
        with_extension
    } else {
        path.to_path_buf()
    }
}

/// The kind of numbers in a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Floats, including quantized ones.
    Float,
    /// Integers.
    Int,
    /// Booleans.
    Bool,
}

impl Pack {
    /// Reads the record in `bytes` without copying any tensor. The error says what is wrong.
    pub(crate) fn read(bytes: Bytes) -> Result<Self, String> {
        let reader = Reader::from_bytes(bytes).map_err(|error| error.to_string())?;
        let scalars = reader.scalars().clone();
        let tensors = reader.into_tensors().map_err(|error| error.to_string())?;
        let named = |tensor: Tensor| (tensor.name.clone(), tensor);
        Ok(Self {
            tensors: tensors.into_iter().map(named).collect(),
            scalars,
        })
    }

    /// Whether a file that begins with `bytes` is a Burn record.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&burn_pack::MAGIC_NUMBER.to_le_bytes())
    }

    /// The names of the tensors, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The numbers of a tensor, as stored in the record. `None` if there is no such tensor, or if it holds booleans
    /// or is quantized.
    pub(crate) fn tensor(&self, name: &str) -> Option<TensorData> {
        let tensor = self.tensors.get(name)?;
        let bytes = tensor.to_bytes().ok().filter(|_| is_plain(tensor.dtype))?;
        Some(TensorData::from_bytes(
            bytes,
            tensor.shape.clone(),
            tensor.dtype,
        ))
    }

    /// The kind of the tensor with that name, if there is one.
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        self.tensors.get(name).map(|tensor| match tensor.dtype {
            DType::Bool(_) => Kind::Bool,
            dtype if is_plain(dtype) && !dtype.is_float() => Kind::Int,
            _ => Kind::Float,
        })
    }

    /// The types of the numbers in it, without booleans and quantized numbers.
    pub(crate) fn dtypes(&self) -> impl Iterator<Item = DType> {
        let dtypes = self.tensors.values().map(|tensor| tensor.dtype);
        dtypes.filter(|dtype| is_plain(*dtype))
    }

    /// Whether it can be an optimizer's state, which is stored by parameter id.
    pub(crate) fn is_of_optimizer(&self) -> bool {
        let is_ranked = |name: &str| {
            let (id, _) = name.split_once('.').unwrap_or_default();
            self.scalars.contains_key(&format!("{id}.{RANK}"))
        };
        let mut tensors = self.tensors.iter();
        tensors.all(|(name, tensor)| tensor.param_id.is_some() && is_ranked(name))
    }

    /// The names of the state that an optimizer keeps for each parameter, sorted.
    pub(crate) fn state_names(&self) -> Vec<&str> {
        let keys = self.tensors.keys().chain(self.scalars.keys());
        let names = keys.filter_map(|name| name.split_once('.').map(|(_, name)| name));
        let mut names: Vec<&str> = names.filter(|name| *name != RANK).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// An entry of this record that `other` does not have, or has with another shape or number.
    pub(crate) fn difference(&self, other: &Self) -> Option<&str> {
        let mut tensors = self.tensors.iter();
        let tensor = tensors.find(|(name, tensor)| {
            let other = other.tensors.get(*name);
            other.is_none_or(|other| other.shape != tensor.shape)
        });
        let mut scalars = self.scalars.iter();
        let mut scalar =
            || scalars.find(|(name, scalar)| other.scalars.get(*name) != Some(*scalar));
        let name = tensor.map(|(name, _)| name);
        name.or_else(|| scalar().map(|(name, _)| name))
            .map(String::as_str)
    }
}

/// The record of an optimizer without its state of these parameters.
pub(crate) fn without_parameters(bytes: Bytes, parameters: &[ParamId]) -> Result<Bytes, String> {
    let dropped: HashSet<String> = parameters.iter().map(|id| id.val().to_string()).collect();
    let is_kept = |name: &str| {
        let (id, _) = name.split_once('.').unwrap_or((name, ""));
        !dropped.contains(id)
    };
    let reader = Reader::from_bytes(bytes).map_err(|error| error.to_string())?;
    let (metadata, scalars) = (reader.metadata().clone(), reader.scalars().clone());
    let tensors = reader.into_tensors().map_err(|error| error.to_string())?;
    let tensors = tensors.into_iter().filter(|tensor| is_kept(&tensor.name));
    let mut writer = Writer::new(tensors.collect());
    for (key, value) in metadata.iter().filter(|(key, _)| is_kept(key)) {
        writer = writer.with_metadata(key, value);
    }
    for (key, value) in scalars.iter().filter(|(key, _)| is_kept(key)) {
        writer = writer.with_scalar(key, *value);
    }
    writer.into_bytes().map_err(|error| error.to_string())
}

/// The entry for a parameter's number of dimensions, in its optimizer's record.
pub(crate) const RANK: &str = "__rank";

/// Whether the type is one of plain numbers: neither boolean nor quantized.
fn is_plain(dtype: DType) -> bool {
    !matches!(dtype, DType::Bool(_) | DType::QFloat(_))
}

#[cfg(test)]
mod tests;
