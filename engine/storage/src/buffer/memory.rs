//! Memory for frames: mapped in one piece per pool, so that large pools can have huge pages, and kept for the next pool afterwards.
//!
//! Nothing of a mapping is in memory before it is touched. A pool gives its pages back when it is dropped, but the process keeps
//! them: a mapping serves as many pools, one after the other, as there are.

use crate::page::PageBuf;
use crate::store::PAGE_BYTES;
use memmap2::{Advice, MmapMut};
use parking_lot::Mutex;

/// Pages of pools that are no more. Their contents are whatever was there.
static FREE: Mutex<Vec<&'static mut PageBuf>> = Mutex::new(Vec::new());

/// Takes `count` pages, with any contents; `huge` asks for huge pages, which spare random reads of a large pool one miss of the
/// translation buffer each, and cost a small pool memory that it does not use.
///
/// # Errors
/// Those of the operating system when it has no address space left.
pub(super) fn take(count: usize, huge: bool) -> std::io::Result<Vec<&'static mut PageBuf>> {
    let mut pages = {
        let mut free = FREE.lock();
        let kept = free.len().saturating_sub(count);
        free.split_off(kept)
    };
    let missing = count - pages.len();
    if missing > 0 {
        let bytes = missing * PAGE_BYTES;
        let map = MmapMut::map_anon(bytes)?;
        if huge {
            // The allocator may have said for the whole process that it wants none.
            let permitted = rustix::thread::disable_transparent_huge_pages(false).map_err(Into::into);
            if let Err(error) = permitted.and_then(|()| map.advise(Advice::HugePage)) {
                tracing::info!("no huge pages for the buffer pool: {error}");
            }
        }
        let map: &'static mut MmapMut = Box::leak(Box::new(map));
        pages.extend(map.as_chunks_mut::<PAGE_BYTES>().0);
    }
    Ok(pages)
}

/// Keeps pages for the next pool.
pub(super) fn give_back(pages: impl Iterator<Item = &'static mut PageBuf>) {
    FREE.lock().extend(pages);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_distinct() {
        for huge in [false, true] {
            let mut pages = take(300, huge).unwrap();
            for (number, page) in pages.iter_mut().enumerate() {
                page.fill(number as u8);
            }
            for (number, page) in pages.iter().enumerate() {
                assert!(page.iter().all(|&byte| byte == number as u8));
            }
            give_back(pages.into_iter());
        }
    }
}
