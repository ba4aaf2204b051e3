//! Rows kept for reading again: in memory as long as the reservation allows, then in a spill file.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::DataType;

use super::ExecCx;
use super::batch::{Batch, Builder};
use super::memory::{Memory, Reservation};
use super::spill::{SpillFile, SpillSpace};

/// Batches in the order they came.
pub struct RowStore {
    types: Vec<DataType>,
    batches: Vec<Batch>,
    bytes: usize,
    reservation: Reservation,
    space: Arc<SpillSpace>,
    /// The file, and where in it each batch after `batches` is.
    spilled: Option<(SpillFile, Vec<u64>)>,
}

impl RowStore {
    /// Makes an empty store for rows of these types.
    pub fn new(types: &[DataType], cx: &ExecCx<'_>) -> RowStore {
        RowStore::of(types, &cx.memory, &cx.spill)
    }

    /// Makes an empty store that takes its memory and its files from these.
    pub fn of(types: &[DataType], memory: &Arc<Memory>, space: &Arc<SpillSpace>) -> RowStore {
        RowStore {
            types: types.to_vec(),
            batches: Vec::new(),
            bytes: 0,
            reservation: memory.reservation(),
            space: Arc::clone(space),
            spilled: None,
        }
    }

    /// Appends the counting rows of a batch.
    pub fn push(&mut self, batch: &Batch) -> Result<()> {
        if let Some((file, offsets)) = &mut self.spilled {
            offsets.push(file.write(batch)?);
            return Ok(());
        }
        let mut copy = Builder::new(&self.types);
        copy.append(batch);
        let copy = copy.finish();
        let bytes = self.bytes + copy.bytes();
        if self.reservation.try_resize(bytes) {
            self.bytes = bytes;
            self.batches.push(copy);
            return Ok(());
        }
        let mut file = self.space.create()?;
        let first = file.write(&copy)?;
        self.spilled = Some((file, vec![first]));
        Ok(())
    }

    /// Number of batches.
    pub fn len(&self) -> usize {
        self.batches.len() + self.spilled.as_ref().map_or(0, |(_, offsets)| offsets.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns batch number `i`.
    pub fn get(&self, i: usize) -> Result<Option<Batch>> {
        if let Some(batch) = self.batches.get(i) {
            return Ok(Some(batch.clone()));
        }
        match &self.spilled {
            Some((file, offsets)) => match offsets.get(i - self.batches.len()) {
                Some(&offset) => Ok(Some(file.read(offset)?.0)),
                None => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
        self.spilled = None;
        let _shrinking_is_allowed = self.reservation.try_resize(0);
    }
}
