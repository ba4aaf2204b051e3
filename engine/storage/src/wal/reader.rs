//! Records out of the stream.
//!
//! ```text
//! offset size
//!      0    4  bytes of the payload
//!      4    4  CRC32C of the payload
//!      8    n  payload
//! ```

use super::block::Group;
use super::chain::Chain;
use crate::error::{Result, StoreError};
use crate::ids::Lsn;

/// What precedes every record's payload.
pub(super) const RECORD_HEADER_BYTES: usize = 8;

/// One record as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's position.
    pub lsn: Lsn,
    /// The position behind it.
    pub next: Lsn,
    /// The bytes that were appended.
    pub payload: &'a [u8],
}

/// Iterates over records.
pub struct WalReader {
    chain: Chain,
    /// The stream from `lsn` on, as far as it was followed.
    buffer: Vec<u8>,
    /// The part of the buffer that has been handed out.
    used: usize,
    /// The position of `buffer[used]`.
    lsn: Lsn,
    /// Where to stop; [`Lsn`] of `u64::MAX` to find the end.
    limit: Lsn,
    record_bytes_max: usize,
}

/// Where the log ends.
pub(super) enum Step {
    /// A record of so many payload bytes is at the front of the buffer.
    Record(usize),
    /// A group was followed of which the block at this index had to be rebuilt.
    Healed(Group, u8),
    /// There is no further group.
    End,
}

impl WalReader {
    /// Reads from `from`, which the chain has not passed.
    pub(super) fn new(chain: Chain, from: Lsn, limit: Lsn, record_bytes_max: usize) -> WalReader {
        WalReader { chain, buffer: Vec::new(), used: 0, lsn: from, limit, record_bytes_max }
    }

    pub(super) fn chain(&mut self) -> &mut Chain {
        &mut self.chain
    }

    /// The position of the next record: behind the last whole one.
    pub(super) fn position(&self) -> Lsn {
        self.lsn
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::LogDamaged { lsn: self.lsn, what: what.to_owned() }
    }

    /// The payload length of the record at the front; `None` when it is not complete.
    fn front(&self) -> Result<Option<usize>> {
        let rest = &self.buffer[self.used..];
        let Some(header) = rest.get(..RECORD_HEADER_BYTES) else { return Ok(None) };
        let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let bytes = number(0) as usize;
        if bytes > self.record_bytes_max {
            return Err(self.damaged("a record's length is impossible"));
        }
        let Some(payload) = rest.get(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + bytes) else {
            return Ok(None);
        };
        if crc32c::crc32c(payload) != number(4) {
            return Err(self.damaged("a record's checksum is wrong"));
        }
        Ok(Some(bytes))
    }

    /// Moves on until a record is complete, or something else is to be told.
    pub(super) fn step(&mut self) -> Result<Step> {
        loop {
            if let Some(bytes) = self.front()? {
                return Ok(Step::Record(bytes));
            }
            let Some(followed) = self.chain.next()? else { return Ok(Step::End) };
            self.buffer.drain(..self.used);
            self.used = 0;
            if followed.opens && self.lsn < followed.group.start {
                if self.lsn != followed.group.whole {
                    return Err(self.damaged("the log goes on behind another record"));
                }
                self.buffer.clear();
                self.lsn = followed.group.start;
            }
            let have = Lsn(self.lsn.0 + self.buffer.len() as u64);
            followed.group.copy_bytes(&self.chain.blocks, have, &mut self.buffer);
            if let Some(index) = followed.healed {
                return Ok(Step::Healed(followed.group, index));
            }
        }
    }

    /// Hands out the record at the front.
    pub(super) fn take(&mut self, bytes: usize) -> Record<'_> {
        let lsn = self.lsn;
        let start = self.used + RECORD_HEADER_BYTES;
        self.used = start + bytes;
        self.lsn = Lsn(lsn.0 + (RECORD_HEADER_BYTES + bytes) as u64);
        Record { lsn, next: self.lsn, payload: &self.buffer[start..start + bytes] }
    }

    /// The next record; `None` at the end of what was durable when the reader was made.
    #[allow(clippy::should_implement_trait, reason = "lends its buffer")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let mut again = 3;
        while self.lsn < self.limit {
            match self.step()? {
                Step::Record(bytes) => return Ok(Some(self.take(bytes))),
                Step::Healed(group, index) => tracing::warn!(
                    "healed page {} of log segment {:016x}, at {}, in memory",
                    group.base + u32::from(index),
                    group.segment,
                    group.start
                ),
                // The tail is being rewritten while it is read: one of its two versions is whole at any time.
                Step::End if again > 0 => {
                    again -= 1;
                    self.chain.refresh();
                }
                Step::End => return Err(self.damaged(&format!("it was durable up to {}", self.limit))),
            }
        }
        Ok(None)
    }
}
