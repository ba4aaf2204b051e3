//! Transaction ids, snapshots, positions in the log.

use nq_qsql::error::Result;
use nq_qsql::sql_err;
use nq_qsql::types::{Datum, Numeric};

use super::{Answer, Call, Rows};

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    let assigned = || match c.host.modes.xid {
        0 => Datum::Null,
        xid => Datum::Int8(xid as i64),
    };
    let lsn = |lsn: u64| Datum::Int8(lsn as i64);
    Ok(Some(match c.name {
        // The plan has seen to it that there is one.
        "txid_current" | "pg_current_xact_id" => assigned(),
        "txid_current_if_assigned" | "pg_current_xact_id_if_assigned" => assigned(),
        "txid_status" | "pg_xact_status" => status(c)?,
        "pg_current_snapshot" | "txid_current_snapshot" => {
            let metrics = c.host.db.store.metrics();
            // The own transaction is not over when it looks.
            let (own, next) = (c.host.modes.xid, metrics.next_xid);
            let end = if own != 0 && own + 1 == next { own } else { next };
            Datum::text(format!("{}:{end}:", metrics.horizon.min(end)))
        }
        "current_of" => {
            let (name, table) = (c.text(0), c.oid(1));
            let found = c.host.current_rows.iter().find(|(n, t, _)| **n == *name && *t == table);
            found.and_then(|f| f.2).map_or(Datum::Null, |id| Datum::Int8(id as i64))
        }
        "pg_snapshot_xmin" | "txid_snapshot_xmin" => Datum::Int8(snapshot(c.text(0))?.0),
        "pg_snapshot_xmax" | "txid_snapshot_xmax" => Datum::Int8(snapshot(c.text(0))?.1),
        "pg_visible_in_snapshot" | "txid_visible_in_snapshot" => {
            let (xmin, xmax, running) = snapshot(c.text(1))?;
            let xid = c.int(0);
            Datum::Bool(xid < xmin || xid < xmax && !running.contains(&xid))
        }
        "xid_age" => match c.int(0) {
            // Xids below the first normal one are older than all others.
            ..FIRST_NORMAL_XID => Datum::Int4(i32::MAX),
            xid => {
                let now = match c.host.modes.xid {
                    0 => c.host.db.store.metrics().next_xid,
                    own => own,
                };
                Datum::Int4((now as i32).wrapping_sub(xid as i32))
            }
        },
        "mxid_age" => Datum::Int4(i32::MAX),
        "pg_xact_commit_timestamp" => {
            return Err(sql_err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "could not get commit timestamp data")
                .hint("Make sure the configuration parameter \"track_commit_timestamp\" is set."));
        }
        "pg_current_wal_lsn" | "pg_current_wal_insert_lsn" => lsn(c.host.db.store.metrics().end_lsn.0),
        "pg_current_wal_flush_lsn" => lsn(c.host.db.store.durable_lsn().0),
        "pg_last_wal_receive_lsn" | "pg_last_wal_replay_lsn" | "pg_last_xact_replay_timestamp" => Datum::Null,
        "pg_wal_lsn_diff" => {
            let wide = |at: usize| Numeric::from_i128(i128::from(c.int(at) as u64));
            Datum::Numeric(wide(0).sub(&wide(1))?)
        }
        "pg_is_in_recovery" => Datum::Bool(false),
        "pg_is_wal_replay_paused" => {
            return Err(sql_err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is not in progress")
                .hint("Recovery control functions can only be executed during recovery."));
        }
        _ => return Ok(None),
    }))
}

/// The first xid that a transaction may have; 1 and 2 stand for the making of the database and for rows as old as it.
const FIRST_NORMAL_XID: i64 = 3;

/// Whether a transaction has ended; what became of it is known only while others still look at it.
fn status(c: &Call<'_>) -> Result<Datum> {
    let xid = c.int(0) as u64;
    let metrics = c.host.db.store.metrics();
    if xid >= metrics.next_xid {
        return Err(sql_err!(INVALID_PARAMETER_VALUE, "transaction ID {xid} is in the future"));
    }
    Ok(match xid {
        1 | 2 => Datum::text("committed"),
        own if own == c.host.modes.xid && own != 0 => Datum::text("in progress"),
        _ => Datum::Null,
    })
}

/// Reads `xmin:xmax:xip,xip`.
fn snapshot(text: &str) -> Result<(i64, i64, Vec<i64>)> {
    let invalid =
        || sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type pg_snapshot: \"{text}\"");
    let mut parts = text.splitn(3, ':');
    let mut number = || parts.next().and_then(|p| p.parse::<i64>().ok()).ok_or_else(invalid);
    let (xmin, xmax) = (number()?, number()?);
    let running = parts.next().ok_or_else(invalid)?;
    let running = running.split(',').filter(|p| !p.is_empty()).map(|p| p.parse().map_err(|_| invalid()));
    Ok((xmin, xmax, running.collect::<Result<_>>()?))
}

/// The transactions that a snapshot saw running.
pub(super) fn snapshot_xip(c: &Call<'_>) -> Result<Rows> {
    let (_, _, running) = snapshot(c.text(0))?;
    Ok(running.into_iter().map(|xid| vec![Datum::Int8(xid)]).collect())
}
