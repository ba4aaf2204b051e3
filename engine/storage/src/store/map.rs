//! The page map: which extent holds a page.
//!
//! In memory it is a list of leaves of 1024 entries, each behind its own latch; on disk each leaf is a page, and the leaves'
//! own entries fill root pages likewise, whose entries stand in the superblock. An entry is 16 bytes, little-endian:
//!
//! ```text
//! bits
//!   0..40   first sector of the extent
//!  40..44   data sectors (zero: the page has no contents)
//!  44..48   parity sectors
//!  48..63   compressed bytes (zero: stored as it is)
//!  63       the compressed bytes are those of the page's folded form
//!  64..112  generation
//! 112..128  zero
//! ```

use super::PAGE_BYTES;
use super::extent::Shape;
use parking_lot::RwLock;
use std::sync::Arc;

/// Entries of a leaf.
pub(crate) const LEAF_ENTRIES: usize = PAGE_BYTES / ENTRY_BYTES;
pub(crate) const ENTRY_BYTES: usize = 16;

/// Where a page lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    place: u64,
    generation: u64,
}

impl Entry {
    pub(crate) const NONE: Entry = Entry { place: 0, generation: 0 };

    pub(crate) fn new(sector: u64, shape: Shape, generation: u64) -> Entry {
        debug_assert!(sector < 1 << 40 && shape.data < 16 && shape.parity < 16);
        let place = sector
            | u64::from(shape.data) << 40
            | u64::from(shape.parity) << 44
            | u64::from(shape.compressed) << 48
            | u64::from(shape.folded) << 63;
        Entry { place, generation }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.shape().data == 0
    }

    pub(crate) fn sector(&self) -> u64 {
        self.place & ((1 << 40) - 1)
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape {
            data: (self.place >> 40 & 15) as u8,
            parity: (self.place >> 44 & 15) as u8,
            compressed: (self.place >> 48 & 0x7FFF) as u16,
            folded: self.place >> 63 == 1,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn write(&self, out: &mut [u8]) {
        out[..8].copy_from_slice(&self.place.to_le_bytes());
        out[8..16].copy_from_slice(&self.generation.to_le_bytes());
    }

    pub(crate) fn read(bytes: &[u8]) -> Entry {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Entry { place: number(0), generation: number(8) }
    }
}

/// Puts entries on a map page.
pub(crate) fn write_entries(entries: &[Entry], page: &mut [u8; PAGE_BYTES]) {
    page.fill(0);
    for (entry, out) in entries.iter().zip(page.chunks_exact_mut(ENTRY_BYTES)) {
        entry.write(out);
    }
}

/// Takes the first entries off a map page.
pub(crate) fn read_entries(page: &[u8; PAGE_BYTES], out: &mut [Entry]) {
    for (entry, bytes) in out.iter_mut().zip(page.chunks_exact(ENTRY_BYTES)) {
        *entry = Entry::read(bytes);
    }
}

struct Leaf {
    entries: Box<[Entry; LEAF_ENTRIES]>,
    /// Changed since the last checkpoint took it.
    dirty: bool,
    /// An entry of a higher generation was installed after the last checkpoint took this leaf: no checkpoint knows it.
    taken_at: u64,
}

/// What became of the extent that an entry pointed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Replaced {
    /// There was none.
    Nothing,
    /// No checkpoint knows it: it is free at once.
    Unknown(Entry),
    /// A checkpoint may point to it: it is free after the next one.
    Known(Entry),
    /// The new entry was refused, because the map had a newer one (or not the expected one).
    Refused,
}

/// The map in memory.
#[derive(Default)]
pub(crate) struct PageMap {
    leaves: RwLock<Vec<Arc<RwLock<Leaf>>>>,
}

impl PageMap {
    pub(crate) fn leaf_count(&self) -> usize {
        self.leaves.read().len()
    }

    /// Adds empty leaves until there is one for the page.
    pub(crate) fn cover(&self, id: u64) {
        let mut leaves = self.leaves.write();
        while leaves.len() <= (id / LEAF_ENTRIES as u64) as usize {
            let entries = Box::new([Entry::NONE; LEAF_ENTRIES]);
            leaves.push(Arc::new(RwLock::new(Leaf { entries, dirty: true, taken_at: 0 })));
        }
    }

    /// Adds a leaf as a checkpoint has it; `dirty` when the next one shall write it in any case.
    pub(crate) fn push_leaf(&self, entries: Box<[Entry; LEAF_ENTRIES]>, next_generation: u64, dirty: bool) {
        self.leaves.write().push(Arc::new(RwLock::new(Leaf {
            entries,
            dirty,
            taken_at: next_generation - 1,
        })));
    }

    fn leaf(&self, id: u64) -> Option<Arc<RwLock<Leaf>>> {
        self.leaves.read().get((id / LEAF_ENTRIES as u64) as usize).cloned()
    }

    pub(crate) fn get(&self, id: u64) -> Entry {
        let leaves = self.leaves.read();
        match leaves.get((id / LEAF_ENTRIES as u64) as usize) {
            Some(leaf) => leaf.read().entries[id as usize % LEAF_ENTRIES],
            None => Entry::NONE,
        }
    }

    /// Copies the entries of leaf `index`.
    pub(crate) fn copy_leaf(&self, index: usize, out: &mut [Entry; LEAF_ENTRIES]) -> bool {
        match self.leaf((index * LEAF_ENTRIES) as u64) {
            Some(leaf) => {
                out.copy_from_slice(&leaf.read().entries[..]);
                true
            }
            None => false,
        }
    }

    /// Copies the entries of leaf `index` for a checkpoint, when it changed; `generation` is the next one to be given out.
    pub(crate) fn take_leaf(&self, index: usize, next_generation: u64, page: &mut [u8; PAGE_BYTES]) -> bool {
        let Some(leaf) = self.leaf((index * LEAF_ENTRIES) as u64) else { return false };
        let mut leaf = leaf.write();
        if !leaf.dirty {
            return false;
        }
        write_entries(&leaf.entries[..], page);
        leaf.dirty = false;
        leaf.taken_at = next_generation - 1;
        true
    }

    /// The checkpoint that took a leaf failed.
    pub(crate) fn mark_dirty(&self, index: usize) {
        if let Some(leaf) = self.leaf((index * LEAF_ENTRIES) as u64) {
            leaf.write().dirty = true;
        }
    }

    /// Points a page to a new extent ([`Entry::NONE`]: to none). The leaf exists. With `expected`, only when the map still has that entry.
    pub(crate) fn install(&self, id: u64, entry: Entry, expected: Option<Entry>) -> Replaced {
        let Some(leaf) = self.leaf(id) else { return Replaced::Refused };
        let mut leaf = leaf.write();
        let taken_at = leaf.taken_at;
        let slot = &mut leaf.entries[id as usize % LEAF_ENTRIES];
        let old = *slot;
        if expected.is_some_and(|expected| expected != old)
            || (!entry.is_none() && entry.generation < old.generation)
        {
            return Replaced::Refused;
        }
        *slot = entry;
        leaf.dirty = true;
        match old {
            old if old.is_none() => Replaced::Nothing,
            old if old.generation > taken_at => Replaced::Unknown(old),
            old => Replaced::Known(old),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { data: 3, parity: 1, compressed: 9000, folded: false };

    #[test]
    fn an_entry_is_as_documented() {
        let entry = Entry::new(0x01_0203_0405, SHAPE, 0x0A0B);
        let mut bytes = [0u8; 16];
        entry.write(&mut bytes);
        assert_eq!(bytes, [5, 4, 3, 2, 1, 0x13, 0x28, 0x23, 0x0B, 0x0A, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Entry::read(&bytes), entry);
        assert_eq!((entry.sector(), entry.shape(), entry.generation()), (0x01_0203_0405, SHAPE, 0x0A0B));
        assert!(Entry::NONE.is_none() && !entry.is_none());
    }

    #[test]
    fn only_extents_that_a_checkpoint_took_are_kept_for_it() {
        let map = PageMap::default();
        map.cover(5);
        let (a, b, c) = (Entry::new(8, SHAPE, 1), Entry::new(16, SHAPE, 2), Entry::new(24, SHAPE, 3));
        assert_eq!(map.install(5, a, None), Replaced::Nothing);
        assert_eq!(map.install(5, b, None), Replaced::Unknown(a));
        assert_eq!(map.install(5, a, None), Replaced::Refused, "older than what is there");
        let mut page = [0u8; PAGE_BYTES];
        assert!(map.take_leaf(0, 3, &mut page));
        assert!(!map.take_leaf(0, 3, &mut page), "clean now");
        assert_eq!(map.install(5, c, Some(a)), Replaced::Refused);
        assert_eq!(map.install(5, c, Some(b)), Replaced::Known(b));
        assert_eq!(map.install(5, Entry::NONE, None), Replaced::Unknown(c));
        let mut entries = Box::new([Entry::NONE; LEAF_ENTRIES]);
        read_entries(&page, &mut entries[..]);
        assert_eq!(entries[5], b);
        map.push_leaf(entries, 3, false);
        assert_eq!(map.install(1024 + 5, c, None), Replaced::Known(b), "a leaf from disk is known");
    }
}
