//! The same work for every embedded key-value store: 16-byte keys, 100-byte values.
//!
//! `cargo bench --manifest-path engine/storage/compare/Cargo.toml [-- ENGINE...] [--n N] [--cache-mb M] [--dir DIR]`

pub mod engines;

/// A key.
pub type Key = [u8; 16];
/// A value.
pub type Value = [u8; 100];

/// What every engine does. Every `put` is one transaction; a read sees one snapshot for the time of a call.
pub trait Kv: Sync {
    /// Writes; `durable`: on stable storage when the call returns.
    fn put(&self, pairs: &[(Key, Value)], durable: bool);
    /// Looks keys up in one snapshot; returns how many were found.
    fn get_many(&self, keys: &[Key]) -> u64;
    /// Reads up to `limit` rows from a key on; returns how many.
    fn scan(&self, from: &Key, limit: usize) -> usize;
    /// Brings everything to disk in the form in which its size is measured.
    fn settle(&self) {}
}

/// xorshift64: a sequence that every engine sees alike.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// The `i`-th key in ascending order.
pub fn sequential_key(i: u64) -> Key {
    let mut key = *b"tbl_0001........";
    key[8..].copy_from_slice(&i.to_be_bytes());
    key
}

/// The `i`-th key in an order that looks random; distinct for distinct `i` (splitmix64 is a bijection).
pub fn random_key(i: u64) -> Key {
    let mut z = i.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    sequential_key(z ^ (z >> 31))
}

/// A value, half random, half text: it compresses about 2:1.
pub fn value(i: u64) -> Value {
    let mut out = [b'.'; 100];
    out[90..].copy_from_slice(b" free text");
    let mut random = Random(i * 2 + 88_172_645_463_325_253);
    for chunk in out[..48].chunks_mut(8) {
        chunk.copy_from_slice(&random.next().to_le_bytes());
    }
    out
}

/// Seconds of processor time this process has used, all threads together.
pub fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
