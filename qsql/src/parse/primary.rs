//! Operands: constants, names, calls, parentheses, rows, arrays, CASE and CAST.

use super::ast::*;
use super::keyword::{Category, Tok};
use super::lexer::Token;
use super::parser::Parser;
use super::typename::{system_name, system_type};
use crate::error::{Result, SqlError};
use crate::sql_err;

/// What a parenthesis held.
pub(super) enum Paren {
    Query(QueryId),
    Expr(ExprId),
}

impl Parser<'_> {
    /// An operand without operators: what FETCH FIRST and CYCLE take.
    pub(super) fn c_expr(&mut self) -> Result<ExprId> {
        self.primary()
    }

    pub(super) fn primary(&mut self) -> Result<ExprId> {
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
            if !(is_call || callable && Self::is_string(next)) {
                if first.kind.category() == Category::TypeFuncName {
                    // A function's name without its parenthesis: what follows is wrong, not the name.
                    self.bump();
                    return Err(self.unexpected());
                }
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
                    return Err(self.misused_star()?);
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
                        return Err(self.misused_star()?);
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

    /// The error of a `*` that something follows: PostgreSQL finds it when it has read all of that.
    fn misused_star(&mut self) -> Result<SqlError> {
        loop {
            match self.kind() {
                Tok::LBracket => {
                    self.subscript()?;
                }
                Tok::Dot => {
                    self.bump();
                    if !self.eat(Tok::Star) {
                        self.col_label()?;
                    }
                }
                _ => return Ok(self.complaint("improper use of \"*\"")),
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
                Tok::Dot | Tok::LBracket if !self.is_row_at(expr, pos) => self.indirection(expr),
                Tok::Overlaps => self.overlaps(expr, pos),
                _ => Ok(expr),
            },
        }
    }

    /// Whether `expr` is the row whose parenthesis opens at `pos`, without another one around it.
    fn is_row_at(&self, expr: ExprId, pos: Pos) -> bool {
        let Expr { kind, pos: row_pos, .. } = self.expr(expr);
        *row_pos == pos && matches!(kind, ExprKind::Row { explicit: false, .. })
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
    pub(super) fn paren_or_list(&mut self) -> Result<(Paren, Vec<ExprId>)> {
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
        let Some(right) = row_items(self, right) else {
            // One expression in parentheses is no row; the parenthesis comes too early.
            return Err(self.syntax_error_at(self.prev));
        };
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
