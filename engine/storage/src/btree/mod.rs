//! B+ trees over the buffer pool, and the directory that finds their roots.
//!
//! ```text
//!              root (never moves)
//!             /    |     \            inner nodes: separators, children
//!         leaf   leaf    leaf         lower fence <= keys < upper fence
//! ```
//!
//! Rules:
//! 1. A descent holds at most a node and its child. Readers latch shared all the way, writers the leaf exclusively.
//! 2. There are no links between siblings: who wants the neighbour descends again with the fence.
//! 3. A change of structure (split, merge, growth or shrinking of the root) is *one* log record, made under exclusive
//!    latches of every page it touches. It belongs to no transaction and is never undone.
//! 4. Splits are made ready from above: on the way down every inner node without room for one more separator is split, so
//!    a split never travels upwards.
//! 5. The root's page id is fixed for the tree's life: growing pushes its content down, shrinking pulls it up.
//!
//! Latch coupling after Bayer & Schkolnick 1977, splits on the way down after Mohan & Levine 1992 in spirit; after
//! Graefe's "A Survey of B-Tree Locking Techniques" (2010), structure changes are system transactions.

mod bulk;
mod structure;
mod verify;

pub use bulk::BulkBuilder;
pub use verify::TreeStats;

use crate::buffer::{Access, BufferPool, Logged, PageRead, PageWrite, log};
use crate::error::{Result, StoreError};
use crate::ids::{PageId, TreeId};
use crate::page::{Found, MAX_INLINE_BYTES, MAX_KEY_BYTES, NodeRef, PageKind, SlotFlags, page_kind};
use crate::recovery::apply;
use crate::recovery::record::{Op, Part, Record};
use crate::store::PageStore;
use crate::wal::{Space, Wal};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// The tree that maps tree ids to root pages.
pub const DIRECTORY: TreeId = TreeId(0);
/// The tree of large values whose pages await freeing: writer xid, sequence number -> [`crate::page::LargeRef`].
pub const GARBAGE: TreeId = TreeId(1);
/// The first id given to a user's tree.
pub const FIRST_TREE: TreeId = TreeId(16);

/// What is kept in memory of a tree.
#[derive(Debug)]
pub struct Tree {
    /// The tree's id.
    pub id: TreeId,
    /// Its root page.
    pub root: PageId,
    /// Level of the root when last seen.
    height: AtomicU8,
    /// The next row id to hand out; 0: not yet known.
    pub(crate) next_row: AtomicU64,
    /// Splits, merges and builds since it was opened.
    reshaped: AtomicU64,
    /// Its figures as they were at that count.
    figures: Mutex<Option<(u64, TreeStats)>>,
}

/// A tree of fewer pages is looked at anew for its figures.
const SMALL_PAGES: u64 = 16;

impl Tree {
    /// A tree with this root.
    pub fn new(id: TreeId, root: PageId) -> Tree {
        Tree {
            id,
            root,
            height: AtomicU8::new(0),
            next_row: AtomicU64::new(0),
            reshaped: AtomicU64::new(0),
            figures: Mutex::new(None),
        }
    }

    fn saw_reshaping(&self) {
        self.reshaped.fetch_add(1, Ordering::Relaxed);
    }

    /// Level of the root when last seen.
    pub fn height(&self) -> u8 {
        self.height.load(Ordering::Relaxed)
    }

    fn saw_height(&self, level: u8) {
        if self.height.load(Ordering::Relaxed) != level {
            self.height.store(level, Ordering::Relaxed);
        }
    }
}

/// Where the last search of a tree ended: a search for a key nearby need not begin at the root.
///
/// It names pages and holds nothing. They may have become anything since: see [`Trees::leaf_read_near`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Finger {
    leaf: PageId,
    parent: PageId,
    /// The last search ended in another leaf than the one before.
    moved: bool,
}

/// All trees of a store: pool, log, and roots.
pub struct Trees {
    /// The buffer pool.
    pub pool: BufferPool,
    /// The log.
    pub wal: Arc<Wal>,
    /// The page store.
    pub store: Arc<PageStore>,
    roots: RwLock<HashMap<TreeId, Arc<Tree>, foldhash::fast::FixedState>>,
    next_tree: AtomicU32,
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A record in its bytes, in the thread's scratch.
pub struct Encoded(Vec<u8>);

impl Encoded {
    /// Encodes a record.
    pub fn new(record: &Record<'_>) -> Encoded {
        let mut scratch = SCRATCH.with(RefCell::take);
        scratch.clear();
        record.encode(&mut scratch);
        Encoded(scratch)
    }
}

impl std::ops::Deref for Encoded {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        if self.0.capacity() <= 64 << 10 {
            SCRATCH.with(|cell| cell.replace(std::mem::take(&mut self.0)));
        }
    }
}

/// Refuses keys no node could hold.
pub fn check_key(key: &[u8]) -> Result<()> {
    if key.len() > MAX_KEY_BYTES {
        return Err(StoreError::TooLarge {
            what: "an index key",
            bytes: key.len() as u64,
            limit: MAX_KEY_BYTES as u64,
        });
    }
    Ok(())
}

/// Whether a value of this length has to move to overflow pages.
pub fn is_large(key_len: usize, value_len: usize) -> bool {
    key_len + value_len > MAX_INLINE_BYTES
}

impl Trees {
    /// Trees over a pool and a log; `directory` is the root page of the directory tree.
    pub fn new(pool: BufferPool, wal: Arc<Wal>, directory: PageId, next_tree: u32) -> Trees {
        let mut roots: HashMap<_, _, foldhash::fast::FixedState> = HashMap::default();
        roots.insert(DIRECTORY, Arc::new(Tree::new(DIRECTORY, directory)));
        let store = Arc::clone(pool.store());
        Trees { pool, wal, store, roots: RwLock::new(roots), next_tree: AtomicU32::new(next_tree) }
    }

    /// The tree with this id.
    pub fn tree(&self, id: TreeId) -> Result<Arc<Tree>> {
        if let Some(tree) = self.roots.read().get(&id) {
            return Ok(Arc::clone(tree));
        }
        self.load_tree(id)
    }

    #[cold]
    fn load_tree(&self, id: TreeId) -> Result<Arc<Tree>> {
        let directory = self.tree(DIRECTORY)?;
        let key = id.0.to_be_bytes();
        let leaf = self.leaf_read(&directory, &key, Access::Normal)?;
        let node = leaf.node();
        let root = match node.find(&key) {
            Found::At(slot) if !node.flags(slot).has(SlotFlags::DELETED) => root_of(node.value(slot)),
            _ => None,
        };
        drop(leaf);
        let root = root
            .ok_or_else(|| StoreError::Corrupt { page: None, what: format!("tree {id} does not exist") })?;
        Ok(Arc::clone(self.roots.write().entry(id).or_insert_with(|| Arc::new(Tree::new(id, root)))))
    }

    /// Enters a tree that was just made.
    pub fn remember(&self, tree: Arc<Tree>) {
        self.roots.write().insert(tree.id, tree);
    }

    /// Drops a tree from the cache.
    pub fn forget(&self, id: TreeId) {
        self.roots.write().remove(&id);
    }

    /// Hands out a tree id.
    pub fn next_tree_id(&self) -> TreeId {
        TreeId(self.next_tree.fetch_add(1, Ordering::SeqCst))
    }

    /// The id the next tree will get.
    pub fn peek_next_tree(&self) -> u32 {
        self.next_tree.load(Ordering::SeqCst)
    }

    /// Makes sure that `id` is not handed out again.
    pub fn saw_tree(&self, id: TreeId) {
        self.next_tree.fetch_max(id.0.saturating_add(1), Ordering::SeqCst);
    }

    fn checked<'n>(
        &self,
        node: NodeRef<'n>,
        kind: PageKind,
        tree: &Tree,
        level: Option<u8>,
    ) -> Result<NodeRef<'n>> {
        if kind != PageKind::Node
            || node.tree() != tree.id.0
            || level.is_some_and(|level| node.level() != level)
        {
            return Err(StoreError::corrupt(node.id(), format!("not the expected node of tree {}", tree.id)));
        }
        Ok(node)
    }

    fn read_node(&self, id: PageId, tree: &Tree, level: Option<u8>, access: Access) -> Result<PageRead<'_>> {
        let page = self.pool.read(id, access)?;
        self.checked(page.node(), page_kind(page.bytes()), tree, level)?;
        Ok(page)
    }

    fn write_node(&self, id: PageId, tree: &Tree, level: Option<u8>) -> Result<PageWrite<'_>> {
        let page = self.pool.write(id)?;
        self.checked(page.node(), page_kind(page.bytes()), tree, level)?;
        Ok(page)
    }

    /// Descends to the leaf that `choose` leads to, under shared latches.
    fn descend(
        &self,
        tree: &Tree,
        access: Access,
        choose: impl Fn(NodeRef<'_>) -> usize,
    ) -> Result<PageRead<'_>> {
        let mut page = self.read_node(tree.root, tree, None, Access::Normal)?;
        tree.saw_height(page.node().level());
        while !page.node().is_leaf() {
            let node = page.node();
            let (child, level) = (node.child(choose(node)), node.level() - 1);
            let access = if level == 0 { access } else { Access::Normal };
            page = self.read_node(child, tree, Some(level), access)?;
        }
        Ok(page)
    }

    /// The leaf covering `key`, shared.
    pub fn leaf_read(&self, tree: &Tree, key: &[u8], access: Access) -> Result<PageRead<'_>> {
        self.descend(tree, access, |node| node.child_index(key))
    }

    /// The leaf covering `key`, shared; found from where the last search ended, if that is near.
    ///
    /// A page that says it is a node of the tree, of this level, covering the key, is the one a descent would find: see
    /// [`Trees::leaf_write_at`].
    pub fn leaf_read_near(
        &self,
        tree: &Tree,
        key: &[u8],
        access: Access,
        finger: &mut Finger,
    ) -> Result<PageRead<'_>> {
        if !finger.moved
            && let Some(leaf) = self.covering(tree, finger.leaf, 0, key, access)
        {
            return Ok(leaf);
        }
        let parent = match self.covering(tree, finger.parent, 1, key, Access::Normal) {
            Some(parent) => parent,
            None => {
                let mut page = self.read_node(tree.root, tree, None, Access::Normal)?;
                tree.saw_height(page.node().level());
                while page.node().level() > 1 {
                    let (child, level) = (page.node().child_for(key), page.node().level() - 1);
                    page = self.read_node(child, tree, Some(level), Access::Normal)?;
                }
                if page.node().is_leaf() {
                    return Ok(page);
                }
                finger.parent = page.id();
                page
            }
        };
        let child = parent.node().child_for(key);
        finger.moved = std::mem::replace(&mut finger.leaf, child) != child;
        self.read_node(child, tree, Some(0), access)
    }

    /// The page, if it is in memory and a node of the tree, of this level, covering the key.
    fn covering(
        &self,
        tree: &Tree,
        page: PageId,
        level: u8,
        key: &[u8],
        access: Access,
    ) -> Option<PageRead<'_>> {
        if page.is_none() {
            return None;
        }
        let page = self.pool.read_if_cached(page, access)?;
        let fits = page_kind(page.bytes()) == PageKind::Node && {
            let node = page.node();
            node.tree() == tree.id.0 && node.level() == level && node.covers(key)
        };
        fits.then_some(page)
    }

    /// The leaf holding the greatest keys below `key` (`None`: of all), shared.
    pub fn leaf_read_below(&self, tree: &Tree, key: Option<&[u8]>, access: Access) -> Result<PageRead<'_>> {
        self.descend(tree, access, |node| match key {
            Some(key) => node.child_index_below(key),
            None => node.count(),
        })
    }

    /// The leaf covering `key`, exclusive.
    pub fn leaf_write(&self, tree: &Tree, key: &[u8]) -> Result<PageWrite<'_>> {
        loop {
            if tree.height() == 0 {
                let root = self.write_node(tree.root, tree, None)?;
                if root.node().is_leaf() {
                    return Ok(root);
                }
                tree.saw_height(root.node().level());
            }
            let mut page = self.read_node(tree.root, tree, None, Access::Normal)?;
            tree.saw_height(page.node().level());
            if page.node().is_leaf() {
                continue;
            }
            loop {
                let node = page.node();
                let (child, level) = (node.child_for(key), node.level() - 1);
                if level == 0 {
                    // The parent stays latched until the leaf is, so that no split comes between.
                    return self.write_node(child, tree, Some(0));
                }
                page = self.read_node(child, tree, Some(level), Access::Normal)?;
            }
        }
    }

    /// The leaf covering `key`, exclusive, if it is this page, in memory and not held by anybody: without a descent.
    ///
    /// A page that says it is a leaf of the tree covering the key is the one a descent would find: splits and merges change
    /// the fences of what they leave behind, and a page that was taken out of the tree is no node any more.
    pub fn leaf_write_at(&self, tree: &Tree, page: PageId, key: &[u8]) -> Option<PageWrite<'_>> {
        let page = self.pool.try_write(page)?;
        let node = page.node();
        let is_leaf = self.checked(node, page_kind(page.bytes()), tree, Some(0)).is_ok();
        (is_leaf && node.covers(key)).then_some(page)
    }

    /// Logs and applies operations on pages, as one record. `pages` are those named by `parts`, in any order.
    pub(crate) fn structure(
        &self,
        pages: &mut [&mut PageWrite<'_>],
        parts: Vec<Part<'_>>,
        space: Space,
    ) -> Result<Logged> {
        self.logged_parts(pages, Record::Structure { parts }, space)
    }

    /// Logs a record that consists of page operations, and applies them.
    pub(crate) fn logged_parts(
        &self,
        pages: &mut [&mut PageWrite<'_>],
        record: Record<'_>,
        space: Space,
    ) -> Result<Logged> {
        let logged = log(&self.wal, pages, &[&Encoded::new(&record)], space)?;
        let parts: &[Part<'_>] = match &record {
            Record::Structure { parts } | Record::LinkBulk { parts, .. } => parts,
            Record::Compensate { part, .. } => part.as_slice(),
            _ => &[],
        };
        for part in parts {
            let page =
                pages.iter_mut().find(|page| page.id() == part.page).expect("every named page is latched");
            let lsn = logged.end();
            let bytes = page.edit(&logged);
            apply::op(bytes, part.page, &part.op)?;
            if matches!(part.op, Op::Image(_)) {
                crate::page::set_page_lsn(bytes, lsn);
            }
        }
        Ok(logged)
    }
}

/// Reads a directory entry.
pub fn root_of(value: &[u8]) -> Option<PageId> {
    value.try_into().ok().map(|raw| PageId(u64::from_le_bytes(raw)))
}
