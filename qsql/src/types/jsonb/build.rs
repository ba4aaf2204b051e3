//! Writing values: parts first, then where they end.

use std::sync::Arc;

use super::{
    ARRAY, CONTAINER_BYTES_MAX, DECIMAL, FALSE, INTEGER, NULL, NUMERIC, Node, OBJECT, STRING, TRUE,
    WIDTH_SHIFT, key_order, put_short,
};
use crate::error::Result;
use crate::sql_err;
use crate::types::Numeric;

/// Appends null.
pub(super) fn put_null(out: &mut Vec<u8>) {
    out.push(NULL);
}

/// Appends true or false.
pub(super) fn put_bool(value: bool, out: &mut Vec<u8>) {
    out.push(if value { TRUE } else { FALSE });
}

/// Appends a number.
pub(super) fn put_number(value: &Numeric, out: &mut Vec<u8>) {
    match *value {
        Numeric::Small { unscaled, scale: 0 } => {
            put_short(unscaled, out);
            out.push(INTEGER);
        }
        Numeric::Small { unscaled, scale } => {
            put_short(unscaled, out);
            out.extend_from_slice(&[scale, DECIMAL]);
        }
        Numeric::Wide(_) => {
            value.send(out);
            out.push(NUMERIC);
        }
    }
}

/// Appends a string.
pub(super) fn put_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    out.push(STRING);
}

/// Ends the container that began at `start` and has `len` entries; `ends` are those of all its parts.
///
/// # Errors
/// 54000 when it is too large.
pub(super) fn put_ends(
    object: bool,
    start: usize,
    len: usize,
    ends: &[u32],
    out: &mut Vec<u8>,
) -> Result<()> {
    let bytes = out.len() - start;
    if bytes > CONTAINER_BYTES_MAX {
        let what = if object { "object" } else { "array" };
        return Err(sql_err!(
            PROGRAM_LIMIT_EXCEEDED,
            "total size of jsonb {what} elements exceeds the maximum of {CONTAINER_BYTES_MAX} bytes"
        ));
    }
    let code = match bytes.max(len) {
        0..=0xff => 0u8,
        0x100..=0xffff => 1,
        _ => 2,
    };
    for &end in ends.iter().chain([&(len as u32)]) {
        out.extend_from_slice(&end.to_le_bytes()[..1 << code]);
    }
    out.push(code << WIDTH_SHIFT | if object { OBJECT } else { ARRAY });
    Ok(())
}

/// A container that is being written.
#[derive(Clone)]
struct Open {
    object: bool,
    /// Where it begins in the output.
    start: usize,
    /// Its first end, and its first key.
    ends: usize,
    keys: usize,
}

/// Makes a value from the outside inwards. Keys may come in any order; of equal keys the last one counts.
#[derive(Clone, Default)]
pub struct Builder {
    out: Vec<u8>,
    open: Vec<Open>,
    /// Ends of the parts of the open containers.
    ends: Vec<u32>,
    /// The keys of the open objects: ranges of `key_bytes`.
    keys: Vec<(u32, u32)>,
    key_bytes: Vec<u8>,
}

impl Builder {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn begin(&mut self, object: bool) {
        self.open.push(Open { object, start: self.out.len(), ends: self.ends.len(), keys: self.keys.len() });
    }

    /// Opens an array.
    pub fn begin_array(&mut self) {
        self.begin(false);
    }

    /// Opens an object.
    pub fn begin_object(&mut self) {
        self.begin(true);
    }

    /// Gives the key of the value that comes next.
    pub fn key(&mut self, key: &str) {
        let start = self.key_bytes.len() as u32;
        self.key_bytes.extend_from_slice(key.as_bytes());
        self.keys.push((start, self.key_bytes.len() as u32));
    }

    fn complete(&mut self) {
        if let Some(open) = self.open.last() {
            self.ends.push((self.out.len() - open.start) as u32);
        }
    }

    /// Adds null.
    pub fn null(&mut self) {
        put_null(&mut self.out);
        self.complete();
    }

    /// Adds true or false.
    pub fn bool(&mut self, value: bool) {
        put_bool(value, &mut self.out);
        self.complete();
    }

    /// Adds a number.
    pub fn number(&mut self, value: &Numeric) {
        put_number(value, &mut self.out);
        self.complete();
    }

    /// Adds a string.
    pub fn string(&mut self, text: &str) {
        put_string(text, &mut self.out);
        self.complete();
    }

    /// Adds a value that is there already.
    pub fn node(&mut self, node: Node<'_>) {
        match node.bytes() {
            [] => self.out.push(NULL),
            bytes => self.out.extend_from_slice(bytes),
        }
        self.complete();
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.out.len() + self.key_bytes.len() + 4 * self.ends.len() + 8 * self.keys.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty() && self.open.is_empty()
    }

    /// Closes the container that was opened last.
    ///
    /// # Errors
    /// 54000 when it is too large.
    pub fn end(&mut self) -> Result<()> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let len = if open.object { self.end_object(&open)? } else { self.ends.len() - open.ends };
        put_ends(open.object, open.start, len, &self.ends[open.ends..], &mut self.out)?;
        self.ends.truncate(open.ends);
        self.complete();
        Ok(())
    }

    /// Puts the fields in order and appends the keys; returns the number of fields.
    fn end_object(&mut self, open: &Open) -> Result<usize> {
        let keys = &self.keys[open.keys..];
        let key = |i: usize| {
            let (start, end) = keys[i];
            &self.key_bytes[start as usize..end as usize]
        };
        let in_order = (1..keys.len()).all(|i| key_order(key(i - 1), key(i)).is_lt());
        if !in_order {
            let mut order: Vec<usize> = (0..keys.len()).collect();
            order.sort_by(|&a, &b| key_order(key(a), key(b)));
            // Equal keys are in the order of writing: the last one stays.
            order = (0..order.len())
                .filter(|&i| order.get(i + 1).is_none_or(|&next| key(next) != key(order[i])))
                .map(|i| order[i])
                .collect();
            let old = self.out.split_off(open.start);
            let ends = &self.ends[open.ends..];
            let mut new_ends = Vec::with_capacity(2 * order.len());
            for &i in &order {
                let start = if i == 0 { 0 } else { ends[i - 1] as usize };
                self.out.extend_from_slice(&old[start..ends[i] as usize]);
                new_ends.push((self.out.len() - open.start) as u32);
            }
            let sorted: Vec<(u32, u32)> = order.iter().map(|&i| keys[i]).collect();
            self.ends.truncate(open.ends);
            self.ends.extend(new_ends);
            let first = self.keys[open.keys].0;
            self.append_keys(open, &sorted);
            self.keys.truncate(open.keys);
            self.key_bytes.truncate(first as usize);
            return Ok(sorted.len());
        }
        let sorted: Vec<(u32, u32)> = keys.to_vec();
        self.append_keys(open, &sorted);
        if let Some(&(first, _)) = self.keys.get(open.keys) {
            self.key_bytes.truncate(first as usize);
        }
        self.keys.truncate(open.keys);
        Ok(sorted.len())
    }

    fn append_keys(&mut self, open: &Open, keys: &[(u32, u32)]) {
        for &(start, end) in keys {
            self.out.extend_from_slice(&self.key_bytes[start as usize..end as usize]);
            self.ends.push((self.out.len() - open.start) as u32);
        }
    }

    /// Closes what is open and returns the value.
    ///
    /// # Errors
    /// 54000 when it is too large.
    pub fn finish(mut self) -> Result<Arc<[u8]>> {
        while !self.open.is_empty() {
            self.end()?;
        }
        if self.out.is_empty() {
            put_null(&mut self.out);
        }
        Ok(self.out.into())
    }
}
