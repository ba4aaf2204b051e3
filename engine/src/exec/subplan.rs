//! Subqueries that stayed in expressions.
//!
//! A subquery without correlation runs once and its answer is kept, `x IN (subquery)` as a hash table; a correlated one runs for each
//! row, after its params have been set. Only what the outer plan may change (exec params) makes a kept answer stale.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::category::{element_of, is_stacked};
use nq_qsql::func::stack;
use nq_qsql::plan::expr::{Expr, ExprKind, SubPlanMode};
use nq_qsql::sql_err;
use nq_qsql::types::{Array, DataType, Datum, Oid};

use super::batch::{Batch, Rows};
use super::depends::Watch;
use super::eval::{Node, Scope, compile, map_rows};
use super::group_table::{GroupTable, NONE};
use super::vector::{Values, Vector};
use super::{ExecCx, Operator};

/// The plan of a subquery.
pub struct Subplan {
    input: Box<dyn Operator>,
    types: Vec<DataType>,
    watch: Watch,
    started: bool,
    kept: Option<Kept>,
}

/// The answer of a subquery that does not depend on the row.
enum Kept {
    Value(Datum),
    Set(Box<HashedSet>),
}

struct HashedSet {
    table: GroupTable,
    has_null: bool,
}

impl Subplan {
    /// Makes a subquery ready; `types` are those of its slots.
    pub fn new(input: Box<dyn Operator>, types: &[DataType], watch: Watch) -> Subplan {
        Subplan { input, types: types.to_vec(), watch, started: false, kept: None }
    }

    /// Runs the subquery from its start.
    fn restart(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        if self.started {
            self.input.rescan(cx)?;
        }
        self.started = true;
        Ok(())
    }

    /// The single row, alone in its batch.
    fn single(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        self.restart(cx)?;
        let Some(first) = self.input.next(cx)? else { return Ok(None) };
        if first.count() > 1 || self.input.next(cx)?.is_some() {
            return Err(sql_err!(
                CARDINALITY_VIOLATION,
                "more than one row returned by a subquery used as an expression"
            ));
        }
        Ok(Some(first))
    }

    fn column(&mut self, column: usize, cx: &mut ExecCx<'_>) -> Result<Datum> {
        let oid = self.types[column].oid;
        let row = self.single(cx)?;
        Ok(row.map_or(Datum::Null, |b| b.columns[column].datum(b.rows().nth(0), oid)))
    }

    fn array(&mut self, cx: &mut ExecCx<'_>) -> Result<Datum> {
        self.restart(cx)?;
        let element = self.types[0].oid;
        let mut held = cx.memory.reservation();
        let mut items = Vec::new();
        while let Some(batch) = self.input.next(cx)? {
            items.extend(batch.rows().iter().map(|row| batch.columns[0].datum(row, element)));
            held.resize(items.len() * 2 * size_of::<Datum>())?;
        }
        if is_stacked(element) {
            return stack(element_of(element).unwrap_or(element), items);
        }
        let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
        Ok(Datum::Array(Arc::new(Array { element, dims, items })))
    }

    fn hash(&mut self, cx: &mut ExecCx<'_>) -> Result<HashedSet> {
        self.restart(cx)?;
        let mut set = HashedSet { table: GroupTable::new(&self.types, cx), has_null: false };
        let mut numbers = Vec::new();
        while let Some(batch) = self.input.next(cx)? {
            let columns: Vec<&Vector> = batch.columns.iter().map(|c| &**c).collect();
            set.has_null |= columns.iter().any(|c| batch.rows().iter().any(|row| c.is_null(row)));
            set.table.locate(&columns, batch.rows(), batch.len, false, &mut numbers);
            set.table.reserve(0)?;
        }
        Ok(set)
    }
}

/// How the rows become the value.
enum Mode {
    Exists,
    Column(usize),
    Array,
    Quantified { any: bool, left: Vec<(Node, Oid)>, compare: Vec<Node>, hashed: bool },
}

/// A subquery in an expression.
pub(super) struct SubPlanNode {
    plan: usize,
    mode: Mode,
    params: Vec<(usize, Node, Oid)>,
    oid: Oid,
}

impl SubPlanNode {
    pub(super) fn new(expr: &Expr, scope: &mut Scope<'_>) -> Result<SubPlanNode> {
        let ExprKind::SubPlan { plan, mode, params } = &expr.kind else {
            return Err(SqlError::internal("not a subquery"));
        };
        let mode = match mode {
            SubPlanMode::Exists => Mode::Exists,
            SubPlanMode::Scalar => Mode::Column(0),
            SubPlanMode::RowColumn(column) => Mode::Column(*column as usize),
            SubPlanMode::Array => Mode::Array,
            SubPlanMode::Quantified { any, left, compare } => {
                let hashed = *any
                    && params.is_empty()
                    && left.iter().zip(compare).enumerate().all(|(i, (l, c))| hashable(i, l, c));
                let mut inner = Scope { params: scope.params, case_depth: 1 };
                Mode::Quantified {
                    any: *any,
                    left: left.iter().map(|e| Ok((compile(e, scope)?, e.ty.oid))).collect::<Result<_>>()?,
                    compare: compare.iter().map(|e| compile(e, &mut inner)).collect::<Result<_>>()?,
                    hashed,
                }
            }
        };
        let params = params
            .iter()
            .map(|(slot, e)| Ok((*slot as usize, compile(e, scope)?, e.ty.oid)))
            .collect::<Result<_>>()?;
        Ok(SubPlanNode { plan: *plan as usize, mode, params, oid: expr.ty.oid })
    }

    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        if rows.is_empty() {
            return Ok(Arc::new(Vector::constant(&Datum::Null, self.oid)));
        }
        let params: Vec<Arc<Vector>> =
            self.params.iter().map(|(_, node, _)| node.eval(batch, rows, cx)).collect::<Result<_>>()?;
        let left: Vec<Arc<Vector>> = match &self.mode {
            Mode::Quantified { left, .. } => {
                left.iter().map(|(node, _)| node.eval(batch, rows, cx)).collect::<Result<_>>()?
            }
            _ => Vec::new(),
        };
        let Some(mut subplan) = cx.run.subplans.get_mut(self.plan).and_then(Option::take) else {
            return Err(SqlError::internal("a subquery runs within itself"));
        };
        let tests = std::mem::take(&mut cx.run.case_tests);
        let answer = self.run(&mut subplan, batch, rows, &params, &left, cx);
        cx.run.case_tests = tests;
        cx.run.subplans[self.plan] = Some(subplan);
        answer
    }

    fn run(
        &self,
        subplan: &mut Subplan,
        batch: &Batch,
        rows: Rows<'_>,
        params: &[Arc<Vector>],
        left: &[Arc<Vector>],
        cx: &mut ExecCx<'_>,
    ) -> Result<Arc<Vector>> {
        if !self.params.is_empty() {
            return map_rows(self.oid, rows, batch.len, cx, |row, cx| {
                for ((slot, _, oid), value) in self.params.iter().zip(params) {
                    cx.set_exec_param(*slot, value.datum(row, *oid));
                }
                self.value(subplan, row, left, cx)
            })
            .map(Arc::new);
        }
        if subplan.watch.changed(cx) {
            subplan.kept = None;
        }
        if let Mode::Quantified { hashed, .. } = &self.mode {
            if !hashed {
                return map_rows(self.oid, rows, batch.len, cx, |row, cx| self.value(subplan, row, left, cx))
                    .map(Arc::new);
            }
            if subplan.kept.is_none() {
                let set = subplan.hash(cx)?;
                subplan.kept = Some(Kept::Set(Box::new(set)));
            }
            if let Some(Kept::Set(set)) = &mut subplan.kept {
                if left.len() > 1
                    && (set.has_null || left.iter().any(|l| l.nulls.any()))
                    && !set.table.is_empty()
                {
                    return map_rows(self.oid, rows, batch.len, cx, |row, cx| {
                        self.value(subplan, row, left, cx)
                    })
                    .map(Arc::new);
                }
                return Ok(Arc::new(set.lookup(batch, rows, left)));
            }
        }
        let value = match &subplan.kept {
            Some(Kept::Value(value)) => value.clone(),
            _ => {
                let value = self.value(subplan, 0, left, cx)?;
                subplan.kept = Some(Kept::Value(value.clone()));
                value
            }
        };
        Ok(Arc::new(Vector::constant(&value, self.oid)))
    }

    /// Runs the subquery for one row.
    fn value(
        &self,
        subplan: &mut Subplan,
        row: usize,
        left: &[Arc<Vector>],
        cx: &mut ExecCx<'_>,
    ) -> Result<Datum> {
        match &self.mode {
            Mode::Exists => {
                subplan.restart(cx)?;
                Ok(Datum::Bool(subplan.input.next(cx)?.is_some()))
            }
            Mode::Column(column) => subplan.column(*column, cx),
            Mode::Array => subplan.array(cx),
            Mode::Quantified { any, left: types, compare, .. } => {
                subplan.restart(cx)?;
                let left: Vec<Arc<Vector>> = left
                    .iter()
                    .zip(types)
                    .map(|(v, (_, oid))| Arc::new(Vector::constant(&v.datum(row, *oid), *oid)))
                    .collect();
                quantified(&mut *subplan.input, *any, &left, compare, cx)
            }
        }
    }
}

/// Whether `compare` is plain equality of left value `i` with column `i`, of one type.
fn hashable(i: usize, left: &Expr, compare: &Expr) -> bool {
    let ExprKind::Call { func, args, .. } = &compare.kind else { return false };
    let [a, b] = &args[..] else { return false };
    let plain = |e: &Expr| match &e.kind {
        ExprKind::CaseTest => true,
        ExprKind::Column(c) => *c as usize == i,
        _ => false,
    };
    super::eval::is_equality(func.name)
        && plain(a)
        && plain(b)
        && a.ty.oid == b.ty.oid
        && left.ty.oid == a.ty.oid
}

/// `left op ANY|ALL (rows)`, three-valued.
fn quantified(
    input: &mut dyn Operator,
    any: bool,
    left: &[Arc<Vector>],
    compare: &[Node],
    cx: &mut ExecCx<'_>,
) -> Result<Datum> {
    let mut unknown = false;
    while let Some(batch) = input.next(cx)? {
        // The conjunction of the columns' comparisons, row by row: false wins, then unknown.
        let mut verdicts = vec![Some(true); batch.len];
        for (value, node) in left.iter().zip(compare) {
            cx.run.case_tests.clear();
            cx.run.case_tests.push(Arc::clone(value));
            let outcome = node.eval(&batch, batch.rows(), cx)?;
            let Values::Bool(v) = &outcome.values else { continue };
            for row in batch.rows().iter() {
                let at = outcome.at(row);
                let this = (!outcome.nulls.is_null(at)).then(|| v[at]);
                verdicts[row] = match (verdicts[row], this) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
            }
        }
        cx.run.case_tests.clear();
        for row in batch.rows().iter() {
            match verdicts[row] {
                Some(verdict) if verdict == any => return Ok(Datum::Bool(any)),
                Some(_) => {}
                None => unknown = true,
            }
        }
    }
    Ok(if unknown { Datum::Null } else { Datum::Bool(!any) })
}

impl HashedSet {
    /// `left IN (set)` for every row.
    fn lookup(&mut self, batch: &Batch, rows: Rows<'_>, left: &[Arc<Vector>]) -> Vector {
        let mut out = Vector::of(Values::Bool(vec![false; batch.len]));
        if self.table.is_empty() {
            return out;
        }
        let columns: Vec<&Vector> = left.iter().map(|v| &**v).collect();
        let mut numbers = Vec::new();
        self.table.locate(&columns, rows, batch.len, true, &mut numbers);
        let Values::Bool(found) = &mut out.values else { return out };
        for (row, &number) in rows.iter().zip(&numbers) {
            if columns.iter().any(|c| c.is_null(row)) {
                out.nulls.set(row);
            } else if number != NONE {
                found[row] = true;
            } else if self.has_null {
                out.nulls.set(row);
            }
        }
        out
    }
}
