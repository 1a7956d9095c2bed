use std::borrow::Cow;

/// A Python object.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// `bytes`, or the `str` of Python 2.
    Bytes(Cow<'a, [u8]>),
    /// `unicode`, or the `str` of Python 3.
    Text(&'a str),
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    /// Keys and values in the order of the file. Among equal keys, the last one counts.
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// Something that the pickle refers to by name.
    Name(Name),
    /// An element type of arrays: the unsigned byte.
    ByteType,
    Array(Array<'a>),
}

/// What a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Name {
    /// `numpy.core.multiarray._reconstruct`, which makes an empty array.
    Reconstruct,
    /// `numpy.ndarray`.
    NdArray,
    /// `numpy.dtype`.
    DType,
    /// `_codecs.encode`, by which Python 3 writes `bytes` in this protocol.
    Encode,
}

/// A NumPy array of unsigned bytes.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct Array<'a> {
    /// Its lengths.
    pub(in crate::data) shape: Vec<usize>,
    /// Its elements, as many as the shape says.
    pub(in crate::data) bytes: Cow<'a, [u8]>,
    /// Whether the first dimension runs fastest. Otherwise the last one does.
    pub(in crate::data) is_fortran: bool,
}

impl<'a> Value<'a> {
    /// Takes the value under `key` out of a dictionary.
    pub(in crate::data) fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let Value::Dict(entries) = self else {
            return None;
        };
        let index = entries.iter().rposition(|(name, _)| match name {
            Value::Bytes(name) => **name == *key.as_bytes(),
            Value::Text(name) => *name == key,
            _ => false,
        })?;
        Some(entries.swap_remove(index).1)
    }

    /// Nesting depth of containers.
    pub(super) fn depth(&self) -> usize {
        let inside = |values: &[Value]| values.iter().map(Value::depth).max().unwrap_or(0);
        match self {
            Value::Tuple(values) | Value::List(values) => 1 + inside(values),
            Value::Dict(entries) => {
                let depths = entries.iter().map(|(_, value)| value.depth());
                1 + depths.max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Whether copies, and values made from them, need no extra memory, and no change to one copy
    /// could be seen in another.
    pub(super) fn is_shareable(&self) -> bool {
        match self {
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Bytes(Cow::Borrowed(_))
            | Value::Name(_)
            | Value::ByteType => true,
            Value::Text(text) => text.len() <= SHORT,
            Value::Bytes(Cow::Owned(_))
            | Value::Tuple(_)
            | Value::List(_)
            | Value::Dict(_)
            | Value::Array(_) => false,
        }
    }
}

/// A text is encoded again at every use. Pickles reuse only short texts: names of encodings and keys.
const SHORT: usize = 64;
