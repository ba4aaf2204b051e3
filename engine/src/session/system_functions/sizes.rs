//! Sizes on disk: pages of trees, as the store counts them.

use nq_qsql::bail;
use nq_qsql::catalog::Catalog;
use nq_qsql::error::Result;
use nq_qsql::types::{Datum, Oid};
use nq_storage::TreeId;

use super::{Answer, Call};
use crate::catalog::object::Object;
use crate::error::store_error;

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    Ok(Some(match c.name {
        "pg_relation_size" => match c.args.len() {
            2 if !matches!(c.text(1), "main" | "fsm" | "vm" | "init") => {
                return Err(nq_qsql::sql_err!(INVALID_PARAMETER_VALUE, "invalid fork name")
                    .hint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\"."));
            }
            2 if c.text(1) != "main" => Datum::Int8(0),
            _ => of_relation(c, true, false)?,
        },
        "pg_table_size" => of_relation(c, true, false)?,
        "pg_indexes_size" => of_relation(c, false, true)?,
        "pg_total_relation_size" => of_relation(c, true, true)?,
        "pg_database_size" => {
            let database = match &c.args[0] {
                Datum::Text(name) => match c.view.cluster.database_named(name) {
                    Some(database) => database.clone(),
                    None => bail!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist"),
                },
                _ => match c.view.cluster.database(c.oid(0)) {
                    Some(database) => database.clone(),
                    None => return Ok(Some(Datum::Null)),
                },
            };
            let home = c.host.db.home(&database)?;
            let mut bytes = of_tree(c, database.tree)?;
            for object in home.state().relations() {
                for tree in Object::Relation(object.clone()).trees() {
                    bytes += of_tree(c, tree.0)?;
                }
            }
            Datum::Int8(bytes)
        }
        "pg_tablespace_size" => Datum::Int8(match &c.args[0] {
            Datum::Text(name) if &**name == "pg_default" => everything(c)?,
            Datum::Oid(1663) => everything(c)?,
            Datum::Text(name) if &**name != "pg_global" => {
                bail!(UNDEFINED_OBJECT, "tablespace \"{name}\" does not exist")
            }
            _ => 0,
        }),
        _ => return Ok(None),
    }))
}

fn of_tree(c: &Call<'_>, tree: u32) -> Result<i64> {
    if tree == 0 {
        return Ok(0);
    }
    Ok(c.host.db.store.tree_stats(TreeId(tree)).map_err(store_error)?.bytes as i64)
}

/// Bytes of a table's tree; a tree that is an empty root only counts for nothing.
fn of_rows(c: &Call<'_>, tree: u32) -> Result<i64> {
    if tree == 0 {
        return Ok(0);
    }
    let stats = c.host.db.store.tree_stats(TreeId(tree)).map_err(store_error)?;
    Ok(if stats.records == 0 && stats.pages <= 1 { 0 } else { stats.bytes as i64 })
}

/// Bytes of a relation's own tree and of its indexes'; NULL when it does not exist.
fn of_relation(c: &Call<'_>, own: bool, indexes: bool) -> Result<Datum> {
    let Some(relation) = c.view.relation_by_oid(c.oid(0)) else { return Ok(Datum::Null) };
    let sequence = relation.kind == nq_qsql::catalog::RelationKind::Sequence;
    let mut bytes = if own && !sequence { of_rows(c, relation.tree)? } else { 0 };
    if indexes {
        for index in &relation.indexes {
            bytes += of_tree(c, index.tree)?;
        }
    }
    Ok(Datum::Int8(bytes))
}

/// Bytes of all databases' trees.
fn everything(c: &Call<'_>) -> Result<i64> {
    let mut bytes = 0;
    let databases: Vec<_> = c.view.cluster.databases().into_iter().cloned().collect();
    for database in databases {
        let home = c.host.db.home(&database)?;
        let trees: Vec<Oid> = home
            .state()
            .relations()
            .into_iter()
            .flat_map(|o| Object::Relation(o.clone()).trees())
            .map(|t| t.0)
            .collect();
        for tree in trees {
            bytes += of_tree(c, tree)?;
        }
    }
    Ok(bytes)
}
