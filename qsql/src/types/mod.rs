//! Values and types: what a [`Datum`] is, how it is read, written, compared, hashed and converted.
//!
//! Everything here is a pure function of its arguments. A value never carries its type: the plan knows it.
//! OIDs are PostgreSQL's own, so that drivers recognise them.

pub mod array_text;
pub mod bits;
pub mod bytea;
pub mod coerce;
pub mod compare;
pub mod datetime;
pub mod float;
pub mod info;
mod info_table;
pub mod int;
pub mod io;
pub mod io_binary;
pub mod io_text;
pub mod json;
pub mod jsonb;
pub mod jsonpath;
pub mod keycode;
mod literal;
pub mod macaddr;
pub mod money;
pub mod network;
pub mod numeric;
pub mod oid;
pub mod range;
pub mod rowtype;
pub mod user;

pub use bits::BitString;
pub use io::IoContext;
pub use network::Inet;
pub use numeric::Numeric;
pub use range::{Multirange, Range};

use std::sync::Arc;

/// An object identifier as PostgreSQL numbers types, functions, relations.
pub type Oid = u32;

/// A type as an expression has it: the type's OID and its modifier (`-1`: none).
///
/// The modifier is PostgreSQL's: `varchar(n)`/`char(n)` store `n + 4`, `numeric(p,s)` stores `((p << 16) | (s & 0x7ff)) + 4`,
/// time types store their precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataType {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// `pg_attribute.atttypmod`; -1 when there is none.
    pub typmod: i32,
}

impl DataType {
    /// The type without a modifier.
    pub const fn of(oid: Oid) -> Self {
        DataType { oid, typmod: -1 }
    }
}

/// Text of any length in the server's encoding, UTF-8; shared, never mutated.
pub type Text = Arc<str>;

/// Months, days and microseconds, kept apart as PostgreSQL keeps them.
///
/// `infinity` is all three fields at their maximum, `-infinity` all at their minimum (PostgreSQL 17).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the field names say it")]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

/// One value. 24 bytes.
///
/// `Date` counts days and `Timestamp`/`TimestampTz` microseconds since 2000-01-01; the extremes of the integer are
/// `infinity` and `-infinity`, as in PostgreSQL's binary format. `Time` is microseconds since midnight.
/// `Text` serves text, varchar, bpchar (blank-padded to its length), name, unknown, json, jsonpath and xml-like types;
/// `Oid` serves oid and every reg* type.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the variants carry the types' names")]
pub enum Datum {
    Null,
    Bool(bool),
    Char(u8),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Oid(Oid),
    /// Block and item number.
    Tid(u32, u16),
    Float4(f32),
    Float8(f64),
    Numeric(Numeric),
    Text(Text),
    Bytea(Arc<[u8]>),
    Date(i32),
    Time(i64),
    /// Microseconds since midnight and the zone in seconds west of Greenwich.
    TimeTz(i64, i32),
    Timestamp(i64),
    TimestampTz(i64),
    Interval(Arc<Interval>),
    Uuid(Arc<[u8; 16]>),
    /// `bit` and `bit varying`.
    Bits(BitString),
    /// `inet` and `cidr`.
    Inet(Inet),
    MacAddr([u8; 6]),
    MacAddr8([u8; 8]),
    /// Cents.
    Money(i64),
    /// See [`jsonb`].
    Jsonb(Arc<[u8]>),
    /// A value of an enum: its type and its label.
    Enum(Oid, Oid),
    Array(Arc<Array>),
    Record(Arc<[Datum]>),
    Range(Arc<Range>),
    Multirange(Arc<Multirange>),
}

impl Datum {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// Heap bytes of the value, roughly.
    pub fn heap_bytes(&self) -> usize {
        let all = |items: &[Datum]| items.iter().map(|d| size_of::<Datum>() + d.heap_bytes()).sum::<usize>();
        match self {
            Datum::Text(text) => text.len() + 16,
            Datum::Bytea(bytes) | Datum::Jsonb(bytes) => bytes.len() + 16,
            Datum::Bits(bits) => bits.stored().len() + 16,
            Datum::Interval(_) | Datum::Uuid(_) => 32,
            Datum::Numeric(Numeric::Wide(number)) => number.heap_bytes(),
            Datum::Array(array) => 64 + all(&array.items),
            Datum::Record(fields) => 16 + all(fields),
            Datum::Range(range) => size_of::<Range>() + range::spans::heap_bytes(range.spans()),
            Datum::Multirange(value) => 64 + range::spans::heap_bytes(value.spans()),
            _ => 0,
        }
    }

    /// The type that a value has when nothing else says it: the fields of an anonymous row.
    pub fn natural_type(&self) -> Oid {
        match self {
            Datum::Null => oid::UNKNOWN,
            Datum::Bool(_) => oid::BOOL,
            Datum::Char(_) => oid::CHAR,
            Datum::Int2(_) => oid::INT2,
            Datum::Int4(_) => oid::INT4,
            Datum::Int8(_) => oid::INT8,
            Datum::Oid(_) => oid::OID,
            Datum::Tid(..) => oid::TID,
            Datum::Float4(_) => oid::FLOAT4,
            Datum::Float8(_) => oid::FLOAT8,
            Datum::Numeric(_) => oid::NUMERIC,
            Datum::Text(_) => oid::TEXT,
            Datum::Bytea(_) => oid::BYTEA,
            Datum::Date(_) => oid::DATE,
            Datum::Time(_) => oid::TIME,
            Datum::TimeTz(..) => oid::TIMETZ,
            Datum::Timestamp(_) => oid::TIMESTAMP,
            Datum::TimestampTz(_) => oid::TIMESTAMPTZ,
            Datum::Interval(_) => oid::INTERVAL,
            Datum::Uuid(_) => oid::UUID,
            Datum::Bits(_) => oid::VARBIT,
            Datum::Inet(_) => oid::INET,
            Datum::MacAddr(_) => oid::MACADDR,
            Datum::MacAddr8(_) => oid::MACADDR8,
            Datum::Money(_) => oid::MONEY,
            Datum::Jsonb(_) => oid::JSONB,
            Datum::Array(array) => info::array_of(array.element),
            Datum::Enum(ty, _) => *ty,
            Datum::Record(_) => oid::RECORD,
            Datum::Range(range) => range.info.range,
            Datum::Multirange(value) => value.info.multirange,
        }
    }

    /// Makes a text value.
    pub fn text(s: impl Into<Text>) -> Self {
        Datum::Text(s.into())
    }
}

const _: () = assert!(std::mem::size_of::<Datum>() <= 24);

/// An SQL array: row-major elements, any number of dimensions (0 for the empty array).
#[derive(Clone, Debug)]
pub struct Array {
    /// Type OID of the elements.
    pub element: Oid,
    /// Length and lower bound of each dimension; the product of the lengths is `items.len()`.
    pub dims: Vec<(i32, i32)>,
    /// The elements in row-major order; `Datum::Null` for NULL.
    pub items: Vec<Datum>,
}

#[cfg(test)]
mod tests;
