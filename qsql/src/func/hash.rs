//! PostgreSQL's hash of bytes, as `hashtext` and its relatives show it to users.
//!
//! Source: Bob Jenkins 2006, "lookup3.c" (public domain), with PostgreSQL's start value. Internal hashing uses
//! `types::compare::hash` instead.

use super::args::{Char, Date, Id, MacAddr, MacAddr8, Tid, Time, TimeTz, Ts, Uuid, scalar};
use crate::types::datetime::interval;
use crate::types::{Array, Datum, Inet, Interval, Numeric};

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

/// The last round; the second word and the third.
fn finish(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32) {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (b, (c ^ b).wrapping_sub(b.rotate_left(24)))
}

const START: u32 = 0x9e37_79b9 + 3_923_095;

type State = (u32, u32, u32);

/// The state for bytes of this number.
fn start(length: usize) -> State {
    let start = START.wrapping_add(length as u32);
    (start, start, start)
}

/// The state for bytes of this number under a seed.
fn seeded(length: usize, seed: i64) -> State {
    let (a, b, c) = start(length);
    match seed {
        0 => (a, b, c),
        seed => mix(a.wrapping_add((seed as u64 >> 32) as u32), b.wrapping_add(seed as u32), c),
    }
}

/// The 64 bits that a function with a seed answers.
fn both((high, low): (u32, u32)) -> i64 {
    (u64::from(high) << 32 | u64::from(low)) as i64
}

fn finish_u32(k: u32, (a, b, c): State) -> (u32, u32) {
    finish(a.wrapping_add(k), b, c)
}

/// `hash_uint32`.
pub(super) fn hash_u32(k: u32) -> i32 {
    finish_u32(k, start(4)).1 as i32
}

/// `hash_uint32_extended`.
pub fn hash_u32_seeded(k: u32, seed: i64) -> i64 {
    both(finish_u32(k, seeded(4, seed)))
}

/// `hash_bytes`.
pub(super) fn hash_bytes(bytes: &[u8]) -> i32 {
    finish_bytes(bytes, start(bytes.len())).1 as i32
}

/// `hash_bytes_extended`.
pub(super) fn hash_bytes_seeded(bytes: &[u8], seed: i64) -> i64 {
    both(finish_bytes(bytes, seeded(bytes.len(), seed)))
}

fn finish_bytes(bytes: &[u8], (mut a, mut b, mut c): State) -> (u32, u32) {
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
    finish(a, b, c)
}

/// 64 bits as 32, so that a number has one hash in each width.
fn fold_i64(v: i64) -> u32 {
    let high = (v >> 32) as u32;
    v as u32 ^ if v >= 0 { high } else { !high }
}

fn hash_i64(v: i64) -> i32 {
    hash_u32(fold_i64(v))
}

/// `hash_numeric`: of the digits in PostgreSQL's groups, and the place of the first.
pub(super) fn hash_numeric(v: &Numeric) -> i32 {
    if !v.is_finite() {
        return 0;
    }
    if v.is_zero() {
        return -1;
    }
    let (weight, digits) = digits(v);
    hash_bytes(&digits) ^ i32::from(weight)
}

pub(super) fn hash_numeric_seeded(v: &Numeric, seed: i64) -> i64 {
    if !v.is_finite() {
        return seed;
    }
    if v.is_zero() {
        return seed.wrapping_sub(1);
    }
    let (weight, digits) = digits(v);
    hash_bytes_seeded(&digits, seed) ^ i64::from(weight)
}

/// The place of the first group of digits, and the groups.
fn digits(v: &Numeric) -> (i16, Vec<u8>) {
    let mut wire = Vec::new();
    v.send(&mut wire);
    let weight = i16::from_be_bytes([wire[2], wire[3]]);
    (weight, wire[8..].chunks_exact(2).flat_map(|group| [group[1], group[0]]).collect())
}

/// The bytes of a float that is not zero; there is one NaN.
fn float_bytes(v: f64) -> [u8; 8] {
    let bits = if v.is_nan() { 0x7ff8_0000_0000_0000_u64 } else { v.to_bits() };
    bits.to_le_bytes()
}

fn hash_f64(v: f64) -> i32 {
    if v == 0.0 { 0 } else { hash_bytes(&float_bytes(v)) }
}

fn hash_f64_seeded(v: f64, seed: i64) -> i64 {
    if v == 0.0 { seed } else { hash_bytes_seeded(&float_bytes(v), seed) }
}

/// An address as PostgreSQL has it in memory.
fn inet_bytes(v: &Inet) -> Vec<u8> {
    [&[v.family_byte(), v.bits], v.octets()].concat()
}

fn tid_bytes(v: Tid) -> [u8; 6] {
    let [high, low, item] = [(v.0 >> 16) as u16, v.0 as u16, v.1].map(u16::to_le_bytes);
    [high[0], high[1], low[0], low[1], item[0], item[1]]
}

/// The elements of an `oidvector`.
fn oids(v: &Array) -> Vec<u8> {
    let id = |item: &Datum| if let Datum::Oid(id) = item { *id } else { 0 };
    v.items.iter().flat_map(|item| id(item).to_le_bytes()).collect()
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
    hashxid8(a: i64) -> i32 = hash_i64(a);
    pg_lsn_hash(a: i64) -> i32 = hash_i64(a);
    hashtid(a: Tid) -> i32 = hash_bytes(&tid_bytes(a));
    hashinet(a: Inet) -> i32 = hash_bytes(&inet_bytes(&a));
    hashmacaddr(a: MacAddr) -> i32 = hash_bytes(&a.0);
    hashmacaddr8(a: MacAddr8) -> i32 = hash_bytes(&a.0);
    hashoidvector(a: &Array) -> i32 = hash_bytes(&oids(a));

    hashcharextended(a: Char, seed: i64) -> i64 = hash_u32_seeded((a.0 as i8) as i32 as u32, seed);
    hashboolextended(a: bool, seed: i64) -> i64 = hash_u32_seeded(a.into(), seed);
    hashint2extended(a: i16, seed: i64) -> i64 = hash_u32_seeded(i32::from(a) as u32, seed);
    hashint4extended(a: i32, seed: i64) -> i64 = hash_u32_seeded(a as u32, seed);
    hashint8extended(a: i64, seed: i64) -> i64 = hash_u32_seeded(fold_i64(a), seed);
    hashfloat4extended(a: f32, seed: i64) -> i64 = hash_f64_seeded(a.into(), seed);
    hashfloat8extended(a: f64, seed: i64) -> i64 = hash_f64_seeded(a, seed);
    hash_of_numeric(a: &Numeric) -> i32 = hash_numeric(a);
    hash_numeric_extended(a: &Numeric, seed: i64) -> i64 = hash_numeric_seeded(a, seed);
    hashoidextended(a: Id, seed: i64) -> i64 = hash_u32_seeded(a.0, seed);
    hashxidextended(a: Id, seed: i64) -> i64 = hash_u32_seeded(a.0, seed);
    hashcidextended(a: Id, seed: i64) -> i64 = hash_u32_seeded(a.0, seed);
    hashxid8extended(a: i64, seed: i64) -> i64 = hash_u32_seeded(fold_i64(a), seed);
    pg_lsn_hash_extended(a: i64, seed: i64) -> i64 = hash_u32_seeded(fold_i64(a), seed);
    hashtidextended(a: Tid, seed: i64) -> i64 = hash_bytes_seeded(&tid_bytes(a), seed);
    hashnameextended(a: &str, seed: i64) -> i64 = hash_bytes_seeded(a.as_bytes(), seed);
    hashtextextended(a: &str, seed: i64) -> i64 = hash_bytes_seeded(a.as_bytes(), seed);
    hashbpcharextended(a: &str, seed: i64) -> i64 = hash_bytes_seeded(a.trim_end_matches(' ').as_bytes(), seed);
    hashbyteaextended(a: &[u8], seed: i64) -> i64 = hash_bytes_seeded(a, seed);
    hashdateextended(a: Date, seed: i64) -> i64 = hash_u32_seeded(a.0 as u32, seed);
    time_hash_extended(a: Time, seed: i64) -> i64 = hash_u32_seeded(fold_i64(a.0), seed);
    timetz_hash(a: TimeTz) -> i32 = hash_i64(a.0) ^ hash_u32(a.1 as u32);
    timetz_hash_extended(a: TimeTz, seed: i64) -> i64 =
        hash_u32_seeded(fold_i64(a.0), seed) ^ hash_u32_seeded(a.1 as u32, seed);
    timestamp_hash_extended(a: Ts, seed: i64) -> i64 = hash_u32_seeded(fold_i64(a.0), seed);
    timestamptz_hash_extended(a: Ts, seed: i64) -> i64 = hash_u32_seeded(fold_i64(a.0), seed);
    interval_hash(a: &Interval) -> i32 = hash_i64(interval::length(a) as i64);
    interval_hash_extended(a: &Interval, seed: i64) -> i64 =
        hash_u32_seeded(fold_i64(interval::length(a) as i64), seed);
    uuid_hash_extended(a: Uuid, seed: i64) -> i64 = hash_bytes_seeded(&a.0, seed);
    hashinetextended(a: Inet, seed: i64) -> i64 = hash_bytes_seeded(&inet_bytes(&a), seed);
    hashmacaddrextended(a: MacAddr, seed: i64) -> i64 = hash_bytes_seeded(&a.0, seed);
    hashmacaddr8extended(a: MacAddr8, seed: i64) -> i64 = hash_bytes_seeded(&a.0, seed);
    hashoidvectorextended(a: &Array, seed: i64) -> i64 = hash_bytes_seeded(&oids(a), seed);
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
