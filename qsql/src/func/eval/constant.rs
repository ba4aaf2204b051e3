//! The session of expressions that are evaluated without one.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::error::{Result, SqlError};
use crate::func::Host;
use crate::types::{Datum, Oid};

/// A [`Host`] for constant folding: immutable functions do not look at it, whatever does fails or sees nothing.
pub struct ConstantHost<'a> {
    /// The catalog.
    pub catalog: &'a dyn Catalog,
    /// What the clocks show.
    pub time: i64,
}

fn no_session() -> SqlError {
    SqlError::internal("function needs a session, but the expression is evaluated without one")
}

impl Host for ConstantHost<'_> {
    fn transaction_time(&self) -> i64 {
        self.time
    }

    fn statement_time(&self) -> i64 {
        self.time
    }

    fn clock_time(&self) -> i64 {
        self.time
    }

    fn current_user(&self) -> Arc<str> {
        "".into()
    }

    fn session_user(&self) -> Arc<str> {
        "".into()
    }

    fn catalog(&self) -> &dyn Catalog {
        self.catalog
    }

    fn nextval(&mut self, _: Oid) -> Result<i64> {
        Err(no_session())
    }

    fn currval(&mut self, _: Oid) -> Result<i64> {
        Err(no_session())
    }

    fn lastval(&mut self) -> Result<i64> {
        Err(no_session())
    }

    fn setval(&mut self, _: Oid, _: i64, _: bool) -> Result<i64> {
        Err(no_session())
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    fn set_setting(&mut self, _: &str, _: Option<&str>, _: bool) -> Result<String> {
        Err(no_session())
    }

    fn random(&mut self) -> u64 {
        0
    }

    fn seed(&mut self, _: f64) {}

    fn backend_pid(&self) -> i32 {
        0
    }

    fn sleep(&mut self, _: i64) -> Result<()> {
        Err(no_session())
    }

    fn system(&mut self, _: &str, _: &[Datum]) -> Result<Datum> {
        Err(no_session())
    }

    fn system_rows(&mut self, _: &str, _: &[Datum]) -> Result<Vec<Vec<Datum>>> {
        Err(no_session())
    }

    fn check_interrupt(&self) -> Result<()> {
        Ok(())
    }

    /// Large values are made when the statement runs: they do not belong into plans.
    fn reserve(&mut self, _: usize) -> Result<()> {
        Err(crate::sql_err!(OUT_OF_MEMORY, "out of memory"))
    }

    fn release(&mut self) {}
}
