//! The one place where errors of the storage layer become what clients see.

use nq_qsql::error::{SqlError, SqlState};
use nq_qsql::sql_err;
use nq_storage::StoreError;
use nq_storage::error::DeadlockReport;

/// Turns a storage error into PostgreSQL's terms.
#[cold]
pub fn store_error(error: StoreError) -> SqlError {
    match error {
        StoreError::Io { .. } => sql_err!(IO_ERROR, "{error}"),
        StoreError::DiskFull { .. } => sql_err!(DISK_FULL, "{error}").hint("Check free disk space."),
        StoreError::Corrupt { .. } | StoreError::LogDamaged { .. } => sql_err!(DATA_CORRUPTED, "{error}"),
        StoreError::Poisoned { .. } => {
            sql_err!(IO_ERROR, "{error}").hint("Restart the server: it recovers from its log.")
        }
        StoreError::Duplicate { .. } => {
            sql_err!(UNIQUE_VIOLATION, "duplicate key value violates unique constraint")
        }
        StoreError::Conflict => {
            sql_err!(SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
        }
        StoreError::SerializationFailure(message) => {
            let error = SqlError::new(SqlState::SERIALIZATION_FAILURE, message);
            match message.contains("dependencies") {
                true => error.hint("The transaction might succeed if retried."),
                false => error,
            }
        }
        StoreError::Deadlock(report) => deadlock(&report),
        StoreError::LockNotAvailable => sql_err!(LOCK_NOT_AVAILABLE, "could not obtain lock"),
        StoreError::Deferred => SqlError::internal("a wait was left to a caller that cannot wait"),
        StoreError::LockTimeout => sql_err!(LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout"),
        StoreError::Cancelled => sql_err!(QUERY_CANCELED, "canceling statement due to user request"),
        StoreError::TooLarge { .. } => sql_err!(PROGRAM_LIMIT_EXCEEDED, "{error}"),
        StoreError::UndoFull => sql_err!(OUT_OF_MEMORY, "{error}"),
        StoreError::ReadOnly => {
            sql_err!(READ_ONLY_SQL_TRANSACTION, "cannot execute the statement in a read-only transaction")
        }
        StoreError::Closed => sql_err!(ADMIN_SHUTDOWN, "the database system is shutting down"),
    }
}

fn deadlock(report: &DeadlockReport) -> SqlError {
    let lines: Vec<String> = report
        .waits
        .iter()
        .map(|w| {
            format!(
                "Process {} waits for {} on {}; blocked by process {}.",
                w.waiter, w.mode, w.object, w.holder
            )
        })
        .collect();
    sql_err!(DEADLOCK_DETECTED, "deadlock detected")
        .detail(lines.join("\n"))
        .hint("See server log for query details.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nq_storage::error::DeadlockWait;

    #[test]
    fn deadlocks_are_told_as_postgresql_tells_them() {
        let wait = |waiter, holder, object: &str| DeadlockWait {
            waiter,
            mode: "ShareLock",
            object: object.to_owned(),
            holder,
        };
        let report =
            DeadlockReport { waits: vec![wait(10, 11, "transaction 742"), wait(11, 10, "transaction 741")] };
        let error = store_error(StoreError::Deadlock(report));
        assert_eq!(error.code().as_str(), "40P01");
        assert_eq!(
            error.0.detail.as_deref(),
            Some(
                "Process 10 waits for ShareLock on transaction 742; blocked by process 11.\n\
                 Process 11 waits for ShareLock on transaction 741; blocked by process 10."
            )
        );
    }
}
