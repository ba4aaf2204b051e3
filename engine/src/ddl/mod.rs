//! Definition statements: one file per kind of object. Every one changes the catalog in the user's transaction.
//!
//! A statement takes PostgreSQL's lock on what it changes, looks at the object again under the lock, works out the new descriptor, and
//! stores it with [`Session::put_relation`](crate::session::Session) and kin. What needs the table's rows (an index, a check, a new
//! type) reads them in the same transaction.
//!
//! Source: PostgreSQL manual, part VI "SQL Commands".

pub(crate) mod alter_table;
pub(crate) mod cast;
pub(crate) mod column;
pub(crate) mod comment;
pub(crate) mod constraint;
pub(crate) mod create_table_as;
pub(crate) mod define;
pub(crate) mod dependency;
pub(crate) mod drop;
pub(crate) mod exclusion;
mod foreign_key;
mod generated;
pub(crate) mod index;
mod materialized_view;
pub(crate) mod names;
pub(crate) mod operator;
pub(crate) mod options;
mod policy;
pub(crate) mod rename;
pub(crate) mod routine;
pub(crate) mod schema;
pub(crate) mod sequence;
pub(crate) mod stored;
pub(crate) mod table;
pub(crate) mod truncate;
pub(crate) mod types;
pub(crate) mod view;
