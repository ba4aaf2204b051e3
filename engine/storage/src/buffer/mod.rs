//! The buffer pool: a fixed array of frames between the trees and the page store.
//!
//! Rules of frames and latches:
//! 1. A page is read or changed only under its frame's latch: shared ([`PageRead`]) or exclusive ([`PageWrite`]). A latch
//!    is also the pin: a frame whose latch is taken is never a victim, and whoever waited for a latch checks afterwards
//!    that the frame still holds its page.
//! 2. Latches are taken from the root downwards and from left to right, a large value's chunks after their leaf. Victims
//!    are only *tried*. So no cycle of latches exists.
//! 3. A page changes only after its log record was appended: [`log`] returns the witness that [`PageWrite::edit`] asks for.
//! 4. `rec_lsn` is set before the record is appended, from the log's end. A checkpointer that reads the log's end first and
//!    the frames afterwards misses no change below the end it read.
//! 5. One writer per frame: the page writer claims `flushing` under the shared latch, an evictor holds the exclusive latch
//!    and leaves frames alone that are being flushed; freeing a page waits until its copy has arrived.
//!
//! Pages may reach the page store before their log records are durable: the store's map that names them becomes durable
//! with a checkpoint only, which flushes the log first.
//!
//! Replacement is CLOCK (Corbato 1968) with clean victims preferred; pages that scans load are recycled in a small ring.

mod frame;
mod memory;
mod pool;

pub use frame::{Logged, PageRead, PageWrite, log};
pub use pool::{Access, BufferPool, BufferStats, Touched, touched};
