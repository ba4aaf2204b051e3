//! Functions, aggregates, operators.

use nq_qsql::catalog::{ParamMode, Relation};
use nq_qsql::error::Result;
use nq_qsql::func::{self, Body, Volatility};
use nq_qsql::types::{Datum, Oid, oid};

use super::cell::{NULL, acl_texts, array, texts, vector};
use super::record::Record;
use super::{Keys, RowList, SystemCx, data};
use crate::catalog::object::RoutineObject;
use crate::catalog::{BOOTSTRAP_SUPERUSER, PG_CATALOG, acl};

/// `pg_proc`: what can be called, and the functions that belong to types and operator classes.
pub(super) fn pg_proc(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (oid, name) = (keys.oid(of, "oid"), keys.text(of, "proname"));
    let known = |p: &data::Proc| func::function_by_oid(p.oid).is_some() || data::is_support(p.oid);
    let mut out: RowList = match (oid, name) {
        (Some(oid), _) => data::proc(oid).filter(known).map(|p| proc_row(cx, of, &p)).into_iter().collect(),
        (None, Some(name)) => data::procs_named(name).iter().map(|p| proc_row(cx, of, p)).collect(),
        (None, None) => data::procs().filter(known).map(|p| proc_row(cx, of, &p)).collect(),
    };
    let wanted =
        |f: &&func::Function| oid.is_none_or(|oid| oid == f.oid) && name.is_none_or(|name| name == f.name);
    let users = cx.view.catalog.routines().into_iter().filter(|r| {
        oid.is_none_or(|oid| oid == r.routine.oid) && name.is_none_or(|name| *name == *r.routine.name)
    });
    out.extend(users.map(|r| user_row(cx, of, r)));
    out.extend(
        func::all_functions().filter(wanted).filter(|f| data::proc(f.oid).is_none()).map(|f| own_row(of, f)),
    );
    out
}

fn proc_row(cx: &SystemCx<'_>, of: &Relation, p: &data::Proc) -> Vec<Datum> {
    let args: Vec<Oid> = p.args().collect();
    let all: Vec<Oid> = p.all_args().collect();
    let names: Vec<&str> = p.names().collect();
    let defaults = p.defaults();
    Record::new(of)
        .set("oid", p.oid)
        .set("proname", p.name())
        .set("pronamespace", PG_CATALOG)
        .set("proowner", BOOTSTRAP_SUPERUSER)
        .set("prolang", p.language().0)
        .set("procost", p.cost())
        .set("prorows", p.rows())
        .set("provariadic", p.variadic())
        .set("prosupport", p.support())
        .set("prokind", p.kind())
        .set("prosecdef", false)
        .set("proleakproof", p.leakproof())
        .set("proisstrict", p.strict())
        .set("proretset", p.returns_set())
        .set("provolatile", p.volatility())
        .set("proparallel", p.parallel())
        .set("pronargs", args.len() as i16)
        .set("pronargdefaults", defaults.len() as i16)
        .set("prorettype", p.result())
        .set("proargtypes", vector(oid::OID, args))
        .set("proallargtypes", if all.is_empty() { NULL } else { array(oid::OID, all) })
        .set(
            "proargmodes",
            if p.modes().is_empty() { NULL } else { array(oid::CHAR, p.modes().iter().copied()) },
        )
        .set("proargnames", if names.is_empty() { NULL } else { texts(names) })
        .set("proargdefaults", (!defaults.is_empty()).then(|| defaults.join(", ")))
        .set("prosrc", p.source())
        .set("proacl", acl_texts(cx, acl::function_acl(p.name()).as_ref().map(|list| &list[..])))
        .done()
}

/// A function or procedure that a user has made.
fn user_row(cx: &SystemCx<'_>, of: &Relation, object: &RoutineObject) -> Vec<Datum> {
    let r = &object.routine;
    let inputs = r.input_types();
    let plain = r.params.iter().all(|p| p.mode == ParamMode::In);
    let unnamed = r.params.iter().all(|p| p.name.is_empty());
    let defaults: Vec<&str> = r.inputs().filter_map(|p| p.default.as_deref()).collect();
    let config = r.config.iter().map(|(name, value)| format!("{name}={value}"));
    let standard = r.body.standard.is_some();
    Record::new(of)
        .set("oid", r.oid)
        .set("proname", r.name.to_string())
        .set("pronamespace", r.namespace)
        .set("proowner", r.owner)
        .set("prolang", if r.aggregate.is_some() || r.internal { INTERNAL_LANGUAGE } else { SQL_LANGUAGE })
        .set("procost", r.cost)
        .set("prorows", r.rows)
        .set("provariadic", r.variadic())
        .set("prosupport", 0u32)
        .set(
            "prokind",
            match (&r.aggregate, r.procedure) {
                (Some(_), _) => b'a',
                (None, true) => b'p',
                (None, false) => b'f',
            },
        )
        .set("prosecdef", r.security_definer)
        .set("proleakproof", r.leakproof)
        .set("proisstrict", r.strict)
        .set("proretset", r.returns_set)
        .set("provolatile", volatility_letter(r.volatility))
        .set("proparallel", r.parallel)
        .set("pronargs", inputs.len() as i16)
        .set("pronargdefaults", defaults.len() as i16)
        .set("prorettype", r.result)
        .set("proargtypes", vector(oid::OID, inputs))
        .set("proallargtypes", if plain { NULL } else { array(oid::OID, r.params.iter().map(|p| p.ty)) })
        .set(
            "proargmodes",
            if plain { NULL } else { array(oid::CHAR, r.params.iter().map(|p| p.mode.letter())) },
        )
        .set("proargnames", if unnamed { NULL } else { texts(r.params.iter().map(|p| p.name.to_string())) })
        .set("proargdefaults", (!defaults.is_empty()).then(|| defaults.join(", ")))
        .set("prosrc", if standard { String::new() } else { r.body.text.to_string() })
        .set("prosqlbody", standard.then(|| r.body.text.to_string()))
        .set("proconfig", if r.config.is_empty() { NULL } else { texts(config) })
        .set("proacl", acl_texts(cx, object.acl.as_deref()))
        .done()
}

fn volatility_letter(volatility: Volatility) -> u8 {
    match volatility {
        Volatility::Immutable => b'i',
        Volatility::Stable => b's',
        Volatility::Volatile => b'v',
    }
}

/// `pg_language.oid` of SQL.
const SQL_LANGUAGE: Oid = 14;
/// Of what is built in, and of aggregates.
const INTERNAL_LANGUAGE: Oid = 12;

/// A function that PostgreSQL does not have.
fn own_row(of: &Relation, f: &func::Function) -> Vec<Datum> {
    let kind = match f.body {
        Body::Aggregate(_) => b'a',
        Body::Window => b'w',
        _ => b'f',
    };
    let volatility = volatility_letter(f.volatility);
    Record::new(of)
        .set("oid", f.oid)
        .set("proname", f.name)
        .set("pronamespace", PG_CATALOG)
        .set("proowner", BOOTSTRAP_SUPERUSER)
        .set("prolang", 12u32)
        .set("procost", 1.0f32)
        .set("prorows", if f.is_set() { 1000.0f32 } else { 0.0 })
        .set("provariadic", f.variadic)
        .set("prosupport", 0u32)
        .set("prokind", kind)
        .set("prosecdef", false)
        .set("proleakproof", false)
        .set("proisstrict", f.strict)
        .set("proretset", f.is_set())
        .set("provolatile", volatility)
        .set("proparallel", b's')
        .set("pronargs", f.args.len() as i16)
        .set("pronargdefaults", f.defaults.len() as i16)
        .set("prorettype", f.result)
        .set("proargtypes", vector(oid::OID, f.args.iter().copied()))
        .set("proargnames", (!f.arg_names.is_empty()).then(|| texts(f.arg_names.iter().copied())))
        .set("prosrc", f.name)
        .done()
}

/// `pg_aggregate`
pub(super) fn pg_aggregate(cx: &SystemCx<'_>, of: &Relation) -> Result<RowList> {
    let mut rows = data::aggregate_rows(of)?;
    for object in cx.view.catalog.routines() {
        let Some(def) = &object.routine.aggregate else { continue };
        let (plain, moving) = (&def.plain, &def.moving);
        let text = |t: &Option<std::sync::Arc<str>>| t.clone().map_or(NULL, Datum::Text);
        let row = Record::new(of)
            .set("aggfnoid", object.routine.oid)
            .set("aggkind", def.kind.letter())
            .set("aggnumdirectargs", def.direct as i16)
            .set("aggtransfn", plain.transition)
            .set("aggfinalfn", plain.finish)
            .set("aggcombinefn", def.combine)
            .set("aggserialfn", def.serialize)
            .set("aggdeserialfn", def.deserialize)
            .set("aggmtransfn", moving.transition)
            .set("aggminvtransfn", def.inverse)
            .set("aggmfinalfn", moving.finish)
            .set("aggfinalextra", plain.extra)
            .set("aggmfinalextra", moving.extra)
            .set("aggfinalmodify", plain.modify)
            .set("aggmfinalmodify", moving.modify)
            .set("aggsortop", def.sort_operator)
            .set("aggtranstype", plain.state)
            .set("aggtransspace", plain.space)
            .set("aggmtranstype", moving.state)
            .set("aggmtransspace", moving.space)
            .set("agginitval", text(&plain.initial))
            .set("aggminitval", text(&moving.initial));
        rows.push(row.done());
    }
    Ok(rows)
}

/// `pg_operator`
pub(super) fn pg_operator(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (oid, name) = (keys.oid(of, "oid"), keys.text(of, "oprname"));
    let row = |o: &func::Operator| {
        let (restriction, join) = data::operator_estimators(o.oid);
        Record::new(of)
            .set("oid", o.oid)
            .set("oprname", o.name)
            .set("oprnamespace", PG_CATALOG)
            .set("oprowner", BOOTSTRAP_SUPERUSER)
            .set("oprkind", if o.left == 0 { b'l' } else { b'b' })
            .set("oprcanmerge", o.merges)
            .set("oprcanhash", o.hashes)
            .set("oprleft", o.left)
            .set("oprright", o.right)
            .set("oprresult", o.result)
            .set("oprcom", o.commutator)
            .set("oprnegate", o.negator)
            .set("oprcode", o.function)
            .set("oprrest", restriction)
            .set("oprjoin", join)
            .done()
    };
    let wanted =
        |o: &&func::Operator| oid.is_none_or(|oid| oid == o.oid) && name.is_none_or(|name| name == o.name);
    let mut rows: RowList = func::all_operators().filter(wanted).map(row).collect();
    for o in cx.view.catalog.operations().operators() {
        if oid.is_some_and(|oid| oid != o.oid) || name.is_some_and(|name| name != &*o.name) {
            continue;
        }
        let row = Record::new(of)
            .set("oid", o.oid)
            .set("oprname", o.name.to_string())
            .set("oprnamespace", o.namespace)
            .set("oprowner", o.owner)
            .set("oprkind", if o.left == 0 { b'l' } else { b'b' })
            .set("oprcanmerge", o.merges)
            .set("oprcanhash", o.hashes)
            .set("oprleft", o.left)
            .set("oprright", o.right)
            .set("oprresult", o.result)
            .set("oprcom", o.commutator)
            .set("oprnegate", o.negator)
            .set("oprcode", o.function)
            .set("oprrest", o.restriction)
            .set("oprjoin", o.join);
        rows.push(row.done());
    }
    rows
}
