//! Building a tree bottom-up from sorted records.
//!
//! Leaves are filled to nine tenths from left to right; a full node's upper fence becomes a separator one level up. Every
//! finished page is logged as [`Record::NewPage`] of the building transaction, so that a crash or rollback frees it; the
//! last record, [`Record::LinkBulk`], gives the (empty) root its content and takes the pages over into the tree: from then
//! on they are freed with the tree, not one by one.

use super::{Encoded, Tree, Trees, check_key, is_large};
use crate::buffer::log;
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId};
use crate::page::{
    HEADER_BYTES, MAX_KEY_BYTES, NodeMut, NodeRef, PageBuf, SlotFlags, image_into, record_bytes,
};
use crate::recovery::record::{Op, Part, Record};
use crate::store::PAGE_BYTES;
use crate::wal::Space;
use std::sync::Arc;

/// Free bytes left in a bulk-built leaf.
const SPARE: usize = (PAGE_BYTES - HEADER_BYTES) / 10;

/// One level's unfinished node.
struct Level {
    page: Box<PageBuf>,
    id: PageId,
    /// Inner nodes: the child right of all separators so far.
    last_child: PageId,
}

/// A tree under construction.
pub struct BulkBuilder<'t> {
    trees: &'t Trees,
    tree: Arc<Tree>,
    xid: u64,
    levels: Vec<Level>,
    last_key: Vec<u8>,
    /// Called with every logged page: (page, record position).
    on_page: Box<dyn FnMut(PageId, Lsn) + 't>,
    records: u64,
}

impl<'t> BulkBuilder<'t> {
    /// Begins to fill `tree`, which is empty and belongs to the transaction `xid`.
    pub fn new(
        trees: &'t Trees,
        tree: Arc<Tree>,
        xid: u64,
        on_page: Box<dyn FnMut(PageId, Lsn) + 't>,
    ) -> BulkBuilder<'t> {
        let mut builder =
            BulkBuilder { trees, tree, xid, levels: Vec::new(), last_key: Vec::new(), on_page, records: 0 };
        builder.open_level(&[]);
        builder
    }

    fn open_level(&mut self, lower: &[u8]) {
        let level = self.levels.len();
        let id = self.trees.store.allocate();
        let mut page = Box::new([0; PAGE_BYTES]);
        NodeMut::init(&mut page, id, self.tree.id.0, level as u8, lower, None);
        self.levels.push(Level { page, id, last_child: PageId::NONE });
    }

    /// Appends a record; keys come in strictly ascending order.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        check_key(key)?;
        if is_large(key.len(), value.len()) {
            return Err(StoreError::TooLarge {
                what: "a bulk-loaded value",
                bytes: value.len() as u64,
                limit: 3900,
            });
        }
        if self.records > 0 && key <= self.last_key.as_slice() {
            return Err(StoreError::Duplicate { tree: self.tree.id });
        }
        let node = NodeRef::new(&self.levels[0].page);
        // A finished leaf gets an upper fence, at most a key long.
        let need = record_bytes(key.len(), value.len()) + key.len() + 1;
        if node.count() > 0 && node.free_bytes() < need + SPARE {
            let separator = node.separator(node.count(), key);
            self.finish_node(0, &separator)?;
        }
        let mut node = NodeMut::new(&mut self.levels[0].page);
        let at = node.get().count();
        node.insert(at, key, value, SlotFlags::default(), None);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.records += 1;
        Ok(())
    }

    /// Closes the open node of a level at `separator` and opens its right neighbour.
    fn finish_node(&mut self, level: usize, separator: &[u8]) -> Result<()> {
        if self.levels.len() == level + 1 {
            self.open_level(&[]);
        }
        let next_id = self.trees.store.allocate();
        let mut next = Box::new([0; PAGE_BYTES]);
        NodeMut::init(&mut next, next_id, self.tree.id.0, level as u8, separator, None);
        let done = std::mem::replace(
            &mut self.levels[level],
            Level { page: next, id: next_id, last_child: PageId::NONE },
        );
        let child = done.id;
        self.write_page(done, Some(separator))?;
        self.add_child(level + 1, child, separator)
    }

    /// Adds `child` with the separator above it to an inner level.
    fn add_child(&mut self, level: usize, child: PageId, separator: &[u8]) -> Result<()> {
        let node = NodeRef::new(&self.levels[level].page);
        if node.count() > 1 && node.free_bytes() < MAX_KEY_BYTES + separator.len() + 64 {
            // The child becomes the last of the finished node, and its separator the fence between the two.
            self.levels[level].last_child = child;
            return self.finish_node(level, separator);
        }
        let mut node = NodeMut::new(&mut self.levels[level].page);
        let at = node.get().count();
        node.insert(at, separator, &child.0.to_le_bytes(), SlotFlags::default(), None);
        Ok(())
    }

    /// Logs a finished page and puts it in the pool.
    fn write_page(&mut self, mut level: Level, upper: Option<&[u8]>) -> Result<()> {
        let id = level.id;
        let last_child = level.last_child;
        let mut node = NodeMut::new(&mut level.page);
        if !node.get().is_leaf() {
            node.set_upper_child(last_child);
        }
        if let Some(upper) = upper {
            let count = node.get().count();
            node.truncate(count, upper);
        }
        let mut image = Vec::with_capacity(PAGE_BYTES);
        image_into(&level.page, &mut image);
        let mut page = self.trees.pool.create(id)?;
        let record = Record::NewPage { xid: self.xid, page: id, image: &image };
        let space = Space::Normal { also_reserve: 0 };
        let logged = match log(&self.trees.wal, &mut [&mut page], &[&Encoded::new(&record)], space) {
            Ok(logged) => logged,
            Err(e) => {
                self.trees.pool.abandon(page);
                return Err(e);
            }
        };
        let end = logged.end();
        let bytes = page.edit(&logged);
        bytes.copy_from_slice(&level.page[..]);
        crate::page::set_page_lsn(bytes, end);
        (self.on_page)(id, logged.start());
        Ok(())
    }

    /// Writes the right edge and gives the root its content; returns how many records the tree holds. `back_to` is the
    /// position of the first record of the build.
    pub fn finish(mut self, back_to: impl FnOnce() -> Lsn) -> Result<u64> {
        // Right edge, bottom up: each open node is the last child of the open node above it.
        let mut levels = std::mem::take(&mut self.levels);
        let mut top = levels.pop().expect("the leaf level is open");
        let mut child = PageId::NONE;
        for mut level in levels {
            let id = level.id;
            if !child.is_none() {
                level.last_child = child;
            }
            self.write_page(level, None)?;
            child = id;
        }
        if !child.is_none() {
            top.last_child = child;
            NodeMut::new(&mut top.page).set_upper_child(child);
        }
        // The top node's content goes to the root page; its own id is not used.
        let mut content = Box::new([0; PAGE_BYTES]);
        let from = NodeRef::new(&top.page);
        let mut root_node =
            NodeMut::copy_range(&mut content, self.tree.root, from, 0..from.count(), &[], None);
        if !from.is_leaf() {
            root_node.set_upper_child(child);
        }
        let mut image = Vec::new();
        image_into(&content, &mut image);
        let mut root = self.trees.write_node(self.tree.root, &self.tree, None)?;
        if !root.node().is_leaf() || root.node().count() > 0 {
            return Err(StoreError::corrupt(self.tree.root, "a tree to be built is not empty"));
        }
        let parts = vec![Part { page: self.tree.root, op: Op::Image(&image) }];
        let record = Record::LinkBulk { xid: self.xid, back_to: back_to(), parts };
        self.trees.logged_parts(&mut [&mut root], record, Space::Normal { also_reserve: 0 })?;
        self.tree.saw_height(root.node().level());
        *self.tree.figures.lock() = None;
        self.trees.store.free(top.id);
        Ok(self.records)
    }
}
