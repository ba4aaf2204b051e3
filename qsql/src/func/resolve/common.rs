//! One type for several values: UNION, CASE, VALUES, ARRAY, COALESCE, GREATEST (manual 10.5).

use super::super::CastContext;
use super::super::category::{category, display, preferred};
use super::coercion::can_coerce;
use crate::error::SqlError;
use crate::sql_err;
use crate::types::oid::{TEXT, UNKNOWN};
use crate::types::{Oid, info};

/// Why several types have no common one.
#[derive(Debug)]
pub struct CommonTypeError {
    /// Index of the input that does not fit; its place in the statement is the error's place.
    pub index: usize,
    /// The error.
    pub error: SqlError,
}

/// Chooses the type that all of `types` are to be coerced to; `context` is the construct's name in the message, for
/// example `CASE`, `UNION`, `ARRAY`, `COALESCE`, `VALUES`, `IN`, `JOIN/USING`.
///
/// # Errors
/// 42804 `CASE types integer and text cannot be matched`.
pub fn select_common_type(context: &str, types: &[Oid]) -> Result<Oid, CommonTypeError> {
    choose(types).map_err(|(index, seen, other)| CommonTypeError {
        index,
        error: sql_err!(
            DATATYPE_MISMATCH,
            "{context} types {} and {} cannot be matched",
            display(seen),
            display(other)
        ),
    })
}

/// As [`select_common_type`], for arguments of the anycompatible family; fails with the two types.
pub(super) fn common_type(types: &[Oid]) -> Result<Oid, (Oid, Oid)> {
    let chosen = choose(types).map_err(|(_, seen, other)| (seen, other))?;
    match types.iter().find(|&&t| !can_coerce(t, chosen, CastContext::Implicit)) {
        Some(&other) => Err((chosen, other)),
        None => Ok(chosen),
    }
}

fn choose(types: &[Oid]) -> Result<Oid, (usize, Oid, Oid)> {
    // A domain remains only where all are of it.
    if let Some((&first, rest)) = types.split_first()
        && first != UNKNOWN
        && rest.iter().all(|ty| *ty == first)
    {
        return Ok(first);
    }
    let mut chosen = UNKNOWN;
    for (index, ty) in types.iter().map(|ty| info::base_type(*ty)).enumerate() {
        if ty == UNKNOWN || ty == chosen {
            continue;
        }
        if chosen == UNKNOWN {
            chosen = ty;
        } else if category(ty) != category(chosen) {
            return Err((index, chosen, ty));
        } else if !preferred(chosen)
            && can_coerce(chosen, ty, CastContext::Implicit)
            && !can_coerce(ty, chosen, CastContext::Implicit)
        {
            chosen = ty;
        }
    }
    Ok(if chosen == UNKNOWN { TEXT } else { chosen })
}
