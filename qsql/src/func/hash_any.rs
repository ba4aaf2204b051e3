//! Hashes of values made of others: arrays, ranges, multiranges, rows, each by the hash function of its parts' type.
//!
//! Source: rows of PostgreSQL 18's `pg_amproc` for the access method `hash`.

use super::args::{Spans, scalar};
use super::category::display;
use super::hash::{hash_u32, hash_u32_seeded};
use super::opclass::opclass_input;
use super::{Body, EvalCx, function_by_oid};
use crate::error::Result;
use crate::sql_err;
use crate::types::oid::*;
use crate::types::range::Span;
use crate::types::{Array, Datum, Oid};

/// Type, its hash function, its hash function with a seed.
#[rustfmt::skip]
static FUNCTIONS: &[(Oid, Oid, Oid)] = &[
    (BOOL, 6417, 6418), (BYTEA, 6413, 6414), (CHAR, 454, 446), (NAME, 455, 447), (INT8, 949, 442), (INT2, 449, 441),
    (INT4, 450, 425), (TEXT, 400, 448), (OID, 453, 445), (TID, 2233, 2234), (XID, 6419, 6420), (CID, 6423, 6424),
    (OIDVECTOR, 457, 776), (FLOAT4, 451, 443), (FLOAT8, 452, 444), (MACADDR8, 328, 781), (MACADDR, 399, 778),
    (INET, 422, 779), (BPCHAR, 1080, 972), (DATE, 6415, 6416), (TIME, 1688, 3409),
    (TIMESTAMP, 2039, 3411), (TIMESTAMPTZ, 6425, 6426), (INTERVAL, 1697, 3418), (TIMETZ, 1696, 3410),
    (NUMERIC, 432, 780), (RECORD, 6192, 6193), (ANYARRAY, 626, 782), (UUID, 2963, 3412), (PG_LSN, 3252, 3413),
    (JSONB, 4045, 3416), (ANYRANGE, 3902, 3417), (ANYMULTIRANGE, 4278, 4279),
    (XID8, 6421, 6422),
];

/// The hash of a value of type `ty`; 32 bits wide without a seed.
///
/// # Errors
/// 42883 for a type that cannot be hashed.
fn hash_of(cx: &mut EvalCx<'_>, value: &Datum, ty: Oid, seed: Option<i64>) -> Result<u64> {
    let input = opclass_input(ty);
    let found = FUNCTIONS.iter().find(|row| row.0 == input);
    let function = found.and_then(|row| function_by_oid(if seed.is_some() { row.2 } else { row.1 }));
    let Some(Body::Scalar(body)) = function.map(|f| f.body) else {
        return Err(sql_err!(
            UNDEFINED_FUNCTION,
            "could not identify a hash function for type {}",
            display(ty)
        ));
    };
    let hashed = match seed {
        None => body(cx, std::slice::from_ref(value))?,
        Some(seed) => body(cx, &[value.clone(), Datum::Int8(seed)])?,
    };
    Ok(match hashed {
        Datum::Int4(v) => u64::from(v as u32),
        Datum::Int8(v) => v as u64,
        _ => 0,
    })
}

fn elements(cx: &mut EvalCx<'_>, a: &Array, seed: Option<i64>) -> Result<u64> {
    let mut hash = 1u64;
    for item in &a.items {
        let part = if item.is_null() { 0 } else { hash_of(cx, item, a.element, seed)? };
        hash = hash.wrapping_mul(31).wrapping_add(part);
    }
    Ok(hash)
}

fn fields(cx: &mut EvalCx<'_>, fields: &Datum, seed: Option<i64>) -> Result<u64> {
    let Datum::Record(fields) = fields else { return Ok(0) };
    let mut hash = 0u64;
    for field in fields.iter() {
        let part = if field.is_null() { 0 } else { hash_of(cx, field, field.natural_type(), seed)? };
        hash = hash.wrapping_mul(31).wrapping_add(part);
    }
    Ok(hash)
}

const EMPTY: u32 = 0x01;
const LOWER_INCLUSIVE: u32 = 0x02;
const UPPER_INCLUSIVE: u32 = 0x04;
const LOWER_INFINITE: u32 = 0x08;
const UPPER_INFINITE: u32 = 0x10;

/// A range: its flags and its ends, each turned by a bit.
fn span(cx: &mut EvalCx<'_>, span: Option<&Span>, element: Oid, seed: Option<i64>) -> Result<u64> {
    let flags = span.map_or(EMPTY, |span| {
        let bits = [
            (span.lower.inclusive, LOWER_INCLUSIVE),
            (span.upper.inclusive, UPPER_INCLUSIVE),
            (span.lower.is_infinite(), LOWER_INFINITE),
            (span.upper.is_infinite(), UPPER_INFINITE),
        ];
        bits.iter().filter(|(set, _)| *set).fold(0, |flags, (_, bit)| flags | bit)
    });
    let mut ends = [0; 2];
    if let Some(span) = span {
        for (end, bound) in ends.iter_mut().zip([&span.lower, &span.upper]) {
            if !bound.is_infinite() {
                *end = hash_of(cx, &bound.value, element, seed)?;
            }
        }
    }
    Ok(match seed {
        None => u64::from((hash_u32(flags) as u32 ^ ends[0] as u32).rotate_left(1) ^ ends[1] as u32),
        Some(seed) => {
            let hash = hash_u32_seeded(flags, seed) as u64 ^ ends[0];
            let (high, low) = ((hash >> 32) as u32, hash as u32);
            (u64::from(high.rotate_left(1)) << 32 | u64::from(low.rotate_left(1))) ^ ends[1]
        }
    })
}

fn spans(cx: &mut EvalCx<'_>, a: Spans<'_>, seed: Option<i64>) -> Result<u64> {
    let mut hash = 1u64;
    for one in a.1 {
        hash = hash.wrapping_mul(31).wrapping_add(span(cx, Some(one), a.0.element, seed)?);
    }
    Ok(hash)
}

scalar! {
    hash_array[cx](a: &Array) -> i32 = elements(cx, a, None)? as i32;
    hash_array_extended[cx](a: &Array, seed: i64) -> i64 = elements(cx, a, Some(seed))? as i64;
    hash_record[cx](a: &Datum) -> i32 = fields(cx, a, None)? as i32;
    hash_record_extended[cx](a: &Datum, seed: i64) -> i64 = fields(cx, a, Some(seed))? as i64;
    hash_range[cx](a: Spans<'_>) -> i32 = span(cx, a.1.first(), a.0.element, None)? as i32;
    hash_range_extended[cx](a: Spans<'_>, seed: i64) -> i64 = span(cx, a.1.first(), a.0.element, Some(seed))? as i64;
    hash_multirange[cx](a: Spans<'_>) -> i32 = spans(cx, a, None)? as i32;
    hash_multirange_extended[cx](a: Spans<'_>, seed: i64) -> i64 = spans(cx, a, Some(seed))? as i64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_functions() {
        for (ty, plain, seeded) in FUNCTIONS {
            assert!(function_by_oid(*plain).is_some(), "{}", display(*ty));
            assert!(function_by_oid(*seeded).is_some() || *ty == JSONB, "{}", display(*ty));
        }
    }
}
