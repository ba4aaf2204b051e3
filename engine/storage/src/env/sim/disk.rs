//! The simulated disk: what every file holds for its readers, what of it is durable, and what a crash makes of the difference.

use super::fault::{Damage, Rng};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

/// The unit of damage at rest.
pub const SECTOR_BYTES: usize = 4096;
/// The unit in which a crash tears a write.
pub const TEAR_BYTES: usize = 512;

/// A change to a file that is not durable.
#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, data: Vec<u8> },
    Extend(u64),
    Truncate(u64),
}

/// A file, with or without a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    view: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    unreadable: BTreeSet<u64>,
    /// What a sector held before its last durable write.
    before: HashMap<u64, Vec<u8>>,
}

fn put(image: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + data.len());
    if image.len() < end {
        image.resize(end, 0);
    }
    image[start..end].copy_from_slice(data);
}

fn sectors(offset: u64, len: usize) -> std::ops::Range<u64> {
    offset / SECTOR_BYTES as u64..(offset + len as u64).div_ceil(SECTOR_BYTES as u64)
}

impl Inode {
    pub(super) fn len(&self) -> u64 {
        self.view.len() as u64
    }

    pub(super) fn view(&self) -> &[u8] {
        &self.view
    }

    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.view.len());
        let count = buf.len().min(self.view.len() - start);
        if sectors(offset, count).any(|sector| self.unreadable.contains(&sector)) {
            return Err(io::Error::other("simulated unreadable sector"));
        }
        buf[..count].copy_from_slice(&self.view[start..start + count]);
        Ok(count)
    }

    pub(super) fn write(&mut self, data: &[u8], offset: u64) {
        put(&mut self.view, offset, data);
        // A sector that is written as a whole is remapped by the drive.
        for sector in sectors(offset, data.len()) {
            let start = sector * SECTOR_BYTES as u64;
            if start >= offset && start + SECTOR_BYTES as u64 <= offset + data.len() as u64 {
                self.unreadable.remove(&sector);
            }
        }
        self.unsynced.push(Change::Write { offset, data: data.to_vec() });
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.unsynced.push(if len < self.len() { Change::Truncate(len) } else { Change::Extend(len) });
        self.view.resize(len as usize, 0);
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            if let Change::Write { offset, data } = &change {
                for sector in sectors(*offset, data.len()) {
                    let start = (sector as usize * SECTOR_BYTES).min(self.durable.len());
                    let end = (start + SECTOR_BYTES).min(self.durable.len());
                    self.before.insert(sector, self.durable[start..end].to_vec());
                }
            }
            apply(&mut self.durable, &change);
        }
    }

    /// A sync that fails: readers still see the data, the disk never gets it, and the next sync succeeds.
    pub(super) fn fail_sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            // The length is metadata, which the journal keeps.
            if !matches!(change, Change::Write { .. }) {
                apply(&mut self.durable, &change);
            }
        }
    }

    /// Keeps an arbitrary part of what was unsynced, in arbitrary order.
    pub(super) fn crash(&mut self, rng: &mut Rng) {
        let mut changes = std::mem::take(&mut self.unsynced);
        match rng.below(8) {
            0 => changes.clear(),
            1 => {}
            2 => {
                let kept = rng.below(changes.len() as u64 + 1) as usize;
                changes.truncate(kept);
                tear_some(&mut changes, rng, 0.0);
            }
            _ => {
                rng.shuffle(&mut changes);
                tear_some(&mut changes, rng, 0.3);
            }
        }
        for change in &changes {
            apply(&mut self.durable, change);
        }
        self.view = self.durable.clone();
    }

    pub(super) fn damage(&mut self, sector: u64, damage: Damage) {
        let start = sector as usize * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES).min(self.view.len());
        if start >= end {
            return;
        }
        let bytes = match damage {
            Damage::Unreadable => {
                self.unreadable.insert(sector);
                return;
            }
            Damage::Flip(bit) => {
                let mut bytes = self.view[start..end].to_vec();
                let bit = bit as usize % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            }
            Damage::Zero => vec![0; end - start],
            Damage::Stale => {
                let mut bytes = self.before.get(&sector).cloned().unwrap_or_default();
                bytes.resize(end - start, 0);
                bytes
            }
        };
        put(&mut self.view, start as u64, &bytes);
        put(&mut self.durable, start as u64, &bytes);
    }
}

fn apply(image: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, data } => put(image, *offset, data),
        Change::Extend(len) => {
            if image.len() < *len as usize {
                image.resize(*len as usize, 0);
            }
        }
        Change::Truncate(len) => image.truncate(*len as usize),
    }
}

/// Loses each change with probability `loss`, and tears about half of the remaining writes.
fn tear_some(changes: &mut Vec<Change>, rng: &mut Rng, loss: f64) {
    let mut pieces = Vec::new();
    for change in changes.drain(..) {
        if rng.chance(loss) {
            continue;
        }
        match change {
            Change::Write { offset, data } if rng.chance(0.5) => {
                let mut done = 0;
                let keep = [0.2, 0.5, 0.9][rng.below(3) as usize];
                while done < data.len() {
                    let to_boundary = TEAR_BYTES - (offset as usize + done) % TEAR_BYTES;
                    let count = to_boundary.min(data.len() - done);
                    if rng.chance(keep) {
                        pieces.push(Change::Write {
                            offset: offset + done as u64,
                            data: data[done..done + count].to_vec(),
                        });
                    }
                    done += count;
                }
            }
            other => pieces.push(other),
        }
    }
    *changes = pieces;
}

/// A change to the names that is not durable.
#[derive(Clone, Debug)]
enum Naming {
    Bind { path: String, inode: usize },
    Unbind { path: String },
    Move { from: String, to: String, inode: usize },
}

impl Naming {
    fn concerns(&self, dir: &str) -> bool {
        let path = match self {
            Naming::Bind { path, .. } | Naming::Unbind { path } => path,
            Naming::Move { to, .. } => to,
        };
        parent(path) == dir
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Naming::Bind { path, inode } => {
                names.insert(path.clone(), *inode);
            }
            Naming::Unbind { path } => {
                names.remove(path);
            }
            Naming::Move { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Names and files.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<Naming>,
    dirs: BTreeSet<String>,
    pub(super) capacity: Option<u64>,
}

impl Disk {
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.names.get(path).copied()
    }

    pub(super) fn has_dir(&self, dir: &str) -> bool {
        dir.is_empty() || self.dirs.contains(dir)
    }

    /// A directory is durable at once: losing a whole directory teaches nothing that losing its names does not.
    pub(super) fn create_dir(&mut self, dir: &str) {
        let mut at = dir;
        while !at.is_empty() {
            self.dirs.insert(at.to_owned());
            at = parent(at);
        }
    }

    pub(super) fn list(&self, dir: &str) -> Vec<String> {
        let files = self.names.keys().filter(|path| parent(path) == dir);
        let dirs = self.dirs.iter().filter(|path| parent(path) == dir && !path.is_empty());
        let mut names: Vec<String> =
            files.chain(dirs).filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect();
        names.sort();
        names
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.unsynced_names.push(naming);
    }

    pub(super) fn create(&mut self, path: &str) -> usize {
        let inode = self.inodes.len();
        self.inodes.push(Inode::default());
        self.name(Naming::Bind { path: path.to_owned(), inode });
        inode
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.name(Naming::Unbind { path: path.to_owned() });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, inode: usize) {
        self.name(Naming::Move { from: from.to_owned(), to: to.to_owned(), inode });
    }

    pub(super) fn sync_dir(&mut self, dir: &str) {
        let (synced, rest) = std::mem::take(&mut self.unsynced_names)
            .into_iter()
            .partition::<Vec<_>, _>(|naming| naming.concerns(dir));
        self.unsynced_names = rest;
        for naming in synced {
            naming.apply(&mut self.durable_names);
        }
    }

    /// Bytes of all files that have a name.
    pub(super) fn used(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[*inode].len()).sum()
    }

    /// Whether a file may become `len` bytes long.
    pub(super) fn has_room(&self, inode: usize, len: u64) -> bool {
        let growth = len.saturating_sub(self.inodes[inode].len());
        growth == 0 || self.capacity.is_none_or(|capacity| self.used() + growth <= capacity)
    }

    /// The power fails and comes back.
    pub(super) fn crash(&mut self, rng: &mut Rng) {
        let namings = std::mem::take(&mut self.unsynced_names);
        let all = rng.chance(0.3);
        for naming in &namings {
            if all || rng.chance(0.5) {
                naming.apply(&mut self.durable_names);
            }
        }
        self.names = self.durable_names.clone();
        for inode in &mut self.inodes {
            inode.crash(rng);
        }
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        for (number, inode) in self.inodes.iter_mut().enumerate() {
            if !named.contains(&number) {
                *inode = Inode::default();
            }
        }
    }
}
