//! Memory that grows with the data: reserved before it is used.
//!
//! Every operator takes its bytes from the statement's [`Memory`], which is bounded by `work_mem` and, together with all others,
//! by the server's [`Budget`]. Who is refused spills; who cannot spill (a long value, the state of an aggregate) may go on up to
//! the budget's limit, and fails with 53200 there. Nothing is taken per row: operators settle once a batch, and as often as they
//! have grown by a megabyte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nq_qsql::error::Result;
use nq_qsql::sql_err;

/// What grows row by row is counted in steps of this many bytes.
pub const GROWTH_BYTES: usize = 1 << 20;

/// What all statements together may hold.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    /// Beyond it what can spill does.
    spill_at: usize,
    limit: usize,
}

impl Budget {
    /// Makes a budget of `limit` bytes, of which operators that can spill take no more than `spill_at` leaves them.
    pub fn new(spill_at: usize, limit: usize) -> Arc<Budget> {
        Arc::new(Budget { used: AtomicUsize::new(0), spill_at: spill_at.min(limit), limit })
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize, limit: usize) -> bool {
        let taken = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if taken > limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken <= limit
    }
}

/// What one statement may hold.
#[derive(Debug)]
pub struct Memory {
    budget: Arc<Budget>,
    work_mem: usize,
}

impl Memory {
    /// Makes a statement's memory: each operator may hold `work_mem` bytes as long as the server's budget allows.
    pub fn new(budget: &Arc<Budget>, work_mem: usize) -> Arc<Memory> {
        Arc::new(Memory { budget: Arc::clone(budget), work_mem })
    }

    /// Opens an account for one operator.
    pub fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { memory: Arc::clone(self), held: 0 }
    }
}

/// The bytes one operator holds; given back on drop.
#[derive(Debug)]
pub struct Reservation {
    memory: Arc<Memory>,
    held: usize,
}

impl Reservation {
    /// Settles the account at `bytes`; answers whether that is allowed. A refusal changes nothing.
    #[must_use]
    pub fn try_resize(&mut self, bytes: usize) -> bool {
        if bytes > self.held {
            if bytes > self.memory.work_mem
                || !self.memory.budget.take(bytes - self.held, self.memory.budget.spill_at)
            {
                return false;
            }
        } else {
            self.memory.budget.used.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        true
    }

    /// Settles the account at `bytes` for an operator that cannot spill: `work_mem` does not bind it, the server's budget does.
    ///
    /// # Errors
    /// 53200.
    pub fn resize(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.held && !self.memory.budget.take(bytes - self.held, self.memory.budget.limit) {
            return Err(sql_err!(OUT_OF_MEMORY, "out of memory")
                .detail(format!("Failed on request of size {}.", bytes - self.held)));
        }
        if bytes < self.held {
            self.memory.budget.used.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        Ok(())
    }

    /// Settles the account at `bytes` when that is a megabyte more than was settled before; for what grows row by row.
    ///
    /// # Errors
    /// 53200.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        if bytes < self.held + GROWTH_BYTES { Ok(()) } else { self.resize(bytes) }
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Bytes the operator may hold at most.
    pub fn limit(&self) -> usize {
        self.memory.work_mem
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.budget.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_respect_both_limits_and_return() {
        let budget = Budget::new(100, 150);
        let memory = Memory::new(&budget, 60);
        let (mut a, mut b) = (memory.reservation(), memory.reservation());
        assert!(a.try_resize(60) && !a.try_resize(61));
        assert!(!b.try_resize(50) && b.try_resize(40));
        assert!(b.resize(90).is_ok());
        assert_eq!(b.resize(91).map_err(|e| e.code().as_str().to_owned()), Err("53200".to_owned()));
        drop(a);
        assert!(b.try_resize(60));
        drop(b);
        assert_eq!(budget.used(), 0);
    }
}
