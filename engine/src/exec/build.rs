//! From physical plans to operators.

use nq_qsql::catalog::RelationKind;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::{AggregateCall, Expr};
use nq_qsql::plan::physical::{AggregateStrategy, JoinKind, Node, Op, PhysicalPlan};
use nq_qsql::types::Datum;

use super::aggregate::Aggregate;
use super::append::Append;
use super::cte::{CteScan, CteState};
use super::depends::Watch;
use super::distinct::Distinct;
use super::eval::Conditions;
use super::filter::Filter;
use super::function_scan::FunctionScan;
use super::hash_join::{HashJoin, Parts};
use super::index_join::{self, IndexJoin};
use super::index_scan::IndexScan;
use super::index_search::IndexSearch;
use super::limit::Limit;
use super::lock_rows::LockRows;
use super::materialize::Materialize;
use super::merge_join::MergeJoin;
use super::modify::Modify;
use super::nested_loop::NestedLoop;
use super::portions::Portions;
use super::project::Project;
use super::project_set::ProjectSet;
use super::recursive_union::{RecursiveUnion, WorkTableScan};
use super::row_store::RowStore;
use super::seq_scan::SeqScan;
use super::set_op::SetOp;
use super::sort::Sort;
use super::stats::{NodeActual, Watched};
use super::subplan::Subplan;
use super::values::{Empty, Values};
use super::virtual_scan::VirtualScan;
use super::window::Window;
use super::{ExecCx, Operator, RunState};

/// Makes the operators of a plan and the state they share.
pub(super) fn build(
    plan: &PhysicalPlan,
    cx: &mut ExecCx<'_>,
    actuals: bool,
) -> Result<(Box<dyn Operator>, RunState)> {
    let mut state = RunState {
        exec_params: vec![Datum::Null; plan.exec_params as usize],
        versions: vec![0; plan.exec_params as usize + plan.ctes.len()],
        work_tables: plan.ctes.iter().map(|_| None).collect(),
        ..RunState::default()
    };
    let mut builder = Build { plan, cx, next: actuals.then_some(0), ordered: true };
    let root = builder.node(&plan.root)?;
    for node in &plan.subplans {
        let input = builder.node(node)?;
        state.subplans.push(Some(Box::new(Subplan::new(input, &node.types, Watch::new(node, plan)))));
    }
    for cte in &plan.ctes {
        let input = builder.node(&cte.plan)?;
        let rows = RowStore::new(&cte.plan.types, builder.cx);
        state.ctes.push(Some(Box::new(CteState::new(input, rows, Watch::new(&cte.plan, plan)))));
    }
    state.actuals = vec![NodeActual::default(); builder.next.unwrap_or(0)];
    Ok((root, state))
}

/// Whether an aggregate's value does not depend on the order of its input (floats are added in any order, too).
fn any_order(call: &AggregateCall) -> bool {
    let name = call.func.name;
    matches!(name, "count" | "sum" | "avg" | "min" | "max" | "bool_and" | "bool_or" | "every")
}

fn watch(number: Option<usize>, operator: Box<dyn Operator>) -> Box<dyn Operator> {
    match number {
        Some(number) => Box::new(Watched::new(number, operator)),
        None => operator,
    }
}

struct Build<'a, 'b, 'c> {
    plan: &'a PhysicalPlan,
    cx: &'b mut ExecCx<'c>,
    /// Number of the next node, when nodes are watched.
    next: Option<usize>,
    /// Somebody above relies on the order of the rows.
    ordered: bool,
}

impl Build<'_, '_, '_> {
    fn node(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        let number = self.number();
        let ordered = self.ordered;
        self.ordered = match &node.op {
            Op::HashJoin { .. } | Op::Sort { presorted: 0, .. } => false,
            Op::Aggregate { strategy, aggregates, .. } => {
                *strategy == AggregateStrategy::Sorted || !aggregates.iter().all(any_order)
            }
            Op::Filter { .. } | Op::Project { .. } | Op::NestedLoop { .. } | Op::IndexScan { .. } => ordered,
            _ => true,
        };
        let operator = self.operator(node);
        self.ordered = ordered;
        Ok(watch(number, operator?))
    }

    /// The number of the next node, when nodes are watched.
    fn number(&mut self) -> Option<usize> {
        let number = self.next;
        self.next = number.map(|n| n + 1);
        number
    }

    fn operator(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        Ok(match &node.op {
            Op::Empty => Box::new(Empty),
            Op::Result(exprs) => Box::new(Values::new(std::slice::from_ref(exprs), &node.types, self.cx)?),
            Op::Values(rows) => Box::new(Values::new(rows, &node.types, self.cx)?),
            Op::SeqScan(scan)
                if matches!(scan.relation.kind, RelationKind::Virtual | RelationKind::Sequence) =>
            {
                Box::new(VirtualScan::new(scan, &node.types, self.cx)?)
            }
            Op::SeqScan(scan) => {
                let plain = SeqScan::new(scan, &node.types, self.cx)?;
                match &scan.sample {
                    Some(sampling) => Box::new(plain.sampled(sampling, self.cx)?),
                    None => Box::new(plain),
                }
            }
            Op::IndexScan { scan, index, range, backward, index_only, .. } => {
                let only = *index_only;
                let ordered = self.ordered;
                Box::new(IndexScan::new(scan, index, range, *backward, only, ordered, &node.types, self.cx)?)
            }
            Op::IndexSearch { scan, index, clauses, recheck, .. } => {
                Box::new(IndexSearch::new(scan, index, clauses, recheck, &node.types, self.cx)?)
            }
            Op::FunctionScan { calls, ordinality, filter, .. } => {
                let filter = Conditions::new(filter, self.cx)?;
                Box::new(FunctionScan::new(calls, *ordinality, filter, &node.types, self.cx)?)
            }
            Op::CteScan { cte, filter, .. } => {
                Box::new(CteScan::new(*cte as usize, Conditions::new(filter, self.cx)?))
            }
            Op::WorkTableScan { cte } => Box::new(WorkTableScan::new(*cte as usize)),
            Op::RecursiveUnion { cte, base, step, distinct } => {
                let (base, step) = (self.node(base)?, self.node(step)?);
                Box::new(RecursiveUnion::new(*cte as usize, base, step, *distinct, &node.types))
            }
            Op::Filter { input, conditions } => {
                let conditions = Conditions::new(conditions, self.cx)?;
                Box::new(Filter::new(self.node(input)?, conditions))
            }
            Op::Project { input, exprs } => {
                let input = Portions::below(self.node(input)?, exprs.iter());
                Box::new(Project::new(input, exprs, self.cx)?)
            }
            Op::ProjectSet { input, exprs } => {
                let input = Portions::below(self.node(input)?, exprs.iter());
                Box::new(ProjectSet::new(input, exprs, self.cx)?)
            }
            Op::HashJoin { kind, left, right, keys, residual } => {
                let parts = Parts {
                    kind: *kind,
                    keys,
                    residual,
                    left_types: &left.types,
                    right_types: &right.types,
                    right_watch: Watch::new(right, self.plan),
                };
                let (left, right) = (self.node(left)?, self.node(right)?);
                Box::new(HashJoin::new(left, right, parts, self.cx)?)
            }
            Op::MergeJoin { kind, left, right, keys, residual } => {
                let (outer, inner) = (self.node(left)?, self.node(right)?);
                let (outer, inner) = ((outer, &left.types[..]), (inner, &right.types[..]));
                Box::new(MergeJoin::new(*kind, outer, inner, keys, residual, self.cx)?)
            }
            Op::NestedLoop { kind, left, right, params, conditions } => {
                if !params.is_empty() && matches!(kind, JoinKind::Right | JoinKind::Full) {
                    return Err(SqlError::internal("a right join whose right side depends on the left"));
                }
                if let Some(parts) = index_join::recognise(*kind, left, right, params, conditions) {
                    let left = self.node(left)?;
                    let lookups = self.number();
                    return Ok(Box::new(IndexJoin::new(left, parts, lookups, self.cx)?));
                }
                let (outer, inner) = (self.node(left)?, self.node(right)?);
                let types = (&left.types[..], &right.types[..]);
                Box::new(NestedLoop::new(*kind, outer, inner, params, conditions, types.0, types.1, self.cx)?)
            }
            Op::Aggregate { strategy, input, group, sets, aggregates } => {
                let calls = aggregates.iter().flat_map(|call| {
                    call.args.iter().chain(&call.filter).chain(call.order.iter().map(|key| &key.expr))
                });
                let input = Portions::below(self.node(input)?, group.iter().chain(calls));
                Box::new(Aggregate::new(*strategy, input, group, sets, aggregates, &node.types, self.cx)?)
            }
            Op::Window { input, calls } => {
                let types = &input.types;
                Box::new(Window::new(self.node(input)?, calls, types, self.cx)?)
            }
            Op::Sort { input, keys, top, .. } => {
                let types = &input.types;
                Box::new(Sort::new(self.node(input)?, keys, top.as_deref(), types, self.cx)?)
            }
            Op::Distinct { input, slots, sorted } => {
                Box::new(Distinct::new(self.node(input)?, slots, *sorted, &input.types))
            }
            Op::Limit { input, offset, count, ties } => {
                self.limit(input, offset.as_ref(), count.as_ref(), ties)?
            }
            Op::Append(inputs) => {
                let inputs = inputs.iter().map(|n| self.node(n)).collect::<Result<_>>()?;
                Box::new(Append::new(inputs))
            }
            Op::SetOp { op, left, right } => {
                let (left, right) = (self.node(left)?, self.node(right)?);
                Box::new(SetOp::new(*op, left, right, &node.types))
            }
            Op::Materialize(input) => {
                let watch = Watch::new(input, self.plan);
                Box::new(Materialize::new(self.node(input)?, &input.types, watch))
            }
            Op::LockRows { input, targets, recheck } => {
                Box::new(LockRows::new(self.node(input)?, &input.types, targets, recheck, self.cx)?)
            }
            Op::Modify { input, target, write, returning } => {
                let counts = std::ptr::eq(node, &self.plan.root);
                let (types, returning) = (&input.types, returning.as_deref());
                Box::new(Modify::new(self.node(input)?, types, target, write, returning, counts, self.cx)?)
            }
        })
    }

    /// A limit above a projection goes below it, so that no expression runs for rows that are cut off.
    fn limit(
        &mut self,
        input: &Node,
        offset: Option<&Expr>,
        count: Option<&Expr>,
        ties: &[u32],
    ) -> Result<Box<dyn Operator>> {
        match &input.op {
            Op::Project { input: below, exprs } if ties.is_empty() => {
                // The projection's node shows the rows that come up to the limit.
                let number = self.number();
                let unlimited = watch(number, self.node(below)?);
                let limited = Limit::new(unlimited, offset, count, ties, &below.types, self.cx)?;
                let limited = Portions::below(Box::new(limited), exprs.iter());
                Ok(Box::new(Project::new(limited, exprs, self.cx)?))
            }
            _ => Ok(Box::new(Limit::new(self.node(input)?, offset, count, ties, &input.types, self.cx)?)),
        }
    }
}
