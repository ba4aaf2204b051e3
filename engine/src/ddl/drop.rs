//! DROP TABLE, VIEW, INDEX, SEQUENCE, SCHEMA, with RESTRICT and CASCADE.

use nq_qsql::bail;
use nq_qsql::catalog::{Catalog, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, Drop, ObjectId, ObjectKind, ObjectName};
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_storage::txn::lock::LockMode;

use super::dependency::{Target, drop_trees};
use crate::catalog::FIRST_NORMAL_OID;
use crate::catalog::class;
use crate::catalog::object::Class;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// DROP of one or more objects of a kind.
    pub(crate) fn drop_objects(&mut self, ast: &Ast, drop: &Drop) -> Result<Done> {
        let tag = Done::tag(&format!("DROP {}", drop.kind.words().to_uppercase()));
        let kind = match drop.kind {
            ObjectKind::Table => RelationKind::Table,
            ObjectKind::View => RelationKind::View,
            ObjectKind::Sequence => RelationKind::Sequence,
            ObjectKind::MaterializedView => RelationKind::MaterializedView,
            ObjectKind::Index => {
                self.drop_indexes(drop)?;
                return tag;
            }
            ObjectKind::Schema => {
                self.drop_schemas(drop)?;
                return tag;
            }
            ObjectKind::Operator => return self.drop_operators(ast, drop),
            ObjectKind::Cast => return self.drop_casts(ast, drop),
            ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate => {
                return self.drop_routines(ast, drop);
            }
            ObjectKind::Policy => {
                for object in &drop.objects {
                    if let ObjectId::On { name, relation } = &object.id {
                        self.drop_policy(relation, name, drop.if_exists)?;
                    }
                }
                return tag;
            }
            ObjectKind::Type | ObjectKind::Domain => return self.drop_types(drop),
            other => {
                let words = other.words().to_uppercase();
                return Err(SqlError::unsupported(format_args!("DROP {words}")));
            }
        };
        let mut roots = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            let Some(relation) = self.find_dropped(drop, &object.id)? else { continue };
            self.check_definable(&relation)?;
            if relation.kind != kind {
                return Err(wrong_kind(&relation, drop.kind.words()));
            }
            self.check_droppable(&relation)?;
            self.lock_relation(relation.oid, LockMode::AccessExclusive)?;
            if let Some(owner) = self.object(relation.oid)?.owned_by.filter(|o| o.internal) {
                let table = self.describe_target(Target::Column(owner.table, owner.column));
                let sequence = self.describe_target(Target::Relation(relation.oid));
                return Err(sql_err!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop {sequence} because {table} requires it"
                )
                .hint(format!("You can drop {table} instead.")));
            }
            if !roots.contains(&Target::Relation(relation.oid)) {
                roots.push(Target::Relation(relation.oid));
            }
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, drop.cascade)?;
        self.carry_out_deletion(&deletion, None)?;
        tag
    }

    /// Finds an object that DROP names; `None` when it is not there and IF EXISTS was said.
    fn find_dropped(&mut self, drop: &Drop, id: &ObjectId) -> Result<Option<std::sync::Arc<Relation>>> {
        let ObjectId::Name(name) = id else {
            return Err(SqlError::unsupported("DROP of an object that is not named"));
        };
        let word = drop.kind.words();
        if let Some(schema) = name.schema()
            && self.view().namespace(schema).is_none()
        {
            if drop.if_exists {
                self.host.skipping(format!("schema \"{}\" does not exist, skipping", &**schema));
                return Ok(None);
            }
            bail!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", &**schema);
        }
        match self.find_relation(name)? {
            Some(relation) => Ok(Some(relation)),
            None if drop.if_exists => {
                self.host.skipping(format!("{word} \"{}\" does not exist, skipping", name.object().name));
                Ok(None)
            }
            None if drop.kind == ObjectKind::Index => Err(undefined_index(name)),
            None => bail!(UNDEFINED_TABLE, "{word} \"{name}\" does not exist"),
        }
    }

    /// The owner of a relation, or of its schema, may drop it.
    fn check_droppable(&self, relation: &Relation) -> Result<()> {
        let schema = self.view().catalog.namespace(relation.namespace).map(|n| n.owner);
        match schema.is_some_and(|owner| self.owns(owner)) {
            true => Ok(()),
            false => self.check_owner(relation),
        }
    }

    fn drop_schemas(&mut self, drop: &Drop) -> Result<()> {
        let mut roots = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            let ObjectId::Name(name) = &object.id else {
                return Err(SqlError::internal("a schema without a name"));
            };
            let Some(oid) = self.view().namespace(name.object()) else {
                if drop.if_exists {
                    self.host.skipping(format!("schema \"{name}\" does not exist, skipping"));
                    continue;
                }
                bail!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist");
            };
            let Some(namespace) = self.view().catalog.namespace(oid).cloned() else {
                return Err(SqlError::internal("a schema is missing"));
            };
            if oid < FIRST_NORMAL_OID && oid != crate::catalog::PUBLIC_SCHEMA {
                return Err(sql_err!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop schema {} because it is required by the database system",
                    namespace.name
                ));
            }
            if !self.owns(namespace.owner) {
                bail!(INSUFFICIENT_PRIVILEGE, "must be owner of schema {}", namespace.name);
            }
            roots.push(Target::Schema(oid));
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, drop.cascade)?;
        self.carry_out_deletion(&deletion, None)
    }

    fn drop_indexes(&mut self, drop: &Drop) -> Result<()> {
        if drop.concurrently {
            if drop.objects.len() > 1 {
                bail!(
                    FEATURE_NOT_SUPPORTED,
                    "DROP INDEX CONCURRENTLY does not support dropping multiple objects"
                );
            }
            self.check_outside_block("DROP INDEX CONCURRENTLY")?;
        }
        for object in &drop.objects {
            let Some(found) = self.find_dropped(drop, &object.id)? else { continue };
            if found.kind != RelationKind::Index {
                return Err(wrong_kind(&found, "index"));
            }
            self.drop_index(found.oid)?;
        }
        Ok(())
    }

    /// The owner of an index's table, or of its schema, may drop it.
    fn check_index_droppable(&self, table: &Relation, index: Oid) -> Result<()> {
        match self.check_droppable(table) {
            Ok(()) => Ok(()),
            Err(_) => {
                let name = table.indexes.iter().find(|i| i.oid == index).map_or("", |i| &i.name);
                bail!(INSUFFICIENT_PRIVILEGE, "must be owner of index {name}")
            }
        }
    }

    fn drop_index(&mut self, oid: Oid) -> Result<()> {
        let owner = self.view().catalog.index(oid).map(|(table, _)| table.relation.clone());
        let Some(table) = owner else { return Err(SqlError::internal("an index without a table")) };
        self.check_index_droppable(&table, oid)?;
        self.lock_relation(table.oid, LockMode::AccessExclusive)?;
        let object = self.object(table.oid)?;
        let mut relation = (*object.relation).clone();
        let Some(at) = relation.indexes.iter().position(|i| i.oid == oid) else { return Ok(()) };
        let index = relation.indexes.remove(at);
        if index.constraint != 0 {
            let constraint = relation.constraints.iter().find(|c| c.oid == index.constraint);
            let constraint = constraint.map_or("", |c| &c.name);
            let table = &relation.name;
            return Err(sql_err!(
                DEPENDENT_OBJECTS_STILL_EXIST,
                "cannot drop index {} because constraint {constraint} on table {table} requires it",
                index.name
            )
            .hint(format!("You can drop constraint {constraint} on table {table} instead.")));
        }
        drop_trees(self, &[index.tree])?;
        self.release_name(Class::Relation, relation.namespace, &index.name)?;
        self.remove_comments(class::CLASS, oid)?;
        self.replace_relation(&object, relation)?;
        Ok(())
    }
}

/// 42704 `index "x" does not exist`.
pub(crate) fn undefined_index(name: &ObjectName) -> SqlError {
    sql_err!(UNDEFINED_OBJECT, "index \"{name}\" does not exist")
}

/// 42809 `"x" is not a table`, with the statement that would drop it.
fn wrong_kind(relation: &Relation, word: &str) -> SqlError {
    let article = if word.starts_with('i') { "an" } else { "a" };
    let hint = match relation.kind {
        RelationKind::View => "Use DROP VIEW to remove a view.",
        RelationKind::Sequence => "Use DROP SEQUENCE to remove a sequence.",
        RelationKind::Index => "Use DROP INDEX to remove an index.",
        RelationKind::MaterializedView => "Use DROP MATERIALIZED VIEW to remove a materialized view.",
        RelationKind::Composite => "Use DROP TYPE to remove a type.",
        RelationKind::Table | RelationKind::Virtual => "Use DROP TABLE to remove a table.",
    };
    sql_err!(WRONG_OBJECT_TYPE, "\"{}\" is not {article} {word}", relation.name).hint(hint)
}
