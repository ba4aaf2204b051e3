//! What stands beneath the views of `pg_catalog`: rows of system relations by the functions that PostgreSQL makes them with, the facts
//! of `pg_controldata`. What has nothing to count here shows what PostgreSQL shows of it when it is idle.

use nq_qsql::bail;
use nq_qsql::error::Result;
use nq_qsql::types::{Datum, Numeric, Oid};

use super::{Answer, Call, Rows};
use crate::catalog::PG_CATALOG;
use crate::catalog::system::{self, SessionFacts, SystemCx};
use crate::exec::Keys;

/// `PG_CONTROL_VERSION` and `CATALOG_VERSION_NO` of PostgreSQL 18.
const CONTROL_VERSION: i32 = 1800;
const CATALOG_VERSION: i32 = 202_506_291;

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    Ok(match c.name {
        "pg_get_acl" => Some(access_list(c)?),
        _ => None,
    })
}

/// The rows of a function that answers with some; `None` for one that is not known here.
pub(super) fn rows(c: &Call<'_>) -> Result<Option<Rows>> {
    let zero = Datum::Int8(0);
    let metrics = || c.host.db.store.metrics();
    let lsn = |at: u64| Datum::Int8(at as i64);
    Ok(Some(match c.name {
        "pg_lock_status" => relation_rows(c, "pg_locks", &[])?,
        "pg_stat_get_activity" => activity(c)?,
        "pg_stat_get_archiver" => relation_rows(c, "pg_stat_archiver", &[])?,
        "pg_stat_get_wal" => relation_rows(c, "pg_stat_wal", &[])?,
        "pg_get_catalog_foreign_keys" => system::data::catalog_foreign_keys()?,
        "pg_config" => configuration(),
        "pg_control_system" => {
            vec![vec![Datum::Int4(CONTROL_VERSION), Datum::Int4(CATALOG_VERSION), Datum::Null, Datum::Null]]
        }
        "pg_control_init" => vec![control_init(c)],
        "pg_control_checkpoint" => {
            let m = metrics();
            let mut row = vec![Datum::Null; 18];
            row[5] = Datum::Bool(true);
            row[3] = Datum::Int4(1);
            row[4] = Datum::Int4(1);
            row[6] = Datum::text(format!("{}:{}", m.next_xid >> 32, m.next_xid as u32));
            row[10] = Datum::Oid(m.horizon as Oid);
            row[12] = Datum::Oid(m.horizon as Oid);
            vec![row]
        }
        "pg_control_recovery" => {
            vec![vec![lsn(0), Datum::Int4(0), lsn(0), lsn(0), Datum::Bool(false)]]
        }
        "pg_get_multixact_members" => {
            bail!(INVALID_PARAMETER_VALUE, "MultiXactId {} has not been created yet", c.oid(0))
        }
        "pg_get_wait_events" => WAIT_EVENTS.iter().map(|row| row.map(Datum::text).to_vec()).collect(),
        "pg_stat_get_recovery_prefetch" => {
            let mut row = vec![Datum::Null];
            row.extend(vec![zero; 6]);
            row.extend(vec![Datum::Int4(0); 3]);
            vec![row]
        }
        "pg_stat_get_wal_receiver" => vec![vec![Datum::Null; 15]],
        "pg_stat_get_subscription_stats" => {
            let mut row = vec![Datum::Oid(c.oid(0))];
            row.extend(vec![zero; 9]);
            row.push(Datum::Null);
            vec![row]
        }
        "pg_stat_get_backend_wal" => match c.host.db.activity.find(c.int(0) as i32) {
            Some(_) => {
                let nothing = Datum::Numeric(Numeric::from_i64(0));
                vec![vec![zero.clone(), zero.clone(), nothing, zero, Datum::Null]]
            }
            None => vec![vec![Datum::Null; 5]],
        },
        "pg_stat_get_backend_subxact" => vec![match c.host.db.activity.find(c.int(0) as i32) {
            Some(_) => vec![Datum::Int4(0), Datum::Bool(false)],
            None => vec![Datum::Null; 2],
        }],
        // What does not exist here: asynchronous I/O handles, loadable modules, prepared transactions, replication, SLRU caches.
        "pg_get_aios"
        | "pg_get_loaded_modules"
        | "pg_prepared_xact"
        | "pg_stat_get_backend_io"
        | "pg_stat_get_io"
        | "pg_stat_get_slru"
        | "pg_stat_get_subscription"
        | "pg_stat_get_wal_senders"
        | "pg_get_replication_slots"
        | "pg_show_replication_origin_status" => Rows::new(),
        "pg_get_publication_tables" => match c.args.first() {
            Some(Datum::Array(names)) if !names.items.is_empty() => {
                let name = match &names.items[0] {
                    Datum::Text(name) => name.to_string(),
                    _ => String::new(),
                };
                bail!(UNDEFINED_OBJECT, "publication \"{name}\" does not exist")
            }
            _ => Rows::new(),
        },
        _ => return Ok(None),
    }))
}

/// The rows of a relation of `pg_catalog`; those with other values than `keys` may be left out.
fn relation_rows(c: &Call<'_>, name: &str, keys: &[(&str, Datum)]) -> Result<Rows> {
    let Some(of) = system::by_name(PG_CATALOG, name) else { return Ok(Rows::new()) };
    let cx = SystemCx {
        view: &c.view,
        db: &c.host.db,
        database: c.host.home.oid,
        user: c.host.current_user.oid,
        session: &SessionFacts::default(),
    };
    let mut wanted = Keys::default();
    for (column, value) in keys {
        if let Some(at) = of.column(column) {
            wanted.push(at, value.clone());
        }
    }
    system::rows(&cx, of, &wanted)
}

/// A column of a row of a relation of `pg_catalog`.
fn field(relation: &str, row: &[Datum], column: &str) -> Datum {
    let at = system::by_name(PG_CATALOG, relation).and_then(|of| of.column(column));
    at.and_then(|at| row.get(at)).cloned().unwrap_or(Datum::Null)
}

fn is_oid(value: &Datum, oid: Oid) -> bool {
    matches!(value, Datum::Oid(value) if *value == oid)
}

/// Whether a relation of `pg_catalog` has an object.
pub(super) fn exists(c: &Call<'_>, relation: &str, object: Oid) -> Result<bool> {
    let rows = relation_rows(c, relation, &[("oid", Datum::Oid(object))])?;
    Ok(rows.iter().any(|row| is_oid(&field(relation, row, "oid"), object)))
}

/// `pg_get_acl`: the privileges of an object or column.
fn access_list(c: &Call<'_>) -> Result<Datum> {
    let (catalog, object, sub) = (c.oid(0), c.oid(1), c.int(2));
    let Some(of) = system::by_oid(catalog).filter(|of| of.namespace == PG_CATALOG) else {
        bail!(INTERNAL_ERROR, "unrecognized class ID: {catalog}");
    };
    let relation: &str = if sub != 0 && &*of.name == "pg_class" { "pg_attribute" } else { &of.name };
    let (key, list) = match relation {
        "pg_class" => ("oid", "relacl"),
        "pg_attribute" => ("attrelid", "attacl"),
        "pg_proc" => ("oid", "proacl"),
        "pg_namespace" => ("oid", "nspacl"),
        "pg_type" => ("oid", "typacl"),
        "pg_database" => ("oid", "datacl"),
        "pg_tablespace" => ("oid", "spcacl"),
        "pg_language" => ("oid", "lanacl"),
        _ => return Ok(Datum::Null),
    };
    let rows = relation_rows(c, relation, &[(key, Datum::Oid(object))])?;
    let found = rows.iter().find(|row| {
        is_oid(&field(relation, row, key), object)
            && (relation != "pg_attribute"
                || matches!(field(relation, row, "attnum"), Datum::Int2(n) if i64::from(n) == sub))
    });
    Ok(found.map_or(Datum::Null, |row| field(relation, row, list)))
}

/// `pg_stat_get_activity`: one session, or all of them.
fn activity(c: &Call<'_>) -> Result<Rows> {
    const FROM: &str = "pg_stat_activity";
    const COLUMNS: [&str; 18] = [
        "datid",
        "pid",
        "usesysid",
        "application_name",
        "state",
        "query",
        "wait_event_type",
        "wait_event",
        "xact_start",
        "query_start",
        "backend_start",
        "state_change",
        "client_addr",
        "client_hostname",
        "client_port",
        "backend_xid",
        "backend_xmin",
        "backend_type",
    ];
    let number = |pid: &Datum| match pid {
        Datum::Int4(pid) => Some(*pid),
        _ => None,
    };
    let asked = c.args.first().and_then(number);
    let encryption = relation_rows(c, "pg_stat_ssl", &[])?;
    let mut out = Rows::new();
    for row in relation_rows(c, FROM, &[])? {
        let pid = number(&field(FROM, &row, "pid"));
        if asked.is_some() && asked != pid {
            continue;
        }
        let mut values: Vec<Datum> = COLUMNS.iter().map(|column| field(FROM, &row, column)).collect();
        let ssl = encryption.iter().find(|row| number(&field("pg_stat_ssl", row, "pid")) == pid);
        let columns = ["ssl", "version", "cipher", "bits", "client_dn", "client_serial", "issuer_dn"];
        values.extend(columns.map(|column| ssl.map_or(Datum::Null, |row| field("pg_stat_ssl", row, column))));
        values.extend([Datum::Bool(false), Datum::Null, Datum::Bool(false), Datum::Bool(false)]);
        values.extend([field(FROM, &row, "leader_pid"), field(FROM, &row, "query_id")]);
        out.push(values);
    }
    Ok(out)
}

/// `pg_config`: nothing is kept of how the server was built.
fn configuration() -> Rows {
    const UNKNOWN: [&str; 9] =
        ["CONFIGURE", "CC", "CPPFLAGS", "CFLAGS", "CFLAGS_SL", "LDFLAGS", "LDFLAGS_EX", "LDFLAGS_SL", "LIBS"];
    let row = |name: &str, value: &str| vec![Datum::text(name), Datum::text(value)];
    let mut rows: Rows = UNKNOWN.iter().map(|name| row(name, "not recorded")).collect();
    let version = format!("PostgreSQL 18.4 (NeuroQuantumDB {})", env!("CARGO_PKG_VERSION"));
    rows.push(row("VERSION", &version));
    rows
}

/// `pg_control_init`: limits, by the parameters that show them.
fn control_init(c: &Call<'_>) -> Vec<Datum> {
    let setting = |name: &str| c.host.settings.int(name).map_or(Datum::Null, |v| Datum::Int4(v as i32));
    let segment = c.host.settings.int("wal_segment_size").map_or(Datum::Null, |v| Datum::Int4(v as i32));
    vec![
        Datum::Int4(8),
        setting("block_size"),
        setting("segment_size"),
        setting("wal_block_size"),
        segment,
        Datum::Int4(64),
        setting("max_index_keys"),
        // What PostgreSQL shows of TOAST, which pages of other sizes have no need of.
        Datum::Null,
        Datum::Null,
        Datum::Bool(true),
        Datum::Int4(1),
        Datum::Bool(true),
    ]
}

/// What a session can be shown to wait for: kind, name, description.
const WAIT_EVENTS: [[&str; 3]; 6] = [
    ["Client", "ClientRead", "Waiting to read data from the client"],
    ["Lock", "advisory", "Waiting to acquire an advisory user lock"],
    ["Lock", "object", "Waiting to acquire a lock on a non-relation database object"],
    ["Lock", "relation", "Waiting to acquire a lock on a relation"],
    ["Lock", "transactionid", "Waiting for a transaction to finish"],
    ["Lock", "tuple", "Waiting to acquire a lock on a tuple"],
];
