//! Who holds and who waits.

use super::table::{LockKey, LockTable};
use crate::env::Parker;
use crate::error::Result;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// One edge of the wait-for graph.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) blocker: Arc<Owner>,
    /// The blocker's epoch when it was seen: a later one means that it has released something.
    pub(super) epoch: u64,
    /// Only the order of the queue blocks.
    pub(super) soft: bool,
}

/// What an owner waits for.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) mode: &'static str,
    pub(super) object: String,
    pub(super) edges: Vec<Edge>,
}

/// A holder of locks: a transaction, or a session.
pub struct Owner {
    /// Transactions and session of one connection share the group; within a group nothing conflicts.
    pub(super) group: u64,
    pub(super) process: u64,
    /// The transaction id, once assigned.
    pub(super) xid: AtomicU64,
    ended: AtomicBool,
    epoch: AtomicU64,
    /// Those who wait for this owner's end or for its partial rollback.
    watchers: Mutex<Vec<Arc<Parker>>>,
    pub(super) waiting: Mutex<Option<Waiting>>,
    pub(super) parker: Arc<Parker>,
    /// Let past queued requests, to break a cycle of queue order.
    pub(super) may_jump: AtomicBool,
    /// The transaction that waits on behalf of this session.
    pub(super) agent: Mutex<Weak<Owner>>,
}

static NEXT_GROUP: AtomicU64 = AtomicU64::new(1);

impl Owner {
    /// A new owner; `session` puts it into that session's group.
    pub fn new(process: u64, session: Option<&Arc<SessionLocks>>) -> Arc<Owner> {
        let owner = Arc::new(Owner {
            group: session.map_or_else(|| NEXT_GROUP.fetch_add(1, Ordering::Relaxed), |s| s.owner.group),
            process,
            xid: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            watchers: Mutex::default(),
            waiting: Mutex::default(),
            parker: Arc::new(Parker::new()),
            may_jump: AtomicBool::new(false),
            agent: Mutex::default(),
        });
        if let Some(session) = session {
            *session.owner.agent.lock() = Arc::downgrade(&owner);
        }
        owner
    }

    /// Tells which transaction the owner is.
    pub fn set_xid(&self, xid: u64) {
        self.xid.store(xid, Ordering::Relaxed);
    }

    /// The process id for reports.
    pub fn process(&self) -> u64 {
        self.process
    }

    /// Whether the owner has released everything for good.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Registers a parker to be woken at the next release; false when the owner has ended.
    pub(super) fn watch(&self, parker: &Arc<Parker>) -> bool {
        let mut watchers = self.watchers.lock();
        if self.has_ended() {
            return false;
        }
        watchers.push(Arc::clone(parker));
        true
    }

    /// Wakes all watchers: some changes were rolled back.
    pub fn released_some(&self) {
        let mut watchers = self.watchers.lock();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for parker in watchers.drain(..) {
            parker.unpark();
        }
    }

    /// Wakes all watchers for good.
    pub fn end(&self) {
        let mut watchers = self.watchers.lock();
        self.ended.store(true, Ordering::SeqCst);
        for parker in watchers.drain(..) {
            parker.unpark();
        }
    }
}

/// Locks that belong to a session rather than to one of its transactions: advisory locks taken for the session.
/// All are released when this is dropped.
pub struct SessionLocks {
    pub(super) owner: Arc<Owner>,
    table: Arc<LockTable>,
    held: Mutex<Vec<(LockKey, u8)>>,
}

impl SessionLocks {
    /// No locks, for the given process.
    pub fn new(table: Arc<LockTable>, process: u64) -> Arc<SessionLocks> {
        Arc::new(SessionLocks { owner: Owner::new(process, None), table, held: Mutex::default() })
    }

    /// Notes a lock that `table` granted to this session's owner.
    pub(crate) fn granted(&self, key: LockKey, mode: u8) {
        self.held.lock().push((key, mode));
    }

    /// The session's owner in the lock table.
    pub(crate) fn owner(&self) -> &Arc<Owner> {
        &self.owner
    }

    /// Releases one lock taken on the key in the mode; false when there is none.
    pub fn release(&self, key: &LockKey, mode: u8) -> Result<bool> {
        let mut held = self.held.lock();
        let Some(at) = held.iter().rposition(|(k, m)| k == key && *m == mode) else { return Ok(false) };
        let (key, mode) = held.remove(at);
        drop(held);
        self.table.release(&key, mode, &self.owner);
        Ok(true)
    }

    /// Releases all locks.
    pub fn release_all(&self) {
        let held = std::mem::take(&mut *self.held.lock());
        for (key, mode) in held {
            self.table.release(&key, mode, &self.owner);
        }
    }
}

impl Drop for SessionLocks {
    fn drop(&mut self) {
        self.release_all();
        self.owner.end();
    }
}
