//! The log: one stream of bytes, in which a record's LSN is its offset.
//!
//! ```text
//!  append --> buffer --(leader)--> groups of blocks --> segment files
//!    |          memory only           parity per group     4 MB, prepared, recycled
//!    +-- many threads                 one write + one sync per flush
//! ```
//!
//! Rules:
//!
//! 1. What was durable is never written over: a flush goes to blocks that hold nothing durable, or an older version of the
//!    tail ([`writer`]).
//! 2. Any one damaged block of a group is rebuilt from the others ([`block`]).
//! 3. Every block tells up to where the log was durable when it was written, and so does the last checkpoint. Damage below
//!    that is healed or is [`StoreError::LogDamaged`]; only what is above may be missing, and is then the log's clean end.
//! 4. Opening starts a new epoch. What a reader may follow from one epoch into the next is its first group only ([`chain`]),
//!    so that leftovers of a crash are never taken for a continuation.
//! 5. Room is granted when a record is appended, not when it is flushed: [`StoreError::DiskFull`] comes from `append`, and
//!    goes away by itself when there is room again. Reserved room is kept for rollbacks and checkpoints.
//! 6. What is written is durable only when it has been synced, and what nobody waits for is not synced by itself.
//!    A failed sync poisons the log for good; a failed write leaves the records in memory, and the next flush writes them.
//!    Opening writes what nothing says was durable once more: after a failed sync the system may show what the device lacks.
//!
//! Sources: Mohan et al. 1992 (ARIES) for the use of it; DeWitt et al. 1984 for group commit.

mod block;
mod chain;
mod commit;
mod reader;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Record, WalReader};

use crate::env::{Env, OpenMode, Parker};
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use block::{BLOCK_BYTES, DATA_BLOCKS_MAX, PAYLOAD_BYTES};
use chain::{Chain, SEARCH_BLOCKS, first_group};
use commit::{Sleeper, Waiter};
use parking_lot::Mutex;
use reader::{RECORD_HEADER_BYTES, Step};
use segment::{Fill, Folder, Live, Pool, Segment};
use std::path::Path;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, OnceLock};
use writer::{LogEnd, Writer};

/// Blocks that two flushes may take beyond what their bytes need: a tail each, and a fresh pair for its next version.
const SLACK_BLOCKS: u64 = 8;
/// Blocks that may be lost where one segment ends and the next begins.
const BOUNDARY_BLOCKS: u64 = 2;

/// The most segments that are filled with zeros at a time.
const FILLED_AHEAD: usize = 3;

/// How many times its limit the buffer may hold of records that roll back while the log cannot be written.
const OVERFLOW: usize = 4;

/// How a log is set up.
#[derive(Clone, Debug)]
pub struct WalOptions {
    /// The size of a new segment file; existing ones keep theirs.
    pub segment_bytes: u64,
    /// Memory for records that are not yet durable. A record is at most a quarter of it.
    pub buffer_bytes: usize,
    /// Log space that only [`Space::Reserved`] appends may use, beside what [`Wal::reserve`] adds.
    pub reserve_bytes: u64,
    /// At most this many unused segments are kept for reuse.
    pub spare_segments_max: usize,
}

impl Default for WalOptions {
    fn default() -> Self {
        WalOptions {
            segment_bytes: 4 << 20,
            buffer_bytes: 2 << 20,
            reserve_bytes: 256 << 10,
            spare_segments_max: 16,
        }
    }
}

/// Where an appended record lies: its first byte, and the byte behind it (flush up to there).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The record's position.
    pub start: Lsn,
    /// The position behind the record.
    pub end: Lsn,
}

/// Which log space a record may take when the disk is nearly full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Only what is not reserved; `also_reserve` bytes are added to the reserve in the same step (a rollback will need them).
    Normal {
        /// Payload bytes of the compensation record that may follow later; zero for none.
        also_reserve: u64,
    },
    /// The reserve, of which `release` bytes are given back in the same step.
    Reserved {
        /// Payload bytes that were reserved for this record; zero for none.
        release: u64,
    },
}

/// What a step function wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call again: there is more to do.
    Again,
    /// Nothing to do until something happens.
    Idle,
}

/// Counters of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct WalStats {
    /// Flushes that reached the disk since open.
    pub flushes: u64,
    /// Bytes of all segment files.
    pub disk_bytes: u64,
    /// Bytes that rollbacks and checkpoints may count on.
    pub reserved_bytes: u64,
}

/// A function that is told once that the log is durable up to a position, or that it cannot become so.
pub type DurableCallback = Box<dyn FnOnce(Result<()>) + Send>;

/// Records that are not durable.
struct Buffer {
    /// The stream from `base` on.
    bytes: Vec<u8>,
    base: Lsn,
    /// Bytes that a leader has taken and not yet made durable.
    in_flight: usize,
    /// Blocks that flushes may still use.
    room_blocks: u64,
    /// Bytes of room that normal appends leave.
    reserved: u64,
}

impl Buffer {
    fn end(&self) -> Lsn {
        Lsn(self.base.0 + self.bytes.len() as u64)
    }

    /// Whether `bytes` more can be appended, and `kept` bytes of room are left then.
    fn has_room(&self, bytes: u64, kept: u64) -> bool {
        self.fits(bytes, kept, self.room_blocks)
    }

    /// Whether they could be if there were so many blocks.
    fn fits(&self, bytes: u64, kept: u64, room_blocks: u64) -> bool {
        let bytes = (self.bytes.len() + self.in_flight) as u64 + bytes + kept;
        let data_blocks = bytes / PAYLOAD_BYTES as u64 + 1;
        data_blocks + data_blocks.div_ceil(DATA_BLOCKS_MAX as u64) + SLACK_BLOCKS <= room_blocks
    }
}

/// Room for a record of so many payload bytes.
fn record_bytes(payload: u64) -> u64 {
    if payload == 0 { 0 } else { payload + RECORD_HEADER_BYTES as u64 }
}

/// The log of one data directory.
pub struct Wal {
    env: Arc<dyn Env>,
    folder: Arc<Folder>,
    options: WalOptions,
    buffer: Mutex<Buffer>,
    end: AtomicU64,
    durable: AtomicU64,
    /// Blocks left in the segment that is being written.
    left_blocks: AtomicU64,
    flushes: AtomicU64,
    writer: Mutex<Writer>,
    waiters: Mutex<Vec<Waiter>>,
    /// Who waits for room in the buffer.
    starving: Mutex<Vec<Arc<Sleeper>>>,
    /// The flusher thread's loop is running.
    has_flusher: AtomicBool,
    /// When everything was durable last, by the monotonic clock.
    last_sync: AtomicU64,
    pool: Mutex<Pool>,
    /// Held by who makes or recycles segments; taken before `pool`, which is taken before `buffer`.
    preparing: Mutex<()>,
    /// Where the log ended when it was opened.
    opened: LogEnd,
    poison: OnceLock<String>,
    flusher: Parker,
    closed: AtomicBool,
}

impl Wal {
    /// Makes a new, empty log in `dir` (its folder `wal/`); the first record will be at `first`.
    /// Clears what an earlier creation left unfinished, but refuses when there is a page store beside it.
    pub fn create(env: Arc<dyn Env>, dir: &Path, options: WalOptions, first: Lsn) -> Result<Wal> {
        if env.open(&dir.join("data").join("pages"), OpenMode::Read).is_ok() {
            return Err(StoreError::io("create the log", std::io::ErrorKind::AlreadyExists.into()));
        }
        let folder = Arc::new(Folder::new(env.clone(), dir));
        folder.create()?;
        let segment = folder.prepare(1, options.segment_bytes, Fill::Zeros)?;
        let mut id = [0u8; 4];
        env.random(&mut id);
        let empty = LogEnd { epoch: 1, lsn: first, whole: first };
        let mut writer = Writer::new(u32::from_le_bytes(id), 1, segment.clone(), 0, empty);
        writer.write_anchor()?;
        segment.file.sync_data().map_err(|e| StoreError::poisoned(format_args!("log: {e}")))?;
        env.sync_dir(dir).map_err(|e| StoreError::io("sync the name of the log folder", e))?;
        let mut pool = Pool::default();
        pool.live.push_back(Live { number: 1, first, blocks: segment.blocks });
        Ok(Wal::new(env, folder, options, writer, pool))
    }

    fn new(
        env: Arc<dyn Env>,
        folder: Arc<Folder>,
        mut options: WalOptions,
        writer: Writer,
        pool: Pool,
    ) -> Wal {
        let written = writer.written;
        let opened = writer.opening().unwrap_or(LogEnd { epoch: 1, lsn: written, whole: written });
        options.segment_bytes = (options.segment_bytes / BLOCK_BYTES as u64).max(segment::SEGMENT_BLOCKS_MIN)
            * BLOCK_BYTES as u64;
        let wal = Wal {
            env,
            folder,
            buffer: Mutex::new(Buffer {
                bytes: Vec::new(),
                base: written,
                in_flight: 0,
                room_blocks: 0,
                reserved: options.reserve_bytes,
            }),
            options,
            end: AtomicU64::new(written.0),
            durable: AtomicU64::new(written.0),
            left_blocks: AtomicU64::new(writer.left_blocks()),
            flushes: AtomicU64::new(0),
            writer: Mutex::new(writer),
            waiters: Mutex::default(),
            starving: Mutex::default(),
            has_flusher: AtomicBool::new(false),
            last_sync: AtomicU64::new(0),
            pool: Mutex::new(pool),
            preparing: Mutex::new(()),
            opened,
            poison: OnceLock::new(),
            flusher: Parker::new(),
            closed: AtomicBool::new(false),
        };
        wal.update_room();
        wal
    }

    /// Opens the log and finds its end. Everything from `from`, a record's position, is still there, and up to `durable_floor` it was durable.
    pub fn open(
        env: Arc<dyn Env>,
        dir: &Path,
        options: WalOptions,
        from: Lsn,
        durable_floor: Lsn,
    ) -> Result<Wal> {
        let folder = Arc::new(Folder::new(env.clone(), dir));
        let numbers = folder.numbers()?;
        // After a mere process crash files and names show what the device need not have yet.
        for number in &numbers {
            let segment = folder.open(*number, OpenMode::ReadWrite)?;
            segment.file.sync_data().map_err(|e| StoreError::poisoned(format_args!("log: {e}")))?;
        }
        folder.sync()?;
        let chain = find_start(&folder, &numbers, OpenMode::ReadWrite, from)?;
        let start = chain.segment.number;
        let log_id = chain.log_id;
        let mut reader = WalReader::new(chain, from, Lsn(u64::MAX), options.buffer_bytes);
        let mut mended = 0u64;
        loop {
            match reader.step()? {
                Step::Record(bytes) => {
                    reader.take(bytes);
                }
                Step::Healed(group, index) => {
                    let chain = reader.chain();
                    tracing::warn!(
                        "healed page {} of log segment {:016x}, at {}: it was rebuilt from parity",
                        group.base + u32::from(index),
                        group.segment,
                        group.start
                    );
                    let at = u64::from(group.base + u32::from(index)) * BLOCK_BYTES as u64;
                    let block = &chain.blocks[usize::from(index) * BLOCK_BYTES..][..BLOCK_BYTES];
                    chain.segment.file.write_at(block, at).map_err(|e| StoreError::io("mend the log", e))?;
                    chain
                        .segment
                        .file
                        .sync_data()
                        .map_err(|e| StoreError::poisoned(format_args!("log: {e}")))?;
                    mended += 1;
                }
                Step::End => break,
            }
        }
        let record_end = reader.position();
        let chain = reader.chain();
        let last = chain.segment.number;
        let later: Vec<u64> = numbers.iter().copied().filter(|number| *number > last).collect();
        let (durable, epoch) = chain.look_ahead(&later)?;
        let floor = durable_floor.max(durable).max(from);
        // A flush ends with a whole record, so that the records up to the floor are whole when the bytes are.
        if chain.end < floor {
            let lsn = chain.end.min(record_end);
            return Err(StoreError::LogDamaged { lsn, what: format!("it was durable up to {floor}") });
        }
        chain.settle(floor)?;
        let mut pool = Pool::default();
        for number in numbers.iter().copied().filter(|number| *number <= last) {
            let segment = folder.open(number, OpenMode::Read)?;
            // What lies before the start is not needed. A damaged first group keeps its segment from being recycled early.
            let first = if number < start {
                Lsn::NONE
            } else {
                first_group(&segment).map_or(Lsn(u64::MAX), |group| group.start)
            };
            pool.live.push_back(Live { number, first, blocks: segment.blocks });
        }
        for number in later {
            adopt_later(&folder, &mut pool, number)?;
        }
        tracing::info!(
            "opened the log: records from {from} to {record_end}, epoch {}, {mended} blocks mended",
            epoch + 1
        );
        let end = LogEnd { epoch: chain.epoch, lsn: chain.end, whole: record_end };
        let writer = Writer::new(log_id, epoch + 1, chain.segment.clone(), chain.clear, end);
        Ok(Wal::new(env, folder, options, writer, pool))
    }

    /// Fails when a sync has failed.
    pub fn check_poison(&self) -> Result<()> {
        match self.poison.get() {
            Some(what) => Err(StoreError::Poisoned { what: what.clone() }),
            None => Ok(()),
        }
    }

    /// Half of the memory is for the buffer, the other half for what a leader has taken.
    fn buffer_limit(&self) -> usize {
        self.options.buffer_bytes / 2
    }

    /// The largest payload of a record.
    pub fn record_bytes_max(&self) -> usize {
        self.options.buffer_bytes / 4
    }

    /// Appends one record, the concatenation of `parts`, in memory. Waits only when the buffer is full.
    pub fn append(&self, parts: &[&[u8]]) -> Result<Appended> {
        self.append_with(parts, Space::Normal { also_reserve: 0 })
    }

    /// Appends one record and says which space it may take.
    ///
    /// # Errors
    /// `DiskFull` when there is no room: nothing was appended, reads and rollbacks go on, and the call succeeds when there is room again.
    pub fn append_with(&self, parts: &[&[u8]], space: Space) -> Result<Appended> {
        let payload: usize = parts.iter().map(|part| part.len()).sum();
        if payload > self.record_bytes_max() {
            return Err(StoreError::TooLarge {
                what: "log record",
                bytes: payload as u64,
                limit: self.record_bytes_max() as u64,
            });
        }
        let crc = parts.iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
        let bytes = RECORD_HEADER_BYTES + payload;
        let mut limit = self.buffer_limit();
        loop {
            self.check_poison()?;
            let mut buffer = self.buffer.lock();
            if buffer.bytes.len() + bytes > limit {
                let end = buffer.end();
                drop(buffer);
                match self.drain(end) {
                    // A rollback does not fail because a flush does: its records wait in memory for the next one.
                    Err(StoreError::Io { .. } | StoreError::DiskFull { .. })
                        if matches!(space, Space::Reserved { .. }) && limit == self.buffer_limit() =>
                    {
                        limit *= OVERFLOW;
                    }
                    outcome => outcome?,
                }
                continue;
            }
            let kept = match space {
                Space::Normal { also_reserve } => buffer.reserved + record_bytes(also_reserve),
                Space::Reserved { .. } => 0,
            };
            if !buffer.has_room(bytes as u64, kept) {
                let known = buffer.room_blocks;
                drop(buffer);
                self.extend(known)?;
                continue;
            }
            match space {
                Space::Normal { .. } => buffer.reserved = kept,
                Space::Reserved { release } => {
                    buffer.reserved =
                        buffer.reserved.saturating_sub(record_bytes(release)).max(self.options.reserve_bytes)
                }
            }
            let start = buffer.end();
            buffer.bytes.extend_from_slice(&(payload as u32).to_le_bytes());
            buffer.bytes.extend_from_slice(&crc.to_le_bytes());
            for part in parts {
                buffer.bytes.extend_from_slice(part);
            }
            let end = buffer.end();
            self.end.store(end.0, Release);
            let (before, now) = (buffer.bytes.len() - bytes, buffer.bytes.len());
            drop(buffer);
            // Half full: the flusher thread may begin, so that nobody has to wait when it is full.
            let half = self.buffer_limit() / 2;
            if before < half && now >= half {
                self.kick();
            }
            return Ok(Appended { start, end });
        }
    }

    /// Keeps room for a record of `bytes` of payload that only [`Space::Reserved`] appends may take.
    pub fn reserve(&self, bytes: u64) -> Result<()> {
        loop {
            self.check_poison()?;
            let mut buffer = self.buffer.lock();
            let kept = buffer.reserved + record_bytes(bytes);
            if buffer.has_room(0, kept) {
                buffer.reserved = kept;
                return Ok(());
            }
            let known = buffer.room_blocks;
            drop(buffer);
            self.extend(known)?;
        }
    }

    /// Gives reserved room back: what [`Wal::reserve`] or `also_reserve` was called with, once each.
    pub fn release(&self, bytes: u64) {
        let mut buffer = self.buffer.lock();
        buffer.reserved = buffer.reserved.saturating_sub(record_bytes(bytes)).max(self.options.reserve_bytes);
    }

    /// Prepares one more segment, unless somebody else changed the room meanwhile.
    fn extend(&self, known_room_blocks: u64) -> Result<()> {
        let _preparing = self.preparing.lock();
        if self.buffer.lock().room_blocks != known_room_blocks {
            return Ok(());
        }
        self.prepare_segment(Fill::Nothing)
    }

    /// The flusher thread's: makes a segment when the one in use is half full and there is none behind it. Nothing depends on it:
    /// who needs a segment makes one.
    fn keep_ahead(&self) {
        if self.half_full()
            && let Some(_preparing) = self.preparing.try_lock()
            && self.pool.lock().prepared.is_empty()
            && let Err(error) = self.prepare_segment(Fill::Nothing)
        {
            tracing::debug!("no segment ahead of need: {error}");
        }
    }

    fn half_full(&self) -> bool {
        self.left_blocks.load(Acquire) <= self.options.segment_bytes / BLOCK_BYTES as u64 / 2
    }

    /// Makes a segment; the caller holds `preparing`.
    fn prepare_segment(&self, fill: Fill) -> Result<()> {
        let number = self.pool.lock().next_number();
        let segment = self.folder.prepare(number, self.options.segment_bytes, fill)?;
        self.pool.lock().prepared.push_back(segment);
        self.update_room();
        Ok(())
    }

    /// Tells the appenders how many blocks there are.
    fn update_room(&self) {
        let pool = self.pool.lock();
        let mut buffer = self.buffer.lock();
        let prepared = pool.prepared_blocks().saturating_sub(BOUNDARY_BLOCKS * pool.prepared.len() as u64);
        buffer.room_blocks = self.left_blocks.load(Acquire) + prepared;
    }

    /// Takes the next segment for the leader.
    fn claim(&self, first: Lsn) -> Result<Segment> {
        loop {
            {
                let mut pool = self.pool.lock();
                if let Some(segment) = pool.prepared.pop_front() {
                    pool.claimed += 1;
                    pool.live.push_back(Live { number: segment.number, first, blocks: segment.blocks });
                    return Ok(segment);
                }
            }
            let _preparing = self.preparing.lock();
            if self.pool.lock().prepared.is_empty() {
                self.prepare_segment(Fill::Nothing)?;
            }
        }
    }

    /// Takes segments back that a leader claimed in vain.
    fn give_back(&self, claimed: Vec<Segment>) {
        let mut pool = self.pool.lock();
        for segment in claimed.into_iter().rev() {
            pool.live.pop_back();
            pool.prepared.push_front(segment);
        }
    }

    /// Prepares segments ahead of need, as many as were taken since the last call and one more when the one in use is half full; called by a background thread about
    /// every 100 ms. Where they are taken faster than a few in that time, syncs are few for what is written, and who takes one
    /// makes it himself.
    pub fn prepare_step(&self) -> Result<Next> {
        self.check_poison()?;
        let Some(_preparing) = self.preparing.try_lock() else { return Ok(Next::Idle) };
        let missing = {
            let mut pool = self.pool.lock();
            let claimed = std::mem::take(&mut pool.claimed);
            // A log that grows slowly needs none before the segment in use is half full.
            let next = usize::from(self.half_full());
            let wanted = claimed.min(FILLED_AHEAD).min(self.options.spare_segments_max) + next;
            wanted.saturating_sub(pool.prepared.len())
        };
        for _ in 0..missing {
            self.prepare_segment(Fill::Zeros)?;
        }
        Ok(Next::Idle)
    }

    /// Everything below is durable.
    pub fn durable_lsn(&self) -> Lsn {
        Lsn(self.durable.load(Acquire))
    }

    /// The position of the next record.
    pub fn end_lsn(&self) -> Lsn {
        Lsn(self.end.load(Acquire))
    }

    /// Bytes of the segment files that recovery from `from` would need: with many small flushes this is more than the
    /// difference of LSNs, and a checkpoint may be due for it.
    pub fn disk_bytes_since(&self, from: Lsn) -> u64 {
        let pool = self.pool.lock();
        let needed = (0..pool.live.len())
            .filter(|index| pool.live.get(index + 1).is_none_or(|next| next.first > from));
        needed.map(|index| u64::from(pool.live[index].blocks) * BLOCK_BYTES as u64).sum()
    }

    /// The counters.
    pub fn stats(&self) -> WalStats {
        let reserved_bytes = self.buffer.lock().reserved;
        let pool = self.pool.lock();
        let live: u64 = pool.live.iter().map(|live| u64::from(live.blocks)).sum();
        WalStats {
            flushes: self.flushes.load(Acquire),
            disk_bytes: (live + pool.prepared_blocks()) * BLOCK_BYTES as u64,
            reserved_bytes,
        }
    }

    /// Tells that nothing before `keep_from` is needed any more: whole segments below it are reused or removed. As many are
    /// kept for reuse as were lately used from one call to the next.
    pub fn recycle(&self, keep_from: Lsn) -> Result<()> {
        self.check_poison()?;
        let _preparing = self.preparing.lock();
        let (taken, mut next, spare) = {
            let mut pool = self.pool.lock();
            // Only what is durable can be found again: a segment that was just begun need not be.
            let taken = pool.take_below(keep_from, self.durable_lsn());
            // Follows a growing demand at once and a falling one slowly, as PostgreSQL's estimate does.
            pool.demand = taken.len().max(pool.demand - pool.demand.div_ceil(10));
            let wanted = pool.demand.min(self.options.spare_segments_max);
            (taken, pool.next_number(), wanted.saturating_sub(pool.prepared.len()))
        };
        let mut renumbered = Vec::new();
        for live in &taken {
            if renumbered.len() < spare
                && u64::from(live.blocks) == self.options.segment_bytes / BLOCK_BYTES as u64
            {
                self.folder.renumber(live.number, next)?;
                renumbered.push(next);
                next += 1;
            } else {
                self.folder.remove(live.number)?;
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        // Under its old name a segment would lose what is written into it now.
        self.folder.sync()?;
        for number in renumbered {
            let segment = self.folder.open(number, OpenMode::ReadWrite)?;
            self.pool.lock().prepared.push_back(segment);
        }
        self.update_room();
        Ok(())
    }

    /// Gives the room of prepared segments back to the file system, but for what is reserved.
    pub fn give_back_spares(&self) -> Result<()> {
        self.check_poison()?;
        let _preparing = self.preparing.lock();
        loop {
            let number = {
                let mut pool = self.pool.lock();
                let mut buffer = self.buffer.lock();
                let Some(last) = pool.prepared.back() else { return Ok(()) };
                let left = buffer.room_blocks.saturating_sub(u64::from(last.blocks) - BOUNDARY_BLOCKS);
                if !buffer.fits(0, buffer.reserved, left) {
                    return Ok(());
                }
                let number = last.number;
                buffer.room_blocks = left;
                pool.prepared.pop_back();
                pool.demand = 0;
                number
            };
            self.folder.remove(number)?;
        }
    }

    /// Reads records from the one at `from` to the end of what is durable now.
    pub fn reader(&self, from: Lsn) -> Result<WalReader> {
        let numbers: Vec<u64> = self.pool.lock().live.iter().map(|live| live.number).collect();
        // What lies behind the last whole record of an earlier life is none; with a flush the log goes on behind it.
        let durable = self.durable_lsn();
        let limit = if durable == self.opened.lsn { self.opened.whole } else { durable };
        let chain = find_start(&self.folder, &numbers, OpenMode::Read, from)?;
        Ok(WalReader::new(chain, from, limit, self.options.buffer_bytes))
    }
}

/// Finds the segment that holds `from`.
fn find_start(folder: &Arc<Folder>, numbers: &[u64], mode: OpenMode, from: Lsn) -> Result<Chain> {
    for number in numbers.iter().rev() {
        let segment = folder.open(*number, mode)?;
        if let Some(chain) = Chain::start(folder.clone(), mode, segment, from)? {
            return Ok(chain);
        }
    }
    Err(StoreError::LogDamaged { lsn: from, what: "no log segment holds it".into() })
}

/// Makes a segment behind the end of the log a prepared one: what it holds was never durable, and must not be found later.
fn adopt_later(folder: &Folder, pool: &mut Pool, number: u64) -> Result<()> {
    let segment = folder.open(number, OpenMode::ReadWrite)?;
    if number != pool.next_number() || u64::from(segment.blocks) < segment::SEGMENT_BLOCKS_MIN {
        return folder.remove(number);
    }
    let zeros = vec![0u8; SEARCH_BLOCKS as usize * BLOCK_BYTES];
    segment.file.write_at(&zeros, 0).map_err(|e| StoreError::io("clear a log segment", e))?;
    segment.file.sync_data().map_err(|e| StoreError::poisoned(format_args!("log: {e}")))?;
    pool.prepared.push_back(segment);
    Ok(())
}
