//! Statements through a session of a database in a simulated environment.

mod encryption;
mod explain_analyze;
mod memory;
mod point;
mod writing;

use std::path::Path;
use std::sync::Arc;

use nq_engine::session::{ConnectInfo, CopySpec, Flow, Format, ResultSink, Rows, Session};
use nq_engine::settings::BaseSettings;
use nq_engine::{Config, Database};
use nq_qsql::error::Result;
use nq_qsql::plan::physical::OutputColumn;
use nq_storage::env::sim::SimEnv;

/// A new database.
fn database(settings: BaseSettings) -> Arc<Database> {
    let env = SimEnv::new(7);
    Database::create(env.clone(), Path::new("/db"), "postgres", None).unwrap();
    Database::open(env, Path::new("/db"), Config { settings, background: false }).unwrap()
}

/// Its superuser.
fn superuser() -> ConnectInfo {
    ConnectInfo { user: "postgres".into(), ..ConnectInfo::default() }
}

/// The superuser's session of a new database.
fn session(settings: BaseSettings) -> Session {
    database(settings).connect(superuser()).unwrap()
}

/// Gives all rows to a closure.
struct EachRows<F>(F);

impl<F: FnMut(&Rows<'_>) -> Result<()>> ResultSink for EachRows<F> {
    fn describe(&mut self, _columns: &[OutputColumn], _formats: &[Format]) {}

    fn rows(&mut self, rows: &Rows<'_>) -> Result<Flow> {
        (self.0)(rows).map(|()| Flow::More)
    }

    fn copy_out(&mut self, _spec: &CopySpec) {}

    fn copy_data(&mut self, _data: &[u8]) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn copy_end(&mut self) {}
}
