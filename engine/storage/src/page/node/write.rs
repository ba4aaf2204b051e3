//! Changes of a node: records placed, moved and removed, halves cut off, stamps dropped.

use super::super::header::*;
use super::super::search::{common_prefix, head_of, worth_sharing};
use super::*;

/// Writing view of a node.
pub struct NodeMut<'a>(pub(in crate::page) &'a mut PageBuf);

impl<'a> NodeMut<'a> {
    /// Views a page as a node.
    pub fn new(page: &'a mut PageBuf) -> NodeMut<'a> {
        NodeMut(page)
    }

    /// Makes `page` an empty node.
    pub fn init(
        page: &'a mut PageBuf,
        id: PageId,
        tree: u32,
        level: u8,
        lower: &[u8],
        upper: Option<&[u8]>,
    ) -> NodeMut<'a> {
        init(page, id, tree, PageKind::Node, level);
        let mut node = NodeMut(page);
        node.set(HEAP_START, PAGE_BYTES);
        let (at, len) = node.push_heap(lower);
        node.set(LOWER_OFFSET, at);
        node.set(LOWER_LEN, len);
        let (at, len) = node.push_heap(upper.unwrap_or_default());
        node.set(UPPER_OFFSET, at);
        node.set(UPPER_LEN, len);
        if let Some(upper) = upper {
            node.set(FLAGS, HAS_UPPER);
            node.set(PREFIX, common_prefix(lower, upper));
        }
        node
    }

    pub(in crate::page) fn set(&mut self, at: usize, v: usize) {
        put_u16(self.0, at, v);
    }

    fn set_long(&mut self, at: usize, v: u64) {
        put_u64(self.0, at, v);
    }

    fn push_heap(&mut self, bytes: &[u8]) -> (usize, usize) {
        let at = u16_at(self.0, HEAP_START) - bytes.len();
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self.set(HEAP_START, at);
        self.set(LIVE, u16_at(self.0, LIVE) + bytes.len());
        (at, bytes.len())
    }

    /// The reading view.
    pub fn get(&self) -> NodeRef<'_> {
        NodeRef(self.0)
    }

    fn contiguous(&self) -> usize {
        u16_at(self.0, HEAP_START) - self.get().slots_end()
    }

    fn make_room(&mut self, bytes: usize) {
        if self.contiguous() < bytes {
            self.compact();
        }
        assert!(self.contiguous() >= bytes, "the caller checked the node's free space");
    }

    /// Inserts a record before slot `i`. `key` is the full key; free space must have been checked.
    pub fn insert(&mut self, i: usize, key: &[u8], value: &[u8], flags: SlotFlags, stamp: Option<Stamp>) {
        let suffix = &key[u16_at(self.0, PREFIX)..];
        let flags = with_stamp(flags, stamp);
        let stamp_len = stamp.map_or(0, |_| STAMP_BYTES);
        let len = stamp_len + suffix.len() + value.len();
        self.make_room(len + SLOT_BYTES);
        self.share(suffix);
        let (from, end) = (self.get().slot_at(i), self.get().slots_end());
        self.0.copy_within(from..end, from + SLOT_BYTES);
        self.set(COUNT, self.get().count() + 1);
        self.place(i, suffix, value, flags, stamp, len);
        self.note_insert(i);
        self.refresh_hints(i);
    }

    fn place(
        &mut self,
        i: usize,
        suffix: &[u8],
        value: &[u8],
        flags: SlotFlags,
        stamp: Option<Stamp>,
        len: usize,
    ) {
        let at = u16_at(self.0, HEAP_START) - len;
        self.set(HEAP_START, at);
        self.set(LIVE, u16_at(self.0, LIVE) + len);
        let mut pos = at;
        if let Some(stamp) = stamp {
            self.set_long(pos, stamp.xid);
            self.set_long(pos + 8, stamp.undo);
            pos += STAMP_BYTES;
        }
        self.0[pos..pos + suffix.len()].copy_from_slice(suffix);
        pos += suffix.len();
        self.0[pos..pos + value.len()].copy_from_slice(value);
        let slot = self.get().slot_at(i);
        self.set(slot, at);
        self.set(slot + 2, suffix.len());
        self.set(slot + 4, value.len());
        self.set(slot + 6, usize::from(flags.0));
        let head = head_of(&suffix[u16_at(self.0, SHARED)..]);
        self.0[slot + 8..slot + 12].copy_from_slice(&head.to_le_bytes());
    }

    fn note_insert(&mut self, i: usize) {
        let last = u16_at(self.0, LAST_INSERT);
        let run = if i == last + 1 { (u16_at(self.0, INSERT_RUN) + 1).min(100) } else { 0 };
        self.set(INSERT_RUN, run);
        self.set(LAST_INSERT, i);
    }

    /// Removes a slot.
    pub fn remove(&mut self, i: usize) {
        let len = self.get().heap_len(i);
        self.set(LIVE, u16_at(self.0, LIVE) - len);
        let (from, end) = (self.get().slot_at(i + 1), self.get().slots_end());
        self.0.copy_within(from..end, from - SLOT_BYTES);
        self.set(COUNT, self.get().count() - 1);
        self.refresh_hints(i);
    }

    /// Replaces value, flags and stamp of a slot; the key stays. Free space must have been checked.
    pub fn replace(&mut self, i: usize, value: &[u8], flags: SlotFlags, stamp: Option<Stamp>) {
        let flags = with_stamp(flags, stamp);
        let slot = self.get().slot_at(i);
        let old_len = self.get().heap_len(i);
        let stamp_len = stamp.map_or(0, |_| STAMP_BYTES);
        let suffix_len = self.get().suffix_len(i);
        let new_len = stamp_len + suffix_len + value.len();
        if new_len == old_len && stamp_len == self.get().stamp_len(i) {
            let at = self.get().record_offset(i);
            let value_at = at + stamp_len + suffix_len;
            self.0[value_at..value_at + value.len()].copy_from_slice(value);
            self.set(slot + 6, usize::from(flags.0));
            if let Some(stamp) = stamp {
                self.set_long(at, stamp.xid);
                self.set_long(at + 8, stamp.undo);
            }
            return;
        }
        let mut suffix = [0u8; MAX_KEY_BYTES];
        suffix[..suffix_len].copy_from_slice(self.get().suffix(i));
        // The old record becomes garbage; emptied first, so that compaction may drop it.
        self.set(LIVE, u16_at(self.0, LIVE) - old_len);
        self.set(slot, PAGE_BYTES);
        self.set(slot + 2, 0);
        self.set(slot + 4, 0);
        self.set(slot + 6, 0);
        self.make_room(new_len);
        self.place(i, &suffix[..suffix_len], value, flags, stamp, new_len);
    }

    /// Sets the undo pointer of a stamped slot.
    pub fn set_undo(&mut self, i: usize, undo: u64) {
        debug_assert!(self.get().flags(i).has(SlotFlags::STAMPED));
        let at = self.get().record_offset(i);
        self.set_long(at + 8, undo);
    }

    /// Sets the child right of all separators.
    pub fn set_upper_child(&mut self, child: PageId) {
        self.set_long(UPPER_CHILD, child.0);
    }

    /// Sets the `i`-th child.
    pub fn set_child(&mut self, i: usize, child: PageId) {
        if i < self.get().count() {
            let at = self.get().record_offset(i) + self.get().suffix_len(i);
            self.set_long(at, child.0);
        } else {
            self.set_upper_child(child);
        }
    }

    /// Drops stamps and ghosts of transactions older than `horizon`.
    pub fn prune(&mut self, horizon: u64) {
        let mut i = 0;
        let mut first_changed = None;
        while i < self.get().count() {
            match self.get().prune_action(i, horizon) {
                Prune::Keep => i += 1,
                Prune::Freeze => {
                    self.freeze_slot(i);
                    i += 1;
                }
                Prune::Remove => {
                    self.remove(i);
                    first_changed = first_changed.or(Some(i));
                }
            }
        }
        if let Some(i) = first_changed {
            self.refresh_hints(i);
        }
    }

    /// Drops the stamps of transactions that everybody sees, by their ids. Ghosts keep theirs: it decides what a later
    /// [`NodeMut::prune`] removes, and redo must come to the same slots from any version of the page.
    pub fn freeze(&mut self, seen_by_all: impl Fn(u64) -> bool) {
        for i in 0..self.get().count() {
            let stamp = self.get().stamp(i);
            if !self.get().flags(i).has(SlotFlags::DELETED) && stamp.is_some_and(|s| seen_by_all(s.xid)) {
                self.freeze_slot(i);
            }
        }
    }

    /// The stamp is the record's front: dropping it moves the start.
    fn freeze_slot(&mut self, i: usize) {
        let slot = self.get().slot_at(i);
        self.set(slot, u16_at(self.0, slot) + STAMP_BYTES);
        let flags = self.get().flags(i).without(SlotFlags::STAMPED).without(SlotFlags::KEY_KEPT);
        self.set(slot + 6, usize::from(flags.0));
        self.set(LIVE, u16_at(self.0, LIVE) - STAMP_BYTES);
    }

    /// Makes the node compress well: without stamps that say nothing any more, records in key order, zeros between.
    /// Nothing of this is logged (rule 1).
    pub fn tidy(&mut self, horizon: u64) {
        self.freeze(|xid| xid < horizon);
        self.compact();
        let (low, high) = (self.get().slots_end(), u16_at(self.0, HEAP_START));
        self.0[low..high].fill(0);
    }

    /// Rewrites the heap without garbage.
    pub fn compact(&mut self) {
        let copy: Box<PageBuf> = Box::new(*self.0);
        let old = NodeRef::new(&copy);
        self.set(HEAP_START, PAGE_BYTES);
        self.set(LIVE, 0);
        let (at, _) = self.push_heap(old.lower_fence());
        self.set(LOWER_OFFSET, at);
        let (at, _) = self.push_heap(old.upper_fence().unwrap_or_default());
        self.set(UPPER_OFFSET, at);
        for i in 0..old.count() {
            let (from, len) = (old.record_offset(i), old.heap_len(i));
            let (at, _) = self.push_heap(&copy[from.min(PAGE_BYTES - len)..from.min(PAGE_BYTES - len) + len]);
            let slot = self.get().slot_at(i);
            self.set(slot, at);
        }
    }

    /// Makes `page` hold slots `range` of `from` between the given fences (upper child not set for inner nodes).
    pub fn copy_range(
        page: &'a mut PageBuf,
        id: PageId,
        from: NodeRef<'_>,
        range: std::ops::Range<usize>,
        lower: &[u8],
        upper: Option<&[u8]>,
    ) -> NodeMut<'a> {
        let mut node = NodeMut::init(page, id, from.tree(), from.level(), lower, upper);
        node.append_range(from, range);
        node
    }

    /// Appends slots `range` of `from`, whose keys are greater than all here.
    pub fn append_range(&mut self, from: NodeRef<'_>, range: std::ops::Range<usize>) {
        let here = u16_at(self.0, PREFIX);
        // What a key has here beyond its suffix there, and what of that suffix the prefix here says already.
        let lead = from.prefix().get(here..).unwrap_or_default();
        let cut = here.saturating_sub(from.prefix().len());
        let bytes: usize = range.clone().map(|i| from.heap_len(i) + lead.len() - cut).sum();
        if let Some(last) = range.end.checked_sub(1).filter(|last| range.contains(last)) {
            self.make_room(bytes + range.len() * SLOT_BYTES);
            let suffix = |i: usize| [lead, &from.suffix(i)[cut..]].concat();
            // The keys ascend: what the first and the last share, all do.
            if self.get().count() == 0 {
                let common = common_prefix(&suffix(range.start), &suffix(last));
                self.set(SHARED, worth_sharing(common));
            } else {
                self.share(&suffix(last));
            }
        }
        let shared = u16_at(self.0, SHARED);
        let (mut heap, mut slot) = (u16_at(self.0, HEAP_START), self.get().slots_end());
        for i in range.clone() {
            let (stamp, suffix) = (from.stamp_len(i), from.suffix_len(i) - cut);
            let source = &from.0[from.record_offset(i)..][..from.heap_len(i)];
            heap -= source.len() + lead.len() - cut;
            let key = heap + stamp;
            self.0[heap..key].copy_from_slice(&source[..stamp]);
            self.0[key..key + lead.len()].copy_from_slice(lead);
            let rest = &source[stamp + cut..];
            self.0[key + lead.len()..][..rest.len()].copy_from_slice(rest);
            let head = head_of(&self.0[key + shared..key + lead.len() + suffix]);
            self.set(slot, heap);
            self.set(slot + 2, lead.len() + suffix);
            self.set(slot + 4, rest.len() - suffix);
            self.set(slot + 6, usize::from(from.flags(i).0));
            self.0[slot + 8..slot + SLOT_BYTES].copy_from_slice(&head.to_le_bytes());
            slot += SLOT_BYTES;
        }
        self.set(HEAP_START, heap);
        self.set(LIVE, u16_at(self.0, LIVE) + bytes);
        self.set(COUNT, self.get().count() + range.len());
        self.set(INSERT_RUN, 0);
        self.set(LAST_INSERT, self.get().count().saturating_sub(1));
        self.refresh_hints(0);
    }

    /// Gives the left part of a split its new upper fence, keeping the first `keep` slots. Returns nothing the log does
    /// not know: redo calls the same function.
    pub fn truncate(&mut self, keep: usize, upper: &[u8]) {
        let copy: Box<PageBuf> = Box::new(*self.0);
        let old = NodeRef::new(&copy);
        let upper_child = if old.is_leaf() { None } else { Some(old.child(keep)) };
        let id = old.id();
        let lsn = page_lsn(&copy);
        let mut node = NodeMut::copy_range(self.0, id, old, 0..keep, old.lower_fence(), Some(upper));
        if let Some(child) = upper_child {
            node.set_upper_child(child);
        }
        set_page_lsn(node.0, lsn);
    }

    /// Drops the first `drop` slots of a leaf, whose keys lie below its new lower fence.
    pub fn behead(&mut self, drop: usize, lower: &[u8]) {
        let copy: Box<PageBuf> = Box::new(*self.0);
        let old = NodeRef::new(&copy);
        NodeMut::copy_range(self.0, old.id(), old, drop..old.count(), lower, old.upper_fence());
        set_page_lsn(self.0, page_lsn(&copy));
    }

    /// Takes over the records of a leaf's neighbour, or of a part of it, and its outer fence; false when they do not fit.
    pub fn receive(&mut self, taken: NodeRef<'_>, front: bool) -> bool {
        let copy: Box<PageBuf> = Box::new(*self.0);
        let old = NodeRef::new(&copy);
        let (left, right) = if front { (taken, old) } else { (old, taken) };
        if left.joined_bytes(right) > PAGE_BYTES - HEADER_BYTES {
            return false;
        }
        let mut node = NodeMut::copy_range(
            self.0,
            old.id(),
            left,
            0..left.count(),
            left.lower_fence(),
            right.upper_fence(),
        );
        node.append_range(right, 0..right.count());
        set_page_lsn(node.0, page_lsn(&copy));
        true
    }
}

fn with_stamp(flags: SlotFlags, stamp: Option<Stamp>) -> SlotFlags {
    match stamp {
        Some(_) => flags.with(SlotFlags::STAMPED),
        None => flags.without(SlotFlags::STAMPED),
    }
}
