//! What goes on: sessions, locks, counters, prepared statements, cursors; and time zones.

use std::net::IpAddr;
use std::sync::Arc;

use nq_qsql::catalog::Relation;
use nq_qsql::types::datetime::zone::Zone;
use nq_qsql::types::{Datum, Inet, Interval, Oid, oid};
use nq_storage::{LockClass, LockInfo, LockKey};

use super::cell::{NULL, array};
use super::record::Record;
use super::{RowList, SystemCx};
use crate::activity::{Backend, State};

/// OID of the type `regtype[]`.
const REGTYPE: Oid = oid::REGTYPE;

/// `pg_read_all_stats`, whose members see what all sessions do.
const READ_ALL_STATS: Oid = 3375;

/// A client's address; NULL when it came through a socket of the file system.
pub(crate) fn address(addr: Option<IpAddr>) -> Datum {
    addr.map_or(Datum::Null, |addr| Datum::Inet(Inet::host(addr)))
}

/// `pg_stat_activity`
pub(super) fn pg_stat_activity(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let locks = cx.db.store.locks();
    cx.db.activity.all().iter().map(|b| activity_row(cx, of, b, &locks)).collect()
}

/// Whether the current user sees what a session does.
fn may_see(cx: &SystemCx<'_>, backend: &Backend) -> bool {
    let cluster = &cx.view.cluster;
    [READ_ALL_STATS, backend.user].iter().any(|role| cluster.has_privileges_of(cx.user, *role))
}

/// `pg_stat_ssl`
pub(super) fn pg_stat_ssl(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |backend: &Arc<Backend>| {
        let row = Record::new(of).set("pid", backend.pid).set("ssl", backend.encryption.is_some());
        match &backend.encryption {
            Some(e) => row.set("version", e.version).set("cipher", e.cipher.clone()).set("bits", e.bits),
            None => row,
        }
        .done()
    };
    cx.db.activity.all().iter().filter(|b| may_see(cx, b)).map(row).collect()
}

fn activity_row(cx: &SystemCx<'_>, of: &Relation, backend: &Backend, locks: &[LockInfo]) -> Vec<Datum> {
    let doing = backend.doing.lock().clone();
    let database = cx.view.cluster.database(backend.database).map(|d| d.name.clone());
    let row = Record::new(of)
        .set("datid", backend.database)
        .set("datname", database)
        .set("pid", backend.pid)
        .set("usesysid", backend.user)
        .set("usename", cx.view.cluster.role_name(backend.user))
        .set("application_name", doing.application.clone());
    if !may_see(cx, backend) {
        return row.set("query", "<insufficient privilege>").done();
    }
    let time = |t: i64| Datum::TimestampTz(t);
    let mine = |lock: &&LockInfo| lock.process == backend.pid as u64;
    let waiting = locks.iter().filter(mine).find(|l| !l.granted);
    let xid = locks.iter().filter(mine).map(|l| l.xid).max().filter(|xid| *xid != 0);
    let event = match (waiting, doing.state) {
        (Some(lock), _) => Some(("Lock", lock_type(&lock.key))),
        (None, State::Active) => None,
        (None, _) => Some(("Client", "ClientRead")),
    };
    row.set("client_addr", address(backend.client_addr))
        .set("client_port", backend.client_port)
        .set("backend_start", time(backend.start))
        .set("xact_start", doing.transaction_start.map(time))
        .set("query_start", doing.query_start.map(time))
        .set("state_change", time(doing.state_change))
        .set("wait_event_type", event.map(|(kind, _)| kind))
        .set("wait_event", event.map(|(_, name)| name))
        .set("state", doing.state.as_str())
        .set("backend_xid", xid.map(|xid| xid as u32))
        .set("query", doing.query.clone())
        .set("backend_type", "client backend")
        .done()
}

fn lock_type(key: &LockKey) -> &'static str {
    match key {
        LockKey::Object(LockClass::Relation, _) => "relation",
        LockKey::Object(LockClass::Advisory(_) | LockClass::AdvisoryPair(_), _) => "advisory",
        LockKey::Object(LockClass::Transaction, _) => "transactionid",
        LockKey::Object(LockClass::Object | LockClass::Database, _) => "object",
        LockKey::Row(..) => "tuple",
    }
}

/// `pg_locks`
pub(super) fn pg_locks(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |lock: &LockInfo| {
        let own = cx.db.activity.find(lock.process as i32).map(|b| b.database);
        let row = Record::new(of).set("locktype", lock_type(&lock.key));
        let row = match &lock.key {
            LockKey::Object(LockClass::Relation, id) => row.set("database", own).set("relation", *id as u32),
            LockKey::Object(LockClass::Advisory(database), id) => {
                advisory(row.set("database", *database), *id, 1)
            }
            LockKey::Object(LockClass::AdvisoryPair(database), id) => {
                advisory(row.set("database", *database), *id, 2)
            }
            LockKey::Object(LockClass::Transaction, id) => row.set("transactionid", *id as u32),
            LockKey::Object(LockClass::Object | LockClass::Database, id) => {
                row.set("database", own).set("objid", *id as u32)
            }
            LockKey::Row(tree, _) => {
                let relations = cx.view.catalog.relations();
                let relation = relations.into_iter().find(|r| r.relation.tree == tree.0);
                row.set("database", own).set("relation", relation.map(|r| r.relation.oid))
            }
        };
        row.set("virtualtransaction", format!("{}/{}", lock.process, lock.xid))
            .set("pid", lock.process as i32)
            .set("mode", lock.mode)
            .set("granted", lock.granted)
            .set("fastpath", false)
            .done()
    };
    cx.db.store.locks().iter().map(row).collect()
}

fn advisory(row: Record<'_>, id: u64, keys: i16) -> Record<'_> {
    row.set("classid", (id >> 32) as u32).set("objid", id as u32).set("objsubid", keys)
}

/// `pg_stat_database`: counters of the cluster are shown with the database that the session is in.
pub(super) fn pg_stat_database(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let backends = cx.db.activity.all();
    let metrics = cx.db.store.metrics();
    let row = |database: &&Arc<crate::catalog::object::DatabaseObject>| {
        let here = database.oid == cx.database;
        let count = |value: u64| if here { value as i64 } else { 0 };
        let sessions = backends.iter().filter(|b| b.database == database.oid).count();
        let mut row = Record::new(of)
            .set("datid", database.oid)
            .set("datname", database.name.clone())
            .set("numbackends", sessions as i32)
            .set("xact_commit", 0i64)
            .set("xact_rollback", 0i64)
            .set("blks_read", count(metrics.buffer.misses))
            .set("blks_hit", count(metrics.buffer.hits));
        for column in COUNTERS {
            row = row.set(column, 0i64);
        }
        for column in ["blk_read_time", "blk_write_time", "session_time", "active_time"] {
            row = row.set(column, 0f64);
        }
        row.set("idle_in_transaction_time", 0f64).done()
    };
    cx.view.cluster.databases().iter().map(row).collect()
}

/// Counters of `pg_stat_database` that nobody counts.
const COUNTERS: [&str; 16] = [
    "tup_returned",
    "tup_fetched",
    "tup_inserted",
    "tup_updated",
    "tup_deleted",
    "conflicts",
    "temp_files",
    "temp_bytes",
    "deadlocks",
    "checksum_failures",
    "sessions",
    "sessions_abandoned",
    "sessions_fatal",
    "sessions_killed",
    "parallel_workers_to_launch",
    "parallel_workers_launched",
];

/// `pg_stat_bgwriter` and its kind: one row, of zeros.
pub(super) fn one_row_of_counters(of: &Relation) -> RowList {
    let zero = |ty: Oid| match ty {
        oid::INT8 => Datum::Int8(0),
        oid::FLOAT8 => Datum::Float8(0.0),
        oid::NUMERIC => Datum::Numeric(nq_qsql::types::Numeric::from_i64(0)),
        _ => NULL,
    };
    vec![of.columns.iter().map(|c| zero(c.ty.oid)).collect()]
}

/// `pg_prepared_statements`
pub(super) fn pg_prepared_statements(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(name, text, params, results, from_sql, time): &super::StatementFact| {
        Record::new(of)
            .set("name", &**name)
            .set("statement", text.clone())
            .set("prepare_time", Datum::TimestampTz(*time))
            .set("parameter_types", array(REGTYPE, params.iter().copied()))
            .set(
                "result_types",
                if results.is_empty() { NULL } else { array(REGTYPE, results.iter().copied()) },
            )
            .set("from_sql", *from_sql)
            .set("generic_plans", 0i64)
            .set("custom_plans", 0i64)
            .done()
    };
    cx.session.statements.iter().map(row).collect()
}

/// `pg_cursors`
pub(super) fn pg_cursors(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(name, text, holdable, binary, scrollable, time): &super::CursorFact| {
        Record::new(of)
            .set("name", &**name)
            .set("statement", text.clone())
            .set("is_holdable", *holdable)
            .set("is_binary", *binary)
            .set("is_scrollable", *scrollable)
            .set("creation_time", Datum::TimestampTz(*time))
            .done()
    };
    cx.session.cursors.iter().map(row).collect()
}

fn seconds(seconds: i32) -> Datum {
    let micros = i64::from(seconds) * 1_000_000;
    Datum::Interval(Arc::new(Interval { months: 0, days: 0, micros }))
}

/// `pg_timezone_names`, as of now.
pub(super) fn pg_timezone_names(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |name: String| {
        let zone = Zone::by_name(&name)?;
        let row = Record::new(of)
            .set("name", name)
            .set("abbrev", zone.abbreviation_at(cx.session.now))
            .set("utc_offset", seconds(zone.offset_at(cx.session.now)))
            .set("is_dst", zone.is_daylight_at(cx.session.now));
        Some(row.done())
    };
    nq_qsql::types::datetime::zone::names().filter_map(row).collect()
}

/// `pg_timezone_abbrevs`
pub(super) fn pg_timezone_abbrevs(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(name, offset, daylight): (String, i32, bool)| {
        Record::new(of).set("abbrev", name).set("utc_offset", seconds(offset)).set("is_dst", daylight).done()
    };
    nq_qsql::types::datetime::zone::abbreviations(cx.session.now).map(row).collect()
}
