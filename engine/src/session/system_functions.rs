//! System functions that only the engine can answer, by the names they are registered under.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::types::{Datum, Oid};

use super::host::SessionHost;
use crate::catalog::lookup::CatalogView;

/// The version that clients see: PostgreSQL's, whose behaviour this is, and ours.
pub(crate) fn version() -> String {
    format!(
        "PostgreSQL 18.4 (NeuroQuantumDB {}) on {}-linux, compiled by rustc, 64-bit",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    )
}

fn oid_of(args: &[Datum], at: usize) -> Oid {
    match args.get(at) {
        Some(Datum::Oid(oid)) => *oid,
        Some(Datum::Int4(v)) => *v as Oid,
        _ => 0,
    }
}

fn text_or_null(text: Option<String>) -> Datum {
    text.map_or(Datum::Null, Datum::text)
}

/// Calls a system function.
///
/// # Errors
/// 0A000 for one that is not built.
pub(super) fn call(host: &mut SessionHost, name: &str, args: &[Datum]) -> Result<Datum> {
    let view = host.current_view().clone();
    Ok(match name {
        "version" => Datum::text(version()),
        "pg_table_is_visible" => match view.catalog.relation(oid_of(args, 0)) {
            Some(relation) => Datum::Bool(view.is_visible(&relation)),
            None => match crate::catalog::system::by_oid(oid_of(args, 0)) {
                Some(_) => Datum::Bool(true),
                None => index_visible(&view, oid_of(args, 0)),
            },
        },
        "pg_type_is_visible" | "pg_function_is_visible" | "pg_operator_is_visible" => Datum::Bool(true),
        "pg_get_userbyid" => Datum::text(view.cluster.role_name(oid_of(args, 0))),
        "pg_encoding_to_char" => {
            Datum::text(if args.first().is_some_and(|a| matches!(a, Datum::Int4(6))) { "UTF8" } else { "" })
        }
        "pg_get_expr" => args.first().cloned().unwrap_or(Datum::Null),
        "pg_is_in_recovery" => Datum::Bool(false),
        "pg_get_viewdef" => text_or_null(
            view.catalog.relation(oid_of(args, 0)).and_then(|r| r.view.as_deref().map(|v| format!(" {v};"))),
        ),
        "obj_description" | "col_description" | "shobj_description" => Datum::Null,
        "pg_get_indexdef" => text_or_null(index_definition(&view, oid_of(args, 0))),
        "pg_relation_size" | "pg_table_size" | "pg_total_relation_size" => {
            match view.catalog.relation(oid_of(args, 0)) {
                Some(relation) if relation.tree != 0 => {
                    let stats = view
                        .store
                        .tree_stats(nq_storage::TreeId(relation.tree))
                        .map_err(crate::error::store_error)?;
                    Datum::Int8((stats.pages * 16384) as i64)
                }
                Some(_) => Datum::Int8(0),
                None => Datum::Null,
            }
        }
        "has_table_privilege"
        | "has_schema_privilege"
        | "has_database_privilege"
        | "has_any_column_privilege"
            if host.is_superuser() =>
        {
            Datum::Bool(true)
        }
        _ => return Err(SqlError::unsupported(format_args!("function {name}"))),
    })
}

fn index_visible(view: &CatalogView, index: Oid) -> Datum {
    view.catalog
        .index(index)
        .map_or(Datum::Null, |(table, _)| Datum::Bool(view.path.contains(&table.relation.namespace)))
}

/// CREATE INDEX as PostgreSQL prints it.
fn index_definition(view: &CatalogView, index: Oid) -> Option<String> {
    let (table, index) = view.catalog.index(index)?;
    let keys: Vec<String> = index
        .columns
        .iter()
        .map(|c| {
            let mut key = match &c.key {
                nq_qsql::catalog::IndexKey::Column(at) => {
                    crate::catalog::quote_identifier(&table.relation.columns[*at].name)
                }
                nq_qsql::catalog::IndexKey::Expression(text) => text.to_string(),
            };
            match (c.descending, c.nulls_first) {
                (true, true) => key.push_str(" DESC"),
                (true, false) => key.push_str(" DESC NULLS LAST"),
                (false, true) => key.push_str(" NULLS FIRST"),
                (false, false) => {}
            }
            key
        })
        .collect();
    let unique = if index.unique { "UNIQUE " } else { "" };
    let predicate = index.predicate.as_ref().map_or(String::new(), |p| format!(" WHERE {p}"));
    Some(format!(
        "CREATE {unique}INDEX {} ON {}.{} USING btree ({}){predicate}",
        crate::catalog::quote_identifier(&index.name),
        crate::catalog::quote_identifier(&table.relation.schema),
        crate::catalog::quote_identifier(&table.relation.name),
        keys.join(", ")
    ))
}
