//! The operating system: `std::fs` with positioned reads and writes, `fdatasync`, `fallocate` and `flock`.

use super::{Env, File, FileLock, JoinHandle, OpenMode};
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The world of the operating system.
pub struct OsEnv {
    start: Instant,
    before_block: Option<Box<dyn Fn() + Send + Sync>>,
}

impl OsEnv {
    /// Returns the operating system's files, clocks and threads.
    pub fn new() -> OsEnv {
        OsEnv { start: start_instant(), before_block: None }
    }

    /// As [`OsEnv::new`], with a function that runs before a thread may block for long.
    pub fn with_before_block(hook: impl Fn() + Send + Sync + 'static) -> OsEnv {
        OsEnv { before_block: Some(Box::new(hook)), ..OsEnv::new() }
    }
}

impl Default for OsEnv {
    fn default() -> Self {
        OsEnv::new()
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the environment's clock")]
fn start_instant() -> Instant {
    Instant::now()
}

impl Env for OsEnv {
    #[allow(clippy::disallowed_methods, reason = "this is the environment's file system")]
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite => {
                options.write(true);
            }
            OpenMode::Create => {
                options.write(true).create(true).truncate(false);
            }
            OpenMode::CreateNew => {
                options.write(true).create_new(true);
            }
        }
        Ok(Arc::new(OsFile(options.open(path)?)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the environment's file system")]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the environment's file system")]
    fn lock_exclusive(&self, path: &Path) -> io::Result<FileLock> {
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(FileLock::new(file))
    }

    #[allow(clippy::disallowed_methods, reason = "this is the environment's clock")]
    fn now_micros(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        }
    }

    fn monotonic_nanos(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn random(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gives randomness");
    }

    #[allow(clippy::disallowed_methods, reason = "this is the environment's thread starter")]
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> JoinHandle {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .expect("the operating system starts a thread");
        JoinHandle::new(move || {
            // A panic has been reported by the panic hook already.
            let _ = thread.join();
        })
    }

    fn before_block(&self) {
        if let Some(hook) = &self.before_block {
            hook();
        }
    }
}

struct OsFile(fs::File);

impl File for OsFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), offset, len) {
            Ok(()) => Ok(()),
            // A file system that cannot reserve: the length at least is set, and a write may then lack room.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                let end = offset.saturating_add(len);
                if self.len()? < end { self.set_len(end) } else { Ok(()) }
            }
            Err(e) => Err(e.into()),
        }
    }

    fn give_back(&self, offset: u64, len: u64) -> io::Result<()> {
        use rustix::fs::FallocateFlags;
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&self.0, flags, offset, len) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn discard_cache(&self, offset: u64, len: u64) {
        // Advice: nothing depends on it.
        let _ = rustix::fs::fadvise(
            &self.0,
            offset,
            std::num::NonZeroU64::new(len),
            rustix::fs::Advice::DontNeed,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Parker, read_full};
    use std::time::Duration;

    #[test]
    fn files_locks_and_parking() {
        let env = OsEnv::new();
        let mut salt = [0u8; 8];
        env.random(&mut salt);
        let dir = std::env::temp_dir().join(format!("nq-os-env-{:x}", u64::from_le_bytes(salt)));
        env.create_dir(&dir).unwrap();
        let path = dir.join("a");
        let file = env.open(&path, OpenMode::CreateNew).unwrap();
        assert!(env.open(&path, OpenMode::CreateNew).is_err());
        file.allocate(0, 8192).unwrap();
        file.write_at(b"hello", 8190).unwrap();
        file.sync_data().unwrap();
        let mut buf = [9u8; 16];
        assert_eq!(read_full(&*file, &mut buf, 8188).unwrap(), 7);
        assert_eq!(&buf[..8], b"\0\0hello\x09");
        file.discard_cache(0, 0);
        file.give_back(0, 4096).unwrap();
        assert_eq!(file.len().unwrap(), 8195);
        env.rename(&path, &dir.join("b")).unwrap();
        env.sync_dir(&dir).unwrap();

        let lock = env.lock_exclusive(&dir.join("lock")).unwrap();
        assert_eq!(env.lock_exclusive(&dir.join("lock")).err().unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(lock);
        drop(env.lock_exclusive(&dir.join("lock")).unwrap());
        assert_eq!(env.list(&dir).unwrap(), ["b", "lock"]);

        let parker = Arc::new(Parker::new());
        assert!(!env.park(&parker, Some(Duration::from_millis(1))));
        let other = parker.clone();
        env.spawn("waker", Box::new(move || other.unpark())).join();
        assert!(env.park(&parker, None));
        fs::remove_dir_all(&dir).unwrap();
    }
}
