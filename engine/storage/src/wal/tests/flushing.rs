//! Who flushes, what a flush costs, and who is told.

use super::*;

#[test]
fn a_failed_sync_is_final() {
    let mut tested = Tested::new(1);
    tested.append(100).unwrap();
    tested.flush().unwrap();
    tested.append(100).unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    tested.wal.on_durable(
        tested.wal.end_lsn(),
        Box::new(move |outcome| {
            assert!(matches!(outcome, Err(StoreError::Poisoned { .. })));
            count.fetch_add(1, Relaxed);
        }),
    );
    tested.env.inject(Injection::nth(1, Fault::Eio).on(Op::Sync));
    assert!(matches!(tested.flush(), Err(StoreError::Poisoned { .. })));
    assert_eq!(told.load(Relaxed), 1);
    assert!(matches!(tested.flush(), Err(StoreError::Poisoned { .. })));
    assert!(matches!(tested.append(1), Err(StoreError::Poisoned { .. })));
    assert!(matches!(tested.wal.flush_step(), Err(StoreError::Poisoned { .. })));
    tested.crash(1);
    assert_eq!(tested.records.len(), 1, "the sync that failed had dropped the second record");
}

#[test]
fn one_flush_is_one_write_and_one_sync() {
    let mut tested = Tested::new(1);
    tested.append(100).unwrap();
    tested.flush().unwrap();
    for _ in 0..20 {
        tested.append(100).unwrap();
        let before = tested.env.io_count();
        tested.flush().unwrap();
        assert_eq!(tested.env.io_count() - before, 2);
    }
    // 21 flushes of 108 bytes took the anchor and the two versions of one tail.
    assert_eq!(tested.wal.writer.lock().left_blocks(), 24 - 6);
}

/// What does not fit the buffer is written without a sync, and is durable once somebody asks for that.
#[test]
fn room_is_made_without_a_sync() {
    let mut tested = Tested::new(1);
    tested.append(100).unwrap();
    tested.flush().unwrap();
    let before = tested.wal.durable_lsn();
    tested.append(60_000).unwrap();
    tested.append(60_000).unwrap();
    tested.append(60_000).unwrap();
    assert!(tested.wal.durable_lsn() < tested.wal.buffer.lock().base);
    tested.flush().unwrap();
    assert!(before < tested.wal.durable_lsn() && tested.wal.durable_lsn() == tested.wal.end_lsn());
    // The flusher's step: what is much is written, and synced when somebody waits.
    tested.append(60_000).unwrap();
    tested.append(20_000).unwrap();
    tested.wal.flush_step().unwrap();
    assert!(tested.wal.buffer.lock().bytes.is_empty() && tested.wal.durable_lsn() < tested.wal.end_lsn());
    let told = Arc::new(AtomicUsize::new(0));
    let counter = told.clone();
    let wake = Box::new(move |outcome: Result<()>| {
        outcome.unwrap();
        counter.fetch_add(1, Relaxed);
    });
    tested.wal.on_durable(tested.wal.end_lsn(), wake);
    tested.wal.flush_step().unwrap();
    assert_eq!((told.load(Relaxed), tested.wal.durable_lsn()), (1, tested.wal.end_lsn()));
    tested.durable = tested.records.len();
    tested.crash(1);
}

/// Threads that wait and callbacks, with and without the flusher thread: everybody is told, and nobody too early.
#[test]
fn committers_share_flushes() {
    for with_flusher in [false, true] {
        let env = Arc::new(OsEnv::new());
        let dir = std::env::temp_dir().join(format!("nq-wal-{with_flusher}-{}", env.now_micros()));
        env.create_dir(&dir).unwrap();
        let wal = Arc::new(
            Wal::create(
                env.clone(),
                &dir,
                WalOptions { segment_bytes: 1 << 20, ..WalOptions::default() },
                Lsn::FIRST,
            )
            .unwrap(),
        );
        let told = Arc::new(AtomicUsize::new(0));
        let flusher = with_flusher.then(|| {
            let wal = wal.clone();
            env.spawn("flusher", Box::new(move || wal.run_flusher()))
        });
        let threads: Vec<_> = (0..8u64)
            .map(|thread| {
                let (wal, told) = (wal.clone(), told.clone());
                let body = move || {
                    for round in 0..100u64 {
                        let end = wal.append(&[&thread.to_le_bytes(), &round.to_le_bytes()]).unwrap().end;
                        if with_flusher && round % 2 == 0 {
                            let (wal, told) = (wal.clone(), told.clone());
                            wal.clone().on_durable(
                                end,
                                Box::new(move |outcome| {
                                    outcome.unwrap();
                                    assert!(wal.durable_lsn() >= end);
                                    told.fetch_add(1, Relaxed);
                                }),
                            );
                        } else {
                            wal.flush(end).unwrap();
                            assert!(wal.durable_lsn() >= end);
                        }
                    }
                };
                env.spawn("committer", Box::new(body))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join());
        wal.flush(wal.end_lsn()).unwrap();
        wal.close();
        if let Some(flusher) = flusher {
            flusher.join();
            assert_eq!(told.load(Relaxed), 8 * 50);
        }
        assert!(wal.stats().flushes <= 801);
        let records = read_all(&wal, Lsn::FIRST).unwrap();
        assert_eq!(records.len(), 800);
        for thread in 0..8u64 {
            let own: Vec<&[u8]> = records
                .iter()
                .map(|(_, payload)| &payload[..])
                .filter(|payload| payload[..8] == thread.to_le_bytes())
                .collect();
            assert!(
                own.iter().enumerate().all(|(round, payload)| payload[8..] == (round as u64).to_le_bytes()),
                "in the order appended"
            );
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

/// `cargo test --release -p nq-storage --lib wal::tests::throughput -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "a measurement prints")]
fn throughput() {
    let env = Arc::new(OsEnv::new());
    let dir = std::env::temp_dir().join(format!("nq-wal-{}", env.now_micros()));
    env.create_dir(&dir).unwrap();
    let wal = Arc::new(Wal::create(env.clone(), &dir, WalOptions::default(), Lsn::FIRST).unwrap());
    let record = payload(1, 150);
    let seconds = |start: u64| (env.monotonic_nanos() - start) as f64 / 1e9;
    let count = 2_000_000u64;
    let start = env.monotonic_nanos();
    for _ in 0..count {
        wal.append(&[&record]).unwrap();
    }
    wal.flush(wal.end_lsn()).unwrap();
    let took = seconds(start);
    println!(
        "append: {:.0} ns a record, {:.0} MB/s, {} flushes",
        took * 1e9 / count as f64,
        (count * 158) as f64 / took / 1e6,
        wal.stats().flushes
    );
    wal.recycle(wal.end_lsn()).unwrap();
    for clients in [1u64, 4, 16] {
        let rounds = 2000 / clients;
        let (flushes, start) = (wal.stats().flushes, env.monotonic_nanos());
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                let (wal, record) = (wal.clone(), record.clone());
                let body = move || {
                    for _ in 0..rounds {
                        let end = wal.append(&[&record, &record]).unwrap().end;
                        wal.flush(end).unwrap();
                    }
                };
                env.spawn("committer", Box::new(body))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join());
        let took = seconds(start);
        println!(
            "{clients} clients: {:.0} commits/s, {:.0} us a flush",
            (clients * rounds) as f64 / took,
            took * 1e6 / (wal.stats().flushes - flushes) as f64
        );
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
