//! fjall: log-structured merge tree.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::{Key, Kv, Value};

pub struct Fjall {
    db: Database,
    table: Keyspace,
}

pub fn open(dir: &Path, cache_mb: usize) -> Fjall {
    let db = Database::builder(dir).cache_size((cache_mb as u64) << 20).open().expect("opens");
    let table = db.keyspace("t", KeyspaceCreateOptions::default).expect("keyspace");
    Fjall { db, table }
}

impl Kv for Fjall {
    fn put(&self, pairs: &[(Key, Value)], durable: bool) {
        let mut batch = self.db.batch();
        for (key, value) in pairs {
            batch.insert(&self.table, key, value);
        }
        batch.commit().expect("commits");
        if durable {
            self.db.persist(PersistMode::SyncData).expect("persists");
        }
    }

    fn get_many(&self, keys: &[Key]) -> u64 {
        keys.iter().filter(|key| self.table.get(key).expect("reads").is_some_and(|v| v[90] == b' ')).count()
            as u64
    }

    fn scan(&self, from: &Key, limit: usize) -> usize {
        self.table
            .range(from.to_vec()..)
            .take(limit)
            .filter_map(|row| row.value().ok())
            .filter(|v| v[90] == b' ')
            .count()
    }

    fn settle(&self) {
        self.db.persist(PersistMode::SyncAll).expect("persists");
    }
}
