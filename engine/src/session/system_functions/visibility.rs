//! Names: what the search path finds, and objects by their names.

use nq_qsql::catalog::Catalog;
use nq_qsql::error::{Result, SqlState};
use nq_qsql::func;
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::{Datum, IoContext, Oid, info, io_text, oid};

use super::{Answer, Call};
use crate::catalog::lookup::CatalogView;
use crate::catalog::{PG_CATALOG, system};

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    let oid = c.oid(0);
    let visible = |known: bool| if known { Datum::Bool(true) } else { Datum::Null };
    Ok(Some(match c.name {
        "pg_table_is_visible" => table_is_visible(&c.view, oid),
        "pg_type_is_visible" => match c.view.catalog.user_type(oid) {
            Some(ty) => Datum::Bool(c.view.is_type_visible(ty)),
            None => visible(info::by_oid(oid).is_some()),
        },
        "pg_function_is_visible" => match c.view.catalog.routine(oid) {
            Some(r) => Datum::Bool(c.view.is_routine_visible(&r.routine)),
            None => visible(system::data::proc(oid).is_some() || func::function_by_oid(oid).is_some()),
        },
        "pg_operator_is_visible" => visible(func::operator_by_oid(oid).is_some()),
        "pg_opclass_is_visible" => visible(super::monitor::exists(c, "pg_opclass", oid)?),
        "pg_opfamily_is_visible" => visible(super::monitor::exists(c, "pg_opfamily", oid)?),
        "pg_collation_is_visible" => visible(super::monitor::exists(c, "pg_collation", oid)?),
        "pg_conversion_is_visible" => visible(super::monitor::exists(c, "pg_conversion", oid)?),
        "pg_ts_parser_is_visible"
        | "pg_ts_dict_is_visible"
        | "pg_ts_config_is_visible"
        | "pg_ts_template_is_visible"
        | "pg_statistics_obj_is_visible" => visible(oid != 0 && oid < crate::catalog::FIRST_NORMAL_OID),
        "current_database" => Datum::Text(c.view.database.clone()),
        "current_schema" => match explicit_path(c).first() {
            Some(oid) => schema_name(&c.view, *oid),
            None => Datum::Null,
        },
        "current_schemas" => {
            let path = if c.flag(0) { c.view.path.to_vec() } else { explicit_path(c) };
            let names: Vec<Datum> = path.iter().map(|oid| schema_name(&c.view, *oid)).collect();
            array(oid::NAME, names)
        }
        "pg_my_temp_schema" => Datum::Oid(c.view.temp_namespace),
        "pg_is_other_temp_schema" => Datum::Bool(
            oid != c.view.temp_namespace
                && c.view.catalog.namespace(oid).is_some_and(|n| n.name.starts_with("pg_temp_")),
        ),
        "to_regclass" => named(c, oid::REGCLASS)?,
        "to_regtype" => named(c, oid::REGTYPE)?,
        "to_regproc" => named(c, oid::REGPROC)?,
        "to_regprocedure" => named(c, oid::REGPROCEDURE)?,
        "to_regoper" => named(c, oid::REGOPER)?,
        "to_regoperator" => named(c, oid::REGOPERATOR)?,
        "to_regnamespace" => named(c, oid::REGNAMESPACE)?,
        "to_regrole" => named(c, oid::REGROLE)?,
        "to_regcollation" => named(c, oid::REGCOLLATION)?,
        "format_type" => c.view.reg_name(oid::REGTYPE, oid).map_or(Datum::Null, Datum::text),
        "to_regtypemod" => match nq_qsql::bind::bind_type_text(c.text(0), &*c.view) {
            Ok(ty) => Datum::Int4(ty.typmod),
            Err(_) => Datum::Null,
        },
        _ => return Ok(None),
    }))
}

/// A one-dimensional array; empty without dimensions.
pub(super) fn array(element: Oid, items: Vec<Datum>) -> Datum {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Datum::Array(nq_qsql::types::Array { element, dims, items }.into())
}

fn schema_name(view: &CatalogView, oid: Oid) -> Datum {
    view.namespace_name(oid).map_or(Datum::Null, Datum::Text)
}

/// The search path without the schemas that are searched unasked.
fn explicit_path(c: &Call<'_>) -> Vec<Oid> {
    let named = |name: &str| c.host.settings.derived().search_path.iter().any(|n| **n == *name);
    let asked = |oid: &Oid| match *oid {
        PG_CATALOG => named("pg_catalog"),
        oid if oid == c.view.temp_namespace => named("pg_temp"),
        _ => true,
    };
    c.view.path.iter().copied().filter(asked).collect()
}

fn table_is_visible(view: &CatalogView, oid: Oid) -> Datum {
    match view.relation_by_oid(oid) {
        Some(relation) => Datum::Bool(view.is_visible(&relation)),
        None => Datum::Null,
    }
}

/// The object with a name; NULL when there is none.
/// The object of a name; NULL for what is not there.
fn named(c: &Call<'_>, kind: Oid) -> Result<Datum> {
    let io = IoContext { reg: Some(&*c.view), ..IoContext::default() };
    match io_text::parse_text(kind, -1, c.text(0), &io) {
        Err(error) if error.code() == SqlState::INSUFFICIENT_PRIVILEGE => Err(error),
        found => Ok(found.unwrap_or(Datum::Null)),
    }
}
