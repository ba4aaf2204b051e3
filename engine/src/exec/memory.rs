//! Memory that grows with the data: reserved before it is used.
//!
//! Every operator takes its bytes from the statement's [`Memory`], which is bounded by `work_mem` and, together with all others,
//! by the server's [`Budget`]. Who is refused spills; who cannot spill fails with 53200. Nothing is taken per row: operators
//! settle once a batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nq_qsql::error::Result;
use nq_qsql::sql_err;

/// What all statements together may hold.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    /// Makes a budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { used: AtomicUsize::new(0), limit })
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken > self.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken <= self.limit
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
            if bytes > self.memory.work_mem || !self.memory.budget.take(bytes - self.held) {
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
        if bytes > self.held && !self.memory.budget.take(bytes - self.held) {
            return Err(sql_err!(OUT_OF_MEMORY, "out of memory")
                .detail(format!("Failed on request of size {}.", bytes - self.held)));
        }
        if bytes < self.held {
            self.memory.budget.used.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        Ok(())
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
        let budget = Budget::new(100);
        let memory = Memory::new(&budget, 60);
        let (mut a, mut b) = (memory.reservation(), memory.reservation());
        assert!(a.try_resize(60) && !a.try_resize(61));
        assert!(!b.try_resize(50) && b.try_resize(40));
        assert_eq!(b.resize(41).map_err(|e| e.code().as_str().to_owned()), Err("53200".to_owned()));
        drop(a);
        assert!(b.try_resize(60));
        drop(b);
        assert_eq!(budget.used(), 0);
    }
}
