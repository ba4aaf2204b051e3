//! Addition, subtraction, multiplication, division.

use super::*;

/// Adds with both operands brought to the larger scale; `None` on overflow of the fast form.
#[inline]
fn add_parts((a, s): (i128, u32), (b, t): (i128, u32)) -> Option<Numeric> {
    let sum = match s.cmp(&t) {
        Ordering::Equal => a.checked_add(b)?,
        Ordering::Less => a.checked_mul(pow10(t - s)?)?.checked_add(b)?,
        Ordering::Greater => b.checked_mul(pow10(s - t)?)?.checked_add(a)?,
    };
    Some(Numeric::from_parts(sum, s.max(t)))
}

/// Sum of two finite numbers in limbs.
pub(super) fn add_big(a: &Big, b: &Big) -> Big {
    let scale = a.scale.max(b.scale);
    let (x, y) = (a.rescale(scale), b.rescale(scale));
    if x.negative == y.negative {
        return Big { negative: x.negative, magnitude: x.magnitude.add(&y.magnitude), scale };
    }
    match x.magnitude.cmp(&y.magnitude) {
        Ordering::Equal => Big { negative: false, magnitude: Mag::zero(), scale },
        Ordering::Greater => Big { negative: x.negative, magnitude: x.magnitude.sub(&y.magnitude), scale },
        Ordering::Less => Big { negative: y.negative, magnitude: y.magnitude.sub(&x.magnitude), scale },
    }
}

/// Product of two finite numbers in limbs, unrounded.
pub(super) fn mul_big(a: &Big, b: &Big) -> Big {
    let magnitude = a.magnitude.mul(&b.magnitude);
    Big { negative: a.negative != b.negative && !magnitude.is_zero(), magnitude, scale: a.scale + b.scale }
}

/// Quotient of two finite numbers at `scale`, rounded half away from zero or truncated; `b` is not zero.
pub(super) fn div_big(a: &Big, b: &Big, scale: u32, round: bool) -> Big {
    let shift = i64::from(scale) + i64::from(b.scale) - i64::from(a.scale);
    let (numerator, denominator) = match shift >= 0 {
        true => (a.magnitude.mul_pow10(shift as usize), Cow::Borrowed(&b.magnitude)),
        false => (a.magnitude.clone(), Cow::Owned(b.magnitude.mul_pow10(-shift as usize))),
    };
    let (mut quotient, rest) = numerator.div_rem(&denominator);
    if round && rest.add(&rest) >= *denominator {
        quotient.add_assign(&Mag::pow10(0));
    }
    Big { negative: a.negative != b.negative && !quotient.is_zero(), magnitude: quotient, scale }
}

/// As [`div_big`] within `i128`; `None` when it does not fit.
fn div_parts((a, s): (i128, u32), (b, t): (i128, u32), scale: u32, round: bool) -> Option<Numeric> {
    let shift = scale as i32 + t as i32 - s as i32;
    let (a, b) = match shift >= 0 {
        true => (a.checked_mul(pow10(shift as u32)?)?, b),
        false => (a, b.checked_mul(pow10(-shift as u32)?)?),
    };
    let (mut quotient, rest) = match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) if b != -1 => (i128::from(a / b), i128::from(a % b)),
        _ => (a.checked_div(b)?, a.checked_rem(b)?),
    };
    let (rest, divisor) = (rest.unsigned_abs(), b.unsigned_abs());
    if round && rest >= divisor - rest {
        quotient += if (a < 0) == (b < 0) { 1 } else { -1 };
    }
    Some(Numeric::from_parts(quotient, scale))
}

/// Quotient of two finite numbers at `scale`.
pub(super) fn div_at(a: &Numeric, b: &Numeric, scale: u32, round: bool) -> Result<Numeric> {
    if b.is_zero() {
        return Err(division_by_zero());
    }
    if let (Some(x), Some(y)) = (a.parts(), b.parts())
        && let Some(quotient) = div_parts(x, y, scale, round)
    {
        return Ok(quotient);
    }
    Numeric::from_big(div_big(&a.big(), &b.big(), scale, round))
}

/// The scale of `a / b`: at least 16 significant digits, counted in groups of four, and no less than either operand's.
pub(super) fn division_scale(a: &Numeric, b: &Numeric) -> u32 {
    let ((weight_a, first_a), (weight_b, first_b)) = (a.group_weight(), b.group_weight());
    let quotient_weight = weight_a - weight_b - i32::from(first_a <= first_b);
    (SIG_DIGITS_MIN - quotient_weight * GROUP_DIGITS)
        .max(a.display_scale())
        .max(b.display_scale())
        .clamp(0, DISPLAY_SCALE_MAX) as u32
}

impl Numeric {
    /// Sum.
    ///
    /// # Errors
    /// 22003 beyond the type's limits, as for the other operations.
    #[inline]
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        if let (Some(a), Some(b)) = (self.parts(), other.parts())
            && let Some(sum) = add_parts(a, b)
        {
            return Ok(sum);
        }
        self.add_general(other)
    }

    fn add_general(&self, other: &Numeric) -> Result<Numeric> {
        match (self.class(), other.class()) {
            (Class::Finite, Class::Finite) => Numeric::from_big(add_big(&self.big(), &other.big())),
            (Class::Nan, _) | (_, Class::Nan) => Ok(Numeric::nan()),
            (Class::Infinite { negative: a }, Class::Infinite { negative: b }) if a != b => {
                Ok(Numeric::nan())
            }
            (Class::Infinite { .. }, _) => Ok(self.clone()),
            _ => Ok(other.clone()),
        }
    }

    /// Difference.
    #[inline]
    pub fn sub(&self, other: &Numeric) -> Result<Numeric> {
        if let (Some(a), Some((b, t))) = (self.parts(), other.parts())
            && let Some(b) = b.checked_neg()
            && let Some(difference) = add_parts(a, (b, t))
        {
            return Ok(difference);
        }
        self.add_general(&other.neg())
    }

    /// Product; its scale is the sum of the scales.
    #[inline]
    pub fn mul(&self, other: &Numeric) -> Result<Numeric> {
        if let (Some((a, s)), Some((b, t))) = (self.parts(), other.parts())
            && s + t <= SCALE_MAX
            && let Some(product) = a.checked_mul(b)
        {
            return Ok(Numeric::from_parts(product, s + t));
        }
        self.mul_general(other)
    }

    fn mul_general(&self, other: &Numeric) -> Result<Numeric> {
        match (self.class(), other.class()) {
            (Class::Finite, Class::Finite) => {
                let product = mul_big(&self.big(), &other.big());
                let scale = product.scale.min(SCALE_MAX);
                Numeric::from_big(product.rescale(scale))
            }
            (Class::Nan, _) | (_, Class::Nan) => Ok(Numeric::nan()),
            _ if self.is_zero() || other.is_zero() => Ok(Numeric::nan()),
            _ => Ok(Numeric::infinity(self.signum() != other.signum())),
        }
    }

    /// The quotient of operands of which one is not finite; `None` when both are.
    fn div_special(&self, other: &Numeric) -> Option<Result<Numeric>> {
        Some(match (self.class(), other.class()) {
            (Class::Finite, Class::Finite) => return None,
            (Class::Nan, _) | (_, Class::Nan) => Ok(Numeric::nan()),
            (Class::Infinite { .. }, Class::Infinite { .. }) => Ok(Numeric::nan()),
            (Class::Infinite { .. }, Class::Finite) if other.is_zero() => Err(division_by_zero()),
            (Class::Infinite { .. }, Class::Finite) => Ok(Numeric::infinity(self.signum() != other.signum())),
            (Class::Finite, Class::Infinite { .. }) => Ok(Numeric::ZERO),
        })
    }

    /// Quotient at PostgreSQL's result scale.
    ///
    /// # Errors
    /// 22012 when `other` is zero.
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.div_special(other) {
            return special;
        }
        div_at(self, other, division_scale(self, other), true)
    }

    /// `div(a, b)`: the quotient truncated to an integer.
    ///
    /// # Errors
    /// 22012 when `other` is zero.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.div_special(other) {
            return special;
        }
        div_at(self, other, 0, false)
    }

    /// Remainder with the dividend's sign.
    ///
    /// # Errors
    /// 22012 when `other` is zero.
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        match (self.class(), other.class()) {
            (Class::Nan, _) | (_, Class::Nan) => return Ok(Numeric::nan()),
            (Class::Infinite { .. }, _) if other.is_zero() => return Err(division_by_zero()),
            (Class::Infinite { .. }, _) => return Ok(Numeric::nan()),
            (Class::Finite, Class::Infinite { .. }) => return Ok(self.clone()),
            (Class::Finite, Class::Finite) if other.is_zero() => return Err(division_by_zero()),
            (Class::Finite, Class::Finite) => {}
        }
        if let (Some((a, s)), Some((b, t))) = (self.parts(), other.parts()) {
            let scale = s.max(t);
            let aligned = pow10(scale - s)
                .and_then(|f| a.checked_mul(f))
                .zip(pow10(scale - t).and_then(|f| b.checked_mul(f)));
            if let Some((a, b)) = aligned {
                return Ok(Numeric::from_parts(a.checked_rem(b).unwrap_or(0), scale));
            }
        }
        let (a, b) = (self.big(), other.big());
        let scale = a.scale.max(b.scale);
        let magnitude = a.rescale(scale).magnitude.div_rem(&b.rescale(scale).magnitude).1;
        Numeric::from_big(Big { negative: a.negative && !magnitude.is_zero(), magnitude, scale })
    }

    /// Negation.
    pub fn neg(&self) -> Numeric {
        if let Some((v, scale)) = self.parts()
            && let Some(v) = v.checked_neg()
        {
            return Numeric::from_parts(v, scale);
        }
        match self.class() {
            Class::Nan => self.clone(),
            Class::Infinite { negative } => Numeric::infinity(!negative),
            Class::Finite => {
                let mut big = self.big().into_owned();
                big.negative = !big.negative;
                Numeric::from_big(big).unwrap_or_else(|_| self.clone())
            }
        }
    }

    /// Absolute value.
    pub fn abs(&self) -> Numeric {
        if self.signum() < 0 { self.neg() } else { self.clone() }
    }

    /// -1, 0, 1 or NaN.
    pub fn sign(&self) -> Numeric {
        if self.is_nan() { self.clone() } else { Numeric::from_i64(i64::from(self.signum())) }
    }
}
