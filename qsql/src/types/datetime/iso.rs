//! The short way in for what most dates and timestamps are: `2024-02-29`, `2024-02-29 12:34:56.789+02`.
//!
//! These functions read exactly those forms with four-digit years and valid fields, and leave everything else, errors
//! included, to the full grammar by returning `None`.

use super::calendar::{join_time, month_days, to_julian};
use super::{EPOCH_JULIAN, USECS_PER_DAY};

/// Reads two digits.
#[inline]
fn pair(bytes: &[u8], at: usize) -> Option<i32> {
    let (a, b) = (bytes[at].wrapping_sub(b'0'), bytes[at + 1].wrapping_sub(b'0'));
    (a <= 9 && b <= 9).then_some(i32::from(a) * 10 + i32::from(b))
}

/// Reads `yyyy-mm-dd` at the front; returns days since 2000-01-01.
#[inline]
fn date_prefix(bytes: &[u8]) -> Option<i64> {
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = pair(bytes, 0)? * 100 + pair(bytes, 2)?;
    let (month, day) = (pair(bytes, 5)?, pair(bytes, 8)?);
    let valid = year > 0 && (1..=12).contains(&month) && day >= 1 && day <= month_days(year, month);
    valid.then(|| to_julian(year, month, day) - EPOCH_JULIAN)
}

/// Reads `yyyy-mm-dd`.
#[inline]
pub fn date(bytes: &[u8]) -> Option<i32> {
    if bytes.len() != 10 {
        return None;
    }
    date_prefix(bytes).map(|days| days as i32)
}

/// Reads `hh:mm:ss[.f{1,6}]` at the front; returns microseconds and the rest.
#[inline]
pub fn time_prefix(bytes: &[u8]) -> Option<(i64, &[u8])> {
    if bytes.len() < 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (pair(bytes, 0)?, pair(bytes, 3)?, pair(bytes, 6)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = &bytes[8..];
    let mut micros = 0;
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 6 {
            return None;
        }
        for &b in &fraction[..digits] {
            micros = micros * 10 + i32::from(b - b'0');
        }
        micros *= 10i32.pow(6 - digits as u32);
        rest = &fraction[digits..];
    }
    Some((join_time(hour, minute, second, micros), rest))
}

/// Reads `yyyy-mm-dd[( |T)hh:mm:ss[.f][offset]]`; returns the local timestamp and the seconds east, if an offset is given
/// as `Z`, `+hh` or `+hh:mm`.
#[inline]
pub fn timestamp(bytes: &[u8]) -> Option<(i64, Option<i32>)> {
    let days = date_prefix(bytes)?;
    let start = days * USECS_PER_DAY;
    if bytes.len() == 10 {
        return Some((start, None));
    }
    if bytes[10] != b' ' && bytes[10] != b'T' {
        return None;
    }
    let (time, rest) = time_prefix(&bytes[11..])?;
    let east = match rest {
        [] => None,
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let seconds = match digits.len() {
                2 => pair(digits, 0)? * 3600,
                5 if digits[2] == b':' => pair(digits, 0)? * 3600 + pair(digits, 3).filter(|m| *m < 60)? * 60,
                _ => return None,
            };
            if seconds >= 16 * 3600 {
                return None;
            }
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => return None,
    };
    Some((start + time, east))
}
