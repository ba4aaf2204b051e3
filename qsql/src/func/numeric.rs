//! `numeric`.

use super::EvalCx;
use super::args::{larger, order, scalar};
use crate::error::Result;
use crate::sql_err;
use crate::types::Numeric;

scalar! {
    numeric_add(a: &Numeric, b: &Numeric) -> Numeric = a.add(b)?;
    numeric_sub(a: &Numeric, b: &Numeric) -> Numeric = a.sub(b)?;
    numeric_mul(a: &Numeric, b: &Numeric) -> Numeric = a.mul(b)?;
    numeric_div(a: &Numeric, b: &Numeric) -> Numeric = a.div(b)?;
    numeric_div_trunc(a: &Numeric, b: &Numeric) -> Numeric = a.div_trunc(b)?;
    numeric_mod(a: &Numeric, b: &Numeric) -> Numeric = a.rem(b)?;
    numeric_uminus(a: &Numeric) -> Numeric = a.neg();
    numeric_uplus(a: &Numeric) -> Numeric = a.clone();
    numeric_abs(a: &Numeric) -> Numeric = a.abs();
    numeric_sign(a: &Numeric) -> Numeric = a.sign();
    numeric_inc(a: &Numeric) -> Numeric = a.add(&Numeric::from_i64(1))?;
    numeric_round(a: &Numeric, digits: i32) -> Numeric = a.round(digits)?;
    round_1708(a: &Numeric) -> Numeric = a.round(0)?;
    numeric_trunc(a: &Numeric, digits: i32) -> Numeric = a.trunc(digits)?;
    trunc_1710(a: &Numeric) -> Numeric = a.trunc(0)?;
    numeric_ceil(a: &Numeric) -> Numeric = a.ceil();
    numeric_floor(a: &Numeric) -> Numeric = a.floor();
    numeric_sqrt(a: &Numeric) -> Numeric = a.sqrt()?;
    numeric_exp(a: &Numeric) -> Numeric = a.exp()?;
    numeric_ln(a: &Numeric) -> Numeric = a.ln()?;
    numeric_log(base: &Numeric, a: &Numeric) -> Numeric = a.log(base)?;
    log_1741(a: &Numeric) -> Numeric = a.log(&Numeric::from_i64(10))?;
    log10_1481(a: &Numeric) -> Numeric = a.log(&Numeric::from_i64(10))?;
    numeric_power(a: &Numeric, b: &Numeric) -> Numeric = a.power(b)?;
    numeric_gcd(a: &Numeric, b: &Numeric) -> Numeric = a.gcd(b)?;
    numeric_lcm(a: &Numeric, b: &Numeric) -> Numeric = a.lcm(b)?;
    numeric_fac(n: i64) -> Numeric = Numeric::factorial(n)?;
    numeric_scale(a: &Numeric) -> Option<i32> = a.scale();
    numeric_min_scale(a: &Numeric) -> Option<i32> = a.min_scale();
    numeric_trim_scale(a: &Numeric) -> Numeric = a.trim_scale();
    width_bucket_numeric(v: &Numeric, low: &Numeric, high: &Numeric, count: i32) -> i32 = v.width_bucket(low, high, count)?;

    numeric(a: &Numeric, typmod: i32) -> Numeric = a.clone().apply_typmod(typmod)?;
    numeric_int2(a: &Numeric) -> i16 = a.to_i16()?;
    numeric_int4(a: &Numeric) -> i32 = a.to_i32()?;
    numeric_int8(a: &Numeric) -> i64 = a.to_i64()?;
    numeric_float4(a: &Numeric) -> f32 = a.to_f32()?;
    numeric_float8(a: &Numeric) -> f64 = a.to_f64()?;

    numeric_random[cx](low: &Numeric, high: &Numeric) -> Numeric = random_between(cx, low, high)?;
    in_range_numeric_numeric(v: &Numeric, base: &Numeric, offset: &Numeric, sub: bool, less: bool) -> bool =
        in_range(v, base, offset, sub, less)?;
}

order!(|a: &Numeric, b: &Numeric| a.cmp(b), &Numeric, &Numeric; numeric_eq, numeric_ne, numeric_lt, numeric_le, numeric_gt, numeric_ge, numeric_cmp);
larger!(|a: &Numeric, b: &Numeric| a.cmp(b), &Numeric; numeric_larger, numeric_smaller);

/// A uniform number of `low..=high` with the larger scale of the two.
fn random_between(cx: &mut EvalCx<'_>, low: &Numeric, high: &Numeric) -> Result<Numeric> {
    for (bound, name) in [(low, "lower"), (high, "upper")] {
        if bound.is_nan() {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "{name} bound cannot be NaN"));
        }
        if bound.scale().is_none() {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "{name} bound cannot be infinity"));
        }
    }
    if low > high {
        return Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "lower bound must be less than or equal to upper bound"
        ));
    }
    let scale = low.scale().unwrap_or(0).max(high.scale().unwrap_or(0));
    let span = high.sub(low)?;
    if span.is_zero() {
        return low.round(scale);
    }
    // Digits to base 10000 as PostgreSQL draws them, so that a seed gives the same numbers.
    let mut wire = Vec::new();
    span.send(&mut wire);
    let fields: Vec<u16> = wire.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let (weight, digits) = (fields[1], &fields[4..]);
    let behind = (scale.max(0) as usize).div_ceil(4);
    let wanted = (i64::from(weight as i16) + 1 + behind as i64).max(1) as usize;
    let last_unit = 10_u64.pow((behind * 4 - scale.max(0) as usize) as u32);
    let mut top = 0;
    let leading = wanted.min(4);
    for i in 0..leading {
        top = top * 10_000 + digits.get(i).copied().map_or(0, u64::from);
    }
    let whole = if last_unit == 1 { wanted } else { wanted - 1 };
    loop {
        let mut drawn = Vec::with_capacity(wanted);
        let draw = if leading == wanted {
            super::int::random_below(cx, top / last_unit) * last_unit
        } else {
            super::int::random_below(cx, top)
        };
        drawn.extend((0..leading).rev().map(|i| (draw / 10_000_u64.pow(i as u32) % 10_000) as u16));
        while drawn.len() + 3 < whole {
            let draw = super::int::random_below(cx, 9_999_999_999_999_999);
            drawn.extend((0..4).map(|i| (draw / 10_000_u64.pow(i) % 10_000) as u16));
        }
        while drawn.len() < whole {
            drawn.push(super::int::random_below(cx, 9999) as u16);
        }
        if drawn.len() < wanted {
            drawn.push((super::int::random_below(cx, 10_000 / last_unit - 1) * last_unit) as u16);
        }
        let header = [wanted as u16, weight, 0, scale as u16];
        let bytes: Vec<u8> = header.into_iter().chain(drawn).flat_map(u16::to_be_bytes).collect();
        let value = Numeric::recv(&bytes)?;
        if value <= span {
            return low.add(&value)?.round(scale);
        }
    }
}

/// Whether `value` is within `base` +- `offset` (RANGE frames).
fn in_range(value: &Numeric, base: &Numeric, offset: &Numeric, sub: bool, less: bool) -> Result<bool> {
    if offset.is_nan() || *offset < Numeric::from_i64(0) {
        return Err(sql_err!(
            INVALID_PRECEDING_OR_FOLLOWING_SIZE,
            "invalid preceding or following size in window function"
        ));
    }
    if value.is_nan() || base.is_nan() {
        return Ok(if value.is_nan() { base.is_nan() || !less } else { less });
    }
    let bound = if sub { base.sub(offset)? } else { base.add(offset)? };
    if bound.is_nan() {
        return Ok(true);
    }
    Ok(if less { *value <= bound } else { *value >= bound })
}
