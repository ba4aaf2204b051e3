//! Cleaning: ghosts, stamps, dropped trees, superseded large values, ended transactions.
//!
//! There is no vacuum: writers prune the leaf they need room in, and what they, scans and ends of transactions notice is
//! queued here for [`Core::clean_step`], a step at a time. The queue is a hint. What it forgets is noticed again, except
//! dropped trees and garbage, which the directory and the garbage tree remember.

use crate::btree::{DIRECTORY, FIRST_TREE, GARBAGE, Tree};
use crate::buffer::{Access, PageWrite};
use crate::core::Core;
use crate::error::Result;
use crate::ids::{PageId, TreeId};
use crate::page::{
    Found, LargeRef, NodeMut, PageBuf, PageKind, SlotFlags, chunk_next, image_into, page_kind, tree_of,
};
use crate::recovery::record::{Op, Part};
use crate::store::PAGE_BYTES;
use crate::wal::{Next, Space};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const LEAVES_MAX: usize = 4096;
/// Chunks of a large value freed by one record.
const CHUNKS_PER_RECORD: usize = 16;

const NORMAL: Space = Space::Normal { also_reserve: 0 };

/// What awaits cleaning.
#[derive(Default)]
pub struct CleanQueue {
    leaves: Mutex<VecDeque<(TreeId, Vec<u8>)>>,
    trees: Mutex<VecDeque<(u64, TreeId)>>,
    garbage: AtomicBool,
    ghosts: AtomicUsize,
}

impl CleanQueue {
    /// A leaf has ghosts that nobody sees.
    pub fn leaf(&self, tree: TreeId, key: &[u8]) {
        let mut leaves = self.leaves.lock();
        if leaves.len() < LEAVES_MAX && leaves.back().is_none_or(|(t, k)| *t != tree || k.as_slice() != key) {
            leaves.push_back((tree, key.to_vec()));
        }
    }

    /// A record became a ghost. Every few are worth a look.
    pub fn ghost(&self, tree: TreeId, key: &[u8]) {
        if self.ghosts.fetch_add(1, Ordering::Relaxed) % 32 == 31 {
            self.leaf(tree, key);
        }
    }

    /// `xid` dropped a tree (0: it was never committed).
    pub fn dropped(&self, xid: u64, tree: TreeId) {
        self.trees.lock().push_back((xid, tree));
    }

    /// There is something in the garbage tree.
    pub fn garbage(&self) {
        self.garbage.store(true, Ordering::SeqCst);
    }
}

impl Core {
    /// Does a little cleaning.
    pub fn clean_step(&self) -> Result<Next> {
        self.usable()?;
        let horizon = self.transactions.advance_horizon();
        self.trees.pool.set_horizon(horizon);
        let mut busy = self.transactions.forget_ended(1024) > 0;
        self.validation.forget_below(horizon);
        for _ in 0..16 {
            let Some((tree, key)) = self.clean.leaves.lock().pop_front() else { break };
            if tree != DIRECTORY
                && tree != GARBAGE
                && let Ok(tree) = self.trees.tree(tree)
            {
                self.clean_leaf(&tree, &key, horizon)?;
                busy = true;
            }
        }
        let dropped = {
            let mut trees = self.clean.trees.lock();
            let ready = trees.iter().position(|&(xid, _)| xid < horizon);
            ready.and_then(|at| trees.remove(at))
        };
        if let Some((xid, tree)) = dropped {
            if let Err(e) = self.free_tree(tree, horizon) {
                self.clean.trees.lock().push_back((xid, tree));
                return Err(e);
            }
            busy = true;
        }
        if self.clean.garbage.load(Ordering::SeqCst) {
            busy |= self.free_garbage(horizon)?;
        }
        Ok(if busy { Next::Again } else { Next::Idle })
    }

    /// Prunes a leaf, and merges it when little is left.
    fn clean_leaf(&self, tree: &Tree, key: &[u8], horizon: u64) -> Result<()> {
        let mut leaf = self.trees.leaf_write(tree, key)?;
        if leaf.node().prunable(horizon) {
            let parts = vec![Part { page: leaf.id(), op: Op::Prune { horizon } }];
            self.trees.structure(&mut [&mut leaf], parts, NORMAL)?;
        }
        let small = leaf.node().used_bytes() < PAGE_BYTES / 4;
        drop(leaf);
        if small {
            self.trees.merge_at(tree, key)?;
        }
        Ok(())
    }

    /// Queues the trees that the directory lists as dropped, and looks for garbage: after opening.
    pub(crate) fn queue_leftovers(&self) -> Result<()> {
        let directory = self.trees.tree(DIRECTORY)?;
        let mut key = Vec::new();
        loop {
            let leaf = self.trees.leaf_read(&directory, &key, Access::Normal)?;
            let node = leaf.node();
            for slot in 0..node.count() {
                if node.flags(slot).has(SlotFlags::DELETED)
                    && let Ok(raw) = node.key(slot).try_into()
                {
                    self.clean.dropped(0, TreeId(u32::from_be_bytes(raw)));
                }
            }
            match node.upper_fence() {
                Some(fence) => key = fence.to_vec(),
                None => break,
            }
        }
        self.clean.garbage();
        Ok(())
    }

    /// Frees the pages of a dropped tree, bottom-up, and its directory entry last. Every record leaves a tree that the
    /// next attempt can walk.
    fn free_tree(&self, id: TreeId, horizon: u64) -> Result<()> {
        let directory = self.trees.tree(DIRECTORY)?;
        let key = id.0.to_be_bytes();
        let root = {
            let leaf = self.trees.leaf_read(&directory, &key, Access::Normal)?;
            let node = leaf.node();
            let Found::At(slot) = node.find(&key) else { return Ok(()) };
            let dead = node.flags(slot).has(SlotFlags::DELETED)
                && node.stamp(slot).is_none_or(|stamp| stamp.xid < horizon);
            if id < FIRST_TREE || !dead {
                return Ok(());
            }
            crate::btree::root_of(node.value(slot))
        };
        self.trees.forget(id);
        if let Some(root) = root
            && let Some(page) = self.trees.pool.write_if_present(root)?
            && self.is_node_of(&page, id)
        {
            self.empty_subtree(page, id)?;
            let mut page = self.trees.pool.write(root)?;
            let mut leaf = self.trees.leaf_write(&directory, &key)?;
            let parts = vec![
                Part { page: root, op: Op::Free },
                Part { page: leaf.id(), op: Op::Remove { key: &key } },
            ];
            self.trees.structure(&mut [&mut page, &mut leaf], parts, NORMAL)?;
            self.trees.pool.free(page);
            return Ok(());
        }
        let mut leaf = self.trees.leaf_write(&directory, &key)?;
        let parts = vec![Part { page: leaf.id(), op: Op::Remove { key: &key } }];
        self.trees.structure(&mut [&mut leaf], parts, NORMAL)?;
        Ok(())
    }

    fn is_node_of(&self, page: &PageWrite<'_>, tree: TreeId) -> bool {
        page_kind(page.bytes()) == PageKind::Node && tree_of(page.bytes()) == tree.0
    }

    /// Frees everything below a node of a dropped tree; the node itself stays, empty.
    fn empty_subtree<'p>(&'p self, mut page: PageWrite<'p>, tree: TreeId) -> Result<()> {
        if page.node().is_leaf() {
            return self.free_large_of(page, tree);
        }
        let node = page.node();
        let children: Vec<PageId> =
            (0..=node.count()).map(|i| node.child(i)).filter(|child| !child.is_none()).collect();
        for &child in &children {
            if let Some(below) = self.trees.pool.write_if_present(child)?
                && self.is_node_of(&below, tree)
            {
                self.empty_subtree(below, tree)?;
            }
        }
        // One record takes the children away from the node and frees them.
        let id = page.id();
        let mut empty: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
        NodeMut::init(
            &mut empty,
            id,
            tree.0,
            page.node().level(),
            page.node().lower_fence(),
            page.node().upper_fence(),
        );
        let mut image = Vec::new();
        image_into(&empty, &mut image);
        let mut freed = Vec::new();
        for &child in &children {
            if let Some(below) = self.trees.pool.write_if_present(child)?
                && self.is_node_of(&below, tree)
            {
                freed.push(below);
                if freed.len() == 16 {
                    // The pool is small: children go in groups, the node keeps the rest.
                    self.free_children(&mut page, &mut freed)?;
                }
            }
        }
        let mut parts = vec![Part { page: id, op: Op::Image(&image) }];
        parts.extend(freed.iter().map(|page| Part { page: page.id(), op: Op::Free }));
        let mut pages: Vec<&mut PageWrite<'_>> = vec![&mut page];
        pages.extend(freed.iter_mut());
        self.trees.structure(&mut pages, parts, NORMAL)?;
        freed.into_iter().for_each(|page| self.trees.pool.free(page));
        Ok(())
    }

    /// Frees a group of emptied children; the node forgets them in the same record.
    fn free_children<'p>(&'p self, page: &mut PageWrite<'p>, freed: &mut Vec<PageWrite<'p>>) -> Result<()> {
        let mut copy: Box<PageBuf> = Box::new(*page.bytes());
        let mut node = NodeMut::new(&mut copy);
        for i in 0..=node.get().count() {
            if freed.iter().any(|gone| gone.id() == node.get().child(i)) {
                node.set_child(i, PageId::NONE);
            }
        }
        let mut image = Vec::new();
        image_into(&copy, &mut image);
        let mut parts = vec![Part { page: page.id(), op: Op::Image(&image) }];
        parts.extend(freed.iter().map(|page| Part { page: page.id(), op: Op::Free }));
        let mut pages: Vec<&mut PageWrite<'_>> = vec![page];
        pages.extend(freed.iter_mut());
        self.trees.structure(&mut pages, parts, NORMAL)?;
        freed.drain(..).for_each(|page| self.trees.pool.free(page));
        Ok(())
    }

    /// Frees the large values a leaf of a dropped tree refers to. Those of ghosts are in the garbage tree.
    fn free_large_of<'p>(&'p self, mut leaf: PageWrite<'p>, tree: TreeId) -> Result<()> {
        loop {
            let node = leaf.node();
            let live = |&slot: &usize| {
                node.flags(slot).has(SlotFlags::LARGE) && !node.flags(slot).has(SlotFlags::DELETED)
            };
            let Some(slot) = (0..node.count()).find(live) else { return Ok(()) };
            let key = node.key(slot);
            let large = LargeRef::decode(node.value(slot));
            let (mut chunks, rest) = self.latch_chunks(large, tree)?;
            let rest = rest.map(LargeRef::encode);
            let op = match &rest {
                Some(rest) => Op::Set { key: &key, flags: SlotFlags::LARGE, xid: 0, value: rest },
                None => Op::Remove { key: &key },
            };
            let mut parts = vec![Part { page: leaf.id(), op }];
            parts.extend(chunks.iter().map(|page| Part { page: page.id(), op: Op::Free }));
            let mut pages: Vec<&mut PageWrite<'_>> = vec![&mut leaf];
            pages.extend(chunks.iter_mut());
            self.trees.structure(&mut pages, parts, NORMAL)?;
            chunks.into_iter().for_each(|page| self.trees.pool.free(page));
        }
    }

    /// Latches the first chunks of a large value, and says where the rest begins.
    fn latch_chunks(
        &self,
        large: Option<LargeRef>,
        tree: TreeId,
    ) -> Result<(Vec<PageWrite<'_>>, Option<LargeRef>)> {
        let mut chunks = Vec::new();
        let Some(large) = large else { return Ok((chunks, None)) };
        let mut at = large.first;
        while !at.is_none() && chunks.len() < CHUNKS_PER_RECORD {
            let Some(page) = self.trees.pool.write_if_present(at)? else { return Ok((chunks, None)) };
            if page_kind(page.bytes()) != PageKind::Overflow || tree_of(page.bytes()) != tree.0 {
                return Ok((chunks, None));
            }
            at = chunk_next(page.bytes());
            chunks.push(page);
        }
        let rest = (!at.is_none()).then_some(LargeRef { len: large.len, first: at });
        Ok((chunks, rest))
    }

    /// Frees one group of chunks of a superseded large value that no snapshot needs; false when there is none.
    fn free_garbage(&self, horizon: u64) -> Result<bool> {
        let tree = self.trees.tree(GARBAGE)?;
        let mut leaf = self.trees.leaf_write(&tree, &[])?;
        loop {
            let node = leaf.node();
            if node.count() > 0 {
                break;
            }
            match node.upper_fence().map(<[u8]>::to_vec) {
                None => {
                    self.clean.garbage.store(false, Ordering::SeqCst);
                    drop(leaf);
                    self.trees.merge_at(&tree, &[])?;
                    return Ok(false);
                }
                Some(fence) => {
                    drop(leaf);
                    self.trees.merge_at(&tree, &[])?;
                    leaf = self.trees.leaf_write(&tree, &fence)?;
                }
            }
        }
        let node = leaf.node();
        let key = node.key(0);
        let dead = node.stamp(0).is_none_or(|stamp| stamp.xid < horizon);
        if !dead {
            return Ok(false);
        }
        let large = LargeRef::decode(node.value(0));
        let owner = match large {
            Some(large) => {
                self.trees.pool.write_if_present(large.first)?.map(|page| TreeId(tree_of(page.bytes())))
            }
            None => None,
        };
        let (mut chunks, rest) = match owner {
            Some(owner) => self.latch_chunks(large, owner)?,
            None => (Vec::new(), None),
        };
        let rest = rest.map(LargeRef::encode);
        let op = match &rest {
            Some(rest) => Op::Set { key: &key, flags: SlotFlags::default(), xid: 0, value: rest },
            None => Op::Remove { key: &key },
        };
        let mut parts = vec![Part { page: leaf.id(), op }];
        parts.extend(chunks.iter().map(|page| Part { page: page.id(), op: Op::Free }));
        let mut pages: Vec<&mut PageWrite<'_>> = vec![&mut leaf];
        pages.extend(chunks.iter_mut());
        self.trees.structure(&mut pages, parts, NORMAL)?;
        chunks.into_iter().for_each(|page| self.trees.pool.free(page));
        Ok(true)
    }
}
