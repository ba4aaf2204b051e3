//! Locks: conflicts, queues, deadlocks, time-outs.

use super::*;
use std::sync::mpsc;
use std::time::Duration;

fn lock(
    txn: &mut Txn,
    tree: TreeId,
    key: &str,
    strength: LockStrength,
    wait: WaitPolicy,
) -> Result<Modified> {
    txn.modify(tree, key.as_bytes(), strength, wait, &mut |_| Change::Keep)
}

#[test]
fn row_lock_strengths() {
    use LockStrength::*;
    let (store, tree) = with_tree(&[("a", "1")]);
    for held in [KeyShare, Share, NoKeyUpdate, Update] {
        for wanted in [KeyShare, Share, NoKeyUpdate, Update] {
            let mut a = begin(&store);
            assert_eq!(lock(&mut a, tree, "a", held, WaitPolicy::Wait).unwrap(), Modified::Locked);
            let mut b = begin(&store);
            let outcome = lock(&mut b, tree, "a", wanted, WaitPolicy::Skip).unwrap();
            assert_eq!(outcome == Modified::WouldBlock, held.conflicts(wanted), "{held:?} {wanted:?}");
            a.commit().unwrap();
            assert_eq!(lock(&mut b, tree, "a", wanted, WaitPolicy::NoWait).unwrap(), Modified::Locked);
        }
    }
    assert!(store.locks().is_empty());
}

#[test]
fn key_share_coexists_with_a_running_update_of_other_columns() {
    let (store, tree) = with_tree(&[("a", "1")]);
    let mut writer = begin(&store);
    update(&mut writer, tree, "a", "2").unwrap();
    let mut child = begin(&store);
    assert_eq!(
        lock(&mut child, tree, "a", LockStrength::KeyShare, WaitPolicy::NoWait).unwrap(),
        Modified::Locked
    );
    assert!(matches!(
        lock(&mut child, tree, "a", LockStrength::Share, WaitPolicy::NoWait),
        Err(StoreError::LockNotAvailable)
    ));
    writer.commit().unwrap();
    let mut killer = begin(&store);
    let outcome = killer.modify(tree, b"a", LockStrength::Update, WaitPolicy::Skip, &mut |_| Change::Delete);
    assert_eq!(outcome.unwrap(), Modified::WouldBlock);
    child.commit().unwrap();
    assert!(killer.delete(tree, b"a").unwrap());
}

#[test]
fn waiting_inserts_decide_when_the_first_one_ends() {
    for commit in [true, false] {
        let (store, tree) = with_tree(&[]);
        let mut first = begin(&store);
        assert_eq!(first.insert(tree, b"k", b"1").unwrap(), InsertOutcome::Inserted);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let mut txn = begin(&store);
                let outcome = txn.insert(tree, b"k", b"2").unwrap();
                txn.commit().unwrap();
                outcome
            });
            while store.locks().iter().all(|lock| lock.granted) {
                std::thread::yield_now();
            }
            if commit {
                first.commit().map(|_| ()).unwrap()
            } else {
                first.rollback().unwrap()
            }
            let exists = InsertOutcome::Exists { value: b"1".to_vec(), visible: true };
            assert_eq!(second.join().unwrap(), if commit { exists } else { InsertOutcome::Inserted });
        });
    }
}

#[test]
fn a_deadlock_has_one_victim() {
    let (store, tree) = with_tree(&[("a", "1"), ("b", "1")]);
    let barrier = std::sync::Barrier::new(2);
    let run = |process: u64, first: &'static str, second: &'static str| {
        let mut txn = store.begin(TxnOptions { process, ..TxnOptions::default() });
        update(&mut txn, tree, first, "x").unwrap();
        barrier.wait();
        let outcome = lock(&mut txn, tree, second, LockStrength::Update, WaitPolicy::Wait);
        if outcome.is_err() {
            txn.rollback().unwrap();
        } else {
            txn.commit().unwrap();
        }
        outcome
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| run(11, "a", "b"));
        let outcomes = [run(22, "b", "a"), one.join().unwrap()];
        let victims: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().err()).collect();
        let [StoreError::Deadlock(report)] = victims.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!(report.waits.len(), 2);
        assert_eq!(
            (report.waits[0].waiter, report.waits[0].holder),
            (report.waits[1].holder, report.waits[1].waiter)
        );
        assert_eq!(report.waits[0].mode, "ShareLock");
        assert!(report.waits[0].object.starts_with("transaction "));
    });
    assert!(store.locks().is_empty());
}

#[test]
fn a_queue_that_closes_a_cycle_is_jumped() {
    let (store, tree) = with_tree(&[("r", "1")]);
    let table = |txn: &mut Txn, mode| txn.lock_object(LockClass::Relation, 1, mode, WaitPolicy::Wait);
    let waiting = |n: usize| {
        while store.locks().iter().filter(|lock| !lock.granted).count() < n {
            std::thread::yield_now()
        }
    };
    let mut t1 = begin(&store);
    table(&mut t1, LockMode::AccessShare).unwrap();
    std::thread::scope(|scope| {
        let store = &store;
        // T2 queues for the table behind T1; T3 holds the row and queues behind T2; T1 then wants the row.
        let t2 = scope.spawn(move || {
            let mut txn = begin(store);
            table(&mut txn, LockMode::AccessExclusive)?;
            txn.commit()
        });
        waiting(1);
        let mut t3 = begin(store);
        update(&mut t3, tree, "r", "3").unwrap();
        let t3 = scope.spawn(move || {
            table(&mut t3, LockMode::AccessShare)?;
            t3.commit()
        });
        waiting(2);
        assert_eq!(
            lock(&mut t1, tree, "r", LockStrength::Update, WaitPolicy::Wait).unwrap(),
            Modified::Locked
        );
        t3.join().unwrap().unwrap();
        t1.commit().unwrap();
        t2.join().unwrap().unwrap();
    });
}

#[test]
fn time_outs_and_interrupts_end_waits() {
    let (store, tree) = with_tree(&[("a", "1")]);
    let mut holder = begin(&store);
    update(&mut holder, tree, "a", "2").unwrap();
    let timeout = Some(Duration::from_millis(5));
    let mut hasty = store.begin(TxnOptions { lock_timeout: timeout, ..TxnOptions::default() });
    assert!(matches!(
        lock(&mut hasty, tree, "a", LockStrength::Update, WaitPolicy::Wait),
        Err(StoreError::LockTimeout)
    ));
    let interrupt = Arc::new(Interrupt::new());
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        let options = TxnOptions { interrupt: Arc::clone(&interrupt), ..TxnOptions::default() };
        let mut patient = store.begin(options);
        scope.spawn(move || {
            send.send(lock(&mut patient, tree, "a", LockStrength::Update, WaitPolicy::Wait)).unwrap()
        });
        while store.locks().iter().all(|lock| lock.granted) {
            std::thread::yield_now();
        }
        interrupt.raise(1);
        assert!(matches!(receive.recv().unwrap(), Err(StoreError::Cancelled)));
    });
    assert!(store.locks().is_empty());
}

#[test]
fn a_deferred_wait_is_handed_to_the_caller() {
    let (store, tree) = with_tree(&[("a", "1"), ("b", "1")]);
    let options = TxnOptions {
        own_writes: OwnWrites::ByCommand,
        lock_timeout: Some(Duration::from_millis(5)),
        ..TxnOptions::default()
    };
    let mut holder = begin(&store);
    update(&mut holder, tree, "a", "2").unwrap();
    let mut other = store.begin(options);
    other.defer_waits(true);
    let mut attempt = |key: &str| lock(&mut other, tree, key, LockStrength::Update, WaitPolicy::Wait);
    assert!(matches!(attempt("a"), Err(StoreError::Deferred)));
    assert!(store.locks().is_empty(), "it is not in the queue");
    let wait = other.take_deferred().expect("tells what to wait for");
    let (send, receive) = mpsc::channel();
    wait.on_release(Box::new(move || send.send(()).unwrap()));
    assert!(receive.try_recv().is_err());

    // A command that has written waits in place, as does everybody with deferring off.
    update(&mut other, tree, "b", "2").unwrap();
    let mut attempt = |key: &str| lock(&mut other, tree, key, LockStrength::Update, WaitPolicy::Wait);
    assert!(matches!(attempt("a"), Err(StoreError::LockTimeout)));
    other.next_command();
    let mut attempt = |key: &str| lock(&mut other, tree, key, LockStrength::Update, WaitPolicy::Wait);
    assert!(matches!(attempt("a"), Err(StoreError::Deferred)));
    other.defer_waits(false);
    let mut attempt = |key: &str| lock(&mut other, tree, key, LockStrength::Update, WaitPolicy::Wait);
    assert!(matches!(attempt("a"), Err(StoreError::LockTimeout)));

    holder.commit().unwrap();
    receive.try_recv().expect("told at the release");
    let late = other.take_deferred().expect("the second one");
    let (send, receive) = mpsc::channel();
    late.on_release(Box::new(move || send.send(()).unwrap()));
    receive.try_recv().expect("told at once: it has ended");
    let mut attempt = |key: &str| lock(&mut other, tree, key, LockStrength::Update, WaitPolicy::Wait);
    assert_eq!(attempt("a").unwrap(), Modified::Locked);
}

#[test]
fn rolling_back_to_a_savepoint_frees_what_was_locked_since() {
    let (store, tree) = with_tree(&[("a", "1"), ("b", "1")]);
    let mut txn = begin(&store);
    let savepoint = txn.savepoint();
    update(&mut txn, tree, "a", "2").unwrap();
    lock(&mut txn, tree, "b", LockStrength::Update, WaitPolicy::Wait).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut other = begin(&store);
            put(&mut other, tree, "a", "3");
            put(&mut other, tree, "b", "3");
            other.commit().unwrap();
        });
        while store.locks().iter().all(|lock| lock.granted) {
            std::thread::yield_now();
        }
        txn.rollback_to(&savepoint).unwrap();
        other.join().unwrap();
    });
    txn.commit().unwrap();
    assert_eq!(get(&begin(&store), tree, "a").as_deref(), Some("3"));
}

#[test]
fn session_locks_outlive_transactions() {
    let (store, _) = with_tree(&[]);
    let session = store.session_locks(5);
    let with_session =
        || store.begin(TxnOptions { session: Some(Arc::clone(&session)), ..TxnOptions::default() });
    let class = LockClass::Advisory(5);
    let interrupt = Interrupt::new();
    let request = |hold| SessionLock {
        class,
        id: 42,
        mode: LockMode::Exclusive,
        hold,
        wait: WaitPolicy::Wait,
        timeout: None,
    };
    assert!(session.lock(&request(Hold::Session), &interrupt).unwrap());
    with_session().rollback().unwrap();
    let mut other = begin(&store);
    assert!(!other.lock_object(class, 42, LockMode::Share, WaitPolicy::Skip).unwrap());
    assert!(
        with_session().lock_object(class, 42, LockMode::Share, WaitPolicy::Skip).unwrap(),
        "its own session is no obstacle"
    );
    let mark = session.mark();
    assert!(session.lock(&request(Hold::Transaction), &interrupt).unwrap());
    assert!(session.release(class, 42, LockMode::Exclusive));
    assert!(
        !session.release(class, 42, LockMode::Exclusive),
        "the transaction's is not the session's to release"
    );
    assert!(!other.lock_object(class, 42, LockMode::Share, WaitPolicy::Skip).unwrap());
    session.release_transaction(mark - 1);
    assert!(other.lock_object(class, 42, LockMode::Share, WaitPolicy::Skip).unwrap());
    assert!(
        !session.lock(&SessionLock { wait: WaitPolicy::Skip, ..request(Hold::Session) }, &interrupt).unwrap()
    );
}
