//! Sets of columns, and which columns a plan or an expression uses.

use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalCte, LogicalWrite, Subquery};

/// A set of columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnSet(Vec<u64>);

impl ColumnSet {
    pub(crate) fn of(ids: impl IntoIterator<Item = ColumnId>) -> Self {
        let mut set = ColumnSet::default();
        set.extend(ids);
        set
    }

    pub(crate) fn insert(&mut self, id: ColumnId) {
        let word = id as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (id % 64);
    }

    pub(crate) fn extend(&mut self, ids: impl IntoIterator<Item = ColumnId>) {
        ids.into_iter().for_each(|id| self.insert(id));
    }

    pub(crate) fn contains(&self, id: ColumnId) -> bool {
        self.0.get(id as usize / 64).is_some_and(|w| w & (1 << (id % 64)) != 0)
    }

    pub(crate) fn union(&mut self, other: &ColumnSet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    pub(crate) fn minus(&mut self, other: &ColumnSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= !b);
    }

    pub(crate) fn intersects(&self, other: &ColumnSet) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(crate) fn within(&self, other: &ColumnSet) -> bool {
        self.0.iter().enumerate().all(|(i, a)| a & !other.0.get(i).copied().unwrap_or(0) == 0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ColumnId> + '_ {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(i, &w)| (0..64).filter(move |b| w & (1 << b) != 0).map(move |b| i as u32 * 64 + b))
    }
}

/// The plans that expressions and scans refer to by index.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) subqueries: &'a [Option<Subquery>],
    pub(crate) ctes: &'a [LogicalCte],
}

impl Parts<'_> {
    /// Adds the columns that an expression uses; those that its subqueries take from outside count.
    pub(crate) fn expr_columns(&self, e: &Expr, out: &mut ColumnSet) {
        match &e.kind {
            ExprKind::Column(id) => out.insert(*id),
            ExprKind::Subquery { query, .. } => {
                let mut inner = ColumnSet::default();
                e.each_child(&mut |child| self.expr_columns(child, &mut inner));
                if let Some(Some(subquery)) = self.subqueries.get(*query as usize) {
                    let own = ColumnSet::of(subquery.columns.iter().copied());
                    inner.minus(&own);
                    inner.union(&self.free(&subquery.plan));
                }
                out.union(&inner);
            }
            _ => e.each_child(&mut |child| self.expr_columns(child, out)),
        }
    }

    /// The columns of one expression.
    pub(crate) fn columns_of(&self, e: &Expr) -> ColumnSet {
        let mut out = ColumnSet::default();
        self.expr_columns(e, &mut out);
        out
    }

    /// The columns of several expressions.
    pub(crate) fn columns_of_all<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> ColumnSet {
        let mut out = ColumnSet::default();
        exprs.into_iter().for_each(|e| self.expr_columns(e, &mut out));
        out
    }

    /// The columns that a plan takes from outside (correlation).
    pub(crate) fn free(&self, plan: &Logical) -> ColumnSet {
        let (mut used, mut made) = (ColumnSet::default(), ColumnSet::default());
        self.collect(plan, &mut used, &mut made);
        used.minus(&made);
        used
    }

    fn collect(&self, plan: &Logical, used: &mut ColumnSet, made: &mut ColumnSet) {
        plan.each_expr(&mut |e| self.expr_columns(e, used));
        made.extend(plan.outputs());
        match plan {
            Logical::CteScan { cte, work_table: false, .. } => {
                if let Some(inner) = self.ctes.get(*cte as usize).and_then(|c| c.plan.as_ref()) {
                    used.union(&self.free(inner));
                }
            }
            Logical::Modify(modify) => {
                made.extend(modify.new_columns.iter().copied());
                made.extend(modify.old_columns.iter().copied());
                match &modify.write {
                    LogicalWrite::Insert { images, .. } => made.extend(images.iter().copied()),
                    LogicalWrite::Merge { action, plain, .. } => {
                        made.extend(plain.iter().copied().chain([*action]));
                    }
                    LogicalWrite::Update { .. } | LogicalWrite::Delete { .. } => {}
                }
            }
            _ => {}
        }
        plan.each_input(&mut |input| self.collect(input, used, made));
    }
}
