//! UPDATE and DELETE.

use std::sync::Arc;

use super::Binder;
use super::coerce::conjuncts;
use super::from::join;
use super::policy::tighten;
use super::scope::Clause;
use crate::catalog::{PolicyCommand, Relation};
use crate::error::{Result, SqlError};
use crate::parse::ast::{
    Alias, Delete, ExprId, FromId, Ident, RelationRef, Returning, Statement, Update, With,
};
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::logical::{Logical, LogicalWrite, Modify};
use crate::plan::physical::{Command, JoinKind, OutputColumn, ScanColumn, TableLock};

/// The scanned target of a write.
pub(crate) struct Target {
    pub(crate) table: Arc<Relation>,
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
            self.bind_target(&update.table, update.alias.as_ref(), "update", PolicyCommand::Update)?;
        let source = self.bind_sources(&update.from)?;
        if let Some(access) = self.access(target.table.oid) {
            access.update.get_or_insert_default();
        }
        let set = self.bind_set(&target.table, &update.set, Clause::UpdateSource)?;
        let (input, recheck) = self.bind_input(target.scan, source, update.filter)?;
        let write = LogicalWrite::Update { row_id: target.row_id, columns: target.columns, recheck, set };
        self.finish_modify(
            input,
            &target.table,
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
            self.bind_target(&delete.table, delete.alias.as_ref(), "delete from", PolicyCommand::Delete)?;
        let source = self.bind_sources(&delete.using)?;
        let (input, recheck) = self.bind_input(target.scan, source, delete.filter)?;
        let write = LogicalWrite::Delete { row_id: target.row_id, columns: target.columns, recheck };
        if let Some(access) = self.access(target.table.oid) {
            access.delete = true;
        }
        self.finish_modify(
            input,
            &target.table,
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
        verb: &str,
        command: PolicyCommand,
    ) -> Result<Target> {
        let table = self.find_target_table(&relation.name, verb)?;
        let alias = alias.map(|a| Alias { name: a.clone(), columns: Vec::new() });
        let (scan, item) =
            self.bind_relation(&table, alias.as_ref(), &relation.name, TableLock::RowExclusive)?;
        let name: Box<str> = Box::from(item.name.as_deref().unwrap_or_default());
        self.add_item(item)?;
        let mut row_id = 0;
        let mut columns = Vec::new();
        if let Logical::Scan(scan) = &scan {
            for &(id, what) in &scan.columns {
                match what {
                    ScanColumn::RowId => row_id = id,
                    ScanColumn::Attribute(i) => columns.push((id, i)),
                    _ => {}
                }
            }
        }
        let scan = self.secure_scan(scan, command)?;
        Ok(Target { table, name, scan, row_id, columns })
    }

    fn bind_sources(&mut self, from: &[FromId]) -> Result<Option<Logical>> {
        if from.is_empty() { Ok(None) } else { self.bind_from(from).map(Some) }
    }

    /// The rows to write, and the conditions that a newer version of one must still satisfy.
    fn bind_input(
        &mut self,
        scan: Logical,
        source: Option<Logical>,
        filter: Option<ExprId>,
    ) -> Result<(Logical, Vec<Expr>)> {
        let mut conditions = Vec::new();
        if let Some(id) = filter {
            conjuncts(self.bind_condition(id, Clause::Where, "WHERE")?, &mut conditions);
        }
        let recheck = conditions.iter().filter(|e| !e.has_subquery()).cloned().collect();
        let input = match source {
            Some(source) => join(JoinKind::Inner, scan, source, Vec::new()),
            None => scan,
        };
        Ok((input.filter(conditions), recheck))
    }

    /// Has the conditions of policies asked of newer versions, too; who reads the table writes only rows that he may see.
    fn secure_rows(
        &mut self,
        input: &mut Logical,
        table: &Arc<Relation>,
        write: &mut LogicalWrite,
    ) -> Result<()> {
        let (LogicalWrite::Update { row_id, columns, recheck, .. }
        | LogicalWrite::Delete { row_id, columns, recheck }) = write
        else {
            return Ok(());
        };
        let mut seen = Vec::new();
        if self.access(table.oid).is_some_and(|access| access.select.is_some()) {
            let columns: Vec<(usize, ColumnId)> = columns.iter().map(|&(id, i)| (i, id)).collect();
            seen = self.security_quals(table, PolicyCommand::Select, &columns)?.unwrap_or_default();
        }
        recheck.extend(tighten(input, *row_id, seen));
        Ok(())
    }

    /// Puts the write and its RETURNING on top of the input.
    pub(crate) fn finish_modify(
        &mut self,
        mut input: Logical,
        table: &Arc<Relation>,
        name: &str,
        mut write: LogicalWrite,
        returning: Option<&Returning>,
        command: Command,
    ) -> Result<BoundWrite> {
        let (mut new_columns, mut old_columns) = (Vec::new(), Vec::new());
        let bound = match returning {
            Some(returning) => {
                new_columns = self.row_image(table);
                old_columns = self.row_image(table);
                let plain = if command == Command::Delete { &old_columns } else { &new_columns };
                Some(self.bind_returning(returning, name, table, &new_columns, &old_columns, plain)?)
            }
            None => None,
        };
        let mut target = self.own_target(table)?;
        if self.is_secured(table)? {
            self.secure_rows(&mut input, table, &mut write)?;
            if new_columns.is_empty() {
                new_columns = self.row_image(table);
            }
            target.policies = self.policy_checks(table, &new_columns, command)?;
        }
        let (exprs, columns) = bound.map_or((None, Vec::new()), |b| (Some(b.exprs), b.columns));
        let outputs = exprs.iter().flatten().map(|e| e.0).collect();
        let modify = Modify { input, target, write, returning: exprs, new_columns, old_columns };
        Ok(BoundWrite { plan: Logical::Modify(Box::new(modify)), outputs, columns, command })
    }
}
