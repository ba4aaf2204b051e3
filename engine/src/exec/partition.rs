//! Spilling by hash: rows go to one of 16 files by four bits of their hash, a different four at each level of recursion.
//!
//! Rows that belong together (one group, one join key) are always in one file. The lowest bits of a hash place it in tables, its
//! upper half tags it there; the levels take bits from 32 upwards.

use nq_qsql::error::Result;
use nq_qsql::sql_err;

use super::ExecCx;
use super::batch::{Batch, Builder};
use super::hash::mix;
use super::spill::{SpillFile, SpillReader};

/// Files per level.
pub const FANOUT: usize = 16;
/// Levels after which equal hashes are assumed to be equal keys that no partitioning will part.
const LEVELS_MAX: u32 = 8;
/// Rows gathered per file before a block is written.
const BLOCK_ROWS: usize = 512;

/// Files being filled.
pub struct Partitions {
    level: u32,
    files: Vec<SpillFile>,
    waiting: Vec<Option<Builder>>,
}

/// A filled file, to be read as an input of its own.
pub struct Pending {
    /// Level of the rows within: partition them again by the next.
    pub level: u32,
    reader: SpillReader,
}

/// The file of a hash at a level.
#[inline]
pub fn place(hash: u64, level: u32) -> usize {
    (mix(hash ^ u64::from(level).wrapping_mul(0x2545_f491_4f6c_dd1d)) >> 60) as usize % FANOUT
}

impl Partitions {
    /// Opens files for rows that are at `level` now.
    ///
    /// # Errors
    /// 53200 when rows have been partitioned too often: they share one key.
    pub fn new(level: u32, cx: &ExecCx<'_>) -> Result<Partitions> {
        if level >= LEVELS_MAX {
            return Err(sql_err!(OUT_OF_MEMORY, "out of memory")
                .detail("Rows with one key do not fit into work_mem.".to_owned()));
        }
        let files = (0..FANOUT).map(|_| cx.spill.create()).collect::<Result<_>>()?;
        Ok(Partitions { level, files, waiting: (0..FANOUT).map(|_| None).collect() })
    }

    /// Adds rows of a batch; `hashes` is aligned with the batch.
    pub fn add(&mut self, batch: &Batch, rows: impl Iterator<Item = usize>, hashes: &[u64]) -> Result<()> {
        let mut by_file: [Vec<u16>; FANOUT] = Default::default();
        rows.for_each(|row| by_file[place(hashes[row], self.level)].push(row as u16));
        for (number, rows) in by_file.into_iter().enumerate() {
            if rows.is_empty() {
                continue;
            }
            let buffer = self.waiting[number].get_or_insert_with(|| Builder::like(batch));
            buffer.append_rows(batch, &rows);
            if buffer.len >= BLOCK_ROWS {
                self.files[number].write(&buffer.finish())?;
            }
        }
        Ok(())
    }

    /// Returns the files that hold rows; the last rows of each are still in memory.
    pub fn finish(self) -> Vec<Pending> {
        let level = self.level + 1;
        let mut out = Vec::new();
        for (file, waiting) in self.files.into_iter().zip(self.waiting) {
            let tail = waiting.map(|mut buffer| buffer.finish()).filter(|b| b.len > 0);
            if tail.is_some() || !file.is_empty() {
                out.push(Pending { level, reader: SpillReader::with_tail(file, tail) });
            }
        }
        out
    }

    /// As [`Partitions::finish`], but one entry per file, empty ones too: for two sides that must meet again.
    pub fn finish_all(self) -> Vec<Pending> {
        let level = self.level + 1;
        let files = self.files.into_iter().zip(self.waiting);
        files
            .map(|(file, waiting)| {
                let tail = waiting.map(|mut buffer| buffer.finish()).filter(|b| b.len > 0);
                Pending { level, reader: SpillReader::with_tail(file, tail) }
            })
            .collect()
    }
}

impl Pending {
    /// Returns the next batch.
    #[allow(clippy::should_implement_trait, reason = "it can fail, and reads a file")]
    pub fn next(&mut self) -> Result<Option<Batch>> {
        self.reader.next()
    }
}
