//! EXPLAIN: a physical plan in PostgreSQL's text and JSON forms.
//!
//! A [`Block`] is made of each node that PostgreSQL would show: projections are part of what they project, filters part of
//! what they filter, a hash join's build side is a Hash node. The same blocks are printed as text and as JSON.
//!
//! Source: PostgreSQL 18 manual, 14.1 "Using EXPLAIN" and the EXPLAIN page; node and key names as its tools parse them.

mod block;
mod json;
mod slot;
mod text;

use super::physical::PhysicalPlan;
pub use block::Block;
use block::Builder;

/// Options of EXPLAIN.
#[derive(Clone, Copy, Debug)]
pub struct ExplainOptions {
    /// Run the statement and show what happened.
    pub analyze: bool,
    /// Show output columns, qualify names.
    pub verbose: bool,
    /// Show estimates.
    pub costs: bool,
    /// Show times of nodes, with `analyze`.
    pub timing: bool,
    /// Show planning and execution time.
    pub summary: bool,
    /// Show pages touched, with `analyze`.
    pub buffers: bool,
    /// JSON instead of text.
    pub json: bool,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        ExplainOptions {
            analyze: false,
            verbose: false,
            costs: true,
            timing: true,
            summary: false,
            buffers: false,
            json: false,
        }
    }
}

/// What a node did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeActual {
    /// Rows over all loops.
    pub rows: u64,
    /// Times it was run from the start.
    pub loops: u64,
    /// Microseconds until the first row, over all loops.
    pub startup_micros: i64,
    /// Microseconds in it and its inputs, over all loops.
    pub total_micros: i64,
    /// Rows that its own conditions removed, over all loops.
    pub filtered: u64,
    /// Searches of its index, over all loops.
    pub searches: u64,
    /// Pages that it and its inputs found in the buffer pool.
    pub hits: u64,
    /// Pages that it and its inputs had read.
    pub reads: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct ActualStats {
    /// By node in preorder: the main tree (left before right), then the subplans' trees, then the CTEs', in their order.
    pub nodes: Vec<NodeActual>,
    /// Pages that planning found in the buffer pool, and those it had read.
    pub planning_pages: (u64, u64),
    /// Microseconds of planning.
    pub planning_micros: i64,
    /// Microseconds of execution.
    pub execution_micros: i64,
}

/// Prints a plan: one string per line of the result.
pub fn explain(plan: &PhysicalPlan, options: &ExplainOptions, actuals: Option<&ActualStats>) -> Vec<String> {
    let block = Builder::new(plan, options, actuals).build();
    match options.json {
        true => json::print(&block, options, actuals),
        false => text::print(&block, options, actuals),
    }
}
