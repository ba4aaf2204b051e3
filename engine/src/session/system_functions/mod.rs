//! System functions that only the engine can answer, by the names they are registered under: one file for each topic.

mod acl_items;
mod backends;
mod definitions;
mod files;
mod locks;
mod monitor;
mod objects;
mod privileges;
mod routines;
mod server;
mod sizes;
mod statistics;
mod transactions;
mod visibility;

use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::types::{Datum, Oid};

use super::host::SessionHost;
use crate::catalog::acl;
use crate::catalog::lookup::CatalogView;

/// A call of a system function. No argument of a strict one is NULL.
struct Call<'a> {
    host: &'a mut SessionHost,
    view: Arc<CatalogView>,
    name: &'a str,
    args: &'a [Datum],
}

impl Call<'_> {
    /// An argument that names an object by number.
    fn oid(&self, at: usize) -> Oid {
        match self.args.get(at) {
            Some(Datum::Oid(oid)) => *oid,
            Some(Datum::Int4(v)) => *v as Oid,
            _ => 0,
        }
    }

    fn int(&self, at: usize) -> i64 {
        match self.args.get(at) {
            Some(Datum::Int2(v)) => i64::from(*v),
            Some(Datum::Int4(v)) => i64::from(*v),
            Some(Datum::Int8(v)) => *v,
            Some(Datum::Oid(v)) => i64::from(*v),
            _ => 0,
        }
    }

    fn text(&self, at: usize) -> &str {
        match self.args.get(at) {
            Some(Datum::Text(text)) => text,
            _ => "",
        }
    }

    fn flag(&self, at: usize) -> bool {
        matches!(self.args.get(at), Some(Datum::Bool(true)))
    }
}

/// What a topic answers: `None` for a function that is not its own.
type Answer = Result<Option<Datum>>;

/// The rows of a set-returning function.
type Rows = Vec<Vec<Datum>>;

fn text_or_null(text: Option<String>) -> Datum {
    text.map_or(Datum::Null, Datum::text)
}

/// Calls a system function.
///
/// # Errors
/// 0A000 for one that is not built.
pub(super) fn call(host: &mut SessionHost, name: &str, args: &[Datum]) -> Result<Datum> {
    const TOPICS: [fn(&mut Call<'_>) -> Answer; 14] = [
        visibility::call,
        definitions::call,
        objects::call,
        privileges::call,
        sizes::call,
        locks::call,
        transactions::call,
        backends::call,
        routines::call,
        server::call,
        files::call,
        statistics::call,
        acl_items::call,
        monitor::call,
    ];
    let view = host.current_view().clone();
    if acl::function_acl(name).is_some() && !host.is_superuser() {
        bail!(INSUFFICIENT_PRIVILEGE, "permission denied for function {name}");
    }
    let mut call = Call { host, view, name, args };
    for topic in TOPICS {
        if let Some(value) = topic(&mut call)? {
            return Ok(value);
        }
    }
    Err(SqlError::unsupported(format_args!("function {name}")))
}

/// Calls a set-returning system function.
///
/// # Errors
/// 0A000 for one that is not built.
pub(super) fn rows(host: &mut SessionHost, name: &str, args: &[Datum]) -> Result<Rows> {
    let view = host.current_view().clone();
    let call = Call { host, view, name, args };
    match name {
        "pg_get_keywords" => Ok(server::keywords()),
        "pg_options_to_table" => Ok(server::options_to_table(&call)),
        "pg_timezone_names" => Ok(server::timezone_names(&call)),
        "pg_timezone_abbrevs_abbrevs" => Ok(server::timezone_abbrevs(&call)),
        "pg_tablespace_databases" => Ok(server::tablespace_databases(&call)),
        "aclexplode" => acl_items::explode(&call),
        "pg_identify_object" => objects::identify(&call),
        "pg_sequence_parameters" => objects::sequence_parameters(&call),
        "pg_get_sequence_data" => objects::sequence_data(&call),
        "pg_stat_get_backend_idset" => Ok(backends::ids(&call)),
        "pg_snapshot_xip" | "txid_snapshot_xip" => transactions::snapshot_xip(&call),
        "pg_partition_tree" | "pg_partition_ancestors" => objects::partitions(&call),
        "pg_show_all_settings" => Ok(crate::catalog::system::settings_rows(&call.host.setting_facts())),
        "pg_available_extensions" | "pg_available_extension_versions" => Ok(Rows::new()),
        "pg_extension_update_paths" => Err(super::utility::no_extension(call.text(0))),
        "pg_timezone_abbrevs_zone" => Ok(server::zone_abbrevs(&call)),
        "pg_identify_object_as_address" => objects::identify_as_address(&call),
        "pg_listening_channels" => Ok(backends::listening_channels(&call)),
        _ => match monitor::rows(&call)? {
            Some(rows) => Ok(rows),
            None => Err(SqlError::unsupported(format_args!("function {name}"))),
        },
    }
}
