//! The superblock: the root of everything that is durable.
//!
//! The data file begins with two slots of two sectors. A checkpoint writes the slot that does not hold the last one, both
//! sectors with the same payload, so that a torn write leaves the other slot and a damaged sector leaves its copy. The
//! slot with the higher sequence number counts. Sectors carry the trailer of every sector, with [`SUPERBLOCK_ID`] as page id,
//! the sequence number as generation, and `2 * slot + copy` as shard index.
//!
//! ```text
//! offset size
//!      0    8  "NQSTORE\x01"
//!      8    4  format version
//!     12    4  page bytes
//!     16    8  sequence number
//!     24    8  next generation
//!     32    8  redo LSN
//!     40    8  durable LSN
//!     48    8  next transaction id
//!     56    8  root page id
//!     64    8  flags (bit 0: clean shutdown)
//!     72    8  next page id
//!     80    4  number of map leaves
//!     84    4  number of map root pages
//!     88    8  bytes of the caller's own data
//!     96  512  the caller's own data
//!    608 3472  entries of the map root pages (at most 217)
//! ```

use super::map::{ENTRY_BYTES, Entry};
use super::sector::{self, Label, PAYLOAD_BYTES, SECTOR_BYTES};
use super::{CheckpointMeta, OPAQUE_BYTES_MAX, PAGE_BYTES};
use crate::env::{File, read_full};
use crate::error::{Result, StoreError};
use crate::ids::{Lsn, PageId};

/// The id in a superblock's trailer; no page has it.
const SUPERBLOCK_ID: u64 = sector::ID_LIMIT - 1;
/// The sectors that both slots take.
pub(crate) const SUPERBLOCK_SECTORS: u64 = 4;
const SLOT_BYTES: usize = 2 * SECTOR_BYTES;
const MAGIC: &[u8; 8] = b"NQSTORE\x01";
const VERSION: u32 = 3;
/// The oldest version that is read: 2 has no folded pages.
const VERSION_MIN: u32 = 2;
const OPAQUE_AT: usize = 96;
const ROOTS_AT: usize = OPAQUE_AT + OPAQUE_BYTES_MAX;
/// The most map root pages: 217 * 2^20 pages of 16 KiB are 3.4 TiB.
pub(crate) const ROOTS_MAX: usize = (PAYLOAD_BYTES - ROOTS_AT) / ENTRY_BYTES;
const _: () = assert!(ROOTS_MAX == 217 && ROOTS_AT == 608);

/// The contents of a superblock.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Superblock {
    pub(crate) sequence: u64,
    pub(crate) next_generation: u64,
    pub(crate) next_page: u64,
    pub(crate) leaf_count: u32,
    pub(crate) roots: Vec<Entry>,
    pub(crate) meta: CheckpointMeta,
}

impl Superblock {
    fn encode(&self) -> Result<[u8; SECTOR_BYTES]> {
        let too_large = |what, count: usize, limit: usize| StoreError::TooLarge {
            what,
            bytes: count as u64,
            limit: limit as u64,
        };
        let opaque = &self.meta.opaque;
        if opaque.len() > OPAQUE_BYTES_MAX {
            return Err(too_large("checkpoint data", opaque.len(), OPAQUE_BYTES_MAX));
        }
        if self.roots.len() > ROOTS_MAX {
            return Err(too_large("page map", self.roots.len() * PAGE_BYTES, ROOTS_MAX * PAGE_BYTES));
        }
        let mut out = [0u8; SECTOR_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&(PAGE_BYTES as u32).to_le_bytes());
        let numbers = [
            self.sequence,
            self.next_generation,
            self.meta.redo_lsn.0,
            self.meta.durable_lsn.0,
            self.meta.next_xid,
            self.meta.root.0,
            u64::from(self.meta.clean_shutdown),
            self.next_page,
            u64::from(self.leaf_count) | (self.roots.len() as u64) << 32,
            opaque.len() as u64,
        ];
        for (number, bytes) in numbers.iter().zip(out[16..OPAQUE_AT].chunks_exact_mut(8)) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        out[OPAQUE_AT..OPAQUE_AT + opaque.len()].copy_from_slice(opaque);
        for (entry, bytes) in self.roots.iter().zip(out[ROOTS_AT..].chunks_exact_mut(ENTRY_BYTES)) {
            entry.write(bytes);
        }
        Ok(out)
    }

    /// Decodes a sector whose checksum is right; `Err` says why it is no superblock that this version reads.
    fn decode(sector: &[u8]) -> std::result::Result<Superblock, String> {
        let number = |index: usize| {
            u64::from_le_bytes(sector[16 + index * 8..24 + index * 8].try_into().expect("eight bytes"))
        };
        let small = |at: usize| u32::from_le_bytes(sector[at..at + 4].try_into().expect("four bytes"));
        if &sector[..8] != MAGIC {
            return Err("it is not a data file of this database".into());
        }
        if !(VERSION_MIN..=VERSION).contains(&small(8)) || small(12) as usize != PAGE_BYTES {
            return Err(format!(
                "its format is version {} with pages of {} bytes; this server reads versions {VERSION_MIN} to {VERSION} with pages of {PAGE_BYTES}",
                small(8),
                small(12)
            ));
        }
        let (leaf_count, root_count, opaque_bytes) =
            (number(8) as u32, (number(8) >> 32) as usize, number(9) as usize);
        if root_count > ROOTS_MAX
            || opaque_bytes > OPAQUE_BYTES_MAX
            || leaf_count as usize > root_count * super::map::LEAF_ENTRIES
        {
            return Err("its counts are out of range".into());
        }
        Ok(Superblock {
            sequence: number(0),
            next_generation: number(1),
            next_page: number(7),
            leaf_count,
            roots: sector[ROOTS_AT..].chunks_exact(ENTRY_BYTES).take(root_count).map(Entry::read).collect(),
            meta: CheckpointMeta {
                redo_lsn: Lsn(number(2)),
                durable_lsn: Lsn(number(3)),
                next_xid: number(4),
                root: PageId(number(5)),
                clean_shutdown: number(6) & 1 == 1,
                opaque: sector[OPAQUE_AT..OPAQUE_AT + opaque_bytes].to_vec(),
            },
        })
    }

    fn sealed(&self, slot: usize, copy: usize) -> Result<[u8; SECTOR_BYTES]> {
        let mut sector = self.encode()?;
        sector::seal(
            &mut sector,
            Label { id: SUPERBLOCK_ID, generation: self.sequence, shard: (2 * slot + copy) as u8 },
        );
        Ok(sector)
    }

    /// Writes both copies of a slot; not synced.
    pub(crate) fn write(&self, file: &dyn File, slot: usize) -> Result<()> {
        let both = [self.sealed(slot, 0)?, self.sealed(slot, 1)?].concat();
        file.write_at(&both, (slot * SLOT_BYTES) as u64)
            .map_err(|e| StoreError::io("write the superblock", e))
    }

    /// Writes one copy again, leaving the other alone; not synced.
    pub(crate) fn mend(&self, file: &dyn File, slot: usize, copy: usize) -> Result<()> {
        let sector = self.sealed(slot, copy)?;
        file.write_at(&sector, ((2 * slot + copy) * SECTOR_BYTES) as u64)
            .map_err(|e| StoreError::io("mend the superblock", e))
    }
}

/// The newest superblock, its slot, and which of its copies is damaged, if one is.
pub(crate) struct Found {
    pub(crate) superblock: Superblock,
    pub(crate) slot: usize,
    pub(crate) damaged: Option<usize>,
}

/// Reads a copy; `None` when it is damaged or not itself.
fn read_copy(file: &dyn File, slot: usize, copy: usize) -> Option<[u8; SECTOR_BYTES]> {
    let mut sector = [0u8; SECTOR_BYTES];
    let place = 2 * slot + copy;
    match read_full(file, &mut sector, (place * SECTOR_BYTES) as u64) {
        Ok(SECTOR_BYTES) => {}
        _ => return None,
    }
    let label = sector::label(&sector)?;
    (label.id == SUPERBLOCK_ID && usize::from(label.shard) == place).then_some(sector)
}

/// How many copies in a slot are good and of that sequence number.
pub(crate) fn good_copies(file: &dyn File, slot: usize, sequence: u64) -> usize {
    let is_good = |copy: &usize| {
        read_copy(file, slot, *copy).is_some_and(|sector| {
            Superblock::decode(&sector).is_ok_and(|superblock| superblock.sequence == sequence)
        })
    };
    [0, 1].iter().filter(|copy| is_good(copy)).count()
}

/// Finds the newest superblock.
pub(crate) fn find(file: &dyn File) -> Result<Found> {
    let mut newest: Option<Found> = None;
    let mut refusal = "both superblocks are damaged".to_owned();
    for slot in 0..2 {
        let copies =
            [0, 1].map(|copy| match read_copy(file, slot, copy).map(|sector| Superblock::decode(&sector)) {
                Some(Ok(superblock)) => Some(superblock),
                Some(Err(why)) => {
                    refusal = why;
                    None
                }
                None => None,
            });
        // A write that was torn between the copies leaves two sequence numbers in a slot; neither was promised to anybody, the newer is as good.
        let Some(superblock) = copies.iter().flatten().max_by_key(|superblock| superblock.sequence).cloned()
        else {
            continue;
        };
        let damaged = copies.iter().position(|copy| copy.as_ref() != Some(&superblock));
        if newest.as_ref().is_none_or(|found| found.superblock.sequence < superblock.sequence) {
            newest = Some(Found { superblock, slot, damaged });
        }
    }
    newest.ok_or(StoreError::Corrupt { page: None, what: refusal })
}

#[cfg(test)]
mod tests {
    use super::super::extent::Shape;
    use super::*;
    use crate::env::sim::{Damage, SimEnv};
    use crate::env::{Env, OpenMode};
    use std::path::Path;

    fn sample(sequence: u64) -> Superblock {
        Superblock {
            sequence,
            next_generation: 99,
            next_page: 12,
            leaf_count: 2,
            roots: vec![Entry::new(4, Shape { data: 1, parity: 1, compressed: 7, folded: true }, 5)],
            meta: CheckpointMeta {
                redo_lsn: Lsn(5),
                durable_lsn: Lsn(6),
                next_xid: 7,
                root: PageId(8),
                clean_shutdown: true,
                opaque: vec![1, 2, 3],
            },
        }
    }

    #[test]
    fn the_newest_whole_copy_counts() {
        let env = SimEnv::new(1);
        let path = Path::new("a");
        let file = env.open(path, OpenMode::Create).unwrap();
        assert!(find(&*file).is_err());
        sample(1).write(&*file, 0).unwrap();
        sample(2).write(&*file, 1).unwrap();
        let found = find(&*file).unwrap();
        assert_eq!((found.superblock, found.slot, found.damaged), (sample(2), 1, None));
        env.damage(path, 3, Damage::Flip(77));
        let found = find(&*file).unwrap();
        assert_eq!((found.superblock.sequence, found.damaged), (2, Some(1)));
        sample(2).mend(&*file, 1, 1).unwrap();
        assert_eq!(find(&*file).unwrap().damaged, None);
        env.damage(path, 3, Damage::Zero);
        env.damage(path, 2, Damage::Unreadable);
        assert_eq!(find(&*file).unwrap().superblock.sequence, 1);
    }

    #[test]
    fn too_much_is_refused() {
        let mut superblock = sample(1);
        superblock.meta.opaque = vec![0; OPAQUE_BYTES_MAX + 1];
        assert!(matches!(superblock.encode(), Err(StoreError::TooLarge { .. })));
    }
}
