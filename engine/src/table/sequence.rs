//! Sequences: numbers that are given out once, whatever becomes of the transaction that asked.
//!
//! A sequence's state is one record in a tree of its own, written by transactions of its own. The record runs ahead: it says
//! "values up to `last` may have been given out", and is advanced by [`BATCH`] values at a time before the first of them is used.
//! Log order makes this safe without waiting: whoever commits with a value of the batch commits behind the batch's record. After a
//! crash up to [`BATCH`] values are skipped, as in PostgreSQL (`SEQ_LOG_VALS`).

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::error::Result;
use nq_qsql::{bail, sql_err};
use nq_storage::{Store, TreeId, TxnOptions};
use parking_lot::Mutex;

use crate::catalog::object::SequenceOptions;
use crate::error::store_error;

/// Values that one logged record covers.
pub(crate) const BATCH: i64 = 32;

/// A sequence's present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The value given out last, or the next one if `called` is false.
    pub(crate) last: i64,
    /// Whether `last` has been given out.
    pub(crate) called: bool,
    /// Values behind `last` that the record covers.
    pub(crate) logged: i64,
}

/// All sequences of the cluster, by their state's number (`Relation::tree`).
pub(crate) struct Sequences {
    store: Store,
    tree: TreeId,
    open: Mutex<HashMap<u32, Arc<Mutex<Option<State>>>>>,
}

impl Sequences {
    /// Opens the tree.
    pub(crate) fn new(store: Store, tree: TreeId) -> Sequences {
        Sequences { store, tree, open: Mutex::default() }
    }

    fn slot(&self, id: u32) -> Arc<Mutex<Option<State>>> {
        self.open.lock().entry(id).or_default().clone()
    }

    /// Makes the state of a new sequence.
    pub(crate) fn create(&self, id: u32, start: i64) -> Result<()> {
        let state = State { last: start, called: false, logged: 0 };
        self.write(id, state.last, state.called)?;
        *self.slot(id).lock() = Some(state);
        Ok(())
    }

    /// Forgets a sequence that is gone.
    pub(crate) fn remove(&self, id: u32) -> Result<()> {
        self.open.lock().remove(&id);
        let mut txn = self.store.begin(TxnOptions::default());
        txn.delete(self.tree, &key(id)).map_err(store_error)?;
        txn.commit().map_err(store_error)?;
        Ok(())
    }

    /// The state, for `SELECT * FROM sequence` and `pg_sequences`.
    pub(crate) fn state(&self, id: u32) -> Result<State> {
        let slot = self.slot(id);
        let mut state = slot.lock();
        self.load(id, &mut state)
    }

    /// Gives out the next value.
    ///
    /// # Errors
    /// 2200H `nextval: reached maximum value of sequence "s" (9)`.
    pub(crate) fn next(&self, id: u32, name: &str, o: &SequenceOptions) -> Result<i64> {
        let slot = self.slot(id);
        let mut slot = slot.lock();
        let state = self.load(id, &mut slot)?;
        let next = if state.called { step(state.last, name, o)? } else { state.last };
        let logged = match state.logged {
            0 => {
                // A batch ends at the bound, where the sequence wraps or fails.
                let ahead = o.increment.saturating_mul(BATCH - 1);
                let end = next.saturating_add(ahead).clamp(o.min, o.max);
                self.write(id, end, true)?;
                end.abs_diff(next) as i64 / o.increment.unsigned_abs() as i64
            }
            n => n - 1,
        };
        *slot = Some(State { last: next, called: true, logged });
        Ok(next)
    }

    /// `setval`
    ///
    /// # Errors
    /// 22003 for a value out of bounds.
    pub(crate) fn set(
        &self,
        id: u32,
        name: &str,
        o: &SequenceOptions,
        value: i64,
        called: bool,
    ) -> Result<()> {
        if value < o.min || value > o.max {
            bail!(
                NUMERIC_VALUE_OUT_OF_RANGE,
                "setval: value {value} is out of bounds for sequence \"{name}\" ({}..{})",
                o.min,
                o.max
            );
        }
        let slot = self.slot(id);
        let mut slot = slot.lock();
        self.write(id, value, called)?;
        *slot = Some(State { last: value, called, logged: 0 });
        Ok(())
    }

    fn load(&self, id: u32, slot: &mut Option<State>) -> Result<State> {
        if let Some(state) = slot {
            return Ok(*state);
        }
        let txn = self.store.begin(TxnOptions { read_only: true, ..TxnOptions::default() });
        let read = |bytes: &[u8]| -> Option<State> {
            let last = i64::from_le_bytes(*bytes.first_chunk()?);
            Some(State { last, called: *bytes.get(8)? != 0, logged: 0 })
        };
        let state = txn
            .get(self.tree, &key(id), read)
            .map_err(store_error)?
            .flatten()
            .ok_or_else(|| sql_err!(DATA_CORRUPTED, "the state of sequence {id} is missing"))?;
        *slot = Some(state);
        Ok(state)
    }

    fn write(&self, id: u32, last: i64, called: bool) -> Result<()> {
        let mut value = last.to_le_bytes().to_vec();
        value.push(called.into());
        let mut txn = self.store.begin(TxnOptions::default());
        txn.put(self.tree, &key(id), &value).map_err(store_error)?;
        txn.commit().map_err(store_error)?;
        Ok(())
    }
}

/// The value after `last`.
fn step(last: i64, name: &str, o: &SequenceOptions) -> Result<i64> {
    let next = last.checked_add(o.increment).filter(|n| (o.min..=o.max).contains(n));
    match (next, o.cycle, o.increment > 0) {
        (Some(next), _, _) => Ok(next),
        (None, true, true) => Ok(o.min),
        (None, true, false) => Ok(o.max),
        (None, false, true) => {
            Err(limit(format!("nextval: reached maximum value of sequence \"{name}\" ({})", o.max)))
        }
        (None, false, false) => {
            Err(limit(format!("nextval: reached minimum value of sequence \"{name}\" ({})", o.min)))
        }
    }
}

fn limit(message: String) -> nq_qsql::error::SqlError {
    nq_qsql::error::SqlError::new(nq_qsql::error::SqlState(*b"2200H"), message)
}

/// Tree keys are big-endian, for no better reason than that all are.
fn key(id: u32) -> [u8; 4] {
    [(id >> 24) as u8, (id >> 16) as u8, (id >> 8) as u8, id as u8]
}
