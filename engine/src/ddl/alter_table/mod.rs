//! ALTER TABLE.
//!
//! ```text
//! commands, in PostgreSQL's passes --> working copy of the descriptor --> stored
//!                                   \-> what the rows need: a rewrite, checks, indexes to build --> one scan (`rows`)
//! ```
//!
//! 1. Commands change an [`Alteration`], nothing else, but for the objects that they make or drop beside the table.
//! 2. The descriptor is stored before the rows are looked at: an error takes both back with the statement.
//! 3. A column added with a default that is the same for all rows costs nothing: rows without it read as its `missing` value.
//!
//! Source: PostgreSQL manual, ALTER TABLE; the order of passes is that of PostgreSQL's `AlterTablePass`.

mod action;
mod column;
mod constraint;
mod rows;
mod types;

use std::sync::Arc;

use nq_qsql::catalog::{Index, IndexKey, Persistence, Relation, RelationKind, ReplicaIdentity};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{
    self, AlterTable, AlterTableCommand as Command, Ast, ObjectKind, TriggerMode, TriggerTarget,
};
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use super::dependency::drop_trees;
use super::options::{merge_options, read_index_options, read_options};
use super::view::Captured;
use crate::catalog::class;
use crate::catalog::object::{Class, Dependency, ObjectKey, RelationObject};
use crate::session::Session;
use crate::session::utility::Done;

/// A table on its way from one descriptor to the next.
pub(crate) struct Alteration {
    /// The table as it was, and as its rows are stored.
    before: Arc<RelationObject>,
    /// The table as it will be.
    pub(crate) table: Relation,
    depends: Vec<Dependency>,
    /// New values of columns, over the columns of `before`.
    computed: Vec<(usize, Expr)>,
    /// All rows are written anew.
    rewrite: bool,
    /// Columns that must hold no NULL.
    not_null: Vec<usize>,
    /// Constraints that the rows must satisfy.
    checks: Vec<Oid>,
    /// Generated columns whose values are to be computed.
    generated: Vec<usize>,
    /// Views whose texts are to be printed again.
    views: Vec<Captured>,
    /// Columns that have been added, and may refer to others.
    added: Vec<Box<str>>,
    /// Foreign keys that the rows must satisfy: the referencing table and the constraint.
    foreign: Vec<(Oid, Oid)>,
}

impl Alteration {
    fn new(before: Arc<RelationObject>) -> Alteration {
        Alteration {
            table: (*before.relation).clone(),
            depends: before.depends.clone(),
            before,
            computed: Vec::new(),
            rewrite: false,
            not_null: Vec::new(),
            checks: Vec::new(),
            generated: Vec::new(),
            views: Vec::new(),
            added: Vec::new(),
            foreign: Vec::new(),
        }
    }

    /// Finds a live column.
    ///
    /// # Errors
    /// 42703.
    fn column(&self, name: &str) -> Result<usize> {
        match self.table.column(name) {
            Some(i) => Ok(i),
            None if super::column::SYSTEM_COLUMNS.contains(&name) => {
                bail!(FEATURE_NOT_SUPPORTED, "cannot alter system column \"{name}\"")
            }
            None => {
                bail!(
                    UNDEFINED_COLUMN,
                    "column \"{name}\" of relation \"{}\" does not exist",
                    self.table.name
                )
            }
        }
    }
}

impl Session {
    /// ALTER TABLE, and the same of views, indexes and sequences.
    pub(crate) fn alter_table(&mut self, ast: &Ast, alter: &AlterTable) -> Result<Done> {
        let tag = format!("ALTER {}", alter.kind.words().to_uppercase());
        let name = &alter.table.name;
        if alter.if_exists && self.find_relation(name)?.is_none() {
            self.host.skipping(format!("relation \"{}\" does not exist, skipping", name.object().name));
            return Ok(Done::Tag(tag));
        }
        let light = |c: &Command| {
            matches!(
                c,
                Command::ValidateConstraint(_)
                    | Command::SetStatistics { .. }
                    | Command::ClusterOn(_)
                    | Command::SetWithoutCluster
            )
        };
        let mode = match alter.commands.iter().all(light) {
            true => LockMode::ShareUpdateExclusive,
            false => LockMode::AccessExclusive,
        };
        let relation = self.open_relation(name, mode)?;
        self.check_definable(&relation)?;
        check_kind(&relation, alter.kind)?;
        if relation.kind == RelationKind::Index {
            self.alter_index(&relation, &alter.commands)?;
            return Ok(Done::Tag(tag));
        }
        self.check_owner(&relation)?;
        if relation.kind == RelationKind::MaterializedView {
            if let Some(command) = alter.commands.iter().find(|c| !action::suits_materialized_view(c)) {
                return Err(wrong_action(command, &relation));
            }
        } else if relation.kind != RelationKind::Table {
            self.alter_other(ast, &relation, &alter.commands)?;
            return Ok(Done::Tag(tag));
        }
        self.check_no_pending(&relation, "ALTER TABLE")?;
        let mut alteration = Alteration::new(self.object(relation.oid)?);
        let mut commands: Vec<&Command> = alter.commands.iter().collect();
        commands.sort_by_key(|c| action::pass(c));
        for command in commands {
            self.alter_action(ast, &mut alteration, command)?;
        }
        self.add_column_references(&mut alteration, &alter.commands)?;
        self.finish_alteration(alteration)?;
        Ok(Done::Tag(tag))
    }

    /// Stores the new descriptor and brings the rows into line with it.
    pub(crate) fn finish_alteration(&mut self, mut alteration: Alteration) -> Result<()> {
        let before = alteration.before.clone();
        let old = &before.relation;
        let had = |oid: Oid| old.indexes.iter().find(|i| i.oid == oid);
        let gone: Vec<Arc<Index>> = old
            .indexes
            .iter()
            .filter(|i| !alteration.table.indexes.iter().any(|n| n.oid == i.oid))
            .cloned()
            .collect();
        for index in &gone {
            self.release_name(Class::Relation, old.namespace, &index.name)?;
            self.remove_comments(class::CLASS, index.oid)?;
        }
        let trees: Vec<u32> = gone.iter().map(|i| i.tree).collect();
        drop_trees(self, &trees)?;
        for constraint in &old.constraints {
            if !alteration.table.constraints.iter().any(|c| c.oid == constraint.oid) {
                self.remove_comments(class::CONSTRAINT, constraint.oid)?;
            }
        }
        self.follow_foreign_keys(old, &mut alteration.table)?;
        let mut build = Vec::new();
        for index in alteration.table.indexes.clone() {
            match had(index.oid) {
                None => {
                    self.claim_index_name(&alteration.table, &index)?;
                    build.push(index.oid);
                }
                Some(was) if was.name != index.name => {
                    self.release_name(Class::Relation, old.namespace, &was.name)?;
                    self.claim_index_name(&alteration.table, &index)?;
                }
                Some(_) => {}
            }
        }
        let (mut replaced, mut missing) = (Vec::new(), Vec::new());
        if alteration.rewrite {
            (replaced, missing) = self.replace_trees(&mut alteration.table)?;
            build = alteration.table.indexes.iter().map(|i| i.oid).collect();
        }
        let Alteration {
            table, depends, computed, rewrite, not_null, checks, generated, views, foreign, ..
        } = alteration;
        let mut object = RelationObject { depends, ..before.with_relation(table) };
        object.column_acl.retain(|(c, _)| !object.relation.columns[*c].dropped);
        let stored = self.put_relation(object)?;
        let relation = &stored.relation;
        if rewrite {
            let work =
                rows::Rewrite { before: old, computed: &computed, generated: &generated, missing: &missing };
            self.rewrite_rows(relation, &work, &not_null, &checks)?;
            // The indexes are built of rows that this command has written.
            self.txn().next_command();
        } else if !not_null.is_empty() || !checks.is_empty() {
            self.verify_rows(relation, &not_null, &checks)?;
        }
        drop_trees(self, &replaced)?;
        self.fill_indexes(relation, &build)?;
        for (table, constraint) in foreign {
            self.validate_foreign_key(table, constraint)?;
        }
        self.restore_views(&views)
    }

    /// ALTER INDEX.
    fn alter_index(&mut self, index: &Relation, commands: &[Command]) -> Result<()> {
        let found = self.view().catalog.index(index.oid).map(|(table, _)| table.relation.oid);
        let Some(table) = found else { return Err(SqlError::internal("an index without a table")) };
        self.lock_relation(table, LockMode::AccessExclusive)?;
        let object = self.object(table)?;
        self.check_owner(&object.relation)?;
        let mut relation = (*object.relation).clone();
        let Some(at) = relation.indexes.iter().position(|i| i.oid == index.oid) else {
            return Err(SqlError::internal("an index is missing from its table"));
        };
        for command in commands {
            let mut changed = (*relation.indexes[at]).clone();
            match command {
                Command::SetOptions(options) => {
                    let new = read_index_options(changed.method, options)?;
                    let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
                    changed.options = merge_options(&changed.options, &new, &names);
                }
                Command::ResetOptions(options) => {
                    let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
                    changed.options = merge_options(&changed.options, &[], &names);
                }
                Command::SetStatistics { .. } => {}
                Command::SetTablespace(name) => super::table::check_tablespace(Some(name))?,
                Command::OwnerTo(_) => {
                    let warning =
                        sql_err!(WRONG_OBJECT_TYPE, "cannot change owner of index \"{}\"", index.name)
                            .hint("Change the ownership of the index's table instead.");
                    self.host.warn(warning);
                }
                other => return Err(wrong_action(other, index)),
            }
            relation.indexes[at] = Arc::new(changed);
        }
        self.replace_relation(&object, relation)?;
        Ok(())
    }

    /// What ALTER TABLE and kin do to views and sequences.
    fn alter_other(&mut self, ast: &Ast, relation: &Relation, commands: &[Command]) -> Result<()> {
        for command in commands {
            match command {
                Command::OwnerTo(role) => {
                    let owner = self.need_role(role)?;
                    self.change_owner(relation.oid, owner)?;
                }
                Command::SetOptions(options) if relation.kind == RelationKind::View => {
                    let object = self.object(relation.oid)?;
                    let mut changed = (*object.relation).clone();
                    let new = super::options::read_view_options(options)?;
                    let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
                    changed.options = merge_options(&changed.options, &new, &names);
                    self.check_view_options(&changed)?;
                    self.replace_relation(&object, changed)?;
                }
                Command::ResetOptions(options) if relation.kind == RelationKind::View => {
                    let object = self.object(relation.oid)?;
                    let mut changed = (*object.relation).clone();
                    let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
                    changed.options = merge_options(&changed.options, &[], &names);
                    self.replace_relation(&object, changed)?;
                }
                Command::SetDefault { column, value } if relation.kind == RelationKind::View => {
                    self.set_view_default(ast, relation.oid, column, Some(*value))?;
                }
                Command::DropDefault { column } if relation.kind == RelationKind::View => {
                    self.set_view_default(ast, relation.oid, column, None)?;
                }
                Command::SetLogged(logged) if relation.kind == RelationKind::Sequence => {
                    let object = self.object(relation.oid)?;
                    let persistence = if *logged { Persistence::Permanent } else { Persistence::Unlogged };
                    self.replace_relation(&object, Relation { persistence, ..(*object.relation).clone() })?;
                }
                other => return Err(wrong_action(other, relation)),
            }
        }
        Ok(())
    }

    /// ENABLE and DISABLE TRIGGER and RULE: a table has no triggers but those that stand for its foreign keys.
    fn set_triggers(&mut self, table: &Relation, mode: TriggerMode, target: &TriggerTarget) -> Result<()> {
        let keys =
            || !table.referenced_by.is_empty() || table.constraints.iter().any(|c| c.foreign_key().is_some());
        match target {
            TriggerTarget::All if mode != TriggerMode::Enable && keys() => {
                Err(SqlError::unsupported("DISABLE TRIGGER ALL on a table with foreign keys"))
            }
            TriggerTarget::All | TriggerTarget::User => Ok(()),
            TriggerTarget::Trigger(name) => {
                bail!(UNDEFINED_OBJECT, "trigger \"{}\" for table \"{}\" does not exist", &**name, table.name)
            }
            TriggerTarget::Rule(name) => {
                bail!(UNDEFINED_OBJECT, "rule \"{}\" for relation \"{}\" does not exist", &**name, table.name)
            }
        }
    }

    /// Actions on the table as a whole.
    fn alter_whole(&mut self, alteration: &mut Alteration, command: &Command) -> Result<()> {
        match command {
            Command::SetOptions(options) => {
                let new = read_options(options)?;
                let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
                alteration.table.options = merge_options(&alteration.table.options, &new, &names);
            }
            Command::ResetOptions(options) => {
                let names: Vec<&str> = options.iter().map(|o| &*o.name.name).collect();
                alteration.table.options = merge_options(&alteration.table.options, &[], &names);
            }
            Command::OwnerTo(role) => {
                let owner = self.need_role(role)?;
                self.check_new_owner(alteration.table.namespace, owner)?;
                alteration.table.owner = owner;
                self.change_owner_of_owned(alteration.table.oid, owner)?;
            }
            Command::SetTablespace(name) => super::table::check_tablespace(Some(name))?,
            Command::SetAccessMethod(Some(method)) if &**method != "heap" => {
                bail!(UNDEFINED_OBJECT, "access method \"{}\" does not exist", &**method)
            }
            Command::SetAccessMethod(_) | Command::SetWithoutOids | Command::SetWithoutCluster => {}
            Command::SetLogged(logged) => {
                self.check_logged_keys(&alteration.table, *logged)?;
                let table = &mut alteration.table;
                table.persistence = match (table.persistence, logged) {
                    (Persistence::Temporary, _) => {
                        bail!(
                            INVALID_TABLE_DEFINITION,
                            "cannot change logged status of table \"{}\" because it is temporary",
                            table.name
                        )
                    }
                    (_, true) => Persistence::Permanent,
                    (_, false) => Persistence::Unlogged,
                };
            }
            Command::ClusterOn(name) => {
                if !alteration.table.indexes.iter().any(|i| *i.name == **name) {
                    let table = &alteration.table.name;
                    bail!(UNDEFINED_OBJECT, "index \"{}\" for table \"{table}\" does not exist", &**name);
                }
            }
            Command::ReplicaIdentity(identity) => {
                alteration.table.replica_identity = replica_identity(&alteration.table, identity)?;
            }
            Command::Trigger { mode, target } => self.set_triggers(&alteration.table, *mode, target)?,
            Command::RowSecurity { enable } => alteration.table.security.enabled = *enable,
            Command::ForceRowSecurity { force } => alteration.table.security.forced = *force,
            other => return Err(SqlError::unsupported(action::words(other))),
        }
        Ok(())
    }

    /// The objects that a table's columns own follow its owner.
    fn change_owner_of_owned(&mut self, table: Oid, owner: Oid) -> Result<()> {
        let view = self.view().clone();
        for sequence in view.catalog.owned_sequences(table, None) {
            let relation = Relation { owner, ..(*sequence.relation).clone() };
            self.replace_relation(sequence, relation)?;
        }
        Ok(())
    }

    /// Gives a relation to another role.
    pub(crate) fn change_owner(&mut self, oid: Oid, owner: Oid) -> Result<()> {
        let object = self.object(oid)?;
        if object.relation.owner == owner {
            return Ok(());
        }
        if object.owned_by.is_some() {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "cannot change owner of sequence \"{}\"",
                object.relation.name
            )
            .detail(format!(
                "Sequence \"{}\" is linked to table \"{}\".",
                object.relation.name,
                object
                    .owned_by
                    .and_then(|o| self.view().catalog.object(o.table).map(|t| t.relation.name.clone()))
                    .unwrap_or_default()
            )));
        }
        self.check_new_owner(object.relation.namespace, owner)?;
        self.replace_relation(&object, Relation { owner, ..(*object.relation).clone() })?;
        Ok(())
    }

    /// Whether the current user may give something in a schema to a role.
    pub(crate) fn check_new_owner(&self, namespace: Oid, owner: Oid) -> Result<()> {
        if self.host.is_superuser() {
            return Ok(());
        }
        self.check_may_become(owner)?;
        match self.view().catalog.namespace(namespace) {
            Some(schema) if self.schema_privileges(schema, owner) & crate::catalog::acl::CREATE == 0 => {
                bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", schema.name)
            }
            _ => Ok(()),
        }
    }

    /// Removes the comment on a column.
    fn remove_column_comment(&mut self, table: Oid, column: usize) -> Result<()> {
        let key = Session::relation_comment(table, column as i32 + 1);
        let known = crate::catalog::state::CommentKey(class::CLASS, table, column as i32 + 1);
        if self.view().catalog.comment(known).is_some() {
            self.remove_object(ObjectKey { ..key })?;
        }
        Ok(())
    }
}

/// Refuses a statement for another kind of relation than it names.
pub(crate) fn check_kind(relation: &Relation, kind: ObjectKind) -> Result<()> {
    let fits = match kind {
        ObjectKind::View => relation.kind == RelationKind::View,
        ObjectKind::Index => relation.kind == RelationKind::Index,
        ObjectKind::Sequence => relation.kind == RelationKind::Sequence,
        ObjectKind::MaterializedView => relation.kind == RelationKind::MaterializedView,
        ObjectKind::ForeignTable => false,
        _ => true,
    };
    match fits {
        true => Ok(()),
        false => {
            let words = kind.words();
            let article = if words.starts_with('i') { "an" } else { "a" };
            bail!(WRONG_OBJECT_TYPE, "\"{}\" is not {article} {words}", relation.name)
        }
    }
}

/// What REPLICA IDENTITY asks for.
fn replica_identity(table: &Relation, identity: &ast::ReplicaIdentity) -> Result<ReplicaIdentity> {
    let name = match identity {
        ast::ReplicaIdentity::Default => return Ok(ReplicaIdentity::Default),
        ast::ReplicaIdentity::Nothing => return Ok(ReplicaIdentity::Nothing),
        ast::ReplicaIdentity::Full => return Ok(ReplicaIdentity::Full),
        ast::ReplicaIdentity::Index(name) => name,
    };
    let Some(index) = table.indexes.iter().find(|i| *i.name == **name) else {
        bail!(UNDEFINED_OBJECT, "index \"{}\" for table \"{}\" does not exist", &**name, table.name)
    };
    let refuse = |what: &str| {
        Err(sql_err!(WRONG_OBJECT_TYPE, "cannot use {what} index \"{}\" as replica identity", index.name))
    };
    if index.deferrable {
        return refuse("non-immediate");
    }
    if !index.unique {
        return refuse("non-unique");
    }
    if index.predicate.is_some() {
        return refuse("partial");
    }
    for key in &index.columns {
        match key.key {
            IndexKey::Expression(_) => return refuse("expression"),
            IndexKey::Column(i) if !table.columns[i].not_null => bail!(
                WRONG_OBJECT_TYPE,
                "index \"{}\" cannot be used as replica identity because column \"{}\" is nullable",
                index.name,
                table.columns[i].name
            ),
            IndexKey::Column(_) => {}
        }
    }
    Ok(ReplicaIdentity::Index(index.oid))
}

/// `ALTER action ADD COLUMN cannot be performed on relation "x"`.
fn wrong_action(command: &Command, relation: &Relation) -> SqlError {
    let kinds = match relation.kind {
        RelationKind::View => "views",
        RelationKind::Sequence => "sequences",
        RelationKind::Index => "indexes",
        RelationKind::MaterializedView => "materialized views",
        RelationKind::Composite => "composite types",
        RelationKind::Table | RelationKind::Virtual => "tables",
    };
    sql_err!(
        WRONG_OBJECT_TYPE,
        "ALTER action {} cannot be performed on relation \"{}\"",
        action::words(command),
        relation.name
    )
    .detail(format!("This operation is not supported for {kinds}."))
}
