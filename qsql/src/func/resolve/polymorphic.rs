//! `anyelement`, `anyarray`, `anyrange` and their relatives: agreement of the arguments, and the types they stand for.
//!
//! Source: PostgreSQL manual 36.2.5 "Polymorphic Types".

use super::super::category::{array_of, display, element_of};
use super::common::common_type;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::oid::{
    ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYCOMPATIBLEMULTIRANGE, ANYCOMPATIBLENONARRAY,
    ANYCOMPATIBLERANGE, ANYELEMENT, ANYENUM, ANYMULTIRANGE, ANYNONARRAY, ANYRANGE, TEXT, UNKNOWN,
};
use crate::types::range::{RangeInfo, of_multirange, of_range};
use crate::types::{Oid, info, user};

/// Whether `ty` stands for a type that the call decides.
pub fn is_polymorphic(ty: Oid) -> bool {
    matches!(
        ty,
        ANYELEMENT
            | ANYARRAY
            | ANYNONARRAY
            | ANYENUM
            | ANYRANGE
            | ANYMULTIRANGE
            | ANYCOMPATIBLE
            | ANYCOMPATIBLEARRAY
            | ANYCOMPATIBLENONARRAY
            | ANYCOMPATIBLERANGE
            | ANYCOMPATIBLEMULTIRANGE
    )
}

/// Whether the polymorphic parameters among `declared` can stand for `actual`.
pub(super) fn solves(actual: &[Oid], declared: &[Oid]) -> bool {
    let mut targets = declared.to_vec();
    match solve(actual, &mut targets, declared.first().copied().unwrap_or(0)) {
        Ok(_) => true,
        // Literals of unknown type fit provisionally, as long as nothing contradicts.
        Err(e) => {
            e.message().starts_with("could not determine polymorphic type")
                && !declared.iter().any(|ty| matches!(*ty, ANYENUM | ANYNONARRAY))
        }
    }
}

fn mismatch(message: String, detail: Option<String>) -> SqlError {
    let error = sql_err!(DATATYPE_MISMATCH, "{message}");
    match detail {
        Some(text) => error.detail(text),
        None => error,
    }
}

fn versus(one: Oid, other: Oid) -> Option<String> {
    Some(format!("{} versus {}", display(one), display(other)))
}

fn unknown(name: &str) -> SqlError {
    let name = if name.is_empty() { String::new() } else { format!(" {name}") };
    mismatch(format!("could not determine polymorphic type{name} because input has type unknown"), None)
}

fn not_a(name: &str, what: &str, have: Oid) -> SqlError {
    mismatch(format!("argument declared {name} is not {what} but type {}", display(have)), None)
}

fn array_over(element: Oid) -> Result<Oid> {
    array_of(element).ok_or_else(|| {
        sql_err!(UNDEFINED_OBJECT, "could not find array type for data type {}", display(element))
    })
}

/// A kind of parameter all of whose arguments have one type.
#[derive(Default)]
struct Alike {
    /// Whether there is such a parameter.
    wanted: bool,
    /// The type.
    ty: Option<Oid>,
}

impl Alike {
    fn take(&mut self, name: &str, have: Oid) -> Result<()> {
        self.wanted = true;
        if have == UNKNOWN {
            return Ok(());
        }
        match self.ty {
            Some(seen) if seen != have => {
                Err(mismatch(format!("arguments declared \"{name}\" are not all alike"), versus(seen, have)))
            }
            _ => {
                self.ty = Some(have);
                Ok(())
            }
        }
    }
}

/// The parameters whose arguments are taken as they are.
#[derive(Default)]
struct Exact {
    element: Alike,
    array: Alike,
    range: Alike,
    multirange: Alike,
    nonarray: bool,
    enumeration: bool,
}

impl Exact {
    /// Makes what the kinds say of each other agree, and finds the element.
    fn settle(&mut self) -> Result<()> {
        let inconsistent = |name: &str, other: &str, have: Oid, seen: Oid| {
            let message =
                format!("argument declared {name} is not consistent with argument declared {other}");
            Err(mismatch(message, versus(have, seen)))
        };
        if let Some(array) = self.array.ty.filter(|ty| *ty != ANYARRAY) {
            let inner = element_of(array).ok_or_else(|| not_a("anyarray", "an array", array))?;
            match self.element.ty {
                Some(seen) if seen != inner => return inconsistent("anyarray", "anyelement", array, seen),
                _ => self.element.ty = Some(inner),
            }
        }
        if let Some(multirange) = self.multirange.ty {
            let info = of_multirange(multirange)
                .ok_or_else(|| not_a("anymultirange", "a multirange type", multirange))?;
            match self.range.ty {
                Some(seen) if seen != info.range => {
                    return inconsistent("anymultirange", "anyrange", multirange, seen);
                }
                _ => self.range.ty = Some(info.range),
            }
        }
        if let Some(ty) = self.range.ty {
            let info = of_range(ty).ok_or_else(|| not_a("anyrange", "a range type", ty))?;
            self.multirange.ty.get_or_insert(info.multirange);
            match self.element.ty {
                Some(seen) if seen != info.element => {
                    return inconsistent("anyrange", "anyelement", ty, seen);
                }
                _ => self.element.ty = Some(info.element),
            }
        }
        let any = [&self.element, &self.array, &self.range, &self.multirange].iter().any(|kind| kind.wanted);
        if any && self.element.ty.is_none() && self.array.ty.is_none() {
            return Err(unknown(""));
        }
        if let Some(found) = self.element.ty {
            if self.nonarray && element_of(found).is_some() {
                let message = format!("type matched to anynonarray is an array type: {}", display(found));
                return Err(mismatch(message, None));
            }
            if self.enumeration && !user::is_enum(found) {
                let message = format!("type matched to anyenum is not an enum type: {}", display(found));
                return Err(mismatch(message, None));
            }
        }
        Ok(())
    }
}

/// The parameters whose arguments are coerced to a common type.
#[derive(Default)]
struct Compatible {
    types: Vec<Oid>,
    wanted: bool,
    nonarray: bool,
    range: Alike,
    multirange: Alike,
    common: Option<Oid>,
    info: Option<RangeInfo>,
}

impl Compatible {
    fn settle(&mut self) -> Result<()> {
        if !self.wanted {
            return Ok(());
        }
        if let Some(ty) = self.range.ty {
            let info = of_range(ty).ok_or_else(|| not_a("anycompatiblerange", "a range type", ty))?;
            self.types.push(info.element);
            self.info = Some(info);
        }
        if let Some(ty) = self.multirange.ty {
            let info =
                of_multirange(ty).ok_or_else(|| not_a("anycompatiblemultirange", "a multirange type", ty))?;
            match self.info {
                Some(seen) if seen != info => {
                    return Err(mismatch(
                        "argument declared anycompatiblemultirange is not consistent with argument declared anycompatiblerange".into(),
                        versus(ty, seen.range),
                    ));
                }
                _ => self.info = Some(info),
            }
            self.types.push(info.element);
        }
        let common = match self.types.is_empty() {
            true => TEXT,
            false => common_type(&self.types).map_err(|(seen, other)| {
                mismatch(
                    "arguments of anycompatible family cannot be cast to a common type".into(),
                    versus(seen, other),
                )
            })?,
        };
        for (kind, name) in
            [(&self.range, "anycompatiblerange"), (&self.multirange, "anycompatiblemultirange")]
        {
            if !kind.wanted {
                continue;
            }
            let Some(info) = self.info else { return Err(unknown(name)) };
            if info.element != common {
                let ty = if name == "anycompatiblerange" { info.range } else { info.multirange };
                let message = format!(
                    "{name} type {} does not match anycompatible type {}",
                    display(ty),
                    display(common)
                );
                return Err(mismatch(message, None));
            }
        }
        if self.nonarray && element_of(common).is_some() {
            let message =
                format!("type matched to anycompatiblenonarray is an array type: {}", display(common));
            return Err(mismatch(message, None));
        }
        self.common = Some(common);
        Ok(())
    }
}

/// Replaces the polymorphic types in `declared` by what they stand for and returns the result type for `result`.
///
/// # Errors
/// 42804 where the arguments do not agree, or all are of unknown type.
pub(super) fn solve(actual: &[Oid], declared: &mut [Oid], result: Oid) -> Result<Oid> {
    let mut exact = Exact::default();
    let mut compatible = Compatible::default();
    for (&have, &want) in actual.iter().zip(declared.iter()) {
        match want {
            ANYELEMENT | ANYNONARRAY | ANYENUM => {
                exact.nonarray |= want == ANYNONARRAY;
                exact.enumeration |= want == ANYENUM;
                exact.element.take("anyelement", have)?;
            }
            ANYARRAY => exact.array.take("anyarray", info::base_type(have))?,
            ANYRANGE => exact.range.take("anyrange", info::base_type(have))?,
            ANYMULTIRANGE => exact.multirange.take("anymultirange", info::base_type(have))?,
            ANYCOMPATIBLE | ANYCOMPATIBLENONARRAY => {
                compatible.wanted = true;
                compatible.nonarray |= want == ANYCOMPATIBLENONARRAY;
                if have != UNKNOWN {
                    compatible.types.push(have);
                }
            }
            ANYCOMPATIBLEARRAY => {
                compatible.wanted = true;
                match (have, element_of(info::base_type(have))) {
                    (UNKNOWN, _) => {}
                    (_, Some(inner)) => compatible.types.push(inner),
                    (_, None) => return Err(not_a("anycompatiblearray", "an array", have)),
                }
            }
            ANYCOMPATIBLERANGE => {
                compatible.wanted = true;
                compatible.range.take("anycompatiblerange", have)?;
            }
            ANYCOMPATIBLEMULTIRANGE => {
                compatible.wanted = true;
                compatible.multirange.take("anycompatiblemultirange", have)?;
            }
            _ => {}
        }
    }
    exact.settle()?;
    compatible.settle()?;
    let stands_for = |ty: Oid, have: Oid| -> Result<Oid> {
        match ty {
            ANYELEMENT | ANYNONARRAY | ANYENUM => Ok(exact.element.ty.unwrap_or(have)),
            ANYARRAY => match (exact.array.ty, exact.element.ty) {
                (Some(found), _) => Ok(found),
                (None, Some(inner)) => array_over(inner),
                (None, None) => Ok(have),
            },
            ANYRANGE => match (exact.range.ty, exact.element.wanted || exact.array.wanted) {
                (Some(found), _) => Ok(found),
                (None, true) => Err(unknown("anyrange")),
                (None, false) => Ok(have),
            },
            ANYMULTIRANGE => match (exact.multirange.ty, exact.element.wanted || exact.array.wanted) {
                (Some(found), _) => Ok(found),
                (None, true) => Err(unknown("anymultirange")),
                (None, false) => Ok(have),
            },
            ANYCOMPATIBLE | ANYCOMPATIBLENONARRAY => Ok(compatible.common.unwrap_or(have)),
            ANYCOMPATIBLEARRAY => compatible.common.map_or(Ok(have), array_over),
            ANYCOMPATIBLERANGE => Ok(compatible.info.map_or(have, |info| info.range)),
            ANYCOMPATIBLEMULTIRANGE => Ok(compatible.info.map_or(have, |info| info.multirange)),
            other => Ok(other),
        }
    };
    let returned = stands_for(result, result)?;
    for (want, &have) in declared.iter_mut().zip(actual) {
        *want = stands_for(*want, have)?;
    }
    Ok(returned)
}
