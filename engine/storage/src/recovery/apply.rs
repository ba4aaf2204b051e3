//! Applying log records to pages: the one code that changes pages, at run time and in redo.

use super::record::{Delta, Entries, Op, Rows};
use crate::error::{Result, StoreError};
use crate::ids::PageId;
use crate::page::{Found, NodeMut, NodeRef, PageBuf, SlotFlags, Stamp, record_bytes, restore_image};
use crate::store::PAGE_BYTES;

fn bad(page: &PageBuf, what: &str) -> StoreError {
    StoreError::corrupt(NodeRef::new(page).id(), format!("the log does not fit the page: {what}"))
}

/// Room that a stamped record takes.
pub fn room_of(node: NodeRef<'_>, key_len: usize, value_len: usize) -> usize {
    record_bytes(key_len, value_len) - node.prefix().len().min(key_len)
}

/// Room that a changed value takes beyond the old one's.
pub fn room_of_change(node: NodeRef<'_>, key: &[u8], delta: &Delta<'_>) -> usize {
    let Found::At(slot) = node.find(key) else { return 0 };
    (delta.new.len() + 16 * usize::from(node.stamp(slot).is_none())).saturating_sub(delta.old.len())
}

/// Room that an operation takes in a leaf.
pub fn room_of_op(node: NodeRef<'_>, op: &Op<'_>) -> usize {
    match op {
        Op::Truncate { upper, .. } => upper.len(),
        Op::Behead { lower, .. } => lower.len(),
        Op::Receive { front, image } => {
            let mut taken: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
            if !restore_image(&mut taken, image) {
                return 0;
            }
            let taken = NodeRef::new(&taken);
            let (left, right) = if *front { (taken, node) } else { (node, taken) };
            left.joined_bytes(right).saturating_sub(node.used_bytes())
        }
        Op::Set { key, value, .. } => match node.find(key) {
            Found::At(slot) => value.len().saturating_sub(node.value(slot).len()),
            Found::Before(_) => 0,
        },
        Op::Image(_)
        | Op::AddChild { .. }
        | Op::DropChild { .. }
        | Op::Separate { .. }
        | Op::Prune { .. }
        | Op::Free
        | Op::Remove { .. }
        | Op::RemoveRange { .. }
        | Op::RemoveMany { .. } => 0,
    }
}

/// Inserts a record before a slot, which [`NodeRef::find`] has found for its key.
pub fn insert_at(
    page: &mut PageBuf,
    slot: usize,
    key: &[u8],
    flags: SlotFlags,
    stamp: Option<Stamp>,
    value: &[u8],
) -> Result<()> {
    let node = NodeRef::new(page);
    if node.free_bytes() < room_of(node, key.len(), value.len()) || !key.starts_with(node.prefix()) {
        return Err(bad(page, "no room for the record"));
    }
    NodeMut::new(page).insert(slot, key, value, flags, stamp);
    Ok(())
}

/// Inserts a record stamped by `xid`.
pub fn insert(page: &mut PageBuf, key: &[u8], flags: SlotFlags, xid: u64, value: &[u8]) -> Result<()> {
    let Found::Before(slot) = NodeRef::new(page).find(key) else {
        return Err(bad(page, "the key is there already"));
    };
    insert_at(page, slot, key, flags, stamp_of(xid), value)
}

/// The stamp redo gives: without an undo pointer; `xid` 0 means none.
pub fn stamp_of(xid: u64) -> Option<Stamp> {
    (xid != 0).then_some(Stamp { xid, undo: 0 })
}

/// Gives the record in a slot a new value, flags and stamp.
pub fn change_at(
    page: &mut PageBuf,
    slot: usize,
    flags: SlotFlags,
    stamp: Option<Stamp>,
    value: &[u8],
) -> Result<()> {
    let node = NodeRef::new(page);
    let old_len = node.value(slot).len();
    if node.free_bytes() + old_len < value.len() + 16 * usize::from(node.stamp(slot).is_none()) {
        return Err(bad(page, "no room for the new value"));
    }
    NodeMut::new(page).replace(slot, value, flags, stamp);
    Ok(())
}

/// Gives a record a new value and flags, stamped by `xid`.
pub fn change(page: &mut PageBuf, key: &[u8], flags: SlotFlags, xid: u64, delta: &Delta<'_>) -> Result<()> {
    let node = NodeRef::new(page);
    let Found::At(slot) = node.find(key) else { return Err(bad(page, "the changed key is missing")) };
    let value = delta.forward(node.value(slot)).ok_or_else(|| bad(page, "the old value differs"))?;
    change_at(page, slot, flags, stamp_of(xid), &value)
}

/// Inserts consecutive row ids with a common stamp.
pub fn insert_range(page: &mut PageBuf, first: u64, stamp: Option<Stamp>, rows: Rows<'_>) -> Result<()> {
    let Found::Before(start) = NodeRef::new(page).find(&first.to_be_bytes()) else {
        return Err(bad(page, "the key is there already"));
    };
    let mut slot = start;
    for (id, row) in (first..).zip(rows.iter()) {
        insert_at(page, slot, &id.to_be_bytes(), SlotFlags::default(), stamp, row)?;
        slot += 1;
    }
    let node = NodeRef::new(page);
    if slot < node.count() && node.suffix(slot) <= node.suffix(slot - 1) {
        return Err(bad(page, "row ids overlap"));
    }
    Ok(())
}

/// Room that records take.
pub fn room_of_many(node: NodeRef<'_>, entries: Entries<'_>) -> Result<usize> {
    let mut room = 0;
    entries.try_for_each(|key, value| {
        room += room_of(node, key.len(), value.len());
        Ok(())
    })?;
    Ok(room)
}

/// Inserts records stamped by `xid`.
pub fn insert_many(page: &mut PageBuf, xid: u64, entries: Entries<'_>) -> Result<()> {
    entries.try_for_each(|key, value| insert(page, key, SlotFlags::default(), xid, value))
}

/// Applies one page operation. [`Op::Free`] is the pool's business and does nothing here.
pub fn op(page: &mut PageBuf, id: PageId, op: &Op<'_>) -> Result<()> {
    match op {
        Op::Image(image) => {
            if !restore_image(page, image) {
                return Err(StoreError::corrupt(id, "the log holds a malformed image"));
            }
        }
        Op::Truncate { keep, upper } => NodeMut::new(page).truncate(*keep, upper),
        Op::Behead { drop, lower } => {
            if *drop > NodeRef::new(page).count() {
                return Err(bad(page, "it has not so many records"));
            }
            NodeMut::new(page).behead(*drop, lower);
        }
        Op::Receive { front, image } => {
            let mut taken: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
            if !restore_image(&mut taken, image) {
                return Err(StoreError::corrupt(id, "the log holds a malformed image"));
            }
            if !NodeMut::new(page).receive(NodeRef::new(&taken), *front) {
                return Err(bad(page, "no room for a neighbour's records"));
            }
        }
        Op::Separate { at, key } => {
            let node = NodeRef::new(page);
            if *at >= node.count() || !node.covers(key) {
                return Err(bad(page, "the separator is missing"));
            }
            let child = node.child(*at);
            let mut node = NodeMut::new(page);
            node.remove(*at);
            node.insert(*at, key, &child.0.to_le_bytes(), SlotFlags::default(), None);
        }
        Op::AddChild { key, left, right } => {
            let Found::Before(at) = NodeRef::new(page).find(key) else {
                return Err(bad(page, "the separator exists"));
            };
            let mut node = NodeMut::new(page);
            node.insert(at, key, &left.0.to_le_bytes(), SlotFlags::default(), None);
            node.set_child(at + 1, *right);
        }
        Op::DropChild { at, left } => {
            if *at >= NodeRef::new(page).count() {
                return Err(bad(page, "the separator is missing"));
            }
            let mut node = NodeMut::new(page);
            node.set_child(at + 1, *left);
            node.remove(*at);
        }
        Op::Prune { horizon } => NodeMut::new(page).prune(*horizon),
        Op::Free => {}
        Op::Remove { key } => {
            let Found::At(slot) = NodeRef::new(page).find(key) else {
                return Err(bad(page, "the undone key is missing"));
            };
            NodeMut::new(page).remove(slot);
        }
        Op::Set { key, flags, xid, value } => {
            let Found::At(slot) = NodeRef::new(page).find(key) else {
                return Err(bad(page, "the undone key is missing"));
            };
            NodeMut::new(page).replace(slot, value, *flags, stamp_of(*xid));
        }
        Op::RemoveRange { first, last, xid } => remove_range(page, *first, *last, *xid),
        Op::RemoveMany { keys, xid } => keys.try_for_each(|key, _| {
            let node = NodeRef::new(page);
            if let Found::At(slot) = node.find(key)
                && node.stamp(slot).is_some_and(|stamp| stamp.xid == *xid)
            {
                NodeMut::new(page).remove(slot);
            }
            Ok(())
        })?,
    }
    Ok(())
}

/// Removes the rows of `first..=last` that `xid` stamped.
fn remove_range(page: &mut PageBuf, first: u64, last: u64, xid: u64) {
    let mut node = NodeMut::new(page);
    let mut slot = node.get().find(&first.to_be_bytes()).slot();
    while slot < node.get().count() && node.get().key(slot).as_slice() <= &last.to_be_bytes()[..] {
        if node.get().stamp(slot).is_some_and(|stamp| stamp.xid == xid) {
            node.remove(slot);
        } else {
            slot += 1;
        }
    }
}
