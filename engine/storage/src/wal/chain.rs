//! Following the groups of the log from segment to segment, healing on the way.
//!
//! Let `end` be the LSN behind the last group followed and `epoch` its epoch. The next group is searched in the few blocks
//! from the position behind it; it is
//!
//! - a group of the same epoch that holds the byte at `end` (`start <= end < start + bytes`): a plain successor, or a longer
//!   version of the tail that was just followed - within an epoch a byte of the stream never changes, so that overlapping
//!   does no harm; the one that reaches farthest is taken; or
//! - the first group of a higher epoch that goes on from `end` in `epoch`: the log was opened anew where it ended.
//!
//! Leftovers of an earlier life satisfy neither: only the first group of an epoch may change it, and it does so from the
//! place at which the life before it found the end. No LSN that was followed is ever used for something else: a life goes on
//! behind an incomplete record instead of in its place, so that a position names one stream in all later lives.
//!
//! A segment is entered only when its first group is whole. What a crash left of one that is not belongs to a segment that
//! is prepared for use like any other, and the segment before it is where the log ends.

use super::block::{BLOCK_BYTES, GROUP_BLOCKS_MAX, Group};
use super::segment::{Folder, Segment};
use crate::env::{File, OpenMode, read_full};
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use std::sync::Arc;

/// The next group begins at most this many blocks behind the position expected: the tail's other version may lie between,
/// and of the next tail, too, there may be two versions.
pub(super) const SEARCH_BLOCKS: u32 = 6;
/// Blocks read at once.
const WINDOW_BLOCKS: u32 = 64;

/// Some blocks of a segment in memory.
struct Window {
    from: u32,
    bytes: Vec<u8>,
    /// Which of them could not be read.
    unreadable: Vec<bool>,
}

/// A group that was followed.
pub(super) struct Followed {
    pub(super) group: Group,
    /// The block that was rebuilt, if one was.
    pub(super) healed: Option<u8>,
    /// Whether it is the first group of another epoch.
    pub(super) opens: bool,
}

/// A group of which nothing says yet that it was durable.
struct Unsure {
    file: Arc<dyn File>,
    offset: u64,
    end: Lsn,
    blocks: Vec<u8>,
}

/// The state of following the log.
pub(super) struct Chain {
    folder: Arc<Folder>,
    mode: OpenMode,
    pub(super) segment: Segment,
    /// Where the search for the next group begins.
    position: u32,
    /// The first block of the segment behind everything that was followed: here the log can go on.
    pub(super) clear: u32,
    pub(super) end: Lsn,
    pub(super) epoch: u32,
    pub(super) log_id: u32,
    /// The highest `durable` seen.
    pub(super) durable: Lsn,
    /// What may have been in the flush that nothing came after; kept when the log is opened for writing.
    unsure: Vec<Unsure>,
    window: Window,
    /// The blocks of the last group, whole.
    pub(super) blocks: Vec<u8>,
}

/// Reads the header of a segment's first group.
pub(super) fn first_group(segment: &Segment) -> Option<Group> {
    let mut window = Window { from: 0, bytes: Vec::new(), unreadable: Vec::new() };
    window.load(&*segment.file, 0, SEARCH_BLOCKS.min(segment.blocks));
    window.fronts(segment.number).next()
}

impl Window {
    fn count(&self) -> u32 {
        self.unreadable.len() as u32
    }

    fn load(&mut self, file: &dyn File, from: u32, count: u32) {
        self.from = from;
        self.bytes.clear();
        self.bytes.resize(count as usize * BLOCK_BYTES, 0);
        self.unreadable.clear();
        self.unreadable.resize(count as usize, false);
        let at = |number: u32| u64::from(number) * BLOCK_BYTES as u64;
        if matches!(read_full(file, &mut self.bytes, at(from)), Ok(bytes) if bytes == count as usize * BLOCK_BYTES)
        {
            return;
        }
        for (index, block) in self.bytes.chunks_exact_mut(BLOCK_BYTES).enumerate() {
            match read_full(file, block, at(from + index as u32)) {
                Ok(BLOCK_BYTES) => {}
                Ok(_) => block.fill(0),
                Err(_) => {
                    block.fill(0);
                    self.unreadable[index] = true;
                }
            }
        }
    }

    fn holds(&self, from: u32, count: u32) -> bool {
        from >= self.from && from + count <= self.from + self.count()
    }

    fn block(&self, number: u32) -> &[u8] {
        &self.bytes[(number - self.from) as usize * BLOCK_BYTES..][..BLOCK_BYTES]
    }

    fn group(&self, segment: u64, number: u32) -> Option<Group> {
        Group::decode(self.block(number), segment, number)
    }

    /// What may be the first group of a segment, of which this is the front: two versions of a tail, or an empty group and
    /// the one behind it.
    fn fronts(&self, segment: u64) -> impl Iterator<Item = Group> {
        (0..self.count())
            .filter_map(move |number| self.group(segment, number))
            .filter(|group| group.base <= 2)
    }
}

impl Chain {
    /// Starts with the first group of a segment, which is then the next one to be followed; `None` when it is not whole or
    /// does not begin before `from`.
    pub(super) fn start(
        folder: Arc<Folder>,
        mode: OpenMode,
        segment: Segment,
        from: Lsn,
    ) -> Result<Option<Chain>> {
        let mut chain = Chain {
            folder,
            mode,
            segment,
            position: 0,
            clear: 0,
            end: Lsn::NONE,
            epoch: 0,
            log_id: 0,
            durable: Lsn::NONE,
            unsure: Vec::new(),
            window: Window { from: 0, bytes: Vec::new(), unreadable: Vec::new() },
            blocks: Vec::new(),
        };
        chain.load(0, SEARCH_BLOCKS.min(chain.segment.blocks));
        let fronts: Vec<Group> = chain.window.fronts(chain.segment.number).collect();
        for group in fronts.into_iter().filter(|group| group.start <= from) {
            if chain.assemble(&group)?.is_some() {
                (chain.end, chain.epoch, chain.log_id) = (group.start, group.epoch, group.log_id);
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }

    /// Forgets what was read ahead: the file may have changed since.
    pub(super) fn refresh(&mut self) {
        self.window.bytes.clear();
        self.window.unreadable.clear();
    }

    fn load(&mut self, from: u32, count: u32) {
        if !self.window.holds(from, count) {
            self.window.load(
                &*self.segment.file,
                from,
                WINDOW_BLOCKS.max(count).min(self.segment.blocks - from),
            );
        }
    }

    fn is_next(&self, group: &Group) -> bool {
        let holds_end = group.start <= self.end && self.end < group.end();
        // The empty group that a log begins with stays where it is.
        let is_anchor = group.bytes == 0 && group.start == self.end;
        let goes_on = group.epoch == self.epoch && (holds_end || is_anchor);
        let opens = group.epoch > self.epoch && group.after_epoch == self.epoch && group.start == self.end;
        group.log_id == self.log_id && (goes_on || opens)
    }

    /// Follows the next group; `None` at the end. Its blocks are then in `self.blocks`, healed.
    pub(super) fn next(&mut self) -> Result<Option<Followed>> {
        loop {
            let left = self.segment.blocks.saturating_sub(self.position);
            if left >= 2
                && let Some(followed) = self.search()?
            {
                return Ok(Some(followed));
            }
            if left > SEARCH_BLOCKS || !self.next_segment()? {
                return Ok(None);
            }
        }
    }

    /// Moves on to the next segment when the log goes on with a whole group at its front.
    fn next_segment(&mut self) -> Result<bool> {
        let number = self.segment.number + 1;
        if !self.folder.has(number) {
            return Ok(false);
        }
        let next = self.folder.open(number, self.mode)?;
        let (old, position) =
            (std::mem::replace(&mut self.segment, next), std::mem::replace(&mut self.position, 0));
        self.refresh();
        let count = SEARCH_BLOCKS.min(self.segment.blocks);
        self.load(0, count);
        let fronts: Vec<Group> = self.window.fronts(number).filter(|group| self.is_next(group)).collect();
        for group in fronts {
            if self.assemble(&group)?.is_some() {
                return Ok(true);
            }
        }
        let unreadable =
            self.window.unreadable.iter().take(count as usize).filter(|unreadable| **unreadable).count();
        if unreadable > 1 {
            return Err(self.cannot_read(0));
        }
        (self.segment, self.position) = (old, position);
        self.refresh();
        Ok(false)
    }

    fn cannot_read(&self, block: u32) -> StoreError {
        let what = format!(
            "read block {block} and others of log segment {:016x} at {}",
            self.segment.number, self.end
        );
        StoreError::io(what, std::io::Error::other("several blocks in a row cannot be read"))
    }

    fn search(&mut self) -> Result<Option<Followed>> {
        let count = SEARCH_BLOCKS.min(self.segment.blocks - self.position);
        self.load(self.position, count);
        let mut candidates: Vec<Group> = Vec::new();
        let mut unreadable = 0;
        for number in self.position..self.position + count {
            unreadable += u32::from(self.window.unreadable[(number - self.window.from) as usize]);
            if let Some(group) = self.window.group(self.segment.number, number)
                && group.base >= self.position
                && self.is_next(&group)
                && !candidates.contains(&group)
            {
                candidates.push(group);
            }
        }
        let all = candidates.clone();
        candidates.sort_by_key(|group| std::cmp::Reverse((group.epoch, group.end())));
        for group in candidates {
            let Some(healed) = self.assemble(&group)? else { continue };
            // The version of the tail that lies before the one taken stays behind, and a newer one may yet take its place;
            // one that lies after it is skipped by the search.
            let is_older = |other: &&Group| {
                (other.epoch, other.start) == (group.epoch, group.start)
                    && other.base < group.base
                    && other.bytes > 0
            };
            let older = all.iter().filter(is_older).map(|other| other.base + other.blocks()).min();
            let behind = group.base + group.blocks();
            self.position = older.unwrap_or(behind).min(behind);
            self.clear = behind;
            let opens = group.epoch != self.epoch;
            self.end = group.end();
            self.epoch = group.epoch;
            self.durable = self.durable.max(group.durable);
            self.remember(&group);
            return Ok(Some(Followed { group, healed, opens }));
        }
        // One unreadable block cannot hide a group, several can: that is not the end of the log.
        if unreadable > 1 { Err(self.cannot_read(self.position)) } else { Ok(None) }
    }

    fn remember(&mut self, group: &Group) {
        if self.mode == OpenMode::Read {
            return;
        }
        self.unsure.retain(|unsure| unsure.end > self.durable);
        self.unsure.push(Unsure {
            file: Arc::clone(&self.segment.file),
            offset: u64::from(group.base) * BLOCK_BYTES as u64,
            end: group.end(),
            blocks: self.blocks.clone(),
        });
    }

    /// Writes what is not known to have been durable once more, and syncs it. When a sync has failed, the system may show
    /// what the device never got, and another sync alone would say that all is well.
    pub(super) fn settle(&mut self, durable: Lsn) -> Result<()> {
        let poisoned = |e| StoreError::poisoned(format_args!("log: {e}"));
        let mut written: Option<Arc<dyn File>> = None;
        for unsure in self.unsure.drain(..).filter(|unsure| unsure.end > durable) {
            // One sync per file; they come in order.
            if let Some(before) = written.take_if(|before| !Arc::ptr_eq(before, &unsure.file)) {
                before.sync_data().map_err(poisoned)?;
            }
            unsure
                .file
                .write_at(&unsure.blocks, unsure.offset)
                .map_err(|e| StoreError::io("write the end of the log again", e))?;
            written = Some(unsure.file);
        }
        written.map_or(Ok(()), |file| file.sync_data().map_err(poisoned))
    }

    /// Puts a group's blocks together; `None` when more than one is missing, else which one was rebuilt.
    #[allow(clippy::option_option, reason = "whether it is whole, and what was healed")]
    fn assemble(&mut self, group: &Group) -> Result<Option<Option<u8>>> {
        let count = group.blocks();
        if group.base + count > self.segment.blocks {
            return Ok(None);
        }
        self.load(group.base, count);
        debug_assert!(count as usize <= GROUP_BLOCKS_MAX);
        let from = (group.base - self.window.from) as usize;
        self.blocks.clear();
        self.blocks
            .extend_from_slice(&self.window.bytes[from * BLOCK_BYTES..(from + count as usize) * BLOCK_BYTES]);
        let is_missing = |index: &u32| self.window.group(group.segment, group.base + index) != Some(*group);
        let missing: Vec<u32> = (0..count).filter(is_missing).collect();
        match missing[..] {
            [] => Ok(Some(None)),
            [index] => {
                group.rebuild(&mut self.blocks, index as u8);
                Ok(Some(Some(index as u8)))
            }
            _ if missing.iter().filter(|index| self.window.unreadable[from + **index as usize]).count()
                > 1 =>
            {
                Err(self.cannot_read(group.base))
            }
            _ => Ok(None),
        }
    }

    /// Looks through everything behind the end: whether a block says that more than `self.end` was durable, and the highest epoch.
    pub(super) fn look_ahead(&mut self, later: &[u64]) -> Result<(Lsn, u32)> {
        let (mut durable, mut epoch) = (self.durable, self.epoch);
        let mut window = Window { from: 0, bytes: Vec::new(), unreadable: Vec::new() };
        let mut segments = vec![(self.segment.clone(), self.position)];
        for number in later {
            segments.push((self.folder.open(*number, self.mode)?, 0));
        }
        for (segment, mut at) in segments {
            while at < segment.blocks {
                window.load(&*segment.file, at, WINDOW_BLOCKS.min(segment.blocks - at));
                for group in (at..at + window.count())
                    .filter_map(|number| window.group(segment.number, number))
                    .filter(|group| group.log_id == self.log_id)
                {
                    durable = durable.max(group.durable);
                    epoch = epoch.max(group.epoch);
                }
                at += window.count();
            }
        }
        Ok((durable, epoch))
    }
}
