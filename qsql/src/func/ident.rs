//! `oid` and the reg* types, `xid`, `xid8`, `cid`, `tid`, `pg_lsn`.

use super::args::{Id, Tid, arg, larger, order, scalar};
use super::set::given;
use super::{EvalCx, SetRows};
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
    numeric_pl_pg_lsn(bytes: &Numeric, a: i64) -> i64 = moved(a, bytes, true)?;
    numeric_pg_lsn(a: &Numeric) -> i64 = position(a)?;
    pg_walfile_name(a: i64) -> String = segment_name(a as u64);
    btequalimage(_of: Id) -> bool = true;
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
    position(&if on { wide(lsn).add(bytes)? } else { wide(lsn).sub(bytes)? })
}

/// The position that a number means.
fn position(number: &Numeric) -> Result<i64> {
    if !number.is_finite() {
        let name = if number.is_nan() { "NaN" } else { "infinity" };
        return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot convert {name} to pg_lsn"));
    }
    let mut digits = Vec::new();
    number.round(0)?.write(&mut digits);
    let at = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse::<u64>().ok());
    at.map(|at| at as i64).ok_or_else(|| sql_err!(INVALID_PARAMETER_VALUE, "pg_lsn out of range"))
}

/// Bytes of a segment, as PostgreSQL names segments of the log.
const SEGMENT: u64 = 16 << 20;
/// Segments of one number in the middle of a name.
const SEGMENTS_PER_ID: u64 = (1 << 32) / SEGMENT;

fn segment_name(at: u64) -> String {
    let segment = at / SEGMENT;
    format!("{:08X}{:08X}{:08X}", 1, segment / SEGMENTS_PER_ID, segment % SEGMENTS_PER_ID)
}

/// `pg_walfile_name_offset`
pub(super) fn pg_walfile_name_offset(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let at = arg::<i64>(args, 0)? as u64;
    Ok(given(vec![vec![Datum::text(segment_name(at)), Datum::Int4((at % SEGMENT) as i32)]]))
}

/// `pg_split_walfile_name`
pub(super) fn pg_split_walfile_name(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let name: &str = arg(args, 0)?;
    let part = |range: std::ops::Range<usize>| {
        name.get(range)
            .filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|p| u64::from_str_radix(p, 16).ok())
    };
    let parts = (name.len() == 24).then(|| Some((part(0..8)?, part(8..16)?, part(16..24)?))).flatten();
    let Some((timeline, high, low)) = parts else {
        return Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid WAL file name \"{name}\""));
    };
    let number = Numeric::from_i128(i128::from(high * SEGMENTS_PER_ID + low));
    Ok(given(vec![vec![Datum::Numeric(number), Datum::Int8(timeline as i64)]]))
}

/// The byte of a name at a 0-based place: names are 64 bytes long, filled up with zeros.
pub(super) fn name_element(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let (name, at): (&str, i32) = (arg(args, 0)?, arg(args, 1)?);
    Ok(match usize::try_from(at) {
        Ok(at) if at < 64 => Datum::Char(name.as_bytes().get(at).copied().unwrap_or(0)),
        _ => Datum::Null,
    })
}
