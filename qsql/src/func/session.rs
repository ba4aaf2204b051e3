//! What asks or changes the session: users, settings, sequences, randomness, sleep; and functions of any type.

use super::args::{Id, TsTz, arg, scalar};
use super::category;
use super::set::given;
use super::{EvalCx, SetRows};
use crate::error::Result;
use crate::sql_err;
use crate::types::datetime::USECS_PER_SEC;
use crate::types::oid::{INT8, UNKNOWN};
use crate::types::{DataType, Datum, Interval, Numeric, info, io_text};

/// The value of functions that return `void`.
pub(super) fn void() -> Datum {
    Datum::text("")
}

scalar! {
    current_user[cx]() -> Datum = Datum::Text(cx.host.current_user());
    session_user[cx]() -> Datum = Datum::Text(cx.host.session_user());
    pg_client_encoding() -> &str = "UTF8";
    show_config_by_name[cx](name: &str) -> String = match cx.host.setting(name) {
        Some(value) => value,
        None => return Err(unknown_setting(name)),
    };
    show_config_by_name_missing_ok[cx](name: &str, missing: bool) -> Option<String> = match cx.host.setting(name) {
        None if !missing => return Err(unknown_setting(name)),
        value => value,
    };
    set_config_by_name[cx](name: Option<&str>, value: Option<&str>, local: Option<bool>) -> String = {
        let name = name.ok_or_else(|| sql_err!(NULL_VALUE_NOT_ALLOWED, "SET requires parameter name"))?;
        cx.host.set_setting(name, value, local.unwrap_or(false))?
    };
    nextval_oid[cx](sequence: Id) -> i64 = cx.host.nextval(sequence.0)?;
    next_identity[cx](sequence: Id) -> i64 = cx.host.next_identity(sequence.0)?;
    currval_oid[cx](sequence: Id) -> i64 = cx.host.currval(sequence.0)?;
    lastval[cx]() -> i64 = cx.host.lastval()?;
    setval_oid[cx](sequence: Id, value: i64) -> i64 = cx.host.setval(sequence.0, value, true)?;
    setval3_oid[cx](sequence: Id, value: i64, called: bool) -> i64 = cx.host.setval(sequence.0, value, called)?;
    pg_sleep[cx](seconds: f64) -> Datum = {
        cx.host.sleep((seconds * 1e6) as i64)?;
        void()
    };
    pg_sleep_for_3935[cx](time: &Interval) -> Datum = {
        let days = i64::from(time.months) * 30 + i64::from(time.days);
        cx.host.sleep(days.saturating_mul(86_400 * USECS_PER_SEC).saturating_add(time.micros))?;
        void()
    };
    pg_sleep_until_3936[cx](until: TsTz) -> Datum = {
        let micros = until.0.saturating_sub(cx.host.clock_time());
        cx.host.sleep(micros)?;
        void()
    };

    pg_typeof[cx](_value: &Datum) -> Id = Id(cx.arg_types.first().map_or(UNKNOWN, |t| t.oid));
    pg_basetype(ty: Id) -> Id = ty;
    format_type[cx](ty: Option<Id>, typmod: Option<i32>) -> Option<String> = match ty {
        Some(Id(oid)) if oid != 0 && info::by_oid(oid).is_none() => {
            match cx.host.system("format_type", &[Datum::Oid(oid)])? {
                Datum::Text(name) => Some(name.to_string()),
                _ => Some("???".to_owned()),
            }
        }
        ty => ty.map(|ty| info::format_type(ty.0, typmod)),
    };
    pg_collation_for[cx](_value: &Datum) -> Option<String> = {
        let ty = cx.arg_types.first().map_or(UNKNOWN, |t| t.oid);
        match category::category(ty) {
            b'S' => Some("\"default\"".to_owned()),
            _ if ty == UNKNOWN => Some("\"default\"".to_owned()),
            _ => return Err(sql_err!(DATATYPE_MISMATCH, "collations are not supported by type {}", category::display(ty))),
        }
    };
    pg_column_size[cx](value: &Datum) -> i32 = stored_size(value, cx.arg_types.first().copied(), cx.io)?;
    pg_column_compression(_value: &Datum) -> Option<String> = None;
    pg_input_is_valid[cx](text: &str, ty: &str) -> bool = {
        let target = input_type(cx, ty)?;
        io_text::parse_text(target.oid, target.typmod, text, cx.io).is_ok()
    };
    pg_size_pretty(size: i64) -> String = pretty_size(i128::from(size));
    pg_size_pretty_numeric(size: &Numeric) -> String = pretty_numeric_size(size)?;
    pg_size_bytes(text: &str) -> i64 = size_from_text(text)?;
    oidvectortypes(types: &Datum) -> String = match types {
        Datum::Array(array) => {
            let names = array.items.iter().filter_map(|d| match d {
                Datum::Oid(oid) => Some(category::display(*oid)),
                _ => None,
            });
            names.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
}

fn unknown_setting(name: &str) -> crate::error::SqlError {
    sql_err!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
}

/// The type that a text names, users' types by the search path.
fn input_type(cx: &mut EvalCx<'_>, name: &str) -> Result<DataType> {
    let text = [Datum::text(name)];
    match cx.host.system("to_regtype", &text)? {
        Datum::Oid(oid) => {
            let typmod = match cx.host.system("to_regtypemod", &text)? {
                Datum::Int4(typmod) => typmod,
                _ => -1,
            };
            Ok(DataType { oid, typmod })
        }
        _ => category::parse_type(name),
    }
}

/// `pg_input_error_info`: what is wrong with a value's text, in four columns; NULLs when nothing is.
pub(super) fn pg_input_error_info(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let target = input_type(cx, arg(args, 1)?)?;
    let row = match io_text::parse_text(target.oid, target.typmod, arg(args, 0)?, cx.io) {
        Ok(_) => vec![Datum::Null; 4],
        Err(error) => {
            let text = |text: Option<&String>| text.map_or(Datum::Null, |text| Datum::text(text.as_str()));
            let fields = &*error.0;
            let (detail, hint) = (text(fields.detail.as_ref()), text(fields.hint.as_ref()));
            vec![Datum::text(error.message()), detail, hint, Datum::text(error.code().as_str())]
        }
    };
    Ok(given(vec![row]))
}

/// Bytes that a value takes in a row, with the header of a variable-length one.
fn stored_size(value: &Datum, ty: Option<DataType>, io: &crate::types::IoContext<'_>) -> Result<i32> {
    let header = |bytes: usize| (bytes + if bytes < 127 { 1 } else { 4 }) as i32;
    Ok(match value {
        Datum::Null => 0,
        Datum::Bool(_) | Datum::Char(_) => 1,
        Datum::Int2(_) => 2,
        Datum::Int4(_) | Datum::Oid(_) | Datum::Float4(_) | Datum::Date(_) => 4,
        Datum::Tid(..) => 6,
        Datum::Int8(_) | Datum::Float8(_) | Datum::Time(_) | Datum::Timestamp(_) | Datum::TimestampTz(_) => 8,
        Datum::TimeTz(..) => 12,
        Datum::Interval(_) | Datum::Uuid(_) => 16,
        Datum::Text(text) => header(text.len()),
        Datum::Bytea(bytes) | Datum::Jsonb(bytes) => header(bytes.len()),
        Datum::Bits(bits) => header(bits.stored().len()),
        Datum::Inet(address) => header(address.octets().len() + 2),
        Datum::MacAddr(_) => 6,
        Datum::MacAddr8(_) | Datum::Money(_) => 8,
        other => {
            let mut out = Vec::new();
            crate::types::io_binary::send_binary(other, ty.map_or(INT8, |t| t.oid), &mut out)?;
            let _ = io;
            header(out.len())
        }
    })
}

/// Units of `pg_size_pretty`: name, the size above which the next unit is used, shift to the next unit.
static UNITS: &[(&str, i128, bool, u32)] = &[
    ("bytes", 10 * 1024, false, 0),
    ("kB", 20 * 1024 - 1, true, 10),
    ("MB", 20 * 1024 - 1, true, 20),
    ("GB", 20 * 1024 - 1, true, 30),
    ("TB", 20 * 1024 - 1, true, 40),
    ("PB", 20 * 1024 - 1, true, 50),
];

fn pretty_size(size: i128) -> String {
    let mut size = size;
    for (i, &(name, limit, round, _)) in UNITS.iter().enumerate() {
        let last = i + 1 == UNITS.len();
        if last || size.abs() < limit {
            if round {
                size = (size + if size >= 0 { 1 } else { -1 }) / 2;
            }
            return format!("{size} {name}");
        }
        // One bit is kept for rounding from the second unit on.
        let next_round = UNITS[i + 1].2;
        let bits = UNITS[i + 1].3 - UNITS[i].3 - u32::from(next_round) + u32::from(round);
        size /= 1 << bits;
    }
    size.to_string()
}

fn pretty_numeric_size(size: &Numeric) -> Result<String> {
    match size.trunc(0)?.to_i64() {
        Ok(small) if small.unsigned_abs() >= 10 * 1024 => Ok(pretty_size(i128::from(small))),
        _ => {
            let mut out = Vec::new();
            let ten = Numeric::from_i64(10 * 1024);
            if size.abs() < ten {
                size.write(&mut out);
                return Ok(format!("{} bytes", String::from_utf8_lossy(&out)));
            }
            let petabyte = Numeric::from_i64(1 << 50);
            size.div(&petabyte)?.round(0)?.write(&mut out);
            Ok(format!("{} PB", String::from_utf8_lossy(&out)))
        }
    }
}

fn size_from_text(text: &str) -> Result<i64> {
    let invalid = || sql_err!(INVALID_PARAMETER_VALUE, "invalid size: \"{text}\"");
    let trimmed = text.trim();
    let end = trimmed
        .char_indices()
        .find(|&(i, c)| {
            let exponent = matches!(c, 'e' | 'E')
                && trimmed[i + 1..].trim_start_matches(['+', '-']).starts_with(|d: char| d.is_ascii_digit());
            let sign = matches!(c, '+' | '-') && (i == 0 || matches!(trimmed.as_bytes()[i - 1], b'e' | b'E'));
            !(c.is_ascii_digit() || c == '.' || exponent || sign)
        })
        .map_or(trimmed.len(), |(i, _)| i);
    let (number, unit) = trimmed.split_at(end);
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return Err(invalid());
    }
    let value = Numeric::parse(number).map_err(|_| invalid())?;
    let unit = unit.trim();
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 1_i64,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        "tb" => 1 << 40,
        "pb" => 1 << 50,
        _ => {
            return Err(invalid()
                .detail(format!("Invalid size unit: \"{unit}\"."))
                .hint("Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."));
        }
    };
    value.mul(&Numeric::from_i64(factor))?.to_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_pretty() {
        for (size, want) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (-10_485_248, "-10 MB"),
            (1 << 40, "1024 GB"),
            (1 << 50, "1024 TB"),
            (i128::from(i64::MAX), "8192 PB"),
        ] {
            assert_eq!(pretty_size(size), want, "{size}");
        }
    }
}
