//! Row values: comparison column by column, and their fields.

use std::cmp::Ordering;

use super::EvalCx;
use super::args::{arg, larger, order};
use crate::error::{Result, SqlError};
use crate::types::Datum;
use crate::types::compare::compare;
use crate::types::oid::RECORD;

fn rows(a: &Datum, b: &Datum) -> Ordering {
    compare(a, b, RECORD)
}

order!(rows, &Datum, &Datum; record_eq, record_ne, record_lt, record_le, record_gt, record_ge, btrecordcmp);
larger!(rows, &Datum; record_larger, record_smaller);

/// The field of a record with a 0-based index.
pub(super) fn field(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let index: i32 = arg(args, 1)?;
    match &args[0] {
        Datum::Record(fields) => fields.get(index as usize).cloned(),
        _ => None,
    }
    .ok_or_else(|| SqlError::internal("a record without the field that was bound"))
}
