//! Pages: the 16 KiB unit of the buffer pool, and the slotted node most of them hold.
//!
//! ```text
//!   0        128                heap start                     16384
//!   +--------+------------------+ . . . . . +-------------------+
//!   | header | slots (12 bytes) |   free    |  heap: records,   |
//!   |        |  ->              |        <- |  fences           |
//!   +--------+------------------+ . . . . . +-------------------+
//! ```
//!
//! Invariants:
//! 1. A page's logical content (slots, flags, keys, values, fences) is a function of the log alone: whatever changes it
//!    is logged, so redo meets the space it needs. Only undo pointers inside record stamps, stamps of live records that are
//!    older than every snapshot (they are dropped when the page is written, and by redo where it needs their room), hints
//!    and the arrangement of the heap may differ between a page and its redone twin.
//! 2. Keys of a node are strictly ascending, `lower fence <= key < upper fence`, and share the node's prefix.
//! 3. `live bytes` counts every heap byte that is reachable; the rest of the heap is garbage that compaction returns.
//!
//! Node layout after LeanStore's `BTreeNode` (Leis et al. 2018; Alhomssi et al. 2023): prefix truncation by fences,
//! four-byte heads in the slots, sixteen hints over the heads. Differences: what keys share where fences say nothing,
//! record stamps and slot flags, separators in the same slots, and a direct guess for eight-byte row ids.

mod fold;
mod header;
mod node;
mod overflow;
mod search;

pub(crate) use fold::{fold, unfold};
pub use header::{HEADER_BYTES, PageBuf, PageKind, page_id, page_kind, page_lsn, set_page_lsn, tree_of};
pub use node::{
    MAX_INLINE_BYTES, MAX_KEY_BYTES, NodeMut, NodeRef, SlotFlags, Stamp, image_into, record_bytes,
    restore_image,
};
pub use overflow::{CHUNK_BYTES, LargeRef, chunk_data, chunk_next, write_chunk};
pub use search::Found;
