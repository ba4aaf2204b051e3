//! Subqueries in expressions. Each becomes a plan in the statement's list and a reference to it.

use super::Binder;
use super::expr::{at, boolean, logic};
use super::query::BoundQuery;
use crate::error::{Result, SqlError};
use crate::func::category::{array_with, display};
use crate::parse::ast::{ExprId, ExprKind as A, Operator, Pos, QueryId};
use crate::plan::expr::{Expr, ExprKind, SubPlanMode};
use crate::plan::logical::{Logical, Subquery};
use crate::sql_err;
use crate::types::{DataType, oid};

impl Binder<'_> {
    fn bind_subquery(&mut self, query: QueryId) -> Result<BoundQuery> {
        self.within_subqueries += 1;
        // A subquery in FROM's functions or conditions sees what the place sees.
        let bound = self.nested(|b| b.bind_query_body(query, true));
        self.within_subqueries -= 1;
        bound
    }

    fn add_subquery(&mut self, bound: BoundQuery, text: QueryId) -> u32 {
        let columns = bound.columns.iter().map(|c| c.id).collect();
        self.s.subqueries.push(Some(Subquery { plan: bound.plan, columns }));
        let number = self.s.subqueries.len() as u32 - 1;
        self.note_subquery(number, text);
        number
    }

    pub(crate) fn bind_exists(&mut self, query: QueryId, pos: Pos) -> Result<Expr> {
        let mut bound = self.bind_subquery(query)?;
        // Whether there is a row does not depend on what it would show.
        if !self.s.faithful
            && let Logical::Project { input, .. } = bound.plan
        {
            bound.plan = *input;
            bound.columns.clear();
        }
        let query = self.add_subquery(bound, query);
        Ok(at(boolean(ExprKind::Subquery { query, mode: SubPlanMode::Exists }), pos))
    }

    pub(crate) fn bind_scalar_query(&mut self, query: QueryId, pos: Pos) -> Result<Expr> {
        let bound = self.bind_subquery(query)?;
        let [column] = bound.columns.as_slice() else {
            return Err(sql_err!(SYNTAX_ERROR, "subquery must return only one column").at(pos));
        };
        let column = self.column(column.id);
        let query = self.add_subquery(bound, query);
        Ok(Expr { kind: ExprKind::Subquery { query, mode: SubPlanMode::Scalar }, at: pos, ..column })
    }

    pub(crate) fn bind_array_query(&mut self, query: QueryId, pos: Pos) -> Result<Expr> {
        let bound = self.bind_subquery(query)?;
        let [column] = bound.columns.as_slice() else {
            return Err(sql_err!(SYNTAX_ERROR, "subquery must return only one column").at(pos));
        };
        let column = self.column(column.id);
        let ty = array_with(column.ty.oid).ok_or_else(|| {
            sql_err!(UNDEFINED_OBJECT, "could not find array type for data type {}", display(column.ty.oid))
                .at(pos)
        })?;
        let query = self.add_subquery(bound, query);
        let kind = ExprKind::Subquery { query, mode: SubPlanMode::Array };
        Ok(Expr { kind, ty: DataType::of(ty), collation: column.collation, at: pos })
    }

    pub(crate) fn bind_in_query(&mut self, arg: ExprId, query: QueryId, not: bool, pos: Pos) -> Result<Expr> {
        let test = self.bind_quantified("=", arg, query, true, pos)?;
        Ok(if not { at(boolean(ExprKind::Not(Box::new(test))), pos) } else { test })
    }

    pub(crate) fn bind_quantified_query(
        &mut self,
        op: &Operator,
        left: ExprId,
        query: QueryId,
        any: bool,
        pos: Pos,
    ) -> Result<Expr> {
        self.bind_quantified(op.name(), left, query, any, pos)
    }

    fn bind_quantified(
        &mut self,
        op: &str,
        left: ExprId,
        query: QueryId,
        any: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let ast = self.ast;
        let left = match &ast[left].kind {
            A::Row { items, .. } => self.bind_exprs(items)?,
            _ => vec![self.bind_expr(left)?],
        };
        let bound = self.bind_subquery(query)?;
        if bound.columns.len() < left.len() {
            return Err(sql_err!(SYNTAX_ERROR, "subquery has too few columns").at(pos));
        }
        if bound.columns.len() > left.len() {
            return Err(sql_err!(SYNTAX_ERROR, "subquery has too many columns").at(pos));
        }
        let mut values = Vec::with_capacity(left.len());
        let mut compare = Vec::with_capacity(left.len());
        for (value, column) in left.into_iter().zip(&bound.columns) {
            let right = self.column(column.id);
            let test = self.make_operator(op, Some(value), right, pos)?;
            if test.ty.oid != oid::BOOL {
                return Err(sql_err!(
                    DATATYPE_MISMATCH,
                    "operator {op} must return type boolean, not type {}",
                    display(test.ty.oid)
                )
                .at(pos));
            }
            let ExprKind::Call { func, mut args, operator, form } = test.kind else {
                return Err(SqlError::internal("comparison is a call"));
            };
            let mut stand_in = Expr::new(ExprKind::CaseTest, args[0].ty);
            stand_in.collation = args[0].collation;
            values.push(std::mem::replace(&mut args[0], stand_in));
            compare.push(at(boolean(ExprKind::Call { func, args, operator, form }), pos));
        }
        if compare.len() > 1 && !(op == "=" && any || op == "<>" && !any) {
            return Err(
                SqlError::unsupported(format_args!("comparison of a row with a subquery by {op}")).at(pos)
            );
        }
        let query = self.add_subquery(bound, query);
        let mode = SubPlanMode::Quantified { any, left: values, compare };
        Ok(at(boolean(ExprKind::Subquery { query, mode }), pos))
    }

    /// The columns of a subquery that yields one row.
    pub(crate) fn bind_row_columns(&mut self, query: QueryId) -> Result<Vec<Expr>> {
        let bound = self.bind_subquery(query)?;
        let columns: Vec<Expr> = bound.columns.iter().map(|c| self.column(c.id)).collect();
        let query = self.add_subquery(bound, query);
        let one = columns.len() == 1;
        let of = |(i, column): (usize, Expr)| {
            let mode = if one { SubPlanMode::Scalar } else { SubPlanMode::RowColumn(i as u32) };
            Expr { kind: ExprKind::Subquery { query, mode }, ..column }
        };
        Ok(columns.into_iter().enumerate().map(of).collect())
    }

    /// `(a, b) = (SELECT c, d ..)`.
    pub(crate) fn bind_row_query(
        &mut self,
        op: &str,
        items: &[ExprId],
        query: QueryId,
        pos: Pos,
    ) -> Result<Expr> {
        let left = self.bind_exprs(items)?;
        let right = self.bind_row_columns(query)?;
        if right.len() != left.len() {
            let what = if right.len() < left.len() { "few" } else { "many" };
            return Err(sql_err!(SYNTAX_ERROR, "subquery has too {what} columns").at(pos));
        }
        match op {
            "=" | "<>" => {
                let mut tests = Vec::with_capacity(left.len());
                for (l, r) in left.into_iter().zip(right) {
                    tests.push(self.make_operator(op, Some(l), r, pos)?);
                }
                self.note_rows(op, &tests, pos);
                Ok(at(logic(tests, op == "="), pos))
            }
            _ => self.make_row_comparison(op, left, right, pos),
        }
    }
}
