//! Arrays and rows as text: `{1,NULL,"a b"}`, `[0:1]={..}`, `(1,"a b",)`.
//!
//! Source: PostgreSQL manual 8.15.6 "Array Input and Output Syntax", 8.16.6 "Composite Type Input and Output Syntax".

use super::int::is_space;
use super::literal::LiteralReader;
use super::{Array, Datum, Oid};
use crate::error::{Result, SqlError};
use crate::sql_err;

/// Most dimensions of an array.
pub const DIMENSIONS_MAX: usize = 6;

/// What stands next within an array literal.
enum Token {
    Open,
    Close,
    Delimiter,
    Element(Vec<u8>),
    Null,
}

struct Reader<'a> {
    text: LiteralReader<'a>,
    delimiter: u8,
}

impl Reader<'_> {
    fn unexpected(&self, byte: u8) -> SqlError {
        self.text.malformed(format!("Unexpected \"{}\" character.", byte as char))
    }

    fn token(&mut self) -> Result<Token> {
        self.text.skip_space();
        match self.text.peek() {
            None => Err(self.text.end()),
            Some(b'{') => {
                self.text.at += 1;
                Ok(Token::Open)
            }
            Some(b'}') => {
                self.text.at += 1;
                Ok(Token::Close)
            }
            Some(b'"') => self.quoted(),
            Some(b) if b == self.delimiter => {
                self.text.at += 1;
                Ok(Token::Delimiter)
            }
            Some(_) => self.plain(),
        }
    }

    fn quoted(&mut self) -> Result<Token> {
        self.text.at += 1;
        let mut element = Vec::new();
        loop {
            let byte = self.text.peek().ok_or_else(|| self.text.end())?;
            self.text.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    element.push(self.text.peek().ok_or_else(|| self.text.end())?);
                    self.text.at += 1;
                }
                _ => element.push(byte),
            }
        }
        self.text.skip_space();
        match self.text.peek() {
            None => Err(self.text.end()),
            Some(b) if b == self.delimiter || b == b'{' || b == b'}' => Ok(Token::Element(element)),
            Some(_) => Err(self.text.malformed("Incorrectly quoted array element.")),
        }
    }

    fn plain(&mut self) -> Result<Token> {
        let mut element = Vec::new();
        // White space at the end does not belong to the element unless escaped.
        let (mut kept, mut escaped) = (0, false);
        loop {
            let byte = self.text.peek().ok_or_else(|| self.text.end())?;
            match byte {
                b'"' => return Err(self.text.malformed("Incorrectly quoted array element.")),
                b'{' => return Err(self.unexpected(byte)),
                b'\\' => {
                    self.text.at += 1;
                    element.push(self.text.peek().ok_or_else(|| self.text.end())?);
                    (kept, escaped) = (element.len(), true);
                }
                _ if byte == self.delimiter || byte == b'}' => break,
                _ => {
                    element.push(byte);
                    if !is_space(byte) {
                        kept = element.len();
                    }
                }
            }
            self.text.at += 1;
        }
        element.truncate(kept);
        if !escaped && element.eq_ignore_ascii_case(b"null") {
            return Ok(Token::Null);
        }
        Ok(Token::Element(element))
    }

    /// Reads `[1:2][3]..=`; returns lower bound and length of each dimension.
    fn dimensions(&mut self) -> Result<Vec<(i32, i32)>> {
        let mut dims = Vec::new();
        loop {
            self.text.skip_space();
            if !self.text.eat(b'[') {
                break;
            }
            if dims.len() >= DIMENSIONS_MAX {
                return Err(too_many_dimensions());
            }
            let first = self.bound()?.ok_or_else(|| {
                self.text.malformed("\"[\" must introduce explicitly-specified array dimensions.")
            })?;
            let (lower, upper) = match self.text.eat(b':') {
                true => {
                    let upper =
                        self.bound()?.ok_or_else(|| self.text.malformed("Missing array dimension value."))?;
                    (first, upper)
                }
                false => (1, first),
            };
            if !self.text.eat(b']') {
                return Err(self.text.malformed("Missing \"]\" after array dimensions."));
            }
            if upper == i32::MAX {
                return Err(sql_err!(PROGRAM_LIMIT_EXCEEDED, "array upper bound is too large: {upper}"));
            }
            // PostgreSQL allows an upper bound one below the lower one: an empty dimension is still an error of its contents.
            if upper < lower {
                return Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound"));
            }
            let length = upper.checked_sub(lower).and_then(|n| n.checked_add(1)).ok_or_else(too_big)?;
            dims.push((lower, length));
        }
        if dims.is_empty() {
            return Ok(dims);
        }
        if !self.text.eat(b'=') {
            return Err(self.text.malformed("Missing \"=\" after array dimensions."));
        }
        self.text.skip_space();
        if self.text.peek() != Some(b'{') {
            return Err(self.text.malformed("Array contents must start with \"{\"."));
        }
        Ok(dims)
    }

    fn bound(&mut self) -> Result<Option<i32>> {
        let start = self.text.at;
        if matches!(self.text.peek(), Some(b'-' | b'+')) {
            self.text.at += 1;
        }
        let digits = self.text.at;
        while self.text.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.text.at += 1;
        }
        if self.text.at == digits {
            self.text.at = start;
            return Ok(None);
        }
        let text = &self.text.literal[start..self.text.at];
        text.parse()
            .map(Some)
            .map_err(|_| sql_err!(PROGRAM_LIMIT_EXCEEDED, "array bound is out of integer range"))
    }
}

#[cold]
fn too_many_dimensions() -> SqlError {
    sql_err!(
        PROGRAM_LIMIT_EXCEEDED,
        "number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})"
    )
}

#[cold]
fn too_big() -> SqlError {
    sql_err!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (134217727)")
}

/// Reads an array literal; `read` turns the text of an element into its value.
///
/// # Errors
/// 22P02 `malformed array literal` with PostgreSQL's details, 2202E and 54000 for bad bounds, and what `read` returns.
pub fn parse_array(
    literal: &str,
    element: Oid,
    delimiter: u8,
    mut read: impl FnMut(&str) -> Result<Datum>,
) -> Result<Array> {
    let mut reader = Reader { text: LiteralReader::new("array", literal), delimiter };
    let bounds = reader.dimensions()?;
    if bounds.is_empty() && reader.text.peek() != Some(b'{') {
        return Err(reader.text.malformed("Array value must start with \"{\" or dimension information."));
    }
    let specified = !bounds.is_empty();
    let mut lengths: Vec<Option<i32>> = bounds.iter().map(|(_, length)| Some(*length)).collect();
    let mismatch = |reader: &Reader<'_>| match specified {
        true => reader.text.malformed("Specified array dimensions do not match array contents."),
        false => {
            reader.text.malformed("Multidimensional arrays must have sub-arrays with matching dimensions.")
        }
    };
    // Elements seen at each open level; once an element is seen, no level may be added.
    let mut counts: Vec<i32> = Vec::new();
    let mut frozen = specified;
    let mut after_value = false;
    let mut items = Vec::new();
    loop {
        match reader.token()? {
            Token::Open => {
                if after_value {
                    return Err(reader.unexpected(b'{'));
                }
                if counts.len() >= DIMENSIONS_MAX {
                    return Err(too_many_dimensions());
                }
                counts.push(0);
                if counts.len() > lengths.len() {
                    if frozen {
                        return Err(mismatch(&reader));
                    }
                    lengths.push(None);
                }
            }
            Token::Close => {
                let count = counts.pop().unwrap_or(0);
                if count > 0 && !after_value {
                    return Err(reader.unexpected(b'}'));
                }
                let level = counts.len();
                if let Some(outer) = counts.last_mut() {
                    *outer += 1;
                }
                if *lengths[level].get_or_insert(count) != count {
                    return Err(mismatch(&reader));
                }
                if level == 0 {
                    break;
                }
                after_value = true;
            }
            Token::Delimiter => {
                if !after_value {
                    return Err(reader.unexpected(delimiter));
                }
                after_value = false;
            }
            token @ (Token::Element(_) | Token::Null) => {
                if after_value {
                    return Err(reader.text.malformed("Unexpected array element."));
                }
                frozen = true;
                if counts.len() != lengths.len() {
                    return Err(mismatch(&reader));
                }
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
                items.push(match token {
                    Token::Element(bytes) => {
                        let text = String::from_utf8(bytes)
                            .map_err(|_| reader.text.malformed("Incorrectly quoted array element."))?;
                        read(&text)?
                    }
                    _ => Datum::Null,
                });
                after_value = true;
            }
        }
    }
    reader.text.skip_space();
    if reader.text.peek().is_some() {
        return Err(reader.text.malformed("Junk after closing right brace."));
    }
    if items.is_empty() {
        return Ok(Array { element, dims: Vec::new(), items });
    }
    let lower = |level: usize| bounds.get(level).map_or(1, |(lower, _)| *lower);
    let dims =
        lengths.iter().enumerate().map(|(level, length)| (length.unwrap_or(0), lower(level))).collect();
    Ok(Array { element, dims, items })
}

/// Appends an array literal; `write` appends the text of an element.
pub fn write_array(
    array: &Array,
    delimiter: u8,
    out: &mut Vec<u8>,
    mut write: impl FnMut(&Datum, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    if array.items.is_empty() {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    if array.dims.iter().any(|(_, lower)| *lower != 1) {
        for (length, lower) in &array.dims {
            let upper = i64::from(*lower) + i64::from(*length) - 1;
            out.push(b'[');
            super::int::write_i64(i64::from(*lower), out);
            out.push(b':');
            super::int::write_i64(upper, out);
            out.push(b']');
        }
        out.push(b'=');
    }
    let mut scratch = Vec::new();
    // Elements per sub-array of each level: braces open and close at their multiples.
    let mut spans: Vec<usize> = array.dims.iter().map(|(length, _)| (*length).max(1) as usize).collect();
    for level in (1..spans.len()).rev() {
        spans[level - 1] *= spans[level];
    }
    for (i, item) in array.items.iter().enumerate() {
        if i > 0 {
            out.push(delimiter);
        }
        let opening = spans.iter().filter(|span| i.is_multiple_of(**span)).count();
        out.resize(out.len() + opening, b'{');
        if item.is_null() {
            out.extend_from_slice(b"NULL");
        } else {
            scratch.clear();
            write(item, &mut scratch)?;
            write_element(&scratch, delimiter, out);
        }
        let closing = spans.iter().filter(|span| (i + 1).is_multiple_of(**span)).count();
        out.resize(out.len() + closing, b'}');
    }
    Ok(())
}

fn write_element(text: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    let special = |b: u8| matches!(b, b'"' | b'\\' | b'{' | b'}') || b == delimiter || is_space(b);
    if !text.is_empty() && !text.eq_ignore_ascii_case(b"null") && !text.iter().copied().any(special) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &b in text {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// Appends a row literal; `write` appends the text of the field with the given number.
pub fn write_record(
    fields: &[Datum],
    out: &mut Vec<u8>,
    mut write: impl FnMut(usize, &Datum, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut scratch = Vec::new();
    out.push(b'(');
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if field.is_null() {
            continue;
        }
        scratch.clear();
        write(i, field, &mut scratch)?;
        let special = |b: u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b',') || is_space(b);
        if !scratch.is_empty() && !scratch.iter().copied().any(special) {
            out.extend_from_slice(&scratch);
            continue;
        }
        out.push(b'"');
        for &b in &scratch {
            if matches!(b, b'"' | b'\\') {
                out.push(b);
            }
            out.push(b);
        }
        out.push(b'"');
    }
    out.push(b')');
    Ok(())
}

/// Takes a row literal apart into the texts of its fields; `None` is NULL.
///
/// # Errors
/// 22P02 `malformed record literal`; the number of fields is for the caller to check.
pub fn split_record(literal: &str) -> Result<Vec<Option<String>>> {
    let malformed = |detail: &str| {
        sql_err!(INVALID_TEXT_REPRESENTATION, "malformed record literal: \"{literal}\"").detail(detail)
    };
    let mut rest =
        literal.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_space)).chars().peekable();
    if rest.next() != Some('(') {
        return Err(malformed("Missing left parenthesis."));
    }
    let mut fields = Vec::new();
    loop {
        let mut field = String::new();
        let (mut quoted, mut inside) = (false, false);
        loop {
            let Some(&c) = rest.peek() else { return Err(malformed("Unexpected end of input.")) };
            if !inside && matches!(c, ',' | ')') {
                break;
            }
            rest.next();
            match c {
                '\\' => field.push(rest.next().ok_or_else(|| malformed("Unexpected end of input."))?),
                '"' if !inside => (inside, quoted) = (true, true),
                '"' if rest.peek() == Some(&'"') => {
                    rest.next();
                    field.push('"');
                }
                '"' => inside = false,
                _ => field.push(c),
            }
        }
        fields.push((quoted || !field.is_empty()).then_some(field));
        if rest.next() == Some(')') {
            break;
        }
    }
    if rest.any(|c| !u8::try_from(c).is_ok_and(is_space)) {
        return Err(malformed("Junk after right parenthesis."));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    fn read(text: &str) -> Result<Array> {
        parse_array(text, oid::TEXT, b',', |element| Ok(Datum::text(element)))
    }

    fn again(text: &str) -> String {
        let mut out = Vec::new();
        write_array(&read(text).unwrap(), b',', &mut out, |item, out| {
            if let Datum::Text(t) = item {
                out.extend_from_slice(t.as_bytes());
            }
            Ok(())
        })
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn literals_print_as_postgresql_prints_them() {
        for (text, want) in [
            ("{}", "{}"),
            ("{{},{}}", "{}"),
            ("{ a , b }", "{a,b}"),
            ("{1,null,\"null\",\"\"}", "{1,NULL,\"null\",\"\"}"),
            ("[-1:0]={1,2}", "[-1:0]={1,2}"),
            ("[1][1:2]={{1,2}}", "{{1,2}}"),
            ("{{a,b},{c,d}}", "{{a,b},{c,d}}"),
            ("{\"a\\\"b\\\\\",c\\ d\\  }", "{\"a\\\"b\\\\\",\"c d \"}"),
            ("[0:1][2:3]={{1,2},{3,4}}", "[0:1][2:3]={{1,2},{3,4}}"),
        ] {
            assert_eq!(again(text), want, "{text}");
        }
    }

    #[test]
    fn malformed_literals_say_why() {
        for (text, want) in [
            ("{1,2", "Unexpected end of input."),
            ("{1,,2}", "Unexpected \",\" character."),
            ("{a\"b\"}", "Incorrectly quoted array element."),
            ("{\"a\"b}", "Incorrectly quoted array element."),
            ("[1:2]={1}", "Specified array dimensions do not match array contents."),
            ("{{1},2}", "Multidimensional arrays must have sub-arrays with matching dimensions."),
            ("{{1},{}}", "Multidimensional arrays must have sub-arrays with matching dimensions."),
            ("{1}x", "Junk after closing right brace."),
            ("x", "Array value must start with \"{\" or dimension information."),
            ("", "Array value must start with \"{\" or dimension information."),
            ("[1:]={1}", "Missing array dimension value."),
            ("[1]{1}", "Missing \"=\" after array dimensions."),
            ("[1:2", "Missing \"]\" after array dimensions."),
            ("[1:2]=x", "Array contents must start with \"{\"."),
        ] {
            let e = read(text).unwrap_err();
            assert_eq!(e.message(), format!("malformed array literal: \"{text}\""));
            assert_eq!(e.0.detail.as_deref(), Some(want), "{text}");
        }
        assert_eq!(read("[2:1]={1}").unwrap_err().message(), "upper bound cannot be less than lower bound");
        assert!(
            read("{{{{{{{1}}}}}}}").unwrap_err().message().starts_with("number of array dimensions exceeds")
        );
    }

    #[test]
    fn rows_split() {
        let fields = split_record(" (1,,\"a \"\"b\\\\\",\"\")").unwrap();
        assert_eq!(fields, [Some("1".into()), None, Some("a \"b\\".into()), Some(String::new())]);
        assert!(split_record("(1").is_err() && split_record("1)").is_err() && split_record("(1)x").is_err());
    }
}
