//! The words of date, time and interval texts.
//!
//! PostgreSQL compares the first ten characters of a word; longer words of the tables are cut accordingly.

/// Characters of a word that count.
const WORD_LENGTH_MAX: usize = 10;

/// What a field name means, in input as well as in `extract` and `date_trunc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Julian,
    Time,
    Epoch,
    Zone,
    ZoneHour,
    ZoneMinute,
}

/// What a word of a date or time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Month(i32),
    Weekday,
    Am,
    Pm,
    Ad,
    Bc,
    /// `dst`: one hour more than the zone before it.
    DaylightModifier,
    /// `t` before a time.
    IsoTime,
    Unit(Unit),
    Ignore,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    /// `allballs`: midnight UTC.
    Midnight,
    Epoch,
    Infinity,
    NegInfinity,
}

fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(WORD_LENGTH_MAX)]
}

/// Finds a word of a date or time, given in lower case.
pub(super) fn find(word: &str) -> Option<Word> {
    Some(match cut(word) {
        "-infinity" => Word::NegInfinity,
        "infinity" | "+infinity" => Word::Infinity,
        "epoch" => Word::Epoch,
        "now" => Word::Now,
        "today" => Word::Today,
        "tomorrow" => Word::Tomorrow,
        "yesterday" => Word::Yesterday,
        "allballs" => Word::Midnight,
        "ad" => Word::Ad,
        "bc" => Word::Bc,
        "am" => Word::Am,
        "pm" => Word::Pm,
        "at" | "on" => Word::Ignore,
        "dst" => Word::DaylightModifier,
        "t" => Word::IsoTime,
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday"
        | "thu" | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" => Word::Weekday,
        "d" => Word::Unit(Unit::Day),
        "dow" => Word::Unit(Unit::DayOfWeek),
        "doy" => Word::Unit(Unit::DayOfYear),
        "h" => Word::Unit(Unit::Hour),
        "isodow" => Word::Unit(Unit::IsoDayOfWeek),
        "isoyear" => Word::Unit(Unit::IsoYear),
        "j" | "jd" | "julian" => Word::Unit(Unit::Julian),
        "m" => Word::Unit(Unit::Month),
        "mm" => Word::Unit(Unit::Minute),
        "s" => Word::Unit(Unit::Second),
        "y" => Word::Unit(Unit::Year),
        _ => return None,
    })
}

/// What a word of an interval means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntervalWord {
    Unit(Unit),
    Ago,
    Ignore,
}

/// Finds a word of an interval, given in lower case.
pub(super) fn find_interval(word: &str) -> Option<IntervalWord> {
    let unit = match cut(word) {
        "@" => return Some(IntervalWord::Ignore),
        "ago" => return Some(IntervalWord::Ago),
        "us" | "usec" | "usecs" | "useconds" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecs" | "mseconds" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "qtr" | "quarter" => Unit::Quarter,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
        "dec" | "decs" | "decade" | "decades" => Unit::Decade,
        "c" | "cent" | "century" | "centuries" => Unit::Century,
        "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
        "timezone" => Unit::Zone,
        "timezone_h" => Unit::ZoneHour,
        "timezone_m" => Unit::ZoneMinute,
        _ => return None,
    };
    Some(IntervalWord::Unit(unit))
}

/// Finds the field that `extract` or `date_trunc` names, in any case.
pub(super) fn find_field(name: &str) -> Option<Unit> {
    let lower = name.to_ascii_lowercase();
    match (find_interval(&lower), find(&lower)) {
        (Some(IntervalWord::Unit(unit)), _) | (None, Some(Word::Unit(unit))) => Some(unit),
        (None, Some(Word::Epoch)) => Some(Unit::Epoch),
        _ => None,
    }
}
