//! The page store: a page is never overwritten and always healable.
//!
//! One data file of 4 KiB sectors. A page of 16 KiB is written as an *extent*: without what can be computed, and compressed (LZ4) when
//! that saves a sector, cut into data sectors, followed by parity sectors ([`extent`]). Every sector says what it is ([`sector`]). The page map says
//! which extent holds a page ([`map`]); two alternating superblocks say where the map is ([`superblock`]).
//!
//! ```text
//!  superblock A | superblock B | extent | extent | free | extent of a map leaf | extent | ...
//!       |                                               ^
//!       +--> map root page --> map leaf ----------------+   leaf --> extents of 1024 pages
//! ```
//!
//! Rules:
//!
//! 1. A write goes to sectors that no durable checkpoint points to. So no torn page can exist: until the next checkpoint
//!    a crash brings back the page as of the last one, and redo brings it up to date.
//! 2. A checkpoint writes the changed map pages, syncs, writes the superblock that is not the current one, syncs. Only then
//!    become the sectors free that the checkpoint before needed ([`space`]).
//! 3. A checkpoint that failed anywhere may nevertheless be the one that is found after a crash: what it points to is kept
//!    until a later one is durable.
//! 4. A sector counts only if its checksum is right and page id, generation and shard index are those of the map's entry.
//!    A page is whole as long as at most as many sectors are bad as it has parity sectors; it is then rebuilt, reported
//!    (`healed page`), and written elsewhere. What is beyond that is [`StoreError::Corrupt`]; everything else stays readable.
//! 5. A failed sync poisons the store: reads go on, nothing is written any more.
//! 6. A checkpoint can be written on a full disk: room for the whole map is set aside. Other free room may have been given
//!    back to the file system, and a write to it may fail like one that extends the file.
//!
//! The mechanism is that of WiredTiger's block manager and of ZFS: no overwriting, checksums in the parent. Parity inside the
//! extent is our own addition.

mod checkpoint;
mod extent;
mod map;
mod scrub;
mod sector;
mod space;
mod superblock;
#[cfg(test)]
mod tests;

use crate::env::{Env, File, OpenMode, read_full};
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId};
use checkpoint::Durable;
use extent::{RAW_SECTORS, Scratch, with_scratch};
use map::{Entry, LEAF_ENTRIES, PageMap, Replaced};
use parking_lot::Mutex;
use sector::SECTOR_BYTES;
use space::Usage;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use superblock::{ROOTS_MAX, SUPERBLOCK_SECTORS, Superblock};

/// The size of a logical page.
pub const PAGE_BYTES: usize = 16384;

/// The largest [`CheckpointMeta::opaque`].
pub const OPAQUE_BYTES_MAX: usize = 512;

/// What a checkpoint remembers besides the page map.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CheckpointMeta {
    /// Where redo starts.
    pub redo_lsn: Lsn,
    /// The log is known to be durable up to here: damage below it is never the log's end.
    pub durable_lsn: Lsn,
    /// The next transaction id.
    pub next_xid: u64,
    /// The page from which everything else is found.
    pub root: PageId,
    /// Whether the store was shut down in order: no redo is needed.
    pub clean_shutdown: bool,
    /// Whatever else the caller wants to find again, at most [`OPAQUE_BYTES_MAX`] bytes.
    pub opaque: Vec<u8>,
}

/// The most parity sectors of an extent.
pub const PARITY_MAX: u8 = 3;
/// Page ids are below this; the ids above name the pages of the map itself.
pub const PAGE_ID_LIMIT: u64 = (ROOTS_MAX * LEAF_ENTRIES * LEAF_ENTRIES) as u64;
/// The id of map leaf 0 in the trailers of its sectors.
const LEAF_ID_BASE: u64 = 1 << 39;
/// The id of map root page 0.
const ROOT_ID_BASE: u64 = LEAF_ID_BASE | 1 << 38;
const _: () = assert!(PAGE_ID_LIMIT < LEAF_ID_BASE && PAGE_ID_LIMIT / (LEAF_ENTRIES as u64) < 1 << 38);
/// The data file grows by at most this much at a time.
const GROW_BYTES_MAX: u64 = 64 << 20;
/// Free runs of this length are worth giving back to the file system.
const GIVE_BACK_SECTORS: u64 = 4;
/// Pages of one write to the device.
const BATCH_PAGES: usize = 16;

/// How a page store is set up.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Parity sectors per extent: the number of damaged sectors of one page that heal. 1 to 3.
    pub parity_sectors: u8,
    /// The data file grows by at least this much at a time.
    pub grow_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions { parity_sectors: 1, grow_bytes: 4 << 20 }
    }
}

/// How far a scrub has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ScrubProgress {
    /// Pages examined by this step.
    pub pages: u64,
    /// Sectors read by this step.
    pub sectors: u64,
    /// Pages healed by this step.
    pub healed: u64,
    /// Pages found beyond healing by this step.
    pub lost: u64,
    /// The step reached the last page; the next one starts over.
    pub finished_round: bool,
}

/// Something wrong that [`PageStore::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The page concerned, when it is one.
    pub page: Option<PageId>,
    /// What is wrong.
    pub what: String,
    /// Whether it was mended on the way.
    pub healed: bool,
}

/// Counters of a page store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Pages that are mapped to an extent.
    pub pages: u64,
    /// Sectors of the data file.
    pub sectors: u64,
    /// Sectors in use, with those that wait for the next checkpoint to become free.
    pub sectors_used: u64,
    /// Pages read since open.
    pub reads: u64,
    /// Pages written since open.
    pub writes: u64,
    /// Sectors written since open.
    pub sectors_written: u64,
    /// Pages healed since open.
    pub healed: u64,
    /// Pages found beyond healing since open.
    pub lost: u64,
    /// Checkpoints completed since open.
    pub checkpoints: u64,
}

#[derive(Default)]
struct Counters {
    pages: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
    sectors_written: AtomicU64,
    healed: AtomicU64,
    lost: AtomicU64,
    checkpoints: AtomicU64,
}

/// Sectors in use, and runs set aside for the map (rule 6).
#[derive(Default)]
struct Space {
    usage: Usage,
    set_aside: Vec<u64>,
}

/// Who asks for sectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Page,
    Map,
}

/// The page store of one data directory.
pub struct PageStore {
    file: Arc<dyn File>,
    options: StoreOptions,
    map: PageMap,
    space: Mutex<Space>,
    ids: Mutex<Usage>,
    next_generation: AtomicU64,
    durable: Mutex<Durable>,
    poison: OnceLock<String>,
    counters: Counters,
    scrub_next: Mutex<u64>,
}

impl PageStore {
    /// Makes a new store in the directory `dir` (its folder `data/`), with an empty map and a first checkpoint of `meta`.
    pub fn create(
        env: Arc<dyn Env>,
        dir: &Path,
        options: StoreOptions,
        meta: &CheckpointMeta,
    ) -> Result<PageStore> {
        let folder = dir.join("data");
        let (path, draft) = (folder.join("pages"), folder.join("pages.new"));
        let io = |e| StoreError::io(format!("create {}", path.display()), e);
        env.create_dir(&folder).map_err(io)?;
        if env.list(&folder).map_err(io)?.iter().any(|name| name == "pages") {
            return Err(io(std::io::ErrorKind::AlreadyExists.into()));
        }
        let file = env.open(&draft, OpenMode::Create).map_err(io)?;
        file.set_len(0).map_err(io)?;
        file.allocate(0, options.grow_bytes.max(SUPERBLOCK_SECTORS * SECTOR_BYTES as u64)).map_err(io)?;
        let superblock = Superblock {
            sequence: 1,
            next_generation: 1,
            next_page: 1,
            meta: meta.clone(),
            ..Superblock::default()
        };
        superblock.write(&*file, 0)?;
        file.sync_data().map_err(io)?;
        env.rename(&draft, &path).map_err(io)?;
        env.sync_dir(&folder).map_err(io)?;
        env.sync_dir(dir).map_err(io)?;
        Ok(PageStore::open(env, dir, options)?.0)
    }

    fn new(
        file: Arc<dyn File>,
        mut options: StoreOptions,
        durable: Durable,
        next_generation: u64,
    ) -> PageStore {
        options.parity_sectors = options.parity_sectors.clamp(1, PARITY_MAX);
        options.grow_bytes = options.grow_bytes.max(SECTOR_BYTES as u64);
        PageStore {
            file,
            options,
            map: PageMap::default(),
            space: Mutex::default(),
            ids: Mutex::default(),
            next_generation: AtomicU64::new(next_generation),
            durable: Mutex::new(durable),
            poison: OnceLock::new(),
            counters: Counters::default(),
            scrub_next: Mutex::new(0),
        }
    }

    /// Reads a page, healing it when needed. A page without contents (never written, or freed) is `Ok(false)` and leaves `out` alone.
    pub fn read(&self, id: PageId, out: &mut [u8; PAGE_BYTES]) -> Result<bool> {
        self.counters.reads.fetch_add(1, Relaxed);
        with_scratch(|scratch| {
            loop {
                let entry = self.map.get(id.0);
                if entry.is_none() {
                    return Ok(false);
                }
                if self.fetch(id.0, entry, scratch, out) {
                    return Ok(true);
                }
                let outcome = self.fetch_with_parity(id.0, entry, scratch, out);
                // The extent may have been given up and reused while it was being read.
                if self.map.get(id.0) != entry {
                    continue;
                }
                match outcome {
                    Ok(0) => {}
                    Ok(missing) => self.rewrite_healed(id.0, entry, missing, scratch, out),
                    Err(error) => {
                        self.counters.lost.fetch_add(1, Relaxed);
                        return Err(error);
                    }
                }
                return Ok(true);
            }
        })
    }

    /// Reads the data sectors only; `false` when anything is wrong with them.
    fn fetch(&self, id: u64, entry: Entry, scratch: &mut Scratch, out: &mut [u8; PAGE_BYTES]) -> bool {
        let shape = entry.shape();
        let bytes = usize::from(shape.data) * SECTOR_BYTES;
        if usize::from(shape.data) > RAW_SECTORS {
            return false;
        }
        matches!(read_full(&*self.file, &mut scratch.sectors[..bytes], entry.sector() * SECTOR_BYTES as u64), Ok(count) if count == bytes)
            && scratch.sectors[..bytes]
                .chunks_exact(SECTOR_BYTES)
                .enumerate()
                .all(|(shard, sector)| extent::is_good(sector, id, &entry, shard))
            && extent::decode(scratch, shape, out)
    }

    /// Reads all sectors one by one and rebuilds the bad ones; returns their set.
    fn fetch_with_parity(
        &self,
        id: u64,
        entry: Entry,
        scratch: &mut Scratch,
        out: &mut [u8; PAGE_BYTES],
    ) -> Result<u32> {
        let shape = entry.shape();
        let (mut missing, mut refused, mut found) = (0u32, None, None);
        if usize::from(shape.data) > RAW_SECTORS || shape.parity > PARITY_MAX {
            return Err(StoreError::corrupt(PageId(id), "the page map's entry is impossible"));
        }
        for (shard, sector) in
            scratch.sectors.chunks_exact_mut(SECTOR_BYTES).take(shape.sectors()).enumerate()
        {
            match read_full(&*self.file, sector, (entry.sector() + shard as u64) * SECTOR_BYTES as u64) {
                Ok(SECTOR_BYTES) if extent::is_good(sector, id, &entry, shard) => continue,
                Ok(SECTOR_BYTES) => found = found.or(sector::label(sector)),
                Ok(_) => {}
                Err(error) => refused = Some(error),
            }
            missing |= 1 << shard;
        }
        let good = |sector: &[u8], shard: usize| extent::is_good(sector, id, &entry, shard);
        if missing == 0
            || extent::rebuild(scratch, shape, missing)
            || extent::rebuild_straddled(scratch, shape, missing, good)
        {
            return if extent::decode(scratch, shape, out) {
                Ok(missing)
            } else {
                Err(StoreError::corrupt(PageId(id), "its compressed bytes are no page"))
            };
        }
        if let Some(error) = refused {
            return Err(StoreError::io(format!("read page {id}"), error));
        }
        let mut what = format!(
            "{} of the {} sectors at {} cannot be rebuilt",
            missing.count_ones(),
            shape.sectors(),
            entry.sector()
        );
        if let Some(label) = found {
            what += &format!(
                "; page {} of generation {} was found where generation {} was expected",
                label.id,
                label.generation,
                entry.generation()
            );
        }
        Err(StoreError::corrupt(PageId(id), what))
    }

    /// Reports a healed page and writes it elsewhere; when that fails, the next reader heals it again.
    fn rewrite_healed(
        &self,
        id: u64,
        entry: Entry,
        missing: u32,
        scratch: &mut Scratch,
        page: &[u8; PAGE_BYTES],
    ) {
        self.counters.healed.fetch_add(1, Relaxed);
        tracing::warn!(
            "healed page {id}: {} of the {} sectors at {} were rebuilt from parity",
            missing.count_ones(),
            entry.shape().sectors(),
            entry.sector()
        );
        let rewritten = self.check_poison().and_then(|()| self.put(id, page, scratch, Some(entry)));
        if let Err(error) = rewritten {
            tracing::warn!("page {id} was healed but could not be written elsewhere: {error}");
        }
    }

    /// Writes a page to a fresh extent. Durable with the next checkpoint. One writer per page at a time.
    pub fn write(&self, id: PageId, page: &[u8; PAGE_BYTES]) -> Result<()> {
        self.prepare_write(id)?;
        with_scratch(|scratch| self.put(id.0, page, scratch, None))
    }

    /// Writes several pages, neighbours in one call to the device. After an error any of them may have been written.
    pub fn write_many(&self, pages: &[(PageId, &[u8; PAGE_BYTES])]) -> Result<()> {
        for (id, _) in pages {
            self.prepare_write(*id)?;
        }
        let mut bytes = Vec::new();
        for batch in pages.chunks(BATCH_PAGES) {
            with_scratch(|scratch| self.put_batch(batch, scratch, &mut bytes))?;
        }
        Ok(())
    }

    fn put(
        &self,
        id: u64,
        page: &[u8; PAGE_BYTES],
        scratch: &mut Scratch,
        expected: Option<Entry>,
    ) -> Result<()> {
        let shape = extent::encode(page, self.options.parity_sectors, scratch);
        let sector = self.take_sectors(shape.sectors(), For::Page)?;
        let generation = self.next_generation.fetch_add(1, Relaxed);
        self.write_extent(id, sector, shape.sectors(), generation, scratch)?;
        self.counters.writes.fetch_add(1, Relaxed);
        self.install(id, Entry::new(sector, shape, generation), expected);
        Ok(())
    }

    fn put_batch(
        &self,
        batch: &[(PageId, &[u8; PAGE_BYTES])],
        scratch: &mut Scratch,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        bytes.clear();
        let mut entries = Vec::with_capacity(batch.len());
        for (id, page) in batch {
            let shape = extent::encode(page, self.options.parity_sectors, scratch);
            let generation = self.next_generation.fetch_add(1, Relaxed);
            let from = bytes.len();
            entries.push((*id, Entry::new((from / SECTOR_BYTES) as u64, shape, generation)));
            bytes.extend_from_slice(&scratch.sectors[..shape.sectors() * SECTOR_BYTES]);
            extent::seal(&mut bytes[from..], id.0, generation);
        }
        let count = bytes.len() / SECTOR_BYTES;
        let Some(start) = self.take_sectors_in_a_row(count) else {
            // No such long run is free: one by one.
            return batch.iter().try_for_each(|(id, page)| self.put(id.0, page, scratch, None));
        };
        if let Err(error) = self.file.write_at(bytes, start * SECTOR_BYTES as u64) {
            self.space.lock().usage.free_now(start, count as u64);
            return Err(StoreError::io(format!("write {} pages", batch.len()), error));
        }
        self.counters.writes.fetch_add(batch.len() as u64, Relaxed);
        self.counters.sectors_written.fetch_add(count as u64, Relaxed);
        for (id, entry) in entries {
            self.install(id.0, Entry::new(start + entry.sector(), entry.shape(), entry.generation()), None);
        }
        Ok(())
    }

    /// Seals and writes the extent in `scratch.sectors`; gives its place back when that fails.
    fn write_extent(
        &self,
        id: u64,
        sector: u64,
        count: usize,
        generation: u64,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let bytes = &mut scratch.sectors[..count * SECTOR_BYTES];
        extent::seal(bytes, id, generation);
        if let Err(error) = self.file.write_at(bytes, sector * SECTOR_BYTES as u64) {
            self.space.lock().usage.free_now(sector, count as u64);
            return Err(StoreError::io(format!("write page {id}"), error));
        }
        self.counters.sectors_written.fetch_add(count as u64, Relaxed);
        Ok(())
    }

    /// Points the map to a new extent and gives the old one up.
    fn install(&self, id: u64, entry: Entry, expected: Option<Entry>) {
        let sectors = |entry: &Entry| entry.shape().sectors() as u64;
        let replaced = self.map.install(id, entry, expected);
        match replaced {
            Replaced::Nothing => {
                self.counters.pages.fetch_add(u64::from(!entry.is_none()), Relaxed);
            }
            Replaced::Unknown(old) => self.space.lock().usage.free_now(old.sector(), sectors(&old)),
            Replaced::Known(old) => self.space.lock().usage.free_later(old.sector(), sectors(&old)),
            Replaced::Refused => self.space.lock().usage.free_now(entry.sector(), sectors(&entry)),
        }
        if entry.is_none() && matches!(replaced, Replaced::Unknown(_) | Replaced::Known(_)) {
            self.counters.pages.fetch_sub(1, Relaxed);
        }
    }

    /// Refuses what cannot be written, and makes room in the map.
    fn prepare_write(&self, id: PageId) -> Result<()> {
        self.check_poison()?;
        if id.is_none() || id.0 >= PAGE_ID_LIMIT {
            return Err(StoreError::TooLarge { what: "page id", bytes: id.0, limit: PAGE_ID_LIMIT });
        }
        if self.map.leaf_count() as u64 <= id.0 / LEAF_ENTRIES as u64 {
            self.set_aside(id.0 / LEAF_ENTRIES as u64 + 1)?;
            self.map.cover(id.0);
        }
        Ok(())
    }

    /// Sets a run aside for each page of a map of `leaves` leaves.
    fn set_aside(&self, leaves: u64) -> Result<()> {
        let target = (leaves + leaves.div_ceil(LEAF_ENTRIES as u64)) as usize;
        let run = self.run_sectors();
        let mut space = self.space.lock();
        while space.set_aside.len() < target {
            let start = self.take_or_grow(&mut space, run)?;
            // The room may have been given back to the file system.
            let sector_bytes = SECTOR_BYTES as u64;
            if let Err(error) = self.file.allocate(start * sector_bytes, run * sector_bytes) {
                space.usage.free_now(start, run);
                return Err(StoreError::io("set room aside for the page map", error));
            }
            space.set_aside.push(start);
        }
        Ok(())
    }

    /// The most sectors of one extent as this store writes it.
    fn run_sectors(&self) -> u64 {
        RAW_SECTORS as u64 + u64::from(self.options.parity_sectors)
    }

    fn take_or_grow(&self, space: &mut Space, count: u64) -> Result<u64> {
        if let Some(start) = space.usage.take(count) {
            return Ok(start);
        }
        self.grow(space, count)?;
        space.usage.take(count).ok_or_else(|| StoreError::DiskFull { what: "find free sectors".into() })
    }

    /// Makes the data file longer by at least `need` sectors, and by more when there is room.
    fn grow(&self, space: &mut Space, need: u64) -> Result<()> {
        let sector_bytes = SECTOR_BYTES as u64;
        let have = space.usage.used.limit();
        let step = (self.options.grow_bytes / sector_bytes)
            .max((have / 16).min(GROW_BYTES_MAX / sector_bytes))
            .max(need);
        let mut outcome = Ok(());
        for step in [step, need] {
            outcome = self
                .file
                .allocate(have * sector_bytes, step * sector_bytes)
                .map_err(|e| StoreError::io("extend the data file", e));
            match &outcome {
                Ok(()) => {
                    space.usage.grow(have + step);
                    space.usage.search_from(have);
                    break;
                }
                Err(StoreError::DiskFull { .. }) => {}
                Err(_) => break,
            }
        }
        outcome
    }

    /// Gives long free runs of the data file back to the file system. Best after a checkpoint, which frees them.
    pub fn give_back_space(&self) -> Result<()> {
        let mut from = SUPERBLOCK_SECTORS;
        loop {
            self.check_poison()?;
            let (start, count) = {
                let mut space = self.space.lock();
                let Some(run) = space.usage.used.clear_run(GIVE_BACK_SECTORS, from) else { return Ok(()) };
                // Nobody takes it meanwhile.
                space.usage.mark(run.0, run.1);
                run
            };
            let outcome = self.file.give_back(start * SECTOR_BYTES as u64, count * SECTOR_BYTES as u64);
            self.space.lock().usage.free_now(start, count);
            outcome.map_err(|e| StoreError::io("give free space back", e))?;
            from = start + count;
        }
    }

    fn take_sectors(&self, count: usize, purpose: For) -> Result<u64> {
        let mut space = self.space.lock();
        let outcome = self.take_or_grow(&mut space, count as u64);
        if outcome.is_err()
            && purpose == For::Map
            && let Some(start) = space.set_aside.pop()
        {
            space.usage.free_now(start + count as u64, self.run_sectors() - count as u64);
            return Ok(start);
        }
        outcome
    }

    /// Takes sectors for a batch; `None` when there is no such run.
    fn take_sectors_in_a_row(&self, count: usize) -> Option<u64> {
        self.take_or_grow(&mut self.space.lock(), count as u64).ok()
    }

    /// Hands out a page id that is not in use.
    pub fn allocate(&self) -> PageId {
        let mut ids = self.ids.lock();
        if let Some(id) = ids.take(1) {
            return PageId(id);
        }
        let limit = ids.used.limit();
        ids.grow(limit + LEAF_ENTRIES as u64);
        ids.search_from(limit);
        PageId(ids.take(1).expect("the ids were just extended"))
    }

    /// Gives a page back: it has no contents from now on; id and space are reused after the next checkpoint.
    pub fn free(&self, id: PageId) {
        if id.is_none() {
            return;
        }
        self.install(id.0, Entry::NONE, None);
        let mut ids = self.ids.lock();
        if ids.used.get(id.0) {
            ids.free_later(id.0, 1);
        }
    }

    /// Marks an id as in use: redo recreates a page.
    pub fn reserve_id(&self, id: PageId) {
        if id.0 >= PAGE_ID_LIMIT {
            return;
        }
        let mut ids = self.ids.lock();
        ids.grow((id.0 + 1).next_multiple_of(LEAF_ENTRIES as u64));
        ids.keep(id.0);
        ids.mark(id.0, 1);
    }

    /// Whether a page has contents.
    pub fn is_written(&self, id: PageId) -> bool {
        !self.map.get(id.0).is_none()
    }

    /// Bytes of a page's extent in the data file: data and parity; `None` for a page that was never written.
    pub fn extent_bytes(&self, id: PageId) -> Option<(u64, u64)> {
        let entry = self.map.get(id.0);
        let bytes = |sectors: u8| u64::from(sectors) * SECTOR_BYTES as u64;
        (!entry.is_none()).then(|| (bytes(entry.shape().data), bytes(entry.shape().parity)))
    }

    /// Fails when a sync has failed.
    pub fn check_poison(&self) -> Result<()> {
        match self.poison.get() {
            Some(what) => Err(StoreError::Poisoned { what: what.clone() }),
            None => Ok(()),
        }
    }

    /// Syncs the data file; a failure stops all writing for good.
    fn sync(&self) -> Result<()> {
        self.check_poison()?;
        self.file.sync_data().map_err(|error| {
            let what = format!("data file: {error}");
            tracing::error!("could not sync the data file, the database is stopped: {error}");
            StoreError::Poisoned { what: self.poison.get_or_init(|| what).clone() }
        })
    }

    /// The counters.
    pub fn stats(&self) -> StoreStats {
        let (sectors, sectors_used) = {
            let space = self.space.lock();
            (space.usage.used.limit(), space.usage.used.count())
        };
        let counters = &self.counters;
        StoreStats {
            pages: counters.pages.load(Relaxed),
            sectors,
            sectors_used,
            reads: counters.reads.load(Relaxed),
            writes: counters.writes.load(Relaxed),
            sectors_written: counters.sectors_written.load(Relaxed),
            healed: counters.healed.load(Relaxed),
            lost: counters.lost.load(Relaxed),
            checkpoints: counters.checkpoints.load(Relaxed),
        }
    }
}
