//! Counters and gauges for operators.
//!
//! What statements count, each session counts for itself ([`Counters`]: one writer, no contention); a scrape adds the sessions up, with
//! what ended sessions have left behind. The rest is asked of the store at that moment.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nq_qsql::error::SqlState;
use nq_storage::env::{OpenMode, read_full};
use nq_storage::store::PAGE_BYTES;

use crate::database::Database;

/// Whether a metric only ever grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "Prometheus's own words")]
pub enum MetricKind {
    Counter,
    Gauge,
}

/// A counter or gauge at this moment.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Prometheus name. Metrics of one name follow each other.
    pub name: &'static str,
    /// One line of explanation.
    pub help: &'static str,
    /// Counter or gauge.
    pub kind: MetricKind,
    /// A label and its value.
    pub label: Option<(&'static str, &'static str)>,
    /// The value.
    pub value: f64,
}

/// Classes of SQLSTATE that are counted one by one; all others together.
const CLASSES: [&str; 12] = ["08", "0A", "22", "23", "25", "28", "40", "42", "53", "55", "57", "XX"];

/// What one session has done. Only the session adds.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    statements: AtomicU64,
    commits: AtomicU64,
    rollbacks: AtomicU64,
    errors: [AtomicU64; CLASSES.len() + 1],
}

fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed) + n, Relaxed);
}

impl Counters {
    /// A statement has run to its end.
    pub(crate) fn statement(&self) {
        add(&self.statements, 1);
    }

    /// A transaction has committed.
    pub(crate) fn commit(&self) {
        add(&self.commits, 1);
    }

    /// A transaction was rolled back.
    pub(crate) fn rollback(&self) {
        add(&self.rollbacks, 1);
    }

    /// A command has failed.
    pub(crate) fn error(&self, code: SqlState) {
        let class = CLASSES.iter().position(|c| c.as_bytes() == &code.0[..2]).unwrap_or(CLASSES.len());
        add(&self.errors[class], 1);
    }

    /// Adds what another has counted; not for a session's own.
    pub(crate) fn absorb(&self, other: &Counters) {
        let errors = self.errors.iter().zip(&other.errors);
        let pairs = [
            (&self.statements, &other.statements),
            (&self.commits, &other.commits),
            (&self.rollbacks, &other.rollbacks),
        ];
        for (mine, theirs) in pairs.into_iter().chain(errors) {
            mine.fetch_add(theirs.load(Relaxed), Relaxed);
        }
    }
}

impl Database {
    /// All metrics.
    pub fn metrics(&self) -> Vec<Metric> {
        let done = self.activity.counters();
        let store = self.store.metrics();
        let mut list = List::default();
        list.gauge(
            "nqdb_up",
            "Whether the database takes writes.",
            f64::from(u8::from(self.health().is_ok())),
        );
        let uptime = (self.now() - self.started) as f64 / 1e6;
        list.gauge("nqdb_uptime_seconds", "Seconds since the database was opened.", uptime);
        list.gauge("nqdb_connections", "Sessions of clients.", self.session_count() as f64);
        let most = self.setting_int("max_connections").max(0) as f64;
        list.gauge("nqdb_connections_max", "Sessions of clients that there may be.", most);
        list.counter("nqdb_statements_total", "Statements run to their end.", done.statements.load(Relaxed));
        list.counter("nqdb_transactions_committed_total", "Commits.", done.commits.load(Relaxed));
        list.counter("nqdb_transactions_rolled_back_total", "Rollbacks.", done.rollbacks.load(Relaxed));
        for (i, errors) in done.errors.iter().enumerate() {
            let class = CLASSES.get(i).copied().unwrap_or("other");
            list.0.push(Metric {
                name: "nqdb_errors_total",
                help: "Errors by class of SQLSTATE.",
                kind: MetricKind::Counter,
                label: Some(("class", class)),
                value: errors.load(Relaxed) as f64,
            });
        }
        let running = store.running as f64;
        list.gauge("nqdb_transactions_running", "Transactions that have written.", running);
        list.gauge("nqdb_undo_bytes", "Older versions in memory.", store.undo_bytes as f64);
        list.gauge("nqdb_undo_spilled_bytes", "Older versions on disk.", store.undo_spilled_bytes as f64);
        list.gauge("nqdb_query_memory_bytes", "Memory of running statements.", self.budget.used() as f64);
        let buffer = store.buffer;
        list.counter("nqdb_buffer_hits_total", "Pages found in the buffer pool.", buffer.hits);
        list.counter("nqdb_buffer_reads_total", "Pages read into the buffer pool.", buffer.misses);
        list.counter("nqdb_buffer_evictions_total", "Pages that made room.", buffer.evictions);
        list.gauge("nqdb_buffer_frames", "Pages that the buffer pool holds at most.", buffer.frames as f64);
        list.gauge("nqdb_buffer_dirty_frames", "Pages still to be written.", buffer.dirty as f64);
        list.counter("nqdb_wal_bytes_total", "Bytes of the log since the cluster was made.", store.end_lsn.0);
        list.counter("nqdb_wal_durable_bytes_total", "Durable bytes of the log.", store.durable_lsn.0);
        let pages = store.pages;
        list.counter("nqdb_pages_read_total", "Pages read from the data file.", pages.reads);
        list.counter("nqdb_pages_written_total", "Pages written to the data file.", pages.writes);
        list.counter("nqdb_pages_healed_total", "Pages healed by their parity.", pages.healed);
        list.counter("nqdb_pages_lost_total", "Pages found beyond healing.", pages.lost);
        list.counter("nqdb_checkpoints_total", "Checkpoints.", pages.checkpoints);
        list.gauge("nqdb_pages", "Pages in the data file.", pages.pages as f64);
        list.gauge("nqdb_page_bytes", "Size of a page.", PAGE_BYTES as f64);
        list.gauge("nqdb_data_sectors", "Sectors of the data file.", pages.sectors as f64);
        list.gauge("nqdb_data_sectors_used", "Sectors in use.", pages.sectors_used as f64);
        if let Some(bytes) = self.resident_bytes() {
            list.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", bytes);
        }
        list.0
    }

    /// Resident memory of the process, where the system tells.
    fn resident_bytes(&self) -> Option<f64> {
        let file = self.env.open(Path::new("/proc/self/status"), OpenMode::Read).ok()?;
        let mut bytes = [0; 4096];
        let length = read_full(&*file, &mut bytes, 0).ok()?;
        let text = std::str::from_utf8(&bytes[..length]).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024.0)
    }
}

#[derive(Default)]
struct List(Vec<Metric>);

impl List {
    fn counter(&mut self, name: &'static str, help: &'static str, value: u64) {
        self.0.push(Metric { name, help, kind: MetricKind::Counter, label: None, value: value as f64 });
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.0.push(Metric { name, help, kind: MetricKind::Gauge, label: None, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_class() {
        let (one, all) = (Counters::default(), Counters::default());
        one.error(SqlState(*b"23505"));
        one.error(SqlState(*b"P0001"));
        one.statement();
        all.absorb(&one);
        all.absorb(&one);
        let class = |name: &str| CLASSES.iter().position(|c| *c == name).map(|i| all.errors[i].load(Relaxed));
        assert_eq!((class("23"), class("42")), (Some(2), Some(0)));
        assert_eq!(all.errors[CLASSES.len()].load(Relaxed), 2);
        assert_eq!(all.statements.load(Relaxed), 2);
    }
}
