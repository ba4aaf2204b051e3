//! Blocks and groups: how a piece of the log's byte stream lies on disk.
//!
//! A *group* is one to 16 data blocks followed by a parity block, all of 4 KiB, in a row within one segment. With one data
//! block the parity block is its mirror. Every block's header describes the whole group, so that any one of them suffices to
//! find the others:
//!
//! ```text
//! offset size
//!      0    4  CRC32C of the bytes 4..4096
//!      4    4  log id (drawn when the log is created)
//!      8    8  start: the LSN of the group's first byte
//!     16    8  whole: the LSN behind the last whole record below `start`, in the first group of an epoch; the bytes between
//!              the two are the front of a record that was never finished. Elsewhere the same as `start`
//!     24    8  durable: everything below this LSN was durable when the group was written
//!     32    8  segment number
//!     40    4  block number within the segment
//!     44    4  epoch: counts the openings of the log
//!     48    4  bytes of the stream in this group
//!     52    1  index of this block within the group
//!     53    1  data blocks of the group
//!     54    2  zero
//!     56    4  after epoch: the epoch of the log that this group goes on from at `start`; another one than `epoch` only in
//!              the first group of an epoch
//!     60    4  zero
//!     64 4032  payload; in the parity block, the exclusive or of the data blocks' payloads
//! ```

use crate::ecc::{self, Stripe, checksum};
use crate::ids::Lsn;

/// The size of a block: what a drive damages as a whole.
pub(super) const BLOCK_BYTES: usize = 4096;
const HEADER_BYTES: usize = 64;
/// Stream bytes of a block.
pub(super) const PAYLOAD_BYTES: usize = BLOCK_BYTES - HEADER_BYTES;
/// The most data blocks of a group.
pub(super) const DATA_BLOCKS_MAX: usize = 16;
/// The most blocks of a group.
pub(super) const GROUP_BLOCKS_MAX: usize = DATA_BLOCKS_MAX + 1;
const _: () = assert!(DATA_BLOCKS_MAX <= ecc::DATA_SHARDS_MAX);

/// What is the same in all blocks of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Group {
    pub(super) log_id: u32,
    pub(super) epoch: u32,
    pub(super) start: Lsn,
    pub(super) whole: Lsn,
    pub(super) after_epoch: u32,
    pub(super) durable: Lsn,
    pub(super) segment: u64,
    /// The block number of the group's first block.
    pub(super) base: u32,
    pub(super) bytes: u32,
    pub(super) data_blocks: u8,
}

impl Group {
    /// The position behind the group's bytes.
    pub(super) fn end(&self) -> Lsn {
        Lsn(self.start.0 + u64::from(self.bytes))
    }

    /// Blocks with parity.
    pub(super) fn blocks(&self) -> u32 {
        u32::from(self.data_blocks) + 1
    }

    /// Fills `out`, of as many blocks as the group has, from the pieces of the stream that the group holds.
    pub(super) fn encode(&self, pieces: [&[u8]; 2], out: &mut [u8]) {
        let data_blocks = usize::from(self.data_blocks);
        debug_assert_eq!(pieces[0].len() + pieces[1].len(), self.bytes as usize);
        debug_assert_eq!(out.len(), (data_blocks + 1) * BLOCK_BYTES);
        let mut bytes = pieces[0];
        let mut rest = pieces[1];
        for block in out.chunks_exact_mut(BLOCK_BYTES).take(data_blocks) {
            let mut payload = &mut block[HEADER_BYTES..];
            while !payload.is_empty() {
                if bytes.is_empty() {
                    if rest.is_empty() {
                        payload.fill(0);
                        break;
                    }
                    bytes = std::mem::take(&mut rest);
                }
                let count = bytes.len().min(payload.len());
                payload[..count].copy_from_slice(&bytes[..count]);
                payload = &mut payload[count..];
                bytes = &bytes[count..];
            }
        }
        let code = ecc::code(data_blocks, 1).expect("a group's shape has a code");
        code.encode(&mut Stripe::new(out, BLOCK_BYTES, HEADER_BYTES, PAYLOAD_BYTES));
        for (index, block) in out.chunks_exact_mut(BLOCK_BYTES).enumerate() {
            self.seal(block, index as u8);
        }
    }

    /// Writes header and checksum of one block.
    pub(super) fn seal(&self, block: &mut [u8], index: u8) {
        block[4..8].copy_from_slice(&self.log_id.to_le_bytes());
        block[8..16].copy_from_slice(&self.start.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.whole.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.durable.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.segment.to_le_bytes());
        block[40..44].copy_from_slice(&(self.base + u32::from(index)).to_le_bytes());
        block[44..48].copy_from_slice(&self.epoch.to_le_bytes());
        block[48..52].copy_from_slice(&self.bytes.to_le_bytes());
        block[52..56].copy_from_slice(&[index, self.data_blocks, 0, 0]);
        block[56..60].copy_from_slice(&self.after_epoch.to_le_bytes());
        block[60..64].fill(0);
        let crc = checksum(&block[4..]);
        block[..4].copy_from_slice(&crc.to_le_bytes());
    }

    /// Reads the header of a block; `None` when the block is damaged or does not belong at this place.
    pub(super) fn decode(block: &[u8], segment: u64, number: u32) -> Option<Group> {
        let small = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().expect("four bytes"));
        let large = |at: usize| u64::from_le_bytes(block[at..at + 8].try_into().expect("eight bytes"));
        // A block that was never written costs no checksum.
        if large(0) == 0 || checksum(&block[4..BLOCK_BYTES]) != small(0) {
            return None;
        }
        let (index, data_blocks) = (block[52], block[53]);
        let group = Group {
            log_id: small(4),
            epoch: small(44),
            start: Lsn(large(8)),
            whole: Lsn(large(16)),
            after_epoch: small(56),
            durable: Lsn(large(24)),
            segment: large(32),
            base: small(40).checked_sub(u32::from(index))?,
            bytes: small(48),
            data_blocks,
        };
        let shape_is_possible = (1..=DATA_BLOCKS_MAX).contains(&usize::from(data_blocks))
            && index <= data_blocks
            && group.bytes as usize <= usize::from(data_blocks) * PAYLOAD_BYTES
            && group.whole <= group.start
            && group.start.0.checked_add(u64::from(group.bytes)).is_some();
        (shape_is_possible && group.segment == segment && small(40) == number).then_some(group)
    }

    /// Appends the stream bytes of a group, whose data blocks are good, from LSN `from` on.
    pub(super) fn copy_bytes(&self, blocks: &[u8], from: Lsn, out: &mut Vec<u8>) {
        let mut skip = from.0.saturating_sub(self.start.0) as usize;
        let mut left = self.bytes as usize;
        for block in blocks.chunks_exact(BLOCK_BYTES).take(usize::from(self.data_blocks)) {
            let payload = &block[HEADER_BYTES..][..left.min(PAYLOAD_BYTES)];
            left -= payload.len();
            out.extend_from_slice(&payload[skip.min(payload.len())..]);
            skip = skip.saturating_sub(payload.len());
        }
    }

    /// Rebuilds the one block at `index` from the others, header included.
    pub(super) fn rebuild(&self, blocks: &mut [u8], index: u8) {
        let code = ecc::code(usize::from(self.data_blocks), 1).expect("a group's shape has a code");
        let rebuilt =
            code.rebuild(&mut Stripe::new(blocks, BLOCK_BYTES, HEADER_BYTES, PAYLOAD_BYTES), 1 << index);
        debug_assert!(rebuilt, "one missing block is never too many");
        self.seal(&mut blocks[usize::from(index) * BLOCK_BYTES..][..BLOCK_BYTES], index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::sim::Rng;

    fn group(bytes: u32) -> Group {
        Group {
            log_id: 0x0403_0201,
            epoch: 3,
            start: Lsn(1000),
            whole: Lsn(990),
            after_epoch: 2,
            durable: Lsn(900),
            segment: 5,
            base: 8,
            bytes,
            data_blocks: (bytes as usize).div_ceil(PAYLOAD_BYTES).max(1) as u8,
        }
    }

    #[test]
    fn the_header_is_as_documented() {
        let mut blocks = vec![0u8; 2 * BLOCK_BYTES];
        group(3).encode([b"ab", b"c"], &mut blocks);
        let block = &blocks[BLOCK_BYTES..];
        assert_eq!(block[4..8], [1, 2, 3, 4]);
        assert_eq!((block[8..10].to_vec(), block[24..26].to_vec()), (vec![0xE8, 3], vec![0x84, 3]));
        assert_eq!(
            (block[32], block[40], block[44], block[48], &block[52..56]),
            (5, 9, 3, 3, &[1u8, 1, 0, 0][..])
        );
        assert_eq!(&block[56..68], b"\x02\0\0\0\0\0\0\0abc\0");
        assert_eq!(Group::decode(block, 5, 9), Some(group(3)));
        assert_eq!(Group::decode(block, 5, 8), None, "misplaced");
        assert_eq!(Group::decode(block, 6, 9), None, "of a recycled segment");
    }

    #[test]
    fn any_block_of_a_group_can_be_rebuilt() {
        let mut stream = vec![0u8; DATA_BLOCKS_MAX * PAYLOAD_BYTES];
        Rng::new(4).fill(&mut stream);
        for bytes in [0, 1, PAYLOAD_BYTES, PAYLOAD_BYTES + 1, 5 * PAYLOAD_BYTES - 7, stream.len()] {
            let group = group(bytes as u32);
            let mut blocks = vec![0u8; group.blocks() as usize * BLOCK_BYTES];
            group.encode([&stream[..bytes / 3], &stream[bytes / 3..bytes]], &mut blocks);
            let good = blocks.clone();
            for index in 0..group.blocks() as u8 {
                blocks[usize::from(index) * BLOCK_BYTES..][..BLOCK_BYTES].fill(0xEE);
                group.rebuild(&mut blocks, index);
                assert!(blocks == good);
            }
            let mut out = Vec::new();
            group.copy_bytes(&blocks, Lsn(1000), &mut out);
            assert!(out == stream[..bytes]);
            out.clear();
            group.copy_bytes(&blocks, Lsn(1000 + bytes as u64 / 2), &mut out);
            assert!(out == stream[bytes / 2..bytes]);
        }
    }
}
