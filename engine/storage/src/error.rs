//! What can go wrong below SQL, by what the caller must decide.
//!
//! An error is cheap to clone, because one failed flush answers every session that waited for it.

use crate::ids::{Lsn, PageId, TreeId};
use std::fmt;
use std::io;
use std::sync::Arc;

/// The result of every storage operation that can fail.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One edge of a deadlock: a process waits for a lock that another holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlockWait {
    /// The waiting process.
    pub waiter: u64,
    /// The lock mode it asked for, in PostgreSQL's words (`ShareLock`).
    pub mode: &'static str,
    /// What it waits for, in PostgreSQL's words (`transaction 742`).
    pub object: String,
    /// The process that holds it.
    pub holder: u64,
}

/// A cycle of waits, in order; the last holder is the first waiter.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeadlockReport {
    /// The edges of the cycle.
    pub waits: Vec<DeadlockWait>,
}

/// An error of the storage layer.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The device refused an operation; what was there before still is.
    Io {
        /// The operation.
        what: String,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// No room; nothing was changed, and the same call may succeed later.
    DiskFull {
        /// What needed the room.
        what: String,
    },
    /// Stored bytes are wrong and could not be rebuilt.
    Corrupt {
        /// The page, when the damage is in one.
        page: Option<PageId>,
        /// What is wrong with it.
        what: String,
    },
    /// The log is damaged at a position that is known to have been durable.
    LogDamaged {
        /// The first byte that cannot be read.
        lsn: Lsn,
        /// What was found instead.
        what: String,
    },
    /// A sync failed: what the device holds is unknown, and the database is stopped for good.
    Poisoned {
        /// The sync that failed.
        what: String,
    },
    /// The key is present already.
    Duplicate {
        /// The tree that holds it.
        tree: TreeId,
    },
    /// A concurrent transaction changed the record first.
    Conflict,
    /// The isolation level cannot be kept; PostgreSQL's message follows.
    SerializationFailure(&'static str),
    /// This transaction is the victim of a deadlock.
    Deadlock(DeadlockReport),
    /// NOWAIT, and the lock is taken.
    LockNotAvailable,
    /// The wait for another transaction is left to the caller: [`crate::Txn::defer_waits`]. Nothing was changed.
    Deferred,
    /// `lock_timeout` passed.
    LockTimeout,
    /// The statement was interrupted.
    Cancelled,
    /// The thing is larger than its place can ever be.
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The largest size possible.
        limit: u64,
    },
    /// The undo space is used up.
    UndoFull,
    /// The store or the transaction is read-only.
    ReadOnly,
    /// The store has been shut down.
    Closed,
}

impl StoreError {
    /// Wraps an operating-system error; lack of room becomes [`StoreError::DiskFull`].
    pub fn io(what: impl Into<String>, source: io::Error) -> StoreError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                StoreError::DiskFull { what: what.into() }
            }
            _ => StoreError::Io { what: what.into(), source: Arc::new(source) },
        }
    }

    /// Damage in a page.
    pub fn corrupt(page: PageId, what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { page: Some(page), what: what.into() }
    }

    /// A failed sync.
    pub fn poisoned(what: impl fmt::Display) -> StoreError {
        StoreError::Poisoned { what: what.to_string() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io { what, source } => write!(f, "could not {what}: {source}"),
            StoreError::DiskFull { what } => write!(f, "could not {what}: No space left on device"),
            StoreError::Corrupt { page: Some(page), what } => write!(f, "page {page} is damaged: {what}"),
            StoreError::Corrupt { page: None, what } => write!(f, "stored data is damaged: {what}"),
            StoreError::LogDamaged { lsn, what } => write!(f, "the log is damaged at {lsn}: {what}"),
            StoreError::Poisoned { what } => write!(f, "the database is stopped after a failed sync: {what}"),
            StoreError::Duplicate { tree } => write!(f, "the key exists already in tree {tree}"),
            StoreError::Conflict => f.write_str("the record was changed by a concurrent transaction"),
            StoreError::SerializationFailure(message) => f.write_str(message),
            StoreError::Deadlock(_) => f.write_str("deadlock detected"),
            StoreError::LockNotAvailable => f.write_str("the lock is not available"),
            StoreError::Deferred => f.write_str("the row is locked by another transaction"),
            StoreError::LockTimeout => f.write_str("canceling statement due to lock timeout"),
            StoreError::Cancelled => f.write_str("canceling statement due to user request"),
            StoreError::TooLarge { what, bytes, limit } => {
                write!(f, "{what} of {bytes} bytes exceeds the limit of {limit} bytes")
            }
            StoreError::UndoFull => f.write_str("the undo space is used up"),
            StoreError::ReadOnly => f.write_str("the store is read-only"),
            StoreError::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Io { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_room_is_its_own_kind() {
        let full = StoreError::io("write page 7", io::Error::from(io::ErrorKind::StorageFull));
        assert!(matches!(full, StoreError::DiskFull { .. }));
        assert_eq!(full.to_string(), "could not write page 7: No space left on device");
        let other = StoreError::io("write page 7", io::Error::other("x"));
        assert!(matches!(other, StoreError::Io { .. }));
    }
}
