//! A machine in memory that goes wrong on demand, by a seed.
//!
//! The disk keeps for every file what readers see and what is durable. [`SimEnv::crash`] makes an arbitrary subset of the
//! unsynced writes durable, torn at 512 bytes and in any order; unsynced names come and go likewise. Faults are planned for
//! the n-th call ([`SimEnv::inject`]), by probability ([`SimEnv::set_rates`]), or done to sectors at rest ([`SimEnv::damage`]).
//! Time is virtual: it moves a little with every call and by [`SimEnv::advance`]. One seed, one history - as long as one
//! thread drives it; several threads may use it, too, but then their order is the operating system's.
//!
//! Model: TigerBeetle's VOPR and the ALICE study (Pillai et al. 2014, "All File Systems Are Not Created Equal").

mod disk;
mod fault;

pub use disk::{SECTOR_BYTES, TEAR_BYTES};
pub use fault::{Damage, Fault, FaultRates, Injection, Op, Rng};

use super::{Env, File, FileLock, JoinHandle, OpenMode, Parker};
use disk::{Disk, parent};
use fault::FaultPlan;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// 2026-01-01 UTC in microseconds: where the virtual wall clock starts.
const START_MICROS: i64 = 1_767_225_600_000_000;
/// How far one call moves the clock.
const CALL_NANOS: u64 = 1_000;

struct Machine {
    disk: Disk,
    rng: Rng,
    plan: FaultPlan,
    powered: bool,
    /// Counts the crashes; handles of an earlier life are dead.
    life: u64,
    io_count: u64,
    nanos: u64,
    locks: BTreeSet<String>,
}

/// The simulated machine.
pub struct SimEnv {
    machine: Mutex<Machine>,
    myself: Weak<SimEnv>,
}

fn text(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches("./").trim_end_matches('/').to_owned()
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "simulated disk is full")
}

fn eio() -> io::Error {
    io::Error::other("simulated input/output error")
}

fn no_power() -> io::Error {
    io::Error::other("simulated power is off")
}

fn not_found(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{path} does not exist"))
}

impl Machine {
    /// Counts a call and decides what goes wrong with it. `Err` when the caller has nothing left to do.
    fn begin(&mut self, op: Op, path: &str) -> io::Result<Option<Fault>> {
        if !self.powered {
            return Err(no_power());
        }
        self.io_count += 1;
        self.nanos += CALL_NANOS;
        Ok(self.plan.decide(op, path, &mut self.rng))
    }

    /// As `begin`, for calls that a fault leaves without effect.
    fn begin_whole(&mut self, op: Op, path: &str) -> io::Result<()> {
        match self.begin(op, path)? {
            None => Ok(()),
            Some(Fault::Enospc) => Err(full()),
            Some(Fault::PowerOff) => {
                self.powered = false;
                Err(no_power())
            }
            Some(_) => Err(eio()),
        }
    }

    fn write(&mut self, path: &str, inode: usize, data: &[u8], offset: u64) -> io::Result<()> {
        let fault = self.begin(Op::Write, path)?;
        if fault == Some(Fault::LostWrite) {
            return Ok(());
        }
        let end = offset + data.len() as u64;
        if fault == Some(Fault::Enospc) || !self.disk.has_room(inode, end) {
            return Err(full());
        }
        match fault {
            Some(Fault::PowerOff) => {
                // The write is on its way: the crash decides what of it arrives.
                self.disk.inodes[inode].write(data, offset);
                self.powered = false;
                Err(no_power())
            }
            Some(Fault::Eio) => {
                let count = self.rng.below(data.len() as u64 + 1) as usize / TEAR_BYTES * TEAR_BYTES;
                self.disk.inodes[inode].write(&data[..count], offset);
                Err(eio())
            }
            Some(Fault::MisdirectedWrite) => {
                let places = (self.disk.inodes[inode].len() / SECTOR_BYTES as u64).max(1);
                let elsewhere = self.rng.below(places) * SECTOR_BYTES as u64;
                if elsewhere != offset && elsewhere + data.len() as u64 <= self.disk.inodes[inode].len() {
                    self.disk.inodes[inode].write(data, elsewhere);
                }
                Ok(())
            }
            _ => {
                self.disk.inodes[inode].write(data, offset);
                Ok(())
            }
        }
    }

    fn read(&mut self, path: &str, inode: usize, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.begin(Op::Read, path)? {
            Some(Fault::ShortRead) if buf.len() > 1 => {
                let count = 1 + self.rng.below(buf.len() as u64 - 1) as usize;
                self.disk.inodes[inode].read(&mut buf[..count], offset)
            }
            Some(Fault::Eio) => Err(eio()),
            Some(Fault::PowerOff) => {
                self.powered = false;
                Err(no_power())
            }
            _ => self.disk.inodes[inode].read(buf, offset),
        }
    }

    fn sync(&mut self, path: &str, inode: usize) -> io::Result<()> {
        match self.begin(Op::Sync, path)? {
            Some(Fault::PowerOff) => {
                self.powered = false;
                Err(no_power())
            }
            Some(Fault::LostSync) => Ok(()),
            Some(_) => {
                self.disk.inodes[inode].fail_sync();
                Err(eio())
            }
            None => {
                self.disk.inodes[inode].sync();
                Ok(())
            }
        }
    }

    fn extend(&mut self, op: Op, path: &str, inode: usize, len: u64) -> io::Result<()> {
        self.begin_whole(op, path)?;
        if !self.disk.has_room(inode, len) {
            return Err(full());
        }
        self.disk.inodes[inode].set_len(len);
        Ok(())
    }
}

impl SimEnv {
    /// A new machine with an empty disk.
    pub fn new(seed: u64) -> Arc<SimEnv> {
        SimEnv::with(Machine {
            disk: Disk::default(),
            rng: Rng::new(seed),
            plan: FaultPlan::default(),
            powered: true,
            life: 0,
            io_count: 0,
            nanos: 0,
            locks: BTreeSet::new(),
        })
    }

    fn with(machine: Machine) -> Arc<SimEnv> {
        Arc::new_cyclic(|myself| SimEnv { machine: Mutex::new(machine), myself: myself.clone() })
    }

    /// A copy of this machine with its disk, unsynced writes included, without its planned faults and locks.
    pub fn fork(&self, seed: u64) -> Arc<SimEnv> {
        let machine = self.machine.lock();
        SimEnv::with(Machine {
            disk: machine.disk.clone(),
            rng: Rng::new(seed),
            plan: FaultPlan::default(),
            powered: machine.powered,
            life: machine.life,
            io_count: 0,
            nanos: machine.nanos,
            locks: BTreeSet::new(),
        })
    }

    /// Plans a fault.
    pub fn inject(&self, injection: Injection) {
        self.machine.lock().plan.injections.push(injection);
    }

    /// Sets the probabilities of faults.
    pub fn set_rates(&self, rates: FaultRates) {
        self.machine.lock().plan.rates = rates;
    }

    /// Forgets all planned faults and probabilities.
    pub fn clear_faults(&self) {
        self.machine.lock().plan = FaultPlan::default();
    }

    /// How many matching calls away a planned fault is (the next one: 1), by its place among those still to come.
    pub fn planned_at(&self, index: usize) -> Option<u64> {
        self.machine.lock().plan.injections.get(index).map(|injection| injection.at)
    }

    /// Limits the bytes of all files together; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.machine.lock().disk.capacity = bytes;
    }

    /// Bytes of all files together.
    pub fn used_bytes(&self) -> u64 {
        self.machine.lock().disk.used()
    }

    /// The number of input/output calls so far.
    pub fn io_count(&self) -> u64 {
        self.machine.lock().io_count
    }

    /// Whether the machine runs; `false` after a [`Fault::PowerOff`] or [`SimEnv::power_off`].
    pub fn is_powered(&self) -> bool {
        self.machine.lock().powered
    }

    /// Cuts the power: every call fails until [`SimEnv::crash`].
    pub fn power_off(&self) {
        self.machine.lock().powered = false;
    }

    /// Cuts the power when it is still on, lets the seed decide what of the unsynced survives, and starts the machine again
    /// without planned faults. Files opened before are dead.
    pub fn crash(&self, seed: u64) {
        let mut machine = self.machine.lock();
        machine.disk.crash(&mut Rng::new(seed));
        machine.plan = FaultPlan::default();
        machine.powered = true;
        machine.life += 1;
        machine.locks.clear();
    }

    /// The process dies while the machine goes on: files keep what their readers saw, synced or not. Files opened before are
    /// dead, planned faults are forgotten.
    pub fn kill(&self) {
        let mut machine = self.machine.lock();
        machine.plan = FaultPlan::default();
        machine.powered = true;
        machine.life += 1;
        machine.locks.clear();
    }

    /// Damages a sector of a file at rest. Nothing happens behind the file's end.
    pub fn damage(&self, path: &Path, sector: u64, damage: Damage) {
        let mut machine = self.machine.lock();
        if let Some(inode) = machine.disk.find(&text(path)) {
            machine.disk.inodes[inode].damage(sector, damage);
        }
    }

    /// The contents of a file as its readers see them; `None` when there is no such file.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let machine = self.machine.lock();
        machine.disk.find(&text(path)).map(|inode| machine.disk.inodes[inode].view().to_vec())
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.machine.lock().nanos += by.as_nanos() as u64;
    }
}

impl Env for SimEnv {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let path = text(path);
        let mut machine = self.machine.lock();
        machine.begin_whole(Op::Open, &path)?;
        let inode = match (machine.disk.find(&path), mode) {
            (Some(_), OpenMode::CreateNew) => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{path} exists")));
            }
            (Some(inode), _) => inode,
            (None, OpenMode::Read | OpenMode::ReadWrite) => return Err(not_found(&path)),
            (None, OpenMode::Create | OpenMode::CreateNew) => {
                if !machine.disk.has_dir(parent(&path)) {
                    return Err(not_found(parent(&path)));
                }
                machine.disk.create(&path)
            }
        };
        let env = self.myself.upgrade().expect("the machine exists while it is used");
        Ok(Arc::new(SimFile { env, inode, path, life: machine.life, writable: mode != OpenMode::Read }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = text(path);
        let mut machine = self.machine.lock();
        machine.begin_whole(Op::Remove, &path)?;
        machine.disk.find(&path).ok_or_else(|| not_found(&path))?;
        machine.disk.remove(&path);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (text(from), text(to));
        let mut machine = self.machine.lock();
        machine.begin_whole(Op::Rename, &to)?;
        let inode = machine.disk.find(&from).ok_or_else(|| not_found(&from))?;
        machine.disk.rename(&from, &to, inode);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = text(dir);
        let mut machine = self.machine.lock();
        machine.begin_whole(Op::List, &dir)?;
        if !machine.disk.has_dir(&dir) {
            return Err(not_found(&dir));
        }
        Ok(machine.disk.list(&dir))
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = text(dir);
        let mut machine = self.machine.lock();
        machine.begin_whole(Op::CreateDir, &dir)?;
        machine.disk.create_dir(&dir);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = text(dir);
        let mut machine = self.machine.lock();
        machine.begin_whole(Op::SyncDir, &dir)?;
        machine.disk.sync_dir(&dir);
        Ok(())
    }

    fn lock_exclusive(&self, path: &Path) -> io::Result<FileLock> {
        let path = text(path);
        let mut machine = self.machine.lock();
        if !machine.powered {
            return Err(no_power());
        }
        if !machine.locks.insert(path.clone()) {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "locked by another"));
        }
        Ok(FileLock::new(SimLock { env: self.myself.clone(), path, life: machine.life }))
    }

    fn now_micros(&self) -> i64 {
        START_MICROS + (self.monotonic_nanos() / 1_000) as i64
    }

    fn monotonic_nanos(&self) -> u64 {
        let mut machine = self.machine.lock();
        machine.nanos += 1;
        machine.nanos
    }

    fn random(&self, out: &mut [u8]) {
        self.machine.lock().rng.fill(out);
    }

    #[allow(clippy::disallowed_methods, reason = "this is an environment's thread starter")]
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

    /// A wait with a timeout gives other threads a moment, then lets the virtual time pass.
    fn park(&self, parker: &Parker, timeout: Option<Duration>) -> bool {
        let Some(timeout) = timeout else { return parker.wait(None) };
        let woken = parker.wait(Some(timeout.min(Duration::from_millis(1))));
        if !woken {
            self.advance(timeout);
        }
        woken
    }
}

struct SimLock {
    env: Weak<SimEnv>,
    path: String,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        if let Some(env) = self.env.upgrade() {
            let mut machine = env.machine.lock();
            if machine.life == self.life {
                machine.locks.remove(&self.path);
            }
        }
    }
}

struct SimFile {
    env: Arc<SimEnv>,
    inode: usize,
    path: String,
    life: u64,
    writable: bool,
}

impl SimFile {
    fn machine(&self) -> io::Result<parking_lot::MutexGuard<'_, Machine>> {
        let machine = self.env.machine.lock();
        if machine.life != self.life { Err(no_power()) } else { Ok(machine) }
    }

    fn writable(&self) -> io::Result<()> {
        if self.writable {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "opened for reading"))
        }
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.machine()?.read(&self.path, self.inode, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.writable()?;
        self.machine()?.write(&self.path, self.inode, buf, offset)
    }

    fn give_back(&self, offset: u64, len: u64) -> io::Result<()> {
        // Whoever still needed something there will notice.
        let end = (offset + len).min(self.len()?);
        self.write_at(&vec![0; end.saturating_sub(offset) as usize], offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.machine()?.sync(&self.path, self.inode)
    }

    fn len(&self) -> io::Result<u64> {
        let machine = self.machine()?;
        if machine.powered { Ok(machine.disk.inodes[self.inode].len()) } else { Err(no_power()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.writable()?;
        self.machine()?.extend(Op::SetLen, &self.path, self.inode, len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.writable()?;
        let mut machine = self.machine()?;
        let end = (offset + len).max(machine.disk.inodes[self.inode].len());
        machine.extend(Op::Allocate, &self.path, self.inode, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(env: &Arc<SimEnv>, name: &str) -> Arc<dyn File> {
        env.open(Path::new(name), OpenMode::Create).unwrap()
    }

    #[test]
    fn a_crash_keeps_what_was_synced_and_any_part_of_the_rest() {
        let (mut lost, mut kept, mut torn) = (0, 0, 0);
        for seed in 0..200 {
            let env = SimEnv::new(seed);
            let f = file(&env, "a");
            f.write_at(&[1; 4096], 0).unwrap();
            f.sync_data().unwrap();
            env.sync_dir(Path::new("")).unwrap();
            f.write_at(&[2; 4096], 0).unwrap();
            f.write_at(&[3; 512], 4096).unwrap();
            env.crash(seed);
            assert!(f.len().is_err(), "a handle of the earlier life is dead");
            let now = env.contents(Path::new("a")).unwrap();
            assert!(now[..4096].chunks(512).all(|piece| piece == [1; 512] || piece == [2; 512]));
            match now[..4096].chunks(512).filter(|piece| piece[0] == 2).count() {
                0 => lost += 1,
                8 => kept += 1,
                _ => torn += 1,
            }
        }
        assert!(lost > 10 && kept > 10 && torn > 10, "{lost} {kept} {torn}");
    }

    #[test]
    fn names_need_a_directory_sync() {
        let mut gone = 0;
        for seed in 0..50 {
            let env = SimEnv::new(seed);
            file(&env, "a").sync_data().unwrap();
            env.sync_dir(Path::new("")).unwrap();
            file(&env, "b").sync_data().unwrap();
            env.rename(Path::new("a"), Path::new("c")).unwrap();
            env.crash(seed);
            let names = env.list(Path::new("")).unwrap();
            assert_eq!(
                names.iter().filter(|name| *name == "a" || *name == "c").count(),
                1,
                "a rename is one step"
            );
            gone += usize::from(!names.contains(&"b".to_owned()));
        }
        assert!(gone > 5 && gone < 45);
    }

    #[test]
    fn a_failed_sync_forgets_and_the_next_one_succeeds() {
        let env = SimEnv::new(1);
        let f = file(&env, "a");
        env.sync_dir(Path::new("")).unwrap();
        f.write_at(&[1; 4096], 0).unwrap();
        f.sync_data().unwrap();
        f.write_at(&[2; 4096], 0).unwrap();
        env.inject(Injection::nth(1, Fault::Eio).on(Op::Sync));
        assert!(f.sync_data().is_err());
        f.sync_data().unwrap();
        assert_eq!(env.contents(Path::new("a")).unwrap()[0], 2);
        env.crash(7);
        assert_eq!(env.contents(Path::new("a")).unwrap()[0], 1);
    }

    #[test]
    fn injected_faults_hit_their_call() {
        let env = SimEnv::new(1);
        let f = file(&env, "data/x".rsplit('/').next().unwrap());
        f.write_at(&[1; 8192], 0).unwrap();
        let mut buf = [0u8; 4096];
        env.inject(Injection::nth(2, Fault::Eio).on(Op::Read));
        assert!(f.read_at(&mut buf, 0).is_ok());
        assert!(f.read_at(&mut buf, 0).is_err());
        assert!(f.read_at(&mut buf, 0).is_ok());
        env.inject(Injection::nth(1, Fault::ShortRead).on(Op::Read));
        assert!((1..4096).contains(&f.read_at(&mut buf, 0).unwrap()));
        env.inject(Injection::nth(1, Fault::LostWrite).on(Op::Write));
        f.write_at(&[5; 4096], 0).unwrap();
        assert_eq!(env.contents(Path::new("x")).unwrap()[0], 1);
        env.set_capacity(Some(8192));
        assert_eq!(f.write_at(&[1], 8192).unwrap_err().kind(), io::ErrorKind::StorageFull);
        f.write_at(&[1], 8191).unwrap();
        env.set_capacity(None);
        env.inject(Injection::nth(1, Fault::PowerOff));
        assert!(f.write_at(&[9; 512], 0).is_err());
        assert!(!env.is_powered() && f.read_at(&mut buf, 0).is_err());
    }

    #[test]
    fn damage_at_rest() {
        let env = SimEnv::new(1);
        let f = file(&env, "a");
        for round in 1..=2u8 {
            f.write_at(&[round; 8192], 0).unwrap();
            f.sync_data().unwrap();
        }
        let path = Path::new("a");
        env.damage(path, 0, Damage::Stale);
        env.damage(path, 1, Damage::Flip(3));
        let now = env.contents(path).unwrap();
        assert_eq!((now[0], now[4096]), (1, 2 ^ 8));
        env.damage(path, 1, Damage::Unreadable);
        let mut buf = [0u8; 4096];
        assert!(f.read_at(&mut buf, 4096).is_err());
        f.write_at(&[7; 4096], 4096).unwrap();
        assert!(f.read_at(&mut buf, 4096).is_ok());
        env.damage(path, 0, Damage::Zero);
        assert_eq!(env.contents(path).unwrap()[..4096], [0; 4096]);
    }
}
