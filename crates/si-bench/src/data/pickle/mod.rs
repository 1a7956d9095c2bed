//! Python's pickle format, as far as arrays of bytes need it.
//!
//! A pickle is a program for a stack machine and may name any function to call. This reader calls
//! none. It reads protocol 2 and knows only the names that NumPy writes for an array of unsigned
//! bytes. It refuses everything else, and its memory stays in proportion to the file.

mod machine;
mod numpy;
mod value;

use machine::Machine;

pub(super) use value::{Array, Value};

/// The value in a pickle. The error says what is not supported.
pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, String> {
    Machine::new(bytes).run()
}

#[cfg(test)]
pub(super) mod tests;
