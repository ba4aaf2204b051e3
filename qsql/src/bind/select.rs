//! SELECT: from FROM to LIMIT, in the order in which PostgreSQL analyses the clauses.
//!
//! ```text
//!   Limit ( Sort ( Distinct ( Project ( ProjectSet ( Window ( Filter having ( Aggregate ( Filter where ( FROM )))))))))
//! ```
//! ORDER BY expressions that are not in the select list become further, unseen ("junk") columns of the projection. With
//! FOR UPDATE the projection comes last, so that rows are locked in order, only as many as LIMIT takes, and computed anew
//! when a newer version was locked.

use std::sync::Arc;

use super::coerce::conjuncts;
use super::policy::tighten;
use super::query::{BoundQuery, ResultColumn, position, sorted};
use super::scope::{Clause, NsColumn};
use super::{Binder, RecordField};
use crate::catalog::{PolicyCommand, RelationKind};
use crate::error::{Result, SqlError};
use crate::parse::ast::{
    Distinct, ExprId, ExprKind as A, Ident, LockStrength, LockWait as AstWait, OrderItem, Query, QueryId,
    Select, Target,
};
use crate::plan::expr::{ColumnId, Expr, ExprKind, SortKey};
use crate::plan::logical::{LockedRelation, Logical, LogicalScan};
use crate::plan::physical::{LockWait, RowLock, ScanColumn, TableLock};
use crate::plan::same::same;
use crate::sql_err;
use crate::types::{oid, user};

/// An entry of the target list.
pub(crate) struct TargetEntry {
    pub(crate) name: Arc<str>,
    pub(crate) expr: Expr,
    /// Only computed for ORDER BY or DISTINCT ON.
    pub(crate) junk: bool,
}

/// An ORDER BY key as an index into the targets.
struct Key {
    target: usize,
    descending: bool,
    nulls_first: bool,
}

/// `FOR UPDATE` and kin.
pub(crate) fn lock_name(strength: LockStrength) -> &'static str {
    match strength {
        LockStrength::Update => "FOR UPDATE",
        LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
        LockStrength::Share => "FOR SHARE",
        LockStrength::KeyShare => "FOR KEY SHARE",
    }
}

impl Binder<'_> {
    pub(crate) fn bind_select(&mut self, select: &Select, id: QueryId, settle: bool) -> Result<BoundQuery> {
        let query = &self.ast[id];
        if let Some(into) = &select.into
            && self.s.into != Some(id)
        {
            return Err(sql_err!(SYNTAX_ERROR, "SELECT ... INTO is not allowed here").at(into.name.pos()));
        }
        self.push_scope(Clause::From);
        let result = self.bind_select_scoped(select, (id, query), settle);
        self.scopes.pop();
        result
    }

    fn bind_select_scoped(
        &mut self,
        select: &Select,
        (id, query): (QueryId, &Query),
        settle: bool,
    ) -> Result<BoundQuery> {
        let references = self.step_references.len();
        let mut plan = self.bind_from(&select.from)?;
        let block = self.scope().block;
        let recursive = self.step_references[references..].iter().any(|r| r.1 == block);
        self.bind_named_windows(&select.windows)?;
        let mut targets = self.within(Clause::Select, |b| b.bind_targets(&select.targets))?;
        if settle {
            for target in &mut targets {
                let taken = std::mem::replace(
                    &mut target.expr,
                    Expr::new(ExprKind::CaseTest, crate::types::DataType::of(oid::TEXT)),
                );
                target.expr = self.settle(taken)?;
            }
        }
        let mut filter = Vec::new();
        if let Some(id) = select.filter {
            let condition = self.bind_condition(id, Clause::Where, "WHERE")?;
            self.note_expr(id, &condition);
            conjuncts(condition, &mut filter);
        }
        let having = match select.having {
            Some(id) => {
                let condition = self.bind_condition(id, Clause::Having, "HAVING")?;
                self.note_expr(id, &condition);
                Some(condition)
            }
            None => None,
        };
        let keys = self.within(Clause::OrderBy, |b| b.bind_order_by(&query.order_by, &mut targets))?;
        let group = self.within(Clause::GroupBy, |b| b.bind_group_by(select, &targets))?;
        let distinct_on = match &select.distinct {
            Distinct::On(items) => {
                let on = self.within(Clause::DistinctOn, |b| b.bind_distinct_on(items, &mut targets))?;
                Some(check_distinct_on(on, &keys, &targets)?)
            }
            _ => None,
        };

        let order = keys.iter().map(|k| (k.target, k.descending, k.nulls_first)).collect();
        self.note_select(id, &select.windows, &targets, order, distinct_on.clone().unwrap_or_default());
        self.hand_on(id, &mut targets)?;
        let locking = !query.locking.is_empty();
        if locking {
            self.check_lockable(select, query, having.is_some())?;
        }
        let mut recheck = if locking { filter.clone() } else { Vec::new() };
        recheck.iter_mut().for_each(|e| self.expand_computed(e));
        plan = plan.filter(filter);
        let grouped = !group.exprs.is_empty()
            || !group.sets.is_empty()
            || having.is_some()
            || self.scope().has_aggregates;
        if recursive && self.scope().has_aggregates {
            let mut found = None;
            for target in &targets {
                target.expr.any(&mut |e| {
                    found = found.or(matches!(e.kind, ExprKind::Aggregate(_)).then_some(e.at));
                    found.is_some()
                });
            }
            return Err(sql_err!(
                INVALID_RECURSION,
                "aggregate functions are not allowed in a recursive query's recursive term"
            )
            .at(found.unwrap_or(select.pos)));
        }
        if grouped {
            plan = self.apply_grouping(plan, group, &mut targets, having)?;
        }
        if self.scope().has_windows {
            plan = self.apply_windows(plan, &mut targets)?;
        }
        if self.scope().has_sets {
            plan = self.apply_sets(plan, targets.iter_mut().map(|t| &mut t.expr).collect());
        }
        if locking {
            return self.finish_locked(plan, targets, keys, (id, query), recheck);
        }

        let simple = !grouped
            && !self.scope().has_windows
            && !self.scope().has_sets
            && matches!(select.distinct, Distinct::All)
            && query.order_by.is_empty();
        if simple && self.s.cursor == Some(id) {
            self.s.positions = only_scan(&plan).into_iter().collect();
        }
        let ids: Vec<ColumnId> = targets.iter().map(|t| self.column_for(&t.expr)).collect();
        let seen = targets.iter().zip(&ids).filter(|(t, _)| !t.junk);
        self.note_outputs(id, seen.map(|(_, &id)| id));
        let visible: Vec<ResultColumn> = targets
            .iter()
            .zip(&ids)
            .filter(|(t, _)| !t.junk)
            .map(|(t, &id)| ResultColumn { name: t.name.clone(), id, at: t.expr.at })
            .collect();
        let mut exprs: Vec<(ColumnId, Expr)> =
            ids.iter().copied().zip(targets.iter().map(|t| t.expr.clone())).collect();
        if self.s.cursor == Some(id) {
            exprs.extend(self.s.positions.iter().map(|&(_, id)| (id, self.column(id))));
        }
        plan = Logical::Project { input: Box::new(plan), exprs };
        let sort_keys: Vec<SortKey> = keys
            .iter()
            .map(|k| {
                let mut expr = self.column(ids[k.target]);
                expr.at = targets[k.target].expr.at;
                SortKey { expr, descending: k.descending, nulls_first: k.nulls_first }
            })
            .collect();
        match (&select.distinct, distinct_on) {
            (Distinct::Distinct, _) => {
                for target in targets.iter().filter(|t| !t.junk) {
                    crate::func::opclass::equality_operator(target.expr.ty.oid)
                        .map_err(|e| e.at(target.expr.at))?;
                }
                if let Some(key) = keys.iter().find(|k| targets[k.target].junk) {
                    return Err(sql_err!(
                        INVALID_COLUMN_REFERENCE,
                        "for SELECT DISTINCT, ORDER BY expressions must appear in select list"
                    )
                    .at(targets[key.target].expr.at));
                }
                let on = visible.iter().map(|c| c.id).collect();
                plan = Logical::Distinct { input: Box::new(plan), on, ordered: false };
                plan = sorted(plan, sort_keys.clone());
            }
            (_, Some(on)) => {
                // The rows of one group must be neighbours.
                let mut group_keys = sort_keys.clone();
                for &target in &on {
                    if !keys.iter().any(|k| k.target == target) {
                        let expr = self.column(ids[target]);
                        group_keys.push(SortKey { expr, descending: false, nulls_first: false });
                    }
                }
                plan = sorted(plan, group_keys);
                let on = on.iter().map(|&t| ids[t]).collect();
                plan = Logical::Distinct { input: Box::new(plan), on, ordered: true };
            }
            _ => plan = sorted(plan, sort_keys.clone()),
        }
        plan = self.bind_limit(plan, query.limit.as_ref(), query.offset, &sort_keys)?;
        Ok(BoundQuery { plan, columns: visible })
    }

    /// Adds the columns of the working table to the step of a query with SEARCH or CYCLE.
    fn hand_on(&mut self, id: QueryId, targets: &mut Vec<TargetEntry>) -> Result<()> {
        let Some(carried) = self.carried.take_if(|c| c.query == id) else { return Ok(()) };
        let block = self.scope().block;
        for id in carried.ids {
            if self.s.blocks[id as usize] != block {
                let cte = &self.s.ctes[carried.cte as usize].name;
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{cte}\" must be at the top level of its right-hand SELECT"
                ));
            }
            targets.push(TargetEntry { name: Arc::from(""), expr: self.column(id), junk: false });
        }
        Ok(())
    }

    /// Binds a select or RETURNING list; stars are expanded.
    pub(crate) fn bind_targets(&mut self, targets: &[Target]) -> Result<Vec<TargetEntry>> {
        let ast = self.ast;
        let mut out = Vec::with_capacity(targets.len());
        for target in targets {
            match &ast[target.expr].kind {
                A::Star(qualifier) => {
                    let columns = self.expand_star(qualifier, ast[target.expr].pos)?;
                    self.note_star(ast[target.expr].pos, &columns);
                    out.extend(columns.into_iter().map(|c| TargetEntry {
                        name: c.name,
                        expr: c.expr,
                        junk: false,
                    }));
                }
                A::FieldStar { arg } => {
                    let columns = match &ast[*arg].kind {
                        A::Column(parts)
                            if parts.len() == 1 && self.find_relation(None, &parts[0]).is_some() =>
                        {
                            let columns = self.expand_star(parts, ast[*arg].pos)?;
                            self.note_star(ast[target.expr].pos, &columns);
                            columns
                        }
                        _ => self.expand_record(*arg)?,
                    };
                    out.extend(columns.into_iter().map(|c| TargetEntry {
                        name: c.name,
                        expr: c.expr,
                        junk: false,
                    }));
                }
                A::Default => {
                    return Err(sql_err!(SYNTAX_ERROR, "DEFAULT is not allowed in this context")
                        .at(ast[target.expr].pos));
                }
                _ => {
                    let expr = self.bind_expr(target.expr)?;
                    let name = match &target.alias {
                        Some(alias) => Arc::from(&*alias.name),
                        None => Arc::from(super::naming::column_name(ast, target.expr)),
                    };
                    out.push(TargetEntry { name, expr, junk: false });
                }
            }
        }
        if out.len() > 1664 {
            return Err(sql_err!(TOO_MANY_COLUMNS, "target lists can have at most 1664 entries"));
        }
        Ok(out)
    }

    fn expand_record(&mut self, arg: ExprId) -> Result<Vec<NsColumn>> {
        let row = self.bind_expr(arg)?;
        if row.ty.oid != oid::RECORD
            && let Some(fields) = self.record_fields(&row)
        {
            let live = fields.iter().enumerate().filter(|(_, field)| !user::is_dropped(field));
            let column = |(i, (name, _)): (usize, &RecordField)| {
                NsColumn::new(name.clone(), super::expr::record_field(row.clone(), i, &fields))
            };
            return Ok(live.map(column).collect());
        }
        match row.kind {
            ExprKind::Row(fields) => Ok(fields
                .into_iter()
                .enumerate()
                .map(|(i, expr)| NsColumn::new(Arc::from(format!("f{}", i + 1)), expr))
                .collect()),
            _ if row.ty.oid == oid::RECORD => {
                let Some(fields) = self.record_fields(&row) else {
                    return Err(SqlError::unsupported("expansion of a record").at(row.at));
                };
                let column = |(i, (name, _)): (usize, &RecordField)| {
                    NsColumn::new(name.clone(), super::expr::record_field(row.clone(), i, &fields))
                };
                Ok(fields.iter().enumerate().map(column).collect())
            }
            _ => Err(sql_err!(
                WRONG_OBJECT_TYPE,
                "type {} is not composite",
                crate::func::category::display(row.ty.oid)
            )
            .at(row.at)),
        }
    }

    /// The columns that `*` or `t.*` stand for.
    pub(crate) fn expand_star(&mut self, qualifier: &[Ident], pos: u32) -> Result<Vec<NsColumn>> {
        let mut columns: Vec<NsColumn> = Vec::new();
        match qualifier {
            [] => {
                let scope = self.scope();
                if !scope.items.iter().any(|i| i.cols_visible) {
                    return Err(
                        sql_err!(SYNTAX_ERROR, "SELECT * with no tables specified is not valid").at(pos)
                    );
                }
                columns.extend(scope.items.iter().filter(|i| i.cols_visible).flat_map(|i| i.columns.clone()));
            }
            [.., table] => {
                let schema = qualifier.len().checked_sub(2).map(|i| &*qualifier[i].name);
                let Some((level, item)) = self.find_relation(schema, table) else {
                    return Err(self.no_such_relation(schema, table, pos));
                };
                columns.extend(self.scopes[level].items[item].columns.clone());
            }
        }
        for column in &mut columns {
            column.expr.at = pos;
            self.mark_column(column);
        }
        Ok(columns)
    }

    fn bind_order_by(&mut self, items: &[OrderItem], targets: &mut Vec<TargetEntry>) -> Result<Vec<Key>> {
        let mut keys: Vec<Key> = Vec::with_capacity(items.len());
        for item in items {
            let target = self.find_target(item.expr, targets, "ORDER BY", true)?;
            self.settle_target(&mut targets[target])?;
            let written = Expr { at: self.ast[item.expr].pos, ..targets[target].expr.clone() };
            let key = self.sort_key(item, written)?;
            if keys.iter().any(|k| k.target == target) {
                continue;
            }
            keys.push(Key { target, descending: key.descending, nulls_first: key.nulls_first });
        }
        Ok(keys)
    }

    fn settle_target(&mut self, target: &mut TargetEntry) -> Result<()> {
        if target.expr.ty.oid == oid::UNKNOWN {
            target.expr = self.settle(target.expr.clone())?;
        }
        Ok(())
    }

    fn bind_distinct_on(
        &mut self,
        items: &[ExprId],
        targets: &mut Vec<TargetEntry>,
    ) -> Result<Vec<(usize, u32)>> {
        let mut on: Vec<(usize, u32)> = Vec::with_capacity(items.len());
        for &id in items {
            let target = self.find_target(id, targets, "DISTINCT ON", true)?;
            self.settle_target(&mut targets[target])?;
            self.check_sortable(targets[target].expr.ty, targets[target].expr.at)?;
            if !on.iter().any(|o| o.0 == target) {
                on.push((target, self.ast.start_of(id)));
            }
        }
        Ok(on)
    }

    /// Finds (or adds, as junk) the target that an item of ORDER BY, DISTINCT ON or GROUP BY means: by output name, by
    /// position, else by expression. `names_first`: output names win over input columns (ORDER BY).
    pub(crate) fn find_target(
        &mut self,
        id: ExprId,
        targets: &mut Vec<TargetEntry>,
        clause: &str,
        names_first: bool,
    ) -> Result<usize> {
        let ast = self.ast;
        let pos = ast.start_of(id);
        match &ast[id].kind {
            A::Column(parts) if parts.len() == 1 && (names_first || !self.names_local_column(&parts[0])) => {
                let name = &parts[0].name;
                let mut found: Option<usize> = None;
                for (i, target) in targets.iter().enumerate().filter(|(_, t)| !t.junk && *t.name == **name) {
                    match found {
                        Some(first) if !same(&targets[first].expr, &target.expr) => {
                            return Err(
                                sql_err!(AMBIGUOUS_COLUMN, "{clause} \"{name}\" is ambiguous").at(pos)
                            );
                        }
                        Some(_) => {}
                        None => found = Some(i),
                    }
                }
                if let Some(i) = found {
                    return Ok(i);
                }
            }
            A::Int(n) => {
                let visible = targets.iter().filter(|t| !t.junk).count();
                return position(*n, visible, clause, pos);
            }
            A::Str(_) | A::Number(_) | A::Bool(_) | A::Null | A::BitStr(_) => {
                return Err(sql_err!(SYNTAX_ERROR, "non-integer constant in {clause}").at(pos));
            }
            _ => {}
        }
        let expr = self.bind_expr(id)?;
        if let Some(i) = targets.iter().position(|t| same(&t.expr, &expr)) {
            return Ok(i);
        }
        targets.push(TargetEntry { name: Arc::from("?column?"), expr, junk: true });
        Ok(targets.len() - 1)
    }

    /// Whether a bare name is a column of this level's FROM.
    pub(crate) fn names_local_column(&mut self, name: &Ident) -> bool {
        let scope = self.scope();
        scope.items.iter().filter(|i| i.cols_visible).any(|i| i.columns.iter().any(|c| *c.name == *name.name))
    }

    fn check_lockable(&mut self, select: &Select, query: &Query, having: bool) -> Result<()> {
        let Some(locking) = query.locking.first() else { return Ok(()) };
        let scope = self.scope();
        let what = match () {
            () if !matches!(select.distinct, Distinct::All) => "DISTINCT clause",
            () if !select.group_by.is_empty() => "GROUP BY clause",
            () if having => "HAVING clause",
            () if scope.has_aggregates => "aggregate functions",
            () if scope.has_windows => "window functions",
            () if scope.has_sets => "set-returning functions in the target list",
            () => return Ok(()),
        };
        Err(sql_err!(FEATURE_NOT_SUPPORTED, "{} is not allowed with {what}", lock_name(locking.strength)))
    }

    /// Sort, lock, limit, then compute the targets.
    fn finish_locked(
        &mut self,
        mut plan: Logical,
        targets: Vec<TargetEntry>,
        keys: Vec<Key>,
        (id, query): (QueryId, &Query),
        mut recheck: Vec<Expr>,
    ) -> Result<BoundQuery> {
        self.s.writes = true;
        let locks = self.bind_locks(&plan, query)?;
        for lock in &locks {
            let columns: Vec<(usize, ColumnId)> = lock.columns.iter().map(|&(id, i)| (i, id)).collect();
            let quals = self.security_quals(&lock.relation, PolicyCommand::Update, &columns)?;
            recheck.extend(tighten(&mut plan, lock.row_id, quals.unwrap_or_default()));
        }
        // Sort keys that are no columns are computed beside everything else.
        let mut passed: Option<Vec<(ColumnId, Expr)>> = None;
        let mut sort_keys = Vec::with_capacity(keys.len());
        for key in &keys {
            let expr = &targets[key.target].expr;
            let expr = match expr.kind {
                ExprKind::Column(_) => expr.clone(),
                _ => {
                    let id = self.column_for(expr);
                    let list = passed.get_or_insert_with(|| {
                        plan.outputs().into_iter().map(|c| (c, self.column(c))).collect()
                    });
                    list.push((id, expr.clone()));
                    self.column(id)
                }
            };
            sort_keys.push(SortKey { expr, descending: key.descending, nulls_first: key.nulls_first });
        }
        if let Some(exprs) = passed {
            plan = Logical::Project { input: Box::new(plan), exprs };
        }
        if self.s.cursor == Some(id) {
            self.s.positions = locks.iter().map(|lock| (lock.relation.oid, lock.row_id)).collect();
        }
        plan = sorted(plan, sort_keys.clone());
        plan = Logical::LockRows { input: Box::new(plan), targets: locks, recheck };
        plan = self.bind_limit(plan, query.limit.as_ref(), query.offset, &sort_keys)?;
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for target in targets.into_iter().filter(|t| !t.junk) {
            let id = self.column_for(&target.expr);
            columns.push(ResultColumn { name: target.name, id, at: target.expr.at });
            exprs.push((id, target.expr));
        }
        if self.s.cursor == Some(id) {
            exprs.extend(self.s.positions.iter().map(|&(_, id)| (id, self.column(id))));
        }
        Ok(BoundQuery { plan: Logical::Project { input: Box::new(plan), exprs }, columns })
    }

    fn bind_locks(&mut self, plan: &Logical, query: &Query) -> Result<Vec<LockedRelation>> {
        let mut scans = Vec::new();
        lockable_scans(plan, &mut scans);
        let mut locks: Vec<(Arc<str>, LockedRelation)> = Vec::new();
        for locking in &query.locking {
            let strength = match locking.strength {
                LockStrength::KeyShare => RowLock::KeyShare,
                LockStrength::Share => RowLock::Share,
                LockStrength::NoKeyUpdate => RowLock::NoKeyUpdate,
                LockStrength::Update => RowLock::Update,
            };
            let wait = match locking.wait {
                AstWait::Block => LockWait::Wait,
                AstWait::SkipLocked => LockWait::SkipLocked,
                AstWait::NoWait => LockWait::NoWait,
            };
            for name in &locking.of {
                let table = &*name.object().name;
                let known = self
                    .scopes
                    .last()
                    .is_some_and(|s| s.items.iter().any(|i| i.name.as_deref() == Some(table)));
                if name.schema().is_some() {
                    return Err(sql_err!(
                        SYNTAX_ERROR,
                        "{} must specify unqualified relation names",
                        lock_name(locking.strength)
                    )
                    .at(name.pos()));
                }
                if !known {
                    return Err(sql_err!(
                        UNDEFINED_TABLE,
                        "relation \"{table}\" in {} clause not found in FROM clause",
                        lock_name(locking.strength)
                    )
                    .at(name.pos()));
                }
            }
            for scan in &scans {
                if !locking.of.is_empty() && !locking.of.iter().any(|n| *n.object().name == *scan.alias) {
                    continue;
                }
                if let Some((_, lock)) = locks.iter_mut().find(|(alias, _)| *alias == scan.alias) {
                    lock.strength = lock.strength.max(strength);
                    lock.wait = if wait == LockWait::Wait { lock.wait } else { wait };
                    continue;
                }
                let kind = match scan.relation.kind {
                    RelationKind::Sequence => Some("sequence"),
                    RelationKind::MaterializedView => Some("materialized view"),
                    _ => None,
                };
                if let Some(kind) = kind {
                    let name = &scan.relation.name;
                    return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot lock rows in {kind} \"{name}\""));
                }
                let mut row_id = None;
                let mut columns = Vec::new();
                for &(id, what) in &scan.columns {
                    match what {
                        ScanColumn::RowId => row_id = Some(id),
                        ScanColumn::Attribute(i) => columns.push((id, i)),
                        _ => {}
                    }
                }
                let Some(row_id) = row_id else { continue };
                self.use_relation(&scan.relation, TableLock::RowShare);
                if let Some(access) = self.access(scan.relation.oid) {
                    access.update.get_or_insert_default();
                }
                locks.push((
                    scan.alias.clone(),
                    LockedRelation { relation: scan.relation.clone(), row_id, columns, strength, wait },
                ));
            }
        }
        Ok(locks.into_iter().map(|l| l.1).collect())
    }
}

/// The table that a plan reads alone, with the column of its row ids.
fn only_scan(plan: &Logical) -> Option<(crate::types::Oid, ColumnId)> {
    let mut scans = Vec::new();
    lockable_scans(plan, &mut scans);
    let [scan] = scans[..] else { return None };
    if matches!(plan, Logical::Join { .. }) || scan.relation.kind != RelationKind::Table {
        return None;
    }
    let row_id = scan.columns.iter().find(|(_, what)| *what == ScanColumn::RowId)?;
    Some((scan.relation.oid, row_id.0))
}

/// The scans whose rows a FOR UPDATE of this level locks.
fn lockable_scans<'p>(plan: &'p Logical, out: &mut Vec<&'p LogicalScan>) {
    match plan {
        Logical::Scan(scan) => out.push(scan),
        Logical::Join { left, right, .. } => {
            lockable_scans(left, out);
            lockable_scans(right, out);
        }
        Logical::Filter { input, .. } | Logical::SecurityBarrier { input } => lockable_scans(input, out),
        // Over a scan it computes virtual columns.
        Logical::Project { input, exprs }
            if input.outputs().iter().all(|id| exprs.iter().any(|e| e.0 == *id)) =>
        {
            lockable_scans(input, out);
        }
        _ => {}
    }
}

/// The DISTINCT ON targets; 42P10 unless ORDER BY starts with them.
fn check_distinct_on(on: Vec<(usize, u32)>, keys: &[Key], targets: &[TargetEntry]) -> Result<Vec<usize>> {
    let error = |at: u32| {
        sql_err!(
            INVALID_COLUMN_REFERENCE,
            "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"
        )
        .at(at)
    };
    let mut skipped = false;
    for (i, key) in keys.iter().enumerate() {
        if !on.iter().any(|o| o.0 == key.target) {
            skipped = true;
            // What is left of the list would have to follow.
            if let Some(&(_, at)) = on.iter().find(|o| !keys[..i].iter().any(|k| k.target == o.0)) {
                return Err(error(at));
            }
        } else if skipped {
            return Err(error(targets[key.target].expr.at));
        }
    }
    Ok(on.into_iter().map(|o| o.0).collect())
}
