//! How many sessions there may be: of the server, of a database, of a role. Refusals are 53300.
//!
//! Source: PostgreSQL manual, section 19.3.1 (`max_connections`, `superuser_reserved_connections`, `reserved_connections`).

use nq_qsql::bail;
use nq_qsql::error::Result;
use nq_qsql::types::Oid;
use std::sync::Arc;

use crate::activity::Backend;
use crate::catalog::object::{DatabaseObject, Role};
use crate::database::Database;

/// `pg_use_reserved_connections`
const USE_RESERVED: Oid = 4550;

/// The limits that hold for one new session.
pub(super) struct Limits {
    superuser: bool,
    may_use_reserved: bool,
    role: (Oid, Arc<str>, i32),
    database: (Oid, Arc<str>, i32),
    server: usize,
    reserved: usize,
    superuser_reserved: usize,
}

impl Limits {
    pub(super) fn of(db: &Database, role: &Role, database: &DatabaseObject) -> Limits {
        let setting = |name: &str| db.setting_int(name).max(0) as usize;
        Limits {
            superuser: role.superuser,
            may_use_reserved: db.cluster().has_privileges_of(role.oid, USE_RESERVED),
            role: (role.oid, role.name.clone(), role.connection_limit),
            database: (database.oid, database.name.clone(), database.connection_limit),
            server: setting("max_connections").max(1),
            reserved: setting("reserved_connections"),
            superuser_reserved: setting("superuser_reserved_connections"),
        }
    }

    /// Decides by the sessions there are.
    pub(super) fn check(&self, sessions: &mut dyn Iterator<Item = &Backend>) -> Result<()> {
        let (mut all, mut in_database, mut of_role) = (0, 0, 0);
        for session in sessions.filter(|s| s.kind == "client backend") {
            all += 1;
            in_database += i32::from(session.database == self.database.0);
            of_role += i32::from(session.user == self.role.0);
        }
        let free = self.server.saturating_sub(all);
        if free == 0 {
            bail!(TOO_MANY_CONNECTIONS, "sorry, too many clients already");
        }
        if self.superuser {
            return Ok(());
        }
        if free <= self.superuser_reserved {
            bail!(
                TOO_MANY_CONNECTIONS,
                "remaining connection slots are reserved for roles with the SUPERUSER attribute"
            );
        }
        if free <= self.superuser_reserved + self.reserved && !self.may_use_reserved {
            bail!(
                TOO_MANY_CONNECTIONS,
                "remaining connection slots are reserved for roles with privileges of the \"{}\" role",
                "pg_use_reserved_connections"
            );
        }
        if self.database.2 >= 0 && in_database >= self.database.2 {
            bail!(TOO_MANY_CONNECTIONS, "too many connections for database \"{}\"", self.database.1);
        }
        if self.role.2 >= 0 && of_role >= self.role.2 {
            bail!(TOO_MANY_CONNECTIONS, "too many connections for role \"{}\"", self.role.1);
        }
        Ok(())
    }
}
