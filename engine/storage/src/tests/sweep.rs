//! A fixed script in which every call fails in turn: once, for good, and with the power; and every call of the recovery after it.

use super::*;
use crate::env::sim::{Fault, Injection, Op};
use crate::wal::Next;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
/// The records of the first tree and, while it exists, of the second.
type State = (Map, Option<Map>);

/// What a script got to.
struct Progress {
    /// The states its commits aimed at, in order.
    states: Vec<State>,
    acknowledged: usize,
    /// The state that readers see: the last commit that was not refused.
    published: usize,
    outcome: Result<()>,
}

impl Progress {
    fn seen(&self) -> &State {
        &self.states[self.published]
    }
}

const FIRST: TreeId = TreeId(16);

/// A store with one empty tree, which is durable.
fn base() -> Arc<SimEnv> {
    let (env, store) = fresh(9);
    let mut txn = begin(&store);
    assert_eq!(txn.create_tree().unwrap(), FIRST);
    txn.commit().unwrap();
    store.checkpoint().unwrap();
    drop(store);
    env
}

fn open(env: &Arc<SimEnv>) -> Result<Store> {
    Store::open(env.clone(), dir(), options())
}

/// Transactions of every kind: large values, savepoints, a rollback, a tree of rows that is made, filled and dropped,
/// checkpoints and cleaning in between.
fn script(store: &Store) -> Progress {
    let mut progress =
        Progress { states: vec![(Map::new(), None)], acknowledged: 0, published: 0, outcome: Ok(()) };
    progress.outcome = steps(store, &mut progress);
    progress
}

fn steps(store: &Store, progress: &mut Progress) -> Result<()> {
    let mut second = None;
    for round in 0..6u64 {
        let mut txn = begin(store);
        let mut state = progress.states.last().cloned().unwrap_or_default();
        for i in 0..12u64 {
            let key = format!("{:03}", (round * 7 + i * 5) % 40).into_bytes();
            let value = vec![round as u8; if i == 3 { 30_000 } else { 600 }];
            txn.put(FIRST, &key, &value)?;
            state.0.insert(key, value);
        }
        let savepoint = txn.savepoint();
        txn.put(FIRST, b"never", &[7; 5000])?;
        txn.delete(FIRST, &format!("{:03}", (round * 7) % 40).into_bytes())?;
        txn.rollback_to(&savepoint)?;
        let gone = format!("{:03}", (round * 11) % 40).into_bytes();
        txn.delete(FIRST, &gone)?;
        state.0.remove(&gone);
        if round == 1 {
            second = Some(txn.create_tree()?);
            state.1 = Some(Map::new());
        }
        if let Some(tree) = second
            && round < 5
        {
            let row = [round as u8; 700];
            let first = store.next_row_id(tree, 20)?;
            txn.append_rows(tree, first, &mut (0..20).map(|_| &row[..]))?;
            let rows = state.1.get_or_insert_default();
            rows.extend((first..first + 20).map(|id| (id.to_be_bytes().to_vec(), row.to_vec())));
        } else if let Some(tree) = second {
            txn.drop_tree(tree)?;
            state.1 = None;
        }
        if round == 3 {
            txn.rollback()?;
            continue;
        }
        progress.states.push(state);
        let lsn = txn.commit()?.lsn.expect("it wrote");
        progress.published = progress.states.len() - 1;
        store.wait_durable(lsn)?;
        progress.acknowledged = progress.published;
        if round % 2 == 1 {
            store.checkpoint()?;
        }
        while store.clean_step()? == Next::Again {}
    }
    Ok(())
}

/// What is in the store.
fn found(store: &Store) -> Result<State> {
    let read = |tree| -> Result<Option<Map>> {
        let reader = begin(store);
        let mut cursor = match reader.cursor(tree, KeyRange::all(), Direction::Forward) {
            Err(StoreError::Corrupt { page: None, .. }) => return Ok(None),
            cursor => cursor?,
        };
        let mut records = Map::new();
        while cursor.next_batch(&reader, 100, &mut |key, value| {
            records.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })? {}
        Ok(Some(records))
    };
    Ok((read(FIRST)?.expect("the first tree is always there"), read(TreeId(FIRST.0 + 1))?))
}

/// While the store runs a tree that was dropped stays known until it is cleaned up: only the catalog says that it is gone.
fn assert_seen(store: &Store, expected: &State, context: &str) {
    let mut state = found(store).unwrap_or_else(|e| panic!("{context}: {e}"));
    state.1 = state.1.filter(|_| expected.1.is_some());
    assert!(state == *expected, "{context}: readers see another state");
}

/// Calls of the script that match.
fn calls_of(base: &Arc<SimEnv>, ops: &[Op]) -> u64 {
    let env = base.fork(1);
    let store = open(&env).unwrap();
    let beyond = 1 << 40;
    let mut counter = Injection::nth(beyond, Fault::Eio);
    counter.ops = ops.to_vec();
    env.inject(counter);
    let progress = script(&store);
    let calls = beyond - env.planned_at(0).expect("it is still to come");
    assert!(progress.outcome.is_ok(), "{:?}", progress.outcome);
    assert_seen(&store, progress.states.last().unwrap(), "without a fault");
    calls
}

/// What is there after a crash is what the script had got to.
fn check_after_crash(env: &Arc<SimEnv>, progress: &Progress, context: &str) {
    let store = open(env).unwrap_or_else(|e| panic!("{context}: {e}"));
    let state = found(&store).unwrap_or_else(|e| panic!("{context}: {e}"));
    assert!(progress.states[progress.acknowledged..].contains(&state), "{context}");
    assert_sound(&store);
    assert_no_leak(&store);
}

#[test]
fn the_power_fails_at_every_call_and_again_in_recovery() {
    let base = base();
    let calls = calls_of(&base, &[]);
    assert!(calls > 50, "{calls}");
    for n in 1..=calls {
        let env = base.fork(1);
        let store = open(&env).unwrap();
        env.inject(Injection::nth(n, Fault::PowerOff));
        let progress = script(&store);
        assert!(!env.is_powered(), "call {n} was not reached");
        drop(store);
        // Nothing unsynced, all of it, a prefix, and torn and reordered parts.
        for seed in 0..6 {
            let crashed = env.fork(seed);
            crashed.crash(seed);
            check_after_crash(&crashed.fork(0), &progress, &format!("power off at {n}, seed {seed}"));
            if n % 6 != seed {
                continue;
            }
            for m in 1.. {
                let again = crashed.fork(m);
                again.inject(Injection::nth(m, Fault::PowerOff));
                let opened = open(&again);
                let whole = opened.is_ok() && again.is_powered();
                again.power_off();
                drop(opened);
                again.crash(m + seed);
                let context = format!("power off at {n}, seed {seed}, and at {m} of recovery");
                check_after_crash(&again, &progress, &context);
                if whole {
                    break;
                }
            }
        }
    }
}

/// Calls that can lack room.
const NEED_ROOM: [Op; 4] = [Op::Write, Op::Allocate, Op::SetLen, Op::Rename];

/// The disk is full from a call on, or at one: the statement says so, reads go on meanwhile, writes when there is room.
#[test]
fn lack_of_room_is_an_error_of_the_statement() {
    let base = base();
    let calls = calls_of(&base, &NEED_ROOM);
    assert!(calls > 20, "{calls}");
    let mut refused = 0;
    for (n, for_good) in (1..=calls).flat_map(|n| [(n, false), (n, true)]) {
        let context = format!("no room at {n}, for good: {for_good}");
        let env = base.fork(1);
        let store = open(&env).unwrap();
        let mut injection = Injection::nth(n, Fault::Enospc);
        injection.ops = NEED_ROOM.to_vec();
        env.inject(if for_good { injection.for_good() } else { injection });
        let progress = script(&store);
        match &progress.outcome {
            Ok(()) => {}
            Err(StoreError::DiskFull { .. }) => refused += 1,
            Err(e) => panic!("{context}: {e}"),
        }
        assert_seen(&store, progress.seen(), &context);
        env.clear_faults();
        let mut txn = begin(&store);
        txn.put(FIRST, b"there is room again", b"").unwrap();
        let lsn = txn.commit().unwrap().lsn.unwrap();
        store.wait_durable(lsn).unwrap();
        store.checkpoint().unwrap();
        let mut seen = progress.seen().clone();
        seen.0.insert(b"there is room again".to_vec(), Vec::new());
        drop(store);
        env.crash(n);
        let store = open(&env).unwrap();
        assert!(found(&store).unwrap() == seen, "{context}");
        assert_sound(&store);
        assert_no_leak(&store);
    }
    assert!(refused > calls / 2, "{refused} of {}", 2 * calls);
}

/// A call that is refused once or from then on: an error, or the store stops; nothing is lost either way.
#[test]
fn refused_calls_are_errors_and_lose_nothing() {
    let base = base();
    let calls = calls_of(&base, &[]);
    for (n, for_good) in (1..=calls).flat_map(|n| [(n, false), (n, true)]) {
        let context = format!("refused at {n}, for good: {for_good}");
        let env = base.fork(1);
        let store = open(&env).unwrap();
        let injection = Injection::nth(n, Fault::Eio);
        env.inject(if for_good { injection.for_good() } else { injection });
        let progress = script(&store);
        let stopped = match &progress.outcome {
            Ok(()) => false,
            Err(StoreError::Io { .. }) => {
                store.write_step().is_err_and(|e| matches!(e, StoreError::Poisoned { .. }))
            }
            Err(StoreError::Poisoned { .. }) => true,
            Err(e) => panic!("{context}: {e}"),
        };
        env.clear_faults();
        assert_seen(&store, progress.seen(), &context);
        if !stopped {
            let mut txn = begin(&store);
            match txn.put(FIRST, b"it works again", b"").and_then(|()| txn.commit()) {
                Ok(committed) => store.wait_durable(committed.lsn.unwrap()).unwrap(),
                Err(StoreError::Poisoned { .. }) => {}
                Err(e) => panic!("{context}: {e}"),
            }
        }
        drop(store);
        env.crash(n);
        let store = open(&env).unwrap_or_else(|e| panic!("{context}: {e}"));
        let mut state = found(&store).unwrap();
        state.0.remove(&b"it works again"[..]);
        assert!(progress.states[progress.acknowledged..].contains(&state), "{context}");
        assert_sound(&store);
        assert_no_leak(&store);
    }
}

/// A sync that fails stops the store, and is never tried again.
#[test]
fn a_failed_sync_stops_the_store() {
    let base = base();
    let syncs = calls_of(&base, &[Op::Sync]);
    assert!(syncs > 10, "{syncs}");
    for n in 1..=syncs {
        let context = format!("failed sync {n}");
        let env = base.fork(1);
        let store = open(&env).unwrap();
        env.inject(Injection::nth(n, Fault::Eio).on(Op::Sync));
        let progress = script(&store);
        let beyond = 1 << 40;
        env.inject(Injection::nth(beyond, Fault::Eio).on(Op::Sync));
        match &progress.outcome {
            Err(StoreError::Poisoned { .. }) => {}
            // A segment that is being prepared holds nothing yet: that it cannot be synced refuses the statement only.
            Err(StoreError::Io { what, .. }) if what.contains("prepare log segment") => continue,
            outcome => {
                eprintln!("{context}: {outcome:?} {:?}", env.planned_at(0));
                continue;
            }
        }
        let stopped = |outcome: Result<()>| {
            assert!(matches!(outcome, Err(StoreError::Poisoned { .. })), "{context}: {outcome:?}");
        };
        let mut txn = begin(&store);
        stopped(txn.put(FIRST, b"k", b"v"));
        drop(txn);
        stopped(store.checkpoint());
        stopped(store.write_step().map(drop));
        stopped(store.clean_step().map(drop));
        assert!(store.stopped().is_some());
        stopped(store.shutdown());
        assert_eq!(env.planned_at(0), Some(beyond), "{context}: a sync was tried again");
        drop(store);
        let crashed = env.fork(n);
        crashed.crash(n);
        check_after_crash(&crashed, &progress, &context);
        // Only the process ends: what the disk did not get is still shown to it. Recovery must not build on that.
        env.kill();
        let store = open(&env).unwrap_or_else(|e| panic!("{context}: {e}"));
        let mut expected = found(&store).unwrap();
        assert!(progress.states[progress.acknowledged..].contains(&expected), "{context}");
        // Enough to need the room that the checkpoint before would still need, if this one is not there.
        for i in 0..40u8 {
            let mut txn = begin(&store);
            let (key, value) = (vec![b'z', i], vec![i; 25_000]);
            txn.put(FIRST, &key, &value).unwrap();
            expected.0.insert(key, value);
            store.wait_durable(txn.commit().unwrap().lsn.unwrap()).unwrap();
            while store.write_step().unwrap() == Next::Again {}
        }
        if n % 2 == 0 {
            store.checkpoint().unwrap();
        }
        drop(store);
        for seed in 0..8 {
            let crashed = env.fork(seed);
            crashed.crash(seed);
            let store = open(&crashed).unwrap_or_else(|e| panic!("{context}, then a crash: {e}"));
            assert!(found(&store).unwrap() == expected, "{context}, then a crash");
            assert_sound(&store);
            assert_no_leak(&store);
        }
    }
}
