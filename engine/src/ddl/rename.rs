//! ALTER ... RENAME, OWNER TO and SET SCHEMA.
//!
//! Stored expressions name the columns of their own table, views name everything: both are printed anew under the new names.
//! Sequences are named by OID in defaults and need nothing.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{Catalog, ConstraintKind, Index, IndexKey, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{
    AlterObjectSchema, AlterOwner, Ast, Ident, ObjectId, ObjectKind, ObjectName, ObjectRef, Rename,
    RenamePart,
};
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use super::column::SYSTEM_COLUMNS;
use super::stored::stored_text;
use super::table::already_exists;
use crate::catalog::object::{Class, Namespace, Object, ObjectKey, RelationObject};
use crate::catalog::{FIRST_NORMAL_OID, PUBLIC_SCHEMA, acl};
use crate::session::Session;
use crate::session::utility::Done;

/// An expression of a table, bound under the old names, with where it is kept.
pub(crate) enum Held {
    Default(usize, Expr),
    Check(usize, Expr),
    Key(usize, usize, Expr),
    Predicate(usize, Expr),
}

impl Held {
    /// The expression.
    pub(crate) fn expr_mut(&mut self) -> &mut Expr {
        match self {
            Held::Default(_, expr)
            | Held::Check(_, expr)
            | Held::Key(_, _, expr)
            | Held::Predicate(_, expr) => expr,
        }
    }
}

impl Session {
    /// ALTER ... RENAME.
    pub(crate) fn rename(&mut self, ast: &Ast, rename: &Rename) -> Result<Done> {
        let kind = rename.object.kind;
        let tag = Done::tag(&format!("ALTER {}", kind.words().to_uppercase()));
        let new = &rename.new_name;
        match (kind, &rename.object.id) {
            (ObjectKind::Schema, ObjectId::Name(name)) => {
                self.rename_schema(name, new)?;
                tag
            }
            (ObjectKind::Policy, ObjectId::On { name, relation }) => {
                self.rename_policy(relation, name, new)?;
                tag
            }
            (_, ObjectId::Function(of)) => {
                self.rename_routine(ast, kind, of, new)?;
                tag
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectId::Name(name)) => {
                match &rename.part {
                    None => self.rename_type(kind, name, new)?,
                    Some(RenamePart::Constraint(old)) => self.rename_domain_constraint(name, old, new)?,
                    Some(RenamePart::Attribute(old)) => self.rename_attribute(name, old, new)?,
                    Some(RenamePart::Column(_)) => return Err(SqlError::internal("a column of a type")),
                }
                tag
            }
            (
                ObjectKind::Table
                | ObjectKind::View
                | ObjectKind::Index
                | ObjectKind::Sequence
                | ObjectKind::MaterializedView,
                ObjectId::Name(name),
            ) => {
                let Some(relation) = self.find_altered(name, kind, rename.if_exists)? else { return tag };
                match &rename.part {
                    None => self.rename_relation(&relation, new)?,
                    Some(RenamePart::Column(column)) => self.rename_column(&relation, column, new)?,
                    Some(RenamePart::Constraint(name)) => self.rename_constraint(&relation, name, new)?,
                    Some(RenamePart::Attribute(_)) => {
                        return Err(SqlError::unsupported("RENAME ATTRIBUTE"));
                    }
                }
                tag
            }
            _ => {
                let words = kind.words().to_uppercase();
                Err(SqlError::unsupported(format_args!("ALTER {words} RENAME")))
            }
        }
    }

    /// Finds and locks what ALTER names, and checks that it is of that kind and the user's.
    fn find_altered(
        &mut self,
        name: &ObjectName,
        kind: ObjectKind,
        if_exists: bool,
    ) -> Result<Option<Arc<Relation>>> {
        if if_exists && self.find_relation(name)?.is_none() {
            self.host.skipping(format!("relation \"{}\" does not exist, skipping", name.object().name));
            return Ok(None);
        }
        let found = self.need_relation(name)?;
        let locked = match self.view().catalog.index(found.oid) {
            Some((table, _)) => table.relation.oid,
            None => found.oid,
        };
        self.lock_relation(locked, LockMode::AccessExclusive)?;
        let relation = self.need_relation(name)?;
        self.check_definable(&relation)?;
        // PostgreSQL has always let ALTER INDEX rename any relation.
        if kind != ObjectKind::Index {
            super::alter_table::check_kind(&relation, kind)?;
        }
        self.check_owner(&relation)?;
        Ok(Some(relation))
    }

    pub(super) fn rename_relation(&mut self, relation: &Relation, new: &Ident) -> Result<()> {
        if self.view().catalog.relation_oid(relation.namespace, new).is_some() {
            return Err(already_exists(new));
        }
        let namespace = self.view().catalog.namespace(relation.namespace).cloned();
        if let Some(namespace) = namespace {
            self.check_schema_privilege(&namespace, acl::CREATE)?;
        }
        self.check_not_in_bodies(relation.oid)?;
        let captured = self.capture_views(&[relation.oid])?;
        self.release_name(Class::Relation, relation.namespace, &relation.name)?;
        if !self.claim_name(Class::Relation, relation.namespace, new, relation.oid)? {
            return Err(already_exists(new));
        }
        if relation.kind == RelationKind::Index {
            self.change_index(relation.oid, |table, at| {
                let index = Index { name: new.name.clone(), ..(*table.indexes[at]).clone() };
                if let Some(constraint) = table.constraints.iter_mut().find(|c| c.oid == index.constraint) {
                    constraint.name = new.name.clone();
                }
                table.indexes[at] = Arc::new(index);
            })?;
        } else {
            let object = self.object(relation.oid)?;
            let renamed = Relation { name: new.name.clone(), ..(*object.relation).clone() };
            self.replace_moved(&object, renamed)?;
        }
        self.restore_views(&captured)
    }

    /// Changes an index within its table's descriptor.
    fn change_index(&mut self, oid: Oid, change: impl FnOnce(&mut Relation, usize)) -> Result<()> {
        let found = self.view().catalog.index(oid).map(|(table, _)| table.clone());
        let Some(object) = found else { return Err(SqlError::internal("an index without a table")) };
        let mut table = (*object.relation).clone();
        let Some(at) = table.indexes.iter().position(|i| i.oid == oid) else {
            return Err(SqlError::internal("an index is missing from its table"));
        };
        change(&mut table, at);
        self.replace_relation(&object, table)?;
        Ok(())
    }

    fn rename_column(&mut self, relation: &Relation, old: &Ident, new: &Ident) -> Result<()> {
        use RelationKind::{MaterializedView, Table, View};
        if !matches!(relation.kind, Table | View | MaterializedView) {
            return Err(sql_err!(
                WRONG_OBJECT_TYPE,
                "cannot rename columns of relation \"{}\"",
                relation.name
            )
            .detail(format!(
                "This operation is not supported for {}.",
                if relation.kind == RelationKind::Index { "indexes" } else { "sequences" }
            )));
        }
        let Some(i) = relation.column(old) else {
            if SYSTEM_COLUMNS.contains(&&**old) {
                bail!(FEATURE_NOT_SUPPORTED, "cannot rename system column \"{}\"", &**old);
            }
            bail!(UNDEFINED_COLUMN, "column \"{}\" does not exist", &**old);
        };
        if SYSTEM_COLUMNS.contains(&&**new) {
            bail!(DUPLICATE_COLUMN, "column name \"{}\" conflicts with a system column name", &**new);
        }
        if relation.column(new).is_some() {
            bail!(DUPLICATE_COLUMN, "column \"{}\" of relation \"{}\" already exists", &**new, relation.name);
        }
        self.check_not_in_bodies(relation.oid)?;
        let captured = self.capture_views(&[relation.oid])?;
        let object = self.object(relation.oid)?;
        let held = self.hold_expressions(&object.relation)?;
        let mut renamed = (*object.relation).clone();
        renamed.columns[i].name = new.name.clone();
        print_again(&mut renamed, &held);
        self.replace_relation(&object, renamed)?;
        self.restore_views(&captured)
    }

    /// Binds all expressions that name the table's columns.
    pub(crate) fn hold_expressions(&mut self, relation: &Relation) -> Result<Vec<Held>> {
        let mut held = Vec::new();
        for (i, column) in relation.live_columns() {
            if let (true, Some(text)) = (column.generated.is_computed(), &column.default) {
                let expr = self.bind_stored(text, relation, StoredKind::Generated, Some(column.ty))?;
                held.push(Held::Default(i, expr));
            }
        }
        for (i, constraint) in relation.constraints.iter().enumerate() {
            if let ConstraintKind::Check(text) = &constraint.kind {
                held.push(Held::Check(i, self.bind_stored(text, relation, StoredKind::Check, None)?));
            }
        }
        for (i, index) in relation.indexes.iter().enumerate() {
            for (k, key) in index.columns.iter().enumerate() {
                if let IndexKey::Expression(text) = &key.key {
                    held.push(Held::Key(i, k, self.bind_stored(text, relation, StoredKind::Index, None)?));
                }
            }
            if let Some(text) = &index.predicate {
                let expr = self.bind_stored(text, relation, StoredKind::IndexPredicate, None)?;
                held.push(Held::Predicate(i, expr));
            }
        }
        Ok(held)
    }

    fn rename_constraint(&mut self, relation: &Relation, old: &Ident, new: &Ident) -> Result<()> {
        let Some(at) = relation.constraints.iter().position(|c| *c.name == **old) else {
            bail!(
                UNDEFINED_OBJECT,
                "constraint \"{}\" for table \"{}\" does not exist",
                &**old,
                relation.name
            );
        };
        let constraint = &relation.constraints[at];
        if let Some(index) = relation.indexes.iter().find(|i| i.constraint == constraint.oid) {
            let found = self.view().relation_by_oid(index.oid);
            let Some(index) = found else {
                return Err(SqlError::internal("a constraint's index is missing"));
            };
            return self.rename_relation(&index, new);
        }
        if relation.constraints.iter().any(|c| *c.name == **new) {
            bail!(
                DUPLICATE_OBJECT,
                "constraint \"{}\" for relation \"{}\" already exists",
                &**new,
                relation.name
            );
        }
        let object = self.object(relation.oid)?;
        let mut renamed = (*object.relation).clone();
        renamed.constraints[at].name = new.name.clone();
        self.replace_relation(&object, renamed)?;
        Ok(())
    }

    /// A schema that ALTER names, of the user's.
    fn find_altered_schema(&mut self, name: &ObjectName) -> Result<Arc<Namespace>> {
        let oid = self.need_namespace(&Ident { pos: u32::MAX, ..name.object().clone() })?;
        let found = self.view().catalog.namespace(oid).cloned();
        let Some(namespace) = found else { return Err(SqlError::internal("a schema is missing")) };
        if oid < FIRST_NORMAL_OID && oid != PUBLIC_SCHEMA {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied: \"{}\" is a system schema", namespace.name);
        }
        if !self.owns(namespace.owner) {
            bail!(INSUFFICIENT_PRIVILEGE, "must be owner of schema {}", namespace.name);
        }
        Ok(namespace)
    }

    fn rename_schema(&mut self, name: &ObjectName, new: &Ident) -> Result<()> {
        let namespace = self.find_altered_schema(name)?;
        if self.view().catalog.namespace_oid(new).is_some() {
            bail!(DUPLICATE_SCHEMA, "schema \"{}\" already exists", &**new);
        }
        if new.starts_with("pg_") {
            return Err(sql_err!(RESERVED_NAME, "unacceptable schema name \"{}\"", &**new)
                .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        let state = self.view().clone();
        let inside: Vec<Oid> = state
            .catalog
            .relations()
            .iter()
            .filter(|r| r.relation.namespace == namespace.oid)
            .map(|r| r.relation.oid)
            .collect();
        for &oid in &inside {
            self.lock_relation(oid, LockMode::AccessExclusive)?;
        }
        let captured = self.capture_views(&inside)?;
        self.release_name(Class::Namespace, 0, &namespace.name)?;
        if !self.claim_name(Class::Namespace, 0, new, namespace.oid)? {
            bail!(DUPLICATE_SCHEMA, "schema \"{}\" already exists", &**new);
        }
        let renamed = Namespace { name: (&**new).into(), ..(*namespace).clone() };
        let key = ObjectKey::new(Class::Namespace, namespace.oid);
        self.put_object(key, Object::Namespace(Arc::new(renamed)))?;
        for oid in inside {
            let object = self.object(oid)?;
            let moved = Relation { schema: new.name.clone(), ..(*object.relation).clone() };
            self.replace_relation(&object, moved)?;
        }
        self.rename_schema_of_routines(&namespace, new)?;
        self.rename_schema_of_operators(&namespace, new)?;
        self.rename_schema_of_types(&namespace, new)?;
        self.restore_views(&captured)
    }

    /// ALTER ... OWNER TO of what is not a table.
    pub(crate) fn alter_owner(&mut self, ast: &Ast, alter: &AlterOwner) -> Result<Done> {
        let ObjectRef { kind, id, .. } = &alter.object;
        match (kind, id) {
            (ObjectKind::Schema, ObjectId::Name(name)) => {
                let owner = self.need_role(&alter.owner)?;
                let namespace = self.find_altered_schema(name)?;
                self.check_may_become(owner)?;
                let mut changed = Namespace { owner, ..(*namespace).clone() };
                if let Some(acl) = &mut changed.acl {
                    acl::change_owner(acl, namespace.owner, owner);
                }
                let key = ObjectKey::new(Class::Namespace, namespace.oid);
                self.put_object(key, Object::Namespace(Arc::new(changed)))?;
                Done::tag("ALTER SCHEMA")
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectId::Name(name)) => {
                let owner = self.need_role(&alter.owner)?;
                self.alter_type_owner(*kind, name, owner)?;
                Done::tag(&format!("ALTER {}", kind.words().to_uppercase()))
            }
            (ObjectKind::Operator, ObjectId::Operator { name, left, right }) => {
                let owner = self.need_role(&alter.owner)?;
                let named = (name, left.as_deref(), right.as_deref());
                let found = self.named_operator(ast, named, alter.object.pos)?;
                self.alter_operator_owner(found, owner)?;
                Done::tag("ALTER OPERATOR")
            }
            (_, ObjectId::Function(of)) => {
                let owner = self.need_role(&alter.owner)?;
                self.alter_routine_owner(ast, *kind, of, owner)?;
                Done::tag(&format!("ALTER {}", kind.words().to_uppercase()))
            }
            _ => {
                let words = kind.words().to_uppercase();
                Err(SqlError::unsupported(format_args!("ALTER {words} OWNER TO")))
            }
        }
    }

    /// ALTER ... SET SCHEMA.
    pub(crate) fn alter_schema(&mut self, ast: &Ast, alter: &AlterObjectSchema) -> Result<Done> {
        let kind = alter.object.kind;
        let tag = Done::tag(&format!("ALTER {}", kind.words().to_uppercase()));
        if let ObjectId::Operator { name, left, right } = &alter.object.id {
            let named = (name, left.as_deref(), right.as_deref());
            let found = self.named_operator(ast, named, alter.object.pos)?;
            self.alter_operator_schema(found, &alter.schema)?;
            return tag;
        }
        if let ObjectId::Function(of) = &alter.object.id {
            self.alter_routine_schema(ast, kind, of, &alter.schema)?;
            return tag;
        }
        if let (ObjectId::Name(name), ObjectKind::Type | ObjectKind::Domain) = (&alter.object.id, kind) {
            self.alter_type_schema(kind, name, &alter.schema)?;
            return tag;
        }
        let ObjectId::Name(name) = &alter.object.id else {
            return Err(SqlError::unsupported(format_args!(
                "ALTER {} SET SCHEMA",
                kind.words().to_uppercase()
            )));
        };
        if !matches!(
            kind,
            ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence | ObjectKind::MaterializedView
        ) {
            return Err(SqlError::unsupported(format_args!(
                "ALTER {} SET SCHEMA",
                kind.words().to_uppercase()
            )));
        }
        let Some(relation) = self.find_altered(name, kind, alter.if_exists)? else { return tag };
        if self.object(relation.oid)?.owned_by.is_some() {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot move an owned sequence into another schema")
                .detail(format!("Sequence \"{}\" is linked to a table.", relation.name)));
        }
        let schema = Ident { pos: u32::MAX, ..alter.schema.clone() };
        let oid = self.need_namespace(&schema)?;
        if oid == relation.namespace {
            return tag;
        }
        let found = self.view().catalog.namespace(oid).cloned();
        let Some(namespace) = found else { return Err(SqlError::internal("a schema is missing")) };
        if oid < FIRST_NORMAL_OID && oid != PUBLIC_SCHEMA {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        let temporary = |n: Oid| n != 0 && n == self.host.temp_namespace;
        if temporary(oid) || temporary(relation.namespace) {
            bail!(FEATURE_NOT_SUPPORTED, "cannot move objects into or out of temporary schemas");
        }
        self.check_schema_privilege(&namespace, acl::CREATE)?;
        self.check_not_in_bodies(relation.oid)?;
        let captured = self.capture_views(&[relation.oid])?;
        self.move_relation(relation.oid, &namespace)?;
        let view = self.view().clone();
        for sequence in view.catalog.owned_sequences(relation.oid, None) {
            self.move_relation(sequence.relation.oid, &namespace)?;
        }
        self.restore_views(&captured)?;
        tag
    }

    /// Moves a relation, with its indexes, into another schema.
    pub(super) fn move_relation(&mut self, oid: Oid, to: &Namespace) -> Result<()> {
        let object: Arc<RelationObject> = self.object(oid)?;
        let relation = &object.relation;
        let names = std::iter::once((&relation.name, relation.oid))
            .chain(relation.indexes.iter().map(|i| (&i.name, i.oid)));
        for (name, oid) in names {
            if self.view().catalog.relation_oid(to.oid, name).is_some() {
                bail!(DUPLICATE_TABLE, "relation \"{name}\" already exists in schema \"{}\"", to.name);
            }
            self.release_name(Class::Relation, relation.namespace, name)?;
            if !self.claim_name(Class::Relation, to.oid, name, oid)? {
                bail!(DUPLICATE_TABLE, "relation \"{name}\" already exists in schema \"{}\"", to.name);
            }
        }
        let moved = Relation { namespace: to.oid, schema: (&*to.name).into(), ..(**relation).clone() };
        self.replace_moved(&object, moved)
    }

    /// Stores a relation under another name or in another schema: the type of its rows goes with it.
    fn replace_moved(&mut self, object: &RelationObject, moved: Relation) -> Result<()> {
        let mut changed = object.with_relation(moved);
        if let Some(row) = &object.row_type {
            let relation = changed.relation.clone();
            changed.row_type = Some(self.moved_row_type(&object.relation, row, &relation)?);
        }
        self.put_relation(changed)?;
        Ok(())
    }
}

/// Prints held expressions under the names that the table has now.
pub(crate) fn print_again(relation: &mut Relation, held: &[Held]) {
    for one in held {
        match one {
            Held::Default(i, expr) => relation.columns[*i].default = Some(stored_text(expr, relation)),
            Held::Check(i, expr) => {
                relation.constraints[*i].kind = ConstraintKind::Check(stored_text(expr, relation));
            }
            Held::Key(i, k, expr) => {
                let mut index = (*relation.indexes[*i]).clone();
                index.columns[*k].key = IndexKey::Expression(stored_text(expr, relation));
                relation.indexes[*i] = Arc::new(index);
            }
            Held::Predicate(i, expr) => {
                let mut index = (*relation.indexes[*i]).clone();
                index.predicate = Some(stored_text(expr, relation));
                relation.indexes[*i] = Arc::new(index);
            }
        }
    }
}
