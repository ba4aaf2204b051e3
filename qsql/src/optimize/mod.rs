//! The optimiser: from the logical algebra to a physical plan.
//!
//! ```text
//!   inline CTEs -> simplify -> unnest subqueries -> push predicates -> order joins -> lower
//!                  (fold)      (unnest)             (pushdown)         (join_order)   (lower, access, cost)
//! ```
//! Each rule is a function over the algebra; any of them may be left out and the plan stays right. Subqueries that no rule
//! unnests become SubPlans with exec params in `lower`.

mod access;
mod columns;
mod cost;
mod equivalence;
mod estimate;
pub(crate) mod fold;
mod inline;
#[cfg(test)]
mod interpret;
mod join_order;
mod lower;
mod pushdown;
mod rewrite;
mod routine;
#[cfg(test)]
mod tests;
mod unnest;

use crate::bind::{BindContext, Bound};
use crate::error::Result;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::Logical;
use crate::plan::physical::PhysicalPlan;
use crate::types::Datum;
use lower::Lower;

/// Plans a bound statement.
///
/// With `param_values` the parameters are constants (a plan for these values only); without, the plan serves any.
///
/// # Errors
/// 0A000 for what has no plan yet; XX000 for a broken invariant.
pub fn optimize(
    mut bound: Bound,
    cx: &BindContext<'_>,
    param_values: Option<&[Datum]>,
) -> Result<PhysicalPlan> {
    let mut called = std::mem::take(&mut bound.routines);
    each_plan(&mut bound, &mut |plan| routine::inline_plan(plan, cx, &mut called));
    bound.routines = called;
    each_plan(&mut bound, &mut |plan| simplify_plan(plan, cx, param_values));
    rewrite(&mut bound)?;
    each_plan(&mut bound, &mut |plan| simplify_plan(plan, cx, None));

    let mut estimator = estimate::Estimator::new(cx, bound.types.clone());
    for plan in bound.ctes.iter().filter_map(|c| c.plan.as_ref()) {
        estimator.learn(plan);
    }
    for plan in bound.subqueries.iter().flatten().map(|s| &s.plan) {
        estimator.learn(plan);
    }
    estimator.learn(&bound.plan);
    for i in 0..bound.ctes.len() {
        let rows = bound.ctes[i].plan.as_ref().map_or(0.0, |p| estimator.rows(p));
        estimator.cte_rows.push(rows);
    }
    order(&mut bound, &estimator);
    let mut lower = Lower {
        cx,
        types: bound.types,
        collations: bound.collations,
        subqueries: bound.subqueries,
        ctes: bound.ctes,
        estimator,
        subplans: Vec::new(),
        exec_params: 0,
        outer: Vec::new(),
        correlated: Vec::new(),
        trying: false,
    };
    let mut ctes = lower.lower_ctes()?;
    let root = lower.lower_exactly(&bound.plan, &bound.outputs)?.node;
    lower.place_correlated(&mut ctes);
    Ok(PhysicalPlan {
        root,
        columns: bound.columns,
        subplans: lower.subplans,
        ctes,
        exec_params: lower.exec_params,
        params: bound.params,
        command: bound.command,
        read_only: bound.read_only,
        numbered: bound.numbered,
        relations: bound.relations,
        positions: bound.positions,
        cursors: bound.cursors,
        routines: bound.routines,
    })
}

/// Puts bodies of users' functions in the place of their calls in a stored expression, as planning will do.
pub fn inline_calls(expr: &mut Expr, cx: &BindContext<'_>) {
    routine::inline(expr, cx, &mut Vec::new());
}

/// Inlines, unnests and pushes down.
fn rewrite(bound: &mut Bound) -> Result<()> {
    let mut rewriter = rewrite::Rewriter {
        types: std::mem::take(&mut bound.types),
        collations: std::mem::take(&mut bound.collations),
        subqueries: std::mem::take(&mut bound.subqueries),
        ctes: std::mem::take(&mut bound.ctes),
    };
    rewriter.inline_ctes(&mut bound.plan)?;
    rewriter.unnest(&mut bound.plan);
    let plan = std::mem::replace(&mut bound.plan, Logical::one_row());
    bound.plan = rewriter.push(plan, Vec::new());
    for i in 0..rewriter.subqueries.len() {
        if let Some(mut inner) = rewriter.subqueries[i].take() {
            inner.plan = rewriter.push(inner.plan, Vec::new());
            rewriter.subqueries[i] = Some(inner);
        }
    }
    for i in 0..rewriter.ctes.len() {
        if let Some(inner) = rewriter.ctes[i].plan.take() {
            rewriter.ctes[i].plan = Some(rewriter.push(inner, Vec::new()));
        }
    }
    bound.types = rewriter.types;
    bound.collations = rewriter.collations;
    bound.subqueries = rewriter.subqueries;
    bound.ctes = rewriter.ctes;
    Ok(())
}

/// Orders the joins of every plan of a statement.
fn order(bound: &mut Bound, estimator: &estimate::Estimator<'_>) {
    let (subqueries, ctes) = (bound.subqueries.clone(), bound.ctes.clone());
    let parts = columns::Parts { subqueries: &subqueries, ctes: &ctes };
    each_plan(bound, &mut |plan| {
        let taken = std::mem::replace(plan, Logical::one_row());
        *plan = join_order::order_joins(taken, estimator, &parts);
    });
}

/// Applies a rule to every plan of a statement.
fn each_plan(bound: &mut Bound, rule: &mut dyn FnMut(&mut Logical)) {
    rule(&mut bound.plan);
    bound.subqueries.iter_mut().flatten().for_each(|s| rule(&mut s.plan));
    bound.ctes.iter_mut().filter_map(|c| c.plan.as_mut()).for_each(rule);
}

/// Folds all expressions of a plan, with parameters as constants if their values are known.
fn simplify_plan(plan: &mut Logical, cx: &BindContext<'_>, values: Option<&[Datum]>) {
    plan.each_expr_mut(&mut |e| {
        if let Some(values) = values {
            set_params(e, values);
        }
        fold::simplify(e, cx);
    });
    plan.each_input_mut(&mut |input| simplify_plan(input, cx, values));
    if let Logical::Filter { conditions, .. } | Logical::Join { on: conditions, .. } = plan {
        let list = std::mem::take(conditions);
        list.into_iter().for_each(|e| split(e, conditions));
    }
    if let Logical::Filter { input, conditions } = plan {
        if conditions.iter().any(|e| matches!(e.kind, ExprKind::Const(Datum::Bool(false) | Datum::Null))) {
            *plan = Logical::no_rows(input.outputs());
        } else if conditions.is_empty() {
            *plan = std::mem::replace(&mut **input, Logical::one_row());
        }
    }
}

/// Adds the conjuncts of a condition; TRUE adds nothing.
fn split(e: Expr, out: &mut Vec<Expr>) {
    match e.kind {
        ExprKind::And(items) => items.into_iter().for_each(|e| split(e, out)),
        ExprKind::Const(Datum::Bool(true)) => {}
        kind => out.push(Expr { kind, ..e }),
    }
}

fn set_params(e: &mut Expr, values: &[Datum]) {
    if let ExprKind::Param(n) = e.kind
        && let Some(value) = values.get(n as usize)
    {
        e.kind = ExprKind::Const(value.clone());
    }
    e.each_child_mut(&mut |child| set_params(child, values));
}
