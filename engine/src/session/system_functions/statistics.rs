//! `pg_stat_get_...`: counters. Rows and pages are the store's; what nobody counts is not known, and NULL.

use nq_qsql::catalog::Catalog;
use nq_qsql::types::Datum;

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
        "pg_stat_get_mod_since_analyze" => Datum::Int8(c.host.db.changes.of(c.oid(0)) as i64),
        "pg_stat_have_stats" => Datum::Bool(false),
        // Nothing is kept back or read from a copy.
        "pg_stat_clear_snapshot" | "pg_stat_force_next_flush" => Datum::text(""),
        name if name.starts_with("pg_stat_get_") => Datum::Null,
        _ => return Ok(None),
    }))
}

fn live_rows(c: &Call<'_>) -> i64 {
    let relation = c.view.relation_by_oid(c.oid(0)).filter(|r| r.tree != 0);
    let stats = relation.and_then(|r| c.host.db.store.tree_stats(nq_storage::TreeId(r.tree)).ok());
    stats.map_or(0, |s| s.records as i64)
}
