//! FROM: tables, functions, subqueries and joins.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;

/// What a parenthesis in FROM held.
enum FromParen {
    Query(QueryId),
    Join(FromId),
}

impl Parser<'_> {
    pub(super) fn table_refs(&mut self) -> Result<Vec<FromId>> {
        self.comma_list(Self::table_ref)
    }

    /// A table expression with its joins.
    pub(super) fn table_ref(&mut self) -> Result<FromId> {
        self.enter()?;
        let left = self.table_primary()?;
        let from = self.joins(left)?;
        self.leave();
        Ok(from)
    }

    fn joins(&mut self, mut left: FromId) -> Result<FromId> {
        while self.join_begins() {
            left = self.join(left)?;
        }
        Ok(left)
    }

    fn join_begins(&self) -> bool {
        matches!(
            self.kind(),
            Tok::Join | Tok::Inner | Tok::Left | Tok::Right | Tok::Full | Tok::Cross | Tok::Natural
        )
    }

    fn join(&mut self, left: FromId) -> Result<FromId> {
        let pos = self.tok.start;
        if self.eat(Tok::Cross) {
            self.expect(Tok::Join)?;
            let right = self.table_primary()?;
            return self.add_join(JoinKind::Inner, left, right, JoinCondition::Cross, pos);
        }
        let natural = self.eat(Tok::Natural);
        let kind = match self.kind() {
            Tok::Left => JoinKind::Left,
            Tok::Right => JoinKind::Right,
            Tok::Full => JoinKind::Full,
            _ => JoinKind::Inner,
        };
        if kind != JoinKind::Inner {
            self.bump();
            self.eat(Tok::Outer);
        } else {
            self.eat(Tok::Inner);
        }
        self.expect(Tok::Join)?;
        let mut right = self.table_primary()?;
        if natural {
            return self.add_join(kind, left, right, JoinCondition::Natural, pos);
        }
        if self.join_begins() {
            // `a JOIN b JOIN c ON .. ON ..`: the inner join is the right side of the outer one.
            self.enter()?;
            right = self.joins(right)?;
            self.leave();
        }
        let condition = if self.eat(Tok::On) {
            JoinCondition::On(self.a_expr()?)
        } else {
            self.expect(Tok::Using)?;
            let columns = self.paren_name_list()?;
            let alias = if self.eat(Tok::As) { Some(self.col_id()?) } else { None };
            JoinCondition::Using { columns, alias }
        };
        self.add_join(kind, left, right, condition, pos)
    }

    fn add_join(
        &mut self,
        kind: JoinKind,
        left: FromId,
        right: FromId,
        condition: JoinCondition,
        pos: Pos,
    ) -> Result<FromId> {
        self.add_from(FromKind::Join(Box::new(Join { kind, left, right, condition, alias: None })), pos)
    }

    fn table_primary(&mut self) -> Result<FromId> {
        let pos = self.tok.start;
        match self.kind() {
            Tok::LParen => self.paren_table(),
            Tok::Lateral => {
                self.bump();
                if self.kind() == Tok::LParen {
                    let query = self.select_with_parens()?;
                    let alias = self.opt_alias()?;
                    return self.add_from(FromKind::Subquery { query, lateral: true, alias }, pos);
                }
                self.function_table(true, pos)
            }
            Tok::Only => self.relation(pos),
            Tok::Rows if self.peek() == Tok::From => self.function_table(false, pos),
            Tok::Xmltable | Tok::JsonTable if self.peek() == Tok::LParen => self.function_table(false, pos),
            kind if Self::is_col_id(kind) && !self.is_function_table() => self.relation(pos),
            _ => self.function_table(false, pos),
        }
    }

    /// Whether the name that begins here is followed by a parenthesis or is a function without one.
    fn is_function_table(&mut self) -> bool {
        match self.peek() {
            Tok::LParen => true,
            Tok::Dot => {
                let mut n = 2;
                while self.peek_nth(n + 1) == Tok::Dot {
                    n += 2;
                }
                self.peek_nth(n + 1) == Tok::LParen
            }
            _ => false,
        }
    }

    fn relation(&mut self, pos: Pos) -> Result<FromId> {
        let relation = self.relation_expr()?;
        let alias = self.opt_alias()?;
        let sample = if self.kind() == Tok::Tablesample {
            let pos = self.bump().start;
            let method = self.func_name()?;
            let args = self.parens(Self::expr_list)?;
            let repeatable = if self.eat(Tok::Repeatable) { Some(self.parens(Self::a_expr)?) } else { None };
            Some(Box::new(TableSample { method, args, repeatable, pos }))
        } else {
            None
        };
        self.add_from(FromKind::Table { relation, alias, sample }, pos)
    }

    /// `[ONLY] name [*]`
    pub(super) fn relation_expr(&mut self) -> Result<RelationRef> {
        if self.eat(Tok::Only) {
            let name = if self.kind() == Tok::LParen {
                self.parens(Self::qualified_name)?
            } else {
                self.qualified_name()?
            };
            return Ok(RelationRef { name, only: true });
        }
        let name = self.qualified_name()?;
        self.eat(Tok::Star);
        Ok(RelationRef { name, only: false })
    }

    pub(super) fn relation_expr_list(&mut self) -> Result<Vec<RelationRef>> {
        self.comma_list(Self::relation_expr)
    }

    pub(super) fn opt_alias(&mut self) -> Result<Option<Alias>> {
        let name = if self.eat(Tok::As) {
            self.col_id()?
        } else if Self::is_col_id(self.kind()) {
            self.take_ident()?
        } else {
            return Ok(None);
        };
        let columns = self.opt_paren_name_list()?;
        Ok(Some(Alias { name, columns }))
    }

    // ---- Functions ----

    fn function_table(&mut self, lateral: bool, pos: Pos) -> Result<FromId> {
        if matches!(self.kind(), Tok::Xmltable | Tok::JsonTable) && self.peek() == Tok::LParen {
            if self.bump().kind == Tok::JsonTable {
                return self.json_table(lateral, pos);
            }
            self.skip_parens()?;
            self.opt_alias()?;
            return self.add_from(FromKind::Unsupported("XMLTABLE"), pos);
        }
        let rows_from = self.eat2(Tok::Rows, Tok::From);
        let functions = if rows_from {
            self.parens(|parser| {
                parser.comma_list(|parser| {
                    let call = parser.function_call()?;
                    let columns = if parser.eat(Tok::As) { parser.column_specs()? } else { Vec::new() };
                    Ok(FromCall { call, columns })
                })
            })?
        } else {
            vec![FromCall { call: self.function_call()?, columns: Vec::new() }]
        };
        let ordinality = self.eat2(Tok::With, Tok::Ordinality);
        let mut item =
            FromFunction { lateral, rows_from, functions, ordinality, alias: None, columns: Vec::new() };
        let with_as = self.eat(Tok::As);
        if with_as && self.kind() == Tok::LParen {
            item.columns = self.column_specs()?;
        } else if with_as || Self::is_col_id(self.kind()) {
            let name = self.col_id()?;
            let mut alias = Alias { name, columns: Vec::new() };
            if self.kind() == Tok::LParen {
                let first_behind = self.peek_nth(2);
                if matches!(first_behind, Tok::Comma | Tok::RParen) {
                    alias.columns = self.paren_name_list()?;
                } else {
                    item.columns = self.column_specs()?;
                }
            }
            item.alias = Some(alias);
        }
        self.add_from(FromKind::Function(Box::new(item)), pos)
    }

    /// A function call without OVER and the like.
    pub(super) fn function_call(&mut self) -> Result<ExprId> {
        let token = self.tok;
        if token.kind == Tok::Cast {
            return self.c_expr();
        }
        if let Some(expr) = self.special_function(token)? {
            return Ok(expr);
        }
        let name = self.func_name()?;
        if self.kind() != Tok::LParen {
            return Err(self.unexpected());
        }
        let call = self.call_arguments(name)?;
        self.add(ExprKind::Call(Box::new(call)), token.start)
    }

    /// `(name type [COLLATE ..], ..)`
    pub(super) fn column_specs(&mut self) -> Result<Vec<ColumnSpec>> {
        self.parens(|parser| parser.comma_list(Self::column_spec))
    }

    pub(super) fn column_spec(&mut self) -> Result<ColumnSpec> {
        let name = self.col_id()?;
        let ty = self.type_name()?;
        let collation = if self.eat(Tok::Collate) { Some(self.any_name()?) } else { None };
        Ok(ColumnSpec { name, ty, collation })
    }

    // ---- Parentheses ----

    fn paren_table(&mut self) -> Result<FromId> {
        let pos = self.tok.start;
        match self.paren_of_tables()? {
            FromParen::Query(query) => {
                let alias = self.opt_alias()?;
                self.add_from(FromKind::Subquery { query, lateral: false, alias }, pos)
            }
            FromParen::Join(from) => self.join_alias(from),
        }
    }

    /// Gives a parenthesised join its alias.
    fn join_alias(&mut self, from: FromId) -> Result<FromId> {
        if let Some(given) = self.opt_alias()?
            && let FromKind::Join(join) = &mut self.edit_from(from).kind
        {
            join.alias = Some(given);
        }
        Ok(from)
    }

    fn paren_of_tables(&mut self) -> Result<FromParen> {
        self.enter()?;
        let found = if !self.paren_leads_to_query() {
            self.expect(Tok::LParen)?;
            let from = self.table_ref()?;
            self.close_join(from)?
        } else {
            let outer_peak = self.begin_query();
            self.expect(Tok::LParen)?;
            if self.kind() != Tok::LParen {
                let query = self.query_measured(outer_peak)?;
                self.expect(Tok::RParen)?;
                FromParen::Query(query)
            } else {
                let pos = self.tok.start;
                match self.paren_of_tables()? {
                    FromParen::Query(inner) if self.continues_query() => {
                        let query = self.continue_query(inner, outer_peak)?;
                        self.expect(Tok::RParen)?;
                        FromParen::Query(query)
                    }
                    inner => {
                        self.end_measure(outer_peak);
                        let left = match inner {
                            FromParen::Query(query) => {
                                let alias = self.opt_alias()?;
                                self.add_from(FromKind::Subquery { query, lateral: false, alias }, pos)?
                            }
                            FromParen::Join(from) => self.join_alias(from)?,
                        };
                        let from = self.joins(left)?;
                        self.close_join(from)?
                    }
                }
            }
        };
        self.leave();
        Ok(found)
    }

    /// Only a join may stand in parentheses.
    fn close_join(&mut self, from: FromId) -> Result<FromParen> {
        match &self.edit_from(from).kind {
            FromKind::Join(join) if join.alias.is_none() => {}
            _ => return Err(self.unexpected()),
        }
        self.expect(Tok::RParen)?;
        Ok(FromParen::Join(from))
    }
}
