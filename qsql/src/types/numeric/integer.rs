//! Greatest common divisor, least common multiple, factorial, histogram buckets.

use super::*;

/// Largest argument of `factorial` whose result is within the type's limits.
const FACTORIAL_MAX: i64 = 32_177;

impl Numeric {
    /// Greatest common divisor, also of fractions; NaN when an operand is not finite.
    pub fn gcd(&self, other: &Numeric) -> Result<Numeric> {
        if !self.is_finite() || !other.is_finite() {
            return Ok(Numeric::nan());
        }
        let (a, b) = (self.big(), other.big());
        let scale = a.scale.max(b.scale);
        let (mut x, mut y) = (a.rescale(scale).magnitude, b.rescale(scale).magnitude);
        while !y.is_zero() {
            let rest = x.div_rem(&y).1;
            x = std::mem::replace(&mut y, rest);
        }
        Numeric::from_big(Big { negative: false, magnitude: x, scale })
    }

    /// Least common multiple; NaN when an operand is not finite.
    pub fn lcm(&self, other: &Numeric) -> Result<Numeric> {
        if !self.is_finite() || !other.is_finite() {
            return Ok(Numeric::nan());
        }
        let scale = self.display_scale().max(other.display_scale());
        if self.is_zero() || other.is_zero() {
            return Ok(Numeric::from_parts(0, scale as u32));
        }
        let parts = self.div_trunc(&self.gcd(other)?)?;
        parts.mul(other)?.abs().round(scale)
    }

    /// `factorial(bigint)`.
    ///
    /// # Errors
    /// 22003 for a negative argument and on overflow.
    pub fn factorial(n: i64) -> Result<Numeric> {
        if n < 0 {
            return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "factorial of a negative number is undefined"));
        }
        if n > FACTORIAL_MAX {
            return Err(overflow());
        }
        let magnitude = (2..=n as u32).fold(Mag::pow10(0), |product, factor| product.mul_small(factor));
        Numeric::from_big(Big { negative: false, magnitude, scale: 0 })
    }

    /// `width_bucket(self, low, high, count)`.
    ///
    /// # Errors
    /// 2201G for bounds or counts without meaning.
    pub fn width_bucket(&self, low: &Numeric, high: &Numeric, count: i32) -> Result<i32> {
        let fail = |what: &'static str| {
            crate::SqlError::new(crate::SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET, what)
        };
        if count <= 0 {
            return Err(fail("count must be greater than zero"));
        }
        if self.is_nan() || low.is_nan() || high.is_nan() {
            return Err(fail("operand, lower bound, and upper bound cannot be NaN"));
        }
        if !low.is_finite() || !high.is_finite() {
            return Err(fail("lower and upper bounds must be finite"));
        }
        let (below, above) = match low.cmp(high) {
            Ordering::Equal => return Err(fail("lower bound cannot equal upper bound")),
            Ordering::Less => (self < low, self >= high),
            Ordering::Greater => (self > low, self <= high),
        };
        if below {
            return Ok(0);
        }
        if above {
            return count
                .checked_add(1)
                .ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"));
        }
        let position = self.sub(low)?.mul(&Numeric::from_i64(i64::from(count)))?;
        Ok(position.div_trunc(&high.sub(low)?)?.to_i32()? + 1)
    }
}
