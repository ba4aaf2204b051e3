//! CREATE SCHEMA.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::parse::ast::{Ast, CreateSchema, Statement};
use nq_qsql::{bail, sql_err};

use crate::catalog::acl;
use crate::catalog::object::{Class, Namespace, Object, ObjectKey};
use crate::session::Session;
use crate::session::prepared::Source;
use crate::session::utility::Done;
use crate::settings::Scope;

impl Session {
    /// CREATE SCHEMA with the objects that are to be made in it.
    pub(crate) fn create_schema(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        create: &CreateSchema,
    ) -> Result<Done> {
        let owner = match &create.authorization {
            Some(role) => self.need_role(role)?,
            None => self.host.current_user.oid,
        };
        let name: Arc<str> = match &create.name {
            Some(name) => (&**name).into(),
            None => self.view().cluster.role_name(owner).into(),
        };
        self.check_database_create()?;
        self.check_may_become(owner)?;
        if name.starts_with("pg_") {
            return Err(sql_err!(RESERVED_NAME, "unacceptable schema name \"{name}\"")
                .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        if self.view().catalog.namespace_oid(&name).is_some() {
            let exists = sql_err!(DUPLICATE_SCHEMA, "schema \"{name}\" already exists");
            if !create.if_not_exists {
                return Err(exists);
            }
            let mut notice = exists;
            notice.0.message = format!("{}, skipping", notice.0.message).into();
            self.host.notice(notice);
            return Done::tag("CREATE SCHEMA");
        }
        let oid = self.db.next_oid()?;
        if !self.claim_name(Class::Namespace, 0, &name, oid)? {
            bail!(DUPLICATE_SCHEMA, "schema \"{name}\" already exists");
        }
        let namespace = Namespace { oid, name: name.clone(), owner, acl: None };
        self.put_object(ObjectKey::new(Class::Namespace, oid), Object::Namespace(Arc::new(namespace)))?;
        if create.elements.is_empty() {
            return Done::tag("CREATE SCHEMA");
        }
        // The elements are made with the new schema in front of the path.
        let path = self.host.settings.text("search_path");
        let quoted = crate::catalog::quote_identifier(&name);
        let inside = if path.is_empty() { quoted } else { format!("{quoted}, {path}") };
        self.host.settings.force("search_path", &inside, Scope::Local)?;
        self.ready_view();
        let made = self.create_elements(source, ast, &create.elements);
        self.host.settings.force("search_path", &path, Scope::Local)?;
        self.ready_view();
        made?;
        Done::tag("CREATE SCHEMA")
    }

    fn create_elements(&mut self, source: &Arc<Source>, ast: &Ast, elements: &[Statement]) -> Result<()> {
        for element in elements {
            self.dispatch(source, ast, element)?;
            self.txn().next_command();
        }
        Ok(())
    }

    /// # Errors
    /// 42501 `permission denied for database x`.
    fn check_database_create(&self) -> Result<()> {
        match self.database_privileges() & acl::CREATE {
            0 => bail!(INSUFFICIENT_PRIVILEGE, "permission denied for database {}", self.view().database),
            _ => Ok(()),
        }
    }
}
