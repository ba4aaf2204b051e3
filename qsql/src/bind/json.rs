//! SQL/JSON: what its grammar says becomes calls of functions and casts.

use super::Binder;
use super::expr::literal;
use crate::error::{Result, SqlError};
use crate::func::category::display;
use crate::func::sql_json::{self as code, Behavior};
use crate::func::{CastContext, Function, IS_JSON, JSON_PARSE, JSON_QUERY, SQL_JSON_ARRAY, SQL_JSON_OBJECT};
use crate::parse::ast::{ExprId, JsonBehavior, JsonItem, JsonWrapper, Pos, SqlJson, SqlJsonForm};
use crate::plan::expr::{CallForm, Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, Datum, Oid, oid};

/// `to_json(anyelement)`
const TO_JSON: Oid = 3176;

fn call(func: &'static Function, args: Vec<Expr>, ty: DataType, pos: Pos) -> Expr {
    Expr {
        kind: ExprKind::Call { func, args, operator: 0, form: CallForm::Plain },
        ty,
        collation: super::coerce::collation_of(ty.oid),
        at: pos,
    }
}

fn int(value: i32, pos: Pos) -> Expr {
    literal(Datum::Int4(value), oid::INT4, pos)
}

fn bool(value: bool, pos: Pos) -> Expr {
    literal(Datum::Bool(value), oid::BOOL, pos)
}

fn text(value: &str, pos: Pos) -> Expr {
    literal(Datum::text(value), oid::TEXT, pos)
}

impl Binder<'_> {
    pub(crate) fn bind_sql_json(&mut self, json: &SqlJson, pos: Pos) -> Result<Expr> {
        let returning = json.returning.as_ref().map(|ty| self.bind_type(ty)).transpose()?;
        match json.form {
            SqlJsonForm::Parse => {
                let arg = self.bind_expr(json.args[0])?;
                match arg.ty.oid {
                    oid::JSON | oid::JSONB if !json.unique => self.cast(arg, DataType::of(oid::JSON), pos),
                    _ => {
                        let arg = self.cast(arg, DataType::of(oid::TEXT), pos)?;
                        Ok(call(&JSON_PARSE, vec![arg, bool(json.unique, pos)], DataType::of(oid::JSON), pos))
                    }
                }
            }
            SqlJsonForm::Scalar => {
                let arg = self.bind_expr(json.args[0])?;
                let arg = self.settle(arg)?;
                let Some(func) = crate::func::function_by_oid(TO_JSON) else {
                    return Err(SqlError::internal("to_json is not there"));
                };
                Ok(call(func, vec![arg], DataType::of(oid::JSON), pos))
            }
            SqlJsonForm::Serialize => {
                let arg = self.bind_expr(json.args[0])?;
                let arg = match arg.ty.oid {
                    oid::JSONB => arg,
                    _ => self.cast(arg, DataType::of(oid::JSON), pos)?,
                };
                self.cast(arg, returning.unwrap_or(DataType::of(oid::TEXT)), pos)
            }
            SqlJsonForm::Object | SqlJsonForm::Array => {
                let object = json.form == SqlJsonForm::Object;
                let jsonb = returning.is_some_and(|ty| ty.oid == oid::JSONB);
                let own = DataType::of(if jsonb { oid::JSONB } else { oid::JSON });
                let absent = json.absent_on_null.unwrap_or(!object);
                let mut args = vec![bool(absent, pos), bool(json.unique, pos)];
                for (i, &arg) in json.args.iter().enumerate() {
                    args.push(self.bind_json_value(arg, json.formats[i])?);
                }
                let func = if object { &SQL_JSON_OBJECT } else { &SQL_JSON_ARRAY };
                let made = call(func, args, own, pos);
                self.returned(made, returning, pos)
            }
            SqlJsonForm::ObjectAgg | SqlJsonForm::ArrayAgg => {
                let made = self.bind_expr(json.args[0])?;
                self.returned(made, returning, pos)
            }
            SqlJsonForm::Exists | SqlJsonForm::Query | SqlJsonForm::Value => {
                self.bind_json_query(json, returning, pos)
            }
        }
    }

    /// A value, of which a text with FORMAT JSON is JSON.
    fn bind_json_value(&mut self, arg: ExprId, format: bool) -> Result<Expr> {
        let value = self.bind_expr(arg)?;
        let pos = value.at;
        match format && !matches!(value.ty.oid, oid::JSON | oid::JSONB) {
            true => self.cast(value, DataType::of(oid::JSON), pos),
            false => self.settle(value),
        }
    }

    fn returned(&mut self, made: Expr, returning: Option<DataType>, pos: Pos) -> Result<Expr> {
        match returning {
            Some(ty) if ty.oid != made.ty.oid => self.cast(made, ty, pos),
            _ => Ok(made),
        }
    }

    fn bind_json_query(&mut self, json: &SqlJson, returning: Option<DataType>, pos: Pos) -> Result<Expr> {
        let (form, default) = match json.form {
            SqlJsonForm::Exists => (code::EXISTS, oid::BOOL),
            SqlJsonForm::Query => (code::QUERY, oid::JSONB),
            _ => (code::VALUE, oid::TEXT),
        };
        let ty = returning.unwrap_or(DataType::of(default));
        let context = self.bind_expr(json.args[0])?;
        let at = context.at;
        let context = self.cast(context, DataType::of(oid::JSONB), at)?;
        let path = self.bind_expr(json.args[1])?;
        let (from, at) = (path.ty.oid, path.at);
        let Some(path) = self.coerce_type(path, oid::JSONPATH, -1, CastContext::Explicit)? else {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "JSON path expression must be of type {}, not of type {}",
                "jsonpath",
                display(from)
            )
            .at(at));
        };
        let mut defaults = Vec::with_capacity(2);
        let mut behavior =
            |b: &mut Self, given: Option<&JsonBehavior>, otherwise: Behavior| -> Result<Behavior> {
                let mut value = literal(Datum::Null, ty.oid, pos);
                let behavior = match given {
                    None => otherwise,
                    Some(JsonBehavior::Null | JsonBehavior::Unknown) => Behavior::Null,
                    Some(JsonBehavior::Error) => Behavior::Error,
                    Some(JsonBehavior::EmptyArray) => Behavior::EmptyArray,
                    Some(JsonBehavior::EmptyObject) => Behavior::EmptyObject,
                    Some(JsonBehavior::True) => Behavior::True,
                    Some(JsonBehavior::False) => Behavior::False,
                    Some(JsonBehavior::Default(id)) => {
                        let given = b.bind_expr(*id)?;
                        value = b.cast(given, ty, pos)?;
                        Behavior::Default
                    }
                };
                defaults.push(value);
                Ok(behavior)
            };
        let on_empty = behavior(self, json.on_empty.as_ref(), Behavior::Null)?;
        let otherwise = if form == code::EXISTS { Behavior::False } else { Behavior::Null };
        let on_error = behavior(self, json.on_error.as_ref(), otherwise)?;
        let wrapper = match json.wrapper {
            JsonWrapper::Without => code::WITHOUT_WRAPPER,
            JsonWrapper::Conditional => code::CONDITIONAL_WRAPPER,
            JsonWrapper::Unconditional => code::UNCONDITIONAL_WRAPPER,
        };
        let options = code::options(form, wrapper, json.omit_quotes, on_empty, on_error);
        let mut args = vec![context, path, int(options, pos)];
        args.append(&mut defaults);
        for (name, i) in json.names.iter().zip(2..) {
            args.push(text(&name.name, pos));
            args.push(self.bind_json_value(json.args[i], json.formats[i])?);
        }
        Ok(call(&JSON_QUERY, args, ty, pos))
    }

    /// `IS [NOT] JSON`
    pub(crate) fn bind_is_json(
        &mut self,
        arg: ExprId,
        item: JsonItem,
        unique: bool,
        not: bool,
        pos: Pos,
    ) -> Result<Expr> {
        let arg = self.bind_expr(arg)?;
        let arg = self.settle(arg)?;
        let (ty, at) = (arg.ty.oid, arg.at);
        let arg = match ty {
            oid::JSON | oid::JSONB | oid::TEXT | oid::BYTEA => arg,
            oid::VARCHAR | oid::BPCHAR | oid::NAME => self.cast(arg, DataType::of(oid::TEXT), pos)?,
            _ => {
                return Err(sql_err!(
                    DATATYPE_MISMATCH,
                    "cannot use type {} in IS JSON predicate",
                    display(ty)
                )
                .at(at));
            }
        };
        let item = match item {
            JsonItem::Any => code::ANY,
            JsonItem::Array => code::ARRAY,
            JsonItem::Object => code::OBJECT,
            JsonItem::Scalar => code::SCALAR,
        };
        let args = vec![arg, int(item, pos), bool(unique, pos)];
        let test = call(&IS_JSON, args, DataType::of(oid::BOOL), pos);
        Ok(match not {
            true => Expr { at: pos, ..Expr::new(ExprKind::Not(Box::new(test)), DataType::of(oid::BOOL)) },
            false => test,
        })
    }
}
