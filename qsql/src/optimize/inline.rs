//! Inlining of common table expressions.
//!
//! As in PostgreSQL: one that is referred to once, does not recurse and is not volatile becomes a subquery, unless
//! MATERIALIZED was written. One that uses columns of an outer query is inlined in any case where it can be.

use super::fold::volatility;
use super::rewrite::Rewriter;
use crate::func::Volatility;
use crate::plan::logical::Logical;

impl Rewriter {
    pub(crate) fn inline_ctes(&mut self, plan: &mut Logical) {
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
        entry.materialized != Some(true) && !has_volatile(plan)
    }
}

fn has_volatile(plan: &Logical) -> bool {
    let mut found = false;
    plan.each_expr(&mut |e| found |= volatility(e) == Volatility::Volatile);
    plan.each_input(&mut |input| found |= has_volatile(input));
    found || matches!(plan, Logical::LockRows { .. } | Logical::Modify(_))
}
