//! Who may change a parameter, and the parameters whose text has a form of its own.

use nq_qsql::error::Result;
use nq_qsql::func::find_encoding;
use nq_qsql::types::datetime::zone::Zone;
use nq_qsql::types::io::{DateOrder, DateStyle};
use nq_qsql::{bail, sql_err};

use super::definition::{Context, Definition};
use super::value::Value;

/// Checks that the parameter may be changed within a session.
pub(super) fn may_change(definition: &Definition, superuser: bool) -> Result<()> {
    let name = definition.name;
    match definition.context {
        Context::Internal => bail!(CANT_CHANGE_RUNTIME_PARAM, "parameter \"{name}\" cannot be changed"),
        Context::Postmaster => {
            bail!(
                CANT_CHANGE_RUNTIME_PARAM,
                "parameter \"{name}\" cannot be changed without restarting the server"
            )
        }
        Context::Sighup => bail!(CANT_CHANGE_RUNTIME_PARAM, "parameter \"{name}\" cannot be changed now"),
        Context::Backend | Context::SuperuserBackend => {
            bail!(CANT_CHANGE_RUNTIME_PARAM, "parameter \"{name}\" cannot be set after connection start")
        }
        Context::Superuser if !superuser => {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"{name}\"")
        }
        Context::Superuser | Context::User => Ok(()),
    }
}

/// Checks the name of a parameter that the server does not know.
pub(super) fn custom_name(name: &str) -> Result<()> {
    if !name.contains('.') {
        bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"");
    }
    let identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
    };
    if !name.split('.').all(identifier) {
        return Err(sql_err!(INVALID_NAME, "invalid configuration parameter name \"{name}\"")
            .detail("Custom parameter names must be two or more simple identifiers separated by dots."));
    }
    Ok(())
}

/// Brings a value into the form that `SHOW` prints, and refuses what the type alone cannot.
pub(super) fn canonical(definition: &Definition, value: Value, now: &Value) -> Result<Value> {
    let Value::Text(text) = &value else { return Ok(value) };
    let refuse = || {
        sql_err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{}\": \"{text}\"", definition.name)
    };
    match definition.name {
        "DateStyle" => {
            let now = match now {
                Value::Text(now) => date_style(now),
                _ => Default::default(),
            };
            let (style, order) = parse_date_style(text, now).map_err(|why| refuse().detail(why))?;
            Ok(Value::Text(print_date_style(style, order).into()))
        }
        "TimeZone" | "log_timezone" => Ok(Value::Text(time_zone(text).map_err(|_| refuse())?.name().into())),
        "client_encoding" => match find_encoding(text) {
            Some(name @ ("UTF8" | "SQL_ASCII")) => Ok(Value::Text(name.into())),
            Some(name) => {
                let message = refuse().message().to_owned();
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "{message}")
                    .detail(format!("Conversion between {name} and UTF8 is not supported.")))
            }
            None => Err(refuse()),
        },
        "search_path" => match split_identifiers(text) {
            Some(_) => Ok(value),
            None => Err(refuse().detail("List syntax is invalid.")),
        },
        "application_name" | "cluster_name" => {
            let mut clean = String::new();
            for byte in text.bytes() {
                match byte {
                    b' '..=b'~' => clean.push(char::from(byte)),
                    _ => clean.push_str(&format!("\\x{byte:02x}")),
                }
            }
            let end = clean.len().min(63);
            Ok(Value::Text(clean[..end].into()))
        }
        "default_tablespace" if !text.is_empty() && !TABLESPACES.contains(&&**text) => {
            Err(refuse().detail(format!("Tablespace \"{text}\" does not exist.")))
        }
        "temp_tablespaces" => match split_identifiers(text) {
            None => Err(refuse().detail("List syntax is invalid.")),
            Some(names) => match names.iter().find(|n| !n.is_empty() && !TABLESPACES.contains(&&***n)) {
                Some(name) => Err(sql_err!(UNDEFINED_OBJECT, "tablespace \"{name}\" does not exist")),
                None => Ok(value),
            },
        },
        "default_table_access_method" if text.is_empty() => {
            Err(refuse().detail("\"default_table_access_method\" cannot be empty."))
        }
        "default_table_access_method" if &**text != "heap" => {
            Err(refuse().detail(format!("Table access method \"{text}\" does not exist.")))
        }
        _ => Ok(value),
    }
}

/// Tablespaces that there are.
const TABLESPACES: [&str; 2] = ["pg_default", "pg_global"];

/// Reads a value of `TimeZone`: a name, an offset in hours, or `INTERVAL '...'` as SET TIME ZONE hands it over.
pub(super) fn time_zone(text: &str) -> Result<Zone> {
    if text.eq_ignore_ascii_case("utc") {
        return Ok(Zone::utc());
    }
    match text.trim().parse::<f64>() {
        Ok(hours) if hours.abs() <= 168.0 => Zone::fixed((hours * 3600.0).round() as i32),
        _ => Zone::find(text),
    }
}

/// Reads `DateStyle`'s canonical text.
pub(super) fn date_style(text: &str) -> (DateStyle, DateOrder) {
    parse_date_style(text, Default::default()).unwrap_or_default()
}

/// Reads words of `DateStyle`; what they do not say stays as it is `now`. The error is the detail of the message.
fn parse_date_style(
    text: &str,
    now: (DateStyle, DateOrder),
) -> std::result::Result<(DateStyle, DateOrder), String> {
    let (mut style, mut order) = (None, None);
    // German goes with its order unless another one is said.
    let mut german = None;
    let mut conflict = false;
    for word in text.split(',') {
        let word = word.trim().trim_matches('"').to_ascii_lowercase();
        let (said_style, said_order) = match word.as_str() {
            "iso" => (Some(DateStyle::Iso), None),
            "sql" => (Some(DateStyle::Sql), None),
            w if w.starts_with("postgres") => (Some(DateStyle::Postgres), None),
            "german" => {
                german = Some(DateOrder::Dmy);
                (Some(DateStyle::German), None)
            }
            "ymd" => (None, Some(DateOrder::Ymd)),
            w if w == "dmy" || w.starts_with("euro") => (None, Some(DateOrder::Dmy)),
            w if w == "mdy" || w == "us" || w.starts_with("noneuro") => (None, Some(DateOrder::Mdy)),
            "default" => {
                (style, order) = (style.or(Some(DateStyle::Iso)), order.or(Some(DateOrder::Mdy)));
                continue;
            }
            _ => return Err(format!("Unrecognized key word: \"{word}\".")),
        };
        conflict |= said_style.is_some() && style.is_some() && style != said_style;
        conflict |= said_order.is_some() && order.is_some() && order != said_order;
        (style, order) = (said_style.or(style), said_order.or(order));
    }
    if conflict {
        return Err("Conflicting \"DateStyle\" specifications.".to_owned());
    }
    Ok((style.unwrap_or(now.0), order.or(german).unwrap_or(now.1)))
}

fn print_date_style(style: DateStyle, order: DateOrder) -> String {
    let style = match style {
        DateStyle::Iso => "ISO",
        DateStyle::Sql => "SQL",
        DateStyle::Postgres => "Postgres",
        DateStyle::German => "German",
    };
    let order = match order {
        DateOrder::Mdy => "MDY",
        DateOrder::Dmy => "DMY",
        DateOrder::Ymd => "YMD",
    };
    format!("{style}, {order}")
}

/// Splits a list of possibly quoted identifiers; unquoted ones are folded to lower case. `None`: not a list.
pub(super) fn split_identifiers(text: &str) -> Option<Vec<Box<str>>> {
    let mut items = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Some(items);
    }
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            loop {
                let end = quoted.find('"')?;
                name.push_str(&quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        quoted = more;
                    }
                    None => break,
                }
            }
            items.push(name.into());
            rest = quoted.trim_start();
        } else {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            items.push(rest[..end].to_lowercase().into());
            rest = rest[end..].trim_start();
        }
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return rest.is_empty().then_some(items),
        }
    }
}

/// Quotes an identifier where SQL needs it.
pub(super) fn quote_identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}
