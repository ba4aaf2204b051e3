//! Every line of `testdata/datetime.txt` is an operation with what PostgreSQL 18 answered to it under the settings above it.

use super::zone::Zone;
use super::*;
use crate::error::Result;
use crate::types::io::{DateOrder, DateStyle, IntervalStyle};
use crate::types::{Interval, IoContext, Numeric, info};

fn settings(line: &str) -> IoContext<'static> {
    let mut parts = line.split(';');
    let (dates, zone, intervals) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let (style, order) = dates.split_once(", ").unwrap();
    IoContext {
        date_style: match style {
            "iso" => DateStyle::Iso,
            "sql" => DateStyle::Sql,
            "postgres" => DateStyle::Postgres,
            _ => DateStyle::German,
        },
        date_order: match order {
            "mdy" => DateOrder::Mdy,
            "dmy" => DateOrder::Dmy,
            _ => DateOrder::Ymd,
        },
        interval_style: match intervals {
            "postgres" => IntervalStyle::Postgres,
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            "sql_standard" => IntervalStyle::SqlStandard,
            _ => IntervalStyle::Iso8601,
        },
        time_zone: Zone::find_setting(zone).unwrap(),
        ..IoContext::default()
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn number(n: Option<Numeric>) -> String {
    n.map_or("NULL".to_owned(), |n| n.to_string())
}

fn ints(text: &str) -> Vec<i32> {
    text.split(' ').map(|n| n.parse::<f64>().unwrap() as i32).collect()
}

fn answer(op: &str, args: &[&str], cx: &IoContext<'_>) -> Result<String> {
    let ts = |s: &str| timestamp::parse(s, -1, cx);
    let tz = |s: &str| timestamp::parse_tz(s, -1, cx);
    let iv = |s: &str| interval::parse(s, -1, cx);
    let show_date = |v: i32| text(|out| date::write(v, cx, out));
    let show_ts = |v: i64| text(|out| timestamp::write(v, cx, out));
    let show_tz = |v: i64| text(|out| timestamp::write_tz(v, cx, out));
    let show_time = |v: i64| text(|out| time::write(v, out));
    let show_iv = |v: Interval| text(|out| interval::write(&v, cx, out));
    let zone = &cx.time_zone;
    let a = args[0];
    let b = args.get(1).copied().unwrap_or("");
    Ok(match op {
        "date" => show_date(date::parse(a, cx)?),
        "timestamp" => show_ts(timestamp::parse(a, -1, cx)?),
        "timestamptz" => show_tz(timestamp::parse_tz(a, -1, cx)?),
        "time" => show_time(time::parse(a, -1, cx)?),
        "timetz" => {
            let (t, z) = time::parse_tz(a, -1, cx)?;
            text(|out| time::write_tz(t, z, out))
        }
        "interval" => show_iv(interval::parse(a, -1, cx)?),
        "timestamp_p" => show_ts(timestamp::parse(a, b.parse().unwrap(), cx)?),
        "interval_m" => {
            let (fields, precision) = b.split_once('(').unwrap_or((b, ""));
            let precision = precision.strip_suffix(')').map(|p| p.parse().unwrap());
            show_iv(interval::parse(a, info::interval_typmod(fields, precision)?, cx)?)
        }
        "ts+iv" => show_ts(arith::timestamp_add(ts(a)?, &iv(b)?)?),
        "ts-iv" => show_ts(arith::timestamp_sub_interval(ts(a)?, &iv(b)?)?),
        "tstz+iv" => show_tz(arith::timestamptz_add(tz(a)?, &iv(b)?, zone)?),
        "ts-ts" => show_iv(arith::timestamp_sub(ts(a)?, ts(b)?)?),
        "age" => show_iv(arith::timestamp_age(ts(a)?, ts(b)?)?),
        "agetz" => show_iv(arith::timestamptz_age(tz(a)?, tz(b)?, zone)?),
        "iv*" => show_iv(interval::mul(&iv(a)?, b.parse().unwrap())?),
        "iv/" => show_iv(interval::div(&iv(a)?, b.parse().unwrap())?),
        "iv+" => show_iv(interval::add(&iv(a)?, &iv(b)?)?),
        "iv-" => show_iv(interval::sub(&iv(a)?, &iv(b)?)?),
        "iv<" => (interval::compare(&iv(a)?, &iv(b)?) as i8).to_string(),
        "justify_hours" => show_iv(interval::justify_hours(&iv(a)?)?),
        "justify_days" => show_iv(interval::justify_days(&iv(a)?)?),
        "justify_interval" => show_iv(interval::justify_interval(&iv(a)?)?),
        "-" => show_iv(interval::neg(&iv(a)?)?),
        "extract_ts" => number(extract::timestamp(a, ts(b)?)?),
        "extract_tstz" => number(extract::timestamptz(a, tz(b)?, zone)?),
        "extract_date" => number(extract::date(a, date::parse(b, cx)?)?),
        "extract_iv" => number(extract::interval(a, &iv(b)?)?),
        "extract_time" => number(extract::time(a, time::parse(b, -1, cx)?)?),
        "extract_timetz" => {
            let (t, z) = time::parse_tz(b, -1, cx)?;
            number(extract::timetz(a, t, z)?)
        }
        "trunc_ts" => show_ts(trunc::timestamp(a, ts(b)?)?),
        "trunc_tstz" => show_tz(trunc::timestamptz(a, tz(b)?, zone)?),
        "trunc_iv" => show_iv(trunc::interval(a, &iv(b)?)?),
        "bin" => show_ts(trunc::date_bin(&iv(a)?, ts(b)?, ts(args[2])?)?),
        "make_date" => {
            let n = ints(a);
            show_date(make::make_date(n[0], n[1], n[2])?)
        }
        "make_time" => {
            let n = ints(a);
            show_time(make::make_time(n[0], n[1], a.rsplit(' ').next().unwrap().parse().unwrap())?)
        }
        "make_interval" => {
            let n = ints(a);
            let seconds = a.rsplit(' ').next().unwrap().parse().unwrap();
            show_iv(make::make_interval(n[0], n[1], n[2], n[3], n[4], n[5], seconds)?)
        }
        "to_timestamp" => show_tz(make::to_timestamp(a.parse().unwrap())?),
        "at_zone" => show_tz(arith::timestamp_to_timestamptz(ts(a)?, &Zone::find(b)?)?),
        "tz_at_zone" => show_ts(arith::timestamptz_to_timestamp(ts(a)?, &Zone::find(b)?)?),
        _ => panic!("unknown operation {op}"),
    })
}

#[test]
fn answers_agree_with_postgresql() {
    let mut cx = IoContext::default();
    let mut wrong = Vec::new();
    for line in include_str!("../testdata/datetime.txt").lines().skip(1) {
        if let Some(line) = line.strip_prefix("= ") {
            cx = settings(line);
            continue;
        }
        let fields: Vec<&str> = line.split('|').collect();
        let (op, args, want) = (fields[0], &fields[1..fields.len() - 1], fields[fields.len() - 1]);
        let got = answer(op, args, &cx).unwrap_or_else(|e| {
            let extra = [("DETAIL", &e.0.detail), ("HINT", &e.0.hint)];
            let extra = extra.iter().filter_map(|(n, v)| v.as_ref().map(|v| format!(" {n} {v}")));
            format!("!{} {}{}", e.code().as_str(), e.message(), extra.collect::<String>())
        });
        if got != want {
            wrong.push(format!("[{:?}] {op}({args:?}) = {got}, not {want}", cx.date_style));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}
