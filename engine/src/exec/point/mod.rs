//! Point statements: SELECT, UPDATE and DELETE of the one row that a unique key names, and INSERT of VALUES, as straight-line code.
//!
//! ```text
//! parameters -> key -> index: row id -> table: stored bytes -+-> DataRow              (SELECT)
//!                                                            `-> new values -> table  (UPDATE, DELETE, INSERT)
//! ```
//!
//! A plan of such a shape is recognised once, when it is made, and compiled into a [`Point`] that sessions share: no operator, no
//! batch, nothing to build per execution.
//!
//! 1. What is read, locked, checked and returned is what the operators of the same plan would: the statement's snapshot, the row lock
//!    and re-check of READ COMMITTED, [`Writer`](crate::table::write::Writer)'s constraints and index entries.
//! 2. Expressions run in the scalar interpreter over one row; a property test holds it and the vector kernels together.
//! 3. EXPLAIN and EXPLAIN ANALYZE show and run the operators.

mod key;
mod select;
mod write;

pub use select::{PointRow, Select};
pub use write::PointWrite;

use nq_qsql::error::Result;
use nq_qsql::func::eval::Evaluator;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{Command, Node, Op, PhysicalPlan};
use nq_qsql::types::{DataType, Datum, oid};

use super::ExecCx;
use super::short::Seen;
use super::vector::Kind;

/// A plan that touches single rows by straight-line code.
pub enum Point {
    /// Reads at most one row.
    Select(Box<Select>),
    /// Evaluates expressions without a table.
    Row(Vec<Expr>),
    /// Writes.
    Write(Box<PointWrite>),
}

/// A [`Point`] and how long it may take.
pub struct PointPlan {
    /// What is done.
    pub point: Point,
    /// Whether it surely takes microseconds, waits (which are noticed) apart: its expressions are operations on numbers and times.
    pub short: bool,
}

impl PointPlan {
    /// Recognises a plan of such a shape.
    pub fn recognise(plan: &PhysicalPlan) -> Option<PointPlan> {
        if !plan.ctes.is_empty() || !plan.subplans.is_empty() || plan.exec_params > 0 {
            return None;
        }
        let mut seen = Seen::default();
        let point = match (&plan.command, &plan.root.op) {
            (Command::Select, Op::Result(exprs)) => {
                let exprs = &exprs[..plan.columns.len()];
                seen.all(exprs);
                Point::Row(exprs.to_vec())
            }
            (Command::Select, _) if plan.read_only => {
                Point::Select(Box::new(Select::recognise(plan, &mut seen)?))
            }
            (Command::Insert | Command::Update | Command::Delete, Op::Modify { .. }) => {
                Point::Write(Box::new(PointWrite::recognise(plan, &mut seen)?))
            }
            _ => return None,
        };
        (!seen.complex).then_some(PointPlan { point, short: !seen.long })
    }
}

/// Evaluates expressions over one row of slots.
fn eval_all(exprs: &[Expr], slots: &[Datum], cx: &mut ExecCx<'_>) -> Result<Vec<Datum>> {
    let mut values = Vec::with_capacity(exprs.len());
    for expr in exprs {
        values.push(eval(expr, slots, cx)?);
    }
    Ok(values)
}

fn eval(expr: &Expr, slots: &[Datum], cx: &mut ExecCx<'_>) -> Result<Datum> {
    let params = cx.params;
    Evaluator::new(slots, params).eval(expr, &mut cx.eval_cx(&[], DataType::of(oid::UNKNOWN)))
}

/// Whether all conjuncts are true of one row of slots.
fn holds(conditions: &[Expr], slots: &[Datum], cx: &mut ExecCx<'_>) -> Result<bool> {
    for condition in conditions {
        if !matches!(eval(condition, slots, cx)?, Datum::Bool(true)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Evaluates the values of a FROM-less SELECT.
///
/// # Errors
/// Those of the expressions.
pub fn eval_row(exprs: &[Expr], cx: &mut ExecCx<'_>) -> Result<Vec<Datum>> {
    eval_all(exprs, &[], cx)
}

/// The expressions of projections over `node`, outermost first, and what is below them.
fn below_projections(mut node: &Node) -> (Vec<&[Expr]>, &Node) {
    let mut projections = Vec::new();
    while let Op::Project { input, exprs } = &node.op {
        projections.push(&exprs[..]);
        node = input;
    }
    (projections, node)
}

/// The expression below casts that change nothing.
fn strip(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Relabel(inner) if Kind::of(inner.ty.oid) == Kind::Str => strip(inner),
        _ => expr,
    }
}
