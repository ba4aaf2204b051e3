//! Checking a whole tree, and collecting its pages.

use super::{SMALL_PAGES, Tree, Trees};
use crate::buffer::Access;
use crate::error::{Result, StoreError};
use crate::ids::PageId;
use crate::page::{LargeRef, NodeRef, PageKind, SlotFlags, chunk_data, chunk_next, page_kind};
use crate::store::Finding;
use std::sync::atomic::Ordering;

/// Figures of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Nodes.
    pub pages: u64,
    /// Records in leaves, ghosts included; estimated from a sample of leaves.
    pub records: u64,
    /// Bytes of the nodes' pages.
    pub bytes: u64,
    /// Levels.
    pub height: u32,
}

impl Trees {
    /// Walks the tree and reports what breaks its rules. `pages` receives every page of it, large values included.
    pub fn verify_tree(&self, tree: &Tree, pages: &mut Vec<PageId>) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.verify_node(tree, tree.root, None, (&[], None), pages, &mut findings);
        findings
    }

    fn verify_node(
        &self,
        tree: &Tree,
        id: PageId,
        level: Option<u8>,
        fences: (&[u8], Option<&[u8]>),
        pages: &mut Vec<PageId>,
        findings: &mut Vec<Finding>,
    ) {
        let mut report = |what: String| findings.push(Finding { page: Some(id), what, healed: false });
        let page = match self.read_node(id, tree, level, Access::Scan) {
            Ok(page) => page,
            Err(e) => return report(e.to_string()),
        };
        pages.push(id);
        let node = page.node();
        if let Err(what) = node.check() {
            return report(what);
        }
        if node.lower_fence() != fences.0 || node.upper_fence() != fences.1 {
            report("its fences are not its parent's separators".into());
        }
        if node.is_leaf() {
            for i in 0..node.count() {
                let flags = node.flags(i);
                if flags.has(SlotFlags::LARGE)
                    && !flags.has(SlotFlags::DELETED)
                    && let Err(e) = self.verify_chain(node, i, pages)
                {
                    report(format!("slot {i}: {e}"));
                }
            }
            return;
        }
        let separators: Vec<Vec<u8>> = (0..node.count()).map(|i| node.key(i)).collect();
        for i in 0..=node.count() {
            let lower = if i == 0 { fences.0 } else { &separators[i - 1] };
            let upper = if i < separators.len() { Some(separators[i].as_slice()) } else { fences.1 };
            self.verify_node(tree, node.child(i), Some(node.level() - 1), (lower, upper), pages, findings);
        }
    }

    fn verify_chain(&self, node: NodeRef<'_>, slot: usize, pages: &mut Vec<PageId>) -> Result<()> {
        let large = LargeRef::decode(node.value(slot))
            .ok_or_else(|| StoreError::corrupt(node.id(), "a large value without its reference"))?;
        let (mut at, mut len) = (large.first, 0);
        while !at.is_none() && len < large.len {
            let page = self.pool.read(at, Access::Scan)?;
            if page_kind(page.bytes()) != PageKind::Overflow {
                return Err(StoreError::corrupt(at, "not a chunk of a large value"));
            }
            pages.push(at);
            len += chunk_data(page.bytes()).len() as u64;
            at = chunk_next(page.bytes());
        }
        if len != large.len || !at.is_none() {
            return Err(StoreError::corrupt(large.first, "the chunks do not add up to the large value"));
        }
        Ok(())
    }

    /// Separators of the highest level that has at least `wanted` of them, ascending.
    pub fn separators(&self, tree: &Tree, wanted: usize) -> Result<Vec<Vec<u8>>> {
        let mut level_pages = vec![tree.root];
        loop {
            let (mut separators, mut below) = (Vec::new(), Vec::new());
            for &id in &level_pages {
                let Ok(page) = self.read_node(id, tree, None, Access::Normal) else { continue };
                let node = page.node();
                if node.is_leaf() {
                    return Ok(separators);
                }
                if !node.lower_fence().is_empty() {
                    separators.push(node.lower_fence().to_vec());
                }
                separators.extend((0..node.count()).map(|i| node.key(i)));
                below.extend((0..=node.count()).map(|i| node.child(i)));
            }
            if separators.len() + 1 >= wanted || below.is_empty() {
                return Ok(separators);
            }
            let lowest = self.read_node(below[0], tree, None, Access::Normal)?.node().is_leaf();
            if lowest {
                return Ok(separators);
            }
            level_pages = below;
        }
    }

    /// Figures of a tree as they were not long ago: looked up anew after a twentieth of its pages has been split or merged.
    pub fn recent_stats_of(&self, tree: &Tree) -> Result<TreeStats> {
        let reshaped = tree.reshaped.load(Ordering::Relaxed);
        let known = *tree.figures.lock();
        if let Some((then, figures)) = known
            && figures.pages >= SMALL_PAGES
            && reshaped - then <= figures.pages / 20
        {
            return Ok(figures);
        }
        let figures = self.stats_of(tree)?;
        *tree.figures.lock() = Some((reshaped, figures));
        Ok(figures)
    }

    /// Figures of a tree: inner nodes are counted, leaves sampled.
    pub fn stats_of(&self, tree: &Tree) -> Result<TreeStats> {
        let mut level_pages = vec![tree.root];
        let mut stats = TreeStats::default();
        loop {
            let first = self.read_node(level_pages[0], tree, None, Access::Normal)?;
            stats.height += 1;
            stats.pages += level_pages.len() as u64;
            if first.node().is_leaf() {
                break;
            }
            drop(first);
            let mut below = Vec::new();
            for &id in &level_pages {
                let page = self.pool.read(id, Access::Normal)?;
                let node = page.node();
                below.extend((0..=node.count()).map(|i| node.child(i)));
            }
            level_pages = below;
        }
        let step = (level_pages.len() / 32).max(1);
        let (mut sampled, mut records) = (0u64, 0u64);
        for &id in level_pages.iter().step_by(step) {
            // The list is a moment old: a leaf may have been freed since.
            if let Ok(page) = self.read_node(id, tree, Some(0), Access::Scan) {
                sampled += 1;
                records += page.node().count() as u64;
            }
        }
        stats.records = records * level_pages.len() as u64 / sampled.max(1);
        stats.bytes = stats.pages * crate::store::PAGE_BYTES as u64;
        Ok(stats)
    }
}
