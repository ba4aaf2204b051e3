//! `jsonpath`: paths into JSON, SQL/JSON's language of expressions over it.
//!
//! A value of the type is its text in PostgreSQL's canonical form (keys quoted, brackets where the tree has them); to be run it
//! is read into a [`Path`]. Reading the canonical form gives the same tree again.
//!
//! Source: PostgreSQL manual 9.16.2 "The SQL/JSON Path Language" and 8.14.7 "jsonpath Type".

mod lexer;
mod parse;
mod print;

pub use parse::parse;

use std::fmt;
use std::sync::Arc;

use crate::types::Numeric;

/// A path: its mode and its expression.
#[derive(Debug, PartialEq)]
pub struct Path {
    /// `strict`, not `lax`.
    pub strict: bool,
    /// The expression.
    pub expr: Chain,
}

/// A primary and the accessors behind it, in order.
pub type Chain = Vec<Step>;

/// No bound, in [`Step::Any`]: `last`.
pub const LAST: u32 = u32::MAX;

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants carry the operators' names")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    StartsWith,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Or => "||",
            Operator::And => "&&",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::StartsWith => "starts with",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Modulo => "%",
        }
    }

    fn priority(self) -> u8 {
        match self {
            Operator::Or => 0,
            Operator::And => 1,
            Operator::Add | Operator::Subtract => 3,
            Operator::Multiply | Operator::Divide | Operator::Modulo => 4,
            _ => 2,
        }
    }

    /// Whether the result is a truth value.
    fn is_predicate(self) -> bool {
        self.priority() < 3
    }
}

/// A method without arguments, or with a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants carry the methods' names")]
pub enum Method {
    Abs,
    Size,
    Type,
    Floor,
    Ceiling,
    Double,
    KeyValue,
    Bigint,
    Boolean,
    Date,
    Integer,
    Number,
    String,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
}

impl Method {
    /// As it is written, without the parentheses.
    pub fn name(self) -> &'static str {
        match self {
            Method::Abs => "abs",
            Method::Size => "size",
            Method::Type => "type",
            Method::Floor => "floor",
            Method::Ceiling => "ceiling",
            Method::Double => "double",
            Method::KeyValue => "keyvalue",
            Method::Bigint => "bigint",
            Method::Boolean => "boolean",
            Method::Date => "date",
            Method::Integer => "integer",
            Method::Number => "number",
            Method::String => "string",
            Method::Time => "time",
            Method::TimeTz => "time_tz",
            Method::Timestamp => "timestamp",
            Method::TimestampTz => "timestamp_tz",
        }
    }
}

/// How a pattern of `like_regex` is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegexFlags {
    /// `i`
    pub ignore_case: bool,
    /// `s`: a dot also stands for a newline.
    pub dot_all: bool,
    /// `m`: `^` and `$` also stand for the ends of lines.
    pub multi_line: bool,
    /// `x`
    pub expanded: bool,
    /// `q`: the pattern is a plain string.
    pub literal: bool,
}

/// A primary, an operation or an accessor.
#[derive(Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants carry the grammar's words")]
pub enum Step {
    Null,
    Bool(bool),
    Number(Numeric),
    String(Arc<str>),
    Variable(Arc<str>),
    Root,
    Current,
    Last,
    Binary(Operator, Chain, Chain),
    /// `+` or (true) `-`.
    Sign(bool, Chain),
    Not(Chain),
    IsUnknown(Chain),
    Exists(Chain),
    LikeRegex {
        arg: Chain,
        pattern: Arc<str>,
        flags: RegexFlags,
    },
    Key(Arc<str>),
    AnyKey,
    AnyElement,
    /// Subscripts: one place, or a range.
    Elements(Vec<(Chain, Option<Chain>)>),
    /// `.**{first to last}`
    Any(u32, u32),
    Filter(Chain),
    Method(Method, Option<u32>),
    Datetime(Option<Arc<str>>),
    Decimal(Option<i32>, Option<i32>),
}

impl Step {
    /// Whether it is a condition rather than a value.
    pub fn is_predicate(&self) -> bool {
        match self {
            Step::Binary(operator, ..) => operator.is_predicate(),
            Step::Not(_) | Step::IsUnknown(_) | Step::Exists(_) | Step::LikeRegex { .. } => true,
            _ => false,
        }
    }
}

/// Whether a chain is a condition.
pub fn is_predicate(chain: &[Step]) -> bool {
    matches!(chain, [step] if step.is_predicate())
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::text(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        match parse(text) {
            Ok(path) => {
                let text = path.to_string();
                assert_eq!(parse(&text).unwrap().to_string(), text);
                text
            }
            Err(e) => format!("!{}", e.message()),
        }
    }

    /// Expectations are PostgreSQL's.
    #[test]
    fn texts_are_made_canonical() {
        for (text, want) in [
            (
                "$.a.b[0 to 2].c ? (@.x > 1 && (@.y like_regex \"^a\" flag \"i\" || !(@ == 3)))",
                "$.\"a\".\"b\"[0 to 2].\"c\"?(@.\"x\" > 1 && (@.\"y\" like_regex \"^a\" flag \"i\" || !(@ == 3)))",
            ),
            (
                "strict $ .a[*].\"b c\" . ** {2 to last} . size()",
                "strict $.\"a\"[*].\"b c\".**{2 to last}.size()",
            ),
            ("$.a + 1 * -2 - $x % 3", "(($.\"a\" + 1 * -2) - $\"x\" % 3)"),
            ("-$.a", "(-$.\"a\")"),
            ("- 1", "-1"),
            ("(1+2)*3", "((1 + 2) * 3)"),
            ("(1 * 2) + 3", "(1 * 2 + 3)"),
            ("-(1+2)", "(-(1 + 2))"),
            ("$[last - 1, $.size() - 1]", "$[last - 1,$.size() - 1]"),
            ("$.**{last}", "$.**{last}"),
            ("exists($.a)", "exists ($.\"a\")"),
            ("($.a > 1) is unknown", "($.\"a\" > 1) is unknown"),
            ("$.a starts with $v", "($.\"a\" starts with $\"v\")"),
            (
                "$.decimal(4,2).timestamp_tz(2).datetime(\"YYYY\")",
                "$.decimal(4,2).timestamp_tz(2).datetime(\"YYYY\")",
            ),
            ("($.a + 1).abs()", "($.\"a\" + 1).abs()"),
            ("1 - (2 - 3)", "(1 - (2 - 3))"),
            ("$.true.type.last", "$.\"true\".\"type\".\"last\""),
            ("1.23e-5", "0.0000123"),
            ("0x1F + 1_000", "(31 + 1000)"),
            ("$ ? (@ like_regex \"a\" flag \"xq\")", "$?(@ like_regex \"a\" flag \"xq\")"),
            ("$.a.", "!syntax error at end of jsonpath input"),
            ("", "!invalid input syntax for type jsonpath: \"\""),
            ("@.a", "!@ is not allowed in root expressions"),
            ("last", "!LAST is allowed only in array subscripts"),
            ("$.a == 1 == 2", "!syntax error at or near \"==\" of jsonpath input"),
            ("$ ? (@.a)", "!syntax error at or near \")\" of jsonpath input"),
            ("\"abc", "!unterminated quoted string at end of jsonpath input"),
            ("$.1a", "!trailing junk after numeric literal at or near \".1a\" of jsonpath input"),
            ("00", "!trailing junk after numeric literal at or near \"00\" of jsonpath input"),
        ] {
            assert_eq!(again(text), want, "{text}");
        }
        let deep = "(".repeat(100_000);
        assert_eq!(parse(&deep).unwrap_err().code().as_str(), "54001");
    }
}
