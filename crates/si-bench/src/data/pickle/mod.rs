//! Python's pickle format, as far as arrays of bytes need it.
//!
//! A pickle is a program for a stack machine that may name any function to call. This reader calls
//! none: it takes protocol 2, and knows by name only what NumPy writes for an array of unsigned
//! bytes. Everything else is refused, and memory stays in proportion to the file.

mod machine;
mod numpy;
mod value;

use machine::Machine;

pub(super) use value::{Array, Value};

/// The value that a pickle holds, or what was found that is not understood.
pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, String> {
    Machine::new(bytes).run()
}

#[cfg(test)]
pub(super) mod tests;
