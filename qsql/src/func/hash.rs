//! PostgreSQL's hash of bytes, as `hashtext` and its relatives show it to users.
//!
//! Source: Bob Jenkins 2006, "lookup3.c" (public domain), with PostgreSQL's start value. Internal hashing uses
//! `types::compare::hash` instead.

use super::args::{Char, Date, Id, Time, Ts, Uuid, scalar};
use crate::error::Result;
use crate::sql_err;
use crate::types::info::type_name;
use crate::types::oid::BPCHAR;
use crate::types::{Datum, Numeric, Oid};

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    (a, b, c)
}

fn finish(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

const START: u32 = 0x9e37_79b9 + 3_923_095;

/// `hash_uint32`.
pub(super) fn hash_u32(k: u32) -> i32 {
    let start = START.wrapping_add(4);
    finish(start.wrapping_add(k), start, start) as i32
}

/// `hash_bytes`.
pub(super) fn hash_bytes(bytes: &[u8]) -> i32 {
    let start = START.wrapping_add(bytes.len() as u32);
    let (mut a, mut b, mut c) = (start, start, start);
    let word = |w: &[u8]| w.iter().enumerate().fold(0, |acc, (i, &x)| acc | u32::from(x) << (8 * i));
    let mut chunks = bytes.chunks_exact(12);
    for chunk in &mut chunks {
        a = a.wrapping_add(word(&chunk[..4]));
        b = b.wrapping_add(word(&chunk[4..8]));
        c = c.wrapping_add(word(&chunk[8..]));
        (a, b, c) = mix(a, b, c);
    }
    let rest = chunks.remainder();
    a = a.wrapping_add(word(&rest[..rest.len().min(4)]));
    b = b.wrapping_add(word(&rest[rest.len().min(4)..rest.len().min(8)]));
    // The lowest byte of `c` is reserved for the length.
    c = c.wrapping_add(word(&rest[rest.len().min(8)..]) << 8);
    finish(a, b, c) as i32
}

fn hash_i64(v: i64) -> i32 {
    let high = (v >> 32) as u32;
    hash_u32(v as u32 ^ if v >= 0 { high } else { !high })
}

/// `hash_numeric`: of the digits in PostgreSQL's groups, and the place of the first.
pub(super) fn hash_numeric(v: &Numeric) -> i32 {
    if !v.is_finite() {
        return 0;
    }
    if v.is_zero() {
        return -1;
    }
    let mut wire = Vec::new();
    v.send(&mut wire);
    let weight = i16::from_be_bytes([wire[2], wire[3]]);
    let digits: Vec<u8> = wire[8..].chunks_exact(2).flat_map(|group| [group[1], group[0]]).collect();
    hash_bytes(&digits) ^ i32::from(weight)
}

fn hash_f64(v: f64) -> i32 {
    if v == 0.0 {
        return 0;
    }
    let bits = if v.is_nan() { 0x7ff8_0000_0000_0000_u64 } else { v.to_bits() };
    let bytes: Vec<u8> = (0..8).map(|i| (bits >> (8 * i)) as u8).collect();
    hash_bytes(&bytes)
}

/// The hash of an element of a range, as its type's hash operator class has it.
///
/// # Errors
/// 42883 for a type whose hash is not PostgreSQL's.
pub(super) fn element_hash(value: &Datum, element: Oid) -> Result<u32> {
    Ok(match value {
        Datum::Int4(v) | Datum::Date(v) => hash_u32(*v as u32),
        Datum::Int2(v) => hash_u32(i32::from(*v) as u32),
        Datum::Int8(v) | Datum::Timestamp(v) | Datum::TimestampTz(v) | Datum::Time(v) => hash_i64(*v),
        Datum::Numeric(v) => hash_numeric(v),
        Datum::Float8(v) => hash_f64(*v),
        Datum::Float4(v) => hash_f64((*v).into()),
        Datum::Text(v) if element == BPCHAR => hash_bytes(v.trim_end_matches(' ').as_bytes()),
        Datum::Text(v) => hash_bytes(v.as_bytes()),
        Datum::Bytea(v) => hash_bytes(v),
        Datum::Uuid(v) => hash_bytes(&v[..]),
        Datum::Oid(v) => hash_u32(*v),
        _ => {
            let name = type_name(element);
            return Err(sql_err!(UNDEFINED_FUNCTION, "could not identify a hash function for type {name}"));
        }
    } as u32)
}

scalar! {
    hashchar(a: Char) -> i32 = hash_u32((a.0 as i8) as i32 as u32);
    hashbool(a: bool) -> i32 = hash_u32(a.into());
    hashoid(a: Id) -> i32 = hash_u32(a.0);
    hashxid(a: Id) -> i32 = hash_u32(a.0);
    hashcid(a: Id) -> i32 = hash_u32(a.0);
    hashtext(a: &str) -> i32 = hash_bytes(a.as_bytes());
    hashname(a: &str) -> i32 = hash_bytes(a.as_bytes());
    hashbpchar(a: &str) -> i32 = hash_bytes(a.trim_end_matches(' ').as_bytes());
    hashbytea(a: &[u8]) -> i32 = hash_bytes(a);
    hashfloat8(a: f64) -> i32 = hash_f64(a);
    hashfloat4(a: f32) -> i32 = hash_f64(a.into());
    hashdate(a: Date) -> i32 = hash_u32(a.0 as u32);
    time_hash(a: Time) -> i32 = hash_i64(a.0);
    timestamp_hash(a: Ts) -> i32 = hash_i64(a.0);
    timestamptz_hash(a: Ts) -> i32 = hash_i64(a.0);
    uuid_hash(a: Uuid) -> i32 = hash_bytes(&a.0);
    hashxid8(a: &Datum) -> i32 = match a {
        Datum::Int8(v) => hash_i64(*v),
        _ => 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_postgresqls() {
        assert_eq!(hash_bytes(b"hello"), -1_870_292_951);
        assert_eq!(hash_bytes(b""), -1_477_818_771);
        assert_eq!(hash_bytes(b"the quick brown fox jumps"), 84_238_858);
        assert_eq!(hash_u32(1), -1_905_060_026);
        assert_eq!(hash_u32(42), 1_509_752_520);
        assert_eq!(hash_f64(1.5), 630_860_146);
    }
}
