//! ALTER DATABASE.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{
    AlterDatabase, AlterDatabaseAction, AlterOwner, Ident, ObjectId, Rename, RoleKind,
};
use nq_qsql::{bail, sql_err};
use std::sync::Arc;

use super::{Why, flag, limit};
use crate::catalog::acl;
use crate::catalog::object::{Class, DatabaseObject};
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// ALTER DATABASE with options or settings.
    pub(crate) fn alter_database(&mut self, alter: &AlterDatabase) -> Result<Done> {
        self.lock_cluster()?;
        let database = self.need_database(&alter.name)?;
        self.check_database_owner(&database)?;
        match &alter.action {
            AlterDatabaseAction::Options(options) => {
                let mut changed = (*database).clone();
                for option in options {
                    match &*option.name.name {
                        "is_template" => changed.is_template = flag(option)?.unwrap_or(false),
                        "allow_connections" => changed.allow_connections = flag(option)?.unwrap_or(true),
                        "connection_limit" => changed.connection_limit = limit(option)?.unwrap_or(-1),
                        other => {
                            return Err(sql_err!(SYNTAX_ERROR, "option \"{other}\" not recognized")
                                .at(option.name.pos));
                        }
                    }
                }
                if !changed.allow_connections && database.oid == self.home.oid {
                    bail!(INVALID_PARAMETER_VALUE, "cannot disallow connections for current database");
                }
                self.put_database(changed)?;
            }
            AlterDatabaseAction::SetTablespace(name) if &*name.name == "pg_default" => {}
            AlterDatabaseAction::SetTablespace(name) => {
                bail!(UNDEFINED_OBJECT, "tablespace \"{}\" does not exist", &**name)
            }
            AlterDatabaseAction::Set(set) => self.change_settings(0, database.oid, set)?,
            AlterDatabaseAction::RefreshCollationVersion => {}
        }
        Done::tag("ALTER DATABASE")
    }

    /// ALTER DATABASE .. RENAME TO.
    pub(crate) fn rename_database(&mut self, rename: &Rename) -> Result<Done> {
        let ObjectId::Name(name) = &rename.object.id else {
            return Err(SqlError::internal("a database without a name"));
        };
        self.lock_cluster()?;
        let database = self.need_database(name.object())?;
        self.check_database_owner(&database)?;
        let own = self.role(self.host.current_user.oid)?;
        if !own.superuser && !own.create_db {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied to rename database");
        }
        let to = &*rename.new_name.name;
        if database.oid == self.home.oid {
            bail!(FEATURE_NOT_SUPPORTED, "current database cannot be renamed");
        }
        if self.view().cluster.database_named(to).is_some()
            || !self.claim_name(Class::Database, 0, to, database.oid)?
        {
            bail!(DUPLICATE_DATABASE, "database \"{to}\" already exists");
        }
        self.close_database(database.oid, &format!("database \"{}\"", database.name), Why::Rename)?;
        self.release_name(Class::Database, 0, &database.name)?;
        self.put_database(DatabaseObject { name: to.into(), ..(*database).clone() })?;
        Done::tag("ALTER DATABASE")
    }

    /// ALTER DATABASE .. OWNER TO.
    pub(crate) fn alter_database_owner(&mut self, alter: &AlterOwner) -> Result<Done> {
        let ObjectId::Name(name) = &alter.object.id else {
            return Err(SqlError::internal("a database without a name"));
        };
        self.lock_cluster()?;
        let database = self.need_database(name.object())?;
        self.check_database_owner(&database)?;
        let owner = match &alter.owner.kind {
            RoleKind::Name(name) => self.new_owner(name)?,
            _ => self.need_role(&alter.owner)?,
        };
        let own = self.role(self.host.current_user.oid)?;
        if owner != database.owner && !own.superuser && !own.create_db {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied to change owner of database");
        }
        let mut changed = DatabaseObject { owner, ..(*database).clone() };
        if let Some(acl) = &mut changed.acl {
            acl::change_owner(acl, database.owner, owner);
        }
        self.put_database(changed)?;
        Done::tag("ALTER DATABASE")
    }

    fn need_database(&self, name: &Ident) -> Result<Arc<DatabaseObject>> {
        match self.view().cluster.database_named(name) {
            Some(database) => Ok(database.clone()),
            None => bail!(INVALID_CATALOG_NAME, "database \"{}\" does not exist", &**name),
        }
    }
}
