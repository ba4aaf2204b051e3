//! The server itself: version, encoding, settings, keywords, time zones.

use nq_qsql::func::Host;
use nq_qsql::parse::keyword::{self, Category};
use nq_qsql::types::datetime::zone::{self, Zone};
use nq_qsql::types::{Datum, Interval, oid};

use super::visibility::array;
use super::{Answer, Call, Rows};

/// The version that clients see: PostgreSQL's, whose behaviour this is, and ours.
fn version() -> String {
    format!(
        "PostgreSQL 18.4 (NeuroQuantumDB {}) on {}-linux, compiled by rustc, 64-bit",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    )
}

/// Encodings by `pg_char_to_encoding`; the server's own is UTF8, whose number is 6.
const ENCODINGS: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    Ok(Some(match c.name {
        "version" => Datum::text(version()),
        "unicode_version" => Datum::text("16.0"),
        "getdatabaseencoding" => Datum::text("UTF8"),
        "pg_encoding_to_char" => {
            let name = usize::try_from(c.int(0)).ok().and_then(|at| ENCODINGS.get(at));
            Datum::text(name.copied().unwrap_or(""))
        }
        "pg_encoding_max_length" => match c.int(0) {
            6 | 39 => Datum::Int4(4),
            1 | 3..=5 => Datum::Int4(if c.int(0) == 4 { 4 } else { 3 }),
            7 => Datum::Int4(4),
            2 | 35..=38 | 41 => Datum::Int4(2),
            40 => Datum::Int4(3),
            0..=34 => Datum::Int4(1),
            _ => Datum::Null,
        },
        "pg_postmaster_start_time" | "pg_conf_load_time" => Datum::TimestampTz(c.host.db.started),
        "pg_jit_available" | "pg_numa_available" => Datum::Bool(false),
        "current_query" => Datum::Text(c.host.backend.doing.lock().query.clone()),
        "pg_trigger_depth" => Datum::Int4(0),
        "system_user" => Datum::Null,
        "pg_collation_actual_version" => Datum::Null,
        "pg_database_collation_actual_version" => Datum::text("1"),
        "pg_tablespace_location" => Datum::text(""),
        "pg_column_toast_chunk_id" => Datum::Null,
        "pg_settings_get_flags" => match crate::settings::definition::find(c.text(0)) {
            Some(definition) => {
                let flag = |name: &str, on: bool| on.then(|| Datum::text(name));
                let explain = definition.category.starts_with("Query Tuning");
                array(oid::TEXT, [flag("EXPLAIN", explain)].into_iter().flatten().collect())
            }
            None => Datum::Null,
        },
        _ => return Ok(None),
    }))
}

/// `pg_get_keywords`
pub(super) fn keywords() -> Rows {
    let row = |(word, category, bare): (&'static str, Category, bool)| {
        let (code, text) = match category {
            Category::Unreserved => (b'U', "unreserved"),
            Category::ColName => (b'C', "unreserved (cannot be function or type name)"),
            Category::TypeFuncName => (b'T', "reserved (can be function or type name)"),
            _ => (b'R', "reserved"),
        };
        let label = if bare { "can be bare label" } else { "requires AS" };
        vec![Datum::text(word), Datum::Char(code), Datum::Bool(bare), Datum::text(text), Datum::text(label)]
    };
    keyword::all().map(row).collect()
}

/// `pg_options_to_table`: `name=value` taken apart.
pub(super) fn options_to_table(c: &Call<'_>) -> Rows {
    let Some(Datum::Array(options)) = c.args.first() else { return Rows::new() };
    let row = |item: &Datum| match item {
        Datum::Text(text) => match text.split_once('=') {
            Some((name, value)) => vec![Datum::text(name), Datum::text(value)],
            None => vec![Datum::Text(text.clone()), Datum::Null],
        },
        _ => vec![Datum::Null, Datum::Null],
    };
    options.items.iter().map(row).collect()
}

fn interval(seconds: i32) -> Datum {
    let micros = i64::from(seconds) * 1_000_000;
    Datum::Interval(Interval { months: 0, days: 0, micros }.into())
}

/// `pg_timezone_names()`
pub(super) fn timezone_names(c: &Call<'_>) -> Rows {
    let now = c.host.statement_time();
    let row = |name: String| {
        let zone = Zone::by_name(&name)?;
        let (offset, daylight) = (zone.offset_at(now), zone.is_daylight_at(now));
        Some(vec![
            Datum::text(name),
            Datum::text(zone.abbreviation_at(now)),
            interval(offset),
            Datum::Bool(daylight),
        ])
    };
    zone::names().filter_map(row).collect()
}

/// `pg_timezone_abbrevs_abbrevs()`
pub(super) fn timezone_abbrevs(c: &Call<'_>) -> Rows {
    let row = |(name, offset, daylight): (String, i32, bool)| {
        vec![Datum::text(name), interval(offset), Datum::Bool(daylight)]
    };
    zone::abbreviations(c.host.statement_time()).map(row).collect()
}

/// `pg_timezone_abbrevs_zone()`: what the session's zone itself abbreviates.
pub(super) fn zone_abbrevs(c: &Call<'_>) -> Rows {
    let row = |(name, offset, daylight): (String, i32, bool)| {
        vec![Datum::text(name), interval(offset), Datum::Bool(daylight)]
    };
    let zone = c.host.io(&c.view).time_zone.clone();
    zone.own_abbreviations(c.host.statement_time()).into_iter().map(row).collect()
}

/// `pg_tablespace_databases`: all are in the default one.
pub(super) fn tablespace_databases(c: &Call<'_>) -> Rows {
    match c.oid(0) {
        1663 => c.view.cluster.databases().iter().map(|d| vec![Datum::Oid(d.oid)]).collect(),
        _ => Rows::new(),
    }
}
