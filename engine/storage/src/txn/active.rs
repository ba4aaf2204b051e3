//! Transaction ids, the set of running transactions, snapshots, and the horizon.
//!
//! A snapshot is the set of transactions that had ended when it was taken: {xmin: all below have ended, xmax: none from
//! here on has, and those between that had not}. Since nothing but an end changes what a new snapshot sees, one snapshot
//! is shared by everybody until the next end.
//!
//! The *horizon* is below the xmin of every snapshot in use: versions of transactions older than it are seen by all, so
//! their stamps, undo and ghosts may go. A reader announces its xmin in a slot *before* it looks whether its snapshot is
//! still the current one; a computation of the horizon that misses the announcement began before that look, when the
//! oldest running transaction was the snapshot's xmin or older.

use super::lock::Owner;
use super::undo::UndoLog;
use crate::ids::Lsn;
use crossbeam::queue::ArrayQueue;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SLOTS: usize = 1024;
const TABLE_SHARDS: usize = 32;

/// Which transactions a reader sees.
#[derive(Debug)]
pub struct SnapshotData {
    /// How many transactions had ended when it was taken.
    number: u64,
    /// All transactions below have ended.
    pub xmin: u64,
    /// No transaction from here on has ended.
    pub xmax: u64,
    /// Those between that were running, ascending.
    pub running: Box<[u64]>,
    /// Everything seen is durable once the log is up to here.
    pub last_commit: Lsn,
}

impl SnapshotData {
    /// Whether the transaction had ended when the snapshot was taken.
    pub fn sees(&self, xid: u64) -> bool {
        xid < self.xmin || (xid < self.xmax && self.running.binary_search(&xid).is_err())
    }
}

/// A snapshot in use: keeps the versions it needs alive.
pub struct Snapshot {
    data: Arc<SnapshotData>,
    slot: Slot,
    transactions: Arc<Transactions>,
}

enum Slot {
    Array(u32),
    Overflow(u64),
}

impl std::ops::Deref for Snapshot {
    type Target = SnapshotData;
    fn deref(&self) -> &SnapshotData {
        &self.data
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        match self.slot {
            Slot::Array(slot) => {
                self.transactions.slots[slot as usize].store(u64::MAX, Ordering::Release);
                let _ = self.transactions.free_slots.push(slot);
            }
            Slot::Overflow(xmin) => {
                let mut overflow = self.transactions.overflow.lock();
                if let Some(count) = overflow.get_mut(&xmin) {
                    *count -= 1;
                    if *count == 0 {
                        overflow.remove(&xmin);
                    }
                }
            }
        }
    }
}

/// What others may know of a transaction that has an id.
pub struct Shared {
    /// Its id.
    pub xid: u64,
    /// Its undo log.
    pub undo: RwLock<UndoLog>,
    /// Nothing it logged lies before this position; 0: it has logged nothing.
    pub first_lsn: AtomicU64,
    /// Its side of the lock table.
    pub owner: Arc<Owner>,
}

struct State {
    running: Vec<u64>,
    next_xid: u64,
    last_commit: Lsn,
}

/// Transactions by id.
type ById = HashMap<u64, Arc<Shared>, foldhash::fast::FixedState>;

/// The running transactions.
pub struct Transactions {
    state: Mutex<State>,
    /// How many transactions have ended: a snapshot of this number is the current one.
    number: AtomicU64,
    /// The current snapshot, once somebody has taken it.
    current: RwLock<Option<Arc<SnapshotData>>>,
    slots: Box<[AtomicU64]>,
    free_slots: ArrayQueue<u32>,
    /// Snapshots beyond the slots: how many per xmin.
    overflow: Mutex<BTreeMap<u64, usize>>,
    table: Box<[RwLock<ById>]>,
    ended: Mutex<VecDeque<u64>>,
    horizon: AtomicU64,
}

impl Transactions {
    /// No transactions; ids begin at `next_xid`.
    pub fn new(next_xid: u64) -> Transactions {
        let free_slots = ArrayQueue::new(SLOTS);
        for slot in 0..SLOTS as u32 {
            let _ = free_slots.push(slot);
        }
        Transactions {
            state: Mutex::new(State { running: Vec::new(), next_xid, last_commit: Lsn::NONE }),
            number: AtomicU64::new(0),
            current: RwLock::default(),
            slots: (0..SLOTS).map(|_| AtomicU64::new(u64::MAX)).collect(),
            free_slots,
            overflow: Mutex::default(),
            table: (0..TABLE_SHARDS).map(|_| RwLock::default()).collect(),
            ended: Mutex::default(),
            horizon: AtomicU64::new(next_xid),
        }
    }

    fn shard(&self, xid: u64) -> &RwLock<HashMap<u64, Arc<Shared>, foldhash::fast::FixedState>> {
        &self.table[xid as usize % TABLE_SHARDS]
    }

    /// Assigns the next id to a transaction.
    pub fn start(&self, owner: &Arc<Owner>, undo: UndoLog) -> Arc<Shared> {
        let mut state = self.state.lock();
        let xid = state.next_xid;
        state.next_xid += 1;
        let shared = Arc::new(Shared {
            xid,
            undo: RwLock::new(undo),
            first_lsn: AtomicU64::new(0),
            owner: Arc::clone(owner),
        });
        owner.set_xid(xid);
        self.shard(xid).write().insert(xid, Arc::clone(&shared));
        state.running.push(xid);
        shared
    }

    /// Ends a transaction: from now on new snapshots see it (a rolled-back one has left nothing to see).
    pub fn end(&self, xid: u64, commit: Option<Lsn>) {
        {
            let mut state = self.state.lock();
            if let Ok(at) = state.running.binary_search(&xid) {
                state.running.remove(at);
            }
            if let Some(lsn) = commit {
                state.last_commit = state.last_commit.max(lsn);
            }
            self.number.fetch_add(1, Ordering::SeqCst);
            *self.current.write() = None;
        }
        self.ended.lock().push_back(xid);
    }

    /// The next id to be assigned.
    pub fn next_xid(&self) -> u64 {
        self.state.lock().next_xid
    }

    /// Ids of running transactions.
    pub fn running(&self) -> Vec<u64> {
        self.state.lock().running.clone()
    }

    /// What is known of a transaction: `None` when it ended before every snapshot.
    pub fn find(&self, xid: u64) -> Option<Arc<Shared>> {
        self.shard(xid).read().get(&xid).cloned()
    }

    /// The transaction, when it is still running.
    pub fn find_running(&self, xid: u64) -> Option<Arc<Shared>> {
        if xid < self.horizon.load(Ordering::Relaxed) {
            return None;
        }
        let shared = self.find(xid)?;
        let running = self.state.lock().running.binary_search(&xid).is_ok();
        running.then_some(shared)
    }

    /// Whether `known` is still what a new snapshot would be.
    pub fn is_current(&self, known: &Snapshot) -> bool {
        self.number.load(Ordering::SeqCst) == known.data.number
    }

    /// Takes a snapshot.
    pub fn snapshot(self: &Arc<Self>) -> Arc<Snapshot> {
        if let Some(slot) = self.free_slots.pop() {
            let known = self.current.read().clone();
            if let Some(data) = known {
                self.slots[slot as usize].store(data.xmin, Ordering::SeqCst);
                if self.number.load(Ordering::SeqCst) == data.number {
                    return Arc::new(Snapshot {
                        data,
                        slot: Slot::Array(slot),
                        transactions: Arc::clone(self),
                    });
                }
            }
            let state = self.state.lock();
            let data = self.build(&state);
            self.slots[slot as usize].store(data.xmin, Ordering::SeqCst);
            drop(state);
            return Arc::new(Snapshot { data, slot: Slot::Array(slot), transactions: Arc::clone(self) });
        }
        let state = self.state.lock();
        let data = self.build(&state);
        *self.overflow.lock().entry(data.xmin).or_insert(0) += 1;
        drop(state);
        let slot = Slot::Overflow(data.xmin);
        Arc::new(Snapshot { data, slot, transactions: Arc::clone(self) })
    }

    fn build(&self, state: &State) -> Arc<SnapshotData> {
        if let Some(data) = &*self.current.read() {
            return Arc::clone(data);
        }
        let data = Arc::new(SnapshotData {
            number: self.number.load(Ordering::SeqCst),
            xmin: state.running.first().copied().unwrap_or(state.next_xid),
            xmax: state.next_xid,
            running: state.running.as_slice().into(),
            last_commit: state.last_commit,
        });
        *self.current.write() = Some(Arc::clone(&data));
        data
    }

    /// The last computed horizon.
    pub fn horizon(&self) -> u64 {
        self.horizon.load(Ordering::Relaxed)
    }

    /// Computes the horizon anew.
    pub fn advance_horizon(&self) -> u64 {
        let (mut horizon, over) = {
            let state = self.state.lock();
            let oldest = state.running.first().copied().unwrap_or(state.next_xid);
            let over = self.overflow.lock().keys().next().copied();
            (oldest, over)
        };
        horizon = horizon.min(over.unwrap_or(u64::MAX));
        for slot in &self.slots {
            horizon = horizon.min(slot.load(Ordering::SeqCst));
        }
        self.horizon.fetch_max(horizon, Ordering::Relaxed);
        self.horizon()
    }

    /// Forgets ended transactions older than the horizon, at most `max`; returns how many.
    pub fn forget_ended(&self, max: usize) -> usize {
        let horizon = self.horizon();
        let mut forgotten = Vec::new();
        {
            let mut ended = self.ended.lock();
            // Not sorted by id: a long transaction may hide behind younger ones for a while.
            let mut keep = 0;
            while forgotten.len() < max && keep < ended.len().min(64) {
                if ended[keep] < horizon {
                    forgotten.extend(ended.remove(keep));
                } else {
                    keep += 1;
                }
            }
        }
        for xid in &forgotten {
            self.shard(*xid).write().remove(xid);
        }
        forgotten.len()
    }

    /// Number of ended transactions whose versions may still be needed.
    pub fn ended_count(&self) -> usize {
        self.ended.lock().len()
    }

    /// The position before which no running transaction has logged anything; `None` when none has.
    pub fn first_lsn(&self) -> Option<Lsn> {
        let first = |xid: u64| self.find(xid).map(|shared| shared.first_lsn.load(Ordering::SeqCst));
        self.running().into_iter().filter_map(first).filter(|&lsn| lsn != 0).min().map(Lsn)
    }
}
