//! The objects that the catalog stores, and their bytes.
//!
//! | key | value |
//! |---|---|
//! | `o` class oid of sub | the object: a version byte, then its fields |
//! | `n` class namespace name | OID of the object that has the name |
//! | `c` | the next free OID |
//!
//! Integers in keys are big-endian. `of` and `sub` are 0 but for comments (the commented object's class and column).
//! Objects of a database are in its catalog tree; roles and databases themselves are in the cluster's.

pub(crate) mod bytes;

use std::sync::Arc;

use nq_qsql::catalog::{Relation, RelationKind, RelationStats, Routine, UserCast, UserOperator};
use nq_qsql::error::Result;
use nq_qsql::types::Oid;
use nq_qsql::types::user::{UserKind, UserType};
use nq_storage::TreeId;

use super::acl::{self, Acl};
use super::codec::damaged;

/// The classes of objects; the number is part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    Namespace = 1,
    Relation = 2,
    Stats = 3,
    Comment = 4,
    /// Default privileges: `oid` is the role, `of` the schema, `sub` the kind.
    DefaultAcl = 5,
    Routine = 6,
    Type = 7,
    Operator = 8,
    Cast = 9,
    Role = 16,
    Database = 17,
    /// Settings of a role, a database, or both: `oid` is the role, `of` the database.
    Setting = 18,
    /// A comment on a role or a database.
    SharedComment = 19,
}

impl Class {
    fn from_byte(byte: u8) -> Result<Class> {
        Ok(match byte {
            1 => Class::Namespace,
            2 => Class::Relation,
            3 => Class::Stats,
            4 => Class::Comment,
            5 => Class::DefaultAcl,
            6 => Class::Routine,
            7 => Class::Type,
            8 => Class::Operator,
            9 => Class::Cast,
            16 => Class::Role,
            17 => Class::Database,
            18 => Class::Setting,
            19 => Class::SharedComment,
            _ => return Err(damaged("has an unknown class")),
        })
    }

    /// Whether the objects belong to the cluster and not to one database.
    pub(crate) fn shared(self) -> bool {
        self as u8 >= Class::Role as u8
    }
}

/// Names an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectKey {
    pub(crate) class: Class,
    pub(crate) oid: Oid,
    pub(crate) of: Oid,
    pub(crate) sub: i32,
}

impl ObjectKey {
    pub(crate) fn new(class: Class, oid: Oid) -> Self {
        ObjectKey { class, oid, of: 0, sub: 0 }
    }

    /// The key of a comment on an object of the system catalog `catalog` (`pg_class`'s OID for relations).
    pub(crate) fn comment(class: Class, catalog: Oid, oid: Oid, sub: i32) -> Self {
        ObjectKey { class, oid, of: catalog, sub }
    }

    /// The key in the catalog tree.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut key = vec![b'o', self.class as u8];
        put_be(&mut key, self.oid);
        put_be(&mut key, self.of);
        put_be(&mut key, self.sub as u32);
        key
    }

    /// Reads a key in the catalog tree.
    pub(crate) fn from_bytes(key: &[u8]) -> Result<ObjectKey> {
        if key.len() != 14 || key[0] != b'o' {
            return Err(damaged("has a malformed key"));
        }
        let be = |at: usize| key[at..at + 4].iter().fold(0u32, |v, b| (v << 8) | u32::from(*b));
        Ok(ObjectKey { class: Class::from_byte(key[1])?, oid: be(2), of: be(6), sub: be(10) as i32 })
    }
}

/// The key that keeps a name unique.
pub(crate) fn name_key(class: Class, namespace: Oid, name: &str) -> Vec<u8> {
    let mut key = vec![b'n', class as u8];
    put_be(&mut key, namespace);
    key.extend_from_slice(name.as_bytes());
    key
}

/// Key order is memcmp order: big-endian on purpose.
fn put_be(out: &mut Vec<u8>, v: u32) {
    out.extend_from_slice(&[(v >> 24) as u8, (v >> 16) as u8, (v >> 8) as u8, v as u8]);
}

/// A schema.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) oid: Oid,
    pub(crate) name: Arc<str>,
    pub(crate) owner: Oid,
    pub(crate) acl: Option<Acl>,
}

/// A relation with what only the engine needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct RelationObject {
    pub(crate) relation: Arc<Relation>,
    pub(crate) acl: Option<Acl>,
    pub(crate) column_acl: Vec<(usize, Acl)>,
    pub(crate) sequence: Option<SequenceOptions>,
    /// The column that a sequence belongs to.
    pub(crate) owned_by: Option<OwnedBy>,
    /// What a view's query, or the table's defaults, refer to.
    pub(crate) depends: Vec<Dependency>,
    pub(crate) on_commit: OnCommit,
    /// The type of the rows; `None` for a sequence.
    pub(crate) row_type: Option<RowType>,
}

/// The type of a relation's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowType {
    /// `reltype`
    pub(crate) oid: Oid,
    /// `typarray`
    pub(crate) array: Oid,
    /// Name of the array type.
    pub(crate) array_name: Box<str>,
    /// Privileges on the type.
    pub(crate) acl: Option<Acl>,
}

impl RelationObject {
    /// A new relation that nobody has privileges on but its owner.
    pub(crate) fn new(relation: Relation, row_type: Option<RowType>) -> RelationObject {
        RelationObject {
            relation: Arc::new(relation),
            acl: None,
            column_acl: Vec::new(),
            sequence: None,
            owned_by: None,
            depends: Vec::new(),
            on_commit: OnCommit::Preserve,
            row_type,
        }
    }

    /// The object with another descriptor; privileges pass on to a new owner.
    pub(crate) fn with_relation(&self, relation: Relation) -> RelationObject {
        let (old, new) = (self.relation.owner, relation.owner);
        let mut object = RelationObject { relation: Arc::new(relation), ..self.clone() };
        let lists = object.acl.iter_mut().chain(object.column_acl.iter_mut().map(|(_, acl)| acl));
        let lists = lists.chain(object.row_type.iter_mut().filter_map(|row| row.acl.as_mut()));
        lists.for_each(|acl| acl::change_owner(acl, old, new));
        object
    }
}

impl RelationObject {
    /// The type of the rows as types are known.
    pub(crate) fn user_type(&self) -> Option<UserType> {
        let row = self.row_type.as_ref()?;
        let r = &self.relation;
        let kind = UserKind::Composite(r.clone());
        Some(UserType::new(row.oid, &r.name, row.array, r.namespace, r.schema.clone(), r.owner, kind))
    }
}

/// An enum or a domain with what only the engine needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct TypeObject {
    pub(crate) ty: Arc<UserType>,
    /// Name of the array type over it.
    pub(crate) array_name: Box<str>,
    pub(crate) acl: Option<Acl>,
}

impl TypeObject {
    /// The object with another descriptor; privileges pass on to a new owner.
    pub(crate) fn with_type(&self, ty: UserType) -> TypeObject {
        let (old, new) = (self.ty.owner, ty.owner);
        let mut object = TypeObject { ty: Arc::new(ty), ..self.clone() };
        object.acl.iter_mut().for_each(|acl| acl::change_owner(acl, old, new));
        object
    }
}

/// A function or procedure with what only the engine needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct RoutineObject {
    pub(crate) routine: Arc<Routine>,
    pub(crate) acl: Option<Acl>,
    /// Relations (for their row types, too) and routines that it cannot be without.
    pub(crate) depends: Vec<Oid>,
}

impl RoutineObject {
    /// The object with another descriptor; privileges pass on to a new owner.
    pub(crate) fn with_routine(&self, routine: Routine) -> RoutineObject {
        let (old, new) = (self.routine.owner, routine.owner);
        let mut object = RoutineObject { routine: Arc::new(routine), ..self.clone() };
        object.acl.iter_mut().for_each(|acl| acl::change_owner(acl, old, new));
        object
    }
}

/// The name under which a routine is unique in its schema: its own and its input types.
pub(crate) fn routine_name(name: &str, inputs: &[Oid]) -> String {
    let inputs: Vec<String> = inputs.iter().map(Oid::to_string).collect();
    format!("{name}({})", inputs.join(","))
}

/// The name under which an operator is unique in its schema: its own and the types of its operands.
pub(crate) fn operator_name(name: &str, left: Oid, right: Oid) -> String {
    format!("{name}({left},{right})")
}

/// The column that owns a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnedBy {
    pub(crate) table: Oid,
    /// 0-based column.
    pub(crate) column: usize,
    /// An identity column's: cannot be dropped by itself.
    pub(crate) internal: bool,
}

/// A use of another relation, of all of it or of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) relation: Oid,
    /// 0-based column used; `None` for the relation as such.
    pub(crate) column: Option<usize>,
    /// The own column whose default refers to it; `None` for a view's query.
    pub(crate) from: Option<usize>,
}

/// ON COMMIT of a temporary table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnCommit {
    Preserve,
    DeleteRows,
    Drop,
}

/// The parameters of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SequenceOptions {
    pub(crate) ty: Oid,
    pub(crate) start: i64,
    pub(crate) increment: i64,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) cache: i64,
    pub(crate) cycle: bool,
}

/// A role.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) oid: Oid,
    pub(crate) name: Arc<str>,
    pub(crate) superuser: bool,
    pub(crate) inherit: bool,
    pub(crate) create_role: bool,
    pub(crate) create_db: bool,
    pub(crate) login: bool,
    pub(crate) replication: bool,
    pub(crate) bypass_rls: bool,
    pub(crate) connection_limit: i32,
    pub(crate) verifier: Option<Arc<str>>,
    /// Microseconds since 2000-01-01.
    pub(crate) valid_until: Option<i64>,
    /// The roles it is a member of.
    pub(crate) member_of: Vec<Membership>,
}

/// A membership in a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) role: Oid,
    pub(crate) grantor: Oid,
    pub(crate) admin: bool,
    pub(crate) inherit: bool,
    pub(crate) set: bool,
}

/// A database of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseObject {
    pub(crate) oid: Oid,
    pub(crate) name: Arc<str>,
    pub(crate) owner: Oid,
    /// Its catalog tree.
    pub(crate) tree: u32,
    pub(crate) is_template: bool,
    pub(crate) allow_connections: bool,
    pub(crate) connection_limit: i32,
    pub(crate) acl: Option<Acl>,
}

/// Any object.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Namespace(Arc<Namespace>),
    Relation(Arc<RelationObject>),
    Routine(Arc<RoutineObject>),
    Type(Arc<TypeObject>),
    Operator(Arc<UserOperator>),
    Cast(Arc<UserCast>),
    Stats(Arc<RelationStats>),
    Comment(Arc<str>),
    /// Default privileges.
    DefaultAcl(Arc<Acl>),
    Role(Arc<Role>),
    Database(Arc<DatabaseObject>),
    /// Settings as (name, value).
    Setting(Arc<[(Box<str>, Box<str>)]>),
}

impl Object {
    /// The key that keeps the object's own name unique.
    pub(crate) fn name_key(&self) -> Option<Vec<u8>> {
        Some(match self {
            Object::Namespace(n) => name_key(Class::Namespace, 0, &n.name),
            Object::Relation(r) => name_key(Class::Relation, r.relation.namespace, &r.relation.name),
            Object::Routine(r) => {
                let name = routine_name(&r.routine.name, &r.routine.input_types());
                name_key(Class::Routine, r.routine.namespace, &name)
            }
            Object::Type(t) => name_key(Class::Type, t.ty.namespace, &t.ty.info.name),
            Object::Operator(o) => {
                name_key(Class::Operator, o.namespace, &operator_name(&o.name, o.left, o.right))
            }
            Object::Cast(c) => name_key(Class::Cast, c.source, &c.target.to_string()),
            Object::Role(r) => name_key(Class::Role, 0, &r.name),
            Object::Database(d) => name_key(Class::Database, 0, &d.name),
            Object::Stats(_) | Object::Comment(_) | Object::DefaultAcl(_) | Object::Setting(_) => {
                return None;
            }
        })
    }

    /// The keys of all names that go with the object: a table's indexes', too.
    pub(crate) fn name_keys(&self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = self.name_key().into_iter().collect();
        if let Object::Relation(r) = self {
            let namespace = r.relation.namespace;
            keys.extend(r.relation.indexes.iter().map(|i| name_key(Class::Relation, namespace, &i.name)));
            if let Some(row) = &r.row_type {
                keys.push(name_key(Class::Type, namespace, &r.relation.name));
                keys.push(name_key(Class::Type, namespace, &row.array_name));
            }
        }
        if let Object::Type(t) = self {
            keys.push(name_key(Class::Type, t.ty.namespace, &t.array_name));
        }
        keys
    }

    /// The trees that hold the object's data.
    pub(crate) fn trees(&self) -> Vec<TreeId> {
        match self {
            Object::Relation(r) if r.relation.kind != RelationKind::Sequence && r.relation.tree != 0 => {
                let indexes = r.relation.indexes.iter().map(|i| TreeId(i.tree));
                std::iter::once(TreeId(r.relation.tree)).chain(indexes).collect()
            }
            _ => Vec::new(),
        }
    }
}
