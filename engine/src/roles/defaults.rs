//! ALTER DEFAULT PRIVILEGES: the lists that new objects get.
//!
//! What is stored for a role alone is the whole list of its new objects; what is stored for a role in a schema is added to that.

use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::catalog::RelationKind;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{AlterDefaultPrivileges, GrantTarget, ObjectKind};
use nq_qsql::types::Oid;

use super::grant::{Order, merge_into, whole_privileges};
use crate::catalog::acl::{self, Acl, AclKind};
use crate::catalog::object::{Class, Object, ObjectKey, RelationObject};
use crate::session::Session;
use crate::session::utility::Done;

/// The kinds of object that have defaults; the number is PostgreSQL's letter (`defaclobjtype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DefaultKind {
    Relation = b'r' as isize,
    Sequence = b'S' as isize,
    Function = b'f' as isize,
    Type = b'T' as isize,
    Schema = b'n' as isize,
}

impl DefaultKind {
    /// The kind for a letter.
    pub(crate) fn of(letter: i32) -> Option<DefaultKind> {
        use DefaultKind::*;
        [Relation, Sequence, Function, Type, Schema].into_iter().find(|k| *k as i32 == letter)
    }

    /// In messages: `default privileges on new relations`.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            DefaultKind::Relation => "relations",
            DefaultKind::Sequence => "sequences",
            DefaultKind::Function => "functions",
            DefaultKind::Type => "types",
            DefaultKind::Schema => "schemas",
        }
    }

    fn acl_kind(self) -> AclKind {
        match self {
            DefaultKind::Relation => AclKind::Table,
            DefaultKind::Sequence => AclKind::Sequence,
            DefaultKind::Function => AclKind::Function,
            DefaultKind::Type => AclKind::Type,
            DefaultKind::Schema => AclKind::Schema,
        }
    }
}

/// What a list of default privileges is for; `namespace` 0: everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DefaultKey {
    pub(crate) role: Oid,
    pub(crate) namespace: Oid,
    pub(crate) kind: DefaultKind,
}

impl DefaultKey {
    /// The key in the catalog.
    pub(super) fn object_key(self) -> ObjectKey {
        ObjectKey { class: Class::DefaultAcl, oid: self.role, of: self.namespace, sub: self.kind as i32 }
    }
}

impl Session {
    /// ALTER DEFAULT PRIVILEGES.
    pub(crate) fn alter_default_privileges(&mut self, alter: &AlterDefaultPrivileges) -> Result<Done> {
        let GrantTarget::Defaults(kind) = &alter.grant.target else {
            return Err(SqlError::internal("default privileges of a single object"));
        };
        let kind = match kind {
            ObjectKind::Table => DefaultKind::Relation,
            ObjectKind::Sequence => DefaultKind::Sequence,
            ObjectKind::Function | ObjectKind::Routine | ObjectKind::Procedure => DefaultKind::Function,
            ObjectKind::Type => DefaultKind::Type,
            ObjectKind::Schema => DefaultKind::Schema,
            other => {
                return Err(SqlError::unsupported(format_args!("default privileges on {}", other.words())));
            }
        };
        let set = whole_privileges(&alter.grant, kind.acl_kind())?;
        let grantees = self.grantees(&alter.grant)?;
        let order = Order {
            is_grant: alter.grant.is_grant,
            option: alter.grant.grant_option,
            cascade: alter.grant.cascade,
            grantees: &grantees,
            all: alter.grant.privileges.is_empty(),
        };
        let roles = match alter.roles.is_empty() {
            true => vec![self.host.current_user.oid],
            false => self.need_roles(&alter.roles)?,
        };
        let mut namespaces = Vec::new();
        for schema in &alter.schemas {
            if kind == DefaultKind::Schema {
                bail!(
                    INVALID_GRANT_OPERATION,
                    "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS"
                );
            }
            namespaces.push(self.need_namespace(schema)?);
        }
        if namespaces.is_empty() {
            namespaces.push(0);
        }
        for role in roles {
            let view = self.view().clone();
            if !self.host.has_privileges_of(&view.cluster, self.host.current_user.oid, role) {
                bail!(INSUFFICIENT_PRIVILEGE, "permission denied to change default privileges");
            }
            for &namespace in &namespaces {
                let key = DefaultKey { role, namespace, kind };
                let base = match namespace {
                    0 => acl::default_acl(kind.acl_kind(), role),
                    _ => Vec::new(),
                };
                let stored = view.catalog.default_acl(key).cloned();
                let mut list = stored.as_deref().cloned().unwrap_or_else(|| base.clone());
                merge_into(&mut list, role, role, set, &order)?;
                self.put_default_acl(key, list)?;
            }
        }
        Done::tag("ALTER DEFAULT PRIVILEGES")
    }

    /// Stores a list of default privileges, unless it says what holds without it.
    pub(super) fn put_default_acl(&mut self, key: DefaultKey, list: Acl) -> Result<()> {
        let base = match key.namespace {
            0 => acl::default_acl(key.kind.acl_kind(), key.role),
            _ => Vec::new(),
        };
        if !same(&list, &base) {
            self.put_object(key.object_key(), Object::DefaultAcl(Arc::new(list)))
        } else if self.view().catalog.default_acl(key).is_some() {
            self.remove_object(key.object_key())
        } else {
            Ok(())
        }
    }

    /// The list of a new object; `None` when it is the built-in one.
    pub(crate) fn default_acl(&self, kind: DefaultKind, owner: Oid, namespace: Oid) -> Option<Acl> {
        let catalog = &self.view().catalog;
        let stored = |namespace| catalog.default_acl(DefaultKey { role: owner, namespace, kind });
        let everywhere = stored(0);
        let here = if namespace == 0 { None } else { stored(namespace) };
        if everywhere.is_none() && here.is_none() {
            return None;
        }
        let built_in = acl::default_acl(kind.acl_kind(), owner);
        let mut list = everywhere.map_or_else(|| built_in.clone(), |list| (**list).clone());
        for item in here.iter().flat_map(|list| list.iter()) {
            acl::grant(&mut list, item.grantee, item.grantor, item.privileges, false);
            acl::grant(&mut list, item.grantee, item.grantor, item.grantable, true);
        }
        (!same(&list, &built_in)).then_some(list)
    }

    /// Gives a relation that is about to be made the list its owner's default privileges say.
    pub(crate) fn apply_default_acl(&self, object: &mut RelationObject) {
        let kind = match object.relation.kind {
            RelationKind::Table | RelationKind::View | RelationKind::MaterializedView => {
                DefaultKind::Relation
            }
            RelationKind::Sequence => DefaultKind::Sequence,
            RelationKind::Index | RelationKind::Composite | RelationKind::Virtual => return,
        };
        let relation = &object.relation;
        object.acl = self.default_acl(kind, relation.owner, relation.namespace);
    }
}

/// Whether two lists say the same, in whatever order.
fn same(a: &Acl, b: &Acl) -> bool {
    a.len() == b.len() && a.iter().all(|item| b.contains(item))
}
