//! ALTER TYPE and ALTER DOMAIN: name, owner, schema.

use std::borrow::Cow;
use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::catalog::{Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::parse::ast::{Ident, ObjectKind, ObjectName};
use nq_qsql::sql_err;
use nq_qsql::types::user::{UserKind, UserType};
use nq_qsql::types::{Oid, info};

use super::exists;
use crate::catalog::object::{Class, Namespace, TypeObject};
use crate::catalog::{FIRST_NORMAL_OID, PUBLIC_SCHEMA, acl};
use crate::session::Session;

impl Session {
    /// Finds a type that ALTER TYPE or ALTER DOMAIN names, and locks it.
    pub(super) fn altered_type(&mut self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<UserType>> {
        let found = self.need_user_type(name)?;
        self.check_type_owner(&found)?;
        if kind == ObjectKind::Domain && found.domain().is_none() {
            bail!(WRONG_OBJECT_TYPE, "{} is not a domain", info::type_name(found.info.oid));
        }
        let shown = info::type_name(found.info.oid);
        if let UserKind::Array = found.kind {
            let element = info::type_name(found.info.element_oid);
            return Err(sql_err!(WRONG_OBJECT_TYPE, "cannot alter array type {shown}")
                .hint(format!("You can alter type {element}, which will alter the array type as well.")));
        }
        if found.relation().is_some_and(|r| r.kind != RelationKind::Composite) {
            return Err(
                sql_err!(WRONG_OBJECT_TYPE, "{shown} is a table's row type").hint("Use ALTER TABLE instead.")
            );
        }
        self.lock_type(found.info.oid)
    }

    /// RENAME TO.
    pub(crate) fn rename_type(&mut self, kind: ObjectKind, name: &ObjectName, new: &Ident) -> Result<()> {
        let ty = self.altered_type(kind, name)?;
        let namespace = self.view().catalog.namespace(ty.namespace).cloned();
        if let Some(namespace) = &namespace {
            self.check_schema_privilege(namespace, acl::CREATE)?;
        }
        if let Some(relation) = ty.relation() {
            let relation = relation.clone();
            return self.rename_relation(&relation, new);
        }
        let taken = self.view().catalog.type_oid(ty.namespace, new);
        let is_array =
            |oid: Oid| self.view().catalog.user_type(oid).is_some_and(|t| matches!(t.kind, UserKind::Array));
        if taken.is_some_and(|oid| !is_array(oid)) {
            return Err(exists(new));
        }
        let moved = UserType {
            info: info::TypeInfo { name: Cow::Owned(new.name.to_string()), ..ty.info.clone() },
            ..(*ty).clone()
        };
        self.move_type(&ty, moved)
    }

    /// Stores an enum or a domain under another name or in another schema.
    fn move_type(&mut self, old: &UserType, new: UserType) -> Result<()> {
        let oid = old.info.oid;
        self.claim_type_name(new.namespace, &new.info.name, oid)?;
        let object = self.need_type_object(oid)?;
        self.release_name(Class::Type, old.namespace, &old.info.name)?;
        self.release_name(Class::Type, old.namespace, &object.array_name)?;
        let array_name = self.claim_array_name(new.namespace, &new.info.name, new.info.array_oid)?;
        self.put_type(TypeObject { array_name, ..object.with_type(new) })?;
        Ok(())
    }

    /// OWNER TO.
    pub(crate) fn alter_type_owner(&mut self, kind: ObjectKind, name: &ObjectName, owner: Oid) -> Result<()> {
        let ty = self.altered_type(kind, name)?;
        if owner == ty.owner {
            return Ok(());
        }
        self.check_may_become(owner)?;
        if !self.host.is_superuser()
            && let Some(namespace) = self.view().catalog.namespace(ty.namespace)
            && self.schema_privileges(namespace, owner) & acl::CREATE == 0
        {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        if let Some(relation) = ty.relation() {
            let object = self.object(relation.oid)?;
            let changed = Relation { owner, ..(*object.relation).clone() };
            return self.replace_relation(&object, changed).map(|_| ());
        }
        let object = self.need_type_object(ty.info.oid)?;
        self.put_type(object.with_type(UserType { owner, ..(*ty).clone() }))?;
        if let UserKind::Range(range) = &ty.kind {
            let object = self.need_type_object(range.info.multirange)?;
            self.put_type(object.with_type(UserType { owner, ..(*object.ty).clone() }))?;
        }
        Ok(())
    }

    /// SET SCHEMA.
    pub(crate) fn alter_type_schema(
        &mut self,
        kind: ObjectKind,
        name: &ObjectName,
        schema: &Ident,
    ) -> Result<()> {
        let ty = self.altered_type(kind, name)?;
        let oid = self.need_namespace(schema).map_err(|mut e| {
            e.0.byte_offset = None;
            e
        })?;
        if oid == ty.namespace {
            return Ok(());
        }
        let Some(namespace) = self.view().catalog.namespace(oid).cloned() else {
            bail!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name)
        };
        if oid < FIRST_NORMAL_OID && oid != PUBLIC_SCHEMA {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        let temporary = |n: Oid| n != 0 && n == self.host.temp_namespace;
        if temporary(oid) || temporary(ty.namespace) {
            bail!(FEATURE_NOT_SUPPORTED, "cannot move objects into or out of temporary schemas");
        }
        self.check_schema_privilege(&namespace, acl::CREATE)?;
        if self.view().catalog.type_oid(oid, &ty.info.name).is_some() {
            bail!(
                DUPLICATE_OBJECT,
                "type \"{}\" already exists in schema \"{}\"",
                ty.info.name,
                namespace.name
            );
        }
        if let Some(relation) = ty.relation() {
            let oid = relation.oid;
            return self.move_relation(oid, &namespace);
        }
        let moved = UserType { namespace: oid, schema: (&*namespace.name).into(), ..(*ty).clone() };
        self.move_type(&ty, moved)
    }

    /// The types of a schema know its name.
    pub(crate) fn rename_schema_of_types(&mut self, namespace: &Namespace, new: &str) -> Result<()> {
        let inside: Vec<Arc<TypeObject>> = self
            .view()
            .catalog
            .type_objects()
            .into_iter()
            .filter(|t| t.ty.namespace == namespace.oid)
            .cloned()
            .collect();
        for object in inside {
            let ty = UserType { schema: new.into(), ..(*object.ty).clone() };
            self.put_type(object.with_type(ty))?;
        }
        Ok(())
    }
}
