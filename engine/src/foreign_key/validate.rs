//! A foreign key over rows that are there already.

use std::sync::Arc;

use nq_qsql::bind::bind_foreign_key;
use nq_qsql::catalog::Relation;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::BoundForeignKey;
use nq_qsql::types::{DataType, Datum, Oid, oid};

use super::error;
use super::probe::{Key, Probe};
use crate::exec::ExecCx;
use crate::session::Session;
use crate::table::build::WideScan;

impl Session {
    /// Checks that each row of a table refers to one that is there. The caller's locks keep writers off both tables.
    ///
    /// # Errors
    /// 23503.
    pub(crate) fn validate_foreign_key(&mut self, table: Oid, constraint: Oid) -> Result<()> {
        let relation = self.object(table)?.relation.clone();
        let Some(constraint) = relation.constraints.iter().find(|c| c.oid == constraint) else {
            return Err(SqlError::internal("a foreign key is missing"));
        };
        let bound = self.with_bind_cx(|cx| bind_foreign_key(&relation, constraint, cx))?;
        let Some(bound) = bound else { return Ok(()) };
        self.txn().next_command();
        self.with_rows(|cx| check(&relation, &bound, cx))
    }
}

fn check(relation: &Arc<Relation>, bound: &BoundForeignKey, cx: &mut ExecCx<'_>) -> Result<()> {
    let types: Vec<DataType> = relation.columns.iter().map(|c| c.ty).collect();
    let probe = Probe::new(bound, &types, cx.params)?;
    let columns = &bound.key.columns;
    let mut scan = WideScan::new(relation, columns.clone(), cx)?;
    let mut snapshot = cx.txn.latest_snapshot();
    while let Some((batch, ids)) = scan.next(cx)? {
        cx.check_interrupt()?;
        let mut keys: Vec<(Vec<u8>, usize)> = Vec::with_capacity(batch.count());
        let values_of = |row: usize| -> Vec<Datum> {
            columns.iter().map(|&c| batch.columns[c].datum(row, types[c].oid)).collect()
        };
        let mut wrong: Option<(i64, usize, bool)> = None;
        let mut refuse = |row: usize, mixed: bool| {
            let Datum::Int8(id) = ids.datum(row, oid::INT8) else { return };
            if wrong.is_none_or(|(first, ..)| id < first) {
                wrong = Some((id, row, mixed));
            }
        };
        for row in batch.rows().iter() {
            match probe.key_of(&values_of(row), cx)? {
                Key::Absent => {}
                Key::Entry(entry) => keys.push((entry, row)),
                Key::Nowhere => refuse(row, false),
                Key::Mixed => refuse(row, true),
            }
        }
        keys.sort_unstable();
        let mut found = true;
        for at in 0..keys.len() {
            if at == 0 || keys[at].0 != keys[at - 1].0 {
                found = probe.find(&keys[at].0, false, &mut snapshot, cx)?;
            }
            if !found {
                refuse(keys[at].1, false);
            }
        }
        if let Some((_, row, mixed)) = wrong {
            return Err(error::unmet(relation, bound, &values_of(row), mixed, cx));
        }
    }
    Ok(())
}
