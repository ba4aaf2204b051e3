//! Checks of privileges: 42501 in PostgreSQL's words.

use nq_qsql::bail;
use nq_qsql::catalog::{Catalog, Relation, RelationKind, Routine};
use nq_qsql::error::Result;
use nq_qsql::plan::physical::{Access, ColumnSet, PhysicalPlan};
use nq_qsql::types::Oid;

use super::Session;
use crate::catalog::acl::{self, AclKind, Privileges};
use crate::catalog::bootstrap::MAINTAIN;
use crate::catalog::object::{Namespace, RoutineObject};
use crate::catalog::{FIRST_NORMAL_OID, PG_CATALOG, system};

/// `pg_read_all_data` and `pg_write_all_data`.
const READ_ALL_DATA: Oid = 6181;
const WRITE_ALL_DATA: Oid = 6182;

impl Session {
    /// Whether the current user may act as `owner`.
    pub(crate) fn owns(&self, owner: Oid) -> bool {
        let view = self.view();
        self.host.has_privileges_of(&view.cluster, self.host.current_user.oid, owner)
    }

    /// # Errors
    /// 42501 `must be owner of table x`.
    pub(crate) fn check_owner(&self, relation: &Relation) -> Result<()> {
        match self.owns(relation.owner) {
            true => Ok(()),
            false => bail!(
                INSUFFICIENT_PRIVILEGE,
                "must be owner of {} {}",
                kind_word(relation.kind),
                relation.name
            ),
        }
    }

    /// # Errors
    /// 42501 with `message`, for those who are not superusers.
    pub(crate) fn check_superuser(&self, message: &str) -> Result<()> {
        match self.host.is_superuser() {
            true => Ok(()),
            false => bail!(INSUFFICIENT_PRIVILEGE, "{message}"),
        }
    }

    /// What a role may do with a schema.
    pub(crate) fn schema_privileges(&self, namespace: &Namespace, role: Oid) -> Privileges {
        self.host.schema_privileges(namespace, role)
    }

    /// What the current user may do with the session's database.
    pub(crate) fn database_privileges(&self) -> Privileges {
        self.host.database_privileges()
    }

    /// # Errors
    /// 42501 `permission denied for schema x`. A temporary schema is as free as the database's TEMPORARY makes it.
    pub(crate) fn check_schema_privilege(&self, namespace: &Namespace, wanted: Privileges) -> Result<()> {
        self.host.check_schema_privilege(namespace, wanted)
    }

    /// What a role may do with a whole relation.
    pub(crate) fn relation_privileges(&self, relation: &Relation, role: Oid) -> Privileges {
        self.host.relation_privileges(relation, role)
    }

    /// # Errors
    /// 42501 `must be able to SET ROLE "x"`, for who cannot give something to this owner.
    pub(crate) fn check_may_become(&self, owner: Oid) -> Result<()> {
        let cluster = &self.view().cluster;
        match cluster.may_become(self.host.current_user.oid, owner) {
            true => Ok(()),
            false => {
                bail!(INSUFFICIENT_PRIVILEGE, "must be able to SET ROLE \"{}\"", cluster.role_name(owner))
            }
        }
    }

    /// Checks that the current user has one of some privileges on a whole relation.
    ///
    /// # Errors
    /// 42501 `permission denied for table x`.
    pub(crate) fn check_any_privilege(&self, relation: &Relation, wanted: Privileges) -> Result<()> {
        match self.relation_privileges(relation, self.host.current_user.oid) & wanted {
            0 => self.host.deny(relation),
            _ => Ok(()),
        }
    }

    /// Checks that the current user may maintain a table: its owner, or who has MAINTAIN.
    ///
    /// # Errors
    /// 42501 `permission denied for table x`.
    pub(crate) fn check_maintain(&self, table: &Relation) -> Result<()> {
        self.check_any_privilege(table, acl::MAINTAIN)
    }
}

impl super::host::SessionHost {
    /// What a role may do with a schema.
    pub(crate) fn schema_privileges(&self, namespace: &Namespace, role: Oid) -> Privileges {
        let view = self.current_view();
        self.privileges(&view.cluster, namespace.acl.as_deref(), AclKind::Schema, namespace.owner, role)
    }

    /// What the current user may do with the session's database.
    pub(crate) fn database_privileges(&self) -> Privileges {
        let view = self.current_view();
        let Some(database) = view.cluster.database(self.home.oid) else { return 0 };
        let (list, user) = (database.acl.as_deref(), self.current_user.oid);
        self.privileges(&view.cluster, list, AclKind::Database, database.owner, user)
    }

    /// # Errors
    /// 42501 `permission denied for schema x`. A temporary schema is as free as the database's TEMPORARY makes it.
    pub(crate) fn check_schema_privilege(&self, namespace: &Namespace, wanted: Privileges) -> Result<()> {
        if namespace.oid == self.temp_namespace {
            let free = wanted & acl::CREATE == 0 || self.database_privileges() & acl::TEMPORARY != 0;
            return match free {
                true => Ok(()),
                false => bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name),
            };
        }
        match self.schema_privileges(namespace, self.current_user.oid) & wanted == wanted {
            true => Ok(()),
            false => bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name),
        }
    }

    /// What a role may do with a function or procedure.
    pub(crate) fn routine_privileges(&self, object: &RoutineObject, role: Oid) -> Privileges {
        let (view, owner) = (self.current_view(), object.routine.owner);
        self.privileges(&view.cluster, object.acl.as_deref(), AclKind::Function, owner, role)
    }

    /// Checks that the current user may call a function or procedure.
    ///
    /// # Errors
    /// 42501 `permission denied for function f`.
    pub(crate) fn check_execute(&self, routine: &Routine) -> Result<()> {
        let view = self.current_view();
        let Some(object) = view.catalog.routine(routine.oid) else {
            bail!(INTERNAL_ERROR, "cache lookup failed for function {}", routine.oid)
        };
        match self.routine_privileges(object, self.current_user.oid) & acl::EXECUTE {
            0 => bail!(
                INSUFFICIENT_PRIVILEGE,
                "permission denied for {} {}",
                routine.word(),
                object.routine.name
            ),
            _ => Ok(()),
        }
    }

    /// Checks what a plan does, on behalf of the roles it does it for.
    ///
    /// # Errors
    /// 42501.
    pub(crate) fn check_plan(&self, plan: &PhysicalPlan) -> Result<()> {
        let view = self.current_view();
        if view.cluster.is_superuser(self.current_user.oid) {
            return Ok(());
        }
        for used in &plan.relations {
            let role = used.check_as.unwrap_or(self.current_user.oid);
            self.check_access(&used.relation, role, &used.access)?;
        }
        plan.routines.iter().try_for_each(|routine| self.check_execute(routine))
    }

    /// Checks what a statement does to a relation on behalf of a role.
    ///
    /// # Errors
    /// 42501 `permission denied for table x` or `permission denied for schema x`.
    pub(crate) fn check_access(&self, relation: &Relation, role: Oid, access: &Access) -> Result<()> {
        let view = self.current_view();
        if view.cluster.is_superuser(role) {
            return Ok(());
        }
        if relation.namespace != PG_CATALOG
            && relation.oid >= FIRST_NORMAL_OID
            && role == self.current_user.oid
            && let Some(namespace) = view.catalog.namespace(relation.namespace)
        {
            self.check_schema_privilege(namespace, acl::USAGE)?;
        }
        let held = self.relation_privileges(relation, role);
        let ways = [(acl::SELECT, access.select), (acl::INSERT, access.insert), (acl::UPDATE, access.update)];
        for (privilege, columns) in ways {
            if let Some(columns) = columns
                && held & privilege == 0
                && !self.columns_allow(relation, role, privilege, columns)
            {
                return self.deny(relation);
            }
        }
        match access.delete && held & acl::DELETE == 0 {
            true => self.deny(relation),
            false => Ok(()),
        }
    }

    /// Whether a role without a privilege on a relation has it on the columns: on all of them, or on any one where none are named.
    fn columns_allow(
        &self,
        relation: &Relation,
        role: Oid,
        privilege: Privileges,
        columns: ColumnSet,
    ) -> bool {
        let mut allowed = relation
            .live_columns()
            .filter(|(i, _)| columns.is_empty() || columns.has(*i))
            .map(|(i, _)| self.column_privileges(relation.oid, i, role) & privilege != 0);
        match columns.is_empty() {
            true => allowed.any(|allowed| allowed),
            false => !columns.has_system() && allowed.all(|allowed| allowed),
        }
    }

    pub(super) fn deny<T>(&self, relation: &Relation) -> Result<T> {
        let now = self.current_view().relation_by_oid(relation.oid);
        let name = now.as_deref().map_or(&relation.name, |now| &now.name);
        bail!(INSUFFICIENT_PRIVILEGE, "permission denied for {} {name}", kind_word(relation.kind))
    }
}

impl super::host::SessionHost {
    /// What a role may do with a whole relation.
    pub(crate) fn relation_privileges(&self, relation: &Relation, role: Oid) -> Privileges {
        let view = self.current_view();
        if view.cluster.is_superuser(role) {
            return AclKind::Table.all() | acl::USAGE;
        }
        if relation.oid < FIRST_NORMAL_OID {
            return if system::is_secret(relation) { 0 } else { acl::SELECT };
        }
        let Some(object) = view.catalog.object(relation.oid) else { return 0 };
        let kind = if relation.kind == RelationKind::Sequence { AclKind::Sequence } else { AclKind::Table };
        let mut set = self.privileges(&view.cluster, object.acl.as_deref(), kind, relation.owner, role);
        let member = |other| self.has_privileges_of(&view.cluster, role, other);
        if member(READ_ALL_DATA) {
            set |= acl::SELECT;
        }
        if member(MAINTAIN) && kind == AclKind::Table {
            set |= acl::MAINTAIN;
        }
        if member(WRITE_ALL_DATA) {
            set |= acl::INSERT | acl::UPDATE | acl::DELETE;
        }
        set
    }

    /// What a role may do with a single column beyond what it may do with the relation.
    pub(crate) fn column_privileges(&self, relation: Oid, column: usize, role: Oid) -> Privileges {
        let view = self.current_view();
        let Some(object) = view.catalog.object(relation) else { return 0 };
        match object.column_acl.iter().find(|(c, _)| *c == column) {
            Some((_, list)) => {
                acl::allowed(list, &|other| self.has_privileges_of(&view.cluster, role, other))
            }
            None => 0,
        }
    }
}

/// The kind of a relation in messages.
pub(crate) fn kind_word(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table | RelationKind::Virtual => "table",
        RelationKind::Index => "index",
        RelationKind::View => "view",
        RelationKind::Sequence => "sequence",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Composite => "type",
    }
}
