//! One life of the machine: sessions that take random steps until the power fails.
//!
//! Everything runs in one thread, so nobody may ever wait: sessions write keys and trees of their own, but share leaves, the
//! log and the buffer pool.

use super::model::{Effect, Model, Records, TreeInfo};
use nq_storage::env::sim::{Rng, SimEnv};
use nq_storage::{
    Change, Direction, InsertOutcome, KeyRange, LockStrength, Modified, Result, Savepoint, Store, StoreError,
    TreeId, Txn, TxnOptions, WaitPolicy,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

const SESSIONS: usize = 4;
/// Keys of a session in a tree.
const KEYS: u64 = 120;
const STEPS_MAX: usize = 4000;

/// How a life ended.
pub enum End {
    /// With the power, or a store that stopped because of a fault.
    Dead,
    /// Something was wrong before.
    Violation(String),
}

/// Why a step ends the life.
enum Stop {
    Dead,
    Violation(String),
}

type Stepped<T = ()> = std::result::Result<T, Stop>;

fn violation<T>(what: impl Into<String>) -> Stepped<T> {
    Err(Stop::Violation(what.into()))
}

struct Session {
    txn: Txn,
    effects: Vec<Effect>,
    /// Savepoints with the number of effects before each.
    saved: Vec<(Savepoint, usize)>,
}

impl Session {
    /// What the transaction sees under a key: its own change, else `None`.
    fn own(&self, tree: TreeId, key: &[u8]) -> Option<Option<Arc<[u8]>>> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Put(at, k, value) if *at == tree && k == key => Some(Some(Arc::clone(value))),
            Effect::Delete(at, k) if *at == tree && k == key => Some(None),
            _ => None,
        })
    }
}

/// A life under way.
pub struct Life<'w> {
    env: &'w Arc<SimEnv>,
    store: &'w Store,
    rng: &'w mut Rng,
    model: &'w mut Model,
    /// Calls may fail while the power is on.
    faulty: bool,
    sessions: [Option<Session>; SESSIONS],
    /// Transactions committed.
    pub commits: u64,
}

/// All records of a tree; `None` when it does not exist.
pub fn all(store: &Store, tree: TreeId) -> Result<Option<Records>> {
    let reader = store.begin(TxnOptions::default());
    let mut cursor = match reader.cursor(tree, KeyRange::all(), Direction::Forward) {
        Err(StoreError::Corrupt { page: None, what }) if what.ends_with("does not exist") => return Ok(None),
        cursor => cursor?,
    };
    let mut records = Records::new();
    while cursor.next_batch(&reader, usize::MAX, &mut |key, value| {
        records.insert(key.to_vec(), value.into());
        ControlFlow::Continue(())
    })? {}
    Ok(Some(records))
}

impl<'w> Life<'w> {
    pub fn new(
        env: &'w Arc<SimEnv>,
        store: &'w Store,
        rng: &'w mut Rng,
        model: &'w mut Model,
        faulty: bool,
    ) -> Life<'w> {
        Life { env, store, rng, model, faulty, sessions: Default::default(), commits: 0 }
    }

    pub fn run(&mut self) -> End {
        let relief = self.rng.below(STEPS_MAX as u64) as usize / 4;
        for step in 0..STEPS_MAX {
            let outcome = if self.faulty && step == relief { self.relieve() } else { self.step() };
            match outcome {
                Ok(()) => {}
                Err(Stop::Dead) => return End::Dead,
                Err(Stop::Violation(what)) => return End::Violation(what),
            }
        }
        End::Dead
    }

    /// The disk has room again and calls succeed: so do statements.
    fn relieve(&mut self) -> Stepped {
        self.env.set_capacity(None);
        let mut probe = self.store.begin(TxnOptions::default());
        let outcome = probe.create_tree().and_then(|tree| {
            probe.put(tree, b"probe", &[1; 3000])?;
            probe.rollback()
        });
        match outcome {
            // Beside the power cut another fault may still be to come.
            Err(StoreError::DiskFull { .. }) if self.env.planned_at(1).is_some() => Ok(()),
            outcome => self.judge("after relief", outcome).map(drop),
        }
    }

    /// Sorts an outcome: `None` for a statement that failed as it should.
    fn judge<T>(&self, what: &str, outcome: Result<T>) -> Stepped<Option<T>> {
        let error = match outcome {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        if !self.env.is_powered() {
            return Err(Stop::Dead);
        }
        match error {
            StoreError::Poisoned { .. } if self.faulty => Err(Stop::Dead),
            StoreError::Io { .. } | StoreError::DiskFull { .. } if self.faulty => Ok(None),
            other => violation(format!("{what}: {other}")),
        }
    }

    fn step(&mut self) -> Stepped {
        let which = self.rng.below(SESSIONS as u64) as usize;
        let Some(mut session) = self.sessions[which].take() else {
            let session = Session {
                txn: self.store.begin(TxnOptions::default()),
                effects: Vec::new(),
                saved: Vec::new(),
            };
            self.sessions[which] = Some(session);
            return Ok(());
        };
        match self.rng.below(100) {
            0..86 => {
                session.txn.new_statement();
                session.txn.next_command();
                match self.statement(which, &mut session)? {
                    true => self.sessions[which] = Some(session),
                    // The statement failed: the transaction is over, and nothing of it stays.
                    false => {
                        let rolled_back = session.txn.rollback();
                        self.ended("roll back after an error", rolled_back)?;
                    }
                }
                Ok(())
            }
            86..93 => self.commit(session),
            93..96 => {
                let rolled_back = session.txn.rollback();
                self.ended("roll back", rolled_back)
            }
            _ => {
                self.sessions[which] = Some(session);
                self.background()
            }
        }
    }

    /// A rollback succeeds whatever the disk does to it, or the store stops.
    fn ended(&self, what: &str, outcome: Result<()>) -> Stepped {
        let Err(error) = &outcome else { return Ok(()) };
        let stopped = self.store.write_step().is_err_and(|e| matches!(e, StoreError::Poisoned { .. }));
        if stopped && self.faulty {
            return Err(Stop::Dead);
        }
        let error = error.clone();
        self.judge(what, outcome)?;
        violation(format!("{what}: {error}, and the store goes on"))
    }

    fn commit(&mut self, session: Session) -> Stepped {
        let Session { txn, effects, .. } = session;
        let Some(committed) = self.judge("commit", txn.commit())? else { return Ok(()) };
        let Some(lsn) = committed.lsn else {
            return match effects.is_empty() {
                true => Ok(()),
                false => violation("a transaction that wrote has no commit record"),
            };
        };
        self.commits += 1;
        self.model.committed(effects);
        if self.rng.chance(0.7) && self.judge("flush", self.store.wait_durable(lsn))?.is_some() {
            self.model.acknowledge();
        }
        Ok(())
    }

    fn background(&mut self) -> Stepped {
        let store = self.store;
        match self.rng.below(12) {
            0..3 => self.judge("clean", store.clean_step()).map(drop),
            3..6 => self.judge("write pages", store.write_step()).map(drop),
            6 => self.judge("checkpoint", store.checkpoint_step()).map(drop),
            7 => self.judge("flush", store.flush_step()).map(drop),
            8 => self.judge("prepare", store.prepare_step()).map(drop),
            9 => self.judge("scrub", store.scrub_step(20)).map(drop),
            10 => {
                if self.judge("checkpoint", store.checkpoint())?.is_some() {
                    // A checkpoint flushes the log.
                    self.model.acknowledge();
                }
                Ok(())
            }
            _ => {
                let trees: Vec<TreeId> = self.model.newest().keys().copied().collect();
                let Some(&tree) = self.pick(&trees) else { return Ok(()) };
                let Some(found) = self.judge("scan", all(store, tree))? else { return Ok(()) };
                match found.as_ref() == self.model.newest().get(&tree) {
                    true => Ok(()),
                    false => violation(format!(
                        "a scan of tree {tree} sees something else than what was committed"
                    )),
                }
            }
        }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.rng.below(from.len() as u64) as usize) }
    }

    fn value(&mut self) -> Arc<[u8]> {
        let len = match self.rng.below(20) {
            0 => self.rng.below(40_000),
            1..4 => self.rng.below(3000),
            _ => self.rng.below(500),
        };
        // Half of the values can be compressed.
        let mut value = vec![self.rng.next_u64() as u8; len as usize];
        if self.rng.chance(0.5) {
            self.rng.fill(&mut value);
        }
        value.into()
    }

    /// The trees a transaction may write to: its session's, and those that all share.
    fn trees(&self, which: usize, session: &Session, rows: bool) -> Vec<TreeId> {
        let mut trees: BTreeSet<TreeId> = self.model.newest().keys().copied().collect();
        for effect in &session.effects {
            match effect {
                Effect::Create(tree) => trees.insert(*tree),
                Effect::Drop(tree) => trees.remove(tree),
                _ => false,
            };
        }
        trees.retain(|tree| {
            let info = self.model.info(*tree);
            info.rows == rows && info.owner.is_none_or(|owner| owner == which)
        });
        trees.into_iter().collect()
    }

    /// What a transaction sees under a key that only its session writes.
    fn sees(&self, session: &Session, tree: TreeId, key: &[u8]) -> Option<Arc<[u8]>> {
        session
            .own(tree, key)
            .unwrap_or_else(|| self.model.newest().get(&tree).and_then(|records| records.get(key)).cloned())
    }

    /// One statement; `false` when it failed as it should and the transaction has to end.
    fn statement(&mut self, which: usize, session: &mut Session) -> Stepped<bool> {
        let choice = self.rng.below(100);
        let rows = (62..72).contains(&choice);
        let candidates = self.trees(which, session, rows);
        let tree = self.pick(&candidates).copied();
        let (Some(tree), 0..92) = (tree, choice) else { return self.tree_statement(which, session, choice) };
        let key = format!("{which}/{:04}", self.rng.below(KEYS)).into_bytes();
        let seen = self.sees(session, tree, &key);
        let outcome = match choice {
            0..8 => return self.insert_many(which, session, tree),
            8..34 => {
                let value = self.value();
                let outcome = session.txn.put(tree, &key, &value);
                session.effects.push(Effect::Put(tree, key, value));
                outcome
            }
            34..46 => {
                let outcome = session.txn.delete(tree, &key);
                if let Ok(there) = outcome
                    && there != seen.is_some()
                {
                    return violation(format!("delete says {there} of a key in tree {tree}"));
                }
                if seen.is_some() {
                    session.effects.push(Effect::Delete(tree, key));
                }
                outcome.map(drop)
            }
            46..54 => {
                let value = self.value();
                let outcome = session.txn.insert(tree, &key, &value);
                match (&outcome, seen) {
                    (Ok(InsertOutcome::Inserted), None) => {
                        session.effects.push(Effect::Put(tree, key, value))
                    }
                    (Ok(InsertOutcome::Exists { value, .. }), Some(seen)) if value[..] == seen[..] => {}
                    (Err(_), _) => {}
                    (Ok(other), seen) => {
                        return violation(format!(
                            "insert says {other:?}, where {} bytes are",
                            seen.map_or(0, |v| v.len())
                        ));
                    }
                }
                outcome.map(drop)
            }
            54..62 => self.modify(session, tree, key, seen)?,
            62..72 => self.append(session, tree),
            72..78 => {
                let found = session.txn.get(tree, &key, |value| value.to_vec());
                if let Ok(found) = &found
                    && found.as_deref() != seen.as_deref()
                {
                    return violation(format!("get in tree {tree} sees another value than was written"));
                }
                found.map(drop)
            }
            78..84 => {
                session.saved.push((session.txn.savepoint(), session.effects.len()));
                Ok(())
            }
            84..89 => {
                let keep = self.rng.below(session.saved.len() as u64 + 1) as usize;
                session.saved.truncate(keep);
                match session.saved.last() {
                    Some((savepoint, effects)) => {
                        let outcome = session.txn.rollback_to(savepoint);
                        session.effects.truncate(*effects);
                        outcome
                    }
                    None => Ok(()),
                }
            }
            _ => {
                if let Some((savepoint, _)) = session.saved.pop() {
                    session.txn.release(savepoint);
                }
                Ok(())
            }
        };
        Ok(self.judge("statement", outcome)?.is_some())
    }

    fn modify(
        &mut self,
        session: &mut Session,
        tree: TreeId,
        key: Vec<u8>,
        seen: Option<Arc<[u8]>>,
    ) -> Stepped<Result<()>> {
        let value = self.value();
        let deletes = self.rng.chance(0.2);
        let mut met: Option<Vec<u8>> = None;
        let outcome =
            session.txn.modify(tree, &key, LockStrength::NoKeyUpdate, WaitPolicy::NoWait, &mut |current| {
                met = Some(current.value().to_vec());
                if deletes { Change::Delete } else { Change::Update(value.to_vec()) }
            });
        match &outcome {
            Err(_) => {}
            Ok(Modified::Updated) => session.effects.push(Effect::Put(tree, key, value)),
            Ok(Modified::Deleted) => session.effects.push(Effect::Delete(tree, key)),
            Ok(Modified::NotFound | Modified::Gone) => met = None,
            Ok(other) => return violation(format!("modify says {other:?} of a key that nobody else writes")),
        }
        if outcome.is_ok() && met.as_deref() != seen.as_deref() {
            return violation(format!("modify in tree {tree} meets another value than was written"));
        }
        Ok(outcome.map(drop))
    }

    /// Inserts some records with ascending keys at once.
    fn insert_many(&mut self, which: usize, session: &mut Session, tree: TreeId) -> Stepped<bool> {
        let (first, step) = (self.rng.below(KEYS), 1 + self.rng.below(5));
        let mut entries: Vec<(Vec<u8>, Arc<[u8]>)> = Vec::new();
        for i in 0..1 + self.rng.below(40) {
            entries.push((format!("{which}/{:04}", first + i * step).into_bytes(), self.value()));
        }
        let there: Vec<usize> =
            (0..entries.len()).filter(|&i| self.sees(session, tree, &entries[i].0).is_some()).collect();
        let shown: Vec<(&[u8], &[u8])> = entries.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        let mut refused = Vec::new();
        let outcome = session.txn.insert_many(tree, &shown, |i| refused.push(i));
        if outcome.is_ok() && refused != there {
            return violation(format!("insert_many refuses {refused:?} in tree {tree}, where {there:?} are"));
        }
        for (i, (key, value)) in entries.into_iter().enumerate() {
            if !there.contains(&i) {
                session.effects.push(Effect::Put(tree, key, value));
            }
        }
        Ok(self.judge("statement", outcome)?.is_some())
    }

    fn append(&mut self, session: &mut Session, tree: TreeId) -> Result<()> {
        let count = 1 + self.rng.below(30);
        let values: Vec<Arc<[u8]>> = (0..count).map(|_| self.value()).collect();
        let first = self.store.next_row_id(tree, count)?;
        for (id, value) in (first..).zip(&values) {
            session.effects.push(Effect::Put(tree, id.to_be_bytes().to_vec(), Arc::clone(value)));
        }
        session.txn.append_rows(tree, first, &mut values.iter().map(|value| &value[..]))
    }

    /// Makes or drops a tree.
    fn tree_statement(&mut self, which: usize, session: &mut Session, choice: u64) -> Stepped<bool> {
        let existing = self.model.newest().len();
        if choice >= 97 || existing > 12 {
            let mut owned = self.trees(which, session, false);
            owned.extend(self.trees(which, session, true));
            owned.retain(|tree| self.model.info(*tree).owner.is_some());
            let Some(&tree) = self.pick(&owned) else { return Ok(true) };
            let dropped = session.txn.drop_tree(tree);
            session.effects.push(Effect::Drop(tree));
            return Ok(self.judge("drop a tree", dropped)?.is_some());
        }
        let Some(tree) = self.judge("make a tree", session.txn.create_tree())? else { return Ok(false) };
        let rows = self.rng.chance(0.3);
        // The first ones are everybody's.
        let owner = (existing >= 2 || rows).then_some(which);
        self.model.made(tree, TreeInfo { owner, rows });
        session.effects.push(Effect::Create(tree));
        if rows || owner.is_none() || self.rng.chance(0.5) {
            return Ok(true);
        }
        let records: Vec<(Vec<u8>, Arc<[u8]>)> = (0..self.rng.below(KEYS))
            .map(|n| (format!("{which}/{n:04}").into_bytes(), self.value()))
            // Large values cannot be bulk-loaded.
            .filter(|(_, value)| value.len() <= 3000)
            .collect();
        let built = session
            .txn
            .build_tree(tree, &mut |push| records.iter().try_for_each(|(key, value)| push(key, value)));
        session.effects.extend(records.into_iter().map(|(key, value)| Effect::Put(tree, key, value)));
        Ok(self.judge("build a tree", built)?.is_some())
    }
}
