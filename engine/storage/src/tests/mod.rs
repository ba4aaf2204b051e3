//! Tests of the whole store, on the simulated machine.

mod crash;
mod isolation;
mod locks;
mod sweep;
mod tree;

use crate::env::sim::SimEnv;
use crate::wal::WalOptions;
use crate::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// A small store: everything happens early.
fn options() -> Options {
    Options {
        buffer_bytes: 48 * 16384,
        undo_bytes: 256 << 10,
        wal: WalOptions { segment_bytes: 256 << 10, buffer_bytes: 512 << 10, ..WalOptions::default() },
        checkpoint_log_bytes: 256 << 10,
        deadlock_timeout: std::time::Duration::from_millis(20),
        ..Options::default()
    }
}

fn dir() -> &'static Path {
    Path::new("/db")
}

fn fresh(seed: u64) -> (Arc<SimEnv>, Store) {
    let env = SimEnv::new(seed);
    let store = Store::create(env.clone(), dir(), &options()).expect("create");
    (env, store)
}

fn begin(store: &Store) -> Txn {
    store.begin(TxnOptions::default())
}

fn begin_at(store: &Store, isolation: Isolation) -> Txn {
    store.begin(TxnOptions { isolation, ..TxnOptions::default() })
}

/// A store with one tree holding the given pairs.
fn with_tree(pairs: &[(&str, &str)]) -> (Store, TreeId) {
    let (_, store) = fresh(1);
    let mut txn = begin(&store);
    let tree = txn.create_tree().unwrap();
    for (key, value) in pairs {
        txn.put(tree, key.as_bytes(), value.as_bytes()).unwrap();
    }
    txn.commit().unwrap();
    (store, tree)
}

fn get(txn: &Txn, tree: TreeId, key: &str) -> Option<String> {
    txn.get(tree, key.as_bytes(), |value| String::from_utf8_lossy(value).into_owned()).unwrap()
}

fn put(txn: &mut Txn, tree: TreeId, key: &str, value: &str) {
    txn.put(tree, key.as_bytes(), value.as_bytes()).unwrap();
}

fn update(txn: &mut Txn, tree: TreeId, key: &str, value: &str) -> Result<Modified> {
    let value = value.as_bytes().to_vec();
    txn.modify(tree, key.as_bytes(), LockStrength::NoKeyUpdate, WaitPolicy::NoWait, &mut |_| {
        Change::Update(value.clone())
    })
}

fn scan(txn: &Txn, tree: TreeId, range: KeyRange, direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cursor = txn.cursor(tree, range, direction).unwrap();
    let mut out = Vec::new();
    while cursor
        .next_batch(txn, 7, &mut |key, value| {
            out.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap()
    {}
    out
}

fn all(txn: &Txn, tree: TreeId) -> BTreeMap<Vec<u8>, Vec<u8>> {
    scan(txn, tree, KeyRange::all(), Direction::Forward).into_iter().collect()
}

fn assert_sound(store: &Store) {
    let findings = store.verify(None).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}

/// Cleans until nothing is left to clean.
fn clean(store: &Store) {
    while store.clean_step().unwrap() == crate::wal::Next::Again {}
}

fn assert_no_leak(store: &Store) {
    clean(store);
    store.checkpoint().unwrap();
    assert_eq!(store.unreachable_pages().unwrap(), 0);
}
