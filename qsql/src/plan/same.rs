//! Structural equality of expressions: GROUP BY matching, duplicate targets, common windows.
//!
//! Places in the text do not count. Two expressions that are the same compute the same unless they are volatile.

use std::sync::Arc;

use super::expr::{
    AggregateCall, Expr, ExprKind, Frame, FrameBound, SortKey, SubPlanMode, WindowCall, WindowSpec,
};
use crate::catalog::AggregateTarget;
use crate::types::Datum;

/// Whether two expressions are the same.
pub fn same(a: &Expr, b: &Expr) -> bool {
    use ExprKind as K;
    if a.ty != b.ty || a.collation != b.collation {
        return false;
    }
    match (&a.kind, &b.kind) {
        (K::Const(x), K::Const(y)) => same_datum(x, y),
        (K::Column(x), K::Column(y)) => x == y,
        (K::Param(x), K::Param(y)) | (K::ExecParam(x), K::ExecParam(y)) => x == y,
        (K::Call { func: f, args: x, .. }, K::Call { func: g, args: y, .. }) => {
            std::ptr::eq(*f, *g) && all(x, y)
        }
        (K::Routine { target: f, args: x, .. }, K::Routine { target: g, args: y, .. }) => f == g && all(x, y),
        (K::Relabel(x), K::Relabel(y)) | (K::CoerceViaIo(x), K::CoerceViaIo(y)) | (K::Not(x), K::Not(y)) => {
            same(x, y)
        }
        (K::ArrayCoerce { array: x, element: e }, K::ArrayCoerce { array: y, element: f }) => {
            same(x, y) && same(e, f)
        }
        (K::Typmod { value: x, explicit: e }, K::Typmod { value: y, explicit: f }) => e == f && same(x, y),
        (K::And(x), K::And(y))
        | (K::Or(x), K::Or(y))
        | (K::Coalesce(x), K::Coalesce(y))
        | (K::Row(x), K::Row(y)) => all(x, y),
        (K::IsNull { value: x, negated: n }, K::IsNull { value: y, negated: m }) => n == m && same(x, y),
        (K::IsTruth { value: x, truth: t, negated: n }, K::IsTruth { value: y, truth: u, negated: m }) => {
            t == u && n == m && same(x, y)
        }
        (
            K::IsDistinct { equal: f, left: x, right: y, negated: n },
            K::IsDistinct { equal: g, left: u, right: v, negated: m },
        ) => std::ptr::eq(*f, *g) && n == m && same(x, u) && same(y, v),
        (K::Case { operand: o, arms: x, otherwise: e }, K::Case { operand: p, arms: y, otherwise: f }) => {
            both(o.as_deref(), p.as_deref())
                && both(e.as_deref(), f.as_deref())
                && x.len() == y.len()
                && x.iter().zip(y).all(|(x, y)| same(&x.0, &y.0) && same(&x.1, &y.1))
        }
        (K::CaseTest, K::CaseTest) => true,
        (K::NullIf { equal: f, left: x, right: y }, K::NullIf { equal: g, left: u, right: v }) => {
            std::ptr::eq(*f, *g) && same(x, u) && same(y, v)
        }
        (K::MinMax { greatest: g, args: x }, K::MinMax { greatest: h, args: y }) => g == h && all(x, y),
        (
            K::ScalarArray { func: f, any: m, left: x, array: y, .. },
            K::ScalarArray { func: g, any: n, left: u, array: v, .. },
        ) => std::ptr::eq(*f, *g) && m == n && same(x, u) && same(y, v),
        (K::Array { items: x, nested: n }, K::Array { items: y, nested: m }) => n == m && all(x, y),
        (K::Field { row: x, index: i }, K::Field { row: y, index: j }) => i == j && same(x, y),
        (
            K::Subscript { array: x, subscripts: s, slice: l },
            K::Subscript { array: y, subscripts: t, slice: m },
        ) => {
            l == m
                && same(x, y)
                && s.len() == t.len()
                && s.iter()
                    .zip(t)
                    .all(|(s, t)| both(s.0.as_ref(), t.0.as_ref()) && both(s.1.as_ref(), t.1.as_ref()))
        }
        (K::Subquery { query: x, mode: m }, K::Subquery { query: y, mode: n }) => x == y && same_mode(m, n),
        (K::Aggregate(x), K::Aggregate(y)) => same_aggregate(x, y),
        (K::Window(x), K::Window(y)) => same_call(x, y),
        (K::Grouping(x), K::Grouping(y)) => x == y,
        _ => false,
    }
}

fn all(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn both(a: Option<&Expr>, b: Option<&Expr>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn same_mode(a: &SubPlanMode, b: &SubPlanMode) -> bool {
    match (a, b) {
        (SubPlanMode::Scalar, SubPlanMode::Scalar)
        | (SubPlanMode::Exists, SubPlanMode::Exists)
        | (SubPlanMode::Array, SubPlanMode::Array) => true,
        (SubPlanMode::RowColumn(x), SubPlanMode::RowColumn(y)) => x == y,
        (
            SubPlanMode::Quantified { any: x, left: l, compare: c },
            SubPlanMode::Quantified { any: y, left: m, compare: d },
        ) => x == y && all(l, m) && all(c, d),
        _ => false,
    }
}

/// Whether two lists of sort keys are the same.
pub fn same_keys(a: &[SortKey], b: &[SortKey]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.descending == b.descending && a.nulls_first == b.nulls_first && same(&a.expr, &b.expr)
        })
}

/// Whether two calls of users' aggregates call the same one.
fn same_target(a: Option<&Arc<AggregateTarget>>, b: Option<&Arc<AggregateTarget>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.routine.oid == b.routine.oid,
        (None, None) => true,
        _ => false,
    }
}

/// Whether two aggregate calls are the same.
pub fn same_aggregate(a: &AggregateCall, b: &AggregateCall) -> bool {
    std::ptr::eq(a.func, b.func)
        && same_target(a.user.as_ref(), b.user.as_ref())
        && a.distinct == b.distinct
        && a.ty == b.ty
        && all(&a.args, &b.args)
        && same_keys(&a.order, &b.order)
        && both(a.filter.as_ref(), b.filter.as_ref())
}

/// Whether two windows have the same partitions and order.
pub fn same_window(a: &WindowSpec, b: &WindowSpec) -> bool {
    all(&a.partition, &b.partition) && same_keys(&a.order, &b.order)
}

fn same_bound(a: &FrameBound, b: &FrameBound) -> bool {
    use FrameBound as F;
    match (a, b) {
        (F::Preceding(x), F::Preceding(y)) | (F::Following(x), F::Following(y)) => same(x, y),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn same_frame(a: &Frame, b: &Frame) -> bool {
    a.unit == b.unit && a.exclude == b.exclude && same_bound(&a.start, &b.start) && same_bound(&a.end, &b.end)
}

fn same_call(a: &WindowCall, b: &WindowCall) -> bool {
    std::ptr::eq(a.func, b.func)
        && same_target(a.user.as_ref(), b.user.as_ref())
        && all(&a.args, &b.args)
        && both(a.filter.as_ref(), b.filter.as_ref())
        && same_window(&a.window, &b.window)
        && same_frame(&a.window.frame, &b.window.frame)
}

/// Whether two constants have the same representation.
pub fn same_datum(a: &Datum, b: &Datum) -> bool {
    use Datum as D;
    match (a, b) {
        (D::Null, D::Null) => true,
        (D::Bool(x), D::Bool(y)) => x == y,
        (D::Int2(x), D::Int2(y)) => x == y,
        (D::Int4(x), D::Int4(y)) | (D::Date(x), D::Date(y)) => x == y,
        (D::Int8(x), D::Int8(y))
        | (D::Timestamp(x), D::Timestamp(y))
        | (D::TimestampTz(x), D::TimestampTz(y)) => x == y,
        (D::Text(x), D::Text(y)) => x == y,
        (D::Float8(x), D::Float8(y)) => x.to_bits() == y.to_bits(),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b) && format!("{a:?}") == format!("{b:?}"),
    }
}
