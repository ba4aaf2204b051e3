//! `jsonb`: JSON in a binary form in which a field is found without reading the others.
//!
//! A value is a node; a node is bytes of which the last one, the tag, says what the others are. How long a node is, is known
//! from what holds it, so a node can be copied from one value into another as it is.
//!
//! ```text
//! TAG (low four bits)   BYTES BEFORE IT
//! 0 null                none
//! 1 false, 2 true       none
//! 3 integer             the number in as few little-endian two's complement bytes as it takes; none for 0
//! 4 decimal             the number without its point, as for an integer, then one byte: digits after the point
//! 5 numeric             PostgreSQL's binary form of numeric: anything that does not fit an i64
//! 6 string              UTF-8
//! 7 array               elements | end of each element | n
//! 8 object              values in the order of keys | keys | end of each value | end of each key | n
//! ```
//!
//! 1. Ends are counted from the start of the node, little-endian; bits 4 and 5 of a container's tag say how wide they and n are:
//!    0 one byte, 1 two bytes, 2 four bytes; the narrowest that holds the bytes before them and n.
//! 2. Keys are in PostgreSQL's order, shorter ones first, those of one length by bytes; no key is there twice.
//! 3. A decimal keeps its scale (`1.50`), as PostgreSQL's `jsonb` does; an integer is a number of scale 0.
//!
//! ```text
//! {"b": [1, true], "aa": "x"}
//! 01 03 02 02 03 02 07   78 06   62   61 61   07 09            0a 0c          02   08
//! [1, true]              "x"     b    aa      ends of values   ends of keys   n    tag
//! ```
//!
//! Nothing here recurses; see [`Walk`]. Bytes that no writer of this module has made read as other values, never beyond the node.
//!
//! Source: PostgreSQL manual 8.14.4 "jsonb Indexing" (order), 8.14 (what is kept of the text).

mod build;
mod compare;
mod key;
mod parse;
mod print;
mod walk;

pub use build::Builder;
pub use compare::{compare, hash_into};
pub use key::{decode_key, encode_key};
pub use parse::parse;
pub use print::{pretty, write};
pub use walk::{Step, Walk};

use std::cmp::Ordering;
use std::sync::Arc;

use super::Numeric;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const DECIMAL: u8 = 4;
const NUMERIC: u8 = 5;
const STRING: u8 = 6;
const ARRAY: u8 = 7;
const OBJECT: u8 = 8;
const KIND_BITS: u8 = 0x0f;
const WIDTH_SHIFT: u8 = 4;

/// Most bytes of the parts of a container, as in PostgreSQL.
const CONTAINER_BYTES_MAX: usize = 0x0fff_ffff;

/// What a node is, in ascending order of `jsonb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "JSON's own words")]
pub enum Kind {
    Null,
    String,
    Number,
    Bool,
    Array,
    Object,
}

/// A value of `jsonb`, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a>(&'a [u8]);

impl<'a> Node<'a> {
    /// Views bytes that a [`Builder`] or [`parse`] has made.
    pub fn new(bytes: &'a [u8]) -> Self {
        Node(bytes)
    }

    /// The bytes: a value by themselves.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    fn tag(self) -> u8 {
        self.0.last().copied().unwrap_or(NULL)
    }

    fn body(self) -> &'a [u8] {
        self.0.split_last().map_or(&[], |(_, body)| body)
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        match self.tag() & KIND_BITS {
            FALSE | TRUE => Kind::Bool,
            INTEGER | DECIMAL | NUMERIC => Kind::Number,
            STRING => Kind::String,
            ARRAY => Kind::Array,
            OBJECT => Kind::Object,
            _ => Kind::Null,
        }
    }

    /// Whether it is neither array nor object.
    pub fn is_scalar(self) -> bool {
        self.kind() < Kind::Array
    }

    /// Whether it is JSON's null.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// `true` or `false`.
    pub fn bool(self) -> Option<bool> {
        match self.tag() & KIND_BITS {
            FALSE => Some(false),
            TRUE => Some(true),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn str(self) -> Option<&'a str> {
        match self.tag() & KIND_BITS {
            STRING => Some(std::str::from_utf8(self.body()).unwrap_or_default()),
            _ => None,
        }
    }

    /// The number.
    pub fn number(self) -> Option<Numeric> {
        let body = self.body();
        match self.tag() & KIND_BITS {
            INTEGER => Some(Numeric::from_i64(short(body))),
            DECIMAL => match body.split_last() {
                Some((&scale, digits)) => Some(Numeric::Small { unscaled: short(digits), scale }),
                None => Some(Numeric::ZERO),
            },
            NUMERIC => Some(Numeric::recv(body).unwrap_or(Numeric::ZERO)),
            _ => None,
        }
    }

    /// The elements of an array; of anything else, none.
    pub fn array(self) -> Array<'a> {
        match self.tag() & KIND_BITS {
            ARRAY => Array(Parts::new(self, 1)),
            _ => Array(Parts::EMPTY),
        }
    }

    /// The fields of an object; of anything else, none.
    pub fn object(self) -> Object<'a> {
        match self.tag() & KIND_BITS {
            OBJECT => Object(Parts::new(self, 2)),
            _ => Object(Parts::EMPTY),
        }
    }

    /// The value of a field of an object.
    pub fn field(self, key: &str) -> Option<Node<'a>> {
        self.object().find(key).map(|i| self.object().value(i))
    }

    /// An element of an array by its place; negative places count from the end.
    pub fn element(self, place: i64) -> Option<Node<'a>> {
        let array = self.array();
        let place = if place < 0 { place + array.len() as i64 } else { place };
        usize::try_from(place).ok().filter(|&i| i < array.len()).map(|i| array.get(i))
    }

    /// The node as a value by itself.
    pub fn to_value(self) -> Arc<[u8]> {
        Arc::from(self.0)
    }
}

/// Reads a number of up to eight little-endian bytes.
fn short(bytes: &[u8]) -> i64 {
    let len = bytes.len().min(8);
    if len == 0 {
        return 0;
    }
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(&bytes[..len]);
    let spare = 64 - 8 * len as u32;
    i64::from_le_bytes(wide) << spare >> spare
}

/// Appends a number as [`short`] reads it.
fn put_short(value: i64, out: &mut Vec<u8>) {
    let spare = if value < 0 { (!value).leading_zeros() } else { value.leading_zeros() };
    let len = if value == 0 { 0 } else { (65 - spare as usize).div_ceil(8) };
    out.extend_from_slice(&value.to_le_bytes()[..len]);
}

/// The parts of a container and where they end.
#[derive(Clone, Copy, Debug)]
struct Parts<'a> {
    bytes: &'a [u8],
    /// Number of elements, or of fields.
    len: usize,
    /// Start of the ends.
    ends: usize,
    /// Bytes of an end.
    width: usize,
}

impl<'a> Parts<'a> {
    const EMPTY: Parts<'static> = Parts { bytes: &[], len: 0, ends: 0, width: 1 };

    /// `tables`: how many ends an entry has.
    fn new(node: Node<'a>, tables: usize) -> Self {
        let bytes = node.body();
        let width = 1 << (node.tag() >> WIDTH_SHIFT & 3).min(2);
        let Some(at) = bytes.len().checked_sub(width) else { return Parts::EMPTY };
        let len = little(&bytes[at..]);
        match len.checked_mul(width * tables).and_then(|table| at.checked_sub(table)) {
            Some(ends) => Parts { bytes, len, ends, width },
            None => Parts::EMPTY,
        }
    }

    /// Entry `i` of the ends.
    #[inline]
    fn end(&self, i: usize) -> usize {
        let at = self.ends + i * self.width;
        self.bytes.get(at..at + self.width).map_or(0, little)
    }

    /// Part `i`: from where the part before it ends.
    #[inline]
    fn part(&self, i: usize) -> &'a [u8] {
        let start = if i == 0 { 0 } else { self.end(i - 1) };
        self.bytes.get(start..self.end(i)).unwrap_or_default()
    }
}

#[inline]
fn little(bytes: &[u8]) -> usize {
    match *bytes {
        [a] => usize::from(a),
        [a, b] => usize::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => 0,
    }
}

/// The elements of an array.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a>(Parts<'a>);

impl<'a> Array<'a> {
    /// Number of elements.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(self) -> usize {
        self.0.len
    }

    /// Element `i`, which is less than the length.
    pub fn get(self, i: usize) -> Node<'a> {
        Node(self.0.part(i))
    }

    /// The elements in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Node<'a>> + ExactSizeIterator {
        (0..self.0.len).map(move |i| self.get(i))
    }
}

/// The fields of an object.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a>(Parts<'a>);

impl<'a> Object<'a> {
    /// Number of fields.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(self) -> usize {
        self.0.len
    }

    fn key_bytes(self, i: usize) -> &'a [u8] {
        // The keys stand behind the values, and so do their ends.
        self.0.part(self.0.len + i)
    }

    /// Key `i`, which is less than the length.
    pub fn key(self, i: usize) -> &'a str {
        std::str::from_utf8(self.key_bytes(i)).unwrap_or_default()
    }

    /// The value under key `i`.
    pub fn value(self, i: usize) -> Node<'a> {
        Node(self.0.part(i))
    }

    /// The place of a key.
    pub fn find(self, key: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.0.len);
        while low < high {
            let middle = low + (high - low) / 2;
            match key_order(self.key_bytes(middle), key.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Keys and values in the order of keys.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = (&'a str, Node<'a>)> + ExactSizeIterator {
        (0..self.0.len).map(move |i| (self.key(i), self.value(i)))
    }
}

/// The order in which keys are stored (Rule 2).
fn key_order(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests;
