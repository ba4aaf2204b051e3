//! Ranges and multiranges: construction, ends, relations, set operations.
//!
//! Most bodies serve ranges and multiranges alike, for both are lists of spans.

use std::sync::Arc;

use super::EvalCx;
use super::args::{Spans, arg, order, scalar};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::range::spans::{
    compare, contains as holds, contains_value, difference, hull, intersection, is_adjacent, is_before,
    is_overleft, is_overright, overlap, union,
};
use crate::types::range::{Bound, RangeInfo, Span, of_multirange, of_range};
use crate::types::{Datum, Multirange, Range, io_binary, io_text};

scalar! {
    lower(a: Spans<'_>) -> Datum = a.1.first().map_or(Datum::Null, |span| span.lower.value.clone());
    upper(a: Spans<'_>) -> Datum = a.1.last().map_or(Datum::Null, |span| span.upper.value.clone());
    isempty(a: Spans<'_>) -> bool = a.1.is_empty();
    lower_inc(a: Spans<'_>) -> bool = a.1.first().is_some_and(|span| span.lower.inclusive);
    upper_inc(a: Spans<'_>) -> bool = a.1.last().is_some_and(|span| span.upper.inclusive);
    lower_inf(a: Spans<'_>) -> bool = a.1.first().is_some_and(|span| span.lower.is_infinite());
    upper_inf(a: Spans<'_>) -> bool = a.1.last().is_some_and(|span| span.upper.is_infinite());

    overlaps(a: Spans<'_>, b: Spans<'_>) -> bool = overlap(a.1, b.1, a.0.element);
    contains(a: Spans<'_>, b: Spans<'_>) -> bool = holds(a.1, b.1, a.0.element);
    contained_by(a: Spans<'_>, b: Spans<'_>) -> bool = holds(b.1, a.1, a.0.element);
    contains_elem(a: Spans<'_>, value: &Datum) -> bool = contains_value(a.1, value, a.0.element);
    elem_contained_by(value: &Datum, a: Spans<'_>) -> bool = contains_value(a.1, value, a.0.element);
    adjacent(a: Spans<'_>, b: Spans<'_>) -> bool = is_adjacent(a.1, b.1, a.0.element);
    before(a: Spans<'_>, b: Spans<'_>) -> bool = is_before(a.1, b.1, a.0.element);
    after(a: Spans<'_>, b: Spans<'_>) -> bool = is_before(b.1, a.1, a.0.element);
    overleft(a: Spans<'_>, b: Spans<'_>) -> bool = is_overleft(a.1, b.1, a.0.element);
    overright(a: Spans<'_>, b: Spans<'_>) -> bool = is_overright(a.1, b.1, a.0.element);

    range_union(a: &Range, b: &Range) -> Range = only(a.info, union(a.spans(), b.spans(), a.info.element), "union")?;
    range_minus(a: &Range, b: &Range) -> Range = only(a.info, difference(a.spans(), b.spans(), &a.info)?, "difference")?;
    range_intersect(a: &Range, b: &Range) -> Range = intersected(a, b);
    range_merge(a: &Range, b: &Range) -> Range = Range { info: a.info, span: hull(a.spans(), b.spans(), a.info.element) };
    range_merge_from_multirange(a: &Multirange) -> Range = Range { info: a.info, span: hull(a.spans(), &[], a.info.element) };
    multirange_union(a: &Multirange, b: &Multirange) -> Multirange =
        Multirange { info: a.info, spans: union(a.spans(), b.spans(), a.info.element) };
    multirange_minus(a: &Multirange, b: &Multirange) -> Multirange =
        Multirange { info: a.info, spans: difference(a.spans(), b.spans(), &a.info)? };
    multirange_intersect(a: &Multirange, b: &Multirange) -> Multirange =
        Multirange { info: a.info, spans: intersection(a.spans(), b.spans(), a.info.element) };
    multirange(a: &Range) -> Multirange = Multirange { info: a.info, spans: a.spans().to_vec() };
    canonical(a: &Datum) -> Datum = a.clone();

    any_in[cx](text: &str, ty: &Datum, _typmod: &Datum) -> Datum = match ty {
        Datum::Oid(ty) => io_text::parse_text(*ty, -1, text, cx.io)?,
        _ => return Err(SqlError::internal("input function called without a type")),
    };
    any_out[cx](value: &Datum) -> String = io_text::to_text(value, value.natural_type(), cx.io)?;
    any_send(value: &Datum) -> Datum = {
        let mut out = Vec::new();
        io_binary::send_binary(value, value.natural_type(), &mut out)?;
        Datum::Bytea(out.into())
    };
    subdiff(a: &Datum, b: &Datum) -> f64 = distance(a, b)?;
}

order!(
    |a: Spans<'_>, b: Spans<'_>| compare(a.1, b.1, a.0.element), Spans<'_>, Spans<'_>;
    range_eq, range_ne, range_lt, range_le, range_gt, range_ge, range_cmp
);

/// The values in both ranges.
pub(super) fn intersected(a: &Range, b: &Range) -> Range {
    Range { info: a.info, span: intersection(a.spans(), b.spans(), a.info.element).pop() }
}

/// The range of what should be one span.
fn only(info: RangeInfo, mut spans: Vec<Span>, operation: &str) -> Result<Range> {
    if spans.len() > 1 {
        return Err(sql_err!(DATA_EXCEPTION, "result of range {operation} would not be contiguous"));
    }
    Ok(Range { info, span: spans.pop() })
}

fn made(info: RangeInfo, args: &[Datum], lower: bool, upper: bool) -> Result<Datum> {
    let (low, high): (&Datum, &Datum) = (arg(args, 0)?, arg(args, 1)?);
    let range = Range::new(info, Bound::new(low.clone(), lower), Bound::new(high.clone(), upper))?;
    Ok(Datum::Range(Arc::new(range)))
}

/// The facts of the type that a constructor makes a value of.
pub(super) fn made_type(cx: &EvalCx<'_>) -> Result<RangeInfo> {
    let ty = cx.result.oid;
    of_range(ty).or_else(|| of_multirange(ty)).ok_or_else(|| SqlError::internal("a constructor of no range"))
}

/// `int4range(lower, upper)`
pub(super) fn range2(args: &[Datum], info: RangeInfo) -> Result<Datum> {
    made(info, args, true, false)
}

/// `int4range(lower, upper, '[)')`
pub(super) fn range3(args: &[Datum], info: RangeInfo) -> Result<Datum> {
    let Some(flags) = arg::<Option<&str>>(args, 2)? else {
        return Err(sql_err!(DATA_EXCEPTION, "range constructor flags argument must not be null"));
    };
    let (lower, upper) = match flags {
        "[]" => (true, true),
        "[)" => (true, false),
        "(]" => (false, true),
        "()" => (false, false),
        _ => {
            return Err(sql_err!(SYNTAX_ERROR, "invalid range bound flags")
                .hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."));
        }
    };
    made(info, args, lower, upper)
}

/// `int4multirange()`
pub(super) fn multirange0(_: &[Datum], info: RangeInfo) -> Result<Datum> {
    Ok(Datum::Multirange(Arc::new(Multirange { info, spans: Vec::new() })))
}

/// `int4multirange(range)`
pub(super) fn multirange1(args: &[Datum], info: RangeInfo) -> Result<Datum> {
    let range: &Range = arg(args, 0)?;
    Ok(Datum::Multirange(Arc::new(Multirange { info, spans: range.spans().to_vec() })))
}

/// `int4multirange(VARIADIC ranges)`
pub(super) fn multirange2(args: &[Datum], info: RangeInfo) -> Result<Datum> {
    let array: &crate::types::Array = arg(args, 0)?;
    if array.dims.len() > 1 {
        return Err(sql_err!(
            CARDINALITY_VIOLATION,
            "multiranges cannot be constructed from multidimensional arrays"
        ));
    }
    let mut spans = Vec::with_capacity(array.items.len());
    for item in &array.items {
        let Datum::Range(range) = item else {
            return Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "multirange values cannot contain null members"));
        };
        spans.extend_from_slice(range.spans());
    }
    Ok(Datum::Multirange(Arc::new(Multirange::new(info, spans))))
}

/// How far `a` is above `b`, in units or seconds.
fn distance(a: &Datum, b: &Datum) -> Result<f64> {
    let seconds = |a: i64, b: i64| (a as f64 - b as f64) / 1_000_000.0;
    Ok(match (a, b) {
        (Datum::Int4(a), Datum::Int4(b)) => f64::from(*a) - f64::from(*b),
        (Datum::Int8(a), Datum::Int8(b)) => *a as f64 - *b as f64,
        (Datum::Date(a), Datum::Date(b)) => f64::from(*a) - f64::from(*b),
        (Datum::Numeric(a), Datum::Numeric(b)) => a.sub(b)?.to_f64()?,
        (Datum::Timestamp(a), Datum::Timestamp(b)) | (Datum::TimestampTz(a), Datum::TimestampTz(b)) => {
            seconds(*a, *b)
        }
        _ => return Err(SqlError::internal("distance of values that have none")),
    })
}
