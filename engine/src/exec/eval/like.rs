//! `LIKE` with a pattern known when the statement starts.
//!
//! A pattern without `_` is a list of literals between `%`: the first and last are anchored, the others are found one after
//! the other by a searcher built once. Other patterns are matched token by token. Strings are compared as bytes; `_` takes one
//! UTF-8 character.

use std::sync::Arc;

use memchr::memmem::Finder;
use nq_qsql::error::Result;

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::{Values, Vector};
use super::call::Call;
use super::{Node, is_null_constant, null_constant, true_rows};

/// A LIKE or NOT LIKE.
pub(in crate::exec) struct LikeNode {
    pattern: Pattern,
    negated: bool,
    call: Call,
}

/// Takes over LIKE calls whose pattern is a constant.
pub(super) fn recognise(call: Call) -> Result<LikeNode, Call> {
    let negated = match call.func.name {
        "textlike" | "bpcharlike" | "like" => false,
        "textnlike" | "bpcharnlike" | "notlike" => true,
        _ => return Err(call),
    };
    let [_, Node::Const(pattern)] = &call.args[..] else { return Err(call) };
    let compiled = match &pattern.values {
        Values::Str(s) if !pattern.nulls.is_null(0) => Pattern::new(s.get(0)),
        _ => None,
    };
    match compiled {
        Some(pattern) => Ok(LikeNode { pattern, negated, call }),
        None => Err(call),
    }
}

enum Token {
    Byte(u8),
    AnyOne,
    AnyMany,
}

/// A compiled LIKE pattern.
enum Pattern {
    /// No wildcard.
    Exact(Vec<u8>),
    /// Literals with `%` between (and around) them.
    Pieces { prefix: Vec<u8>, middle: Vec<Finder<'static>>, suffix: Vec<u8> },
    /// Anything else.
    Tokens(Vec<Token>),
}

impl Pattern {
    /// Compiles a pattern with the escape `\`; `None` for one that ends in it, which is an error at run time.
    fn new(pattern: &[u8]) -> Option<Pattern> {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut bytes = pattern.iter();
        while let Some(&byte) = bytes.next() {
            tokens.push(match byte {
                b'%' => Token::AnyMany,
                b'_' => Token::AnyOne,
                b'\\' => Token::Byte(*bytes.next()?),
                byte => Token::Byte(byte),
            });
        }
        if tokens.iter().any(|t| matches!(t, Token::AnyOne)) {
            return Some(Pattern::Tokens(tokens));
        }
        let mut pieces: Vec<Vec<u8>> = vec![Vec::new()];
        for token in tokens {
            match (token, pieces.last_mut()) {
                (Token::Byte(byte), Some(piece)) => piece.push(byte),
                _ => pieces.push(Vec::new()),
            }
        }
        let suffix = pieces.pop()?;
        if pieces.is_empty() {
            return Some(Pattern::Exact(suffix));
        }
        let prefix = pieces.remove(0);
        let middle = pieces.iter().filter(|p| !p.is_empty()).map(|p| Finder::new(p).into_owned()).collect();
        Some(Pattern::Pieces { prefix, middle, suffix })
    }

    fn matches(&self, text: &[u8]) -> bool {
        match self {
            Pattern::Exact(exact) => text == exact,
            Pattern::Pieces { prefix, middle, suffix } => {
                // Comparing no bytes at all can cost more than comparing some: with a pointer to nothing, the processor may take a trap.
                if text.len() < prefix.len() + suffix.len()
                    || !prefix.is_empty() && !text.starts_with(prefix)
                    || !suffix.is_empty() && !text.ends_with(suffix)
                {
                    return false;
                }
                let mut rest = &text[prefix.len()..text.len() - suffix.len()];
                middle.iter().all(|finder| match finder.find(rest) {
                    Some(at) => {
                        rest = &rest[at + finder.needle().len()..];
                        true
                    }
                    None => false,
                })
            }
            Pattern::Tokens(tokens) => matches_tokens(tokens, text),
        }
    }
}

/// Greedy matching with one point of return: the last `%`.
fn matches_tokens(tokens: &[Token], text: &[u8]) -> bool {
    let (mut t, mut i) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match tokens.get(t) {
            Some(Token::AnyMany) => {
                retry = Some((t + 1, i));
                t += 1;
                continue;
            }
            Some(Token::AnyOne) if i < text.len() => character(text, i),
            Some(Token::Byte(byte)) if text.get(i) == Some(byte) => 1,
            None if i == text.len() => return true,
            _ => 0,
        };
        if step > 0 {
            t += 1;
            i += step;
            continue;
        }
        match retry {
            Some((token, from)) if from < text.len() => {
                i = from + character(text, from);
                t = token;
                retry = Some((token, i));
            }
            _ => return false,
        }
    }
}

/// Bytes of the UTF-8 character at `i`.
fn character(text: &[u8], i: usize) -> usize {
    1 + text[i + 1..].iter().take_while(|&&b| b & 0xc0 == 0x80).count()
}

impl LikeNode {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let text = self.call.args[0].eval(batch, rows, cx)?;
        if is_null_constant(&text) {
            return Ok(null_constant(self.call.result.oid));
        }
        let Values::Str(s) = &text.values else {
            let pattern = self.call.args[1].eval(batch, rows, cx)?;
            return self.call.apply_rows(&[&text, &pattern], rows, batch.len, cx);
        };
        if text.constant {
            let values = Values::Bool(vec![self.pattern.matches(s.get(0)) != self.negated]);
            return Ok(Arc::new(Vector { values, nulls: text.nulls.clone(), constant: true }));
        }
        let mut out = vec![false; batch.len];
        rows.iter().for_each(|row| out[row] = self.pattern.matches(s.get(row)) != self.negated);
        Ok(Arc::new(Vector { values: Values::Bool(out), nulls: text.nulls.clone(), constant: false }))
    }

    pub(super) fn select(
        &self,
        batch: &Batch,
        rows: Rows<'_>,
        cx: &mut ExecCx<'_>,
        out: &mut Vec<u16>,
    ) -> Result<()> {
        let value = self.eval(batch, rows, cx)?;
        true_rows(&value, rows, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("%", "", true),
            ("a%", "abc", true),
            ("%c", "abc", true),
            ("a%a", "a", false),
            ("%special%requests%", "xx special yy requests", true),
            ("%special%requests%", "requests special", false),
            ("_b_", "abc", true),
            ("_", "\u{e4}", true),
            ("__", "\u{e4}", false),
            ("a\\%b", "a%b", true),
            ("a\\%b", "axb", false),
            ("%_x%x", "axbx", true),
            ("%a_c%", "aabbabc", true),
            ("", "", true),
        ] {
            let compiled = Pattern::new(pattern.as_bytes()).expect("a whole pattern");
            assert_eq!(compiled.matches(text.as_bytes()), expected, "{text} like {pattern}");
        }
        assert!(Pattern::new(b"abc\\").is_none());
    }
}
