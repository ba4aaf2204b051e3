//! Dates and times through a template.

use std::fmt::Write;

use super::pattern::{Case, Field, FieldNode, Node, Ordinal, parse};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Interval;
use crate::types::datetime::calendar::{
    Civil, DAYS, MONTHS, day_of_week, iso_week, iso_week_start, to_julian,
};
use crate::types::datetime::{USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC};

/// Months in Roman numerals, December first.
pub(super) const ROMAN_MONTHS: [&str; 12] =
    ["XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"];

/// What is printed: a moment or an interval.
pub(super) struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    day_of_year: i64,
    interval: bool,
    /// Seconds east of Greenwich and abbreviation.
    zone: (i32, String),
}

impl Fields {
    /// A local time; `zone` is its offset and abbreviation.
    pub(super) fn of_timestamp(local: i64, zone: (i32, String)) -> Fields {
        let civil = Civil::of(local);
        let day_of_year = to_julian(civil.year, civil.month, civil.day) - to_julian(civil.year, 1, 1) + 1;
        Fields {
            year: civil.year.into(),
            month: civil.month.into(),
            day: civil.day.into(),
            hour: civil.hour.into(),
            minute: civil.minute.into(),
            second: civil.second.into(),
            micros: civil.micros.into(),
            day_of_year,
            interval: false,
            zone,
        }
    }

    /// An interval: its parts, each with its own sign.
    pub(super) fn of_interval(iv: &Interval) -> Fields {
        let (year, month) = (i64::from(iv.months / 12), i64::from(iv.months % 12));
        let day = i64::from(iv.days);
        Fields {
            year,
            month,
            day,
            hour: iv.micros / USECS_PER_HOUR,
            minute: iv.micros % USECS_PER_HOUR / USECS_PER_MINUTE,
            second: iv.micros % USECS_PER_MINUTE / USECS_PER_SEC,
            micros: iv.micros % USECS_PER_SEC,
            day_of_year: (year * 12 + month) * 30 + day,
            interval: true,
            zone: (0, String::new()),
        }
    }

    fn julian(&self) -> i64 {
        to_julian(self.year as i32, self.month as i32, self.day as i32)
    }

    fn iso(&self) -> (i64, i64) {
        let (year, week) = iso_week(self.year as i32, self.month as i32, self.day as i32);
        (year.into(), week.into())
    }

    /// The year as people count: 1 BC is -1.
    fn counted(&self, year: i64) -> i64 {
        if !self.interval && year <= 0 { year - 1 } else { year }
    }

    /// The year to print: years BC without sign.
    fn printed(&self, year: i64) -> i64 {
        if self.interval { year } else { self.counted(year).abs() }
    }
}

/// Prints through a template.
///
/// # Errors
/// 22007 for fields that an interval does not have.
pub(super) fn write(fields: &Fields, template: &str) -> Result<String> {
    let mut out = String::with_capacity(template.len() * 2);
    for node in parse(template) {
        match node {
            Node::Field(node) => field(fields, node, &mut out)?,
            Node::Separator(c) | Node::Space(c) | Node::Literal(c) => out.push(c),
        }
    }
    Ok(out)
}

#[cold]
fn not_of_intervals() -> SqlError {
    sql_err!(INVALID_DATETIME_FORMAT, "invalid format specification for an interval value")
        .hint("Intervals are not tied to specific calendar dates.")
}

fn field(f: &Fields, node: FieldNode, out: &mut String) -> Result<()> {
    let start = out.len();
    // Zero-padded; a sign takes a place of its own.
    let number = |out: &mut String, value: i64, width: usize| {
        let width = if node.fill { 0 } else { width + usize::from(value < 0) };
        let _ = write!(out, "{value:0width$}");
    };
    // Zero-padded; the sign is one of the places.
    let narrow = |out: &mut String, value: i64, width: usize| {
        let width = if node.fill { 0 } else { width };
        let _ = write!(out, "{value:0width$}");
    };
    let name = |out: &mut String, name: &str, width: usize| {
        let name = match node.keyword.case {
            Case::Upper => name.to_ascii_uppercase(),
            Case::Capital => name.to_owned(),
            Case::Lower => name.to_ascii_lowercase(),
        };
        let width = if node.fill { 0 } else { width };
        let _ = write!(out, "{name:width$}");
    };
    if f.interval
        && matches!(
            node.keyword.field,
            Field::Zone
                | Field::Offset
                | Field::ZoneHour
                | Field::ZoneMinute
                | Field::Era { .. }
                | Field::MonthName
                | Field::MonthShort
                | Field::DayName
                | Field::DayShort
                | Field::DayOfWeek
                | Field::IsoDayOfWeek
        )
    {
        return Err(not_of_intervals());
    }
    let month_name =
        |width| MONTHS.get((f.month - 1) as usize).map_or("", |m| if width == 0 { &m[..3] } else { m });
    let day_name = || DAYS[day_of_week(f.julian()) as usize];
    match node.keyword.field {
        Field::Exact => {}
        Field::Meridian { points } => {
            let text = match (f.hour % 24 >= 12, points) {
                (true, true) => "P.M.",
                (true, false) => "PM",
                (false, true) => "A.M.",
                (false, false) => "AM",
            };
            name(out, text, 0);
        }
        Field::Era { points } => {
            let text = match (f.year <= 0, points) {
                (true, true) => "B.C.",
                (true, false) => "BC",
                (false, true) => "A.D.",
                (false, false) => "AD",
            };
            name(out, text, 0);
        }
        Field::Hour12 => number(out, if f.hour % 12 == 0 { 12 } else { f.hour % 12 }, 2),
        Field::Hour24 => number(out, f.hour, 2),
        Field::Minute => number(out, f.minute, 2),
        Field::Second => number(out, f.second, 2),
        Field::Fraction(digits) => {
            let value = f.micros / 10_i64.pow(6 - u32::from(digits));
            let _ = write!(out, "{value:0width$}", width = usize::from(digits));
        }
        Field::Millisecond => {
            let _ = write!(out, "{:03}", f.micros / 1000);
        }
        Field::Microsecond => {
            let _ = write!(out, "{:06}", f.micros);
        }
        Field::SecondsOfDay => {
            let _ = write!(out, "{}", f.hour * 3600 + f.minute * 60 + f.second);
        }
        Field::Zone => name(out, &f.zone.1, 0),
        Field::ZoneHour => {
            let sign = if f.zone.0 < 0 { '-' } else { '+' };
            let _ = write!(out, "{sign}{:02}", f.zone.0.abs() / 3600);
        }
        Field::ZoneMinute => {
            let _ = write!(out, "{:02}", f.zone.0.abs() % 3600 / 60);
        }
        Field::Offset => {
            let sign = if f.zone.0 < 0 { '-' } else { '+' };
            let width = if node.fill { 0 } else { 2 };
            let _ = write!(out, "{sign}{:0width$}", f.zone.0.abs() / 3600);
            if f.zone.0 % 3600 != 0 {
                let _ = write!(out, ":{:02}", f.zone.0.abs() % 3600 / 60);
            }
            return Ok(());
        }
        Field::MonthName => name(out, month_name(9), 9),
        Field::MonthShort => name(out, month_name(0), 0),
        Field::Month => number(out, f.month, 2),
        Field::DayName => name(out, day_name(), 9),
        Field::DayShort => name(out, &day_name()[..3], 0),
        Field::DayOfYear => narrow(out, f.day_of_year, 3),
        Field::IsoDayOfYear => {
            let (year, _) = f.iso();
            narrow(out, f.julian() - iso_week_start(year as i32, 1) + 1, 3);
        }
        Field::Day => narrow(out, f.day, 2),
        Field::DayOfWeek => {
            let _ = write!(out, "{}", day_of_week(f.julian()) + 1);
        }
        Field::IsoDayOfWeek => {
            let day = day_of_week(f.julian());
            let _ = write!(out, "{}", if day == 0 { 7 } else { day });
        }
        Field::Week => narrow(out, (f.day_of_year - 1) / 7 + 1, 2),
        Field::IsoWeek => narrow(out, f.iso().1, 2),
        Field::Quarter => {
            if f.month != 0 {
                let _ = write!(out, "{}", (f.month - 1) / 3 + 1);
            }
        }
        Field::Century => {
            let century = match (f.interval, f.year) {
                (true, year) => year / 100,
                (false, 1..) => (f.year - 1) / 100 + 1,
                (false, _) => f.year / 100 - 1,
            };
            if (-99..=99).contains(&century) {
                number(out, century, 2);
            } else {
                let _ = write!(out, "{century}");
            }
        }
        Field::YearComma => {
            let year = f.printed(f.year);
            let _ = write!(out, "{},{:03}", year / 1000, year % 1000);
        }
        Field::Year(digits) => year(f, f.year, digits, node.fill, out),
        Field::IsoYear(digits) => year(f, f.iso().0, digits, node.fill, out),
        Field::RomanMonth => {
            if f.month == 0 && f.year == 0 {
                return Ok(());
            }
            let at = match f.month {
                0 if f.year >= 0 => 0,
                0 => 11,
                month if month < 0 => -(month + 1),
                month => 12 - month,
            };
            name(out, ROMAN_MONTHS[at as usize], 4);
        }
        Field::WeekOfMonth => {
            let _ = write!(out, "{}", (f.day - 1) / 7 + 1);
        }
        Field::Julian => {
            let _ = write!(out, "{}", f.julian());
        }
    }
    if node.keyword.digits && node.ordinal != Ordinal::None && out.len() > start {
        let suffix = ordinal(&out[start..], node.ordinal);
        out.push_str(suffix);
    }
    Ok(())
}

/// A year in 1 to 4 digits; that of the date decides whether there is a place for a sign.
fn year(f: &Fields, year: i64, digits: u8, fill: bool, out: &mut String) {
    let value = f.printed(year);
    let value = if digits == 4 { value } else { value % 10_i64.pow(digits.into()) };
    let width =
        if fill || digits == 1 { 0 } else { usize::from(digits) + usize::from(f.printed(f.year) < 0) };
    let _ = write!(out, "{value:0width$}");
}

/// `st`, `nd`, `rd` or `th` for a number in digits.
pub(super) fn ordinal(digits: &str, case: Ordinal) -> &'static str {
    let bytes = digits.as_bytes();
    let teen = bytes.len() > 1 && bytes[bytes.len() - 2] == b'1';
    let at = match bytes.last() {
        Some(b'1') if !teen => 0,
        Some(b'2') if !teen => 1,
        Some(b'3') if !teen => 2,
        _ => 3,
    };
    if case == Ordinal::Lower { ["st", "nd", "rd", "th"][at] } else { ["ST", "ND", "RD", "TH"][at] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        // 2024-11-23 13:05:09.123456
        let local = 9093 * 86_400_000_000 + ((13 * 60 + 5) * 60 + 9) * 1_000_000 + 123_456;
        let fields = Fields::of_timestamp(local, (3600, "CET".into()));
        for (template, want) in [
            ("YYYY-MM-DD HH24:MI:SS.US TZ OF", "2024-11-23 13:05:09.123456 CET +01"),
            ("FMDay, FMDDth Month|", "Saturday, 23rd November |"),
            ("HH12:MI a.m. FF3 SSSSS", "01:05 p.m. 123 47109"),
            ("Y,YYY IYYY-IW-ID DDD J Q W WW CC", "2,024 2024-47-6 328 2460638 4 4 47 21"),
            ("RM|FMRM|rm", "XI  |XI|xi  "),
            ("Ddth", "77th"),
        ] {
            assert_eq!(write(&fields, template).ok().as_deref(), Some(want), "{template}");
        }
    }

    #[test]
    fn intervals() {
        let fields = Fields::of_interval(&Interval { months: 14, days: 3, micros: 14_706_789_000 });
        assert_eq!(
            write(&fields, "YYYY MM DD HH24:MI:SS.MS CC").ok().as_deref(),
            Some("0001 02 03 04:05:06.789 00")
        );
        assert!(write(&fields, "MON").is_err());
    }
}
