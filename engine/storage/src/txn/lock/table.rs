//! The lock table.

use super::owner::{Edge, Owner};
use super::{LockClass, LockMode, MODE_CONFLICTS, MODE_NAMES};
use crate::ids::TreeId;
use crate::txn::types::LockStrength;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHARDS: usize = 64;

/// What a lock is on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LockKey {
    /// An object.
    Object(LockClass, u64),
    /// A record of a tree.
    Row(TreeId, Box<[u8]>),
}

impl LockKey {
    fn conflicts(&self) -> &'static [u8] {
        match self {
            LockKey::Object(..) => &MODE_CONFLICTS,
            LockKey::Row(..) => &ROW_CONFLICTS,
        }
    }

    /// The mode's name in reports.
    pub(super) fn mode_name(&self, mode: u8) -> &'static str {
        match self {
            LockKey::Object(..) => MODE_NAMES[usize::from(mode)],
            LockKey::Row(..) => ROW_MODE_NAMES[usize::from(mode)],
        }
    }

    /// What it is on, in PostgreSQL's words.
    pub(super) fn describe(&self) -> String {
        match self {
            LockKey::Object(LockClass::Relation, id) => format!("relation {id}"),
            LockKey::Object(LockClass::Object, id) => format!("object {id}"),
            LockKey::Object(LockClass::Database, id) => format!("database {id}"),
            LockKey::Object(LockClass::Advisory(database), id) => {
                format!("advisory lock [{database},{},{},1]", id >> 32, id & 0xFFFF_FFFF)
            }
            LockKey::Object(LockClass::AdvisoryPair(database), id) => {
                format!("advisory lock [{database},{},{},2]", id >> 32, id & 0xFFFF_FFFF)
            }
            LockKey::Object(LockClass::Transaction, id) => format!("transaction {id}"),
            LockKey::Row(tree, key) => match <[u8; 8]>::try_from(&key[..]) {
                Ok(raw) => format!("tuple {} of tree {tree}", u64::from_be_bytes(raw)),
                Err(_) => format!("a tuple of tree {tree}"),
            },
        }
    }
}

/// Bits of [`LockStrength`]s in conflict with each.
const ROW_CONFLICTS: [u8; 4] = [0b1000, 0b1100, 0b1110, 0b1111];
/// A waiting row lock shows as PostgreSQL's tuple lock.
const ROW_MODE_NAMES: [&str; 4] = ["AccessShareLock", "RowShareLock", "ExclusiveLock", "AccessExclusiveLock"];

impl LockMode {
    /// The mode as a number of the table.
    pub(crate) fn bit(self) -> u8 {
        self as u8
    }
}

impl LockStrength {
    /// The strength as a number of the table.
    pub(crate) fn bit(self) -> u8 {
        self as u8
    }
}

struct Holder {
    owner: Arc<Owner>,
    /// How often each mode is held.
    counts: [u32; 8],
}

impl Holder {
    fn mask(&self) -> u8 {
        (0..8).filter(|&mode| self.counts[mode] > 0).fold(0, |mask, mode| mask | 1 << mode)
    }
}

struct Queued {
    owner: Arc<Owner>,
    mode: u8,
}

#[derive(Default)]
struct Entry {
    holders: Vec<Holder>,
    queue: VecDeque<Queued>,
}

impl Entry {
    fn wake_queue(&self) {
        for queued in &self.queue {
            queued.owner.parker.unpark();
        }
    }

    fn hold(&mut self, mode: u8, owner: &Arc<Owner>) {
        match self.holders.iter_mut().find(|holder| Arc::ptr_eq(&holder.owner, owner)) {
            Some(holder) => holder.counts[usize::from(mode)] += 1,
            None => {
                let mut counts = [0; 8];
                counts[usize::from(mode)] = 1;
                self.holders.push(Holder { owner: Arc::clone(owner), counts });
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.queue.is_empty()
    }
}

#[derive(Default)]
struct Shard {
    /// Entries of the shard: rows without any are looked up without the mutex.
    len: AtomicUsize,
    entries: Mutex<HashMap<LockKey, Entry, foldhash::fast::FixedState>>,
}

/// All locks of a store.
pub struct LockTable {
    shards: Box<[Shard]>,
    hasher: foldhash::fast::FixedState,
}

/// The answer to a request.
pub(super) enum Answer {
    /// The lock is the owner's (or, when only probed, could be).
    Granted,
    /// These are in the way.
    Blocked(Vec<Edge>),
}

impl Default for LockTable {
    fn default() -> Self {
        LockTable {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: foldhash::fast::FixedState::default(),
        }
    }
}

impl LockTable {
    fn row_shard(&self, tree: TreeId, key: &[u8]) -> &Shard {
        let mut hasher = self.hasher.build_hasher();
        tree.hash(&mut hasher);
        key.hash(&mut hasher);
        &self.shards[hasher.finish() as usize % SHARDS]
    }

    fn shard(&self, key: &LockKey) -> &Shard {
        match key {
            LockKey::Row(tree, key) => self.row_shard(*tree, key),
            LockKey::Object(..) => &self.shards[self.hasher.hash_one(key) as usize % SHARDS],
        }
    }

    /// Whether a row surely has no explicit locks and no queue.
    pub(crate) fn row_is_quiet(&self, tree: TreeId, key: &[u8]) -> bool {
        self.row_shard(tree, key).len.load(Ordering::Acquire) == 0
    }

    /// Asks for a lock. `extra` blocks beside the table's holders (the record's writer). When nothing blocks, the lock is
    /// entered (`hold`) or merely found free; when something does, the owner is queued (`queue`) and told what.
    pub(super) fn request(
        &self,
        key: &LockKey,
        mode: u8,
        owner: &Arc<Owner>,
        extra: Option<&Arc<Owner>>,
        hold: bool,
        queue: bool,
    ) -> Answer {
        let shard = self.shard(key);
        let mut entries = shard.entries.lock();
        let conflicts = key.conflicts()[usize::from(mode)];
        let mut edges: Vec<Edge> = Vec::new();
        let mut holds_already = false;
        if let Some(entry) = entries.get(key) {
            for holder in &entry.holders {
                if holder.owner.group == owner.group {
                    holds_already = true;
                } else if holder.mask() & conflicts != 0 {
                    edges.push(edge(&holder.owner, false));
                }
            }
            if !holds_already && !owner.may_jump.load(Ordering::SeqCst) {
                let before = entry.queue.iter().take_while(|queued| !Arc::ptr_eq(&queued.owner, owner));
                for queued in before {
                    if queued.owner.group != owner.group && conflicts & (1 << queued.mode) != 0 {
                        edges.push(edge(&queued.owner, true));
                    }
                }
            }
        }
        if let Some(writer) = extra {
            edges.push(edge(writer, false));
        }
        if edges.is_empty() {
            if hold {
                entry_of(shard, &mut entries, key).hold(mode, owner);
            }
            return Answer::Granted;
        }
        if queue {
            let entry = entry_of(shard, &mut entries, key);
            if !entry.queue.iter().any(|queued| Arc::ptr_eq(&queued.owner, owner)) {
                entry.queue.push_back(Queued { owner: Arc::clone(owner), mode });
            }
        }
        Answer::Blocked(edges)
    }

    /// Enters a lock that was found free and could not be taken since (its record has been latched meanwhile).
    pub(crate) fn enter(&self, key: &LockKey, mode: u8, owner: &Arc<Owner>) {
        let shard = self.shard(key);
        entry_of(shard, &mut shard.entries.lock(), key).hold(mode, owner);
    }

    /// Leaves the queue and lets the others look again.
    pub(super) fn leave_queue(&self, key: &LockKey, owner: &Arc<Owner>) {
        let shard = self.shard(key);
        let mut entries = shard.entries.lock();
        if let Some(entry) = entries.get_mut(key) {
            entry.queue.retain(|queued| !Arc::ptr_eq(&queued.owner, owner));
            entry.wake_queue();
            if entry.is_empty() {
                entries.remove(key);
                shard.len.fetch_sub(1, Ordering::Release);
            }
        }
    }

    /// Gives one grant back.
    pub(crate) fn release(&self, key: &LockKey, mode: u8, owner: &Arc<Owner>) {
        let shard = self.shard(key);
        let mut entries = shard.entries.lock();
        let Some(entry) = entries.get_mut(key) else { return };
        if let Some(at) = entry.holders.iter().position(|holder| Arc::ptr_eq(&holder.owner, owner)) {
            let holder = &mut entry.holders[at];
            holder.counts[usize::from(mode)] = holder.counts[usize::from(mode)].saturating_sub(1);
            if holder.mask() == 0 {
                entry.holders.swap_remove(at);
            }
            entry.wake_queue();
        }
        if entry.is_empty() {
            entries.remove(key);
            shard.len.fetch_sub(1, Ordering::Release);
        }
    }

    /// Everything held and awaited, for `pg_locks`.
    pub fn snapshot(&self) -> Vec<LockInfo> {
        let mut out = Vec::new();
        for shard in &self.shards {
            for (key, entry) in shard.entries.lock().iter() {
                let info = |owner: &Owner, mode: u8, granted: bool| LockInfo {
                    key: key.clone(),
                    mode: key.mode_name(mode),
                    process: owner.process,
                    xid: owner.xid.load(Ordering::Relaxed),
                    granted,
                    blockers: if granted { Vec::new() } else { owner.blockers() },
                };
                for holder in &entry.holders {
                    out.extend(
                        (0..8u8)
                            .filter(|&m| holder.counts[usize::from(m)] > 0)
                            .map(|m| info(&holder.owner, m, true)),
                    );
                }
                out.extend(entry.queue.iter().map(|queued| info(&queued.owner, queued.mode, false)));
            }
        }
        out
    }
}

/// A line of [`LockTable::snapshot`].
#[derive(Clone, Debug)]
pub struct LockInfo {
    /// What is locked.
    pub key: LockKey,
    /// In which mode.
    pub mode: &'static str,
    /// By which process.
    pub process: u64,
    /// By which transaction; 0 when it has no id.
    pub xid: u64,
    /// Held, or waited for.
    pub granted: bool,
    /// The processes that are waited for.
    pub blockers: Vec<u64>,
}

fn edge(owner: &Arc<Owner>, soft: bool) -> Edge {
    Edge { blocker: Arc::clone(owner), epoch: owner.epoch(), soft }
}

fn entry_of<'e>(
    shard: &Shard,
    entries: &'e mut HashMap<LockKey, Entry, foldhash::fast::FixedState>,
    key: &LockKey,
) -> &'e mut Entry {
    entries.entry(key.clone()).or_insert_with(|| {
        shard.len.fetch_add(1, Ordering::Release);
        Entry::default()
    })
}
