//! Checkpoints, and the page writer that keeps them cheap.

use crate::core::Core;
use crate::error::Result;
use crate::ids::Lsn;
use crate::store::CheckpointMeta;
use crate::wal::Next;
use std::sync::atomic::Ordering;

/// Pages the page writer writes in one step.
const WRITES_PER_STEP: usize = 64;

/// What the upper half keeps in a checkpoint's opaque bytes: `[redo u64][next tree u32]`, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Every change logged before is in the page store.
    pub redo: Lsn,
    /// The next tree id.
    pub next_tree: u32,
}

impl Positions {
    /// The stored form.
    pub fn encode(self) -> Vec<u8> {
        let mut out = self.redo.0.to_le_bytes().to_vec();
        out.extend_from_slice(&self.next_tree.to_le_bytes());
        out
    }

    /// Reads the stored form.
    pub fn decode(raw: &[u8]) -> Option<Positions> {
        let redo = raw.get(..8)?.try_into().ok()?;
        let next_tree = raw.get(8..12)?.try_into().ok()?;
        Some(Positions { redo: Lsn(u64::from_le_bytes(redo)), next_tree: u32::from_le_bytes(next_tree) })
    }
}

impl Core {
    /// Takes a checkpoint of what is in the page store now. Writes no pages itself.
    pub(crate) fn checkpoint_now(&self, clean_shutdown: bool) -> Result<()> {
        let _one = self.checkpointing.lock();
        self.usable()?;
        let wal = &self.trees.wal;
        // Read before frames and transactions are looked at: what they do not show yet lies behind it.
        let end = wal.end_lsn();
        let redo = self.trees.pool.oldest_change().map_or(end, |oldest| oldest.min(end));
        let scan = self.transactions.first_lsn().map_or(redo, |first| first.min(redo));
        self.trees.store.checkpoint_with(|| {
            // The map is fixed: its pages and the transactions that ended before `scan` was found are in the log by now.
            wal.flush(wal.end_lsn())?;
            let positions = Positions { redo, next_tree: self.trees.peek_next_tree() };
            Ok(CheckpointMeta {
                redo_lsn: scan,
                durable_lsn: wal.durable_lsn(),
                next_xid: self.transactions.next_xid(),
                root: self.directory_root,
                clean_shutdown,
                opaque: positions.encode(),
            })
        })?;
        self.last_checkpoint.store(scan.0, Ordering::SeqCst);
        wal.recycle(scan)
    }

    /// Writes every dirty page, then takes a checkpoint: recovery starts at (about) the present. Room on disk that is not
    /// needed then goes back to the file system.
    pub(crate) fn full_checkpoint(&self, clean_shutdown: bool) -> Result<()> {
        self.trees.pool.set_horizon(self.transactions.advance_horizon());
        self.trees.pool.write_dirty(self.trees.wal.end_lsn(), usize::MAX)?;
        self.checkpoint_now(clean_shutdown)?;
        let given_back = self.trees.store.give_back_space().and_then(|()| self.trees.wal.give_back_spares());
        if let Err(error) = given_back {
            tracing::warn!("free room could not be given back to the file system: {error}");
        }
        Ok(())
    }

    /// Writes some dirty pages: those whose oldest change is far behind, and any when most frames are dirty.
    pub fn write_step(&self) -> Result<Next> {
        self.usable()?;
        self.trees.pool.warm();
        let end = self.trees.wal.end_lsn().0;
        let stats = self.trees.pool.stats();
        let crowded = stats.dirty * 2 > stats.frames;
        // The longer a page waits, the more changes one write of it saves; a checkpoint wants the rest of the log to be short.
        let lag = self.options.checkpoint_log_bytes / 4 * 3;
        let before = if crowded { end } else { end.saturating_sub(lag) };
        let written = self.trees.pool.write_dirty(Lsn(before), WRITES_PER_STEP)?;
        Ok(if written == WRITES_PER_STEP { Next::Again } else { Next::Idle })
    }

    /// Takes a checkpoint when the log since the last one has grown enough.
    pub fn checkpoint_step(&self) -> Result<Next> {
        let end = self.trees.wal.end_lsn().0;
        let since = end.saturating_sub(self.last_checkpoint.load(Ordering::SeqCst));
        if since < self.options.checkpoint_log_bytes {
            return Ok(Next::Idle);
        }
        self.checkpoint_now(false)?;
        Ok(Next::Idle)
    }
}
