//! CREATE INDEX and the keys of indexes.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;

impl Parser<'_> {
    /// `(key, ..)`
    pub(super) fn index_params(&mut self) -> Result<Vec<IndexElem>> {
        self.parens(|parser| parser.comma_list(Self::index_elem))
    }

    /// A key: a column, a function call or an expression in parentheses, and how it is ordered.
    pub(super) fn index_elem(&mut self) -> Result<IndexElem> {
        let pos = self.tok.start;
        let key = self.index_key()?;
        let collation = if self.eat(Tok::Collate) { Some(self.any_name()?) } else { None };
        let mut opclass = None;
        let mut opclass_options = Vec::new();
        if Self::is_col_id(self.kind())
            && !(self.kind() == Tok::Nulls && matches!(self.peek(), Tok::First | Tok::Last))
        {
            opclass = Some(self.any_name()?);
            if self.kind() == Tok::LParen {
                opclass_options = self.reloptions()?;
            }
        }
        let descending = match self.kind() {
            Tok::Asc | Tok::Desc => Some(self.bump().kind == Tok::Desc),
            _ => None,
        };
        let nulls_first = self.nulls_order()?;
        Ok(IndexElem { key, collation, opclass, opclass_options, descending, nulls_first, pos })
    }

    fn index_key(&mut self) -> Result<IndexKey> {
        if self.kind() == Tok::LParen {
            return Ok(IndexKey::Expr(self.parens(Self::a_expr)?));
        }
        let next = self.peek();
        if Self::is_col_id(self.kind()) && !matches!(next, Tok::LParen | Tok::Dot) {
            return Ok(IndexKey::Column(self.col_id()?));
        }
        Ok(IndexKey::Expr(self.function_call()?))
    }

    /// CREATE INDEX; the current token is UNIQUE or INDEX.
    pub(super) fn create_index(&mut self) -> Result<CreateIndex> {
        let unique = self.eat(Tok::Unique);
        self.expect(Tok::Index)?;
        let concurrently = self.eat(Tok::Concurrently);
        let if_not_exists = self.eat_if_not_exists()?;
        let name = if self.kind() == Tok::On && !if_not_exists { None } else { Some(self.col_id()?) };
        self.expect(Tok::On)?;
        let table = self.relation_expr()?;
        let method = if self.eat(Tok::Using) { Some(self.col_id()?) } else { None };
        let columns = self.index_params()?;
        let include = if self.eat(Tok::Include) { self.index_params()? } else { Vec::new() };
        let nulls_not_distinct = self.nulls_not_distinct()?;
        let options = self.opt_with_reloptions()?;
        let tablespace = if self.eat(Tok::Tablespace) { Some(self.col_id()?) } else { None };
        let filter = self.where_clause()?;
        Ok(CreateIndex {
            unique,
            concurrently,
            if_not_exists,
            name,
            table,
            method,
            columns,
            include,
            nulls_not_distinct,
            options,
            tablespace,
            filter,
        })
    }

    /// `NULLS [NOT] DISTINCT`
    pub(super) fn nulls_not_distinct(&mut self) -> Result<bool> {
        if !self.eat(Tok::Nulls) {
            return Ok(false);
        }
        let not = self.eat(Tok::Not);
        self.expect(Tok::Distinct)?;
        Ok(not)
    }
}
