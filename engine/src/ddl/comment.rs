//! COMMENT ON.

use nq_qsql::catalog::{Catalog, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, Comment, ObjectId, ObjectKind, ObjectName};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};

use super::policy::undefined_policy;
use crate::catalog::class;
use crate::catalog::object::{Class, Object, ObjectKey};
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// COMMENT ON an object; NULL and the empty text remove the comment.
    pub(crate) fn comment(&mut self, ast: &Ast, comment: &Comment) -> Result<Done> {
        let key = self.commented(ast, comment)?;
        match comment.text.as_deref().filter(|t| !t.is_empty()) {
            Some(text) => self.put_object(key, Object::Comment(text.into()))?,
            None if self.view().comment(key.of, key.oid, key.sub).is_some() => self.remove_object(key)?,
            None => {}
        }
        Done::tag("COMMENT")
    }

    /// The key of the comment on an object that the user may comment on.
    fn commented(&mut self, ast: &Ast, comment: &Comment) -> Result<ObjectKey> {
        let kind = comment.object.kind;
        match (kind, &comment.object.id) {
            (
                ObjectKind::Table
                | ObjectKind::View
                | ObjectKind::Index
                | ObjectKind::Sequence
                | ObjectKind::MaterializedView,
                ObjectId::Name(name),
            ) => {
                let relation = self.need_relation(name)?;
                super::alter_table::check_kind(&relation, kind)?;
                if kind == ObjectKind::Table && relation.kind != RelationKind::Table {
                    bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", relation.name);
                }
                self.check_commentable(&relation)?;
                Ok(Session::relation_comment(relation.oid, 0))
            }
            (ObjectKind::Column, ObjectId::Name(name)) => self.commented_column(name),
            (ObjectKind::TableConstraint, ObjectId::On { name, relation }) => {
                let table = self.need_relation(relation)?;
                self.check_inside_commentable(&table)?;
                match table.constraints.iter().find(|c| *c.name == **name) {
                    Some(found) => Ok(ObjectKey::comment(Class::Comment, class::CONSTRAINT, found.oid, 0)),
                    None => bail!(
                        UNDEFINED_OBJECT,
                        "constraint \"{}\" for table \"{}\" does not exist",
                        &**name,
                        table.name
                    ),
                }
            }
            (ObjectKind::Policy, ObjectId::On { name, relation }) => {
                let table = self.need_relation(relation)?;
                self.check_inside_commentable(&table)?;
                match table.security.policy(name) {
                    Some(found) => Ok(ObjectKey::comment(Class::Comment, class::POLICY, found.oid, 0)),
                    None => Err(undefined_policy(&table, name)),
                }
            }
            (ObjectKind::Schema, ObjectId::Name(name)) => {
                let oid = self
                    .view()
                    .namespace(name.object())
                    .ok_or_else(|| sql_err!(INVALID_SCHEMA_NAME, "schema \"{name}\" does not exist"))?;
                let owner = self.view().catalog.namespace(oid).map(|n| n.owner);
                if !owner.is_some_and(|owner| self.owns(owner)) {
                    bail!(INSUFFICIENT_PRIVILEGE, "must be owner of schema {name}");
                }
                Ok(ObjectKey::comment(Class::Comment, class::NAMESPACE, oid, 0))
            }
            (ObjectKind::Database, ObjectId::Name(name)) => {
                let found = self.view().cluster.database_named(name.object()).map(|d| (d.oid, d.owner));
                let Some((oid, owner)) = found else {
                    bail!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist");
                };
                if !self.owns(owner) {
                    bail!(INSUFFICIENT_PRIVILEGE, "must be owner of database {name}");
                }
                Ok(ObjectKey::comment(Class::SharedComment, class::DATABASE, oid, 0))
            }
            (ObjectKind::Role, ObjectId::Name(name)) => {
                let Some(oid) = self.view().role(name.object()) else {
                    bail!(UNDEFINED_OBJECT, "role \"{name}\" does not exist");
                };
                self.check_may_comment_on_role(oid)?;
                Ok(ObjectKey::comment(Class::SharedComment, class::AUTHID, oid, 0))
            }
            (_, ObjectId::Function(of)) => {
                let object = self.need_user_routine(ast, kind, of)?;
                Ok(ObjectKey::comment(Class::Comment, class::PROC, object.routine.oid, 0))
            }
            (_, ObjectId::Operator { name, left, right }) => {
                let named = (name, left.as_deref(), right.as_deref());
                let found = self.named_operator(ast, named, comment.object.pos)?;
                let oid = self.own_operator(found)?.oid;
                Ok(ObjectKey::comment(Class::Comment, class::OPERATOR, oid, 0))
            }
            (_, ObjectId::Cast { from, to }) => {
                let found = self.named_cast(ast, from, to)??;
                let oid = self.own_cast(&found)?;
                Ok(ObjectKey::comment(Class::Comment, class::CAST, oid, 0))
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectId::Type(ty)) => {
                let found = self.resolve_type(ast, ty).map_err(|mut e| {
                    e.0.byte_offset = None;
                    e
                })?;
                if kind == ObjectKind::Domain && !nq_qsql::types::info::is_domain(found.oid) {
                    bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a domain", ty.name);
                }
                match self.view().catalog.user_type(found.oid).cloned() {
                    Some(ty) => self.check_type_owner(&ty)?,
                    None => {
                        let name = nq_qsql::types::info::type_name(found.oid);
                        self.check_superuser(&format!("must be owner of type {name}"))?;
                    }
                }
                Ok(ObjectKey::comment(Class::Comment, class::TYPE, found.oid, 0))
            }
            (ObjectKind::DomainConstraint, ObjectId::OnDomain { name, domain }) => {
                let found = self.resolve_type(ast, domain)?;
                let Some(ty) = self.view().catalog.user_type(found.oid).cloned() else {
                    bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a domain", domain.name)
                };
                self.check_type_owner(&ty)?;
                let mut constraints = crate::catalog::state::domain_constraints(&ty);
                match constraints.find(|c| *c.name == **name) {
                    Some(c) => Ok(ObjectKey::comment(Class::Comment, class::CONSTRAINT, c.oid, 0)),
                    None => bail!(
                        UNDEFINED_OBJECT,
                        "constraint \"{}\" for domain {} does not exist",
                        &**name,
                        nq_qsql::types::info::type_name(found.oid)
                    ),
                }
            }
            _ => {
                let words = kind.words().to_uppercase();
                Err(SqlError::unsupported(format_args!("COMMENT ON {words}")))
            }
        }
    }

    fn commented_column(&mut self, name: &ObjectName) -> Result<ObjectKey> {
        let Some((column, table)) = name.0.split_last() else {
            return Err(SqlError::internal("a column without a name"));
        };
        if table.is_empty() {
            return Err(sql_err!(SYNTAX_ERROR, "column name must be qualified"));
        }
        let relation = self.need_relation(&ObjectName(table.into()))?;
        self.check_inside_commentable(&relation)?;
        match (relation.kind, relation.column(column)) {
            (RelationKind::Index | RelationKind::Sequence, _) => {
                Err(sql_err!(WRONG_OBJECT_TYPE, "cannot set comment on relation \"{}\"", relation.name)
                    .detail(match relation.kind {
                        RelationKind::Index => "This operation is not supported for indexes.",
                        _ => "This operation is not supported for sequences.",
                    }))
            }
            (_, Some(i)) => Ok(Session::relation_comment(relation.oid, i as i32 + 1)),
            (_, None) => bail!(
                UNDEFINED_COLUMN,
                "column \"{}\" of relation \"{}\" does not exist",
                &**column,
                ObjectName(table.into())
            ),
        }
    }

    /// Who may comment on a relation: its owner; on an index, its table's.
    fn check_commentable(&self, relation: &Relation) -> Result<()> {
        self.check_not_system(relation)?;
        let table = self.view().catalog.index(relation.oid).map(|(t, _)| t.relation.owner);
        match table {
            Some(owner) if !self.owns(owner) => {
                bail!(INSUFFICIENT_PRIVILEGE, "must be owner of index {}", relation.name)
            }
            Some(_) => Ok(()),
            None => self.check_owner(relation),
        }
    }

    /// Who may comment on a column or a constraint: the relation's owner.
    fn check_inside_commentable(&self, relation: &Relation) -> Result<()> {
        self.check_not_system(relation)?;
        match self.check_commentable(relation) {
            Ok(()) => Ok(()),
            Err(_) => bail!(INSUFFICIENT_PRIVILEGE, "must be owner of relation {}", relation.name),
        }
    }

    fn check_may_comment_on_role(&self, oid: Oid) -> Result<()> {
        let denied = |detail: String| sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied").detail(detail);
        let role = self.role(oid)?;
        let own = self.role(self.host.current_user.oid)?;
        let lacks =
            |attribute: &str| denied(format!("The current user must have the {attribute} attribute."));
        if role.superuser && !own.superuser {
            return Err(lacks("SUPERUSER"));
        }
        if !own.create_role && !own.superuser {
            return Err(lacks("CREATEROLE"));
        }
        match self.has_admin_option(oid) {
            true => Ok(()),
            false => {
                Err(denied(format!("The current user must have the ADMIN option on role \"{}\".", role.name)))
            }
        }
    }
}
