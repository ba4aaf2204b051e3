//! Rounding, scales, and the `numeric(p,s)` modifier.

use super::*;

/// Precision and scale of a `numeric(p,s)` modifier; the scale may be negative.
pub fn precision_and_scale(typmod: i32) -> (i32, i32) {
    let packed = typmod - 4;
    ((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024)
}

/// The modifier of `numeric(precision, scale)`.
pub fn typmod_of(precision: i32, scale: i32) -> i32 {
    ((precision << 16) | (scale & 0x7ff)) + 4
}

impl Numeric {
    /// Rounds half away from zero to `digits` after the point; negative `digits` round before it.
    pub fn round(&self, digits: i32) -> Result<Numeric> {
        self.cut(digits, true)
    }

    /// Truncates to `digits` after the point; negative `digits` cut before it.
    pub fn trunc(&self, digits: i32) -> Result<Numeric> {
        self.cut(digits, false)
    }

    fn cut(&self, digits: i32, round: bool) -> Result<Numeric> {
        if !self.is_finite() {
            return Ok(self.clone());
        }
        let digits = digits.clamp(-(INTEGER_DIGITS_MAX as i32) - 1, SCALE_MAX as i32);
        if let Some((v, scale)) = self.parts()
            && let Some(cut) = cut_parts(v, scale, digits, round)
        {
            return Ok(cut);
        }
        let big = self.big();
        let drop = i64::from(big.scale) - i64::from(digits);
        if drop <= 0 {
            return Numeric::from_big(big.rescale(digits as u32));
        }
        let magnitude = match round {
            true => big.magnitude.div_pow10_round(drop as usize),
            false => big.magnitude.div_pow10(drop as usize),
        };
        let magnitude = magnitude.mul_pow10((-digits).max(0) as usize);
        let negative = big.negative && !magnitude.is_zero();
        Numeric::from_big(Big { negative, magnitude, scale: digits.max(0) as u32 })
    }

    /// Smallest integer not less.
    pub fn ceil(&self) -> Numeric {
        self.step(1)
    }

    /// Largest integer not greater.
    pub fn floor(&self) -> Numeric {
        self.step(-1)
    }

    /// The integer part, moved by `direction` when a fraction of that sign was cut off.
    fn step(&self, direction: i32) -> Numeric {
        let Ok(whole) = self.trunc(0) else { return self.clone() };
        if self.signum() == direction && whole != *self {
            return whole.add(&Numeric::from_i64(i64::from(direction))).unwrap_or(whole);
        }
        whole
    }

    /// `min_scale()`: digits after the point that are needed; `None` for NaN and infinities.
    pub fn min_scale(&self) -> Option<i32> {
        let scale = self.scale()?;
        if let Some((mut v, _)) = self.parts() {
            let mut scale = scale;
            while scale > 0 && v % 10 == 0 {
                v /= 10;
                scale -= 1;
            }
            return Some(scale);
        }
        Some((scale - self.big().magnitude.trailing_zeros() as i32).max(0))
    }

    /// `trim_scale()`: the same value without trailing zeros after the point.
    pub fn trim_scale(&self) -> Numeric {
        match self.min_scale() {
            Some(scale) if Some(scale) != self.scale() => self.trunc(scale).unwrap_or_else(|_| self.clone()),
            _ => self.clone(),
        }
    }

    /// Fits the value to a `numeric(p,s)` modifier; -1 leaves it alone.
    ///
    /// # Errors
    /// 22003 `numeric field overflow` when too many digits stand before the point.
    pub fn apply_typmod(self, typmod: i32) -> Result<Numeric> {
        if typmod < 4 {
            return Ok(self);
        }
        let (precision, scale) = precision_and_scale(typmod);
        if let Numeric::Small { unscaled, scale: own } = self
            && i32::from(own) == scale
            && precision <= 18
            && i128::from(unscaled.unsigned_abs()) < POW10[precision.max(0) as usize]
        {
            return Ok(self);
        }
        match self.class() {
            Class::Nan => return Ok(self),
            Class::Infinite { .. } => {
                return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").detail(format!(
                    "A field with precision {precision}, scale {scale} cannot hold an infinite value."
                )));
            }
            Class::Finite => {}
        }
        let rounded = self.round(scale)?;
        let room = precision - scale;
        if rounded.exponent().is_some_and(|exponent| exponent >= room) {
            let bound = if room != 0 { format!("10^{room}") } else { "1".to_owned() };
            return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").detail(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
            )));
        }
        Ok(rounded)
    }
}

/// [`Numeric::cut`] within `i128`; `None` when it does not fit.
fn cut_parts(v: i128, scale: u32, digits: i32, round: bool) -> Option<Numeric> {
    let drop = scale as i32 - digits;
    if drop <= 0 {
        return Some(Numeric::from_parts(v.checked_mul(pow10(-drop as u32)?)?, digits as u32));
    }
    let Some(unit) = pow10(drop as u32) else {
        // More digits are dropped than an i128 has.
        return Some(Numeric::from_parts(0, digits.max(0) as u32));
    };
    let (mut quotient, rest) = (v / unit, (v % unit).abs());
    if round && rest >= unit - rest {
        quotient += if v < 0 { -1 } else { 1 };
    }
    let restored = quotient.checked_mul(pow10((-digits).max(0) as u32)?)?;
    Some(Numeric::from_parts(restored, digits.max(0) as u32))
}
