//! Splits, merges, neighbours that share their records, and the root growing and shrinking.
//!
//! A full leaf first looks whether a neighbour under the same parent has room; it is split only when neither has. Inserted in
//! random order, records fill four fifths of the leaves so, instead of seven tenths (Bayer & McCreight 1972 name it, Knuth's B* trees
//! are built on it).

use super::{Tree, Trees};
use crate::buffer::PageWrite;
use crate::error::{Result, StoreError};
use crate::ids::PageId;
use crate::page::{HEADER_BYTES, MAX_KEY_BYTES, NodeMut, NodeRef, PageBuf, SlotFlags, image_into, page_kind};
use crate::recovery::record::{Op, Part};
use crate::store::PAGE_BYTES;
use crate::wal::Space;

/// Room an inner node keeps for the separator a split below it may bring.
const SEPARATOR_ROOM: usize = MAX_KEY_BYTES + 64;
/// A node using less than this looks for a neighbour to merge with.
const UNDERFULL: usize = (PAGE_BYTES - HEADER_BYTES) / 4;
/// A leaf with this much room takes records of a full neighbour.
const ROOMY: usize = (PAGE_BYTES - HEADER_BYTES) / 5;
/// A merged node may use this much, so that it does not split again at once.
const MERGED_MAX: usize = (PAGE_BYTES - HEADER_BYTES) * 4 / 5;

fn blank() -> Box<PageBuf> {
    Box::new([0; PAGE_BYTES])
}

fn image_of(page: &PageBuf) -> Vec<u8> {
    let mut out = Vec::new();
    image_into(page, &mut out);
    out
}

/// The two halves of a split, as pages: slots below `at` stay left.
struct Halves {
    separator: Vec<u8>,
    at: usize,
    right: Box<PageBuf>,
}

fn halve(node: NodeRef<'_>, key: &[u8], right_id: PageId) -> Result<Halves> {
    let mut at = node.split_slot(key);
    if node.is_leaf() && at == node.count() && at > 1 && node.free_bytes() < node.separator(at, key).len() {
        // All records stay left of an appended key, but the new upper fence has no room among them: the last one moves right.
        at -= 1;
    }
    if at == 0
        || (at == node.count() && node.find(key).slot() < at)
        || (!node.is_leaf() && at >= node.count())
    {
        return Err(StoreError::corrupt(node.id(), "the node is full and cannot be split"));
    }
    let separator = node.separator(at, key);
    let mut right = blank();
    // An inner node's separator moves up: its child becomes the left half's last.
    let from = if node.is_leaf() { at } else { at + 1 };
    let mut half =
        NodeMut::copy_range(&mut right, right_id, node, from..node.count(), &separator, node.upper_fence());
    if !node.is_leaf() {
        half.set_upper_child(node.child(node.count()));
    }
    Ok(Halves { separator, at, right })
}

impl Trees {
    /// Splits until the leaf covering `key` has `need` free bytes. Other threads may use them before the caller does.
    pub fn make_room(&self, tree: &Tree, key: &[u8], need: usize, space: Space) -> Result<()> {
        while self.split_once(tree, key, need, space)? {}
        Ok(())
    }

    /// Descends under exclusive latches and splits the first node on the way that is too full; false when none is.
    fn split_once(&self, tree: &Tree, key: &[u8], need: usize, space: Space) -> Result<bool> {
        let mut parent: Option<PageWrite<'_>> = None;
        let mut page = self.write_node(tree.root, tree, None)?;
        loop {
            let node = page.node();
            let room = if node.is_leaf() { need } else { SEPARATOR_ROOM };
            if node.free_bytes() < room {
                tree.saw_reshaping();
                match parent {
                    Some(mut parent) => {
                        if !(node.is_leaf() && self.share(tree, &mut parent, &mut page, key, need, space)?) {
                            self.split_child(parent, page, key, space)?;
                        }
                    }
                    None => self.grow_root(tree, page, key, space)?,
                }
                return Ok(true);
            }
            if node.is_leaf() {
                return Ok(false);
            }
            let (child, level) = (node.child_for(key), node.level() - 1);
            let next = self.write_node(child, tree, Some(level))?;
            parent = Some(page);
            page = next;
        }
    }

    /// Moves records of a full leaf to a neighbour that has room, so that the leaf covering `key` has `need` bytes free; false
    /// when there is no such neighbour. Only one that is in memory and not held by anybody is looked at.
    fn share<'p>(
        &'p self,
        tree: &Tree,
        parent: &mut PageWrite<'p>,
        leaf: &mut PageWrite<'p>,
        key: &[u8],
        need: usize,
        space: Space,
    ) -> Result<bool> {
        if leaf.node().continues_run(key) {
            return Ok(false);
        }
        let index = parent.node().child_index(key);
        let neighbour = |at: usize| {
            let page = self.pool.try_write(parent.node().child(at))?;
            let is_leaf = self.checked(page.node(), page_kind(page.bytes()), tree, Some(0)).is_ok();
            (is_leaf && page.node().free_bytes() >= ROOMY).then_some(page)
        };
        let right = if index < parent.node().count() { neighbour(index + 1) } else { None };
        let left = index.checked_sub(1).and_then(neighbour);
        let free = |page: &Option<PageWrite<'_>>| page.as_ref().map_or(0, |page| page.node().free_bytes());
        let to_right = free(&right) >= free(&left);
        let Some(mut other) = (if to_right { right } else { left }) else { return Ok(false) };
        let node = leaf.node();
        let Some(at) = share_at(node, other.node(), to_right, key, need) else { return Ok(false) };
        let separator = node.separator(at, key);
        let mut moved = blank();
        let (slots, lower, upper) = if to_right {
            (at..node.count(), &separator[..], node.upper_fence())
        } else {
            (0..at, node.lower_fence(), Some(&separator[..]))
        };
        NodeMut::copy_range(&mut moved, other.id(), node, slots, lower, upper);
        let joined = if to_right {
            NodeRef::new(&moved).joined_bytes(other.node())
        } else {
            other.node().joined_bytes(NodeRef::new(&moved))
        };
        let for_key = if (key < &separator[..]) == to_right { 0 } else { need };
        if joined + for_key > PAGE_BYTES - HEADER_BYTES {
            return Ok(false);
        }
        let image = image_of(&moved);
        let rest = if to_right {
            Op::Truncate { keep: at, upper: &separator }
        } else {
            Op::Behead { drop: at, lower: &separator }
        };
        let parts = vec![
            Part { page: leaf.id(), op: rest },
            Part { page: other.id(), op: Op::Receive { front: to_right, image: &image } },
            Part {
                page: parent.id(),
                op: Op::Separate { at: if to_right { index } else { index - 1 }, key: &separator },
            },
        ];
        self.structure(&mut [parent, leaf, &mut other], parts, space)?;
        Ok(true)
    }

    fn split_child<'p>(
        &'p self,
        mut parent: PageWrite<'p>,
        mut left: PageWrite<'p>,
        key: &[u8],
        space: Space,
    ) -> Result<()> {
        let right_id = self.store.allocate();
        let halves = halve(left.node(), key, right_id)?;
        let mut right = self.pool.create(right_id)?;
        let image = image_of(&halves.right);
        let parts = vec![
            Part { page: left.id(), op: Op::Truncate { keep: halves.at, upper: &halves.separator } },
            Part { page: right_id, op: Op::Image(&image) },
            Part {
                page: parent.id(),
                op: Op::AddChild { key: &halves.separator, left: left.id(), right: right_id },
            },
        ];
        match self.structure(&mut [&mut parent, &mut left, &mut right], parts, space) {
            Ok(_) => Ok(()),
            Err(e) => {
                self.pool.abandon(right);
                Err(e)
            }
        }
    }

    /// Splits the root by pushing its content down into two new children.
    fn grow_root<'p>(&'p self, tree: &Tree, mut root: PageWrite<'p>, key: &[u8], space: Space) -> Result<()> {
        let (left_id, right_id) = (self.store.allocate(), self.store.allocate());
        let node = root.node();
        let halves = halve(node, key, right_id)?;
        let mut left_half = blank();
        let mut half = NodeMut::copy_range(
            &mut left_half,
            left_id,
            node,
            0..halves.at,
            node.lower_fence(),
            Some(&halves.separator),
        );
        if !node.is_leaf() {
            half.set_upper_child(node.child(halves.at));
        }
        let mut new_root = blank();
        let mut top = NodeMut::init(&mut new_root, root.id(), tree.id.0, node.level() + 1, &[], None);
        top.insert(0, &halves.separator, &left_id.0.to_le_bytes(), SlotFlags::default(), None);
        top.set_upper_child(right_id);
        let (root_image, left_image, right_image) =
            (image_of(&new_root), image_of(&left_half), image_of(&halves.right));
        let parts = vec![
            Part { page: root.id(), op: Op::Image(&root_image) },
            Part { page: left_id, op: Op::Image(&left_image) },
            Part { page: right_id, op: Op::Image(&right_image) },
        ];
        let mut left = self.pool.create(left_id)?;
        let mut right = match self.pool.create(right_id) {
            Ok(right) => right,
            Err(e) => {
                self.pool.abandon(left);
                return Err(e);
            }
        };
        match self.structure(&mut [&mut root, &mut left, &mut right], parts, space) {
            Ok(_) => {
                tree.saw_height(root.node().level());
                Ok(())
            }
            Err(e) => {
                self.pool.abandon(left);
                self.pool.abandon(right);
                Err(e)
            }
        }
    }

    /// Merges the leaf covering `key` with a neighbour when both are small, and so on upwards. Returns the pages freed.
    pub fn merge_at(&self, tree: &Tree, key: &[u8]) -> Result<usize> {
        let mut freed = 0;
        let mut level = 0;
        loop {
            match self.merge_level(tree, key, level)? {
                Merge::Done => {
                    tree.saw_reshaping();
                    freed += 1;
                }
                Merge::OnlyChild => {}
                Merge::Nothing => break,
            }
            level += 1;
        }
        while self.shrink_root(tree)? {
            freed += 1;
        }
        Ok(freed)
    }

    fn merge_level(&self, tree: &Tree, key: &[u8], level: u8) -> Result<Merge> {
        let mut parent = self.write_node(tree.root, tree, None)?;
        if parent.node().level() <= level {
            return Ok(Merge::Nothing);
        }
        while parent.node().level() > level + 1 {
            let (child, below) = (parent.node().child_for(key), parent.node().level() - 1);
            parent = self.write_node(child, tree, Some(below))?;
        }
        let node = parent.node();
        if node.count() == 0 {
            return Ok(Merge::OnlyChild);
        }
        let index = node.child_index(key);
        if self
            .read_node(node.child(index), tree, Some(level), crate::buffer::Access::Normal)?
            .node()
            .used_bytes()
            >= UNDERFULL
        {
            return Ok(Merge::Nothing);
        }
        let at = index.saturating_sub(1);
        // Under the parent's exclusive latch nobody else can hold one of the two and want the other.
        let mut left = self.write_node(node.child(at), tree, Some(level))?;
        let mut right = self.write_node(node.child(at + 1), tree, Some(level))?;
        let Some(merged) = merged(left.node(), right.node()) else { return Ok(Merge::Nothing) };
        let image = image_of(&merged);
        let parts = vec![
            Part { page: left.id(), op: Op::Image(&image) },
            Part { page: parent.id(), op: Op::DropChild { at, left: left.id() } },
            Part { page: right.id(), op: Op::Free },
        ];
        self.structure(&mut [&mut parent, &mut left, &mut right], parts, Space::Normal { also_reserve: 0 })?;
        self.pool.free(right);
        Ok(Merge::Done)
    }

    /// Pulls the root's only child up into it.
    fn shrink_root(&self, tree: &Tree) -> Result<bool> {
        let mut root = self.write_node(tree.root, tree, None)?;
        let node = root.node();
        if node.is_leaf() || node.count() > 0 {
            return Ok(false);
        }
        let mut child = self.write_node(node.child(0), tree, Some(node.level() - 1))?;
        let from = child.node();
        let mut page = blank();
        let mut top = NodeMut::copy_range(&mut page, root.id(), from, 0..from.count(), &[], None);
        if !from.is_leaf() {
            top.set_upper_child(from.child(from.count()));
        }
        let image = image_of(&page);
        let parts =
            vec![Part { page: root.id(), op: Op::Image(&image) }, Part { page: child.id(), op: Op::Free }];
        self.structure(&mut [&mut root, &mut child], parts, Space::Normal { also_reserve: 0 })?;
        self.pool.free(child);
        tree.saw_height(root.node().level());
        Ok(true)
    }
}

/// The slot of a full leaf before which its records and those of a neighbour are to be divided, so that both use about as much.
/// `None` when that leaves less than `need` for `key`.
fn share_at(node: NodeRef<'_>, other: NodeRef<'_>, to_right: bool, key: &[u8], need: usize) -> Option<usize> {
    let mut excess = node.used_bytes().checked_sub(other.used_bytes())? / 2;
    let count = node.count();
    let mut moved = 0;
    while moved + 1 < count {
        let bytes = node.slot_bytes(if to_right { count - 1 - moved } else { moved });
        if bytes > excess {
            break;
        }
        excess -= bytes;
        moved += 1;
    }
    let at = if to_right { count - moved } else { moved };
    let gone: usize = if to_right { at..count } else { 0..at }.map(|i| node.slot_bytes(i)).sum();
    let separator = node.separator(at, key);
    // The new fence is at most as long as the separator, and only the leaf that covers the key needs room for it.
    let stays = (key < &separator[..]) == to_right;
    let room = node.free_bytes() + gone;
    (moved > 0 && room >= separator.len() + if stays { need } else { 0 }).then_some(at)
}

enum Merge {
    Done,
    OnlyChild,
    Nothing,
}

/// Both nodes in one page, when they fit well.
fn merged(left: NodeRef<'_>, right: NodeRef<'_>) -> Option<Box<PageBuf>> {
    let separator = right.lower_fence();
    // Worst case: the common prefix is lost for every key.
    let longer = left.count() * left.prefix().len() + right.count() * right.prefix().len();
    let mut bytes = left.used_bytes() + right.used_bytes() + longer;
    if !left.is_leaf() {
        bytes += separator.len() + 20;
    }
    if bytes > MERGED_MAX {
        return None;
    }
    let mut page = blank();
    let mut node = NodeMut::copy_range(
        &mut page,
        left.id(),
        left,
        0..left.count(),
        left.lower_fence(),
        right.upper_fence(),
    );
    if !left.is_leaf() {
        let last = left.child(left.count());
        node.insert(left.count(), separator, &last.0.to_le_bytes(), SlotFlags::default(), None);
        node.set_upper_child(right.child(right.count()));
    }
    node.append_range(right, 0..right.count());
    Some(page)
}
