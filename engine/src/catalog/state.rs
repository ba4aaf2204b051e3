//! The catalog in memory: all objects of a database, and of the cluster, at one version.
//!
//! A state never changes once it is shared. DDL works on a private copy (copies share all but what was touched, see
//! [`SharedMap`]); a commit applies the transaction's changes to the shared state and publishes the result.

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap, HashSet};
use nq_qsql::catalog::{Column, Index, Persistence, Relation, RelationKind, RelationStats};
use nq_qsql::types::Oid;
use nq_qsql::types::user::{DomainConstraint, UserType};

use super::acl::{self, Acl, AclItem, AclKind, Privileges};
use super::bootstrap::DATABASE_OWNER;
use super::map::SharedMap;
use super::object::{
    Class, DatabaseObject, Namespace, Object, ObjectKey, RelationObject, Role, RoutineObject, TypeObject,
};
use super::operations::Operations;
use super::{FIRST_NORMAL_OID, system};
use crate::roles::{DefaultKey, DefaultKind};

/// A relation's name within a schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    namespace: Oid,
    name: Arc<str>,
}

/// A borrowed [`Name`]; hashes as one.
#[derive(Hash)]
struct NameRef<'a> {
    namespace: Oid,
    name: &'a str,
}

impl Equivalent<Name> for NameRef<'_> {
    fn equivalent(&self, key: &Name) -> bool {
        self.namespace == key.namespace && *self.name == *key.name
    }
}

/// The key of a comment: system catalog, object, column (or 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CommentKey(pub(crate) Oid, pub(crate) Oid, pub(crate) i32);

/// The objects of one database.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatalogState {
    /// Differs between any two states that differ; plans remember it.
    pub(crate) version: u64,
    namespaces: SharedMap<Oid, Arc<Namespace>>,
    namespace_names: SharedMap<Arc<str>, Oid>,
    relations: SharedMap<Oid, Arc<RelationObject>>,
    names: SharedMap<Name, Oid>,
    /// Table of an index.
    index_tables: SharedMap<Oid, Oid>,
    /// Table of a constraint.
    constraint_tables: SharedMap<Oid, Oid>,
    /// Relation of a row type.
    row_types: SharedMap<Oid, Oid>,
    /// All types, row types and array types too.
    types: SharedMap<Oid, Arc<UserType>>,
    type_names: SharedMap<Name, Oid>,
    /// Enums and domains.
    type_objects: SharedMap<Oid, Arc<TypeObject>>,
    /// Domain of a constraint.
    constraint_domains: SharedMap<Oid, Oid>,
    comments: SharedMap<CommentKey, Arc<str>>,
    stats: SharedMap<Oid, Arc<RelationStats>>,
    default_acls: SharedMap<DefaultKey, Arc<Acl>>,
    routines: SharedMap<Oid, Arc<RoutineObject>>,
    /// Functions and procedures of a name, in all schemas.
    routine_names: SharedMap<Arc<str>, Arc<[Oid]>>,
    /// Operators and casts.
    operations: Arc<Operations>,
}

impl CatalogState {
    /// Applies a change; `None` removes the object.
    pub(crate) fn apply(&mut self, key: ObjectKey, object: Option<Object>) {
        match key.class {
            Class::Namespace => {
                if let Some(old) = self.namespaces.get(&key.oid).cloned() {
                    self.namespace_names.remove(&*old.name);
                    self.namespaces.remove(&key.oid);
                }
                if let Some(Object::Namespace(n)) = object {
                    self.namespace_names.insert(n.name.clone(), n.oid);
                    self.namespaces.insert(n.oid, n);
                }
            }
            Class::Relation => {
                if let Some(old) = self.relations.get(&key.oid).cloned() {
                    self.forget_relation(&old);
                }
                if let Some(Object::Relation(r)) = object {
                    self.add_relation(r);
                }
            }
            Class::Routine => {
                if let Some(old) = self.routines.get(&key.oid).cloned() {
                    self.forget_routine(&old);
                }
                if let Some(Object::Routine(r)) = object {
                    self.add_routine(r);
                }
            }
            Class::Type => {
                if let Some(old) = self.type_objects.get(&key.oid).cloned() {
                    self.forget_type(&old.ty, &old.array_name);
                    self.type_objects.remove(&key.oid);
                    for constraint in domain_constraints(&old.ty) {
                        self.constraint_domains.remove(&constraint.oid);
                    }
                }
                if let Some(Object::Type(t)) = object {
                    self.add_type(t.ty.clone(), &t.array_name);
                    for constraint in domain_constraints(&t.ty) {
                        self.constraint_domains.insert(constraint.oid, key.oid);
                    }
                    self.type_objects.insert(key.oid, t);
                }
            }
            Class::Operator => {
                let operations = Arc::make_mut(&mut self.operations);
                match object {
                    Some(Object::Operator(o)) => operations.put_operator(o),
                    _ => operations.remove_operator(key.oid),
                }
            }
            Class::Cast => {
                let operations = Arc::make_mut(&mut self.operations);
                match object {
                    Some(Object::Cast(c)) => operations.put_cast(c),
                    _ => operations.remove_cast(key.oid),
                }
            }
            Class::Stats => match object {
                Some(Object::Stats(s)) => self.stats.insert(key.oid, s),
                _ => self.stats.remove(&key.oid),
            },
            Class::Comment => {
                let comment = CommentKey(key.of, key.oid, key.sub);
                match object {
                    Some(Object::Comment(text)) => self.comments.insert(comment, text),
                    _ => self.comments.remove(&comment),
                }
            }
            Class::DefaultAcl => {
                let Some(kind) = DefaultKind::of(key.sub) else { return };
                let default = DefaultKey { role: key.oid, namespace: key.of, kind };
                match object {
                    Some(Object::DefaultAcl(acl)) => self.default_acls.insert(default, acl),
                    _ => self.default_acls.remove(&default),
                }
            }
            Class::Role | Class::Database | Class::Setting | Class::SharedComment => {}
        }
    }

    /// Makes a type known, with the array type over it.
    fn add_type(&mut self, ty: Arc<UserType>, array_name: &str) {
        let namespace = ty.namespace;
        let array = Arc::new(ty.array(array_name));
        for ty in [ty, array] {
            self.type_names.insert(Name { namespace, name: (&*ty.info.name).into() }, ty.info.oid);
            self.types.insert(ty.info.oid, ty);
        }
    }

    fn forget_type(&mut self, ty: &UserType, array_name: &str) {
        let namespace = ty.namespace;
        for (name, oid) in [(&*ty.info.name, ty.info.oid), (array_name, ty.info.array_oid)] {
            // Another type may have taken the name in the same statement.
            if self.type_names.get(&NameRef { namespace, name }) == Some(&oid) {
                self.type_names.remove(&NameRef { namespace, name });
            }
            self.types.remove(&oid);
        }
    }

    /// A type of any kind that a user has made, or one of the rows of a system relation.
    pub(crate) fn user_type(&self, oid: Oid) -> Option<&Arc<UserType>> {
        match oid < FIRST_NORMAL_OID {
            true => system::type_by_oid(oid),
            false => self.types.get(&oid),
        }
    }

    /// Finds the OID of a type in a schema.
    pub(crate) fn type_oid(&self, namespace: Oid, name: &str) -> Option<Oid> {
        match system::type_by_name(namespace, name) {
            Some(ty) => Some(ty.info.oid),
            None => self.type_names.get(&NameRef { namespace, name }).copied(),
        }
    }

    /// All types of users, sorted by OID.
    pub(crate) fn user_types(&self) -> Vec<&Arc<UserType>> {
        let mut all: Vec<_> = self.types.values().collect();
        all.sort_unstable_by_key(|ty| ty.info.oid);
        all
    }

    /// An enum or a domain.
    pub(crate) fn type_object(&self, oid: Oid) -> Option<&Arc<TypeObject>> {
        self.type_objects.get(&oid)
    }

    /// All enums and domains, sorted by OID.
    pub(crate) fn type_objects(&self) -> Vec<&Arc<TypeObject>> {
        let mut all: Vec<_> = self.type_objects.values().collect();
        all.sort_unstable_by_key(|t| t.ty.info.oid);
        all
    }

    /// The privileges on a type that is no array.
    pub(crate) fn type_acl(&self, ty: &UserType) -> Option<&[AclItem]> {
        match ty.relation() {
            Some(relation) => self.relations.get(&relation.oid)?.row_type.as_ref()?.acl.as_deref(),
            None => self.type_objects.get(&ty.info.oid)?.acl.as_deref(),
        }
    }

    /// The domain that has a constraint.
    pub(crate) fn constraint_domain(&self, constraint: Oid) -> Option<&Arc<TypeObject>> {
        self.type_objects.get(self.constraint_domains.get(&constraint)?)
    }

    fn add_routine(&mut self, object: Arc<RoutineObject>) {
        let routine = &object.routine;
        let mut same: Vec<Oid> = self.routine_names.get(&*routine.name).map_or(Vec::new(), |n| n.to_vec());
        same.push(routine.oid);
        same.sort_unstable();
        self.routine_names.insert((&*routine.name).into(), same.into());
        self.routines.insert(routine.oid, object);
    }

    fn forget_routine(&mut self, object: &RoutineObject) {
        let routine = &object.routine;
        let same = self.routine_names.get(&*routine.name).map_or(&[][..], |n| n);
        let left: Vec<Oid> = same.iter().copied().filter(|oid| *oid != routine.oid).collect();
        match left.is_empty() {
            true => self.routine_names.remove(&*routine.name),
            false => self.routine_names.insert((&*routine.name).into(), left.into()),
        }
        self.routines.remove(&routine.oid);
    }

    /// Operators and casts.
    pub(crate) fn operations(&self) -> &Arc<Operations> {
        &self.operations
    }

    /// A function or procedure.
    pub(crate) fn routine(&self, oid: Oid) -> Option<&Arc<RoutineObject>> {
        self.routines.get(&oid)
    }

    /// The functions and procedures of a name, in all schemas, by OID.
    pub(crate) fn routines_named(&self, name: &str) -> impl Iterator<Item = &Arc<RoutineObject>> {
        let oids = self.routine_names.get(name).map_or(&[][..], |n| n);
        oids.iter().filter_map(|oid| self.routines.get(oid))
    }

    /// All functions and procedures, sorted by OID.
    pub(crate) fn routines(&self) -> Vec<&Arc<RoutineObject>> {
        let mut all: Vec<_> = self.routines.values().collect();
        all.sort_unstable_by_key(|r| r.routine.oid);
        all
    }

    fn add_relation(&mut self, object: Arc<RelationObject>) {
        let relation = &object.relation;
        let namespace = relation.namespace;
        self.names.insert(Name { namespace, name: (&*relation.name).into() }, relation.oid);
        for index in &relation.indexes {
            self.names.insert(Name { namespace, name: (&*index.name).into() }, index.oid);
            self.index_tables.insert(index.oid, relation.oid);
        }
        for constraint in &relation.constraints {
            self.constraint_tables.insert(constraint.oid, relation.oid);
        }
        if let (Some(row), Some(ty)) = (&object.row_type, object.user_type()) {
            self.row_types.insert(row.oid, relation.oid);
            self.add_type(Arc::new(ty), &row.array_name);
        }
        self.relations.insert(relation.oid, object);
    }

    fn forget_relation(&mut self, object: &RelationObject) {
        let relation = &object.relation;
        let namespace = relation.namespace;
        self.names.remove(&NameRef { namespace, name: &relation.name });
        for index in &relation.indexes {
            self.names.remove(&NameRef { namespace, name: &index.name });
            self.index_tables.remove(&index.oid);
        }
        for constraint in &relation.constraints {
            self.constraint_tables.remove(&constraint.oid);
        }
        if let (Some(row), Some(ty)) = (&object.row_type, object.user_type()) {
            self.row_types.remove(&row.oid);
            self.forget_type(&ty, &row.array_name);
        }
        self.relations.remove(&relation.oid);
    }

    /// Finds the OID of a relation, index included, in a schema.
    pub(crate) fn relation_oid(&self, namespace: Oid, name: &str) -> Option<Oid> {
        self.names.get(&NameRef { namespace, name }).copied()
    }

    /// Finds a relation that is not an index.
    pub(crate) fn object(&self, oid: Oid) -> Option<&Arc<RelationObject>> {
        self.relations.get(&oid)
    }

    /// Finds an index with its table.
    pub(crate) fn index(&self, oid: Oid) -> Option<(&Arc<RelationObject>, &Arc<Index>)> {
        let table = self.relations.get(self.index_tables.get(&oid)?)?;
        let index = table.relation.indexes.iter().find(|i| i.oid == oid)?;
        Some((table, index))
    }

    /// The table that has a constraint.
    pub(crate) fn constraint_table(&self, constraint: Oid) -> Option<&Arc<RelationObject>> {
        self.relations.get(self.constraint_tables.get(&constraint)?)
    }

    /// The relation that a row type belongs to.
    pub(crate) fn row_type(&self, ty: Oid) -> Option<&Arc<RelationObject>> {
        self.relations.get(self.row_types.get(&ty)?)
    }

    /// The descriptor of any relation; for an index one is made up.
    pub(crate) fn relation(&self, oid: Oid) -> Option<Arc<Relation>> {
        match self.relations.get(&oid) {
            Some(object) => Some(object.relation.clone()),
            None => self.index(oid).map(|(table, index)| Arc::new(index_relation(&table.relation, index))),
        }
    }

    /// All relations but indexes, sorted by OID.
    pub(crate) fn relations(&self) -> Vec<&Arc<RelationObject>> {
        let mut all: Vec<_> = self.relations.values().collect();
        all.sort_unstable_by_key(|r| r.relation.oid);
        all
    }

    /// Relations that refer to `relation`, with what of it they use.
    pub(crate) fn dependents(&self, relation: Oid) -> Vec<&Arc<RelationObject>> {
        self.relations().into_iter().filter(|r| r.depends.iter().any(|d| d.relation == relation)).collect()
    }

    /// Sequences that belong to a column of `table` (to any, when `column` is `None`).
    pub(crate) fn owned_sequences(&self, table: Oid, column: Option<usize>) -> Vec<&Arc<RelationObject>> {
        let owned = |r: &&Arc<RelationObject>| {
            r.owned_by.is_some_and(|o| o.table == table && column.is_none_or(|c| c == o.column))
        };
        self.relations().into_iter().filter(owned).collect()
    }

    /// Relations, schemas and statistics of temporary schemas.
    pub(crate) fn temporary_objects(&self) -> Vec<(ObjectKey, Object)> {
        let relations = self.relations.values().filter(|r| is_temporary(&r.relation));
        let relations =
            relations.map(|r| (ObjectKey::new(Class::Relation, r.relation.oid), Object::Relation(r.clone())));
        let schemas = self.namespaces.values().filter(|n| n.name.starts_with("pg_temp_"));
        relations
            .chain(schemas.map(|n| (ObjectKey::new(Class::Namespace, n.oid), Object::Namespace(n.clone()))))
            .collect()
    }

    /// A schema by OID.
    pub(crate) fn namespace(&self, oid: Oid) -> Option<&Arc<Namespace>> {
        self.namespaces.get(&oid)
    }

    /// A schema's OID by name.
    pub(crate) fn namespace_oid(&self, name: &str) -> Option<Oid> {
        self.namespace_names.get(name).copied()
    }

    /// All schemas, sorted by OID.
    pub(crate) fn namespaces(&self) -> Vec<&Arc<Namespace>> {
        let mut all: Vec<_> = self.namespaces.values().collect();
        all.sort_unstable_by_key(|n| n.oid);
        all
    }

    /// The comment on an object.
    pub(crate) fn comment(&self, key: CommentKey) -> Option<&Arc<str>> {
        self.comments.get(&key)
    }

    /// All comments.
    pub(crate) fn comments(&self) -> impl Iterator<Item = (&CommentKey, &Arc<str>)> {
        self.comments.iter()
    }

    /// Default privileges.
    pub(crate) fn default_acl(&self, key: DefaultKey) -> Option<&Arc<Acl>> {
        self.default_acls.get(&key)
    }

    /// All default privileges.
    pub(crate) fn default_acls(&self) -> impl Iterator<Item = (&DefaultKey, &Arc<Acl>)> {
        self.default_acls.iter()
    }

    /// What ANALYZE found.
    pub(crate) fn stats(&self, relation: Oid) -> Option<&Arc<RelationStats>> {
        self.stats.get(&relation)
    }
}

/// The constraints of a domain.
pub(crate) fn domain_constraints(ty: &UserType) -> impl Iterator<Item = &DomainConstraint> {
    let domain = ty.domain();
    let not_null = domain.and_then(|d| d.not_null.as_ref());
    not_null.into_iter().chain(domain.into_iter().flat_map(|d| d.checks.iter().map(|c| &c.constraint)))
}

/// The descriptor under which an index is known as a relation.
fn index_relation(table: &Relation, index: &Index) -> Relation {
    let column = |key: &nq_qsql::catalog::IndexColumn| Column::new(key.name.clone(), key.ty, key.collation);
    let included = |c: &usize| Column { default: None, not_null: false, ..table.columns[*c].clone() };
    let columns = index.columns.iter().map(column).chain(index.include.iter().map(included));
    Relation {
        oid: index.oid,
        namespace: table.namespace,
        schema: table.schema.clone(),
        name: index.name.clone(),
        persistence: table.persistence,
        owner: table.owner,
        tree: index.tree,
        options: index.options.clone(),
        ..Relation::bare(RelationKind::Index, columns.collect())
    }
}

/// Whether a relation is a session's own.
pub(crate) fn is_temporary(relation: &Relation) -> bool {
    relation.persistence == Persistence::Temporary
}

/// Which memberships count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// All.
    Any,
    /// Those that hand on privileges.
    Inherit,
    /// Those that allow SET ROLE.
    Set,
}

/// Settings as (name, value).
pub(crate) type SettingList = Arc<[(Box<str>, Box<str>)]>;

/// The roles and databases of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterState {
    roles: HashMap<Oid, Arc<Role>>,
    role_names: HashMap<Arc<str>, Oid>,
    databases: HashMap<Oid, Arc<DatabaseObject>>,
    database_names: HashMap<Arc<str>, Oid>,
    /// By (role, database); 0 for all.
    settings: HashMap<(Oid, Oid), SettingList>,
    comments: HashMap<CommentKey, Arc<str>>,
}

impl ClusterState {
    /// Applies a change; `None` removes the object.
    pub(crate) fn apply(&mut self, key: ObjectKey, object: Option<Object>) {
        match key.class {
            Class::Role => {
                if let Some(old) = self.roles.remove(&key.oid) {
                    self.role_names.remove(&*old.name);
                }
                if let Some(Object::Role(role)) = object {
                    self.role_names.insert(role.name.clone(), role.oid);
                    self.roles.insert(role.oid, role);
                }
            }
            Class::Database => {
                if let Some(old) = self.databases.remove(&key.oid) {
                    self.database_names.remove(&*old.name);
                }
                if let Some(Object::Database(database)) = object {
                    self.database_names.insert(database.name.clone(), database.oid);
                    self.databases.insert(database.oid, database);
                }
            }
            Class::Setting => {
                match object {
                    Some(Object::Setting(items)) => self.settings.insert((key.oid, key.of), items),
                    _ => self.settings.remove(&(key.oid, key.of)),
                };
            }
            Class::SharedComment => {
                let comment = CommentKey(key.of, key.oid, key.sub);
                match object {
                    Some(Object::Comment(text)) => self.comments.insert(comment, text),
                    _ => self.comments.remove(&comment),
                };
            }
            Class::Namespace
            | Class::Relation
            | Class::Stats
            | Class::Comment
            | Class::DefaultAcl
            | Class::Routine
            | Class::Type
            | Class::Operator
            | Class::Cast => {}
        }
    }

    /// A role by OID.
    pub(crate) fn role(&self, oid: Oid) -> Option<&Arc<Role>> {
        self.roles.get(&oid)
    }

    /// A role by name.
    pub(crate) fn role_named(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(self.role_names.get(name)?)
    }

    /// A role's name, or its number when it is gone.
    pub(crate) fn role_name(&self, oid: Oid) -> String {
        match self.roles.get(&oid) {
            Some(role) => role.name.to_string(),
            None => oid.to_string(),
        }
    }

    /// All roles, sorted by OID.
    pub(crate) fn roles(&self) -> Vec<&Arc<Role>> {
        let mut all: Vec<_> = self.roles.values().collect();
        all.sort_unstable_by_key(|r| r.oid);
        all
    }

    /// A database by name.
    pub(crate) fn database_named(&self, name: &str) -> Option<&Arc<DatabaseObject>> {
        self.databases.get(self.database_names.get(name)?)
    }

    /// A database by OID.
    pub(crate) fn database(&self, oid: Oid) -> Option<&Arc<DatabaseObject>> {
        self.databases.get(&oid)
    }

    /// All databases, sorted by OID.
    pub(crate) fn databases(&self) -> Vec<&Arc<DatabaseObject>> {
        let mut all: Vec<_> = self.databases.values().collect();
        all.sort_unstable_by_key(|d| d.oid);
        all
    }

    /// The settings of a role, a database, or a role in a database.
    pub(crate) fn settings(&self, role: Oid, database: Oid) -> Option<&SettingList> {
        self.settings.get(&(role, database))
    }

    /// All stored settings, sorted by database and role.
    pub(crate) fn all_settings(&self) -> Vec<(Oid, Oid, &SettingList)> {
        let mut all: Vec<_> = self.settings.iter().map(|((r, d), s)| (*d, *r, s)).collect();
        all.sort_unstable_by_key(|(d, r, _)| (*d, *r));
        all
    }

    /// The comment on a role or database.
    pub(crate) fn comment(&self, key: CommentKey) -> Option<&Arc<str>> {
        self.comments.get(&key)
    }

    /// All comments on roles and databases.
    pub(crate) fn comments(&self) -> impl Iterator<Item = (&CommentKey, &Arc<str>)> {
        self.comments.iter()
    }

    /// Whether a role is a superuser.
    pub(crate) fn is_superuser(&self, role: Oid) -> bool {
        self.roles.get(&role).is_some_and(|r| r.superuser)
    }

    /// The role and all roles it is in, directly or not, following the memberships that allow what is asked.
    pub(crate) fn memberships(&self, role: Oid, via: Via) -> HashSet<Oid> {
        let mut reached = HashSet::from([role]);
        let mut open = vec![role];
        while let Some(next) = open.pop() {
            let Some(role) = self.roles.get(&next) else { continue };
            for membership in &role.member_of {
                let follows = match via {
                    Via::Any => true,
                    Via::Inherit => membership.inherit,
                    Via::Set => membership.set,
                };
                if follows && reached.insert(membership.role) {
                    open.push(membership.role);
                }
            }
        }
        reached
    }

    /// Whether `member` is in `role`, directly or not; a role is in itself. Superusers are in no role by being that.
    pub(crate) fn is_member(&self, member: Oid, role: Oid) -> bool {
        self.memberships(member, Via::Any).contains(&role)
    }

    /// Whether `member` may grant `role` to others.
    pub(crate) fn has_admin_option(&self, member: Oid, role: Oid) -> bool {
        self.is_superuser(member)
            || self.memberships(member, Via::Any).iter().any(|m| self.is_direct_admin(*m, role))
    }

    /// Whether `member` itself was granted `role` with the ADMIN option.
    pub(crate) fn is_direct_admin(&self, member: Oid, role: Oid) -> bool {
        self.roles.get(&member).is_some_and(|m| m.member_of.iter().any(|g| g.role == role && g.admin))
    }

    /// The role as which `member` grants `role`: itself, or one whose privileges it has.
    pub(crate) fn best_admin(&self, member: Oid, role: Oid) -> Option<Oid> {
        if self.is_direct_admin(member, role) {
            return Some(member);
        }
        self.memberships(member, Via::Inherit).into_iter().filter(|m| self.is_direct_admin(*m, role)).min()
    }

    /// Whether `role` has the privileges of `other`: is it, a member that inherits, or a superuser.
    pub(crate) fn has_privileges_of(&self, role: Oid, other: Oid) -> bool {
        role == other || self.is_superuser(role) || self.memberships(role, Via::Inherit).contains(&other)
    }

    /// As [`ClusterState::has_privileges_of`] in a database, whose owner has the privileges of `pg_database_owner`.
    pub(crate) fn has_privileges_in(&self, database: Oid, role: Oid, other: Oid) -> bool {
        let owns = || self.database(database).is_some_and(|d| self.has_privileges_of(role, d.owner));
        self.has_privileges_of(role, other) || (other == DATABASE_OWNER && owns())
    }

    /// Whether `role` may make itself or what it owns the role `other`'s: is it, a member that may SET ROLE, or a superuser.
    pub(crate) fn may_become(&self, role: Oid, other: Oid) -> bool {
        self.is_superuser(role) || self.memberships(role, Via::Set).contains(&other)
    }

    /// What `role` may do, in a database, to an object with this list and owner.
    pub(crate) fn privileges(
        &self,
        database: Oid,
        list: Option<&[AclItem]>,
        kind: AclKind,
        owner: Oid,
        role: Oid,
    ) -> Privileges {
        if self.is_superuser(role) {
            return kind.all();
        }
        let member = |other: Oid| self.has_privileges_in(database, role, other);
        match list {
            Some(list) => acl::allowed(list, &member),
            None if member(owner) => kind.all(),
            None => kind.public_default(),
        }
    }
}
