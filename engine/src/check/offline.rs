//! `nqdb check`: a cluster that no server has open.

use std::path::Path;
use std::sync::Arc;

use nq_qsql::error::Result;
use nq_storage::env::Env;

use crate::database::{Config, Database};
use crate::error::store_error;
use crate::session::Session;

/// What [`Database::check`] found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// One line per finding.
    pub findings: Vec<String>,
    /// Pages looked at.
    pub pages: u64,
    /// Findings that were mended: sectors rebuilt, indexes built anew.
    pub healed: u64,
    /// Findings that were not.
    pub damaged: u64,
}

impl Database {
    /// Verifies the files of a cluster that no server has open: the log as far as recovery reads it, every page with its parity, every
    /// tree, and that indexes and tables say the same. With `repair`, what can be mended is written back; without, nothing is.
    ///
    /// # Errors
    /// When the cluster cannot be opened at all.
    pub fn check(env: Arc<dyn Env>, dir: &Path, repair: bool) -> Result<CheckReport> {
        let db = Database::open(env, dir, Config::default())?;
        let mut report = CheckReport::default();
        for finding in db.store.scrub().map_err(store_error)? {
            let named = finding.what.starts_with("page ");
            let place = finding.page.filter(|_| !named).map_or_else(String::new, |p| format!("page {p}: "));
            let healed = if finding.healed { " (healed)" } else { "" };
            report.findings.push(format!("{place}{}{healed}", finding.what));
            report.count(finding.healed);
        }
        report.pages = db.store.metrics().pages.pages;
        for database in db.cluster().databases() {
            let mut session = Session::internal(db.clone(), database, "check")?;
            let entered = session.enter();
            let outcome = session.check_everything(repair);
            drop(entered);
            match outcome {
                Ok(findings) => {
                    for finding in findings {
                        if let Some(line) = finding.line(&database.name) {
                            report.findings.push(line);
                            report.count(finding.repaired);
                        }
                    }
                }
                Err(error) => {
                    report.findings.push(format!("{}: {}", database.name, error.message()));
                    report.count(false);
                }
            }
        }
        if repair {
            db.shutdown()?;
        }
        Ok(report)
    }
}

impl CheckReport {
    fn count(&mut self, mended: bool) {
        match mended {
            true => self.healed += 1,
            false => self.damaged += 1,
        }
    }
}

impl Session {
    /// Checks all tables of the database, each in a transaction of its own.
    fn check_everything(&mut self, repair: bool) -> Result<Vec<super::Finding>> {
        let mut findings = Vec::new();
        self.start_command("check");
        self.ready_view();
        for oid in self.checkable_relations() {
            self.start_command("check");
            self.ready_view();
            self.begin_statement();
            let checked = self.check_relation(oid, repair);
            let checked = checked.and_then(|found| self.sync().map(|()| found));
            findings.extend(self.after_command(checked)?);
        }
        Ok(findings)
    }
}
