//! `real` and `double precision`: IEEE arithmetic with PostgreSQL's overflow and domain errors, mathematics.
//!
//! NaN is equal to itself and greater than every number.

use std::cmp::Ordering;
use std::f64::consts::{PI, TAU};

use super::args::{larger, order, scalar};
use super::int::zero_division;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::{Datum, Numeric};

#[cold]
pub(super) fn overflow() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

#[cold]
fn underflow() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

#[cold]
fn domain() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

/// Order of `double precision`, NaN last.
#[inline(always)]
pub(super) fn compare8(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Order of `real`, NaN last.
#[inline(always)]
pub(super) fn compare4(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Arithmetic of one width: an infinite result of finite operands is an overflow, a zero one of nonzero factors an underflow.
macro_rules! arithmetic {
    ($ty:ty, $add:ident, $sub:ident, $mul:ident, $div:ident) => {
        #[inline(always)]
        pub(super) fn $add(a: $ty, b: $ty) -> Result<$ty> {
            let r = a + b;
            if r.is_infinite() && a.is_finite() && b.is_finite() { Err(overflow()) } else { Ok(r) }
        }

        #[inline(always)]
        pub(super) fn $sub(a: $ty, b: $ty) -> Result<$ty> {
            let r = a - b;
            if r.is_infinite() && a.is_finite() && b.is_finite() { Err(overflow()) } else { Ok(r) }
        }

        #[inline(always)]
        pub(super) fn $mul(a: $ty, b: $ty) -> Result<$ty> {
            let r = a * b;
            if r.is_infinite() && a.is_finite() && b.is_finite() {
                return Err(overflow());
            }
            if r == 0.0 && a != 0.0 && b != 0.0 { Err(underflow()) } else { Ok(r) }
        }

        #[inline(always)]
        pub(super) fn $div(a: $ty, b: $ty) -> Result<$ty> {
            if b == 0.0 && !a.is_nan() {
                return Err(zero_division());
            }
            let r = a / b;
            if r.is_infinite() && a.is_finite() {
                return Err(overflow());
            }
            if r == 0.0 && a != 0.0 && b.is_finite() { Err(underflow()) } else { Ok(r) }
        }
    };
}
arithmetic!(f64, add8, sub8, mul8, div8);
arithmetic!(f32, add4, sub4, mul4, div4);

/// Rounds to an integer type, half to even, failing outside `[low, high)`.
macro_rules! to_int {
    ($name:ident, $ty:ty, $low:expr, $high:expr, $what:literal) => {
        fn $name(v: f64) -> Result<$ty> {
            let r = v.round_ties_even();
            if ($low..$high).contains(&r) {
                Ok(r as $ty)
            } else {
                Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, $what))
            }
        }
    };
}
to_int!(to_i16, i16, -32_768.0, 32_768.0, "smallint out of range");
to_int!(to_i32, i32, -2_147_483_648.0, 2_147_483_648.0, "integer out of range");
to_int!(to_i64, i64, -9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0, "bigint out of range");

scalar! {
    float4pl(a: f32, b: f32) -> f32 = add4(a, b)?;
    float4mi(a: f32, b: f32) -> f32 = sub4(a, b)?;
    float4mul(a: f32, b: f32) -> f32 = mul4(a, b)?;
    float4div(a: f32, b: f32) -> f32 = div4(a, b)?;
    float8pl(a: f64, b: f64) -> f64 = add8(a, b)?;
    float8mi(a: f64, b: f64) -> f64 = sub8(a, b)?;
    float8mul(a: f64, b: f64) -> f64 = mul8(a, b)?;
    float8div(a: f64, b: f64) -> f64 = div8(a, b)?;
    float48pl(a: f32, b: f64) -> f64 = add8(a.into(), b)?;
    float48mi(a: f32, b: f64) -> f64 = sub8(a.into(), b)?;
    float48mul(a: f32, b: f64) -> f64 = mul8(a.into(), b)?;
    float48div(a: f32, b: f64) -> f64 = div8(a.into(), b)?;
    float84pl(a: f64, b: f32) -> f64 = add8(a, b.into())?;
    float84mi(a: f64, b: f32) -> f64 = sub8(a, b.into())?;
    float84mul(a: f64, b: f32) -> f64 = mul8(a, b.into())?;
    float84div(a: f64, b: f32) -> f64 = div8(a, b.into())?;
    float4um(a: f32) -> f32 = -a;
    float8um(a: f64) -> f64 = -a;
    float4up(a: f32) -> f32 = a;
    float8up(a: f64) -> f64 = a;
    float4abs(a: f32) -> f32 = a.abs();
    float8abs(a: f64) -> f64 = a.abs();

    ftod(a: f32) -> f64 = a.into();
    dtof(a: f64) -> f32 = {
        let r = a as f32;
        if r.is_infinite() && a.is_finite() {
            return Err(overflow());
        }
        if r == 0.0 && a != 0.0 {
            return Err(underflow());
        }
        r
    };
    i2tof(a: i16) -> f32 = a.into();
    i4tof(a: i32) -> f32 = a as f32;
    i8tof(a: i64) -> f32 = a as f32;
    i2tod(a: i16) -> f64 = a.into();
    i4tod(a: i32) -> f64 = a.into();
    i8tod(a: i64) -> f64 = a as f64;
    ftoi2(a: f32) -> i16 = to_i16(a.into())?;
    ftoi4(a: f32) -> i32 = to_i32(a.into())?;
    ftoi8(a: f32) -> i64 = to_i64(a.into())?;
    dtoi2(a: f64) -> i16 = to_i16(a)?;
    dtoi4(a: f64) -> i32 = to_i32(a)?;
    dtoi8(a: f64) -> i64 = to_i64(a)?;
    float4_numeric(a: f32) -> Numeric = Numeric::from_f32(a);
    float8_numeric(a: f64) -> Numeric = Numeric::from_f64(a);

    dround(a: f64) -> f64 = a.round_ties_even();
    dtrunc(a: f64) -> f64 = a.trunc();
    dceil(a: f64) -> f64 = a.ceil();
    dfloor(a: f64) -> f64 = a.floor();
    dsign(a: f64) -> f64 = if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else { 0.0 };
    dsqrt(a: f64) -> f64 = {
        if a < 0.0 {
            return Err(sql_err!(INVALID_ARGUMENT_FOR_POWER, "cannot take square root of a negative number"));
        }
        a.sqrt()
    };
    dcbrt(a: f64) -> f64 = a.cbrt();
    dpow(a: f64, b: f64) -> f64 = power(a, b)?;
    dexp(a: f64) -> f64 = {
        let r = a.exp();
        if r.is_infinite() && a.is_finite() {
            return Err(overflow());
        }
        if r == 0.0 && a.is_finite() {
            return Err(underflow());
        }
        r
    };
    dlog1(a: f64) -> f64 = log_argument(a)?.ln();
    dlog10(a: f64) -> f64 = log_argument(a)?.log10();

    dsin(a: f64) -> f64 = finite(a)?.sin();
    dcos(a: f64) -> f64 = finite(a)?.cos();
    dtan(a: f64) -> f64 = finite(a)?.tan();
    dcot(a: f64) -> f64 = 1.0 / finite(a)?.tan();
    dasin(a: f64) -> f64 = unit(a)?.asin();
    dacos(a: f64) -> f64 = unit(a)?.acos();
    datan(a: f64) -> f64 = a.atan();
    datan2(a: f64, b: f64) -> f64 = a.atan2(b);
    dsinh(a: f64) -> f64 = a.sinh();
    dcosh(a: f64) -> f64 = a.cosh();
    dtanh(a: f64) -> f64 = a.tanh();
    dasinh(a: f64) -> f64 = libm::asinh(a);
    dacosh(a: f64) -> f64 = {
        if a < 1.0 {
            return Err(domain());
        }
        libm::acosh(a)
    };
    datanh(a: f64) -> f64 = if a == 1.0 {
        f64::INFINITY
    } else if a == -1.0 {
        f64::NEG_INFINITY
    } else {
        libm::atanh(unit(a)?)
    };
    degrees(a: f64) -> f64 = div8(a, PI / 180.0)?;
    radians(a: f64) -> f64 = a * (PI / 180.0);
    dpi() -> f64 = PI;

    dsind(a: f64) -> f64 = sind(finite(a)?);
    dcosd(a: f64) -> f64 = cosd(finite(a)?);
    dtand(a: f64) -> f64 = tand(finite(a)?);
    dcotd(a: f64) -> f64 = cotd(finite(a)?);
    dasind(a: f64) -> f64 = if a >= 0.0 || a.is_nan() { asind_q1(unit(a)?) } else { -asind_q1(-unit(a)?) };
    dacosd(a: f64) -> f64 = if a >= 0.0 || a.is_nan() { acosd_q1(unit(a)?) } else { 90.0 + asind_q1(-unit(a)?) };
    datand(a: f64) -> f64 = (a.atan() / 1.0_f64.atan()) * 45.0;
    datan2d(a: f64, b: f64) -> f64 = (a.atan2(b) / 1.0_f64.atan()) * 45.0;

    derf(a: f64) -> f64 = libm::erf(a);
    derfc(a: f64) -> f64 = libm::erfc(a);
    dgamma(a: f64) -> f64 = {
        if a == f64::NEG_INFINITY || (a < 0.0 && a.fract() == 0.0) || a == 0.0 && a.is_sign_negative() {
            return Err(overflow());
        }
        let r = libm::tgamma(a);
        if r.is_infinite() && a.is_finite() {
            return Err(overflow());
        }
        if r == 0.0 {
            return Err(underflow());
        }
        r
    };
    dlgamma(a: f64) -> f64 = {
        let r = libm::lgamma(a);
        if r.is_infinite() && a.is_finite() {
            return Err(overflow());
        }
        r
    };

    drandom[cx]() -> f64 = uniform(cx);
    drandom_normal[cx](mean: f64, deviation: f64) -> f64 = {
        let u1 = 1.0 - uniform(cx);
        let u2 = 1.0 - uniform(cx);
        deviation * ((-2.0 * u1.ln()).sqrt() * (TAU * u2).sin()) + mean
    };
    setseed[cx](seed: f64) -> Datum = {
        if seed.is_nan() || !(-1.0..=1.0).contains(&seed) {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "setseed parameter {seed} is out of allowed range [-1,1]"));
        }
        cx.host.seed(seed);
        Datum::text("")
    };

    width_bucket_float8(v: f64, low: f64, high: f64, count: i32) -> i32 = width_bucket(v, low, high, count)?;
    in_range_float8_float8(v: f64, b: f64, o: f64, sub: bool, less: bool) -> bool = in_range(v, b, o, sub, less)?;
    in_range_float4_float8(v: f32, b: f32, o: f64, sub: bool, less: bool) -> bool = in_range(v.into(), b.into(), o, sub, less)?;
}

order!(compare4, f32, f32; float4eq, float4ne, float4lt, float4le, float4gt, float4ge, btfloat4cmp);
order!(compare8, f64, f64; float8eq, float8ne, float8lt, float8le, float8gt, float8ge, btfloat8cmp);
order!(|a: f32, b: f64| compare8(a.into(), b), f32, f64; float48eq, float48ne, float48lt, float48le, float48gt, float48ge, btfloat48cmp);
order!(|a: f64, b: f32| compare8(a, b.into()), f64, f32; float84eq, float84ne, float84lt, float84le, float84gt, float84ge, btfloat84cmp);
larger!(compare4, f32; float4larger, float4smaller);
larger!(compare8, f64; float8larger, float8smaller);

/// `[0, 1)` with 52 random bits.
pub(super) fn uniform(cx: &mut super::EvalCx<'_>) -> f64 {
    (cx.host.random() >> 12) as f64 * (1.0 / (1_u64 << 52) as f64)
}

/// `a ^ b` with PostgreSQL's special cases.
fn power(a: f64, b: f64) -> Result<f64> {
    if a.is_nan() || b.is_nan() {
        return Ok(if a == 1.0 || b == 0.0 { 1.0 } else { f64::NAN });
    }
    if a == 0.0 && b < 0.0 {
        return Err(sql_err!(INVALID_ARGUMENT_FOR_POWER, "zero raised to a negative power is undefined"));
    }
    if a < 0.0 && b.is_finite() && b.floor() != b {
        return Err(sql_err!(
            INVALID_ARGUMENT_FOR_POWER,
            "a negative number raised to a non-integer power yields a complex result"
        ));
    }
    let r = a.powf(b);
    if a.is_finite() && b.is_finite() {
        if r.is_infinite() {
            return Err(overflow());
        }
        if r == 0.0 && a != 0.0 {
            return Err(underflow());
        }
    }
    Ok(r)
}

fn log_argument(a: f64) -> Result<f64> {
    if a == 0.0 {
        return Err(sql_err!(INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero"));
    }
    if a < 0.0 {
        return Err(sql_err!(INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number"));
    }
    Ok(a)
}

fn finite(a: f64) -> Result<f64> {
    if a.is_infinite() { Err(domain()) } else { Ok(a) }
}

fn unit(a: f64) -> Result<f64> {
    if a.is_nan() || (-1.0..=1.0).contains(&a) { Ok(a) } else { Err(domain()) }
}

/// Sine of 0 to 90 degrees, exact at 0, 30 and 90.
fn sind_q1(x: f64) -> f64 {
    if x <= 30.0 {
        ((x * (PI / 180.0)).sin() / (30.0 * (PI / 180.0)).sin()) / 2.0
    } else {
        cosd_0_to_60(90.0 - x)
    }
}

/// Cosine of 0 to 90 degrees, exact at 0, 60 and 90.
fn cosd_q1(x: f64) -> f64 {
    if x <= 60.0 {
        cosd_0_to_60(x)
    } else {
        (((90.0 - x) * (PI / 180.0)).sin() / (30.0 * (PI / 180.0)).sin()) / 2.0
    }
}

fn cosd_0_to_60(x: f64) -> f64 {
    let one_minus_cos_60 = 1.0 - (60.0 * (PI / 180.0)).cos();
    let one_minus_cos_x = 1.0 - (x * (PI / 180.0)).cos();
    1.0 - (one_minus_cos_x / one_minus_cos_60) / 2.0
}

fn sind(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let mut x = x % 360.0;
    let mut sign = 1.0;
    if x < 0.0 {
        x = -x;
        sign = -sign;
    }
    if x > 180.0 {
        x = 360.0 - x;
        sign = -sign;
    }
    if x > 90.0 {
        x = 180.0 - x;
    }
    sign * sind_q1(x)
}

fn cosd(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let mut x = (x % 360.0).abs();
    let mut sign = 1.0;
    if x > 180.0 {
        x = 360.0 - x;
    }
    if x > 90.0 {
        x = 180.0 - x;
        sign = -sign;
    }
    sign * cosd_q1(x)
}

/// Reduces an angle to the first quadrant for tangent and cotangent; returns it and the sign.
fn quadrant(x: f64) -> (f64, f64) {
    let mut x = x % 360.0;
    let mut sign = 1.0;
    if x < 0.0 {
        x = -x;
        sign = -sign;
    }
    if x > 180.0 {
        x = 360.0 - x;
        sign = -sign;
    }
    if x > 90.0 {
        x = 180.0 - x;
        sign = -sign;
    }
    (x, sign)
}

fn tand(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let (x, sign) = quadrant(x);
    let r = sign * ((sind_q1(x) / cosd_q1(x)) / (sind_q1(45.0) / cosd_q1(45.0)));
    if r == 0.0 { 0.0 } else { r }
}

fn cotd(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let (x, sign) = quadrant(x);
    let r = sign * ((cosd_q1(x) / sind_q1(x)) / (cosd_q1(45.0) / sind_q1(45.0)));
    if r == 0.0 { 0.0 } else { r }
}

/// Inverse sine in degrees of 0..1, exact at 0, 0.5 and 1.
fn asind_q1(x: f64) -> f64 {
    if x <= 0.5 { (x.asin() / 0.5_f64.asin()) * 30.0 } else { 90.0 - (x.acos() / 0.5_f64.acos()) * 60.0 }
}

fn acosd_q1(x: f64) -> f64 {
    if x <= 0.5 { 90.0 - (x.asin() / 0.5_f64.asin()) * 30.0 } else { (x.acos() / 0.5_f64.acos()) * 60.0 }
}

/// The bucket of `v` among `count` of equal width between `low` and `high`; 0 and `count + 1` are outside.
fn width_bucket(v: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    let fail = |what: &str| Err(sql_err!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "{what}"));
    if count <= 0 {
        return fail("count must be greater than zero");
    }
    if low.is_nan() || high.is_nan() {
        return fail("lower and upper bounds cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        return fail("lower and upper bounds must be finite");
    }
    if low == high {
        return fail("lower bound cannot equal upper bound");
    }
    let beyond =
        || count.checked_add(1).ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"));
    let (from, to, v) = if low < high { (low, high, v) } else { (-low, -high, -v) };
    if v < from {
        return Ok(0);
    }
    if v >= to || v.is_nan() {
        return beyond();
    }
    let width = to - from;
    let bucket = if width.is_infinite() {
        ((v / 2.0 - from / 2.0) / (to / 2.0 - from / 2.0) * f64::from(count)) as i32
    } else {
        ((v - from) / width * f64::from(count)) as i32
    };
    Ok(bucket.min(count - 1) + 1)
}

/// Whether `value` is within `base` +- `offset` (RANGE frames).
fn in_range(value: f64, base: f64, offset: f64, sub: bool, less: bool) -> Result<bool> {
    if offset.is_nan() || offset < 0.0 {
        return Err(sql_err!(
            INVALID_PRECEDING_OR_FOLLOWING_SIZE,
            "invalid preceding or following size in window function"
        ));
    }
    if value.is_nan() || base.is_nan() {
        return Ok(if value.is_nan() { base.is_nan() || !less } else { less });
    }
    if offset.is_infinite() && base.is_infinite() && (base > 0.0) == sub {
        return Ok(true);
    }
    let bound = if sub { base - offset } else { base + offset };
    Ok(if less { value <= bound } else { value >= bound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_exact_at_the_nice_angles() {
        assert_eq!(sind(30.0), 0.5);
        assert_eq!(cosd(60.0), 0.5);
        assert_eq!(tand(45.0), 1.0);
        assert_eq!(cotd(45.0), 1.0);
        assert_eq!(sind(180.0), 0.0);
        assert_eq!(asind_q1(0.5), 30.0);
    }

    #[test]
    fn rounding_is_half_to_even() {
        assert_eq!(to_i32(2.5).ok(), Some(2));
        assert_eq!(to_i32(3.5).ok(), Some(4));
        assert!(to_i32(2_147_483_647.5).is_err());
        assert!(to_i64(f64::NAN).is_err());
    }

    #[test]
    fn overflow_underflow_and_zero() {
        assert!(mul8(1e308, 10.0).is_err());
        assert!(mul8(1e-200, 1e-200).is_err());
        assert!(div8(1.0, 0.0).is_err());
        assert!(div8(f64::NAN, 0.0).is_ok_and(f64::is_nan));
        assert!(add8(f64::INFINITY, 1.0).is_ok());
    }
}
