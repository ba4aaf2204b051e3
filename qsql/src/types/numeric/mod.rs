//! `numeric`: exact decimals with PostgreSQL's scales, NaN and infinities.

use crate::error::{Result, SqlError};
use std::sync::Arc;

/// An exact decimal number with a display scale.
///
/// Values whose unscaled integer fits an `i64` and whose scale is at most 255 take the `Small` form and never allocate;
/// everything else is `Wide`. Both forms of one value compare, hash and print alike.
#[derive(Clone, Debug)]
pub enum Numeric {
    /// `unscaled * 10^-scale`, displayed with `scale` fractional digits.
    Small {
        /// The number without its decimal point.
        unscaled: i64,
        /// Digits after the decimal point.
        scale: u8,
    },
    /// Anything else: many digits, large scales, NaN, infinities.
    Wide(Arc<Wide>),
}

/// The general form of a [`Numeric`].
#[derive(Debug)]
pub struct Wide {}

impl Numeric {
    /// Integer value.
    pub fn from_i64(v: i64) -> Numeric {
        let _ = (v,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Integer value of 128 bits.
    pub fn from_i128(v: i128) -> Numeric {
        let _ = (v,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// `unscaled * 10^-scale`.
    pub fn from_parts(unscaled: i128, scale: u16) -> Numeric {
        let _ = (unscaled, scale);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Cast of float8 (15 significant digits).
    pub fn from_f64(v: f64) -> Numeric {
        let _ = (v,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Cast of float4 (6 significant digits).
    pub fn from_f32(v: f32) -> Numeric {
        let _ = (v,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// NaN.
    pub fn nan() -> Numeric {
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Infinity or -infinity.
    pub fn infinity(negative: bool) -> Numeric {
        let _ = (negative,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Reads PostgreSQL's numeric input.
    pub fn parse(text: &str) -> Result<Numeric> {
        let _ = (text,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut Vec<u8>) {
        let _ = (self, out);
    }

    /// Cast to smallint.
    pub fn to_i16(&self) -> Result<i16> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Cast to integer.
    pub fn to_i32(&self) -> Result<i32> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Cast to bigint.
    pub fn to_i64(&self) -> Result<i64> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Cast to double precision.
    pub fn to_f64(&self) -> Result<f64> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Cast to real.
    pub fn to_f32(&self) -> Result<f32> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Whether this is NaN.
    pub fn is_nan(&self) -> bool {
        let _ = (self,);
        false
    }

    /// Sum.
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Difference.
    pub fn sub(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Product.
    pub fn mul(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Quotient at PostgreSQL's result scale.
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// `div(a, b)`: quotient truncated to an integer.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Remainder with the dividend's sign.
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Negation.
    pub fn neg(&self) -> Numeric {
        let _ = (self,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Absolute value.
    pub fn abs(&self) -> Numeric {
        let _ = (self,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// -1, 0, 1 or NaN.
    pub fn sign(&self) -> Numeric {
        let _ = (self,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Rounds half away from zero to `digits` after the point (may be negative).
    pub fn round(&self, digits: i32) -> Result<Numeric> {
        let _ = (self, digits);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Truncates to `digits` after the point.
    pub fn trunc(&self, digits: i32) -> Result<Numeric> {
        let _ = (self, digits);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Smallest integer not less.
    pub fn ceil(&self) -> Numeric {
        let _ = (self,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Largest integer not greater.
    pub fn floor(&self) -> Numeric {
        let _ = (self,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// Square root.
    pub fn sqrt(&self) -> Result<Numeric> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// e to this power.
    pub fn exp(&self) -> Result<Numeric> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Natural logarithm.
    pub fn ln(&self) -> Result<Numeric> {
        let _ = (self,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Logarithm to `base`: `log(base, self)`.
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        let _ = (self, base);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// This to the power `exponent`.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        let _ = (self, exponent);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Greatest common divisor.
    pub fn gcd(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Least common multiple.
    pub fn lcm(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (self, other);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// `factorial(bigint)`.
    pub fn factorial(n: i64) -> Result<Numeric> {
        let _ = (n,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// `scale()`: display scale; `None` for NaN and infinities.
    pub fn scale(&self) -> Option<i32> {
        let _ = (self,);
        None
    }

    /// `min_scale()`.
    pub fn min_scale(&self) -> Option<i32> {
        let _ = (self,);
        None
    }

    /// `trim_scale()`.
    pub fn trim_scale(&self) -> Numeric {
        let _ = (self,);
        Numeric::Small { unscaled: 0, scale: 0 }
    }

    /// `width_bucket(self, low, high, count)`.
    pub fn width_bucket(&self, low: &Numeric, high: &Numeric, count: i32) -> Result<i32> {
        let _ = (self, low, high, count);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Fits the value to a `numeric(p,s)` modifier.
    pub fn apply_typmod(self, typmod: i32) -> Result<Numeric> {
        let _ = (self, typmod);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Appends PostgreSQL's binary form.
    pub fn send(&self, out: &mut Vec<u8>) {
        let _ = (self, out);
    }

    /// Reads PostgreSQL's binary form.
    pub fn recv(bytes: &[u8]) -> Result<Numeric> {
        let _ = (bytes,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }

    /// Appends memcmp-comparable, self-delimiting bytes.
    pub fn encode_key(&self, out: &mut Vec<u8>) {
        let _ = (self, out);
    }

    /// Reads a key from the front; returns the bytes taken. The display scale is the smallest that is exact.
    pub fn decode_key(bytes: &[u8]) -> Result<(Numeric, usize)> {
        let _ = (bytes,);
        Err(SqlError::unsupported("numeric arithmetic"))
    }
}

/// Running total of `sum(numeric)` and `avg(numeric)`: exact, in an `i128` as long as it fits.
#[derive(Clone, Debug, Default)]
pub struct NumericSum {
    count: i64,
}

impl NumericSum {
    /// Adds a value.
    pub fn add(&mut self, value: &Numeric) {
        let _ = value;
        self.count += 1;
    }

    /// Adds another total (parallel aggregation).
    pub fn merge(&mut self, other: &NumericSum) {
        self.count += other.count;
    }

    /// Number of values added.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// The sum; `None` when nothing was added.
    pub fn sum(&self) -> Result<Option<Numeric>> {
        Err(SqlError::unsupported("sum(numeric)"))
    }

    /// The average; `None` when nothing was added.
    pub fn avg(&self) -> Result<Option<Numeric>> {
        Err(SqlError::unsupported("avg(numeric)"))
    }
}
