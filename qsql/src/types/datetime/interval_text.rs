//! Reading and printing intervals.
//!
//! Input is taken from right to left, so that a unit is known before its number; what that does not accept is tried as
//! ISO 8601 (`P1Y2M3DT4H5M6S`).

use super::super::int::{write_2, write_i64, write_u64};
use super::super::{Interval, IoContext};
use super::fields::{Fields, Kind, clock, fraction, leading_i32, leading_i64};
use super::keywords::{IntervalWord, Unit, Word, find, find_interval};
use super::{Fault, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC, print};
use crate::error::Result as SqlResult;
use crate::types::info::INTERVAL_FULL_RANGE;
use crate::types::io::IntervalStyle;

const DAYS_PER_MONTH: f64 = 30.0;
const MONTHS_PER_YEAR: i64 = 12;

const MONTH: u32 = 1;
const YEAR: u32 = 1 << 1;
const DAY: u32 = 1 << 2;
const WEEK: u32 = 1 << 3;
const DECADE: u32 = 1 << 4;
const CENTURY: u32 = 1 << 5;
const MILLENNIUM: u32 = 1 << 6;
const HOUR: u32 = 1 << 7;
const MINUTE: u32 = 1 << 8;
const SECOND: u32 = 1 << 9;
const MILLISECOND: u32 = 1 << 10;
const MICROSECOND: u32 = 1 << 11;
const ALL_SECONDS: u32 = SECOND | MILLISECOND | MICROSECOND;
const TIME: u32 = HOUR | MINUTE | ALL_SECONDS;

/// The fields while they are collected.
#[derive(Default)]
struct Parts {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

/// Adds `value * scale` to a 32-bit field.
fn bump(field: &mut i32, value: i64, scale: i32) -> Result<(), Fault> {
    let value =
        i32::try_from(value).ok().and_then(|v| v.checked_mul(scale)).and_then(|v| v.checked_add(*field));
    *field = value.ok_or(Fault::Field)?;
    Ok(())
}

impl Parts {
    /// Adds `value` and `rest` (below one) units of `scale` microseconds.
    fn add_micros(&mut self, value: i64, rest: f64, scale: i64) -> Result<(), Fault> {
        let whole = value.checked_mul(scale).and_then(|v| v.checked_add(self.micros));
        self.micros = whole.ok_or(Fault::Field)?;
        self.add_fraction(rest, scale)
    }

    /// Adds a fraction of a unit of `scale` microseconds, rounded.
    fn add_fraction(&mut self, rest: f64, scale: i64) -> Result<(), Fault> {
        if rest == 0.0 {
            return Ok(());
        }
        let exact = rest * scale as f64;
        let mut micros = exact as i64;
        let over = exact - micros as f64;
        if over > 0.5 {
            micros += 1;
        } else if over < -0.5 {
            micros -= 1;
        }
        self.micros = self.micros.checked_add(micros).ok_or(Fault::Field)?;
        Ok(())
    }

    fn add_days(&mut self, value: i64, scale: i32) -> Result<(), Fault> {
        bump(&mut self.days, value, scale)
    }

    /// Adds a fraction of a unit of `scale` days; what is below a day becomes time.
    fn add_days_fraction(&mut self, rest: f64, scale: f64) -> Result<(), Fault> {
        let exact = rest * scale;
        let days = exact as i32;
        self.days = self.days.checked_add(days).ok_or(Fault::Field)?;
        self.add_fraction(exact - f64::from(days), USECS_PER_DAY)
    }

    fn add_months(&mut self, value: i64, rest: f64) -> Result<(), Fault> {
        bump(&mut self.months, value, 1)?;
        self.add_days_fraction(rest, DAYS_PER_MONTH)
    }

    fn add_years(&mut self, value: i64, rest: f64, scale: i32) -> Result<(), Fault> {
        bump(&mut self.years, value, scale)?;
        let months = (rest * f64::from(scale) * MONTHS_PER_YEAR as f64).round_ties_even() as i64;
        bump(&mut self.months, months, 1)
    }

    fn set_time(&mut self, (hour, minute, second, micros): (i64, i32, i32, i32)) -> Result<(), Fault> {
        let small =
            i64::from(minute) * USECS_PER_MINUTE + i64::from(second) * USECS_PER_SEC + i64::from(micros);
        let whole = hour.checked_mul(USECS_PER_HOUR).and_then(|h| h.checked_add(small));
        self.micros = whole.ok_or(Fault::Field)?;
        Ok(())
    }

    fn negate(&mut self) -> Result<(), Fault> {
        for field in [&mut self.years, &mut self.months, &mut self.days] {
            *field = field.checked_neg().ok_or(Fault::Field)?;
        }
        self.micros = self.micros.checked_neg().ok_or(Fault::Field)?;
        Ok(())
    }
}

/// What a text turned out to be.
enum Decoded {
    Finite(Parts),
    Infinite(Interval),
}

/// Reads an interval; the range of `typmod` tells the unit of a bare number.
pub(super) fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> SqlResult<Interval> {
    let range = if typmod >= 0 { (typmod >> 16) & INTERVAL_FULL_RANGE } else { INTERVAL_FULL_RANGE };
    let sql_signs = cx.interval_style == IntervalStyle::SqlStandard;
    let decoded = match Fields::split(text).and_then(|fields| decode(&fields, range, sql_signs)) {
        Err(Fault::Format) => iso_8601(text).map(Decoded::Finite),
        other => other,
    };
    match decoded.map_err(|fault| fault.report(text, "interval"))? {
        Decoded::Infinite(iv) => Ok(iv),
        Decoded::Finite(parts) => {
            let months = i64::from(parts.years) * MONTHS_PER_YEAR + i64::from(parts.months);
            let months = i32::try_from(months).map_err(|_| super::interval_out_of_range())?;
            let iv = Interval { months, days: parts.days, micros: parts.micros };
            if super::interval::is_infinite(&iv) { Err(super::interval_out_of_range()) } else { Ok(iv) }
        }
    }
}

/// The unit of a number at the end without one: the lowest of the range.
fn default_unit(range: i32) -> Unit {
    const RANGE_MONTH: i32 = 1 << 1;
    const RANGE_YEAR: i32 = 1 << 2;
    const RANGE_DAY: i32 = 1 << 3;
    const RANGE_HOUR: i32 = 1 << 10;
    const RANGE_MINUTE: i32 = 1 << 11;
    const RANGE_SECOND: i32 = 1 << 12;
    match range {
        INTERVAL_FULL_RANGE => Unit::Second,
        _ if range & RANGE_SECOND != 0 => Unit::Second,
        _ if range & RANGE_MINUTE != 0 => Unit::Minute,
        _ if range & RANGE_HOUR != 0 => Unit::Hour,
        _ if range & RANGE_DAY != 0 => Unit::Day,
        _ if range & RANGE_MONTH != 0 => Unit::Month,
        _ if range & RANGE_YEAR != 0 => Unit::Year,
        _ => Unit::Second,
    }
}

fn decode(fields: &Fields, range: i32, sql_signs: bool) -> Result<Decoded, Fault> {
    const MINUTE_TO_SECOND: i32 = 1 << 11 | 1 << 12;
    let minutes_first = range == MINUTE_TO_SECOND;
    let count = fields.len();
    let signed = |at: usize| fields.get(at).0.starts_with(['+', '-']);
    // The SQL standard has one sign in front stand for all fields.
    let all_negative = sql_signs && count > 0 && fields.get(0).0.starts_with('-') && !(1..count).any(signed);
    let mut parts = Parts::default();
    let mut seen = 0u32;
    let mut unit: Option<Unit> = None;
    let mut unit_pending = false;
    let mut ago = false;
    for at in (0..count).rev() {
        let (text, kind) = fields.get(at);
        let found = match kind {
            Kind::Time => {
                parts.set_time(clock(text, minutes_first)?)?;
                if all_negative && parts.micros > 0 {
                    parts.micros = -parts.micros;
                }
                (unit, unit_pending) = (Some(Unit::Day), false);
                TIME
            }
            Kind::Offset if is_signed_time(text, minutes_first, &mut parts) => {
                if text.starts_with('-') {
                    parts.micros = parts.micros.checked_neg().ok_or(Fault::Field)?;
                }
                if all_negative && parts.micros > 0 {
                    parts.micros = -parts.micros;
                }
                (unit, unit_pending) = (Some(Unit::Day), false);
                TIME
            }
            Kind::Offset | Kind::Date | Kind::Number => {
                let wanted = unit.unwrap_or_else(|| default_unit(range));
                let (found, used) = add_number(&mut parts, text, wanted, all_negative)?;
                unit = Some(if used == Unit::Hour { Unit::Day } else { used });
                unit_pending = false;
                found
            }
            Kind::Word | Kind::Special => {
                if unit_pending {
                    return Err(Fault::Format);
                }
                match find_interval(text) {
                    Some(IntervalWord::Ignore) => continue,
                    Some(IntervalWord::Unit(word)) => {
                        (unit, unit_pending) = (Some(word), true);
                        0
                    }
                    Some(IntervalWord::Ago) if at == count - 1 => {
                        ago = true;
                        0
                    }
                    Some(IntervalWord::Ago) => return Err(Fault::Format),
                    None => match find(text) {
                        Some(Word::Ignore) => continue,
                        Some(Word::Unit(word)) => {
                            (unit, unit_pending) = (Some(word), true);
                            0
                        }
                        Some(Word::Infinity) if count == 1 => {
                            return Ok(Decoded::Infinite(super::interval::INFINITY));
                        }
                        Some(Word::NegInfinity) if count == 1 => {
                            return Ok(Decoded::Infinite(super::interval::NEG_INFINITY));
                        }
                        _ => return Err(Fault::Format),
                    },
                }
            }
        };
        if seen & found != 0 {
            return Err(Fault::Format);
        }
        seen |= found;
    }
    if seen == 0 || unit_pending {
        return Err(Fault::Format);
    }
    if ago {
        parts.negate()?;
    }
    Ok(Decoded::Finite(parts))
}

/// Reads `+hh:mm[:ss]` into the time; false when the field is no such time.
fn is_signed_time(text: &str, minutes_first: bool, parts: &mut Parts) -> bool {
    let body = &text[1..];
    body.contains(':') && clock(body, minutes_first).is_ok_and(|time| parts.set_time(time).is_ok())
}

/// Adds a number of `unit`; returns the fields it filled and the unit that it was (years-months are months).
fn add_number(parts: &mut Parts, text: &str, unit: Unit, all_negative: bool) -> Result<(u32, Unit), Fault> {
    let (mut value, rest) = leading_i64(text, Fault::Field)?;
    let negative = text.starts_with('-');
    let mut part = 0.0;
    let mut unit = unit;
    match rest.as_bytes().first() {
        None => {}
        Some(b'-') => {
            // SQL's years-months.
            let (months, rest) = leading_i32(&rest[1..], Fault::Field)?;
            if !(0..MONTHS_PER_YEAR as i32).contains(&months) {
                return Err(Fault::Field);
            }
            if !rest.is_empty() {
                return Err(Fault::Format);
            }
            let months = i64::from(if negative { -months } else { months });
            value =
                value.checked_mul(MONTHS_PER_YEAR).and_then(|v| v.checked_add(months)).ok_or(Fault::Field)?;
            unit = Unit::Month;
        }
        Some(b'.') => {
            part = fraction(rest)?;
            if negative {
                part = -part;
            }
        }
        Some(_) => return Err(Fault::Format),
    }
    if all_negative {
        value = -value.checked_abs().ok_or(Fault::Field)?;
        part = -part.abs();
    }
    let found = match unit {
        Unit::Microsecond => parts.add_micros(value, part, 1).map(|()| MICROSECOND),
        Unit::Millisecond => parts.add_micros(value, part, 1000).map(|()| MILLISECOND),
        Unit::Second => parts
            .add_micros(value, part, USECS_PER_SEC)
            .map(|()| if part == 0.0 { SECOND } else { ALL_SECONDS }),
        Unit::Minute => parts.add_micros(value, part, USECS_PER_MINUTE).map(|()| MINUTE),
        Unit::Hour => parts.add_micros(value, part, USECS_PER_HOUR).map(|()| HOUR),
        Unit::Day => {
            parts.add_days(value, 1)?;
            parts.add_fraction(part, USECS_PER_DAY).map(|()| DAY)
        }
        Unit::Week => {
            parts.add_days(value, 7)?;
            parts.add_days_fraction(part, 7.0).map(|()| WEEK)
        }
        Unit::Month => parts.add_months(value, part).map(|()| MONTH),
        Unit::Year => parts.add_years(value, part, 1).map(|()| YEAR),
        Unit::Decade => parts.add_years(value, part, 10).map(|()| DECADE),
        Unit::Century => parts.add_years(value, part, 100).map(|()| CENTURY),
        Unit::Millennium => parts.add_years(value, part, 1000).map(|()| MILLENNIUM),
        _ => Err(Fault::Format),
    };
    found.map(|found| (found, unit))
}

/// Takes a number off the front: its integer part, its fraction, the number of integer digits, and the rest.
fn iso_number(text: &str) -> Result<(i64, f64, usize, &str), Fault> {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b'0'..=b'9' | b'-' | b'.')) {
        return Err(Fault::Format);
    }
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(bytes[0] == b'-');
    let width = digits(sign);
    let mut end = sign + width;
    let mut decimals = 0;
    if bytes.get(end) == Some(&b'.') {
        decimals = digits(end + 1);
        end += 1 + decimals;
    }
    if width + decimals == 0 {
        return Err(Fault::Format);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let value: f64 = text[..end].parse().map_err(|_| Fault::Format)?;
    if value.is_nan() || value.abs() > 1e15 {
        return Err(Fault::Field);
    }
    let whole = value.trunc();
    Ok((whole as i64, value - whole, width, &text[end..]))
}

/// Reads an ISO 8601 duration, with designators or in the alternative forms.
fn iso_8601(text: &str) -> Result<Parts, Fault> {
    let mut parts = Parts::default();
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(Fault::Format)?;
    let mut in_date = true;
    let mut have_field = false;
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('T') {
            (rest, in_date, have_field) = (tail, false, false);
            continue;
        }
        let (value, part, width, after) = iso_number(rest)?;
        let unit = after.bytes().next();
        rest = after.get(1..).unwrap_or("");
        match (in_date, unit) {
            (true, Some(b'Y')) => parts.add_years(value, part, 1)?,
            (true, Some(b'M')) => parts.add_months(value, part)?,
            (true, Some(b'W')) => {
                parts.add_days(value, 7)?;
                parts.add_days_fraction(part, 7.0)?;
            }
            (true, Some(b'D')) => {
                parts.add_days(value, 1)?;
                parts.add_fraction(part, USECS_PER_DAY)?;
            }
            (true, None | Some(b'T')) if width == 8 && !have_field => {
                parts.add_years(value / 10_000, 0.0, 1)?;
                parts.add_months(value / 100 % 100, 0.0)?;
                parts.add_days(value % 100, 1)?;
                parts.add_fraction(part, USECS_PER_DAY)?;
                in_date = false;
                continue;
            }
            (true, None | Some(b'T' | b'-')) if !have_field => {
                parts.add_years(value, part, 1)?;
                match unit {
                    None => return Ok(parts),
                    Some(b'T') => {
                        in_date = false;
                        continue;
                    }
                    _ => {}
                }
                let (value, part, _, after) = iso_number(rest)?;
                parts.add_months(value, part)?;
                rest = after;
                if let Some(tail) = rest.strip_prefix('-') {
                    let (value, part, _, after) = iso_number(tail)?;
                    parts.add_days(value, 1)?;
                    parts.add_fraction(part, USECS_PER_DAY)?;
                    rest = after;
                }
                if rest.is_empty() {
                    return Ok(parts);
                }
                rest = rest.strip_prefix('T').ok_or(Fault::Format)?;
                in_date = false;
                continue;
            }
            (false, Some(b'H')) => parts.add_micros(value, part, USECS_PER_HOUR)?,
            (false, Some(b'M')) => parts.add_micros(value, part, USECS_PER_MINUTE)?,
            (false, Some(b'S')) => parts.add_micros(value, part, USECS_PER_SEC)?,
            (false, None) if width == 6 && !have_field => {
                parts.add_micros(value / 10_000, 0.0, USECS_PER_HOUR)?;
                parts.add_micros(value / 100 % 100, 0.0, USECS_PER_MINUTE)?;
                // A fraction of the last field of this form does not count.
                parts.add_micros(value % 100, 0.0, USECS_PER_SEC)?;
                return Ok(parts);
            }
            (false, None | Some(b':')) if !have_field => {
                parts.add_micros(value, part, USECS_PER_HOUR)?;
                if unit.is_none() {
                    return Ok(parts);
                }
                let (value, part, _, after) = iso_number(rest)?;
                parts.add_micros(value, part, USECS_PER_MINUTE)?;
                if after.is_empty() {
                    return Ok(parts);
                }
                let (value, part, _, after) = iso_number(after.strip_prefix(':').ok_or(Fault::Format)?)?;
                parts.add_micros(value, part, USECS_PER_SEC)?;
                return if after.is_empty() { Ok(parts) } else { Err(Fault::Format) };
            }
            _ => return Err(Fault::Format),
        }
        have_field = true;
    }
    Ok(parts)
}

/// The fields as they are printed.
struct Printed {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Printed {
    fn of(iv: &Interval) -> Printed {
        Printed {
            years: i64::from(iv.months) / MONTHS_PER_YEAR,
            months: i64::from(iv.months) % MONTHS_PER_YEAR,
            days: i64::from(iv.days),
            hours: iv.micros / USECS_PER_HOUR,
            minutes: iv.micros / USECS_PER_MINUTE % 60,
            seconds: iv.micros / USECS_PER_SEC % 60,
            micros: iv.micros % USECS_PER_SEC,
        }
    }

    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.micros < 0
    }

    /// Appends `hh:mm:ss[.f]` without sign, the hour with `width` digits at least.
    fn clock(&self, width: usize, out: &mut Vec<u8>) {
        super::super::int::write_padded(self.hours.unsigned_abs(), width, out);
        out.push(b':');
        write_2(self.minutes.unsigned_abs() as u32, out);
        out.push(b':');
        write_2(self.seconds.unsigned_abs() as u32, out);
        print::fraction(self.micros.unsigned_abs() as u32, out);
    }

    /// Appends the seconds with their fraction, without sign or padding.
    fn seconds(&self, out: &mut Vec<u8>) {
        write_u64(self.seconds.unsigned_abs(), out);
        print::fraction(self.micros.unsigned_abs() as u32, out);
    }
}

/// Appends a finite interval.
pub(super) fn write(iv: &Interval, style: IntervalStyle, out: &mut Vec<u8>) {
    let printed = Printed::of(iv);
    match style {
        IntervalStyle::Postgres => postgres(&printed, iv, out),
        IntervalStyle::PostgresVerbose => verbose(&printed, out),
        IntervalStyle::SqlStandard => sql_standard(&printed, iv, out),
        IntervalStyle::Iso8601 => iso(&printed, iv, out),
    }
}

/// `1 year 2 mons -3 days +04:05:06`: a positive field after a negative one has a sign.
fn postgres(p: &Printed, iv: &Interval, out: &mut Vec<u8>) {
    let mut after_negative = false;
    let mut empty = true;
    for (value, unit) in [(p.years, "year"), (p.months, "mon"), (p.days, "day")] {
        if value == 0 {
            continue;
        }
        if !empty {
            out.push(b' ');
        }
        if after_negative && value > 0 {
            out.push(b'+');
        }
        write_i64(value, out);
        out.push(b' ');
        out.extend_from_slice(unit.as_bytes());
        if value != 1 {
            out.push(b's');
        }
        after_negative = value < 0;
        empty = false;
    }
    if empty || iv.micros != 0 {
        if !empty {
            out.push(b' ');
        }
        match (p.time_is_negative(), after_negative) {
            (true, _) => out.push(b'-'),
            (false, true) => out.push(b'+'),
            _ => {}
        }
        p.clock(2, out);
    }
}

/// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs ago`: the first field's sign is that of the whole.
fn verbose(p: &Printed, out: &mut Vec<u8>) {
    let mut negative = false;
    let mut empty = true;
    out.push(b'@');
    for (value, unit) in
        [(p.years, "year"), (p.months, "mon"), (p.days, "day"), (p.hours, "hour"), (p.minutes, "min")]
    {
        if value == 0 {
            continue;
        }
        if empty {
            negative = value < 0;
        }
        let shown = if negative { -value } else { value };
        out.push(b' ');
        write_i64(shown, out);
        out.push(b' ');
        out.extend_from_slice(unit.as_bytes());
        if shown != 1 {
            out.push(b's');
        }
        empty = false;
    }
    if p.seconds != 0 || p.micros != 0 {
        out.push(b' ');
        let below = p.seconds < 0 || p.micros < 0;
        if below && empty {
            negative = true;
        } else if below != negative {
            out.push(b'-');
        }
        p.seconds(out);
        out.extend_from_slice(if p.seconds.abs() != 1 || p.micros != 0 { b" secs" } else { b" sec" });
        empty = false;
    }
    if empty {
        out.extend_from_slice(b" 0");
    }
    if negative {
        out.extend_from_slice(b" ago");
    }
}

/// `1-2`, `3 4:05:06`, or with a sign at each part where the standard has no form: `+1-2 -3 +4:05:06`.
fn sql_standard(p: &Printed, iv: &Interval, out: &mut Vec<u8>) {
    let fields = [i64::from(iv.months), i64::from(iv.days), iv.micros];
    let negative = fields.iter().any(|v| *v < 0);
    let positive = fields.iter().any(|v| *v > 0);
    let months = iv.months != 0;
    let standard = !(negative && positive) && !(months && (iv.days != 0 || iv.micros != 0));
    if !negative && !positive {
        return out.push(b'0');
    }
    let month_pair = |out: &mut Vec<u8>| {
        write_u64(p.years.unsigned_abs(), out);
        out.push(b'-');
        write_u64(p.months.unsigned_abs(), out);
    };
    if !standard {
        let sign = |negative: bool| if negative { b'-' } else { b'+' };
        out.push(sign(iv.months < 0));
        month_pair(out);
        out.extend_from_slice(&[b' ', sign(iv.days < 0)]);
        write_u64(p.days.unsigned_abs(), out);
        out.extend_from_slice(&[b' ', sign(p.time_is_negative())]);
        return p.clock(1, out);
    }
    if negative {
        out.push(b'-');
    }
    if months {
        return month_pair(out);
    }
    if iv.days != 0 {
        write_u64(p.days.unsigned_abs(), out);
        out.push(b' ');
    }
    p.clock(1, out);
}

/// `P1Y2M3DT4H5M6S`.
fn iso(p: &Printed, iv: &Interval, out: &mut Vec<u8>) {
    if iv.months == 0 && iv.days == 0 && iv.micros == 0 {
        return out.extend_from_slice(b"PT0S");
    }
    let field = |value: i64, unit: u8, out: &mut Vec<u8>| {
        if value != 0 {
            write_i64(value, out);
            out.push(unit);
        }
    };
    out.push(b'P');
    field(p.years, b'Y', out);
    field(p.months, b'M', out);
    field(p.days, b'D', out);
    if iv.micros != 0 {
        out.push(b'T');
    }
    field(p.hours, b'H', out);
    field(p.minutes, b'M', out);
    if p.seconds != 0 || p.micros != 0 {
        if p.seconds < 0 || p.micros < 0 {
            out.push(b'-');
        }
        p.seconds(out);
        out.push(b'S');
    }
}
