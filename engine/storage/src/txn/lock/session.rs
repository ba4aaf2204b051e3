//! Locks that a session takes by function call: advisory locks, for the session or for its transaction.
//!
//! All are entered in the table under the session's own owner; those for the transaction are released by the session when it ends,
//! and those taken since a savepoint when it rolls back to it. The transaction that runs is the one that waits, so that a cycle
//! through its other locks is found.

use super::owner::Owner;
use super::table::{LockKey, LockTable};
use super::wait::Waiter;
use super::{LockClass, LockMode};
use crate::env::Env;
use crate::error::{Result, StoreError};
use crate::txn::types::{Interrupt, WaitPolicy};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// How long a lock is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// Until it is released, or the session ends.
    Session,
    /// Until the transaction ends.
    Transaction,
}

/// A request of [`SessionLocks::lock`].
#[derive(Clone, Copy, Debug)]
pub struct SessionLock {
    /// What kind of thing.
    pub class: LockClass,
    /// Which one.
    pub id: u64,
    /// The mode.
    pub mode: LockMode,
    /// For how long.
    pub hold: Hold,
    /// What to do when another holds it.
    pub wait: WaitPolicy,
    /// `lock_timeout`
    pub timeout: Option<Duration>,
}

struct Held {
    key: LockKey,
    mode: u8,
    hold: Hold,
}

/// The locks of one session. All are released when this is dropped.
pub struct SessionLocks {
    pub(super) owner: Arc<Owner>,
    env: Arc<dyn Env>,
    table: Arc<LockTable>,
    deadlock_timeout: Duration,
    held: Mutex<Vec<Held>>,
}

impl SessionLocks {
    /// No locks, for the given process.
    pub(crate) fn new(
        env: Arc<dyn Env>,
        table: Arc<LockTable>,
        deadlock_timeout: Duration,
        process: u64,
    ) -> Arc<SessionLocks> {
        let owner = Owner::new(process, None);
        Arc::new(SessionLocks { owner, env, table, deadlock_timeout, held: Mutex::default() })
    }

    /// Takes a lock; a lock may be taken several times. `Ok(false)`: another holds it, and the policy is [`WaitPolicy::Skip`].
    ///
    /// # Errors
    /// Interrupts, time-outs, deadlocks; not available under [`WaitPolicy::NoWait`].
    pub fn lock(&self, request: &SessionLock, interrupt: &Interrupt) -> Result<bool> {
        let key = LockKey::Object(request.class, request.id);
        let mode = request.mode.bit();
        let waiter = |owner: &Arc<Owner>| {
            let owner = Arc::clone(owner);
            let (table, timeout) = (&*self.table, request.timeout);
            Waiter::new(
                &*self.env,
                table,
                interrupt,
                owner,
                key.clone(),
                mode,
                timeout,
                self.deadlock_timeout,
            )
        };
        if !waiter(&self.owner).ask(None, true, false) {
            match request.wait {
                WaitPolicy::Skip => return Ok(false),
                WaitPolicy::NoWait => return Err(StoreError::LockNotAvailable),
                WaitPolicy::Wait => {}
            }
            let agent = self.owner.agent.lock().upgrade().filter(|agent| !agent.has_ended());
            let waiting = agent.unwrap_or_else(|| Arc::clone(&self.owner));
            let mut wait = waiter(&waiting);
            while !wait.ask(None, true, true) {
                wait.park()?;
            }
            drop(wait);
            if !Arc::ptr_eq(&waiting, &self.owner) {
                // Within the group nothing conflicts: the session's request is granted while the transaction still holds the lock.
                let granted = waiter(&self.owner).ask(None, true, false);
                self.table.release(&key, mode, &waiting);
                if !granted {
                    return Err(StoreError::LockNotAvailable);
                }
            }
        }
        self.held.lock().push(Held { key, mode, hold: request.hold });
        Ok(true)
    }

    /// Releases one lock that was taken for the session; false when there is none.
    pub fn release(&self, class: LockClass, id: u64, mode: LockMode) -> bool {
        let key = LockKey::Object(class, id);
        let mut held = self.held.lock();
        let found =
            held.iter().rposition(|h| h.key == key && h.mode == mode.bit() && h.hold == Hold::Session);
        let Some(at) = found else { return false };
        let one = held.remove(at);
        drop(held);
        self.table.release(&one.key, one.mode, &self.owner);
        true
    }

    /// Releases all locks that were taken for the session.
    pub fn release_all(&self) {
        self.release_some(0, Hold::Session);
    }

    /// How many locks there are: a mark for [`SessionLocks::release_transaction`].
    pub fn mark(&self) -> usize {
        self.held.lock().len()
    }

    /// Releases the locks that were taken for the transaction since the mark; 0 for all.
    pub fn release_transaction(&self, mark: usize) {
        self.release_some(mark, Hold::Transaction);
    }

    fn release_some(&self, from: usize, hold: Hold) {
        let mut held = self.held.lock();
        if held.len() <= from {
            return;
        }
        let (gone, kept): (Vec<Held>, Vec<Held>) = held.drain(from..).partition(|h| h.hold == hold);
        held.extend(kept);
        drop(held);
        for one in gone {
            self.table.release(&one.key, one.mode, &self.owner);
        }
    }
}

impl Drop for SessionLocks {
    fn drop(&mut self) {
        self.release_transaction(0);
        self.release_all();
        self.owner.end();
    }
}
