//! Reading everything before it is needed: the scrubber, which mends, and the verifier, which also reports.

use super::checkpoint::{for_each_entry, map_page_name};
use super::extent::with_scratch;
use super::map::{Entry, LEAF_ENTRIES};
use super::space::Bitmap;
use super::superblock::SUPERBLOCK_SECTORS;
use super::{Finding, LEAF_ID_BASE, PAGE_BYTES, PageStore, ROOT_ID_BASE, ScrubProgress};
use crate::error::{Result, StoreError};
use crate::ids::PageId;
use std::sync::atomic::Ordering::Relaxed;

/// What an examination of one page found.
enum Health {
    Good,
    Healed,
    Lost(StoreError),
    /// It was rewritten or freed meanwhile.
    Gone,
}

impl PageStore {
    /// Reads and heals the next pages, about `budget_sectors` sectors. At the end of a round the map itself is read, too.
    /// Pages beyond healing are counted and logged, not an error.
    pub fn scrub_step(&self, budget_sectors: u64) -> Result<ScrubProgress> {
        let mut next = self.scrub_next.lock();
        let mut progress = ScrubProgress::default();
        let mut page = Box::new([0u8; PAGE_BYTES]);
        let mut entries = Box::new([Entry::NONE; LEAF_ENTRIES]);
        while progress.sectors < budget_sectors {
            let (leaf, slot) = (*next as usize / LEAF_ENTRIES, *next as usize % LEAF_ENTRIES);
            if !self.map.copy_leaf(leaf, &mut entries) {
                self.scrub_map(&mut progress);
                *next = 0;
                progress.finished_round = true;
                break;
            }
            *next = ((leaf + 1) * LEAF_ENTRIES) as u64;
            for (slot, entry) in entries.iter().enumerate().skip(slot).filter(|(_, entry)| !entry.is_none()) {
                let id = (leaf * LEAF_ENTRIES + slot) as u64;
                if progress.sectors >= budget_sectors {
                    *next = id;
                    break;
                }
                progress.pages += 1;
                progress.sectors += entry.shape().sectors() as u64;
                match self.examine(id, *entry, &mut page) {
                    Health::Good | Health::Gone => {}
                    Health::Healed => progress.healed += 1,
                    Health::Lost(error) => {
                        progress.lost += 1;
                        tracing::error!("scrubbing found damage beyond healing: {error}");
                    }
                }
            }
        }
        Ok(progress)
    }

    /// Reads all sectors of a page and heals it.
    fn examine(&self, id: u64, entry: Entry, page: &mut [u8; PAGE_BYTES]) -> Health {
        with_scratch(|scratch| {
            let outcome = self.fetch_with_parity(id, entry, scratch, page);
            if self.map.get(id) != entry {
                return Health::Gone;
            }
            match outcome {
                Ok(0) => Health::Good,
                Ok(missing) => {
                    self.rewrite_healed(id, entry, missing, scratch, page);
                    Health::Healed
                }
                Err(error) => {
                    self.counters.lost.fetch_add(1, Relaxed);
                    Health::Lost(error)
                }
            }
        })
    }

    /// Reads the pages of the map and the superblock; what was healed there is written elsewhere by the next checkpoint.
    fn scrub_map(&self, progress: &mut ScrubProgress) {
        for finding in self.examine_map() {
            if finding.healed {
                progress.healed += 1;
            } else {
                progress.lost += 1;
            }
        }
    }

    fn examine_map(&self) -> Vec<Finding> {
        let mut durable = self.durable.lock();
        let mut findings = Vec::new();
        let mut page = Box::new([0u8; PAGE_BYTES]);
        let leaves =
            durable.leaves.iter().enumerate().map(|(index, entry)| (LEAF_ID_BASE + index as u64, *entry));
        let roots =
            durable.roots.iter().enumerate().map(|(index, entry)| (ROOT_ID_BASE + index as u64, *entry));
        let mut rewrite_roots = false;
        for (id, entry) in leaves.chain(roots).filter(|(_, entry)| !entry.is_none()) {
            let outcome = with_scratch(|scratch| self.fetch_with_parity(id, entry, scratch, &mut page));
            if matches!(outcome, Ok(0)) {
                continue;
            }
            // Whether healed or lost: memory has the contents, and the next checkpoint writes them elsewhere.
            if id >= ROOT_ID_BASE {
                rewrite_roots = true;
            } else {
                self.map.mark_dirty((id - LEAF_ID_BASE) as usize);
            }
            self.counters.healed.fetch_add(1, Relaxed);
            let name = map_page_name(id);
            tracing::warn!("healed page {id}, {name}: the next checkpoint writes it again");
            findings.push(Finding { page: None, what: format!("{name} was damaged"), healed: true });
        }
        durable.rewrite_roots |= rewrite_roots;
        // The next checkpoint writes the other slot, the one after it makes this one good again.
        let copies = durable.superblock_copies(&*self.file);
        if copies < 2 {
            findings.push(Finding {
                page: None,
                what: format!("{} of the 2 copies of the superblock are damaged", 2 - copies),
                healed: copies == 1,
            });
        }
        findings
    }

    /// Reads everything and reports what is wrong: damaged pages (healing them), sectors used twice or marked free.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        let mut findings = self.examine_map();
        let mut page = Box::new([0u8; PAGE_BYTES]);
        let mut seen = Bitmap::default();
        let mut suspects = Vec::new();
        for_each_entry(&self.map, |id, entry| {
            match self.examine(id, entry, &mut page) {
                Health::Gone => return,
                Health::Good => {}
                Health::Healed => {
                    findings.push(Finding {
                        page: Some(PageId(id)),
                        what: "damaged sectors were rebuilt".into(),
                        healed: true,
                    });
                    return;
                }
                Health::Lost(error) => {
                    findings.push(Finding { page: Some(PageId(id)), what: error.to_string(), healed: false })
                }
            }
            let range = entry.sector()..entry.sector() + entry.shape().sectors() as u64;
            seen.grow(range.end);
            let fresh = range.clone().filter(|sector| seen.put(*sector, true)).count() as u64;
            let in_use = {
                let space = self.space.lock();
                range.clone().all(|sector| space.usage.used.get(sector))
            };
            if fresh != range.end - range.start || !in_use || range.start < SUPERBLOCK_SECTORS {
                suspects.push((id, entry, in_use));
            }
        });
        for (id, entry, in_use) in suspects {
            // A page that moved while it was being looked at is no finding.
            if self.map.get(id) != entry {
                continue;
            }
            let range = |entry: &Entry| (entry.sector(), entry.sector() + entry.shape().sectors() as u64);
            let (start, end) = range(&entry);
            let mut sharer = None;
            for_each_entry(&self.map, |other, theirs| {
                let (from, to) = range(&theirs);
                if other != id && from < end && start < to {
                    sharer = Some(other);
                }
            });
            let what = match sharer {
                Some(other) => format!("it shares sectors with page {other}"),
                None if !in_use => "its sectors are marked free".to_owned(),
                None if start < SUPERBLOCK_SECTORS => "it lies in the superblock".to_owned(),
                None => continue,
            };
            findings.push(Finding { page: Some(PageId(id)), what, healed: false });
        }
        Ok(findings)
    }
}
