//! A hash map that is cheap to copy: 64 shards behind `Arc`s, of which a change copies one.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashMap};

const SHARDS: usize = 64;

type Shard<K, V> = Arc<HashMap<K, V, FixedState>>;

/// The map.
#[derive(Clone, Debug)]
pub(crate) struct SharedMap<K, V> {
    shards: Box<[Shard<K, V>]>,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        let empty: Shard<K, V> = Arc::new(HashMap::with_hasher(FixedState::default()));
        SharedMap { shards: vec![empty; SHARDS].into_boxed_slice() }
    }
}

fn shard_of<Q: Hash + ?Sized>(key: &Q) -> usize {
    // The inner maps hash with the same function: take other bits than they do.
    (FixedState::default().hash_one(key) >> 40) as usize % SHARDS
}

impl<K: Hash + Eq + Clone, V: Clone> SharedMap<K, V> {
    /// Finds a value.
    pub(crate) fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.shards[shard_of(key)].get(key)
    }

    /// Sets a value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let shard = shard_of(&key);
        Arc::make_mut(&mut self.shards[shard]).insert(key, value);
    }

    /// Removes a value.
    pub(crate) fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) {
        let shard = shard_of(key);
        if self.shards[shard].contains_key(key) {
            Arc::make_mut(&mut self.shards[shard]).remove(key);
        }
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|s| s.iter())
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.shards.iter().flat_map(|s| s.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_do_not_see_later_changes() {
        let mut a: SharedMap<u32, u32> = SharedMap::default();
        for i in 0..1000 {
            a.insert(i, i * 2);
        }
        let b = a.clone();
        a.remove(&7);
        a.insert(8, 0);
        assert_eq!((a.get(&7), a.get(&8), a.iter().count()), (None, Some(&0), 999));
        assert_eq!((b.get(&7), b.get(&8), b.values().count()), (Some(&14), Some(&16), 1000));
    }
}
