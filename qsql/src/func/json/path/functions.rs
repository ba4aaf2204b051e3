//! The functions and operators over paths.

use std::sync::Arc;

use super::{Exec, Found, Item, Stop, path_of};
use crate::error::Result;
use crate::func::set::rows_of;
use crate::func::{EvalCx, SetRows};
use crate::sql_err;
use crate::types::Datum;
use crate::types::jsonb::{Builder, Kind, Node};

/// What a call asks.
struct Call<'a> {
    json: &'a Arc<[u8]>,
    path: &'a Arc<str>,
    vars: Option<Node<'a>>,
    silent: bool,
}

impl<'a> Call<'a> {
    fn new(args: &'a [Datum]) -> Result<Option<Call<'a>>> {
        let [Datum::Jsonb(json), Datum::Text(path), rest @ ..] = args else { return Ok(None) };
        let vars = match rest.first() {
            Some(Datum::Jsonb(vars)) if Node::new(vars).kind() != Kind::Object => {
                return Err(sql_err!(INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object")
                    .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
            }
            Some(Datum::Jsonb(vars)) => Some(Node::new(vars)),
            _ => None,
        };
        Ok(Some(Call { json, path, vars, silent: matches!(rest.get(1), Some(Datum::Bool(true))) }))
    }

    /// Runs the path; `None` for an error that is to be silent.
    fn run(&self, cx: &EvalCx<'_>, zone: bool, found: &mut Found) -> Result<Option<bool>> {
        let path = path_of(self.path)?;
        let vars = |name: &str| self.vars?.field(name).map(|value| Item::document(value.to_value()));
        let mut exec = Exec::new(path.strict, Item::document(self.json.clone()), &vars, zone, cx.io);
        match exec.start(&path.expr, found) {
            Ok(any) => Ok(Some(any)),
            Err(Stop::Path(_)) if self.silent => Ok(None),
            Err(Stop::Path(error) | Stop::Hard(error)) => Err(error),
        }
    }
}

fn exists(cx: &EvalCx<'_>, args: &[Datum], zone: bool, silent: bool) -> Result<Datum> {
    let Some(mut call) = Call::new(args)? else { return Ok(Datum::Null) };
    call.silent |= silent;
    Ok(call.run(cx, zone, &mut Found::one())?.map_or(Datum::Null, Datum::Bool))
}

fn matches(cx: &EvalCx<'_>, args: &[Datum], zone: bool, silent: bool) -> Result<Datum> {
    let Some(mut call) = Call::new(args)? else { return Ok(Datum::Null) };
    call.silent |= silent;
    let mut found = Found::all();
    if call.run(cx, zone, &mut found)?.is_none() {
        return Ok(Datum::Null);
    }
    match found.items.as_slice() {
        [item] if item.bool().is_some() => Ok(item.bool().map_or(Datum::Null, Datum::Bool)),
        [item] if item.kind() == Some(Kind::Null) => Ok(Datum::Null),
        _ if call.silent => Ok(Datum::Null),
        _ => Err(sql_err!(SINGLETON_SQL_JSON_ITEM_REQUIRED, "single boolean result is expected")),
    }
}

fn items(cx: &EvalCx<'_>, args: &[Datum], zone: bool) -> Result<Vec<Item>> {
    let mut found = Found::all();
    if let Some(call) = Call::new(args)? {
        call.run(cx, zone, &mut found)?;
    }
    Ok(found.items)
}

fn query(cx: &EvalCx<'_>, args: &[Datum], zone: bool) -> Result<Box<dyn SetRows>> {
    let values = items(cx, args, zone)?.iter().map(Item::to_datum).collect::<Result<_>>()?;
    Ok(rows_of(values))
}

fn query_array(cx: &EvalCx<'_>, args: &[Datum], zone: bool) -> Result<Datum> {
    let mut builder = Builder::new();
    builder.begin_array();
    for item in items(cx, args, zone)? {
        item.add_to(&mut builder)?;
    }
    Ok(Datum::Jsonb(builder.finish()?))
}

fn query_first(cx: &EvalCx<'_>, args: &[Datum], zone: bool) -> Result<Datum> {
    items(cx, args, zone)?.first().map_or(Ok(Datum::Null), Item::to_datum)
}

macro_rules! functions {
    ($($name:ident -> $ret:ty = $body:ident($($flag:literal),*);)*) => {
        $(
            pub(in crate::func) fn $name(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<$ret> {
                $body(cx, args, $($flag),*)
            }
        )*
    };
}

functions! {
    jsonb_path_exists -> Datum = exists(false, false);
    jsonb_path_exists_tz -> Datum = exists(true, false);
    jsonb_path_exists_opr -> Datum = exists(false, true);
    jsonb_path_match -> Datum = matches(false, false);
    jsonb_path_match_tz -> Datum = matches(true, false);
    jsonb_path_match_opr -> Datum = matches(false, true);
    jsonb_path_query -> Box<dyn SetRows> = query(false);
    jsonb_path_query_tz -> Box<dyn SetRows> = query(true);
    jsonb_path_query_array -> Datum = query_array(false);
    jsonb_path_query_array_tz -> Datum = query_array(true);
    jsonb_path_query_first -> Datum = query_first(false);
    jsonb_path_query_first_tz -> Datum = query_first(true);
}
