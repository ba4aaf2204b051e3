//! The engines, one per file.

mod fjall;
mod lmdb;
mod nq;
mod redb;
#[cfg(feature = "rocks")]
mod rocks;

use std::path::Path;

use crate::Kv;

/// Names of all engines that were built in, ours first.
pub const NAMES: &[&str] = &[
    "nq",
    "redb",
    "fjall",
    "lmdb",
    #[cfg(feature = "rocks")]
    "rocksdb",
];

/// Opens an engine on a directory with a cache of `cache_mb` MiB.
///
/// # Panics
/// For an unknown name, or when the engine cannot be opened.
pub fn open(name: &str, dir: &Path, cache_mb: usize) -> Box<dyn Kv> {
    match name {
        "nq" => Box::new(nq::open(dir, cache_mb)),
        "redb" => Box::new(redb::open(dir, cache_mb)),
        "fjall" => Box::new(fjall::open(dir, cache_mb)),
        "lmdb" => Box::new(lmdb::open(dir)),
        #[cfg(feature = "rocks")]
        "rocksdb" => Box::new(rocks::open(dir, cache_mb)),
        other => panic!("no engine is called {other}"),
    }
}
