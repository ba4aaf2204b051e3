//! Inlining of common table expressions.
//!
//! As in PostgreSQL: one that is referred to once, does not recurse and is not volatile becomes a subquery, unless
//! MATERIALIZED was written. One that uses columns of an outer query is inlined in any case where it can be.
//! A chain of expressions, each over the one before, would become as high a plan as there are links, and all later walks recurse
//! over the plan: one that is already high stays an expression of its own.

use super::fold::volatility;
use super::rewrite::Rewriter;
use crate::error::Result;
use crate::func::Volatility;
use crate::plan::logical::Logical;
use crate::sql_err;

/// Higher plans are not inlined.
const MAX_HEIGHT: u32 = 100;
/// Expressions that stay, beyond which 54001 is raised: each may run within the next.
const MAX_KEPT: usize = 1000;

impl Rewriter {
    /// Inlines what may be inlined, everywhere.
    ///
    /// # Errors
    /// 54001 when too many expressions are left.
    pub(crate) fn inline_ctes(&mut self, plan: &mut Logical) -> Result<()> {
        // Later ones may refer to earlier ones: the earlier are inlined into them first.
        for i in 0..self.ctes.len() {
            if let Some(mut inner) = self.ctes[i].plan.take() {
                self.inline_in(&mut inner);
                self.ctes[i].plan = Some(inner);
            }
        }
        for i in 0..self.subqueries.len() {
            if let Some(mut inner) = self.subqueries[i].take() {
                self.inline_in(&mut inner.plan);
                self.subqueries[i] = Some(inner);
            }
        }
        self.inline_in(plan);
        if self.ctes.iter().filter(|c| c.plan.is_some()).count() > MAX_KEPT {
            return Err(sql_err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
                .detail("The statement has too many common table expressions."));
        }
        Ok(())
    }

    fn inline_in(&mut self, plan: &mut Logical) {
        plan.each_input_mut(&mut |input| self.inline_in(input));
        let Logical::CteScan { cte, columns, work_table: false, .. } = plan else { return };
        let cte = *cte as usize;
        if !self.inlinable(cte) {
            return;
        }
        let Some(inner) = self.ctes[cte].plan.take() else { return };
        self.ctes[cte].references = 0;
        let sources = self.ctes[cte].columns.clone();
        let exprs = columns.iter().copied().zip(sources).map(|(new, old)| (new, self.column(old))).collect();
        *plan = Logical::Project { input: Box::new(inner), exprs };
    }

    fn inlinable(&self, cte: usize) -> bool {
        let entry = &self.ctes[cte];
        let Some(plan) = &entry.plan else { return false };
        if entry.recursive || entry.references != 1 {
            return false;
        }
        if !self.parts().free(plan).is_empty() {
            return true;
        }
        entry.materialized != Some(true) && height(plan) <= MAX_HEIGHT && !has_volatile(plan)
    }
}

/// Nodes on the longest way down.
fn height(plan: &Logical) -> u32 {
    let mut inputs = 0;
    plan.each_input(&mut |input| inputs = inputs.max(height(input)));
    inputs + 1
}

fn has_volatile(plan: &Logical) -> bool {
    let mut found = false;
    plan.each_expr(&mut |e| found |= volatility(e) == Volatility::Volatile);
    plan.each_input(&mut |input| found |= has_volatile(input));
    found || matches!(plan, Logical::LockRows { .. } | Logical::Modify(_))
}
