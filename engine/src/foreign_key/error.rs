//! Violations, in PostgreSQL's words.

use nq_qsql::catalog::Relation;
use nq_qsql::error::SqlError;
use nq_qsql::plan::physical::BoundForeignKey;
use nq_qsql::sql_err;
use nq_qsql::types::Datum;

use crate::exec::ExecCx;
use crate::table::write::show;

/// `(a, b)=(1, 2)` for people who may read these columns; `None` for others.
fn shown(table: &Relation, columns: &[usize], values: &[Datum], cx: &ExecCx<'_>) -> Option<String> {
    if !columns.iter().all(|c| cx.host.may_read(table.oid, *c)) {
        return None;
    }
    let names: Vec<&str> = columns.iter().map(|c| &*table.columns[*c].name).collect();
    let texts: Vec<String> =
        columns.iter().zip(values).map(|(c, v)| show(v, table.columns[*c].ty, cx.io)).collect();
    Some(format!("({})=({})", names.join(", "), texts.join(", ")))
}

/// A row refers to nothing. `mixed`: it has NULL in some of the columns, against MATCH FULL.
#[cold]
pub(super) fn unmet(
    child: &Relation,
    bound: &BoundForeignKey,
    values: &[Datum],
    mixed: bool,
    cx: &ExecCx<'_>,
) -> SqlError {
    let (table, name, parent) = (&child.name, &bound.name, &bound.parent.name);
    let error = sql_err!(
        FOREIGN_KEY_VIOLATION,
        "insert or update on table \"{table}\" violates foreign key constraint \"{name}\""
    )
    .object(&child.schema, table, "", name);
    if mixed {
        return error.detail("MATCH FULL does not allow mixing of null and nonnull key values.");
    }
    error.detail(match shown(child, &bound.key.columns, values, cx) {
        Some(key) => format!("Key {key} is not present in table \"{parent}\"."),
        None => format!("Key is not present in table \"{parent}\"."),
    })
}

/// A row is still referred to. `restrict`: the foreign key says RESTRICT.
#[cold]
pub(super) fn still_referenced(
    child: &Relation,
    bound: &BoundForeignKey,
    old: &[Datum],
    restrict: bool,
    cx: &ExecCx<'_>,
) -> SqlError {
    let (table, name, parent) = (&child.name, &bound.name, &bound.parent.name);
    let key =
        shown(&bound.parent, &bound.key.ref_columns, old, cx).map_or(String::new(), |k| format!(" {k}"));
    let error = match restrict {
        true => sql_err!(
            RESTRICT_VIOLATION,
            "update or delete on table \"{parent}\" violates RESTRICT setting of foreign key constraint \"{name}\" on table \"{table}\""
        )
        .detail(format!("Key{key} is referenced from table \"{table}\".")),
        false => sql_err!(
            FOREIGN_KEY_VIOLATION,
            "update or delete on table \"{parent}\" violates foreign key constraint \"{name}\" on table \"{table}\""
        )
        .detail(format!("Key{key} is still referenced from table \"{table}\".")),
    };
    error.object(&child.schema, table, "", name)
}
