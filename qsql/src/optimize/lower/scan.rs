//! Leaves: relations by the chosen access path, rows of expressions, functions, CTEs; and filters over them.

use std::sync::Arc;

use super::{Lower, Lowered};
use crate::error::Result;
use crate::optimize::access::{Access, Path, Want};
use crate::optimize::columns::ColumnSet;
use crate::optimize::cost::{CPU_OPERATOR, CPU_TUPLE};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{IndexRange, Op, Sampling, Scan, ScanColumn};

impl Lower<'_> {
    pub(crate) fn path(
        &self,
        scan: &LogicalScan,
        conditions: &[Expr],
        need: &ColumnSet,
        want: &Want,
    ) -> Path {
        Access { cx: self.cx, estimator: &self.estimator, parts: self.parts() }
            .best(scan, conditions, need, want)
    }

    pub(crate) fn lower_scan(
        &mut self,
        scan: &LogicalScan,
        conditions: &[Expr],
        need: &ColumnSet,
        want: &Want,
    ) -> Result<Lowered> {
        let path = self.path(scan, conditions, need, want);
        let mut all = need.clone();
        let parts = self.parts();
        path.filter.iter().for_each(|e| parts.expr_columns(e, &mut all));
        if let Some(found) = path.index.as_ref().filter(|i| !i.clauses.is_empty()) {
            found.shown.iter().for_each(|e| parts.expr_columns(e, &mut all));
        }
        let columns: Vec<(ColumnId, ScanColumn)> =
            scan.columns.iter().filter(|c| all.contains(c.0)).copied().collect();
        let slots: Vec<ColumnId> = columns.iter().map(|c| c.0).collect();
        let mut filter = path.filter.clone();
        // The cheapest and most selective first.
        let rank = |e: &Expr| (self.weight(e), self.estimator.selectivity(e));
        let mut ranked: Vec<((f64, f64), Expr)> = filter.drain(..).map(|e| (rank(&e), e)).collect();
        ranked.sort_by(|a, b| (a.0.0 * 0.1 + a.0.1).total_cmp(&(b.0.0 * 0.1 + b.0.1)));
        let filter: Vec<Expr> = ranked.into_iter().map(|r| r.1).collect();
        let filter = self.slotted_all(&filter, &slots)?;
        let physical = Scan {
            relation: scan.relation.clone(),
            alias: scan.alias.clone(),
            columns: columns.iter().map(|c| c.1).collect(),
            sample: match &scan.sample {
                Some(sample) => Some(Box::new(Sampling {
                    method: sample.method,
                    percent: self.slotted(&sample.percent, &[])?,
                    seed: sample.seed.as_ref().map(|e| self.slotted(e, &[])).transpose()?,
                })),
                None => None,
            },
            filter,
        };
        let op = match path.index {
            None => Op::SeqScan(physical),
            Some(found) if !found.clauses.is_empty() => {
                let mut shown = Vec::with_capacity(found.shown.len());
                for e in &found.shown {
                    shown.push(self.shown(e, scan)?);
                }
                let mut clauses = found.clauses;
                for clause in &mut clauses {
                    clause.value = self.slotted(&clause.value, &[])?;
                }
                let recheck = self.slotted_all(&found.shown, &slots)?;
                Op::IndexSearch { scan: physical, index: found.index, clauses, recheck, shown }
            }
            Some(found) => {
                let range = self.slotted_range(&found.range)?;
                let mut shown = Vec::with_capacity(found.shown.len());
                for e in &found.shown {
                    shown.push(self.shown(e, scan)?);
                }
                Op::IndexScan {
                    scan: physical,
                    index: found.index,
                    range,
                    backward: found.backward,
                    index_only: found.index_only,
                    shown,
                }
            }
        };
        let node = self.node(op, &slots, path.startup, path.total, path.rows);
        Ok(Lowered { node, slots, order: path.order })
    }

    fn slotted_range(&mut self, range: &IndexRange) -> Result<IndexRange> {
        Ok(IndexRange {
            equal: self.slotted_all(&range.equal, &[])?,
            lower: match &range.lower {
                Some((e, inclusive)) => Some((self.slotted(e, &[])?, *inclusive)),
                None => None,
            },
            upper: match &range.upper {
                Some((e, inclusive)) => Some((self.slotted(e, &[])?, *inclusive)),
                None => None,
            },
            any: match &range.any {
                Some(e) => Some(self.slotted(e, &[])?),
                None => None,
            },
            is_null: range.is_null,
        })
    }

    /// A condition for EXPLAIN: the table's columns by index.
    fn shown(&mut self, e: &Expr, scan: &LogicalScan) -> Result<Expr> {
        let width = scan.relation.columns.len();
        let mut slots = vec![ColumnId::MAX; width];
        for &(id, what) in &scan.columns {
            if let ScanColumn::Attribute(i) = what {
                slots[i] = id;
            }
        }
        self.slotted(e, &slots)
    }

    /// How much work a condition is, in operator calls.
    fn weight(&self, e: &Expr) -> f64 {
        let mut total = match &e.kind {
            ExprKind::Subquery { .. } => 100.0,
            ExprKind::Call { func, .. }
                if matches!(func.name, "textlike" | "textnlike" | "textregexeq" | "textregexne") =>
            {
                5.0
            }
            ExprKind::Call { .. } | ExprKind::ScalarArray { .. } => 1.0,
            ExprKind::Routine { target, .. } => f64::from(target.routine.cost),
            _ => 0.0,
        };
        e.each_child(&mut |child| total += self.weight(child));
        total
    }

    pub(crate) fn lower_filter(
        &mut self,
        input: &Logical,
        conditions: &[Expr],
        need: &ColumnSet,
        want: &Want,
    ) -> Result<Lowered> {
        match input {
            Logical::Scan(scan) => return self.lower_scan(scan, conditions, need, want),
            Logical::Function { calls, columns, ordinality, alias } => {
                return self.lower_function(calls, columns, *ordinality, alias, conditions);
            }
            Logical::CteScan { cte, columns, alias, work_table: false } => {
                return self.lower_cte_scan(*cte, columns, alias, false, conditions);
            }
            _ => {}
        }
        let mut inner = need.clone();
        let parts = self.parts();
        conditions.iter().for_each(|e| parts.expr_columns(e, &mut inner));
        let input = self.lower(input, &inner, want)?;
        self.filter(input, conditions)
    }

    /// A filter node.
    pub(crate) fn filter(&mut self, input: Lowered, conditions: &[Expr]) -> Result<Lowered> {
        if conditions.is_empty() {
            return Ok(input);
        }
        let rows = input.rows() * self.estimator.conjunction(conditions);
        let total = input.node.cost.total + input.rows() * conditions.len() as f64 * CPU_OPERATOR;
        let startup = input.node.cost.startup;
        let slotted = self.slotted_all(conditions, &input.slots)?;
        let op = Op::Filter { input: Box::new(input.node), conditions: slotted };
        let node = self.node(op, &input.slots, startup, total, rows);
        Ok(Lowered { node, slots: input.slots, order: input.order })
    }

    pub(crate) fn lower_values(
        &mut self,
        columns: &[ColumnId],
        rows: &[Vec<Expr>],
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let keep: Vec<usize> = (0..columns.len()).filter(|&i| need.contains(columns[i])).collect();
        let slots: Vec<ColumnId> = keep.iter().map(|&i| columns[i]).collect();
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let mut values = Vec::with_capacity(keep.len());
            for &i in &keep {
                values.push(self.slotted(&row[i], &[])?);
            }
            out.push(values);
        }
        let count = out.len() as f64;
        let op = match out.len() {
            0 => Op::Empty,
            1 => Op::Result(out.swap_remove(0)),
            _ => Op::Values(out),
        };
        let node = self.node(op, &slots, 0.0, count * CPU_TUPLE, count);
        Ok(Lowered { node, slots, order: Vec::new() })
    }

    pub(crate) fn lower_function(
        &mut self,
        calls: &[Expr],
        columns: &[ColumnId],
        ordinality: bool,
        alias: &Arc<str>,
        conditions: &[Expr],
    ) -> Result<Lowered> {
        let plan = Logical::Function {
            calls: calls.to_vec(),
            columns: columns.to_vec(),
            ordinality,
            alias: alias.clone(),
        };
        let rows = self.estimator.rows(&plan);
        let calls = self.slotted_all(calls, &[])?;
        let filter = self.slotted_all(conditions, columns)?;
        let out = rows * self.estimator.conjunction(conditions);
        let total = rows * CPU_TUPLE + rows * CPU_OPERATOR * filter.len() as f64;
        let op = Op::FunctionScan { calls, ordinality, alias: alias.clone(), filter };
        let node = self.node(op, columns, 0.0, total, out);
        Ok(Lowered { node, slots: columns.to_vec(), order: Vec::new() })
    }

    pub(crate) fn lower_cte_scan(
        &mut self,
        cte: u32,
        columns: &[ColumnId],
        alias: &Arc<str>,
        work_table: bool,
        conditions: &[Expr],
    ) -> Result<Lowered> {
        if !work_table {
            self.lower_correlated(cte as usize)?;
        }
        let plan = Logical::CteScan { cte, columns: columns.to_vec(), alias: alias.clone(), work_table };
        let rows = self.estimator.rows(&plan);
        let op = if work_table {
            Op::WorkTableScan { cte }
        } else {
            Op::CteScan { cte, alias: alias.clone(), filter: self.slotted_all(conditions, columns)? }
        };
        let out = rows * self.estimator.conjunction(conditions);
        let total = rows * CPU_TUPLE + rows * CPU_OPERATOR * conditions.len() as f64;
        let node = self.node(op, columns, 0.0, total, out);
        Ok(Lowered { node, slots: columns.to_vec(), order: Vec::new() })
    }
}
