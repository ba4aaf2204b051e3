//! MERGE: each row of the input is written as the first clause that fits it says.
//!
//! Neighbouring rows with the same clause are written together. A target row may be written once; one that has a newer version is looked
//! at again, and if the join condition does not hold any more (or the row is gone), its source row counts as not matched
//! (PostgreSQL manual, MERGE and 13.2.1).

use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::{MergeAction, MergeClause, MergeMatch, PolicyMoment};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum, oid};

use super::batch::Rows;
use super::eval::Compiled;
use super::modify::{Found, Images, assign, assignments, image, nulls, of_row, replace, row_id, touched};
use super::{Batch, ExecCx};
use crate::table::write::{Outcome, Writer};

/// A MERGE, compiled.
pub(super) struct Merge {
    found: Found,
    source: Option<usize>,
    clauses: Vec<Clause>,
}

struct Clause {
    matched: MergeMatch,
    condition: Option<Compiled>,
    action: Action,
}

enum Action {
    Nothing,
    Delete,
    Update { set: Vec<(usize, Compiled)>, touched: Vec<bool> },
    Insert(Vec<Compiled>),
}

/// Where the rows go and what is told of them.
struct Sink<'a> {
    writer: &'a Writer,
    types: &'a [DataType],
    images: &'a mut Option<Images>,
    written: u64,
}

/// A row to be looked at again: its input, and its newest version if there is one.
type Again = (Vec<Datum>, Option<Vec<Datum>>);

impl Merge {
    pub(super) fn new(
        found: Found,
        source: Option<u32>,
        clauses: &[MergeClause],
        writer: &Writer,
        cx: &ExecCx<'_>,
    ) -> Result<Merge> {
        let mut compiled = Vec::with_capacity(clauses.len());
        for clause in clauses {
            let condition = clause.condition.as_ref().map(|e| Compiled::new(e, cx)).transpose()?;
            let action = match &clause.action {
                MergeAction::Nothing => Action::Nothing,
                MergeAction::Delete => Action::Delete,
                MergeAction::Update(set) => {
                    Action::Update { set: assignments(set, cx)?, touched: touched(writer, set) }
                }
                MergeAction::Insert(row) => Action::Insert(Compiled::list(row, cx)?),
            };
            compiled.push(Clause { matched: clause.matched, condition, action });
        }
        Ok(Merge { found, source: source.map(|slot| slot as usize), clauses: compiled })
    }

    /// Types of what RETURNING reads: new row, old row, input, the word of the action, the row that counts.
    pub(super) fn image_types(row: &[DataType], input: &[DataType]) -> Vec<DataType> {
        [row, row, input, &[DataType::of(oid::TEXT)], row].concat()
    }

    /// Writes a batch; returns how many rows.
    pub(super) fn write(
        &self,
        writer: &Writer,
        batch: &Batch,
        types: &[DataType],
        images: &mut Option<Images>,
        cx: &mut ExecCx<'_>,
    ) -> Result<u64> {
        let mut sink = Sink { writer, types, images, written: 0 };
        let chosen = self.choose(batch, cx)?;
        let mut start = 0;
        while start < batch.len {
            let clause = chosen[start];
            let end = (start..batch.len).find(|&r| chosen[r] != clause).unwrap_or(batch.len);
            if let Some(clause) = clause {
                let rows = batch.clone().slice(start, end).compact();
                for (row, newer) in self.perform(clause, &rows, None, &mut sink, cx)? {
                    self.again(row, newer, &mut sink, cx)?;
                }
            }
            start = end;
        }
        Ok(sink.written)
    }

    /// The clause of each row.
    fn choose(&self, batch: &Batch, cx: &mut ExecCx<'_>) -> Result<Vec<Option<usize>>> {
        let kind = |row: usize| {
            let target = !batch.columns[self.found.row_id].is_null(row);
            let source = self.source.is_none_or(|slot| !batch.columns[slot].is_null(row));
            match (target, source) {
                (true, true) => MergeMatch::Matched,
                (true, false) => MergeMatch::NotMatchedBySource,
                (false, _) => MergeMatch::NotMatchedByTarget,
            }
        };
        let mut chosen = vec![None; batch.len];
        for (number, clause) in self.clauses.iter().enumerate() {
            let mut rows: Vec<u16> = (0..batch.len)
                .filter(|&r| chosen[r].is_none() && kind(r) == clause.matched)
                .map(|r| r as u16)
                .collect();
            if let Some(condition) = &clause.condition {
                let mut passed = Vec::new();
                condition.select(batch, Rows::Some(&rows), cx, &mut passed)?;
                rows = passed;
            }
            rows.iter().for_each(|&r| chosen[usize::from(r)] = Some(number));
        }
        Ok(chosen)
    }

    /// Does what a clause says to rows that it fits; `current`: the locked newest version of the one row. Returns rows whose
    /// target has changed meanwhile.
    fn perform(
        &self,
        clause: usize,
        batch: &Batch,
        current: Option<&[Datum]>,
        sink: &mut Sink<'_>,
        cx: &mut ExecCx<'_>,
    ) -> Result<Vec<Again>> {
        let writer = sink.writer;
        let action = &self.clauses[clause].action;
        match action {
            Action::Nothing => return Ok(Vec::new()),
            Action::Insert(values) => {
                self.insert(values, batch, sink, cx)?;
                return Ok(Vec::new());
            }
            Action::Delete | Action::Update { .. } => {}
        }
        let (mut ids, mut old, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        let mut again = Vec::new();
        for row in 0..batch.len {
            let Some(id) = row_id(batch, self.found.row_id, row)? else { continue };
            let before = match current {
                Some(current) => Some(current.to_vec()),
                None => writer.stored(id, cx)?.map(|bytes| writer.decode(&bytes)).transpose()?,
            };
            match before {
                Some(before) => {
                    ids.push(id);
                    old.push(before);
                    kept.push(row as u16);
                }
                None => again.push((batch.row(row, sink.types), None)),
            }
        }
        let moment = match action {
            Action::Update { .. } => PolicyMoment::MergeUpdate,
            _ => PolicyMoment::MergeDelete,
        };
        writer.check_policies(moment, &old, cx)?;
        let kept = Batch { selection: Some(kept), ..batch.clone() }.compact();
        let decided = current.is_some();
        let mut new = Vec::new();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        if let Action::Update { set, touched } = action {
            new = assign(set, &old, &kept, cx)?;
            writer.complete(&mut new, PolicyMoment::Update, cx)?;
            before = writer.entries(&old, |i| touched[i], cx)?;
            after = writer.entries(&new, |i| touched[i], cx)?;
        }
        let mut deleted = (Vec::new(), Vec::new());
        for (row, &id) in ids.iter().enumerate() {
            let outcome = match action {
                Action::Update { .. } => {
                    let (entries, wanted) = (of_row(&before, row), of_row(&after, row));
                    writer.update(id, &old[row], &new[row], &entries, &wanted, decided, cx)?
                }
                _ => writer.delete(id, decided, cx)?,
            };
            let input = || kept.row(row, sink.types);
            match outcome {
                Outcome::Done => {
                    let input = input();
                    match new.get(row) {
                        Some(new) => sink.tell("UPDATE", new, &old[row], &input, new),
                        None => {
                            sink.tell("DELETE", &nulls(writer), &old[row], &input, &old[row]);
                            deleted.0.push(id);
                            deleted.1.push(old[row].clone());
                        }
                    }
                }
                Outcome::Newer(bytes) => again.push((input(), Some(writer.decode(&bytes)?))),
                Outcome::Gone => again.push((input(), None)),
                Outcome::SelfModified => return Err(twice()),
            }
        }
        writer.delete_entries(&deleted.0, &deleted.1, cx)?;
        Ok(again)
    }

    fn insert(
        &self,
        values: &[Compiled],
        batch: &Batch,
        sink: &mut Sink<'_>,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        let mut columns = Vec::with_capacity(values.len());
        for value in values {
            columns.push(value.eval_batch(batch, cx)?);
        }
        let mut rows: Vec<Vec<Datum>> = (0..batch.len)
            .map(|r| columns.iter().zip(values).map(|(c, e)| c.datum(r, e.ty.oid)).collect())
            .collect();
        sink.writer.insert(&mut rows, cx)?;
        for (r, row) in rows.iter().enumerate() {
            let none = nulls(sink.writer);
            sink.tell("INSERT", row, &none, &batch.row(r, sink.types), row);
        }
        Ok(())
    }

    /// Decides again about a row whose target has changed since the snapshot.
    fn again(
        &self,
        row: Vec<Datum>,
        newer: Option<Vec<Datum>>,
        sink: &mut Sink<'_>,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        let has_source = self.source.is_none_or(|slot| !row[slot].is_null());
        if let Some(newer) = &newer {
            let still = if has_source {
                self.found.again(row.clone(), newer, sink.types, cx)?
            } else {
                let mut row = row.clone();
                replace(&mut row, &self.found.columns, newer);
                Some(Batch::from_rows(&[row], sink.types))
            };
            if let Some(one) = still {
                return self.once(&one, Some(newer), sink, cx);
            }
        }
        if !has_source {
            return Ok(());
        }
        let mut row = row;
        row[self.found.row_id] = Datum::Null;
        for &(slot, _) in &self.found.columns {
            row[slot as usize] = Datum::Null;
        }
        self.once(&Batch::from_rows(&[row], sink.types), None, sink, cx)
    }

    /// Writes one row that nobody else can change now.
    fn once(
        &self,
        one: &Batch,
        current: Option<&[Datum]>,
        sink: &mut Sink<'_>,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        if let Some(clause) = self.choose(one, cx)?[0]
            && !self.perform(clause, one, current, sink, cx)?.is_empty()
        {
            return Err(SqlError::internal("a locked row has changed"));
        }
        Ok(())
    }
}

impl Sink<'_> {
    /// Notes a written row.
    fn tell(&mut self, action: &str, new: &[Datum], old: &[Datum], input: &[Datum], plain: &[Datum]) {
        self.written += 1;
        if let Some(images) = self.images {
            let mut all = image(new, old, input);
            all.push(Datum::text(action));
            all.extend_from_slice(plain);
            images.push(all);
        }
    }
}

#[cold]
fn twice() -> SqlError {
    sql_err!(CARDINALITY_VIOLATION, "MERGE command cannot affect row a second time")
        .hint("Ensure that not more than one source row matches any one target row.")
}
