//! What must be in the store.

use nq_storage::TreeId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The records of a tree.
pub type Records = BTreeMap<Vec<u8>, Arc<[u8]>>;
/// All trees.
pub type State = BTreeMap<TreeId, Records>;

/// One step of a transaction.
#[derive(Clone, Debug)]
pub enum Effect {
    Create(TreeId),
    Drop(TreeId),
    Put(TreeId, Vec<u8>, Arc<[u8]>),
    Delete(TreeId, Vec<u8>),
}

/// A tree that was made at some time.
#[derive(Clone, Copy, Debug)]
pub struct TreeInfo {
    /// The session whose it is; `None` for one that all share.
    pub owner: Option<usize>,
    /// Whether its keys are row ids.
    pub rows: bool,
}

/// The state after some prefix of the commits that includes every acknowledged one.
#[derive(Default)]
pub struct Model {
    /// The acknowledged state.
    durable: State,
    /// Commits since, in order of their log records.
    pending: Vec<Vec<Effect>>,
    /// The state after all of them.
    newest: State,
    trees: BTreeMap<TreeId, TreeInfo>,
    acknowledged: u64,
}

fn apply(state: &mut State, effect: &Effect) {
    match effect {
        Effect::Create(tree) => {
            state.insert(*tree, Records::new());
        }
        Effect::Drop(tree) => {
            state.remove(tree);
        }
        Effect::Put(tree, key, value) => {
            state.entry(*tree).or_default().insert(key.clone(), Arc::clone(value));
        }
        Effect::Delete(tree, key) => {
            state.entry(*tree).or_default().remove(key);
        }
    }
}

/// FNV-1a over everything.
pub fn digest(state: &State) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325u64;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    for (tree, records) in state {
        eat(&tree.0.to_le_bytes());
        for (key, value) in records {
            eat(key);
            eat(&(value.len() as u64).to_le_bytes());
            eat(&value[..value.len().min(8)]);
        }
    }
    hash
}

impl Model {
    pub fn made(&mut self, tree: TreeId, info: TreeInfo) {
        self.trees.insert(tree, info);
    }

    pub fn trees_ever(&self) -> Vec<TreeId> {
        self.trees.keys().copied().collect()
    }

    pub fn info(&self, tree: TreeId) -> TreeInfo {
        self.trees[&tree]
    }

    /// What a new snapshot sees.
    pub fn newest(&self) -> &State {
        &self.newest
    }

    pub fn committed(&mut self, effects: Vec<Effect>) {
        effects.iter().for_each(|effect| apply(&mut self.newest, effect));
        self.pending.push(effects);
    }

    /// Everything committed so far is durable.
    pub fn acknowledge(&mut self) {
        self.acknowledged += self.pending.len() as u64;
        for effects in self.pending.drain(..) {
            effects.iter().for_each(|effect| apply(&mut self.durable, effect));
        }
    }

    /// Commits acknowledged since this was asked last.
    pub fn acknowledged(&mut self) -> u64 {
        std::mem::take(&mut self.acknowledged)
    }

    /// Takes what recovery found for the state to go on from.
    pub fn settle(&mut self, found: State) -> Result<(), String> {
        let mut state = std::mem::take(&mut self.durable);
        let mut pending = std::mem::take(&mut self.pending).into_iter();
        let at_least = differences(&state, &found);
        while state != found {
            let Some(effects) = pending.next() else {
                return Err(format!(
                    "not the state after any prefix of the commits; of the acknowledged ones: {at_least}; of all: {}",
                    differences(&state, &found)
                ));
            };
            effects.iter().for_each(|effect| apply(&mut state, effect));
        }
        self.newest = found.clone();
        self.durable = found;
        // What never was, or is gone for good, need not be looked for again.
        let durable = &self.durable;
        self.trees.retain(|tree, _| durable.contains_key(tree));
        Ok(())
    }
}

/// Describes how a state differs from the one expected.
fn differences(expected: &State, found: &State) -> String {
    let mut out = Vec::new();
    for (tree, records) in expected {
        match found.get(tree) {
            None => out.push(format!("tree {tree} with {} records is missing", records.len())),
            Some(theirs) => {
                let missing = records.keys().filter(|key| !theirs.contains_key(*key)).count();
                let extra = theirs.keys().filter(|key| !records.contains_key(*key)).count();
                let other = records
                    .iter()
                    .filter(|(key, value)| theirs.get(*key).is_some_and(|v| v != *value))
                    .count();
                if missing + extra + other > 0 {
                    out.push(format!(
                        "tree {tree}: {missing} records missing, {extra} not expected, {other} other values"
                    ));
                }
            }
        }
    }
    out.extend(
        found
            .keys()
            .filter(|tree| !expected.contains_key(tree))
            .map(|tree| format!("tree {tree} is not expected")),
    );
    out.join("; ")
}
