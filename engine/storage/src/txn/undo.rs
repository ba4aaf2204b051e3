//! Undo logs: the older versions of records, and what a rollback has to do.
//!
//! Each writing transaction has one log, a sequence of entries in chunks. A position in it never changes its meaning and
//! is never used twice, so positions also order a transaction's own writes: they are its command ids. A record's stamp
//! {xid, position} leads to the entry that made the version in place; the entry holds the version before it, with the
//! stamp of *its* writer: that is the version chain.
//!
//! Logs live in memory. Beyond the budget of [`UndoSpace`], a writer moves its own full chunks to a temporary file. After a
//! crash nobody needs them: the write-ahead log has what undoing losers takes.

use crate::env::{Env, File, OpenMode};
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId, TreeId};
use crate::page::{SlotFlags, Stamp};
use crate::recovery::record::Entries;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CHUNK: usize = 64 << 10;
/// Capacity a chunk begins with.
const FIRST_BYTES: usize = 512;
const FIXED: usize = 46;

/// The version before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prior<'a> {
    /// Its flags (deleted, large).
    pub flags: SlotFlags,
    /// Its writer; `None` when frozen.
    pub stamp: Option<Stamp>,
    /// Its value.
    pub value: &'a [u8],
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A record appeared.
    Insert {
        /// Its tree.
        tree: TreeId,
        /// Its key.
        key: &'a [u8],
    },
    /// A record changed.
    Change {
        /// Its tree.
        tree: TreeId,
        /// Its key.
        key: &'a [u8],
        /// What it was.
        prior: Prior<'a>,
    },
    /// Consecutive row ids appeared.
    Range {
        /// Their tree.
        tree: TreeId,
        /// First row id.
        first: u64,
        /// Last row id, included.
        last: u64,
    },
    /// Records appeared.
    Many {
        /// Their tree.
        tree: TreeId,
        /// They themselves.
        entries: Entries<'a>,
    },
    /// A page was made.
    Page {
        /// The page.
        page: PageId,
    },
}

/// An entry taken out of the log, for rollback.
#[derive(Clone, Debug)]
pub struct Undone {
    /// Where the log record of the change is.
    pub lsn: Lsn,
    raw: Vec<u8>,
}

impl Undone {
    /// The entry.
    pub fn entry(&self) -> Entry<'_> {
        decode(&self.raw).2
    }
}

enum Data {
    Memory(Vec<u8>),
    Spilled { offset: u64, len: usize },
}

struct Chunk {
    base: u64,
    data: Data,
}

/// One transaction's undo log.
pub struct UndoLog {
    space: Arc<UndoSpace>,
    chunks: Vec<Chunk>,
    next: u64,
    last: u64,
}

fn word(raw: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&raw[at..at + 8]);
    u64::from_le_bytes(bytes)
}

fn half(raw: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]])
}

/// `[previous entry u64][lsn u64][kind u8][flags u8][tree u32][prior xid u64][prior undo u64][key len u32][value len u32]`
fn encode(out: &mut Vec<u8>, previous: u64, lsn: Lsn, entry: &Entry<'_>) {
    let none: &[u8] = &[];
    let (first_key, last_key);
    let (kind, flags, tree, stamp, key, value) = match *entry {
        Entry::Insert { tree, key } => (1u8, 0, tree, None, key, none),
        Entry::Change { tree, key, prior } => (2, prior.flags.0 as u8, tree, prior.stamp, key, prior.value),
        Entry::Range { tree, first, last } => {
            (first_key, last_key) = (first.to_be_bytes(), last.to_be_bytes());
            (3, 0, tree, None, &first_key[..], &last_key[..])
        }
        Entry::Many { tree, entries } => (5, 0, tree, None, entries.0, none),
        Entry::Page { page } => (4, 0, TreeId(0), Some(Stamp { xid: page.0, undo: 0 }), none, none),
    };
    let stamp = stamp.unwrap_or(Stamp { xid: 0, undo: 0 });
    out.extend_from_slice(&previous.to_le_bytes());
    out.extend_from_slice(&lsn.0.to_le_bytes());
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&tree.0.to_le_bytes());
    out.extend_from_slice(&stamp.xid.to_le_bytes());
    out.extend_from_slice(&stamp.undo.to_le_bytes());
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

fn decode(raw: &[u8]) -> (u64, Lsn, Entry<'_>, usize) {
    let tree = TreeId(half(raw, 18));
    let stamp = Stamp { xid: word(raw, 22), undo: word(raw, 30) };
    let (key_len, value_len) = (half(raw, 38) as usize, half(raw, 42) as usize);
    let key = &raw[FIXED..FIXED + key_len];
    let value = &raw[FIXED + key_len..FIXED + key_len + value_len];
    let row_id = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("a row id has eight bytes"));
    let entry = match raw[16] {
        1 => Entry::Insert { tree, key },
        2 => {
            let prior = Prior {
                flags: SlotFlags(u16::from(raw[17])),
                stamp: (stamp.xid != 0).then_some(stamp),
                value,
            };
            Entry::Change { tree, key, prior }
        }
        3 => Entry::Range { tree, first: row_id(key), last: row_id(value) },
        5 => Entry::Many { tree, entries: Entries(key) },
        _ => Entry::Page { page: PageId(stamp.xid) },
    };
    (word(raw, 0), Lsn(word(raw, 8)), entry, FIXED + key_len + value_len)
}

impl UndoLog {
    /// An empty log.
    pub fn new(space: Arc<UndoSpace>) -> UndoLog {
        UndoLog { space, chunks: Vec::new(), next: 1, last: 0 }
    }

    /// The position the next entry will get.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Position of the newest entry; 0 when there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Moves every chunk of some size to the temporary file: to be called before a push when memory is short.
    pub fn spill(&mut self) -> Result<()> {
        for chunk in &mut self.chunks {
            if let Data::Memory(bytes) = &chunk.data
                && bytes.len() >= CHUNK / 4
            {
                let offset = self.space.write(bytes)?;
                let len = bytes.len();
                self.space.memory.fetch_sub(len as u64, Ordering::Relaxed);
                chunk.data = Data::Spilled { offset, len };
            }
        }
        Ok(())
    }

    /// Appends an entry; returns its position.
    pub fn push(&mut self, lsn: Lsn, entry: &Entry<'_>) -> u64 {
        let fits = matches!(self.chunks.last(), Some(Chunk { data: Data::Memory(bytes), .. }) if bytes.len() < CHUNK);
        if !fits {
            // Room for the few entries of a small transaction at once.
            self.chunks.push(Chunk { base: self.next, data: Data::Memory(Vec::with_capacity(FIRST_BYTES)) });
        }
        let (position, previous) = (self.next, self.last);
        if let Some(Chunk { data: Data::Memory(bytes), .. }) = self.chunks.last_mut() {
            let before = bytes.len();
            encode(bytes, previous, lsn, entry);
            let len = (bytes.len() - before) as u64;
            self.space.memory.fetch_add(len, Ordering::Relaxed);
            self.next += len;
        }
        self.last = position;
        position
    }

    fn with_raw<R>(&self, position: u64, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        let missing =
            || StoreError::Corrupt { page: None, what: format!("undo position {position} does not exist") };
        let index =
            self.chunks.partition_point(|chunk| chunk.base <= position).checked_sub(1).ok_or_else(missing)?;
        let chunk = &self.chunks[index];
        let at = (position - chunk.base) as usize;
        match &chunk.data {
            Data::Memory(bytes) if at < bytes.len() => Ok(f(&bytes[at..])),
            Data::Spilled { offset, len } if at < *len => {
                let bytes = self.space.read(*offset, *len)?;
                Ok(f(&bytes[at..]))
            }
            _ => Err(missing()),
        }
    }

    /// Shows the entry at a position.
    pub fn with<R>(&self, position: u64, f: impl FnOnce(Lsn, Entry<'_>) -> R) -> Result<R> {
        self.with_raw(position, |raw| {
            let (_, lsn, entry, _) = decode(raw);
            f(lsn, entry)
        })
    }

    /// Shows every entry from `from` on, newest first.
    pub fn for_each(&self, from: u64, mut f: impl FnMut(Entry<'_>)) -> Result<()> {
        let mut at = self.last;
        while at >= from && at != 0 {
            at = self.with_raw(at, |raw| {
                let (previous, _, entry, _) = decode(raw);
                f(entry);
                previous
            })?;
        }
        Ok(())
    }

    /// Copies out the newest entry at or after `from`.
    pub fn newest(&self, from: u64) -> Result<Option<Undone>> {
        if self.last < from || self.last == 0 {
            return Ok(None);
        }
        self.with_raw(self.last, |raw| {
            let (_, lsn, _, len) = decode(raw);
            Some(Undone { lsn, raw: raw[..len].to_vec() })
        })
    }

    /// Removes the newest entry, whose change has been undone.
    pub fn pop(&mut self) -> Result<()> {
        let position = self.last;
        let previous = self.with_raw(position, |raw| decode(raw).0)?;
        self.last = previous;
        while let Some(chunk) = self.chunks.last_mut() {
            if chunk.base >= position {
                let chunk = self.chunks.pop().expect("it is the last one");
                self.space.give_back(&chunk.data);
                continue;
            }
            if let Data::Memory(bytes) = &mut chunk.data {
                // An entry that began a chunk of its own lies behind all of the chunk before.
                let keep = bytes.len().min((position - chunk.base) as usize);
                self.space.memory.fetch_sub((bytes.len() - keep) as u64, Ordering::Relaxed);
                bytes.truncate(keep);
            }
            break;
        }
        // Positions are not reused: what is pushed next goes to a chunk with a new base.
        if let Some(Chunk { base, data: Data::Memory(bytes) }) = self.chunks.last()
            && *base + (bytes.len() as u64) < self.next
        {
            self.chunks.push(Chunk { base: self.next, data: Data::Memory(Vec::new()) });
        }
        self.drop_empty_middle();
        Ok(())
    }

    /// A chunk that popping left empty in front of the newest one is of no use.
    fn drop_empty_middle(&mut self) {
        while let [.., before, _] = self.chunks.as_slice()
            && matches!(&before.data, Data::Memory(bytes) if bytes.is_empty())
        {
            let at = self.chunks.len() - 2;
            self.chunks.remove(at);
        }
    }

    /// Forgets entries since `from` whose effect another record has taken over; their pages belong to a tree now.
    pub fn forget_since(&mut self, from: u64) -> Result<()> {
        while self.last >= from && self.last != 0 {
            self.pop()?;
        }
        Ok(())
    }
}

impl Drop for UndoLog {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            self.space.give_back(&chunk.data);
        }
    }
}

/// Memory and temporary file shared by all undo logs.
pub struct UndoSpace {
    env: Arc<dyn Env>,
    path: PathBuf,
    budget: u64,
    memory: AtomicU64,
    spill: Mutex<Spill>,
}

#[derive(Default)]
struct Spill {
    file: Option<Arc<dyn File>>,
    end: u64,
    live: u64,
}

impl UndoSpace {
    /// Space of `budget` bytes in memory, spilling to the file `path`.
    pub fn new(env: Arc<dyn Env>, path: PathBuf, budget: usize) -> UndoSpace {
        UndoSpace { env, path, budget: budget as u64, memory: AtomicU64::new(0), spill: Mutex::default() }
    }

    /// Bytes in memory.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// Bytes in the temporary file.
    pub fn spilled_bytes(&self) -> u64 {
        self.spill.lock().live
    }

    /// Whether `more` bytes would be too many for the memory.
    pub fn over_budget(&self, more: usize) -> bool {
        self.memory.load(Ordering::Relaxed) + more as u64 > self.budget
    }

    fn write(&self, bytes: &[u8]) -> Result<u64> {
        let mut spill = self.spill.lock();
        let file = match &spill.file {
            Some(file) => Arc::clone(file),
            None => {
                let opened = self
                    .env
                    .open(&self.path, OpenMode::Create)
                    .map_err(|e| StoreError::io("create the undo file", e))?;
                spill.file = Some(Arc::clone(&opened));
                opened
            }
        };
        let offset = spill.end;
        file.write_at(bytes, offset).map_err(|e| StoreError::io("write the undo file", e))?;
        spill.end += bytes.len() as u64;
        spill.live += bytes.len() as u64;
        Ok(offset)
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let file = self.spill.lock().file.clone();
        let file =
            file.ok_or_else(|| StoreError::Corrupt { page: None, what: "the undo file is missing".into() })?;
        let mut bytes = vec![0; len];
        let got = crate::env::read_full(&*file, &mut bytes, offset)
            .map_err(|e| StoreError::io("read the undo file", e))?;
        if got < len {
            return Err(StoreError::Corrupt { page: None, what: "the undo file is too short".into() });
        }
        Ok(bytes)
    }

    fn give_back(&self, data: &Data) {
        match data {
            Data::Memory(bytes) => {
                self.memory.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
            }
            Data::Spilled { len, .. } => {
                let mut spill = self.spill.lock();
                spill.live -= *len as u64;
                if spill.live == 0 {
                    spill.end = 0;
                    if let Some(file) = spill.file.take() {
                        drop(file);
                        // A leftover file is reused by the next spill.
                        let _ = self.env.remove(&self.path);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::os::OsEnv;

    fn space(budget: usize) -> Arc<UndoSpace> {
        let path = std::env::temp_dir().join(format!("nq-undo-{}-{budget}", std::process::id()));
        Arc::new(UndoSpace::new(Arc::new(OsEnv::new()), path, budget))
    }

    #[test]
    fn entries_come_back_and_positions_are_not_reused() {
        let mut log = UndoLog::new(space(1 << 20));
        let prior = Prior { flags: SlotFlags::LARGE, stamp: Some(Stamp { xid: 4, undo: 9 }), value: b"old" };
        let first = log.push(Lsn(10), &Entry::Insert { tree: TreeId(5), key: b"k" });
        let second = log.push(Lsn(20), &Entry::Change { tree: TreeId(5), key: b"k", prior });
        log.with(second, |lsn, entry| {
            assert_eq!((lsn, entry), (Lsn(20), Entry::Change { tree: TreeId(5), key: b"k", prior }));
        })
        .unwrap();
        assert_eq!(log.newest(second).unwrap().map(|u| u.lsn), Some(Lsn(20)));
        log.pop().unwrap();
        assert!(log.newest(second).unwrap().is_none());
        let third = log.push(Lsn(30), &Entry::Range { tree: TreeId(5), first: 3, last: 9 });
        assert!(third > second);
        assert!(log.with(second, |_, _| ()).is_err());
        let many = Entry::Many { tree: TreeId(5), entries: Entries(&[0, 1, 7, 0]) };
        let fourth = log.push(Lsn(40), &many);
        log.with(fourth, |_, entry| assert_eq!(entry, many)).unwrap();
        log.pop().unwrap();
        log.with(first, |_, entry| assert_eq!(entry, Entry::Insert { tree: TreeId(5), key: b"k" })).unwrap();
        let mut seen = 0;
        log.for_each(1, |_| seen += 1).unwrap();
        assert_eq!(seen, 2);
    }

    #[test]
    fn a_spilled_log_reads_and_unwinds() {
        let space = space(100_000);
        let mut log = UndoLog::new(Arc::clone(&space));
        let value = [7u8; 1000];
        let mut positions = Vec::new();
        for i in 0..500u64 {
            if space.over_budget(1100) {
                log.spill().unwrap();
            }
            let prior = Prior { flags: SlotFlags(0), stamp: None, value: &value };
            positions
                .push(log.push(Lsn(i + 1), &Entry::Change { tree: TreeId(1), key: &i.to_be_bytes(), prior }));
        }
        assert!(space.memory_bytes() < 200_000 && space.spilled_bytes() > 300_000);
        log.with(positions[3], |lsn, _| assert_eq!(lsn, Lsn(4))).unwrap();
        for i in (0..500u64).rev() {
            assert_eq!(log.newest(1).unwrap().unwrap().lsn, Lsn(i + 1));
            log.pop().unwrap();
        }
        assert_eq!((log.last(), space.memory_bytes(), space.spilled_bytes()), (0, 0, 0));
    }
}
