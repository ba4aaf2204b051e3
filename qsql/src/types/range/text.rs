//! Ranges and multiranges as text: `[1,5)`, `empty`, `(,"a,b"]`, `{[1,2),[5,8)}`.
//!
//! Source: PostgreSQL manual 8.17.5 "Range Input".

use super::{Bound, Multirange, Range, RangeInfo, Span};
use crate::error::Result;
use crate::sql_err;
use crate::types::int::is_space;
use crate::types::literal::LiteralReader;
use crate::types::{IoContext, io_text};

const EMPTY: &[u8] = b"empty";

fn begins_with_empty(text: &[u8]) -> bool {
    text.get(..EMPTY.len()).is_some_and(|word| word.eq_ignore_ascii_case(EMPTY))
}

/// What ends a bound.
const BOUND_ENDS: &[u8] = b",)]";

/// Reads a range.
///
/// # Errors
/// 22P02 `malformed range literal` with PostgreSQL's details, what the subtype's input says, and as [`RangeInfo::span`].
pub fn parse_range(info: RangeInfo, text: &str, cx: &IoContext<'_>) -> Result<Range> {
    let mut reader = LiteralReader::new("range", text);
    reader.skip_space();
    if begins_with_empty(reader.rest()) {
        reader.at += EMPTY.len();
        reader.skip_space();
        if reader.peek().is_some() {
            return Err(reader.malformed("Junk after \"empty\" key word."));
        }
        return Ok(Range { info, span: None });
    }
    let lower_inclusive = match reader.peek() {
        Some(b'[') => true,
        Some(b'(') => false,
        _ => return Err(reader.malformed("Missing left parenthesis or bracket.")),
    };
    reader.at += 1;
    let lower = reader.part(BOUND_ENDS)?;
    if !reader.eat(b',') {
        return Err(reader.malformed("Missing comma after lower bound."));
    }
    let upper = reader.part(BOUND_ENDS)?;
    let upper_inclusive = match reader.peek() {
        Some(b']') => true,
        Some(b')') => false,
        _ => return Err(reader.malformed("Too many commas.")),
    };
    reader.at += 1;
    reader.skip_space();
    if reader.peek().is_some() {
        return Err(reader.malformed("Junk after right parenthesis or bracket."));
    }
    let read = |text: Option<String>, inclusive| match text {
        Some(text) => Ok(Bound::new(io_text::parse_text(info.element, -1, &text, cx)?, inclusive)),
        None => Ok(Bound::UNBOUNDED),
    };
    Range::new(info, read(lower, lower_inclusive)?, read(upper, upper_inclusive)?)
}

/// Where a reader of a multirange is.
#[derive(Clone, Copy)]
enum State {
    BeforeRange,
    InRange,
    InRangeEscaped,
    InRangeQuoted,
    InRangeQuotedEscaped,
    AfterRange,
    Finished,
}

/// Reads a multirange.
///
/// # Errors
/// 22P02 `malformed multirange literal` with PostgreSQL's details, and those of its ranges.
pub fn parse_multirange(info: RangeInfo, text: &str, cx: &IoContext<'_>) -> Result<Multirange> {
    let malformed = |detail: &'static str| {
        sql_err!(INVALID_TEXT_REPRESENTATION, "malformed multirange literal: \"{text}\"").detail(detail)
    };
    let bytes = text.as_bytes();
    let space = |mut at: usize| {
        while bytes.get(at).copied().is_some_and(is_space) {
            at += 1;
        }
        at
    };
    let mut at = space(0);
    if bytes.get(at) != Some(&b'{') {
        return Err(malformed("Missing left brace."));
    }
    at += 1;
    let (mut state, mut start, mut seen) = (State::BeforeRange, 0, 0);
    let mut spans = Vec::new();
    while !matches!(state, State::Finished) {
        let byte = *bytes.get(at).ok_or_else(|| malformed("Unexpected end of input."))?;
        at += 1;
        if is_space(byte) {
            continue;
        }
        state = match (state, byte) {
            (State::BeforeRange, b'[' | b'(') => {
                start = at - 1;
                State::InRange
            }
            (State::BeforeRange, b'}') if seen == 0 => State::Finished,
            (State::BeforeRange, _) if begins_with_empty(&bytes[at - 1..]) => {
                seen += 1;
                at += EMPTY.len() - 1;
                State::AfterRange
            }
            (State::BeforeRange, _) => return Err(malformed("Expected range start.")),
            (State::InRange, b']' | b')') => {
                seen += 1;
                spans.extend(parse_range(info, &text[start..at], cx)?.span);
                State::AfterRange
            }
            (State::InRange, b'"') => State::InRangeQuoted,
            (State::InRange, b'\\') => State::InRangeEscaped,
            (State::InRange | State::InRangeEscaped, _) => State::InRange,
            (State::InRangeQuoted, b'"') if bytes.get(at) == Some(&b'"') => {
                at += 1;
                State::InRangeQuoted
            }
            (State::InRangeQuoted, b'"') => State::InRange,
            (State::InRangeQuoted, b'\\') => State::InRangeQuotedEscaped,
            (State::InRangeQuoted | State::InRangeQuotedEscaped, _) => State::InRangeQuoted,
            (State::AfterRange, b',') => State::BeforeRange,
            (State::AfterRange, b'}') => State::Finished,
            (State::AfterRange, _) => return Err(malformed("Expected comma or end of multirange.")),
            (State::Finished, _) => State::Finished,
        };
    }
    if space(at) != bytes.len() {
        return Err(malformed("Junk after closing right brace."));
    }
    Ok(Multirange::new(info, spans))
}

/// Appends a range.
///
/// # Errors
/// Those of the subtype's output.
pub fn write_range(range: &Range, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    match &range.span {
        Some(span) => write_span(span, &range.info, cx, out),
        None => {
            out.extend_from_slice(EMPTY);
            Ok(())
        }
    }
}

/// Appends a multirange.
///
/// # Errors
/// Those of the subtype's output.
pub fn write_multirange(value: &Multirange, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for (i, span) in value.spans.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_span(span, &value.info, cx, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_span(span: &Span, info: &RangeInfo, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.push(if span.lower.inclusive { b'[' } else { b'(' });
    write_bound(&span.lower, info, cx, out)?;
    out.push(b',');
    write_bound(&span.upper, info, cx, out)?;
    out.push(if span.upper.inclusive { b']' } else { b')' });
    Ok(())
}

fn write_bound(bound: &Bound, info: &RangeInfo, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    if bound.is_infinite() {
        return Ok(());
    }
    let start = out.len();
    io_text::write_text(&bound.value, info.element, cx, out)?;
    let special = |b: &u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b'[' | b']' | b',') || is_space(*b);
    if out.len() > start && !out[start..].iter().any(special) {
        return Ok(());
    }
    let text = out.split_off(start);
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
    Ok(())
}
