//! The words of the transaction interface.

use crate::env::Parker;
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use crate::txn::lock::SessionLocks;
use parking_lot::Mutex;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

/// A transaction id. Assigned at the first write, ascending, never reused.
pub type Xid = u64;

/// Isolation levels. READ UNCOMMITTED is READ COMMITTED, as in PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Isolation {
    /// A snapshot per statement; conflicting changes are re-checked.
    #[default]
    ReadCommitted,
    /// One snapshot; the first updater wins.
    RepeatableRead,
    /// One snapshot, and what was read is validated at commit.
    Serializable,
}

/// When a transaction sees what it wrote itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OwnWrites {
    /// At once.
    #[default]
    Immediately,
    /// From the next command on ([`crate::Txn::next_command`]): a statement's scans do not meet rows the statement wrote.
    ByCommand,
}

/// How a transaction runs.
#[derive(Clone)]
pub struct TxnOptions {
    /// The isolation level.
    pub isolation: Isolation,
    /// Refuses writes.
    pub read_only: bool,
    /// Visibility of own writes.
    pub own_writes: OwnWrites,
    /// Raised from other threads to end waits.
    pub interrupt: Arc<Interrupt>,
    /// Longest wait for one lock; `None` waits for ever.
    pub lock_timeout: Option<Duration>,
    /// The process id deadlock reports name.
    pub process: u64,
    /// Locks that outlive the transaction (session-level advisory locks): never in conflict with the session's own transactions.
    pub session: Option<Arc<SessionLocks>>,
}

impl Default for TxnOptions {
    fn default() -> Self {
        TxnOptions {
            isolation: Isolation::default(),
            read_only: false,
            own_writes: OwnWrites::default(),
            interrupt: Arc::new(Interrupt::new()),
            lock_timeout: None,
            process: 0,
            session: None,
        }
    }
}

/// A flag that other threads raise to cancel what a session is doing.
#[derive(Default)]
pub struct Interrupt {
    kind: AtomicU8,
    deadline: AtomicU64,
    waiting: Mutex<Option<Arc<Parker>>>,
}

impl Interrupt {
    /// A flag that is not raised.
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// Raises the flag with a reason of the caller's choosing (not 0) and wakes a waiter.
    pub fn raise(&self, kind: u8) {
        self.kind.store(kind.max(1), Ordering::SeqCst);
        if let Some(parker) = self.waiting.lock().as_ref() {
            parker.unpark();
        }
    }

    /// The reason it was raised for; 0 when it is not.
    pub fn kind(&self) -> u8 {
        self.kind.load(Ordering::Relaxed)
    }

    /// Fails with [`StoreError::Cancelled`] when raised.
    pub fn check(&self) -> Result<()> {
        if self.kind() == 0 { Ok(()) } else { Err(StoreError::Cancelled) }
    }

    /// Says until when locks are waited for, by the environment's monotonic clock in nanoseconds; 0 for as long as it takes.
    pub fn set_deadline(&self, nanos: u64) {
        self.deadline.store(nanos, Ordering::Relaxed);
    }

    /// The time that is left at `now`; `None` without a deadline.
    pub(crate) fn time_left(&self, now: u64) -> Option<Duration> {
        match self.deadline.load(Ordering::Relaxed) {
            0 => None,
            deadline => Some(Duration::from_nanos(deadline.saturating_sub(now))),
        }
    }

    /// Lowers the flag.
    pub fn clear(&self) {
        self.kind.store(0, Ordering::SeqCst);
    }

    /// Names the parker to wake; `None` when the wait is over.
    pub fn wait_with(&self, parker: Option<Arc<Parker>>) {
        *self.waiting.lock() = parker;
    }
}

/// Strength of a row lock, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LockStrength {
    /// FOR KEY SHARE.
    KeyShare,
    /// FOR SHARE.
    Share,
    /// FOR NO KEY UPDATE: an update that leaves the key columns alone.
    NoKeyUpdate,
    /// FOR UPDATE: a delete, or an update of key columns.
    Update,
}

impl LockStrength {
    /// PostgreSQL's table 13.3.
    pub fn conflicts(self, other: LockStrength) -> bool {
        use LockStrength::*;
        match (self.min(other), self.max(other)) {
            (KeyShare, other) => other == Update,
            (Share, other) => other >= NoKeyUpdate,
            _ => true,
        }
    }
}

/// What to do when a lock is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitPolicy {
    /// Wait for it.
    Wait,
    /// Fail with [`StoreError::LockNotAvailable`].
    NoWait,
    /// Answer [`Modified::WouldBlock`] (rows) or `false` (objects).
    Skip,
}

/// The version of a record that [`crate::Txn::modify`] has locked.
#[derive(Debug)]
pub enum Current<'a> {
    /// It is the one the snapshot sees.
    Same(&'a [u8]),
    /// A transaction that committed since the snapshot wrote it: check the conditions again.
    Newer(&'a [u8]),
}

impl<'a> Current<'a> {
    /// The value, whichever it is.
    pub fn value(&self) -> &'a [u8] {
        match self {
            Current::Same(value) | Current::Newer(value) => value,
        }
    }
}

/// What becomes of the locked record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new value.
    Update(Vec<u8>),
    /// It is deleted.
    Delete,
    /// It stays as it is, locked until the transaction ends.
    Keep,
    /// It stays as it is and is not even locked.
    Skip,
}

/// What [`crate::Txn::modify`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modified {
    /// Gave it a new value.
    Updated,
    /// Deleted it.
    Deleted,
    /// Locked it.
    Locked,
    /// Did as [`Change::Skip`] said.
    Skipped,
    /// A transaction that committed since the snapshot deleted it.
    Gone,
    /// The snapshot sees no such record.
    NotFound,
    /// This very command has changed it already (PostgreSQL's `TM_SelfModified`).
    SelfModified,
    /// It is locked, and the policy was [`WaitPolicy::Skip`].
    WouldBlock,
}

/// What [`crate::Txn::insert`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InsertOutcome {
    /// The record is there.
    Inserted,
    /// The key exists in the latest committed state, or was written by this transaction.
    Exists {
        /// Its value.
        value: Vec<u8>,
        /// Whether the transaction's snapshot sees that record.
        visible: bool,
    },
}

/// A range of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRange {
    /// Where it starts.
    pub lower: Bound<Vec<u8>>,
    /// Where it ends.
    pub upper: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> KeyRange {
        KeyRange { lower: Bound::Unbounded, upper: Bound::Unbounded }
    }

    /// The keys starting with `prefix`.
    pub fn prefix(prefix: &[u8]) -> KeyRange {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                break;
            }
        }
        let upper = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
        KeyRange { lower: Bound::Included(prefix.to_vec()), upper }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.lower {
            Bound::Included(lower) => key >= lower.as_slice(),
            Bound::Excluded(lower) => key > lower.as_slice(),
            Bound::Unbounded => true,
        };
        above
            && match &self.upper {
                Bound::Included(upper) => key <= upper.as_slice(),
                Bound::Excluded(upper) => key < upper.as_slice(),
                Bound::Unbounded => true,
            }
    }
}

/// How a walk over keys goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// To the next key.
    On,
    /// To the first key from this one on, which lies ahead.
    Seek(Vec<u8>),
    /// Not at all.
    Stop,
}

/// Which way a cursor goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// A finished transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    /// Wait for this position to be durable before telling anybody; `None`: nothing was written.
    pub lsn: Option<Lsn>,
    /// The transaction id, when one was assigned.
    pub xid: Option<Xid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_lock_conflicts_are_postgresqls() {
        use LockStrength::*;
        let table = [
            (KeyShare, [false, false, false, true]),
            (Share, [false, false, true, true]),
            (NoKeyUpdate, [false, true, true, true]),
            (Update, [true, true, true, true]),
        ];
        for (a, row) in table {
            for (b, expected) in [KeyShare, Share, NoKeyUpdate, Update].into_iter().zip(row) {
                assert_eq!(a.conflicts(b), expected, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn prefix_ranges_end_where_the_prefix_does() {
        let range = KeyRange::prefix(b"a\xff");
        assert!(range.contains(b"a\xff\xff") && !range.contains(b"b") && !range.contains(b"a\xfe"));
        assert_eq!(KeyRange::prefix(b"\xff").upper, Bound::Unbounded);
    }
}
