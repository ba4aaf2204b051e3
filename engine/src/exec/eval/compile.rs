//! From typed expressions to nodes over kernels.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::{Body, Function, Volatility};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::sql_err;
use nq_qsql::types::{Datum, info, oid};

use super::super::subplan;
use super::super::vector::{Kind, Vector, is_oid};
use super::{Node, arith, call, cast, compare, date_part, in_list, like, logic, routine, text};

/// What surrounds the expression being compiled.
pub(in crate::exec) struct Scope<'a> {
    /// Values of `$n`.
    pub params: &'a [Datum],
    /// CASE operands around.
    pub case_depth: usize,
}

pub(super) fn compile_all(exprs: &[Expr], scope: &mut Scope<'_>) -> Result<Vec<Node>> {
    exprs.iter().map(|e| compile(e, scope)).collect()
}

pub(in crate::exec) fn compile(expr: &Expr, scope: &mut Scope<'_>) -> Result<Node> {
    Ok(match &expr.kind {
        ExprKind::Const(value) => Node::Const(Arc::new(Vector::constant(value, expr.ty.oid))),
        ExprKind::Column(slot) => Node::Column(*slot as usize),
        ExprKind::Param(n) => match scope.params.get(*n as usize) {
            Some(value) => Node::Const(Arc::new(Vector::constant(value, expr.ty.oid))),
            None => return Err(sql_err!(UNDEFINED_PARAMETER, "no value found for parameter {}", n + 1)),
        },
        ExprKind::ExecParam(slot) => Node::ExecParam(*slot as usize, expr.ty.oid),
        ExprKind::CaseTest => match scope.case_depth.checked_sub(1) {
            Some(depth) => Node::CaseTest(depth),
            None => return Err(SqlError::internal("CaseTestExpr outside of its CASE")),
        },
        ExprKind::Call { func, args, .. } => call_node(expr, func, args, scope)?,
        ExprKind::Routine { target, args, .. } => {
            Node::Routine(Box::new(routine::RoutineCall::new(expr, target, args, scope)?))
        }
        ExprKind::ArrayCoerce { array, element } => {
            match routine::ArrayCast::new(expr, array, element, scope)? {
                Some(node) => Node::ArrayCast(Box::new(node)),
                None => Node::Shape(Box::new(call::Shape::new(expr, scope)?)),
            }
        }
        ExprKind::Relabel(inner) if same_shape(inner.ty.oid, expr.ty.oid) => compile(inner, scope)?,
        ExprKind::And(operands) => Node::And(compile_all(operands, scope)?),
        ExprKind::Or(operands) => Node::Or(compile_all(operands, scope)?),
        ExprKind::Not(operand) => Node::Not(Box::new(compile(operand, scope)?)),
        ExprKind::IsNull { value, negated } if !info::is_row(value.ty.oid) => {
            Node::IsNull(Box::new(compile(value, scope)?), *negated)
        }
        ExprKind::IsTruth { value, truth, negated } => Node::IsTruth(Box::new(logic::IsTruth {
            value: compile(value, scope)?,
            truth: *truth,
            negated: *negated,
        })),
        ExprKind::Case { operand, arms, otherwise } => {
            case_node(expr, operand.as_deref(), arms, otherwise.as_deref(), scope)?
        }
        ExprKind::Coalesce(args) => {
            Node::Coalesce(Box::new(logic::Coalesce { args: compile_all(args, scope)?, oid: expr.ty.oid }))
        }
        ExprKind::ScalarArray { func, any, left, array, .. } => {
            match in_list::recognise(func, *any, left, array, scope)? {
                Some(node) => node,
                None => Node::Shape(Box::new(call::Shape::new(expr, scope)?)),
            }
        }
        ExprKind::SubPlan { .. } => Node::SubPlan(Box::new(subplan::SubPlanNode::new(expr, scope)?)),
        ExprKind::Subquery { .. } => {
            return Err(SqlError::internal("a logical subquery reached the executor"));
        }
        ExprKind::Aggregate(_) | ExprKind::Window(_) | ExprKind::Grouping(_) => {
            return Err(SqlError::internal("an aggregate was not planned"));
        }
        _ => Node::Shape(Box::new(call::Shape::new(expr, scope)?)),
    })
}

/// Whether values of both types look alike in a vector and as a `Datum`.
fn same_shape(from: u32, to: u32) -> bool {
    let class = |oid| match oid {
        oid::BYTEA => 1,
        oid::DATE => 2,
        oid::TIMESTAMP => 3,
        oid::TIMESTAMPTZ => 4,
        oid::TIME => 5,
        _ if is_oid(oid) => 6,
        _ => 0,
    };
    let kind = Kind::of(from);
    kind == Kind::of(to) && class(from) == class(to)
}

fn call_node(expr: &Expr, func: &'static Function, args: &[Expr], scope: &mut Scope<'_>) -> Result<Node> {
    if !matches!(func.body, Body::Scalar(_)) {
        let what = if func.is_aggregate() { "an aggregate" } else { "a set-returning function" };
        return Err(SqlError::internal(format_args!("{what} ({}) in a scalar expression", func.name)));
    }
    let call = call::Call::new(expr, func, args, scope)?;
    if func.volatility == Volatility::Volatile {
        return Ok(Node::Call(Box::new(call)));
    }
    let call = match compare::recognise(call) {
        Ok(node) => return Ok(Node::Compare(Box::new(node))),
        Err(call) => call,
    };
    let call = match arith::recognise(call) {
        Ok(node) => return Ok(Node::Arith(Box::new(node))),
        Err(call) => call,
    };
    let call = match cast::recognise(call) {
        Ok(node) => return Ok(Node::Cast(Box::new(node))),
        Err(call) => call,
    };
    let call = match like::recognise(call) {
        Ok(node) => return Ok(Node::Like(Box::new(node))),
        Err(call) => call,
    };
    let call = match text::recognise(call) {
        Ok(node) => return Ok(Node::Substring(Box::new(node))),
        Err(call) => call,
    };
    match date_part::recognise(call) {
        Ok(node) => Ok(Node::DatePart(Box::new(node))),
        Err(call) => Ok(Node::Call(Box::new(call))),
    }
}

fn case_node(
    expr: &Expr,
    operand: Option<&Expr>,
    arms: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    scope: &mut Scope<'_>,
) -> Result<Node> {
    let test = operand.map(|o| compile(o, scope)).transpose()?;
    let depth = usize::from(test.is_some());
    let mut compiled = Vec::with_capacity(arms.len());
    for (condition, result) in arms {
        scope.case_depth += depth;
        let condition = compile(condition, scope);
        scope.case_depth -= depth;
        compiled.push((condition?, compile(result, scope)?));
    }
    let otherwise = otherwise.map(|o| compile(o, scope)).transpose()?;
    let shift = scope.case_depth;
    Ok(Node::Case(Box::new(logic::Case {
        operand: test,
        depth: shift,
        arms: compiled,
        otherwise,
        oid: expr.ty.oid,
    })))
}
