//! What a part of a plan depends on from outside itself: exec params set by operators above, and the tables of recursive unions above.
//!
//! Every change of such an input is counted. An operator that keeps a result for reuse (a hash table, materialised rows, a CTE) notes the
//! counts with it and throws it away at a rescan only if one of them has moved.

use nq_qsql::plan::expr::{AggregateCall, Expr, ExprKind, FrameBound, SortKey, SubPlanMode, WindowCall};
use nq_qsql::plan::physical::{Node, Op, PhysicalPlan, Scan};

use super::ExecCx;

/// The inputs of a part of a plan and their counts when last looked at.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    inputs: Vec<usize>,
    seen: Vec<u64>,
}

impl Watch {
    /// Watches what `node` depends on.
    pub fn new(node: &Node, plan: &PhysicalPlan) -> Watch {
        let mut inputs = outer(node, plan, 0);
        inputs.sort_unstable();
        inputs.dedup();
        Watch { seen: vec![0; inputs.len()], inputs }
    }

    /// Whether an input has changed since the last call.
    pub fn changed(&mut self, cx: &ExecCx<'_>) -> bool {
        let mut changed = false;
        for (input, seen) in self.inputs.iter().zip(&mut self.seen) {
            let now = cx.run.versions.get(*input).copied().unwrap_or(0);
            changed |= *seen != now;
            *seen = now;
        }
        changed
    }
}

/// Nesting of CTEs and subplans that is followed; beyond it everything is taken to depend on everything.
const DEPTH_MAX: u32 = 32;

fn outer(node: &Node, plan: &PhysicalPlan, depth: u32) -> Vec<usize> {
    let params = plan.exec_params as usize;
    if depth > DEPTH_MAX {
        return (0..params + plan.ctes.len()).collect();
    }
    let mut used = Vec::new();
    let mut set = Vec::new();
    for expr in exprs(node) {
        expr_inputs(expr, plan, depth, &mut used);
    }
    match &node.op {
        Op::NestedLoop { params, .. } => set.extend(params.iter().map(|(slot, _)| *slot as usize)),
        Op::RecursiveUnion { cte, .. } => set.push(params + *cte as usize),
        Op::WorkTableScan { cte } => used.push(params + *cte as usize),
        Op::CteScan { cte, .. } => {
            if let Some(cte) = plan.ctes.get(*cte as usize) {
                used.extend(outer(&cte.plan, plan, depth + 1));
            }
        }
        _ => {}
    }
    for input in node.inputs() {
        used.extend(outer(input, plan, depth));
    }
    used.retain(|input| !set.contains(input));
    used
}

fn expr_inputs(expr: &Expr, plan: &PhysicalPlan, depth: u32, used: &mut Vec<usize>) {
    match &expr.kind {
        ExprKind::ExecParam(slot) => used.push(*slot as usize),
        ExprKind::SubPlan { plan: number, params, .. } => {
            if let Some(node) = plan.subplans.get(*number as usize) {
                let own = |input: &usize| params.iter().any(|(slot, _)| *slot as usize == *input);
                used.extend(outer(node, plan, depth + 1).into_iter().filter(|i| !own(i)));
            }
        }
        _ => {}
    }
    children(expr, &mut |child| expr_inputs(child, plan, depth, used));
}

/// Calls `visit` for every direct operand of `expr`.
pub fn children<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Const(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::ExecParam(_)
        | ExprKind::CaseTest
        | ExprKind::Subquery { .. }
        | ExprKind::Aggregate(_)
        | ExprKind::Window(_)
        | ExprKind::Grouping(_) => {}
        ExprKind::Call { args, .. }
        | ExprKind::Routine { args, .. }
        | ExprKind::And(args)
        | ExprKind::Or(args)
        | ExprKind::Coalesce(args)
        | ExprKind::MinMax { args, .. }
        | ExprKind::Array { items: args, .. }
        | ExprKind::Row(args) => args.iter().for_each(visit),
        ExprKind::Relabel(x) | ExprKind::CoerceViaIo(x) | ExprKind::Not(x) => visit(x),
        ExprKind::ArrayCoerce { array, element } => {
            visit(array);
            visit(element);
        }
        ExprKind::Typmod { value, .. } | ExprKind::IsNull { value, .. } | ExprKind::IsTruth { value, .. } => {
            visit(value)
        }
        ExprKind::IsDistinct { left, right, .. } | ExprKind::NullIf { left, right, .. } => {
            visit(left);
            visit(right);
        }
        ExprKind::Case { operand, arms, otherwise } => {
            operand.iter().for_each(|e| visit(e));
            for (condition, result) in arms {
                visit(condition);
                visit(result);
            }
            otherwise.iter().for_each(|e| visit(e));
        }
        ExprKind::ScalarArray { left, array, .. } => {
            visit(left);
            visit(array);
        }
        ExprKind::Field { row, .. } => visit(row),
        ExprKind::Subscript { array, subscripts, .. } => {
            visit(array);
            subscripts.iter().flat_map(|(lower, upper)| [lower, upper]).flatten().for_each(visit);
        }
        ExprKind::SubPlan { mode, params, .. } => {
            params.iter().for_each(|(_, value)| visit(value));
            if let SubPlanMode::Quantified { left, .. } = mode {
                left.iter().for_each(visit);
            }
        }
    }
}

/// The slots that an expression reads.
pub fn slots(expr: &Expr, out: &mut Vec<usize>) {
    if let ExprKind::Column(slot) = expr.kind {
        out.push(slot as usize);
    }
    children(expr, &mut |child| slots(child, out));
}

fn scan_exprs<'a>(scan: &'a Scan, out: &mut Vec<&'a Expr>) {
    out.extend(&scan.filter);
    out.extend(scan.sample.iter().flat_map(|s| s.exprs()));
}

fn call_exprs<'a>(args: &'a [Expr], order: &'a [SortKey], filter: &'a Option<Expr>, out: &mut Vec<&'a Expr>) {
    out.extend(args);
    out.extend(order.iter().map(|k| &k.expr));
    out.extend(filter);
}

/// The expressions of one node, without its inputs'.
pub(super) fn exprs(node: &Node) -> Vec<&Expr> {
    let mut out = Vec::new();
    match &node.op {
        Op::Empty
        | Op::WorkTableScan { .. }
        | Op::RecursiveUnion { .. }
        | Op::Distinct { .. }
        | Op::Append(_)
        | Op::SetOp { .. }
        | Op::Materialize(_) => {}
        Op::Result(list) => out.extend(list),
        Op::Values(rows) => out.extend(rows.iter().flatten()),
        Op::SeqScan(scan) => scan_exprs(scan, &mut out),
        Op::IndexScan { scan, range, .. } => {
            scan_exprs(scan, &mut out);
            out.extend(&range.equal);
            out.extend(range.lower.iter().chain(&range.upper).map(|(e, _)| e));
            out.extend(&range.any);
        }
        Op::IndexSearch { scan, clauses, recheck, .. } => {
            scan_exprs(scan, &mut out);
            out.extend(clauses.iter().map(|c| &c.value));
            out.extend(recheck);
        }
        Op::FunctionScan { calls, filter, .. } => {
            out.extend(calls);
            out.extend(filter);
        }
        Op::CteScan { filter, .. } => out.extend(filter),
        Op::Filter { conditions, .. } => out.extend(conditions),
        Op::Project { exprs, .. } | Op::ProjectSet { exprs, .. } => out.extend(exprs),
        Op::HashJoin { keys, residual, .. } | Op::MergeJoin { keys, residual, .. } => {
            out.extend(keys.iter().flat_map(|(l, r)| [l, r]));
            out.extend(residual);
        }
        Op::NestedLoop { params, conditions, .. } => {
            out.extend(params.iter().map(|(_, e)| e));
            out.extend(conditions);
        }
        Op::Aggregate { group, aggregates, .. } => {
            out.extend(group);
            for AggregateCall { args, order, filter, .. } in aggregates {
                call_exprs(args, order, filter, &mut out);
            }
        }
        Op::Window { calls, .. } => {
            for WindowCall { args, filter, window, .. } in calls {
                call_exprs(args, &window.order, filter, &mut out);
                out.extend(&window.partition);
                for bound in [&window.frame.start, &window.frame.end] {
                    if let FrameBound::Preceding(e) | FrameBound::Following(e) = bound {
                        out.push(e);
                    }
                }
            }
        }
        Op::Sort { top, .. } => out.extend(top.as_deref()),
        Op::Limit { offset, count, .. } => {
            out.extend(offset);
            out.extend(count);
        }
        Op::LockRows { recheck, .. } => out.extend(recheck),
        Op::Modify { returning, .. } => out.extend(returning.iter().flatten()),
    }
    out
}
