//! The log.

use crate::env::Env;
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use std::path::Path;
use std::sync::Arc;

/// How a log is set up.
#[derive(Clone, Debug)]
pub struct WalOptions {
    /// The size of a new segment file; existing ones keep theirs.
    pub segment_bytes: u64,
    /// Memory for records that are not yet written. A record is at most a quarter of it.
    pub buffer_bytes: usize,
    /// Log space that only [`Space::Reserved`] appends may use, beside what [`Wal::reserve`] adds.
    pub reserve_bytes: u64,
    /// At most this many unused segments are kept for reuse.
    pub spare_segments_max: usize,
}

impl Default for WalOptions {
    fn default() -> Self {
        WalOptions { segment_bytes: 16 << 20, buffer_bytes: 2 << 20, reserve_bytes: 256 << 10, spare_segments_max: 4 }
    }
}

/// Where an appended record lies: its first byte, and the byte behind it (flush up to there).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The record's position.
    pub start: Lsn,
    /// The position behind the record.
    pub end: Lsn,
}

/// Which log space a record may take when the disk is nearly full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Only what is not reserved; `also_reserve` bytes are added to the reserve in the same step (a rollback will need them).
    Normal {
        /// Payload bytes of the compensation record that may follow later.
        also_reserve: u64,
    },
    /// The reserve, of which `release` bytes are given back in the same step.
    Reserved {
        /// Payload bytes that were reserved for this record.
        release: u64,
    },
}

/// What a step function wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call again: there is more to do.
    Again,
    /// Nothing to do until something happens.
    Idle,
}

/// A function that is told once that the log is durable up to a position, or that it cannot become so.
pub type DurableCallback = Box<dyn FnOnce(Result<()>) + Send>;

/// The log of one data directory.
pub struct Wal {}

impl Wal {
    /// Makes a new, empty log in `dir` (its folder `wal/`); the first record will be at `first`.
    pub fn create(_env: Arc<dyn Env>, _dir: &Path, _options: WalOptions, _first: Lsn) -> Result<Wal> {
        Err(StoreError::Closed)
    }

    /// Opens the log and finds its end. Everything from `from` is still there, and up to `durable_floor` it was durable.
    pub fn open(_env: Arc<dyn Env>, _dir: &Path, _options: WalOptions, _from: Lsn, _durable_floor: Lsn) -> Result<Wal> {
        Err(StoreError::Closed)
    }

    /// Appends one record, the concatenation of `parts`, in memory. Waits only when the buffer is full.
    pub fn append(&self, parts: &[&[u8]]) -> Result<Appended> {
        self.append_with(parts, Space::Normal { also_reserve: 0 })
    }

    /// Appends one record and says which space it may take.
    pub fn append_with(&self, _parts: &[&[u8]], _space: Space) -> Result<Appended> {
        Err(StoreError::Closed)
    }

    /// Keeps room for `bytes` of payload that only [`Space::Reserved`] appends may take.
    pub fn reserve(&self, _bytes: u64) -> Result<()> {
        Err(StoreError::Closed)
    }

    /// Gives reserved room back.
    pub fn release(&self, _bytes: u64) {}

    /// Waits until the log is durable up to `upto`.
    pub fn flush(&self, _upto: Lsn) -> Result<()> {
        Err(StoreError::Closed)
    }

    /// Calls `wake` when the log is durable up to `upto`, at once when it is already. Needs the flusher thread, or somebody who calls [`Wal::flush_step`].
    pub fn on_durable(&self, _upto: Lsn, wake: DurableCallback) {
        wake(Err(StoreError::Closed));
    }

    /// Asks the flusher thread to flush.
    pub fn kick(&self) {}

    /// Writes and syncs what is pending: the body of the flusher thread.
    pub fn flush_step(&self) -> Result<Next> {
        Err(StoreError::Closed)
    }

    /// Prepares the next segment ahead of need; called by a background thread about every 100 ms.
    pub fn prepare_step(&self) -> Result<Next> {
        Err(StoreError::Closed)
    }

    /// The loop of the flusher thread; returns after [`Wal::close`].
    pub fn run_flusher(&self) {}

    /// Ends the flusher thread's loop. Does not flush.
    pub fn close(&self) {}

    /// Everything below is durable.
    pub fn durable_lsn(&self) -> Lsn {
        Lsn::NONE
    }

    /// The position of the next record.
    pub fn end_lsn(&self) -> Lsn {
        Lsn::NONE
    }

    /// Bytes of segment files between the segment that holds `from` and the end: what recovery from there would keep on disk.
    pub fn disk_bytes_since(&self, _from: Lsn) -> u64 {
        0
    }

    /// Tells that nothing before `keep_from` is needed any more.
    pub fn recycle(&self, _keep_from: Lsn) -> Result<()> {
        Err(StoreError::Closed)
    }

    /// Reads records from the one at `from` to the durable end.
    pub fn reader(&self, _from: Lsn) -> Result<WalReader> {
        Err(StoreError::Closed)
    }
}

/// One record as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's position.
    pub lsn: Lsn,
    /// The position behind it.
    pub next: Lsn,
    /// The bytes that were appended.
    pub payload: &'a [u8],
}

/// Iterates over records.
pub struct WalReader {}

impl WalReader {
    /// The next record; `None` at the clean end.
    #[allow(clippy::should_implement_trait, reason = "lends its buffer")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        Ok(None)
    }
}
