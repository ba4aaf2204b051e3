//! What belongs to the cluster: databases, roles, parameters; and the built-in types and functions.

use nq_qsql::catalog::Relation;
use nq_qsql::func::{self, Volatility};
use nq_qsql::types::{info, oid};

use super::cell::{texts, vector};
use super::record::Record;
use super::{RowList, SystemCx};
use crate::catalog::{BOOTSTRAP_SUPERUSER, PG_CATALOG};
use crate::settings::Kind;

/// `pg_database`
pub(super) fn pg_database(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |d: &&std::sync::Arc<crate::catalog::object::DatabaseObject>| {
        Record::new(of)
            .set("oid", d.oid)
            .set("datname", d.name.clone())
            .set("datdba", d.owner)
            .set("encoding", 6i32)
            .set("datlocprovider", b'b')
            .set("datistemplate", d.is_template)
            .set("datallowconn", d.allow_connections)
            .set("dathasloginevt", false)
            .set("datconnlimit", d.connection_limit)
            .set("dattablespace", 1663u32)
            .set("datcollate", "C")
            .set("datctype", "C")
            .set("datlocale", "C.UTF-8")
            .done()
    };
    cx.view.cluster.databases().iter().map(row).collect()
}

/// `pg_roles` and `pg_authid`
pub(super) fn roles(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let hidden = &*of.name == "pg_roles";
    let may_see = cx.view.cluster.is_superuser(cx.user);
    let row = |r: &&std::sync::Arc<crate::catalog::object::Role>| {
        let verifier = if may_see { r.verifier.clone() } else { None };
        Record::new(of)
            .set("oid", r.oid)
            .set("rolname", r.name.clone())
            .set("rolsuper", r.superuser)
            .set("rolinherit", r.inherit)
            .set("rolcreaterole", r.create_role)
            .set("rolcreatedb", r.create_db)
            .set("rolcanlogin", r.login)
            .set("rolreplication", r.replication)
            .set("rolbypassrls", r.bypass_rls)
            .set("rolconnlimit", r.connection_limit)
            .set("rolpassword", if hidden { Some("********".into()) } else { verifier })
            .done()
    };
    cx.view.cluster.roles().iter().map(row).collect()
}

/// `pg_settings`
pub(super) fn pg_settings(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |fact: &super::SettingFact| {
        let d = fact.definition;
        let (kind, words, min, max) = match &d.kind {
            Kind::Bool => ("bool", None, None, None),
            Kind::Int { min, max } => ("integer", None, Some(min.to_string()), Some(max.to_string())),
            Kind::Real { min, max } => ("real", None, Some(min.to_string()), Some(max.to_string())),
            Kind::Text => ("string", None, None, None),
            Kind::Enum(words) => ("enum", Some(texts(words.iter().copied())), None, None),
        };
        Record::new(of)
            .set("name", d.name)
            .set("setting", fact.setting.clone())
            .set("unit", Some(d.unit).filter(|u| !u.is_empty()))
            .set("category", d.category)
            .set("short_desc", d.description)
            .set("context", format!("{:?}", d.context).to_lowercase())
            .set("vartype", kind)
            .set("source", fact.source)
            .set("min_val", min)
            .set("max_val", max)
            .set("enumvals", words)
            .set("boot_val", d.default.plain())
            .set("reset_val", fact.reset.clone())
            .set("pending_restart", false)
            .done()
    };
    cx.session.settings.iter().map(row).collect()
}

/// `pg_type`
pub(super) fn pg_type(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |t: &info::TypeInfo| {
        Record::new(of)
            .set("oid", t.oid)
            .set("typname", t.name)
            .set("typnamespace", PG_CATALOG)
            .set("typowner", BOOTSTRAP_SUPERUSER)
            .set("typlen", t.len)
            .set("typbyval", t.by_value)
            .set("typtype", t.kind as u8)
            .set("typcategory", t.category)
            .set("typispreferred", t.preferred)
            .set("typisdefined", true)
            .set("typdelim", t.delim)
            .set("typrelid", 0u32)
            .set("typelem", t.element_oid)
            .set("typarray", t.array_oid)
            .set("typalign", t.align)
            .set("typstorage", if t.len >= 0 { b'p' } else { b'x' })
            .set("typnotnull", false)
            .set("typbasetype", 0u32)
            .set("typtypmod", -1i32)
            .set("typndims", 0i32)
            .set("typcollation", nq_qsql::bind::collation_of(t.oid))
            .set("typinput", 0u32)
            .set("typoutput", 0u32)
            .set("typreceive", 0u32)
            .set("typsend", 0u32)
            .done()
    };
    let rows = cx.view.catalog.relations().into_iter().filter(|o| o.row_type != 0).map(|o| {
        Record::new(of)
            .set("oid", o.row_type)
            .set("typname", &*o.relation.name)
            .set("typnamespace", o.relation.namespace)
            .set("typowner", o.relation.owner)
            .set("typlen", -1i16)
            .set("typbyval", false)
            .set("typtype", b'c')
            .set("typcategory", b'C')
            .set("typispreferred", false)
            .set("typisdefined", true)
            .set("typdelim", b',')
            .set("typrelid", o.relation.oid)
            .set("typelem", 0u32)
            .set("typarray", 0u32)
            .set("typbasetype", 0u32)
            .set("typtypmod", -1i32)
            .set("typnotnull", false)
            .set("typcollation", 0u32)
            .done()
    });
    info::all().iter().map(row).chain(rows).collect()
}

/// `pg_am`
pub(super) fn pg_am(of: &Relation) -> RowList {
    let row = |(oid, name, kind): (u32, &str, u8)| {
        Record::new(of).set("oid", oid).set("amname", name).set("amtype", kind).done()
    };
    [(2, "heap", b't'), (403, "btree", b'i')].into_iter().map(row).collect()
}

/// `pg_collation`
pub(super) fn pg_collation(of: &Relation) -> RowList {
    let row = |(oid, name, provider): (u32, &str, u8)| {
        Record::new(of)
            .set("oid", oid)
            .set("collname", name)
            .set("collnamespace", PG_CATALOG)
            .set("collowner", BOOTSTRAP_SUPERUSER)
            .set("collprovider", provider)
            .set("collisdeterministic", true)
            .set("collencoding", -1i32)
            .done()
    };
    [(100, "default", b'd'), (950, "C", b'c'), (951, "POSIX", b'c')].into_iter().map(row).collect()
}

/// `pg_proc`
pub(super) fn pg_proc(of: &Relation) -> RowList {
    let row = |f: &func::Function| {
        let kind = match f.body {
            func::Body::Aggregate(_) => b'a',
            func::Body::Window => b'w',
            _ => b'f',
        };
        let volatility = match f.volatility {
            Volatility::Immutable => b'i',
            Volatility::Stable => b's',
            Volatility::Volatile => b'v',
        };
        Record::new(of)
            .set("oid", f.oid)
            .set("proname", f.name)
            .set("pronamespace", PG_CATALOG)
            .set("proowner", BOOTSTRAP_SUPERUSER)
            .set("prolang", 12u32)
            .set("provariadic", f.variadic)
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
    };
    func::all_functions().map(row).collect()
}

/// `pg_operator`
pub(super) fn pg_operator(of: &Relation) -> RowList {
    let row = |o: &func::Operator| {
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
            .done()
    };
    func::all_operators().map(row).collect()
}
