//! `~` and the `regexp_` functions.

use regex::{Captures, Regex};

use super::regex::{Flags, compiled};
use super::similar::rewritten;
use crate::error::Result;
use crate::func::args::{arg, scalar};
use crate::func::array::vector;
use crate::func::set::rows_of;
use crate::func::{EvalCx, SetRows};
use crate::sql_err;
use crate::types::oid::TEXT;
use crate::types::{Array, Datum};

fn is_match(text: &str, pattern: &str, ignore_case: bool) -> Result<bool> {
    Ok(compiled(pattern, Flags { ignore_case, ..Flags::DEFAULT })?.is_match(text))
}

scalar! {
    textregexeq(a: &str, p: &str) -> bool = is_match(a, p, false)?;
    textregexne(a: &str, p: &str) -> bool = !is_match(a, p, false)?;
    texticregexeq(a: &str, p: &str) -> bool = is_match(a, p, true)?;
    texticregexne(a: &str, p: &str) -> bool = !is_match(a, p, true)?;
    nameregexeq(a: &str, p: &str) -> bool = is_match(a, p, false)?;
    nameregexne(a: &str, p: &str) -> bool = !is_match(a, p, false)?;
    nameicregexeq(a: &str, p: &str) -> bool = is_match(a, p, true)?;
    nameicregexne(a: &str, p: &str) -> bool = !is_match(a, p, true)?;

    textregexsubstr(a: &str, p: &str) -> Option<String> = substring(a, p)?;
    substring_2074(a: &str, p: &str, escape: &str) -> Option<String> = substring(a, &rewritten(p, Some(escape))?)?;

    regexp_like_no_flags(a: &str, p: &str) -> bool = is_match(a, p, false)?;
    regexp_like(a: &str, p: &str, flags: &str) -> bool = compiled(p, once(flags, "regexp_like")?)?.is_match(a);
    regexp_count_no_start(a: &str, p: &str) -> i32 = count(a, p, 1, Flags::DEFAULT)?;
    regexp_count_no_flags(a: &str, p: &str, start: i32) -> i32 = count(a, p, start, Flags::DEFAULT)?;
    regexp_count(a: &str, p: &str, start: i32, flags: &str) -> i32 = count(a, p, start, once(flags, "regexp_count")?)?;

    regexp_instr_no_start(a: &str, p: &str) -> i32 = instr(a, p, 1, 1, 0, Flags::DEFAULT, 0)?;
    regexp_instr_no_n(a: &str, p: &str, start: i32) -> i32 = instr(a, p, start, 1, 0, Flags::DEFAULT, 0)?;
    regexp_instr_no_endoption(a: &str, p: &str, start: i32, n: i32) -> i32 = instr(a, p, start, n, 0, Flags::DEFAULT, 0)?;
    regexp_instr_no_flags(a: &str, p: &str, start: i32, n: i32, end: i32) -> i32 = instr(a, p, start, n, end, Flags::DEFAULT, 0)?;
    regexp_instr_no_subexpr(a: &str, p: &str, start: i32, n: i32, end: i32, flags: &str) -> i32 =
        instr(a, p, start, n, end, once(flags, "regexp_instr")?, 0)?;
    regexp_instr(a: &str, p: &str, start: i32, n: i32, end: i32, flags: &str, group: i32) -> i32 =
        instr(a, p, start, n, end, once(flags, "regexp_instr")?, group)?;

    regexp_substr_no_start(a: &str, p: &str) -> Option<String> = nth_text(a, p, 1, 1, Flags::DEFAULT, 0)?;
    regexp_substr_no_n(a: &str, p: &str, start: i32) -> Option<String> = nth_text(a, p, start, 1, Flags::DEFAULT, 0)?;
    regexp_substr_no_flags(a: &str, p: &str, start: i32, n: i32) -> Option<String> = nth_text(a, p, start, n, Flags::DEFAULT, 0)?;
    regexp_substr_no_subexpr(a: &str, p: &str, start: i32, n: i32, flags: &str) -> Option<String> =
        nth_text(a, p, start, n, once(flags, "regexp_substr")?, 0)?;
    regexp_substr(a: &str, p: &str, start: i32, n: i32, flags: &str, group: i32) -> Option<String> =
        nth_text(a, p, start, n, once(flags, "regexp_substr")?, group)?;

    regexp_match_no_flags(a: &str, p: &str) -> Option<Array> = first_match(a, p, Flags::DEFAULT)?;
    regexp_match(a: &str, p: &str, flags: &str) -> Option<Array> = {
        let flags = once(flags, "regexp_match").map_err(|e| e.hint("Use the regexp_matches function instead."))?;
        first_match(a, p, flags)?
    };
    regexp_split_to_array_no_flags(a: &str, p: &str) -> Array = vector(TEXT, split(a, p, Flags::DEFAULT)?);
    regexp_split_to_array(a: &str, p: &str, flags: &str) -> Array = vector(TEXT, split(a, p, once(flags, "regexp_split_to_array")?)?);

    textregexreplace_noopt[cx](a: &str, p: &str, new: &str) -> String = replace(cx, a, p, new, 1, 1, Flags::DEFAULT)?;
    textregexreplace[cx](a: &str, p: &str, new: &str, flags: &str) -> String = {
        if let Some(digit) = flags.chars().next().filter(char::is_ascii_digit) {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid regular expression option: \"{digit}\"").hint(
                "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.",
            ));
        }
        let flags = Flags::parse(flags)?;
        replace(cx, a, p, new, 1, if flags.global { 0 } else { 1 }, flags)?
    };
    textregexreplace_extended_no_n[cx](a: &str, p: &str, new: &str, start: i32) -> String = replace(cx, a, p, new, start, 1, Flags::DEFAULT)?;
    textregexreplace_extended_no_flags[cx](a: &str, p: &str, new: &str, start: i32, n: i32) -> String =
        replace(cx, a, p, new, start, n, Flags::DEFAULT)?;
    textregexreplace_extended[cx](a: &str, p: &str, new: &str, start: i32, n: i32, flags: &str) -> String =
        replace(cx, a, p, new, start, n, Flags::parse(flags)?)?;
}

pub(in crate::func) fn regexp_matches_no_flags(
    _: &mut EvalCx<'_>,
    args: &[Datum],
) -> Result<Box<dyn SetRows>> {
    matches(arg(args, 0)?, arg(args, 1)?, Flags::DEFAULT)
}

pub(in crate::func) fn regexp_matches(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    matches(arg(args, 0)?, arg(args, 1)?, Flags::parse(arg(args, 2)?)?)
}

pub(in crate::func) fn regexp_split_to_table_no_flags(
    _: &mut EvalCx<'_>,
    args: &[Datum],
) -> Result<Box<dyn SetRows>> {
    split(arg(args, 0)?, arg(args, 1)?, Flags::DEFAULT).map(rows_of)
}

pub(in crate::func) fn regexp_split_to_table(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Box<dyn SetRows>> {
    let flags = once(arg(args, 2)?, "regexp_split_to_table")?;
    split(arg(args, 0)?, arg(args, 1)?, flags).map(rows_of)
}

/// The flags of a function that finds one match.
fn once(flags: &str, function: &str) -> Result<Flags> {
    match Flags::parse(flags)? {
        Flags { global: true, .. } => {
            Err(sql_err!(INVALID_PARAMETER_VALUE, "{function}() does not support the \"global\" option"))
        }
        flags => Ok(flags),
    }
}

fn parameter(name: &str, value: i32, valid: bool) -> Result<()> {
    if valid {
        Ok(())
    } else {
        Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{name}\": {value}"))
    }
}

/// Byte offset of the 1-based character `start`; beyond the end of the text there is nothing to search.
fn offset(text: &str, start: i32) -> Result<Option<usize>> {
    parameter("start", start, start > 0)?;
    let skip = start as usize - 1;
    Ok(text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(skip))
}

/// The matches from byte `from` on, left to right; after an empty one the search goes on one character further.
fn all<'t>(regex: &'t Regex, text: &'t str, from: Option<usize>) -> impl Iterator<Item = Captures<'t>> {
    let mut next = from;
    std::iter::from_fn(move || {
        let captures = regex.captures_at(text, next?)?;
        let whole = captures.get(0)?;
        next = if whole.is_empty() {
            text[whole.end()..].chars().next().map(|c| whole.end() + c.len_utf8())
        } else {
            Some(whole.end())
        };
        Some(captures)
    })
}

/// `substring(text from pattern)`: the first group if there is one, else the whole match.
fn substring(text: &str, pattern: &str) -> Result<Option<String>> {
    let regex = compiled(pattern, Flags::DEFAULT)?;
    let group = usize::from(regex.captures_len() > 1);
    Ok(regex.captures(text).and_then(|c| c.get(group).map(|m| m.as_str().to_owned())))
}

fn count(text: &str, pattern: &str, start: i32, flags: Flags) -> Result<i32> {
    let from = offset(text, start)?;
    Ok(all(&*compiled(pattern, flags)?, text, from).count() as i32)
}

fn instr(text: &str, pattern: &str, start: i32, n: i32, end: i32, flags: Flags, group: i32) -> Result<i32> {
    let from = offset(text, start)?;
    parameter("n", n, n > 0)?;
    parameter("endoption", end, end == 0 || end == 1)?;
    parameter("subexpr", group, group >= 0)?;
    let regex = compiled(pattern, flags)?;
    let found =
        all(&regex, text, from).nth(n as usize - 1).and_then(|c| c.get(group as usize).map(|m| m.range()));
    Ok(found.map_or(0, |range| {
        let at = if end == 1 { range.end } else { range.start };
        text[..at].chars().count() as i32 + 1
    }))
}

fn nth_text(
    text: &str,
    pattern: &str,
    start: i32,
    n: i32,
    flags: Flags,
    group: i32,
) -> Result<Option<String>> {
    let from = offset(text, start)?;
    parameter("n", n, n > 0)?;
    parameter("subexpr", group, group >= 0)?;
    let regex = compiled(pattern, flags)?;
    Ok(all(&regex, text, from)
        .nth(n as usize - 1)
        .and_then(|c| c.get(group as usize).map(|m| m.as_str().to_owned())))
}

/// The groups of a match, or the whole of it when there are none.
fn groups(captures: &Captures<'_>) -> Array {
    let from = usize::from(captures.len() > 1);
    let item = |i| captures.get(i).map_or(Datum::Null, |m: regex::Match<'_>| Datum::text(m.as_str()));
    vector(TEXT, (from..captures.len()).map(item).collect())
}

fn first_match(text: &str, pattern: &str, flags: Flags) -> Result<Option<Array>> {
    Ok(compiled(pattern, flags)?.captures(text).map(|c| groups(&c)))
}

fn matches(text: &str, pattern: &str, flags: Flags) -> Result<Box<dyn SetRows>> {
    let regex = compiled(pattern, flags)?;
    let most = if flags.global { usize::MAX } else { 1 };
    let found = all(&regex, text, Some(0)).take(most).map(|c| Datum::Array(groups(&c).into()));
    Ok(rows_of(found.collect()))
}

/// The text between matches; empty matches at the ends and right behind another match do not count.
fn split(text: &str, pattern: &str, flags: Flags) -> Result<Vec<Datum>> {
    let regex = compiled(pattern, flags)?;
    let mut parts = Vec::new();
    let mut last = 0;
    for captures in all(&regex, text, Some(0)) {
        let Some(found) = captures.get(0) else { continue };
        if found.start() < text.len() && found.end() > last {
            parts.push(Datum::text(&text[last..found.start()]));
            last = found.end();
        }
    }
    parts.push(Datum::text(&text[last..]));
    Ok(parts)
}

/// Replaces match number `n`, or all matches for 0.
fn replace(
    cx: &mut EvalCx<'_>,
    text: &str,
    pattern: &str,
    new: &str,
    start: i32,
    n: i32,
    flags: Flags,
) -> Result<String> {
    let mut room = |have, more| cx.enlarge(have, more);
    replace_within(&mut room, text, pattern, new, start, n, flags)
}

/// [`replace`]; `room` is asked before the result grows from so many bytes by so many.
fn replace_within(
    room: &mut dyn FnMut(usize, usize) -> Result<()>,
    text: &str,
    pattern: &str,
    new: &str,
    start: i32,
    n: i32,
    flags: Flags,
) -> Result<String> {
    let from = offset(text, start)?;
    parameter("n", n, n >= 0)?;
    let regex = compiled(pattern, flags)?;
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (i, captures) in all(&regex, text, from).enumerate() {
        if n > 0 && i + 1 != n as usize {
            continue;
        }
        let Some(found) = captures.get(0) else { continue };
        room(out.len(), found.start() - copied + new.len())?;
        out.push_str(&text[copied..found.start()]);
        expand(new, &captures, &mut out);
        copied = found.end();
        if n > 0 {
            break;
        }
    }
    room(out.len(), text.len() - copied)?;
    out.push_str(&text[copied..]);
    Ok(out)
}

/// Appends the replacement: `\1` to `\9` are groups, `\&` the match, `\\` a backslash.
fn expand(new: &str, captures: &Captures<'_>, out: &mut String) {
    let mut rest = new;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (group, skip) = match rest.as_bytes().first() {
            Some(digit @ b'1'..=b'9') => (Some(usize::from(digit - b'0')), 1),
            Some(b'&') => (Some(0), 1),
            Some(b'\\') => {
                out.push('\\');
                (None, 1)
            }
            _ => {
                out.push('\\');
                (None, 0)
            }
        };
        if let Some(found) = group.and_then(|g| captures.get(g)) {
            out.push_str(found.as_str());
        }
        rest = &rest[skip..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacement() {
        let all = Flags { global: true, ..Flags::DEFAULT };
        for (text, pattern, new, n, want) in [
            ("foobarbaz", "b..", "X", 1, "fooXbaz"),
            ("foobarbaz", "b..", "X", 0, "fooXX"),
            ("foobarbaz", "b(..)", "X\\1Y", 0, "fooXarYXazY"),
            ("abc", "", "-", 0, "-a-b-c-"),
            ("A PostgreSQL function", "a|e|i|o|u", "X", 3, "A PostgreSQL fXnction"),
            ("abc", "b", "[\\&]\\\\\\x", 1, "a[b]\\\\xc"),
        ] {
            assert_eq!(
                replace_within(&mut |_, _| Ok(()), text, pattern, new, 1, n, all).ok().as_deref(),
                Some(want),
                "{text} {pattern}"
            );
        }
    }

    #[test]
    fn splitting() {
        let parts = |text, pattern| {
            let parts = split(text, pattern, Flags::DEFAULT).expect("splits");
            parts
                .iter()
                .map(|d| if let Datum::Text(t) = d { t.to_string() } else { String::new() })
                .collect::<Vec<_>>()
        };
        assert_eq!(parts("hello world", r"\s+"), ["hello", "world"]);
        assert_eq!(parts("abc", r"\s*"), ["a", "b", "c"]);
        assert_eq!(parts("", ","), [""]);
        assert_eq!(parts("a,", ","), ["a", ""]);
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(instr("\u{e4}bcabc", "b", 1, 2, 1, Flags::DEFAULT, 0).ok(), Some(6));
        assert_eq!(count("abcabc", "b", 3, Flags::DEFAULT).ok(), Some(1));
        assert!(count("abc", "b", 0, Flags::DEFAULT).is_err());
    }
}
