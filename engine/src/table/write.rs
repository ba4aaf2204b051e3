//! Writing rows: what a row must satisfy, its bytes, and its index entries.
//!
//! ```text
//! row -> generated columns -> NOT NULL, CHECK -> row id -> table: id -> bytes
//!                                                     \-> index: key [, id] -> id      one entry per index whose predicate holds
//! ```
//!
//! 1. Index entries are versioned records like rows: an update deletes the old entry and inserts the new one, and older snapshots go
//!    on seeing the old one with the old row.
//! 2. An index whose key does not change is not touched.
//! 3. Storage refuses a second entry under a unique key, having waited for whoever is about to insert or delete it: no separate look.
//! 4. After an error the caller rolls back to before the statement: what was written until then goes with it.
//!
//! Sources: PostgreSQL manual 5.5 (constraints), 62.5 (index uniqueness checks).

mod bulk;
mod entry;
mod exclusion;
mod policy;

use std::sync::Arc;

pub use bulk::{Bulk, Refused, RowSlot};
pub use entry::EntryKey;

use nq_qsql::catalog::{Generated, Index, IndexColumn, IndexKey, Reference, Relation, Timing};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::AccessMethod;
use nq_qsql::plan::physical::{BoundIndex, ColumnSet, PolicyMoment, WriteTarget};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum, IoContext, Oid, io_text};
use nq_storage::{Change, Current, InsertOutcome, LockStrength, Modified, TreeId, Txn, WaitPolicy};

use self::policy::Guard;
use super::key::{self, row_key};
use super::method::row_keys;
use super::row::RowLayout;
use super::value::damaged;
use crate::error::store_error;
use crate::exec::batch::{BATCH_ROWS, Batch};
use crate::exec::eval::Compiled;
use crate::exec::{ExecCx, depends};
use crate::foreign_key::action::differs;
use crate::foreign_key::probe::check_rows;
use crate::foreign_key::{Event, Probe};

/// Characters of a value that the detail of a violation shows.
const SHOWN_BYTES: usize = 64;

/// How a key column gets its value.
enum KeySource {
    Column(usize),
    Computed(Compiled),
}

/// An index as the writer maintains it.
struct IndexWriter {
    index: Arc<Index>,
    keys: Vec<KeySource>,
    predicate: Option<Compiled>,
    /// Columns that keys and predicate read.
    reads: Vec<usize>,
    /// When equal keys are refused, if that is deferrable.
    timing: Timing,
    /// Whether two rows exclude each other: over the key values of the one, then of the other.
    excludes: Option<Compiled>,
}

/// The index entries of some rows: by index, then by row; `None` where the row is not in the index (or the index not asked for).
pub type Entries = Vec<Vec<Option<EntryKey>>>;

/// What became of a row that was to be changed.
#[derive(Debug)]
pub enum Outcome {
    /// Changed.
    Done,
    /// It is locked now, and its newest version, committed since the snapshot, is this: decide again.
    Newer(Vec<u8>),
    /// It is not there any more.
    Gone,
    /// This command has changed it before.
    SelfModified,
}

/// A row that conflicts with a proposed one.
#[derive(Clone, Copy, Debug)]
pub struct Conflict {
    /// Its id.
    pub id: u64,
    /// Whether the snapshot sees it.
    pub visible: bool,
}

/// Writes the rows of one table.
pub struct Writer {
    relation: Arc<Relation>,
    layout: RowLayout,
    types: Vec<DataType>,
    checks: Vec<(Box<str>, Compiled)>,
    policies: Vec<Guard>,
    generated: Vec<(usize, Compiled)>,
    /// Virtual columns that may not be NULL.
    computed: Vec<(usize, Compiled)>,
    indexes: Vec<IndexWriter>,
    /// Whether the column refuses NULL.
    required: Vec<bool>,
    /// Columns whose new values came from the statement.
    named: ColumnSet,
    /// The foreign keys that the rows are to satisfy.
    foreign: Vec<Probe>,
}

/// Appends rows to a table, each with one value per column (by index; dropped and generated columns are filled in).
///
/// # Errors
/// 23502, 23505, 23514, and those of the expressions.
pub fn insert_rows(target: &WriteTarget, rows: &[Vec<Datum>], cx: &mut ExecCx<'_>) -> Result<()> {
    let writer = Writer::new(target, cx)?;
    for part in rows.chunks(BATCH_ROWS) {
        cx.check_interrupt()?;
        writer.insert(&mut part.to_vec(), cx)?;
    }
    Ok(())
}

/// Appends encoded rows to a tree, one behind the other in `bytes`, where each ends in `ends`.
pub(crate) fn append_encoded(txn: &mut Txn, tree: TreeId, bytes: &[u8], ends: &[usize]) -> Result<()> {
    let first = txn.next_row_id(tree, ends.len() as u64).map_err(store_error)?;
    let mut start = 0;
    let mut rows = ends.iter().map(|&end| {
        let row = &bytes[start..end];
        start = end;
        row
    });
    txn.append_rows(tree, first, &mut rows).map_err(store_error)?;
    Ok(())
}

impl Writer {
    /// Prepares for writing `target` in one execution.
    pub fn new(target: &WriteTarget, cx: &ExecCx<'_>) -> Result<Writer> {
        Writer::with_params(target, cx.params)
    }

    /// Prepares for writing `target` in any execution.
    ///
    /// # Errors
    /// 42P02 when an expression of the table refers to a statement's parameter (it never does).
    pub fn shared(target: &WriteTarget) -> Result<Writer> {
        Writer::with_params(target, &[])
    }

    fn with_params(target: &WriteTarget, params: &[Datum]) -> Result<Writer> {
        let relation = Arc::clone(&target.relation);
        let compiled = |e| Compiled::with_params(e, params);
        let timing = |index: &Index| {
            let found = relation.constraints.iter().find(|c| c.oid == index.constraint && index.deferrable);
            found.map_or(Timing::Fixed, |c| c.timing)
        };
        let indexes = target.indexes.iter().map(|i| IndexWriter::new(i, timing(&i.index), params));
        let types: Vec<DataType> = relation.columns.iter().map(|c| c.ty).collect();
        let foreign = target.foreign.iter().map(|key| Probe::new(key, &types, params));
        Ok(Writer {
            layout: RowLayout::new(&relation.columns),
            foreign: foreign.collect::<Result<_>>()?,
            types,
            checks: target
                .checks
                .iter()
                .map(|(n, e)| Ok((n.clone(), compiled(e)?)))
                .collect::<Result<_>>()?,
            policies: Guard::all(target, params)?,
            generated: target.generated.iter().map(|(i, e)| Ok((*i, compiled(e)?))).collect::<Result<_>>()?,
            indexes: indexes.collect::<Result<_>>()?,
            computed: target.required.iter().map(|(i, e)| Ok((*i, compiled(e)?))).collect::<Result<_>>()?,
            required: relation
                .columns
                .iter()
                .map(|c| c.not_null && !c.dropped && c.generated != Generated::Virtual)
                .collect(),
            named: target.named,
            relation,
        })
    }

    /// The table.
    pub fn relation(&self) -> &Arc<Relation> {
        &self.relation
    }

    /// Types of all columns.
    pub fn types(&self) -> &[DataType] {
        &self.types
    }

    /// Number of indexes.
    pub fn indexes(&self) -> usize {
        self.indexes.len()
    }

    /// Whether index `i` refuses equal keys.
    pub fn is_unique(&self, i: usize) -> bool {
        self.indexes.get(i).is_some_and(|w| w.index.unique)
    }

    /// The columns that change when those of `set` do: generated ones with them.
    pub fn changed(&self, set: impl Iterator<Item = usize>) -> Vec<usize> {
        set.chain(self.generated.iter().map(|g| g.0)).collect()
    }

    /// Whether index `i` depends on one of `columns`.
    pub fn depends_on(&self, i: usize, columns: &[usize]) -> bool {
        self.indexes.get(i).is_some_and(|w| w.reads.iter().any(|c| columns.contains(c)))
    }

    /// Decodes a stored row.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Datum>> {
        self.layout.read(bytes)?.datums()
    }

    fn tree(&self) -> TreeId {
        TreeId(self.relation.tree)
    }

    /// Fills in generated columns and checks policies and constraints.
    ///
    /// # Errors
    /// 42501, 23502 and 23514.
    pub fn complete(&self, rows: &mut [Vec<Datum>], moment: PolicyMoment, cx: &mut ExecCx<'_>) -> Result<()> {
        for row in rows.iter_mut() {
            row.resize(self.types.len(), Datum::Null);
            for (value, column) in row.iter_mut().zip(&self.relation.columns) {
                if column.dropped || column.generated == Generated::Virtual {
                    *value = Datum::Null;
                }
            }
        }
        if !self.generated.is_empty() {
            let batch = Batch::from_rows(rows, &self.types);
            for (column, expr) in &self.generated {
                let values = expr.eval_batch(&batch, cx)?;
                for (i, row) in rows.iter_mut().enumerate() {
                    row[*column] = values.datum(i, expr.ty.oid);
                }
            }
        }
        self.check_policies(moment, rows, cx)?;
        for row in rows.iter() {
            if let Some(column) = (0..row.len()).find(|&c| self.required[c] && row[c].is_null()) {
                return Err(self.null_violation(row, column, cx));
            }
        }
        self.check_computed(rows, cx)?;
        self.check_constraints(rows, cx)?;
        self.check_policies(PolicyMoment::View, rows, cx)
    }

    /// Refuses NULL in virtual columns that do not allow it.
    fn check_computed(&self, rows: &[Vec<Datum>], cx: &mut ExecCx<'_>) -> Result<()> {
        if self.computed.is_empty() {
            return Ok(());
        }
        let batch = Batch::from_rows(rows, &self.types);
        for (column, expr) in &self.computed {
            let values = expr.eval_batch(&batch, cx)?;
            if let Some(row) = (0..rows.len()).find(|&row| values.is_null(row)) {
                return Err(self.null_violation(&rows[row], *column, cx));
            }
        }
        Ok(())
    }

    fn check_constraints(&self, rows: &[Vec<Datum>], cx: &mut ExecCx<'_>) -> Result<()> {
        if self.checks.is_empty() {
            return Ok(());
        }
        let batch = Batch::from_rows(rows, &self.types);
        let mut failed: Option<(usize, &str)> = None;
        for (name, check) in &self.checks {
            let values = check.eval_batch(&batch, cx)?;
            let first =
                (0..rows.len()).find(|&i| matches!(values.datum(i, check.ty.oid), Datum::Bool(false)));
            if let Some(row) = first
                && failed.is_none_or(|(before, _)| row < before)
            {
                failed = Some((row, name));
            }
        }
        match failed {
            Some((row, name)) => Err(self.check_violation(&rows[row], name, cx)),
            None => Ok(()),
        }
    }

    /// Computes the entries of rows in the indexes that `wanted` names.
    pub fn entries(
        &self,
        rows: &[Vec<Datum>],
        wanted: impl Fn(usize) -> bool,
        cx: &mut ExecCx<'_>,
    ) -> Result<Entries> {
        let computed = |(i, w): (usize, &IndexWriter)| wanted(i) && w.is_computed();
        let batch = if self.indexes.iter().enumerate().any(computed) {
            Batch::from_rows(rows, &self.types)
        } else {
            Batch::default()
        };
        let mut all = Vec::with_capacity(self.indexes.len());
        for (i, writer) in self.indexes.iter().enumerate() {
            all.push(if wanted(i) { writer.entries(rows, &batch, cx)? } else { vec![None; rows.len()] });
        }
        Ok(all)
    }

    /// Completes, checks and appends rows; on return they are as stored. At most [`BATCH_ROWS`].
    ///
    /// # Errors
    /// 23502, 23505, 23514, and those of the expressions.
    pub fn insert(&self, rows: &mut [Vec<Datum>], cx: &mut ExecCx<'_>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.complete(rows, PolicyMoment::Insert, cx)?;
        let mut bulk = Bulk::new(self);
        bulk.push_rows(self, rows, cx)?;
        bulk.store(self, cx).map_err(|refused| refused.error)
    }

    /// Appends the rows of a batch of columns of these types to a table for which [`Writer::is_plain`] holds, without a value of them in between.
    ///
    /// # Errors
    /// 23502 and 23505.
    pub fn insert_batch(&self, batch: &Batch, types: &[DataType], cx: &mut ExecCx<'_>) -> Result<()> {
        let mut bulk = Bulk::new(self);
        bulk.push_batch(self, batch, types, cx)?;
        bulk.store(self, cx).map_err(|refused| refused.error)
    }

    /// Appends one completed row unless an entry of an arbiter (no arbiters: of any unique index) exists.
    ///
    /// # Errors
    /// 23505 when an index that does not arbitrate refuses the row.
    pub fn insert_unless(
        &self,
        row: &[Datum],
        entries: &[Option<EntryKey>],
        arbiters: &[usize],
        cx: &mut ExecCx<'_>,
    ) -> Result<std::result::Result<u64, Conflict>> {
        let arbitrates =
            |i: usize| self.indexes[i].index.refuses() && (arbiters.is_empty() || arbiters.contains(&i));
        let id = cx.txn.next_row_id(self.tree(), 1).map_err(store_error)?;
        let mut entered: Vec<usize> = Vec::new();
        for (i, entry) in entries.iter().enumerate().filter(|(i, _)| arbitrates(*i)) {
            let Some(entry) = entry else { continue };
            let mut conflict = self.enter(i, entry, id, cx)?;
            if conflict.is_none() && self.indexes[i].excludes.is_some() {
                entered.push(i);
                conflict = self.find_excluding(i, row, id, None, cx)?.map(|e| e.conflict);
            }
            if let Some(conflict) = conflict {
                for &done in &entered {
                    if let Some(entry) = &entries[done] {
                        self.leave(done, entry, id, cx)?;
                    }
                }
                return Ok(Err(conflict));
            }
            if self.indexes[i].excludes.is_none() {
                entered.push(i);
            }
        }
        for (i, entry) in entries.iter().enumerate().filter(|(i, _)| !arbitrates(*i)) {
            let Some(entry) = entry else { continue };
            if self.enter(i, entry, id, cx)?.is_some() {
                return Err(self.unique_violation(i, row, cx));
            }
            self.exclude(i, row, id, None, cx)?;
        }
        let mut bytes = Vec::new();
        self.layout.encode(row, &mut bytes)?;
        cx.txn.append_rows(self.tree(), id, &mut std::iter::once(&bytes[..])).map_err(store_error)?;
        self.check_references(1, |_| id, |_, column| Ok(row[column].clone()), cx)?;
        Ok(Ok(id))
    }

    /// Inserts an index entry; answers with the row that has the key.
    fn enter(&self, i: usize, entry: &EntryKey, id: u64, cx: &mut ExecCx<'_>) -> Result<Option<Conflict>> {
        let index = &self.indexes[i].index;
        for key in entry.of_row(id) {
            match cx.txn.insert(TreeId(index.tree), &key, &row_key(id)).map_err(store_error)? {
                InsertOutcome::Inserted if index.exclusion.is_empty() => self.note_rivals(i, &key, id, cx)?,
                InsertOutcome::Inserted => {}
                InsertOutcome::Exists { value, visible } => {
                    let id = key::row_id(&value).ok_or_else(damaged)?;
                    return Ok(Some(Conflict { id, visible }));
                }
            }
        }
        Ok(None)
    }

    /// Leaves a new entry of a deferrable index for later, if there is another one with its key.
    fn note_rivals(&self, i: usize, key: &[u8], id: u64, cx: &mut ExecCx<'_>) -> Result<()> {
        let IndexWriter { index, timing, .. } = &self.indexes[i];
        if !index.deferrable {
            return Ok(());
        }
        let prefix = &key[..key.len() - key::ROW_ID_BYTES];
        if !cx.txn.rivals(TreeId(index.tree), prefix, key).map_err(store_error)?.is_empty() {
            let (constraint, table) = (index.constraint, self.relation.oid);
            let event = Event::Row { constraint, table, row: id };
            match cx.pending.modes.is_deferred(constraint, *timing) {
                true => cx.pending.later.push(event),
                false => cx.pending.now.push(event),
            }
        }
        Ok(())
    }

    /// Looks at a row again whose key in the index of a deferrable constraint was not its own when it was written.
    ///
    /// # Errors
    /// 23505.
    pub(crate) fn settle_unique(&self, constraint: Oid, id: u64, cx: &mut ExecCx<'_>) -> Result<()> {
        let Some(i) = self.indexes.iter().position(|w| w.index.constraint == constraint) else {
            return Ok(());
        };
        let index = &self.indexes[i].index;
        let snapshot = cx.txn.latest_snapshot();
        let read = |bytes: &[u8]| self.decode(bytes);
        let row = cx.txn.get_through(&snapshot, self.tree(), &row_key(id), read).map_err(store_error)?;
        let Some(row) = row.transpose()? else { return Ok(()) };
        if self.indexes[i].excludes.is_some() {
            return match self.find_excluding(i, &row, id, None, cx)? {
                Some(found) => Err(self.exclusion_violation(i, &row, &found.values, cx)),
                None => Ok(()),
            };
        }
        let null = |column: &IndexColumn| matches!(column.key, IndexKey::Column(c) if row[c].is_null());
        if !index.nulls_not_distinct && index.columns.iter().any(null) {
            return Ok(());
        }
        let row = [row];
        let entries = self.entries(&row, |at| at == i, cx)?;
        let Some(entry) = &entries[i][0] else { return Ok(()) };
        let tree = TreeId(index.tree);
        let Some(own) = entry.of_row(id).next() else { return Ok(()) };
        for key in cx.txn.rivals(tree, entry.first(), &own).map_err(store_error)? {
            // Whoever is writing or deleting it is waited for.
            let held = cx.txn.lock_row(tree, &key, LockStrength::KeyShare, WaitPolicy::Wait);
            if held.map_err(store_error)? == Modified::Locked {
                return Err(self.unique_violation(i, &row[0], cx));
            }
        }
        Ok(())
    }

    /// Deletes an index entry.
    fn leave(&self, i: usize, entry: &EntryKey, id: u64, cx: &mut ExecCx<'_>) -> Result<()> {
        let index = &self.indexes[i].index;
        for key in entry.of_row(id) {
            if !cx.txn.delete(TreeId(index.tree), &key).map_err(store_error)? {
                return Err(sql_err!(INDEX_CORRUPTED, "index \"{}\" has no entry for row {id}", index.name));
            }
        }
        Ok(())
    }

    /// The bytes of a row as the snapshot sees it.
    pub fn stored(&self, id: u64, cx: &ExecCx<'_>) -> Result<Option<Vec<u8>>> {
        cx.txn.get(self.tree(), &row_key(id), <[u8]>::to_vec).map_err(store_error)
    }

    /// Locks a row in its newest version, which it returns.
    pub fn lock(&self, id: u64, cx: &mut ExecCx<'_>) -> Result<std::result::Result<Vec<u8>, Outcome>> {
        let mut found = Vec::new();
        let mut keep = |current: Current<'_>| {
            found.clear();
            found.extend_from_slice(current.value());
            Change::Keep
        };
        let strength = LockStrength::NoKeyUpdate;
        let outcome = cx
            .txn
            .modify(self.tree(), &row_key(id), strength, WaitPolicy::Wait, &mut keep)
            .map_err(store_error)?;
        Ok(match outcome {
            Modified::SelfModified => Err(Outcome::SelfModified),
            Modified::Gone | Modified::NotFound => Err(Outcome::Gone),
            _ => Ok(found),
        })
    }

    /// Looks for what new rows refer to.
    fn check_references(
        &self,
        count: usize,
        id: impl Fn(usize) -> u64,
        value: impl Fn(usize, usize) -> Result<Datum>,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        match self.foreign.is_empty() {
            true => Ok(()),
            false => check_rows(&self.foreign, |_| true, self.relation.oid, count, id, value, cx),
        }
    }

    /// Takes note of what an update means to foreign keys.
    fn follow_update(&self, id: u64, was: &[Datum], row: &[Datum], cx: &mut ExecCx<'_>) -> Result<()> {
        let changed = |c: &usize| differs(&was[*c], &row[*c], self.types[*c]);
        for reference in &self.relation.referenced_by {
            if reference.columns.iter().any(changed) {
                note_key(reference, was, Some(row), cx);
            }
        }
        if self.foreign.iter().any(|probe| probe.bound.key.columns.iter().any(changed)) {
            let which = |probe: &Probe| probe.bound.key.columns.iter().any(changed);
            let value = |_, column: usize| Ok(row[column].clone());
            check_rows(&self.foreign, which, self.relation.oid, 1, |_| id, value, cx)?;
        }
        Ok(())
    }

    /// Gives a row new values. `was` is the row before, `old` and `new` are the entries of its versions in the indexes that may change; `decided`: the newest
    /// version is locked and was decided on.
    ///
    /// # Errors
    /// 23505; 40001 in the stricter isolation levels.
    #[allow(clippy::too_many_arguments, reason = "two versions with their entries")]
    pub fn update(
        &self,
        id: u64,
        was: &[Datum],
        row: &[Datum],
        old: &[Option<EntryKey>],
        new: &[Option<EntryKey>],
        decided: bool,
        cx: &mut ExecCx<'_>,
    ) -> Result<Outcome> {
        let mut bytes = Vec::new();
        self.layout.encode(row, &mut bytes)?;
        let key_changes = (0..self.indexes.len()).any(|i| self.is_unique(i) && old[i] != new[i]);
        let strength = if key_changes { LockStrength::Update } else { LockStrength::NoKeyUpdate };
        let outcome = self.change(id, strength, decided, &|| Change::Update(bytes.clone()), cx)?;
        if !matches!(outcome, Outcome::Done) {
            return Ok(outcome);
        }
        for i in (0..self.indexes.len()).filter(|&i| old[i] != new[i]) {
            if let Some(entry) = old[i].as_ref().and_then(|old| old.without(new[i].as_ref())) {
                self.leave(i, &entry, id, cx)?;
            }
            if let Some(entry) = new[i].as_ref().and_then(|new| new.without(old[i].as_ref()))
                && self.enter(i, &entry, id, cx)?.is_some()
            {
                return Err(self.unique_violation(i, row, cx));
            }
        }
        for i in (0..self.indexes.len()).filter(|&i| self.touches_excluded(i, was, row)) {
            if new[i].is_some() {
                self.exclude(i, row, id, None, cx)?;
            }
        }
        self.follow_update(id, was, row, cx)?;
        Ok(Outcome::Done)
    }

    /// Deletes a row, but not its index entries.
    ///
    /// # Errors
    /// 40001 in the stricter isolation levels.
    pub fn delete(&self, id: u64, decided: bool, cx: &mut ExecCx<'_>) -> Result<Outcome> {
        self.change(id, LockStrength::Update, decided, &|| Change::Delete, cx)
    }

    /// Deletes the index entries of deleted rows, and takes note of what their going means to foreign keys.
    pub fn delete_entries(&self, ids: &[u64], rows: &[Vec<Datum>], cx: &mut ExecCx<'_>) -> Result<()> {
        for (i, of_index) in self.entries(rows, |_| true, cx)?.iter().enumerate() {
            for (&id, entry) in ids.iter().zip(of_index) {
                if let Some(entry) = entry {
                    self.leave(i, entry, id, cx)?;
                }
            }
        }
        for row in rows {
            for reference in &self.relation.referenced_by {
                note_key(reference, row, None, cx);
            }
        }
        Ok(())
    }

    fn change(
        &self,
        id: u64,
        strength: LockStrength,
        decided: bool,
        make: &dyn Fn() -> Change,
        cx: &mut ExecCx<'_>,
    ) -> Result<Outcome> {
        let mut newer = None;
        let mut decide = |current: Current<'_>| match current {
            Current::Newer(value) if !decided => {
                newer = Some(value.to_vec());
                Change::Keep
            }
            _ => make(),
        };
        let outcome = cx
            .txn
            .modify(self.tree(), &row_key(id), strength, WaitPolicy::Wait, &mut decide)
            .map_err(store_error)?;
        match (outcome, newer) {
            (Modified::Updated | Modified::Deleted, _) => Ok(Outcome::Done),
            (Modified::Locked, Some(value)) => Ok(Outcome::Newer(value)),
            (Modified::Gone | Modified::NotFound, _) => Ok(Outcome::Gone),
            (Modified::SelfModified, _) => Ok(Outcome::SelfModified),
            (other, _) => Err(SqlError::internal(format_args!("a changed row answers {other:?}"))),
        }
    }

    #[cold]
    fn null_violation(&self, row: &[Datum], column: usize, cx: &ExecCx<'_>) -> SqlError {
        let (table, column) = (&self.relation.name, &self.relation.columns[column].name);
        sql_err!(
            NOT_NULL_VIOLATION,
            "null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"
        )
        .detail(self.describe(row, cx))
        .object(&self.relation.schema, table, column, "")
    }

    #[cold]
    fn check_violation(&self, row: &[Datum], name: &str, cx: &ExecCx<'_>) -> SqlError {
        let table = &self.relation.name;
        sql_err!(CHECK_VIOLATION, "new row for relation \"{table}\" violates check constraint \"{name}\"")
            .detail(self.describe(row, cx))
            .object(&self.relation.schema, table, "", name)
    }

    #[cold]
    fn unique_violation(&self, i: usize, row: &[Datum], cx: &mut ExecCx<'_>) -> SqlError {
        let writer = &self.indexes[i];
        let (relation, name) = (&self.relation, &writer.index.name);
        let rows = [row.to_vec()];
        let values = match writer.values(&rows, &Batch::from_rows(&rows, &self.types), cx) {
            Ok(values) => values,
            Err(error) => return error,
        };
        let (mut names, mut shown) = (Vec::new(), Vec::new());
        for (column, values) in writer.index.columns.iter().zip(&values) {
            names.push(match &column.key {
                IndexKey::Column(c) => relation.columns[*c].name.to_string(),
                IndexKey::Expression(text) => text.to_string(),
            });
            shown.push(values.first().map_or_else(String::new, |v| show(v, column.ty, cx.io)));
        }
        let error = sql_err!(UNIQUE_VIOLATION, "duplicate key value violates unique constraint \"{name}\"")
            .object(&relation.schema, &relation.name, "", name);
        let readable = writer.index.columns.iter().all(|column| match column.key {
            IndexKey::Column(c) => cx.host.may_read(relation.oid, c),
            IndexKey::Expression(_) => self.all_readable(cx),
        });
        match readable {
            true => {
                error.detail(format!("Key ({})=({}) already exists.", names.join(", "), shown.join(", ")))
            }
            false => error,
        }
    }

    /// Whether the user may read all of the table.
    fn all_readable(&self, cx: &ExecCx<'_>) -> bool {
        self.relation.live_columns().all(|(i, _)| cx.host.may_read(self.relation.oid, i))
    }

    /// The detail that shows a row: all of it, or, with their names, the columns that the user may read or has given.
    pub(super) fn describe(&self, row: &[Datum], cx: &ExecCx<'_>) -> String {
        let whole = self.all_readable(cx);
        let (mut names, mut shown) = (Vec::new(), Vec::with_capacity(row.len()));
        for (i, column) in self.relation.live_columns() {
            if !whole && !self.named.has(i) && !cx.host.may_read(self.relation.oid, i) {
                continue;
            }
            names.push(&*column.name);
            if column.generated == Generated::Virtual {
                shown.push("virtual".to_owned());
                continue;
            }
            let mut text = show(&row[i], column.ty, cx.io);
            if text.len() > SHOWN_BYTES {
                let end = (0..=SHOWN_BYTES).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
                text.truncate(end);
                text.push_str("...");
            }
            shown.push(text);
        }
        match whole {
            true => format!("Failing row contains ({}).", shown.join(", ")),
            false => format!("Failing row contains ({}) = ({}).", names.join(", "), shown.join(", ")),
        }
    }
}

/// Takes note of a key that has gone or changed. Nothing refers to one with a NULL.
fn note_key(reference: &Reference, was: &[Datum], is: Option<&[Datum]>, cx: &mut ExecCx<'_>) {
    let of = |row: &[Datum]| -> Arc<[Datum]> { reference.columns.iter().map(|&c| row[c].clone()).collect() };
    let old = of(was);
    if !old.iter().any(Datum::is_null) {
        let constraint = reference.constraint;
        cx.pending.now.push(Event::Key { constraint, old, new: is.map(of) });
    }
}

/// A value as details of errors show it.
pub(crate) fn show(value: &Datum, ty: DataType, io: &IoContext<'_>) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let mut out = Vec::new();
    match io_text::write_text(value, ty.oid, io, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(error) => error.message().to_owned(),
    }
}

impl IndexWriter {
    fn new(bound: &BoundIndex, timing: Timing, params: &[Datum]) -> Result<IndexWriter> {
        let mut reads = Vec::new();
        bound.keys.iter().chain(&bound.predicate).for_each(|e| depends::slots(e, &mut reads));
        let mut keys = Vec::with_capacity(bound.keys.len());
        for expr in &bound.keys {
            let compiled = Compiled::with_params(expr, params)?;
            keys.push(match compiled.slot() {
                Some(column) => KeySource::Column(column),
                None => KeySource::Computed(compiled),
            });
        }
        let predicate = bound.predicate.as_ref().map(|e| Compiled::with_params(e, params)).transpose()?;
        let excludes = exclusion::condition(&bound.index)?;
        let excludes = excludes.map(|e| Compiled::with_params(&e, params)).transpose()?;
        Ok(IndexWriter { index: Arc::clone(&bound.index), keys, predicate, reads, timing, excludes })
    }

    fn is_computed(&self) -> bool {
        self.predicate.is_some() || self.keys.iter().any(|k| matches!(k, KeySource::Computed(_)))
    }

    /// The values of each key column for all rows.
    fn values(&self, rows: &[Vec<Datum>], batch: &Batch, cx: &mut ExecCx<'_>) -> Result<Vec<Vec<Datum>>> {
        let of_key = |key: &KeySource, cx: &mut ExecCx<'_>| -> Result<Vec<Datum>> {
            Ok(match key {
                KeySource::Column(c) => rows.iter().map(|r| r[*c].clone()).collect(),
                KeySource::Computed(expr) => {
                    let values = expr.eval_batch(batch, cx)?;
                    (0..rows.len()).map(|i| values.datum(i, expr.ty.oid)).collect()
                }
            })
        };
        self.keys.iter().map(|key| of_key(key, cx)).collect()
    }

    fn entries(
        &self,
        rows: &[Vec<Datum>],
        batch: &Batch,
        cx: &mut ExecCx<'_>,
    ) -> Result<Vec<Option<EntryKey>>> {
        // Key expressions are computed for rows inside a partial index only: outside they may fail.
        let inside = match &self.predicate {
            None => None,
            Some(predicate) => {
                let mut passed = Vec::new();
                predicate.select(batch, batch.rows(), cx, &mut passed)?;
                Some(passed)
            }
        };
        let mut entries = vec![None; rows.len()];
        match inside {
            None => {
                let values = self.values(rows, batch, cx)?;
                for (row, entry) in entries.iter_mut().enumerate() {
                    *entry = self.entry(&values, row)?;
                }
            }
            Some(inside) => {
                let kept: Vec<Vec<Datum>> = inside.iter().map(|&r| rows[usize::from(r)].clone()).collect();
                let narrowed = Batch { selection: Some(inside.clone()), ..batch.clone() }.compact();
                let values = self.values(&kept, &narrowed, cx)?;
                for (number, &row) in inside.iter().enumerate() {
                    entries[usize::from(row)] = self.entry(&values, number)?;
                }
            }
        }
        Ok(entries)
    }

    fn entry(&self, values: &[Vec<Datum>], row: usize) -> Result<Option<EntryKey>> {
        let key: Vec<Datum> = values.iter().map(|column| column[row].clone()).collect();
        if self.index.method != AccessMethod::Btree {
            return Ok(EntryKey::of_method(row_keys(&self.index, &key)?));
        }
        let mut prefix = Vec::with_capacity(24);
        key::encode_prefix(&self.index, &key, &mut prefix)?;
        Ok(Some(EntryKey::one(prefix, key::has_suffix(&self.index, &key))))
    }
}
