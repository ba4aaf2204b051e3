//! Frames and the guards through which pages are seen.

use crate::error::Result;
use crate::ids::{Lsn, PageId};
use crate::page::{NodeMut, NodeRef, PageBuf, set_page_lsn};
use crate::wal::{Appended, Space, Wal};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One page's place in memory.
pub(super) struct Frame {
    pub(super) latch: RwLock<Held>,
    /// Where the oldest change not yet in the page store lies in the log; 0 when clean.
    pub(super) rec_lsn: AtomicU64,
    /// The `rec_lsn` of the copy that is being written; 0 when none is.
    pub(super) flushing: AtomicU64,
    pub(super) referenced: AtomicBool,
}

/// What a frame holds.
pub(super) struct Held {
    pub(super) id: PageId,
    /// The frame's for as long as there is a pool.
    memory: Option<&'static mut PageBuf>,
}

impl Held {
    pub(super) fn bytes(&self) -> &PageBuf {
        self.memory.as_deref().expect("a frame has memory")
    }

    pub(super) fn bytes_mut(&mut self) -> &mut PageBuf {
        self.memory.as_deref_mut().expect("a frame has memory")
    }
}

impl Frame {
    pub(super) fn new(memory: &'static mut PageBuf) -> Frame {
        Frame {
            latch: RwLock::new(Held { id: PageId::NONE, memory: Some(memory) }),
            rec_lsn: AtomicU64::new(0),
            flushing: AtomicU64::new(0),
            referenced: AtomicBool::new(false),
        }
    }

    /// Takes its memory from a frame that will not be used again.
    pub(super) fn retire(&mut self) -> Option<&'static mut PageBuf> {
        self.latch.get_mut().memory.take()
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.rec_lsn.load(Ordering::Acquire) != 0
    }

    pub(super) fn touch(&self) {
        if !self.referenced.load(Ordering::Relaxed) {
            self.referenced.store(true, Ordering::Relaxed);
        }
    }
}

/// A page under the shared latch.
pub struct PageRead<'p> {
    pub(super) held: RwLockReadGuard<'p, Held>,
}

impl PageRead<'_> {
    /// The page's bytes.
    pub fn bytes(&self) -> &PageBuf {
        self.held.bytes()
    }

    /// The page as a node.
    pub fn node(&self) -> NodeRef<'_> {
        NodeRef::new(self.held.bytes())
    }

    /// The page's id.
    pub fn id(&self) -> PageId {
        self.held.id
    }
}

/// A page under the exclusive latch.
pub struct PageWrite<'p> {
    pub(super) frame: &'p Frame,
    pub(super) held: RwLockWriteGuard<'p, Held>,
}

impl<'p> PageWrite<'p> {
    /// The page's bytes.
    pub fn bytes(&self) -> &PageBuf {
        self.held.bytes()
    }

    /// The page as a node.
    pub fn node(&self) -> NodeRef<'_> {
        NodeRef::new(self.held.bytes())
    }

    /// The page's id.
    pub fn id(&self) -> PageId {
        self.held.id
    }

    /// The bytes for changing, given the witness that the change is in the log.
    pub fn edit(&mut self, _logged: &Logged) -> &mut PageBuf {
        self.held.bytes_mut()
    }

    /// The node for changing, given the witness that the change is in the log.
    pub fn edit_node(&mut self, logged: &Logged) -> NodeMut<'_> {
        NodeMut::new(self.edit(logged))
    }

    /// Marks the page dirty as of a record that redo is about to apply, or has just created.
    pub fn redo(&mut self, start: Lsn, end: Lsn) -> Logged {
        let _ = self.frame.rec_lsn.compare_exchange(0, start.0, Ordering::SeqCst, Ordering::SeqCst);
        set_page_lsn(self.held.bytes_mut(), end);
        Logged(Appended { start, end })
    }

    /// Turns the latch into a shared one.
    pub fn downgrade(self) -> PageRead<'p> {
        PageRead { held: RwLockWriteGuard::downgrade(self.held) }
    }
}

/// Witness that a record describing the change is in the log.
#[derive(Clone, Copy, Debug)]
pub struct Logged(Appended);

impl Logged {
    /// The record's first byte.
    pub fn start(&self) -> Lsn {
        self.0.start
    }

    /// The byte behind the record.
    pub fn end(&self) -> Lsn {
        self.0.end
    }
}

/// Appends one record for changes to all of `pages` (distinct), sets their page LSNs and permits the changes.
/// On failure no page has changed.
pub fn log(wal: &Wal, pages: &mut [&mut PageWrite<'_>], parts: &[&[u8]], space: Space) -> Result<Logged> {
    let end = wal.end_lsn().0.max(1);
    let mut fresh = 0u64;
    for (i, page) in pages.iter().enumerate() {
        // Looked at first: mostly it is dirty already. A failed write of it may give it its older position back meanwhile.
        let rec_lsn = &page.frame.rec_lsn;
        if rec_lsn.load(Ordering::SeqCst) == 0
            && rec_lsn.compare_exchange(0, end, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && i < 64
        {
            fresh |= 1 << i;
        }
    }
    match wal.append_with(parts, space) {
        Ok(appended) => {
            for page in pages.iter_mut() {
                set_page_lsn(page.held.bytes_mut(), appended.end);
            }
            Ok(Logged(appended))
        }
        Err(e) => {
            // Clean pages stay clean. A page beyond the mask is written once more than needed.
            for (i, page) in pages.iter().enumerate().take(64) {
                if fresh & (1 << i) != 0 {
                    page.frame.rec_lsn.store(0, Ordering::SeqCst);
                }
            }
            Err(e)
        }
    }
}
