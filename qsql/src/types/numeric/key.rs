//! Numbers as byte strings in memcmp order, for index keys.
//!
//! ```text
//! class     -inf 10 | negative 20 | zero 30 | positive 40 | inf 50 | NaN 60
//! exponent  of 100, so that value = 0.d1 d2 d3 .. * 100^exponent; one byte 80 + e for |e| <= 100,
//!           else F0 (large) or 08 (small) and e in three bytes, biased by 2^23
//! digits    in base 100, each plus one; the last is not zero
//! end       00
//! ```
//!
//! Exponent, digits and end of a negative number are complemented. Equal values have equal keys, so the display scale is
//! not in the key: decoding gives the smallest scale that is exact.

use super::*;

const NEGATIVE_INFINITY: u8 = 0x10;
const NEGATIVE: u8 = 0x20;
const ZERO: u8 = 0x30;
const POSITIVE: u8 = 0x40;
const INFINITY: u8 = 0x50;
const NAN: u8 = 0x60;

const EXPONENT_SHORT_MAX: i32 = 100;
const EXPONENT_ZERO: i32 = 0x80;
const EXPONENT_LARGE: u8 = 0xf0;
const EXPONENT_SMALL: u8 = 0x08;
const EXPONENT_BIAS: i32 = 1 << 23;

#[cold]
fn corrupt() -> crate::SqlError {
    sql_err!(INDEX_CORRUPTED, "invalid numeric index key")
}

impl Numeric {
    /// Appends memcmp-comparable, self-delimiting bytes.
    pub fn encode_key(&self, out: &mut Vec<u8>) {
        let class = match self.class() {
            Class::Nan => NAN,
            Class::Infinite { negative: true } => NEGATIVE_INFINITY,
            Class::Infinite { negative: false } => INFINITY,
            Class::Finite => match self.signum() {
                0 => ZERO,
                1 => POSITIVE,
                _ => NEGATIVE,
            },
        };
        out.push(class);
        if class != POSITIVE && class != NEGATIVE {
            return;
        }
        let start = out.len();
        let scale = self.display_scale();
        self.with_digits(|digits| encode_digits(digits, scale, out));
        if class == NEGATIVE {
            out[start..].iter_mut().for_each(|b| *b = !*b);
        }
    }

    /// Reads a key from the front; returns the bytes taken. The display scale is the smallest that is exact.
    ///
    /// # Errors
    /// XX002 when the bytes are no numeric key.
    pub fn decode_key(bytes: &[u8]) -> Result<(Numeric, usize)> {
        let (&class, rest) = bytes.split_first().ok_or_else(corrupt)?;
        let special = match class {
            NAN => Numeric::nan(),
            NEGATIVE_INFINITY => Numeric::infinity(true),
            INFINITY => Numeric::infinity(false),
            ZERO => Numeric::ZERO,
            POSITIVE => return decode_digits(rest, false),
            NEGATIVE => return decode_digits(rest, true),
            _ => return Err(corrupt()),
        };
        Ok((special, 1))
    }
}

fn encode_digits(digits: &[u8], scale: i32, out: &mut Vec<u8>) {
    // value = 0.digits * 10^point; an odd point makes the first pair start with a zero.
    let point = digits.len() as i32 - scale;
    let exponent = (point + 1).div_euclid(2);
    if exponent.abs() <= EXPONENT_SHORT_MAX {
        out.push((EXPONENT_ZERO + exponent) as u8);
    } else {
        out.push(if exponent > 0 { EXPONENT_LARGE } else { EXPONENT_SMALL });
        out.extend_from_slice(&((exponent + EXPONENT_BIAS) as u32).to_be_bytes()[1..]);
    }
    let used = digits.iter().rposition(|&d| d != b'0').map_or(0, |last| last + 1);
    let (first, rest) = digits[..used].split_at(usize::from(point.rem_euclid(2) == 1).min(used));
    out.extend(first.iter().map(|d| d - b'0' + 1));
    out.extend(rest.chunks(2).map(|pair| {
        let low = pair.get(1).map_or(0, |d| d - b'0');
        (pair[0] - b'0') * 10 + low + 1
    }));
    out.push(0);
}

fn decode_digits(bytes: &[u8], negative: bool) -> Result<(Numeric, usize)> {
    let flip = if negative { 0xff } else { 0 };
    let mut plain = bytes.iter().map(|b| b ^ flip);
    let mut next = || plain.next().ok_or_else(corrupt);
    let mut taken = 2;
    let exponent = match next()? {
        EXPONENT_LARGE | EXPONENT_SMALL => {
            taken += 3;
            let biased = [0, next()?, next()?, next()?];
            u32::from_be_bytes(biased) as i32 - EXPONENT_BIAS
        }
        short => i32::from(short) - EXPONENT_ZERO,
    };
    let mut digits = Vec::with_capacity(32);
    loop {
        taken += 1;
        match next()? {
            0 => break,
            pair @ 1..=100 => digits.extend_from_slice(&[b'0' + (pair - 1) / 10, b'0' + (pair - 1) % 10]),
            _ => return Err(corrupt()),
        }
    }
    if digits.last() == Some(&b'0') {
        digits.pop();
    }
    let scale = digits.len() as i32 - 2 * exponent;
    let magnitude = Mag::from_digits(&digits).mul_pow10((-scale).max(0) as usize);
    let big = Big { negative, magnitude, scale: scale.max(0) as u32 };
    Ok((Numeric::from_big(big).map_err(|_| corrupt())?, taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: &Numeric) -> Vec<u8> {
        let mut out = Vec::new();
        n.encode_key(&mut out);
        out
    }

    fn numeric() -> impl Strategy<Value = Numeric> {
        prop_oneof![
            "-?[0-9]{1,6}(\\.[0-9]{1,6})?",
            "-?[0-9]{1,60}(\\.[0-9]{1,30})?",
            "-?[1-9](\\.[0-9])?e-?[0-9]{1,3}",
            Just("NaN".to_owned()),
            Just("inf".to_owned()),
            Just("-inf".to_owned()),
        ]
        .prop_map(|text| Numeric::parse(&text).unwrap())
    }

    proptest! {
        #[test]
        fn keys_order_as_values(a in numeric(), b in numeric()) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b), "{} {}", a, b);
        }

        #[test]
        fn keys_decode(a in numeric(), tail in any::<[u8; 3]>()) {
            let mut bytes = key(&a);
            let length = bytes.len();
            bytes.extend_from_slice(&tail);
            let (back, taken) = Numeric::decode_key(&bytes).unwrap();
            prop_assert_eq!(taken, length);
            prop_assert_eq!(back.to_string(), a.trim_scale().to_string());
        }
    }
}
