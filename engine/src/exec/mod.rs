//! The executor: pull-based operators that hand on batches of at most 1024 rows.
//!
//! ```text
//!  PhysicalPlan --build--> operators            Execution::next(cx)
//!     Limit                  Limit                 ^ batches
//!       Sort                   Sort                |
//!         HashJoin               HashJoin          |
//!           SeqScan                SeqScan --- Txn cursor: one leaf at a time
//! ```
//!
//! 1. An operator owns all its state and borrows nothing between calls: a portal may rest for hours and move between threads.
//! 2. What belongs to the session (transaction, host, parameters) comes in with each call as an [`ExecCx`].
//! 3. Expressions raise errors for selected rows only.
//! 4. What grows with the data is reserved in [`memory`]; an operator that may not grow spills, or fails with 53200.
//! 5. Every call of `next` on a leaf checks for interrupts.
//!
//! Sources: Graefe 1994 (Volcano), Boncz et al. 2005 (X100), Kersten et al. 2018.

pub mod aggregate;
pub mod append;
pub mod batch;
pub mod batch_codec;
pub mod build;
pub mod cte;
pub mod depends;
pub mod distinct;
pub mod eval;
pub mod filter;
pub mod function_scan;
pub mod group_table;
pub mod hash;
pub mod hash_join;
pub mod index_join;
pub mod index_scan;
mod index_search;
pub mod limit;
pub mod lock_rows;
pub mod materialize;
pub mod memory;
pub mod merge;
pub mod merge_join;
pub mod modify;
pub mod nested_loop;
pub mod partition;
pub mod point;
mod portions;
pub mod project;
pub mod project_set;
pub mod recursive_union;
pub mod row_store;
mod sample;
pub mod seq_scan;
pub mod set_op;
pub mod short;
pub mod sort;
pub mod sort_key;
pub mod spill;
pub mod stats;
pub mod strings;
pub mod subplan;
pub mod values;
pub mod vector;
mod virtual_scan;
pub mod window;

use std::sync::Arc;

use nq_qsql::catalog::Relation;
use nq_qsql::error::Result;
use nq_qsql::func::{EvalCx, Host};
use nq_qsql::plan::physical::PhysicalPlan;
use nq_qsql::types::{DataType, Datum, IoContext};
use nq_storage::Txn;

pub use batch::{BATCH_ROWS, Batch, Builder, Rows};
pub use memory::Memory;
pub use spill::SpillSpace;
pub use stats::NodeActual;
pub use virtual_scan::Keys;

use crate::foreign_key::Pending;
use vector::Vector;

/// One operator of a running plan.
pub trait Operator: Send {
    /// Returns the next rows; `None` at the end. A batch always has a counting row.
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>>;

    /// Starts over, under the exec params as they are now. Operators are built ready to start.
    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()>;
}

/// Rows of relations that are computed from the catalog.
pub trait VirtualTables {
    /// Returns the rows of `relation`, one value per column; those that contradict `keys` may be left out.
    fn rows(&self, relation: &Relation, keys: &Keys) -> Result<Vec<Vec<Datum>>>;
}

/// What a call into a running plan brings along.
pub struct ExecCx<'a> {
    /// The transaction that is read and written through.
    pub txn: &'a mut Txn,
    /// Values of `$1`, `$2`, ...; the same at every call of one execution.
    pub params: &'a [Datum],
    /// The session as functions see it.
    pub host: &'a mut (dyn Host + 'a),
    /// How values are read and printed.
    pub io: &'a IoContext<'a>,
    /// The statement's memory.
    pub memory: Arc<Memory>,
    /// Where operators put what does not fit.
    pub spill: Arc<SpillSpace>,
    /// Rows of `pg_catalog` and `information_schema`.
    pub virtual_tables: &'a (dyn VirtualTables + 'a),
    /// What foreign keys are yet to be asked about.
    pub pending: Pending,
    /// State shared by the operators of the execution; [`Execution::next`] fills it in.
    pub run: RunState,
}

/// State that the operators of one execution share.
#[derive(Default)]
pub struct RunState {
    /// Values set by enclosing operators; see [`ExecCx::set_exec_param`].
    pub exec_params: Vec<Datum>,
    /// Counts the changes of each exec param and, after those, of each recursive table: see [`depends`].
    pub(crate) versions: Vec<u64>,
    /// Rows of the last round of each recursive union, by CTE.
    pub(crate) work_tables: Vec<Option<Arc<row_store::RowStore>>>,
    /// Plans of subqueries in expressions; taken out while they run.
    pub subplans: Vec<Option<Box<subplan::Subplan>>>,
    /// Common table expressions; taken out while they are extended.
    pub ctes: Vec<Option<Box<cte::CteState>>>,
    /// Operands of the CASEs that are being evaluated, innermost last.
    pub(crate) case_tests: Vec<Arc<Vector>>,
    /// What the nodes did, when asked for.
    pub actuals: Vec<NodeActual>,
    /// Bytes of values computed row by row so far.
    pub(crate) made: usize,
    /// Rows that conditions have removed in the node that is running.
    pub(crate) filtered: u64,
    /// Searches of an index by the node that is running.
    pub(crate) searches: u64,
    /// Whether nodes are timed.
    pub timed: bool,
    /// Rows written so far.
    pub affected: u64,
}

impl<'a> ExecCx<'a> {
    /// Makes the context of a call; the execution brings its own [`RunState`].
    #[allow(clippy::too_many_arguments, reason = "one argument per thing the session owns")]
    pub fn new(
        txn: &'a mut Txn,
        params: &'a [Datum],
        host: &'a mut (dyn Host + 'a),
        io: &'a IoContext<'a>,
        memory: Arc<Memory>,
        spill: Arc<SpillSpace>,
        virtual_tables: &'a (dyn VirtualTables + 'a),
    ) -> Self {
        let (pending, run) = (Pending::default(), RunState::default());
        ExecCx { txn, params, host, io, memory, spill, virtual_tables, pending, run }
    }

    /// Fails when the statement is to stop.
    pub fn check_interrupt(&self) -> Result<()> {
        self.host.check_interrupt()
    }

    /// Sets a value for the operators below.
    pub fn set_exec_param(&mut self, slot: usize, value: Datum) {
        self.run.exec_params[slot] = value;
        self.run.versions[slot] += 1;
    }

    /// What a function body sees.
    pub fn eval_cx<'b>(&'b mut self, arg_types: &'b [DataType], result: DataType) -> EvalCx<'b> {
        EvalCx { io: self.io, host: &mut *self.host, arg_types, result }
    }
}

/// A plan at work.
pub struct Execution {
    plan: Arc<PhysicalPlan>,
    root: Box<dyn Operator>,
    state: RunState,
    finished: bool,
}

impl Execution {
    /// Makes the operators of `plan`; nothing runs yet. `actuals`: count rows, loops and time of every node (EXPLAIN ANALYZE).
    pub fn new(plan: &Arc<PhysicalPlan>, cx: &mut ExecCx<'_>, actuals: bool) -> Result<Execution> {
        let (root, mut state) = build::build(plan, cx, actuals)?;
        state.timed = actuals;
        Ok(Execution { plan: Arc::clone(plan), root, state, finished: false })
    }

    /// Returns the next rows, or `None` at the end. The first `plan.columns.len()` slots are the client's.
    pub fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if self.finished {
            return Ok(None);
        }
        std::mem::swap(&mut cx.run, &mut self.state);
        let answer = self.root.next(cx);
        let answer = match answer {
            Ok(None) => cte::finish_modifying(&self.plan, cx).map(|()| None),
            other => other,
        };
        std::mem::swap(&mut cx.run, &mut self.state);
        self.finished = !matches!(answer, Ok(Some(_)));
        answer
    }

    /// Leaves the clock alone: nodes are counted, but not timed.
    pub fn without_timing(&mut self) {
        self.state.timed = false;
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<PhysicalPlan> {
        &self.plan
    }

    /// Rows written so far.
    pub fn affected(&self) -> u64 {
        self.state.affected
    }

    /// What each node did so far, in the order of [`stats`].
    pub fn actuals(&self) -> &[NodeActual] {
        &self.state.actuals
    }
}
