//! Transactions: versions, visibility, locks, commit and rollback.
//!
//! ```text
//! leaf:   key -> [xid 9, undo 120] value C      newest version, in place
//!                        |
//! undo of 9:             +-> [xid 7, undo 48] value B
//!                                    |
//! undo of 7:                         +-> [frozen] value A
//! ```
//!
//! A reader follows the chain to the newest version its snapshot sees. Rules:
//! 1. A version written by a running transaction is a lock on the record: nobody else writes it until that one has ended.
//! 2. Rollback restores records before the transaction leaves the running set, so ended means committed to readers.
//! 3. Undo logs of a transaction are kept while any snapshot might not see it ([`Transactions`]' horizon).
//! 4. A commit is published and its locks are released when its record is *in* the log; that it is *durable* is waited for
//!    by whoever tells the outside (early lock release, DeWitt et al. 1984). Readers wait likewise: [`Txn::read_lsn`].
//! 5. Own writes are ordered by their position in the undo log; a position is a command id.
//!
//! Versions in memory after Neumann, Muehlbauer & Kemper 2015; row locks and conflict rules as in PostgreSQL's
//! documentation, chapter 13.

mod active;
mod clean;
pub mod lock;
mod many;
mod read;
mod rollback;
mod serializable;
pub(crate) mod types;
mod undo;
mod write;

pub use active::{Shared, Snapshot, SnapshotData, Transactions};
pub use clean::CleanQueue;
pub use read::Cursor;
pub(crate) use rollback::Reserve;
pub use rollback::Savepoint;
pub use serializable::Validation;
pub(crate) use undo::Prior;
pub use undo::{UndoLog, UndoSpace};

use crate::btree::{Encoded, Tree, Trees};
use crate::core::Core;
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId, TreeId};
use crate::recovery::record::Record;
use crate::txn::lock::{DeferredWait, LockClass, LockKey, LockMode, Owner, Waiter};
use crate::txn::types::{Committed, Interrupt, Isolation, OwnWrites, TxnOptions, WaitPolicy, Xid};
use parking_lot::Mutex;
use serializable::ReadSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

/// A transaction. One owner; dropping it unfinished rolls it back.
pub struct Txn {
    pub(crate) core: Arc<Core>,
    options: TxnOptions,
    snapshot: OnceLock<Arc<Snapshot>>,
    owner: OnceLock<Arc<Owner>>,
    shared: Option<Arc<Shared>>,
    /// Own versions from this undo position on are not seen.
    command: u64,
    /// Log space kept for this transaction's rollback.
    reserved: u64,
    held: Vec<(LockKey, u8)>,
    reads: Option<Mutex<ReadSet>>,
    dropped_trees: Vec<TreeId>,
    /// Large values superseded while a leaf was latched, to be entered in the garbage tree.
    garbage: Vec<[u8; 16]>,
    garbage_count: u64,
    /// Where inserts went last.
    recent: [Option<Recent>; RECENT],
    /// Waits for rows are handed to the caller.
    defers: bool,
    deferred: Option<DeferredWait>,
    finished: bool,
}

/// Trees of which a transaction remembers the leaf it inserted into last: a table and its indexes.
const RECENT: usize = 4;

/// The leaf that an insert went to.
#[derive(Clone, Copy)]
struct Recent {
    tree: TreeId,
    leaf: PageId,
    /// The insert before went there, too: it is worth trying first.
    again: bool,
}

/// What a statement's reads see; see [`Txn::sight`].
#[derive(Clone)]
pub struct Sight {
    snapshot: Arc<Snapshot>,
    command: u64,
}

/// What a read sees: a snapshot, and own writes up to a command.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) snapshot: &'v SnapshotData,
    pub(crate) own: Xid,
    pub(crate) command: u64,
}

impl View<'_> {
    /// Whether the view includes a version written by `xid` at undo position `undo`.
    pub(crate) fn sees(&self, xid: u64, undo: u64) -> bool {
        if xid == self.own { undo < self.command } else { self.snapshot.sees(xid) }
    }
}

impl Txn {
    pub(crate) fn begin(core: Arc<Core>, options: TxnOptions) -> Txn {
        let serializable = options.isolation == Isolation::Serializable && !options.read_only;
        if serializable {
            core.validation.enter();
        }
        Txn {
            core,
            reads: serializable.then(Mutex::default),
            command: match options.own_writes {
                OwnWrites::Immediately => u64::MAX,
                OwnWrites::ByCommand => 1,
            },
            options,
            snapshot: OnceLock::new(),
            owner: OnceLock::new(),
            shared: None,
            reserved: 0,
            held: Vec::new(),
            dropped_trees: Vec::new(),
            garbage: Vec::new(),
            garbage_count: 0,
            recent: [None; RECENT],
            defers: false,
            deferred: None,
            finished: false,
        }
    }

    fn trees(&self) -> &Trees {
        &self.core.trees
    }

    fn tree(&self, id: TreeId) -> Result<Arc<Tree>> {
        self.core.trees.tree(id)
    }

    /// The transaction id, when one was assigned.
    pub fn xid(&self) -> Option<Xid> {
        self.shared.as_ref().map(|shared| shared.xid)
    }

    /// How the transaction runs.
    pub fn options(&self) -> &TxnOptions {
        &self.options
    }

    /// The flag that cancels its waits.
    pub fn interrupt(&self) -> &Arc<Interrupt> {
        &self.options.interrupt
    }

    fn owner(&self) -> &Arc<Owner> {
        self.owner.get_or_init(|| Owner::new(self.options.process, self.options.session.as_ref()))
    }

    /// Assigns a transaction id, if there is none.
    pub fn assign_xid(&mut self) -> Xid {
        self.shared().xid
    }

    fn shared(&mut self) -> Arc<Shared> {
        if let Some(shared) = &self.shared {
            return Arc::clone(shared);
        }
        let owner = Arc::clone(self.owner());
        let shared = self.core.transactions.start(&owner, UndoLog::new(Arc::clone(&self.core.undo_space)));
        self.shared = Some(Arc::clone(&shared));
        shared
    }

    fn writable(&self) -> Result<()> {
        if self.options.read_only {
            return Err(StoreError::ReadOnly);
        }
        self.core.usable()
    }

    /// The snapshot in force, taken now if need be.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(self.snapshot_ref())
    }

    /// Fails now if the transaction, once it writes, could not commit any more for what it has read (SERIALIZABLE). For
    /// callers that are about to write: the commit checks it in any case.
    ///
    /// # Errors
    /// [`StoreError::SerializationFailure`].
    pub fn check_reads(&self) -> Result<()> {
        match (&self.reads, self.snapshot.get()) {
            (Some(reads), Some(snapshot)) => self.core.validation.check_reads(snapshot, &reads.lock()),
            _ => Ok(()),
        }
    }

    fn snapshot_ref(&self) -> &Arc<Snapshot> {
        self.snapshot.get_or_init(|| self.core.transactions.snapshot())
    }

    /// Uses a snapshot that another transaction exported. Only before the first read or write.
    pub fn set_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = OnceLock::from(snapshot);
    }

    /// What reads see now, for reads that are to go on seeing it later.
    pub fn sight(&self) -> Sight {
        Sight { snapshot: self.snapshot(), command: self.command }
    }

    /// Makes reads see what they saw when `sight` was taken, in this transaction; returns what they see now, to be put back.
    pub fn look_through(&mut self, sight: Sight) -> Sight {
        let snapshot = std::mem::replace(&mut self.snapshot, OnceLock::from(sight.snapshot));
        let command = std::mem::replace(&mut self.command, sight.command);
        let snapshot = snapshot.into_inner().unwrap_or_else(|| self.core.transactions.snapshot());
        Sight { snapshot, command }
    }

    /// Starts a statement: in READ COMMITTED the next read takes a new snapshot.
    pub fn new_statement(&mut self) {
        if self.options.isolation == Isolation::ReadCommitted
            && let Some(snapshot) = self.snapshot.get()
            && !self.core.transactions.is_current(snapshot)
        {
            self.snapshot.take();
        }
    }

    /// Starts a command: own writes so far become visible, those of the command do not. Does nothing more than that when
    /// own writes are visible at once.
    pub fn next_command(&mut self) {
        if self.options.own_writes == OwnWrites::ByCommand
            && let Some(shared) = &self.shared
        {
            self.command = shared.undo.read().position();
        }
    }

    /// While on, and own writes are seen by the command, [`Txn::modify`] does not wait for a row that another transaction has written: before the command has written
    /// anything it fails with [`StoreError::Deferred`], and [`Txn::take_deferred`] tells what to wait for. The command may then be
    /// started again. For callers to whom a waiting thread is dear; the wait has no place in the row's queue and is unknown to
    /// deadlock detection, so it must be bounded, and the last attempt made with this off.
    pub fn defer_waits(&mut self, on: bool) {
        self.defers = on;
    }

    /// What the last [`StoreError::Deferred`] was about.
    pub fn take_deferred(&mut self) -> Option<DeferredWait> {
        self.deferred.take()
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { snapshot: self.snapshot_ref(), own: self.xid().unwrap_or(0), command: self.command }
    }

    /// The log position that must be durable before what this transaction has read may be told to anybody.
    pub fn read_lsn(&self) -> Lsn {
        self.snapshot.get().map_or(Lsn::NONE, |snapshot| snapshot.last_commit)
    }

    /// Locks an object in one of PostgreSQL's modes until the transaction ends. `Ok(false)`: taken, and the policy is
    /// [`WaitPolicy::Skip`].
    pub fn lock_object(
        &mut self,
        class: LockClass,
        id: u64,
        mode: LockMode,
        wait: WaitPolicy,
    ) -> Result<bool> {
        let key = LockKey::Object(class, id);
        let covered = |held: &(LockKey, u8)| held.0 == key && held.1 == mode.bit();
        if self.held.iter().any(covered) {
            return Ok(true);
        }
        let owner = Arc::clone(self.owner());
        let granted = self.acquire(&owner, &key, mode, wait)?;
        if granted {
            self.held.push((key, mode.bit()));
        }
        Ok(granted)
    }

    fn waiter<'w>(
        &'w self,
        interrupt: &'w Interrupt,
        owner: Arc<Owner>,
        key: LockKey,
        mode: u8,
    ) -> Waiter<'w> {
        let core = &self.core;
        let timeout = self.options.lock_timeout;
        Waiter::new(&*core.env, &core.locks, interrupt, owner, key, mode, timeout, core.deadlock_timeout())
    }

    fn acquire(&self, owner: &Arc<Owner>, key: &LockKey, mode: LockMode, wait: WaitPolicy) -> Result<bool> {
        let mut waiter = self.waiter(&self.options.interrupt, Arc::clone(owner), key.clone(), mode.bit());
        while !waiter.ask(None, true, wait == WaitPolicy::Wait) {
            match wait {
                WaitPolicy::Wait => waiter.park()?,
                WaitPolicy::NoWait => return Err(StoreError::LockNotAvailable),
                WaitPolicy::Skip => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Ends the transaction, keeping what it did. On return it is visible to others, but not yet durable: wait for the
    /// returned position first. After an error it has been rolled back.
    pub fn commit(mut self) -> Result<Committed> {
        let Some(shared) = self.shared.clone() else {
            self.release_everything();
            return Ok(Committed { lsn: None, xid: None });
        };
        let xid = shared.xid;
        let wrote = shared.first_lsn.load(Ordering::SeqCst) != 0;
        let mut reserved = self.reserved;
        let mut publish = || {
            let lsn = if wrote { Some(self.log_commit(xid, &mut reserved)?) } else { None };
            self.core.transactions.end(xid, lsn);
            Ok(lsn)
        };
        let outcome = self.core.usable().and_then(|()| match (wrote, &self.reads) {
            (true, reads) => {
                self.core.validation.commit(&shared, self.snapshot.get(), reads.as_ref(), publish)
            }
            (false, _) => publish(),
        });
        match outcome {
            Ok(lsn) => {
                for tree in std::mem::take(&mut self.dropped_trees) {
                    self.core.clean.dropped(xid, tree);
                }
                if self.garbage_count > 0 {
                    self.core.clean.garbage();
                }
                self.release_everything();
                Ok(Committed { lsn, xid: Some(xid) })
            }
            Err(e) => {
                self.roll_back_all()?;
                Err(e)
            }
        }
    }

    /// Appends the commit record. What was reserved for a rollback is given back in the same step.
    fn log_commit(&self, xid: u64, reserved: &mut u64) -> Result<Lsn> {
        let record = Record::Commit { xid, micros: self.core.env.now_micros() };
        let space = Reserve(reserved).rest();
        Ok(self.core.trees.wal.append_with(&[&Encoded::new(&record)], space)?.end)
    }

    /// Ends the transaction and undoes what it did.
    pub fn rollback(mut self) -> Result<()> {
        self.roll_back_all()
    }

    fn release_everything(&mut self) {
        self.finished = true;
        if self.reads.take().is_some() {
            self.core.validation.leave();
        }
        if let Some(owner) = self.owner.get() {
            for (key, mode) in self.held.drain(..).rev() {
                self.core.locks.release(&key, mode, owner);
            }
            owner.end();
        }
        self.snapshot.take();
        if self.shared.is_some() {
            self.core.after_end();
        }
    }

    /// Pages this transaction has made (large values, bulk builds) are undone by freeing them.
    pub(crate) fn note_page(&mut self, page: PageId, lsn: Lsn) {
        let shared = self.shared();
        shared.undo.write().push(lsn, &undo::Entry::Page { page });
    }
}

impl Drop for Txn {
    fn drop(&mut self) {
        if !self.finished
            && let Err(e) = self.roll_back_all()
        {
            tracing::error!("rollback failed: {e}");
        }
    }
}
