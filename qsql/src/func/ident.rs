//! `oid` and the reg* types, `xid`, `xid8`, `cid`, `tid`.

use super::args::{Id, Tid, larger, order, scalar};
use crate::types::oid::REGCLASS;
use crate::types::{Datum, io_text};

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
