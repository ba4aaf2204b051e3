//! System views: their queries are kept as text (`views.sql`) and expanded by the binder.

use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use nq_qsql::catalog::{Column, Relation};
use nq_qsql::error::Result;
use nq_qsql::plan::deparse::{quote_identifier, type_name};

use super::{RowList, data};

/// Queries by `schema.name`, with the columns that they yield; none for all.
static QUERIES: LazyLock<HashMap<&'static str, (Vec<&'static str>, &'static str)>> = LazyLock::new(|| {
    let query = |text: &'static str| {
        let (head, query) = text.split_once('\n').expect("a view has a query");
        let (name, columns) = head.split_once(':').unwrap_or((head, ""));
        (name.trim(), (columns.split_ascii_whitespace().collect(), query))
    };
    include_str!("views.sql").split("\n@ ").skip(1).map(query).collect()
});

/// What the information schema tells of a type with its modifier, as `%type(t, m)%` stands for it: `character_maximum_length`,
/// `character_octet_length`, `numeric_precision`, `numeric_precision_radix`, `numeric_scale`, `datetime_precision`, `interval_type`.
const TYPE_FACTS: &str = "\
CASE WHEN $m = -1 THEN NULL WHEN $t IN (1042, 1043) THEN $m - 4 WHEN $t IN (1560, 1562) THEN $m END, \
CASE WHEN $t IN (25, 1042, 1043) THEN CASE WHEN $m = -1 THEN 1073741824 ELSE ($m - 4) * 4 END END, \
CASE $t WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53 \
WHEN 1700 THEN CASE WHEN $m <> -1 THEN (($m - 4) >> 16) & 65535 END END, \
CASE WHEN $t IN (20, 21, 23, 700, 701) THEN 2 WHEN $t = 1700 THEN 10 END, \
CASE WHEN $t IN (20, 21, 23) THEN 0 WHEN $t = 1700 AND $m <> -1 THEN ($m - 4) & 65535 END, \
CASE WHEN $t = 1082 THEN 0 WHEN $t IN (1083, 1114, 1184, 1266) THEN CASE WHEN $m < 0 THEN 6 ELSE $m END \
WHEN $t = 1186 THEN CASE WHEN $m < 0 OR $m & 65535 = 65535 THEN 6 ELSE $m & 65535 END END, \
CASE WHEN $t = 1186 THEN upper(substring(format_type($t, $m) FROM 'interval[()0-9]* (.*)')) END";

fn expand(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut rest = query;
    while let Some((before, after)) = rest.split_once("%type(") {
        let (arguments, after) = after.split_once(")%").expect("%type( is closed");
        let (ty, modifier) = arguments.split_once(", ").expect("%type has two arguments");
        out.push_str(before);
        out.push_str(&TYPE_FACTS.replace("$t", ty).replace("$m", modifier));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The query of a view, with exactly these columns; `None` when its rows are made otherwise.
pub(super) fn definition(schema: &str, name: &str, columns: &[Column]) -> Option<Arc<str>> {
    let (yielded, query) = QUERIES.get(format!("{schema}.{name}").as_str())?;
    let all: Vec<&str> = match yielded.is_empty() {
        true => columns.iter().map(|c| &*c.name).collect(),
        false => yielded.clone(),
    };
    let shown: Vec<String> = columns
        .iter()
        .map(|c| {
            let (name, ty) = (quote_identifier(&c.name), type_name(c.ty));
            match all.contains(&&*c.name) {
                true => format!("v.{name}::{ty} AS {name}"),
                false => format!("NULL::{ty} AS {name}"),
            }
        })
        .collect();
    let names: Vec<String> = all.iter().map(|n| quote_identifier(n)).collect();
    let text =
        format!("SELECT {} FROM ({}) AS v({})", shown.join(", "), expand(query).trim(), names.join(", "));
    Some(text.into())
}

/// The rows of what is a table in the information schema; views without a query are empty.
pub(super) fn information_schema(of: &Relation) -> Result<RowList> {
    data::static_rows(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_belongs_to_a_view() {
        for name in QUERIES.keys() {
            let (schema, view) = name.split_once('.').unwrap();
            let namespace = match schema {
                "pg_catalog" => crate::catalog::PG_CATALOG,
                _ => crate::catalog::INFORMATION_SCHEMA,
            };
            let relation = super::super::by_name(namespace, view).unwrap_or_else(|| panic!("{name}"));
            let text = relation.view.as_deref().unwrap();
            assert_eq!(nq_qsql::parse::parse_statements(text).map(|s| s.len()).unwrap_or(0), 1, "{name}");
            for column in &QUERIES[name].0 {
                assert!(relation.column(column).is_some(), "{name} has no column {column}");
            }
        }
    }
}
