//! Batches as bytes, for spill files: rows, then each column's representation, NULL rows and values. Lives no longer than the process.

use std::sync::Arc;

use nq_qsql::error::Result;

use super::batch::Batch;
use super::strings::Strings;
use super::vector::{Nulls, Values, Vector};
use crate::table::value::{self, damaged};

/// Appends the counting rows of a batch.
pub fn encode(batch: &Batch, out: &mut Vec<u8>) {
    out.extend_from_slice(&(batch.count() as u32).to_le_bytes());
    out.extend_from_slice(&(batch.columns.len() as u32).to_le_bytes());
    for column in &batch.columns {
        encode_column(column, batch, out);
    }
}

fn encode_column(vector: &Vector, batch: &Batch, out: &mut Vec<u8>) {
    let rows = || batch.rows().iter().map(|row| vector.at(row));
    macro_rules! plain {
        ($tag:expr, $v:expr) => {{
            out.push($tag);
            rows().for_each(|i| out.extend_from_slice(&$v[i].to_le_bytes()));
        }};
    }
    let nulls: Vec<u16> = batch
        .rows()
        .iter()
        .enumerate()
        .filter(|&(_, row)| vector.is_null(row))
        .map(|(k, _)| k as u16)
        .collect();
    out.extend_from_slice(&(nulls.len() as u32).to_le_bytes());
    nulls.iter().for_each(|k| out.extend_from_slice(&k.to_le_bytes()));
    match &vector.values {
        Values::Bool(v) => {
            out.push(0);
            rows().for_each(|i| out.push(u8::from(v[i])));
        }
        Values::I16(v) => plain!(1, v),
        Values::I32(v) => plain!(2, v),
        Values::I64(v) => plain!(3, v),
        Values::F32(v) => plain!(4, v),
        Values::F64(v) => plain!(5, v),
        Values::Decimal(scale, v) => {
            out.extend_from_slice(&[6, *scale]);
            rows().for_each(|i| out.extend_from_slice(&v[i].to_le_bytes()));
        }
        Values::Str(s) => {
            out.push(7);
            for i in rows() {
                let bytes = s.get(i);
                out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                out.extend_from_slice(bytes);
            }
        }
        Values::Datum(v) => {
            out.push(8);
            rows().for_each(|i| value::put(&v[i], out));
        }
    }
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(len).ok_or_else(damaged)?;
    *bytes = rest;
    Ok(head)
}

fn word(bytes: &mut &[u8]) -> Result<usize> {
    Ok(take(bytes, 4)?.iter().rev().fold(0, |acc, &b| acc << 8 | usize::from(b)))
}

/// Reads a batch.
///
/// # Errors
/// XX001 for bytes that [`encode`] never wrote.
pub fn decode(mut bytes: &[u8]) -> Result<Batch> {
    let bytes = &mut bytes;
    let (len, columns) = (word(bytes)?, word(bytes)?);
    let columns = (0..columns).map(|_| decode_column(bytes, len).map(Arc::new)).collect::<Result<_>>()?;
    Ok(Batch { columns, len, selection: None })
}

fn decode_column(bytes: &mut &[u8], len: usize) -> Result<Vector> {
    let mut nulls = Nulls::default();
    let count = word(bytes)?;
    for pair in take(bytes, count * 2)?.chunks_exact(2) {
        nulls.set(usize::from(u16::from_le_bytes([pair[0], pair[1]])));
    }
    macro_rules! plain {
        ($ty:ty) => {
            take(bytes, len * size_of::<$ty>())?
                .chunks_exact(size_of::<$ty>())
                .map(|c| c.first_chunk().map_or(Default::default(), |b| <$ty>::from_le_bytes(*b)))
                .collect()
        };
    }
    let values = match take(bytes, 1)?[0] {
        0 => Values::Bool(take(bytes, len)?.iter().map(|&b| b != 0).collect()),
        1 => Values::I16(plain!(i16)),
        2 => Values::I32(plain!(i32)),
        3 => Values::I64(plain!(i64)),
        4 => Values::F32(plain!(f32)),
        5 => Values::F64(plain!(f64)),
        6 => Values::Decimal(take(bytes, 1)?[0], plain!(i64)),
        7 => {
            let mut strings = Strings::default();
            for _ in 0..len {
                let size = word(bytes)?;
                strings.push(take(bytes, size)?);
            }
            Values::Str(strings)
        }
        8 => Values::Datum((0..len).map(|_| value::get(bytes)).collect::<Result<_>>()?),
        _ => return Err(damaged()),
    };
    Ok(Vector { values, nulls, constant: false })
}
