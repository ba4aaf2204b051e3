//! `bit` and `bit varying`.

use super::args::{order, scalar};
use crate::sql_err;
use crate::types::BitString;
use crate::types::bits::BitOperation;

order!(|a: &BitString, b: &BitString| a.cmp(b), &BitString, &BitString; biteq, bitne, bitlt, bitle, bitgt, bitge);

scalar! {
    bitcmp(a: &BitString, b: &BitString) -> i32 = {
        // As PostgreSQL, the difference of the first bytes that differ.
        let differing = a.bytes().iter().zip(b.bytes()).find(|(x, y)| x != y);
        differing.map_or(a.len().cmp(&b.len()) as i32, |(x, y)| i32::from(*x) - i32::from(*y))
    };
    bit_and(a: &BitString, b: &BitString) -> BitString = a.combine(b, BitOperation::And)?;
    bit_or(a: &BitString, b: &BitString) -> BitString = a.combine(b, BitOperation::Or)?;
    bitxor(a: &BitString, b: &BitString) -> BitString = a.combine(b, BitOperation::Xor)?;
    bitnot(a: &BitString) -> BitString = a.inverted();
    bitshiftleft(a: &BitString, by: i32) -> BitString = a.shifted_left(by.into());
    bitshiftright(a: &BitString, by: i32) -> BitString = a.shifted_left(-i64::from(by));
    bitcat[cx](a: &BitString, b: &BitString) -> BitString = {
        cx.reserve(a.stored().len() + b.stored().len())?;
        a.concat(b)?
    };
    bitsubstr(a: &BitString, from: i32, length: i32) -> BitString = a.substring(from, Some(length))?;
    bitsubstr_no_len(a: &BitString, from: i32) -> BitString = a.substring(from, None)?;
    bitoverlay(a: &BitString, new: &BitString, from: i32, length: i32) -> BitString = a.overlay(new, from, length)?;
    bitoverlay_no_len(a: &BitString, new: &BitString, from: i32) -> BitString =
        a.overlay(new, from, new.len() as i32)?;
    bitposition(a: &BitString, part: &BitString) -> i32 = a.position(part);
    bitlength(a: &BitString) -> i32 = a.len() as i32;
    bitoctetlength(a: &BitString) -> i32 = a.bytes().len() as i32;
    bit_bit_count(a: &BitString) -> i64 = a.count_ones();
    bitgetbit(a: &BitString, n: i32) -> i32 = a.get(n)?.into();
    bitsetbit(a: &BitString, n: i32, value: i32) -> BitString = a.with_bit(n, value)?;
    bit(a: &BitString, length: i32, explicit: bool) -> BitString = a.clone().fit_fixed(length, explicit)?;
    varbit(a: &BitString, length: i32, explicit: bool) -> BitString = a.clone().fit_varying(length, explicit)?;
    bitfromint4(a: i32, length: i32) -> BitString = BitString::from_integer(a.into(), length);
    bitfromint8(a: i64, length: i32) -> BitString = BitString::from_integer(a, length);
    bittoint4(a: &BitString) -> i32 = match a.to_integer(32) {
        Some(value) => value as u32 as i32,
        None => return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")),
    };
    bittoint8(a: &BitString) -> i64 = match a.to_integer(64) {
        Some(value) => value as i64,
        None => return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")),
    };
}
