//! A hash table from rows of keys to dense numbers: what grouping, DISTINCT, set operations and hashed subqueries share.
//!
//! Open addressing over words of {upper half of the hash, number + 1}; the keys lie in typed columns by number, so that a probe that
//! meets its hash compares values where they are. NULL keys are equal to each other.

use nq_qsql::error::Result;
use nq_qsql::types::DataType;

use super::ExecCx;
use super::batch::{Builder, Rows};
use super::hash::{equal_rows, hash_rows};
use super::memory::Reservation;
use super::vector::Vector;

/// The number of no group.
pub const NONE: u32 = u32::MAX;

/// A table of so many slots is emptied rather than made anew.
const SMALL_SLOTS: usize = 256;

/// Keys and their numbers.
pub struct GroupTable {
    types: Vec<DataType>,
    /// The keys by number.
    pub keys: Builder,
    hashes: Vec<u64>,
    slots: Vec<u64>,
    reservation: Reservation,
    scratch: Vec<u64>,
}

impl GroupTable {
    /// Makes an empty table for keys of these types.
    pub fn new(types: &[DataType], cx: &ExecCx<'_>) -> GroupTable {
        GroupTable {
            types: types.to_vec(),
            keys: Builder::new(types),
            hashes: Vec::new(),
            slots: Vec::new(),
            reservation: cx.memory.reservation(),
            scratch: Vec::new(),
        }
    }

    /// Forgets all groups; false if it is too large for that.
    pub fn empty(&mut self) -> bool {
        let small = self.slots.len() <= SMALL_SLOTS;
        if small {
            self.keys.clear();
            self.hashes.clear();
            self.slots.fill(0);
        }
        small
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Hashes of the rows looked up last, aligned with the batch.
    pub fn row_hashes(&self) -> &[u64] {
        &self.scratch
    }

    /// Settles the memory of the table plus `more`; answers whether it is granted.
    #[must_use]
    pub fn try_reserve(&mut self, more: usize) -> bool {
        let bytes = self.bytes() + more;
        self.reservation.try_resize(bytes)
    }

    /// Settles the memory of the table plus `more` or fails with 53200.
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        let bytes = self.bytes() + more;
        self.reservation.resize(bytes)
    }

    fn bytes(&self) -> usize {
        self.keys.bytes() + self.hashes.capacity() * 8 + self.slots.capacity() * 8
    }

    /// Finds the number of each row's key, adding keys that are new (unless `frozen`: they get [`NONE`]). `numbers` is aligned
    /// with `rows` (its k-th entry belongs to the k-th row).
    pub fn locate(
        &mut self,
        columns: &[&Vector],
        rows: Rows<'_>,
        len: usize,
        frozen: bool,
        numbers: &mut Vec<u32>,
    ) {
        numbers.clear();
        if columns.is_empty() {
            if self.is_empty() && !frozen && !rows.is_empty() {
                self.hashes.push(0);
                self.keys.len = 1;
            }
            numbers.resize(rows.count(), if self.is_empty() { NONE } else { 0 });
            return;
        }
        let keyed: Vec<(&Vector, u32)> = columns.iter().zip(&self.types).map(|(c, t)| (*c, t.oid)).collect();
        let mut hashes = std::mem::take(&mut self.scratch);
        hash_rows(&keyed, rows, len, &mut hashes);
        // Equal keys often come one after the other.
        let mut last = (0, NONE);
        for row in rows.iter() {
            let hash = hashes[row];
            let same_again = last.0 == hash && last.1 != NONE && self.holds(last.1 as usize, &keyed, row);
            if !same_again {
                last = (hash, self.find(&keyed, row, hash, frozen));
            }
            numbers.push(last.1);
        }
        self.scratch = hashes;
    }

    /// Whether the key of this number is that of the row.
    fn holds(&self, number: usize, keyed: &[(&Vector, u32)], row: usize) -> bool {
        let same = |(stored, (column, oid)): (&Vector, &(&Vector, u32))| {
            equal_rows(stored, number, column, row, *oid)
        };
        self.keys.columns.iter().zip(keyed).all(same)
    }

    fn find(&mut self, keyed: &[(&Vector, u32)], row: usize, hash: u64, frozen: bool) -> u32 {
        if self.hashes.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                break;
            }
            if slot >> 32 == tag {
                let number = slot as u32 - 1;
                if self.holds(number as usize, keyed, row) {
                    return number;
                }
            }
            at = (at + 1) & mask;
        }
        if frozen {
            return NONE;
        }
        let number = self.hashes.len() as u32;
        self.slots[at] = tag << 32 | u64::from(number + 1);
        self.hashes.push(hash);
        for (stored, (column, _)) in self.keys.columns.iter_mut().zip(keyed) {
            stored.append(column, std::iter::once(row));
        }
        self.keys.len += 1;
        number
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots = vec![0; size];
        let mask = size - 1;
        for (number, &hash) in self.hashes.iter().enumerate() {
            let mut at = hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = hash >> 32 << 32 | (number as u64 + 1);
        }
    }
}
