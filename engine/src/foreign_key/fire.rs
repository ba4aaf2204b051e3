//! When foreign keys are asked: at the end of a statement, at SET CONSTRAINTS, and before a commit.

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::bind::{bind_foreign_key, conversion, write_target};
use nq_qsql::catalog::{ConstraintKind, ReferentialAction, Relation};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::types::Oid;
use nq_storage::txn::lock::LockMode;

use super::Event;
use super::action::{Action, Change, Source, settle_rows};
use crate::error::store_error;
use crate::session::Session;
use crate::table::write::Writer;

/// Actions that a session keeps bound.
const ACTIONS_MAX: usize = 256;

/// Actions by foreign key, for updates (true) and deletes.
pub(crate) type Actions = HashMap<(Oid, bool), Arc<Action>>;

/// The keys that one foreign key is asked about.
#[derive(Default)]
struct Keys {
    updated: Vec<Change>,
    deleted: Vec<Change>,
}

impl Session {
    /// The end of a statement: what it has written must satisfy the foreign keys that are not deferred.
    ///
    /// # Errors
    /// 23503, 23001, and what cascades raise.
    pub(crate) fn settle_statement(&mut self) -> Result<()> {
        if self.transaction.pending.now.is_empty() {
            return Ok(());
        }
        while !self.transaction.pending.now.is_empty() {
            let events = std::mem::take(&mut self.transaction.pending.now);
            self.settle(events, false)?;
        }
        Ok(())
    }

    /// The end of a statement that has written `count` rows: who cannot commit any more for what it has read is told now.
    ///
    /// # Errors
    /// As [`Session::settle_statement`], and 40001.
    pub(crate) fn settle_writes(&mut self, count: u64) -> Result<()> {
        self.settle_statement()?;
        match count {
            0 => Ok(()),
            _ => self.txn().check_reads().map_err(store_error),
        }
    }

    /// The end of the transaction: nothing is deferred any longer.
    ///
    /// # Errors
    /// As [`Session::settle_statement`].
    pub(crate) fn settle_transaction(&mut self) -> Result<()> {
        self.settle_statement()?;
        while !self.transaction.pending.later.is_empty() {
            self.ready_view();
            let events = std::mem::take(&mut self.transaction.pending.later);
            self.settle(events, true)?;
            self.settle_statement()?;
        }
        Ok(())
    }

    /// Settles what was deferred of some foreign keys (`None`: of all) that are not to be deferred any longer.
    pub(crate) fn settle_deferred(&mut self, which: Option<&[Oid]>) -> Result<()> {
        let concerned = |e: &Event| which.is_none_or(|which| which.contains(&e.constraint()));
        let pending = &mut self.transaction.pending;
        let events: Vec<Event> = pending.later.iter().filter(|e| concerned(e)).cloned().collect();
        // A savepoint may bring the deferral back: then the events are needed again.
        if self.savepoint_level() == 0 {
            self.transaction.pending.later.retain(|e| !concerned(e));
        }
        self.settle(events, true)?;
        self.settle_statement()
    }

    /// Asks about events; `last`: also where the foreign key is deferred.
    fn settle(&mut self, events: Vec<Event>, last: bool) -> Result<()> {
        let mut keys: HashMap<Oid, Keys> = HashMap::new();
        let mut rows: Vec<(Oid, Oid, Vec<u64>)> = Vec::new();
        for event in events {
            match event {
                Event::Key { constraint, old, new } => {
                    let keys = keys.entry(constraint).or_default();
                    let list = if new.is_some() { &mut keys.updated } else { &mut keys.deleted };
                    list.push(Change { old, new });
                }
                Event::Row { constraint, table, row } => {
                    match rows.iter_mut().find(|r| r.0 == constraint && r.1 == table) {
                        Some(found) => found.2.push(row),
                        None => rows.push((constraint, table, vec![row])),
                    }
                }
            }
        }
        let mut keys: Vec<(Oid, Keys)> = keys.into_iter().collect();
        keys.sort_unstable_by_key(|k| k.0);
        for (constraint, keys) in keys {
            for (changes, update) in [(keys.updated, true), (keys.deleted, false)] {
                if !changes.is_empty() {
                    self.act(constraint, changes, update, last)?;
                }
            }
        }
        for (constraint, _, rows) in rows {
            self.look_again(constraint, &rows)?;
        }
        Ok(())
    }

    /// The table that has a foreign key, locked; `None` when the foreign key has been dropped.
    fn referencing_table(&mut self, constraint: Oid, mode: LockMode) -> Result<Option<Arc<Relation>>> {
        let table = self.view().catalog.constraint_table(constraint).map(|t| t.relation.oid);
        let Some(table) = table else { return Ok(None) };
        self.lock_relation(table, mode)?;
        Ok(self.view().catalog.constraint_table(constraint).map(|t| t.relation.clone()))
    }

    /// Locks the tables that a table's foreign keys refer to, so that they and their indexes stay as they are.
    pub(crate) fn lock_referenced(&mut self, table: &Relation) -> Result<()> {
        for key in table.constraints.iter().filter_map(|c| c.foreign_key()) {
            if key.table != table.oid {
                self.lock_relation(key.table, LockMode::RowShare)?;
            }
        }
        Ok(())
    }

    /// Does what a foreign key says to the rows that refer to some keys.
    fn act(&mut self, constraint: Oid, changes: Vec<Change>, update: bool, last: bool) -> Result<()> {
        let Some(found) = self.view().catalog.constraint_table(constraint) else { return Ok(()) };
        let Some(c) = found.relation.constraints.iter().find(|c| c.oid == constraint) else { return Ok(()) };
        let ConstraintKind::ForeignKey(key) = &c.kind else { return Ok(()) };
        if !c.enforced {
            return Ok(());
        }
        let action = if update { key.on_update } else { key.on_delete };
        let deferred = self.transaction.pending.modes.is_deferred(constraint, c.timing);
        if action == ReferentialAction::NoAction && deferred && !last {
            let events = changes.into_iter().map(|c| Event::Key { constraint, old: c.old, new: c.new });
            self.transaction.pending.later.extend(events);
            return Ok(());
        }
        let mode = match action {
            ReferentialAction::NoAction | ReferentialAction::Restrict => LockMode::RowShare,
            _ => LockMode::RowExclusive,
        };
        let Some(table) = self.referencing_table(constraint, mode)? else { return Ok(()) };
        self.lock_referenced(&table)?;
        let Some(action) = self.action(&table, constraint, update)? else { return Ok(()) };
        let txn = self.txn();
        txn.next_command();
        txn.new_statement();
        let memory = self.statement_memory();
        let written = self.with_cx(false, &[], &memory, |cx| action.run(&changes, cx))?;
        self.db.changes.add(self.home.oid, table.oid, written);
        Ok(())
    }

    /// What a foreign key does when keys change or go, bound now or before.
    fn action(
        &mut self,
        table: &Arc<Relation>,
        constraint: Oid,
        update: bool,
    ) -> Result<Option<Arc<Action>>> {
        let view = self.view().clone();
        if let Some(known) = self.actions.get(&(constraint, update)) {
            let same = |r: &Arc<Relation>| {
                view.catalog.object(r.oid).is_some_and(|now| Arc::ptr_eq(&now.relation, r))
            };
            let mut parents = known.target.foreign.iter().map(|key| &key.parent);
            if Arc::ptr_eq(&known.target.relation, table) && same(&known.bound.parent) && parents.all(same) {
                return Ok(Some(known.clone()));
            }
        }
        let Some(action) = self.bind_action(table, constraint, update)?.map(Arc::new) else {
            return Ok(None);
        };
        if self.actions.len() >= ACTIONS_MAX {
            self.actions.clear();
        }
        self.actions.insert((constraint, update), action.clone());
        Ok(Some(action))
    }

    /// Binds what a foreign key does when keys change or go.
    fn bind_action(
        &mut self,
        table: &Arc<Relation>,
        constraint: Oid,
        update: bool,
    ) -> Result<Option<Action>> {
        let Some(constraint) = table.constraints.iter().find(|c| c.oid == constraint) else {
            return Ok(None);
        };
        self.with_bind_cx(|cx| {
            let Some(bound) = bind_foreign_key(table, constraint, cx)? else { return Ok(None) };
            let key = &bound.key;
            let action = if update { key.on_update } else { key.on_delete };
            let columns = match update || key.delete_columns.is_empty() {
                true => &key.columns,
                false => &key.delete_columns,
            };
            let mut set = Vec::with_capacity(columns.len());
            for &column in columns {
                let at = key.columns.iter().position(|c| *c == column);
                let at = at.ok_or_else(|| SqlError::internal("a column is not of its foreign key"))?;
                set.push((
                    column,
                    match action {
                        ReferentialAction::NoAction | ReferentialAction::Restrict => continue,
                        ReferentialAction::Cascade if !update => continue,
                        ReferentialAction::SetNull => Source::Null,
                        ReferentialAction::SetDefault => {
                            Source::Default(nq_qsql::bind::bind_default(table, column, cx)?)
                        }
                        ReferentialAction::Cascade => {
                            let (from, to) =
                                (bound.parent.columns[key.ref_columns[at]].ty, table.columns[column].ty);
                            let cast = if from == to { None } else { Some(conversion(from, to, cx)?) };
                            Source::Parent(at, cast)
                        }
                    },
                ));
            }
            let target = write_target(table, cx)?;
            Ok(Some(Action { target, bound, action, set }))
        })
    }

    /// Looks at rows again that referred to nothing, or were not looked at.
    fn look_again(&mut self, constraint: Oid, rows: &[u64]) -> Result<()> {
        let Some(table) = self.referencing_table(constraint, LockMode::RowExclusive)? else { return Ok(()) };
        self.lock_referenced(&table)?;
        let Some(c) = table.constraints.iter().find(|c| c.oid == constraint && c.enforced) else {
            return Ok(());
        };
        if let ConstraintKind::Primary(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) = c.kind {
            return self.look_for_rivals(&table, constraint, rows);
        }
        let Some(bound) = self.with_bind_cx(|cx| bind_foreign_key(&table, c, cx))? else { return Ok(()) };
        let txn = self.txn();
        txn.next_command();
        txn.new_statement();
        let memory = self.statement_memory();
        self.with_cx(false, &[], &memory, |cx| settle_rows(&table, &bound, rows, cx))
    }
    /// Looks at rows again whose keys of a deferrable UNIQUE or PRIMARY KEY were not their own when they were written.
    fn look_for_rivals(&mut self, table: &Arc<Relation>, constraint: Oid, rows: &[u64]) -> Result<()> {
        let target = self.with_bind_cx(|cx| write_target(table, cx))?;
        let txn = self.txn();
        txn.next_command();
        txn.new_statement();
        let memory = self.statement_memory();
        self.with_cx(false, &[], &memory, |cx| {
            let writer = Writer::new(&target, cx)?;
            rows.iter().try_for_each(|row| writer.settle_unique(constraint, *row, cx))
        })
    }
}
