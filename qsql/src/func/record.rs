//! Row values: comparison column by column, and their fields.

use std::cmp::Ordering;

use super::EvalCx;
use super::args::{arg, larger, order};
use crate::error::{Result, SqlError};
use crate::types::compare::compare;
use crate::types::oid::RECORD;
use crate::types::{Datum, rowtype};

fn rows(a: &Datum, b: &Datum) -> Ordering {
    compare(a, b, RECORD)
}

order!(rows, &Datum, &Datum; record_eq, record_ne, record_lt, record_le, record_gt, record_ge, btrecordcmp);
larger!(rows, &Datum; record_larger, record_smaller);

/// The field of a record with a 0-based index.
pub(super) fn field(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let index: i32 = arg(args, 1)?;
    match &args[0] {
        // A row may be older than an attribute of its type.
        Datum::Record(fields) => Ok(fields.get(index as usize).cloned().unwrap_or(Datum::Null)),
        _ => Err(SqlError::internal("a record without the field that was bound")),
    }
}

/// The row with another value in a field; of NULL a row of NULLs is made.
pub(super) fn assign(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let index: i32 = arg(args, 1)?;
    let mut fields = match &args[0] {
        Datum::Record(fields) => fields.to_vec(),
        _ => Vec::new(),
    };
    let width = rowtype::fields_of(cx.result).map_or(0, |fields| fields.len());
    fields.resize(width.max(fields.len()), Datum::Null);
    match fields.get_mut(index as usize) {
        Some(field) => *field = args[2].clone(),
        None => return Err(SqlError::internal("a row without the field that was bound")),
    }
    Ok(Datum::Record(fields.into()))
}
