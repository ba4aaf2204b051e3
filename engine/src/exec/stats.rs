//! What nodes did, for EXPLAIN ANALYZE.
//!
//! Nodes are numbered in preorder: the root is 0, then each child with its subtree (left before right, input before anything);
//! after the main tree the trees of `plan.subplans` follow, then those of `plan.ctes`, in their order.

use nq_qsql::error::Result;
pub use nq_qsql::plan::explain::NodeActual;
use nq_qsql::plan::physical::Node;
use nq_storage::buffer::touched;

use super::{Batch, ExecCx, Operator};

/// Number of nodes in the tree.
pub fn count(node: &Node) -> usize {
    1 + node.inputs().into_iter().map(count).sum::<usize>()
}

/// An operator that is watched.
pub struct Watched {
    node: usize,
    inner: Box<dyn Operator>,
    started: bool,
}

impl Watched {
    /// Watches `inner` as node number `node`.
    pub fn new(node: usize, inner: Box<dyn Operator>) -> Watched {
        Watched { node, inner, started: false }
    }
}

impl Operator for Watched {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let start = if cx.run.timed { cx.host.clock_time() } else { 0 };
        let before = touched();
        let outside = std::mem::take(&mut cx.run.filtered);
        let answer = self.inner.next(cx);
        let filtered = std::mem::replace(&mut cx.run.filtered, outside);
        let after = touched();
        let spent = if cx.run.timed { cx.host.clock_time() - start } else { 0 };
        if let Some(actual) = cx.run.actuals.get_mut(self.node) {
            actual.total_micros += spent;
            actual.filtered += filtered;
            actual.hits += after.hits - before.hits;
            actual.reads += after.reads - before.reads;
            if !self.started {
                self.started = true;
                actual.loops += 1;
                actual.startup_micros += spent;
            }
            if let Ok(Some(batch)) = &answer {
                actual.rows += batch.count() as u64;
            }
        }
        answer
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.started = false;
        self.inner.rescan(cx)
    }
}
