//! Row values: comparison column by column.

use std::cmp::Ordering;

use super::args::{larger, order};
use crate::types::Datum;
use crate::types::compare::compare;
use crate::types::oid::RECORD;

fn rows(a: &Datum, b: &Datum) -> Ordering {
    compare(a, b, RECORD)
}

order!(rows, &Datum, &Datum; record_eq, record_ne, record_lt, record_le, record_gt, record_ge, btrecordcmp);
larger!(rows, &Datum; record_larger, record_smaller);
