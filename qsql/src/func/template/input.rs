//! Dates and times read through a template (`to_date`, `to_timestamp`).

use super::output::ROMAN_MONTHS;
use super::pattern::{Convention, Field, FieldNode, Node, Ordinal, is_separator, is_space, parse};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::datetime::EPOCH_JULIAN;
use crate::types::datetime::calendar::{
    Civil, DAYS, MONTHS, from_julian, is_leap, is_valid_julian, iso_week_start, month_days, to_julian,
};
use crate::types::datetime::zone::Zone;

/// A date and time as it was read.
#[derive(Debug)]
pub(super) struct Moment {
    civil: Civil,
    zone: Option<ZoneRead>,
}

#[derive(Debug)]
enum ZoneRead {
    /// Seconds east of Greenwich.
    Offset(i32),
    Named(Zone),
}

impl Moment {
    /// Days since 2000-01-01; `None` beyond the type.
    pub(super) fn date(&self) -> Option<i32> {
        let Civil { year, month, day, .. } = self.civil;
        if !is_valid_julian(year, month) {
            return None;
        }
        i32::try_from(to_julian(year, month, day) - EPOCH_JULIAN).ok()
    }

    /// The local time; `None` beyond the type.
    pub(super) fn local(&self) -> Option<i64> {
        self.civil.to_timestamp()
    }

    /// Seconds east of Greenwich, when the input has a zone.
    pub(super) fn offset(&self) -> Result<Option<i32>> {
        Ok(match &self.zone {
            None => None,
            Some(ZoneRead::Offset(east)) => Some(*east),
            Some(ZoneRead::Named(zone)) => self.local().map(|local| zone.offset_at_local(local)),
        })
    }
}

/// What the fields said; 0 is "nothing", as in PostgreSQL.
#[derive(Default)]
struct Values {
    convention: Option<Convention>,
    hour: i32,
    pm: i32,
    minute: i32,
    second: i32,
    seconds_of_day: i32,
    day_of_week: i32,
    day: i32,
    day_of_year: i32,
    month: i32,
    millis: i32,
    year: i32,
    bc: i32,
    week: i32,
    week_of_month: i32,
    century: i32,
    julian: i32,
    micros: i32,
    year_digits: u8,
    clock12: bool,
    zone_sign: i32,
    zone_hour: i32,
    zone_minute: i32,
    zone: Option<Zone>,
}

struct Reader<'a> {
    session: &'a Zone,
    rest: &'a str,
    /// Blanks that were skipped beyond what the template has.
    extra: i32,
    /// The character before `rest`.
    previous: char,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self) {
        if let Some(c) = self.peek() {
            self.previous = c;
            self.rest = &self.rest[c.len_utf8()..];
        }
    }

    fn skip_spaces(&mut self) -> i32 {
        let mut count = 0;
        while self.peek().is_some_and(is_space) {
            self.skip();
            count += 1;
        }
        count
    }

    fn advance(&mut self, bytes: usize) {
        self.previous = self.rest[..bytes].chars().next_back().unwrap_or(self.previous);
        self.rest = &self.rest[bytes..];
    }
}

#[cold]
fn invalid(shown: &str, node: FieldNode, detail: String) -> SqlError {
    sql_err!(INVALID_DATETIME_FORMAT, "invalid value \"{shown}\" for \"{}\"", node.keyword.name)
        .detail(detail)
}

/// C's `strtol` over a prefix: value (saturated outside of `i64`) and bytes taken.
fn integer(text: &str) -> (i64, usize) {
    let trimmed = text.trim_start_matches(is_space);
    let blanks = text.len() - trimmed.len();
    let sign = usize::from(trimmed.starts_with(['+', '-']));
    let digits = trimmed[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (0, 0);
    }
    let magnitude = trimmed[sign..sign + digits].parse().unwrap_or(i64::MAX);
    (if trimmed.starts_with('-') { -magnitude } else { magnitude }, blanks + sign + digits)
}

fn set(slot: &mut i32, value: i32, node: FieldNode) -> Result<()> {
    if *slot != 0 && *slot != value {
        return Err(sql_err!(
            INVALID_DATETIME_FORMAT,
            "conflicting values for \"{}\" field in formatting string",
            node.keyword.name
        )
        .detail("This value contradicts a previous setting for the same field type."));
    }
    *slot = value;
    Ok(())
}

/// A weekday by name, from 0 for Sunday. As PostgreSQL compares it with the field as it counts, from 1, a second name contradicts
/// the first even when it is the same.
fn set_weekday(slot: &mut i32, value: i32, node: FieldNode) -> Result<()> {
    set(slot, value, node)?;
    *slot = value + 1;
    Ok(())
}

/// Whether what follows a field cannot be a digit of it.
fn separated(node: FieldNode, next: Option<&Node>) -> bool {
    if node.ordinal != Ordinal::None {
        return true;
    }
    match next {
        None => true,
        Some(Node::Field(next)) => !next.keyword.digits,
        Some(Node::Separator(c) | Node::Space(c) | Node::Literal(c)) => !c.is_ascii_digit(),
    }
}

/// Reads an integer of `length` characters, or of any length when a separator follows; returns it and the characters taken.
fn number(
    reader: &mut Reader<'_>,
    length: usize,
    node: FieldNode,
    next: Option<&Node>,
) -> Result<(i32, usize)> {
    let before = reader.rest;
    reader.skip_spaces();
    let copy = &reader.rest[..reader.rest.char_indices().nth(length).map_or(reader.rest.len(), |(at, _)| at)];
    let value = if node.fill || separated(node, next) {
        let (value, taken) = integer(before);
        reader.rest = before;
        reader.advance(taken);
        value
    } else {
        let have = copy.chars().count();
        let fixed = "If your source string is not fixed-width, try using the \"FM\" modifier.";
        if have < length {
            return Err(sql_err!(
                INVALID_DATETIME_FORMAT,
                "source string too short for \"{}\" formatting field",
                node.keyword.name
            )
            .detail(format!("Field requires {length} characters, but only {have} remain."))
            .hint(fixed));
        }
        let (value, taken) = integer(copy);
        if taken > 0 && taken < length {
            let detail = format!("Field requires {length} characters, but only {taken} could be parsed.");
            return Err(invalid(copy, node, detail).hint(fixed));
        }
        reader.advance(taken);
        value
    };
    if reader.rest.len() == before.len() {
        return Err(invalid(copy, node, "Value must be an integer.".into()));
    }
    let value = i32::try_from(value).map_err(|_| {
        sql_err!(
            DATETIME_FIELD_OVERFLOW,
            "value for \"{}\" in source string is out of range",
            node.keyword.name
        )
        .detail(format!("Value must be in the range {} to {}.", i32::MIN, i32::MAX))
    })?;
    Ok((value, before.len() - reader.rest.len()))
}

/// Reads one of `names`, whatever its case; returns its index.
fn search<'n>(
    reader: &mut Reader<'_>,
    names: impl IntoIterator<Item = &'n str>,
    node: FieldNode,
) -> Result<i32> {
    for (i, name) in names.into_iter().enumerate() {
        if reader.rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            reader.advance(name.len());
            return Ok(i as i32);
        }
    }
    let shown = reader.rest.split(is_space).next().unwrap_or("");
    Err(invalid(
        shown,
        node,
        "The given value did not match any of the allowed values for this field.".into(),
    ))
}

/// The year near 2020 that a year of up to three digits means.
fn near_2020(year: i32) -> i32 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

/// Reads `text` through `template`; the abbreviations of the session's zone are known.
///
/// # Errors
/// 22007 where they do not fit, 22008 for values outside of their field.
pub(super) fn read(text: &str, template: &str, session: &Zone) -> Result<Moment> {
    let nodes = parse(template);
    let mut values = Values::default();
    let mut reader = Reader { rest: text, extra: 0, previous: ' ', session };
    let mut exact = false;
    for (i, node) in nodes.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        let is_exact_mark = matches!(node, Node::Field(n) if n.keyword.field == Field::Exact);
        if !exact && !is_exact_mark && (i == 0 || matches!(node, Node::Field(_))) {
            reader.extra += reader.skip_spaces();
        }
        match node {
            Node::Separator(_) | Node::Space(_) if exact => reader.skip(),
            Node::Separator(_) | Node::Space(_) => {
                reader.extra -= 1;
                if reader.peek().is_some_and(|c| is_space(c) || is_separator(c)) {
                    reader.skip();
                    reader.extra += 1;
                }
            }
            Node::Literal(_) if !exact && reader.extra > 0 => reader.extra -= 1,
            Node::Literal(_) => reader.skip(),
            Node::Field(node) => {
                if is_exact_mark {
                    exact = true;
                } else {
                    field(&mut reader, &mut values, *node, nodes.get(i + 1))?;
                }
                if !exact {
                    reader.extra = reader.skip_spaces();
                }
            }
        }
    }
    moment(values, text)
}

fn field(reader: &mut Reader<'_>, v: &mut Values, node: FieldNode, next: Option<&Node>) -> Result<()> {
    match (node.keyword.convention, v.convention) {
        (Convention::Any, _) => {}
        (this, None) => v.convention = Some(this),
        (this, Some(seen)) if this != seen => {
            return Err(sql_err!(INVALID_DATETIME_FORMAT, "invalid combination of date conventions")
                .hint("Do not mix Gregorian and ISO week date conventions in a formatting template."));
        }
        _ => {}
    }
    let width = node.keyword.name.len();
    match node.keyword.field {
        Field::Exact => {}
        Field::Meridian { points } => {
            let names = if points { ["a.m.", "p.m."] } else { ["am", "pm"] };
            let value = search(reader, names, node)?;
            set(&mut v.pm, value, node)?;
            v.clock12 = true;
        }
        Field::Era { points } => {
            let names = if points { ["a.d.", "b.c."] } else { ["ad", "bc"] };
            let value = search(reader, names, node)?;
            set(&mut v.bc, value, node)?;
        }
        Field::Hour12 => {
            set(&mut v.hour, number(reader, 2, node, next)?.0, node)?;
            v.clock12 = true;
        }
        Field::Hour24 => set(&mut v.hour, number(reader, 2, node, next)?.0, node)?,
        Field::Minute => set(&mut v.minute, number(reader, width, node, next)?.0, node)?,
        Field::Second => set(&mut v.second, number(reader, width, node, next)?.0, node)?,
        Field::Millisecond => {
            let (value, length) = number(reader, 3, node, next)?;
            // 25 is 0.25 and 250 is 0.25, too; 025 is 0.025.
            set(&mut v.millis, value, node)?;
            v.millis *= [1000, 100, 10].get(length).copied().unwrap_or(1);
        }
        Field::Fraction(_) | Field::Microsecond => {
            let digits = if let Field::Fraction(digits) = node.keyword.field { digits.into() } else { 6 };
            let (value, length) = number(reader, digits, node, next)?;
            set(&mut v.micros, value, node)?;
            let scale = 10_i32.pow(6_u32.saturating_sub(length as u32));
            v.micros = v.micros.checked_mul(scale).unwrap_or(i32::MAX);
        }
        Field::SecondsOfDay => set(&mut v.seconds_of_day, number(reader, width, node, next)?.0, node)?,
        Field::Zone => zone_name(reader, v, node, next)?,
        Field::Offset => offset(reader, v, node, next)?,
        Field::ZoneHour => {
            zone_sign(reader, v);
            set(&mut v.zone_hour, number(reader, 2, node, next)?.0, node)?;
        }
        Field::ZoneMinute => {
            if v.zone_sign == 0 {
                v.zone_sign = 1;
            }
            set(&mut v.zone_minute, number(reader, 2, node, next)?.0, node)?;
        }
        Field::MonthName => {
            let value = search(reader, MONTHS, node)?;
            set(&mut v.month, value + 1, node)?;
        }
        Field::MonthShort => {
            let value = search(reader, MONTHS.map(|m| &m[..3]), node)?;
            set(&mut v.month, value + 1, node)?;
        }
        Field::Month => set(&mut v.month, number(reader, width, node, next)?.0, node)?,
        Field::RomanMonth => {
            let value = search(reader, ROMAN_MONTHS, node)?;
            set(&mut v.month, 12 - value, node)?;
        }
        Field::DayName => {
            let value = search(reader, DAYS, node)?;
            set_weekday(&mut v.day_of_week, value, node)?;
        }
        Field::DayShort => {
            let value = search(reader, DAYS.map(|d| &d[..3]), node)?;
            set_weekday(&mut v.day_of_week, value, node)?;
        }
        Field::DayOfYear => set(&mut v.day_of_year, number(reader, width, node, next)?.0, node)?,
        Field::IsoDayOfYear => set(&mut v.day_of_year, number(reader, 3, node, next)?.0, node)?,
        Field::Day => set(&mut v.day, number(reader, width, node, next)?.0, node)?,
        Field::DayOfWeek => set(&mut v.day_of_week, number(reader, width, node, next)?.0, node)?,
        Field::IsoDayOfWeek => {
            let (value, _) = number(reader, 1, node, next)?;
            set(&mut v.day_of_week, if value >= 7 { 1 } else { value + 1 }, node)?;
        }
        Field::Week | Field::IsoWeek => set(&mut v.week, number(reader, width, node, next)?.0, node)?,
        Field::Quarter => {
            number(reader, width, node, next)?;
        }
        Field::Century => set(&mut v.century, number(reader, width, node, next)?.0, node)?,
        Field::YearComma => {
            year_with_comma(reader, v, node)?;
        }
        Field::Year(digits) | Field::IsoYear(digits) => {
            let (value, length) = number(reader, digits.into(), node, next)?;
            let value = if digits < 4 && length < 4 { near_2020(value) } else { value };
            set(&mut v.year, value, node)?;
            v.year_digits = digits;
        }
        Field::WeekOfMonth => set(&mut v.week_of_month, number(reader, width, node, next)?.0, node)?,
        Field::Julian => set(&mut v.julian, number(reader, width, node, next)?.0, node)?,
    }
    if node.keyword.digits && node.ordinal != Ordinal::None {
        reader.skip();
        reader.skip();
    }
    Ok(())
}

fn year_with_comma(reader: &mut Reader<'_>, v: &mut Values, node: FieldNode) -> Result<()> {
    let shown = reader.rest;
    let invalid =
        || sql_err!(INVALID_DATETIME_FORMAT, "invalid value \"{shown}\" for \"{}\"", node.keyword.name);
    let (thousands, length) = integer(reader.rest);
    let tail = reader.rest[length..].strip_prefix(',').filter(|_| length > 0).ok_or_else(invalid)?;
    let digits = tail.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let rest: i64 = tail[..digits].parse().map_err(|_| invalid())?;
    let year = thousands.checked_mul(1000).and_then(|y| i32::try_from(y + rest).ok()).ok_or_else(|| {
        sql_err!(
            DATETIME_FIELD_OVERFLOW,
            "value for \"{}\" in source string is out of range",
            node.keyword.name
        )
    })?;
    set(&mut v.year, year, node)?;
    v.year_digits = 4;
    reader.advance(length + 1 + digits);
    Ok(())
}

/// The sign before the hours of a zone; a `-` that was skipped as a separator counts.
fn zone_sign(reader: &mut Reader<'_>, v: &mut Values) {
    v.zone_sign = match reader.peek() {
        Some(c @ ('+' | '-' | ' ')) => {
            reader.skip();
            if c == '-' { -1 } else { 1 }
        }
        _ if reader.extra > 0 && reader.previous == '-' => -1,
        _ => 1,
    };
}

fn offset(reader: &mut Reader<'_>, v: &mut Values, node: FieldNode, next: Option<&Node>) -> Result<()> {
    zone_sign(reader, v);
    set(&mut v.zone_hour, number(reader, 2, node, next)?.0, node)?;
    if reader.peek() == Some(':') {
        reader.skip();
        set(&mut v.zone_minute, number(reader, 2, node, next)?.0, node)?;
    }
    Ok(())
}

/// An abbreviation, as long a one as there is, or an offset.
fn zone_name(reader: &mut Reader<'_>, v: &mut Values, node: FieldNode, next: Option<&Node>) -> Result<()> {
    let letters = reader.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    for length in (1..=letters.min(10)).rev() {
        if let Some(zone) = Zone::find_abbreviation(&reader.rest[..length], reader.session) {
            v.zone = Some(zone);
            v.zone_sign = 0;
            reader.advance(length);
            return Ok(());
        }
    }
    if letters > 0 {
        let shown = reader.rest.split(is_space).next().unwrap_or("");
        return Err(invalid(shown, node, "Time zone abbreviation is not recognized.".into()));
    }
    offset(reader, v, node, next)
}

/// Puts the fields together.
fn moment(v: Values, text: &str) -> Result<Moment> {
    let out_of_range = || sql_err!(DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"{text}\"");
    let mut c = Civil { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, micros: 0 };
    if v.seconds_of_day != 0 {
        c.hour = v.seconds_of_day / 3600;
        c.minute = v.seconds_of_day / 60 % 60;
        c.second = v.seconds_of_day % 60;
    }
    for (slot, value) in [(&mut c.second, v.second), (&mut c.minute, v.minute), (&mut c.hour, v.hour)] {
        if value != 0 {
            *slot = value;
        }
    }
    if v.clock12 {
        if !(1..=12).contains(&c.hour) {
            return Err(sql_err!(
                INVALID_DATETIME_FORMAT,
                "hour \"{}\" is invalid for the 12-hour clock",
                c.hour
            )
            .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
        }
        match v.pm {
            0 if c.hour == 12 => c.hour = 0,
            1 if c.hour < 12 => c.hour += 12,
            _ => {}
        }
    }
    let iso = v.convention == Some(Convention::IsoWeek);
    let (mut day, mut day_of_year) = (v.day, v.day_of_year);
    let mut has_year = true;
    if v.year != 0 {
        c.year = year(&v).ok_or_else(out_of_range)?;
    } else if v.century != 0 {
        let century = if v.bc != 0 { -v.century } else { v.century };
        let base = if century >= 0 { century.checked_sub(1) } else { Some(century) };
        c.year =
            base.and_then(|b| b.checked_mul(100)).and_then(|y| y.checked_add(1)).ok_or_else(out_of_range)?;
    } else {
        has_year = false;
    }
    if v.julian != 0 {
        if v.julian < 0 {
            return Err(out_of_range());
        }
        (c.year, c.month, c.day) = from_julian(v.julian.into());
        has_year = true;
    }
    if v.week != 0 {
        if iso {
            if !(-4712..=294_277).contains(&c.year) {
                return Err(out_of_range());
            }
            let weekday = match v.day_of_week {
                0 => 0,
                // Sunday is 1 there and the last day here.
                1 => 6,
                other => i64::from(other) - 2,
            };
            (c.year, c.month, c.day) = from_julian((iso_week_start(c.year, v.week) + weekday).max(0));
        } else {
            let days = v.week.checked_sub(1).and_then(|w| w.checked_mul(7)).and_then(|d| d.checked_add(1));
            day_of_year = days.ok_or_else(out_of_range)?;
        }
    }
    if v.week_of_month != 0 {
        let days =
            v.week_of_month.checked_sub(1).and_then(|w| w.checked_mul(7)).and_then(|d| d.checked_add(1));
        day = days.ok_or_else(out_of_range)?;
    }
    if day != 0 {
        c.day = day;
    }
    if v.month != 0 {
        c.month = v.month;
    }
    if day_of_year != 0 && (c.month <= 1 || c.day <= 1) {
        if !has_year && v.bc == 0 {
            return Err(sql_err!(
                INVALID_DATETIME_FORMAT,
                "cannot calculate day of year without year information"
            ));
        }
        from_day_of_year(&mut c, day_of_year, iso).ok_or_else(out_of_range)?;
    }
    c.micros = v.millis.checked_mul(1000).and_then(|m| m.checked_add(v.micros)).ok_or_else(out_of_range)?;
    let valid = (1..=12).contains(&c.month)
        && (1..=month_days(c.year, c.month)).contains(&c.day)
        && (0..24).contains(&c.hour)
        && (0..60).contains(&c.minute)
        && (0..60).contains(&c.second)
        && (0..1_000_000).contains(&c.micros);
    if !valid {
        return Err(out_of_range());
    }
    let zone = match (v.zone, v.zone_sign) {
        (Some(zone), 0) => Some(ZoneRead::Named(zone)),
        (_, 0) => None,
        (_, sign) => {
            if !(0..=15).contains(&v.zone_hour) || !(0..60).contains(&v.zone_minute) {
                return Err(sql_err!(
                    INVALID_TIME_ZONE_DISPLACEMENT,
                    "time zone displacement out of range: \"{text}\""
                ));
            }
            Some(ZoneRead::Offset(sign * (v.zone_hour * 60 + v.zone_minute) * 60))
        }
    };
    Ok(Moment { civil: c, zone })
}

/// The year (0 is 1 BC), with the century where the year has at most two digits.
fn year(v: &Values) -> Option<i32> {
    if v.century != 0 && v.year_digits <= 2 {
        let century = if v.bc != 0 { -v.century } else { v.century };
        return match (v.year % 100, century >= 0) {
            (0, true) => century.checked_mul(100),
            (0, false) => century.checked_mul(100)?.checked_add(1),
            (year, true) => year.checked_add(century.checked_sub(1)?.checked_mul(100)?),
            (year, false) => century.checked_add(1)?.checked_mul(100)?.checked_sub(year)?.checked_add(1),
        };
    }
    let year = if v.bc != 0 { v.year.checked_neg()? } else { v.year };
    Some(if year < 0 { year + 1 } else { year })
}

fn from_day_of_year(c: &mut Civil, day_of_year: i32, iso: bool) -> Option<()> {
    if !(-4712..=5_874_897).contains(&c.year) {
        return None;
    }
    if iso {
        let julian = iso_week_start(c.year, 1) - 1 + i64::from(day_of_year);
        (c.year, c.month, c.day) = from_julian(julian.max(0));
        return Some(());
    }
    if !(1..=365 + i32::from(is_leap(c.year))).contains(&day_of_year) {
        return None;
    }
    let (_, month, day) = from_julian(to_julian(c.year, 1, 1) + i64::from(day_of_year) - 1);
    if c.month <= 1 {
        c.month = month;
    }
    if c.day <= 1 {
        c.day = day;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, template, want) in [
            ("2024-11-23", "YYYY-MM-DD", (2024, 11, 23)),
            ("20241123", "YYYYMMDD", (2024, 11, 23)),
            ("23 Nov 24", "DD Mon YY", (2024, 11, 23)),
            ("  2024   Nov", "YYYY Mon", (2024, 11, 1)),
            ("2024-328", "YYYY-DDD", (2024, 11, 23)),
            ("2024-47-6", "IYYY-IW-ID", (2024, 11, 23)),
            ("J2460638", "\"J\"J", (2024, 11, 23)),
            ("44 BC", "YYYY BC", (-43, 1, 1)),
            ("5th of May 1999", "DDth \"of\" Month YYYY", (1999, 5, 5)),
            ("XI 2024", "RM YYYY", (2024, 11, 1)),
        ] {
            let c = read(text, template, &Zone::utc()).map(|m| m.civil).expect(text);
            assert_eq!((c.year, c.month, c.day), want, "{text} {template}");
        }
    }

    #[test]
    fn errors_are_postgresqls() {
        for (text, template, want) in [
            ("2020-13-01", "YYYY-MM-DD", "date/time field value out of range: \"2020-13-01\""),
            ("abc", "YYYY", "invalid value \"abc\" for \"YYYY\""),
            ("2020 1 1", "IYYY MM DD", "invalid combination of date conventions"),
            ("13", "HH12", "hour \"13\" is invalid for the 12-hour clock"),
            ("2020 Foo", "YYYY Mon", "invalid value \"Foo\" for \"Mon\""),
            ("1 2", "DD DD", "conflicting values for \"DD\" field in formatting string"),
            ("999999999999", "YYYY", "value for \"YYYY\" in source string is out of range"),
        ] {
            assert_eq!(read(text, template, &Zone::utc()).map(|_| ()).expect_err(text).message(), want);
        }
    }
}
