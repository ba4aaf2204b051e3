//! Bit strings: `bit(n)` and `bit varying(n)`.
//!
//! ```text
//! OFFSET  SIZE  DESCRIPTION
//!      0     4  number of bits, big-endian
//!      4     .  the bits, the first in the highest bit of the first byte; what is over in the last byte is zero
//! ```
//!
//! This is PostgreSQL's binary wire form, too. A string that is the beginning of another one is less than it; otherwise the first
//! differing bit decides.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::error::{Result, SqlError};
use crate::sql_err;

/// Most bits of a string (`VARBITMAXLEN`).
const BITS_MAX: usize = i32::MAX as usize - 7;
const HEADER: usize = 4;

/// A string of bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BitString(Arc<[u8]>);

/// What a function that takes two strings of one length does with the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BitOperation {
    And,
    Or,
    Xor,
}

#[cold]
fn too_long() -> SqlError {
    sql_err!(PROGRAM_LIMIT_EXCEEDED, "bit string length exceeds the maximum allowed ({BITS_MAX})")
}

impl BitString {
    /// Makes a string of `length` bits that `fill` writes into bytes that are zero; bits beyond the length are cleared.
    fn make(length: usize, fill: impl FnOnce(&mut [u8])) -> BitString {
        let mut all = vec![0; HEADER + length.div_ceil(8)];
        all[..HEADER].copy_from_slice(&(length as u32).to_be_bytes());
        fill(&mut all[HEADER..]);
        if !length.is_multiple_of(8)
            && let Some(last) = all[HEADER..].last_mut()
        {
            *last &= 0xff << (8 - length % 8);
        }
        BitString(all.into())
    }

    /// Takes the form described above, as it is stored.
    ///
    /// Returns `None` when the bytes are not of that form.
    pub fn from_stored(stored: &[u8]) -> Option<BitString> {
        let (length, bytes) = stored.split_first_chunk::<HEADER>()?;
        let length = u32::from_be_bytes(*length) as usize;
        (length <= BITS_MAX && bytes.len() == length.div_ceil(8))
            .then(|| Self::make(length, |out| out.copy_from_slice(bytes)))
    }

    /// The form described above.
    pub fn stored(&self) -> &[u8] {
        &self.0
    }

    /// The number of bits.
    pub fn len(&self) -> usize {
        self.0.first_chunk::<HEADER>().map_or(0, |length| u32::from_be_bytes(*length) as usize)
    }

    /// Whether there are no bits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bits, eight a byte.
    pub fn bytes(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    /// Bit `i` of those there are, counted from the left.
    pub fn bit(&self, i: usize) -> bool {
        self.bytes()[i / 8] >> (7 - i % 8) & 1 != 0
    }

    /// Reads the text form: binary digits, also after `b`, or hexadecimal ones after `x`.
    ///
    /// # Errors
    /// 22P02 for other characters.
    pub fn parse(text: &str) -> Result<BitString> {
        if let Some(digits) = text.strip_prefix(['x', 'X']) {
            let mut nibbles = Vec::with_capacity(digits.len());
            for c in digits.chars() {
                let digit = c.to_digit(16).ok_or_else(|| {
                    sql_err!(INVALID_TEXT_REPRESENTATION, "\"{c}\" is not a valid hexadecimal digit")
                })?;
                nibbles.push(digit as u8);
            }
            if nibbles.len() > BITS_MAX / 4 {
                return Err(too_long());
            }
            return Ok(Self::make(nibbles.len() * 4, |out| {
                for (i, nibble) in nibbles.iter().enumerate() {
                    out[i / 2] |= nibble << (4 * (1 - i % 2));
                }
            }));
        }
        let digits = text.strip_prefix(['b', 'B']).unwrap_or(text);
        if digits.len() > BITS_MAX {
            return Err(too_long());
        }
        if let Some(c) = digits.chars().find(|c| !matches!(c, '0' | '1')) {
            return Err(sql_err!(INVALID_TEXT_REPRESENTATION, "\"{c}\" is not a valid binary digit"));
        }
        Ok(Self::make(digits.len(), |out| {
            for (i, digit) in digits.bytes().enumerate() {
                out[i / 8] |= (digit & 1) << (7 - i % 8);
            }
        }))
    }

    /// Appends the text form, binary digits.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend((0..self.len()).map(|i| b'0' + u8::from(self.bit(i))));
    }

    /// Reads the binary form.
    ///
    /// # Errors
    /// 22P03, 08P01.
    pub fn recv(bytes: &[u8]) -> Result<BitString> {
        let Some((length, rest)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(sql_err!(PROTOCOL_VIOLATION, "insufficient data left in message"));
        };
        let length = match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) if length <= BITS_MAX => length,
            _ => {
                return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "invalid length in external bit string"));
            }
        };
        match rest.len().cmp(&length.div_ceil(8)) {
            Ordering::Less => Err(sql_err!(PROTOCOL_VIOLATION, "insufficient data left in message")),
            Ordering::Greater => Err(sql_err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format")),
            Ordering::Equal => Ok(Self::make(length, |out| out.copy_from_slice(rest))),
        }
    }

    /// Cuts on the right, or appends zeros, to `length` bits.
    pub fn resized(&self, length: usize) -> BitString {
        if length == self.len() {
            return self.clone();
        }
        Self::make(length, |out| {
            let kept = out.len().min(self.bytes().len());
            out[..kept].copy_from_slice(&self.bytes()[..kept]);
        })
    }

    /// Does what `bit(n)` does to a value.
    ///
    /// # Errors
    /// 22026 for another length, unless the cast is an explicit one, which cuts or appends zeros.
    pub fn fit_fixed(self, length: i32, explicit: bool) -> Result<BitString> {
        let have = self.len();
        if length < 1 || have == length as usize {
            return Ok(self);
        }
        if !explicit {
            return Err(sql_err!(
                STRING_DATA_LENGTH_MISMATCH,
                "bit string length {have} does not match type bit({length})"
            ));
        }
        Ok(self.resized(length as usize))
    }

    /// Does what `bit varying(n)` does to a value.
    ///
    /// # Errors
    /// 22001 for a longer one, unless the cast is an explicit one, which cuts.
    pub fn fit_varying(self, length: i32, explicit: bool) -> Result<BitString> {
        if length < 1 || self.len() <= length as usize {
            return Ok(self);
        }
        if !explicit {
            return Err(sql_err!(
                STRING_DATA_RIGHT_TRUNCATION,
                "bit string too long for type bit varying({length})"
            ));
        }
        Ok(self.resized(length as usize))
    }

    /// Combines two strings of one length bit by bit.
    ///
    /// # Errors
    /// 22026 for different lengths.
    pub fn combine(&self, other: &BitString, with: BitOperation) -> Result<BitString> {
        if self.len() != other.len() {
            let name = match with {
                BitOperation::And => "AND",
                BitOperation::Or => "OR",
                BitOperation::Xor => "XOR",
            };
            return Err(sql_err!(
                STRING_DATA_LENGTH_MISMATCH,
                "cannot {name} bit strings of different sizes"
            ));
        }
        Ok(Self::make(self.len(), |out| {
            for (slot, (a, b)) in out.iter_mut().zip(self.bytes().iter().zip(other.bytes())) {
                *slot = match with {
                    BitOperation::And => a & b,
                    BitOperation::Or => a | b,
                    BitOperation::Xor => a ^ b,
                };
            }
        }))
    }

    /// Each bit turned.
    pub fn inverted(&self) -> BitString {
        Self::make(self.len(), |out| {
            for (slot, byte) in out.iter_mut().zip(self.bytes()) {
                *slot = !byte;
            }
        })
    }

    /// Shifted to the left, or to the right by a negative distance; zeros come in.
    pub fn shifted_left(&self, distance: i64) -> BitString {
        let length = self.len();
        let by = distance.unsigned_abs().min(length as u64) as usize;
        Self::make(length, |out| {
            if distance >= 0 {
                copy_bits(self.bytes(), by, out, 0, length - by);
            } else {
                copy_bits(self.bytes(), 0, out, by, length - by);
            }
        })
    }

    /// One string behind the other.
    ///
    /// # Errors
    /// 54000 when it gets too long.
    pub fn concat(&self, other: &BitString) -> Result<BitString> {
        let (a, b) = (self.len(), other.len());
        if a + b > BITS_MAX {
            return Err(too_long());
        }
        Ok(Self::make(a + b, |out| {
            out[..self.bytes().len()].copy_from_slice(self.bytes());
            copy_bits(other.bytes(), 0, out, a, b);
        }))
    }

    /// The part from position `from` (counted from 1) of `length` bits, or to the end; what is outside does not count.
    ///
    /// # Errors
    /// 22011 for a negative length.
    pub fn substring(&self, from: i32, length: Option<i32>) -> Result<BitString> {
        let end = self.len() as i64 + 1;
        let stop = match length {
            None => end,
            Some(length) if length < 0 => {
                return Err(sql_err!(SUBSTRING_ERROR, "negative substring length not allowed"));
            }
            Some(length) => (i64::from(from) + i64::from(length)).min(end),
        };
        let start = i64::from(from).max(1);
        let length = (stop - start).max(0) as usize;
        Ok(Self::make(length, |out| copy_bits(self.bytes(), start as usize - 1, out, 0, length)))
    }

    /// With `length` bits from position `from` replaced by `new`.
    ///
    /// # Errors
    /// 22011 for a position below 1, 22003.
    pub fn overlay(&self, new: &BitString, from: i32, length: i32) -> Result<BitString> {
        if from <= 0 {
            return Err(sql_err!(SUBSTRING_ERROR, "negative substring length not allowed"));
        }
        let after = from
            .checked_add(length)
            .ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
        self.substring(1, Some(from - 1))?.concat(new)?.concat(&self.substring(after, None)?)
    }

    /// Where `part` is found first, counted from 1; 0 when it is not, and in an empty string.
    pub fn position(&self, part: &BitString) -> i32 {
        let (length, width) = (self.len(), part.len());
        if length == 0 || width == 0 {
            return i32::from(length > 0);
        }
        let found = (0..(length + 1).saturating_sub(width))
            .find(|&at| (0..width).all(|i| self.bit(at + i) == part.bit(i)));
        found.map_or(0, |at| at as i32 + 1)
    }

    /// How many bits are set.
    pub fn count_ones(&self) -> i64 {
        self.bytes().iter().map(|byte| i64::from(byte.count_ones())).sum()
    }

    fn index(&self, n: i32) -> Result<usize> {
        let length = self.len();
        match usize::try_from(n) {
            Ok(at) if at < length => Ok(at),
            _ => Err(sql_err!(
                ARRAY_SUBSCRIPT_ERROR,
                "bit index {n} out of valid range (0..{})",
                length as i64 - 1
            )),
        }
    }

    /// Bit `n`, counted from 0 on the left.
    ///
    /// # Errors
    /// 2202E when there is none.
    pub fn get(&self, n: i32) -> Result<bool> {
        self.index(n).map(|at| self.bit(at))
    }

    /// With bit `n` set to `value`.
    ///
    /// # Errors
    /// 2202E when there is none, 22023 for a value other than 0 and 1.
    pub fn with_bit(&self, n: i32, value: i32) -> Result<BitString> {
        let at = self.index(n)?;
        if value != 0 && value != 1 {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"));
        }
        Ok(Self::make(self.len(), |out| {
            out.copy_from_slice(self.bytes());
            let mask = 0x80 >> (at % 8);
            out[at / 8] = if value == 1 { out[at / 8] | mask } else { out[at / 8] & !mask };
        }))
    }

    /// The lowest `length` bits of an integer, sign-extended; one bit without a length.
    pub fn from_integer(value: i64, length: i32) -> BitString {
        let length =
            usize::try_from(length).ok().filter(|n| (1..=super::info::BIT_LENGTH_MAX as usize).contains(n));
        let length = length.unwrap_or(1);
        Self::make(length, |out| {
            for i in 0..length {
                let shift = (length - 1 - i).min(63);
                out[i / 8] |= ((value >> shift & 1) as u8) << (7 - i % 8);
            }
        })
    }

    /// The bits as a number; `None` when there are more than `width`.
    pub fn to_integer(&self, width: usize) -> Option<u64> {
        (self.len() <= width).then(|| (0..self.len()).fold(0, |value, i| value << 1 | u64::from(self.bit(i))))
    }
}

/// Copies `count` bits from position `from` of one string to position `to` of another, where they are zero.
fn copy_bits(source: &[u8], from: usize, target: &mut [u8], to: usize, count: usize) {
    if from.is_multiple_of(8) && to.is_multiple_of(8) {
        let bytes = count.div_ceil(8);
        target[to / 8..to / 8 + bytes].copy_from_slice(&source[from / 8..from / 8 + bytes]);
        return;
    }
    for i in 0..count {
        let bit = source[(from + i) / 8] >> (7 - (from + i) % 8) & 1;
        target[(to + i) / 8] |= bit << (7 - (to + i) % 8);
    }
}

impl Ord for BitString {
    fn cmp(&self, other: &Self) -> Ordering {
        let common = self.bytes().len().min(other.bytes().len());
        self.bytes()[..common].cmp(&other.bytes()[..common]).then_with(|| self.len().cmp(&other.len()))
    }
}

impl PartialOrd for BitString {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str) -> BitString {
        BitString::parse(text).unwrap()
    }

    fn text(value: &BitString) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_and_stored_form() {
        for (input, want) in
            [("", ""), ("b101", "101"), ("X1f", "00011111"), ("x", ""), ("000000001", "000000001")]
        {
            let value = bits(input);
            assert_eq!(text(&value), want);
            assert_eq!(BitString::from_stored(value.stored()).unwrap(), value);
            assert_eq!(BitString::recv(value.stored()).unwrap(), value);
        }
        for wrong in ["102", "xg", "b2", " 1"] {
            assert!(BitString::parse(wrong).is_err(), "{wrong}");
        }
        assert!(BitString::from_stored(&[0, 0, 0, 9, 1]).is_none() && BitString::recv(&[0, 0]).is_err());
        // Bits beyond the length do not count.
        assert_eq!(BitString::recv(&[0, 0, 0, 3, 0xff]).unwrap(), bits("111"));
    }

    #[test]
    fn parts() {
        let value = bits("1011001110");
        assert_eq!(text(&value.substring(3, Some(4)).unwrap()), "1100");
        assert_eq!(text(&value.substring(-2, Some(5)).unwrap()), "10");
        assert_eq!(text(&value.substring(11, None).unwrap()), "");
        assert_eq!(text(&value.substring(2, Some(i32::MAX)).unwrap()), "011001110");
        assert_eq!(text(&value.shifted_left(3)), "1001110000");
        assert_eq!(text(&value.shifted_left(-3)), "0001011001");
        assert_eq!(text(&value.shifted_left(i64::MIN)), "0000000000");
        assert_eq!(text(&value.overlay(&bits("000"), 2, 1).unwrap()), "100011001110");
        assert_eq!(
            (value.position(&bits("0011")), value.position(&bits("0000")), value.position(&bits(""))),
            (5, 0, 1)
        );
    }

    #[test]
    fn integers() {
        assert_eq!(text(&BitString::from_integer(-2, 4)), "1110");
        assert_eq!(text(&BitString::from_integer(-2, 70)), format!("{}0", "1".repeat(69)));
        assert_eq!(text(&BitString::from_integer(5, 0)), "1");
        assert_eq!(bits("1110").to_integer(32), Some(14));
        assert_eq!(BitString::from_integer(-1, 33).to_integer(32), None);
    }
}
