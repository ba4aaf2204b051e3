//! LMDB by heed: memory-mapped copy-on-write B+ tree, one writer.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions};

use crate::{Key, Kv, Value};

pub struct Lmdb {
    env: Env,
    table: Database<Bytes, Bytes>,
}

pub fn open(dir: &Path) -> Lmdb {
    let mut options = EnvOpenOptions::new();
    options.map_size(16 << 30).max_readers(64);
    // SAFETY: the benchmark opens the directory once per process and sets no flag that gives up consistency.
    let env = unsafe {
        options.flags(EnvFlags::NO_SYNC | EnvFlags::NO_READ_AHEAD);
        options.open(dir).expect("opens")
    };
    let mut write = env.write_txn().expect("begins");
    let table = env.create_database(&mut write, None).expect("database");
    write.commit().expect("commits");
    Lmdb { env, table }
}

impl Kv for Lmdb {
    fn put(&self, pairs: &[(Key, Value)], durable: bool) {
        let mut write = self.env.write_txn().expect("begins");
        for (key, value) in pairs {
            self.table.put(&mut write, key, value).expect("puts");
        }
        write.commit().expect("commits");
        if durable {
            self.env.force_sync().expect("syncs");
        }
    }

    fn get_many(&self, keys: &[Key]) -> u64 {
        let read = self.env.read_txn().expect("begins");
        keys.iter()
            .filter(|key| self.table.get(&read, *key).expect("reads").is_some_and(|v| v[90] == b' '))
            .count() as u64
    }

    fn scan(&self, from: &Key, limit: usize) -> usize {
        let read = self.env.read_txn().expect("begins");
        let range = (std::ops::Bound::Included(&from[..]), std::ops::Bound::Unbounded);
        self.table
            .range(&read, &range)
            .expect("range")
            .take(limit)
            .filter(|row| row.as_ref().is_ok_and(|(_, v)| v[90] == b' '))
            .count()
    }

    fn settle(&self) {
        self.env.force_sync().expect("syncs");
    }
}
