//! The slotted B+ tree node.
//!
//! ```text
//! slot:   OFFSET SIZE DESCRIPTION
//!              0    2 offset of the record in the page
//!              2    2 length of the key without the node's prefix
//!              4    2 length of the value
//!              6    2 slot flags
//!              8    4 head: first four bytes of the key behind what all keys share, zero padded, as a big-endian number
//! record: [stamp: xid u64, undo pointer u64 when STAMPED] [key without prefix] [value]
//! ```
//!
//! In an inner node the key is a separator and the value the eight-byte id of the child *left* of it (keys smaller than
//! the separator); the child right of all separators is in the header. A leaf record whose stamp was dropped is frozen:
//! visible to every snapshot (or, with DELETED, to none).

mod write;

use super::header::*;
use super::search::{Found, common_prefix, head_of};
use crate::ids::PageId;
use crate::store::PAGE_BYTES;

pub use write::NodeMut;

pub(super) const SLOT_BYTES: usize = 12;
pub(super) const STAMP_BYTES: usize = 16;
/// Longest key a tree accepts.
pub const MAX_KEY_BYTES: usize = 2800;
/// Key and value together may take this much of a leaf; longer values move to overflow pages.
pub const MAX_INLINE_BYTES: usize = 3900;

const HAS_UPPER: usize = 1;

/// Flags of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotFlags(pub u16);

impl SlotFlags {
    /// The record is a ghost: this version is a deletion.
    pub const DELETED: SlotFlags = SlotFlags(1);
    /// The record carries a stamp.
    pub const STAMPED: SlotFlags = SlotFlags(2);
    /// The value is a [`super::LargeRef`].
    pub const LARGE: SlotFlags = SlotFlags(4);
    /// The stamping transaction changed no key: its implicit lock is FOR NO KEY UPDATE.
    pub const KEY_KEPT: SlotFlags = SlotFlags(8);

    /// Whether all bits of `other` are set.
    #[inline]
    pub fn has(self, other: SlotFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[inline]
    pub fn with(self, other: SlotFlags) -> SlotFlags {
        SlotFlags(self.0 | other.0)
    }

    /// These bits without those of `other`.
    #[inline]
    pub fn without(self, other: SlotFlags) -> SlotFlags {
        SlotFlags(self.0 & !other.0)
    }
}

/// Who wrote the version in place, and where the version before it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The writing transaction.
    pub xid: u64,
    /// Position in that transaction's undo log.
    pub undo: u64,
}

/// Bytes a record takes in a leaf, its slot and stamp included.
pub fn record_bytes(key_len: usize, value_len: usize) -> usize {
    SLOT_BYTES + STAMP_BYTES + key_len + value_len
}

/// Reading view of a node.
#[derive(Clone, Copy)]
pub struct NodeRef<'a>(pub(super) &'a PageBuf);

impl<'a> NodeRef<'a> {
    /// Views a page as a node.
    pub fn new(page: &'a PageBuf) -> NodeRef<'a> {
        NodeRef(page)
    }

    /// The id written in the page.
    pub fn id(self) -> PageId {
        page_id(self.0)
    }

    /// The tree written in the page.
    pub fn tree(self) -> u32 {
        tree_of(self.0)
    }

    /// Height above the leaves.
    pub fn level(self) -> u8 {
        self.0[LEVEL]
    }

    /// Whether the node is a leaf.
    pub fn is_leaf(self) -> bool {
        self.level() == 0
    }

    /// Number of slots.
    #[inline]
    pub fn count(self) -> usize {
        u16_at(self.0, COUNT)
    }

    #[inline]
    pub(super) fn slot_at(self, i: usize) -> usize {
        HEADER_BYTES + i * SLOT_BYTES
    }

    #[inline]
    fn record_offset(self, i: usize) -> usize {
        u16_at(self.0, self.slot_at(i))
    }

    #[inline]
    pub(super) fn suffix_len(self, i: usize) -> usize {
        u16_at(self.0, self.slot_at(i) + 2)
    }

    pub(super) fn head(self, i: usize) -> u32 {
        u32_at(self.0, self.slot_at(i) + 8)
    }

    /// Flags of a slot.
    #[inline]
    pub fn flags(self, i: usize) -> SlotFlags {
        SlotFlags(u16_at(self.0, self.slot_at(i) + 6) as u16)
    }

    #[inline]
    fn stamp_len(self, i: usize) -> usize {
        if self.flags(i).has(SlotFlags::STAMPED) { STAMP_BYTES } else { 0 }
    }

    fn heap_len(self, i: usize) -> usize {
        self.stamp_len(i) + self.suffix_len(i) + u16_at(self.0, self.slot_at(i) + 4)
    }

    /// The record's stamp; `None` when frozen.
    #[inline]
    pub fn stamp(self, i: usize) -> Option<Stamp> {
        self.flags(i).has(SlotFlags::STAMPED).then(|| {
            let at = self.record_offset(i);
            Stamp { xid: u64_at(self.0, at), undo: u64_at(self.0, at + 8) }
        })
    }

    /// A leaf record taken apart: flags, the writer when stamped (else 0), the key without the node's prefix, the value.
    #[inline]
    pub fn record(self, i: usize) -> (SlotFlags, u64, &'a [u8], &'a [u8]) {
        let slot = self.slot_at(i);
        let flags = SlotFlags(u16_at(self.0, slot + 6) as u16);
        let mut at = u16_at(self.0, slot);
        let mut writer = 0;
        if flags.has(SlotFlags::STAMPED) {
            writer = u64_at(self.0, at);
            at += STAMP_BYTES;
        }
        let value = at + u16_at(self.0, slot + 2);
        (flags, writer, &self.0[at..value], &self.0[value..value + u16_at(self.0, slot + 4)])
    }

    /// The key without the node's prefix.
    #[inline]
    pub fn suffix(self, i: usize) -> &'a [u8] {
        let at = self.record_offset(i) + self.stamp_len(i);
        &self.0[at..at + self.suffix_len(i)]
    }

    /// The record's value.
    #[inline]
    pub fn value(self, i: usize) -> &'a [u8] {
        let slot = self.slot_at(i);
        let at = self.record_offset(i) + self.stamp_len(i) + self.suffix_len(i);
        &self.0[at..at + u16_at(self.0, slot + 4)]
    }

    /// What every key of the node starts with.
    #[inline]
    pub fn prefix(self) -> &'a [u8] {
        &self.lower_fence()[..u16_at(self.0, PREFIX)]
    }

    /// Smallest key the node may hold (empty: none smaller).
    #[inline]
    pub fn lower_fence(self) -> &'a [u8] {
        self.fence(LOWER_OFFSET, LOWER_LEN)
    }

    /// An empty fence lies at the very end of the page, and comparing no bytes there may touch the page behind, which need not be
    /// mapped: a fault inside the processor that costs more than the rest of a search. So it is taken from elsewhere.
    #[inline]
    fn fence(self, offset: usize, len: usize) -> &'a [u8] {
        match u16_at(self.0, len) {
            0 => &self.0[..0],
            len => {
                let at = u16_at(self.0, offset);
                &self.0[at..at + len]
            }
        }
    }

    /// Keys of the node are smaller than this; `None` at the right edge.
    #[inline]
    pub fn upper_fence(self) -> Option<&'a [u8]> {
        (u16_at(self.0, FLAGS) & HAS_UPPER != 0).then(|| self.fence(UPPER_OFFSET, UPPER_LEN))
    }

    /// Appends the full key of a slot to `out`.
    pub fn key_into(self, i: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix());
        out.extend_from_slice(self.suffix(i));
    }

    /// The full key of a slot.
    pub fn key(self, i: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(u16_at(self.0, PREFIX) + self.suffix_len(i));
        self.key_into(i, &mut out);
        out
    }

    /// Whether `key` lies between the fences.
    pub fn covers(self, key: &[u8]) -> bool {
        key >= self.lower_fence() && self.upper_fence().is_none_or(|upper| key < upper)
    }

    /// Child to follow for `key`.
    pub fn child_for(self, key: &[u8]) -> PageId {
        self.child(self.child_index(key))
    }

    /// Index of the child covering `key`: the number of separators not greater than it.
    pub fn child_index(self, key: &[u8]) -> usize {
        match self.find_covered(key) {
            Found::At(i) => i + 1,
            Found::Before(i) => i,
        }
    }

    /// Index of the child holding the greatest keys smaller than `key`.
    pub fn child_index_below(self, key: &[u8]) -> usize {
        self.find(key).slot()
    }

    /// The `i`-th child; `i == count` is the one right of all separators.
    pub fn child(self, i: usize) -> PageId {
        if i < self.count() { PageId(u64_at(self.value(i), 0)) } else { PageId(u64_at(self.0, UPPER_CHILD)) }
    }

    fn slots_end(self) -> usize {
        self.slot_at(self.count())
    }

    /// Bytes available to records and slots after compaction.
    pub fn free_bytes(self) -> usize {
        PAGE_BYTES - self.slots_end() - u16_at(self.0, LIVE)
    }

    /// Bytes used by slots and live heap.
    pub fn used_bytes(self) -> usize {
        PAGE_BYTES - HEADER_BYTES - self.free_bytes()
    }

    /// Bytes that this leaf and its right neighbour would use as one.
    pub fn joined_bytes(self, right: NodeRef<'_>) -> usize {
        let (lower, upper) = (self.lower_fence(), right.upper_fence());
        let prefix = upper.map_or(0, |upper| common_prefix(lower, upper));
        // Their prefixes are no shorter than that of both.
        let records = |node: NodeRef<'_>| {
            let (count, fences) =
                (node.count(), node.lower_fence().len() + node.upper_fence().map_or(0, <[u8]>::len));
            node.used_bytes() - fences + count * (node.prefix().len() - prefix)
        };
        records(self) + records(right) + lower.len() + upper.map_or(0, <[u8]>::len)
    }

    /// Bytes that a slot and its record use.
    pub fn slot_bytes(self, i: usize) -> usize {
        SLOT_BYTES + self.heap_len(i)
    }

    /// Whether insertions follow one another, and that of `key` is the next: a split then leaves full leaves behind.
    pub fn continues_run(self, key: &[u8]) -> bool {
        let at = self.find(key).slot();
        self.sequential_insert().is_some_and(|last| at == last + 1)
            || (at == self.count() && self.upper_fence().is_none())
    }

    /// Number of the last inserted slot when insertions have been following one another.
    pub fn sequential_insert(self) -> Option<usize> {
        (u16_at(self.0, INSERT_RUN) >= 3).then(|| u16_at(self.0, LAST_INSERT))
    }

    /// Whether pruning below `horizon` would give anything back.
    pub fn prunable(self, horizon: u64) -> bool {
        (0..self.count()).any(|i| self.prune_action(i, horizon) != Prune::Keep)
    }

    fn prune_action(self, i: usize, horizon: u64) -> Prune {
        let flags = self.flags(i);
        match self.stamp(i) {
            Some(stamp) if stamp.xid >= horizon => Prune::Keep,
            _ if flags.has(SlotFlags::DELETED) => Prune::Remove,
            Some(_) => Prune::Freeze,
            None => Prune::Keep,
        }
    }

    /// Slot to split before when `key` is about to be inserted: keeps runs of ascending insertions together, otherwise
    /// balances bytes. Both sides get at least one slot, unless `key` lies right of everything at the right edge.
    pub fn split_slot(self, key: &[u8]) -> usize {
        let count = self.count();
        let at = self.find(key).slot();
        if self.is_leaf() && at == count && self.upper_fence().is_none() && self.halves_fit(count, key) {
            return count;
        }
        if let Some(last) = self.sequential_insert()
            && self.is_leaf()
            && at == last + 1
            && at > 0
            && at < count
            && at > count / 3
            && self.halves_fit(at, key)
        {
            return at;
        }
        let total: usize = (0..count).map(|i| self.heap_len(i)).sum();
        let mut left = 0;
        for i in 0..count {
            left += self.heap_len(i);
            if left * 2 >= total {
                return (i + 1).clamp(1, count.max(2) - 1);
            }
        }
        count / 2
    }

    /// Whether an unbalanced split before `at` leaves both sides room for the separator, which becomes the left side's
    /// upper and the right side's lower fence. A balanced split always does.
    fn halves_fit(self, at: usize, key: &[u8]) -> bool {
        let bytes =
            |slots: std::ops::Range<usize>| slots.map(|i| SLOT_BYTES + self.heap_len(i)).sum::<usize>();
        let fence = self.separator(at, key).len();
        let free = self.free_bytes();
        free + bytes(at..self.count()) >= fence && free + bytes(0..at) >= fence
    }

    /// Shortest key that separates slots below `at` from those from `at` on; `key` stands for the right side when
    /// `at` is the slot count.
    pub fn separator(self, at: usize, key: &[u8]) -> Vec<u8> {
        let right = if at < self.count() { self.key(at) } else { key.to_vec() };
        if self.is_leaf() && at > 0 {
            let left = self.key(at - 1);
            let common = common_prefix(&left, &right);
            return right[..(common + 1).min(right.len())].to_vec();
        }
        right
    }

    /// Checks the node's own structure; returns what is wrong with it.
    pub fn check(self) -> Result<(), String> {
        if page_kind(self.0) != PageKind::Node {
            return Err("not a node".into());
        }
        let count = self.count();
        let slots_end = HEADER_BYTES + count * SLOT_BYTES;
        let heap = u16_at(self.0, HEAP_START);
        if slots_end > heap || heap > PAGE_BYTES {
            return Err(format!("slots end at {slots_end}, heap starts at {heap}"));
        }
        let fits = |at: usize, len: usize| at >= heap && at + len <= PAGE_BYTES;
        let (lower_at, lower_len) = (u16_at(self.0, LOWER_OFFSET), u16_at(self.0, LOWER_LEN));
        let (upper_at, upper_len) = (u16_at(self.0, UPPER_OFFSET), u16_at(self.0, UPPER_LEN));
        if !fits(lower_at, lower_len) || !fits(upper_at, upper_len) || u16_at(self.0, PREFIX) > lower_len {
            return Err("fences outside the heap".into());
        }
        let mut live = lower_len + upper_len;
        let shared = u16_at(self.0, SHARED);
        for i in 0..count {
            let (at, len) = (self.record_offset(i), self.heap_len(i));
            if !fits(at, len) {
                return Err(format!("slot {i} outside the heap"));
            }
            live += len;
            if self.suffix_len(i) < shared || self.suffix(i)[..shared] != self.suffix(0)[..shared] {
                return Err(format!("slot {i}: key without what all keys share"));
            }
            if self.head(i) != head_of(&self.suffix(i)[shared..]) {
                return Err(format!("slot {i}: head does not match its key"));
            }
            if i > 0 && self.suffix(i - 1) >= self.suffix(i) {
                return Err(format!("slot {i}: keys out of order"));
            }
            if !self.is_leaf() && u16_at(self.0, self.slot_at(i) + 4) != 8 {
                return Err(format!("slot {i}: separator without child"));
            }
        }
        if live != u16_at(self.0, LIVE) {
            return Err(format!("{live} live bytes, header says {}", u16_at(self.0, LIVE)));
        }
        if count > 0 && !(self.covers(&self.key(0)) && self.covers(&self.key(count - 1))) {
            return Err("keys outside the fences".into());
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prune {
    Keep,
    Freeze,
    Remove,
}

/// Writes a page's image without its free middle to `out`: `[end of slots u16][heap start u16][bytes][bytes]`.
/// Overflow chunks are cut after their data.
pub fn image_into(page: &PageBuf, out: &mut Vec<u8>) {
    let (low, high) = match page_kind(page) {
        PageKind::Node => (NodeRef::new(page).slots_end(), u16_at(page, HEAP_START)),
        PageKind::Overflow => (HEADER_BYTES + super::overflow::chunk_data(page).len(), PAGE_BYTES),
        PageKind::Unused => (HEADER_BYTES, PAGE_BYTES),
    };
    out.extend_from_slice(&(low as u16).to_le_bytes());
    out.extend_from_slice(&(high as u16).to_le_bytes());
    out.extend_from_slice(&page[..low]);
    out.extend_from_slice(&page[high..]);
}

/// Restores a page from its image; false when the image is malformed.
pub fn restore_image(page: &mut PageBuf, image: &[u8]) -> bool {
    if image.len() < 4 {
        return false;
    }
    let (low, high) = (u16_at(image, 0), u16_at(image, 2));
    let body = &image[4..];
    if low > high || high > PAGE_BYTES || body.len() != low + (PAGE_BYTES - high) {
        return false;
    }
    page[..low].copy_from_slice(&body[..low]);
    page[low..high].fill(0);
    page[high..].copy_from_slice(&body[low..]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn fresh(lower: &[u8], upper: Option<&[u8]>) -> Box<PageBuf> {
        let mut page = Box::new([0; PAGE_BYTES]);
        NodeMut::init(&mut page, PageId(7), 3, 0, lower, upper);
        page
    }

    #[test]
    fn row_ids_are_guessed_and_searched() {
        let mut page = fresh(&[], None);
        for id in 100u64..400 {
            let mut node = NodeMut::new(&mut page);
            let at = node.get().count();
            node.insert(at, &id.to_be_bytes(), b"row", SlotFlags::default(), None);
        }
        let node = NodeRef::new(&page);
        assert_eq!(node.find(&250u64.to_be_bytes()), Found::At(150));
        assert_eq!(node.find(&99u64.to_be_bytes()), Found::Before(0));
        assert_eq!(node.find(&400u64.to_be_bytes()), Found::Before(300));
        node.check().unwrap();
    }

    #[test]
    fn separators_are_truncated() {
        let mut page = fresh(&[], None);
        let mut node = NodeMut::new(&mut page);
        node.insert(0, b"alpha", b"", SlotFlags::default(), None);
        node.insert(1, b"beta-long-key", b"", SlotFlags::default(), None);
        assert_eq!(node.get().separator(1, b""), b"b");
        assert_eq!(node.get().split_slot(b"zulu"), 2, "appending at the right edge leaves the left full");
    }

    #[test]
    fn a_brim_full_leaf_splits_where_its_new_fence_fits() {
        let mut page = fresh(&[], None);
        let mut node = NodeMut::new(&mut page);
        let key = |i: u8| [&[b'k'; 900][..], &[i]].concat();
        for i in 0..4 {
            node.insert(usize::from(i), &key(i), &[0; 2900], SlotFlags::default(), None);
        }
        let rest = node.get().free_bytes() - SLOT_BYTES - 901;
        node.insert(4, &key(4), &vec![0; rest], SlotFlags::default(), None);
        assert_eq!(node.get().free_bytes(), 0);
        let at = node.get().split_slot(&key(5));
        let separator = node.get().separator(at, &key(5));
        node.truncate(at, &separator);
        node.get().check().unwrap();
    }

    #[test]
    fn tidying_drops_stamps_that_all_see_and_keeps_ghosts() {
        let mut page = fresh(b"a", Some(b"b"));
        let mut node = NodeMut::new(&mut page);
        let stamp = |xid| Some(Stamp { xid, undo: 9 });
        node.insert(0, b"a1", b"x", SlotFlags::DELETED, stamp(5));
        node.insert(1, b"a2", b"garbage", SlotFlags::KEY_KEPT, stamp(5));
        node.insert(2, b"a3", b"z", SlotFlags::default(), stamp(10));
        node.replace(1, b"y", SlotFlags::KEY_KEPT, stamp(5));
        node.tidy(10);
        assert_eq!(node.get().stamp(0), stamp(5), "pruning decides by it");
        assert!(node.get().flags(0).has(SlotFlags::DELETED));
        assert_eq!((node.get().value(1), node.get().flags(1)), (&b"y"[..], SlotFlags::default()));
        assert_eq!(node.get().stamp(2), stamp(10));
        node.get().check().unwrap();
        let text = page.windows(7).any(|bytes| bytes == b"garbage");
        assert!(!text, "what is not reachable is not written");
    }

    #[test]
    fn what_keys_share_is_compared_once() {
        let mut page = fresh(&[], None);
        let mut node = NodeMut::new(&mut page);
        for (at, key) in [b"tenant-1/aa", b"tenant-1/ab", b"tenant-1/ba"].into_iter().enumerate() {
            node.insert(at, key, b"", SlotFlags::default(), None);
        }
        let find = |node: &NodeMut<'_>, key: &str| node.get().find(key.as_bytes());
        assert_eq!(u16_at(node.0, SHARED), 9);
        assert_eq!((find(&node, "tenant-1/ab"), find(&node, "tenant-1/b")), (Found::At(1), Found::Before(2)));
        assert_eq!(
            (find(&node, "tenant-0/zz"), find(&node, "tenant-2")),
            (Found::Before(0), Found::Before(3))
        );
        assert_eq!((find(&node, "ten"), find(&node, "")), (Found::Before(0), Found::Before(0)));
        node.insert(3, b"tenants", b"", SlotFlags::default(), None);
        assert_eq!(u16_at(node.0, SHARED), 6);
        assert_eq!((find(&node, "tenant-1/ba"), find(&node, "tenants")), (Found::At(2), Found::At(3)));
        node.insert(4, b"tenor", b"", SlotFlags::default(), None);
        assert_eq!(u16_at(node.0, SHARED), 0, "three bytes are not worth it");
        assert_eq!((find(&node, "tenant-1/ba"), find(&node, "tenor")), (Found::At(2), Found::At(4)));
        node.get().check().unwrap();
    }

    #[test]
    fn prune_drops_ghosts_and_stamps() {
        let mut page = fresh(b"a", Some(b"b"));
        let mut node = NodeMut::new(&mut page);
        let stamp = |xid| Some(Stamp { xid, undo: 9 });
        node.insert(0, b"a1", b"x", SlotFlags::DELETED, stamp(5));
        node.insert(1, b"a2", b"y", SlotFlags::default(), stamp(5));
        node.insert(2, b"a3", b"z", SlotFlags::DELETED, stamp(50));
        node.prune(10);
        assert_eq!(node.get().count(), 2);
        assert_eq!((node.get().key(0), node.get().stamp(0)), (b"a2".to_vec(), None));
        assert_eq!(node.get().stamp(1).map(|s| s.xid), Some(50));
        node.get().check().unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn behaves_like_a_map(ops in prop::collection::vec((0u8..5, prop::collection::vec(97u8..101, 0..6), 0usize..300), 1..400)) {
            let mut page = fresh(&[], None);
            let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
            for (op, key, len) in ops {
                let mut node = NodeMut::new(&mut page);
                let value = vec![len as u8; len];
                match (op, node.get().find(&key)) {
                    (0 | 1, Found::Before(i)) if node.get().free_bytes() >= record_bytes(key.len(), len) => {
                        let stamp = (op == 1).then_some(Stamp { xid: 1, undo: 2 });
                        node.insert(i, &key, &value, SlotFlags::default(), stamp);
                        model.insert(key, value);
                    }
                    (2, Found::At(i)) => {
                        node.remove(i);
                        model.remove(&key);
                    }
                    (3, Found::At(i)) if node.get().free_bytes() >= record_bytes(key.len(), len) => {
                        node.replace(i, &value, SlotFlags::default(), Some(Stamp { xid: 3, undo: 4 }));
                        model.insert(key, value);
                    }
                    (4, _) => node.tidy(len as u64 % 4),
                    (_, found) => prop_assert_eq!(matches!(found, Found::At(_)), model.contains_key(&key)),
                }
                prop_assert_eq!(NodeRef::new(&page).check(), Ok(()));
            }
            let node = NodeRef::new(&page);
            let got: Vec<_> = (0..node.count()).map(|i| (node.key(i), node.value(i).to_vec())).collect();
            prop_assert_eq!(got, model.into_iter().collect::<Vec<_>>());
            let mut image = Vec::new();
            image_into(&page, &mut image);
            let mut copy = Box::new([7; PAGE_BYTES]);
            prop_assert!(restore_image(&mut copy, &image));
            prop_assert_eq!(NodeRef::new(&copy).check(), Ok(()));
        }
    }
}
