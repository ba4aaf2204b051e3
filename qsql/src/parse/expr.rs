//! Expressions by precedence climbing over PostgreSQL's table of operators.
//!
//! | level | operators | associates |
//! |---|---|---|
//! | 1, 2, 3 | OR, AND, NOT | left, left, right |
//! | 4 | IS, ISNULL, NOTNULL | not |
//! | 5 | `< > = <= >= <>` | not |
//! | 6 | BETWEEN, IN, LIKE, ILIKE, SIMILAR | not |
//! | 9 | any other operator, OPERATOR() | left |
//! | 10, 11, 12 | `+ -`, `* / %`, `^` | left |
//! | 13, 14 | AT TIME ZONE, COLLATE | left |
//! | 15, 18 | unary `+ -`, `::` | right, left |
//!
//! PostgreSQL has two kinds of expression: `a_expr`, and `b_expr` without the word operators, where those would be
//! ambiguous (BETWEEN's lower bound, DEFAULT).
//!
//! Source: PostgreSQL manual, 4.1.6 "Operator Precedence"; the rest compared with PostgreSQL 18.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use super::primary::Paren;
use super::query::begins_clause;
use crate::error::Result;
use crate::sql_err;

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARE: u8 = 5;
const LIKE: u8 = 6;
const OTHER: u8 = 9;
const PLUS: u8 = 10;
const TIMES: u8 = 11;
const POWER: u8 = 12;
const AT: u8 = 13;
const COLLATE: u8 = 14;
const SIGN: u8 = 15;
const CAST: u8 = 18;

/// Which of the two kinds of expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    A,
    B,
}

/// Returns the static spelling of a frequent operator.
fn common_operator(text: &str) -> Option<&'static str> {
    const COMMON: [&str; 40] = [
        "||", "->", "->>", "~", "@>", "<@", "&&", "~*", "!~", "!~*", "~~", "!~~", "~~*", "!~~*", "&", "|",
        "#", "<<", ">>", "#>", "#>>", "?", "?|", "?&", "@@", "@?", "#-", "-|-", "&<", "&>", "<->", "^@",
        "|/", "||/", "@", "%~", "<~>", "<<|", "|>>", "<#>",
    ];
    COMMON.iter().copied().find(|&common| common == text)
}

/// Turns a symbol into an operator.
pub(super) fn operator(text: &str) -> Operator {
    match common_operator(text) {
        Some(common) => Operator::Common(common),
        None => Operator::Named(Box::new(OperatorName { schema: Box::new([]), name: text.into() })),
    }
}

/// Returns the operator of a token that is one of the grammar's own.
fn math_operator(kind: Tok) -> Option<(u8, &'static str)> {
    Some(match kind {
        Tok::Plus => (PLUS, "+"),
        Tok::Minus => (PLUS, "-"),
        Tok::Star => (TIMES, "*"),
        Tok::Slash => (TIMES, "/"),
        Tok::Percent => (TIMES, "%"),
        Tok::Caret => (POWER, "^"),
        Tok::Less => (COMPARE, "<"),
        Tok::Greater => (COMPARE, ">"),
        Tok::Equal => (COMPARE, "="),
        Tok::LessEqual => (COMPARE, "<="),
        Tok::GreaterEqual => (COMPARE, ">="),
        Tok::NotEqual => (COMPARE, "<>"),
        _ => return None,
    })
}

impl Parser<'_> {
    /// An expression.
    pub(super) fn a_expr(&mut self) -> Result<ExprId> {
        self.expr_from_level(0, Mode::A)
    }

    /// An expression without the word operators.
    pub(super) fn b_expr(&mut self) -> Result<ExprId> {
        self.expr_from_level(0, Mode::B)
    }

    pub(super) fn expr_list(&mut self) -> Result<Vec<ExprId>> {
        let mut items = vec![self.a_expr()?];
        while self.eat(Tok::Comma) {
            items.push(self.a_expr()?);
        }
        Ok(items)
    }

    fn expr_from_level(&mut self, min: u8, mode: Mode) -> Result<ExprId> {
        self.enter()?;
        let left = self.operand(mode)?;
        let expr = self.climb(left, min, mode)?;
        self.leave();
        Ok(expr)
    }

    /// Continues an expression whose first operand is known.
    pub(super) fn continue_expr(&mut self, left: ExprId) -> Result<ExprId> {
        self.climb(left, 0, Mode::A)
    }

    /// An operand with its prefix operators.
    fn operand(&mut self, mode: Mode) -> Result<ExprId> {
        let pos = self.tok.start;
        match self.kind() {
            Tok::Minus => {
                self.bump();
                let arg = self.expr_from_level(SIGN, mode)?;
                self.negate(arg, pos)
            }
            Tok::Plus => {
                self.bump();
                let arg = self.expr_from_level(SIGN, mode)?;
                self.add(ExprKind::Unary { op: Operator::Common("+"), arg }, pos)
            }
            Tok::Op => {
                let op = self.take_operator();
                let arg = self.expr_from_level(OTHER + 1, mode)?;
                self.add(ExprKind::Unary { op, arg }, pos)
            }
            Tok::Operator if self.peek() == Tok::LParen => {
                let op = self.qualified_operator()?;
                let arg = self.expr_from_level(OTHER + 1, mode)?;
                self.add(ExprKind::Unary { op, arg }, pos)
            }
            Tok::Not if mode == Mode::A => {
                self.bump();
                let arg = self.expr_from_level(NOT, mode)?;
                self.add(ExprKind::Not(arg), pos)
            }
            Tok::Default if mode == Mode::A => {
                self.bump();
                Ok(self.leaf(ExprKind::Default, pos))
            }
            Tok::Unique if mode == Mode::A => {
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "UNIQUE predicate is not yet implemented").at(pos))
            }
            _ => self.primary(),
        }
    }

    /// `- number` is a number.
    fn negate(&mut self, arg: ExprId, pos: Pos) -> Result<ExprId> {
        let folded = match &self.expr(arg).kind {
            ExprKind::Int(value) => Some(match value.checked_neg() {
                Some(value) => ExprKind::Int(value),
                None => ExprKind::Number("2147483648".into()),
            }),
            ExprKind::Number(digits) => Some(match digits.strip_prefix('-') {
                Some(positive) => ExprKind::Number(positive.into()),
                None if &**digits == "2147483648" => ExprKind::Int(i32::MIN),
                None => ExprKind::Number(format!("-{digits}").into()),
            }),
            _ => None,
        };
        match folded {
            Some(kind) => {
                let expr = self.expr_mut(arg);
                expr.kind = kind;
                expr.pos = pos;
                Ok(arg)
            }
            None => self.add(ExprKind::Unary { op: Operator::Common("-"), arg }, pos),
        }
    }

    fn take_operator(&mut self) -> Operator {
        let token = self.bump();
        operator(self.text(token))
    }

    /// `OPERATOR(schema.op)`
    fn qualified_operator(&mut self) -> Result<Operator> {
        self.expect(Tok::Operator)?;
        let name = self.parens(Self::any_operator)?;
        Ok(Operator::Named(Box::new(name)))
    }

    /// Takes infix and postfix operators of `min` and above. It recurses, so what is rarer than a binary operator is kept
    /// out of it, and its locals off the stack of every level.
    fn climb(&mut self, mut left: ExprId, min: u8, mode: Mode) -> Result<ExprId> {
        // The level of the operator just taken, if it does not associate: another of that level is an error.
        let mut barred = 0;
        loop {
            let kind = self.kind();
            let level = self.level_of(kind, mode);
            if level == 0 || level < min {
                return Ok(left);
            }
            if level == barred {
                return Err(self.unexpected());
            }
            barred = 0;
            let pos = self.tok.start;
            left = match level {
                CAST => self.cast_to(left)?,
                OR | AND => self.connective(left, level)?,
                COMPARE | PLUS | TIMES | POWER | OTHER => {
                    let op = match math_operator(kind) {
                        Some((_, symbol)) => {
                            self.bump();
                            Operator::Common(symbol)
                        }
                        None if kind == Tok::Op => self.take_operator(),
                        None => self.qualified_operator()?,
                    };
                    if mode == Mode::A && matches!(self.kind(), Tok::Any | Tok::Some | Tok::All) {
                        self.quantified(left, op, pos)?
                    } else {
                        let right = self.expr_from_level(level + 1, mode)?;
                        if level == COMPARE {
                            barred = COMPARE;
                        }
                        self.add(ExprKind::Binary { op, left, right }, pos)?
                    }
                }
                COLLATE => self.collate(left)?,
                AT => self.at_time_zone(left)?,
                IS => self.is_test(left, mode, &mut barred)?,
                _ => self.like_level(left, &mut barred)?,
            };
        }
    }

    /// Returns the level of an infix or postfix operator that begins at the current token; 0 if there is none.
    fn level_of(&mut self, kind: Tok, mode: Mode) -> u8 {
        if let Some((level, _)) = math_operator(kind) {
            return level;
        }
        match kind {
            Tok::Op => return OTHER,
            Tok::ColonColon => return CAST,
            Tok::Operator if self.peek() == Tok::LParen || self.depth != self.target_depth => return OTHER,
            Tok::Is if mode == Mode::B => {
                let at = if self.peek() == Tok::Not { 2 } else { 1 };
                let distinct = self.peek_nth(at) == Tok::Distinct || self.peek_nth(at) == Tok::Document;
                return if distinct { IS } else { 0 };
            }
            _ if mode == Mode::B => return 0,
            _ => {}
        }
        if self.depth == self.target_depth && kind.is_bare_label() && self.label_ends() {
            return 0;
        }
        match kind {
            Tok::Or => OR,
            Tok::And => AND,
            Tok::Is | Tok::Isnull | Tok::Notnull => IS,
            Tok::Between | Tok::In | Tok::Like | Tok::Ilike => LIKE,
            Tok::Similar if self.peek() == Tok::To => LIKE,
            Tok::Not
                if matches!(self.peek(), Tok::Between | Tok::In | Tok::Like | Tok::Ilike | Tok::Similar) =>
            {
                LIKE
            }
            Tok::At if matches!(self.peek(), Tok::Time | Tok::Local) => AT,
            Tok::Collate => COLLATE,
            _ => 0,
        }
    }

    /// Whether the token behind the current one ends an item of a select list.
    fn label_ends(&mut self) -> bool {
        let next = self.peek();
        begins_clause(next) || matches!(next, Tok::Comma | Tok::Semicolon | Tok::Eof | Tok::RParen)
    }

    /// `:: type`
    #[inline(never)]
    fn cast_to(&mut self, arg: ExprId) -> Result<ExprId> {
        let pos = self.bump().start;
        let ty = Box::new(self.type_name()?);
        self.add(ExprKind::Cast { arg, ty }, pos)
    }

    #[inline(never)]
    fn collate(&mut self, arg: ExprId) -> Result<ExprId> {
        let pos = self.bump().start;
        let collation = Box::new(self.any_name()?);
        self.add(ExprKind::Collate { arg, collation }, pos)
    }

    /// A whole chain of AND or of OR.
    #[inline(never)]
    fn connective(&mut self, left: ExprId, level: u8) -> Result<ExprId> {
        let word = if level == AND { Tok::And } else { Tok::Or };
        let mut pos = self.tok.start;
        let mut items = match &self.expr(left).kind {
            ExprKind::And(items) if level == AND => {
                let items = items.to_vec();
                pos = self.expr(left).pos;
                items
            }
            ExprKind::Or(items) if level == OR => {
                let items = items.to_vec();
                pos = self.expr(left).pos;
                items
            }
            _ => vec![left],
        };
        while self.eat(word) {
            items.push(self.expr_from_level(level + 1, Mode::A)?);
        }
        let items = items.into_boxed_slice();
        self.add(if level == AND { ExprKind::And(items) } else { ExprKind::Or(items) }, pos)
    }

    /// `ANY | SOME | ALL (array or query)` behind an operator.
    #[inline(never)]
    fn quantified(&mut self, left: ExprId, op: Operator, pos: Pos) -> Result<ExprId> {
        let all = self.bump().kind == Tok::All;
        if self.kind() != Tok::LParen {
            return Err(self.unexpected());
        }
        match self.paren()? {
            Paren::Query(query) => self.add(ExprKind::QuantifiedQuery { op, left, query, all }, pos),
            Paren::Expr(array) => self.add(ExprKind::Quantified { op, left, array, all }, pos),
        }
    }

    #[inline(never)]
    fn at_time_zone(&mut self, arg: ExprId) -> Result<ExprId> {
        let pos = self.bump().start;
        if self.eat(Tok::Local) {
            return self.system_call("timezone", vec![arg], FuncSyntax::AtLocal, pos);
        }
        self.expect(Tok::Time)?;
        self.expect(Tok::Zone)?;
        let zone = self.expr_from_level(AT + 1, Mode::A)?;
        self.system_call("timezone", vec![zone, arg], FuncSyntax::AtTimeZone, pos)
    }

    /// `IS ..`, ISNULL, NOTNULL
    #[inline(never)]
    fn is_test(&mut self, arg: ExprId, mode: Mode, barred: &mut u8) -> Result<ExprId> {
        let word = self.bump();
        let pos = word.start;
        if word.kind != Tok::Is {
            return self.add(ExprKind::IsNull { arg, not: word.kind == Tok::Notnull }, pos);
        }
        let not = self.eat(Tok::Not);
        let kind = match self.kind() {
            Tok::Null => ExprKind::IsNull { arg, not },
            Tok::True => ExprKind::IsBool { arg, test: BoolTest::True, not },
            Tok::False => ExprKind::IsBool { arg, test: BoolTest::False, not },
            Tok::Unknown => ExprKind::IsBool { arg, test: BoolTest::Unknown, not },
            Tok::Document => ExprKind::IsDocument { arg, not },
            Tok::Normalized => ExprKind::IsNormalized { arg, form: None, not },
            Tok::Distinct => {
                self.bump();
                self.expect(Tok::From)?;
                let right = self.expr_from_level(IS + 1, mode)?;
                *barred = IS;
                return self.add(ExprKind::IsDistinct { left: arg, right, not }, pos);
            }
            Tok::Nfc | Tok::Nfd | Tok::Nfkc | Tok::Nfkd => {
                let form = self.normal_form();
                if self.kind() != Tok::Normalized {
                    return Err(self.unexpected());
                }
                ExprKind::IsNormalized { arg, form, not }
            }
            Tok::Json => {
                self.bump();
                let item = match self.kind() {
                    Tok::Value => Some(JsonItem::Any),
                    Tok::Array => Some(JsonItem::Array),
                    Tok::Object => Some(JsonItem::Object),
                    Tok::Scalar => Some(JsonItem::Scalar),
                    _ => None,
                };
                if item.is_some() {
                    self.bump();
                }
                let mut unique_keys = false;
                if matches!(self.kind(), Tok::With | Tok::Without) && self.peek() == Tok::Unique {
                    unique_keys = self.bump().kind == Tok::With;
                    self.bump();
                    self.eat(Tok::Keys);
                }
                let item = item.unwrap_or(JsonItem::Any);
                return self.add(ExprKind::IsJson { arg, item, unique_keys, not }, pos);
            }
            _ => return Err(self.unexpected()),
        };
        self.bump();
        self.add(kind, pos)
    }

    /// Takes NFC, NFD, NFKC or NFKD.
    pub(super) fn normal_form(&mut self) -> Option<&'static str> {
        let form = match self.kind() {
            Tok::Nfc => "NFC",
            Tok::Nfd => "NFD",
            Tok::Nfkc => "NFKC",
            Tok::Nfkd => "NFKD",
            _ => return None,
        };
        self.bump();
        Some(form)
    }

    /// `[NOT] BETWEEN | IN | LIKE | ILIKE | SIMILAR TO`
    #[inline(never)]
    fn like_level(&mut self, arg: ExprId, barred: &mut u8) -> Result<ExprId> {
        let pos = self.tok.start;
        let not = self.eat(Tok::Not);
        match self.bump().kind {
            Tok::Between => {
                let symmetric = self.eat(Tok::Symmetric);
                if !symmetric {
                    self.eat(Tok::Asymmetric);
                }
                let low = self.b_expr()?;
                self.expect(Tok::And)?;
                let high = self.expr_from_level(LIKE + 1, Mode::A)?;
                *barred = LIKE;
                self.add(ExprKind::Between { arg, low, high, symmetric, not }, pos)
            }
            Tok::In => {
                if self.kind() == Tok::LParen && self.paren_leads_to_query() {
                    match self.paren_or_list()? {
                        (Paren::Query(query), _) => {
                            return self.add(ExprKind::InQuery { arg, query, not }, pos);
                        }
                        (Paren::Expr(_), list) => {
                            let list = list.into_boxed_slice();
                            return self.add(ExprKind::InList { arg, list, not }, pos);
                        }
                    }
                }
                let list = self.parens(Self::expr_list)?.into_boxed_slice();
                self.add(ExprKind::InList { arg, list, not }, pos)
            }
            word => {
                let kind = match word {
                    Tok::Like => LikeKind::Like,
                    Tok::Ilike => LikeKind::ILike,
                    _ => {
                        self.expect(Tok::To)?;
                        LikeKind::SimilarTo
                    }
                };
                if kind != LikeKind::SimilarTo && matches!(self.kind(), Tok::Any | Tok::Some | Tok::All) {
                    let op = match (kind, not) {
                        (LikeKind::Like, false) => "~~",
                        (LikeKind::Like, true) => "!~~",
                        (_, false) => "~~*",
                        (_, true) => "!~~*",
                    };
                    return self.quantified(arg, Operator::Common(op), pos);
                }
                let pattern = self.expr_from_level(LIKE + 1, Mode::A)?;
                let escape =
                    if self.eat(Tok::Escape) { Some(self.expr_from_level(LIKE + 1, Mode::A)?) } else { None };
                *barred = LIKE;
                self.add(ExprKind::Like { kind, arg, pattern, escape, not }, pos)
            }
        }
    }
}
