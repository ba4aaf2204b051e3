//! Trees against a model.

use super::*;
use proptest::prelude::*;
use std::ops::{Bound, ControlFlow};

#[derive(Clone, Debug)]
enum Step {
    Put(u16, u16),
    /// From a key on, every so many.
    Many(u16, u16, u8),
    Delete(u16),
    Get(u16),
    Scan(u16, u16, bool),
    Append(u8, u16),
    Commit,
    Rollback,
    Savepoint,
    RollbackTo,
    Clean,
    Checkpoint,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0u16..600;
    let step = prop_oneof![
        12 => (key.clone(), 0u16..1200).prop_map(|(k, len)| Step::Put(k, len)),
        1 => (key.clone(), 4000u16..60000).prop_map(|(k, len)| Step::Put(k, len)),
        3 => (key.clone(), 1u16..20, 1u8..60).prop_map(|(k, by, n)| Step::Many(k, by, n)),
        5 => key.clone().prop_map(Step::Delete),
        2 => key.clone().prop_map(Step::Get),
        1 => (key.clone(), key, any::<bool>()).prop_map(|(a, b, up)| Step::Scan(a.min(b), a.max(b), up)),
        1 => (1u8..200, 0u16..400).prop_map(|(n, len)| Step::Append(n, len)),
        2 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::Savepoint),
        1 => Just(Step::RollbackTo),
        1 => Just(Step::Clean),
        1 => Just(Step::Checkpoint),
    ];
    prop::collection::vec(step, 1..250)
}

/// Keys of several shapes, so that prefixes and separators differ.
fn key_of(k: u16) -> Vec<u8> {
    match k % 3 {
        0 => format!("key/{k:05}").into_bytes(),
        1 => [
            b"a-rather-long-common-prefix-of-keys/".as_slice(),
            &k.to_be_bytes(),
            &vec![b'x'; k as usize % 300],
        ]
        .concat(),
        _ => u64::from(k).to_be_bytes().to_vec(),
    }
}

fn value_of(k: u16, len: u16) -> Vec<u8> {
    (0..len).map(|i| (i ^ k) as u8).collect()
}

fn run(steps: Vec<Step>) {
    let (env, store) = fresh(7);
    let mut txn = begin(&store);
    let (tree, rows) = (txn.create_tree().unwrap(), txn.create_tree().unwrap());
    txn.commit().unwrap();
    let mut txn = Some(begin(&store));
    type Model = (BTreeMap<Vec<u8>, Vec<u8>>, BTreeMap<Vec<u8>, Vec<u8>>);
    let mut committed: Model = Model::default();
    let mut model = committed.clone();
    let mut saved: Option<(Savepoint, Model)> = None;
    let mut finger = crate::Finger::default();
    for step in steps {
        let live = txn.as_mut().expect("a transaction is open");
        match step {
            Step::Put(k, len) => {
                live.put(tree, &key_of(k), &value_of(k, len)).unwrap();
                model.0.insert(key_of(k), value_of(k, len));
            }
            Step::Many(k, by, n) => {
                let mut entries: Vec<(Vec<u8>, Vec<u8>)> =
                    (0..u16::from(n)).map(|i| (key_of(k + i * by), value_of(k, (i * 131) % 500))).collect();
                entries.sort();
                let shown: Vec<(&[u8], &[u8])> = entries.iter().map(|(k, v)| (&k[..], &v[..])).collect();
                let mut refused = Vec::new();
                live.insert_many(tree, &shown, |i| refused.push(i)).unwrap();
                let mut expected = Vec::new();
                for (i, (key, value)) in entries.into_iter().enumerate() {
                    match model.0.entry(key) {
                        std::collections::btree_map::Entry::Occupied(_) => expected.push(i),
                        std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(value)),
                    }
                }
                assert_eq!(refused, expected);
            }
            Step::Delete(k) => {
                assert_eq!(live.delete(tree, &key_of(k)).unwrap(), model.0.remove(&key_of(k)).is_some());
            }
            Step::Get(k) => {
                let got = live.get(tree, &key_of(k), <[u8]>::to_vec).unwrap();
                assert_eq!(got.as_ref(), model.0.get(&key_of(k)));
                // The finger points to where the last of these steps ended, whatever has become of that since.
                let keys = [k, k + 3, k + 6, k / 2].map(key_of);
                let mut shown = Vec::new();
                live.get_each(tree, keys.iter(), &mut finger, &mut |_, value| {
                    shown.push(value.map(<[u8]>::to_vec));
                    ControlFlow::Continue(())
                })
                .unwrap();
                assert!(shown.iter().map(Option::as_ref).eq(keys.iter().map(|key| model.0.get(key))));
            }
            Step::Scan(a, b, up) => {
                let (a, b) = (key_of(a).min(key_of(b)), key_of(a).max(key_of(b)));
                let range = KeyRange { lower: Bound::Excluded(a.clone()), upper: Bound::Included(b.clone()) };
                let direction = if up { Direction::Forward } else { Direction::Backward };
                let got = scan(live, tree, range, direction);
                let mut expected: Vec<_> = if a < b {
                    model
                        .0
                        .range::<Vec<u8>, _>((Bound::Excluded(a), Bound::Included(b)))
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect()
                } else {
                    Vec::new()
                };
                if !up {
                    expected.reverse();
                }
                assert_eq!(got, expected);
            }
            Step::Append(n, len) => {
                let first = store.next_row_id(rows, u64::from(n)).unwrap();
                let values: Vec<Vec<u8>> = (0..u16::from(n)).map(|i| value_of(i, len)).collect();
                live.append_rows(rows, first, &mut values.iter().map(Vec::as_slice)).unwrap();
                model.1.extend((first..).map(|id| id.to_be_bytes().to_vec()).zip(values));
            }
            Step::Commit => {
                txn.take().expect("open").commit().unwrap();
                committed = model.clone();
                saved = None;
                txn = Some(begin(&store));
            }
            Step::Rollback => {
                txn.take().expect("open").rollback().unwrap();
                model = committed.clone();
                saved = None;
                txn = Some(begin(&store));
            }
            Step::Savepoint => saved = Some((live.savepoint(), model.clone())),
            Step::RollbackTo => {
                if let Some((savepoint, then)) = &saved {
                    live.rollback_to(savepoint).unwrap();
                    model = then.clone();
                }
            }
            Step::Clean => clean(&store),
            Step::Checkpoint => store.checkpoint().unwrap(),
        }
    }
    let live = txn.take().expect("open");
    assert_eq!((all(&live, tree), all(&live, rows)), model);
    live.rollback().unwrap();
    let check = |store: &Store| {
        let reader = begin(store);
        assert_eq!((all(&reader, tree), all(&reader, rows)), committed);
        drop(reader);
        assert_sound(store);
        assert_no_leak(store);
    };
    check(&store);
    store.wait_durable(store.metrics().end_lsn).unwrap();
    drop(store);
    env.crash(3);
    check(&Store::open(env, dir(), options()).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn behaves_like_maps(steps in steps()) {
        run(steps);
    }
}

#[test]
fn a_bulk_built_tree_is_complete_and_goes_with_its_transaction() {
    let (_, store) = fresh(2);
    for keep in [true, false] {
        let mut txn = begin(&store);
        let tree = txn.create_tree().unwrap();
        let count = txn
            .build_tree(tree, &mut |push| {
                (0..20_000u64).try_for_each(|i| push(format!("{i:09}").as_bytes(), &i.to_be_bytes()))
            })
            .unwrap();
        assert_eq!(count, 20_000);
        put(&mut txn, tree, "000000500x", "between");
        assert_eq!(all(&txn, tree).len(), 20_001);
        if keep {
            txn.commit().unwrap();
            assert_sound(&store);
            let stats = store.tree_stats(tree).unwrap();
            assert!(stats.height == 2 && stats.pages < 60, "{stats:?}");
        } else {
            txn.rollback().unwrap();
        }
        assert_no_leak(&store);
    }
}

#[test]
fn unsorted_bulk_input_is_refused_without_a_trace() {
    let (_, store) = fresh(2);
    let mut txn = begin(&store);
    let tree = txn.create_tree().unwrap();
    #[allow(clippy::type_complexity, reason = "a producer that is handed the consumer")]
    let mut records = |push: &mut dyn FnMut(&[u8], &[u8]) -> Result<()>| {
        (0..5000u64).try_for_each(|i| push(&i.to_be_bytes(), &[9; 100]))?;
        push(&77u64.to_be_bytes(), b"again")
    };
    assert!(matches!(txn.build_tree(tree, &mut records), Err(StoreError::Duplicate { .. })));
    assert!(all(&txn, tree).is_empty());
    txn.commit().unwrap();
    assert_sound(&store);
    assert_no_leak(&store);
}

#[test]
fn emptied_trees_shrink_and_dropped_trees_vanish() {
    let (_, store) = fresh(3);
    let mut txn = begin(&store);
    let tree = txn.create_tree().unwrap();
    for i in 0..6000u64 {
        let len = if i % 500 == 0 { 50_000 } else { 200 };
        assert_eq!(txn.insert(tree, &i.to_be_bytes(), &vec![i as u8; len]).unwrap(), InsertOutcome::Inserted);
    }
    txn.commit().unwrap();
    let full = store.tree_stats(tree).unwrap();
    let mut txn = begin(&store);
    for i in 0..5990u64 {
        assert!(txn.delete(tree, &i.to_be_bytes()).unwrap());
    }
    txn.commit().unwrap();
    clean(&store);
    scan(&begin(&store), tree, KeyRange::all(), Direction::Forward);
    clean(&store);
    let empty = store.tree_stats(tree).unwrap();
    assert!(empty.pages * 5 < full.pages, "{full:?} {empty:?}");
    assert_eq!(all(&begin(&store), tree).len(), 10);
    assert_sound(&store);
    let mut txn = begin(&store);
    txn.drop_tree(tree).unwrap();
    txn.commit().unwrap();
    assert_no_leak(&store);
    assert!(store.tree_stats(tree).is_err());
}

#[test]
fn appending_leaves_no_half_empty_leaves() {
    let (_, store) = fresh(4);
    let mut txn = begin(&store);
    let tree = txn.create_tree().unwrap();
    let row = [1u8; 100];
    txn.append_rows(tree, 1, &mut (0..10_000).map(|_| &row[..])).unwrap();
    txn.commit().unwrap();
    let stats = store.tree_stats(tree).unwrap();
    assert!(stats.pages <= 10_000 * 140 / 16_000 + 5, "{stats:?}");
    assert_eq!(store.next_row_id(tree, 1).unwrap(), 10_001);
    assert_eq!(store.recent_tree_stats(tree).unwrap(), stats);
    let first = store.next_row_id(tree, 10_000).unwrap();
    let mut txn = begin(&store);
    txn.append_rows(tree, first, &mut (0..10_000).map(|_| &row[..])).unwrap();
    txn.commit().unwrap();
    assert!(store.recent_tree_stats(tree).unwrap().records > 15_000, "growth is seen");
}

#[test]
fn parallel_ranges_cover_everything_once() {
    let (_, store) = fresh(5);
    let mut txn = begin(&store);
    let tree = txn.create_tree().unwrap();
    txn.append_rows(tree, 1, &mut (0..20_000).map(|_| &[5u8; 60][..])).unwrap();
    let cursor = txn.cursor(tree, KeyRange::all(), Direction::Forward).unwrap();
    let ranges = cursor.split(&txn, 8).unwrap();
    assert!(ranges.len() >= 6, "{}", ranges.len());
    let total: usize =
        ranges.into_iter().map(|range| scan(&txn, tree, range, Direction::Forward).len()).sum();
    assert_eq!(total, 20_000);
}

/// Neighbours take records of a full leaf: inserted in any order they fill four fifths of the leaves, and in ascending order nearly all.
#[test]
fn leaves_are_well_filled_and_recovered_so() {
    let env = SimEnv::new(11);
    let options = Options { buffer_bytes: 256 * 16384, ..options() };
    let store = Store::create(env.clone(), dir(), &options).unwrap();
    let mut txn = begin(&store);
    let trees = [(); 2].map(|()| txn.create_tree().unwrap());
    txn.commit().unwrap();
    let mut model: [BTreeMap<Vec<u8>, Vec<u8>>; 2] = Default::default();
    for round in 0..40u64 {
        let mut txn = begin(&store);
        for i in round * 250..(round + 1) * 250 {
            let mixed = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let keys = [(mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9), i];
            for ((tree, model), key) in trees.iter().zip(&mut model).zip(keys) {
                let (key, value) = (key.to_be_bytes().to_vec(), value_of(i as u16, 60 + i as u16 % 80));
                txn.put(*tree, &key, &value).unwrap();
                model.insert(key, value);
            }
        }
        let committed = txn.commit().unwrap();
        if round % 10 == 9 {
            store.checkpoint().unwrap();
        }
        store.wait_durable(committed.lsn.unwrap()).unwrap();
    }
    let filled = |store: &Store| {
        trees.map(|tree| {
            let pages = store.tree_stats(tree).unwrap().pages as usize;
            // Slots of twelve bytes and keys of about six beside the values of a hundred.
            model[0].values().map(|value| value.len() + 18).sum::<usize>() as f64 / (pages * 16256) as f64
        })
    };
    let [random, ascending] = filled(&store);
    assert!(random > 0.72 && ascending > 0.8, "{random} {ascending}");
    drop(store);
    env.crash(3);
    let store = Store::open(env, dir(), options).unwrap();
    assert_eq!(filled(&store), [random, ascending]);
    assert!(store.verify(None).unwrap().is_empty());
    for (tree, model) in trees.iter().zip(&model) {
        let found = scan(&begin(&store), *tree, KeyRange::all(), Direction::Forward);
        assert!(found.into_iter().eq(model.iter().map(|(key, value)| (key.clone(), value.clone()))));
    }
}
