//! What nodes did, for EXPLAIN ANALYZE.
//!
//! Nodes are numbered in preorder: the root is 0, then each child with its subtree (left before right, input before anything);
//! after the main tree the trees of `plan.subplans` follow, then those of `plan.ctes`, in their order.
//!
//! The operators are the same whether they are watched or not. One that does the work of two nodes ([`IndexJoin`](super::index_join::IndexJoin))
//! measures the other node's share itself, as [`Stretch`]es.

use nq_qsql::error::Result;
pub use nq_qsql::plan::explain::NodeActual;
use nq_qsql::plan::physical::Node;
use nq_storage::buffer::{Touched, touched};

use super::{Batch, ExecCx, Operator};

/// Number of nodes in the tree.
pub fn count(node: &Node) -> usize {
    1 + node.inputs().into_iter().map(count).sum::<usize>()
}

/// A stretch of a node's work, being measured.
pub struct Stretch {
    start: i64,
    pages: Touched,
    /// What the run had counted for the node around it.
    outside: (u64, u64),
}

impl Stretch {
    /// Starts to measure.
    pub fn begin(cx: &mut ExecCx<'_>) -> Stretch {
        let start = if cx.run.timed { cx.host.clock_time() } else { 0 };
        let outside = (std::mem::take(&mut cx.run.filtered), std::mem::take(&mut cx.run.searches));
        Stretch { start, pages: touched(), outside }
    }

    /// Adds what happened since the beginning to node number `node`; answers its microseconds.
    pub fn end(self, node: usize, cx: &mut ExecCx<'_>) -> i64 {
        let filtered = std::mem::replace(&mut cx.run.filtered, self.outside.0);
        let searches = std::mem::replace(&mut cx.run.searches, self.outside.1);
        let pages = touched();
        let spent = if cx.run.timed { cx.host.clock_time() - self.start } else { 0 };
        if let Some(actual) = cx.run.actuals.get_mut(node) {
            actual.total_micros += spent;
            actual.filtered += filtered;
            actual.searches += searches;
            actual.hits += pages.hits - self.pages.hits;
            actual.reads += pages.reads - self.pages.reads;
        }
        spent
    }
}

/// Does work that belongs to node number `node`, if nodes are watched; answers its microseconds, too.
pub fn on_behalf<'c, T>(
    node: Option<usize>,
    cx: &mut ExecCx<'c>,
    work: impl FnOnce(&mut ExecCx<'c>) -> Result<T>,
) -> Result<(T, i64)> {
    let Some(node) = node else { return Ok((work(cx)?, 0)) };
    let stretch = Stretch::begin(cx);
    let answer = work(cx);
    let spent = stretch.end(node, cx);
    Ok((answer?, spent))
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
        let stretch = Stretch::begin(cx);
        let answer = self.inner.next(cx);
        let spent = stretch.end(self.node, cx);
        if let Some(actual) = cx.run.actuals.get_mut(self.node) {
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
