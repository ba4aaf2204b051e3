//! What resolution asks of a type: its category, whether it is preferred there, its array type, its name.
//!
//! Source: PostgreSQL manual, 10 "Type Conversion" and table 52.65 "typcategory Codes".

use crate::error::Result;
use crate::sql_err;
use crate::types::{DataType, Oid, info};

pub use crate::types::info::{element_of, type_name as display};

/// `pg_type.typcategory`; `U` for types that are not built in.
pub fn category(oid: Oid) -> u8 {
    info::by_oid(oid).map_or(b'U', |ty| ty.category)
}

/// `pg_type.typispreferred`.
pub fn preferred(oid: Oid) -> bool {
    info::by_oid(oid).is_some_and(|ty| ty.preferred)
}

/// The array type over `element`; `None` when there is none.
pub fn array_of(element: Oid) -> Option<Oid> {
    Some(info::array_of(element)).filter(|&array| array != 0)
}

/// The type of an array of values of `ty`: the array type over it, or `ty` itself when it is an array, for arrays of arrays are
/// arrays of more dimensions. `None` when there is neither.
pub fn array_with(ty: Oid) -> Option<Oid> {
    array_of(ty).or_else(|| element_of(ty).map(|_| ty))
}

/// Whether an array of values of `ty` has one more dimension than they have, not elements of type `ty`.
pub fn is_stacked(ty: Oid) -> bool {
    array_of(ty).is_none() && element_of(ty).is_some()
}

/// Finds a type by its `pg_type.typname`.
pub fn by_name(name: &str) -> Option<Oid> {
    info::by_name(name).map(|ty| ty.oid)
}

/// Reads a type name with its modifier, as `regtypein` does.
///
/// # Errors
/// 42704 `type "x" does not exist`.
pub(super) fn parse_type(name: &str) -> Result<DataType> {
    info::parse_type(name)?.ok_or_else(|| sql_err!(UNDEFINED_OBJECT, "type \"{name}\" does not exist"))
}
