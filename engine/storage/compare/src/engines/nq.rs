//! nq-storage: the engine under NeuroQuantumDB.

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::Arc;

use nq_storage::env::Env;
use nq_storage::env::os::OsEnv;
use nq_storage::{Direction, KeyRange, Options, Store, TreeId, TxnOptions};

use crate::{Key, Kv, Value};

pub struct Nq {
    store: Store,
    table: TreeId,
}

pub fn open(dir: &Path, cache_mb: usize) -> Nq {
    let env: Arc<dyn Env> = Arc::new(OsEnv::new());
    // As the server does: large pools have huge pages.
    let options =
        Options { buffer_bytes: cache_mb << 20, huge_pages: cache_mb >= 256, ..Options::default() };
    let marker = dir.join("tree");
    let fresh = !marker.exists();
    if fresh {
        Store::create(env.clone(), dir, &options).expect("creates");
    }
    let store = Store::open(env, dir, options).expect("opens");
    store.start_background();
    let table = if fresh {
        let mut txn = store.begin(TxnOptions::default());
        let table = txn.create_tree().expect("tree");
        let committed = txn.commit().expect("commits");
        store.wait_durable(committed.lsn.expect("something was written")).expect("durable");
        std::fs::write(marker, table.0.to_string()).expect("marker");
        table
    } else {
        TreeId(std::fs::read_to_string(marker).expect("marker").parse().expect("tree number"))
    };
    Nq { store, table }
}

impl Kv for Nq {
    fn put(&self, pairs: &[(Key, Value)], durable: bool) {
        let mut txn = self.store.begin(TxnOptions::default());
        for (key, value) in pairs {
            txn.put(self.table, key, value).expect("puts");
        }
        let committed = txn.commit().expect("commits");
        if let (true, Some(lsn)) = (durable, committed.lsn) {
            self.store.wait_durable(lsn).expect("durable");
        }
    }

    fn get_many(&self, keys: &[Key]) -> u64 {
        let txn = self.store.begin(TxnOptions::default());
        keys.iter()
            .filter(|key| txn.get(self.table, *key, |v| v[90] == b' ').expect("reads") == Some(true))
            .count() as u64
    }

    fn scan(&self, from: &Key, limit: usize) -> usize {
        let txn = self.store.begin(TxnOptions::default());
        let range = KeyRange { lower: Bound::Included(from.to_vec()), upper: Bound::Unbounded };
        let mut cursor = txn.cursor(self.table, range, Direction::Forward).expect("cursor");
        let mut count = 0;
        while count < limit {
            let more = cursor
                .next_batch(&txn, limit - count, &mut |_: &[u8], value: &[u8]| {
                    count += usize::from(std::hint::black_box(value)[90] == b' ');
                    ControlFlow::Continue(())
                })
                .expect("scans");
            if !more {
                break;
            }
        }
        count
    }

    fn settle(&self) {
        self.store.checkpoint().expect("checkpoint");
    }
}

impl Drop for Nq {
    fn drop(&mut self) {
        self.store.shutdown().expect("shuts down");
    }
}
