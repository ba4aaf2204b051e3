//! The join's hash table: entries of one bucket lie side by side, and the directory's words hold, beside where they start, a 16-bit
//! Bloom filter of them.
//!
//! Source: Birler, Schmidt, Fent, Neumann 2024 ("unchained" hash tables). Differences: built by one thread with a counting sort, indexes
//! instead of pointers; keys stay in the columns, single integer keys are copied next to the entries.

use nq_qsql::types::Oid;

use super::super::hash::{equal_rows, integer};
use super::super::vector::Vector;

/// Right rows by the hash of their keys.
pub(super) struct JoinTable {
    /// How far a hash is shifted to give its bucket.
    shift: u32,
    /// Per bucket: first entry << 16 | filter; one more at the end.
    directory: Vec<u64>,
    /// Lower half of the hash << 32 | row.
    entries: Vec<u64>,
    /// The single integer key of each entry, if that is what the keys are.
    ints: Vec<i64>,
}

/// The filter bit of a hash: bits that choose no bucket.
fn bit(hash: u64) -> u64 {
    1 << (hash & 15)
}

impl JoinTable {
    /// Memory per row beside the row itself: hash, entry, directory.
    pub(super) const BYTES_PER_ROW: usize = 40;

    /// Builds the table of the rows `keyed`, given all rows' hashes and key columns.
    pub(super) fn new(hashes: &[u64], keyed: &[u32], keys: &[&Vector]) -> JoinTable {
        let bits = keyed.len().next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let mut counts = vec![0u64; (1 << bits) + 1];
        keyed.iter().for_each(|&row| counts[(hashes[row as usize] >> shift) as usize] += 1);
        // Where each bucket's next entry goes; ends as where it ends.
        let mut next = 0;
        let mut directory = vec![0u64; counts.len()];
        for (slot, count) in directory.iter_mut().zip(&mut counts) {
            *slot = next << 16;
            next += std::mem::replace(count, next);
        }
        let mut entries = vec![0; keyed.len()];
        for &row in keyed {
            let hash = hashes[row as usize];
            let bucket = (hash >> shift) as usize;
            directory[bucket] |= bit(hash);
            entries[counts[bucket] as usize] = hash << 32 | u64::from(row);
            counts[bucket] += 1;
        }
        let ints = match keys {
            [key] => entries.iter().map_while(|e| integer(key, key.at(*e as u32 as usize))).collect(),
            _ => Vec::new(),
        };
        JoinTable { shift, directory, entries, ints }
    }

    /// The entries that may have this hash: from, to.
    #[inline]
    pub(super) fn candidates(&self, hash: u64) -> (u32, u32) {
        let bucket = (hash >> self.shift) as usize;
        let word = self.directory[bucket];
        if word & bit(hash) == 0 {
            return (0, 0);
        }
        ((word >> 16) as u32, (self.directory[bucket + 1] >> 16) as u32)
    }

    /// Returns the right row of entry `at` if its keys equal those of the probing `row`.
    #[inline]
    pub(super) fn hit(
        &self,
        at: u32,
        hash: u64,
        stored: &[&Vector],
        keys: &[&Vector],
        key_oids: &[Oid],
        row: usize,
    ) -> Option<u32> {
        let entry = self.entries[at as usize];
        if entry >> 32 != hash & 0xffff_ffff {
            return None;
        }
        let right = entry as u32;
        if let (Some(&int), [key]) = (self.ints.get(at as usize), keys)
            && let Some(value) = integer(key, key.at(row))
        {
            return (value == int).then_some(right);
        }
        let equal = stored
            .iter()
            .zip(keys)
            .zip(key_oids)
            .all(|((stored, key), oid)| equal_rows(key, row, stored, right as usize, *oid));
        equal.then_some(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::hash::mix;
    use crate::exec::vector::Values;

    #[test]
    fn every_row_is_found_and_nothing_else() {
        let values: Vec<i64> = (0..1000).map(|i| i * 7 % 300).collect();
        let hashes: Vec<u64> = values.iter().map(|&v| mix(v as u64)).collect();
        let keyed: Vec<u32> = (0..1000).collect();
        let column = Vector::of(Values::I64(values.clone()));
        let table = JoinTable::new(&hashes, &keyed, &[&column]);
        let probe = Vector::of(Values::I64((0..400).collect()));
        for key in 0..400usize {
            let hash = mix(key as u64);
            let (from, to) = table.candidates(hash);
            let mut found: Vec<u32> =
                (from..to).filter_map(|at| table.hit(at, hash, &[&column], &[&probe], &[20], key)).collect();
            found.sort_unstable();
            let expected: Vec<u32> = (0..1000).filter(|&r| values[r as usize] == key as i64).collect();
            assert_eq!(found, expected, "key {key}");
        }
    }
}
