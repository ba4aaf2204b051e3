//! Who holds and who waits.

use super::session::SessionLocks;
use crate::env::Parker;
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

/// Whom an owner's release wakes.
enum Watcher {
    Thread(Arc<Parker>),
    Call(Box<dyn FnOnce() + Send>),
}

impl Watcher {
    fn wake(self) {
        match self {
            Watcher::Thread(parker) => parker.unpark(),
            Watcher::Call(call) => call(),
        }
    }
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
    watchers: Mutex<Vec<Watcher>>,
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

    /// The processes that it waits for.
    pub(super) fn blockers(&self) -> Vec<u64> {
        let waiting = self.waiting.lock();
        let edges = waiting.iter().flat_map(|w| &w.edges);
        edges.filter(|e| !e.blocker.has_ended()).map(|e| e.blocker.process).collect()
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
        watchers.push(Watcher::Thread(Arc::clone(parker)));
        true
    }

    /// Calls `wake` at the next release; at once when the owner has ended.
    fn on_release(&self, wake: Box<dyn FnOnce() + Send>) {
        let mut watchers = self.watchers.lock();
        if self.has_ended() {
            drop(watchers);
            return wake();
        }
        watchers.push(Watcher::Call(wake));
    }

    /// Wakes all watchers: some changes were rolled back.
    pub fn released_some(&self) {
        let mut watchers = self.watchers.lock();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        watchers.drain(..).for_each(Watcher::wake);
    }

    /// Wakes all watchers for good.
    pub fn end(&self) {
        let mut watchers = self.watchers.lock();
        self.ended.store(true, Ordering::SeqCst);
        watchers.drain(..).for_each(Watcher::wake);
    }
}

/// A wait for another transaction's row that the caller was handed instead of being made to wait: see
/// [`Txn::defer_waits`](crate::Txn::defer_waits).
pub struct DeferredWait(pub(crate) Arc<Owner>);

impl DeferredWait {
    /// Calls `wake` once when the other transaction has ended, or rolled back a part of itself: it is worth trying again.
    pub fn on_release(&self, wake: Box<dyn FnOnce() + Send>) {
        self.0.on_release(wake);
    }
}
