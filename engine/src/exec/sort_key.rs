//! Normalised sort keys: byte strings whose memcmp order is the rows' order (Graefe 2006).
//!
//! Per key: a marker byte for NULL (left out where no row is NULL), then the value in a form that compares bytewise; all of it
//! inverted for descending keys.

use nq_qsql::error::Result;
use nq_qsql::plan::physical::SortSlot;
use nq_qsql::types::{Numeric, keycode, oid};

use super::hash::unpadded;
use super::vector::{Values, Vector};

/// With what the keys are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Keys of these very vectors only: their common scale and their lack of NULLs may be used.
    Alone,
    /// Keys of other vectors of the same types as well.
    Any,
}

/// Appends the key of one row.
pub fn encode(columns: &[(&Vector, SortSlot)], row: usize, scope: Scope, out: &mut Vec<u8>) -> Result<()> {
    for (vector, key) in columns {
        encode_one(vector, key, row, scope, out)?;
    }
    Ok(())
}

fn encode_one(vector: &Vector, key: &SortSlot, row: usize, scope: Scope, out: &mut Vec<u8>) -> Result<()> {
    let i = vector.at(row);
    if let Values::Datum(v) = &vector.values
        && key.ty.oid != oid::NUMERIC
    {
        return keycode::encode(&v[i], key.ty.oid, key.descending, key.nulls_first, out);
    }
    if scope == Scope::Any || vector.nulls.any() {
        let null = vector.nulls.is_null(i);
        out.push(u8::from(null != key.nulls_first));
        if null {
            return Ok(());
        }
    }
    let start = out.len();
    match &vector.values {
        Values::Bool(v) => out.push(u8::from(v[i])),
        Values::I16(v) => out.extend_from_slice(&(v[i] ^ i16::MIN).to_be_bytes()),
        Values::I32(v) => out.extend_from_slice(&(v[i] ^ i32::MIN).to_be_bytes()),
        Values::I64(v) => out.extend_from_slice(&(v[i] ^ i64::MIN).to_be_bytes()),
        Values::F32(v) => out.extend_from_slice(&float(f64::from(v[i])).to_be_bytes()),
        Values::F64(v) => out.extend_from_slice(&float(v[i]).to_be_bytes()),
        Values::Decimal(_, v) if scope == Scope::Alone => {
            out.extend_from_slice(&(v[i] ^ i64::MIN).to_be_bytes())
        }
        Values::Decimal(scale, v) => Numeric::Small { unscaled: v[i], scale: *scale }.encode_key(out),
        Values::Str(s) if key.ty.oid == oid::BYTEA => {
            for &byte in s.get(i) {
                out.push(byte);
                if byte == 0 {
                    out.push(0xff);
                }
            }
            out.extend_from_slice(&[0, 0]);
        }
        Values::Str(s) => {
            // Text holds no zero byte.
            let bytes = if key.ty.oid == oid::BPCHAR { unpadded(s.get(i)) } else { s.get(i) };
            out.extend_from_slice(bytes);
            out.push(0);
        }
        Values::Datum(v) => {
            if let nq_qsql::types::Datum::Numeric(n) = &v[i] {
                n.encode_key(out);
            }
        }
    }
    if key.descending {
        out[start..].iter_mut().for_each(|b| *b = !*b);
    }
    Ok(())
}

/// Bits that order as PostgreSQL orders floats: `-0` equals `0`, NaN is greatest.
fn float(x: f64) -> u64 {
    let x = if x.is_nan() { f64::NAN.abs() } else { x + 0.0 };
    let bits = x.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::vector::{Kind, Vector};
    use nq_qsql::types::{DataType, Datum};

    #[test]
    fn keys_order_as_values() {
        let floats = [f64::NEG_INFINITY, -1.5, -0.0, 1e-300, 2.0, f64::INFINITY, f64::NAN];
        assert!(floats.windows(2).all(|w| float(w[0]) < float(w[1])));
        assert_eq!(float(0.0), float(-0.0));
        for (descending, nulls_first) in [(false, false), (true, true), (false, true), (true, false)] {
            let mut v = Vector::new(Kind::I32);
            for d in [Datum::Int4(-3), Datum::Int4(0), Datum::Int4(7), Datum::Null] {
                v.push_datum(&d);
            }
            let slot =
                SortSlot { slot: 0, ty: DataType::of(oid::INT4), collation: 0, descending, nulls_first };
            let mut order: Vec<usize> = (0..4).collect();
            order.sort_by_key(|&row| {
                let mut key = Vec::new();
                encode(&[(&v, slot)], row, Scope::Any, &mut key).expect("int4");
                key
            });
            let mut expected: Vec<usize> = if descending { vec![2, 1, 0] } else { vec![0, 1, 2] };
            expected.insert(if nulls_first { 0 } else { 3 }, 3);
            assert_eq!(order, expected);
        }
    }
}
