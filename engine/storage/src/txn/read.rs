//! Reading: visibility, point gets, cursors.

use super::undo::Entry;
use super::{Snapshot, Txn, View};
use crate::btree::{Finger, Tree};
use crate::buffer::{Access, PageRead};
use crate::core::Core;
use crate::error::{Result, StoreError};
use crate::ids::TreeId;
use crate::page::{Found, LargeRef, NodeRef, PageKind, SlotFlags, Stamp, chunk_data, chunk_next, page_kind};
use crate::txn::types::{Direction, Isolation, KeyRange, Walk};
use std::ops::{Bound, ControlFlow, Range};
use std::sync::Arc;

/// Where the version a view sees is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Visible {
    /// The view sees no version, or a deletion.
    Nothing,
    /// The one in place.
    InPlace,
    /// An older one, copied out, with these flags.
    Older(SlotFlags),
}

/// Finds the version of a record that `view` sees. The leaf's latch keeps the chain intact meanwhile.
pub(crate) fn visible(
    core: &Core,
    view: &View<'_>,
    node: NodeRef<'_>,
    slot: usize,
    older: &mut Vec<u8>,
) -> Result<Visible> {
    let flags = node.flags(slot);
    let in_place = if flags.has(SlotFlags::DELETED) { Visible::Nothing } else { Visible::InPlace };
    match node.stamp(slot) {
        None => Ok(in_place),
        Some(stamp) if view.sees(stamp.xid, stamp.undo) => Ok(in_place),
        Some(stamp) => older_version(core, view, stamp, older, in_place),
    }
}

#[cold]
fn older_version(
    core: &Core,
    view: &View<'_>,
    mut stamp: Stamp,
    older: &mut Vec<u8>,
    in_place: Visible,
) -> Result<Visible> {
    let mut newest = true;
    loop {
        let Some(shared) = core.transactions.find(stamp.xid) else {
            // Nobody remembers the writer: it ended before every snapshot, this one included.
            return Ok(if newest { in_place } else { Visible::Nothing });
        };
        let step = shared.undo.read().with(stamp.undo, |_, entry| match entry {
            Entry::Change { prior, .. } => {
                let seen = prior.stamp.is_none_or(|stamp| view.sees(stamp.xid, stamp.undo));
                match (seen, prior.flags.has(SlotFlags::DELETED)) {
                    (true, true) => Err(Visible::Nothing),
                    (true, false) => {
                        older.clear();
                        older.extend_from_slice(prior.value);
                        Err(Visible::Older(prior.flags))
                    }
                    (false, _) => Ok(prior.stamp),
                }
            }
            _ => Err(Visible::Nothing),
        })?;
        match step {
            Ok(Some(next)) => stamp = next,
            Ok(None) => return Ok(Visible::Nothing),
            Err(found) => return Ok(found),
        }
        newest = false;
    }
}

impl Core {
    /// Puts a large value together.
    pub(crate) fn read_large(&self, reference: &[u8]) -> Result<Vec<u8>> {
        let damaged =
            || StoreError::Corrupt { page: None, what: "a large value without its reference".into() };
        let large = LargeRef::decode(reference).ok_or_else(damaged)?;
        let mut value = Vec::with_capacity((large.len as usize).min(64 << 20));
        let mut at = large.first;
        while (value.len() as u64) < large.len {
            if at.is_none() {
                return Err(StoreError::corrupt(large.first, "a large value is shorter than it should be"));
            }
            let page = self.trees.pool.read(at, Access::Scan)?;
            if page_kind(page.bytes()) != PageKind::Overflow || chunk_data(page.bytes()).is_empty() {
                return Err(StoreError::corrupt(at, "not a chunk of a large value"));
            }
            value.extend_from_slice(chunk_data(page.bytes()));
            at = chunk_next(page.bytes());
        }
        Ok(value)
    }

    /// The bytes of a version: as they are, or put together in `large`.
    pub(crate) fn value_of<'v>(
        &self,
        flags: SlotFlags,
        stored: &'v [u8],
        large: &'v mut Vec<u8>,
    ) -> Result<&'v [u8]> {
        if !flags.has(SlotFlags::LARGE) {
            return Ok(stored);
        }
        *large = self.read_large(stored)?;
        Ok(large)
    }
}

impl Txn {
    /// Shows the value the snapshot sees for `key`. `f` runs under the leaf's latch: it must be short and must not call the store.
    pub fn get<R>(&self, tree: TreeId, key: &[u8], f: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        if let Some(reads) = &self.reads {
            reads.lock().point(tree, key);
        }
        let view = self.view();
        self.get_in(&view, tree, key, f)
    }

    /// Shows the values the snapshot sees for several keys, by their number: like [`Txn::get`] for each, but neighbours in
    /// one leaf share its latch, and ascending keys need few descents. `f` gets `None` for what is not there and may stop early.
    pub fn get_each<K: AsRef<[u8]>>(
        &self,
        tree: TreeId,
        keys: impl Iterator<Item = K>,
        finger: &mut Finger,
        f: &mut impl FnMut(usize, Option<&[u8]>) -> ControlFlow<()>,
    ) -> Result<()> {
        let view = self.view();
        let found = self.tree(tree)?;
        let mut leaf: Option<PageRead<'_>> = None;
        let mut older = Vec::new();
        for (number, key) in keys.enumerate() {
            let key = key.as_ref();
            if let Some(reads) = &self.reads {
                reads.lock().point(tree, key);
            }
            let held = match leaf.take() {
                Some(held) if held.node().covers(key) => held,
                // The latch is given back before the next one is taken.
                other => {
                    drop(other);
                    self.trees().leaf_read_near(&found, key, Access::Normal, finger)?
                }
            };
            let node = held.node();
            let sought = node.find_covered(key);
            let shown = match sought {
                Found::Before(_) => Some(Visible::Nothing),
                Found::At(slot) if node.flags(slot).has(SlotFlags::LARGE) => None,
                Found::At(slot) => Some(visible(&self.core, &view, node, slot, &mut older)?),
            };
            let flow = match shown {
                Some(Visible::Nothing) => f(number, None),
                Some(Visible::InPlace) => f(number, Some(node.value(sought.slot()))),
                Some(Visible::Older(flags)) if !flags.has(SlotFlags::LARGE) => f(number, Some(&older)),
                _ => {
                    drop(held);
                    let flow = match self.get_in(&view, tree, key, |value| f(number, Some(value)))? {
                        Some(flow) => flow,
                        None => f(number, None),
                    };
                    if flow.is_break() {
                        break;
                    }
                    continue;
                }
            };
            if flow.is_break() {
                break;
            }
            leaf = Some(held);
        }
        Ok(())
    }

    /// Like [`Txn::get`], of the newest committed version (or the own one), whatever the snapshot: for checks of
    /// constraints, which look at the present.
    pub fn get_latest<R>(&self, tree: TreeId, key: &[u8], f: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let snapshot = self.core.transactions.snapshot();
        let view = View { snapshot: &snapshot, own: self.xid().unwrap_or(0), command: u64::MAX };
        self.get_in(&view, tree, key, f)
    }

    /// The keys that begin with `prefix`, but for `own`, of records that are there or may be: written or deleted by a transaction that
    /// has not ended. For keys that are unique in the end only.
    pub fn rivals(&self, tree: TreeId, prefix: &[u8], own: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut found = Vec::new();
        self.walk_present(tree, prefix, &mut |key| {
            if !key.starts_with(prefix) {
                return Walk::Stop;
            }
            if key != own {
                found.push(key.to_vec());
            }
            Walk::On
        })?;
        Ok(found)
    }

    /// Shows the keys from `from` on of records that are there or may be, in order; `see` says how to go on, and must not call the
    /// store.
    pub fn walk_present(&self, tree: TreeId, from: &[u8], see: &mut dyn FnMut(&[u8]) -> Walk) -> Result<()> {
        let tree = self.tree(tree)?;
        let mut from = from.to_vec();
        loop {
            self.options.interrupt.check()?;
            let leaf = self.trees().leaf_read(&tree, &from, Access::Normal)?;
            let node = leaf.node();
            let mut slot = node.find(&from).slot();
            let next = loop {
                if slot >= node.count() {
                    match node.upper_fence() {
                        Some(fence) => break fence.to_vec(),
                        None => return Ok(()),
                    }
                }
                let gone = || {
                    node.stamp(slot).is_none_or(|stamp| {
                        Some(stamp.xid) == self.xid()
                            || self.core.transactions.find_running(stamp.xid).is_none()
                    })
                };
                if node.flags(slot).has(SlotFlags::DELETED) && gone() {
                    slot += 1;
                    continue;
                }
                match see(&node.key(slot)) {
                    Walk::On => slot += 1,
                    Walk::Stop => return Ok(()),
                    Walk::Seek(to) => match node.upper_fence() {
                        Some(fence) if to[..] >= *fence => break to,
                        _ => slot = node.find(&to).slot(),
                    },
                }
            };
            from = next;
        }
    }

    /// What constraints between tables are checked against: the present, or in the stricter isolation levels what the
    /// transaction sees.
    pub fn key_snapshot(&self) -> Arc<Snapshot> {
        match self.options().isolation {
            Isolation::ReadCommitted => self.latest_snapshot(),
            Isolation::RepeatableRead | Isolation::Serializable => self.snapshot(),
        }
    }

    /// A snapshot of what is committed now, whatever the isolation level.
    pub fn latest_snapshot(&self) -> Arc<Snapshot> {
        self.core.transactions.snapshot()
    }

    /// Like [`Txn::get`] under another snapshot, with all own versions, those of the running command too. Counts as no read of the
    /// transaction: for constraints, which hold what they find.
    pub fn get_through<R>(
        &self,
        snapshot: &Snapshot,
        tree: TreeId,
        key: &[u8],
        f: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let view = View { snapshot, own: self.xid().unwrap_or(0), command: u64::MAX };
        self.get_in(&view, tree, key, f)
    }

    /// Like [`Txn::get`], of what is there in place, whoever has written it and whether he has ended or not.
    pub fn get_written<R>(&self, tree: TreeId, key: &[u8], f: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let tree = self.tree(tree)?;
        let leaf = self.trees().leaf_read(&tree, key, Access::Normal)?;
        let node = leaf.node();
        let Found::At(slot) = node.find_covered(key) else { return Ok(None) };
        let flags = node.flags(slot);
        if flags.has(SlotFlags::DELETED) {
            return Ok(None);
        }
        let stored = node.value(slot).to_vec();
        drop(leaf);
        let mut large = Vec::new();
        Ok(Some(f(self.core.value_of(flags, &stored, &mut large)?)))
    }

    fn get_in<R>(
        &self,
        view: &View<'_>,
        tree: TreeId,
        key: &[u8],
        f: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let tree = self.tree(tree)?;
        let leaf = self.trees().leaf_read(&tree, key, Access::Normal)?;
        let node = leaf.node();
        let Found::At(slot) = node.find_covered(key) else { return Ok(None) };
        let mut older = Vec::new();
        let (flags, stored) = match visible(&self.core, view, node, slot, &mut older)? {
            Visible::Nothing => return Ok(None),
            Visible::InPlace if !node.flags(slot).has(SlotFlags::LARGE) => {
                return Ok(Some(f(node.value(slot))));
            }
            Visible::InPlace => (node.flags(slot), node.value(slot).to_vec()),
            Visible::Older(flags) => (flags, older),
        };
        drop(leaf);
        let mut large = Vec::new();
        Ok(Some(f(self.core.value_of(flags, &stored, &mut large)?)))
    }

    /// A cursor over the records the snapshot sees.
    pub fn cursor(&self, tree: TreeId, range: KeyRange, direction: Direction) -> Result<Cursor> {
        self.cursor_in(self.snapshot(), tree, range, direction)
    }

    /// A cursor under a given snapshot, which it keeps.
    pub fn cursor_in(
        &self,
        snapshot: Arc<Snapshot>,
        tree: TreeId,
        range: KeyRange,
        direction: Direction,
    ) -> Result<Cursor> {
        Ok(Cursor {
            tree: self.tree(tree)?,
            snapshot,
            command: self.command,
            range,
            direction,
            done: false,
            finger: Finger::default(),
            key: Vec::new(),
            older: Vec::new(),
            shown: 0,
            leaves: 0,
            read_range: None,
        })
    }
}

/// A position in a range of a tree. Nothing is latched between calls.
pub struct Cursor {
    tree: Arc<Tree>,
    snapshot: Arc<Snapshot>,
    command: u64,
    /// What is still ahead.
    range: KeyRange,
    direction: Direction,
    done: bool,
    finger: Finger,
    key: Vec<u8>,
    older: Vec<u8>,
    /// Records shown of the current batch.
    shown: usize,
    /// Leaves visited so far.
    leaves: usize,
    /// Which range of the transaction's read set this cursor widens.
    read_range: Option<usize>,
}

/// Flags of records that are shown as they lie in the leaf.
const ORDINARY: SlotFlags = SlotFlags(SlotFlags::STAMPED.0 | SlotFlags::KEY_KEPT.0);
/// Leaves after which a cursor counts as a scan, whose pages need not stay in the pool.
const SCAN_AFTER: usize = 8;
/// Ghosts older than the horizon met in one leaf before the cleaner is told.
const GHOSTS_TO_REPORT: usize = 16;

impl Cursor {
    /// Shows up to `max` visible records of one leaf, under one hold of its latch; `out` may stop early with
    /// [`ControlFlow::Break`] (that record counts as shown) and must not call the store. False: the range is exhausted.
    pub fn next_batch(
        &mut self,
        txn: &Txn,
        max: usize,
        out: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        txn.options.interrupt.check()?;
        self.shown = 0;
        self.leaves += 1;
        let before = txn.reads.as_ref().map(|_| self.range.clone());
        let outcome = match self.direction {
            Direction::Forward => self.forward(txn, max, out),
            Direction::Backward => self.backward(txn, max, out),
        };
        if let (Some(reads), Some(before)) = (&txn.reads, before) {
            let read = self.passed(before);
            reads.lock().range(self.tree.id, read, &mut self.read_range);
        }
        outcome?;
        Ok(!self.done)
    }

    /// Puts the cursor before another range of its tree.
    pub fn restart(&mut self, range: KeyRange) {
        self.range = range;
        self.done = false;
        self.leaves = 0;
        self.read_range = None;
    }

    /// The part of the range the last step went through.
    fn passed(&self, before: KeyRange) -> KeyRange {
        let flip = |bound: &Bound<Vec<u8>>| match bound {
            Bound::Included(key) => Bound::Excluded(key.clone()),
            Bound::Excluded(key) => Bound::Included(key.clone()),
            Bound::Unbounded => Bound::Unbounded,
        };
        match (self.done, self.direction) {
            (true, _) => before,
            (false, Direction::Forward) => KeyRange { lower: before.lower, upper: flip(&self.range.lower) },
            (false, Direction::Backward) => KeyRange { lower: flip(&self.range.upper), upper: before.upper },
        }
    }

    fn forward(
        &mut self,
        txn: &Txn,
        max: usize,
        out: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        let core = Arc::clone(&txn.core);
        let start: &[u8] = match &self.range.lower {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => &[],
        };
        let access = self.access();
        let leaf = core.trees.leaf_read_near(&self.tree, start, access, &mut self.finger)?;
        let node = leaf.node();
        let first = match (&self.range.lower, node.find(start)) {
            (Bound::Excluded(_), Found::At(slot)) => slot + 1,
            (_, found) => found.slot(),
        };
        let end = upper_slot(node, &self.range.upper);
        let own = txn.xid().unwrap_or(0);
        let prefix = node.prefix();
        self.key.clear();
        self.key.extend_from_slice(prefix);
        // A writer all of whose versions the snapshot sees: neighbours mostly have the same.
        let mut settled = 0;
        let mut plain = true;
        for slot in first..end.max(first) {
            let (flags, writer, suffix, value) = node.record(slot);
            if writer == settled && flags.without(ORDINARY) == SlotFlags::default() {
                self.key.truncate(prefix.len());
                self.key.extend_from_slice(suffix);
                if out(&self.key, value).is_break() || self.counted(max) {
                    self.range.lower = Bound::Excluded(node.key(slot));
                    return Ok(());
                }
                continue;
            }
            plain &= !flags.has(SlotFlags::DELETED);
            if self
                .show(txn, &core, node, slot, out)?
                .is_some_and(|shown| shown.is_break() || self.counted(max))
            {
                self.range.lower = Bound::Excluded(node.key(slot));
                return Ok(());
            }
            if writer != own && self.snapshot.sees(writer) {
                settled = writer;
            }
        }
        if !plain {
            self.report_ghosts(&core, node, first..end.max(first));
        }
        match node.upper_fence() {
            Some(fence) if end == node.count() && ahead(fence, &self.range.upper) => {
                self.range.lower = Bound::Included(fence.to_vec());
            }
            _ => self.done = true,
        }
        Ok(())
    }

    fn backward(
        &mut self,
        txn: &Txn,
        max: usize,
        out: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        let core = Arc::clone(&txn.core);
        let leaf = match &self.range.upper {
            Bound::Included(key) => core.trees.leaf_read(&self.tree, key, self.access())?,
            Bound::Excluded(key) => core.trees.leaf_read_below(&self.tree, Some(key), self.access())?,
            Bound::Unbounded => core.trees.leaf_read_below(&self.tree, None, self.access())?,
        };
        let node = leaf.node();
        let end = upper_slot(node, &self.range.upper);
        let first = match &self.range.lower {
            Bound::Unbounded => 0,
            Bound::Included(key) => node.find(key).slot(),
            Bound::Excluded(key) => match node.find(key) {
                Found::At(slot) => slot + 1,
                Found::Before(slot) => slot,
            },
        };
        for slot in (first..end).rev() {
            if self
                .show(txn, &core, node, slot, out)?
                .is_some_and(|shown| shown.is_break() || self.counted(max))
            {
                self.range.upper = Bound::Excluded(node.key(slot));
                return Ok(());
            }
        }
        self.report_ghosts(&core, node, first..end.max(first));
        let fence = node.lower_fence();
        let more = match &self.range.lower {
            Bound::Unbounded => true,
            Bound::Included(key) | Bound::Excluded(key) => key.as_slice() < fence,
        };
        if fence.is_empty() || first > 0 || !more {
            self.done = true;
        } else {
            self.range.upper = Bound::Excluded(fence.to_vec());
        }
        Ok(())
    }

    fn access(&self) -> Access {
        if self.leaves > SCAN_AFTER { Access::Scan } else { Access::Normal }
    }

    /// Counts a shown record; true when the batch is full.
    fn counted(&mut self, max: usize) -> bool {
        self.shown += 1;
        self.shown >= max
    }

    /// Shows a record when it is visible.
    fn show(
        &mut self,
        txn: &Txn,
        core: &Core,
        node: NodeRef<'_>,
        slot: usize,
        out: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<Option<ControlFlow<()>>> {
        let view = View { snapshot: &self.snapshot, own: txn.xid().unwrap_or(0), command: self.command };
        let found = visible(core, &view, node, slot, &mut self.older)?;
        let (flags, stored): (SlotFlags, &[u8]) = match found {
            Visible::Nothing => return Ok(None),
            Visible::InPlace => (node.flags(slot), node.value(slot)),
            Visible::Older(flags) => (flags, &self.older),
        };
        self.key.clear();
        node.key_into(slot, &mut self.key);
        let mut large = Vec::new();
        let value = core.value_of(flags, stored, &mut large)?;
        Ok(Some(out(&self.key, value)))
    }

    fn report_ghosts(&self, core: &Core, node: NodeRef<'_>, mut passed: Range<usize>) {
        let horizon = core.transactions.horizon();
        let dead = |i: &usize| {
            node.flags(*i).has(SlotFlags::DELETED) && node.stamp(*i).is_none_or(|stamp| stamp.xid < horizon)
        };
        if passed.len() >= GHOSTS_TO_REPORT
            && passed.by_ref().filter(dead).take(GHOSTS_TO_REPORT).count() == GHOSTS_TO_REPORT
        {
            core.clean.leaf(self.tree.id, node.lower_fence());
        }
    }

    /// Cuts what is still ahead into up to `parts` ranges of about equal size, by the separators of inner nodes.
    pub fn split(&self, txn: &Txn, parts: usize) -> Result<Vec<KeyRange>> {
        let separators = txn.trees().separators(&self.tree, parts)?;
        let inside: Vec<Vec<u8>> = separators.into_iter().filter(|key| self.range.contains(key)).collect();
        let step = inside.len().div_ceil(parts.max(1)).max(1);
        let mut ranges = Vec::new();
        let mut lower = self.range.lower.clone();
        for key in inside.into_iter().step_by(step) {
            ranges.push(KeyRange { lower, upper: Bound::Excluded(key.clone()) });
            lower = Bound::Included(key);
        }
        ranges.push(KeyRange { lower, upper: self.range.upper.clone() });
        Ok(ranges)
    }
}

/// First slot beyond the upper bound.
fn upper_slot(node: NodeRef<'_>, upper: &Bound<Vec<u8>>) -> usize {
    match upper {
        Bound::Unbounded => node.count(),
        Bound::Excluded(key) => node.find(key).slot(),
        Bound::Included(key) => match node.find(key) {
            Found::At(slot) => slot + 1,
            Found::Before(slot) => slot,
        },
    }
}

/// Whether keys from `fence` on can lie below the upper bound.
fn ahead(fence: &[u8], upper: &Bound<Vec<u8>>) -> bool {
    match upper {
        Bound::Unbounded => true,
        Bound::Included(key) => fence <= key.as_slice(),
        Bound::Excluded(key) => fence < key.as_slice(),
    }
}
