//! `nqdb check`.

use std::sync::Arc;

use nq_engine::Database;
use nq_storage::env::Env;
use nq_storage::env::os::OsEnv;

use super::{Check, say};

/// Verifies a stopped cluster; fails when anything is damaged that was not repaired.
pub fn run(arguments: &Check) -> Result<(), String> {
    let env: Arc<dyn Env> = Arc::new(OsEnv::new());
    let report =
        Database::check(env, &arguments.place.data_dir, arguments.repair).map_err(|e| e.to_string())?;
    for line in &report.findings {
        say(line);
    }
    say(&format!("{} pages checked, {} healed, {} damaged", report.pages, report.healed, report.damaged));
    if report.damaged > 0 { Err("the database is damaged".to_owned()) } else { Ok(()) }
}
