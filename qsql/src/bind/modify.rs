//! UPDATE and DELETE.

use std::sync::Arc;

use super::Binder;
use super::coerce::conjuncts;
use super::from::join;
use super::lens::{Lens, Verb};
use super::policy::{attributes, tighten};
use super::scope::{Clause, NsItem};
use crate::catalog::{PolicyCommand, RelationKind};
use crate::error::{Result, SqlError};
use crate::func::CURRENT_OF;
use crate::parse::ast::{
    Alias, CursorRef, Delete, ExprId, ExprKind as A, FromId, Ident, RelationRef, Returning, Statement,
    Update, With,
};
use crate::plan::expr::{CallForm, ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalWrite, Modify};
use crate::plan::physical::{Command, JoinKind, OutputColumn, ScanColumn, TableLock, WriteTarget};
use crate::sql_err;
use crate::types::{DataType, Datum, oid};

/// The scanned target of a write.
pub(crate) struct Target {
    pub(crate) lens: Lens,
    /// What the views in between demand of newer versions of a row, too.
    pub(crate) seen: Vec<Expr>,
    pub(crate) name: Box<str>,
    pub(crate) scan: Logical,
    pub(crate) row_id: ColumnId,
    pub(crate) columns: Vec<(ColumnId, usize)>,
}

/// A bound write, with what it returns.
pub(crate) struct BoundWrite {
    pub(crate) plan: Logical,
    pub(crate) outputs: Vec<ColumnId>,
    pub(crate) columns: Vec<OutputColumn>,
    pub(crate) command: Command,
}

impl Binder<'_> {
    /// Binds an INSERT, UPDATE, DELETE or MERGE: the statement itself, or a part of its WITH.
    pub(crate) fn bind_write(&mut self, statement: &Statement) -> Result<BoundWrite> {
        let (scopes, visible) = (self.scopes.len(), self.with.len());
        let bound = match statement {
            Statement::Insert(insert) => self.bind_insert(insert),
            Statement::Update(update) => self.bind_update(update),
            Statement::Delete(delete) => self.bind_delete(delete),
            Statement::Merge(merge) => self.bind_merge(merge),
            _ => Err(SqlError::internal("only queries and data-modifying statements are bound")),
        };
        self.scopes.truncate(scopes);
        self.with.truncate(visible);
        self.s.writes = true;
        bound
    }

    fn bind_update(&mut self, update: &Update) -> Result<BoundWrite> {
        self.open_with(update.with.as_deref())?;
        self.push_scope(Clause::From);
        let target =
            self.bind_target(&update.table, update.alias.as_ref(), &[Verb::Update], PolicyCommand::Update)?;
        let source = self.bind_sources(&update.from)?;
        self.mark_written(&target.lens, &[], |access| &mut access.update);
        let set = self.bind_set(&target.lens, &update.set, Clause::UpdateSource, Verb::Update)?;
        let (input, mut recheck) =
            self.bind_input((target.scan, target.row_id), &target.lens, source, update.filter)?;
        recheck.extend(target.seen);
        let write = LogicalWrite::Update { row_id: target.row_id, columns: target.columns, recheck, set };
        self.finish_modify(
            input,
            &target.lens,
            &target.name,
            write,
            update.returning.as_deref(),
            Command::Update,
        )
    }

    fn bind_delete(&mut self, delete: &Delete) -> Result<BoundWrite> {
        self.open_with(delete.with.as_deref())?;
        self.push_scope(Clause::From);
        let target =
            self.bind_target(&delete.table, delete.alias.as_ref(), &[Verb::Delete], PolicyCommand::Delete)?;
        let source = self.bind_sources(&delete.using)?;
        let (input, mut recheck) =
            self.bind_input((target.scan, target.row_id), &target.lens, source, delete.filter)?;
        recheck.extend(target.seen);
        let write = LogicalWrite::Delete { row_id: target.row_id, columns: target.columns, recheck };
        self.mark_deleted(&target.lens);
        self.finish_modify(
            input,
            &target.lens,
            &target.name,
            write,
            delete.returning.as_deref(),
            Command::Delete,
        )
    }

    pub(crate) fn open_with(&mut self, with: Option<&With>) -> Result<()> {
        let top = std::mem::take(&mut self.top);
        with.map_or(Ok(()), |w| self.bind_with(w, top))
    }

    pub(crate) fn bind_target(
        &mut self,
        relation: &RelationRef,
        alias: Option<&Ident>,
        verbs: &[Verb],
        command: PolicyCommand,
    ) -> Result<Target> {
        let merge = command == PolicyCommand::Select;
        let named = self.find_target_table(&relation.name, merge)?;
        let lens = self.open_lens(named.clone(), verbs, merge)?;
        let table = lens.table.clone();
        let alias = alias.map(|a| Alias { name: a.clone(), columns: Vec::new() });
        let name: Box<str> = alias.as_ref().map_or(&*named.name, |a| &*a.name.name).into();
        let shown = if lens.is_view() { None } else { alias.as_ref() };
        let (plan, mut item) = self.as_role(lens.role, |b| {
            b.bind_relation(&table, shown, &relation.name, TableLock::RowExclusive)
        })?;
        let Logical::Scan(scan) = &plan else { return Err(SqlError::internal("a table is scanned")) };
        let columns: Vec<(ColumnId, usize)> = attributes(scan).into_iter().map(|(i, id)| (id, i)).collect();
        let row_id = scan.columns.iter().find(|(_, what)| *what == ScanColumn::RowId);
        let row_id = row_id.map_or(0, |(id, _)| *id);
        let ids = attributes(scan);
        let mut plan = self.as_role(lens.role, |b| b.secure_scan(plan, command))?;
        let mut seen = Vec::new();
        if named.kind == RelationKind::View {
            let expanded = self.expand(&lens, &ids, Some(std::mem::take(&mut item.system)))?;
            for (conditions, barrier) in expanded.conditions.into_iter().rev() {
                seen.extend(conditions.iter().filter(|e| !e.has_subquery()).cloned());
                plan = plan.filter(conditions);
                if barrier {
                    plan = Logical::SecurityBarrier { input: Box::new(plan) };
                }
            }
            item = NsItem::new(Some(Arc::from(&*name)), expanded.columns);
            item.schema = alias.is_none().then(|| named.schema.clone());
            item.relation = Some(named);
        }
        self.add_item(item)?;
        Ok(Target { lens, seen, name, scan: plan, row_id, columns })
    }

    fn bind_sources(&mut self, from: &[FromId]) -> Result<Option<Logical>> {
        if from.is_empty() {
            return Ok(None);
        }
        // Items of FROM do not see the row that is written.
        if let Some(target) = self.scope().items.last_mut() {
            (target.lateral_only, target.lateral_ok, target.written) = (true, false, true);
        }
        self.bind_from(from).map(Some)
    }

    /// The rows to write, and the conditions that a newer version of one must still satisfy.
    fn bind_input(
        &mut self,
        (scan, row_id): (Logical, ColumnId),
        lens: &Lens,
        source: Option<Logical>,
        filter: Option<ExprId>,
    ) -> Result<(Logical, Vec<Expr>)> {
        let mut conditions = Vec::new();
        if let Some(id) = filter
            && let A::CurrentOf(cursor) = &self.ast[id].kind
        {
            conditions.push(self.bind_current_of(cursor, lens, row_id)?);
        } else if let Some(id) = filter {
            conjuncts(self.bind_condition(id, Clause::Where, "WHERE")?, &mut conditions);
        }
        let recheck = conditions.iter().filter(|e| !e.has_subquery()).cloned().collect();
        let input = match source {
            Some(source) => join(JoinKind::Inner, scan, source, Vec::new()),
            None => scan,
        };
        Ok((input.filter(conditions), recheck))
    }

    /// WHERE CURRENT OF: the row is the one that the cursor is on.
    fn bind_current_of(&mut self, cursor: &CursorRef, lens: &Lens, row_id: ColumnId) -> Result<Expr> {
        let CursorRef::Name(name) = cursor else {
            return Err(SqlError::unsupported("WHERE CURRENT OF a parameter"));
        };
        if lens.is_view() {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "WHERE CURRENT OF on a view is not implemented"));
        }
        self.s.cursors.push((name.name.clone(), lens.table.clone()));
        // PostgreSQL asks for the privilege to read.
        if let Some(access) = self.access(lens.table.oid) {
            access.select.get_or_insert_default();
        }
        let args = vec![
            Expr::constant(Datum::text(&*name.name), DataType::of(oid::TEXT)),
            Expr::constant(Datum::Oid(lens.table.oid), DataType::of(oid::OID)),
        ];
        let kind = ExprKind::Call { func: &CURRENT_OF, args, operator: 0, form: CallForm::Plain };
        let wanted = Expr::new(kind, DataType::of(oid::INT8));
        self.make_operator("=", Some(self.column(row_id)), wanted, u32::MAX)
    }

    /// Has the conditions of policies asked of newer versions, too; who reads the table writes only rows that he may see.
    fn secure_rows(&mut self, input: &mut Logical, lens: &Lens, write: &mut LogicalWrite) -> Result<()> {
        let (LogicalWrite::Update { row_id, columns, recheck, .. }
        | LogicalWrite::Delete { row_id, columns, recheck }) = write
        else {
            return Ok(());
        };
        let mut seen = Vec::new();
        let columns: Vec<(usize, ColumnId)> = columns.iter().map(|&(id, i)| (i, id)).collect();
        self.as_role(lens.role, |b| {
            if b.access(lens.table.oid).is_some_and(|access| access.select.is_some()) {
                seen = b.security_quals(&lens.table, PolicyCommand::Select, &columns)?.unwrap_or_default();
            }
            Ok::<(), SqlError>(())
        })?;
        recheck.extend(tighten(input, *row_id, seen));
        Ok(())
    }

    /// Puts the write and its RETURNING on top of the input.
    pub(crate) fn finish_modify(
        &mut self,
        mut input: Logical,
        lens: &Lens,
        name: &str,
        mut write: LogicalWrite,
        returning: Option<&Returning>,
        command: Command,
    ) -> Result<BoundWrite> {
        let (mut new_columns, mut old_columns) = (Vec::new(), Vec::new());
        let bound = match returning {
            Some(returning) => {
                new_columns = self.row_image(&lens.table);
                old_columns = self.row_image(&lens.table);
                let plain = if command == Command::Delete { &old_columns } else { &new_columns };
                Some(self.bind_returning(returning, name, lens, &new_columns, &old_columns, plain)?)
            }
            None => None,
        };
        self.mark_views_read(lens);
        if self.as_role(lens.role, |b| b.is_secured(&lens.table))? {
            self.secure_rows(&mut input, lens, &mut write)?;
        }
        if new_columns.is_empty() {
            new_columns = self.row_image(&lens.table);
        }
        let target = self.checked_target(lens, &new_columns, command)?;
        let (exprs, columns) = bound.map_or((None, Vec::new()), |b| (Some(b.exprs), b.columns));
        let outputs = exprs.iter().flatten().map(|e| e.0).collect();
        let modify = Modify { input, target, write, returning: exprs, new_columns, old_columns };
        Ok(BoundWrite { plan: Logical::Modify(Box::new(modify)), outputs, columns, command })
    }

    /// The table with all that its new rows must satisfy, on behalf of whom they are written.
    pub(crate) fn checked_target(
        &mut self,
        lens: &Lens,
        row: &[ColumnId],
        command: Command,
    ) -> Result<WriteTarget> {
        let mut target = self.as_role(lens.role, |b| {
            let mut target = b.own_target(&lens.table)?;
            if b.is_secured(&lens.table)? {
                target.policies = b.policy_checks(&lens.table, row, command)?;
            }
            Ok::<WriteTarget, SqlError>(target)
        })?;
        if command != Command::Delete {
            target.policies.extend(self.view_checks(lens, row)?);
        }
        Ok(target)
    }
}
