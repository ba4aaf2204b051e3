//! The transactional page machine: bytes, pages, log, trees and transactions. It knows no SQL.
//!
//! Bottom up: [`env`] is the only door to files, time, randomness and waiting; [`ecc`] finds and mends damaged sectors;
//! [`store`] keeps pages without ever overwriting one; [`wal`] keeps the log.

pub mod buffer;
pub mod ecc;
pub mod env;
pub mod error;
pub mod ids;
pub mod page;
pub mod recovery;
pub mod store;
pub mod wal;

pub use error::{Result, StoreError};
pub use ids::{Lsn, PageId, TreeId};
