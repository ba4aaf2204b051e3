//! Columns of strings as 16-byte views.
//!
//! ```text
//!  0        4                      16
//!  | length | the bytes            |    length <= 12
//!  | length | head | buffer | start|    length  > 12: 4 bytes each
//! ```
//!
//! Long strings lie in shared buffers, so that gathering rows copies views only. A buffer is written to only while this column
//! alone holds it. Views as in Neumann & Freitag 2020 (Umbra), with indexes in the place of pointers.

use std::sync::Arc;

use super::memory::Reservation;

/// Longest string that is kept inside its view.
const INLINE: usize = 12;
/// A buffer that has reached this size is not extended.
const BUFFER_BYTES: usize = 1 << 20;

/// A string's length and its bytes, or where they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    len: u32,
    body: [u8; INLINE],
}

/// A column of byte strings.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    views: Vec<View>,
    buffers: Vec<Arc<Vec<u8>>>,
    /// The memory of buffers that were counted when they were made.
    counted: Option<Arc<Reservation>>,
}

impl View {
    fn inline(bytes: &[u8]) -> View {
        let mut body = [0; INLINE];
        body[..bytes.len()].copy_from_slice(bytes);
        View { len: bytes.len() as u32, body }
    }

    fn long(bytes: &[u8], buffer: u32, start: u32) -> View {
        let mut body = [0; INLINE];
        body[..4].copy_from_slice(&bytes[..4]);
        body[4..8].copy_from_slice(&buffer.to_le_bytes());
        body[8..].copy_from_slice(&start.to_le_bytes());
        View { len: bytes.len() as u32, body }
    }

    fn place(&self) -> (usize, usize) {
        let word = |at: usize| {
            u32::from_le_bytes([self.body[at], self.body[at + 1], self.body[at + 2], self.body[at + 3]])
                as usize
        };
        (word(4), word(8))
    }
}

impl Strings {
    /// Number of strings.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// Returns string `i`.
    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let view = &self.views[i];
        let len = view.len as usize;
        if len <= INLINE {
            &view.body[..len]
        } else {
            let (buffer, start) = view.place();
            &self.buffers[buffer][start..start + len]
        }
    }

    /// Returns length and first four bytes (zero-padded) of string `i` as one comparable word: different words, different strings.
    #[inline]
    pub fn head(&self, i: usize) -> u64 {
        let view = &self.views[i];
        u64::from(view.len) << 32
            | u64::from(u32::from_le_bytes([view.body[0], view.body[1], view.body[2], view.body[3]]))
    }

    /// Whether string `i` is string `j` of `other`.
    #[inline]
    pub fn same(&self, i: usize, other: &Strings, j: usize) -> bool {
        let (a, b) = (&self.views[i], &other.views[j]);
        if a.len as usize <= INLINE {
            // The bytes behind a short string are zero.
            return a.len == b.len && a.body == b.body;
        }
        self.head(i) == other.head(j) && self.get(i) == other.get(j)
    }

    /// Keeps `reservation` as long as the strings are.
    pub fn count_by(&mut self, reservation: Reservation) {
        self.counted = Some(Arc::new(reservation));
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.len() <= INLINE {
            self.views.push(View::inline(bytes));
        } else {
            self.push_long(bytes);
        }
    }

    fn push_long(&mut self, bytes: &[u8]) {
        let open = match self.buffers.last_mut().and_then(Arc::get_mut) {
            Some(buffer) => buffer.len() + bytes.len() <= buffer.capacity().max(BUFFER_BYTES),
            None => false,
        };
        if !open {
            let first = if self.buffers.is_empty() { 1 << 10 } else { 1 << 16 };
            self.buffers.push(Arc::new(Vec::with_capacity(bytes.len().max(first))));
        }
        let last = self.buffers.len() - 1;
        if let Some(buffer) = Arc::get_mut(&mut self.buffers[last]) {
            self.views.push(View::long(bytes, last as u32, buffer.len() as u32));
            buffer.extend_from_slice(bytes);
        }
    }

    /// Makes room for `more` strings.
    pub fn reserve(&mut self, more: usize) {
        self.views.reserve(more);
    }

    /// Registers a buffer that views may point into; returns its number for [`Strings::push_within`].
    pub fn adopt(&mut self, buffer: &Arc<Vec<u8>>) -> u32 {
        match self.buffers.iter().rposition(|b| Arc::ptr_eq(b, buffer)) {
            Some(found) => found as u32,
            None => {
                self.buffers.push(Arc::clone(buffer));
                self.buffers.len() as u32 - 1
            }
        }
    }

    /// Appends `buffer[start..start + len]` without copying it; `number` is what [`Strings::adopt`] returned.
    #[inline]
    pub fn push_within(&mut self, number: u32, buffer: &[u8], start: usize, len: usize) {
        let bytes = &buffer[start..start + len];
        self.views.push(if len <= INLINE {
            View::inline(bytes)
        } else {
            View::long(bytes, number, start as u32)
        });
    }

    /// Returns the strings at `rows` (`u32::MAX`: an empty one); buffers are shared.
    pub fn gather(&self, rows: &[u32]) -> Strings {
        let views = rows.iter().map(|&r| self.views.get(r as usize).copied().unwrap_or_default()).collect();
        Strings { views, buffers: self.buffers.clone(), counted: self.counted.clone() }
    }

    /// Returns the strings at `rows`; buffers are shared.
    pub fn select(&self, rows: &[u16]) -> Strings {
        let views = rows.iter().map(|&r| self.views[usize::from(r)]).collect();
        Strings { views, buffers: self.buffers.clone(), counted: self.counted.clone() }
    }

    /// Forgets everything; keeps memory that nobody shares.
    pub fn clear(&mut self) {
        self.views.clear();
        self.counted = None;
        self.buffers.retain_mut(|b| Arc::get_mut(b).is_some());
        self.buffers.truncate(1);
        if let Some(buffer) = self.buffers.first_mut().and_then(Arc::get_mut) {
            buffer.clear();
        }
    }

    /// Overwrites a default string at `i` (placed by [`Strings::resize`]).
    pub fn set(&mut self, i: usize, bytes: &[u8]) {
        self.push(bytes);
        if let Some(view) = self.views.pop() {
            self.views[i] = view;
        }
    }

    /// Makes the column `len` long, with empty strings at the end.
    pub fn resize(&mut self, len: usize) {
        self.views.resize(len, View::default());
    }

    /// Heap bytes held, shared buffers included.
    pub fn bytes(&self) -> usize {
        self.views.capacity() * size_of::<View>() + self.buffers.iter().map(|b| b.capacity()).sum::<usize>()
    }
}

const _: () = assert!(size_of::<View>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_strings_come_back() {
        let mut s = Strings::default();
        let all: Vec<Vec<u8>> = (0..300usize).map(|i| vec![i as u8; i % 40]).collect();
        all.iter().for_each(|b| s.push(b));
        let picked = s.gather(&[299, 5, u32::MAX, 13]);
        assert!((0..300).all(|i| s.get(i) == all[i]));
        assert_eq!(picked.get(0), &all[299][..]);
        assert_eq!(picked.get(2), b"");
        s.clear();
        s.push(b"fresh and long enough");
        assert_eq!(picked.get(3), &all[13][..]);
        assert_eq!(s.get(0), b"fresh and long enough");
    }
}
