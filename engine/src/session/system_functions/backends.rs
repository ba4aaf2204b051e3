//! Other sessions: who they are, what they do, and how they are stopped.

use std::sync::Arc;
use std::time::Duration;

use nq_qsql::error::Result;
use nq_qsql::func::Host;
use nq_qsql::sql_err;
use nq_qsql::types::{Datum, oid};

use super::visibility::array;
use super::{Answer, Call, Rows};
use crate::activity::{Backend, reason};
use crate::catalog::system::address;

/// The sessions whose locks a session waits for.
fn blockers(c: &Call<'_>) -> Vec<i32> {
    let pid = c.int(0) as u64;
    let waiting = c.host.db.store.locks().into_iter().filter(|lock| lock.process == pid && !lock.granted);
    let mut pids: Vec<i32> = waiting.flat_map(|lock| lock.blockers).map(|pid| pid as i32).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// `pg_signal_backend`
const SIGNAL_BACKEND: u32 = 4200;

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    let known = |c: &Call<'_>| c.host.db.activity.find(c.int(0) as i32);
    Ok(Some(match c.name {
        "pg_notify" => {
            let args = c.args;
            let text = |at: usize| match args.get(at) {
                Some(Datum::Text(text)) => &**text,
                _ => "",
            };
            c.host.mailbox.notify(text(0), text(1))?;
            Datum::text("")
        }
        "pg_notification_queue_usage" => Datum::Float8(c.host.home.channels.usage()),
        "pg_backend_pid" => Datum::Int4(c.host.backend.pid),
        "pg_cancel_backend" => match target(c, "cancel query")? {
            Some(backend) => {
                backend.interrupt.raise(reason::CANCEL);
                Datum::Bool(true)
            }
            None => Datum::Bool(false),
        },
        "pg_terminate_backend" => terminate(c)?,
        "pg_reload_conf" => {
            c.host.db.reload_settings()?;
            Datum::Bool(true)
        }
        "pg_blocking_pids" => array(oid::INT4, blockers(c).into_iter().map(Datum::Int4).collect()),
        "pg_isolation_test_session_is_blocked" => {
            let blockers = blockers(c);
            let asked = match c.args.get(1) {
                Some(Datum::Array(pids)) => &pids.items[..],
                _ => &[],
            };
            Datum::Bool(asked.iter().any(|pid| matches!(pid, Datum::Int4(pid) if blockers.contains(pid))))
        }
        // A deferrable transaction waits for nobody by name.
        "pg_safe_snapshot_blocking_pids" => array(oid::INT4, Vec::new()),
        "inet_client_addr" => address(c.host.backend.client_addr),
        "inet_client_port" => match c.host.backend.client_addr {
            Some(_) => Datum::Int4(c.host.backend.client_port),
            None => Datum::Null,
        },
        "inet_server_addr" => address(c.host.backend.server_addr),
        "inet_server_port" => match c.host.backend.client_addr {
            Some(_) => c.host.settings.int("port").map_or(Datum::Null, |port| Datum::Int4(port as i32)),
            None => Datum::Null,
        },
        "pg_stat_get_backend_pid" => Datum::Int4(c.int(0) as i32),
        "pg_stat_get_backend_dbid" => known(c).map_or(Datum::Null, |b| Datum::Oid(b.database)),
        "pg_stat_get_backend_userid" => known(c).map_or(Datum::Null, |b| Datum::Oid(b.user)),
        "pg_stat_get_backend_activity" => {
            known(c).map_or(Datum::Null, |b| Datum::Text(b.doing.lock().query.clone()))
        }
        "pg_stat_get_backend_start" => known(c).map_or(Datum::Null, |b| Datum::TimestampTz(b.start)),
        "pg_stat_get_backend_activity_start" => {
            known(c).and_then(|b| b.doing.lock().query_start).map_or(Datum::Null, Datum::TimestampTz)
        }
        "pg_stat_get_backend_xact_start" => {
            known(c).and_then(|b| b.doing.lock().transaction_start).map_or(Datum::Null, Datum::TimestampTz)
        }
        "pg_stat_get_backend_client_port" => known(c).map_or(Datum::Null, |b| Datum::Int4(b.client_port)),
        "pg_stat_get_backend_client_addr" => address(known(c).and_then(|b| b.client_addr)),
        "pg_stat_get_backend_wait_event_type" | "pg_stat_get_backend_wait_event" => Datum::Null,
        _ => return Ok(None),
    }))
}

/// The session that a signal is for, if the current user may send one.
fn target(c: &mut Call<'_>, what: &str) -> Result<Option<Arc<Backend>>> {
    let pid = c.int(0) as i32;
    let Some(backend) = c.host.db.activity.find(pid) else {
        c.host.warn(sql_err!(WARNING, "PID {pid} is not a PostgreSQL backend process"));
        return Ok(None);
    };
    let (cluster, user) = (&c.view.cluster, c.host.current_user.oid);
    let superuser = cluster.is_superuser(user);
    let refuse =
        |detail: String| Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied to {what}").detail(detail));
    if cluster.is_superuser(backend.user) && !superuser {
        return refuse(
            "Only roles with the SUPERUSER attribute may terminate processes of roles with the SUPERUSER attribute."
                .replace("terminate processes", if what == "cancel query" { "cancel queries" } else { "terminate processes" }),
        );
    }
    let may = superuser
        || c.host.has_privileges_of(cluster, user, backend.user)
        || c.host.has_privileges_of(cluster, user, SIGNAL_BACKEND);
    match may {
        true => Ok(Some(backend)),
        false => {
            let verb = if what == "cancel query" { "cancel this query" } else { "terminate this process" };
            refuse(format!(
                "Only roles with privileges of the role whose {} is being {} or with privileges of the \"pg_signal_backend\" role may {verb}.",
                if what == "cancel query" { "query" } else { "process" },
                if what == "cancel query" { "canceled" } else { "terminated" },
            ))
        }
    }
}

fn terminate(c: &mut Call<'_>) -> Result<Datum> {
    let timeout = c.int(1);
    if timeout < 0 {
        return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "\"timeout\" must not be negative"));
    }
    let Some(backend) = target(c, "terminate process")? else { return Ok(Datum::Bool(false)) };
    backend.end(reason::TERMINATE);
    let pid = backend.pid;
    drop(backend);
    let env = c.host.db.env.clone();
    let end = env.monotonic_nanos().saturating_add(Duration::from_millis(timeout as u64).as_nanos() as u64);
    while timeout > 0 && pid != c.host.backend.pid && c.host.db.activity.find(pid).is_some() {
        if env.monotonic_nanos() >= end {
            c.host.warn(sql_err!(
                WARNING,
                "backend with PID {pid} did not terminate within {timeout} milliseconds"
            ));
            return Ok(Datum::Bool(false));
        }
        c.host.sleep(10_000)?;
    }
    Ok(Datum::Bool(true))
}

/// Numbers under which the sessions are known: their process ids.
pub(super) fn ids(c: &Call<'_>) -> Rows {
    c.host.db.activity.all().iter().map(|b| vec![Datum::Int4(b.pid)]).collect()
}

/// Rows of `pg_listening_channels()`.
pub(super) fn listening_channels(c: &Call<'_>) -> Rows {
    c.host.mailbox.channels().iter().map(|name| vec![Datum::Text(Arc::clone(name))]).collect()
}
