//! Storage parameters of tables.

use nq_qsql::error::Result;
use nq_qsql::parse::ast::{Def, DefValue};
use nq_qsql::sql_err;

/// Parameters that PostgreSQL knows and that change nothing here.
const KNOWN: [&str; 6] = [
    "fillfactor",
    "autovacuum_enabled",
    "parallel_workers",
    "toast_tuple_target",
    "vacuum_truncate",
    "user_catalog_table",
];

/// Reads `WITH (name = value, ..)` as `reloptions`.
pub(crate) fn read_options(options: &[Def]) -> Result<Vec<Box<str>>> {
    let mut out = Vec::with_capacity(options.len());
    for option in options {
        let name = &*option.name.name;
        if !KNOWN.contains(&name) && !name.starts_with("autovacuum_") {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "unrecognized parameter \"{name}\""));
        }
        let value = match &option.value {
            None => "true",
            Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => text,
            Some(_) => {
                return Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{name}\""));
            }
        };
        out.push(format!("{name}={value}").into());
    }
    Ok(out)
}
