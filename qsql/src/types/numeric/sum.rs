//! Running totals: `sum`, `avg`, `variance` and `stddev` of numeric, exact.

use super::arith::{add_big, div_at, division_scale};
use super::*;

/// Running total of `sum(numeric)` and `avg(numeric)`: exact, in an `i128` as long as it fits.
///
/// The total keeps the largest display scale seen. Values that would overflow the `i128` move it to limbs first.
#[derive(Clone, Debug, Default)]
pub struct NumericSum {
    count: i64,
    /// Total of the finite values not yet moved to `moved`, times `10^scale`.
    total: i128,
    scale: u32,
    moved: Option<Box<Big>>,
    nans: i64,
    infinities: [i64; 2],
}

impl NumericSum {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: &Numeric) {
        self.count += 1;
        match value.parts() {
            Some((v, scale)) if scale == self.scale => self.add_aligned(v),
            _ => self.add_general(value, 1),
        }
    }

    /// Adds the integer `v`.
    #[inline]
    pub fn add_i64(&mut self, v: i64) {
        self.add(&Numeric::from_i64(v));
    }

    #[inline]
    fn add_aligned(&mut self, v: i128) {
        match self.total.checked_add(v) {
            Some(total) => self.total = total,
            None => {
                self.spill();
                self.total = v;
            }
        }
    }

    fn add_general(&mut self, value: &Numeric, sign: i64) {
        match value.class() {
            Class::Nan => self.nans += sign,
            Class::Infinite { negative } => self.infinities[usize::from(negative)] += sign,
            Class::Finite => {
                self.add_finite(if sign > 0 { Cow::Borrowed(value) } else { Cow::Owned(value.neg()) })
            }
        }
    }

    fn add_finite(&mut self, value: Cow<'_, Numeric>) {
        let scale = value.display_scale() as u32;
        if scale > self.scale {
            match pow10(scale - self.scale).and_then(|f| self.total.checked_mul(f)) {
                Some(total) => self.total = total,
                None => self.spill(),
            }
            self.scale = scale;
        }
        let aligned = value.parts().and_then(|(v, s)| v.checked_mul(pow10(self.scale - s)?));
        match aligned {
            Some(v) => self.add_aligned(v),
            None => self.move_in(&value.big()),
        }
    }

    /// Moves the `i128` part of the total to limbs.
    fn spill(&mut self) {
        let part = Big {
            negative: self.total < 0,
            magnitude: Mag::from_u128(self.total.unsigned_abs()),
            scale: self.scale,
        };
        self.total = 0;
        self.move_in(&part);
    }

    fn move_in(&mut self, part: &Big) {
        let sum = match &self.moved {
            Some(moved) => add_big(moved, part),
            None => part.clone(),
        };
        self.moved = Some(Box::new(sum));
    }

    /// Takes back a value added before (window frames); false when the state must be rebuilt instead, because the display
    /// scale of the total may have come from this value alone.
    pub fn remove(&mut self, value: &Numeric) -> bool {
        if value.is_finite() && value.display_scale() as u32 == self.scale && self.scale > 0 {
            return false;
        }
        self.count -= 1;
        self.add_general(value, -1);
        true
    }

    /// Adds another total (parallel aggregation).
    pub fn merge(&mut self, other: &NumericSum) {
        self.count += other.count;
        self.nans += other.nans;
        for (own, add) in self.infinities.iter_mut().zip(other.infinities) {
            *own += add;
        }
        self.add_finite(Cow::Owned(Numeric::from_parts(other.total, other.scale)));
        if let Some(moved) = &other.moved {
            self.scale_up(moved.scale);
            self.move_in(moved);
        }
    }

    fn scale_up(&mut self, scale: u32) {
        if scale > self.scale {
            self.add_finite(Cow::Owned(Numeric::from_parts(0, scale)));
        }
    }

    /// Number of values added.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// The sum; `None` when nothing was added.
    ///
    /// # Errors
    /// 22003 beyond the type's limits.
    pub fn sum(&self) -> Result<Option<Numeric>> {
        if self.count <= 0 {
            return Ok(None);
        }
        let infinite = self.infinities.map(|n| n > 0);
        match (self.nans > 0, infinite) {
            (true, _) | (_, [true, true]) => return Ok(Some(Numeric::nan())),
            (_, [true, false]) => return Ok(Some(Numeric::infinity(false))),
            (_, [false, true]) => return Ok(Some(Numeric::infinity(true))),
            (false, [false, false]) => {}
        }
        let total = Numeric::from_parts(self.total, self.scale);
        match &self.moved {
            None => Ok(Some(total)),
            Some(moved) => Numeric::from_big(add_big(moved, &total.big())).map(Some),
        }
    }

    /// The average; `None` when nothing was added.
    ///
    /// # Errors
    /// 22003 beyond the type's limits.
    pub fn avg(&self) -> Result<Option<Numeric>> {
        self.sum()?.map(|sum| sum.div(&Numeric::from_i64(self.count))).transpose()
    }
}

/// Running totals of values and squares for `variance` and `stddev`.
#[derive(Clone, Debug, Default)]
pub struct NumericVariance {
    values: NumericSum,
    squares: NumericSum,
}

impl NumericVariance {
    /// Adds a value.
    ///
    /// # Errors
    /// 22003 when its square is beyond the type's limits.
    pub fn add(&mut self, value: &Numeric) -> Result<()> {
        self.squares.add(&value.mul(value)?);
        self.values.add(value);
        Ok(())
    }

    /// Adds other totals (parallel aggregation).
    pub fn merge(&mut self, other: &NumericVariance) {
        self.values.merge(&other.values);
        self.squares.merge(&other.squares);
    }

    /// `var_samp` (`sample`) or `var_pop`; `None` with too few values.
    pub fn variance(&self, sample: bool) -> Result<Option<Numeric>> {
        self.spread(sample, |variance, _| Ok(variance))
    }

    /// `stddev_samp` (`sample`) or `stddev_pop`; `None` with too few values.
    pub fn stddev(&self, sample: bool) -> Result<Option<Numeric>> {
        self.spread(sample, |variance, scale| variance.sqrt_at(scale))
    }

    fn spread(
        &self,
        sample: bool,
        finish: impl FnOnce(Numeric, u32) -> Result<Numeric>,
    ) -> Result<Option<Numeric>> {
        let count = self.values.count;
        if count <= i64::from(sample) {
            return Ok(None);
        }
        let (Some(sum), Some(squares)) = (self.values.sum()?, self.squares.sum()?) else { return Ok(None) };
        if !sum.is_finite() || !squares.is_finite() {
            return Ok(Some(Numeric::nan()));
        }
        let n = Numeric::from_i64(count);
        let numerator = n.mul(&squares)?.sub(&sum.mul(&sum)?)?;
        if numerator.signum() <= 0 {
            return Ok(Some(Numeric::ZERO));
        }
        let denominator = n.mul(&Numeric::from_i64(count - i64::from(sample)))?;
        let scale = division_scale(&numerator, &denominator);
        finish(div_at(&numerator, &denominator, scale, true)?, scale).map(Some)
    }
}
