//! `oid` and the reg* types, `xid`, `xid8`, `cid`, `tid`, `pg_lsn`.

use super::args::{Id, Tid, larger, order, scalar};
use crate::error::Result;
use crate::sql_err;
use crate::types::oid::REGCLASS;
use crate::types::{Datum, Numeric, io_text};

scalar! {
    xideq(a: Id, b: &Datum) -> bool = i64::from(a.0) == whole(b);
    xidneq(a: Id, b: &Datum) -> bool = i64::from(a.0) != whole(b);
    int4_oid(a: i32) -> Id = Id(a as u32);
    oid_int4(a: Id) -> i32 = a.0 as i32;
    cideq(a: Id, b: Id) -> bool = a == b;
    xid8toxid(a: &Datum) -> Id = Id(whole(a) as u32);
    text_regclass[cx](a: &str) -> Datum = io_text::parse_text(REGCLASS, -1, a, cx.io)?;
}

/// An identifier of 32 or 64 bits, or an integer compared with one.
fn whole(d: &Datum) -> i64 {
    match d {
        Datum::Oid(v) => (*v).into(),
        Datum::Int4(v) => (*v as u32).into(),
        Datum::Int8(v) => *v,
        _ => -1,
    }
}

order!(|a: Id, b: Id| a.cmp(&b), Id, Id; oideq, oidne, oidlt, oidle, oidgt, oidge, btoidcmp);
order!(|a: Tid, b: Tid| a.cmp(&b), Tid, Tid; tideq, tidne, tidlt, tidle, tidgt, tidge, bttidcmp);
order!(|a: &Datum, b: &Datum| (whole(a) as u64).cmp(&(whole(b) as u64)), &Datum, &Datum; xid8eq, xid8ne, xid8lt, xid8le, xid8gt, xid8ge, xid8cmp);
larger!(|a: Id, b: Id| a.cmp(&b), Id; oidlarger, oidsmaller);
larger!(|a: Tid, b: Tid| a.cmp(&b), Tid; tidlarger, tidsmaller);
larger!(|a: &Datum, b: &Datum| (whole(a) as u64).cmp(&(whole(b) as u64)), &Datum; xid8_larger, xid8_smaller);

scalar! {
    pg_lsn_mi(a: i64, b: i64) -> Numeric = wide(a).sub(&wide(b))?;
    pg_lsn_pli(a: i64, bytes: &Numeric) -> i64 = moved(a, bytes, true)?;
    pg_lsn_mii(a: i64, bytes: &Numeric) -> i64 = moved(a, bytes, false)?;
}

/// A position in the log as a number.
fn wide(lsn: i64) -> Numeric {
    Numeric::from_i128(i128::from(lsn as u64))
}

/// A position some bytes further on, or back.
fn moved(lsn: i64, bytes: &Numeric, on: bool) -> Result<i64> {
    let (verb, word) = if on { ("add", "to") } else { ("subtract", "from") };
    if bytes.is_nan() {
        return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot {verb} NaN {word} pg_lsn"));
    }
    let at = if on { wide(lsn).add(bytes)? } else { wide(lsn).sub(bytes)? };
    let mut digits = Vec::new();
    at.round(0)?.write(&mut digits);
    let at = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse::<u64>().ok());
    at.map(|at| at as i64).ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "pg_lsn out of range"))
}
