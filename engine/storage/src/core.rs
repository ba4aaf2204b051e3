//! What every handle of a store shares.

use crate::btree::{Tree, Trees};
use crate::database::Options;
use crate::env::{Env, FileLock};
use crate::error::{Result, StoreError};
use crate::ids::{PageId, TreeId};
use crate::txn::lock::LockTable;
use crate::txn::{CleanQueue, Transactions, UndoSpace, Validation};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The inside of a [`crate::Store`].
pub struct Core {
    pub(crate) env: Arc<dyn Env>,
    pub(crate) options: Options,
    pub(crate) trees: Trees,
    pub(crate) directory_root: PageId,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) locks: Arc<LockTable>,
    pub(crate) undo_space: Arc<UndoSpace>,
    pub(crate) validation: Validation,
    pub(crate) clean: CleanQueue,
    pub(crate) checkpointing: Mutex<()>,
    /// Where the newest checkpoint's recovery would start.
    pub(crate) last_checkpoint: AtomicU64,
    /// Why the store has stopped.
    pub(crate) stopped: Mutex<Option<StoreError>>,
    pub(crate) is_stopped: std::sync::atomic::AtomicBool,
    pub(crate) ends: AtomicU64,
    pub(crate) _lock: FileLock,
}

/// Transactions that end between two looks at what they left.
const ENDS_PER_LOOK: u64 = 64;

impl Core {
    /// Fails when the store has stopped.
    pub(crate) fn usable(&self) -> Result<()> {
        if !self.is_stopped.load(Ordering::Relaxed) {
            self.trees.wal.check_poison()?;
            return self.trees.store.check_poison();
        }
        Err(self.stopped.lock().clone().unwrap_or(StoreError::Closed))
    }

    /// Stops the store: its memory and its log have come apart, and only recovery brings them together.
    pub(crate) fn poison(&self, what: &str) {
        tracing::error!("the store stops: {what}");
        self.stop(StoreError::Poisoned { what: what.to_owned() });
    }

    pub(crate) fn stop(&self, why: StoreError) {
        self.stopped.lock().get_or_insert(why);
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    pub(crate) fn deadlock_timeout(&self) -> Duration {
        self.options.deadlock_timeout
    }

    /// After the end of a writing transaction: now and then, forget those that every snapshot sees.
    pub(crate) fn after_end(&self) {
        if self.ends.fetch_add(1, Ordering::Relaxed) % ENDS_PER_LOOK == ENDS_PER_LOOK - 1 {
            self.trees.pool.set_horizon(self.transactions.advance_horizon());
            self.transactions.forget_ended(2 * ENDS_PER_LOOK as usize);
        }
    }
}

impl Core {
    /// Hands out `n` consecutive row ids of a tree; returns the first.
    pub(crate) fn next_row_id(&self, tree: TreeId, n: u64) -> Result<u64> {
        let tree = self.trees.tree(tree)?;
        if tree.next_row.load(Ordering::Relaxed) == 0 {
            let next = self.greatest_row_id(&tree)? + 1;
            let _ = tree.next_row.compare_exchange(0, next, Ordering::SeqCst, Ordering::SeqCst);
        }
        Ok(tree.next_row.fetch_add(n, Ordering::Relaxed))
    }

    fn greatest_row_id(&self, tree: &Tree) -> Result<u64> {
        let mut below: Option<Vec<u8>> = None;
        loop {
            let leaf = self.trees.leaf_read_below(tree, below.as_deref(), crate::buffer::Access::Normal)?;
            let node = leaf.node();
            if node.count() > 0 {
                let key = node.key(node.count() - 1);
                return Ok(key.try_into().map_or(0, u64::from_be_bytes));
            }
            if node.lower_fence().is_empty() {
                return Ok(0);
            }
            below = Some(node.lower_fence().to_vec());
        }
    }
}
