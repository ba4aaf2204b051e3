//! Casts between numbers that have kernels: widening integers, integers to float8 and numeric, numeric to float8 where that is exact.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::oid;

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::{Values, Vector};
use super::call::Call;

/// A numeric cast.
pub(in crate::exec) struct Cast {
    call: Call,
}

/// Takes over calls of cast functions that have a kernel.
pub(super) fn recognise(call: Call) -> Result<Cast, Call> {
    let [from] = call.arg_types[..] else { return Err(call) };
    let known = matches!(
        (call.func.name, from.oid),
        ("int4", oid::INT2)
            | ("int8", oid::INT2 | oid::INT4)
            | ("float8", oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::NUMERIC)
            | ("numeric", oid::INT2 | oid::INT4 | oid::INT8)
    );
    if known { Ok(Cast { call }) } else { Err(call) }
}

/// Largest integer below which every integer is a float8.
const EXACT: i64 = 1 << 53;
/// Powers of ten that are exact as float8.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

impl Cast {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let from = self.call.args[0].eval(batch, rows, cx)?;
        match self.kernel(&from.values) {
            Some(values) => {
                Ok(Arc::new(Vector { values, nulls: from.nulls.clone(), constant: from.constant }))
            }
            None => self.call.apply_rows(&[&from], rows, batch.len, cx),
        }
    }

    /// Converts every value: none of these casts can fail.
    fn kernel(&self, from: &Values) -> Option<Values> {
        macro_rules! each {
            ($v:expr, $f:expr) => {
                $v.iter().map($f).collect()
            };
        }
        Some(match (from, self.call.result.oid) {
            (Values::I16(v), oid::INT4) => Values::I32(each!(v, |&x| i32::from(x))),
            (Values::I16(v), oid::INT8) => Values::I64(each!(v, |&x| i64::from(x))),
            (Values::I32(v), oid::INT8) => Values::I64(each!(v, |&x| i64::from(x))),
            (Values::I16(v), oid::FLOAT8) => Values::F64(each!(v, |&x| f64::from(x))),
            (Values::I32(v), oid::FLOAT8) => Values::F64(each!(v, |&x| f64::from(x))),
            (Values::I64(v), oid::FLOAT8) => Values::F64(each!(v, |&x| x as f64)),
            (Values::F32(v), oid::FLOAT8) => Values::F64(each!(v, |&x| f64::from(x))),
            (Values::I16(v), oid::NUMERIC) => Values::Decimal(0, each!(v, |&x| i64::from(x))),
            (Values::I32(v), oid::NUMERIC) => Values::Decimal(0, each!(v, |&x| i64::from(x))),
            (Values::I64(v), oid::NUMERIC) => Values::Decimal(0, v.clone()),
            (Values::Decimal(scale, v), oid::FLOAT8) => {
                let power = *POWERS.get(usize::from(*scale))?;
                if v.iter().any(|x| !(-EXACT..=EXACT).contains(x)) {
                    return None;
                }
                Values::F64(each!(v, |&x| x as f64 / power))
            }
            _ => return None,
        })
    }
}
