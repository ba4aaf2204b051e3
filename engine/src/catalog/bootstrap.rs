//! What a new cluster contains: the superuser, PostgreSQL's predefined roles, three databases and their schemas.

use std::sync::Arc;

use nq_qsql::types::Oid;
use nq_storage::TreeId;

use super::acl::{self, AclItem};
use super::object::{Class, DatabaseObject, Membership, Namespace, Object, ObjectKey, Role};
use super::{BOOTSTRAP_SUPERUSER, INFORMATION_SCHEMA, PG_CATALOG, PG_TOAST, PUBLIC_SCHEMA, class};

/// The cluster's catalog: the first tree of a new store.
pub(crate) const CLUSTER_TREE: TreeId = nq_storage::btree::FIRST_TREE;
/// The sequences' states: the second one.
pub(crate) const SEQUENCE_TREE: TreeId = TreeId(nq_storage::btree::FIRST_TREE.0 + 1);
/// Where the first OID that was never taken is kept, in the cluster's catalog.
pub(crate) const OID_MARK_KEY: &[u8] = b"c";

/// Where [`CATALOG_VERSION`] is kept, in the cluster's catalog.
pub(crate) const VERSION_KEY: &[u8] = b"v";
/// What the bytes of stored objects, their keys and what is kept beside them mean. Counts up with every change to that; a cluster
/// of another version is not opened.
pub(crate) const CATALOG_VERSION: u32 = 7;

/// `pg_database_owner`, the role that the owner of the current database is a member of.
pub(crate) const DATABASE_OWNER: Oid = 6171;

/// `pg_checkpoint`, whose members may CHECKPOINT.
pub(crate) const CHECKPOINT: Oid = 4544;
/// `pg_maintain`, whose members may maintain all tables.
pub(crate) const MAINTAIN: Oid = 6337;

/// The databases of a new cluster.
pub(crate) const DATABASES: [(Oid, &str); 3] = [(1, "template1"), (4, "template0"), (5, "postgres")];

/// PostgreSQL's predefined roles (manual, section 21.5).
const PREDEFINED: [(Oid, &str); 16] = [
    (3373, "pg_monitor"),
    (3374, "pg_read_all_settings"),
    (3375, "pg_read_all_stats"),
    (3377, "pg_stat_scan_tables"),
    (4200, "pg_signal_backend"),
    (CHECKPOINT, "pg_checkpoint"),
    (4550, "pg_use_reserved_connections"),
    (4569, "pg_read_server_files"),
    (4570, "pg_write_server_files"),
    (4571, "pg_execute_server_program"),
    (DATABASE_OWNER, "pg_database_owner"),
    (6181, "pg_read_all_data"),
    (6182, "pg_write_all_data"),
    (6304, "pg_create_subscription"),
    (MAINTAIN, "pg_maintain"),
    (6392, "pg_signal_autovacuum_worker"),
];

fn role(oid: Oid, name: &str, superuser: bool) -> Role {
    Role {
        oid,
        name: name.into(),
        superuser,
        inherit: true,
        create_role: superuser,
        create_db: superuser,
        login: superuser,
        replication: superuser,
        bypass_rls: superuser,
        connection_limit: -1,
        verifier: None,
        valid_until: None,
        member_of: Vec::new(),
    }
}

/// Roles of a new cluster, with the comments on its databases.
pub(crate) fn cluster_objects(superuser: &str, verifier: Option<&str>) -> Vec<(ObjectKey, Object)> {
    let owner = Role { verifier: verifier.map(Into::into), ..role(BOOTSTRAP_SUPERUSER, superuser, true) };
    let mut roles = vec![owner];
    for (oid, name) in PREDEFINED {
        let mut predefined = role(oid, name, false);
        if name == "pg_monitor" {
            predefined.member_of = [3374, 3375, 3377]
                .map(|role| Membership {
                    role,
                    grantor: BOOTSTRAP_SUPERUSER,
                    admin: false,
                    inherit: true,
                    set: true,
                })
                .to_vec();
        }
        roles.push(predefined);
    }
    let comments = [
        (1, "default template for new databases"),
        (4, "unmodifiable empty database"),
        (5, "default administrative connection database"),
    ];
    let roles = roles.into_iter().map(|r| (ObjectKey::new(Class::Role, r.oid), Object::Role(Arc::new(r))));
    let comments = comments.into_iter().map(|(database, text)| {
        let key = ObjectKey::comment(Class::SharedComment, class::DATABASE, database, 0);
        (key, Object::Comment(text.into()))
    });
    roles.chain(comments).collect()
}

/// A database of a new cluster.
pub(crate) fn database(oid: Oid, name: &str, tree: TreeId) -> Object {
    let template = name != "postgres";
    let item =
        |grantee, privileges| AclItem { grantee, grantor: BOOTSTRAP_SUPERUSER, privileges, grantable: 0 };
    Object::Database(Arc::new(DatabaseObject {
        oid,
        name: name.into(),
        owner: BOOTSTRAP_SUPERUSER,
        tree: tree.0,
        is_template: template,
        allow_connections: name != "template0",
        connection_limit: -1,
        acl: template.then(|| {
            vec![item(acl::PUBLIC, acl::CONNECT), item(BOOTSTRAP_SUPERUSER, acl::AclKind::Database.all())]
        }),
    }))
}

/// The schemas of a new database.
pub(crate) fn database_objects() -> Vec<(ObjectKey, Object)> {
    let usable = |owner| {
        let item = |grantee, privileges| AclItem { grantee, grantor: owner, privileges, grantable: 0 };
        Some(vec![item(owner, acl::AclKind::Schema.all()), item(acl::PUBLIC, acl::USAGE)])
    };
    let schemas = [
        (PG_CATALOG, "pg_catalog", BOOTSTRAP_SUPERUSER, usable(BOOTSTRAP_SUPERUSER)),
        (PG_TOAST, "pg_toast", BOOTSTRAP_SUPERUSER, None),
        (PUBLIC_SCHEMA, "public", DATABASE_OWNER, usable(DATABASE_OWNER)),
        (INFORMATION_SCHEMA, "information_schema", BOOTSTRAP_SUPERUSER, usable(BOOTSTRAP_SUPERUSER)),
    ];
    let comments = [(PG_CATALOG, "system catalog schema"), (PUBLIC_SCHEMA, "standard public schema")];
    let schemas = schemas.into_iter().map(|(oid, name, owner, acl)| {
        (
            ObjectKey::new(Class::Namespace, oid),
            Object::Namespace(Arc::new(Namespace { oid, name: name.into(), owner, acl })),
        )
    });
    let comments = comments.into_iter().map(|(schema, text)| {
        (ObjectKey::comment(Class::Comment, class::NAMESPACE, schema, 0), Object::Comment(text.into()))
    });
    schemas.chain(comments).collect()
}
