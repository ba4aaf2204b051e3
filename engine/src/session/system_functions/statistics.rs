//! `pg_stat_get_...`: counters. Rows and pages are the store's; of what nobody counts the answer is zero, of times NULL.

use nq_qsql::catalog::Catalog;
use nq_qsql::func;
use nq_qsql::types::{Datum, oid};

use super::{Answer, Call};

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    Ok(Some(match c.name {
        "pg_stat_get_live_tuples" => Datum::Int8(live_rows(c)),
        "pg_stat_get_db_numbackends" => {
            let database = c.oid(0);
            let here = c.host.db.activity.all().iter().filter(|b| b.database == database).count();
            Datum::Int4(here as i32)
        }
        "pg_stat_get_db_blocks_hit" => Datum::Int8(c.host.db.store.metrics().buffer.hits as i64),
        "pg_stat_get_db_blocks_fetched" => {
            let buffer = c.host.db.store.metrics().buffer;
            Datum::Int8((buffer.hits + buffer.misses) as i64)
        }
        "pg_stat_get_snapshot_timestamp" => Datum::Null,
        "pg_stat_have_stats" => Datum::Bool(false),
        name if name.starts_with("pg_stat_get_") => nothing(name),
        name if name.starts_with("pg_stat_") => Datum::text(""),
        _ => return Ok(None),
    }))
}

/// The zero of a counter's type.
fn nothing(name: &str) -> Datum {
    match func::functions(name).first().map(|f| f.result) {
        Some(oid::INT8) => Datum::Int8(0),
        Some(oid::INT4) => Datum::Int4(0),
        Some(oid::FLOAT8) => Datum::Float8(0.0),
        Some(oid::BOOL) => Datum::Bool(false),
        _ => Datum::Null,
    }
}

fn live_rows(c: &Call<'_>) -> i64 {
    let relation = c.view.relation_by_oid(c.oid(0)).filter(|r| r.tree != 0);
    let stats = relation.and_then(|r| c.host.db.store.tree_stats(nq_storage::TreeId(r.tree)).ok());
    stats.map_or(0, |s| s.records as i64)
}
