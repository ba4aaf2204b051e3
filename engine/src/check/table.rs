//! One table: its trees, its rows, its indexes.

use std::ops::ControlFlow;
use std::sync::Arc;

use nq_qsql::bind::write_target;
use nq_qsql::catalog::{Index, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::PolicyMoment;
use nq_qsql::types::{Datum, Oid};
use nq_storage::txn::lock::LockMode;
use nq_storage::{Direction, KeyRange, TreeId};

use super::Finding;
use crate::error::store_error;
use crate::exec::ExecCx;
use crate::exec::batch::BATCH_ROWS;
use crate::session::Session;
use crate::table::key::{row_id, row_key};
use crate::table::write::Writer;

/// Problems listed per object; of more only the number is told.
const SHOWN: usize = 8;
/// A tree is walked again when the walk met a change of the store's background work.
const WALKS: usize = 3;

/// Problems of one object.
#[derive(Default)]
struct Problems {
    texts: Vec<String>,
    count: u64,
}

impl Problems {
    fn add(&mut self, text: String) {
        if self.texts.contains(&text) {
            return;
        }
        self.count += 1;
        if self.texts.len() < SHOWN {
            self.texts.push(text);
        }
    }

    fn findings(self, object: String, kind: &'static str, entries: Option<u64>) -> Vec<Finding> {
        let finding = |problem| Finding { object: object.clone(), kind, entries, problem, repaired: false };
        let more = self.count - self.texts.len() as u64;
        let mut found: Vec<Finding> = self.texts.into_iter().map(|t| finding(Some(t))).collect();
        if more > 0 {
            found.push(finding(Some(format!("{more} more problems"))));
        }
        if found.is_empty() {
            found.push(finding(None));
        }
        found
    }
}

impl Session {
    /// Checks a table with its indexes; with `repair`, damaged indexes are built anew.
    pub(crate) fn check_relation(&mut self, oid: Oid, repair: bool) -> Result<Vec<Finding>> {
        self.lock_relation(oid, LockMode::Share)?;
        let Some(object) = self.view().catalog.object(oid).cloned() else { return Ok(Vec::new()) };
        let relation = object.relation.clone();
        if !matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
            return Ok(Vec::new());
        }
        // What was committed before the lock was granted must be seen.
        self.begin_statement();
        let table = format!("{}.{}", relation.schema, relation.name);
        let mut of_table = Problems::default();
        self.verify_tree(TreeId(relation.tree), &mut of_table)?;
        let mut of_indexes: Vec<Problems> = Vec::with_capacity(relation.indexes.len());
        for index in &relation.indexes {
            let mut problems = Problems::default();
            self.verify_tree(TreeId(index.tree), &mut problems)?;
            of_indexes.push(problems);
        }
        let (rows, entries) = self.compare(&relation, &mut of_table, &mut of_indexes)?;
        // An index is made of the table's rows: of those that cannot be read it would lose the entries.
        let repair = repair && rows.is_some();
        let damaged: Vec<Oid> = relation
            .indexes
            .iter()
            .zip(&of_indexes)
            .filter(|(_, problems)| problems.count > 0)
            .map(|(index, _)| index.oid)
            .collect();
        let mut findings = of_table.findings(table, "table", rows);
        for ((index, problems), entries) in relation.indexes.iter().zip(of_indexes).zip(entries) {
            let name = format!("{}.{}", relation.schema, index.name);
            let mut found = problems.findings(name, "index", entries);
            found.iter_mut().for_each(|f| f.repaired = repair && damaged.contains(&index.oid));
            findings.extend(found);
        }
        if repair && !damaged.is_empty() {
            self.rebuild_indexes(oid, |index| damaged.contains(&index))?;
        }
        Ok(findings)
    }

    fn verify_tree(&mut self, tree: TreeId, problems: &mut Problems) -> Result<()> {
        let mut found = Vec::new();
        for _ in 0..WALKS {
            found = self.db.store.verify(Some(tree)).map_err(store_error)?;
            if found.is_empty() {
                return Ok(());
            }
        }
        for finding in found.into_iter().filter(|f| !f.healed) {
            problems.add(match finding.page {
                Some(page) if !finding.what.starts_with("page ") => format!("page {page}: {}", finding.what),
                _ => finding.what,
            });
        }
        Ok(())
    }

    /// Reads all rows; answers their number and those of the indexes' entries, `None` for what cannot be read to its end.
    #[allow(clippy::type_complexity, reason = "taken apart at once by the only caller")]
    fn compare(
        &mut self,
        relation: &Arc<Relation>,
        of_table: &mut Problems,
        of_indexes: &mut [Problems],
    ) -> Result<(Option<u64>, Vec<Option<u64>>)> {
        let target = self.with_bind_cx(|cx| write_target(relation, cx))?;
        let memory = self.statement_memory();
        self.with_cx(false, &[], &memory, |cx| {
            let writer = Writer::new(&target, cx)?;
            let mut check = Check { relation, writer, expected: vec![0; relation.indexes.len()] };
            let rows = check.rows(of_table, of_indexes, cx)?;
            let mut entries = Vec::with_capacity(relation.indexes.len());
            for (i, index) in relation.indexes.iter().enumerate() {
                let found = count_entries(index, cx, &mut of_indexes[i])?;
                if let (Some(_), Some(found)) = (rows, found)
                    && found != check.expected[i]
                {
                    of_indexes[i].add(format!("{found} entries instead of {}", check.expected[i]));
                }
                entries.push(found);
            }
            Ok((rows, entries))
        })
    }
}

/// A table being compared with its indexes.
struct Check<'a> {
    relation: &'a Relation,
    writer: Writer,
    /// Entries that each index should have.
    expected: Vec<u64>,
}

impl Check<'_> {
    fn rows(
        &mut self,
        of_table: &mut Problems,
        of_indexes: &mut [Problems],
        cx: &mut ExecCx<'_>,
    ) -> Result<Option<u64>> {
        let tree = TreeId(self.relation.tree);
        let mut cursor = cx.txn.cursor(tree, KeyRange::all(), Direction::Forward).map_err(store_error)?;
        let mut count = 0;
        let (mut ids, mut rows): (Vec<u64>, Vec<Vec<Datum>>) = (Vec::new(), Vec::new());
        loop {
            cx.check_interrupt()?;
            ids.clear();
            rows.clear();
            let writer = &self.writer;
            let batch = cursor.next_batch(cx.txn, BATCH_ROWS, &mut |key: &[u8], row: &[u8]| {
                match (row_id(key), writer.decode(row)) {
                    (Some(id), Ok(values)) => {
                        ids.push(id);
                        rows.push(values);
                    }
                    (id, decoded) => {
                        let why =
                            decoded.err().map_or_else(|| "malformed key".into(), |e| e.message().to_owned());
                        of_table.add(format!("row {}: {why}", id.unwrap_or(0)));
                    }
                }
                ControlFlow::Continue(())
            });
            let more = match batch {
                Ok(more) => more,
                Err(error) => {
                    of_table.add(damage(store_error(error))?);
                    return Ok(None);
                }
            };
            count += rows.len() as u64;
            self.batch(&ids, &rows, of_table, of_indexes, cx)?;
            if !more {
                return Ok(Some(count));
            }
        }
    }

    fn batch(
        &mut self,
        ids: &[u64],
        rows: &[Vec<Datum>],
        of_table: &mut Problems,
        of_indexes: &mut [Problems],
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.writer.complete(&mut rows.to_vec(), PolicyMoment::Insert, cx) {
            of_table.add(violation(error)?);
        }
        let entries = self.writer.entries(rows, |_| true, cx)?;
        for (i, of_index) in entries.iter().enumerate() {
            let tree = TreeId(self.relation.indexes[i].tree);
            for (id, entry) in ids.iter().zip(of_index) {
                let Some(entry) = entry else { continue };
                for key in entry.of_row(*id) {
                    self.expected[i] += 1;
                    match cx.txn.get(tree, &key, row_id) {
                        Ok(Some(Some(found))) if found == *id => {}
                        Ok(Some(found)) => {
                            let found = found.map_or_else(|| "nothing".to_owned(), |f| format!("row {f}"));
                            of_indexes[i].add(format!("the entry of row {id} leads to {found}"));
                        }
                        Ok(None) => of_indexes[i].add(format!("row {id} has no entry")),
                        Err(error) => of_indexes[i].add(damage(store_error(error))?),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Number of entries that the snapshot sees; reports those whose value is no row id.
fn count_entries(index: &Index, cx: &mut ExecCx<'_>, problems: &mut Problems) -> Result<Option<u64>> {
    let tree = TreeId(index.tree);
    let mut cursor = cx.txn.cursor(tree, KeyRange::all(), Direction::Forward).map_err(store_error)?;
    let mut count = 0;
    loop {
        cx.check_interrupt()?;
        let batch = cursor.next_batch(cx.txn, usize::MAX, &mut |_: &[u8], value: &[u8]| {
            count += 1;
            if value != row_id(value).map(row_key).unwrap_or_default() {
                problems.add("an entry leads to no row id".to_owned());
            }
            ControlFlow::Continue(())
        });
        match batch {
            Ok(true) => {}
            Ok(false) => return Ok(Some(count)),
            Err(error) => {
                problems.add(damage(store_error(error))?);
                return Ok(None);
            }
        }
    }
}

/// The text of an error that is a finding; others (an interrupt) end the check.
fn damage(error: SqlError) -> Result<String> {
    match error.code().as_str() {
        "XX001" | "XX002" | "58030" => Ok(error.message().to_owned()),
        _ => Err(error),
    }
}

/// The text of a violated constraint; other errors end the check.
fn violation(error: SqlError) -> Result<String> {
    match error.code().as_str().starts_with("23") {
        true => Ok(error.message().to_owned()),
        false => Err(error),
    }
}
