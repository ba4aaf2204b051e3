//! How functions are declared: built-in ones here, those of users in `users`.

mod users;

use nq_qsql::func;
use nq_qsql::plan::deparse::quote_identifier;
use nq_qsql::types::Datum;
use nq_qsql::types::info::format_type;

use super::{Answer, Call, text_or_null};
use crate::catalog::system::data::{self, Parameter, Proc};

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    if c.name.starts_with("pg_get_function")
        && let Some(object) = c.view.catalog.routine(c.oid(0)).cloned()
    {
        return users::call(c, &object.routine).map(Some);
    }
    let proc = data::proc(c.oid(0));
    Ok(Some(match c.name {
        "pg_get_function_arguments" => text_or_null(arguments(c, proc, true)),
        "pg_get_function_identity_arguments" => text_or_null(arguments(c, proc, false)),
        "pg_get_function_result" => text_or_null(match proc {
            Some(proc) => result(&proc),
            None => func::function_by_oid(c.oid(0)).map(|f| {
                let set = if f.is_set() { "SETOF " } else { "" };
                format!("{set}{}", format_type(f.result, None))
            }),
        }),
        "pg_get_function_arg_default" => {
            let at = usize::try_from(c.int(1) - 1).ok();
            let parameters = proc.map(|p| p.parameters()).unwrap_or_default();
            let inputs: Vec<&Parameter> = parameters.iter().filter(|p| is_input(p.mode)).collect();
            text_or_null(at.and_then(|at| inputs.get(at)?.default).map(str::to_owned))
        }
        "pg_get_functiondef" => text_or_null(match proc {
            Some(proc) if proc.kind() == b'a' => {
                let name = proc.name();
                return Err(nq_qsql::sql_err!(WRONG_OBJECT_TYPE, "\"{name}\" is an aggregate function"));
            }
            Some(proc) => Some(definition(&proc)),
            None => None,
        }),
        "pg_get_function_sqlbody" => Datum::Null,
        _ => return Ok(None),
    }))
}

fn is_input(mode: u8) -> bool {
    matches!(mode, b'i' | b'b' | b'v')
}

fn arguments(c: &Call<'_>, proc: Option<Proc>, defaults: bool) -> Option<String> {
    match proc {
        Some(proc) => Some(list(&proc, defaults)),
        None => func::function_by_oid(c.oid(0))
            .map(|f| f.args.iter().map(|a| format_type(*a, None)).collect::<Vec<_>>().join(", ")),
    }
}

/// The parameter list: `a integer, VARIADIC b text[], OUT c text`; without defaults that of ALTER FUNCTION.
fn list(proc: &Proc, defaults: bool) -> String {
    let shown = |p: Parameter| {
        let mut text = String::new();
        match p.mode {
            b'o' => text.push_str("OUT "),
            b'b' => text.push_str("INOUT "),
            b'v' => text.push_str("VARIADIC "),
            _ => {}
        }
        if !p.name.is_empty() {
            text.push_str(&quote_identifier(p.name));
            text.push(' ');
        }
        text.push_str(&format_type(p.ty, None));
        if let (true, Some(default)) = (defaults, p.default) {
            text.push_str(&format!(" DEFAULT {default}"));
        }
        text
    };
    let listed = proc.parameters().into_iter().filter(|p| p.mode != b't');
    listed.map(shown).collect::<Vec<_>>().join(", ")
}

fn result(proc: &Proc) -> Option<String> {
    if proc.kind() == b'p' {
        return None;
    }
    let table: Vec<String> = proc
        .parameters()
        .into_iter()
        .filter(|p| p.mode == b't')
        .map(|p| format!("{} {}", quote_identifier(p.name), format_type(p.ty, None)))
        .collect();
    if !table.is_empty() {
        return Some(format!("TABLE({})", table.join(", ")));
    }
    let set = if proc.returns_set() { "SETOF " } else { "" };
    Some(format!("{set}{}", format_type(proc.result(), None)))
}

/// CREATE FUNCTION as PostgreSQL prints it.
fn definition(proc: &Proc) -> String {
    let mut attributes = Vec::new();
    if proc.kind() == b'w' {
        attributes.push("WINDOW".to_owned());
    }
    match proc.volatility() {
        b'i' => attributes.push("IMMUTABLE".to_owned()),
        b's' => attributes.push("STABLE".to_owned()),
        _ => {}
    }
    match proc.parallel() {
        b's' => attributes.push("PARALLEL SAFE".to_owned()),
        b'r' => attributes.push("PARALLEL RESTRICTED".to_owned()),
        _ => {}
    }
    if proc.strict() {
        attributes.push("STRICT".to_owned());
    }
    if proc.leakproof() {
        attributes.push("LEAKPROOF".to_owned());
    }
    let (_, language) = proc.language();
    if proc.cost() != if matches!(language, "internal" | "c") { 1.0 } else { 100.0 } {
        attributes.push(format!("COST {}", proc.cost()));
    }
    if proc.returns_set() && proc.rows() != 1000.0 && proc.rows() > 0.0 {
        attributes.push(format!("ROWS {}", proc.rows()));
    }
    if let Some(support) = data::proc(proc.support()) {
        attributes.push(format!("SUPPORT {}", support.name()));
    }
    let attributes = match attributes.is_empty() {
        true => String::new(),
        false => format!("\n {}", attributes.join(" ")),
    };
    format!(
        "CREATE OR REPLACE FUNCTION pg_catalog.{}({})\n RETURNS {}\n LANGUAGE {language}{attributes}\nAS $function${}$function$\n",
        quote_identifier(proc.name()),
        list(proc, true),
        result(proc).unwrap_or_default(),
        proc.source(),
    )
}
