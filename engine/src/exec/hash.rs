//! Hashing and comparing rows of vectors.
//!
//! Values that are equal in SQL hash alike and compare equal here: integers of different widths, decimals of different scale, `-0.0`
//! and `0.0`, all NaNs, `char(n)` with and without its trailing blanks. NULL equals NULL here: callers decide what that means.

use std::cmp::Ordering;

use nq_qsql::types::{Datum, Numeric, Oid, compare, oid};

use super::batch::Rows;
use super::vector::{Values, Vector};

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;

/// Mixes a word (splitmix64's finaliser).
#[inline]
pub fn mix(word: u64) -> u64 {
    let mut x = word ^ SEED;
    x = (x ^ x >> 32).wrapping_mul(MULTIPLIER);
    x = (x ^ x >> 32).wrapping_mul(MULTIPLIER);
    x ^ x >> 32
}

/// Joins a column's hash to those of the columns before.
#[inline]
pub fn join(hash: u64, next: u64) -> u64 {
    (hash.rotate_left(5) ^ next).wrapping_mul(MULTIPLIER)
}

/// Hashes bytes.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    // Short strings as one or two words that may overlap.
    let word = |at: usize| bytes[at..].first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    let half = |at: usize| bytes[at..].first_chunk::<4>().map_or(0, |b| u64::from(u32::from_le_bytes(*b)));
    match bytes.len() {
        0 => return mix(hash),
        n @ 1..=3 => {
            let ends = u64::from(bytes[0]) | u64::from(bytes[n / 2]) << 8 | u64::from(bytes[n - 1]) << 16;
            return mix(hash ^ ends);
        }
        n @ 4..=8 => return mix(hash ^ (half(0) | half(n - 4) << 32)),
        n @ 9..=16 => {
            hash = (hash ^ word(0)).wrapping_mul(MULTIPLIER);
            return mix(hash ^ hash >> 29 ^ word(n - 8));
        }
        _ => {}
    }
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
        hash ^= hash >> 29;
    }
    let mut word = [0; 8];
    word[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(hash ^ u64::from_le_bytes(word))
}

/// `char(n)` without its padding.
#[inline]
pub fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != b' ').map_or(0, |last| last + 1);
    &bytes[..end]
}

fn hash_float(x: f64) -> u64 {
    if x.is_nan() {
        return mix(u64::MAX);
    }
    mix((x + 0.0).to_bits())
}

fn hash_decimal(mut unscaled: i64, mut scale: u8) -> u64 {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    mix(unscaled as u64 ^ u64::from(if unscaled == 0 { 0 } else { scale }).rotate_left(56))
}

fn hash_datum(value: &Datum, oid: Oid) -> u64 {
    match value {
        Datum::Numeric(n @ Numeric::Wide(_)) => match n.trim_scale() {
            Numeric::Small { unscaled, scale } => hash_decimal(unscaled, scale),
            wide => mix(compare::hash(&Datum::Numeric(wide), oid)),
        },
        Datum::Numeric(Numeric::Small { unscaled, scale }) => hash_decimal(*unscaled, *scale),
        _ => mix(compare::hash(value, oid)),
    }
}

/// Hash of NULL.
const NULL: u64 = 0x7e1d_5f3b_9b97_f4a7;

/// Writes the hash of each row's `keys` into `out`, aligned with the rows' numbers.
pub fn hash_rows(keys: &[(&Vector, Oid)], rows: Rows<'_>, len: usize, out: &mut Vec<u64>) {
    out.clear();
    out.resize(len, 0);
    for (column, (vector, oid)) in keys.iter().enumerate() {
        hash_column(vector, *oid, rows, column == 0, out);
    }
}

fn hash_column(vector: &Vector, oid: Oid, rows: Rows<'_>, first: bool, out: &mut [u64]) {
    fn run(vector: &Vector, rows: Rows<'_>, first: bool, out: &mut [u64], hash: impl Fn(usize) -> u64) {
        let nulls = vector.nulls.any();
        for row in rows.iter() {
            let at = vector.at(row);
            let h = if nulls && vector.nulls.is_null(at) { NULL } else { hash(at) };
            out[row] = if first { h } else { join(out[row], h) };
        }
    }
    match &vector.values {
        Values::Bool(v) => run(vector, rows, first, out, |i| mix(u64::from(v[i]))),
        Values::I16(v) => run(vector, rows, first, out, |i| mix(i64::from(v[i]) as u64)),
        Values::I32(v) => run(vector, rows, first, out, |i| mix(i64::from(v[i]) as u64)),
        Values::I64(v) => run(vector, rows, first, out, |i| mix(v[i] as u64)),
        Values::F32(v) => run(vector, rows, first, out, |i| hash_float(f64::from(v[i]))),
        Values::F64(v) => run(vector, rows, first, out, |i| hash_float(v[i])),
        Values::Decimal(scale, v) => run(vector, rows, first, out, |i| hash_decimal(v[i], *scale)),
        Values::Str(s) if oid == oid::BPCHAR => {
            run(vector, rows, first, out, |i| hash_bytes(unpadded(s.get(i))))
        }
        Values::Str(s) => run(vector, rows, first, out, |i| hash_bytes(s.get(i))),
        Values::Datum(v) => run(vector, rows, first, out, |i| hash_datum(&v[i], oid)),
    }
}

/// PostgreSQL's order of floats: NaN is greatest and equal to itself.
#[inline]
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Compares decimals of different scales.
pub fn compare_decimals(a: i64, a_scale: u8, b: i64, b_scale: u8) -> Ordering {
    if a_scale == b_scale {
        return a.cmp(&b);
    }
    let lift = |x: i64, by: u8| match 10i128.checked_pow(u32::from(by)) {
        Some(factor) if by <= 19 => Some(i128::from(x) * factor),
        _ => None,
    };
    let exact = if a_scale < b_scale {
        lift(a, b_scale - a_scale).map(|a| a.cmp(&i128::from(b)))
    } else {
        lift(b, a_scale - b_scale).map(|b| i128::from(a).cmp(&b))
    };
    exact.unwrap_or_else(|| {
        let wide = |unscaled, scale| Datum::Numeric(Numeric::Small { unscaled, scale });
        compare::compare(&wide(a, a_scale), &wide(b, b_scale), oid::NUMERIC)
    })
}

/// Compares row `i` of `a` with row `j` of `b`, both of type `oid` (integers may differ in width); NULL is greatest.
pub fn compare_rows(a: &Vector, i: usize, b: &Vector, j: usize, oid: Oid) -> Ordering {
    let (i, j) = (a.at(i), b.at(j));
    match (a.nulls.is_null(i), b.nulls.is_null(j)) {
        (false, false) => {}
        (left, right) => return left.cmp(&right),
    }
    match (&a.values, &b.values) {
        (Values::Bool(x), Values::Bool(y)) => x[i].cmp(&y[j]),
        (Values::I32(x), Values::I32(y)) => x[i].cmp(&y[j]),
        (Values::I64(x), Values::I64(y)) => x[i].cmp(&y[j]),
        (Values::I16(x), Values::I16(y)) => x[i].cmp(&y[j]),
        (Values::F64(x), Values::F64(y)) => compare_floats(x[i], y[j]),
        (Values::F32(x), Values::F32(y)) => compare_floats(f64::from(x[i]), f64::from(y[j])),
        (Values::Decimal(p, x), Values::Decimal(q, y)) => compare_decimals(x[i], *p, y[j], *q),
        (Values::Str(x), Values::Str(y)) if oid == oid::BPCHAR => unpadded(x.get(i)).cmp(unpadded(y.get(j))),
        (Values::Str(x), Values::Str(y)) => x.get(i).cmp(y.get(j)),
        _ => match (integer(a, i), integer(b, j)) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => compare::compare(&a.datum(i, oid), &b.datum(j, oid), oid),
        },
    }
}

/// Whether row `i` of `a` equals row `j` of `b`; NULLs are equal.
#[inline]
pub fn equal_rows(a: &Vector, i: usize, b: &Vector, j: usize, oid: Oid) -> bool {
    let (i, j) = (a.at(i), b.at(j));
    if a.nulls.any() || b.nulls.any() {
        match (a.nulls.is_null(i), b.nulls.is_null(j)) {
            (false, false) => {}
            (left, right) => return left == right,
        }
    }
    match (&a.values, &b.values) {
        (Values::I32(x), Values::I32(y)) => x[i] == y[j],
        (Values::I64(x), Values::I64(y)) => x[i] == y[j],
        (Values::Str(x), Values::Str(y)) if oid != oid::BPCHAR => x.same(i, y, j),
        _ => compare_rows(a, i, b, j, oid).is_eq(),
    }
}

/// The integer at position `i` (not row) of a vector of integers.
pub fn integer(vector: &Vector, i: usize) -> Option<i64> {
    match &vector.values {
        Values::I16(v) => Some(i64::from(v[i])),
        Values::I32(v) => Some(i64::from(v[i])),
        Values::I64(v) => Some(v[i]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(values: Values, oid: Oid) -> u64 {
        let mut out = Vec::new();
        hash_rows(&[(&Vector::of(values), oid)], Rows::All(1), 1, &mut out);
        out[0]
    }

    #[test]
    fn equal_values_hash_alike() {
        assert_eq!(one(Values::I16(vec![-7]), oid::INT2), one(Values::I64(vec![-7]), oid::INT8));
        assert_eq!(
            one(Values::Decimal(2, vec![1500]), oid::NUMERIC),
            one(Values::Decimal(0, vec![15]), oid::NUMERIC)
        );
        assert_eq!(one(Values::F64(vec![-0.0]), oid::FLOAT8), one(Values::F64(vec![0.0]), oid::FLOAT8));
        assert_eq!(
            one(Values::F32(vec![f32::NAN]), oid::FLOAT4),
            one(Values::F64(vec![-f64::NAN]), oid::FLOAT8)
        );
        assert_eq!(compare_decimals(15, 1, 150, 2), Ordering::Equal);
        assert_eq!(compare_decimals(i64::MAX, 0, 1, 18), Ordering::Greater);
        assert_eq!(compare_floats(f64::NAN, f64::INFINITY), Ordering::Greater);
    }
}
