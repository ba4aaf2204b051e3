//! A node without what can be computed from the rest: the form in which it is compressed.
//!
//! In a node whose heap is in order, as [`super::NodeMut::tidy`] leaves it, the place of a record follows from the lengths, its head
//! from its key, and the hints from the heads. Without them a slot of twelve bytes is three numbers that mostly are the same in every
//! slot, and the free middle is nothing:
//!
//! ```text
//! header | key lengths u16 ... | value lengths u16 ... | flags u16 ... | heap from its start on
//! ```
//!
//! The header is without the hints, unless there are so few slots that the node does not keep them up. Who folds unfolds again and
//! compares: what does not come back to the byte is not a node in order, and is stored as it is.

use super::header::*;
use super::node::{NodeMut, NodeRef, SLOT_BYTES, STAMP_BYTES, SlotFlags};
use super::search::head_of;
use crate::store::PAGE_BYTES;

/// Bytes of a slot that remain.
const LENGTHS: usize = 6;

/// Bytes of the header that remain.
fn header_bytes(count: usize) -> usize {
    if NodeRef::keeps_hints(count) { HINTS } else { HEADER_BYTES }
}

/// The number of slots and the start of the heap, when they are possible ones of a node.
fn frame(header: &[u8]) -> Option<(usize, usize)> {
    let (count, heap) = (u16_at(header, COUNT), u16_at(header, HEAP_START));
    let possible = header[KIND] == PageKind::Node as u8
        && heap <= PAGE_BYTES
        && HEADER_BYTES + count * SLOT_BYTES <= heap;
    possible.then_some((count, heap))
}

/// Writes the folded form of a page to the front of `out`, which a page fits into; returns its length. `None`: it is no node.
pub fn fold(page: &PageBuf, out: &mut [u8]) -> Option<usize> {
    let (count, heap) = frame(page)?;
    let header = header_bytes(count);
    out[..header].copy_from_slice(&page[..header]);
    let slots = &page[HEADER_BYTES..][..count * SLOT_BYTES];
    for (column, at) in [2, 4, 6].into_iter().enumerate() {
        let column = &mut out[header + column * 2 * count..][..2 * count];
        for (number, slot) in column.chunks_exact_mut(2).zip(slots.chunks_exact(SLOT_BYTES)) {
            number.copy_from_slice(&slot[at..at + 2]);
        }
    }
    let len = header + count * LENGTHS;
    out[len..len + PAGE_BYTES - heap].copy_from_slice(&page[heap..]);
    Some(len + PAGE_BYTES - heap)
}

/// Makes a page from its folded form; false, with anything in `page`, when it is none.
pub fn unfold(folded: &[u8], page: &mut PageBuf) -> bool {
    if folded.len() < HINTS {
        return false;
    }
    let Some((count, heap)) = frame(folded) else { return false };
    let header = header_bytes(count);
    let len = header + count * LENGTHS;
    if folded.len() != len + PAGE_BYTES - heap {
        return false;
    }
    page[..header].copy_from_slice(&folded[..header]);
    page[HEADER_BYTES + count * SLOT_BYTES..heap].fill(0);
    page[heap..].copy_from_slice(&folded[len..]);
    let shared = u16_at(page, SHARED);
    let Some(mut at) = PAGE_BYTES.checked_sub(u16_at(page, LOWER_LEN) + u16_at(page, UPPER_LEN)) else {
        return false;
    };
    for i in 0..count {
        let column = |column: usize| u16_at(folded, header + column * 2 * count + i * 2);
        let (key, value, flags) = (column(0), column(1), column(2));
        let stamp = if SlotFlags(flags as u16).has(SlotFlags::STAMPED) { STAMP_BYTES } else { 0 };
        let record = stamp + key + value;
        if record > at - heap.min(at) || shared > key {
            return false;
        }
        at -= record;
        let head = head_of(&page[at + stamp + shared..at + stamp + key]);
        let slot = &mut page[HEADER_BYTES + i * SLOT_BYTES..][..SLOT_BYTES];
        for (field, number) in [at, key, value, flags].into_iter().enumerate() {
            put_u16(slot, field * 2, number);
        }
        slot[8..].copy_from_slice(&head.to_le_bytes());
    }
    NodeMut::new(page).refresh_hints(0);
    at == heap
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PageId;
    use crate::page::Stamp;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn node(records: &BTreeMap<Vec<u8>, (Vec<u8>, bool)>, upper: Option<&[u8]>) -> Box<PageBuf> {
        let mut page: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
        let mut node = NodeMut::init(&mut page, PageId(7), 20, 0, b"", upper);
        for (i, (key, (value, stamped))) in records.iter().enumerate() {
            let stamp = stamped.then_some(Stamp { xid: 900, undo: i as u64 });
            node.insert(i, key, value, SlotFlags::default(), stamp);
        }
        node.tidy(100);
        page
    }

    fn folded(page: &PageBuf) -> Option<usize> {
        let mut out = vec![0u8; PAGE_BYTES];
        let len = fold(page, &mut out)?;
        let mut back: Box<PageBuf> = Box::new([0xAA; PAGE_BYTES]);
        (unfold(&out[..len], &mut back) && back == Box::new(*page)).then_some(len)
    }

    proptest! {
        #[test]
        fn nodes_in_order_come_back(
            records in prop::collection::btree_map(
                prop::collection::vec(any::<u8>(), 0..24),
                (prop::collection::vec(any::<u8>(), 0..90), any::<bool>()),
                0..110,
            ),
            prefix in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let records: BTreeMap<_, _> =
                records.into_iter().map(|(key, rest)| ([prefix.as_slice(), &key].concat(), rest)).collect();
            let page = node(&records, None);
            let slots = records.len() * SLOT_BYTES;
            let len = folded(&page);
            prop_assert!(len.is_some_and(|len| len <= PAGE_BYTES - slots / 2), "{len:?}");
        }

        #[test]
        fn what_is_no_node_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0u8..3, count in 0u16..30, heap in 15_900u16..=16_384) {
            let mut bytes = bytes;
            if bytes.len() > HINTS {
                bytes[KIND] = kind;
                put_u16(&mut bytes, COUNT, usize::from(count));
                put_u16(&mut bytes, HEAP_START, usize::from(heap));
                let len = header_bytes(usize::from(count)) + usize::from(count) * LENGTHS + PAGE_BYTES - usize::from(heap);
                bytes.resize(len, 1);
            }
            let mut page: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
            unfold(&bytes, &mut page);
        }
    }

    #[test]
    fn a_node_out_of_order_does_not_pass() {
        let records = (0..100u32).map(|i| (i.to_be_bytes().to_vec(), (vec![7; 50], false))).collect();
        let mut page = node(&records, Some(b"\x01"));
        assert!(folded(&page).is_some_and(|len| len < 6200));
        // A byte in the free middle.
        page[9000] = 1;
        assert_eq!(folded(&page), None);
        page[9000] = 0;
        let mut node = NodeMut::new(&mut page);
        node.remove(3);
        assert_eq!(folded(&page), None);
        NodeMut::new(&mut page).tidy(0);
        assert!(folded(&page).is_some());
    }
}
