//! The transactional page machine: bytes, pages, log, trees and transactions. It knows no SQL.
//!
//! Bottom up: [`env`] is the only door to files, time, randomness and waiting; [`ecc`] finds and mends damaged sectors;
//! [`store`] keeps pages without ever overwriting one; [`wal`] keeps the log; [`buffer`] holds pages in memory and [`page`]
//! says what is in them; [`btree`] makes trees of them, [`txn`] transactions; [`recovery`] repeats the log after a crash.
//! [`Store`] is the handle to all of it.

pub mod btree;
pub mod buffer;
mod core;
mod database;
pub mod ecc;
pub mod env;
pub mod error;
pub mod ids;
pub mod page;
pub mod recovery;
pub mod store;
pub mod txn;
pub mod wal;

pub use btree::{Finger, TreeStats};
pub use database::{Metrics, Options, Store, TreeSpace};
pub use error::{Result, StoreError};
pub use ids::{Lsn, PageId, TreeId};
pub use txn::lock::{DeferredWait, Hold, LockClass, LockInfo, LockKey, LockMode, SessionLock, SessionLocks};
pub use txn::types::{
    Change, Committed, Current, Direction, InsertOutcome, Interrupt, Isolation, KeyRange, LockStrength,
    Modified, OwnWrites, TxnOptions, WaitPolicy, Walk, Xid,
};
pub use txn::{Cursor, Savepoint, Sight, Snapshot, SnapshotData, Txn};

#[cfg(test)]
mod tests;
