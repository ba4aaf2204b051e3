//! Virtual generated columns: what they may be computed from, and where they may not stand.
//!
//! Source: PostgreSQL manual, section 5.4 "Generated Columns".

use nq_qsql::catalog::{Column, Generated, Relation};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::{Oid, info};
use nq_qsql::{bail, sql_err};

use crate::catalog::FIRST_NORMAL_OID;

fn is_users(oid: Oid) -> bool {
    oid >= FIRST_NORMAL_OID
}

const TYPES: &str = "Virtual generated columns that make use of user-defined types are not yet supported.";

/// Refuses a virtual column of a user's type.
///
/// # Errors
/// 0A000.
pub(super) fn check_type(column: &Column) -> Result<()> {
    let name = &column.name;
    if info::is_domain(column.ty.oid) {
        bail!(FEATURE_NOT_SUPPORTED, "virtual generated column \"{name}\" cannot have a domain type");
    }
    if is_users(column.ty.oid) {
        return Err(sql_err!(
            FEATURE_NOT_SUPPORTED,
            "virtual generated column \"{name}\" cannot have a user-defined type"
        )
        .detail(TYPES));
    }
    Ok(())
}

/// Refuses an expression that runs a user's code where a virtual column is read.
///
/// # Errors
/// 0A000.
pub(super) fn check_expression(expr: &Expr) -> Result<()> {
    let mut refused = None;
    expr.any(&mut |e| {
        if refused.is_none() {
            if matches!(e.kind, ExprKind::Routine { .. }) {
                refused = Some(
                    sql_err!(FEATURE_NOT_SUPPORTED, "generation expression uses user-defined function")
                        .detail("Virtual generated columns that make use of user-defined functions are not yet supported.")
                        .at(e.at),
                );
            } else if is_users(e.ty.oid) {
                refused = Some(
                    sql_err!(FEATURE_NOT_SUPPORTED, "generation expression uses user-defined type")
                        .detail(TYPES)
                        .at(e.at),
                );
            }
        }
        refused.is_some()
    });
    refused.map_or(Ok(()), Err)
}

/// Refuses something that needs stored values: `indexes on virtual generated columns are not supported`.
///
/// # Errors
/// 0A000 if one of the columns is virtual.
pub(super) fn refuse_virtual(
    table: &Relation,
    columns: impl IntoIterator<Item = usize>,
    what: &str,
) -> Result<()> {
    match columns.into_iter().any(|i| table.columns[i].generated == Generated::Virtual) {
        true => bail!(FEATURE_NOT_SUPPORTED, "{what} on virtual generated columns are not supported"),
        false => Ok(()),
    }
}

/// 0A000 for an action of ALTER TABLE.
pub(super) fn not_for_virtual(message: &str, table: &Relation, column: &str) -> SqlError {
    sql_err!(FEATURE_NOT_SUPPORTED, "{message}")
        .detail(format!("Column \"{column}\" of relation \"{}\" is a virtual generated column.", table.name))
}
