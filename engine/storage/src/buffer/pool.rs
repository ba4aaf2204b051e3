//! The frame array, the page table, and replacement.

use super::frame::{Frame, Held, PageRead, PageWrite};
use super::memory;
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId};
use crate::page::{NodeMut, PageBuf, PageKind, page_id, page_kind};
use crate::store::{PAGE_BYTES, PageStore};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLockWriteGuard};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const SHARDS: usize = 64;
/// How many frames a miss looks at for a clean victim before it takes a dirty one.
const CLEAN_TRIES: usize = 64;
/// Bytes of a huge page.
const HUGE_BYTES: usize = 2 << 20;
/// Memory that [`BufferPool::warm`] keeps ready in a pool of huge pages.
const WARM_BYTES: usize = 64 << 20;

/// How a page is going to be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It may be wanted again soon.
    Normal,
    /// A scan passes by.
    Scan,
}

/// Counters of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BufferStats {
    /// Frames.
    pub frames: u64,
    /// Frames whose page has changes that are not in the page store.
    pub dirty: u64,
    /// Look-ups that found the page.
    pub hits: u64,
    /// Look-ups that read the page.
    pub misses: u64,
    /// Pages that made room.
    pub evictions: u64,
    /// Pages that had to be written to make room.
    pub dirty_evictions: u64,
    /// Log position of the oldest change that is not in the page store.
    pub oldest_change: Lsn,
}

/// Pages that one thread has looked up since it started: differences tell what a piece of work touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Found in the pool.
    pub hits: u64,
    /// Read from the page store.
    pub reads: u64,
}

thread_local! {
    static TOUCHED: Cell<Touched> = const { Cell::new(Touched { hits: 0, reads: 0 }) };
}

/// What this thread has touched so far.
pub fn touched() -> Touched {
    TOUCHED.with(Cell::get)
}

#[derive(Default)]
struct Shard {
    frames: HashMap<u64, u32, foldhash::fast::FixedState>,
    hits: u64,
    misses: u64,
}

/// The buffer pool.
pub struct BufferPool {
    frames: Box<[Frame]>,
    shards: Box<[Mutex<Shard>]>,
    hand: AtomicUsize,
    /// Frames whose page was freed, used again before the hand goes on to memory that nobody has touched. Some may be in use again.
    freed: Mutex<Vec<u32>>,
    /// Frames that [`BufferPool::warm`] keeps ready; 0 in a pool without huge pages.
    warm_ahead: usize,
    /// The first frame that it has not come to.
    warmed: AtomicUsize,
    ring: Mutex<VecDeque<u32>>,
    ring_len: usize,
    store: Arc<PageStore>,
    /// Transactions below it are seen by all: pages are written without their stamps.
    horizon: AtomicU64,
    evictions: AtomicU64,
    dirty_evictions: AtomicU64,
}

fn shard_of(id: PageId) -> usize {
    (id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize % SHARDS
}

impl BufferPool {
    /// Makes a pool of `bytes` bytes of frames, at least 32 frames; `huge` asks for huge pages.
    ///
    /// # Errors
    /// `Io` when there is no address space left.
    pub fn new(store: Arc<PageStore>, bytes: usize, huge: bool) -> Result<BufferPool> {
        let count = (bytes / PAGE_BYTES).max(32);
        let memory = memory::take(count, huge)
            .map_err(|e| StoreError::Io { what: "map the buffer pool".into(), source: Arc::new(e) })?;
        Ok(BufferPool {
            frames: memory.into_iter().map(Frame::new).collect(),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect(),
            hand: AtomicUsize::new(0),
            freed: Mutex::new(Vec::new()),
            warm_ahead: if huge { (WARM_BYTES / PAGE_BYTES).min(count / 4) } else { 0 },
            warmed: AtomicUsize::new(0),
            ring: Mutex::new(VecDeque::new()),
            ring_len: (count / 8).clamp(4, 32),
            store,
            horizon: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            dirty_evictions: AtomicU64::new(0),
        })
    }

    /// Tells below which id transactions are seen by all.
    pub fn set_horizon(&self, horizon: u64) {
        self.horizon.store(horizon, Ordering::Relaxed);
    }

    /// Brings a page into the form in which it is written.
    fn tidy(&self, page: &mut PageBuf) {
        if page_kind(page) == PageKind::Node {
            NodeMut::new(page).tidy(self.horizon.load(Ordering::Relaxed));
        }
    }

    fn lookup(&self, id: PageId) -> Option<&Frame> {
        let mut shard = self.shards[shard_of(id)].lock();
        let found = shard.frames.get(&id.0).copied();
        match found {
            Some(_) => shard.hits += 1,
            None => shard.misses += 1,
        }
        TOUCHED.with(|touched| {
            let Touched { hits, reads } = touched.get();
            touched.set(match found {
                Some(_) => Touched { hits: hits + 1, reads },
                None => Touched { hits, reads: reads + 1 },
            });
        });
        found.map(|frame| &self.frames[frame as usize])
    }

    /// Takes the page under the shared latch.
    pub fn read(&self, id: PageId, access: Access) -> Result<PageRead<'_>> {
        loop {
            let Some(frame) = self.lookup(id) else {
                match self.load(id, access)? {
                    Some(page) => return Ok(page.downgrade()),
                    None => continue,
                }
            };
            let held = frame.latch.read();
            if held.id == id {
                if access == Access::Normal {
                    frame.touch();
                }
                return Ok(PageRead { held });
            }
        }
    }

    /// Takes the page under the shared latch if it is in memory.
    pub fn read_if_cached(&self, id: PageId, access: Access) -> Option<PageRead<'_>> {
        let frame = self.lookup(id)?;
        let held = frame.latch.read();
        (held.id == id).then(|| {
            if access == Access::Normal {
                frame.touch();
            }
            PageRead { held }
        })
    }

    /// Takes the page under the exclusive latch.
    pub fn write(&self, id: PageId) -> Result<PageWrite<'_>> {
        loop {
            let Some(frame) = self.lookup(id) else {
                match self.load(id, Access::Normal)? {
                    Some(page) => return Ok(page),
                    None => continue,
                }
            };
            let held = frame.latch.write();
            if held.id == id {
                frame.touch();
                return Ok(PageWrite { frame, held });
            }
        }
    }

    /// Takes a page under the exclusive latch if it is in memory and nobody holds it.
    pub fn try_write(&self, id: PageId) -> Option<PageWrite<'_>> {
        let frame = self.lookup(id)?;
        let held = frame.latch.try_write()?;
        (held.id == id).then(|| {
            frame.touch();
            PageWrite { frame, held }
        })
    }

    /// Like [`BufferPool::write`]; `None` when the store has no such page. For redo, where a page may be freed later on.
    pub fn write_if_present(&self, id: PageId) -> Result<Option<PageWrite<'_>>> {
        loop {
            if self.lookup(id).is_some() {
                return self.write(id).map(Some);
            }
            let (frame, mut held) = self.victim(Access::Normal)?;
            if !self.store.read(id, held.bytes_mut())? {
                return Ok(None);
            }
            if let Some(page) = self.adopt(id, frame, held, Access::Normal)? {
                return Ok(Some(page));
            }
        }
    }

    /// Takes a frame for a page that has no contents yet (or whose contents do not matter), zeroed, under the exclusive latch.
    pub fn create(&self, id: PageId) -> Result<PageWrite<'_>> {
        loop {
            if self.lookup(id).is_some() {
                let mut page = self.write(id)?;
                page.held.bytes_mut().fill(0);
                return Ok(page);
            }
            let (frame, mut held) = self.victim(Access::Normal)?;
            held.bytes_mut().fill(0);
            if let Some(page) = self.adopt(id, frame, held, Access::Normal)? {
                return Ok(page);
            }
        }
    }

    /// Reads a page into a frame. `None`: somebody else did so meanwhile.
    fn load(&self, id: PageId, access: Access) -> Result<Option<PageWrite<'_>>> {
        let (index, mut held) = self.victim(access)?;
        {
            let mut shard = self.shards[shard_of(id)].lock();
            if shard.frames.contains_key(&id.0) {
                return Ok(None);
            }
            // Entered before it is read: others wait for the latch instead of reading it, too.
            shard.frames.insert(id.0, index as u32);
            held.id = id;
        }
        let outcome = match self.store.read(id, held.bytes_mut()) {
            Ok(true) if page_id(held.bytes()) == id => Ok(()),
            Ok(true) => Err(StoreError::corrupt(id, format!("it says it is page {}", page_id(held.bytes())))),
            Ok(false) => Err(StoreError::corrupt(id, "it has no contents")),
            Err(e) => Err(e),
        };
        if let Err(e) = outcome {
            self.shards[shard_of(id)].lock().frames.remove(&id.0);
            held.id = PageId::NONE;
            return Err(e);
        }
        let frame = &self.frames[index];
        self.loaded(index, frame, access);
        Ok(Some(PageWrite { frame, held }))
    }

    fn loaded(&self, index: usize, frame: &Frame, access: Access) {
        match access {
            Access::Normal => frame.touch(),
            Access::Scan if self.has_room() => {}
            Access::Scan => self.ring.lock().push_back(index as u32),
        }
    }

    /// Whether there are frames that have never been used: a scan need not spare the pool then.
    fn has_room(&self) -> bool {
        self.hand.load(Ordering::Relaxed) < self.frames.len()
    }

    fn adopt<'p>(
        &'p self,
        id: PageId,
        index: usize,
        mut held: RwLockWriteGuard<'p, Held>,
        access: Access,
    ) -> Result<Option<PageWrite<'p>>> {
        {
            let mut shard = self.shards[shard_of(id)].lock();
            if shard.frames.contains_key(&id.0) {
                return Ok(None);
            }
            shard.frames.insert(id.0, index as u32);
            held.id = id;
        }
        let frame = &self.frames[index];
        self.loaded(index, frame, access);
        Ok(Some(PageWrite { frame, held }))
    }

    /// Finds a frame to reuse and empties it.
    fn victim(&self, access: Access) -> Result<(usize, RwLockWriteGuard<'_, Held>)> {
        if access == Access::Scan && !self.has_room() {
            let oldest = {
                let mut ring = self.ring.lock();
                (ring.len() >= self.ring_len).then(|| ring.pop_front()).flatten()
            };
            if let Some(index) = oldest
                && !self.frames[index as usize].referenced.load(Ordering::Relaxed)
                && let Some(held) = self.try_evict(index as usize, true)?
            {
                return Ok((index as usize, held));
            }
        }
        if let Some(found) = self.freed_frame() {
            return Ok(found);
        }
        let count = self.frames.len();
        let mut failure = None;
        for tried in 0..count * 64 {
            let index = self.hand.fetch_add(1, Ordering::Relaxed) % count;
            if self.frames[index].referenced.swap(false, Ordering::Relaxed) {
                continue;
            }
            match self.try_evict(index, tried < CLEAN_TRIES.min(count)) {
                Ok(Some(held)) => return Ok((index, held)),
                Ok(None) => {}
                Err(e @ StoreError::Poisoned { .. }) => return Err(e),
                // The page cannot be written, so it stays; a clean one may still be found.
                Err(e) => {
                    failure = Some(e);
                    if tried > count * 3 {
                        break;
                    }
                }
            }
            if tried > 0 && tried % (count * 4) == 0 {
                std::thread::yield_now();
            }
        }
        Err(failure.unwrap_or_else(|| StoreError::Io {
            what: "find a free buffer".into(),
            source: Arc::new(std::io::Error::other("all buffers are in use")),
        }))
    }

    /// A frame whose page was freed.
    fn freed_frame(&self) -> Option<(usize, RwLockWriteGuard<'_, Held>)> {
        loop {
            let index = self.freed.lock().pop()? as usize;
            if let Some(held) = self.frames[index].latch.try_write()
                && held.id.is_none()
            {
                return Some((index, held));
            }
        }
    }

    /// Touches frames that will be used next for the first time: the system finds and clears memory for them now, on the caller's
    /// thread, and not when a page is wanted. Of a huge page one byte is enough.
    pub fn warm(&self) {
        let hand = self.hand.load(Ordering::Relaxed);
        let until = (hand + self.warm_ahead).min(self.frames.len());
        let mut at = self.warmed.load(Ordering::Relaxed).max(hand);
        while at < until {
            if let Some(mut held) = self.frames[at].latch.try_write()
                && held.id.is_none()
            {
                held.bytes_mut()[0] = 0;
            }
            at += HUGE_BYTES / PAGE_BYTES;
            self.warmed.store(at, Ordering::Relaxed);
        }
    }

    fn try_evict(&self, index: usize, clean_only: bool) -> Result<Option<RwLockWriteGuard<'_, Held>>> {
        let frame = &self.frames[index];
        if clean_only && frame.is_dirty() {
            return Ok(None);
        }
        let Some(mut held) = frame.latch.try_write() else { return Ok(None) };
        if frame.flushing.load(Ordering::SeqCst) != 0 || (clean_only && frame.is_dirty()) {
            return Ok(None);
        }
        if held.id.is_none() {
            return Ok(Some(held));
        }
        if frame.is_dirty() {
            self.tidy(held.bytes_mut());
            self.store.write(held.id, held.bytes())?;
            frame.rec_lsn.store(0, Ordering::SeqCst);
            self.dirty_evictions.fetch_add(1, Ordering::Relaxed);
        }
        self.shards[shard_of(held.id)].lock().frames.remove(&held.id.0);
        held.id = PageId::NONE;
        self.evictions.fetch_add(1, Ordering::Relaxed);
        Ok(Some(held))
    }

    /// Frees a page whose freeing has been logged: the frame forgets it, and so does the store.
    pub fn free(&self, mut page: PageWrite<'_>) {
        let id = page.held.id;
        // A copy on its way to the store must not arrive after the freeing. Its writer needs no latch to finish.
        while page.frame.flushing.load(Ordering::SeqCst) != 0 {
            std::thread::yield_now();
        }
        self.store.free(id);
        page.frame.rec_lsn.store(0, Ordering::SeqCst);
        let index = self.shards[shard_of(id)].lock().frames.remove(&id.0);
        page.held.id = PageId::NONE;
        drop(page);
        if let Some(index) = index {
            let mut freed = self.freed.lock();
            if freed.len() < self.frames.len() {
                freed.push(index);
            }
        }
    }

    /// Gives back a page that [`BufferPool::create`] made and nobody came to use.
    pub fn abandon(&self, page: PageWrite<'_>) {
        self.free(page);
    }

    /// Log position of the oldest change that is not in the page store. The caller read the log's end before (rule 4).
    pub fn oldest_change(&self) -> Option<Lsn> {
        let oldest = |frame: &Frame| {
            let dirty = frame.rec_lsn.load(Ordering::SeqCst);
            let flushing = frame.flushing.load(Ordering::SeqCst);
            [dirty, flushing].into_iter().filter(|&lsn| lsn != 0).min()
        };
        self.frames.iter().filter_map(oldest).min().map(Lsn)
    }

    /// Writes up to `max` dirty pages whose oldest change lies before `before`, oldest first; returns how many.
    pub fn write_dirty(&self, before: Lsn, max: usize) -> Result<usize> {
        let mut dirty: Vec<(u64, usize)> = self
            .frames
            .iter()
            .enumerate()
            .map(|(i, frame)| (frame.rec_lsn.load(Ordering::SeqCst), i))
            .filter(|&(lsn, _)| lsn != 0 && lsn < before.0)
            .collect();
        if max < dirty.len() {
            dirty.select_nth_unstable(max);
            dirty.truncate(max);
        }
        dirty.sort_unstable();
        let mut copy: Box<PageBuf> = Box::new([0; PAGE_BYTES]);
        let mut written = 0;
        for &(_, index) in &dirty {
            written += usize::from(self.write_frame(index, &mut copy)?);
        }
        Ok(written)
    }

    fn write_frame(&self, index: usize, copy: &mut PageBuf) -> Result<bool> {
        let frame = &self.frames[index];
        let id = {
            let held = frame.latch.read();
            let lsn = frame.rec_lsn.load(Ordering::SeqCst);
            if lsn == 0
                || held.id.is_none()
                || frame.flushing.compare_exchange(0, lsn, Ordering::SeqCst, Ordering::SeqCst).is_err()
            {
                return Ok(false);
            }
            copy.copy_from_slice(held.bytes());
            frame.rec_lsn.store(0, Ordering::SeqCst);
            held.id
        };
        self.tidy(copy);
        let outcome = self.store.write(id, copy);
        if outcome.is_err() {
            // Not in the store after all: the old position is older than any change since.
            frame.rec_lsn.store(frame.flushing.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        frame.flushing.store(0, Ordering::SeqCst);
        outcome.map(|()| true)
    }

    /// The counters.
    pub fn stats(&self) -> BufferStats {
        let mut stats = BufferStats {
            frames: self.frames.len() as u64,
            dirty: self.frames.iter().filter(|frame| frame.is_dirty()).count() as u64,
            evictions: self.evictions.load(Ordering::Relaxed),
            dirty_evictions: self.dirty_evictions.load(Ordering::Relaxed),
            oldest_change: self.oldest_change().unwrap_or_default(),
            ..BufferStats::default()
        };
        for shard in &self.shards {
            let shard = shard.lock();
            stats.hits += shard.hits;
            stats.misses += shard.misses;
        }
        stats
    }

    /// The page store below.
    pub fn store(&self) -> &Arc<PageStore> {
        &self.store
    }
}

impl Drop for BufferPool {
    fn drop(&mut self) {
        memory::give_back(self.frames.iter_mut().filter_map(Frame::retire));
    }
}
