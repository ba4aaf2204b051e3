//! Exclusion constraints: no two rows for which all operators hold.
//!
//! ```text
//! entry written --> entries that may be in the way, whoever writes or deletes them --> the rows' values --> operators
//! ```
//!
//! 1. The own entry is written first: of two transactions at least one sees the other's.
//! 2. Who may be in the way and has not ended is waited for, unless the row as it has written it is not in the way.
//! 3. A key may stand for more values than one, so the operators decide on the rows themselves.
//!
//! Source: PostgreSQL manual 5.5.6 "Exclusion Constraints".

use nq_qsql::catalog::{Index, IndexKey};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::{AccessMethod, Search, class_by_oid};
use nq_qsql::func::{function_by_oid, operator_by_oid};
use nq_qsql::plan::expr::{CallForm, Expr, ExprKind};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum, oid};
use nq_storage::{LockStrength, Modified, TreeId, WaitPolicy};

use super::{Conflict, IndexWriter, Writer, show};
use crate::error::store_error;
use crate::exec::{Batch, ExecCx};
use crate::foreign_key::Event;
use crate::foreign_key::action::differs;
use crate::table::key::{ROW_ID_BYTES, row_key};
use crate::table::method::present::{Rival, rivals};
use crate::table::method::{Clause, Source, source};

/// A row that is in the way.
pub(super) struct Excluding {
    pub(super) conflict: Conflict,
    /// Its columns.
    pub(super) values: Vec<Datum>,
}

/// Whether two rows exclude each other, over the key values of the one and then of the other; `None` where there is no constraint.
pub(super) fn condition(index: &Index) -> Result<Option<Expr>> {
    if index.exclusion.is_empty() {
        return Ok(None);
    }
    let missing = || SqlError::internal("an exclusion constraint without its operator");
    let count = index.columns.len();
    let mut parts = Vec::with_capacity(count);
    for (at, (column, operator)) in index.columns.iter().zip(&index.exclusion).enumerate() {
        let operator = operator_by_oid(*operator).ok_or_else(missing)?;
        let func = function_by_oid(operator.function).ok_or_else(missing)?;
        let side = |slot: usize| Expr { collation: column.collation, ..Expr::column(slot as u32, column.ty) };
        let args = vec![side(at), side(count + at)];
        let kind = ExprKind::Call { func, args, operator: operator.oid, form: CallForm::Plain };
        parts.push(Expr { collation: column.collation, ..Expr::new(kind, DataType::of(oid::BOOL)) });
    }
    Ok(Some(match parts.len() {
        1 => parts.swap_remove(0),
        _ => Expr::new(ExprKind::And(parts), DataType::of(oid::BOOL)),
    }))
}

/// What the operator of an exclusion constraint asks of a column of its index.
fn search(index: &Index, column: usize) -> Option<Search> {
    let class = class_by_oid(index.columns[column].opclass);
    match index.method {
        AccessMethod::Btree => Some(Search::Equal),
        _ => class?.search(index.exclusion[column]),
    }
}

impl IndexWriter {
    /// The key values of one row.
    fn key_values(
        &self,
        row: &[Datum],
        types: &[DataType],
        cx: &mut ExecCx<'_>,
    ) -> Result<Option<Vec<Datum>>> {
        let rows = [row.to_vec()];
        let batch = Batch::from_rows(&rows, types);
        if let Some(predicate) = &self.predicate {
            let mut passed = Vec::new();
            predicate.select(&batch, batch.rows(), cx, &mut passed)?;
            if passed.is_empty() {
                return Ok(None);
            }
        }
        let values = self.values(&rows, &batch, cx)?;
        Ok(Some(values.into_iter().map(|mut column| column.swap_remove(0)).collect()))
    }

    /// Whether the operators hold for two rows' key values.
    fn holds(&self, own: &[Datum], other: &[Datum], cx: &mut ExecCx<'_>) -> Result<bool> {
        let Some(excludes) = &self.excludes else { return Ok(false) };
        let types: Vec<DataType> = self.index.columns.iter().map(|c| c.ty).collect();
        let both = Batch::from_rows(&[[own, other].concat()], &[&types[..], &types[..]].concat());
        let mut passed = Vec::new();
        excludes.select(&both, both.rows(), cx, &mut passed)?;
        Ok(!passed.is_empty())
    }
}

impl Writer {
    /// Whether an update may bring a row into another one's way.
    pub(super) fn touches_excluded(&self, i: usize, was: &[Datum], row: &[Datum]) -> bool {
        let writer = &self.indexes[i];
        writer.excludes.is_some() && writer.reads.iter().any(|&c| differs(&was[c], &row[c], self.types[c]))
    }

    /// Refuses a row that has just been entered in index `i` if another one is in its way, or leaves that for later. Rows from `id`
    /// to `end` are of the same statement, and look for this one themselves.
    ///
    /// # Errors
    /// 23P01.
    pub(super) fn exclude(
        &self,
        i: usize,
        row: &[Datum],
        id: u64,
        end: Option<u64>,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        let writer = &self.indexes[i];
        if writer.excludes.is_none() {
            return Ok(());
        }
        if writer.index.deferrable {
            if self.may_be_excluded(i, row, id, end, cx)? {
                let constraint = writer.index.constraint;
                let event = Event::Row { constraint, table: self.relation.oid, row: id };
                match cx.pending.modes.is_deferred(constraint, writer.timing) {
                    true => cx.pending.later.push(event),
                    false => cx.pending.now.push(event),
                }
            }
            return Ok(());
        }
        match self.find_excluding(i, row, id, end, cx)? {
            Some(found) => Err(self.exclusion_violation(i, row, &found.values, cx)),
            None => Ok(()),
        }
    }

    /// The key values of a row that others may be in the way of, and the entries of those that may be.
    fn possible(
        &self,
        i: usize,
        row: &[Datum],
        id: u64,
        end: Option<u64>,
        cx: &mut ExecCx<'_>,
    ) -> Result<(Vec<Datum>, Vec<Rival>)> {
        let writer = &self.indexes[i];
        let none = (Vec::new(), Vec::new());
        let Some(own) = writer.key_values(row, &self.types, cx)? else { return Ok(none) };
        if own.iter().any(Datum::is_null) {
            return Ok(none);
        }
        let mut clauses = Vec::with_capacity(own.len());
        for (column, value) in own.iter().enumerate() {
            if let Some(search) = search(&writer.index, column) {
                clauses.push(Clause { column, search, value });
            }
        }
        let source: Source = source(&writer.index, &clauses)?;
        let mut found = rivals(&source, TreeId(writer.index.tree), cx).map_err(store_error)?;
        found.retain(|rival| rival.row != id && !end.is_some_and(|end| (id..end).contains(&rival.row)));
        // The oldest row is told first.
        found.sort_unstable_by_key(|rival| rival.row);
        Ok((own, found))
    }

    /// Whether the row behind an entry, as somebody has written it, is not in the way.
    fn is_harmless(&self, i: usize, own: &[Datum], rival: &Rival, cx: &mut ExecCx<'_>) -> Result<bool> {
        let writer = &self.indexes[i];
        let read = |bytes: &[u8]| self.decode(bytes);
        let written = cx.txn.get_written(self.tree(), &row_key(rival.row), read).map_err(store_error)?;
        let Some(row) = written.transpose()? else { return Ok(false) };
        let Some(other) = writer.key_values(&row, &self.types, cx)? else { return Ok(false) };
        // It must be the version that the entry belongs to.
        let at = rival.key.len() - ROW_ID_BYTES;
        let entries =
            writer.entries(std::slice::from_ref(&row), &Batch::from_rows(&[&row], &self.types), cx)?;
        let same = entries[0].iter().flat_map(|e| e.keys()).any(|key| *key == rival.key[..at]);
        Ok(same && !writer.holds(own, &other, cx)?)
    }

    /// Whether a row may be in the way of another when all have ended.
    fn may_be_excluded(
        &self,
        i: usize,
        row: &[Datum],
        id: u64,
        end: Option<u64>,
        cx: &mut ExecCx<'_>,
    ) -> Result<bool> {
        let (own, found) = self.possible(i, row, id, end, cx)?;
        for rival in &found {
            if !self.is_harmless(i, &own, rival, cx)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A row that is in the way of another one.
    pub(super) fn find_excluding(
        &self,
        i: usize,
        row: &[Datum],
        id: u64,
        end: Option<u64>,
        cx: &mut ExecCx<'_>,
    ) -> Result<Option<Excluding>> {
        let writer = &self.indexes[i];
        let (own, found) = self.possible(i, row, id, end, cx)?;
        for rival in &found {
            if self.is_harmless(i, &own, rival, cx)? {
                continue;
            }
            // Whoever is writing or deleting it is waited for.
            let tree = TreeId(writer.index.tree);
            let held = cx.txn.lock_row(tree, &rival.key, LockStrength::KeyShare, WaitPolicy::Wait);
            if held.map_err(store_error)? != Modified::Locked {
                continue;
            }
            let key = row_key(rival.row);
            let read = |bytes: &[u8]| self.decode(bytes);
            let snapshot = cx.txn.latest_snapshot();
            let now = cx.txn.get_through(&snapshot, self.tree(), &key, read).map_err(store_error)?;
            let Some(values) = now.transpose()? else { continue };
            let Some(other) = writer.key_values(&values, &self.types, cx)? else { continue };
            if writer.holds(&own, &other, cx)? {
                let visible = cx.txn.get(self.tree(), &key, |_| ()).map_err(store_error)?.is_some();
                return Ok(Some(Excluding { conflict: Conflict { id: rival.row, visible }, values }));
            }
        }
        Ok(None)
    }

    /// Looks whether the rows of the table, which nobody else writes, exclude each other in index `i`; `rows` are some of them.
    ///
    /// # Errors
    /// 23P01 `could not create exclusion constraint`.
    pub(crate) fn verify_exclusion(
        &self,
        i: usize,
        rows: &[(u64, Vec<Datum>)],
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        for (id, row) in rows {
            if let Some(found) = self.find_excluding(i, row, *id, None, cx)? {
                let name = &self.indexes[i].index.name;
                let (names, own) = self.shown_key(i, row, cx)?;
                let (_, other) = self.shown_key(i, &found.values, cx)?;
                return Err(sql_err!(
                    EXCLUSION_VIOLATION,
                    "could not create exclusion constraint \"{name}\""
                )
                .detail(format!("Key ({names})=({own}) conflicts with key ({names})=({other})."))
                .object(&self.relation.schema, &self.relation.name, "", name));
            }
        }
        Ok(())
    }

    /// The names of the key columns, and a row's values of them, as errors show them.
    fn shown_key(&self, i: usize, row: &[Datum], cx: &mut ExecCx<'_>) -> Result<(String, String)> {
        let writer = &self.indexes[i];
        let values = writer.key_values(row, &self.types, cx)?.unwrap_or_default();
        let (mut names, mut shown) = (Vec::new(), Vec::new());
        for (column, value) in writer.index.columns.iter().zip(&values) {
            names.push(match &column.key {
                IndexKey::Column(c) => self.relation.columns[*c].name.to_string(),
                IndexKey::Expression(text) => text.to_string(),
            });
            shown.push(show(value, column.ty, cx.io));
        }
        Ok((names.join(", "), shown.join(", ")))
    }

    #[cold]
    pub(super) fn exclusion_violation(
        &self,
        i: usize,
        row: &[Datum],
        existing: &[Datum],
        cx: &mut ExecCx<'_>,
    ) -> SqlError {
        let (index, relation) = (&self.indexes[i].index, &self.relation);
        let name = &index.name;
        let error =
            sql_err!(EXCLUSION_VIOLATION, "conflicting key value violates exclusion constraint \"{name}\"")
                .object(&relation.schema, &relation.name, "", name);
        let readable = index.columns.iter().all(|column| match column.key {
            IndexKey::Column(c) => cx.host.may_read(relation.oid, c),
            IndexKey::Expression(_) => self.all_readable(cx),
        });
        if !readable {
            return error;
        }
        match (self.shown_key(i, row, cx), self.shown_key(i, existing, cx)) {
            (Ok((names, own)), Ok((_, other))) => error
                .detail(format!("Key ({names})=({own}) conflicts with existing key ({names})=({other}).")),
            (Err(error), _) | (_, Err(error)) => error,
        }
    }
}
