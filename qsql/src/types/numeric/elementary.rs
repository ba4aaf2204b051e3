//! Square root, exponential, logarithm, power.
//!
//! All are computed in fixed point, as integers times `10^-w`, with enough guard digits that the last printed digit is right:
//!
//! - `exp x`: `x = k ln 10 + r`, `|r| < 1.2`; the Taylor series of `r / 2^j`, squared `j` times; then the point moves by `k`.
//! - `ln x`: `x = m * 10^k`, `m` near 1; Halley's iteration for `e^y = m` from the double `ln m`, which triples the digits in
//!   each step: `y + 2 (m - e^y) / (m + e^y)`; plus `k ln 10`.
//! - `ln 10 = 46 atanh(1/31) + 34 atanh(1/49) + 20 atanh(1/161)`.
//!
//! The number of digits asked for is PostgreSQL's: 16 significant ones at least, estimated from the arguments' leading digits.

use super::arith::{div_at, mul_big};
use super::*;
use std::f64::consts::LOG10_E;

/// Bound on |ln| of a result, beyond which it overflows or is zero: three times PostgreSQL's largest result scale.
const EXP_BOUND: f64 = 6000.0;
const GUARD_DIGITS: usize = 20;

/// A signed fixed-point number; the scale is known from the context.
#[derive(Clone)]
struct Fixed {
    negative: bool,
    magnitude: Mag,
}

impl Fixed {
    fn add(&self, other: &Fixed) -> Fixed {
        let big = |f: &Fixed| Big { negative: f.negative, magnitude: f.magnitude.clone(), scale: 0 };
        let Big { negative, magnitude, .. } = arith::add_big(&big(self), &big(other));
        Fixed { negative, magnitude }
    }
}

/// `atanh(1 / n)` times `10^w`; `n * n` fits a limb.
fn atanh_inverse(n: u32, w: usize) -> Mag {
    let mut term = Mag::pow10(w).div_small(n).0;
    let mut sum = term.clone();
    for odd in (3u32..).step_by(2) {
        term = term.div_small(n * n).0;
        if term.is_zero() {
            break;
        }
        sum.add_assign(&term.div_small(odd).0);
    }
    sum
}

/// `ln 10` times `10^w`; `w` is a multiple of the limb's digits.
fn ln_10(w: usize) -> Mag {
    /// Digits that nearly every result needs at most.
    const KEPT: usize = 8 * mag::LIMB_DIGITS;
    static LN_10: LazyLock<Mag> = LazyLock::new(|| ln_10_of(KEPT));
    if w <= KEPT { LN_10.div_pow10(KEPT - w) } else { ln_10_of(w) }
}

fn ln_10_of(w: usize) -> Mag {
    let mut sum = atanh_inverse(31, w).mul_small(46);
    sum.add_assign(&atanh_inverse(49, w).mul_small(34));
    sum.add_assign(&atanh_inverse(161, w).mul_small(20));
    sum
}

/// Moves the magnitude of `x` from its own scale to `10^-w`, multiplied by `10^shift`; excess digits are cut.
fn to_fixed(x: &Big, w: usize, shift: i64) -> Mag {
    let places = w as i64 - i64::from(x.scale) + shift;
    match places >= 0 {
        true => x.magnitude.mul_pow10(places as usize),
        false => x.magnitude.div_pow10(-places as usize),
    }
}

/// Natural logarithm of the positive `x`, rounded to `scale` digits.
fn ln_big(x: &Big, scale: u32) -> Big {
    let digits = x.magnitude.digit_count() as i64;
    // m = x / 10^k lies in [0.316, 3.16).
    let head = x.magnitude.leading(3) * 10u64.pow(3u32.saturating_sub(digits as u32));
    let k = digits - 1 - i64::from(x.scale) + i64::from(head >= 316);
    let w = (scale as usize + GUARD_DIGITS).next_multiple_of(mag::LIMB_DIGITS);
    let near_one = ln_fixed(&to_fixed(x, w, -k), w);
    let total = match k {
        0 => near_one,
        _ => near_one.add(&Fixed { negative: k < 0, magnitude: ln_10(w).mul_small(k.unsigned_abs() as u32) }),
    };
    Big { negative: total.negative, magnitude: total.magnitude, scale: w as u32 }.rescale(scale)
}

/// Logarithm of `m * 10^-w`, which lies in [0.3, 3.2), times `10^w`.
fn ln_fixed(m: &Mag, w: usize) -> Fixed {
    /// Digits that the double logarithm has right after the point.
    const START: usize = 14;
    // The digits wanted after each step, the last first: a step triples what is right.
    let mut steps = vec![w];
    while let Some(&digits) = steps.last()
        && digits > 3 * START
    {
        steps.push((digits / 3 + 4).next_multiple_of(mag::LIMB_DIGITS));
    }
    let head = m.div_pow10(w - w.min(18)).to_u128().unwrap_or(0) as f64 / 10f64.powi(w.min(18) as i32);
    let start = (head.ln() * 1e18) as i64;
    let mut y = Fixed { negative: start < 0, magnitude: Mag::from_u128(u128::from(start.unsigned_abs())) };
    let mut scale = 18;
    for digits in steps.into_iter().rev() {
        y.magnitude = match digits >= scale {
            true => y.magnitude.mul_pow10(digits - scale),
            false => y.magnitude.div_pow10(scale - digits),
        };
        scale = digits;
        let target = m.div_pow10(w - digits);
        let power = exp_fixed(&y, digits);
        let negative = target < power;
        let distance = if negative { power.sub(&target) } else { target.sub(&power) };
        let magnitude = distance.mul_small(2).mul_pow10(digits).div_rem(&target.add(&power)).0;
        y = y.add(&Fixed { negative, magnitude });
    }
    y
}

/// `e^r` for `|r| < 1.2`; both in units of `10^-w`, where `w` is a multiple of the limb's digits.
fn exp_fixed(r: &Fixed, w: usize) -> Mag {
    let limbs = w / mag::LIMB_DIGITS;
    let halvings = if w <= 63 { 6 } else { 16 };
    let step = r.magnitude.div_small(1 << halvings).0;
    let mut plus = Mag::pow10(w);
    let mut minus = Mag::zero();
    let mut term = plus.clone();
    for i in 1u32.. {
        term = term.mul_fixed(&step, limbs);
        term.div_assign_small(i);
        if term.is_zero() {
            break;
        }
        if r.negative && i % 2 == 1 { minus.add_assign(&term) } else { plus.add_assign(&term) }
    }
    let mut y = plus.sub(&minus);
    for _ in 0..halvings {
        y = y.mul_fixed(&y, limbs);
    }
    y
}

/// `e^x`, rounded to `scale` digits.
///
/// # Errors
/// 22003 when the result would have thousands of digits before the point.
fn exp_big(x: &Big, scale: u32) -> Result<Big> {
    let approximate = approximate(x);
    if approximate.abs() >= EXP_BOUND {
        if approximate > 0.0 {
            return Err(overflow());
        }
        return Ok(Big { negative: false, magnitude: Mag::zero(), scale });
    }
    let k = (approximate * LOG10_E).round() as i64;
    let w = (scale as usize + k.max(0) as usize + GUARD_DIGITS).next_multiple_of(mag::LIMB_DIGITS);
    let x = Fixed { negative: x.negative, magnitude: to_fixed(x, w, 0) };
    let r = match k {
        0 => x,
        _ => x.add(&Fixed { negative: k > 0, magnitude: ln_10(w).mul_small(k.unsigned_abs() as u32) }),
    };
    let y = exp_fixed(&r, w);
    let magnitude = y.div_pow10_round((w as i64 - k - i64::from(scale)) as usize);
    Ok(Big { negative: false, magnitude, scale })
}

/// The nearest double; infinite beyond its range.
fn approximate(x: &Big) -> f64 {
    let digits = x.magnitude.digit_count();
    let head = x.magnitude.leading(18);
    let exponent = digits.saturating_sub(18) as i64 - i64::from(x.scale);
    let size: f64 = format!("{head}e{exponent}").parse().unwrap_or(0.0);
    if x.negative { -size } else { size }
}

/// Estimates the decimal place of the first digit of `ln x`.
fn ln_weight(x: &Numeric) -> i32 {
    if x.signum() <= 0 {
        return 0;
    }
    let near_one = *x >= Numeric::from_parts(9, 1) && *x <= Numeric::from_parts(11, 1);
    if near_one {
        // ln(1 + d) is about d.
        return x.sub(&Numeric::ONE).ok().and_then(|d| d.exponent()).unwrap_or(0);
    }
    let (weight, _) = x.group_weight();
    let (head, last) =
        x.head((x.exponent().unwrap_or(0) - weight * GROUP_DIGITS + 1 + GROUP_DIGITS) as usize);
    let ln = (head as f64).ln() + f64::from(last) * std::f64::consts::LN_10;
    ln.abs().log10() as i32
}

/// The scale at which a result with its first digit at place `weight` has 16 significant digits.
fn display_scale(weight: i32, arguments: &[&Numeric]) -> u32 {
    arguments
        .iter()
        .map(|n| n.display_scale())
        .fold(SIG_DIGITS_MIN - weight, i32::max)
        .clamp(0, DISPLAY_SCALE_MAX) as u32
}

#[cold]
fn log_domain(x: &Numeric) -> crate::SqlError {
    let what = if x.is_zero() { "zero" } else { "a negative number" };
    sql_err!(INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of {what}")
}

impl Numeric {
    /// Square root.
    ///
    /// # Errors
    /// 2201F for a negative number.
    pub fn sqrt(&self) -> Result<Numeric> {
        if self.signum() < 0 {
            return Err(sql_err!(INVALID_ARGUMENT_FOR_POWER, "cannot take square root of a negative number"));
        }
        if !self.is_finite() {
            return Ok(self.clone());
        }
        let weight = self.group_weight().0 * GROUP_DIGITS / 2 + 1;
        self.sqrt_at(display_scale(weight, &[self]))
    }

    /// Square root of a number that is not negative, rounded to `scale` digits.
    pub(super) fn sqrt_at(&self, scale: u32) -> Result<Numeric> {
        let x = self.big();
        // One digit more than wanted decides the rounding.
        let magnitude = to_fixed(&x, 2 * (scale as usize + 1), 0).isqrt().div_pow10_round(1);
        Numeric::from_big(Big { negative: false, magnitude, scale })
    }

    /// `e` to this power.
    ///
    /// # Errors
    /// 22003 on overflow.
    pub fn exp(&self) -> Result<Numeric> {
        match self.class() {
            Class::Nan | Class::Infinite { negative: false } => return Ok(self.clone()),
            Class::Infinite { negative: true } => return Ok(Numeric::ZERO),
            Class::Finite => {}
        }
        let x = self.big();
        let weight = (approximate(&x) * LOG10_E).clamp(-2000.0, 2000.0) as i32;
        Numeric::from_big(exp_big(&x, display_scale(weight, &[self]))?)
    }

    /// Natural logarithm.
    ///
    /// # Errors
    /// 2201E for zero and negative numbers.
    pub fn ln(&self) -> Result<Numeric> {
        if self.signum() <= 0 {
            return Err(log_domain(self));
        }
        if !self.is_finite() {
            return Ok(self.clone());
        }
        Numeric::from_big(ln_big(&self.big(), display_scale(ln_weight(self), &[self])))
    }

    /// Logarithm of `self` to `base`: SQL's `log(base, self)`.
    ///
    /// # Errors
    /// 2201E for arguments that are not positive, 22012 for base 1.
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::nan());
        }
        for argument in [base, self] {
            if argument.signum() <= 0 {
                return Err(log_domain(argument));
            }
        }
        match (base.is_finite(), self.is_finite()) {
            (true, true) => {}
            (true, false) => return Ok(self.clone()),
            (false, true) => return Ok(Numeric::ZERO),
            (false, false) => return Ok(Numeric::nan()),
        }
        let (base_weight, weight) = (ln_weight(base), ln_weight(self));
        let result_weight = weight - base_weight;
        let scale = display_scale(result_weight, &[base, self]);
        let inner = |own: i32| (scale as i32 + result_weight - own + 8).max(0) as u32;
        let base_ln = Numeric::from_big(ln_big(&base.big(), inner(base_weight)))?;
        let ln = Numeric::from_big(ln_big(&self.big(), inner(weight)))?;
        div_at(&ln, &base_ln, scale, true)
    }

    /// This to the power `exponent`.
    ///
    /// # Errors
    /// 2201F for zero to a negative power and for a negative number to a fractional one, 22003 on overflow.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        if !self.is_finite() || !exponent.is_finite() {
            return power_special(self, exponent);
        }
        if self.is_zero() && exponent.signum() < 0 {
            return Err(zero_to_negative());
        }
        if exponent.is_integral()
            && let Ok(n) = exponent.to_i32()
        {
            return power_int(self, n, exponent.display_scale());
        }
        if self.signum() < 0 && !exponent.is_integral() {
            return Err(complex_result());
        }
        if self.is_zero() {
            return Ok(Numeric::from_parts(0, SIG_DIGITS_MIN as u32));
        }
        let result = power_real(&self.abs(), exponent)?;
        let odd = self.signum() < 0 && is_odd(exponent);
        Ok(if odd { result.neg() } else { result })
    }
}

fn is_odd(n: &Numeric) -> bool {
    n.big().rescale(0).magnitude.is_odd()
}

#[cold]
fn zero_to_negative() -> crate::SqlError {
    sql_err!(INVALID_ARGUMENT_FOR_POWER, "zero raised to a negative power is undefined")
}

#[cold]
fn complex_result() -> crate::SqlError {
    sql_err!(
        INVALID_ARGUMENT_FOR_POWER,
        "a negative number raised to a non-integer power yields a complex result"
    )
}

/// Powers with NaN or an infinity, by the rules of POSIX `pow`.
fn power_special(x: &Numeric, y: &Numeric) -> Result<Numeric> {
    let one = Numeric::ONE;
    if x.is_nan() {
        return Ok(if *y == Numeric::ZERO { one } else { Numeric::nan() });
    }
    if y.is_nan() {
        return Ok(if *x == one { one } else { Numeric::nan() });
    }
    if x.is_zero() && y.signum() < 0 {
        return Err(zero_to_negative());
    }
    if x.signum() < 0 && !y.is_integral() {
        return Err(complex_result());
    }
    if *x == one || y.is_zero() {
        return Ok(one);
    }
    if x.is_zero() {
        return Ok(Numeric::ZERO);
    }
    if !y.is_finite() {
        let size = x.abs();
        if size == one {
            return Ok(one);
        }
        let grows = (size > one) == (y.signum() > 0);
        return Ok(if grows { Numeric::infinity(false) } else { Numeric::ZERO });
    }
    if y.signum() < 0 {
        return Ok(Numeric::ZERO);
    }
    Ok(Numeric::infinity(x.signum() < 0 && is_odd(y)))
}

/// `x^y = e^(y ln x)` for positive `x`.
fn power_real(x: &Numeric, y: &Numeric) -> Result<Numeric> {
    let weight = ln_weight(x);
    let (base, factor) = (x.big(), y.big());
    let exponent_at = |scale: u32| mul_big(&ln_big(&base, scale), &factor).rescale(scale);
    // A rough product tells how many digits the result will have.
    let rough = approximate(&exponent_at((8 - weight).max(0) as u32));
    if rough.abs() > EXP_BOUND / 3.0 * 3.01 {
        if rough > 0.0 {
            return Err(overflow());
        }
        return Ok(Numeric::from_parts(0, DISPLAY_SCALE_MAX as u32));
    }
    let result_weight = (rough * LOG10_E) as i32;
    let scale = display_scale(result_weight, &[x, y]);
    let significant = (scale as i32 + result_weight).max(0);
    let inner = (significant - weight + 8).max(0) as u32;
    Numeric::from_big(exp_big(&exponent_at(inner), scale)?)
}

/// `x^n` by repeated squaring, each product kept to the digits that the result needs.
fn power_int(x: &Numeric, n: i32, exponent_scale: i32) -> Result<Numeric> {
    // f estimates the decimal weight of the result.
    let f = match x.exponent() {
        None => 0.0,
        Some(_) => {
            let (head, last) = x.abs().head(16);
            f64::from(n) * ((head as f64).log10() + f64::from(last))
        }
    };
    if f > (INTEGER_DIGITS_MAX + 4) as f64 {
        return Err(overflow());
    }
    if f + 1.0 < -f64::from(DISPLAY_SCALE_MAX) {
        return Ok(Numeric::from_parts(0, DISPLAY_SCALE_MAX as u32));
    }
    let scale = display_scale(f as i32, &[x]).max(exponent_scale.clamp(0, DISPLAY_SCALE_MAX) as u32);
    match n {
        0 => return Numeric::ONE.round(scale as i32),
        1 => return x.round(scale as i32),
        2 => return Numeric::from_big(mul_big(&x.big(), &x.big()).rescale(scale)),
        -1 => return div_at(&Numeric::ONE, x, scale, true),
        _ => {}
    }
    if x.is_zero() {
        return if n < 0 { Err(division_by_zero()) } else { Ok(Numeric::from_parts(0, scale)) };
    }
    let significant = 1 + scale as i32 + f as i32 + f64::from(n).abs().ln() as i32 + 8;
    let weight = |b: &Big| b.magnitude.digit_count() as i32 - 1 - b.scale as i32;
    let product = |a: &Big, b: &Big| {
        let wanted = (significant - weight(a) - weight(b)).min((a.scale + b.scale) as i32).max(0);
        mul_big(a, b).rescale(wanted as u32)
    };
    let mut square = x.big().into_owned();
    let mut bits = n.unsigned_abs();
    let one = Big { negative: false, magnitude: Mag::pow10(0), scale: 0 };
    let mut result = if bits & 1 == 1 { square.clone() } else { one.clone() };
    while bits > 1 {
        bits >>= 1;
        square = product(&square, &square);
        if bits & 1 == 1 {
            result = product(&square, &result);
        }
        if weight(&square).max(weight(&result)) >= INTEGER_DIGITS_MAX as i32 {
            return if n < 0 { Ok(Numeric::from_parts(0, scale)) } else { Err(overflow()) };
        }
    }
    if n > 0 {
        return Numeric::from_big(result.rescale(scale));
    }
    if result.magnitude.is_zero() {
        return Err(division_by_zero());
    }
    Numeric::from_big(arith::div_big(&one, &result, scale, true))
}
