//! LockRows: SELECT ... FOR UPDATE and kin.
//!
//! Rows are locked as they pass. A row that has a newer version than the snapshot's (READ COMMITTED) goes on with that version's
//! columns if it still satisfies the conditions; a row that is gone, or locked under SKIP LOCKED, does not go on
//! (PostgreSQL manual 13.2.1, 13.3.2).

use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::{LockTarget, LockWait, RowLock};
use nq_qsql::sql_err;
use nq_qsql::types::DataType;
use nq_storage::{Change, Current, LockStrength, Modified, StoreError, TreeId, WaitPolicy};

use super::batch::Builder;
use super::eval::Conditions;
use super::modify::{replace, row_id};
use super::{Batch, ExecCx, Operator};
use crate::error::store_error;
use crate::table::key::row_key;
use crate::table::row::RowLayout;

/// Locks the rows of its input.
pub struct LockRows {
    input: Box<dyn Operator>,
    types: Vec<DataType>,
    targets: Vec<Target>,
    recheck: Conditions,
}

struct Target {
    spec: LockTarget,
    layout: RowLayout,
    strength: LockStrength,
    wait: WaitPolicy,
}

/// What locking one row came to.
enum Locked {
    Yes,
    /// Its newest version.
    Newer(Vec<u8>),
    /// It does not go on.
    No,
}

impl LockRows {
    /// Locks the rows of `targets` in rows of `input`, whose slots have `types`.
    pub fn new(
        input: Box<dyn Operator>,
        types: &[DataType],
        targets: &[LockTarget],
        recheck: &[Expr],
        cx: &ExecCx<'_>,
    ) -> Result<LockRows> {
        Ok(LockRows {
            input,
            types: types.to_vec(),
            targets: targets.iter().map(Target::new).collect(),
            recheck: Conditions::new(recheck, cx)?,
        })
    }

    /// Locks what row `r` of the batch came from; returns the row if it goes on and has changed.
    fn lock_row(&self, batch: &Batch, r: usize, cx: &mut ExecCx<'_>) -> Result<(bool, Option<Batch>)> {
        let mut changed = None;
        for target in &self.targets {
            let Some(id) = row_id(batch, target.spec.row_id as usize, r)? else { continue };
            match target.lock(id, cx)? {
                Locked::Yes => {}
                Locked::No => return Ok((false, None)),
                Locked::Newer(bytes) => {
                    let newer = target.layout.read(&bytes)?.datums()?;
                    let row = changed.get_or_insert_with(|| batch.row(r, &self.types));
                    replace(row, &target.spec.columns, &newer);
                }
            }
        }
        let Some(row) = changed else { return Ok((true, None)) };
        let one = self.recheck.apply(Batch::from_rows(&[row], &self.types), cx)?;
        Ok(if one.count() > 0 { (true, Some(one)) } else { (false, None) })
    }
}

impl Target {
    fn new(spec: &LockTarget) -> Target {
        Target {
            layout: RowLayout::new(&spec.relation.columns),
            strength: match spec.strength {
                RowLock::KeyShare => LockStrength::KeyShare,
                RowLock::Share => LockStrength::Share,
                RowLock::NoKeyUpdate => LockStrength::NoKeyUpdate,
                RowLock::Update => LockStrength::Update,
            },
            wait: match spec.wait {
                LockWait::Wait => WaitPolicy::Wait,
                LockWait::NoWait => WaitPolicy::NoWait,
                LockWait::SkipLocked => WaitPolicy::Skip,
            },
            spec: spec.clone(),
        }
    }

    fn lock(&self, id: u64, cx: &mut ExecCx<'_>) -> Result<Locked> {
        let mut newer = None;
        let mut keep = |current: Current<'_>| {
            newer = match current {
                Current::Newer(value) => Some(value.to_vec()),
                Current::Same(_) => None,
            };
            Change::Keep
        };
        let tree = TreeId(self.spec.relation.tree);
        let outcome = match cx.txn.modify(tree, &row_key(id), self.strength, self.wait, &mut keep) {
            Ok(outcome) => outcome,
            Err(StoreError::LockNotAvailable) => {
                return Err(sql_err!(
                    LOCK_NOT_AVAILABLE,
                    "could not obtain lock on row in relation \"{}\"",
                    self.spec.relation.name
                ));
            }
            Err(error) => return Err(store_error(error)),
        };
        Ok(match (outcome, newer) {
            (Modified::Locked, None) => Locked::Yes,
            (Modified::Locked, Some(bytes)) => Locked::Newer(bytes),
            _ => Locked::No,
        })
    }
}

impl Operator for LockRows {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(cx)? {
            cx.check_interrupt()?;
            let mut kept: Vec<u16> = Vec::with_capacity(batch.count());
            // Rows with newer versions, by their place among those kept.
            let mut newer: Vec<(usize, Batch)> = Vec::new();
            for r in batch.rows().iter() {
                let (goes_on, changed) = self.lock_row(&batch, r, cx)?;
                if goes_on {
                    newer.extend(changed.map(|one| (kept.len(), one)));
                    kept.push(r as u16);
                }
            }
            if kept.is_empty() {
                continue;
            }
            if newer.is_empty() {
                return Ok(Some(Batch { selection: Some(kept), ..batch }));
            }
            let mut out = Builder::new(&self.types);
            let mut from = 0;
            for (at, one) in &newer {
                out.append_rows(&batch, &kept[from..*at]);
                out.append(one);
                from = at + 1;
            }
            out.append_rows(&batch, &kept[from..]);
            return Ok(Some(out.finish()));
        }
        Ok(None)
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        Err(SqlError::unsupported("row locks in a part of a statement that runs repeatedly"))
    }
}
