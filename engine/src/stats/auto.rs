//! ANALYZE in the background, of tables that have changed enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nq_qsql::error::Result;
use nq_qsql::types::Oid;
use nq_storage::TreeId;
use nq_storage::env::{JoinHandle, Parker};
use parking_lot::Mutex;

use crate::database::Database;
use crate::error::store_error;
use crate::session::Session;

/// The thread that analyses.
#[derive(Default)]
pub(crate) struct AutoAnalyze {
    thread: Mutex<Option<(Arc<Parker>, JoinHandle)>>,
    stopping: Arc<AtomicBool>,
}

impl Database {
    /// Starts the thread.
    pub(crate) fn start_auto_analyze(self: &Arc<Self>) {
        let parker = Arc::new(Parker::new());
        let (weak, waiting, env) = (Arc::downgrade(self), parker.clone(), self.env.clone());
        let stopping = self.auto_analyze.stopping.clone();
        let body = move || {
            loop {
                let Some(pause) = weak.upgrade().map(|db| db.naptime()) else { return };
                env.park(&waiting, Some(pause));
                let Some(db) = weak.upgrade() else { return };
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                if let Err(error) = db.analyze_step() {
                    tracing::warn!("automatic analyze: {error}");
                }
            }
        };
        let handle = self.env.spawn("auto analyze", Box::new(body));
        *self.auto_analyze.thread.lock() = Some((parker, handle));
    }

    /// Ends the thread; what it is at has been interrupted.
    pub(crate) fn stop_auto_analyze(&self) {
        self.auto_analyze.stopping.store(true, Ordering::SeqCst);
        if let Some((parker, handle)) = self.auto_analyze.thread.lock().take() {
            parker.unpark();
            handle.join();
        }
    }

    fn naptime(&self) -> Duration {
        Duration::from_secs(self.setting_int("autovacuum_naptime").max(1) as u64)
    }

    /// Analyses the tables that have changed by more than `autovacuum_analyze_threshold` rows and
    /// `autovacuum_analyze_scale_factor` of their rows.
    ///
    /// # Errors
    /// When a session cannot be opened; a table that cannot be analysed is only logged.
    pub fn analyze_step(self: &Arc<Self>) -> Result<()> {
        if !self.setting_flag("autovacuum") {
            return Ok(());
        }
        let threshold = self.setting_int("autovacuum_analyze_threshold").max(0) as f64;
        let factor = self.setting_real("autovacuum_analyze_scale_factor").max(0.0);
        let mut due: Vec<(Oid, Oid)> = Vec::new();
        for (database, table, changed) in self.changes.all() {
            let Some(object) = self.cluster().database(database).cloned() else {
                self.changes.reset(table);
                continue;
            };
            let state = self.home(&object)?.state();
            let Some(relation) = state.object(table).map(|o| &o.relation) else {
                self.changes.not_found(table);
                continue;
            };
            if crate::catalog::state::is_temporary(relation) {
                continue;
            }
            let records = self.store.tree_stats(TreeId(relation.tree)).map_err(store_error)?.records;
            if changed as f64 > threshold + factor * records as f64 {
                due.push((database, table));
            }
        }
        due.sort_unstable();
        for tables in due.chunk_by(|a, b| a.0 == b.0) {
            let Some(database) = self.cluster().database(tables[0].0).cloned() else { continue };
            let mut session = Session::internal(self.clone(), &database, "autovacuum worker")?;
            let _entered = session.enter();
            for (_, table) in tables {
                let Some(object) = session.home.state().object(*table).cloned() else { continue };
                let name = format!("{}.{}", object.relation.schema, object.relation.name);
                if let Err(error) = session.analyze_alone(*table, &format!("autovacuum: ANALYZE {name}")) {
                    tracing::warn!("automatic ANALYZE of {name}: {error}");
                }
            }
        }
        Ok(())
    }
}
