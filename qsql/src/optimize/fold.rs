//! Constant folding and simplification of expressions.
//!
//! Only immutable functions are called, and a call that fails is left for the executor, where the error belongs (a branch
//! that is never taken must not fail). AND, OR, NOT, CASE, COALESCE and IS tests shrink by what is known.

use std::sync::Arc;

use crate::bind::BindContext;
use crate::func::eval::ConstantHost;
use crate::func::{Body, EvalCx, Volatility};
use crate::plan::expr::{CallForm, Expr, ExprKind};
use crate::types::{DataType, Datum, coerce::apply_typmod, info, oid};

/// Larger results are computed when the statement runs: plans are kept.
const FOLDED_BYTES_MAX: usize = 64 << 10;

/// Calls an immutable function of constants; `None` when it is not one, or fails.
pub(crate) fn fold_call(e: &Expr, cx: &BindContext<'_>) -> Option<Datum> {
    let ExprKind::Call { func, args, .. } = &e.kind else { return None };
    let Body::Scalar(body) = func.body else { return None };
    if func.volatility != Volatility::Immutable {
        return None;
    }
    let mut values = Vec::with_capacity(args.len());
    let mut types = Vec::with_capacity(args.len());
    for arg in args {
        let ExprKind::Const(value) = &arg.kind else { return None };
        if value.is_null() && func.strict {
            return Some(Datum::Null);
        }
        values.push(value.clone());
        types.push(arg.ty);
    }
    let mut host = ConstantHost { catalog: cx.catalog, time: 0 };
    let mut eval = EvalCx { io: cx.io, host: &mut host, arg_types: &types, result: e.ty };
    body(&mut eval, &values).ok().filter(|value| value.heap_bytes() <= FOLDED_BYTES_MAX)
}

/// Simplifies an expression in place, from the leaves up.
pub(crate) fn simplify(e: &mut Expr, cx: &BindContext<'_>) {
    // CASE decides which branches may be evaluated at all; its parts are still simplified, since failing calls stay.
    e.each_child_mut(&mut |child| simplify(child, cx));
    reduce(e, cx);
}

/// Simplifies one expression whose operands are done. Apart from `simplify`, so that the recursion's frames are small.
#[inline(never)]
fn reduce(e: &mut Expr, cx: &BindContext<'_>) {
    let replacement = match &mut e.kind {
        ExprKind::Call { .. } => match fold_call(e, cx) {
            Some(value) => Some(ExprKind::Const(value)),
            None => compare_as_dates(e).or_else(|| within_range(e)),
        },
        ExprKind::Relabel(inner) => match &inner.kind {
            ExprKind::Const(value) => Some(ExprKind::Const(value.clone())),
            _ => None,
        },
        ExprKind::Typmod { value, explicit } => match &value.kind {
            ExprKind::Const(value) => {
                apply_typmod(value.clone(), e.ty.oid, e.ty.typmod, *explicit).ok().map(ExprKind::Const)
            }
            _ => None,
        },
        ExprKind::And(items) => Some(connect(std::mem::take(items), true)),
        ExprKind::Or(items) => Some(connect(std::mem::take(items), false)),
        ExprKind::Not(inner) => negate(inner),
        ExprKind::IsNull { value, negated } => match &value.kind {
            ExprKind::Const(v) => Some(ExprKind::Const(Datum::Bool(v.is_null() != *negated))),
            _ => None,
        },
        ExprKind::IsTruth { value, truth, negated } => match &value.kind {
            ExprKind::Const(v) => {
                let known = match v {
                    Datum::Bool(b) => Some(*b),
                    _ => None,
                };
                Some(ExprKind::Const(Datum::Bool((known == *truth) != *negated)))
            }
            _ => None,
        },
        ExprKind::Coalesce(items) => coalesce(items),
        ExprKind::Case { operand: None, arms, otherwise } => case(arms, otherwise),
        ExprKind::Array { items, nested: false } => fold_array(items, e.ty),
        ExprKind::ArrayCoerce { array, element } => cast_array(array, element, e.ty, cx),
        _ => None,
    };
    if let Some(kind) = replacement {
        e.kind = kind;
    }
    // A chain that shrank to one element is that element.
    if let ExprKind::And(items) | ExprKind::Or(items) | ExprKind::Coalesce(items) = &mut e.kind
        && items.len() == 1
    {
        *e = items.swap_remove(0);
    }
    if let ExprKind::Case { arms, otherwise, .. } = &mut e.kind
        && arms.is_empty()
    {
        *e = match otherwise.take() {
            Some(inner) => *inner,
            None => Expr { kind: ExprKind::Const(Datum::Null), ..e.clone() },
        };
    }
}

/// `date op timestamp` with a constant midnight is `date op date`: cheaper, and an index on the date answers it.
fn compare_as_dates(e: &Expr) -> Option<ExprKind> {
    const DAY: i64 = 86_400_000_000;
    let ExprKind::Call { args, operator, .. } = &e.kind else { return None };
    let [left, right] = args.as_slice() else { return None };
    let ExprKind::Const(Datum::Timestamp(micros)) = right.kind else { return None };
    if left.ty.oid != oid::DATE || micros == i64::MAX || micros == i64::MIN || micros % DAY != 0 {
        return None;
    }
    let name = crate::func::operator_by_oid(*operator)?.name;
    let found = crate::func::resolve::resolve_operator(name, oid::DATE, oid::DATE).ok()?;
    if found.left != oid::DATE || found.right != oid::DATE || found.result != e.ty.oid {
        return None;
    }
    let day = i32::try_from(micros / DAY).ok()?;
    let constant = Expr::constant(Datum::Date(day), DataType::of(oid::DATE));
    Some(ExprKind::Call {
        func: found.func,
        args: vec![left.clone(), constant],
        operator: found.operator.oid,
        form: CallForm::Plain,
    })
}

/// `value <@ range` with a constant range is comparisons with its ends, which statistics and indexes know.
fn within_range(e: &Expr) -> Option<ExprKind> {
    /// `range_contains_elem`, `elem_contained_by_range`
    const CONTAINS: u32 = 3858;
    const CONTAINED: u32 = 3860;
    let ExprKind::Call { func, args, .. } = &e.kind else { return None };
    let (value, range) = match (func.oid, args.as_slice()) {
        (CONTAINS, [range, value]) | (CONTAINED, [value, range]) => (value, range),
        _ => return None,
    };
    let ExprKind::Const(Datum::Range(range)) = &range.kind else { return None };
    let Some(span) = &range.span else { return Some(ExprKind::Const(Datum::Bool(false))) };
    let ends = [(&span.lower, ">=", ">"), (&span.upper, "<=", "<")];
    let count = ends.iter().filter(|(bound, ..)| !bound.is_infinite()).count();
    if count > 1 && !matches!(value.kind, ExprKind::Column(_)) && !is_cheap(value) {
        return None;
    }
    let ty = DataType::of(range.info.element);
    let mut tests = Vec::with_capacity(count);
    for (bound, inclusive, exclusive) in ends {
        if bound.is_infinite() {
            continue;
        }
        let name = if bound.inclusive { inclusive } else { exclusive };
        let found = crate::func::resolve::resolve_operator(name, ty.oid, ty.oid).ok()?;
        if found.left != ty.oid || found.right != ty.oid {
            return None;
        }
        let args = vec![value.clone(), Expr::constant(bound.value.clone(), ty)];
        let kind =
            ExprKind::Call { func: found.func, args, operator: found.operator.oid, form: CallForm::Plain };
        tests.push(Expr { kind, ..e.clone() });
    }
    match tests.len() {
        0 => Some(ExprKind::Const(Datum::Bool(true))),
        1 => tests.pop().map(|test| test.kind),
        _ => Some(ExprKind::And(tests)),
    }
}

/// Whether evaluating an expression twice does no harm: a call or two that are not volatile, no subquery.
fn is_cheap(e: &Expr) -> bool {
    let mut calls = 0;
    let heavy = e.any(&mut |e| match &e.kind {
        ExprKind::Call { .. } => {
            calls += 1;
            calls > 10
        }
        ExprKind::Column(_) | ExprKind::Param(_) | ExprKind::ExecParam(_) | ExprKind::Const(_) => false,
        ExprKind::Relabel(_) | ExprKind::Typmod { .. } => false,
        _ => true,
    });
    !heavy && volatility(e) != Volatility::Volatile
}

fn connect(items: Vec<Expr>, and: bool) -> ExprKind {
    let mut out: Vec<Expr> = Vec::with_capacity(items.len());
    let mut null = None;
    for item in items {
        match &item.kind {
            ExprKind::Const(Datum::Bool(b)) if *b == and => {}
            ExprKind::Const(Datum::Bool(b)) => return ExprKind::Const(Datum::Bool(*b)),
            ExprKind::Const(Datum::Null) => null = Some(item),
            _ => match item.kind {
                ExprKind::And(inner) if and => out.extend(inner),
                ExprKind::Or(inner) if !and => out.extend(inner),
                kind => out.push(Expr { kind, ..item }),
            },
        }
    }
    out.extend(null);
    match out.len() {
        0 => ExprKind::Const(Datum::Bool(and)),
        _ if and => ExprKind::And(out),
        _ => ExprKind::Or(out),
    }
}

/// NOT over what it can be pushed into; negators of operators make index conditions visible.
fn negate(inner: &mut Expr) -> Option<ExprKind> {
    match &mut inner.kind {
        ExprKind::Const(Datum::Bool(b)) => Some(ExprKind::Const(Datum::Bool(!*b))),
        ExprKind::Const(Datum::Null) => Some(ExprKind::Const(Datum::Null)),
        ExprKind::Not(e) => Some(std::mem::replace(&mut e.kind, ExprKind::CaseTest)),
        ExprKind::And(items) | ExprKind::Or(items) => {
            let negated = std::mem::take(items)
                .into_iter()
                .map(|e| {
                    let mut e = e;
                    let (ty, at) = (e.ty, e.at);
                    match negate(&mut e) {
                        Some(kind) => Expr { kind, ty, collation: 0, at },
                        None => Expr { kind: ExprKind::Not(Box::new(e)), ty, collation: 0, at },
                    }
                })
                .collect();
            Some(if matches!(inner.kind, ExprKind::And(_)) {
                ExprKind::Or(negated)
            } else {
                ExprKind::And(negated)
            })
        }
        // A row with some fields null is neither: only for other values the tests are opposites.
        ExprKind::IsNull { value, negated } if !info::is_row(value.ty.oid) => {
            let value =
                std::mem::replace(&mut **value, Expr::new(ExprKind::CaseTest, DataType::of(oid::BOOL)));
            Some(ExprKind::IsNull { value: Box::new(value), negated: !*negated })
        }
        ExprKind::Call { args, operator, .. } if *operator != 0 => {
            let negator = crate::func::operator_by_oid(*operator)
                .and_then(|o| crate::func::operator_by_oid(o.negator))?;
            let func = crate::func::function_by_oid(negator.function)?;
            Some(ExprKind::Call {
                func,
                args: std::mem::take(args),
                operator: negator.oid,
                form: CallForm::Plain,
            })
        }
        _ => None,
    }
}

fn coalesce(items: &mut Vec<Expr>) -> Option<ExprKind> {
    items.retain(|e| !matches!(e.kind, ExprKind::Const(Datum::Null)));
    if let Some(first) = items.iter().position(|e| matches!(e.kind, ExprKind::Const(_))) {
        items.truncate(first + 1);
    }
    match items.len() {
        0 => Some(ExprKind::Const(Datum::Null)),
        _ => None,
    }
}

fn case(arms: &mut Vec<(Expr, Expr)>, otherwise: &mut Option<Box<Expr>>) -> Option<ExprKind> {
    arms.retain(|(c, _)| !matches!(c.kind, ExprKind::Const(Datum::Bool(false) | Datum::Null)));
    if let Some(sure) = arms.iter().position(|(c, _)| matches!(c.kind, ExprKind::Const(Datum::Bool(true)))) {
        let (_, result) = arms.swap_remove(sure);
        arms.truncate(sure);
        *otherwise = Some(Box::new(result));
    }
    None
}

fn fold_array(items: &[Expr], ty: DataType) -> Option<ExprKind> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let ExprKind::Const(value) = &item.kind else { return None };
        values.push(value.clone());
    }
    let element = crate::func::category::element_of(ty.oid)?;
    let dims = if values.is_empty() { Vec::new() } else { vec![(values.len() as i32, 1)] };
    Some(ExprKind::Const(Datum::Array(Arc::new(crate::types::Array { element, dims, items: values }))))
}

/// Casts a constant array element by element.
fn cast_array(array: &Expr, element: &Expr, ty: DataType, cx: &BindContext<'_>) -> Option<ExprKind> {
    let ExprKind::Const(value) = &array.kind else { return None };
    let Datum::Array(old) = value else { return value.is_null().then_some(ExprKind::Const(Datum::Null)) };
    let mut items = Vec::with_capacity(old.items.len());
    for item in &old.items {
        let mut cast = element.clone();
        replace_case_test(&mut cast, item);
        simplify(&mut cast, cx);
        let ExprKind::Const(item) = cast.kind else { return None };
        items.push(item);
    }
    let element = crate::func::category::element_of(ty.oid)?;
    Some(ExprKind::Const(Datum::Array(Arc::new(crate::types::Array {
        element,
        dims: old.dims.clone(),
        items,
    }))))
}

/// Puts a value in the place of the innermost CASE's operand.
fn replace_case_test(e: &mut Expr, value: &Datum) {
    match e.kind {
        ExprKind::CaseTest => e.kind = ExprKind::Const(value.clone()),
        // These have operands of their own.
        ExprKind::Case { .. } | ExprKind::ArrayCoerce { .. } | ExprKind::NullIf { .. } => {}
        _ => e.each_child_mut(&mut |child| replace_case_test(child, value)),
    }
}

/// The most volatile function of an expression.
pub(crate) fn volatility(e: &Expr) -> Volatility {
    let mut worst = match &e.kind {
        ExprKind::Call { func, .. } | ExprKind::ScalarArray { func, .. } => func.volatility,
        ExprKind::Routine { target, .. } => target.routine.volatility,
        ExprKind::CoerceViaIo(_) => Volatility::Stable,
        _ => Volatility::Immutable,
    };
    e.each_child(&mut |child| worst = worst.max(volatility(child)));
    worst
}
