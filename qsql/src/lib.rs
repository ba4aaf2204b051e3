//! QSQL: from a statement's text to a physical plan, as a pure function.
//!
//! `parse` (text to syntax tree) → `bind` (names and types resolved) → `optimize` → `plan`. No I/O, threads, clock
//! or locks: the outside world is seen through [`catalog`]'s traits.

pub mod bind;
pub mod catalog;
pub mod error;
pub mod func;
pub mod optimize;
pub mod parse;
pub mod plan;
#[cfg(test)]
mod testing;
pub mod types;

pub use error::{SqlError, SqlState};
