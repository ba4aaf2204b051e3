//! Methods of items: `.size()`, `.double()`, `.keyvalue()` and so on.

use super::exec::{Exec, Outcome, Stop, fail};
use super::item::{Found, Item, Part};
use crate::error::Result;
use crate::types::jsonb::{Builder, Kind};
use crate::types::jsonpath::{Method, Step};
use crate::types::numeric::typmod_of;
use crate::types::{Numeric, float, int, io_text, oid};

/// Generated documents are told apart by this much.
const DOCUMENT_STEP: i64 = 10_000_000_000;

impl Exec<'_> {
    /// Applies the method that `steps` begins with.
    pub(super) fn method(&mut self, steps: &[Step], item: &Item, found: &mut Found, unwrap: bool) -> Outcome {
        let Some((step, rest)) = steps.split_first() else { return Ok(false) };
        if let (true, Some(part), true) = (unwrap, item.part(), item.is_array())
            && !matches!(step, Step::Method(Method::Size | Method::Type, _))
        {
            return self.elements(steps, part, found);
        }
        let result = match step {
            Step::Method(Method::KeyValue, _) => return self.key_values(rest, item, found),
            Step::Method(Method::Size, _) => match item.part() {
                Some(part) if part.node().kind() == Kind::Array => {
                    Item::Number(Numeric::from_i64(part.node().array().len() as i64))
                }
                _ if self.lax => Item::Number(Numeric::from_i64(1)),
                _ if self.ignore_structure => return Ok(false),
                _ => fail!(
                    SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath item method .size() can only be applied to an array"
                ),
            },
            Step::Method(Method::Type, _) => Item::String(type_of(item).into()),
            Step::Method(method @ (Method::Abs | Method::Floor | Method::Ceiling), _) => {
                let Some(number) = item.number() else {
                    fail!(
                        NON_NUMERIC_SQL_JSON_ITEM,
                        "jsonpath item method .{}() can only be applied to a numeric value",
                        method.name()
                    );
                };
                Item::Number(match method {
                    Method::Abs => number.abs(),
                    Method::Floor => number.floor(),
                    _ => number.ceil(),
                })
            }
            Step::Method(Method::Double, _) => double(item)?,
            Step::Method(method @ (Method::Bigint | Method::Integer), _) => integer(*method, item)?,
            Step::Method(Method::Boolean, _) => boolean(item)?,
            Step::Method(Method::Number, _) => number(item, "number", None)?,
            Step::Decimal(precision, scale) => number(item, "decimal", Some((*precision, *scale)))?,
            Step::Method(Method::String, _) => string(item)?,
            Step::Method(
                method @ (Method::Date
                | Method::Time
                | Method::TimeTz
                | Method::Timestamp
                | Method::TimestampTz),
                precision,
            ) => self.time_method(Some(*method), *precision, item)?,
            Step::Datetime(template) => {
                if template.is_some() {
                    return Err(Stop::Hard(crate::SqlError::unsupported(
                        "jsonpath item method .datetime() with a template",
                    )));
                }
                self.time_method(None, None, item)?
            }
            _ => return Ok(false),
        };
        self.next(rest, result, found)
    }

    fn key_values(&mut self, rest: &[Step], item: &Item, found: &mut Found) -> Outcome {
        let Some(part) = item.part().filter(|part| part.node().kind() == Kind::Object) else {
            fail!(
                SQL_JSON_OBJECT_NOT_FOUND,
                "jsonpath item method .keyvalue() can only be applied to an object"
            );
        };
        let id = Numeric::from_i64(part.document * DOCUMENT_STEP + part.place());
        let mut any = false;
        for (key, value) in part.node().object().iter() {
            let mut builder = Builder::new();
            builder.begin_object();
            builder.key("id");
            builder.number(&id);
            builder.key("key");
            builder.string(key);
            builder.key("value");
            builder.node(value);
            let document = self.documents;
            self.documents += 1;
            let made = Item::Part(Part::whole(builder.finish()?, document));
            any |= self.next(rest, made, found)?;
            if any && !found.all {
                break;
            }
        }
        Ok(any)
    }
}

/// The name of an item's type.
fn type_of(item: &Item) -> &'static str {
    match item {
        Item::Time(_, oid::DATE, _) => "date",
        Item::Time(_, oid::TIME, _) => "time without time zone",
        Item::Time(_, oid::TIMETZ, _) => "time with time zone",
        Item::Time(_, oid::TIMESTAMP, _) => "timestamp without time zone",
        Item::Time(..) => "timestamp with time zone",
        item => crate::func::json::access::type_name(item.kind().unwrap_or(Kind::Null)),
    }
}

/// The text of a number or string.
fn text_of(item: &Item) -> Option<String> {
    match item.number() {
        Some(number) => Some(number.to_string()),
        None => item.str().map(str::to_owned),
    }
}

fn not_applicable<T>(method: &str, what: &str) -> Result<T, Stop> {
    fail!(NON_NUMERIC_SQL_JSON_ITEM, "jsonpath item method .{method}() can only be applied to a {what}")
}

fn invalid_argument<T>(text: &str, method: &str, ty: &str) -> Result<T, Stop> {
    fail!(
        NON_NUMERIC_SQL_JSON_ITEM,
        "argument \"{text}\" of jsonpath item method .{method}() is invalid for type {ty}"
    )
}

fn double(item: &Item) -> Result<Item, Stop> {
    let Some(text) = text_of(item) else { return not_applicable("double", "string or numeric value") };
    let Ok(value) = float::parse_f64(text.as_bytes()) else {
        return invalid_argument(&text, "double", "double precision");
    };
    if !value.is_finite() {
        fail!(NON_NUMERIC_SQL_JSON_ITEM, "NaN or Infinity is not allowed for jsonpath item method .double()");
    }
    Ok(Item::Number(item.number().unwrap_or_else(|| Numeric::from_f64(value))))
}

fn integer(method: Method, item: &Item) -> Result<Item, Stop> {
    let name = method.name();
    let Some(text) = text_of(item) else { return not_applicable(name, "string or numeric value") };
    let value = match (item.number(), method) {
        (Some(number), Method::Bigint) => number.to_i64(),
        (Some(number), _) => number.to_i32().map(i64::from),
        (None, Method::Bigint) => int::parse_i64(text.as_bytes()),
        (None, _) => int::parse_i32(text.as_bytes()).map(i64::from),
    };
    match value {
        Ok(value) => Ok(Item::Number(Numeric::from_i64(value))),
        Err(_) => invalid_argument(&text, name, name),
    }
}

fn boolean(item: &Item) -> Result<Item, Stop> {
    if let Some(value) = item.bool() {
        return Ok(Item::Bool(value));
    }
    let Some(text) = text_of(item) else {
        return not_applicable("boolean", "boolean, string, or numeric value");
    };
    let value = match item.number() {
        Some(_) => int::parse_i32(text.as_bytes()).map(|n| n != 0),
        None => io_text::parse_bool(&text),
    };
    match value {
        Ok(value) => Ok(Item::Bool(value)),
        Err(_) => invalid_argument(&text, "boolean", "boolean"),
    }
}

fn number(item: &Item, method: &str, modifier: Option<(Option<i32>, Option<i32>)>) -> Result<Item, Stop> {
    let Some(text) = text_of(item) else { return not_applicable(method, "string or numeric value") };
    let Ok(value) = Numeric::parse_bytes(text.as_bytes()) else {
        return invalid_argument(&text, method, "numeric");
    };
    if !value.is_finite() {
        fail!(
            NON_NUMERIC_SQL_JSON_ITEM,
            "NaN or Infinity is not allowed for jsonpath item method .{method}()"
        );
    }
    let Some((Some(precision), scale)) = modifier else { return Ok(Item::Number(value)) };
    let scale = scale.unwrap_or(0);
    if !(1..=1000).contains(&precision) {
        return Err(Stop::Hard(crate::sql_err!(
            INVALID_PARAMETER_VALUE,
            "NUMERIC precision {precision} must be between 1 and 1000"
        )));
    }
    if !(-1000..=1000).contains(&scale) {
        return Err(Stop::Hard(crate::sql_err!(
            INVALID_PARAMETER_VALUE,
            "NUMERIC scale {scale} must be between -1000 and 1000"
        )));
    }
    match value.apply_typmod(typmod_of(precision, scale)) {
        Ok(value) => Ok(Item::Number(value)),
        Err(_) => invalid_argument(&text, method, "numeric"),
    }
}

fn string(item: &Item) -> Result<Item, Stop> {
    let text = match (text_of(item), item.bool()) {
        (Some(text), _) => text,
        (None, Some(value)) => value.to_string(),
        (None, None) => match item.time_text()? {
            Some(text) => text,
            None => return not_applicable("string", "boolean, string, numeric, or datetime value"),
        },
    };
    Ok(Item::String(text.into()))
}
