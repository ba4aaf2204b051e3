//! A database cluster: its directory, its store, and what its sessions share.

use std::path::Path;
use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_storage::env::Env;

use crate::session::{ConnectInfo, Lsn, Session};
use crate::settings::BaseSettings;

/// How a database is opened.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Values of parameters from the configuration file and the command line (`shared_buffers`, `max_connections`, ...).
    pub settings: BaseSettings,
    /// Run the background threads; the simulator runs their steps itself.
    pub background: bool,
}

/// An open database cluster.
pub struct Database {
    _private: (),
}

impl Database {
    /// Makes a new cluster in `dir` with one superuser; `verifier` is its SCRAM-SHA-256 verifier, `None` for no password.
    ///
    /// # Errors
    /// 58030 when files cannot be made, 42710 when there is a cluster already.
    pub fn create(env: Arc<dyn Env>, dir: &Path, superuser: &str, verifier: Option<&str>) -> Result<()> {
        let _ = (env, dir, superuser, verifier);
        Err(SqlError::unsupported("the database"))
    }

    /// Opens the cluster in `dir`, recovering it if it was not shut down cleanly.
    ///
    /// # Errors
    /// 58030, XX001 as storage finds.
    pub fn open(env: Arc<dyn Env>, dir: &Path, config: Config) -> Result<Arc<Database>> {
        let _ = (env, dir, config);
        Err(SqlError::unsupported("the database"))
    }

    /// What authentication needs of a role: its verifier (`None`: no password) and whether it may log in; `None` when there is no such role.
    pub fn login_role(&self, name: &str) -> Option<LoginRole> {
        let _ = name;
        None
    }

    /// Opens a session for an authenticated user.
    ///
    /// # Errors
    /// 3D000 unknown database, 28000 unknown role or not permitted to log in, 53300 too many connections, 22023 for settings.
    pub fn connect(self: &Arc<Self>, info: ConnectInfo) -> Result<Session> {
        let _ = info;
        Err(SqlError::unsupported("the database"))
    }

    /// Cancels the statement that the session with this key is running; a wrong key does nothing.
    pub fn cancel(&self, pid: i32, secret: i32) {
        let _ = (pid, secret);
    }

    /// Waits until the log is durable up to `lsn`.
    pub fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        let _ = lsn;
        Ok(())
    }

    /// Calls `done` when the log is durable up to `lsn`, at once if it already is.
    pub fn on_durable(&self, lsn: Lsn, done: Box<dyn FnOnce(Result<()>) + Send>) {
        let _ = lsn;
        done(Ok(()));
    }

    /// Ends all sessions' statements, flushes and marks the store clean.
    pub fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// What authentication needs of a role.
#[derive(Clone, Debug)]
pub struct LoginRole {
    /// SCRAM-SHA-256 verifier.
    pub verifier: Option<Arc<str>>,
    /// LOGIN.
    pub can_login: bool,
    /// `VALID UNTIL`, microseconds since 2000-01-01; `None`: for ever.
    pub valid_until: Option<i64>,
}
