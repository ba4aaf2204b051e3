//! Writing: insert, modify, trees.

use super::read::{Visible, visible};
use super::rollback::RESERVE_OVERHEAD;
use super::undo::{Entry, Prior};
use super::{RECENT, Recent, Shared, Snapshot, Txn, View};
use crate::btree::{BulkBuilder, DIRECTORY, Encoded, FIRST_TREE, GARBAGE, Tree, check_key, is_large};
use crate::buffer::{Logged, PageWrite, log};
use crate::core::Core;
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId, TreeId};
use crate::page::{
    CHUNK_BYTES, Found, LargeRef, NodeMut, PageBuf, SlotFlags, Stamp, image_into, record_bytes, write_chunk,
};
use crate::recovery::apply;
use crate::recovery::record::{Delta, Op, Part, Record};
use crate::store::PAGE_BYTES;
use crate::txn::lock::{DeferredWait, LockKey, Waiter};
use crate::txn::types::{
    Change, Current, InsertOutcome, Isolation, LockStrength, Modified, OwnWrites, WaitPolicy,
};
use crate::wal::Space;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Flags that belong to a version rather than to its stamp.
const VERSION_FLAGS: SlotFlags = SlotFlags(SlotFlags::DELETED.0 | SlotFlags::LARGE.0);
/// Log bytes a compensation record takes beside key and value.
pub(super) const COMPENSATION: u64 = 64;

fn keep_version(flags: SlotFlags) -> SlotFlags {
    SlotFlags(flags.0 & VERSION_FLAGS.0)
}

/// How [`Txn::modify_in`] treats what the snapshot does not see.
#[derive(Clone, Copy)]
struct Rules {
    /// Newer committed versions are fine.
    latest: bool,
    /// So are those of the running command.
    blind: bool,
    /// A key that others refer to is being held: the transaction reads nothing by it, and what it has written itself is locked already.
    key: bool,
}

impl Rules {
    /// The present state counts, not the snapshot.
    const PRESENT: Rules = Rules { latest: true, blind: true, key: false };
}

/// What the newest version of a record means for a writer.
enum Newest {
    /// A running transaction other than this one wrote it.
    Locked(Arc<Shared>),
    /// Committed, and seen by the snapshot; or written by this transaction in an earlier command.
    Seen,
    /// Committed since the snapshot.
    Newer,
    /// Written by this very command.
    Own,
}

impl Txn {
    /// Inserts a record, unless the key exists in the latest committed state. Waits for a running transaction that has
    /// inserted or deleted the key, whatever the isolation level.
    pub fn insert(&mut self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<InsertOutcome> {
        self.writable()?;
        check_key(key)?;
        let tree = self.tree(tree)?;
        let outcome = if is_large(key.len(), value.len()) {
            let mark = self.shared().undo.read().position();
            let large = self.write_large(&tree, value)?.encode();
            let outcome = self.insert_stored(&tree, key, &large, SlotFlags::LARGE);
            if !matches!(outcome, Ok(InsertOutcome::Inserted)) {
                self.undo_to(mark)?;
            }
            outcome?
        } else {
            self.insert_stored(&tree, key, value, SlotFlags::default())?
        };
        self.enter_garbage()?;
        Ok(outcome)
    }

    /// The leaf to insert `key` into, exclusive. Where inserts follow one another they find it without a descent.
    pub(super) fn leaf_to_insert<'c>(
        &mut self,
        core: &'c Core,
        tree: &Tree,
        key: &[u8],
    ) -> Result<PageWrite<'c>> {
        let recent = &mut self.recent[tree.id.0 as usize % RECENT];
        let known = recent.filter(|recent| recent.tree == tree.id);
        if let Some(Recent { leaf, again: true, .. }) = known
            && let Some(leaf) = core.trees.leaf_write_at(tree, leaf, key)
        {
            return Ok(leaf);
        }
        let leaf = core.trees.leaf_write(tree, key)?;
        let again = known.is_some_and(|recent| recent.leaf == leaf.id());
        *recent = Some(Recent { tree: tree.id, leaf: leaf.id(), again });
        Ok(leaf)
    }

    fn insert_stored(
        &mut self,
        tree: &Tree,
        key: &[u8],
        stored: &[u8],
        flags: SlotFlags,
    ) -> Result<InsertOutcome> {
        let shared = self.shared();
        let core = Arc::clone(&self.core);
        loop {
            let mut leaf = self.leaf_to_insert(&core, tree, key)?;
            let node = leaf.node();
            let slot = match node.find_covered(key) {
                Found::At(slot) => slot,
                Found::Before(slot) => {
                    let need = record_bytes(key.len(), stored.len());
                    if node.free_bytes() < need {
                        self.room(tree, leaf, key, need)?;
                        continue;
                    }
                    self.log_insert(&shared, tree, &mut leaf, slot, key, flags, stored)?;
                    return Ok(InsertOutcome::Inserted);
                }
            };
            let writer = self.running_writer(node.stamp(slot));
            if let Some(writer) = writer {
                let owner = Arc::clone(self.owner());
                let row = LockKey::Row(tree.id, key.into());
                let interrupt = Arc::clone(&self.options.interrupt);
                let mut waiter = self.waiter(&interrupt, owner, row, LockStrength::Update.bit());
                waiter.ask(Some(&writer.owner), false, true);
                drop(leaf);
                waiter.park()?;
                while !writer.owner.has_ended() && self.still_writes(tree, key, &writer)? {
                    if !waiter.ask(Some(&writer.owner), false, true) {
                        waiter.park()?;
                    }
                }
                continue;
            }
            if !node.flags(slot).has(SlotFlags::DELETED) {
                let exists = self.exists(&leaf, slot)?;
                drop(leaf);
                if let Some(reads) = &self.reads {
                    reads.lock().point(tree.id, key);
                }
                return Ok(exists);
            }
            if !fits_change(&leaf, slot, stored.len()) {
                self.room(tree, leaf, key, record_bytes(key.len(), stored.len()))?;
                continue;
            }
            self.log_change(&shared, tree, &mut leaf, slot, key, flags, stored)?;
            return Ok(InsertOutcome::Inserted);
        }
    }

    /// Whether `writer` is still the one that wrote the record last.
    fn still_writes(&self, tree: &Tree, key: &[u8], writer: &Arc<Shared>) -> Result<bool> {
        let leaf = self.trees().leaf_read(tree, key, crate::buffer::Access::Normal)?;
        let node = leaf.node();
        Ok(match node.find(key) {
            Found::At(slot) => node.stamp(slot).is_some_and(|stamp| stamp.xid == writer.xid),
            Found::Before(_) => false,
        })
    }

    fn exists(&self, leaf: &PageWrite<'_>, slot: usize) -> Result<InsertOutcome> {
        let node = leaf.node();
        let view = self.view();
        let seen = node.stamp(slot).is_none_or(|stamp| view.sees(stamp.xid, stamp.undo));
        let mut large = Vec::new();
        let value = self.core.value_of(node.flags(slot), node.value(slot), &mut large)?.to_vec();
        Ok(InsertOutcome::Exists { value, visible: seen })
    }

    /// The running transaction, other than this, that wrote a version.
    fn running_writer(&self, stamp: Option<Stamp>) -> Option<Arc<Shared>> {
        let stamp = stamp?;
        if Some(stamp.xid) == self.xid()
            || self.snapshot.get().is_some_and(|snapshot| snapshot.sees(stamp.xid))
        {
            return None;
        }
        self.core.transactions.find_running(stamp.xid)
    }

    fn newest(&self, view: &View<'_>, stamp: Option<Stamp>) -> Newest {
        let Some(stamp) = stamp else { return Newest::Seen };
        if stamp.xid == view.own {
            return if stamp.undo < view.command { Newest::Seen } else { Newest::Own };
        }
        if view.snapshot.sees(stamp.xid) {
            return Newest::Seen;
        }
        match self.core.transactions.find_running(stamp.xid) {
            Some(writer) => Newest::Locked(writer),
            None => Newest::Newer,
        }
    }

    /// Locks the newest version of a record and changes it as `f` says. `f` runs under the leaf's latch: it must be short
    /// and must not call the store; it may be called again when the leaf had to be split for its answer.
    ///
    /// In READ COMMITTED `f` may meet [`Current::Newer`]; in the stricter levels a newer version is an error.
    pub fn modify(
        &mut self,
        tree: TreeId,
        key: &[u8],
        strength: LockStrength,
        wait: WaitPolicy,
        f: &mut dyn FnMut(Current<'_>) -> Change,
    ) -> Result<Modified> {
        let rules =
            Rules { latest: self.options.isolation == Isolation::ReadCommitted, blind: false, key: false };
        let snapshot = self.snapshot();
        self.modify_in(&snapshot, tree, key, strength, wait, rules, f)
    }

    #[allow(clippy::too_many_arguments, reason = "what, how, and under which snapshot")]
    fn modify_in(
        &mut self,
        snapshot: &Snapshot,
        tree: TreeId,
        key: &[u8],
        strength: LockStrength,
        wait: WaitPolicy,
        rules: Rules,
        f: &mut dyn FnMut(Current<'_>) -> Change,
    ) -> Result<Modified> {
        self.writable()?;
        let tree = self.tree(tree)?;
        if let Some(reads) = &self.reads
            && !rules.key
        {
            reads.lock().point(tree.id, key);
        }
        let shared = self.shared();
        let owner = Arc::clone(self.owner());
        let interrupt = Arc::clone(&self.options.interrupt);
        let core = Arc::clone(&self.core);
        let mut waiter: Option<Waiter<'_>> = None;
        let command = if rules.blind { u64::MAX } else { self.command };
        loop {
            let mut leaf = core.trees.leaf_write(&tree, key)?;
            let Found::At(slot) = leaf.node().find_covered(key) else { return Ok(Modified::NotFound) };
            let view = View { snapshot, own: shared.xid, command };
            let flags = leaf.node().flags(slot);
            let stamp = leaf.node().stamp(slot);
            let newest = self.newest(&view, stamp);
            let deleted = flags.has(SlotFlags::DELETED);
            if rules.key && !deleted && stamp.is_some_and(|stamp| stamp.xid == shared.xid) {
                return Ok(Modified::Locked);
            }
            if deleted {
                match newest {
                    Newest::Seen => return Ok(Modified::NotFound),
                    Newest::Own => return Ok(Modified::SelfModified),
                    Newest::Newer if rules.latest => {
                        let mut older = Vec::new();
                        let was = visible(&core, &view, leaf.node(), slot, &mut older)?;
                        return Ok(if was == Visible::Nothing { Modified::NotFound } else { Modified::Gone });
                    }
                    Newest::Newer if rules.key => {
                        return Err(StoreError::SerializationFailure(CONCURRENT_UPDATE));
                    }
                    Newest::Newer => return Err(StoreError::SerializationFailure(CONCURRENT_DELETE)),
                    Newest::Locked(_) => {}
                }
            }
            let writer = match &newest {
                Newest::Locked(writer) if implicit(flags).conflicts(strength) => {
                    Some(Arc::clone(&writer.owner))
                }
                _ => None,
            };
            if writer.is_some() || waiter.is_some() || !core.locks.row_is_quiet(tree.id, key) {
                let queue = wait == WaitPolicy::Wait;
                let asking = waiter.get_or_insert_with(|| {
                    let row = LockKey::Row(tree.id, key.into());
                    let (timeout, deadlock) = (self.options.lock_timeout, core.deadlock_timeout());
                    Waiter::new(
                        &*core.env,
                        &core.locks,
                        &interrupt,
                        Arc::clone(&owner),
                        row,
                        strength.bit(),
                        timeout,
                        deadlock,
                    )
                });
                // A command that has written something cannot simply be started again.
                let defer = queue
                    && self.defers
                    && self.options.own_writes == OwnWrites::ByCommand
                    && shared.undo.read().position() <= self.command;
                if let Some(writer) = writer.as_ref().filter(|_| defer) {
                    if !asking.ask(Some(writer), false, false) {
                        self.deferred = Some(DeferredWait(Arc::clone(writer)));
                        return Err(StoreError::Deferred);
                    }
                } else if !asking.ask(writer.as_ref(), false, queue) {
                    drop(leaf);
                    match wait {
                        WaitPolicy::Wait => asking.park()?,
                        WaitPolicy::NoWait => return Err(StoreError::LockNotAvailable),
                        WaitPolicy::Skip => return Ok(Modified::WouldBlock),
                    }
                    continue;
                }
            }
            if let Newest::Newer = newest
                && !rules.latest
                && !(strength == LockStrength::KeyShare && flags.has(SlotFlags::KEY_KEPT))
            {
                return Err(StoreError::SerializationFailure(CONCURRENT_UPDATE));
            }
            if let Newest::Own = newest {
                return Ok(Modified::SelfModified);
            }
            let mut older = Vec::new();
            let mut large = Vec::new();
            let node = leaf.node();
            let shown = match &newest {
                // Only its keys are locked while another changes the rest: what is shown is what the snapshot sees.
                Newest::Locked(_) => match visible(&core, &view, node, slot, &mut older)? {
                    Visible::Older(flags) => Current::Same(core.value_of(flags, &older, &mut large)?),
                    _ => return Ok(Modified::NotFound),
                },
                Newest::Newer => Current::Newer(core.value_of(flags, node.value(slot), &mut large)?),
                Newest::Seen | Newest::Own => {
                    Current::Same(core.value_of(flags, node.value(slot), &mut large)?)
                }
            };
            let change = f(shown);
            let mark = shared.undo.read().position();
            let (new_flags, stored) = match (change, &newest) {
                (Change::Skip, _) => return Ok(Modified::Skipped),
                (Change::Keep, _) | (_, Newest::Locked(_)) => {
                    // Entered while the record is latched: no writer comes between the look and the lock.
                    self.hold_row(&tree, key, strength);
                    return Ok(Modified::Locked);
                }
                (Change::Delete, _) => (keep_version(flags).with(SlotFlags::DELETED), None),
                (Change::Update(value), _) => {
                    let (flags, stored) = self.store_value_latched(&tree, key, value)?;
                    let kept = if strength <= LockStrength::NoKeyUpdate {
                        SlotFlags::KEY_KEPT
                    } else {
                        SlotFlags::default()
                    };
                    (flags.with(kept), Some(stored))
                }
            };
            let Some(stored) = stored else {
                if !fits_change(&leaf, slot, leaf.node().value(slot).len()) {
                    let len = leaf.node().value(slot).len();
                    self.room(&tree, leaf, key, record_bytes(key.len(), len))?;
                    continue;
                }
                let value = leaf.node().value(slot).to_vec();
                self.log_change(&shared, &tree, &mut leaf, slot, key, new_flags, &value)?;
                drop(leaf);
                self.enter_garbage()?;
                core.clean.ghost(tree.id, key);
                return Ok(Modified::Deleted);
            };
            if !fits_change(&leaf, slot, stored.len()) {
                self.room(&tree, leaf, key, record_bytes(key.len(), stored.len()))?;
                self.undo_to(mark)?;
                continue;
            }
            self.log_change(&shared, &tree, &mut leaf, slot, key, new_flags, &stored)?;
            drop(leaf);
            self.enter_garbage()?;
            return Ok(Modified::Updated);
        }
    }

    /// Enters an explicit row lock that was found free under the leaf's latch.
    fn hold_row(&mut self, tree: &Tree, key: &[u8], strength: LockStrength) {
        let row = LockKey::Row(tree.id, key.into());
        if self.held.iter().rev().take(64).any(|(held, mode)| *mode >= strength.bit() && *held == row) {
            return;
        }
        self.core.locks.enter(&row, strength.bit(), self.owner());
        self.held.push((row, strength.bit()));
    }

    /// Locks a record in its latest committed state, whatever the snapshot: what foreign keys need.
    pub fn lock_row(
        &mut self,
        tree: TreeId,
        key: &[u8],
        strength: LockStrength,
        wait: WaitPolicy,
    ) -> Result<Modified> {
        let snapshot = self.snapshot();
        self.modify_in(&snapshot, tree, key, strength, wait, Rules::PRESENT, &mut |_| Change::Keep)
    }

    /// Locks a record FOR KEY SHARE that `snapshot` (see [`Txn::key_snapshot`]) sees, so that its key stays until the transaction
    /// ends. `Ok(None)`: another transaction has committed a version since, which may have another key; it is locked now.
    pub fn hold_key(&mut self, snapshot: &Snapshot, tree: TreeId, key: &[u8]) -> Result<Option<Modified>> {
        let rules =
            Rules { latest: self.options.isolation == Isolation::ReadCommitted, blind: true, key: true };
        let mut newer = false;
        let mut look = |current: Current<'_>| {
            newer = rules.latest && matches!(current, Current::Newer(_));
            Change::Keep
        };
        let outcome =
            self.modify_in(snapshot, tree, key, LockStrength::KeyShare, WaitPolicy::Wait, rules, &mut look)?;
        Ok((!newer).then_some(outcome))
    }

    /// Deletes a record; false when there is none.
    pub fn delete(&mut self, tree: TreeId, key: &[u8]) -> Result<bool> {
        let snapshot = self.snapshot();
        let (strength, wait) = (LockStrength::Update, WaitPolicy::Wait);
        let outcome =
            self.modify_in(&snapshot, tree, key, strength, wait, Rules::PRESENT, &mut |_| Change::Delete)?;
        Ok(outcome == Modified::Deleted)
    }

    /// Inserts or overwrites a record.
    pub fn put(&mut self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()> {
        loop {
            if self.insert(tree, key, value)? == InsertOutcome::Inserted {
                return Ok(());
            }
            let mut set = |_: Current<'_>| Change::Update(value.to_vec());
            let rules =
                Rules { latest: self.options.isolation == Isolation::ReadCommitted, blind: true, key: false };
            let (snapshot, strength) = (self.snapshot(), LockStrength::NoKeyUpdate);
            if self.modify_in(&snapshot, tree, key, strength, WaitPolicy::Wait, rules, &mut set)?
                == Modified::Updated
            {
                return Ok(());
            }
        }
    }

    /// Makes a tree. It vanishes if the transaction rolls back.
    pub fn create_tree(&mut self) -> Result<TreeId> {
        self.writable()?;
        let core = Arc::clone(&self.core);
        let id = core.trees.next_tree_id().max(FIRST_TREE);
        let root = core.trees.store.allocate();
        // The directory first: if the rest is lost in a crash, undo finds the entry, and no page that it names.
        let directory = self.tree(DIRECTORY)?;
        self.insert_stored(&directory, &id.0.to_be_bytes(), &root.0.to_le_bytes(), SlotFlags::default())?;
        let mut content: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
        NodeMut::init(&mut content, root, id.0, 0, &[], None);
        let mut image = Vec::new();
        image_into(&content, &mut image);
        let mut page = core.trees.pool.create(root)?;
        let parts = vec![Part { page: root, op: Op::Image(&image) }];
        if let Err(e) = core.trees.structure(&mut [&mut page], parts, Space::Normal { also_reserve: 0 }) {
            core.trees.pool.abandon(page);
            return Err(e);
        }
        drop(page);
        core.trees.remember(Arc::new(Tree::new(id, root)));
        Ok(id)
    }

    /// Drops a tree: it goes when the transaction has committed and no snapshot needs it any more.
    pub fn drop_tree(&mut self, tree: TreeId) -> Result<()> {
        if tree < FIRST_TREE || !self.delete(DIRECTORY, &tree.0.to_be_bytes())? {
            return Err(StoreError::Corrupt { page: None, what: format!("tree {tree} does not exist") });
        }
        self.dropped_trees.push(tree);
        Ok(())
    }

    /// Fills an empty tree that this transaction made from records in strictly ascending key order, bottom-up. The records
    /// are visible to everybody who knows of the tree. Returns how many there were.
    #[allow(clippy::type_complexity, reason = "a producer that is handed the consumer")]
    pub fn build_tree(
        &mut self,
        tree: TreeId,
        records: &mut dyn FnMut(&mut dyn FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<u64> {
        self.writable()?;
        let tree = self.tree(tree)?;
        let shared = self.shared();
        let core = Arc::clone(&self.core);
        self.announce(&shared);
        let mark = shared.undo.read().position();
        let first = RefCell::new(None);
        let undo_owner = Arc::clone(&shared);
        let on_page = Box::new(|page: PageId, lsn: Lsn| {
            first.borrow_mut().get_or_insert(lsn);
            undo_owner.undo.write().push(lsn, &Entry::Page { page });
        });
        let mut builder = BulkBuilder::new(&core.trees, Arc::clone(&tree), shared.xid, on_page);
        let filled = records(&mut |key, value| {
            self.options.interrupt.check()?;
            builder.push(key, value)
        });
        let outcome = filled.and_then(|()| {
            self.keep_undo_small(&shared, 0)?;
            builder.finish(|| first.borrow().unwrap_or(core.trees.wal.end_lsn()))
        });
        match outcome {
            Ok(count) => {
                shared.undo.write().forget_since(mark)?;
                Ok(count)
            }
            Err(e) => {
                self.undo_to(mark)?;
                Err(e)
            }
        }
    }

    /// Stores a value: as it is, or, when large, as a chain of pages.
    fn store_value_latched(
        &mut self,
        tree: &Tree,
        key: &[u8],
        value: Vec<u8>,
    ) -> Result<(SlotFlags, Vec<u8>)> {
        if !is_large(key.len(), value.len()) {
            return Ok((SlotFlags::default(), value));
        }
        let large = self.write_large(tree, &value)?;
        Ok((SlotFlags::LARGE, large.encode().to_vec()))
    }

    /// Writes the chunks of a large value back to front. Each page is undone by freeing it.
    fn write_large(&mut self, tree: &Tree, value: &[u8]) -> Result<LargeRef> {
        let shared = self.shared();
        let core = Arc::clone(&self.core);
        let mut next = PageId::NONE;
        let mut image = Vec::new();
        for chunk in value.chunks(CHUNK_BYTES).rev() {
            self.options.interrupt.check()?;
            let id = core.trees.store.allocate();
            let mut content: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
            write_chunk(&mut content, id, tree.id.0, next, chunk);
            image.clear();
            image_into(&content, &mut image);
            self.keep_undo_small(&shared, 64)?;
            let mut page = core.trees.pool.create(id)?;
            let record = Record::NewPage { xid: shared.xid, page: id, image: &image };
            let logged = match self.log_own(&shared, &mut page, &[&Encoded::new(&record)], COMPENSATION) {
                Ok(logged) => logged,
                Err(e) => {
                    core.trees.pool.abandon(page);
                    return Err(e);
                }
            };
            let bytes = page.edit(&logged);
            bytes.copy_from_slice(&content[..]);
            crate::page::set_page_lsn(bytes, logged.end());
            drop(page);
            self.note_page(id, logged.start());
            next = id;
        }
        Ok(LargeRef { len: value.len() as u64, first: next })
    }

    /// Enters superseded large values in the garbage tree: their pages go when no snapshot needs them.
    fn enter_garbage(&mut self) -> Result<()> {
        if self.garbage.is_empty() {
            return Ok(());
        }
        let tree = self.tree(GARBAGE)?;
        let xid = self.shared().xid;
        for large in std::mem::take(&mut self.garbage) {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&xid.to_be_bytes());
            key[8..].copy_from_slice(&self.garbage_count.to_be_bytes());
            self.garbage_count += 1;
            self.insert_stored(&tree, &key, &large, SlotFlags::default())?;
        }
        Ok(())
    }

    /// Gets room in a leaf: by pruning it, else by splitting. The latch is given up.
    pub(super) fn room(&self, tree: &Tree, mut leaf: PageWrite<'_>, key: &[u8], need: usize) -> Result<()> {
        let core = &self.core;
        let horizon = core.transactions.advance_horizon();
        if tree.id != DIRECTORY && leaf.node().prunable(horizon) {
            let parts = vec![Part { page: leaf.id(), op: Op::Prune { horizon } }];
            core.trees.structure(&mut [&mut leaf], parts, Space::Normal { also_reserve: 0 })?;
            // A tenth of slack, or the next writer prunes again for one record.
            if leaf.node().free_bytes() >= need + PAGE_BYTES / 10 {
                return Ok(());
            }
        }
        drop(leaf);
        core.trees.make_room(tree, key, need, Space::Normal { also_reserve: 0 })
    }

    /// Before the first record: a checkpoint must not cut the log above it.
    fn announce(&self, shared: &Shared) {
        if shared.first_lsn.load(Ordering::Relaxed) == 0 {
            shared.first_lsn.store(self.trees().wal.end_lsn().0.max(1), Ordering::SeqCst);
        }
    }

    /// Before an undo entry of about `bytes`: moves what there is out of memory when that is short.
    pub(super) fn keep_undo_small(&self, shared: &Shared, bytes: usize) -> Result<()> {
        if self.core.undo_space.over_budget(bytes) {
            shared.undo.write().spill()?;
        }
        Ok(())
    }

    /// Logs a record of this transaction for one page, reserving log space for its compensation.
    pub(super) fn log_own(
        &mut self,
        shared: &Shared,
        page: &mut PageWrite<'_>,
        record: &[&[u8]],
        compensation: u64,
    ) -> Result<Logged> {
        self.announce(shared);
        let space = Space::Normal { also_reserve: compensation };
        let logged = log(&self.core.trees.wal, &mut [page], record, space)?;
        self.reserved += compensation + RESERVE_OVERHEAD;
        Ok(logged)
    }

    #[allow(clippy::too_many_arguments, reason = "an insertion has this many sides")]
    pub(super) fn log_insert(
        &mut self,
        shared: &Shared,
        tree: &Tree,
        leaf: &mut PageWrite<'_>,
        slot: usize,
        key: &[u8],
        flags: SlotFlags,
        stored: &[u8],
    ) -> Result<()> {
        self.keep_undo_small(shared, 64 + key.len())?;
        let record =
            Record::Insert { xid: shared.xid, tree: tree.id, page: leaf.id(), key, flags, value: stored };
        let logged =
            self.log_own(shared, leaf, &[&Encoded::new(&record)], COMPENSATION + key.len() as u64)?;
        let undo = shared.undo.write().push(logged.start(), &Entry::Insert { tree: tree.id, key });
        let stamp = Stamp { xid: shared.xid, undo };
        apply::insert_at(leaf.edit(&logged), slot, key, flags, Some(stamp), stored)
    }

    #[allow(clippy::too_many_arguments, reason = "a change has this many sides")]
    fn log_change(
        &mut self,
        shared: &Shared,
        tree: &Tree,
        leaf: &mut PageWrite<'_>,
        slot: usize,
        key: &[u8],
        after: SlotFlags,
        stored: &[u8],
    ) -> Result<()> {
        let node = leaf.node();
        let (flags, old, stamp) = (node.flags(slot), node.value(slot), node.stamp(slot));
        let before = keep_version(flags);
        let superseded = flags.has(SlotFlags::LARGE) && !flags.has(SlotFlags::DELETED);
        let garbage: Option<[u8; 16]> = superseded.then(|| old.try_into().ok()).flatten();
        let size = (key.len() + old.len()) as u64;
        let delta = Delta::between(old, stored);
        let record =
            Record::Change { xid: shared.xid, tree: tree.id, page: leaf.id(), key, before, after, delta };
        let record = Encoded::new(&record);
        self.keep_undo_small(shared, 64 + size as usize)?;
        let logged = self.log_own(shared, leaf, &[&record], COMPENSATION + size)?;
        self.garbage.extend(garbage);
        let prior = Prior { flags: before, stamp, value: leaf.node().value(slot) };
        let undo = shared.undo.write().push(logged.start(), &Entry::Change { tree: tree.id, key, prior });
        let stamp = Stamp { xid: shared.xid, undo };
        apply::change_at(leaf.edit(&logged), slot, after, Some(stamp), stored)
    }
}

/// PostgreSQL's wording.
pub(crate) const CONCURRENT_UPDATE: &str = "could not serialize access due to concurrent update";
const CONCURRENT_DELETE: &str = "could not serialize access due to concurrent delete";

/// The lock that writing a version implies.
fn implicit(flags: SlotFlags) -> LockStrength {
    if flags.has(SlotFlags::KEY_KEPT) && !flags.has(SlotFlags::DELETED) {
        LockStrength::NoKeyUpdate
    } else {
        LockStrength::Update
    }
}

fn fits_change(leaf: &PageWrite<'_>, slot: usize, new_len: usize) -> bool {
    let node = leaf.node();
    let stamp = if node.stamp(slot).is_none() { 16 } else { 0 };
    node.free_bytes() + node.value(slot).len() >= new_len + stamp
}
