//! Every line of `testdata/io.txt` is an input with what PostgreSQL 18 printed, sent or refused; and no input may panic.

use super::*;
use super::{info, io_binary, io_text};
use crate::error::Result;

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('p') => '|',
                other => other.unwrap_or('\\'),
            },
            (c, false) => c,
        });
    }
    out
}

fn answer(kind: &str, of: DataType, input: &str) -> Result<String> {
    let cx = IoContext::default();
    let value = io_text::parse_text(of.oid, of.typmod, input, &cx)?;
    if kind == "text" {
        return io_text::to_text(&value, of.oid, &cx);
    }
    let mut bytes = Vec::new();
    io_binary::send_binary(&value, of.oid, &mut bytes)?;
    let back = io_binary::recv_binary(of.oid, of.typmod, &bytes)?;
    assert_eq!(io_text::to_text(&back, of.oid, &cx)?, io_text::to_text(&value, of.oid, &cx)?);
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[test]
fn input_and_output_agree_with_postgresql() {
    let mut wrong = Vec::new();
    for line in include_str!("testdata/io.txt").lines().skip(1) {
        let mut fields = line.splitn(4, '|');
        let mut next = || fields.next().unwrap();
        let (kind, type_name, input, want) = (next(), next(), unescape(next()), next());
        let of = info::parse_type(type_name).unwrap().unwrap();
        let got = answer(kind, of, &input).unwrap_or_else(|e| {
            let detail = e.0.detail.as_ref().map(|d| format!(" DETAIL {d}")).unwrap_or_default();
            format!("!{} {}{detail}", e.code().as_str(), e.message())
        });
        if got.replace('\n', "\\n") != want {
            wrong.push(format!("{kind} {type_name} [{input}] = {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Types whose readers have a grammar of their own.
const READ: [Oid; 25] = [
    oid::BOOL,
    oid::INT4,
    oid::OID,
    oid::FLOAT8,
    oid::NUMERIC,
    oid::DATE,
    oid::TIME,
    oid::TIMETZ,
    oid::TIMESTAMP,
    oid::TIMESTAMPTZ,
    oid::INTERVAL,
    oid::UUID,
    oid::TID,
    oid::BYTEA,
    oid::BIT,
    oid::VARBIT,
    oid::INET,
    oid::CIDR,
    oid::MACADDR,
    oid::MACADDR8,
    oid::MONEY,
    oid::INT2VECTOR,
    oid::OIDVECTOR,
    1007,
    1009,
];

proptest::proptest! {
    /// Whatever is read or refused, nothing panics, and what is printed reads back as an equal value.
    #[test]
    fn no_text_panics(
        which in 0..READ.len(),
        text in proptest::prop_oneof![
            "[0-9:./+ TtPJZe-]{0,24}",
            "-?[0-9]{1,20}([-:./ ][0-9]{1,12}){0,5}( ?(BC|AD|am|pm|ago|days?|mons?|years?|h|us|EST|MSK|[+-][0-9:]{1,8})){0,3}",
            "P?(-?[0-9.]{1,22}[YMWDTHS:-]?){1,6}",
            "\\PC{0,12}",
            "[\\[\\]{}\",:=0-9a\\\\ ]{0,16}",
        ],
    ) {
        let cx = IoContext {
            time_zone: datetime::zone::Zone::find("America/New_York").unwrap(),
            ..IoContext::default()
        };
        if let Ok(value) = io_text::parse_text(READ[which], -1, &text, &cx) {
            let printed = io_text::to_text(&value, READ[which], &cx).unwrap();
            let back = io_text::parse_text(READ[which], -1, &printed, &cx).unwrap();
            proptest::prop_assert!(compare::compare(&back, &value, READ[which]).is_eq(), "{text} {printed}");
        }
    }

    #[test]
    fn no_bytes_panic(which in 0..READ.len(), bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
        let cx = IoContext::default();
        if let Ok(value) = io_binary::recv_binary(READ[which], -1, &bytes) {
            io_text::to_text(&value, READ[which], &cx).unwrap();
        }
        let _ = keycode::decode(&bytes, READ[which], false, false);
    }

    #[test]
    fn no_arithmetic_panics(a: i64, b: i64, months: i32, days: i32, micros: i64, factor: f64) {
        use datetime::{arith, extract, interval, trunc, zone::Zone};
        let zone = Zone::find("America/New_York").unwrap();
        let clamp = |v: i64| v % datetime::TIMESTAMP_END.min(-datetime::TIMESTAMP_MIN);
        let (a, b) = (clamp(a), clamp(b));
        let iv = Interval { months, days, micros };
        let _ = arith::timestamptz_add(a, &iv, &zone);
        let _ = arith::timestamp_sub_interval(a, &iv);
        let _ = (arith::timestamp_sub(a, b), arith::timestamptz_age(a, b, &zone));
        let _ = (interval::mul(&iv, factor), interval::div(&iv, factor), interval::justify_interval(&iv));
        let _ = (arith::time_add(a.rem_euclid(datetime::USECS_PER_DAY), &iv), interval::neg(&iv));
        for field in ["week", "millennium", "julian", "epoch", "quarter", "hour", "decade"] {
            let _ = (extract::timestamptz(field, a, &zone), extract::interval(field, &iv));
            let _ = (trunc::timestamptz(field, a, &zone), trunc::interval(field, &iv));
        }
        let _ = trunc::date_bin(&iv, a, b);
        let _ = datetime::make::make_interval(months, days, months, days, months, days, factor);
        let _ = (datetime::make::to_timestamp(factor), datetime::make::make_timestamp(months, 2, 29, 1, 2, 3.5));
    }
}
