//! Operators over one input: projection, aggregation, windows, sort, distinct, limit; and UNION ALL.

use super::{Lower, Lowered};
use crate::error::Result;
use crate::func::resolve::resolve_operator;
use crate::optimize::access::{OrderKey, Want, provides};
use crate::optimize::columns::ColumnSet;
use crate::optimize::cost::{CPU_OPERATOR, CPU_TUPLE, penalty, sort_cost};
use crate::optimize::estimate::plain_column;
use crate::plan::expr::{AggregateCall, CallForm, ColumnId, Expr, ExprKind, SortKey, WindowCall};
use crate::plan::logical::Logical;
use crate::plan::physical::{AggregateStrategy, Op, ScanColumn};
use crate::types::{DataType, Datum, oid};

/// The order that an aggregate's ORDER BY asks for, if it is over columns.
fn order_keys(call: &AggregateCall) -> Option<Vec<OrderKey>> {
    let key = |k: &SortKey| match k.expr.kind {
        ExprKind::Column(column) => {
            Some(OrderKey { column, descending: k.descending, nulls_first: k.nulls_first })
        }
        _ => None,
    };
    call.order.iter().map(key).collect()
}

/// The order that serves most of the aggregates.
fn best_order(calls: &[&(ColumnId, AggregateCall)]) -> Vec<OrderKey> {
    let orders: Vec<Vec<OrderKey>> =
        calls.iter().filter(|c| !c.1.distinct).filter_map(|c| order_keys(&c.1)).collect();
    let mut best: (usize, &[OrderKey]) = (0, &[]);
    for order in orders.iter().filter(|o| !o.is_empty()) {
        let served = orders.iter().filter(|o| !o.is_empty() && provides(order, o)).count();
        if served > best.0 {
            best = (served, order);
        }
    }
    best.1.to_vec()
}

impl Lower<'_> {
    pub(crate) fn lower_project(
        &mut self,
        input: &Logical,
        exprs: &[(ColumnId, Expr)],
        need: &ColumnSet,
        want: &Want,
    ) -> Result<Lowered> {
        let kept: Vec<&(ColumnId, Expr)> = exprs.iter().filter(|e| need.contains(e.0)).collect();
        let inner_need = self.parts().columns_of_all(kept.iter().map(|e| &e.1));
        // A wanted column that is only renamed is wanted below.
        let source = |id: ColumnId| match exprs.iter().find(|e| e.0 == id).map(|e| &e.1.kind) {
            Some(ExprKind::Column(source)) => Some(*source),
            _ => None,
        };
        let order: Option<Vec<OrderKey>> =
            want.order.iter().map(|k| source(k.column).map(|column| OrderKey { column, ..*k })).collect();
        let inner_want = Want { order: order.unwrap_or_default(), limit: want.limit };
        // A single row of expressions takes the projection's in its place.
        if input.is_one_row() {
            let columns: Vec<ColumnId> = kept.iter().map(|e| e.0).collect();
            let row: Vec<Expr> = kept.iter().map(|e| e.1.clone()).collect();
            return self.lower_values(&columns, &[row], need);
        }
        let input = self.lower(input, &inner_need, &inner_want)?;
        let slots: Vec<ColumnId> = kept.iter().map(|e| e.0).collect();
        let mut out = Vec::with_capacity(kept.len());
        for (_, e) in &kept {
            out.push(self.slotted(e, &input.slots)?);
        }
        let order = input
            .order
            .iter()
            .map_while(|k| {
                let renamed =
                    kept.iter().find(|e| matches!(e.1.kind, ExprKind::Column(c) if c == k.column))?;
                Some(OrderKey { column: renamed.0, ..*k })
            })
            .collect();
        // Projections over projections of plain columns are one.
        let mut lowered = self.project(input, out, slots);
        lowered.order = order;
        Ok(lowered)
    }

    pub(crate) fn lower_project_set(
        &mut self,
        input: &Logical,
        exprs: &[(ColumnId, Expr)],
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let kept: Vec<&(ColumnId, Expr)> =
            exprs.iter().filter(|e| need.contains(e.0) || e.1.is_set()).collect();
        let inner_need = self.parts().columns_of_all(kept.iter().map(|e| &e.1));
        let input = self.lower(input, &inner_need, &Want::default())?;
        let slots: Vec<ColumnId> = kept.iter().map(|e| e.0).collect();
        let mut out = Vec::with_capacity(kept.len());
        for (_, e) in &kept {
            out.push(self.slotted(e, &input.slots)?);
        }
        let rows = input.rows() * 10.0;
        let (startup, total) = (input.node.cost.startup, input.node.cost.total + rows * CPU_TUPLE);
        let op = Op::ProjectSet { input: Box::new(input.node), exprs: out };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order: Vec::new() })
    }

    pub(crate) fn lower_aggregate(
        &mut self,
        input: &Logical,
        group: &[(ColumnId, Expr)],
        sets: &[Vec<u32>],
        grouping_mask: Option<ColumnId>,
        aggregates: &[(ColumnId, AggregateCall)],
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let kept: Vec<&(ColumnId, AggregateCall)> =
            aggregates.iter().filter(|a| need.contains(a.0)).collect();
        let mut inner = self.parts().columns_of_all(group.iter().map(|g| &g.1));
        for (_, call) in &kept {
            let exprs = call.args.iter().chain(call.order.iter().map(|k| &k.expr)).chain(&call.filter);
            inner.union(&self.parts().columns_of_all(exprs));
        }
        // Input in the order of the groups needs no hash table; it is asked for when hashing is off.
        let keys: Option<Vec<OrderKey>> = group
            .iter()
            .map(|(_, e)| match e.kind {
                ExprKind::Column(column) => Some(OrderKey { column, descending: false, nulls_first: false }),
                _ => None,
            })
            .collect();
        let ordered_call = kept.iter().any(|a| a.1.distinct || !a.1.order.is_empty());
        let plain = group.is_empty() && sets.is_empty() && grouping_mask.is_none();
        let extreme = match kept.as_slice() {
            [(_, call)] if plain => self.extreme_row(input, call, &inner)?,
            _ => None,
        };
        let input = match extreme {
            Some(row) => row,
            None => self.lower(input, &inner, &Want::default())?,
        };
        let rows_in = input.rows();
        let rows = if group.is_empty() && sets.is_empty() {
            1.0
        } else if sets.is_empty() {
            self.estimator.groups(group.iter().map(|g| &g.1), rows_in)
        } else {
            sets.iter().map(|s| self.estimator.groups(s.iter().map(|&i| &group[i as usize].1), rows_in)).sum()
        };
        let sorted = |order: &[OrderKey]| {
            !group.is_empty()
                && group.iter().all(|(_, e)| {
                    matches!(e.kind, ExprKind::Column(c) if order.iter().take(group.len()).any(|k| k.column == c))
                })
        };
        let mut input = input;
        // One sort serves every aggregate that wants its order, and may go to disk; all others get their rows in it, too.
        let presorted = if sets.is_empty() { best_order(&kept) } else { Vec::new() };
        if !presorted.is_empty() && !provides(&input.order, &presorted) {
            input = self.sort(input, &presorted, None)?;
        }
        let strategy = match () {
            () if group.is_empty() && sets.is_empty() => AggregateStrategy::Plain,
            () if !sets.is_empty() => AggregateStrategy::Hash,
            () if sorted(&input.order) => AggregateStrategy::Sorted,
            () if penalty(self.cx, "enable_hashagg") > 0.0 && keys.is_some() && !ordered_call => {
                input = self.sort(input, keys.as_deref().unwrap_or_default(), None)?;
                AggregateStrategy::Sorted
            }
            () => AggregateStrategy::Hash,
        };
        let mut group_exprs = Vec::with_capacity(group.len());
        for (_, e) in group {
            group_exprs.push(self.slotted(e, &input.slots)?);
        }
        let mut calls = Vec::with_capacity(kept.len());
        for (_, call) in &kept {
            let filter = match &call.filter {
                Some(e) => Some(self.slotted(e, &input.slots)?),
                None => None,
            };
            calls.push(AggregateCall {
                func: call.func,
                user: call.user.clone(),
                args: self.slotted_all(&call.args, &input.slots)?,
                distinct: call.distinct,
                order: match order_keys(call) {
                    Some(keys) if provides(&presorted, &keys) && !call.distinct => Vec::new(),
                    _ => self.slotted_keys(&call.order, &input.slots)?,
                },
                filter,
                ty: call.ty,
            });
        }
        let mut slots: Vec<ColumnId> = group.iter().map(|g| g.0).collect();
        slots.extend(kept.iter().map(|a| a.0));
        slots.extend(grouping_mask);
        let work = rows_in * (CPU_OPERATOR * (group.len() + calls.len()) as f64);
        let (startup, total) = match strategy {
            AggregateStrategy::Sorted => {
                (input.node.cost.startup, input.node.cost.total + work + rows * CPU_TUPLE)
            }
            _ => (input.node.cost.total + work, input.node.cost.total + work + rows * CPU_TUPLE),
        };
        let order = match strategy {
            AggregateStrategy::Sorted => input
                .order
                .iter()
                .map_while(|k| {
                    let (id, _) =
                        group.iter().find(|(_, e)| matches!(e.kind, ExprKind::Column(c) if c == k.column))?;
                    Some(OrderKey { column: *id, ..*k })
                })
                .collect(),
            _ => Vec::new(),
        };
        let op = Op::Aggregate {
            strategy,
            input: Box::new(input.node),
            group: group_exprs,
            sets: sets.to_vec(),
            aggregates: calls,
        };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }

    pub(crate) fn lower_window(
        &mut self,
        input: &Logical,
        calls: &[(ColumnId, WindowCall)],
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let kept: Vec<&(ColumnId, WindowCall)> = calls.iter().filter(|c| need.contains(c.0)).collect();
        if kept.is_empty() {
            return self.lower(input, need, &Want::default());
        }
        let mut inner = need.clone();
        let probe = Logical::Window {
            input: Box::new(Logical::one_row()),
            calls: kept.iter().map(|c| (c.0, c.1.clone())).collect(),
        };
        probe.each_expr(&mut |e| self.parts().expr_columns(e, &mut inner));
        let input = self.lower(input, &inner, &Want::default())?;
        let mut slots = input.slots.clone();
        let mut out = Vec::with_capacity(kept.len());
        for (id, call) in kept {
            let mut call = call.clone();
            let mut plan =
                Logical::Window { input: Box::new(Logical::one_row()), calls: vec![(*id, call.clone())] };
            let mut result = Ok(());
            plan.each_expr_mut(&mut |e| {
                if result.is_ok() {
                    match self.slotted(e, &input.slots) {
                        Ok(done) => *e = done,
                        Err(error) => result = Err(error),
                    }
                }
            });
            result?;
            if let Logical::Window { mut calls, .. } = plan
                && let Some((_, done)) = calls.pop()
            {
                call = done;
            }
            out.push(call);
            slots.push(*id);
        }
        let rows = input.rows();
        let total = input.node.cost.total + rows * (CPU_TUPLE + CPU_OPERATOR * out.len() as f64);
        let (startup, order) = (input.node.cost.startup, input.order.clone());
        let op = Op::Window { input: Box::new(input.node), calls: out };
        let node = self.node(op, &slots, startup, total, rows);
        Ok(Lowered { node, slots, order })
    }

    /// Sort keys as columns.
    fn order_keys(keys: &[SortKey]) -> Vec<OrderKey> {
        keys.iter()
            .filter_map(|k| match k.expr.kind {
                ExprKind::Column(column) => {
                    Some(OrderKey { column, descending: k.descending, nulls_first: k.nulls_first })
                }
                _ => None,
            })
            .collect()
    }

    pub(crate) fn lower_sort(
        &mut self,
        input: &Logical,
        keys: &[SortKey],
        need: &ColumnSet,
        top: Option<(Expr, f64)>,
    ) -> Result<Lowered> {
        let order = Self::order_keys(keys);
        let mut inner = need.clone();
        inner.extend(order.iter().map(|k| k.column));
        let limit = top.as_ref().map(|t| t.1);
        let want = Want { order: order.clone(), limit };
        let input = self.lower(input, &inner, &want)?;
        if provides(&input.order, &order) {
            return Ok(input);
        }
        self.sort(input, &order, top)
    }

    /// A sort node.
    pub(crate) fn sort(
        &mut self,
        input: Lowered,
        order: &[OrderKey],
        top: Option<(Expr, f64)>,
    ) -> Result<Lowered> {
        let rows = input.rows();
        let keys = self.sort_slots(order, &input.slots)?;
        let presorted = input.order.iter().zip(order).take_while(|(a, b)| a == b).count() as u32;
        let kept = top.as_ref().map(|t| t.1);
        let startup = input.node.cost.total + sort_cost(rows, kept) + penalty(self.cx, "enable_sort");
        let total = startup + rows * CPU_OPERATOR;
        let top = match top {
            Some((e, _)) => Some(Box::new(self.slotted(&e, &[])?)),
            None => None,
        };
        let op = Op::Sort { input: Box::new(input.node), keys, presorted, top };
        let node = self.node(op, &input.slots, startup, total, rows);
        Ok(Lowered { node, slots: input.slots, order: order.to_vec() })
    }

    pub(crate) fn lower_distinct(
        &mut self,
        input: &Logical,
        on: &[ColumnId],
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let mut inner = need.clone();
        inner.extend(on.iter().copied());
        let input = self.lower(input, &inner, &Want::default())?;
        let rows_in = input.rows();
        let columns =
            on.iter().fold(1.0, |p: f64, &id| (p * self.estimator.distinct(id, rows_in)).min(rows_in));
        let slots: Vec<u32> = on.iter().filter_map(|&id| input.slot(id)).collect();
        let leads = input.order.len() >= on.len()
            && input.order.iter().take(on.len()).all(|k| on.contains(&k.column));
        let sorted = leads && !on.is_empty();
        let total = input.node.cost.total + rows_in * CPU_OPERATOR * on.len() as f64;
        let startup = if sorted { input.node.cost.startup } else { total };
        let order = if sorted { input.order.clone() } else { Vec::new() };
        let op = Op::Distinct { input: Box::new(input.node), slots, sorted };
        let node = self.node(op, &input.slots, startup, total + columns * CPU_TUPLE, columns);
        Ok(Lowered { node, slots: input.slots, order })
    }

    /// The one row that `min` or `max` of a column is found in, if an index leads to it: the first that is not NULL.
    fn extreme_row(
        &mut self,
        input: &Logical,
        call: &AggregateCall,
        need: &ColumnSet,
    ) -> Result<Option<Lowered>> {
        let (scan, conditions) = match input {
            Logical::Scan(scan) => (scan, &[][..]),
            Logical::Filter { input, conditions } => match &**input {
                Logical::Scan(scan) => (scan, &conditions[..]),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let descending = match call.func.name {
            "min" => false,
            "max" => true,
            _ => return Ok(None),
        };
        let [arg] = call.args.as_slice() else { return Ok(None) };
        let Some(column) = plain_column(arg) else { return Ok(None) };
        if call.filter.is_some() || !call.order.is_empty() || conditions.iter().any(Expr::has_subquery) {
            return Ok(None);
        }
        let nullable = scan.columns.iter().any(|&(id, what)| {
            id == column && matches!(what, ScanColumn::Attribute(i) if !scan.relation.never_null(i))
        });
        let mut conditions = conditions.to_vec();
        if nullable {
            let value = Box::new(Expr::column(column, self.type_of(column)));
            let present = ExprKind::IsNull { value, negated: true };
            conditions.push(Expr::new(present, DataType::of(oid::BOOL)));
        }
        let whole = self.path(scan, &conditions, need, &Want::default());
        // An index holds NULLs where it says; a backward scan turns that round.
        for nulls_first in [descending, !descending] {
            let order = vec![OrderKey { column, descending, nulls_first }];
            let want = Want { order, limit: Some(1.0) };
            let path = self.path(scan, &conditions, need, &want);
            let first = path.startup + (path.total - path.startup) / path.rows.max(1.0);
            if path.index.is_none() || !provides(&path.order, &want.order) || first >= whole.total {
                continue;
            }
            let row = self.lower_scan(scan, &conditions, need, &want)?;
            let cost = row.node.cost;
            let one = Expr::constant(Datum::Int8(1), DataType::of(oid::INT8));
            let slots = row.slots.clone();
            let op =
                Op::Limit { input: Box::new(row.node), offset: None, count: Some(one), ties: Vec::new() };
            let node = self.node(op, &slots, cost.startup, first, 1.0);
            return Ok(Some(Lowered { node, slots, order: row.order }));
        }
        Ok(None)
    }

    pub(crate) fn lower_limit(
        &mut self,
        input: &Logical,
        offset: Option<&Expr>,
        count: Option<&Expr>,
        ties: &[ColumnId],
        need: &ColumnSet,
    ) -> Result<Lowered> {
        let mut inner = need.clone();
        inner.extend(ties.iter().copied());
        let kept = count.map(|c| {
            constant_count(c).unwrap_or(100.0) + offset.map_or(0.0, |o| constant_count(o).unwrap_or(100.0))
        });
        let input = match (input, count) {
            (Logical::Sort { input, keys }, Some(count))
                if ties.is_empty() && !count.has_subquery() && offset.is_none_or(|e| !e.has_subquery()) =>
            {
                let top = match offset {
                    None => Some(count.clone()),
                    Some(offset) => add_counts(count, offset),
                };
                let top = top.map(|e| (e, kept.unwrap_or(100.0)));
                self.lower_sort(input, keys, &inner, top)?
            }
            (other, _) => self.lower(other, &inner, &Want { order: Vec::new(), limit: kept })?,
        };
        let rows_in = input.rows();
        let rows = kept.map_or(rows_in, |k| k.min(rows_in));
        let cost = input.node.cost;
        let total = cost.startup + (cost.total - cost.startup) * (rows / rows_in).clamp(0.0, 1.0);
        let offset = match offset {
            Some(e) => Some(self.slotted(e, &[])?),
            None => None,
        };
        let count = match count {
            Some(e) => Some(self.slotted(e, &[])?),
            None => None,
        };
        let ties = ties.iter().filter_map(|&id| input.slot(id)).collect();
        let op = Op::Limit { input: Box::new(input.node), offset, count, ties };
        let node = self.node(op, &input.slots, cost.startup, total, rows);
        Ok(Lowered { node, slots: input.slots, order: input.order })
    }

    pub(crate) fn lower_union(
        &mut self,
        inputs: &[(Logical, Vec<ColumnId>)],
        columns: &[ColumnId],
    ) -> Result<Lowered> {
        let mut nodes = Vec::with_capacity(inputs.len());
        let (mut rows, mut total) = (0.0, 0.0);
        for (plan, ids) in inputs {
            let lowered = self.lower_exactly(plan, ids)?;
            rows += lowered.rows();
            total += lowered.node.cost.total;
            nodes.push(lowered.node);
        }
        let node = self.node(Op::Append(nodes), columns, 0.0, total + rows * CPU_TUPLE * 0.5, rows);
        Ok(Lowered { node, slots: columns.to_vec(), order: Vec::new() })
    }
}

fn constant_count(e: &Expr) -> Option<f64> {
    match &e.kind {
        ExprKind::Const(Datum::Int8(n)) => Some((*n).max(0) as f64),
        _ => None,
    }
}

/// `count + offset`; `None` leaves the sort complete.
fn add_counts(count: &Expr, offset: &Expr) -> Option<Expr> {
    if let (ExprKind::Const(Datum::Int8(a)), ExprKind::Const(Datum::Int8(b))) = (&count.kind, &offset.kind) {
        return a.checked_add(*b).map(|n| Expr::constant(Datum::Int8(n), DataType::of(oid::INT8)));
    }
    let plus = resolve_operator("+", oid::INT8, oid::INT8).ok()?;
    let kind = ExprKind::Call {
        func: plus.func,
        args: vec![count.clone(), offset.clone()],
        operator: plus.operator.oid,
        form: CallForm::Plain,
    };
    Some(Expr::new(kind, DataType::of(oid::INT8)))
}
