//! The operating system's environment, for threads of the async runtime: before a session waits, its worker's other
//! connections move to another thread.
//!
//! A call into a session runs in one of two ways. What may take long is run [`aside`]. What should be short runs [`within_slice`],
//! where it stands: handing a worker's other connections over costs more than the call. If it turns out to wait (`park`,
//! `before_block`) or to take longer than its slice (`pulse`), they are handed over then.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nq_storage::env::os::OsEnv;
use nq_storage::env::{Env, File, FileLock, JoinHandle, OpenMode, Parker};
use tokio::runtime::{Handle, RuntimeFlavor};

/// [`OsEnv`] whose waits do not hold up a worker of the runtime.
pub struct RuntimeEnv {
    os: OsEnv,
}

impl RuntimeEnv {
    /// Wraps the operating system.
    pub fn new(os: OsEnv) -> Self {
        RuntimeEnv { os }
    }
}

/// Runs `work`, which may take long or wait, with the worker's other tasks moved aside. Outside the runtime it just runs.
pub fn aside<R>(work: impl FnOnce() -> R) -> R {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(work)
        }
        _ => work(),
    }
}

/// How long a call may hold up its worker's other connections.
const SLICE_NANOS: u64 = 1_000_000;
/// Time for another thread to take the worker over.
const HANDOVER: Duration = Duration::from_micros(50);

thread_local! {
    /// The slice of the call that runs on this thread, if it should be short.
    static SLICE: Cell<Option<Slice>> = const { Cell::new(None) };
}

/// The slice of a running call.
#[derive(Clone, Copy)]
struct Slice {
    /// When it ends, by the environment's clock; 0 before the first pulse.
    end: u64,
    nanos: u64,
}

/// Runs `work`, which should be short. It must not await anything.
pub fn within_slice<R>(work: impl FnOnce() -> R) -> R {
    SLICE.set(Some(Slice { end: 0, nanos: SLICE_NANOS }));
    let answer = work();
    SLICE.set(None);
    answer
}

impl RuntimeEnv {
    /// Hands the worker's other tasks over to another thread, for the rest of this task's turn. When no thread has come by the
    /// time the hand-over is given, the worker stays, and the next pulse beyond a longer slice tries again.
    fn step_aside(&self) {
        aside(|| self.os.park(&Parker::new(), Some(HANDOVER)));
    }
}

impl Env for RuntimeEnv {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.os.open(path, mode)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.os.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.os.rename(from, to)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.os.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.os.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.os.sync_dir(dir)
    }

    fn lock_exclusive(&self, path: &Path) -> io::Result<FileLock> {
        self.os.lock_exclusive(path)
    }

    fn now_micros(&self) -> i64 {
        self.os.now_micros()
    }

    fn monotonic_nanos(&self) -> u64 {
        self.os.monotonic_nanos()
    }

    fn random(&self, out: &mut [u8]) {
        self.os.random(out);
    }

    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> JoinHandle {
        self.os.spawn(name, body)
    }

    fn park(&self, parker: &Parker, timeout: Option<Duration>) -> bool {
        aside(|| self.os.park(parker, timeout))
    }

    fn before_block(&self) {
        if SLICE.take().is_some() {
            self.step_aside();
        }
    }

    fn pulse(&self) {
        let Some(slice) = SLICE.get() else { return };
        let now = self.os.monotonic_nanos();
        if slice.end == 0 {
            SLICE.set(Some(Slice { end: now + slice.nanos, ..slice }));
        } else if now >= slice.end {
            self.step_aside();
            let nanos = slice.nanos * 2;
            SLICE.set(Some(Slice { end: now + nanos, nanos }));
        }
    }
}
