use std::borrow::Cow;

use super::value::{Array, Name, Value};

/// The object `module.name`, if it is known. NumPy 2 has moved its core.
pub(super) fn lookup(module: &str, name: &str) -> Option<Name> {
    match (module, name) {
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
            Some(Name::Reconstruct)
        }
        ("numpy", "ndarray") => Some(Name::NdArray),
        ("numpy", "dtype") => Some(Name::DType),
        ("_codecs", "encode") => Some(Name::Encode),
        _ => None,
    }
}

/// The result of calling `name` with `arguments`.
pub(super) fn call<'a>(name: Name, arguments: &[Value<'a>]) -> Result<Value<'a>, String> {
    match (name, arguments) {
        (Name::Reconstruct, [Value::Name(Name::NdArray), Value::Tuple(_), _]) => {
            Ok(Value::Array(Array {
                shape: vec![0],
                bytes: Cow::Borrowed(&[]),
                is_fortran: false,
            }))
        }
        (Name::DType, [element, ..]) => match element {
            Value::Bytes(code) if **code == *BYTE_CODE.as_bytes() => Ok(Value::ByteType),
            Value::Text(BYTE_CODE) => Ok(Value::ByteType),
            _ => Err("an array of other elements than bytes".to_string()),
        },
        (Name::Encode, [Value::Text(text), Value::Text("latin1")]) => text
            .chars()
            .map(|character| u8::try_from(character).ok())
            .collect::<Option<Vec<u8>>>()
            .map(|bytes| Value::Bytes(Cow::Owned(bytes)))
            .ok_or_else(|| "a text that is not in latin-1".to_string()),
        _ => Err(format!("a call of {name:?} with other arguments")),
    }
}

/// `object` with its state set. The state of an array is
/// `(version, shape, dtype, is_fortran, bytes)`.
pub(super) fn build<'a>(object: Value<'a>, state: Value<'a>) -> Result<Value<'a>, String> {
    match (object, state) {
        (Value::ByteType, Value::Tuple(_)) => Ok(Value::ByteType),
        (Value::Array(_), Value::Tuple(fields)) => {
            let Ok(
                [
                    Value::Int(1),
                    Value::Tuple(shape),
                    Value::ByteType,
                    Value::Bool(is_fortran),
                    Value::Bytes(bytes),
                ],
            ) = <[Value; 5]>::try_from(fields)
            else {
                return Err("an array with another state".to_string());
            };
            let shape = lengths(&shape).ok_or("an array without a shape")?;
            let num_elements = shape
                .iter()
                .try_fold(1_usize, |product, length| product.checked_mul(*length));
            if num_elements != Some(bytes.len()) {
                return Err(format!(
                    "an array of the shape {shape:?} in {} bytes",
                    bytes.len()
                ));
            }
            Ok(Value::Array(Array {
                shape,
                bytes,
                is_fortran,
            }))
        }
        _ => Err("an object with a state that is none of an array".to_string()),
    }
}

fn lengths(shape: &[Value]) -> Option<Vec<usize>> {
    shape
        .iter()
        .map(|length| match length {
            Value::Int(length) => usize::try_from(*length).ok(),
            _ => None,
        })
        .collect()
}

/// NumPy's name for unsigned bytes.
const BYTE_CODE: &str = "u1";
