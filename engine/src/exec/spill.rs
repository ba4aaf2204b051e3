//! Spill files: where operators put batches that memory has no room for.
//!
//! A file belongs to the operator that made it and vanishes with it; what a crash leaves behind is deleted when the database is
//! opened. A batch is one block: two 4-byte lengths (compressed, raw) and the LZ4-compressed columns. The bytes of a session's files
//! are bounded by `temp_file_limit` (53400).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nq_qsql::error::{Result, SqlError};
use nq_qsql::sql_err;
use nq_storage::env::{Env, File, OpenMode, read_full};

use super::batch::Batch;
use super::batch_codec;

/// Numbers files within the process.
static NEXT_FILE: AtomicU64 = AtomicU64::new(0);

/// The directory for spill files, and how much of it a session may use.
pub struct SpillSpace {
    env: Arc<dyn Env>,
    dir: PathBuf,
    limit: u64,
    used: AtomicU64,
}

/// A file of batches.
pub struct SpillFile {
    space: Arc<SpillSpace>,
    path: PathBuf,
    file: Arc<dyn File>,
    end: u64,
    scratch: Vec<u8>,
}

impl SpillSpace {
    /// Makes a session's space in `dir` of at most `limit` bytes.
    pub fn new(env: Arc<dyn Env>, dir: &Path, limit: u64) -> Arc<SpillSpace> {
        Arc::new(SpillSpace { env, dir: dir.to_owned(), limit, used: AtomicU64::new(0) })
    }

    /// Makes the directory if needed and deletes what an earlier process left in it. Called when a database is opened.
    pub fn prepare(env: &dyn Env, dir: &Path) -> io::Result<()> {
        env.create_dir(dir)
            .or_else(|e| if e.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(e) })?;
        for name in env.list(dir)? {
            env.remove(&dir.join(name))?;
        }
        Ok(())
    }

    /// Makes an empty file.
    ///
    /// # Errors
    /// 58030, 53100.
    pub fn create(self: &Arc<Self>) -> Result<SpillFile> {
        let path = self.dir.join(format!("spill-{}", NEXT_FILE.fetch_add(1, Ordering::Relaxed)));
        let file = self.env.open(&path, OpenMode::CreateNew).map_err(|e| failed("create", &e))?;
        Ok(SpillFile { space: Arc::clone(self), path, file, end: 0, scratch: Vec::new() })
    }
}

#[cold]
fn failed(what: &str, error: &io::Error) -> SqlError {
    if error.kind() == io::ErrorKind::StorageFull {
        return sql_err!(DISK_FULL, "could not {what} temporary file: {error}");
    }
    sql_err!(IO_ERROR, "could not {what} temporary file: {error}")
}

impl SpillFile {
    /// Writes the counting rows of a batch; returns the offset by which they are read back.
    ///
    /// # Errors
    /// 53400 beyond `temp_file_limit`, 53100, 58030.
    pub fn write(&mut self, batch: &Batch) -> Result<u64> {
        self.scratch.clear();
        batch_codec::encode(batch, &mut self.scratch);
        let compressed = lz4_flex::block::compress(&self.scratch);
        let mut block = Vec::with_capacity(compressed.len() + 8);
        block.extend_from_slice(&(compressed.len() as u32).to_le_bytes());
        block.extend_from_slice(&(self.scratch.len() as u32).to_le_bytes());
        block.extend_from_slice(&compressed);
        let bytes = block.len() as u64;
        let total = self.space.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total > self.space.limit {
            self.space.used.fetch_sub(bytes, Ordering::Relaxed);
            let limit = self.space.limit / 1024;
            return Err(sql_err!(
                CONFIGURATION_LIMIT_EXCEEDED,
                "temporary file size exceeds \"temp_file_limit\" ({limit}kB)"
            ));
        }
        let offset = self.end;
        if let Err(error) = self.file.write_at(&block, offset) {
            self.space.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(failed("write to", &error));
        }
        self.end += bytes;
        Ok(offset)
    }

    /// Reads the batch at `offset`; returns it with the offset of the next one.
    ///
    /// # Errors
    /// 58030.
    pub fn read(&self, offset: u64) -> Result<(Batch, u64)> {
        let short = || sql_err!(IO_ERROR, "could not read from temporary file: unexpected end of file");
        let mut head = [0; 8];
        if read_full(&*self.file, &mut head, offset).map_err(|e| failed("read from", &e))? < 8 {
            return Err(short());
        }
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        let (compressed, raw) = (word(0), word(4));
        if compressed as u64 + offset + 8 > self.end {
            return Err(short());
        }
        let mut block = vec![0; compressed];
        if read_full(&*self.file, &mut block, offset + 8).map_err(|e| failed("read from", &e))? < compressed {
            return Err(short());
        }
        let bytes = lz4_flex::block::decompress(&block, raw)
            .map_err(|e| sql_err!(IO_ERROR, "could not read from temporary file: {e}"))?;
        Ok((batch_codec::decode(&bytes)?, offset + 8 + compressed as u64))
    }

    /// End of the written batches.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        self.space.used.fetch_sub(self.end, Ordering::Relaxed);
        if let Err(error) = self.space.env.remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not delete a temporary file");
        }
    }
}

/// Reads a file's batches in the order of writing.
pub struct SpillReader {
    file: SpillFile,
    offset: u64,
    tail: Option<Batch>,
}

impl SpillReader {
    /// Reads `file` from its start; it is deleted with the reader.
    pub fn new(file: SpillFile) -> SpillReader {
        SpillReader::with_tail(file, None)
    }

    /// Reads `file`, then `tail`, which was never written.
    pub fn with_tail(file: SpillFile, tail: Option<Batch>) -> SpillReader {
        SpillReader { file, offset: 0, tail }
    }

    /// Returns the next batch.
    #[allow(clippy::should_implement_trait, reason = "it can fail, and reads a file")]
    pub fn next(&mut self) -> Result<Option<Batch>> {
        if self.offset >= self.file.end {
            return Ok(self.tail.take());
        }
        let (batch, next) = self.file.read(self.offset)?;
        self.offset = next;
        Ok(Some(batch))
    }
}
