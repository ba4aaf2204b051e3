//! The page header, to the byte (little-endian).
//!
//! ```text
//! OFFSET SIZE DESCRIPTION
//!      0    8 LSN of the end of the newest log record applied to the page
//!      8    8 page id
//!     16    4 tree id
//!     20    1 kind: 0 unused, 1 node, 2 overflow chunk
//!     21    1 level: 0 leaf
//!     22    2 node flags: 1 = has an upper fence
//!     24    2 slot count
//!     26    2 heap start
//!     28    2 live heap bytes
//!     30    2 prefix length
//!     32    2 lower fence offset
//!     34    2 lower fence length
//!     36    2 upper fence offset
//!     38    2 upper fence length
//!     40    2 slot of the last insertion (hint)
//!     42    2 how many insertions in a row followed one another (hint)
//!     44    2 bytes that all keys share beyond the prefix; the heads begin behind them
//!     46    2 unused, zero
//!     48    8 child right of every separator (inner nodes); next chunk (overflow)
//!     56    8 unused, zero (nodes); bytes in this chunk (overflow)
//!     64   64 sixteen hints of four bytes (node)
//!    128      slots
//! ```

use crate::ids::{Lsn, PageId};
use crate::store::PAGE_BYTES;

/// The bytes of one page.
pub type PageBuf = [u8; PAGE_BYTES];

pub(super) const LSN: usize = 0;
pub(super) const ID: usize = 8;
pub(super) const TREE: usize = 16;
pub(super) const KIND: usize = 20;
pub(super) const LEVEL: usize = 21;
pub(super) const FLAGS: usize = 22;
pub(super) const COUNT: usize = 24;
pub(super) const HEAP_START: usize = 26;
pub(super) const LIVE: usize = 28;
pub(super) const PREFIX: usize = 30;
pub(super) const LOWER_OFFSET: usize = 32;
pub(super) const LOWER_LEN: usize = 34;
pub(super) const UPPER_OFFSET: usize = 36;
pub(super) const UPPER_LEN: usize = 38;
pub(super) const LAST_INSERT: usize = 40;
pub(super) const INSERT_RUN: usize = 42;
pub(super) const SHARED: usize = 44;
pub(super) const UPPER_CHILD: usize = 48;
pub(super) const CHUNK_LEN: usize = 56;
pub(super) const HINTS: usize = 64;
pub(super) const HINT_COUNT: usize = 16;
/// Bytes of the page header; slots (or chunk data) begin here.
pub const HEADER_BYTES: usize = HINTS + HINT_COUNT * 4;

const _: () = assert!(HEADER_BYTES == 128);
const _: () = assert!(PAGE_BYTES <= u16::MAX as usize);

/// What a page holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageKind {
    /// Never initialised, or freed.
    Unused,
    /// A B+ tree node.
    Node,
    /// A chunk of a large value.
    Overflow,
}

#[inline]
pub(super) fn u16_at(b: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([b[at], b[at + 1]]))
}

pub(super) fn put_u16(b: &mut [u8], at: usize, v: usize) {
    debug_assert!(v <= usize::from(u16::MAX));
    b[at..at + 2].copy_from_slice(&(v as u16).to_le_bytes());
}

#[inline]
pub(super) fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

#[inline]
pub(super) fn u64_at(b: &[u8], at: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&b[at..at + 8]);
    u64::from_le_bytes(raw)
}

pub(super) fn put_u64(b: &mut [u8], at: usize, v: u64) {
    b[at..at + 8].copy_from_slice(&v.to_le_bytes());
}

/// LSN of the end of the newest record applied to the page.
pub fn page_lsn(page: &PageBuf) -> Lsn {
    Lsn(u64_at(page, LSN))
}

/// Sets the page LSN.
pub fn set_page_lsn(page: &mut PageBuf, lsn: Lsn) {
    put_u64(page, LSN, lsn.0);
}

/// The id the page was initialised with.
pub fn page_id(page: &PageBuf) -> PageId {
    PageId(u64_at(page, ID))
}

/// The tree the page belongs to.
pub fn tree_of(page: &PageBuf) -> u32 {
    u32_at(page, TREE)
}

/// What the page holds.
pub fn page_kind(page: &PageBuf) -> PageKind {
    match page[KIND] {
        1 => PageKind::Node,
        2 => PageKind::Overflow,
        _ => PageKind::Unused,
    }
}

/// Zeroes the page and writes the fields every kind has.
pub(super) fn init(page: &mut PageBuf, id: PageId, tree: u32, kind: PageKind, level: u8) {
    page.fill(0);
    put_u64(page, ID, id.0);
    page[TREE..TREE + 4].copy_from_slice(&tree.to_le_bytes());
    page[KIND] = match kind {
        PageKind::Unused => 0,
        PageKind::Node => 1,
        PageKind::Overflow => 2,
    };
    page[LEVEL] = level;
}
