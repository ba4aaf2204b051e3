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
use super::keyword::{Category, Tok};
use super::lexer::Token;
use super::parser::Parser;
use super::typename::{system_name, system_type};
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

/// What a parenthesis held.
pub(super) enum Paren {
    Query(QueryId),
    Expr(ExprId),
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
                CAST => {
                    self.bump();
                    let ty = Box::new(self.type_name()?);
                    self.add(ExprKind::Cast { arg: left, ty }, pos)?
                }
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
                COLLATE => {
                    self.bump();
                    let collation = Box::new(self.any_name()?);
                    self.add(ExprKind::Collate { arg: left, collation }, pos)?
                }
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
            Tok::Operator if self.peek() == Tok::LParen => return OTHER,
            Tok::Is if mode == Mode::B => {
                let at = if self.peek() == Tok::Not { 2 } else { 1 };
                let distinct = self.peek_nth(at) == Tok::Distinct || self.peek_nth(at) == Tok::Document;
                return if distinct { IS } else { 0 };
            }
            _ if mode == Mode::B => return 0,
            _ => {}
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

    /// A whole chain of AND or of OR.
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

    // ---- Primaries ----

    /// An operand without operators: what FETCH FIRST and CYCLE take.
    pub(super) fn c_expr(&mut self) -> Result<ExprId> {
        self.primary()
    }

    fn primary(&mut self) -> Result<ExprId> {
        let token = self.tok;
        match token.kind {
            Tok::IntLit | Tok::NumLit => {
                self.bump();
                let kind = self.number_kind(token).unwrap_or(ExprKind::Null);
                Ok(self.leaf(kind, token.start))
            }
            Tok::StrLit | Tok::EscapeStrLit | Tok::DollarStrLit | Tok::UnicodeStrLit => {
                let value = self.string()?;
                Ok(self.leaf(ExprKind::Str(value), token.start))
            }
            Tok::BitLit | Tok::HexLit => {
                self.bump();
                let value = self.bit_string(token);
                Ok(self.leaf(ExprKind::BitStr(value), token.start))
            }
            Tok::Param => self.param(token),
            Tok::LParen => self.paren_primary(),
            Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent => self.name_primary(),
            _ => self.keyword_primary(token),
        }
    }

    fn param(&mut self, token: Token) -> Result<ExprId> {
        self.bump();
        let number = self.text(token)[1..].parse().unwrap_or(u32::MAX);
        self.max_param = self.max_param.max(number);
        let param = self.leaf(ExprKind::Param(number), token.start);
        self.indirection(param)
    }

    fn keyword_primary(&mut self, token: Token) -> Result<ExprId> {
        let pos = token.start;
        let simple = match token.kind {
            Tok::Null => Some(ExprKind::Null),
            Tok::True => Some(ExprKind::Bool(true)),
            Tok::False => Some(ExprKind::Bool(false)),
            _ => None,
        };
        if let Some(kind) = simple {
            self.bump();
            return Ok(self.leaf(kind, pos));
        }
        match token.kind {
            Tok::Case => self.case(),
            Tok::Cast => self.cast(),
            Tok::Array => self.array(),
            Tok::Exists if self.peek() == Tok::LParen => {
                self.bump();
                let query = self.select_with_parens()?;
                self.add(ExprKind::Exists(query), pos)
            }
            Tok::Row if self.peek() == Tok::LParen => self.explicit_row(),
            Tok::Grouping if self.peek() == Tok::LParen => {
                self.bump();
                let items = self.parens(Self::expr_list)?.into_boxed_slice();
                self.add(ExprKind::Grouping(items), pos)
            }
            _ => {
                if let Some(expr) = self.special_function(token)? {
                    return Ok(expr);
                }
                if let Some(expr) = self.typed_constant(token)? {
                    return Ok(expr);
                }
                match token.kind.category() {
                    Category::Unreserved | Category::ColName | Category::TypeFuncName => self.name_primary(),
                    _ => Err(self.unexpected()),
                }
            }
        }
    }

    /// `int '1'`, `timestamp(3) '..'`, `interval '..' day`: a built-in type's constant.
    fn typed_constant(&mut self, token: Token) -> Result<Option<ExprId>> {
        let next = self.peek();
        let applies = match token.kind {
            Tok::Double => next == Tok::Precision,
            Tok::Bit | Tok::Character | Tok::Char | Tok::Nchar => {
                Self::is_string(next) || matches!(next, Tok::LParen | Tok::Varying)
            }
            Tok::National => matches!(next, Tok::Character | Tok::Char),
            Tok::Timestamp | Tok::Time => {
                Self::is_string(next) || matches!(next, Tok::LParen | Tok::With | Tok::Without)
            }
            Tok::Float | Tok::Decimal | Tok::Dec | Tok::Numeric | Tok::Varchar | Tok::Interval => {
                Self::is_string(next) || next == Tok::LParen
            }
            Tok::Int | Tok::Integer | Tok::Smallint | Tok::Bigint | Tok::Real | Tok::Boolean | Tok::Json => {
                Self::is_string(next)
            }
            _ => false,
        };
        if !applies {
            return Ok(None);
        }
        let Some(mut ty) = self.builtin_type(true)? else { return Ok(None) };
        let pos = self.tok.start;
        let value = self.string()?;
        if token.kind == Tok::Interval && ty.typmods.is_empty() {
            self.interval_fields(&mut ty)?;
        }
        self.constant_of_type(value, pos, ty).map(Some)
    }

    fn constant_of_type(&mut self, value: Box<str>, pos: Pos, ty: TypeName) -> Result<ExprId> {
        let type_pos = ty.pos;
        let arg = self.leaf(ExprKind::Str(value), pos);
        self.add(ExprKind::Cast { arg, ty: Box::new(ty) }, type_pos)
    }

    /// A column, a function call or a typed constant: whatever begins with a name.
    fn name_primary(&mut self) -> Result<ExprId> {
        let first = self.tok;
        let next = self.peek();
        if next != Tok::Dot {
            let callable = Self::is_type_function_name(first.kind);
            let is_call = next == Tok::LParen && callable;
            if !is_call && !(callable && Self::is_string(next)) {
                let name = self.col_id()?;
                let column = self.leaf(ExprKind::Column(Box::new([name])), first.start);
                return if next == Tok::LBracket { self.indirection(column) } else { Ok(column) };
            }
            let name = ObjectName(Box::new([self.type_function_name()?]));
            return self.call_or_constant(name);
        }
        let mut parts = vec![self.col_id()?];
        while self.kind() == Tok::Dot {
            if self.peek() == Tok::Star {
                self.bump();
                self.bump();
                if matches!(self.kind(), Tok::Dot | Tok::LBracket) {
                    return Err(sql_err!(SYNTAX_ERROR, "improper use of \"*\"").at(first.start));
                }
                return Ok(self.leaf(ExprKind::Star(parts.into_boxed_slice()), first.start));
            }
            self.bump();
            parts.push(self.col_label()?);
        }
        if self.kind() == Tok::LParen || Self::is_string(self.kind()) {
            return self.call_or_constant(ObjectName(parts.into_boxed_slice()));
        }
        let column = self.leaf(ExprKind::Column(parts.into_boxed_slice()), first.start);
        self.indirection(column)
    }

    fn call_or_constant(&mut self, name: ObjectName) -> Result<ExprId> {
        let pos = name.pos();
        if self.kind() != Tok::LParen {
            let at = self.tok.start;
            let value = self.string()?;
            return self.constant_of_type(value, at, TypeName { name, ..system_type("", pos) });
        }
        let call = self.call_arguments(name)?;
        let plain = !call.args.is_empty() && !call.variadic && !call.distinct && !call.star;
        if plain && Self::is_string(self.kind()) {
            if let Some(arg) = call.args.iter().find(|arg| arg.name.is_some()) {
                let at = arg.name.as_ref().map_or(pos, |name| name.pos);
                return Err(sql_err!(SYNTAX_ERROR, "type modifier cannot have parameter name").at(at));
            }
            if let Some(item) = call.order_by.first() {
                return Err(sql_err!(SYNTAX_ERROR, "type modifier cannot have ORDER BY").at(item.pos));
            }
            let typmods = call.args.iter().map(|arg| arg.value).collect();
            let at = self.tok.start;
            let value = self.string()?;
            return self.constant_of_type(
                value,
                at,
                TypeName { name: call.name, typmods, ..system_type("", pos) },
            );
        }
        self.finish_call(call, pos)
    }

    /// `[i]`, `[l:u]`, `.field`, `.*` behind an operand.
    pub(super) fn indirection(&mut self, mut arg: ExprId) -> Result<ExprId> {
        loop {
            let pos = self.tok.start;
            match self.kind() {
                Tok::LBracket => {
                    let mut subscripts = Vec::new();
                    while self.kind() == Tok::LBracket {
                        subscripts.push(self.subscript()?);
                    }
                    arg = self
                        .add(ExprKind::Subscript { arg, subscripts: subscripts.into_boxed_slice() }, pos)?;
                }
                Tok::Dot if self.peek() == Tok::Star => {
                    self.bump();
                    self.bump();
                    if matches!(self.kind(), Tok::Dot | Tok::LBracket) {
                        return Err(sql_err!(SYNTAX_ERROR, "improper use of \"*\"").at(pos));
                    }
                    return self.add(ExprKind::FieldStar { arg }, pos);
                }
                Tok::Dot => {
                    self.bump();
                    let name = Box::new(self.col_label()?);
                    arg = self.add(ExprKind::Field { arg, name }, pos)?;
                }
                _ => return Ok(arg),
            }
        }
    }

    pub(super) fn subscript(&mut self) -> Result<Subscript> {
        self.expect(Tok::LBracket)?;
        let lower = if self.kind() == Tok::Colon { None } else { Some(self.a_expr()?) };
        let subscript = if self.eat(Tok::Colon) {
            let upper = if self.kind() == Tok::RBracket { None } else { Some(self.a_expr()?) };
            Subscript::Slice(lower, upper)
        } else {
            match lower {
                Some(index) => Subscript::Index(index),
                None => return Err(self.unexpected()),
            }
        };
        self.expect(Tok::RBracket)?;
        Ok(subscript)
    }

    fn paren_primary(&mut self) -> Result<ExprId> {
        let pos = self.tok.start;
        match self.paren()? {
            Paren::Query(query) => {
                let expr = self.add(ExprKind::Subquery(query), pos)?;
                if matches!(self.kind(), Tok::Dot | Tok::LBracket) {
                    self.indirection(expr)
                } else {
                    Ok(expr)
                }
            }
            Paren::Expr(expr) => match self.kind() {
                Tok::Dot | Tok::LBracket
                    if !matches!(self.expr(expr).kind, ExprKind::Row { explicit: false, .. }) =>
                {
                    self.indirection(expr)
                }
                Tok::Overlaps => self.overlaps(expr, pos),
                _ => Ok(expr),
            },
        }
    }

    /// `( .. )`: an expression, a row or a query.
    pub(super) fn paren(&mut self) -> Result<Paren> {
        let pos = self.tok.start;
        let (paren, mut items) = self.paren_or_list()?;
        if items.len() > 1 {
            let items = std::mem::take(&mut items).into_boxed_slice();
            return Ok(Paren::Expr(self.add(ExprKind::Row { items, explicit: false }, pos)?));
        }
        Ok(paren)
    }

    /// `( .. )`: a query, or one or more expressions (all of them in the second value).
    fn paren_or_list(&mut self) -> Result<(Paren, Vec<ExprId>)> {
        if !self.paren_leads_to_query() {
            self.expect(Tok::LParen)?;
            let first = self.a_expr()?;
            return self.rest_of_paren(first);
        }
        self.enter()?;
        let outer_peak = self.begin_query();
        self.expect(Tok::LParen)?;
        let found = if self.kind() != Tok::LParen {
            let query = self.query_measured(outer_peak)?;
            self.expect(Tok::RParen)?;
            (Paren::Query(query), Vec::new())
        } else {
            let pos = self.tok.start;
            match self.paren()? {
                Paren::Query(inner) if self.continues_query() => {
                    let query = self.continue_query(inner, outer_peak)?;
                    self.expect(Tok::RParen)?;
                    (Paren::Query(query), Vec::new())
                }
                inner => {
                    self.end_measure(outer_peak);
                    let operand = match inner {
                        Paren::Query(query) => self.add(ExprKind::Subquery(query), pos)?,
                        Paren::Expr(expr) => expr,
                    };
                    let operand = self.indirection(operand)?;
                    let first = self.continue_expr(operand)?;
                    self.rest_of_paren(first)?
                }
            }
        };
        self.leave();
        Ok(found)
    }

    fn rest_of_paren(&mut self, first: ExprId) -> Result<(Paren, Vec<ExprId>)> {
        let mut items = vec![first];
        while self.eat(Tok::Comma) {
            items.push(self.a_expr()?);
        }
        self.expect(Tok::RParen)?;
        Ok((Paren::Expr(first), items))
    }

    fn explicit_row(&mut self) -> Result<ExprId> {
        let pos = self.bump().start;
        self.expect(Tok::LParen)?;
        let items = if self.kind() == Tok::RParen { Vec::new() } else { self.expr_list()? };
        self.expect(Tok::RParen)?;
        let row = self.add(ExprKind::Row { items: items.into_boxed_slice(), explicit: true }, pos)?;
        if self.kind() == Tok::Overlaps { self.overlaps(row, pos) } else { Ok(row) }
    }

    /// `(a, b) OVERLAPS (c, d)`
    fn overlaps(&mut self, left: ExprId, left_pos: Pos) -> Result<ExprId> {
        let row_items = |parser: &Self, id| match &parser.expr(id).kind {
            ExprKind::Row { items, .. } => Some(items.to_vec()),
            _ => None,
        };
        let Some(mut args) = row_items(self, left) else { return Ok(left) };
        let pos = self.bump().start;
        let right_pos = self.tok.start;
        let right = match self.kind() {
            Tok::LParen => match self.paren()? {
                Paren::Expr(right) => right,
                Paren::Query(_) => return Err(self.unexpected()),
            },
            Tok::Row => self.explicit_row()?,
            _ => return Err(self.unexpected()),
        };
        let Some(right) = row_items(self, right) else { return Err(self.unexpected()) };
        for (items, side, at) in [(&args, "left", left_pos), (&right, "right", right_pos)] {
            if items.len() != 2 {
                return Err(sql_err!(
                    SYNTAX_ERROR,
                    "wrong number of parameters on {side} side of OVERLAPS expression"
                )
                .at(at));
            }
        }
        args.extend(right);
        self.system_call("overlaps", args, FuncSyntax::Overlaps, pos)
    }

    fn array(&mut self) -> Result<ExprId> {
        let pos = self.bump().start;
        if self.kind() == Tok::LParen {
            let query = self.select_with_parens()?;
            return self.add(ExprKind::ArrayQuery(query), pos);
        }
        self.array_items(pos)
    }

    /// `[a, b]` or `[[a], [b]]`
    fn array_items(&mut self, pos: Pos) -> Result<ExprId> {
        self.enter()?;
        self.expect(Tok::LBracket)?;
        let mut items = Vec::new();
        let nested = self.kind() == Tok::LBracket;
        while self.kind() != Tok::RBracket {
            let at = self.tok.start;
            items.push(if nested { self.array_items(at)? } else { self.a_expr()? });
            if !self.eat(Tok::Comma) {
                break;
            }
            if self.kind() == Tok::RBracket {
                return Err(self.unexpected());
            }
        }
        self.expect(Tok::RBracket)?;
        self.leave();
        self.add(ExprKind::Array(items.into_boxed_slice()), pos)
    }

    fn case(&mut self) -> Result<ExprId> {
        let pos = self.bump().start;
        let arg = if self.kind() == Tok::When { None } else { Some(self.a_expr()?) };
        let mut whens = Vec::new();
        while self.kind() == Tok::When {
            let pos = self.bump().start;
            let condition = self.a_expr()?;
            self.expect(Tok::Then)?;
            whens.push(When { condition, result: self.a_expr()?, pos });
        }
        if whens.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.eat(Tok::Else) { Some(self.a_expr()?) } else { None };
        self.expect(Tok::End)?;
        self.add(ExprKind::Case(Box::new(Case { arg, whens, otherwise })), pos)
    }

    fn cast(&mut self) -> Result<ExprId> {
        let pos = self.bump().start;
        self.expect(Tok::LParen)?;
        let arg = self.a_expr()?;
        self.expect(Tok::As)?;
        let ty = Box::new(self.type_name()?);
        self.expect(Tok::RParen)?;
        self.add(ExprKind::Cast { arg, ty }, pos)
    }

    /// A call of a function of `pg_catalog` that SQL writes in its own way.
    pub(super) fn system_call(
        &mut self,
        name: &str,
        args: Vec<ExprId>,
        syntax: FuncSyntax,
        pos: Pos,
    ) -> Result<ExprId> {
        let args = args.into_iter().map(|value| FuncArg { name: None, value }).collect();
        let call = FuncCall { args, syntax, ..FuncCall::new(system_name(name, pos)) };
        self.add(ExprKind::Call(Box::new(call)), pos)
    }
}

impl FuncCall {
    /// A call without arguments.
    pub(super) fn new(name: ObjectName) -> Self {
        FuncCall {
            name,
            args: Vec::new(),
            variadic: false,
            star: false,
            distinct: false,
            order_by: Vec::new(),
            within_group: false,
            filter: None,
            over: None,
            syntax: FuncSyntax::Call,
        }
    }
}
