//! What the rewriting rules share: the statement's parts, fresh columns, substitution.

use std::collections::HashMap;

use super::columns::{ColumnSet, Parts};
use super::fold::volatility;
use crate::func::Volatility;
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalCte, Subquery};
use crate::types::DataType;

/// The statement while it is rewritten.
pub(crate) struct Rewriter {
    pub(crate) types: Vec<DataType>,
    pub(crate) collations: Vec<u32>,
    pub(crate) subqueries: Vec<Option<Subquery>>,
    pub(crate) ctes: Vec<LogicalCte>,
}

/// What columns are replaced by.
pub(crate) type Substitution = HashMap<ColumnId, Expr>;

impl Rewriter {
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { subqueries: &self.subqueries, ctes: &self.ctes }
    }

    /// Makes a column for an expression.
    pub(crate) fn column_for(&mut self, e: &Expr) -> ColumnId {
        self.types.push(e.ty);
        self.collations.push(e.collation);
        self.types.len() as u32 - 1
    }

    /// A column as an expression.
    pub(crate) fn column(&self, id: ColumnId) -> Expr {
        let mut e = Expr::column(id, self.types[id as usize]);
        e.collation = self.collations[id as usize];
        e
    }

    /// Replaces columns in an expression and in the subqueries that it holds.
    pub(crate) fn substitute(&mut self, e: &mut Expr, map: &Substitution) {
        match &e.kind {
            ExprKind::Column(id) => {
                if let Some(new) = map.get(id) {
                    let at = e.at;
                    *e = new.clone();
                    if e.at == u32::MAX {
                        e.at = at;
                    }
                }
                return;
            }
            ExprKind::Subquery { query, .. } => {
                let query = *query as usize;
                if let Some(mut inner) = self.subqueries[query].take() {
                    self.substitute_plan(&mut inner.plan, map);
                    self.subqueries[query] = Some(inner);
                }
            }
            _ => {}
        }
        e.each_child_mut(&mut |child| self.substitute(child, map));
    }

    pub(crate) fn substitute_all(&mut self, exprs: &mut [Expr], map: &Substitution) {
        exprs.iter_mut().for_each(|e| self.substitute(e, map));
    }

    /// Replaces columns in all expressions of a plan.
    pub(crate) fn substitute_plan(&mut self, plan: &mut Logical, map: &Substitution) {
        plan.each_expr_mut(&mut |e| self.substitute(e, map));
        plan.each_input_mut(&mut |input| self.substitute_plan(input, map));
    }

    /// Whether an expression may be evaluated elsewhere or more often: not volatile, no set, no subquery.
    pub(crate) fn is_movable(&self, e: &Expr) -> bool {
        volatility(e) != Volatility::Volatile
            && !e.any(&mut |e| e.is_set() || matches!(e.kind, ExprKind::Subquery { .. }))
    }

    /// The columns that a plan yields.
    pub(crate) fn outputs(&self, plan: &Logical) -> ColumnSet {
        ColumnSet::of(plan.outputs())
    }
}
