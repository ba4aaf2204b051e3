//! How many rows of each table have changed since it was last analysed.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hashbrown::HashMap;
use nq_qsql::types::Oid;
use parking_lot::RwLock;

/// The counters, by table. OIDs are unique in the cluster.
#[derive(Default)]
pub(crate) struct Changes {
    tables: RwLock<HashMap<Oid, Counter>>,
}

struct Counter {
    database: Oid,
    rows: AtomicU64,
    /// Rounds in which the catalog did not know the table.
    unknown: AtomicU32,
}

/// A table may be unknown for so long because the transaction that made it still runs; then it counts as dropped.
const UNKNOWN_ROUNDS_MAX: u32 = 60;

impl Changes {
    /// Takes note of changed rows.
    pub(crate) fn add(&self, database: Oid, table: Oid, rows: u64) {
        if rows == 0 {
            return;
        }
        if let Some(counter) = self.tables.read().get(&table) {
            counter.rows.fetch_add(rows, Ordering::Relaxed);
            return;
        }
        let mut tables = self.tables.write();
        let new = || Counter { database, rows: AtomicU64::new(0), unknown: AtomicU32::new(0) };
        let counter = tables.entry(table).or_insert_with(new);
        counter.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows of a table that were changed since it was analysed.
    pub(crate) fn of(&self, table: Oid) -> u64 {
        self.tables.read().get(&table).map_or(0, |counter| counter.rows.load(Ordering::Relaxed))
    }

    /// Starts over with a table: it was analysed, or is gone.
    pub(crate) fn reset(&self, table: Oid) {
        self.tables.write().remove(&table);
    }

    /// Takes note that the catalog does not know a table.
    pub(crate) fn not_found(&self, table: Oid) {
        let rounds = self.tables.read().get(&table).map_or(0, |c| c.unknown.fetch_add(1, Ordering::Relaxed));
        if rounds >= UNKNOWN_ROUNDS_MAX {
            self.reset(table);
        }
    }

    /// All counters: (database, table, rows).
    pub(crate) fn all(&self) -> Vec<(Oid, Oid, u64)> {
        let tables = self.tables.read();
        tables.iter().map(|(t, c)| (c.database, *t, c.rows.load(Ordering::Relaxed))).collect()
    }
}
