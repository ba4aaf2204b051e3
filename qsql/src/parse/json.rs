//! The functions of SQL/JSON, which have a grammar of their own: constructors, aggregates, queries.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use super::typename::system_name;
use crate::error::{Result, SqlError};
use crate::sql_err;

impl Parser<'_> {
    /// `JSON(..)`, `JSON_OBJECT(..)`, `JSON_VALUE(..)` and so on; the current token is the word.
    pub(super) fn json_function(&mut self, pos: Pos) -> Result<ExprId> {
        self.enter()?;
        let word = self.bump().kind;
        self.expect(Tok::LParen)?;
        let mut json = SqlJson::new(match word {
            Tok::Json => SqlJsonForm::Parse,
            Tok::JsonScalar => SqlJsonForm::Scalar,
            Tok::JsonSerialize => SqlJsonForm::Serialize,
            Tok::JsonObject => SqlJsonForm::Object,
            Tok::JsonArray => SqlJsonForm::Array,
            Tok::JsonObjectagg => SqlJsonForm::ObjectAgg,
            Tok::JsonArrayagg => SqlJsonForm::ArrayAgg,
            Tok::JsonExists => SqlJsonForm::Exists,
            Tok::JsonQuery => SqlJsonForm::Query,
            _ => SqlJsonForm::Value,
        });
        match json.form {
            SqlJsonForm::Parse => {
                self.json_value(&mut json)?;
                self.json_unique(&mut json)?;
            }
            SqlJsonForm::Scalar => self.json_value(&mut json)?,
            SqlJsonForm::Serialize => {
                self.json_value(&mut json)?;
                self.json_returning(&mut json)?;
            }
            SqlJsonForm::Object | SqlJsonForm::ObjectAgg => {
                while !matches!(self.kind(), Tok::RParen | Tok::Returning) {
                    let key = self.a_expr()?;
                    json.push(key, false);
                    if !self.eat(Tok::Value) {
                        self.expect(Tok::Colon)?;
                    }
                    self.json_value(&mut json)?;
                    if json.form == SqlJsonForm::ObjectAgg || !self.eat(Tok::Comma) {
                        break;
                    }
                }
                self.json_nulls(&mut json)?;
                self.json_unique(&mut json)?;
                self.json_returning(&mut json)?;
            }
            SqlJsonForm::Array => {
                if matches!(self.kind(), Tok::Select | Tok::Values | Tok::With) {
                    return Err(SqlError::unsupported("JSON_ARRAY with a query").at(pos));
                }
                while !matches!(self.kind(), Tok::RParen | Tok::Returning) {
                    self.json_value(&mut json)?;
                    if !self.eat(Tok::Comma) {
                        break;
                    }
                }
                self.json_nulls(&mut json)?;
                self.json_returning(&mut json)?;
            }
            SqlJsonForm::ArrayAgg => {
                self.json_value(&mut json)?;
                json.order_by = self.opt_order_by()?;
                self.json_nulls(&mut json)?;
                self.json_returning(&mut json)?;
            }
            SqlJsonForm::Exists | SqlJsonForm::Query | SqlJsonForm::Value => self.json_query(&mut json)?,
        }
        self.expect(Tok::RParen)?;
        self.leave();
        if matches!(json.form, SqlJsonForm::ObjectAgg | SqlJsonForm::ArrayAgg) {
            let call = self.json_aggregate(&json, pos)?;
            json.args = vec![call];
        }
        self.add(ExprKind::SqlJson(Box::new(json)), pos)
    }

    /// `value [FORMAT JSON [ENCODING UTF8]]`
    fn json_value(&mut self, json: &mut SqlJson) -> Result<()> {
        let value = self.a_expr()?;
        let format = self.json_format()?;
        json.push(value, format);
        Ok(())
    }

    pub(super) fn json_format(&mut self) -> Result<bool> {
        let format = self.eat2(Tok::Format, Tok::Json);
        if format && self.eat(Tok::Encoding) {
            self.col_id()?;
        }
        Ok(format)
    }

    /// `NULL ON NULL | ABSENT ON NULL`
    fn json_nulls(&mut self, json: &mut SqlJson) -> Result<()> {
        if matches!(self.kind(), Tok::Null | Tok::Absent) && self.peek() == Tok::On {
            json.absent_on_null = Some(self.bump().kind == Tok::Absent);
            self.bump();
            self.expect(Tok::Null)?;
        }
        Ok(())
    }

    /// `WITH | WITHOUT UNIQUE [KEYS]`
    fn json_unique(&mut self, json: &mut SqlJson) -> Result<()> {
        if matches!(self.kind(), Tok::With | Tok::Without) && self.peek() == Tok::Unique {
            json.unique = self.bump().kind == Tok::With;
            self.bump();
            self.eat(Tok::Keys);
        }
        Ok(())
    }

    /// `RETURNING type [FORMAT JSON]`
    fn json_returning(&mut self, json: &mut SqlJson) -> Result<()> {
        if self.eat(Tok::Returning) {
            json.returning = Some(self.type_name()?);
            self.json_format()?;
        }
        Ok(())
    }

    /// The inside of `JSON_EXISTS`, `JSON_QUERY` and `JSON_VALUE`.
    fn json_query(&mut self, json: &mut SqlJson) -> Result<()> {
        self.json_value(json)?;
        self.expect(Tok::Comma)?;
        let path = self.a_expr()?;
        json.push(path, false);
        if self.eat(Tok::Passing) {
            loop {
                self.json_value(json)?;
                self.expect(Tok::As)?;
                json.names.push(self.col_label()?);
                if !self.eat(Tok::Comma) {
                    break;
                }
            }
        }
        if json.form != SqlJsonForm::Exists && self.eat(Tok::Returning) {
            json.returning = Some(self.type_name()?);
            let pos = self.tok.start;
            if self.json_format()? && json.form == SqlJsonForm::Value {
                return Err(sql_err!(
                    SYNTAX_ERROR,
                    "cannot specify FORMAT JSON in RETURNING clause of JSON_VALUE()"
                )
                .at(pos));
            }
        }
        if json.form == SqlJsonForm::Query {
            self.json_wrapper(json)?;
        }
        self.json_behaviors(json)
    }

    /// `.. ON EMPTY .. ON ERROR`
    pub(super) fn json_behaviors(&mut self, json: &mut SqlJson) -> Result<()> {
        while let Some(behavior) = self.json_behavior()? {
            self.expect(Tok::On)?;
            match self.kind() {
                Tok::Empty
                    if json.form != SqlJsonForm::Exists
                        && json.on_empty.is_none()
                        && json.on_error.is_none() =>
                {
                    json.on_empty = Some(behavior);
                }
                Tok::Error if json.on_error.is_none() => json.on_error = Some(behavior),
                _ => return Err(self.unexpected()),
            }
            self.bump();
        }
        Ok(())
    }

    pub(super) fn json_wrapper(&mut self, json: &mut SqlJson) -> Result<()> {
        if matches!(self.kind(), Tok::With | Tok::Without) {
            let with = self.bump().kind == Tok::With;
            let conditional = with && self.eat(Tok::Conditional);
            if with && !conditional {
                self.eat(Tok::Unconditional);
            }
            self.eat(Tok::Array);
            self.expect(Tok::Wrapper)?;
            json.wrapper = match (with, conditional) {
                (false, _) => JsonWrapper::Without,
                (true, true) => JsonWrapper::Conditional,
                (true, false) => JsonWrapper::Unconditional,
            };
        }
        if matches!(self.kind(), Tok::Keep | Tok::Omit) {
            json.omit_quotes = self.bump().kind == Tok::Omit;
            self.expect(Tok::Quotes)?;
            if self.eat(Tok::On) {
                self.expect_all(&[Tok::Scalar, Tok::String])?;
            }
        }
        Ok(())
    }

    pub(super) fn json_behavior(&mut self) -> Result<Option<JsonBehavior>> {
        let pos = self.tok.start;
        let kind = match self.kind() {
            Tok::Null => JsonBehaviorKind::Null,
            Tok::Error => JsonBehaviorKind::Error,
            Tok::True => JsonBehaviorKind::True,
            Tok::False => JsonBehaviorKind::False,
            Tok::Unknown => JsonBehaviorKind::Unknown,
            Tok::Empty => {
                self.bump();
                let object = self.eat(Tok::Object);
                if !object {
                    self.eat(Tok::Array);
                }
                let kind = if object { JsonBehaviorKind::EmptyObject } else { JsonBehaviorKind::EmptyArray };
                return Ok(Some(JsonBehavior { kind, pos }));
            }
            Tok::Default => {
                self.bump();
                let kind = JsonBehaviorKind::Default(self.a_expr()?);
                return Ok(Some(JsonBehavior { kind, pos }));
            }
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(JsonBehavior { kind, pos }))
    }

    /// `JSON_ARRAYAGG` and `JSON_OBJECTAGG` are calls of the aggregates that do the same.
    fn json_aggregate(&mut self, json: &SqlJson, pos: Pos) -> Result<ExprId> {
        let object = json.form == SqlJsonForm::ObjectAgg;
        let jsonb = json.returning.as_ref().is_some_and(|ty| *ty.name.object().name == *"jsonb");
        let mut name = String::from(if jsonb { "jsonb" } else { "json" });
        name += if object { "_object_agg" } else { "_agg" };
        if object && json.unique {
            name += "_unique";
        }
        if json.absent_on_null.unwrap_or(!object) {
            name += "_strict";
        }
        let mut call = FuncCall::new(system_name(&name, pos));
        call.args = json.args.iter().map(|&value| FuncArg { name: None, value }).collect();
        call.order_by = json.order_by.clone();
        self.finish_call(call, pos)
    }
}
