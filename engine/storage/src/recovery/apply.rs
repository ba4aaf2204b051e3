//! Applying log records to pages: the one code that changes pages, at run time and in redo.

use super::record::{Delta, Op, Rows};
use crate::error::{Result, StoreError};
use crate::ids::PageId;
use crate::page::{Found, NodeMut, NodeRef, PageBuf, SlotFlags, Stamp, record_bytes, restore_image};

fn bad(page: &PageBuf, what: &str) -> StoreError {
    StoreError::corrupt(NodeRef::new(page).id(), format!("the log does not fit the page: {what}"))
}

/// Inserts a record stamped by `xid`; returns its slot.
pub fn insert(page: &mut PageBuf, key: &[u8], flags: SlotFlags, xid: u64, value: &[u8]) -> Result<usize> {
    let node = NodeRef::new(page);
    let Found::Before(slot) = node.find(key) else { return Err(bad(page, "the key is there already")) };
    if node.free_bytes() < record_bytes(key.len(), value.len()) - node.prefix().len()
        || !key.starts_with(node.prefix())
    {
        return Err(bad(page, "no room for the record"));
    }
    NodeMut::new(page).insert(slot, key, value, flags, stamp_of(xid));
    Ok(slot)
}

fn stamp_of(xid: u64) -> Option<Stamp> {
    (xid != 0).then_some(Stamp { xid, undo: 0 })
}

/// Gives a record a new value and flags, stamped by `xid`; returns its slot.
pub fn change(
    page: &mut PageBuf,
    key: &[u8],
    flags: SlotFlags,
    xid: u64,
    delta: &Delta<'_>,
) -> Result<usize> {
    let node = NodeRef::new(page);
    let Found::At(slot) = node.find(key) else { return Err(bad(page, "the changed key is missing")) };
    let old_len = node.value(slot).len();
    let new_len = delta.prefix + delta.new.len() + delta.suffix;
    if node.free_bytes() + old_len < new_len + 16 * usize::from(node.stamp(slot).is_none()) {
        return Err(bad(page, "no room for the new value"));
    }
    let value = delta.forward(node.value(slot)).ok_or_else(|| bad(page, "the old value differs"))?;
    NodeMut::new(page).replace(slot, &value, flags, stamp_of(xid));
    Ok(slot)
}

/// Inserts consecutive row ids stamped by `xid`; returns the first slot.
pub fn insert_range(page: &mut PageBuf, first: u64, xid: u64, rows: Rows<'_>) -> Result<usize> {
    let mut start = None;
    for (id, row) in (first..).zip(rows.iter()) {
        let slot = insert(page, &id.to_be_bytes(), SlotFlags::default(), xid, row)?;
        start.get_or_insert(slot);
    }
    start.ok_or_else(|| bad(page, "an empty range"))
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
