//! The parser's frame: tokens, names, constants, limits and the arenas it fills.
//!
//! One [`Parser`] walks a whole text by recursive descent with one token of look-ahead (more only where PostgreSQL's
//! own grammar cheats too). Recursion is bounded twice: by a count of nesting levels and by the stack it has really
//! used, as PostgreSQL's `max_stack_depth`; chains of operators, set operations and joins are loops.

use super::ast::*;
use super::keyword::{Category, Tok};
use super::lexer::{Lexer, Token, truncate_name};
use super::{MAX_EXPR_HEIGHT, MAX_NESTING};
use crate::error::{Result, SqlError, SqlState};
use crate::sql_err;
use std::borrow::Cow;

/// Bytes of stack that parsing may take; below the 2 MiB of a Rust thread with room for its caller.
const STACK_BUDGET: usize = 3 << 19;

/// The state of parsing one text.
pub(super) struct Parser<'s> {
    pub(super) sql: &'s str,
    pub(super) lexer: Lexer<'s>,
    /// The token to be looked at next.
    pub(super) tok: Token,
    /// The one behind it, once somebody asked.
    ahead: Option<Token>,
    /// The last token taken.
    pub(super) prev: Token,
    pub(super) depth: u32,
    /// The depth at which an item of a select list is read: there an operator's word may be a label.
    pub(super) target_depth: u32,
    stack_base: usize,
    /// Between these offsets stand only opening parentheses, followed by a query or not: see `paren_leads_to_query`.
    paren_run: (u32, u32, bool),
    /// Greatest height of a node since the innermost query began.
    peak: u32,
    pub(super) max_param: u32,
    notices: Vec<SqlError>,
    exprs: Vec<Expr>,
    queries: Vec<Query>,
    froms: Vec<FromItem>,
}

/// The address of something on the stack, for measuring its depth.
#[inline(never)]
fn stack_address() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

#[cold]
pub(super) fn too_deep() -> SqlError {
    SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), \
         after ensuring the platform's stack depth limit is adequate.",
    )
}

impl<'s> Parser<'s> {
    pub(super) fn new(sql: &'s str) -> Self {
        let mut lexer = Lexer::new(sql);
        let tok = lexer.next_token();
        Parser {
            sql,
            lexer,
            tok,
            ahead: None,
            prev: tok,
            depth: 0,
            target_depth: 0,
            stack_base: stack_address(),
            paren_run: (0, 0, false),
            peak: 0,
            max_param: 0,
            notices: Vec::new(),
            exprs: Vec::new(),
            queries: Vec::new(),
            froms: Vec::new(),
        }
    }

    /// Ends a statement: hands out its tree and begins with empty arenas.
    pub(super) fn finish(&mut self, statement: Statement) -> Ast {
        self.peak = 0;
        Ast {
            statement,
            cursor: false,
            max_param: std::mem::take(&mut self.max_param),
            notices: std::mem::take(&mut self.notices),
            exprs: std::mem::take(&mut self.exprs),
            queries: std::mem::take(&mut self.queries),
            froms: std::mem::take(&mut self.froms),
        }
    }

    // ---- Tokens ----

    #[inline]
    pub(super) fn kind(&self) -> Tok {
        self.tok.kind
    }

    /// The kind of the token behind the current one.
    pub(super) fn peek(&mut self) -> Tok {
        match self.ahead {
            Some(token) => token.kind,
            None => {
                self.lexer.seek(self.tok.end);
                let token = self.lexer.next_token();
                self.ahead = Some(token);
                token.kind
            }
        }
    }

    /// The kind of the `n`-th token behind the current one.
    pub(super) fn peek_nth(&self, n: usize) -> Tok {
        let mut lexer = self.lexer;
        lexer.seek(self.tok.end);
        let mut kind = self.tok.kind;
        for _ in 0..n {
            kind = lexer.next_token().kind;
        }
        kind
    }

    /// Takes the current token.
    #[inline]
    pub(super) fn bump(&mut self) -> Token {
        let token = self.tok;
        self.prev = token;
        self.tok = match self.ahead.take() {
            Some(token) => token,
            None => {
                self.lexer.seek(token.end);
                self.lexer.next_token()
            }
        };
        token
    }

    /// Goes back to a token seen before.
    pub(super) fn rewind(&mut self, token: Token) {
        self.tok = token;
        self.ahead = None;
    }

    #[inline]
    pub(super) fn eat(&mut self, kind: Tok) -> bool {
        let found = self.tok.kind == kind;
        if found {
            self.bump();
        }
        found
    }

    /// Takes two tokens if both are there.
    pub(super) fn eat2(&mut self, first: Tok, second: Tok) -> bool {
        let found = self.tok.kind == first && self.peek() == second;
        if found {
            self.bump();
            self.bump();
        }
        found
    }

    pub(super) fn eat3(&mut self, first: Tok, second: Tok, third: Tok) -> bool {
        let found = self.tok.kind == first && self.peek() == second && self.peek_nth(2) == third;
        if found {
            self.bump();
            self.bump();
            self.bump();
        }
        found
    }

    #[inline]
    pub(super) fn expect(&mut self, kind: Tok) -> Result<Token> {
        if self.tok.kind == kind { Ok(self.bump()) } else { Err(self.unexpected()) }
    }

    /// Takes one of several words.
    pub(super) fn one_of(&mut self, kinds: &[Tok]) -> Result<Tok> {
        if kinds.contains(&self.tok.kind) { Ok(self.bump().kind) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_all(&mut self, kinds: &[Tok]) -> Result<()> {
        kinds.iter().try_for_each(|&kind| self.expect(kind).map(drop))
    }

    /// `IF [NOT] EXISTS`, all of it or nothing.
    pub(super) fn eat_if_exists(&mut self) -> Result<bool> {
        if self.kind() != Tok::If || self.peek() != Tok::Exists {
            return Ok(false);
        }
        self.bump();
        self.bump();
        Ok(true)
    }

    pub(super) fn eat_if_not_exists(&mut self) -> Result<bool> {
        if self.kind() != Tok::If || self.peek() != Tok::Not {
            return Ok(false);
        }
        self.bump();
        self.bump();
        self.expect(Tok::Exists)?;
        Ok(true)
    }

    /// `CASCADE | RESTRICT`; whether it cascades.
    pub(super) fn drop_behavior(&mut self) -> bool {
        if self.eat(Tok::Cascade) {
            return true;
        }
        self.eat(Tok::Restrict);
        false
    }

    pub(super) fn at_end(&self) -> bool {
        matches!(self.tok.kind, Tok::Semicolon | Tok::Eof)
    }

    pub(super) fn text(&self, token: Token) -> &'s str {
        self.lexer.text(token)
    }

    /// PostgreSQL's syntax error at the current token.
    #[cold]
    pub(super) fn unexpected(&self) -> SqlError {
        self.syntax_error_at(self.tok)
    }

    #[cold]
    pub(super) fn syntax_error_at(&self, token: Token) -> SqlError {
        self.complaint_at(token, "syntax error")
    }

    /// An error about the current token, which PostgreSQL's message names.
    #[cold]
    pub(super) fn complaint(&self, what: &str) -> SqlError {
        self.complaint_at(self.tok, what)
    }

    fn complaint_at(&self, token: Token, what: &str) -> SqlError {
        match token.kind {
            Tok::Invalid => self.lexer.error_of(token),
            Tok::Eof => sql_err!(SYNTAX_ERROR, "{what} at end of input").at(self.sql.len() as u32),
            _ => sql_err!(SYNTAX_ERROR, "{what} at or near \"{}\"", self.text(token)).at(token.start),
        }
    }

    // ---- Limits and arenas ----

    /// Enters a level of recursion.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_NESTING || self.stack_base.wrapping_sub(stack_address()) > STACK_BUDGET {
            return Err(too_deep());
        }
        Ok(())
    }

    /// Leaves a level of recursion; after an error nobody needs to.
    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    pub(super) fn expr_mut(&mut self, id: ExprId) -> &mut Expr {
        &mut self.exprs[id.0 as usize]
    }

    pub(super) fn query_mut(&mut self, id: QueryId) -> &mut Query {
        &mut self.queries[id.0 as usize]
    }

    pub(super) fn edit_from(&mut self, id: FromId) -> &mut FromItem {
        &mut self.froms[id.0 as usize]
    }

    /// Adds an expression without children.
    #[inline]
    pub(super) fn leaf(&mut self, kind: ExprKind, pos: Pos) -> ExprId {
        self.push_expr(kind, pos, 1)
    }

    #[inline]
    fn push_expr(&mut self, kind: ExprKind, pos: Pos, height: u32) -> ExprId {
        let id = ExprId(self.exprs.len() as u32);
        self.peak = self.peak.max(height);
        self.exprs.push(Expr { kind, pos, height });
        id
    }

    /// Adds an expression over its children.
    pub(super) fn add(&mut self, kind: ExprKind, pos: Pos) -> Result<ExprId> {
        let mut below = 0;
        match &kind {
            ExprKind::Binary { left, right, .. } => {
                below = self.expr(*left).height.max(self.expr(*right).height)
            }
            ExprKind::Cast { arg, .. } => below = self.expr(*arg).height,
            _ => {
                kind.for_each_child(&mut |child| below = below.max(self.exprs[child.0 as usize].height));
                if let Some(query) = kind.subquery() {
                    below = below.max(self.queries[query.0 as usize].height);
                }
            }
        }
        if below >= MAX_EXPR_HEIGHT {
            return Err(too_deep());
        }
        Ok(self.push_expr(kind, pos, below + 1))
    }

    /// Begins to measure a query; give the result to [`Self::add_query`].
    pub(super) fn begin_query(&mut self) -> u32 {
        std::mem::take(&mut self.peak)
    }

    /// Adds a query that is as high as all that was added since `begin_query`.
    pub(super) fn add_query(&mut self, mut query: Query, outer_peak: u32) -> Result<QueryId> {
        if self.peak >= MAX_EXPR_HEIGHT {
            return Err(too_deep());
        }
        query.height = self.peak + 1;
        self.peak = outer_peak.max(query.height);
        self.queries.push(query);
        Ok(QueryId(self.queries.len() as u32 - 1))
    }

    /// Ends a measure that turned out not to be of a query.
    pub(super) fn end_measure(&mut self, outer_peak: u32) {
        self.peak = self.peak.max(outer_peak);
    }

    /// Ends the measure of a query that was added before its last clauses were read.
    pub(super) fn end_query(&mut self, id: QueryId, outer_peak: u32) {
        let height = self.peak.max(self.queries[id.index()].height);
        self.queries[id.index()].height = height;
        self.peak = outer_peak.max(height);
    }

    /// Adds a FROM item over at most two others.
    pub(super) fn add_from(&mut self, kind: FromKind, pos: Pos) -> Result<FromId> {
        let below = match &kind {
            FromKind::Join(join) => {
                self.froms[join.left.index()].height.max(self.froms[join.right.index()].height)
            }
            FromKind::Subquery { query, .. } => self.queries[query.index()].height,
            _ => 0,
        };
        if below >= MAX_EXPR_HEIGHT {
            return Err(too_deep());
        }
        self.peak = self.peak.max(below + 1);
        self.froms.push(FromItem { kind, pos, height: below + 1 });
        Ok(FromId(self.froms.len() as u32 - 1))
    }

    /// Whether the run of `(` that begins at the current token leads to SELECT, VALUES, WITH or TABLE.
    pub(super) fn paren_leads_to_query(&mut self) -> bool {
        let (start, end, leads) = self.paren_run;
        if (start..end).contains(&self.tok.start) {
            return leads;
        }
        let mut lexer = self.lexer;
        lexer.seek(self.tok.end);
        let mut token = lexer.next_token();
        while token.kind == Tok::LParen {
            token = lexer.next_token();
        }
        let leads = matches!(token.kind, Tok::Select | Tok::Values | Tok::With | Tok::Table);
        self.paren_run = (self.tok.start, token.start, leads);
        leads
    }

    // ---- Names ----

    /// Whether a token of this kind is a name of the given kind of place.
    fn is_name(kind: Tok, allowed: &[Category]) -> bool {
        match kind.category() {
            Category::None => matches!(kind, Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent),
            category => allowed.contains(&category),
        }
    }

    pub(super) fn is_col_id(kind: Tok) -> bool {
        Self::is_name(kind, &[Category::Unreserved, Category::ColName])
    }

    pub(super) fn is_type_function_name(kind: Tok) -> bool {
        Self::is_name(kind, &[Category::Unreserved, Category::TypeFuncName])
    }

    pub(super) fn is_col_label(kind: Tok) -> bool {
        Self::is_name(
            kind,
            &[Category::Unreserved, Category::ColName, Category::TypeFuncName, Category::Reserved],
        )
    }

    pub(super) fn is_non_reserved(kind: Tok) -> bool {
        Self::is_name(kind, &[Category::Unreserved, Category::ColName, Category::TypeFuncName])
    }

    pub(super) fn is_bare_label(kind: Tok) -> bool {
        match kind {
            Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent => true,
            _ => kind.is_bare_label(),
        }
    }

    pub(super) fn col_id(&mut self) -> Result<Ident> {
        if Self::is_col_id(self.tok.kind) { self.take_ident() } else { Err(self.unexpected()) }
    }

    pub(super) fn type_function_name(&mut self) -> Result<Ident> {
        if Self::is_type_function_name(self.tok.kind) { self.take_ident() } else { Err(self.unexpected()) }
    }

    pub(super) fn col_label(&mut self) -> Result<Ident> {
        if Self::is_col_label(self.tok.kind) { self.take_ident() } else { Err(self.unexpected()) }
    }

    pub(super) fn non_reserved_word(&mut self) -> Result<Ident> {
        if Self::is_non_reserved(self.tok.kind) { self.take_ident() } else { Err(self.unexpected()) }
    }

    /// Takes the current token, which is a word or a quoted identifier, as a name.
    pub(super) fn take_ident(&mut self) -> Result<Ident> {
        let token = self.bump();
        let name: Cow<'_, str> = match token.kind {
            Tok::UnicodeIdent => {
                let escape = self.uescape()?;
                self.lexer.unicode_value(token, escape)?.into()
            }
            Tok::Ident | Tok::QuotedIdent => self.lexer.ident_value(token),
            keyword => keyword.keyword_text().unwrap_or_default().into(),
        };
        let short = truncate_name(&name);
        if short.len() < name.len() {
            let notice = format!("identifier \"{name}\" will be truncated to \"{short}\"");
            self.notices.push(SqlError::new(SqlState::NAME_TOO_LONG, notice));
        }
        Ok(Ident::new(short, token.start))
    }

    /// `UESCAPE 'c'` behind a Unicode literal.
    fn uescape(&mut self) -> Result<char> {
        if !self.eat(Tok::Uescape) {
            return Ok('\\');
        }
        let token = self.tok;
        if token.kind != Tok::StrLit {
            return Err(sql_err!(
                SYNTAX_ERROR,
                "UESCAPE must be followed by a simple string literal at or near \"{}\"",
                self.text(token)
            )
            .at(token.start));
        }
        let value = self.lexer.string_value(token)?;
        let mut chars = value.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None)
                if !c.is_ascii_hexdigit() && !matches!(c, '+' | '\'' | '"') && !c.is_ascii_whitespace() =>
            {
                self.bump();
                Ok(c)
            }
            _ => Err(sql_err!(
                SYNTAX_ERROR,
                "invalid Unicode escape character at or near \"{}\"",
                self.text(token)
            )
            .at(token.start)),
        }
    }

    /// `ColId [. label]...` without subscripts: tables, types, functions to be named.
    pub(super) fn any_name(&mut self) -> Result<ObjectName> {
        let first = self.col_id()?;
        self.name_tail(first)
    }

    pub(super) fn name_tail(&mut self, first: Ident) -> Result<ObjectName> {
        if self.tok.kind != Tok::Dot {
            return Ok(ObjectName(Box::new([first])));
        }
        let mut parts = vec![first];
        while self.eat(Tok::Dot) {
            parts.push(self.col_label()?);
        }
        Ok(ObjectName(parts.into_boxed_slice()))
    }

    /// A relation's name: at most database, schema and relation.
    pub(super) fn qualified_name(&mut self) -> Result<ObjectName> {
        let name = self.any_name()?;
        if name.0.len() > 3 {
            return Err(sql_err!(SYNTAX_ERROR, "improper qualified name (too many dotted names): {name}")
                .at(name.pos()));
        }
        Ok(name)
    }

    pub(super) fn any_name_list(&mut self) -> Result<Vec<ObjectName>> {
        self.comma_list(Self::any_name)
    }

    pub(super) fn qualified_name_list(&mut self) -> Result<Vec<ObjectName>> {
        self.comma_list(Self::qualified_name)
    }

    pub(super) fn name_list(&mut self) -> Result<Vec<Ident>> {
        self.comma_list(Self::col_id)
    }

    /// `(a, b)`
    pub(super) fn paren_name_list(&mut self) -> Result<Vec<Ident>> {
        self.parens(Self::name_list)
    }

    pub(super) fn opt_paren_name_list(&mut self) -> Result<Vec<Ident>> {
        if self.tok.kind == Tok::LParen { self.paren_name_list() } else { Ok(Vec::new()) }
    }

    /// A function's name: one word that may be one, or a dotted name.
    pub(super) fn func_name(&mut self) -> Result<ObjectName> {
        if self.peek() == Tok::Dot {
            return self.any_name();
        }
        Ok(ObjectName(Box::new([self.type_function_name()?])))
    }

    pub(super) fn comma_list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(Tok::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) fn parens<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.expect(Tok::LParen)?;
        let value = inner(self)?;
        self.expect(Tok::RParen)?;
        Ok(value)
    }

    /// An operator as a name: `+`, `schema.||`.
    pub(super) fn any_operator(&mut self) -> Result<OperatorName> {
        let mut schema = Vec::new();
        while Self::is_col_id(self.tok.kind) {
            schema.push(self.col_id()?);
            self.expect(Tok::Dot)?;
        }
        let name = self.operator_symbol()?;
        Ok(OperatorName { schema: schema.into_boxed_slice(), name: name.into() })
    }

    fn operator_symbol(&mut self) -> Result<&'s str> {
        match self.tok.kind {
            Tok::NotEqual => {
                self.bump();
                Ok("<>")
            }
            Tok::Op
            | Tok::Plus
            | Tok::Minus
            | Tok::Star
            | Tok::Slash
            | Tok::Percent
            | Tok::Caret
            | Tok::Less
            | Tok::Greater
            | Tok::Equal
            | Tok::LessEqual
            | Tok::GreaterEqual => {
                let token = self.bump();
                Ok(self.text(token))
            }
            _ => Err(self.unexpected()),
        }
    }

    // ---- Constants ----

    pub(super) fn is_string(kind: Tok) -> bool {
        matches!(kind, Tok::StrLit | Tok::EscapeStrLit | Tok::DollarStrLit | Tok::UnicodeStrLit)
    }

    /// A string constant.
    pub(super) fn string(&mut self) -> Result<Box<str>> {
        if !Self::is_string(self.tok.kind) {
            return Err(self.unexpected());
        }
        let token = self.bump();
        if token.kind == Tok::UnicodeStrLit {
            let escape = self.uescape()?;
            return Ok(self.lexer.unicode_value(token, escape)?.into());
        }
        Ok(self.lexer.string_value(token)?.into())
    }

    pub(super) fn bit_string(&mut self, token: Token) -> Box<str> {
        self.lexer.bits_value(token).into()
    }

    /// An integer constant that fits `int4`.
    pub(super) fn iconst(&mut self) -> Result<i32> {
        match self.number_kind(self.tok) {
            Some(ExprKind::Int(value)) => {
                self.bump();
                Ok(value)
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn signed_iconst(&mut self) -> Result<i32> {
        if self.eat(Tok::Minus) {
            return Ok(-self.iconst()?);
        }
        self.eat(Tok::Plus);
        self.iconst()
    }

    /// Returns what a number token is: an `int4` or the digits of something greater.
    pub(super) fn number_kind(&self, token: Token) -> Option<ExprKind> {
        if !matches!(token.kind, Tok::IntLit | Tok::NumLit) {
            return None;
        }
        let digits = self.lexer.number_value(token);
        let small = match digits.as_bytes() {
            [b'0', radix, ..] if radix.is_ascii_alphabetic() && (radix | 0x20) != b'e' => {
                let radix = match radix | 0x20 {
                    b'x' => 16,
                    b'o' => 8,
                    _ => 2,
                };
                i32::from_str_radix(&digits[2..], radix).ok()
            }
            _ if token.kind == Tok::IntLit => digits.parse().ok(),
            _ => None,
        };
        Some(match small {
            Some(value) => ExprKind::Int(value),
            None => ExprKind::Number(digits.into()),
        })
    }

    /// A number with its sign, as written (NumericOnly).
    pub(super) fn numeric_only(&mut self) -> Result<Box<str>> {
        let sign = if self.eat(Tok::Minus) {
            "-"
        } else {
            self.eat(Tok::Plus);
            ""
        };
        if !matches!(self.tok.kind, Tok::IntLit | Tok::NumLit) {
            return Err(self.unexpected());
        }
        let token = self.bump();
        Ok(format!("{sign}{}", self.lexer.number_value(token)).into())
    }

    /// Skips a parenthesised group that is not taken apart; the current token is its `(`.
    pub(super) fn skip_parens(&mut self) -> Result<()> {
        let mut open = 0usize;
        loop {
            match self.tok.kind {
                Tok::LParen => open += 1,
                Tok::RParen => open -= 1,
                Tok::Eof | Tok::Invalid => return Err(self.unexpected()),
                _ => {}
            }
            self.bump();
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Skips to the end of a statement that is not taken apart.
    pub(super) fn skip_statement(&mut self) -> Result<()> {
        while !self.at_end() {
            match self.tok.kind {
                Tok::LParen => self.skip_parens()?,
                Tok::RParen | Tok::Invalid => return Err(self.unexpected()),
                _ => {
                    self.bump();
                }
            }
        }
        Ok(())
    }
}
