//! Values of parameters: reading and printing, with units of memory and time.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::sql_err;

use super::definition::{Definition, Kind};

/// The value of a parameter, in its base unit.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants carry the kinds' names")]
pub enum Value {
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Arc<str>),
}

impl Value {
    /// The value without a unit, as `pg_settings.setting` shows it.
    pub fn plain(&self) -> String {
        match self {
            Value::Bool(b) => if *b { "on" } else { "off" }.to_owned(),
            Value::Int(v) => v.to_string(),
            Value::Real(v) => v.to_string(),
            Value::Text(t) => t.to_string(),
        }
    }
}

const MEMORY: [(&str, f64); 5] =
    [("B", 1.0), ("kB", 1024.0), ("MB", 1048576.0), ("GB", 1073741824.0), ("TB", 1099511627776.0)];
const TIME: [(&str, f64); 6] =
    [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 60e6), ("h", 3600e6), ("d", 86400e6)];

const MEMORY_HINT: &str = "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
const TIME_HINT: &str =
    "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";

/// The units that go with a base unit, and the base unit's size in the smallest of them.
#[allow(clippy::type_complexity, reason = "a table of units with their sizes")]
fn units(base: &str) -> Option<(&'static [(&'static str, f64)], f64, &'static str)> {
    if base == "8kB" {
        return Some((&MEMORY, 8192.0, MEMORY_HINT));
    }
    let find =
        |table: &'static [(&'static str, f64)]| table.iter().find(|(n, _)| *n == base).map(|(_, f)| *f);
    match find(&MEMORY) {
        Some(size) => Some((&MEMORY, size, MEMORY_HINT)),
        None => find(&TIME).map(|size| (&TIME[..], size, TIME_HINT)),
    }
}

/// Prints an integer in the largest unit that divides it.
pub(super) fn print_with_unit(value: i64, base: &str) -> String {
    let Some((table, size, _)) = units(base) else { return value.to_string() };
    if value <= 0 {
        return if value == 0 { "0".to_owned() } else { value.to_string() };
    }
    let smallest = value as f64 * size;
    let (name, factor) =
        table.iter().rev().find(|(_, f)| smallest >= *f && smallest % f == 0.0).unwrap_or(&table[0]);
    format!("{}{name}", smallest / factor)
}

/// Prints a number in the largest unit in which it is a whole one, or else in the smallest.
pub(super) fn print_real_with_unit(value: f64, base: &str) -> String {
    let Some((table, size, _)) = units(base) else { return general(value) };
    if value == 0.0 {
        return "0".to_owned();
    }
    let smallest = value * size;
    let whole = |v: f64| v > 0.0 && (v.round_ties_even() / v - 1.0).abs() <= 1e-8;
    let (name, factor) = table.iter().rev().find(|(_, f)| whole(smallest / f)).unwrap_or(&table[0]);
    format!("{}{name}", general(smallest / factor))
}

/// C's `%g`.
pub fn general(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let exponent: i32 = format!("{value:.5e}").split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trimmed = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    if (-4..6).contains(&exponent) {
        return trimmed(format!("{value:.*}", (5 - exponent).max(0) as usize));
    }
    let text = format!("{value:.5e}");
    let mantissa = text.split_once('e').map_or(text.as_str(), |(mantissa, _)| mantissa);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa.to_owned()), exponent.abs())
}

fn invalid(definition: &Definition, text: &str) -> SqlError {
    sql_err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{}\": \"{text}\"", definition.name)
}

/// Reads what the user wrote for a parameter.
///
/// # Errors
/// 22023 with PostgreSQL's messages and hints.
pub(super) fn parse(definition: &Definition, text: &str) -> Result<Value> {
    match &definition.kind {
        Kind::Bool => match parse_bool(text) {
            Some(b) => Ok(Value::Bool(b)),
            None => Err(sql_err!(
                INVALID_PARAMETER_VALUE,
                "parameter \"{}\" requires a Boolean value",
                definition.name
            )),
        },
        Kind::Enum(words) => match Definition::enum_word(words, text) {
            Some(word) => Ok(Value::Text(word.into())),
            None => Err(invalid(definition, text).hint(format!("Available values: {}.", words.join(", ")))),
        },
        Kind::Text => Ok(Value::Text(text.into())),
        Kind::Int { min, max } => {
            let value = parse_number(definition, text)?.round_ties_even();
            if value > f64::from(i32::MAX) || value < f64::from(i32::MIN) {
                return Err(invalid(definition, text).hint("Value exceeds integer range."));
            }
            let int = value as i64;
            if value < *min as f64 || value > *max as f64 {
                return Err(outside(definition, &int.to_string()));
            }
            Ok(Value::Int(int))
        }
        Kind::Real { min, max } => {
            let value = parse_number(definition, text)?;
            if !(value >= *min && value <= *max) {
                return Err(outside(definition, &general(value)));
            }
            Ok(Value::Real(value))
        }
    }
}

fn outside(definition: &Definition, value: &str) -> SqlError {
    let (min, max) = (definition.min, definition.max);
    let unit = if definition.unit.is_empty() { String::new() } else { format!(" {}", definition.unit) };
    sql_err!(
        INVALID_PARAMETER_VALUE,
        "{value}{unit} is outside the valid range for parameter \"{}\" ({min}{unit} .. {max}{unit})",
        definition.name
    )
}

/// Reads PostgreSQL's spellings of a Boolean, unambiguous prefixes included.
pub fn parse_bool(text: &str) -> Option<bool> {
    let t = text.to_ascii_lowercase();
    let prefix = |word: &str, least: usize| t.len() >= least && word.starts_with(&t);
    if prefix("true", 1) || prefix("yes", 1) || t == "on" || t == "1" {
        Some(true)
    } else if prefix("false", 1) || prefix("no", 1) || prefix("off", 2) || t == "0" {
        Some(false)
    } else {
        None
    }
}

/// Reads a number with an optional unit, into the parameter's base unit.
fn parse_number(definition: &Definition, text: &str) -> Result<f64> {
    let trimmed = text.trim();
    let hex = trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X"));
    if let Some(digits) = hex {
        return i64::from_str_radix(digits, 16).map(|v| v as f64).map_err(|_| invalid(definition, text));
    }
    if trimmed.len() > 1 && trimmed.starts_with('0') && trimmed.bytes().all(|b| b.is_ascii_digit()) {
        return i64::from_str_radix(trimmed, 8).map(|v| v as f64).map_err(|_| invalid(definition, text));
    }
    let word = trimmed.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(definition.kind, Kind::Real { .. }) && (word == "inf" || word == "infinity") {
        return Ok(if trimmed.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let bytes = trimmed.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let exponent_sign = end > 0 && matches!(bytes[end - 1], b'e' | b'E');
        let exponent = matches!(bytes[end], b'e' | b'E')
            && bytes.get(end + 1).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-'));
        let sign = matches!(bytes[end], b'+' | b'-') && (end == 0 || exponent_sign);
        if !(bytes[end].is_ascii_digit() || bytes[end] == b'.' || sign || exponent) {
            break;
        }
        end += 1;
    }
    let number: f64 = trimmed[..end].parse().map_err(|_| invalid(definition, text))?;
    let unit = trimmed[end..].trim();
    if unit.is_empty() {
        return Ok(number);
    }
    let Some((table, base, hint)) = units(definition.unit) else { return Err(invalid(definition, text)) };
    match table.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Ok(number * factor / base),
        None => Err(invalid(definition, text).hint(hint)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition::find;
    use super::*;

    #[test]
    fn units_read_and_print() {
        let work_mem = find("work_mem").unwrap();
        let cases = [
            ("64MB", Value::Int(65536), "64MB"),
            ("4096", Value::Int(4096), "4MB"),
            ("100kB", Value::Int(100), "100kB"),
        ];
        for (text, value, shown) in cases {
            let parsed = parse(work_mem, text).unwrap();
            assert_eq!(parsed, value);
            assert_eq!(work_mem.show(&parsed), shown);
        }
        let timeout = find("statement_timeout").unwrap();
        assert_eq!(parse(timeout, "1s").unwrap(), Value::Int(1000));
        assert_eq!(timeout.show(&Value::Int(90_000)), "90s");
        assert_eq!(timeout.show(&Value::Int(0)), "0");
        assert_eq!(parse(timeout, "1.5min").unwrap(), Value::Int(90_000));
    }

    #[test]
    fn errors_are_postgresqls() {
        let cases = [
            (
                "work_mem",
                "1",
                "1 kB is outside the valid range for parameter \"work_mem\" (64 kB .. 2147483647 kB)",
            ),
            ("work_mem", "1xB", "invalid value for parameter \"work_mem\": \"1xB\""),
            ("enable_sort", "maybe", "parameter \"enable_sort\" requires a Boolean value"),
            ("bytea_output", "x", "invalid value for parameter \"bytea_output\": \"x\""),
            (
                "seq_page_cost",
                "-1",
                "-1 is outside the valid range for parameter \"seq_page_cost\" (0 .. 1.79769e+308)",
            ),
        ];
        for (name, text, message) in cases {
            assert_eq!(parse(find(name).unwrap(), text).unwrap_err().message(), message);
        }
    }
}
