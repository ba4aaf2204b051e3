//! Predicate push-down, outer join reduction, derived equalities, and projections pulled out of joins.
//!
//! Conditions sink as far as they can: through projections (by substitution), sorts, unions, aggregations (over grouping
//! columns), into the sides of joins. On the way an outer join whose NULL-extended rows a condition rejects becomes an
//! inner one, constants spread over equal columns, and common factors are taken out of disjunctions.

use super::columns::ColumnSet;
use super::estimate::operator_name;
use super::rewrite::{Rewriter, Substitution};
use crate::func::leakproof::tells_nothing;
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::Logical;
use crate::plan::physical::JoinKind;
use crate::plan::same::same;

impl Rewriter {
    /// Pushes all conditions of a plan down; `above` are conditions over its outputs.
    pub(crate) fn push(&mut self, plan: Logical, above: Vec<Expr>) -> Logical {
        match plan {
            Logical::Filter { input, conditions } => {
                let mut all = Vec::with_capacity(above.len() + conditions.len());
                conditions.into_iter().chain(above).for_each(|e| add_condition(e, &mut all));
                self.push(*input, all)
            }
            Logical::Project { input, exprs } => self.push_project(*input, exprs, above),
            Logical::Join { kind, left, right, on, mark } => {
                self.push_join(kind, *left, *right, on, mark, above)
            }
            Logical::Aggregate { input, group, sets, grouping_mask, aggregates } => {
                let keys = ColumnSet::of(group.iter().map(|g| g.0));
                let results = ColumnSet::of(aggregates.iter().map(|a| a.0).chain(grouping_mask));
                let map: Substitution = group.iter().cloned().collect();
                let (mut down, mut up) = (Vec::new(), Vec::new());
                for mut e in above {
                    // Columns from outside (of a lateral join) are constants here.
                    let columns = self.parts().columns_of(&e);
                    let pushable = sets.is_empty()
                        && columns.intersects(&keys)
                        && !columns.intersects(&results)
                        && self.is_movable(&e);
                    if pushable
                        && group.iter().filter(|g| columns.contains(g.0)).all(|g| self.is_movable(&g.1))
                    {
                        self.substitute(&mut e, &map);
                        down.push(e);
                    } else {
                        up.push(e);
                    }
                }
                let input = Box::new(self.push(*input, down));
                Logical::Aggregate { input, group, sets, grouping_mask, aggregates }.filter(up)
            }
            Logical::SecurityBarrier { input } => {
                let (down, up) = above.into_iter().partition(tells_nothing);
                Logical::SecurityBarrier { input: Box::new(self.push(*input, down)) }.filter(up)
            }
            Logical::Sort { input, keys } => {
                let input = Box::new(self.push(*input, above));
                Logical::Sort { input, keys }
            }
            Logical::Distinct { input, on, ordered } => {
                let keys = ColumnSet::of(on.iter().copied());
                let (down, up) = above.into_iter().partition(|e: &Expr| {
                    !ordered && self.parts().columns_of(e).within(&keys) && self.is_movable(e)
                });
                let input = Box::new(self.push(*input, down));
                Logical::Distinct { input, on, ordered }.filter(up)
            }
            Logical::Union { inputs, columns } => {
                let (down, up): (Vec<Expr>, Vec<Expr>) = above.into_iter().partition(|e| self.is_movable(e));
                let mut out = Vec::with_capacity(inputs.len());
                for (input, ids) in inputs {
                    let map: Substitution =
                        columns.iter().copied().zip(ids.iter().map(|&id| self.column(id))).collect();
                    let mut own = down.clone();
                    self.substitute_all(&mut own, &map);
                    out.push((self.push(input, own), ids));
                }
                Logical::Union { inputs: out, columns }.filter(up)
            }
            mut other => {
                other.each_input_mut(&mut |input| {
                    let taken = std::mem::replace(input, Logical::one_row());
                    *input = self.push(taken, Vec::new());
                });
                other.filter(above)
            }
        }
    }

    fn push_project(&mut self, input: Logical, exprs: Vec<(ColumnId, Expr)>, above: Vec<Expr>) -> Logical {
        let map: Substitution = exprs.iter().cloned().collect();
        let (mut down, mut up) = (Vec::new(), Vec::new());
        for mut e in above {
            let columns = self.parts().columns_of(&e);
            let movable = exprs.iter().filter(|x| columns.contains(x.0)).all(|x| self.is_movable(&x.1));
            if movable && super::fold::volatility(&e) != crate::func::Volatility::Volatile {
                self.substitute(&mut e, &map);
                down.push(e);
            } else {
                up.push(e);
            }
        }
        let input = self.push(input, down);
        // Two projections are one.
        if let (Logical::Project { input: inner, exprs: below }, true) = (&input, up.is_empty())
            && below.iter().all(|x| self.is_movable(&x.1))
            && self.cheap_to_merge(&exprs, below)
        {
            let map: Substitution = below.iter().cloned().collect();
            let mut merged = exprs;
            for (_, e) in &mut merged {
                self.substitute(e, &map);
            }
            return Logical::Project { input: inner.clone(), exprs: merged };
        }
        Logical::Project { input: Box::new(input), exprs }.filter(up)
    }

    /// Whether merging computes nothing twice.
    fn cheap_to_merge(&self, upper: &[(ColumnId, Expr)], lower: &[(ColumnId, Expr)]) -> bool {
        lower.iter().all(|(id, e)| {
            if matches!(e.kind, ExprKind::Column(_) | ExprKind::Const(_) | ExprKind::Param(_)) {
                return true;
            }
            let mut uses = 0;
            for (_, e) in upper {
                e.any(&mut |e| {
                    uses += u32::from(matches!(e.kind, ExprKind::Column(c) if c == *id));
                    false
                });
            }
            uses <= 1
        })
    }

    fn push_join(
        &mut self,
        mut kind: JoinKind,
        left: Logical,
        right: Logical,
        on: Vec<Expr>,
        mark: Option<ColumnId>,
        above: Vec<Expr>,
    ) -> Logical {
        let (left_columns, right_columns) = (self.outputs(&left), self.outputs(&right));
        let mut above: Vec<Expr> = above;
        // Rows that the join filled with NULLs and a condition rejects need not be made.
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            let rejects_right = above.iter().any(|e| rejects_nulls(e, &right_columns));
            let rejects_left =
                kind == JoinKind::Full && above.iter().any(|e| rejects_nulls(e, &left_columns));
            kind = match (kind, rejects_left, rejects_right) {
                (JoinKind::Left, _, true) | (JoinKind::Full, true, true) => JoinKind::Inner,
                (JoinKind::Full, true, false) => JoinKind::Left,
                (JoinKind::Full, false, true) => {
                    return self.push_join(JoinKind::Left, right, left, on, mark, above);
                }
                (same, _, _) => same,
            };
        }
        let (mut to_left, mut to_right, mut here) = (Vec::new(), Vec::new(), Vec::new());
        let mut up = Vec::new();
        match kind {
            JoinKind::Inner => {
                let mut all = on;
                for e in above.drain(..) {
                    add_condition(e, &mut all);
                }
                derive_equalities(&mut all);
                for e in all {
                    let columns = self.parts().columns_of(&e);
                    match (columns.intersects(&left_columns), columns.intersects(&right_columns)) {
                        (true, false) | (false, false) => to_left.push(e),
                        (false, true) => to_right.push(e),
                        (true, true) => {
                            to_left.extend(self.restriction(&e, &left_columns));
                            to_right.extend(self.restriction(&e, &right_columns));
                            here.push(e);
                        }
                    }
                }
            }
            JoinKind::Left => {
                // A constant that a left column equals is a constant for the right column that equals it.
                let mut derived: Vec<Expr> = on.iter().chain(&above).cloned().collect();
                let before = derived.len();
                derive_equalities(&mut derived);
                for e in derived.split_off(before) {
                    if self.parts().columns_of(&e).within(&right_columns) {
                        to_right.push(e);
                    }
                }
                for e in above.drain(..) {
                    if self.parts().columns_of(&e).intersects(&right_columns) {
                        up.push(e)
                    } else {
                        to_left.push(e)
                    }
                }
                for e in on {
                    let columns = self.parts().columns_of(&e);
                    if columns.intersects(&right_columns) && !columns.intersects(&left_columns) {
                        to_right.push(e);
                    } else {
                        here.push(e);
                    }
                }
            }
            JoinKind::Semi | JoinKind::Anti => {
                for e in above.drain(..) {
                    to_left.push(e);
                }
                let mut all = on;
                if kind == JoinKind::Semi {
                    derive_equalities(&mut all);
                }
                for e in all {
                    let columns = self.parts().columns_of(&e);
                    match (columns.intersects(&left_columns), columns.intersects(&right_columns)) {
                        (false, true) => to_right.push(e),
                        (true, false) if kind == JoinKind::Semi => to_left.push(e),
                        _ => here.push(e),
                    }
                }
            }
            JoinKind::NullAwareAnti | JoinKind::Mark => {
                for e in above.drain(..) {
                    if self.parts().columns_of(&e).within(&left_columns) {
                        to_left.push(e)
                    } else {
                        up.push(e)
                    }
                }
                here = on;
            }
            JoinKind::Right | JoinKind::Full => {
                up.append(&mut above);
                here = on;
            }
        }
        let left = self.push(left, to_left);
        let right = self.push(right, to_right);
        self.pull_projections(kind, left, right, here, mark).filter(up)
    }

    /// What a disjunction over both sides of a join says of one side alone.
    fn restriction(&self, e: &Expr, side: &ColumnSet) -> Option<Expr> {
        let within = |e: &Expr| {
            let columns = self.parts().columns_of(e);
            !columns.is_empty() && columns.within(side) && self.is_movable(e)
        };
        arms_within(e, &within)
    }

    /// Takes projections out of the sides of a join, so that joins lie beside joins.
    fn pull_projections(
        &mut self,
        kind: JoinKind,
        left: Logical,
        right: Logical,
        mut on: Vec<Expr>,
        mark: Option<ColumnId>,
    ) -> Logical {
        let plain =
            |exprs: &[(ColumnId, Expr)]| exprs.iter().all(|x| matches!(x.1.kind, ExprKind::Column(_)));
        let mut out: Vec<(ColumnId, Expr)> = Vec::new();
        let mut pulled = false;
        let keeps_right =
            !matches!(kind, JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti | JoinKind::Mark);
        let (left, mut right) = match left {
            Logical::Project { input, exprs }
                if kind != JoinKind::Full
                    && !input.is_one_row()
                    && exprs.iter().all(|x| self.is_movable(&x.1)) =>
            {
                let map: Substitution = exprs.iter().cloned().collect();
                self.substitute_all(&mut on, &map);
                let mut right = right;
                self.substitute_plan(&mut right, &map);
                out.extend(exprs);
                pulled = true;
                (*input, right)
            }
            other => {
                out.extend(other.outputs().into_iter().map(|id| (id, self.column(id))));
                (other, right)
            }
        };
        if let Logical::Project { input, exprs } = &right {
            let movable = match kind {
                JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => {
                    exprs.iter().all(|x| self.is_movable(&x.1))
                }
                // A column of the other side (LATERAL) is NULL with the row, where there is none.
                JoinKind::Left | JoinKind::NullAwareAnti => {
                    let own = input.outputs();
                    let foreign = |e: &Expr| matches!(e.kind, ExprKind::Column(id) if !own.contains(&id));
                    plain(exprs) && !exprs.iter().any(|x| foreign(&x.1))
                }
                _ => false,
            };
            if movable && !input.is_one_row() {
                let map: Substitution = exprs.iter().cloned().collect();
                let (input, exprs) = (input.clone(), exprs.clone());
                self.substitute_all(&mut on, &map);
                if keeps_right {
                    out.extend(exprs);
                    pulled = true;
                }
                right = *input;
            } else if keeps_right {
                out.extend(right.outputs().into_iter().map(|id| (id, self.column(id))));
            }
        } else if keeps_right {
            out.extend(right.outputs().into_iter().map(|id| (id, self.column(id))));
        }
        out.extend(mark.map(|id| (id, self.column(id))));
        let join = Logical::Join { kind, left: Box::new(left), right: Box::new(right), on, mark };
        if pulled { Logical::Project { input: Box::new(join), exprs: out } } else { join }
    }
}

/// Adds a condition, taken apart: conjuncts, and the common factors of a disjunction.
pub(crate) fn add_condition(e: Expr, out: &mut Vec<Expr>) {
    match e.kind {
        ExprKind::And(items) => items.into_iter().for_each(|e| add_condition(e, out)),
        ExprKind::Or(items) => factor_or(Expr { kind: ExprKind::Or(items), ..e }, out),
        kind => {
            let e = Expr { kind, ..e };
            if !out.iter().any(|o| same(o, &e)) {
                out.push(e);
            }
        }
    }
}

/// From `(a AND b) OR (c AND d)` follows `a OR c`: the conjuncts of each arm that are `within`, if every arm has one.
pub(crate) fn arms_within(e: &Expr, within: &dyn Fn(&Expr) -> bool) -> Option<Expr> {
    let ExprKind::Or(arms) = &e.kind else { return None };
    let mut out = Vec::with_capacity(arms.len());
    for arm in arms {
        let parts = match &arm.kind {
            ExprKind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(arm),
        };
        let mut kept: Vec<Expr> = parts.iter().filter(|p| within(p)).cloned().collect();
        // An arm may be a disjunction again.
        kept.extend(parts.iter().filter(|p| !within(p)).filter_map(|p| arms_within(p, within)));
        out.push(match kept.len() {
            0 => return None,
            1 => kept.swap_remove(0),
            _ => Expr { kind: ExprKind::And(kept), ..e.clone() },
        });
    }
    Some(Expr { kind: ExprKind::Or(out), ..e.clone() })
}

/// `(a AND b) OR (a AND c)` is `a AND (b OR c)`.
fn factor_or(e: Expr, out: &mut Vec<Expr>) {
    let ExprKind::Or(items) = &e.kind else { return };
    let mut arms: Vec<Vec<Expr>> = items
        .iter()
        .map(|item| match &item.kind {
            ExprKind::And(parts) => parts.clone(),
            _ => vec![item.clone()],
        })
        .collect();
    let Some((first, rest)) = arms.split_first() else { return };
    let common: Vec<Expr> =
        first.iter().filter(|p| rest.iter().all(|arm| arm.iter().any(|q| same(p, q)))).cloned().collect();
    if common.is_empty() {
        if !out.iter().any(|o| same(o, &e)) {
            out.push(e);
        }
        return;
    }
    for arm in &mut arms {
        arm.retain(|p| !common.iter().any(|c| same(c, p)));
    }
    common.into_iter().for_each(|c| add_condition(c, out));
    if arms.iter().any(Vec::is_empty) {
        return;
    }
    let rest = arms
        .into_iter()
        .map(|mut parts| match parts.len() {
            1 => parts.swap_remove(0),
            _ => Expr { kind: ExprKind::And(parts), ..e.clone() },
        })
        .collect();
    out.push(Expr { kind: ExprKind::Or(rest), ..e.clone() });
}

/// Spreads constants over columns that are equal: from `a = b` and `b = 5` follows `a = 5`.
fn derive_equalities(conditions: &mut Vec<Expr>) {
    let mut pairs: Vec<(ColumnId, ColumnId, usize)> = Vec::new();
    let mut constants: Vec<(ColumnId, usize)> = Vec::new();
    for (i, e) in conditions.iter().enumerate() {
        let (Some("="), ExprKind::Call { args, .. }) = (operator_name(e), &e.kind) else { continue };
        let [a, b] = args.as_slice() else { continue };
        match (&a.kind, &b.kind) {
            (ExprKind::Column(x), ExprKind::Column(y))
                if a.ty.oid == b.ty.oid && a.collation == b.collation =>
            {
                pairs.push((*x, *y, i))
            }
            (ExprKind::Column(x), ExprKind::Const(_) | ExprKind::Param(_)) => constants.push((*x, i)),
            _ => {}
        }
    }
    let mut at = 0;
    while at < constants.len() {
        let (column, source) = constants[at];
        at += 1;
        for &(x, y, i) in &pairs {
            let other = if x == column {
                y
            } else if y == column {
                x
            } else {
                continue;
            };
            if constants.iter().any(|c| c.0 == other) {
                continue;
            }
            // The constant's condition with the other column in place of the first.
            let (ExprKind::Call { args: pair, .. }, mut derived) =
                (&conditions[i].kind, conditions[source].clone())
            else {
                continue;
            };
            let replacement = if x == other { pair[0].clone() } else { pair[1].clone() };
            if let ExprKind::Call { args, .. } = &mut derived.kind {
                if args[0].ty.oid != replacement.ty.oid {
                    continue;
                }
                args[0] = replacement;
            }
            conditions.push(derived);
            constants.push((other, conditions.len() - 1));
        }
    }
}

/// Whether a condition is not true for any row in which all these columns are NULL.
fn rejects_nulls(e: &Expr, columns: &ColumnSet) -> bool {
    match &e.kind {
        ExprKind::And(items) => items.iter().any(|e| rejects_nulls(e, columns)),
        ExprKind::Or(items) => !items.is_empty() && items.iter().all(|e| rejects_nulls(e, columns)),
        ExprKind::IsNull { value, negated: true } => null_if_null(value, columns),
        ExprKind::IsTruth { value, truth: Some(_), negated: false } => null_if_null(value, columns),
        ExprKind::Not(inner) => null_if_null(inner, columns),
        _ => null_if_null(e, columns),
    }
}

/// Whether an expression is NULL when all these columns are.
fn null_if_null(e: &Expr, columns: &ColumnSet) -> bool {
    match &e.kind {
        ExprKind::Column(id) => columns.contains(*id),
        ExprKind::Call { func, args, .. } => {
            func.strict && !func.is_set() && args.iter().any(|a| null_if_null(a, columns))
        }
        ExprKind::Routine { target, args, .. } => {
            target.routine.strict && !e.is_set() && args.iter().any(|a| null_if_null(a, columns))
        }
        ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) | ExprKind::Not(inner) => {
            null_if_null(inner, columns)
        }
        ExprKind::Typmod { value, .. } => null_if_null(value, columns),
        ExprKind::ScalarArray { func, left, any: true, .. } => func.strict && null_if_null(left, columns),
        ExprKind::ArrayCoerce { array, .. } => null_if_null(array, columns),
        _ => false,
    }
}
