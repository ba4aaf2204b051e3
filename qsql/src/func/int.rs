//! `smallint`, `integer` and `bigint`: arithmetic with PostgreSQL's range errors, comparison across widths, bits, bases.

use super::args::{Char, Id, larger, order, scalar};
use super::hash::hash_u32;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::{Datum, Numeric};

#[cold]
fn small_range() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range")
}

#[cold]
fn int_range() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
}

#[cold]
fn big_range() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")
}

#[cold]
pub(super) fn zero_division() -> SqlError {
    sql_err!(DIVISION_BY_ZERO, "division by zero")
}

/// `a / b`, `a % b` of one width.
macro_rules! divide {
    ($name:ident, $ty:ty, $range:ident) => {
        #[inline(always)]
        fn $name(a: $ty, b: $ty) -> Result<$ty, SqlError> {
            match a.checked_div(b) {
                Some(v) => Ok(v),
                None if b == 0 => Err(zero_division()),
                None => Err($range()),
            }
        }
    };
}
divide!(div2, i16, small_range);
divide!(div4, i32, int_range);
divide!(div8, i64, big_range);

macro_rules! remainder {
    ($name:ident, $ty:ty) => {
        #[inline(always)]
        fn $name(a: $ty, b: $ty) -> Result<$ty, SqlError> {
            if b == 0 { Err(zero_division()) } else { Ok(a.wrapping_rem(b)) }
        }
    };
}
remainder!(rem2, i16);
remainder!(rem4, i32);
remainder!(rem8, i64);

fn counted(count: i64, by: i64) -> Result<i64> {
    count.checked_add(by).ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))
}

fn sum(total: Option<i64>, v: Option<i64>) -> Result<Option<i64>> {
    match (total, v) {
        (Some(total), Some(v)) => counted(total, v).map(Some),
        (total, v) => Ok(total.or(v)),
    }
}

scalar! {
    int2_sum(total: Option<i64>, v: Option<i16>) -> Option<i64> = sum(total, v.map(i64::from))?;
    int4_sum(total: Option<i64>, v: Option<i32>) -> Option<i64> = sum(total, v.map(i64::from))?;
    int8_sum(total: Option<&Numeric>, v: Option<i64>) -> Option<Numeric> = match (total, v.map(Numeric::from_i64)) {
        (Some(total), Some(v)) => Some(total.add(&v)?),
        (total, v) => total.cloned().or(v),
    };
    int8inc_any(count: i64, _v: &Datum) -> i64 = counted(count, 1)?;
    int8dec_any(count: i64, _v: &Datum) -> i64 = counted(count, -1)?;
    int8inc_float8_float8(count: i64, _y: f64, _x: f64) -> i64 = counted(count, 1)?;
    int2pl(a: i16, b: i16) -> i16 = a.checked_add(b).ok_or_else(small_range)?;
    int2mi(a: i16, b: i16) -> i16 = a.checked_sub(b).ok_or_else(small_range)?;
    int2mul(a: i16, b: i16) -> i16 = a.checked_mul(b).ok_or_else(small_range)?;
    int2div(a: i16, b: i16) -> i16 = div2(a, b)?;
    int2mod(a: i16, b: i16) -> i16 = rem2(a, b)?;
    int4pl(a: i32, b: i32) -> i32 = a.checked_add(b).ok_or_else(int_range)?;
    int4mi(a: i32, b: i32) -> i32 = a.checked_sub(b).ok_or_else(int_range)?;
    int4mul(a: i32, b: i32) -> i32 = a.checked_mul(b).ok_or_else(int_range)?;
    int4div(a: i32, b: i32) -> i32 = div4(a, b)?;
    int4mod(a: i32, b: i32) -> i32 = rem4(a, b)?;
    int8pl(a: i64, b: i64) -> i64 = a.checked_add(b).ok_or_else(big_range)?;
    int8mi(a: i64, b: i64) -> i64 = a.checked_sub(b).ok_or_else(big_range)?;
    int8mul(a: i64, b: i64) -> i64 = a.checked_mul(b).ok_or_else(big_range)?;
    int8div(a: i64, b: i64) -> i64 = div8(a, b)?;
    int8mod(a: i64, b: i64) -> i64 = rem8(a, b)?;

    int24pl(a: i16, b: i32) -> i32 = i32::from(a).checked_add(b).ok_or_else(int_range)?;
    int24mi(a: i16, b: i32) -> i32 = i32::from(a).checked_sub(b).ok_or_else(int_range)?;
    int24mul(a: i16, b: i32) -> i32 = i32::from(a).checked_mul(b).ok_or_else(int_range)?;
    int24div(a: i16, b: i32) -> i32 = div4(a.into(), b)?;
    int42pl(a: i32, b: i16) -> i32 = a.checked_add(b.into()).ok_or_else(int_range)?;
    int42mi(a: i32, b: i16) -> i32 = a.checked_sub(b.into()).ok_or_else(int_range)?;
    int42mul(a: i32, b: i16) -> i32 = a.checked_mul(b.into()).ok_or_else(int_range)?;
    int42div(a: i32, b: i16) -> i32 = div4(a, b.into())?;
    int28pl(a: i16, b: i64) -> i64 = i64::from(a).checked_add(b).ok_or_else(big_range)?;
    int28mi(a: i16, b: i64) -> i64 = i64::from(a).checked_sub(b).ok_or_else(big_range)?;
    int28mul(a: i16, b: i64) -> i64 = i64::from(a).checked_mul(b).ok_or_else(big_range)?;
    int28div(a: i16, b: i64) -> i64 = div8(a.into(), b)?;
    int82pl(a: i64, b: i16) -> i64 = a.checked_add(b.into()).ok_or_else(big_range)?;
    int82mi(a: i64, b: i16) -> i64 = a.checked_sub(b.into()).ok_or_else(big_range)?;
    int82mul(a: i64, b: i16) -> i64 = a.checked_mul(b.into()).ok_or_else(big_range)?;
    int82div(a: i64, b: i16) -> i64 = div8(a, b.into())?;
    int48pl(a: i32, b: i64) -> i64 = i64::from(a).checked_add(b).ok_or_else(big_range)?;
    int48mi(a: i32, b: i64) -> i64 = i64::from(a).checked_sub(b).ok_or_else(big_range)?;
    int48mul(a: i32, b: i64) -> i64 = i64::from(a).checked_mul(b).ok_or_else(big_range)?;
    int48div(a: i32, b: i64) -> i64 = div8(a.into(), b)?;
    int84pl(a: i64, b: i32) -> i64 = a.checked_add(b.into()).ok_or_else(big_range)?;
    int84mi(a: i64, b: i32) -> i64 = a.checked_sub(b.into()).ok_or_else(big_range)?;
    int84mul(a: i64, b: i32) -> i64 = a.checked_mul(b.into()).ok_or_else(big_range)?;
    int84div(a: i64, b: i32) -> i64 = div8(a, b.into())?;

    int2um(a: i16) -> i16 = a.checked_neg().ok_or_else(small_range)?;
    int4um(a: i32) -> i32 = a.checked_neg().ok_or_else(int_range)?;
    int8um(a: i64) -> i64 = a.checked_neg().ok_or_else(big_range)?;
    int2up(a: i16) -> i16 = a;
    int4up(a: i32) -> i32 = a;
    int8up(a: i64) -> i64 = a;
    int2abs(a: i16) -> i16 = a.checked_abs().ok_or_else(small_range)?;
    int4abs(a: i32) -> i32 = a.checked_abs().ok_or_else(int_range)?;
    int8abs(a: i64) -> i64 = a.checked_abs().ok_or_else(big_range)?;
    int4inc(a: i32) -> i32 = a.checked_add(1).ok_or_else(int_range)?;
    int8inc(a: i64) -> i64 = a.checked_add(1).ok_or_else(big_range)?;
    int8dec(a: i64) -> i64 = a.checked_sub(1).ok_or_else(big_range)?;

    int2and(a: i16, b: i16) -> i16 = a & b;
    int2or(a: i16, b: i16) -> i16 = a | b;
    int2xor(a: i16, b: i16) -> i16 = a ^ b;
    int2not(a: i16) -> i16 = !a;
    int2shl(a: i16, n: i32) -> i16 = i32::from(a).wrapping_shl(n as u32) as i16;
    int2shr(a: i16, n: i32) -> i16 = i32::from(a).wrapping_shr(n as u32) as i16;
    int4and(a: i32, b: i32) -> i32 = a & b;
    int4or(a: i32, b: i32) -> i32 = a | b;
    int4xor(a: i32, b: i32) -> i32 = a ^ b;
    int4not(a: i32) -> i32 = !a;
    int4shl(a: i32, n: i32) -> i32 = a.wrapping_shl(n as u32);
    int4shr(a: i32, n: i32) -> i32 = a.wrapping_shr(n as u32);
    int8and(a: i64, b: i64) -> i64 = a & b;
    int8or(a: i64, b: i64) -> i64 = a | b;
    int8xor(a: i64, b: i64) -> i64 = a ^ b;
    int8not(a: i64) -> i64 = !a;
    int8shl(a: i64, n: i32) -> i64 = a.wrapping_shl(n as u32);
    int8shr(a: i64, n: i32) -> i64 = a.wrapping_shr(n as u32);

    int4gcd(a: i32, b: i32) -> i32 = i32::try_from(gcd(a.into(), b.into())).map_err(|_| int_range())?;
    int8gcd(a: i64, b: i64) -> i64 = i64::try_from(gcd(a, b)).map_err(|_| big_range())?;
    int4lcm(a: i32, b: i32) -> i32 = lcm(a.into(), b.into()).and_then(|v| i32::try_from(v).ok()).ok_or_else(int_range)?;
    int8lcm(a: i64, b: i64) -> i64 = lcm(a, b).and_then(|v| i64::try_from(v).ok()).ok_or_else(big_range)?;

    i2toi4(a: i16) -> i32 = a.into();
    i4toi2(a: i32) -> i16 = i16::try_from(a).map_err(|_| small_range())?;
    int28(a: i16) -> i64 = a.into();
    int48(a: i32) -> i64 = a.into();
    int82(a: i64) -> i16 = i16::try_from(a).map_err(|_| small_range())?;
    int84(a: i64) -> i32 = i32::try_from(a).map_err(|_| int_range())?;
    i8tooid(a: i64) -> Id = Id(u32::try_from(a).map_err(|_| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range"))?);
    oidtoi8(a: Id) -> i64 = a.0.into();
    int4_bool(a: i32) -> bool = a != 0;
    bool_int4(a: bool) -> i32 = a.into();
    chartoi4(a: Char) -> i32 = (a.0 as i8).into();
    i4tochar(a: i32) -> Char =
        Char(i8::try_from(a).map_err(|_| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range"))? as u8);
    int2_numeric(a: i16) -> Numeric = Numeric::from_i64(a.into());
    int4_numeric(a: i32) -> Numeric = Numeric::from_i64(a.into());
    int8_numeric(a: i64) -> Numeric = Numeric::from_i64(a);

    to_hex32(a: i32) -> String = format!("{a:x}");
    to_hex64(a: i64) -> String = format!("{a:x}");
    to_oct32(a: i32) -> String = format!("{a:o}");
    to_oct64(a: i64) -> String = format!("{a:o}");
    to_bin32(a: i32) -> String = format!("{a:b}");
    to_bin64(a: i64) -> String = format!("{a:b}");

    int2_bytea(a: i16) -> Vec<u8> = big_endian(a.into(), 2);
    int4_bytea(a: i32) -> Vec<u8> = big_endian(a.into(), 4);
    int8_bytea(a: i64) -> Vec<u8> = big_endian(a, 8);

    int4random[cx](low: i32, high: i32) -> i32 = random_between(cx, low.into(), high.into())? as i32;
    int8random[cx](low: i64, high: i64) -> i64 = random_between(cx, low, high)?;

    hashint2(a: i16) -> i32 = hash_u32(a as i32 as u32);
    hashint4(a: i32) -> i32 = hash_u32(a as u32);
    hashint8(a: i64) -> i32 = {
        let high = (a >> 32) as u32;
        hash_u32(a as u32 ^ if a >= 0 { high } else { !high })
    };

    in_range_int2_int2(v: i16, b: i16, o: i16, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o.into(), sub, less)?;
    in_range_int2_int4(v: i16, b: i16, o: i32, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o.into(), sub, less)?;
    in_range_int2_int8(v: i16, b: i16, o: i64, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o, sub, less)?;
    in_range_int4_int2(v: i32, b: i32, o: i16, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o.into(), sub, less)?;
    in_range_int4_int4(v: i32, b: i32, o: i32, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o.into(), sub, less)?;
    in_range_int4_int8(v: i32, b: i32, o: i64, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o, sub, less)?;
    in_range_int8_int8(v: i64, b: i64, o: i64, sub: bool, less: bool) -> bool = in_range(v, b, o, sub, less)?;
}

order!(|a: i16, b: i16| a.cmp(&b), i16, i16; int2eq, int2ne, int2lt, int2le, int2gt, int2ge, btint2cmp);
order!(|a: i32, b: i32| a.cmp(&b), i32, i32; int4eq, int4ne, int4lt, int4le, int4gt, int4ge, btint4cmp);
order!(|a: i64, b: i64| a.cmp(&b), i64, i64; int8eq, int8ne, int8lt, int8le, int8gt, int8ge, btint8cmp);
order!(|a: i16, b: i32| i32::from(a).cmp(&b), i16, i32; int24eq, int24ne, int24lt, int24le, int24gt, int24ge, btint24cmp);
order!(|a: i32, b: i16| a.cmp(&b.into()), i32, i16; int42eq, int42ne, int42lt, int42le, int42gt, int42ge, btint42cmp);
order!(|a: i16, b: i64| i64::from(a).cmp(&b), i16, i64; int28eq, int28ne, int28lt, int28le, int28gt, int28ge, btint28cmp);
order!(|a: i64, b: i16| a.cmp(&b.into()), i64, i16; int82eq, int82ne, int82lt, int82le, int82gt, int82ge, btint82cmp);
order!(|a: i32, b: i64| i64::from(a).cmp(&b), i32, i64; int48eq, int48ne, int48lt, int48le, int48gt, int48ge, btint48cmp);
order!(|a: i64, b: i32| a.cmp(&b.into()), i64, i32; int84eq, int84ne, int84lt, int84le, int84gt, int84ge, btint84cmp);
larger!(|a: i16, b: i16| a.cmp(&b), i16; int2larger, int2smaller);
larger!(|a: i32, b: i32| a.cmp(&b), i32; int4larger, int4smaller);
larger!(|a: i64, b: i64| a.cmp(&b), i64; int8larger, int8smaller);

fn gcd(a: i64, b: i64) -> u64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn lcm(a: i64, b: i64) -> Option<u64> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    (a.unsigned_abs() / gcd(a, b)).checked_mul(b.unsigned_abs())
}

/// The low `width` bytes, most significant first.
fn big_endian(value: i64, width: u32) -> Vec<u8> {
    (0..width).rev().map(|i| (value >> (8 * i)) as u8).collect()
}

/// A uniform number of `low..=high`.
fn random_between(cx: &mut super::EvalCx<'_>, low: i64, high: i64) -> Result<i64, SqlError> {
    if low > high {
        return Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "lower bound must be less than or equal to upper bound"
        ));
    }
    Ok(low.wrapping_add(random_below(cx, high.wrapping_sub(low) as u64) as i64))
}

/// A uniform number of `0..=most`: draws of as many bits as it has, until one fits.
pub(super) fn random_below(cx: &mut super::EvalCx<'_>, most: u64) -> u64 {
    if most == 0 {
        return 0;
    }
    loop {
        let draw = cx.host.random() >> most.leading_zeros();
        if draw <= most {
            return draw;
        }
    }
}

/// Whether `value` is within `base` +- `offset` (RANGE frames).
fn in_range(value: i64, base: i64, offset: i64, sub: bool, less: bool) -> Result<bool, SqlError> {
    if offset < 0 {
        return Err(sql_err!(
            INVALID_PRECEDING_OR_FOLLOWING_SIZE,
            "invalid preceding or following size in window function"
        ));
    }
    let bound = i128::from(base) + if sub { -i128::from(offset) } else { i128::from(offset) };
    let value = i128::from(value);
    Ok(if less { value <= bound } else { value >= bound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greatest_common_divisor_of_extremes() {
        assert_eq!(gcd(i64::MIN, 0), 1 << 63);
        assert_eq!(gcd(12, -18), 6);
        assert_eq!(lcm(4, 6), Some(12));
        assert_eq!(lcm(i64::MAX, i64::MAX - 1), None);
    }

    #[test]
    fn frame_bounds_do_not_overflow() {
        assert_eq!(in_range(5, i64::MAX, 10, false, true).ok(), Some(true));
        assert!(in_range(5, 1, -1, false, true).is_err());
    }
}
