//! The catalog: what objects there are, who may use them, and how SQL sees them.
//!
//! ```text
//!   catalog tree (versioned, transactional)          CatalogState (shared, immutable)
//!     o relation 16385 -> bytes of the object   <->    relations, names, schemas, comments, statistics
//!     n relation 2200 "t" -> 16385                     |
//!                                                      +-- pg_catalog, information_schema (computed, see `system`)
//! ```
//!
//! 1. DDL writes objects into the tree in the user's transaction, and into the transaction's private copy of the state
//!    ([`overlay`]). Rolling back forgets both.
//! 2. A commit applies the changes to the shared state; between the store's commit and that moment nobody may look at the state
//!    after having waited for a lock (see `Database::settled`).
//! 3. The key `n class schema name` keeps names unique between transactions that do not see each other.
//! 4. OIDs come from a counter that never goes back, in steps that are durable before they are used.
//!
//! Source: PostgreSQL manual, chapter 52 "System Catalogs".

pub(crate) mod acl;
pub(crate) mod bootstrap;
mod codec;
pub(crate) mod domain;
pub(crate) mod lookup;
mod map;
pub(crate) mod object;
pub(crate) mod operations;
pub(crate) mod overlay;
pub(crate) mod state;
pub(crate) mod system;

use nq_qsql::types::Oid;

/// `pg_catalog`
pub(crate) const PG_CATALOG: Oid = 11;
/// `pg_toast`, which exists by name only.
pub(crate) const PG_TOAST: Oid = 99;
/// `public`
pub(crate) const PUBLIC_SCHEMA: Oid = 2200;
/// `information_schema`
pub(crate) const INFORMATION_SCHEMA: Oid = 13000;
/// The superuser that made the cluster.
pub(crate) const BOOTSTRAP_SUPERUSER: Oid = 10;
/// The first OID of user objects.
pub(crate) const FIRST_NORMAL_OID: Oid = 16384;

/// OIDs of the system catalogs that name classes of objects.
pub(crate) mod class {
    use nq_qsql::types::Oid;

    pub(crate) const TYPE: Oid = 1247;
    pub(crate) const PROC: Oid = 1255;
    pub(crate) const CLASS: Oid = 1259;
    pub(crate) const AUTHID: Oid = 1260;
    pub(crate) const DATABASE: Oid = 1262;
    pub(crate) const CONSTRAINT: Oid = 2606;
    pub(crate) const NAMESPACE: Oid = 2615;
    pub(crate) const POLICY: Oid = 3256;
    pub(crate) const CAST: Oid = 2605;
    pub(crate) const OPERATOR: Oid = 2617;
}

/// Quotes an identifier where SQL needs it.
pub(crate) fn quote_identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !nq_qsql::parse::keyword::needs_quotes(name);
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}
