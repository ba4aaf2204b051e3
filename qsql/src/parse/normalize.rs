//! Literals out of simple statements, so that statements that differ only in them share a plan.
//!
//! `SELECT abalance FROM pgbench_accounts WHERE aid = 42` becomes `SELECT .. WHERE aid = $1` and `[Int4(42)]`. The
//! text goes on with a last line that spells the literals' classes (`--i`), so that it is a key on its own: equal
//! texts have equal statements and equal parameter types. It parses as it stands (the last line is a comment).
//!
//! 1. A parameter gets exactly the type that PostgreSQL gives the literal: `int4`, `int8` or `numeric`; a string's is
//!    unknown and resolved by its context, as the literal's would be.
//! 2. Where a constant means something else than its value (`ORDER BY 1`, `LIMIT 10`, `date '..'`, a type's
//!    modifier), it stays, or the whole statement is left alone ([`normalize`] returns `None`).
//! 3. An error of binding or converting has other places in this text than in the client's: the caller then binds the
//!    original text, which gives the same error with the right place.
//!
//! Called once per simple-protocol statement before anything else; below a microsecond for a point statement.

use super::keyword::{Category, Tok};
use super::lexer::{Lexer, Token};
use std::borrow::Cow;
use std::fmt::Write;

/// Longest IN list (or number of literals at all) that is worth a plan of its own shape.
const MAX_LITERALS: usize = 32;

/// A literal in place of which a parameter stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal<'s> {
    /// A number that fits `int4`.
    Int4(i32),
    /// A number that fits `int8` and not `int4`.
    Int8(i64),
    /// Any other number, with its sign.
    Numeric(Cow<'s, str>),
    /// A string's value; its type is unknown.
    Text(Cow<'s, str>),
}

impl Literal<'_> {
    fn class(&self) -> char {
        match self {
            Literal::Int4(_) => 'i',
            Literal::Int8(_) => 'l',
            Literal::Numeric(_) => 'n',
            Literal::Text(_) => 's',
        }
    }
}

/// Replaces the literals of a single SELECT, INSERT, UPDATE or DELETE by `$1`, `$2`, ..: `out` receives the key text,
/// `literals` the values in order. Returns the text's hash; `None` if the statement is to be taken as it is (`out` and
/// `literals` then hold nothing useful).
pub fn normalize<'s>(sql: &'s str, out: &mut String, literals: &mut Vec<Literal<'s>>) -> Option<u64> {
    out.clear();
    literals.clear();
    if sql.len() > 1 << 16 {
        return None;
    }
    let mut lexer = Lexer::new(sql);
    let mut token = lexer.next_token();
    if !matches!(token.kind, Tok::Select | Tok::Insert | Tok::Update | Tok::Delete) {
        return None;
    }
    let mut copied = 0;
    let mut frozen = false;
    let mut before = token.kind;
    loop {
        // What stands to the left: of `NOT LIKE`, what stands left of NOT.
        let left = if token.kind == Tok::Not { before } else { token.kind };
        before = token.kind;
        token = lexer.next_token();
        match token.kind {
            Tok::Eof => break,
            Tok::Semicolon => {
                if lexer.next_token().kind != Tok::Eof {
                    return None;
                }
                break;
            }
            Tok::Order | Tok::Limit | Tok::Offset | Tok::Fetch => frozen = true,
            kind if forbids(kind) => return None,
            // The type of that name.
            Tok::Like | Tok::Ilike if !ends_operand(left) => return None,
            _ if frozen => {}
            Tok::Minus if precedes_operand(before) => {
                let mut ahead = lexer;
                let number = ahead.next_token();
                if matches!(number.kind, Tok::IntLit | Tok::NumLit) {
                    lexer = ahead;
                    let literal = number_literal(&lexer, number, true)?;
                    out.push_str(&sql[copied..token.start as usize]);
                    replace(out, literals, literal)?;
                    copied = number.end as usize;
                    token = number;
                }
            }
            Tok::IntLit | Tok::NumLit => {
                let literal = number_literal(&lexer, token, false)?;
                out.push_str(&sql[copied..token.start as usize]);
                replace(out, literals, literal)?;
                copied = token.end as usize;
            }
            Tok::StrLit | Tok::EscapeStrLit | Tok::DollarStrLit => {
                if before == Tok::RParen {
                    return None;
                }
                if precedes_operand(before) {
                    let literal = Literal::Text(lexer.string_value(token).ok()?);
                    out.push_str(&sql[copied..token.start as usize]);
                    replace(out, literals, literal)?;
                    copied = token.end as usize;
                }
            }
            _ => {}
        }
    }
    if literals.is_empty() {
        return None;
    }
    out.push_str(&sql[copied..]);
    out.push_str("\n--");
    out.extend(literals.iter().map(Literal::class));
    Some(hash(out.as_bytes()))
}

/// Tokens that make a statement not worth it or not safe: where a constant must be seen as one, or where two equal
/// constants must be seen as equal.
fn forbids(kind: Tok) -> bool {
    matches!(
        kind,
        Tok::Invalid
            | Tok::Param
            | Tok::ColonColon
            | Tok::Cast
            | Tok::Group
            | Tok::Having
            | Tok::Distinct
            | Tok::Union
            | Tok::Intersect
            | Tok::Except
            | Tok::With
            | Tok::Over
            | Tok::Window
            | Tok::Within
            | Tok::Filter
            | Tok::Tablesample
            | Tok::Extract
            | Tok::Interval
            | Tok::Array
            | Tok::As
            | Tok::BitLit
            | Tok::HexLit
            | Tok::UnicodeStrLit
            | Tok::UnicodeIdent
            | Tok::Json
            | Tok::JsonTable
            | Tok::Collate
    )
}

/// Whether an operand follows a token of this kind, so that a string there is a constant and a minus there a sign.
fn precedes_operand(kind: Tok) -> bool {
    match kind.category() {
        Category::None => !matches!(
            kind,
            Tok::Ident
                | Tok::QuotedIdent
                | Tok::IntLit
                | Tok::NumLit
                | Tok::StrLit
                | Tok::EscapeStrLit
                | Tok::DollarStrLit
                | Tok::RParen
                | Tok::RBracket
                | Tok::Dot
        ),
        _ => matches!(
            kind,
            Tok::Select
                | Tok::Where
                | Tok::And
                | Tok::Or
                | Tok::Not
                | Tok::On
                | Tok::When
                | Tok::Then
                | Tok::Else
                | Tok::Case
                | Tok::Between
                | Tok::Like
                | Tok::Ilike
                | Tok::Returning
                | Tok::From
        ),
    }
}

/// Whether an operand may end with a token of this kind.
fn ends_operand(kind: Tok) -> bool {
    match kind.category() {
        Category::None => !precedes_operand(kind),
        Category::Unreserved | Category::ColName => true,
        Category::TypeFuncName | Category::Reserved => {
            matches!(kind, Tok::Null | Tok::True | Tok::False | Tok::End)
        }
    }
}

fn number_literal<'s>(lexer: &Lexer<'s>, token: Token, negative: bool) -> Option<Literal<'s>> {
    let digits = lexer.number_value(token);
    if token.kind == Tok::IntLit {
        if let Ok(value) = digits.parse::<i64>() {
            let value = if negative { -value } else { value };
            return Some(match i32::try_from(value) {
                Ok(value) => Literal::Int4(value),
                Err(_) => Literal::Int8(value),
            });
        }
        if negative && digits.trim_start_matches('0') == "9223372036854775808" {
            return Some(Literal::Int8(i64::MIN));
        }
    } else if digits.bytes().any(|b| matches!(b, b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) {
        return None;
    }
    Some(Literal::Numeric(if negative { format!("-{digits}").into() } else { digits }))
}

fn replace<'s>(out: &mut String, literals: &mut Vec<Literal<'s>>, literal: Literal<'s>) -> Option<()> {
    if literals.len() == MAX_LITERALS {
        return None;
    }
    // A sign or a word may have stood right before the literal; a parameter must not melt into it.
    if out.as_bytes().last().is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80) {
        out.push(' ');
    }
    literals.push(literal);
    match literals.len() {
        n @ 1..=9 => {
            out.push('$');
            out.push((b'0' + n as u8) as char);
        }
        n => write!(out, "${n}").ok()?,
    }
    Some(())
}

/// Mixes eight bytes at a time by folded multiplication; not for persistence.
fn hash(bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(K);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let mut state = K ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        state = mix(state, u64::from_le_bytes(word));
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(mix(state, u64::from_le_bytes(last)), K)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(sql: &str) -> Option<(String, Vec<Literal<'_>>)> {
        let (mut out, mut literals) = (String::new(), Vec::new());
        normalize(sql, &mut out, &mut literals).map(|_| (out, literals))
    }

    #[test]
    fn constants_become_parameters_of_their_own_types() {
        use Literal::*;
        let text = |s: &'static str| Text(s.into());
        for (sql, key, expected) in [
            (
                "SELECT abalance FROM accounts WHERE aid = 42;",
                "SELECT abalance FROM accounts WHERE aid = $1;\n--i",
                vec![Int4(42)],
            ),
            (
                "select a from t where a=-5 and b = 'x''y'",
                "select a from t where a=$1 and b = $2\n--is",
                vec![Int4(-5), text("x'y")],
            ),
            ("select a -5", "select a -$1\n--i", vec![Int4(5)]),
            (
                "select a from t where a > -2147483648",
                "select a from t where a > $1\n--i",
                vec![Int4(i32::MIN)],
            ),
            (
                "select 2147483648, 1.50, 1e3",
                "select $1, $2, $3\n--lnn",
                vec![Int8(2147483648), Numeric("1.50".into()), Numeric("1e3".into())],
            ),
            (
                "insert into t values (1, 'a', null)",
                "insert into t values ($1, $2, null)\n--is",
                vec![Int4(1), text("a")],
            ),
            (
                "update t set a = a + 1 where b = date '2020-01-01'",
                "update t set a = a + $1 where b = date '2020-01-01'\n--i",
                vec![Int4(1)],
            ),
            (
                "delete from t where a in (1,2)",
                "delete from t where a in ($1,$2)\n--ii",
                vec![Int4(1), Int4(2)],
            ),
            (
                "select a from t where b = 'x' order by 1 limit 10",
                "select a from t where b = $1 order by 1 limit 10\n--s",
                vec![text("x")],
            ),
            (
                "select a from t where b like E'a\\n%'",
                "select a from t where b like $1\n--s",
                vec![text("a\n%")],
            ),
            (
                "select a from t where b=99999999999999999999",
                "select a from t where b=$1\n--n",
                vec![Numeric("99999999999999999999".into())],
            ),
        ] {
            assert_eq!(run(sql), Some((key.to_owned(), expected)), "{sql}");
            super::super::parse_statements(key).expect(key);
        }
    }

    #[test]
    fn statements_where_a_constant_is_more_than_its_value_are_left_alone() {
        for sql in [
            "select a from t",
            "select a+1, count(*) from t group by a+1",
            "select distinct 1",
            "select 1 union select 2",
            "select '1'::int",
            "select cast('1' as int)",
            "select numeric(3,1) '1.5'",
            "select a from t where a = $1 and b = 2",
            "select 1; select 2",
            "with x as (select 1) select 2",
            "create table t (a int default 1)",
            "select interval '1' day",
            "select extract('year' from a) from t where b = 1",
            "select 'abc",
            "select 0x1f",
            "select b'1', 1",
            "select a from t where like 'a'",
            "select a from t where not like 'a'",
        ] {
            assert_eq!(run(sql), None, "{sql}");
        }
        let list = format!("select a from t where a in ({})", vec!["1"; 33].join(","));
        assert_eq!(run(&list), None);
    }

    #[test]
    fn equal_shapes_share_a_hash_and_classes_tell_them_apart() {
        let key = |sql| {
            let (mut out, mut literals) = (String::new(), Vec::new());
            normalize(sql, &mut out, &mut literals)
        };
        assert_eq!(key("select a from t where b = 1"), key("select a from t where b = 2"));
        assert_ne!(key("select a from t where b = 1"), key("select a from t where b = 1.0"));
        assert_ne!(key("select a from t where b = 1"), key("select a from t where c = 1"));
    }
}
