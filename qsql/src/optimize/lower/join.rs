//! Joins: hash by default, nested loops through an index where few rows come from the left, plain nested loops where there
//! is no equality, merge where hashing is off.

use super::{Lower, Lowered};
use crate::error::Result;
use crate::func::CastContext;
use crate::func::resolve::{Coercion, find_coercion};
use crate::optimize::access::{CLUSTERED, OrderKey, Want, provides};
use crate::optimize::columns::ColumnSet;
use crate::optimize::cost::{
    CPU_OPERATOR, CPU_TUPLE, DESCENT, HASH_BUILD, HASH_PROBE, NEAR, VISIT, hash_join_cost, penalty, sort_cost,
};
use crate::optimize::estimate::{comparison, operator_name, plain_column};
use crate::plan::expr::{CallForm, ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{JoinKind, Node, Op, ScanColumn};
use crate::types::{DataType, Oid};

/// The conditions of a join, by what can be done with them.
#[derive(Default)]
struct Conditions {
    /// Equalities of a left value with a right value, of one type.
    keys: Vec<(Expr, Expr)>,
    residual: Vec<Expr>,
}

impl Lower<'_> {
    #[allow(clippy::too_many_arguments, reason = "the parts of a join")]
    pub(crate) fn lower_join(
        &mut self,
        kind: JoinKind,
        left: &Logical,
        right: &Logical,
        on: &[Expr],
        mark: Option<ColumnId>,
        need: &ColumnSet,
        want: &Want,
    ) -> Result<Lowered> {
        let left_columns = ColumnSet::of(left.outputs());
        let right_columns = ColumnSet::of(right.outputs());
        let lateral = self.parts().free(right);
        let mut inner_need = need.clone();
        inner_need.union(&self.parts().columns_of_all(on));
        if lateral.intersects(&left_columns) {
            inner_need.union(&lateral);
            let left = self.lower(left, &inner_need, want)?;
            return self.lateral_join(kind, left, right, on, mark, &inner_need);
        }
        let conditions = self.split_conditions(on, &left_columns, &right_columns);
        // A left input in the wanted order keeps it in joins that stream the left side.
        let lowered_left = self.lower(left, &inner_need, want)?;
        let lowered_right = self.lower(right, &inner_need, &Want::default())?;
        let (l, r) = (&lowered_left, &lowered_right);
        let rows = self.estimator.join_rows(kind, l.rows(), r.rows(), on);
        let keys = conditions.keys.len();

        let swap = match kind {
            JoinKind::Inner => size(r) > size(l),
            JoinKind::Left => size(r) > 4.0 * size(l),
            _ => false,
        };
        let inputs = l.node.cost.total + r.node.cost.total;
        let (probe, build) = if swap { (r.rows(), l.rows()) } else { (l.rows(), r.rows()) };
        let hash_cost =
            inputs + hash_join_cost(probe, build, rows, keys).1 + penalty(self.cx, "enable_hashjoin");
        let loop_cost = inputs
            + l.rows() * r.rows() * (CPU_OPERATOR * (on.len() as f64) + CPU_TUPLE * 0.5)
            + rows * CPU_TUPLE
            + if keys > 0 { penalty(self.cx, "enable_nestloop") } else { 0.0 };
        // A hash join beats sorting both sides at any size; merging is for those who turned hashing off.
        let merge_cost = match penalty(self.cx, "enable_hashjoin") {
            0.0 => f64::MAX,
            _ => self.merge_cost(l, r, &conditions, rows) + inputs + penalty(self.cx, "enable_mergejoin"),
        };

        let limited = want.limit.filter(|_| want.order.is_empty() || provides(&l.order, &want.order));
        if let Some(cost) = self.index_loop_cost(kind, l, right, on, &inner_need, rows) {
            let best_other = if keys > 0 { hash_cost.min(merge_cost) } else { loop_cost };
            let cost = l.node.cost.total + cost + penalty(self.cx, "enable_nestloop");
            // Under a limit a nested loop need not run to its end.
            let share = limited.map_or(1.0, |n| (n / rows).clamp(0.0, 1.0));
            if cost * share < best_other {
                return self.index_loop(kind, lowered_left, right, on, &inner_need, rows, cost);
            }
        }
        if kind == JoinKind::Inner
            && want.order.is_empty()
            && let Some(cost) = self.index_loop_cost(kind, r, left, on, &inner_need, rows)
        {
            let cost = r.node.cost.total + cost + penalty(self.cx, "enable_nestloop");
            let best_other = if keys > 0 { hash_cost.min(merge_cost) } else { loop_cost };
            if cost < best_other {
                return self.index_loop(kind, lowered_right, left, on, &inner_need, rows, cost);
            }
        }
        if keys > 0 && want.limit.is_none() {
            let limit = hash_cost.min(merge_cost) - penalty(self.cx, "enable_nestloop");
            let looked_up =
                self.group_lookup(kind, &lowered_left, &left_columns, right, on, &inner_need, limit)?;
            if let Some(joined) = looked_up {
                return Ok(joined);
            }
            if kind == JoinKind::Inner
                && let Some(joined) =
                    self.group_lookup(kind, &lowered_right, &right_columns, left, on, &inner_need, limit)?
            {
                return Ok(joined);
            }
        }
        if keys > 0 && hash_cost <= merge_cost && (hash_cost <= loop_cost || l.rows() * r.rows() > 100.0) {
            return self.hash_join(
                kind,
                lowered_left,
                lowered_right,
                conditions,
                mark,
                swap,
                rows,
                hash_cost,
            );
        }
        if keys > 0 && merge_cost < hash_cost && merge_cost < loop_cost && mergeable(kind) {
            return self.merge_join(kind, lowered_left, lowered_right, conditions, rows, merge_cost);
        }
        if keys > 0 && (hash_cost < crate::optimize::cost::DISABLED || kind == JoinKind::NullAwareAnti) {
            return self.hash_join(
                kind,
                lowered_left,
                lowered_right,
                conditions,
                mark,
                swap,
                rows,
                hash_cost,
            );
        }
        self.nested_loop(kind, lowered_left, lowered_right, on, mark, rows, loop_cost)
    }

    /// Sorts the conditions of a join into equalities of both sides and others.
    fn split_conditions(&self, on: &[Expr], left: &ColumnSet, right: &ColumnSet) -> Conditions {
        let mut out = Conditions::default();
        for e in on {
            match self.as_key(e, left, right) {
                Some(pair) => out.keys.push(pair),
                None => out.residual.push(e.clone()),
            }
        }
        out
    }

    /// `l = r` with `l` over the left and `r` over the right side, brought to one type.
    pub(super) fn as_key(&self, e: &Expr, left: &ColumnSet, right: &ColumnSet) -> Option<(Expr, Expr)> {
        if operator_name(e) != Some("=") {
            return None;
        }
        let ExprKind::Call { args, operator, .. } = &e.kind else { return None };
        if !crate::func::operator_by_oid(*operator).is_some_and(|o| o.hashes) {
            return None;
        }
        let [a, b] = args.as_slice() else { return None };
        let (ca, cb) = (self.parts().columns_of(a), self.parts().columns_of(b));
        // A key has to come from its side; constants are not worth hashing.
        let on_side =
            |c: &ColumnSet, side: &ColumnSet, other: &ColumnSet| c.intersects(side) && !c.intersects(other);
        let (l, r) = if on_side(&ca, left, right) && on_side(&cb, right, left) {
            (a, b)
        } else if on_side(&cb, left, right) && on_side(&ca, right, left) {
            (b, a)
        } else {
            return None;
        };
        if l.ty.oid == r.ty.oid {
            return Some((l.clone(), r.clone()));
        }
        if let Some(l) = widened(l, r.ty.oid) {
            return Some((l, r.clone()));
        }
        widened(r, l.ty.oid).map(|r| (l.clone(), r))
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a join")]
    fn hash_join(
        &mut self,
        kind: JoinKind,
        left: Lowered,
        right: Lowered,
        conditions: Conditions,
        mark: Option<ColumnId>,
        swap: bool,
        rows: f64,
        total: f64,
    ) -> Result<Lowered> {
        let (kind, left, right, keys) = if swap {
            let keys = conditions.keys.into_iter().map(|(l, r)| (r, l)).collect();
            (if kind == JoinKind::Left { JoinKind::Right } else { kind }, right, left, keys)
        } else {
            (kind, left, right, conditions.keys)
        };
        let keys = self.slotted_pairs(keys, &left, &right)?;
        let (slots, both) = output_slots(kind, &left, &right, mark);
        let residual = self.slotted_all(&conditions.residual, &both)?;
        let startup = right.node.cost.total + right.rows() * (HASH_PROBE + HASH_BUILD);
        // A hash join that spills works part by part, and an outer one emits rows without partner late: no order can be relied on.
        let order = Vec::new();
        let op =
            Op::HashJoin { kind, left: Box::new(left.node), right: Box::new(right.node), keys, residual };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }

    fn slotted_pairs(
        &mut self,
        keys: Vec<(Expr, Expr)>,
        left: &Lowered,
        right: &Lowered,
    ) -> Result<Vec<(Expr, Expr)>> {
        let mut out = Vec::with_capacity(keys.len());
        for (l, r) in keys {
            out.push((self.slotted(&l, &left.slots)?, self.slotted(&r, &right.slots)?));
        }
        Ok(out)
    }

    /// Cost of a merge join beside its inputs, sorts included.
    fn merge_cost(&self, left: &Lowered, right: &Lowered, conditions: &Conditions, rows: f64) -> f64 {
        let Some((l, r)) = merge_orders(conditions) else { return f64::MAX };
        let sort = |input: &Lowered, order: &[OrderKey]| {
            if provides(&input.order, order) { 0.0 } else { sort_cost(input.rows(), None) }
        };
        sort(left, &l)
            + sort(right, &r)
            + (left.rows() + right.rows()) * CPU_OPERATOR * 2.0
            + rows * CPU_TUPLE
    }

    fn merge_join(
        &mut self,
        kind: JoinKind,
        mut left: Lowered,
        mut right: Lowered,
        conditions: Conditions,
        rows: f64,
        total: f64,
    ) -> Result<Lowered> {
        let Some((l, r)) = merge_orders(&conditions) else {
            return self.hash_join(kind, left, right, conditions, None, false, rows, total);
        };
        if !provides(&left.order, &l) {
            left = self.sort(left, &l, None)?;
        }
        if !provides(&right.order, &r) {
            right = self.sort(right, &r, None)?;
        }
        let keys = self.slotted_pairs(conditions.keys, &left, &right)?;
        let (slots, both) = output_slots(kind, &left, &right, None);
        let residual = self.slotted_all(&conditions.residual, &both)?;
        let startup = left.node.cost.startup + right.node.cost.startup;
        let order = if streams_left(kind) { left.order.clone() } else { Vec::new() };
        let op =
            Op::MergeJoin { kind, left: Box::new(left.node), right: Box::new(right.node), keys, residual };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a join")]
    fn nested_loop(
        &mut self,
        kind: JoinKind,
        left: Lowered,
        right: Lowered,
        on: &[Expr],
        mark: Option<ColumnId>,
        rows: f64,
        total: f64,
    ) -> Result<Lowered> {
        let (slots, both) = output_slots(kind, &left, &right, mark);
        let conditions = self.slotted_all(on, &both)?;
        let startup = left.node.cost.startup + right.node.cost.startup;
        let order = if streams_left(kind) { left.order.clone() } else { Vec::new() };
        let op = Op::NestedLoop {
            kind,
            left: Box::new(left.node),
            right: Box::new(right.node),
            params: Vec::new(),
            conditions,
        };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }

    /// The right side is run for each left row, whose columns it sees as exec params.
    pub(super) fn lateral_join(
        &mut self,
        kind: JoinKind,
        left: Lowered,
        right: &Logical,
        on: &[Expr],
        mark: Option<ColumnId>,
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let free = self.parts().free(right);
        let (params, depth) = self.bind_outer(&left, &free)?;
        let right = self.lower(right, need, &Want::default());
        self.outer.truncate(depth);
        let right = right?;
        let (slots, both) = output_slots(kind, &left, &right, mark);
        let conditions = self.slotted_all(on, &both)?;
        let rows = self.estimator.join_rows(kind, left.rows(), right.rows(), on);
        let total = left.node.cost.total + left.rows() * right.node.cost.total + rows * CPU_TUPLE;
        let startup = left.node.cost.startup + right.node.cost.startup;
        let order = if streams_left(kind) { left.order.clone() } else { Vec::new() };
        let op = Op::NestedLoop {
            kind,
            left: Box::new(left.node),
            right: Box::new(right.node),
            params,
            conditions,
        };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }

    /// Makes exec params of the left columns among `free`: the params to set, and the depth to return to.
    fn bind_outer(&mut self, left: &Lowered, free: &ColumnSet) -> Result<(Vec<(u32, Expr)>, usize)> {
        let depth = self.outer.len();
        let mut params = Vec::new();
        let ids: Vec<ColumnId> = free.iter().filter(|&id| left.slot(id).is_some()).collect();
        for id in ids {
            let param = self.new_param();
            params.push((param, self.slot_expr(id, &left.slots)?));
            self.outer.push((id, param));
        }
        Ok((params, depth))
    }

    /// The scan that a nested loop could run by an index, with its own conditions.
    fn index_inner<'p>(
        kind: JoinKind,
        right: &'p Logical,
        on: &[Expr],
    ) -> Option<(&'p LogicalScan, Vec<Expr>)> {
        if !matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti) {
            return None;
        }
        if on.iter().any(Expr::has_subquery) {
            return None;
        }
        match right {
            Logical::Scan(scan) => Some((scan, on.to_vec())),
            Logical::Filter { input, conditions } => match &**input {
                Logical::Scan(scan) => Some((scan, conditions.iter().chain(on).cloned().collect())),
                _ => None,
            },
            _ => None,
        }
    }

    /// Cost of running the inner scan by an index once per left row; `None` without a usable index.
    fn index_loop_cost(
        &self,
        kind: JoinKind,
        left: &Lowered,
        right: &Logical,
        on: &[Expr],
        need: &ColumnSet,
        rows: f64,
    ) -> Option<f64> {
        let (scan, conditions) = Self::index_inner(kind, right, on)?;
        let path = self.path(scan, &conditions, need, &Want::default());
        let index = path.index.as_ref()?;
        let own = ColumnSet::of(scan.columns.iter().map(|c| c.0));
        // It has to be the join condition that the index answers.
        let joins = index.shown.iter().any(|e| !self.parts().columns_of(e).within(&own));
        if !joins {
            return None;
        }
        let mut per_row = match kind {
            // The first match ends the search.
            JoinKind::Semi | JoinKind::Anti => {
                path.startup + (path.total - path.startup) / path.rows.max(1.0)
            }
            _ => path.total,
        };
        // Left rows that come in the order of the key look up neighbours.
        let key = index.shown.first().and_then(comparison).map(|c| [Some(c.column), plain_column(c.other)]);
        let outer = key.into_iter().flatten().flatten().find_map(|id| left.slot(id));
        if outer.is_some_and(|slot| self.rises(&left.node, slot as usize)) {
            let saved = if path.clustered && !index.index_only { DESCENT + VISIT } else { DESCENT };
            per_row = (per_row - saved).max(0.0) + NEAR;
        }
        Some(left.rows() * per_row + rows * CPU_TUPLE)
    }

    /// Whether the rows of a node mostly come in ascending order of a slot.
    fn rises(&self, node: &Node, slot: usize) -> bool {
        match &node.op {
            Op::SeqScan(scan) | Op::IndexScan { scan, .. } | Op::IndexSearch { scan, .. } => {
                match scan.columns.get(slot) {
                    Some(ScanColumn::Attribute(i)) => {
                        self.estimator.relation_correlation(scan.relation.oid, *i) > CLUSTERED
                    }
                    Some(ScanColumn::RowId) => true,
                    _ => false,
                }
            }
            Op::Filter { input, .. } | Op::Materialize(input) => self.rises(input, slot),
            Op::Project { input, exprs } => match exprs.get(slot).map(|e| &e.kind) {
                Some(ExprKind::Column(from)) => self.rises(input, *from as usize),
                _ => false,
            },
            Op::HashJoin { left, .. } | Op::NestedLoop { left, .. } => {
                slot < left.types.len() && self.rises(left, slot)
            }
            Op::Sort { keys, .. } => keys.first().is_some_and(|k| k.slot as usize == slot && !k.descending),
            _ => false,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a join")]
    fn index_loop(
        &mut self,
        kind: JoinKind,
        left: Lowered,
        right: &Logical,
        on: &[Expr],
        need: &ColumnSet,
        rows: f64,
        total: f64,
    ) -> Result<Lowered> {
        let Some((scan, conditions)) = Self::index_inner(kind, right, on) else {
            return Err(crate::SqlError::internal("no index loop"));
        };
        let used = self.parts().columns_of_all(on);
        let (params, depth) = self.bind_outer(&left, &used)?;
        let right = self.lower_scan(scan, &conditions, need, &Want::default());
        self.outer.truncate(depth);
        let right = right?;
        let (slots, _) = output_slots(kind, &left, &right, None);
        let startup = left.node.cost.startup;
        let order = if streams_left(kind) { left.order.clone() } else { Vec::new() };
        let op = Op::NestedLoop {
            kind,
            left: Box::new(left.node),
            right: Box::new(right.node),
            params,
            conditions: Vec::new(),
        };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }
}

/// Output slots, and the slots that conditions see (always both sides).
fn output_slots(
    kind: JoinKind,
    left: &Lowered,
    right: &Lowered,
    mark: Option<ColumnId>,
) -> (Vec<ColumnId>, Vec<ColumnId>) {
    let both: Vec<ColumnId> = left.slots.iter().chain(&right.slots).copied().collect();
    let slots = match kind {
        JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti => left.slots.clone(),
        JoinKind::Mark => left.slots.iter().copied().chain(mark).collect(),
        _ => both.clone(),
    };
    (slots, both)
}

/// Whether a join yields the left rows in their order.
fn streams_left(kind: JoinKind) -> bool {
    !matches!(kind, JoinKind::Right | JoinKind::Full)
}

fn mergeable(kind: JoinKind) -> bool {
    matches!(
        kind,
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::Semi | JoinKind::Anti
    )
}

/// The orders that a merge join wants of its sides, if all keys are columns.
fn merge_orders(conditions: &Conditions) -> Option<(Vec<OrderKey>, Vec<OrderKey>)> {
    if conditions.keys.is_empty() {
        return None;
    }
    let key = |e: &Expr| match e.kind {
        ExprKind::Column(column) => Some(OrderKey { column, descending: false, nulls_first: false }),
        _ => None,
    };
    let left = conditions.keys.iter().map(|k| key(&k.0)).collect::<Option<Vec<_>>>()?;
    let right = conditions.keys.iter().map(|k| key(&k.1)).collect::<Option<Vec<_>>>()?;
    Some((left, right))
}

/// Bytes that a hash table over a side takes.
fn size(side: &Lowered) -> f64 {
    side.rows() * (side.node.cost.width + 16.0)
}

/// An expression cast to another type if every value survives and equality is kept.
fn widened(e: &Expr, to: Oid) -> Option<Expr> {
    if !crate::optimize::estimate::is_widening(e.ty.oid, to) {
        return None;
    }
    match find_coercion(e.ty.oid, to, CastContext::Implicit)? {
        Coercion::Function(func) if func.args.len() == 1 => Some(Expr::new(
            ExprKind::Call { func, args: vec![e.clone()], operator: 0, form: CallForm::Coerced },
            DataType::of(to),
        )),
        _ => None,
    }
}
