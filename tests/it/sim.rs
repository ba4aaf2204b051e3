//! The crash simulation, shortly: `cargo run -p nq-tests --bin sim` runs it at length.

use nq_tests::sim::{ROUNDS_PER_WORLD, Report, Trouble, run};

#[test]
fn a_few_worlds_hold() {
    let mut all = Report::default();
    for seed in 0..8 {
        match run(seed, ROUNDS_PER_WORLD, Trouble::default()) {
            Ok(report) => all.add(&report),
            Err(violation) => panic!("{violation}"),
        }
    }
    // The worlds are not empty: everything that can happen does.
    assert!(all.crashes_in_recovery > 50 && all.faults > 20 && all.damaged > 20 && all.losers > 50, "{all}");
    assert!(all.commits > all.acknowledged && all.acknowledged > 1000, "{all}");
}

#[test]
fn one_seed_is_one_history() {
    let history = || run(11, 10, Trouble::default()).unwrap_or_else(|violation| panic!("{violation}"));
    assert_eq!(history(), history());
}

/// A drive that reports syncs it has not done loses what was acknowledged: a simulation that does not notice is blind.
#[test]
fn lying_syncs_are_noticed() {
    let trouble = Trouble { lying_syncs: true, ..Trouble::default() };
    assert!((0..4).any(|seed| run(seed, ROUNDS_PER_WORLD, trouble).is_err()));
}

/// Worlds that have broken. 9: a leaf had lost stamps when it was written, and what used their room did not fit in redo. 2895: redo
/// dropped stamps of a transaction whose rollback was still to come in the log.
#[test]
fn worlds_that_have_broken_hold() {
    for (seed, rounds) in [(9, 5), (2895, 11), (269, 12)] {
        if let Err(violation) = run(seed, rounds, Trouble::default()) {
            panic!("{violation}");
        }
    }
}
