//! Time zones: fixed offsets, abbreviations and the tz database.
//!
//! The database is compiled in (crate `jiff`); it knows the years -9999 to 9999, beyond which the rules of the calendar's
//! 400-year cycle repeat.
//!
//! As in PostgreSQL 18, an abbreviation is looked up among those of the session's zone first, then in the default set.

use super::abbreviations::{self, Abbreviation};
use super::{UNIX_EPOCH_SHIFT, USECS_PER_SEC};
use crate::error::Result;
use crate::sql_err;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::sync::Arc;

/// Seconds in 400 years, after which the calendar repeats.
const CYCLE: i64 = 146_097 * 86_400;
/// Last instant of the database in seconds since 1970.
const LAST: i64 = 253_402_207_200;
/// First instant of the database.
const FIRST: i64 = -377_705_023_201;
/// A transition lies within a day of the local times that it makes ambiguous.
const AROUND: i64 = 86_400 * USECS_PER_SEC;
/// The change-over rule of a POSIX zone that names none: that of the United States.
const POSIX_RULE: &str = ",M3.2.0,M11.1.0";

/// Names of the tz database, for `pg_timezone_names`.
pub fn names() -> impl Iterator<Item = String> {
    jiff::tz::db().available().map(|name| name.as_str().to_owned())
}

/// The abbreviations with their offset (seconds east of Greenwich) and whether they mean daylight-saving time, as of `ts`, for
/// `pg_timezone_abbrevs`.
pub fn abbreviations(ts: i64) -> impl Iterator<Item = (String, i32, bool)> {
    abbreviations::all().map(move |(name, meaning)| {
        let shown = name.to_ascii_uppercase();
        match meaning {
            Abbreviation::Fixed { seconds, daylight } => (shown, seconds, daylight),
            Abbreviation::Zone(zone) => match Zone::abbreviated(name, zone) {
                Some(zone) => (shown, zone.offset_at(ts), zone.is_daylight_at(ts)),
                None => (shown, 0, false),
            },
        }
    })
}

/// Longest abbreviation.
const ABBREVIATION_LENGTH_MAX: usize = 10;
/// Zones changed nothing before this (1800), in seconds since 1970.
const HISTORY_START: i64 = -5_364_662_400;
/// The tz database's tables end here (2037); beyond it, rules go on as they were.
const HISTORY_END: i64 = 2_145_916_800;
/// Names that have become other names of a zone with a history.
const LINKS: [(&str, &str); 4] = [
    ("cst6cdt", "America/Chicago"),
    ("est5edt", "America/New_York"),
    ("mst7mdt", "America/Denver"),
    ("pst8pdt", "America/Los_Angeles"),
];

/// What an abbreviation means.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// One offset.
    Fixed {
        /// Seconds east of Greenwich.
        seconds: i32,
        /// Whether it is daylight-saving time.
        daylight: bool,
    },
    /// The offset that this zone had, has or will have under it.
    Changing(Zone),
}

/// A time zone as `SET TimeZone` and `AT TIME ZONE` take it.
#[derive(Clone, Debug)]
pub struct Zone {
    rules: Rules,
    name: Arc<str>,
}

#[derive(Clone, Debug)]
enum Rules {
    /// Seconds east of Greenwich, and the abbreviation printed.
    Fixed(i32, Arc<str>),
    Database(TimeZone),
    /// An abbreviation that stands for the offset which this zone had, has or will have under it.
    Abbreviated(TimeZone, Arc<str>),
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { rules: Rules::Fixed(0, "UTC".into()), name: "UTC".into() }
    }

    /// Finds a zone as `AT TIME ZONE` does: abbreviation, tz database name, POSIX specification.
    ///
    /// # Errors
    /// 22023 `time zone "x" not recognized`.
    pub fn find(name: &str) -> Result<Zone> {
        Zone::find_in(name, &Zone::utc())
    }

    /// As [`Zone::find`], where the abbreviations of the session's zone come first.
    ///
    /// # Errors
    /// 22023 `time zone "x" not recognized`.
    pub fn find_in(name: &str, session: &Zone) -> Result<Zone> {
        match Zone::abbreviation(name, session) {
            Some(Meaning::Fixed { seconds, .. }) => Some(Zone::named(name, seconds)),
            Some(Meaning::Changing(zone)) => Some(zone),
            None => Zone::by_name(name),
        }
        .ok_or_else(|| sql_err!(INVALID_PARAMETER_VALUE, "time zone \"{name}\" not recognized"))
    }

    /// As [`Zone::find_in`], where an abbreviation whose meaning changed stands for its whole zone.
    ///
    /// # Errors
    /// 22023 `time zone "x" not recognized`.
    pub fn find_whole(name: &str, session: &Zone) -> Result<Zone> {
        let found = Zone::find_in(name, session)?;
        Ok(match found.rules {
            Rules::Abbreviated(rules, _) => Zone { rules: Rules::Database(rules), name: found.name },
            rules => Zone { rules, name: found.name },
        })
    }

    /// As [`Zone::find_in`], where an offset counts east of Greenwich: the zone of `make_timestamptz`.
    ///
    /// # Errors
    /// 22023
    pub fn find_signed(name: &str, session: &Zone) -> Result<Zone> {
        match name.as_bytes().first() {
            Some(b'0'..=b'9') => {
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "invalid input syntax for type numeric time zone: \"{name}\""
                )
                .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
            }
            Some(b'+' | b'-') => match super::fields::offset(name) {
                Ok(seconds) => return Ok(Zone::offset(seconds)),
                Err(super::Fault::Format) => {}
                Err(_) => {
                    return Err(sql_err!(
                        INVALID_PARAMETER_VALUE,
                        "numeric time zone \"{name}\" out of range"
                    ));
                }
            },
            _ => {}
        }
        Zone::find_in(name, session)
    }

    /// The zone of an abbreviation, those of the session's zone first.
    pub fn find_abbreviation(word: &str, session: &Zone) -> Option<Zone> {
        match Zone::abbreviation(word, session)? {
            Meaning::Fixed { seconds, .. } => Some(Zone::named(word, seconds)),
            Meaning::Changing(zone) => Some(zone),
        }
    }

    /// What a word means as an abbreviation; `None` when it is none.
    pub(super) fn abbreviation(word: &str, session: &Zone) -> Option<Meaning> {
        /// The last word looked up and the session's zone: a column of values names few.
        type Last = Option<(Arc<str>, Box<str>, Option<Meaning>)>;
        thread_local!(static LAST: RefCell<Last> = const { RefCell::new(None) });
        if word.len() > ABBREVIATION_LENGTH_MAX || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        LAST.with_borrow_mut(|last| {
            if let Some((zone, known, meaning)) = last
                && **known == *word
                && *zone == session.name
            {
                return meaning.clone();
            }
            let meaning = session.own_abbreviation(word).or_else(|| {
                let lower = word.to_ascii_lowercase();
                match abbreviations::find(&lower)? {
                    Abbreviation::Fixed { seconds, daylight } => Some(Meaning::Fixed { seconds, daylight }),
                    Abbreviation::Zone(zone) => Zone::abbreviated(&lower, zone).map(Meaning::Changing),
                }
            });
            *last = Some((session.name.clone(), word.into(), meaning.clone()));
            meaning
        })
    }

    /// What a word means in this zone's history.
    fn own_abbreviation(&self, word: &str) -> Option<Meaning> {
        let upper = word.to_ascii_uppercase();
        let rules = match &self.rules {
            Rules::Fixed(seconds, name) => {
                return (**name == *upper).then_some(Meaning::Fixed { seconds: *seconds, daylight: false });
            }
            Rules::Database(rules) | Rules::Abbreviated(rules, _) => rules,
        };
        let first = rules.to_offset_info(Timestamp::MIN);
        let first = (first.abbreviation() == upper).then(|| (first.offset().seconds(), first.dst().is_dst()));
        let start = Timestamp::from_second(HISTORY_START).ok()?;
        let end = Timestamp::from_second(HISTORY_END).ok()?;
        let later = rules.following(start).take_while(|t| t.timestamp() < end);
        let later =
            later.filter(|t| t.abbreviation() == upper).map(|t| (t.offset().seconds(), t.dst().is_dst()));
        let mut all = first.into_iter().chain(later);
        let (seconds, daylight) = all.next()?;
        Some(match all.all(|other| other == (seconds, daylight)) {
            true => Meaning::Fixed { seconds, daylight },
            false => Meaning::Changing(Zone {
                rules: Rules::Abbreviated(rules.clone(), upper.as_str().into()),
                name: upper.into(),
            }),
        })
    }

    /// The abbreviations of this zone's history with what each means at an instant: the last meaning before, else the first after it.
    pub fn own_abbreviations(&self, ts: i64) -> Vec<(String, i32, bool)> {
        let rules = match &self.rules {
            Rules::Fixed(seconds, name) => return vec![(name.to_string(), *seconds, false)],
            Rules::Database(rules) | Rules::Abbreviated(rules, _) => rules,
        };
        let (Ok(start), Ok(end)) =
            (Timestamp::from_second(HISTORY_START), Timestamp::from_second(HISTORY_END))
        else {
            return Vec::new();
        };
        let now = instant(ts);
        let first = rules.to_offset_info(Timestamp::MIN);
        let mut all = vec![(first.abbreviation().to_owned(), first.offset().seconds(), first.dst().is_dst())];
        for change in rules.following(start).take_while(|t| t.timestamp() < end) {
            let meaning = (change.offset().seconds(), change.dst().is_dst());
            match all.iter_mut().find(|(name, ..)| *name == change.abbreviation()) {
                Some(known) if change.timestamp() <= now => (known.1, known.2) = meaning,
                Some(_) => {}
                None => all.push((change.abbreviation().to_owned(), meaning.0, meaning.1)),
            }
        }
        all.retain(|(name, ..)| name.bytes().all(|b| b.is_ascii_alphabetic()));
        all
    }

    /// Finds a zone as `SET TimeZone` does: hours east of Greenwich, tz database name, POSIX specification.
    ///
    /// # Errors
    /// 22023 `invalid value for parameter "TimeZone"`.
    pub fn find_setting(value: &str) -> Result<Zone> {
        if let Ok(hours) = value.trim().parse::<f64>()
            && !value.starts_with(['+', '-'])
            && hours.abs() <= 167.0
        {
            return Ok(Zone::offset((hours * 3600.0) as i32));
        }
        Zone::by_name(value).ok_or_else(|| {
            sql_err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"TimeZone\": \"{value}\"")
        })
    }

    /// Finds a zone by tz database name or POSIX specification.
    pub fn by_name(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case("utc") {
            return Some(Zone::utc());
        }
        Zone::in_database(name).or_else(|| Zone::posix(name))
    }

    /// The zone of an abbreviation whose meaning changed over time.
    pub(super) fn abbreviated(abbreviation: &str, zone: &str) -> Option<Zone> {
        let rules = TimeZone::get(zone).ok()?;
        let abbreviation: Arc<str> = abbreviation.to_ascii_uppercase().into();
        Some(Zone { rules: Rules::Abbreviated(rules, abbreviation.clone()), name: abbreviation })
    }

    fn in_database(name: &str) -> Option<Zone> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, target)) = LINKS.iter().find(|(link, _)| *link == lower) {
            let rules = TimeZone::get(target).ok()?;
            return Some(Zone { rules: Rules::Database(rules), name: name.to_ascii_uppercase().into() });
        }
        let rules = TimeZone::get(name).ok()?;
        let name = rules.iana_name().unwrap_or(name).into();
        Some(Zone { rules: Rules::Database(rules), name })
    }

    /// Reads `STD offset [DST [offset]] [rule]`, where an offset counts west of Greenwich.
    fn posix(text: &str) -> Option<Zone> {
        let (standard, rest) = match text.strip_prefix('<') {
            Some(quoted) => quoted.split_once('>')?,
            None => text.split_at(text.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ','))?),
        };
        let (offset, after) = posix_offset(rest)?;
        if after.is_empty() {
            return Some(Zone { rules: Rules::Fixed(-offset, standard.into()), name: text.into() });
        }
        let full = if after.contains(',') { text.to_owned() } else { format!("{text}{POSIX_RULE}") };
        Some(Zone { rules: Rules::Database(TimeZone::posix(&full).ok()?), name: text.into() })
    }

    fn named(name: &str, seconds_east: i32) -> Zone {
        Zone { rules: Rules::Fixed(seconds_east, name.to_ascii_uppercase().into()), name: name.into() }
    }

    /// A fixed offset in seconds east of Greenwich (ISO sign), named as `SET TIME ZONE INTERVAL` names it.
    pub fn offset(seconds_east: i32) -> Zone {
        let iso = offset_text(seconds_east);
        let west = offset_text(-seconds_east);
        let west = west.strip_prefix('+').unwrap_or(&west);
        let sign = if seconds_east <= 0 { "+" } else { "" };
        Zone {
            rules: Rules::Fixed(seconds_east, iso.as_str().into()),
            name: format!("<{iso}>{sign}{west}").into(),
        }
    }

    /// A fixed offset in seconds east of Greenwich, of at most a week.
    ///
    /// # Errors
    /// 22023 beyond it.
    pub fn fixed(seconds_east: i32) -> Result<Zone> {
        const WEEK: u32 = 7 * 86_400;
        if seconds_east.unsigned_abs() >= WEEK {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "time zone displacement out of range"));
        }
        Ok(Zone::offset(seconds_east))
    }

    /// As [`Zone::offset`], for `AT TIME ZONE` with an interval.
    ///
    /// # Errors
    /// 22023 when the interval has months or days.
    pub fn of_interval(iv: &super::super::Interval) -> Result<Zone> {
        let cx = super::super::IoContext::default();
        let mut text = Vec::new();
        super::interval::write(iv, &cx, &mut text);
        let text = String::from_utf8_lossy(&text);
        if super::interval::is_infinite(iv) {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "interval time zone \"{text}\" must be finite"));
        }
        if iv.months != 0 || iv.days != 0 {
            return Err(sql_err!(
                INVALID_PARAMETER_VALUE,
                "interval time zone \"{text}\" must not include months or days"
            ));
        }
        let seconds = iv.micros / USECS_PER_SEC;
        i32::try_from(seconds).map(Zone::offset).map_err(|_| super::interval_out_of_range())
    }

    /// The name `SHOW TimeZone` prints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the offset never changes.
    pub fn fixed_offset(&self) -> Option<i32> {
        match &self.rules {
            Rules::Fixed(seconds, _) => Some(*seconds),
            Rules::Database(rules) => rules.to_fixed_offset().ok().map(|offset| offset.seconds()),
            Rules::Abbreviated(..) => None,
        }
    }

    /// Seconds east of Greenwich at the instant `ts` (microseconds since 2000-01-01 UTC).
    #[inline]
    pub fn offset_at(&self, ts: i64) -> i32 {
        match &self.rules {
            Rules::Fixed(seconds, _) => *seconds,
            Rules::Database(rules) => rules.to_offset(instant(ts)).seconds(),
            Rules::Abbreviated(rules, abbreviation) => abbreviated(rules, abbreviation, instant(ts)).0,
        }
    }

    /// The abbreviation in use at the instant `ts`, such as `CEST`.
    pub fn abbreviation_at(&self, ts: i64) -> String {
        match &self.rules {
            Rules::Fixed(_, abbreviation) => abbreviation.to_string(),
            Rules::Database(rules) => rules.to_offset_info(instant(ts)).abbreviation().to_owned(),
            Rules::Abbreviated(_, abbreviation) => abbreviation.to_string(),
        }
    }

    /// Whether daylight-saving time is in use at the instant `ts`.
    pub fn is_daylight_at(&self, ts: i64) -> bool {
        match &self.rules {
            Rules::Fixed(..) => false,
            Rules::Database(rules) => rules.to_offset_info(instant(ts)).dst().is_dst(),
            Rules::Abbreviated(rules, abbreviation) => abbreviated(rules, abbreviation, instant(ts)).1,
        }
    }

    /// Seconds east of Greenwich for the local time `local` (microseconds since 2000-01-01, wall clock).
    ///
    /// A time skipped in spring counts with the offset before the change, one repeated in autumn with that after it.
    #[inline]
    pub fn offset_at_local(&self, local: i64) -> i32 {
        match &self.rules {
            Rules::Fixed(seconds, _) => return *seconds,
            Rules::Database(_) => {}
            Rules::Abbreviated(rules, _) => {
                let zone = Zone { rules: Rules::Database(rules.clone()), name: self.name.clone() };
                return self.offset_at(local - i64::from(zone.offset_at_local(local)) * USECS_PER_SEC);
            }
        }
        let before = self.offset_at(local.saturating_sub(AROUND));
        let after = self.offset_at(local.saturating_add(AROUND));
        if before == after {
            return before;
        }
        let holds =
            |offset: i32| self.offset_at(local.saturating_sub(i64::from(offset) * USECS_PER_SEC)) == offset;
        match (holds(before), holds(after)) {
            (true, false) | (false, false) => before,
            _ => after,
        }
    }
}

/// The offset that the zone last had under the abbreviation at `at`, else will have next, else has, and whether it is one of
/// daylight-saving time.
fn abbreviated(rules: &TimeZone, abbreviation: &str, at: Timestamp) -> (i32, bool) {
    // Transitions of rules that go on for ever need not be followed far: an abbreviation comes within a year or never.
    const NEXT_MAX: usize = 256;
    let now = rules.to_offset_info(at);
    let now = (now.abbreviation() == abbreviation, (now.offset().seconds(), now.dst().is_dst()));
    if let (true, found) = now {
        return found;
    }
    let named = |t: jiff::tz::TimeZoneTransition<'_>| {
        (t.abbreviation() == abbreviation).then(|| (t.offset().seconds(), t.dst().is_dst()))
    };
    // What held before the first transition comes last of what came before.
    let first = || {
        let first = rules.to_offset_info(Timestamp::MIN);
        (first.abbreviation() == abbreviation).then(|| (first.offset().seconds(), first.dst().is_dst()))
    };
    let before = rules.preceding(at).find_map(named).or_else(first);
    let after = || rules.following(at).take(NEXT_MAX).find_map(named);
    before.or_else(after).unwrap_or(now.1)
}

/// The instant as the database takes it.
fn instant(ts: i64) -> Timestamp {
    let mut seconds = ts.div_euclid(USECS_PER_SEC).saturating_add(UNIX_EPOCH_SHIFT);
    if seconds > LAST {
        seconds -= (seconds - LAST).div_euclid(CYCLE) * CYCLE + CYCLE;
    }
    Timestamp::from_second(seconds.max(FIRST)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads `[+-]hh[:mm[:ss]]`; returns seconds and the rest.
fn posix_offset(text: &str) -> Option<(i32, &str)> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut seconds = 0;
    for (unit, limit) in [(3600, 167), (60, 59), (1, 59)] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let value: i32 = rest[..digits].parse().ok().filter(|v| *v <= limit)?;
        seconds += value * unit;
        rest = &rest[digits..];
        match rest.strip_prefix(':') {
            Some(more) if unit > 1 => rest = more,
            _ => break,
        }
    }
    Some((sign * seconds, rest))
}

/// `+05:30`, `-08`.
fn offset_text(seconds_east: i32) -> String {
    let mut out = Vec::new();
    super::print::offset(seconds_east, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{calendar::Civil, timestamp};
    use super::*;
    use crate::types::IoContext;

    fn local(text: &str) -> i64 {
        timestamp::parse(text, -1, &IoContext::default()).unwrap()
    }

    #[test]
    fn names_and_their_offsets() {
        for (name, text, want) in [
            ("Europe/Berlin", "2024-07-01", 7200),
            ("europe/berlin", "2024-01-01", 3600),
            ("america/new_york", "2024-03-10 02:30", -18000),
            ("America/New_York", "2024-11-03 01:30", -18000),
            ("EST", "2024-07-01", -18000),
            ("est5edt", "2024-07-01", -14400),
            ("+05", "2024-07-01", -18000),
            ("foo+3", "2024-07-01", -10800),
            ("<+03>-3", "2024-07-01", 10800),
            ("AAA3BBB", "2024-07-01", -7200),
            ("Europe/Berlin", "12024-07-01", 7200),
            ("MSK", "2024-07-01", 10800),
        ] {
            assert_eq!(Zone::find(name).unwrap().offset_at_local(local(text)), want, "{name} {text}");
        }
        assert_eq!(Zone::find("nosuch").unwrap_err().message(), "time zone \"nosuch\" not recognized");
        assert_eq!(Zone::find_setting("5.5").unwrap().name(), "<+05:30>-05:30");
        assert_eq!(Zone::find_setting("-8").unwrap().name(), "-8");
        assert_eq!(Zone::offset(-8 * 3600).name(), "<-08>+08");
        assert_eq!(Zone::find_setting("europe/berlin").unwrap().name(), "Europe/Berlin");
        assert!(Zone::find_setting("MSK").is_err());
        assert_eq!(Civil::of(local("2024-07-01")).month, 7);
    }
}
