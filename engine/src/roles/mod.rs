//! Roles: who there is, who belongs to whom, and what each may do.
//!
//! ```text
//!   CREATE / ALTER / DROP ROLE ... attribute.rs, drop.rs     GRANT role TO role ...... membership.rs
//!   ALTER ROLE | DATABASE .. SET . setting.rs                GRANT .. ON object ...... grant.rs
//!   passwords .................... password.rs               default privileges ...... defaults.rs
//! ```
//!
//! 1. Roles and memberships belong to the cluster. Whoever changes any of them holds one lock until the end of the transaction
//!    ([`Session::lock_cluster`]): a role is one object that holds its memberships, and two writers would undo each other's work.
//! 2. A superuser's grants are recorded as the first superuser's, as in PostgreSQL.
//! 3. Passwords are stored as SCRAM-SHA-256 verifiers only.
//!
//! Source: PostgreSQL manual, chapter 21 "Database Roles" and the reference pages of the statements; messages and details are those of
//! PostgreSQL 18.

mod attribute;
mod defaults;
mod drop;
mod grant;
mod membership;
mod owned;
mod password;
mod setting;

use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::RoleSpec;
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_storage::WaitPolicy;
use nq_storage::txn::lock::{LockClass, LockMode};

use crate::catalog::object::{Class, Object, ObjectKey, Role};
use crate::error::store_error;
use crate::session::Session;

pub(crate) use defaults::{DefaultKey, DefaultKind};
pub(crate) use setting::canonical_name;

/// The lock that stands for all roles and databases.
const CLUSTER_LOCK: u64 = 0;

impl Session {
    /// Takes the lock under which roles and databases change, and looks at what they are then.
    pub(crate) fn lock_cluster(&mut self) -> Result<()> {
        self.txn()
            .lock_object(LockClass::Database, CLUSTER_LOCK, LockMode::Exclusive, WaitPolicy::Wait)
            .map_err(store_error)?;
        self.db.settle();
        self.ready_view();
        Ok(())
    }

    /// A role's object.
    pub(crate) fn role(&self, oid: Oid) -> Result<Arc<Role>> {
        match self.view().cluster.role(oid) {
            Some(role) => Ok(role.clone()),
            None => bail!(UNDEFINED_OBJECT, "role with OID {oid} does not exist"),
        }
    }

    fn put_role(&mut self, role: Role) -> Result<()> {
        self.put_object(ObjectKey::new(Class::Role, role.oid), Object::Role(Arc::new(role)))
    }

    /// The roles of a list; PUBLIC is no role.
    fn need_roles(&self, specs: &[RoleSpec]) -> Result<Vec<Oid>> {
        specs.iter().map(|spec| self.need_role(spec)).collect()
    }

    /// The current user's attributes.
    fn own_role(&self) -> Result<Arc<Role>> {
        self.role(self.host.current_user.oid)
    }

    /// Whether the current user may act with CREATEROLE: superusers always.
    fn may_create_roles(&self) -> Result<bool> {
        let own = self.own_role()?;
        Ok(own.superuser || own.create_role)
    }

    /// Whether the current user has the ADMIN option on a role, directly or through a role it is in.
    pub(crate) fn has_admin_option(&self, role: Oid) -> bool {
        self.view().cluster.has_admin_option(self.host.current_user.oid, role)
    }
}

/// 42501 with a detail that says who may.
fn denied(what: &str, detail: impl Into<String>) -> SqlError {
    sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied {what}").detail(detail.into())
}

/// Refuses names that the system keeps for itself.
fn check_name(name: &str) -> Result<()> {
    if name.starts_with("pg_") {
        return Err(sql_err!(RESERVED_NAME, "role name \"{name}\" is reserved")
            .detail("Role names starting with \"pg_\" are reserved."));
    }
    Ok(())
}
