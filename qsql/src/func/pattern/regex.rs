//! PostgreSQL's regular expressions as `regex::Regex`: translation of the syntax, and a cache of compiled expressions.
//!
//! Source: PostgreSQL manual 9.7.3 "POSIX Regular Expressions".

use std::cell::RefCell;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::error::{Result, SqlError};
use crate::sql_err;

/// Compiled expressions kept per thread, most recently used first.
const CACHED: usize = 32;

/// How an expression is to be read and matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags {
    /// `g`
    pub global: bool,
    /// `i`
    pub ignore_case: bool,
    /// `x`
    pub expanded: bool,
    /// `q`, or `***=` in front
    pub literal: bool,
    /// `.` and negated brackets match newlines (off by `n` and `p`).
    pub dot_newline: bool,
    /// `^` and `$` match at lines (`n` and `w`).
    pub multi_line: bool,
    /// `b`
    pub basic: bool,
}

impl Flags {
    pub(super) const DEFAULT: Flags = Flags {
        global: false,
        ignore_case: false,
        expanded: false,
        literal: false,
        dot_newline: true,
        multi_line: false,
        basic: false,
    };

    /// Reads the flags argument of the `regexp_` functions.
    pub(super) fn parse(text: &str) -> Result<Flags> {
        let mut flags = Flags::DEFAULT;
        for c in text.chars() {
            match c {
                'g' => flags.global = true,
                _ => flags.set(c).ok_or_else(|| {
                    sql_err!(INVALID_PARAMETER_VALUE, "invalid regular expression option: \"{c}\"")
                })?,
            }
        }
        Ok(flags)
    }

    fn set(&mut self, c: char) -> Option<()> {
        match c {
            'b' => self.basic = true,
            'c' => self.ignore_case = false,
            'e' => self.basic = false,
            'i' => self.ignore_case = true,
            'm' | 'n' => (self.dot_newline, self.multi_line) = (false, true),
            'p' => (self.dot_newline, self.multi_line) = (false, false),
            'q' => self.literal = true,
            's' => (self.dot_newline, self.multi_line) = (true, false),
            't' => self.expanded = false,
            'w' => (self.dot_newline, self.multi_line) = (true, true),
            'x' => self.expanded = true,
            _ => return None,
        }
        Some(())
    }
}

type Cached = (Flags, Box<str>, Arc<Regex>);

thread_local! {
    static CACHE: RefCell<Vec<Cached>> = const { RefCell::new(Vec::new()) };
}

/// The compiled form of `pattern`; recently used ones are kept.
pub(super) fn compiled(pattern: &str, flags: Flags) -> Result<Arc<Regex>> {
    let flags = Flags { global: false, ..flags };
    let found = CACHE.with_borrow_mut(|cache| {
        let at = cache.iter().position(|(have, text, _)| *have == flags && **text == *pattern)?;
        cache[..=at].rotate_right(1);
        Some(cache[0].2.clone())
    });
    if let Some(regex) = found {
        return Ok(regex);
    }
    let regex = Arc::new(compile(pattern, flags)?);
    CACHE.with_borrow_mut(|cache| {
        cache.truncate(CACHED - 1);
        cache.insert(0, (flags, pattern.into(), regex.clone()));
    });
    Ok(regex)
}

#[cold]
fn invalid(what: &str) -> SqlError {
    sql_err!(INVALID_REGULAR_EXPRESSION, "invalid regular expression: {what}")
}

fn compile(pattern: &str, flags: Flags) -> Result<Regex> {
    let (text, flags) = translate(pattern, flags)?;
    RegexBuilder::new(&text)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_newline)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
            _ => invalid("not supported by the matcher").detail(error.to_string()),
        })
}

/// Rewrites a pattern in the syntax of the `regex` crate.
fn translate(pattern: &str, mut flags: Flags) -> Result<(String, Flags)> {
    let mut rest = pattern;
    if !flags.literal {
        if let Some(tail) = rest.strip_prefix("***=") {
            flags.literal = true;
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("***:") {
            flags.basic = false;
            rest = tail;
        } else if rest.starts_with("***") {
            return Err(invalid("quantifier operand invalid"));
        }
    }
    if flags.literal {
        return Ok((regex::escape(rest), flags));
    }
    if flags.basic {
        return Err(SqlError::unsupported("basic regular expression syntax"));
    }
    if let Some(tail) = rest.strip_prefix("(?")
        && tail.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        let end = tail.find(')').ok_or_else(|| invalid("parentheses () not balanced"))?;
        for c in tail[..end].chars() {
            flags.set(c).ok_or_else(|| invalid("invalid embedded option"))?;
        }
        rest = &tail[end + 1..];
        if flags.literal {
            return Ok((regex::escape(rest), flags));
        }
    }
    let mut translator = Translator {
        chars: rest.chars().collect(),
        at: 0,
        out: String::with_capacity(rest.len() + 8),
        flags,
        open: 0,
    };
    translator.run()?;
    Ok((translator.out, flags))
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    open: usize,
}

impl Translator {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    /// Appends a character that stands for itself.
    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
    }

    fn run(&mut self) -> Result<()> {
        // Whether a quantifier may follow: there is an atom before it.
        let mut atom = false;
        while let Some(c) = self.next() {
            match c {
                '\\' => atom = self.escape()?,
                '[' if self.looking_at("[:<:]]") => {
                    self.at += 6;
                    self.out.push_str(r"\b{start}");
                    atom = false;
                }
                '[' if self.looking_at("[:>:]]") => {
                    self.at += 6;
                    self.out.push_str(r"\b{end}");
                    atom = false;
                }
                '[' => {
                    self.bracket()?;
                    atom = true;
                }
                '(' => {
                    self.open_group()?;
                    atom = false;
                }
                ')' => {
                    self.open =
                        self.open.checked_sub(1).ok_or_else(|| invalid("parentheses () not balanced"))?;
                    self.out.push(')');
                    atom = true;
                }
                '|' => {
                    self.out.push('|');
                    atom = false;
                }
                '*' | '+' | '?' => {
                    self.quantifier(atom, &c.to_string())?;
                    atom = false;
                }
                '{' if self.peek(0).is_some_and(|d| d.is_ascii_digit()) => {
                    let bound = self.bound()?;
                    self.quantifier(atom, &bound)?;
                    atom = false;
                }
                '^' | '$' => {
                    self.out.push(c);
                    atom = false;
                }
                '.' => {
                    self.out.push('.');
                    atom = true;
                }
                '#' if self.flags.expanded => while self.next().is_some_and(|c| c != '\n') {},
                c if self.flags.expanded && c.is_whitespace() => {}
                c => {
                    self.literal(c);
                    atom = true;
                }
            }
        }
        if self.open > 0 { Err(invalid("parentheses () not balanced")) } else { Ok(()) }
    }

    fn open_group(&mut self) -> Result<()> {
        if self.looking_at("?#") {
            while let Some(c) = self.next() {
                if c == ')' {
                    return Ok(());
                }
            }
            return Err(invalid("parentheses () not balanced"));
        }
        for look in ["?=", "?!", "?<=", "?<!"] {
            if self.looking_at(look) {
                return Err(SqlError::unsupported("look-around in regular expressions"));
            }
        }
        self.open += 1;
        if self.looking_at("?:") {
            self.at += 2;
            self.out.push_str("(?:");
        } else if self.looking_at("?U:") {
            // Written by SIMILAR's rewriting only.
            self.at += 3;
            self.out.push_str("(?U:");
        } else if self.peek(0) == Some('?') {
            return Err(invalid("quantifier operand invalid"));
        } else {
            self.out.push('(');
        }
        Ok(())
    }

    fn quantifier(&mut self, atom: bool, text: &str) -> Result<()> {
        if !atom {
            return Err(invalid("quantifier operand invalid"));
        }
        self.out.push_str(text);
        if self.peek(0) == Some('?') {
            self.at += 1;
            self.out.push('?');
        }
        Ok(())
    }

    /// `{m}`, `{m,}`, `{m,n}` behind its brace.
    fn bound(&mut self) -> Result<String> {
        let low = self.number()?;
        let mut high = Some(low);
        if self.peek(0) == Some(',') {
            self.at += 1;
            high = match self.peek(0) {
                Some(d) if d.is_ascii_digit() => Some(self.number()?),
                _ => None,
            };
        }
        if self.next() != Some('}') {
            return Err(invalid("braces {} not balanced"));
        }
        match high {
            Some(high) if high < low => Err(invalid("invalid repetition count(s)")),
            Some(high) if high == low => Ok(format!("{{{low}}}")),
            Some(high) => Ok(format!("{{{low},{high}}}")),
            None => Ok(format!("{{{low},}}")),
        }
    }

    fn number(&mut self) -> Result<u32> {
        let mut value = 0;
        while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(10)) {
            self.at += 1;
            value = value * 10 + digit;
            if value > 255 {
                return Err(invalid("invalid repetition count(s)"));
            }
        }
        Ok(value)
    }

    /// An escape outside brackets; returns whether a quantifier may follow.
    fn escape(&mut self) -> Result<bool> {
        let Some(c) = self.next() else { return Err(invalid("invalid escape \\ sequence")) };
        let constraint = match c {
            'A' => r"\A",
            'm' => r"\b{start}",
            'M' => r"\b{end}",
            'y' => r"\b",
            'Y' => r"\B",
            'Z' => r"\z",
            _ => "",
        };
        if !constraint.is_empty() {
            self.out.push_str(constraint);
            return Ok(false);
        }
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push('\\');
                self.out.push(c);
            }
            '1'..='9' => return Err(SqlError::unsupported("back-references in regular expressions")),
            _ => {
                let c = self.character_escape(c)?;
                self.literal(c);
            }
        }
        Ok(true)
    }

    /// The character that `\c` stands for.
    fn character_escape(&mut self, c: char) -> Result<char> {
        Ok(match c {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'c' => {
                let control = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                char::from_u32(control as u32 & 0x1f).unwrap_or('\0')
            }
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'u' => self.hex(4, 4)?,
            'U' => self.hex(8, 8)?,
            'x' => self.hex(1, 255)?,
            '0' => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(digit) = self.peek(0).and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value).unwrap_or('\0')
            }
            c if c.is_ascii_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            c => c,
        })
    }

    fn hex(&mut self, least: usize, most: usize) -> Result<char> {
        let mut value = 0_u32;
        let mut count = 0;
        while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(16)).filter(|_| count < most) {
            value = value.checked_mul(16).and_then(|v| v.checked_add(digit)).unwrap_or(u32::MAX);
            count += 1;
            self.at += 1;
        }
        if count < least {
            return Err(invalid("invalid escape \\ sequence"));
        }
        char::from_u32(value).ok_or_else(|| invalid("invalid escape \\ sequence"))
    }

    /// A bracket expression behind its `[`.
    fn bracket(&mut self) -> Result<()> {
        let unbalanced = || invalid("brackets [] not balanced");
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.at += 1;
            self.out.push('^');
            if !self.flags.dot_newline {
                self.out.push_str(r"\n");
            }
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or_else(unbalanced)?;
            if c == ']' && !first {
                break;
            }
            first = false;
            let Some(low) = self.bracket_item(c)? else { continue };
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']') {
                self.at += 1;
                let end = self.next().ok_or_else(unbalanced)?;
                let high = self.bracket_item(end)?.ok_or_else(|| invalid("invalid character range"))?;
                if high < low {
                    return Err(invalid("invalid character range"));
                }
                self.literal(low);
                self.out.push('-');
                self.literal(high);
            } else {
                self.literal(low);
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// One item of a bracket expression; a class is written out and gives `None`.
    fn bracket_item(&mut self, c: char) -> Result<Option<char>> {
        match (c, self.peek(0)) {
            ('[', Some(kind @ (':' | '.' | '='))) => {
                self.at += 1;
                let start = self.at;
                while !(self.peek(0) == Some(kind) && self.peek(1) == Some(']')) {
                    self.next().ok_or_else(|| invalid("brackets [] not balanced"))?;
                }
                let name: String = self.chars[start..self.at].iter().collect();
                self.at += 2;
                if kind == ':' {
                    self.out.push_str(class(&name).ok_or_else(|| invalid("invalid character class"))?);
                    return Ok(None);
                }
                let mut chars = name.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(Some(c)),
                    _ => Err(invalid("invalid collating element")),
                }
            }
            ('\\', _) => {
                let c = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                if matches!(c, 'd' | 's' | 'w' | 'D' | 'S' | 'W') {
                    self.out.push('\\');
                    self.out.push(c);
                    return Ok(None);
                }
                self.character_escape(c).map(Some)
            }
            (c, _) => Ok(Some(c)),
        }
    }
}

/// A POSIX class inside brackets, over all of Unicode.
fn class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => r"\p{Alphabetic}\p{Nd}",
        "alpha" => r"\p{Alphabetic}",
        "ascii" => r"\x00-\x7f",
        "blank" => r" \t",
        "cntrl" => r"\p{Cc}",
        "digit" => r"\d",
        "graph" => r"\p{L}\p{M}\p{N}\p{P}\p{S}",
        "lower" => r"\p{Lowercase}",
        "print" => r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}",
        "punct" => r"\p{P}$+<=>^`|~",
        "space" => r"\s",
        "upper" => r"\p{Uppercase}",
        "word" => r"\w",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    })
}

/// Appends a character so that it stands for itself, inside and outside of brackets.
fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation()
        && !matches!(c, '<' | '>' | '_' | '"' | '\'' | '%' | ',' | ';' | ':' | '=' | '!' | '@' | '`' | '/')
    {
        out.push('\\');
        out.push(c);
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let regex = compiled(pattern, Flags::DEFAULT).expect("pattern compiles");
        regex.find(text).map(|m| m.as_str().to_owned())
    }

    #[test]
    fn syntax_is_translated() {
        for (pattern, text, want) in [
            (r"\mfoo\M", "a foo b", Some("foo")),
            (r"\mfoo\M", "afoo", None),
            (r"[[:<:]]b", "a b", Some("b")),
            (r"[]a]+", "x]a]", Some("]a]")),
            (r"[^]a]", "]ab", Some("b")),
            (r"[[:alpha:]_]+", "12ab_", Some("ab_")),
            (r"a{,2}", "a{,2}", Some("a{,2}")),
            (r"(?i)ABC", "xabc", Some("abc")),
            (r"***=a.c", "abc a.c", Some("a.c")),
            (r"(?x) a b # comment", "ab", Some("ab")),
            (r"a.c", "a\nc", Some("a\nc")),
            (r"(?n)a.c", "a\nc", None),
            (r"^b", "a\nb", None),
            (r"(?w)^b", "a\nb", Some("b")),
            (r"\x41\u0042", "AB", Some("AB")),
            (r"[a\-z]+", "-za", Some("-za")),
            (r"a&&b", "a&&b", Some("a&&b")),
            (r"[a&&b]+", "&&", Some("&&")),
            (r"b$", "ab", Some("b")),
        ] {
            assert_eq!(found(pattern, text).as_deref(), want, "{pattern} in {text}");
        }
    }

    #[test]
    fn errors_are_postgresqls() {
        for (pattern, want) in [
            ("(b", "parentheses () not balanced"),
            ("b)", "parentheses () not balanced"),
            ("a[", "brackets [] not balanced"),
            ("*a", "quantifier operand invalid"),
            ("a{3,2}", "invalid repetition count(s)"),
            ("a{300}", "invalid repetition count(s)"),
            ("a\\", "invalid escape \\ sequence"),
            ("[[:foo:]]", "invalid character class"),
            ("[b-a]", "invalid character range"),
            ("(?z)a", "invalid embedded option"),
        ] {
            let error = compiled(pattern, Flags::DEFAULT).expect_err("pattern is refused");
            assert_eq!(error.message(), format!("invalid regular expression: {want}"), "{pattern}");
        }
        for pattern in ["(a)\\1", "a(?=b)", "(?<!a)b"] {
            assert_eq!(compiled(pattern, Flags::DEFAULT).expect_err("refused").code().as_str(), "0A000");
        }
    }
}
