//! Foreign keys as objects: made, altered and dropped, and made known to the tables they refer to.
//!
//! A foreign key is a constraint of the referencing table; the referenced table lists it in `referenced_by`, so that whoever writes
//! there knows without looking. Both are changed in one transaction, under locks on both tables.

use std::sync::Arc;

use nq_qsql::catalog::{
    Constraint, ConstraintKind, ForeignKey, Generated, Index, IndexKey, Persistence, Reference,
    ReferentialAction, Relation, RelationKind, Timing,
};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::opclass::key_operators;
use nq_qsql::parse::ast::{self, Ident, MatchType, RefAction};
use nq_qsql::types::{Oid, info};
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use super::column::SYSTEM_COLUMNS;
use super::names;
use crate::catalog::acl;
use crate::session::Session;

/// Most columns of a foreign key.
const COLUMNS_MAX: usize = 32;

/// The timing that attributes of a constraint ask for.
pub(crate) fn timing(deferrable: Option<bool>, initially_deferred: Option<bool>) -> Timing {
    match (deferrable, initially_deferred) {
        (_, Some(true)) => Timing::Deferred,
        (Some(true), _) => Timing::Deferrable,
        _ => Timing::Fixed,
    }
}

impl Session {
    /// Makes a foreign key of `table`, a working copy; nothing is stored. `column`: the one in whose definition it stands.
    ///
    /// # Errors
    /// 42P01, 42809, 42703, 42830, 42804, 42501 and their like, as PostgreSQL.
    pub(crate) fn make_foreign_key(
        &mut self,
        table: &Relation,
        written: &ast::Constraint,
        key: &ast::ForeignKey,
        column: Option<&Ident>,
    ) -> Result<Constraint> {
        if key.period || key.ref_period {
            return Err(SqlError::unsupported("PERIOD in a foreign key"));
        }
        let own: Vec<&Ident> = match column {
            Some(column) => vec![column],
            None => key.columns.iter().collect(),
        };
        let name: Box<str> = match &written.name {
            Some(name) => {
                self.check_constraint_name(table, name)?;
                name.name.clone()
            }
            None => {
                let part = names::columns_part(own.iter().map(|c| &*c.name));
                let taken = |n: &str| table.constraints.iter().any(|c| *c.name == *n);
                names::choose(&table.name, Some(&part), "fkey", taken).into()
            }
        };
        let opened = self.open_relation(&key.table, LockMode::ShareRowExclusive).map_err(|mut e| {
            e.0.byte_offset = None;
            e
        })?;
        let parent = if opened.oid == table.oid { Arc::new(table.clone()) } else { opened };
        self.check_not_system(&parent)?;
        if parent.kind != RelationKind::Table {
            bail!(WRONG_OBJECT_TYPE, "referenced relation \"{}\" is not a table", parent.name);
        }
        check_persistence(table, &parent)?;
        let columns = named_columns(table, own.iter().map(|c| &*c.name))?;
        let delete_columns = named_columns(table, key.on_delete_columns.iter().map(|c| &*c.name))?;
        for &c in &delete_columns {
            if !columns.contains(&c) {
                bail!(
                    INVALID_COLUMN_REFERENCE,
                    "column \"{}\" referenced in ON DELETE SET action must be part of foreign key",
                    table.columns[c].name
                );
            }
        }
        let (ref_columns, index) = match key.ref_columns.is_empty() {
            true => primary_key(&parent)?,
            false => {
                let columns = named_columns(&parent, key.ref_columns.iter().map(|c| &*c.name))?;
                let index = unique_index(&parent, &columns)?;
                (columns, index)
            }
        };
        self.check_may_refer(&parent, &ref_columns)?;
        super::generated::refuse_virtual(table, columns.iter().copied(), "foreign key constraints")?;
        check_generated(table, &columns, key)?;
        if columns.len() != ref_columns.len() {
            bail!(
                INVALID_FOREIGN_KEY,
                "number of referencing and referenced columns for foreign key disagree"
            );
        }
        let made = ForeignKey {
            columns,
            table: parent.oid,
            ref_columns,
            index,
            match_full: match key.match_type {
                MatchType::Simple => false,
                MatchType::Full => true,
                MatchType::Partial => return Err(SqlError::unsupported("MATCH PARTIAL")),
            },
            on_update: action(key.on_update),
            on_delete: action(key.on_delete),
            delete_columns,
        };
        check_types(&name, table, &made, &parent)?;
        let enforced = written.enforced != Some(false);
        Ok(Constraint {
            oid: self.db.next_oid()?,
            name,
            kind: ConstraintKind::ForeignKey(Box::new(made)),
            validated: enforced && !written.not_valid,
            no_inherit: false,
            timing: timing(written.deferrable, written.initially_deferred),
            enforced,
        })
    }

    /// Gives a table that has just been made its foreign keys.
    pub(crate) fn add_foreign_keys(
        &mut self,
        table: Oid,
        written: &[(&ast::Constraint, &ast::ForeignKey, Option<&Ident>)],
    ) -> Result<()> {
        for (constraint, key, column) in written {
            let object = self.object(table)?;
            let mut relation = (*object.relation).clone();
            let mut made = self.make_foreign_key(&relation, constraint, key, *column)?;
            made.validated = made.enforced;
            relation.constraints.push(made);
            self.follow_foreign_keys(&object.relation, &mut relation)?;
            self.replace_relation(&object, relation)?;
        }
        Ok(())
    }

    /// Brings the referenced tables into line with the foreign keys that a table has lost and got; it may be one of them.
    pub(crate) fn follow_foreign_keys(&mut self, before: &Relation, now: &mut Relation) -> Result<()> {
        let keys = |r: &Relation| -> Vec<(Oid, ForeignKey)> {
            r.constraints.iter().filter_map(|c| Some((c.oid, c.foreign_key()?.clone()))).collect()
        };
        let (old, new) = (keys(before), keys(now));
        for (oid, key) in old.iter().filter(|(oid, _)| !new.iter().any(|n| n.0 == *oid)) {
            self.change_references(key.table, now, |list| list.retain(|r| r.constraint != *oid))?;
        }
        let table = now.oid;
        for (oid, key) in new.iter().filter(|(oid, _)| !old.iter().any(|o| o.0 == *oid)) {
            let reference = Reference { constraint: *oid, table, columns: key.ref_columns.clone() };
            self.change_references(key.table, now, |list| list.push(reference))?;
        }
        Ok(())
    }

    /// Changes what a table knows of the foreign keys that refer to it; `working`: the copy of a table that is being changed.
    fn change_references(
        &mut self,
        parent: Oid,
        working: &mut Relation,
        change: impl FnOnce(&mut Vec<Reference>),
    ) -> Result<()> {
        if parent == working.oid {
            change(&mut working.referenced_by);
            return Ok(());
        }
        if self.view().catalog.object(parent).is_none() {
            return Ok(());
        }
        self.lock_relation(parent, LockMode::AccessExclusive)?;
        let object = self.object(parent)?;
        let mut relation = (*object.relation).clone();
        change(&mut relation.referenced_by);
        self.replace_relation(&object, relation)?;
        Ok(())
    }

    /// Drops a foreign key by itself: the dependent of something that is being dropped.
    pub(crate) fn remove_foreign_key(&mut self, table: Oid, constraint: Oid) -> Result<()> {
        self.lock_relation(table, LockMode::AccessExclusive)?;
        let Ok(object) = self.object(table) else { return Ok(()) };
        self.check_no_pending(&object.relation, "ALTER TABLE")?;
        let mut relation = (*object.relation).clone();
        relation.constraints.retain(|c| c.oid != constraint);
        self.follow_foreign_keys(&object.relation, &mut relation)?;
        self.remove_comments(crate::catalog::class::CONSTRAINT, constraint)?;
        self.replace_relation(&object, relation)?;
        Ok(())
    }

    /// Tells the tables that a dropped one refers to.
    pub(crate) fn forget_references(&mut self, dropped: &Relation) -> Result<()> {
        let mut rest = dropped.clone();
        rest.constraints.retain(|c| c.foreign_key().is_none_or(|key| key.table == dropped.oid));
        self.follow_foreign_keys(dropped, &mut rest)
    }

    /// The foreign keys, others' and a table's own, that refer to it: the referencing table and the constraint.
    pub(crate) fn referencing(&self, table: &Relation) -> Vec<(Arc<Relation>, Constraint)> {
        let view = self.view();
        let found = |reference: &Reference| {
            let child = match reference.table == table.oid {
                true => Arc::new(table.clone()),
                false => view.catalog.object(reference.table)?.relation.clone(),
            };
            let constraint = child.constraints.iter().find(|c| c.oid == reference.constraint)?.clone();
            Some((child, constraint))
        };
        table.referenced_by.iter().filter_map(found).collect()
    }

    /// A logged table cannot refer to one that is not.
    ///
    /// # Errors
    /// 42P16.
    pub(crate) fn check_logged_keys(&self, table: &Relation, logged: bool) -> Result<()> {
        let view = self.view();
        let refused = |other: Oid| {
            let other = view.catalog.object(other).filter(|o| o.relation.oid != table.oid)?;
            ((other.relation.persistence == Persistence::Permanent) != logged).then_some(other)
        };
        let others: Vec<Oid> = match logged {
            true => table.constraints.iter().filter_map(|c| Some(c.foreign_key()?.table)).collect(),
            false => table.referenced_by.iter().map(|r| r.table).collect(),
        };
        match others.into_iter().find_map(refused) {
            Some(other) => bail!(
                INVALID_TABLE_DEFINITION,
                "could not change table \"{}\" to {} because it references {} table \"{}\"",
                table.name,
                if logged { "logged" } else { "unlogged" },
                if logged { "unlogged" } else { "logged" },
                other.relation.name
            ),
            None => Ok(()),
        }
    }

    /// Refuses new types of columns that cannot be compared with those of the other side any more.
    ///
    /// # Errors
    /// 42804.
    pub(crate) fn check_key_types(&self, table: &Relation, column: usize) -> Result<()> {
        for constraint in &table.constraints {
            if let Some(key) = constraint.foreign_key().filter(|k| k.columns.contains(&column))
                && key.table != table.oid
                && let Some(parent) = self.view().catalog.object(key.table)
            {
                check_types(&constraint.name, table, key, &parent.relation)?;
            }
        }
        for (child, constraint) in self.referencing(table) {
            if let Some(key) = constraint.foreign_key().filter(|k| k.ref_columns.contains(&column)) {
                check_types(&constraint.name, &child, key, table)?;
            }
        }
        Ok(())
    }

    /// Refuses to change a table about whose rows a deferred constraint is yet to be asked.
    ///
    /// # Errors
    /// 55006.
    pub(crate) fn check_no_pending(&self, table: &Relation, command: &str) -> Result<()> {
        let view = self.view();
        let concerns = |constraint: Oid| {
            view.catalog.constraint_table(constraint).is_some_and(|t| t.relation.oid == table.oid)
        };
        match self.transaction.pending.concerns(table, concerns) {
            true => bail!(
                OBJECT_IN_USE,
                "cannot {command} \"{}\" because it has pending trigger events",
                table.name
            ),
            false => Ok(()),
        }
    }

    /// REFERENCES on the table or on each of the columns.
    fn check_may_refer(&self, parent: &Relation, columns: &[usize]) -> Result<()> {
        let user = self.host.current_user.oid;
        if self.relation_privileges(parent, user) & acl::REFERENCES != 0 {
            return Ok(());
        }
        let may = |c: &usize| self.host.column_privileges(parent.oid, *c, user) & acl::REFERENCES != 0;
        match columns.iter().all(may) {
            true => Ok(()),
            false => self.check_any_privilege(parent, acl::REFERENCES),
        }
    }
}

fn action(written: RefAction) -> ReferentialAction {
    match written {
        RefAction::NoAction => ReferentialAction::NoAction,
        RefAction::Restrict => ReferentialAction::Restrict,
        RefAction::Cascade => ReferentialAction::Cascade,
        RefAction::SetNull => ReferentialAction::SetNull,
        RefAction::SetDefault => ReferentialAction::SetDefault,
    }
}

fn check_persistence(table: &Relation, parent: &Relation) -> Result<()> {
    let (words, allowed): (&str, &[Persistence]) = match table.persistence {
        Persistence::Permanent => {
            ("permanent tables may reference only permanent tables", &[Persistence::Permanent])
        }
        Persistence::Unlogged => (
            "unlogged tables may reference only permanent or unlogged tables",
            &[Persistence::Permanent, Persistence::Unlogged],
        ),
        Persistence::Temporary if parent.persistence == Persistence::Temporary => (
            "temporary tables must involve temporary tables of this session",
            if parent.namespace == table.namespace { &[Persistence::Temporary] } else { &[] },
        ),
        Persistence::Temporary => ("temporary tables may reference only temporary tables", &[]),
    };
    match allowed.contains(&parent.persistence) {
        true => Ok(()),
        false => bail!(INVALID_TABLE_DEFINITION, "constraints on {words}"),
    }
}

fn named_columns<'a>(table: &Relation, names: impl Iterator<Item = &'a str>) -> Result<Vec<usize>> {
    let mut columns = Vec::new();
    for name in names {
        match table.column(name) {
            _ if columns.len() == COLUMNS_MAX => {
                bail!(TOO_MANY_COLUMNS, "cannot have more than {COLUMNS_MAX} keys in a foreign key")
            }
            Some(column) => columns.push(column),
            None if SYSTEM_COLUMNS.contains(&name) => {
                bail!(FEATURE_NOT_SUPPORTED, "system columns cannot be used in foreign keys")
            }
            None => bail!(
                UNDEFINED_COLUMN,
                "column \"{name}\" referenced in foreign key constraint does not exist"
            ),
        }
    }
    Ok(columns)
}

/// The columns of an index, if it is over columns alone.
fn plain_columns(index: &Index) -> Option<Vec<usize>> {
    let column = |c: &nq_qsql::catalog::IndexColumn| match c.key {
        IndexKey::Column(i) => Some(i),
        IndexKey::Expression(_) => None,
    };
    index.columns.iter().map(column).collect()
}

fn primary_key(parent: &Relation) -> Result<(Vec<usize>, Oid)> {
    let index = parent.indexes.iter().find(|i| i.primary);
    match index.and_then(|i| Some((plain_columns(i)?, i.oid))) {
        Some(_) if index.is_some_and(|i| i.deferrable) => bail!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot use a deferrable primary key for referenced table \"{}\"",
            parent.name
        ),
        Some(found) => Ok(found),
        None => {
            bail!(UNDEFINED_OBJECT, "there is no primary key for referenced table \"{}\"", parent.name)
        }
    }
}

/// The unique index over just these columns, in any order.
fn unique_index(parent: &Relation, columns: &[usize]) -> Result<Oid> {
    let mut sorted = columns.to_vec();
    sorted.sort_unstable();
    if sorted.windows(2).any(|w| w[0] == w[1]) {
        bail!(INVALID_FOREIGN_KEY, "foreign key referenced-columns list must not contain duplicates");
    }
    let fits = |index: &&Arc<Index>| {
        let mut own = plain_columns(index).unwrap_or_default();
        own.sort_unstable();
        (index.unique || index.deferrable) && index.valid && index.predicate.is_none() && own == sorted
    };
    let mut fitting = parent.indexes.iter().filter(fits);
    match fitting.clone().find(|i| i.unique).or_else(|| fitting.next()) {
        Some(index) if index.deferrable => bail!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot use a deferrable unique constraint for referenced table \"{}\"",
            parent.name
        ),
        Some(index) => Ok(index.oid),
        None => bail!(
            INVALID_FOREIGN_KEY,
            "there is no unique constraint matching given keys for referenced table \"{}\"",
            parent.name
        ),
    }
}

/// A computed column cannot be set by an action.
fn check_generated(table: &Relation, columns: &[usize], key: &ast::ForeignKey) -> Result<()> {
    for &c in columns {
        if !matches!(table.columns[c].generated, Generated::Stored | Generated::Virtual) {
            continue;
        }
        let sets = |action| matches!(action, RefAction::SetNull | RefAction::SetDefault);
        let refused = match (key.on_update, key.on_delete) {
            (update, _) if sets(update) || update == RefAction::Cascade => "UPDATE",
            (_, delete) if sets(delete) => "DELETE",
            _ => continue,
        };
        bail!(
            SYNTAX_ERROR,
            "invalid ON {refused} action for foreign key constraint containing generated column"
        );
    }
    Ok(())
}

fn check_types(name: &str, table: &Relation, key: &ForeignKey, parent: &Relation) -> Result<()> {
    for (&from, &to) in key.columns.iter().zip(&key.ref_columns) {
        let (own, other) = (&table.columns[from], &parent.columns[to]);
        if key_operators(other.ty.oid, own.ty.oid).is_none() {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "foreign key constraint \"{name}\" cannot be implemented"
            )
            .detail(format!(
                "Key columns \"{}\" of the referencing table and \"{}\" of the referenced table are of incompatible types: {} and {}.",
                own.name,
                other.name,
                info::format_type(own.ty.oid, None),
                info::format_type(other.ty.oid, None)
            )));
        }
    }
    Ok(())
}
