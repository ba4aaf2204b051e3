//! The store: everything below SQL, in one handle.
//!
//! ```text
//! Store ── Txn ── Cursor            transactions over trees of byte keys        txn/
//!   └── trees                       B+ trees, their directory                   btree/
//!         └── buffer pool           frames, latches                             buffer/ page/
//!               └── page store      extents that heal            env/ ecc/ store/
//!   └── log                         what happened, in order                     wal/ recovery/
//! ```
//!
//! Background work is made of steps ([`Store::write_step`], [`Store::checkpoint_step`], [`Store::clean_step`], ...) that
//! [`Store::start_background`] runs in threads and a simulation calls in an order of its own.

use crate::btree::{DIRECTORY, FIRST_TREE, GARBAGE, TreeStats, Trees};
use crate::buffer::{BufferPool, BufferStats};
use crate::core::Core;
use crate::env::{Env, JoinHandle, Parker};
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, TreeId};
use crate::page::{LargeRef, NodeMut, PageBuf, SlotFlags, chunk_next, set_page_lsn};
use crate::recovery::{Positions, Recovered, recover};
use crate::store::{CheckpointMeta, Finding, PAGE_BYTES, PageStore, ScrubProgress, StoreOptions, StoreStats};
use crate::txn::lock::{LockInfo, LockTable, SessionLocks};
use crate::txn::types::TxnOptions;
use crate::txn::{Transactions, Txn, UndoSpace};
use crate::wal::{DurableCallback, Next, Wal, WalOptions};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How a store is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for pages: the exact bound of the buffer pool.
    pub buffer_bytes: usize,
    /// Whether to ask for huge pages for it: worth while when the pool is large and is going to be used.
    pub huge_pages: bool,
    /// Memory for older versions before they spill to a temporary file.
    pub undo_bytes: usize,
    /// Log set-up.
    pub wal: WalOptions,
    /// Page store set-up.
    pub pages: StoreOptions,
    /// Log bytes that recovery may have to read (besides those of transactions that run for long).
    pub checkpoint_log_bytes: u64,
    /// How long a lock is waited for before deadlocks are looked for.
    pub deadlock_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            buffer_bytes: 40 << 20,
            huge_pages: false,
            undo_bytes: 8 << 20,
            wal: WalOptions::default(),
            pages: StoreOptions::default(),
            checkpoint_log_bytes: 64 << 20,
            deadlock_timeout: Duration::from_secs(1),
        }
    }
}

/// Counters of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The buffer pool.
    pub buffer: BufferStats,
    /// The page store.
    pub pages: StoreStats,
    /// End of the log.
    pub end_lsn: Lsn,
    /// Durable end of the log.
    pub durable_lsn: Lsn,
    /// Running transactions that have an id.
    pub running: u64,
    /// Ended transactions whose older versions are kept.
    pub kept: u64,
    /// Transactions below this id are seen by everybody.
    pub horizon: u64,
    /// The next transaction id.
    pub next_xid: u64,
    /// Bytes of older versions in memory.
    pub undo_bytes: u64,
    /// Bytes of older versions in the temporary file.
    pub undo_spilled_bytes: u64,
}

/// What a tree takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeSpace {
    /// Pages, those that are only in memory so far included.
    pub pages: u64,
    /// Bytes of these pages.
    pub bytes: u64,
    /// Bytes of the pages that are in the data file.
    pub written_bytes: u64,
    /// Bytes that these take there, compressed.
    pub stored_bytes: u64,
    /// Bytes of their parity.
    pub parity_bytes: u64,
}

/// A transactional store of B+ trees. Cheap to clone: clones are the same store.
#[derive(Clone)]
pub struct Store {
    core: Arc<Core>,
    background: Arc<Background>,
    recovered: Recovered,
}

#[derive(Default)]
struct Background {
    stopping: AtomicBool,
    threads: Mutex<Vec<(Arc<Parker>, JoinHandle)>>,
}

impl Store {
    /// Makes a new store in the directory `dir`, which is made when absent and must not hold one.
    pub fn create(env: Arc<dyn Env>, dir: &Path, options: &Options) -> Result<Store> {
        env.create_dir(dir).map_err(|e| StoreError::io(format!("create directory {}", dir.display()), e))?;
        let lock = lock(&*env, dir)?;
        let first = Lsn::FIRST;
        let mut meta =
            CheckpointMeta { redo_lsn: first, durable_lsn: first, next_xid: 1, ..CheckpointMeta::default() };
        clear_unfinished(&env, dir, options)?;
        drop(Wal::create(Arc::clone(&env), dir, options.wal.clone(), first)?);
        let pages = PageStore::create(Arc::clone(&env), dir, options.pages.clone(), &meta)?;
        let (directory, garbage) = (pages.allocate(), pages.allocate());
        let mut page: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
        NodeMut::init(&mut page, garbage, GARBAGE.0, 0, &[], None);
        pages.write(garbage, &page)?;
        let mut node = NodeMut::init(&mut page, directory, DIRECTORY.0, 0, &[], None);
        node.insert(0, &GARBAGE.0.to_be_bytes(), &garbage.0.to_le_bytes(), SlotFlags::default(), None);
        set_page_lsn(&mut page, Lsn::NONE);
        pages.write(directory, &page)?;
        // The root makes the store one that can be opened; so it comes last.
        meta.root = directory;
        meta.opaque = Positions { redo: first, next_tree: FIRST_TREE.0 }.encode();
        pages.checkpoint(meta)?;
        drop(pages);
        drop(lock);
        Store::open(env, dir, options.clone())
    }

    /// Opens the store in `dir`, recovering it when it was not shut down in order.
    pub fn open(env: Arc<dyn Env>, dir: &Path, options: Options) -> Result<Store> {
        let lock = lock(&*env, dir)?;
        let (pages, meta) = PageStore::open(Arc::clone(&env), dir, options.pages.clone())?;
        let positions = Positions::decode(&meta.opaque).filter(|_| !meta.root.is_none());
        let Some(positions) = positions else {
            return Err(StoreError::Corrupt { page: None, what: "the store was not made completely".into() });
        };
        let wal = Wal::open(Arc::clone(&env), dir, options.wal.clone(), meta.redo_lsn, meta.durable_lsn)?;
        let pool = BufferPool::new(Arc::new(pages), options.buffer_bytes, options.huge_pages)?;
        let trees = Trees::new(pool, Arc::new(wal), meta.root, positions.next_tree);
        tracing::info!("recovery reads the log from {}", meta.redo_lsn);
        let recovered = recover(&trees, meta.redo_lsn, positions.redo)?;
        tracing::info!(
            "recovery read {} records, undid {} transactions",
            recovered.records,
            recovered.losers
        );
        let next_xid = recovered.next_xid.max(meta.next_xid).max(1);
        let tmp = dir.join("tmp");
        env.create_dir(&tmp).map_err(|e| StoreError::io("create the directory for temporary files", e))?;
        let undo_file = tmp.join("undo");
        // What an earlier run left there is of no use.
        let _ = env.remove(&undo_file);
        let core = Core {
            undo_space: Arc::new(UndoSpace::new(Arc::clone(&env), undo_file, options.undo_bytes)),
            env,
            options,
            trees,
            directory_root: meta.root,
            transactions: Arc::new(Transactions::new(next_xid)),
            locks: Arc::new(LockTable::default()),
            validation: Default::default(),
            clean: Default::default(),
            checkpointing: Mutex::default(),
            last_checkpoint: AtomicU64::new(meta.redo_lsn.0),
            stopped: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            ends: AtomicU64::new(0),
            _lock: lock,
        };
        core.queue_leftovers()?;
        Ok(Store { core: Arc::new(core), background: Arc::default(), recovered })
    }

    /// What recovery did when the store was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// The world the store lives in.
    pub fn env(&self) -> &Arc<dyn Env> {
        &self.core.env
    }

    /// Why nothing can be written any more, when that is so: only recovery, by opening the store anew, helps.
    pub fn stopped(&self) -> Option<StoreError> {
        self.core.usable().err()
    }

    /// Begins a transaction.
    pub fn begin(&self, options: TxnOptions) -> Txn {
        Txn::begin(Arc::clone(&self.core), options)
    }

    /// Locks for a session: see [`TxnOptions::session`].
    pub fn session_locks(&self, process: u64) -> Arc<SessionLocks> {
        let core = &self.core;
        SessionLocks::new(Arc::clone(&core.env), Arc::clone(&core.locks), core.deadlock_timeout(), process)
    }

    /// Hands out `n` consecutive row ids of a tree; returns the first. They ascend, and after a restart continue above the
    /// greatest key present. Not transactional.
    pub fn next_row_id(&self, tree: TreeId, n: u64) -> Result<u64> {
        self.core.next_row_id(tree, n)
    }

    /// Figures of a tree.
    pub fn tree_stats(&self, tree: TreeId) -> Result<TreeStats> {
        let trees = &self.core.trees;
        trees.stats_of(&*trees.tree(tree)?)
    }

    /// Figures of a tree as they were not long ago: for estimates. See [`crate::btree::Trees::recent_stats_of`].
    pub fn recent_tree_stats(&self, tree: TreeId) -> Result<TreeStats> {
        let trees = &self.core.trees;
        trees.recent_stats_of(&*trees.tree(tree)?)
    }

    /// Writes all dirty pages and takes a checkpoint.
    pub fn checkpoint(&self) -> Result<()> {
        self.core.full_checkpoint(false)
    }

    /// Checks one tree, or everything: page store, every tree, large values awaiting their end. Best on a quiet store.
    pub fn verify(&self, tree: Option<TreeId>) -> Result<Vec<Finding>> {
        let trees = &self.core.trees;
        let mut pages = Vec::new();
        if let Some(tree) = tree {
            return Ok(trees.verify_tree(&*trees.tree(tree)?, &mut pages));
        }
        let mut findings = trees.store.verify()?;
        for id in self.tree_ids()? {
            findings.extend(trees.verify_tree(&*trees.tree(id)?, &mut pages));
        }
        pages.sort_unstable();
        for twice in pages.windows(2).filter(|pair| pair[0] == pair[1]) {
            findings.push(Finding {
                page: Some(twice[0]),
                what: "belongs to two places".into(),
                healed: false,
            });
        }
        Ok(findings)
    }

    /// Fails when the store has stopped, or will not take writes any more.
    pub fn usable(&self) -> Result<()> {
        self.core.usable()
    }

    /// Reads and heals every page of the page store, and reports what was wrong. Trees are not walked.
    pub fn scrub(&self) -> Result<Vec<Finding>> {
        self.core.trees.store.verify()
    }

    /// What a tree takes in the data file, large values included.
    pub fn tree_space(&self, tree: TreeId) -> Result<TreeSpace> {
        let trees = &self.core.trees;
        let mut pages = Vec::new();
        trees.verify_tree(&*trees.tree(tree)?, &mut pages);
        let mut space = TreeSpace { pages: pages.len() as u64, ..TreeSpace::default() };
        space.bytes = space.pages * PAGE_BYTES as u64;
        for (data, parity) in pages.iter().filter_map(|page| trees.store.extent_bytes(*page)) {
            space.written_bytes += PAGE_BYTES as u64;
            space.stored_bytes += data;
            space.parity_bytes += parity;
        }
        Ok(space)
    }

    /// Pages in the page store that nothing refers to; meaningful after [`Store::checkpoint`] of a quiet, cleaned store.
    pub fn unreachable_pages(&self) -> Result<i64> {
        let trees = &self.core.trees;
        let mut pages = Vec::new();
        for id in self.tree_ids()? {
            trees.verify_tree(&*trees.tree(id)?, &mut pages);
        }
        let mut reachable = pages.len() as i64;
        let txn = self.begin(TxnOptions::default());
        let mut cursor = txn.cursor(GARBAGE, crate::KeyRange::all(), crate::Direction::Forward)?;
        let mut chains = Vec::new();
        while cursor.next_batch(&txn, usize::MAX, &mut |_, value| {
            chains.extend(LargeRef::decode(value));
            std::ops::ControlFlow::Continue(())
        })? {}
        for chain in chains {
            let mut at = chain.first;
            while !at.is_none() {
                reachable += 1;
                at = chunk_next(trees.pool.read(at, crate::buffer::Access::Scan)?.bytes());
            }
        }
        Ok(trees.store.stats().pages as i64 - reachable)
    }

    /// Every tree of the directory that is not dropped.
    fn tree_ids(&self) -> Result<Vec<TreeId>> {
        let trees = &self.core.trees;
        let directory = trees.tree(DIRECTORY)?;
        let mut ids = vec![DIRECTORY];
        let mut key = Vec::new();
        loop {
            let leaf = trees.leaf_read(&directory, &key, crate::buffer::Access::Normal)?;
            let node = leaf.node();
            for slot in 0..node.count() {
                if !node.flags(slot).has(SlotFlags::DELETED)
                    && let Ok(raw) = node.key(slot).try_into()
                {
                    ids.push(TreeId(u32::from_be_bytes(raw)));
                }
            }
            match node.upper_fence() {
                Some(fence) => key = fence.to_vec(),
                None => return Ok(ids),
            }
        }
    }

    /// The counters.
    pub fn metrics(&self) -> Metrics {
        let core = &self.core;
        Metrics {
            buffer: core.trees.pool.stats(),
            pages: core.trees.store.stats(),
            end_lsn: core.trees.wal.end_lsn(),
            durable_lsn: core.trees.wal.durable_lsn(),
            running: core.transactions.running().len() as u64,
            kept: core.transactions.ended_count() as u64,
            horizon: core.transactions.horizon(),
            next_xid: core.transactions.next_xid(),
            undo_bytes: core.undo_space.memory_bytes(),
            undo_spilled_bytes: core.undo_space.spilled_bytes(),
        }
    }

    /// Everything locked or waited for.
    pub fn locks(&self) -> Vec<LockInfo> {
        self.core.locks.snapshot()
    }

    /// Waits until the log is durable up to `lsn`: a commit may then be acknowledged.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        let wal = &self.core.trees.wal;
        if wal.durable_lsn() >= lsn {
            return Ok(());
        }
        wal.flush(lsn)
    }

    /// Calls `wake` once the log is durable up to `lsn`.
    pub fn on_durable(&self, lsn: Lsn, wake: DurableCallback) {
        self.core.trees.wal.on_durable(lsn, wake);
    }

    /// Everything committed before this position is durable.
    pub fn durable_lsn(&self) -> Lsn {
        self.core.trees.wal.durable_lsn()
    }

    /// How many transactions have begun to write since the oldest one that some snapshot might not see.
    pub fn oldest_snapshot_age(&self) -> u64 {
        let horizon = self.core.transactions.advance_horizon();
        self.core.transactions.next_xid().saturating_sub(horizon)
    }

    /// Page writer: writes some dirty pages.
    pub fn write_step(&self) -> Result<Next> {
        self.core.write_step()
    }

    /// Checkpointer: takes a checkpoint when one is due.
    pub fn checkpoint_step(&self) -> Result<Next> {
        self.core.checkpoint_step()
    }

    /// Cleaner: removes some of what nobody needs.
    pub fn clean_step(&self) -> Result<Next> {
        self.core.clean_step()
    }

    /// Log flusher: writes and syncs what is pending.
    pub fn flush_step(&self) -> Result<Next> {
        self.core.trees.wal.flush_step()
    }

    /// Log preparer: makes the next segment ahead of need.
    pub fn prepare_step(&self) -> Result<Next> {
        self.core.trees.wal.prepare_step()
    }

    /// Scrubber: reads and heals about `sectors` sectors.
    pub fn scrub_step(&self, sectors: u64) -> Result<ScrubProgress> {
        self.core.trees.store.scrub_step(sectors)
    }

    /// Starts the threads that do the background work, until [`Store::shutdown`].
    pub fn start_background(&self) {
        let core = &self.core;
        let wal = Arc::clone(&core.trees.wal);
        let flusher = core.env.spawn("log flusher", Box::new(move || wal.run_flusher()));
        self.background.threads.lock().push((Arc::new(Parker::new()), flusher));
        self.spawn_loop("log preparer", Duration::from_millis(100), |core| core.trees.wal.prepare_step());
        self.spawn_loop("page writer", Duration::from_millis(50), |core| core.write_step());
        self.spawn_loop("checkpointer", Duration::from_millis(200), |core| core.checkpoint_step());
        self.spawn_loop("cleaner", Duration::from_millis(50), |core| core.clean_step());
        // 256 sectors a second are 1 MiB: a round over 100 GB takes a day.
        self.spawn_loop("scrubber", Duration::from_secs(1), |core| {
            core.trees.store.scrub_step(256).map(|_| Next::Idle)
        });
    }

    fn spawn_loop(&self, name: &'static str, pause: Duration, step: fn(&Core) -> Result<Next>) {
        let parker = Arc::new(Parker::new());
        let (core, background) = (Arc::clone(&self.core), Arc::downgrade(&self.background));
        let waiting = Arc::clone(&parker);
        let body = move || {
            let mut failing = false;
            loop {
                match background.upgrade() {
                    Some(background) if !background.stopping.load(Ordering::SeqCst) => {}
                    _ => return,
                }
                let next = step(&core);
                match &next {
                    Ok(_) => failing = false,
                    Err(e) if !failing => {
                        failing = true;
                        tracing::error!("{name}: {e}");
                    }
                    Err(_) => {}
                }
                if !matches!(next, Ok(Next::Again)) {
                    core.env.park(&waiting, Some(pause));
                }
            }
        };
        let handle = self.core.env.spawn(name, Box::new(body));
        self.background.threads.lock().push((parker, handle));
    }

    /// Ends the background work, makes everything durable and marks the store as shut down in order. The store cannot be
    /// used afterwards. Running transactions are lost like in a crash; the caller has ended them.
    pub fn shutdown(&self) -> Result<()> {
        self.background.stopping.store(true, Ordering::SeqCst);
        self.core.trees.wal.close();
        for (parker, handle) in self.background.threads.lock().drain(..) {
            parker.unpark();
            handle.join();
        }
        self.core.usable()?;
        let clean = self.core.transactions.running().is_empty();
        let outcome = self.core.full_checkpoint(clean);
        self.core.stop(StoreError::Closed);
        outcome
    }
}

/// Removes the page store of a creation that did not get to its end.
fn clear_unfinished(env: &Arc<dyn Env>, dir: &Path, options: &Options) -> Result<()> {
    let unfinished = match PageStore::open(Arc::clone(env), dir, options.pages.clone()) {
        Ok((_, meta)) => meta.root.is_none(),
        Err(_) => false,
    };
    if unfinished {
        let data = dir.join("data");
        let io = |e| StoreError::io("remove what an unfinished creation left", e);
        env.remove(&data.join("pages")).map_err(io)?;
        env.sync_dir(&data).map_err(io)?;
    }
    Ok(())
}

fn lock(env: &dyn Env, dir: &Path) -> Result<crate::env::FileLock> {
    env.lock_exclusive(&dir.join("lock")).map_err(|e| {
        StoreError::io(format!("lock the data directory {} (is another server running?)", dir.display()), e)
    })
}
