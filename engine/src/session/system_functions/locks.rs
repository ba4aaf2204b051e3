//! Advisory locks. Keys are of the current database, as in PostgreSQL.

use std::time::Duration;

use nq_qsql::sql_err;
use nq_qsql::types::Datum;
use nq_storage::{Hold, LockClass, LockMode, SessionLock, WaitPolicy};

use super::{Answer, Call};
use crate::error::store_error;

/// The value of functions that return `void`.
fn void() -> Datum {
    Datum::text("")
}

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    if c.name == "pg_advisory_unlock_all" {
        c.host.locks.release_all();
        return Ok(Some(void()));
    }
    let (rest, shared) = match c.name.strip_suffix("_shared") {
        Some(rest) => (rest, true),
        None => (c.name, false),
    };
    let mode = if shared { LockMode::Share } else { LockMode::Exclusive };
    let (hold, wait) = match rest {
        "pg_advisory_lock" => (Hold::Session, WaitPolicy::Wait),
        "pg_advisory_xact_lock" => (Hold::Transaction, WaitPolicy::Wait),
        "pg_try_advisory_lock" => (Hold::Session, WaitPolicy::Skip),
        "pg_try_advisory_xact_lock" => (Hold::Transaction, WaitPolicy::Skip),
        "pg_advisory_unlock" => return Ok(Some(unlock(c, mode))),
        _ => return Ok(None),
    };
    let (class, id) = key(c);
    let timeout = c.host.settings.derived().lock_timeout_ms;
    let timeout = (timeout > 0).then(|| Duration::from_millis(timeout));
    let request = SessionLock { class, id, mode, hold, wait, timeout };
    let (locks, interrupt) = (c.host.locks.clone(), c.host.backend.interrupt.clone());
    let granted = locks.lock(&request, &interrupt).map_err(store_error)?;
    Ok(Some(match wait {
        WaitPolicy::Skip => Datum::Bool(granted),
        _ => void(),
    }))
}

/// One 64-bit key, or two of 32 bits.
fn key(c: &Call<'_>) -> (LockClass, u64) {
    let database = c.host.home.oid;
    match c.args.len() {
        2 => {
            let (high, low) = (c.int(0) as u32, c.int(1) as u32);
            (LockClass::AdvisoryPair(database), u64::from(high) << 32 | u64::from(low))
        }
        _ => (LockClass::Advisory(database), c.int(0) as u64),
    }
}

fn unlock(c: &mut Call<'_>, mode: LockMode) -> Datum {
    let (class, id) = key(c);
    let released = c.host.locks.release(class, id, mode);
    if !released {
        c.host.warn(sql_err!(WARNING, "you don't own a lock of type {}", mode.name()));
    }
    Datum::Bool(released)
}
