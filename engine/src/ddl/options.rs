//! Storage parameters of tables and indexes: read, checked, and kept as `reloptions`.

use nq_qsql::error::Result;
use nq_qsql::func::access::AccessMethod;
use nq_qsql::parse::ast::{Def, DefValue};
use nq_qsql::{bail, sql_err};

/// Parameters of tables that PostgreSQL knows and that change nothing here, besides `autovacuum_*`.
const TABLE: [&str; 7] = [
    "fillfactor",
    "log_autovacuum_min_duration",
    "parallel_workers",
    "toast_tuple_target",
    "user_catalog_table",
    "vacuum_index_cleanup",
    "vacuum_truncate",
];

/// Those of TOAST tables.
const TOAST: [&str; 3] = ["log_autovacuum_min_duration", "vacuum_index_cleanup", "vacuum_truncate"];

/// Those of the indexes of a method.
fn of_index(method: AccessMethod) -> &'static [&'static str] {
    match method {
        AccessMethod::Btree => &["fillfactor", "deduplicate_items"],
        AccessMethod::Hash | AccessMethod::Spgist => &["fillfactor"],
        AccessMethod::Gist => &["fillfactor", "buffering"],
        AccessMethod::Gin => &["fastupdate", "gin_pending_list_limit"],
    }
}

/// Integer parameters with their bounds.
const BOUNDS: [(&str, i64, i64); 4] = [
    ("fillfactor", 10, 100),
    ("parallel_workers", 0, 1024),
    ("toast_tuple_target", 128, 8160),
    ("gin_pending_list_limit", 64, 2_147_483_647),
];

/// Parameters that are numbers with a fraction, with their bounds.
const FLOATS: [(&str, f64, f64); 2] =
    [("n_distinct", -1.0, f64::MAX), ("n_distinct_inherited", -1.0, f64::MAX)];

/// Reads `WITH (name = value, ..)` of a table. Those of its TOAST table are checked and left out: there is none.
pub(crate) fn read_options(options: &[Def]) -> Result<Vec<Box<str>>> {
    let known = |name: &str| TABLE.contains(&name) || name.starts_with("autovacuum_");
    let of_toast = |o: &&Def| o.namespace.as_ref().is_some_and(|n| &**n == "toast");
    let (toast, own): (Vec<&Def>, Vec<&Def>) = options.iter().partition(of_toast);
    read(toast, |name| name.starts_with("autovacuum_") || TOAST.contains(&name))?;
    read(own, known)
}

/// Reads `WITH (name = value, ..)` of an index.
pub(crate) fn read_index_options(method: AccessMethod, options: &[Def]) -> Result<Vec<Box<str>>> {
    read(options, |name| of_index(method).contains(&name))
}

/// Reads `SET (name = value, ..)` of a column.
pub(crate) fn read_column_options(options: &[Def]) -> Result<Vec<Box<str>>> {
    read(options, |name| FLOATS.iter().any(|f| f.0 == name))
}

/// Reads `WITH (name = value, ..)` of a view.
pub(crate) fn read_view_options(options: &[Def]) -> Result<Vec<Box<str>>> {
    let read =
        read(options, |name| matches!(name, "security_barrier" | "security_invoker" | "check_option"))?;
    for option in &read {
        match option.split_once('=') {
            Some(("check_option", "local" | "cascaded")) => {}
            Some(("check_option", value)) => {
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "invalid value for enum option \"check_option\": {value}"
                )
                .detail("Valid values are \"local\" and \"cascaded\"."));
            }
            Some((name, value)) if crate::settings::parse_bool(value).is_none() => {
                bail!(INVALID_PARAMETER_VALUE, "invalid value for boolean option \"{name}\": {value}");
            }
            _ => {}
        }
    }
    Ok(read)
}

fn read<'a>(
    options: impl IntoIterator<Item = &'a Def>,
    known: impl Fn(&str) -> bool,
) -> Result<Vec<Box<str>>> {
    let mut out: Vec<Box<str>> = Vec::new();
    for option in options {
        let name = &*option.name.name;
        if !known(name) {
            bail!(INVALID_PARAMETER_VALUE, "unrecognized parameter \"{name}\"");
        }
        if out.iter().any(|o| o.split_once('=').is_some_and(|(n, _)| n == name)) {
            bail!(INVALID_PARAMETER_VALUE, "parameter \"{name}\" specified more than once");
        }
        let value = match &option.value {
            None => "true",
            Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => text,
            Some(_) => bail!(INVALID_PARAMETER_VALUE, "invalid value for option \"{name}\""),
        };
        if let Some((_, low, high)) = BOUNDS.iter().find(|b| b.0 == name) {
            let Ok(number) = value.parse::<i64>() else {
                bail!(INVALID_PARAMETER_VALUE, "invalid value for integer option \"{name}\": {value}");
            };
            if number < *low || number > *high {
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "value {number} out of bounds for option \"{name}\""
                )
                .detail(format!("Valid values are between \"{low}\" and \"{high}\".")));
            }
        }
        if let Some((_, low, high)) = FLOATS.iter().find(|b| b.0 == name) {
            let Ok(number) = value.parse::<f64>() else {
                bail!(INVALID_PARAMETER_VALUE, "invalid value for floating point option \"{name}\": {value}");
            };
            if number < *low || number > *high {
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "value {value} out of bounds for option \"{name}\""
                )
                .detail(format!("Valid values are between \"{low:.6}\" and \"{high:.6}\".")));
            }
        }
        if name == "buffering" && !["on", "off", "auto"].contains(&value) {
            return Err(sql_err!(
                INVALID_PARAMETER_VALUE,
                "invalid value for enum option \"{name}\": {value}"
            )
            .detail("Valid values are \"on\", \"off\", and \"auto\"."));
        }
        out.push(format!("{name}={value}").into());
    }
    Ok(out)
}

/// Puts `changes` over `old` (SET), or takes the named ones away (RESET).
pub(crate) fn merge_options(old: &[Box<str>], changes: &[Box<str>], names: &[&str]) -> Vec<Box<str>> {
    let name = |o: &str| o.split_once('=').map_or(o.to_owned(), |(n, _)| n.to_owned());
    let kept = old.iter().filter(|o| !names.contains(&name(o).as_str())).cloned();
    kept.chain(changes.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_and_reset_removes() {
        let old: Vec<Box<str>> = vec!["fillfactor=70".into(), "parallel_workers=2".into()];
        let set = merge_options(&old, &["fillfactor=90".into()], &["fillfactor"]);
        assert_eq!(set, ["parallel_workers=2".into(), Box::<str>::from("fillfactor=90")]);
        assert_eq!(merge_options(&old, &[], &["parallel_workers"]), [Box::<str>::from("fillfactor=70")]);
    }
}
