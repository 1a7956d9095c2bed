use std::{borrow::Cow, collections::HashMap, str};

use super::{numpy, value::Value};

/// The stack machine that runs a pickle.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    stack: Vec<Value<'a>>,
    /// Stack heights at which lists of operands begin.
    marks: Vec<usize>,
    /// Values that the pickle may use again.
    memo: HashMap<u32, Value<'a>>,
    /// Number of values, marks and memos so far.
    num_values: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            num_values: 0,
        }
    }

    /// Runs the program to its end.
    pub(super) fn run(mut self) -> Result<Value<'a>, String> {
        let [PROTOCOL, 2] = self.take()? else {
            return Err("a file that is no pickle of protocol 2".to_string());
        };
        loop {
            let start = self.position;
            let [opcode] = self.take()?;
            if opcode == STOP {
                break;
            }
            self.execute(opcode)
                .map_err(|found| format!("{found} (at byte {start})"))?;
        }
        if self.position < self.bytes.len() {
            return Err("more bytes behind the pickle".to_string());
        }
        match (self.stack.pop(), self.stack.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err("a pickle of other than one value".to_string()),
        }
    }

    fn execute(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => {
                let [value] = self.take()?;
                self.push(Value::Int(value.into()))
            }
            b'M' => {
                let value = u16::from_le_bytes(self.take()?);
                self.push(Value::Int(value.into()))
            }
            b'J' => {
                let value = i32::from_le_bytes(self.take()?);
                self.push(Value::Int(value.into()))
            }
            0x8a => {
                let [length] = self.take()?;
                let value = long(self.slice(length.into())?)?;
                self.push(Value::Int(value))
            }
            b'U' => {
                let [length] = self.take()?;
                let value = self.slice(length.into())?;
                self.push(Value::Bytes(Cow::Borrowed(value)))
            }
            b'T' => {
                let value = self.long_slice()?;
                self.push(Value::Bytes(Cow::Borrowed(value)))
            }
            b'X' => {
                let value = self.long_slice()?;
                let value = str::from_utf8(value).map_err(|_| "a text that is not in UTF-8")?;
                self.push(Value::Text(value))
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                let known = numpy::lookup(module, name)
                    .ok_or_else(|| format!("the foreign name {module:?}, {name:?}"))?;
                self.push(Value::Name(known))
            }
            b'q' => {
                let [index] = self.take()?;
                self.remember(index.into())
            }
            b'r' => {
                let index = u32::from_le_bytes(self.take()?);
                self.remember(index)
            }
            b'h' => {
                let [index] = self.take()?;
                self.recall(index.into())
            }
            b'j' => {
                let index = u32::from_le_bytes(self.take()?);
                self.recall(index)
            }
            b'(' => {
                self.count()?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b't' => {
                let values = self.pop_to_mark()?;
                self.push(Value::Tuple(checked(values)?))
            }
            b'a' => {
                let values = self.pop_last(1)?;
                self.append(values)
            }
            b'e' => {
                let values = self.pop_to_mark()?;
                self.append(values)
            }
            b's' => {
                let values = self.pop_last(2)?;
                self.insert(values)
            }
            b'u' => {
                let values = self.pop_to_mark()?;
                self.insert(values)
            }
            b'R' => match (self.pop()?, self.pop()?) {
                (Value::Tuple(arguments), Value::Name(name)) => {
                    self.push(numpy::call(name, &arguments)?)
                }
                _ => Err("a call of something else than a function".to_string()),
            },
            b'b' => {
                let (state, object) = (self.pop()?, self.pop()?);
                self.push(numpy::build(object, state)?)
            }
            _ => Err(format!("the operation {opcode:#04x}")),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        self.count()?;
        self.stack.push(value);
        Ok(())
    }

    /// Prevents a small file of one-byte operations from growing to many times its size in memory.
    fn count(&mut self) -> Result<(), String> {
        self.num_values += 1;
        if self.num_values > MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Value<'a>, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(TOO_FEW.to_string());
        }
        self.stack.pop().ok_or_else(|| TOO_FEW.to_string())
    }

    fn pop_last(&mut self, count: usize) -> Result<Vec<Value<'a>>, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err(TOO_FEW.to_string()),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, String> {
        let start = self.marks.pop().ok_or(TOO_FEW)?;
        Ok(self.stack.split_off(start))
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let values = self.pop_last(count)?;
        self.push(Value::Tuple(checked(values)?))
    }

    fn append(&mut self, values: Vec<Value<'a>>) -> Result<(), String> {
        let values = checked(values)?;
        match self.stack.last_mut() {
            Some(Value::List(list)) => {
                list.extend(values);
                Ok(())
            }
            _ => Err("an element without its list".to_string()),
        }
    }

    /// Puts alternating keys and values into the dictionary on top of the stack.
    fn insert(&mut self, values: Vec<Value<'a>>) -> Result<(), String> {
        let mut values = checked(values)?.into_iter();
        let Some(Value::Dict(entries)) = self.stack.last_mut() else {
            return Err("a key without its dictionary".to_string());
        };
        while let Some(key) = values.next() {
            let value = values.next().ok_or("a key without a value")?;
            entries.push((key, value));
        }
        Ok(())
    }

    /// Python stores every object in the memo but uses few of them again. The others need not be
    /// kept.
    fn remember(&mut self, index: u32) -> Result<(), String> {
        let value = self.stack.last().ok_or(TOO_FEW)?;
        if value.is_shareable() {
            let value = value.clone();
            self.count()?;
            self.memo.insert(index, value);
        }
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<(), String> {
        let value = self.memo.get(&index).cloned();
        self.push(value.ok_or_else(|| format!("a second use of object {index}"))?)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, _) = self.bytes[self.position..]
            .split_first_chunk::<N>()
            .ok_or(CUT_OFF)?;
        self.position += N;
        Ok(*bytes)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], String> {
        let slice = self.bytes[self.position..].get(..length).ok_or(CUT_OFF)?;
        self.position += length;
        Ok(slice)
    }

    fn long_slice(&mut self) -> Result<&'a [u8], String> {
        let length = u32::from_le_bytes(self.take()?);
        self.slice(usize::try_from(length).map_err(|_| CUT_OFF)?)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.position..];
        let end = rest
            .iter()
            .take(MAX_LINE)
            .position(|byte| *byte == b'\n')
            .ok_or("a name without an end")?;
        self.position += end + 1;
        str::from_utf8(&rest[..end]).map_err(|_| "a name that is not in UTF-8".to_string())
    }
}

/// An integer of up to eight bytes in two's complement, lowest byte first.
fn long(bytes: &[u8]) -> Result<i64, String> {
    let sign = match bytes.last() {
        Some(highest) if *highest >= 0x80 => 0xff,
        _ => 0,
    };
    let mut all = [sign; 8];
    all.get_mut(..bytes.len())
        .ok_or("a number of more than eight bytes")?
        .copy_from_slice(bytes);
    Ok(i64::from_le_bytes(all))
}

/// Checks values that go into a container: deeply nested ones would overflow the stack when
/// dropped.
fn checked(values: Vec<Value<'_>>) -> Result<Vec<Value<'_>>, String> {
    if values.iter().any(|value| value.depth() >= MAX_DEPTH) {
        return Err(format!("containers nested more than {MAX_DEPTH} deep"));
    }
    Ok(values)
}

const PROTOCOL: u8 = 0x80;
const STOP: u8 = b'.';
/// Four times what the largest of CIFAR's files has: two labels and a name for each image.
const MAX_VALUES: usize = 1 << 20;
const MAX_DEPTH: usize = 4;
const MAX_LINE: usize = 256;
const CUT_OFF: &str = "a pickle that is cut off";
const TOO_FEW: &str = "an operation without its operands";
