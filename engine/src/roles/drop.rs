//! DROP ROLE: not while anything in any database belongs to the role or is granted to it.

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{DropRole, RoleKind};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};

use super::{DefaultKey, check_name, denied};
use crate::catalog::acl::Acl;
use crate::catalog::object::{Class, ObjectKey, Role};
use crate::catalog::state::{CatalogState, CommentKey};
use crate::catalog::{class, state};
use crate::ddl::dependency::Target;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// DROP ROLE, USER and GROUP.
    pub(crate) fn drop_roles(&mut self, drop: &DropRole) -> Result<Done> {
        if !self.may_create_roles()? {
            let detail = "Only roles with the CREATEROLE attribute and the ADMIN option on the target roles may drop roles.";
            return Err(denied("to drop role", detail));
        }
        self.lock_cluster()?;
        let mut found = Vec::with_capacity(drop.roles.len());
        for spec in &drop.roles {
            let RoleKind::Name(name) = &spec.kind else {
                bail!(INVALID_PARAMETER_VALUE, "cannot use special role specifier in DROP ROLE")
            };
            match self.view().cluster.role_named(name).map(|r| r.oid) {
                Some(oid) => found.push(oid),
                None if drop.if_exists => {
                    self.host.skipping(format!("role \"{name}\" does not exist, skipping"));
                }
                None => bail!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"),
            }
        }
        for &oid in &found {
            self.check_may_drop(oid)?;
        }
        // Memberships among the dropped first, so that they do not hold each other.
        for &oid in &found {
            self.remove_memberships(oid, &found)?;
        }
        for oid in found {
            self.check_no_dependents(oid)?;
            self.remove_role(oid)?;
        }
        Done::tag("DROP ROLE")
    }

    fn check_may_drop(&self, oid: Oid) -> Result<()> {
        let role = self.role(oid)?;
        for (user, what) in [
            (self.host.current_user.oid, "current user"),
            (self.backend.user, "current user"),
            (self.host.session_user.oid, "session user"),
        ] {
            if oid == user {
                bail!(OBJECT_IN_USE, "{what} cannot be dropped");
            }
        }
        let own = self.own_role()?;
        if role.superuser && !own.superuser {
            let detail =
                "Only roles with the SUPERUSER attribute may drop roles with the SUPERUSER attribute.";
            return Err(denied("to drop role", detail));
        }
        if !self.has_admin_option(oid) {
            return Err(denied(
                "to drop role",
                format!(
                    "Only roles with the CREATEROLE attribute and the ADMIN option on role \"{}\" may drop this role.",
                    role.name
                ),
            ));
        }
        if oid < crate::catalog::FIRST_NORMAL_OID {
            check_name(&role.name)?;
            return Err(sql_err!(
                DEPENDENT_OBJECTS_STILL_EXIST,
                "cannot drop role {} because it is required by the database system",
                role.name
            ));
        }
        Ok(())
    }

    /// Ends all memberships of a role, and in it; those that others hold because it granted them stay, and hold it.
    fn remove_memberships(&mut self, oid: Oid, dropped: &[Oid]) -> Result<()> {
        let gone = |m: &crate::catalog::object::Membership| m.role == oid || dropped.contains(&m.role);
        let holders: Vec<_> = self
            .view()
            .cluster
            .roles()
            .into_iter()
            .filter(|r| r.member_of.iter().any(gone))
            .cloned()
            .collect();
        for holder in holders {
            let mut changed: Role = (*holder).clone();
            changed.member_of.retain(|m| !gone(m));
            self.put_role(changed)?;
        }
        let role = self.role(oid)?;
        if !role.member_of.is_empty() {
            self.put_role(Role { member_of: Vec::new(), ..(*role).clone() })?;
        }
        Ok(())
    }

    fn check_no_dependents(&mut self, oid: Oid) -> Result<()> {
        let view = self.view().clone();
        let mut lines = Vec::new();
        for database in view.cluster.databases() {
            if database.owner == oid {
                lines.push(format!("owner of database {}", database.name));
            }
            if is_in(database.acl.as_ref(), oid) {
                lines.push(format!("privileges for database {}", database.name));
            }
        }
        for holder in view.cluster.roles() {
            for membership in holder.member_of.iter().filter(|m| m.grantor == oid) {
                let group = view.cluster.role_name(membership.role);
                lines.push(format!("privileges for membership of role {} in role {group}", holder.name));
            }
        }
        lines.extend(dependents(&view.catalog, oid).iter().map(|d| self.describe_dependent(d)));
        for database in view.cluster.databases().into_iter().filter(|d| d.oid != self.home.oid) {
            let count = dependents(&self.db.home(database)?.state(), oid).len();
            let objects = if count == 1 { "object" } else { "objects" };
            if count > 0 {
                lines.push(format!("{count} {objects} in database {}", database.name));
            }
        }
        match lines.is_empty() {
            true => Ok(()),
            false => Err(SqlError::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "role \"{}\" cannot be dropped because some objects depend on it",
                    view.cluster.role_name(oid)
                ),
            )
            .detail(lines.join("\n"))),
        }
    }

    fn remove_role(&mut self, oid: Oid) -> Result<()> {
        let view = self.view().clone();
        for (database, role, _) in view.cluster.all_settings() {
            if role == oid {
                self.remove_object(ObjectKey { class: Class::Setting, oid, of: database, sub: 0 })?;
            }
        }
        if view.cluster.comment(CommentKey(class::AUTHID, oid, 0)).is_some() {
            self.remove_object(ObjectKey::comment(Class::SharedComment, class::AUTHID, oid, 0))?;
        }
        self.release_name(Class::Role, 0, &view.cluster.role_name(oid))?;
        self.remove_object(ObjectKey::new(Class::Role, oid))
    }
}

pub(super) fn is_in(acl: Option<&Acl>, role: Oid) -> bool {
    acl.is_some_and(|acl| acl.iter().any(|item| item.grantee == role || item.grantor == role))
}

/// What a role is to an object.
#[derive(Clone, Copy)]
pub(super) enum How {
    Owner,
    Granted,
    /// A policy is for it.
    Target,
}

/// An object that a role has to do with.
pub(super) struct Dependent {
    pub(super) how: How,
    pub(super) what: Thing,
}

pub(super) enum Thing {
    Object(Oid, Target),
    DefaultPrivileges(DefaultKey),
}

impl Session {
    /// The dependent in PostgreSQL's words; it is of the session's own database.
    fn describe_dependent(&self, dependent: &Dependent) -> String {
        let how = match dependent.how {
            How::Owner => "owner of",
            How::Granted => "privileges for",
            How::Target => "target of",
        };
        match &dependent.what {
            Thing::Object(_, target) => format!("{how} {}", self.describe_target(*target)),
            Thing::DefaultPrivileges(key) => {
                let view = self.view();
                let role = view.cluster.role_name(key.role);
                let schema = view.catalog.namespace(key.namespace);
                let within = schema.map_or(String::new(), |n| format!(" in schema {}", n.name));
                let kind = key.kind.plural();
                format!("{how} default privileges on new {kind} belonging to role {role}{within}")
            }
        }
    }
}

/// What of a database belongs to a role or is granted to it, in the order in which it was made, and then default privileges.
pub(super) fn dependents(catalog: &CatalogState, role: Oid) -> Vec<Dependent> {
    let mut found = Vec::new();
    let mut note = |owned, granted, what| match (owned, granted) {
        (true, _) => found.push(Dependent { how: How::Owner, what }),
        (_, true) => found.push(Dependent { how: How::Granted, what }),
        _ => {}
    };
    for namespace in catalog.namespaces() {
        let what = Thing::Object(namespace.oid, Target::Schema(namespace.oid));
        note(namespace.owner == role, is_in(namespace.acl.as_ref(), role), what);
    }
    for object in catalog.relations() {
        let relation = &object.relation;
        if state::is_temporary(relation) && relation.owner != role {
            continue;
        }
        let granted = is_in(object.acl.as_ref(), role);
        let what = Thing::Object(relation.oid, Target::Relation(relation.oid));
        note(relation.owner == role, granted, what);
        for (column, acl) in object.column_acl.iter().filter(|_| relation.owner != role) {
            let what = Thing::Object(relation.oid, Target::Column(relation.oid, *column));
            note(false, is_in(Some(acl), role), what);
        }
    }
    for object in catalog.routines() {
        let what = Thing::Object(object.routine.oid, Target::Routine(object.routine.oid));
        note(object.routine.owner == role, is_in(object.acl.as_ref(), role), what);
    }
    for object in catalog.type_objects() {
        let oid = object.ty.info.oid;
        let what = Thing::Object(oid, Target::Type(oid));
        note(object.ty.owner == role, is_in(object.acl.as_ref(), role), what);
    }
    for operator in catalog.operations().operators() {
        let what = Thing::Object(operator.oid, Target::Operator(operator.oid));
        note(operator.owner == role, false, what);
    }
    for (key, acl) in catalog.default_acls() {
        note(key.role == role, is_in(Some(acl), role), Thing::DefaultPrivileges(*key));
    }
    for object in catalog.relations() {
        for policy in object.relation.security.policies.iter().filter(|p| p.roles.contains(&role)) {
            let what = Thing::Object(policy.oid, Target::Policy(object.relation.oid, policy.oid));
            found.push(Dependent { how: How::Target, what });
        }
    }
    found.sort_by_key(|d| match d.what {
        Thing::Object(oid, _) => oid,
        Thing::DefaultPrivileges(_) => Oid::MAX,
    });
    found
}
