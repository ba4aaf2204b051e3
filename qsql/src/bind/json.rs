//! SQL/JSON: what its grammar says becomes calls of functions and casts.

use super::Binder;
use super::expr::literal;
use crate::error::{Result, SqlError};
use crate::func::category::display;
use crate::func::sql_json::{self as code, Behavior};
use crate::func::{CastContext, Function, IS_JSON, JSON_PARSE, JSON_QUERY, SQL_JSON_ARRAY, SQL_JSON_OBJECT};
use crate::parse::ast::{
    ExprId, JsonBehavior, JsonBehaviorKind, JsonItem, JsonWrapper, Pos, SqlJson, SqlJsonForm,
};
use crate::plan::expr::{CallForm, Expr, ExprKind};
use crate::sql_err;
use crate::types::{DataType, Datum, Oid, oid};

/// `to_json(anyelement)`
const TO_JSON: Oid = 3176;

pub(super) fn call(func: &'static Function, args: Vec<Expr>, ty: DataType, pos: Pos) -> Expr {
    Expr {
        kind: ExprKind::Call { func, args, operator: 0, form: CallForm::Plain },
        ty,
        collation: super::coerce::collation_of(ty.oid),
        at: pos,
    }
}

pub(super) fn int(value: i32, pos: Pos) -> Expr {
    literal(Datum::Int4(value), oid::INT4, pos)
}

pub(super) fn bool(value: bool, pos: Pos) -> Expr {
    literal(Datum::Bool(value), oid::BOOL, pos)
}

pub(super) fn text(value: &str, pos: Pos) -> Expr {
    literal(Datum::text(value), oid::TEXT, pos)
}

/// What a query of a document works on.
pub(super) struct JsonInput<'n> {
    pub(super) document: Expr,
    /// [`code::CONVERTED`], [`code::FORMAT`]
    pub(super) flags: i32,
    pub(super) path: Expr,
    /// Names and values in turn.
    pub(super) vars: Vec<Expr>,
    /// The column of `JSON_TABLE`.
    pub(super) column: Option<&'n str>,
    pub(super) pos: Pos,
}

/// 42601 for a behavior that a function or a column does not have.
fn check_behavior(
    form: SqlJsonForm,
    given: Option<&JsonBehavior>,
    on: &str,
    column: Option<&str>,
) -> Result<()> {
    use JsonBehaviorKind as Kind;
    let Some(given) = given else { return Ok(()) };
    let (fits, known, columns) = match form {
        SqlJsonForm::Exists => (
            matches!(given.kind, Kind::Error | Kind::True | Kind::False | Kind::Unknown),
            "Only ERROR, TRUE, FALSE, or UNKNOWN",
            "EXISTS",
        ),
        SqlJsonForm::Query => (
            !matches!(given.kind, Kind::True | Kind::False | Kind::Unknown),
            "Only ERROR, NULL, EMPTY ARRAY, EMPTY OBJECT, or DEFAULT expression",
            "formatted",
        ),
        _ => (
            matches!(given.kind, Kind::Error | Kind::Null | Kind::Default(_)),
            "Only ERROR, NULL, or DEFAULT expression",
            "scalar",
        ),
    };
    if fits {
        return Ok(());
    }
    let (of, place) = match column {
        Some(name) => (format!(" for column \"{name}\""), format!("{columns} columns")),
        None => (String::new(), format!("{}()", form.name().to_uppercase())),
    };
    Err(sql_err!(SYNTAX_ERROR, "invalid {on} behavior{of}")
        .detail(format!("{known} is allowed in {on} for {place}."))
        .at(given.pos))
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
    pub(super) fn bind_json_value(&mut self, arg: ExprId, format: bool) -> Result<Expr> {
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
        let default = match json.form {
            SqlJsonForm::Exists => oid::BOOL,
            SqlJsonForm::Query => oid::JSONB,
            _ => oid::TEXT,
        };
        let (document, flags) = self.bind_json_document(json.args[0], json.formats[0])?;
        let path = self.bind_expr(json.args[1])?;
        let path = self.json_path(path)?;
        let mut vars = Vec::with_capacity(2 * json.names.len());
        for (name, i) in json.names.iter().zip(2..) {
            vars.push(text(&name.name, pos));
            vars.push(self.bind_json_value(json.args[i], json.formats[i])?);
        }
        let ty = returning.unwrap_or(DataType::of(default));
        self.json_query(json, json.form, ty, JsonInput { document, flags, path, vars, column: None, pos })
    }

    /// What a path is applied to, as `jsonb`, and what is to be remembered of how it was written.
    pub(super) fn bind_json_document(&mut self, arg: ExprId, format: bool) -> Result<(Expr, i32)> {
        let document = self.bind_expr(arg)?;
        let document = self.settle(document)?;
        let (from, at) = (document.ty.oid, document.at);
        if from == oid::JSONB {
            return Ok((document, 0));
        }
        let flags = code::CONVERTED | if format && from != oid::JSON { code::FORMAT } else { 0 };
        Ok((self.cast(document, DataType::of(oid::JSONB), at)?, flags))
    }

    pub(super) fn json_path(&mut self, path: Expr) -> Result<Expr> {
        let (from, at) = (path.ty.oid, path.at);
        let path = self.coerce_type(path, oid::JSONPATH, -1, CastContext::Explicit)?;
        path.ok_or_else(|| {
            sql_err!(
                DATATYPE_MISMATCH,
                "JSON path expression must be of type {}, not of type {}",
                "jsonpath",
                display(from)
            )
            .at(at)
        })
    }

    /// A call of `JSON_EXISTS`, `JSON_QUERY` or `JSON_VALUE`, or the like for a column of `JSON_TABLE`.
    pub(super) fn json_query(
        &mut self,
        json: &SqlJson,
        form: SqlJsonForm,
        ty: DataType,
        input: JsonInput<'_>,
    ) -> Result<Expr> {
        let JsonInput { document, flags, path, mut vars, column, pos } = input;
        let wrapper = match json.wrapper {
            JsonWrapper::Without => code::WITHOUT_WRAPPER,
            JsonWrapper::Conditional => code::CONDITIONAL_WRAPPER,
            JsonWrapper::Unconditional => code::UNCONDITIONAL_WRAPPER,
        };
        if wrapper != code::WITHOUT_WRAPPER && json.omit_quotes {
            return Err(sql_err!(
                SYNTAX_ERROR,
                "SQL/JSON QUOTES behavior must not be specified when WITH WRAPPER is used"
            )
            .at(pos));
        }
        let (error, empty) = (json.on_error.as_ref(), json.on_empty.as_ref());
        check_behavior(form, empty, "ON EMPTY", column)?;
        check_behavior(form, error, "ON ERROR", column)?;
        let (on_empty, if_empty) = self.json_behavior(empty, Behavior::Null, ty, pos)?;
        let otherwise = if form == SqlJsonForm::Exists { Behavior::False } else { Behavior::Null };
        let (on_error, if_error) = self.json_behavior(error, otherwise, ty, pos)?;
        let form = match form {
            SqlJsonForm::Exists => code::EXISTS,
            SqlJsonForm::Query => code::QUERY,
            _ => code::VALUE,
        };
        let options = code::options(form, wrapper, json.omit_quotes, on_empty, on_error) | flags;
        let column = match column {
            Some(name) => text(name, pos),
            None => literal(Datum::Null, oid::TEXT, pos),
        };
        let mut args = vec![document, path, int(options, pos), if_empty, if_error, column];
        args.append(&mut vars);
        Ok(call(&JSON_QUERY, args, ty, pos))
    }

    /// What is done, and the value of DEFAULT (else NULL) as one of a type.
    fn json_behavior(
        &mut self,
        given: Option<&JsonBehavior>,
        otherwise: Behavior,
        ty: DataType,
        pos: Pos,
    ) -> Result<(Behavior, Expr)> {
        let none = literal(Datum::Null, ty.oid, pos);
        let Some(given) = given else { return Ok((otherwise, none)) };
        let behavior = match given.kind {
            JsonBehaviorKind::Null | JsonBehaviorKind::Unknown => Behavior::Null,
            JsonBehaviorKind::Error => Behavior::Error,
            JsonBehaviorKind::EmptyArray => Behavior::EmptyArray,
            JsonBehaviorKind::EmptyObject => Behavior::EmptyObject,
            JsonBehaviorKind::True => Behavior::True,
            JsonBehaviorKind::False => Behavior::False,
            JsonBehaviorKind::Default(id) => {
                return Ok((Behavior::Default, self.json_default(id, ty)?));
            }
        };
        Ok((behavior, none))
    }

    /// The value of DEFAULT: of this row's columns it knows none.
    fn json_default(&mut self, id: ExprId, ty: DataType) -> Result<Expr> {
        let value = self.bind_expr(id)?;
        let pos = self.ast.start_of(id);
        let mut top = &value;
        while let ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) = &top.kind {
            top = inner;
        }
        if !matches!(top.kind, ExprKind::Const(_) | ExprKind::Call { .. } | ExprKind::Routine { .. }) {
            return Err(sql_err!(
                DATATYPE_MISMATCH,
                "can only specify a constant, non-aggregate function, or operator expression for DEFAULT"
            )
            .at(pos));
        }
        if value.any(&mut |e| matches!(e.kind, ExprKind::Column(_))) {
            return Err(
                sql_err!(DATATYPE_MISMATCH, "DEFAULT expression must not contain column references").at(pos)
            );
        }
        if value.any(&mut |e| e.is_set()) {
            return Err(sql_err!(DATATYPE_MISMATCH, "DEFAULT expression must not return a set").at(pos));
        }
        let from = value.ty.oid;
        self.coerce(value, ty, CastContext::Assignment)?.ok_or_else(|| {
            sql_err!(
                CANNOT_COERCE,
                "cannot cast behavior expression of type {} to {}",
                display(from),
                display(ty.oid)
            )
            .hint(format!("You will need to explicitly cast the expression to type {}.", display(ty.oid)))
            .at(pos)
        })
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
