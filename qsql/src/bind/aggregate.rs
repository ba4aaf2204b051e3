//! Aggregate calls: their clauses, the query level they belong to, and what may not stand inside.

use std::sync::Arc;

use super::Binder;
use super::expr::result_collation;
use super::scope::Clause;
use crate::catalog::AggregateTarget;
use crate::error::Result;
use crate::func::opclass::ordering_operators;
use crate::func::{Function, HYPOTHETICAL, order_mask};
use crate::parse::ast::{FuncCall, OrderItem, Pos, SortDirection};
use crate::plan::expr::{AggregateCall, ColumnId, Expr, ExprKind, SortKey};
use crate::plan::same::same;
use crate::sql_err;
use crate::types::{DataType, Datum, oid};

impl Binder<'_> {
    pub(crate) fn bind_aggregate(
        &mut self,
        call: &FuncCall,
        (func, user): (&'static Function, Option<Arc<AggregateTarget>>),
        args: Vec<Expr>,
        ty: DataType,
        pos: Pos,
    ) -> Result<Expr> {
        // DISTINCT compares: a literal without a type is text there.
        let args = match call.distinct {
            true => args.into_iter().map(|arg| self.settle(arg)).collect::<Result<Vec<_>>>()?,
            false => args,
        };
        self.scope().in_aggregate += 1;
        let order = if call.within_group {
            self.within_group_keys(call, &args)
        } else {
            self.bind_sort_items(&call.order_by)
        };
        self.scope().in_aggregate -= 1;
        let order = order?;
        let filter = call.filter.map(|id| self.bind_condition(id, Clause::Filter, "FILTER")).transpose()?;
        if call.distinct {
            for arg in &args {
                ordering_operators(arg.ty.oid).map_err(|e| e.at(pos))?;
            }
            if order.iter().any(|k| !args.iter().any(|a| same(a, &k.expr))) {
                return Err(sql_err!(
                    INVALID_COLUMN_REFERENCE,
                    "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
                )
                .at(order.first().map_or(pos, |k| k.expr.at)));
            }
        }
        let mut args = args;
        if func.direct_args == Some(HYPOTHETICAL) {
            let mask = order_mask(order.iter().map(|key| (key.descending, key.nulls_first)));
            args.push(Expr::constant(Datum::Int8(mask), DataType::of(oid::INT8)));
        }
        let builtin = user.is_none();
        let mut aggregate = AggregateCall { func, user, args, distinct: call.distinct, order, filter, ty };
        if builtin && func.args.is_empty() {
            aggregate.args.clear();
        }
        let level = self.aggregate_level(&aggregate);
        self.check_aggregate(&aggregate, level, pos)?;
        self.scopes[level].has_aggregates = true;
        let collation = result_collation(ty.oid, aggregate.args.iter());
        Ok(Expr { kind: ExprKind::Aggregate(Box::new(aggregate)), ty, collation, at: pos })
    }

    /// The sort keys of `WITHIN GROUP (ORDER BY ..)`: the last arguments.
    fn within_group_keys(&mut self, call: &FuncCall, args: &[Expr]) -> Result<Vec<SortKey>> {
        let first = args.len().saturating_sub(call.order_by.len());
        call.order_by.iter().zip(&args[first..]).map(|(item, arg)| self.sort_key(item, arg.clone())).collect()
    }

    /// Binds ORDER BY items that are plain expressions (no positions or aliases).
    pub(crate) fn bind_sort_items(&mut self, items: &[OrderItem]) -> Result<Vec<SortKey>> {
        items
            .iter()
            .map(|item| {
                let e = self.bind_expr(item.expr)?;
                let e = self.settle(e)?;
                self.sort_key(item, e)
            })
            .collect()
    }

    /// A sort key from an ORDER BY item and its bound expression.
    pub(crate) fn sort_key(&mut self, item: &OrderItem, expr: Expr) -> Result<SortKey> {
        let operators = ordering_operators(expr.ty.oid).map_err(|e| e.at(expr.at))?;
        let descending = match &item.direction {
            SortDirection::Default | SortDirection::Asc => false,
            SortDirection::Desc => true,
            SortDirection::Using(op) if op.name() == operators.lt.name => false,
            SortDirection::Using(op) if op.name() == operators.gt.name => true,
            SortDirection::Using(op) => {
                return Err(sql_err!(
                    WRONG_OBJECT_TYPE,
                    "operator {} is not a valid ordering operator",
                    op.name()
                )
                .hint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
                .at(item.pos));
            }
        };
        Ok(SortKey { expr, descending, nulls_first: item.nulls_first.unwrap_or(descending) })
    }

    /// The level whose rows an aggregate runs over: the innermost one that its arguments name, else the current one.
    pub(crate) fn aggregate_level(&self, call: &AggregateCall) -> usize {
        let current = self.scopes.len().saturating_sub(1);
        let mut innermost = None;
        for id in aggregate_columns(call) {
            let block = self.s.blocks[id as usize];
            if let Some(level) = self.scopes.iter().position(|s| s.block == block) {
                innermost = innermost.max(Some(level));
            }
        }
        innermost.unwrap_or(current)
    }

    fn check_aggregate(&mut self, call: &AggregateCall, level: usize, pos: Pos) -> Result<()> {
        let scope = &self.scopes[level];
        let denied = match scope.clause {
            Clause::Select
            | Clause::Having
            | Clause::OrderBy
            | Clause::DistinctOn
            | Clause::WindowPartition
            | Clause::WindowOrder
            | Clause::WindowFrame => None,
            Clause::Filter if level < self.scopes.len() - 1 => None,
            clause => Some(clause),
        };
        let is_aggregate = |e: &Expr| matches!(e.kind, ExprKind::Aggregate(_));
        let nested = call.args.iter().chain(call.order.iter().map(|k| &k.expr)).chain(&call.filter);
        for e in nested {
            let mut inner = None;
            e.any(&mut |e| {
                if let ExprKind::Aggregate(call) = &e.kind
                    && self.aggregate_level(call) == level
                {
                    inner = Some(e.at);
                }
                is_aggregate(e) && inner.is_some()
            });
            if let Some(at) = inner {
                return Err(sql_err!(GROUPING_ERROR, "aggregate function calls cannot be nested").at(at));
            }
            if e.any(&mut |e| matches!(e.kind, ExprKind::Window(_))) {
                return Err(sql_err!(
                    GROUPING_ERROR,
                    "aggregate function calls cannot contain window function calls"
                )
                .at(e.at));
            }
        }
        match denied {
            None => Ok(()),
            Some(clause) => {
                let place = match clause {
                    Clause::From => "FROM clause of their own query level",
                    _ => clause.name(),
                };
                Err(sql_err!(GROUPING_ERROR, "aggregate functions are not allowed in {place}").at(pos))
            }
        }
    }
}

/// The columns in an aggregate's arguments, keys and filter.
pub(crate) fn aggregate_columns(call: &AggregateCall) -> Vec<ColumnId> {
    let mut out = Vec::new();
    let mut look = |e: &Expr| {
        e.any(&mut |e| {
            if let ExprKind::Column(id) = e.kind {
                out.push(id);
            }
            false
        });
    };
    call.args.iter().for_each(&mut look);
    call.order.iter().for_each(|k| look(&k.expr));
    call.filter.iter().for_each(look);
    out
}

/// The first column of a level in an expression, outside of what is grouped by.
pub(super) fn loose_column(
    e: &Expr,
    grouped: &dyn Fn(&Expr) -> bool,
    own: &dyn Fn(ColumnId) -> bool,
) -> Option<(ColumnId, u32)> {
    if grouped(e) {
        return None;
    }
    if let ExprKind::Column(id) = e.kind {
        return own(id).then_some((id, e.at));
    }
    let mut found = None;
    e.each_child(&mut |child| found = found.or_else(|| loose_column(child, grouped, own)));
    found
}
