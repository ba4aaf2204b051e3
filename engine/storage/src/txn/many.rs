//! Writing many records at once: a log record and an undo entry for what comes to lie in one leaf.

use super::Txn;
use super::undo::Entry;
use super::write::COMPENSATION;
use crate::btree::{DIRECTORY, Encoded, Tree, check_key, is_large};
use crate::error::{Result, StoreError};
use crate::ids::TreeId;
use crate::page::{Found, SlotFlags, Stamp, record_bytes};
use crate::recovery::apply;
use crate::recovery::record::{Entries, Record, Rows};
use crate::txn::types::InsertOutcome;
use std::sync::Arc;

/// Encoded rows that [`Txn::append_rows`] collects before it latches a leaf.
const APPEND_BYTES: usize = 48 << 10;

impl Txn {
    /// Inserts records in ascending order of their keys, as [`Txn::insert`] does each: one log record and one undo entry for as many
    /// as come to lie in one leaf. `refused` is told the index of each whose key exists.
    pub fn insert_many<V: AsRef<[u8]>>(
        &mut self,
        tree: TreeId,
        entries: &[(&[u8], V)],
        mut refused: impl FnMut(usize),
    ) -> Result<()> {
        self.writable()?;
        let found = self.tree(tree)?;
        let (mut raw, mut slots) = (Vec::new(), Vec::new());
        let mut done = 0;
        while let Some((key, value)) = entries.get(done) {
            let taken = self.insert_run(&found, &entries[done..], &mut raw, &mut slots)?;
            if taken == 0
                && let InsertOutcome::Exists { .. } = self.insert(tree, key, value.as_ref())?
            {
                refused(done);
            }
            done += taken.max(1);
        }
        Ok(())
    }

    /// Inserts the first of these records, and those behind it that belong into the same leaf and have room there. Answers how
    /// many; none if there is more to the first than that.
    fn insert_run<V: AsRef<[u8]>>(
        &mut self,
        tree: &Tree,
        entries: &[(&[u8], V)],
        raw: &mut Vec<u8>,
        slots: &mut Vec<usize>,
    ) -> Result<usize> {
        let plain = |(key, value): &(&[u8], V)| {
            tree.id != DIRECTORY && check_key(key).is_ok() && !is_large(key.len(), value.as_ref().len())
        };
        let Some(first) = entries.first().filter(|first| plain(first)) else { return Ok(0) };
        self.options.interrupt.check()?;
        let shared = self.shared();
        let core = Arc::clone(&self.core);
        let mut leaf = self.leaf_to_insert(&core, tree, first.0)?;
        let node = leaf.node();
        let (fence, count) = (node.upper_fence(), node.count());
        let mut free = node.free_bytes();
        raw.clear();
        slots.clear();
        let mut before: &[u8] = &[];
        for (i, entry) in entries.iter().enumerate() {
            let (key, value) = (entry.0, entry.1.as_ref());
            let need = record_bytes(key.len(), value.len());
            let inside = fence.is_none_or(|fence| key < fence) && (i == 0 || key > before);
            if !inside || need > free || !plain(entry) {
                break;
            }
            // Behind the last record of the leaf there is nothing to search.
            let slot = match slots.last() {
                Some(&last) if last == count => count,
                _ => match node.find_covered(key) {
                    Found::Before(slot) => slot,
                    Found::At(_) => break,
                },
            };
            Entries::push(raw, before, key, value);
            slots.push(slot);
            free -= need;
            before = key;
        }
        if slots.len() < 2 {
            let slot = slots.first().copied();
            let Some(slot) = slot else { return Ok(0) };
            self.log_insert(&shared, tree, &mut leaf, slot, first.0, SlotFlags::default(), first.1.as_ref())?;
            return Ok(1);
        }
        let record =
            Record::InsertMany { xid: shared.xid, tree: tree.id, page: leaf.id(), entries: Entries(raw) };
        self.keep_undo_small(&shared, 64 + raw.len())?;
        // Removing them names their keys once more, in two leaves if this one was split: the second begins with a whole key.
        let compensation = 2 * COMPENSATION + (raw.len() + before.len()) as u64;
        let logged = self.log_own(&shared, &mut leaf, &[&Encoded::new(&record)], compensation)?;
        let entry = Entry::Many { tree: tree.id, entries: Entries(raw) };
        let undo = shared.undo.write().push(logged.start(), &entry);
        let stamp = Some(Stamp { xid: shared.xid, undo });
        let bytes = leaf.edit(&logged);
        for (i, (slot, (key, value))) in slots.iter().zip(entries).enumerate() {
            apply::insert_at(bytes, slot + i, key, SlotFlags::default(), stamp, value.as_ref())?;
        }
        Ok(slots.len())
    }

    /// Hands out `n` consecutive row ids of a tree for [`Txn::append_rows`]; returns the first. Not transactional.
    pub fn next_row_id(&self, tree: TreeId, n: u64) -> Result<u64> {
        self.core.next_row_id(tree, n)
    }

    /// Appends rows under consecutive row ids beginning at `first`, which nobody else uses: one log record and one undo
    /// entry per leaf.
    pub fn append_rows(
        &mut self,
        tree: TreeId,
        first: u64,
        rows: &mut dyn Iterator<Item = &[u8]>,
    ) -> Result<()> {
        self.writable()?;
        let tree = self.tree(tree)?;
        let mut next = first;
        let mut batch: Vec<u8> = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        for row in rows {
            if is_large(8, row.len()) {
                self.append_batch(&tree, &mut next, &mut batch, &mut ends)?;
                if self.insert(tree.id, &next.to_be_bytes(), row)? != InsertOutcome::Inserted {
                    return Err(StoreError::Duplicate { tree: tree.id });
                }
                next += 1;
                continue;
            }
            Rows::push(&mut batch, row);
            ends.push(batch.len());
            if batch.len() >= APPEND_BYTES {
                self.append_batch(&tree, &mut next, &mut batch, &mut ends)?;
            }
        }
        self.append_batch(&tree, &mut next, &mut batch, &mut ends)
    }

    fn append_batch(
        &mut self,
        tree: &Tree,
        next: &mut u64,
        batch: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<()> {
        let shared = self.shared();
        let core = Arc::clone(&self.core);
        let (mut from, mut done) = (0, 0);
        let mut head = Vec::new();
        while done < ends.len() {
            self.options.interrupt.check()?;
            let key = next.to_be_bytes();
            let mut leaf = core.trees.leaf_write(tree, &key)?;
            let node = leaf.node();
            let Found::Before(slot) = node.find(&key) else {
                return Err(StoreError::Duplicate { tree: tree.id });
            };
            // Row ids below this one belong into this leaf's gap.
            let mut limit = u64::MAX;
            if slot < node.count() {
                limit = row_id(&node.key(slot));
            } else if let Some(fence) = node.upper_fence() {
                limit = row_id(fence);
            }
            let mut free = node.free_bytes();
            let (mut count, mut end) = (0u64, from);
            for &row_end in &ends[done..] {
                let need = record_bytes(8, row_end - end);
                if need > free || *next + count >= limit {
                    break;
                }
                free -= need;
                count += 1;
                end = row_end;
            }
            if count == 0 {
                let need = record_bytes(8, ends[done] - from);
                self.room(tree, leaf, &key, need)?;
                continue;
            }
            let rows = Rows(&batch[from..end]);
            head.clear();
            Rows::head(&mut head, shared.xid, tree.id, leaf.id(), *next, count, rows.0.len());
            self.keep_undo_small(&shared, 128)?;
            let logged = self.log_own(&shared, &mut leaf, &[&head, rows.0], COMPENSATION)?;
            let entry = Entry::Range { tree: tree.id, first: *next, last: *next + count - 1 };
            let undo = shared.undo.write().push(logged.start(), &entry);
            let stamp = Stamp { xid: shared.xid, undo };
            apply::insert_range(leaf.edit(&logged), *next, Some(stamp), rows)?;
            *next += count;
            done += count as usize;
            from = end;
        }
        batch.clear();
        ends.clear();
        Ok(())
    }
}

/// A row id from a key that may be shorter than eight bytes or longer.
fn row_id(key: &[u8]) -> u64 {
    let mut raw = [0; 8];
    let len = key.len().min(8);
    raw[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(raw)
}
