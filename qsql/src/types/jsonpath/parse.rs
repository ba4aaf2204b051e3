//! The grammar of paths, by recursive descent. Conditions and values have one grammar here; where only one of them may stand,
//! the other is refused at the token behind it.

use std::sync::Arc;

use super::lexer::{Lexer, Token};
use super::{Chain, LAST, Method, Operator, Path, RegexFlags, Step, is_predicate};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Numeric;
use crate::types::json::too_deep;

/// Longest chain of operators, and twice the deepest nesting, of a path.
const DEPTH_MAX: usize = 500;

/// Reads a path.
///
/// # Errors
/// 42601 and 22P02 with PostgreSQL's texts, 54001 for a path that is too deep.
pub fn parse(text: &str) -> Result<Path> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    if token == Token::End {
        return Err(sql_err!(
            INVALID_TEXT_REPRESENTATION,
            "invalid input syntax for type jsonpath: \"{text}\""
        ));
    }
    let mut parser = Parser { lexer, token, depth: 0, filters: 0, subscripts: 0 };
    let strict = parser.eat_word("strict")?;
    if !strict {
        parser.eat_word("lax")?;
    }
    let expr = parser.either()?;
    match parser.token {
        Token::End => Ok(Path { strict, expr }),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    depth: usize,
    /// Filters and subscripts that enclose the place.
    filters: usize,
    subscripts: usize,
}

impl Parser<'_> {
    #[cold]
    fn unexpected(&self) -> SqlError {
        self.lexer.complaint("syntax error")
    }

    fn bump(&mut self) -> Result<Token> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(found) if found == sign)
    }

    fn eat(&mut self, sign: &str) -> Result<bool> {
        let found = self.is(sign);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.eat(sign)? { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether the token is a keyword; `null`, `true` and `false` are in lower case only.
    fn is_word(&self, word: &str) -> bool {
        match &self.token {
            Token::Word(found) if matches!(word, "null" | "true" | "false") => **found == *word,
            Token::Word(found) => found.eq_ignore_ascii_case(word),
            _ => false,
        }
    }

    fn eat_word(&mut self, word: &str) -> Result<bool> {
        let found = self.is_word(word);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.eat_word(word)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return Err(too_deep());
        }
        self.depth += 2;
        let result = f(self);
        self.depth -= 2;
        result
    }

    /// A condition or a value.
    fn either(&mut self) -> Result<Chain> {
        self.nested(Self::or)
    }

    /// A value.
    fn value(&mut self) -> Result<Chain> {
        let chain = self.nested(Self::sum)?;
        if is_predicate(&chain) { Err(self.unexpected()) } else { Ok(chain) }
    }

    /// A condition.
    fn condition(&mut self) -> Result<Chain> {
        let chain = self.either()?;
        if is_predicate(&chain) { Ok(chain) } else { Err(self.unexpected()) }
    }

    fn or(&mut self) -> Result<Chain> {
        let left = self.and()?;
        self.junction(left, "||", Operator::Or, Self::and)
    }

    fn and(&mut self) -> Result<Chain> {
        let left = self.comparison()?;
        self.junction(left, "&&", Operator::And, Self::comparison)
    }

    fn junction(
        &mut self,
        mut left: Chain,
        sign: &str,
        operator: Operator,
        operand: fn(&mut Self) -> Result<Chain>,
    ) -> Result<Chain> {
        let depth = self.depth;
        while self.is(sign) {
            if !is_predicate(&left) {
                return Err(self.unexpected());
            }
            self.bump()?;
            // The tree grows to the left: its depth counts.
            self.depth += 1;
            if self.depth >= DEPTH_MAX {
                return Err(too_deep());
            }
            let right = operand(self)?;
            if !is_predicate(&right) {
                return Err(self.unexpected());
            }
            left = vec![Step::Binary(operator, left, right)];
        }
        self.depth = depth;
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Chain> {
        if self.eat("!")? {
            return self.nested(|p| {
                let arg = match p.eat("(")? {
                    true => {
                        let arg = p.condition()?;
                        p.expect(")")?;
                        arg
                    }
                    false if p.is_word("exists") => p.comparison()?,
                    false => return Err(p.unexpected()),
                };
                Ok(vec![Step::Not(arg)])
            });
        }
        let left = self.sum()?;
        if is_predicate(&left) {
            return Ok(left);
        }
        let operator = match self.token {
            Token::Sign("==") => Operator::Equal,
            Token::Sign("!=" | "<>") => Operator::NotEqual,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterEqual,
            _ if self.is_word("starts") => {
                self.bump()?;
                self.expect_word("with")?;
                let initial = match self.bump()? {
                    Token::Quoted(text) => Step::String(text),
                    Token::Variable(name) => Step::Variable(name),
                    _ => return Err(self.unexpected()),
                };
                return Ok(vec![Step::Binary(Operator::StartsWith, left, vec![initial])]);
            }
            _ if self.is_word("like_regex") => {
                self.bump()?;
                return self.like_regex(left);
            }
            _ => return Ok(left),
        };
        self.bump()?;
        let right = self.value()?;
        Ok(vec![Step::Binary(operator, left, right)])
    }

    fn like_regex(&mut self, arg: Chain) -> Result<Chain> {
        let Token::Quoted(pattern) = self.bump()? else { return Err(self.unexpected()) };
        let mut flags = RegexFlags::default();
        if self.eat_word("flag")? {
            let Token::Quoted(letters) = self.bump()? else { return Err(self.unexpected()) };
            for letter in letters.chars() {
                match letter {
                    'i' => flags.ignore_case = true,
                    's' => flags.dot_all = true,
                    'm' => flags.multi_line = true,
                    'x' => flags.expanded = true,
                    'q' => flags.literal = true,
                    other => {
                        return Err(sql_err!(SYNTAX_ERROR, "invalid input syntax for type jsonpath").detail(
                            format!("Unrecognized flag character \"{other}\" in LIKE_REGEX predicate."),
                        ));
                    }
                }
            }
        }
        if flags.expanded && !flags.literal {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "XQuery \"x\" flag (expanded regular expressions) is not implemented"
            ));
        }
        Ok(vec![Step::LikeRegex { arg, pattern, flags }])
    }

    fn sum(&mut self) -> Result<Chain> {
        self.leftmost(Self::product, |token| match token {
            Token::Sign("+") => Some(Operator::Add),
            Token::Sign("-") => Some(Operator::Subtract),
            _ => None,
        })
    }

    fn product(&mut self) -> Result<Chain> {
        self.leftmost(Self::signed, |token| match token {
            Token::Sign("*") => Some(Operator::Multiply),
            Token::Sign("/") => Some(Operator::Divide),
            Token::Sign("%") => Some(Operator::Modulo),
            _ => None,
        })
    }

    /// Operands with operators between them that bind from the left.
    fn leftmost(
        &mut self,
        operand: fn(&mut Self) -> Result<Chain>,
        operator: fn(&Token) -> Option<Operator>,
    ) -> Result<Chain> {
        let mut left = operand(self)?;
        let depth = self.depth;
        while let Some(operator) = operator(&self.token) {
            left = self.operation(left, operator, operand)?;
        }
        self.depth = depth;
        Ok(left)
    }

    fn operation(
        &mut self,
        left: Chain,
        operator: Operator,
        operand: fn(&mut Self) -> Result<Chain>,
    ) -> Result<Chain> {
        if is_predicate(&left) {
            return Err(self.unexpected());
        }
        self.bump()?;
        self.depth += 1;
        if self.depth >= DEPTH_MAX {
            return Err(too_deep());
        }
        let right = operand(self)?;
        if is_predicate(&right) {
            return Err(self.unexpected());
        }
        Ok(vec![Step::Binary(operator, left, right)])
    }

    fn signed(&mut self) -> Result<Chain> {
        let negative = match self.token {
            Token::Sign("-") => true,
            Token::Sign("+") => false,
            _ => return self.accessed(),
        };
        self.bump()?;
        self.nested(|p| {
            let mut arg = p.signed()?;
            if is_predicate(&arg) {
                return Err(p.unexpected());
            }
            if let [Step::Number(number)] = arg.as_mut_slice() {
                if negative {
                    *number = number.neg();
                }
                return Ok(arg);
            }
            Ok(vec![Step::Sign(negative, arg)])
        })
    }

    /// A primary with the accessors behind it.
    fn accessed(&mut self) -> Result<Chain> {
        let mut chain = if self.eat("(")? {
            let inner = self.either()?;
            self.expect(")")?;
            if is_predicate(&inner) && self.is_word("is") {
                self.bump()?;
                self.expect_word("unknown")?;
                return Ok(vec![Step::IsUnknown(inner)]);
            }
            inner
        } else if self.is_word("exists") {
            self.bump()?;
            self.expect("(")?;
            let arg = self.value()?;
            self.expect(")")?;
            return Ok(vec![Step::Exists(arg)]);
        } else {
            vec![self.primary()?]
        };
        while let Some(step) = self.accessor()? {
            chain.push(step);
        }
        Ok(chain)
    }

    fn primary(&mut self) -> Result<Step> {
        let step = match &self.token {
            Token::Quoted(text) => Step::String(text.clone()),
            Token::Variable(name) => Step::Variable(name.clone()),
            Token::Int(number) | Token::Number(number) => Step::Number(number.clone()),
            Token::Sign("$") => Step::Root,
            Token::Sign("@") if self.filters == 0 => {
                return Err(sql_err!(SYNTAX_ERROR, "@ is not allowed in root expressions"));
            }
            Token::Sign("@") => Step::Current,
            _ if self.is_word("null") => Step::Null,
            _ if self.is_word("true") => Step::Bool(true),
            _ if self.is_word("false") => Step::Bool(false),
            _ if self.is_word("last") && self.subscripts == 0 => {
                return Err(sql_err!(SYNTAX_ERROR, "LAST is allowed only in array subscripts"));
            }
            _ if self.is_word("last") => Step::Last,
            _ => return Err(self.unexpected()),
        };
        self.bump()?;
        Ok(step)
    }

    fn accessor(&mut self) -> Result<Option<Step>> {
        if self.eat("?")? {
            self.expect("(")?;
            self.filters += 1;
            let condition = self.condition();
            self.filters -= 1;
            let condition = condition?;
            self.expect(")")?;
            return Ok(Some(Step::Filter(condition)));
        }
        if self.eat("[")? {
            return self.subscripts().map(Some);
        }
        if !self.eat(".")? {
            return Ok(None);
        }
        Ok(Some(match self.bump()? {
            Token::Sign("*") => Step::AnyKey,
            Token::Sign("**") => self.levels()?,
            Token::Quoted(key) => Step::Key(key),
            Token::Word(word) if self.is("(") => self.method(&word)?,
            Token::Word(key) => Step::Key(key),
            _ => return Err(self.unexpected()),
        }))
    }

    fn subscripts(&mut self) -> Result<Step> {
        if self.eat("*")? {
            self.expect("]")?;
            return Ok(Step::AnyElement);
        }
        self.subscripts += 1;
        let mut list = Vec::new();
        let result = loop {
            let from = match self.value() {
                Ok(from) => from,
                Err(e) => break Err(e),
            };
            let to = match self.eat_word("to") {
                Ok(true) => match self.value() {
                    Ok(to) => Some(to),
                    Err(e) => break Err(e),
                },
                Ok(false) => None,
                Err(e) => break Err(e),
            };
            list.push((from, to));
            match self.eat(",") {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        self.subscripts -= 1;
        result?;
        self.expect("]")?;
        Ok(Step::Elements(list))
    }

    fn levels(&mut self) -> Result<Step> {
        if !self.eat("{")? {
            return Ok(Step::Any(0, LAST));
        }
        let first = self.level()?;
        let last = if self.eat_word("to")? { self.level()? } else { first };
        self.expect("}")?;
        Ok(Step::Any(first, last))
    }

    fn level(&mut self) -> Result<u32> {
        if self.eat_word("last")? {
            return Ok(LAST);
        }
        match self.bump()? {
            Token::Int(number) => number.to_i32().map(|level| level as u32),
            _ => Err(self.unexpected()),
        }
    }

    /// The arguments of a method; its name has been read.
    fn method(&mut self, name: &Arc<str>) -> Result<Step> {
        self.bump()?;
        let word = name.to_ascii_lowercase();
        let plain = match word.as_str() {
            "abs" => Method::Abs,
            "size" => Method::Size,
            "type" => Method::Type,
            "floor" => Method::Floor,
            "ceiling" => Method::Ceiling,
            "double" => Method::Double,
            "keyvalue" => Method::KeyValue,
            "bigint" => Method::Bigint,
            "boolean" => Method::Boolean,
            "date" => Method::Date,
            "integer" => Method::Integer,
            "number" => Method::Number,
            "string" => Method::String,
            "datetime" => {
                let template = match &self.token {
                    Token::Quoted(text) => Some(text.clone()),
                    _ => None,
                };
                if template.is_some() {
                    self.bump()?;
                }
                self.expect(")")?;
                return Ok(Step::Datetime(template));
            }
            "decimal" => {
                let mut numbers = [None, None];
                if !self.is(")") {
                    numbers[0] = Some(self.small_number()?);
                    if self.eat(",")? {
                        numbers[1] = Some(self.small_number()?);
                    }
                }
                self.expect(")")?;
                return Ok(Step::Decimal(numbers[0], numbers[1]));
            }
            "time" | "time_tz" | "timestamp" | "timestamp_tz" => {
                let method = match word.as_str() {
                    "time" => Method::Time,
                    "time_tz" => Method::TimeTz,
                    "timestamp" => Method::Timestamp,
                    _ => Method::TimestampTz,
                };
                let precision = match &self.token {
                    Token::Int(number) => Some(number.to_i32().map_err(|_| {
                        sql_err!(
                            INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION,
                            "time precision of jsonpath item method .{word}() is out of range for type integer"
                        )
                    })? as u32),
                    _ => None,
                };
                if precision.is_some() {
                    self.bump()?;
                }
                self.expect(")")?;
                return Ok(Step::Method(method, precision));
            }
            _ => return Err(self.unexpected()),
        };
        self.expect(")")?;
        Ok(Step::Method(plain, None))
    }

    /// An integer with a sign.
    fn small_number(&mut self) -> Result<i32> {
        let negative = self.eat("-")?;
        if !negative {
            self.eat("+")?;
        }
        match self.bump()? {
            Token::Int(number) => {
                let number: Numeric = if negative { number.neg() } else { number };
                number.to_i32()
            }
            _ => Err(self.unexpected()),
        }
    }
}
