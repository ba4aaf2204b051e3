//! The logical algebra: what the binder makes of a statement and the optimiser rewrites.
//!
//! ```text
//!   Sort(total)                       every column has one id in the whole statement;
//!    `- Project(c5 := a, c6 := sum)   an operator passes its inputs' ids on or makes new ones
//!        `- Aggregate(c3; c4 := sum(c2))
//!            `- Filter(c1 > 3)
//!                `- Scan t (c1, c2, c3)
//! ```
//!
//! 1. A [`ColumnId`] is produced by exactly one operator of the statement (a `Project` may pass a column on under its own
//!    id). So an expression means the same wherever it is
//!    moved, and a column that is used in a subquery but not produced in it is a correlation: there is no other mark for it.
//! 2. A column from the nullable side of an outer join keeps its id above the join, where it may be NULL.
//! 3. Rows of an operator are multisets; only [`Logical::Sort`] gives an order, which `Limit`, `Project`, `LockRows` and
//!    `Distinct` above it keep.

use std::sync::Arc;

use super::expr::{AggregateCall, ColumnId, Expr, ExprKind, SortKey, SubPlanMode, WindowCall};
use super::physical::{
    JoinKind, LockWait, MergeClause, OnConflict, RowLock, Sampling, ScanColumn, SetOp, WriteTarget,
};
use crate::catalog::Relation;
use crate::types::DataType;

/// A logical operator.
#[derive(Clone, Debug)]
pub enum Logical {
    /// Rows of expressions; one row without columns stands for a missing FROM.
    Values {
        /// The columns.
        columns: Vec<ColumnId>,
        /// One expression per column in each row.
        rows: Vec<Vec<Expr>>,
    },
    /// A stored or computed relation.
    Scan(LogicalScan),
    /// Set-returning functions side by side.
    Function {
        /// The calls; they may refer to columns to their left.
        calls: Vec<Expr>,
        /// All columns; the ordinality last.
        columns: Vec<ColumnId>,
        /// WITH ORDINALITY.
        ordinality: bool,
        /// Alias, for EXPLAIN.
        alias: Arc<str>,
    },
    /// A reference to a common table expression.
    CteScan {
        /// Index into [`super::super::bind::Bound::ctes`].
        cte: u32,
        /// This reference's columns, parallel to the CTE's.
        columns: Vec<ColumnId>,
        /// Alias, for EXPLAIN.
        alias: Arc<str>,
        /// Whether it is the recursive reference, which reads the work table.
        work_table: bool,
    },
    /// WITH RECURSIVE: the plan of a CTE.
    RecursiveUnion {
        /// The CTE.
        cte: u32,
        /// The non-recursive term and its columns.
        base: Box<(Logical, Vec<ColumnId>)>,
        /// The recursive term and its columns.
        step: Box<(Logical, Vec<ColumnId>)>,
        /// The columns of the result.
        columns: Vec<ColumnId>,
        /// UNION instead of UNION ALL.
        distinct: bool,
    },
    /// Keeps rows that satisfy all conditions.
    Filter {
        /// Input.
        input: Box<Logical>,
        /// Conjuncts.
        conditions: Vec<Expr>,
    },
    /// No condition from above that could tell of a row sinks below: what is below decides which rows the user may see.
    SecurityBarrier {
        /// Input.
        input: Box<Logical>,
    },
    /// Computes expressions. Only these columns are visible above.
    Project {
        /// Input.
        input: Box<Logical>,
        /// The columns and what they are.
        exprs: Vec<(ColumnId, Expr)>,
    },
    /// As `Project`, with set-returning calls at the top of some expressions.
    ProjectSet {
        /// Input.
        input: Box<Logical>,
        /// The columns and what they are.
        exprs: Vec<(ColumnId, Expr)>,
    },
    /// A join. The right side may refer to columns of the left one (LATERAL).
    Join {
        /// Kind; `Right` does not occur: sides are swapped.
        kind: JoinKind,
        /// Left side.
        left: Box<Logical>,
        /// Right side.
        right: Box<Logical>,
        /// Conjuncts.
        on: Vec<Expr>,
        /// The Boolean column of a mark join.
        mark: Option<ColumnId>,
    },
    /// Grouping and aggregation.
    Aggregate {
        /// Input.
        input: Box<Logical>,
        /// Grouping columns and what they are.
        group: Vec<(ColumnId, Expr)>,
        /// Grouping sets as indexes into `group`; empty for plain grouping.
        sets: Vec<Vec<u32>>,
        /// The column with the mask of `GROUPING` over all grouping expressions (the last one is the lowest bit), if somebody asks.
        grouping_mask: Option<ColumnId>,
        /// Aggregates.
        aggregates: Vec<(ColumnId, AggregateCall)>,
    },
    /// Window functions that share partition and order.
    Window {
        /// Input.
        input: Box<Logical>,
        /// The columns and what they are.
        calls: Vec<(ColumnId, WindowCall)>,
    },
    /// Order.
    Sort {
        /// Input.
        input: Box<Logical>,
        /// Keys; plain columns.
        keys: Vec<SortKey>,
    },
    /// Duplicate removal over some columns; the first row of each stays.
    Distinct {
        /// Input.
        input: Box<Logical>,
        /// The columns that are compared.
        on: Vec<ColumnId>,
        /// DISTINCT ON: input order decides which row stays.
        ordered: bool,
    },
    /// OFFSET and LIMIT.
    Limit {
        /// Input.
        input: Box<Logical>,
        /// OFFSET.
        offset: Option<Expr>,
        /// LIMIT.
        count: Option<Expr>,
        /// WITH TIES: the columns of the sort keys.
        ties: Vec<ColumnId>,
    },
    /// UNION ALL.
    Union {
        /// The inputs with their columns.
        inputs: Vec<(Logical, Vec<ColumnId>)>,
        /// The columns of the result.
        columns: Vec<ColumnId>,
    },
    /// INTERSECT, EXCEPT.
    SetOp {
        /// Which.
        op: SetOp,
        /// Left side and its columns.
        left: Box<(Logical, Vec<ColumnId>)>,
        /// Right side and its columns.
        right: Box<(Logical, Vec<ColumnId>)>,
        /// The columns of the result.
        columns: Vec<ColumnId>,
    },
    /// Row locks.
    LockRows {
        /// Input.
        input: Box<Logical>,
        /// What is locked.
        targets: Vec<LockedRelation>,
        /// Conjuncts that a newer version of a row must still satisfy.
        recheck: Vec<Expr>,
    },
    /// INSERT, UPDATE, DELETE.
    Modify(Box<Modify>),
}

/// A relation in FROM.
#[derive(Clone, Debug)]
pub struct LogicalScan {
    /// The relation.
    pub relation: Arc<Relation>,
    /// Its alias or name.
    pub alias: Arc<str>,
    /// The columns that somebody may use.
    pub columns: Vec<(ColumnId, ScanColumn)>,
    /// TABLESAMPLE.
    pub sample: Option<Box<Sampling>>,
}

/// One relation of FOR UPDATE and kin.
#[derive(Clone, Debug)]
pub struct LockedRelation {
    /// The relation.
    pub relation: Arc<Relation>,
    /// Its row id.
    pub row_id: ColumnId,
    /// Its other scanned columns: (id, index).
    pub columns: Vec<(ColumnId, usize)>,
    /// Strength.
    pub strength: RowLock,
    /// Waiting.
    pub wait: LockWait,
}

/// A write with its RETURNING.
#[derive(Clone, Debug)]
pub struct Modify {
    /// Rows to write.
    pub input: Logical,
    /// The table.
    pub target: WriteTarget,
    /// What is done.
    pub write: LogicalWrite,
    /// RETURNING: output columns over the ids below and the input's.
    pub returning: Option<Vec<(ColumnId, Expr)>>,
    /// Ids that stand for the new row's columns, by index.
    pub new_columns: Vec<ColumnId>,
    /// Ids that stand for the old row's columns, by index.
    pub old_columns: Vec<ColumnId>,
}

/// Kinds of [`Modify`].
#[derive(Clone, Debug)]
pub enum LogicalWrite {
    /// INSERT.
    Insert {
        /// One input column per table column, by index.
        columns: Vec<ColumnId>,
        /// ON CONFLICT, over `images`.
        on_conflict: Option<Box<OnConflict>>,
        /// The columns of the existing and of the proposed row, for DO UPDATE.
        images: Vec<ColumnId>,
    },
    /// UPDATE.
    Update {
        /// The row id.
        row_id: ColumnId,
        /// The scanned columns of the target: (id, index).
        columns: Vec<(ColumnId, usize)>,
        /// Conjuncts that a newer version of a row must still satisfy.
        recheck: Vec<Expr>,
        /// Assignments over the input's columns.
        set: Vec<(usize, Expr)>,
    },
    /// DELETE.
    Delete {
        /// The row id.
        row_id: ColumnId,
        /// The scanned columns of the target: (id, index).
        columns: Vec<(ColumnId, usize)>,
        /// Conjuncts that a newer version of a row must still satisfy.
        recheck: Vec<Expr>,
    },
    /// MERGE.
    Merge {
        /// The row id: NULL where there is no target row.
        row_id: ColumnId,
        /// NULL where there is no source row; `None`: there always is one.
        source: Option<ColumnId>,
        /// The scanned columns of the target: (id, index).
        columns: Vec<(ColumnId, usize)>,
        /// Conjuncts of the join condition.
        recheck: Vec<Expr>,
        /// The clauses, over the input's columns.
        clauses: Vec<MergeClause>,
        /// For RETURNING: the word of what was done, and the row as it is (or, when deleted, was).
        action: ColumnId,
        /// See `action`.
        plain: Vec<ColumnId>,
    },
}

/// A subquery of an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// Its plan.
    pub plan: Logical,
    /// Its columns.
    pub columns: Vec<ColumnId>,
}

/// A common table expression.
#[derive(Clone, Debug)]
pub struct LogicalCte {
    /// Its name.
    pub name: Arc<str>,
    /// Its plan; `None` after it was inlined.
    pub plan: Option<Logical>,
    /// Its columns.
    pub columns: Vec<ColumnId>,
    /// Their types.
    pub types: Vec<DataType>,
    /// `[NOT] MATERIALIZED`.
    pub materialized: Option<bool>,
    /// Whether it refers to itself.
    pub recursive: bool,
    /// References to it.
    pub references: u32,
}

impl Logical {
    /// One row without columns.
    pub fn one_row() -> Self {
        Logical::Values { columns: Vec::new(), rows: vec![Vec::new()] }
    }

    /// No rows, with columns.
    pub fn no_rows(columns: Vec<ColumnId>) -> Self {
        Logical::Values { columns, rows: Vec::new() }
    }

    /// Whether this is a single row without columns.
    pub fn is_one_row(&self) -> bool {
        matches!(self, Logical::Values { columns, rows } if columns.is_empty() && rows.len() == 1)
    }

    /// Puts a filter on top, merging it with one that is there.
    pub fn filter(self, mut conditions: Vec<Expr>) -> Self {
        if conditions.is_empty() {
            return self;
        }
        match self {
            Logical::Filter { input, conditions: mut inner } => {
                inner.append(&mut conditions);
                Logical::Filter { input, conditions: inner }
            }
            other => Logical::Filter { input: Box::new(other), conditions },
        }
    }

    /// Appends the columns that the operator yields.
    pub fn outputs_into(&self, out: &mut Vec<ColumnId>) {
        match self {
            Logical::Values { columns, .. }
            | Logical::Function { columns, .. }
            | Logical::CteScan { columns, .. }
            | Logical::RecursiveUnion { columns, .. }
            | Logical::Union { columns, .. }
            | Logical::SetOp { columns, .. } => out.extend(columns),
            Logical::Scan(scan) => out.extend(scan.columns.iter().map(|c| c.0)),
            Logical::Filter { input, .. }
            | Logical::SecurityBarrier { input }
            | Logical::Sort { input, .. }
            | Logical::Distinct { input, .. }
            | Logical::Limit { input, .. }
            | Logical::LockRows { input, .. } => input.outputs_into(out),
            Logical::Project { exprs, .. } | Logical::ProjectSet { exprs, .. } => {
                out.extend(exprs.iter().map(|e| e.0));
            }
            Logical::Join { kind, left, right, mark, .. } => {
                left.outputs_into(out);
                match kind {
                    JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti => {}
                    JoinKind::Mark => out.extend(mark),
                    _ => right.outputs_into(out),
                }
            }
            Logical::Aggregate { group, aggregates, grouping_mask, .. } => {
                out.extend(group.iter().map(|g| g.0));
                out.extend(aggregates.iter().map(|a| a.0));
                out.extend(grouping_mask);
            }
            Logical::Window { input, calls } => {
                input.outputs_into(out);
                out.extend(calls.iter().map(|c| c.0));
            }
            Logical::Modify(modify) => {
                if let Some(returning) = &modify.returning {
                    out.extend(returning.iter().map(|r| r.0));
                }
            }
        }
    }

    /// The columns that the operator yields.
    pub fn outputs(&self) -> Vec<ColumnId> {
        let mut out = Vec::new();
        self.outputs_into(&mut out);
        out
    }

    /// Calls `f` on each input.
    pub fn each_input(&self, f: &mut dyn FnMut(&Logical)) {
        match self {
            Logical::Values { .. }
            | Logical::Scan(_)
            | Logical::Function { .. }
            | Logical::CteScan { .. } => {}
            Logical::RecursiveUnion { base, step, .. } => {
                f(&base.0);
                f(&step.0);
            }
            Logical::Filter { input, .. }
            | Logical::SecurityBarrier { input }
            | Logical::Project { input, .. }
            | Logical::ProjectSet { input, .. }
            | Logical::Aggregate { input, .. }
            | Logical::Window { input, .. }
            | Logical::Sort { input, .. }
            | Logical::Distinct { input, .. }
            | Logical::Limit { input, .. }
            | Logical::LockRows { input, .. } => f(input),
            Logical::Join { left, right, .. } => {
                f(left);
                f(right);
            }
            Logical::Union { inputs, .. } => inputs.iter().for_each(|i| f(&i.0)),
            Logical::SetOp { left, right, .. } => {
                f(&left.0);
                f(&right.0);
            }
            Logical::Modify(modify) => f(&modify.input),
        }
    }

    /// Calls `f` on each input, which it may change.
    pub fn each_input_mut(&mut self, f: &mut dyn FnMut(&mut Logical)) {
        match self {
            Logical::Values { .. }
            | Logical::Scan(_)
            | Logical::Function { .. }
            | Logical::CteScan { .. } => {}
            Logical::RecursiveUnion { base, step, .. } => {
                f(&mut base.0);
                f(&mut step.0);
            }
            Logical::Filter { input, .. }
            | Logical::SecurityBarrier { input }
            | Logical::Project { input, .. }
            | Logical::ProjectSet { input, .. }
            | Logical::Aggregate { input, .. }
            | Logical::Window { input, .. }
            | Logical::Sort { input, .. }
            | Logical::Distinct { input, .. }
            | Logical::Limit { input, .. }
            | Logical::LockRows { input, .. } => f(input),
            Logical::Join { left, right, .. } => {
                f(left);
                f(right);
            }
            Logical::Union { inputs, .. } => inputs.iter_mut().for_each(|i| f(&mut i.0)),
            Logical::SetOp { left, right, .. } => {
                f(&mut left.0);
                f(&mut right.0);
            }
            Logical::Modify(modify) => f(&mut modify.input),
        }
    }

    /// Calls `f` on each expression of this operator (not of its inputs).
    pub fn each_expr(&self, f: &mut dyn FnMut(&Expr)) {
        match self {
            Logical::Values { rows, .. } => rows.iter().flatten().for_each(f),
            Logical::Function { calls, .. } => calls.iter().for_each(f),
            Logical::Filter { conditions, .. } => conditions.iter().for_each(f),
            Logical::Project { exprs, .. } | Logical::ProjectSet { exprs, .. } => {
                exprs.iter().for_each(|e| f(&e.1))
            }
            Logical::Join { on, .. } => on.iter().for_each(f),
            Logical::Aggregate { group, aggregates, .. } => {
                group.iter().for_each(|g| f(&g.1));
                aggregates.iter().for_each(|a| each_aggregate_expr(&a.1, f));
            }
            Logical::Window { calls, .. } => calls.iter().for_each(|c| each_window_expr(&c.1, f)),
            Logical::Sort { keys, .. } => keys.iter().for_each(|k| f(&k.expr)),
            Logical::Limit { offset, count, .. } => offset.iter().chain(count).for_each(f),
            Logical::Modify(modify) => {
                match &modify.write {
                    LogicalWrite::Update { set, recheck, .. } => {
                        set.iter().for_each(|s| f(&s.1));
                        recheck.iter().for_each(&mut *f);
                    }
                    LogicalWrite::Delete { recheck, .. } => recheck.iter().for_each(&mut *f),
                    LogicalWrite::Merge { recheck, clauses, .. } => {
                        recheck.iter().for_each(&mut *f);
                        clauses.iter().flat_map(MergeClause::exprs).for_each(&mut *f);
                    }
                    LogicalWrite::Insert { on_conflict, .. } => {
                        on_conflict.iter().flat_map(|c| c.exprs()).for_each(&mut *f);
                    }
                }
                modify.returning.iter().flatten().for_each(|r| f(&r.1));
                modify.target.policies.iter().for_each(|p| f(&p.condition));
            }
            Logical::LockRows { recheck, .. } => recheck.iter().for_each(f),
            Logical::Scan(scan) => scan.sample.iter().flat_map(|s| s.exprs()).for_each(f),
            Logical::SecurityBarrier { .. }
            | Logical::CteScan { .. }
            | Logical::RecursiveUnion { .. }
            | Logical::Distinct { .. }
            | Logical::Union { .. }
            | Logical::SetOp { .. } => {}
        }
    }

    /// Calls `f` on each expression of this operator, which it may change.
    pub fn each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Logical::Values { rows, .. } => rows.iter_mut().flatten().for_each(f),
            Logical::Function { calls, .. } => calls.iter_mut().for_each(f),
            Logical::Filter { conditions, .. } => conditions.iter_mut().for_each(f),
            Logical::Project { exprs, .. } | Logical::ProjectSet { exprs, .. } => {
                exprs.iter_mut().for_each(|e| f(&mut e.1));
            }
            Logical::Join { on, .. } => on.iter_mut().for_each(f),
            Logical::Aggregate { group, aggregates, .. } => {
                group.iter_mut().for_each(|g| f(&mut g.1));
                aggregates.iter_mut().for_each(|a| each_aggregate_expr_mut(&mut a.1, f));
            }
            Logical::Window { calls, .. } => calls.iter_mut().for_each(|c| each_window_expr_mut(&mut c.1, f)),
            Logical::Sort { keys, .. } => keys.iter_mut().for_each(|k| f(&mut k.expr)),
            Logical::Limit { offset, count, .. } => offset.iter_mut().chain(count).for_each(f),
            Logical::Modify(modify) => {
                match &mut modify.write {
                    LogicalWrite::Update { set, recheck, .. } => {
                        set.iter_mut().for_each(|s| f(&mut s.1));
                        recheck.iter_mut().for_each(&mut *f);
                    }
                    LogicalWrite::Delete { recheck, .. } => recheck.iter_mut().for_each(&mut *f),
                    LogicalWrite::Merge { recheck, clauses, .. } => {
                        recheck.iter_mut().for_each(&mut *f);
                        clauses.iter_mut().flat_map(MergeClause::exprs_mut).for_each(&mut *f);
                    }
                    LogicalWrite::Insert { on_conflict, .. } => {
                        on_conflict.iter_mut().flat_map(|c| c.exprs_mut()).for_each(&mut *f);
                    }
                }
                modify.returning.iter_mut().flatten().for_each(|r| f(&mut r.1));
                modify.target.policies.iter_mut().for_each(|p| f(&mut p.condition));
            }
            Logical::LockRows { recheck, .. } => recheck.iter_mut().for_each(f),
            Logical::Scan(scan) => scan.sample.iter_mut().flat_map(|s| s.exprs_mut()).for_each(f),
            Logical::SecurityBarrier { .. }
            | Logical::CteScan { .. }
            | Logical::RecursiveUnion { .. }
            | Logical::Distinct { .. }
            | Logical::Union { .. }
            | Logical::SetOp { .. } => {}
        }
    }
}

fn each_aggregate_expr(call: &AggregateCall, f: &mut dyn FnMut(&Expr)) {
    call.args.iter().for_each(&mut *f);
    call.order.iter().for_each(|k| f(&k.expr));
    call.filter.iter().for_each(f);
}

fn each_aggregate_expr_mut(call: &mut AggregateCall, f: &mut dyn FnMut(&mut Expr)) {
    call.args.iter_mut().for_each(&mut *f);
    call.order.iter_mut().for_each(|k| f(&mut k.expr));
    call.filter.iter_mut().for_each(f);
}

fn each_window_expr(call: &WindowCall, f: &mut dyn FnMut(&Expr)) {
    use super::expr::FrameBound::{Following, Preceding};
    call.args.iter().for_each(&mut *f);
    call.filter.iter().for_each(&mut *f);
    call.window.partition.iter().for_each(&mut *f);
    call.window.order.iter().for_each(|k| f(&k.expr));
    for bound in [&call.window.frame.start, &call.window.frame.end] {
        if let Preceding(e) | Following(e) = bound {
            f(e);
        }
    }
}

fn each_window_expr_mut(call: &mut WindowCall, f: &mut dyn FnMut(&mut Expr)) {
    use super::expr::FrameBound::{Following, Preceding};
    call.args.iter_mut().for_each(&mut *f);
    call.filter.iter_mut().for_each(&mut *f);
    call.window.partition.iter_mut().for_each(&mut *f);
    call.window.order.iter_mut().for_each(|k| f(&mut k.expr));
    for bound in [&mut call.window.frame.start, &mut call.window.frame.end] {
        if let Preceding(e) | Following(e) = bound {
            f(e);
        }
    }
}

impl Expr {
    /// Calls `f` on each direct operand. The comparisons of a quantified subquery count as operands.
    pub fn each_child(&self, f: &mut dyn FnMut(&Expr)) {
        match &self.kind {
            ExprKind::Const(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::ExecParam(_)
            | ExprKind::CaseTest
            | ExprKind::Grouping(_) => {}
            ExprKind::Call { args, .. } | ExprKind::Routine { args, .. } | ExprKind::MinMax { args, .. } => {
                args.iter().for_each(f);
            }
            ExprKind::And(items)
            | ExprKind::Or(items)
            | ExprKind::Coalesce(items)
            | ExprKind::Row(items)
            | ExprKind::Array { items, .. } => items.iter().for_each(f),
            ExprKind::Relabel(e) | ExprKind::CoerceViaIo(e) | ExprKind::Not(e) => f(e),
            ExprKind::ArrayCoerce { array, element } => {
                f(array);
                f(element);
            }
            ExprKind::Typmod { value, .. }
            | ExprKind::IsNull { value, .. }
            | ExprKind::IsTruth { value, .. } => f(value),
            ExprKind::IsDistinct { left, right, .. } | ExprKind::NullIf { left, right, .. } => {
                f(left);
                f(right);
            }
            ExprKind::Case { operand, arms, otherwise } => {
                operand.iter().for_each(|e| f(e));
                for (condition, result) in arms {
                    f(condition);
                    f(result);
                }
                otherwise.iter().for_each(|e| f(e));
            }
            ExprKind::ScalarArray { left, array, .. } => {
                f(left);
                f(array);
            }
            ExprKind::Field { row, .. } => f(row),
            ExprKind::Subscript { array, subscripts, .. } => {
                f(array);
                subscripts.iter().flat_map(|(a, b)| a.iter().chain(b)).for_each(f);
            }
            ExprKind::SubPlan { mode, params, .. } => {
                params.iter().for_each(|p| f(&p.1));
                if let SubPlanMode::Quantified { left, compare, .. } = mode {
                    left.iter().chain(compare).for_each(f);
                }
            }
            ExprKind::Subquery { mode, .. } => {
                if let SubPlanMode::Quantified { left, compare, .. } = mode {
                    left.iter().chain(compare).for_each(f);
                }
            }
            ExprKind::Aggregate(call) => each_aggregate_expr(call, f),
            ExprKind::Window(call) => each_window_expr(call, f),
        }
    }

    /// Calls `f` on each direct operand, which it may change.
    pub fn each_child_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Const(_)
            | ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::ExecParam(_)
            | ExprKind::CaseTest
            | ExprKind::Grouping(_) => {}
            ExprKind::Call { args, .. } | ExprKind::Routine { args, .. } | ExprKind::MinMax { args, .. } => {
                args.iter_mut().for_each(f);
            }
            ExprKind::And(items)
            | ExprKind::Or(items)
            | ExprKind::Coalesce(items)
            | ExprKind::Row(items)
            | ExprKind::Array { items, .. } => items.iter_mut().for_each(f),
            ExprKind::Relabel(e) | ExprKind::CoerceViaIo(e) | ExprKind::Not(e) => f(e),
            ExprKind::ArrayCoerce { array, element } => {
                f(array);
                f(element);
            }
            ExprKind::Typmod { value, .. }
            | ExprKind::IsNull { value, .. }
            | ExprKind::IsTruth { value, .. } => f(value),
            ExprKind::IsDistinct { left, right, .. } | ExprKind::NullIf { left, right, .. } => {
                f(left);
                f(right);
            }
            ExprKind::Case { operand, arms, otherwise } => {
                operand.iter_mut().for_each(|e| f(e));
                for (condition, result) in arms {
                    f(condition);
                    f(result);
                }
                otherwise.iter_mut().for_each(|e| f(e));
            }
            ExprKind::ScalarArray { left, array, .. } => {
                f(left);
                f(array);
            }
            ExprKind::Field { row, .. } => f(row),
            ExprKind::Subscript { array, subscripts, .. } => {
                f(array);
                subscripts.iter_mut().flat_map(|(a, b)| a.iter_mut().chain(b)).for_each(f);
            }
            ExprKind::SubPlan { mode, params, .. } => {
                params.iter_mut().for_each(|p| f(&mut p.1));
                if let SubPlanMode::Quantified { left, compare, .. } = mode {
                    left.iter_mut().chain(compare).for_each(f);
                }
            }
            ExprKind::Subquery { mode, .. } => {
                if let SubPlanMode::Quantified { left, compare, .. } = mode {
                    left.iter_mut().chain(compare).for_each(f);
                }
            }
            ExprKind::Aggregate(call) => each_aggregate_expr_mut(call, f),
            ExprKind::Window(call) => each_window_expr_mut(call, f),
        }
    }

    /// Whether there is a subquery in it.
    pub fn has_subquery(&self) -> bool {
        self.any(&mut |e| matches!(e.kind, ExprKind::Subquery { .. }))
    }

    /// Whether `test` holds for this expression or one inside it (subqueries' plans are not entered).
    pub fn any(&self, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        if test(self) {
            return true;
        }
        let mut found = false;
        self.each_child(&mut |child| found = found || child.any(test));
        found
    }
}
