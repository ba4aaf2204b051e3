//! Which sectors (and which page ids) are in use.
//!
//! What a durable checkpoint may still point to cannot be reused when it is given up, only after the next durable
//! checkpoint: it is *pending*; a checkpoint that begins turns pending into *releasing*, and when it is durable, into free.
//! Three bits per number, whatever the number of pages.

/// A set of numbers below a limit, with a search for free runs.
#[derive(Clone, Default, Debug)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    /// Set bits per block of [`BLOCK_WORDS`] words, so that a search skips full blocks.
    set_in_block: Vec<u16>,
    limit: u64,
    set: u64,
}

const BLOCK_WORDS: usize = 64;
const BLOCK_BITS: u16 = 64 * BLOCK_WORDS as u16;

impl Bitmap {
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// How many bits are set.
    pub(crate) fn count(&self) -> u64 {
        self.set
    }

    pub(crate) fn grow(&mut self, limit: u64) {
        if limit > self.limit {
            self.limit = limit;
            self.words.resize((limit as usize).div_ceil(64), 0);
            self.set_in_block.resize(self.words.len().div_ceil(BLOCK_WORDS), 0);
        }
    }

    pub(crate) fn get(&self, bit: u64) -> bool {
        self.words.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Sets or clears a bit below the limit; returns whether it changed.
    pub(crate) fn put(&mut self, bit: u64, value: bool) -> bool {
        debug_assert!(bit < self.limit);
        let at = (bit / 64) as usize;
        let mask = 1 << (bit % 64);
        if (self.words[at] & mask != 0) == value {
            return false;
        }
        self.words[at] ^= mask;
        if value {
            self.set += 1;
            self.set_in_block[at / BLOCK_WORDS] += 1;
        } else {
            self.set -= 1;
            self.set_in_block[at / BLOCK_WORDS] -= 1;
        }
        true
    }

    /// Finds `count` clear bits in a row, at or behind `from`.
    pub(crate) fn find_clear(&self, count: u64, from: u64) -> Option<u64> {
        let mut run_start = from;
        let mut at = from;
        while at < self.limit {
            let word_idx = (at / 64) as usize;
            if at.is_multiple_of(u64::from(BLOCK_BITS))
                && self.set_in_block[word_idx / BLOCK_WORDS] == BLOCK_BITS
            {
                at += u64::from(BLOCK_BITS);
                run_start = at;
                continue;
            }
            // The rest of this word from `at`: zeros are free.
            let rest = self.words[word_idx] >> (at % 64);
            let bits_left = 64 - at % 64;
            let clear = u64::from(rest.trailing_zeros()).min(bits_left);
            at += clear;
            if at.min(self.limit) - run_start >= count {
                return Some(run_start);
            }
            if clear < bits_left {
                at += u64::from((rest >> clear).trailing_ones());
                run_start = at;
            }
        }
        None
    }

    /// The first run of at least `count` clear bits at or behind `from`, whole: its first bit and its length.
    pub(crate) fn clear_run(&self, count: u64, from: u64) -> Option<(u64, u64)> {
        let start = self.find_clear(count, from)?;
        let end = (start + count..self.limit).find(|&bit| self.get(bit)).unwrap_or(self.limit);
        Some((start, end - start))
    }

    fn take_from(&mut self, other: &mut Bitmap) {
        self.grow(other.limit);
        for (word_idx, word) in other.words.iter_mut().enumerate() {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                self.put(word_idx as u64 * 64 + u64::from(bits.trailing_zeros()), true);
                bits &= bits - 1;
            }
        }
        other.set = 0;
        other.set_in_block.fill(0);
    }
}

/// Numbers in use, and those that become free with the next checkpoint.
#[derive(Default, Debug)]
pub(crate) struct Usage {
    pub(crate) used: Bitmap,
    pending: Bitmap,
    releasing: Bitmap,
    hint: u64,
}

impl Usage {
    pub(crate) fn grow(&mut self, limit: u64) {
        self.used.grow(limit);
        self.pending.grow(limit);
        self.releasing.grow(limit);
    }

    /// Takes `count` numbers in a row, searching on from the last one taken.
    pub(crate) fn take(&mut self, count: u64) -> Option<u64> {
        let start = self
            .used
            .find_clear(count, self.hint.min(self.used.limit()))
            .or_else(|| self.used.find_clear(count, 0))?;
        self.mark(start, count);
        self.hint = start + count;
        Some(start)
    }

    /// Searches from here on next time.
    pub(crate) fn search_from(&mut self, start: u64) {
        self.hint = start;
    }

    /// Marks numbers as used; returns how many of them were free.
    pub(crate) fn mark(&mut self, start: u64, count: u64) -> u64 {
        (start..start + count).map(|number| u64::from(self.used.put(number, true))).sum()
    }

    /// Free at once.
    pub(crate) fn free_now(&mut self, start: u64, count: u64) {
        for number in start..start + count {
            self.used.put(number, false);
        }
    }

    /// Free after the next durable checkpoint.
    pub(crate) fn free_later(&mut self, start: u64, count: u64) {
        for number in start..start + count {
            self.pending.put(number, true);
        }
    }

    /// Takes a number back that was about to become free.
    pub(crate) fn keep(&mut self, number: u64) {
        self.pending.put(number, false);
        self.releasing.put(number, false);
    }

    /// A checkpoint begins: what was given up until now is free when it is durable.
    pub(crate) fn begin_release(&mut self) {
        self.releasing.take_from(&mut self.pending);
    }

    /// The checkpoint is durable.
    pub(crate) fn finish_release(&mut self) {
        for word_idx in 0..self.releasing.words.len() {
            let mut bits = self.releasing.words[word_idx];
            while bits != 0 {
                let number = word_idx as u64 * 64 + u64::from(bits.trailing_zeros());
                bits &= bits - 1;
                self.releasing.put(number, false);
                self.used.put(number, false);
            }
        }
    }

    /// The checkpoint failed.
    pub(crate) fn cancel_release(&mut self) {
        self.pending.take_from(&mut self.releasing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_found_where_they_are(limit in 1u64..9000, set in proptest::collection::vec((0u64..9000, 1u64..700), 0..40), count in 1u64..90, from in 0u64..9000) {
            let mut bitmap = Bitmap::default();
            bitmap.grow(limit);
            let mut model = vec![false; limit as usize];
            for (start, length) in set {
                for bit in start..(start + length).min(limit) {
                    bitmap.put(bit, true);
                    model[bit as usize] = true;
                }
            }
            prop_assert_eq!(bitmap.count(), model.iter().filter(|set| **set).count() as u64);
            let expected = (from..limit.saturating_sub(count - 1)).find(|start| model[*start as usize..(*start + count) as usize].iter().all(|set| !set));
            prop_assert_eq!(bitmap.find_clear(count, from), expected);
            let length = expected.map(|start| model[start as usize..].iter().take_while(|set| !**set).count() as u64);
            prop_assert_eq!(bitmap.clear_run(count, from), expected.zip(length));
        }
    }

    #[test]
    fn numbers_are_reused_after_the_next_checkpoint_only() {
        let mut usage = Usage::default();
        usage.grow(8);
        assert_eq!(usage.take(4), Some(0));
        assert_eq!(usage.take(4), Some(4));
        usage.free_later(0, 4);
        usage.begin_release();
        usage.free_later(4, 2);
        assert_eq!(usage.take(1), None);
        usage.cancel_release();
        usage.begin_release();
        usage.free_later(6, 2);
        usage.finish_release();
        assert_eq!(usage.take(6), Some(0));
        assert_eq!(usage.take(1), None);
        usage.keep(6);
        usage.begin_release();
        usage.finish_release();
        assert_eq!((usage.take(1), usage.take(1)), (Some(7), None));
    }
}
