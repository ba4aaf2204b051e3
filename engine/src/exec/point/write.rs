//! INSERT of VALUES, and UPDATE and DELETE of the row that a unique key names.
//!
//! Each follows [`modify`](crate::exec::modify) step by step, for one row.

use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::{Op, PhysicalPlan, PolicyMoment, Scan, Write};
use nq_qsql::types::Datum;

use super::key::{self, UniqueKey};
use super::{below_projections, eval, eval_all, holds};
use crate::exec::ExecCx;
use crate::exec::short::Seen;
use crate::table::write::{EntryKey, Outcome, Writer};

/// Most rows of a VALUES list that are inserted this way.
const VALUES_MAX: usize = 128;

/// Writes single rows.
pub struct PointWrite {
    writer: Writer,
    action: Action,
    returning: Option<Vec<Expr>>,
}

enum Action {
    Insert {
        rows: Vec<Vec<Expr>>,
        /// Projections over the rows, the innermost first.
        projections: Vec<Vec<Expr>>,
    },
    Update {
        found: Found,
        set: Vec<(usize, Expr)>,
        /// By index: whether an assignment can change its entries.
        touched: Vec<bool>,
    },
    Delete(Found),
}

/// How the row is found, and found again in a newer version.
struct Found {
    key: UniqueKey,
    scan: Scan,
    recheck: Vec<Expr>,
}

impl Found {
    fn recognise(input: &nq_qsql::plan::physical::Node, recheck: &[Expr], seen: &mut Seen) -> Option<Found> {
        let (key, scan) = UniqueKey::recognise(input)?;
        seen.all(&scan.filter);
        seen.all(recheck);
        Some(Found { key, scan: scan.clone(), recheck: recheck.to_vec() })
    }
}

/// What a write has done.
#[derive(Default)]
pub struct Written {
    /// Rows written.
    pub count: u64,
    /// The rows that RETURNING asks for.
    pub rows: Vec<Vec<Datum>>,
}

/// Entries of one row in each index.
type RowEntries = Vec<Option<EntryKey>>;

impl PointWrite {
    pub(super) fn recognise(plan: &PhysicalPlan, seen: &mut Seen) -> Option<PointWrite> {
        let Op::Modify { input, target, write, returning } = &plan.root.op else { return None };
        let writer = Writer::shared(target).ok()?;
        let action = match write {
            Write::Insert { on_conflict: None } => {
                let (mut projections, node) = below_projections(input);
                projections.reverse();
                let rows = match &node.op {
                    Op::Result(row) => vec![row.clone()],
                    Op::Values(rows) if rows.len() <= VALUES_MAX => rows.clone(),
                    _ => return None,
                };
                rows.iter().for_each(|row| seen.all(row));
                projections.iter().for_each(|exprs| seen.all(*exprs));
                Action::Insert { rows, projections: projections.into_iter().map(<[Expr]>::to_vec).collect() }
            }
            _ if !target.policies.is_empty() => return None,
            Write::Insert { .. } | Write::Merge { .. } => return None,
            Write::Update { recheck, set, .. } => {
                seen.all(set.iter().map(|s| &s.1));
                let changed = writer.changed(set.iter().map(|s| s.0));
                let touched = (0..writer.indexes()).map(|i| writer.depends_on(i, &changed)).collect();
                // Cascades take as long as they take.
                let refers = |c: &usize| target.relation.referenced_by.iter().any(|r| r.columns.contains(c));
                seen.long |= changed.iter().any(refers);
                Action::Update { found: Found::recognise(input, recheck, seen)?, set: set.clone(), touched }
            }
            Write::Delete { recheck, .. } => {
                seen.long |= !target.relation.referenced_by.is_empty();
                Action::Delete(Found::recognise(input, recheck, seen)?)
            }
        };
        seen.all(returning.iter().flatten());
        seen.all(target.checks.iter().map(|c| &c.1));
        seen.all(target.generated.iter().map(|g| &g.1));
        seen.all(target.indexes.iter().flat_map(|i| i.keys.iter().chain(&i.predicate)));
        Some(PointWrite { writer, action, returning: returning.clone() })
    }

    /// Writes. `buffer` is for the key.
    ///
    /// # Errors
    /// Those of constraints, expressions, locks and storage; the caller then rolls back the statement.
    pub fn run(&self, cx: &mut ExecCx<'_>, buffer: &mut Vec<u8>) -> Result<Written> {
        cx.check_interrupt()?;
        match &self.action {
            Action::Insert { rows, projections } => self.insert(rows, projections, cx),
            Action::Update { found, set, touched } => self.update(found, set, touched, cx, buffer),
            Action::Delete(found) => self.delete(found, cx, buffer),
        }
    }

    fn insert(
        &self,
        values: &[Vec<Expr>],
        projections: &[Vec<Expr>],
        cx: &mut ExecCx<'_>,
    ) -> Result<Written> {
        let mut rows = Vec::with_capacity(values.len());
        for row in values {
            rows.push(eval_all(row, &[], cx)?);
        }
        for exprs in projections {
            for row in &mut rows {
                *row = eval_all(exprs, row, cx)?;
            }
        }
        let inputs = if self.returning.is_some() { rows.clone() } else { Vec::new() };
        self.writer.insert(&mut rows, cx)?;
        let mut written = Written { count: rows.len() as u64, rows: Vec::new() };
        for (row, input) in rows.iter().zip(&inputs) {
            self.show(row, &self.nothing(), input, &mut written, cx)?;
        }
        Ok(written)
    }

    fn update(
        &self,
        found: &Found,
        set: &[(usize, Expr)],
        touched: &[bool],
        cx: &mut ExecCx<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<Written> {
        let mut written = Written::default();
        let Some(id) = found.key.find(cx.txn, cx.params, buffer)? else { return Ok(written) };
        let bytes = self.writer.stored(id, cx)?.ok_or_else(|| key::dangling(id))?;
        let mut old = self.writer.decode(&bytes)?;
        let mut input = key::slots(&found.scan, id, &old);
        if !holds(&found.scan.filter, &input, cx)? {
            return Ok(written);
        }
        let mut decided = false;
        loop {
            let mut new = old.clone();
            for (column, expr) in set {
                new[*column] = eval(expr, &input, cx)?;
            }
            let mut new = [new];
            self.writer.complete(&mut new, PolicyMoment::Update, cx)?;
            let before = self.entries(&old, touched, cx)?;
            let after = self.entries(&new[0], touched, cx)?;
            match self.writer.update(id, &old, &new[0], &before, &after, decided, cx)? {
                Outcome::Done => {
                    written.count = 1;
                    self.show(&new[0], &old, &input, &mut written, cx)?;
                    return Ok(written);
                }
                Outcome::Newer(bytes) => {
                    old = self.writer.decode(&bytes)?;
                    input = key::slots(&found.scan, id, &old);
                    if !holds(&found.recheck, &input, cx)? {
                        return Ok(written);
                    }
                    decided = true;
                }
                Outcome::Gone | Outcome::SelfModified => return Ok(written),
            }
        }
    }

    fn entries(&self, row: &[Datum], touched: &[bool], cx: &mut ExecCx<'_>) -> Result<RowEntries> {
        if !touched.contains(&true) {
            return Ok(vec![None; touched.len()]);
        }
        let entries = self.writer.entries(&[row.to_vec()], |i| touched[i], cx)?;
        Ok(entries.into_iter().map(|of_index| of_index.into_iter().next().flatten()).collect())
    }

    fn delete(&self, found: &Found, cx: &mut ExecCx<'_>, buffer: &mut Vec<u8>) -> Result<Written> {
        let mut written = Written::default();
        let Some(id) = found.key.find(cx.txn, cx.params, buffer)? else { return Ok(written) };
        let bytes = self.writer.stored(id, cx)?.ok_or_else(|| key::dangling(id))?;
        let mut old = self.writer.decode(&bytes)?;
        let mut input = key::slots(&found.scan, id, &old);
        if !holds(&found.scan.filter, &input, cx)? {
            return Ok(written);
        }
        let mut outcome = self.writer.delete(id, false, cx)?;
        if let Outcome::Newer(newer) = outcome {
            old = self.writer.decode(&newer)?;
            input = key::slots(&found.scan, id, &old);
            if !holds(&found.recheck, &input, cx)? {
                return Ok(written);
            }
            outcome = self.writer.delete(id, true, cx)?;
        }
        if !matches!(outcome, Outcome::Done) {
            return Ok(written);
        }
        let old = [old];
        self.writer.delete_entries(&[id], &old, cx)?;
        written.count = 1;
        self.show(&self.nothing(), &old[0], &input, &mut written, cx)?;
        Ok(written)
    }

    /// The image of a row that is not there.
    fn nothing(&self) -> Vec<Datum> {
        match self.returning {
            Some(_) => vec![Datum::Null; self.writer.types().len()],
            None => Vec::new(),
        }
    }

    /// Computes what RETURNING tells of a written row.
    fn show(
        &self,
        new: &[Datum],
        old: &[Datum],
        input: &[Datum],
        written: &mut Written,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        if let Some(returning) = &self.returning {
            written.rows.push(eval_all(returning, &[new, old, input].concat(), cx)?);
        }
        Ok(())
    }
}
