//! Unnesting of subqueries.
//!
//! ```text
//!   WHERE EXISTS (SELECT .. WHERE i.x = o.x AND p)   ->  o SEMI JOIN (i WHERE p) ON i.x = o.x
//!   WHERE NOT EXISTS (..)                            ->  ANTI JOIN
//!   WHERE a IN (SELECT b ..)                         ->  SEMI JOIN ON a = b
//!   WHERE a NOT IN (SELECT b ..)                     ->  null-aware ANTI JOIN (plain where neither can be NULL)
//!   .. (SELECT agg(i.y) FROM i WHERE i.x = o.x) ..   ->  o LEFT JOIN (SELECT x, agg(y) FROM i GROUP BY x) ON x = o.x
//!   .. (SELECT i.y FROM i WHERE i.key = o.x) ..      ->  LEFT JOIN, when `key` is unique
//! ```
//! Correlated conditions are pulled out of the subquery to the join. Where that is not possible (they sit under LIMIT, an
//! outer join's nullable side, a set operation, or are no equalities under an aggregate) the subquery stays in the
//! expression and runs as a SubPlan. For groups that do not exist `count` is 0 and not NULL: it is wrapped in COALESCE.
//!
//! Source: Neumann and Kemper 2015, "Unnesting Arbitrary Queries". Difference: no domain join; predicates are pulled up,
//! which covers the correlations that SQL texts have in practice.

use super::columns::ColumnSet;
use super::estimate::operator_name;
use super::rewrite::{Rewriter, Substitution};
use crate::catalog::IndexKey;
use crate::plan::expr::{AggregateCall, ColumnId, Expr, ExprKind, SubPlanMode};
use crate::plan::logical::{Logical, Subquery};
use crate::plan::physical::{JoinKind, ScanColumn};
use crate::types::{DataType, Datum, oid};

impl Rewriter {
    /// Unnests what can be unnested in a plan and in the subqueries that stay.
    pub(crate) fn unnest(&mut self, plan: &mut Logical) {
        for i in 0..self.subqueries.len() {
            if let Some(mut inner) = self.subqueries[i].take() {
                self.unnest_in(&mut inner.plan);
                self.subqueries[i] = Some(inner);
            }
        }
        for i in 0..self.ctes.len() {
            if let Some(mut inner) = self.ctes[i].plan.take() {
                self.unnest_in(&mut inner);
                self.ctes[i].plan = Some(inner);
            }
        }
        self.unnest_in(plan);
    }

    fn unnest_in(&mut self, plan: &mut Logical) {
        plan.each_input_mut(&mut |input| self.unnest_in(input));
        match plan {
            Logical::Filter { input, conditions } => {
                let mut base = std::mem::replace(&mut **input, Logical::one_row());
                let mut kept = Vec::with_capacity(conditions.len());
                let mut joins = Vec::new();
                for condition in std::mem::take(conditions) {
                    // Plain conditions go below the joins, so that the joins see few rows.
                    if condition.has_subquery() { joins.push(condition) } else { kept.push(condition) }
                }
                base = base.filter(kept);
                let mut rest = Vec::new();
                for condition in joins {
                    let (done, joined) = self.unnest_condition(&condition, base);
                    base = done;
                    if !joined {
                        rest.push(condition);
                    }
                }
                for condition in &mut rest {
                    base = self.unnest_scalars(condition, base);
                }
                *plan = base.filter(rest);
            }
            Logical::Project { input, exprs } => {
                let mut base = std::mem::replace(&mut **input, Logical::one_row());
                for (_, e) in exprs.iter_mut() {
                    if e.has_subquery() {
                        base = self.unnest_scalars(e, base);
                    }
                }
                **input = base;
            }
            _ => {}
        }
    }

    /// Turns a whole condition into a join over the input; `false`: the input comes back as it was.
    fn unnest_condition(&mut self, condition: &Expr, base: Logical) -> (Logical, bool) {
        let (subquery, negated) = match &condition.kind {
            ExprKind::Not(inner) => (&**inner, true),
            _ => (condition, false),
        };
        let ExprKind::Subquery { query, mode } = &subquery.kind else { return (base, false) };
        let query = *query as usize;
        let mode = mode.clone();
        let Some(taken) = self.subqueries[query].clone() else { return (base, false) };
        let outer = self.outputs(&base);
        match mode {
            SubPlanMode::Exists => {
                let inner = strip_for_exists(taken.plan);
                if self.parts().free(&inner).is_empty() {
                    return (base, false);
                }
                let Some((inner, on)) = self.pull_up(inner, &outer) else { return (base, false) };
                if on.is_empty() || self.parts().free(&inner).intersects(&outer) {
                    return (base, false);
                }
                self.subqueries[query] = None;
                let kind = if negated { JoinKind::Anti } else { JoinKind::Semi };
                (Logical::Join { kind, left: Box::new(base), right: Box::new(inner), on, mark: None }, true)
            }
            SubPlanMode::Quantified { any: true, left, compare } => {
                if left.iter().any(Expr::has_subquery)
                    || left.iter().any(|e| !self.parts().columns_of(e).within(&outer))
                {
                    return (base, false);
                }
                let mut on = Vec::with_capacity(compare.len());
                for (value, test) in left.iter().zip(&compare) {
                    let mut test = test.clone();
                    replace_case_test(&mut test, value);
                    on.push(test);
                }
                let kind = match negated {
                    false => JoinKind::Semi,
                    true if self.never_null(&left, &base) && self.columns_never_null(&taken) => {
                        JoinKind::Anti
                    }
                    true if on.len() == 1
                        && hashable(&on[0])
                        && self.parts().free(&taken.plan).is_empty() =>
                    {
                        JoinKind::NullAwareAnti
                    }
                    true => return (base, false),
                };
                if negated && compare.iter().any(|c| operator_name(c) != Some("=")) {
                    return (base, false);
                }
                let inner = strip_order(taken.plan);
                let Some((inner, pulled)) = self.pull_up(inner, &outer) else { return (base, false) };
                if self.parts().free(&inner).intersects(&outer) {
                    return (base, false);
                }
                on.extend(pulled);
                self.subqueries[query] = None;
                (Logical::Join { kind, left: Box::new(base), right: Box::new(inner), on, mark: None }, true)
            }
            _ => (base, false),
        }
    }

    /// Whether none of these values can be NULL.
    fn never_null(&self, values: &[Expr], plan: &Logical) -> bool {
        values.iter().all(|e| match e.kind {
            ExprKind::Column(id) => not_null_column(plan, id),
            ExprKind::Const(ref v) => !v.is_null(),
            _ => false,
        })
    }

    fn columns_never_null(&self, subquery: &Subquery) -> bool {
        subquery.columns.iter().all(|&id| not_null_column(&subquery.plan, id))
    }

    /// Replaces correlated scalar subqueries inside an expression by columns of left joins.
    fn unnest_scalars(&mut self, e: &mut Expr, mut base: Logical) -> Logical {
        if let ExprKind::Subquery { query, mode: SubPlanMode::Scalar } = &e.kind {
            let query = *query as usize;
            let Some(taken) = self.subqueries[query].clone() else { return base };
            return match self.unnest_scalar(taken, &base) {
                Some((inner, on, value)) => {
                    self.subqueries[query] = None;
                    let at = e.at;
                    *e = value;
                    e.at = at;
                    Logical::Join {
                        kind: JoinKind::Left,
                        left: Box::new(base),
                        right: Box::new(inner),
                        on,
                        mark: None,
                    }
                }
                None => base,
            };
        }
        // A branch of CASE may never run: its subquery must not fail for it, and stays where it is.
        if matches!(e.kind, ExprKind::Case { .. } | ExprKind::Coalesce(_)) {
            return base;
        }
        e.each_child_mut(&mut |child| {
            if child.has_subquery() {
                let taken = std::mem::replace(&mut base, Logical::one_row());
                base = self.unnest_scalars(child, taken);
            }
        });
        base
    }

    /// The plan to join, the join conditions, and the value over the joined columns.
    fn unnest_scalar(&mut self, subquery: Subquery, base: &Logical) -> Option<(Logical, Vec<Expr>, Expr)> {
        let outer = self.outputs(base);
        let free = self.parts().free(&subquery.plan);
        if free.is_empty() || !free.within(&outer) {
            return None;
        }
        let [column] = subquery.columns.as_slice() else { return None };
        let Logical::Project { input, exprs } = subquery.plan else { return None };
        let value = exprs.into_iter().find(|x| x.0 == *column)?.1;
        if value.has_subquery() {
            return None;
        }
        match *input {
            Logical::Aggregate { input, group, sets, grouping_mask, aggregates }
                if group.is_empty() && sets.is_empty() =>
            {
                let (inner, on) = self.pull_up(*input, &outer)?;
                let inner_columns = self.outputs(&inner);
                if self.parts().free(&inner).intersects(&outer) {
                    return None;
                }
                // Aggregates must not use outer columns themselves.
                let probe = Logical::Aggregate {
                    input: Box::new(Logical::one_row()),
                    group: Vec::new(),
                    sets: Vec::new(),
                    grouping_mask,
                    aggregates: aggregates.clone(),
                };
                if self.parts().free(&probe).intersects(&outer) {
                    return None;
                }
                let mut group = Vec::with_capacity(on.len());
                let mut conditions = Vec::with_capacity(on.len());
                for mut condition in on {
                    let side = self.inner_side(&condition, &inner_columns, &outer)?;
                    let ExprKind::Call { args, .. } = &mut condition.kind else { return None };
                    let id = match group.iter().find(|(_, g)| crate::plan::same::same(g, &args[side])) {
                        Some((id, _)) => *id,
                        None => {
                            let id = self.column_for(&args[side]);
                            group.push((id, args[side].clone()));
                            id
                        }
                    };
                    args[side] = self.column(id);
                    conditions.push(condition);
                }
                let mut value = value;
                let counts: Substitution = aggregates
                    .iter()
                    .filter(|(_, call)| is_count(call))
                    .map(|(id, _)| (*id, self.zero_if_null(*id)))
                    .collect();
                self.substitute(&mut value, &counts);
                let inner =
                    Logical::Aggregate { input: Box::new(inner), group, sets, grouping_mask, aggregates };
                Some((inner, conditions, value))
            }
            other => {
                let (inner, on) = self.pull_up(other, &outer)?;
                if self.parts().free(&inner).intersects(&outer) || !self.is_single_row(&inner, &on, &outer) {
                    return None;
                }
                // The value is NULL where nothing matched: it has to be a column of the nullable side.
                let ExprKind::Column(id) = value.kind else { return None };
                self.outputs(&inner).contains(id).then_some((inner, on, value))
            }
        }
    }

    fn zero_if_null(&self, id: ColumnId) -> Expr {
        let column = self.column(id);
        let zero = Expr::constant(Datum::Int8(0), DataType::of(oid::INT8));
        let ty = column.ty;
        Expr::new(ExprKind::Coalesce(vec![column, zero]), ty)
    }

    /// For `inner = outer`: which operand is the inner one.
    fn inner_side(&self, e: &Expr, inner: &ColumnSet, outer: &ColumnSet) -> Option<usize> {
        if operator_name(e) != Some("=") {
            return None;
        }
        let ExprKind::Call { args, .. } = &e.kind else { return None };
        let [a, b] = args.as_slice() else { return None };
        let (ca, cb) = (self.parts().columns_of(a), self.parts().columns_of(b));
        if !ca.is_empty() && ca.within(inner) && cb.within(outer) {
            return Some(0);
        }
        (!cb.is_empty() && cb.within(inner) && ca.within(outer)).then_some(1)
    }

    /// Whether at most one row of a scan matches: a unique key is compared with outer values.
    fn is_single_row(&self, plan: &Logical, on: &[Expr], outer: &ColumnSet) -> bool {
        let (scan, local) = match plan {
            Logical::Scan(scan) => (scan, &[][..]),
            Logical::Filter { input, conditions } => match &**input {
                Logical::Scan(scan) => (scan, &conditions[..]),
                _ => return false,
            },
            _ => return false,
        };
        let inner = self.outputs(plan);
        let bound = |attribute: usize| {
            let Some(&(id, _)) = scan.columns.iter().find(|c| c.1 == ScanColumn::Attribute(attribute)) else {
                return false;
            };
            let by_outer = on.iter().any(|e| match (self.inner_side(e, &inner, outer), &e.kind) {
                (Some(side), ExprKind::Call { args, .. }) => {
                    matches!(args[side].kind, ExprKind::Column(c) if c == id)
                }
                _ => false,
            });
            let by_constant = local.iter().any(|e| {
                operator_name(e) == Some("=")
                    && matches!(&e.kind, ExprKind::Call { args, .. } if matches!(args.as_slice(), [a, b]
                        if matches!(a.kind, ExprKind::Column(c) if c == id) && matches!(b.kind, ExprKind::Const(_) | ExprKind::Param(_))))
            });
            by_outer || by_constant
        };
        scan.relation.indexes.iter().any(|i| {
            i.unique
                && i.predicate.is_none()
                && i.columns.iter().all(|c| matches!(c.key, IndexKey::Column(a) if bound(a)))
        })
    }

    /// Takes the conditions that use outer columns out of a plan; `None` if they sit where they cannot be taken from.
    fn pull_up(&mut self, plan: Logical, outer: &ColumnSet) -> Option<(Logical, Vec<Expr>)> {
        if !self.parts().free(&plan).intersects(outer) {
            return Some((plan, Vec::new()));
        }
        match plan {
            Logical::Filter { input, conditions } => {
                let (mut pulled, mut local) = (Vec::new(), Vec::new());
                for e in conditions {
                    if self.parts().columns_of(&e).intersects(outer) {
                        if e.has_subquery() {
                            return None;
                        }
                        pulled.push(e);
                    } else {
                        local.push(e);
                    }
                }
                let (input, more) = self.pull_up(*input, outer)?;
                pulled.extend(more);
                Some((input.filter(local), pulled))
            }
            Logical::Project { input, mut exprs } => {
                if exprs.iter().any(|(_, e)| self.parts().columns_of(e).intersects(outer)) {
                    return None;
                }
                let (input, pulled) = self.pull_up(*input, outer)?;
                // What the conditions need has to pass.
                let available = self.outputs(&input);
                let needed = self.parts().columns_of_all(&pulled);
                for id in needed.iter().filter(|&id| available.contains(id)) {
                    if !exprs.iter().any(|x| x.0 == id) {
                        exprs.push((id, self.column(id)));
                    }
                }
                Some((Logical::Project { input: Box::new(input), exprs }, pulled))
            }
            Logical::Join {
                kind: kind @ (JoinKind::Inner | JoinKind::Semi | JoinKind::Left | JoinKind::Anti),
                left,
                right,
                on,
                mark,
            } => {
                let (left, mut pulled) = self.pull_up(*left, outer)?;
                let (right, on) = if kind == JoinKind::Inner {
                    let (right, more) = self.pull_up(*right, outer)?;
                    pulled.extend(more);
                    let mut local = Vec::new();
                    for e in on {
                        if self.parts().columns_of(&e).intersects(outer) {
                            pulled.push(e)
                        } else {
                            local.push(e)
                        }
                    }
                    (right, local)
                } else {
                    let used = self.parts().columns_of_all(&on).intersects(outer);
                    if used || self.parts().free(&right).intersects(outer) {
                        return None;
                    }
                    (*right, on)
                };
                Some((Logical::Join { kind, left: Box::new(left), right: Box::new(right), on, mark }, pulled))
            }
            Logical::Sort { input, keys } => {
                let (input, pulled) = self.pull_up(*input, outer)?;
                Some((Logical::Sort { input: Box::new(input), keys }, pulled))
            }
            _ => None,
        }
    }
}

/// Whether a subquery occurs in an expression.
/// Whether a comparison is an equality that a hash table can answer.
fn hashable(e: &Expr) -> bool {
    let ExprKind::Call { args, operator, .. } = &e.kind else { return false };
    crate::func::operator_by_oid(*operator).is_some_and(|o| o.hashes)
        && matches!(args.as_slice(), [a, b] if a.ty.oid == b.ty.oid
            || super::estimate::is_widening(a.ty.oid, b.ty.oid)
            || super::estimate::is_widening(b.ty.oid, a.ty.oid))
}

fn is_count(call: &AggregateCall) -> bool {
    matches!(call.func.name, "count" | "regr_count")
}

fn replace_case_test(e: &mut Expr, value: &Expr) {
    if matches!(e.kind, ExprKind::CaseTest) {
        *e = value.clone();
        return;
    }
    if !matches!(e.kind, ExprKind::Case { .. } | ExprKind::ArrayCoerce { .. }) {
        e.each_child_mut(&mut |child| replace_case_test(child, value));
    }
}

/// What EXISTS does not look at: the select list, the order, duplicates, a LIMIT that lets a row through.
fn strip_for_exists(plan: Logical) -> Logical {
    match plan {
        Logical::Project { input, .. } | Logical::Sort { input, .. } | Logical::Distinct { input, .. } => {
            strip_for_exists(*input)
        }
        Logical::Limit { input, offset: None, count: Some(count), ties } => match count.kind {
            ExprKind::Const(Datum::Int8(n)) if n > 0 => strip_for_exists(*input),
            _ => Logical::Limit { input, offset: None, count: Some(count), ties },
        },
        other => other,
    }
}

fn strip_order(plan: Logical) -> Logical {
    match plan {
        Logical::Sort { input, .. } | Logical::Distinct { input, ordered: false, .. } => strip_order(*input),
        other => other,
    }
}

/// Whether a column is never NULL: declared so, and not from the nullable side of an outer join.
fn not_null_column(plan: &Logical, id: ColumnId) -> bool {
    match plan {
        Logical::Scan(scan) => scan.columns.iter().any(|&(c, what)| {
            c == id
                && match what {
                    ScanColumn::Attribute(i) => {
                        let primary = |index: &std::sync::Arc<crate::catalog::Index>| {
                            index.primary
                                && index
                                    .columns
                                    .iter()
                                    .any(|k| matches!(k.key, IndexKey::Column(a) if a == i))
                        };
                        scan.relation.never_null(i) || scan.relation.indexes.iter().any(primary)
                    }
                    _ => true,
                }
        }),
        Logical::Filter { input, .. }
        | Logical::SecurityBarrier { input }
        | Logical::Sort { input, .. }
        | Logical::Distinct { input, .. }
        | Logical::Limit { input, .. } => not_null_column(input, id),
        Logical::Project { input, exprs } => exprs.iter().any(|(c, e)| {
            *c == id
                && match e.kind {
                    ExprKind::Column(source) => not_null_column(input, source),
                    ExprKind::Const(ref v) => !v.is_null(),
                    _ => false,
                }
        }),
        Logical::Join { kind, left, right, .. } => match kind {
            JoinKind::Inner => not_null_column(left, id) || not_null_column(right, id),
            JoinKind::Left | JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti | JoinKind::Mark => {
                not_null_column(left, id)
            }
            JoinKind::Right | JoinKind::Full => false,
        },
        _ => false,
    }
}
