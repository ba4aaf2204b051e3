//! Recovery: one pass over the log, then the losers are undone.
//!
//! Redo needs the order of the log for each page only, since a record changes a page without a look at others. So some of the log is
//! collected, and repeated page by page: a page is found, and comes into the processor's caches, once for all its changes.

use super::apply;
use super::record::{Op, Record};
use crate::btree::{DIRECTORY, Trees};
use crate::buffer::PageWrite;
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId, TreeId};
use crate::page::{Found, NodeMut, NodeRef, PageBuf, PageKind, Stamp, page_kind, page_lsn};
use crate::txn::{Prior, Reserve};
use hashbrown::{HashMap, HashSet};

/// How much of the log is read at once for the records of a loser.
const WINDOW_BYTES: u64 = 1 << 20;
/// Bytes of the log that are repeated page by page.
const COLLECTED_BYTES: usize = 8 << 20;

/// What recovery did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Log records read.
    pub records: u64,
    /// Transactions undone.
    pub losers: u64,
    /// All transaction ids below may have been used.
    pub next_xid: u64,
}

/// Brings the pages to the state of the last committed transaction in the log: repeats it from `scan` on (changes from
/// `redo` on), then undoes what was not committed. May be interrupted by a crash anywhere and started over.
pub fn recover(trees: &Trees, scan: Lsn, redo: Lsn) -> Result<Recovered> {
    let mut pass = Pass {
        trees,
        scan,
        redo,
        ends: None,
        missing: HashSet::default(),
        losers: HashMap::default(),
        recovered: Recovered::default(),
        payloads: Vec::new(),
        changes: Vec::new(),
    };
    let mut reader = trees.wal.reader(scan)?;
    while let Some(raw) = reader.next()? {
        let (lsn, next) = (raw.lsn, raw.next);
        pass.record(lsn, next, raw.payload)?;
    }
    pass.repeat()?;
    if let Some(&page) = pass.missing.iter().min() {
        return Err(StoreError::corrupt(page, "the log changes it, but it has no contents"));
    }
    let Pass { losers, mut recovered, .. } = pass;
    let mut losers: Vec<(u64, Vec<Lsn>)> = losers.into_iter().collect();
    losers.sort_unstable_by_key(|(xid, _)| std::cmp::Reverse(*xid));
    recovered.losers = losers.len() as u64;
    for (xid, positions) in losers {
        let mut rest = &positions[..];
        while let Some(&last) = rest.last() {
            let window = rest.partition_point(|lsn| lsn.0 + WINDOW_BYTES < last.0);
            undo_window(trees, xid, &rest[window..])?;
            rest = &rest[..window];
        }
        trees.log_abort(xid, Reserve(&mut 0))?;
    }
    Ok(recovered)
}

/// The position of each transaction's end.
type Ends = HashMap<u64, Lsn, foldhash::fast::FixedState>;

struct Pass<'t> {
    trees: &'t Trees,
    scan: Lsn,
    redo: Lsn,
    /// See [`Pass::ends`].
    ends: Option<Ends>,
    /// Pages that the log changes but the store does not have: they must be freed or remade further on.
    missing: HashSet<PageId, foldhash::fast::FixedState>,
    losers: HashMap<u64, Vec<Lsn>, foldhash::fast::FixedState>,
    recovered: Recovered,
    /// Records that are to be repeated.
    payloads: Vec<u8>,
    /// What they change, in the order of the log.
    changes: Vec<Change>,
}

/// One page's share of a record that is to be repeated.
struct Change {
    page: PageId,
    lsn: Lsn,
    next: Lsn,
    /// Where the record lies among the payloads.
    at: usize,
    bytes: usize,
    /// Which of the record's page operations it is.
    part: usize,
}

impl<'t> Pass<'t> {
    fn record(&mut self, lsn: Lsn, next: Lsn, payload: &[u8]) -> Result<()> {
        let record = Record::decode(payload)?;
        self.recovered.records += 1;
        self.follow(lsn, &record);
        if lsn < self.redo {
            return Ok(());
        }
        if self.payloads.len() + payload.len() > COLLECTED_BYTES {
            self.repeat()?;
        }
        let (at, bytes) = (self.payloads.len(), payload.len());
        let mut note = |part, page| self.changes.push(Change { page, lsn, next, at, bytes, part });
        match &record {
            Record::Insert { page, .. }
            | Record::Change { page, .. }
            | Record::InsertRange { page, .. }
            | Record::InsertMany { page, .. }
            | Record::NewPage { page, .. } => note(0, *page),
            Record::Compensate { part, .. } => part.iter().for_each(|part| note(0, part.page)),
            Record::LinkBulk { parts, .. } | Record::Structure { parts } => {
                parts.iter().enumerate().for_each(|(i, part)| note(i, part.page))
            }
            Record::Commit { .. } | Record::Abort { .. } => return Ok(()),
        }
        self.payloads.extend_from_slice(payload);
        Ok(())
    }

    /// Repeats what was collected.
    fn repeat(&mut self) -> Result<()> {
        let payloads = std::mem::take(&mut self.payloads);
        let mut changes = std::mem::take(&mut self.changes);
        // Stable: for each page it stays the log's order.
        changes.sort_by_key(|change| change.page.0);
        let mut held = None;
        for change in &changes {
            let record = Record::decode(&payloads[change.at..change.at + change.bytes])?;
            self.apply(&mut held, change, &record)?;
        }
        (self.payloads, self.changes) = (payloads, changes);
        self.payloads.clear();
        self.changes.clear();
        Ok(())
    }

    fn apply(
        &mut self,
        held: &mut Option<PageWrite<'t>>,
        change: &Change,
        record: &Record<'_>,
    ) -> Result<()> {
        match record {
            Record::Insert { xid, key, flags, value, .. } => {
                let need = |node: NodeRef<'_>| apply::room_of(node, key.len(), value.len());
                self.change(held, change, need, |bytes| apply::insert(bytes, key, *flags, *xid, value))
            }
            Record::Change { xid, key, after, delta, .. } => {
                let need = |node: NodeRef<'_>| apply::room_of_change(node, key, delta);
                self.change(held, change, need, |bytes| apply::change(bytes, key, *after, *xid, delta))
            }
            Record::InsertRange { xid, first, rows, .. } => {
                let need =
                    |node: NodeRef<'_>| rows.iter().map(|row| apply::room_of(node, 8, row.len())).sum();
                self.change(held, change, need, |bytes| {
                    apply::insert_range(bytes, *first, apply::stamp_of(*xid), *rows)
                })
            }
            Record::InsertMany { xid, entries, .. } => {
                // What cannot be read needs no room: it is refused when it is applied.
                let need = |node: NodeRef<'_>| apply::room_of_many(node, *entries).unwrap_or(0);
                self.change(held, change, need, |bytes| apply::insert_many(bytes, *xid, *entries))
            }
            Record::NewPage { image, .. } => self.part(held, change, &Op::Image(image)),
            Record::Compensate { part, .. } => {
                part.iter().try_for_each(|part| self.part(held, change, &part.op))
            }
            Record::LinkBulk { parts, .. } | Record::Structure { parts } => {
                self.part(held, change, &parts[change.part].op)
            }
            Record::Commit { .. } | Record::Abort { .. } => Ok(()),
        }
    }

    /// Keeps the list of each transaction's records that are not yet undone.
    fn follow(&mut self, lsn: Lsn, record: &Record<'_>) {
        let Some(xid) = record.xid() else { return };
        self.recovered.next_xid = self.recovered.next_xid.max(xid + 1);
        if let Record::Insert { tree: DIRECTORY, key, .. } = record
            && let Ok(raw) = (*key).try_into()
        {
            self.trees.saw_tree(TreeId(u32::from_be_bytes(raw)));
        }
        match record {
            Record::Commit { .. } | Record::Abort { .. } => {
                self.losers.remove(&xid);
            }
            Record::Compensate { undone, done: true, .. } => self.cut(xid, *undone),
            Record::Compensate { .. } => {}
            Record::LinkBulk { back_to, .. } => self.cut(xid, *back_to),
            _ => self.losers.entry(xid).or_default().push(lsn),
        }
    }

    /// Forgets a transaction's records from a position on.
    fn cut(&mut self, xid: u64, from: Lsn) {
        let positions = self.losers.entry(xid).or_default();
        positions.truncate(positions.partition_point(|&lsn| lsn < from));
    }

    /// Applies a change to a page that has not seen it; `need` is the room it takes there.
    fn change(
        &mut self,
        held: &mut Option<PageWrite<'t>>,
        change: &Change,
        need: impl FnOnce(NodeRef<'_>) -> usize,
        apply: impl FnOnce(&mut PageBuf) -> Result<()>,
    ) -> Result<()> {
        let &Change { page: id, lsn, next, .. } = change;
        let trees = self.trees;
        if held.as_ref().is_none_or(|page| page.id() != id) {
            // Given up first: two are never held at once.
            *held = None;
            *held = trees.pool.write_if_present(id)?;
        }
        let Some(page) = held else {
            self.missing.insert(id);
            return Ok(());
        };
        if page_lsn(page.bytes()) >= next {
            return Ok(());
        }
        let node = NodeRef::new(page.bytes());
        let short =
            page_kind(page.bytes()) == PageKind::Node && node.is_leaf() && node.free_bytes() < need(node);
        let logged = page.redo(lsn, next);
        let bytes = page.edit(&logged);
        if short {
            let ends = self.ends()?;
            NodeMut::new(bytes).freeze(|xid| ends.get(&xid).is_none_or(|&end| end < lsn));
        }
        apply(bytes)
    }

    /// Where the transactions with records in the log end; `u64::MAX`: nowhere. One without records had ended before.
    ///
    /// Asked for when a change does not fit a leaf. At run time a page loses stamps when it is written, which is not logged, and what
    /// followed may have used their room; after a crash redo may begin with an older version of the page, which has them still.
    /// A stamp that was dropped was of a transaction below every snapshot: it had ended before the change whose room is missing
    /// was logged. So dropping the stamps of all transactions that had ended by then gives at least that room. Those of others
    /// must stay: a rollback that follows in the log finds its records by them. That a transaction has not been seen yet
    /// does not mean that it has ended: the pass begins behind the records of one that ended before the checkpoint.
    fn ends(&mut self) -> Result<&Ends> {
        if self.ends.is_none() {
            let mut ends = Ends::default();
            let mut reader = self.trees.wal.reader(self.scan)?;
            while let Some(raw) = reader.next()? {
                let record = Record::decode(raw.payload)?;
                if let Some(xid) = record.xid() {
                    let end = matches!(record, Record::Commit { .. } | Record::Abort { .. });
                    ends.insert(xid, if end { raw.lsn } else { Lsn(u64::MAX) });
                }
            }
            self.ends = Some(ends);
        }
        Ok(self.ends.get_or_insert_default())
    }

    fn part(&mut self, held: &mut Option<PageWrite<'t>>, change: &Change, op: &Op<'_>) -> Result<()> {
        let &Change { page: id, lsn, next, .. } = change;
        match op {
            Op::Image(_) => {
                *held = None;
                self.missing.remove(&id);
                self.trees.store.reserve_id(id);
                let mut page = match self.trees.pool.write_if_present(id)? {
                    Some(page) if page_lsn(page.bytes()) >= next => return Ok(()),
                    Some(page) => page,
                    None => self.trees.pool.create(id)?,
                };
                let logged = page.redo(lsn, next);
                let bytes = page.edit(&logged);
                apply::op(bytes, id, op)?;
                crate::page::set_page_lsn(bytes, next);
                *held = Some(page);
                Ok(())
            }
            Op::Free => {
                *held = None;
                self.missing.remove(&id);
                if let Some(page) = self.trees.pool.write_if_present(id)?
                    && page_lsn(page.bytes()) < next
                {
                    self.trees.pool.free(page);
                }
                Ok(())
            }
            _ => {
                let need = |node: NodeRef<'_>| apply::room_of_op(node, op);
                self.change(held, change, need, |bytes| apply::op(bytes, id, op))
            }
        }
    }
}

/// Undoes records of a loser that lie close together in the log, the last one first: that part of the log is read once.
fn undo_window(trees: &Trees, xid: u64, positions: &[Lsn]) -> Result<()> {
    let Some(&first) = positions.first() else { return Ok(()) };
    let mut reader = trees.wal.reader(first)?;
    let mut payloads: Vec<Vec<u8>> = Vec::with_capacity(positions.len());
    for &lsn in positions {
        loop {
            match reader.next()? {
                Some(raw) if raw.lsn < lsn => {}
                Some(raw) if raw.lsn == lsn => break payloads.push(raw.payload.to_vec()),
                _ => return Err(gone(lsn)),
            }
        }
    }
    for (&lsn, payload) in positions.iter().zip(&payloads).rev() {
        undo(trees, xid, lsn, payload)?;
    }
    Ok(())
}

fn gone(lsn: Lsn) -> StoreError {
    StoreError::LogDamaged { lsn, what: "a record that has to be undone is missing".into() }
}

/// Undoes one record of a loser.
fn undo(trees: &Trees, xid: u64, lsn: Lsn, payload: &[u8]) -> Result<()> {
    let mut none = 0;
    let mut reserve = Reserve(&mut none);
    match Record::decode(payload)? {
        Record::Insert { tree, key, .. } => {
            trees.undo_insert(&*trees.tree(tree)?, key, xid, lsn, &mut reserve)?;
            // What the transaction wrote into a tree of its own was undone before, and made the tree known.
            if tree == DIRECTORY
                && let Ok(raw) = key.try_into()
            {
                trees.forget(TreeId(u32::from_be_bytes(raw)));
            }
            Ok(())
        }
        Record::Change { tree, key, before, delta, .. } => {
            let tree = trees.tree(tree)?;
            let value = {
                let leaf = trees.leaf_write(&tree, key)?;
                let node = leaf.node();
                let Found::At(slot) = node.find(key) else {
                    return Err(StoreError::corrupt(leaf.id(), "a changed record is missing for undo"));
                };
                delta.backward(node.value(slot)).ok_or_else(|| {
                    StoreError::corrupt(leaf.id(), "a changed record does not have the logged value")
                })?
            };
            // Stamped as the loser's: an earlier change of the same transaction may follow, and nobody else reads yet.
            let stamp = Some(Stamp { xid, undo: 0 });
            trees.undo_change(
                &tree,
                key,
                &Prior { flags: before, stamp, value: &value },
                xid,
                lsn,
                &mut reserve,
            )
        }
        Record::InsertRange { tree, first, count, .. } => {
            let last = first + count.saturating_sub(1);
            trees.undo_range(&*trees.tree(tree)?, first, last, xid, lsn, &mut reserve)
        }
        Record::InsertMany { tree, entries, .. } => {
            trees.undo_many(&*trees.tree(tree)?, entries, xid, lsn, &mut reserve)
        }
        Record::NewPage { page, .. } => trees.undo_page(page, xid, lsn, &mut reserve),
        _ => Err(gone(lsn)),
    }
}
