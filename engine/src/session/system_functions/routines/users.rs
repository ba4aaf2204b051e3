//! How functions and procedures that users have made are declared.

use nq_qsql::bail;
use nq_qsql::bind::{BindContext, StoredKind};
use nq_qsql::catalog::{AggregateKind, ParamMode, Routine, RoutineParam};
use nq_qsql::error::Result;
use nq_qsql::func::Volatility;
use nq_qsql::plan::deparse::{deparse_shown, quote_identifier};
use nq_qsql::types::Datum;

use super::super::{Call, text_or_null};

/// The answer of `pg_get_functiondef` and its relatives.
///
/// # Errors
/// 42809 for the definition of an aggregate.
pub(super) fn call(c: &Call<'_>, routine: &Routine) -> Result<Datum> {
    if routine.aggregate.is_some() && c.name == "pg_get_functiondef" {
        bail!(WRONG_OBJECT_TYPE, "\"{}\" is an aggregate function", routine.name);
    }
    Ok(match c.name {
        "pg_get_function_arguments" => Datum::text(list(c, routine, true)),
        "pg_get_function_identity_arguments" => Datum::text(list(c, routine, false)),
        "pg_get_function_result" => text_or_null(result(c, routine)),
        "pg_get_function_arg_default" => {
            let at = usize::try_from(c.int(1) - 1).ok();
            let param = at.and_then(|at| routine.params.get(at)).filter(|p| p.mode.is_input());
            text_or_null(param.and_then(|p| default(c, p)))
        }
        "pg_get_function_sqlbody" => text_or_null(standard_body(routine)),
        _ => Datum::text(definition(c, routine)),
    })
}

/// The default of a parameter for people.
fn default(c: &Call<'_>, param: &RoutineParam) -> Option<String> {
    let text = param.default.as_deref()?;
    let io = c.host.io(&c.view);
    let bind = BindContext { catalog: &*c.view, params: &[], io: &io };
    let bound = nq_qsql::bind::bind_expression(text, None, None, StoredKind::Parameter, &bind);
    Some(match bound {
        Ok(expr) => deparse_shown(&expr, &|_: u32| String::new(), &io, true),
        Err(_) => text.to_owned(),
    })
}

/// The parameter list; without defaults that of ALTER FUNCTION.
fn list(c: &Call<'_>, routine: &Routine, defaults: bool) -> String {
    let shown = |p: &RoutineParam| {
        let mode = match p.mode {
            ParamMode::Out => "OUT ",
            ParamMode::InOut => "INOUT ",
            ParamMode::Variadic => "VARIADIC ",
            ParamMode::In | ParamMode::Table => "",
        };
        let mut text = mode.to_owned();
        if !p.name.is_empty() {
            text.push_str(&format!("{} ", quote_identifier(&p.name)));
        }
        text.push_str(&c.view.type_name(p.ty));
        if let (true, Some(default)) = (defaults, default(c, p)) {
            text.push_str(&format!(" DEFAULT {default}"));
        }
        text
    };
    let listed = routine.params.iter().filter(|p| p.mode != ParamMode::Table);
    let ordered = routine.aggregate.as_ref().filter(|def| def.kind != AggregateKind::Normal);
    let Some(def) = ordered else { return listed.map(shown).collect::<Vec<_>>().join(", ") };
    let mut all: Vec<String> = listed.map(shown).collect();
    // One VARIADIC parameter is both the last direct and the only aggregated argument.
    if usize::from(def.direct) == all.len()
        && let Some(last) = all.last().cloned()
    {
        all.push(last);
    }
    let (direct, aggregated) = all.split_at(usize::from(def.direct).min(all.len()));
    let space = if direct.is_empty() { "" } else { " " };
    format!("{}{space}ORDER BY {}", direct.join(", "), aggregated.join(", "))
}

fn result(c: &Call<'_>, routine: &Routine) -> Option<String> {
    if routine.procedure {
        return None;
    }
    let columns: Vec<String> = routine
        .params
        .iter()
        .filter(|p| p.mode == ParamMode::Table)
        .map(|p| format!("{} {}", quote_identifier(&p.name), c.view.type_name(p.ty)))
        .collect();
    if !columns.is_empty() {
        return Some(format!("TABLE({})", columns.join(", ")));
    }
    let set = if routine.returns_set { "SETOF " } else { "" };
    Some(format!("{set}{}", c.view.type_name(routine.result)))
}

/// A body of standard form as it stands behind the options.
fn standard_body(routine: &Routine) -> Option<String> {
    let standard = routine.body.standard.as_ref()?;
    let text = &routine.body.text;
    Some(match standard.atomic {
        true => format!("BEGIN ATOMIC\n {text};\nEND"),
        false => format!("RETURN {}", text.strip_prefix("SELECT ").unwrap_or(text)),
    })
}

/// CREATE FUNCTION as PostgreSQL prints it.
fn definition(c: &Call<'_>, routine: &Routine) -> String {
    let mut attributes = Vec::new();
    match routine.volatility {
        Volatility::Immutable => attributes.push("IMMUTABLE".to_owned()),
        Volatility::Stable => attributes.push("STABLE".to_owned()),
        Volatility::Volatile => {}
    }
    match routine.parallel {
        b's' => attributes.push("PARALLEL SAFE".to_owned()),
        b'r' => attributes.push("PARALLEL RESTRICTED".to_owned()),
        _ => {}
    }
    for (said, word) in [
        (routine.strict, "STRICT"),
        (routine.security_definer, "SECURITY DEFINER"),
        (routine.leakproof, "LEAKPROOF"),
    ] {
        if said {
            attributes.push(word.to_owned());
        }
    }
    if routine.cost != 100.0 {
        attributes.push(format!("COST {}", routine.cost));
    }
    if routine.returns_set && routine.rows != 1000.0 && routine.rows > 0.0 {
        attributes.push(format!("ROWS {}", routine.rows));
    }
    let word = routine.word().to_uppercase();
    let mut text = format!(
        "CREATE OR REPLACE {word} {}.{}({})\n",
        quote_identifier(&routine.schema),
        quote_identifier(&routine.name),
        list(c, routine, true)
    );
    if let Some(result) = result(c, routine) {
        text.push_str(&format!(" RETURNS {result}\n"));
    }
    text.push_str(" LANGUAGE sql\n");
    if !attributes.is_empty() {
        text.push_str(&format!(" {}\n", attributes.join(" ")));
    }
    for (name, value) in &routine.config {
        let list = crate::settings::definition::find(name).is_some_and(|d| d.list);
        let value = if list { value.to_string() } else { format!("'{}'", value.replace('\'', "''")) };
        text.push_str(&format!(" SET {} TO {value}\n", quote_identifier(name)));
    }
    match standard_body(routine) {
        Some(body) => text.push_str(&format!("{body}\n")),
        None => {
            let mut tag = format!("${}", routine.word());
            while routine.body.text.contains(&tag) {
                tag.push('x');
            }
            text.push_str(&format!("AS {tag}${}{tag}$\n", routine.body.text));
        }
    }
    text
}
