//! Waits for rows that are left to the caller: a server's task can wait where a thread would have to be handed over.
//!
//! A point statement that meets a row of a running transaction before it has written anything answers [`Outcome::Blocked`]; the caller
//! waits for that transaction and lets the statement start over. Such a wait is short and has no place in the row's queue: after a few
//! attempts, or when the caller has waited long enough, the statement waits in place, where time-outs, deadlock detection and the
//! queue's order hold. Sessions with `lock_timeout` or `statement_timeout` always wait in place.
//!
//! [`Outcome::Blocked`]: super::Outcome::Blocked

use nq_storage::{DeferredWait, Txn};

use super::Session;

/// Attempts of one statement before it waits in place.
const ATTEMPTS_MAX: u8 = 8;

/// How a session's waits for rows stand.
#[derive(Default)]
pub(super) struct Deferral {
    /// The caller can wait.
    offered: bool,
    /// Times the present statement was blocked.
    attempts: u8,
    wait: Option<DeferredWait>,
}

impl Deferral {
    /// Whether a statement is to start over.
    pub(super) fn is_resuming(&self) -> bool {
        self.attempts > 0
    }

    /// Takes note of the end of a message's work; whether the statement is still at it.
    pub(super) fn goes_on(&mut self) -> bool {
        if self.wait.is_none() {
            self.attempts = 0;
        }
        self.is_resuming()
    }
}

impl Session {
    /// Says that the caller understands [`Outcome::Blocked`](super::Outcome::Blocked).
    pub fn defer_waits(&mut self) {
        self.deferral.offered = true;
    }

    /// What the statement that was [`Outcome::Blocked`](super::Outcome::Blocked) waits for.
    pub fn take_deferred(&mut self) -> Option<DeferredWait> {
        self.deferral.wait.take()
    }

    /// The caller has waited long enough: the next attempt waits in place.
    pub fn wait_in_place(&mut self) {
        self.deferral.attempts = ATTEMPTS_MAX;
    }

    /// Whether the next wait for a row can be left to the caller.
    pub(super) fn can_defer(&self) -> bool {
        let derived = self.host.settings.derived();
        self.deferral.offered
            && self.deferral.attempts < ATTEMPTS_MAX
            && derived.lock_timeout_ms == 0
            && derived.statement_timeout_ms == 0
            && derived.transaction_timeout_ms == 0
    }

    /// Whether an attempt has ended in a wait for the caller.
    pub(super) fn note_deferred(&mut self) -> bool {
        self.deferral.wait = self.transaction.txn.as_mut().and_then(Txn::take_deferred);
        self.deferral.attempts += u8::from(self.deferral.wait.is_some());
        self.deferral.wait.is_some()
    }
}
