//! Time zones: fixed offsets, abbreviations and the tz database.

use crate::error::{Result, SqlError};
use jiff::tz::TimeZone;

/// A time zone as `SET TimeZone` and `AT TIME ZONE` take it.
#[derive(Clone, Debug)]
pub struct Zone {
    rules: TimeZone,
    name: std::sync::Arc<str>,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { rules: TimeZone::UTC, name: "UTC".into() }
    }

    /// Finds a zone by tz database name, abbreviation or POSIX specification.
    ///
    /// # Errors
    /// 22023 `time zone "x" not recognized`.
    pub fn find(name: &str) -> Result<Zone> {
        let _ = name;
        Err(SqlError::unsupported("time zone names"))
    }

    /// A fixed offset in seconds east of Greenwich (ISO sign).
    pub fn fixed(seconds_east: i32) -> Result<Zone> {
        let _ = seconds_east;
        Err(SqlError::unsupported("time zone offsets"))
    }

    /// The name `SHOW TimeZone` prints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds east of Greenwich at the instant `ts` (microseconds since 2000-01-01 UTC).
    pub fn offset_at(&self, ts: i64) -> i32 {
        let _ = (ts, &self.rules);
        0
    }

    /// Seconds east of Greenwich for the local time `local` (microseconds since 2000-01-01, wall clock).
    pub fn offset_at_local(&self, local: i64) -> i32 {
        let _ = local;
        0
    }
}
