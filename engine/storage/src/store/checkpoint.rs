//! Checkpoints of the page map, and opening the store from one.

use super::map::{self, Entry, LEAF_ENTRIES, PageMap};
use super::sector::SECTOR_BYTES;
use super::superblock::{self, SUPERBLOCK_SECTORS, Superblock};
use super::{
    CheckpointMeta, For, LEAF_ID_BASE, PAGE_BYTES, PageStore, ROOT_ID_BASE, StoreOptions,
    extent::with_scratch,
};
use crate::env::{Env, File, OpenMode};
use crate::error::{Result, StoreError};
use crate::ids::PageId;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What the last durable checkpoint looks like on disk.
#[derive(Default)]
pub(super) struct Durable {
    slot: usize,
    sequence: u64,
    /// The sequence number of the next superblock: higher than that of any failed attempt.
    next_sequence: u64,
    /// Extents of the map leaves.
    pub(super) leaves: Vec<Entry>,
    /// Extents of the map root pages.
    pub(super) roots: Vec<Entry>,
    /// A root page was healed: the next checkpoint writes all of them again.
    pub(super) rewrite_roots: bool,
}

/// What a checkpoint under way has written.
#[derive(Default)]
struct Attempt {
    leaves: Vec<(usize, Entry)>,
    roots: Vec<(usize, Entry)>,
}

fn place(list: &mut Vec<Entry>, index: usize, entry: Entry) -> Entry {
    if list.len() <= index {
        list.resize(index + 1, Entry::NONE);
    }
    std::mem::replace(&mut list[index], entry)
}

/// Generations that were given out after the checkpoint and lost in a crash are not given out again: a leftover of that time
/// must not pass for a page of this one.
fn generation_leap(env: &dyn Env) -> u64 {
    let mut random = [0u8; 4];
    env.random(&mut random[..3]);
    (1 << 24) + u64::from(u32::from_le_bytes(random))
}

impl PageStore {
    /// Opens the store as of its newest durable checkpoint.
    pub fn open(env: Arc<dyn Env>, dir: &Path, options: StoreOptions) -> Result<(PageStore, CheckpointMeta)> {
        let path = dir.join("data").join("pages");
        let file = env
            .open(&path, OpenMode::ReadWrite)
            .map_err(|e| StoreError::io(format!("open {}", path.display()), e))?;
        // After a mere process crash the file shows what the device need not have yet.
        file.sync_data().map_err(|e| StoreError::poisoned(format_args!("data file: {e}")))?;
        let found = superblock::find(&*file)?;
        if let Some(copy) = found.damaged {
            tracing::warn!(
                "healed page {} of the data file: a copy of the superblock was damaged",
                2 * found.slot + copy
            );
        }
        // Written once more even when it is whole: after a failed sync the system may show what the device lacks. One copy
        // after the other, the good one last.
        let first = found.damaged.unwrap_or(0);
        for copy in [first, 1 - first] {
            found.superblock.mend(&*file, found.slot, copy)?;
            file.sync_data().map_err(|e| StoreError::poisoned(format_args!("data file: {e}")))?;
        }
        let superblock = found.superblock;
        let next_generation = superblock.next_generation;
        let durable = Durable {
            slot: found.slot,
            sequence: superblock.sequence,
            next_sequence: superblock.sequence + 1,
            roots: superblock.roots.clone(),
            ..Durable::default()
        };
        let store = PageStore::new(file, options, durable, next_generation + generation_leap(&*env));
        store.load_map(&superblock)?;
        store.count_usage(&superblock)?;
        // Best effort: writing asks again, and a full disk must not prevent opening.
        if let Err(error) = store.set_aside(store.map.leaf_count() as u64) {
            tracing::warn!("no room to set aside for the page map: {error}");
        }
        Ok((store, superblock.meta))
    }

    fn load_map(&self, superblock: &Superblock) -> Result<()> {
        let mut durable = self.durable.lock();
        let mut page = Box::new([0u8; PAGE_BYTES]);
        durable.leaves = vec![Entry::NONE; superblock.leaf_count as usize];
        for (index, root) in superblock.roots.iter().enumerate() {
            if self.read_map_page(ROOT_ID_BASE + index as u64, *root, &mut page)? {
                durable.rewrite_roots = true;
            }
            let from = (index * LEAF_ENTRIES).min(durable.leaves.len());
            map::read_entries(&page, &mut durable.leaves[from..]);
        }
        for (index, home) in durable.leaves.iter().enumerate() {
            let mut entries = Box::new([Entry::NONE; LEAF_ENTRIES]);
            let mut healed = false;
            if !home.is_none() {
                healed = self.read_map_page(LEAF_ID_BASE + index as u64, *home, &mut page)?;
                map::read_entries(&page, &mut entries[..]);
            }
            self.map.push_leaf(entries, superblock.next_generation, healed);
        }
        Ok(())
    }

    /// Reads a page of the map itself; returns whether it was healed.
    pub(super) fn read_map_page(&self, id: u64, entry: Entry, page: &mut [u8; PAGE_BYTES]) -> Result<bool> {
        with_scratch(|scratch| {
            if self.fetch(id, entry, scratch, page) {
                return Ok(false);
            }
            let missing = self.fetch_with_parity(id, entry, scratch, page)?;
            if missing != 0 {
                self.counters.healed.fetch_add(1, Relaxed);
                tracing::warn!(
                    "healed page {id} of the page map: {} of its sectors were rebuilt from parity",
                    missing.count_ones()
                );
            }
            Ok(missing != 0)
        })
    }

    /// Finds out from the map which sectors and ids are in use.
    fn count_usage(&self, superblock: &Superblock) -> Result<()> {
        let len = self.file.len().map_err(|e| StoreError::io("ask for the data file's length", e))?;
        let mut space = self.space.lock();
        let mut ids = self.ids.lock();
        space.usage.grow((len / SECTOR_BYTES as u64).max(SUPERBLOCK_SECTORS));
        space.usage.mark(0, SUPERBLOCK_SECTORS);
        space.usage.search_from(SUPERBLOCK_SECTORS);
        ids.grow(superblock.next_page.max(1).next_multiple_of(LEAF_ENTRIES as u64));
        ids.mark(0, 1);
        let mut mark = |id: u64, entry: &Entry| {
            let count = entry.shape().sectors() as u64;
            // Entries behind the end belong to a file that was cut; their pages are reported when they are read.
            space.usage.grow(entry.sector() + count);
            if space.usage.mark(entry.sector(), count) < count {
                tracing::error!("page {id} shares sectors at {} with another page", entry.sector());
            }
        };
        let durable = self.durable.lock();
        for (index, entry) in durable.roots.iter().enumerate() {
            mark(ROOT_ID_BASE + index as u64, entry);
        }
        for (index, entry) in durable.leaves.iter().enumerate().filter(|(_, entry)| !entry.is_none()) {
            mark(LEAF_ID_BASE + index as u64, entry);
        }
        let mut pages = 0;
        for_each_entry(&self.map, |id, entry| {
            mark(id, &entry);
            ids.grow((id + 1).next_multiple_of(LEAF_ENTRIES as u64));
            ids.mark(id, 1);
            pages += 1;
        });
        self.counters.pages.store(pages, Relaxed);
        Ok(())
    }

    /// Makes the current contents of all pages durable together with `meta`.
    /// The caller has flushed the log up to the highest page LSN written; see [`PageStore::checkpoint_with`].
    pub fn checkpoint(&self, meta: CheckpointMeta) -> Result<()> {
        self.checkpoint_with(|| Ok(meta))
    }

    /// Fixes the map, then calls `meta` (which flushes the log: no page of a later LSN is in the fixed map), then makes it durable.
    pub fn checkpoint_with(&self, meta: impl FnOnce() -> Result<CheckpointMeta>) -> Result<()> {
        let mut durable = self.durable.lock();
        self.check_poison()?;
        // What is given up from here on may still be needed by this checkpoint.
        self.space.lock().usage.begin_release();
        let next_page = {
            let mut ids = self.ids.lock();
            ids.begin_release();
            ids.used.limit()
        };
        let mut attempt = Attempt::default();
        match self.write_checkpoint(&durable, &mut attempt, next_page, meta) {
            Ok(()) => {
                self.adopt(&mut durable, attempt);
                Ok(())
            }
            Err(error) => {
                self.abandon(&mut durable, attempt);
                Err(error)
            }
        }
    }

    fn write_checkpoint(
        &self,
        durable: &Durable,
        attempt: &mut Attempt,
        next_page: u64,
        meta: impl FnOnce() -> Result<CheckpointMeta>,
    ) -> Result<()> {
        let mut page = Box::new([0u8; PAGE_BYTES]);
        let leaf_count = self.map.leaf_count();
        for index in 0..leaf_count {
            if self.map.take_leaf(index, self.next_generation.load(Relaxed), &mut page) {
                // Noted before it is written: a failure has to find it.
                attempt.leaves.push((index, Entry::NONE));
                let entry = self.write_map_page(LEAF_ID_BASE + index as u64, &page)?;
                attempt.leaves.last_mut().expect("just pushed").1 = entry;
            }
        }
        let meta = meta()?;
        let mut leaves = durable.leaves.clone();
        let mut roots = durable.roots.clone();
        let mut stale: Vec<usize> = attempt.leaves.iter().map(|(index, _)| index / LEAF_ENTRIES).collect();
        stale.extend((0..roots.len()).filter(|_| durable.rewrite_roots));
        stale.sort_unstable();
        stale.dedup();
        for (index, entry) in &attempt.leaves {
            place(&mut leaves, *index, *entry);
        }
        for index in stale {
            map::write_entries(
                &leaves[index * LEAF_ENTRIES..leaves.len().min((index + 1) * LEAF_ENTRIES)],
                &mut page,
            );
            let entry = self.write_map_page(ROOT_ID_BASE + index as u64, &page)?;
            attempt.roots.push((index, entry));
            place(&mut roots, index, entry);
        }
        self.sync()?;
        let superblock = Superblock {
            sequence: durable.next_sequence,
            next_generation: self.next_generation.load(Relaxed),
            next_page,
            leaf_count: leaf_count as u32,
            roots,
            meta,
        };
        superblock.write(&*self.file, 1 - durable.slot)?;
        self.sync()
    }

    fn write_map_page(&self, id: u64, page: &[u8; PAGE_BYTES]) -> Result<Entry> {
        with_scratch(|scratch| {
            let shape = super::extent::encode(page, self.options.parity_sectors, scratch);
            let sector = self.take_sectors(shape.sectors(), For::Map)?;
            let generation = self.next_generation.fetch_add(1, Relaxed);
            self.write_extent(id, sector, shape.sectors(), generation, scratch)?;
            Ok(Entry::new(sector, shape, generation))
        })
    }

    /// The checkpoint is durable: what only the one before needed is free.
    fn adopt(&self, durable: &mut Durable, attempt: Attempt) {
        let leaf_count = {
            let mut space = self.space.lock();
            let mut replace = |list: &mut Vec<Entry>, (index, entry): (usize, Entry)| {
                let old = place(list, index, entry);
                space.usage.free_now(old.sector(), old.shape().sectors() as u64);
            };
            attempt.leaves.into_iter().for_each(|change| replace(&mut durable.leaves, change));
            attempt.roots.into_iter().for_each(|change| replace(&mut durable.roots, change));
            space.usage.finish_release();
            durable.leaves.len()
        };
        self.ids.lock().finish_release();
        durable.sequence = durable.next_sequence;
        durable.next_sequence += 1;
        durable.slot = 1 - durable.slot;
        durable.rewrite_roots = false;
        self.counters.checkpoints.fetch_add(1, Relaxed);
        // Best effort: the next checkpoint tries again, and the room is there unless the disk is full.
        if let Err(error) = self.set_aside(leaf_count as u64) {
            tracing::warn!("no room to set aside for the page map: {error}");
        }
    }

    /// The checkpoint failed. Its superblock may have reached the disk all the same: nothing is reused before a later one is durable.
    fn abandon(&self, durable: &mut Durable, attempt: Attempt) {
        let mut space = self.space.lock();
        for (_, entry) in attempt.leaves.iter().chain(&attempt.roots) {
            space.usage.free_later(entry.sector(), entry.shape().sectors() as u64);
        }
        space.usage.cancel_release();
        self.ids.lock().cancel_release();
        for (index, _) in attempt.leaves {
            self.map.mark_dirty(index);
        }
        // A later superblock in the same slot must not be mistaken for this one.
        durable.next_sequence += 1;
    }
}

impl Durable {
    /// How many copies of the superblock of the last durable checkpoint are good: two, unless there is damage.
    pub(super) fn superblock_copies(&self, file: &dyn File) -> usize {
        superblock::good_copies(file, self.slot, self.sequence)
    }
}

/// Calls `visit` for every page that has contents, in id order.
pub(super) fn for_each_entry(map: &PageMap, mut visit: impl FnMut(u64, Entry)) {
    let mut entries = Box::new([Entry::NONE; LEAF_ENTRIES]);
    for index in 0..map.leaf_count() {
        map.copy_leaf(index, &mut entries);
        for (slot, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.is_none()) {
            visit((index * LEAF_ENTRIES + slot) as u64, *entry);
        }
    }
}

/// What the pages of the map itself are called in reports.
pub(super) fn map_page_name(id: u64) -> String {
    match id {
        id if id >= ROOT_ID_BASE => format!("root page {} of the page map", id - ROOT_ID_BASE),
        id if id >= LEAF_ID_BASE => format!("leaf {} of the page map", id - LEAF_ID_BASE),
        id => format!("page {}", PageId(id)),
    }
}
