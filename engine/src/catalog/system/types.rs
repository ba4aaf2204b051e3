//! Types, casts, collations, access methods.

use std::sync::Arc;

use nq_qsql::catalog::{Relation, UserCastMethod};
use nq_qsql::error::Result;
use nq_qsql::func::access::AccessMethod;
use nq_qsql::func::{self, CastContext, CastMethod};
use nq_qsql::types::user::{DomainConstraint, UserKind, UserType};
use nq_qsql::types::{Datum, Oid, info};

use super::cell::acl_texts;
use super::record::Record;
use super::{Keys, RowList, SystemCx, data};
use crate::catalog::object::bytes::operation::context_letter;
use crate::catalog::{BOOTSTRAP_SUPERUSER, PG_CATALOG};

/// Functions of types: input, output, receive, send, modifier in and out, analyze, subscript.
type Functions = [Oid; 8];

/// `record_in` and its kin: of row types.
const RECORD_FUNCTIONS: Functions = [2290, 2291, 2402, 2403, 0, 0, 0, 0];
/// `enum_in` and its kin.
const ENUM_FUNCTIONS: Functions = [3506, 3507, 3532, 3533, 0, 0, 0, 0];
/// `array_in` and its kin.
const ARRAY_FUNCTIONS: Functions = [750, 751, 2400, 2401, 0, 0, 3816, 6179];
/// `range_in` and its kin.
const RANGE_FUNCTIONS: Functions = [3834, 3835, 3836, 3837, 0, 0, 3916, 0];
/// `multirange_in` and its kin.
const MULTIRANGE_FUNCTIONS: Functions = [4231, 4232, 4233, 4234, 0, 0, 4242, 0];
/// `pg_am.oid` of `btree`.
const BTREE: Oid = 403;
/// `domain_in` and `domain_recv`.
const DOMAIN_IN: Oid = 2597;
const DOMAIN_RECV: Oid = 2598;
const NO_FUNCTIONS: Functions = [0; 8];

/// `pg_type`
pub(super) fn pg_type(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (oid, name) = (keys.oid(of, "oid"), keys.text(of, "typname"));
    let wanted = |o: Oid, n: &str| oid.is_none_or(|oid| oid == o) && name.is_none_or(|name| name == n);
    let built_in: Vec<&info::TypeInfo> = match oid {
        Some(oid) => info::built_in(oid).into_iter().collect(),
        None => info::all().iter().collect(),
    };
    let built_in = built_in.into_iter().filter(|t| wanted(t.oid, &t.name)).map(|t| base_row(of, t));
    let own: Vec<&Arc<UserType>> = match oid {
        Some(oid) => cx.view.catalog.user_type(oid).into_iter().collect(),
        None => super::row_types().into_iter().chain(cx.view.catalog.user_types()).collect(),
    };
    let own = own.into_iter().filter(|t| wanted(t.info.oid, &t.info.name));
    built_in.chain(own.map(|t| user_row(cx, of, t))).collect()
}

/// The functions and the storage of a type.
fn functions_of(oid: Oid) -> (Functions, u8) {
    if let Some((functions, storage)) = data::type_functions(oid) {
        let mut all = NO_FUNCTIONS;
        all.iter_mut().zip(functions).for_each(|(to, from)| *to = *from);
        return (all, storage);
    }
    match info::by_oid(oid).map(|ty| ty.kind) {
        Some(info::TypeKind::Enum) => (ENUM_FUNCTIONS, b'p'),
        Some(info::TypeKind::Composite) => (RECORD_FUNCTIONS, b'x'),
        Some(info::TypeKind::Array) => (ARRAY_FUNCTIONS, b'x'),
        Some(info::TypeKind::Range) => (RANGE_FUNCTIONS, b'x'),
        Some(info::TypeKind::Multirange) => (MULTIRANGE_FUNCTIONS, b'x'),
        Some(info::TypeKind::Domain) => {
            let (base, storage) = functions_of(info::base_type(oid));
            let own = [DOMAIN_IN, base[1], DOMAIN_RECV, base[3], 0, 0, base[6], 0];
            (own, storage)
        }
        _ => (NO_FUNCTIONS, b'p'),
    }
}

/// `typstorage`
pub(crate) fn storage(oid: Oid) -> u8 {
    match info::by_oid(oid) {
        Some(_) => functions_of(oid).1,
        None => b'x',
    }
}

/// `pg_range`
pub(super) fn pg_range(cx: &SystemCx<'_>, of: &Relation) -> Result<RowList> {
    let mut rows = data::static_rows(of)?;
    for object in cx.view.catalog.type_objects() {
        let UserKind::Range(range) = &object.ty.kind else { continue };
        let row = Record::new(of)
            .set("rngtypid", range.info.range)
            .set("rngsubtype", range.info.element)
            .set("rngmultitypid", range.info.multirange)
            .set("rngcollation", range.collation)
            .set("rngsubopc", data::default_operator_class(BTREE, info::base_type(range.info.element)))
            .set("rngcanonical", 0u32)
            .set("rngsubdiff", range.subdiff);
        rows.push(row.done());
    }
    Ok(rows)
}

/// `pg_enum`
pub(super) fn pg_enum(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let one = keys.oid(of, "enumtypid");
    let mut rows = RowList::new();
    for object in cx.view.catalog.type_objects() {
        let oid = object.ty.info.oid;
        let Some(labels) = object.ty.enumeration().filter(|_| one.is_none_or(|one| one == oid)) else {
            continue;
        };
        for label in labels.labels() {
            let row = Record::new(of)
                .set("oid", label.oid)
                .set("enumtypid", oid)
                .set("enumsortorder", label.order)
                .set("enumlabel", &*label.name);
            rows.push(row.done());
        }
    }
    rows
}

/// The constraints of domains in `pg_constraint`.
pub(super) fn domain_constraints(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (one, of_type) = (keys.oid(of, "oid"), keys.oid(of, "contypid"));
    let row =
        |ty: &UserType, kind: u8, constraint: &DomainConstraint, text: Option<Arc<str>>, valid: bool| {
            Record::new(of)
                .set("oid", constraint.oid)
                .set("conname", &*constraint.name)
                .set("connamespace", ty.namespace)
                .set("contype", kind)
                .set("condeferrable", false)
                .set("condeferred", false)
                .set("conenforced", true)
                .set("convalidated", valid)
                .set("conrelid", 0u32)
                .set("contypid", ty.info.oid)
                .set("conindid", 0u32)
                .set("conparentid", 0u32)
                .set("confrelid", 0u32)
                .set("confupdtype", b' ')
                .set("confdeltype", b' ')
                .set("confmatchtype", b' ')
                .set("conislocal", true)
                .set("coninhcount", 0i16)
                .set("connoinherit", false)
                .set("conperiod", false)
                .set("conbin", text)
                .done()
        };
    let mut rows = RowList::new();
    for object in cx.view.catalog.type_objects() {
        let ty = &object.ty;
        let Some(domain) = ty.domain().filter(|_| of_type.is_none_or(|oid| oid == ty.info.oid)) else {
            continue;
        };
        let wanted = |c: &DomainConstraint| one.is_none_or(|oid| oid == c.oid);
        for check in domain.checks.iter().filter(|c| wanted(&c.constraint)) {
            rows.push(row(ty, b'c', &check.constraint, Some(check.text.clone()), check.validated));
        }
        if let Some(constraint) = domain.not_null.as_ref().filter(|c| wanted(c)) {
            rows.push(row(ty, b'n', constraint, None, true));
        }
    }
    rows
}

fn functions<'a>(row: Record<'a>, f: &[Oid]) -> Record<'a> {
    row.set("typinput", f[0])
        .set("typoutput", f[1])
        .set("typreceive", f[2])
        .set("typsend", f[3])
        .set("typmodin", f[4])
        .set("typmodout", f[5])
        .set("typanalyze", f[6])
}

fn base_row(of: &Relation, t: &info::TypeInfo) -> Vec<Datum> {
    let (f, storage) = functions_of(t.oid);
    let row = Record::new(of)
        .set("oid", t.oid)
        .set("typname", &*t.name)
        .set("typnamespace", PG_CATALOG)
        .set("typowner", BOOTSTRAP_SUPERUSER)
        .set("typlen", t.len)
        .set("typbyval", t.by_value)
        .set("typtype", kind(t.kind))
        .set("typcategory", t.category)
        .set("typispreferred", t.preferred)
        .set("typisdefined", true)
        .set("typdelim", t.delim)
        .set("typrelid", 0u32)
        .set("typsubscript", f[7])
        .set("typelem", t.element_oid)
        .set("typarray", t.array_oid);
    functions(row, &f)
        .set("typalign", t.align)
        .set("typstorage", storage)
        .set("typnotnull", false)
        .set("typbasetype", 0u32)
        .set("typtypmod", -1i32)
        .set("typndims", 0i32)
        .set("typcollation", nq_qsql::bind::collation_of(t.oid))
        .done()
}

/// `pg_type.typtype`
fn kind(kind: info::TypeKind) -> u8 {
    match kind {
        info::TypeKind::Base | info::TypeKind::Array => b'b',
        info::TypeKind::Pseudo => b'p',
        info::TypeKind::Range => b'r',
        info::TypeKind::Multirange => b'm',
        info::TypeKind::Enum => b'e',
        info::TypeKind::Domain => b'd',
        info::TypeKind::Composite => b'c',
    }
}

fn user_row(cx: &SystemCx<'_>, of: &Relation, ty: &UserType) -> Vec<Datum> {
    let (t, domain) = (&ty.info, ty.domain());
    let (f, storage) = functions_of(t.oid);
    let list = match ty.kind {
        UserKind::Array => None,
        _ => cx.view.catalog.type_acl(ty),
    };
    let default = domain.and_then(|d| d.default.clone());
    let shown = default.as_deref().map(|text| super::super::domain::shown_default(cx.view, text));
    let row = Record::new(of)
        .set("oid", t.oid)
        .set("typname", &*t.name)
        .set("typnamespace", ty.namespace)
        .set("typowner", ty.owner)
        .set("typlen", t.len)
        .set("typbyval", t.by_value)
        .set("typtype", kind(t.kind))
        .set("typcategory", t.category)
        .set("typispreferred", t.preferred)
        .set("typisdefined", true)
        .set("typdelim", t.delim)
        .set("typrelid", ty.relation().map_or(0, |r| r.oid))
        .set("typsubscript", f[7])
        .set("typelem", t.element_oid)
        .set("typarray", t.array_oid);
    let collation = match (domain, &ty.kind) {
        (Some(domain), _) => domain.collation,
        _ => nq_qsql::bind::collation_of(t.oid),
    };
    functions(row, &f)
        .set("typalign", t.align)
        .set("typstorage", storage)
        .set("typnotnull", domain.is_some_and(|d| d.not_null.is_some()))
        .set("typbasetype", domain.map_or(0, |d| d.over.oid))
        .set("typtypmod", domain.map_or(-1, |d| d.over.typmod))
        .set("typndims", i32::from(domain.is_some_and(|d| info::element_of(d.over.oid).is_some())))
        .set("typcollation", collation)
        .set("typdefaultbin", default)
        .set("typdefault", shown)
        .set("typacl", acl_texts(cx, list))
        .done()
}

/// `pg_cast`
pub(super) fn pg_cast(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |oid: Oid, source: Oid, target: Oid, context: CastContext, (method, function): (u8, Oid)| {
        Record::new(of)
            .set("oid", oid)
            .set("castsource", source)
            .set("casttarget", target)
            .set("castfunc", function)
            .set("castcontext", context_letter(context))
            .set("castmethod", method)
            .done()
    };
    let built_in = func::all_casts().map(|c| {
        let method = match c.method {
            CastMethod::Function(oid) => (b'f', oid),
            CastMethod::Binary => (b'b', 0),
            CastMethod::InOut => (b'i', 0),
        };
        row(c.oid, c.source, c.target, c.context, method)
    });
    let users = cx.view.catalog.operations().casts().into_iter().map(|c| {
        let method = match c.method {
            UserCastMethod::Function(oid) => (b'f', oid),
            UserCastMethod::Binary => (b'b', 0),
            UserCastMethod::InOut => (b'i', 0),
        };
        row(c.oid, c.source, c.target, c.context, method)
    });
    built_in.chain(users).collect()
}

/// `pg_am`
pub(super) fn pg_am(of: &Relation) -> RowList {
    let row = |(oid, name, handler, kind): (u32, &str, u32, u8)| {
        Record::new(of)
            .set("oid", oid)
            .set("amname", name)
            .set("amhandler", handler)
            .set("amtype", kind)
            .done()
    };
    let indexes = AccessMethod::ALL.map(|m| (m.oid(), m.name(), m.handler(), b'i'));
    std::iter::once((2, "heap", 3, b't')).chain(indexes).map(row).collect()
}

/// `pg_collation`
pub(super) fn pg_collation(of: &Relation) -> RowList {
    let row = |(oid, name, provider, rules): (u32, &str, u8, Option<&str>)| {
        Record::new(of)
            .set("oid", oid)
            .set("collname", name)
            .set("collnamespace", PG_CATALOG)
            .set("collowner", BOOTSTRAP_SUPERUSER)
            .set("collprovider", provider)
            .set("collisdeterministic", true)
            .set("collencoding", -1i32)
            .set("collcollate", rules)
            .set("collctype", rules)
            .done()
    };
    [(100, "default", b'd', None), (950, "C", b'c', Some("C")), (951, "POSIX", b'c', Some("POSIX"))]
        .into_iter()
        .map(row)
        .collect()
}
