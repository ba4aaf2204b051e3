//! What the log means: records, their application, checkpoints, and recovery after a crash.
//!
//! ARIES (Mohan et al. 1992) with three simplifications. Analysis and redo are one pass, because redo repeats history and
//! needs to know no losers. Dirty pages are not listed: a page says by its LSN what it has. And the log positions of a
//! loser's records are collected in the same pass instead of being chained through the records.
//!
//! A checkpoint is fuzzy: nothing stops for it. It remembers `redo_lsn`, below which every change is in the page store's
//! map, and `scan_lsn`, below which no transaction that was running had logged anything.

pub mod apply;
mod checkpoint;
pub mod record;
mod restart;

pub use checkpoint::Positions;
pub use restart::{Recovered, recover};
