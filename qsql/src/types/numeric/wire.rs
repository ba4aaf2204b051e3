//! PostgreSQL's binary form.
//!
//! ```text
//! i16 number of digit groups | i16 weight of the first | u16 sign | u16 display scale | i16 groups, base 10^4
//! ```

use super::*;

const SIGN_POSITIVE: u16 = 0x0000;
const SIGN_NEGATIVE: u16 = 0x4000;
const SIGN_NAN: u16 = 0xc000;
const SIGN_INFINITY: u16 = 0xd000;
const SIGN_NEGATIVE_INFINITY: u16 = 0xf000;
/// What PostgreSQL sends as the scale of an infinity.
const INFINITY_SCALE: i32 = 0x20;
const GROUP: usize = GROUP_DIGITS as usize;

impl Numeric {
    /// Appends PostgreSQL's binary form.
    pub fn send(&self, out: &mut Vec<u8>) {
        let sign = match self.class() {
            Class::Nan => SIGN_NAN,
            Class::Infinite { negative: false } => SIGN_INFINITY,
            Class::Infinite { negative: true } => SIGN_NEGATIVE_INFINITY,
            Class::Finite if self.signum() < 0 => SIGN_NEGATIVE,
            Class::Finite => SIGN_POSITIVE,
        };
        let scale = match self.class() {
            Class::Infinite { .. } => INFINITY_SCALE,
            _ => self.display_scale(),
        };
        let start = out.len();
        out.extend_from_slice(&[0; 8]);
        let (weight, count) = match self.exponent() {
            None => (0, 0),
            Some(exponent) => self.with_digits(|digits| {
                let pad = GROUP - 1 - exponent.rem_euclid(GROUP_DIGITS) as usize;
                (exponent.div_euclid(GROUP_DIGITS), write_groups(digits, pad, out))
            }),
        };
        for (at, field) in [count as u16, weight as u16, sign, scale as u16].into_iter().enumerate() {
            out[start + 2 * at..start + 2 * at + 2].copy_from_slice(&field.to_be_bytes());
        }
    }

    /// Reads PostgreSQL's binary form.
    ///
    /// # Errors
    /// 22P03 for malformed bytes, 08P01 when they end early.
    pub fn recv(bytes: &[u8]) -> Result<Numeric> {
        let field = |at: usize| {
            bytes
                .get(2 * at..2 * at + 2)
                .map(|b| u16::from_be_bytes([b[0], b[1]]))
                .ok_or_else(|| sql_err!(PROTOCOL_VIOLATION, "insufficient data left in message"))
        };
        let invalid = |what: &str| {
            sql_err!(INVALID_BINARY_REPRESENTATION, "invalid {what} in external \"numeric\" value")
        };
        let (count, weight, sign, scale) = (field(0)?, field(1)? as i16, field(2)?, field(3)?);
        let negative = match sign {
            SIGN_POSITIVE => false,
            SIGN_NEGATIVE => true,
            SIGN_NAN => return Ok(Numeric::nan()),
            SIGN_INFINITY => return Ok(Numeric::infinity(false)),
            SIGN_NEGATIVE_INFINITY => return Ok(Numeric::infinity(true)),
            _ => return Err(invalid("sign")),
        };
        if u32::from(scale) > SCALE_MAX {
            return Err(invalid("scale"));
        }
        let mut digits = Vec::with_capacity(usize::from(count) * GROUP);
        for at in 0..usize::from(count) {
            let group = field(4 + at)?;
            if group > 9999 {
                return Err(invalid("digit"));
            }
            super::super::int::write_padded(u64::from(group), GROUP, &mut digits);
        }
        if bytes.len() != 8 + 2 * usize::from(count) {
            return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format"));
        }
        // The unscaled number has its last digit at 10^-own.
        let own = (i64::from(count) - 1 - i64::from(weight)) * i64::from(GROUP_DIGITS);
        let places = i64::from(scale) - own;
        let magnitude = Mag::from_digits(&digits);
        let magnitude = match places >= 0 {
            true => magnitude.mul_pow10(places as usize),
            false => magnitude.div_pow10(-places as usize),
        };
        let negative = negative && !magnitude.is_zero();
        Numeric::from_big(Big { negative, magnitude, scale: u32::from(scale) })
    }
}

/// Appends the groups of `digits`, of which the first lacks `pad` digits, without zero groups at the end; returns their number.
fn write_groups(digits: &[u8], pad: usize, out: &mut Vec<u8>) -> usize {
    let used = digits.iter().rposition(|&d| d != b'0').map_or(0, |last| last + 1);
    let (first, rest) = digits[..used].split_at((GROUP - pad).min(used));
    // A group cut short at its end stands for the digits with zeros behind them.
    let value = |group: &[u8], width: usize| {
        let v = group.iter().fold(0u16, |v, d| v * 10 + u16::from(d - b'0'));
        v * 10u16.pow((width - group.len()) as u32)
    };
    out.extend_from_slice(&value(first, GROUP - pad).to_be_bytes());
    for group in rest.chunks(GROUP) {
        out.extend_from_slice(&value(group, GROUP).to_be_bytes());
    }
    1 + rest.len().div_ceil(GROUP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn groups_are_aligned_at_the_point() {
        let mut out = Vec::new();
        Numeric::parse("12345.678900").unwrap().send(&mut out);
        // 1 | 2345 | . 6789 | weight 1, scale 6.
        assert_eq!(out, [0, 3, 0, 1, 0, 0, 0, 6, 0, 1, 9, 41, 26, 133]);
    }

    proptest! {
        #[test]
        fn binary_form_round_trips(text in "-?[0-9]{1,50}(\\.[0-9]{1,30})?") {
            let n = Numeric::parse(&text).unwrap();
            let mut out = Vec::new();
            n.send(&mut out);
            prop_assert_eq!(Numeric::recv(&out).unwrap().to_string(), n.to_string());
        }
    }
}
