//! Locks: long, logical, with queues and deadlock detection.
//!
//! Two kinds live in one table: *objects* (PostgreSQL's eight modes, advisory locks) and *rows* (four strengths). A row
//! that a transaction has written needs no entry: the writer's id in the record's stamp is the lock. Only explicit row
//! locks and waits have entries.
//!
//! Waiting is by re-evaluation: who is blocked enters the queue, parks, and after every wake-up looks again. Wake-ups come
//! when a holder releases, when a queued one leaves, and when the writer of a record ends or rolls back to a savepoint.
//! The queue is first come, first served: a request yields to conflicting requests queued before it, unless its owner
//! holds a lock on the same thing already. When that order alone closes a cycle, the later one is let past instead of
//! being told of a deadlock (PostgreSQL's "soft edges", `storage/lmgr/README`).

mod owner;
mod session;
mod table;
mod wait;

pub use owner::{DeferredWait, Owner};
pub use session::{Hold, SessionLock, SessionLocks};
pub use table::{LockInfo, LockKey, LockTable};
pub use wait::Waiter;

/// What an object lock is on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum LockClass {
    /// A relation, by its id.
    Relation,
    /// Any other catalog object, by an id the caller composes.
    Object,
    /// A whole database or a global property.
    Database,
    /// Advisory lock with one 64-bit key, in the database with this OID.
    Advisory(u32),
    /// Advisory lock with two 32-bit keys, in the database with this OID.
    AdvisoryPair(u32),
    /// A transaction id (waiting for its end).
    Transaction,
}

/// PostgreSQL's table lock modes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in PostgreSQL's table 13.2")]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    /// The mode's name in messages and `pg_locks`.
    pub fn name(self) -> &'static str {
        MODE_NAMES[self as usize]
    }

    /// Whether two owners cannot hold the two modes at once.
    pub fn conflicts(self, other: LockMode) -> bool {
        MODE_CONFLICTS[self as usize] & (1 << other as u8) != 0
    }
}

/// Names by mode, also those of row strengths behind them.
const MODE_NAMES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

/// PostgreSQL's table 13.2: bit per conflicting mode.
const MODE_CONFLICTS: [u8; 8] =
    [0b1000_0000, 0b1100_0000, 0b1111_0000, 0b1111_1000, 0b1110_1100, 0b1111_1100, 0b1111_1110, 0b1111_1111];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_lock_conflicts_are_symmetric() {
        for (a, of_a) in MODE_CONFLICTS.iter().enumerate() {
            for (b, of_b) in MODE_CONFLICTS.iter().enumerate() {
                assert_eq!(of_a >> b & 1, of_b >> a & 1, "{a} {b}");
            }
        }
        assert!(LockMode::RowExclusive.conflicts(LockMode::Share));
        assert!(!LockMode::RowExclusive.conflicts(LockMode::RowExclusive));
        assert!(LockMode::ShareUpdateExclusive.conflicts(LockMode::ShareUpdateExclusive));
    }
}
