//! Physical plans: the contract between the optimiser and the executor.
//!
//! A plan is a tree of [`Node`]s. Every node says what types its output slots have; expressions in a node refer to its input's
//! slots (joins: left slots, then right slots; leaves: their own output slots). Everything a run needs is in the plan, so that
//! it can be cached and shared between sessions; only `$n` values, the snapshot and exec params belong to a run.

pub use super::sample::{SampleMethod, Sampling};
use std::sync::Arc;

use super::expr::{AggregateCall, Expr, WindowCall};
use crate::catalog::{ForeignKey, Index, Relation, Timing};
use crate::func::access::Search;
use crate::types::{DataType, Oid};

/// The plan of one statement that reads or writes tables.
#[derive(Clone, Debug)]
pub struct PhysicalPlan {
    /// The top operator.
    pub root: Node,
    /// What the client sees; empty for DML without RETURNING. `root` yields exactly these slots first; further slots are junk.
    pub columns: Vec<OutputColumn>,
    /// Plans of subqueries that stayed in expressions.
    pub subplans: Vec<Node>,
    /// Common table expressions that are computed once, by index of [`Op::CteScan`].
    pub ctes: Vec<Cte>,
    /// Number of exec param slots.
    pub exec_params: u32,
    /// Types of `$1`, `$2`, ... as declared or inferred.
    pub params: Vec<DataType>,
    /// SELECT, INSERT, ...: decides the command tag.
    pub command: Command,
    /// Whether it writes, locks rows, or calls volatile functions that do.
    pub read_only: bool,
    /// Whether it asks for the id of its transaction, which is to be assigned before it runs.
    pub numbered: bool,
    /// Relations (and whether they are written) to lock before running and to check privileges on.
    pub relations: Vec<RelationUse>,
    /// Of a cursor's query: the tables whose row ids are in the slots behind the columns.
    pub positions: Vec<Oid>,
    /// The cursors that WHERE CURRENT OF names, each with the table.
    pub cursors: Vec<(Box<str>, Arc<Relation>)>,
    /// Users' functions to check privileges on before running, those whose bodies stand in the place of calls, too.
    pub routines: Vec<std::sync::Arc<crate::catalog::Routine>>,
}

/// Which command tag the statement answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum Command {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
}

/// A relation as the statement uses it.
#[derive(Clone, Debug)]
pub struct RelationUse {
    /// The relation.
    pub relation: Arc<Relation>,
    /// Strength of the table lock: see [`TableLock`].
    pub lock: TableLock,
    /// What is done to it, for privilege checks.
    pub access: Access,
    /// Role whose privileges are checked; `None` = the current user (a view's owner otherwise).
    pub check_as: Option<Oid>,
}

/// Columns of a relation: bit 0 stands for the system columns, bit `i + 1` for the column with index `i`, the last one for all from there on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnSet(u64);

impl ColumnSet {
    /// Adds a column by its attribute number: from 1, system columns have none above 0.
    pub fn add(&mut self, attribute: i16) {
        self.0 |= 1 << attribute.clamp(0, 63);
    }

    /// Adds columns by their indexes.
    #[must_use]
    pub fn with(mut self, indexes: &[usize]) -> ColumnSet {
        for &i in indexes {
            self.add(i16::try_from(i + 1).unwrap_or(i16::MAX));
        }
        self
    }

    /// The columns of both.
    #[must_use]
    pub fn union(self, other: ColumnSet) -> ColumnSet {
        ColumnSet(self.0 | other.0)
    }

    /// Whether no column is named.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a system column is in the set.
    pub fn has_system(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether the column with this index is in the set.
    pub fn has(self, index: usize) -> bool {
        self.0 & (1 << (index + 1).min(63)) != 0
    }
}

/// What a statement does to a relation: each of the four ways with the columns it names, `None` for what it does not do.
///
/// An empty set asks for the privilege on any column, as `SELECT count(*)` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Columns read.
    pub select: Option<ColumnSet>,
    /// Columns given values in new rows.
    pub insert: Option<ColumnSet>,
    /// Columns changed; none are named by FOR UPDATE and its like.
    pub update: Option<ColumnSet>,
    /// Rows are deleted.
    pub delete: bool,
}

impl Access {
    /// Reads, without naming columns.
    pub const SELECT: Access =
        Access { select: Some(ColumnSet(0)), insert: None, update: None, delete: false };
}

/// Lock modes that planned statements take (PostgreSQL manual 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "PostgreSQL's own words")]
pub enum TableLock {
    AccessShare,
    RowShare,
    RowExclusive,
}

/// A result column as RowDescription shows it.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// The name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: DataType,
    /// OID of the table the column comes from directly, else 0.
    pub table: Oid,
    /// 1-based attribute number in that table, else 0.
    pub attribute: i16,
}

/// A common table expression.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Its name, for EXPLAIN.
    pub name: Arc<str>,
    /// Its plan; for a recursive one an [`Op::RecursiveUnion`].
    pub plan: Node,
    /// Data-modifying: runs to its end exactly once even if not read.
    pub modifies: bool,
}

/// An operator with its estimates.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Types of its output slots.
    pub types: Vec<DataType>,
    /// What the optimiser expects.
    pub cost: Cost,
}

impl Node {
    /// The inputs, in the order in which nodes are numbered.
    pub fn inputs(&self) -> Vec<&Node> {
        match &self.op {
            Op::Empty
            | Op::Result(_)
            | Op::Values(_)
            | Op::SeqScan(_)
            | Op::IndexScan { .. }
            | Op::IndexSearch { .. }
            | Op::FunctionScan { .. }
            | Op::CteScan { .. }
            | Op::WorkTableScan { .. } => Vec::new(),
            Op::RecursiveUnion { base, step, .. } => vec![base, step],
            Op::Filter { input, .. }
            | Op::Project { input, .. }
            | Op::ProjectSet { input, .. }
            | Op::Aggregate { input, .. }
            | Op::Window { input, .. }
            | Op::Sort { input, .. }
            | Op::Distinct { input, .. }
            | Op::Limit { input, .. }
            | Op::Materialize(input)
            | Op::LockRows { input, .. }
            | Op::Modify { input, .. } => vec![input],
            Op::HashJoin { left, right, .. }
            | Op::MergeJoin { left, right, .. }
            | Op::NestedLoop { left, right, .. }
            | Op::SetOp { left, right, .. } => vec![left, right],
            Op::Append(inputs) => inputs.iter().collect(),
        }
    }
}

/// Estimates in PostgreSQL's cost units.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Before the first row.
    pub startup: f64,
    /// To the last row.
    pub total: f64,
    /// Rows.
    pub rows: f64,
    /// Bytes per row.
    pub width: f64,
}

/// What a scan puts into an output slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanColumn {
    /// The column with this 0-based index.
    Attribute(usize),
    /// The row's id, as `int8`: how writers and lockers find the row again.
    RowId,
    /// `ctid`, made from the row id.
    Ctid,
    /// `tableoid`
    TableOid,
    /// `xmin`
    Xmin,
}

/// A scanned relation with what is read of it.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The relation.
    pub relation: Arc<Relation>,
    /// Alias in the statement, for EXPLAIN.
    pub alias: Arc<str>,
    /// One entry per output slot.
    pub columns: Vec<ScanColumn>,
    /// TABLESAMPLE.
    pub sample: Option<Box<Sampling>>,
    /// Conjuncts over the output slots; cheapest and most selective first.
    pub filter: Vec<Expr>,
}

/// A range of an index's keys.
#[derive(Clone, Debug, Default)]
pub struct IndexRange {
    /// Values for the leading key columns (of the keys' types; NULL matches nothing). Expressions over params and exec params only.
    pub equal: Vec<Expr>,
    /// Lower bound of the next key column and whether it is inclusive.
    pub lower: Option<(Expr, bool)>,
    /// Upper bound of the next key column and whether it is inclusive.
    pub upper: Option<(Expr, bool)>,
    /// `key = ANY(array)` for the key column after `equal` instead of bounds: one probe per distinct element, in key order.
    pub any: Option<Expr>,
    /// `IS NULL` on the key column after `equal`.
    pub is_null: bool,
}

/// A condition that an index answers by its operator class.
#[derive(Clone, Debug)]
pub struct SearchClause {
    /// The key column.
    pub column: usize,
    /// What is asked.
    pub search: Search,
    /// What the column is compared with, over params and exec params; NULL finds nothing.
    pub value: Expr,
}

/// Kinds of joins. In the output the left side's slots come first; semi, anti and mark joins yield only the left side's
/// (a mark join one more Boolean slot: whether there is a match, NULL when unknown).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the field's own words")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Semi,
    Anti,
    /// `NOT IN`: no row at all if the right side has a NULL key, no left row with a NULL key unless the right side is empty.
    NullAwareAnti,
    Mark,
}

/// A sort key: a slot of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SortSlot {
    /// The slot.
    pub slot: u32,
    /// Its type.
    pub ty: DataType,
    /// Collation, 0 for none.
    pub collation: Oid,
    /// Descending.
    pub descending: bool,
    /// NULLs before all values.
    pub nulls_first: bool,
}

/// Set operations of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum SetOp {
    Intersect,
    IntersectAll,
    Except,
    ExceptAll,
}

/// Strength of a row lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum RowLock {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

/// What to do when a row is locked by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum LockWait {
    Wait,
    NoWait,
    SkipLocked,
}

/// One locked relation of a `FOR UPDATE`.
#[derive(Clone, Debug)]
pub struct LockTarget {
    /// The relation.
    pub relation: Arc<Relation>,
    /// Slot of its row id in the input (NULL where an outer join made no row).
    pub row_id: u32,
    /// Slots of its columns in the input, to be replaced when a newer version is locked: (slot, column index).
    pub columns: Vec<(u32, usize)>,
    /// Strength.
    pub strength: RowLock,
    /// Waiting.
    pub wait: LockWait,
}

/// How an aggregation groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateStrategy {
    /// No GROUP BY: exactly one group.
    Plain,
    /// Hash table.
    Hash,
    /// Input sorted by the grouping expressions.
    Sorted,
}

/// A table that is written, with all that its rows must satisfy.
#[derive(Clone, Debug)]
pub struct WriteTarget {
    /// The table.
    pub relation: Arc<Relation>,
    /// CHECK constraints bound over the table's columns (slot = column index): name and condition.
    pub checks: Vec<(Box<str>, Expr)>,
    /// Bound expressions and predicates of its indexes, parallel to `relation.indexes`.
    pub indexes: Vec<BoundIndex>,
    /// Stored generated columns: (column index, expression over the table's columns).
    pub generated: Vec<(usize, Expr)>,
    /// Virtual columns that may not be NULL: (column index, what they are computed from).
    pub required: Vec<(usize, Expr)>,
    /// Columns that the statement gives values to: errors may show these, whatever the user may read.
    pub named: ColumnSet,
    /// The foreign keys whose columns the statement may give values to.
    pub foreign: Vec<BoundForeignKey>,
    /// What row-level security demands, over the table's columns.
    pub policies: Vec<PolicyCheck>,
}

/// A condition of row-level security on rows that are written: what is not TRUE is refused.
#[derive(Clone, Debug)]
pub struct PolicyCheck {
    /// When it is asked.
    pub moment: PolicyMoment,
    /// The restrictive policy, `None` for all permissive ones together; or the view.
    pub policy: Option<Box<str>>,
    /// The condition.
    pub condition: Expr,
}

/// When a [`PolicyCheck`] is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyMoment {
    /// Of a row to be inserted.
    Insert,
    /// Of a row as it is after an update.
    Update,
    /// Of a row that ON CONFLICT is about to update.
    Conflict,
    /// Of a row that MERGE is about to update.
    MergeUpdate,
    /// Of a row that MERGE is about to delete.
    MergeDelete,
    /// Of a row that is written through a view: WITH CHECK OPTION.
    View,
}

/// A foreign key with the table that it refers to.
#[derive(Clone, Debug)]
pub struct BoundForeignKey {
    /// Its OID.
    pub oid: Oid,
    /// Its name.
    pub name: Box<str>,
    /// When it is checked.
    pub timing: Timing,
    /// What it demands.
    pub key: ForeignKey,
    /// The referenced table.
    pub parent: Arc<Relation>,
    /// Its index over the referenced columns.
    pub index: Arc<Index>,
    /// How values of the referencing columns become values of the referenced ones, and back: one for each column.
    pub casts: Vec<KeyCast>,
}

/// How a value of one column is looked for among those of another.
#[derive(Clone, Debug)]
pub enum KeyCast {
    /// As it is.
    Same,
    /// As an integer of another width.
    Integer,
    /// By conversion: expressions over the value as slot 0. Where the types compare without a cast, only what converts `back` to
    /// the same value can be equal to anything.
    Convert {
        /// To the referenced type.
        forth: Box<Expr>,
        /// Back to the referencing type.
        back: Option<Box<Expr>>,
    },
}

/// An index with its expressions bound over the table's columns (slot = column index).
#[derive(Clone, Debug)]
pub struct BoundIndex {
    /// The index.
    pub index: Arc<Index>,
    /// One expression per key column.
    pub keys: Vec<Expr>,
    /// Predicate of a partial index.
    pub predicate: Option<Expr>,
}

/// `ON CONFLICT`.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Indexes (by position in `relation.indexes`) that arbitrate; empty: any unique one (DO NOTHING only).
    pub arbiters: Vec<usize>,
    /// DO UPDATE SET column := expression; `None` for DO NOTHING. Slots: the existing row's columns by index, then the proposed (EXCLUDED) row's.
    pub update: Option<Vec<(usize, Expr)>>,
    /// WHERE of DO UPDATE, over the same slots.
    pub filter: Option<Expr>,
}

impl OnConflict {
    /// Its expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.update.iter().flatten().map(|s| &s.1).chain(&self.filter)
    }

    /// Its expressions, to be changed.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.update.iter_mut().flatten().map(|s| &mut s.1).chain(&mut self.filter)
    }
}

/// What a Modify node writes.
#[derive(Clone, Debug)]
pub enum Write {
    /// Rows of the input, which has one slot per table column (by index, dropped columns included as NULL).
    Insert {
        /// ON CONFLICT.
        on_conflict: Option<Box<OnConflict>>,
    },
    /// New values for rows found by their id.
    Update {
        /// Slot of the row id in the input.
        row_id: u32,
        /// Slots of the target's columns in the input, replaced when a newer version has to be re-checked: (slot, column index).
        columns: Vec<(u32, usize)>,
        /// Conjuncts over the input that a newer version must still satisfy (READ COMMITTED).
        recheck: Vec<Expr>,
        /// Assignments: (column index, expression over the input, already coerced to the column's type).
        set: Vec<(usize, Expr)>,
    },
    /// Deletes rows found by their id.
    Delete {
        /// Slot of the row id in the input.
        row_id: u32,
        /// As for updates.
        columns: Vec<(u32, usize)>,
        /// As for updates.
        recheck: Vec<Expr>,
    },
    /// MERGE: what happens to a row of the input is said by the first clause that fits it.
    Merge {
        /// Slot of the target's row id: NULL where the input row has no target row.
        row_id: u32,
        /// Slot of a value that is NULL where the input row has no source row; `None`: each has one.
        source: Option<u32>,
        /// As for updates.
        columns: Vec<(u32, usize)>,
        /// The join condition, as for updates.
        recheck: Vec<Expr>,
        /// The clauses.
        clauses: Vec<MergeClause>,
    },
}

/// Which rows a clause of MERGE is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMatch {
    /// With a target and a source row.
    Matched,
    /// With a target row only.
    NotMatchedBySource,
    /// With a source row only.
    NotMatchedByTarget,
}

/// `WHEN .. [AND condition] THEN action`
#[derive(Clone, Debug)]
pub struct MergeClause {
    /// Which rows it is for.
    pub matched: MergeMatch,
    /// What else must hold.
    pub condition: Option<Expr>,
    /// What it does.
    pub action: MergeAction,
}

/// What a clause of MERGE does.
#[derive(Clone, Debug)]
pub enum MergeAction {
    /// DO NOTHING
    Nothing,
    /// DELETE
    Delete,
    /// Assignments, as for updates.
    Update(Vec<(usize, Expr)>),
    /// A value for each table column, by index.
    Insert(Vec<Expr>),
}

impl MergeClause {
    /// Its expressions.
    pub fn exprs(&self) -> Vec<&Expr> {
        let values: Vec<&Expr> = match &self.action {
            MergeAction::Nothing | MergeAction::Delete => Vec::new(),
            MergeAction::Update(set) => set.iter().map(|s| &s.1).collect(),
            MergeAction::Insert(row) => row.iter().collect(),
        };
        self.condition.iter().chain(values).collect()
    }

    /// Its expressions, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        let values: Vec<&mut Expr> = match &mut self.action {
            MergeAction::Nothing | MergeAction::Delete => Vec::new(),
            MergeAction::Update(set) => set.iter_mut().map(|s| &mut s.1).collect(),
            MergeAction::Insert(row) => row.iter_mut().collect(),
        };
        self.condition.iter_mut().chain(values).collect()
    }
}

/// What an operator does.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a plan has few nodes, and each is boxed by its parent")]
pub enum Op {
    /// No rows.
    Empty,
    /// One row of expressions without input.
    Result(Vec<Expr>),
    /// Constant rows.
    Values(Vec<Vec<Expr>>),
    /// Reads a whole table, or a relation computed from the catalog.
    SeqScan(Scan),
    /// Reads a table through an index.
    IndexScan {
        /// What is read.
        scan: Scan,
        /// The index.
        index: Arc<Index>,
        /// Which keys.
        range: IndexRange,
        /// Against the index's order.
        backward: bool,
        /// All slots come from the index's keys or are the row id: the table is not touched.
        index_only: bool,
        /// Conditions answered by `range`, for EXPLAIN; `Column(i)` is the table's column with index i.
        shown: Vec<Expr>,
    },
    /// Reads the rows of a table that an index finds for conditions on its columns, in the table's order, and looks at them again.
    IndexSearch {
        /// What is read; its filter has the other conditions.
        scan: Scan,
        /// The index.
        index: Arc<Index>,
        /// What is asked of it.
        clauses: Vec<SearchClause>,
        /// The conditions that `clauses` answer, over the output slots.
        recheck: Vec<Expr>,
        /// The same for EXPLAIN; `Column(i)` is the table's column with index i.
        shown: Vec<Expr>,
    },
    /// Calls set-returning functions side by side (ROWS FROM), shorter ones padded with NULLs.
    FunctionScan {
        /// The calls, over params and exec params.
        calls: Vec<Expr>,
        /// WITH ORDINALITY: one more int8 slot.
        ordinality: bool,
        /// Alias, for EXPLAIN.
        alias: Arc<str>,
        /// Conjuncts over the output.
        filter: Vec<Expr>,
    },
    /// Reads a CTE.
    CteScan {
        /// Index into `PhysicalPlan::ctes`.
        cte: u32,
        /// Alias, for EXPLAIN.
        alias: Arc<str>,
        /// Conjuncts over the output.
        filter: Vec<Expr>,
    },
    /// Reads the rows of the last round of the enclosing recursive union.
    WorkTableScan {
        /// Index into `PhysicalPlan::ctes`.
        cte: u32,
    },
    /// WITH RECURSIVE.
    RecursiveUnion {
        /// Index into `PhysicalPlan::ctes` of the table it fills.
        cte: u32,
        /// Non-recursive term.
        base: Box<Node>,
        /// Recursive term.
        step: Box<Node>,
        /// UNION (duplicates removed) instead of UNION ALL.
        distinct: bool,
    },
    /// Keeps rows that satisfy all conjuncts.
    Filter {
        /// Input.
        input: Box<Node>,
        /// Conjuncts.
        conditions: Vec<Expr>,
    },
    /// Computes expressions.
    Project {
        /// Input.
        input: Box<Node>,
        /// One per output slot.
        exprs: Vec<Expr>,
    },
    /// Computes expressions of which some are set-returning calls; rows repeat until the longest set ends.
    ProjectSet {
        /// Input.
        input: Box<Node>,
        /// One per output slot; set-returning calls only at the top.
        exprs: Vec<Expr>,
    },
    /// Equi-join by a hash table on the right side.
    HashJoin {
        /// Kind.
        kind: JoinKind,
        /// Probe side.
        left: Box<Node>,
        /// Build side.
        right: Box<Node>,
        /// Key pairs: over left slots, over right slots (right side counted from 0).
        keys: Vec<(Expr, Expr)>,
        /// Further conditions over left ++ right.
        residual: Vec<Expr>,
    },
    /// Equi-join of sides sorted by the keys, ascending, NULLs last.
    MergeJoin {
        /// Kind.
        kind: JoinKind,
        /// Left side.
        left: Box<Node>,
        /// Right side.
        right: Box<Node>,
        /// Key pairs as for hash joins.
        keys: Vec<(Expr, Expr)>,
        /// Further conditions over left ++ right.
        residual: Vec<Expr>,
    },
    /// Runs the right side for each left row. Right and full joins do not come in this form with params.
    NestedLoop {
        /// Kind.
        kind: JoinKind,
        /// Left side.
        left: Box<Node>,
        /// Right side, possibly an index scan over exec params.
        right: Box<Node>,
        /// Exec params set from the left row: (slot, expression over left slots). Empty: the right side is materialised once.
        params: Vec<(u32, Expr)>,
        /// Conditions over left ++ right.
        conditions: Vec<Expr>,
    },
    /// Groups and aggregates. Output: grouping expressions, then aggregates; with grouping sets perhaps one more `int4` slot, the
    /// mask of `GROUPING` over all grouping expressions (the last one is the lowest bit).
    Aggregate {
        /// How.
        strategy: AggregateStrategy,
        /// Input.
        input: Box<Node>,
        /// Grouping expressions.
        group: Vec<Expr>,
        /// Grouping sets: each a list of indexes into `group`; empty for plain GROUP BY. Ungrouped columns of a set are NULL.
        sets: Vec<Vec<u32>>,
        /// Aggregates over the input's slots.
        aggregates: Vec<AggregateCall>,
    },
    /// Window functions over input sorted by partition and order keys. Output: input slots, then results.
    Window {
        /// Input.
        input: Box<Node>,
        /// Calls that share one window's partition and order.
        calls: Vec<WindowCall>,
    },
    /// Sorts; with a limit keeps only the first rows.
    Sort {
        /// Input.
        input: Box<Node>,
        /// Keys.
        keys: Vec<SortSlot>,
        /// Number of leading keys by which the input is sorted already.
        presorted: u32,
        /// Top-N: LIMIT + OFFSET when both are known.
        top: Option<Box<Expr>>,
    },
    /// Removes duplicates over all the first `slots` slots, by hashing, or by comparing neighbours when `sorted`.
    Distinct {
        /// Input.
        input: Box<Node>,
        /// Slots that are compared; DISTINCT ON keeps the first row of each.
        slots: Vec<u32>,
        /// Input sorted by them.
        sorted: bool,
    },
    /// Skips and stops.
    Limit {
        /// Input.
        input: Box<Node>,
        /// OFFSET, int8.
        offset: Option<Expr>,
        /// LIMIT, int8; NULL = ALL.
        count: Option<Expr>,
        /// WITH TIES: slots that are compared.
        ties: Vec<u32>,
    },
    /// UNION ALL.
    Append(Vec<Node>),
    /// INTERSECT, EXCEPT by hashing.
    SetOp {
        /// Which.
        op: SetOp,
        /// Left side.
        left: Box<Node>,
        /// Right side.
        right: Box<Node>,
    },
    /// Computes its input once and replays it.
    Materialize(Box<Node>),
    /// SELECT ... FOR UPDATE and kin.
    LockRows {
        /// Input.
        input: Box<Node>,
        /// What is locked.
        targets: Vec<LockTarget>,
        /// Conjuncts over the input that a newer version must satisfy.
        recheck: Vec<Expr>,
    },
    /// Writes. Output: RETURNING expressions, if any.
    Modify {
        /// Input.
        input: Box<Node>,
        /// The table.
        target: Box<WriteTarget>,
        /// What is done.
        write: Write,
        /// RETURNING over: new row's columns by index, then the old row's columns by index, then the input's slots.
        returning: Option<Vec<Expr>>,
    },
}
