//! Searching a node: the prefix, what its keys share beyond it, heads, hints.
//!
//! ```text
//! key     tbl_0001 | 00 00 | 4f 3a 91 17 | c2 ...
//!         prefix     shared  head
//! ```
//!
//! The *prefix* follows from the fences and is not stored in records. A node at the edge of its tree has no fence on one
//! side, and the root has none at all: there the keys are stored whole, and what they all begin with is *shared*. A search
//! compares that once; then the four bytes behind it, the head in the slot, decide nearly always.
//!
//! Ascending insertions are expected behind the last key, and eight-byte keys at the distance of dense row ids.

use super::header::*;
use super::node::{NodeMut, NodeRef};
use std::cmp::Ordering;

/// Outcome of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The slot holding the key.
    At(usize),
    /// Not there; it would be inserted before this slot.
    Before(usize),
}

impl Found {
    /// First slot whose key is not less than the sought one.
    pub fn slot(self) -> usize {
        match self {
            Found::At(i) | Found::Before(i) => i,
        }
    }
}

pub(super) fn head_of(rest: &[u8]) -> u32 {
    match rest {
        [a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        [a, b, c] => u32::from_be_bytes([*a, *b, *c, 0]),
        [a, b] => u32::from_be_bytes([*a, *b, 0, 0]),
        [a] => u32::from_be_bytes([*a, 0, 0, 0]),
        [] => 0,
    }
}

/// At most eight bytes as a big-endian number. Mostly they are two or three: no copy is worth it.
fn number_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A few shared bytes leave the heads enough to decide, and save the look at a record.
pub(super) fn worth_sharing(bytes: usize) -> usize {
    if bytes < 4 { 0 } else { bytes }
}

pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

impl NodeRef<'_> {
    /// Finds `key`.
    pub fn find(self, key: &[u8]) -> Found {
        let prefix = self.prefix();
        if key.starts_with(prefix) {
            self.find_covered(key)
        } else if key < prefix {
            Found::Before(0)
        } else {
            Found::Before(self.count())
        }
    }

    /// Finds a key that lies between the fences, as that of a descent does: the prefix need not be looked at.
    pub fn find_covered(self, key: &[u8]) -> Found {
        let count = self.count();
        let suffix = key.get(u16_at(self.0, PREFIX)..).unwrap_or_default();
        if count == 0 {
            return Found::Before(0);
        }
        if self.appending(count) {
            match self.suffix(count - 1).cmp(suffix) {
                Ordering::Less => return Found::Before(count),
                Ordering::Equal => return Found::At(count - 1),
                Ordering::Greater => {}
            }
        }
        if key.len() == 8
            && let Some(i) = self.guess(suffix, count)
        {
            return Found::At(i);
        }
        self.find_suffix(suffix, count)
    }

    /// Whether keys have been inserted behind the last one, one after the other.
    fn appending(self, count: usize) -> bool {
        self.sequential_insert() == Some(count - 1)
    }

    /// Eight-byte keys are mostly dense row ids: tries the slot at distance `key - first key`.
    ///
    /// Mostly what is left of the keys fits into the heads. Then the records, which may not be in the processor's caches, are not
    /// looked at.
    fn guess(self, suffix: &[u8], count: usize) -> Option<usize> {
        let len = suffix.len();
        if self.suffix_len(0) != len {
            return None;
        }
        if len <= 4 && u16_at(self.0, SHARED) == 0 {
            let head = head_of(suffix);
            let distance = (head.checked_sub(self.head(0))? >> (8 * (4 - len)).min(31)) as usize;
            let found = distance < count && self.suffix_len(distance) == len && self.head(distance) == head;
            return found.then_some(distance);
        }
        let distance = number_of(suffix).checked_sub(number_of(self.suffix(0)))? as usize;
        let found = distance < count && {
            let there = self.suffix(distance);
            there.len() == len && number_of(there) == number_of(suffix)
        };
        found.then_some(distance)
    }

    fn find_suffix(self, suffix: &[u8], count: usize) -> Found {
        let shared = u16_at(self.0, SHARED);
        if shared > 0 {
            match suffix[..shared.min(suffix.len())].cmp(&self.suffix(0)[..shared]) {
                Ordering::Less => return Found::Before(0),
                Ordering::Greater => return Found::Before(count),
                Ordering::Equal => {}
            }
        }
        let rest = &suffix[shared..];
        let head = head_of(rest);
        let (mut low, mut high) = self.narrow(head, count);
        while low < high {
            let mid = (low + high) / 2;
            let order = self.head(mid).cmp(&head).then_with(|| self.suffix(mid)[shared..].cmp(rest));
            match order {
                Ordering::Less => low = mid + 1,
                Ordering::Greater => high = mid,
                Ordering::Equal => return Found::At(mid),
            }
        }
        Found::Before(low)
    }

    /// Whether a node of so many slots has hints.
    pub(super) fn keeps_hints(count: usize) -> bool {
        count / (HINT_COUNT + 1) >= 2
    }

    /// Bounds the search by the hints: `hint[k]` is the head of slot `(k + 1) * count / 17`.
    fn narrow(self, head: u32, count: usize) -> (usize, usize) {
        let distance = count / (HINT_COUNT + 1);
        if distance < 2 {
            return (0, count);
        }
        let hint = |k: usize| u32_at(self.0, HINTS + k * 4);
        let below = (0..HINT_COUNT).take_while(|&k| hint(k) < head).count();
        let mut above = below;
        while above < HINT_COUNT && hint(above) == head {
            above += 1;
        }
        let low = if below == 0 { 0 } else { below * distance };
        let high = if above == HINT_COUNT { count } else { (above + 1) * distance };
        (low, high)
    }
}

impl NodeMut<'_> {
    /// Makes room for a key among those that share their beginning: what it does not have is shared no more.
    pub(super) fn share(&mut self, suffix: &[u8]) {
        if self.get().count() == 0 {
            self.set(SHARED, worth_sharing(suffix.len()));
            return;
        }
        let shared = u16_at(self.0, SHARED);
        if shared == 0 {
            return;
        }
        let common = common_prefix(suffix, &self.get().suffix(0)[..shared]);
        if common == shared {
            return;
        }
        let common = worth_sharing(common);
        self.set(SHARED, common);
        for i in 0..self.get().count() {
            let head = head_of(&self.get().suffix(i)[common..]);
            let at = self.get().slot_at(i) + 8;
            self.0[at..at + 4].copy_from_slice(&head.to_le_bytes());
        }
        self.refresh_hints(0);
    }

    /// Brings the hints up to date after a slot was inserted or removed at `changed`.
    pub(super) fn refresh_hints(&mut self, changed: usize) {
        let count = self.get().count();
        let distance = count / (HINT_COUNT + 1);
        if distance < 2 {
            return;
        }
        // A step of the distance moves every hint; otherwise hints left of the change stay.
        let first = if count.is_multiple_of(HINT_COUNT + 1) || (count + 1).is_multiple_of(HINT_COUNT + 1) {
            0
        } else {
            (changed / distance).saturating_sub(1).min(HINT_COUNT)
        };
        for k in first..HINT_COUNT {
            let head = self.get().head((k + 1) * distance);
            self.0[HINTS + k * 4..HINTS + k * 4 + 4].copy_from_slice(&head.to_le_bytes());
        }
    }
}
