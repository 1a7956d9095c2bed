//! Burn's records by the names of their entries, which Burn itself gives to a module of the same paths and
//! shapes only: for what wants to know what is in a record first.

use std::collections::{BTreeMap, HashSet};

use burn::module::ParamId;
use burn::tensor::{Bytes, DType, TensorData};
use burn_pack::{Reader, Scalar, Tensor, Writer};

/// A record, by the names of its entries.
#[derive(Debug)]
pub(crate) struct Pack {
    tensors: BTreeMap<String, Tensor>,
    /// Numbers that an optimizer keeps beside its tensors.
    scalars: BTreeMap<String, Scalar>,
}

/// What a tensor is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Fractions, quantized ones too.
    Float,
    /// Whole numbers.
    Int,
    /// Truth values.
    Bool,
}

impl Pack {
    /// Reads what lies in `bytes`, of which no tensor is copied. The error says what is wrong.
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

    /// Whether a file that begins with `bytes` is such a record.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&burn_pack::MAGIC_NUMBER.to_le_bytes())
    }

    /// The names of the tensors, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The numbers of a tensor, as they lie in the record; none if there is no such tensor, or if it
    /// does not hold numbers.
    pub(crate) fn tensor(&self, name: &str) -> Option<TensorData> {
        let tensor = self.tensors.get(name)?;
        let bytes = tensor.to_bytes().ok().filter(|_| is_plain(tensor.dtype))?;
        Some(TensorData::from_bytes(
            bytes,
            tensor.shape.clone(),
            tensor.dtype,
        ))
    }

    /// What a tensor is made of, if there is one of that name.
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        self.tensors.get(name).map(|tensor| match tensor.dtype {
            DType::Bool(_) => Kind::Bool,
            dtype if is_plain(dtype) && !dtype.is_float() => Kind::Int,
            _ => Kind::Float,
        })
    }

    /// The types of numbers that it holds.
    pub(crate) fn dtypes(&self) -> impl Iterator<Item = DType> {
        let dtypes = self.tensors.values().map(|tensor| tensor.dtype);
        dtypes.filter(|dtype| is_plain(*dtype))
    }

    /// Whether it can be the state of an optimizer: of each parameter by its id.
    pub(crate) fn is_of_optimizer(&self) -> bool {
        let is_ranked = |name: &str| {
            let (id, _) = name.split_once('.').unwrap_or_default();
            self.scalars.contains_key(&format!("{id}.{RANK}"))
        };
        let mut tensors = self.tensors.iter();
        tensors.all(|(name, tensor)| tensor.param_id.is_some() && is_ranked(name))
    }

    /// What an optimizer keeps of each parameter, by the names that it has there.
    pub(crate) fn state_names(&self) -> Vec<&str> {
        let keys = self.tensors.keys().chain(self.scalars.keys());
        let names = keys.filter_map(|name| name.split_once('.').map(|(_, name)| name));
        let mut names: Vec<&str> = names.filter(|name| *name != RANK).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// An entry that is not in both, or not of one shape or number.
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

/// The record of an optimizer without what it keeps of these parameters.
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

/// The number of dimensions of a parameter, in the record of its optimizer.
const RANK: &str = "__rank";

/// Whether it is one of plain numbers: not of truth values, and not quantized.
fn is_plain(dtype: DType) -> bool {
    !matches!(dtype, DType::Bool(_) | DType::QFloat(_))
}

#[cfg(test)]
mod tests;
