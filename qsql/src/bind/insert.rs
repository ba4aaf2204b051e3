//! INSERT: rows from VALUES or a query, defaults, ON CONFLICT.

use std::sync::Arc;

use super::Binder;
use super::assign::attribute;
use super::lens::{Lens, Verb};
use super::modify::BoundWrite;
use super::part::no_default;
use super::query::BoundQuery;
use super::scope::Clause;
use super::stored::{StoredKind, bind_expression};
use crate::catalog::{ConstraintKind, Generated, Index, IndexKey, Relation};
use crate::error::{Result, SqlError};
use crate::parse::ast::{
    Assignee, ConflictAction, ConflictTarget, ExprId, ExprKind as A, Ident, IndexElem, IndexKey as AstKey,
    Insert, InsertSource, OnConflict as AstConflict, Overriding, QueryBody, QueryId, Rows,
};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalWrite};
use crate::plan::physical::{Command, OnConflict};
use crate::plan::same::same;
use crate::sql_err;
use crate::types::Datum;

/// The value that column `index` has by the assignments to parts of it so far.
fn earlier_part(values: &[Option<Expr>], targets: &[usize], index: usize) -> Option<Expr> {
    values.iter().zip(targets).rev().find(|(_, i)| **i == index)?.0.clone()
}

/// The SET list and the WHERE of DO UPDATE.
type ConflictUpdate = (Vec<(usize, Expr)>, Option<Expr>);

impl Binder<'_> {
    pub(crate) fn bind_insert(&mut self, insert: &Insert) -> Result<BoundWrite> {
        self.open_with(insert.with.as_deref())?;
        self.push_scope(Clause::Values);
        let named = self.find_target_table(&insert.table, false)?;
        let lens = self.open_lens(named, &[Verb::Insert], false)?;
        self.mark_inserted(&lens, &[]);
        let targets = self.insert_columns(lens.shown(), &insert.columns)?;
        let (input, columns) = self.bind_source(insert, &lens, &targets)?;
        let (on_conflict, images) = match &insert.on_conflict {
            Some(clause) => {
                let (conflict, images) = self.bind_on_conflict(clause, &lens, insert.alias.as_ref())?;
                (Some(Box::new(conflict)), images)
            }
            None => (None, Vec::new()),
        };
        self.scope().items.clear();
        let name = insert.alias.as_ref().map_or(&*lens.shown().name, |a| &*a.name).to_owned();
        let write = LogicalWrite::Insert { columns, on_conflict, images };
        self.finish_modify(input, &lens, &name, write, insert.returning.as_deref(), Command::Insert)
    }

    /// The columns that get values, in the order of the values.
    pub(crate) fn insert_columns(
        &mut self,
        table: &Arc<Relation>,
        columns: &[Assignee],
    ) -> Result<Vec<usize>> {
        if columns.is_empty() {
            return Ok(table.live_columns().map(|(i, _)| i).collect());
        }
        let mut out = Vec::with_capacity(columns.len());
        for target in columns {
            let index = self.assigned_column(table, target)?;
            // Several parts of a column may get values, or the whole of it, once.
            let whole =
                |(i, t): (&usize, &Assignee)| *i == index && (t.path.is_empty() || target.path.is_empty());
            if out.iter().zip(columns).any(whole) {
                return Err(sql_err!(
                    DUPLICATE_COLUMN,
                    "column \"{}\" specified more than once",
                    target.column.name
                )
                .at(target.column.pos));
            }
            out.push(index);
        }
        Ok(out)
    }

    /// The rows to insert, with one column per table column.
    fn bind_source(
        &mut self,
        insert: &Insert,
        lens: &Lens,
        targets: &[usize],
    ) -> Result<(Logical, Vec<ColumnId>)> {
        let ast = self.ast;
        match insert.source {
            InsertSource::DefaultValues => {
                let row = self.full_row(lens, &[], Vec::new(), Verb::Insert, &mut Vec::new())?;
                let ids = self.row_ids(&lens.table);
                Ok((Logical::Values { columns: ids.clone(), rows: vec![row] }, ids))
            }
            InsertSource::Query(query) => {
                let q = &ast[query];
                let plain = q.with.is_none()
                    && q.order_by.is_empty()
                    && q.limit.is_none()
                    && q.offset.is_none()
                    && q.locking.is_empty();
                match &q.body {
                    QueryBody::Values(rows) if plain => self.bind_value_rows(insert, rows, lens, targets),
                    _ => self.bind_select_source(insert, query, lens, targets),
                }
            }
        }
    }

    /// Notes that rows are inserted, with values for some columns, for privilege checks.
    pub(crate) fn mark_inserted(&mut self, lens: &Lens, columns: &[usize]) {
        self.mark_written(lens, columns, |access| &mut access.insert);
    }

    /// Notes that columns of a table are read to find a conflict.
    fn mark_arbiter(&mut self, lens: &Lens, expr: &Expr) {
        self.as_role(lens.role, |b| {
            let Some(access) = b.access(lens.table.oid) else { return };
            let set = access.select.get_or_insert_default();
            expr.any(&mut |e| {
                if let ExprKind::Column(i) = e.kind {
                    set.add(attribute(i as usize));
                }
                false
            });
        });
    }

    fn row_ids(&mut self, table: &Arc<Relation>) -> Vec<ColumnId> {
        table.columns.iter().map(|c| self.new_column(c.ty)).collect()
    }

    pub(crate) fn check_width(
        &self,
        columns: &[Assignee],
        given: usize,
        targets: usize,
        extra: u32,
    ) -> Result<()> {
        if given > targets {
            return Err(sql_err!(SYNTAX_ERROR, "INSERT has more expressions than target columns").at(extra));
        }
        if !columns.is_empty() && given < targets {
            return Err(sql_err!(SYNTAX_ERROR, "INSERT has more target columns than expressions")
                .at(columns[given].column.pos));
        }
        Ok(())
    }

    fn bind_value_rows(
        &mut self,
        insert: &Insert,
        rows: &Rows,
        lens: &Lens,
        targets: &[usize],
    ) -> Result<(Logical, Vec<ColumnId>)> {
        let mut defaults: Vec<Option<Expr>> = vec![None; lens.table.columns.len()];
        let width = rows.row(0).len();
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            if row.len() != width {
                return Err(sql_err!(SYNTAX_ERROR, "VALUES lists must all be the same length")
                    .at(row.first().map_or(0, |&e| self.ast.start_of(e))));
            }
            let extra = row.get(targets.len()).map_or(0, |&e| self.ast.start_of(e));
            self.check_width(&insert.columns, row.len(), targets.len(), extra)?;
            let values =
                self.bind_value_row(row, lens, targets, &insert.columns, insert.overriding, Verb::Insert)?;
            out.push(self.full_row(lens, targets, values, Verb::Insert, &mut defaults)?);
        }
        self.mark_inserted(lens, &targets[..width]);
        let ids = self.row_ids(&lens.table);
        Ok((Logical::Values { columns: ids.clone(), rows: out }, ids))
    }

    pub(crate) fn bind_value_row(
        &mut self,
        row: &[ExprId],
        lens: &Lens,
        targets: &[usize],
        assignees: &[Assignee],
        overriding: Option<Overriding>,
        verb: Verb,
    ) -> Result<Vec<Option<Expr>>> {
        let (shown, table) = (lens.shown(), &lens.table);
        let mut values: Vec<Option<Expr>> = Vec::with_capacity(row.len());
        for (n, (&id, &index)) in row.iter().zip(targets).enumerate() {
            let base = lens.column(index, verb)?;
            let part = assignees.get(n).filter(|target| !target.path.is_empty());
            if let (A::Default, Some(target)) = (&self.ast[id].kind, part) {
                return Err(no_default(target));
            }
            if matches!(self.ast[id].kind, A::Default) {
                values.push(None);
                continue;
            }
            let column = &table.columns[base];
            let value = self.bind_expr(id)?;
            if overriding == Some(Overriding::User)
                && matches!(column.generated, Generated::IdentityAlways | Generated::IdentityByDefault)
            {
                values.push(None);
                continue;
            }
            self.check_insertable(table, base, overriding == Some(Overriding::System))?;
            values.push(Some(match part {
                Some(target) => {
                    let before = earlier_part(&values, targets, index);
                    let before = before.unwrap_or_else(|| Self::nothing_yet(column));
                    self.assign_part(table, column, target, Some(before), value)?
                }
                None => self.assign(value, &shown.columns[index].name, column.ty, self.ast.start_of(id))?,
            }));
        }
        Ok(values)
    }

    /// Fills up a row with defaults.
    pub(crate) fn full_row(
        &mut self,
        lens: &Lens,
        targets: &[usize],
        values: Vec<Option<Expr>>,
        verb: Verb,
        defaults: &mut Vec<Option<Expr>>,
    ) -> Result<Vec<Expr>> {
        let table = &lens.table;
        defaults.resize(table.columns.len(), None);
        let mut row: Vec<Option<Expr>> = vec![None; lens.shown().columns.len()];
        for (value, &index) in values.into_iter().zip(targets) {
            row[index] = value;
        }
        let row = self.through_levels(lens, row, verb)?;
        let mut out = Vec::with_capacity(row.len());
        for (i, value) in row.into_iter().enumerate() {
            out.push(match value {
                Some(value) => value,
                None => match &defaults[i] {
                    Some(known) => known.clone(),
                    None => {
                        let bound = self.default_of(table, i)?;
                        defaults[i] = Some(bound.clone());
                        bound
                    }
                },
            });
        }
        Ok(out)
    }

    fn bind_select_source(
        &mut self,
        insert: &Insert,
        query: QueryId,
        lens: &Lens,
        targets: &[usize],
    ) -> Result<(Logical, Vec<ColumnId>)> {
        let (shown, table) = (lens.shown(), &lens.table);
        let bound: BoundQuery = self.bind_query_body(query, false)?;
        self.check_width(&insert.columns, bound.columns.len(), targets.len(), self.ast[query].pos)?;
        let system = insert.overriding == Some(Overriding::System);
        let mut values: Vec<Option<Expr>> = Vec::with_capacity(bound.columns.len());
        for (n, (column, &index)) in bound.columns.iter().zip(targets).enumerate() {
            let base = lens.column(index, Verb::Insert)?;
            let target = &table.columns[base];
            if insert.overriding == Some(Overriding::User)
                && matches!(target.generated, Generated::IdentityAlways | Generated::IdentityByDefault)
            {
                values.push(None);
                continue;
            }
            self.check_insertable(table, base, system)?;
            let mut e = self.output_expr(&bound.plan, column.id);
            e.at = column.at;
            values.push(Some(match insert.columns.get(n).filter(|written| !written.path.is_empty()) {
                Some(written) => {
                    let before = earlier_part(&values, targets, index);
                    let before = before.unwrap_or_else(|| Self::nothing_yet(target));
                    self.assign_part(table, target, written, Some(before), e)?
                }
                None => self.assign(e, &shown.columns[index].name, target.ty, self.ast[query].pos)?,
            }));
        }
        self.mark_inserted(lens, &targets[..bound.columns.len()]);
        let row = self.full_row(lens, targets, values, Verb::Insert, &mut Vec::new())?;
        let ids = self.row_ids(table);
        let exprs = ids.iter().copied().zip(row).collect();
        Ok((Logical::Project { input: Box::new(bound.plan), exprs }, ids))
    }

    fn bind_on_conflict(
        &mut self,
        clause: &AstConflict,
        lens: &Lens,
        alias: Option<&Ident>,
    ) -> Result<(OnConflict, Vec<ColumnId>)> {
        let table = &lens.table;
        let all = clause.target.is_none();
        if table.indexes.iter().any(|i| i.deferrable && all) {
            return Err(deferrable_arbiter());
        }
        let arbiters = match &clause.target {
            Some(target) => self.find_arbiters(target, lens)?,
            None => Vec::new(),
        };
        let (set, filter) = match &clause.action {
            ConflictAction::Nothing => {
                return Ok((OnConflict { arbiters, update: None, filter: None }, Vec::new()));
            }
            ConflictAction::Update { set, filter } => (set, filter),
        };
        if clause.target.is_none() {
            return Err(sql_err!(
                SYNTAX_ERROR,
                "ON CONFLICT DO UPDATE requires inference specification or constraint name"
            )
            .hint("For example, ON CONFLICT (column_name).")
            .at(clause.pos));
        }
        if arbiters.iter().any(|&i| !table.indexes[i].exclusion.is_empty()) {
            return Err(sql_err!(
                WRONG_OBJECT_TYPE,
                "ON CONFLICT DO UPDATE not supported with exclusion constraints"
            ));
        }
        self.push_scope(Clause::UpdateSource);
        let existing = self.row_image(table);
        let proposed = self.row_image(table);
        let name = alias.map_or(&*lens.shown().name, |a| &*a.name).to_owned();
        let items = [self.image_item(&name, lens, &existing)?, self.image_item("excluded", lens, &proposed)?];
        self.scope().items.extend(items);
        let result = self.bind_conflict_update(lens, set, *filter);
        self.scopes.pop();
        let (set, filter) = result?;
        let conflict = OnConflict { arbiters, update: Some(set), filter };
        Ok((conflict, [existing, proposed].concat()))
    }

    fn bind_conflict_update(
        &mut self,
        lens: &Lens,
        set: &[crate::parse::ast::Assignment],
        filter: Option<ExprId>,
    ) -> Result<ConflictUpdate> {
        let set = self.bind_set(lens, set, Clause::UpdateSource, Verb::Update)?;
        let filter = filter.map(|id| self.bind_condition(id, Clause::Where, "WHERE")).transpose()?;
        Ok((set, filter))
    }

    /// The unique indexes that an ON CONFLICT target means.
    fn find_arbiters(&mut self, target: &ConflictTarget, lens: &Lens) -> Result<Vec<usize>> {
        let table = &lens.renamed_table();
        match target {
            ConflictTarget::Constraint(name) => {
                let constraint = table.constraints.iter().find(|c| *c.name == *name.name && !lens.is_view());
                let index = match constraint.map(|c| &c.kind) {
                    Some(
                        ConstraintKind::Primary(oid)
                        | ConstraintKind::Unique(oid)
                        | ConstraintKind::Exclude(oid),
                    ) => {
                        let index = table.indexes.iter().position(|i| i.oid == *oid);
                        if index.is_some_and(|i| table.indexes[i].deferrable) {
                            return Err(deferrable_arbiter());
                        }
                        let keys = index.iter().flat_map(|&i| &table.indexes[i].columns);
                        for key in keys {
                            if let IndexKey::Column(i) = key.key {
                                self.mark_arbiter(lens, &Expr::column(i as u32, key.ty));
                            }
                        }
                        index
                    }
                    Some(_) => {
                        return Err(sql_err!(
                            WRONG_OBJECT_TYPE,
                            "constraint in ON CONFLICT clause has no associated index"
                        ));
                    }
                    None => {
                        return Err(sql_err!(
                            UNDEFINED_OBJECT,
                            "constraint \"{}\" for table \"{}\" does not exist",
                            name.name,
                            table.name
                        ));
                    }
                };
                Ok(index.into_iter().collect())
            }
            ConflictTarget::Index { elements, filter } => {
                let mut keys = Vec::with_capacity(elements.len());
                for element in elements {
                    let key = self.bind_arbiter_key(element, lens, table)?;
                    self.mark_arbiter(lens, &key);
                    keys.push(key);
                }
                let filter = match filter {
                    Some(id) => Some(super::stored::bind_parsed_expression(
                        self.ast,
                        *id,
                        Some(table),
                        None,
                        StoredKind::IndexPredicate,
                        self.cx,
                    )?),
                    None => None,
                };
                filter.iter().for_each(|filter| self.mark_arbiter(lens, filter));
                let mut found = Vec::new();
                for (i, index) in table
                    .indexes
                    .iter()
                    .enumerate()
                    .filter(|(_, i)| (i.unique || i.deferrable) && i.exclusion.is_empty() && i.valid)
                {
                    if self.arbitrates(index, table, &keys, filter.as_ref())? {
                        found.push(i);
                    }
                }
                if found.iter().any(|&i| table.indexes[i].deferrable) {
                    return Err(deferrable_arbiter());
                }
                if found.is_empty() {
                    return Err(sql_err!(
                        INVALID_COLUMN_REFERENCE,
                        "there is no unique or exclusion constraint matching the ON CONFLICT specification"
                    ));
                }
                Ok(found)
            }
        }
    }

    fn bind_arbiter_key(&mut self, element: &IndexElem, lens: &Lens, table: &Arc<Relation>) -> Result<Expr> {
        match &element.key {
            AstKey::Column(name) => match lens.shown().column(name) {
                Some(shown) => {
                    // What a view computes is no key of the table's.
                    let Ok(i) = lens.column(shown, Verb::Insert) else {
                        return Ok(Expr::constant(Datum::Null, lens.shown().columns[shown].ty));
                    };
                    let mut e = Expr::column(i as u32, table.columns[i].ty);
                    e.collation = table.columns[i].collation;
                    Ok(e)
                }
                None => {
                    Err(sql_err!(UNDEFINED_COLUMN, "column \"{}\" does not exist", name.name).at(name.pos))
                }
            },
            AstKey::Expr(id) => super::stored::bind_parsed_expression(
                self.ast,
                *id,
                Some(table),
                None,
                StoredKind::Index,
                self.cx,
            ),
        }
    }

    fn arbitrates(
        &self,
        index: &Index,
        table: &Arc<Relation>,
        keys: &[Expr],
        filter: Option<&Expr>,
    ) -> Result<bool> {
        let mut own = Vec::with_capacity(index.columns.len());
        for column in &index.columns {
            own.push(match &column.key {
                IndexKey::Column(i) => {
                    let mut e = Expr::column(*i as u32, table.columns[*i].ty);
                    e.collation = table.columns[*i].collation;
                    e
                }
                IndexKey::Expression(text) => {
                    bind_expression(text, Some(table), None, StoredKind::Index, self.cx)?
                }
            });
        }
        let within = |a: &[Expr], b: &[Expr]| a.iter().all(|x| b.iter().any(|y| same(x, y)));
        if !within(&own, keys) || !within(keys, &own) {
            return Ok(false);
        }
        match (&index.predicate, filter) {
            (None, _) => Ok(true),
            (Some(_), None) => Ok(false),
            (Some(text), Some(filter)) => {
                let predicate =
                    bind_expression(text, Some(table), None, StoredKind::IndexPredicate, self.cx)?;
                let (mut have, mut need) = (Vec::new(), Vec::new());
                super::coerce::conjuncts(filter.clone(), &mut have);
                super::coerce::conjuncts(predicate, &mut need);
                Ok(within(&need, &have))
            }
        }
    }
}

/// 55000 for a constraint whose check comes too late.
fn deferrable_arbiter() -> SqlError {
    sql_err!(
        OBJECT_NOT_IN_PREREQUISITE_STATE,
        "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters"
    )
}
