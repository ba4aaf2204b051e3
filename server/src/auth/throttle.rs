//! The brake on password guessing: failed logins of one address cost it growing delays.
//!
//! The first [`FREE_FAILURES`] failures within the window are free; each further one doubles the delay up to [`DELAY_MAX`].
//! A success clears the address. The table is bounded: when it is full, the addresses that have been quiet longest go.

use std::net::IpAddr;
use std::time::Duration;

use dashmap::DashMap;

/// Failures that cost nothing.
pub const FREE_FAILURES: u32 = 5;
/// The longest delay.
pub const DELAY_MAX: Duration = Duration::from_secs(4);
const FIRST_DELAY: Duration = Duration::from_millis(125);
const WINDOW_NANOS: u64 = 60_000_000_000;
const ADDRESSES_MAX: usize = 4096;

#[derive(Clone, Copy)]
struct Record {
    failures: u32,
    last_nanos: u64,
}

/// Failed logins by address.
#[derive(Default)]
pub struct Throttle {
    records: DashMap<IpAddr, Record>,
}

impl Throttle {
    /// Notes a failure; returns how long to wait before the client is told.
    pub fn failed(&self, address: IpAddr, now_nanos: u64) -> Duration {
        if self.records.len() >= ADDRESSES_MAX {
            self.records.retain(|_, r| now_nanos.saturating_sub(r.last_nanos) < WINDOW_NANOS);
        }
        let mut record = self.records.entry(address).or_insert(Record { failures: 0, last_nanos: now_nanos });
        if now_nanos.saturating_sub(record.last_nanos) >= WINDOW_NANOS {
            record.failures = 0;
        }
        record.failures = record.failures.saturating_add(1);
        record.last_nanos = now_nanos;
        match record.failures.checked_sub(FREE_FAILURES + 1) {
            None => Duration::ZERO,
            Some(doublings) => (FIRST_DELAY * 2u32.saturating_pow(doublings.min(16))).min(DELAY_MAX),
        }
    }

    /// Notes a success.
    pub fn succeeded(&self, address: IpAddr) {
        self.records.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_clear() {
        let throttle = Throttle::default();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let delays: Vec<_> = (0..12).map(|n| throttle.failed(address, n).as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 125, 250, 500, 1000, 2000, 4000, 4000]);
        assert_eq!(throttle.failed("192.0.2.2".parse().unwrap(), 12), Duration::ZERO);
        throttle.succeeded(address);
        assert_eq!(throttle.failed(address, 13), Duration::ZERO);
        for n in 0..8 {
            throttle.failed(address, n);
        }
        assert_eq!(throttle.failed(address, 2 * WINDOW_NANOS), Duration::ZERO);
    }
}
