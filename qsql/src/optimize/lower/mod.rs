//! Lowering: from the algebra to physical operators, choosing access paths and join methods by cost.
//!
//! Columns become slots. What an operator must yield is passed down (`need`), so that scans read only what is used; what
//! order would help is passed down too (`want`). A column that is not in an operator's input comes from outside: it has an
//! exec param that an enclosing nested loop or SubPlan sets.

mod expr;
mod group_lookup;
mod join;
mod scan;
mod shape;
mod write;

use super::access::{OrderKey, Want};
use super::columns::{ColumnSet, Parts};
use super::cost::{CPU_OPERATOR, CPU_TUPLE};
use super::estimate::Estimator;
use crate::bind::BindContext;
use crate::error::{Result, SqlError};
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::logical::{Logical, LogicalCte, Subquery};
use crate::plan::physical::{Cost, Cte, Node, Op, SortSlot};
use crate::types::DataType;

/// What the lowering of one statement carries along.
pub(crate) struct Lower<'a> {
    pub(crate) cx: &'a BindContext<'a>,
    pub(crate) types: Vec<DataType>,
    pub(crate) collations: Vec<u32>,
    pub(crate) subqueries: Vec<Option<Subquery>>,
    pub(crate) ctes: Vec<LogicalCte>,
    pub(crate) estimator: Estimator<'a>,
    pub(crate) subplans: Vec<Node>,
    pub(crate) exec_params: u32,
    /// Columns from outside: id and exec param, innermost last.
    pub(crate) outer: Vec<(ColumnId, u32)>,
    /// Common table expressions that refer to outer queries, once a scan of them has been lowered.
    pub(crate) correlated: Vec<Option<CorrelatedCte>>,
    /// A group look-up is being tried: none is tried within it, so that planning time stays in proportion.
    pub(crate) trying: bool,
}

/// A common table expression that refers to outer queries. It is computed with the exec params of the outermost subquery around its
/// scans, which is the one that it is written in or lies around that; they have the same values in all subqueries within.
#[derive(Clone)]
pub(crate) struct CorrelatedCte {
    node: Node,
    params: Vec<(ColumnId, u32)>,
}

/// A physical operator with what the logical side knows of it.
#[derive(Clone)]
pub(crate) struct Lowered {
    pub(crate) node: Node,
    /// The column in each slot.
    pub(crate) slots: Vec<ColumnId>,
    /// The order of its rows.
    pub(crate) order: Vec<OrderKey>,
}

impl Lowered {
    pub(crate) fn rows(&self) -> f64 {
        self.node.cost.rows
    }

    pub(crate) fn slot(&self, id: ColumnId) -> Option<u32> {
        self.slots.iter().position(|&s| s == id).map(|i| i as u32)
    }
}

impl Lower<'_> {
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { subqueries: &self.subqueries, ctes: &self.ctes }
    }

    pub(crate) fn type_of(&self, id: ColumnId) -> DataType {
        self.types[id as usize]
    }

    /// Wraps an operator with types and costs.
    pub(crate) fn node(&self, op: Op, slots: &[ColumnId], startup: f64, total: f64, rows: f64) -> Node {
        let width = slots.iter().map(|&s| self.estimator.width(s)).sum();
        let types = slots.iter().map(|&s| self.type_of(s)).collect();
        Node {
            op,
            types,
            cost: Cost { startup, total: total.max(startup), rows: rows.max(1.0).round(), width },
        }
    }

    /// Lowers a plan that yields (at least) the needed columns.
    pub(crate) fn lower(&mut self, plan: &Logical, need: &ColumnSet, want: &Want) -> Result<Lowered> {
        match plan {
            Logical::Values { columns, rows } => self.lower_values(columns, rows, need),
            Logical::Scan(scan) => self.lower_scan(scan, &[], need, want),
            Logical::Function { calls, columns, ordinality, alias } => {
                self.lower_function(calls, columns, *ordinality, alias, &[])
            }
            Logical::CteScan { cte, columns, alias, work_table } => {
                self.lower_cte_scan(*cte, columns, alias, *work_table, &[])
            }
            Logical::RecursiveUnion { cte, base, step, columns, distinct } => {
                let base = self.lower_exactly(&base.0, &base.1)?;
                let step = self.lower_exactly(&step.0, &step.1)?;
                let rows = base.rows() + step.rows() * 10.0;
                let total = base.node.cost.total + step.node.cost.total * 10.0 + rows * CPU_TUPLE;
                let op = Op::RecursiveUnion {
                    cte: *cte,
                    base: Box::new(base.node),
                    step: Box::new(step.node),
                    distinct: *distinct,
                };
                let node = self.node(op, columns, 0.0, total, rows);
                Ok(Lowered { node, slots: columns.clone(), order: Vec::new() })
            }
            Logical::Filter { input, conditions } => self.lower_filter(input, conditions, need, want),
            Logical::SecurityBarrier { input } => self.lower(input, need, want),
            Logical::Project { input, exprs } => self.lower_project(input, exprs, need, want),
            Logical::ProjectSet { input, exprs } => self.lower_project_set(input, exprs, need),
            Logical::Join { kind, left, right, on, mark } => {
                self.lower_join(*kind, left, right, on, *mark, need, want)
            }
            Logical::Aggregate { input, group, sets, grouping_mask, aggregates } => {
                self.lower_aggregate(input, group, sets, *grouping_mask, aggregates, need)
            }
            Logical::Window { input, calls } => self.lower_window(input, calls, need),
            Logical::Sort { input, keys } => self.lower_sort(input, keys, need, None),
            Logical::Distinct { input, on, .. } => self.lower_distinct(input, on, need),
            Logical::Limit { input, offset, count, ties } => {
                self.lower_limit(input, offset.as_ref(), count.as_ref(), ties, need)
            }
            Logical::Union { inputs, columns } => self.lower_union(inputs, columns),
            Logical::SetOp { op, left, right, columns } => {
                let left = self.lower_exactly(&left.0, &left.1)?;
                let right = self.lower_exactly(&right.0, &right.1)?;
                let rows = left.rows();
                let total = left.node.cost.total + right.node.cost.total + (rows + right.rows()) * CPU_TUPLE;
                let op = Op::SetOp { op: *op, left: Box::new(left.node), right: Box::new(right.node) };
                let node = self.node(op, columns, total - rows * CPU_TUPLE, total, rows);
                Ok(Lowered { node, slots: columns.clone(), order: Vec::new() })
            }
            Logical::LockRows { input, targets, recheck } => {
                self.lower_lock_rows(input, targets, recheck, need, want)
            }
            Logical::Modify(modify) => self.lower_modify(modify),
        }
    }

    /// Lowers a plan so that its slots are exactly these columns.
    pub(crate) fn lower_exactly(&mut self, plan: &Logical, columns: &[ColumnId]) -> Result<Lowered> {
        let need = ColumnSet::of(columns.iter().copied());
        let lowered = self.lower(plan, &need, &Want::default())?;
        self.arrange(lowered, columns)
    }

    /// Puts a projection on top unless the slots are these columns already.
    pub(crate) fn arrange(&mut self, input: Lowered, columns: &[ColumnId]) -> Result<Lowered> {
        if input.slots == columns {
            return Ok(input);
        }
        let mut exprs = Vec::with_capacity(columns.len());
        for &id in columns {
            exprs.push(self.slot_expr(id, &input.slots)?);
        }
        Ok(self.project(input, exprs, columns.to_vec()))
    }

    /// A projection node.
    pub(crate) fn project(&mut self, input: Lowered, exprs: Vec<Expr>, slots: Vec<ColumnId>) -> Lowered {
        let rows = input.rows();
        let work =
            exprs.iter().filter(|e| !matches!(e.kind, crate::plan::expr::ExprKind::Column(_))).count() as f64;
        let (startup, total) = (input.node.cost.startup, input.node.cost.total + rows * work * CPU_OPERATOR);
        let order = input.order.iter().take_while(|k| slots.contains(&k.column)).copied().collect();
        let op = Op::Project { input: Box::new(input.node), exprs };
        let node = self.node(op, &slots, startup, total, rows);
        Lowered { node, slots, order }
    }

    /// The CTEs of the statement, in their places; those that refer to outer queries are left empty.
    pub(crate) fn lower_ctes(&mut self) -> Result<Vec<Cte>> {
        let mut out = Vec::with_capacity(self.ctes.len());
        self.correlated = vec![None; self.ctes.len()];
        for i in 0..self.ctes.len() {
            let name = self.ctes[i].name.clone();
            let columns = self.ctes[i].columns.clone();
            let modifies = matches!(self.ctes[i].plan, Some(Logical::Modify(_)));
            let plan = match self.ctes[i].plan.clone() {
                Some(plan)
                    if (modifies || self.ctes[i].references > 0) && self.parts().free(&plan).is_empty() =>
                {
                    self.lower_exactly(&plan, &columns)?.node
                }
                _ => self.node(Op::Empty, &[], 0.0, 0.0, 0.0),
            };
            out.push(Cte { name, plan, modifies });
        }
        Ok(out)
    }

    /// Lowers a CTE that refers to outer queries where it is scanned.
    pub(crate) fn lower_correlated(&mut self, cte: usize) -> Result<()> {
        let Some(plan) = self.ctes[cte].plan.clone() else { return Ok(()) };
        let free: Vec<ColumnId> = self.parts().free(&plan).iter().collect();
        let mut params = Vec::with_capacity(free.len());
        for id in free {
            match self.outer.iter().find(|o| o.0 == id) {
                Some(&outermost) => params.push(outermost),
                None => return Err(SqlError::internal(format!("column {id} is not computed for a CTE"))),
            }
        }
        match self.correlated.get(cte) {
            _ if params.is_empty() => return Ok(()),
            Some(Some(known)) if known.params == params => return Ok(()),
            Some(Some(_)) => {
                return Err(SqlError::unsupported("a WITH query that is read for rows of two outer queries"));
            }
            _ => {}
        }
        let columns = self.ctes[cte].columns.clone();
        let outer = std::mem::replace(&mut self.outer, params.clone());
        let lowered = self.lower_exactly(&plan, &columns);
        self.outer = outer;
        self.correlated[cte] = Some(CorrelatedCte { node: lowered?.node, params });
        Ok(())
    }

    /// Puts the CTEs that refer to outer queries into their places.
    pub(crate) fn place_correlated(&mut self, ctes: &mut [Cte]) {
        for (cte, correlated) in ctes.iter_mut().zip(self.correlated.drain(..)) {
            if let Some(correlated) = correlated {
                cte.plan = correlated.node;
            }
        }
    }

    /// Sort keys as slots of an input.
    pub(crate) fn sort_slots(&self, keys: &[OrderKey], slots: &[ColumnId]) -> Result<Vec<SortSlot>> {
        keys.iter()
            .map(|k| {
                let slot = slots
                    .iter()
                    .position(|&s| s == k.column)
                    .ok_or_else(|| SqlError::internal("sort key is missing from its input"))?;
                Ok(SortSlot {
                    slot: slot as u32,
                    ty: self.type_of(k.column),
                    collation: self.collations.get(k.column as usize).copied().unwrap_or(0),
                    descending: k.descending,
                    nulls_first: k.nulls_first,
                })
            })
            .collect()
    }

    pub(crate) fn new_param(&mut self) -> u32 {
        self.exec_params += 1;
        self.exec_params - 1
    }
}
