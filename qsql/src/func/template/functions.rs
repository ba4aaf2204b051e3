//! The SQL functions over templates.

use super::output::{Fields, write};
use super::{input, number, number_input};
use crate::func::args::{Date, Ts, TsTz, scalar};
use crate::sql_err;
use crate::types::datetime::USECS_PER_SEC;
use crate::types::datetime::arith::timestamp_to_timestamptz;
use crate::types::{Interval, Numeric};

scalar! {
    timestamp_to_char(a: Ts, template: &str) -> Option<String> = match a.0 {
        i64::MAX | i64::MIN => None,
        _ if template.is_empty() => None,
        ts => Some(write(&Fields::of_timestamp(ts, (0, String::new())), template)?),
    };
    timestamptz_to_char[cx](a: TsTz, template: &str) -> Option<String> = match a.0 {
        i64::MAX | i64::MIN => None,
        _ if template.is_empty() => None,
        ts => {
            let zone = &cx.io.time_zone;
            let offset = zone.offset_at(ts);
            let local = ts + i64::from(offset) * USECS_PER_SEC;
            Some(write(&Fields::of_timestamp(local, (offset, zone.abbreviation_at(ts))), template)?)
        }
    };
    interval_to_char(a: &Interval, template: &str) -> Option<String> = match (a.months, a.days, a.micros) {
        (i32::MAX, i32::MAX, i64::MAX) | (i32::MIN, i32::MIN, i64::MIN) => None,
        _ if template.is_empty() => None,
        _ => Some(write(&Fields::of_interval(a), template)?),
    };
    int4_to_char(a: i32, template: &str) -> String = number::write_integer(a.into(), template)?;
    int8_to_char(a: i64, template: &str) -> String = number::write_integer(a, template)?;
    numeric_to_char(a: &Numeric, template: &str) -> String = number::write_numeric(a, template)?;
    float4_to_char(a: f32, template: &str) -> String = number::write_float(a.into(), 6, template)?;
    float8_to_char(a: f64, template: &str) -> String = number::write_float(a, 15, template)?;
    numeric_to_number(a: &str, template: &str) -> Option<Numeric> = number_input::read(a, template)?;
    to_date[cx](a: &str, template: &str) -> Date = {
        let read = input::read(a, template, &cx.io.time_zone)?;
        let out_of_range = || sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range: \"{a}\"");
        Date(read.date().ok_or_else(out_of_range)?)
    };
    to_timestamp[cx](a: &str, template: &str) -> TsTz = {
        let read = input::read(a, template, &cx.io.time_zone)?;
        let out_of_range = || sql_err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range");
        let local = read.local().ok_or_else(out_of_range)?;
        match read.offset()? {
            Some(east) => TsTz(local.checked_sub(i64::from(east) * USECS_PER_SEC).ok_or_else(out_of_range)?),
            None => TsTz(timestamp_to_timestamptz(local, &cx.io.time_zone)?),
        }
    };
}
