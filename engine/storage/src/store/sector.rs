//! A sector: 4080 bytes of payload and a trailer that says what it is.
//!
//! ```text
//! offset size
//!      0 4080  payload
//!   4080    5  page id
//!   4085    6  generation of the write
//!   4091    1  shard index within the extent (data sectors first, then parity)
//!   4092    4  CRC32C of the bytes 0..4092
//! ```
//!
//! All numbers are little-endian. The CRC finds damage; page id, generation and shard index, compared with the map's entry,
//! find a sector that is whole but not the one that was written here last (a lost, misdirected or stale write).

use crate::ecc::checksum;

/// The size of a sector.
pub(crate) const SECTOR_BYTES: usize = 4096;
/// The part of a sector that carries payload.
pub(crate) const PAYLOAD_BYTES: usize = SECTOR_BYTES - TRAILER_BYTES;
const TRAILER_BYTES: usize = 16;
const ID_AT: usize = PAYLOAD_BYTES;
const GENERATION_AT: usize = ID_AT + 5;
const SHARD_AT: usize = GENERATION_AT + 6;
const CRC_AT: usize = SHARD_AT + 1;
const _: () = assert!(CRC_AT + 4 == SECTOR_BYTES);

/// Ids are below this.
pub(crate) const ID_LIMIT: u64 = 1 << 40;
/// Generations are below this.
pub(crate) const GENERATION_LIMIT: u64 = 1 << 48;

/// Which sector it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label {
    pub(crate) id: u64,
    pub(crate) generation: u64,
    pub(crate) shard: u8,
}

/// Writes label and checksum.
pub(crate) fn seal(sector: &mut [u8], label: Label) {
    debug_assert!(sector.len() == SECTOR_BYTES && label.id < ID_LIMIT && label.generation < GENERATION_LIMIT);
    sector[ID_AT..GENERATION_AT].copy_from_slice(&label.id.to_le_bytes()[..5]);
    sector[GENERATION_AT..SHARD_AT].copy_from_slice(&label.generation.to_le_bytes()[..6]);
    sector[SHARD_AT] = label.shard;
    let crc = checksum(&sector[..CRC_AT]);
    sector[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
}

/// The label of a sector whose checksum is right.
pub(crate) fn label(sector: &[u8]) -> Option<Label> {
    let crc = u32::from_le_bytes(sector[CRC_AT..SECTOR_BYTES].try_into().expect("four bytes"));
    if checksum(&sector[..CRC_AT]) != crc {
        return None;
    }
    let number = |from: usize, to: usize| {
        let mut bytes = [0u8; 8];
        bytes[..to - from].copy_from_slice(&sector[from..to]);
        u64::from_le_bytes(bytes)
    };
    Some(Label {
        id: number(ID_AT, GENERATION_AT),
        generation: number(GENERATION_AT, SHARD_AT),
        shard: sector[SHARD_AT],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailer_is_as_documented() {
        let mut sector = vec![0u8; SECTOR_BYTES];
        sector[0] = 7;
        let written = Label { id: 0x01_0203_0405, generation: 0x0607_0809_0A0B, shard: 12 };
        seal(&mut sector, written);
        assert_eq!(&sector[4080..4092], [5, 4, 3, 2, 1, 0x0B, 0x0A, 9, 8, 7, 6, 12]);
        assert_eq!(label(&sector), Some(written));
        for bit in [0, 4080 * 8, 4095 * 8 + 7] {
            sector[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(label(&sector), None);
            sector[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(label(&[0; SECTOR_BYTES]), None);
    }
}
