//! CREATE, ALTER and DROP of types and domains.
//!
//! 1. Every type has an array type, made with it, renamed and dropped with it. Its name is the type's with an underscore in front, and
//!    a number behind while that name is taken; a type that a user makes takes the name from an array type.
//! 2. Names of types are unique within a schema, the types of relations' rows among them.
//!
//! Source: PostgreSQL's `typecmds.c`, `pg_type.c`.

mod alter;
mod composite;
mod domain;
mod drop;
mod enumeration;
mod range;

use std::sync::Arc;

use nq_qsql::catalog::{Catalog, Relation};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Ast, CreateType, ObjectName, TypeDefinition};
use nq_qsql::types::user::{UserKind, UserType};
use nq_qsql::types::{Oid, info};
use nq_qsql::{bail, sql_err};
use nq_storage::WaitPolicy;
use nq_storage::txn::lock::{LockClass, LockMode};

use super::names::object_name;
use crate::catalog::acl::{self, AclKind};
use crate::catalog::object::{Class, Namespace, Object, ObjectKey, RowType, TypeObject};
use crate::error::store_error;
use crate::roles::DefaultKind;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// CREATE TYPE.
    pub(crate) fn create_type(&mut self, ast: &Ast, create: &CreateType) -> Result<Done> {
        match &create.definition {
            TypeDefinition::Enum(labels) => self.create_enum(&create.name, labels)?,
            TypeDefinition::Composite(columns) => self.create_composite(ast, &create.name, columns)?,
            TypeDefinition::Range(options) => self.create_range(ast, &create.name, options)?,
            TypeDefinition::Base(_) => {
                self.check_superuser("must be superuser to create a base type")?;
                return Err(SqlError::unsupported("CREATE TYPE of a base type"));
            }
            TypeDefinition::Shell => return Err(SqlError::unsupported("CREATE TYPE of a shell type")),
        }
        Done::tag("CREATE TYPE")
    }

    /// Stores a new enum or domain.
    fn put_new_type(
        &mut self,
        oid: Oid,
        name: &str,
        namespace: &Namespace,
        kind: UserKind,
    ) -> Result<Arc<TypeObject>> {
        self.claim_type_name(namespace.oid, name, oid)?;
        let array = self.db.next_oid()?;
        let array_name = self.claim_array_name(namespace.oid, name, array)?;
        let owner = self.host.current_user.oid;
        let schema = (&*namespace.name).into();
        let ty = UserType::new(oid, name, array, namespace.oid, schema, owner, kind);
        let acl = self.default_acl(DefaultKind::Type, owner, namespace.oid);
        self.put_type(TypeObject { ty: Arc::new(ty), array_name, acl })
    }

    /// Stores an enum or a domain.
    pub(crate) fn put_type(&mut self, object: TypeObject) -> Result<Arc<TypeObject>> {
        let object = Arc::new(object);
        let key = ObjectKey::new(Class::Type, object.ty.info.oid);
        self.put_object(key, Object::Type(object.clone()))?;
        Ok(object)
    }

    /// The type of a new relation's rows, under the relation's name.
    pub(crate) fn new_row_type(&mut self, relation: &Relation) -> Result<RowType> {
        let oid = self.db.next_oid()?;
        self.claim_type_name(relation.namespace, &relation.name, oid).map_err(|e| {
            e.hint(
                "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.",
            )
        })?;
        let array = self.db.next_oid()?;
        let array_name = self.claim_array_name(relation.namespace, &relation.name, array)?;
        let acl = self.default_acl(DefaultKind::Type, relation.owner, relation.namespace);
        Ok(RowType { oid, array, array_name, acl })
    }

    /// The type of a relation's rows after the relation got another name or schema, which `relation` has; `old` is as it was.
    pub(crate) fn moved_row_type(
        &mut self,
        old: &Relation,
        row: &RowType,
        relation: &Relation,
    ) -> Result<RowType> {
        self.release_name(Class::Type, old.namespace, &old.name)?;
        self.release_name(Class::Type, old.namespace, &row.array_name)?;
        self.claim_type_name(relation.namespace, &relation.name, row.oid)?;
        let array_name = self.claim_array_name(relation.namespace, &relation.name, row.array)?;
        Ok(RowType { array_name, ..row.clone() })
    }

    /// Makes a name a type's. An array type that has it gets another one.
    ///
    /// # Errors
    /// 42710
    fn claim_type_name(&mut self, namespace: Oid, name: &str, oid: Oid) -> Result<()> {
        let taken = self.view().catalog.type_oid(namespace, name).filter(|taken| *taken != oid);
        if let Some(taken) = taken
            && !self.move_array_name(taken)?
        {
            return Err(exists(name));
        }
        match self.claim_name(Class::Type, namespace, name, oid)? {
            true => Ok(()),
            false => Err(exists(name)),
        }
    }

    /// Chooses and takes the name of the array type over a type of this name.
    fn claim_array_name(&mut self, namespace: Oid, element: &str, oid: Oid) -> Result<Box<str>> {
        let mut number = 0;
        loop {
            let label = if number == 0 { String::new() } else { number.to_string() };
            let name = object_name("", Some(element), &label);
            let found = self.view().catalog.type_oid(namespace, &name);
            if found.is_none_or(|found| found == oid)
                && self.claim_name(Class::Type, namespace, &name, oid)?
            {
                return Ok(name.into());
            }
            number += 1;
        }
    }

    /// Gives an array type another name, so that its name is free; `false` when the type is none.
    fn move_array_name(&mut self, oid: Oid) -> Result<bool> {
        let Some(array) = self.view().catalog.user_type(oid).cloned() else { return Ok(false) };
        if !matches!(array.kind, UserKind::Array) {
            return Ok(false);
        }
        let Some(element) = self.view().catalog.user_type(array.info.element_oid).cloned() else {
            return Ok(false);
        };
        // The old name is still taken here, so that another one is chosen.
        let name = self.claim_array_name(array.namespace, &array.info.name, oid)?;
        self.release_name(Class::Type, array.namespace, &array.info.name)?;
        self.store_array_name(&element, name)?;
        Ok(true)
    }

    /// Stores the name of the array type over a type.
    fn store_array_name(&mut self, element: &UserType, name: Box<str>) -> Result<()> {
        if let Some(relation) = element.relation() {
            let object = self.object(relation.oid)?;
            let mut changed = (*object).clone();
            if let Some(row) = &mut changed.row_type {
                row.array_name = name;
            }
            return self.put_relation(changed).map(|_| ());
        }
        match self.view().catalog.type_object(element.info.oid).cloned() {
            Some(object) => self.put_type(TypeObject { array_name: name, ..(*object).clone() }).map(|_| ()),
            None => Err(SqlError::internal("a type without an object")),
        }
    }

    /// The schema of a new type; types, unlike relations, take `pg_temp` only where it is written.
    fn type_schema(&mut self, name: &ObjectName) -> Result<Arc<Namespace>> {
        self.creation_schema(name, false)
    }

    /// Finds a type of a user by a parsed name.
    ///
    /// # Errors
    /// 42704 `type "x" does not exist`.
    pub(crate) fn need_user_type(&mut self, name: &ObjectName) -> Result<Arc<UserType>> {
        match self.find_user_type(name)? {
            Some(found) => Ok(found),
            None => bail!(UNDEFINED_OBJECT, "type \"{name}\" does not exist"),
        }
    }

    /// Finds a type by a parsed name; `None` when there is none.
    pub(crate) fn find_user_type(&mut self, name: &ObjectName) -> Result<Option<Arc<UserType>>> {
        let schema = name.schema().map(|s| &**s);
        if let Some(schema) = schema {
            if self.view().namespace(schema).is_none() {
                bail!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist");
            }
            if !self.view().may_use_namespace(schema) {
                bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {schema}");
            }
        }
        let built_in = match schema {
            None | Some("pg_catalog") => info::by_sql_name(name.object()),
            Some(_) => None,
        };
        if built_in.is_some() {
            bail!(INSUFFICIENT_PRIVILEGE, "must be owner of type {}", &**name.object());
        }
        Ok(self.view().user_type(schema, name.object()))
    }

    /// # Errors
    /// 42809 `integer is not an enum` for a built-in type.
    fn check_not_built_in(&self, name: &ObjectName, wanted: &str) -> Result<()> {
        let built_in = match name.schema().map(|s| &*s.name) {
            None | Some("pg_catalog") => info::by_sql_name(name.object()),
            Some(_) => None,
        };
        match built_in {
            Some(found) => {
                let shown = info::type_name(found.oid);
                self.check_superuser(&format!("must be owner of type {shown}"))?;
                bail!(WRONG_OBJECT_TYPE, "{shown} is not {wanted}")
            }
            None => Ok(()),
        }
    }

    /// Waits until nobody else changes the type, and returns it as it is then.
    ///
    /// # Errors
    /// 42704 when it has been dropped.
    pub(crate) fn lock_type(&mut self, oid: Oid) -> Result<Arc<UserType>> {
        self.txn()
            .lock_object(LockClass::Object, u64::from(oid), LockMode::Exclusive, WaitPolicy::Wait)
            .map_err(store_error)?;
        self.db.settle();
        self.ready_view();
        match self.view().catalog.user_type(oid) {
            Some(ty) => Ok(ty.clone()),
            None => bail!(UNDEFINED_OBJECT, "type with OID {oid} does not exist"),
        }
    }

    /// An enum or a domain with what is stored of it.
    pub(crate) fn need_type_object(&self, oid: Oid) -> Result<Arc<TypeObject>> {
        match self.view().catalog.type_object(oid) {
            Some(object) => Ok(object.clone()),
            None => bail!(UNDEFINED_OBJECT, "type with OID {oid} does not exist"),
        }
    }

    /// # Errors
    /// 42501 `must be owner of type x`.
    pub(crate) fn check_type_owner(&self, ty: &UserType) -> Result<()> {
        match self.owns(ty.owner) {
            true => Ok(()),
            false => bail!(INSUFFICIENT_PRIVILEGE, "must be owner of type {}", info::type_name(ty.info.oid)),
        }
    }

    /// What the current user may do with a type: of an array, with its elements.
    fn type_privileges(&self, oid: Oid) -> acl::Privileges {
        let view = self.view();
        let Some(ty) = view.catalog.user_type(info::element_of(oid).unwrap_or(oid)) else {
            return AclKind::Type.all();
        };
        let list = view.catalog.type_acl(ty);
        self.host.privileges(&view.cluster, list, AclKind::Type, ty.owner, self.host.current_user.oid)
    }

    /// # Errors
    /// 42501 `permission denied for type x`.
    pub(crate) fn check_type_usage(&self, oid: Oid) -> Result<()> {
        match self.type_privileges(oid) & acl::USAGE {
            0 => {
                let of = info::element_of(oid).unwrap_or(oid);
                bail!(INSUFFICIENT_PRIVILEGE, "permission denied for type {}", info::type_name(of))
            }
            _ => Ok(()),
        }
    }
}

/// 42710
fn exists(name: &str) -> SqlError {
    sql_err!(DUPLICATE_OBJECT, "type \"{name}\" already exists")
}
