//! Joins with groups: `l JOIN (SELECT k, agg(..) FROM .. GROUP BY k) ON k = l.x`.
//!
//! The groups need not be computed for all keys: with the equality pushed into the grouping's input the right side becomes a
//! lateral one that computes a single group for each left row, by an index where there is one. That is cheaper for few left rows, and
//! what a correlated subquery says that was unnested into such a join.

use super::{Lower, Lowered};
use crate::error::Result;
use crate::func::Volatility;
use crate::optimize::columns::ColumnSet;
use crate::optimize::fold::volatility;
use crate::optimize::join_order::order_joins;
use crate::optimize::rewrite::Rewriter;
use crate::plan::expr::Expr;
use crate::plan::logical::Logical;
use crate::plan::physical::JoinKind;

impl Lower<'_> {
    /// The join as a loop that computes the right side's group for each left row, if that costs less than `limit`.
    #[allow(clippy::too_many_arguments, reason = "the parts of a join")]
    pub(crate) fn group_lookup(
        &mut self,
        kind: JoinKind,
        left: &Lowered,
        left_columns: &ColumnSet,
        right: &Logical,
        on: &[Expr],
        need: &ColumnSet,
        limit: f64,
    ) -> Result<Option<Lowered>> {
        let known = matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti);
        // Every loop costs something, whatever it finds.
        if self.trying
            || !known
            || !is_grouped(right)
            || !is_repeatable(right)
            || left.node.cost.total >= limit
        {
            return Ok(None);
        }
        let right_columns = ColumnSet::of(right.outputs());
        let keys: Vec<Expr> =
            on.iter().filter(|e| self.as_key(e, left_columns, &right_columns).is_some()).cloned().collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let mut rewriter = Rewriter {
            types: std::mem::take(&mut self.types),
            collations: std::mem::take(&mut self.collations),
            subqueries: std::mem::take(&mut self.subqueries),
            ctes: std::mem::take(&mut self.ctes),
        };
        let pushed = rewriter.push(right.clone(), keys);
        (self.types, self.collations) = (rewriter.types, rewriter.collations);
        (self.subqueries, self.ctes) = (rewriter.subqueries, rewriter.ctes);
        let right = order_joins(pushed, &self.estimator, &self.parts());

        let (params, subplans, correlated) = (self.exec_params, self.subplans.len(), self.correlated.clone());
        let mut inner_need = need.clone();
        inner_need.union(&self.parts().columns_of_all(on));
        inner_need.union(&self.parts().free(&right));
        self.trying = true;
        let joined = self.lateral_join(kind, left.clone(), &right, on, None, &inner_need);
        self.trying = false;
        let joined = joined?;
        if joined.node.cost.total < limit {
            return Ok(Some(joined));
        }
        self.exec_params = params;
        self.subplans.truncate(subplans);
        self.correlated = correlated;
        Ok(None)
    }
}

/// Whether a plan yields groups, perhaps filtered or projected.
fn is_grouped(plan: &Logical) -> bool {
    match plan {
        Logical::Aggregate { group, sets, .. } => !group.is_empty() && sets.is_empty(),
        Logical::Filter { input, .. } | Logical::Project { input, .. } => is_grouped(input),
        _ => false,
    }
}

/// Whether a plan may be run any number of times: no subqueries, which become plans of their own, and nothing volatile.
fn is_repeatable(plan: &Logical) -> bool {
    let mut fine = !matches!(plan, Logical::Modify(_) | Logical::LockRows { .. });
    plan.each_expr(&mut |e| {
        fine &= volatility(e) != Volatility::Volatile && !e.has_subquery();
    });
    plan.each_input(&mut |input| fine &= is_repeatable(input));
    fine
}
