//! A page as an extent: folded when it is a node ([`crate::page::fold`]), compressed when that saves a sector, cut into data
//! sectors, followed by parity sectors.

use super::map::Entry;
use super::sector::{self, Label, PAYLOAD_BYTES, SECTOR_BYTES};
use super::{PAGE_BYTES, PARITY_MAX};
use crate::ecc::{self, Stripe};
use crate::page::{fold, unfold};
use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use std::cell::RefCell;

/// Data sectors of a page that does not compress.
pub(crate) const RAW_SECTORS: usize = PAGE_BYTES.div_ceil(PAYLOAD_BYTES);
/// The most sectors of an extent.
pub(crate) const EXTENT_SECTORS_MAX: usize = RAW_SECTORS + PARITY_MAX as usize;

/// Buffers of one thread, so that no call allocates.
pub(crate) struct Scratch {
    /// An extent as on disk.
    pub(crate) sectors: Vec<u8>,
    plain: Vec<u8>,
    folded: Vec<u8>,
    unfolded: Box<[u8; PAGE_BYTES]>,
    table: CompressTable,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        sectors: vec![0; EXTENT_SECTORS_MAX * SECTOR_BYTES],
        plain: vec![0; get_maximum_output_size(PAGE_BYTES).max(RAW_SECTORS * PAYLOAD_BYTES)],
        folded: vec![0; PAGE_BYTES],
        unfolded: Box::new([0; PAGE_BYTES]),
        table: CompressTable::small(),
    });
}

/// Lends the thread's buffers. Not to be nested.
pub(crate) fn with_scratch<R>(body: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(body)
}

/// The shape of an encoded page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    /// Data sectors.
    pub(crate) data: u8,
    /// Parity sectors.
    pub(crate) parity: u8,
    /// Compressed bytes; zero when the page is stored as it is.
    pub(crate) compressed: u16,
    /// What is compressed is the page's folded form.
    pub(crate) folded: bool,
}

impl Shape {
    pub(crate) fn sectors(self) -> usize {
        usize::from(self.data) + usize::from(self.parity)
    }
}

/// Encodes a page into the front of `scratch.sectors`, unsealed.
pub(crate) fn encode(page: &[u8; PAGE_BYTES], parity: u8, scratch: &mut Scratch) -> Shape {
    let folded = fold(page, &mut scratch.folded)
        .filter(|&len| unfold(&scratch.folded[..len], &mut scratch.unfolded) && *scratch.unfolded == *page);
    let input = folded.map_or(&page[..], |len| &scratch.folded[..len]);
    let compressed =
        compress_into_with_table(input, &mut scratch.plain, &mut scratch.table).unwrap_or(PAGE_BYTES);
    let (source, compressed, folded) = if compressed.div_ceil(PAYLOAD_BYTES) < RAW_SECTORS {
        (&scratch.plain[..compressed], compressed as u16, folded.is_some())
    } else {
        (&page[..], 0, false)
    };
    let data = source.len().div_ceil(PAYLOAD_BYTES);
    for (piece, sector) in source.chunks(PAYLOAD_BYTES).zip(scratch.sectors.chunks_exact_mut(SECTOR_BYTES)) {
        sector[..piece.len()].copy_from_slice(piece);
        sector[piece.len()..PAYLOAD_BYTES].fill(0);
    }
    let shape = Shape { data: data as u8, parity, compressed, folded };
    let code = ecc::code(data, usize::from(parity)).expect("an extent's shape has a code");
    code.encode(&mut Stripe::new(
        &mut scratch.sectors[..shape.sectors() * SECTOR_BYTES],
        SECTOR_BYTES,
        0,
        PAYLOAD_BYTES,
    ));
    shape
}

/// Labels the sectors of an encoded extent.
pub(crate) fn seal(sectors: &mut [u8], id: u64, generation: u64) {
    for (shard, sector) in sectors.chunks_exact_mut(SECTOR_BYTES).enumerate() {
        sector::seal(sector, Label { id, generation, shard: shard as u8 });
    }
}

/// Whether a sector is the one that was written as this shard of this entry.
pub(crate) fn is_good(sector: &[u8], id: u64, entry: &Entry, shard: usize) -> bool {
    sector::label(sector) == Some(Label { id, generation: entry.generation(), shard: shard as u8 })
}

/// Rebuilds the payload of the shards in `missing` inside `scratch.sectors`; `false` when there are too many.
pub(crate) fn rebuild(scratch: &mut Scratch, shape: Shape, missing: u32) -> bool {
    let sectors = &mut scratch.sectors[..shape.sectors() * SECTOR_BYTES];
    ecc::code(usize::from(shape.data), usize::from(shape.parity))
        .is_some_and(|code| code.rebuild(&mut Stripe::new(sectors, SECTOR_BYTES, 0, PAYLOAD_BYTES), missing))
}

/// Where a device's damage may begin and end within a sector.
const GRAIN_BYTES: usize = 512;

/// Rebuilds two neighbouring sectors that one damage no longer than a sector has hit: the end of the first and the start of the second.
///
/// One parity shard rebuilds one shard only, but it does so byte by byte: up to some cut the first sector's bytes are right, from there on the
/// second's are. Each cut on a grain is tried; `is_good` judges the second sector, whose trailer is undamaged. `false`, and nothing changed,
/// when no cut fits.
pub(crate) fn rebuild_straddled(
    scratch: &mut Scratch,
    shape: Shape,
    missing: u32,
    is_good: impl Fn(&[u8], usize) -> bool,
) -> bool {
    let first = missing.trailing_zeros() as usize;
    let second = first + 1;
    if shape.parity != 1 || missing.count_ones() != 2 || missing & (1 << second) == 0 {
        return false;
    }
    let Some(code) = ecc::code(usize::from(shape.data), 1) else { return false };
    let sectors = &mut scratch.sectors[..shape.sectors() * SECTOR_BYTES];
    let pair = first * SECTOR_BYTES..(second + 1) * SECTOR_BYTES;
    let damaged = sectors[pair.clone()].to_vec();
    for cut in (GRAIN_BYTES..SECTOR_BYTES).step_by(GRAIN_BYTES) {
        code.rebuild(&mut Stripe::new(sectors, SECTOR_BYTES, cut, PAYLOAD_BYTES - cut), 1 << first);
        code.rebuild(&mut Stripe::new(sectors, SECTOR_BYTES, 0, cut), 1 << second);
        if is_good(&sectors[second * SECTOR_BYTES..pair.end], second) {
            return true;
        }
        sectors[pair.clone()].copy_from_slice(&damaged);
    }
    false
}

/// Decodes the extent in `scratch.sectors`, whose data sectors are good; `false` when the payload is no page.
pub(crate) fn decode(scratch: &mut Scratch, shape: Shape, out: &mut [u8; PAGE_BYTES]) -> bool {
    if shape.compressed == 0 {
        for (piece, sector) in out.chunks_mut(PAYLOAD_BYTES).zip(scratch.sectors.chunks_exact(SECTOR_BYTES)) {
            piece.copy_from_slice(&sector[..piece.len()]);
        }
        return usize::from(shape.data) == RAW_SECTORS;
    }
    let bytes = usize::from(shape.compressed);
    if bytes > usize::from(shape.data) * PAYLOAD_BYTES {
        return false;
    }
    // One sector needs no gathering.
    let source = if shape.data == 1 {
        &scratch.sectors[..bytes]
    } else {
        for (piece, sector) in scratch
            .plain
            .chunks_mut(PAYLOAD_BYTES)
            .zip(scratch.sectors.chunks_exact(SECTOR_BYTES))
            .take(usize::from(shape.data))
        {
            let count = piece.len().min(PAYLOAD_BYTES);
            piece.copy_from_slice(&sector[..count]);
        }
        &scratch.plain[..bytes]
    };
    if !shape.folded {
        return matches!(decompress_into(source, out), Ok(PAGE_BYTES));
    }
    decompress_into(source, &mut scratch.folded).is_ok_and(|len| unfold(&scratch.folded[..len], out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::sim::Rng;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_come_back_with_any_sector_missing(seed: u64, random_bytes in 0usize..=PAGE_BYTES, parity in 1u8..=PARITY_MAX, erase: u32) {
            let mut page = [7u8; PAGE_BYTES];
            Rng::new(seed).fill(&mut page[..random_bytes]);
            with_scratch(|scratch| {
                let shape = encode(&page, parity, scratch);
                prop_assert!(usize::from(shape.data) <= RAW_SECTORS);
                let mut missing = 0u32;
                for shard in 0..u32::from(parity) {
                    missing |= 1 << ((erase.rotate_left(shard * 5)) as usize % shape.sectors());
                }
                for shard in (0..shape.sectors()).filter(|shard| missing & (1 << shard) != 0) {
                    scratch.sectors[shard * SECTOR_BYTES..][..SECTOR_BYTES].fill(0x55);
                }
                prop_assert!(rebuild(scratch, shape, missing));
                let mut out = [0u8; PAGE_BYTES];
                prop_assert!(decode(scratch, shape, &mut out));
                prop_assert!(out == page);
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_damage_across_two_sectors_is_mended() {
        let mut page = [0u8; PAGE_BYTES];
        Rng::new(5).fill(&mut page[..9000]);
        let good = |sector: &[u8], shard: usize| {
            sector::label(sector) == Some(Label { id: 4, generation: 9, shard: shard as u8 })
        };
        with_scratch(|scratch| {
            let shape = encode(&page, 1, scratch);
            let bytes = shape.sectors() * SECTOR_BYTES;
            seal(&mut scratch.sectors[..bytes], 4, 9);
            let whole = scratch.sectors[..bytes].to_vec();
            for (at, length) in (GRAIN_BYTES..bytes - SECTOR_BYTES)
                .step_by(GRAIN_BYTES)
                .flat_map(|at| [(at, SECTOR_BYTES), (at, 2 * GRAIN_BYTES), (at, SECTOR_BYTES + GRAIN_BYTES)])
            {
                scratch.sectors[..bytes].copy_from_slice(&whole);
                for byte in &mut scratch.sectors[at..(at + length).min(bytes)] {
                    *byte ^= 0x5A;
                }
                let damaged = scratch.sectors[..bytes].to_vec();
                let missing = (0..shape.sectors())
                    .filter(|shard| !good(&scratch.sectors[shard * SECTOR_BYTES..][..SECTOR_BYTES], *shard))
                    .fold(0u32, |set, shard| set | 1 << shard);
                if missing.count_ones() != 2 {
                    assert!(!rebuild_straddled(scratch, shape, missing, good));
                    continue;
                }
                if length > SECTOR_BYTES {
                    assert!(!rebuild_straddled(scratch, shape, missing, good), "at {at}");
                    assert!(scratch.sectors[..bytes] == damaged);
                    continue;
                }
                assert!(rebuild_straddled(scratch, shape, missing, good), "at {at}, {length} bytes");
                let mut out = [0u8; PAGE_BYTES];
                assert!(decode(scratch, shape, &mut out) && out == page, "at {at}, {length} bytes");
            }
        });
    }

    #[test]
    fn empty_pages_take_one_sector_and_noise_takes_five() {
        let mut noise = [0u8; PAGE_BYTES];
        Rng::new(3).fill(&mut noise);
        with_scratch(|scratch| {
            assert_eq!(encode(&[0; PAGE_BYTES], 1, scratch).data, 1);
            assert_eq!(
                encode(&noise, 1, scratch),
                Shape { data: 5, parity: 1, compressed: 0, folded: false }
            );
        });
    }
}
