//! Frontend messages after start-up, decoded without copies and with every length checked.
//!
//! `pgwire`'s codec serves start-up and authentication. For the per-statement messages its decoders are not used: they read past a
//! message's end when an inner length lies, panic on a short body and replace invalid UTF-8, where PostgreSQL answers 08P01 and 22021.
//!
//! Source: PostgreSQL manual 54.7 "Message Formats".

use nq_qsql::error::Result;
use nq_qsql::{bail, sql_err};

/// Longest message PostgreSQL accepts from a client (`PQ_LARGE_MESSAGE_LIMIT`), bytes.
pub const LARGE_MESSAGE_BYTES: usize = 0x3fff_ffff;
/// Longest message of the kinds that carry no payload (`PQ_SMALL_MESSAGE_LIMIT`), bytes.
pub const SMALL_MESSAGE_BYTES: usize = 10_000;

/// The header of the message at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type byte.
    pub kind: u8,
    /// Bytes of the body, without type and length.
    pub body_bytes: usize,
}

/// Bytes of type and length.
pub const HEADER_BYTES: usize = 5;

/// Reads the header at the front of `input`; `None` when it is not complete.
///
/// # Errors
/// 08P01 for an unknown type or a length outside PostgreSQL's limits: the stream cannot be followed any further.
pub fn peek_header(input: &[u8]) -> Result<Option<Header>> {
    let Some((&[kind, a, b, c, d], _)) = input.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let limit = match kind {
        b'Q' | b'P' | b'B' | b'd' | b'F' => LARGE_MESSAGE_BYTES,
        b'C' | b'D' | b'E' | b'H' | b'S' | b'X' | b'c' | b'f' | b'p' => SMALL_MESSAGE_BYTES,
        _ => bail!(PROTOCOL_VIOLATION, "invalid frontend message type {kind}"),
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length < 4 || length > limit {
        bail!(PROTOCOL_VIOLATION, "invalid message length");
    }
    Ok(Some(Header { kind, body_bytes: length - 4 }))
}

/// The contents of a CopyData message and of those that wait, whole, behind it.
pub struct CopyMessages<'a> {
    first: Option<&'a [u8]>,
    waiting: &'a [u8],
    used: usize,
}

impl<'a> CopyMessages<'a> {
    /// `first`: the first message's body; `waiting`: the input behind it.
    pub fn new(first: &'a [u8], waiting: &'a [u8]) -> Self {
        CopyMessages { first: Some(first), waiting, used: 0 }
    }

    /// Bytes of `waiting` that have been handed out.
    pub fn used(&self) -> usize {
        self.used
    }
}

impl<'a> Iterator for CopyMessages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        // A header that is wrong is met again, and reported, where single messages are read.
        let rest = &self.waiting[self.used..];
        let header = peek_header(rest).ok().flatten().filter(|h| h.kind == b'd')?;
        let body = rest.get(HEADER_BYTES..HEADER_BYTES + header.body_bytes)?;
        self.used += HEADER_BYTES + header.body_bytes;
        Some(body)
    }
}

/// A cursor over the body of one message.
pub struct Body<'a> {
    rest: &'a [u8],
}

impl<'a> Body<'a> {
    /// Starts at the front of a body.
    pub fn new(rest: &'a [u8]) -> Self {
        Body { rest }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(count) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => bail!(PROTOCOL_VIOLATION, "insufficient data left in message"),
        }
    }

    /// Reads one byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Reads a big-endian `i16`.
    pub fn i16(&mut self) -> Result<i16> {
        let b = self.take(2)?;
        Ok(i16::from_be_bytes([b[0], b[1]]))
    }

    /// Reads a big-endian `u16`.
    pub fn u16(&mut self) -> Result<u16> {
        Ok(self.i16()? as u16)
    }

    /// Reads a big-endian `i32`.
    pub fn i32(&mut self) -> Result<i32> {
        let b = self.take(4)?;
        Ok(i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Reads a null-terminated string.
    ///
    /// # Errors
    /// 22021 when it is not UTF-8; 08P01 when it does not end.
    pub fn text(&mut self) -> Result<&'a str> {
        let Some(end) = self.rest.iter().position(|&b| b == 0) else {
            bail!(PROTOCOL_VIOLATION, "invalid string in message");
        };
        let bytes = self.take(end + 1)?;
        utf8(&bytes[..end])
    }

    /// Reads a length-prefixed value; `None` for length -1.
    pub fn value(&mut self) -> Result<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Ok(None),
            count if count >= 0 => self.take(count as usize).map(Some),
            _ => bail!(PROTOCOL_VIOLATION, "invalid message format"),
        }
    }

    /// Checks that nothing is left.
    pub fn end(&self) -> Result<()> {
        if !self.rest.is_empty() {
            bail!(PROTOCOL_VIOLATION, "invalid message format");
        }
        Ok(())
    }
}

/// Checks text in the server's encoding.
///
/// # Errors
/// 22021 with PostgreSQL's text, naming the first invalid sequence.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| {
        let bad = &bytes[e.valid_up_to()..];
        let count = e.error_len().unwrap_or(bad.len()).max(1).min(bad.len());
        let shown: Vec<String> = bad[..count].iter().map(|b| format!("0x{b:02x}")).collect();
        sql_err!(
            CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": {}",
            shown.join(" ")
        )
    })
}

/// Parse.
#[derive(Debug)]
pub struct Parse<'a> {
    /// Name of the statement; empty for the unnamed one.
    pub name: &'a str,
    /// The text.
    pub query: &'a str,
    /// Declared parameter types; 0 leaves one to be inferred.
    pub param_types: Vec<u32>,
}

impl<'a> Parse<'a> {
    /// Decodes the body of a `P`.
    pub fn decode(body: &'a [u8]) -> Result<Self> {
        let mut body = Body::new(body);
        let (name, query) = (body.text()?, body.text()?);
        let count = body.u16()?;
        let param_types = (0..count).map(|_| body.i32().map(|oid| oid as u32)).collect::<Result<_>>()?;
        body.end()?;
        Ok(Parse { name, query, param_types })
    }
}

/// Bind, with the values still in the input buffer.
#[derive(Debug, Default)]
pub struct Bind<'a> {
    /// Name of the portal; empty for the unnamed one.
    pub portal: &'a str,
    /// Name of the statement.
    pub statement: &'a str,
    /// Format codes of the parameters: none, one for all, or one each.
    pub param_formats: Vec<i16>,
    /// The values; `None` for NULL.
    pub params: Vec<Option<&'a [u8]>>,
    /// Format codes of the results: none, one for all, or one each.
    pub result_formats: Vec<i16>,
}

impl<'a> Bind<'a> {
    /// Decodes the body of a `B`.
    pub fn decode(body: &'a [u8]) -> Result<Self> {
        let mut body = Body::new(body);
        let (portal, statement) = (body.text()?, body.text()?);
        let formats = body.u16()?;
        let param_formats = (0..formats).map(|_| body.i16()).collect::<Result<_>>()?;
        let count = body.u16()?;
        let params = (0..count).map(|_| body.value()).collect::<Result<_>>()?;
        let formats = body.u16()?;
        let result_formats = (0..formats).map(|_| body.i16()).collect::<Result<_>>()?;
        body.end()?;
        Ok(Bind { portal, statement, param_formats, params, result_formats })
    }
}

/// The object that Describe and Close name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A prepared statement.
    Statement(&'a str),
    /// A portal.
    Portal(&'a str),
}

impl<'a> Target<'a> {
    /// Decodes the body of a `D` or `C`.
    pub fn decode(body: &'a [u8], message: &str) -> Result<Self> {
        let mut body = Body::new(body);
        let (kind, name) = (body.u8()?, body.text()?);
        body.end()?;
        match kind {
            b'S' => Ok(Target::Statement(name)),
            b'P' => Ok(Target::Portal(name)),
            other => bail!(PROTOCOL_VIOLATION, "invalid {message} message subtype {other}"),
        }
    }
}

/// Execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execute<'a> {
    /// The portal.
    pub portal: &'a str,
    /// Row limit; 0 for none.
    pub max_rows: u32,
}

impl<'a> Execute<'a> {
    /// Decodes the body of an `E`. A negative limit means no limit, as in PostgreSQL.
    pub fn decode(body: &'a [u8]) -> Result<Self> {
        let mut body = Body::new(body);
        let (portal, limit) = (body.text()?, body.i32()?);
        body.end()?;
        Ok(Execute { portal, max_rows: u32::try_from(limit).unwrap_or(0) })
    }
}

/// Decodes the body of a `Q` or `f`: one string.
pub fn decode_text(body: &[u8]) -> Result<&str> {
    let mut body = Body::new(body);
    let text = body.text()?;
    body.end()?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.expect_err("must fail").code().as_str().to_owned()
    }

    #[test]
    fn headers_are_checked() {
        assert_eq!(peek_header(b"Q\0\0\0").unwrap(), None);
        assert_eq!(peek_header(b"Q\0\0\0\x08abcd").unwrap(), Some(Header { kind: b'Q', body_bytes: 4 }));
        assert_eq!(state(peek_header(b"Q\0\0\0\x03")), "08P01");
        assert_eq!(state(peek_header(b"Q\x7f\xff\xff\xff")), "08P01");
        assert_eq!(state(peek_header(b"S\0\0\xff\xff")), "08P01");
        assert_eq!(state(peek_header(b"!\0\0\0\x04")), "08P01");
    }

    #[test]
    fn bind_with_lying_lengths() {
        let good = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\0";
        let bind = Bind::decode(good).unwrap();
        assert_eq!((bind.portal, bind.statement), ("p", "s"));
        assert_eq!(bind.params, [Some(&b"ab"[..]), None]);
        for cut in 0..good.len() {
            assert_eq!(state(Bind::decode(&good[..cut])), "08P01", "cut at {cut}");
        }
        assert_eq!(state(Bind::decode(b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0")), "08P01");
    }

    #[test]
    fn text_must_be_utf8() {
        assert_eq!(state(decode_text(b"a\xff\0")), "22021");
        assert_eq!(state(decode_text(b"abc")), "08P01");
        assert_eq!(decode_text("select 'é'\0".as_bytes()).unwrap(), "select 'é'");
    }
}
