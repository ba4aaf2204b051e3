//! `uuid`: comparison, generation (RFC 9562), extraction.

use super::EvalCx;
use super::args::{TsTz, Uuid, order, scalar};
use crate::types::Interval;
use crate::types::datetime::arith::timestamptz_add;

/// Microseconds from 1970-01-01 to 2000-01-01.
const UNIX_TO_EPOCH: i64 = 946_684_800_000_000;

scalar! {
    gen_random_uuid[cx]() -> Uuid = {
        let bytes = (u128::from(cx.host.random()) << 64) | u128::from(cx.host.random());
        stamped(bytes, 4)
    };
    uuidv7[cx]() -> Uuid = {
        let now = cx.host.clock_time();
        version7(cx, now)
    };
    uuidv7_interval[cx](shift: &Interval) -> Uuid = {
        let at = timestamptz_add(cx.host.clock_time(), shift, &cx.io.time_zone)?;
        version7(cx, at)
    };
    uuid_extract_version(u: Uuid) -> Option<i16> = (u.0[8] & 0xc0 == 0x80).then_some(i16::from(u.0[6] >> 4));
    uuid_extract_timestamp(u: Uuid) -> Option<TsTz> = timestamp(u);
}

order!(|a: Uuid, b: Uuid| a.cmp(&b), Uuid, Uuid; uuid_eq, uuid_ne, uuid_lt, uuid_le, uuid_gt, uuid_ge, uuid_cmp);

/// Sets version and variant.
fn stamped(bits: u128, version: u8) -> Uuid {
    let mut bytes: [u8; 16] = std::array::from_fn(|i| (bits >> (120 - 8 * i)) as u8);
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid(bytes)
}

/// 48 bits of milliseconds, 12 bits of the fraction of the millisecond, 62 random bits.
fn version7(cx: &mut EvalCx<'_>, micros: i64) -> Uuid {
    let unix = micros.saturating_add(UNIX_TO_EPOCH);
    let millis = (unix.div_euclid(1000) as u128) & 0xffff_ffff_ffff;
    let fraction = (unix.rem_euclid(1000) as u128) * 4096 / 1000;
    stamped(millis << 80 | fraction << 64 | u128::from(cx.host.random()), 7)
}

fn timestamp(u: Uuid) -> Option<TsTz> {
    let b = u.0;
    if b[8] & 0xc0 != 0x80 {
        return None;
    }
    let word = |range: &[u8]| range.iter().fold(0_i64, |v, &b| v << 8 | i64::from(b));
    match b[6] >> 4 {
        1 => {
            // 100 ns steps since 1582-10-15.
            let ticks = (word(&b[6..8]) & 0xfff) << 48 | word(&b[4..6]) << 32 | word(&b[..4]);
            Some(TsTz(ticks / 10 - (2_451_545 - 2_299_161) * 86_400_000_000))
        }
        7 => Some(TsTz(word(&b[..6]) * 1000 - UNIX_TO_EPOCH)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_stamped() {
        let Uuid(bytes) = stamped(u128::MAX, 4);
        assert_eq!((bytes[6], bytes[8]), (0x4f, 0xbf));
    }

    #[test]
    fn time_of_version_1() {
        // RFC 9562's example C232AB00-9414-11EC-B3C8-9F6BDECED846: 2022-02-22 19:22:22 UTC.
        let bytes = 0xC232_AB00_9414_11EC_B3C8_9F6B_DECE_D846_u128;
        let u = Uuid(std::array::from_fn(|i| (bytes >> (120 - 8 * i)) as u8));
        assert_eq!(timestamp(u).map(|t| t.0), Some(1_645_557_742_000_000 - UNIX_TO_EPOCH));
    }
}
