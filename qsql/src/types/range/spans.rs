//! Sets of values as ascending lists of spans: relations between them, union, difference, intersection.
//!
//! Lists are as in a [`super::Multirange`]; a range is a list of at most one span. `element` is the subtype's OID.

use std::cmp::Ordering;

use super::{Bound, Edge, Multirange, RangeInfo, Span};
use crate::error::Result;
use crate::types::{Datum, Oid};

/// The order of ranges and multiranges: the empty ones first, then by lower end, then by upper end, span by span.
pub fn compare(a: &[Span], b: &[Span], element: Oid) -> Ordering {
    let spans = a.iter().zip(b).map(|(a, b)| compare_spans(a, b, element)).find(|order| order.is_ne());
    spans.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn compare_spans(a: &Span, b: &Span, element: Oid) -> Ordering {
    a.low().compare(b.low(), element).then_with(|| a.high().compare(b.high(), element))
}

/// Whether all of `a` is before all of `b`; false when one is empty.
pub fn is_before(a: &[Span], b: &[Span], element: Oid) -> bool {
    ends(a, b).is_some_and(|(a, b)| a.1.compare(b.0, element).is_lt())
}

/// Whether `a` does not reach beyond the upper end of `b`; false when one is empty.
pub fn is_overleft(a: &[Span], b: &[Span], element: Oid) -> bool {
    ends(a, b).is_some_and(|(a, b)| a.1.compare(b.1, element).is_le())
}

/// Whether `a` does not reach beyond the lower end of `b`; false when one is empty.
pub fn is_overright(a: &[Span], b: &[Span], element: Oid) -> bool {
    ends(a, b).is_some_and(|(a, b)| a.0.compare(b.0, element).is_ge())
}

/// Whether one begins where the other ends, with nothing between them and nothing in both; false when one is empty.
pub fn is_adjacent(a: &[Span], b: &[Span], element: Oid) -> bool {
    ends(a, b).is_some_and(|(a, b)| touch(a.1, b.0, element) || touch(b.1, a.0, element))
}

/// The outermost ends of both.
#[allow(clippy::type_complexity, reason = "two pairs of ends")]
fn ends<'a>(a: &'a [Span], b: &'a [Span]) -> Option<((Edge<'a>, Edge<'a>), (Edge<'a>, Edge<'a>))> {
    let ends_of = |spans: &'a [Span]| Some((spans.first()?.low(), spans.last()?.high()));
    Some((ends_of(a)?, ends_of(b)?))
}

/// Whether a span may follow at `lower` where another ends at `upper`.
fn touch(upper: Edge<'_>, lower: Edge<'_>, element: Oid) -> bool {
    upper.compare_value(lower, element).is_eq() && upper.bound.inclusive != lower.bound.inclusive
}

/// Whether some value is in both.
pub fn overlap(a: &[Span], b: &[Span], element: Oid) -> bool {
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.high().compare(y.low(), element).is_lt() {
            i += 1;
        } else if y.high().compare(x.low(), element).is_lt() {
            j += 1;
        } else {
            return true;
        }
    }
    false
}

/// Whether all values of `b` are in `a`.
pub fn contains(a: &[Span], b: &[Span], element: Oid) -> bool {
    let mut i = 0;
    b.iter().all(|inner| {
        while a.get(i).is_some_and(|outer| outer.high().compare(inner.high(), element).is_lt()) {
            i += 1;
        }
        a.get(i).is_some_and(|outer| outer.low().compare(inner.low(), element).is_le())
    })
}

/// Whether `value` is in `a`.
pub fn contains_value(a: &[Span], value: &Datum, element: Oid) -> bool {
    let compare = |bound: &Bound| crate::types::compare::compare(&bound.value, value, element);
    let ends_before = |span: &Span| {
        !span.upper.is_infinite()
            && match compare(&span.upper) {
                Ordering::Less => true,
                Ordering::Equal => !span.upper.inclusive,
                Ordering::Greater => false,
            }
    };
    let begins = |span: &Span| {
        span.lower.is_infinite()
            || match compare(&span.lower) {
                Ordering::Less => true,
                Ordering::Equal => span.lower.inclusive,
                Ordering::Greater => false,
            }
    };
    a.get(a.partition_point(ends_before)).is_some_and(begins)
}

/// The least span around both; `None` when both are empty.
pub fn hull(a: &[Span], b: &[Span], element: Oid) -> Option<Span> {
    let around = |spans: &[Span]| {
        Some(Span { lower: spans.first()?.lower.clone(), upper: spans.last()?.upper.clone() })
    };
    match (around(a), around(b)) {
        (Some(a), Some(b)) => Some(joined(a, b, element)),
        (one, other) => one.or(other),
    }
}

fn joined(a: Span, b: Span, element: Oid) -> Span {
    let lower_is_a = a.low().compare(b.low(), element).is_le();
    let upper_is_a = a.high().compare(b.high(), element).is_ge();
    Span {
        lower: if lower_is_a { a.lower } else { b.lower },
        upper: if upper_is_a { a.upper } else { b.upper },
    }
}

/// Spans in ascending order, those that overlap or touch as one.
pub fn canonical(mut spans: Vec<Span>, element: Oid) -> Vec<Span> {
    if spans.len() > 1 {
        spans.sort_by(|a, b| compare_spans(a, b, element));
    }
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match out.last() {
            Some(last)
                if touch(last.high(), span.low(), element)
                    || last.high().compare(span.low(), element).is_ge() =>
            {
                if let Some(last) = out.pop() {
                    out.push(joined(last, span, element));
                }
            }
            _ => out.push(span),
        }
    }
    out
}

/// The values in `a` or `b`.
pub fn union(a: &[Span], b: &[Span], element: Oid) -> Vec<Span> {
    canonical(a.iter().chain(b).cloned().collect(), element)
}

/// The values in `a` and `b`.
pub fn intersection(a: &[Span], b: &[Span], element: Oid) -> Vec<Span> {
    let (mut out, mut i, mut j) = (Vec::new(), 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let lower = if x.low().compare(y.low(), element).is_ge() { x } else { y };
        let by_a = x.high().compare(y.high(), element).is_le();
        let upper = if by_a { x } else { y };
        if lower.low().compare(upper.high(), element).is_le() {
            out.push(Span { lower: lower.lower.clone(), upper: upper.upper.clone() });
        }
        if by_a {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

/// The values in `a` that are not in `b`.
///
/// # Errors
/// As [`RangeInfo::span`].
pub fn difference(a: &[Span], b: &[Span], info: &RangeInfo) -> Result<Vec<Span>> {
    let element = info.element;
    let turned = |bound: &Bound| Bound::new(bound.value.clone(), !bound.inclusive);
    let (mut out, mut j) = (Vec::new(), 0);
    for span in a {
        let mut rest = Some(span.clone());
        while let (Some(left), Some(taken)) = (&rest, b.get(j)) {
            if taken.high().compare(left.low(), element).is_lt() {
                j += 1;
                continue;
            }
            if left.high().compare(taken.low(), element).is_lt() {
                break;
            }
            if left.low().compare(taken.low(), element).is_lt() {
                out.extend(info.span(left.lower.clone(), turned(&taken.lower))?);
            }
            rest = match left.high().compare(taken.high(), element).is_gt() {
                true => info.span(turned(&taken.upper), left.upper.clone())?,
                false => None,
            };
        }
        out.extend(rest);
    }
    Ok(out)
}

/// Heap bytes of a list of spans, roughly.
pub fn heap_bytes(spans: &[Span]) -> usize {
    let values = |span: &Span| span.lower.value.heap_bytes() + span.upper.value.heap_bytes();
    spans.iter().map(|span| size_of::<Span>() + values(span)).sum()
}

impl Multirange {
    /// Its spans.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }
}
