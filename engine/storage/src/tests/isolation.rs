//! What transactions see of one another.

use super::*;

#[test]
fn a_snapshot_stays_while_others_commit() {
    let (store, tree) = with_tree(&[("a", "1"), ("b", "1")]);
    let reader = begin_at(&store, Isolation::RepeatableRead);
    assert_eq!(get(&reader, tree, "a").as_deref(), Some("1"));
    for round in 0..5 {
        let mut writer = begin(&store);
        put(&mut writer, tree, "a", &format!("new{round}"));
        put(&mut writer, tree, &format!("c{round}"), "inserted");
        writer.delete(tree, b"b").unwrap();
        put(&mut writer, tree, "b", "again");
        writer.commit().unwrap();
        clean(&store);
    }
    assert_eq!(get(&reader, tree, "a").as_deref(), Some("1"));
    let seen: Vec<_> = all(&reader, tree).into_keys().collect();
    assert_eq!(seen, [b"a".to_vec(), b"b".to_vec()]);
    drop(reader);
    assert_eq!(get(&begin(&store), tree, "a").as_deref(), Some("new4"));
}

#[test]
fn nothing_uncommitted_is_read() {
    let (store, tree) = with_tree(&[("a", "1")]);
    let mut writer = begin(&store);
    put(&mut writer, tree, "a", "dirty");
    put(&mut writer, tree, "z", "dirty");
    assert_eq!(get(&writer, tree, "a").as_deref(), Some("dirty"));
    let mut reader = begin(&store);
    assert_eq!((get(&reader, tree, "a").as_deref(), get(&reader, tree, "z")), (Some("1"), None));
    writer.commit().unwrap();
    assert_eq!(get(&reader, tree, "a").as_deref(), Some("1"));
    reader.new_statement();
    assert_eq!(
        (get(&reader, tree, "a").as_deref(), get(&reader, tree, "z").as_deref()),
        (Some("dirty"), Some("dirty"))
    );
}

#[test]
fn read_committed_rechecks_and_repeatable_read_fails() {
    for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable] {
        let (store, tree) = with_tree(&[("a", "1"), ("gone", "1")]);
        let mut late = begin_at(&store, isolation);
        assert_eq!(get(&late, tree, "a").as_deref(), Some("1"));
        let mut first = begin(&store);
        put(&mut first, tree, "a", "2");
        first.delete(tree, b"gone").unwrap();
        assert!(matches!(update(&mut late, tree, "a", "x"), Err(StoreError::LockNotAvailable)));
        first.commit().unwrap();
        let mut seen = None;
        let outcome = late.modify(tree, b"a", LockStrength::NoKeyUpdate, WaitPolicy::Wait, &mut |current| {
            seen = Some(matches!(current, Current::Newer(b"2")));
            Change::Update(b"3".to_vec())
        });
        match isolation {
            Isolation::ReadCommitted => {
                assert_eq!((outcome.unwrap(), seen), (Modified::Updated, Some(true)));
                assert_eq!(update(&mut late, tree, "gone", "x").unwrap(), Modified::Gone);
            }
            _ => {
                assert!(matches!(outcome, Err(StoreError::SerializationFailure(_))), "{outcome:?}");
                assert!(matches!(
                    update(&mut late, tree, "gone", "x"),
                    Err(StoreError::SerializationFailure(_))
                ));
            }
        }
    }
}

#[test]
fn commands_do_not_meet_their_own_writes() {
    let (store, tree) = with_tree(&[("a", "1"), ("b", "2")]);
    let mut txn = store.begin(TxnOptions { own_writes: OwnWrites::ByCommand, ..TxnOptions::default() });
    txn.next_command();
    assert_eq!(update(&mut txn, tree, "a", "x").unwrap(), Modified::Updated);
    assert_eq!(txn.insert(tree, b"c", b"new").unwrap(), InsertOutcome::Inserted);
    txn.delete(tree, b"b").unwrap();
    assert_eq!(all(&txn, tree).into_values().collect::<Vec<_>>(), [b"1".to_vec(), b"2".to_vec()]);
    assert_eq!(update(&mut txn, tree, "a", "y").unwrap(), Modified::SelfModified);
    let mut cursor = txn.cursor(tree, KeyRange::all(), Direction::Forward).unwrap();
    txn.next_command();
    assert_eq!(all(&txn, tree).into_values().collect::<Vec<_>>(), [b"x".to_vec(), b"new".to_vec()]);
    let mut old = Vec::new();
    cursor
        .next_batch(&txn, 10, &mut |_, value| {
            old.push(value.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(old, [b"1".to_vec(), b"2".to_vec()], "a cursor keeps the command it was opened in");
    assert_eq!(update(&mut txn, tree, "a", "y").unwrap(), Modified::Updated);
}

#[test]
fn savepoints_restore_and_can_be_used_again() {
    let (store, tree) = with_tree(&[("a", "1")]);
    let mut txn = begin(&store);
    put(&mut txn, tree, "a", "2");
    let savepoint = txn.savepoint();
    for _ in 0..3 {
        put(&mut txn, tree, "a", "3");
        put(&mut txn, tree, "b", "3");
        txn.delete(tree, b"a").unwrap();
        let inner = txn.savepoint();
        put(&mut txn, tree, "a", &"big".repeat(10_000));
        txn.rollback_to(&inner).unwrap();
        assert_eq!(get(&txn, tree, "a"), None);
        txn.rollback_to(&savepoint).unwrap();
        assert_eq!((get(&txn, tree, "a").as_deref(), get(&txn, tree, "b")), (Some("2"), None));
    }
    txn.commit().unwrap();
    assert_eq!(all(&begin(&store), tree).into_values().collect::<Vec<_>>(), [b"2".to_vec()]);
    assert_no_leak(&store);
}

#[test]
fn unique_keys_follow_the_latest_state() {
    let (store, tree) = with_tree(&[("k", "old")]);
    let mut late = begin_at(&store, Isolation::RepeatableRead);
    assert_eq!(get(&late, tree, "k").as_deref(), Some("old"));
    let mut other = begin(&store);
    other.delete(tree, b"k").unwrap();
    put(&mut other, tree, "n", "new");
    other.commit().unwrap();
    let exists = late.insert(tree, b"n", b"mine").unwrap();
    assert_eq!(exists, InsertOutcome::Exists { value: b"new".to_vec(), visible: false });
    assert_eq!(late.insert(tree, b"k", b"mine").unwrap(), InsertOutcome::Inserted);
    late.commit().unwrap();
    assert_eq!(get(&begin(&store), tree, "k").as_deref(), Some("mine"));
}

/// Two doctors on call, each goes when the other stays (write skew).
#[test]
fn write_skew() {
    for (isolation, fails) in [(Isolation::RepeatableRead, false), (Isolation::Serializable, true)] {
        let (store, tree) = with_tree(&[("alice", "on"), ("bob", "on")]);
        let mut a = begin_at(&store, isolation);
        let mut b = begin_at(&store, isolation);
        assert_eq!(get(&a, tree, "bob").as_deref(), Some("on"));
        assert_eq!(get(&b, tree, "alice").as_deref(), Some("on"));
        put(&mut a, tree, "alice", "off");
        put(&mut b, tree, "bob", "off");
        a.commit().unwrap();
        let outcome = b.commit();
        assert_eq!(matches!(outcome, Err(StoreError::SerializationFailure(_))), fails, "{outcome:?}");
        assert_eq!(get(&begin(&store), tree, "bob").as_deref(), Some(if fails { "on" } else { "off" }));
    }
}

/// A range is read, and somebody inserts into it (phantom).
#[test]
fn phantoms_fail_serializable_writers_only() {
    let (store, tree) = with_tree(&[("a1", ""), ("b1", "")]);
    let insert = |key: &str| {
        let mut other = begin(&store);
        put(&mut other, tree, key, "x");
        other.commit().unwrap();
    };
    for (key, fails) in [("a5", true), ("c", false)] {
        let mut txn = begin_at(&store, Isolation::Serializable);
        assert!(!scan(&txn, tree, KeyRange::prefix(b"a"), Direction::Backward).is_empty());
        insert(key);
        put(&mut txn, tree, &format!("result of {key}"), "x");
        assert_eq!(txn.commit().is_err(), fails, "{key}");
    }
    let reader = begin_at(&store, Isolation::Serializable);
    scan(&reader, tree, KeyRange::all(), Direction::Forward);
    insert("a6");
    reader.commit().unwrap();
}

/// Who cannot commit any more hears of it before writing; who takes its writes back has only read.
#[test]
fn a_lost_serializable_transaction_is_told_and_may_read_on() {
    let (store, tree) = with_tree(&[("a", "1"), ("b", "2")]);
    let mut txn = begin_at(&store, Isolation::Serializable);
    assert_eq!(get(&txn, tree, "a").as_deref(), Some("1"));
    txn.check_reads().unwrap();
    let savepoint = txn.savepoint();
    put(&mut txn, tree, "b", "3");
    txn.rollback_to(&savepoint).unwrap();
    let mut other = begin(&store);
    put(&mut other, tree, "a", "x");
    other.commit().unwrap();
    assert!(matches!(txn.check_reads(), Err(StoreError::SerializationFailure(_))));
    assert_eq!(get(&txn, tree, "b").as_deref(), Some("2"));
    txn.commit().unwrap();
}

#[test]
fn a_read_only_transaction_writes_nothing() {
    let (store, tree) = with_tree(&[("a", "1")]);
    let mut txn = store.begin(TxnOptions { read_only: true, ..TxnOptions::default() });
    assert!(matches!(txn.put(tree, b"a", b"2"), Err(StoreError::ReadOnly)));
    assert_eq!(txn.commit().unwrap(), Committed { lsn: None, xid: None });
}

#[test]
fn undo_spills_and_still_serves_old_snapshots() {
    let (store, tree) = with_tree(&[]);
    let mut txn = begin(&store);
    for i in 0..500 {
        put(&mut txn, tree, &format!("{i:04}"), &"v".repeat(1000));
    }
    txn.commit().unwrap();
    let reader = begin_at(&store, Isolation::RepeatableRead);
    let before = all(&reader, tree);
    let mut txn = begin(&store);
    for round in 0..3 {
        for i in 0..500 {
            put(&mut txn, tree, &format!("{i:04}"), &format!("{round}").repeat(900));
        }
    }
    assert!(store.metrics().undo_spilled_bytes > 0);
    assert_eq!(all(&reader, tree), before);
    txn.rollback().unwrap();
    assert_eq!(all(&begin(&store), tree), before);
    assert_sound(&store);
}

/// Threads move money between accounts; every snapshot adds up.
#[test]
fn transfers_keep_the_sum() {
    let (store, tree) = with_tree(&[]);
    const ACCOUNTS: u64 = 20;
    let mut txn = begin(&store);
    for i in 0..ACCOUNTS {
        txn.put(tree, &i.to_be_bytes(), &100i64.to_le_bytes()).unwrap();
    }
    txn.commit().unwrap();
    let number = |value: &[u8]| i64::from_le_bytes(value.try_into().unwrap());
    std::thread::scope(|scope| {
        for worker in 0..4u64 {
            let store = store.clone();
            scope.spawn(move || {
                let mut rng = crate::env::sim::Rng::new(worker);
                for round in 0..200 {
                    let mut txn = begin(&store);
                    let (from, to) = (rng.below(ACCOUNTS), rng.below(ACCOUNTS));
                    let amount = rng.below(50) as i64;
                    let mut add = |account: u64, delta: i64| {
                        txn.modify(
                            tree,
                            &account.to_be_bytes(),
                            LockStrength::NoKeyUpdate,
                            WaitPolicy::Wait,
                            &mut |current| {
                                Change::Update((number(current.value()) + delta).to_le_bytes().to_vec())
                            },
                        )
                    };
                    match add(from, -amount).and_then(|_| add(to, amount)) {
                        Ok(outcome) => {
                            assert_eq!(outcome, Modified::Updated);
                            if round % 7 == 0 {
                                txn.rollback().unwrap()
                            } else {
                                txn.commit().map(|_| ()).unwrap()
                            }
                        }
                        Err(StoreError::Deadlock(report)) => assert!(report.waits.len() >= 2),
                        Err(e) => panic!("{e}"),
                    }
                    if round % 20 == 0 {
                        let reader = begin(&store);
                        let sum: i64 = all(&reader, tree).values().map(|value| number(value)).sum();
                        assert_eq!(sum, 100 * ACCOUNTS as i64);
                        drop(reader);
                        store.clean_step().unwrap();
                    }
                }
            });
        }
    });
    assert_sound(&store);
}
