//! To and from integers and floating point.

use super::*;

#[cold]
fn out_of_range(type_name: &str) -> crate::SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "{type_name} out of range")
}

impl Numeric {
    /// Cast of float8: 15 significant digits, as PostgreSQL keeps.
    pub fn from_f64(v: f64) -> Numeric {
        Numeric::from_float(v, 15)
    }

    /// Cast of float4: 6 significant digits.
    pub fn from_f32(v: f32) -> Numeric {
        Numeric::from_float(f64::from(v), 6)
    }

    fn from_float(v: f64, digits: usize) -> Numeric {
        if v.is_nan() {
            return Numeric::nan();
        }
        if v.is_infinite() {
            return Numeric::infinity(v < 0.0);
        }
        if v == 0.0 {
            return Numeric::ZERO;
        }
        let text = format!("{v:.*e}", digits - 1);
        let Some((mantissa, exponent)) = text.split_once('e') else { return Numeric::nan() };
        let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0') } else { mantissa };
        Numeric::parse(&format!("{mantissa}e{exponent}")).unwrap_or_else(|_| Numeric::nan())
    }

    /// The nearest integer, half away from zero.
    fn to_integer(&self, type_name: &str) -> Result<i128> {
        match self.class() {
            Class::Nan => return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot convert NaN to {type_name}")),
            Class::Infinite { .. } => {
                return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot convert infinity to {type_name}"));
            }
            Class::Finite => {}
        }
        match self.round(0)?.parts() {
            Some((v, _)) => Ok(v),
            None => Err(out_of_range(type_name)),
        }
    }

    /// Cast to smallint.
    ///
    /// # Errors
    /// 22003 out of range, 0A000 for NaN and infinities.
    pub fn to_i16(&self) -> Result<i16> {
        i16::try_from(self.to_integer("smallint")?).map_err(|_| out_of_range("smallint"))
    }

    /// Cast to integer.
    ///
    /// # Errors
    /// As [`Numeric::to_i16`].
    pub fn to_i32(&self) -> Result<i32> {
        i32::try_from(self.to_integer("integer")?).map_err(|_| out_of_range("integer"))
    }

    /// Cast to bigint.
    ///
    /// # Errors
    /// As [`Numeric::to_i16`].
    pub fn to_i64(&self) -> Result<i64> {
        if let Numeric::Small { unscaled, scale: 0 } = self {
            return Ok(*unscaled);
        }
        i64::try_from(self.to_integer("bigint")?).map_err(|_| out_of_range("bigint"))
    }

    /// Cast to double precision: the nearest double.
    ///
    /// # Errors
    /// 22003 when the value overflows, or underflows to zero.
    pub fn to_f64(&self) -> Result<f64> {
        // Two exact doubles, one correctly rounded division.
        if let Numeric::Small { unscaled, scale: scale @ 0..=22 } = self
            && unscaled.unsigned_abs() < 1 << 53
        {
            return Ok(*unscaled as f64 / POW10[usize::from(*scale)] as f64);
        }
        self.to_float("double precision", f64::INFINITY, f64::NAN, |v| v == 0.0 || v.is_infinite())
    }

    /// Cast to real: the nearest float.
    ///
    /// # Errors
    /// As [`Numeric::to_f64`].
    pub fn to_f32(&self) -> Result<f32> {
        self.to_float("real", f32::INFINITY, f32::NAN, |v| v == 0.0 || v.is_infinite())
    }

    fn to_float<F>(&self, type_name: &str, infinity: F, nan: F, lost: impl Fn(F) -> bool) -> Result<F>
    where
        F: std::str::FromStr + std::ops::Neg<Output = F> + Copy,
    {
        match self.class() {
            Class::Nan => return Ok(nan),
            Class::Infinite { negative } => return Ok(if negative { -infinity } else { infinity }),
            Class::Finite => {}
        }
        let text = self.to_string();
        match text.parse::<F>() {
            Ok(v) if !lost(v) || self.is_zero() => Ok(v),
            _ => Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "\"{text}\" is out of range for type {type_name}")),
        }
    }
}
