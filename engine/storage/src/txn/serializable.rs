//! SERIALIZABLE by precision locking (Jordan, Banerjee & Batman 1981; Neumann et al. 2015).
//!
//! A serializable transaction records the keys and key ranges it reads. At commit these are checked against the keys
//! written by every transaction that committed since its snapshot; a hit means that the reads would differ if they were
//! done now, and is a serialization failure. So a committed one could have done all its reads at its commit: commit order
//! is a serial order. Read-only transactions read a state of that order and never fail.
//!
//! Written keys are kept while any serializable transaction runs, also those of other isolation levels. Memory is bounded:
//! a tree of which very much was read counts as read completely.

use super::undo::Entry;
use super::{Shared, Snapshot};
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, TreeId};
use crate::txn::types::KeyRange;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const POINTS_MAX: usize = 4096;
const RANGES_MAX: usize = 512;

/// What a transaction has read.
#[derive(Default)]
pub(crate) struct ReadSet {
    trees: HashMap<TreeId, TreeReads, foldhash::fast::FixedState>,
}

#[derive(Default)]
struct TreeReads {
    everything: bool,
    points: HashSet<Box<[u8]>, foldhash::fast::FixedState>,
    ranges: Vec<KeyRange>,
}

impl TreeReads {
    fn give_up_detail(&mut self) {
        self.everything = true;
        self.points = HashSet::default();
        self.ranges = Vec::new();
    }

    fn covers(&self, key: &[u8]) -> bool {
        self.everything || self.points.contains(key) || self.ranges.iter().any(|range| range.contains(key))
    }

    fn meets_rows(&self, first: u64, last: u64) -> bool {
        let within = |key: &[u8]| key >= &first.to_be_bytes()[..] && key <= &last.to_be_bytes()[..];
        self.everything
            || self.points.iter().any(|key| within(key))
            || self.ranges.iter().any(|range| overlaps(range, first, last))
    }
}

fn overlaps(range: &KeyRange, first: u64, last: u64) -> bool {
    use std::ops::Bound::*;
    let (first, last) = (first.to_be_bytes(), last.to_be_bytes());
    let starts = match &range.lower {
        Included(key) => key.as_slice() <= &last[..],
        Excluded(key) => key.as_slice() < &last[..],
        Unbounded => true,
    };
    starts
        && match &range.upper {
            Included(key) => key.as_slice() >= &first[..],
            Excluded(key) => key.as_slice() > &first[..],
            Unbounded => true,
        }
}

impl ReadSet {
    /// Notes a key that was looked up, found or not.
    pub(crate) fn point(&mut self, tree: TreeId, key: &[u8]) {
        let reads = self.trees.entry(tree).or_default();
        if reads.everything || reads.points.contains(key) {
            return;
        }
        reads.points.insert(key.into());
        if reads.points.len() > POINTS_MAX {
            reads.give_up_detail();
        }
    }

    /// Notes a range that a cursor passed; `known` is where its earlier part is noted.
    pub(crate) fn range(&mut self, tree: TreeId, range: KeyRange, known: &mut Option<usize>) {
        let reads = self.trees.entry(tree).or_default();
        if reads.everything {
            return;
        }
        // A cursor's steps join: the new part begins where the old one ended.
        if let Some(before) = known.and_then(|at| reads.ranges.get_mut(at)) {
            if before.upper == flip(&range.lower) {
                before.upper = range.upper;
                return;
            }
            if before.lower == flip(&range.upper) {
                before.lower = range.lower;
                return;
            }
        }
        *known = Some(reads.ranges.len());
        reads.ranges.push(range);
        if reads.ranges.len() > RANGES_MAX {
            reads.give_up_detail();
        }
    }
}

fn flip(bound: &std::ops::Bound<Vec<u8>>) -> std::ops::Bound<Vec<u8>> {
    use std::ops::Bound::*;
    match bound {
        Included(key) => Excluded(key.clone()),
        Excluded(key) => Included(key.clone()),
        Unbounded => Unbounded,
    }
}

/// What a committed transaction wrote.
struct Written {
    xid: u64,
    keys: Vec<(TreeId, Box<[u8]>)>,
    ranges: Vec<(TreeId, u64, u64)>,
}

impl Written {
    fn of(shared: &Shared) -> Result<Written> {
        let mut written = Written { xid: shared.xid, keys: Vec::new(), ranges: Vec::new() };
        let mut outcome = Ok(());
        shared.undo.read().for_each(1, |entry| match entry {
            Entry::Insert { tree, key } | Entry::Change { tree, key, .. } => {
                written.keys.push((tree, key.into()))
            }
            Entry::Range { tree, first, last } => written.ranges.push((tree, first, last)),
            Entry::Many { tree, entries } => {
                let noted = entries.try_for_each(|key, _| {
                    written.keys.push((tree, key.into()));
                    Ok(())
                });
                outcome = std::mem::replace(&mut outcome, Ok(())).and(noted);
            }
            Entry::Page { .. } => {}
        })?;
        outcome.map(|()| written)
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty()
    }

    fn meets(&self, reads: &ReadSet) -> bool {
        self.keys.iter().any(|(tree, key)| reads.trees.get(tree).is_some_and(|reads| reads.covers(key)))
            || self.ranges.iter().any(|&(tree, first, last)| {
                reads.trees.get(&tree).is_some_and(|reads| reads.meets_rows(first, last))
            })
    }
}

/// Committed writes that running serializable transactions may have missed.
#[derive(Default)]
pub struct Validation {
    running: AtomicUsize,
    written: Mutex<VecDeque<Written>>,
}

impl Validation {
    /// A serializable transaction begins; before it takes its snapshot.
    pub fn enter(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
    }

    /// A serializable transaction has ended.
    pub fn leave(&self) {
        let mut written = self.written.lock();
        if self.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            written.clear();
        }
    }

    /// Forgets writes that every snapshot sees.
    pub fn forget_below(&self, horizon: u64) {
        if self.running.load(Ordering::SeqCst) > 0 {
            self.written.lock().retain(|written| written.xid >= horizon);
        }
    }

    /// Commits a transaction that has written: validates what it read, calls `publish`, and keeps what it wrote for the
    /// validation of others. While no serializable transaction runs this is `publish` alone.
    pub(crate) fn commit(
        &self,
        shared: &Arc<Shared>,
        snapshot: Option<&Arc<Snapshot>>,
        reads: Option<&Mutex<ReadSet>>,
        publish: impl FnOnce() -> Result<Option<Lsn>>,
    ) -> Result<Option<Lsn>> {
        if self.running.load(Ordering::SeqCst) == 0 {
            return publish();
        }
        // Validation and publication are one step: commits are checked in the order in which they happen.
        let mut written = self.written.lock();
        let own = Written::of(shared)?;
        // Who has taken all its writes back has only read.
        if own.is_empty() {
            return publish();
        }
        if let (Some(reads), Some(snapshot)) = (reads, snapshot) {
            check(&written, snapshot, &reads.lock())?;
        }
        let lsn = publish()?;
        written.push_back(own);
        Ok(lsn)
    }

    /// Fails if a transaction that has read `reads` and goes on to write could not commit.
    pub(crate) fn check_reads(&self, snapshot: &Snapshot, reads: &ReadSet) -> Result<()> {
        check(&self.written.lock(), snapshot, reads)
    }
}

fn check(written: &VecDeque<Written>, snapshot: &Snapshot, reads: &ReadSet) -> Result<()> {
    match written.iter().any(|other| !snapshot.sees(other.xid) && other.meets(reads)) {
        true => Err(StoreError::SerializationFailure(DEPENDENCIES)),
        false => Ok(()),
    }
}

const DEPENDENCIES: &str = "could not serialize access due to read/write dependencies among transactions";
