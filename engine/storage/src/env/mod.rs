//! The only door to files, time, randomness and waiting.
//!
//! The engine is handed an [`Env`] and asks nothing else of the world. [`os::OsEnv`] is the operating system;
//! [`sim::SimEnv`] is a disk and a clock in memory that lose, tear and spoil data by a seed.
//!
//! Rules that both keep, and that the engine relies on:
//!
//! 1. What [`File::write_at`] wrote may be lost, torn at 512 bytes and reordered until [`File::sync_data`] returned `Ok`.
//! 2. A name (created, renamed, removed) may be undone by a crash until [`Env::sync_dir`] of its directory returned `Ok`.
//! 3. A failed sync is reported once. What was unsynced may be gone, and a later sync may succeed without it: the caller
//!    stops for good (Rebello et al. 2020, "Can Applications Recover from fsync Failures?").
//! 4. [`File::write_at`] writes all bytes or fails; [`File::read_at`] may read less, and reads zero bytes only at the end.

pub mod os;
pub mod sim;

use parking_lot::{Condvar, Mutex};
use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How [`Env::open`] opens a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    ReadWrite,
    /// For reading and writing; made when absent, kept as it is when present.
    Create,
    /// A new file; fails with `AlreadyExists` when present.
    CreateNew,
}

/// The world as the engine sees it.
pub trait Env: Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Names the files and directories in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a directory and its parents; an existing one is fine.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes a lock on a file (made when absent) that a second server on the same directory cannot take.
    /// Fails with `WouldBlock` when another holds it. The operating system drops it when the process ends.
    fn lock_exclusive(&self, path: &Path) -> io::Result<FileLock>;
    /// The wall clock in microseconds since 1970-01-01 UTC.
    fn now_micros(&self) -> i64;
    /// A clock that only goes forward, in nanoseconds.
    fn monotonic_nanos(&self) -> u64;
    /// Fills `out` with randomness.
    fn random(&self, out: &mut [u8]);
    /// Starts a thread.
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> JoinHandle;
    /// Waits until `parker` is unparked (then `true`) or the timeout has passed (then `false`).
    /// Every wait of the engine for another thread goes through here.
    fn park(&self, parker: &Parker, timeout: Option<Duration>) -> bool {
        self.before_block();
        parker.wait(timeout)
    }
    /// Called before a thread may block for long (a wait, a sync).
    fn before_block(&self) {}
    /// Called by a statement at work, every fraction of a millisecond.
    fn pulse(&self) {}
}

/// An open file. All methods may be called from many threads at once.
pub trait File: Send + Sync {
    /// Reads at an offset; returns how many bytes were read, zero only at or behind the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf` at an offset, extending the file when needed.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes contents and length durable. See rule 3 for failures.
    fn sync_data(&self) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends (with zeros) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves room for a range, so that writing it cannot fail for lack of room; extends the file (with zeros) to its end.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Gives the room of a range back to the file system; the range may read as anything afterwards. Advice: without support
    /// nothing happens.
    fn give_back(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Tells that a range will not be read soon.
    fn discard_cache(&self, _offset: u64, _len: u64) {}
}

/// Reads until `buf` is full or the file ends; returns how many bytes were read.
pub fn read_full(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// Holds an exclusive lock until dropped.
pub struct FileLock(#[allow(dead_code, reason = "held for its Drop")] Box<dyn Any + Send + Sync>);

impl FileLock {
    /// Wraps whatever releases the lock when dropped.
    pub fn new(held: impl Any + Send + Sync) -> FileLock {
        FileLock(Box::new(held))
    }
}

/// A started thread.
pub struct JoinHandle(Box<dyn FnOnce() + Send>);

impl JoinHandle {
    /// Wraps what waits for the thread's end.
    pub fn new(join: impl FnOnce() + Send + 'static) -> JoinHandle {
        JoinHandle(Box::new(join))
    }

    /// Waits for the thread's end. A panic of the thread is not passed on.
    pub fn join(self) {
        (self.0)()
    }
}

/// A place where one thread waits and others wake it. An unpark before the park is not lost; several count as one.
#[derive(Default)]
pub struct Parker {
    woken: Mutex<bool>,
    condvar: Condvar,
}

impl Parker {
    /// Returns a parker that is not woken.
    pub fn new() -> Parker {
        Parker::default()
    }

    /// Wakes the thread that waits, or lets the next wait return at once.
    pub fn unpark(&self) {
        *self.woken.lock() = true;
        self.condvar.notify_one();
    }

    /// Forgets an earlier unpark.
    pub fn reset(&self) {
        *self.woken.lock() = false;
    }

    /// Waits for an unpark, consumes it and returns `true`; `false` when the timeout passed first.
    /// The engine calls [`Env::park`] instead.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut woken = self.woken.lock();
        match timeout {
            None => {
                while !*woken {
                    self.condvar.wait(&mut woken);
                }
            }
            Some(timeout) => {
                self.condvar.wait_while_for(&mut woken, |woken| !*woken, timeout);
            }
        }
        std::mem::take(&mut *woken)
    }
}
