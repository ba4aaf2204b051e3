//! Undoing: rollback, savepoints, and the compensation both share with recovery.
//!
//! Undo is logical: a record is found again by its key, wherever splits and merges have moved it. Each step is logged as
//! a compensation record naming the record it undoes, so that a crash in the middle of a rollback is resumed, not repeated.

use super::undo::{Entry, Prior};
use super::{Shared, Txn};
use crate::btree::{DIRECTORY, Encoded, Tree, Trees};
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId, TreeId};
use crate::page::{Found, SlotFlags};
use crate::recovery::record::{Entries, Op, Part, Record};
use crate::wal::Space;
use std::sync::Arc;

/// A point to roll back to.
#[derive(Clone, Debug)]
pub struct Savepoint {
    undo: u64,
    held: usize,
    dropped_trees: usize,
}

/// What the log reserves for a record beside its payload.
pub(super) const RESERVE_OVERHEAD: u64 = 8;

/// How compensation records get log space: from what the transaction reserved.
pub(crate) struct Reserve<'r>(pub(crate) &'r mut u64);

impl Reserve<'_> {
    fn take(&mut self, bytes: u64) -> Space {
        if *self.0 <= RESERVE_OVERHEAD {
            return Space::Reserved { release: 0 };
        }
        let release = bytes.min(*self.0 - RESERVE_OVERHEAD);
        *self.0 -= release + RESERVE_OVERHEAD;
        Space::Reserved { release }
    }

    /// All that is left.
    pub(super) fn rest(self) -> Space {
        let release = std::mem::take(self.0).saturating_sub(RESERVE_OVERHEAD);
        Space::Reserved { release }
    }
}

impl Trees {
    fn compensate(
        &self,
        page: &mut crate::buffer::PageWrite<'_>,
        xid: u64,
        undone: Lsn,
        done: bool,
        op: Op<'_>,
        reserve: &mut Reserve<'_>,
    ) -> Result<crate::buffer::Logged> {
        let bytes = 64
            + match &op {
                Op::Set { key, value, .. } => key.len() + value.len(),
                Op::Remove { key } => key.len(),
                Op::RemoveMany { keys, .. } => keys.0.len(),
                _ => 0,
            } as u64;
        let part = Some(Part { page: page.id(), op });
        self.logged_parts(&mut [page], Record::Compensate { xid, undone, done, part }, reserve.take(bytes))
    }

    /// Removes a record that `xid` inserted. An entry of the directory becomes a ghost instead: the cleaner finds it and
    /// frees the tree's pages.
    pub(crate) fn undo_insert(
        &self,
        tree: &Tree,
        key: &[u8],
        xid: u64,
        lsn: Lsn,
        reserve: &mut Reserve<'_>,
    ) -> Result<()> {
        let mut leaf = self.leaf_write(tree, key)?;
        let node = leaf.node();
        let Found::At(slot) = node.find(key) else { return Err(lost(leaf.id(), "an inserted record")) };
        if node.stamp(slot).is_none_or(|stamp| stamp.xid != xid) {
            return Err(lost(leaf.id(), "the stamp of an inserted record"));
        }
        if tree.id == DIRECTORY {
            let value = node.value(slot).to_vec();
            let op = Op::Set { key, flags: SlotFlags::DELETED, xid: 0, value: &value };
            return self.compensate(&mut leaf, xid, lsn, true, op, reserve).map(drop);
        }
        self.compensate(&mut leaf, xid, lsn, true, Op::Remove { key }, reserve).map(drop)
    }

    /// Gives a record its prior version back.
    pub(crate) fn undo_change(
        &self,
        tree: &Tree,
        key: &[u8],
        prior: &Prior<'_>,
        xid: u64,
        lsn: Lsn,
        reserve: &mut Reserve<'_>,
    ) -> Result<()> {
        loop {
            let mut leaf = self.leaf_write(tree, key)?;
            let node = leaf.node();
            let Found::At(slot) = node.find(key) else { return Err(lost(leaf.id(), "a changed record")) };
            if node.stamp(slot).is_none_or(|stamp| stamp.xid != xid) {
                return Err(lost(leaf.id(), "the stamp of a changed record"));
            }
            if node.free_bytes() + node.value(slot).len() < prior.value.len() {
                let need = crate::page::record_bytes(key.len(), prior.value.len());
                drop(leaf);
                self.make_room(tree, key, need, Space::Reserved { release: 0 })?;
                continue;
            }
            let prior_xid = prior.stamp.map_or(0, |stamp| stamp.xid);
            let op = Op::Set { key, flags: prior.flags, xid: prior_xid, value: prior.value };
            let logged = self.compensate(&mut leaf, xid, lsn, true, op, reserve)?;
            if let (Some(stamp), Found::At(slot)) = (prior.stamp, leaf.node().find(key)) {
                leaf.edit_node(&logged).set_undo(slot, stamp.undo);
            }
            return Ok(());
        }
    }

    /// Removes rows that `xid` appended.
    pub(crate) fn undo_range(
        &self,
        tree: &Tree,
        first: u64,
        last: u64,
        xid: u64,
        lsn: Lsn,
        reserve: &mut Reserve<'_>,
    ) -> Result<()> {
        let mut from = first.to_be_bytes().to_vec();
        loop {
            let mut leaf = self.leaf_write(tree, &from)?;
            let next = match leaf.node().upper_fence() {
                Some(fence) if fence <= &last.to_be_bytes()[..] => Some(fence.to_vec()),
                _ => None,
            };
            let op = Op::RemoveRange { first, last, xid };
            self.compensate(&mut leaf, xid, lsn, next.is_none(), op, reserve)?;
            match next {
                Some(fence) => from = fence,
                None => return Ok(()),
            }
        }
    }

    /// Removes records that `xid` inserted: leaf by leaf, wherever they are by now. Those that are not there any more were removed
    /// before a crash.
    pub(crate) fn undo_many(
        &self,
        tree: &Tree,
        entries: Entries<'_>,
        xid: u64,
        lsn: Lsn,
        reserve: &mut Reserve<'_>,
    ) -> Result<()> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        entries.try_for_each(|key, _| {
            keys.push(key.to_vec());
            Ok(())
        })?;
        let mut rest = &keys[..];
        let mut raw = Vec::new();
        while let Some(first) = rest.first() {
            let mut leaf = self.leaf_write(tree, first)?;
            let here = match leaf.node().upper_fence() {
                Some(fence) => rest.partition_point(|key| &key[..] < fence).max(1),
                None => rest.len(),
            };
            raw.clear();
            for (i, key) in rest[..here].iter().enumerate() {
                let before = if i == 0 { &[][..] } else { &rest[i - 1] };
                Entries::push(&mut raw, before, key, &[]);
            }
            rest = &rest[here..];
            let op = Op::RemoveMany { keys: Entries(&raw), xid };
            self.compensate(&mut leaf, xid, lsn, rest.is_empty(), op, reserve)?;
        }
        Ok(())
    }

    /// Frees a page that `xid` made.
    pub(crate) fn undo_page(
        &self,
        page: PageId,
        xid: u64,
        lsn: Lsn,
        reserve: &mut Reserve<'_>,
    ) -> Result<()> {
        let mut latched = self.pool.write(page)?;
        self.compensate(&mut latched, xid, lsn, true, Op::Free, reserve)?;
        self.pool.free(latched);
        Ok(())
    }

    /// Notes that a transaction is undone completely. When the log refuses, it is so nevertheless: recovery finds a loser of
    /// which nothing is left to undo.
    pub(crate) fn log_abort(&self, xid: u64, reserve: Reserve<'_>) -> Result<()> {
        let space = reserve.rest();
        match self.wal.append_with(&[&Encoded::new(&Record::Abort { xid })], space) {
            Err(error @ (StoreError::Io { .. } | StoreError::DiskFull { .. })) => {
                tracing::warn!("the end of transaction {xid} could not be logged: {error}");
                if let Space::Reserved { release } = space {
                    self.wal.release(release);
                }
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }
}

fn lost(page: PageId, what: &str) -> StoreError {
    StoreError::corrupt(page, format!("{what} is missing for undo"))
}

impl Txn {
    /// Undoes the newest changes down to an undo position.
    pub(super) fn undo_to(&mut self, mark: u64) -> Result<()> {
        let Some(shared) = self.shared.clone() else { return Ok(()) };
        loop {
            match self.undo_newest(&shared, mark) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(e) => {
                    // Half undone is a state nobody may see: the transaction stays among the running ones, and the store stops.
                    self.core.poison(&format!("rollback of transaction {} failed: {e}", shared.xid));
                    return Err(e);
                }
            }
        }
    }

    /// Undoes the newest change that is not older than `mark`; `false`: there is none.
    fn undo_newest(&mut self, shared: &Shared, mark: u64) -> Result<bool> {
        let newest = shared.undo.read().newest(mark)?;
        let Some(undone) = newest else { return Ok(false) };
        self.undo_one(shared, undone.lsn, &undone.entry())?;
        shared.undo.write().pop()?;
        Ok(true)
    }

    fn undo_one(&mut self, shared: &Shared, lsn: Lsn, entry: &Entry<'_>) -> Result<()> {
        let core = Arc::clone(&self.core);
        let trees = &core.trees;
        let mut reserve = Reserve(&mut self.reserved);
        match *entry {
            Entry::Insert { tree, key } => {
                trees.undo_insert(&*trees.tree(tree)?, key, shared.xid, lsn, &mut reserve)?;
                if tree == DIRECTORY {
                    forget_created(&core, key);
                }
            }
            Entry::Change { tree, key, prior } => {
                trees.undo_change(&*trees.tree(tree)?, key, &prior, shared.xid, lsn, &mut reserve)?;
            }
            Entry::Range { tree, first, last } => {
                trees.undo_range(&*trees.tree(tree)?, first, last, shared.xid, lsn, &mut reserve)?;
            }
            Entry::Many { tree, entries } => {
                trees.undo_many(&*trees.tree(tree)?, entries, shared.xid, lsn, &mut reserve)?;
            }
            Entry::Page { page } => trees.undo_page(page, shared.xid, lsn, &mut reserve)?,
        }
        Ok(())
    }

    /// Marks a point to roll back to.
    pub fn savepoint(&mut self) -> Savepoint {
        let undo = self.shared.as_ref().map_or(1, |shared| shared.undo.read().position());
        Savepoint { undo, held: self.held.len(), dropped_trees: self.dropped_trees.len() }
    }

    /// Undoes everything since the savepoint, which stays valid, and releases the locks taken since.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) -> Result<()> {
        self.undo_to(savepoint.undo)?;
        self.dropped_trees.truncate(savepoint.dropped_trees);
        let Some(owner) = self.owner.get().cloned() else { return Ok(()) };
        while self.held.len() > savepoint.held {
            if let Some((key, mode)) = self.held.pop() {
                self.core.locks.release(&key, mode, &owner);
            }
        }
        owner.released_some();
        Ok(())
    }

    /// Gives a savepoint up; what was done since belongs to what was before.
    pub fn release(&mut self, savepoint: Savepoint) {
        let Savepoint { .. } = savepoint;
    }

    pub(super) fn roll_back_all(&mut self) -> Result<()> {
        if self.finished {
            return Ok(());
        }
        if let Some(shared) = self.shared.clone() {
            let wrote = shared.first_lsn.load(std::sync::atomic::Ordering::SeqCst) != 0;
            self.garbage.clear();
            let undone = self.core.usable().and_then(|()| self.undo_to(0)).and_then(|()| {
                let reserve = Reserve(&mut self.reserved);
                if wrote { self.core.trees.log_abort(shared.xid, reserve) } else { Ok(()) }
            });
            if let Err(e) = undone {
                // Its changes stay those of a running transaction: invisible, and undone by the next recovery.
                self.finished = true;
                return Err(e);
            }
            self.core.transactions.end(shared.xid, None);
        }
        self.release_everything();
        Ok(())
    }
}

fn forget_created(core: &crate::core::Core, key: &[u8]) {
    if let Ok(raw) = key.try_into() {
        let tree = TreeId(u32::from_be_bytes(raw));
        core.trees.forget(tree);
        core.clean.dropped(0, tree);
    }
}
