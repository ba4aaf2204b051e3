//! Large values: a chain of overflow pages, referred to from the leaf record by a [`LargeRef`].
//!
//! A chunk page carries the header, the id of the next chunk (0: none) and its byte count. Chains are written back to
//! front, so that every chunk knows its successor when it is logged, and never change afterwards.

use super::header::{CHUNK_LEN, HEADER_BYTES, PageBuf, PageKind, UPPER_CHILD, init, put_u64, u64_at};
use crate::ids::PageId;
use crate::store::PAGE_BYTES;

/// Bytes of a value one overflow page holds.
pub const CHUNK_BYTES: usize = PAGE_BYTES - HEADER_BYTES;

/// The 16 bytes a leaf stores instead of a large value: total length and first chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LargeRef {
    /// Length of the value.
    pub len: u64,
    /// First page of the chain.
    pub first: PageId,
}

impl LargeRef {
    /// The stored form.
    pub fn encode(self) -> [u8; 16] {
        let mut out = [0; 16];
        put_u64(&mut out, 0, self.len);
        put_u64(&mut out, 8, self.first.0);
        out
    }

    /// Reads the stored form; `None` when the length is not 16.
    pub fn decode(raw: &[u8]) -> Option<LargeRef> {
        (raw.len() == 16).then(|| LargeRef { len: u64_at(raw, 0), first: PageId(u64_at(raw, 8)) })
    }
}

/// Makes `page` the chunk holding `data` with successor `next`.
pub fn write_chunk(page: &mut PageBuf, id: PageId, tree: u32, next: PageId, data: &[u8]) {
    init(page, id, tree, PageKind::Overflow, 0);
    put_u64(page, UPPER_CHILD, next.0);
    put_u64(page, CHUNK_LEN, data.len() as u64);
    page[HEADER_BYTES..HEADER_BYTES + data.len()].copy_from_slice(data);
}

/// The chunk's bytes; empty when the stored length is impossible.
pub fn chunk_data(page: &PageBuf) -> &[u8] {
    let len = u64_at(page, CHUNK_LEN) as usize;
    if len > CHUNK_BYTES { &[] } else { &page[HEADER_BYTES..HEADER_BYTES + len] }
}

/// Next chunk of the chain; page 0 ends it.
pub fn chunk_next(page: &PageBuf) -> PageId {
    PageId(u64_at(page, UPPER_CHILD))
}
