//! SQL/JSON: constructors, `IS JSON`, and `JSON_EXISTS`, `JSON_QUERY` and `JSON_VALUE`. The binder makes the calls; what the grammar
//! says beside the arguments comes as a number, see [`options`].

use std::collections::HashSet;
use std::sync::Arc;

use super::make::{add_value, key_text, null_key, write_json};
use super::path::{Exec, Found, Item, Stop, path_of};
use super::record::of_node;
use crate::error::{Result, SqlError};
use crate::func::EvalCx;
use crate::func::args::{arg, scalar};
use crate::sql_err;
use crate::types::json::{Event, Reader, quote};
use crate::types::jsonb::{Builder, Kind, Node};
use crate::types::{DataType, Datum, io_text, oid};

/// `JSON_EXISTS`
pub(crate) const EXISTS: i32 = 0;
/// `JSON_VALUE`
pub(crate) const VALUE: i32 = 1;
/// `JSON_QUERY`
pub(crate) const QUERY: i32 = 2;
/// One item as it is.
pub(crate) const WITHOUT_WRAPPER: i32 = 0;
/// Several items as an array.
pub(crate) const CONDITIONAL_WRAPPER: i32 = 1;
/// Any items as an array.
pub(crate) const UNCONDITIONAL_WRAPPER: i32 = 2;
/// In [`options`]: the document was of another type.
pub(crate) const CONVERTED: i32 = 1 << 20;
/// In [`options`]: the document was written with FORMAT JSON.
pub(crate) const FORMAT: i32 = 1 << 21;
/// `IS JSON [VALUE]`
pub(crate) const ANY: i32 = 0;
/// `IS JSON ARRAY`
pub(crate) const ARRAY: i32 = 1;
/// `IS JSON OBJECT`
pub(crate) const OBJECT: i32 = 2;
/// `IS JSON SCALAR`
pub(crate) const SCALAR: i32 = 3;

/// What is done ON EMPTY or ON ERROR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    Null,
    Error,
    EmptyArray,
    EmptyObject,
    True,
    False,
    Default,
}

const BEHAVIORS: [Behavior; 7] = [
    Behavior::Null,
    Behavior::Error,
    Behavior::EmptyArray,
    Behavior::EmptyObject,
    Behavior::True,
    Behavior::False,
    Behavior::Default,
];

/// The options of a query as one number: form, wrapper, quotes and behaviors, four bits each.
pub(crate) fn options(
    form: i32,
    wrapper: i32,
    omit_quotes: bool,
    on_empty: Behavior,
    on_error: Behavior,
) -> i32 {
    form | wrapper << 4 | i32::from(omit_quotes) << 8 | (on_empty as i32) << 12 | (on_error as i32) << 16
}

/// The form and the wrapper of [`options`], and whether quotes are left out.
pub(crate) fn option_words(options: i32) -> (i32, i32, bool) {
    (options & 15, options >> 4 & 15, options >> 8 & 1 == 1)
}

/// What [`options`] says of ON EMPTY.
pub(crate) fn on_empty(options: i32) -> Behavior {
    behavior(options, 12)
}

/// What [`options`] says of ON ERROR.
pub(crate) fn on_error(options: i32) -> Behavior {
    behavior(options, 16)
}

fn behavior(options: i32, shift: i32) -> Behavior {
    BEHAVIORS.get((options >> shift & 15) as usize).copied().unwrap_or(Behavior::Null)
}

#[cold]
fn duplicate(key: Option<&str>) -> SqlError {
    let shown = key.map_or(String::new(), |key| {
        let mut out = Vec::new();
        quote(key, &mut out);
        format!(": {}", String::from_utf8(out).unwrap_or_default())
    });
    sql_err!(DUPLICATE_JSON_OBJECT_KEY_VALUE, "duplicate JSON object key value{shown}")
}

/// Type of argument `i`; a literal without a type is text.
pub(super) fn type_of(cx: &EvalCx<'_>, i: usize) -> DataType {
    cx.arg_types.get(i).filter(|ty| ty.oid != oid::UNKNOWN).copied().unwrap_or(DataType::of(oid::TEXT))
}

/// `JSON_OBJECT`: whether NULLs are left out, whether keys must differ, then keys and values in turn.
pub(in crate::func) fn object(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let (absent, unique): (bool, bool) = (arg(args, 0)?, arg(args, 1)?);
    let jsonb = cx.result.oid == oid::JSONB;
    let mut keys = HashSet::new();
    let mut builder = Builder::new();
    builder.begin_object();
    let mut out = vec![b'{'];
    for i in (2..args.len().saturating_sub(1)).step_by(2) {
        let (key, value) = (&args[i], &args[i + 1]);
        if key.is_null() {
            return Err(null_key());
        }
        let key = key_text(key, type_of(cx, i), cx.io)?;
        if unique && !keys.insert(key.clone()) {
            return Err(duplicate(Some(&key).filter(|_| !jsonb).map(String::as_str)));
        }
        if absent && value.is_null() {
            continue;
        }
        if jsonb {
            builder.key(&key);
            add_value(value, type_of(cx, i + 1), cx.io, &mut builder)?;
            continue;
        }
        if out.len() > 1 {
            out.extend_from_slice(b", ");
        }
        quote(&key, &mut out);
        out.extend_from_slice(b" : ");
        write_json(value, type_of(cx, i + 1), false, cx.io, &mut out)?;
    }
    out.push(b'}');
    Ok(if jsonb { Datum::Jsonb(builder.finish()?) } else { Datum::text(crate::func::text::utf8(out)?) })
}

/// `JSON_ARRAY`: as [`object`], with the elements.
pub(in crate::func) fn array(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let absent: bool = arg(args, 0)?;
    let jsonb = cx.result.oid == oid::JSONB;
    let mut builder = Builder::new();
    builder.begin_array();
    let mut out = vec![b'['];
    for (i, value) in args.iter().enumerate().skip(2).filter(|(_, value)| !(absent && value.is_null())) {
        if jsonb {
            add_value(value, type_of(cx, i), cx.io, &mut builder)?;
            continue;
        }
        if out.len() > 1 {
            out.extend_from_slice(b", ");
        }
        write_json(value, type_of(cx, i), false, cx.io, &mut out)?;
    }
    out.push(b']');
    Ok(if jsonb { Datum::Jsonb(builder.finish()?) } else { Datum::text(crate::func::text::utf8(out)?) })
}

scalar! {
    parse(text: &str, unique: bool) -> Datum = {
        crate::types::json::validate(text)?;
        if unique && !keys_differ(text)? {
            return Err(duplicate(None));
        }
        Datum::text(text)
    };
    is_json(value: &Datum, item: i32, unique: bool) -> bool = match value {
        Datum::Jsonb(bytes) => kind_fits(Node::new(bytes).kind(), item),
        Datum::Text(text) => is_json_text(text, item, unique)?,
        Datum::Bytea(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => is_json_text(text, item, unique)?,
            Err(_) => false,
        },
        _ => false,
    };
}

fn kind_fits(kind: Kind, item: i32) -> bool {
    match item {
        ARRAY => kind == Kind::Array,
        OBJECT => kind == Kind::Object,
        SCALAR => kind < Kind::Array,
        _ => true,
    }
}

fn is_json_text(text: &str, item: i32, unique: bool) -> Result<bool> {
    let kind = match Reader::raw(text).next() {
        Ok(Some(Event::BeginArray)) => Kind::Array,
        Ok(Some(Event::BeginObject)) => Kind::Object,
        _ => Kind::Null,
    };
    match crate::types::json::validate(text) {
        Ok(()) => Ok(kind_fits(kind, item) && (!unique || keys_differ(text)?)),
        Err(e) if e.code() == crate::SqlState::STATEMENT_TOO_COMPLEX => Err(e),
        Err(_) => Ok(false),
    }
}

/// Whether no object of a text has a key twice.
fn keys_differ(text: &str) -> Result<bool> {
    let mut reader = Reader::new(text);
    let mut open: Vec<HashSet<String>> = Vec::new();
    while let Some(event) = reader.next()? {
        match event {
            Event::BeginObject => open.push(HashSet::new()),
            Event::EndObject => drop(open.pop()),
            Event::Key(key) => {
                let known = open.last_mut().is_some_and(|seen| !seen.insert(key.into_owned()));
                if known {
                    return Ok(false);
                }
            }
            _ => {}
        }
    }
    Ok(true)
}

/// `JSON_EXISTS`, `JSON_VALUE` and `JSON_QUERY`: the document, the path, the [`options`], the defaults ON EMPTY and ON ERROR, the
/// column of `JSON_TABLE` that it is, then names and values of variables in turn.
pub(in crate::func) fn query(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let [Datum::Jsonb(json), Datum::Text(path), Datum::Int4(options), on_empty, on_error, column, vars @ ..] =
        args
    else {
        return Ok(Datum::Null);
    };
    let mut known = Vec::with_capacity(vars.len() / 2);
    for (i, pair) in vars.chunks_exact(2).enumerate() {
        if let Datum::Text(name) = &pair[0] {
            let mut builder = Builder::new();
            add_value(&pair[1], type_of(cx, 6 + 2 * i + 1), cx.io, &mut builder)?;
            known.push((name, Item::document(builder.finish()?)));
        }
    }
    let vars = |name: &str| known.iter().find(|(known, _)| ***known == *name).map(|(_, value)| value.clone());
    let path = path_of(path)?;
    let mut found = if options & 15 == EXISTS { Found::one() } else { Found::all() };
    let mut exec = Exec::new(path.strict, Item::document(json.clone()), &vars, true, cx.io);
    let any = match exec.start(&path.expr, &mut found) {
        Ok(any) => any,
        Err(Stop::Path(error)) => return fallback(cx, *options, 16, on_error, error),
        Err(Stop::Hard(error)) => return Err(error),
    };
    if options & 15 == EXISTS {
        return Ok(Datum::Bool(any));
    }
    let column = match column {
        Datum::Text(name) => Some(&**name),
        _ => None,
    };
    let answer = match options & 15 {
        VALUE => one_scalar(cx, &found.items, column),
        _ => wrapped(cx, *options, &found.items, column),
    };
    match answer {
        Ok(Some(value)) => Ok(value),
        Ok(None) => {
            let of = column.map_or(String::new(), |name| format!(" of column \"{name}\""));
            let none = sql_err!(NO_SQL_JSON_ITEM, "no SQL/JSON item found for specified path{of}");
            fallback(cx, *options, 12, on_empty, none)
        }
        // What is no value of the type, and what a domain refuses.
        Err(error) if matches!(&error.code().as_str()[..2], "22" | "23") => {
            fallback(cx, *options, 16, on_error, error)
        }
        Err(error) => Err(error),
    }
}

/// What stands for an error or an empty result.
fn fallback(cx: &EvalCx<'_>, options: i32, shift: i32, default: &Datum, error: SqlError) -> Result<Datum> {
    let empty = |text: &str| match cx.result.oid {
        oid::JSONB => Ok(Datum::Jsonb(crate::types::jsonb::parse(text)?)),
        ty => io_text::parse_text(ty, cx.result.typmod, text, cx.io),
    };
    match behavior(options, shift) {
        Behavior::Null => Ok(Datum::Null),
        Behavior::Error => Err(error),
        Behavior::EmptyArray if crate::types::info::element_of(cx.result.oid).is_some() => empty("{}"),
        Behavior::EmptyArray => empty("[]"),
        Behavior::EmptyObject => empty("{}"),
        Behavior::True => Ok(Datum::Bool(true)),
        Behavior::False => Ok(Datum::Bool(false)),
        Behavior::Default => Ok(default.clone()),
    }
}

/// The value of the only item as one of the result's type; `None` when there is no item.
fn one_scalar(cx: &EvalCx<'_>, items: &[Item], column: Option<&str>) -> Result<Option<Datum>> {
    let not_one =
        || format!("JSON path expression {} must return single scalar item", place(column, "JSON_VALUE"));
    let item = match items {
        [] => return Ok(None),
        [item] if !matches!(item.kind(), Some(Kind::Array | Kind::Object)) => item,
        [_] => return Err(sql_err!(SQL_JSON_SCALAR_REQUIRED, "{}", not_one())),
        _ => return Err(sql_err!(MORE_THAN_ONE_SQL_JSON_ITEM, "{}", not_one())),
    };
    if item.kind() == Some(Kind::Null) {
        return Ok(Some(Datum::Null));
    }
    let ty = cx.result;
    if matches!(ty.oid, oid::JSON | oid::JSONB) {
        return converted(cx, item).map(Some);
    }
    let text = match (item.str(), item.number(), item.bool()) {
        (Some(text), _, _) => text.to_owned(),
        (_, Some(number), _) => number.to_string(),
        (_, _, Some(value)) => value.to_string(),
        _ => item.time_text()?.unwrap_or_default(),
    };
    of_text(cx, &text).map(Some)
}

/// A text as a value of the result's type.
fn of_text(cx: &EvalCx<'_>, text: &str) -> Result<Datum> {
    let ty = cx.result;
    let value = io_text::parse_text(ty.oid, ty.typmod, text, cx.io)?;
    crate::types::coerce::apply_typmod(value, ty.oid, ty.typmod, false)
}

/// An item as a value of the result's type, taken apart where that is an array.
fn converted(cx: &EvalCx<'_>, item: &Item) -> Result<Datum> {
    let Datum::Jsonb(bytes) = item.to_datum()? else {
        return Err(SqlError::internal("an item that is no jsonb"));
    };
    shaped(cx, bytes)
}

fn shaped(cx: &EvalCx<'_>, bytes: Arc<[u8]>) -> Result<Datum> {
    match cx.result.oid {
        oid::JSONB => Ok(Datum::Jsonb(bytes)),
        oid::JSON | oid::TEXT | oid::VARCHAR | oid::BPCHAR => {
            let mut out = Vec::new();
            crate::types::jsonb::write(Node::new(&bytes), &mut out);
            of_text(cx, &crate::func::text::utf8(out)?)
        }
        _ => of_node(Node::new(&bytes), cx.result, cx.io),
    }
}

/// Where a path stands.
fn place(column: Option<&str>, function: &str) -> String {
    column.map_or_else(|| format!("in {function}"), |name| format!("for column \"{name}\""))
}

fn wrapped(cx: &EvalCx<'_>, options: i32, items: &[Item], column: Option<&str>) -> Result<Option<Datum>> {
    let wrap = match (options >> 4 & 15, items.len()) {
        (_, 0) => return Ok(None),
        (UNCONDITIONAL_WRAPPER, _) => true,
        (CONDITIONAL_WRAPPER, len) => len > 1,
        (_, 1) => false,
        _ => {
            return Err(sql_err!(
                MORE_THAN_ONE_SQL_JSON_ITEM,
                "JSON path expression {} must return single item when no wrapper is requested",
                place(column, "JSON_QUERY")
            )
            .hint("Use the WITH WRAPPER clause to wrap SQL/JSON items into an array."));
        }
    };
    if wrap {
        let mut builder = Builder::new();
        builder.begin_array();
        for item in items {
            item.add_to(&mut builder)?;
        }
        return shaped(cx, builder.finish()?).map(Some);
    }
    match (items[0].str(), options >> 8 & 1) {
        (Some(text), 1) => of_text(cx, text).map(Some),
        _ => converted(cx, &items[0]).map(Some),
    }
}
