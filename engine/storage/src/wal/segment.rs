//! Segment files: `wal/<number in 16 hex digits>.seg`, prepared ahead (full length, mostly filled with zeros, name durable) and
//! recycled by renaming. A block names its segment, so that what a recycled file still holds counts for nothing.

use super::block::BLOCK_BYTES;
use crate::env::{Env, File, OpenMode};
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DRAFT: &str = "segment.draft";
const ZEROS_BYTES: usize = 256 << 10;
/// The fewest blocks of a segment: room for the largest group.
pub(super) const SEGMENT_BLOCKS_MIN: u64 = 24;

/// What a new segment file is filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fill {
    /// Reserved room is not yet written room: a sync would have to write the file's extents each time.
    Zeros,
    /// Its room is only reserved: for segments that are filled with few syncs, of which each may cost more.
    Nothing,
}

/// An open segment file.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<dyn File>,
    pub(super) blocks: u32,
}

/// A segment that holds log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) number: u64,
    /// The LSN of its first byte; [`Lsn::NONE`] when nothing in it is needed.
    pub(super) first: Lsn,
    pub(super) blocks: u32,
}

/// The segments of a log: those that hold it, and those that are prepared. Numbers follow one another without a gap.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) live: VecDeque<Live>,
    pub(super) prepared: VecDeque<Segment>,
    /// How many were taken since somebody last prepared some.
    pub(super) claimed: usize,
    /// How many are used from one recycling to the next, about.
    pub(super) demand: usize,
}

impl Pool {
    /// The number of the next segment to prepare.
    pub(super) fn next_number(&self) -> u64 {
        let last_live = self.live.back().map_or(0, |live| live.number);
        self.prepared.back().map_or(last_live, |segment| segment.number) + 1
    }

    /// Blocks of the prepared segments.
    pub(super) fn prepared_blocks(&self) -> u64 {
        self.prepared.iter().map(|segment| u64::from(segment.blocks)).sum()
    }

    /// Takes segments out that lie wholly below `keep_from`, when the one behind them has something durable.
    pub(super) fn take_below(&mut self, keep_from: Lsn, durable: Lsn) -> Vec<Live> {
        let mut taken = Vec::new();
        while self.live.len() > 1 && self.live[1].first <= keep_from && self.live[1].first < durable {
            taken.extend(self.live.pop_front());
        }
        taken
    }
}

/// The folder of segment files.
pub(super) struct Folder {
    env: Arc<dyn Env>,
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(env: Arc<dyn Env>, dir: &Path) -> Folder {
        Folder { env, path: dir.join("wal") }
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:016x}.seg"))
    }

    fn io<T>(&self, what: &str, outcome: std::io::Result<T>) -> Result<T> {
        outcome.map_err(|e| StoreError::io(format!("{what} in {}", self.path.display()), e))
    }

    /// Makes the folder, without what an unfinished creation left in it.
    pub(super) fn create(&self) -> Result<()> {
        self.io("create the log folder", self.env.create_dir(&self.path))?;
        for name in self.io("list segments", self.env.list(&self.path))? {
            self.io("remove a leftover", self.env.remove(&self.path.join(name)))?;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.io("sync the names", self.env.sync_dir(&self.path))
    }

    /// The numbers of all segment files, ascending. Removes an unfinished one.
    pub(super) fn numbers(&self) -> Result<Vec<u64>> {
        let names = self.io("list segments", self.env.list(&self.path))?;
        if names.iter().any(|name| name == DRAFT) {
            self.io("remove an unfinished segment", self.env.remove(&self.path.join(DRAFT)))?;
        }
        let mut numbers: Vec<u64> = names
            .iter()
            .filter_map(|name| name.strip_suffix(".seg"))
            .filter_map(|hex| u64::from_str_radix(hex, 16).ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn open(&self, number: u64, mode: OpenMode) -> Result<Segment> {
        let file = self.io("open a segment", self.env.open(&self.path_of(number), mode))?;
        let len = self.io("ask for a segment's length", file.len())?;
        let blocks = u32::try_from(len / BLOCK_BYTES as u64).unwrap_or(u32::MAX);
        Ok(Segment { number, file, blocks })
    }

    /// Whether there is a segment of this number.
    pub(super) fn has(&self, number: u64) -> bool {
        self.env.open(&self.path_of(number), OpenMode::Read).is_ok()
    }

    /// Makes a new segment file. When that fails there is none.
    pub(super) fn prepare(&self, number: u64, bytes: u64, fill: Fill) -> Result<Segment> {
        let draft = self.path.join(DRAFT);
        let blocks = (bytes / BLOCK_BYTES as u64).max(SEGMENT_BLOCKS_MIN);
        let make = || {
            let file = self.env.open(&draft, OpenMode::Create)?;
            let bytes = blocks * BLOCK_BYTES as u64;
            file.set_len(0)?;
            file.allocate(0, bytes)?;
            if fill == Fill::Zeros {
                let zeros = vec![0u8; ZEROS_BYTES];
                let mut at = 0;
                while at < bytes {
                    let count = (bytes - at).min(ZEROS_BYTES as u64);
                    file.write_at(&zeros[..count as usize], at)?;
                    at += count;
                }
            }
            file.sync_data()?;
            self.env.rename(&draft, &self.path_of(number))?;
            self.env.sync_dir(&self.path)?;
            Ok(file)
        };
        match make() {
            Ok(file) => Ok(Segment { number, file, blocks: blocks as u32 }),
            Err(error) => {
                // Gives the room back; when that fails as well, the next attempt or opening does.
                if self.env.remove(&draft).is_err() {
                    tracing::debug!("an unfinished segment is left in {}", self.path.display());
                }
                Err(StoreError::io(format!("prepare log segment {number}"), error))
            }
        }
    }

    /// Gives a segment a new number. Usable after [`Folder::sync`].
    pub(super) fn renumber(&self, from: u64, to: u64) -> Result<()> {
        self.io("recycle a segment", self.env.rename(&self.path_of(from), &self.path_of(to)))
    }

    pub(super) fn remove(&self, number: u64) -> Result<()> {
        self.io("remove a segment", self.env.remove(&self.path_of(number)))
    }
}
