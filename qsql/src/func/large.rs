//! Large values: how long one may be, and memory asked for before it is made.
//!
//! A function whose result can be much larger than its arguments says how much it needs before it allocates. Small results
//! (below [`LARGE_BYTES`]) are not worth the question: the executor counts them when it keeps them.

use super::EvalCx;
use crate::error::{Result, SqlError};
use crate::sql_err;

/// Longest value (PostgreSQL's `MaxAllocSize`).
pub const MAX_BYTES: usize = 0x3fff_ffff;
/// Memory is asked for in units of this many bytes.
pub const LARGE_BYTES: usize = 1 << 20;

impl EvalCx<'_> {
    /// Asks for the memory of a value of `bytes` bytes.
    ///
    /// # Errors
    /// 54000 when no value may be so long; 53200 when the server has not got so much.
    pub fn reserve(&mut self, bytes: usize) -> Result<()> {
        if bytes > MAX_BYTES {
            return Err(sql_err!(PROGRAM_LIMIT_EXCEEDED, "invalid memory alloc request size {bytes}"));
        }
        if bytes >= LARGE_BYTES { self.host.reserve(bytes) } else { Ok(()) }
    }

    /// Asks for the memory that a buffer of `have` bytes needs for `more`.
    ///
    /// # Errors
    /// 54000 when it would be longer than a value may be; 53200 when the server has not got so much.
    pub fn enlarge(&mut self, have: usize, more: usize) -> Result<()> {
        let want = have.saturating_add(more);
        if want > MAX_BYTES {
            return Err(buffer_full(have, more));
        }
        let units = want / LARGE_BYTES - have / LARGE_BYTES;
        if units > 0 { self.host.reserve(units * LARGE_BYTES) } else { Ok(()) }
    }
}

/// 54000 for a text under construction.
#[cold]
pub(in crate::func) fn buffer_full(have: usize, more: usize) -> SqlError {
    sql_err!(PROGRAM_LIMIT_EXCEEDED, "string buffer exceeds maximum allowed length ({MAX_BYTES} bytes)")
        .detail(format!("Cannot enlarge string buffer containing {have} bytes by {more} more bytes."))
}
