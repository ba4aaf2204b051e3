//! Function calls: arguments, aggregates' and windows' clauses, and the functions with a syntax of their own.

use super::ast::*;
use super::keyword::Tok;
use super::lexer::Token;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    /// `( .. )` behind a function's name.
    pub(super) fn call_arguments(&mut self, name: ObjectName) -> Result<FuncCall> {
        self.enter()?;
        self.expect(Tok::LParen)?;
        let mut call = FuncCall::new(name);
        match self.kind() {
            Tok::RParen => {}
            Tok::Star => {
                self.bump();
                call.star = true;
            }
            _ => {
                let quantified = match self.kind() {
                    Tok::Distinct => {
                        self.bump();
                        call.distinct = true;
                        true
                    }
                    Tok::All => {
                        self.bump();
                        true
                    }
                    _ => false,
                };
                loop {
                    if !quantified && self.eat(Tok::Variadic) {
                        call.variadic = true;
                    }
                    let arg = self.func_arg()?;
                    call.args.push(arg);
                    if call.variadic || !self.eat(Tok::Comma) {
                        break;
                    }
                }
                call.order_by = self.opt_order_by()?;
            }
        }
        self.expect(Tok::RParen)?;
        self.leave();
        Ok(call)
    }

    fn func_arg(&mut self) -> Result<FuncArg> {
        if Self::is_type_function_name(self.kind())
            && matches!(self.peek(), Tok::ColonEqual | Tok::EqualGreater)
        {
            let name = Some(self.take_ident()?);
            self.bump();
            return Ok(FuncArg { name, value: self.a_expr()? });
        }
        Ok(FuncArg { name: None, value: self.a_expr()? })
    }

    /// WITHIN GROUP, FILTER and OVER behind a call.
    pub(super) fn finish_call(&mut self, mut call: FuncCall, pos: Pos) -> Result<ExprId> {
        if self.kind() == Tok::Within && self.peek() == Tok::Group {
            let at = self.bump().start;
            self.bump();
            let order_by = self.parens(Self::order_by)?;
            let conflict = if !call.order_by.is_empty() {
                Some("cannot use multiple ORDER BY clauses with WITHIN GROUP")
            } else if call.distinct {
                Some("cannot use DISTINCT with WITHIN GROUP")
            } else if call.variadic {
                Some("cannot use VARIADIC with WITHIN GROUP")
            } else {
                None
            };
            if let Some(message) = conflict {
                return Err(sql_err!(SYNTAX_ERROR, "{message}").at(at));
            }
            call.order_by = order_by;
            call.within_group = true;
        }
        if self.kind() == Tok::Filter && self.peek() == Tok::LParen {
            self.bump();
            self.bump();
            self.expect(Tok::Where)?;
            call.filter = Some(self.a_expr()?);
            self.expect(Tok::RParen)?;
        }
        if self.kind() == Tok::Over && (self.peek() == Tok::LParen || Self::is_col_id(self.peek())) {
            self.bump();
            call.over = Some(if self.kind() == Tok::LParen {
                Over::Spec(Box::new(self.window_spec()?))
            } else {
                Over::Name(self.col_id()?)
            });
        }
        self.add(ExprKind::Call(Box::new(call)), pos)
    }

    /// `([base] [PARTITION BY ..] [ORDER BY ..] [frame])`
    pub(super) fn window_spec(&mut self) -> Result<WindowSpec> {
        let pos = self.expect(Tok::LParen)?.start;
        let keyword = matches!(self.kind(), Tok::Partition | Tok::Range | Tok::Rows | Tok::Groups);
        let base = if Self::is_col_id(self.kind()) && !keyword { Some(self.col_id()?) } else { None };
        let partition_by = if self.eat(Tok::Partition) {
            self.expect(Tok::By)?;
            self.expr_list()?
        } else {
            Vec::new()
        };
        let order_by = self.opt_order_by()?;
        let frame = self.frame()?;
        self.expect(Tok::RParen)?;
        Ok(WindowSpec { base, partition_by, order_by, frame, pos })
    }

    fn frame(&mut self) -> Result<Option<Frame>> {
        let pos = self.tok.start;
        let units = match self.kind() {
            Tok::Rows => FrameUnits::Rows,
            Tok::Range => FrameUnits::Range,
            Tok::Groups => FrameUnits::Groups,
            _ => return Ok(None),
        };
        self.bump();
        let between = self.eat(Tok::Between);
        let start_pos = self.tok.start;
        let start = self.frame_bound()?;
        let refuse = |message: &str, at: Pos| Err(sql_err!(WINDOWING_ERROR, "{message}").at(at));
        if start == FrameBound::UnboundedFollowing {
            return refuse("frame start cannot be UNBOUNDED FOLLOWING", start_pos);
        }
        let end = if between {
            self.expect(Tok::And)?;
            let end_pos = self.tok.start;
            let end = self.frame_bound()?;
            match (start, end) {
                (_, FrameBound::UnboundedPreceding) => {
                    return refuse("frame end cannot be UNBOUNDED PRECEDING", end_pos);
                }
                (FrameBound::CurrentRow, FrameBound::Preceding(_)) => {
                    return refuse("frame starting from current row cannot have preceding rows", end_pos);
                }
                (FrameBound::Following(_), FrameBound::CurrentRow | FrameBound::Preceding(_)) => {
                    return refuse("frame starting from following row cannot have preceding rows", end_pos);
                }
                _ => end,
            }
        } else {
            if let FrameBound::Following(_) = start {
                return refuse("frame starting from following row cannot end with current row", start_pos);
            }
            FrameBound::CurrentRow
        };
        let mut exclude = FrameExclude::NoOthers;
        if self.eat(Tok::Exclude) {
            exclude = match self.one_of(&[Tok::Current, Tok::Group, Tok::Ties, Tok::No])? {
                Tok::Current if self.kind() == Tok::Row => {
                    self.bump();
                    FrameExclude::CurrentRow
                }
                Tok::Group => FrameExclude::Group,
                Tok::Ties => FrameExclude::Ties,
                Tok::No if self.kind() == Tok::Others => {
                    self.bump();
                    FrameExclude::NoOthers
                }
                _ => return Err(self.unexpected()),
            };
        }
        Ok(Some(Frame { units, start, end, between, exclude, pos }))
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        let unbounded =
            self.kind() == Tok::Unbounded && matches!(self.peek(), Tok::Preceding | Tok::Following);
        if unbounded {
            self.bump();
            return Ok(match self.bump().kind {
                Tok::Preceding => FrameBound::UnboundedPreceding,
                _ => FrameBound::UnboundedFollowing,
            });
        }
        if self.eat2(Tok::Current, Tok::Row) {
            return Ok(FrameBound::CurrentRow);
        }
        let offset = self.a_expr()?;
        if self.eat(Tok::Preceding) {
            return Ok(FrameBound::Preceding(offset));
        }
        self.expect(Tok::Following)?;
        Ok(FrameBound::Following(offset))
    }

    /// A function whose syntax is its own; `None` if the token begins none.
    pub(super) fn special_function(&mut self, token: Token) -> Result<Option<ExprId>> {
        if let Some(func) = sql_value_function(token.kind) {
            return self.sql_value(func, token).map(Some);
        }
        let pos = token.start;
        if token.kind == Tok::Collation && self.peek() == Tok::For {
            self.bump();
            self.bump();
            let arg = self.parens(Self::a_expr)?;
            return self.system_call("pg_collation_for", vec![arg], FuncSyntax::CollationFor, pos).map(Some);
        }
        if token.kind == Tok::Cast {
            return Ok(None);
        }
        if self.peek() != Tok::LParen {
            return Ok(None);
        }
        let expr = match token.kind {
            Tok::Coalesce => self.choose(ChooseFunc::Coalesce)?,
            Tok::Greatest => self.choose(ChooseFunc::Greatest)?,
            Tok::Least => self.choose(ChooseFunc::Least)?,
            Tok::Nullif => {
                self.bump();
                self.bump();
                let first = self.a_expr()?;
                self.expect(Tok::Comma)?;
                let second = self.a_expr()?;
                self.expect(Tok::RParen)?;
                self.add(
                    ExprKind::Choose { func: ChooseFunc::NullIf, items: Box::new([first, second]) },
                    pos,
                )?
            }
            Tok::Extract => self.extract(pos)?,
            Tok::Overlay => self.overlay(pos)?,
            Tok::Position => {
                self.bump();
                self.bump();
                let needle = self.b_expr()?;
                self.expect(Tok::In)?;
                let text = self.b_expr()?;
                self.expect(Tok::RParen)?;
                self.system_call("position", vec![text, needle], FuncSyntax::Position, pos)?
            }
            Tok::Substring => self.substring(pos)?,
            Tok::Trim => self.trim(pos)?,
            Tok::Normalize => {
                self.bump();
                self.bump();
                let mut args = vec![self.a_expr()?];
                if self.eat(Tok::Comma) {
                    let at = self.tok.start;
                    let Some(form) = self.normal_form() else { return Err(self.unexpected()) };
                    args.push(self.leaf(ExprKind::Str(form.into()), at));
                }
                self.expect(Tok::RParen)?;
                self.system_call("normalize", args, FuncSyntax::Normalize, pos)?
            }
            Tok::Treat => {
                self.bump();
                self.bump();
                let arg = self.a_expr()?;
                self.expect(Tok::As)?;
                let ty = self.type_name()?;
                self.expect(Tok::RParen)?;
                let name = ty.name.object().name.clone();
                self.system_call(&name, vec![arg], FuncSyntax::Treat, pos)?
            }
            Tok::MergeAction => {
                self.bump();
                self.bump();
                self.expect(Tok::RParen)?;
                self.leaf(ExprKind::MergeAction, pos)
            }
            Tok::JsonObject if !self.is_object_constructor() => self.plain_call("json_object", pos)?,
            kind if is_json_function(kind) => self.json_function(pos)?,
            kind => match opaque_function(kind) {
                Some(name) => self.opaque(name, pos)?,
                None => return Ok(None),
            },
        };
        Ok(Some(expr))
    }

    /// Whether `JSON_OBJECT(` goes on as the constructor of SQL/JSON rather than as a call of the function.
    fn is_object_constructor(&self) -> bool {
        let mut lexer = self.lexer;
        lexer.seek(self.tok.end);
        let (mut depth, mut first) = (0, true);
        loop {
            let kind = lexer.next_token().kind;
            match kind {
                Tok::LParen | Tok::LBracket => depth += 1,
                Tok::RParen | Tok::RBracket if depth == 1 => return first,
                Tok::RParen | Tok::RBracket => depth -= 1,
                Tok::Colon | Tok::Value if depth == 1 => return true,
                Tok::Returning if depth == 1 && first => return true,
                Tok::Comma if depth == 1 => return false,
                Tok::Eof => return false,
                _ => {}
            }
            first = depth == 1 && kind == Tok::LParen;
        }
    }

    /// A function that is recognised and not taken apart.
    fn opaque(&mut self, name: &'static str, pos: Pos) -> Result<ExprId> {
        self.bump();
        self.skip_parens()?;
        if self.kind() == Tok::Filter && self.peek() == Tok::LParen {
            self.bump();
            self.skip_parens()?;
        }
        if self.kind() == Tok::Over {
            self.bump();
            if self.kind() == Tok::LParen {
                self.skip_parens()?;
            } else {
                self.col_id()?;
            }
        }
        Ok(self.leaf(ExprKind::Unsupported(name), pos))
    }

    fn sql_value(&mut self, func: SqlValueFunc, token: Token) -> Result<ExprId> {
        use SqlValueFunc::*;
        if func == CurrentSchema && self.peek() == Tok::LParen {
            let name = ObjectName(Box::new([self.take_ident()?]));
            let call = self.call_arguments(name)?;
            return self.finish_call(call, token.start);
        }
        self.bump();
        let timed = matches!(func, CurrentTime | CurrentTimestamp | LocalTime | LocalTimestamp);
        let precision =
            if timed && self.kind() == Tok::LParen { Some(self.parens(Self::iconst)?) } else { None };
        Ok(self.leaf(ExprKind::SqlValue { func, precision }, token.start))
    }

    fn choose(&mut self, func: ChooseFunc) -> Result<ExprId> {
        let pos = self.bump().start;
        let items = self.parens(Self::expr_list)?.into_boxed_slice();
        self.add(ExprKind::Choose { func, items }, pos)
    }

    fn extract(&mut self, pos: Pos) -> Result<ExprId> {
        self.bump();
        self.bump();
        let at = self.tok.start;
        let field = match self.kind() {
            Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent => self.take_ident()?.name,
            Tok::Year | Tok::Month | Tok::Day | Tok::Hour | Tok::Minute | Tok::Second => {
                self.take_ident()?.name
            }
            _ => self.string()?,
        };
        let field = self.leaf(ExprKind::Str(field), at);
        self.expect(Tok::From)?;
        let source = self.a_expr()?;
        self.expect(Tok::RParen)?;
        self.system_call("extract", vec![field, source], FuncSyntax::Extract, pos)
    }

    /// The ordinary call that OVERLAY and SUBSTRING may also be; the first argument is parsed already.
    fn plain_call(&mut self, name: &str, pos: Pos) -> Result<ExprId> {
        self.bump();
        let call = self.call_arguments(ObjectName(Box::new([Ident::new(name, pos)])))?;
        if call.star || call.distinct || call.variadic || !call.order_by.is_empty() {
            return Err(sql_err!(SYNTAX_ERROR, "syntax error at or near \"{name}\"").at(pos));
        }
        self.add(ExprKind::Call(Box::new(call)), pos)
    }

    fn overlay(&mut self, pos: Pos) -> Result<ExprId> {
        let start = self.tok;
        self.bump();
        self.bump();
        if self.kind() != Tok::RParen && !matches!(self.peek(), Tok::EqualGreater | Tok::ColonEqual) {
            let mut args = vec![self.a_expr()?];
            if self.eat(Tok::Placing) {
                args.push(self.a_expr()?);
                self.expect(Tok::From)?;
                args.push(self.a_expr()?);
                if self.eat(Tok::For) {
                    args.push(self.a_expr()?);
                }
                self.expect(Tok::RParen)?;
                return self.system_call("overlay", args, FuncSyntax::Overlay, pos);
            }
        }
        self.rewind(start);
        self.plain_call("overlay", pos)
    }

    fn substring(&mut self, pos: Pos) -> Result<ExprId> {
        let start = self.tok;
        self.bump();
        self.bump();
        if self.kind() == Tok::RParen || matches!(self.peek(), Tok::EqualGreater | Tok::ColonEqual) {
            self.rewind(start);
            return self.plain_call("substring", pos);
        }
        let text = self.a_expr()?;
        let args = match self.kind() {
            Tok::From => {
                self.bump();
                let from = self.a_expr()?;
                if self.eat(Tok::For) { vec![text, from, self.a_expr()?] } else { vec![text, from] }
            }
            Tok::For => {
                self.bump();
                let length = self.a_expr()?;
                if self.eat(Tok::From) {
                    vec![text, self.a_expr()?, length]
                } else {
                    // Not every type of length is an integer: PostgreSQL forces it.
                    let one = self.leaf(ExprKind::Int(1), pos);
                    let ty = Box::new(super::typename::system_type("int4", pos));
                    vec![text, one, self.add(ExprKind::Cast { arg: length, ty }, pos)?]
                }
            }
            Tok::Similar => {
                self.bump();
                let pattern = self.a_expr()?;
                self.expect(Tok::Escape)?;
                vec![text, pattern, self.a_expr()?]
            }
            _ => {
                self.rewind(start);
                return self.plain_call("substring", pos);
            }
        };
        self.expect(Tok::RParen)?;
        self.system_call("substring", args, FuncSyntax::Substring, pos)
    }

    fn trim(&mut self, pos: Pos) -> Result<ExprId> {
        self.bump();
        self.bump();
        let (name, syntax) = match self.kind() {
            Tok::Leading => ("ltrim", FuncSyntax::TrimLeading),
            Tok::Trailing => ("rtrim", FuncSyntax::TrimTrailing),
            _ => ("btrim", FuncSyntax::TrimBoth),
        };
        if matches!(self.kind(), Tok::Leading | Tok::Trailing | Tok::Both) {
            self.bump();
        }
        let args = if self.eat(Tok::From) {
            self.expr_list()?
        } else {
            let first = self.a_expr()?;
            if self.eat(Tok::From) {
                let mut args = self.expr_list()?;
                args.push(first);
                args
            } else {
                let mut args = vec![first];
                while self.eat(Tok::Comma) {
                    args.push(self.a_expr()?);
                }
                args
            }
        };
        self.expect(Tok::RParen)?;
        self.system_call(name, args, syntax, pos)
    }
}

fn sql_value_function(kind: Tok) -> Option<SqlValueFunc> {
    Some(match kind {
        Tok::CurrentDate => SqlValueFunc::CurrentDate,
        Tok::CurrentTime => SqlValueFunc::CurrentTime,
        Tok::CurrentTimestamp => SqlValueFunc::CurrentTimestamp,
        Tok::Localtime => SqlValueFunc::LocalTime,
        Tok::Localtimestamp => SqlValueFunc::LocalTimestamp,
        Tok::CurrentRole => SqlValueFunc::CurrentRole,
        Tok::CurrentUser => SqlValueFunc::CurrentUser,
        Tok::User => SqlValueFunc::User,
        Tok::SessionUser => SqlValueFunc::SessionUser,
        Tok::SystemUser => SqlValueFunc::SystemUser,
        Tok::CurrentCatalog => SqlValueFunc::CurrentCatalog,
        Tok::CurrentSchema => SqlValueFunc::CurrentSchema,
        _ => return None,
    })
}

/// Whether a word names a function of SQL/JSON with a grammar of its own.
fn is_json_function(kind: Tok) -> bool {
    matches!(
        kind,
        Tok::Json
            | Tok::JsonArray
            | Tok::JsonArrayagg
            | Tok::JsonExists
            | Tok::JsonObject
            | Tok::JsonObjectagg
            | Tok::JsonQuery
            | Tok::JsonScalar
            | Tok::JsonSerialize
            | Tok::JsonValue
    )
}

/// Returns the name of a function that is recognised and not taken apart.
fn opaque_function(kind: Tok) -> Option<&'static str> {
    Some(match kind {
        Tok::Xmlconcat => "XMLCONCAT",
        Tok::Xmlelement => "XMLELEMENT",
        Tok::Xmlexists => "XMLEXISTS",
        Tok::Xmlforest => "XMLFOREST",
        Tok::Xmlparse => "XMLPARSE",
        Tok::Xmlpi => "XMLPI",
        Tok::Xmlroot => "XMLROOT",
        Tok::Xmlserialize => "XMLSERIALIZE",
        _ => return None,
    })
}
