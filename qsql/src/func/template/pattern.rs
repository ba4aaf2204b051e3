//! Templates for dates and times: a list of fields, literal characters, separators and blanks.

/// Conventions of dates that cannot be mixed in input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Convention {
    /// Of no convention.
    Any,
    /// Year, month, day.
    Gregorian,
    /// ISO year, week, day of week.
    IsoWeek,
}

/// Fields; those of letters exist in upper, lower and (names of days and months) capitalized case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `AD`/`BC`, with points or without.
    Era {
        points: bool,
    },
    /// `AM`/`PM`, with points or without.
    Meridian {
        points: bool,
    },
    Century,
    DayName,
    DayShort,
    DayOfYear,
    IsoDayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    /// Fractional seconds of this many digits.
    Fraction(u8),
    Exact,
    Hour24,
    Hour12,
    IsoWeek,
    IsoYear(u8),
    Julian,
    Minute,
    MonthName,
    MonthShort,
    Month,
    Millisecond,
    Offset,
    Quarter,
    RomanMonth,
    SecondsOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    Zone,
    Microsecond,
    Week,
    WeekOfMonth,
    YearComma,
    Year(u8),
}

/// Letter case of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Capital,
    Lower,
}

/// A row of the table of keywords.
pub(super) struct Keyword {
    /// As it is written.
    pub name: &'static str,
    pub field: Field,
    pub case: Case,
    /// Its value is digits only.
    pub digits: bool,
    pub convention: Convention,
}

const fn k(name: &'static str, field: Field, case: Case, digits: bool, convention: Convention) -> Keyword {
    Keyword { name, field, case, digits, convention }
}

use Case::{Capital, Lower, Upper};
use Convention::{Any, Gregorian, IsoWeek as Iso};

/// Keywords; of two that start alike the longer one stands first.
#[rustfmt::skip]
static KEYWORDS: &[Keyword] = &[
    k("A.D.", Field::Era { points: true }, Upper, false, Any),
    k("A.M.", Field::Meridian { points: true }, Upper, false, Any),
    k("AD", Field::Era { points: false }, Upper, false, Any),
    k("AM", Field::Meridian { points: false }, Upper, false, Any),
    k("B.C.", Field::Era { points: true }, Upper, false, Any),
    k("BC", Field::Era { points: false }, Upper, false, Any),
    k("CC", Field::Century, Upper, true, Any),
    k("DAY", Field::DayName, Upper, false, Any),
    k("DDD", Field::DayOfYear, Upper, true, Gregorian),
    k("DD", Field::Day, Upper, true, Gregorian),
    k("DY", Field::DayShort, Upper, false, Any),
    k("Day", Field::DayName, Capital, false, Any),
    k("Dy", Field::DayShort, Capital, false, Any),
    k("D", Field::DayOfWeek, Upper, true, Gregorian),
    k("FF1", Field::Fraction(1), Upper, true, Any),
    k("FF2", Field::Fraction(2), Upper, true, Any),
    k("FF3", Field::Fraction(3), Upper, true, Any),
    k("FF4", Field::Fraction(4), Upper, true, Any),
    k("FF5", Field::Fraction(5), Upper, true, Any),
    k("FF6", Field::Fraction(6), Upper, true, Any),
    k("FX", Field::Exact, Upper, false, Any),
    k("HH24", Field::Hour24, Upper, true, Any),
    k("HH12", Field::Hour12, Upper, true, Any),
    k("HH", Field::Hour12, Upper, true, Any),
    k("IDDD", Field::IsoDayOfYear, Upper, true, Iso),
    k("ID", Field::IsoDayOfWeek, Upper, true, Iso),
    k("IW", Field::IsoWeek, Upper, true, Iso),
    k("IYYY", Field::IsoYear(4), Upper, true, Iso),
    k("IYY", Field::IsoYear(3), Upper, true, Iso),
    k("IY", Field::IsoYear(2), Upper, true, Iso),
    k("I", Field::IsoYear(1), Upper, true, Iso),
    k("J", Field::Julian, Upper, true, Any),
    k("MI", Field::Minute, Upper, true, Any),
    k("MM", Field::Month, Upper, true, Gregorian),
    k("MONTH", Field::MonthName, Upper, false, Gregorian),
    k("MON", Field::MonthShort, Upper, false, Gregorian),
    k("MS", Field::Millisecond, Upper, true, Any),
    k("Month", Field::MonthName, Capital, false, Gregorian),
    k("Mon", Field::MonthShort, Capital, false, Gregorian),
    k("OF", Field::Offset, Upper, false, Any),
    k("P.M.", Field::Meridian { points: true }, Upper, false, Any),
    k("PM", Field::Meridian { points: false }, Upper, false, Any),
    k("Q", Field::Quarter, Upper, true, Any),
    k("RM", Field::RomanMonth, Upper, false, Gregorian),
    k("SSSSS", Field::SecondsOfDay, Upper, true, Any),
    k("SSSS", Field::SecondsOfDay, Upper, true, Any),
    k("SS", Field::Second, Upper, true, Any),
    k("TZH", Field::ZoneHour, Upper, false, Any),
    k("TZM", Field::ZoneMinute, Upper, true, Any),
    k("TZ", Field::Zone, Upper, false, Any),
    k("US", Field::Microsecond, Upper, true, Any),
    k("WW", Field::Week, Upper, true, Gregorian),
    k("W", Field::WeekOfMonth, Upper, true, Gregorian),
    k("Y,YYY", Field::YearComma, Upper, true, Gregorian),
    k("YYYY", Field::Year(4), Upper, true, Gregorian),
    k("YYY", Field::Year(3), Upper, true, Gregorian),
    k("YY", Field::Year(2), Upper, true, Gregorian),
    k("Y", Field::Year(1), Upper, true, Gregorian),
    k("a.d.", Field::Era { points: true }, Lower, false, Any),
    k("a.m.", Field::Meridian { points: true }, Lower, false, Any),
    k("ad", Field::Era { points: false }, Lower, false, Any),
    k("am", Field::Meridian { points: false }, Lower, false, Any),
    k("b.c.", Field::Era { points: true }, Lower, false, Any),
    k("bc", Field::Era { points: false }, Lower, false, Any),
    k("cc", Field::Century, Upper, true, Any),
    k("day", Field::DayName, Lower, false, Any),
    k("ddd", Field::DayOfYear, Upper, true, Gregorian),
    k("dd", Field::Day, Upper, true, Gregorian),
    k("dy", Field::DayShort, Lower, false, Any),
    k("d", Field::DayOfWeek, Upper, true, Gregorian),
    k("ff1", Field::Fraction(1), Upper, true, Any),
    k("ff2", Field::Fraction(2), Upper, true, Any),
    k("ff3", Field::Fraction(3), Upper, true, Any),
    k("ff4", Field::Fraction(4), Upper, true, Any),
    k("ff5", Field::Fraction(5), Upper, true, Any),
    k("ff6", Field::Fraction(6), Upper, true, Any),
    k("fx", Field::Exact, Upper, false, Any),
    k("hh24", Field::Hour24, Upper, true, Any),
    k("hh12", Field::Hour12, Upper, true, Any),
    k("hh", Field::Hour12, Upper, true, Any),
    k("iddd", Field::IsoDayOfYear, Upper, true, Iso),
    k("id", Field::IsoDayOfWeek, Upper, true, Iso),
    k("iw", Field::IsoWeek, Upper, true, Iso),
    k("iyyy", Field::IsoYear(4), Upper, true, Iso),
    k("iyy", Field::IsoYear(3), Upper, true, Iso),
    k("iy", Field::IsoYear(2), Upper, true, Iso),
    k("i", Field::IsoYear(1), Upper, true, Iso),
    k("j", Field::Julian, Upper, true, Any),
    k("mi", Field::Minute, Upper, true, Any),
    k("mm", Field::Month, Upper, true, Gregorian),
    k("month", Field::MonthName, Lower, false, Gregorian),
    k("mon", Field::MonthShort, Lower, false, Gregorian),
    k("ms", Field::Millisecond, Upper, true, Any),
    k("of", Field::Offset, Upper, false, Any),
    k("p.m.", Field::Meridian { points: true }, Lower, false, Any),
    k("pm", Field::Meridian { points: false }, Lower, false, Any),
    k("q", Field::Quarter, Upper, true, Any),
    k("rm", Field::RomanMonth, Lower, false, Gregorian),
    k("sssss", Field::SecondsOfDay, Upper, true, Any),
    k("ssss", Field::SecondsOfDay, Upper, true, Any),
    k("ss", Field::Second, Upper, true, Any),
    k("tzh", Field::ZoneHour, Upper, false, Any),
    k("tzm", Field::ZoneMinute, Upper, true, Any),
    k("tz", Field::Zone, Lower, false, Any),
    k("us", Field::Microsecond, Upper, true, Any),
    k("ww", Field::Week, Upper, true, Gregorian),
    k("w", Field::WeekOfMonth, Upper, true, Gregorian),
    k("y,yyy", Field::YearComma, Upper, true, Gregorian),
    k("yyyy", Field::Year(4), Upper, true, Gregorian),
    k("yyy", Field::Year(3), Upper, true, Gregorian),
    k("yy", Field::Year(2), Upper, true, Gregorian),
    k("y", Field::Year(1), Upper, true, Gregorian),
];

/// `TH` or `th` behind a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordinal {
    None,
    Upper,
    Lower,
}

/// A field with its modifiers.
#[derive(Clone, Copy)]
pub(super) struct FieldNode {
    pub keyword: &'static Keyword,
    /// `FM` in front.
    pub fill: bool,
    pub ordinal: Ordinal,
}

/// An element of a template.
#[derive(Clone, Copy)]
pub(super) enum Node {
    Field(FieldNode),
    /// A punctuation character outside of quotes.
    Separator(char),
    /// A blank outside of quotes.
    Space(char),
    /// Any other character, and all in quotes.
    Literal(char),
}

/// Takes one of `words` from the front.
fn take<'a>(rest: &mut &'a str, words: &[&str]) -> Option<&'a str> {
    let word = words.iter().find(|w| rest.starts_with(**w))?;
    let (taken, tail) = rest.split_at(word.len());
    *rest = tail;
    Some(taken)
}

/// Reads a template.
pub(super) fn parse(template: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let prefix = take(&mut rest, &["FM", "TM", "fm", "tm"]);
        if let Some(keyword) = KEYWORDS.iter().find(|k| rest.starts_with(k.name)) {
            rest = &rest[keyword.name.len()..];
            let ordinal = match take(&mut rest, &["TH", "th", "SP"]) {
                Some("TH") => Ordinal::Upper,
                Some("th") => Ordinal::Lower,
                _ => Ordinal::None,
            };
            // A translated name is not padded.
            let name = matches!(keyword.field, Field::MonthName | Field::DayName);
            let fill = matches!(prefix, Some("FM" | "fm")) || name && prefix.is_some();
            nodes.push(Node::Field(FieldNode { keyword, fill, ordinal }));
        } else if let Some(quoted) = rest.strip_prefix('"') {
            rest = quote(quoted, &mut nodes);
        } else {
            if rest.starts_with("\\\"") {
                rest = &rest[1..];
            }
            let Some(c) = rest.chars().next() else { break };
            rest = &rest[c.len_utf8()..];
            nodes.push(match c {
                c if is_separator(c) => Node::Separator(c),
                c if is_space(c) => Node::Space(c),
                c => Node::Literal(c),
            });
        }
    }
    nodes
}

/// Reads a quoted string behind its quote; returns what follows it.
fn quote<'a>(quoted: &'a str, nodes: &mut Vec<Node>) -> &'a str {
    let mut chars = quoted.char_indices();
    while let Some((_, c)) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some((_, c)) => nodes.push(Node::Literal(c)),
                None => nodes.push(Node::Literal('\\')),
            },
            c => nodes.push(Node::Literal(c)),
        }
    }
    chars.as_str()
}

/// A printable ASCII character that is neither letter nor digit nor blank.
pub(super) fn is_separator(c: char) -> bool {
    c.is_ascii_punctuation()
}

/// C's `isspace`.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_keywords_stand_first() {
        for (i, later) in KEYWORDS.iter().enumerate() {
            for earlier in &KEYWORDS[..i] {
                assert!(!later.name.starts_with(earlier.name), "{} hides {}", earlier.name, later.name);
            }
        }
    }

    #[test]
    fn templates_are_read() {
        let nodes = parse("FMDDth \"a\\\"b\"-x\\\"");
        assert!(matches!(nodes[0], Node::Field(FieldNode { fill: true, ordinal: Ordinal::Lower, .. })));
        assert!(matches!(
            nodes[1..],
            [
                Node::Space(' '),
                Node::Literal('a'),
                Node::Literal('"'),
                Node::Literal('b'),
                Node::Separator('-'),
                Node::Literal('x'),
                Node::Separator('"')
            ]
        ));
    }
}
