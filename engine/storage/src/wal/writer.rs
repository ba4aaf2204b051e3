//! Writing the stream out as groups: one write and at most one sync per flush, whatever became durable before untouched.
//!
//! The last group, when it has one data block that is not full, is the *tail*. The next flush, when it fits, writes a longer
//! version of the tail beside it, and the one after that over the older of the two versions:
//!
//! ```text
//!  flush 1   [a  ][a  ]                      a group and its mirror
//!  flush 2   [a  ][a  ][ab ][ab ]
//!  flush 3   [abc][abc][ab ][ab ]            power fails here: "ab" is whole, with its mirror
//!  flush 4   [abc][abc][ab ][ab ][d  ][d  ]  "d" did not fit
//! ```
//!
//! So a write never touches the newest durable version, every version survives one damaged block, and a block of 4 KiB takes
//! four blocks of log however many flushes it took to fill it.
//!
//! A flush need not sync ([`Round::Write`]): then its groups are in the hands of the system, and a later sync of the same file
//! makes them durable. A longer tail is synced in any case, and so is a segment before the next one is begun: what is not synced
//! lies in one file, and the version of a tail that is written over is always the older of two durable ones.

use super::block::{BLOCK_BYTES, DATA_BLOCKS_MAX, Group, PAYLOAD_BYTES};
use super::segment::Segment;
use crate::env::File;
use crate::error::{Result, StoreError};
use crate::ids::Lsn;

/// Blocks of one write to the device.
const WRITE_BLOCKS: usize = 64;

/// Where opening found the end of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LogEnd {
    /// The epoch of the last group.
    pub(super) epoch: u32,
    /// The position behind the last group: there the log goes on, so that no LSN is used twice.
    pub(super) lsn: Lsn,
    /// The position behind the last whole record.
    pub(super) whole: Lsn,
}

/// What a flush is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Round {
    /// Room in the buffer: nobody waits for durability.
    Write,
    /// Durability of everything so far.
    Sync,
}

struct Tail {
    start: Lsn,
    /// What the group goes on from, when it is the first of its epoch.
    opening: Option<LogEnd>,
    bytes: Vec<u8>,
    /// The block of the newest version.
    at: u32,
    /// The block of the version before, which is of no use any more.
    spare: Option<u32>,
}

/// Where and how the log goes on.
pub(super) struct Writer {
    log_id: u32,
    epoch: u32,
    segment: Segment,
    /// The first block that has not been used.
    position: u32,
    tail: Option<Tail>,
    /// The first group of the epoch has not been written; it will go on from here.
    opening: Option<LogEnd>,
    /// Everything below is durable.
    pub(super) synced: Lsn,
    /// Everything below is written.
    pub(super) written: Lsn,
    /// The stream from `written` on that is to be written next.
    pub(super) pending: Vec<u8>,
    staging: Vec<u8>,
}

/// Hands out the next segment, in which the stream goes on at the given LSN.
pub(super) type Claim<'a> = dyn FnMut(Lsn) -> Result<Segment> + 'a;

fn write(file: &dyn File, bytes: &[u8], block: u32) -> Result<()> {
    file.write_at(bytes, u64::from(block) * BLOCK_BYTES as u64)
        .map_err(|e| StoreError::io("write the log", e))
}

fn sync(file: &dyn File) -> Result<()> {
    file.sync_data().map_err(|e| StoreError::poisoned(format_args!("log: {e}")))
}

impl Group {
    /// Makes a group the first one behind the end of an earlier life's log.
    fn opening(self, end: Option<LogEnd>) -> Group {
        match end {
            Some(end) => Group { whole: end.whole, after_epoch: end.epoch, ..self },
            None => self,
        }
    }
}

impl Writer {
    /// Goes on from the end of a log at a block of a segment.
    pub(super) fn new(log_id: u32, epoch: u32, segment: Segment, position: u32, end: LogEnd) -> Writer {
        Writer {
            log_id,
            epoch,
            segment,
            position,
            tail: None,
            opening: Some(end),
            synced: end.lsn,
            written: end.lsn,
            pending: Vec::new(),
            staging: Vec::new(),
        }
    }

    /// Writes the empty group that starts a new log; not synced.
    pub(super) fn write_anchor(&mut self) -> Result<()> {
        let group = Group { bytes: 0, data_blocks: 1, ..self.group(self.written, 0, 0) };
        self.staging.resize(2 * BLOCK_BYTES, 0);
        group.encode([&[], &[]], &mut self.staging);
        write(&*self.segment.file, &self.staging, 0)?;
        self.position = 2;
        self.opening = None;
        Ok(())
    }

    /// Blocks left in the current segment.
    pub(super) fn left_blocks(&self) -> u64 {
        u64::from(self.segment.blocks - self.position)
    }

    /// What the first group of this epoch will go on from; `None` when it has been written.
    pub(super) fn opening(&self) -> Option<LogEnd> {
        self.opening
    }

    /// Bytes of an incomplete record behind which the first group of this epoch will go on.
    #[cfg(test)]
    pub(super) fn torn_bytes(&self) -> u64 {
        self.opening.map_or(0, |end| end.lsn.0 - end.whole.0)
    }

    /// A group of the current epoch at a place in the current segment.
    fn group(&self, start: Lsn, base: u32, bytes: usize) -> Group {
        Group {
            log_id: self.log_id,
            epoch: self.epoch,
            start,
            whole: start,
            after_epoch: self.epoch,
            durable: self.synced,
            segment: self.segment.number,
            base,
            bytes: bytes as u32,
            data_blocks: bytes.div_ceil(PAYLOAD_BYTES) as u8,
        }
    }

    /// Writes the pending bytes, and makes them durable when the round is for that. After an error other than
    /// [`StoreError::Poisoned`] nothing has changed but blocks that hold nothing durable, and the caller takes the claimed
    /// segments back.
    pub(super) fn flush(&mut self, claim: &mut Claim<'_>, round: Round) -> Result<()> {
        if !self.pending.is_empty() {
            let synced = if self.extend_tail()? {
                Lsn(self.written.0 + self.pending.len() as u64)
            } else {
                self.write_groups(claim)?
            };
            self.synced = self.synced.max(synced);
            self.written.0 += self.pending.len() as u64;
            self.pending.clear();
        }
        if round == Round::Sync && self.synced < self.written {
            sync(&*self.segment.file)?;
            self.synced = self.written;
        }
        Ok(())
    }

    /// Writes a longer version of the tail and syncs it; `false` when it does not fit.
    fn extend_tail(&mut self) -> Result<bool> {
        let Some(tail) = &self.tail else { return Ok(false) };
        let bytes = tail.bytes.len() + self.pending.len();
        let fresh = (self.position + 2 <= self.segment.blocks).then_some(self.position);
        let Some(base) = tail.spare.or(fresh) else { return Ok(false) };
        if bytes > PAYLOAD_BYTES {
            return Ok(false);
        }
        let group = self.group(tail.start, base, bytes).opening(tail.opening);
        self.staging.resize(2 * BLOCK_BYTES, 0);
        group.encode([&tail.bytes, &self.pending], &mut self.staging);
        write(&*self.segment.file, &self.staging, base)?;
        sync(&*self.segment.file)?;
        let tail = self.tail.as_mut().expect("looked at above");
        if tail.spare.is_none() {
            self.position += 2;
        }
        tail.spare = Some(tail.at);
        tail.at = base;
        tail.bytes.extend_from_slice(&self.pending);
        Ok(true)
    }

    /// Writes the pending bytes as new groups; returns up to where the log is durable for having gone on to a new segment.
    fn write_groups(&mut self, claim: &mut Claim<'_>) -> Result<Lsn> {
        let before = (self.segment.clone(), self.position);
        let outcome = self.try_write_groups(claim);
        if outcome.is_err() {
            (self.segment, self.position) = before;
        }
        let (tail, synced) = outcome?;
        self.tail = tail;
        self.opening = None;
        Ok(synced)
    }

    fn try_write_groups(&mut self, claim: &mut Claim<'_>) -> Result<(Option<Tail>, Lsn)> {
        let mut staging = std::mem::take(&mut self.staging);
        staging.clear();
        let mut staged_from = self.position;
        let mut at = 0;
        let mut tail = None;
        let mut synced = self.synced;
        while at < self.pending.len() {
            let start = Lsn(self.written.0 + at as u64);
            let left = (self.segment.blocks - self.position) as usize;
            if left < 2 || staging.len() >= WRITE_BLOCKS * BLOCK_BYTES {
                write(&*self.segment.file, &staging, staged_from)?;
                staging.clear();
                if left < 2 {
                    sync(&*self.segment.file)?;
                    synced = start;
                    self.segment = claim(start)?;
                    self.position = 0;
                }
                staged_from = self.position;
                continue;
            }
            let rest = &self.pending[at..];
            let data_blocks = rest.len().div_ceil(PAYLOAD_BYTES).min(DATA_BLOCKS_MAX).min(left - 1);
            let bytes = rest.len().min(data_blocks * PAYLOAD_BYTES);
            let opening = self.opening.filter(|_| at == 0);
            let group = self.group(start, self.position, bytes).opening(opening);
            let from = staging.len();
            staging.resize(from + (data_blocks + 1) * BLOCK_BYTES, 0);
            group.encode([&rest[..bytes], &[]], &mut staging[from..]);
            if bytes == rest.len() && data_blocks == 1 {
                tail = Some(Tail { start, opening, bytes: rest.to_vec(), at: self.position, spare: None });
            }
            self.position += data_blocks as u32 + 1;
            at += bytes;
        }
        write(&*self.segment.file, &staging, staged_from)?;
        self.staging = staging;
        Ok((tail, synced))
    }
}
