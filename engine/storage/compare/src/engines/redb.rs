//! redb: copy-on-write B+ tree, one writer.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use crate::{Key, Kv, Value};

const TABLE: TableDefinition<'_, &[u8; 16], &[u8; 100]> = TableDefinition::new("t");

pub struct Redb(Database);

pub fn open(dir: &Path, cache_mb: usize) -> Redb {
    let db = Database::builder().set_cache_size(cache_mb << 20).create(dir.join("db")).expect("opens");
    let write = db.begin_write().expect("begins");
    write.open_table(TABLE).expect("table");
    write.commit().expect("commits");
    Redb(db)
}

impl Kv for Redb {
    fn put(&self, pairs: &[(Key, Value)], durable: bool) {
        let mut write = self.0.begin_write().expect("begins");
        write
            .set_durability(if durable { Durability::Immediate } else { Durability::None })
            .expect("durability");
        {
            let mut table = write.open_table(TABLE).expect("table");
            for (key, value) in pairs {
                table.insert(key, value).expect("inserts");
            }
        }
        write.commit().expect("commits");
    }

    fn get_many(&self, keys: &[Key]) -> u64 {
        let table = self.0.begin_read().expect("begins").open_table(TABLE).expect("table");
        keys.iter()
            .filter(|key| {
                table.get(*key).expect("reads").is_some_and(|v| std::hint::black_box(v.value())[90] == b' ')
            })
            .count() as u64
    }

    fn scan(&self, from: &Key, limit: usize) -> usize {
        let table = self.0.begin_read().expect("begins").open_table(TABLE).expect("table");
        let rows = table.range::<&[u8; 16]>(from..).expect("range").take(limit);
        rows.filter(|row| row.as_ref().is_ok_and(|(_, v)| std::hint::black_box(v.value())[90] == b' '))
            .count()
    }
}
