//! What a simulated machine can be told to do wrong.

/// A pseudo-random generator (SplitMix64, Steele et al. 2014): small, seeded, the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts the sequence of a seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// When `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }

    /// `true` with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && (self.next_u64() >> 11) as f64 / ((1u64 << 53) as f64) < probability
    }

    /// Puts a slice in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// Fills a slice.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// A kind of input or output. Every call of one counts in [`SimEnv::io_count`](super::SimEnv::io_count).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Opening or creating a file.
    Open,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Changing a file's length.
    SetLen,
    /// Reserving room.
    Allocate,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Syncing a directory.
    SyncDir,
    /// Making a directory.
    CreateDir,
    /// Listing a directory.
    List,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The call fails with an input/output error. A failed write may have written a part; a failed sync forgets what was unsynced.
    Eio,
    /// The call fails for lack of room.
    Enospc,
    /// A read returns fewer bytes than there are, but at least one.
    ShortRead,
    /// A write reports success and writes nothing.
    LostWrite,
    /// A write reports success and lands on other sectors of the same file.
    MisdirectedWrite,
    /// A sync reports success and does nothing: the drive lies.
    LostSync,
    /// The machine loses power in the middle of the call; every later call fails until [`SimEnv::crash`](super::SimEnv::crash).
    PowerOff,
}

/// A fault planned for certain calls.
#[derive(Clone, Debug)]
pub struct Injection {
    /// The kinds of call concerned; empty means all.
    pub ops: Vec<Op>,
    /// Only paths that contain this text.
    pub path: Option<String>,
    /// The first matching call from now that fails, counted from 1.
    pub at: u64,
    /// How many matching calls in a row fail; `u64::MAX` for good.
    pub times: u64,
    /// What goes wrong with them.
    pub fault: Fault,
}

impl Injection {
    /// The `at`-th call of any kind from now fails, once.
    pub fn nth(at: u64, fault: Fault) -> Injection {
        Injection { ops: Vec::new(), path: None, at, times: 1, fault }
    }

    /// Restricts to one kind of call.
    pub fn on(mut self, op: Op) -> Injection {
        self.ops.push(op);
        self
    }

    /// Restricts to paths that contain `part`.
    pub fn in_path(mut self, part: &str) -> Injection {
        self.path = Some(part.to_owned());
        self
    }

    /// Lets every later matching call fail, too.
    pub fn for_good(mut self) -> Injection {
        self.times = u64::MAX;
        self
    }

    fn matches(&self, op: Op, path: &str) -> bool {
        (self.ops.is_empty() || self.ops.contains(&op))
            && self.path.as_deref().is_none_or(|part| path.contains(part))
    }
}

/// Probabilities of faults per call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultRates {
    /// A read fails.
    pub read_eio: f64,
    /// A read is short.
    pub short_read: f64,
    /// A write fails.
    pub write_eio: f64,
    /// A write lacks room.
    pub write_enospc: f64,
    /// A write is lost.
    pub lost_write: f64,
    /// A write is misdirected.
    pub misdirected_write: f64,
    /// A sync fails.
    pub sync_eio: f64,
    /// A sync is lost.
    pub lost_sync: f64,
}

/// Damage to a sector at rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// One bit is wrong; the number is taken modulo the sector's bits.
    Flip(u64),
    /// The sector reads as zeros.
    Zero,
    /// The sector reads as it was before its last synced write (zeros when it was written once).
    Stale,
    /// The sector cannot be read (an input/output error) until it is written again.
    Unreadable,
}

/// The faults that are planned.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultPlan {
    pub(super) injections: Vec<Injection>,
    pub(super) rates: FaultRates,
}

impl FaultPlan {
    /// Decides about one call.
    pub(super) fn decide(&mut self, op: Op, path: &str, rng: &mut Rng) -> Option<Fault> {
        let mut fault = None;
        self.injections.retain_mut(|injection| {
            if !injection.matches(op, path) {
                return true;
            }
            if injection.at > 1 {
                injection.at -= 1;
                return true;
            }
            fault = fault.or(Some(injection.fault));
            if injection.times != u64::MAX {
                injection.times -= 1;
            }
            injection.times > 0
        });
        fault.or_else(|| {
            let rates = &self.rates;
            let table: &[(f64, Fault)] = match op {
                Op::Read => &[(rates.read_eio, Fault::Eio), (rates.short_read, Fault::ShortRead)],
                Op::Write => &[
                    (rates.write_eio, Fault::Eio),
                    (rates.write_enospc, Fault::Enospc),
                    (rates.lost_write, Fault::LostWrite),
                    (rates.misdirected_write, Fault::MisdirectedWrite),
                ],
                Op::Sync => &[(rates.sync_eio, Fault::Eio), (rates.lost_sync, Fault::LostSync)],
                _ => &[],
            };
            table.iter().find(|(rate, _)| rng.chance(*rate)).map(|(_, fault)| *fault)
        })
    }
}
