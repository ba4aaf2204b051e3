//! The meaning of the fields of a date, time or timestamp.
//!
//! Fields are taken from left to right; what a number means depends on what is already known and on `DateStyle`'s order.
//! `seen` collects what is known, one bit a field; no field may come twice.

use super::calendar::{Civil, from_julian, month_days, to_julian};
use super::fields::{Fields, Kind, clock, fraction, fraction_micros, leading_i32, offset};
use super::keywords::{self, Unit, Word};
use super::zone::{Meaning, Zone};
use super::{EPOCH_JULIAN, Fault, USECS_PER_DAY, USECS_PER_SEC};
use crate::types::IoContext;
use crate::types::io::DateOrder;

const YEAR: u32 = 1;
const MONTH: u32 = 1 << 1;
const DAY: u32 = 1 << 2;
const DAY_OF_YEAR: u32 = 1 << 3;
const TIME: u32 = 1 << 4;
const ZONE: u32 = 1 << 5;
const DAYLIGHT_MODIFIER: u32 = 1 << 6;
const WEEKDAY: u32 = 1 << 7;
const MERIDIAN: u32 = 1 << 8;
const ERA: u32 = 1 << 9;
const DATE: u32 = YEAR | MONTH | DAY;

/// What a text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// Local date and time, and the offset in seconds east of Greenwich.
    At(Civil, i32),
    Epoch,
    Infinity,
    NegInfinity,
}

/// A zone whose offset is known only with the date.
enum LateZone {
    None,
    Named(Zone),
    Abbreviated(Zone),
}

struct Decoder<'a, 'c> {
    cx: &'a IoContext<'c>,
    fields: &'a Fields,
    /// Whether a time of day is wanted: numbers are then times first, and no date is needed.
    time_only: bool,
    civil: Civil,
    seen: u32,
    east: i32,
    late: LateZone,
    /// A unit in front of the field it describes: `J` or `T`.
    prefix: Option<Unit>,
    month_by_name: bool,
    day_of_year: i32,
    is_julian: bool,
    two_digit_year: bool,
    bc: bool,
    afternoon: Option<bool>,
    special: Option<Decoded>,
}

/// Reads a date or timestamp.
pub(super) fn timestamp(text: &str, cx: &IoContext<'_>) -> Result<Decoded, Fault> {
    let fields = Fields::split(text)?;
    let mut decoder = Decoder::new(&fields, cx, false);
    decoder.run()?;
    if let Some(special) = decoder.special {
        return Ok(special);
    }
    decoder.check_date()?;
    decoder.apply_meridian()?;
    if decoder.seen & DATE != DATE {
        return Err(Fault::Format);
    }
    decoder.resolve_zone(|decoder| Ok(decoder.civil))?;
    Ok(Decoded::At(decoder.civil, decoder.east))
}

/// Reads a time of day; the date of the result has no meaning.
pub(super) fn time(text: &str, cx: &IoContext<'_>) -> Result<(Civil, i32), Fault> {
    let fields = Fields::split(text)?;
    let mut decoder = Decoder::new(&fields, cx, true);
    decoder.run()?;
    decoder.check_date()?;
    decoder.apply_meridian()?;
    decoder.check_time()?;
    if decoder.seen & TIME == 0 {
        return Err(Fault::Format);
    }
    decoder.resolve_zone(|decoder| match decoder.seen & DATE {
        DATE => Ok(decoder.civil),
        // Without a date, today's decides; a zone with daylight-saving rules needs a date of its own.
        0 if matches!(decoder.late, LateZone::Named(_)) => Err(Fault::Format),
        0 => {
            let today = decoder.now();
            Ok(Civil { year: today.year, month: today.month, day: today.day, ..decoder.civil })
        }
        _ => Err(Fault::Format),
    })?;
    Ok((decoder.civil, decoder.east))
}

impl<'a, 'c> Decoder<'a, 'c> {
    fn new(fields: &'a Fields, cx: &'a IoContext<'c>, time_only: bool) -> Self {
        Decoder {
            cx,
            fields,
            time_only,
            civil: Civil::default(),
            seen: 0,
            east: 0,
            late: LateZone::None,
            prefix: None,
            month_by_name: false,
            day_of_year: 0,
            is_julian: false,
            two_digit_year: false,
            bc: false,
            afternoon: None,
            special: None,
        }
    }

    fn run(&mut self) -> Result<(), Fault> {
        for at in 0..self.fields.len() {
            let (text, kind) = self.fields.get(at);
            let found = match kind {
                Kind::Date => self.date_field(at, text)?,
                Kind::Time => self.time_field(text)?,
                Kind::Offset => {
                    self.east = offset(text)?;
                    ZONE
                }
                Kind::Number => self.number_field(at, text)?,
                Kind::Word | Kind::Special => match self.word_field(text)? {
                    Some(found) => found,
                    None => continue,
                },
            };
            if self.seen & found != 0 {
                return Err(Fault::Format);
            }
            self.seen |= found;
        }
        // A prefix without its field.
        if self.prefix.is_some() { Err(Fault::Format) } else { Ok(()) }
    }

    /// A field with separators: a date, a run-together time with an offset, or a zone's name.
    fn date_field(&mut self, at: usize, text: &str) -> Result<u32, Fault> {
        if self.prefix == Some(Unit::Julian) && !self.time_only {
            let (julian, rest) = leading_i32(text, Fault::Field)?;
            self.set_julian(julian)?;
            self.prefix = None;
            self.east = offset(rest)?;
            return Ok(DATE | TIME | ZONE);
        }
        let is_date = match self.time_only {
            true => {
                let last = self.fields.len() - 1;
                at == 0
                    && last >= 1
                    && (self.fields.get(last).1 == Kind::Date || self.fields.get(1).1 == Kind::Time)
            }
            false => self.prefix.is_none() && self.seen & (MONTH | DAY) != MONTH | DAY,
        };
        if is_date {
            return self.date(text);
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) && self.prefix.is_none() {
            let zone = Zone::by_name(text).ok_or_else(|| Fault::Zone(text.to_owned()))?;
            self.late = LateZone::Named(zone);
            return Ok(ZONE);
        }
        if self.prefix.take().is_some_and(|prefix| prefix != Unit::Time) || self.seen & TIME != 0 {
            return Err(Fault::Format);
        }
        let (digits, _) = text.split_once('-').ok_or(Fault::Format)?;
        self.east = offset(&text[digits.len()..])?;
        let known = if self.time_only { self.seen | DATE } else { self.seen };
        Ok(self.run_together(digits, known)? | ZONE)
    }

    fn time_field(&mut self, text: &str) -> Result<u32, Fault> {
        if self.prefix.take().is_some_and(|prefix| prefix != Unit::Time) {
            return Err(Fault::Format);
        }
        let (hour, minute, second, micros) = clock(text, false)?;
        let hour = i32::try_from(hour).map_err(|_| Fault::Field)?;
        self.set_time(hour, minute, second, micros);
        if !self.time_only {
            self.check_time()?;
        }
        Ok(TIME)
    }

    fn number_field(&mut self, at: usize, text: &str) -> Result<u32, Fault> {
        if let Some(prefix) = self.prefix.take() {
            return self.prefixed_number(prefix, text);
        }
        let point = text.find('.');
        if self.time_only {
            let last = self.fields.len() - 1;
            return match point {
                Some(_) if at == 0 && last >= 1 && self.fields.get(last).1 == Kind::Date => self.date(text),
                Some(digits) if digits > 2 => self.run_together(text, self.seen | DATE),
                Some(_) => Err(Fault::Format),
                None if text.len() > 4 => self.run_together(text, self.seen | DATE),
                None => self.number(text, self.seen | DATE, false),
            };
        }
        match point {
            Some(_) if self.seen & DATE == 0 => self.date(text),
            Some(digits) if digits > 2 => self.run_together(text, self.seen),
            None if text.len() >= 6 && (self.seen & DATE == 0 || self.seen & TIME == 0) => {
                self.run_together(text, self.seen)
            }
            _ => self.number(text, self.seen, self.month_by_name),
        }
    }

    /// `J2451187`, `J2451187.5`, `T040506`.
    fn prefixed_number(&mut self, prefix: Unit, text: &str) -> Result<u32, Fault> {
        let (value, rest) = leading_i32(text, Fault::Field)?;
        if !rest.is_empty() && !rest.starts_with('.') {
            return Err(Fault::Format);
        }
        match prefix {
            Unit::Julian => {
                self.set_julian(value)?;
                if rest.is_empty() {
                    return Ok(DATE);
                }
                let time = (fraction(rest)? * USECS_PER_DAY as f64) as i64;
                let (hour, minute, second, micros) = super::calendar::split_time(time);
                self.set_time(hour, minute, second, micros);
                Ok(DATE | TIME)
            }
            Unit::Time => match self.run_together(text, self.seen | DATE)? {
                TIME => Ok(TIME),
                _ => Err(Fault::Format),
            },
            _ => Err(Fault::Format),
        }
    }

    /// A word; `None` for one without meaning.
    fn word_field(&mut self, text: &str) -> Result<Option<u32>, Fault> {
        match Zone::abbreviation(text, &self.cx.time_zone) {
            Some(Meaning::Fixed { seconds, daylight }) => {
                self.east = seconds;
                // "DST" behind one that says it already is too much.
                return Ok(Some(if daylight { ZONE | DAYLIGHT_MODIFIER } else { ZONE }));
            }
            Some(Meaning::Changing(zone)) => {
                self.late = LateZone::Abbreviated(zone);
                return Ok(Some(ZONE));
            }
            None => {}
        }
        let Some(word) = keywords::find(text) else {
            let zone = Zone::by_name(text).ok_or(Fault::Format)?;
            self.late = LateZone::Named(zone);
            return Ok(Some(ZONE));
        };
        let found = match word {
            Word::Ignore => return Ok(None),
            Word::Now if self.time_only => {
                let now = self.now();
                self.set_time(now.hour, now.minute, now.second, now.micros);
                TIME
            }
            Word::Midnight => {
                self.set_time(0, 0, 0, 0);
                self.east = 0;
                TIME | ZONE
            }
            Word::Now => {
                self.civil = self.now();
                self.east = self.cx.time_zone.offset_at(self.cx.now_micros);
                self.keep_date();
                DATE | TIME | ZONE
            }
            Word::Today | Word::Tomorrow | Word::Yesterday if !self.time_only => {
                let today = self.now();
                let shift = i64::from(word == Word::Tomorrow) - i64::from(word == Word::Yesterday);
                self.set_date(from_julian(to_julian(today.year, today.month, today.day) + shift));
                self.keep_date();
                DATE
            }
            Word::Epoch | Word::Infinity | Word::NegInfinity if !self.time_only => {
                self.special = Some(match word {
                    Word::Epoch => Decoded::Epoch,
                    Word::Infinity => Decoded::Infinity,
                    _ => Decoded::NegInfinity,
                });
                DATE | TIME | ZONE
            }
            Word::Month(month) if !self.time_only => self.named_month(month),
            Word::DaylightModifier => {
                self.east += 3600;
                DAYLIGHT_MODIFIER
            }
            Word::Weekday if !self.time_only => WEEKDAY,
            Word::Am | Word::Pm => {
                self.afternoon = Some(word == Word::Pm);
                MERIDIAN
            }
            Word::Ad | Word::Bc => {
                self.bc = word == Word::Bc;
                ERA
            }
            Word::Unit(unit) => {
                if self.prefix.replace(unit).is_some() {
                    return Err(Fault::Format);
                }
                0
            }
            Word::IsoTime => {
                let dated = self.time_only || self.seen & DATE == DATE;
                if !dated || self.prefix.replace(Unit::Time).is_some() {
                    return Err(Fault::Format);
                }
                0
            }
            _ => return Err(Fault::Format),
        };
        Ok(Some(found))
    }

    /// A month's name; a number taken for the month before it was the day.
    fn named_month(&mut self, month: i32) -> u32 {
        let number = self.civil.month;
        let was_day = self.seen & MONTH != 0
            && !self.month_by_name
            && self.seen & DAY == 0
            && (1..=31).contains(&number);
        self.month_by_name = true;
        self.civil.month = month;
        if was_day {
            self.civil.day = number;
            return DAY;
        }
        MONTH
    }

    /// A date with separators, of three fields.
    fn date(&mut self, text: &str) -> Result<u32, Fault> {
        let mut parts: Vec<&str> = Vec::with_capacity(4);
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let first = rest.chars().next().ok_or(Fault::Format)?;
            let end =
                rest.find(|c: char| {
                    if first.is_ascii_digit() { !c.is_ascii_digit() } else { !c.is_ascii_alphabetic() }
                })
                .unwrap_or(rest.len());
            parts.push(&rest[..end]);
            // The character that ends a part is a separator, whatever it is.
            rest = rest.get(end + 1..).unwrap_or("");
        }
        let mut known = self.seen;
        let mut found = 0;
        let mut month_by_name = false;
        let mut add = |field: u32, found: &mut u32| {
            if known & field != 0 {
                return Err(Fault::Format);
            }
            known |= field;
            *found |= field;
            Ok(known)
        };
        for part in parts.iter().filter(|p| p.starts_with(|c: char| c.is_ascii_alphabetic())) {
            match keywords::find(part) {
                Some(Word::Ignore) => {}
                Some(Word::Month(month)) => {
                    self.civil.month = month;
                    month_by_name = true;
                    add(MONTH, &mut found)?;
                }
                _ => return Err(Fault::Format),
            }
        }
        let mut known = self.seen | found;
        for part in parts.iter().filter(|p| p.starts_with(|c: char| c.is_ascii_digit())) {
            let field = self.number(part, known, month_by_name)?;
            if known & field != 0 {
                return Err(Fault::Format);
            }
            known |= field;
            found |= field;
        }
        if known & !(DAY_OF_YEAR | ZONE) == DATE { Ok(found) } else { Err(Fault::Format) }
    }

    /// A single number, whose meaning depends on what is `known`.
    fn number(&mut self, text: &str, known: u32, month_by_name: bool) -> Result<u32, Fault> {
        let (value, rest) = leading_i32(text, Fault::Field)?;
        if rest.len() == text.len() {
            return Err(Fault::Format);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, known | DATE);
            }
            self.civil.micros = fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Fault::Format);
        }
        if text.len() == 3 && known & DATE == YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(DAY_OF_YEAR | MONTH | DAY);
        }
        let long = text.len() >= 3;
        let order = self.cx.date_order;
        let field = match known & DATE {
            0 if long || order == DateOrder::Ymd => YEAR,
            0 if order == DateOrder::Dmy => DAY,
            0 => MONTH,
            YEAR => MONTH,
            MONTH if month_by_name && (long || order == DateOrder::Ymd) => YEAR,
            MONTH => DAY,
            YEAR_MONTH if month_by_name && long && self.two_digit_year => {
                // The first number was the day after all.
                self.civil.day = self.civil.year;
                self.civil.year = value;
                self.two_digit_year = false;
                return Ok(DAY);
            }
            YEAR_MONTH => DAY,
            DAY => MONTH,
            MONTH_DAY => YEAR,
            DATE => return self.run_together(text, known),
            _ => return Err(Fault::Format),
        };
        match field {
            YEAR => {
                self.civil.year = value;
                self.two_digit_year = text.len() <= 2;
            }
            MONTH => self.civil.month = value,
            _ => self.civil.day = value,
        }
        Ok(field)
    }

    /// `yyyymmdd`, `yymmdd`, `hhmmss[.ffffff]`, `hhmm`.
    fn run_together(&mut self, text: &str, known: u32) -> Result<u32, Fault> {
        let point = text.find('.');
        let digits = &text[..point.unwrap_or(text.len())];
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::Format);
        }
        let len = digits.len();
        let pair = |at: usize| digits[at..at + 2].parse::<i32>().unwrap_or(0);
        if let Some(point) = point {
            self.civil.micros = fraction_micros(&text[point..])?;
        } else if known & DATE != DATE && len >= 6 {
            let year = digits[..len - 4].parse().map_err(|_| Fault::Field)?;
            self.set_date((year, pair(len - 4), pair(len - 2)));
            self.two_digit_year = len == 6;
            return Ok(DATE);
        }
        let micros = if point.is_some() { self.civil.micros } else { 0 };
        match len {
            6 if known & TIME == 0 => self.set_time(pair(0), pair(2), pair(4), micros),
            4 if known & TIME == 0 => self.set_time(pair(0), pair(2), 0, micros),
            _ => return Err(Fault::Format),
        }
        Ok(TIME)
    }

    fn set_date(&mut self, (year, month, day): (i32, i32, i32)) {
        self.civil = Civil { year, month, day, ..self.civil };
    }

    fn set_time(&mut self, hour: i32, minute: i32, second: i32, micros: i32) {
        self.civil = Civil { hour, minute, second, micros, ..self.civil };
    }

    fn set_julian(&mut self, julian: i32) -> Result<(), Fault> {
        if julian < 0 {
            return Err(Fault::Field);
        }
        self.set_date(from_julian(i64::from(julian)));
        self.keep_date();
        Ok(())
    }

    /// Marks the year as final: neither BC nor two digits.
    fn keep_date(&mut self) {
        self.is_julian = true;
    }

    /// The transaction's start in the session's zone.
    fn now(&self) -> Civil {
        let now = self.cx.now_micros;
        Civil::of(now + i64::from(self.cx.time_zone.offset_at(now)) * USECS_PER_SEC)
    }

    /// Checks and completes year, month and day.
    fn check_date(&mut self) -> Result<(), Fault> {
        let year = &mut self.civil.year;
        if self.seen & YEAR != 0 && !self.is_julian {
            match () {
                _ if self.bc && *year > 0 => *year = 1 - *year,
                _ if self.bc => return Err(Fault::Field),
                _ if self.two_digit_year && *year < 70 => *year += 2000,
                _ if self.two_digit_year && *year < 100 => *year += 1900,
                _ if *year <= 0 && !self.two_digit_year => return Err(Fault::Field),
                _ => {}
            }
        }
        let year = *year;
        if self.seen & DAY_OF_YEAR != 0 {
            self.set_date(from_julian(to_julian(year, 1, 1) + i64::from(self.day_of_year) - 1));
        }
        let Civil { month, day, .. } = self.civil;
        if self.seen & MONTH != 0 && !(1..=12).contains(&month)
            || self.seen & DAY != 0 && !(1..=31).contains(&day)
        {
            return Err(Fault::MonthOrDay);
        }
        if self.seen & DATE == DATE && day > month_days(year, month) {
            return Err(Fault::Field);
        }
        Ok(())
    }

    fn apply_meridian(&mut self) -> Result<(), Fault> {
        let Some(afternoon) = self.afternoon else { return Ok(()) };
        match (self.civil.hour, afternoon) {
            (13.., _) => return Err(Fault::Field),
            (12, false) => self.civil.hour = 0,
            (..12, true) => self.civil.hour += 12,
            _ => {}
        }
        Ok(())
    }

    /// 24:00:00 is the last time of a day.
    fn check_time(&self) -> Result<(), Fault> {
        let Civil { hour, minute, second, micros, .. } = self.civil;
        let valid = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
        if valid && super::calendar::join_time(hour, minute, second, micros) <= USECS_PER_DAY {
            return Ok(());
        }
        Err(Fault::Field)
    }

    /// Finds the offset of a named zone, an abbreviation or the session's zone at the time read.
    fn resolve_zone(&mut self, date: impl Fn(&Self) -> Result<Civil, Fault>) -> Result<(), Fault> {
        let modified = self.seen & DAYLIGHT_MODIFIER != 0;
        let zone = match &self.late {
            LateZone::Named(zone) | LateZone::Abbreviated(zone) => zone.clone(),
            LateZone::None if self.seen & ZONE == 0 => self.cx.time_zone.clone(),
            LateZone::None => return Ok(()),
        };
        // "DST" needs a zone of fixed offset before it.
        if modified {
            return Err(Fault::Format);
        }
        self.east = match zone.fixed_offset() {
            Some(east) => east,
            None => {
                let civil = date(self)?;
                let days = to_julian(civil.year, civil.month, civil.day) - EPOCH_JULIAN;
                let time = super::calendar::join_time(civil.hour, civil.minute, civil.second, civil.micros);
                zone.offset_at_local(days.saturating_mul(USECS_PER_DAY).saturating_add(time))
            }
        };
        Ok(())
    }
}

const YEAR_MONTH: u32 = YEAR | MONTH;
const MONTH_DAY: u32 = MONTH | DAY;
