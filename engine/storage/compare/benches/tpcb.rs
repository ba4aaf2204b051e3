//! Small read-write transactions from many threads on one store: what pgbench's `tpcb-like` script asks of storage.
//!
//! `cargo bench --manifest-path engine/storage/compare/Cargo.toml --bench tpcb [-- --threads T] [--seconds S] [--scale N] [--cache-mb M] [--no-wait] [--dir DIR]`
//!
//! A transaction adds an amount to an account's balance and reads it back, adds it to a teller's and a branch's balance,
//! inserts a row of history, commits, and waits until the commit is durable. Accounts, tellers and branches are reached
//! through an index, as SQL would: key -> row id -> row.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nq_storage::env::os::OsEnv;
use nq_storage::{
    Change, Current, LockStrength, Modified, Options, Store, TreeId, Txn, TxnOptions, WaitPolicy,
};
use nq_storage_compare::{Random, cpu_seconds};

const ACCOUNTS: u64 = 100_000;
const TELLERS: u64 = 10;

struct Table {
    rows: TreeId,
    index: TreeId,
}

struct Bank {
    store: Store,
    accounts: Table,
    tellers: Table,
    branches: Table,
    history: TreeId,
}

fn main() {
    let (mut threads, mut seconds, mut scale, mut cache_mb, mut durable) =
        (16u64, 5u64, 10u64, 40usize, true);
    let mut dir = std::env::temp_dir().join("nq-tpcb");
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("the option has a value");
        match word.as_str() {
            "--threads" => threads = next().parse().expect("a number"),
            "--seconds" => seconds = next().parse().expect("a number"),
            "--scale" => scale = next().parse().expect("a number"),
            "--cache-mb" => cache_mb = next().parse().expect("a number"),
            "--dir" => dir = PathBuf::from(next()),
            "--no-wait" => durable = false,
            "--bench" => {}
            other => panic!("unknown option {other}"),
        }
    }
    let _ = std::fs::remove_dir_all(&dir);
    let options = Options { buffer_bytes: cache_mb << 20, ..Options::default() };
    let store = Store::create(Arc::new(OsEnv::new()), &dir, &options).expect("creates");
    store.start_background();
    let bank = Bank::fill(store, scale);
    let (committed, slowest) = (AtomicU64::new(0), AtomicU64::new(0));
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let limit = Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for worker in 0..threads {
            let (bank, committed, slowest) = (&bank, &committed, &slowest);
            scope.spawn(move || {
                let mut random = Random(0x9E37_79B9 + worker * 7919);
                while start.elapsed() < limit {
                    let begun = Instant::now();
                    bank.transaction(&mut random, scale, durable);
                    committed.fetch_add(1, Ordering::Relaxed);
                    slowest.fetch_max(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let (elapsed, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let count = committed.into_inner();
    println!(
        "{threads} threads, scale {scale}: {:.0} transactions/s, {:.1} us CPU each, slowest {} ms",
        count as f64 / elapsed,
        cpu * 1e6 / count as f64,
        slowest.into_inner() / 1000
    );
    println!("{} MB of memory at most, {} buffer misses", peak_mb(), bank.store.metrics().buffer.misses);
    bank.check();
    bank.store.shutdown().expect("shuts down");
    let _ = std::fs::remove_dir_all(&dir);
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn balance(row: &[u8]) -> i64 {
    i64::from_le_bytes(row[..8].try_into().expect("a row begins with its balance"))
}

impl Bank {
    fn fill(store: Store, scale: u64) -> Bank {
        let table = |count: u64| {
            let mut txn = store.begin(TxnOptions::default());
            let (rows, index) = (txn.create_tree().expect("tree"), txn.create_tree().expect("tree"));
            let first = store.next_row_id(rows, count).expect("row ids");
            let row = [0u8; 100];
            txn.append_rows(rows, first, &mut (0..count).map(|_| &row[..])).expect("rows");
            let mut entries = |put: &mut dyn FnMut(&[u8], &[u8]) -> nq_storage::Result<()>| {
                (0..count).try_for_each(|i| put(&(i as u32).to_be_bytes(), &(first + i).to_be_bytes()))
            };
            txn.build_tree(index, &mut entries).expect("index");
            txn.commit().expect("commits");
            Table { rows, index }
        };
        let (accounts, tellers, branches) = (table(ACCOUNTS * scale), table(TELLERS * scale), table(scale));
        let mut txn = store.begin(TxnOptions::default());
        let history = txn.create_tree().expect("tree");
        txn.commit().expect("commits");
        store.checkpoint().expect("checkpoint");
        Bank { store, accounts, tellers, branches, history }
    }

    fn transaction(&self, random: &mut Random, scale: u64, durable: bool) {
        let account = random.next() % (ACCOUNTS * scale);
        let teller = random.next() % (TELLERS * scale);
        let branch = random.next() % scale;
        let amount = (random.next() % 10_001) as i64 - 5000;
        let mut txn = self.store.begin(TxnOptions::default());
        let updated = add(&mut txn, &self.accounts, account, amount);
        txn.new_statement();
        txn.next_command();
        let read = find(&txn, &self.accounts, account);
        assert_eq!(txn.get(self.accounts.rows, &read.to_be_bytes(), balance).expect("reads"), Some(updated));
        txn.new_statement();
        add(&mut txn, &self.tellers, teller, amount);
        txn.new_statement();
        add(&mut txn, &self.branches, branch, amount);
        txn.new_statement();
        let id = self.store.next_row_id(self.history, 1).expect("row id");
        let mut row = [0u8; 50];
        row[..8].copy_from_slice(&amount.to_le_bytes());
        txn.append_rows(self.history, id, &mut std::iter::once(&row[..])).expect("inserts");
        let lsn = txn.commit().expect("commits").lsn.expect("something was written");
        if durable {
            self.store.wait_durable(lsn).expect("durable");
        }
    }

    /// Every table sums up to the same amount.
    fn check(&self) {
        let txn = self.store.begin(TxnOptions::default());
        let sum = |tree| {
            let mut cursor = txn
                .cursor(tree, nq_storage::KeyRange::all(), nq_storage::Direction::Forward)
                .expect("cursor");
            let mut sum = 0;
            let mut add = |_: &[u8], row: &[u8]| {
                sum += balance(row);
                std::ops::ControlFlow::Continue(())
            };
            while cursor.next_batch(&txn, usize::MAX, &mut add).expect("scans") {}
            sum
        };
        let expected = sum(self.history);
        for table in [&self.accounts, &self.tellers, &self.branches] {
            assert_eq!(sum(table.rows), expected, "the books do not balance");
        }
    }
}

fn find(txn: &Txn, table: &Table, key: u64) -> u64 {
    let row_id = |raw: &[u8]| u64::from_be_bytes(raw.try_into().expect("a row id"));
    txn.get(table.index, &(key as u32).to_be_bytes(), row_id).expect("reads").expect("the key exists")
}

fn add(txn: &mut Txn, table: &Table, key: u64, amount: i64) -> i64 {
    let id = find(txn, table, key);
    let mut updated = 0;
    let mut change = |row: Current<'_>| {
        let (Current::Same(old) | Current::Newer(old)) = row;
        updated = balance(old) + amount;
        let mut new = old.to_vec();
        new[..8].copy_from_slice(&updated.to_le_bytes());
        Change::Update(new)
    };
    let outcome = txn
        .modify(table.rows, &id.to_be_bytes(), LockStrength::NoKeyUpdate, WaitPolicy::Wait, &mut change)
        .expect("modifies");
    assert_eq!(outcome, Modified::Updated);
    updated
}
