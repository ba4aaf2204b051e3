//! The table of parameters: what may be set, to what, and by whom.
//!
//! The rows are in `definitions.tbl`, one per parameter of PostgreSQL 18 (manual chapter 19), so that every name a client sets or
//! shows is known, with its type, bounds and unit.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::value::{self, Value};

/// Who may change a parameter and when (`pg_settings.context`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "PostgreSQL's own words")]
pub enum Context {
    Internal,
    Postmaster,
    Sighup,
    SuperuserBackend,
    Backend,
    Superuser,
    User,
}

/// The type of a parameter with its bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `on` or `off`.
    Bool,
    /// An integer in the base unit.
    Int {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A floating point number in the base unit.
    Real {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// Any text.
    Text,
    /// One of these words.
    Enum(Vec<&'static str>),
}

/// A row of the table.
#[derive(Debug)]
pub struct Definition {
    /// The name as PostgreSQL spells it (`DateStyle`).
    pub name: &'static str,
    /// Type and bounds.
    pub kind: Kind,
    /// Who may change it.
    pub context: Context,
    /// Base unit: ``, `B`, `kB`, `8kB`, `MB`, `us`, `ms`, `s`, `min`.
    pub unit: &'static str,
    /// Least value as `pg_settings.min_val` shows it; empty for none.
    pub min: &'static str,
    /// Greatest value as `pg_settings.max_val` shows it; empty for none.
    pub max: &'static str,
    /// Value when nothing else is said.
    pub default: Value,
    /// `pg_settings.category`
    pub category: &'static str,
    /// `pg_settings.short_desc`
    pub description: &'static str,
    /// Whether clients are told of changes by ParameterStatus.
    pub report: bool,
    /// Whether its value is a list of identifiers (`search_path`).
    pub list: bool,
}

/// Parameters whose changes are reported to the client.
const REPORTED: [&str; 15] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "scram_iterations",
    "search_path",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// Parameters that take a list of identifiers.
const LISTS: [&str; 10] = [
    "createrole_self_grant",
    "DateStyle",
    "debug_io_direct",
    "local_preload_libraries",
    "log_destination",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Words that enumerated parameters also take, with what they mean.
const ENUM_ALIASES: [(&str, &str); 6] =
    [("true", "on"), ("yes", "on"), ("1", "on"), ("false", "off"), ("no", "off"), ("0", "off")];

/// All parameters, in the order of their names.
pub struct Definitions {
    rows: Vec<Definition>,
    by_name: HashMap<String, usize>,
}

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
    let rows: Vec<Definition> = include_str!("definitions.tbl")
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .map(parse_row)
        .collect();
    let by_name = rows.iter().enumerate().map(|(i, d)| (d.name.to_ascii_lowercase(), i)).collect();
    Definitions { rows, by_name }
});

fn parse_row(line: &'static str) -> Definition {
    let mut fields = line.splitn(10, '|');
    let mut next = || fields.next().expect("a row of definitions.tbl has ten fields");
    let (name, kind, context, unit) = (next(), next(), next(), next());
    let (min, max, words, default) = (next(), next(), next(), next());
    let (category, description) = (next(), next());
    let kind = match kind {
        "bool" => Kind::Bool,
        "integer" => Kind::Int { min: min.parse().unwrap_or(i64::MIN), max: max.parse().unwrap_or(i64::MAX) },
        "real" => Kind::Real { min: min.parse().unwrap_or(f64::MIN), max: max.parse().unwrap_or(f64::MAX) },
        "enum" => Kind::Enum(words.split(',').collect()),
        _ => Kind::Text,
    };
    let context = match context {
        "internal" => Context::Internal,
        "postmaster" => Context::Postmaster,
        "sighup" => Context::Sighup,
        "superuser-backend" => Context::SuperuserBackend,
        "backend" => Context::Backend,
        "superuser" => Context::Superuser,
        _ => Context::User,
    };
    let default = match kind {
        Kind::Bool => Value::Bool(default == "on"),
        Kind::Int { .. } => Value::Int(default.parse().unwrap_or(0)),
        Kind::Real { .. } => Value::Real(default.parse().unwrap_or(0.0)),
        Kind::Text | Kind::Enum(_) => Value::Text(default.into()),
    };
    let report = REPORTED.contains(&name);
    let list = LISTS.contains(&name);
    Definition { name, kind, context, unit, min, max, default, category, description, report, list }
}

/// Finds a parameter by its name in any case.
pub fn find(name: &str) -> Option<&'static Definition> {
    let rows = &DEFINITIONS.rows;
    match DEFINITIONS.by_name.get(name) {
        Some(&i) => Some(&rows[i]),
        None => DEFINITIONS.by_name.get(&name.to_ascii_lowercase()).map(|&i| &rows[i]),
    }
}

/// All parameters, sorted by name.
pub fn all() -> &'static [Definition] {
    &DEFINITIONS.rows
}

impl Definition {
    /// The value as `SHOW` prints it, with a unit that divides it evenly.
    pub fn show(&self, value: &Value) -> String {
        match value {
            Value::Int(v) if self.name == "unix_socket_permissions" || self.name.ends_with("_mode") => {
                format!("{v:04o}")
            }
            Value::Int(v) => value::print_with_unit(*v, self.unit),
            Value::Real(_) if self.name == "seed" => "unavailable".to_owned(),
            Value::Real(v) => value::print_real_with_unit(*v, self.unit),
            other => other.plain(),
        }
    }

    /// The canonical word of an enumerated parameter for what the user wrote.
    pub(super) fn enum_word(words: &[&'static str], text: &str) -> Option<&'static str> {
        let exact = |t: &str| words.iter().find(|w| w.eq_ignore_ascii_case(t)).copied();
        exact(text).or_else(|| {
            let (_, canonical) = ENUM_ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text))?;
            exact(canonical)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_complete() {
        assert!(all().len() > 390);
        assert_eq!(find("datestyle").unwrap().name, "DateStyle");
        assert_eq!(find("work_mem").unwrap().kind, Kind::Int { min: 64, max: 2_147_483_647 });
        assert_eq!(all().iter().filter(|d| d.report).count(), REPORTED.len());
        assert_eq!(all().iter().filter(|d| d.list).count(), LISTS.len());
    }
}
