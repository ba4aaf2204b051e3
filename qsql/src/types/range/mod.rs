//! Ranges and multiranges: what a type of them is, and what a value is.
//!
//! A value knows the facts of its type ([`RangeInfo`]), as an array knows its element: so it can be compared, printed and stored
//! without the catalog. A range is no span (empty) or one, a multirange is any number of spans that neither overlap nor touch, in
//! ascending order; most operations are the same on both ([`spans`]).
//!
//! Source: PostgreSQL manual 8.17 "Range Types".

pub mod spans;
pub mod text;

use std::cmp::Ordering;

use super::compare::compare;
use super::datetime::is_valid_date;
use super::user::{self, RangeType, UserKind};
use super::{Datum, Oid, oid};
use crate::error::Result;
use crate::sql_err;

/// The facts of a range type and of the multirange type over it: a row of `pg_range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeInfo {
    /// `rngtypid`
    pub range: Oid,
    /// `rngmultitypid`
    pub multirange: Oid,
    /// `rngsubtype`
    pub element: Oid,
    /// Whether values are made canonical, `[low,high)`: the subtype is counted in steps of one.
    pub discrete: bool,
}

const fn row(range: Oid, multirange: Oid, element: Oid, discrete: bool) -> RangeInfo {
    RangeInfo { range, multirange, element, discrete }
}

/// The facts of `int4range`.
pub const INT4RANGE: RangeInfo = row(oid::INT4RANGE, oid::INT4MULTIRANGE, oid::INT4, true);
/// The facts of `numrange`.
pub const NUMRANGE: RangeInfo = row(oid::NUMRANGE, oid::NUMMULTIRANGE, oid::NUMERIC, false);
/// The facts of `tsrange`.
pub const TSRANGE: RangeInfo = row(oid::TSRANGE, oid::TSMULTIRANGE, oid::TIMESTAMP, false);
/// The facts of `tstzrange`.
pub const TSTZRANGE: RangeInfo = row(oid::TSTZRANGE, oid::TSTZMULTIRANGE, oid::TIMESTAMPTZ, false);
/// The facts of `daterange`.
pub const DATERANGE: RangeInfo = row(oid::DATERANGE, oid::DATEMULTIRANGE, oid::DATE, true);
/// The facts of `int8range`.
pub const INT8RANGE: RangeInfo = row(oid::INT8RANGE, oid::INT8MULTIRANGE, oid::INT8, true);

/// The built-in range types.
pub static BUILT_IN: [RangeInfo; 6] = [INT4RANGE, NUMRANGE, TSRANGE, TSTZRANGE, DATERANGE, INT8RANGE];

/// The facts of the range type `ty`; `None` for any other type.
pub fn of_range(ty: Oid) -> Option<RangeInfo> {
    match ty < user::FIRST_USER_OID {
        true => BUILT_IN.iter().find(|info| info.range == ty).copied(),
        false => match user::find(ty)?.kind {
            UserKind::Range(RangeType { info, .. }) => Some(info),
            _ => None,
        },
    }
}

/// The facts of the multirange type `ty`; `None` for any other type.
pub fn of_multirange(ty: Oid) -> Option<RangeInfo> {
    match ty < user::FIRST_USER_OID {
        true => BUILT_IN.iter().find(|info| info.multirange == ty).copied(),
        false => match user::find(ty)?.kind {
            UserKind::Multirange(info) => Some(info),
            _ => None,
        },
    }
}

/// One end of a span.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The value; NULL where the span has no end.
    pub value: Datum,
    /// Whether the value itself belongs to the span; false where there is none.
    pub inclusive: bool,
}

impl Bound {
    /// No end.
    pub const UNBOUNDED: Bound = Bound { value: Datum::Null, inclusive: false };

    /// An end at `value`; NULL is none.
    pub fn new(value: Datum, inclusive: bool) -> Self {
        let inclusive = inclusive && !value.is_null();
        Bound { value, inclusive }
    }

    /// Whether the span goes on for ever.
    pub fn is_infinite(&self) -> bool {
        self.value.is_null()
    }
}

/// The values between two ends; at least one (or, of a continuous type, it is taken that there is one).
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names say it")]
pub struct Span {
    pub lower: Bound,
    pub upper: Bound,
}

/// A range.
#[derive(Clone, Debug)]
pub struct Range {
    /// Its type.
    pub info: RangeInfo,
    /// Its values; `None` when it is empty.
    pub span: Option<Span>,
}

/// A multirange.
#[derive(Clone, Debug)]
pub struct Multirange {
    /// Its type.
    pub info: RangeInfo,
    /// Ascending, with gaps between them.
    pub spans: Vec<Span>,
}

impl Range {
    /// Its span, if any.
    pub fn spans(&self) -> &[Span] {
        self.span.as_slice()
    }

    /// The range between two ends in canonical form.
    ///
    /// # Errors
    /// As [`RangeInfo::span`].
    pub fn new(info: RangeInfo, lower: Bound, upper: Bound) -> Result<Self> {
        Ok(Range { info, span: info.span(lower, upper)? })
    }
}

impl Multirange {
    /// The multirange of these spans, which may lie anyhow.
    pub fn new(info: RangeInfo, spans: Vec<Span>) -> Self {
        Multirange { info, spans: spans::canonical(spans, info.element) }
    }
}

/// An end and which end it is: ends of both kinds lie on one line.
#[derive(Clone, Copy)]
pub struct Edge<'a> {
    bound: &'a Bound,
    lower: bool,
}

impl Edge<'_> {
    /// The order of two ends: of lower ends at one value the inclusive one is first, of upper ends the exclusive one.
    pub fn compare(self, other: Self, element: Oid) -> Ordering {
        let by_value = self.compare_value(other, element);
        if by_value.is_ne() || self.bound.is_infinite() {
            return by_value;
        }
        // How far an end lies from its value: an exclusive lower end behind it, an exclusive upper end before it.
        let shift = |edge: Self| match (edge.bound.inclusive, edge.lower) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => -1,
        };
        shift(self).cmp(&shift(other))
    }

    /// The order of two ends, whether or not their values belong to the spans.
    pub fn compare_value(self, other: Self, element: Oid) -> Ordering {
        let infinity = |edge: Self| if edge.lower { -1 } else { 1 };
        match (self.bound.is_infinite(), other.bound.is_infinite()) {
            (false, false) => compare(&self.bound.value, &other.bound.value, element),
            (true, true) => infinity(self).cmp(&infinity(other)),
            (true, false) => infinity(self).cmp(&0),
            (false, true) => 0.cmp(&infinity(other)),
        }
    }
}

impl Span {
    /// The lower end.
    pub fn low(&self) -> Edge<'_> {
        Edge { bound: &self.lower, lower: true }
    }

    /// The upper end.
    pub fn high(&self) -> Edge<'_> {
        Edge { bound: &self.upper, lower: false }
    }
}

impl RangeInfo {
    /// The canonical span between two ends; `None` when nothing lies between them.
    ///
    /// # Errors
    /// 22000 when the lower end is above the upper one; 22003 and 22008 when the canonical form is out of the subtype's range.
    pub fn span(&self, lower: Bound, upper: Bound) -> Result<Option<Span>> {
        let Some(span) = self.checked(lower, upper)? else { return Ok(None) };
        if !self.discrete || !needs_step(&span.lower, false) && !needs_step(&span.upper, true) {
            return Ok(Some(span));
        }
        let lower = if needs_step(&span.lower, false) {
            Bound { value: self.next(&span.lower.value)?, inclusive: true }
        } else {
            span.lower
        };
        let upper = if needs_step(&span.upper, true) {
            Bound { value: self.next(&span.upper.value)?, inclusive: false }
        } else {
            span.upper
        };
        self.checked(lower, upper)
    }

    fn checked(&self, lower: Bound, upper: Bound) -> Result<Option<Span>> {
        let span = Span { lower, upper };
        match span.low().compare_value(span.high(), self.element) {
            Ordering::Greater => Err(sql_err!(
                DATA_EXCEPTION,
                "range lower bound must be less than or equal to range upper bound"
            )),
            Ordering::Equal if !(span.lower.inclusive && span.upper.inclusive) => Ok(None),
            _ => Ok(Some(span)),
        }
    }

    /// The value after `value` of a discrete type.
    fn next(&self, value: &Datum) -> Result<Datum> {
        let next = match value {
            Datum::Int4(v) => v.checked_add(1).map(Datum::Int4),
            Datum::Int8(v) => v.checked_add(1).map(Datum::Int8),
            Datum::Date(v) => v.checked_add(1).filter(|next| is_valid_date(*next)).map(Datum::Date),
            other => Some(other.clone()),
        };
        next.ok_or_else(|| match self.element {
            oid::INT4 => sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"),
            oid::INT8 => sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"),
            _ => sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range"),
        })
    }
}

/// Whether canonical form moves an end that is written `[` or `]` where `inclusive` says so; not for the infinite dates.
fn needs_step(bound: &Bound, inclusive: bool) -> bool {
    !bound.is_infinite()
        && bound.inclusive == inclusive
        && !matches!(bound.value, Datum::Date(i32::MIN | i32::MAX))
}

#[cfg(test)]
mod tests;
