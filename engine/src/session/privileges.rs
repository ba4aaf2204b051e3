//! Checks of privileges: 42501 in PostgreSQL's words.

use nq_qsql::bail;
use nq_qsql::catalog::{Catalog, Relation, RelationKind};
use nq_qsql::error::Result;
use nq_qsql::types::Oid;

use super::Session;
use crate::catalog::acl::{self, AclKind, Privileges};
use crate::catalog::object::Namespace;
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
        let view = self.view();
        self.host.privileges(&view.cluster, namespace.acl.as_deref(), AclKind::Schema, namespace.owner, role)
    }

    /// # Errors
    /// 42501 `permission denied for schema x`.
    pub(crate) fn check_schema_privilege(&self, namespace: &Namespace, wanted: Privileges) -> Result<()> {
        if namespace.oid == self.host.temp_namespace {
            return Ok(());
        }
        match self.schema_privileges(namespace, self.host.current_user.oid) & wanted == wanted {
            true => Ok(()),
            false => bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name),
        }
    }

    /// What a role may do with a whole relation.
    pub(crate) fn relation_privileges(&self, relation: &Relation, role: Oid) -> Privileges {
        self.host.relation_privileges(relation, role)
    }

    /// What a role may do with a single column beyond what it may do with the relation.
    pub(crate) fn column_privileges(&self, relation: Oid, column: usize, role: Oid) -> Privileges {
        let view = self.view();
        let Some(object) = view.catalog.object(relation) else { return 0 };
        match object.column_acl.iter().find(|(c, _)| *c == column) {
            Some((_, list)) => {
                let member = |other| self.host.has_privileges_of(&view.cluster, role, other);
                acl::allowed(list, &member)
            }
            None => 0,
        }
    }

    /// Checks what a statement does to a relation; columns are bits (the last stands for all beyond 63).
    ///
    /// # Errors
    /// 42501 `permission denied for table x` or `permission denied for schema x`.
    pub(crate) fn check_relation_privileges(
        &self,
        relation: &Relation,
        role: Oid,
        wanted: Privileges,
        selected: u64,
        modified: u64,
    ) -> Result<()> {
        let view = self.view();
        if view.cluster.is_superuser(role) {
            return Ok(());
        }
        if relation.namespace != PG_CATALOG
            && relation.oid >= FIRST_NORMAL_OID
            && role == self.host.current_user.oid
            && let Some(namespace) = view.catalog.namespace(relation.namespace)
        {
            self.check_schema_privilege(namespace, acl::USAGE)?;
        }
        let mut missing = wanted & !self.relation_privileges(relation, role);
        let covered = |columns: u64, privilege: Privileges| {
            columns != 0
                && relation.live_columns().all(|(i, _)| {
                    let bit = 1u64 << i.min(63);
                    columns & bit == 0 || self.column_privileges(relation.oid, i, role) & privilege != 0
                })
        };
        for (privilege, columns) in
            [(acl::SELECT, selected), (acl::INSERT, modified), (acl::UPDATE, modified)]
        {
            if missing & privilege != 0 && covered(columns, privilege) {
                missing &= !privilege;
            }
        }
        match missing {
            0 => Ok(()),
            _ => {
                let name = match view.relation_by_oid(relation.oid) {
                    Some(now) => now.name.clone(),
                    None => relation.name.clone(),
                };
                bail!(INSUFFICIENT_PRIVILEGE, "permission denied for {} {name}", kind_word(relation.kind))
            }
        }
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
        if member(WRITE_ALL_DATA) {
            set |= acl::INSERT | acl::UPDATE | acl::DELETE;
        }
        set
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
