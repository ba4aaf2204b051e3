//! Expressions over batches.
//!
//! [`Compiled`] is an [`Expr`] made ready for one execution: parameters are constants in it, hot functions are kernels over typed
//! vectors (`compare`, `arith`, `cast`, `text`, `in_list`, `date_part`), everything else calls the registry's body row by row
//! (`call`). The answer is aligned with the batch: row `i` of the vector belongs to row `i` of the batch, and only the rows asked
//! for are meaningful.
//!
//! 1. A kernel that can fail runs for the rows asked for only, and skips NULLs.
//! 2. AND, OR, CASE and COALESCE narrow the rows before they ask their next operand.
//! 3. A kernel that meets a failing row asks the registry's body for the error: messages exist once.

mod arith;
mod call;
mod cast;
mod compare;
mod compile;
mod date_part;
mod in_list;
mod like;
mod logic;
mod routine;
mod text;

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::{DataType, Datum, Oid};

use super::batch::{Batch, Rows};
use super::memory::{GROWTH_BYTES, Reservation};
use super::portions::{Pace, makes_long_values};
use super::vector::{Kind, Nulls, Values, Vector};
use super::{ExecCx, subplan};

pub(super) use compile::{Scope, compile};

/// Whether a function name is that of an equality with a kernel.
pub(super) fn is_equality(name: &str) -> bool {
    compare::operator(name) == Some(compare::Op::Eq)
}

/// An expression ready to run.
pub struct Compiled {
    node: Node,
    /// Type of the value.
    pub ty: DataType,
}

/// A node of a compiled expression.
pub(super) enum Node {
    Const(Arc<Vector>),
    Column(usize),
    ExecParam(usize, Oid),
    CaseTest(usize),
    Compare(Box<compare::Compare>),
    Arith(Box<arith::Arith>),
    Cast(Box<cast::Cast>),
    In(Box<in_list::InList>),
    Like(Box<like::LikeNode>),
    Substring(Box<text::Substring>),
    DatePart(Box<date_part::DatePart>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull(Box<Node>, bool),
    IsTruth(Box<logic::IsTruth>),
    Case(Box<logic::Case>),
    Coalesce(Box<logic::Coalesce>),
    Call(Box<call::Call>),
    Routine(Box<routine::RoutineCall>),
    ArrayCast(Box<routine::ArrayCast>),
    Shape(Box<call::Shape>),
    SubPlan(Box<subplan::SubPlanNode>),
}

impl Compiled {
    /// Compiles `expr`. Params take their values now; exec params when the expression runs.
    pub fn new(expr: &Expr, cx: &ExecCx<'_>) -> Result<Compiled> {
        Compiled::with_params(expr, cx.params)
    }

    /// Compiles `expr` over these values of params, for any execution that has the same.
    pub fn with_params(expr: &Expr, params: &[Datum]) -> Result<Compiled> {
        Ok(Compiled { node: compile(expr, &mut Scope { params, case_depth: 0 })?, ty: expr.ty })
    }

    /// Compiles several.
    pub fn list(exprs: &[Expr], cx: &ExecCx<'_>) -> Result<Vec<Compiled>> {
        exprs.iter().map(|e| Compiled::new(e, cx)).collect()
    }

    /// The slot this merely names.
    pub fn slot(&self) -> Option<usize> {
        match self.node {
            Node::Column(slot) => Some(slot),
            _ => None,
        }
    }

    /// Whether the value does not depend on the rows (nor on exec params).
    pub fn is_constant(&self) -> bool {
        matches!(self.node, Node::Const(_))
    }

    /// Computes the value of `rows` of `batch`.
    pub fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        self.node.eval(batch, rows, cx)
    }

    /// Computes the values of all counting rows.
    pub fn eval_batch(&self, batch: &Batch, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        self.node.eval(batch, batch.rows(), cx)
    }

    /// Computes the one value of an expression without columns.
    pub fn eval_alone(&self, cx: &mut ExecCx<'_>) -> Result<Datum> {
        let none = Batch { columns: Vec::new(), len: 1, selection: None };
        Ok(self.node.eval(&none, Rows::All(1), cx)?.datum(0, self.ty.oid))
    }

    /// Writes those of `rows` for which the expression is true into `out`.
    pub fn select(
        &self,
        batch: &Batch,
        rows: Rows<'_>,
        cx: &mut ExecCx<'_>,
        out: &mut Vec<u16>,
    ) -> Result<()> {
        self.node.select(batch, rows, cx, out)
    }
}

/// Conjuncts that rows must satisfy.
#[derive(Default)]
pub struct Conditions {
    conjuncts: Vec<Compiled>,
    /// Which of them may make long values, and are applied to a few rows at a time.
    wide: Vec<bool>,
}

impl Conditions {
    /// Compiles conjuncts.
    pub fn new(exprs: &[Expr], cx: &ExecCx<'_>) -> Result<Conditions> {
        Ok(Conditions {
            conjuncts: Compiled::list(exprs, cx)?,
            wide: exprs.iter().map(makes_long_values).collect(),
        })
    }

    /// Whether every row passes.
    pub fn is_empty(&self) -> bool {
        self.conjuncts.is_empty()
    }

    /// Narrows the batch's selection to the rows that pass all conjuncts.
    pub fn apply(&self, mut batch: Batch, cx: &mut ExecCx<'_>) -> Result<Batch> {
        let before = batch.count();
        for (conjunct, &wide) in self.conjuncts.iter().zip(&self.wide) {
            let mut passed = Vec::with_capacity(batch.count());
            match wide {
                true => select_in_pieces(conjunct, &batch, cx, &mut passed)?,
                false => conjunct.select(&batch, batch.rows(), cx, &mut passed)?,
            }
            if passed.len() < batch.len {
                let empty = passed.is_empty();
                batch.selection = Some(passed);
                if empty {
                    break;
                }
            }
        }
        cx.run.filtered += (before - batch.count()) as u64;
        Ok(batch)
    }
}

/// [`Compiled::select`] over all counting rows, a few at a time.
fn select_in_pieces(
    conjunct: &Compiled,
    batch: &Batch,
    cx: &mut ExecCx<'_>,
    passed: &mut Vec<u16>,
) -> Result<()> {
    let (mut pace, mut from) = (Pace::default(), 0);
    let mut some = Vec::new();
    while from < batch.count() {
        let to = batch.count().min(from + pace.0);
        let piece = batch.clone().slice(from, to);
        let before = cx.run.made;
        conjunct.select(batch, piece.rows(), cx, &mut some)?;
        passed.append(&mut some);
        pace.adapt(to - from, cx.run.made - before);
        from = to;
    }
    Ok(())
}

impl Node {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        match self {
            Node::Const(value) => Ok(Arc::clone(value)),
            Node::Column(slot) => Ok(Arc::clone(&batch.columns[*slot])),
            Node::ExecParam(slot, oid) => Ok(Arc::new(Vector::constant(&cx.run.exec_params[*slot], *oid))),
            Node::CaseTest(depth) => Ok(Arc::clone(&cx.run.case_tests[*depth])),
            Node::Compare(node) => node.eval(batch, rows, cx),
            Node::Arith(node) => node.eval(batch, rows, cx),
            Node::Cast(node) => node.eval(batch, rows, cx),
            Node::In(node) => node.eval(batch, rows, cx),
            Node::Like(node) => node.eval(batch, rows, cx),
            Node::Substring(node) => node.eval(batch, rows, cx),
            Node::DatePart(node) => node.eval(batch, rows, cx),
            Node::And(operands) => logic::junction(operands, false, batch, rows, cx),
            Node::Or(operands) => logic::junction(operands, true, batch, rows, cx),
            Node::Not(operand) => logic::not(operand, batch, rows, cx),
            Node::IsNull(operand, negated) => logic::is_null(operand, *negated, batch, rows, cx),
            Node::IsTruth(node) => node.eval(batch, rows, cx),
            Node::Case(node) => node.eval(batch, rows, cx),
            Node::Coalesce(node) => node.eval(batch, rows, cx),
            Node::Call(node) => node.eval(batch, rows, cx),
            Node::Routine(node) => node.eval(batch, rows, cx),
            Node::ArrayCast(node) => node.eval(batch, rows, cx),
            Node::Shape(node) => node.eval(batch, rows, cx),
            Node::SubPlan(node) => node.eval(batch, rows, cx),
        }
    }

    fn select(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>, out: &mut Vec<u16>) -> Result<()> {
        match self {
            Node::Compare(node) => node.select(batch, rows, cx, out),
            Node::Like(node) => node.select(batch, rows, cx, out),
            Node::And(operands) => logic::select_all(operands, batch, rows, cx, out),
            Node::Or(operands) => logic::select_any(operands, batch, rows, cx, out),
            _ => {
                let value = self.eval(batch, rows, cx)?;
                true_rows(&value, rows, out);
                Ok(())
            }
        }
    }
}

/// Writes the rows whose Boolean is true into `out`.
pub(super) fn true_rows(value: &Vector, rows: Rows<'_>, out: &mut Vec<u16>) {
    out.clear();
    let Values::Bool(v) = &value.values else { return };
    if value.constant {
        if v[0] && !value.nulls.is_null(0) {
            out.extend(rows.iter().map(|r| r as u16));
        }
    } else if value.nulls.any() {
        out.extend(rows.iter().filter(|&r| v[r] && !value.nulls.is_null(r)).map(|r| r as u16));
    } else {
        out.extend(rows.iter().filter(|&r| v[r]).map(|r| r as u16));
    }
}

/// NULL where `a` or `b` is, for `len` rows; constants must not be NULL.
fn union_nulls(a: &Vector, b: &Vector) -> Nulls {
    match (a.constant, b.constant) {
        (false, true) => a.nulls.clone(),
        (true, false) => b.nulls.clone(),
        _ => {
            let mut nulls = a.nulls.clone();
            nulls.union(&b.nulls);
            nulls
        }
    }
}

/// Whether the vector is NULL for every row.
fn is_null_constant(v: &Vector) -> bool {
    v.constant && v.nulls.is_null(0)
}

/// The NULL of a type, for every row.
fn null_constant(oid: Oid) -> Arc<Vector> {
    Arc::new(Vector::constant(&Datum::Null, oid))
}

/// Builds an aligned vector row by row; rows not asked for hold blanks. What gets long is counted against the statement's memory.
pub(super) fn map_rows(
    oid: Oid,
    rows: Rows<'_>,
    len: usize,
    cx: &mut ExecCx<'_>,
    mut value: impl FnMut(usize, &mut ExecCx<'_>) -> Result<Datum>,
) -> Result<Vector> {
    let mut out = Vector::new(Kind::of(oid));
    let mut counted = None;
    let mut bytes = 0;
    for row in rows.iter() {
        if out.len() < row {
            out.resize(row);
        }
        let value = value(row, cx)?;
        bytes += value.heap_bytes();
        if bytes >= GROWTH_BYTES {
            let counted: &mut Reservation = counted.get_or_insert_with(|| cx.memory.reservation());
            counted.grow(bytes)?;
            out.push_datum(&value);
            drop(value);
            cx.host.release();
        } else {
            out.push_datum(&value);
        }
    }
    out.resize(len);
    cx.run.made += bytes;
    if let (Some(counted), Values::Str(strings)) = (counted, &mut out.values) {
        strings.count_by(counted);
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
