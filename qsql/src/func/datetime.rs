//! `date`, `time`, `timetz`, `timestamp`, `timestamptz`, `interval`: operators, casts and functions over `types::datetime`.

use std::cmp::Ordering;

use super::EvalCx;
use super::args::{Date, Time, TimeTz, Ts, TsTz, larger, order, scalar};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::coerce::apply_typmod;
use crate::types::datetime::calendar::{Civil, DAYS, MONTHS, day_of_week, to_julian};
use crate::types::datetime::zone::Zone;
use crate::types::datetime::{USECS_PER_DAY, USECS_PER_SEC, arith, extract, interval, make, trunc};
use crate::types::oid::{INTERVAL, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ};
use crate::types::{Datum, Interval, Numeric};

scalar! {
    date_pli(a: Date, n: i32) -> Date = Date(arith::date_add(a.0, n)?);
    date_mii(a: Date, n: i32) -> Date = Date(arith::date_sub_days(a.0, n)?);
    integer_pl_date_2550(n: i32, a: Date) -> Date = Date(arith::date_add(a.0, n)?);
    date_mi(a: Date, b: Date) -> i32 = arith::date_sub(a.0, b.0)?;
    date_pl_interval(a: Date, iv: &Interval) -> Ts = Ts(arith::timestamp_add(arith::date_to_timestamp(a.0)?, iv)?);
    date_mi_interval(a: Date, iv: &Interval) -> Ts = Ts(arith::timestamp_sub_interval(arith::date_to_timestamp(a.0)?, iv)?);
    interval_pl_date_2546(iv: &Interval, a: Date) -> Ts = Ts(arith::timestamp_add(arith::date_to_timestamp(a.0)?, iv)?);
    datetime_timestamp(a: Date, t: Time) -> Ts = Ts(arith::date_time_to_timestamp(a.0, t.0)?);
    timedate_pl_1296(t: Time, a: Date) -> Ts = Ts(arith::date_time_to_timestamp(a.0, t.0)?);
    datetimetz_timestamptz(a: Date, t: TimeTz) -> TsTz = TsTz(date_timetz(a, t)?);
    timetzdate_pl_1298(t: TimeTz, a: Date) -> TsTz = TsTz(date_timetz(a, t)?);
    timestamptz_1176[cx](a: Date, t: Time) -> TsTz =
        TsTz(arith::timestamp_to_timestamptz(arith::date_time_to_timestamp(a.0, t.0)?, &cx.io.time_zone)?);

    time_pl_interval(t: Time, iv: &Interval) -> Time = Time(arith::time_add(t.0, iv)?);
    time_mi_interval(t: Time, iv: &Interval) -> Time = Time(arith::time_sub_interval(t.0, iv)?);
    interval_pl_time_1848(iv: &Interval, t: Time) -> Time = Time(arith::time_add(t.0, iv)?);
    time_mi_time(a: Time, b: Time) -> Interval = Interval { months: 0, days: 0, micros: a.0 - b.0 };
    timetz_pl_interval(t: TimeTz, iv: &Interval) -> TimeTz = TimeTz(arith::time_add(t.0, iv)?, t.1);
    timetz_mi_interval(t: TimeTz, iv: &Interval) -> TimeTz = TimeTz(arith::time_sub_interval(t.0, iv)?, t.1);
    interval_pl_timetz_2547(iv: &Interval, t: TimeTz) -> TimeTz = TimeTz(arith::time_add(t.0, iv)?, t.1);

    timestamp_pl_interval(a: Ts, iv: &Interval) -> Ts = Ts(arith::timestamp_add(a.0, iv)?);
    timestamp_mi_interval(a: Ts, iv: &Interval) -> Ts = Ts(arith::timestamp_sub_interval(a.0, iv)?);
    interval_pl_timestamp_2548(iv: &Interval, a: Ts) -> Ts = Ts(arith::timestamp_add(a.0, iv)?);
    timestamp_mi(a: Ts, b: Ts) -> Interval = arith::timestamp_sub(a.0, b.0)?;
    timestamptz_pl_interval[cx](a: TsTz, iv: &Interval) -> TsTz = TsTz(arith::timestamptz_add(a.0, iv, &cx.io.time_zone)?);
    timestamptz_mi_interval[cx](a: TsTz, iv: &Interval) -> TsTz = TsTz(arith::timestamptz_sub_interval(a.0, iv, &cx.io.time_zone)?);
    interval_pl_timestamptz_2549[cx](iv: &Interval, a: TsTz) -> TsTz = TsTz(arith::timestamptz_add(a.0, iv, &cx.io.time_zone)?);
    timestamptz_pl_interval_at_zone[cx](a: TsTz, iv: &Interval, zone: &str) -> TsTz = TsTz(arith::timestamptz_add(a.0, iv, &Zone::find_whole(zone, &cx.io.time_zone)?)?);
    timestamptz_mi_interval_at_zone[cx](a: TsTz, iv: &Interval, zone: &str) -> TsTz = TsTz(arith::timestamptz_sub_interval(a.0, iv, &Zone::find_whole(zone, &cx.io.time_zone)?)?);
    timestamp_age(a: Ts, b: Ts) -> Interval = arith::timestamp_age(a.0, b.0)?;
    timestamptz_age[cx](a: TsTz, b: TsTz) -> Interval = arith::timestamptz_age(a.0, b.0, &cx.io.time_zone)?;
    age_2059[cx](a: Ts) -> Interval = {
        let today = arith::date_to_timestamp(today(cx)?)?;
        arith::timestamp_age(today, a.0)?
    };
    age_1386[cx](a: TsTz) -> Interval = {
        let today = arith::date_to_timestamptz(today(cx)?, &cx.io.time_zone)?;
        arith::timestamptz_age(today, a.0, &cx.io.time_zone)?
    };

    interval_pl(a: &Interval, b: &Interval) -> Interval = interval::add(a, b)?;
    interval_mi(a: &Interval, b: &Interval) -> Interval = interval::sub(a, b)?;
    interval_um(a: &Interval) -> Interval = interval::neg(a)?;
    interval_mul(a: &Interval, factor: f64) -> Interval = interval::mul(a, factor)?;
    mul_d_interval(factor: f64, a: &Interval) -> Interval = interval::mul(a, factor)?;
    interval_div(a: &Interval, divisor: f64) -> Interval = interval::div(a, divisor)?;
    interval_justify_hours(a: &Interval) -> Interval = interval::justify_hours(a)?;
    interval_justify_days(a: &Interval) -> Interval = interval::justify_days(a)?;
    interval_justify_interval(a: &Interval) -> Interval = interval::justify_interval(a)?;

    date_timestamp(a: Date) -> Ts = Ts(arith::date_to_timestamp(a.0)?);
    date_timestamptz[cx](a: Date) -> TsTz = TsTz(arith::date_to_timestamptz(a.0, &cx.io.time_zone)?);
    timestamp_date(a: Ts) -> Date = Date(arith::timestamp_to_date(a.0)?);
    timestamptz_date[cx](a: TsTz) -> Date = Date(arith::timestamptz_to_date(a.0, &cx.io.time_zone)?);
    timestamp_timestamptz[cx](a: Ts) -> TsTz = TsTz(arith::timestamp_to_timestamptz(a.0, &cx.io.time_zone)?);
    timestamptz_timestamp[cx](a: TsTz) -> Ts = Ts(arith::timestamptz_to_timestamp(a.0, &cx.io.time_zone)?);
    timestamp_time(a: Ts) -> Option<Time> = arith::timestamp_to_time(a.0)?.map(Time);
    timestamptz_time[cx](a: TsTz) -> Option<Time> = arith::timestamptz_to_time(a.0, &cx.io.time_zone)?.map(Time);
    timestamptz_timetz[cx](a: TsTz) -> Option<TimeTz> =
        arith::timestamptz_to_timetz(a.0, &cx.io.time_zone)?.map(|(t, z)| TimeTz(t, z));
    time_interval(t: Time) -> Interval = arith::time_to_interval(t.0);
    interval_time(a: &Interval) -> Time = Time(arith::interval_to_time(a)?);
    time_timetz[cx](t: Time) -> TimeTz = {
        let midnight = arith::date_to_timestamp(today(cx)?)?;
        TimeTz(t.0, -cx.io.time_zone.offset_at_local(midnight + t.0))
    };
    timetz_time(t: TimeTz) -> Time = Time(t.0);
    float8_timestamptz(epoch: f64) -> TsTz = TsTz(make::to_timestamp(epoch)?);

    timestamp_scale(a: &Datum, typmod: i32) -> Datum = apply_typmod(a.clone(), TIMESTAMP, typmod, true)?;
    timestamptz_scale(a: &Datum, typmod: i32) -> Datum = apply_typmod(a.clone(), TIMESTAMPTZ, typmod, true)?;
    time_scale(a: &Datum, typmod: i32) -> Datum = apply_typmod(a.clone(), TIME, typmod, true)?;
    timetz_scale(a: &Datum, typmod: i32) -> Datum = apply_typmod(a.clone(), TIMETZ, typmod, true)?;
    interval_scale(a: &Datum, typmod: i32) -> Datum = apply_typmod(a.clone(), INTERVAL, typmod, true)?;

    extract_date(field: &str, a: Date) -> Option<Numeric> = extract::date(field, a.0)?;
    extract_time(field: &str, a: Time) -> Option<Numeric> = extract::time(field, a.0)?;
    extract_timetz(field: &str, a: TimeTz) -> Option<Numeric> = extract::timetz(field, a.0, a.1)?;
    extract_timestamp(field: &str, a: Ts) -> Option<Numeric> = extract::timestamp(field, a.0)?;
    extract_timestamptz[cx](field: &str, a: TsTz) -> Option<Numeric> = extract::timestamptz(field, a.0, &cx.io.time_zone)?;
    extract_interval(field: &str, a: &Interval) -> Option<Numeric> = extract::interval(field, a)?;
    date_part_1384(field: &str, a: Date) -> Option<f64> = part(extract::timestamp(field, arith::date_to_timestamp(a.0)?)?)?;
    time_part(field: &str, a: Time) -> Option<f64> = part(extract::time(field, a.0)?)?;
    timetz_part(field: &str, a: TimeTz) -> Option<f64> = match field.eq_ignore_ascii_case("epoch") {
        // PostgreSQL adds in floating point, and the sum shows it.
        true => Some(a.0 as f64 / USECS_PER_SEC as f64 + f64::from(a.1)),
        false => part(extract::timetz(field, a.0, a.1)?)?,
    };
    timestamp_part(field: &str, a: Ts) -> Option<f64> = part(extract::timestamp(field, a.0)?)?;
    timestamptz_part[cx](field: &str, a: TsTz) -> Option<f64> = part(extract::timestamptz(field, a.0, &cx.io.time_zone)?)?;
    interval_part(field: &str, a: &Interval) -> Option<f64> = part(extract::interval(field, a)?)?;
    timestamp_trunc(field: &str, a: Ts) -> Ts = Ts(trunc::timestamp(field, a.0)?);
    timestamptz_trunc[cx](field: &str, a: TsTz) -> TsTz = TsTz(trunc::timestamptz(field, a.0, &cx.io.time_zone)?);
    timestamptz_trunc_zone[cx](field: &str, a: TsTz, zone: &str) -> TsTz = TsTz(trunc::timestamptz(field, a.0, &Zone::find_whole(zone, &cx.io.time_zone)?)?);
    interval_trunc(field: &str, a: &Interval) -> Interval = trunc::interval(field, a)?;
    timestamp_bin(stride: &Interval, a: Ts, origin: Ts) -> Ts = Ts(trunc::date_bin(stride, a.0, origin.0)?);
    timestamptz_bin(stride: &Interval, a: TsTz, origin: TsTz) -> TsTz = TsTz(trunc::date_bin(stride, a.0, origin.0)?);

    date_finite(a: Date) -> bool = a.0 != i32::MAX && a.0 != i32::MIN;
    timestamp_finite(a: Ts) -> bool = a.0 != i64::MAX && a.0 != i64::MIN;
    interval_finite(a: &Interval) -> bool = finite(a);

    make_date(year: i32, month: i32, day: i32) -> Date = Date(make::make_date(year, month, day)?);
    make_time(hour: i32, minute: i32, second: f64) -> Time = Time(make::make_time(hour, minute, second)?);
    make_timestamp(y: i32, mo: i32, d: i32, h: i32, mi: i32, s: f64) -> Ts = Ts(make::make_timestamp(y, mo, d, h, mi, s)?);
    make_timestamptz[cx](y: i32, mo: i32, d: i32, h: i32, mi: i32, s: f64) -> TsTz =
        TsTz(make::make_timestamptz(y, mo, d, h, mi, s, &cx.io.time_zone)?);
    make_timestamptz_at_timezone[cx](y: i32, mo: i32, d: i32, h: i32, mi: i32, s: f64, zone: &str) -> TsTz =
        TsTz(make::make_timestamptz(y, mo, d, h, mi, s, &Zone::find_signed(zone, &cx.io.time_zone)?)?);
    make_interval(y: i32, mo: i32, w: i32, d: i32, h: i32, mi: i32, s: f64) -> Interval =
        make::make_interval(y, mo, w, d, h, mi, s)?;

    now[cx]() -> TsTz = TsTz(cx.host.transaction_time());
    statement_timestamp[cx]() -> TsTz = TsTz(cx.host.statement_time());
    clock_timestamp[cx]() -> TsTz = TsTz(cx.host.clock_time());
    timeofday[cx]() -> String = {
        let now = cx.host.clock_time();
        time_of_day(now, &cx.io.time_zone)
    };

    timestamp_zone[cx](zone: &str, a: Ts) -> TsTz = match is_finite(a.0) {
        true => TsTz(arith::timestamp_to_timestamptz(a.0, &Zone::find_in(zone, &cx.io.time_zone)?)?),
        false => TsTz(a.0),
    };
    timestamptz_zone[cx](zone: &str, a: TsTz) -> Ts = match is_finite(a.0) {
        true => Ts(arith::timestamptz_to_timestamp(a.0, &Zone::find_in(zone, &cx.io.time_zone)?)?),
        false => Ts(a.0),
    };
    timestamp_izone(zone: &Interval, a: Ts) -> TsTz = TsTz(arith::timestamp_to_timestamptz(a.0, &interval_zone(zone)?)?);
    timestamptz_izone(zone: &Interval, a: TsTz) -> Ts = Ts(arith::timestamptz_to_timestamp(a.0, &interval_zone(zone)?)?);
    timestamp_at_local[cx](a: Ts) -> TsTz = TsTz(arith::timestamp_to_timestamptz(a.0, &cx.io.time_zone)?);
    timestamptz_at_local[cx](a: TsTz) -> Ts = Ts(arith::timestamptz_to_timestamp(a.0, &cx.io.time_zone)?);
    timetz_zone[cx](zone: &str, t: TimeTz) -> TimeTz = {
        let west = -Zone::find_in(zone, &cx.io.time_zone)?.offset_at(cx.host.transaction_time());
        moved(t, west)
    };
    timetz_izone(zone: &Interval, t: TimeTz) -> TimeTz = moved(t, -interval_zone(zone)?.offset_at(0));
    timetz_at_local[cx](t: TimeTz) -> TimeTz = {
        let west = -cx.io.time_zone.offset_at(cx.host.transaction_time());
        moved(t, west)
    };

    overlaps_timestamp(a: Option<Ts>, b: Option<Ts>, c: Option<Ts>, d: Option<Ts>) -> Option<bool> = overlap(a, b, c, d);
    overlaps_time(a: Option<Time>, b: Option<Time>, c: Option<Time>, d: Option<Time>) -> Option<bool> = overlap(a, b, c, d);
    overlaps_timetz(a: Option<TimeTz>, b: Option<TimeTz>, c: Option<TimeTz>, d: Option<TimeTz>) -> Option<bool> = {
        let key = |t: Option<TimeTz>| t.map(|t| (t.0 + i64::from(t.1) * USECS_PER_SEC, t.1));
        overlap(key(a), key(b), key(c), key(d))
    };
    overlaps_2042(a: Option<Ts>, b: Option<&Interval>, c: Option<Ts>, d: Option<&Interval>) -> Option<bool> =
        overlap(a, ts_end(a, b)?, c, ts_end(c, d)?);
    overlaps_2043(a: Option<Ts>, b: Option<Ts>, c: Option<Ts>, d: Option<&Interval>) -> Option<bool> = overlap(a, b, c, ts_end(c, d)?);
    overlaps_2044(a: Option<Ts>, b: Option<&Interval>, c: Option<Ts>, d: Option<Ts>) -> Option<bool> = overlap(a, ts_end(a, b)?, c, d);
    overlaps_1305[cx](a: Option<Ts>, b: Option<&Interval>, c: Option<Ts>, d: Option<&Interval>) -> Option<bool> =
        overlap(a, tz_end(cx, a, b)?, c, tz_end(cx, c, d)?);
    overlaps_1306[cx](a: Option<Ts>, b: Option<Ts>, c: Option<Ts>, d: Option<&Interval>) -> Option<bool> = overlap(a, b, c, tz_end(cx, c, d)?);
    overlaps_1307[cx](a: Option<Ts>, b: Option<&Interval>, c: Option<Ts>, d: Option<Ts>) -> Option<bool> = overlap(a, tz_end(cx, a, b)?, c, d);
    overlaps_1309(a: Option<Time>, b: Option<&Interval>, c: Option<Time>, d: Option<&Interval>) -> Option<bool> =
        overlap(a, time_end(a, b)?, c, time_end(c, d)?);
    overlaps_1310(a: Option<Time>, b: Option<Time>, c: Option<Time>, d: Option<&Interval>) -> Option<bool> = overlap(a, b, c, time_end(c, d)?);
    overlaps_1311(a: Option<Time>, b: Option<&Interval>, c: Option<Time>, d: Option<Time>) -> Option<bool> = overlap(a, time_end(a, b)?, c, d);

    in_range_date_interval(v: Date, b: Date, o: &Interval, sub: bool, less: bool) -> bool = {
        let (v, b) = (arith::date_to_timestamp(v.0)?, arith::date_to_timestamp(b.0)?);
        in_range(v, b, o, less, |b, o| if sub { arith::timestamp_sub_interval(b, o) } else { arith::timestamp_add(b, o) })?
    };
    in_range_timestamp_interval(v: Ts, b: Ts, o: &Interval, sub: bool, less: bool) -> bool =
        in_range(v.0, b.0, o, less, |b, o| if sub { arith::timestamp_sub_interval(b, o) } else { arith::timestamp_add(b, o) })?;
    in_range_timestamptz_interval[cx](v: Ts, b: Ts, o: &Interval, sub: bool, less: bool) -> bool = {
        let zone = &cx.io.time_zone;
        in_range(v.0, b.0, o, less, |b, o| {
            if sub { arith::timestamptz_sub_interval(b, o, zone) } else { arith::timestamptz_add(b, o, zone) }
        })?
    };
    in_range_time_interval(v: Time, b: Time, o: &Interval, sub: bool, less: bool) -> bool =
        in_range(v.0, b.0, o, less, |b, o| Ok(if sub { b - o.micros } else { b.saturating_add(o.micros) }))?;
    in_range_timetz_interval(v: TimeTz, b: TimeTz, o: &Interval, sub: bool, less: bool) -> bool = {
        let bound = TimeTz(if sub { b.0 - o.micros } else { b.0.saturating_add(o.micros) }, b.1);
        non_negative(o)?;
        let order = compare_timetz(v, bound);
        if less { order.is_le() } else { order.is_ge() }
    };
    in_range_interval_interval(v: &Interval, b: &Interval, o: &Interval, sub: bool, less: bool) -> bool = {
        non_negative(o)?;
        let bound = if sub { interval::sub(b, o)? } else { interval::add(b, o)? };
        let order = interval::compare(v, &bound);
        if less { order.is_le() } else { order.is_ge() }
    };
}

order!(|a: Date, b: Date| a.cmp(&b), Date, Date; date_eq, date_ne, date_lt, date_le, date_gt, date_ge, date_cmp);
order!(|a: Time, b: Time| a.cmp(&b), Time, Time; time_eq, time_ne, time_lt, time_le, time_gt, time_ge, time_cmp);
order!(compare_timetz, TimeTz, TimeTz; timetz_eq, timetz_ne, timetz_lt, timetz_le, timetz_gt, timetz_ge, timetz_cmp);
order!(|a: Ts, b: Ts| a.cmp(&b), Ts, Ts; timestamp_eq, timestamp_ne, timestamp_lt, timestamp_le, timestamp_gt, timestamp_ge, timestamp_cmp);
order!(interval::compare, &Interval, &Interval; interval_eq, interval_ne, interval_lt, interval_le, interval_gt, interval_ge, interval_cmp);
order!(|a: Date, b: Ts| date_micros(a).cmp(&i128::from(b.0)), Date, Ts; date_eq_timestamp, date_ne_timestamp, date_lt_timestamp, date_le_timestamp, date_gt_timestamp, date_ge_timestamp, date_cmp_timestamp);
order!(|a: Ts, b: Date| i128::from(a.0).cmp(&date_micros(b)), Ts, Date; timestamp_eq_date, timestamp_ne_date, timestamp_lt_date, timestamp_le_date, timestamp_gt_date, timestamp_ge_date, timestamp_cmp_date);
larger!(|a: Date, b: Date| a.cmp(&b), Date; date_larger, date_smaller);
larger!(|a: Time, b: Time| a.cmp(&b), Time; time_larger, time_smaller);
larger!(compare_timetz, TimeTz; timetz_larger, timetz_smaller);
larger!(|a: Ts, b: Ts| a.cmp(&b), Ts; timestamp_larger, timestamp_smaller);
larger!(interval::compare, &Interval; interval_larger, interval_smaller);

/// Comparisons that need the session's zone: one side is a timestamptz, the other a date or timestamp.
macro_rules! order_zoned {
    ($convert:ident, $a:ty, $b:ty; $eq:ident, $ne:ident, $lt:ident, $le:ident, $gt:ident, $ge:ident, $cmp:ident) => {
        scalar! {
            $eq[cx](a: $a, b: $b) -> bool = $convert(cx, a)?.cmp(&$convert(cx, b)?).is_eq();
            $ne[cx](a: $a, b: $b) -> bool = $convert(cx, a)?.cmp(&$convert(cx, b)?).is_ne();
            $lt[cx](a: $a, b: $b) -> bool = $convert(cx, a)?.cmp(&$convert(cx, b)?).is_lt();
            $le[cx](a: $a, b: $b) -> bool = $convert(cx, a)?.cmp(&$convert(cx, b)?).is_le();
            $gt[cx](a: $a, b: $b) -> bool = $convert(cx, a)?.cmp(&$convert(cx, b)?).is_gt();
            $ge[cx](a: $a, b: $b) -> bool = $convert(cx, a)?.cmp(&$convert(cx, b)?).is_ge();
            $cmp[cx](a: $a, b: $b) -> i32 = $convert(cx, a)?.cmp(&$convert(cx, b)?) as i32;
        }
    };
}
order_zoned!(instant, &Datum, &Datum; date_eq_timestamptz, date_ne_timestamptz, date_lt_timestamptz, date_le_timestamptz, date_gt_timestamptz, date_ge_timestamptz, date_cmp_timestamptz);
order_zoned!(instant, &Datum, &Datum; timestamptz_eq_date, timestamptz_ne_date, timestamptz_lt_date, timestamptz_le_date, timestamptz_gt_date, timestamptz_ge_date, timestamptz_cmp_date);
order_zoned!(instant, &Datum, &Datum; timestamp_eq_timestamptz, timestamp_ne_timestamptz, timestamp_lt_timestamptz, timestamp_le_timestamptz, timestamp_gt_timestamptz, timestamp_ge_timestamptz, timestamp_cmp_timestamptz);
order_zoned!(instant, &Datum, &Datum; timestamptz_eq_timestamp, timestamptz_ne_timestamp, timestamptz_lt_timestamp, timestamptz_le_timestamp, timestamptz_gt_timestamp, timestamptz_ge_timestamp, timestamptz_cmp_timestamp);

/// The instant that a date, timestamp or timestamptz means in the session's zone; infinities and out-of-range dates keep their
/// place in the order.
fn instant(cx: &EvalCx<'_>, value: &Datum) -> Result<i128> {
    match value {
        Datum::TimestampTz(ts) => Ok((*ts).into()),
        Datum::Timestamp(ts) => {
            Ok(arith::timestamp_to_timestamptz(*ts, &cx.io.time_zone).map_or((*ts).into(), i128::from))
        }
        Datum::Date(d) => Ok(arith::date_to_timestamptz(*d, &cx.io.time_zone)
            .map_or_else(|_| date_micros(Date(*d)), i128::from)),
        _ => Err(SqlError::internal("comparison of a value that is no date or timestamp")),
    }
}

/// Microseconds of a date's midnight; wide enough for dates that no timestamp reaches.
fn date_micros(d: Date) -> i128 {
    match d.0 {
        i32::MAX => i64::MAX.into(),
        i32::MIN => i64::MIN.into(),
        days => i128::from(days) * i128::from(USECS_PER_DAY),
    }
}

fn compare_timetz(a: TimeTz, b: TimeTz) -> Ordering {
    let utc = |t: TimeTz| t.0 + i64::from(t.1) * USECS_PER_SEC;
    utc(a).cmp(&utc(b)).then(a.1.cmp(&b.1))
}

fn date_timetz(a: Date, t: TimeTz) -> Result<i64> {
    let local = arith::date_time_to_timestamp(a.0, t.0)?;
    if local == i64::MAX || local == i64::MIN {
        return Ok(local);
    }
    Ok(local + i64::from(t.1) * USECS_PER_SEC)
}

/// The date of the transaction's start in the session's zone.
pub(super) fn today(cx: &EvalCx<'_>) -> Result<i32> {
    arith::timestamptz_to_date(cx.host.transaction_time(), &cx.io.time_zone)
}

fn part(value: Option<Numeric>) -> Result<Option<f64>> {
    value.map(|v| v.to_f64()).transpose()
}

fn finite(a: &Interval) -> bool {
    !matches!((a.months, a.days, a.micros), (i32::MAX, i32::MAX, i64::MAX) | (i32::MIN, i32::MIN, i64::MIN))
}

/// The zone at a fixed distance east of Greenwich that an interval means.
fn interval_zone(zone: &Interval) -> Result<Zone> {
    if !finite(zone) || zone.months != 0 || zone.days != 0 {
        let mut text = Vec::new();
        interval::write(zone, &crate::types::IoContext::default(), &mut text);
        return Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "interval time zone \"{}\" {}",
            String::from_utf8_lossy(&text),
            if finite(zone) { "must not include months or days" } else { "must be finite" }
        ));
    }
    Zone::fixed((zone.micros / USECS_PER_SEC) as i32)
}

fn is_finite(ts: i64) -> bool {
    ts != i64::MAX && ts != i64::MIN
}

/// The same instant of the day in the zone `west` seconds west of Greenwich.
fn moved(t: TimeTz, west: i32) -> TimeTz {
    let micros = t.0 + i64::from(t.1 - west) * USECS_PER_SEC;
    TimeTz(micros.rem_euclid(USECS_PER_DAY), west)
}

/// `(a, b) OVERLAPS (c, d)`, three-valued; each pair may be in either order or half open by a NULL.
fn overlap<T: Copy + Ord>(a: Option<T>, b: Option<T>, c: Option<T>, d: Option<T>) -> Option<bool> {
    let ordered = |x: Option<T>, y: Option<T>| match (x, y) {
        (None, y) => y.map(|start| (start, None)),
        (Some(x), Some(y)) => Some((x.min(y), Some(x.max(y)))),
        (Some(x), None) => Some((x, None)),
    };
    let (start1, end1) = ordered(a, b)?;
    let (start2, end2) = ordered(c, d)?;
    let later = |start: T, own_end: Option<T>, other_end: Option<T>| {
        if start < other_end? {
            return Some(true);
        }
        own_end.map(|_| false)
    };
    match start1.cmp(&start2) {
        Ordering::Greater => later(start1, end1, end2),
        Ordering::Less => later(start2, end2, end1),
        Ordering::Equal => {
            end1?;
            end2?;
            Some(true)
        }
    }
}

fn ts_end(start: Option<Ts>, length: Option<&Interval>) -> Result<Option<Ts>> {
    start.zip(length).map(|(ts, iv)| arith::timestamp_add(ts.0, iv).map(Ts)).transpose()
}

fn tz_end(cx: &EvalCx<'_>, start: Option<Ts>, length: Option<&Interval>) -> Result<Option<Ts>> {
    start.zip(length).map(|(ts, iv)| arith::timestamptz_add(ts.0, iv, &cx.io.time_zone).map(Ts)).transpose()
}

fn time_end(start: Option<Time>, length: Option<&Interval>) -> Result<Option<Time>> {
    start.zip(length).map(|(t, iv)| arith::time_add(t.0, iv).map(Time)).transpose()
}

fn non_negative(offset: &Interval) -> Result<()> {
    let zero = Interval { months: 0, days: 0, micros: 0 };
    if interval::compare(offset, &zero).is_lt() {
        return Err(sql_err!(
            INVALID_PRECEDING_OR_FOLLOWING_SIZE,
            "invalid preceding or following size in window function"
        ));
    }
    Ok(())
}

/// Whether `value` is within `base` +- `offset` (RANGE frames).
fn in_range(
    value: i64,
    base: i64,
    offset: &Interval,
    less: bool,
    bound: impl Fn(i64, &Interval) -> Result<i64>,
) -> Result<bool> {
    non_negative(offset)?;
    let bound = bound(base, offset)?;
    Ok(if less { value <= bound } else { value >= bound })
}

/// `Sat Nov 23 09:06:07.000000 2024 UTC`
fn time_of_day(now: i64, zone: &Zone) -> String {
    let civil = Civil::of(now + i64::from(zone.offset_at(now)) * USECS_PER_SEC);
    let weekday = DAYS[day_of_week(to_julian(civil.year, civil.month, civil.day)) as usize];
    format!(
        "{} {} {:02} {:02}:{:02}:{:02}.{:06} {} {}",
        &weekday[..3],
        &MONTHS[civil.month as usize - 1][..3],
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
        civil.micros,
        civil.year,
        zone.abbreviation_at(now)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_is_three_valued() {
        assert_eq!(overlap(Some(1), Some(3), Some(2), Some(4)), Some(true));
        assert_eq!(overlap(Some(1), Some(2), Some(2), Some(3)), Some(false));
        assert_eq!(overlap(Some(3), Some(1), Some(2), Some(2)), Some(true));
        assert_eq!(overlap(Some(1), None, Some(2), Some(3)), None);
        assert_eq!(overlap(None::<i32>, None, Some(2), Some(3)), None);
        assert_eq!(overlap(Some(2), Some(2), Some(2), Some(2)), Some(true));
    }

    #[test]
    fn dates_beyond_timestamps_keep_their_order() {
        assert!(date_micros(Date(i32::MAX - 1)) > i64::MAX.into());
        assert_eq!(date_micros(Date(i32::MAX)), i64::MAX.into());
    }

    #[test]
    fn zones_move_times() {
        let TimeTz(t, west) = moved(TimeTz(0, 0), -3600);
        assert_eq!((t, west), (3600 * USECS_PER_SEC, -3600));
    }
}
