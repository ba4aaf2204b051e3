//! RocksDB: log-structured merge tree.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, Direction, IteratorMode, Options, WriteBatch,
    WriteOptions,
};

use crate::{Key, Kv, Value};

pub struct Rocks(DB);

pub fn open(dir: &Path, cache_mb: usize) -> Rocks {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(cache_mb << 20));
    table.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_block_based_table_factory(&table);
    Rocks(DB::open(&options, dir).expect("opens"))
}

impl Kv for Rocks {
    fn put(&self, pairs: &[(Key, Value)], durable: bool) {
        let mut batch = WriteBatch::default();
        for (key, value) in pairs {
            batch.put(key, value);
        }
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        self.0.write_opt(batch, &options).expect("writes");
    }

    fn get_many(&self, keys: &[Key]) -> u64 {
        keys.iter()
            .filter(|key| self.0.get_pinned(key).expect("reads").is_some_and(|v| v[90] == b' '))
            .count() as u64
    }

    fn scan(&self, from: &Key, limit: usize) -> usize {
        let rows = self.0.iterator(IteratorMode::From(from, Direction::Forward)).take(limit);
        rows.filter(|row| row.as_ref().is_ok_and(|(_, v)| v[90] == b' ')).count()
    }

    fn settle(&self) {
        self.0.flush().expect("flushes");
    }
}
