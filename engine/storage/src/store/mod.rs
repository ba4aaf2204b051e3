//! The page store: pages are never overwritten and always healable.

use crate::env::Env;
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId};
use std::path::Path;
use std::sync::Arc;

/// The size of a logical page.
pub const PAGE_BYTES: usize = 16384;

/// The largest [`CheckpointMeta::opaque`].
pub const OPAQUE_BYTES_MAX: usize = 512;

/// What a checkpoint remembers besides the page map.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CheckpointMeta {
    /// Where redo starts.
    pub redo_lsn: Lsn,
    /// The log is known to be durable up to here: damage below it is never the log's end.
    pub durable_lsn: Lsn,
    /// The next transaction id.
    pub next_xid: u64,
    /// The page from which everything else is found.
    pub root: PageId,
    /// Whether the store was shut down in order: no redo is needed.
    pub clean_shutdown: bool,
    /// Whatever else the caller wants to find again, at most [`OPAQUE_BYTES_MAX`] bytes.
    pub opaque: Vec<u8>,
}

/// How a page store is set up.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Parity sectors per extent: the number of damaged sectors of one page that heal. 1 to 3.
    pub parity_sectors: u8,
    /// The data file grows by at least this much at a time.
    pub grow_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions { parity_sectors: 1, grow_bytes: 4 << 20 }
    }
}

/// How far a scrub has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ScrubProgress {
    /// Pages examined by this step.
    pub pages: u64,
    /// Sectors read by this step.
    pub sectors: u64,
    /// Pages healed by this step.
    pub healed: u64,
    /// Pages found beyond healing by this step.
    pub lost: u64,
    /// The step reached the last page; the next one starts over.
    pub finished_round: bool,
}

/// Something wrong that [`PageStore::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The page concerned, when it is one.
    pub page: Option<PageId>,
    /// What is wrong.
    pub what: String,
    /// Whether it was mended on the way.
    pub healed: bool,
}

/// Counters of a page store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Pages that are mapped to an extent.
    pub pages: u64,
    /// Sectors of the data file.
    pub sectors: u64,
    /// Sectors in use, with those that wait for the next checkpoint to become free.
    pub sectors_used: u64,
    /// Pages read since open.
    pub reads: u64,
    /// Pages written since open.
    pub writes: u64,
    /// Sectors written since open.
    pub sectors_written: u64,
    /// Pages healed since open.
    pub healed: u64,
    /// Pages found beyond healing since open.
    pub lost: u64,
    /// Checkpoints completed since open.
    pub checkpoints: u64,
}

/// The page store of one data directory.
pub struct PageStore {}

impl PageStore {
    /// Makes a new store in the directory `dir` (its folder `data/`), with an empty map and a first checkpoint of `meta`.
    pub fn create(_env: Arc<dyn Env>, _dir: &Path, _options: StoreOptions, _meta: &CheckpointMeta) -> Result<PageStore> {
        Err(StoreError::Closed)
    }

    /// Opens the store as of its newest durable checkpoint.
    pub fn open(_env: Arc<dyn Env>, _dir: &Path, _options: StoreOptions) -> Result<(PageStore, CheckpointMeta)> {
        Err(StoreError::Closed)
    }

    /// Reads a page, healing it when needed. A page without contents (never written, or freed) is `Ok(false)` and leaves `out` alone.
    pub fn read(&self, _id: PageId, _out: &mut [u8; PAGE_BYTES]) -> Result<bool> {
        Err(StoreError::Closed)
    }

    /// Writes a page to a fresh extent. Durable with the next checkpoint. One writer per page at a time.
    pub fn write(&self, _id: PageId, _page: &[u8; PAGE_BYTES]) -> Result<()> {
        Err(StoreError::Closed)
    }

    /// Writes several pages, neighbours in one call to the device. After an error any of them may have been written.
    pub fn write_many(&self, _pages: &[(PageId, &[u8; PAGE_BYTES])]) -> Result<()> {
        Err(StoreError::Closed)
    }

    /// Hands out a page id that is not in use.
    pub fn allocate(&self) -> PageId {
        PageId::NONE
    }

    /// Gives a page back: it has no contents from now on; id and space are reused after the next checkpoint.
    pub fn free(&self, _id: PageId) {}

    /// Marks an id as in use: redo recreates a page.
    pub fn reserve_id(&self, _id: PageId) {}

    /// Makes the current contents of all pages durable together with `meta`.
    /// The caller has flushed the log up to the highest page LSN written; see [`PageStore::checkpoint_with`].
    pub fn checkpoint(&self, meta: CheckpointMeta) -> Result<()> {
        self.checkpoint_with(|| Ok(meta))
    }

    /// Fixes the map, then calls `meta` (which flushes the log: no page of a later LSN is in the fixed map), then makes it durable.
    pub fn checkpoint_with(&self, _meta: impl FnOnce() -> Result<CheckpointMeta>) -> Result<()> {
        Err(StoreError::Closed)
    }

    /// Reads and heals the next pages, about `budget_sectors` sectors.
    pub fn scrub_step(&self, _budget_sectors: u64) -> Result<ScrubProgress> {
        Err(StoreError::Closed)
    }

    /// Reads everything and reports what is wrong.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        Err(StoreError::Closed)
    }

    /// The counters.
    pub fn stats(&self) -> StoreStats {
        StoreStats::default()
    }
}
