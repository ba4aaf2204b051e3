//! `JSON_TABLE`: rows out of a document.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    /// `JSON_TABLE (..) [alias]`; the current token is the parenthesis.
    pub(super) fn json_table(&mut self, lateral: bool, pos: Pos) -> Result<FromId> {
        self.expect(Tok::LParen)?;
        let context = self.a_expr()?;
        let format = self.json_format()?;
        self.expect(Tok::Comma)?;
        let at = self.tok.start;
        let path = self.a_expr()?;
        let constant = match &self.expr(path).kind {
            ExprKind::Str(text) => Some(text.clone()),
            _ => None,
        };
        let name = if self.eat(Tok::As) { Some(self.col_id()?) } else { None };
        let mut passing = Vec::new();
        if self.eat(Tok::Passing) {
            passing = self.comma_list(|parser| {
                let value = parser.a_expr()?;
                let format = parser.json_format()?;
                parser.expect(Tok::As)?;
                Ok(JsonTableArg { value, format, name: parser.col_label()? })
            })?;
        }
        let columns = self.json_table_columns()?;
        let on_error = self.json_behavior()?;
        if on_error.is_some() {
            self.expect_all(&[Tok::On, Tok::Error])?;
        }
        self.expect(Tok::RParen)?;
        let Some(path) = constant else {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "only string constants are supported in JSON_TABLE path specification"
            )
            .at(at));
        };
        let root = JsonTablePath { path, pos: at, name, columns };
        let alias = self.opt_alias()?;
        let table = JsonTable { lateral, context, format, root, passing, on_error, alias };
        self.add_from(FromKind::JsonTable(Box::new(table)), pos)
    }

    fn json_table_columns(&mut self) -> Result<Vec<JsonTableColumn>> {
        self.enter()?;
        self.expect(Tok::Columns)?;
        let columns = self.parens(|parser| parser.comma_list(Self::json_table_column))?;
        self.leave();
        Ok(columns)
    }

    fn json_table_column(&mut self) -> Result<JsonTableColumn> {
        // `nested` may be a column's name, too.
        if self.kind() == Tok::Nested && (self.peek() == Tok::Path || Self::is_string(self.peek())) {
            self.bump();
            self.eat(Tok::Path);
            let pos = self.tok.start;
            let path = self.string()?;
            let name = if self.eat(Tok::As) { Some(self.col_id()?) } else { None };
            let columns = self.json_table_columns()?;
            return Ok(JsonTableColumn::Nested(JsonTablePath { path, pos, name, columns }));
        }
        let name = self.col_id()?;
        if self.eat2(Tok::For, Tok::Ordinality) {
            return Ok(JsonTableColumn::Ordinality(name));
        }
        let mut call = SqlJson::new(SqlJsonForm::Value);
        call.returning = Some(self.type_name()?);
        if self.eat(Tok::Exists) {
            call.form = SqlJsonForm::Exists;
        } else if self.json_format()? {
            call.form = SqlJsonForm::Query;
        }
        let path = match self.eat(Tok::Path) {
            true => {
                let pos = self.tok.start;
                Some((self.string()?, pos))
            }
            false => None,
        };
        if call.form != SqlJsonForm::Exists {
            // What only JSON_QUERY knows makes it one.
            if matches!(self.kind(), Tok::With | Tok::Without | Tok::Keep | Tok::Omit) {
                call.form = SqlJsonForm::Query;
            }
            self.json_wrapper(&mut call)?;
        }
        self.json_behaviors(&mut call)?;
        Ok(JsonTableColumn::Value { name, path, call })
    }
}
