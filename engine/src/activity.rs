//! Who is connected and what they are doing: process ids, cancel keys, `pg_stat_activity`.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};

use hashbrown::{HashMap, HashSet};
use nq_qsql::bail;
use nq_qsql::error::Result;
use nq_qsql::types::Oid;
use nq_storage::Interrupt;
use parking_lot::{Mutex, RwLock};

use crate::metrics::Counters;
use crate::session::Encryption;

/// Reasons to raise a session's interrupt.
pub(crate) mod reason {
    /// `pg_cancel_backend`, CancelRequest.
    pub(crate) const CANCEL: u8 = 1;
    /// `statement_timeout`
    pub(crate) const STATEMENT_TIMEOUT: u8 = 2;
    /// `pg_terminate_backend`, DROP DATABASE ... FORCE.
    pub(crate) const TERMINATE: u8 = 3;
    /// The server shuts down.
    pub(crate) const SHUTDOWN: u8 = 4;
    /// `transaction_timeout`
    pub(crate) const TRANSACTION_TIMEOUT: u8 = 5;
}

/// What a session does (`pg_stat_activity.state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Idle,
    Active,
    IdleInTransaction,
    IdleInFailedTransaction,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Active => "active",
            State::IdleInTransaction => "idle in transaction",
            State::IdleInFailedTransaction => "idle in transaction (aborted)",
        }
    }
}

/// What changes while a session runs. Times are microseconds since 2000-01-01.
#[derive(Clone, Debug)]
pub(crate) struct Doing {
    pub(crate) state: State,
    pub(crate) query: Arc<str>,
    pub(crate) application: Arc<str>,
    pub(crate) transaction_start: Option<i64>,
    pub(crate) query_start: Option<i64>,
    pub(crate) state_change: i64,
}

/// A connected session.
pub(crate) struct Backend {
    pub(crate) pid: i32,
    pub(crate) secret: i32,
    /// `pg_stat_activity.backend_type`
    pub(crate) kind: &'static str,
    pub(crate) database: Oid,
    pub(crate) user: Oid,
    pub(crate) client_addr: Option<IpAddr>,
    pub(crate) client_port: i32,
    pub(crate) server_addr: Option<IpAddr>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) start: i64,
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) doing: Mutex<Doing>,
    /// Raised for good by `pg_terminate_backend` and shutdown.
    pub(crate) terminate: AtomicBool,
    /// Tells whoever waits for the session's client that the session is to end.
    pub(crate) on_end: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Notifications wait for the session.
    pub(crate) has_mail: AtomicBool,
    /// Tells whoever waits for the session's client that notifications wait.
    pub(crate) on_mail: OnceLock<Box<dyn Fn() + Send + Sync>>,
    pub(crate) counters: Counters,
}

/// All connected sessions.
#[derive(Default)]
pub(crate) struct Activity {
    backends: RwLock<HashMap<i32, Arc<Backend>>>,
    /// Databases that nobody may enter now; changed while `backends` is locked for writing.
    closed: Mutex<HashSet<Oid>>,
    last_pid: AtomicI32,
    /// What the sessions that have ended counted.
    ended: Counters,
}

/// Process ids start here: small numbers look like operating-system processes.
const FIRST_PID: i32 = 1000;

impl Activity {
    /// Returns a process id that no session has.
    pub(crate) fn next_pid(&self) -> i32 {
        let mut pid = self.last_pid.fetch_add(1, Ordering::Relaxed) + FIRST_PID;
        let backends = self.backends.read();
        while pid <= 0 || backends.contains_key(&pid) {
            if pid <= 0 {
                self.last_pid.store(0, Ordering::Relaxed);
            }
            pid = self.last_pid.fetch_add(1, Ordering::Relaxed) + FIRST_PID;
        }
        pid
    }

    /// Adds a session, unless `check`, which sees all others, refuses it.
    pub(crate) fn enter(
        &self,
        backend: Arc<Backend>,
        check: impl FnOnce(&mut dyn Iterator<Item = &Backend>) -> Result<()>,
    ) -> Result<()> {
        let mut backends = self.backends.write();
        if self.closed.lock().contains(&backend.database) {
            bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "the database is not currently accepting connections");
        }
        check(&mut backends.values().map(|b| &**b))?;
        backends.insert(backend.pid, backend);
        Ok(())
    }

    /// Lets nobody into a database, if nobody but the session `own` is in it; answers how many others are.
    pub(crate) fn close(&self, database: Oid, own: i32) -> usize {
        let backends = self.backends.write();
        let others = backends.values().filter(|b| b.database == database && b.pid != own).count();
        if others == 0 {
            self.closed.lock().insert(database);
        }
        others
    }

    /// Lets sessions into a database again.
    pub(crate) fn open(&self, database: Oid) {
        self.closed.lock().remove(&database);
    }

    /// Removes a session.
    pub(crate) fn leave(&self, pid: i32) {
        if let Some(backend) = self.backends.write().remove(&pid) {
            self.ended.absorb(&backend.counters);
        }
    }

    /// What all sessions have counted so far.
    pub(crate) fn counters(&self) -> Counters {
        let sum = Counters::default();
        let backends = self.backends.read();
        sum.absorb(&self.ended);
        backends.values().for_each(|b| sum.absorb(&b.counters));
        sum
    }

    /// Finds a session.
    pub(crate) fn find(&self, pid: i32) -> Option<Arc<Backend>> {
        self.backends.read().get(&pid).cloned()
    }

    /// All sessions, by process id.
    pub(crate) fn all(&self) -> Vec<Arc<Backend>> {
        let mut all: Vec<_> = self.backends.read().values().cloned().collect();
        all.sort_unstable_by_key(|b| b.pid);
        all
    }
}

impl Backend {
    /// Ends the session at its next chance.
    pub(crate) fn end(&self, why: u8) {
        self.terminate.store(true, Ordering::SeqCst);
        self.interrupt.raise(why);
        if let Some(tell) = self.on_end.get() {
            tell();
        }
    }
}
