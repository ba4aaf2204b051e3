//! What operators and the server ask of a database beside SQL: health, sessions, role membership for `pg_hba.conf`.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_storage::env::Env;

use crate::activity::reason;
use crate::catalog::BOOTSTRAP_SUPERUSER;
use crate::database::Database;
use crate::error::store_error;

/// Microseconds between 1970-01-01 and 2000-01-01.
const UNIX_EPOCH_OFFSET: i64 = 946_684_800_000_000;

/// The wall clock in microseconds since 2000-01-01 UTC, as timestamps count.
pub fn clock_time(env: &dyn Env) -> i64 {
    env.now_micros() - UNIX_EPOCH_OFFSET
}

impl Database {
    /// Whether the database can take writes.
    ///
    /// # Errors
    /// What stops it: a failed sync, a full disk.
    pub fn health(&self) -> Result<()> {
        self.store.usable().map_err(store_error)
    }

    /// Name of the superuser that the cluster was created with, whatever it is called by now.
    pub fn bootstrap_superuser(&self) -> Arc<str> {
        self.cluster().role(BOOTSTRAP_SUPERUSER).map_or_else(|| "postgres".into(), |role| role.name.clone())
    }

    /// Whether a role is a direct or indirect member of another; a role is a member of itself.
    pub fn is_member(&self, user: &str, role: &str) -> bool {
        let cluster = self.cluster();
        match (cluster.role_named(user), cluster.role_named(role)) {
            (Some(user), Some(role)) => cluster.is_member(user.oid, role.oid),
            _ => false,
        }
    }

    /// Number of clients' sessions.
    pub fn session_count(&self) -> usize {
        self.activity.all().iter().filter(|b| b.kind == "client backend").count()
    }

    /// Ends what every session is running, and the session at its next chance: for shutdown.
    pub fn interrupt_all(&self) {
        for backend in self.activity.all() {
            backend.end(reason::SHUTDOWN);
        }
    }
}
