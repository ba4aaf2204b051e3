//! Enums: comparison, and the functions over `anyenum`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::EvalCx;
use super::args::{Ret, larger, order, scalar};
use super::hash::hash_u32;
use crate::error::Result;
use crate::sql_err;
use crate::types::compare::compare;
use crate::types::user::{self, UserType};
use crate::types::{Array, Datum, Oid, oid};

fn by_order(a: &Datum, b: &Datum) -> Ordering {
    compare(a, b, oid::ANYENUM)
}

order!(by_order, &Datum, &Datum; enum_eq, enum_ne, enum_lt, enum_le, enum_gt, enum_ge, enum_cmp);
larger!(by_order, &Datum; enum_larger, enum_smaller);

scalar! {
    hashenum(a: &Datum) -> i32 = match a {
        Datum::Enum(_, label) => hash_u32(*label),
        _ => 0,
    };
}

/// The enum that a call is about: the type of its first argument, of which the value may be NULL.
fn enum_of(cx: &EvalCx<'_>, argument: usize) -> Result<Arc<UserType>> {
    let ty = cx.arg_types.get(argument).map_or(0, |ty| ty.oid);
    user::find(ty)
        .filter(|ty| ty.enumeration().is_some())
        .ok_or_else(|| sql_err!(FEATURE_NOT_SUPPORTED, "could not determine actual enum type"))
}

/// A label's value, unless the running transaction has added it.
fn value(ty: &UserType, label: &user::Label) -> Result<Datum> {
    user::check_usable(ty.info.oid, label.oid, &label.name)?;
    Ok(Datum::Enum(ty.info.oid, label.oid))
}

fn end_of(cx: &EvalCx<'_>, last: bool) -> Result<Datum> {
    let ty = enum_of(cx, 0)?;
    let labels = ty.enumeration().map_or(&[][..], |labels| labels.labels());
    match if last { labels.last() } else { labels.first() } {
        Some(label) => value(&ty, label),
        None => Err(sql_err!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "enum {} contains no values",
            crate::types::info::type_name(ty.info.oid)
        )),
    }
}

/// `enum_first(anyenum)`
pub(super) fn enum_first(cx: &mut EvalCx<'_>, _: &[Datum]) -> Result<Datum> {
    end_of(cx, false)
}

/// `enum_last(anyenum)`
pub(super) fn enum_last(cx: &mut EvalCx<'_>, _: &[Datum]) -> Result<Datum> {
    end_of(cx, true)
}

fn labels_between(ty: &UserType, low: &Datum, high: &Datum) -> Result<Datum> {
    let Some(labels) = ty.enumeration() else { return Ok(Datum::Null) };
    let rank = |bound: &Datum| match bound {
        Datum::Enum(_, label) => labels.label(*label).map(|(rank, _)| rank),
        _ => None,
    };
    let first = rank(low).unwrap_or(0);
    let end = rank(high).map_or(labels.labels().len(), |rank| rank + 1);
    let chosen = labels.labels().get(first..end).unwrap_or_default();
    let items: Vec<Datum> = chosen.iter().map(|label| value(ty, label)).collect::<Result<_>>()?;
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Ok(Array { element: ty.info.oid, dims, items }.datum())
}

/// `enum_range(anyenum)`
pub(super) fn enum_range_all(cx: &mut EvalCx<'_>, _: &[Datum]) -> Result<Datum> {
    labels_between(&*enum_of(cx, 0)?, &Datum::Null, &Datum::Null)
}

/// `enum_range(anyenum, anyenum)`: NULL is no bound.
pub(super) fn enum_range(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let ty = enum_of(cx, 0).or_else(|_| enum_of(cx, 1))?;
    labels_between(&ty, args.first().unwrap_or(&Datum::Null), args.get(1).unwrap_or(&Datum::Null))
}

/// `enum_in(cstring, oid)`
pub(super) fn enum_in(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    match args {
        [Datum::Text(text), Datum::Oid(ty)] => crate::types::io_text::parse_text(*ty, -1, text, cx.io),
        _ => Ok(Datum::Null),
    }
}

/// `enum_out(anyenum)`
pub(super) fn enum_out(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    super::text::type_output(cx, args, cx.arg_types.first().map_or(0 as Oid, |ty| ty.oid))
}

/// `enum_send(anyenum)`
pub(super) fn enum_send(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let mut out = Vec::new();
    if let Some(value) = args.first() {
        crate::types::io_binary::send_binary(value, cx.arg_types.first().map_or(0, |ty| ty.oid), &mut out)?;
    }
    Ok(Datum::Bytea(out.into()))
}
