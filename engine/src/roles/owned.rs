//! DROP OWNED and REASSIGN OWNED: all that belongs to roles in the database, and all that is granted to them.
//!
//! Source: PostgreSQL manual, section 21.4, and its `pg_shdepend.c`.

use std::sync::Arc;

use nq_qsql::catalog::{Relation, Routine, UserOperator};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::RoleSpec;
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_qsql::types::user::UserType;
use nq_storage::txn::lock::LockMode;

use super::denied;
use super::drop::{How, Thing, dependents, is_in};
use crate::catalog::acl::{self, Acl};
use crate::catalog::object::{
    Class, DatabaseObject, Namespace, Object, ObjectKey, RelationObject, Role, RoutineObject, TypeObject,
};
use crate::catalog::{FIRST_NORMAL_OID, state};
use crate::ddl::dependency::Target;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// DROP OWNED BY.
    pub(crate) fn drop_owned(&mut self, roles: &[RoleSpec], cascade: bool) -> Result<Done> {
        let roles = self.need_roles(roles)?;
        for &role in &roles {
            if !self.owns(role) {
                let name = self.view().cluster.role_name(role);
                return Err(denied(
                    "to drop objects",
                    format!("Only roles with privileges of role \"{name}\" may drop objects owned by it."),
                ));
            }
        }
        let mut roots = Vec::new();
        for &role in &roles {
            self.check_not_pinned(role, "drop objects owned by")?;
            self.revoke_all_from(role)?;
            let view = self.view().clone();
            for dependent in dependents(&view.catalog, role) {
                match (dependent.how, dependent.what) {
                    (How::Owner, Thing::Object(_, target)) => {
                        // A sequence goes with the table that owns it.
                        let internal = match target {
                            Target::Relation(oid) => {
                                view.catalog.object(oid).and_then(|o| o.owned_by).is_some_and(|o| o.internal)
                            }
                            _ => false,
                        };
                        if !internal {
                            roots.push(target);
                        }
                    }
                    (How::Owner, Thing::DefaultPrivileges(key)) => self.remove_object(key.object_key())?,
                    _ => {}
                }
            }
        }
        for target in &roots {
            if let Target::Relation(oid) = target {
                self.lock_relation(*oid, LockMode::AccessExclusive)?;
            }
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, cascade)?;
        self.carry_out_deletion(&deletion, None)?;
        Done::tag("DROP OWNED")
    }

    /// REASSIGN OWNED BY.
    pub(crate) fn reassign_owned(&mut self, roles: &[RoleSpec], to: &RoleSpec) -> Result<Done> {
        let roles = self.need_roles(roles)?;
        let refused = |role: &str, how: &str| {
            denied(
                "to reassign objects",
                format!("Only roles with privileges of role \"{role}\" may reassign objects {how}."),
            )
        };
        for &role in &roles {
            if !self.owns(role) {
                return Err(refused(&self.view().cluster.role_name(role), "owned by it"));
            }
        }
        let new = self.need_role(to)?;
        if !self.owns(new) {
            return Err(refused(&self.view().cluster.role_name(new), "to it"));
        }
        for role in roles {
            self.check_not_pinned(role, "reassign ownership of objects owned by")?;
            let view = self.view().clone();
            for database in view.cluster.databases().into_iter().filter(|d| d.owner == role) {
                self.lock_cluster()?;
                let mut changed = DatabaseObject { owner: new, ..(**database).clone() };
                if let Some(list) = &mut changed.acl {
                    acl::change_owner(list, role, new);
                }
                let key = ObjectKey::new(Class::Database, database.oid);
                self.put_object(key, Object::Database(Arc::new(changed)))?;
            }
            for dependent in dependents(&view.catalog, role) {
                if let (How::Owner, Thing::Object(_, target)) = (dependent.how, dependent.what) {
                    self.give(target, new)?;
                }
            }
        }
        Done::tag("REASSIGN OWNED")
    }

    /// # Errors
    /// 2BP01 for the role that all that is built in belongs to.
    fn check_not_pinned(&self, role: Oid, verb: &str) -> Result<()> {
        match role < FIRST_NORMAL_OID {
            true => Err(sql_err!(
                DEPENDENT_OBJECTS_STILL_EXIST,
                "cannot {verb} role {} because they are required by the database system",
                self.view().cluster.role_name(role)
            )),
            false => Ok(()),
        }
    }

    /// Gives an object another owner.
    fn give(&mut self, target: Target, owner: Oid) -> Result<()> {
        let view = self.view().clone();
        match target {
            Target::Schema(oid) => {
                let Some(namespace) = view.catalog.namespace(oid) else { return Ok(()) };
                let mut changed = Namespace { owner, ..(**namespace).clone() };
                if let Some(list) = &mut changed.acl {
                    acl::change_owner(list, namespace.owner, owner);
                }
                self.put_object(ObjectKey::new(Class::Namespace, oid), Object::Namespace(Arc::new(changed)))
            }
            Target::Relation(oid) => {
                self.lock_relation(oid, LockMode::AccessExclusive)?;
                let object = self.object(oid)?;
                let relation = Relation { owner, ..(*object.relation).clone() };
                self.put_relation(object.with_relation(relation)).map(|_| ())
            }
            Target::Routine(oid) => {
                let Some(object) = self.lock_routine(oid)? else { return Ok(()) };
                let routine = Routine { owner, ..(*object.routine).clone() };
                self.put_routine(object.with_routine(routine))
            }
            Target::Type(oid) => {
                self.lock_type(oid)?;
                let object = self.need_type_object(oid)?;
                let ty = UserType { owner, ..(*object.ty).clone() };
                self.put_type(object.with_type(ty)).map(|_| ())
            }
            Target::Operator(oid) => match view.catalog.operations().operator(oid) {
                Some(operator) => self.put_operator(UserOperator { owner, ..(**operator).clone() }),
                None => Ok(()),
            },
            _ => Err(SqlError::internal("an object that has no owner")),
        }
    }

    /// Takes from a role all that is granted to it here and in the cluster, with what it has granted on.
    fn revoke_all_from(&mut self, role: Oid) -> Result<()> {
        let view = self.view().clone();
        let taken = |list: Option<&Acl>, owner: Oid| -> Option<Acl> {
            let list = list.filter(|_| owner != role).filter(|list| is_in(Some(list), role))?;
            let mut left = list.clone();
            left.retain(|item| item.grantee != role && item.grantor != role);
            Some(left)
        };
        for namespace in view.catalog.namespaces() {
            if let Some(list) = taken(namespace.acl.as_ref(), namespace.owner) {
                let changed = Namespace { acl: Some(list), ..(**namespace).clone() };
                let key = ObjectKey::new(Class::Namespace, namespace.oid);
                self.put_object(key, Object::Namespace(Arc::new(changed)))?;
            }
        }
        for object in view.catalog.relations() {
            let owner = object.relation.owner;
            if state::is_temporary(&object.relation) {
                continue;
            }
            let mut changed: RelationObject = (**object).clone();
            let mut any = false;
            if let Some(list) = taken(object.acl.as_ref(), owner) {
                (changed.acl, any) = (Some(list), true);
            }
            for (_, list) in &mut changed.column_acl {
                if let Some(left) = taken(Some(list), owner) {
                    (*list, any) = (left, true);
                }
            }
            changed.column_acl.retain(|(_, list)| !list.is_empty());
            if let Some(row) = &mut changed.row_type
                && let Some(list) = taken(row.acl.as_ref(), owner)
            {
                (row.acl, any) = (Some(list), true);
            }
            if any {
                self.lock_relation(object.relation.oid, LockMode::ShareUpdateExclusive)?;
                self.put_relation(changed)?;
            }
        }
        for object in view.catalog.routines() {
            if let Some(list) = taken(object.acl.as_ref(), object.routine.owner) {
                self.put_routine(RoutineObject { acl: Some(list), ..(**object).clone() })?;
            }
        }
        for object in view.catalog.type_objects() {
            if let Some(list) = taken(object.acl.as_ref(), object.ty.owner) {
                self.put_type(TypeObject { acl: Some(list), ..(**object).clone() })?;
            }
        }
        for (key, list) in view.catalog.default_acls() {
            if let Some(list) = taken(Some(list), key.role) {
                self.put_default_acl(*key, list)?;
            }
        }
        for database in view.cluster.databases() {
            if let Some(list) = taken(database.acl.as_ref(), database.owner) {
                self.lock_cluster()?;
                let changed = DatabaseObject { acl: Some(list), ..(**database).clone() };
                let key = ObjectKey::new(Class::Database, database.oid);
                self.put_object(key, Object::Database(Arc::new(changed)))?;
            }
        }
        for holder in view.cluster.roles() {
            if holder.member_of.iter().any(|m| m.grantor == role) {
                self.lock_cluster()?;
                let mut changed: Role = (**holder).clone();
                changed.member_of.retain(|m| m.grantor != role);
                self.put_role(changed)?;
            }
        }
        self.leave_policies(role)
    }

    /// A policy that is for no other role goes.
    fn leave_policies(&mut self, role: Oid) -> Result<()> {
        let view = self.view().clone();
        for object in view.catalog.relations() {
            if !object.relation.security.policies.iter().any(|p| p.roles.contains(&role)) {
                continue;
            }
            self.lock_relation(object.relation.oid, LockMode::AccessExclusive)?;
            let object = self.object(object.relation.oid)?;
            let alone: Vec<Oid> = object
                .relation
                .security
                .policies
                .iter()
                .filter(|p| p.roles.iter().all(|r| *r == role))
                .map(|p| p.oid)
                .collect();
            for policy in alone {
                self.remove_policy(object.relation.oid, policy)?;
            }
            let object = self.object(object.relation.oid)?;
            let mut relation = (*object.relation).clone();
            for policy in &mut relation.security.policies {
                policy.roles.retain(|r| *r != role);
            }
            self.replace_relation(&object, relation)?;
        }
        Ok(())
    }
}
