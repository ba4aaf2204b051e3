//! `anyelement`, `anyarray` and their relatives: agreement of the arguments, and the types they stand for.
//!
//! Source: PostgreSQL manual 36.2.5 "Polymorphic Types".

use super::super::category::{array_of, category, display, element_of};
use super::common::common_type;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Oid;
use crate::types::oid::{
    ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYCOMPATIBLENONARRAY, ANYELEMENT, ANYENUM, ANYNONARRAY,
    TEXT, UNKNOWN,
};

/// Whether `ty` stands for a type that the call decides.
pub fn is_polymorphic(ty: Oid) -> bool {
    matches!(
        ty,
        ANYELEMENT
            | ANYARRAY
            | ANYNONARRAY
            | ANYENUM
            | ANYCOMPATIBLE
            | ANYCOMPATIBLEARRAY
            | ANYCOMPATIBLENONARRAY
    )
}

/// Whether the polymorphic parameters among `declared` can stand for `actual`.
pub(super) fn solves(actual: &[Oid], declared: &[Oid]) -> bool {
    let mut targets = declared.to_vec();
    match solve(actual, &mut targets, declared.first().copied().unwrap_or(0)) {
        Ok(_) => true,
        // Literals of unknown type fit provisionally, as long as nothing contradicts.
        Err(e) => e.message().starts_with("could not determine polymorphic type because"),
    }
}

fn mismatch(message: String, detail: Option<String>) -> SqlError {
    let error = sql_err!(DATATYPE_MISMATCH, "{message}");
    match detail {
        Some(text) => error.detail(text),
        None => error,
    }
}

/// Replaces the polymorphic types in `declared` by what they stand for and returns the result type for `result`.
///
/// # Errors
/// 42804 where the arguments do not agree, or all are of unknown type.
pub(super) fn solve(actual: &[Oid], declared: &mut [Oid], result: Oid) -> Result<Oid> {
    let mut element = None;
    let mut array = None;
    let mut generic = false;
    let mut nonarray = false;
    let mut enumeration = false;
    let mut compatible: Vec<Oid> = Vec::new();
    let mut compatible_unknown = false;
    let mut compatible_nonarray = false;
    for (&have, &want) in actual.iter().zip(declared.iter()) {
        match want {
            ANYELEMENT | ANYNONARRAY | ANYENUM => {
                generic = true;
                nonarray |= want == ANYNONARRAY;
                enumeration |= want == ANYENUM;
                if have == UNKNOWN {
                    continue;
                }
                if let Some(seen) = element
                    && seen != have
                {
                    return Err(mismatch(
                        "arguments declared \"anyelement\" are not all alike".into(),
                        Some(format!("{} versus {}", display(seen), display(have))),
                    ));
                }
                element = Some(have);
            }
            ANYARRAY => {
                generic = true;
                if have == UNKNOWN {
                    continue;
                }
                if let Some(seen) = array
                    && seen != have
                {
                    return Err(mismatch(
                        "arguments declared \"anyarray\" are not all alike".into(),
                        Some(format!("{} versus {}", display(seen), display(have))),
                    ));
                }
                array = Some(have);
            }
            ANYCOMPATIBLE | ANYCOMPATIBLENONARRAY => {
                compatible_nonarray |= want == ANYCOMPATIBLENONARRAY;
                match have {
                    UNKNOWN => compatible_unknown = true,
                    _ => compatible.push(have),
                }
            }
            ANYCOMPATIBLEARRAY => match (have, element_of(have)) {
                (UNKNOWN, _) => compatible_unknown = true,
                (_, Some(inner)) => compatible.push(inner),
                (_, None) => {
                    return Err(mismatch(
                        format!(
                            "argument declared anycompatiblearray is not an array but type {}",
                            display(have)
                        ),
                        None,
                    ));
                }
            },
            _ => {}
        }
    }
    if let Some(actual_array) = array
        && actual_array != ANYARRAY
    {
        let Some(inner) = element_of(actual_array) else {
            return Err(mismatch(
                format!("argument declared anyarray is not an array but type {}", display(actual_array)),
                None,
            ));
        };
        match element {
            None => element = Some(inner),
            Some(seen) if seen != inner => {
                return Err(mismatch(
                    "argument declared anyarray is not consistent with argument declared anyelement".into(),
                    Some(format!("{} versus {}", display(actual_array), display(seen))),
                ));
            }
            Some(_) => {}
        }
    }
    if generic && element.is_none() && array.is_none() {
        return Err(mismatch(
            "could not determine polymorphic type because input has type unknown".into(),
            None,
        ));
    }
    if let Some(found) = element {
        if nonarray && element_of(found).is_some() {
            return Err(mismatch(
                format!("type matched to anynonarray is an array type: {}", display(found)),
                None,
            ));
        }
        if enumeration && category(found) != b'E' {
            return Err(mismatch(
                format!("type matched to anyenum is not an enum type: {}", display(found)),
                None,
            ));
        }
    }
    let common = match compatible.is_empty() {
        true => compatible_unknown.then_some(TEXT),
        false => Some(common_type(&compatible).map_err(|(seen, other)| {
            mismatch(
                "arguments of anycompatible family cannot be cast to a common type".into(),
                Some(format!("{} versus {}", display(seen), display(other))),
            )
        })?),
    };
    if compatible_nonarray
        && let Some(found) = common
        && element_of(found).is_some()
    {
        return Err(mismatch(
            format!("type matched to anycompatiblenonarray is an array type: {}", display(found)),
            None,
        ));
    }
    let array_over = |inner: Oid| {
        array_of(inner).ok_or_else(|| {
            sql_err!(UNDEFINED_OBJECT, "could not find array type for data type {}", display(inner))
        })
    };
    let stands_for = |ty: Oid, have: Oid| -> Result<Oid> {
        match ty {
            ANYELEMENT | ANYNONARRAY | ANYENUM => Ok(element.unwrap_or(have)),
            ANYARRAY => match (array, element) {
                (Some(found), _) => Ok(found),
                (None, Some(inner)) => array_over(inner),
                (None, None) => Ok(have),
            },
            ANYCOMPATIBLE | ANYCOMPATIBLENONARRAY => Ok(common.unwrap_or(have)),
            ANYCOMPATIBLEARRAY => common.map_or(Ok(have), array_over),
            other => Ok(other),
        }
    };
    let returned = stands_for(result, result)?;
    for (want, &have) in declared.iter_mut().zip(actual) {
        *want = stands_for(*want, have)?;
    }
    Ok(returned)
}
