//! The operating system's environment, for threads of the async runtime: before a session waits, its worker's other
//! connections move to another thread.

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
}
