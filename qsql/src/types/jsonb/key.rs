//! Values as byte strings in memcmp order, for index keys.
//!
//! ```text
//! 01 empty array at the top | 02 null | 03 string, then its bytes, 00 | 04 number, then as `numeric::key`
//! 05 false | 06 true | 07 array, n in four bytes (big-endian), elements | 08 object, n in four bytes, fields: key, 00, value
//! ```
//!
//! Equal values have equal keys: the scale of a number is not in the key.

use std::sync::Arc;

use super::{Builder, Kind, Node, Step, Walk};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Numeric;

const EMPTY_ARRAY_AT_TOP: u8 = 1;
const NULL: u8 = 2;
const STRING: u8 = 3;
const NUMBER: u8 = 4;
const FALSE: u8 = 5;
const TRUE: u8 = 6;
const ARRAY: u8 = 7;
const OBJECT: u8 = 8;

#[cold]
fn corrupt() -> SqlError {
    sql_err!(INDEX_CORRUPTED, "invalid jsonb index key")
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// Appends the key of a value.
pub fn encode_key(node: Node<'_>, out: &mut Vec<u8>) {
    if node.kind() == Kind::Array && node.array().len() == 0 {
        return out.push(EMPTY_ARRAY_AT_TOP);
    }
    for step in Walk::new(node) {
        match step {
            Step::Begin(kind, len) => {
                out.push(if kind == Kind::Array { ARRAY } else { OBJECT });
                out.extend_from_slice(&(len as u32).to_be_bytes());
            }
            Step::Key(key) => put_text(key, out),
            Step::Scalar(scalar) => match (scalar.str(), scalar.number(), scalar.bool()) {
                (Some(text), _, _) => {
                    out.push(STRING);
                    put_text(text, out);
                }
                (_, Some(number), _) => {
                    out.push(NUMBER);
                    number.encode_key(out);
                }
                (_, _, Some(value)) => out.push(if value { TRUE } else { FALSE }),
                _ => out.push(NULL),
            },
            Step::End(_) => {}
        }
    }
}

/// Reads a key from the front; returns a value equal to the one that was encoded, and the bytes taken.
///
/// # Errors
/// XX002 when the bytes are no key.
pub fn decode_key(bytes: &[u8]) -> Result<(Arc<[u8]>, usize)> {
    let mut rest = bytes;
    let mut builder = Builder::new();
    // Parts that the open containers still want; whether each wants keys.
    let mut open: Vec<(u32, bool)> = Vec::new();
    loop {
        if let Some((wanted, keys)) = open.last_mut() {
            if *wanted == 0 {
                open.pop();
                builder.end()?;
                if open.is_empty() {
                    break;
                }
                continue;
            }
            *wanted -= 1;
            if *keys {
                builder.key(take_text(&mut rest)?);
            }
        }
        let (&tag, behind) = rest.split_first().ok_or_else(corrupt)?;
        rest = behind;
        match tag {
            EMPTY_ARRAY_AT_TOP => {
                builder.begin_array();
                builder.end()?;
            }
            NULL => builder.null(),
            STRING => builder.string(take_text(&mut rest)?),
            NUMBER => {
                let (number, len) = Numeric::decode_key(rest)?;
                rest = rest.get(len..).ok_or_else(corrupt)?;
                builder.number(&number);
            }
            FALSE | TRUE => builder.bool(tag == TRUE),
            ARRAY | OBJECT => {
                let (len, behind) = rest.split_first_chunk::<4>().ok_or_else(corrupt)?;
                rest = behind;
                if tag == ARRAY {
                    builder.begin_array()
                } else {
                    builder.begin_object()
                }
                open.push((u32::from_be_bytes(*len), tag == OBJECT));
            }
            _ => return Err(corrupt()),
        }
        if open.is_empty() {
            break;
        }
    }
    Ok((builder.finish()?, bytes.len() - rest.len()))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let end = memchr::memchr(0, rest).ok_or_else(corrupt)?;
    let text = std::str::from_utf8(&rest[..end]).map_err(|_| corrupt())?;
    *rest = &rest[end + 1..];
    Ok(text)
}
